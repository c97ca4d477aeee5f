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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mobile_schema::household::{Answers, Value};

    use super::*;
    use crate::guard::guard;
    use crate::id::Actor;
    use crate::merge::{actor_id, merge};
    use crate::page::{Decision, Page, SettleError, settle, write};
    use crate::resolve::resolve;

    fn said(on: &[Vec<u8>], actor: u8, key: &str, value: &str) -> Vec<u8> {
        let mut doc = merge(on).doc;
        doc.set_actor(actor_id(Actor([actor; 16])));
        let mut page = Page::default();
        page.members.insert("m".repeat(32), Answers::from([(key.to_owned(), value.into())]));
        write(&mut doc, &page, 0).unwrap().unwrap().chunk
    }

    fn read(chunks: &[Vec<u8>]) -> Vec<Vec<Option<Value>>> {
        let sides = |dispute: Dispute| dispute.values.into_iter().map(|side| side.value).collect();
        resolve(&merge(chunks).doc).disputes.into_iter().map(sides).collect()
    }

    #[test]
    fn removing_somebody_while_others_answer_for_them_is_a_dispute() {
        let opening = said(&[], 1, "name", "Hồ Thị Lan");
        let base = std::slice::from_ref(&opening);
        let removed = said(base, 2, KEY, "died");
        let edited = said(base, 3, "insurance", "yes");
        let all = [opening.clone(), removed.clone(), edited.clone()];
        assert_eq!(read(&all), [[None, Some("died".into())]]);
        let again = [edited, opening.clone(), removed.clone()];
        assert_eq!(read(&again), [[None, Some("died".into())]], "in every order");

        let alone = [opening.clone(), removed.clone()];
        assert!(read(&alone).is_empty(), "nobody said otherwise");
        let after = said(&alone, 4, "insurance", "yes");
        assert!(read(&[opening, removed, after]).is_empty(), "the editor had seen the removal");
    }

    #[test]
    fn it_is_settled_either_way_and_stays_settled() {
        let opening = said(&[], 1, "name", "Hồ Thị Lan");
        let base = std::slice::from_ref(&opening);
        let all = vec![opening.clone(), said(base, 2, KEY, "died"), said(base, 3, "sex", "female")];
        let heads: Vec<ChangeHash> =
            all[1..].iter().map(|chunk| guard(chunk).unwrap().hash()).collect();
        let path = Path::Member("m".repeat(32), KEY.to_owned());
        let died = Value::from("died");
        for value in [Some(&died), None] {
            let decision = Decision { heads: &heads, path: &path, value, closes: &[] };
            let written = settle(&all, Actor([9; 16]), &decision).unwrap();
            let mut now = all.clone();
            now.push(written.chunk);
            assert!(read(&now).is_empty());
            let household = resolve(&merge(&now).doc).household;
            assert_eq!(household.members[&"m".repeat(32)].get(KEY), value);
        }
        // What was never a side of it is no decision.
        let name = Path::Member("m".repeat(32), "name".to_owned());
        let decision = Decision { heads: &heads, path: &name, value: None, closes: &[] };
        let refused = settle(&all, Actor([9; 16]), &decision);
        assert!(matches!(refused, Err(SettleError::Unfit(None))), "{refused:?}");
    }
}
