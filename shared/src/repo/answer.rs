//! What a client lacks of a household's log, and what to ask it for.
//!
//! Everything here is a function of hashes and what each change builds on: no document is loaded. The
//! first change of every document is the same and stands in no log.

use std::collections::{BTreeMap, BTreeSet};

use super::Bloom;
use super::sync::{Have, SyncMessage};
use crate::id::{ChangeHash, sha256};
use crate::limits;

/// Where a change of the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Accepted: sent to whoever may see the household.
    Main,
    /// On the side branch of a copied phone: sent to nobody.
    Side,
    /// Not accepted, or not yet.
    Aside,
}

/// A change of the log, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Change hash.
    pub hash: ChangeHash,
    /// What it builds on.
    pub dependencies: Vec<ChangeHash>,
    /// Where it stands.
    pub place: Place,
    /// Waits for what it builds on.
    pub waits: bool,
    /// Position in its unit's log; 0 where it has none.
    pub position: i64,
    /// Size of its chunk.
    pub bytes: usize,
}

/// The log of one household.
#[derive(Debug, Clone)]
pub struct Log {
    genesis: ChangeHash,
    changes: Vec<Logged>,
    places: BTreeMap<ChangeHash, usize>,
    heads: Vec<ChangeHash>,
}

/// How far a connection is with a document. It is small, and all that is remembered of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The client has everything up to this position; none before the first exchange.
    pub through: Option<i64>,
    /// It was asked for what the log does not know before it was given anything.
    asked: bool,
    /// Fingerprint of what it was told last.
    told: Option<[u8; 8]>,
}

/// What to say to a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The message, its changes still missing. None where there is nothing to say.
    pub message: Option<SyncMessage>,
    /// The changes to put into it, in this order; the first change of all may be among them.
    pub send: Vec<ChangeHash>,
}

/// The client's copy was cloned or restored: it wrote under a number that was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two changes carry one number of one writer")]
pub struct Forked;

impl Log {
    /// Takes a household's log, in the order of positions.
    pub fn new(genesis: ChangeHash, mut changes: Vec<Logged>) -> Self {
        changes.sort_by_key(|change| change.position);
        let places = changes.iter().enumerate().map(|(place, change)| (change.hash, place));
        let main = || changes.iter().filter(|change| change.place == Place::Main);
        let mut heads: BTreeSet<ChangeHash> = main().map(|change| change.hash).collect();
        heads.insert(genesis);
        for dependency in main().flat_map(|change| &change.dependencies) {
            heads.remove(dependency);
        }
        let heads = heads.into_iter().collect();
        Self { genesis, heads, places: places.collect(), changes }
    }

    /// Returns how many changes it holds, those among them that nobody is sent.
    pub fn count(&self) -> usize {
        self.changes.len()
    }

    /// Returns how many bytes what is sent after a position has.
    pub fn bytes_after(&self, position: i64) -> usize {
        let after = self.main().filter(|change| change.position > position);
        after.map(|change| change.bytes).sum()
    }

    fn main(&self) -> impl Iterator<Item = &Logged> {
        self.changes.iter().filter(|change| change.place == Place::Main)
    }

    fn get(&self, hash: &ChangeHash) -> Option<&Logged> {
        self.places.get(hash).and_then(|place| self.changes.get(*place))
    }

    /// Tells whether a change is one that clients are sent.
    fn is_main(&self, hash: &ChangeHash) -> bool {
        *hash == self.genesis || self.get(hash).is_some_and(|change| change.place == Place::Main)
    }

    fn is_known(&self, hash: &ChangeHash) -> bool {
        *hash == self.genesis || self.places.contains_key(hash)
    }

    /// Lists which of these changes nobody knows here, as many as one asks for at one time.
    pub fn unknown_of(&self, hashes: &[ChangeHash]) -> Vec<ChangeHash> {
        let unknown = hashes.iter().filter(|hash| !self.is_known(hash));
        unknown.copied().take(limits::SYNC_NEED_MAX).collect()
    }

    /// Returns the newest position.
    fn newest(&self) -> i64 {
        self.main().map(|change| change.position).max().unwrap_or(0)
    }

    /// Returns the changes that nothing accepted builds on.
    pub fn heads(&self) -> &[ChangeHash] {
        &self.heads
    }

    /// Returns these changes and everything they build on, as far as it is accepted.
    fn with_ancestors(&self, of: impl IntoIterator<Item = ChangeHash>) -> BTreeSet<ChangeHash> {
        let mut found = BTreeSet::new();
        let mut open: Vec<ChangeHash> = of.into_iter().collect();
        while let Some(hash) = open.pop() {
            if !self.is_main(&hash) || !found.insert(hash) {
                continue;
            }
            open.extend(self.get(&hash).into_iter().flat_map(|change| &change.dependencies));
        }
        found
    }

    /// Lists what is to be asked for: what the client has that nobody knows here, and what it left out
    /// of what it sent.
    fn wanted(&self, theirs: &[ChangeHash]) -> Vec<ChangeHash> {
        let waiting = self.changes.iter().filter(|change| change.waits);
        let missing = waiting.flat_map(|change| &change.dependencies);
        let unknown = theirs.iter().chain(missing).filter(|hash| !self.is_known(hash));
        let unknown: BTreeSet<ChangeHash> = unknown.copied().collect();
        unknown.into_iter().take(limits::SYNC_NEED_MAX).collect()
    }

    /// Lists what a client lacks that says what it has for the first time.
    fn lacking(&self, message: &SyncMessage, has: &BTreeSet<ChangeHash>) -> BTreeSet<ChangeHash> {
        let bloom = message.have.as_ref().map(|have| &have.bloom);
        let all = std::iter::once((self.genesis, &[][..]))
            .chain(self.main().map(|change| (change.hash, &change.dependencies[..])));
        let mut lacking = BTreeSet::new();
        for (hash, dependencies) in all {
            // Nobody has what builds on something they lack, whatever the filter says.
            let may_have = bloom.is_some_and(|bloom| bloom.may_hold(hash))
                && !dependencies.iter().any(|dependency| lacking.contains(dependency));
            if !has.contains(&hash) && !may_have {
                lacking.insert(hash);
            }
        }
        lacking
    }

    /// Lists these changes of the log in its order.
    fn in_order(&self, which: &BTreeSet<ChangeHash>) -> Vec<ChangeHash> {
        let first = which.get(&self.genesis).copied();
        let rest = self.main().map(|change| change.hash).filter(|hash| which.contains(hash));
        first.into_iter().chain(rest).collect()
    }
}

impl Progress {
    /// Says what a client is answered that has sent a message; `carried` are the changes in it, which
    /// are in the log by now or never will be.
    pub fn answer(
        &mut self,
        log: &Log,
        message: &SyncMessage,
        carried: &[ChangeHash],
    ) -> Result<Answer, Forked> {
        if message.heads.is_empty() && message.need.is_empty() {
            // It has nothing: it is new, or has lost what it was given.
            *self = Self::default();
        }
        let theirs = message.heads.iter().chain(carried);
        let is_side = |hash: &ChangeHash| log.get(hash).is_some_and(|of| of.place == Place::Side);
        if theirs.clone().any(is_side) {
            return Err(Forked);
        }
        let need = log.wanted(&message.heads);
        let last_sync = message.have.iter().flat_map(|have| &have.last_sync);
        let has = log.with_ancestors(theirs.chain(last_sync).copied());
        let heads = log.heads().to_vec();
        let is_new = message.heads.iter().any(|hash| !log.is_known(hash));
        let mut lacking = BTreeSet::new();
        if is_new && self.through.is_none() && !self.asked && carried.is_empty() {
            // A restored phone may hold another change under a number of ours: it is asked for what
            // it has before it is given what it cannot take.
            self.asked = true;
        } else {
            lacking = match self.through {
                None => log.lacking(message, &has),
                Some(through) => {
                    let newer = log.main().filter(|change| change.position > through);
                    newer.map(|change| change.hash).filter(|hash| !has.contains(hash)).collect()
                }
            };
            let asked_for = message.need.iter().filter(|hash| log.is_main(hash));
            lacking.extend(asked_for.copied());
            self.through = Some(log.newest());
        }
        let send = log.in_order(&lacking);
        let told = Some(fingerprint(&heads, &need));
        if send.is_empty() && carried.is_empty() && self.told == told {
            return Ok(Answer::default());
        }
        self.told = told;
        let same = heads == sorted(&message.heads);
        let message = SyncMessage {
            have: Some(log.have(&heads, same)),
            heads,
            need,
            ..SyncMessage::default()
        };
        Ok(Answer { message: Some(message), send })
    }

    /// Says what a client is told that has asked for nothing, now that the log has moved on.
    pub fn push(&mut self, log: &Log) -> Answer {
        // Who has not been given anything yet asks by itself.
        let Some(through) = self.through else { return Answer::default() };
        let newer = log.main().filter(|change| change.position > through);
        let send: Vec<ChangeHash> = newer.map(|change| change.hash).collect();
        let (heads, need) = (log.heads().to_vec(), Vec::new());
        self.through = Some(log.newest().max(through));
        let told = Some(fingerprint(&heads, &need));
        if send.is_empty() && self.told == told {
            return Answer::default();
        }
        self.told = told;
        let message = SyncMessage {
            have: Some(log.have(&heads, true)),
            heads,
            need,
            ..SyncMessage::default()
        };
        Answer { message: Some(message), send }
    }
}

impl Log {
    /// Says what is accepted: everything up to the heads where the client has them, else by a filter.
    fn have(&self, heads: &[ChangeHash], client_has_them: bool) -> Have {
        if client_has_them {
            return Have { last_sync: heads.to_vec(), bloom: Bloom::default() };
        }
        let mut all: Vec<ChangeHash> = self.main().map(|change| change.hash).collect();
        all.push(self.genesis);
        Have { last_sync: Vec::new(), bloom: Bloom::of(&all) }
    }
}

fn sorted(hashes: &[ChangeHash]) -> Vec<ChangeHash> {
    let mut hashes = hashes.to_vec();
    hashes.sort_unstable();
    hashes
}

fn fingerprint(heads: &[ChangeHash], need: &[ChangeHash]) -> [u8; 8] {
    let mut bytes = Vec::new();
    for hash in heads {
        bytes.extend_from_slice(&hash.0);
    }
    bytes.push(0);
    for hash in need {
        bytes.extend_from_slice(&hash.0);
    }
    let mut short = [0; 8];
    short.copy_from_slice(&sha256(&bytes)[..8]);
    short
}

#[cfg(all(test, feature = "merge"))]
mod tests;
