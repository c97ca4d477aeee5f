//! The people of the demonstration: a synthetic population whose totals are the published ones.
//!
//! [`plan`] decides how many households of which kind live in which hamlet; [`truth`] makes up one
//! family when it is needed, always the same one for the same [`Spec`]. Pure: no clock, no files, no
//! floats, the same people on every machine. Every person here is made up. Only this module knows
//! the targets; the rest of the program has to find them again by counting.

mod apportion;
mod calibrate;
mod dwelling;
mod figures;
mod flow;
mod names;
mod people;
mod rng;
mod roster;
mod split;
mod targets;
mod truth;

use shared::classify::{B1Method, Class};
use shared::date::Date;
use shared::list::Hamlet;
use shared::unit::{Area, UnitTree};

pub use figures::{Count, Figures, GroupFigures};
pub use targets::{Published, Targets, TargetsError};
pub use truth::{Member0, Truth, truth};

/// Scale at which every household of the province is simulated, in parts per million.
pub const SCALE_FULL_PPM: u64 = 1_000_000;

/// A whole campaign that is still to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name of the campaign.
    pub campaign_name: String,
    /// Code of the province.
    pub province: String,
    /// Day of the opening list.
    pub opening_date: Date,
    /// Day on which ages are taken.
    pub review_date: Date,
    /// Units that keep a list, by code.
    pub communes: Vec<CommunePlan>,
}

/// What is to be found in one commune, or in a district without communes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunePlan {
    /// Unit code.
    pub unit: String,
    /// Rural region of the score table.
    pub region: String,
    /// Hamlets with their registered counts, by code.
    pub hamlets: Vec<Hamlet>,
    /// Households under review, by code: those of the opening list and applicants.
    pub households: Vec<Spec>,
    /// Set where the unit's share of the totals was made up.
    pub split_is_synthetic: bool,
}

/// One household under review, before anybody has visited it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Code, unique in the plan: hamlet code and a number, as in `19333-01-0007`.
    pub code: String,
    /// Hamlet code.
    pub hamlet: String,
    /// Area type of the hamlet.
    pub area: Area,
    /// Class on the opening list; none for an applicant.
    pub opening: Option<Class>,
    /// Ethnic-minority household (hộ DTTS); the same at opening and closing.
    pub dtts: bool,
    /// Ethnic group of the head, two digits.
    pub ethnicity: String,
    /// What the review has to find.
    pub goal: Goal,
    /// How B1 is obtained.
    pub method: B1Method,
    /// Seed of everything else about the household. The low 20 bits are its number in the plan.
    pub seed: u64,
}

/// What the review of a household comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// Surveyed and found to be poor, near-poor or above.
    Class(Class),
    /// Left the list: the outcome code `moved_out`, `died_out` or `joined`.
    Left(&'static str),
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The scale is 0 or more than the whole.
    #[error("scale must be 1 to {SCALE_FULL_PPM} parts per million, not {scale_ppm}")]
    Scale {
        /// The scale asked for.
        scale_ppm: u64,
    },
    /// A code of the targets is not a unit of the tree where it should be.
    #[error("{code} is not a unit below {parent} on this day")]
    UnknownUnit {
        /// The code.
        code: String,
        /// Code of the unit that should hold it.
        parent: String,
    },
    /// A district of the tree has no weights.
    #[error("district {code} has no weights")]
    MissingDistrict {
        /// The code.
        code: String,
    },
    /// No split satisfies the totals and the published figures at once.
    #[error("{quantity} of {unit} cannot be split to match the figures given")]
    Infeasible {
        /// Code of the unit to be split.
        unit: String,
        /// What cannot be split.
        quantity: &'static str,
    },
}

/// Makes the plan of a campaign whose counts are exactly the targets, scaled.
///
/// Which totals those are, [`Targets::scaled`] says.
pub fn plan(
    targets: &Targets,
    scale_ppm: u64,
    seed: u64,
    tree: &UnitTree,
) -> Result<Plan, PlanError> {
    let communes = calibrate::communes(targets, scale_ppm, seed, tree)?;
    Ok(Plan {
        campaign_name: targets.campaign.clone(),
        province: targets.province.clone(),
        opening_date: targets.opening_date,
        review_date: targets.review_date,
        communes,
    })
}
