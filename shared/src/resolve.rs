//! Fourth stage of the line: reads a merged document and makes every disagreement visible.
//!
//! Where people gave different values while out of contact there is no answer, but a dispute.
//! Automerge's own pick is never used: which of two roofs is right decides who gets help.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use automerge::iter::MapRangeItem;
use automerge::{Automerge, ObjId, ObjType, ROOT, ReadDoc, Value as CrdtValue, ValueRef};
use mobile_schema::household::{Answers, Asked, Household, SCHEMA_VERSION, Value};
use serde::{Deserialize, Serialize};

use crate::id::ChangeHash;
use crate::limits;
use crate::merge::genesis_map;

mod answer;
mod removal;
mod scalar;

pub(crate) use answer::writers;
pub use answer::written_by;
use scalar::{Read, read_scalar, read_text};
pub(crate) use scalar::{one_form, scalar_value};

/// Where one answer stands in the document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// An answer about the household.
    Answer(String),
    /// Points of one item read from the handbook.
    B1Item(String),
    /// An answer about one member.
    Member(String, String),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(key) => write!(f, "answers/{key}"),
            Self::B1Item(key) => write!(f, "b1_items/{key}"),
            Self::Member(member, key) => write!(f, "members/{member}/{key}"),
        }
    }
}

/// Text that is not the path of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path is answers/KEY, b1_items/KEY or members/ID/KEY")]
pub struct PathError;

impl Path {
    /// Tells whether a key can stand in a path. Another could never be settled; no form has one.
    fn is_part(key: &str) -> bool {
        !key.is_empty() && key.len() <= limits::KEY_BYTES_MAX && !key.contains('/')
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.iter().all(|part| Self::is_part(part)) {
            return Err(PathError);
        }
        match parts.as_slice() {
            ["answers", key] => Ok(Self::Answer((*key).to_owned())),
            ["b1_items", key] => Ok(Self::B1Item((*key).to_owned())),
            ["members", member, key] => Ok(Self::Member((*member).to_owned(), (*key).to_owned())),
            _ => Err(PathError),
        }
    }
}

impl Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One answer on which people disagree, all values kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Which answer.
    pub path: Path,
    /// The competing values, sorted, two or more.
    pub values: Vec<DisputedValue>,
}

/// One side of a dispute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DisputedValue {
    /// The value; `None` where the answer cannot be read as one.
    pub value: Option<Value>,
    /// The changes that wrote it, sorted: author and device hang on them.
    pub changes: Vec<ChangeHash>,
}

/// Something a person should look at; it never stops the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// Stable name, kebab case.
    pub code: String,
    /// Where, as [`Path`] or a part of one.
    pub path: String,
}

/// A household as far as it is agreed, and everything that is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Agreed answers; a disputed one is absent.
    pub household: Household,
    /// Layout version the document says it has.
    pub schema: Option<u32>,
    /// Every disagreement, sorted by path.
    pub disputes: Vec<Dispute>,
    /// Values that cannot be read, sorted.
    pub flags: Vec<Flag>,
    /// Heads of the document, sorted.
    pub heads: Vec<ChangeHash>,
}

/// Reads one merged document.
pub fn resolve(doc: &Automerge) -> Resolved {
    let mut reader = Reader { doc, disputes: Vec::new(), flags: Vec::new() };
    let mut household = Household::default();
    if let Some(answers) = reader.map("answers") {
        household.answers = reader.answers(&answers, &|key| Path::Answer(key));
    }
    if let Some(items) = reader.map("b1_items") {
        let values = reader.answers(&items, &|key| Path::B1Item(key));
        for (key, value) in values {
            match value {
                Value::Int(points) => drop(household.b1_items.insert(key, points)),
                _ => reader.flag("unreadable-value", &Path::B1Item(key).to_string()),
            }
        }
    }
    if let Some(members) = reader.map("members") {
        for (id, member) in reader.maps(&members) {
            let mut answers = reader.answers(&member, &|key| Path::Member(id.clone(), key));
            let removed = Path::Member(id.clone(), removal::KEY.to_owned());
            if removal::dispute(doc, &member, &removed, &mut reader.disputes) {
                answers.remove(removal::KEY);
            }
            household.members.insert(id, answers);
        }
    }
    if let Some(asked) = reader.map("asked") {
        for (block, marks) in reader.maps(&asked) {
            if let Some(asked) = reader.asked(&marks) {
                household.asked.insert(block, asked);
            }
        }
    }
    let schema = reader.schema();
    if schema.is_some_and(|schema| schema > SCHEMA_VERSION) {
        reader.flag("schema-newer", "schema");
    }
    let mut heads: Vec<ChangeHash> =
        doc.get_heads().into_iter().map(|head| ChangeHash(head.0)).collect();
    heads.sort_unstable();
    reader.disputes.sort_by(|a, b| a.path.cmp(&b.path));
    reader.flags.sort();
    Resolved { household, schema, disputes: reader.disputes, flags: reader.flags, heads }
}

struct Reader<'a> {
    doc: &'a Automerge,
    disputes: Vec<Dispute>,
    flags: Vec<Flag>,
}

impl Reader<'_> {
    fn flag(&mut self, code: &str, path: &str) {
        self.flags.push(Flag { code: code.to_owned(), path: path.to_owned() });
    }

    /// Opens a map that genesis made, and flags whatever else stands or once stood in its place.
    fn map(&mut self, key: &str) -> Option<ObjId> {
        let made = genesis_map(key)?;
        let all = self.doc.get_all(ROOT, key).unwrap_or_default();
        if !matches!(all.as_slice(), [(_, id)] if *id == made) {
            self.flag("second-root", key);
        }
        Some(made)
    }

    /// Opens the maps in a map: members by id, asked blocks by name.
    fn maps(&mut self, parent: &ObjId) -> Vec<(String, ObjId)> {
        let mut maps = Vec::new();
        let doc = self.doc;
        for item in doc.map_range(parent, ..) {
            let key = item.key.to_string();
            if !Path::is_part(&key) {
                self.flag("unreadable-key", "");
                continue;
            }
            let made = if item.conflict {
                self.flag("second-root", &key);
                // Of maps made twice the one with the smallest operation number is read.
                let all = doc.get_all(parent, key.as_str()).unwrap_or_default().into_iter();
                let is_map =
                    |value: &CrdtValue<'_>| matches!(value, CrdtValue::Object(ObjType::Map));
                all.filter(|(value, _)| is_map(value)).map(|(_, id)| id).min()
            } else {
                matches!(item.value, ValueRef::Object(ObjType::Map)).then(|| item.id())
            };
            match made {
                Some(id) => maps.push((key, id)),
                None => self.flag("unreadable-value", &key),
            }
        }
        maps
    }

    fn answers(&mut self, map: &ObjId, path: &dyn Fn(String) -> Path) -> Answers {
        let mut answers = Answers::new();
        let doc = self.doc;
        for item in doc.map_range(map, ..) {
            let key = item.key.to_string();
            if !Path::is_part(&key) {
                self.flag("unreadable-key", "");
                continue;
            }
            if item.conflict {
                if let Some(value) = self.conflict(map, &path(key.clone())) {
                    answers.insert(key, value);
                }
                continue;
            }
            match self.item(&item) {
                Read::Value(value) => drop(answers.insert(key, value)),
                Read::Nothing => {}
                Read::Unreadable => self.flag("unreadable-value", &path(key).to_string()),
            }
        }
        answers
    }

    /// Reads all competing values. Equal ones are no disagreement, nor are the two ways in which
    /// Unicode writes one letter with its marks.
    fn conflict(&mut self, map: &ObjId, path: &Path) -> Option<Value> {
        let key = match path {
            Path::Answer(key) | Path::B1Item(key) | Path::Member(_, key) => key.as_str(),
        };
        let mut sides: BTreeMap<Option<Value>, Vec<ChangeHash>> = BTreeMap::new();
        for (value, id) in self.doc.get_all(map, key).unwrap_or_default() {
            let value = match self.value(&value, &id) {
                Read::Value(value) => Some(one_form(value)),
                Read::Nothing => None,
                Read::Unreadable => {
                    self.flag("unreadable-value", &path.to_string());
                    None
                }
            };
            let hash = self.doc.hash_for_opid(&id).map(|hash| ChangeHash(hash.0));
            sides.entry(value).or_default().extend(hash);
        }
        if sides.len() == 1 {
            return sides.into_keys().next().flatten();
        }
        let values = sides
            .into_iter()
            .map(|(value, mut changes)| {
                changes.sort_unstable();
                DisputedValue { value, changes }
            })
            .collect();
        self.disputes.push(Dispute { path: path.clone(), values });
        None
    }

    /// Reads a value that stands alone under its key.
    fn item(&self, item: &MapRangeItem<'_>) -> Read {
        match &item.value {
            ValueRef::Scalar(scalar) => read_scalar(&scalar.clone().into()),
            ValueRef::Object(_) => self.text(&item.id()),
        }
    }

    /// Reads one of the values under a key.
    fn value(&self, value: &CrdtValue<'_>, id: &ObjId) -> Read {
        match value {
            CrdtValue::Scalar(scalar) => read_scalar(scalar),
            CrdtValue::Object(_) => self.text(id),
        }
    }

    fn text(&self, id: &ObjId) -> Read {
        match self.doc.object_type(id) {
            Ok(ObjType::Text) => match self.doc.text(id) {
                Ok(text) => read_text(&text),
                Err(_) => Read::Unreadable,
            },
            _ => Read::Unreadable,
        }
    }

    /// Reads who asked a block. Several people are all named: that is no disagreement.
    fn asked(&self, marks: &ObjId) -> Option<Asked> {
        let mut asked = Asked::default();
        for item in self.doc.map_range(marks, ..) {
            let mark = match &*item.key {
                "by" => &mut asked.by,
                "answered_by" => &mut asked.answered_by,
                "typed_by" => &mut asked.typed_by,
                "medium" => &mut asked.medium,
                "day" => &mut asked.day,
                _ => continue,
            };
            let read = if item.conflict {
                let all = self.doc.get_all(marks, &*item.key).unwrap_or_default();
                all.iter().map(|(value, id)| self.value(value, id)).collect()
            } else {
                vec![self.item(&item)]
            };
            let name = |read| match read {
                Read::Value(Value::Text(text)) => Some(text),
                _ => None,
            };
            let names: BTreeSet<String> = read.into_iter().filter_map(name).collect();
            let names: Vec<String> = names.into_iter().collect();
            *mark = (!names.is_empty()).then(|| names.join("; "));
        }
        (asked != Asked::default()).then_some(asked)
    }

    fn schema(&self) -> Option<u32> {
        self.doc
            .get_all(ROOT, "schema")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(value, _)| match value {
                CrdtValue::Scalar(scalar) => match read_scalar(&scalar) {
                    Read::Value(Value::Int(version)) => u32::try_from(version).ok(),
                    _ => None,
                },
                CrdtValue::Object(_) => None,
            })
            .max()
    }
}
