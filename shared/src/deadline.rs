//! How long a list has waited for the district's answer, in working days.
//!
//! The number of days and the holidays are settings with a source; nothing here knows a calendar
//! beyond Saturdays and Sundays.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// Most days looked at: a list that has waited for two years has waited long enough.
const DAYS_MAX: u32 = 731;

/// A deadline as it is set for a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Working days.
    pub days: u32,
    /// Days nobody works beside Saturdays and Sundays.
    #[serde(default)]
    pub holidays: BTreeSet<Date>,
    /// Where it says so.
    pub source: String,
    /// Whether that was read in the text itself.
    pub verified: bool,
}

impl Deadline {
    /// Returns the deadline of the district's answer where the province has set none.
    ///
    /// Source: five working days are remembered from Decision 24/2021/QĐ-TTg and were not read there
    /// (unverified), see `LEGAL.md`, "Process steps".
    pub fn of_the_opinion() -> Self {
        Self {
            days: 5,
            holidays: BTreeSet::new(),
            source: "QĐ 24/2021/QĐ-TTg".to_owned(),
            verified: false,
        }
    }

    /// Counts the working days from the day after `since` to `today`, that one included.
    ///
    /// ```
    /// use shared::{date::Date, deadline::Deadline};
    ///
    /// let day = |text| Date::parse(text).unwrap();
    /// let deadline = Deadline::of_the_opinion();
    /// // A Friday, and the Monday after it.
    /// assert_eq!(deadline.waited(day("2022-12-02"), day("2022-12-05")), 1);
    /// assert_eq!(deadline.waited(day("2022-12-05"), day("2022-12-05")), 0);
    /// ```
    pub fn waited(&self, since: Date, today: Date) -> u32 {
        let mut days = 0;
        let mut day = since;
        for _ in 0..DAYS_MAX {
            day = day.next();
            if day > today {
                break;
            }
            days += u32::from(!day.is_weekend() && !self.holidays.contains(&day));
        }
        days
    }

    /// Tells whether so many working days are more than there may be.
    pub fn is_over(&self, waited: u32) -> bool {
        waited > self.days
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn only_working_days_count() {
        let mut deadline = Deadline::of_the_opinion();
        let (since, today) = (day("2022-12-28"), day("2023-01-06"));
        assert_eq!(deadline.waited(since, today), 7);
        deadline.holidays.extend([day("2023-01-02"), day("2023-01-01")]);
        assert_eq!(deadline.waited(since, today), 6, "one of them is a Sunday anyway");
        assert!(deadline.is_over(6) && !deadline.is_over(5));
    }

    #[test]
    fn a_clock_that_went_back_has_waited_for_nothing() {
        assert_eq!(Deadline::of_the_opinion().waited(day("2023-01-06"), day("2022-01-06")), 0);
    }

    #[test]
    fn a_list_of_long_ago_ends_somewhere() {
        assert!(Deadline::of_the_opinion().waited(day("1999-01-01"), day("2022-01-06")) < 731);
    }
}
