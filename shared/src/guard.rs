//! First stage of the line: looks at a change's bytes before any library parses them.
//!
//! Automerge does not check the checksum of a change, inflates compressed ones without limit and
//! believes what columns claim about their own lengths. So this file reads the chunk's frame and
//! header itself, and `columns.rs` walks what follows.

use std::io::Read;

use crate::columns::{Header, walk};
use crate::id::{Actor, ChangeHash, sha256};
use crate::limits;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const KIND_CHANGE: u8 = 1;
const KIND_DEFLATED: u8 = 2;

/// A change whose frame and header are sound. Only [`guard`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    actor: Actor,
    seq: u64,
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
    let mut header = Reader(body);
    let count = header.number()?;
    if count > limits::DEPENDENCIES_MAX {
        return Err(GuardError::Dependencies);
    }
    let mut dependencies = Vec::new();
    for _ in 0..count {
        dependencies
            .push(ChangeHash::from_slice(header.take(32)?).map_err(|_| GuardError::Damaged)?);
    }
    let actor = header.sized()?;
    let actor = Actor::from_slice(actor).map_err(|_| GuardError::Actor)?;
    let seq = header.counter()?;
    let first_operation = header.counter()?;
    header.any_signed()?; // device time: decoded, never judged
    let message = header.sized()?;
    if message.len() > limits::MESSAGE_BYTES_MAX {
        return Err(GuardError::TooLarge);
    }
    let message = String::from_utf8(message.to_vec()).map_err(|_| GuardError::Damaged)?;
    let others = header.number()?;
    if others > limits::OTHER_ACTORS_MAX {
        return Err(GuardError::Actor);
    }
    for _ in 0..others {
        let other = header.sized()?;
        if other.is_empty() || other.len() > 64 {
            return Err(GuardError::Actor);
        }
    }
    walk(header.0, Header { first_operation, actors: others + 1 })?;
    Ok(Guarded { hash, dependencies, actor, seq, message, chunk: rebuild(body, hash) })
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

    /// Reads an unsigned number.
    pub(crate) fn number(&mut self) -> Result<u64, GuardError> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(GuardError::Damaged)
    }

    /// Reads a signed number.
    pub(crate) fn signed(&mut self) -> Result<i64, GuardError> {
        let mut value = 0_i64;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // The sixth bit of the last byte is the sign of everything above it.
                let sign = if byte & 0x40 == 0 { 0 } else { -1_i64 << (shift + 7).min(63) };
                return Ok(value | sign);
            }
        }
        Err(GuardError::Damaged)
    }

    /// Reads past a signed number of any size.
    fn any_signed(&mut self) -> Result<(), GuardError> {
        for _ in 0..10 {
            if self.take(1)?[0] & 0x80 == 0 {
                return Ok(());
            }
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
