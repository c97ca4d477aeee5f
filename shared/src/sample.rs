//! A sample to check (kiểm tra mẫu): which households of a frozen list a district looks at again.
//!
//! Nobody chooses them: a printed seed does, in a way that anybody can do again by hand. What is
//! found is kept beside the list and never overwrites what the enumerator was answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::Rate;
use crate::classify::Class;
use crate::id::{Digest, HouseholdId, sha256};

/// Fewest characters of a seed: four could be tried out until the sample pleases.
pub const SEED_CHARS_MIN: usize = 6;

/// Most characters of a seed: it is read aloud and written down.
pub const SEED_CHARS_MAX: usize = 64;

/// How large a sample shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// So many households.
    Households(u32),
    /// So many of a hundred, rounded up.
    PerCent(u32),
}

/// Why no sample is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// None, more than there are, or more than 100 %.
    #[error("a sample is one household to all of them, or 1 to 100 per cent")]
    Size,
    /// Not something that everybody types alike.
    #[error("a seed is {SEED_CHARS_MIN} to {SEED_CHARS_MAX} letters, digits and dashes")]
    Seed,
}

impl Size {
    /// Returns how many of so many households are drawn.
    ///
    /// ```
    /// use shared::sample::{SampleError, Size};
    ///
    /// assert_eq!(Size::PerCent(10).of(41), Ok(5));
    /// assert_eq!(Size::PerCent(200).of(41), Err(SampleError::Size));
    /// assert_eq!(Size::Households(0).of(41), Err(SampleError::Size));
    /// ```
    pub fn of(self, households: usize) -> Result<usize, SampleError> {
        let count = |number: u32| usize::try_from(number).map_err(|_| SampleError::Size);
        let drawn = match self {
            Self::Households(number) => count(number)?,
            Self::PerCent(number @ 1..=100) => (households * count(number)?).div_ceil(100),
            Self::PerCent(_) => return Err(SampleError::Size),
        };
        if (1..=households).contains(&drawn) { Ok(drawn) } else { Err(SampleError::Size) }
    }
}

/// Checks a seed: letters without marks, digits and dashes, so that everybody types the same bytes.
pub fn check_seed(seed: &str) -> Result<(), SampleError> {
    let length = SEED_CHARS_MIN..=SEED_CHARS_MAX;
    let plain = seed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && length.contains(&seed.len()) { Ok(()) } else { Err(SampleError::Seed) }
}

/// Returns the place of a household under a seed: SHA-256 of the seed, a colon and the household's
/// id in small hexadecimal digits.
///
/// By hand: `printf %s 'SEED:HOUSEHOLD' | sha256sum`.
///
/// ```
/// use shared::{id::HouseholdId, sample::place};
///
/// let household = HouseholdId([0x11; 16]);
/// let first = "54758ec48af098f1";
/// assert!(place("mau-2022", household).to_string().starts_with(first));
/// ```
pub fn place(seed: &str, household: HouseholdId) -> Digest {
    Digest(sha256(format!("{seed}:{household}").as_bytes()))
}

/// Draws a sample: the households whose places under the seed come first, in that order.
///
/// It depends on nothing but seed and ids, so a larger sample under one seed holds every smaller one.
pub fn draw(
    seed: &str,
    households: &[HouseholdId],
    size: Size,
) -> Result<Vec<HouseholdId>, SampleError> {
    check_seed(seed)?;
    let ranked: BTreeMap<(Digest, HouseholdId), ()> =
        households.iter().map(|household| ((place(seed, *household), *household), ())).collect();
    let count = size.of(ranked.len())?;
    Ok(ranked.into_keys().take(count).map(|(_, household)| household).collect())
}

/// What the district found at one household of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    /// It is as the list has it.
    Agrees,
    /// It is of another class.
    Differs {
        /// The class it was found to be of.
        class: Class,
    },
    /// Nobody was met.
    NotMet,
}

impl Finding {
    /// Tells whether it can be said of a household that the list has in this class.
    pub fn fits(self, listed: Option<Class>) -> bool {
        match self {
            Self::Agrees | Self::NotMet => true,
            Self::Differs { class } => class != Class::Insufficient && Some(class) != listed,
        }
    }
}

/// How far a sample is checked, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Households drawn.
    pub drawn: u64,
    /// Found as the list has them.
    pub agrees: u64,
    /// Found to be of another class.
    pub differs: u64,
    /// Nobody was met.
    pub not_met: u64,
}

impl Tally {
    /// Counts the newest finding of each household drawn.
    pub fn of(drawn: usize, findings: impl IntoIterator<Item = Finding>) -> Self {
        let mut tally = Self { drawn: u64::try_from(drawn).unwrap_or(u64::MAX), ..Self::default() };
        for finding in findings {
            match finding {
                Finding::Agrees => tally.agrees += 1,
                Finding::Differs { .. } => tally.differs += 1,
                Finding::NotMet => tally.not_met += 1,
            }
        }
        tally
    }

    /// Returns the households that were met.
    pub fn met(&self) -> u64 {
        self.agrees + self.differs
    }

    /// Returns the households without a finding yet.
    pub fn open(&self) -> u64 {
        self.drawn.saturating_sub(self.met() + self.not_met)
    }

    /// Returns the share of wrong classes among the households that were met, as an exact fraction:
    /// who was not met says nothing about the list.
    pub fn error_rate(&self) -> Rate {
        Rate::of(self.differs, self.met())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn households(count: u8) -> Vec<HouseholdId> {
        (0..count).map(|id| HouseholdId([id; 16])).collect()
    }

    #[test]
    fn a_sample_depends_on_the_seed_and_on_no_order() {
        let all = households(40);
        let drawn = draw("mau-2022", &all, Size::Households(8)).unwrap();
        let mut backwards = all.clone();
        backwards.reverse();
        backwards.extend(&all);
        assert_eq!(draw("mau-2022", &backwards, Size::PerCent(20)).unwrap(), drawn);
        assert_ne!(draw("mau-2023", &all, Size::Households(8)).unwrap(), drawn);
        let larger = draw("mau-2022", &all, Size::Households(9)).unwrap();
        assert_eq!(larger[..8], drawn);
    }

    #[test]
    fn a_seed_is_what_everybody_types_alike() {
        for seed in ["short", "có dấu 2022", "two words", "a\nb-c-d", &"x".repeat(65)] {
            assert_eq!(check_seed(seed), Err(SampleError::Seed), "{seed}");
        }
        assert_eq!(check_seed("2022-12-14"), Ok(()));
    }

    #[test]
    fn a_sample_is_never_empty_and_never_more_than_there_is() {
        for size in [Size::Households(41), Size::PerCent(0), Size::PerCent(101)] {
            assert_eq!(draw("mau-2022", &households(40), size), Err(SampleError::Size));
        }
        assert_eq!(draw("mau-2022", &[], Size::PerCent(10)), Err(SampleError::Size));
        assert_eq!(draw("mau-2022", &households(3), Size::PerCent(1)).unwrap().len(), 1);
    }

    #[test]
    fn who_was_not_met_says_nothing_about_the_list() {
        let differs = Finding::Differs { class: Class::Poor };
        let found = [Finding::Agrees, Finding::Agrees, differs, Finding::NotMet];
        let tally = Tally::of(6, found);
        assert_eq!((tally.met(), tally.open()), (3, 2));
        assert_eq!(tally.error_rate(), Rate::of(1, 3));
        assert_eq!(Tally::of(6, []).error_rate().percent_hundredths(), None);
    }

    #[test]
    fn another_class_is_another_class() {
        let poor = Finding::Differs { class: Class::Poor };
        assert!(
            !poor.fits(Some(Class::Poor)) && poor.fits(Some(Class::NearPoor)) && poor.fits(None)
        );
        assert!(!Finding::Differs { class: Class::Insufficient }.fits(None));
    }
}
