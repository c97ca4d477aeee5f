//! Triage, case by case: what reaches a person, what the rule chooses, and where the bound is.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::date::Date;
use crate::id::ChangeHash;
use crate::resolve::DisputedValue;
use crate::score::ScoreTable;
use crate::standard::Standard;

struct Owned(Standard, ScoreTable);

impl Owned {
    fn new() -> Self {
        Self(Standard::nd_07_2021(), ScoreTable::synthetic_demo())
    }

    fn basis(&self) -> Basis<'_> {
        let (review_date, region) =
            (Date::parse("2022-12-14").unwrap(), "rural_north_central_coast");
        Basis { standard: &self.0, table: Some(&self.1), review_date, region }
    }
}

/// A household of one that is poor by three indicators, points entered from paper.
fn household() -> Household {
    let text = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
    };
    let mut household = Household {
        answers: text(&[
            ("outcome", "surveyed"),
            ("b1_method", "entered"),
            ("water", "unprotected_spring"),
            ("latrine", "none"),
            ("wall", "plank"),
            ("pillar", "steel_or_durable_wood"),
            ("roof", "tile"),
        ]),
        ..Household::default()
    };
    household.answers.insert("b1_entered".to_owned(), 120.into());
    household.answers.insert("area_dm2".to_owned(), 9_000.into());
    household.answers.insert("media.tv".to_owned(), true.into());
    let mut member: mobile_schema::household::Answers = text(&[
        ("name", "Hồ Thị Lan"),
        ("relation", "head"),
        ("ethnicity", "23"),
        ("birth", "1954-03-02"),
        ("sex", "female"),
        ("work_status", "unable"),
        ("schooling", "none"),
        ("allowance", "none"),
        ("pension", "none"),
    ]);
    member.insert("insurance".to_owned(), true.into());
    member.insert("uses_internet".to_owned(), false.into());
    household.members.insert("a".repeat(32), member);
    household
}

fn dispute(path: &str, values: &[Option<Value>]) -> Dispute {
    let mut values: Vec<DisputedValue> = (1..)
        .zip(values)
        .map(|(number, value)| DisputedValue {
            value: value.clone(),
            changes: vec![ChangeHash([number; 32])],
        })
        .collect();
    values.sort();
    Dispute { path: path.parse().unwrap(), values }
}

fn texts(path: &str, values: &[&str]) -> Dispute {
    let values: Vec<Option<Value>> = values.iter().map(|value| Some((*value).into())).collect();
    dispute(path, &values)
}

fn without(mut household: Household, disputes: &[Dispute]) -> Household {
    disputes.iter().for_each(|dispute| set(&mut household, &dispute.path, None));
    household
}

fn decided(disputes: &[Dispute]) -> Triage {
    let owned = Owned::new();
    triage(&without(household(), disputes), disputes, Area::Rural, &owned.basis())
}

#[test]
fn what_changes_nothing_is_settled_by_a_rule_that_looks_at_the_values_alone() {
    for (path, values, chosen) in [
        ("answers/notes_other", vec![Some("b".into()), Some("a".into())], Some("a".into())),
        (
            "answers/farm",
            vec![Some("rice".into()), Some("forestry".into())],
            Some("forestry".into()),
        ),
        ("answers/residence", vec![None, Some("temporary".into())], Some("temporary".into())),
        ("answers/farm", vec![Some(7.into()), Some("salt".into())], Some("salt".into())),
    ] {
        let mut turned = values.clone();
        turned.reverse();
        for values in [values, turned] {
            let triage = decided(&[dispute(path, &values)]);
            assert_eq!(triage.disputes[0].verdict, Verdict::Rule(chosen.clone()), "{path}");
        }
    }
}

#[test]
fn a_class_that_hangs_on_an_answer_is_said_in_the_words_of_the_form() {
    let disputes = [texts("answers/water", &["piped", "unprotected_spring"])];
    let triage = decided(&disputes);
    let Verdict::Person(hangs) = &triage.disputes[0].verdict else { panic!("{triage:?}") };
    let class = hangs.iter().find(|hang| hang.figure == Figure::Class).unwrap();
    assert_eq!(class.values, ["near_poor", "poor"]);
    let household = household();
    let standard = Standard::nd_07_2021();
    let words = Words { standard: &standard, members: &household.members };
    let line = words.sentence(&disputes[0], &triage.disputes[0].verdict);
    assert!(line.vi.starts_with("Hộ cận nghèo hay hộ nghèo tùy vào "), "{}", line.vi);
    assert!(line.vi.contains(" hay ") && line.vi.ends_with('.'), "{}", line.vi);
    assert!(
        line.en.starts_with("Near-poor household or poor household depends on "),
        "{}",
        line.en
    );
}

#[test]
fn only_the_answers_on_which_something_hangs_reach_a_person() {
    let triage = decided(&[
        texts("answers/notes_other", &["x", "y"]),
        texts("answers/water", &["piped", "unprotected_spring"]),
        texts("answers/farm", &["salt", "none"]),
    ]);
    assert_eq!(triage.for_person(), 1);
    assert_eq!(triage.by_rule().count(), 2);
    assert!(matches!(triage.of(&"answers/water".parse().unwrap()), Some(Verdict::Person(_))));
}

/// Either alone changes nothing, both together do: each reaches a person.
#[test]
fn what_matters_only_together_reaches_a_person() {
    let disputes = [
        texts("answers/roof", &["tile", "leaf"]),
        texts("answers/wall", &["plank", "brick_concrete"]),
    ];
    let owned = Owned::new();
    let base = without(household(), &disputes);
    let found = outcomes(&base, &disputes, Area::Rural, &owned.basis()).unwrap();
    assert_eq!(found.len(), 2, "of wall, pillar and roof two have to be weak");
    assert_eq!(decided(&disputes).for_person(), 2);
}

#[test]
fn a_member_removed_by_one_and_kept_by_another_reaches_a_person() {
    let path = format!("members/{}/removed", "a".repeat(32));
    let disputes = [dispute(&path, &[None, Some("died".into())])];
    let triage = decided(&disputes);
    let Verdict::Person(hangs) = &triage.disputes[0].verdict else { panic!("{triage:?}") };
    assert!(hangs.iter().any(|hang| hang.figure == Figure::Members && hang.values == ["0", "1"]));
}

#[test]
fn who_people_are_is_never_chosen_by_a_rule() {
    let path = |key: &str| format!("members/{}/{key}", "a".repeat(32));
    for (key, values) in [
        ("name", ["Hồ Thị Lan", "Hồ Thị Lân"]),
        ("id_number", ["045154000001", "045154000002"]),
        ("birth", ["1954-03-02", "1954-03-03"]),
    ] {
        let triage = decided(&[texts(&path(key), &values)]);
        assert_eq!(triage.for_person(), 1, "{key}");
    }
}

#[test]
fn beyond_the_bound_a_person_decides_and_what_cannot_matter_is_still_settled() {
    let keys = ["causes.1", "causes.2", "causes.3", "causes.4", "causes.5", "causes.6"];
    let mut disputes: Vec<Dispute> = keys
        .iter()
        .chain(&["causes.7", "causes.8", "media.tv"])
        .map(|key| dispute(&format!("answers/{key}"), &[Some(true.into()), Some(false.into())]))
        .collect();
    disputes.push(texts("answers/notes_other", &["x", "y"]));
    disputes.sort_by(|a, b| a.path.cmp(&b.path));
    let triage = decided(&disputes);
    assert!(triage.beyond);
    assert_eq!((triage.for_person(), triage.by_rule().count()), (9, 1));
    assert!(outcomes(&household(), &disputes, Area::Rural, &Owned::new().basis()).is_none());
    let eight: Vec<Dispute> =
        disputes.into_iter().filter(|one| !one.path.to_string().contains("media")).collect();
    assert!(!decided(&eight).beyond, "eight answers of two values are within it");
}

#[test]
fn a_household_of_forty_is_worked_out_and_one_of_thousands_is_not() {
    for (members, beyond) in [(40, false), (3_000, true)] {
        let mut base = household();
        let member = base.members[&"a".repeat(32)].clone();
        for number in 1..members {
            base.members.insert(format!("{number:032x}"), member.clone());
        }
        let disputes: Vec<Dispute> = ["causes.1", "causes.2", "causes.3"]
            .iter()
            .map(|key| dispute(&format!("answers/{key}"), &[Some(true.into()), Some(false.into())]))
            .collect();
        let owned = Owned::new();
        let found = triage(&without(base, &disputes), &disputes, Area::Rural, &owned.basis());
        assert_eq!((found.beyond, found.for_person()), (beyond, 3), "{members}");
    }
}

#[test]
fn the_household_that_is_listed_has_what_the_rule_chose() {
    let disputes = [texts("answers/farm", &["salt", "agriculture"])];
    let mut household = without(household(), &disputes);
    decided(&disputes).apply(&mut household);
    assert_eq!(household.answers["farm"], "agriculture".into());
}
