//! Poverty standards (chuẩn nghèo) as versioned data: the code knows only their shape.
//!
//! Every part says what it rests on. A part that was not read in the legal text itself is not
//! verified, and whatever is made with it says so. See `LEGAL.md`.

use std::collections::BTreeSet;

use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::rule::{Rule, RuleError};
use crate::unit::Area;

/// A text in both languages of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// How surely a part is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Read in the legal text itself or in an official form.
    Verified,
    /// Read in a summary, a legal answer or software built on the official forms.
    Secondary,
    /// Remembered, inferred or disputed. Not safe to rely on.
    Unverified,
}

/// What a part of a standard rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Instrument and article, and where that was read.
    pub source: String,
    /// True only for what was read in the legal text itself.
    pub verified: bool,
    /// The finer grade behind `verified`.
    pub certainty: Certainty,
}

/// A value for each kind of area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerArea {
    /// Value in urban areas.
    pub urban: i64,
    /// Value in rural areas.
    pub rural: i64,
}

impl PerArea {
    /// Returns the value for one kind of area.
    pub const fn of(self, area: Area) -> i64 {
        match area {
            Area::Urban => self.urban,
            Area::Rural => self.rural,
        }
    }
}

/// A dimension of deprivation (chiều thiếu hụt).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Stable code within the standard.
    pub code: String,
    /// Name.
    pub label: Line,
}

/// An indicator of deprivation (chỉ số), derived from answers and never asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Stable code within the standard; another standard's twelfth indicator is another one.
    pub code: String,
    /// Code of its dimension.
    pub dimension: String,
    /// Name.
    pub label: Line,
    /// When a household is deprived, in words.
    pub when: Line,
    /// When a household is deprived.
    pub deprived: Rule,
    /// What the rule rests on, at the grade of its weakest part.
    pub standing: Standing,
}

/// Points that separate the classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Most B1 points of a poor or near-poor household; the bound itself is within.
    pub b1: PerArea,
    /// Fewest B2 points of a poor household; the bound itself is poor.
    pub b2_poor: i64,
    /// B2 points of one deprived indicator.
    pub points_per_indicator: i64,
    /// What they rest on.
    pub standing: Standing,
}

/// Income lines in đồng per person and month. Shown beside B1, never compared with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomeLines {
    /// The lines.
    pub vnd_per_person_month: PerArea,
    /// What they rest on.
    pub standing: Standing,
}

/// When an applicant's Phiếu A (quick identification) leads on to Phiếu B.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormARule {
    /// How the keys of its ticks begin.
    pub tick_prefix: String,
    /// Fewest ticks with which a household passes on.
    pub ticks_min: u32,
    /// What the rule rests on.
    pub standing: Standing,
}

/// Whose ethnicity makes a household a DTTS household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DttsWho {
    /// The head's.
    Head,
    /// The head's or the spouse's.
    HeadOrSpouse,
}

/// When a household counts as one of an ethnic minority (hộ dân tộc thiểu số, DTTS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DttsRule {
    /// Whose ethnicity decides.
    pub who: DttsWho,
    /// Codes of groups that are no minority: 01 Kinh.
    pub majority: Vec<String>,
    /// What the rule rests on.
    pub standing: Standing,
}

/// One version of the standard. Made by [`Standard::parse`], which checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// Stable code.
    pub code: String,
    /// Name.
    pub title: Line,
    /// First day of the first review it may be used in.
    pub valid_from: Date,
    /// Last day it may be used on; `None` where open.
    pub valid_to: Option<Date>,
    /// What the standard as a whole and its period rest on.
    pub standing: Standing,
    /// Income lines.
    pub income: IncomeLines,
    /// Points that separate the classes.
    pub thresholds: Thresholds,
    /// Dimensions, in the order of the forms.
    pub dimensions: Vec<Dimension>,
    /// Indicators, in the order of the forms.
    pub indicators: Vec<Indicator>,
    /// Who passes Phiếu A.
    pub form_a: FormARule,
    /// Which households are DTTS households.
    pub dtts: DttsRule,
}

/// Why a standard cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StandardError {
    /// The text is not a standard.
    #[error("not a standard: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It ends before it begins.
    #[error("valid_to is before valid_from")]
    Period,
    /// No indicators, or a threshold below zero.
    #[error("a standard has indicators, and thresholds that are not negative")]
    Thresholds,
    /// Two indicators or two dimensions have one code.
    #[error("code {code:?} is used twice")]
    Duplicate {
        /// The code.
        code: String,
    },
    /// An indicator names a dimension that is not there.
    #[error("indicator {indicator:?} names dimension {dimension:?}, which is not there")]
    Dimension {
        /// Code of the indicator.
        indicator: String,
        /// Code of the dimension.
        dimension: String,
    },
    /// An indicator's rule cannot be used.
    #[error("indicator {indicator:?}: {error}")]
    Rule {
        /// Code of the indicator.
        indicator: String,
        /// What is wrong with it.
        error: RuleError,
    },
    /// A part has no source, or `verified` and `certainty` say different things.
    #[error("{part}: a source is needed, and verified must go with certainty")]
    Standing {
        /// Name of the part.
        part: String,
    },
}

impl Standard {
    /// Returns the standard of Decree 07/2021/NĐ-CP, used for the reviews of 2021 to 2026.
    pub fn nd_07_2021() -> Self {
        Self::parse(include_str!("../standards/nd-07-2021.json"))
            .expect("the built-in standard is read by a test")
    }

    /// Reads a standard from JSON and checks that its parts fit together.
    pub fn parse(json: &str) -> Result<Self, StandardError> {
        let standard: Self = serde_json::from_str(json)?;
        standard.check()?;
        Ok(standard)
    }

    /// Finds an indicator by code.
    pub fn indicator(&self, code: &str) -> Option<&Indicator> {
        self.indicators.iter().find(|indicator| indicator.code == code)
    }

    /// Lists the rules that ask for a question the form does not have.
    pub fn check_keys(&self, known: &BTreeSet<String>) -> Vec<StandardError> {
        let errors = self.indicators.iter().flat_map(|indicator| {
            let errors = indicator.deprived.check_keys(known).into_iter();
            errors.map(|error| StandardError::Rule { indicator: indicator.code.clone(), error })
        });
        errors.collect()
    }

    /// Lists every part with what it rests on, by name.
    pub fn parts(&self) -> Vec<(String, &Standing)> {
        let mut parts = vec![
            ("standard".to_owned(), &self.standing),
            ("income".to_owned(), &self.income.standing),
            ("thresholds".to_owned(), &self.thresholds.standing),
            ("form_a".to_owned(), &self.form_a.standing),
            ("dtts".to_owned(), &self.dtts.standing),
        ];
        parts.extend(
            self.indicators
                .iter()
                .map(|indicator| (format!("indicators.{}", indicator.code), &indicator.standing)),
        );
        parts
    }

    fn check(&self) -> Result<(), StandardError> {
        if self.valid_to.is_some_and(|to| to < self.valid_from) {
            return Err(StandardError::Period);
        }
        let points = [
            self.thresholds.b1.urban,
            self.thresholds.b1.rural,
            self.thresholds.b2_poor,
            self.thresholds.points_per_indicator,
        ];
        if self.indicators.is_empty() || points.iter().any(|points| *points < 0) {
            return Err(StandardError::Thresholds);
        }
        once(self.dimensions.iter().map(|dimension| &dimension.code))?;
        once(self.indicators.iter().map(|indicator| &indicator.code))?;
        self.indicators.iter().try_for_each(|indicator| self.check_indicator(indicator))?;
        for (part, standing) in self.parts() {
            let agrees = standing.verified == (standing.certainty == Certainty::Verified);
            if !agrees || standing.source.trim().is_empty() {
                return Err(StandardError::Standing { part });
            }
        }
        Ok(())
    }

    fn check_indicator(&self, indicator: &Indicator) -> Result<(), StandardError> {
        let code = || indicator.code.clone();
        if !self.dimensions.iter().any(|dimension| dimension.code == indicator.dimension) {
            let dimension = indicator.dimension.clone();
            return Err(StandardError::Dimension { indicator: code(), dimension });
        }
        match indicator.deprived.check().into_iter().next() {
            Some(error) => Err(StandardError::Rule { indicator: code(), error }),
            None => Ok(()),
        }
    }
}

/// Refuses a code that comes twice.
fn once<'a>(codes: impl Iterator<Item = &'a String>) -> Result<(), StandardError> {
    let mut seen = BTreeSet::new();
    for code in codes {
        if !seen.insert(code) {
            return Err(StandardError::Duplicate { code: code.clone() });
        }
    }
    Ok(())
}

/// Tells whether an applicant's Phiếu A leads on to Phiếu B; `None` where it has no answers yet.
///
/// Ticks that Phiếu A does not have are not counted. Nothing blocks on the result yet: an applicant
/// who does not pass is surveyed and classified like anybody else.
///
/// Source: not found. The rule counts ticks because one province's data model stores Phiếu A as
/// ticked conditions with one outcome; see `LEGAL.md`, "Phiếu A".
pub fn form_a_passes(household: &Household, rule: &FormARule) -> Option<bool> {
    let is_tick = |key: &str| {
        key.starts_with(&rule.tick_prefix) && Form::phieu_a().find(key, Scope::Household).is_some()
    };
    let ticks = household.answers.iter().filter(|(key, _)| is_tick(key));
    let ticks: Vec<&Value> = ticks.map(|(_, value)| value).collect();
    let ticked = ticks.iter().filter(|value| value.as_bool() == Some(true)).count();
    let passes = u32::try_from(ticked).is_ok_and(|ticked| ticked >= rule.ticks_min);
    (!ticks.is_empty()).then_some(passes)
}

/// Returns the code of a member's ethnic group, where the form has it.
pub fn known_ethnicity(person: &Answers) -> Option<&str> {
    let answer = person.get("ethnicity")?;
    let fits = Form::phieu_b().check_value("ethnicity", Scope::Member, answer).is_ok();
    answer.as_text().filter(|_| fits)
}

/// Tells whether a household is a DTTS household; `None` where an ethnicity it needs is missing or
/// no code of the form, and where two members are marked as head.
///
/// Source: no definition was found; head only is the default of ours, see `LEGAL.md`, "DTTS".
///
/// ```
/// use mobile_schema::household::{Answers, Household};
/// use shared::standard::{Standard, is_dtts};
///
/// let rule = Standard::nd_07_2021().dtts;
/// let mut household = Household::default();
/// assert_eq!(is_dtts(&household, &rule), None);
///
/// let head = Answers::from([
///     ("relation".to_owned(), "head".into()),
///     ("ethnicity".to_owned(), "23".into()), // Bru-Vân Kiều
/// ]);
/// household.members.insert("a".repeat(32), head);
/// assert_eq!(is_dtts(&household, &rule), Some(true));
/// ```
pub fn is_dtts(household: &Household, rule: &DttsRule) -> Option<bool> {
    if household.heads().nth(1).is_some() {
        return None;
    }
    let minority = |person: &Answers| {
        let code = known_ethnicity(person)?;
        Some(!rule.majority.iter().any(|majority| majority == code))
    };
    let head = household.head().and_then(minority);
    let is_spouse =
        |person: &&Answers| person.get("relation").and_then(Value::as_text) == Some("spouse");
    match rule.who {
        DttsWho::Head => head,
        DttsWho::HeadOrSpouse => {
            household.present().map(|(_, person)| person).filter(is_spouse).map(minority).fold(
                head,
                |any, one| match (any, one) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ND_07: &str = include_str!("../standards/nd-07-2021.json");

    fn changed(path: &str, value: serde_json::Value) -> Result<Standard, StandardError> {
        let mut json: serde_json::Value = serde_json::from_str(ND_07).unwrap();
        *json.pointer_mut(path).unwrap() = value;
        Standard::parse(&json.to_string())
    }

    fn person(relation: &str, ethnicity: Option<&str>) -> Answers {
        let mut answers = Answers::from([("relation".to_owned(), relation.into())]);
        answers.extend(ethnicity.map(|code| ("ethnicity".to_owned(), code.into())));
        answers
    }

    fn family(people: &[Answers]) -> Household {
        let members = ('a'..).map(|id| id.to_string()).zip(people.iter().cloned()).collect();
        Household { members, ..Household::default() }
    }

    #[test]
    fn the_standard_has_twelve_indicators_in_the_order_of_the_forms() {
        let standard = Standard::nd_07_2021();
        let codes: Vec<&str> = standard.indicators.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(
            codes,
            [
                "employment",
                "dependants",
                "nutrition",
                "health_insurance",
                "adult_education",
                "child_schooling",
                "house_quality",
                "house_area",
                "water",
                "latrine",
                "telecom",
                "media",
            ]
        );
        assert_eq!(standard.dimensions.len(), 6);
        let thresholds = &standard.thresholds;
        assert_eq!((thresholds.b1.of(Area::Rural), thresholds.b1.of(Area::Urban)), (140, 175));
        assert_eq!((thresholds.b2_poor, thresholds.points_per_indicator), (30, 10));
    }

    #[test]
    fn only_the_income_lines_were_read_in_the_decree() {
        let standard = Standard::nd_07_2021();
        let parts = standard.parts();
        let verified: Vec<&str> = parts
            .iter()
            .filter(|(_, standing)| standing.verified)
            .map(|(part, _)| part.as_str())
            .collect();
        assert_eq!(verified, ["income"]);
        assert_eq!(parts.len(), 17);
    }

    #[test]
    fn a_standard_that_does_not_fit_together_is_refused() {
        assert!(changed("/valid_to", serde_json::Value::Null).is_ok());
        assert!(matches!(Standard::parse("{}"), Err(StandardError::Malformed(_))));
        assert!(matches!(changed("/valid_to", "2021-08-31".into()), Err(StandardError::Period)));
        assert!(matches!(
            changed("/thresholds/b2_poor", (-1).into()),
            Err(StandardError::Thresholds)
        ));
        let twice = changed("/indicators/1/code", "employment".into());
        assert!(matches!(twice, Err(StandardError::Duplicate { code }) if code == "employment"));
        let lost = changed("/indicators/1/dimension", "luck".into());
        assert!(
            matches!(lost, Err(StandardError::Dimension { dimension, .. }) if dimension == "luck")
        );
        let shape = changed("/indicators/8/deprived", serde_json::json!({ "any": [] }));
        assert!(matches!(shape, Err(StandardError::Rule { error: RuleError::Empty, .. })));
        let bold = changed("/thresholds/standing/verified", true.into());
        assert!(matches!(bold, Err(StandardError::Standing { part }) if part == "thresholds"));
        let bare = changed("/dtts/standing/source", "".into());
        assert!(matches!(bare, Err(StandardError::Standing { part }) if part == "dtts"));
    }

    #[test]
    fn a_question_the_form_does_not_have_is_named_with_its_indicator() {
        let standard = Standard::nd_07_2021();
        let rules = standard.indicators.iter().map(|indicator| &indicator.deprived);
        let mut keys: BTreeSet<String> =
            rules.flat_map(|rule| rule.keys()).map(str::to_owned).collect();
        assert!(standard.check_keys(&keys).is_empty());
        keys.remove("latrine");
        let errors = standard.check_keys(&keys);
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].to_string(),
            "indicator \"latrine\": the form has no question \"latrine\""
        );
    }

    #[test]
    fn phieu_a_counts_its_ticks() {
        let rule = Standard::nd_07_2021().form_a;
        let ticked = |ticks: &[(&str, bool)]| {
            let answers = ticks.iter().map(|(key, tick)| ((*key).to_owned(), Value::Bool(*tick)));
            form_a_passes(&Household { answers: answers.collect(), ..Household::default() }, &rule)
        };
        assert_eq!(ticked(&[]), None);
        assert_eq!(ticked(&[("aquaculture", true), ("media.tv", true)]), None);
        assert_eq!(ticked(&[("a.1", true), ("a.2", false)]), Some(false));
        assert_eq!(ticked(&[("a.1", true), ("a.99", true)]), Some(false), "no such tick");
        assert_eq!(ticked(&[("a.98", true), ("a.99", true)]), None, "no such ticks");
        assert_eq!(ticked(&[("a.1", true), ("a.2", false), ("a.3", true)]), Some(true));
    }

    #[test]
    fn a_dtts_household_follows_the_rule_that_was_set() {
        let head = Standard::nd_07_2021().dtts;
        let either = DttsRule { who: DttsWho::HeadOrSpouse, ..head.clone() };
        let (kinh, bru) = (Some("01"), Some("23"));
        let mut left = person("spouse", bru);
        left.insert("removed".to_owned(), "died".into());
        for (people, by_head, by_either) in [
            (vec![person("head", bru)], Some(true), Some(true)),
            (vec![person("head", kinh)], Some(false), Some(false)),
            (vec![person("head", kinh), person("spouse", bru)], Some(false), Some(true)),
            (vec![person("head", kinh), left], Some(false), Some(false)),
            (vec![person("head", kinh), person("child", bru)], Some(false), Some(false)),
            (vec![person("head", kinh), person("spouse", None)], Some(false), None),
            (vec![person("head", None), person("spouse", bru)], None, Some(true)),
            (vec![person("head", None), person("spouse", kinh)], None, None),
            (vec![person("spouse", kinh)], None, None),
            (vec![person("head", Some("99"))], None, None),
            (vec![person("head", Some("Bru"))], None, None),
            (vec![person("head", kinh), person("spouse", Some("99"))], Some(false), None),
            (vec![person("head", bru), person("head", bru)], None, None),
            (vec![person("head", kinh), person("head", bru)], None, None),
            (vec![person("head", kinh), person("head", kinh), person("spouse", bru)], None, None),
        ] {
            let family = family(&people);
            assert_eq!(is_dtts(&family, &head), by_head, "{people:?}");
            assert_eq!(is_dtts(&family, &either), by_either, "{people:?}");
        }
    }
}
