//! The connections of a whole province, open at one time: what they take of our server's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::repo::sync::SyncMessage;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::line::{Gist, Heard, Line};
use super::ours::{Ours, enrol, ticket};
use super::play::{Doc, Settles, What, talk};
use crate::bench::family::{Memory, Watch, memory, rest};
use crate::bench::machine::used;

/// Documents that each opens.
const DOCUMENTS: usize = 4;

/// Those that connect at one time.
const AT_ONCE: usize = 50;

/// Documents of each enumerator that move on meanwhile.
const MOVED: usize = 50;

/// Longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// Memory of our server with many connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Many {
    /// Documents on the server.
    pub documents: usize,
    /// Connections, each of a device and with a ticket of its own.
    pub connections: usize,
    /// Documents open on them together, read before.
    pub open: usize,
    /// Changes that others handed in meanwhile.
    pub moved: usize,
    /// Messages that were pushed for that.
    pub pushed: usize,
    /// Before the first connection, after the documents had been taken.
    pub before: Memory,
    /// With all of them open.
    pub with_all: Memory,
    /// After the changes were pushed and merged.
    pub end: Memory,
    /// The most that was seen.
    pub most: Memory,
    /// The most the server process ever had resident, ingest among it, as the kernel noted, KiB.
    pub peak_rss_kib: u64,
}

/// Opens them, and lets others hand changes in.
pub(super) async fn hold(ours: &mut Ours, documents: &[Arc<Vec<Doc>>], connections: usize) -> Many {
    let process = ours.server.id();
    rest(process).await;
    let before = memory(process);
    let watch = Watch::over(process);
    let pushed = Arc::new(AtomicUsize::new(0));
    let (tell, mut told) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (number, of) in documents.iter().enumerate() {
        let devices =
            connections / documents.len() + usize::from(number < connections % documents.len());
        for (device, phone) in enrol(&ours.field, number, devices).await.iter().enumerate() {
            let address = ticket(&ours.field, phone).await;
            let (of, tell, places) = (Arc::clone(of), tell.clone(), Arc::clone(&places));
            let pushed = Arc::clone(&pushed);
            tasks.spawn(async move {
                let place = places.acquire_owned().await.expect("it stays open");
                let mut line = Line::join(&address, format!("bench-{number}-{device}")).await;
                let first = device * DOCUMENTS % of.len();
                let last = (first + DOCUMENTS).min(of.len());
                let talked = talk(&mut line, &of[first..last], What::Fetch).await;
                let _counted = tell.send(talked.fetched.len());
                drop((tell, place));
                line.stay(|_| {
                    pushed.fetch_add(1, Ordering::Relaxed);
                })
                .await;
            });
        }
    }
    drop(tell);
    let mut open = Vec::new();
    while let Some(count) = told.recv().await {
        open.push(count);
    }
    assert_eq!(open.len(), connections, "a connection failed");
    rest(process).await;
    let with_all = memory(process);
    let moved = move_on(ours).await;
    ours.settled().await;
    rest(process).await;
    let many = Many {
        documents: documents.iter().map(|of| of.len()).sum(),
        connections,
        open: open.iter().sum(),
        moved,
        pushed: pushed.load(Ordering::Relaxed),
        before,
        with_all,
        end: memory(process),
        most: watch.most(),
        peak_rss_kib: used(process).peak_rss_kib,
    };
    tasks.abort_all();
    many
}

/// Hands another change in for some documents of each enumerator; returns how many were taken.
async fn move_on(ours: &mut Ours) -> usize {
    let mut moved = 0;
    let more = ours.type_more(MOVED);
    for (address, documents) in ours.tickets().await.into_iter().zip(more) {
        let mut line = Line::join(&address, format!("bench-mover-{moved}")).await;
        for doc in &documents {
            let (hash, chunk) = doc.changes[0].clone();
            let message =
                SyncMessage { heads: vec![hash], changes: vec![chunk], ..SyncMessage::default() };
            line.put("sync", &doc.name, message.write()).await;
        }
        line.flush().await;
        let mut waiting = documents.len();
        while waiting > 0 {
            let heard = line.hear(Instant::now() + ANSWER_MAX).await.expect("an answer");
            let Heard::Sync(name, data) = heard else { panic!("{heard:?}") };
            let gist = Gist::read(&data).expect("a sync message");
            let doc = documents.iter().find(|doc| doc.name == name).expect("one of these");
            if gist.heads == [doc.changes[0].0] {
                waiting -= 1;
                moved += 1;
            }
        }
    }
    moved
}
