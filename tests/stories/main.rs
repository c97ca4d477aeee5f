//! Stories: what people do with the server, each on both databases.

// A story whose people cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod ask;
mod desk;
mod equal_edits;
mod fakes;
mod fates;
mod javascript;
mod laws;
mod line;
mod lists;
mod loading;
mod people;
mod planted;
mod processes;
mod refused;
mod restored;
mod schema;
mod scope;
mod simulation;
#[cfg(debug_assertions)]
mod storage_faults;
mod tidy;
mod tokens;
mod units;
