//! Every combination of competing values, and what changes from one to the next.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::{Household, Value};

use super::{Figure, Hang, set};
use crate::figures::Figures;
use crate::limits::{TRIAGE_COMBINATIONS_MAX, TRIAGE_MEMBERS_MAX};
use crate::resolve::{Dispute, Path};

/// Most values of one figure that are kept with a dispute.
const HANG_VALUES_MAX: usize = 12;

/// What a household comes to under one combination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    pub(super) figures: Figures,
    /// What lists tell members apart by, where that is disputed.
    pub(super) people: Vec<Option<Value>>,
}

/// Disputes with the values each may take.
pub(super) struct Combinations<'a> {
    paths: Vec<&'a Path>,
    values: Vec<Vec<Option<&'a Value>>>,
    count: usize,
}

impl<'a> Combinations<'a> {
    /// Lays them out; `None` where there are more than may be worked out.
    pub(super) fn of(disputes: &[&'a Dispute], members: usize) -> Option<Self> {
        let most = TRIAGE_COMBINATIONS_MAX.min(TRIAGE_MEMBERS_MAX / members.max(1));
        let mut count = 1_usize;
        let mut values = Vec::new();
        for dispute in disputes {
            let sides = dispute.values.iter().map(|side| side.value.as_ref());
            let distinct: BTreeSet<Option<&Value>> = sides.collect();
            count = count.checked_mul(distinct.len())?;
            if count > most {
                return None;
            }
            values.push(distinct.into_iter().collect());
        }
        let paths = disputes.iter().map(|dispute| &dispute.path).collect();
        Some(Self { paths, values, count })
    }

    /// Puts each combination to a function, in a fixed order.
    pub(super) fn each<'b, T>(
        &'b self,
        agreed: &'b Household,
        look: impl Fn(&Household) -> T + 'b,
    ) -> impl Iterator<Item = T> + 'b {
        (0..self.count).map(move |number| {
            let mut household = agreed.clone();
            let mut rest = number;
            for (path, values) in self.paths.iter().zip(&self.values) {
                set(&mut household, path, values[rest % values.len()]);
                rest /= values.len();
            }
            look(&household)
        })
    }

    /// Says for each dispute which figures change with it, whatever the others are.
    pub(super) fn hangs(
        &self,
        agreed: &Household,
        outcome: &impl Fn(&Household) -> Outcome,
        watched: &[&Path],
    ) -> Vec<Vec<Hang>> {
        let mut known: BTreeMap<Outcome, usize> = BTreeMap::new();
        let numbers: Vec<usize> = self
            .each(agreed, outcome)
            .map(|outcome| {
                let next = known.len();
                *known.entry(outcome).or_insert(next)
            })
            .collect();
        let mut outcomes: Vec<(&Outcome, usize)> =
            known.iter().map(|(outcome, number)| (outcome, *number)).collect();
        outcomes.sort_by_key(|(_, number)| *number);
        let mut stride = 1;
        let mut hangs = Vec::new();
        for (path, values) in self.paths.iter().zip(&self.values) {
            let lines = lines(&numbers, stride, values.len());
            let of = lines.iter().map(|line| line.iter().map(|number| outcomes[*number].0));
            hangs.push(differences(path, watched, of.map(Iterator::collect).collect()));
            stride *= values.len();
        }
        hangs
    }
}

/// Groups the outcomes that differ by one dispute alone; those that do not differ are left out.
fn lines(numbers: &[usize], stride: usize, count: usize) -> BTreeSet<Vec<usize>> {
    let starts = (0..numbers.len()).filter(|at| (at / stride).is_multiple_of(count));
    let line = |start: usize| {
        let mut line: Vec<usize> = (0..count).map(|step| numbers[start + step * stride]).collect();
        line.sort_unstable();
        line.dedup();
        line
    };
    starts.map(line).filter(|line| line.len() > 1).collect()
}

fn differences(path: &Path, watched: &[&Path], lines: Vec<Vec<&Outcome>>) -> Vec<Hang> {
    let mut found: BTreeMap<Figure, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        let told: Vec<_> = line.iter().map(|outcome| figures(&outcome.figures)).collect();
        for (at, (figure, _)) in told[0].iter().enumerate() {
            let values: BTreeSet<&String> = told.iter().map(|told| &told[at].1).collect();
            if values.len() > 1 {
                found.entry(*figure).or_default().extend(values.into_iter().cloned());
            }
        }
        indicators(&line, &mut found);
        let is_told_apart = |at: usize| {
            let values: BTreeSet<_> = line.iter().map(|outcome| &outcome.people[at]).collect();
            values.len() > 1
        };
        if (0..watched.len()).any(is_told_apart) {
            found.entry(Figure::Identity).or_default().insert(path.to_string());
        }
    }
    let hang = |(figure, values): (Figure, BTreeSet<String>)| Hang {
        figure,
        values: values.into_iter().take(HANG_VALUES_MAX).collect(),
    };
    found.into_iter().map(hang).collect()
}

/// Names the indicators in which outcomes differ.
fn indicators(line: &[&Outcome], found: &mut BTreeMap<Figure, BTreeSet<String>>) {
    let of = |outcome: &Outcome| -> BTreeSet<String> {
        outcome.figures.deprived.iter().cloned().collect()
    };
    let first = of(line[0]);
    for outcome in line {
        let other = of(outcome);
        let between: Vec<String> = first.symmetric_difference(&other).cloned().collect();
        if !between.is_empty() {
            found.entry(Figure::Deprived).or_default().extend(between);
        }
    }
}

/// Writes each figure as a code or a number, the indicators aside.
fn figures(of: &Figures) -> [(Figure, String); 13] {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string()).unwrap_or_default();
    let method = of.b1_method.map(|method| method.code()).unwrap_or_default();
    let table = of.table.as_deref().unwrap_or_default();
    let causes: Vec<String> = of.causes.iter().map(ToString::to_string).collect();
    [
        (Figure::Class, of.class.map(|class| class.as_str()).unwrap_or_default().to_owned()),
        (Figure::Visit, of.visit.clone()),
        (Figure::B1, number(of.b1)),
        (Figure::B2, number(of.b2)),
        (Figure::Members, of.members.to_string()),
        (Figure::Dtts, of.dtts.to_string()),
        (Figure::Ethnicity, of.ethnicity.clone()),
        (Figure::Causes, causes.join(", ")),
        (Figure::Head, of.head.clone()),
        (Figure::B1Method, format!("{method} {table}").trim().to_owned()),
        (Figure::Merit, flag(of.merit)),
        (Figure::NoLabour, flag(of.no_labour)),
        (Figure::Missing, of.missing.join(", ")),
    ]
}
