//! The household document: what one family's Automerge document holds, as plain data.
//!
//! The document is maps of scalars only. Members are a map keyed by a random member id, never a
//! list, so that two phones adding people offline keep both. Nothing here knows Automerge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the document layout and of the forms. Newer ones are stored and held for review.
pub const SCHEMA_VERSION: u32 = 1;

/// Blocks of the form that carry an `asked` mark of their own, in the order they are asked.
pub const BLOCKS: [&str; 9] =
    ["form_a", "members", "schooling", "health", "work", "house", "utilities", "assets", "closing"];

/// One answer as it travels. A string written as text by another client reads the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A count, an amount or an area; the unit is the end of the key.
    Int(#[cfg_attr(feature = "generate", ts(type = "number"))] i64),
    /// A code of a choice, a partial date or free text.
    Text(String),
}

impl Value {
    /// Returns the text of a choice, date or free text answer.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the number of a count, amount or area.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// Returns a yes or no.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// Answers by question key; a tick or count of one option has the key `question.option`.
pub type Answers = BTreeMap<String, Value>;

/// One family's answers, as far as they are agreed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Household {
    /// Answers about the household as a whole.
    #[serde(default)]
    pub answers: Answers,
    /// Points read per item from the handbook, where B1 is taken by item.
    #[serde(default)]
    #[cfg_attr(feature = "generate", ts(type = "Record<string, number>"))]
    pub b1_items: BTreeMap<String, i64>,
    /// Members by random id of 32 hex digits. One with the key `removed` no longer counts.
    #[serde(default)]
    pub members: BTreeMap<String, Answers>,
    /// Who asked, answered and typed each block of the form.
    #[serde(default)]
    pub asked: BTreeMap<String, Asked>,
}

impl Household {
    /// Iterates over the members who count: those not marked as removed.
    pub fn present(&self) -> impl Iterator<Item = (&String, &Answers)> {
        self.members.iter().filter(|(_, answers)| !answers.contains_key("removed"))
    }

    /// Iterates over the present members marked as head: one, where the roster is in order.
    pub fn heads(&self) -> impl Iterator<Item = &Answers> {
        let present = self.present().map(|(_, answers)| answers);
        present.filter(|answers| answers.get("relation").and_then(Value::as_text) == Some("head"))
    }

    /// Returns the head of the household (chủ hộ), or `None` where several members are marked so:
    /// ids are random, and chance does not choose whose ethnicity counts.
    pub fn head(&self) -> Option<&Answers> {
        let mut heads = self.heads();
        let first = heads.next();
        if heads.next().is_some() { None } else { first }
    }

    /// Returns the name of the head of the household, empty where it is not agreed who or what that is.
    pub fn head_name(&self) -> &str {
        let name = self.head().and_then(|head| head.get("name")).and_then(Value::as_text);
        name.unwrap_or_default()
    }
}

/// Who stands behind one block of answers. Every part may be unknown on old paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Asked {
    /// Who asked the questions (người hỏi).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub by: Option<String>,
    /// Who gave the answers (người cung cấp thông tin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub answered_by: Option<String>,
    /// Who typed them (người nhập phiếu).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub typed_by: Option<String>,
    /// `paper` or `phone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub medium: Option<String>,
    /// Day on the form, `YYYY-MM-DD`, as the asker wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub day: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_heads_none_is_the_head() {
        let mut household = Household::default();
        assert_eq!(household.head(), None);
        let head = Answers::from([("relation".to_owned(), "head".into())]);
        household.members.insert("a".repeat(32), head.clone());
        assert_eq!(household.head(), Some(&head));
        household.members.insert("b".repeat(32), head.clone());
        assert_eq!(household.head(), None);
        let other = household.members.entry("a".repeat(32)).or_default();
        other.insert("removed".to_owned(), "died".into());
        assert_eq!(household.head(), Some(&head));
    }
}
