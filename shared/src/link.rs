//! Two documents under one household: what a desk decided, and what the two come to together.
//!
//! Neither document is touched. The household that stays is a function of both documents as they
//! are now and of the decision, so taking the decision back leaves exactly what was there before,
//! and a phone may go on writing to either. What somebody chose holds for as long as both documents
//! say what they said then, or what was chosen; anything else is open again.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::{Asked, Household, Value};
use serde::{Deserialize, Serialize};

use crate::id::{ChangeHash, DocumentId};
use crate::resolve::{Dispute, DisputedValue, Flag, Path, Resolved};

/// Most households that are merged into one: whoever needs more has another problem.
pub const ABSORBED_MAX: usize = 8;

/// A decision that two documents are one household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The household that stays on the list.
    pub kept: DocumentId,
    /// The one that goes under it.
    pub absorbed: DocumentId,
    /// Members of the absorbed household who are members of the other: by their ids there.
    pub members: BTreeMap<String, String>,
    /// What holds where the two say different things.
    pub choices: Vec<Choice>,
}

/// What holds of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The answer; of a member by their id in the household that stays.
    pub path: Path,
    /// What the two said when somebody chose: the one that stays, the absorbed one.
    pub seen: [Option<Value>; 2],
    /// What was chosen, one of the two.
    pub value: Option<Value>,
}

/// Why households are not linked that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A household cannot be merged into itself.
    #[error("a household is not merged into itself")]
    Itself,
    /// One of them is part of another merge, which a merge may not be put upon.
    #[error("one of the households was merged already")]
    Chain,
    /// So many households are not one.
    #[error("at most {ABSORBED_MAX} households are merged into one")]
    TooMany,
    /// A member named is not there, or is named twice.
    #[error("a member named is not there or is named twice")]
    Members,
    /// A choice is about something the two agree on, or is neither's answer.
    #[error("a choice is none of the two answers")]
    Choice,
}

/// A household as it stands: its answers, what is open, and who wrote what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// What a document, or several, came to.
    pub resolved: Resolved,
    /// The changes that wrote each answer, by its path as text.
    pub writers: BTreeMap<String, Vec<ChangeHash>>,
}

/// One answer that two households give differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The answer; of a member by their id in the household that stays.
    pub path: Path,
    /// What the one that stays says, and the other.
    pub values: [Option<Value>; 2],
}

/// Tells whether two households may be linked, as far as links that hold now go.
///
/// `links` are pairs of (kept, absorbed). Nothing is merged upon a merge: chains and rings would
/// make it a matter of order what a household is.
pub fn may_link(
    kept: DocumentId,
    absorbed: DocumentId,
    links: &[(DocumentId, DocumentId)],
) -> Result<(), LinkError> {
    if kept == absorbed {
        return Err(LinkError::Itself);
    }
    if links.contains(&(kept, absorbed)) {
        return Ok(());
    }
    let is_absorbed = |of: DocumentId| links.iter().any(|(_, absorbed)| *absorbed == of);
    let is_kept = |of: DocumentId| links.iter().any(|(kept, _)| *kept == of);
    if is_absorbed(kept) || is_absorbed(absorbed) || is_kept(absorbed) {
        return Err(LinkError::Chain);
    }
    if links.iter().filter(|(of, _)| *of == kept).count() >= ABSORBED_MAX {
        return Err(LinkError::TooMany);
    }
    Ok(())
}

/// Tells whether a decision fits the two households as they are.
pub fn check(kept: &Household, absorbed: &Household, link: &Link) -> Result<(), LinkError> {
    let mut named = BTreeSet::new();
    for (from, to) in &link.members {
        let there = absorbed.members.contains_key(from) && kept.members.contains_key(to);
        if !there || !named.insert(to) {
            return Err(LinkError::Members);
        }
    }
    let differing = differences(kept, absorbed, &link.members);
    let mut chosen = BTreeSet::new();
    for choice in &link.choices {
        let differs = differing.iter().any(|of| of.path == choice.path && of.values == choice.seen);
        if !differs || !choice.seen.contains(&choice.value) || !chosen.insert(&choice.path) {
            return Err(LinkError::Choice);
        }
    }
    Ok(())
}

/// Lists what two households say differently, their members matched as named. What only one of them
/// says is no difference.
pub fn differences(
    kept: &Household,
    absorbed: &Household,
    members: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let other = moved(absorbed, members);
    let matched: BTreeSet<&str> = other
        .members
        .keys()
        .map(String::as_str)
        .filter(|id| kept.members.contains_key(*id))
        .collect();
    let mut differing = Vec::new();
    for path in paths(kept).into_iter().chain(paths(&other)).collect::<BTreeSet<Path>>() {
        let values = [path.value_in(kept), path.value_in(&other)];
        if differ(&path, &values, &matched) {
            differing.push(Difference { path, values });
        }
    }
    differing
}

/// Whether somebody counts is an answer of its own: not to say it is to say that they do.
fn differ(path: &Path, values: &[Option<Value>; 2], matched: &BTreeSet<&str>) -> bool {
    match (path, values) {
        (_, [Some(one), Some(other)]) => one != other,
        (Path::Member(id, key), [one, other]) if key == "removed" => {
            one != other && matched.contains(id.as_str())
        }
        _ => false,
    }
}

/// Says what two documents come to as one household.
pub fn joined(kept: &Whole, absorbed: &Whole, link: &Link) -> Whole {
    let (ours, theirs) = (&kept.resolved, &absorbed.resolved);
    let other = moved(&theirs.household, &link.members);
    let disputes = [open(ours, None), open(theirs, Some(&link.members))];
    let matched: BTreeSet<&str> = other
        .members
        .keys()
        .map(String::as_str)
        .filter(|id| ours.household.members.contains_key(*id))
        .collect();
    let writers = [kept.writers.clone(), moved_keys(&absorbed.writers, &link.members)];
    let mut whole = Whole::default();
    let members = ours.household.members.keys().chain(other.members.keys());
    whole.resolved.household.members = members.map(|id| (id.clone(), BTreeMap::new())).collect();
    let all = paths(&ours.household).into_iter().chain(paths(&other));
    let all = all.chain(disputes.iter().flat_map(|of| of.keys().cloned()));
    for path in all.collect::<BTreeSet<Path>>() {
        let values = [path.value_in(&ours.household), path.value_in(&other)];
        let open = [disputes[0].get(&path), disputes[1].get(&path)];
        let wrote = writers.each_ref().map(|of| of.get(&path.to_string()));
        let answer = Answer { path: &path, values, open, wrote };
        whole.take(answer, &matched, link);
    }
    whole.resolved.household.asked = asked(&ours.household, &other);
    whole.resolved.schema = ours.schema.max(theirs.schema);
    whole.resolved.flags = [ours.flags.clone(), moved_flags(&theirs.flags, &link.members)].concat();
    whole.resolved.flags.sort();
    whole.resolved.flags.dedup();
    // Whoever writes to the household writes to the document that stays.
    whole.resolved.heads.clone_from(&ours.heads);
    whole
}

/// One answer in both documents.
struct Answer<'a> {
    path: &'a Path,
    values: [Option<Value>; 2],
    open: [Option<&'a Dispute>; 2],
    wrote: [Option<&'a Vec<ChangeHash>>; 2],
}

impl Whole {
    fn take(&mut self, answer: Answer<'_>, matched: &BTreeSet<&str>, link: &Link) {
        let Answer { path, values, open, wrote } = answer;
        let by = |at: usize| wrote[at].cloned().unwrap_or_default();
        if open.iter().any(Option::is_some) {
            let mut sides: Vec<DisputedValue> =
                open.into_iter().flatten().flat_map(|of| of.values.clone()).collect();
            for (at, value) in values.into_iter().enumerate() {
                if value.is_some() {
                    sides.push(DisputedValue { value, changes: by(at) });
                }
            }
            return self.dispute(path, sides);
        }
        if differ(path, &values, matched) {
            return match chosen(path, &values, link) {
                Some(value) => {
                    let wrote = [0, 1].into_iter().filter(|at| values[*at] == value).flat_map(by);
                    let wrote = wrote.collect();
                    self.put(path, value, wrote);
                }
                None => {
                    let [one, other] = values;
                    let side = |value, at| DisputedValue { value, changes: by(at) };
                    self.dispute(path, vec![side(one, 0), side(other, 1)]);
                }
            };
        }
        let [one, other] = values;
        let wrote = [by(0), by(1)].concat();
        self.put(path, one.or(other), wrote);
    }

    fn put(&mut self, path: &Path, value: Option<Value>, mut wrote: Vec<ChangeHash>) {
        let Some(value) = value else { return };
        wrote.sort_unstable();
        wrote.dedup();
        self.writers.insert(path.to_string(), wrote);
        let household = &mut self.resolved.household;
        match (path, value) {
            (Path::Answer(key), value) => drop(household.answers.insert(key.clone(), value)),
            (Path::B1Item(key), Value::Int(points)) => {
                household.b1_items.insert(key.clone(), points);
            }
            (Path::B1Item(_), _) => {}
            (Path::Member(id, key), value) => {
                household.members.entry(id.clone()).or_default().insert(key.clone(), value);
            }
        }
    }

    /// Keeps every side once, with everybody who wrote it.
    fn dispute(&mut self, path: &Path, sides: Vec<DisputedValue>) {
        let mut by_value: BTreeMap<Option<Value>, Vec<ChangeHash>> = BTreeMap::new();
        for side in sides {
            by_value.entry(side.value).or_default().extend(side.changes);
        }
        let values = by_value.into_iter().map(|(value, mut changes)| {
            changes.sort_unstable();
            changes.dedup();
            DisputedValue { value, changes }
        });
        let values = values.collect();
        self.resolved.disputes.push(Dispute { path: path.clone(), values });
    }
}

/// Returns what was chosen, as long as each says what it said then or what was chosen.
fn chosen(path: &Path, values: &[Option<Value>; 2], link: &Link) -> Option<Option<Value>> {
    let choice = link.choices.iter().find(|choice| choice.path == *path)?;
    let holds = |at: usize| values[at] == choice.seen[at] || values[at] == choice.value;
    (holds(0) && holds(1)).then(|| choice.value.clone())
}

/// Lists every answer of a household.
fn paths(household: &Household) -> Vec<Path> {
    let answers = household.answers.keys().cloned().map(Path::Answer);
    let items = household.b1_items.keys().cloned().map(Path::B1Item);
    let members = household
        .members
        .iter()
        .flat_map(|(id, answers)| answers.keys().map(|key| Path::Member(id.clone(), key.clone())));
    answers.chain(items).chain(members).collect()
}

/// Writes a household down with the members who are somebody's of another under that one's id.
fn moved(household: &Household, members: &BTreeMap<String, String>) -> Household {
    let mut moved = household.clone();
    moved.members = household
        .members
        .iter()
        .map(|(id, answers)| (members.get(id).unwrap_or(id).clone(), answers.clone()))
        .collect();
    moved
}

fn moved_path(path: &Path, members: &BTreeMap<String, String>) -> Path {
    match path {
        Path::Member(id, key) => Path::Member(members.get(id).unwrap_or(id).clone(), key.clone()),
        other => other.clone(),
    }
}

fn moved_text(path: &str, members: &BTreeMap<String, String>) -> String {
    path.parse().map_or_else(|_| path.to_owned(), |path| moved_path(&path, members).to_string())
}

fn moved_keys(
    writers: &BTreeMap<String, Vec<ChangeHash>>,
    members: &BTreeMap<String, String>,
) -> BTreeMap<String, Vec<ChangeHash>> {
    writers.iter().map(|(path, by)| (moved_text(path, members), by.clone())).collect()
}

fn moved_flags(flags: &[Flag], members: &BTreeMap<String, String>) -> Vec<Flag> {
    let moved = |flag: &Flag| Flag { path: moved_text(&flag.path, members), ..flag.clone() };
    flags.iter().map(moved).collect()
}

/// Collects the disputes of a document by where they are in the household that stays.
fn open(
    resolved: &Resolved,
    members: Option<&BTreeMap<String, String>>,
) -> BTreeMap<Path, Dispute> {
    let nobody = BTreeMap::new();
    let members = members.unwrap_or(&nobody);
    let moved = |of: &Dispute| (moved_path(&of.path, members), of.clone());
    resolved.disputes.iter().map(moved).collect()
}

/// Names everybody who asked a block in either document: several people are no disagreement.
fn asked(one: &Household, other: &Household) -> BTreeMap<String, Asked> {
    let mut asked = one.asked.clone();
    for (block, theirs) in &other.asked {
        let ours = asked.entry(block.clone()).or_default();
        ours.by = both(ours.by.take(), theirs.by.as_deref());
        ours.answered_by = both(ours.answered_by.take(), theirs.answered_by.as_deref());
        ours.typed_by = both(ours.typed_by.take(), theirs.typed_by.as_deref());
        ours.medium = both(ours.medium.take(), theirs.medium.as_deref());
        ours.day = both(ours.day.take(), theirs.day.as_deref());
    }
    asked
}

fn both(one: Option<String>, other: Option<&str>) -> Option<String> {
    let all: BTreeSet<&str> = one
        .iter()
        .flat_map(|names| names.split("; "))
        .chain(other.into_iter().flat_map(|of| of.split("; ")))
        .collect();
    let all: Vec<&str> = all.into_iter().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests;
