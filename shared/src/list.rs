//! Sixth stage of the line: a commune's households become its list, and a list becomes bytes.
//!
//! Submission freezes a list: rows in our own canonical encoding and one root over them. Return,
//! approval and recognition name that root; rates read nothing but such bytes.

use serde::{Deserialize, Serialize};

use crate::canonical::{Decoder, Encoder, Malformed};
use crate::classify::{B1Method, Class};
use crate::id::{CampaignId, ChangeHash, Digest, DocumentId, HouseholdId, sha256};
use crate::unit::Area;

/// What the visit to a household came to, as far as the list is concerned.
///
/// Source: practice of the field (unverified), see `LEGAL.md`, "Outcomes of a visit": refused and
/// not found are no class; the steering committee decides with minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Asked and classified.
    Surveyed,
    /// Moved out, joined another household or died out: leaves the list.
    Left,
    /// No final outcome yet.
    Pending,
}

impl Outcome {
    /// Reads the outcome code of Phiếu B; one that is disputed or absent is pending.
    pub fn of_code(code: Option<&str>) -> Self {
        match code {
            Some("surveyed" | "moved_in" | "split") => Self::Surveyed,
            Some("moved_out" | "joined" | "died_out") => Self::Left,
            _ => Self::Pending,
        }
    }
}

/// How many of a household's changes came by which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Signed by an enrolled device.
    pub device: u32,
    /// Came through the standard door on a ticket.
    pub session: u32,
    /// Written in an office by a named official, or by the import of the opening list.
    pub desk: u32,
}

/// One household on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Household id.
    pub household: HouseholdId,
    /// Document id.
    pub document: DocumentId,
    /// Hamlet code.
    pub hamlet: String,
    /// Area type of the hamlet.
    pub area: Area,
    /// What the visit came to.
    pub outcome: Outcome,
    /// Class, for a surveyed household.
    pub class: Option<Class>,
    /// B1 points.
    pub b1: Option<i64>,
    /// How B1 was come by.
    pub b1_method: Option<B1Method>,
    /// Code and version of the score table that B1 was computed with.
    pub table: Option<String>,
    /// B2 points.
    pub b2: Option<i64>,
    /// Codes of the indicators the household is deprived in, in the standard's order.
    pub deprived: Vec<String>,
    /// Members who count.
    pub members: u32,
    /// Ethnic-minority household (hộ DTTS) by the campaign's rule.
    pub dtts: bool,
    /// Ethnicity of the head, two digits; empty where not known.
    pub ethnicity: String,
    /// Causes ticked, 1 to 8.
    pub causes: Vec<u8>,
    /// Class on the opening list; none for an applicant.
    pub opening: Option<Class>,
    /// DTTS household on the opening list.
    pub opening_dtts: bool,
    /// How its changes came in.
    pub provenance: Provenance,
    /// SHA-256 over the sorted hashes of every change the row rests on.
    pub changes: Digest,
}

/// Registered counts of one hamlet: the denominators, entered by the commune.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hamlet {
    /// Code, unique in the campaign.
    pub code: String,
    /// Type word: thôn, bản, khối, khóm, khu phố, tổ dân phố.
    pub type_word: String,
    /// Name without the type word.
    pub name: String,
    /// Area type, which decides the thresholds.
    pub area: Area,
    /// Counts at the review date.
    pub closing: Registered,
    /// Counts at the opening date.
    pub opening: Registered,
    /// Where the counts come from.
    pub source: String,
}

/// Registered households and persons on one date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Resident households (hộ dân cư).
    pub households: u64,
    /// Persons (nhân khẩu).
    pub persons: u64,
    /// Ethnic-minority households.
    pub dtts_households: u64,
    /// Persons in ethnic-minority households.
    pub dtts_persons: u64,
}

/// A commune's list: the basis it was made on, the denominators and the rows by household id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Campaign.
    pub campaign: CampaignId,
    /// Unit code, in force at the review date.
    pub unit: String,
    /// Review date, `YYYY-MM-DD`.
    pub review_date: String,
    /// Code of the standard.
    pub standard: String,
    /// Hamlets by code.
    pub hamlets: Vec<Hamlet>,
    /// Rows by household id.
    pub rows: Vec<Row>,
}

/// What one household of a draft list still lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Open disputes, side branches of copied phones among them.
    pub disputes: u32,
    /// Answers or inputs without which it cannot be classified.
    pub missing: Vec<String>,
}

/// Why a list cannot be submitted yet. Each names what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "blocker")]
pub enum Blocker {
    /// People disagree about answers of this household.
    Disputes {
        /// Which household.
        household: HouseholdId,
        /// How many answers.
        disputes: u32,
    },
    /// The visit has no final outcome.
    NoOutcome {
        /// Which household.
        household: HouseholdId,
    },
    /// Surveyed, but the class cannot be told.
    Unclassified {
        /// Which household.
        household: HouseholdId,
        /// Keys of what is missing.
        missing: Vec<String>,
    },
    /// A device with assigned work has not checked in since it took the work out.
    DeviceSilent {
        /// Name the device was enrolled under.
        device: String,
    },
    /// The hamlet has no registered counts.
    CountsMissing {
        /// Hamlet code.
        hamlet: String,
    },
}

/// Names everything that keeps a draft list from being submitted.
pub fn blockers(list: &List, open: &[Open], silent_devices: &[String]) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for (row, open) in list.rows.iter().zip(open) {
        let household = row.household;
        if open.disputes > 0 {
            blockers.push(Blocker::Disputes { household, disputes: open.disputes });
        }
        match (row.outcome, row.class) {
            (Outcome::Pending, _) => blockers.push(Blocker::NoOutcome { household }),
            (Outcome::Surveyed, None | Some(Class::Insufficient)) => {
                blockers.push(Blocker::Unclassified { household, missing: open.missing.clone() });
            }
            (Outcome::Surveyed, Some(Class::Poor | Class::NearPoor | Class::Above))
            | (Outcome::Left, _) => {}
        }
    }
    let silent = silent_devices.iter();
    blockers.extend(silent.map(|device| Blocker::DeviceSilent { device: device.clone() }));
    for hamlet in list.hamlets.iter().filter(|hamlet| hamlet.closing.households == 0) {
        blockers.push(Blocker::CountsMissing { hamlet: hamlet.code.clone() });
    }
    blockers
}

/// Digests the changes a row rests on, in any order given.
pub fn changes_digest(hashes: &[ChangeHash]) -> Digest {
    let mut sorted = hashes.to_vec();
    sorted.sort_unstable();
    let bytes: Vec<u8> = sorted.iter().flat_map(|hash| hash.0).collect();
    Digest(sha256(&bytes))
}

/// Freezes a list: its canonical bytes and their root. Equal lists give equal bytes anywhere.
pub fn freeze(list: &List) -> (Vec<u8>, Digest) {
    let mut sorted = list.clone();
    sorted.hamlets.sort_by(|a, b| a.code.cmp(&b.code));
    sorted.rows.sort_by_key(|row| row.household);
    let mut out = Encoder::new("rasoat list 1");
    out.bytes(&sorted.campaign.0);
    for text in [&sorted.unit, &sorted.review_date, &sorted.standard] {
        out.text(text);
    }
    out.count(sorted.hamlets.len());
    for hamlet in &sorted.hamlets {
        encode_hamlet(&mut out, hamlet);
    }
    out.count(sorted.rows.len());
    for row in &sorted.rows {
        encode_row(&mut out, row);
    }
    let bytes = out.finish();
    let root = Digest(sha256(&bytes));
    (bytes, root)
}

/// Reads frozen bytes back. Bytes that would encode otherwise are refused.
pub fn thaw(bytes: &[u8]) -> Result<List, Malformed> {
    let mut input = Decoder::new(bytes, "rasoat list 1")?;
    let campaign = CampaignId(input.array()?);
    let (unit, review_date, standard) = (input.text()?, input.text()?, input.text()?);
    let hamlets =
        (0..input.count()?).map(|_| decode_hamlet(&mut input)).collect::<Result<_, _>>()?;
    let rows = (0..input.count()?).map(|_| decode_row(&mut input)).collect::<Result<_, _>>()?;
    input.end()?;
    Ok(List { campaign, unit, review_date, standard, hamlets, rows })
}

fn encode_hamlet(out: &mut Encoder, hamlet: &Hamlet) {
    for text in [&hamlet.code, &hamlet.type_word, &hamlet.name] {
        out.text(text);
    }
    out.byte(area_code(hamlet.area));
    for counts in [hamlet.closing, hamlet.opening] {
        for count in
            [counts.households, counts.persons, counts.dtts_households, counts.dtts_persons]
        {
            out.number(count);
        }
    }
    out.text(&hamlet.source);
}

fn decode_hamlet(input: &mut Decoder<'_>) -> Result<Hamlet, Malformed> {
    let (code, type_word, name) = (input.text()?, input.text()?, input.text()?);
    let area = decode_area(input)?;
    let mut counts = || -> Result<Registered, Malformed> {
        Ok(Registered {
            households: input.number()?,
            persons: input.number()?,
            dtts_households: input.number()?,
            dtts_persons: input.number()?,
        })
    };
    let (closing, opening) = (counts()?, counts()?);
    Ok(Hamlet { code, type_word, name, area, closing, opening, source: input.text()? })
}

fn encode_row(out: &mut Encoder, row: &Row) {
    out.bytes(&row.household.0);
    out.bytes(&row.document.0);
    out.text(&row.hamlet);
    out.byte(area_code(row.area));
    out.byte(match row.outcome {
        Outcome::Surveyed => 0,
        Outcome::Left => 1,
        Outcome::Pending => 2,
    });
    out.byte(class_code(row.class));
    out.option(row.b1, Encoder::signed);
    out.byte(match row.b1_method {
        None => 0,
        Some(B1Method::Computed) => 1,
        Some(B1Method::ItemPoints) => 2,
        Some(B1Method::Entered) => 3,
    });
    out.option(row.table.as_deref(), Encoder::text);
    out.option(row.b2, Encoder::signed);
    out.count(row.deprived.len());
    for code in &row.deprived {
        out.text(code);
    }
    out.number(u64::from(row.members));
    out.byte(u8::from(row.dtts));
    out.text(&row.ethnicity);
    out.count(row.causes.len());
    for cause in &row.causes {
        out.byte(*cause);
    }
    out.byte(class_code(row.opening));
    out.byte(u8::from(row.opening_dtts));
    for count in [row.provenance.device, row.provenance.session, row.provenance.desk] {
        out.number(u64::from(count));
    }
    out.bytes(&row.changes.0);
}

fn decode_row(input: &mut Decoder<'_>) -> Result<Row, Malformed> {
    Ok(Row {
        household: HouseholdId(input.array()?),
        document: DocumentId(input.array()?),
        hamlet: input.text()?,
        area: decode_area(input)?,
        outcome: match input.byte()? {
            0 => Outcome::Surveyed,
            1 => Outcome::Left,
            2 => Outcome::Pending,
            _ => return Err(Malformed),
        },
        class: decode_class(input)?,
        b1: input.option(Decoder::signed)?,
        b1_method: match input.byte()? {
            0 => None,
            1 => Some(B1Method::Computed),
            2 => Some(B1Method::ItemPoints),
            3 => Some(B1Method::Entered),
            _ => return Err(Malformed),
        },
        table: input.option(Decoder::text)?,
        b2: input.option(Decoder::signed)?,
        deprived: (0..input.count()?).map(|_| input.text()).collect::<Result<_, _>>()?,
        members: input.small()?,
        dtts: input.flag()?,
        ethnicity: input.text()?,
        causes: (0..input.count()?).map(|_| input.byte()).collect::<Result<_, _>>()?,
        opening: decode_class(input)?,
        opening_dtts: input.flag()?,
        provenance: Provenance {
            device: input.small()?,
            session: input.small()?,
            desk: input.small()?,
        },
        changes: Digest(input.array()?),
    })
}

fn area_code(area: Area) -> u8 {
    match area {
        Area::Urban => 0,
        Area::Rural => 1,
    }
}

fn decode_area(input: &mut Decoder<'_>) -> Result<Area, Malformed> {
    match input.byte()? {
        0 => Ok(Area::Urban),
        1 => Ok(Area::Rural),
        _ => Err(Malformed),
    }
}

fn class_code(class: Option<Class>) -> u8 {
    match class {
        None => 0,
        Some(Class::Poor) => 1,
        Some(Class::NearPoor) => 2,
        Some(Class::Above) => 3,
        Some(Class::Insufficient) => 4,
    }
}

fn decode_class(input: &mut Decoder<'_>) -> Result<Option<Class>, Malformed> {
    Ok(match input.byte()? {
        0 => None,
        1 => Some(Class::Poor),
        2 => Some(Class::NearPoor),
        3 => Some(Class::Above),
        4 => Some(Class::Insufficient),
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(crate) fn row(id: u8) -> Row {
        Row {
            household: HouseholdId([id; 16]),
            document: DocumentId([id; 16]),
            hamlet: "19333-01".into(),
            area: Area::Rural,
            outcome: Outcome::Surveyed,
            class: Some(Class::Poor),
            b1: Some(120),
            b1_method: Some(B1Method::Computed),
            table: Some("b1-synthetic@1".into()),
            b2: Some(30),
            deprived: vec!["water".into(), "latrine".into(), "telecom".into()],
            members: 4,
            dtts: true,
            ethnicity: "23".into(),
            causes: vec![1, 8],
            opening: Some(Class::NearPoor),
            opening_dtts: true,
            provenance: Provenance { device: 4, session: 0, desk: 1 },
            changes: changes_digest(&[ChangeHash([id; 32])]),
        }
    }

    pub(crate) fn list(rows: Vec<Row>) -> List {
        let closing =
            Registered { households: 300, persons: 1200, dtts_households: 200, dtts_persons: 900 };
        List {
            campaign: CampaignId([9; 16]),
            unit: "19333".into(),
            review_date: "2022-12-14".into(),
            standard: "nd-07-2021".into(),
            hamlets: vec![Hamlet {
                code: "19333-01".into(),
                type_word: "thôn".into(),
                name: "Một".into(),
                area: Area::Rural,
                closing,
                opening: closing,
                source: "synthetic".into(),
            }],
            rows,
        }
    }

    #[test]
    fn a_frozen_list_reads_back_and_order_changes_nothing() {
        let (bytes, root) = freeze(&list(vec![row(1), row(2)]));
        let again = freeze(&list(vec![row(2), row(1)]));
        assert_eq!((bytes.clone(), root), again);
        assert_eq!(thaw(&bytes).unwrap(), list(vec![row(1), row(2)]));
    }

    #[test]
    fn every_changed_byte_is_refused_or_gives_another_root() {
        let (bytes, root) = freeze(&list(vec![row(1)]));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            if let Ok(read) = thaw(&damaged) {
                let (again, other) = freeze(&read);
                assert_ne!(other, root, "byte {at}");
                assert_eq!(again, damaged, "byte {at}: two encodings of one list");
            }
        }
        assert!(thaw(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn nothing_open_slips_through() {
        let mut pending = row(2);
        pending.outcome = Outcome::Pending;
        pending.class = None;
        let mut unclassified = row(3);
        unclassified.class = Some(Class::Insufficient);
        let disputed = Open { disputes: 2, missing: vec![] };
        let found = blockers(
            &list(vec![row(1), pending, unclassified, row(4)]),
            &[disputed, Open::default(), Open::default(), Open::default()],
            &["máy thôn Một".into()],
        );
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(blockers(&list(vec![row(1)]), &[Open::default()], &[]).is_empty());
    }
}
