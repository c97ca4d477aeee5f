//! What the log holds of one household, and how a change that arrives is placed by it.
//!
//! The server runs this inside the transaction that appends, the simulator of the tests on a log in
//! memory: what becomes of a change depends on nothing but what is known here.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::problem::{self, Problem};

use crate::admit::{Admission, Ancestors, Circumstances, admit};
use crate::guard::Guarded;
use crate::id::{Actor, ChangeHash};
use crate::limits;
use crate::merge::genesis_hash;

/// What the log says of a change it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// In the log at a position.
    Accepted,
    /// Waits for an ancestor.
    Waiting,
    /// Sound, but a person decides.
    Held,
    /// Failed a check.
    Quarantined,
}

impl Kept {
    /// Returns the word the log uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads the word the log uses.
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Accepted, Self::Waiting, Self::Held, Self::Quarantined];
        all.into_iter().find(|kept| kept.as_str() == word)
    }
}

/// Actor and number of a change: only a copied phone gives two changes the same.
pub type Number = (Actor, i64);

/// Returns the number of a change.
pub fn number_of(change: &Guarded) -> Number {
    (change.actor(), i64::try_from(change.seq()).unwrap_or(i64::MAX))
}

/// A change of the household that the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What became of it.
    pub kept: Kept,
    /// Published name of the reason, empty where none.
    pub reason: String,
    /// On the side branch of a copied phone.
    pub side: bool,
}

/// A change that is set aside, with what it builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Change hash.
    pub hash: ChangeHash,
    /// Held for a person, where the others wait for an ancestor.
    pub held: bool,
    /// Actor and number.
    pub number: Number,
    /// Size of its chunk.
    pub bytes: usize,
    /// The changes it builds on.
    pub dependencies: Vec<ChangeHash>,
    /// Its operations are numbered too far beyond those of the changes it builds on.
    pub ahead: bool,
}

/// A change whose turn came: let into the log, and whether onto a side branch, or set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Change hash.
    pub hash: ChangeHash,
    /// What became of it.
    pub kept: Kept,
    /// On the side branch of a copied phone.
    pub side: bool,
    /// Published name of the reason, empty where none.
    pub reason: &'static str,
}

/// How much of a household's room some of its changes take.
#[derive(Debug, Clone, Copy, Default)]
struct Volume {
    changes: usize,
    bytes: usize,
}

/// What the log holds of one household.
#[derive(Debug, Clone, Default)]
pub struct Holding {
    known: BTreeMap<ChangeHash, Known>,
    numbers: BTreeMap<Number, ChangeHash>,
    accepted: Volume,
    waiting: Volume,
    /// What is accepted on the main branch and nothing there builds on.
    heads: BTreeSet<ChangeHash>,
    built_on: BTreeSet<ChangeHash>,
}

/// What is done with a change on arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placing {
    /// It was sent before: nothing is done, and the sender is told the same again.
    Again(Verdict),
    /// It is stored.
    Store(Placed),
}

/// How a change is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// What becomes of it.
    pub kept: Kept,
    /// What the sender is told, where there is anything to say.
    pub reason: Option<&'static Problem>,
    /// On the side branch of a copied phone.
    pub side: bool,
    /// The log holds it already, as foreign, and judges it anew.
    pub anew: bool,
    /// As many of its household are set aside as are kept within reach: it is kept beyond that.
    pub beyond: bool,
}

/// Decides what becomes of a sound change, by what is held of its household (`None` where no
/// household is known under that document) and by the circumstances it arrives in.
pub fn place(holding: Option<&Holding>, change: &Guarded, of: &Circumstances) -> Placing {
    let hash = change.hash();
    let known = holding.and_then(|holding| holding.known.get(&hash));
    // What was foreign when it first came is judged anew once its household is registered.
    let anew = known.is_some_and(|known| {
        known.reason == problem::DOCUMENT_FOREIGN.name
            // Somebody else's when it first came, and now its own device brings it.
            || known.reason == problem::ACTOR_FOREIGN.name && !of.actor_foreign
    });
    if let Some(known) = known.filter(|_| !anew) {
        return Placing::Again(known.verdict());
    }
    let dependencies = change.dependencies();
    let side = holding.is_some_and(|h| h.is_side(hash, number_of(change), dependencies));
    let (kept, reason) = match admit(of) {
        // Its work is safe, but the phone was copied and must write under a new name.
        Admission::Accept => (Kept::Accepted, side.then_some(&problem::ACTOR_FORKED)),
        Admission::Wait => (Kept::Waiting, None),
        Admission::Hold(reason) => (Kept::Held, Some(reason)),
        Admission::Quarantine(reason) => (Kept::Quarantined, Some(reason)),
    };
    let beyond = !anew && holding.is_some_and(|holding| holding.is_crowded(kept));
    Placing::Store(Placed { kept, reason, side, anew, beyond })
}

impl Placed {
    /// Returns the name of the reason that is kept with the change: why it is set aside.
    pub fn kept_reason(&self) -> &'static str {
        let aside = matches!(self.kept, Kept::Held | Kept::Quarantined);
        self.reason.filter(|_| aside).map_or("", |reason| reason.name)
    }

    /// Returns what the sender is told.
    pub fn verdict(&self) -> Verdict {
        let fate = match self.kept {
            Kept::Accepted => Fate::Accepted,
            Kept::Waiting => Fate::Waiting,
            Kept::Held => Fate::Held,
            Kept::Quarantined => Fate::Quarantined,
        };
        Verdict { fate, reason: self.reason.map(|reason| reason.name.to_owned()) }
    }

    /// Returns what the log says of it from now on.
    pub fn known(&self) -> Known {
        let (kept, side) = (self.kept, self.side);
        Known { kept, reason: self.kept_reason().to_owned(), side }
    }
}

impl Known {
    /// Says again what became of a change that is sent again.
    pub fn verdict(&self) -> Verdict {
        let fate = match self.kept {
            Kept::Waiting => Fate::Waiting,
            Kept::Held => Fate::Held,
            Kept::Quarantined => Fate::Quarantined,
            Kept::Accepted => Fate::Known,
        };
        let forked = self.side.then_some(problem::ACTOR_FORKED.name);
        let reason = if self.reason.is_empty() { forked } else { Some(self.reason.as_str()) };
        Verdict { fate, reason: reason.map(ToOwned::to_owned) }
    }
}

impl Holding {
    /// Notes a change that the log holds.
    pub fn note(
        &mut self,
        hash: ChangeHash,
        known: Known,
        (number, bytes): (Number, usize),
        dependencies: &[ChangeHash],
    ) {
        let volume = match known.kept {
            Kept::Accepted => Some(&mut self.accepted),
            Kept::Waiting => Some(&mut self.waiting),
            Kept::Held | Kept::Quarantined => None,
        };
        if let Some(volume) = volume {
            volume.changes += 1;
            volume.bytes += bytes;
        }
        if known.kept == Kept::Accepted && !known.side {
            self.numbers.insert(number, hash);
            for dependency in dependencies {
                self.heads.remove(dependency);
                self.built_on.insert(*dependency);
            }
            if !self.built_on.contains(&hash) {
                self.heads.insert(hash);
            }
        }
        self.known.insert(hash, known);
    }

    /// Tells whether the log holds a change.
    pub fn knows(&self, hash: &ChangeHash) -> bool {
        self.known.contains_key(hash)
    }

    /// Tells whether as many changes are held, or failed a check, as are kept within reach of the
    /// household. Those that a person has decided on do not count.
    pub fn is_crowded(&self, kept: Kept) -> bool {
        let is_open =
            |known: &&Known| known.kept == kept && known.reason != problem::CHANGE_LEFT_OUT.name;
        matches!(kept, Kept::Held | Kept::Quarantined)
            && self.known.values().filter(is_open).count() >= limits::ASIDE_MAX
    }

    /// Tells whether anything waits for an ancestor.
    pub fn has_waiting(&self) -> bool {
        self.waiting.changes > 0
    }

    /// Tells whether a change is on the side branch of a copied phone: another one that came first
    /// has its number, or it builds on such a change. Phones were sent the first and cannot take
    /// the second.
    pub fn is_side(&self, hash: ChangeHash, number: Number, dependencies: &[ChangeHash]) -> bool {
        self.numbers.get(&number).is_some_and(|first| *first != hash)
            || dependencies.iter().any(|dep| self.known.get(dep).is_some_and(|known| known.side))
    }

    /// Tells where the changes that one builds on are, the least favourable first.
    pub fn ancestors(&self, dependencies: &[ChangeHash]) -> Ancestors {
        dependencies
            .iter()
            .filter(|hash| **hash != genesis_hash())
            .map(|hash| match self.known.get(hash).map(|known| known.kept) {
                Some(Kept::Accepted) => Ancestors::Accepted,
                Some(Kept::Held | Kept::Quarantined) => Ancestors::Aside,
                Some(Kept::Waiting) | None => Ancestors::Missing,
            })
            .max()
            .unwrap_or(Ancestors::Accepted)
    }

    /// Tells whether one more change finds no room.
    ///
    /// What is held or quarantined takes none, and what waits none from what can be merged: else
    /// anybody's bad changes could close the household to the people who work on it.
    pub fn is_full(&self, bytes: usize, ancestors: Ancestors) -> bool {
        let waiting =
            if ancestors == Ancestors::Missing { self.waiting } else { Volume::default() };
        self.accepted.changes + waiting.changes >= limits::DOCUMENT_CHANGES_MAX
            || self.accepted.bytes + waiting.bytes + bytes > limits::DOCUMENT_BYTES_MAX
    }

    /// Tells whether a change that builds on these would leave more versions side by side than there
    /// may be: a change that joined them all could not be written.
    pub fn is_split(&self, dependencies: &[ChangeHash], most: usize) -> bool {
        let joined = dependencies.iter().filter(|hash| self.heads.contains(hash)).count();
        self.heads.len() - joined.min(self.heads.len()) + 1 > most
    }

    /// Tells whether one that waits or is held finds its place on the main branch.
    fn finds_place(&self, change: &Waiting) -> bool {
        let most = if change.held { limits::BRANCHES_LET_IN_MAX } else { limits::BRANCHES_MAX };
        !self.is_full(change.bytes, Ancestors::Accepted)
            && (self.is_side(change.hash, change.number, &change.dependencies)
                || !self.is_split(&change.dependencies, most))
    }

    /// Says why a change does not find its place that misses nothing.
    pub fn no_place(&self, bytes: usize) -> &'static Problem {
        if self.is_full(bytes, Ancestors::Accepted) {
            &problem::DOCUMENT_TOO_LARGE
        } else {
            &problem::BRANCHES_TOO_MANY
        }
    }

    /// Lets each of these into the log whose ancestors are all there and for which there is room, in
    /// that order, or sets it aside for good; the others stay in the list.
    pub fn release(&mut self, aside: &mut Vec<Waiting>) -> Vec<Released> {
        let mut released = Vec::new();
        loop {
            let ready = aside.iter().position(|change| {
                self.ancestors(&change.dependencies) == Ancestors::Accepted
                    && (change.ahead || self.finds_place(change))
            });
            let Some(ready) = ready else { return released };
            let change = aside.remove(ready);
            let side = self.is_side(change.hash, change.number, &change.dependencies);
            let (kept, reason) = if change.ahead {
                (Kept::Quarantined, problem::OPERATIONS_AHEAD.name)
            } else {
                (Kept::Accepted, "")
            };
            let known = Known { kept, reason: reason.to_owned(), side };
            self.note(change.hash, known, (change.number, change.bytes), &change.dependencies);
            released.push(Released { hash: change.hash, kept, side, reason });
        }
    }

    /// Lets go everything that waits and can be placed now: into the log, or aside. `waiting` is all of
    /// it, and what goes on waiting stays in it.
    pub fn release_waiting(&mut self, waiting: &mut Vec<Waiting>) -> Vec<Released> {
        self.waiting = Volume::default();
        let mut released = self.release(waiting);
        released.extend(self.hold_stuck(waiting));
        for change in waiting {
            let known = Known { kept: Kept::Waiting, reason: String::new(), side: false };
            self.note(change.hash, known, (change.number, change.bytes), &change.dependencies);
        }
        released
    }

    /// Holds what waits for nothing any more and could not be released, for the reason it would have
    /// been held for on arrival: there is no room, or it builds on something set aside.
    pub fn hold_stuck(&mut self, waiting: &mut Vec<Waiting>) -> Vec<Released> {
        let mut held = Vec::new();
        loop {
            let stuck = waiting.iter().enumerate().find_map(|(place, change)| {
                let reason = match self.ancestors(&change.dependencies) {
                    Ancestors::Missing => return None,
                    Ancestors::Accepted => self.no_place(change.bytes).name,
                    Ancestors::Aside => problem::ANCESTOR_HELD.name,
                };
                Some((place, reason))
            });
            let Some((place, reason)) = stuck else { return held };
            let Waiting { hash, number, bytes, dependencies, .. } = waiting.remove(place);
            let known = Known { kept: Kept::Held, reason: reason.to_owned(), side: false };
            self.note(hash, known, (number, bytes), &dependencies);
            held.push(Released { hash, kept: Kept::Held, side: false, reason });
        }
    }

    /// Tells which of these build on nothing but what is in the log or among them themselves: only
    /// they can be released.
    pub fn within_reach(&self, aside: &[Waiting]) -> BTreeSet<ChangeHash> {
        let mut open: Vec<&Waiting> = aside.iter().collect();
        let mut reached = BTreeSet::new();
        loop {
            let before = open.len();
            open.retain(|change| {
                let is_there = |hash: &ChangeHash| {
                    reached.contains(hash) || self.ancestors(&[*hash]) == Ancestors::Accepted
                };
                let stays = !change.dependencies.iter().all(is_there);
                if !stays {
                    reached.insert(change.hash);
                }
                stays
            });
            if open.len() == before {
                return reached;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of half a household's room.
    fn half(name: u8, builds_on: Option<u8>) -> Waiting {
        let hash = |name: u8| ChangeHash([name; 32]);
        Waiting {
            hash: hash(name),
            held: true,
            number: (Actor([name; 16]), 1),
            bytes: limits::DOCUMENT_BYTES_MAX / 2,
            dependencies: vec![builds_on.map_or(genesis_hash(), hash)],
            ahead: false,
        }
    }

    #[test]
    fn what_finds_no_room_is_not_released_nor_what_builds_on_it() {
        let mut holding = Holding::default();
        let mut aside = vec![half(1, None), half(2, Some(1)), half(3, Some(2)), half(4, Some(3))];
        let released = holding.release(&mut aside);
        let released: Vec<u8> = released.iter().map(|released| released.hash.0[0]).collect();
        assert_eq!(released, [1, 2]);
        assert_eq!(aside, [half(3, Some(2)), half(4, Some(3))]);
        assert!(
            holding.is_full(1, Ancestors::Accepted) && !holding.is_full(0, Ancestors::Accepted)
        );
        // What is numbered too far ahead is quarantined, which takes no room.
        aside[0].ahead = true;
        let released = holding.release(&mut aside);
        assert_eq!((released[0].kept, released.len()), (Kept::Quarantined, 1));
    }

    #[test]
    fn a_household_is_crowded_by_what_nobody_has_decided_yet() {
        let mut holding = Holding::default();
        let mut note = |number: usize, kept: Kept, reason: &str| {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_le_bytes());
            let known = Known { kept, reason: reason.to_owned(), side: false };
            holding.note(ChangeHash(name), known, ((Actor([1; 16]), 1), 1), &[]);
            [Kept::Held, Kept::Quarantined, Kept::Waiting, Kept::Accepted]
                .map(|kept| holding.is_crowded(kept))
        };
        for number in 1..limits::ASIDE_MAX {
            note(number, Kept::Held, problem::LIST_FROZEN.name);
        }
        assert_eq!(note(0, Kept::Held, problem::CHANGE_LEFT_OUT.name), [false; 4]);
        let crowded = note(limits::ASIDE_MAX, Kept::Held, problem::LIST_FROZEN.name);
        assert_eq!(crowded, [true, false, false, false], "of the others there is room");
        // One is decided.
        assert_eq!(note(1, Kept::Held, problem::CHANGE_LEFT_OUT.name), [false; 4]);
    }

    #[test]
    fn more_versions_side_by_side_than_can_be_joined_are_held() {
        let hash = |name: u8| ChangeHash([name; 32]);
        let alone = |name: u8| Waiting { bytes: 1, ..half(name, None) };
        let mut holding = Holding::default();
        let many = u8::try_from(limits::BRANCHES_MAX).unwrap_or(u8::MAX);
        let mut waiting: Vec<Waiting> =
            (1..=many + 2).map(|name| Waiting { held: false, ..alone(name) }).collect();
        let released = holding.release_waiting(&mut waiting);
        let (accepted, held): (Vec<&Released>, Vec<&Released>) =
            released.iter().partition(|released| released.kept == Kept::Accepted);
        assert_eq!((accepted.len(), held.len()), (usize::from(many), 2));
        assert!(held.iter().all(|held| held.reason == problem::BRANCHES_TOO_MANY.name));
        let all: Vec<ChangeHash> = (1..=many).map(hash).collect();
        // What joins any of them is taken; a person may let in more.
        assert!(holding.is_split(&[genesis_hash()], limits::BRANCHES_MAX));
        assert!(!holding.is_split(&all[..1], limits::BRANCHES_MAX));
        assert!(!holding.is_split(&all, 1));
        let let_in = holding.release(&mut vec![alone(many + 1)]);
        assert_eq!(let_in.len(), 1);
        assert_eq!(holding.heads.len(), usize::from(many) + 1);
    }

    #[test]
    fn what_waited_and_finds_no_room_says_so_and_so_does_what_builds_on_it() {
        let mut holding = Holding::default();
        let mut waiting = vec![half(4, Some(3)), half(3, Some(2)), half(2, Some(1)), half(1, None)];
        waiting.push(half(9, Some(8)));
        assert_eq!(holding.within_reach(&waiting).len(), 4);
        let released = holding.release_waiting(&mut waiting);
        let released: Vec<(u8, Kept, &str)> =
            released.iter().map(|of| (of.hash.0[0], of.kept, of.reason)).collect();
        let no_room = (3, Kept::Held, problem::DOCUMENT_TOO_LARGE.name);
        let behind = (4, Kept::Held, problem::ANCESTOR_HELD.name);
        let accepted = [(1, Kept::Accepted, ""), (2, Kept::Accepted, "")];
        assert_eq!(released, [accepted[0], accepted[1], no_room, behind]);
        assert_eq!(waiting, [half(9, Some(8))]);
        assert!(holding.has_waiting());
    }
}
