//! Typing a sample of paper forms a second time: which ones, and where the two entries differ.
//!
//! The second entry is typed blind, by somebody else, and overwrites nothing: a difference is settled
//! by a person who has the paper before them.
//!
//! Source: practice, not law; the share is a setting of ours.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::form::{Form, Kind, Scope};
use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};

use crate::id::{CampaignId, DocumentId, sha256};
use crate::text::folded;

/// Share of the paper forms that are typed twice, in thousandths.
pub const SHARE_PER_MILLE: u64 = 50;

/// Bytes in front of what is drawn from, so that no other draw is the same.
const CONTEXT: &[u8] = b"rasoat second entry 1\0";

/// Answers that are no part of what is compared: the server says where a household belongs.
const NOT_COMPARED: [&str; 1] = ["hamlet"];

/// Tells whether a paper form is drawn to be typed twice: the same for everybody, at any time.
///
/// ```
/// use shared::id::{CampaignId, DocumentId};
/// use shared::second::is_drawn;
///
/// let campaign = CampaignId([7; 16]);
/// let drawn = (0..=255).filter(|n| is_drawn(campaign, DocumentId([*n; 16]))).count();
/// assert!((3..30).contains(&drawn), "about one in twenty: {drawn}");
/// ```
pub fn is_drawn(campaign: CampaignId, document: DocumentId) -> bool {
    let digest = sha256(&[CONTEXT, campaign.as_bytes(), document.as_bytes()].concat());
    let first = digest[..8].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    first % 1000 < SHARE_PER_MILLE
}

/// Two entries of one form, side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Fields that at least one of them has.
    pub fields: u64,
    /// Those in which they differ, members' ones last.
    pub differences: Vec<Difference>,
}

/// A field in which two entries differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `answers/KEY`, `b1_items/ITEM`, `members/ID/KEY`, or `members/ID` where one entry lacks the
    /// member; ids are the first entry's where it has the member.
    pub path: String,
    /// What was typed first; of a member, the name.
    pub first: Option<Value>,
    /// What was typed the second time.
    pub second: Option<Value>,
}

/// Compares two entries in these blocks of the form.
pub fn compare(first: &Household, second: &Household, blocks: &BTreeSet<String>) -> Compared {
    let mut compared = Compared::default();
    compared.add("answers", Scope::Household, [&first.answers, &second.answers], blocks);
    if blocks.contains("closing") {
        let items = |of: &Household| -> Answers {
            of.b1_items.iter().map(|(item, points)| (item.clone(), Value::Int(*points))).collect()
        };
        compared.add_all("b1_items", [&items(first), &items(second)], |_| Some(false));
    }
    let pairs = paired(&first.members, &second.members);
    let (mut only_first, mut only_second) = (Vec::new(), Vec::new());
    for pair in pairs {
        match pair {
            (Some((id, first)), Some((_, second))) => {
                compared.add(&format!("members/{id}"), Scope::Member, [first, second], blocks);
            }
            // Somebody who has left may stand on one paper and not on the other.
            (Some((_, one)), None) | (None, Some((_, one))) if one.contains_key("removed") => {}
            (Some((id, first)), None) => only_first.push((id, first)),
            (None, Some((id, second))) => only_second.push((id, second)),
            (None, None) => {}
        }
    }
    let name = |answers: &Answers| answers.get("name").cloned().or_else(|| Some("?".into()));
    for (id, answers) in only_first {
        let path = format!("members/{id}");
        compared.differences.push(Difference { path, first: name(answers), second: None });
        compared.fields += 1;
    }
    for (id, answers) in only_second {
        let path = format!("members/{id}");
        compared.differences.push(Difference { path, first: None, second: name(answers) });
        compared.fields += 1;
    }
    compared
}

impl Compared {
    /// Adds the fields of one map that are asked in these blocks.
    fn add(&mut self, path: &str, scope: Scope, both: [&Answers; 2], blocks: &BTreeSet<String>) {
        self.add_all(path, both, |key| {
            let place = Form::phieu_b().find(key, scope)?;
            let asked = blocks.contains(&place.page.block) && !NOT_COMPARED.contains(&key);
            asked.then_some(matches!(place.question.kind, Kind::Ticks { .. }))
        });
    }

    /// Adds the fields of one map: those of which `is_tick` says something, a tick or not.
    fn add_all(
        &mut self,
        path: &str,
        [first, second]: [&Answers; 2],
        is_tick: impl Fn(&str) -> Option<bool>,
    ) {
        let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
        for key in keys {
            let Some(is_tick) = is_tick(key) else { continue };
            self.fields += 1;
            // A box that was left empty and one that says no are the same on paper.
            let read = |answers: &Answers| match answers.get(key) {
                None if is_tick => Some(Value::Bool(false)),
                other => other.cloned(),
            };
            let (first, second) = (read(first), read(second));
            if first != second {
                let path = format!("{path}/{key}");
                self.differences.push(Difference { path, first, second });
            }
        }
    }
}

type Member<'a> = (&'a String, &'a Answers);

/// Finds the same people in both entries: by name and birth, then by name, then by birth and sex,
/// then in what order is left.
fn paired<'a>(
    first: &'a BTreeMap<String, Answers>,
    second: &'a BTreeMap<String, Answers>,
) -> Vec<(Option<Member<'a>>, Option<Member<'a>>)> {
    let text = |answers: &Answers, key: &str| {
        folded(answers.get(key).and_then(Value::as_text).unwrap_or_default())
    };
    let signs: [&[&str]; 3] = [&["name", "birth"], &["name"], &["birth", "sex"]];
    let mut left: Vec<Member<'_>> = first.iter().collect();
    let mut right: Vec<Member<'_>> = second.iter().collect();
    let mut pairs = Vec::new();
    for keys in signs {
        let sign = |answers: &Answers| -> Option<Vec<String>> {
            let sign: Vec<String> = keys.iter().map(|key| text(answers, key)).collect();
            sign.iter().all(|part| !part.is_empty()).then_some(sign)
        };
        left.retain(|one| {
            let wanted = sign(one.1);
            let found = right.iter().position(|other| wanted.is_some() && sign(other.1) == wanted);
            if let Some(place) = found {
                pairs.push((Some(*one), Some(right.remove(place))));
            }
            found.is_none()
        });
    }
    // As many on either side: both mean the same people, whatever was mistyped.
    if left.len() == right.len() {
        let rest = left.into_iter().zip(right).map(|(one, other)| (Some(one), Some(other)));
        return pairs.into_iter().chain(rest).collect();
    }
    let left = left.into_iter().map(|one| (Some(one), None));
    let right = right.into_iter().map(|other| (None, Some(other)));
    pairs.into_iter().chain(left).chain(right).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, birth: &str, sex: &str) -> Answers {
        [("name", name), ("birth", birth), ("sex", sex)]
            .map(|(key, value)| (key.to_owned(), value.into()))
            .into()
    }

    fn household(members: &[Answers], answers: &[(&str, Value)]) -> Household {
        let ids = members.iter().zip(1..).map(|(one, n)| (format!("{n:032x}"), one.clone()));
        let answers = answers.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Household { members: ids.collect(), answers: answers.collect(), ..Household::default() }
    }

    fn paths(compared: &Compared) -> Vec<&str> {
        compared.differences.iter().map(|one| one.path.as_str()).collect()
    }

    #[test]
    fn a_slip_of_the_keyboard_is_found_and_the_rest_is_counted() {
        let blocks = ["members", "house", "utilities"].map(str::to_owned).into();
        let (lan, minh) = (member("Hồ Thị Lan", "1980", "female"), member("Minh", "2010", "male"));
        let first = household(
            &[lan.clone(), minh.clone()],
            &[("roof", "tile".into()), ("hamlet", "x".into()), ("farm", "none".into())],
        );
        // The other way round, one name mistyped, a box left empty.
        let second = household(
            &[member("Mihn", "2010", "male"), lan],
            &[("roof", "leaf".into()), ("media.tv", false.into()), ("farm", "none".into())],
        );
        let compared = compare(&first, &second, &blocks);
        let second_member = format!("members/{:032x}/name", 2);
        assert_eq!(paths(&compared), ["answers/roof", second_member.as_str()]);
        assert_eq!(compared.fields, 9, "farm, tv, roof and three of each member");
        assert_eq!(compare(&first, &second, &BTreeSet::new()).fields, 0);
    }

    #[test]
    fn a_member_whom_one_entry_lacks_is_named_once() {
        let blocks = ["members".to_owned()].into();
        let (lan, minh) = (member("Lan", "1980", "female"), member("Minh", "2010", "male"));
        let both = household(&[lan.clone(), minh.clone()], &[]);
        let one = household(std::slice::from_ref(&lan), &[]);
        let compared = compare(&both, &one, &blocks);
        assert_eq!(paths(&compared), [format!("members/{:032x}", 2)]);
        assert_eq!(compared.differences[0].first, Some("Minh".into()));

        let mut gone = minh;
        gone.insert("removed".to_owned(), "died".into());
        assert_eq!(compare(&household(&[lan, gone], &[]), &one, &blocks).differences, []);
    }
}
