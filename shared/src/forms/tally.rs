//! What the forms are made of: counts of a frozen list, hamlet by hamlet.
//!
//! A list is read once and only its counts are kept, so that a province of any size is a sum of
//! small things.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::movement::{Movement, Size};
use super::{Flow, Measure, Side};
use crate::list::{List, Registered, Row};
use crate::register::Moved;
use crate::score::ScoreTable;
use crate::unit::Area;

/// One class after the review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Households and persons of the closing list.
    pub closing: Size,
    /// Households deprived, by indicator code.
    pub deprived: BTreeMap<String, u64>,
    /// Movement since the opening list.
    pub movement: Movement,
}

impl Group {
    fn add(&mut self, other: &Self) {
        self.closing.households += other.closing.households;
        self.closing.persons += other.closing.persons;
        for (code, count) in &other.deprived {
            *self.deprived.entry(code.clone()).or_default() += count;
        }
        self.movement.add(&other.movement);
    }

    /// Counts what a surveyed household of the class is deprived in.
    fn close(&mut self, row: &Row) {
        self.closing.count(row);
        for code in &row.deprived {
            *self.deprived.entry(code.clone()).or_default() += 1;
        }
    }

    /// Returns what the closing list counts, without the persons that no flow counts.
    pub(super) fn closed(&self, measure: Measure) -> u64 {
        let left_out = if measure == Measure::Persons { self.movement.left_out } else { 0 };
        self.closing.of(measure).saturating_sub(left_out)
    }

    /// Returns one flow, or `None` where the lists cannot tell it.
    pub fn flow(&self, flow: Flow, measure: Measure) -> Option<u64> {
        let is_unknown = match flow {
            Flow::FellBack | Flow::OtherIn => true,
            Flow::Opening | Flow::OtherOut => measure == Measure::Persons,
            _ => false,
        };
        if self.movement.before_register && is_unknown {
            return None;
        }
        Some(match flow {
            // The closing list counted by itself; the register's own end is checked against it.
            Flow::Closing => self.closed(measure),
            flow => self.movement.of(flow).of(measure),
        })
    }
}

/// Counts of one place of one area type: a hamlet, or any sum of hamlets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Registered households and persons at the review: the denominators.
    pub registered: Registered,
    /// Poor households.
    pub poor: Group,
    /// Near-poor households.
    pub near_poor: Group,
    /// Rows whose B1 was computed with a synthetic score table.
    pub synthetic: u64,
}

impl Part {
    /// Adds another place.
    pub fn add(&mut self, other: &Self) {
        self.registered.households += other.registered.households;
        self.registered.persons += other.registered.persons;
        self.registered.dtts_households += other.registered.dtts_households;
        self.registered.dtts_persons += other.registered.dtts_persons;
        self.poor.add(&other.poor);
        self.near_poor.add(&other.near_poor);
        self.synthetic += other.synthetic;
    }

    /// Returns one class.
    pub fn side(&self, side: Side) -> &Group {
        match side {
            Side::Poor => &self.poor,
            Side::NearPoor => &self.near_poor,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Group {
        match side {
            Side::Poor => &mut self.poor,
            Side::NearPoor => &mut self.near_poor,
        }
    }
}

/// Counts of one hamlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HamletPart {
    /// Code.
    pub code: String,
    /// Type word and name.
    pub name: String,
    /// Area type on the list.
    pub area: Area,
    /// What was counted.
    pub part: Part,
}

/// Counts of one list, by hamlet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Hamlets in the order of the list.
    pub hamlets: Vec<HamletPart>,
}

impl Tally {
    /// Counts one list by itself, apart from what moved.
    pub fn of(list: &List) -> Self {
        let hamlets = list.hamlets.iter().map(|hamlet| HamletPart {
            code: hamlet.code.clone(),
            name: format!("{} {}", hamlet.type_word, hamlet.name),
            area: hamlet.area,
            part: Part { registered: hamlet.closing, ..Part::default() },
        });
        let mut tally = Self { hamlets: hamlets.collect() };
        for row in &list.rows {
            let part = tally.part_mut(&row.hamlet, row.area);
            part.synthetic +=
                u64::from(row.table.as_deref().is_some_and(ScoreTable::id_is_synthetic));
        }
        for row in &list.rows {
            if let Some(side) = Side::of(row.after()) {
                tally.part_mut(&row.hamlet, row.area).side_mut(side).close(row);
            }
        }
        tally
    }

    /// Adds what moved on the register of the list's unit. A hamlet of the register that the list
    /// does not have counts with its own code.
    #[must_use]
    pub fn with_moves(&self, moves: &[Moved<'_>]) -> Self {
        let mut tally = self.clone();
        for moved in moves {
            let part = tally.part_mut(&moved.hamlet.code, moved.hamlet.area);
            part.side_mut(moved.side).movement.count(moved);
        }
        tally
    }

    /// Finds the hamlet of a row. One that the list does not name counts with its own code.
    fn part_mut(&mut self, code: &str, area: Area) -> &mut Part {
        let known = self.hamlets.iter().position(|hamlet| hamlet.code == code);
        let at = known.unwrap_or_else(|| {
            self.hamlets.push(HamletPart {
                code: code.to_owned(),
                name: code.to_owned(),
                area,
                part: Part::default(),
            });
            self.hamlets.len() - 1
        });
        &mut self.hamlets[at].part
    }

    /// Sums the hamlets of one area type; `None` where there are none.
    pub fn area(&self, area: Area) -> Option<Part> {
        let mut sum = None;
        for hamlet in self.hamlets.iter().filter(|hamlet| hamlet.area == area) {
            sum.get_or_insert_with(Part::default).add(&hamlet.part);
        }
        sum
    }
}
