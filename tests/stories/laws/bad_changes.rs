//! P5: one bad change blocks nobody, not its neighbours, not its household, not its commune.
//!
//! Every kind of bad change goes through the real door at every place of a batch of good ones.
//! The good ones are accepted, the next author of the household too, the commune's list comes out
//! as without it, and the bad bytes are kept.

use std::collections::BTreeMap;

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::household::Household;
use serde_json::Value as Json;
use server::demo::fleet::visit::Visit;
use server::demo::phone::{Phone, Unsent};
use shared::id::{Actor, DocumentId};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use super::bad_kinds::{Ground, Kind, TWICE, of_bytes, of_content};
use super::device::Device;
use super::ledger;
use super::rng::Rng;
use super::wire::{receipts, request};

/// P5: kinds of bad change, at the least.
const KINDS: usize = 30;

/// The family that is surveyed again and again, each time with another bad change beside it.
const FAMILY: &str = "19558-01-0001";

on_each_backend! {
    /// Bytes that are no change, or not the one signed for.
    async fn damaged_changes_block_nobody(town: Town) {
        let kinds = of_bytes();
        assert!(kinds.len() >= KINDS, "only {} kinds", kinds.len());
        try_all(&town, &kinds).await;
    }

    /// Changes in order as such, that are in the wrong place or say absurd things.
    async fn absurd_changes_block_nobody(town: Town) {
        try_all(&town, &of_content()).await;
    }
}

async fn try_all(town: &Town, kinds: &[Kind]) {
    let lan = town.phone_with_work("lan").await;
    let elsewhere = town.document(&lan, "19561-01-0001");
    let mut hoa = town.phone("hoa").await;
    let minh = town.phone("minh").await;
    // What the family comes to where nobody sends anything bad.
    let control = Survey::new(town, &mut hoa, 0);
    control.hand_in(town, &hoa, &[], 0).await;
    control.somebody_else(town, &minh).await;
    let expected = list(town).await.remove(&control.document).expect("on the list");
    assert_eq!(expected["row"]["class"], "poor", "the review classifies");

    let mut kept = Vec::new();
    // The whole matrix on SQLite; on PostgreSQL each kind once, in the middle.
    let places = if town.config.database.is_some() { 2..3 } else { 0..control.good.len() + 1 };
    for (kind, number) in kinds.iter().zip(1_u64..) {
        let mut surveys = Vec::new();
        for place in places.clone() {
            let seed = number * 100 + u64::try_from(place).expect("small");
            let survey = Survey::new(town, &mut hoa, seed);
            let mut ground = Ground {
                rng: Rng::new(seed),
                document: survey.document,
                elsewhere,
                good: &survey.good,
            };
            let bad = (kind.make)(&mut ground);
            let verdicts = survey.hand_in(town, &hoa, &bad, place).await;
            for (number, (verdict, change)) in verdicts.iter().zip(&bad).enumerate() {
                let got = (verdict.fate, verdict.reason.as_deref());
                // The second of two changes under one number is taken, and its phone told so.
                let forked = kind.name == TWICE && number > 0;
                let expected =
                    if forked { (Fate::Accepted, Some("actor-forked")) } else { kind.verdict };
                assert_eq!(got, expected, "{} at {place}", kind.name);
                kept.push((kind.name, verdict.fate, change.clone()));
            }
            survey.somebody_else(town, &minh).await;
            surveys.push(survey.document);
        }
        let listed = list(town).await;
        for document in surveys {
            let got = listed.get(&document).expect("on the list");
            let (got_row, row) = (comparable(got), comparable(&expected));
            assert_eq!(got_row, row, "{} changes what the family comes to", kind.name);
            let disputes = got["disputes"].as_array().map(Vec::len).unwrap();
            assert_eq!(u64::try_from(disputes), Ok(kind.disputes), "{}: {got:#}", kind.name);
        }
    }
    check_kept(town, &kept).await;
    ledger::check_positions(town).await;
}

/// One full review of the family, in a household of its own.
struct Survey {
    document: DocumentId,
    good: Vec<Unsent>,
}

impl Survey {
    fn new(town: &Town, hoa: &mut Phone, seed: u64) -> Self {
        let (document, opening) = hoa.register("19558-01");
        let visit = Visit { by: "hoa", day: "2022-10-15" };
        let mut pages = visit.pages(&town.truth(FAMILY), &Household::default(), true);
        pages[0].opening = opening.opening;
        let mut device = Device::of(Actor(Rng::new(!seed).bytes()));
        let written = pages.iter().filter_map(|page| device.save(page, 0));
        let good = written
            .map(|written| Unsent { document, hash: written.hash, chunk: written.chunk })
            .collect();
        Self { document, good }
    }

    /// Hands the good changes in with bad ones among them; returns the verdicts of the bad.
    async fn hand_in(
        &self,
        town: &Town,
        hoa: &Phone,
        bad: &[Unsent],
        place: usize,
    ) -> Vec<Verdict> {
        let mut changes = self.good.clone();
        changes.splice(place..place, bad.iter().cloned());
        let mut verdicts = send(town, hoa, &changes).await;
        let of_bad: Vec<Verdict> = verdicts.splice(place..place + bad.len(), []).collect();
        for verdict in verdicts {
            assert_eq!(verdict.fate, Fate::Accepted, "a good neighbour: {verdict:?}");
        }
        of_bad
    }

    /// Lets another enumerator write into the same household afterwards.
    async fn somebody_else(&self, town: &Town, minh: &Phone) {
        let mut device = Device::new(77);
        let known = self.good.iter().map(|change| (change.hash, change.chunk.clone()));
        device.known.extend(known);
        let mut page = Page::default();
        page.answers.insert("revisits".to_owned(), 1.into());
        let written = device.save(&page, 0).expect("a new answer");
        let (document, hash, chunk) = (self.document, written.hash, written.chunk);
        let verdicts = send(town, minh, &[Unsent { document, hash, chunk }]).await;
        assert_eq!(verdicts[0].fate, Fate::Accepted, "the next author: {verdicts:?}");
    }
}

async fn send(town: &Town, phone: &Phone, changes: &[Unsent]) -> Vec<Verdict> {
    let request = request(town, &[], vec![phone.sign(changes)]);
    let answer = town.client.sync(phone.access(), &request).await;
    let answer = answer.expect("no kind of bad change fails the request").0;
    receipts(&answer).pop().unwrap().expect("the batch is taken").verdicts
}

/// Reads the commune's households by document; the list itself must come out as well.
async fn list(town: &Town) -> BTreeMap<DocumentId, Json> {
    town.officer.list(town.campaign, MO_O).await.expect("the list comes out");
    let path = town.path(&format!("/units/{MO_O}/households"));
    let listed = town.officer.get(&path).await.expect("the households come out");
    let document = |row: &Json| row["row"]["document"].as_str().unwrap().parse().unwrap();
    listed.as_array().unwrap().iter().map(|row| (document(row), row.clone())).collect()
}

/// A row without what names the household or counts its changes.
fn comparable(listed: &Json) -> Json {
    let mut row = listed["row"].clone();
    for own in ["household", "document", "provenance", "changes"] {
        row.as_object_mut().unwrap().remove(own).expect("a column of the row");
    }
    // Only where somebody said otherwise and nothing hung on it.
    row.as_object_mut().unwrap().remove("by_rule");
    row
}

/// Checks that every bad change is in the database as it came, and shown to the office.
async fn check_kept(town: &Town, kept: &[(&str, Fate, Unsent)]) {
    let entries = ledger::entries(town).await;
    let path = town.path(&format!("/units/{MO_O}/aside"));
    let aside = town.officer.get(&path).await.unwrap();
    for (name, fate, change) in kept {
        let stored: Vec<_> = entries
            .iter()
            .filter(|entry| entry.document == change.document && entry.chunk == change.chunk)
            .collect();
        assert_eq!(stored.len(), 1, "{name}: the bytes are kept, once");
        if *fate == Fate::Accepted || stored[0].unit != MO_O {
            continue;
        }
        let hash = stored[0].hash.to_string();
        let shown = aside.as_array().unwrap().iter().any(|row| row["hash"] == hash);
        assert!(shown, "{name}: the office sees that it was set aside");
    }
}
