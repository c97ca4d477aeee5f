//! First stage of the line: looks at a change's bytes before any library parses them.
//!
//! Automerge does not check the checksum of a change, inflates compressed ones without limit and
//! believes what columns claim about their own lengths. So this file reads the chunk's frame and
//! header itself, and `columns.rs` reads the operations. Only what a client would write in the same
//! bytes is let through: the library writes changes anew from what it keeps of them, and a change
//! that comes out with another hash is one that nobody can load again.

use std::io::Read;

use crate::columns::{Header, Operations};
use crate::id::{Actor, ChangeHash, sha256};
use crate::limits;
use crate::runs::number;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(crate) const KIND_CHANGE: u8 = 1;
const KIND_DEFLATED: u8 = 2;

/// A change whose frame and header are sound. Only [`guard`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    actor: Actor,
    seq: u64,
    first_operation: u32,
    operations: u32,
    message: String,
    chunk: Vec<u8>,
}

impl Guarded {
    /// Returns the change hash: SHA-256 of the inflated chunk without magic and checksum.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// Returns the hashes of the changes this one builds on.
    pub fn dependencies(&self) -> &[ChangeHash] {
        &self.dependencies
    }

    /// Returns who wrote it.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Returns the position among its actor's changes, from 1. Not unique: phones get copied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns the number of the first operation, which is above that of everything it builds on.
    pub fn first_operation(&self) -> u32 {
        self.first_operation
    }

    /// Returns how many operations it holds.
    pub fn operations(&self) -> u32 {
        self.operations
    }

    /// Returns the number of the last operation, or of the one before the first where it has none.
    pub fn last_operation(&self) -> u32 {
        (self.first_operation - 1).saturating_add(self.operations)
    }

    /// Returns the message the author gave it, empty where none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the inflated type-1 chunk.
    pub fn chunk(&self) -> &[u8] {
        &self.chunk
    }
}

/// Why a change's bytes are not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// Over [`limits::CHANGE_BYTES_MAX`], as sent or inflated.
    #[error("a change is at most {} bytes", limits::CHANGE_BYTES_MAX)]
    TooLarge,
    /// Cut, damaged, or not a chunk at all.
    #[error("the chunk is damaged")]
    Damaged,
    /// A whole document or a bundle: only changes are taken.
    #[error("chunk kind {kind} is not taken")]
    Kind {
        /// The chunk's type byte.
        kind: u8,
    },
    /// More dependencies than [`limits::DEPENDENCIES_MAX`].
    #[error("a change builds on at most {} others", limits::DEPENDENCIES_MAX)]
    Dependencies,
    /// An actor of another length, or too many of them.
    #[error("an actor is {} bytes", limits::ACTOR_BYTES)]
    Actor,
}

/// Lets a change through when its frame, checksum and header keep the limits.
pub fn guard(chunk: &[u8]) -> Result<Guarded, GuardError> {
    if chunk.len() > limits::CHANGE_BYTES_MAX {
        return Err(GuardError::TooLarge);
    }
    let mut frame = Reader(chunk);
    if frame.take(4)? != MAGIC {
        return Err(GuardError::Damaged);
    }
    let checksum = frame.take(4)?;
    let kind = frame.take(1)?[0];
    let sent = frame.sized()?;
    if !frame.0.is_empty() {
        return Err(GuardError::Damaged);
    }
    let body = match kind {
        KIND_CHANGE => sent.to_vec(),
        KIND_DEFLATED => inflate(sent)?,
        kind => return Err(GuardError::Kind { kind }),
    };
    let hash = hash_of(&body);
    // The checksum of a deflated chunk is that of the inflated change.
    if hash.0[..4] != *checksum {
        return Err(GuardError::Damaged);
    }
    read_header(&body, hash)
}

fn read_header(body: &[u8], hash: ChangeHash) -> Result<Guarded, GuardError> {
    let read = Body::read(body)?;
    let (operations, extra) = read.operations()?;
    // The only extension there is: who the author of a first change is. The library insists on it.
    if extra.len() > limits::MESSAGE_BYTES_MAX {
        return Err(GuardError::TooLarge);
    }
    if !extra.is_empty() && read.seq != 1 {
        return Err(GuardError::Damaged);
    }
    Ok(Guarded {
        hash,
        actor: actor_of_change(read.actor)?,
        seq: read.seq,
        first_operation: read.first_operation,
        operations: operations.count()?,
        message: read.message.to_owned(),
        chunk: rebuild(body, hash),
        dependencies: read.dependencies,
    })
}

/// A change's body, its operations not yet read.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) dependencies: Vec<ChangeHash>,
    pub(crate) actor: &'a [u8],
    pub(crate) seq: u64,
    pub(crate) first_operation: u32,
    message: &'a str,
    /// Other authors its operations refer to, by their index less one.
    pub(crate) others: Vec<&'a [u8]>,
    columns: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads the body of an inflated chunk whose frame was looked at before.
    pub(crate) fn of_chunk(chunk: &'a [u8]) -> Result<Self, GuardError> {
        let mut frame = Reader(chunk);
        frame.take(9)?;
        Self::read(frame.sized()?)
    }

    fn read(body: &'a [u8]) -> Result<Self, GuardError> {
        let mut header = Reader(body);
        let count = header.number()?;
        if count > limits::DEPENDENCIES_MAX {
            return Err(GuardError::Dependencies);
        }
        let mut dependencies = Vec::new();
        for _ in 0..count {
            let hash = ChangeHash::from_slice(header.take(32)?).map_err(|_| GuardError::Damaged)?;
            dependencies.push(hash);
        }
        let actor = header.sized()?;
        actor_of_change(actor)?;
        let seq = header.counter()?;
        let first_operation = number(header.counter()?)?;
        if header.signed()?.unsigned_abs() > limits::TIME_MAX {
            return Err(GuardError::Damaged);
        }
        let message = header.sized()?;
        if message.len() > limits::MESSAGE_BYTES_MAX {
            return Err(GuardError::TooLarge);
        }
        let message = std::str::from_utf8(message).map_err(|_| GuardError::Damaged)?;
        let count = header.number()?;
        if count > limits::OTHER_ACTORS_MAX {
            return Err(GuardError::Actor);
        }
        let mut others: Vec<&[u8]> = Vec::new();
        for _ in 0..count {
            let other = header.sized()?;
            actor_of_change(other)?;
            if other == actor || others.last().is_some_and(|last| *last >= other) {
                return Err(GuardError::Damaged);
            }
            others.push(other);
        }
        let columns = header.rest();
        Ok(Self { dependencies, actor, seq, first_operation, message, others, columns })
    }

    /// Starts reading the operations; returns what stands behind them, too.
    pub(crate) fn operations(&self) -> Result<(Operations<'a>, &'a [u8]), GuardError> {
        let header = Header {
            first_operation: self.first_operation,
            others: self.others.len(),
            others_before: self.others.partition_point(|other| *other < self.actor),
        };
        Operations::new(self.columns, header)
    }
}

/// Begins an author that the library made up beside another one, see [`actor_of_change`].
const BESIDE: [u8; 4] = [0x13, 0xb2, 0x23, 0x09];

/// Takes the author of a change: 16 bytes.
///
/// A client that writes at an earlier state (`changeAt`) does so beside its own later changes, under
/// a name the library makes of a mark, a number and its own 16 bytes. Here it is told apart by a
/// hash of that name.
fn actor_of_change(bytes: &[u8]) -> Result<Actor, GuardError> {
    if let Ok(actor) = Actor::from_slice(bytes) {
        return Ok(actor);
    }
    let beside = bytes.strip_prefix(&BESIDE).ok_or(GuardError::Actor)?;
    let mut rest = Reader(beside);
    let number = rest.number().map_err(|_| GuardError::Actor)?;
    if number == 0 || Actor::from_slice(rest.rest()).is_err() {
        return Err(GuardError::Actor);
    }
    let hash = sha256(&[b"rasoat actor beside 1", bytes].concat());
    Actor::from_slice(&hash[..16]).map_err(|_| GuardError::Actor)
}

fn inflate(sent: &[u8]) -> Result<Vec<u8>, GuardError> {
    let mut body = Vec::new();
    let cap = u64::try_from(limits::CHANGE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    flate2::read::DeflateDecoder::new(sent)
        .take(cap)
        .read_to_end(&mut body)
        .map_err(|_| GuardError::Damaged)?;
    if body.len() > limits::CHANGE_BYTES_MAX { Err(GuardError::TooLarge) } else { Ok(body) }
}

fn hash_of(body: &[u8]) -> ChangeHash {
    let mut hashed = vec![KIND_CHANGE];
    write_number(&mut hashed, body.len());
    hashed.extend_from_slice(body);
    ChangeHash(sha256(&hashed))
}

fn rebuild(body: &[u8], hash: ChangeHash) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(body.len() + 14);
    chunk.extend_from_slice(&MAGIC);
    chunk.extend_from_slice(&hash.0[..4]);
    chunk.push(KIND_CHANGE);
    write_number(&mut chunk, body.len());
    chunk.extend_from_slice(body);
    chunk
}

fn write_number(out: &mut Vec<u8>, number: usize) {
    let mut rest = number;
    loop {
        let low = u8::try_from(rest & 0x7f).expect("seven bits fit a byte");
        rest >>= 7;
        out.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            return;
        }
    }
}

/// Seals a body with the checksum it needs, for tests that damage bodies.
#[cfg(test)]
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    rebuild(body, hash_of(body))
}

/// Reads LEB128 numbers and length-prefixed parts; every failure is `Damaged`.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Tells whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads bytes of a known count.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], GuardError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(GuardError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    /// Returns everything that was not read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Reads an unsigned number, written in as few bytes as it takes.
    pub(crate) fn number(&mut self) -> Result<u64, GuardError> {
        let mut value = 0_u64;
        for shift in (0..=63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let sound = (byte != 0 || shift == 0) && (shift < 63 || byte == 1);
                return if sound { Ok(value) } else { Err(GuardError::Damaged) };
            }
        }
        Err(GuardError::Damaged)
    }

    /// Reads a signed number, written in as few bytes as it takes.
    pub(crate) fn signed(&mut self) -> Result<i64, GuardError> {
        let mut value = 0_i64;
        let mut before = 0;
        for shift in (0..=63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // The sixth bit of the last byte is the sign of everything above it; a byte that
                // only repeats the sign is left away.
                let repeats = match byte {
                    0 => shift > 0 && before & 0x40 == 0,
                    0x7f => shift > 0 && before & 0x40 != 0,
                    _ => shift == 63,
                };
                if repeats {
                    return Err(GuardError::Damaged);
                }
                let sign = if byte & 0x40 == 0 || shift == 63 { 0 } else { -1_i64 << (shift + 7) };
                return Ok(value | sign);
            }
            before = byte;
        }
        Err(GuardError::Damaged)
    }

    fn counter(&mut self) -> Result<u64, GuardError> {
        match self.number()? {
            0 => Err(GuardError::Damaged),
            value if value > limits::COUNTER_MAX => Err(GuardError::TooLarge),
            value => Ok(value),
        }
    }

    /// Reads bytes with their count before them.
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], GuardError> {
        let count = usize::try_from(self.number()?).map_err(|_| GuardError::Damaged)?;
        self.take(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::transaction::Transactable;
    use automerge::{AutoCommit, ROOT};
    use proptest::prelude::*;

    use super::*;

    fn change(text: &str) -> automerge::Change {
        let mut doc = AutoCommit::new().with_actor(automerge::ActorId::from([7_u8; 16]));
        doc.put(ROOT, "notes", text).unwrap();
        doc.get_last_local_change().unwrap()
    }

    #[test]
    fn a_sound_change_keeps_its_hash_inflated_or_deflated() {
        let mut made = change(&"mái tôn ".repeat(100));
        let raw = guard(made.raw_bytes()).unwrap();
        let deflated = guard(&made.bytes()).unwrap();
        assert!(made.bytes().len() < made.raw_bytes().len());
        assert_eq!(raw, deflated);
        assert_eq!(raw.hash().0, made.hash().0);
        assert_eq!(raw.chunk(), made.raw_bytes());
        assert_eq!((raw.seq(), raw.actor()), (1, Actor([7; 16])));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sound = change("nhà").raw_bytes().to_vec();
        for bit in 0..sound.len() * 8 {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(guard(&damaged).is_err(), "bit {bit}");
        }
    }

    /// Who writes at an earlier state does so beside their own later changes.
    #[test]
    fn an_author_beside_another_is_told_apart() {
        let own = [7; 16];
        let beside = [&BESIDE[..], &[1], &own].concat();
        let second = [&BESIDE[..], &[2], &own].concat();
        let actors = [&own[..], &beside, &second].map(|name| actor_of_change(name).unwrap());
        assert_eq!(actors[0], Actor(own));
        assert!(actors[1] != actors[0] && actors[2] != actors[0] && actors[1] != actors[2]);
        for name in [&beside[1..], &beside[..20], &[&BESIDE[..], &[0], &own].concat(), &[7; 21]] {
            assert_eq!(actor_of_change(name), Err(GuardError::Actor), "{name:?}");
        }
    }

    #[test]
    fn numbers_are_read_in_their_shortest_form_alone() {
        let number = |bytes: &[u8]| Reader(bytes).number();
        let signed = |bytes: &[u8]| Reader(bytes).signed();
        let longest = [&[0xff; 9][..], &[1]].concat();
        assert_eq!(
            (number(&[0]), number(&[0x80, 1]), number(&longest)),
            (Ok(0), Ok(128), Ok(u64::MAX))
        );
        let lowest = [&[0x80; 9][..], &[0x7f]].concat();
        let highest = [&[0xff; 9][..], &[0]].concat();
        assert_eq!((signed(&lowest), signed(&highest)), (Ok(i64::MIN), Ok(i64::MAX)));
        assert_eq!(
            (signed(&[0x7f]), signed(&[0xbf, 0x7f]), signed(&[0xc0, 0])),
            (Ok(-1), Ok(-65), Ok(64))
        );
        let longer: [&[u8]; 4] = [&[0x80, 0], &[0xff; 10], &[0x81, 0x80, 0], &[]];
        assert!(longer.iter().all(|bytes| number(bytes).is_err()));
        let longer: [&[u8]; 4] = [&[0xff, 0x7f], &[0x80, 0], &[0xff; 11], &[0x80]];
        assert!(longer.iter().all(|bytes| signed(bytes).is_err()));
    }

    #[test]
    fn whole_documents_and_bombs_are_refused() {
        let mut doc = AutoCommit::new();
        doc.put(ROOT, "a", 1).unwrap();
        assert_eq!(guard(&doc.save()), Err(GuardError::Kind { kind: 0 }));

        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 100 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        let mut chunk = MAGIC.to_vec();
        chunk.extend([0; 4]);
        chunk.push(KIND_DEFLATED);
        write_number(&mut chunk, bomb.len());
        chunk.extend(bomb);
        assert_eq!(guard(&chunk), Err(GuardError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut framed = MAGIC.to_vec();
            framed.extend(&bytes);
            prop_assert!(guard(&bytes).is_err());
            prop_assert!(guard(&framed).is_err());
        }
    }
}
