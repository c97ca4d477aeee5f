//! A household stands on a saved document as it does on its whole log.
//!
//! What cannot be told from the document and what came after it is not guessed at: the whole log
//! is asked for.

use std::collections::BTreeSet;

use shared::id::ChangeHash;
use shared::merge::{merge, merge_onto};
use shared::resolve::resolve;
use shared::standing::{Base, Known, Logged, stand, stand_on, stand_whole};

use super::cases;
use super::convergence::{generate, place, with_repetitions};
use super::craft::Parts;
use super::device::{basis, opinions};
use super::rng::Rng;

/// Generated sets of changes.
const SETS: usize = 500;

/// Ways to cut each set in two.
const CUTS: usize = 4;

#[derive(Debug, Default)]
struct Seen {
    /// Cuts with something after the saved document that came to a standing.
    stood: usize,
    /// Cuts where the whole log was asked for.
    asked: usize,
}

#[test]
fn a_saved_document_and_what_came_later_give_the_same_standing() {
    let opinions = opinions();
    let mut seen = Seen::default();
    for seed in 0..u64::try_from(cases(SETS)).expect("a count") {
        let mut rng = Rng::new(seed);
        let mut log = generate(&mut rng, &opinions);
        if rng.chance(20) && !log.is_empty() {
            forge(&mut rng, &mut log);
        }
        for _ in 0..CUTS {
            rng.shuffle(&mut log);
            cut(seed, &mut rng, &log, &mut seen);
        }
    }
    // The law is about cuts that have both halves, and about those that cannot be told.
    assert!(seen.stood > cases(SETS) / 2 && seen.asked > cases(SETS) / 10, "{seen:?}");
}

/// Saves what can be merged of a part of the log, and stands the rest on it.
fn cut(seed: u64, rng: &mut Rng, log: &[Logged], seen: &mut Seen) {
    let part = &log[..rng.below(log.len() + 1)];
    let waiting: BTreeSet<ChangeHash> = merge(part).waiting.into_iter().collect();
    let (later, before): (Vec<Logged>, Vec<Logged>) = log
        .iter()
        .cloned()
        .partition(|change| waiting.contains(&change.hash) || !part.contains(change));
    let (_, Some(document)) = stand_whole(&place(), &before, &[], &basis()) else { return };
    let saved = document.save_nocompress();

    let again = with_repetitions(rng, &before);
    let (_, document) = stand_whole(&place(), &again, &[], &basis());
    assert_eq!(document.expect("the same set").save_nocompress(), saved, "seed {seed}");

    let changes: Vec<Known> =
        before.iter().map(|change| Known { hash: change.hash, by: change.by }).collect();
    let base = Base { saved: &saved, changes: &changes };
    let arrived = with_repetitions(rng, &later);
    match stand_on(&place(), &base, &arrived, &basis()) {
        None => seen.asked += 1,
        Some(standing) => {
            let whole = stand(&place(), log, &[], &basis());
            assert!(standing == whole, "seed {seed}:\n{standing:#?}\n{whole:#?}");
            let doc = merge_onto(&saved, &later).expect("it did so before");
            assert!(resolve(&doc) == resolve(&merge(log).doc), "seed {seed}");
            seen.stood += usize::from(!later.is_empty());
        }
    }
}

/// Adds what no honest client writes: a number out of turn, or one that does not build on the last.
fn forge(rng: &mut Rng, log: &mut Vec<Logged>) {
    let change = rng.pick(log).clone();
    let mut parts = Parts::of(&change.chunk);
    match rng.below(3) {
        0 => parts.seq += 1,
        1 => {
            parts.seq += 1;
            parts.dependencies = vec![change.hash.0];
            parts.others.clear();
        }
        _ => parts.actor = vec![0x77; 16],
    }
    let (hash, chunk) = parts.chunk();
    log.push(Logged { hash, chunk, by: change.by });
}
