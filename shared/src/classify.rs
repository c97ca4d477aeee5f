//! From answers to a class: poor, near-poor, above, or not enough to say.
//!
//! A pure function of household, area and basis. Indicators, B2 and the class are derived here and
//! nowhere else; no answer holds them.

use mobile_schema::household::{Household, Value};
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::rule::{Missing, Subject, Truth};
use crate::score::ScoreTable;
pub use crate::standard::Line;
use crate::standard::{Indicator, Standard};
use crate::unit::Area;

mod explain;

/// What a household is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Hộ nghèo.
    Poor,
    /// Hộ cận nghèo.
    NearPoor,
    /// Neither of the two (không thuộc hộ nghèo, hộ cận nghèo).
    Above,
    /// Answers or points are missing (chưa đủ căn cứ phân loại). Never counted as any class.
    Insufficient,
}

impl Class {
    /// Returns the code, as it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::NearPoor => "near_poor",
            Self::Above => "above",
            Self::Insufficient => "insufficient",
        }
    }

    /// Returns the name on Vietnamese papers.
    pub const fn label_vi(self) -> &'static str {
        match self {
            Self::Poor => "Hộ nghèo",
            Self::NearPoor => "Hộ cận nghèo",
            Self::Above => "Không thuộc hộ nghèo, hộ cận nghèo",
            Self::Insufficient => "Chưa đủ căn cứ phân loại",
        }
    }

    /// Returns the English name.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Poor => "Poor household",
            Self::NearPoor => "Near-poor household",
            Self::Above => "Neither poor nor near-poor",
            Self::Insufficient => "Not enough to classify",
        }
    }
}

/// How B1 was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum B1Method {
    /// From answers, by a loaded score table.
    Computed,
    /// Points were read from the handbook item by item and are summed here.
    ItemPoints,
    /// One total was read from paper.
    Entered,
}

impl B1Method {
    /// Returns the code of the answer `b1_method`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::ItemPoints => "item_points",
            Self::Entered => "entered",
        }
    }

    /// Reads the code of the answer `b1_method`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "computed" => Some(Self::Computed),
            "item_points" => Some(Self::ItemPoints),
            "entered" => Some(Self::Entered),
            _ => None,
        }
    }
}

/// Points of one item of B1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPoints {
    /// Code of the item.
    pub item: String,
    /// Place of the choice in the item's choices, from 0; `None` where points were read by hand.
    pub choice: Option<usize>,
    /// The points.
    pub points: i64,
}

/// The income score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct B1 {
    /// Total points.
    pub points: i64,
    /// How they were obtained.
    pub method: B1Method,
    /// Code and version of the score table, where one was used.
    pub table: Option<String>,
    /// Set where the points come from a table made up for demonstration.
    pub synthetic: bool,
    /// Points of each item; empty where only a total was entered.
    pub items: Vec<ItemPoints>,
}

/// One indicator of deprivation for one household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorResult {
    /// Code of the indicator.
    pub code: String,
    /// Deprived, not deprived, or `None` where an answer is missing.
    pub deprived: Option<bool>,
    /// Where deprived: `members/<id>` of those who make it so, or the question keys behind it.
    /// Where unknown: the missing answers. Else empty.
    pub because: Vec<String>,
}

/// What a household is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The class.
    pub class: Class,
    /// The area whose threshold was applied.
    pub area: Area,
    /// The income score; `None` where it cannot be had.
    pub b1: Option<B1>,
    /// The deprivation score; `None` where an indicator is unknown.
    pub b2: Option<i64>,
    /// Codes of the indicators known to be deprived, in the standard's order.
    pub deprived: Vec<String>,
    /// Every indicator, in the standard's order.
    pub indicators: Vec<IndicatorResult>,
    /// What lacks, sorted: `water`, `members/<id>/insurance`, `b1_method`, `score_table` …
    pub missing: Vec<String>,
    /// Code of the standard.
    pub standard: String,
    /// Parts used that are not verified: `thresholds`, `indicators.<code>`, `score_table` …
    pub unverified: Vec<String>,
    /// The reasons, for people.
    pub explanation: Vec<Line>,
}

/// What a campaign classifies by.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The standard of the campaign, never derived from the year.
    pub standard: &'a Standard,
    /// The score table, where one is loaded.
    pub table: Option<&'a ScoreTable>,
    /// Day on which ages are taken.
    pub review_date: Date,
    /// Rural region of the campaign's province, one of [`crate::score::REGIONS`].
    pub region: &'a str,
}

/// Classifies one household and says why. A value to which the form objects decides nothing: it is
/// read as missing, and named.
///
/// Source: Decree 07/2021/NĐ-CP, Art. 3 (poor = income within the line *and* three deprivations or
/// more); points of Circular 07/2021/TT-BLĐTBXH (secondary). See `LEGAL.md`, "Classes".
///
/// ```
/// use mobile_schema::household::Household;
/// use shared::classify::{Basis, Class, classify};
/// use shared::{date::Date, standard::Standard, unit::Area};
///
/// let standard = Standard::nd_07_2021();
/// let review_date = Date::parse("2022-12-14").unwrap();
/// let region = "rural_north_central_coast";
/// let basis = Basis { standard: &standard, table: None, review_date, region };
///
/// // Nothing has been asked yet: that is not a class.
/// let result = classify(&Household::default(), Area::Rural, &basis);
/// assert_eq!(result.class, Class::Insufficient);
/// assert!(result.missing.contains(&"b1_method".to_owned()));
/// assert!(result.missing.contains(&"water".to_owned()));
/// ```
pub fn classify(household: &Household, area: Area, basis: &Basis<'_>) -> Classification {
    let standard = basis.standard;
    let subject = Subject::new(household, basis.review_date);
    let mut missing = Vec::new();

    let indicators: Vec<IndicatorResult> = standard
        .indicators
        .iter()
        .map(|indicator| judge(indicator, &subject, &mut missing))
        .collect();
    let b2 = b2(standard, &indicators);
    let b1 = b1(household, &subject, area, basis, &mut missing);
    missing.sort();
    missing.dedup();

    let class = class_of(b1.as_ref().map(|b1| b1.points), b2, area, standard);
    let deprived = indicators.iter().filter(|one| one.deprived == Some(true));
    let mut result = Classification {
        class,
        area,
        b2,
        deprived: deprived.map(|one| one.code.clone()).collect(),
        missing,
        standard: standard.code.clone(),
        unverified: unverified(basis, b1.as_ref(), &subject),
        explanation: Vec::new(),
        b1,
        indicators,
    };
    result.explanation = explain::explain(&result, standard);
    result
}

/// The rule itself: both bounds count as within.
///
/// Held by `the_thresholds_are_inclusive` below.
fn class_of(b1: Option<i64>, b2: Option<i64>, area: Area, standard: &Standard) -> Class {
    let line = standard.thresholds.b1.of(area);
    match (b1, b2) {
        (None, _) | (_, None) => Class::Insufficient,
        (Some(b1), Some(_)) if b1 > line => Class::Above,
        (Some(_), Some(b2)) if b2 >= standard.thresholds.b2_poor => Class::Poor,
        (Some(_), Some(_)) => Class::NearPoor,
    }
}

/// Applies one indicator's rule, and notes which answers lacked.
fn judge<'a>(
    indicator: &'a Indicator,
    subject: &'a Subject<'a>,
    missing: &mut Vec<String>,
) -> IndicatorResult {
    let outcome = indicator.deprived.evaluate(subject);
    let because: Vec<String> = match outcome.truth {
        Truth::No => Vec::new(),
        Truth::Unknown => outcome.missing.iter().map(Missing::to_string).collect(),
        Truth::Yes if outcome.members.is_empty() => {
            indicator.deprived.keys().into_iter().map(str::to_owned).collect()
        }
        Truth::Yes => outcome.members.iter().map(|id| format!("members/{id}")).collect(),
    };
    if outcome.truth == Truth::Unknown {
        missing.extend(because.iter().cloned());
    }
    IndicatorResult { code: indicator.code.clone(), deprived: outcome.truth.known(), because }
}

/// Adds up B2; no total while an indicator is unknown.
fn b2(standard: &Standard, indicators: &[IndicatorResult]) -> Option<i64> {
    let each = standard.thresholds.points_per_indicator;
    indicators.iter().try_fold(0_i64, |points, one| {
        let more = if one.deprived? { each } else { 0 };
        points.checked_add(more)
    })
}

/// Obtains B1 in the way the household's form says, or notes what lacks.
fn b1(
    household: &Household,
    subject: &Subject<'_>,
    area: Area,
    basis: &Basis<'_>,
    missing: &mut Vec<String>,
) -> Option<B1> {
    let method = subject.answer("b1_method").and_then(Value::as_text);
    match method.and_then(B1Method::from_code) {
        None => {
            missing.push("b1_method".to_owned());
            None
        }
        Some(B1Method::Computed) => computed(subject, area, basis, missing),
        Some(B1Method::ItemPoints) => item_points(household, missing),
        Some(B1Method::Entered) => {
            let points = subject.answer("b1_entered").and_then(Value::as_int);
            if points.is_none() {
                missing.push("b1_entered".to_owned());
            }
            let method = B1Method::Entered;
            points.map(|points| B1 { points, method, table: None, synthetic: false, items: vec![] })
        }
    }
}

/// Reads B1 from answers by the loaded table; one unknown item leaves no total.
fn computed(
    subject: &Subject<'_>,
    area: Area,
    basis: &Basis<'_>,
    missing: &mut Vec<String>,
) -> Option<B1> {
    let column = basis.table.and_then(|table| Some((table, table.column(area, basis.region)?)));
    let Some((table, column)) = column else {
        missing.push("score_table".to_owned());
        return None;
    };
    let mut items = Vec::with_capacity(table.items.len());
    let mut points = Some(0_i64);
    for item in &table.items {
        let first = item.choices.iter().enumerate().find_map(|(place, choice)| {
            let outcome = choice.when.evaluate(subject);
            match outcome.truth {
                Truth::No => None,
                Truth::Yes => Some(Ok((place, *choice.points.get(column)?))),
                Truth::Unknown => {
                    Some(Err(outcome.missing.iter().map(Missing::to_string).collect::<Vec<_>>()))
                }
            }
        });
        match first {
            Some(Ok((place, more))) => {
                points = points.and_then(|points| points.checked_add(more));
                items.push(ItemPoints {
                    item: item.code.clone(),
                    choice: Some(place),
                    points: more,
                });
            }
            Some(Err(lacking)) => {
                points = None;
                missing.extend(lacking);
            }
            None => points = None,
        }
    }
    let (method, synthetic) = (B1Method::Computed, table.synthetic);
    points.map(|points| B1 { points, method, table: Some(table.id()), synthetic, items })
}

/// Sums the points that were read from the handbook; a sum beyond 64 bits is no sum.
fn item_points(household: &Household, missing: &mut Vec<String>) -> Option<B1> {
    if household.b1_items.is_empty() {
        missing.push("b1_items".to_owned());
        return None;
    }
    let negative = household.b1_items.iter().filter(|(_, points)| **points < 0);
    let before = missing.len();
    missing.extend(negative.map(|(item, _)| format!("b1_items/{item}")));
    if missing.len() > before {
        return None;
    }
    let mut points = household.b1_items.values().copied();
    let Some(points) = points.try_fold(0_i64, i64::checked_add) else {
        missing.push("b1_items".to_owned());
        return None;
    };
    let items = household.b1_items.iter().map(|(item, points)| ItemPoints {
        item: item.clone(),
        choice: None,
        points: *points,
    });
    let (method, items) = (B1Method::ItemPoints, items.collect());
    Some(B1 { points, method, table: None, synthetic: false, items })
}

/// Names the parts used that no legal text was read for.
fn unverified(basis: &Basis<'_>, b1: Option<&B1>, subject: &Subject<'_>) -> Vec<String> {
    let standard = basis.standard;
    let mut parts = Vec::new();
    if !standard.thresholds.standing.verified {
        parts.push("thresholds".to_owned());
    }
    let indicators = standard.indicators.iter().filter(|one| !one.standing.verified);
    parts.extend(indicators.map(|one| format!("indicators.{}", one.code)));
    let by_table = b1.is_some_and(|b1| b1.table.is_some());
    if by_table && basis.table.is_some_and(|table| !table.standing.verified) {
        parts.push("score_table".to_owned());
    }
    if subject.has_partial_birth() {
        parts.push("partial_birth".to_owned());
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COAST: &str = "rural_north_central_coast";

    /// Answers of a couple with two children that is deprived of nothing, as JSON.
    const FAMILY: &str = r#"{
        "answers": {
            "wall": "brick_concrete", "pillar": "concrete", "roof": "tile", "area_dm2": 6000,
            "electricity": "grid", "electricity_kwh_month": 60, "water": "drilled_well",
            "latrine": "septic", "media.tv": true, "media.radio": false, "media.desktop": false,
            "media.telephone": false, "media.laptop": false, "media.tablet": false,
            "media.smartphone": true, "goods.car": 0, "goods.motorbike": 1, "goods.fridge": 0,
            "goods.washing_machine": 0, "goods.air_conditioner": 0, "goods.water_heater": 0,
            "land.paddy_m2": 1500, "land.crop_m2": 0, "land.forest_m2": 0, "land.pond_m2": 0,
            "land.garden_m2": 0, "livestock.buffalo_cow": 1, "livestock.pig": 0,
            "livestock.goat": 0, "livestock.poultry": 20, "aquaculture": false,
            "b1_method": "entered", "b1_entered": 100
        },
        "members": {
            "head": { "relation": "head", "birth": "1980-03-02", "ethnicity": "23",
                "in_school": false, "schooling": "primary", "training": "none",
                "insurance": true, "work_status": "working", "work_kind": "other",
                "contract": "not_wage", "pension": "none", "allowance": "none",
                "uses_internet": true },
            "spouse": { "relation": "spouse", "birth": "1984", "ethnicity": "23",
                "in_school": false, "schooling": "none", "training": "none",
                "insurance": true, "work_status": "retired_home", "pension": "none",
                "allowance": "none", "uses_internet": false },
            "elder": { "relation": "child", "birth": "2008-05-01", "in_school": true,
                "level_attended": "lower_secondary", "schooling": "primary", "insurance": true,
                "malnutrition": "no", "allowance": "none", "uses_internet": false },
            "younger": { "relation": "child", "birth": "2018-05-01", "in_school": true,
                "level_attended": "preschool", "insurance": false, "malnutrition": "no",
                "allowance": "none" }
        }
    }"#;

    fn family() -> Household {
        serde_json::from_str(FAMILY).unwrap()
    }

    /// Sets answers of the household (`water=rain`) or of a member (`elder.birth=2010`); an empty
    /// value takes the answer away.
    fn with(mut household: Household, settings: &str) -> Household {
        for setting in settings.split_whitespace() {
            let (path, text) = setting.split_once('=').unwrap();
            let member = path.split_once('.').filter(|(id, _)| household.members.contains_key(*id));
            let (answers, key) = match member {
                Some((id, key)) => (household.members.get_mut(id).unwrap(), key),
                None => (&mut household.answers, path),
            };
            answers.remove(key);
            let value = match (text, text.parse::<i64>()) {
                ("", _) => continue,
                ("true" | "false", _) => Value::Bool(text == "true"),
                (_, Ok(number)) if key != "birth" => Value::Int(number),
                _ => text.into(),
            };
            answers.insert(key.to_owned(), value);
        }
        household
    }

    fn classified(household: &Household, area: Area) -> Classification {
        let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
        let review_date = Date::parse("2022-12-14").unwrap();
        let basis = Basis { standard: &standard, table: Some(&table), review_date, region: COAST };
        classify(household, area, &basis)
    }

    fn rural(settings: &str) -> Classification {
        classified(&with(family(), settings), Area::Rural)
    }

    /// Three deprivations: wall and roof, water, latrine.
    const POOR: &str = "wall=earth roof=leaf water=surface latrine=none";

    #[test]
    fn a_family_deprived_of_nothing_is_near_poor_by_income_alone() {
        let result = rural("");
        assert_eq!((result.class, result.b2), (Class::NearPoor, Some(0)));
        assert!(result.missing.is_empty(), "{:?}", result.missing);
        assert!(result.deprived.is_empty());
        assert_eq!(result.indicators.len(), 12);
        assert_eq!(result.standard, "nd-07-2021");
    }

    #[test]
    fn the_thresholds_are_inclusive() {
        for (area, b1, inside) in [
            (Area::Rural, 0, true),
            (Area::Rural, 140, true),
            (Area::Rural, 141, false),
            (Area::Urban, 175, true),
            (Area::Urban, 176, false),
        ] {
            for (deprivations, b2, class) in [
                ("wall=earth roof=leaf water=surface", 20, Class::NearPoor),
                (POOR, 30, Class::Poor),
            ] {
                let household = with(family(), &format!("b1_entered={b1} {deprivations}"));
                let result = classified(&household, area);
                let wanted = if inside { class } else { Class::Above };
                assert_eq!((result.class, result.b2), (wanted, Some(b2)), "{area:?} {b1}");
            }
        }
    }

    #[test]
    fn the_same_family_changes_class_with_its_area() {
        let household = with(family(), &format!("b1_entered=150 {POOR}"));
        assert_eq!(classified(&household, Area::Urban).class, Class::Poor);
        assert_eq!(classified(&household, Area::Rural).class, Class::Above);
    }

    #[test]
    fn each_indicator_turns_at_its_boundary() {
        for (indicator, settings, deprived) in [
            ("employment", "head.work_status=unemployed", true),
            ("employment", "head.work_status=unwilling", false),
            ("employment", "head.contract=without", true),
            ("employment", "head.contract=with", false),
            ("employment", "head.work_status=unable head.contract=without", false),
            ("employment", "elder.birth=2007-12-15 elder.work_status=unemployed", false),
            ("dependants", "", false),
            ("dependants", "spouse.allowance=disabled", true),
            ("dependants", "head.allowance=elderly", true),
            ("dependants", "head.allowance=orphan", false),
            ("dependants", "head.removed=died", true),
            ("nutrition", "elder.malnutrition=stunted", true),
            ("nutrition", "younger.malnutrition=both", true),
            ("nutrition", "elder.birth=2006-12-14 elder.malnutrition=underweight", false),
            ("nutrition", "elder.birth=2006-12-15 elder.malnutrition=underweight", true),
            ("health_insurance", "younger.birth=2016-12-15", false),
            ("health_insurance", "younger.birth=2016-12-14", true),
            ("health_insurance", "younger.birth=2016-12-14 younger.removed=moved_out", false),
            ("child_schooling", "younger.birth=2016-12-14", true),
            ("child_schooling", "younger.birth=2016-12-15", false),
            ("child_schooling", "younger.birth=2019-12-14 younger.in_school=false", true),
            ("child_schooling", "younger.birth=2019-12-15 younger.in_school=false", false),
            ("child_schooling", "elder.level_attended=primary", true),
            ("child_schooling", "elder.level_attended=primary elder.birth=2010-12-15", false),
            ("child_schooling", "elder.level_attended=primary elder.birth=2010-12-14", true),
            ("child_schooling", "elder.birth=2006-12-14 elder.in_school=false", false),
            ("child_schooling", "elder.birth=2006-12-15 elder.in_school=false", true),
            ("house_quality", "wall=plank", false),
            ("house_quality", "wall=plank pillar=soft_wood", true),
            ("house_quality", "roof=metal_sheet pillar=bamboo", false),
            ("house_quality", "wall=leaf_bamboo pillar=bamboo roof=canvas", true),
            ("house_area", "area_dm2=3200", false),
            ("house_area", "area_dm2=3199", true),
            ("house_area", "area_dm2=3199 younger.removed=died", false),
            ("water", "water=rain", false),
            ("water", "water=unprotected_spring", true),
            ("latrine", "latrine=two_chamber", false),
            ("latrine", "latrine=unimproved", true),
            ("telecom", "head.uses_internet=false", true),
            ("telecom", "head.uses_internet=false younger.uses_internet=true", false),
            ("media", "media.tv=false", false),
            ("media", "media.tv=false media.smartphone=false", true),
        ] {
            check_indicator(indicator, settings, Some(deprived));
        }
    }

    #[test]
    fn the_education_of_adults_depends_on_the_age() {
        let base = "elder.in_school=false elder.training=none elder.company_trained=false \
                    elder.work_status=working elder.contract=with elder.pension=none";
        for (settings, deprived) in [
            ("elder.birth=2006-12-15 elder.schooling=none", false),
            ("elder.birth=2006-12-14 elder.schooling=primary", true),
            ("elder.birth=2006-12-14 elder.schooling=lower_secondary", false),
            ("elder.birth=2004-12-15 elder.schooling=lower_secondary", false),
            ("elder.birth=2004-12-14 elder.schooling=lower_secondary", true),
            ("elder.birth=2004-12-14 elder.schooling=upper_secondary", false),
            ("elder.birth=2004-12-14 elder.training=elementary", false),
            ("elder.birth=2004-12-14 elder.company_trained=true", false),
            ("elder.birth=2006-12-14 elder.in_school=true", false),
            ("elder.birth=2004-12-14 elder.in_school=true", true),
            (
                "elder.birth=2004-12-14 elder.in_school=true elder.level_attended=upper_secondary",
                false,
            ),
            ("elder.birth=1991-12-15 elder.schooling=none", true),
            ("elder.birth=1991-12-14 elder.schooling=none", false),
        ] {
            check_indicator("adult_education", &format!("{base} {settings}"), Some(deprived));
        }
    }

    #[track_caller]
    fn check_indicator(indicator: &str, settings: &str, deprived: Option<bool>) {
        let result = rural(settings);
        let found = result.indicators.iter().find(|one| one.code == indicator).unwrap();
        assert_eq!(found.deprived, deprived, "{indicator}: {settings}: {:?}", found.because);
        assert_eq!(result.deprived.iter().any(|code| code == indicator), deprived == Some(true));
    }

    #[test]
    fn a_missing_answer_leaves_no_class_and_is_named() {
        for (settings, lacking) in [
            ("water=", "water"),
            ("area_dm2=", "area_dm2"),
            ("wall=earth roof=", "roof"),
            ("head.insurance=", "members/head/insurance"),
            ("head.contract=", "members/head/contract"),
            ("younger.birth=", "members/younger/birth"),
            ("elder.malnutrition=", "members/elder/malnutrition"),
            ("head.uses_internet=", "members/head/uses_internet"),
            ("b1_entered=", "b1_entered"),
            ("b1_entered=-1", "b1_entered"),
            ("b1_method=", "b1_method"),
            ("b1_method=guessed", "b1_method"),
        ] {
            let result = rural(settings);
            assert_eq!(result.class, Class::Insufficient, "{settings}");
            assert!(result.missing.iter().any(|key| key == lacking), "{:?}", result.missing);
        }
    }

    #[test]
    fn a_value_the_form_objects_to_is_read_as_missing() {
        for (settings, lacking) in [
            ("water=abc", "water"),
            ("water=3", "water"),
            ("latrine=hole", "latrine"),
            ("area_dm2=-5", "area_dm2"),
            ("area_dm2=9999999", "area_dm2"),
            ("wall=gold roof=leaf", "wall"),
            ("b1_entered=1001", "b1_entered"),
            ("head.insurance=maybe", "members/head/insurance"),
            ("head.work_status=busy", "members/head/work_status"),
            ("head.contract=oral", "members/head/contract"),
            ("elder.malnutrition=thin", "members/elder/malnutrition"),
            ("younger.birth=1899-05-01", "members/younger/birth"),
            ("younger.birth=2023-01-01", "members/younger/birth"),
            ("younger.removed=forgotten", "members/younger/removed"),
        ] {
            let result = rural(settings);
            assert_eq!(result.class, Class::Insufficient, "{settings}");
            assert!(result.missing.iter().any(|key| key == lacking), "{:?}", result.missing);
        }
        let computed = rural("b1_method=computed goods.fridge=51 electricity_kwh_month=-1");
        assert_eq!(computed.missing, ["electricity_kwh_month", "goods.fridge"]);
        assert!(rural("younger.uses_internet=often").missing.is_empty(), "nobody needs it");
    }

    #[test]
    fn an_answer_that_cannot_change_anything_is_not_missed() {
        for settings in ["roof=", "younger.insurance=", "media.radio=", "spouse.uses_internet="] {
            let result = rural(settings);
            assert!(result.missing.is_empty(), "{settings}: {:?}", result.missing);
            assert_eq!(result.class, Class::NearPoor);
        }
    }

    /// Kleene's law: knowing less may leave an indicator open, but never turns it around.
    #[test]
    fn taking_one_answer_away_never_turns_an_indicator_around() {
        for settings in ["", POOR, "head.insurance=false head.uses_internet=false area_dm2=100"] {
            let household = with(family(), settings);
            let whole = classified(&household, Area::Rural);
            let own = household.answers.keys().map(|key| (None, key.clone()));
            let theirs = household.members.iter().flat_map(|(id, answers)| {
                answers.keys().map(move |key| (Some(id.clone()), key.clone()))
            });
            for (member, key) in own.chain(theirs) {
                let mut less = household.clone();
                match &member {
                    Some(id) => less.members.get_mut(id).unwrap().remove(&key),
                    None => less.answers.remove(&key),
                };
                let less = classified(&less, Area::Rural);
                for (before, after) in whole.indicators.iter().zip(&less.indicators) {
                    let same = after.deprived == before.deprived;
                    assert!(same || after.deprived.is_none(), "{member:?} {key} {}", after.code);
                }
            }
        }
    }

    #[test]
    fn nobody_is_above_while_an_indicator_is_unknown() {
        let result = rural("b1_entered=300 water=");
        assert_eq!((result.class, result.b2), (Class::Insufficient, None));
        assert_eq!(result.missing, ["water"]);
    }

    #[test]
    fn b1_is_computed_by_the_table_and_says_that_it_is_synthetic() {
        let result = rural("b1_method=computed");
        let b1 = result.b1.unwrap();
        let points: i64 = b1.items.iter().map(|item| item.points).sum();
        assert_eq!((b1.points, b1.method), (points, B1Method::Computed));
        assert_eq!(b1.items.len(), ScoreTable::synthetic_demo().items.len());
        assert_eq!(b1.table.as_deref(), Some("b1-synthetic@1"));
        assert!(b1.synthetic && result.unverified.contains(&"score_table".to_owned()));
        assert!(result.explanation.iter().any(|line| line.vi.contains("GIẢ LẬP")));
    }

    #[test]
    fn b1_cannot_be_computed_without_a_table_or_with_a_gap() {
        let household = with(family(), "b1_method=computed");
        let standard = Standard::nd_07_2021();
        let table = ScoreTable::synthetic_demo();
        let review_date = Date::parse("2022-12-14").unwrap();
        for (table, region) in [(None, COAST), (Some(&table), "nowhere")] {
            let basis = Basis { standard: &standard, table, review_date, region };
            let result = classify(&household, Area::Rural, &basis);
            assert_eq!(result.missing, ["score_table"]);
            assert_eq!((result.class, result.b1), (Class::Insufficient, None));
        }
        let result = rural("b1_method=computed goods.fridge= electricity_kwh_month=");
        assert_eq!(result.missing, ["electricity_kwh_month", "goods.fridge"]);
        let off_grid = rural("b1_method=computed electricity=none electricity_kwh_month=");
        assert!(off_grid.b1.is_some());
    }

    #[test]
    fn points_read_from_the_handbook_are_summed() {
        let mut household = with(family(), "b1_method=item_points");
        assert_eq!(classified(&household, Area::Rural).missing, ["b1_items"]);
        household.b1_items = [("electricity".to_owned(), 60), ("roof".to_owned(), 80)].into();
        let result = classified(&household, Area::Rural);
        let b1 = result.b1.unwrap();
        assert_eq!((b1.points, b1.method, b1.table), (140, B1Method::ItemPoints, None));
        assert!(!result.unverified.contains(&"score_table".to_owned()));
        household.b1_items.insert("roof".to_owned(), -5);
        assert_eq!(classified(&household, Area::Rural).missing, ["b1_items/roof"]);
        household.b1_items.insert("roof".to_owned(), i64::MAX);
        let beyond = classified(&household, Area::Rural);
        assert_eq!((beyond.class, beyond.b1), (Class::Insufficient, None));
        assert_eq!(beyond.missing, ["b1_items"]);
    }

    #[test]
    fn the_demo_table_separates_the_poor_from_the_others() {
        let poor = "b1_method=computed wall=leaf_bamboo pillar=soft_wood roof=metal_sheet \
                    area_dm2=3600 electricity_kwh_month=30 water=unprotected_spring latrine=none \
                    goods.motorbike=1 land.paddy_m2=800 livestock.buffalo_cow=1";
        let better = "b1_method=computed area_dm2=9000 electricity_kwh_month=120 water=piped \
                      goods.motorbike=2 goods.fridge=1 goods.washing_machine=1 \
                      head.schooling=upper_secondary head.work_kind=enterprise head.contract=with";
        let b1 = |settings, area| classified(&with(family(), settings), area).b1.unwrap().points;
        assert!((60..=140).contains(&b1(poor, Area::Rural)), "{}", b1(poor, Area::Rural));
        assert!((60..=175).contains(&b1(poor, Area::Urban)), "{}", b1(poor, Area::Urban));
        assert!((145..=260).contains(&b1(better, Area::Rural)), "{}", b1(better, Area::Rural));
        assert!((180..=290).contains(&b1(better, Area::Urban)), "{}", b1(better, Area::Urban));
    }

    #[test]
    fn the_result_says_why_in_both_languages() {
        let result = rural(&format!("{POOR} head.insurance=false"));
        assert_eq!(
            result.explanation[0].vi,
            "Hộ nghèo: B1 = 100 ≤ 140 (nông thôn) và B2 = 40 ≥ 30."
        );
        assert_eq!(
            result.explanation[0].en,
            "Poor household: B1 = 100 ≤ 140 (rural) and B2 = 40 ≥ 30."
        );
        assert!(result.explanation[2].vi.starts_with("Thiếu hụt 4 chỉ số: Bảo hiểm y tế;"));
        let because = |code: &str| {
            let found = result.indicators.iter().find(|one| one.code == code);
            found.unwrap().because.clone()
        };
        assert_eq!(because("health_insurance"), ["members/head"]);
        assert_eq!(because("water"), ["water"]);
        assert_eq!(because("house_quality"), ["pillar", "roof", "wall"]);
        assert!(because("latrine") == ["latrine"] && because("media").is_empty());
    }

    #[test]
    fn unverified_parts_are_listed_with_every_result() {
        let result = rural("spouse.birth=1984-01-01");
        assert_eq!(result.unverified.len(), 13);
        assert_eq!(result.unverified[0], "thresholds");
        assert!(result.unverified.contains(&"indicators.media".to_owned()));
        assert!(rural("spouse.birth=1984").unverified.contains(&"partial_birth".to_owned()));
    }

    #[test]
    fn a_classification_travels_as_json() {
        let result = rural("b1_method=computed");
        let json = serde_json::to_string(&result).unwrap();
        assert!(json.contains(r#""class":"near_poor""#) || json.contains(r#""class":"above""#));
        assert_eq!(serde_json::from_str::<Classification>(&json).unwrap(), result);
    }
}
