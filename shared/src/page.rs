//! Writes answers into a document: one change per saved form page.
//!
//! Phones, the desk and the opening roster all write through this file, so that every value is a
//! scalar in a map and a member is added under its random id, never in a list.

use std::collections::BTreeMap;

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use mobile_schema::household::{Answers, Asked, SCHEMA_VERSION, Value};

use crate::id::{Actor, CampaignId, ChangeHash, HouseholdId};
use crate::merge::{actor_id, genesis_map, merge_at};
use crate::resolve::Path;

/// What one save writes. Values equal to the document's make no operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Written by the first change after genesis only: which household this is.
    pub opening: Option<(CampaignId, HouseholdId)>,
    /// Answers about the household.
    pub answers: Answers,
    /// Points read per item from the handbook.
    pub b1_items: BTreeMap<String, i64>,
    /// Answers about members, new or known, by member id.
    pub members: BTreeMap<String, Answers>,
    /// Marks of the blocks that were asked.
    pub asked: BTreeMap<String, Asked>,
}

/// A change as written: its hash and its inflated chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Change hash.
    pub hash: ChangeHash,
    /// Inflated type-1 chunk.
    pub chunk: Vec<u8>,
}

/// Why a settle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The heads named are not in the household's log.
    #[error("the version named is not known")]
    HeadsUnknown,
    /// The answer named belongs to a member who is not in that version.
    #[error("there is no such member in the version named")]
    MemberUnknown,
    /// The document at those heads has this value already, undisputed.
    #[error("the value is there already")]
    NothingToSettle,
    /// The document cannot be written to.
    #[error("the document cannot be written")]
    Unwritable(#[from] AutomergeError),
}

/// Saves one page as one change of the document's actor; `None` where nothing changes.
///
/// `time_s` is the device's clock in seconds: data, never judged.
pub fn write(
    doc: &mut Automerge,
    page: &Page,
    time_s: i64,
) -> Result<Option<Written>, AutomergeError> {
    let mut tx = doc.transaction();
    if let Some((campaign, household)) = page.opening {
        tx.put(ROOT, "schema", i64::from(SCHEMA_VERSION))?;
        tx.put(ROOT, "campaign", campaign.to_string())?;
        tx.put(ROOT, "household", household.to_string())?;
    }
    let answers = child(&mut tx, &ROOT, "answers")?;
    put_answers(&mut tx, &answers, &page.answers)?;
    if !page.b1_items.is_empty() {
        let items = child(&mut tx, &ROOT, "b1_items")?;
        for (code, points) in &page.b1_items {
            put(&mut tx, &items, code, ScalarValue::Int(*points))?;
        }
    }
    if !page.members.is_empty() {
        let members = child(&mut tx, &ROOT, "members")?;
        for (id, answers) in &page.members {
            let member = child(&mut tx, &members, id)?;
            put_answers(&mut tx, &member, answers)?;
        }
    }
    if !page.asked.is_empty() {
        let asked = child(&mut tx, &ROOT, "asked")?;
        for (block, mark) in &page.asked {
            let block = child(&mut tx, &asked, block)?;
            put_asked(&mut tx, &block, mark)?;
        }
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(time_s));
    let Some(hash) = hash else { return Ok(None) };
    let change = doc.get_change_by_hash(&hash).ok_or(AutomergeError::InvalidHash(hash))?;
    Ok(Some(Written { hash: ChangeHash(hash.0), chunk: change.raw_bytes().to_vec() }))
}

/// Writes the settled value of one answer at exactly the heads that were shown.
///
/// A value that arrived meanwhile is concurrent to this one and stays a dispute: nothing anyone
/// wrote is overwritten unseen. `actor` must never have written before.
pub fn settle<C: AsRef<[u8]>>(
    chunks: &[C],
    heads: &[ChangeHash],
    actor: Actor,
    path: &Path,
    value: &Value,
) -> Result<Written, SettleError> {
    let mut doc = merge_at(chunks, heads).ok_or(SettleError::HeadsUnknown)?;
    doc.set_actor(actor_id(actor));
    let mut page = Page::default();
    match path {
        Path::Answer(key) => drop(page.answers.insert(key.clone(), value.clone())),
        Path::B1Item(code) => {
            let points = value.as_int().ok_or(SettleError::NothingToSettle)?;
            page.b1_items.insert(code.clone(), points);
        }
        Path::Member(member, key) => {
            let members = genesis_map("members").ok_or(SettleError::MemberUnknown)?;
            if doc.get(&members, member.as_str())?.is_none() {
                return Err(SettleError::MemberUnknown);
            }
            let answers = Answers::from([(key.clone(), value.clone())]);
            page.members.insert(member.clone(), answers);
        }
    }
    write(&mut doc, &page, 0)?.ok_or(SettleError::NothingToSettle)
}

fn child(tx: &mut Transaction<'_>, parent: &ObjId, key: &str) -> Result<ObjId, AutomergeError> {
    if *parent == ROOT
        && let Some(made) = genesis_map(key)
    {
        return Ok(made);
    }
    let known = tx
        .get_all(parent, key)?
        .into_iter()
        .filter(|(value, _)| matches!(value, automerge::Value::Object(ObjType::Map)))
        .map(|(_, id)| id)
        .min();
    match known {
        Some(id) => Ok(id),
        None => tx.put_object(parent, key, ObjType::Map),
    }
}

/// Writes one value; where several compete, all of them give way to a new one.
///
/// Repeating the value that Automerge would pick only deletes the others: whoever then overwrites
/// that one, without having seen the decision, would make the decision vanish. Deleting first
/// leaves the library nothing to pick.
fn put(
    tx: &mut Transaction<'_>,
    map: &ObjId,
    key: &str,
    value: ScalarValue,
) -> Result<(), AutomergeError> {
    if tx.get_all(map, key)?.len() > 1 {
        tx.delete(map, key)?;
    }
    tx.put(map, key, value)
}

fn put_answers(
    tx: &mut Transaction<'_>,
    map: &ObjId,
    answers: &Answers,
) -> Result<(), AutomergeError> {
    for (key, value) in answers {
        let scalar = match value {
            Value::Bool(flag) => ScalarValue::Boolean(*flag),
            Value::Int(number) => ScalarValue::Int(*number),
            Value::Text(text) => ScalarValue::Str(text.as_str().into()),
        };
        put(tx, map, key, scalar)?;
    }
    Ok(())
}

fn put_asked(tx: &mut Transaction<'_>, map: &ObjId, asked: &Asked) -> Result<(), AutomergeError> {
    let marks = [
        ("by", &asked.by),
        ("answered_by", &asked.answered_by),
        ("typed_by", &asked.typed_by),
        ("medium", &asked.medium),
        ("day", &asked.day),
    ];
    for (key, mark) in marks {
        if let Some(mark) = mark {
            put(tx, map, key, ScalarValue::Str(mark.as_str().into()))?;
        }
    }
    Ok(())
}
