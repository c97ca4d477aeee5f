//! A first download as documents has what the changes have: all of the main branch, and no more.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Automerge;
use ed25519_dalek::{Signature, VerifyingKey};
use mobile_schema::frame::{PAGE_CONTEXT, Page as Signed, SyncRequest, SyncResponse};
use serde_bytes::ByteBuf;
use serde_json::json;
use shared::id::{DocumentId, sha256, to_hex};
use shared::merge::genesis_hash;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use super::ledger;
use super::wire::request;
use crate::handover::say;

/// Documents and the hashes of their changes' bytes.
pub(super) type Contents = BTreeMap<DocumentId, BTreeSet<[u8; 32]>>;

/// Reads the pages of an answer, each of which the server must have signed.
pub(super) fn contents(key: &VerifyingKey, answer: &SyncResponse) -> Contents {
    let mut contents = Contents::new();
    for page in pages(key, answer) {
        for household in page.households {
            let doc = Automerge::load(&household.bytes).expect("a document");
            let changes = doc.get_changes(&[]).into_iter();
            let changes = changes.filter(|change| change.hash().0 != genesis_hash().0);
            let hashes = changes.map(|change| sha256(change.raw_bytes()));
            contents.entry(DocumentId(*household.document)).or_default().extend(hashes);
        }
    }
    contents
}

fn pages(key: &VerifyingKey, answer: &SyncResponse) -> Vec<Signed> {
    let read = |signed: &mobile_schema::frame::SignedPage| {
        let signature = Signature::from_slice(&signed.signature).expect("a signature");
        let bytes = [PAGE_CONTEXT, &signed.page].concat();
        key.verify_strict(&bytes, &signature).expect("the server signed it");
        ciborium::from_reader(signed.page.as_slice()).expect("a page")
    };
    answer.pages.iter().map(read).collect()
}

/// Returns the key that pages are checked with.
pub(super) fn server_key(town: &Town) -> VerifyingKey {
    VerifyingKey::from_bytes(&town.running.app.keys.public()).expect("the server's key")
}

/// Returns what the log holds of some hamlets' main branches.
async fn logged(town: &Town, hamlets: &[&str]) -> Contents {
    let mut contents = Contents::new();
    for entry in ledger::entries(town).await {
        if hamlets.contains(&entry.hamlet.as_str()) && entry.fate == "accepted" && !entry.side {
            contents.entry(entry.document).or_default().insert(sha256(&entry.chunk));
        }
    }
    contents
}

fn asking(town: &Town, cursor: &[u8]) -> SyncRequest {
    SyncRequest { pages: true, answer_bytes: Some(1), ..request(town, cursor, Vec::new()) }
}

on_each_backend! {
    /// Whoever asks for pages gets documents instead of changes; others get changes as ever.
    async fn the_first_download_is_documents_for_who_reads_them(town: Town) {
        let hoa = town.review_mo_o().await;
        let key = server_key(&town);
        let plain = request(&town, &[], Vec::new());
        let (changes, _, _) = town.client.sync(hoa.access(), &plain).await.unwrap();
        assert!(changes.pages.is_empty() && !changes.changes.is_empty());
        let ask = SyncRequest { pages: true, ..plain };
        let (answer, _, _) = town.client.sync(hoa.access(), &ask).await.unwrap();
        assert!(answer.changes.is_empty() && answer.households.is_empty() && !answer.more);
        let log = logged(&town, &["19558-01", "19558-02"]).await;
        assert_eq!(contents(&key, &answer), log);
        assert_eq!(answer.entered, ["19558-01", "19558-02"]);
        for page in pages(&key, &answer) {
            assert_eq!((*page.campaign, page.unit.as_str()), (town.campaign.0, MO_O));
            assert_eq!(*page.epoch, town.running.app.epoch);
            let codes = page.households.iter().map(|household| &household.code);
            assert!(codes.clone().all(|code| code.is_empty() || code.starts_with(&page.hamlet)));
        }
        // What comes later comes as changes, and nothing twice.
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&minh, "19558-01-0001");
        let mut page = Page::default();
        page.answers.insert("wall".to_owned(), "plank".into());
        minh.save(document, &[page]).unwrap();
        minh.sync().await.unwrap();
        let next = SyncRequest { cursor: answer.cursor, ..ask };
        let (answer, _, _) = town.client.sync(hoa.access(), &next).await.unwrap();
        assert_eq!((answer.pages.len(), answer.changes.len()), (0, 1));
    }

    /// Answers as small as they may be: the download goes on in the middle of a hamlet, others write
    /// and hamlets come meanwhile, and at the end everything is there.
    async fn a_download_goes_on_where_it_stood(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        for number in 0..60_u8 {
            let (document, mut page) = hoa.register("19558-01");
            // Text that no encoding makes much shorter.
            let parts = (0..32_u8).map(|part| to_hex(&sha256(&[number, part])));
            page.answers.insert("cause_other".to_owned(), parts.collect::<String>().into());
            hoa.save(document, &[page]).unwrap();
        }
        hoa.sync().await.unwrap();
        let minh = town.phone("minh").await;
        let key = server_key(&town);
        let (mut read, mut cursor, mut trips) = (Contents::new(), ByteBuf::new(), 0_usize);
        loop {
            let ask = asking(&town, &cursor);
            let (answer, _, _) = town.client.sync(minh.access(), &ask).await.unwrap();
            for (document, hashes) in contents(&key, &answer) {
                read.entry(document).or_default().extend(hashes);
            }
            for (document, chunk) in &answer.changes {
                read.entry(DocumentId(**document)).or_default().insert(sha256(chunk));
            }
            cursor = answer.cursor;
            trips += 1;
            match trips {
                // A family that sorts anywhere, and one that was already sent or not.
                1 => {
                    let (document, mut page) = hoa.register("19558-01");
                    page.answers.insert("farm".to_owned(), "agriculture".into());
                    hoa.save(document, &[page]).unwrap();
                    for document in hoa.households.keys().copied().collect::<Vec<_>>() {
                        let mut page = Page::default();
                        page.answers.insert("wall".to_owned(), "plank".into());
                        hoa.save(document, &[page]).unwrap();
                    }
                    hoa.sync().await.unwrap();
                }
                2 => {
                    let assignment = "hamlet,account\n19558-02,minh\n".to_owned();
                    let path = town.path("/assignments");
                    town.province.import(&path, assignment).await.unwrap();
                }
                _ => {}
            }
            if !answer.more && trips > 2 {
                break;
            }
        }
        assert!(trips > 4, "{trips} trips");
        assert_eq!(read, logged(&town, &["19558-01", "19558-02"]).await);
    }

    /// What a copied phone wrote under a number already taken is in no document that is sent out.
    async fn a_side_branch_is_in_no_page(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut copy = hoa.copied();
        let document = town.document(&hoa, "19558-01-0001");
        for (phone, wall) in [(&mut hoa, "plank"), (&mut copy, "bamboo")] {
            let mut page = Page::default();
            page.answers.insert("wall".to_owned(), wall.into());
            phone.save(document, &[page]).unwrap();
            phone.sync().await.unwrap();
        }
        let log = ledger::entries(&town).await;
        assert_eq!(log.iter().filter(|entry| entry.side).count(), 1);
        let minh = town.phone("minh").await;
        let ask = SyncRequest { pages: true, ..request(&town, &[], Vec::new()) };
        let (answer, _, _) = town.client.sync(minh.access(), &ask).await.unwrap();
        let contents = contents(&server_key(&town), &answer);
        assert_eq!(contents, logged(&town, &["19558-01"]).await);
        assert!(contents[&document].len() > 1);
    }

    /// A household that leaves while a download is under way was on one of its pages already: whoever
    /// has it is told once the download has come to its end, at the latest.
    async fn what_leaves_during_a_download_is_named(town: Town) {
        let hoa = town.review_mo_o().await;
        let minh = town.phone("minh").await;
        let (mut cursor, mut told, mut had) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut left = None;
        let key = server_key(&town);
        loop {
            let ask = asking(&town, &cursor);
            let (answer, _, _) = town.client.sync(minh.access(), &ask).await.unwrap();
            cursor = answer.cursor.to_vec();
            had.extend(contents(&key, &answer).into_keys());
            told.extend(answer.gone.iter().map(|document| DocumentId(**document)));
            if !answer.more {
                break;
            }
            if left.is_none() {
                let first = *had.first().expect("a page");
                let paper = json!({ "number": "1/TT", "date": "2022-11-02", "signer": "A (thử)" });
                let offer = json!({ "act": "offer", "to": HUONG_HIEP, "paper": paper,
                    "on": "2022-11-01", "reason": "chuyển nhà" });
                say(&town, &town.officer, first, &offer).await.taken();
                let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
                let accept = json!({ "act": "accept", "hamlet": "19561-01" });
                say(&town, &neighbour, first, &accept).await.taken();
                left = Some(first);
            }
        }
        assert!(had.len() > 1 && had.len() <= hoa.households.len(), "{}", had.len());
        assert_eq!(told, left.into_iter().collect());
    }
}
