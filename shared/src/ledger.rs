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
    entries.extend(settled_removals(changes, &trace, &offices));
    let household = resolve(&doc).household;
    let mut shown: BTreeSet<(Path, Option<Value>)> = entries
        .iter()
        .filter(|entry| entry.is_open())
        .flat_map(|entry| entry.values.iter().map(|side| (entry.path.clone(), side.value.clone())))
        .collect();
    for Gone { path, value, changes, by } in trace.gone() {
        let said = (path.clone(), value.clone());
        if shown.contains(&said) || (by.is_none() && path.value_in(&household) == value) {
            continue;
        }
        shown.insert(said);
        if by.is_some() {
            shown.insert((path.clone(), None));
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

/// Lists where an office decided between the removal of a member and edits to them: the edits are
/// no values of the answer, so that nothing there was written over.
fn settled_removals(
    changes: &[Logged],
    trace: &Trace,
    offices: &BTreeSet<ChangeHash>,
) -> Vec<Entry> {
    let decided = trace.removals().into_iter().filter(|(_, by, ..)| offices.contains(by));
    let settled = decided.filter_map(|(path, by, on, after)| {
        let before = resolve(&merge_at(changes, on)?);
        let dispute = before.disputes.into_iter().find(|dispute| dispute.path == path)?;
        let values = dispute.values;
        values.iter().any(|side| side.value.is_none()).then_some(Entry {
            path,
            kind: Kind::Settled,
            values,
            by: Some(by),
            after,
        })
    });
    settled.collect()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::ReadDoc;
    use automerge::transaction::{CommitOptions, Transactable};
    use mobile_schema::household::Answers;

    use super::*;
    use crate::classify::Basis;
    use crate::date::Date;
    use crate::id::{Actor, DocumentId, HouseholdId};
    use crate::merge::{actor_id, genesis_map};
    use crate::page::{Decision, Page, settle, write};
    use crate::standard::Standard;
    use crate::standing::{Place, stand};
    use crate::unit::Area;

    fn logged(hash: ChangeHash, chunk: Vec<u8>, by: Way) -> Logged {
        Logged { hash, chunk, by }
    }

    fn said(on: &[Logged], actor: u8, page: &Page, by: Way) -> Logged {
        let mut doc = merge(on).doc;
        doc.set_actor(actor_id(Actor([actor; 16])));
        let written = write(&mut doc, page, 0).unwrap().unwrap();
        logged(written.hash, written.chunk, by)
    }

    fn roof(value: &str) -> Page {
        Page { answers: [("roof".to_owned(), value.into())].into(), ..Page::default() }
    }

    fn member(key: &str, value: &str) -> Page {
        let answers = Answers::from([(key.to_owned(), value.into())]);
        Page { members: [("m".repeat(32), answers)].into(), ..Page::default() }
    }

    /// Writes as a client of another make might: by hand.
    fn by_hand(on: &[Logged], actor: u8, act: impl Fn(&mut automerge::Automerge)) -> Logged {
        let mut doc = merge(on).doc;
        doc.set_actor(actor_id(Actor([actor; 16])));
        act(&mut doc);
        let change = doc.get_last_local_change().unwrap();
        logged(ChangeHash(change.hash().0), change.raw_bytes().to_vec(), Way::Session)
    }

    fn told(log: &[Logged], side: &[Logged]) -> Vec<(Kind, String, Vec<Option<Value>>)> {
        let standard = Standard::nd_07_2021();
        let review_date = Date::parse("2022-12-14").unwrap();
        let basis = Basis { standard: &standard, table: None, review_date, region: "" };
        let place = Place {
            household: HouseholdId([1; 16]),
            document: DocumentId([2; 16]),
            hamlet: "19558-01".to_owned(),
            area: Area::Rural,
            opening: None,
            opening_dtts: false,
        };
        let standing = stand(&place, log, side, &basis);
        ledger(log, side, &standing)
            .into_iter()
            .map(|entry| {
                let values = entry.values.into_iter().map(|side| side.value).collect();
                (entry.kind, entry.path.to_string(), values)
            })
            .collect()
    }

    fn of(values: &[&str]) -> Vec<Option<Value>> {
        values.iter().map(|value| Some((*value).into())).collect()
    }

    #[test]
    fn whoever_writes_over_several_values_leaves_them_in_the_ledger() {
        let (hoa, minh) =
            (said(&[], 1, &roof("tile"), Way::Device), said(&[], 2, &roof("leaf"), Way::Device));
        let both = vec![hoa.clone(), minh.clone()];
        let roof_path = || "answers/roof".to_owned();
        assert_eq!(told(&both, &[]), [(Kind::Competing, roof_path(), of(&["leaf", "tile"]))]);
        for (by, kind) in [(Way::Device, Kind::Overwritten), (Way::Desk, Kind::Settled)] {
            let third = said(&both, 3, &roof("canvas"), by);
            let all = [both.clone(), vec![third]].concat();
            assert_eq!(told(&all, &[]), [(kind, roof_path(), of(&["leaf", "tile"]))]);
        }
        let agreed = said(&[], 2, &roof("tile"), Way::Device);
        let both = vec![hoa, agreed];
        let third = said(&both, 3, &roof("canvas"), Way::Device);
        assert!(told(&[both, vec![third]].concat(), &[]).is_empty(), "they had said the same");
    }

    #[test]
    fn what_automerge_hides_is_found() {
        let opening = said(&[], 1, &member("name", "Hồ Thị Lan"), Way::Desk);
        let base = std::slice::from_ref(&opening);
        let edited = said(base, 2, &member("sex", "female"), Way::Device);
        let deleted = by_hand(base, 3, |doc| {
            let members = genesis_map("members").unwrap();
            let mut tx = doc.transaction();
            tx.delete(&members, "m".repeat(32)).unwrap();
            tx.commit_with(CommitOptions::default());
        });
        let path = format!("members/{}/sex", "m".repeat(32));
        let all = [opening.clone(), edited.clone(), deleted];
        assert_eq!(told(&all, &[]), [(Kind::Cleared, path, vec![None, Some("female".into())])]);

        let first = said(&[], 1, &roof("tile"), Way::Device);
        let base = std::slice::from_ref(&first);
        let kept = said(base, 2, &roof("leaf"), Way::Device);
        let emptied = by_hand(base, 3, |doc| {
            let answers = genesis_map("answers").unwrap();
            assert!(doc.get(&answers, "roof").unwrap().is_some());
            let mut tx = doc.transaction();
            tx.delete(&answers, "roof").unwrap();
            tx.commit_with(CommitOptions::default());
        });
        let all = [first, kept, emptied];
        let cleared = (Kind::Cleared, "answers/roof".to_owned(), vec![None, Some("leaf".into())]);
        assert_eq!(told(&all, &[]), [cleared]);
    }

    #[test]
    fn a_copied_phone_and_a_removal_are_named_for_what_they_are() {
        let opening = said(&[], 1, &member("name", "Hồ Thị Lan"), Way::Device);
        let base = std::slice::from_ref(&opening);
        let (one, two) =
            (said(base, 1, &roof("tile"), Way::Device), said(base, 1, &roof("leaf"), Way::Device));
        let mut copies = [one, two];
        copies.sort_by_key(|change| change.hash);
        let [main, side] = copies;
        let found = told(&[opening.clone(), main], &[side]);
        assert_eq!(found, [(Kind::SideBranch, "answers/roof".to_owned(), of(&["leaf", "tile"]))]);

        let removed = said(base, 2, &member("removed", "died"), Way::Device);
        let edited = said(base, 3, &member("sex", "female"), Way::Device);
        let both = [opening, removed, edited];
        let found = told(&both, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Kind::Removed);

        // Whatever the office decides of it stays to be seen.
        let heads = resolve(&merge(&both).doc).heads;
        let path: Path = format!("members/{}/removed", "m".repeat(32)).parse().unwrap();
        let died: Value = "died".into();
        for value in [Some(&died), None] {
            let decision = Decision { heads: &heads, path: &path, value, closes: &[] };
            let made = settle(&both, Actor([9; 16]), &decision).unwrap();
            let decided = logged(made.hash, made.chunk, Way::Desk);
            let found = told(&[both.to_vec(), vec![decided]].concat(), &[]);
            let of = (Kind::Settled, path.to_string(), vec![None, Some(died.clone())]);
            assert_eq!(found, [of], "{value:?}");
        }
    }
}
