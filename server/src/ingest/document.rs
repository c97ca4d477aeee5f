//! What the log holds of one household while a transaction appends to it.

use std::collections::BTreeMap;

use mobile_schema::frame::{Fate, Verdict};
use mobile_schema::problem;
use shared::admit::{Ancestors, is_ahead};
use shared::guard::{Guarded, guard};
use shared::id::{Actor, CampaignId, ChangeHash, DocumentId};
use shared::limits;
use shared::merge::genesis_hash;

use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::WaitingChange;
use crate::store::household::HouseholdAt;

/// What the log holds of one household.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) at: HouseholdAt,
    pub(super) known: BTreeMap<ChangeHash, Known>,
    numbers: BTreeMap<(Actor, i64), ChangeHash>,
    accepted: Volume,
    pub(super) waiting: Volume,
    pub(super) moved: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) fate: String,
    pub(super) reason: String,
    pub(super) side: bool,
}

/// How much of a household's room some of its changes take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Volume {
    pub(super) changes: usize,
    bytes: usize,
}

impl Document {
    pub(super) fn new(at: HouseholdAt) -> Self {
        Self {
            at,
            known: BTreeMap::new(),
            numbers: BTreeMap::new(),
            accepted: Volume::default(),
            waiting: Volume::default(),
            moved: false,
        }
    }

    /// Reads what the log holds of the household; its unit must be locked.
    pub(super) async fn load(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
        id: DocumentId,
    ) -> Result<(), StoreError> {
        for known in tx.change_known(campaign, id).await? {
            let bytes = usize::try_from(known.bytes).unwrap_or(0);
            let (fate, reason, side) = (known.fate, known.reason, known.side);
            self.note(known.hash, Known { fate, reason, side }, known.number, bytes);
        }
        Ok(())
    }

    pub(super) fn note(
        &mut self,
        hash: ChangeHash,
        known: Known,
        number: (Actor, i64),
        bytes: usize,
    ) {
        let volume = match known.fate.as_str() {
            "accepted" => Some(&mut self.accepted),
            "waiting" => Some(&mut self.waiting),
            _ => None,
        };
        if let Some(volume) = volume {
            volume.changes += 1;
            volume.bytes += bytes;
        }
        if known.fate == "accepted" && !known.side {
            self.numbers.insert(number, hash);
        }
        self.known.insert(hash, known);
    }

    /// Tells whether a change is on the side branch of a copied phone: another one that came first
    /// has its number, or it builds on such a change. Phones were sent the first and cannot take
    /// the second.
    pub(super) fn is_side(
        &self,
        hash: ChangeHash,
        number: (Actor, i64),
        dependencies: &[ChangeHash],
    ) -> bool {
        self.numbers.get(&number).is_some_and(|first| *first != hash)
            || dependencies.iter().any(|dep| self.known.get(dep).is_some_and(|known| known.side))
    }

    /// Lets each of these into the log whose ancestors are all there; the others stay in the list.
    pub(super) async fn release(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
        id: DocumentId,
        changes: &mut Vec<WaitingChange>,
        mut next: impl FnMut() -> i64,
    ) -> Result<(), StoreError> {
        loop {
            let ready = changes
                .iter()
                .position(|change| self.ancestors(&change.dependencies) == Ancestors::Accepted);
            let Some(ready) = ready else { return Ok(()) };
            let change = changes.remove(ready);
            if self.is_ahead(tx, campaign, id, &change).await? {
                let reason = problem::OPERATIONS_AHEAD.name;
                tx.change_set_aside(campaign, id, change.hash, "quarantined", reason).await?;
                let (fate, reason) = ("quarantined".to_owned(), reason.to_owned());
                let known = Known { fate, reason, side: false };
                self.note(change.hash, known, change.number, change.bytes);
                continue;
            }
            let side = self.is_side(change.hash, change.number, &change.dependencies);
            let position = next();
            tx.change_release(campaign, id, change.hash, position, side).await?;
            let known = Known { fate: "accepted".to_owned(), reason: String::new(), side };
            self.note(change.hash, known, change.number, change.bytes);
            self.note_accepted(Some(position));
        }
    }

    /// Tells whether a waiting change numbers its operations too far beyond those it builds on.
    async fn is_ahead(
        &self,
        tx: &mut Tx,
        campaign: CampaignId,
        id: DocumentId,
        change: &WaitingChange,
    ) -> Result<bool, StoreError> {
        let chunk = tx.change_chunk(campaign, id, change.hash).await?;
        match chunk.and_then(|chunk| guard(&chunk).ok()) {
            Some(change) => numbered_ahead(tx, campaign, id, &change).await,
            None => Ok(false),
        }
    }

    /// Returns the newest accepted position, if anything was accepted.
    pub(super) fn moved_to(&self) -> Option<i64> {
        self.moved.then_some(self.at.last_position)
    }

    /// Tells whether one more change finds no room.
    ///
    /// What is held or quarantined takes none, and what waits none from what can be merged: else
    /// anybody's bad changes could close the household to the people who work on it.
    pub(super) fn is_full(&self, bytes: usize, ancestors: Ancestors) -> bool {
        let waiting =
            if ancestors == Ancestors::Missing { self.waiting } else { Volume::default() };
        self.accepted.changes + waiting.changes >= limits::DOCUMENT_CHANGES_MAX
            || self.accepted.bytes + waiting.bytes + bytes > limits::DOCUMENT_BYTES_MAX
    }

    pub(super) fn note_accepted(&mut self, position: Option<i64>) {
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
            .map(|hash| match self.known.get(hash).map(|known| known.fate.as_str()) {
                Some("accepted") => Ancestors::Accepted,
                Some("held" | "quarantined") => Ancestors::Aside,
                Some(_) | None => Ancestors::Missing,
            })
            .max()
            .unwrap_or(Ancestors::Accepted)
    }
}

/// Tells whether a change numbers its operations too far beyond those it builds on.
pub(super) async fn numbered_ahead(
    tx: &mut Tx,
    campaign: CampaignId,
    id: DocumentId,
    change: &Guarded,
) -> Result<bool, StoreError> {
    // No household comes to such numbers by itself, so that nobody's work is looked up here.
    if !is_ahead(change.first_operation(), 0) {
        return Ok(false);
    }
    let mut newest = 0;
    for dependency in change.dependencies() {
        let chunk = tx.change_chunk(campaign, id, *dependency).await?;
        let before = chunk.and_then(|chunk| guard(&chunk).ok());
        newest = newest.max(before.map_or(0, |before| before.last_operation()));
    }
    Ok(is_ahead(change.first_operation(), newest))
}

impl Known {
    /// Says again what became of a change that is sent again.
    pub(super) fn verdict(&self) -> Verdict {
        let fate = match self.fate.as_str() {
            "waiting" => Fate::Waiting,
            "held" => Fate::Held,
            "quarantined" => Fate::Quarantined,
            _ => Fate::Known,
        };
        let forked = self.side.then_some(problem::ACTOR_FORKED.name);
        let reason = if self.reason.is_empty() { forked } else { Some(self.reason.as_str()) };
        Verdict { fate, reason: reason.map(ToOwned::to_owned) }
    }
}
