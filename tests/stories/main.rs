//! Stories: what people do with the server, each on both databases.

// A story whose people cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod ask;
mod codes;
mod copied;
mod desk;
mod fakes;
mod fates;
mod javascript;
mod laws;
mod line;
mod lists;
mod loading;
mod moves;
mod people;
mod people_on_devices;
mod processes;
mod refused;
mod renewals;
mod schema;
mod scope;
mod sync_health;
mod tidy;
mod tokens;
mod units;
