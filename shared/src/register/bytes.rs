//! A decision of the register as canonical bytes and back.

use super::{Cause, Decided, Entry, Hamlet, Kind};
use crate::canonical::{Decoder, Encoder, Malformed};
use crate::date::Date;
use crate::forms::Side;
use crate::id::{CampaignId, HouseholdId};
use crate::unit::Area;

const NAME: &str = "rasoat register 1";

const CAUSES: [Cause; 10] = [
    Cause::Opening,
    Cause::Reviewed,
    Cause::MovedIn,
    Cause::Split,
    Cause::Rose,
    Cause::MovedOut,
    Cause::Joined,
    Cause::DiedOut,
    Cause::StruckOff,
    Cause::Left,
];

/// Writes a decision. Equal decisions give equal bytes anywhere.
pub fn encode(decided: &Decided) -> Vec<u8> {
    let mut out = Encoder::new(NAME);
    out.text(&decided.date.to_string());
    out.signed(decided.recorded_ms);
    out.byte(match decided.kind {
        Kind::Opening => 0,
        Kind::List => 1,
    });
    out.bytes(&decided.campaign.0);
    out.byte(u8::from(decided.whole));
    out.count(decided.hamlets.len());
    for hamlet in &decided.hamlets {
        out.text(&hamlet.code);
        out.byte(match hamlet.area {
            Area::Urban => 0,
            Area::Rural => 1,
        });
    }
    out.count(decided.papers.len());
    decided.papers.iter().for_each(|paper| out.text(paper));
    out.count(decided.entries.len());
    decided.entries.iter().for_each(|entry| encode_entry(&mut out, entry));
    out.finish()
}

fn encode_entry(out: &mut Encoder, entry: &Entry) {
    out.bytes(&entry.household.0);
    for number in [entry.hamlet, entry.paper, entry.persons] {
        out.bytes(&number.to_be_bytes());
    }
    out.byte(match entry.class {
        None => 0,
        Some(Side::Poor) => 1,
        Some(Side::NearPoor) => 2,
    });
    let cause = CAUSES.iter().position(|cause| *cause == entry.cause).unwrap_or(0);
    out.byte(u8::try_from(cause).unwrap_or(0));
    out.byte(u8::from(entry.dtts));
    out.option(entry.kin, |out, kin: HouseholdId| out.bytes(&kin.0));
}

/// Reads a decision back.
pub fn decode(bytes: &[u8]) -> Result<Decided, Malformed> {
    let mut input = Decoder::new(bytes, NAME)?;
    let date = Date::parse(&input.text()?).map_err(|_| Malformed)?;
    let recorded_ms = input.signed()?;
    let kind = match input.byte()? {
        0 => Kind::Opening,
        1 => Kind::List,
        _ => return Err(Malformed),
    };
    let campaign = CampaignId(input.array()?);
    let whole = input.flag()?;
    let hamlets =
        (0..input.count()?).map(|_| decode_hamlet(&mut input)).collect::<Result<_, _>>()?;
    let papers = (0..input.count()?).map(|_| input.text()).collect::<Result<_, _>>()?;
    let entries =
        (0..input.count()?).map(|_| decode_entry(&mut input)).collect::<Result<_, _>>()?;
    input.end()?;
    Ok(Decided { date, recorded_ms, kind, campaign, hamlets, papers, entries, whole })
}

fn decode_hamlet(input: &mut Decoder<'_>) -> Result<Hamlet, Malformed> {
    let code = input.text()?;
    let area = match input.byte()? {
        0 => Area::Urban,
        1 => Area::Rural,
        _ => return Err(Malformed),
    };
    Ok(Hamlet { code, area })
}

fn decode_entry(input: &mut Decoder<'_>) -> Result<Entry, Malformed> {
    let household = HouseholdId(input.array()?);
    let mut number = || input.array().map(u32::from_be_bytes);
    let (hamlet, paper, persons) = (number()?, number()?, number()?);
    let class = match input.byte()? {
        0 => None,
        1 => Some(Side::Poor),
        2 => Some(Side::NearPoor),
        _ => return Err(Malformed),
    };
    let cause = *CAUSES.get(usize::from(input.byte()?)).ok_or(Malformed)?;
    let dtts = input.flag()?;
    let kin = input.option(|input| input.array().map(HouseholdId))?;
    Ok(Entry { household, hamlet, paper, class, cause, persons, dtts, kin })
}
