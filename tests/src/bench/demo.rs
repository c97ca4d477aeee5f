//! The demonstration from sign-in to printed table, and the rates read from what it left.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::population::Targets;
use shared::report::RateRow;

use super::family::{Cpu, Memory, Watch, cpu};
use super::{Size, micros, millis, percentile};
use crate::process::{Home, free_address};

/// Share of the province in a quick run, and the same in parts per million.
const QUICK_SCALE: (&str, u64) = ("0.02", 20_000);

/// The whole province.
const FULL_SCALE: (&str, u64) = ("1", 1_000_000);

/// Fewest disputes that the whole province's phones cause and officers settle.
const DISPUTES_MIN: u64 = 300;

/// How often the running demonstration is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Calls of the rates route.
const CALLS: usize = 50;

/// A demonstration that was timed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    /// Share of the province.
    pub scale: String,
    /// From the start of the process to its end, milliseconds.
    pub wall_ms: u64,
    /// Processor time: of server and phones together, and of the workers.
    pub cpu: Cpu,
    /// The most memory of server and phones together, and of the workers, ten times a second.
    pub most: Memory,
    /// What happened, as the demonstration counted it.
    pub tally: Value,
    /// The province's row of its table.
    pub province: RateRow,
}

/// How long the province's rates take.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rates {
    /// Rows of the answer: communes, districts, the province.
    pub rows: usize,
    /// The first call after a start, microseconds: every frozen list is read.
    pub first_us: u64,
    /// Median of fifty calls after it, microseconds.
    pub p50_us: u64,
    /// 95th percentile of the same.
    pub p95_us: u64,
}

/// Returns the share of the province that is played, in parts per million.
pub(super) fn scale_ppm(size: Size) -> u64 {
    if size == Size::Quick { QUICK_SCALE.1 } else { FULL_SCALE.1 }
}

/// Runs `rasoat demo --once --json`; returns the times and the campaign.
pub fn play(home: &Home, program: &Path, size: Size) -> (Demo, String) {
    let (scale, scale_ppm) = if size == Size::Quick { QUICK_SCALE } else { FULL_SCALE };
    let out = home.data().with_extension("json");
    std::fs::create_dir_all(home.data()).expect("a data folder");
    let since = Instant::now();
    let mut child = Command::new(program)
        .args(["demo", "--once", "--json", "--scale", scale, "--data"])
        .arg(home.data())
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(File::create(&out).expect("a file for its output"))
        .spawn()
        .expect("the program starts");
    let watch = Watch::over(child.id());
    let mut spent = Cpu::default();
    let status = loop {
        let now = cpu(child.id());
        if now.all_ms() > spent.all_ms() {
            spent = now;
        }
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    let wall_ms = millis(&since.elapsed());
    assert!(status.success(), "the demonstration failed");
    let text = std::fs::read_to_string(&out).expect("its output");
    let done: Value = serde_json::from_str(&text).expect("its output is JSON");
    let campaign = done["campaign"].as_str().expect("a campaign").to_owned();
    let rows: Vec<RateRow> =
        serde_json::from_value(done["rates"]["rows"].clone()).expect("rows of rates");
    check(&rows, scale_ppm);
    let tally = done["tally"].clone();
    let arose = tally["disputes"].as_u64().expect("a count");
    assert!(size == Size::Quick || arose >= DISPUTES_MIN, "{arose} disputes");
    let province = rows.into_iter().next().expect("a row of the province");
    let most = watch.most();
    let demo = Demo { scale: scale.to_owned(), wall_ms, cpu: spent, most, tally, province };
    (demo, campaign)
}

/// Requires that the rates are the published totals, of the province and of each district that has
/// some: a figure of a demonstration that came to others is worth nothing.
fn check(rows: &[RateRow], scale_ppm: u64) {
    let targets = Targets::quang_tri_2022();
    let due = targets.scaled(scale_ppm).expect("a scale");
    let (all, dtts) = (due.all(), due.dtts);
    let row = |unit: &str| rows.iter().find(|row| row.unit == unit).expect("a row of the unit");
    let province = row(&targets.province);
    assert!(province.complete, "every list is recognised");
    let counts = &province.counts;
    assert_eq!(counts.closing.households, all.closing.households);
    assert_eq!(counts.poor.households, all.closing.poor);
    assert_eq!(counts.near_poor.households, all.closing.near_poor);
    assert_eq!(counts.opening_poor.households, all.opening.poor);
    assert_eq!(counts.closing.dtts_households, dtts.closing.households);
    assert_eq!(counts.poor.dtts_households, dtts.closing.poor);
    for (unit, (_, closing)) in targets.scaled_published(scale_ppm).expect("a scale") {
        let counts = &row(&unit).counts;
        let found =
            [counts.closing.households, counts.poor.households, counts.near_poor.households];
        let published = [closing.households, closing.poor, closing.near_poor];
        for (found, published) in found.into_iter().zip(published) {
            assert_eq!(found, published.unwrap_or(found), "{unit}");
        }
    }
}

/// Starts a server on the demonstration's data and reads the province's rates again and again.
pub async fn read_rates(home: &Home, campaign: &str) -> Rates {
    let password = home.new_password();
    let server = home.start(free_address());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let path = format!("/v1/campaigns/{campaign}/rates");
    let since = Instant::now();
    let first = office.get(&path).await.expect("rates");
    let first_us = micros(&since.elapsed());
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let since = Instant::now();
        office.get(&path).await.expect("rates");
        times.push(since.elapsed());
    }
    let (p50_us, p95_us) = (percentile(&mut times, 50), percentile(&mut times, 95));
    Rates { rows: first["rows"].as_array().map_or(0, Vec::len), first_us, p50_us, p95_us }
}
