//! A household as rules see it: what the form objects to counts as not given.
//!
//! The form only flags a value that does not fit and nothing drops it, but it must not decide a
//! class either: floor space of −5 is no floor space. Each value is compared with the form once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mobile_schema::form::{Form, Kind, Scope};
use mobile_schema::household::{Answers, Household, Value};

use crate::date::{Date, PartialDate, age_on};

/// Kinds of the questions of Phiếu B by key.
type Kinds = BTreeMap<String, &'static Kind>;

static HOUSEHOLD_KINDS: LazyLock<Kinds> = LazyLock::new(|| kinds(Scope::Household));
static MEMBER_KINDS: LazyLock<Kinds> = LazyLock::new(|| kinds(Scope::Member));

fn kinds(scope: Scope) -> Kinds {
    let keys = Form::phieu_b().keys().into_iter().filter(|key| key.scope == scope);
    keys.map(|key| (key.key, &key.question.kind)).collect()
}

/// A household as rules see it on the review date: present members with their ages.
#[derive(Debug)]
pub struct Subject<'a> {
    pub(super) sheet: Sheet<'a>,
    pub(super) members: Vec<Person<'a>>,
    /// Ids of those of whom nobody can tell whether they still belong to the household.
    pub(super) doubtful: Vec<&'a str>,
}

/// One present member.
#[derive(Debug)]
pub(super) struct Person<'a> {
    pub(super) id: &'a str,
    pub(super) sheet: Sheet<'a>,
    pub(super) age: Option<i64>,
    birth_exact: bool,
}

/// Answers of the household or of one member, without those that do not fit the form.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    answers: &'a Answers,
    unfit: Vec<&'a str>,
}

impl<'a> Sheet<'a> {
    /// Compares every value with the form. Keys that the form does not have are left alone.
    fn new(answers: &'a Answers, kinds: &Kinds) -> Self {
        let objected = |key: &str, value: &Value| {
            kinds.get(key).is_some_and(|kind| kind.check(value).is_err())
        };
        let unfit = answers.iter().filter(|(key, value)| objected(key, value));
        Self { answers, unfit: unfit.map(|(key, _)| key.as_str()).collect() }
    }

    /// Returns an answer, unless the form objects to it.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        if self.unfit.contains(&key) { None } else { self.answers.get(key) }
    }
}

impl<'a> Subject<'a> {
    /// Reads a household once, so that twelve rules need not work out the same ages.
    pub fn new(household: &'a Household, review_date: Date) -> Self {
        let sheet = Sheet::new(&household.answers, &HOUSEHOLD_KINDS);
        let mut subject = Self { sheet, members: Vec::new(), doubtful: Vec::new() };
        for (id, answers) in &household.members {
            let sheet = Sheet::new(answers, &MEMBER_KINDS);
            match (answers.contains_key("removed"), sheet.get("removed")) {
                (false, _) => subject.members.push(Person::new(id, sheet, review_date)),
                (true, Some(_)) => {}
                (true, None) => subject.doubtful.push(id),
            }
        }
        subject
    }

    /// Returns an answer of the household, unless the form objects to it.
    pub fn answer(&self, key: &str) -> Option<&'a Value> {
        self.sheet.get(key)
    }

    /// Counts the present members.
    pub fn size(&self) -> i64 {
        i64::try_from(self.members.len()).expect("members fit in memory")
    }

    /// Tells whether some member's birth date is known only in part.
    pub fn has_partial_birth(&self) -> bool {
        self.members.iter().any(|person| !person.birth_exact)
    }
}

impl<'a> Person<'a> {
    /// Works out the age. Who was born after the review date has none: that birth is a slip.
    fn new(id: &'a str, sheet: Sheet<'a>, review_date: Date) -> Self {
        let birth = sheet.get("birth").and_then(Value::as_text);
        let birth = birth.and_then(|text| PartialDate::parse(text).ok());
        let age = birth.map(|date| i64::from(age_on(date.earliest(), review_date)));
        Self {
            id,
            sheet,
            age: age.filter(|age| *age >= 0),
            birth_exact: birth.is_none_or(PartialDate::is_exact),
        }
    }
}
