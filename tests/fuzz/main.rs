//! What the guard lets through neither aborts, nor panics, nor hangs, nor takes more than 64 MB.
//!
//! A seeded mutator does to real changes what an attacker does: it damages bytes and mends the
//! checksum, or takes operations apart and puts them together otherwise. What the guard lets
//! through goes where every change goes: it is merged with its household, read, saved and loaded.
//! This happens in child processes with a bound on memory; a child that dies, hangs or takes too
//! much fails the test under the seed it was at. `RASOAT_FUZZ=1000000` tries more inputs than CI,
//! `RASOAT_SEED=n` begins elsewhere, `RASOAT_FUZZ_ONE=n` tries one seed in this process and tells.

// A test that cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod corpus;
mod courier;
mod dice;
mod differential;
mod mutate;
mod property;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::corpus::History;
use self::property::{Found, attempt};

/// Inputs tried in a run of CI.
const INPUTS: u64 = 60_000;

/// Inputs tried in one child: small enough that a death is found again quickly.
const INPUTS_OF_A_CHILD: u64 = 5_000;

/// Address space of a child, in KiB: the tests' own code and 64 MB many times over.
const CHILD_KIB: u64 = 1_500_000;

/// How long a child may stay at one seed before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most memory one input may take, in KiB.
const INPUT_KIB: u64 = 64 * 1024;

/// Set in a child: first seed, seed after the last, file for what was found.
const CHILD: &str = "RASOAT_FUZZ_CHILD";

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn what_the_guard_lets_through_is_safe() {
    let (first, inputs) = (number("RASOAT_SEED", 0), number("RASOAT_FUZZ", INPUTS));
    let folder = tempfile::tempdir().unwrap();
    let mut found = Found::default();
    let step = usize::try_from(INPUTS_OF_A_CHILD).unwrap();
    for (turn, from) in (first..first + inputs).step_by(step).enumerate() {
        let until = (from + INPUTS_OF_A_CHILD).min(first + inputs);
        let file = folder.path().join(turn.to_string());
        run_child(&file, from, until);
        found.add(&std::fs::read_to_string(&file).unwrap());
    }
    eprintln!("{found}");
    assert_eq!(found.bad, BTreeMap::new(), "by seed; RASOAT_FUZZ_ONE=seed shows one again");
    assert!(found.passed > inputs / 20, "too few pass to tell anything: {found}");
    assert!(found.broken > 0 && found.broken < found.passed, "{found}");
}

/// Runs one range in a child; a child that does not come to its end fails under its last seed.
fn run_child(file: &Path, from: u64, until: u64) {
    let exe = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {CHILD_KIB}; exec \"$0\" \"$@\"")])
        .arg(exe)
        .args(["--exact", "a_child_tries_its_seeds", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{from},{until},{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut at = (String::new(), Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::park_timeout(Duration::from_millis(20));
        let now = std::fs::read_to_string(file.with_extension("seed")).unwrap_or_default();
        if now != at.0 {
            at = (now, Instant::now());
        }
        if at.1.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("seed {} hangs", at.0);
        }
    };
    let seed = std::fs::read_to_string(file.with_extension("seed")).unwrap_or_default();
    assert!(status.success(), "seed {seed} ends the process: {status}");
}

/// Does nothing by itself: the test above runs it as a child.
#[test]
fn a_child_tries_its_seeds() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let mut told = told.splitn(3, ',');
    let mut part = || told.next().unwrap();
    let from: u64 = part().parse().unwrap();
    let until: u64 = part().parse().unwrap();
    let file = part().to_owned();
    let histories = corpus::histories();
    property::listen_for_panics();
    let mut found = Found::default();
    let seed_file = Path::new(&file).with_extension("seed");
    for seed in from..until {
        std::fs::write(&seed_file, seed.to_string()).unwrap();
        try_one(seed, &histories, &mut found);
    }
    std::fs::write(&file, found.to_lines()).unwrap();
}

fn try_one(seed: u64, histories: &[History], found: &mut Found) {
    let input = mutate::input(seed, histories);
    let before = property::memory_kib();
    let outcome = attempt(&input);
    let taken = property::peak_kib().saturating_sub(before);
    found.note(seed, outcome, taken > INPUT_KIB);
}

/// Tries one seed here, and tells what becomes of it.
#[test]
fn one_seed_is_tried_again() {
    let Ok(seed) = std::env::var("RASOAT_FUZZ_ONE") else { return };
    let seed = seed.parse().unwrap();
    let input = mutate::input(seed, &corpus::histories());
    eprintln!("{input:#?}");
    property::listen_for_panics();
    eprintln!("{:?}", attempt(&input));
}

/// Inputs that were found bad once stay: each is a history and the change that hurt.
#[test]
fn what_was_found_once_stays_mended() {
    property::listen_for_panics();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found");
    let mut tried = 0;
    for file in corpus::files(&folder) {
        let mut chunks = corpus::chunks(&std::fs::read(&file).unwrap());
        let last = chunks.pop().unwrap();
        let input = mutate::Input { before: chunks, bytes: last, after: Vec::new() };
        let outcome = attempt(&input);
        assert_eq!(outcome.bad(), None, "{}", file.display());
        tried += 1;
    }
    assert!(tried > 0, "nothing in {}", folder.display());
}
