//! The laws of the line: what holds for every set, order, repetition and loss of changes.
//!
//! Each law is one promise of the project and carries its number there. Whatever is random comes
//! from a seed that a failure prints; `RASOAT_LONG=1` makes every law run ten times as long.

#![allow(clippy::unwrap_used)]

mod arrivals;
mod bad_changes;
mod bad_kinds;
mod bad_neighbours;
mod convergence;
mod copied_phone;
mod craft;
mod device;
mod exactly_once;
pub(crate) mod ledger;
mod pages;
mod reading;
mod rng;
mod saved;
mod sent_on;
mod silent_loser;
mod triage;
mod wire;

/// How often a law is tried: `usual` times, or ten times that in a long run.
fn cases(usual: usize) -> usize {
    if std::env::var_os("RASOAT_LONG").is_some_and(|long| long == "1") { usual * 10 } else { usual }
}
