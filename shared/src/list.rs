//! Sixth stage of the line: a commune's households become its list, and a list becomes bytes.
//!
//! Submission freezes a list: rows in our own canonical encoding and one root over them. Return,
//! approval and recognition name that root; rates read nothing but such bytes.

mod bytes;

use serde::{Deserialize, Serialize};

use crate::classify::{B1Method, Class};
use crate::id::{CampaignId, ChangeHash, Digest, DocumentId, HouseholdId, sha256};
use crate::life::Life;
use crate::unit::Area;

pub use self::bytes::{freeze, thaw};

/// What the visit to a household came to, as far as the list is concerned.
///
/// Source: practice of the field (unverified), see `LEGAL.md`, "Outcomes of a visit": refused and
/// not found are no class; the steering committee decides with minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Asked and classified.
    Surveyed,
    /// Not asked; the steering committee decided that it stays in the class it had.
    Kept,
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
    /// Class, for a surveyed household or one that was kept.
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
    /// Disputes on which nothing hangs, settled by a rule, by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_rule: Vec<ByRule>,
    /// What became of the household itself.
    #[serde(default)]
    pub life: Life,
    /// The household it split from or joined, where that is known.
    #[serde(default)]
    pub kin: Option<HouseholdId>,
}

impl Row {
    /// Returns the class it has after the review, where it stays under review at all.
    pub fn after(&self) -> Option<Class> {
        match self.outcome {
            Outcome::Surveyed | Outcome::Kept => self.class,
            Outcome::Left | Outcome::Pending => None,
        }
    }
}

/// What a rule chose between competing values: named by the changes behind it, never by the value,
/// which may be somebody's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByRule {
    /// Which answer, as a path is written.
    pub path: String,
    /// Name and version of the rule.
    pub rule: String,
    /// Changes that wrote the value chosen, sorted; none where it is that there is no answer.
    pub changes: Vec<ChangeHash>,
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
    /// Disputes that a person must decide, side branches of copied phones among them.
    pub disputes: u32,
    /// Disputes on which nothing hangs and that a rule settled; they keep nothing from going.
    #[serde(default)]
    pub by_rule: u32,
    /// Changes that cannot be read into the document.
    #[serde(default)]
    pub broken: u32,
    /// Answers or inputs without which it cannot be classified.
    pub missing: Vec<String>,
}

/// How far a device that works in a unit has come with handing in. Times are the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handing {
    /// Its person is assigned a hamlet of the unit now.
    pub assigned: bool,
    /// When households newly in its scope were last sent to it.
    pub work_out_ms: Option<i64>,
    /// When it last said that all its work is handed in.
    pub checked_in_ms: Option<i64>,
}

impl Handing {
    /// Tells whether the list must wait for the device.
    ///
    /// One that never synced may hold families it registered itself; only its own word clears it.
    pub fn is_silent(self) -> bool {
        match (self.checked_in_ms, self.work_out_ms) {
            (None, out) => self.assigned || out.is_some(),
            (Some(checked_in), Some(out)) => checked_in < out,
            (Some(_), None) => false,
        }
    }
}

/// Work of a unit that is stored but no part of its list, by what a person has to do about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Changes that wait for one that has not arrived.
    pub waiting: u64,
    /// Changes that somebody has to let in or leave out.
    pub held: u64,
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
    /// The unit has no hamlets at all, so nothing to divide by.
    NoHamlets,
    /// The hamlet has no registered counts.
    CountsMissing {
        /// Hamlet code.
        hamlet: String,
    },
    /// The hamlet has more poor and near-poor households than it has households.
    CountsTooSmall {
        /// Hamlet code.
        hamlet: String,
    },
    /// A change of the household cannot be read into its document.
    Broken {
        /// Which household.
        household: HouseholdId,
    },
    /// Work was set aside that nobody has decided on.
    SetAside(Aside),
}

/// Names everything that keeps a draft list from being submitted.
///
/// `aside` counts what nobody has decided on: somebody lets it in, or leaves it out by name.
pub fn blockers(
    list: &List,
    open: &[Open],
    silent_devices: &[String],
    aside: Aside,
) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for (row, open) in list.rows.iter().zip(open) {
        let household = row.household;
        if open.disputes > 0 {
            blockers.push(Blocker::Disputes { household, disputes: open.disputes });
        }
        if open.broken > 0 {
            blockers.push(Blocker::Broken { household });
        }
        match (row.outcome, row.class) {
            (Outcome::Pending, _) => blockers.push(Blocker::NoOutcome { household }),
            (Outcome::Surveyed | Outcome::Kept, None | Some(Class::Insufficient)) => {
                blockers.push(Blocker::Unclassified { household, missing: open.missing.clone() });
            }
            (
                Outcome::Surveyed | Outcome::Kept,
                Some(Class::Poor | Class::NearPoor | Class::Above),
            )
            | (Outcome::Left, _) => {}
        }
    }
    let silent = silent_devices.iter();
    blockers.extend(silent.map(|device| Blocker::DeviceSilent { device: device.clone() }));
    if list.hamlets.is_empty() {
        blockers.push(Blocker::NoHamlets);
    }
    blockers.extend(list.hamlets.iter().filter_map(|hamlet| count_blocker(list, hamlet)));
    if aside != Aside::default() {
        blockers.push(Blocker::SetAside(aside));
    }
    blockers
}

/// Holds a hamlet's registered counts against the rows that are counted into them.
fn count_blocker(list: &List, hamlet: &Hamlet) -> Option<Blocker> {
    let poor = |class| matches!(class, Some(Class::Poor | Class::NearPoor));
    let here = || list.rows.iter().filter(|row| row.hamlet == hamlet.code);
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let closing = here().filter(|row| poor(row.after()));
    let (all, dtts) =
        closing.fold((0, 0), |(all, dtts), row| (all + 1, dtts + u64::from(row.dtts)));
    let opening = count(here().filter(|row| poor(row.opening)).count());
    let code = hamlet.code.clone();
    if hamlet.closing.households == 0 {
        return Some(Blocker::CountsMissing { hamlet: code });
    }
    let too_small = all > hamlet.closing.households
        || dtts > hamlet.closing.dtts_households
        || opening > hamlet.opening.households;
    too_small.then_some(Blocker::CountsTooSmall { hamlet: code })
}

/// Digests the changes a row rests on, in any order given.
pub fn changes_digest(hashes: &[ChangeHash]) -> Digest {
    let mut sorted = hashes.to_vec();
    sorted.sort_unstable();
    let bytes: Vec<u8> = sorted.iter().flat_map(|hash| hash.0).collect();
    Digest(sha256(&bytes))
}

#[cfg(test)]
pub(crate) mod tests {
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
            by_rule: Vec::new(),
            life: Life::Same,
            kin: None,
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

    fn settled_by_rule(id: u8) -> Row {
        let chosen = ByRule {
            path: "answers/notes".into(),
            rule: "fit-then-first@1".into(),
            changes: vec![ChangeHash([id; 32]), ChangeHash([200; 32])],
        };
        Row { by_rule: vec![chosen], ..row(id) }
    }

    #[test]
    fn what_a_rule_chose_is_under_the_root_and_changes_no_list_without_it() {
        let (plain, root) = freeze(&list(vec![row(1), row(2)]));
        assert!(plain.windows(13).any(|bytes| bytes == b"rasoat list 1"), "as before");
        let with = list(vec![row(1), settled_by_rule(2)]);
        let (bytes, other) = freeze(&with);
        assert_ne!(root, other);
        assert_eq!(thaw(&bytes).unwrap(), with);
    }

    #[test]
    fn what_became_of_a_household_is_under_the_root_and_changes_no_list_without_it() {
        let (_, root) = freeze(&list(vec![row(1)]));
        let (kept, joined) = (Outcome::Kept, Some(HouseholdId([9; 16])));
        for other in [
            Row { outcome: kept, ..row(1) },
            Row { life: Life::Split, ..row(1) },
            Row { kin: joined, ..row(1) },
        ] {
            let with = list(vec![other]);
            let (bytes, other) = freeze(&with);
            assert_ne!(root, other);
            assert_eq!(thaw(&bytes).unwrap(), with);
            let mut before = bytes.clone();
            let at = before.windows(13).position(|part| part == b"rasoat list 2").unwrap();
            before[at + 12] = b'1';
            assert!(thaw(&before).is_err(), "the first encoding cannot say it");
        }
    }

    #[test]
    fn every_changed_byte_is_refused_or_gives_another_root() {
        every_byte_counts(vec![row(1)]);
        every_byte_counts(vec![row(1), settled_by_rule(2)]);
        every_byte_counts(vec![Row {
            life: Life::Joined,
            kin: Some(HouseholdId([9; 16])),
            ..row(1)
        }]);
    }

    fn every_byte_counts(rows: Vec<Row>) {
        let (bytes, root) = freeze(&list(rows));
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
        let disputed = Open { disputes: 2, ..Open::default() };
        let found = blockers(
            &list(vec![row(1), pending, unclassified, row(4)]),
            &[disputed, Open::default(), Open::default(), Open::default()],
            &["máy thôn Một".into()],
            Aside { waiting: 1, held: 0 },
        );
        assert_eq!(found.len(), 5, "{found:?}");
        let sound = list(vec![row(1)]);
        assert!(blockers(&sound, &[Open::default()], &[], Aside::default()).is_empty());
        let bare = List { hamlets: vec![], ..sound.clone() };
        let found = blockers(&bare, &[Open::default()], &[], Aside::default());
        assert_eq!(found, [Blocker::NoHamlets]);
        let mut small = sound;
        small.hamlets[0].closing.households = 1;
        small.hamlets[0].closing.dtts_households = 0;
        let found = blockers(&small, &[Open::default()], &[], Aside::default());
        assert_eq!(found, [Blocker::CountsTooSmall { hamlet: "19333-01".into() }]);
    }

    #[test]
    fn a_device_is_silent_until_its_own_word_after_the_last_work_it_took() {
        let handing =
            |assigned, work_out_ms, checked_in_ms| Handing { assigned, work_out_ms, checked_in_ms };
        assert!(handing(true, None, None).is_silent(), "it may have registered families");
        assert!(!handing(false, None, None).is_silent());
        assert!(handing(false, Some(1), None).is_silent(), "it still holds what it took");
        assert!(handing(true, Some(2), Some(1)).is_silent());
        assert!(!handing(true, Some(1), Some(1)).is_silent());
    }
}
