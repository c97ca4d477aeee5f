//! The first change of every household document, as literal bytes.
//!
//! Every client loads these bytes and none ever makes them anew: two phones that open the same
//! household offline then share one ancestor, and merging works field by field instead of hiding
//! one whole side. A later layout adds one more fixed change on top; these bytes never change.

/// Genesis change of schema version 1: an inflated Automerge change chunk (actor 16 × 00, time 0).
///
/// It makes the maps `answers`, `b1_items`, `members`, `asked` and one map in `asked` for each of
/// [`crate::household::BLOCKS`].
pub const GENESIS_V1: &[u8] = include_bytes!("../genesis/v1.bin");

/// Hash of [`GENESIS_V1`], the only head of a new document.
pub const GENESIS_V1_HASH: &str = include_str!("../genesis/v1.hash");
