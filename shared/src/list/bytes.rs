//! A list as canonical bytes and back: what is frozen, and what its root is taken over.

use super::{ByRule, Hamlet, List, Outcome, Provenance, Registered, Row};
use crate::canonical::{Decoder, Encoder, Malformed};
use crate::classify::{B1Method, Class};
use crate::id::{CampaignId, ChangeHash, Digest, DocumentId, HouseholdId, sha256};
use crate::life::Life;
use crate::unit::Area;

/// Encoding of lists whose rows say no more than [`is_plain`] tells.
const PLAIN: &str = "rasoat list 1";

/// Encoding of lists of which some row says more.
const FULL: &str = "rasoat list 2";

/// Tells whether the first encoding can say all of a row: no rule chose anything in it, and nothing
/// became of the household itself.
fn is_plain(row: &Row) -> bool {
    let same = row.life == Life::Same && row.kin.is_none();
    row.by_rule.is_empty() && same && row.outcome != Outcome::Kept
}

/// Freezes a list: its canonical bytes and their root. Equal lists give equal bytes anywhere.
///
/// A list has one encoding: the second only where the first cannot say all of it, so the roots of
/// lists that were frozen before there was more to say hold.
pub fn freeze(list: &List) -> (Vec<u8>, Digest) {
    let mut sorted = list.clone();
    sorted.hamlets.sort_by(|a, b| a.code.cmp(&b.code));
    sorted.rows.sort_by_key(|row| row.household);
    let is_full = !sorted.rows.iter().all(is_plain);
    let mut out = Encoder::new(if is_full { FULL } else { PLAIN });
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
        if is_full {
            encode_more(&mut out, row);
        }
    }
    let bytes = out.finish();
    let root = Digest(sha256(&bytes));
    (bytes, root)
}

/// Reads frozen bytes back. Bytes that would encode otherwise are refused.
pub fn thaw(bytes: &[u8]) -> Result<List, Malformed> {
    let plain = Decoder::new(bytes, PLAIN);
    let is_full = plain.is_err();
    let mut input = plain.or_else(|_| Decoder::new(bytes, FULL))?;
    let campaign = CampaignId(input.array()?);
    let (unit, review_date, standard) = (input.text()?, input.text()?, input.text()?);
    let hamlets =
        (0..input.count()?).map(|_| decode_hamlet(&mut input)).collect::<Result<_, _>>()?;
    let count = input.count()?;
    let row = |_| {
        let row = decode_row(&mut input)?;
        if is_full { decode_more(&mut input, row) } else { Ok(row) }
    };
    let rows: Vec<Row> = (0..count).map(row).collect::<Result<_, _>>()?;
    input.end()?;
    // Bytes that would be written otherwise.
    if is_full == rows.iter().all(is_plain) {
        return Err(Malformed);
    }
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
        Outcome::Kept => 3,
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
            3 => Outcome::Kept,
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
        by_rule: Vec::new(),
        life: Life::Same,
        kin: None,
    })
}

fn encode_more(out: &mut Encoder, row: &Row) {
    out.byte(row.life.code());
    out.option(row.kin, |out, kin: HouseholdId| out.bytes(&kin.0));
    out.count(row.by_rule.len());
    for chosen in &row.by_rule {
        out.text(&chosen.path);
        out.text(&chosen.rule);
        out.count(chosen.changes.len());
        for change in &chosen.changes {
            out.bytes(&change.0);
        }
    }
}

fn decode_more(input: &mut Decoder<'_>, row: Row) -> Result<Row, Malformed> {
    let life = Life::by_code(input.byte()?).ok_or(Malformed)?;
    let kin = input.option(|input| input.array().map(HouseholdId))?;
    let mut by_rule = Vec::new();
    for _ in 0..input.count()? {
        let (path, rule) = (input.text()?, input.text()?);
        let mut changes = Vec::new();
        for _ in 0..input.count()? {
            changes.push(ChangeHash(input.array()?));
        }
        by_rule.push(ByRule { path, rule, changes });
    }
    Ok(Row { life, kin, by_rule, ..row })
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
