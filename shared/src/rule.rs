//! The small language in which standards and score tables say when something holds.
//!
//! A rule is data and answers yes, no or unknown. A missing answer is never read as a no: what a
//! rule could not see it names, and what it did not need it does not ask for. A value to which the
//! form objects is missing.

use std::fmt;

use mobile_schema::household::Value;
use serde::{Deserialize, Serialize};

mod check;
mod kleene;
mod subject;

pub use check::{RULE_DEPTH_MAX, RuleError};
use kleene::Range;
pub use kleene::Truth;
use subject::Person;
pub use subject::Subject;

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
    /// Holds where the question has an answer that fits the form; never unknown.
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

    /// Notes members of whom nobody can tell whether they count.
    fn lacks_removal(&mut self, doubtful: &[&'a str]) -> Truth {
        let missing = doubtful.iter().map(|id| Missing { member: Some(*id), key: "removed" });
        self.missing.extend(missing);
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
        let sheet = member.map_or(&subject.sheet, |person| &person.sheet);
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
            Self::In { key, values } => match sheet.get(key).and_then(Value::as_text) {
                Some(code) => values.iter().any(|value| value == code).into(),
                None => trace.lacks(member, key),
            },
            Self::Is { key, value } => match sheet.get(key).and_then(Value::as_bool) {
                Some(answer) => (answer == *value).into(),
                None => trace.lacks(member, key),
            },
            Self::Int { key, at_least, below } => match sheet.get(key).and_then(Value::as_int) {
                Some(number) => Range::exactly(number).within(*at_least, *below),
                None => trace.lacks(member, key),
            },
            Self::Answered { key } => sheet.get(key).is_some().into(),
            Self::Age { at_least, below } => match member.and_then(|person| person.age) {
                Some(age) => Range::exactly(age).within(*at_least, *below),
                None => trace.lacks(member, "birth"),
            },
            Self::Members { .. }
            | Self::AnyMember(_)
            | Self::AllMembers(_)
            | Self::MembersWhere { .. }
            | Self::ShareOfMembersOver { .. }
            | Self::PerHeadBelow { .. } => match (subject.doubtful.as_slice(), subject.size()) {
                ([], 0) => trace.lacks(None, "members"),
                ([], _) => self.ask_members(subject, member, trace),
                (doubtful, _) => trace.lacks_removal(doubtful),
            },
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
                match subject.sheet.get(key).and_then(Value::as_int) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mobile_schema::household::{Answers, Household};

    use super::*;
    use crate::date::Date;

    fn rule(json: &str) -> Rule {
        serde_json::from_str(json).unwrap()
    }

    fn answers(json: &str) -> Answers {
        serde_json::from_str(json).unwrap()
    }

    /// A household reviewed on 14 December 2022, its members named a, b, c …
    fn household(own: &str, members: &[&str]) -> Household {
        let ids = ('a'..).map(|id| id.to_string());
        let members = ids.zip(members.iter().map(|member| answers(member))).collect();
        Household { answers: answers(own), members, ..Household::default() }
    }

    fn ask(rule: &Rule, household: &Household) -> (Truth, Vec<String>) {
        let subject = Subject::new(household, Date::parse("2022-12-14").unwrap());
        let outcome = rule.evaluate(&subject);
        (outcome.truth, outcome.missing.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn check(json: &str, own: &str, members: &[&str], truth: Truth, missing: &[&str]) {
        let rule = rule(json);
        assert!(rule.check().is_empty(), "{:?}", rule.check());
        let (got, lacks) = ask(&rule, &household(own, members));
        let lacks: Vec<&str> = lacks.iter().map(String::as_str).collect();
        assert_eq!((got, lacks.as_slice()), (truth, missing));
    }

    #[test]
    fn connectives_follow_kleene() {
        let (yes, no, lacks) = (r#""otherwise""#, r#"{"not":"otherwise"}"#, IS_X);
        for (json, truth, missing) in [
            (format!(r#"{{"all":[{yes},{lacks}]}}"#), Truth::Unknown, &["x"][..]),
            (format!(r#"{{"all":[{lacks},{no}]}}"#), Truth::No, &[]),
            (format!(r#"{{"all":[{yes},{yes}]}}"#), Truth::Yes, &[]),
            (format!(r#"{{"any":[{lacks},{yes}]}}"#), Truth::Yes, &[]),
            (format!(r#"{{"any":[{no},{lacks}]}}"#), Truth::Unknown, &["x"]),
            (format!(r#"{{"any":[{no},{no}]}}"#), Truth::No, &[]),
            (format!(r#"{{"not":{lacks}}}"#), Truth::Unknown, &["x"]),
            (at_least(&[yes, yes, lacks]), Truth::Yes, &[]),
            (at_least(&[yes, no, lacks]), Truth::Unknown, &["x"]),
            (at_least(&[no, no, lacks]), Truth::No, &[]),
        ] {
            check(&json, "{}", &["{}"], truth, missing);
        }
    }

    const IS_X: &str = r#"{"is":{"key":"x","value":true}}"#;

    fn at_least(parts: &[&str]) -> String {
        format!(r#"{{"at_least":{{"count":2,"of":[{}]}}}}"#, parts.join(","))
    }

    #[test]
    fn leaves_read_answers_of_their_own_type_only() {
        let int = r#"{"int":{"key":"x","at_least":2,"below":5}}"#;
        check(int, r#"{"x":2}"#, &[], Truth::Yes, &[]);
        check(int, r#"{"x":1}"#, &[], Truth::No, &[]);
        check(int, r#"{"x":5}"#, &[], Truth::No, &[]);
        check(int, r#"{"x":"3"}"#, &[], Truth::Unknown, &["x"]);
        check(IS_X, r#"{"x":true}"#, &[], Truth::Yes, &[]);
        check(IS_X, r#"{"x":false}"#, &[], Truth::No, &[]);
        check(IS_X, r#"{"x":1}"#, &[], Truth::Unknown, &["x"]);
        let one_of = r#"{"in":{"key":"x","values":["p","q"]}}"#;
        check(one_of, r#"{"x":"q"}"#, &[], Truth::Yes, &[]);
        check(one_of, r#"{"x":"r"}"#, &[], Truth::No, &[]);
        check(one_of, r#"{"x":true}"#, &[], Truth::Unknown, &["x"]);
        let answered = r#"{"answered":{"key":"x"}}"#;
        check(answered, r#"{"x":false}"#, &[], Truth::Yes, &[]);
        check(answered, "{}", &[], Truth::No, &[]);
    }

    #[test]
    fn a_guard_of_age_asks_nothing_of_the_others() {
        let rule = format!(r#"{{"any_member":{{"all":[{{"age":{{"below":16}}}},{IS_X}]}}}}"#);
        let (child, adult) = (r#"{"birth":"2006-12-15"}"#, r#"{"birth":"2006-12-14"}"#);
        check(&rule, "{}", &[adult], Truth::No, &[]);
        check(&rule, "{}", &[adult, child], Truth::Unknown, &["members/b/x"]);
        check(&rule, "{}", &["{}"], Truth::Unknown, &["members/a/birth", "members/a/x"]);
        let ill = r#"{"birth":"2010","x":true}"#;
        check(&rule, "{}", &[child, ill], Truth::Yes, &[]);
    }

    #[test]
    fn members_are_counted_in_three_values() {
        let (yes, no) = (r#"{"x":true}"#, r#"{"x":false}"#);
        let all = format!(r#"{{"all_members":{IS_X}}}"#);
        check(&all, "{}", &[yes, yes], Truth::Yes, &[]);
        check(&all, "{}", &[yes, "{}"], Truth::Unknown, &["members/b/x"]);
        check(&all, "{}", &["{}", no], Truth::No, &[]);
        let two = format!(r#"{{"members_where":{{"which":{IS_X},"at_least":2}}}}"#);
        check(&two, "{}", &[yes, yes, "{}"], Truth::Yes, &[]);
        check(&two, "{}", &[yes, "{}"], Truth::Unknown, &["members/b/x"]);
        check(&two, "{}", &[no, "{}"], Truth::No, &[]);
        let few = r#"{"members":{"below":3}}"#;
        check(few, "{}", &["{}", "{}"], Truth::Yes, &[]);
        check(few, "{}", &["{}", "{}", "{}"], Truth::No, &[]);
        check(few, "{}", &["{}", "{}", r#"{"removed":"died"}"#], Truth::Yes, &[]);
    }

    #[test]
    fn exactly_half_is_not_more_than_half() {
        let over = format!(
            r#"{{"share_of_members_over":{{"which":{IS_X},"numerator":1,"denominator":2}}}}"#
        );
        let (yes, no) = (r#"{"x":true}"#, r#"{"x":false}"#);
        check(&over, "{}", &[yes, no], Truth::No, &[]);
        check(&over, "{}", &[yes, yes, no], Truth::Yes, &[]);
        check(&over, "{}", &[yes, "{}"], Truth::Unknown, &["members/b/x"]);
        check(&over, "{}", &[yes, yes, "{}"], Truth::Yes, &[]);
        check(&over, "{}", &[no, "{}"], Truth::No, &[]);
    }

    #[test]
    fn a_number_per_head_is_compared_without_dividing() {
        let below = r#"{"per_head_below":{"key":"area_dm2","per_member":800}}"#;
        check(below, r#"{"area_dm2":2399}"#, &["{}"; 3], Truth::Yes, &[]);
        check(below, r#"{"area_dm2":2400}"#, &["{}"; 3], Truth::No, &[]);
        check(below, "{}", &["{}"; 3], Truth::Unknown, &["area_dm2"]);
        check(below, r#"{"area_dm2":-5}"#, &["{}"; 3], Truth::Unknown, &["area_dm2"]);
        let unbounded = r#"{"per_head_below":{"key":"y","per_member":800}}"#;
        check(unbounded, &format!(r#"{{"y":{}}}"#, i64::MIN), &["{}"], Truth::Yes, &[]);
    }

    #[test]
    fn a_household_without_members_says_nothing_about_members() {
        for json in [
            format!(r#"{{"any_member":{IS_X}}}"#),
            format!(r#"{{"all_members":{IS_X}}}"#),
            r#"{"members":{"at_least":1}}"#.to_owned(),
            r#"{"per_head_below":{"key":"y","per_member":1}}"#.to_owned(),
        ] {
            check(&json, "{}", &[r#"{"x":true,"removed":"died"}"#], Truth::Unknown, &["members"]);
        }
    }
}
