//! Preliminary figures (số liệu sơ bộ): counts frozen on a day, with what they cover.
//!
//! Official figures are read from recognised lists and from nothing else. A preliminary report keeps
//! its counts themselves: nothing that happens to a list afterwards changes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tally;
use crate::date::Date;
use crate::list::Blocker;
use crate::register::Period;

/// One list in a preliminary report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Unit of the list.
    pub unit: String,
    /// Where the list stood: `collecting`, `submitted`, `approved` or `recognised`.
    pub step: String,
    /// Root of the list as it was counted.
    pub root: String,
    /// What was counted.
    pub tally: Tally,
}

/// What a preliminary report keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preliminary {
    /// Unit it was made for.
    pub unit: String,
    /// Code of the standard.
    pub standard: String,
    /// Day of the opening list.
    pub opening_date: Date,
    /// Day of the review, on which unit codes are read.
    pub review_date: Date,
    /// What the flows were computed over; none where it was made before there was a register.
    #[serde(default)]
    pub period: Option<Period>,
    /// Lists that there should be.
    pub due: usize,
    /// Lists that it covers.
    pub covered: Vec<Covered>,
}

impl Preliminary {
    /// Returns the counts by unit.
    pub fn tallies(&self) -> BTreeMap<String, &Tally> {
        self.covered.iter().map(|one| (one.unit.clone(), &one.tally)).collect()
    }
}

/// Tells whether a draft may be counted: every household of it has its outcome and its class, nobody
/// disagrees, and there is something to divide by.
///
/// Phones that are still out and changes set aside do not keep it from being counted: that is what
/// preliminary means.
pub fn is_counted(blockers: &[Blocker]) -> bool {
    blockers
        .iter()
        .all(|blocker| matches!(blocker, Blocker::DeviceSilent { .. } | Blocker::SetAside(_)))
}
