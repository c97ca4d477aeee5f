//! Every speed that has a goal, in the order of the goals, with what was measured.

use serde::{Deserialize, Serialize};

use super::Report;
use super::bad_line::{BadLine, Upload};
use super::crowd::Crowd;
use super::duplicates::Duplicates;
use super::family::Resident;
use super::ingest::Ingest;
use super::memory::ServerMemory;
use super::pages::{Page, Pages};
use super::peer;
use super::register::Register;
use super::sizes::{Sizes, Sync};
use super::table::{mib, tenths};
use super::triage::Triage;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// What was measured, and how.
    pub what: String,
    /// What it should be.
    pub goal: String,
    /// What it was.
    pub measured: String,
}

pub(super) fn speed(what: impl Into<String>, goal: &str, measured: String) -> Speed {
    Speed { what: what.into(), goal: goal.to_owned(), measured }
}

/// Compares what a report has so far with the goals.
pub fn speeds(report: &Report) -> Vec<Speed> {
    let mut rows: Vec<Speed> = report.ingest.iter().map(ingest).collect();
    rows.extend(report.sizes.iter().flat_map(sizes));
    rows.extend(report.memory.iter().map(memory));
    rows.extend(report.pages.iter().flat_map(pages));
    rows.extend(report.register.iter().map(register));
    rows.extend(report.bad_line.iter().flat_map(bad_line));
    rows.extend(report.crowd.iter().map(crowd));
    rows.extend(report.peer.iter().flat_map(peer::rows::speeds));
    rows.extend(report.triage.iter().flat_map(triage));
    rows.extend(report.duplicates.iter().flat_map(duplicates));
    rows.extend(report.demo.iter().map(|demo| {
        let what = format!("demo at scale {}, start of the process to its table", demo.scale);
        let (wall, all) = (tenths(demo.wall_ms), tenths(demo.cpu.server_ms));
        let workers = tenths(demo.cpu.workers_ms);
        let cpu = format!("{all} s of server and phones, {workers} s of workers");
        speed(what, "120 s", format!("{wall} s (processor time: {cpu})"))
    }));
    rows
}

fn triage(triage: &Triage) -> Vec<Speed> {
    let Triage { households, changes, disputes, for_person, commune_ms, .. } = triage;
    let commune = format!(
        "one commune of {households} households from its {changes} changes to its rows, with \
         {disputes} disputes of which {for_person} for a person; the rules alone, one core"
    );
    let mut rows = vec![
        speed(commune, "< 1 s", format!("{} s", tenths(*commune_ms))),
        speed(
            "a household whose document is saved, one change later, to its row",
            "< 20 ms",
            format!(
                "p50 {} ms, worst {} ms",
                tenths(triage.one_change_p50_us),
                tenths(triage.one_change_worst_us)
            ),
        ),
    ];
    rows.extend(triage.worst.iter().map(|worst| {
        let what = format!(
            "triage at its worst: {} members, {} ({} disputes)",
            worst.members, worst.what, worst.disputes
        );
        speed(what, "", format!("{} ms", tenths(worst.took_us)))
    }));
    rows
}

fn duplicates(of: &Duplicates) -> impl Iterator<Item = Speed> {
    of.candidates.iter().map(|of| {
        let what = format!(
            "pairs that may be one household among {}, one thread (synthetic families)",
            of.households
        );
        let measured = format!(
            "{} s to find {} pairs, {} s for the fingerprints",
            tenths(of.find_ms),
            of.pairs,
            tenths(of.fingerprints_ms)
        );
        speed(what, "180000 in < 60 s", measured)
    })
}

fn pages(pages: &Pages) -> impl Iterator<Item = Speed> {
    let size = format!(
        "{} households registered, commune of {} under review",
        pages.households, pages.commune_households
    );
    pages.pages.iter().map(move |page| {
        let Page { what, goal_ms, bytes, first_us, calls, p50_us, worst_us } = page;
        let measured = format!(
            "p50 {} ms, worst of {calls} {} ms (first {} ms; {} KiB of HTML)",
            tenths(*p50_us),
            tenths(*worst_us),
            tenths(*first_us),
            bytes.div_ceil(1024)
        );
        speed(format!("page, warm: {what}; {size}"), &format!("< {goal_ms} ms"), measured)
    })
}

fn register(register: &Register) -> Speed {
    let Register { households, years, decisions, bytes, .. } = register;
    let what = format!(
        "register of a province as of any day, {households} households, {years} years of \
         {decisions} decisions ({} KiB), SQLite",
        bytes / 1024
    );
    let measured = format!(
        "p50 {} ms, p95 {} ms (first {} ms; a commune with its households p50 {} ms; a column of \
         7.2 opened p50 {} ms)",
        tenths(register.p50_us),
        tenths(register.p95_us),
        tenths(register.first_us),
        tenths(register.commune_p50_us),
        tenths(register.moves_p50_us)
    );
    speed(what, "< 200 ms", measured)
}

fn ingest(ingest: &Ingest) -> Speed {
    let (how, goal) = match ingest.batch {
        1 => ("one by one".to_owned(), "≥ 3000"),
        batch => (format!("in batches of {batch}"), "≥ 10000"),
    };
    let what = format!(
        "changes accepted, guarded, signed, durable, per second of processor time of server and \
         workers; {how}, {} phones at one time, {}",
        ingest.phones, ingest.database
    );
    let measured = format!(
        "{} until the last receipt ({} with the merging that follows)",
        ingest.changes_per_cpu_s, ingest.merged_per_cpu_s
    );
    speed(what, goal, measured)
}

/// Thousands of bytes, one decimal.
pub(super) fn kb(bytes: usize) -> String {
    format!("{} KB", tenths(u64::try_from(bytes).unwrap_or(u64::MAX)))
}

fn sizes(sizes: &Sizes) -> [Speed; 5] {
    let Sizes { opening, idle, pages, review_pages, edited, reviewed, reviewed_changes } = sizes;
    let of = |sync: &Sync| format!("{} households", sync.households);
    let down = |sync: &Sync| {
        let (wire, trips) = (sync.wire_up + sync.wire_down, sync.trips);
        let body = kb(sync.body_down);
        format!("{body} down ({wire} bytes both ways with HTTP heads, {trips} round trips)")
    };
    [
        speed(
            format!("{}, nothing changed: our own client, HTTP heads counted", of(idle)),
            "1 round trip, < 1024 bytes both ways",
            format!(
                "{} round trip, {} bytes ({} up, {} down), {} ms",
                idle.trips,
                idle.wire_up + idle.wire_down,
                idle.wire_up,
                idle.wire_down,
                tenths(idle.took_us)
            ),
        ),
        speed(
            format!("{}, 25 form pages edited, up: bodies as sent", of(pages)),
            "≤ 8 KB",
            format!(
                "{} bytes where three answers of each change ({} with HTTP heads, {} round trip); {} where \
                 they are the first pages of full reviews ({} and {})",
                pages.body_up,
                pages.wire_up,
                pages.trips,
                review_pages.body_up,
                review_pages.wire_up,
                review_pages.trips
            ),
        ),
        speed(format!("first download, {} as they open", of(opening)), "≤ 300 KB", down(opening)),
        speed(
            format!("first download, {} with 20 edits of two answers each", of(edited)),
            "≤ 550 KB",
            down(edited),
        ),
        speed(
            format!(
                "first download, {} reviewed in full, {reviewed_changes} pages of the real form",
                of(reviewed)
            ),
            "",
            down(reviewed),
        ),
    ]
}

fn memory(memory: &ServerMemory) -> Speed {
    let what = format!(
        "memory of the server process with {} documents and {} devices, while {} phones fetch {} \
         households, {} changes are handed in and merged and the rates are read {} times",
        memory.documents,
        memory.devices,
        memory.phones,
        memory.fetched,
        memory.changes,
        memory.reads
    );
    let both = |of: Resident| format!("{} ({} anonymous)", mib(of.rss_kib), mib(of.anonymous_kib));
    let measured = format!(
        "peak {}, of it {} anonymous; after the start {}, at the end {}; {} workers at most {}",
        mib(memory.peak_rss_kib),
        mib(memory.most.server.anonymous_kib),
        both(memory.started.server),
        both(memory.end.server),
        memory.most.workers_count,
        both(memory.most.workers),
    );
    speed(what, "< 200 MB", measured)
}

fn bad_line(line: &BadLine) -> [Speed; 4] {
    let on = format!(
        "{} kbit/s, {} ms there and back",
        line.bytes_per_second * 8 / 1000,
        line.round_trip_ms
    );
    let ended = |upload: &Upload| {
        let end = if upload.finished { "finished in" } else { "NOT finished after" };
        format!(
            "{end} {} s; {} changes in {} requests, {} of bodies, {} cuts",
            tenths(upload.took_ms),
            upload.changes,
            upload.trips,
            kb(upload.body_up),
            upload.cuts
        )
    };
    let (ten, every) = (&line.cut_ten_times, &line.cut_every_5_s);
    let resent = format!("{}.{} %", ten.resent_permille / 10, ten.resent_permille % 10);
    [
        speed(
            format!("{on}: 25 edits of three answers each, cut twice"),
            "< 12 s",
            ended(&line.pages),
        ),
        speed(
            format!("{on}: 25 edits that are the first pages of full reviews, cut twice"),
            "< 12 s",
            ended(&line.review_pages),
        ),
        speed(
            format!("{on}: 200 KB up, cut ten times: share that went up again, heads counted"),
            "≤ 15 %",
            format!("{resent}; {}", ended(ten)),
        ),
        speed(
            format!("{on}: the same, cut every 5 s by the clock"),
            "still finishes",
            format!("{} ({} times begun again by hand)", ended(every), every.given_up),
        ),
    ]
}

fn crowd(crowd: &Crowd) -> Speed {
    let harder = match 300_u64.checked_div(crowd.window_s) {
        Some(times @ 2..) => format!(", {times} times as close together as the goal's 5 minutes"),
        _ => String::new(),
    };
    let what = format!(
        "{} phones, {} households, come back within {} s{harder}, {} times over: acknowledgement of a \
         batch of {} changes, p95",
        crowd.phones,
        crowd.households,
        crowd.window_s,
        crowd.rounds.len(),
        crowd.batch
    );
    let sum = |of: fn(&super::crowd::Round) -> u64| crowd.rounds.iter().map(of).sum::<u64>();
    let times: Vec<String> = crowd.rounds.iter().map(|r| tenths(r.ack_p95_us)).collect();
    let sent_away: usize = crowd.rounds.iter().map(|round| round.sent_away).sum();
    let changes: usize = crowd.rounds.iter().map(|round| round.changes).sum();
    let late = crowd.rounds.iter().map(|round| round.late_p95_us).max().unwrap_or(0);
    let measured = format!(
        "{} ms (each time {} ms); {changes} changes accepted, {sent_away} told to come back later; \
         processor time of server {} s, workers {} s, phones on the same cores {} s in {} s; phones \
         began at most {} ms late (p95); server {}",
        tenths(crowd.ack_p95_us),
        times.join(", "),
        tenths(sum(|round| round.cpu.server_ms)),
        tenths(sum(|round| round.cpu.workers_ms)),
        tenths(sum(|round| round.phones_cpu_ms)),
        tenths(sum(|round| round.wall_ms)),
        tenths(late),
        mib(crowd.most.server.rss_kib),
    );
    speed(what, "< 1000 ms", measured)
}
