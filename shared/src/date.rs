//! Calendar days and ages, without a clock: "today" is always handed in.
//!
//! A birth date may be partly unknown and must stay so: filling it in for display would turn a
//! guess into an answer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text has another shape.
    #[error("a date is written YYYY-MM-DD")]
    Malformed,
    /// The text has the shape of a partial date, or nearly, but not one of the three accepted.
    #[error("a birth date is written YYYY, YYYY-MM or YYYY-MM-DD")]
    MalformedPartial,
    /// The calendar has no such day.
    #[error("the calendar has no day {year:04}-{month:02}-{day:02}")]
    NoSuchDay {
        /// Year as written.
        year: i32,
        /// Month as written.
        month: u8,
        /// Day as written.
        day: u8,
    },
}

/// A day of the Gregorian calendar, years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// Makes a day, or says that the calendar has none such.
    pub const fn new(year: i32, month: u8, day: u8) -> Result<Self, DateError> {
        if year < 1 || year > 9999 || day < 1 || day > days_in(year, month) {
            return Err(DateError::NoSuchDay { year, month, day });
        }
        Ok(Self { year, month, day })
    }

    /// Returns the day a time falls on, UTC.
    ///
    /// ```
    /// use shared::date::Date;
    ///
    /// assert_eq!(Date::of_unix_ms(0).to_string(), "1970-01-01");
    /// assert_eq!(Date::of_unix_ms(1_671_012_000_000).to_string(), "2022-12-14");
    /// ```
    pub fn of_unix_ms(ms: i64) -> Self {
        // Counted in 400-year cycles from 1 March of year 0, so that the leap day ends a year.
        let days = ms.div_euclid(86_400_000) + 719_468;
        let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let in_month = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = i32::try_from(cycle * 400 + year + next).unwrap_or(i32::MAX);
        Self {
            year,
            month: u8::try_from(month).unwrap_or(12),
            day: u8::try_from(in_month).unwrap_or(28),
        }
    }

    /// Reads `YYYY-MM-DD`, with all digits present.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let partial = PartialDate::parse(text).map_err(|error| match error {
            DateError::MalformedPartial => DateError::Malformed,
            other => other,
        })?;
        match partial {
            PartialDate { year, month: Some(month), day: Some(day) } => {
                Ok(Self { year, month, day })
            }
            PartialDate { .. } => Err(DateError::Malformed),
        }
    }

    /// Writes the day as people in Viet Nam do.
    ///
    /// ```
    /// assert_eq!(shared::date::Date::parse("2022-12-04").unwrap().text_vi(), "04/12/2022");
    /// ```
    pub fn text_vi(self) -> String {
        format!("{:02}/{:02}/{:04}", self.day, self.month, self.year)
    }

    /// Returns the day after it; the calendar's last day is its own.
    pub const fn next(self) -> Self {
        let Self { year, month, day } = self;
        if day < days_in(year, month) {
            Self { year, month, day: day + 1 }
        } else if month < 12 {
            Self { year, month: month + 1, day: 1 }
        } else if year < 9999 {
            Self { year: year + 1, month: 1, day: 1 }
        } else {
            self
        }
    }

    /// Tells whether it is a Saturday or a Sunday.
    ///
    /// ```
    /// use shared::date::Date;
    ///
    /// assert!(!Date::parse("2022-12-14").unwrap().is_weekend());
    /// assert!(Date::parse("2024-02-29").unwrap().next().next().is_weekend());
    /// ```
    pub fn is_weekend(self) -> bool {
        // January and February belong to the year before, so that a leap day ends a year.
        let (year, month) = match self.month {
            month @ (1 | 2) => (self.year - 1, i32::from(month) + 12),
            month => (self.year, i32::from(month)),
        };
        let day =
            i32::from(self.day) + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400;
        // Counted from Saturday.
        day.rem_euclid(7) < 2
    }

    /// Returns the same day some years earlier; 28 February where there is no 29th.
    ///
    /// ```
    /// use shared::date::Date;
    ///
    /// assert_eq!(Date::parse("2024-02-29").unwrap().years_before(3).to_string(), "2021-02-28");
    /// ```
    #[must_use]
    pub fn years_before(self, years: u8) -> Self {
        let year = (self.year - i32::from(years)).max(1);
        Self { year, month: self.month, day: self.day.min(days_in(year, self.month)) }
    }

    /// Returns the day as a number that sorts as days do: year, month and day as digits.
    pub fn number(self) -> i64 {
        i64::from(self.year) * 10_000 + i64::from(self.month) * 100 + i64::from(self.day)
    }

    /// Reads what [`Date::number`] wrote.
    pub fn of_number(number: i64) -> Option<Self> {
        let part = |number: i64| u8::try_from(number % 100).ok();
        let year = i32::try_from(number / 10_000).ok()?;
        Self::new(year, part(number / 100)?, part(number)?).ok()
    }

    /// Returns the year.
    pub const fn year(self) -> i32 {
        self.year
    }

    /// Returns the month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, from 1.
    pub const fn day(self) -> u8 {
        self.day
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        Self::parse(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

/// A birth date as far as it is known: a year, a month of a year, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartialDate {
    year: i32,
    month: Option<u8>,
    day: Option<u8>,
}

impl PartialDate {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        let (year, month, day) = match bytes.len() {
            4 => (digits(bytes)?, None, None),
            7 if bytes[4] == b'-' => (digits(&bytes[..4])?, Some(two(&bytes[5..])?), None),
            10 if bytes[4] == b'-' && bytes[7] == b'-' => {
                (digits(&bytes[..4])?, Some(two(&bytes[5..7])?), Some(two(&bytes[8..])?))
            }
            _ => return Err(DateError::MalformedPartial),
        };
        Date::new(year, month.unwrap_or(1), day.unwrap_or(1))?;
        Ok(Self { year, month, day })
    }

    /// Returns the earliest day it can stand for: a missing month or day reads as 01.
    ///
    /// Source: none found in law; a setting of ours, see `LEGAL.md`, "Ages". It reads a person as
    /// old as they can be, in the same way as papers that print 01/01 for an unknown day.
    pub fn earliest(self) -> Date {
        Date { year: self.year, month: self.month.unwrap_or(1), day: self.day.unwrap_or(1) }
    }

    /// Tells whether the day itself is known.
    pub const fn is_exact(self) -> bool {
        self.day.is_some()
    }

    /// Returns the year.
    pub const fn year(self) -> i32 {
        self.year
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().flatten() {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

impl FromStr for PartialDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for PartialDate {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        Self::parse(&text)
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> Self {
        date.to_string()
    }
}

/// Counts the whole years a person born on `birth` has lived by `on`; negative before birth.
///
/// A year is complete on the birthday itself; for 29 February it is complete on 1 March in a year
/// that has no such day.
///
/// ```
/// use shared::date::{Date, age_on};
///
/// let birth = Date::parse("2006-12-14").unwrap();
/// assert_eq!(age_on(birth, Date::parse("2022-12-13").unwrap()), 15);
/// assert_eq!(age_on(birth, Date::parse("2022-12-14").unwrap()), 16);
/// ```
pub fn age_on(birth: Date, on: Date) -> i32 {
    let years = on.year - birth.year;
    if (on.month, on.day) < (birth.month, birth.day) { years - 1 } else { years }
}

/// Counts the days of a month; none for a month that does not exist.
const fn days_in(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Reads decimal digits only: no sign, no space.
fn digits(bytes: &[u8]) -> Result<i32, DateError> {
    bytes.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Ok(number * 10 + i32::from(byte - b'0')),
        _ => Err(DateError::MalformedPartial),
    })
}

/// Reads the two digits of a month or a day.
fn two(bytes: &[u8]) -> Result<u8, DateError> {
    digits(bytes).and_then(|number| u8::try_from(number).map_err(|_| DateError::MalformedPartial))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn only_real_days_in_iso_form_are_dates() {
        for good in ["2022-12-14", "2024-02-29", "2000-02-29", "0001-01-01"] {
            assert_eq!(day(good).to_string(), good);
        }
        for bad in ["2022-02-29", "1900-02-29", "2022-13-01", "2022-00-10", "2022-04-31"] {
            assert!(matches!(Date::parse(bad), Err(DateError::NoSuchDay { .. })), "{bad}");
        }
        for bad in ["", "2022", "2022-12", "2022-1-1", "+022-01-01", "2022/12/14", "২০২২"] {
            assert_eq!(Date::parse(bad), Err(DateError::Malformed), "{bad}");
        }
    }

    #[test]
    fn days_order_by_time() {
        assert!(day("2021-12-31") < day("2022-01-01"));
        assert!(day("2022-09-30") < day("2022-10-01"));
    }

    #[test]
    fn a_partial_date_reads_as_its_earliest_day_and_prints_as_written() {
        for (text, earliest, exact) in [
            ("1950", "1950-01-01", false),
            ("1950-06", "1950-06-01", false),
            ("1950-06-17", "1950-06-17", true),
        ] {
            let date = PartialDate::parse(text).unwrap();
            assert_eq!(date.earliest(), day(earliest));
            assert_eq!((date.to_string().as_str(), date.is_exact()), (text, exact));
        }
        for bad in ["50", "1950-", "1950-6", "195a", "1950-06-1", "0000", "1950-13"] {
            assert!(PartialDate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_year_is_complete_on_the_birthday() {
        let review = day("2022-12-14");
        assert_eq!(age_on(day("2016-12-14"), review), 6);
        assert_eq!(age_on(day("2016-12-15"), review), 5);
        assert_eq!(age_on(day("2022-12-15"), review), -1);
        assert_eq!(age_on(day("2004-02-29"), day("2022-02-28")), 17);
        assert_eq!(age_on(day("2004-02-29"), day("2022-03-01")), 18);
    }

    #[test]
    fn dates_travel_as_text() {
        let date: Date = serde_json::from_str("\"2022-12-14\"").unwrap();
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"2022-12-14\"");
        assert!(serde_json::from_str::<Date>("\"2022-12-32\"").is_err());
        assert!(serde_json::from_str::<PartialDate>("\"1950\"").is_ok());
    }
}
