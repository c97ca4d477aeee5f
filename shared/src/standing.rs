//! What one household's log comes to: its row of the list, and everything still open about it.
//!
//! This is the line from merge to classify for one household, as one pure function. Whatever is
//! kept of its result is a cache.

use std::collections::BTreeMap;

use automerge::Automerge;
use mobile_schema::form::Form;
use mobile_schema::household::{Household, Value};
use serde::{Deserialize, Serialize};

use crate::classify::{Basis, Class, classify};
use crate::date::{PartialDate, age_on};
use crate::guard::guard;
use crate::id::{ChangeHash, DocumentId, HouseholdId};
use crate::life::Life;
use crate::list::{Open, Outcome, Provenance, Row, changes_digest};
use crate::merge::{Merged, merge, merge_at, merge_onto};
use crate::page::message_closes;
use crate::phones::{Values, difference, values};
use crate::resolve::{Dispute, DisputedValue, Flag, Resolved, resolve, writers};
use crate::standard::{is_dtts, known_ethnicity};
use crate::unit::Area;

/// What the server's own rows say about a household; never taken from its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Household id.
    pub household: HouseholdId,
    /// Document id.
    pub document: DocumentId,
    /// Hamlet code.
    pub hamlet: String,
    /// Area type of the hamlet.
    pub area: Area,
    /// Class on the opening list.
    pub opening: Option<Class>,
    /// DTTS household on the opening list.
    pub opening_dtts: bool,
}

/// One accepted change of the household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// Change hash.
    pub hash: ChangeHash,
    /// Inflated chunk.
    #[serde(with = "serde_bytes")]
    pub chunk: Vec<u8>,
    /// The way it came.
    pub by: Way,
}

impl AsRef<[u8]> for Logged {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

/// A change without its bytes: what a row says about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Change hash.
    pub hash: ChangeHash,
    /// The way it came.
    pub by: Way,
}

/// A household's document as it was saved, and the changes in it.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Bytes of a document that [`stand_whole`] returned.
    pub saved: &'a [u8],
    /// Every change in it.
    pub changes: &'a [Known],
}

/// The ways a change comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Signed by an enrolled device.
    Device,
    /// Through the standard door, on a ticket.
    Session,
    /// Written in an office.
    Desk,
}

/// A household's row and what is open about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The row as it would go onto the list.
    pub row: Row,
    /// Name of the head of the household (chủ hộ), empty where it is not agreed who that is.
    pub head: String,
    /// Outcome of the visit as answered, empty where it is not agreed.
    pub visit: String,
    /// Parts of the form that were filled in on paper.
    pub on_paper: u32,
    /// What keeps it from going.
    pub open: Open,
    /// Every disagreement with all its values.
    pub disputes: Vec<Dispute>,
    /// What a person should look at.
    pub flags: Vec<Flag>,
    /// Changes on the side branch of a copied phone that no decision has closed yet.
    pub forked: Vec<ChangeHash>,
    /// Heads of the document.
    pub heads: Vec<ChangeHash>,
}

/// Runs the line for one household: merge, resolve, classify, row.
///
/// `side` are the changes of copied phones that came second: what they say otherwise is disputed
/// until somebody at the desk has looked at it.
pub fn stand(place: &Place, changes: &[Logged], side: &[Logged], basis: &Basis<'_>) -> Standing {
    stand_whole(place, changes, side, basis).0
}

/// Does what [`stand`] does, and returns the document where no change of the main branch was left
/// out of it: then it may be saved, and others stand on it.
///
/// The document is made from the set in one order, so its saved bytes are a function of the set.
pub fn stand_whole(
    place: &Place,
    changes: &[Logged],
    side: &[Logged],
    basis: &Basis<'_>,
) -> (Standing, Option<Automerge>) {
    let changes = each_once(changes);
    let side = each_once(side);
    let Merged { doc, waiting, forked, broken, ahead } = merge(&changes);
    let mut resolved = resolve(&doc);
    let open_side = still_open(&side, &changes);
    let open_forked = dispute_side(&mut resolved.disputes, &doc, &changes, &open_side);
    let mut flags: Vec<Flag> =
        broken.iter().map(|hash| flag("change-broken", &hash.to_string())).collect();
    flags.extend(ahead.iter().map(|hash| flag("operations-ahead", &hash.to_string())));
    flags.extend(forked.iter().map(|hash| flag("actor-forked", &hash.to_string())));
    flags.extend(side.iter().map(|change| flag("actor-forked", &change.hash.to_string())));
    let left_out = [&waiting, &forked, &broken];
    let is_whole = left_out.iter().all(|changes| changes.is_empty()) && ahead.is_empty();
    let read = Read { resolved, flags, broken: broken.len() + waiting.len(), forked: open_forked };
    let known = |changes: &[&Logged]| -> Vec<Known> {
        changes.iter().map(|change| Known { hash: change.hash, by: change.by }).collect()
    };
    let standing = judge(place, read, &known(&changes), &known(&side), basis);
    (standing, is_whole.then_some(doc))
}

/// Comes to the same standing as [`stand`] from a saved document and what came after it.
///
/// `None` where that cannot be told from these alone; then [`stand`] needs the whole log. A
/// household with a side branch always does.
///
/// ```
/// use shared::standing::{Base, Place, stand_on, stand_whole};
/// # use shared::{classify::Basis, standard::Standard, unit::Area, id::*};
/// # let (standard, day) = (Standard::nd_07_2021(), shared::date::Date::parse("2022-12-14").unwrap());
/// # let basis = Basis { standard: &standard, table: None, review_date: day, region: "" };
/// # let (household, document, area) = (HouseholdId([1; 16]), DocumentId([2; 16]), Area::Rural);
/// # let hamlet = "19558-01".to_owned();
/// # let place = Place { household, document, hamlet, area, opening: None, opening_dtts: false };
/// let (standing, document) = stand_whole(&place, &[], &[], &basis);
/// let saved = document.unwrap().save_nocompress();
/// let base = Base { saved: &saved, changes: &[] };
/// assert_eq!(stand_on(&place, &base, &[], &basis), Some(standing));
/// ```
pub fn stand_on(
    place: &Place,
    base: &Base<'_>,
    later: &[Logged],
    basis: &Basis<'_>,
) -> Option<Standing> {
    let later = each_once(later);
    let resolved = resolve(&merge_onto(base.saved, &later)?);
    let added = later.iter().map(|change| Known { hash: change.hash, by: change.by });
    let changes: Vec<Known> = base.changes.iter().copied().chain(added).collect();
    let read = Read { resolved, flags: Vec::new(), broken: 0, forked: Vec::new() };
    Some(judge(place, read, &changes, &[], basis))
}

/// Says of a household that cannot be merged that it is open: it holds up its own row alone.
pub fn unmerged(place: &Place, changes: &[Known], side: &[Known], basis: &Basis<'_>) -> Standing {
    let flags = vec![flag("document-broken", "")];
    let read = Read { resolved: Resolved::default(), flags, broken: 1, forked: Vec::new() };
    judge(place, read, changes, side, basis)
}

/// What was read from a household's document, and what was left out of it.
struct Read {
    resolved: Resolved,
    flags: Vec<Flag>,
    broken: usize,
    forked: Vec<ChangeHash>,
}

fn judge(
    place: &Place,
    read: Read,
    changes: &[Known],
    side: &[Known],
    basis: &Basis<'_>,
) -> Standing {
    let Read { resolved, flags: left_out, broken, forked } = read;
    let household = &resolved.household;
    let code = household.answers.get("outcome").and_then(Value::as_text);
    let outcome = Outcome::of_code(code);
    let classified = classify(household, place.area, basis);
    let dtts = is_dtts(household, &basis.standard.dtts);

    let mut missing = classified.missing;
    let mut class = (outcome == Outcome::Surveyed).then_some(classified.class);
    // A figure of its own hangs on the household being DTTS or not: nobody guesses that either.
    if class.is_some() && dtts.is_none() {
        class = Some(Class::Insufficient);
        missing.push("dtts".to_owned());
    }
    let hashes: Vec<ChangeHash> = changes.iter().chain(side).map(|change| change.hash).collect();
    let row = Row {
        household: place.household,
        document: place.document,
        hamlet: place.hamlet.clone(),
        area: place.area,
        outcome,
        class,
        b1: classified.b1.as_ref().map(|b1| b1.points),
        b1_method: classified.b1.as_ref().map(|b1| b1.method),
        table: classified.b1.as_ref().and_then(|b1| b1.table.clone()),
        b2: classified.b2,
        deprived: classified.deprived,
        members: u32::try_from(household.present().count()).unwrap_or(u32::MAX),
        dtts: dtts.unwrap_or(false),
        ethnicity: household.head().and_then(known_ethnicity).unwrap_or("").to_owned(),
        causes: causes(household),
        opening: place.opening,
        opening_dtts: place.opening_dtts,
        provenance: provenance(changes),
        changes: changes_digest(&hashes),
        life: Life::of_code(code),
        kin: None,
    };
    let mut flags = [resolved.flags, objections(household, basis), left_out].concat();
    flags.sort();
    flags.dedup();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let disputes = count(resolved.disputes.len());
    Standing {
        row,
        head: household.head_name().to_owned(),
        visit: code.unwrap_or("").to_owned(),
        on_paper: count(household.asked.values().filter(|asked| is_paper(asked)).count()),
        open: Open { disputes, broken: count(broken), missing },
        disputes: resolved.disputes,
        flags,
        forked,
        heads: resolved.heads,
    }
}

/// Leaves out the side branches that somebody at the desk has looked at and closed.
fn still_open<'a>(side: &[&'a Logged], changes: &[&Logged]) -> Vec<&'a Logged> {
    if side.is_empty() {
        return Vec::new();
    }
    let decisions: Vec<_> = changes
        .iter()
        .filter(|change| change.by == Way::Desk)
        .filter_map(|change| guard(&change.chunk).ok())
        .collect();
    side.iter()
        .filter(|change| !decisions.iter().any(|made| message_closes(made.message(), change.hash)))
        .copied()
        .collect()
}

/// Adds what open side branches say otherwise to the disputes; returns the changes that do.
fn dispute_side(
    disputes: &mut Vec<Dispute>,
    doc: &Automerge,
    changes: &[&Logged],
    side: &[&Logged],
) -> Vec<ChangeHash> {
    let mut forked = Vec::new();
    let all: Vec<&[u8]> = changes.iter().chain(side).map(|change| change.as_ref()).collect();
    let known = |heads: &[ChangeHash]| merge_at(&all, heads).map(|doc| values(&resolve(&doc)));
    for change in side {
        let Ok(guarded) = guard(&change.chunk) else { continue };
        let (Some(before), Some(after)) = (known(guarded.dependencies()), known(&[change.hash]))
        else {
            continue;
        };
        let main = values(&resolve(doc));
        let written = difference(&before, after);
        if is_written_again(change.hash, &written, changes, known) {
            continue;
        }
        let other = written.into_iter().filter(|(path, value)| main.get(path) != Some(value));
        for (path, value) in other {
            let other = DisputedValue { value: Some(value), changes: vec![change.hash] };
            match disputes.iter_mut().find(|dispute| dispute.path == path) {
                Some(dispute) => dispute.values.push(other),
                None => {
                    let changes = writers(doc, &path);
                    let current = DisputedValue { value: main.get(&path).cloned(), changes };
                    disputes.push(Dispute { path, values: vec![current, other] });
                }
            }
            forked.push(change.hash);
        }
    }
    for dispute in disputes.iter_mut() {
        dispute.values.sort();
        dispute.values.dedup();
    }
    disputes.sort_by(|a, b| a.path.cmp(&b.path));
    forked.dedup();
    forked
}

/// Tells whether the phone wrote a change again under a new actor: the new one names it and holds
/// every value of it, so that whatever becomes of them is seen in the household itself.
fn is_written_again(
    side: ChangeHash,
    written: &Values,
    changes: &[&Logged],
    known: impl Fn(&[ChangeHash]) -> Option<Values>,
) -> bool {
    let by_device = changes.iter().filter(|change| change.by == Way::Device);
    let named = by_device.filter_map(|change| {
        guard(&change.chunk).ok().filter(|guarded| message_closes(guarded.message(), side))
    });
    named.into_iter().any(|again| {
        let (before, after) = (known(again.dependencies()), known(&[again.hash()]));
        before.zip(after).is_some_and(|(before, after)| {
            let again = difference(&before, after);
            written.iter().all(|(path, value)| again.get(path) == Some(value))
        })
    })
}

/// Leaves repetitions out: a row rests on the set of its changes, whatever arrived twice.
fn each_once(changes: &[Logged]) -> Vec<&Logged> {
    let once: BTreeMap<ChangeHash, &Logged> =
        changes.iter().map(|change| (change.hash, change)).collect();
    once.into_values().collect()
}

fn is_paper(asked: &mobile_schema::household::Asked) -> bool {
    asked.medium.as_deref() == Some("paper")
}

fn flag(code: &str, path: &str) -> Flag {
    Flag { code: code.to_owned(), path: path.to_owned() }
}

fn causes(household: &Household) -> Vec<u8> {
    (1..=8)
        .filter(|cause| {
            household.answers.get(&format!("causes.{cause}")) == Some(&Value::Bool(true))
        })
        .collect()
}

fn provenance(changes: &[Known]) -> Provenance {
    let mut counts = Provenance::default();
    for change in changes {
        match change.by {
            Way::Device => counts.device += 1,
            Way::Session => counts.session += 1,
            Way::Desk => counts.desk += 1,
        }
    }
    counts
}

/// What the form's own rules object to: flagged, never refused.
fn objections(household: &Household, basis: &Basis<'_>) -> Vec<Flag> {
    let age_of = |answers: &mobile_schema::household::Answers| {
        let birth = answers.get("birth").and_then(Value::as_text)?;
        let birth = PartialDate::parse(birth).ok()?.earliest();
        Some(i64::from(age_on(birth, basis.review_date)))
    };
    Form::phieu_b()
        .objections(household, age_of)
        .into_iter()
        .map(|finding| {
            let path = match &finding.member {
                Some(member) => format!("members/{member}/{}", finding.key),
                None => format!("answers/{}", finding.key),
            };
            flag(&finding.objection.code, &path)
        })
        .collect()
}
