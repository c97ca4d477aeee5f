//! Third stage of the line: the set of a household's changes becomes one document.
//!
//! The result is a function of the set alone: any order of arrival, any repetition, same document.
//! Changes whose ancestors are missing, and the losing side of a copied phone, stay out and are
//! named; they are never handed to Automerge, which would queue or refuse them silently.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use automerge::{ActorId, Automerge, Change, ObjId, ROOT, ReadDoc};
use mobile_schema::genesis::{GENESIS_V1, GENESIS_V1_HASH};

use crate::id::{Actor, ChangeHash};
use crate::limits;
use crate::references::{self, Checked};

static GENESIS: LazyLock<Automerge> =
    LazyLock::new(|| Automerge::load(GENESIS_V1).expect("the genesis bytes are our own and load"));

/// Returns the document every household starts from.
pub fn genesis() -> Automerge {
    GENESIS.clone()
}

/// Returns the hash of the genesis change, the one ancestor of everything.
pub fn genesis_hash() -> ChangeHash {
    static HASH: LazyLock<ChangeHash> =
        LazyLock::new(|| GENESIS_V1_HASH.trim().parse().expect("the published hash is an id"));
    *HASH
}

/// Returns the map that genesis made under a key of the root.
///
/// Everybody writes into this one, found by its id: a foreign client may put another value in its
/// place or delete it, and what others wrote, before or meanwhile, must not vanish with that.
pub fn genesis_map(key: &str) -> Option<ObjId> {
    static MAPS: LazyLock<BTreeMap<String, ObjId>> = LazyLock::new(|| {
        GENESIS.map_range(ROOT, ..).map(|item| (item.key.to_string(), item.id())).collect()
    });
    MAPS.get(key).cloned()
}

/// A merged document and what was left out of it.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The document.
    pub doc: Automerge,
    /// Changes that miss an ancestor, in order of hash.
    pub waiting: Vec<ChangeHash>,
    /// Changes that share actor and number with one in the document, and what builds on them: the
    /// side branch of a copied phone. Of copies that could all stay, the smallest hash does.
    pub forked: Vec<ChangeHash>,
    /// Changes that refer to what they cannot have seen, that the library cannot apply, or that find
    /// no room in the document; and what builds on them.
    pub broken: Vec<ChangeHash>,
    /// Changes in the document that leave out numbers between what they build on and themselves, as
    /// one does that was written at an earlier state.
    pub ahead: Vec<ChangeHash>,
}

/// Merges inflated change chunks that passed the guard, each once, in any order.
///
/// ```
/// use shared::merge::{genesis_hash, merge};
///
/// let merged = merge::<Vec<u8>>(&[]);
/// assert_eq!(merged.doc.get_heads()[0].0, genesis_hash().0);
/// assert!(merged.waiting.is_empty());
/// ```
pub fn merge<C: AsRef<[u8]>>(chunks: &[C]) -> Merged {
    let (changes, mut broken) = parse(chunks);
    let wanted = changes.keys().copied().collect();
    let (placed, waiting) = ancestors_first(&changes, wanted, &|dep| *dep == genesis_hash());
    let (ordered, forked) = without_forks(placed);
    let (ordered, crowded) = within_room(ordered);
    broken.extend(crowded);
    let checked = references::check(&ordered);
    broken.extend(&checked.broken);
    let doc = apply_around(genesis(), &checked.sound, checked.marks, &mut broken);
    let ahead = checked.ahead.into_iter().filter(|hash| !broken.contains(hash)).collect();
    Merged { doc, waiting, forked, broken: broken.into_iter().collect(), ahead }
}

/// Rebuilds the document as it was at `heads`; `None` where one of them is not in the set.
pub fn merge_at<C: AsRef<[u8]>>(chunks: &[C], heads: &[ChangeHash]) -> Option<Automerge> {
    let (changes, _) = parse(chunks);
    let mut wanted = BTreeSet::new();
    let mut next: Vec<ChangeHash> = heads.to_vec();
    while let Some(hash) = next.pop() {
        if hash == genesis_hash() || !wanted.insert(hash) {
            continue;
        }
        next.extend(changes.get(&hash)?.deps().iter().map(|dep| ChangeHash(dep.0)));
    }
    let (ordered, waiting) = ancestors_first(&changes, wanted, &|dep| *dep == genesis_hash());
    let checked = references::check(&ordered);
    let Checked { sound, marks, .. } = &checked;
    let whole = waiting.is_empty() && sound.len() == ordered.len();
    whole.then(|| apply(&genesis(), sound, *marks)).flatten()
}

/// Adds changes to a document saved from [`merge`], which gives what merging all of them gives;
/// `None` where that takes all of them, or where the saved bytes are of no use.
///
/// So every addition must follow by its own ancestors from what its author and the authors it names
/// wrote before: then no order of arrival could have left anything out.
pub fn merge_onto<C: AsRef<[u8]>>(saved: &[u8], chunks: &[C]) -> Option<Automerge> {
    let doc = catch_unwind(|| Automerge::load(saved)).ok()?.ok()?;
    let (changes, broken) = parse(chunks);
    let mut lineage = Lineage::of(&doc);
    let wanted = changes.keys().copied().collect();
    let (ordered, waiting) =
        ancestors_first(&changes, wanted, &|dep| lineage.changes.contains_key(dep));
    if !broken.is_empty() || !waiting.is_empty() {
        return None;
    }
    if !ordered.iter().all(|change| lineage.takes(change)) {
        return None;
    }
    let before = doc.get_changes(&[]);
    let before = before.iter().filter(|change| hash_of(change) != genesis_hash());
    let all: Vec<&Change> = before.chain(ordered.iter().copied()).collect();
    let (all, crowded) = within_room(all);
    let checked = references::check(&all);
    let whole = crowded.is_empty() && checked.broken.is_empty() && checked.ahead.is_empty();
    whole.then(|| apply(&doc, &ordered, checked.marks)).flatten()
}

/// Who wrote each change of a document, under which number, on top of what.
struct Lineage {
    changes: BTreeMap<ChangeHash, (ActorId, u64, Vec<ChangeHash>)>,
    numbers: BTreeSet<(ActorId, u64)>,
}

impl Lineage {
    fn of(doc: &Automerge) -> Self {
        let mut lineage = Self { changes: BTreeMap::new(), numbers: BTreeSet::new() };
        for change in doc.get_changes_meta(&[]) {
            let deps = change.deps.iter().map(|dep| ChangeHash(dep.0)).collect();
            let actor = change.actor.into_owned();
            lineage.numbers.insert((actor.clone(), change.seq));
            lineage.changes.insert(ChangeHash(change.hash.0), (actor, change.seq, deps));
        }
        lineage
    }

    /// Adds a change; false where something else than its ancestors decides about it.
    fn takes(&mut self, change: &Change) -> bool {
        let deps: Vec<ChangeHash> = change.deps().iter().map(|dep| ChangeHash(dep.0)).collect();
        let newest = self.newest(&deps);
        let before = newest.get(change.actor_id()).copied().unwrap_or(0);
        let follows = change.seq() == before + 1
            && change.other_actor_ids().iter().all(|author| newest.contains_key(author));
        let number = (change.actor_id().clone(), change.seq());
        let new = self.numbers.insert(number.clone());
        self.changes.insert(hash_of(change), (number.0, number.1, deps));
        follows && new
    }

    /// Finds each author's newest number among these changes and their ancestors.
    fn newest(&self, heads: &[ChangeHash]) -> BTreeMap<&ActorId, u64> {
        let mut newest = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut next: Vec<&ChangeHash> = heads.iter().collect();
        while let Some(hash) = next.pop() {
            if let Some((actor, seq, deps)) = self.changes.get(hash).filter(|_| seen.insert(hash)) {
                let number = newest.entry(actor).or_insert(0);
                *number = (*seq).max(*number);
                next.extend(deps);
            }
        }
        newest
    }
}

/// Turns an actor of ours into the library's.
pub fn actor_id(actor: Actor) -> ActorId {
    ActorId::from(actor.0)
}

type Changes = BTreeMap<ChangeHash, Change>;

fn parse<C: AsRef<[u8]>>(chunks: &[C]) -> (Changes, BTreeSet<ChangeHash>) {
    let mut changes = Changes::new();
    let mut broken = BTreeSet::new();
    for chunk in chunks {
        let bytes = chunk.as_ref().to_vec();
        match catch_unwind(AssertUnwindSafe(|| Change::from_bytes(bytes))) {
            Ok(Ok(change)) => {
                let hash = hash_of(&change);
                if hash != genesis_hash() {
                    changes.insert(hash, change);
                }
            }
            Ok(Err(_)) | Err(_) => {
                if let Ok(guarded) = crate::guard::guard(chunk.as_ref()) {
                    broken.insert(guarded.hash());
                }
            }
        }
    }
    (changes, broken)
}

/// Actor and number of a change: two changes of one honest phone never share them.
type Number<'a> = (&'a ActorId, u64);

/// Keeps one change of each (actor, number); the others go with all that builds on them.
///
/// Copies are compared once every one that might stay can be placed, and the smallest hash stays.
/// A copy that builds on a side branch is no rival: else two choices, each right alone, could
/// leave out both branches of a copied phone.
fn without_forks(placed: Vec<&Change>) -> (Vec<&Change>, Vec<ChangeHash>) {
    let mut rivals: BTreeMap<Number<'_>, BTreeSet<ChangeHash>> = BTreeMap::new();
    for change in &placed {
        rivals.entry((change.actor_id(), change.seq())).or_default().insert(hash_of(change));
    }
    if rivals.len() == placed.len() {
        return (placed, Vec::new());
    }
    let mut choice = Choice { rivals, ..Choice::default() };
    let mut open = placed;
    while !open.is_empty() {
        let mut ready = BTreeMap::new();
        for change in &open {
            if any_of(change.deps(), &choice.forked) {
                choice.leave_out(change);
            } else if choice.can_place(change) {
                ready.insert(hash_of(change), *change);
                choice.take_smallest(change, &ready);
            }
        }
        let before = open.len();
        open.retain(|change| !choice.is_made(change));
        if open.len() == before {
            // Copies that wait for each other: the smallest hash of all that can be placed.
            let (_, change) = ready.first_key_value().expect("the first open change can be placed");
            choice.take(change);
        }
    }
    (choice.ordered, choice.forked.into_iter().collect())
}

/// Which copies were chosen so far.
#[derive(Default)]
struct Choice<'a> {
    /// Changes not chosen yet, by what only one of them may have.
    rivals: BTreeMap<Number<'a>, BTreeSet<ChangeHash>>,
    main: BTreeSet<ChangeHash>,
    ordered: Vec<&'a Change>,
    forked: BTreeSet<ChangeHash>,
}

impl<'a> Choice<'a> {
    fn is_made(&self, change: &Change) -> bool {
        let hash = hash_of(change);
        self.main.contains(&hash) || self.forked.contains(&hash)
    }

    fn can_place(&self, change: &Change) -> bool {
        let placed = |dep: &ChangeHash| *dep == genesis_hash() || self.main.contains(dep);
        !self.is_made(change) && change.deps().iter().all(|dep| placed(&ChangeHash(dep.0)))
    }

    fn take_smallest(&mut self, change: &'a Change, ready: &BTreeMap<ChangeHash, &'a Change>) {
        let rivals = &self.rivals[&(change.actor_id(), change.seq())];
        if rivals.iter().all(|rival| ready.contains_key(rival)) {
            let smallest = rivals.first().expect("the change itself is among them");
            self.take(ready[smallest]);
        }
    }

    fn take(&mut self, change: &'a Change) {
        let hash = hash_of(change);
        let mut rivals = self.rivals.remove(&(change.actor_id(), change.seq())).unwrap_or_default();
        rivals.remove(&hash);
        self.forked.append(&mut rivals);
        self.main.insert(hash);
        self.ordered.push(change);
    }

    fn leave_out(&mut self, change: &'a Change) {
        let hash = hash_of(change);
        if let Some(rivals) = self.rivals.get_mut(&(change.actor_id(), change.seq())) {
            rivals.remove(&hash);
        }
        self.forked.insert(hash);
    }
}

pub(crate) fn hash_of(change: &Change) -> ChangeHash {
    ChangeHash(change.hash().0)
}

fn any_of(deps: &[automerge::ChangeHash], set: &BTreeSet<ChangeHash>) -> bool {
    deps.iter().any(|dep| set.contains(&ChangeHash(dep.0)))
}

/// Leaves out what finds no room in the document, the largest first: they are the unlikeliest to be
/// a page that somebody filled in.
fn within_room(ordered: Vec<&Change>) -> (Vec<&Change>, BTreeSet<ChangeHash>) {
    let mut operations: usize = ordered.iter().map(|change| change.len()).sum();
    if operations <= limits::DOCUMENT_OPERATIONS_MAX {
        return (ordered, BTreeSet::new());
    }
    let mut by_size: Vec<_> =
        ordered.iter().map(|change| (change.len(), hash_of(change))).collect();
    by_size.sort_unstable();
    let mut crowded = BTreeSet::new();
    while operations > limits::DOCUMENT_OPERATIONS_MAX {
        let Some((size, hash)) = by_size.pop() else { break };
        operations -= size;
        crowded.insert(hash);
    }
    let (out, ordered) = ordered.into_iter().partition(|change| crowded.contains(&hash_of(change)));
    let _left_out: Vec<&Change> = out;
    (ordered, crowded)
}

/// Orders the wanted changes so that each follows its ancestors, those already there aside; what
/// cannot be placed waits.
fn ancestors_first<'a>(
    changes: &'a Changes,
    wanted: BTreeSet<ChangeHash>,
    is_there: &dyn Fn(&ChangeHash) -> bool,
) -> (Vec<&'a Change>, Vec<ChangeHash>) {
    let mut open: BTreeMap<ChangeHash, usize> = BTreeMap::new();
    let mut children: BTreeMap<ChangeHash, Vec<ChangeHash>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for hash in wanted {
        let deps: BTreeSet<ChangeHash> =
            changes[&hash].deps().iter().map(|dep| ChangeHash(dep.0)).collect();
        let missing = deps.iter().filter(|dep| !is_there(dep)).count();
        if missing == 0 {
            ready.insert(hash);
        } else {
            open.insert(hash, missing);
            for dep in deps {
                children.entry(dep).or_default().push(hash);
            }
        }
    }
    let mut ordered = Vec::new();
    while let Some(hash) = ready.pop_first() {
        ordered.push(&changes[&hash]);
        for child in children.remove(&hash).unwrap_or_default() {
            if let Some(missing) = open.get_mut(&child) {
                *missing -= 1;
                if *missing == 0 {
                    open.remove(&child);
                    ready.insert(child);
                }
            }
        }
    }
    (ordered, open.into_keys().collect())
}

/// Applies changes to a copy of a document; `None` where the library cannot.
fn apply(doc: &Automerge, changes: &[&Change], marks: bool) -> Option<Automerge> {
    let applied = catch_unwind(AssertUnwindSafe(|| {
        let mut doc = doc.clone();
        doc.apply_changes(changes.iter().copied().cloned()).ok()?;
        // The end of a mark may come to stand before its beginning, and only loading tells.
        let sound = !marks || Automerge::load(&doc.save_nocompress()).is_ok();
        sound.then_some(doc)
    }));
    applied.ok().flatten()
}

/// Applies what can be applied: halves what cannot until it is single changes, ancestors first.
fn apply_around(
    doc: Automerge,
    changes: &[&Change],
    marks: bool,
    broken: &mut BTreeSet<ChangeHash>,
) -> Automerge {
    let mut open: Vec<&Change> = Vec::with_capacity(changes.len());
    for change in changes {
        if any_of(change.deps(), broken) {
            broken.insert(hash_of(change));
        } else {
            open.push(change);
        }
    }
    // A document that saw a panic is thrown away, so each try is on a copy.
    match apply(&doc, &open, marks) {
        Some(doc) => doc,
        None if open.len() < 2 => {
            broken.extend(open.first().map(|change| hash_of(change)));
            doc
        }
        None => {
            let (first, second) = open.split_at(open.len() / 2);
            let doc = apply_around(doc, first, marks, broken);
            apply_around(doc, second, marks, broken)
        }
    }
}
