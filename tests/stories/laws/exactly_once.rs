//! P6: effects happen exactly once, whatever is lost, repeated or raced.
//!
//! Phones on a bad line: half of all answers never arrive, and everything is sent again, up to
//! eight times at once. Some lines break while the request is still going up.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use mobile_schema::frame::{FRAME_CONTENT_TYPE, Fate, SyncRequest, SyncResponse};
use server::demo::client::Client;
use shared::id::{ChangeHash, DocumentId};
use tests::on_each_backend;
use tests::town::{MO_O, Town};
use tokio::task::JoinSet;

use super::cases;
use super::ledger;
use super::rng::Rng;
use super::wire::{Fieldwork, receipts, request};

/// P6: requests in all, on SQLite.
const REQUESTS: usize = 10_000;

/// The same story on PostgreSQL, where each request costs more here.
const REQUESTS_POSTGRES: usize = 2_000;

/// P6: how often one request goes out at the same time, at the most.
const REPEATS: usize = 8;

/// Phones at work.
const PHONES: u8 = 8;

on_each_backend! {
    /// Half of all answers are lost and everything is repeated: the log has each change once.
    async fn lost_answers_and_repeats_leave_each_change_in_the_log_once(town: Town) {
        let requests =
            if town.config.database.is_some() { REQUESTS_POSTGRES } else { REQUESTS };
        let each = cases(requests).div_ceil(usize::from(PHONES));
        let town = std::sync::Arc::new(town);
        let mut phones = JoinSet::new();
        for number in 1..=PHONES {
            let phone = town.phone("hoa").await;
            let hamlets = ["19558-01", "19558-02"].repeat(cases(1));
            let work = Fieldwork::new(phone, number, &hamlets);
            phones.spawn(hand_in(town.clone(), work, number, each));
        }
        let (mut written, mut batches) = (BTreeMap::new(), 0);
        while let Some(sent) = phones.join_next().await {
            let sent = sent.unwrap();
            written.extend(sent.written);
            batches += sent.batches;
        }

        ledger::check_positions(&town).await;
        let documents: BTreeSet<DocumentId> = written.keys().map(|(document, _)| *document).collect();
        let mut in_log: BTreeMap<_, Vec<u8>> = BTreeMap::new();
        for entry in ledger::entries(&town).await {
            if documents.contains(&entry.document) {
                assert_eq!(entry.fate, "accepted");
                let before = in_log.insert((entry.document, entry.hash), entry.chunk);
                assert!(before.is_none(), "{} is there twice", entry.hash);
            }
        }
        assert_eq!(in_log, written, "everything that a receipt named, and nothing else");
        assert_eq!(ledger::manifests(&town).await, batches);

        // Nobody is counted twice in the list either.
        let path = town.path(&format!("/units/{MO_O}/households"));
        let listed = town.officer.get(&path).await.unwrap();
        let device = |row: &serde_json::Value| row["row"]["provenance"]["device"].as_u64().unwrap();
        let counted: u64 = listed.as_array().unwrap().iter().map(device).sum();
        assert_eq!(counted, u64::try_from(written.len()).unwrap());
    }
}

/// What a phone sent and holds a receipt for.
struct Sent {
    written: BTreeMap<(DocumentId, ChangeHash), Vec<u8>>,
    batches: usize,
}

/// Hands in batch after batch, each until an answer is heard.
async fn hand_in(
    town: std::sync::Arc<Town>,
    mut work: Fieldwork,
    number: u8,
    requests: usize,
) -> Sent {
    let mut rng = Rng::new(u64::from(number));
    let mut sent = Sent { written: BTreeMap::new(), batches: 0 };
    let (mut cursor, mut count) = (Vec::new(), 0);
    while count < requests {
        let changes = work.write(1 + rng.below(3));
        let batch = work.phone.sign(&changes);
        let request = request(&town, &cursor, vec![batch]);
        let mut accepted = vec![0; changes.len()];
        sent.batches += 1;
        loop {
            let repeats = 1 + rng.below(REPEATS);
            count += repeats;
            let answers = send(&town, &mut rng, work.phone.access(), &request, repeats).await;
            for answer in &answers {
                let receipt = receipts(answer).pop().unwrap().unwrap();
                for (verdict, accepted) in receipt.verdicts.iter().zip(&mut accepted) {
                    assert!(matches!(verdict.fate, Fate::Accepted | Fate::Known), "{verdict:?}");
                    *accepted += u32::from(verdict.fate == Fate::Accepted);
                }
            }
            if let Some(answer) = answers.into_iter().next() {
                cursor = answer.cursor.into_vec();
                break;
            }
        }
        assert!(accepted.iter().all(|times| *times <= 1), "accepted twice: {accepted:?}");
        for change in changes {
            sent.written.insert((change.document, change.hash), change.chunk);
        }
    }
    sent
}

/// Sends copies of a request at the same time; only the answers that arrive come back.
async fn send(
    town: &Town,
    rng: &mut Rng,
    token: &str,
    request: &SyncRequest,
    repeats: usize,
) -> Vec<SyncResponse> {
    let mut calls = JoinSet::new();
    for _ in 0..repeats {
        let (client, token, request) = (town.client.clone(), token.to_owned(), request.clone());
        match rng.below(4) {
            0 => {
                let address = town.running.address;
                let part = if rng.chance(50) { 100 } else { 10 + rng.below(80) };
                calls.spawn_blocking(move || {
                    cut(address, &token, &request, part);
                    None
                });
            }
            1 => {
                calls.spawn(async move {
                    let _lost = ask(&client, &token, &request).await;
                    None
                });
            }
            _ => {
                calls.spawn(async move { Some(ask(&client, &token, &request).await) });
            }
        }
    }
    calls.join_all().await.into_iter().flatten().collect()
}

async fn ask(client: &Client, token: &str, request: &SyncRequest) -> SyncResponse {
    client.sync(token, request).await.expect("the server answers").0
}

/// Sends `percent` of a request and hangs up without listening.
fn cut(address: std::net::SocketAddr, token: &str, request: &SyncRequest, percent: usize) {
    let mut body = Vec::new();
    ciborium::into_writer(request, &mut body).expect("memory takes every byte");
    let mut bytes = format!(
        "POST /v1/sync HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: {FRAME_CONTENT_TYPE}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    let mut line = std::net::TcpStream::connect(address).expect("it listens");
    line.write_all(&bytes[..bytes.len() * percent / 100]).expect("it is taken");
}
