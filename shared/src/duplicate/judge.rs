//! How much two households look like one that was registered twice, from their fingerprints.
//!
//! Every agreement and disagreement of two members is worth points, like so many tenths of a doubling
//! of the odds; the values were set by hand on the tuning seeds of the error model.

use serde::{Deserialize, Serialize};

use super::keys::{Born, HouseholdKeys, MEMBERS_COMPARED_MAX, MemberKeys, NameKeys};

/// Points from which two members are taken for one person.
const MATCH: i32 = 75;

/// Points from which they may be one person, where another member matches.
const WEAK: i32 = 45;

/// Points that one pair of members alone must reach, where there is no second one.
const ALONE: i32 = 115;

/// Points that all who match must have together, less those for members of both who do not match.
const TOGETHER: i32 = 160;

/// Points for each member of both households whom the other does not have.
const STRANGER: i32 = 20;

/// Points that all who match must have together, where the households are of different units: so many
/// more pairs are compared that chance finds some with two names and years in common.
const ACROSS: i32 = 200;

/// What a pair of households rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grounds {
    /// Members with the same number of identity.
    pub numbers: u32,
    /// Members who match, those included.
    pub members: u32,
    /// Members who may match.
    pub weak: u32,
    /// A member who matches has the same relation to the head in both.
    pub relation: bool,
    /// Points of all who match.
    pub points: i32,
}

impl Grounds {
    /// Tells whether the grounds are enough where the households are of different units.
    pub fn reach_across(&self) -> bool {
        self.points >= ACROSS
    }
}

/// What the pair may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likely {
    /// One household, registered twice.
    Household,
    /// Two households, a person in both: after a split, or a wrong number.
    Person,
}

/// Two members who match, by their places in the households.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// Place in the one household.
    pub one: usize,
    /// Place in the other.
    pub other: usize,
    /// Points.
    pub points: i32,
}

/// Matches members pairwise, the surest first; nobody twice.
pub fn judge_members(one: &HouseholdKeys, other: &HouseholdKeys) -> Vec<Matched> {
    let mut all = Vec::new();
    for (at, a) in one.members.iter().take(MEMBERS_COMPARED_MAX).enumerate() {
        for (beside, b) in other.members.iter().take(MEMBERS_COMPARED_MAX).enumerate() {
            let points = member_points(a, b);
            if points >= WEAK {
                all.push(Matched { one: at, other: beside, points });
            }
        }
    }
    all.sort_by_key(|of| (-of.points, of.one, of.other));
    let mut taken: Vec<Matched> = Vec::new();
    for of in all {
        if taken.iter().all(|known| known.one != of.one && known.other != of.other) {
            taken.push(of);
        }
    }
    taken
}

/// Tells whether two households may be one, and on what grounds.
///
/// One name and year are never enough: a number, a second member, or for people who live alone the
/// exact day or every part of a name of two words or more, with the relation, must match too.
pub fn judge(one: &HouseholdKeys, other: &HouseholdKeys) -> Option<(Likely, Grounds)> {
    let matched = judge_members(one, other);
    let (of_one, of_other) = (one.members.len(), other.members.len());
    let mut grounds = Grounds::default();
    let mut best = 0;
    for of in &matched {
        let (a, b) = (&one.members[of.one], &other.members[of.other]);
        best = best.max(of.points);
        grounds.points = grounds.points.saturating_add(of.points);
        if of.points < MATCH {
            grounds.weak += 1;
            continue;
        }
        grounds.members += 1;
        grounds.numbers += u32::from(a.number.is_some() && a.number == b.number);
        grounds.relation |= a.relation.is_some() && a.relation == b.relation;
    }
    let few = u32::try_from(of_one.min(of_other)).unwrap_or(u32::MAX);
    // Members of both whom the other does not have: more than some were forgotten.
    let strangers = of_one.min(of_other) - matched.len();
    let score = grounds.points - STRANGER * i32::try_from(strangers).unwrap_or(i32::MAX / STRANGER);
    let (sure, all) = (grounds.members, grounds.members + grounds.weak);
    // Of the smaller household at least half is there again, or so many that it is no chance.
    let overlaps = 2 * all >= few || sure >= 4;
    let alone = few == 1 && best >= ALONE && grounds.relation;
    let is_household = (sure >= 2 && overlaps && score >= TOGETHER)
        || (sure == 1 && all >= 2 && strangers == 0 && score >= TOGETHER)
        || alone;
    if is_household {
        Some((Likely::Household, grounds))
    } else if grounds.numbers > 0 || sure >= 2 {
        Some((Likely::Person, grounds))
    } else {
        None
    }
}

fn member_points(a: &MemberKeys, b: &MemberKeys) -> i32 {
    let number = match (a.number, b.number) {
        (Some(one), Some(other)) if one == other => 130,
        (Some(_), Some(_)) if a.digits == b.digits => -25,
        _ => 0,
    };
    let sex = match (a.sex, b.sex) {
        (Some(one), Some(other)) if one != other => -40,
        _ => 0,
    };
    let relation = match (a.relation, b.relation) {
        (Some(one), Some(other)) if one == other => 6,
        _ => 0,
    };
    names_points(&a.names, &b.names) + born_points(a.born, b.born) + number + sex + relation
}

fn names_points(one: &[NameKeys], other: &[NameKeys]) -> i32 {
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    let all = one.iter().flat_map(|a| other.iter().map(|b| name_points(a, b)));
    all.max().unwrap_or(0)
}

fn name_points(a: &NameKeys, b: &NameKeys) -> i32 {
    // Marks that both wrote and that differ make two names of one; marks that one left out do not.
    let marks_differ = a.marked && b.marked && a.given_toned != b.given_toned;
    // Half of a commune has the same other words: they say little, a difference says something.
    let rest = if a.rest == b.rest && !a.single {
        8
    } else if a.single || b.single {
        0
    } else {
        -6
    };
    if a.toned == b.toned {
        return if a.single { 42 } else { 55 };
    }
    if a.given == b.given {
        let given = if marks_differ { 18 } else { 40 };
        return given + rest;
    }
    if meets(&a.near, &b.near) { 14 + rest } else { -60 }
}

/// Tells whether two sorted lists have something in common.
fn meets(one: &[u64], other: &[u64]) -> bool {
    one.iter().any(|of| other.binary_search(of).is_ok())
}

fn born_points(a: Option<Born>, b: Option<Born>) -> i32 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let both_know = a.day.is_some() && b.day.is_some();
    if both_know && a.day == b.day {
        return 60;
    }
    if both_know && (a.day == b.swapped || a.swapped == b.day) {
        return 45;
    }
    if both_know && a.in_year == b.in_year {
        return if a.beside.contains(&b.year) { 42 } else { 32 };
    }
    let year = if a.year == b.year {
        28
    } else if a.beside.contains(&b.year) {
        8
    } else {
        -50
    };
    if both_know { year - 32 } else { year }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mobile_schema::household::{Answers, Household};

    use super::*;
    use crate::duplicate::keys_of;
    use crate::id::sha256;

    /// A key for tests: no key at all.
    fn key(bytes: &[u8]) -> u64 {
        let hash = sha256(bytes);
        u64::from_be_bytes(std::array::from_fn(|at| hash[at]))
    }

    fn household(members: &[[&str; 5]]) -> HouseholdKeys {
        let member = |of: &[&str; 5]| -> Answers {
            let keys = ["name", "birth", "sex", "relation", "id_number"];
            let answers = keys.into_iter().zip(of).filter(|(_, value)| !value.is_empty());
            answers.map(|(key, value)| (key.to_owned(), (*value).into())).collect()
        };
        let members = members.iter().enumerate();
        let members = members.map(|(at, of)| (format!("{at:032x}"), member(of))).collect();
        keys_of(&Household { members, ..Household::default() }, key)
    }

    const HUNG: [&str; 5] = ["Hồ Văn Hùng", "1975-01-01", "male", "head", ""];
    const LAN: [&str; 5] = ["Hồ Thị Lan", "1978", "female", "spouse", ""];

    #[test]
    fn a_name_and_a_year_are_not_enough() {
        let other = ["Hồ Thị Thươn", "1980", "female", "spouse", ""];
        assert_eq!(judge(&household(&[HUNG, LAN]), &household(&[HUNG, other])), None);
        assert_eq!(judge(&household(&[HUNG]), &household(&[HUNG])), None, "born on 1 January");
    }

    #[test]
    fn two_members_are_enough_however_they_are_spelt() {
        let again = [
            ["HO VAN HUNG", "1975", "male", "head", ""],
            ["Ho\u{302}\u{300} Thị Lan", "1978-01-01", "female", "spouse", ""],
        ];
        let (likely, grounds) = judge(&household(&[HUNG, LAN]), &household(&again)).unwrap();
        assert_eq!((likely, grounds.members), (Likely::Household, 2));
    }

    #[test]
    fn one_number_in_two_families_is_a_person_in_both() {
        let number = "045175001234";
        let child = ["Hồ Văn Rin", "2001-05-06", "male", "child", number];
        let head = ["Hồ Văn Rin", "2001-05-06", "male", "head", number];
        let wife = ["Hồ Thị Von", "2002-07-08", "female", "spouse", ""];
        let (parents, young) = (household(&[HUNG, LAN, child]), household(&[head, wife]));
        assert_eq!(judge(&parents, &young).map(|(likely, _)| likely), Some(Likely::Person));
    }

    #[test]
    fn somebody_who_lives_alone_matches_by_the_day() {
        let alone = ["Pả Sa", "1950-03-04", "male", "head", ""];
        let (likely, _) = judge(&household(&[alone]), &household(&[alone])).unwrap();
        assert_eq!(likely, Likely::Household);
    }

    #[test]
    fn a_household_of_any_size_is_compared_within_bounds() {
        let all: Vec<[&str; 5]> = std::iter::repeat_n(HUNG, 5_000).collect();
        let keys = household(&all);
        assert_eq!(keys.members.len(), MEMBERS_COMPARED_MAX);
        assert_eq!(judge_members(&keys, &keys).len(), MEMBERS_COMPARED_MAX);
        assert_eq!(judge(&HouseholdKeys::default(), &keys), None);
    }
}
