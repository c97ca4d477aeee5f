//! A household as keyed fingerprints: what is kept of it for matching.

use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};

use super::name::{Word, names_in, near};
use super::number::comparable;
use crate::date::PartialDate;

/// Most members that are compared: more than any household has, and few enough that one written to
/// be expensive is not.
pub const MEMBERS_COMPARED_MAX: usize = 64;

/// Most names of one member that are compared.
const NAMES_MAX: usize = 4;

/// A household's members, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdKeys {
    /// Present members.
    pub members: Vec<MemberKeys>,
}

/// One member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberKeys {
    /// Number of identity.
    pub number: Option<u64>,
    /// How many digits it has: an old card's number says nothing about a new one.
    pub digits: u8,
    /// Every name the member goes by.
    pub names: Vec<NameKeys>,
    /// Birth, as far as it is known.
    pub born: Option<Born>,
    /// Sex.
    pub sex: Option<u64>,
    /// Relation to the head.
    pub relation: Option<u64>,
}

/// One name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameKeys {
    /// All of it, with its marks.
    pub toned: u64,
    /// All of it, without marks.
    pub folded: u64,
    /// All but the last word, without marks; the same for every name of a single word.
    pub rest: u64,
    /// The last word, which is the given name, with its marks.
    pub given_toned: u64,
    /// The last word without marks.
    pub given: u64,
    /// The last word with one letter left out, sorted.
    pub near: Vec<u64>,
    /// The name is a single word.
    pub single: bool,
    /// The name was written with marks: one without them says nothing about those of another.
    pub marked: bool,
}

/// A birth date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Born {
    /// The year.
    pub year: u64,
    /// The years before and after.
    pub beside: [u64; 2],
    /// The day, where it is known; 1 January is what papers print for a day nobody knows.
    pub day: Option<u64>,
    /// The day with its month and day exchanged.
    pub swapped: Option<u64>,
    /// Month and day without the year.
    pub in_year: Option<u64>,
}

/// Makes the fingerprints of a household's present members.
///
/// `key` is a keyed hash of the caller's: an HMAC whose key no database holds.
pub fn keys_of(household: &Household, key: impl Fn(&[u8]) -> u64) -> HouseholdKeys {
    let keyed = |kind: &str, value: &str| key(&[kind.as_bytes(), b"\0", value.as_bytes()].concat());
    let members = household.present().take(MEMBERS_COMPARED_MAX);
    HouseholdKeys { members: members.map(|(_, member)| member_keys(member, &keyed)).collect() }
}

fn member_keys(member: &Answers, keyed: &impl Fn(&str, &str) -> u64) -> MemberKeys {
    let text = |key: &str| member.get(key).and_then(Value::as_text);
    let number = text("id_number").and_then(comparable);
    let names = ["name", "also_known_as"].into_iter().filter_map(text).flat_map(names_in);
    let birth = text("birth").and_then(|birth| PartialDate::parse(birth).ok());
    MemberKeys {
        digits: number.as_ref().and_then(|of| u8::try_from(of.len()).ok()).unwrap_or(0),
        number: number.map(|number| keyed("number", &number)),
        names: names.take(NAMES_MAX).map(|words| name_keys(&words, keyed)).collect(),
        born: birth.map(|birth| born(birth, keyed)),
        sex: text("sex").map(|sex| keyed("sex", sex)),
        relation: text("relation").map(|relation| keyed("relation", relation)),
    }
}

fn name_keys(words: &[Word], keyed: &impl Fn(&str, &str) -> u64) -> NameKeys {
    let joined =
        |words: &[Word], of: fn(&Word) -> &str| words.iter().map(of).collect::<Vec<_>>().join(" ");
    let Some((last, rest)) = words.split_last() else { return NameKeys::default() };
    let mut near: Vec<u64> = near(&last.folded).iter().map(|way| keyed("near", way)).collect();
    near.sort_unstable();
    NameKeys {
        toned: keyed("toned", &joined(words, |word| &word.toned)),
        folded: keyed("folded", &joined(words, |word| &word.folded)),
        rest: keyed("rest", &joined(rest, |word| &word.folded)),
        given_toned: keyed("given toned", &last.toned),
        given: keyed("given", &last.folded),
        near,
        single: rest.is_empty(),
        marked: words.iter().any(|word| word.toned != word.folded),
    }
}

fn born(birth: PartialDate, keyed: &impl Fn(&str, &str) -> u64) -> Born {
    let year = |year: i32| keyed("year", &year.to_string());
    let day = birth.earliest();
    let known = birth.is_exact() && (day.month(), day.day()) != (1, 1);
    let of_day = |month: u8, of: u8| keyed("day", &format!("{}-{month}-{of}", birth.year()));
    let swappable = known && day.day() <= 12;
    Born {
        year: year(birth.year()),
        beside: [year(birth.year() - 1), year(birth.year() + 1)],
        day: known.then(|| of_day(day.month(), day.day())),
        swapped: swappable.then(|| of_day(day.day(), day.month())),
        in_year: known.then(|| keyed("in year", &format!("{}-{}", day.month(), day.day()))),
    }
}
