//! How far a client has read: a position in each unit's log, for each set of hamlets it may see.
//!
//! The cursor is the client's to keep and the server's to judge: whatever it says, only what is in
//! scope now is sent. A hamlet that came into scope is read from the start, whatever the cursor.
//!
//! What is read from the start may be sent household by household instead of change by change: a
//! walk. It stands for the position of the log at which it began, so that whatever arrives while
//! it is under way follows as changes: nothing is skipped, some of it comes twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::{Decoder, Encoder, Malformed};
use crate::id::DocumentId;

/// Which hamlets of a unit somebody may see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hamlets {
    /// The whole unit.
    All,
    /// These, by code; a single household among them as [`single`] names it.
    Only(BTreeSet<String>),
}

impl Hamlets {
    /// Tells whether a household of a hamlet is among what may be seen.
    ///
    /// ```
    /// use shared::{cursor::{Hamlets, single}, id::DocumentId};
    /// let [one, other] = [DocumentId([1; 16]), DocumentId([2; 16])];
    /// let hamlets = Hamlets::Only(["19558-01".to_owned(), single(one)].into());
    /// assert!(hamlets.cover("19558-01", other) && hamlets.cover("19558-02", one));
    /// assert!(!hamlets.cover("19558-02", other) && Hamlets::All.cover("19558-02", other));
    /// ```
    pub fn cover(&self, hamlet: &str, document: DocumentId) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(hamlet) || names.contains(&single(document)),
        }
    }
}

/// Names a household that somebody was given without its hamlet. No hamlet code holds `#`.
///
/// ```
/// use shared::{cursor::single, id::DocumentId};
/// assert_eq!(single(DocumentId([0xab; 16])), format!("#{}", "ab".repeat(16)));
/// ```
pub fn single(document: DocumentId) -> String {
    format!("#{document}")
}

/// What somebody may see: hamlets by unit.
pub type Scope = BTreeMap<String, Hamlets>;

/// Progress in one unit's log for one set of its hamlets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Unit code.
    pub unit: String,
    /// The hamlets read at this pace.
    pub hamlets: Hamlets,
    /// Everything up to this position has been sent.
    pub position: i64,
    /// Up to here the client gets its own changes too: it had none of these households before.
    pub whole_until: i64,
    /// The household that was sent whole last, in order of document; the position stays at 0 until
    /// all of them were.
    pub walk: Option<DocumentId>,
}

impl Segment {
    /// Tells whether its households may be sent whole: none of their changes has been sent.
    pub fn can_walk(&self) -> bool {
        self.position == 0 && self.whole_until > 0
    }

    /// Ends the walk: every household has been sent as it was at [`Segment::whole_until`] or later.
    pub fn walked(&mut self) {
        self.walk = None;
        self.position = self.whole_until;
    }
}

/// Added to the byte that says which hamlets a segment is of, where it also walks.
const WALKS: u8 = 2;

/// A client's progress in everything it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Epoch of the store the positions are of.
    pub epoch: [u8; 16],
    /// Progress, one entry a unit once everything has been caught up.
    pub segments: Vec<Segment>,
}

/// What a cursor comes to against the scope of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What to read, and from where.
    pub segments: Vec<Segment>,
    /// Hamlets (or units, for whole ones) that came into scope.
    pub entered: Vec<String>,
    /// Those that left it.
    pub left: Vec<String>,
}

impl Cursor {
    /// Writes the cursor as opaque bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new("c1");
        out.bytes(&self.epoch);
        out.count(self.segments.len());
        for segment in &self.segments {
            out.text(&segment.unit);
            let walks = u8::from(segment.walk.is_some()) * WALKS;
            match &segment.hamlets {
                Hamlets::All => out.byte(walks),
                Hamlets::Only(codes) => {
                    out.byte(walks + 1);
                    out.count(codes.len());
                    for code in codes {
                        out.text(code);
                    }
                }
            }
            out.signed(segment.position);
            out.signed(segment.whole_until);
            if let Some(walk) = &segment.walk {
                out.bytes(&walk.0);
            }
        }
        out.finish()
    }

    /// Reads what [`Cursor::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut input = Decoder::new(bytes, "c1")?;
        let epoch = input.array()?;
        let segments =
            (0..input.count()?).map(|_| segment(&mut input)).collect::<Result<_, _>>()?;
        input.end()?;
        Ok(Self { epoch, segments })
    }
}

fn segment(input: &mut Decoder<'_>) -> Result<Segment, Malformed> {
    let unit = input.text()?;
    let kind = input.byte()?;
    let hamlets = match kind % WALKS {
        0 => Hamlets::All,
        _ => Hamlets::Only((0..input.count()?).map(|_| input.text()).collect::<Result<_, _>>()?),
    };
    let (position, whole_until) = (input.signed()?, input.signed()?);
    let walk = match kind / WALKS {
        0 => None,
        1 => Some(DocumentId(input.array()?)),
        _ => return Err(Malformed),
    };
    if position < 0 || (walk.is_some() && position != 0) {
        return Err(Malformed);
    }
    Ok(Segment { unit, hamlets, position, whole_until, walk })
}

/// Turns a cursor and the scope of now into what to read. `newest` holds each unit's last position.
pub fn reading(cursor: Option<&Cursor>, scope: &Scope, newest: &BTreeMap<String, i64>) -> Reading {
    let mut reading = Reading::default();
    let known: &[Segment] = cursor.map_or(&[], |cursor| &cursor.segments);
    for (unit, hamlets) in scope {
        let last = newest.get(unit).copied().unwrap_or(0);
        let mut open = hamlets.clone();
        for segment in known.iter().filter(|segment| segment.unit == *unit) {
            let Some((shared, rest)) = split(&open, &segment.hamlets) else { continue };
            open = rest;
            // A position beyond the log is of another store; read from the start.
            let reached = if segment.walk.is_some() { segment.whole_until } else { 0 };
            let beyond = segment.position.max(reached) > last;
            reading.segments.push(Segment {
                unit: unit.clone(),
                hamlets: shared,
                position: if beyond { 0 } else { segment.position },
                whole_until: if beyond { last } else { segment.whole_until },
                walk: segment.walk.filter(|_| !beyond),
            });
        }
        if open != Hamlets::Only(BTreeSet::new()) {
            reading.entered.extend(names(unit, &open));
            let (unit, hamlets) = (unit.clone(), open);
            let whole_until = last;
            reading.segments.push(Segment { unit, hamlets, position: 0, whole_until, walk: None });
        }
    }
    for segment in known {
        let kept = scope.get(&segment.unit);
        match (&segment.hamlets, kept) {
            (_, Some(Hamlets::All)) => {}
            (Hamlets::Only(codes), Some(Hamlets::Only(now))) => {
                reading.left.extend(codes.difference(now).cloned());
            }
            (hamlets, _) => reading.left.extend(names(&segment.unit, hamlets)),
        }
    }
    reading
}

/// Joins the segments of a unit that stand at the same place.
pub fn joined(segments: Vec<Segment>) -> Vec<Segment> {
    let mut joined: Vec<Segment> = Vec::new();
    for segment in segments {
        // Two walks may have come to one household, and yet stand for different positions.
        let may_join = |of: &Segment| of.walk.is_none() && of.unit == segment.unit;
        let same = joined.iter_mut().find(|other| {
            may_join(other) && may_join(&segment) && other.position == segment.position
        });
        match same {
            None => joined.push(segment),
            Some(other) => {
                other.whole_until = other.whole_until.max(segment.whole_until);
                if let (Hamlets::Only(codes), Hamlets::Only(more)) =
                    (&mut other.hamlets, &segment.hamlets)
                {
                    codes.extend(more.iter().cloned());
                } else {
                    other.hamlets = Hamlets::All;
                }
            }
        }
    }
    joined
}

/// Splits what is open into what a segment covers and what it does not; `None` if nothing.
fn split(open: &Hamlets, covered: &Hamlets) -> Option<(Hamlets, Hamlets)> {
    let nothing = Hamlets::Only(BTreeSet::new());
    match (open, covered) {
        (open, _) if *open == nothing => None,
        (open, Hamlets::All) => Some((open.clone(), nothing)),
        // Hamlets read one by one say nothing about the unit as a whole.
        (Hamlets::All, Hamlets::Only(_)) => None,
        (Hamlets::Only(open), Hamlets::Only(covered)) => {
            let shared: BTreeSet<String> = open.intersection(covered).cloned().collect();
            let rest = open.difference(covered).cloned().collect();
            (!shared.is_empty()).then_some((Hamlets::Only(shared), Hamlets::Only(rest)))
        }
    }
}

fn names(unit: &str, hamlets: &Hamlets) -> Vec<String> {
    match hamlets {
        Hamlets::All => vec![unit.to_owned()],
        Hamlets::Only(codes) => codes.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn only(codes: &[&str]) -> Hamlets {
        Hamlets::Only(codes.iter().map(|code| (*code).to_owned()).collect())
    }

    fn scope(codes: &[&str]) -> Scope {
        Scope::from([("19333".to_owned(), only(codes))])
    }

    #[test]
    fn a_new_hamlet_is_read_from_the_start_and_a_former_one_no_more() {
        let newest = BTreeMap::from([("19333".to_owned(), 9)]);
        let first = reading(None, &scope(&["a", "b"]), &newest);
        assert_eq!(first.entered, ["a", "b"]);

        let mut segments = first.segments;
        segments[0].position = 9;
        let cursor = Cursor { epoch: [0; 16], segments };
        let cursor = Cursor::decode(&cursor.encode()).unwrap();
        let then = reading(Some(&cursor), &scope(&["b", "c"]), &newest);
        assert_eq!((then.entered, then.left), (vec!["c".to_owned()], vec!["a".to_owned()]));
        let positions: Vec<_> = then.segments.iter().map(|s| (&s.hamlets, s.position)).collect();
        assert_eq!(positions, [(&only(&["b"]), 9), (&only(&["c"]), 0)]);
    }

    #[test]
    fn segments_join_once_they_stand_together() {
        let at = |hamlets, position| Segment {
            unit: "19333".into(),
            hamlets,
            position,
            whole_until: 3,
            walk: None,
        };
        let apart = joined(vec![at(only(&["a"]), 9), at(only(&["b"]), 4)]);
        assert_eq!(apart.len(), 2);
        let together = joined(vec![at(only(&["a"]), 9), at(only(&["b"]), 9)]);
        assert_eq!(together, [at(only(&["a", "b"]), 9)]);
    }

    fn walking(codes: &[&str], whole_until: i64, last: u8) -> Segment {
        let walk = (last > 0).then_some(DocumentId([last; 16]));
        Segment { unit: "19333".into(), hamlets: only(codes), position: 0, whole_until, walk }
    }

    #[test]
    fn a_walk_goes_on_where_it_stood_whatever_enters_or_leaves_meanwhile() {
        let cursor = Cursor { epoch: [0; 16], segments: vec![walking(&["a", "b"], 9, 7)] };
        let cursor = Cursor::decode(&cursor.encode()).unwrap();
        // Much has been written since, b has left, c is new.
        let newest = BTreeMap::from([("19333".to_owned(), 50)]);
        let then = reading(Some(&cursor), &scope(&["a", "c"]), &newest);
        assert_eq!(then.segments, [walking(&["a"], 9, 7), walking(&["c"], 50, 0)]);
        assert_eq!((then.entered, then.left), (vec!["c".to_owned()], vec!["b".to_owned()]));
    }

    #[test]
    fn what_was_walked_is_read_on_from_where_the_walk_began() {
        let mut segment = walking(&["a"], 9, 7);
        assert!(segment.can_walk());
        segment.walked();
        assert_eq!((segment.position, segment.walk), (9, None));
        assert!(!segment.can_walk());
        assert!(!walking(&["a"], 0, 0).can_walk(), "its log was empty");
    }

    #[test]
    fn walks_do_not_join_for_they_stand_for_different_positions() {
        let apart = vec![walking(&["a"], 3, 7), walking(&["b"], 9, 7)];
        assert_eq!(joined(apart.clone()), apart);
    }

    #[test]
    fn a_walk_in_another_store_starts_anew() {
        let cursor = Cursor { epoch: [0; 16], segments: vec![walking(&["a"], 9, 7)] };
        let newest = BTreeMap::from([("19333".to_owned(), 5)]);
        let then = reading(Some(&cursor), &scope(&["a"]), &newest);
        assert_eq!(then.segments, [walking(&["a"], 5, 0)]);
    }

    /// Phones keep their cursors while the server learns new ones.
    #[test]
    fn cursors_from_before_there_were_walks_are_read() {
        let mut old = Encoder::new("c1");
        old.bytes(&[1; 16]);
        old.count(2);
        old.text("19333");
        old.byte(1);
        old.count(1);
        old.text("a");
        old.signed(4);
        old.signed(3);
        old.text("19336");
        old.byte(0);
        old.signed(8);
        old.signed(0);
        let segment = |unit: &str, hamlets, position, whole_until| Segment {
            unit: unit.to_owned(),
            hamlets,
            position,
            whole_until,
            walk: None,
        };
        let segments =
            vec![segment("19333", only(&["a"]), 4, 3), segment("19336", Hamlets::All, 8, 0)];
        let read = Cursor::decode(&old.finish()).unwrap();
        assert_eq!(read, Cursor { epoch: [1; 16], segments });
    }

    #[test]
    fn a_cursor_claims_no_scope() {
        let cursor = Cursor {
            epoch: [0; 16],
            segments: vec![Segment {
                unit: "19336".into(),
                hamlets: Hamlets::All,
                position: 0,
                whole_until: 0,
                walk: None,
            }],
        };
        let newest = BTreeMap::new();
        let read = reading(Some(&cursor), &scope(&["a"]), &newest);
        assert!(read.segments.iter().all(|segment| segment.unit == "19333"));
        assert_eq!(read.left, ["19336"]);
    }

    #[test]
    fn damaged_cursors_are_refused() {
        assert!(Cursor::decode(b"").is_err());
        assert!(Cursor::decode(&[0xff; 40]).is_err());
    }
}
