//! What district and commune write to each other about one household of a list.
//!
//! A comment of the district stays as it was written; what the commune says to it is added.

use serde::{Deserialize, Serialize};

use crate::scope::Role;

/// Longest remark, in characters: half a page.
pub const REMARK_CHARS_MAX: usize = 2_000;

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// The district says what to look at.
    Comment,
    /// Somebody answers a comment.
    Answer,
    /// The commune says that a comment is dealt with.
    Done,
}

/// Why a remark is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RemarkError {
    /// Another role says this.
    #[error("another office says this")]
    Role,
    /// Nothing is said, too much, or signs that are no text.
    #[error("a remark is a text of at most {REMARK_CHARS_MAX} characters")]
    Text,
}

impl Remark {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Comment, Self::Answer, Self::Done];

    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Answer => "answer",
            Self::Done => "done",
        }
    }

    /// Reads the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|remark| remark.name() == name)
    }

    /// Returns what is kept of a text that somebody of this role writes.
    ///
    /// ```
    /// use shared::{remark::{Remark, RemarkError}, scope::Role};
    ///
    /// assert_eq!(Remark::Comment.check(Role::District, " xem lại "), Ok("xem lại".to_owned()));
    /// assert_eq!(Remark::Done.check(Role::District, "xong"), Err(RemarkError::Role));
    /// ```
    pub fn check(self, role: Role, text: &str) -> Result<String, RemarkError> {
        let may = match self {
            Self::Comment => role == Role::District,
            Self::Answer => matches!(role, Role::District | Role::Officer),
            Self::Done => role == Role::Officer,
        };
        if may { remark_text(text) } else { Err(RemarkError::Role) }
    }
}

/// Returns what is kept of a text: lines end one way, and nothing in it is no sign.
pub fn remark_text(text: &str) -> Result<String, RemarkError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let plain = text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t');
    let fits = !text.is_empty() && text.chars().nth(REMARK_CHARS_MAX).is_none();
    if plain && fits { Ok(text.to_owned()) } else { Err(RemarkError::Text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_a_text() {
        assert_eq!(remark_text("a\r\nb").as_deref(), Ok("a\nb"));
        assert_eq!(remark_text("<b>đậm</b>").as_deref(), Ok("<b>đậm</b>"), "signs like any other");
        for no_text in ["", " \n ", "a\0b", "a\u{1b}[31m"] {
            assert_eq!(remark_text(no_text), Err(RemarkError::Text), "{no_text:?}");
        }
        assert!(remark_text(&"ô".repeat(REMARK_CHARS_MAX)).is_ok());
        assert!(remark_text(&"ô".repeat(REMARK_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn who_may_say_what() {
        let may = |remark: Remark, role| remark.check(role, "x").is_ok();
        for remark in Remark::ALL {
            assert!(!may(remark, Role::Province) && !may(remark, Role::Enumerator));
            assert_eq!(Remark::from_name(remark.name()), Some(remark));
        }
        assert!(!may(Remark::Comment, Role::Officer) && may(Remark::Done, Role::Officer));
        assert!(may(Remark::Answer, Role::District) && may(Remark::Answer, Role::Officer));
    }
}
