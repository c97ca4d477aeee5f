//! A list held against the opening list: how many households moved from which class to which.
//!
//! Every household of the list is in exactly one cell, so the cells add up to the list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::list::{Outcome, Row};

/// What a household was on the opening list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Poor.
    Poor,
    /// Near-poor.
    NearPoor,
    /// Not on the opening list: an applicant.
    None,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Poor.
    Poor,
    /// Near-poor.
    NearPoor,
    /// Neither.
    None,
    /// Left the list: moved out, joined another household or died out.
    Left,
    /// No outcome or no class yet.
    Open,
}

impl Before {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Poor, Self::NearPoor, Self::None];

    /// Reads what a row has been.
    pub fn of(row: &Row) -> Self {
        match row.opening {
            Some(Class::Poor) => Self::Poor,
            Some(Class::NearPoor) => Self::NearPoor,
            Some(Class::Above | Class::Insufficient) | None => Self::None,
        }
    }
}

impl After {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Poor, Self::NearPoor, Self::None, Self::Left, Self::Open];

    /// Reads what a row has become.
    pub fn of(row: &Row) -> Self {
        match (row.outcome, row.class) {
            (Outcome::Left, _) => Self::Left,
            (Outcome::Pending, _) => Self::Open,
            (Outcome::Surveyed | Outcome::Kept, class) => match class {
                Some(Class::Poor) => Self::Poor,
                Some(Class::NearPoor) => Self::NearPoor,
                Some(Class::Above) => Self::None,
                Some(Class::Insufficient) | None => Self::Open,
            },
        }
    }

    /// Tells whether the list has the household as poor or near-poor.
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Poor | Self::NearPoor)
    }
}

/// Households that moved one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What they were.
    pub before: Before,
    /// What they came to.
    pub after: After,
    /// How many.
    pub households: u64,
    /// Members of them, as counted now.
    pub persons: u64,
    /// Of them ethnic-minority households (hộ DTTS).
    pub dtts_households: u64,
}

/// Counts every move, those nobody made among them.
pub fn compare(rows: &[Row]) -> Vec<Cell> {
    let mut cells: BTreeMap<(Before, After), Cell> = BTreeMap::new();
    for before in Before::ALL {
        for after in After::ALL {
            let cell = Cell { before, after, households: 0, persons: 0, dtts_households: 0 };
            cells.insert((before, after), cell);
        }
    }
    for row in rows {
        if let Some(cell) = cells.get_mut(&(Before::of(row), After::of(row))) {
            cell.households += 1;
            cell.persons += u64::from(row.members);
            cell.dtts_households += u64::from(row.dtts);
        }
    }
    cells.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::tests::row;

    #[test]
    fn every_household_is_in_one_cell() {
        let mut rows = Vec::new();
        let openings = [None, Some(Class::Poor), Some(Class::NearPoor)];
        let outcomes = [Outcome::Surveyed, Outcome::Left, Outcome::Pending];
        let classes = [
            None,
            Some(Class::Poor),
            Some(Class::NearPoor),
            Some(Class::Above),
            Some(Class::Insufficient),
        ];
        for opening in openings {
            for outcome in outcomes {
                rows.extend(classes.map(|class| Row { opening, outcome, class, ..row(1) }));
            }
        }
        let cells = compare(&rows);
        assert_eq!(cells.len(), 15);
        let sum: u64 = cells.iter().map(|cell| cell.households).sum();
        assert_eq!(usize::try_from(sum), Ok(rows.len()));
        let of = |before, after| {
            let found = cells.iter().find(|cell| (cell.before, cell.after) == (before, after));
            found.map(|cell| cell.households)
        };
        assert_eq!(of(Before::None, After::Poor), Some(1), "came new");
        assert_eq!(of(Before::Poor, After::Left), Some(5), "left, whatever its class would be");
        assert_eq!(of(Before::NearPoor, After::Open), Some(7));
    }
}
