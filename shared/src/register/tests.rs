//! The register against a count of somebody who knows nothing of it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::forms::{Flow, Measure, Movement};

fn id(number: u8) -> HouseholdId {
    HouseholdId([number; 16])
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// One thing said: household, class, cause, hamlet, persons.
type Word = (u8, Option<Side>, Cause, u8, u32);

fn decided(date: &str, words: &[Word]) -> Decided {
    let mut one = Decided::new(Kind::List, CampaignId([1; 16]), day(date), 0);
    for (household, class, cause, hamlet, persons) in words {
        let hamlet = one.hamlet(&format!("h{hamlet}"), Area::Rural);
        let paper = one.paper("1/QĐ");
        one.entries.push(Entry {
            household: id(*household),
            hamlet,
            paper,
            class: *class,
            cause: *cause,
            persons: *persons,
            dtts: false,
            kin: None,
        });
    }
    one
}

const POOR: Option<Side> = Some(Side::Poor);
const NEAR: Option<Side> = Some(Side::NearPoor);

fn year(through: Through) -> Period {
    Period { from: day("2021-12-31"), to: day("2022-12-31"), through, look_back_years: 3 }
}

fn told(decided: &[Decided], period: &Period) -> Vec<(u8, Side, Flow, u64, u64)> {
    let moved = moves(decided, period);
    let told = moved.iter().map(|moved| {
        (moved.household.0[0], moved.side, moved.flow, moved.households, moved.persons)
    });
    told.filter(|(_, _, flow, ..)| !matches!(flow, Flow::Opening | Flow::Closing)).collect()
}

#[test]
fn in_march_and_out_in_december_counts_in_both_or_in_none() {
    use Cause::{Joined, Reviewed, Split};
    let all = in_order(vec![
        decided("2022-12-14", &[(1, None, Joined, 1, 3)]),
        decided("2022-03-10", &[(1, POOR, Split, 1, 3)]),
        decided("2021-12-31", &[(2, POOR, Reviewed, 1, 40)]),
    ]);
    assert_eq!(told(&all, &year(Through::None)), []);
    let both = [(1, Side::Poor, Flow::OtherIn, 1, 3), (1, Side::Poor, Flow::OtherOut, 1, 3)];
    assert_eq!(told(&all, &year(Through::Both)), both);
    let on = |text| as_of(&all, day(text)).iter().map(|held| held.entry.household).collect();
    let (spring, winter): (Vec<_>, Vec<_>) = (on("2022-06-01"), on("2022-12-31"));
    assert_eq!(spring, [id(1), id(2)]);
    assert_eq!(winter, [id(2)]);
}

#[test]
fn coming_back_is_falling_back_within_the_look_back_only() {
    use Cause::{MovedOut, Reviewed, Rose};
    let back = |left: &str, cause| {
        in_order(vec![
            decided("2010-01-01", &[(1, NEAR, Reviewed, 1, 3)]),
            decided(left, &[(1, None, cause, 1, 3)]),
            decided("2022-06-01", &[(1, POOR, Reviewed, 1, 4)]),
        ])
    };
    let flow = |all: &[Decided]| told(all, &year(Through::None))[0].2;
    assert_eq!(flow(&back("2019-06-01", Rose)), Flow::FellBack);
    assert_eq!(flow(&back("2019-05-31", Rose)), Flow::New, "too long ago");
    assert_eq!(flow(&back("2021-06-01", MovedOut)), Flow::New, "it had not risen");
}

#[test]
fn each_column_has_its_households_and_its_persons() {
    use Cause::{MovedIn, MovedOut, Reviewed, Rose};
    let all = in_order(vec![
        decided(
            "2021-12-31",
            &[
                (1, POOR, Reviewed, 1, 5),
                (2, POOR, Reviewed, 1, 4),
                (3, POOR, Reviewed, 1, 2),
                (4, NEAR, Reviewed, 1, 6),
                (5, POOR, Reviewed, 1, 7),
            ],
        ),
        decided(
            "2022-12-14",
            &[
                (1, NEAR, Reviewed, 1, 3),
                (2, None, Rose, 1, 6),
                (3, None, MovedOut, 1, 0),
                (4, POOR, Reviewed, 1, 6),
                (5, POOR, Reviewed, 2, 8),
                (6, POOR, MovedIn, 1, 1),
                (7, NEAR, Reviewed, 1, 40),
            ],
        ),
    ]);
    use Flow::{Above, FromOther, New, OtherIn, OtherOut, ToOther};
    let (poor, near) = (Side::Poor, Side::NearPoor);
    assert_eq!(
        told(&all, &year(Through::None)),
        [
            (1, poor, ToOther, 1, 3),
            (1, near, FromOther, 1, 3),
            (1, poor, OtherOut, 0, 2),
            (2, poor, Above, 1, 6),
            (2, poor, OtherIn, 0, 2),
            (3, poor, OtherOut, 1, 2),
            (4, near, ToOther, 1, 6),
            (4, poor, FromOther, 1, 6),
            (5, poor, OtherOut, 1, 7),
            (5, poor, OtherIn, 1, 8),
            (6, poor, OtherIn, 1, 1),
            (7, near, New, 1, 40),
        ]
    );
}

#[test]
fn what_a_decision_does_not_mention_stays() {
    use Cause::Reviewed;
    let all = in_order(vec![
        decided("2021-12-31", &[(1, POOR, Reviewed, 1, 5), (2, NEAR, Reviewed, 1, 5)]),
        decided("2022-03-01", &[(3, POOR, Reviewed, 1, 5)]),
        decided("2022-12-14", &[(1, POOR, Reviewed, 1, 5), (3, POOR, Reviewed, 1, 5)]),
    ]);
    let whole: Vec<bool> = all.iter().map(|one| one.whole).collect();
    assert_eq!(whole, [true, false, false], "the last forgot one");
    assert_eq!(as_of(&all, day("2022-12-31")).len(), 3);
}

/// An older opening list did not count persons: nobody has come by being counted for the first time,
/// and column 9 leaves out what no flow tells.
#[test]
fn persons_who_were_never_counted_neither_come_nor_go() {
    use Cause::{Opening, Reviewed, Rose};
    let words: [&[Word]; 2] = [
        &[(1, POOR, Opening, 1, 0), (2, POOR, Opening, 1, 0), (3, POOR, Opening, 1, 5)],
        &[(1, POOR, Reviewed, 1, 4), (2, None, Rose, 1, 3), (3, NEAR, Reviewed, 1, 6)],
    ];
    let all = in_order(vec![decided("2021-12-31", words[0]), decided("2022-12-14", words[1])]);
    for through in [Through::None, Through::Both] {
        let period = year(through);
        use Flow::{Above, FromOther, OtherIn, ToOther};
        let (poor, near) = (Side::Poor, Side::NearPoor);
        let expected = [
            (2, poor, Above, 1, 0),
            (3, poor, ToOther, 1, 6),
            (3, near, FromOther, 1, 6),
            (3, poor, OtherIn, 0, 1),
        ];
        assert_eq!(told(&all, &period), expected);
        assert_eq!(persons_unknown(&all, &period), 2);
        let mut movement = Movement::default();
        moves(&all, &period)
            .iter()
            .filter(|one| one.side == poor)
            .for_each(|one| movement.count(one));
        assert_eq!((movement.opening.persons, movement.left_out), (5, 4));
        assert_eq!(movement.balance(Measure::Persons), 0, "the four are in no column");
    }
}

/// Two communes, each with its own decisions; which of them count for a household that moved.
#[test]
fn a_household_that_moved_stands_in_one_unit_whoever_recognises_first() {
    use Cause::{MovedIn, MovedOut, Opening, Reviewed, Rose};
    let stands = |a: &[(&str, Word)], b: &[(&str, Word)], on: &str| -> Vec<String> {
        let of = |words: &[(&str, Word)]| {
            in_order(words.iter().map(|(date, word)| decided(date, &[*word])).collect())
        };
        let units = BTreeMap::from([("A".to_owned(), of(a)), ("B".to_owned(), of(b))]);
        let all = as_of_all(&units, day(on));
        all.iter().flat_map(|(unit, held)| held.iter().map(|_| (*unit).to_owned())).collect()
    };
    let opened = ("2021-12-31", (1, POOR, Opening, 1, 4));
    let out = |date| (date, (1, None, MovedOut, 1, 4));
    let into = |date| (date, (1, NEAR, MovedIn, 1, 4));
    // B first, then A; and A first, then B.
    for (a, b, between) in [("2022-12-20", "2022-12-10", "B"), ("2022-12-10", "2022-12-20", "")] {
        let (a, b) = ([opened, out(a)], [into(b)]);
        let between = if between.is_empty() { vec![] } else { vec![between.to_owned()] };
        assert_eq!(stands(&a, &b, "2022-12-09"), ["A"]);
        assert_eq!(stands(&a, &b, "2022-12-15"), between);
        assert_eq!(stands(&a, &b, "2022-12-20"), ["B"], "that it left A ends nothing in B");
    }
    // B takes its recognition back: it stands where it stood.
    assert_eq!(stands(&[opened], &[], "2022-12-15"), ["A"]);
    // What B found of it holds in A too, although A has decided nothing yet.
    let rose = ("2022-12-10", (1, None, Rose, 1, 4));
    assert_eq!(stands(&[opened], &[rose], "2022-12-15"), [""; 0]);
    // It comes back in a later year; B has not said yet that it left.
    let back = ("2023-12-10", (1, POOR, MovedIn, 1, 4));
    let a = [opened, out("2022-12-20"), back];
    let b = [into("2022-12-10")];
    assert_eq!(stands(&a, &b, "2023-12-31"), ["A"]);
    let kept = ("2024-12-10", (1, POOR, Reviewed, 1, 4));
    let a = [opened, out("2022-12-20"), back, kept];
    assert_eq!(stands(&a, &[into("2022-12-10"), out("2023-12-20")], "2024-12-31"), ["A"]);
}

fn random() -> impl Strategy<Value = Vec<Decided>> {
    let causes = [
        Cause::Reviewed,
        Cause::MovedIn,
        Cause::Split,
        Cause::Rose,
        Cause::MovedOut,
        Cause::Joined,
        Cause::StruckOff,
    ];
    let word = (0_u8..6, 0_usize..3, 0_usize..7, 0_u8..2, 0_u32..41).prop_map(
        move |(household, class, cause, hamlet, persons)| {
            let class = [POOR, NEAR, None][class];
            // Nobody is on a list without a member: none means not known, and has a test of its own.
            let persons = if class.is_some() { persons.max(1) } else { persons };
            (household, class, causes[cause], hamlet, persons)
        },
    );
    let one = (2020_i32..2024, 1_u8..13, 1_u8..29, prop::collection::vec(word, 0..8));
    let one = one.prop_map(|(year, month, at, words)| {
        // A list names a household once.
        let words: BTreeMap<u8, Word> = words.into_iter().map(|word| (word.0, word)).collect();
        let words: Vec<Word> = words.into_values().collect();
        decided(&Date::new(year, month, at).unwrap().to_string(), &words)
    });
    let all = prop::collection::vec(one, 0..12);
    all.prop_map(|mut all| {
        for (one, number) in all.iter_mut().zip(1..) {
            one.recorded_ms = number;
        }
        all
    })
}

/// Counts who is on a list on a day: every word in its order, the last one holds.
fn counted(all: &[Decided], day: Date) -> BTreeMap<(String, Side), (u64, u64)> {
    let mut last: BTreeMap<HouseholdId, (String, Option<Side>, u64)> = BTreeMap::new();
    let mut all: Vec<&Decided> = all.iter().filter(|one| one.date <= day).collect();
    all.sort_by_key(|one| (one.date, one.recorded_ms));
    for one in all {
        for entry in &one.entries {
            let code = one.hamlet_of(entry).unwrap().code.clone();
            last.insert(entry.household, (code, entry.class, u64::from(entry.persons)));
        }
    }
    let mut counted = BTreeMap::new();
    for (code, class, persons) in last.into_values() {
        let Some(side) = class else { continue };
        let size = counted.entry((code, side)).or_insert((0, 0));
        *size = (size.0 + 1, size.1 + persons);
    }
    counted
}

proptest! {
    /// Whatever was decided in whatever order: opening − out + in is what an independent count
    /// finds at the end, in each hamlet and class, in households and in persons.
    #[test]
    fn flows_close_on_an_independent_count(all in random(), from in 0_u8..4, both in any::<bool>()) {
        let from = Date::new(2020 + i32::from(from), 6, 15).unwrap();
        let to = Date::new(from.year() + 1, 6, 15).unwrap();
        let through = if both { Through::Both } else { Through::None };
        let period = Period { from, to, through, look_back_years: 2 };
        let ordered = in_order(all.clone());
        let mut found: BTreeMap<(String, Side), Movement> = BTreeMap::new();
        for moved in moves(&ordered, &period) {
            found.entry((moved.hamlet.code.clone(), moved.side)).or_default().count(&moved);
        }
        let (opening, closing) = (counted(&all, from), counted(&all, to));
        let places: BTreeSet<_> =
            found.keys().chain(opening.keys()).chain(closing.keys()).cloned().collect();
        for place in places {
            let movement = found.get(&place).copied().unwrap_or_default();
            let size = |size: crate::forms::Size| (size.households, size.persons);
            prop_assert_eq!(size(movement.opening), opening.get(&place).copied().unwrap_or_default());
            let end = closing.get(&place).copied().unwrap_or_default();
            prop_assert_eq!(size(movement.closing), end);
            let signed = |count: u64| i64::try_from(count).unwrap();
            prop_assert_eq!(movement.balance(Measure::Households), signed(end.0));
            prop_assert_eq!(movement.balance(Measure::Persons), signed(end.1));
        }
        for hamlet in ["h0", "h1"] {
            let of = |side| found.get(&(hamlet.to_owned(), side)).copied().unwrap_or_default();
            prop_assert_eq!(of(Side::Poor).to_other, of(Side::NearPoor).from_other);
            prop_assert_eq!(of(Side::Poor).from_other, of(Side::NearPoor).to_other);
        }
    }

    /// The register of any day is the last word on each household, however the words came.
    #[test]
    fn the_register_of_a_day_is_the_last_word_on_each(all in random(), at in 0_u8..48) {
        let on = Date::new(2020 + i32::from(at / 12), 1 + at % 12, 20).unwrap();
        let ordered = in_order(all.clone());
        let mut held: BTreeMap<(String, Side), (u64, u64)> = BTreeMap::new();
        for one in as_of(&ordered, on) {
            let code = one.by.hamlet_of(one.entry).unwrap().code.clone();
            let size = held.entry((code, one.entry.class.unwrap())).or_default();
            *size = (size.0 + 1, size.1 + u64::from(one.entry.persons));
        }
        prop_assert_eq!(held, counted(&all, on));
        let mut turned = all;
        turned.reverse();
        prop_assert_eq!(in_order(turned), ordered, "arrival does not matter");
    }

    /// What is kept reads back, and nothing else does.
    #[test]
    fn a_decision_reads_back(all in random()) {
        for one in in_order(all) {
            let bytes = encode(&one);
            prop_assert_eq!(decode(&bytes).unwrap(), one);
            prop_assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        }
    }
}
