//! The dispute ledger of a household: every value that did not simply follow the one before it.
//!
//! Each value ever written is current, superseded by somebody who had seen it, or in here. It is
//! read from the operations of the changes themselves, so that what Automerge hides, as a value in
//! a member that somebody deleted, is found too.

mod trace;

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Asked, Value};
use serde::{Deserialize, Serialize};

use crate::id::ChangeHash;
use crate::merge::{merge, merge_at};
use crate::resolve::{Dispute, DisputedValue, Path, resolve};
use crate::standing::{Logged, Standing, Way};

use self::trace::{Gone, Trace};

/// Versions of a household that are read to tell on what its values were written.
const VERSIONS_MAX: usize = 48;

/// How values came to stand against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Written at the same time, both current.
    Competing,
    /// Somebody removed a member while others answered for them.
    Removed,
    /// The side branch of a copied phone says otherwise.
    SideBranch,
    /// Somebody took an answer, or a whole member, away while others wrote it.
    Cleared,
    /// Stands where nobody reads it, as in a member that was made twice.
    Unread,
    /// A later change wrote over several values without being a decision.
    Overwritten,
    /// An office decided between several values.
    Settled,
}

/// One answer on which values stood or stand against each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Which answer.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// Every value, with the changes that wrote it: who, on what and when hangs on those. `None`
    /// stands for no answer.
    pub values: Vec<DisputedValue>,
    /// The change that wrote over them or decided.
    pub by: Option<ChangeHash>,
    /// What it wrote; `None` where it took the answer away.
    pub after: Option<Value>,
}

impl Entry {
    /// Tells whether the values still stand against each other.
    pub fn is_open(&self) -> bool {
        self.by.is_none()
    }
}

/// Lists everything that stood or stands against each other in a household, by path.
///
/// `standing` is what the same changes come to.
pub fn ledger(changes: &[Logged], side: &[Logged], standing: &Standing) -> Vec<Entry> {
    let side: BTreeSet<ChangeHash> = side.iter().map(|change| change.hash).collect();
    let mut entries: Vec<Entry> =
        standing.disputes.iter().map(|dispute| open(dispute, &side)).collect();
    let offices: BTreeSet<ChangeHash> =
        changes.iter().filter(|change| change.by == Way::Desk).map(|change| change.hash).collect();
    let doc = merge(changes).doc;
    let trace = Trace::of(&doc);
    for over in trace.written_over() {
        let is_decision = offices.contains(&over.by);
        entries.push(Entry {
            path: over.path,
            kind: if is_decision { Kind::Settled } else { Kind::Overwritten },
            values: sides(over.values),
            by: Some(over.by),
            after: over.after,
        });
    }
    let household = resolve(&doc).household;
    for Gone { path, value, changes, by } in trace.gone() {
        let is_shown = entries.iter().any(|entry| {
            entry.path == path
                && entry.is_open()
                && entry.values.iter().any(|side| side.value == value)
        });
        if is_shown || (by.is_none() && path.value_in(&household) == value) {
            continue;
        }
        let kind = if by.is_some() { Kind::Cleared } else { Kind::Unread };
        let taken = by.map(|by| (None, by)).into_iter();
        let values = sides(taken.chain(changes.into_iter().map(|hash| (value.clone(), hash))));
        entries.push(Entry { path, kind, values, by: None, after: None });
    }
    entries.sort();
    entries.dedup();
    entries
}

/// Who asked, and on paper or phone, as the author of a value had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which answer.
    pub path: Path,
    /// The change that wrote the value.
    pub change: ChangeHash,
    /// Mark of the block the answer is in.
    pub asked: Asked,
}

/// Tells of each value of open entries who asked it and on what, at the version its author left.
pub fn marks(changes: &[Logged], side: &[Logged], entries: &[Entry]) -> Vec<Mark> {
    let all: Vec<&Logged> = changes.iter().chain(side).collect();
    let mut versions: BTreeMap<ChangeHash, BTreeMap<String, Asked>> = BTreeMap::new();
    let mut marks = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_open()) {
        let block = block_of(&entry.path);
        for change in entry.values.iter().flat_map(|side| &side.changes) {
            if !versions.contains_key(change) && versions.len() < VERSIONS_MAX {
                let read = merge_at(&all, &[*change]).map(|doc| resolve(&doc).household.asked);
                versions.insert(*change, read.unwrap_or_default());
            }
            let asked = versions.get(change).and_then(|asked| asked.get(&block)).cloned();
            marks.extend(asked.map(|asked| Mark {
                path: entry.path.clone(),
                change: *change,
                asked,
            }));
        }
    }
    marks
}

/// Names the block of the forms that asks a question.
fn block_of(path: &Path) -> String {
    let (key, scope) = match path {
        Path::Answer(key) => (key.as_str(), Scope::Household),
        Path::Member(_, key) => (key.as_str(), Scope::Member),
        Path::B1Item(_) => return "closing".to_owned(),
    };
    let forms = [Form::phieu_b(), Form::phieu_a()];
    let known = forms.into_iter().find_map(|form| form.find(key, scope));
    let other = if scope == Scope::Member { "members" } else { "closing" };
    known.map_or_else(|| other.to_owned(), |known| known.page.block.clone())
}

fn open(dispute: &Dispute, side: &BTreeSet<ChangeHash>) -> Entry {
    let mut changes = dispute.values.iter().flat_map(|value| &value.changes);
    let is_removal = matches!(&dispute.path, Path::Member(_, key) if key == "removed")
        && dispute.values.iter().any(|one| one.value.is_none() && !one.changes.is_empty());
    let kind = if changes.any(|change| side.contains(change)) {
        Kind::SideBranch
    } else if is_removal {
        Kind::Removed
    } else {
        Kind::Competing
    };
    let (path, values) = (dispute.path.clone(), dispute.values.clone());
    Entry { path, kind, values, by: None, after: None }
}

/// Groups values with the changes that wrote them.
fn sides(values: impl IntoIterator<Item = (Option<Value>, ChangeHash)>) -> Vec<DisputedValue> {
    let mut sides: BTreeMap<Option<Value>, BTreeSet<ChangeHash>> = BTreeMap::new();
    for (value, hash) in values {
        sides.entry(value).or_default().insert(hash);
    }
    sides
        .into_iter()
        .map(|(value, changes)| DisputedValue { value, changes: changes.into_iter().collect() })
        .collect()
}
