//! Families that are registered twice on purpose, and what the officers do about them.
//!
//! The second registration says the same with the slips that people make, so that whoever merges the
//! two and takes the first one's answers has the family as it is: the totals stay what they are. All
//! of it is synthetic, and which families they are is known.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::Value as Answer;
use serde_json::{Value, json};
use shared::id::{CampaignId, DocumentId, to_hex};
use shared::page::Page;

use super::super::office::Office;
use super::super::phone::{Phone, PhoneError};
use super::super::population::Spec;
use super::{AT_ONCE, Fleet, FleetError, Found, draw};
use crate::keys::random;

/// Of the families that are on no opening list, one in so many is registered twice.
const TWICE_ONE_IN: u64 = 12;

/// One commune in so many has such families, and its officer looks for them: to compare everybody
/// takes as long as to merge everybody once more.
const COMMUNE_ONE_IN: u8 = 3;

/// Purposes of draws.
const PLANTED: u64 = 21;
const SLIPS: u64 = 22;

/// A family that was registered twice.
#[derive(Debug, Clone)]
pub(super) struct Twice {
    pub(super) unit: String,
    /// The registration that is right.
    pub(super) right: DocumentId,
    /// The second one.
    pub(super) again: DocumentId,
    /// Its members, by the ids they have there, to those of the first.
    pub(super) members: BTreeMap<String, String>,
}

/// Tells whether a family is registered twice.
pub(super) fn is_planted(spec: &Spec) -> bool {
    let unit = spec.hamlet.split('-').next().unwrap_or("");
    spec.opening.is_none()
        && looks_for_pairs(unit)
        && draw(spec, PLANTED).is_multiple_of(TWICE_ONE_IN)
}

/// Tells whether families of a commune are registered twice, and looked for.
fn looks_for_pairs(unit: &str) -> bool {
    shared::id::sha256(unit.as_bytes())[0].is_multiple_of(COMMUNE_ONE_IN)
}

/// Registers a family once more, with slips.
pub(super) fn register(
    phone: &mut Phone,
    spec: &Spec,
    (right, pages): (DocumentId, &[Page]),
) -> Result<Twice, PhoneError> {
    let (again, opening) = phone.register(&spec.hamlet);
    let mut members: BTreeMap<String, String> = BTreeMap::new();
    for id in pages.iter().flat_map(|page| page.members.keys()) {
        if !members.contains_key(id) {
            members.insert(id.clone(), to_hex(&random::<16>()));
        }
    }
    let mut slips = draw(spec, SLIPS);
    let bare = slips.is_multiple_of(5);
    let mut written: Vec<Page> = pages.to_vec();
    for page in &mut written {
        let known = std::mem::take(&mut page.members);
        page.members =
            known.into_iter().map(|(id, answers)| (members[&id].clone(), answers)).collect();
        for answers in page.members.values_mut() {
            slips = slips.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            slip(answers, bare, slips >> 32);
        }
    }
    if let Some(first) = written.first_mut() {
        first.opening = opening.opening;
    }
    phone.save(again, &written)?;
    let members = members.into_iter().map(|(one, other)| (other, one)).collect();
    Ok(Twice { unit: String::new(), right, again, members })
}

/// Writes one member down as somebody in a hurry does.
fn slip(answers: &mut mobile_schema::household::Answers, bare: bool, draw: u64) {
    if bare && let Some(name) = answers.get("name").and_then(Answer::as_text) {
        let name = shared::text::folded(name).to_uppercase();
        answers.insert("name".to_owned(), name.into());
    }
    let year = answers.get("birth").and_then(Answer::as_text).and_then(|birth| birth.get(..4));
    if draw.is_multiple_of(7)
        && let Some(year) = year.map(ToOwned::to_owned)
    {
        answers.insert("birth".to_owned(), year.into());
    }
    // A number that was not at hand; one that is asked for and missing would be a finding of its own.
    if draw.is_multiple_of(3) && answers.remove("id_number").is_some() {
        answers.insert("id_state".to_owned(), "not_yet".into());
    }
}

/// What one officer found and did.
#[derive(Default)]
struct Dealt {
    found: usize,
    wrong: usize,
    merged: usize,
}

impl Fleet<'_> {
    /// Lets every officer look at the pairs of the commune and merge what was registered twice.
    pub(super) async fn merge_twice(&mut self, found: &Found) -> Result<(), FleetError> {
        let what = "nghi trùng hộ / possible duplicates";
        let bar = self.bar(what, self.plan.communes.len() / usize::from(COMMUNE_ONE_IN));
        self.tally.planted_twice = found.twice.len();
        let mut planted: BTreeMap<String, Vec<Twice>> = BTreeMap::new();
        for twice in &found.twice {
            planted.entry(twice.unit.clone()).or_default().push(twice.clone());
        }
        let units = self.plan.communes.iter().map(|commune| commune.unit.clone());
        let units: Vec<String> = units.filter(|unit| looks_for_pairs(unit)).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for unit in units {
            if tasks.len() >= AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                self.count_dealt(&done??, &bar);
            }
            let office = self.office(&format!("xa-{unit}"))?.clone();
            let (campaign, twice) = (self.campaign, planted.remove(&unit).unwrap_or_default());
            tasks.spawn(deal(office, campaign, unit, twice));
        }
        while let Some(done) = tasks.join_next().await {
            self.count_dealt(&done??, &bar);
        }
        self.stage(&bar, what);
        Ok(())
    }

    fn count_dealt(&mut self, dealt: &Dealt, bar: &indicatif::ProgressBar) {
        self.tally.twice_found += dealt.found;
        self.tally.twice_wrong += dealt.wrong;
        self.tally.merged += dealt.merged;
        bar.inc(1);
    }
}

async fn deal(
    office: Office,
    campaign: CampaignId,
    unit: String,
    planted: Vec<Twice>,
) -> Result<Dealt, FleetError> {
    let queue = office.get(&format!("/v1/campaigns/{campaign}/units/{unit}/pairs")).await?;
    let pairs = queue["pairs"].as_array().into_iter().flatten();
    let named: BTreeSet<[String; 2]> = pairs
        .filter(|pair| pair["likely"] == "household")
        .map(|pair| {
            let end = |end: &str| pair[end]["document"].as_str().unwrap_or("").to_owned();
            sorted(end("one"), end("other"))
        })
        .collect();
    let of = |twice: &Twice| sorted(twice.right.to_string(), twice.again.to_string());
    let there: BTreeSet<[String; 2]> = planted.iter().map(of).collect();
    let mut dealt = Dealt {
        found: named.intersection(&there).count(),
        wrong: named.difference(&there).count(),
        merged: 0,
    };
    // What the matcher missed comes up in the hamlet's meeting: it is merged all the same.
    for twice in &planted {
        merge(&office, campaign, twice).await?;
        dealt.merged += 1;
    }
    Ok(dealt)
}

fn sorted(one: String, other: String) -> [String; 2] {
    let mut pair = [one, other];
    pair.sort();
    pair
}

/// Merges the second registration into the first and takes that one's answers.
async fn merge(office: &Office, campaign: CampaignId, twice: &Twice) -> Result<(), FleetError> {
    let path = format!("/v1/campaigns/{campaign}/pairs/{}/{}", twice.right, twice.again);
    let mut form = json!({
        "act": "merge",
        "reason": "Trưởng thôn xác nhận là một hộ (synthetic)",
        "members": twice.members,
        "choices": [],
    });
    // What differs depends on who is matched with whom, which is known better here than there.
    let read = office.get(&path).await?;
    form["choices"] = Value::Array(differing(&read, &twice.members));
    office.post(&path, &form).await?;
    Ok(())
}

fn differing(read: &Value, members: &BTreeMap<String, String>) -> Vec<Value> {
    let household = |end: &str| -> mobile_schema::household::Household {
        serde_json::from_value(read[end]["household"].clone()).unwrap_or_default()
    };
    shared::link::differences(&household("one"), &household("other"), members)
        .into_iter()
        .map(|of| json!({ "path": of.path, "seen": of.values, "value": of.values[0] }))
        .collect()
}
