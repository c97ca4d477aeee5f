//! Automerge's sync message: which changes somebody has, wants and sends.
//!
//! Only version 1 is read and written, each change a chunk of its own. What is written has no flags at
//! its end: a client that sees none sends no whole documents, which nobody here would parse.

use super::{Bloom, Malformed};
use crate::id::ChangeHash;
use crate::limits;

const VERSION_1: u8 = 0x42;

/// Most bytes of flags, which are read over.
const FLAGS_MAX: usize = 8;

/// What somebody says about a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncMessage {
    /// The newest changes the sender has: those nothing it has builds on.
    pub heads: Vec<ChangeHash>,
    /// Changes the sender asks for.
    pub need: Vec<ChangeHash>,
    /// What the sender has, where it says so.
    pub have: Option<Have>,
    /// Change chunks.
    pub changes: Vec<Vec<u8>>,
}

/// What somebody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Have {
    /// Everything up to these.
    pub last_sync: Vec<ChangeHash>,
    /// And what this says yes to.
    pub bloom: Bloom,
}

impl SyncMessage {
    /// Reads a message within the limits.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.take(1)? != [VERSION_1] {
            return Err(Malformed);
        }
        let heads = reader.hashes(limits::SYNC_HEADS_MAX)?;
        let need = reader.hashes(limits::SYNC_NEED_MAX)?;
        let have = match reader.number()? {
            0 => None,
            1 => {
                let last_sync = reader.hashes(limits::SYNC_HEADS_MAX)?;
                Some(Have { last_sync, bloom: Bloom::read(reader.sized()?)? })
            }
            _ => return Err(Malformed),
        };
        let mut changes = Vec::new();
        for _ in 0..reader.number()? {
            let change = reader.sized()?;
            // No document has room for more. Its sender is told which have arrived; others go on.
            if changes.len() < limits::DOCUMENT_CHANGES_MAX {
                changes.push(change.to_vec());
            }
        }
        if !reader.rest().is_empty() {
            let flags = reader.sized()?;
            if flags.len() > FLAGS_MAX || !reader.rest().is_empty() {
                return Err(Malformed);
            }
        }
        Ok(Self { heads, need, have, changes })
    }

    /// Writes the message.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION_1];
        write_hashes(&mut out, &self.heads);
        write_hashes(&mut out, &self.need);
        match &self.have {
            None => out.push(0),
            Some(have) => {
                out.push(1);
                write_hashes(&mut out, &have.last_sync);
                write_sized(&mut out, &have.bloom.write());
            }
        }
        write_number(&mut out, u64::try_from(self.changes.len()).unwrap_or(u64::MAX));
        for change in &self.changes {
            write_sized(&mut out, change);
        }
        out
    }
}

/// Reads LEB128 numbers and what they count.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        // Nothing counted here has more than five bytes.
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count <= most { Ok(count) } else { Err(Malformed) }
    }

    fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    fn hashes(&mut self, most: usize) -> Result<Vec<ChangeHash>, Malformed> {
        let count = self.count(most)?;
        let bytes = self.take(count * 32)?;
        let hashes = bytes.chunks(32).map(ChangeHash::from_slice);
        hashes.map(|hash| hash.map_err(|_| Malformed)).collect()
    }
}

/// Writes a number as LEB128.
pub(super) fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        out.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            return;
        }
    }
}

fn write_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

fn write_hashes(out: &mut Vec<u8>, hashes: &[ChangeHash]) {
    let mut sorted = hashes.to_vec();
    sorted.sort_unstable();
    write_number(out, u64::try_from(sorted.len()).unwrap_or(u64::MAX));
    for hash in sorted {
        out.extend_from_slice(&hash.0);
    }
}

#[cfg(all(test, feature = "merge"))]
mod tests;
