//! What one household's log comes to: its row of the list, and everything still open about it.
//!
//! This is the line from merge to classify for one household, as one pure function. Whatever is
//! kept of its result is a cache.

mod head;
mod linked;
mod moved;
mod side;

use std::collections::BTreeMap;

use automerge::Automerge;
use mobile_schema::form::Form;
use mobile_schema::household::{Household, Value};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};

use crate::classify::{Basis, Class};
use crate::date::{PartialDate, age_on};
use crate::figures::Figures;
use crate::id::{ChangeHash, DocumentId, HouseholdId};
use crate::life::Life;
use crate::list::{ByRule, Open, Provenance, Row, changes_digest};
use crate::merge::{Merged, merge, merge_onto};
use crate::resolve::{Dispute, Flag, Path, Resolved, resolve};
use crate::triage::{RULE, Triage, triage};
use crate::unit::Area;

use self::side::{dispute_side, still_open};

pub use self::head::{HeadChange, head_change};
pub use self::linked::{Absorbed, Together, left_by_joining, stand_linked};
pub use self::moved::{gone_by_moving, is_of_before, moved_in};

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

/// Published name of what a flag says of a change that had to be left out.
const BROKEN: &str = problem::CHANGE_BROKEN.name;

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
    /// Which of them a person decides and what hangs on them, and what the rule chose for the rest.
    #[serde(default)]
    pub triage: Triage,
    /// What a person should look at.
    pub flags: Vec<Flag>,
    /// Changes on the side branch of a copied phone that no decision has closed yet.
    pub forked: Vec<ChangeHash>,
    /// Heads of the document.
    pub heads: Vec<ChangeHash>,
}

impl Standing {
    /// Names the changes of the main branch that had to be left out of the document, because they refer
    /// to what they cannot have seen or the library cannot apply them. Nobody else can load them either.
    pub fn broken(&self) -> Vec<ChangeHash> {
        let broken = self.flags.iter().filter(|flag| flag.code == BROKEN);
        broken.filter_map(|flag| flag.path.parse().ok()).collect()
    }
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
    let mut flags: Vec<Flag> = broken.iter().map(|hash| flag(BROKEN, &hash.to_string())).collect();
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
    let Read { mut resolved, flags: left_out, broken, forked } = read;
    let triage = triage(&resolved.household, &resolved.disputes, place.area, basis);
    triage.apply(&mut resolved.household);
    let household = &resolved.household;
    let figures = Figures::of(household, place.area, basis);
    let hashes: Vec<ChangeHash> = changes.iter().chain(side).map(|change| change.hash).collect();
    let row = Row {
        household: place.household,
        document: place.document,
        hamlet: place.hamlet.clone(),
        area: place.area,
        outcome: figures.outcome,
        class: figures.class,
        b1: figures.b1,
        b1_method: figures.b1_method,
        table: figures.table,
        b2: figures.b2,
        deprived: figures.deprived,
        members: figures.members,
        dtts: figures.dtts,
        ethnicity: figures.ethnicity,
        causes: figures.causes,
        opening: place.opening,
        opening_dtts: place.opening_dtts,
        provenance: provenance(changes),
        changes: changes_digest(&hashes),
        by_rule: by_rule(&resolved.disputes, &triage),
        life: Life::of_code(Some(&figures.visit)),
        kin: None,
    };
    let mut flags = [resolved.flags, objections(household, basis), left_out].concat();
    flags.sort();
    flags.dedup();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Standing {
        head: figures.head,
        visit: figures.visit,
        on_paper: count(household.asked.values().filter(|asked| is_paper(asked)).count()),
        open: Open {
            disputes: count(triage.for_person()),
            by_rule: count(row.by_rule.len()),
            broken: count(broken),
            missing: figures.missing,
        },
        row,
        disputes: resolved.disputes,
        triage,
        flags,
        forked,
        heads: resolved.heads,
    }
}

/// Names for each dispute that the rule settled the changes behind the value it chose.
fn by_rule(disputes: &[Dispute], triage: &Triage) -> Vec<ByRule> {
    let changes = |path: &Path, value: Option<&Value>| {
        let dispute = disputes.iter().find(|dispute| dispute.path == *path);
        let sides = dispute.map(|dispute| dispute.values.iter()).into_iter().flatten();
        let chosen = sides.filter(|side| side.value.as_ref() == value);
        let mut changes: Vec<ChangeHash> = chosen.flat_map(|side| side.changes.clone()).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    };
    let one = |(path, value): (&Path, Option<&Value>)| ByRule {
        path: path.to_string(),
        rule: RULE.to_owned(),
        changes: changes(path, value),
    };
    triage.by_rule().map(one).collect()
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
