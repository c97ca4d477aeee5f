//! The operations of a document's changes, answer by answer: who wrote over what they had seen.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{Automerge, ObjType, ScalarValue};
use mobile_schema::household::Value;

use crate::id::ChangeHash;
use crate::merge::{genesis, genesis_hash};
use crate::resolve::{Path, scalar_value};

/// Names an operation.
type Name = (u64, Vec<u8>);

/// Several values that one change wrote over.
pub(super) struct WrittenOver {
    pub(super) path: Path,
    pub(super) values: Vec<(Option<Value>, ChangeHash)>,
    pub(super) by: ChangeHash,
    pub(super) after: Option<Value>,
}

/// A value that nobody wrote over and that may not be the one that is read.
pub(super) struct Gone {
    pub(super) path: Path,
    pub(super) value: Option<Value>,
    pub(super) changes: Vec<ChangeHash>,
    /// Who took it away without having seen it.
    pub(super) by: Option<ChangeHash>,
}

/// What a map of the document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Answers,
    B1Items,
    Members,
    /// One member, and the operation that made the map.
    Member(String, Name),
}

/// What one change did to an answer: the values it wrote over, and what it says at its end; nothing
/// where it took the answer away.
type Said = (BTreeSet<Name>, Option<Option<Value>>);

/// One value of an answer, or the map of a member.
struct Write {
    change: usize,
    value: Option<Value>,
    /// Somebody who had seen it wrote over it or took it away.
    over: bool,
    /// The map of the member it is in.
    within: Option<Name>,
    /// A text, which others may have edited since.
    text: bool,
}

/// An answer taken away, and nothing put in its place.
struct Taken {
    path: Path,
    change: usize,
    within: Option<Name>,
}

/// Everything that was written to a household.
#[derive(Default)]
pub(super) struct Trace {
    changes: Vec<ChangeHash>,
    dependencies: BTreeMap<ChangeHash, Vec<ChangeHash>>,
    writes: BTreeMap<Name, (Path, Write)>,
    taken: Vec<Taken>,
    over: Vec<WrittenOver>,
    /// Makers of members' maps, and who took each away.
    maps: BTreeMap<Name, Option<usize>>,
}

impl Trace {
    /// Reads every change of a document, each after those it builds on.
    pub(super) fn of(doc: &Automerge) -> Self {
        let mut trace = Self::default();
        let mut places: BTreeMap<Name, Place> = BTreeMap::new();
        for (key, place) in
            [("answers", Place::Answers), ("b1_items", Place::B1Items), ("members", Place::Members)]
        {
            places.extend(genesis_name(key).map(|name| (name, place)));
        }
        for change in doc.get_changes(&[]) {
            let hash = ChangeHash(change.hash().0);
            if hash == genesis_hash() {
                continue;
            }
            let deps = change.deps().iter().map(|dep| ChangeHash(dep.0)).collect();
            trace.dependencies.insert(hash, deps);
            trace.changes.push(hash);
            let actor = change.actor_id().to_bytes().to_vec();
            let operations = change.decode().operations;
            let names = (change.start_op().get()..).map(|number| (number, actor.clone()));
            trace.change(names.zip(&operations).collect(), &mut places);
        }
        trace
    }

    fn change(&mut self, operations: Vec<(Name, &Op)>, places: &mut BTreeMap<Name, Place>) {
        let change = self.changes.len() - 1;
        // Of an answer: what this change wrote over, and what it says of it at its end.
        let mut said: BTreeMap<(Path, Option<Name>), Said> = BTreeMap::new();
        for (at, (name, op)) in operations.iter().enumerate() {
            let (ObjectId::Id(object), Key::Map(key)) = (&op.obj, &op.key) else { continue };
            let Some(place) = places.get(&named(object)).cloned() else { continue };
            let seen: Vec<Name> = op.pred.iter().map(named).collect();
            let (path, within) = match place {
                Place::Answers => (Path::Answer(key.to_string()), None),
                Place::B1Items => (Path::B1Item(key.to_string()), None),
                Place::Member(id, map) => (Path::Member(id, key.to_string()), Some(map)),
                Place::Members => {
                    self.member(change, (name, op), key, &seen, places);
                    continue;
                }
            };
            let (over, last) = said.entry((path.clone(), within.clone())).or_default();
            over.extend(seen);
            *last = match value_of(&operations[at..]) {
                None => None,
                Some(value) => {
                    let text = op.action == OpType::Make(ObjType::Text);
                    let write = Write { change, value: value.clone(), over: false, within, text };
                    self.writes.insert(name.clone(), (path, write));
                    Some(value)
                }
            };
        }
        for ((path, within), (over, last)) in said {
            self.finish(change, path, within, &over, last);
        }
    }

    /// Makes, replaces or takes away the map of a member.
    fn member(
        &mut self,
        change: usize,
        (name, op): (&Name, &Op),
        id: &str,
        seen: &[Name],
        places: &mut BTreeMap<Name, Place>,
    ) {
        for map in seen {
            if let Some(by) = self.maps.get_mut(map) {
                by.get_or_insert(change);
            }
        }
        if op.action == OpType::Make(ObjType::Map) {
            places.insert(name.clone(), Place::Member(id.to_owned(), name.clone()));
            self.maps.insert(name.clone(), None);
        }
    }

    /// Notes what a change has done to one answer. Its own values it may write over as it likes.
    fn finish(
        &mut self,
        change: usize,
        path: Path,
        within: Option<Name>,
        over: &BTreeSet<Name>,
        last: Option<Option<Value>>,
    ) {
        let mut values = Vec::new();
        for name in over {
            if let Some((_, write)) = self.writes.get_mut(name) {
                write.over = true;
                if write.change != change {
                    values.push((write.value.clone(), self.changes[write.change]));
                }
            }
        }
        let distinct: BTreeSet<&Option<Value>> = values.iter().map(|(value, _)| value).collect();
        let by = self.changes[change];
        if distinct.len() > 1 {
            let (path, after) = (path.clone(), last.clone().flatten());
            self.over.push(WrittenOver { path, values, by, after });
        }
        if last.is_none() {
            self.taken.push(Taken { path, change, within });
        }
    }

    /// Lists where a change wrote over several values that it had seen.
    pub(super) fn written_over(&self) -> Vec<WrittenOver> {
        let one = |over: &WrittenOver| WrittenOver {
            path: over.path.clone(),
            values: over.values.clone(),
            by: over.by,
            after: over.after.clone(),
        };
        self.over.iter().map(one).collect()
    }

    /// Lists what each change said of whether a member was removed: the change, what it builds on, and
    /// its word.
    pub(super) fn removals(&self) -> Vec<(Path, ChangeHash, &[ChangeHash], Option<Value>)> {
        let is_removal = |path: &Path| matches!(path, Path::Member(_, key) if key == "removed");
        let written = self.writes.values().map(|(path, write)| (path, write.change, &write.value));
        let taken = self.taken.iter().map(|taken| (&taken.path, taken.change, &None));
        let all = written.chain(taken).filter(|(path, ..)| is_removal(path));
        let told = all.map(|(path, change, value)| {
            let hash = self.changes[change];
            let on = self.dependencies.get(&hash).map_or(&[][..], Vec::as_slice);
            (path.clone(), hash, on, value.clone())
        });
        told.collect()
    }

    /// Lists the values nobody wrote over, with who took them away unseen.
    pub(super) fn gone(&self) -> Vec<Gone> {
        let mut gone = Vec::new();
        let mut takers: BTreeMap<(&Path, &Option<Name>), Vec<usize>> = BTreeMap::new();
        for taken in &self.taken {
            takers.entry((&taken.path, &taken.within)).or_default().push(taken.change);
        }
        let seen = Seen::of(self);
        for (path, write) in self.writes.values().filter(|(_, write)| !write.over) {
            let at = write.change;
            let takers = takers.get(&(path, &write.within)).into_iter().flatten().copied();
            let takers = takers.filter(|taker| *taker != at);
            let with_its_map =
                write.within.as_ref().and_then(|map| self.maps.get(map).copied().flatten());
            // Of several who took it away the first is named.
            let unseen = takers
                .chain(with_its_map)
                .find(|taker| !seen.has_seen(*taker, at) && !seen.has_seen(at, *taker));
            let seen_map_go = with_its_map.is_some_and(|taker| seen.has_seen(taker, at));
            if unseen.is_some() || !(seen_map_go || write.text) {
                gone.push(Gone {
                    path: path.clone(),
                    value: write.value.clone(),
                    changes: vec![self.changes[at]],
                    by: unseen.map(|by| self.changes[by]),
                });
            }
        }
        gone
    }
}

/// What the authors of changes had seen: a bit for each change that is older, worked out once.
struct Seen {
    bits: Vec<Vec<u64>>,
}

impl Seen {
    fn of(trace: &Trace) -> Self {
        let places: BTreeMap<ChangeHash, usize> =
            trace.changes.iter().enumerate().map(|(place, hash)| (*hash, place)).collect();
        let mut bits: Vec<Vec<u64>> = Vec::with_capacity(places.len());
        // Each change comes after those that it builds on.
        for (place, hash) in trace.changes.iter().enumerate() {
            let mut seen = vec![0; place / 64 + 1];
            seen[place / 64] |= 1 << (place % 64);
            let before = trace.dependencies.get(hash).into_iter().flatten();
            for before in before.filter_map(|before| bits.get(*places.get(before)?)) {
                seen.iter_mut().zip(before).for_each(|(to, from)| *to |= from);
            }
            bits.push(seen);
        }
        Self { bits }
    }

    /// Tells whether the author of a change had seen another one.
    fn has_seen(&self, change: usize, other: usize) -> bool {
        let word = self.bits.get(change).and_then(|bits| bits.get(other / 64));
        word.is_some_and(|word| word >> (other % 64) & 1 == 1)
    }
}

fn named(id: &OpId) -> Name {
    (id.counter(), id.actor().to_bytes().to_vec())
}

/// Finds the operation that makes a map of genesis.
fn genesis_name(key: &str) -> Option<Name> {
    let change = genesis().get_changes(&[]).into_iter().next()?;
    let actor = change.actor_id().to_bytes().to_vec();
    let names = (change.start_op().get()..).map(|number| (number, actor.clone()));
    let operations = change.decode().operations;
    let is_it = |op: &Op| op.obj == ObjectId::Root && op.key == Key::Map(key.into());
    names.zip(operations).find(|(_, op)| is_it(op)).map(|(name, _)| name)
}

/// Reads what the first of these operations writes; `None` where it takes away. Of a text it is
/// what the same change put into it.
fn value_of(operations: &[(Name, &Op)]) -> Option<Option<Value>> {
    let ((name, op), rest) = operations.split_first()?;
    match &op.action {
        OpType::Put(scalar) => Some(scalar_value(scalar)),
        OpType::Make(ObjType::Text) => {
            let inside = rest.iter().filter(
                |(_, op)| matches!(&op.obj, ObjectId::Id(object) if named(object) == *name),
            );
            let text: String = inside
                .filter_map(|(_, op)| match &op.action {
                    OpType::Put(ScalarValue::Str(part)) => Some(part.as_str()),
                    _ => None,
                })
                .collect();
            Some(Some(text.into()))
        }
        OpType::Delete => None,
        _ => Some(None),
    }
}
