//! Writes answers into a document: one change per saved form page.
//!
//! Phones, the desk and the opening roster all write through this file, so that every value is a
//! scalar in a map and a member is added under its random id, never in a list.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, hydrate};
use mobile_schema::form::{Form, Objection, Scope};
use mobile_schema::household::{Answers, Asked, SCHEMA_VERSION, Value};
use serde::{Deserialize, Serialize};

use crate::id::{Actor, CampaignId, ChangeHash, HouseholdId};
use crate::limits;
use crate::merge::{actor_id, genesis_map, merge_at};
use crate::resolve::{Dispute, Path, one_form, resolve};

/// What one save writes. Values equal to the document's make no operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Answers that are taken away first: what is said of them anew stands alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<Path>,
}

/// A change as written: its hash and its inflated chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Change hash.
    pub hash: ChangeHash,
    /// Inflated type-1 chunk.
    pub chunk: Vec<u8>,
}

/// What somebody at the desk decides about a household.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The version that was shown.
    pub heads: &'a [ChangeHash],
    /// Which answer.
    pub path: &'a Path,
    /// The value that holds; none where one side of the dispute is that there is no answer, as where
    /// somebody removed a member for whom others answered.
    pub value: Option<&'a Value>,
    /// Changes of a copied phone's side branch that this decision has looked at.
    pub closes: &'a [ChangeHash],
}

/// Why a decision could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The heads named are not in the household's log, or none is named.
    #[error("the version named is not known")]
    HeadsUnknown,
    /// The answer named belongs to a member who is not in that version.
    #[error("there is no such member in the version named")]
    MemberUnknown,
    /// The value is none of the competing ones, and the form does not know it either.
    #[error("the value does not fit the form")]
    Unfit(Option<Objection>),
    /// The document at those heads has this value already, undisputed.
    #[error("the value is there already")]
    NothingToSettle,
    /// More than [`limits::CLOSES_MAX`] changes named.
    #[error("at most {} changes are closed at a time", limits::CLOSES_MAX)]
    TooManyClosed,
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
    write_with(doc, page, CommitOptions::default().with_time(time_s))
}

fn write_with(
    doc: &mut Automerge,
    page: &Page,
    options: CommitOptions,
) -> Result<Option<Written>, AutomergeError> {
    let mut tx = doc.transaction();
    if let Some((campaign, household)) = page.opening {
        tx.put(ROOT, "schema", i64::from(SCHEMA_VERSION))?;
        tx.put(ROOT, "campaign", campaign.to_string())?;
        tx.put(ROOT, "household", household.to_string())?;
    }
    page.cleared.iter().try_for_each(|path| clear(&mut tx, path))?;
    put(&mut tx, &made("answers")?, scalars(&page.answers))?;
    let points = page.b1_items.iter().map(|(code, n)| (code.as_str(), ScalarValue::Int(*n)));
    put(&mut tx, &made("b1_items")?, points)?;
    for (id, answers) in &page.members {
        put_under(&mut tx, &made("members")?, id, scalars(answers))?;
    }
    for (block, mark) in &page.asked {
        put_under(&mut tx, &made("asked")?, block, marks(mark))?;
    }
    let (hash, _) = tx.commit_with(options);
    hash.map(|hash| written(doc, hash)).transpose()
}

/// Saves one page as one change with these options, an empty one where nothing changes.
pub(crate) fn save(
    doc: &mut Automerge,
    page: &Page,
    options: impl Fn() -> CommitOptions,
) -> Result<Written, AutomergeError> {
    match write_with(doc, page, options())? {
        Some(written) => Ok(written),
        None => {
            let hash = doc.empty_commit(options());
            written(doc, hash)
        }
    }
}

fn written(doc: &Automerge, hash: automerge::ChangeHash) -> Result<Written, AutomergeError> {
    let change = doc.get_change_by_hash(&hash).ok_or(AutomergeError::InvalidHash(hash))?;
    Ok(Written { hash: ChangeHash(hash.0), chunk: change.raw_bytes().to_vec() })
}

/// Saves a page at exactly the heads that were shown; `None` where nothing changes.
///
/// `actor` must never have written before.
pub fn write_at<C: AsRef<[u8]>>(
    chunks: &[C],
    actor: Actor,
    heads: &[ChangeHash],
    page: &Page,
) -> Result<Option<Written>, SettleError> {
    let doc = if heads.is_empty() { None } else { merge_at(chunks, heads) };
    let mut doc = doc.ok_or(SettleError::HeadsUnknown)?;
    doc.set_actor(actor_id(actor));
    Ok(write(&mut doc, page, 0)?)
}

/// Writes the value that holds at exactly the heads that were shown.
///
/// A value that arrived meanwhile is concurrent to this one and stays a dispute: nothing anyone
/// wrote is overwritten unseen. `actor` must never have written before.
pub fn settle<C: AsRef<[u8]>>(
    chunks: &[C],
    actor: Actor,
    decision: &Decision<'_>,
) -> Result<Written, SettleError> {
    if decision.closes.len() > limits::CLOSES_MAX {
        return Err(SettleError::TooManyClosed);
    }
    if decision.heads.is_empty() {
        return Err(SettleError::HeadsUnknown);
    }
    let mut doc = merge_at(chunks, decision.heads).ok_or(SettleError::HeadsUnknown)?;
    // What was shown was composed, and what is typed may not be.
    let value = decision.value.cloned().map(one_form);
    let decision = &Decision { value: value.as_ref(), ..*decision };
    let disputes = resolve(&doc).disputes;
    let dispute = disputes.iter().find(|dispute| dispute.path == *decision.path);
    check_fit(decision, dispute)?;
    doc.set_actor(actor_id(actor));
    let options = || {
        let options = CommitOptions::default().with_time(0);
        if decision.closes.is_empty() {
            return options;
        }
        options.with_message(closing_message(decision.closes))
    };
    let page = page_of(&doc, decision, dispute)?;
    if decision.closes.is_empty() {
        return write_with(&mut doc, &page, options())?.ok_or(SettleError::NothingToSettle);
    }
    Ok(save(&mut doc, &page, options)?)
}

/// A value must be one the form knows, or one of those that people disagree about; none must be one
/// of those.
fn check_fit(decision: &Decision<'_>, dispute: Option<&Dispute>) -> Result<(), SettleError> {
    let form = Form::phieu_b();
    let objection = match (decision.path, decision.value) {
        (Path::Answer(key), Some(value)) => form.check_value(key, Scope::Household, value).err(),
        (Path::Member(_, key), Some(value)) => form.check_value(key, Scope::Member, value).err(),
        (Path::B1Item(_), Some(value)) if value.as_int().is_some_and(|points| points >= 0) => None,
        (Path::B1Item(_), Some(_)) => return Err(SettleError::Unfit(None)),
        (_, None) => {
            let empty =
                dispute.is_some_and(|one| one.values.iter().any(|side| side.value.is_none()));
            return if empty { Ok(()) } else { Err(SettleError::Unfit(None)) };
        }
    };
    let Some(objection) = objection else { return Ok(()) };
    let competes = dispute
        .is_some_and(|one| one.values.iter().any(|side| side.value.as_ref() == decision.value));
    if competes { Ok(()) } else { Err(SettleError::Unfit(Some(objection))) }
}

fn page_of(
    doc: &Automerge,
    decision: &Decision<'_>,
    dispute: Option<&Dispute>,
) -> Result<Page, SettleError> {
    let mut page = Page::default();
    // What is disputed is written anew even where it is what the document holds: a removal that
    // others had not seen must come after what they wrote.
    page.cleared.extend(dispute.map(|dispute| dispute.path.clone()));
    let Some(value) = decision.value else { return Ok(page) };
    match decision.path {
        Path::Answer(key) => drop(page.answers.insert(key.clone(), value.clone())),
        Path::B1Item(code) => {
            let points = value.as_int().ok_or(SettleError::Unfit(None))?;
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
    Ok(page)
}

/// First word of the message of a change that closes side branches: a decision that has looked at
/// them, or a re-forked phone that writes them again.
const CLOSES: &str = "closes";

/// Digits of a change hash that name it in a message.
const NAME_DIGITS: usize = 32;

/// Writes the message of a change that looked at others or stands for them.
pub(crate) fn closing_message(closes: &[ChangeHash]) -> String {
    closes
        .iter()
        .fold(CLOSES.to_owned(), |message, hash| message + " " + &hash.to_string()[..NAME_DIGITS])
}

/// Tells whether a message closes a change.
pub fn message_closes(message: &str, hash: ChangeHash) -> bool {
    let mut words = message.split(' ');
    words.next() == Some(CLOSES) && words.any(|word| word == &hash.to_string()[..NAME_DIGITS])
}

/// Takes an answer away, all values of it.
fn clear(tx: &mut Transaction<'_>, path: &Path) -> Result<(), AutomergeError> {
    let (map, key) = match path {
        Path::Answer(key) => (Some(made("answers")?), key),
        Path::B1Item(key) => (Some(made("b1_items")?), key),
        Path::Member(member, key) => (map_under(tx, &made("members")?, member)?, key),
    };
    match map {
        Some(map) if tx.get(&map, key.as_str())?.is_some() => tx.delete(&map, key.as_str()),
        _ => Ok(()),
    }
}

/// Finds the map under a key; of maps made twice, the one with the smallest operation number.
fn map_under(
    tx: &Transaction<'_>,
    parent: &ObjId,
    key: &str,
) -> Result<Option<ObjId>, AutomergeError> {
    let all = tx.get_all(parent, key)?.into_iter();
    let maps = all.filter(|(value, _)| matches!(value, automerge::Value::Object(ObjType::Map)));
    Ok(maps.map(|(_, id)| id).min())
}

/// Returns the map that genesis made under a key of the root.
fn made(key: &str) -> Result<ObjId, AutomergeError> {
    genesis_map(key).ok_or(AutomergeError::Fail)
}

/// Writes values into the map under a key, which is made with them where it is not there yet.
fn put_under<'a>(
    tx: &mut Transaction<'_>,
    parent: &ObjId,
    key: &str,
    values: impl IntoIterator<Item = (&'a str, ScalarValue)>,
) -> Result<(), AutomergeError> {
    if let Some(map) = map_under(tx, parent, key)? {
        return put(tx, &map, values);
    }
    let mut new = hydrate::Map::default();
    for (key, value) in values {
        let value = hydrate::Value::Scalar(value);
        new.insert(key.to_owned(), hydrate::MapValue { value, conflict: false });
    }
    // At once, and in order of the keys: one by one each costs as much as all of them.
    tx.batch_create_object(parent, key, &hydrate::Value::Map(new), false).map(drop)
}

/// Writes values; where several compete, all of them give way to a new one.
///
/// Repeating the value that Automerge would pick only deletes the others: whoever then overwrites
/// that one, without having seen the decision, would make the decision vanish. Deleting first
/// leaves the library nothing to pick.
fn put<'a>(
    tx: &mut Transaction<'_>,
    map: &ObjId,
    values: impl IntoIterator<Item = (&'a str, ScalarValue)>,
) -> Result<(), AutomergeError> {
    let competing: BTreeSet<String> = tx
        .map_range(map, ..)
        .filter(|item| item.conflict)
        .map(|item| item.key.into_owned())
        .collect();
    for (key, value) in values {
        if competing.contains(key) {
            tx.delete(map, key)?;
        }
        tx.put(map, key, value)?;
    }
    Ok(())
}

fn scalars(answers: &Answers) -> impl Iterator<Item = (&str, ScalarValue)> {
    answers.iter().map(|(key, value)| {
        let scalar = match value {
            Value::Bool(flag) => ScalarValue::Boolean(*flag),
            Value::Int(number) => ScalarValue::Int(*number),
            Value::Text(text) => ScalarValue::Str(text.as_str().into()),
        };
        (key.as_str(), scalar)
    })
}

fn marks(asked: &Asked) -> impl Iterator<Item = (&'static str, ScalarValue)> {
    let marks = [
        ("by", &asked.by),
        ("answered_by", &asked.answered_by),
        ("typed_by", &asked.typed_by),
        ("medium", &asked.medium),
        ("day", &asked.day),
    ];
    marks.into_iter().filter_map(|(key, mark)| {
        mark.as_ref().map(|mark| (key, ScalarValue::Str(mark.as_str().into())))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::sha256;
    use crate::merge::merge;
    use crate::resolve::resolve;

    fn write_roof(on: &[&[u8]], actor: u8, roof: &str) -> Vec<u8> {
        let mut doc = merge(on).doc;
        let mut id = [0; 16];
        id.copy_from_slice(&sha256(&[actor])[..16]);
        doc.set_actor(actor_id(Actor(id)));
        let answers = Answers::from([("roof".to_owned(), roof.into())]);
        write(&mut doc, &Page { answers, ..Page::default() }, 0).unwrap().unwrap().chunk
    }

    /// A map made at once is what one made value by value is, for whoever gets the change.
    #[test]
    fn what_was_written_at_once_is_read_by_others() {
        let member = |name: &str| {
            Answers::from([("name".to_owned(), name.into()), ("sex".to_owned(), "female".into())])
        };
        let mut doc = merge::<Vec<u8>>(&[]).doc;
        doc.set_actor(actor_id(Actor([7; 16])));
        let mut chunks = Vec::new();
        for (turn, name) in ["Hồ Thị Lan", "Hồ Thị Hoa", "Hồ Thị Lan"].into_iter().enumerate()
        {
            let mut page = Page::default();
            page.members.insert(format!("m{turn}"), member(name));
            page.members.insert("m0".to_owned(), member(name));
            page.members.insert("nobody".to_owned(), Answers::new());
            let by = Some(format!("RSV {turn}"));
            page.asked.insert("house".to_owned(), Asked { by, ..Asked::default() });
            page.answers.insert("roof".to_owned(), "tile".into());
            chunks.push(write(&mut doc, &page, 0).unwrap().unwrap().chunk);
        }
        let merged = merge(&chunks);
        assert!(merged.broken.is_empty() && merged.ahead.is_empty());
        assert_eq!(merged.doc.save(), doc.save());
        let (here, there) = (resolve(&doc), resolve(&merged.doc));
        assert_eq!((&here.household, here.disputes.len()), (&there.household, 0));
        assert_eq!(there.household.members["m1"], member("Hồ Thị Hoa"));
        assert_eq!(there.household.members.len(), 4);
    }

    /// Whatever the library's own pick is: for every pair of actors one of the two is.
    #[test]
    fn a_decision_for_one_of_the_values_survives_a_concurrent_third() {
        for actor in 0..100 {
            let hoa = write_roof(&[], actor, "tile");
            let minh = write_roof(&[], 100 + actor, "leaf");
            let decided = write_roof(&[&hoa, &minh], 250, "tile");
            let third = write_roof(&[&hoa, &minh], 251, "canvas");
            let resolved = resolve(&merge(&[hoa, minh, decided, third]).doc);
            let values: Vec<_> =
                resolved.disputes[0].values.iter().map(|side| side.value.clone()).collect();
            assert_eq!(values, [Some("canvas".into()), Some("tile".into())]);
        }
    }

    #[test]
    fn a_page_that_says_nothing_new_makes_no_change() {
        let hoa = write_roof(&[], 1, "tile");
        let mut doc = merge(&[hoa]).doc;
        let answers = Answers::from([("roof".to_owned(), "tile".into())]);
        let page = Page { answers, ..Page::default() };
        assert_eq!(write(&mut doc, &page, 0).unwrap(), None);
    }
}
