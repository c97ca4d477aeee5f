//! Third stage of the line: the set of a household's changes becomes one document.
//!
//! The result is a function of the set alone: any order of arrival, any repetition, same document.
//! Changes whose ancestors are missing, and the losing side of a copied phone, stay out and are
//! named; they are never handed to Automerge, which would queue or refuse them silently.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use automerge::{ActorId, Automerge, Change};
use mobile_schema::genesis::{GENESIS_V1, GENESIS_V1_HASH};

use crate::id::{Actor, ChangeHash};

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

/// A merged document and what was left out of it.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The document.
    pub doc: Automerge,
    /// Changes that miss an ancestor, in order of hash.
    pub waiting: Vec<ChangeHash>,
    /// Changes that share actor and number with another one, and what builds on them: the side
    /// branch of a copied phone. The smallest hash stays in the document.
    pub forked: Vec<ChangeHash>,
    /// Changes the library cannot apply, and what builds on them.
    pub broken: Vec<ChangeHash>,
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
    let (main, forked) = without_forks(&changes);
    let (ordered, waiting) = ancestors_first(&changes, main);
    let doc = match apply(&ordered) {
        Some(doc) => doc,
        None => {
            let (doc, failed) = apply_one_by_one(&ordered);
            broken.extend(failed);
            doc
        }
    };
    Merged { doc, waiting, forked, broken: broken.into_iter().collect() }
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
    let (ordered, waiting) = ancestors_first(&changes, wanted);
    if waiting.is_empty() { apply(&ordered) } else { None }
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
                let hash = ChangeHash(change.hash().0);
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

/// Keeps of each (actor, number) the smallest hash; the others go with all that builds on them.
fn without_forks(changes: &Changes) -> (BTreeSet<ChangeHash>, Vec<ChangeHash>) {
    let mut seen = BTreeSet::new();
    let mut forked = BTreeSet::new();
    for (hash, change) in changes {
        if !seen.insert((change.actor_id(), change.seq())) {
            forked.insert(*hash);
        }
    }
    if forked.is_empty() {
        return (changes.keys().copied().collect(), Vec::new());
    }
    loop {
        let before = forked.len();
        for (hash, change) in changes {
            if change.deps().iter().any(|dep| forked.contains(&ChangeHash(dep.0))) {
                forked.insert(*hash);
            }
        }
        if forked.len() == before {
            break;
        }
    }
    let main = changes.keys().filter(|hash| !forked.contains(hash)).copied().collect();
    (main, forked.into_iter().collect())
}

/// Orders the wanted changes so that each follows its ancestors; what cannot be placed waits.
fn ancestors_first(
    changes: &Changes,
    wanted: BTreeSet<ChangeHash>,
) -> (Vec<&Change>, Vec<ChangeHash>) {
    let mut open: BTreeMap<ChangeHash, usize> = BTreeMap::new();
    let mut children: BTreeMap<ChangeHash, Vec<ChangeHash>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for hash in wanted {
        let deps: BTreeSet<ChangeHash> =
            changes[&hash].deps().iter().map(|dep| ChangeHash(dep.0)).collect();
        let missing = deps.iter().filter(|dep| **dep != genesis_hash()).count();
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

fn apply(ordered: &[&Change]) -> Option<Automerge> {
    let mut doc = genesis();
    let applied =
        catch_unwind(AssertUnwindSafe(|| doc.apply_changes(ordered.iter().copied().cloned())));
    matches!(applied, Ok(Ok(()))).then_some(doc)
}

/// Finds the changes that break the document by leaving each out in turn, ancestors first.
fn apply_one_by_one(ordered: &[&Change]) -> (Automerge, Vec<ChangeHash>) {
    let mut good: Vec<&Change> = Vec::new();
    let mut broken = Vec::new();
    for change in ordered {
        let orphan = change.deps().iter().any(|dep| broken.contains(&ChangeHash(dep.0)));
        good.push(change);
        // A document that saw a panic is thrown away, so each try starts from genesis.
        if orphan || apply(&good).is_none() {
            good.pop();
            broken.push(ChangeHash(change.hash().0));
        }
    }
    (apply(&good).unwrap_or_else(genesis), broken)
}
