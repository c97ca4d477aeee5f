//! Eighth stage of the line: counts over frozen lists, and exact rates from them.
//!
//! Counts are integers, a rate is a fraction of two counts, and rounding happens once, half up,
//! when a figure is written down. Nothing but frozen rows and frozen denominators is read.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::list::{List, Registered};
use crate::score::ScoreTable;

/// Counts of one list or of any sum of lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Registered counts at the review date: the denominators.
    pub closing: Registered,
    /// Registered counts at the opening date.
    pub opening: Registered,
    /// Poor and near-poor after the review.
    pub poor: Group,
    /// Near-poor after the review.
    pub near_poor: Group,
    /// Poor on the opening list.
    pub opening_poor: Group,
    /// Near-poor on the opening list.
    pub opening_near_poor: Group,
    /// Households of the lists, whatever they came to.
    pub reviewed: u64,
    /// Rows whose figures rest on a synthetic score table.
    pub synthetic: u64,
}

/// One class: its households, persons and what they lack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Households.
    pub households: u64,
    /// Members of them; not known for an opening list.
    pub persons: u64,
    /// Of them ethnic-minority households (hộ DTTS).
    pub dtts_households: u64,
    /// Households deprived, by indicator code.
    pub deprived: BTreeMap<String, u64>,
    /// Households by cause, 1 to 8; a household may have several.
    pub causes: BTreeMap<u8, u64>,
}

impl Counts {
    /// Counts one frozen list.
    pub fn of(list: &List) -> Self {
        let mut counts = Self::default();
        for hamlet in &list.hamlets {
            add_registered(&mut counts.closing, &hamlet.closing);
            add_registered(&mut counts.opening, &hamlet.opening);
        }
        for row in &list.rows {
            counts.reviewed += 1;
            if row.table.as_deref().is_some_and(ScoreTable::id_is_synthetic) {
                counts.synthetic += 1;
            }
            let opening = match row.opening {
                Some(Class::Poor) => Some(&mut counts.opening_poor),
                Some(Class::NearPoor) => Some(&mut counts.opening_near_poor),
                Some(Class::Above | Class::Insufficient) | None => None,
            };
            if let Some(group) = opening {
                group.households += 1;
                group.dtts_households += u64::from(row.opening_dtts);
            }
            let closing = match row.after() {
                Some(Class::Poor) => &mut counts.poor,
                Some(Class::NearPoor) => &mut counts.near_poor,
                _ => continue,
            };
            closing.households += 1;
            closing.persons += u64::from(row.members);
            closing.dtts_households += u64::from(row.dtts);
            for code in &row.deprived {
                *closing.deprived.entry(code.clone()).or_default() += 1;
            }
            for cause in &row.causes {
                *closing.causes.entry(*cause).or_default() += 1;
            }
        }
        counts
    }

    /// Adds another list's counts.
    pub fn add(&mut self, other: &Self) {
        add_registered(&mut self.closing, &other.closing);
        add_registered(&mut self.opening, &other.opening);
        self.poor.add(&other.poor);
        self.near_poor.add(&other.near_poor);
        self.opening_poor.add(&other.opening_poor);
        self.opening_near_poor.add(&other.opening_near_poor);
        self.reviewed += other.reviewed;
        self.synthetic += other.synthetic;
    }

    /// Returns poor and near-poor households together: multidimensionally poor (nghèo đa chiều).
    pub fn multidimensional(&self) -> u64 {
        self.poor.households + self.near_poor.households
    }

    /// Returns the multidimensionally poor of the opening lists.
    pub fn opening_multidimensional(&self) -> u64 {
        self.opening_poor.households + self.opening_near_poor.households
    }

    /// Returns the rate of poor households (tỷ lệ hộ nghèo).
    ///
    /// Source: Circular 07/2021/TT-BLĐTBXH, form 7.1, column 4 = 3 / 1 × 100, see `LEGAL.md`,
    /// "Report figures (forms 7.x)".
    pub fn poor_rate(&self) -> Rate {
        Rate::of(self.poor.households, self.closing.households)
    }

    /// Returns the rate of near-poor households (tỷ lệ hộ cận nghèo).
    ///
    /// Source: form 7.1, column 8 = 7 / 1 × 100, see `LEGAL.md`, "Report figures (forms 7.x)".
    pub fn near_poor_rate(&self) -> Rate {
        Rate::of(self.near_poor.households, self.closing.households)
    }

    /// Returns the multidimensional rate, from counts and never from two rounded rates.
    pub fn multidimensional_rate(&self) -> Rate {
        Rate::of(self.multidimensional(), self.closing.households)
    }

    /// Returns poor ethnic-minority households among ethnic-minority households.
    pub fn dtts_poor_rate(&self) -> Rate {
        Rate::of(self.poor.dtts_households, self.closing.dtts_households)
    }

    /// Returns the share of ethnic-minority households among the poor: another figure.
    pub fn dtts_share_of_poor(&self) -> Rate {
        Rate::of(self.poor.dtts_households, self.poor.households)
    }

    /// Returns the poor rate of the opening lists.
    pub fn opening_poor_rate(&self) -> Rate {
        Rate::of(self.opening_poor.households, self.opening.households)
    }

    /// Returns the near-poor rate of the opening lists.
    pub fn opening_near_poor_rate(&self) -> Rate {
        Rate::of(self.opening_near_poor.households, self.opening.households)
    }

    /// Returns the multidimensional rate of the opening lists.
    pub fn opening_multidimensional_rate(&self) -> Rate {
        Rate::of(self.opening_multidimensional(), self.opening.households)
    }
}

impl Group {
    fn add(&mut self, other: &Self) {
        self.households += other.households;
        self.persons += other.persons;
        self.dtts_households += other.dtts_households;
        for (code, count) in &other.deprived {
            *self.deprived.entry(code.clone()).or_default() += count;
        }
        for (cause, count) in &other.causes {
            *self.causes.entry(*cause).or_default() += count;
        }
    }
}

fn add_registered(sum: &mut Registered, other: &Registered) {
    sum.households += other.households;
    sum.persons += other.persons;
    sum.dtts_households += other.dtts_households;
    sum.dtts_persons += other.dtts_persons;
}

/// An exact fraction of two counts. It has no value where there is nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    part: u64,
    whole: u64,
}

impl Rate {
    /// Makes the fraction `part / whole`.
    pub fn of(part: u64, whole: u64) -> Self {
        Self { part, whole }
    }

    /// Returns the rate in hundredths of a per cent, rounded half up once.
    ///
    /// ```
    /// use shared::aggregate::Rate;
    ///
    /// assert_eq!(Rate::of(16_512, 180_559).percent_hundredths(), Some(914));
    /// assert_eq!(Rate::of(1, 0).percent_hundredths(), None);
    /// ```
    pub fn percent_hundredths(&self) -> Option<i64> {
        let whole = i128::from(self.whole);
        (whole > 0).then(|| half_up(i128::from(self.part) * 10_000, whole))
    }

    /// Returns the change since an earlier rate in hundredths of a percentage point.
    ///
    /// Taken from the unrounded rates and rounded half up in size, so that a fall of 1,4031 is
    /// −1,40. Source: practice of the published tables, see `LEGAL.md`, "Rounding".
    ///
    /// ```
    /// use shared::aggregate::Rate;
    ///
    /// let (now, then) = (Rate::of(16_512, 180_559), Rate::of(18_904, 179_218));
    /// assert_eq!(now.points_since(then), Some(-140));
    /// ```
    pub fn points_since(&self, earlier: Self) -> Option<i64> {
        self.change(earlier).map(|(numerator, whole)| half_up(numerator * 10_000, whole))
    }

    /// Returns the same change in ten-thousandths of a percentage point, to show what was rounded.
    pub fn points_fine_since(&self, earlier: Self) -> Option<i64> {
        self.change(earlier).map(|(numerator, whole)| half_up(numerator * 1_000_000, whole))
    }

    /// Compares the unrounded change since an earlier rate with hundredths of a percentage point.
    pub fn against(&self, earlier: Self, hundredths: i64) -> Option<Ordering> {
        let (numerator, whole) = self.change(earlier)?;
        Some((numerator * 10_000).cmp(&(i128::from(hundredths) * whole)))
    }

    /// Returns the change since an earlier rate as a fraction.
    fn change(&self, earlier: Self) -> Option<(i128, i128)> {
        let (now, then) = (i128::from(self.whole), i128::from(earlier.whole));
        let difference = i128::from(self.part) * then - i128::from(earlier.part) * now;
        (now > 0 && then > 0).then_some((difference, now * then))
    }
}

fn half_up(numerator: i128, denominator: i128) -> i64 {
    let size = (numerator.abs() * 2 + denominator) / (denominator * 2);
    let signed = if numerator < 0 { -size } else { size };
    i64::try_from(signed).unwrap_or(i64::MAX)
}

/// Writes hundredths the Vietnamese way: decimal comma, a real minus sign.
///
/// ```
/// assert_eq!(shared::aggregate::hundredths_vi(914), "9,14");
/// assert_eq!(shared::aggregate::hundredths_vi(-140), "−1,40");
/// ```
pub fn hundredths_vi(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "−" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{},{:02}", thousands_vi(size / 100), size % 100)
}

/// Writes a count the Vietnamese way: a dot between thousands.
///
/// ```
/// assert_eq!(shared::aggregate::thousands_vi(180_559), "180.559");
/// assert_eq!(shared::aggregate::thousands_vi(0), "0");
/// ```
pub fn thousands_vi(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_figures_of_2022_come_out_as_printed() {
        // Source: national statistics tables and Báo cáo 58/BC-SLĐTBXH (09/01/2023).
        let printed = [
            (Rate::of(18_904, 179_218), 1055),
            (Rate::of(10_133, 179_218), 565),
            (Rate::of(29_037, 179_218), 1620),
            (Rate::of(10_449, 180_559), 579),
            (Rate::of(26_961, 180_559), 1493),
            (Rate::of(11_384, 21_399), 5320),
            (Rate::of(11_384, 16_512), 6894),
        ];
        for (rate, hundredths) in printed {
            assert_eq!(rate.percent_hundredths(), Some(hundredths));
        }
    }

    #[test]
    fn the_fall_of_2022_comes_from_unrounded_rates() {
        use crate::target::{TargetRate, compare, fine_vi};
        let mut counts = Counts::default();
        (counts.opening_poor.households, counts.opening.households) = (18_904, 179_218);
        (counts.poor.households, counts.closing.households) = (16_512, 180_559);
        let compared = compare(&counts, TargetRate::Poor, Some(140));
        assert_eq!(compared.change.map(hundredths_vi).as_deref(), Some("−1,40"));
        assert_eq!(compared.change_fine.map(fine_vi).as_deref(), Some("−1,4031"));
        assert_eq!(compared.met, Some(true));
        // The rounded rates, 9,14 and 10,55, would have said −1,41.
        assert_eq!(compare(&counts, TargetRate::Poor, Some(141)).met, Some(false));
    }

    #[test]
    fn a_half_goes_up_and_a_fall_is_rounded_by_its_size() {
        assert_eq!(Rate::of(1, 800).percent_hundredths(), Some(13));
        assert_eq!(Rate::of(0, 1).points_since(Rate::of(1, 80_000)), Some(0));
        assert_eq!(Rate::of(0, 1).points_since(Rate::of(1, 20_000)), Some(-1));
    }

    proptest! {
        #[test]
        fn a_rate_is_never_further_than_half_a_hundredth_off(
            part in 0_u64..1_000_000,
            whole in 1_u64..1_000_000,
        ) {
            let rounded = Rate::of(part, whole).percent_hundredths().expect("a whole");
            let error = i128::from(rounded) * i128::from(whole) - i128::from(part) * 10_000;
            prop_assert!(error.abs() * 2 <= i128::from(whole));
        }

        #[test]
        fn thousands_keep_every_digit(number in any::<u64>()) {
            prop_assert_eq!(thousands_vi(number).replace('.', ""), number.to_string());
        }
    }
}
