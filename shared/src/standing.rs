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
use crate::list::{Open, Outcome, Provenance, Row, changes_digest};
use crate::merge::{merge, merge_at};
use crate::page::message_closes;
use crate::resolve::{Dispute, DisputedValue, Flag, Path, Resolved, resolve, writers};
use crate::standard::{is_dtts, known_ethnicity};
use crate::unit::Area;

/// What the server's own rows say about a household; never taken from its document.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Change hash.
    pub hash: ChangeHash,
    /// Inflated chunk.
    pub chunk: Vec<u8>,
    /// The way it came.
    pub by: Way,
}

impl AsRef<[u8]> for Logged {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

/// The ways a change comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    let changes = each_once(changes);
    let side = each_once(side);
    let merged = merge(&changes);
    let mut resolved = resolve(&merged.doc);
    let open_side = still_open(&side, &changes);
    let forked = dispute_side(&mut resolved.disputes, &merged.doc, &changes, &open_side);
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
        provenance: provenance(&changes),
        changes: changes_digest(
            &changes.iter().chain(&side).map(|change| change.hash).collect::<Vec<_>>(),
        ),
    };
    let mut flags = resolved.flags;
    flags.extend(objections(household, basis));
    flags.extend(merged.broken.iter().map(|hash| flag("change-broken", &hash.to_string())));
    flags.extend(merged.forked.iter().map(|hash| flag("actor-forked", &hash.to_string())));
    flags.extend(side.iter().map(|change| flag("actor-forked", &change.hash.to_string())));
    flags.sort();
    flags.dedup();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let disputes = count(resolved.disputes.len());
    let broken = count(merged.broken.len() + merged.waiting.len());
    Standing {
        row,
        open: Open { disputes, broken, missing },
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

fn difference(before: &Values, mut after: Values) -> Values {
    after.retain(|path, value| before.get(path) != Some(value));
    after
}

type Values = BTreeMap<Path, Value>;

/// Lists every agreed value of a household by its path.
fn values(resolved: &Resolved) -> Values {
    let household = &resolved.household;
    let answers = household.answers.iter().map(|(k, v)| (Path::Answer(k.clone()), v.clone()));
    let items = household.b1_items.iter().map(|(k, v)| (Path::B1Item(k.clone()), Value::Int(*v)));
    let members = household.members.iter().flat_map(|(id, answers)| {
        answers.iter().map(|(k, v)| (Path::Member(id.clone(), k.clone()), v.clone()))
    });
    answers.chain(items).chain(members).collect()
}

/// Leaves repetitions out: a row rests on the set of its changes, whatever arrived twice.
fn each_once(changes: &[Logged]) -> Vec<&Logged> {
    let once: BTreeMap<ChangeHash, &Logged> =
        changes.iter().map(|change| (change.hash, change)).collect();
    once.into_values().collect()
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

fn provenance(changes: &[&Logged]) -> Provenance {
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
