//! A score table comes into force by two people: one loads it, another confirms exactly that one.
//!
//! The log of both acts is only appended to; where a campaign stands is read from it.

use crate::id::{AccountId, Digest};

/// What was done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Loaded: it waits.
    Load,
    /// Confirmed: it is in force.
    Confirm,
}

/// One act of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub kind: Kind,
    /// Digest of the table's text.
    pub digest: Digest,
    /// Who did it.
    pub by: AccountId,
}

/// Why a confirmation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// Nothing waits.
    #[error("no table is waiting to be confirmed")]
    Nothing,
    /// Another table waits than the one that was looked at.
    #[error("another table is waiting")]
    Stale,
    /// Who loaded a table does not confirm it.
    #[error("who loaded the table may not confirm it")]
    OwnWork,
}

/// What a confirmation comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The table comes into force by it.
    Now,
    /// The same person has confirmed the same table already: a button pressed twice.
    Already,
}

/// Returns the loading that waits to be confirmed.
pub fn pending(steps: &[Step]) -> Option<&Step> {
    steps.last().filter(|step| step.kind == Kind::Load)
}

/// Tells whether loading a table adds anything: it does not where the very same one waits, or is in
/// force and nothing waits.
pub fn is_news(steps: &[Step], digest: Digest) -> bool {
    steps.last().is_none_or(|step| step.digest != digest)
}

/// Decides whether somebody may confirm the table named.
///
/// Source: practice of provinces, not a text: "a table is imported once by the province and
/// confirmed by two people"; see `LEGAL.md`, "Score tables".
pub fn confirm(steps: &[Step], by: AccountId, named: Digest) -> Result<Confirmed, ConfirmError> {
    let last = steps.last().ok_or(ConfirmError::Nothing)?;
    match last.kind {
        Kind::Confirm if last.digest == named && last.by == by => Ok(Confirmed::Already),
        Kind::Confirm => Err(ConfirmError::Nothing),
        Kind::Load if last.digest != named => Err(ConfirmError::Stale),
        Kind::Load if last.by == by => Err(ConfirmError::OwnWork),
        Kind::Load => Ok(Confirmed::Now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAI: AccountId = AccountId([1; 16]);
    const NAM: AccountId = AccountId([2; 16]);
    const ONE: Digest = Digest([1; 32]);
    const TWO: Digest = Digest([2; 32]);

    fn load(digest: Digest, by: AccountId) -> Step {
        Step { kind: Kind::Load, digest, by }
    }

    #[test]
    fn nobody_confirms_alone_or_another_table_than_the_one_that_waits() {
        let mut steps = Vec::new();
        assert_eq!(confirm(&steps, NAM, ONE), Err(ConfirmError::Nothing));
        steps.push(load(ONE, MAI));
        assert_eq!(confirm(&steps, MAI, ONE), Err(ConfirmError::OwnWork));
        assert_eq!(confirm(&steps, NAM, TWO), Err(ConfirmError::Stale));
        assert_eq!(confirm(&steps, NAM, ONE), Ok(Confirmed::Now));
        steps.push(Step { kind: Kind::Confirm, ..load(ONE, NAM) });
        assert_eq!(confirm(&steps, NAM, ONE), Ok(Confirmed::Already));
        assert_eq!(confirm(&steps, MAI, ONE), Err(ConfirmError::Nothing));
        assert!(pending(&steps).is_none());
        assert!(!is_news(&steps, ONE) && is_news(&steps, TWO));
    }

    #[test]
    fn a_correction_waits_for_a_second_person_again() {
        let confirmed = Step { kind: Kind::Confirm, ..load(ONE, NAM) };
        let steps = [load(ONE, MAI), confirmed, load(TWO, NAM)];
        assert_eq!(pending(&steps).map(|step| step.digest), Some(TWO));
        assert_eq!(confirm(&steps, NAM, TWO), Err(ConfirmError::OwnWork));
    }
}
