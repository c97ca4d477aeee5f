//! Finds the pairs worth judging among many households, without comparing each with each.
//!
//! Households are put into blocks by fingerprints that two registrations of one family nearly always
//! have in common; only what meets in a block is compared. A block that too many are in tells nobody
//! apart and is passed over, so that the cost grows with the number of households.

use super::judge::{Grounds, Likely, judge};
use super::keys::{HouseholdKeys, MemberKeys};

/// Households in one block of a unit beyond which it is passed over: names and births of a commune
/// are in blocks of a dozen.
const BLOCK_IN_UNIT_MAX: usize = 96;

/// The same across units.
const BLOCK_ACROSS_MAX: usize = 24;

/// Members whose pairs make blocks: a family's first of them by fingerprint.
const PAIRED_MAX: usize = 12;

/// One household where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Number of its unit, the caller's.
    pub unit: u32,
    /// Its fingerprints.
    pub keys: &'a HouseholdKeys,
}

/// Two households that may be one, by their places in what was given, the smaller first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// One.
    pub one: usize,
    /// The other.
    pub other: usize,
    /// What they may be.
    pub likely: Likely,
    /// On what grounds.
    pub grounds: Grounds,
}

/// Finds every pair of households that may be one household, or have a person in common.
pub fn find(households: &[Placed<'_>]) -> Vec<Found> {
    let mut pairs = Vec::new();
    for kind in [in_unit, across] {
        let mut blocks: Vec<(u32, u64, usize)> = Vec::new();
        for (at, placed) in households.iter().enumerate() {
            kind(placed, &mut |unit, block| blocks.push((unit, block, at)));
        }
        blocks.sort_unstable();
        blocks.dedup();
        for block in blocks.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let most = if block[0].0 == ACROSS { BLOCK_ACROSS_MAX } else { BLOCK_IN_UNIT_MAX };
            if block.len() <= most {
                for (nth, one) in block.iter().enumerate() {
                    pairs.extend(block[nth + 1..].iter().map(|other| (one.2, other.2)));
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let judged = pairs.into_iter().filter_map(|(one, other)| {
        let (one_of, other_of) = (&households[one], &households[other]);
        let (likely, grounds) = judge(one_of.keys, other_of.keys)?;
        let is_enough = one_of.unit == other_of.unit || grounds.reach_across();
        is_enough.then_some(Found { one, other, likely, grounds })
    });
    judged.collect()
}

/// The unit of blocks that reach across units.
const ACROSS: u32 = u32::MAX;

/// Within a unit one member's name and year, or near name and day, make a block.
fn in_unit(placed: &Placed<'_>, put: &mut dyn FnMut(u32, u64)) {
    let unit = placed.unit;
    for member in &placed.keys.members {
        let Some(born) = member.born else { continue };
        for name in &member.names {
            put(unit, mixed([1, name.given, born.year]));
            for day in [born.day, born.in_year].into_iter().flatten() {
                for near in &name.near {
                    put(unit, mixed([2, *near, day]));
                }
            }
        }
    }
}

/// Anywhere a number, a name with its day, or two members' names with their years do.
fn across(placed: &Placed<'_>, put: &mut dyn FnMut(u32, u64)) {
    for member in &placed.keys.members {
        if let Some(number) = member.number {
            put(ACROSS, mixed([3, number, 0]));
        }
        if let Some(day) = member.born.and_then(|born| born.day) {
            for name in &member.names {
                put(ACROSS, mixed([4, name.given, day]));
            }
        }
    }
    let mut known: Vec<u64> = placed.keys.members.iter().flat_map(named_and_born).collect();
    known.sort_unstable();
    known.dedup();
    known.truncate(PAIRED_MAX);
    for (nth, one) in known.iter().enumerate() {
        for other in &known[nth + 1..] {
            put(ACROSS, mixed([5, *one, *other]));
        }
    }
}

fn named_and_born(member: &MemberKeys) -> impl Iterator<Item = u64> + '_ {
    let year = member.born.map(|born| born.year);
    year.into_iter()
        .flat_map(|year| member.names.iter().map(move |name| (year, name.given)))
        .map(|(year, given)| mixed([6, given, year]))
}

/// Makes one number of several (the finaliser of SplitMix64 over each): they are keyed already.
fn mixed(parts: [u64; 3]) -> u64 {
    parts.into_iter().fold(0, |state: u64, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}
