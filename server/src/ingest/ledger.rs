//! What one transaction knows while it appends, and how each change is placed by it.
//!
//! Units are locked in one order before anything they protect is read.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::household::SCHEMA_VERSION;
use mobile_schema::problem::{self, Problem as Name};
use shared::admit::{Admission, Ancestors, Circumstances, admit};
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId, HouseholdId, document_id};
use shared::limits;
use shared::merge::genesis_hash;
use shared::verify::Verified;

use super::{Incoming, Outcome, Work};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::NewChange;
use crate::store::household::{HouseholdAt, NewHousehold};

/// What a transaction knows while it appends: each unit's lock, each document's changes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
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
pub(super) struct Document {
    at: HouseholdAt,
    pub(super) known: BTreeMap<ChangeHash, String>,
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
    pub(super) async fn place(&mut self, tx: &mut Tx, work: &Work) -> Result<(), StoreError> {
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
    pub(super) async fn lock(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
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

    pub(super) async fn append(
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

    pub(super) async fn finish(self, tx: &mut Tx) -> Result<(), StoreError> {
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
    pub(super) fn new(at: HouseholdAt) -> Self {
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
    pub(super) fn ancestors(&self, dependencies: &[ChangeHash]) -> Ancestors {
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
