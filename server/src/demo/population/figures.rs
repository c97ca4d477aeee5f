//! Counts of households by group and class, at one date.

use serde::{Deserialize, Serialize};

/// Households of one group at one date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Registered households.
    pub households: u64,
    /// Poor ones among them.
    pub poor: u64,
    /// Near-poor ones among them.
    pub near_poor: u64,
}

impl Count {
    /// Returns the sum of two.
    pub fn plus(self, other: Self) -> Self {
        Self {
            households: self.households + other.households,
            poor: self.poor + other.poor,
            near_poor: self.near_poor + other.near_poor,
        }
    }

    /// Returns what is left without a part; the part may not be larger.
    pub(super) fn minus(self, part: Self) -> Self {
        Self {
            households: self.households - part.households,
            poor: self.poor - part.poor,
            near_poor: self.near_poor - part.near_poor,
        }
    }

    /// Tells whether poor and near-poor fit into the households.
    pub(super) fn fits(self) -> bool {
        self.poor.checked_add(self.near_poor).is_some_and(|both| both <= self.households)
    }

    /// Tells whether this is part of `whole` in every class, those in neither class included.
    pub(super) fn is_part_of(self, whole: Self) -> bool {
        let within = self.households <= whole.households
            && self.poor <= whole.poor
            && self.near_poor <= whole.near_poor;
        within && whole.minus(self).fits()
    }
}

/// One group at both dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFigures {
    /// At the opening date.
    pub opening: Count,
    /// At the review date.
    pub closing: Count,
}

impl GroupFigures {
    /// Returns the sum of two.
    pub fn plus(self, other: Self) -> Self {
        Self {
            opening: self.opening.plus(other.opening),
            closing: self.closing.plus(other.closing),
        }
    }
}

/// A unit's households in both groups; together they are all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Ethnic-minority households (hộ DTTS).
    pub dtts: GroupFigures,
    /// All others.
    pub other: GroupFigures,
}

impl Figures {
    /// Returns both groups together.
    pub fn all(self) -> GroupFigures {
        self.dtts.plus(self.other)
    }

    /// Returns the sum of two units.
    pub fn plus(self, more: Self) -> Self {
        Self { dtts: self.dtts.plus(more.dtts), other: self.other.plus(more.other) }
    }
}
