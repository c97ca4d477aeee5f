//! Leaves out changes that refer to what they cannot have seen, or that no client would number so.
//!
//! The library believes every reference. One to an object, an element or a value that is not there,
//! or was not among what the change builds on, makes it panic, or build a document that comes out
//! otherwise in another order or cannot be loaded again. What is decided here hangs on a change and
//! its ancestors alone, so it is the same in every order of arrival.

use std::collections::{BTreeSet, HashMap};

use automerge::Change;
use mobile_schema::genesis::GENESIS_V1;

use crate::admit::is_ahead;
use crate::columns::{Action, Id, Key, Operation};
use crate::guard::Body;
use crate::id::ChangeHash;
use crate::limits;
use crate::merge::{genesis_hash, hash_of};

/// Changes sorted by whether they may be given to the library.
#[derive(Debug, Default)]
pub(crate) struct Checked<'a> {
    /// In the order they came.
    pub(crate) sound: Vec<&'a Change>,
    /// And what builds on them.
    pub(crate) broken: BTreeSet<ChangeHash>,
    /// Sound ones that do not number on from what they build on.
    pub(crate) ahead: Vec<ChangeHash>,
    /// A sound change holds marks: their order in a text is checked by the library alone.
    pub(crate) marks: bool,
}

/// Checks changes that each follow their ancestors.
pub(crate) fn check<'a>(ordered: &[&'a Change]) -> Checked<'a> {
    let mut history = History::default();
    let genesis = Body::of_chunk(GENESIS_V1).ok();
    let begun = genesis.and_then(|body| history.take(&body, genesis_hash()));
    debug_assert!(begun.is_some(), "our own bytes are sound");
    let mut checked = Checked::default();
    for change in ordered {
        let hash = hash_of(change);
        let body = Body::of_chunk(change.raw_bytes()).ok();
        match body.and_then(|body| history.take(&body, hash)) {
            Some(taken) => {
                checked.sound.push(change);
                checked.marks |= taken.marks;
                if taken.ahead > 0 {
                    checked.ahead.push(hash);
                }
            }
            None => {
                checked.broken.insert(hash);
            }
        }
    }
    checked
}

/// Tells whether accepted changes of a household's main branch, in the order of the log, refer to
/// nothing but what each builds on, and are no more than a household may hold. What is otherwise,
/// nobody may load.
///
/// Nothing but our own reading of the bytes is at work here, which keeps some hundred bytes of each
/// operation: it stops where a household has too many of them.
///
/// ```
/// use shared::references::are_sound;
///
/// assert!(are_sound(std::iter::empty()));
/// assert!(!are_sound([(shared::id::ChangeHash([1; 32]), &b"no change"[..])].into_iter()));
/// ```
pub fn are_sound<'a>(log: impl Iterator<Item = (ChangeHash, &'a [u8])>) -> bool {
    let mut history = History::default();
    let genesis = Body::of_chunk(GENESIS_V1).ok();
    let begun = genesis.and_then(|body| history.take(&body, genesis_hash()));
    debug_assert!(begun.is_some(), "our own bytes are sound");
    let mut log = log.filter(|(hash, _)| *hash != genesis_hash());
    log.all(|(hash, chunk)| {
        let body = Body::of_chunk(chunk).ok();
        let taken = body.and_then(|body| history.take(&body, hash));
        taken.is_some() && history.made.len() <= limits::DOCUMENT_OPERATIONS_MAX
    })
}

/// An operation anywhere in the document: its author's index and its number.
type Name = (usize, u32);

/// What an operation made, as far as others may refer to it.
#[derive(Debug, Clone, Copy)]
struct Made<'a> {
    object: Option<Name>,
    spot: Spot<'a>,
    insert: bool,
    what: What,
    /// How many objects it is in.
    depth: usize,
}

/// What is replaced as one: a key of a map, or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot<'a> {
    Text(&'a str),
    Element(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Map,
    List,
    Text,
    Value,
}

/// How much of an author's work a change builds on: changes, and the number of the last operation.
type Seen = (u64, u32);

#[derive(Debug, Default)]
struct History<'a> {
    authors: HashMap<&'a [u8], usize>,
    /// Changes taken of each author.
    written: Vec<u64>,
    made: HashMap<Name, Made<'a>>,
    /// For each change what it builds on, itself included, by author.
    seen: HashMap<ChangeHash, Vec<Seen>>,
}

/// A change that is sound.
struct Taken {
    /// Numbers left out between what it builds on and its first operation.
    ahead: u32,
    marks: bool,
}

impl<'a> History<'a> {
    /// Adds a change; `None`, and nothing added, where it is not sound.
    fn take(&mut self, body: &Body<'a>, hash: ChangeHash) -> Option<Taken> {
        let before = self.before(&body.dependencies)?;
        let author = self.authors.get(body.actor).copied().unwrap_or(self.written.len());
        let others = body.others.iter().map(|other| self.authors.get(other).copied());
        let authors: Vec<usize> =
            [Some(author)].into_iter().chain(others).collect::<Option<_>>()?;
        // Nobody skips a number of their own, or forgets what they wrote themselves.
        let written = self.written.get(author).copied().unwrap_or(0);
        let (known, _) = before.get(author).copied().unwrap_or_default();
        if body.seq != written + 1 || known != written {
            return None;
        }
        let newest = before.iter().map(|(_, newest)| *newest).max().unwrap_or(0);
        let ahead = body.first_operation.checked_sub(newest)?.checked_sub(1)?;
        if is_ahead(body.first_operation, newest) {
            return None;
        }
        let mut view = View {
            history: self,
            before: &before,
            authors: &authors,
            first: body.first_operation,
            own: Vec::new(),
        };
        let mut marks = false;
        let (mut operations, _) = body.operations().ok()?;
        while let Some(operation) = operations.next().ok()? {
            marks |= operation.action == Action::Mark;
            let made = view.look(&operation)?;
            view.own.push(made);
        }
        let own = view.own;
        // Of a change without operations the library keeps no first number, and expects those that
        // are left out.
        if own.is_empty() && ahead > 0 {
            return None;
        }
        self.add(body, hash, author, before, own)?;
        Some(Taken { ahead, marks })
    }

    fn add(
        &mut self,
        body: &Body<'a>,
        hash: ChangeHash,
        author: usize,
        mut seen: Vec<Seen>,
        own: Vec<Option<Made<'a>>>,
    ) -> Option<()> {
        if author == self.written.len() {
            self.authors.insert(body.actor, author);
            self.written.push(0);
        }
        self.written[author] = body.seq;
        seen.resize(seen.len().max(author + 1), Seen::default());
        let after = body.first_operation.checked_add(u32::try_from(own.len()).ok()?)?;
        seen[author] = (body.seq, after - 1);
        self.seen.insert(hash, seen);
        for (made, number) in own.into_iter().zip(body.first_operation..) {
            if let Some(made) = made {
                self.made.insert((author, number), made);
            }
        }
        Some(())
    }

    /// Joins what the ancestors build on.
    fn before(&self, dependencies: &[ChangeHash]) -> Option<Vec<Seen>> {
        let mut joined: Vec<Seen> = Vec::new();
        for dependency in dependencies {
            let seen = self.seen.get(dependency)?;
            joined.resize(joined.len().max(seen.len()), Seen::default());
            for (joined, seen) in joined.iter_mut().zip(seen) {
                *joined = (*joined).max(*seen);
            }
        }
        Some(joined)
    }
}

/// What one operation of a change can refer to.
struct View<'h, 'a> {
    history: &'h History<'a>,
    before: &'h [Seen],
    /// Authors by their index in the change.
    authors: &'h [usize],
    first: u32,
    own: Vec<Option<Made<'a>>>,
}

impl<'a> View<'_, 'a> {
    /// Finds what an id names among the ancestors and the change's own earlier operations.
    fn find(&self, id: Id) -> Option<(Name, Made<'a>)> {
        let name = (*self.authors.get(id.author)?, id.number);
        if id.author == 0 && id.number >= self.first {
            let made = *self.own.get(usize::try_from(id.number - self.first).ok()?)?;
            return made.map(|made| (name, made));
        }
        let (_, newest) = self.before.get(name.0)?;
        let made = self.history.made.get(&name).filter(|_| id.number <= *newest)?;
        Some((name, *made))
    }

    /// Follows the references of the next operation; `None` where one leads nowhere.
    ///
    /// Gives what others may refer to from now on: nothing, where it only takes something away.
    fn look(&self, operation: &Operation<'a>) -> Option<Option<Made<'a>>> {
        let own = (self.authors[0], self.first.checked_add(u32::try_from(self.own.len()).ok()?)?);
        let (object, within, depth) = match operation.object {
            None => (None, What::Map, 0),
            Some(id) => {
                self.find(id).map(|(name, made)| (Some(name), made.what, made.depth + 1))?
            }
        };
        if depth > limits::DOCUMENT_NESTING_MAX {
            return None;
        }
        let spot = match (operation.key, within) {
            (Key::Text(text), What::Map) => Spot::Text(text),
            (Key::Head, What::List | What::Text) => Spot::Element(own),
            (Key::Element(id), What::List | What::Text) => {
                let (element, made) = self.find(id)?;
                if !made.insert || made.object != object {
                    return None;
                }
                Spot::Element(if operation.insert { own } else { element })
            }
            _ => return None,
        };
        if operation.action == Action::Mark && within != What::Text {
            return None;
        }
        for id in &operation.replaces {
            let (_, made) = self.find(*id)?;
            if (made.object, made.spot) != (object, spot) {
                return None;
            }
        }
        let what = match operation.action {
            Action::MakeMap => What::Map,
            Action::MakeList => What::List,
            Action::MakeText => What::Text,
            // Nothing can be written into a table: the library knows no way to merge it.
            Action::Set | Action::Increment | Action::Mark | Action::MakeTable => What::Value,
            Action::Delete => return Some(None),
        };
        Some(Some(Made { object, spot, insert: operation.insert, what, depth }))
    }
}
