//! Yes, no and unknown, and counts of them.

/// What a rule says: Kleene's three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// An answer that it needs is missing.
    Unknown,
}

impl Truth {
    /// Returns yes or no, or `None` where unknown.
    pub fn known(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unknown => None,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Where a count lies while some of its parts are unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Range {
    pub(super) fn exactly(number: i64) -> Self {
        Self { low: number, high: number }
    }

    pub(super) fn of(parts: impl Iterator<Item = Truth>) -> Self {
        parts.fold(Self::exactly(0), |range, truth| match truth {
            Truth::Yes => Self { low: range.low + 1, high: range.high + 1 },
            Truth::No => range,
            Truth::Unknown => Self { low: range.low, high: range.high + 1 },
        })
    }

    pub(super) fn within(self, at_least: Option<i64>, below: Option<i64>) -> Truth {
        let inside = |number: i64| {
            at_least.is_none_or(|bound| number >= bound) && below.is_none_or(|bound| number < bound)
        };
        let outside = at_least.is_some_and(|bound| self.high < bound)
            || below.is_some_and(|bound| self.low >= bound);
        if inside(self.low) && inside(self.high) {
            Truth::Yes
        } else if outside {
            Truth::No
        } else {
            Truth::Unknown
        }
    }
}
