//! Seventh stage of the line: the legal steps of a list, from collecting to recognition.
//!
//! A step names the root it rests on and no other; a root that is no longer current is refused.
//! No path to recognised goes round the district's opinion.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Digest};
use crate::scope::Role;

/// Where a commune's list stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Phones still hand in work; there is only a draft.
    Collecting,
    /// Frozen and handed to the district (chốt danh sách, trình huyện).
    Submitted {
        /// Root of the frozen rows.
        root: Digest,
        /// Who submitted it.
        by: AccountId,
    },
    /// The district agrees (ý kiến: thống nhất).
    Approved {
        /// Root of the frozen rows.
        root: Digest,
    },
    /// Recognised by the commune's chair (quyết định công nhận): the legal act. Rates read this.
    Recognised {
        /// Root of the frozen rows.
        root: Digest,
    },
}

impl Step {
    /// Returns the root the list is frozen under, if it is.
    pub fn root(&self) -> Option<Digest> {
        match self {
            Self::Collecting => None,
            Self::Submitted { root, .. } | Self::Approved { root } | Self::Recognised { root } => {
                Some(*root)
            }
        }
    }

    /// Tells whether what arrives now is late.
    pub fn is_frozen(&self) -> bool {
        self.root().is_some()
    }

    /// Returns the stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Submitted { .. } => "submitted",
            Self::Approved { .. } => "approved",
            Self::Recognised { .. } => "recognised",
        }
    }
}

/// A paper behind a step: number, date and who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Number of the document, for example `QĐ 14/QĐ-UBND`.
    pub number: String,
    /// Date on it, `YYYY-MM-DD`.
    pub date: String,
    /// Who signed it.
    pub signer: String,
    /// SHA-256 of its scan, where one is kept: the decision names the very file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Digest>,
}

impl Paper {
    /// Tells whether number, date and signer are there.
    pub fn is_complete(&self) -> bool {
        !self.number.trim().is_empty()
            && !self.signer.trim().is_empty()
            && crate::date::Date::parse(&self.date).is_ok()
    }
}

/// What somebody does to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// Freezes the draft under this root and hands it to the district.
    Submit {
        /// Root of the draft as shown.
        root: Digest,
    },
    /// Sends it back with comments (đề nghị rà soát lại); the freeze is discarded.
    Return {
        /// Root being returned.
        root: Digest,
        /// What to look at again, for the list as a whole.
        comment: String,
        /// Comments by household id.
        #[serde(default)]
        households: std::collections::BTreeMap<crate::id::HouseholdId, String>,
        /// The written opinion that goes with it, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opinion: Option<Paper>,
    },
    /// Agrees (thống nhất).
    Approve {
        /// Root agreed to.
        root: Digest,
        /// The written opinion.
        opinion: Paper,
    },
    /// Recognises the list.
    Recognise {
        /// Root recognised.
        root: Digest,
        /// The commune chair's decision.
        decision: Paper,
    },
    /// Takes a recognition back; the commune leaves every total.
    Withdraw {
        /// Root taken back.
        root: Digest,
        /// Why.
        reason: String,
    },
}

impl Act {
    /// Returns the root named.
    pub fn root(&self) -> Digest {
        match self {
            Self::Submit { root }
            | Self::Return { root, .. }
            | Self::Approve { root, .. }
            | Self::Recognise { root, .. }
            | Self::Withdraw { root, .. } => *root,
        }
    }

    /// Returns the paper that goes with it.
    pub fn paper(&self) -> Option<&Paper> {
        match self {
            Self::Approve { opinion: paper, .. } | Self::Recognise { decision: paper, .. } => {
                Some(paper)
            }
            Self::Return { opinion, .. } => opinion.as_ref(),
            Self::Submit { .. } | Self::Withdraw { .. } => None,
        }
    }

    /// Adds what was written beside households of the list before it was sent back, so that the
    /// decision holds every comment it rests on.
    #[must_use]
    pub fn with_comments(mut self, written: &[(crate::id::HouseholdId, String)]) -> Self {
        if let Self::Return { households, .. } = &mut self {
            for (household, text) in written {
                let comment = households.entry(*household).or_default();
                if comment != text {
                    let gap = if comment.is_empty() { "" } else { "\n" };
                    comment.insert_str(0, &format!("{text}{gap}"));
                }
            }
        }
        self
    }

    /// Returns the role that may do it.
    ///
    /// Source: Decision 24/2021/QĐ-TTg, Art. 4 (secondary), see `LEGAL.md`, "Process steps": the
    /// commune submits, the district chair gives an opinion, the commune chair recognises. That a
    /// recognition is taken back by the office that issued it is our reading.
    pub fn role(&self) -> Role {
        match self {
            Self::Submit { .. } | Self::Recognise { .. } | Self::Withdraw { .. } => Role::Officer,
            Self::Return { .. } | Self::Approve { .. } => Role::District,
        }
    }
}

/// Why a step is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApproveError {
    /// Another role does this.
    #[error("this step belongs to the {} office", .0.name())]
    Role(Role),
    /// The list is at another step.
    #[error("the list is at the step {0}")]
    Step(&'static str),
    /// The root named is not the current one.
    #[error("the root named is not the current one")]
    StaleRoot,
    /// Nobody approves what they submitted.
    #[error("who submitted the list may not approve it")]
    OwnWork,
    /// Number, date or signer of the paper is missing.
    #[error("number, date and signer of the document are needed")]
    PaperIncomplete,
    /// A return or withdrawal says why.
    #[error("a reason is needed")]
    ReasonMissing,
}

/// Takes one step, or says why not. `draft` is the root of the draft as it is now.
///
/// ```
/// use shared::approve::{Act, ApproveError, Step, decide};
/// use shared::id::{AccountId, Digest};
/// use shared::scope::Role;
///
/// let act = Act::Submit { root: Digest([1; 32]) };
/// let by = AccountId([7; 16]);
/// let draft = Some(Digest([1; 32]));
/// let step = decide(&Step::Collecting, &act, by, Role::Officer, draft).unwrap();
/// assert_eq!(step, Step::Submitted { root: Digest([1; 32]), by });
/// let stale = decide(&Step::Collecting, &act, by, Role::Officer, Some(Digest([2; 32])));
/// assert_eq!(stale, Err(ApproveError::StaleRoot));
/// ```
pub fn decide(
    step: &Step,
    act: &Act,
    by: AccountId,
    role: Role,
    draft: Option<Digest>,
) -> Result<Step, ApproveError> {
    if role != act.role() {
        return Err(ApproveError::Role(act.role()));
    }
    let current = step.root().or(draft);
    let fits = |next: Step| {
        if current == Some(act.root()) { Ok(next) } else { Err(ApproveError::StaleRoot) }
    };
    match (step, act) {
        (Step::Collecting, Act::Submit { root }) => fits(Step::Submitted { root: *root, by }),
        (Step::Submitted { by: submitter, .. }, Act::Approve { .. }) if *submitter == by => {
            Err(ApproveError::OwnWork)
        }
        (Step::Submitted { .. }, Act::Approve { root, opinion }) => {
            check_paper(opinion)?;
            fits(Step::Approved { root: *root })
        }
        (Step::Submitted { .. }, Act::Return { comment, households, opinion, .. }) => {
            check_reason(comment)?;
            households.values().try_for_each(|comment| check_reason(comment))?;
            opinion.iter().try_for_each(check_paper)?;
            fits(Step::Collecting)
        }
        (Step::Approved { .. }, Act::Recognise { root, decision }) => {
            check_paper(decision)?;
            fits(Step::Recognised { root: *root })
        }
        (Step::Recognised { .. }, Act::Withdraw { reason, .. }) => {
            check_reason(reason)?;
            fits(Step::Collecting)
        }
        (
            Step::Collecting
            | Step::Submitted { .. }
            | Step::Approved { .. }
            | Step::Recognised { .. },
            _,
        ) => Err(ApproveError::Step(step.name())),
    }
}

fn check_paper(paper: &Paper) -> Result<(), ApproveError> {
    if paper.is_complete() { Ok(()) } else { Err(ApproveError::PaperIncomplete) }
}

fn check_reason(reason: &str) -> Result<(), ApproveError> {
    if reason.trim().is_empty() { Err(ApproveError::ReasonMissing) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    use crate::id::HouseholdId;

    const ROOT: Digest = Digest([1; 32]);
    const OFFICER: AccountId = AccountId([1; 16]);
    const DISTRICT: AccountId = AccountId([2; 16]);

    fn paper() -> Paper {
        let (number, date, signer) = ("12/UBND".into(), "2022-12-10".into(), "Chủ tịch".into());
        Paper { number, date, signer, scan: None }
    }

    fn approve() -> Act {
        Act::Approve { root: ROOT, opinion: paper() }
    }

    #[test]
    fn the_straight_way_leads_to_recognition() {
        let submit = Act::Submit { root: ROOT };
        let step = decide(&Step::Collecting, &submit, OFFICER, Role::Officer, Some(ROOT)).unwrap();
        let step = decide(&step, &approve(), DISTRICT, Role::District, None).unwrap();
        let recognise = Act::Recognise { root: ROOT, decision: paper() };
        let step = decide(&step, &recognise, OFFICER, Role::Officer, None).unwrap();
        assert_eq!(step, Step::Recognised { root: ROOT });
        let withdraw = Act::Withdraw { root: ROOT, reason: "sai số liệu".into() };
        assert_eq!(
            decide(&step, &withdraw, OFFICER, Role::Officer, None).unwrap(),
            Step::Collecting
        );
    }

    #[test]
    fn no_step_is_skipped() {
        let recognise = Act::Recognise { root: ROOT, decision: paper() };
        let submitted = Step::Submitted { root: ROOT, by: OFFICER };
        for step in [Step::Collecting, submitted.clone()] {
            let skipped = decide(&step, &recognise, OFFICER, Role::Officer, Some(ROOT));
            assert_eq!(skipped, Err(ApproveError::Step(step.name())));
        }
        let early = decide(&Step::Collecting, &approve(), DISTRICT, Role::District, Some(ROOT));
        assert_eq!(early, Err(ApproveError::Step("collecting")));
        let wrong = decide(&submitted, &approve(), OFFICER, Role::Officer, None);
        assert_eq!(wrong, Err(ApproveError::Role(Role::District)));
        let own = decide(&submitted, &approve(), OFFICER, Role::District, None);
        assert_eq!(own, Err(ApproveError::OwnWork));
    }

    #[test]
    fn another_root_is_stale_and_papers_are_whole() {
        let submitted = Step::Submitted { root: Digest([9; 32]), by: OFFICER };
        let stale = decide(&submitted, &approve(), DISTRICT, Role::District, None);
        assert_eq!(stale, Err(ApproveError::StaleRoot));
        let mut opinion = paper();
        opinion.date = "10/12/2022".into();
        let act = Act::Approve { root: Digest([9; 32]), opinion };
        let incomplete = decide(&submitted, &act, DISTRICT, Role::District, None);
        assert_eq!(incomplete, Err(ApproveError::PaperIncomplete));
        let back = |comment: &str, households: &[(HouseholdId, String)], opinion| Act::Return {
            root: Digest([9; 32]),
            comment: comment.into(),
            households: households.iter().cloned().collect(),
            opinion,
        };
        let refused = |act| decide(&submitted, &act, DISTRICT, Role::District, None);
        assert_eq!(refused(back(" ", &[], None)), Err(ApproveError::ReasonMissing));
        let blank = [(HouseholdId([1; 16]), " ".to_owned())];
        assert_eq!(refused(back("xem", &blank, None)), Err(ApproveError::ReasonMissing));
        let unsigned = Paper { signer: String::new(), ..paper() };
        let unsigned = back("xem", &[], Some(unsigned));
        assert_eq!(refused(unsigned), Err(ApproveError::PaperIncomplete));
        assert_eq!(refused(back("xem", &[], Some(paper()))), Ok(Step::Collecting));
    }

    #[test]
    fn a_return_holds_what_was_written_beside_households() {
        let id = |byte| HouseholdId([byte; 16]);
        let act = Act::Return {
            root: ROOT,
            comment: "xem lại".into(),
            households: [(id(1), "nhà ở".to_owned())].into(),
            opinion: None,
        };
        let written = [(id(1), "số khẩu".to_owned()), (id(2), "đất".to_owned())];
        let Act::Return { households, .. } = act.with_comments(&written) else { panic!() };
        assert_eq!(households[&id(1)], "số khẩu\nnhà ở");
        assert_eq!(households[&id(2)], "đất");
    }

    #[test]
    fn acts_of_before_there_were_scans_read_as_they_did() {
        let old = r#"{"act":"approve","root":"ROOT","opinion":{"number":"1","date":"2022-12-10","signer":"A"}}"#;
        let old = old.replace("ROOT", &ROOT.to_string());
        let act: Act = serde_json::from_str(&old).unwrap();
        assert_eq!(act.paper().unwrap().scan, None);
        assert_eq!(serde_json::to_string(&act).unwrap(), old, "and are written as they were");
    }
}
