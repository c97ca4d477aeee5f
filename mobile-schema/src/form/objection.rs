//! What the forms object to: values outside their bounds and answers that do not go together.
//!
//! Objections are flags for people. Nothing in the pipeline drops an answer because of one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Choice, Condition, Form, Kind, Label, Question, Range, Scope};
use crate::household::{Answers, Household, Value};

/// Years a birth may lie in: nobody alive was born before 1900, and a later year than 2099 is a
/// slip of the keyboard for as long as these forms are in use.
const BIRTH_YEARS: std::ops::RangeInclusive<i64> = 1900..=2099;

/// Oldest age that is not objected to, in whole years.
const AGE_YEARS_MAX: i64 = 115;

/// Why an answer does not look right. It is shown and recorded; it never refuses the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Objection {
    /// Stable name, kebab-case.
    pub code: String,
    /// What to tell the person.
    pub text: Label,
}

impl Objection {
    fn new(code: &str, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: Label::new(vi, en) }
    }
}

/// An objection and the answer it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Finding {
    /// The member concerned; none where it is the household.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub member: Option<String>,
    /// Key of the answer.
    pub key: String,
    /// What is wrong with it.
    pub objection: Objection,
}

/// What a condition may read.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Answers of the scope in question.
    pub own: &'a Answers,
    /// The household's answers, which a member's questions may read too.
    pub household: &'a Answers,
    /// Whole years at the review date, of a member whose birth is known.
    pub age: Option<i64>,
}

impl Facts<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.own.get(key).or_else(|| self.household.get(key))
    }
}

impl Range {
    /// Says whether a number lies in the range.
    pub fn contains(&self, number: i64) -> bool {
        self.at_least.is_none_or(|low| number >= low) && self.below.is_none_or(|high| number < high)
    }
}

impl Condition {
    /// Says whether the condition holds. An answer not given holds nothing, an unknown age
    /// everything: a child whose birth is not known yet is still asked a child's questions.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
            Self::In { key, values } => facts
                .get(key)
                .and_then(Value::as_text)
                .is_some_and(|code| values.iter().any(|one| one == code)),
            Self::Is { key, value } => facts.get(key).and_then(Value::as_bool) == Some(*value),
            Self::Int { key, range } => {
                facts.get(key).and_then(Value::as_int).is_some_and(|number| range.contains(number))
            }
            Self::Age(range) => facts.age.is_none_or(|age| range.contains(age)),
        }
    }

    /// Says whether everything the condition reads is known.
    fn is_known(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.is_known(facts)),
            Self::Not(part) => part.is_known(facts),
            Self::In { key, .. } | Self::Is { key, .. } | Self::Int { key, .. } => {
                facts.get(key).is_some()
            }
            Self::Age(_) => facts.age.is_some(),
        }
    }
}

impl Question {
    /// Says whether the question is asked at all in this household or of this member.
    pub fn is_asked(&self, facts: &Facts<'_>) -> bool {
        self.ask_if.as_ref().is_none_or(|condition| condition.holds(facts))
    }
}

impl Kind {
    /// Says whether a value fits a question of this kind: its type, its options, its bounds.
    ///
    /// # Errors
    /// The [`Objection`] a person should read.
    pub fn check(&self, value: &Value) -> Result<(), Objection> {
        match (self, value) {
            (Self::Choice { options }, Value::Text(code)) => check_option(options, code),
            (Self::Ticks { .. } | Self::YesNo, Value::Bool(_)) => Ok(()),
            (Self::Counts { min, max, unit, .. }, Value::Int(number))
            | (Self::Integer { min, max, unit }, Value::Int(number)) => {
                check_bounds(*min, *max, unit, *number)
            }
            (Self::Text { chars_max }, Value::Text(text)) => check_text(*chars_max, text),
            (Self::PartialDate, Value::Text(text)) => check_date(text),
            (Self::Digits { lengths }, Value::Text(text)) => check_digits(lengths, text),
            _ => Err(Objection::new(
                "wrong-type",
                "Kiểu dữ liệu của câu trả lời không đúng",
                "the answer has the wrong type for its question",
            )),
        }
    }
}

impl Form {
    /// Says whether a value fits its question: its type, its options, its bounds.
    ///
    /// ```
    /// use mobile_schema::form::{Form, Scope};
    ///
    /// let form = Form::phieu_b();
    /// assert!(form.check_value("birth", Scope::Member, &"1954".into()).is_ok());
    /// let objection = form.check_value("birth", Scope::Member, &"1954-02-30".into()).unwrap_err();
    /// assert_eq!(objection.code, "date-not-plausible");
    /// ```
    ///
    /// # Errors
    /// The [`Objection`] a person should read.
    pub fn check_value(&self, key: &str, scope: Scope, value: &Value) -> Result<(), Objection> {
        let Some(place) = self.find(key, scope) else {
            return Err(Objection::new(
                "unknown-key",
                format!("Phiếu không có mục “{key}”"),
                format!("the form has no question “{key}”"),
            ));
        };
        place.question.kind.check(value)
    }

    /// Lists everything the form objects to in one household, in a fixed order.
    ///
    /// `age_of` gives a member's whole years at the review date, or `None` where the birth is not
    /// known. Answers the form does not write are left to the other form. Removed members are
    /// read for their bounds but not compared with anyone.
    pub fn objections(
        &self,
        household: &Household,
        age_of: impl Fn(&Answers) -> Option<i64>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let answers = &household.answers;
        let facts = Facts { own: answers, household: answers, age: None };
        self.check_scope(Scope::Household, None, &facts, &mut findings);
        for (id, own) in &household.members {
            let facts = Facts { own, household: answers, age: age_of(own) };
            self.check_scope(Scope::Member, Some(id), &facts, &mut findings);
        }
        if self.find("relation", Scope::Member).is_some() {
            check_roster(household, &mut findings);
        }
        findings
    }

    fn check_scope(
        &self,
        scope: Scope,
        member: Option<&String>,
        facts: &Facts<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let mut object = |key: &str, objection| {
            findings.push(Finding { member: member.cloned(), key: key.to_owned(), objection });
        };
        for (key, value) in facts.own {
            let Some(place) = self.find(key, scope) else { continue };
            if let Err(objection) = self.check_value(key, scope, value) {
                object(key, objection);
            }
            if key == "birth" && facts.age.is_some_and(|age| !(0..=AGE_YEARS_MAX).contains(&age)) {
                object(key, age_not_plausible());
            }
            for check in &place.question.checks {
                if check.must.is_known(facts) && !check.must.holds(facts) {
                    let (code, text) = (check.code.clone(), check.text.clone());
                    object(key, Objection { code, text });
                }
            }
        }
    }
}

fn check_option(options: &[Choice], code: &str) -> Result<(), Objection> {
    if options.iter().any(|option| option.code == code) {
        return Ok(());
    }
    Err(Objection::new(
        "unknown-option",
        format!("Mã lựa chọn “{code}” không có trong phiếu"),
        format!("“{code}” is not an option of this question"),
    ))
}

fn check_bounds(min: i64, max: i64, unit: &str, number: i64) -> Result<(), Objection> {
    if (min..=max).contains(&number) {
        return Ok(());
    }
    Err(Objection::new(
        "out-of-bounds",
        format!("Số {number} {unit} nằm ngoài khoảng {min}–{max}"),
        format!("{number} {unit} is outside {min}–{max}"),
    ))
}

fn check_text(chars_max: u32, text: &str) -> Result<(), Objection> {
    if text.trim().is_empty() {
        return Err(Objection::new("text-empty", "Chưa ghi nội dung", "the text is empty"));
    }
    if u32::try_from(text.chars().count()).is_ok_and(|chars| chars <= chars_max) {
        return Ok(());
    }
    Err(Objection::new(
        "text-too-long",
        format!("Nội dung dài quá {chars_max} ký tự"),
        format!("the text is longer than {chars_max} characters"),
    ))
}

fn check_digits(lengths: &[u32], text: &str) -> Result<(), Objection> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if text.bytes().all(|byte| byte.is_ascii_digit()) && lengths.contains(&length) {
        return Ok(());
    }
    let known: Vec<String> = lengths.iter().map(u32::to_string).collect();
    Err(Objection::new(
        "digits-not-plausible",
        format!("Số phải gồm {} chữ số", known.join(" hoặc ")),
        format!("the number must have {} digits", known.join(" or ")),
    ))
}

fn check_date(text: &str) -> Result<(), Objection> {
    if is_partial_date(text) {
        return Ok(());
    }
    Err(Objection::new(
        "date-not-plausible",
        "Ngày, tháng, năm sinh không hợp lệ",
        "this is not a plausible day, month or year",
    ))
}

fn is_partial_date(text: &str) -> bool {
    let mut numbers = Vec::new();
    for (index, part) in text.split('-').enumerate() {
        let digits = if index == 0 { 4 } else { 2 };
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        numbers.push(part.parse::<i64>().expect("two or four digits are a number"));
    }
    match *numbers {
        [year] => BIRTH_YEARS.contains(&year),
        [year, month] => BIRTH_YEARS.contains(&year) && (1..=12).contains(&month),
        [year, month, day] => {
            BIRTH_YEARS.contains(&year)
                && (1..=12).contains(&month)
                && (1..=days_in(year, month)).contains(&day)
        }
        _ => false,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn age_not_plausible() -> Objection {
    Objection::new(
        "age-not-plausible",
        format!("Tuổi tại ngày rà soát không nằm trong khoảng 0–{AGE_YEARS_MAX}"),
        format!("the age at the review date is not between 0 and {AGE_YEARS_MAX}"),
    )
}

/// Compares the members with one another: one head, no ID number twice.
fn check_roster(household: &Household, findings: &mut Vec<Finding>) {
    let text = |answers: &Answers, key: &str| {
        answers.get(key).and_then(Value::as_text).map(ToOwned::to_owned)
    };
    let mut numbers = BTreeSet::new();
    let mut heads = 0;
    for (id, answers) in household.present() {
        heads += i64::from(text(answers, "relation").as_deref() == Some("head"));
        if text(answers, "id_number").is_some_and(|number| !numbers.insert(number)) {
            findings.push(Finding {
                member: Some(id.clone()),
                key: "id_number".to_owned(),
                objection: Objection::new(
                    "id-number-twice",
                    "Số định danh cá nhân/CCCD trùng với thành viên khác trong hộ",
                    "another member of the household has the same ID number",
                ),
            });
        }
    }
    if heads != 1 && household.present().next().is_some() {
        findings.push(Finding {
            member: None,
            key: "relation".to_owned(),
            objection: Objection::new(
                "head-not-one",
                format!("Hộ phải có đúng một chủ hộ, hiện có {heads}"),
                format!("a household has exactly one head, this one has {heads}"),
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refused(key: &str, scope: Scope, value: impl Into<Value>) -> Option<String> {
        let checked = Form::phieu_b().check_value(key, scope, &value.into());
        checked.err().map(|objection| objection.code)
    }

    #[test]
    fn values_that_fit_are_not_objected_to() {
        for (key, value) in [
            ("birth", Value::from("1954")),
            ("birth", "1954-01".into()),
            ("birth", "2024-02-29".into()),
            ("id_number", "045000000001".into()),
            ("id_number", "190000001".into()),
            ("ethnicity", "23".into()),
            ("insurance", false.into()),
            ("name", "Hồ".into()),
        ] {
            assert_eq!(refused(key, Scope::Member, value.clone()), None, "{key} {value:?}");
        }
        assert_eq!(refused("goods.motorbike", Scope::Household, 2), None);
        assert_eq!(refused("land.paddy_m2", Scope::Household, 0), None);
        assert_eq!(refused("causes.8", Scope::Household, true), None);
    }

    #[test]
    fn each_misfit_has_its_name() {
        let (household, member) = (Scope::Household, Scope::Member);
        for (key, scope, value, code) in [
            ("colour", household, Value::from("red"), "unknown-key"),
            ("name", household, "Hồ".into(), "unknown-key"),
            ("wall", household, "gold".into(), "unknown-option"),
            ("wall", household, 3.into(), "wrong-type"),
            ("insurance", member, "yes".into(), "wrong-type"),
            ("area_dm2", household, Value::Int(-1), "out-of-bounds"),
            ("goods.car", household, 51.into(), "out-of-bounds"),
            ("name", member, "  ".into(), "text-empty"),
            ("name", member, "x".repeat(81).into(), "text-too-long"),
            ("birth", member, "1899".into(), "date-not-plausible"),
            ("birth", member, "1990-13".into(), "date-not-plausible"),
            ("birth", member, "1990-02-29".into(), "date-not-plausible"),
            ("birth", member, "1990-1-1".into(), "date-not-plausible"),
            ("birth", member, "1990-01-01-01".into(), "date-not-plausible"),
            ("birth", member, "".into(), "date-not-plausible"),
            ("id_number", member, "1234567890".into(), "digits-not-plausible"),
            ("id_number", member, "04500000000x".into(), "digits-not-plausible"),
        ] {
            assert_eq!(refused(key, scope, value).as_deref(), Some(code), "{key}");
        }
    }

    fn member(pairs: &[(&str, Value)]) -> Answers {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn objected(members: &[Answers]) -> Vec<String> {
        let members = members.iter().zip(1..).map(|(one, n)| (format!("{n:032x}"), one.clone()));
        let household = Household { members: members.collect(), ..Household::default() };
        let age_of = |answers: &Answers| {
            let birth = answers.get("birth")?.as_text()?;
            Some(2022 - birth.get(..4)?.parse::<i64>().ok()?)
        };
        let findings = Form::phieu_b().objections(&household, age_of);
        findings.into_iter().map(|finding| finding.objection.code).collect()
    }

    #[test]
    fn answers_that_do_not_go_together_are_objected_to() {
        let head = member(&[("relation", "head".into()), ("birth", "1980".into())]);
        assert_eq!(objected(std::slice::from_ref(&head)), Vec::<String>::new());
        assert_eq!(objected(&[head.clone(), head.clone()]), ["head-not-one"]);

        let young = member(&[("relation", "spouse".into()), ("birth", "2012".into())]);
        assert_eq!(objected(&[head.clone(), young]), ["relation-age"]);

        let unborn = member(&[("relation", "child".into()), ("birth", "2024".into())]);
        assert_eq!(objected(&[head.clone(), unborn]), ["age-not-plausible"]);

        let numbered = |relation: &str| {
            member(&[("relation", relation.into()), ("id_number", "045000000001".into())])
        };
        assert_eq!(objected(&[numbered("head"), numbered("child")]), ["id-number-twice"]);

        let mut gone = numbered("child");
        gone.insert("removed".to_owned(), "died".into());
        assert_eq!(objected(&[numbered("head"), gone]), Vec::<String>::new());
    }

    /// A check waits until everything it reads was answered.
    #[test]
    fn a_check_says_nothing_about_what_is_missing() {
        let head = |pairs: &[(&str, Value)]| {
            let mut head = member(pairs);
            head.insert("relation".to_owned(), "head".into());
            head
        };
        let degree = ("training", Value::from("university"));
        assert_eq!(objected(&[head(std::slice::from_ref(&degree))]), Vec::<String>::new());
        let primary = ("schooling", Value::from("primary"));
        assert_eq!(objected(&[head(&[degree, primary])]), ["training-school"]);
    }

    #[test]
    fn a_skipped_question_is_not_asked() {
        let form = Form::phieu_b();
        let asked = |key: &str, own: &Answers, age| {
            let place = form.find(key, Scope::Member).unwrap();
            place.question.is_asked(&Facts { own, household: &Answers::new(), age })
        };
        let nobody = Answers::new();
        assert!(asked("malnutrition", &nobody, Some(15)));
        assert!(!asked("malnutrition", &nobody, Some(16)));
        assert!(asked("malnutrition", &nobody, None));
        assert!(!asked("contract", &nobody, Some(30)));
        let working = member(&[("work_status", "working".into())]);
        assert!(asked("contract", &working, Some(30)));
    }
}
