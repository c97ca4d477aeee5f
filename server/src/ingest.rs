//! How verified batches become durable: one queue, grouped into transactions.
//!
//! Nothing is acknowledged before the commit returns. Grouping is what lets a disk that syncs a few
//! hundred times a second take thousands of changes. What happens to a change is decided in
//! `shared::admit`; this file finds the circumstances and writes the outcome.
mod aside;
pub(crate) mod desk;
mod document;
mod ledger;
mod place;
mod queue;
mod tally;
mod writers;

use std::sync::Arc;

use mobile_schema::frame::Verdict;
use mobile_schema::problem::Problem as Name;
use shared::id::{AccountId, Actor, CampaignId, DeviceId};
use shared::verify::VerifiedBatch;
use tokio::sync::oneshot;

use self::ledger::Ledger;
use self::queue::{Queue, ROOM};
pub(crate) use self::tally::Tally;
use crate::gate::Caller;
use crate::materialise::Materialiser;
use crate::store::append::NewManifest;
use crate::store::device::SyncNote;
use crate::store::{Store, StoreError};

/// Requests written in one transaction at the most: a few thousand changes, some tens of ms.
const GROUP_REQUESTS: usize = 48;

/// A verified batch with the facts about its signer.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) batch: VerifiedBatch,
    pub(crate) manifest: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// Who vouches for it.
    pub(crate) provenance: Provenance,
    pub(crate) device: DeviceId,
    pub(crate) device_revoked: bool,
    /// Whom the work is counted to: who typed it, where the device knows the person.
    pub(crate) account: AccountId,
    /// Who typed it, where the manifest says so.
    pub(crate) typed_by: TypedBy,
    /// Everybody who types on the device, where nothing says who of them did.
    pub(crate) people: Vec<AccountId>,
    /// The account it is counted to was closed.
    pub(crate) account_disabled: bool,
    /// Unit of the account.
    pub(crate) unit: String,
}

impl Incoming {
    /// Makes what is kept of the manifest.
    fn manifest(&self, received_at_ms: i64) -> NewManifest {
        NewManifest {
            digest: self.batch.manifest_digest,
            device: self.device,
            bytes: self.manifest.clone(),
            signature: self.signature.clone(),
            received_at_ms,
        }
    }

    /// Who typed, where the manifest names somebody the device knows.
    fn typist(&self) -> Option<AccountId> {
        (self.typed_by == TypedBy::Bound).then_some(self.account)
    }
}

/// Who vouches for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// The device, by its signature.
    Device,
    /// The server: it came on a ticket of the device.
    Session,
}

impl Provenance {
    /// Returns the word the log uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Session => "session",
        }
    }
}

/// What a manifest says about who typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypedBy {
    /// Nothing: the person the device was enrolled for.
    Unsaid,
    /// Somebody who types, or once typed, on the device.
    Bound,
    /// Somebody who never did.
    Unknown,
}

/// One request's work for the writer.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// Whose turn it takes.
    pub(crate) caller: Caller,
    pub(crate) campaign: CampaignId,
    pub(crate) campaign_closed: bool,
    pub(crate) batches: Vec<Incoming>,
    pub(crate) note: Option<(DeviceId, SyncNote)>,
    /// What the calling device says about itself.
    pub(crate) about: Option<AboutDevice>,
    pub(crate) now_ms: i64,
}

/// What a calling device says about itself: shown to offices, deciding nothing.
#[derive(Debug, Clone)]
pub(crate) struct AboutDevice {
    pub(crate) device: DeviceId,
    pub(crate) actor: Actor,
    /// Its clock less ours.
    pub(crate) clock_ahead_ms: i64,
    pub(crate) app: String,
    pub(crate) schema: u32,
}

/// What became of one batch: a verdict for each change, or why nothing of it was stored.
pub(crate) type Outcome = Result<Vec<Verdict>, &'static Name>;

type Reply = oneshot::Sender<Result<Vec<Outcome>, StoreError>>;

/// The queue in front of the log. It closes with the last handle, or when the writer is gone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: Arc<Open>,
}

#[derive(Debug)]
struct Open(Queue<(Work, Reply)>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Why the writer did not answer.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The queue is full.
    Full,
    /// The store failed; nothing was written.
    Store(StoreError),
}

impl Writer {
    /// Starts the writer of a store. It ends with the last handle.
    ///
    /// What it has made durable is handed on to be merged.
    pub(crate) fn start(store: Store, materialiser: Materialiser) -> Self {
        let queue = Queue::new(ROOM);
        tokio::spawn(run(store, materialiser, Open(queue.handle())));
        Self { queue: Arc::new(Open(queue)) }
    }

    /// Hands in work and waits until it is durable.
    pub(crate) async fn write(&self, work: Work) -> Result<Vec<Outcome>, WriteError> {
        let (reply, answer) = oneshot::channel();
        let (caller, bytes) = (work.caller, work.bytes());
        self.queue.0.put(caller, (work, reply), bytes).map_err(|_| WriteError::Full)?;
        match answer.await {
            Ok(outcome) => outcome.map_err(WriteError::Store),
            Err(_) => Err(WriteError::Full),
        }
    }
}

impl Work {
    /// Returns about how much memory it takes.
    fn bytes(&self) -> usize {
        let bytes = |incoming: &Incoming| {
            let changes = incoming.batch.changes.iter().map(|change| match change {
                Ok(verified) => verified.change().chunk().len(),
                Err(quarantined) => quarantined.chunk.len(),
            });
            incoming.manifest.len() + changes.sum::<usize>()
        };
        self.batches.iter().map(bytes).sum()
    }
}

async fn run(store: Store, materialiser: Materialiser, queue: Open) {
    loop {
        let mut group = queue.0.take(GROUP_REQUESTS).await;
        if group.is_empty() {
            return;
        }
        let works: Vec<&Work> = group.iter().map(|(work, _)| work).collect();
        let outcomes = match write_group(&store, &materialiser, &works).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // One request's failure is not its neighbours': each is tried alone.
            Err(error) => {
                tracing::warn!(error = %error, requests = works.len(), "a group is written one by one");
                let mut alone = Vec::new();
                for work in &works {
                    let outcome = write_group(&store, &materialiser, &[work]).await;
                    alone.push(outcome.map(|mut outcomes| outcomes.pop().unwrap_or_default()));
                }
                alone
            }
        };
        for ((_, reply), outcome) in group.drain(..).zip(outcomes) {
            // A caller that went away asks again and is told what is known.
            let _gone = reply.send(outcome);
        }
    }
}

async fn write_group(
    store: &Store,
    materialiser: &Materialiser,
    works: &[&Work],
) -> Result<Vec<Vec<Outcome>>, StoreError> {
    let mut tx = store.begin().await?;
    let mut ledger = Ledger::default();
    ledger.place(&mut tx, works).await?;
    ledger.lock(&mut tx).await?;
    ledger.writers.load(&mut tx, works).await?;
    let mut outcomes = Vec::new();
    for work in works {
        let mut of_work = Vec::new();
        for incoming in &work.batches {
            of_work.push(ledger.append(&mut tx, work, incoming).await?);
        }
        ledger.hear(work);
        outcomes.push(of_work);
    }
    let moved = ledger.finish(&mut tx).await?;
    tx.commit().await?;
    materialiser.queue(moved);
    Ok(outcomes)
}
