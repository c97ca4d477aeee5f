//! Stories: what people do with the server, each on both databases.

// A story whose people cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod ask;
mod fates;
mod line;
mod refused;
mod scope;
mod tokens;
