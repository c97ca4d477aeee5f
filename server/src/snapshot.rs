//! How a saved document is kept: zstd with a dictionary trained on made-up households.
//!
//! The dictionary is part of the format. It is never trained again under the same name; another one
//! gets another number, and what cannot be read is made anew from the log.

use std::io;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// The dictionary, as `cargo run -p server --example dictionary` trains it.
pub const DICTIONARY: &[u8] = include_bytes!("../dictionaries/household-1.zdict");

/// Level of compression: a household takes about a tenth of a millisecond.
const LEVEL: i32 = 6;

/// Largest document that is unpacked, bytes. One is saved in about the bytes of its changes.
const DOCUMENT_BYTES_MAX: usize = 4 * shared::limits::DOCUMENT_BYTES_MAX;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));

static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// Packs a document saved without compression of its own, which would defeat this one.
pub fn pack(saved: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = Compressor::with_prepared_dictionary(&ENCODER)?;
    compressor.include_checksum(true)?;
    compressor.compress(saved)
}

/// Unpacks a document; `None` where the bytes are damaged or of another dictionary.
pub fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decompressor = Decompressor::with_prepared_dictionary(&DECODER).ok()?;
    let saved = decompressor.decompress(bytes, DOCUMENT_BYTES_MAX).ok()?;
    // No bytes at all unpack to no bytes at all, and no document is empty.
    (!saved.is_empty()).then_some(saved)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What was packed with a dictionary can be read only with the same one.
    #[test]
    fn the_dictionary_is_the_one_that_was_published() {
        let pinned = include_str!("../dictionaries/household-1.sha256").trim();
        assert_eq!(shared::id::to_hex(&shared::id::sha256(DICTIONARY)), pinned);
    }

    #[test]
    fn a_document_packed_earlier_is_still_read() {
        let saved = unpack(include_bytes!("../dictionaries/household-1.packed")).unwrap();
        let doc = automerge::Automerge::load(&saved).unwrap();
        let household = shared::resolve::resolve(&doc).household;
        assert!(household.members.len() > 1 && household.answers.len() > 20);
        assert_eq!(unpack(&pack(&saved).unwrap()).unwrap(), saved);
    }

    #[test]
    fn damaged_bytes_are_no_document() {
        let packed = include_bytes!("../dictionaries/household-1.packed");
        let packed = pack(&unpack(packed).unwrap()).unwrap();
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x10;
            // A bit that says nothing may be another.
            let read = unpack(&damaged);
            assert!(read.is_none() || read == unpack(&packed), "byte {at}");
        }
        assert_eq!(unpack(&[]), None);
    }
}
