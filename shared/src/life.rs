//! What happens to a household itself: it moves, splits, joins another, dies out; or nobody could
//! ask it, and the steering committee decided with minutes.
//!
//! None of it is a class. A household that refused or was not found stays pending until the
//! committee has decided: no household leaves a list silently.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::approve::Paper;
use crate::classify::Class;
use crate::date::Date;
use crate::id::HouseholdId;
use crate::list::{Outcome, Row};

/// What became of a household beside its class.
///
/// Source: practice of the field (unverified), see `LEGAL.md`, "Outcomes of a visit".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Nothing: it is the household it was.
    #[default]
    Same,
    /// It moved in.
    MovedIn,
    /// It split from another household.
    Split,
    /// It moved out, and that was confirmed.
    MovedOut,
    /// It joined another household.
    Joined,
    /// Nobody of it is left.
    DiedOut,
    /// It could not be asked; the committee keeps it in the class it had.
    Kept,
    /// It could not be asked; the committee took it off the list.
    StruckOff,
}

impl Life {
    /// Reads the outcome code of Phiếu B.
    pub fn of_code(code: Option<&str>) -> Self {
        match code {
            Some("moved_in") => Self::MovedIn,
            Some("split") => Self::Split,
            Some("moved_out") => Self::MovedOut,
            Some("joined") => Self::Joined,
            Some("died_out") => Self::DiedOut,
            _ => Self::Same,
        }
    }

    /// Returns the byte that frozen lists hold.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Same => 0,
            Self::MovedIn => 1,
            Self::Split => 2,
            Self::MovedOut => 3,
            Self::Joined => 4,
            Self::DiedOut => 5,
            Self::Kept => 6,
            Self::StruckOff => 7,
        }
    }

    /// Reads the byte that frozen lists hold.
    pub(crate) fn by_code(code: u8) -> Option<Self> {
        [
            Self::Same,
            Self::MovedIn,
            Self::Split,
            Self::MovedOut,
            Self::Joined,
            Self::DiedOut,
            Self::Kept,
            Self::StruckOff,
        ]
        .into_iter()
        .find(|life| life.code() == code)
    }
}

/// What the steering committee decides about a household that refused or was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It stays in the class it had.
    Keep,
    /// It leaves the list, or does not come onto it.
    StrikeOff,
}

/// What is decided about a household's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// The committee decides about a household that nobody could ask.
    ///
    /// Source: practice 11 (unverified), see `LEGAL.md`, "Outcomes of a visit".
    Decide {
        /// What it decides.
        verdict: Verdict,
        /// Its minutes.
        minutes: Paper,
        /// Why.
        reason: String,
    },
    /// The household split from another one.
    Split {
        /// The other.
        from: HouseholdId,
        /// When.
        on: Date,
        /// It still lives in the same house.
        #[serde(default)]
        same_house: bool,
        /// It still shares the electricity meter.
        #[serde(default)]
        same_meter: bool,
        /// What says so.
        evidence: String,
    },
    /// The household joined another one.
    Join {
        /// The other.
        into: HouseholdId,
        /// When.
        on: Date,
        /// What says so.
        evidence: String,
    },
    /// What was decided before does not hold any longer.
    Undo {
        /// Why.
        reason: String,
    },
}

/// Why an act is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// Number, date or signer of the minutes is missing.
    #[error("number, date and signer of the minutes are needed")]
    PaperIncomplete,
    /// It says nothing of why.
    #[error("a reason is needed")]
    ReasonMissing,
    /// Somebody has asked the household, or it has left: there is nothing to decide.
    #[error("the household has an outcome")]
    HasOutcome,
    /// A household that was on no list has no class to keep.
    #[error("the household was on no list and has no class to keep")]
    NothingToKeep,
    /// A household named itself.
    #[error("a household cannot split from itself or join itself")]
    Itself,
    /// The other household is none of the campaign.
    #[error("the other household is not in this campaign")]
    OtherUnknown,
    /// Links would go round in a circle.
    #[error("these links go round in a circle")]
    Circle,
    /// The day is after the review.
    #[error("the day is after the review")]
    TooLate,
    /// There is nothing to undo.
    #[error("nothing was decided about the household")]
    NothingToUndo,
}

/// What is known of a household when something is decided about it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its row, as it is without any decision.
    pub row: &'a Row,
    /// Every household of the campaign that the act may name.
    pub campaign: &'a BTreeSet<HouseholdId>,
    /// What holds of the campaign's households.
    pub holding: &'a BTreeMap<HouseholdId, Holding>,
    /// Day of the review.
    pub review_date: Date,
}

impl Act {
    /// Returns the stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Decide { .. } => "decide",
            Self::Split { .. } => "split",
            Self::Join { .. } => "join",
            Self::Undo { .. } => "undo",
        }
    }

    /// Returns the paper that goes with it.
    pub fn paper(&self) -> Option<&Paper> {
        match self {
            Self::Decide { minutes, .. } => Some(minutes),
            Self::Split { .. } | Self::Join { .. } | Self::Undo { .. } => None,
        }
    }

    /// Returns the household that it links to.
    pub fn kin(&self) -> Option<HouseholdId> {
        match self {
            Self::Split { from: other, .. } | Self::Join { into: other, .. } => Some(*other),
            Self::Decide { .. } | Self::Undo { .. } => None,
        }
    }

    /// Tells whether a household that nobody asked has an outcome by it.
    pub fn is_outcome(&self) -> bool {
        matches!(self, Self::Decide { .. } | Self::Join { .. })
    }

    /// Says why it cannot be decided of a household, if it cannot.
    pub fn check(&self, known: &Known<'_>) -> Result<(), LifeError> {
        let household = known.row.household;
        match self {
            Self::Decide { verdict, minutes, reason } => {
                said(reason)?;
                if !minutes.is_complete() {
                    return Err(LifeError::PaperIncomplete);
                }
                if known.row.outcome != Outcome::Pending {
                    return Err(LifeError::HasOutcome);
                }
                let keeps = *verdict == Verdict::Keep;
                let held = matches!(known.row.opening, Some(Class::Poor | Class::NearPoor));
                if keeps && !held { Err(LifeError::NothingToKeep) } else { Ok(()) }
            }
            Self::Split { from: other, on, evidence, .. }
            | Self::Join { into: other, on, evidence } => {
                said(evidence)?;
                if *on > known.review_date {
                    return Err(LifeError::TooLate);
                }
                if *other == household {
                    return Err(LifeError::Itself);
                }
                if !known.campaign.contains(other) {
                    return Err(LifeError::OtherUnknown);
                }
                if leads_to(known.holding, *other, household) {
                    return Err(LifeError::Circle);
                }
                if matches!(self, Self::Join { .. }) && known.row.outcome == Outcome::Surveyed {
                    return Err(LifeError::HasOutcome);
                }
                Ok(())
            }
            Self::Undo { reason } => {
                said(reason)?;
                let holds = known.holding.contains_key(&household);
                if holds { Ok(()) } else { Err(LifeError::NothingToUndo) }
            }
        }
    }

    /// Tells whether a split must be shown to the meeting: within 24 months before the review, the
    /// same house or the same meter. It is never a reason to refuse.
    ///
    /// Source: practice 16 (unverified), see `LEGAL.md`, "Outcomes of a visit".
    pub fn is_doubtful(&self, review_date: Date) -> bool {
        let Self::Split { on, same_house, same_meter, .. } = self else { return false };
        *same_house || *same_meter || *on >= review_date.years_before(SPLIT_YEARS)
    }

    /// Writes on a row what was decided of its household. What somebody found on a visit holds
    /// against the committee, and against a join; a split only says where the household came from.
    pub fn write_on(&self, row: &mut Row) {
        let is_pending = row.outcome == Outcome::Pending;
        match self {
            Self::Decide { verdict: Verdict::Keep, .. } if is_pending => {
                (row.outcome, row.class, row.life) = (Outcome::Kept, row.opening, Life::Kept);
            }
            Self::Decide { verdict: Verdict::StrikeOff, .. } if is_pending => {
                (row.outcome, row.class, row.life) = (Outcome::Left, None, Life::StruckOff);
            }
            Self::Split { from, .. } => {
                row.kin = Some(*from);
                if row.outcome == Outcome::Surveyed {
                    row.life = Life::Split;
                }
            }
            Self::Join { into, .. } if is_pending || row.outcome == Outcome::Left => {
                (row.outcome, row.class, row.life) = (Outcome::Left, None, Life::Joined);
                row.kin = Some(*into);
            }
            Self::Decide { .. } | Self::Join { .. } | Self::Undo { .. } => {}
        }
    }
}

/// Years before the review within which a split is shown.
const SPLIT_YEARS: u8 = 2;

fn said(text: &str) -> Result<(), LifeError> {
    if text.trim().is_empty() { Err(LifeError::ReasonMissing) } else { Ok(()) }
}

/// Tells whether the links from one household lead to another.
fn leads_to(holding: &BTreeMap<HouseholdId, Holding>, from: HouseholdId, to: HouseholdId) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(household) = next.pop() {
        if household == to {
            return true;
        }
        if seen.insert(household) {
            let held = holding.get(&household);
            next.extend(held.into_iter().flat_map(|held| held.acts().filter_map(Act::kin)));
        }
    }
    false
}

/// What holds of a household: where it came from, and what became of it. The one says nothing against
/// the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// In the order in which they were taken, one of each kind.
    acts: Vec<Act>,
}

impl Holding {
    /// Returns what holds, in the order in which it was decided.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter()
    }

    /// Tells whether a household that nobody asked has an outcome by it.
    pub fn is_outcome(&self) -> bool {
        self.acts.iter().any(Act::is_outcome)
    }

    /// Writes on a row all that holds: where the household came from first.
    pub fn write_on(&self, row: &mut Row) {
        let is_split = |act: &&Act| matches!(act, Act::Split { .. });
        self.acts.iter().filter(is_split).for_each(|act| act.write_on(row));
        self.acts.iter().filter(|act| !is_split(act)).for_each(|act| act.write_on(row));
    }

    fn take(&mut self, act: Act) {
        if matches!(act, Act::Undo { .. }) {
            self.acts.pop();
            return;
        }
        let is_split = |act: &Act| matches!(act, Act::Split { .. });
        self.acts.retain(|held| is_split(held) != is_split(&act));
        self.acts.push(act);
    }
}

/// Returns what holds of each household: the newest act of each kind; one that undoes takes the
/// newest of them away.
pub fn holding(
    acts: impl IntoIterator<Item = (HouseholdId, Act)>,
) -> BTreeMap<HouseholdId, Holding> {
    let mut holding: BTreeMap<HouseholdId, Holding> = BTreeMap::new();
    for (household, act) in acts {
        holding.entry(household).or_default().take(act);
    }
    holding.retain(|_, held| !held.acts.is_empty());
    holding
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::list::tests::row;

    const REVIEW: &str = "2022-12-14";

    fn id(byte: u8) -> HouseholdId {
        HouseholdId([byte; 16])
    }

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn split(from: u8, on: &str) -> Act {
        let (from, on) = (id(from), day(on));
        Act::Split { from, on, same_house: false, same_meter: false, evidence: "sổ hộ".into() }
    }

    fn join(into: u8) -> Act {
        Act::Join { into: id(into), on: day("2022-12-01"), evidence: "sổ hộ".into() }
    }

    fn keep(verdict: Verdict) -> Act {
        let (number, date, signer) = ("5/BB".into(), "2022-12-01".into(), "Trưởng ban".into());
        let minutes = Paper { number, date, signer, scan: None };
        Act::Decide { verdict, minutes, reason: "không gặp ba lần".into() }
    }

    fn checked(
        act: &Act,
        row: &Row,
        holding: &BTreeMap<HouseholdId, Holding>,
    ) -> Result<(), LifeError> {
        let campaign = (1..=4).map(id).collect();
        act.check(&Known { row, campaign: &campaign, holding, review_date: day(REVIEW) })
    }

    #[test]
    fn links_name_others_of_the_campaign_and_make_no_circle() {
        let none = BTreeMap::new();
        let pending = Row { outcome: Outcome::Pending, class: None, ..row(1) };
        assert_eq!(checked(&split(1, "2022-03-01"), &row(1), &none), Err(LifeError::Itself));
        assert_eq!(checked(&split(9, "2022-03-01"), &row(1), &none), Err(LifeError::OtherUnknown));
        assert_eq!(checked(&split(2, "2023-01-01"), &row(1), &none), Err(LifeError::TooLate));
        assert_eq!(checked(&split(2, "1999-01-01"), &row(1), &none), Ok(()));
        assert_eq!(checked(&join(2), &row(1), &none), Err(LifeError::HasOutcome), "it was asked");
        assert_eq!(checked(&join(2), &pending, &none), Ok(()));
        let chain = holding([(id(2), join(3)), (id(3), join(4))]);
        assert_eq!(checked(&join(2), &pending, &chain), Ok(()), "a chain");
        let circle = holding([(id(2), join(3)), (id(3), join(1))]);
        assert_eq!(checked(&join(2), &pending, &circle), Err(LifeError::Circle));
        let apart = holding([(id(2), join(3)), (id(3), join(2))]);
        assert_eq!(checked(&join(2), &pending, &apart), Ok(()), "and it ends");
    }

    #[test]
    fn the_committee_decides_only_where_nobody_could_ask() {
        let none = BTreeMap::new();
        let poor = Some(Class::Poor);
        let pending = Row { outcome: Outcome::Pending, class: None, opening: poor, ..row(1) };
        for verdict in [Verdict::Keep, Verdict::StrikeOff] {
            assert_eq!(checked(&keep(verdict), &pending, &none), Ok(()));
            assert_eq!(checked(&keep(verdict), &row(1), &none), Err(LifeError::HasOutcome));
        }
        let applicant = Row { opening: None, ..pending.clone() };
        assert_eq!(checked(&keep(Verdict::Keep), &applicant, &none), Err(LifeError::NothingToKeep));
        assert_eq!(checked(&keep(Verdict::StrikeOff), &applicant, &none), Ok(()));
        let mut kept = pending.clone();
        keep(Verdict::Keep).write_on(&mut kept);
        assert_eq!((kept.outcome, kept.class), (Outcome::Kept, poor));
        let mut struck = pending;
        keep(Verdict::StrikeOff).write_on(&mut struck);
        assert_eq!((struck.outcome, struck.life), (Outcome::Left, Life::StruckOff));
        let mut found = row(1);
        keep(Verdict::StrikeOff).write_on(&mut found);
        assert_eq!(found, row(1), "what was found on a visit holds");
    }

    #[test]
    fn a_young_split_is_shown_and_an_undone_one_is_gone() {
        assert!(split(2, "2020-12-14").is_doubtful(day(REVIEW)));
        assert!(!split(2, "2020-12-13").is_doubtful(day(REVIEW)));
        let undo = Act::Undo { reason: "nhầm".into() };
        let all = [(id(1), split(2, "2022-03-01")), (id(1), undo.clone()), (id(3), join(2))];
        assert_eq!(holding(all), holding([(id(3), join(2))]));
        assert_eq!(checked(&undo, &row(1), &BTreeMap::new()), Err(LifeError::NothingToUndo));
    }

    #[test]
    fn where_it_came_from_stays_known_whatever_is_decided_later() {
        let minutes = keep(Verdict::StrikeOff);
        let undo = Act::Undo { reason: "nhầm".into() };
        let of =
            |acts: &[&Act]| holding(acts.iter().map(|act| (id(1), (*act).clone()))).remove(&id(1));
        let mut row = Row { outcome: Outcome::Pending, class: None, ..row(1) };
        let both = of(&[&split(2, "2022-03-01"), &minutes]).unwrap();
        both.write_on(&mut row);
        assert_eq!((row.outcome, row.kin), (Outcome::Left, Some(id(2))));
        assert!(both.is_outcome());
        let undone = of(&[&split(2, "2022-03-01"), &minutes, &undo]).unwrap();
        assert_eq!(undone, of(&[&split(2, "2022-03-01")]).unwrap(), "the newest goes");
        assert_eq!(of(&[&minutes, &keep(Verdict::Keep), &undo]), None, "one of each kind");
        let joined = of(&[&split(2, "2022-03-01"), &join(3)]).unwrap();
        let mut left = Row { outcome: Outcome::Left, class: None, ..row.clone() };
        joined.write_on(&mut left);
        assert_eq!((left.life, left.kin), (Life::Joined, Some(id(3))));
    }
}
