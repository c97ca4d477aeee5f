//! Two people behind every decision of an office: whoever submits the list looks at what others
//! decided, and what they decided themselves is countersigned by another named person.
//!
//! Source: practice of the field, see `LEGAL.md`, "Four eyes" (no legal text was found): a commune
//! with one officer is not locked; another named member of the steering committee (Ban Chỉ đạo)
//! countersigns, which is recorded and counted.
//!
//! That holds for answers that an office settles and for merges of two registrations, made or undone.
//! What the committee itself decides about a household rests on its minutes, which more than one
//! person signs, and needs no other signature here; a household that moves is named by two offices.

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::text::{composed, folded};

/// Longest name or title of a member of the committee, in characters.
const NAME_CHARS_MAX: usize = 200;

/// A decision of an office, as far as it matters who has seen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Who decided.
    pub by: AccountId,
    /// A member of the committee has countersigned it.
    pub countersigned: bool,
}

/// How many people stand behind a list's decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eyes {
    /// Decisions in all.
    pub decisions: u64,
    /// Taken by somebody else than the person who submits.
    pub by_another: u64,
    /// Taken by the person who submits, and countersigned.
    pub countersigned: u64,
    /// Taken by the person who submits, and seen by nobody else.
    pub alone: u64,
}

/// Counts who has seen decisions if this person submits the list.
///
/// ```
/// use shared::four_eyes::{Decided, eyes};
/// use shared::id::AccountId;
///
/// let (lan, minh) = (AccountId([1; 16]), AccountId([2; 16]));
/// let decided = |by, countersigned| Decided { by, countersigned };
/// let all = [decided(lan, false), decided(lan, true), decided(minh, false)];
/// let seen = eyes(&all, lan);
/// assert_eq!((seen.alone, seen.countersigned, seen.by_another), (1, 1, 1));
/// assert_eq!(eyes(&all, minh).alone, 1, "Minh's own");
/// ```
pub fn eyes(decisions: &[Decided], submits: AccountId) -> Eyes {
    let mut eyes = Eyes::default();
    for one in decisions {
        eyes.decisions += 1;
        match (one.by == submits, one.countersigned) {
            (false, _) => eyes.by_another += 1,
            (true, true) => eyes.countersigned += 1,
            (true, false) => eyes.alone += 1,
        }
    }
    eyes
}

/// Why a countersignature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountersignError {
    /// Name or title is missing or too long.
    #[error("the member's name and title are needed, of at most {NAME_CHARS_MAX} characters")]
    Incomplete,
    /// The member is the person who decided.
    #[error("who decided may not countersign")]
    Own,
}

/// A member of the steering committee who countersigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name.
    pub name: String,
    /// What that person is in the committee.
    pub title: String,
}

/// Reads who countersigns what these people decided.
///
/// # Errors
/// Where nobody is named, or one of those who decided.
pub fn member(name: &str, title: &str, deciders: &[&str]) -> Result<Member, CountersignError> {
    let (name, title) = (composed(name), composed(title));
    let is_fit = |text: &str| !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX;
    if !is_fit(&name) || !is_fit(&title) {
        return Err(CountersignError::Incomplete);
    }
    if deciders.iter().any(|decider| folded(&composed(decider)) == folded(&name)) {
        return Err(CountersignError::Own);
    }
    Ok(Member { name, title })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_countersigns_themselves_however_the_name_is_typed() {
        let own = |name: &str| member(name, "Phó ban", &["Hồ Thị Lan"]);
        assert_eq!(own("hồ  thị lan"), Err(CountersignError::Own));
        assert_eq!(own("Ho\u{302}\u{300} Thi\u{323} Lan"), Err(CountersignError::Own));
        assert_eq!(own(" "), Err(CountersignError::Incomplete));
        assert_eq!(member("Hồ Văn Minh", "", &[]), Err(CountersignError::Incomplete));
        let taken = own(" Hồ Văn  Minh ").map(|member| member.name);
        assert_eq!(taken.as_deref(), Ok("Hồ Văn Minh"));
    }
}
