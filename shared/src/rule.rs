//! The small language in which standards and score tables say when something holds.
//!
//! A rule is data and answers yes, no or unknown. A missing answer is never read as a no: what a
//! rule could not see it names, and what it did not need it does not ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};

use crate::date::{Date, PartialDate, age_on};

/// Deepest nesting of one rule, in rules.
///
/// The deepest rule of the standard of 2022–2026 (adult education) has 6 levels; twice that leaves
/// room for a province's own, and evaluation still needs only a few kilobytes of stack.
pub const RULE_DEPTH_MAX: usize = 12;

/// A condition on a household, or on one member where it stands inside a rule over members.
///
/// ```
/// use mobile_schema::household::Household;
/// use shared::{date::Date, rule::{Rule, Subject, Truth}};
///
/// let rule: Rule = serde_json::from_str(
///     r#"{ "not": { "in": { "key": "water", "values": ["piped", "rain"] } } }"#,
/// ).unwrap();
/// let on = Date::parse("2022-12-14").unwrap();
/// let mut household = Household::default();
/// assert_eq!(rule.evaluate(&Subject::new(&household, on)).truth, Truth::Unknown);
///
/// household.answers.insert("water".to_owned(), "rain".into());
/// assert_eq!(rule.evaluate(&Subject::new(&household, on)).truth, Truth::No);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Holds always: the last choice of an item of a score table.
    Otherwise,
    /// Holds where every part does. Put the guard first: where it says no, nothing else is asked.
    All(Vec<Self>),
    /// Holds where at least one part does.
    Any(Vec<Self>),
    /// Holds where the part does not.
    Not(Box<Self>),
    /// Holds where at least `count` of the parts do.
    AtLeast {
        /// Fewest parts that must hold.
        count: u32,
        /// The parts.
        of: Vec<Self>,
    },
    /// Holds where the answer is one of the codes.
    In {
        /// Question key.
        key: String,
        /// Codes of choices.
        values: Vec<String>,
    },
    /// Holds where a yes-or-no answer has this value.
    Is {
        /// Question key.
        key: String,
        /// Yes or no.
        value: bool,
    },
    /// Holds where a number lies in a range.
    Int {
        /// Question key.
        key: String,
        /// Smallest number in the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<i64>,
        /// Smallest number above the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<i64>,
    },
    /// Holds where the question has an answer of any kind; never unknown.
    Answered {
        /// Question key.
        key: String,
    },
    /// Holds where the member's age in whole years on the review date lies in a range.
    Age {
        /// Youngest age in the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<i64>,
        /// Youngest age above the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<i64>,
    },
    /// Holds where the number of members lies in a range.
    Members {
        /// Fewest members in the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<i64>,
        /// Fewest members above the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<i64>,
    },
    /// Holds where the part does for one member or more.
    AnyMember(Box<Self>),
    /// Holds where the part does for every member.
    AllMembers(Box<Self>),
    /// Holds where the number of members for whom a part does lies in a range.
    MembersWhere {
        /// Which members are counted.
        which: Box<Self>,
        /// Fewest of them in the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<i64>,
        /// Fewest of them above the range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<i64>,
    },
    /// Holds where such members are more than a fraction of all: exactly half is not more than 1/2.
    ShareOfMembersOver {
        /// Which members are counted.
        which: Box<Self>,
        /// Upper part of the fraction.
        numerator: u32,
        /// Lower part of the fraction, not 0.
        denominator: u32,
    },
    /// Holds where a number divided by the number of members is below a bound.
    PerHeadBelow {
        /// Question key of the number.
        key: String,
        /// Bound for one member, in the unit of the number.
        per_member: i64,
    },
}

/// What a rule says: Kleene's three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// An answer that it needs is missing.
    Unknown,
}

impl Truth {
    /// Returns yes or no, or `None` where unknown.
    pub fn known(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unknown => None,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// An answer that a rule needed and did not find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing<'a> {
    /// Id of the member; `None` for an answer of the household.
    pub member: Option<&'a str>,
    /// Question key.
    pub key: &'a str,
}

impl fmt::Display for Missing<'_> {
    /// Writes `water` or `members/<id>/insurance`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(f, "members/{member}/{}", self.key),
            None => f.write_str(self.key),
        }
    }
}

/// What a rule said, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// Yes, no or unknown.
    pub truth: Truth,
    /// Answers that were needed and not found; empty unless unknown.
    pub missing: Vec<Missing<'a>>,
    /// Ids of members for whom a part over members held.
    pub members: Vec<&'a str>,
}

/// A household as rules see it on the review date: present members with their ages.
#[derive(Debug)]
pub struct Subject<'a> {
    answers: &'a Answers,
    members: Vec<Person<'a>>,
}

/// One present member.
#[derive(Debug)]
struct Person<'a> {
    id: &'a str,
    answers: &'a Answers,
    age: Option<i64>,
    birth_exact: bool,
}

impl<'a> Subject<'a> {
    /// Reads a household once, so that twelve rules need not work out the same ages.
    pub fn new(household: &'a Household, review_date: Date) -> Self {
        let members = household.present().map(|(id, answers)| {
            let birth = answers.get("birth").and_then(Value::as_text);
            let birth = birth.and_then(|text| PartialDate::parse(text).ok());
            Person {
                id,
                answers,
                age: birth.map(|date| i64::from(age_on(date.earliest(), review_date))),
                birth_exact: birth.is_none_or(PartialDate::is_exact),
            }
        });
        Self { answers: &household.answers, members: members.collect() }
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

/// What has been noted on the way through a rule.
#[derive(Debug, Default)]
struct Trace<'a> {
    missing: Vec<Missing<'a>>,
    members: Vec<&'a str>,
}

impl<'a> Trace<'a> {
    /// Forgets what was missing since `mark`: the answer was found without it.
    fn settled(&mut self, mark: usize, truth: Truth) -> Truth {
        self.missing.truncate(mark);
        truth
    }

    fn lacks(&mut self, member: Option<&Person<'a>>, key: &'a str) -> Truth {
        self.missing.push(Missing { member: member.map(|person| person.id), key });
        Truth::Unknown
    }
}

impl Rule {
    /// Asks the rule of a household.
    pub fn evaluate<'a>(&'a self, subject: &'a Subject<'a>) -> Outcome<'a> {
        let mut trace = Trace::default();
        let truth = self.ask(subject, None, &mut trace);
        Outcome { truth, missing: trace.missing, members: trace.members }
    }

    /// Evaluates; leaves in `trace.missing` exactly what made the result unknown.
    fn ask<'a>(
        &'a self,
        subject: &'a Subject<'a>,
        member: Option<&'a Person<'a>>,
        trace: &mut Trace<'a>,
    ) -> Truth {
        let answers = member.map_or(subject.answers, |person| person.answers);
        match self {
            Self::Otherwise => Truth::Yes,
            Self::All(parts) => until(Truth::No, parts, subject, member, trace),
            Self::Any(parts) => until(Truth::Yes, parts, subject, member, trace),
            Self::Not(part) => match part.ask(subject, member, trace) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                Truth::Unknown => Truth::Unknown,
            },
            Self::AtLeast { count, of } => {
                let mark = trace.missing.len();
                let asked = of.iter().map(|part| part.ask(subject, member, trace));
                let range = Range::of(asked);
                trace_range(range.within(Some(i64::from(*count)), None), mark, trace)
            }
            Self::In { key, values } => match answers.get(key).and_then(Value::as_text) {
                Some(code) => values.iter().any(|value| value == code).into(),
                None => trace.lacks(member, key),
            },
            Self::Is { key, value } => match answers.get(key).and_then(Value::as_bool) {
                Some(answer) => (answer == *value).into(),
                None => trace.lacks(member, key),
            },
            Self::Int { key, at_least, below } => match answers.get(key).and_then(Value::as_int) {
                Some(number) => Range::exactly(number).within(*at_least, *below),
                None => trace.lacks(member, key),
            },
            Self::Answered { key } => answers.contains_key(key).into(),
            Self::Age { at_least, below } => match member.and_then(|person| person.age) {
                Some(age) => Range::exactly(age).within(*at_least, *below),
                None => trace.lacks(member, "birth"),
            },
            _ if subject.members.is_empty() => trace.lacks(None, "members"),
            _ => self.ask_members(subject, member, trace),
        }
    }

    /// Evaluates a rule over the members, of whom there is at least one.
    fn ask_members<'a>(
        &'a self,
        subject: &'a Subject<'a>,
        member: Option<&'a Person<'a>>,
        trace: &mut Trace<'a>,
    ) -> Truth {
        let size = subject.size();
        let mark = trace.missing.len();
        let truth = match self {
            Self::Members { at_least, below } => Range::exactly(size).within(*at_least, *below),
            Self::AnyMember(which) => count(which, subject, trace).within(Some(1), None),
            Self::AllMembers(which) => count(which, subject, trace).within(Some(size), None),
            Self::MembersWhere { which, at_least, below } => {
                count(which, subject, trace).within(*at_least, *below)
            }
            Self::ShareOfMembersOver { which, numerator, denominator } => {
                let over = |such: i64| {
                    i128::from(such) * i128::from(*denominator)
                        > i128::from(size) * i128::from(*numerator)
                };
                let range = count(which, subject, trace);
                match (over(range.low), over(range.high)) {
                    (true, _) => Truth::Yes,
                    (false, false) => Truth::No,
                    (false, true) => Truth::Unknown,
                }
            }
            Self::PerHeadBelow { key, per_member } => {
                match subject.answers.get(key).and_then(Value::as_int) {
                    Some(number) => {
                        let bound = i128::from(*per_member) * i128::from(size);
                        (i128::from(number) < bound).into()
                    }
                    None => trace.lacks(None, key),
                }
            }
            // Every other kind is answered before the members are looked at.
            _ => self.ask(subject, member, trace),
        };
        trace_range(truth, mark, trace)
    }

    /// Lists what is wrong with the shape of the rule. A rule without problems never panics and
    /// never asks a member's question of a household.
    pub fn check(&self) -> Vec<RuleError> {
        let mut errors = Vec::new();
        self.inspect(1, false, &mut errors);
        errors
    }

    /// Lists the question keys of the rule that the form does not have.
    pub fn check_keys(&self, known: &BTreeSet<String>) -> Vec<RuleError> {
        let keys = self.keys();
        let unknown = keys.into_iter().filter(|key| !known.contains(*key));
        unknown.map(|key| RuleError::UnknownKey { key: key.to_owned() }).collect()
    }

    /// Lists the question keys that the rule may ask for.
    pub fn keys(&self) -> BTreeSet<&str> {
        let mut keys = BTreeSet::new();
        self.collect_keys(&mut keys);
        keys
    }

    fn collect_keys<'a>(&'a self, keys: &mut BTreeSet<&'a str>) {
        match self {
            Self::In { key, .. }
            | Self::Is { key, .. }
            | Self::Int { key, .. }
            | Self::Answered { key }
            | Self::PerHeadBelow { key, .. } => {
                keys.insert(key);
            }
            Self::Age { .. } => {
                keys.insert("birth");
            }
            Self::Otherwise | Self::Members { .. } => {}
            _ => self.parts().iter().for_each(|part| part.collect_keys(keys)),
        }
    }

    /// Lists the rules directly inside this one.
    fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::AtLeast { of: parts, .. } => parts,
            Self::Not(part)
            | Self::AnyMember(part)
            | Self::AllMembers(part)
            | Self::MembersWhere { which: part, .. }
            | Self::ShareOfMembersOver { which: part, .. } => std::slice::from_ref(part),
            _ => &[],
        }
    }

    fn inspect(&self, depth: usize, in_member: bool, errors: &mut Vec<RuleError>) {
        if depth > RULE_DEPTH_MAX {
            errors.push(RuleError::TooDeep { limit: RULE_DEPTH_MAX });
            return;
        }
        let over_members = match self {
            Self::AnyMember(_)
            | Self::AllMembers(_)
            | Self::MembersWhere { .. }
            | Self::ShareOfMembersOver { .. } => true,
            Self::Members { .. } | Self::PerHeadBelow { .. } if in_member => {
                errors.push(RuleError::HouseholdRuleInsideMember);
                false
            }
            Self::Age { .. } if !in_member => {
                errors.push(RuleError::AgeOutsideMember);
                false
            }
            _ => false,
        };
        if over_members && in_member {
            errors.push(RuleError::HouseholdRuleInsideMember);
        }
        errors.extend(self.bounds_problem());
        for part in self.parts() {
            part.inspect(depth + 1, in_member || over_members, errors);
        }
    }

    /// Finds a list, range or fraction in this rule that can never mean anything.
    fn bounds_problem(&self) -> Option<RuleError> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.is_empty().then_some(RuleError::Empty),
            Self::In { values, .. } => values.is_empty().then_some(RuleError::Empty),
            Self::AtLeast { count, of } => {
                let few = usize::try_from(*count).map_or(true, |count| count > of.len());
                (*count == 0 || few).then_some(RuleError::Range)
            }
            Self::Int { at_least, below, .. }
            | Self::Age { at_least, below }
            | Self::Members { at_least, below }
            | Self::MembersWhere { at_least, below, .. } => {
                let open = at_least.is_none() && below.is_none();
                let hollow = at_least.zip(*below).is_some_and(|(low, high)| low >= high);
                (open || hollow).then_some(RuleError::Range)
            }
            Self::ShareOfMembersOver { numerator, denominator, .. } => {
                (numerator >= denominator).then_some(RuleError::Range)
            }
            Self::PerHeadBelow { per_member, .. } => (*per_member <= 0).then_some(RuleError::Range),
            _ => None,
        }
    }
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Rules stand inside rules too often.
    #[error("rules are nested more than {limit} deep")]
    TooDeep {
        /// Deepest nesting allowed.
        limit: usize,
    },
    /// The form has no such question.
    #[error("the form has no question {key:?}")]
    UnknownKey {
        /// Key as written.
        key: String,
    },
    /// An age is asked for outside of a rule over members.
    #[error("an age stands outside of a rule over members")]
    AgeOutsideMember,
    /// A rule over the household stands inside a rule over one member.
    #[error("a rule over all members stands inside a rule over one member")]
    HouseholdRuleInsideMember,
    /// A list has no parts.
    #[error("a list of parts or codes is empty")]
    Empty,
    /// A range, count or fraction can never be met, or always is.
    #[error("a range, count or fraction is empty or without bounds")]
    Range,
}

/// Where a count lies while some of its parts are unknown.
#[derive(Debug, Clone, Copy)]
struct Range {
    low: i64,
    high: i64,
}

impl Range {
    fn exactly(number: i64) -> Self {
        Self { low: number, high: number }
    }

    fn of(parts: impl Iterator<Item = Truth>) -> Self {
        parts.fold(Self::exactly(0), |range, truth| match truth {
            Truth::Yes => Self { low: range.low + 1, high: range.high + 1 },
            Truth::No => range,
            Truth::Unknown => Self { low: range.low, high: range.high + 1 },
        })
    }

    fn within(self, at_least: Option<i64>, below: Option<i64>) -> Truth {
        let inside = |number: i64| {
            at_least.is_none_or(|bound| number >= bound) && below.is_none_or(|bound| number < bound)
        };
        let outside = at_least.is_some_and(|bound| self.high < bound)
            || below.is_some_and(|bound| self.low >= bound);
        if inside(self.low) && inside(self.high) {
            Truth::Yes
        } else if outside {
            Truth::No
        } else {
            Truth::Unknown
        }
    }
}

/// Asks parts in order until one gives the deciding value.
fn until<'a>(
    deciding: Truth,
    parts: &'a [Rule],
    subject: &'a Subject<'a>,
    member: Option<&'a Person<'a>>,
    trace: &mut Trace<'a>,
) -> Truth {
    let mark = trace.missing.len();
    let mut all_known = true;
    for part in parts {
        let truth = part.ask(subject, member, trace);
        if truth == deciding {
            return trace.settled(mark, deciding);
        }
        all_known &= truth != Truth::Unknown;
    }
    match (all_known, deciding) {
        (false, _) => Truth::Unknown,
        (true, Truth::No) => Truth::Yes,
        (true, _) => Truth::No,
    }
}

/// Counts the members for whom a rule holds, and notes who they are.
fn count<'a>(which: &'a Rule, subject: &'a Subject<'a>, trace: &mut Trace<'a>) -> Range {
    let mut truths = Range::exactly(0);
    for person in &subject.members {
        let truth = which.ask(subject, Some(person), trace);
        if truth == Truth::Yes {
            trace.members.push(person.id);
        }
        let one = Range::of(std::iter::once(truth));
        truths = Range { low: truths.low + one.low, high: truths.high + one.high };
    }
    truths
}

fn trace_range(truth: Truth, mark: usize, trace: &mut Trace<'_>) -> Truth {
    match truth {
        Truth::Unknown => truth,
        Truth::Yes | Truth::No => trace.settled(mark, truth),
    }
}
