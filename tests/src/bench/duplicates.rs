//! How long it takes to find the households of a province that may be one, and how that grows.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use server::match_key::MatchKey;
use shared::duplicate::{HouseholdKeys, keys_of};

use super::{Size, millis};
use crate::duplicates::measure::{Measured, found, measure};
use crate::duplicates::slips::Rates;
use crate::duplicates::{HELD_OUT_SEEDS, Population};

/// Families of a whole province; registrations are a few more.
const PROVINCE: usize = 168_000;

/// Candidates among so many households.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidates {
    /// Households compared.
    pub households: usize,
    /// Time for their fingerprints, HMAC-SHA-256, one thread, milliseconds.
    pub fingerprints_ms: u64,
    /// Time to find the pairs from fingerprints, one thread, milliseconds.
    pub find_ms: u64,
    /// Pairs found.
    pub pairs: usize,
}

/// What was measured of duplicates. All of it on synthetic families.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Duplicates {
    /// An eighth of a province, a quarter, half, all of it: whether the cost grows faster than the
    /// number of households.
    pub candidates: Vec<Candidates>,
    /// Recall and precision on seeds the matcher was not set on, as lines.
    pub quality: Vec<String>,
}

/// Measures on made-up populations.
pub fn measure_all(size: Size) -> Duplicates {
    let all = if size == Size::Quick { PROVINCE / 40 } else { PROVINCE };
    let candidates = [8, 4, 2, 1].map(|part| candidates(all / part));
    let families = if size == Size::Quick { 1_400 } else { 14_000 };
    let mut quality = Measured::default();
    for seed in HELD_OUT_SEEDS {
        quality += measure(&Population::new(seed, families, &Rates::default()));
    }
    let quality = quality.to_string().lines().map(ToOwned::to_owned).collect();
    Duplicates { candidates: candidates.into(), quality }
}

fn candidates(families: usize) -> Candidates {
    let population = Population::new(HELD_OUT_SEEDS[0], families, &Rates::default());
    let key = MatchKey::new(&[7; 32]);
    let since = Instant::now();
    let keys: Vec<HouseholdKeys> = population
        .households
        .iter()
        .map(|of| keys_of(&of.household, |bytes| key.fingerprint(bytes)))
        .collect();
    let fingerprints_ms = millis(&since.elapsed());
    let since = Instant::now();
    let pairs = found(&population, &keys).len();
    let find_ms = millis(&since.elapsed());
    Candidates { households: population.households.len(), fingerprints_ms, find_ms, pairs }
}
