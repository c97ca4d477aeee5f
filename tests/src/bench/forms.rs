//! The official forms of what a demonstration left: held to the published totals, and timed.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::population::Targets;
use shared::unit::{UnitTree, Units};

use super::family::{Watch, memory};
use super::{micros, millis, percentile};
use crate::forms::{check_province, load};
use crate::process::{Home, free_address};

/// Calls after the first.
const CALLS: usize = 10;

/// How long the official forms take as spreadsheets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Forms {
    /// All forms of the province, the first call after a start, microseconds: every list is read.
    pub first_us: u64,
    /// Median of ten calls after it, microseconds.
    pub p50_us: u64,
    /// Bytes of the province's file.
    pub bytes: usize,
    /// Formulas in it, each computed anew from the cells it names.
    pub formulas: usize,
    /// Units that have forms: the province, its districts and every commune.
    pub units: usize,
    /// All forms of every unit, one file a unit, milliseconds.
    pub every_unit_ms: u64,
    /// Memory of the server process before the first call, KiB.
    pub before_kib: u64,
    /// The most of it afterwards, KiB.
    pub most_kib: u64,
}

/// Starts a server on the demonstration's data and loads forms; those of the province must hold the
/// totals of the share of the targets that was played.
pub async fn read(home: &Home, campaign: &str, scale_ppm: u64) -> Forms {
    let targets = Targets::quang_tri_2022();
    let password = home.new_password();
    let server = home.start(free_address());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let before_kib = memory(server.id()).server.rss_kib;
    let watch = Watch::over(server.id());
    let path = format!("/v1/campaigns/{campaign}/forms.xlsx");
    let since = Instant::now();
    let file = load(&client, &office, &path).await;
    let first_us = micros(&since.elapsed());
    let formulas = check_province(&file, &targets, scale_ppm);
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let since = Instant::now();
        load(&client, &office, &path).await;
        times.push(since.elapsed());
    }
    let units = units(&Units::quang_tri_2022().at(targets.review_date), &targets.province);
    let since = Instant::now();
    for unit in &units {
        load(&client, &office, &format!("{path}?under={unit}")).await;
    }
    Forms {
        first_us,
        p50_us: percentile(&mut times, 50),
        bytes: file.len(),
        formulas,
        units: units.len(),
        every_unit_ms: millis(&since.elapsed()),
        before_kib,
        most_kib: watch.most().server.rss_kib,
    }
}

/// Lists a unit and everything below it.
fn units(tree: &UnitTree, top: &str) -> Vec<String> {
    let below = tree.children(top).into_iter().flat_map(|unit| units(tree, unit.code()));
    std::iter::once(top.to_owned()).chain(below).collect()
}
