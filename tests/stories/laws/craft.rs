//! Takes a change apart and puts it together otherwise, with a checksum that fits.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use shared::id::{ChangeHash, sha256};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// The parts of a change's body; the columns stay bytes.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) dependencies: Vec<[u8; 32]>,
    pub(super) actor: Vec<u8>,
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) message: Vec<u8>,
    pub(super) others: Vec<Vec<u8>>,
    pub(super) columns: Vec<u8>,
}

impl Parts {
    /// Takes a sound, inflated change apart.
    pub(super) fn of(chunk: &[u8]) -> Self {
        let mut rest = &chunk[9..];
        number(&mut rest);
        let dependencies = (0..number(&mut rest))
            .map(|_| take(&mut rest, 32).try_into().expect("32 bytes"))
            .collect();
        let actor = sized(&mut rest);
        let (seq, start_op) = (number(&mut rest), number(&mut rest));
        // The time is signed, but every byte but its last has the same high bit.
        while take(&mut rest, 1)[0] & 0x80 != 0 {}
        let message = sized(&mut rest);
        let others = (0..number(&mut rest)).map(|_| sized(&mut rest)).collect();
        Self { dependencies, actor, seq, start_op, message, others, columns: rest.to_vec() }
    }

    fn body(&self) -> Vec<u8> {
        let mut body = leb(length(&self.dependencies));
        body.extend(self.dependencies.iter().flatten());
        body.extend(prefixed(&self.actor));
        body.extend(leb(self.seq));
        body.extend(leb(self.start_op));
        body.push(0);
        body.extend(prefixed(&self.message));
        body.extend(leb(length(&self.others)));
        body.extend(self.others.iter().flat_map(|other| prefixed(other)));
        body.extend(&self.columns);
        body
    }

    /// Puts the change together; returns its hash and chunk.
    pub(super) fn chunk(&self) -> (ChangeHash, Vec<u8>) {
        framed(&self.body())
    }
}

/// Frames any bytes as a change with the checksum that fits them.
pub(super) fn framed(body: &[u8]) -> (ChangeHash, Vec<u8>) {
    let hash = hash_of(body);
    (hash, frame(&hash.0[..4], 1, body))
}

/// Frames a body deflated; the checksum is that of the change inside.
pub(super) fn deflated(body: &[u8]) -> (ChangeHash, Vec<u8>) {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, body).expect("memory takes every byte");
    let hash = hash_of(body);
    (hash, frame(&hash.0[..4], 2, &encoder.finish().expect("memory takes every byte")))
}

/// Writes a frame, sound or not.
pub(super) fn frame(checksum: &[u8], kind: u8, body: &[u8]) -> Vec<u8> {
    [&MAGIC[..], checksum, &[kind], &prefixed(body)].concat()
}

fn hash_of(body: &[u8]) -> ChangeHash {
    ChangeHash(sha256(&[&[1], &prefixed(body)[..]].concat()))
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).expect("a length")
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [leb(length(bytes)), bytes.to_vec()].concat()
}

/// Writes a number of seven bits a byte.
pub(super) fn leb(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        out.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return out;
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (head, tail) = rest.split_at(count);
    *rest = tail;
    head
}

fn number(rest: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(rest, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn sized(rest: &mut &[u8]) -> Vec<u8> {
    let count = usize::try_from(number(rest)).expect("a length");
    take(rest, count).to_vec()
}
