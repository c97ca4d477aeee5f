//! A household whose head (chủ hộ) is another person than on the opening list: the household is the
//! one it was, and nothing about it has newly arisen.

use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};

use super::{Logged, Way};
use crate::guard::guard;
use crate::merge::{genesis_hash, merge_at};
use crate::resolve::resolve;

/// Who was the head, and who is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadChange {
    /// Name on the opening list.
    pub from: String,
    /// Name now.
    pub to: String,
}

/// Tells whether another member is the head now than when the household was opened in an office, and
/// who; nothing where it is not agreed who either is. A name that was put right is no other head.
pub fn head_change(changes: &[Logged], now: &Household) -> Option<HeadChange> {
    let opened = opened(changes)?;
    let ((was, from), (is, to)) = (head(&opened)?, head(now)?);
    (was != is).then(|| HeadChange { from: from.to_owned(), to: to.to_owned() })
}

/// Reads a household as its opening list had it.
fn opened(changes: &[Logged]) -> Option<Household> {
    let desk = changes.iter().filter(|change| change.by == Way::Desk);
    let guarded = desk.filter_map(|change| guard(&change.chunk).ok());
    let first = guarded.filter(|change| change.dependencies() == [genesis_hash()]);
    let first = first.map(|change| change.hash()).min()?;
    Some(resolve(&merge_at(changes, &[first])?).household)
}

/// Finds the one member who is the head: id and name.
fn head(household: &Household) -> Option<(&str, &str)> {
    let text = |answers: &'_ Answers, key: &str| -> Option<String> {
        answers.get(key).and_then(Value::as_text).map(ToOwned::to_owned)
    };
    let is_head = |answers: &Answers| text(answers, "relation").as_deref() == Some("head");
    let mut heads = household.present().filter(|(_, answers)| is_head(answers));
    let (id, answers) = heads.next()?;
    let name = answers.get("name").and_then(Value::as_text)?;
    let is_one = heads.next().is_none() && !name.is_empty();
    is_one.then_some((id.as_str(), name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::Actor;
    use crate::merge::{actor_id, merge};
    use crate::page::{Page, write};

    fn said(on: &[Logged], actor: u8, members: &[(&str, &[(&str, &str)])], by: Way) -> Logged {
        let mut page = Page::default();
        for (id, answers) in members {
            let answers = answers.iter().map(|(key, value)| ((*key).to_owned(), (*value).into()));
            page.members.insert(id.repeat(32), answers.collect());
        }
        let mut doc = merge(on).doc;
        doc.set_actor(actor_id(Actor([actor; 16])));
        let written = write(&mut doc, &page, 0).unwrap().unwrap();
        Logged { hash: written.hash, chunk: written.chunk, by }
    }

    fn told(changes: &[Logged]) -> Option<HeadChange> {
        head_change(changes, &resolve(&merge(changes).doc).household)
    }

    #[test]
    fn another_member_is_another_head_and_another_spelling_is_not() {
        let list: &[(&str, &[(&str, &str)])] = &[
            ("a", &[("name", "Hồ Văn Hơn"), ("relation", "head")]),
            ("b", &[("name", "Hồ Thị Lan"), ("relation", "spouse")]),
        ];
        let opening = said(&[], 1, list, Way::Desk);
        let base = [opening.clone()];
        assert_eq!(told(&base), None);
        let spelled = said(&base, 2, &[("a", &[("name", "Hồ Văn Hon")])], Way::Device);
        assert_eq!(told(&[opening.clone(), spelled]), None);
        let heir: &[(&str, &[(&str, &str)])] =
            &[("a", &[("removed", "died")]), ("b", &[("relation", "head")])];
        let died = said(&base, 2, heir, Way::Device);
        let change = told(&[opening.clone(), died]).unwrap();
        assert_eq!((change.from.as_str(), change.to.as_str()), ("Hồ Văn Hơn", "Hồ Thị Lan"));
        let two = said(&base, 2, &[("b", &[("relation", "head")])], Way::Device);
        assert_eq!(told(&[opening, two]), None, "it is not agreed who is");
        assert_eq!(told(&[said(&[], 3, list, Way::Device)]), None, "on no opening list");
    }
}
