//! A report as the Markdown table that README shows.

use std::fmt::Write as _;

use super::demo::{Demo, Rates};
use super::ingest::Ingest;
use super::machine::Machine;
use super::{Report, Size};

/// Writes a number of thousandths with one decimal: 1234 becomes `1.2`.
pub(super) fn tenths(thousandths: u64) -> String {
    let rounded = (thousandths + 50) / 100;
    format!("{}.{}", rounded / 10, rounded % 10)
}

pub(super) fn mib(kib: u64) -> String {
    format!("{} MiB", (kib + 512) / 1024)
}

/// A table of what was measured, beside its goal where it has one.
struct Table(String);

impl Table {
    fn line(&mut self, what: &str, goal: &str, measured: &str) {
        // Memory takes every byte.
        let _written = writeln!(self.0, "| {what} | {goal} | {measured} |");
    }

    fn demo(&mut self, demo: &Demo) {
        let tally = |key: &str| demo.tally[key].to_string();
        self.line(
            "memory of the demo, server and phones together, peak",
            "",
            &mib(demo.peak_rss_kib),
        );
        self.line(
            "it had",
            "",
            &format!(
                "{} devices, {} documents, {} changes, {} disputes settled, {} lists recognised",
                tally("devices"),
                tally("documents"),
                tally("changes"),
                tally("disputes_settled"),
                tally("lists_recognised"),
            ),
        );
    }

    fn rates(&mut self, rates: &Rates) {
        self.line(
            &format!("rates of the province, {} rows, warm", rates.rows),
            "",
            &format!(
                "p50 {} ms, p95 {} ms (first call after a start {} ms)",
                tenths(rates.p50_us),
                tenths(rates.p95_us),
                tenths(rates.first_us)
            ),
        );
    }

    fn ingest(&mut self, ingest: &Ingest) {
        self.line(
            &format!(
                "durable ingest, {}, {} phones at one time, batches of {}",
                ingest.database, ingest.phones, ingest.batch
            ),
            "",
            &format!(
                "{} changes/s ({} changes, receipt p50 {} ms, p95 {} ms; processor time of server {} s, \
                 workers {} s, phones on the same cores {} s; {})",
                ingest.changes_per_s,
                ingest.changes,
                tenths(ingest.ack_p50_us),
                tenths(ingest.ack_p95_us),
                tenths(ingest.cpu.server_ms),
                tenths(ingest.cpu.workers_ms),
                tenths(ingest.phones_cpu_ms),
                mib(ingest.peak_rss_kib),
            ),
        );
    }

    fn machine(&mut self, machine: &Machine) {
        self.line(
            "machine",
            "",
            &format!(
                "{}, {} cores, {} memory, Linux {}; 4 KiB fsync p50 {} ms, p99 {} ms",
                machine.cpu,
                machine.cores,
                mib(machine.memory_kib),
                machine.kernel,
                tenths(machine.fsync_p50_us),
                tenths(machine.fsync_p99_us)
            ),
        );
        self.line("of", "", &format!("commit {}, {}", machine.commit, machine.rustc));
    }
}

/// Renders a report.
pub fn markdown(report: &Report) -> String {
    let mut table = Table(String::new());
    table.line("what", "goal", "measured");
    table.line("---", "---", "---");
    for speed in &report.speed {
        table.line(&speed.what, &speed.goal, &speed.measured);
    }
    if let Some(demo) = &report.demo {
        table.demo(demo);
    }
    if let Some(rates) = &report.rates {
        table.rates(rates);
    }
    for ingest in &report.ingest {
        table.ingest(ingest);
    }
    let stripped = report.binary_stripped_bytes.map(|bytes| mib(bytes / 1024));
    let size = mib(report.binary_bytes / 1024);
    let stripped = stripped.as_deref().unwrap_or("unknown");
    table.line("program", "", &format!("{size}, {stripped} without debug information"));
    table.machine(&report.machine);
    if report.size == Size::Quick {
        table.line("note", "", "a quick run at small scale: no figures to quote");
    }
    table.0
}
