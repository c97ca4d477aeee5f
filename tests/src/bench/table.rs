//! A report as the Markdown table that README shows.

use std::fmt::Write as _;

use shared::report::RateRow;

use super::demo::{Demo, Rates};
use super::forms::Forms;
use super::ingest::Ingest;
use super::machine::Machine;
use super::tables;
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
        let (own, workers) = (demo.most.server.rss_kib, demo.most.workers.rss_kib);
        self.line(
            "memory of the demo: the peak of server and phones together and that of the workers, summed",
            "< 1.5 GB",
            &format!("{} ({} and {})", mib(own + workers), mib(own), mib(workers)),
        );
        self.line("its province", "the published totals", &province(&demo.province));
        self.line(
            "it had",
            "",
            &format!(
                "{} devices, {} documents, {} changes, {} disputes ({} settled by the rule, {} by officers), {} lists recognised",
                tally("devices"),
                tally("documents"),
                tally("changes"),
                tally("disputes"),
                tally("disputes_by_rule"),
                tally("disputes_settled"),
                tally("lists_recognised"),
            ),
        );
    }

    fn rates(&mut self, rates: &Rates) {
        self.line(
            &format!("rates of the province, {} rows, warm", rates.rows),
            "< 50 ms",
            &format!(
                "p50 {} ms, p95 {} ms (first call after a start {} ms)",
                tenths(rates.p50_us),
                tenths(rates.p95_us),
                tenths(rates.first_us)
            ),
        );
    }

    fn forms(&mut self, forms: &Forms) {
        self.line(
            "all official forms of the province (7.1 to 7.5) as one XLSX",
            "< 10 s",
            &format!(
                "first {} ms, then {} ms ({} KB, {} formulas computed anew, totals as published); of each \
                 of {} units {} s; server {} before, at most {}",
                tenths(forms.first_us),
                tenths(forms.p50_us),
                forms.bytes / 1000,
                forms.formulas,
                forms.units,
                tenths(forms.every_unit_ms),
                mib(forms.before_kib),
                mib(forms.most_kib),
            ),
        );
    }

    fn spreadsheet(&mut self, one: &tables::Table) {
        let rows = if one.rows == 0 { String::new() } else { format!("{} rows, ", one.rows) };
        self.line(
            &one.what,
            "memory flat",
            &format!(
                "{rows}{} KB in {} s; server {} before, at most {}",
                one.bytes / 1000,
                tenths(one.wall_ms),
                mib(one.before_kib),
                mib(one.most_kib),
            ),
        );
    }

    fn ingest(&mut self, ingest: &Ingest) {
        let has_goal = ingest.database == "SQLite" && ingest.batch > 1;
        self.line(
            &format!(
                "durable ingest, {}, {} phones at one time, batches of {}",
                ingest.database, ingest.phones, ingest.batch
            ),
            if has_goal { "≥ 1000 changes/s" } else { "" },
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

/// Writes a rate in hundredths of a per cent, or a change in hundredths of a point.
fn percent(hundredths: Option<i64>) -> String {
    hundredths.map_or("no rate".to_owned(), shared::aggregate::hundredths_vi)
}

/// Writes the province's row as the printed reports do.
fn province(row: &RateRow) -> String {
    let (counts, figures) = (&row.counts, &row.figures);
    let of = shared::aggregate::thousands_vi;
    let (poor, near_poor) = (counts.poor.households, counts.near_poor.households);
    format!(
        "households {}, poor {} ({} %), near-poor {} ({} %), multidimensional {} ({} %), change {} \
         points and {} poor households, DTTS poor {} ({} % of DTTS households; {} % of the poor)",
        of(counts.closing.households),
        of(poor),
        percent(figures.poor),
        of(near_poor),
        percent(figures.near_poor),
        of(poor + near_poor),
        percent(figures.multidimensional),
        percent(figures.poor_change_points),
        figures.poor_change,
        of(counts.poor.dtts_households),
        percent(figures.dtts_poor),
        percent(figures.dtts_share_of_poor),
    )
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
    if let Some(forms) = &report.forms {
        table.forms(forms);
    }
    for one in &report.tables {
        table.spreadsheet(one);
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
