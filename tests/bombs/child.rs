//! Sets one bomb off in a process of its own, and measures what it takes.

use std::process::{Command, Stdio};

use automerge::{Automerge, Change};
use mobile_schema::problem::Problem;
use shared::guard::{Guarded, guard};
use shared::merge::merge;
use shared::page::{Page, write};
use shared::resolve::resolve;
use shared::verify::QuarantineReason;

use crate::list::{BOMBS, End};

/// Most memory a bomb may take above what was there, in KiB.
pub(crate) const MEMORY_KIB: u64 = 64 * 1024;

/// Budget of CPU time, in milliseconds: printed beside what was measured.
pub(crate) const CPU_MS: u64 = 50;

/// Address space of a child, in KiB: what needs more dies, as it would on a small server.
const CHILD_KIB: u64 = 2_000_000;

/// Names the bomb in a child.
const CHILD: &str = "RASOAT_BOMB";

/// Requires that a bomb ends as it should, within its budget of memory.
pub(crate) fn assert_harmless(name: &str) {
    let child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {CHILD_KIB}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child::sets_a_bomb_off", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let why = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{name} ends the process: {}\n{said}{why}", child.status);
    let line = why.lines().find(|line| line.contains("MB"));
    eprintln!("{}", line.expect("the child says what it took").trim());
}

/// Does nothing by itself: each bomb's test runs it as a child.
#[test]
fn sets_a_bomb_off() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let bomb = BOMBS.iter().find(|bomb| bomb.name == name).unwrap();
    let chunks = (bomb.make)();
    let household = household();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let (before_kib, before_ms) = (memory_kib(None), cpu_ms(None));
    let end = set_off(&chunks, &household);
    let cpu_ms = cpu_ms(None) - before_ms;
    let kib = peak_kib(None).saturating_sub(before_kib);
    eprintln!("\n{name}: {bytes} bytes, {end:?}, {cpu_ms} of {CPU_MS} ms, {} of 64 MB", kib / 1024);
    assert_eq!(end, bomb.end, "{name}");
    assert!(kib <= MEMORY_KIB, "{name} takes {kib} KiB");
}

/// A household somebody filled in: it must read the same with the bomb as without.
fn household() -> Vec<Vec<u8>> {
    let mut doc = shared::merge::genesis();
    doc.set_actor(shared::merge::actor_id(shared::id::Actor([0xa0; 16])));
    let pages = (0..40_i64).map(|number| {
        let mut page = Page::default();
        page.answers.insert(format!("question_{number}"), number.into());
        write(&mut doc, &page, number).unwrap().unwrap().chunk
    });
    pages.collect()
}

/// Lets the bomb go the way of every change, and says how it ended.
fn set_off(chunks: &[Vec<u8>], household: &[Vec<u8>]) -> End {
    let guarded: Vec<Result<Guarded, _>> = chunks.iter().map(|chunk| guard(chunk)).collect();
    let refused: Vec<&Problem> = guarded
        .iter()
        .filter_map(|one| one.as_ref().err().map(|why| QuarantineReason::Guard(*why).problem()))
        .collect();
    let passed: Vec<&Guarded> = guarded.iter().flatten().collect();
    for one in &passed {
        let read = Change::from_bytes(one.chunk().to_vec()).expect("what passes can be read");
        assert_eq!(read.hash().0, one.hash().0, "and is the same change");
    }
    let mut all: Vec<&[u8]> = household.iter().map(Vec::as_slice).collect();
    all.extend(passed.iter().map(|one| one.chunk()));
    let merged = merge(&all);
    let alone = resolve(&merge(household).doc).household.answers;
    let read = resolve(&merged.doc).household.answers;
    let kept = alone.iter().all(|(key, value)| read.get(key) == Some(value));
    assert!(kept, "what somebody filled in reads as before");
    let loaded = Automerge::load(&merged.doc.save_nocompress()).expect("it loads again");
    assert_eq!(loaded.get_heads(), merged.doc.get_heads());
    let left_out = passed.iter().any(|one| merged.broken.contains(&one.hash()));
    match refused.first() {
        Some(problem) => {
            assert!(passed.is_empty() && refused.iter().all(|other| other == problem));
            End::Refused(problem.name)
        }
        None if left_out => End::LeftOut,
        None => End::Taken,
    }
}

/// Reads a field of a process' status, this process' where none is named.
fn status(process: Option<u32>, field: &str) -> u64 {
    let process = process.map_or("self".to_owned(), |id| id.to_string());
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Forgets the peak so far; returns the memory of a process now, in KiB.
pub(crate) fn memory_kib(process: Option<u32>) -> u64 {
    let name = process.map_or("self".to_owned(), |id| id.to_string());
    let _unless_the_system_has_none = std::fs::write(format!("/proc/{name}/clear_refs"), "5");
    status(process, "VmRSS:")
}

/// Returns the peak since then, in KiB.
pub(crate) fn peak_kib(process: Option<u32>) -> u64 {
    status(process, "VmHWM:")
}

/// Returns the CPU time a process has used, in milliseconds.
pub(crate) fn cpu_ms(process: Option<u32>) -> u64 {
    let name = process.map_or("self".to_owned(), |id| id.to_string());
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{name}/task")) else { return 0 };
    let used = tasks.flatten().map(|task| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0)
    });
    used.sum::<u64>() / 1_000_000
}
