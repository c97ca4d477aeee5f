//! The protocol of the standard door: what any automerge-repo client says over a WebSocket, version 1.
//!
//! Messages are CBOR maps ([`message`]), documents are named by a base58 form of their ids
//! ([`address`]), and inside a `sync` message stands Automerge's own sync message ([`sync`]). All of
//! it is read here by hand and within bounds: the library believes what such bytes claim, and one of
//! sixteen bytes ends its process. [`answer`] says what a client lacks of a household's log, without
//! anybody loading the document.

pub mod address;
pub mod answer;
mod bloom;
mod cbor;
pub mod message;
pub mod sync;

pub use bloom::Bloom;

/// Bytes that cannot be read as what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be read")]
pub struct Malformed;
