//! Changes and files made to hurt: each is refused, set aside or left out by name, within its budget.
//!
//! The budget of each is 50 ms of CPU and 64 MB of memory above what was there before. Memory is
//! asserted, in child processes; CPU time is measured and printed, for a busy machine has no fixed
//! one: `cargo test -p tests --test bombs -- --nocapture` prints both. `tests/bombs/without-guard`
//! shows that most of them hurt once the guard is gone.

// A test that cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod child;
mod disk;
mod doors;
mod files;
mod list;
mod make;
mod siege;
