//! What a rule must be like before anything is asked of it.
//!
//! Rules come in imported files. One that passes here never panics, never nests without end and
//! never asks a member's question of a household.

use std::collections::BTreeSet;

use super::Rule;

/// Deepest nesting of one rule, in rules.
///
/// The deepest rule of the standard of 2022–2026 (education of adults) has 8 levels. Half as many
/// again leaves room for a province's own, and evaluation needs only a few kilobytes of stack.
pub const RULE_DEPTH_MAX: usize = 12;

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

impl Rule {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const IS_X: &str = r#"{"is":{"key":"x","value":true}}"#;

    fn rule(json: &str) -> Rule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_rule_that_means_nothing_is_refused() {
        let nested = |depth: usize| {
            format!("{}{}{}", r#"{"not":"#.repeat(depth - 1), IS_X, "}".repeat(depth - 1))
        };
        let over = |inner: &str| format!(r#"{{"any_member":{inner}}}"#);
        for (json, error) in [
            (nested(RULE_DEPTH_MAX + 1), RuleError::TooDeep { limit: RULE_DEPTH_MAX }),
            (r#"{"age":{"below":16}}"#.to_owned(), RuleError::AgeOutsideMember),
            (over(&over(IS_X)), RuleError::HouseholdRuleInsideMember),
            (over(r#"{"members":{"below":1}}"#), RuleError::HouseholdRuleInsideMember),
            (r#"{"all":[]}"#.to_owned(), RuleError::Empty),
            (r#"{"in":{"key":"x","values":[]}}"#.to_owned(), RuleError::Empty),
            (r#"{"int":{"key":"x"}}"#.to_owned(), RuleError::Range),
            (r#"{"int":{"key":"x","at_least":3,"below":3}}"#.to_owned(), RuleError::Range),
            (r#"{"at_least":{"count":0,"of":[]}}"#.to_owned(), RuleError::Range),
            (r#"{"per_head_below":{"key":"x","per_member":0}}"#.to_owned(), RuleError::Range),
        ] {
            assert_eq!(rule(&json).check(), [error], "{json}");
        }
        assert!(rule(&nested(RULE_DEPTH_MAX)).check().is_empty());
        let absurd = serde_json::from_str::<Rule>(&nested(100_000));
        assert!(absurd.is_err(), "the reader itself stops before the stack does");
        for bad in [r#""maybe""#, r#"{"is":{"key":"x","value":true,"else":1}}"#, r#"{"is":{}}"#] {
            assert!(serde_json::from_str::<Rule>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn questions_the_form_does_not_have_are_listed() {
        let known = BTreeSet::from(["birth".to_owned(), "x".to_owned()]);
        let rule = rule(
            r#"{"any_member":{"all":[{"age":{"below":6}},{"is":{"key":"z","value":true}},
               {"answered":{"key":"y"}},{"is":{"key":"x","value":true}}]}}"#,
        );
        let unknown = |key: &str| RuleError::UnknownKey { key: key.to_owned() };
        assert_eq!(rule.check_keys(&known), [unknown("y"), unknown("z")]);
    }
}
