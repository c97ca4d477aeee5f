//! What the log holds of one household while a transaction appends to it.

use shared::admit::is_ahead;
use shared::guard::{Guarded, guard};
use shared::holding::{Holding, Kept, Known, Released, Waiting, number_of};
use shared::id::{Actor, CampaignId, ChangeHash, DocumentId};

use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::KnownChange;
use crate::store::household::HouseholdAt;

/// What the log holds of one household.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) at: HouseholdAt,
    pub(super) holding: Holding,
    pub(super) moved: bool,
    /// Something was placed on which what waits may have waited.
    is_due: bool,
    /// What waits, once it was read.
    waiting: Option<Vec<Waiting>>,
}

impl Document {
    pub(super) fn new(at: HouseholdAt) -> Self {
        Self { at, holding: Holding::default(), moved: false, is_due: false, waiting: None }
    }

    /// Notes what the log holds of the household, read after its unit was locked.
    pub(super) fn load(&mut self, changes: impl IntoIterator<Item = KnownChange>) {
        for known in changes {
            let bytes = usize::try_from(known.bytes).unwrap_or(0);
            let (kept, reason, side) = (known.kept, known.reason, known.side);
            let known_as = Known { kept, reason, side };
            self.holding.note(known.hash, known_as, (known.number, bytes), &known.dependencies);
        }
    }

    /// Lets each of these into the log, or aside for good, whose ancestors are all there; the others
    /// stay in the list.
    pub(super) async fn release(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
        changes: &mut Vec<Waiting>,
        next: impl FnMut() -> i64,
    ) -> Result<(), StoreError> {
        self.look_ahead(tx, campaign, changes).await?;
        let released = self.holding.release(changes);
        self.let_in(tx, campaign, &released, next).await
    }

    /// Lets go what waits for changes that have been placed.
    pub(super) async fn release_waiting(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
        next: impl FnMut() -> i64,
    ) -> Result<(), StoreError> {
        self.is_due = false;
        let mut waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => tx.change_waiting(campaign, self.at.document).await?,
        };
        self.look_ahead(tx, campaign, &mut waiting).await?;
        let released = self.holding.release_waiting(&mut waiting);
        self.waiting = Some(waiting);
        self.let_in(tx, campaign, &released, next).await
    }

    /// Writes what became of changes whose turn came.
    pub(super) async fn let_in(
        &mut self,
        tx: &mut Tx,
        campaign: CampaignId,
        released: &[Released],
        mut next: impl FnMut() -> i64,
    ) -> Result<(), StoreError> {
        for change in released {
            let id = self.at.document;
            if change.kept != Kept::Accepted {
                let fate = change.kept.as_str();
                tx.change_set_aside(campaign, id, change.hash, fate, change.reason).await?;
                continue;
            }
            let position = next();
            tx.change_release(campaign, id, change.hash, position, change.side).await?;
            self.note_accepted(Some(position));
        }
        Ok(())
    }

    /// Finds the waiting changes that number their operations too far beyond what they build on.
    async fn look_ahead(
        &self,
        tx: &mut Tx,
        campaign: CampaignId,
        changes: &mut [Waiting],
    ) -> Result<(), StoreError> {
        let id = self.at.document;
        let within_reach = self.holding.within_reach(changes);
        for change in changes.iter_mut().filter(|change| within_reach.contains(&change.hash)) {
            let chunk = tx.change_chunk(campaign, id, change.hash).await?;
            if let Some(guarded) = chunk.and_then(|chunk| guard(&chunk).ok()) {
                change.ahead = numbered_ahead(tx, campaign, id, &guarded).await?;
            }
        }
        Ok(())
    }

    /// Returns the newest accepted position, if anything was accepted.
    pub(super) fn moved_to(&self) -> Option<i64> {
        self.moved.then_some(self.at.last_position)
    }

    /// Notes a change that was placed, at its position where it is in the log.
    pub(super) fn note_placed(&mut self, change: &Guarded, known: Known, position: Option<i64>) {
        let (hash, number, bytes) = (change.hash(), number_of(change), change.chunk().len());
        if known.kept != Kept::Waiting {
            self.is_due = true;
        } else if let Some(waiting) = &mut self.waiting {
            let dependencies = change.dependencies().to_vec();
            let (held, ahead) = (false, false);
            waiting.push(Waiting { hash, held, number, bytes, dependencies, ahead });
        }
        self.holding.note(hash, known, (number, bytes), change.dependencies());
        self.note_accepted(position);
    }

    /// Notes bytes that failed a check.
    pub(super) fn note_unsound(&mut self, digest: ChangeHash, reason: &str, bytes: usize) {
        let known = Known { kept: Kept::Quarantined, reason: reason.to_owned(), side: false };
        self.holding.note(digest, known, ((Actor([0; 16]), 0), bytes), &[]);
    }

    /// Tells whether something that waits may be let go.
    pub(super) fn is_due(&self) -> bool {
        self.is_due && self.holding.has_waiting()
    }

    fn note_accepted(&mut self, position: Option<i64>) {
        if let Some(position) = position {
            self.at.last_position = position;
            self.moved = true;
        }
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
