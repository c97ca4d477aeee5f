//! The targets: published totals, and the weights by which everything below them is split.
//!
//! Totals are facts with a source. Weights are ours, and the file has to say so: a split without
//! `synthetic: true` is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::date::Date;

use super::apportion::{largest_remainder, share};
use super::figures::{Count, Figures, GroupFigures};
use super::{PlanError, SCALE_FULL_PPM, check};

/// Totals of one province at two dates. Made by [`Targets::parse`], which checks them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Name of the campaign.
    pub campaign: String,
    /// Code of the province.
    pub province: String,
    /// Rural region of the score table.
    pub region: String,
    /// Day of the opening list.
    pub opening_date: Date,
    /// Day on which ages are taken.
    pub review_date: Date,
    /// Where the totals come from.
    pub source: String,
    /// Every household.
    pub all: GroupFigures,
    /// Ethnic-minority households (hộ DTTS) among them.
    pub dtts: GroupFigures,
    /// What nothing was published about, for the province.
    pub assumed: Assumed,
    /// Districts, by code.
    pub districts: BTreeMap<String, District>,
}

/// Assumptions that hold everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// Must be true.
    pub synthetic: bool,
    /// Households that apply and are on no list.
    pub applicants: u64,
    /// Households of the opening list that leave it (moved, died out, joined), of a thousand.
    pub left_per_mille: u64,
    /// Of the closing poor of each group, those who were on no list, of a thousand.
    pub new_poor_per_mille: u64,
    /// Of the closing near-poor, those who were on no list, of a thousand.
    pub new_near_poor_per_mille: u64,
    /// Of the opening near-poor, those who became poor, of a thousand.
    pub fell_per_mille: u64,
    /// Of the poor who rose, those who stopped at near-poor, of a thousand.
    pub rose_one_step_per_mille: u64,
    /// Households of one hamlet.
    pub hamlet_households: u64,
    /// Persons of a household outside of the lists, in hundredths.
    pub persons_per_100_households: u64,
    /// The same for ethnic-minority households.
    pub dtts_persons_per_100_households: u64,
    /// Weights of B1 computed, by item and entered.
    pub b1_methods: [u64; 3],
    /// Weights of the ethnic groups of ethnic-minority households, by code.
    pub ethnicities: BTreeMap<String, u64>,
}

/// One district: what was published about it, and the weights for the rest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// Name, for people who read the file.
    pub name: String,
    /// Published figures.
    #[serde(default)]
    pub published: Option<Published>,
    /// Weights for what was not.
    pub weights: Weights,
    /// Weights of single communes, by code; the others weigh as much as an average one.
    #[serde(default)]
    pub communes: BTreeMap<String, Commune>,
}

/// Published figures of one district.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Where they come from.
    pub source: String,
    /// At the opening date.
    #[serde(default)]
    pub opening: Known,
    /// At the review date.
    #[serde(default)]
    pub closing: Known,
}

/// Those of three counts that are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Registered households.
    #[serde(default)]
    pub households: Option<u64>,
    /// Poor ones among them.
    #[serde(default)]
    pub poor: Option<u64>,
    /// Near-poor ones among them.
    #[serde(default)]
    pub near_poor: Option<u64>,
}

/// Weights of a district among the districts; only their proportions count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Must be true.
    pub synthetic: bool,
    /// For ethnic-minority households.
    pub dtts: Count,
    /// For all others.
    pub other: Count,
}

/// A commune that is unlike its neighbours. All of it is synthetic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commune {
    /// Must be true.
    pub synthetic: bool,
    /// Size against an average commune of the district, in percent.
    #[serde(default = "average")]
    pub size_percent: u64,
    /// Ethnic-minority households, of a thousand; without it the district's share.
    #[serde(default)]
    pub dtts_per_mille: Option<u64>,
    /// Weights of the ethnic groups; without them the province's.
    #[serde(default)]
    pub ethnicities: Option<BTreeMap<String, u64>>,
}

fn average() -> u64 {
    100
}

/// Why a text is not a set of targets. Places are written as paths into the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    /// The text is not JSON of this shape.
    #[error("cannot be read: {reason}")]
    Malformed {
        /// What the reader of JSON says.
        reason: String,
    },
    /// A part is more than its whole.
    #[error("{place}: more than the whole it is part of")]
    Sum {
        /// Where.
        place: String,
    },
    /// A split that nothing was published about does not say that it is made up.
    #[error("{place}: must be marked synthetic")]
    NotMarked {
        /// Where.
        place: String,
    },
    /// A text that must be there is empty, or names something unknown.
    #[error("{place}: missing or unknown")]
    Unknown {
        /// Where.
        place: String,
    },
    /// A number is outside of what makes sense.
    #[error("{place}: out of range")]
    Range {
        /// Where.
        place: String,
    },
}

impl Targets {
    /// Returns the targets of Quảng Trị, year-end review 2022.
    pub fn quang_tri_2022() -> Self {
        Self::parse(include_str!("../targets/quang-tri-2022.json"))
            .expect("the built-in targets are read by a test")
    }

    /// Says which districts' figures were made up, wholly or in part.
    pub(super) fn made_up(&self) -> BTreeMap<String, super::MadeUp> {
        let known = |figures: &Known| {
            figures.households.is_some() && figures.poor.is_some() && figures.near_poor.is_some()
        };
        self.districts
            .iter()
            .filter_map(|(code, district)| match &district.published {
                None => Some((code.clone(), super::MadeUp::Wholly)),
                Some(published) if known(&published.opening) && known(&published.closing) => None,
                Some(_) => Some((code.clone(), super::MadeUp::Partly)),
            })
            .collect()
    }

    /// Reads targets and checks that they agree with themselves.
    pub fn parse(json: &str) -> Result<Self, TargetsError> {
        let targets: Self = serde_json::from_str(json)
            .map_err(|error| TargetsError::Malformed { reason: error.to_string() })?;
        check::check(&targets)?;
        Ok(targets)
    }

    /// Returns the totals at a scale: what a plan of that scale adds up to.
    ///
    /// At full scale they are the published ones. Otherwise the registered households are rounded
    /// half up, and poor, near-poor and neither of both groups share them by largest remainder.
    pub fn scaled(&self, scale_ppm: u64) -> Result<Figures, PlanError> {
        if !(1..=SCALE_FULL_PPM).contains(&scale_ppm) {
            return Err(PlanError::Scale { scale_ppm });
        }
        let other = |all: Count, dtts: Count| all.minus(dtts);
        let opening =
            scale(self.dtts.opening, other(self.all.opening, self.dtts.opening), scale_ppm);
        let closing =
            scale(self.dtts.closing, other(self.all.closing, self.dtts.closing), scale_ppm);
        Ok(Figures {
            dtts: GroupFigures { opening: opening.0, closing: closing.0 },
            other: GroupFigures { opening: opening.1, closing: closing.1 },
        })
    }

    /// Returns the applicants at a scale.
    pub fn scaled_applicants(&self, scale_ppm: u64) -> u64 {
        share(self.assumed.applicants, scale_ppm, SCALE_FULL_PPM)
    }

    /// Returns the published figures of districts at a scale, with what a plan of that scale must
    /// come to, district by district.
    ///
    /// One quantity of the published districts and the rest of the province share the scaled total
    /// by largest remainder, so that no rounding makes districts more than their province.
    pub fn scaled_published(
        &self,
        scale_ppm: u64,
    ) -> Result<BTreeMap<String, (Known, Known)>, PlanError> {
        let totals = self.scaled(scale_ppm)?.all();
        let mut known: BTreeMap<String, (Known, Known)> = self
            .districts
            .iter()
            .filter_map(|(code, district)| {
                let published = district.published.as_ref()?;
                Some((code.clone(), (published.opening, published.closing)))
            })
            .collect();
        let quantities: [(Pick, Total); 3] = [
            (|known| &mut known.households, |count| count.households),
            (|known| &mut known.poor, |count| count.poor),
            (|known| &mut known.near_poor, |count| count.near_poor),
        ];
        for (of, total) in quantities {
            let rows = known.values_mut().map(|(opening, _)| of(opening));
            scale_known(rows.collect(), total(&self.all.opening), total(&totals.opening));
            let rows = known.values_mut().map(|(_, closing)| of(closing));
            scale_known(rows.collect(), total(&self.all.closing), total(&totals.closing));
        }
        Ok(known)
    }
}

/// Reads one of three counts.
type Total = fn(&Count) -> u64;

/// Picks one of three counts that may be known.
type Pick = fn(&mut Known) -> &mut Option<u64>;

/// Scales both groups at one date; see [`Targets::scaled`].
fn scale(dtts: Count, other: Count, scale_ppm: u64) -> (Count, Count) {
    let households = share(dtts.households + other.households, scale_ppm, SCALE_FULL_PPM);
    let rest = |count: Count| count.households - count.poor - count.near_poor;
    let cells = [dtts.poor, dtts.near_poor, rest(dtts), other.poor, other.near_poor, rest(other)];
    let scaled = largest_remainder(households, &cells);
    let count = |cells: &[u64]| Count {
        households: cells.iter().sum(),
        poor: cells[0],
        near_poor: cells[1],
    };
    (count(&scaled[..3]), count(&scaled[3..]))
}

/// Scales what is known of one quantity; the last cell is the rest of the province.
fn scale_known(rows: Vec<&mut Option<u64>>, whole: u64, scaled: u64) {
    let mut cells: Vec<u64> = rows.iter().map(|row| row.unwrap_or(0)).collect();
    let rest = whole - cells.iter().sum::<u64>();
    cells.push(rest);
    for (row, cell) in rows.into_iter().zip(largest_remainder(scaled, &cells)) {
        if row.is_some() {
            *row = Some(cell);
        }
    }
}
