//! One answer by its path: its value in a household, and the changes that wrote it.

use std::collections::BTreeMap;

use automerge::{Automerge, ReadDoc};
use mobile_schema::household::{Household, Value};

use super::Path;
use crate::id::ChangeHash;
use crate::merge::genesis_map;

impl Path {
    /// Reads the answer in a household; `None` where it is not agreed or was not given.
    pub fn value_in(&self, household: &Household) -> Option<Value> {
        match self {
            Self::Answer(key) => household.answers.get(key).cloned(),
            Self::B1Item(item) => household.b1_items.get(item).copied().map(Value::Int),
            Self::Member(id, key) => household.members.get(id)?.get(key).cloned(),
        }
    }
}

/// Names the changes that wrote the values an answer has, sorted.
pub(crate) fn writers(doc: &Automerge, path: &Path) -> Vec<ChangeHash> {
    let (map, key) = match path {
        Path::Answer(key) => (genesis_map("answers"), key),
        Path::B1Item(key) => (genesis_map("b1_items"), key),
        Path::Member(member, key) => {
            let members = genesis_map("members");
            let member = members.and_then(|map| doc.get(map, member.as_str()).ok().flatten());
            (member.map(|(_, id)| id), key)
        }
    };
    let all = map.and_then(|map| doc.get_all(map, key.as_str()).ok()).unwrap_or_default();
    let mut writers: Vec<ChangeHash> = all
        .iter()
        .filter_map(|(_, id)| doc.hash_for_opid(id))
        .map(|hash| ChangeHash(hash.0))
        .collect();
    writers.sort_unstable();
    writers.dedup();
    writers
}

/// Names the changes that wrote each agreed answer of a household, by path.
pub fn written_by(doc: &Automerge, household: &Household) -> BTreeMap<String, Vec<ChangeHash>> {
    let answers = household.answers.keys().map(|key| Path::Answer(key.clone()));
    let items = household.b1_items.keys().map(|item| Path::B1Item(item.clone()));
    let members = household
        .members
        .iter()
        .flat_map(|(id, answers)| answers.keys().map(|key| Path::Member(id.clone(), key.clone())));
    let paths = answers.chain(items).chain(members);
    paths.map(|path| (path.to_string(), writers(doc, &path))).collect()
}
