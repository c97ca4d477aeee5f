//! The error model: what becomes of a family when somebody writes it down.

use std::collections::BTreeSet;

use mobile_schema::household::{Answers, Household};

use super::families::{Birth, Family, Person};
use crate::rng::Rng;

/// How often people slip, each in a hundred. Guesses of ours (unverified), not measured anywhere.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Registrations typed without any marks.
    pub bare: usize,
    /// Registrations from a device that writes marks apart (decomposed Unicode).
    pub decomposed: usize,
    /// Registrations that put tone marks the old way (hòa) rather than the new (hoà).
    pub old_tones: usize,
    /// Names in which `y` and `i` are exchanged.
    pub y_for_i: usize,
    /// Names with a wrong letter, one left out, doubled or two exchanged.
    pub mistyped: usize,
    /// Names in which a mark is another one.
    pub wrong_mark: usize,
    /// People with an alias who are written down by it, with or without their name.
    pub by_alias: usize,
    /// Names whose middle word is left out.
    pub no_middle: usize,
    /// Dates of which only the year is written.
    pub year_only: usize,
    /// Dates that become 1 January.
    pub new_year: usize,
    /// Years one off.
    pub year_off: usize,
    /// Days and months exchanged, where that makes a date.
    pub swapped: usize,
    /// Numbers left out.
    pub no_number: usize,
    /// Numbers with a wrong digit.
    pub wrong_digit: usize,
    /// Numbers of an old card in place of the new.
    pub old_card: usize,
    /// Members left out, the head aside.
    pub forgotten: usize,
    /// Registrations in which another adult is the head.
    pub other_head: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            bare: 7,
            decomposed: 15,
            old_tones: 40,
            y_for_i: 15,
            mistyped: 3,
            wrong_mark: 3,
            by_alias: 20,
            no_middle: 4,
            year_only: 8,
            new_year: 6,
            year_off: 3,
            swapped: 2,
            no_number: 25,
            wrong_digit: 3,
            old_card: 3,
            forgotten: 7,
            other_head: 6,
        }
    }
}

/// Writes a family down; returns who is in what was written.
pub(super) fn written(
    family: &Family,
    rates: &Rates,
    rng: &mut Rng,
) -> (Household, BTreeSet<usize>) {
    let style = Style {
        bare: rng.chance(rates.bare),
        decomposed: rng.chance(rates.decomposed),
        old_tones: rng.chance(rates.old_tones),
    };
    let other_head = rng.chance(rates.other_head);
    let mut household = Household::default();
    let mut people = BTreeSet::new();
    for (at, person) in family.members.iter().enumerate() {
        if at > 0 && rng.chance(rates.forgotten) {
            continue;
        }
        people.insert(person.who);
        let relation = match (other_head, person.relation) {
            (true, "head") if family.members.len() > 1 => "spouse",
            (true, "spouse") => "head",
            (_, relation) => relation,
        };
        let id = shared::id::to_hex(&rng.bytes::<16>());
        household.members.insert(id, member(person, relation, &style, rates, rng));
    }
    (household, people)
}

/// How one registration is typed.
struct Style {
    bare: bool,
    decomposed: bool,
    old_tones: bool,
}

fn member(person: &Person, relation: &str, style: &Style, rates: &Rates, rng: &mut Rng) -> Answers {
    let mut answers = Answers::new();
    let mut put = |key: &str, value: &str| drop(answers.insert(key.to_owned(), value.into()));
    let name = typed(&person.name, style, rates, rng);
    match person.alias.as_ref().filter(|_| rng.chance(rates.by_alias)) {
        Some(alias) => {
            let alias = typed(alias, style, rates, rng);
            match rng.below(3) {
                0 => put("name", &alias),
                1 => put("name", &format!("{name} ({alias})")),
                _ => {
                    put("name", &name);
                    put("also_known_as", &alias);
                }
            }
        }
        None => put("name", &name),
    }
    put("birth", &date(person.birth, rates, rng));
    put("sex", if person.male { "male" } else { "female" });
    put("relation", relation);
    if let Some(number) = number(person, rates, rng) {
        put("id_number", &number);
    }
    answers
}

fn typed(name: &str, style: &Style, rates: &Rates, rng: &mut Rng) -> String {
    let mut words: Vec<&str> = name.split(' ').collect();
    if words.len() >= 3 && rng.chance(rates.no_middle) {
        words.remove(1);
    }
    let mut name = words.join(" ");
    if rng.chance(rates.y_for_i) {
        name = exchanged(&name, &[("ý", "í"), ("ỳ", "ì"), ("ỷ", "ỉ"), ("ỹ", "ĩ"), ("y", "i")]);
    }
    if rng.chance(rates.wrong_mark) {
        let pairs = [("ù", "ư"), ("ơ", "ô"), ("ă", "â"), ("ò", "ỏ"), ("ươ", "uơ"), ("à", "ả")];
        name = exchanged(&name, &[*rng.pick(&pairs)]);
    }
    if rng.chance(rates.mistyped) {
        name = mistyped(&name, rng);
    }
    name = if style.old_tones {
        exchanged(&name, &[("oà", "òa"), ("oá", "óa"), ("uý", "úy"), ("uỳ", "ùy")])
    } else {
        exchanged(&name, &[("òa", "oà"), ("óa", "oá"), ("úy", "uý"), ("ùy", "uỳ")])
    };
    if style.bare {
        name = shared::text::folded(&name).to_uppercase();
    } else if style.decomposed {
        name = shared::text::decomposed(&name);
    }
    name
}

fn exchanged(name: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

fn mistyped(name: &str, rng: &mut Rng) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = rng.below(letters.len());
    match rng.below(4) {
        0 if letters.len() > 2 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters[at] = *rng.pick(&['a', 'e', 'n', 'h', 'o', 'g', 't', 'u']),
    }
    letters.into_iter().collect()
}

fn date(birth: Birth, rates: &Rates, rng: &mut Rng) -> String {
    let (mut year, mut day) = match birth {
        Birth::Year(year) => (year, None),
        Birth::Day(year, month, day) => (year, Some((month, day))),
    };
    if rng.chance(rates.year_off) {
        year += if rng.chance(50) { 1 } else { -1 };
    }
    if rng.chance(rates.new_year) {
        day = Some((1, 1));
    } else if rng.chance(rates.year_only) {
        day = None;
    } else if let Some((month, of)) = day
        && of <= 12
        && rng.chance(rates.swapped)
    {
        day = Some((of, month));
    }
    match day {
        Some((month, day)) => format!("{year:04}-{month:02}-{day:02}"),
        None => format!("{year:04}"),
    }
}

fn number(person: &Person, rates: &Rates, rng: &mut Rng) -> Option<String> {
    let number = person.number.as_ref().filter(|_| !rng.chance(rates.no_number))?;
    if rng.chance(rates.old_card) {
        return Some(format!("19{:07}", person.who));
    }
    let mut digits: Vec<char> = number.chars().collect();
    if rng.chance(rates.wrong_digit) {
        let at = rng.below(digits.len());
        digits[at] = *rng.pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    }
    if rng.chance(1) {
        digits.pop();
    }
    Some(digits.into_iter().collect())
}
