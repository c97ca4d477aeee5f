//! Movement of one class from the opening list to the closing list, household by household.
//!
//! What comes in and goes out is counted from where a household stood and stands; opening and
//! closing are counted by themselves, so that the balance can fail.

use serde::{Deserialize, Serialize};

use super::Side;
use crate::classify::Class;
use crate::list::{Outcome, Row};

/// Households and the persons in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Households.
    pub households: u64,
    /// Members at the review.
    pub persons: u64,
}

impl Size {
    pub(super) fn count(&mut self, row: &Row) {
        self.households += 1;
        self.persons += u64::from(row.members);
    }

    fn add(&mut self, other: Self) {
        self.households += other.households;
        self.persons += other.persons;
    }
}

/// Columns of 7.2 and 7.3, in their order.
///
/// Source: forms 7.2 and 7.3, see `LEGAL.md`, "Report figures (forms 7.x)".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// 1, at the start.
    Opening,
    /// 2, became the other class.
    ToOther,
    /// 3, rose above the near-poor line.
    Above,
    /// 4, left otherwise: moved out, joined another household, died out.
    OtherOut,
    /// 5, came from the other class.
    FromOther,
    /// 6, fell back (tái nghèo, tái cận nghèo). Not known before there is a register.
    FellBack,
    /// 7, newly arisen, on neither list at the start.
    New,
    /// 8, came in otherwise: moved in, split. Not known before there is a register.
    OtherIn,
    /// 9, at the end.
    Closing,
}

/// Movement of one class in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Households on the opening list, whatever became of them.
    pub opening: u64,
    /// Became the other class.
    pub to_other: Size,
    /// Rose above both lines.
    pub above: Size,
    /// Left the list; how many persons they were at the start is not kept.
    pub other_out: u64,
    /// Came from the other class.
    pub from_other: Size,
    /// Were on neither list.
    pub new: Size,
}

impl Movement {
    /// Counts where one household came from and went to.
    pub(super) fn count(&mut self, side: Side, row: &Row) {
        let before = side_of(row.opening);
        let after = match row.outcome {
            Outcome::Surveyed => row.class,
            Outcome::Left | Outcome::Pending => None,
        };
        if before == Some(side) {
            self.opening += 1;
            match (row.outcome, after) {
                (Outcome::Surveyed, Some(Class::Above)) => self.above.count(row),
                (Outcome::Surveyed, class) if side_of(class) == Some(side.other()) => {
                    self.to_other.count(row);
                }
                (Outcome::Left, _) => self.other_out += 1,
                // It stayed, or nothing is decided: then the balance will say so.
                (Outcome::Surveyed | Outcome::Pending, _) => {}
            }
        }
        if side_of(after) == Some(side) {
            match before {
                None => self.new.count(row),
                Some(from) if from == side.other() => self.from_other.count(row),
                Some(_) => {}
            }
        }
    }

    /// Adds another place's movement.
    pub(super) fn add(&mut self, other: &Self) {
        self.opening += other.opening;
        self.to_other.add(other.to_other);
        self.above.add(other.above);
        self.other_out += other.other_out;
        self.from_other.add(other.from_other);
        self.new.add(other.new);
    }

    /// Returns households at the end by the formula of column 9: opening − out + in.
    ///
    /// Source: forms 7.2 and 7.3, 9 = 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8.
    pub fn balance(&self) -> i64 {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        signed(self.opening)
            - signed(self.to_other.households)
            - signed(self.above.households)
            - signed(self.other_out)
            + signed(self.from_other.households)
            + signed(self.new.households)
    }
}

pub(super) fn side_of(class: Option<Class>) -> Option<Side> {
    match class {
        Some(Class::Poor) => Some(Side::Poor),
        Some(Class::NearPoor) => Some(Side::NearPoor),
        Some(Class::Above | Class::Insufficient) | None => None,
    }
}
