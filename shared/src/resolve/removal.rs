//! Removing a member against editing them: who removed somebody and who answered for them, neither
//! having seen the other, disagree on whether that person still belongs to the household.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ObjId, ReadDoc};

use super::{Dispute, DisputedValue, Path};
use crate::id::ChangeHash;

/// Key under which a member is marked as removed.
pub(super) const KEY: &str = "removed";

/// Adds the edits that neither saw a removal nor were seen by one to the disputes; true where there
/// are any. Such an edit stands as the value that is no removal.
pub(super) fn dispute(
    doc: &Automerge,
    member: &ObjId,
    path: &Path,
    disputes: &mut Vec<Dispute>,
) -> bool {
    let removals = writers(doc, member, KEY);
    if removals.is_empty() {
        return false;
    }
    let keys = doc.keys(member).filter(|key| key != KEY);
    let edits: BTreeSet<ChangeHash> = keys.flat_map(|key| writers(doc, member, &key)).collect();
    if edits.iter().all(|edit| removals.contains(edit)) {
        return false;
    }
    let past = Past::of(doc);
    let removed = past.before(removals.iter().copied());
    let unseen = |edit: &ChangeHash| {
        let seen = past.before([*edit]);
        !removed.contains(edit) && removals.iter().all(|removal| !seen.contains(removal))
    };
    let edits: Vec<ChangeHash> = edits.iter().copied().filter(unseen).collect();
    if edits.is_empty() {
        return false;
    }
    let stays = DisputedValue { value: None, changes: edits };
    match disputes.iter_mut().find(|dispute| dispute.path == *path) {
        Some(dispute) => match dispute.values.iter_mut().find(|side| side.value.is_none()) {
            Some(side) => {
                side.changes.extend(stays.changes);
                side.changes.sort_unstable();
                side.changes.dedup();
            }
            None => dispute.values.insert(0, stays),
        },
        None => {
            let Some(reason) = reason(doc, member) else { return false };
            let changes = removals.into_iter().collect();
            let goes = DisputedValue { value: Some(reason), changes };
            disputes.push(Dispute { path: path.clone(), values: vec![stays, goes] });
        }
    }
    true
}

/// Reads why a member was removed, where that is agreed.
fn reason(doc: &Automerge, member: &ObjId) -> Option<mobile_schema::household::Value> {
    let all = doc.get_all(member, KEY).ok()?;
    all.iter().find_map(|(value, _)| match value {
        automerge::Value::Scalar(scalar) => super::scalar_value(scalar),
        automerge::Value::Object(_) => None,
    })
}

/// Names the changes behind what stands under a key; nothing counts as nothing.
fn writers(doc: &Automerge, member: &ObjId, key: &str) -> BTreeSet<ChangeHash> {
    let all = doc.get_all(member, key).unwrap_or_default().into_iter();
    let said = all.filter(
        |(value, _)| !matches!(value, automerge::Value::Scalar(scalar) if scalar.is_null()),
    );
    said.filter_map(|(_, id)| doc.hash_for_opid(&id)).map(|hash| ChangeHash(hash.0)).collect()
}

/// What each change of a document builds on.
struct Past {
    dependencies: BTreeMap<ChangeHash, Vec<ChangeHash>>,
}

impl Past {
    fn of(doc: &Automerge) -> Self {
        let metas = doc.get_changes_meta(&[]).into_iter();
        let one = |meta: automerge::ChangeMetadata<'_>| {
            let deps = meta.deps.iter().map(|dep| ChangeHash(dep.0)).collect();
            (ChangeHash(meta.hash.0), deps)
        };
        Self { dependencies: metas.map(one).collect() }
    }

    /// Collects these changes and everything before them.
    fn before(&self, from: impl IntoIterator<Item = ChangeHash>) -> BTreeSet<ChangeHash> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<ChangeHash> = from.into_iter().collect();
        while let Some(hash) = next.pop() {
            if seen.insert(hash) {
                next.extend(self.dependencies.get(&hash).into_iter().flatten());
            }
        }
        seen
    }
}
