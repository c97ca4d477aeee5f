//! A report as the Markdown table that README shows.

use std::fmt::Write as _;

use super::Report;

/// Writes a number of thousandths with one decimal: 1234 becomes `1.2`.
fn tenths(thousandths: u64) -> String {
    let rounded = (thousandths + 50) / 100;
    format!("{}.{}", rounded / 10, rounded % 10)
}

fn mib(kib: u64) -> String {
    format!("{} MiB", (kib + 512) / 1024)
}

/// Renders a report.
pub fn markdown(report: &Report) -> String {
    let machine = &report.machine;
    let mut out = String::new();
    let mut line = |what: &str, measured: String| {
        // Memory takes every byte.
        let _written = writeln!(out, "| {what} | {measured} |");
    };
    line("what", "measured".to_owned());
    line("---", "---".to_owned());
    let demo = &report.demo;
    let tally = |key: &str| demo.tally[key].to_string();
    line(
        &format!("demo at scale {}, start of the process to its table, SQLite", demo.scale),
        format!("{} s ({} s of processor time)", tenths(demo.wall_ms), tenths(demo.cpu_ms)),
    );
    line("memory of that, server and phones together, peak", mib(demo.peak_rss_kib));
    line(
        "it had",
        format!(
            "{} devices, {} documents, {} changes, {} disputes settled, {} lists recognised",
            tally("devices"),
            tally("documents"),
            tally("changes"),
            tally("disputes_settled"),
            tally("lists_recognised"),
        ),
    );
    for ingest in &report.ingest {
        line(
            &format!(
                "durable ingest, {}, {} phones, batches of {}",
                ingest.database, ingest.phones, ingest.batch
            ),
            format!(
                "{} changes/s ({} changes, receipt p50 {} ms, p95 {} ms, server {} s of processor time, {})",
                ingest.changes_per_s,
                ingest.changes,
                tenths(ingest.ack_p50_us),
                tenths(ingest.ack_p95_us),
                tenths(ingest.server_cpu_ms),
                mib(ingest.peak_rss_kib),
            ),
        );
    }
    let idle = &report.idle_sync;
    line(
        "sync with nothing new",
        format!(
            "{} round trip, {} bytes up and {} down ({} and {} with HTTP headers), {} ms",
            idle.trips,
            idle.body_up,
            idle.body_down,
            idle.wire_up,
            idle.wire_down,
            tenths(idle.took_us)
        ),
    );
    let rates = &report.rates;
    line(
        &format!("rates of the province, {} rows, warm", rates.rows),
        format!(
            "p50 {} ms, p95 {} ms (first call after a start {} ms)",
            tenths(rates.p50_us),
            tenths(rates.p95_us),
            tenths(rates.first_us)
        ),
    );
    let stripped = report.binary_stripped_bytes.map(|bytes| mib(bytes / 1024));
    line(
        "program",
        format!(
            "{}, {} without debug information",
            mib(report.binary_bytes / 1024),
            stripped.as_deref().unwrap_or("unknown")
        ),
    );
    line(
        "machine",
        format!(
            "{}, {} cores, {} memory, Linux {}; 4 KiB fsync p50 {} ms, p99 {} ms",
            machine.cpu,
            machine.cores,
            mib(machine.memory_kib),
            machine.kernel,
            tenths(machine.fsync_p50_us),
            tenths(machine.fsync_p99_us)
        ),
    );
    line("of", format!("commit {}, {}", machine.commit, machine.rustc));
    if report.quick {
        line("note", "a quick run at small scale: no figures to quote".to_owned());
    }
    out
}
