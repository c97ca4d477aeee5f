//! A household that moves to another commune of the province in the middle of a review: the commune
//! that it leaves hands it over, the one that it comes to takes it, and both together are one decision.
//!
//! Nothing moves by one side's word alone: a commune gives a household back as it was given it, by an
//! offer that the other takes. An office above both may undo a move. Taken over, a household leaves the
//! list of the first as moved out and stands on the list of the second as moved in, so that the flows
//! of both close; come back to where it was opened, it stands there as opened.

use serde::{Deserialize, Serialize};

use crate::approve::Paper;
use crate::date::Date;
use crate::id::AccountId;

/// One side's word about a household that moves.
///
/// Source: practice 11 (unverified), see `LEGAL.md`, "Outcomes of a visit".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// The commune where it was hands it over.
    Offer {
        /// Unit that it went to.
        to: String,
        /// Paper that says so.
        paper: Paper,
        /// Day on which it moved.
        on: Date,
        /// Why, or what says so.
        reason: String,
    },
    /// The commune where it was keeps it after all.
    Withdraw {
        /// Why.
        reason: String,
    },
    /// The other does not take it.
    Decline {
        /// Why.
        reason: String,
    },
    /// The other takes it.
    Accept {
        /// Hamlet that it lives in now.
        hamlet: String,
    },
    /// An office above both puts it back, as if nothing had been decided.
    Undo {
        /// Why.
        reason: String,
    },
}

/// Where the newest handing over of a household stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The other side has to say something.
    Offered,
    /// It was taken back before that.
    Withdrawn,
    /// The other side does not take it.
    Declined,
    /// It has moved.
    Accepted,
    /// It was put back.
    Undone,
}

/// Which sides of a handing over somebody may speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaks {
    /// For the commune that it leaves.
    pub giving: bool,
    /// For the one that it comes to.
    pub taking: bool,
    /// From above both: for the district or the province that they lie in.
    pub above: bool,
}

/// Why a word is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Number, date or signer of the paper is missing.
    #[error("number, date and signer of the paper are needed")]
    PaperIncomplete,
    /// It says nothing of why.
    #[error("a reason is needed")]
    ReasonMissing,
    /// It is in that commune.
    #[error("the household is in that commune")]
    SameUnit,
    /// The day lies outside of the review.
    #[error("the day is before the opening list or after the review")]
    DayOutside,
    /// It is being handed over, or was already.
    #[error("the household is being handed over")]
    Open,
    /// There is no such offer now.
    #[error("nobody hands the household over now")]
    NothingOffered,
    /// It did not move.
    #[error("the household has not moved")]
    NothingAccepted,
    /// This side's word is somebody else's.
    #[error("another side has to say that")]
    OtherSide,
    /// A second person has to take it.
    #[error("who handed it over may not take it")]
    Alone,
}

/// What is known when somebody speaks.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Unit in which the household is now.
    pub unit: &'a str,
    /// Where its newest handing over stands, and who offered it.
    pub newest: Option<(Stage, AccountId)>,
    /// Who speaks.
    pub by: AccountId,
    /// For which side.
    pub speaks: Speaks,
    /// A decision needs a second person.
    pub four_eyes: bool,
    /// Days of the opening list and of the review.
    pub days: [Date; 2],
}

impl Act {
    /// Returns the stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Offer { .. } => "offer",
            Self::Withdraw { .. } => "withdraw",
            Self::Decline { .. } => "decline",
            Self::Accept { .. } => "accept",
            Self::Undo { .. } => "undo",
        }
    }

    /// Returns where a handing over stands after it.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Offer { .. } => Stage::Offered,
            Self::Withdraw { .. } => Stage::Withdrawn,
            Self::Decline { .. } => Stage::Declined,
            Self::Accept { .. } => Stage::Accepted,
            Self::Undo { .. } => Stage::Undone,
        }
    }

    /// Returns the paper that goes with it.
    pub fn paper(&self) -> Option<&Paper> {
        match self {
            Self::Offer { paper, .. } => Some(paper),
            Self::Withdraw { .. }
            | Self::Decline { .. }
            | Self::Accept { .. }
            | Self::Undo { .. } => None,
        }
    }

    /// Says why it cannot be said, if it cannot.
    ///
    /// Who takes a household over is a second person where the campaign asks for one; the two
    /// communes' officers always are.
    pub fn check(&self, known: &Known<'_>) -> Result<(), HandoverError> {
        let Speaks { giving, taking, above } = known.speaks;
        let spoken = |may: bool| if may { Ok(()) } else { Err(HandoverError::OtherSide) };
        let stage = known.newest.map(|(stage, _)| stage);
        let offered = || match stage {
            Some(Stage::Offered) => Ok(()),
            _ => Err(HandoverError::NothingOffered),
        };
        match self {
            Self::Offer { to, paper, on, reason } => {
                spoken(giving)?;
                if to == known.unit {
                    return Err(HandoverError::SameUnit);
                }
                if stage == Some(Stage::Offered) {
                    return Err(HandoverError::Open);
                }
                said(reason)?;
                if !paper.is_complete() {
                    return Err(HandoverError::PaperIncomplete);
                }
                let [opening, review] = known.days;
                let is_inside = (opening..=review).contains(on);
                if is_inside { Ok(()) } else { Err(HandoverError::DayOutside) }
            }
            Self::Withdraw { reason } => {
                offered()?;
                spoken(giving)?;
                said(reason)
            }
            Self::Decline { reason } => {
                offered()?;
                spoken(taking)?;
                said(reason)
            }
            Self::Accept { .. } => {
                offered()?;
                spoken(taking)?;
                let is_alone = known.newest.is_some_and(|(_, offered)| offered == known.by);
                if known.four_eyes && is_alone { Err(HandoverError::Alone) } else { Ok(()) }
            }
            Self::Undo { reason } => {
                if stage != Some(Stage::Accepted) {
                    return Err(HandoverError::NothingAccepted);
                }
                spoken(above)?;
                said(reason)
            }
        }
    }
}

fn said(text: &str) -> Result<(), HandoverError> {
    if text.trim().is_empty() { Err(HandoverError::ReasonMissing) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LAN: AccountId = AccountId([1; 16]);
    const MINH: AccountId = AccountId([2; 16]);
    const HA: AccountId = AccountId([3; 16]);

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn known(newest: Option<(Stage, AccountId)>, by: AccountId) -> Known<'static> {
        let speaks = Speaks { giving: by == LAN, taking: by == MINH, above: by == HA };
        let days = [day("2021-12-31"), day("2022-12-14")];
        Known { unit: "19558", newest, by, speaks, four_eyes: true, days }
    }

    fn offer(to: &str, on: &str) -> Act {
        let (number, date, signer) = ("3/XN".into(), "2022-11-01".into(), "Chủ tịch".into());
        let paper = Paper { number, date, signer, scan: None };
        Act::Offer { to: to.into(), paper, on: day(on), reason: "chuyển về quê".into() }
    }

    #[test]
    fn each_side_says_its_own_word_in_its_turn() {
        let because = || "vì".to_owned();
        let (offered, accepted) = (Some((Stage::Offered, LAN)), Some((Stage::Accepted, LAN)));
        let accept = Act::Accept { hamlet: "19561-01".into() };
        let undo = Act::Undo { reason: because() };
        let cases = [
            (offer("19561", "2022-10-01"), known(None, LAN), Ok(())),
            (offer("19561", "2022-10-01"), known(None, MINH), Err(HandoverError::OtherSide)),
            (offer("19558", "2022-10-01"), known(None, LAN), Err(HandoverError::SameUnit)),
            (offer("19561", "2021-12-30"), known(None, LAN), Err(HandoverError::DayOutside)),
            (offer("19561", "2022-12-15"), known(None, LAN), Err(HandoverError::DayOutside)),
            (offer("19561", "2022-10-01"), known(offered, LAN), Err(HandoverError::Open)),
            (accept.clone(), known(offered, MINH), Ok(())),
            (accept.clone(), known(offered, LAN), Err(HandoverError::OtherSide)),
            (accept.clone(), known(None, MINH), Err(HandoverError::NothingOffered)),
            (
                accept,
                known(Some((Stage::Withdrawn, LAN)), MINH),
                Err(HandoverError::NothingOffered),
            ),
            (undo.clone(), known(accepted, HA), Ok(())),
            (undo.clone(), known(accepted, LAN), Err(HandoverError::OtherSide)),
            (undo.clone(), known(accepted, MINH), Err(HandoverError::OtherSide)),
            (undo, known(offered, HA), Err(HandoverError::NothingAccepted)),
            (offer("19561", "2022-10-01"), known(accepted, HA), Err(HandoverError::OtherSide)),
            (Act::Withdraw { reason: because() }, known(offered, LAN), Ok(())),
            (
                Act::Withdraw { reason: because() },
                known(offered, MINH),
                Err(HandoverError::OtherSide),
            ),
            (
                Act::Decline { reason: " ".into() },
                known(offered, MINH),
                Err(HandoverError::ReasonMissing),
            ),
        ];
        for (act, known, expected) in cases {
            assert_eq!(act.check(&known), expected, "{act:?} {:?}", known.newest);
        }
    }

    #[test]
    fn who_speaks_for_both_sides_needs_a_second_person_where_one_is_asked_for() {
        let accept = Act::Accept { hamlet: "19561-01".into() };
        let both = Speaks { giving: true, taking: true, above: true };
        let alone = Known { speaks: both, ..known(Some((Stage::Offered, LAN)), LAN) };
        assert_eq!(accept.check(&alone), Err(HandoverError::Alone));
        assert_eq!(accept.check(&Known { four_eyes: false, ..alone }), Ok(()));
        assert_eq!(accept.check(&Known { by: MINH, ..alone }), Ok(()));
    }
}
