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
    /// Households of 7.2 and 7.3 whose persons are not known; not counted in reports of before.
    #[serde(default)]
    pub persons_unknown: usize,
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
    /// Counts the households below a unit whose persons are not known.
    pub fn persons_unknown(&self, is_below: impl Fn(&str) -> bool) -> usize {
        let below = self.covered.iter().filter(|one| is_below(&one.unit));
        below.map(|one| one.persons_unknown).sum()
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_before_reads_and_knows_of_nobody_who_was_not_counted() {
        let covered = |unit: &str, unknown| Covered {
            unit: unit.to_owned(),
            step: "collecting".to_owned(),
            root: String::new(),
            tally: Tally::default(),
            persons_unknown: unknown,
        };
        let mut old = serde_json::to_value(covered("19558", 2)).expect("it writes");
        old.as_object_mut().expect("an object").remove("persons_unknown");
        let old: Covered = serde_json::from_value(old).expect("it reads");
        assert_eq!(old.persons_unknown, 0);
        let day = Date::parse("2022-12-14").expect("a day");
        let kept = Preliminary {
            unit: "467".to_owned(),
            standard: String::new(),
            opening_date: day,
            review_date: day,
            period: None,
            due: 2,
            covered: vec![covered("19558", 2), covered("19561", 1)],
        };
        assert_eq!(kept.persons_unknown(|_| true), 3);
        assert_eq!(kept.persons_unknown(|unit| unit == "19561"), 1);
    }
}
