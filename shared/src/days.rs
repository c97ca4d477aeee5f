//! Progress by day: what came in and what was decided, counted on the days the server saw.
//!
//! No device's clock is read for it. Days are those of Viet Nam, UTC+7.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How far Viet Nam's clocks are ahead of UTC, milliseconds.
pub const AHEAD_MS: i64 = 7 * 60 * 60 * 1000;

/// Most days that are shown, the newest: a review with its plan takes about four months.
pub const DAYS_MAX: i64 = 150;

/// Returns the day of a server's time, in days since 1970-01-01.
///
/// ```
/// use shared::days::day_of;
///
/// // 2022-12-14, 23:30 and 2022-12-15, 00:30 in Viet Nam.
/// assert_eq!(day_of(1_671_035_400_000) + 1, day_of(1_671_039_000_000));
/// ```
pub fn day_of(at_ms: i64) -> i64 {
    at_ms.saturating_add(AHEAD_MS).div_euclid(DAY_MS)
}

/// What was decided about a list, as far as it moves progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Submitted to the district.
    Submitted,
    /// Sent back by the district.
    Returned,
    /// Agreed by the district.
    Approved,
    /// Recognised by the commune.
    Recognised,
    /// Recognition withdrawn.
    Withdrawn,
}

impl Moved {
    /// Reads the kind of a decision.
    pub fn from_kind(kind: &str) -> Option<Self> {
        match kind {
            "submit" => Some(Self::Submitted),
            "return" => Some(Self::Returned),
            "approve" => Some(Self::Approved),
            "recognise" => Some(Self::Recognised),
            "withdraw" => Some(Self::Withdrawn),
            _ => None,
        }
    }
}

/// One day's progress.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Changes that came in, whatever became of them; none of the opening list.
    pub changes: u64,
    /// Lists submitted.
    pub submitted: u64,
    /// Lists sent back.
    pub returned: u64,
    /// Lists agreed.
    pub approved: u64,
    /// Lists recognised.
    pub recognised: u64,
    /// Lists that stood recognised at the end of the day.
    pub recognised_so_far: u64,
}

/// Counts every day from the first on which anything happened to the last, days without anything
/// among them; of a longer time the newest [`DAYS_MAX`].
pub fn days(changes: &[(i64, u64)], moves: &[(i64, Moved)]) -> Vec<Day> {
    let mut by_day: BTreeMap<i64, Day> = BTreeMap::new();
    let mut so_far: BTreeMap<i64, i64> = BTreeMap::new();
    for (day, count) in changes {
        by_day.entry(*day).or_default().changes += count;
    }
    for (day, moved) in moves {
        let one = by_day.entry(*day).or_default();
        let step = match moved {
            Moved::Submitted => &mut one.submitted,
            Moved::Returned => &mut one.returned,
            Moved::Approved => &mut one.approved,
            Moved::Recognised => {
                *so_far.entry(*day).or_default() += 1;
                &mut one.recognised
            }
            Moved::Withdrawn => {
                *so_far.entry(*day).or_default() -= 1;
                continue;
            }
        };
        *step += 1;
    }
    let (Some(first), Some(last)) =
        (by_day.keys().next().copied(), by_day.keys().next_back().copied())
    else {
        return Vec::new();
    };
    let first = first.max(last - DAYS_MAX + 1);
    let mut recognised: i64 = so_far.range(..first).map(|(_, more)| more).sum();
    (first..=last)
        .map(|day| {
            recognised += so_far.get(&day).copied().unwrap_or_default();
            let date = Date::of_unix_ms(day.saturating_mul(DAY_MS)).to_string();
            let recognised_so_far = u64::try_from(recognised).unwrap_or_default();
            Day { date, recognised_so_far, ..by_day.remove(&day).unwrap_or_default() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_anything_is_there_and_a_withdrawal_takes_back() {
        let moves = [
            (19_300, Moved::Submitted),
            (19_301, Moved::Recognised),
            (19_301, Moved::Recognised),
            (19_303, Moved::Withdrawn),
        ];
        let shown = days(&[(19_299, 40), (19_301, 2)], &moves);
        let seen: Vec<_> =
            shown.iter().map(|day| (day.changes, day.submitted, day.recognised_so_far)).collect();
        assert_eq!(seen, [(40, 0, 0), (0, 1, 0), (2, 0, 2), (0, 0, 2), (0, 0, 1)]);
        assert_eq!(shown[0].date, "2022-11-03");
        assert!(days(&[], &[]).is_empty());
    }

    #[test]
    fn of_a_long_time_the_newest_days_are_shown_and_nothing_is_forgotten() {
        let shown = days(&[(20_000, 1)], &[(1_000, Moved::Recognised)]);
        assert_eq!(shown.len(), 150);
        assert_eq!(shown[0].recognised_so_far, 1);
        assert_eq!(shown[149].changes, 1);
    }
}
