//! Targets for the fall of a rate, and what came of them, in percentage points.
//!
//! A result is taken from unrounded rates; rounded rates are never subtracted.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::aggregate::{Counts, Rate};

/// Most that a rate can be meant to fall by, hundredths of a percentage point: all of it.
pub const FALL_MAX: i64 = 10_000;

/// Which rate a target is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetRate {
    /// Tỷ lệ hộ nghèo.
    Poor,
    /// Tỷ lệ nghèo đa chiều: poor and near-poor households together.
    Multidimensional,
}

impl TargetRate {
    /// Both, in the order of the pages.
    pub const ALL: [Self; 2] = [Self::Poor, Self::Multidimensional];

    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::Multidimensional => "multidimensional",
        }
    }

    /// Reads the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.name() == name)
    }

    /// Returns the counts of the rate: part and whole at the opening, part and whole now.
    pub fn counts(self, counts: &Counts) -> [(u64, u64); 2] {
        let (then, now) = match self {
            Self::Poor => (counts.opening_poor.households, counts.poor.households),
            Self::Multidimensional => {
                (counts.opening_multidimensional(), counts.multidimensional())
            }
        };
        [(then, counts.opening.households), (now, counts.closing.households)]
    }
}

/// What came of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Households of the rate and all households, at the opening.
    pub opening: (u64, u64),
    /// The same now.
    pub closing: (u64, u64),
    /// Change in hundredths of a percentage point, rounded half up once.
    pub change: Option<i64>,
    /// The same change in ten-thousandths, to show what was rounded.
    pub change_fine: Option<i64>,
    /// Whether the unrounded fall reaches the target; absent without a target or a rate.
    pub met: Option<bool>,
}

/// Compares a rate's change with the fall that is wanted, in hundredths of a percentage point.
///
/// ```
/// use shared::aggregate::Counts;
/// use shared::target::{TargetRate, compare};
///
/// let mut counts = Counts::default();
/// (counts.opening_poor.households, counts.opening.households) = (100, 1_000);
/// (counts.poor.households, counts.closing.households) = (87, 1_010);
/// let compared = compare(&counts, TargetRate::Poor, Some(138));
/// assert_eq!((compared.change, compared.change_fine), (Some(-139), Some(-13_861)));
/// assert_eq!(compared.met, Some(true));
/// // −1,3861 is written −1,39, and yet it does not reach a fall of 1,39.
/// assert_eq!(compare(&counts, TargetRate::Poor, Some(139)).met, Some(false));
/// ```
pub fn compare(counts: &Counts, rate: TargetRate, fall: Option<i64>) -> Compared {
    let [opening, closing] = rate.counts(counts);
    let (then, now) = (Rate::of(opening.0, opening.1), Rate::of(closing.0, closing.1));
    Compared {
        opening,
        closing,
        change: now.points_since(then),
        change_fine: now.points_fine_since(then),
        met: fall.and_then(|fall| now.against(then, -fall)).map(|order| order != Ordering::Greater),
    }
}

/// Reads percentage points as people type them, into hundredths: `1,4`, `1.40`, `2`.
///
/// ```
/// use shared::target::parse_points;
///
/// assert_eq!(parse_points(" 1,4 "), Some(140));
/// assert_eq!(parse_points("0.05"), Some(5));
/// assert_eq!(parse_points("1,405"), None);
/// assert_eq!(parse_points("-1"), None);
/// ```
pub fn parse_points(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, part) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 3 {
        return None;
    }
    let tens = if part.len() == 1 { 10 } else { 1 };
    let hundredths = whole.parse::<i64>().ok()? * 100 + part.parse::<i64>().ok()? * tens;
    (hundredths <= FALL_MAX).then_some(hundredths)
}

/// Writes ten-thousandths the Vietnamese way.
///
/// ```
/// assert_eq!(shared::target::fine_vi(-14_031), "−1,4031");
/// assert_eq!(shared::target::fine_vi(5), "0,0005");
/// ```
pub fn fine_vi(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "−" } else { "" };
    let size = ten_thousandths.unsigned_abs();
    format!("{sign}{},{:04}", size / 10_000, size % 10_000)
}
