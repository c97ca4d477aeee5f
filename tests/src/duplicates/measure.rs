//! Recall and precision of the matcher, beside those of equal numbers alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mobile_schema::household::Value;
use shared::duplicate::{Found, HouseholdKeys, Likely, Placed, find, keys_of};
use shared::id::sha256;

use super::Population;

/// How many pairs there are, how many were named, and how many of those are right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Pairs to be found.
    pub there: usize,
    /// Of them found.
    pub hit: usize,
    /// Pairs named that are none.
    pub wrong: usize,
}

impl Score {
    /// Returns recall in hundredths of a per cent.
    pub fn recall(self) -> usize {
        self.hit * 10_000 / self.there.max(1)
    }

    /// Returns precision in hundredths of a per cent.
    pub fn precision(self) -> usize {
        self.hit * 10_000 / (self.hit + self.wrong).max(1)
    }
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.there += other.there;
        self.hit += other.hit;
        self.wrong += other.wrong;
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |hundredths: usize| format!("{},{:02} %", hundredths / 100, hundredths % 100);
        let (recall, precision) = (percent(self.recall()), percent(self.precision()));
        write!(f, "{:>6} pairs, recall {recall}, precision {precision}", self.there)
    }
}

/// What was measured on a population.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Pairs in one commune with two people or more in both, by the matcher.
    pub two_members: Score,
    /// The same by equal numbers alone.
    pub two_members_by_number: Score,
    /// Pairs in one commune with one person in both, by the matcher.
    pub one_member: Score,
    /// Pairs across communes with two people or more in both, by the matcher.
    pub across: Score,
}

impl std::ops::AddAssign for Measured {
    fn add_assign(&mut self, other: Self) {
        self.two_members += other.two_members;
        self.two_members_by_number += other.two_members_by_number;
        self.one_member += other.one_member;
        self.across += other.across;
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "one commune, two or more people in both   {}", self.two_members)?;
        writeln!(f, "the same by equal numbers alone           {}", self.two_members_by_number)?;
        writeln!(f, "one commune, one person in both           {}", self.one_member)?;
        write!(f, "across communes, two or more in both      {}", self.across)
    }
}

/// Makes the fingerprints of everybody, with a key that is none.
pub fn fingerprints(population: &Population) -> Vec<HouseholdKeys> {
    population.households.iter().map(|of| keys_of(&of.household, key)).collect()
}

fn key(bytes: &[u8]) -> u64 {
    let hash = sha256(bytes);
    u64::from_be_bytes(std::array::from_fn(|at| hash[at]))
}

/// Finds pairs in a population.
pub fn found(population: &Population, keys: &[HouseholdKeys]) -> Vec<Found> {
    let placed = population.households.iter().zip(keys);
    let placed: Vec<Placed<'_>> = placed.map(|(of, keys)| Placed { unit: of.unit, keys }).collect();
    find(&placed)
}

/// Measures the matcher on a population.
pub fn measure(population: &Population) -> Measured {
    let found = found(population, &fingerprints(population));
    let likely = found.iter().filter(|found| found.likely == Likely::Household);
    let named: BTreeSet<(usize, usize)> =
        likely.clone().map(|found| (found.one, found.other)).collect();
    let two: BTreeSet<(usize, usize)> = likely
        .filter(|found| found.grounds.members + found.grounds.weak >= 2)
        .map(|found| (found.one, found.other))
        .collect();
    let one: BTreeSet<(usize, usize)> = named.difference(&two).copied().collect();
    let by_number = by_number(population);
    let same_unit = |pair: &(usize, usize)| {
        let unit = |at: usize| population.households[at].unit;
        unit(pair.0) == unit(pair.1)
    };
    let in_both = |pair: &(usize, usize)| population.in_both(pair.0, pair.1);
    let score = |there: &dyn Fn(&(usize, usize)) -> bool,
                 named: &BTreeSet<(usize, usize)>,
                 wrong: &BTreeSet<(usize, usize)>,
                 here: bool| {
        let twice: Vec<_> = population.twice().into_iter().filter(|pair| there(pair)).collect();
        Score {
            there: twice.len(),
            hit: twice.iter().filter(|pair| named.contains(pair)).count(),
            wrong: wrong
                .iter()
                .filter(|pair| same_unit(pair) == here && !population.is_twice(pair.0, pair.1))
                .count(),
        }
    };
    let two_here = |pair: &(usize, usize)| same_unit(pair) && in_both(pair) >= 2;
    let one_here = |pair: &(usize, usize)| same_unit(pair) && in_both(pair) == 1;
    let two_away = |pair: &(usize, usize)| !same_unit(pair) && in_both(pair) >= 2;
    Measured {
        two_members: score(&two_here, &named, &two, true),
        two_members_by_number: score(&two_here, &by_number, &by_number, true),
        one_member: score(&one_here, &named, &one, true),
        across: score(&two_away, &named, &named, false),
    }
}

/// Finds the pairs with an equal number, as a plain comparison would.
fn by_number(population: &Population) -> BTreeSet<(usize, usize)> {
    let mut of_number: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, of) in population.households.iter().enumerate() {
        for member in of.household.members.values() {
            if let Some(number) = member.get("id_number").and_then(Value::as_text) {
                of_number.entry(number).or_default().insert(at);
            }
        }
    }
    let mut pairs = BTreeSet::new();
    for places in of_number.values() {
        for one in places {
            pairs.extend(places.range(one + 1..).map(|other| (*one, *other)));
        }
    }
    pairs
}
