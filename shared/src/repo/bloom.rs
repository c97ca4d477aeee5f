//! Bloom filters: a short way to say which changes one has, wrong now and then in one direction.
//!
//! The hashes are random already, so that their first twelve bytes serve as three numbers. Only the
//! shape that every client writes is read: ten bits a change and seven places each. Any other number
//! of places is somebody who wants us to count for ever.

use super::Malformed;
use super::sync::Reader;
use crate::id::ChangeHash;
use crate::limits;

const BITS_PER_ENTRY: u64 = 10;
const PROBES: u64 = 7;

/// A filter over change hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bloom {
    entries: u64,
    bits: Vec<u8>,
}

impl Bloom {
    /// Makes a filter that says yes to all of these.
    pub fn of(hashes: &[ChangeHash]) -> Self {
        let entries = u64::try_from(hashes.len()).unwrap_or(u64::MAX);
        let Ok(bytes) = usize::try_from(bytes_of(entries)) else { return Self::default() };
        let mut filter = Self { entries, bits: vec![0; bytes] };
        for hash in hashes {
            for place in filter.places(*hash) {
                if let Some(byte) = filter.bits.get_mut(place / 8) {
                    *byte |= 1 << (place % 8);
                }
            }
        }
        filter
    }

    /// Tells whether a change may be among those it was made of; no means no.
    pub fn may_hold(&self, hash: ChangeHash) -> bool {
        let is_set = |place: usize| {
            self.bits.get(place / 8).is_some_and(|byte| byte & (1 << (place % 8)) != 0)
        };
        self.entries > 0 && self.places(hash).into_iter().all(is_set)
    }

    /// Reads a filter.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(bytes);
        let (entries, bits_per_entry, probes) =
            (reader.number()?, reader.number()?, reader.number()?);
        let bits = reader.rest();
        let sound = (1..=limits::BLOOM_ENTRIES_MAX).contains(&entries)
            && bits_per_entry == BITS_PER_ENTRY
            && probes == PROBES
            && u64::try_from(bits.len()) == Ok(bytes_of(entries));
        if sound { Ok(Self { entries, bits: bits.to_vec() }) } else { Err(Malformed) }
    }

    /// Writes the filter.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.entries > 0 {
            for number in [self.entries, BITS_PER_ENTRY, PROBES] {
                super::sync::write_number(&mut out, number);
            }
            out.extend_from_slice(&self.bits);
        }
        out
    }

    /// Returns the bits that stand for a change.
    fn places(&self, hash: ChangeHash) -> Vec<usize> {
        let Ok(modulo) = u64::try_from(self.bits.len() * 8) else { return Vec::new() };
        if modulo == 0 {
            return Vec::new();
        }
        let part = |at: usize| {
            let bytes = [hash.0[at], hash.0[at + 1], hash.0[at + 2], hash.0[at + 3]];
            u64::from(u32::from_le_bytes(bytes)) % modulo
        };
        let (mut x, mut y, z) = (part(0), part(4), part(8));
        let mut places = Vec::new();
        for _ in 0..PROBES {
            places.push(usize::try_from(x).unwrap_or(usize::MAX));
            x = (x + y) % modulo;
            y = (y + z) % modulo;
        }
        places
    }
}

fn bytes_of(entries: u64) -> u64 {
    entries.saturating_mul(BITS_PER_ENTRY).div_ceil(8)
}
