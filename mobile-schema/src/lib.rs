//! What travels between a phone and the server, and what is asked: plain data, no rules.
//!
//! A phone in another language can be built from this crate's folder alone: the forms, the
//! document's layout and genesis bytes, the wire frames, the problem names, JSON Schema and
//! TypeScript types made from them, and vectors that say what a right answer is.

pub mod courier;
pub mod form;
pub mod frame;
#[cfg(feature = "generate")]
pub mod generate;
pub mod genesis;
pub mod household;
pub mod problem;
