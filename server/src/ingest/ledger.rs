//! What one transaction knows while it appends, and how each change is placed by it.
//!
//! Units are locked in one order before anything they protect is read.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::household::SCHEMA_VERSION;
use shared::admit::{Ancestors, Circumstances, is_ahead};
use shared::holding::{Kept, Placing, number_of, place};
use shared::id::{AccountId, Actor, CampaignId, ChangeHash, DocumentId, HouseholdId, document_id};
use shared::limits;
use shared::verify::Verified;

use super::document::{Document, numbered_ahead};
use super::{AboutDevice, Incoming, Outcome, Tally, TypedBy, Work};
use crate::store::StoreError;
use crate::store::assignment::Ever;
use crate::store::backend::{Tx, Val};
use crate::store::change::NewChange;
use crate::store::household::NewHousehold;
use crate::store::material::AT_ONCE;

/// What a transaction knows while it appends: each unit's lock, each document's changes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    units: BTreeMap<(CampaignId, String), UnitLog>,
    documents: BTreeMap<(CampaignId, DocumentId), Document>,
    assigned: BTreeMap<(CampaignId, AccountId), Ever>,
    tally: Tally,
    /// Rows of the log that are placed and not yet written.
    unwritten: Vec<Vec<Val>>,
}

#[derive(Debug, Default)]
struct UnitLog {
    position: i64,
    moved: bool,
    frozen: bool,
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
                if tx.household_add(work.campaign, &row).await? {
                    tx.change_rehome(work.campaign, row.document, &unit).await?;
                }
            }
            let wanted: BTreeSet<DocumentId> = incoming
                .batch
                .manifest
                .changes
                .iter()
                .map(|(document, _)| DocumentId(**document))
                .filter(|document| !self.documents.contains_key(&(work.campaign, *document)))
                .collect();
            let wanted: Vec<DocumentId> = wanted.into_iter().collect();
            for documents in wanted.chunks(AT_ONCE) {
                for at in tx.household_get_all(work.campaign, documents).await? {
                    self.units.entry((work.campaign, at.unit.clone())).or_default();
                    self.documents.insert((work.campaign, at.document), Document::new(at));
                }
            }
            let person = (work.campaign, incoming.account);
            if let std::collections::btree_map::Entry::Vacant(entry) = self.assigned.entry(person) {
                entry.insert(tx.assignment_ever(work.campaign, incoming.account).await?);
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
        let mut of: BTreeMap<CampaignId, Vec<DocumentId>> = BTreeMap::new();
        for (campaign, document) in self.documents.keys() {
            of.entry(*campaign).or_default().push(*document);
        }
        for (campaign, documents) in of {
            for documents in documents.chunks(AT_ONCE) {
                for (document, known) in tx.change_known(campaign, documents).await? {
                    if let Some(document) = self.documents.get_mut(&(campaign, document)) {
                        document.load([known]);
                    }
                }
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
        let waiting = tx.change_waiting_count(incoming.device).await?;
        let waiting_full = waiting >= limits::WAITING_PER_DEVICE_MAX;
        let digest = incoming.batch.manifest_digest;
        let (bytes, signature) = (&incoming.manifest, &incoming.signature);
        tx.manifest_add(digest, incoming.device, bytes, signature, work.now_ms).await?;
        let mut verdicts = Vec::new();
        for change in &incoming.batch.changes {
            let verdict = match change {
                Ok(verified) => {
                    self.append_sound(tx, work, incoming, verified, waiting_full).await?
                }
                Err(quarantined) => {
                    let reason = quarantined.reason.problem();
                    let unit = self.documents.get(&(work.campaign, quarantined.document));
                    let new = NewChange {
                        document: quarantined.document,
                        hash: ChangeHash(quarantined.digest.0),
                        // One that belongs nowhere is shown where its sender works.
                        unit: unit.map_or(&incoming.unit, |document| &document.at.unit),
                        position: None,
                        fate: "quarantined",
                        reason: reason.name,
                        actor: Actor([0; 16]),
                        actor_seq: 0,
                        dependencies: Vec::new(),
                        chunk: &quarantined.chunk,
                        provenance: "device",
                        device: Some(incoming.device),
                        account: incoming.account,
                        typed_by: incoming.typist(),
                        manifest: Some(digest),
                        note: "",
                        side: false,
                    };
                    if tx.change_append(work.campaign, &new, work.now_ms).await? {
                        let hamlet = unit.map_or("", |document| &document.at.hamlet);
                        self.tally.took(work, incoming.device, (new.unit, hamlet), new.chunk);
                    }
                    Verdict { fate: Fate::Quarantined, reason: Some(reason.name.to_owned()) }
                }
            };
            verdicts.push(verdict);
        }
        self.write(tx).await?;
        self.release_waiting(tx, work.campaign).await?;
        Ok(Ok(verdicts))
    }

    async fn append_sound(
        &mut self,
        tx: &mut Tx,
        work: &Work,
        incoming: &Incoming,
        verified: &Verified,
        waiting_full: bool,
    ) -> Result<Verdict, StoreError> {
        let change = verified.change();
        let (id, hash) = (verified.document(), change.hash());
        if is_ahead(change.first_operation(), 0) {
            // What it builds on is looked up, and may have come just before it.
            self.write(tx).await?;
        }
        let document = self.documents.get(&(work.campaign, id));
        let mut of = circumstances(work, incoming, verified, document, &self.assigned, &self.units);
        of.waiting_full = waiting_full;
        of.numbered_ahead = numbered_ahead(tx, work.campaign, id, change).await?;
        let placed = match place(document.map(|document| &document.holding), change, &of) {
            Placing::Again(verdict) => return Ok(verdict),
            Placing::Store(placed) => placed,
        };
        let unit = document.map_or(&incoming.unit, |document| &document.at.unit).clone();
        let hamlet = document.map_or("", |document| &document.at.hamlet).to_owned();
        let heard = self.tally.heard(incoming.device, change.actor(), work.now_ms);
        heard.schema = incoming.batch.manifest.schema;
        heard.forked |= placed.side;
        let log = self.units.get_mut(&(work.campaign, unit.clone()));
        let position = match (placed.kept, log) {
            (Kept::Accepted, Some(log)) => Some(log.next()),
            (Kept::Accepted, None) => return Err(StoreError::Damaged),
            _ => None,
        };
        let (stored, reason) = (placed.kept.as_str(), placed.kept_reason());
        let new = NewChange {
            document: id,
            hash,
            unit: &unit,
            position,
            fate: stored,
            reason,
            actor: change.actor(),
            actor_seq: change.seq(),
            dependencies: change.dependencies().iter().flat_map(|hash| hash.0).collect(),
            chunk: change.chunk(),
            provenance: "device",
            device: Some(incoming.device),
            account: incoming.account,
            typed_by: incoming.typist(),
            manifest: Some(incoming.batch.manifest_digest),
            note: "",
            side: placed.side,
        };
        if placed.anew {
            self.write(tx).await?;
            tx.change_set_aside(work.campaign, id, hash, stored, reason).await?;
            if let Some(position) = position {
                tx.change_release(work.campaign, id, hash, position, placed.side).await?;
            }
        } else if document.is_some() {
            self.unwritten.push(new.row(work.campaign, work.now_ms));
            self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
        } else if tx.change_append(work.campaign, &new, work.now_ms).await? {
            // Of a household nobody knows it was not looked up what is there already.
            self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
        }
        if let Some(document) = self.documents.get_mut(&(work.campaign, id)) {
            let (known, bytes) = (placed.known(), change.chunk().len());
            document.holding.note(hash, known, number_of(change), bytes);
            document.note_accepted(position);
        }
        Ok(placed.verdict())
    }

    /// Writes the changes that were placed.
    async fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.change_append_rows(std::mem::take(&mut self.unwritten)).await
    }

    /// Lets go what waited for a change that has now been accepted.
    async fn release_waiting(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
    ) -> Result<(), StoreError> {
        for ((of, _), document) in &mut self.documents {
            if *of != campaign || !document.holding.has_waiting() || !document.moved {
                continue;
            }
            let Some(log) = self.units.get_mut(&(campaign, document.at.unit.clone())) else {
                continue;
            };
            document.release_waiting(tx, campaign, || log.next()).await?;
        }
        Ok(())
    }

    /// Notes the installation that a device says it is.
    pub(super) fn hear(&mut self, about: &AboutDevice, now_ms: i64) {
        let heard = self.tally.heard(about.device, about.actor, now_ms);
        heard.app.clone_from(&about.app);
        heard.schema = about.schema;
    }

    /// Notes how far units and households have come; returns the households that moved on.
    pub(super) async fn finish(
        self,
        tx: &mut Tx,
    ) -> Result<Vec<(CampaignId, DocumentId)>, StoreError> {
        for ((campaign, unit), log) in self.units {
            if log.moved {
                tx.unit_moved_on(campaign, &unit, log.position).await?;
            }
        }
        let mut moved = BTreeMap::new();
        for ((campaign, id), document) in self.documents {
            if document.moved {
                moved.insert((campaign, id), document.at.last_position);
            }
        }
        tx.household_moved_on(moved.iter().map(|((_, id), position)| (*id, *position))).await?;
        self.tally.finish(tx).await?;
        Ok(moved.into_keys().collect())
    }
}

impl UnitLog {
    fn next(&mut self) -> i64 {
        self.position += 1;
        self.moved = true;
        self.position
    }
}

fn circumstances(
    work: &Work,
    incoming: &Incoming,
    verified: &Verified,
    document: Option<&Document>,
    assigned: &BTreeMap<(CampaignId, AccountId), Ever>,
    units: &BTreeMap<(CampaignId, String), UnitLog>,
) -> Circumstances {
    let ever = assigned.get(&(work.campaign, incoming.account));
    let size = verified.change().chunk().len();
    let ancestors = document.map_or(Ancestors::Missing, |document| {
        document.holding.ancestors(verified.change().dependencies())
    });
    Circumstances {
        device_revoked: incoming.device_revoked,
        typist_unknown: incoming.typed_by == TypedBy::Unknown,
        typist_disabled: incoming.account_disabled,
        schema_newer: incoming.batch.manifest.schema > SCHEMA_VERSION,
        document_foreign: document.is_none(),
        document_full: document.is_some_and(|document| document.holding.is_full(size, ancestors)),
        campaign_closed: work.campaign_closed,
        ever_assigned: document.is_some_and(|document| {
            ever.is_some_and(|ever| {
                ever.hamlets.contains(&document.at.hamlet)
                    || ever.households.contains(&document.at.document)
            })
        }),
        list_frozen: document.is_some_and(|document| {
            units.get(&(work.campaign, document.at.unit.clone())).is_some_and(|log| log.frozen)
        }),
        ancestors,
        waiting_full: false,
        numbered_ahead: false,
    }
}
