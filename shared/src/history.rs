//! What each change of a household said: from what its author saw to what they wrote.
//!
//! A change is read against the version it builds on, not against what had arrived before it: so two
//! people who wrote at the same time are each shown with what they meant.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Automerge;
use mobile_schema::household::{Household, Value};
use serde::{Deserialize, Serialize};

use crate::guard::guard;
use crate::id::ChangeHash;
use crate::merge::{genesis, genesis_hash, merge_at};
use crate::resolve::{Path, Resolved, resolve};

/// Bytes of changes that are read to tell a history: half a second of work. What would go beyond is
/// listed without its answers, the oldest first.
const READ_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What one change said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The change.
    pub hash: ChangeHash,
    /// Answers it gave, sorted by path.
    pub edits: Vec<Edit>,
    /// Blocks whose `asked` mark it wrote.
    pub blocks: Vec<String>,
    /// False where the history is too long for what it said to be read.
    pub told: bool,
}

/// One answer before and after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Which answer.
    pub path: Path,
    /// What its author saw: nothing, one value, or several that people disagreed about.
    pub before: Vec<Value>,
    /// What it says after.
    pub after: Vec<Value>,
}

/// What has become of a household since a version of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The household as it was then, as far as it was agreed.
    pub then: Household,
    /// Every change that version did not hold, in the order given.
    pub since: Vec<Step>,
}

/// Tells what each of these changes said that a version did not hold; of an empty version, all of
/// them. `None` where the version is not known.
///
/// The order is that of `chunks`; put what arrived first at the front.
pub fn history<C: AsRef<[u8]>>(chunks: &[C], version: &[ChangeHash]) -> Option<Past> {
    let mut deps: BTreeMap<ChangeHash, Vec<ChangeHash>> = BTreeMap::new();
    let mut order = Vec::new();
    for change in chunks.iter().filter_map(|chunk| guard(chunk.as_ref()).ok()) {
        if deps.insert(change.hash(), change.dependencies().to_vec()).is_none() {
            order.push(change.hash());
        }
    }
    let mut held = BTreeSet::new();
    let mut next = version.to_vec();
    while let Some(hash) = next.pop() {
        if hash != genesis_hash() && held.insert(hash) {
            next.extend(deps.get(&hash)?);
        }
    }
    let then = if version.is_empty() { genesis() } else { merge_at(chunks, version)? };
    let mut reader = Reader { chunks, last: None };
    let bytes: usize = chunks.iter().map(|chunk| chunk.as_ref().len()).sum();
    let told = READ_BYTES_MAX.checked_div(bytes).unwrap_or(usize::MAX).max(1);
    let later: Vec<ChangeHash> = order.into_iter().filter(|hash| !held.contains(hash)).collect();
    let untold = later.len().saturating_sub(told);
    let step = |(place, hash): (usize, ChangeHash)| {
        let read = if place < untold { None } else { reader.read(hash, &deps[&hash]) };
        read.unwrap_or(Step { hash, edits: Vec::new(), blocks: Vec::new(), told: false })
    };
    let since = later.into_iter().enumerate().map(step).collect();
    Some(Past { then: resolve(&then).household, since })
}

/// Reads versions, and remembers the newest: most changes build on the one before.
struct Reader<'a, C> {
    chunks: &'a [C],
    last: Option<(ChangeHash, Resolved)>,
}

impl<C: AsRef<[u8]>> Reader<'_, C> {
    fn read(&mut self, hash: ChangeHash, deps: &[ChangeHash]) -> Option<Step> {
        let before = match self.last.take() {
            Some((last, read)) if deps == [last] => read,
            _ => resolve(&self.at(deps)?),
        };
        let after = resolve(&self.at(&[hash])?);
        let step = difference(hash, &before, &after);
        self.last = Some((hash, after));
        Some(step)
    }

    fn at(&self, heads: &[ChangeHash]) -> Option<Automerge> {
        merge_at(self.chunks, heads)
    }
}

fn difference(hash: ChangeHash, before: &Resolved, after: &Resolved) -> Step {
    let (was, is) = (values(before), values(after));
    let paths: BTreeSet<&Path> = was.keys().chain(is.keys()).collect();
    let of = |all: &BTreeMap<Path, Vec<Value>>, path| all.get(path).cloned().unwrap_or_default();
    let edits = paths
        .into_iter()
        .map(|path| Edit { path: path.clone(), before: of(&was, path), after: of(&is, path) })
        .filter(|edit| edit.before != edit.after)
        .collect();
    let (before, after) = (&before.household.asked, &after.household.asked);
    let fresh = after.iter().filter(|(block, mark)| before.get(*block) != Some(*mark));
    Step { hash, edits, blocks: fresh.map(|(block, _)| block.clone()).collect(), told: true }
}

/// Lists every answer with its value, or with the several that compete.
fn values(resolved: &Resolved) -> BTreeMap<Path, Vec<Value>> {
    let household = &resolved.household;
    let mut all: BTreeMap<Path, Vec<Value>> = BTreeMap::new();
    for (key, value) in &household.answers {
        all.insert(Path::Answer(key.clone()), vec![value.clone()]);
    }
    for (key, points) in &household.b1_items {
        all.insert(Path::B1Item(key.clone()), vec![Value::Int(*points)]);
    }
    for (id, answers) in &household.members {
        for (key, value) in answers {
            all.insert(Path::Member(id.clone(), key.clone()), vec![value.clone()]);
        }
    }
    for dispute in &resolved.disputes {
        let sides = dispute.values.iter().filter_map(|side| side.value.clone());
        all.insert(dispute.path.clone(), sides.collect());
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::Actor;
    use crate::merge::{actor_id, merge};
    use crate::page::{Page, write};

    fn written(on: &[Vec<u8>], actor: u8, key: &str, value: &str) -> Vec<u8> {
        let mut doc = merge(on).doc;
        doc.set_actor(actor_id(Actor([actor; 16])));
        let page = Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() };
        write(&mut doc, &page, 0).unwrap().unwrap().chunk
    }

    fn hash(chunk: &[u8]) -> ChangeHash {
        guard(chunk).unwrap().hash()
    }

    #[test]
    fn everybody_is_shown_with_what_they_saw_and_wrote() {
        let first = written(&[], 1, "roof", "leaf");
        let hoa = written(std::slice::from_ref(&first), 2, "roof", "tile");
        let minh = written(std::slice::from_ref(&first), 3, "roof", "canvas");
        let all = [first.clone(), hoa.clone(), minh.clone()];
        let desk = written(&all, 4, "roof", "tile");
        let all = [first.clone(), hoa.clone(), minh, desk];
        let past = history(&all, &[]).unwrap();
        let said: Vec<(Vec<Value>, Vec<Value>)> = past
            .since
            .iter()
            .map(|step| (step.edits[0].before.clone(), step.edits[0].after.clone()))
            .collect();
        let (leaf, tile, canvas) =
            (Value::from("leaf"), Value::from("tile"), Value::from("canvas"));
        assert_eq!(said[0], (vec![], vec![leaf.clone()]));
        assert_eq!(said[1], (vec![leaf.clone()], vec![tile.clone()]));
        assert_eq!(said[2], (vec![leaf], vec![canvas.clone()]), "minh had not seen the tiles");
        assert_eq!(said[3], (vec![canvas, tile.clone()], vec![tile]));

        let since = history(&all, &[hash(&hoa)]).unwrap();
        assert_eq!(since.since.len(), 2, "what hoa's version did not hold");
        assert_eq!(since.then.answers["roof"], "tile".into());
        assert_eq!(history(&all, &[ChangeHash([9; 32])]), None);
    }
}
