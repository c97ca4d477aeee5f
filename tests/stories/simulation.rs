//! P13, P16, P3, P4, P7, P8: seeded campaigns on a bad network end with everybody agreeing.
//!
//! A failure prints its seed. `RASOAT_SEED=n cargo test -p tests --test stories simulation` plays
//! that one again, step for step; `RASOAT_SEEDS=10000` plays so many.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::simulation::{Counted, Outcome, Settings, play};

mod real;

/// P13: seeds in one run.
const SEEDS: u64 = 200;

/// P16: seeds that are played twice, with the clocks right and wrong.
const SEEDS_CLOCKS: u64 = 100;

/// Seeds that are played on the real server.
const SEEDS_REAL: u64 = 20;

/// Seeds that failed once: number, then what was wrong.
const FAILED_ONCE: &str = include_str!("simulation/failed_once.txt");

/// Chooses the seeds of a run: one, many, or the usual ones.
fn seeds(usual: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    match (number("RASOAT_SEED"), number("RASOAT_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, many) => (0..many.unwrap_or(usual)).collect(),
    }
}

/// Plays seeds on every core; fails with all that failed, and how to play them again.
fn on_every_seed(seeds: &[u64], play: impl Fn(u64) -> Outcome + Sync) -> Counted {
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let total = Mutex::new(Counted::default());
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let at = usize::try_from(at).expect("a count");
                    let Some(seed) = seeds.get(at) else { return };
                    match catch_unwind(AssertUnwindSafe(|| play(*seed))) {
                        Ok(outcome) => *total.lock().unwrap() += outcome.counted,
                        Err(_) => failed.lock().unwrap().push(*seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed; play one again with\n  \
         RASOAT_SEED={} cargo test -p tests --test stories simulation",
        failed[0]
    );
    total.into_inner().unwrap()
}

/// Whatever happened on the way, at rest all phones and the server hold the same.
#[test]
fn every_seed_comes_to_rest_with_everybody_agreeing() {
    let seeds = seeds(SEEDS);
    // One seed is played to see what happens.
    let settings = Settings { told: seeds.len() == 1, ..Settings::default() };
    let total = on_every_seed(&seeds, |seed| play(seed, settings));
    eprintln!("{} seeds: {total:?}", seeds.len());
    if seeds.len() >= 100 {
        // The runs are what the promises are about, not quiet ones.
        let Counted { written, spoilt, crashes, copies, forked, aside, .. } = total;
        let Counted { frozen, moved, revoked, disputes, .. } = total;
        let each =
            [written, spoilt, crashes, copies, forked, aside, frozen, moved, revoked, disputes];
        assert!(each.iter().all(|count| *count > seeds.len() / 5), "{total:?}");
    }
}

/// Seeds that once failed hold for good.
#[test]
fn seeds_that_failed_once_hold() {
    let lines = FAILED_ONCE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let seeds: Vec<u64> = lines
        .map(|line| line.split(':').next().unwrap().trim().parse().expect("a seed comes first"))
        .collect();
    on_every_seed(&seeds, |seed| play(seed, Settings::default()));
}

/// Half of the devices years off changes nothing that anybody sees.
#[test]
fn nobodys_clock_changes_anything() {
    on_every_seed(&seeds(SEEDS_CLOCKS), |seed| {
        let settings = Settings { copies: false, skew: false, ..Settings::default() };
        let right = play(seed, settings);
        let wrong = play(seed, Settings { skew: true, ..settings });
        assert_eq!(right, wrong, "seed {seed}");
        right
    });
}

/// One seed is one run, to the byte.
#[test]
fn a_seed_is_one_run() {
    on_every_seed(&[3, 4, 5, 6], |seed| {
        let once = play(seed, Settings::default());
        assert_eq!(once, play(seed, Settings::default()), "seed {seed}");
        once
    });
}
