//! What survives SIGKILL: the real binary is killed at seeded instants while people work with it.
//!
//! A kill proves the process, not the disk: what the system's cache holds outlives it. The power
//! cut (`power_cut.rs`, on Linux) proves the disk. Each test
//! runs on SQLite with its default settings and on the PostgreSQL cluster that syncs
//! (`RASOAT_TEST_PG_DURABLE`). `RASOAT_KILLS=500` makes it long, `RASOAT_SEED=n` another run.

mod acknowledged;
mod decisions;
mod first_start;
// Elsewhere there is nothing to load in front of a program: shown on Linux, where CI runs.
#[cfg(target_os = "linux")]
mod power_cut;

use std::time::Instant;

use tests::postgres::{Cluster, database};
use tests::process::Home;

/// Kills in one test, unless `RASOAT_KILLS` says otherwise.
const KILLS: usize = 50;

/// Seed of the instants, unless `RASOAT_SEED` says otherwise.
const SEED: u64 = 2022;

fn kills() -> usize {
    std::env::var("RASOAT_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"))
}

fn seed() -> u64 {
    std::env::var("RASOAT_SEED").map_or(SEED, |seed| seed.parse().expect("a number"))
}

/// Makes an empty installation on the PostgreSQL that syncs, where there is one.
async fn on_postgres() -> Option<Home> {
    Some(Home::new(Some(database(Cluster::Durable).await?)))
}

/// Lets a part of a request's life go by; other tasks go on.
async fn pass(micros: usize) {
    let since = Instant::now();
    while usize::try_from(since.elapsed().as_micros()).is_ok_and(|passed| passed < micros) {
        tokio::task::yield_now().await;
    }
}
