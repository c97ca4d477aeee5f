//! A list as canonical bytes and back: what is frozen, and what its root is taken over.

use super::{Hamlet, List, Outcome, Provenance, Registered, Row};
use crate::canonical::{Decoder, Encoder, Malformed};
use crate::classify::{B1Method, Class};
use crate::id::{CampaignId, Digest, DocumentId, HouseholdId, sha256};
use crate::life::Life;
use crate::unit::Area;

/// Name and version of what is written now.
const NAME: &str = "rasoat list 2";

/// Lists of before, which said nothing of what became of a household itself.
const NAME_BEFORE: &str = "rasoat list 1";

/// Freezes a list: its canonical bytes and their root. Equal lists give equal bytes anywhere.
pub fn freeze(list: &List) -> (Vec<u8>, Digest) {
    let mut sorted = list.clone();
    sorted.hamlets.sort_by(|a, b| a.code.cmp(&b.code));
    sorted.rows.sort_by_key(|row| row.household);
    let mut out = Encoder::new(NAME);
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
    let (mut input, says_life) = match Decoder::new(bytes, NAME) {
        Ok(input) => (input, true),
        Err(_) => (Decoder::new(bytes, NAME_BEFORE)?, false),
    };
    let campaign = CampaignId(input.array()?);
    let (unit, review_date, standard) = (input.text()?, input.text()?, input.text()?);
    let hamlets =
        (0..input.count()?).map(|_| decode_hamlet(&mut input)).collect::<Result<_, _>>()?;
    let rows = (0..input.count()?).map(|_| decode_row(&mut input, says_life));
    let rows = rows.collect::<Result<_, _>>()?;
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
    out.byte(row.life.code());
    out.option(row.kin, |out, kin: HouseholdId| out.bytes(&kin.0));
}

fn decode_row(input: &mut Decoder<'_>, says_life: bool) -> Result<Row, Malformed> {
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
        life: match says_life {
            true => Life::by_code(input.byte()?).ok_or(Malformed)?,
            false => Life::Same,
        },
        kin: match says_life {
            true => input.option(|input| input.array().map(HouseholdId))?,
            false => None,
        },
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
