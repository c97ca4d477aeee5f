//! What a simulated enumerator types: the pages of Phiếu A and B for one made-up family.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Answers, Asked, Household, Value};
use shared::id::to_hex;
use shared::page::Page;

use super::super::population::Truth;
use crate::keys::random;

/// Block of each answer key of Phiếu B.
static BLOCK_OF: LazyLock<BTreeMap<(bool, String), String>> = LazyLock::new(|| {
    Form::phieu_b()
        .keys()
        .into_iter()
        .map(|key| ((key.scope == Scope::Member, key.key.clone()), key.page.block.clone()))
        .collect()
});

/// Blocks saved together as one page, in the order they are asked.
const PAGES: [&[&str]; 4] = [
    &["form_a", "members", "schooling", "health", "work"],
    &["house", "utilities"],
    &["assets"],
    &["closing"],
];

/// Who asks, and when, by the device's own clock.
#[derive(Debug, Clone)]
pub struct Visit<'a> {
    /// Who asks.
    pub by: &'a str,
    /// Day on the form, `YYYY-MM-DD`.
    pub day: &'a str,
}

impl Visit<'_> {
    fn mark(&self, page: &mut Page, block: &str) {
        let asked = Asked {
            by: Some(self.by.to_owned()),
            answered_by: Some("chủ hộ".to_owned()),
            typed_by: None,
            medium: Some("phone".to_owned()),
            day: Some(self.day.to_owned()),
        };
        page.asked.insert(block.to_owned(), asked);
    }

    /// Makes the pages of a full review. `known` is the household as the phone has it.
    pub fn pages(&self, truth: &Truth, known: &Household, applicant: bool) -> Vec<Page> {
        let ids = member_ids(truth, known);
        PAGES
            .iter()
            .map(|blocks| {
                let mut page = Page::default();
                if applicant && blocks.contains(&"form_a") {
                    page.answers.clone_from(&truth.form_a);
                }
                page.answers.extend(part(&truth.household.answers, false, blocks));
                for (key, answers) in &truth.household.members {
                    let mut answers = part(answers, true, blocks);
                    let id = &ids[key];
                    if let Some(before) = known.members.get(id) {
                        answers.retain(|key, value| before.get(key) != Some(value));
                    }
                    if !answers.is_empty() {
                        page.members.insert(id.clone(), answers);
                    }
                }
                if blocks.contains(&"closing") {
                    page.b1_items.clone_from(&truth.household.b1_items);
                }
                let touched = page != Page::default();
                for block in blocks.iter().filter(|block| applicant || **block != "form_a") {
                    if touched {
                        self.mark(&mut page, block);
                    }
                }
                page
            })
            .filter(|page| *page != Page::default())
            .collect()
    }

    /// Makes the page of somebody who looks at the dwelling again on another device.
    ///
    /// With `slip`, one answer is another than the true one: a real disagreement.
    pub fn second_look(&self, truth: &Truth, slip: Option<u64>) -> (Page, Option<Slip>) {
        let mut page = Page::default();
        page.answers.extend(part(&truth.household.answers, false, &["utilities"]));
        self.mark(&mut page, "utilities");
        let slip = slip.and_then(|draw| Slip::of(truth, draw));
        if let Some(slip) = &slip {
            page.answers.insert(slip.key.clone(), slip.wrong.clone());
        }
        (page, slip)
    }
}

/// An answer typed wrong on the second device.
#[derive(Debug, Clone)]
pub struct Slip {
    /// Key of the answer.
    pub key: String,
    /// What the second device says.
    pub wrong: Value,
    /// What is true.
    pub right: Value,
}

impl Slip {
    /// Answers that get mistaken, each with another code it is mistaken for.
    const KEYS: [(&'static str, [&'static str; 2]); 6] = [
        ("roof", ["metal_sheet", "leaf"]),
        ("wall", ["brick_concrete", "plank"]),
        ("water", ["drilled_well", "unprotected_well"]),
        ("latrine", ["two_chamber", "unimproved"]),
        ("farm", ["agriculture", "forestry"]),
        ("residence", ["permanent", "temporary"]),
    ];

    fn of(truth: &Truth, draw: u64) -> Option<Self> {
        let count = u64::try_from(Self::KEYS.len()).unwrap_or(1);
        let index = usize::try_from(draw % count).unwrap_or(0);
        let (key, codes) = Self::KEYS[index];
        let right = truth.household.answers.get(key)?.clone();
        let wrong = codes.iter().map(|code| Value::from(*code)).find(|code| *code != right)?;
        Some(Self { key: key.to_owned(), wrong, right })
    }
}

/// Finds each made-up member among those on the phone, by name and birth; the rest are new.
fn member_ids(truth: &Truth, known: &Household) -> BTreeMap<String, String> {
    truth
        .household
        .members
        .keys()
        .enumerate()
        .map(|(index, key)| {
            let opening = truth.opening_members.get(index);
            let same = opening.and_then(|opening| {
                known.members.iter().find(|(_, member)| {
                    ["name", "birth"].iter().all(|key| member.get(*key) == opening.get(*key))
                })
            });
            let id = same.map_or_else(|| to_hex(&random::<16>()), |(id, _)| id.clone());
            (key.clone(), id)
        })
        .collect()
}

fn part(answers: &Answers, member: bool, blocks: &[&str]) -> Answers {
    answers
        .iter()
        .filter(|(key, _)| {
            let block = BLOCK_OF.get(&(member, (*key).clone()));
            // A member who left is marked on the roster page.
            let block = block.map_or(if member { "members" } else { "closing" }, String::as_str);
            blocks.contains(&block)
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
