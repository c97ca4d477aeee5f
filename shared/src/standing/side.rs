//! Side branches of copied phones: what they say otherwise is disputed until a person has looked.

use automerge::Automerge;

use super::{Logged, Way};
use crate::guard::guard;
use crate::id::ChangeHash;
use crate::merge::merge_at;
use crate::page::message_closes;
use crate::phones::{Values, difference, values};
use crate::resolve::{Dispute, DisputedValue, resolve, writers};

/// Leaves out the side branches that somebody at the desk has looked at and closed.
pub(super) fn still_open<'a>(side: &[&'a Logged], changes: &[&Logged]) -> Vec<&'a Logged> {
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
pub(super) fn dispute_side(
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
                Some(dispute) => beside(dispute, other),
                None => {
                    let changes = writers(doc, &path);
                    let current = DisputedValue { value: main.get(&path).cloned(), changes };
                    disputes.push(Dispute { path, values: vec![current, other] });
                }
            }
            forked.push(change.hash);
        }
    }
    disputes.iter_mut().for_each(|dispute| dispute.values.sort());
    disputes.sort_by(|a, b| a.path.cmp(&b.path));
    forked.dedup();
    forked
}

/// Puts a value beside the others, or its change to those that wrote the same.
fn beside(dispute: &mut Dispute, other: DisputedValue) {
    match dispute.values.iter_mut().find(|side| side.value == other.value) {
        Some(side) => {
            side.changes.extend(other.changes);
            side.changes.sort_unstable();
            side.changes.dedup();
        }
        None => dispute.values.push(other),
    }
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
