//! What a client would stop on is set aside before anybody else is sent it.
//!
//! The guard sees one change at a time, so it cannot know what a household holds. These changes pass
//! it; the library stops on them, or makes a document of them that nobody can load again.

use std::collections::BTreeSet;

use mobile_schema::frame::{Fate, SyncRequest, SyncResponse};
use server::demo::phone::Unsent;
use shared::guard::guard;
use shared::id::{ChangeHash, DocumentId};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::MO_O;

use crate::standard_door::Right;
use crate::standard_door::raw::{Heard, Raw};

use super::bad_kinds::{Ground, of_content};
use super::craft::Parts;
use super::device::Device;
use super::ledger;
use super::pages::{contents, server_key};
use super::rng::Rng;
use super::wire::{receipts, request};

/// Kinds of the other laws that pass the guard and that the library cannot take.
const KINDS: [&str; 3] =
    ["a number out of the blue", "an object that does not exist", "replacing what does not exist"];

/// Makes the bad changes, each with a harmless one that builds on it.
fn bad(document: DocumentId) -> Vec<[Unsent; 2]> {
    let rng = Rng::new(3);
    let mut ground = Ground { rng, document, elsewhere: document, good: &[] };
    let kinds = of_content().into_iter().filter(|kind| KINDS.contains(&kind.name));
    let mut bad: Vec<Unsent> = kinds.flat_map(|kind| (kind.make)(&mut ground)).collect();
    assert_eq!(bad.len(), KINDS.len());
    let written = |number| Device::new(number).save(&page("farm", "none"), 0).unwrap().chunk;
    // It names an author who wrote nothing here.
    let mut parts = Parts::of(&written(1));
    parts.others = vec![vec![9; 16]];
    let (hash, chunk) = parts.chunk();
    bad.push(Unsent { document, hash, chunk });
    (10..)
        .zip(bad)
        .map(|(number, bad)| {
            let mut parts = Parts::of(&written(number));
            parts.dependencies = vec![bad.hash.0];
            parts.start_op = u64::from(guard(&bad.chunk).unwrap().last_operation()) + 1;
            let (hash, chunk) = parts.chunk();
            [bad, Unsent { document, hash, chunk }]
        })
        .collect()
}

fn page(key: &str, value: &str) -> Page {
    Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() }
}

fn hashes(answer: &SyncResponse) -> BTreeSet<ChangeHash> {
    answer.changes.iter().map(|(_, chunk)| guard(chunk).unwrap().hash()).collect()
}

on_each_backend! {
    /// A client of the standard door has the household open, or opens it in that moment.
    async fn what_a_client_would_stop_on_is_sent_to_nobody_over_the_standard_door(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let (document, opening) = hoa.register("19558-01");
        hoa.save(document, &[opening]).unwrap();
        hoa.sync().await.unwrap();
        let son = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: son.access() };
        let url = right.ticket(&town).await;
        for (round, [bad, on_it]) in bad(document).into_iter().enumerate() {
            let changes = [bad, on_it];
            let sent = request(&town, &[], vec![hoa.sign(&changes)]);
            let (answer, _, _) = town.client.sync(hoa.access(), &sent).await.unwrap();
            let verdicts = receipts(&answer).pop().unwrap().unwrap().verdicts;
            assert!(verdicts.iter().all(|verdict| verdict.fate == Fate::Accepted), "{verdicts:?}");
            // It is not answered before that is set aside, and then without it.
            let mut opens = Raw::join(&url, "peer").await;
            let Heard::Sync(_, said) = opens.ask(document).await else { panic!("it opens") };
            let sent: BTreeSet<ChangeHash> =
                said.changes.iter().map(|chunk| guard(chunk).unwrap().hash()).collect();
            assert!(!sent.is_empty(), "{round}");
            assert!(changes.iter().all(|bad| !sent.contains(&bad.hash)), "{round}");
            assert!(changes.iter().all(|bad| !said.heads.contains(&bad.hash)), "{round}");
        }
    }

    /// Another phone asks in the moment after they were acknowledged, for documents, which come and load,
    /// and for changes.
    async fn what_a_client_would_stop_on_is_sent_to_nobody(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let (document, opening) = hoa.register("19558-01");
        hoa.save(document, &[opening]).unwrap();
        hoa.sync().await.unwrap();
        let son = town.phone_with_work("hoa").await;
        let key = server_key(&town);
        for (round, [bad, on_it]) in bad(document).into_iter().enumerate() {
            let changes = [bad.clone(), on_it.clone()];
            let batch = hoa.sign(&changes);
            let sent = request(&town, &[], vec![batch.clone()]);
            let (answer, _, _) = town.client.sync(hoa.access(), &sent).await.unwrap();
            let verdicts = receipts(&answer).pop().unwrap().unwrap().verdicts;
            assert!(verdicts.iter().all(|verdict| verdict.fate == Fate::Accepted), "{verdicts:?}");

            let whole = SyncRequest { pages: true, ..request(&town, &[], Vec::new()) };
            let plain = request(&town, &[], Vec::new());
            // Whichever way is asked for first, the bad one is not looked at yet.
            for asked in if round % 2 == 0 { [&whole, &plain] } else { [&plain, &whole] } {
                loop {
                    let (answer, _, _) = town.client.sync(son.access(), asked).await.unwrap();
                    assert!(!answer.more);
                    let sent = hashes(&answer);
                    assert!(changes.iter().all(|bad| !sent.contains(&bad.hash)), "{round}");
                    let mine = contents(&key, &answer);
                    // Nobody waits long for a worker: it may come with a later sync.
                    if asked.pages == mine.contains_key(&document) {
                        break;
                    }
                    assert!(asked.pages, "{round}: it was asked for as changes");
                    tokio::task::yield_now().await;
                }
            }

            let again = request(&town, &[], vec![batch]);
            let (answer, _, _) = town.client.sync(hoa.access(), &again).await.unwrap();
            let verdicts = receipts(&answer).pop().unwrap().unwrap().verdicts;
            let told: Vec<_> =
                verdicts.iter().map(|of| (of.fate, of.reason.as_deref().unwrap_or(""))).collect();
            let expected = [(Fate::Quarantined, "change-broken"), (Fate::Held, "ancestor-held")];
            assert_eq!(told, expected, "{round}");
        }
        // The household goes on, and nothing of it is in anybody's way but by name.
        hoa.save(document, &[page("farm", "none")]).unwrap();
        hoa.sync().await.unwrap();
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["household"]["answers"]["farm"], "none");
        assert_eq!(read["standing"]["flags"].as_array().map(Vec::len), Some(0), "{read}");
        let aside = town.officer.get(&town.path(&format!("/units/{MO_O}/aside"))).await.unwrap();
        assert_eq!(aside.as_array().map(Vec::len), Some(2 * (KINDS.len() + 1)), "{aside}");
        ledger::check_positions(&town).await;
    }
}
