//! Stories: what people do with the server, each on both databases.

// A story whose people cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod ask;
mod desk;
mod fakes;
mod fates;
mod javascript;
mod laws;
mod line;
mod lists;
mod loading;
mod people;
mod processes;
mod rebuilt;
mod refused;
mod schema;
mod scope;
mod tidy;
mod tokens;
mod units;
#[cfg(debug_assertions)]
mod workers;
