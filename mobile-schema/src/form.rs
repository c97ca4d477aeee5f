//! The forms as data: what is asked, in which words, with which codes, bounds, skips and checks.
//!
//! The questions live in `forms/*.json`; this file only knows their shape. Nothing here decides a
//! class and nothing here refuses an answer: a value that does not fit is an [`Objection`] for a
//! person to read, because a record from the field is kept whatever it says.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

mod objection;

pub use objection::{Facts, Finding, Objection};

/// A text in both languages of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Vietnamese, shown first.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Label {
    fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }
}

/// Whose answers a key belongs to: the household's or one member's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Written to `answers`.
    Household,
    /// Written to `members.<id>`, asked once for each member.
    Member,
}

/// One form (phiếu): pages of questions with a version of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Stable code, `phieu-a` or `phieu-b`.
    pub code: String,
    /// Raised whenever a question, an option or a rule changes.
    pub version: u32,
    /// Title as printed.
    pub title: Label,
    /// The instrument the form comes from, and how it was read.
    pub source: String,
    /// Whether the whole form was compared with the printed one.
    pub verified: bool,
    /// Pages in the order they are asked.
    pub pages: Vec<Page>,
}

/// One page: what is saved together, as one change of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Code of the page, unique within the form.
    pub code: String,
    /// Block whose `asked` mark is written with the page; one of [`crate::household::BLOCKS`].
    pub block: String,
    /// Whose answers the page takes.
    pub scope: Scope,
    /// Heading.
    pub title: Label,
    /// Questions in the order they are asked.
    pub questions: Vec<Question>,
}

/// One question and everything needed to ask it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Key of the answer, or its first part where the kind has options of its own.
    pub code: String,
    /// The question as read aloud.
    pub label: Label,
    /// What an answer looks like.
    pub kind: Kind,
    /// Whether a finished form needs it (where it is asked at all).
    #[serde(default)]
    #[cfg_attr(feature = "generate", ts(as = "Option<bool>", optional))]
    pub required: bool,
    /// Asked only where this holds. An answer not given holds nothing, an unknown age everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub ask_if: Option<Condition>,
    /// What should be true of the answer beside its bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "generate", ts(as = "Option<Vec<Check>>", optional))]
    pub checks: Vec<Check>,
    /// Help for the enumerator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub hint: Option<Label>,
    /// Whether wording and codes were read in the legal text.
    pub verified: bool,
    /// Where the question comes from, if not the source of the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub source: Option<String>,
}

/// What an answer looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// One option; the answer is its code.
    Choice {
        /// The options, in the order shown.
        options: Vec<Choice>,
    },
    /// Any number of options, each a yes or no under `question.option`.
    Ticks {
        /// The options, in the order shown.
        options: Vec<Choice>,
    },
    /// A whole number for each option under `question.option`.
    Counts {
        /// The options, in the order shown.
        options: Vec<Choice>,
        /// Unit of every number.
        unit: String,
        /// Smallest plausible number.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        min: i64,
        /// Largest plausible number.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        max: i64,
    },
    /// A whole number.
    Integer {
        /// Smallest plausible number.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        min: i64,
        /// Largest plausible number.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        max: i64,
        /// Unit of the number.
        unit: String,
    },
    /// Yes or no.
    YesNo,
    /// Free text.
    Text {
        /// Longest text, in characters.
        chars_max: u32,
    },
    /// A day, a month or only a year: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    PartialDate,
    /// Digits only.
    Digits {
        /// Lengths that exist.
        lengths: Vec<u32>,
    },
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The code that is stored.
    pub code: String,
    /// The option as read aloud.
    pub label: Label,
    /// Of an outcome: nobody needs to come back to this family.
    #[serde(default, rename = "final", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub is_final: Option<bool>,
    /// Of an outcome: the family was surveyed and can be classified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub surveyed: Option<bool>,
    /// Of an outcome: the family leaves the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub leaves: Option<bool>,
    /// Of a material: it counts as durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub durable: Option<bool>,
}

/// Something that should be true once a question is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Stable name of the objection, kebab-case.
    pub code: String,
    /// What should hold.
    pub must: Condition,
    /// What to say where it does not.
    pub text: Label,
}

/// A statement about answers, spelled like the rules of the standards but answering yes or no
/// only. A member's question may also read the household's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// Every part holds.
    All(Vec<Self>),
    /// At least one part holds.
    Any(Vec<Self>),
    /// The part does not hold.
    Not(Box<Self>),
    /// The answer is one of these codes.
    In {
        /// Key of the answer.
        key: String,
        /// Codes that hold.
        values: Vec<String>,
    },
    /// The yes or no answer is this one.
    Is {
        /// Key of the answer.
        key: String,
        /// The answer that holds.
        value: bool,
    },
    /// The number lies in a range.
    Int {
        /// Key of the answer.
        key: String,
        /// Where the range lies.
        #[serde(flatten)]
        range: Range,
    },
    /// The member's age in whole years at the review date lies in a range.
    Age(Range),
}

/// A range of whole numbers, open where a bound is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Range {
    /// Smallest number in the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
    pub at_least: Option<i64>,
    /// Smallest number above the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
    pub below: Option<i64>,
}

/// One key a form can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKey<'a> {
    /// The key as stored.
    pub key: String,
    /// Where it is stored.
    pub scope: Scope,
    /// Page that asks it.
    pub page: &'a Page,
    /// Question behind it.
    pub question: &'a Question,
    /// The option the key stands for, where the question is ticks or counts.
    pub option: Option<&'a Choice>,
}

static PHIEU_A: LazyLock<Form> = LazyLock::new(|| built_in(include_str!("../forms/phieu-a.json")));
static PHIEU_B: LazyLock<Form> = LazyLock::new(|| built_in(include_str!("../forms/phieu-b.json")));

fn built_in(json: &str) -> Form {
    serde_json::from_str(json).expect("the built-in forms parse; a test reads them")
}

impl Form {
    /// Returns Phiếu A, the quick identification of families that applied.
    pub fn phieu_a() -> &'static Self {
        &PHIEU_A
    }

    /// Returns Phiếu B, the review form.
    pub fn phieu_b() -> &'static Self {
        &PHIEU_B
    }

    /// Lists every key the form can write, in the order asked.
    ///
    /// ```
    /// use mobile_schema::form::{Form, Scope};
    ///
    /// let keys = Form::phieu_b().keys();
    /// assert!(keys.iter().any(|k| k.key == "goods.motorbike" && k.scope == Scope::Household));
    /// assert!(keys.iter().any(|k| k.key == "birth" && k.scope == Scope::Member));
    /// ```
    pub fn keys(&self) -> Vec<AnswerKey<'_>> {
        let mut keys = Vec::new();
        for page in &self.pages {
            for question in &page.questions {
                let answer =
                    |key, option| AnswerKey { key, scope: page.scope, page, question, option };
                match question.kind.parts() {
                    None => keys.push(answer(question.code.clone(), None)),
                    Some(options) => keys.extend(options.iter().map(|option| {
                        answer(format!("{}.{}", question.code, option.code), Some(option))
                    })),
                }
            }
        }
        keys
    }

    /// Finds what a key stands for, or `None` where this form never writes it.
    pub fn find(&self, key: &str, scope: Scope) -> Option<AnswerKey<'_>> {
        let pages = self.pages.iter().filter(|page| page.scope == scope);
        pages.flat_map(|page| page.questions.iter().map(move |q| (page, q))).find_map(
            |(page, question)| {
                let option = question.option_of(key)?;
                Some(AnswerKey { key: key.to_owned(), scope, page, question, option })
            },
        )
    }
}

impl Question {
    /// Matches a key: `Some(None)` is the question itself, `Some(Some(_))` one of its options.
    fn option_of(&self, key: &str) -> Option<Option<&Choice>> {
        match self.kind.parts() {
            None => (key == self.code).then_some(None),
            Some(options) => {
                let code = key.strip_prefix(self.code.as_str())?.strip_prefix('.')?;
                options.iter().find(|option| option.code == code).map(Some)
            }
        }
    }
}

impl Kind {
    /// Returns the options that are keys of their own.
    fn parts(&self) -> Option<&[Choice]> {
        match self {
            Self::Ticks { options } | Self::Counts { options, .. } => Some(options),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::household::BLOCKS;

    fn forms() -> [&'static Form; 2] {
        [Form::phieu_a(), Form::phieu_b()]
    }

    #[test]
    fn every_block_has_a_page_and_no_key_stands_twice() {
        let blocks: BTreeSet<&str> =
            forms().iter().flat_map(|form| &form.pages).map(|page| page.block.as_str()).collect();
        assert_eq!(blocks, BTreeSet::from(BLOCKS));

        let mut seen = BTreeSet::new();
        for key in forms().into_iter().flat_map(Form::keys) {
            assert!(seen.insert((key.scope, key.key.clone())), "{} twice", key.key);
        }
    }

    #[test]
    fn a_key_is_found_where_it_is_listed() {
        for form in forms() {
            for key in form.keys() {
                assert_eq!(form.find(&key.key, key.scope).as_ref(), Some(&key));
            }
        }
        let form = Form::phieu_b();
        assert_eq!(form.find("goods", Scope::Household), None);
        assert_eq!(form.find("goods.elephant", Scope::Household), None);
        assert_eq!(form.find("birth", Scope::Household), None);
    }

    #[test]
    fn conditions_read_keys_that_exist() {
        for form in forms() {
            for page in &form.pages {
                for question in &page.questions {
                    let must = question.checks.iter().map(|check| &check.must);
                    for condition in question.ask_if.iter().chain(must) {
                        check_keys(form, page.scope, condition);
                    }
                }
            }
        }
    }

    fn check_keys(form: &Form, scope: Scope, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| check_keys(form, scope, part));
            }
            Condition::Not(part) => check_keys(form, scope, part),
            Condition::In { key, values } => {
                for code in values {
                    form.check_value(key, scope, &code.as_str().into()).unwrap();
                }
            }
            Condition::Is { key, value } => {
                form.check_value(key, scope, &(*value).into()).unwrap();
            }
            Condition::Int { key, .. } => {
                let place = form.find(key, scope).unwrap();
                assert!(matches!(place.question.kind, Kind::Integer { .. } | Kind::Counts { .. }));
            }
            Condition::Age(_) => assert_eq!(scope, Scope::Member),
        }
    }

    #[test]
    fn outcomes_and_materials_carry_their_meaning() {
        let form = Form::phieu_b();
        let outcomes = form.find("outcome", Scope::Household).unwrap();
        let Kind::Choice { options } = &outcomes.question.kind else { panic!("a choice") };
        for option in options {
            let (last, surveyed) = (option.is_final.unwrap(), option.surveyed.unwrap());
            assert!(last || !surveyed, "{}: who was surveyed is done", option.code);
            assert_eq!(option.leaves.unwrap(), last && !surveyed, "{}", option.code);
        }
        for key in ["wall", "pillar", "roof"] {
            let place = form.find(key, Scope::Household).unwrap();
            let Kind::Choice { options } = &place.question.kind else { panic!("a choice") };
            assert!(options.iter().all(|option| option.durable.is_some()));
        }
    }

    #[test]
    fn phieu_a_is_marked_as_not_verified() {
        assert!(!Form::phieu_a().verified);
    }
}
