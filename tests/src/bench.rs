//! What the program takes and gives, measured: a report with the machine it was measured on.
//!
//! Nothing here passes or fails by time. README figures are rendered from a stored report.

pub mod demo;
pub mod ingest;
pub mod machine;
pub mod table;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::postgres::{Cluster, database};
use crate::process::Home;

/// One run of the benchmark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Where it ran, and what.
    pub machine: machine::Machine,
    /// True for a small run that only shows that the benchmark works.
    pub quick: bool,
    /// The whole demonstration on SQLite.
    pub demo: demo::Demo,
    /// Reading the province's rates on the demonstration's data.
    pub rates: demo::Rates,
    /// Durable ingest, one entry for each database.
    pub ingest: Vec<ingest::Ingest>,
    /// A sync with nothing new on either side.
    pub idle_sync: ingest::IdleSync,
    /// Size of the program, bytes.
    pub binary_bytes: u64,
    /// The same without debug information, where `strip` is installed.
    pub binary_stripped_bytes: Option<u64>,
}

/// Measures everything. Data goes into `folder`, which should be on a disk.
pub async fn measure(folder: &Path, program: &Path, quick: bool) -> Report {
    let machine = machine::Machine::look(folder);
    let home = Home::inside(folder, None);
    let (demo, campaign) = demo::play(&home, program, quick);
    let rates = demo::read_rates(&home, &campaign).await;
    drop(home);
    let (lite, idle_sync) = ingest::run("SQLite", Home::inside(folder, None), quick).await;
    let mut ingest = vec![lite];
    if let Some(database) = database(Cluster::Durable).await {
        let home = Home::inside(folder, Some(database));
        ingest.push(ingest::run("PostgreSQL", home, quick).await.0);
    }
    let binary_stripped_bytes = machine::stripped_bytes(program, folder);
    let binary_bytes = std::fs::metadata(program).map_or(0, |file| file.len());
    Report { machine, quick, demo, rates, ingest, idle_sync, binary_bytes, binary_stripped_bytes }
}

/// Returns the time below which so many of a hundred lie, microseconds.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> u64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((times.len() * percent / 100).min(last)).map_or(0, micros)
}

pub(crate) fn micros(time: &Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn millis(time: &Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
