//! The demonstration from sign-in to printed table, and the rates read from what it left.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::demo::client::Client;
use server::demo::office::Office;

use super::family::{Cpu, cpu};
use super::machine::used;
use super::{Size, micros, millis, percentile};
use crate::process::{Home, free_address};

/// Share of the province in a quick run.
const QUICK_SCALE: &str = "0.02";

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
    /// Most memory of server and phones together, KiB.
    pub peak_rss_kib: u64,
    /// What happened, as the demonstration counted it.
    pub tally: Value,
    /// The province's row of its table.
    pub province: Value,
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

/// Runs `rasoat demo --once --json`; returns the times and the campaign.
pub fn play(home: &Home, program: &Path, size: Size) -> (Demo, String) {
    let scale = if size == Size::Quick { QUICK_SCALE } else { "1" };
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
    let (mut spent, mut peak_rss_kib) = (Cpu::default(), 0);
    let status = loop {
        let now = cpu(child.id());
        if now.all_ms() > spent.all_ms() {
            spent = now;
        }
        peak_rss_kib = used(child.id()).peak_rss_kib.max(peak_rss_kib);
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
    let demo = Demo {
        scale: scale.to_owned(),
        wall_ms,
        cpu: spent,
        peak_rss_kib,
        tally: done["tally"].clone(),
        province: done["rates"]["rows"][0].clone(),
    };
    (demo, campaign)
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
