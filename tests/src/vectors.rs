//! Conformance vectors: households with their right class, for clients in other languages.
//!
//! The households are written here, the expectations come from [`shared::classify`]. They are made
//! up and nobody's. The checked-in file is `mobile-schema/vectors/classify.json`.

use std::collections::BTreeMap;

use mobile_schema::household::{Answers, Household, Value};
use serde::Serialize;
use shared::classify::{Basis, Line, classify};
use shared::date::Date;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::Area;

mod cases;
pub mod courier;
pub mod wire;

/// Where the checked-in vectors are, from the folder of this crate.
pub const VECTORS_PATH: &str = "../mobile-schema/vectors/classify.json";

/// Day on which every vector takes its ages: the last day of the review of 2022.
const REVIEW_DATE: &str = "2022-12-14";

/// Region of the vectors' province.
const REGION: &str = "rural_north_central_coast";

/// One household and what it must come out as.
#[derive(Debug, Clone, Serialize)]
pub struct Vector {
    /// What the vector shows.
    pub name: String,
    /// Area whose thresholds apply.
    pub area: Area,
    /// Rural region of the campaign.
    pub region: String,
    /// Day on which ages are taken.
    pub review_date: Date,
    /// The answers.
    pub household: Household,
    /// What every client must find.
    pub expect: Expect,
}

/// The part of a classification that every client must find. Only `explanation` is wording.
#[derive(Debug, Clone, Serialize)]
pub struct Expect {
    /// Code of the class.
    pub class: String,
    /// Income points, where they can be had.
    pub b1: Option<i64>,
    /// Deprivation points, where every indicator is known.
    pub b2: Option<i64>,
    /// Codes of the deprived indicators, in the standard's order.
    pub deprived: Vec<String>,
    /// What lacks, sorted.
    pub missing: Vec<String>,
    /// Of each deprived indicator, the members who make it so or the question keys behind it.
    pub because: BTreeMap<String, Vec<String>>,
    /// The reasons, for people.
    pub explanation: Vec<Line>,
}

/// Makes every vector, in the order of the file.
pub fn vectors() -> Vec<Vector> {
    let mut all = Cases {
        standard: Standard::nd_07_2021(),
        table: ScoreTable::synthetic_demo(),
        made: vec![],
    };
    cases::income(&mut all);
    cases::deprivation(&mut all);
    cases::employment(&mut all);
    cases::dependants(&mut all);
    cases::health(&mut all);
    cases::adult_education(&mut all);
    cases::child_schooling(&mut all);
    cases::house(&mut all);
    cases::utilities(&mut all);
    cases::information(&mut all);
    cases::missing(&mut all);
    cases::objections(&mut all);
    cases::roster(&mut all);
    all.made
}

/// Returns the text of the checked-in file: one vector a line, so that a change reads well.
pub fn text() -> String {
    let lines: Vec<String> = vectors()
        .iter()
        .map(|vector| serde_json::to_string(vector).expect("a vector is written as JSON"))
        .collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// Collects vectors and asks the rules for each expectation.
struct Cases {
    standard: Standard,
    table: ScoreTable,
    made: Vec<Vector>,
}

impl Cases {
    /// Adds a vector in a rural area: the base household after `edit`.
    fn rural(&mut self, name: &str, edit: impl FnOnce(&mut Household)) {
        self.add(name, Area::Rural, REGION, edit);
    }

    /// Adds a vector in an urban area.
    fn urban(&mut self, name: &str, edit: impl FnOnce(&mut Household)) {
        self.add(name, Area::Urban, REGION, edit);
    }

    fn add(&mut self, name: &str, area: Area, region: &str, edit: impl FnOnce(&mut Household)) {
        let mut household = base();
        edit(&mut household);
        let review_date = Date::parse(REVIEW_DATE).expect("a fixed date");
        let (standard, table) = (&self.standard, Some(&self.table));
        let found = classify(&household, area, &Basis { standard, table, review_date, region });
        let deprived = found.indicators.into_iter().filter(|one| one.deprived == Some(true));
        let expect = Expect {
            class: found.class.as_str().to_owned(),
            b1: found.b1.map(|b1| b1.points),
            b2: found.b2,
            deprived: found.deprived,
            missing: found.missing,
            because: deprived.map(|one| (one.code, one.because)).collect(),
            explanation: found.explanation,
        };
        let (name, region) = (name.to_owned(), region.to_owned());
        self.made.push(Vector { name, area, region, review_date, household, expect });
    }
}

/// A rural family of four, surveyed in full and deprived in nothing, with B1 entered as 140.
fn base() -> Household {
    let answers = answers(&[
        ("residence", "permanent".into()),
        ("farm", "agriculture".into()),
        ("has_merit", false.into()),
        ("wall", "brick_concrete".into()),
        ("pillar", "concrete".into()),
        ("roof", "tile".into()),
        ("area_dm2", 6000.into()),
        ("electricity", "grid".into()),
        ("electricity_kwh_month", 60.into()),
        ("shared_meter", false.into()),
        ("water", "piped".into()),
        ("latrine", "septic".into()),
        ("aquaculture", false.into()),
        ("outcome", "surveyed".into()),
        ("b1_method", "entered".into()),
        ("b1_entered", 140.into()),
    ]);
    let mut household = Household { answers, ..Household::default() };
    for media in ["tv", "radio", "desktop", "telephone", "laptop", "tablet", "smartphone"] {
        set(&mut household, &format!("media.{media}"), media == "tv");
    }
    let goods = [
        "car",
        "motorbike",
        "fridge",
        "washing_machine",
        "air_conditioner",
        "water_heater",
        "bicycle",
        "boat",
    ];
    for one in goods {
        set(&mut household, &format!("goods.{one}"), i64::from(one == "motorbike"));
    }
    for land in ["paddy", "crop", "forest", "pond", "garden"] {
        set(&mut household, &format!("land.{land}_m2"), if land == "paddy" { 1500 } else { 0 });
    }
    for kind in ["buffalo_cow", "pig", "goat", "poultry"] {
        set(&mut household, &format!("livestock.{kind}"), if kind == "poultry" { 20 } else { 0 });
    }
    put(&mut household, 1, adult("1980-05-01", "head"));
    put(&mut household, 2, adult("1982-09-01", "spouse"));
    put(&mut household, 3, child("2012-03-01"));
    put(&mut household, 4, child("2014-03-01"));
    household
}

fn answers(pairs: &[(&str, Value)]) -> Answers {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// A person with every answer that anybody is asked for.
fn person(birth: &str, relation: &str) -> Answers {
    answers(&[
        ("relation", relation.into()),
        ("birth", birth.into()),
        ("sex", "female".into()),
        ("ethnicity", "23".into()),
        ("in_school", false.into()),
        ("schooling", "upper_secondary".into()),
        ("training", "none".into()),
        ("company_trained", false.into()),
        ("insurance", true.into()),
        ("serious_illness", false.into()),
        ("pension", "none".into()),
        ("allowance", "none".into()),
        ("uses_internet", true.into()),
    ])
}

fn adult(birth: &str, relation: &str) -> Answers {
    let mut adult = person(birth, relation);
    adult.extend(answers(&[
        ("work_status", "working".into()),
        ("work_kind", "other".into()),
        ("contract", "not_wage".into()),
    ]));
    adult
}

/// A pupil at primary school.
fn child(birth: &str) -> Answers {
    let mut child = person(birth, "child");
    child.extend(answers(&[
        ("in_school", true.into()),
        ("level_attended", "primary".into()),
        ("schooling", "none".into()),
        ("malnutrition", "no".into()),
    ]));
    child
}

fn id(number: u32) -> String {
    format!("{number:032x}")
}

fn put(household: &mut Household, number: u32, member: Answers) {
    household.members.insert(id(number), member);
}

fn set(household: &mut Household, key: &str, value: impl Into<Value>) {
    household.answers.insert(key.to_owned(), value.into());
}

/// Changes one answer of a member that is there.
fn tell(household: &mut Household, number: u32, key: &str, value: impl Into<Value>) {
    let member = household.members.get_mut(&id(number)).expect("the base has four members");
    member.insert(key.to_owned(), value.into());
}

fn untell(household: &mut Household, number: u32, key: &str) {
    household.members.get_mut(&id(number)).expect("the base has four members").remove(key);
}

/// Makes the household deprived in water, latrine and media: B2 = 30 with the standard of 2022.
fn deprive_in_three(household: &mut Household) {
    set(household, "water", "surface");
    set(household, "latrine", "none");
    set(household, "media.tv", false);
}

/// Compares a checked-in file with what it should be, or writes it where `RASOAT_WRITE` is set.
#[cfg(test)]
fn compare(path: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("RASOAT_WRITE").is_some() {
        std::fs::write(&path, text).expect("the folder is there");
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    let how = "RASOAT_WRITE=1 cargo test -p tests --lib vectors";
    assert!(checked_in == text, "{} is stale, run: {how}", path.display());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::path::Path;

    use mobile_schema::form::{Choice, Facts, Form, Kind, Page, Scope};

    use super::*;

    #[test]
    fn the_checked_in_vectors_are_the_made_ones() {
        compare(VECTORS_PATH, &text());
    }

    /// A phone is built from the folder `mobile-schema` alone: what it needs of the standards is
    /// copied there, byte for byte.
    #[test]
    fn the_copied_standards_are_those_of_the_rules() {
        for (name, text) in [
            ("nd-07-2021", include_str!("../../shared/standards/nd-07-2021.json")),
            ("b1-synthetic", include_str!("../../shared/standards/b1-synthetic.json")),
        ] {
            compare(&format!("../mobile-schema/standards/{name}.json"), text);
        }
    }

    #[test]
    fn nothing_in_the_schema_s_folder_points_out_of_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mobile-schema/vectors");
        for name in ["run.mjs", "wire.mjs"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            assert!(!text.contains("../../"), "{name} reads outside of mobile-schema");
        }
    }

    /// Every indicator is found deprived and not deprived, and every class is reached.
    #[test]
    fn the_vectors_reach_every_outcome() {
        let vectors = vectors();
        let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
        assert_eq!(names.len(), vectors.len(), "a name comes twice");
        let classes: BTreeSet<&str> =
            vectors.iter().map(|vector| vector.expect.class.as_str()).collect();
        assert_eq!(classes, BTreeSet::from(["above", "insufficient", "near_poor", "poor"]));
        for indicator in Standard::nd_07_2021().indicators {
            let deprived = |vector: &&Vector| vector.expect.deprived.contains(&indicator.code);
            let alone = vectors.iter().filter(deprived).any(|vector| vector.expect.b2 == Some(10));
            assert!(alone, "{} alone", indicator.code);
        }
    }

    /// The names say what the law says; the rules must agree with them.
    #[test]
    fn the_boundaries_fall_where_the_names_say() {
        let vectors = vectors();
        let expect =
            |name: &str| &vectors.iter().find(|vector| vector.name == name).unwrap().expect;
        for (name, class) in [
            ("rural, B1 140, no deprivation", "near_poor"),
            ("rural, B1 140, three deprivations", "poor"),
            ("rural, B1 141, three deprivations", "above"),
            ("urban, B1 175, three deprivations", "poor"),
            ("urban, B1 176, three deprivations", "above"),
            ("B2 20 is near-poor", "near_poor"),
            ("B2 30 is poor", "poor"),
            ("missing: water", "insufficient"),
            ("not on the form: a source of water", "insufficient"),
            ("not on the form: why a member was removed", "insufficient"),
            ("out of bounds: a negative area", "insufficient"),
            ("not plausible: a birth after the review date", "insufficient"),
            ("not on the form: a wall, with pillar and roof that last", "near_poor"),
        ] {
            assert_eq!(expect(name).class, class, "{name}");
        }
        assert_eq!(expect("every indicator deprived").b2, Some(120));
    }

    #[test]
    fn each_deprived_indicator_says_because_of_what() {
        for Vector { name, expect, .. } in vectors() {
            let told: BTreeSet<&String> = expect.because.keys().collect();
            assert_eq!(told, expect.deprived.iter().collect(), "{name}");
            assert!(expect.because.values().all(|why| !why.is_empty()), "{name}");
            assert!(!expect.explanation.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_ticks_that_the_standard_counts_are_those_of_phieu_a() {
        let rule = Standard::nd_07_2021().form_a;
        let keys = Form::phieu_a().keys();
        let counted = keys.iter().filter(|key| key.key.starts_with(&rule.tick_prefix)).count();
        assert_eq!(counted, keys.len());
        assert!(u32::try_from(counted).unwrap() >= rule.ticks_min);
    }

    #[test]
    fn the_standard_and_the_table_ask_only_what_the_form_asks() {
        let keys = Form::phieu_b().keys();
        assert!(keys.iter().any(|key| key.scope == Scope::Member));
        let known: BTreeSet<String> = keys.into_iter().map(|key| key.key).collect();
        assert!(Standard::nd_07_2021().check_keys(&known).is_empty());
        let table = include_str!("../../shared/standards/b1-synthetic.json");
        assert!(ScoreTable::parse(table, Some(&known)).is_ok());
    }

    /// Whoever answers what the form asks and requires can be classified: no rule needs more.
    #[test]
    fn a_form_filled_as_asked_lacks_nothing() {
        let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
        let review_date = Date::parse(REVIEW_DATE).unwrap();
        for (flag, last) in [(false, false), (false, true), (true, false), (true, true)] {
            let household = filled(flag, last);
            let basis =
                Basis { standard: &standard, table: Some(&table), review_date, region: REGION };
            let found = classify(&household, Area::Rural, &basis);
            assert_eq!(found.missing, Vec::<String>::new(), "{flag} {last}");
        }
    }

    /// Members of every age, with only the required answers: each yes-or-no as `flag`, each choice
    /// its first or last option.
    fn filled(flag: bool, last: bool) -> Household {
        let mut household = Household::default();
        for page in &Form::phieu_b().pages {
            if page.scope == Scope::Household {
                let mut own = std::mem::take(&mut household.answers);
                fill(page, &mut own, &Answers::new(), None, (flag, last));
                household.answers = own;
                continue;
            }
            for age in 0..=80 {
                let mut own = household.members.remove(&id(age)).unwrap_or_default();
                fill(page, &mut own, &household.answers, Some(i64::from(age)), (flag, last));
                own.insert("birth".to_owned(), format!("{}", 2022 - age).into());
                put(&mut household, age, own);
            }
        }
        set(&mut household, "b1_method", "computed");
        household
    }

    fn fill(page: &Page, own: &mut Answers, all: &Answers, age: Option<i64>, how: (bool, bool)) {
        for question in page.questions.iter().filter(|question| question.required) {
            if !question.is_asked(&Facts { own, household: all, age }) {
                continue;
            }
            let code = question.code.clone();
            let part = |option: &Choice| format!("{code}.{}", option.code);
            match &question.kind {
                Kind::Choice { options } => {
                    let option = if how.1 { options.last() } else { options.first() };
                    own.insert(code, option.unwrap().code.as_str().into());
                }
                Kind::Ticks { options } => {
                    own.extend(options.iter().map(|option| (part(option), how.0.into())));
                }
                Kind::Counts { options, min, .. } => {
                    own.extend(options.iter().map(|option| (part(option), (*min).into())));
                }
                Kind::YesNo => drop(own.insert(code, how.0.into())),
                Kind::Integer { min, .. } => drop(own.insert(code, (*min).into())),
                Kind::Text { .. } | Kind::PartialDate | Kind::Digits { .. } => {}
            }
        }
    }
}
