//! What one transaction knows while it appends, and how each change is placed by it.
//!
//! Units are locked in one order before anything they protect is read.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::household::SCHEMA_VERSION;
use shared::admit::{Ancestors, Circumstances, is_ahead};
use shared::holding::{Kept, Placing, place};
use shared::id::{AccountId, Actor, CampaignId, ChangeHash, DocumentId};
use shared::limits;
use shared::verify::Verified;

use super::document::{Document, numbered_ahead};
use super::place::by_campaign;
use super::writers::Writers;
use super::{Incoming, Outcome, Provenance, Tally, TypedBy, Work};
use crate::store::StoreError;
use crate::store::append::NewManifest;
use crate::store::assignment::Ever;
use crate::store::backend::{Tx, Val};
use crate::store::change::NewChange;
use crate::store::material::AT_ONCE;
use crate::worker::pool::unavailable;

/// What a transaction knows while it appends: each unit's lock, each document's changes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) units: BTreeMap<(CampaignId, String), UnitLog>,
    pub(super) documents: BTreeMap<(CampaignId, DocumentId), Document>,
    pub(super) assigned: BTreeMap<(CampaignId, AccountId), Ever>,
    /// How many changes of one fate there are under documents that nobody knows.
    pub(super) unplaced: BTreeMap<((CampaignId, DocumentId), &'static str), usize>,
    /// Households of which something that was held has been let in.
    pub(super) eased: BTreeSet<(CampaignId, DocumentId)>,
    /// Whose unsigned work is.
    pub(super) writers: Writers,
    tally: Tally,
    /// Manifests that are not yet written.
    manifests: Vec<NewManifest>,
    /// Rows of the log that are placed and not yet written.
    unwritten: Vec<Vec<Val>>,
}

#[derive(Debug, Default)]
pub(super) struct UnitLog {
    position: i64,
    moved: bool,
    frozen: bool,
}

impl Ledger {
    /// Locks every unit touched, always in the same order, then reads what the locks protect.
    pub(super) async fn lock(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let units = self.units.keys().map(|(campaign, unit)| (*campaign, unit.as_str()));
        tx.unit_lock_all(units).await?;
        // Asked for after the locks are held: what was decided while they were waited for counts.
        let locked: Vec<(CampaignId, String)> = self.units.keys().cloned().collect();
        for of_campaign in locked.chunk_by(|one, next| one.0 == next.0) {
            let campaign = of_campaign[0].0;
            let units: Vec<&str> = of_campaign.iter().map(|(_, unit)| unit.as_str()).collect();
            for units in units.chunks(AT_ONCE) {
                for (unit, position, step) in tx.unit_logs(campaign, units).await? {
                    let log = self.units.entry((campaign, unit)).or_default();
                    (log.position, log.frozen) = (position, step.is_frozen());
                }
            }
        }
        for (campaign, documents) in by_campaign(self.documents.keys().copied()) {
            for documents in documents.chunks(AT_ONCE) {
                for (document, known) in tx.change_known(campaign, documents).await? {
                    if let Some(document) = self.documents.get_mut(&(campaign, document)) {
                        // Handed over while the locks were waited for: it is looked up again.
                        if known.kept == Kept::Accepted && known.unit != document.at.unit {
                            return Err(unavailable());
                        }
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
        let digest = incoming.batch.manifest_digest;
        self.manifests.push(incoming.manifest(work.now_ms));
        let mut waiting = None;
        let mut verdicts = Vec::new();
        for change in &incoming.batch.changes {
            let verdict = match change {
                Ok(verified) => {
                    self.append_sound(tx, work, incoming, verified, &mut waiting).await?
                }
                Err(quarantined) => {
                    let reason = quarantined.reason.problem();
                    let known = self.documents.get(&(work.campaign, quarantined.document));
                    // One that belongs nowhere is shown where its sender works.
                    let (unit, hamlet) = known.map_or_else(
                        || (incoming.unit.clone(), String::new()),
                        |document| (document.at.unit.clone(), document.at.hamlet.clone()),
                    );
                    let new = NewChange {
                        document: quarantined.document,
                        hash: ChangeHash(quarantined.digest.0),
                        unit: &unit,
                        position: None,
                        fate: "quarantined",
                        reason: reason.name,
                        actor: Actor([0; 16]),
                        actor_seq: 0,
                        dependencies: Vec::new(),
                        chunk: &quarantined.chunk,
                        provenance: incoming.provenance.as_str(),
                        device: Some(incoming.device),
                        account: incoming.account,
                        typed_by: incoming.typist(),
                        manifest: Some(digest),
                        note: "",
                        side: false,
                    };
                    let is_beyond = self.is_beyond(tx, work, &new).await?;
                    if self.append_now(tx, work, &new, is_beyond).await? {
                        self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
                    }
                    Verdict { fate: Fate::Quarantined, reason: Some(reason.name.to_owned()) }
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
        waiting: &mut Option<i64>,
    ) -> Result<Verdict, StoreError> {
        let change = verified.change();
        let (id, hash) = (verified.document(), change.hash());
        if is_ahead(change.first_operation(), 0) {
            // What it builds on is looked up, and may have come just before it.
            self.write(tx).await?;
        }
        let mut of = self.circumstances(work, incoming, verified);
        of.actor_foreign = incoming.provenance == Provenance::Session
            && self.writers.is_foreign(work.campaign, id, change.actor(), incoming.device);
        if of.ancestors == Ancestors::Missing {
            // Counted once for a batch, with what came before it, and on from there.
            let count = match *waiting {
                Some(count) => count,
                None => *waiting.insert(self.waiting_count(tx, incoming).await?),
            };
            of.waiting_full = count >= limits::WAITING_PER_DEVICE_MAX;
        }
        of.numbered_ahead = numbered_ahead(tx, work.campaign, id, change).await?;
        let document = self.documents.get(&(work.campaign, id));
        let placed = match place(document.map(|document| &document.holding), change, &of) {
            Placing::Again(verdict) => return Ok(verdict),
            Placing::Store(placed) => placed,
        };
        let unit = document.map_or(&incoming.unit, |document| &document.at.unit).clone();
        let hamlet = document.map_or("", |document| &document.at.hamlet).to_owned();
        let is_placed = document.is_some();
        // A client without a signature writes under a new actor in each document it opens.
        if incoming.provenance == Provenance::Device {
            let heard = self.tally.heard(incoming.device, change.actor(), work.now_ms);
            heard.schema = incoming.batch.manifest.schema;
            heard.forked |= placed.side;
            heard.signed = true;
        }
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
            provenance: incoming.provenance.as_str(),
            device: Some(incoming.device),
            account: incoming.account,
            typed_by: incoming.typist(),
            manifest: Some(incoming.batch.manifest_digest),
            note: "",
            side: placed.side,
        };
        let is_beyond =
            placed.beyond || !is_placed && !placed.anew && self.is_beyond(tx, work, &new).await?;
        if is_beyond {
            if self.append_now(tx, work, &new, true).await? {
                self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
            }
            return Ok(placed.verdict());
        }
        if placed.anew {
            self.eased.insert((work.campaign, id));
            self.write(tx).await?;
            tx.change_brought(work.campaign, &new).await?;
            match position {
                // One statement: the log holds nothing accepted without its position.
                Some(position) => {
                    tx.change_release(work.campaign, id, hash, position, placed.side).await?;
                }
                None => tx.change_set_aside(work.campaign, id, hash, stored, reason).await?,
            }
        } else if is_placed {
            self.unwritten.push(new.row(work.campaign, work.now_ms));
            self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
        } else if self.append_now(tx, work, &new, false).await? {
            // Of a household nobody knows it was not looked up what is there already.
            self.tally.took(work, incoming.device, (&unit, &hamlet), new.chunk);
        }
        if let Some(count) = waiting.as_mut().filter(|_| placed.kept == Kept::Waiting) {
            *count += 1;
        }
        if let Some(document) = self.documents.get_mut(&(work.campaign, id)) {
            document.note_placed(change, placed.known(), position);
        }
        Ok(placed.verdict())
    }

    /// Finds the circumstances that a change arrives in.
    fn circumstances(
        &self,
        work: &Work,
        incoming: &Incoming,
        verified: &Verified,
    ) -> Circumstances {
        let document = self.documents.get(&(work.campaign, verified.document()));
        let people = incoming.people.iter().chain([&incoming.account]);
        let mut ever = people.filter_map(|account| self.assigned.get(&(work.campaign, *account)));
        let size = verified.change().chunk().len();
        let ancestors = document.map_or(Ancestors::Missing, |document| {
            document.holding.ancestors(verified.change().dependencies())
        });
        Circumstances {
            device_revoked: incoming.device_revoked,
            typist_unknown: incoming.typed_by == TypedBy::Unknown,
            actor_foreign: false,
            typist_disabled: incoming.account_disabled,
            schema_newer: incoming.batch.manifest.schema > SCHEMA_VERSION,
            document_foreign: document.is_none(),
            document_full: document
                .is_some_and(|document| document.holding.is_full(size, ancestors)),
            branches_full: document.is_some_and(|document| {
                let dependencies = verified.change().dependencies();
                document.holding.is_split(dependencies, limits::BRANCHES_MAX)
            }),
            campaign_closed: work.campaign_closed,
            ever_assigned: document.is_some_and(|document| {
                ever.any(|ever| {
                    ever.hamlets.contains(&document.at.hamlet)
                        || ever.households.contains(&document.at.document)
                })
            }),
            list_frozen: document.is_some_and(|document| {
                self.units
                    .get(&(work.campaign, document.at.unit.clone()))
                    .is_some_and(|log| log.frozen)
            }),
            ancestors,
            waiting_full: false,
            numbered_ahead: false,
        }
    }

    /// Counts a device's changes that wait.
    async fn waiting_count(&mut self, tx: &mut Tx, incoming: &Incoming) -> Result<i64, StoreError> {
        self.write(tx).await?;
        tx.change_waiting_count(incoming.device).await
    }

    /// Writes the manifests and the changes that were placed.
    pub(super) async fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        // In one order, so that two processes that were sent the same do not wait for each other.
        self.manifests.sort_by_key(|manifest| manifest.digest);
        tx.manifest_add(std::mem::take(&mut self.manifests)).await?;
        tx.change_append_rows(std::mem::take(&mut self.unwritten)).await
    }

    /// Lets go what waited for a change that has now been accepted.
    async fn release_waiting(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
    ) -> Result<(), StoreError> {
        let is_due = |of: &CampaignId, document: &Document| *of == campaign && document.is_due();
        if !self.documents.iter().any(|((of, _), document)| is_due(of, document)) {
            return Ok(());
        }
        self.write(tx).await?;
        for ((of, _), document) in &mut self.documents {
            if !is_due(of, document) {
                continue;
            }
            let Some(log) = self.units.get_mut(&(campaign, document.at.unit.clone())) else {
                continue;
            };
            document.release_waiting(tx, campaign, || log.next()).await?;
        }
        Ok(())
    }

    /// Notes that a device synced, and what it says about itself.
    pub(super) fn hear(&mut self, work: &Work) {
        if let Some((device, note)) = work.note {
            self.tally.synced(device, work.campaign, note, work.about.as_ref());
        }
        if let Some(about) = &work.about {
            let heard = self.tally.heard(about.device, about.actor, work.now_ms);
            heard.app.clone_from(&about.app);
            heard.schema = about.schema;
        }
    }

    /// Notes how far units and households have come; returns the households that moved on.
    pub(super) async fn finish(
        mut self,
        tx: &mut Tx,
    ) -> Result<Vec<(CampaignId, DocumentId)>, StoreError> {
        self.write(tx).await?;
        self.bring_up(tx).await?;
        let units = self.units.iter().filter(|(_, log)| log.moved);
        let units = units.map(|((campaign, unit), log)| (*campaign, unit.as_str(), log.position));
        tx.unit_moved_on_all(units).await?;
        let mut moved = BTreeMap::new();
        for ((campaign, id), document) in self.documents {
            if document.moved {
                moved.insert((campaign, id), (document.at.unit, document.at.last_position));
            }
        }
        let on = moved.iter().map(|((_, id), (unit, position))| (*id, unit.as_str(), *position));
        tx.household_moved_on(on).await?;
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
