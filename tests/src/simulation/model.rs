//! P8 in the simulation: what every change wrote and had seen, and what must be current from that
//! alone. The model knows nothing of Automerge.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::Value;
use shared::guard::guard;
use shared::id::{ChangeHash, DocumentId};
use shared::merge::{genesis_hash, merge};
use shared::page::Page;
use shared::resolve::{Path, resolve};
use shared::standing::Standing;

use super::{Edit, Known};

/// One change as the model sees it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Everything its author had seen.
    pub(super) seen: BTreeSet<ChangeHash>,
    /// What it wrote.
    pub(super) wrote: Vec<(Path, Value)>,
}

/// Every change anybody wrote.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) made: BTreeMap<Edit, Made>,
}

/// Lists what a page says by path.
fn said(page: &Page) -> Vec<(Path, Value)> {
    let answers =
        page.answers.iter().map(|(key, value)| (Path::Answer(key.clone()), value.clone()));
    let items = page
        .b1_items
        .iter()
        .map(|(item, points)| (Path::B1Item(item.clone()), Value::Int(*points)));
    let members = page.members.iter().flat_map(|(id, answers)| {
        answers.iter().map(|(key, value)| (Path::Member(id.clone(), key.clone()), value.clone()))
    });
    answers.chain(items).chain(members).collect()
}

impl Model {
    /// Notes a change that saved a page.
    pub(super) fn note_page(&mut self, document: DocumentId, chunk: &[u8], page: &Page) {
        self.note(document, chunk, said(page));
    }

    /// Notes a change; of what it says, only what was not so already was written.
    pub(super) fn note(&mut self, document: DocumentId, chunk: &[u8], said: Vec<(Path, Value)>) {
        let seen = self.seen(document, chunk);
        let news = |(path, value): &(Path, Value)| {
            let current = self.current(document, path, &seen);
            !matches!(current[..], [(_, known)] if known == value)
        };
        let wrote = said.into_iter().filter(news).collect();
        let hash = guard(chunk).expect("a sound change").hash();
        self.made.insert((document, hash), Made { seen, wrote });
    }

    /// Works out what an author had seen from what the change says it builds on.
    fn seen(&self, document: DocumentId, chunk: &[u8]) -> BTreeSet<ChangeHash> {
        let mut seen = BTreeSet::new();
        for hash in guard(chunk).expect("a sound change").dependencies() {
            if *hash != genesis_hash() {
                seen.insert(*hash);
                let made = self.made.get(&(document, *hash));
                seen.extend(made.iter().flat_map(|made| &made.seen));
            }
        }
        seen
    }

    /// Works out what is current on a path for somebody who has seen these changes.
    fn current(
        &self,
        document: DocumentId,
        path: &Path,
        seen: &BTreeSet<ChangeHash>,
    ) -> Vec<(ChangeHash, &Value)> {
        let writes: Vec<(ChangeHash, &Made, &Value)> = seen
            .iter()
            .filter_map(|hash| Some((*hash, self.made.get(&(document, *hash))?)))
            .flat_map(|(hash, made)| made.wrote.iter().map(move |write| (hash, made, write)))
            .filter(|(_, _, (at, _))| at == path)
            .map(|(hash, made, (_, value))| (hash, made, value))
            .collect();
        let superseded =
            |hash: &ChangeHash| writes.iter().any(|(_, made, _)| made.seen.contains(hash));
        let standing = writes.iter().filter(|(hash, _, _)| !superseded(hash));
        standing.map(|(hash, _, value)| (*hash, *value)).collect()
    }

    /// Works out which current edits of a member and which current removals have not seen each other.
    fn unseen_edits(
        &self,
        document: DocumentId,
        path: &Path,
        all: &BTreeSet<ChangeHash>,
    ) -> BTreeSet<ChangeHash> {
        let Path::Member(id, key) = path else { return BTreeSet::new() };
        if key != "removed" {
            return BTreeSet::new();
        }
        let removals: BTreeSet<ChangeHash> =
            self.current(document, path, all).into_iter().map(|(hash, _)| hash).collect();
        let written = all.iter().flat_map(|hash| &self.made[&(document, *hash)].wrote);
        let others: BTreeSet<&Path> = written
            .map(|(other, _)| other)
            .filter(|other| *other != path && matches!(other, Path::Member(of, _) if of == id))
            .collect();
        let edits = others.into_iter().flat_map(|other| self.current(document, other, all));
        let seen = |one: &ChangeHash, other: &ChangeHash| {
            one == other || self.made[&(document, *one)].seen.contains(other)
        };
        let apart = |edit: &ChangeHash| {
            !removals.is_empty()
                && removals.iter().all(|removal| !seen(edit, removal) && !seen(removal, edit))
        };
        edits.map(|(hash, _)| hash).filter(apart).collect()
    }

    /// Compares a household with what the model says, write by write; returns its disputes.
    pub(super) fn check(&self, document: DocumentId, main: &Known) -> Result<usize, String> {
        let all: BTreeSet<ChangeHash> = main.keys().copied().collect();
        let unknown = all.iter().find(|hash| !self.made.contains_key(&(document, **hash)));
        if let Some(hash) = unknown {
            return Err(format!("{document}: nobody wrote {hash}"));
        }
        let chunks: Vec<&Vec<u8>> = main.values().collect();
        let resolved = resolve(&merge(&chunks).doc);
        let paths: BTreeSet<&Path> = all
            .iter()
            .flat_map(|hash| self.made[&(document, *hash)].wrote.iter().map(|(path, _)| path))
            .collect();
        let mut disputes = 0;
        for path in paths {
            let mut sides: BTreeMap<Option<Value>, Vec<ChangeHash>> = BTreeMap::new();
            for (hash, value) in self.current(document, path, &all) {
                sides.entry(Some(value.clone())).or_default().push(hash);
            }
            for edit in self.unseen_edits(document, path, &all) {
                sides.entry(None).or_default().push(edit);
            }
            let household = &resolved.household;
            let read = match path {
                Path::Answer(key) => household.answers.get(key).cloned(),
                Path::B1Item(item) => household.b1_items.get(item).copied().map(Value::Int),
                Path::Member(id, key) => {
                    household.members.get(id).and_then(|member| member.get(key)).cloned()
                }
            };
            let dispute = resolved.disputes.iter().find(|dispute| dispute.path == *path);
            if sides.len() == 1 {
                let agreed = sides.keys().next().cloned().flatten();
                if read != agreed || dispute.is_some() {
                    return Err(format!(
                        "{document} {path}: {read:?} {dispute:?}, must be {agreed:?}"
                    ));
                }
                continue;
            }
            disputes += 1;
            let named: BTreeMap<Option<Value>, Vec<ChangeHash>> = dispute
                .iter()
                .flat_map(|dispute| &dispute.values)
                .map(|side| (side.value.clone(), side.changes.clone()))
                .collect();
            sides.values_mut().for_each(|hashes| {
                hashes.sort_unstable();
                hashes.dedup();
            });
            if named != sides || read.is_some() {
                return Err(format!(
                    "{document} {path}: {named:?} {read:?}, must be disputed: {sides:?}"
                ));
            }
        }
        if resolved.disputes.len() == disputes {
            Ok(disputes)
        } else {
            Err(format!("{document}: {} disputes, must be {disputes}", resolved.disputes.len()))
        }
    }

    /// What open side branches say otherwise must be disputed.
    pub(super) fn check_side(
        &self,
        document: DocumentId,
        main: &Known,
        standing: &Standing,
    ) -> Result<(), String> {
        let all: BTreeSet<ChangeHash> = main.keys().copied().collect();
        for hash in &standing.forked {
            for (path, value) in &self.made[&(document, *hash)].wrote {
                let current = self.current(document, path, &all);
                let agreed =
                    current.iter().all(|(_, known)| *known == value) && !current.is_empty();
                let disputed = standing.disputes.iter().any(|dispute| {
                    let mut values = dispute.values.iter();
                    dispute.path == *path && values.any(|side| side.value.as_ref() == Some(value))
                });
                if !agreed && !disputed {
                    return Err(format!("{document} {path}: {value:?} of {hash} is nowhere"));
                }
            }
        }
        Ok(())
    }
}
