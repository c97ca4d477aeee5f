//! One phase on one server: every document once, over all connections at one time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use automerge::Automerge;
use automerge::sync::{Message, State, SyncDoc};
use serde::{Deserialize, Serialize};
use shared::id::ChangeHash;
use shared::repo::Bloom;
use shared::repo::sync::{Have, SyncMessage};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::line::{Gist, Heard, Line, Traffic};
use crate::bench::family::{Cpu, Watch, cpu, rest};
use crate::bench::millis;

/// Documents of one connection that are under way at one time.
const WINDOW: usize = 64;

/// Longest time of a phase: what is not done by then is counted as not done.
const PHASE_MAX: Duration = Duration::from_secs(1_200);

/// Changes of a document: genesis, the one that creates it, and an edit.
const CREATED: usize = 2;
const EDITED: usize = 3;

/// A document as its client has it.
#[derive(Debug)]
pub(super) struct Doc {
    /// Its id as the protocol writes it.
    pub(super) name: String,
    /// Its changes, each of which builds on the one before.
    pub(super) changes: Vec<(ChangeHash, Vec<u8>)>,
}

/// What is done with every document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The server does not have it.
    Ingest,
    /// Server and client have the same.
    Resync,
    /// The client has written one more change.
    Edit,
    /// The client has nothing.
    Fetch,
}

impl What {
    /// All, in the order they are played.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Resync, Self::Edit, Self::Fetch];

    /// What the client opens the conversation about a document with.
    fn hello(self, doc: &Doc) -> (&'static str, SyncMessage) {
        if self == Self::Fetch {
            let have = Some(Have::default());
            return ("request", SyncMessage { have, ..SyncMessage::default() });
        }
        ("sync", self.message(doc, Vec::new()))
    }

    /// What it says it has, with changes the server lacks.
    fn message(self, doc: &Doc, changes: Vec<Vec<u8>>) -> SyncMessage {
        let has: Vec<ChangeHash> = self.has(doc).iter().map(|(hash, _)| *hash).collect();
        let have = Some(Have { last_sync: Vec::new(), bloom: Bloom::of(&has) });
        SyncMessage { heads: vec![self.head(doc)], need: Vec::new(), have, changes }
    }

    /// The changes that it, or the server in the end, has.
    fn has(self, doc: &Doc) -> &[(ChangeHash, Vec<u8>)] {
        let count = match self {
            Self::Ingest | Self::Resync => CREATED,
            Self::Edit | Self::Fetch => EDITED,
        };
        &doc.changes[..count]
    }

    fn head(self, doc: &Doc) -> ChangeHash {
        self.has(doc).last().expect("it has changes").0
    }

    /// Those a server with these heads lacks.
    fn lacking(self, doc: &Doc, heads: &[ChangeHash]) -> Vec<Vec<u8>> {
        let known = self.has(doc).iter().rposition(|(hash, _)| heads.contains(hash));
        let from = known.map_or(0, |place| place + 1);
        self.has(doc)[from..].iter().map(|(_, chunk)| chunk.clone()).collect()
    }
}

/// How a phase went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Phase {
    /// What was done.
    pub what: What,
    /// Documents.
    pub documents: usize,
    /// Those that both sides had in the end: as the server says, or as the client reads what it got.
    pub done: usize,
    /// Documents the server said it does not have.
    pub unavailable: usize,
    /// Times a connection was cut off by the server, and made again.
    pub cuts: usize,
    /// From the first connection until the last document was done, milliseconds.
    pub wall_ms: u64,
    /// Processor time from the first connection until the server and its workers rested.
    pub cpu: Cpu,
    /// Documents done per second of that.
    pub per_cpu_s: u64,
    /// Most memory of the server process, KiB, and of its workers.
    pub most_kib: (u64, u64),
    /// What went over the connections.
    pub traffic: Traffic,
    /// Processor time of the client, milliseconds.
    pub client_cpu_ms: u64,
}

/// How it went on one connection.
#[derive(Debug, Default)]
pub(super) struct Talked {
    done: usize,
    unavailable: usize,
    cuts: usize,
    traffic: Traffic,
    /// What came for documents that were asked for, by their place.
    pub(super) fetched: Vec<(usize, Vec<u8>)>,
}

/// Somebody who can tell that a server has nothing left to do.
pub(super) trait Settles {
    /// Waits for that.
    fn settled(&mut self) -> impl Future<Output = ()>;
}

/// Plays a phase: one connection for each address, with the documents at the same place.
pub(super) async fn play(
    process: u32,
    what: What,
    addresses: &[String],
    documents: &[Arc<Vec<Doc>>],
    server: &mut impl Settles,
) -> Phase {
    rest(process).await;
    let watch = Watch::over(process);
    let (before, own) = (cpu(process), cpu(std::process::id()));
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    let (tell, mut told) = mpsc::unbounded_channel();
    for (number, (address, documents)) in addresses.iter().zip(documents).enumerate() {
        let (address, documents, tell) = (address.clone(), Arc::clone(documents), tell.clone());
        tasks.spawn(async move {
            let mut line = Line::join(&address, format!("bench-{what:?}-{number}")).await;
            let talked = talk(&mut line, &documents, what).await;
            let _counted = tell.send((number, talked));
            drop(tell);
            line.stay(|_| ()).await;
        });
    }
    drop(tell);
    let mut all = Vec::new();
    while let Some(talked) = told.recv().await {
        all.push(talked);
    }
    let wall_ms = millis(&since.elapsed());
    let client_cpu_ms = cpu(std::process::id()).since(own).server_ms;
    server.settled().await;
    rest(process).await;
    let used = cpu(process).since(before);
    assert_eq!(all.len(), documents.len(), "a connection failed");
    tasks.abort_all();
    let most = watch.most();
    let fetched = |(number, talked): &(usize, Talked)| {
        let whole = |(place, data): &&(usize, Vec<u8>)| is_whole(&documents[*number][*place], data);
        talked.done + talked.fetched.iter().filter(whole).count()
    };
    let done = all.iter().map(fetched).sum();
    let talked = || all.iter().map(|(_, talked)| talked);
    Phase {
        what,
        documents: documents.iter().map(|of| of.len()).sum(),
        done,
        unavailable: talked().map(|talked| talked.unavailable).sum(),
        cuts: talked().map(|talked| talked.cuts).sum(),
        wall_ms,
        cpu: used,
        per_cpu_s: u64::try_from(done).unwrap_or(0) * 1000 / used.all_ms().max(1),
        most_kib: (most.server.rss_kib, most.workers.rss_kib),
        traffic: talked().fold(Traffic::default(), |sum, talked| sum.and(talked.traffic)),
        client_cpu_ms,
    }
}

/// Talks about every document, so many at one time.
pub(super) async fn talk(line: &mut Line, documents: &[Doc], what: What) -> Talked {
    let until = Instant::now() + PHASE_MAX;
    let mut talked = Talked::default();
    // By name: its place, and whether its changes were sent.
    let mut open: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    let mut waiting = documents.iter().enumerate();
    loop {
        while open.len() < WINDOW
            && let Some((place, doc)) = waiting.next()
        {
            let (kind, message) = what.hello(doc);
            line.put(kind, &doc.name, message.write()).await;
            open.insert(&doc.name, (place, false));
        }
        line.flush().await;
        if open.is_empty() {
            break;
        }
        let Some(first) = line.hear(until).await else {
            if !line.again(until).await {
                break;
            }
            talked.cuts += 1;
            for (name, (place, was_sent)) in &mut open {
                let (kind, message) = what.hello(&documents[*place]);
                line.put(kind, name, message.write()).await;
                *was_sent = false;
            }
            continue;
        };
        let mut heard = Some(first);
        while let Some(one) = heard {
            take(line, documents, what, &mut open, &mut talked, one).await;
            heard = line.heard();
        }
    }
    talked.traffic = line.traffic;
    talked
}

/// Takes what the server says about a document.
async fn take(
    line: &mut Line,
    documents: &[Doc],
    what: What,
    open: &mut BTreeMap<&str, (usize, bool)>,
    talked: &mut Talked,
    heard: Heard,
) {
    let (name, data) = match heard {
        Heard::Sync(name, data) => (name, data),
        Heard::Unavailable(name) => {
            // Somebody who brings it does not mind.
            if what == What::Fetch && open.remove(name.as_str()).is_some() {
                talked.unavailable += 1;
            }
            return;
        }
    };
    let Some((place, was_sent)) = open.get_mut(name.as_str()) else { return };
    let doc = &documents[*place];
    let gist = Gist::read(&data).expect("a sync message");
    if what == What::Fetch {
        if gist.changes > 0 {
            talked.fetched.push((*place, data));
            open.remove(name.as_str());
            line.put("sync", &name, what.message(doc, Vec::new()).write()).await;
        }
    } else if gist.heads == [what.head(doc)] {
        talked.done += 1;
        open.remove(name.as_str());
    } else if !std::mem::replace(was_sent, true) {
        let changes = what.lacking(doc, &gist.heads);
        line.put("sync", &name, what.message(doc, changes).write()).await;
    }
}

/// Tells whether what came for a document is all of it, as the library reads it.
fn is_whole(doc: &Doc, data: &[u8]) -> bool {
    let mut read = Automerge::new();
    let taken = Message::decode(data)
        .is_ok_and(|message| read.receive_sync_message(&mut State::new(), message).is_ok());
    let heads = read.get_heads();
    taken && heads.len() == 1 && heads[0].0 == What::Fetch.head(doc).0
}
