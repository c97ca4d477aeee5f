//! How verified batches become durable: one queue, grouped into transactions.
//!
//! Nothing is acknowledged before the commit returns. Grouping is what lets a disk that syncs a few
//! hundred times a second take thousands of changes. What happens to a change is decided in
//! `shared::admit`; this file finds the circumstances and writes the outcome.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::household::SCHEMA_VERSION;
use mobile_schema::problem::{self, Problem as Name};
use shared::admit::{Admission, Ancestors, Circumstances, admit};
use shared::id::{
    AccountId, CampaignId, ChangeHash, DeviceId, DocumentId, HouseholdId, document_id,
};
use shared::limits;
use shared::merge::genesis_hash;
use shared::verify::{Verified, VerifiedBatch};
use tokio::sync::{mpsc, oneshot};

use crate::store::backend::Tx;
use crate::store::change::NewChange;
use crate::store::device::SyncNote;
use crate::store::household::{HouseholdAt, NewHousehold};
use crate::store::{Store, StoreError};

/// Requests waiting for the writer before callers are told to come back.
const QUEUE_REQUESTS: usize = 512;

/// Requests written in one transaction at the most: a few thousand changes, some tens of ms.
const GROUP_REQUESTS: usize = 48;

/// A verified batch with the facts about its signer.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) batch: VerifiedBatch,
    pub(crate) manifest: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) device: DeviceId,
    pub(crate) device_revoked: bool,
    pub(crate) account: AccountId,
}

/// One request's work for the writer.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) campaign: CampaignId,
    pub(crate) campaign_closed: bool,
    pub(crate) batches: Vec<Incoming>,
    pub(crate) note: Option<(DeviceId, SyncNote)>,
    pub(crate) now_ms: i64,
}

/// What became of one batch: a verdict for each change, or why nothing of it was stored.
pub(crate) type Outcome = Result<Vec<Verdict>, &'static Name>;

type Reply = oneshot::Sender<Result<Vec<Outcome>, StoreError>>;

/// The queue in front of the log.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<(Work, Reply)>,
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
    pub(crate) fn start(store: Store) -> Self {
        let (queue, work) = mpsc::channel(QUEUE_REQUESTS);
        tokio::spawn(run(store, work));
        Self { queue }
    }

    /// Hands in work and waits until it is durable.
    pub(crate) async fn write(&self, work: Work) -> Result<Vec<Outcome>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send((work, reply)).map_err(|_| WriteError::Full)?;
        match answer.await {
            Ok(outcome) => outcome.map_err(WriteError::Store),
            Err(_) => Err(WriteError::Full),
        }
    }
}

async fn run(store: Store, mut queue: mpsc::Receiver<(Work, Reply)>) {
    let mut group = Vec::new();
    while queue.recv_many(&mut group, GROUP_REQUESTS).await > 0 {
        let works: Vec<&Work> = group.iter().map(|(work, _)| work).collect();
        let outcomes = match write_group(&store, &works).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // One request's failure is not its neighbours': each is tried alone.
            Err(_) => {
                let mut alone = Vec::new();
                for work in &works {
                    let outcome = write_group(&store, &[work]).await;
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

async fn write_group(store: &Store, works: &[&Work]) -> Result<Vec<Vec<Outcome>>, StoreError> {
    let mut tx = store.begin().await?;
    let mut ledger = Ledger::default();
    for work in works {
        ledger.place(&mut tx, work).await?;
    }
    ledger.lock(&mut tx).await?;
    let mut outcomes = Vec::new();
    for work in works {
        let mut of_work = Vec::new();
        for incoming in &work.batches {
            of_work.push(ledger.append(&mut tx, work, incoming).await?);
        }
        if let Some((device, note)) = work.note {
            tx.device_note_sync(device, note).await?;
        }
        outcomes.push(of_work);
    }
    ledger.finish(&mut tx).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// What a transaction knows while it appends: each unit's lock, each document's changes.
#[derive(Debug, Default)]
struct Ledger {
    units: BTreeMap<(CampaignId, String), UnitLog>,
    documents: BTreeMap<DocumentId, Document>,
    assigned: BTreeMap<(CampaignId, AccountId), BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct UnitLog {
    position: i64,
    moved: bool,
    frozen: bool,
}

#[derive(Debug)]
struct Document {
    at: HouseholdAt,
    known: BTreeMap<ChangeHash, String>,
    accepted: Volume,
    waiting: Volume,
    moved: bool,
}

/// How much of a household's room some of its changes take.
#[derive(Debug, Clone, Copy, Default)]
struct Volume {
    changes: usize,
    bytes: usize,
}

impl Ledger {
    /// Finds where each document of a request belongs, registering the new households it declares.
    async fn place(&mut self, tx: &mut Tx, work: &Work) -> Result<(), StoreError> {
        for incoming in &work.batches {
            for new in &incoming.batch.manifest.households {
                let household = HouseholdId(*new.household);
                // No hamlet code holds NUL, and PostgreSQL would not even look for one.
                if new.hamlet.contains('\0') {
                    continue;
                }
                let Some(unit) = tx.hamlet_unit(work.campaign, &new.hamlet).await? else {
                    continue;
                };
                let row = NewHousehold {
                    document: document_id(work.campaign, household),
                    household,
                    unit: &unit,
                    hamlet: &new.hamlet,
                    code: "",
                    opening_class: "",
                    opening_dtts: false,
                    opening_paper: "",
                };
                tx.household_add(work.campaign, &row).await?;
            }
            let wanted: BTreeSet<DocumentId> = incoming
                .batch
                .manifest
                .changes
                .iter()
                .map(|(document, _)| DocumentId(**document))
                .filter(|document| !self.documents.contains_key(document))
                .collect();
            for document in wanted {
                if let Some(at) = tx.household_get(work.campaign, document).await? {
                    self.units.entry((work.campaign, at.unit.clone())).or_default();
                    self.documents.insert(document, Document::new(at));
                }
            }
            let person = (work.campaign, incoming.account);
            if let std::collections::btree_map::Entry::Vacant(entry) = self.assigned.entry(person) {
                let hamlets = tx.assignment_ever(work.campaign, incoming.account).await?;
                entry.insert(hamlets.into_iter().collect());
            }
        }
        Ok(())
    }

    /// Locks every unit touched, always in the same order, then reads what the locks protect.
    async fn lock(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        for ((campaign, unit), log) in &mut self.units {
            log.position = tx.unit_lock(*campaign, unit).await?;
            log.frozen = tx.list_step(*campaign, unit).await?.0.is_frozen();
        }
        for (id, document) in &mut self.documents {
            for known in tx.change_known(*id).await? {
                document.note(known.hash, &known.fate, usize::try_from(known.bytes).unwrap_or(0));
            }
        }
        Ok(())
    }

    async fn append(
        &mut self,
        tx: &mut Tx,
        work: &Work,
        incoming: &Incoming,
    ) -> Result<Outcome, StoreError> {
        if tx.change_waiting_count(incoming.device).await? >= limits::WAITING_PER_DEVICE_MAX {
            return Ok(Err(&problem::WAITING_TOO_MANY));
        }
        let digest = incoming.batch.manifest_digest;
        let (bytes, signature) = (&incoming.manifest, &incoming.signature);
        tx.manifest_add(digest, incoming.device, bytes, signature, work.now_ms).await?;
        let mut verdicts = Vec::new();
        for change in &incoming.batch.changes {
            let verdict = match change {
                Ok(verified) => self.append_sound(tx, work, incoming, verified).await?,
                Err(quarantined) => {
                    let reason = quarantined.reason.problem();
                    let unit = self.documents.get(&quarantined.document);
                    let new = NewChange {
                        document: quarantined.document,
                        hash: ChangeHash(quarantined.digest.0),
                        unit: unit.map_or("", |document| document.at.unit.as_str()),
                        position: None,
                        fate: "quarantined",
                        reason: reason.name,
                        actor: shared::id::Actor([0; 16]),
                        actor_seq: 0,
                        dependencies: Vec::new(),
                        chunk: &quarantined.chunk,
                        provenance: "device",
                        device: Some(incoming.device),
                        account: incoming.account,
                        manifest: Some(digest),
                        note: "",
                    };
                    tx.change_append(work.campaign, &new, work.now_ms).await?;
                    verdict(Fate::Quarantined, Some(reason))
                }
            };
            verdicts.push(verdict);
        }
        self.release_waiting(tx, work.campaign).await?;
        Ok(Ok(verdicts))
    }

    async fn append_sound(
        &mut self,
        tx: &mut Tx,
        work: &Work,
        incoming: &Incoming,
        verified: &Verified,
    ) -> Result<Verdict, StoreError> {
        let change = verified.change();
        let document = self.documents.get_mut(&verified.document());
        if let Some(known) =
            document.as_ref().and_then(|document| document.known.get(&change.hash()))
        {
            return Ok(known_verdict(known));
        }
        let circumstances = circumstances(
            work,
            incoming,
            verified,
            document.as_deref(),
            &self.assigned,
            &self.units,
        );
        let admission = admit(&circumstances);
        let unit = document.as_ref().map_or(String::new(), |document| document.at.unit.clone());
        let mut log = self.units.get_mut(&(work.campaign, unit.clone()));
        let (fate, stored, reason, position) = match admission {
            Admission::Accept => {
                let position = log.as_mut().map(|log| log.next());
                (Fate::Accepted, "accepted", None, position)
            }
            Admission::Wait => (Fate::Waiting, "waiting", None, None),
            Admission::Hold(reason) => (Fate::Held, "held", Some(reason), None),
        };
        let new = NewChange {
            document: verified.document(),
            hash: change.hash(),
            unit: &unit,
            position,
            fate: stored,
            reason: reason.map_or("", |reason| reason.name),
            actor: change.actor(),
            actor_seq: change.seq(),
            dependencies: change.dependencies().iter().flat_map(|hash| hash.0).collect(),
            chunk: change.chunk(),
            provenance: "device",
            device: Some(incoming.device),
            account: incoming.account,
            manifest: Some(incoming.batch.manifest_digest),
            note: "",
        };
        tx.change_append(work.campaign, &new, work.now_ms).await?;
        if let Some(document) = document {
            document.note(change.hash(), stored, change.chunk().len());
            document.note_accepted(position);
        }
        Ok(verdict(fate, reason))
    }

    /// Lets go what waited for a change that has now been accepted.
    async fn release_waiting(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
    ) -> Result<(), StoreError> {
        for (id, document) in &mut self.documents {
            if document.waiting.changes == 0 || !document.moved {
                continue;
            }
            let Some(log) = self.units.get_mut(&(campaign, document.at.unit.clone())) else {
                continue;
            };
            let mut waiting = tx.change_waiting(*id).await?;
            document.waiting = Volume::default();
            loop {
                let ready = waiting.iter().position(|change| {
                    document.ancestors(&change.dependencies) == Ancestors::Accepted
                });
                let Some(ready) = ready else { break };
                let change = waiting.swap_remove(ready);
                let position = log.next();
                tx.change_release(*id, change.hash, position).await?;
                document.note(change.hash, "accepted", change.bytes);
                document.note_accepted(Some(position));
            }
            for change in waiting {
                document.note(change.hash, "waiting", change.bytes);
            }
        }
        Ok(())
    }

    async fn finish(self, tx: &mut Tx) -> Result<(), StoreError> {
        for ((campaign, unit), log) in self.units {
            if log.moved {
                tx.unit_moved_on(campaign, &unit, log.position).await?;
            }
        }
        for (id, document) in self.documents {
            if document.moved {
                tx.household_moved_on(id, document.at.last_position).await?;
            }
        }
        Ok(())
    }
}

impl UnitLog {
    fn next(&mut self) -> i64 {
        self.position += 1;
        self.moved = true;
        self.position
    }
}

impl Document {
    fn new(at: HouseholdAt) -> Self {
        let (accepted, waiting) = (Volume::default(), Volume::default());
        Self { at, known: BTreeMap::new(), accepted, waiting, moved: false }
    }

    fn note(&mut self, hash: ChangeHash, fate: &str, bytes: usize) {
        let volume = match fate {
            "accepted" => Some(&mut self.accepted),
            "waiting" => Some(&mut self.waiting),
            _ => None,
        };
        if let Some(volume) = volume {
            volume.changes += 1;
            volume.bytes += bytes;
        }
        self.known.insert(hash, fate.to_owned());
    }

    /// Tells whether one more change finds no room.
    ///
    /// What is held or quarantined takes none, and what waits none from what can be merged: else
    /// anybody's bad changes could close the household to the people who work on it.
    fn is_full(&self, bytes: usize, ancestors: Ancestors) -> bool {
        let waiting =
            if ancestors == Ancestors::Missing { self.waiting } else { Volume::default() };
        self.accepted.changes + waiting.changes >= limits::DOCUMENT_CHANGES_MAX
            || self.accepted.bytes + waiting.bytes + bytes > limits::DOCUMENT_BYTES_MAX
    }

    fn note_accepted(&mut self, position: Option<i64>) {
        if let Some(position) = position {
            self.at.last_position = position;
            self.moved = true;
        }
    }

    /// Tells where the changes that one builds on are, the least favourable first.
    fn ancestors(&self, dependencies: &[ChangeHash]) -> Ancestors {
        dependencies
            .iter()
            .filter(|hash| **hash != genesis_hash())
            .map(|hash| match self.known.get(hash).map(String::as_str) {
                Some("accepted") => Ancestors::Accepted,
                Some("held" | "quarantined") => Ancestors::Aside,
                Some(_) | None => Ancestors::Missing,
            })
            .max()
            .unwrap_or(Ancestors::Accepted)
    }
}

fn circumstances(
    work: &Work,
    incoming: &Incoming,
    verified: &Verified,
    document: Option<&Document>,
    assigned: &BTreeMap<(CampaignId, AccountId), BTreeSet<String>>,
    units: &BTreeMap<(CampaignId, String), UnitLog>,
) -> Circumstances {
    let hamlets = assigned.get(&(work.campaign, incoming.account));
    let size = verified.change().chunk().len();
    let ancestors = document.map_or(Ancestors::Missing, |document| {
        document.ancestors(verified.change().dependencies())
    });
    Circumstances {
        device_revoked: incoming.device_revoked,
        schema_newer: incoming.batch.manifest.schema > SCHEMA_VERSION,
        document_foreign: document.is_none(),
        document_full: document.is_some_and(|document| document.is_full(size, ancestors)),
        campaign_closed: work.campaign_closed,
        ever_assigned: document.is_some_and(|document| {
            hamlets.is_some_and(|hamlets| hamlets.contains(&document.at.hamlet))
        }),
        list_frozen: document.is_some_and(|document| {
            units.get(&(work.campaign, document.at.unit.clone())).is_some_and(|log| log.frozen)
        }),
        ancestors,
    }
}

fn verdict(fate: Fate, reason: Option<&'static Name>) -> Verdict {
    Verdict { fate, reason: reason.map(|reason| reason.name.to_owned()) }
}

fn known_verdict(fate: &str) -> Verdict {
    let fate = match fate {
        "waiting" => Fate::Waiting,
        "held" => Fate::Held,
        "quarantined" => Fate::Quarantined,
        _ => Fate::Known,
    };
    Verdict { fate, reason: None }
}

/// A change written in an office, or by the import of the opening list.
#[derive(Debug)]
pub(crate) struct DeskChange<'a> {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) chunk: &'a [u8],
    pub(crate) account: AccountId,
    pub(crate) note: &'a str,
}

/// Appends desk changes to a unit whose log is locked at `position`; returns the new position.
pub(crate) async fn append_desk(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
    position: i64,
    changes: &[DeskChange<'_>],
    now_ms: i64,
) -> Result<i64, StoreError> {
    let mut position = position;
    for change in changes {
        let Ok(guarded) = shared::guard::guard(change.chunk) else {
            return Err(StoreError::Damaged);
        };
        let new = NewChange {
            document: change.document,
            hash: change.hash,
            unit,
            position: Some(position + 1),
            fate: "accepted",
            reason: "",
            actor: guarded.actor(),
            actor_seq: guarded.seq(),
            dependencies: guarded.dependencies().iter().flat_map(|hash| hash.0).collect(),
            chunk: guarded.chunk(),
            provenance: "desk",
            device: None,
            account: change.account,
            manifest: None,
            note: change.note,
        };
        if tx.change_append(campaign, &new, now_ms).await? {
            position += 1;
            tx.household_moved_on(change.document, position).await?;
        }
    }
    tx.unit_moved_on(campaign, unit, position).await?;
    Ok(position)
}

/// Merges what was held because the list was frozen, now that the freeze is discarded.
///
/// The unit's log must be locked at `position`. What misses an ancestor goes on waiting; what waited
/// for one of these is let go with it.
pub(crate) async fn release_late(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
    position: i64,
) -> Result<(), StoreError> {
    let mut position = position;
    let mut held = tx.change_held(campaign, unit, problem::LIST_FROZEN.name).await?;
    held.extend(tx.change_held(campaign, unit, problem::ANCESTOR_HELD.name).await?);
    let mut documents: BTreeMap<DocumentId, Document> = BTreeMap::new();
    for (id, _) in &held {
        if documents.contains_key(id) {
            continue;
        }
        let Some(at) = tx.household_get(campaign, *id).await? else { continue };
        let mut document = Document::new(at);
        for known in tx.change_known(*id).await? {
            document.known.insert(known.hash, known.fate);
        }
        documents.insert(*id, document);
    }
    for id in documents.keys() {
        held.extend(tx.change_waiting(*id).await?.into_iter().map(|change| (*id, change)));
    }
    loop {
        let ready = held.iter().position(|(id, change)| {
            documents
                .get(id)
                .is_some_and(|d| d.ancestors(&change.dependencies) == Ancestors::Accepted)
        });
        let Some(ready) = ready else { break };
        let (id, change) = held.remove(ready);
        position += 1;
        tx.change_release(id, change.hash, position).await?;
        tx.household_moved_on(id, position).await?;
        if let Some(document) = documents.get_mut(&id) {
            document.known.insert(change.hash, "accepted".to_owned());
        }
    }
    for (id, change) in held {
        let missing = documents
            .get(&id)
            .is_some_and(|d| d.ancestors(&change.dependencies) == Ancestors::Missing);
        if missing {
            tx.change_wait(id, change.hash).await?;
        }
    }
    tx.unit_moved_on(campaign, unit, position).await
}
