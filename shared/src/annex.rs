//! The four annexes of a decision of recognition: which household stands on which.
//!
//! Only rows of a list are read. Whether that list may be decided on is [`is_draft`]'s answer; a
//! draft is printed, and says on every page that it is one.

use crate::classify::Class;
use crate::list::Row;

/// An annex of the decision (Mẫu 02).
///
/// Source: Decision 24/2021/QĐ-TTg, Art. 4 (secondary), see `LEGAL.md`, "Annexes of the decision":
/// poor, near-poor, escaped poverty, escaped near-poverty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Annex {
    /// Poor after the review.
    Poor,
    /// Near-poor after the review.
    NearPoor,
    /// Poor before, near-poor or above after.
    EscapedPoor,
    /// Near-poor before, above after.
    EscapedNearPoor,
}

impl Annex {
    /// Every annex in its order.
    pub const ALL: [Self; 4] =
        [Self::Poor, Self::NearPoor, Self::EscapedPoor, Self::EscapedNearPoor];

    /// Returns the heading in Vietnamese.
    pub fn label_vi(self) -> &'static str {
        match self {
            Self::Poor => "hộ nghèo",
            Self::NearPoor => "hộ cận nghèo",
            Self::EscapedPoor => "hộ thoát nghèo",
            Self::EscapedNearPoor => "hộ thoát cận nghèo",
        }
    }

    /// Tells whether a household stands on it. One that went from poor to near-poor stands on two;
    /// one that left the list stands on none.
    pub fn holds(self, row: &Row) -> bool {
        match (self, row.opening, row.after()) {
            (Self::Poor, _, class) => class == Some(Class::Poor),
            (Self::NearPoor, _, class) => class == Some(Class::NearPoor),
            (Self::EscapedPoor, opening, class) => {
                opening == Some(Class::Poor)
                    && matches!(class, Some(Class::NearPoor | Class::Above))
            }
            (Self::EscapedNearPoor, opening, class) => {
                opening == Some(Class::NearPoor) && class == Some(Class::Above)
            }
        }
    }
}

/// Tells whether papers printed from a list at this step are drafts: until the district has agreed
/// to it there is nothing to decide.
///
/// ```
/// use shared::annex::is_draft;
///
/// assert!(is_draft("collecting") && is_draft("submitted"));
/// assert!(!is_draft("approved") && !is_draft("recognised"));
/// ```
pub fn is_draft(step: &str) -> bool {
    !matches!(step, "approved" | "recognised")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::Outcome;
    use crate::list::tests::row;

    fn annexes(opening: Option<Class>, outcome: Outcome, class: Option<Class>) -> Vec<Annex> {
        let row = Row { opening, outcome, class, ..row(1) };
        Annex::ALL.into_iter().filter(|annex| annex.holds(&row)).collect()
    }

    #[test]
    fn a_household_stands_where_it_came_from_and_where_it_is() {
        use Annex::{EscapedNearPoor, EscapedPoor, NearPoor, Poor};
        let (poor, near, above) = (Some(Class::Poor), Some(Class::NearPoor), Some(Class::Above));
        let surveyed = Outcome::Surveyed;
        assert_eq!(annexes(poor, surveyed, poor), [Poor]);
        assert_eq!(annexes(poor, surveyed, near), [NearPoor, EscapedPoor]);
        assert_eq!(annexes(poor, surveyed, above), [EscapedPoor]);
        assert_eq!(annexes(near, surveyed, poor), [Poor]);
        assert_eq!(annexes(near, surveyed, near), [NearPoor]);
        assert_eq!(annexes(near, surveyed, above), [EscapedNearPoor]);
        assert_eq!(annexes(None, surveyed, poor), [Poor]);
        assert_eq!(annexes(None, surveyed, above), []);
        assert_eq!(annexes(poor, surveyed, Some(Class::Insufficient)), []);
        assert_eq!(annexes(poor, Outcome::Left, None), []);
        assert_eq!(annexes(poor, Outcome::Pending, poor), []);
    }
}
