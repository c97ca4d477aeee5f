//! Splitting a unit's figures over the units below it, without breaking one of them.

use std::collections::BTreeMap;

use super::PlanError;
use super::apportion::{bounded, largest_remainder};
use super::figures::{Count, Figures, GroupFigures};
use super::targets::Known;

/// One part of a split: how much it weighs and what is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// Weights of its ethnic-minority households.
    pub(super) dtts: Count,
    /// Weights of its other households.
    pub(super) other: Count,
    /// Fewest households it should have.
    pub(super) least: u64,
    /// What is known at the opening and at the review date.
    pub(super) known: (Known, Known),
}

/// Splits the figures of `unit`; the parts come in the order given and add up to the whole.
pub(super) fn split(unit: &str, whole: Figures, parts: &[Part]) -> Result<Vec<Figures>, PlanError> {
    let opening: Vec<Known> = parts.iter().map(|part| part.known.0).collect();
    let closing: Vec<Known> = parts.iter().map(|part| part.known.1).collect();
    let opening = at_date(unit, (whole.dtts.opening, whole.other.opening), parts, &opening)?;
    let closing = at_date(unit, (whole.dtts.closing, whole.other.closing), parts, &closing)?;
    let figures = opening.into_iter().zip(closing).map(|(opening, closing)| Figures {
        dtts: GroupFigures { opening: opening.0, closing: closing.0 },
        other: GroupFigures { opening: opening.1, closing: closing.1 },
    });
    Ok(figures.collect())
}

/// Splits both groups at one date: first households, then poor within them, then near-poor within
/// the rest.
fn at_date(
    unit: &str,
    whole: (Count, Count),
    parts: &[Part],
    known: &[Known],
) -> Result<Vec<(Count, Count)>, PlanError> {
    let quantity = |name, of: fn(&Count) -> u64| Quantity {
        name,
        totals: (of(&whole.0), of(&whole.1)),
        weights: parts.iter().map(|part| (of(&part.dtts), of(&part.other))).collect(),
    };
    let infeasible = |quantity: &Quantity| PlanError::Infeasible {
        unit: unit.to_owned(),
        quantity: quantity.name,
    };

    let households = quantity("households", |count| count.households);
    let endless = vec![(whole.0.households, whole.1.households); parts.len()];
    let given: Vec<Option<u64>> = known.iter().map(|known| known.households).collect();
    let least: Vec<u64> = parts.iter().map(|part| part.least).collect();
    let split = households.two_way(&endless, &given, &least);
    let households = split.ok_or_else(|| infeasible(&households))?;

    let none = vec![0; parts.len()];
    let poor = quantity("poor households", |count| count.poor);
    let given: Vec<Option<u64>> = known.iter().map(|known| known.poor).collect();
    let split = poor.two_way(&households, &given, &none);
    let poor = split.ok_or_else(|| infeasible(&poor))?;

    let rest: Vec<(u64, u64)> =
        households.iter().zip(&poor).map(|(all, poor)| (all.0 - poor.0, all.1 - poor.1)).collect();
    let near_poor = quantity("near-poor households", |count| count.near_poor);
    let given: Vec<Option<u64>> = known.iter().map(|known| known.near_poor).collect();
    let split = near_poor.two_way(&rest, &given, &none);
    let near_poor = split.ok_or_else(|| infeasible(&near_poor))?;

    let counts = households.into_iter().zip(poor).zip(near_poor);
    Ok(counts
        .map(|((households, poor), near_poor)| {
            let count = |households, poor, near_poor| Count { households, poor, near_poor };
            (count(households.0, poor.0, near_poor.0), count(households.1, poor.1, near_poor.1))
        })
        .collect())
}

/// One quantity to be split, in pairs of ethnic-minority and other households.
struct Quantity {
    name: &'static str,
    totals: (u64, u64),
    weights: Vec<(u64, u64)>,
}

impl Quantity {
    /// Splits both groups within `caps` so that the sum of both is `known` where it is.
    fn two_way(
        &self,
        caps: &[(u64, u64)],
        known: &[Option<u64>],
        least: &[u64],
    ) -> Option<Vec<(u64, u64)>> {
        let (fixed, free): (Vec<usize>, Vec<usize>) =
            (0..caps.len()).partition(|place| known[*place].is_some());
        let value = |place: &usize| known[*place].unwrap_or(0);
        let dtts_bounds: Vec<(u64, u64)> = fixed
            .iter()
            .map(|at| (value(at).saturating_sub(caps[*at].1), caps[*at].0.min(value(at))))
            .collect();
        let in_fixed = self.dtts_in_fixed((&fixed, &free), caps, &dtts_bounds, known)?;

        let weights = |places: &[usize], of: fn(&(u64, u64)) -> u64| -> Vec<u64> {
            places.iter().map(|place| of(&self.weights[*place])).collect()
        };
        let mut parts = BTreeMap::new();
        let mut other_left = self.totals.1;
        let dtts = bounded(in_fixed, &weights(&fixed, |weight| weight.0), &dtts_bounds)?;
        for (at, dtts) in fixed.iter().zip(dtts) {
            let other = value(at) - dtts;
            other_left = other_left.checked_sub(other)?;
            parts.insert(*at, (dtts, other));
        }

        let bounds: Vec<(u64, u64)> = free.iter().map(|at| (0, caps[*at].0)).collect();
        let dtts = bounded(self.totals.0 - in_fixed, &weights(&free, |weight| weight.0), &bounds)?;
        let other_weights = weights(&free, |weight| weight.1);
        let bounds = |with_least: bool| -> Vec<(u64, u64)> {
            let low = |at: usize, dtts: u64| {
                if with_least { least[at].saturating_sub(dtts).min(caps[at].1) } else { 0 }
            };
            free.iter().zip(&dtts).map(|(at, dtts)| (low(*at, *dtts), caps[*at].1)).collect()
        };
        let other = bounded(other_left, &other_weights, &bounds(true))
            .or_else(|| bounded(other_left, &other_weights, &bounds(false)))?;
        parts.extend(free.iter().copied().zip(dtts.into_iter().zip(other)));
        Some(parts.into_values().collect())
    }

    /// Decides how much of the ethnic-minority total the parts with known sums have together.
    fn dtts_in_fixed(
        &self,
        (fixed, free): (&[usize], &[usize]),
        caps: &[(u64, u64)],
        bounds: &[(u64, u64)],
        known: &[Option<u64>],
    ) -> Option<u64> {
        let sum = |places: &[usize], of: &dyn Fn(usize) -> u64| -> u64 {
            places.iter().fold(0, |sum, place| sum.saturating_add(of(*place)))
        };
        let published = sum(fixed, &|at| known[at].unwrap_or(0));
        let free_dtts = sum(free, &|at| caps[at].0);
        let free_other = sum(free, &|at| caps[at].1);
        let bounds_low: u64 = bounds.iter().map(|(low, _)| low).sum();
        let bounds_high: u64 = bounds.iter().map(|(_, high)| high).sum();
        let (dtts, other) = self.totals;
        let low =
            bounds_low.max(published.saturating_sub(other)).max(dtts.saturating_sub(free_dtts));
        let high =
            bounds_high.min(dtts).min(published.checked_sub(other.saturating_sub(free_other))?);
        let cells = [sum(fixed, &|at| self.weights[at].0), sum(free, &|at| self.weights[at].0)];
        let wanted = if free.is_empty() { dtts } else { largest_remainder(dtts, &cells)[0] };
        (low <= high).then(|| wanted.clamp(low, high))
    }
}
