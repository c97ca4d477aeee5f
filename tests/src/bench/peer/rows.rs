//! The comparison as rows beside its goals. A goal that is missed is called so.

use super::many::Many;
use super::play::{Phase, What};
use super::{Peer, Run};
use crate::bench::speed::{Speed, kb, speed};
use crate::bench::table::mib;

/// Documents at which the goals of ingest hold.
const GOAL_DOCUMENTS: usize = 5_000;

/// Times the peer's documents per second of processor time; ours at the least, and below what ours
/// are a defect.
const TIMES: u64 = 20;
const AIM: u64 = 1_000;
const DEFECT: u64 = 600;

/// Memory of the server process with all connections, KiB.
const MEMORY_KIB: u64 = 200_000_000 / 1024;

/// Writes all rows.
pub fn speeds(peer: &Peer) -> Vec<Speed> {
    let mut rows = Vec::new();
    for ours in &peer.ours {
        let same = |peers: &&Run| peers.documents == ours.documents;
        let peers: Vec<&Run> = peer.peers.iter().filter(same).collect();
        let phases = ours.phases.iter();
        rows.extend(phases.map(|phase| compare(ours, phase, &peers, peer.no_peers.as_deref())));
    }
    rows.extend(level(&peer.ours));
    rows.extend(peer.many.iter().map(many));
    rows
}

/// Writes what was measured, and that it is less than it should be.
fn told(measured: String, is_met: bool) -> String {
    if is_met { measured } else { format!("**missed**: {measured}") }
}

fn what(what: What) -> &'static str {
    match what {
        What::Ingest => "ingest of new documents",
        What::Resync => "resync, nothing changed",
        What::Edit => "edit of one answer in each",
        What::Fetch => "fetch by a second, empty client",
    }
}

/// Ten times one number divided by another.
fn tenfold(of: u64, by: u64) -> u64 {
    of * 10 / by.max(1)
}

fn compare(run: &Run, ours: &Phase, peers: &[&Run], no_peers: Option<&str>) -> Speed {
    let title = format!(
        "standard door, {} documents of {} bytes ({} saved) over {} connections: {}; documents per second of \
         processor time of server and workers, until all is durable and merged",
        run.documents,
        run.document_bytes,
        run.saved_bytes,
        run.lines,
        what(ours.what)
    );
    let mut parts = vec![one("ours", run, ours)];
    let (mut is_met, mut times) = (ours.done == ours.documents, Vec::new());
    for peer in peers {
        let Some(phase) = peer.phases.iter().find(|phase| phase.what == ours.what) else {
            continue;
        };
        let tenfold = tenfold(ours.per_cpu_s, phase.per_cpu_s);
        times.push(tenfold);
        let (whole, tenth) = (tenfold / 10, tenfold % 10);
        parts.push(format!("{}: **{whole}.{tenth} times**", one(&peer.server, peer, phase)));
    }
    if peers.is_empty() {
        parts.push(format!("no peer: {}", no_peers.unwrap_or("not played at this size")));
    }
    let at_least = |tenfold: u64| times.iter().all(|times| *times >= tenfold);
    let goal = match ours.what {
        What::Ingest if run.documents >= GOAL_DOCUMENTS => {
            is_met &= at_least(TIMES * 10) && ours.per_cpu_s >= AIM;
            format!("≥ {TIMES} times the peer, {AIM} ({DEFECT} at the least)")
        }
        What::Resync => {
            is_met &= at_least(10);
            "≥ the peer".to_owned()
        }
        What::Ingest | What::Edit | What::Fetch => String::new(),
    };
    let mut measured = parts.join("; ");
    if ours.what == What::Ingest && ours.per_cpu_s < DEFECT {
        measured.push_str(&format!("; below {DEFECT}, a defect"));
    }
    speed(title, &goal, told(measured, is_met))
}

/// Writes seconds as finely as the clock of processes counts.
fn hundredths(ms: u64) -> String {
    format!("{}.{:02}", ms / 1000, ms % 1000 / 10)
}

/// Writes what one server did.
fn one(name: &str, run: &Run, phase: &Phase) -> String {
    let Phase { done, documents, per_cpu_s, wall_ms, cpu, traffic, most_kib, .. } = phase;
    let (server, workers) = (hundredths(cpu.server_ms), hundredths(cpu.workers_ms));
    let processor = match cpu.workers_ms {
        0 => format!("{server} s of processor"),
        _ => format!("{server} + {workers} s of processor"),
    };
    let mut short = if done == documents { String::new() } else { format!("only {done} done, ") };
    if phase.cuts > 0 {
        short.push_str(&format!("{} times cut off by it, ", phase.cuts));
    }
    let issued = match run.issued_cpu_ms {
        Some(ms) if phase.what == What::Ingest => {
            format!(", beside {} s to issue the ids", hundredths(ms))
        }
        _ => String::new(),
    };
    format!(
        "{name} {per_cpu_s} ({short}{processor}{issued}, {} s of wall, {} up, {} down, {} + {})",
        hundredths(*wall_ms),
        kb(traffic.up),
        kb(traffic.down),
        mib(most_kib.0),
        mib(most_kib.1),
    )
}

/// Ours at every size.
fn level(ours: &[Run]) -> Option<Speed> {
    let ingest = |run: &Run| Some((run.documents, run.phases.first()?.per_cpu_s));
    let all: Vec<(usize, u64)> = ours.iter().filter_map(ingest).collect();
    let (first, last) = (all.first()?.1, all.last()?.1);
    let at = |(documents, per_cpu_s): &(usize, u64)| format!("{per_cpu_s} at {documents}");
    let measured = all.iter().map(at).collect::<Vec<_>>().join(", ");
    Some(speed(
        "standard door, ours: new documents per second of processor time, by how many there are",
        "does not fall (by more than a tenth)",
        told(measured, last * 10 >= first * 9),
    ))
}

fn many(many: &Many) -> Speed {
    let title = format!(
        "memory of the server process with {} connections of the standard door, each of a device and \
         with a ticket of its own, {} documents open on them, {} on the server; {} changes come \
         meanwhile and are pushed in {} messages",
        many.connections, many.open, many.documents, many.moved, many.pushed
    );
    let all = many.most.server.rss_kib;
    let measured = format!(
        "peak {}; before the first {}, with all open {}, in the end {}; {} the most ever, ingest among \
         it; {} workers at most {}",
        mib(all),
        mib(many.before.server.rss_kib),
        mib(many.with_all.server.rss_kib),
        mib(many.end.server.rss_kib),
        mib(many.peak_rss_kib),
        many.most.workers_count,
        mib(many.most.workers.rss_kib),
    );
    speed(title, "< 200 MB", told(measured, many.peak_rss_kib.max(all) < MEMORY_KIB))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::line::Traffic;
    use super::*;
    use crate::bench::family::Cpu;

    fn run(server: &str, documents: usize, per_cpu_s: [u64; 2]) -> Run {
        let phase = |(what, per_cpu_s)| Phase {
            what,
            documents,
            done: documents,
            unavailable: 0,
            cuts: 0,
            wall_ms: 1,
            cpu: Cpu::default(),
            per_cpu_s,
            most_kib: (0, 0),
            traffic: Traffic::default(),
            client_cpu_ms: 0,
        };
        let phases = [What::Ingest, What::Resync].into_iter().zip(per_cpu_s).map(phase).collect();
        Run { documents, phases, ..Run::of(server.to_owned(), &[]) }
    }

    fn missed(ours: &[(usize, [u64; 2])], peer: [u64; 2]) -> Vec<bool> {
        let of = |(documents, per_cpu_s): &(usize, [u64; 2])| run("ours", *documents, *per_cpu_s);
        let ours: Vec<Run> = ours.iter().map(of).collect();
        let peers = ours.iter().map(|ours| run("peer", ours.documents, peer)).collect();
        let rows = speeds(&Peer { ours, peers, ..Peer::default() });
        rows.iter().map(|row| row.measured.starts_with("**missed**")).collect()
    }

    #[test]
    fn a_goal_that_is_missed_is_called_so() {
        assert_eq!(missed(&[(5_000, [1_000, 900])], [50, 900]), [false, false, false]);
        // Less than twenty times, and slower than the peer.
        assert_eq!(missed(&[(5_000, [1_000, 899])], [51, 900]), [true, true, false]);
        // Less than the aim, however slow the peer is.
        assert_eq!(missed(&[(5_000, [999, 900])], [1, 1]), [true, false, false]);
        // Falling with the number of documents.
        let falls = [(300, [2_000, 900]), (5_000, [1_799, 900])];
        assert_eq!(missed(&falls, [1, 1]), [false, false, false, false, true]);
    }

    #[test]
    fn what_was_not_done_is_told() {
        let mut ours = run("ours", 300, [1_000, 900]);
        ours.phases[0].done = 299;
        let rows = speeds(&Peer { ours: vec![ours], ..Peer::default() });
        assert!(rows[0].measured.starts_with("**missed**: ours 1000 (only 299 done"), "{rows:?}");
        assert!(rows[0].measured.ends_with("no peer: not played at this size"));
    }
}
