//! What is set aside: within reach of its household up to a bound, and kept beyond that.

use shared::holding::Kept;
use shared::id::CampaignId;
use shared::limits;

use super::Work;
use super::ledger::Ledger;
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::NewChange;

impl Ledger {
    /// Tells whether a change that is set aside at once is kept beyond the reach of its household.
    pub(super) async fn is_beyond(
        &mut self,
        tx: &mut Tx,
        work: &Work,
        new: &NewChange<'_>,
    ) -> Result<bool, StoreError> {
        let key = (work.campaign, new.document);
        if let Some(document) = self.documents.get_mut(&key) {
            let holding = &document.holding;
            let is_known = holding.knows(&new.hash);
            let is_beyond = !is_known && holding.is_crowded(Kept::Quarantined);
            if !is_known && !is_beyond {
                document.note_unsound(new.hash, new.reason, new.chunk.len());
            }
            return Ok(is_beyond);
        }
        // Nobody knows the household: it was not looked up what is there.
        let key = (key, new.fate);
        let count = match self.unplaced.get(&key) {
            Some(count) => *count,
            None => {
                self.write(tx).await?;
                let count = tx.aside_of(work.campaign, new.document, new.fate).await?;
                *self.unplaced.entry(key).or_insert(count)
            }
        };
        Ok(count >= limits::ASIDE_MAX)
    }

    /// Stores a change at once; false where it is there already.
    pub(super) async fn append_now(
        &mut self,
        tx: &mut Tx,
        work: &Work,
        new: &NewChange<'_>,
        is_beyond: bool,
    ) -> Result<bool, StoreError> {
        self.write(tx).await?;
        if is_beyond {
            return tx.change_beyond(work.campaign, new, work.now_ms).await;
        }
        let is_new = tx.change_append(work.campaign, new, work.now_ms).await?;
        let key = ((work.campaign, new.document), new.fate);
        if let Some(count) = self.unplaced.get_mut(&key).filter(|_| is_new) {
            *count += 1;
        }
        Ok(is_new)
    }

    /// Brings up what was kept beyond the reach of households of which something held was let in.
    pub(super) async fn bring_up(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        for (campaign, id) in std::mem::take(&mut self.eased) {
            let Some(document) = self.documents.get(&(campaign, id)) else { continue };
            if tx.has_beyond(campaign).await? {
                tx.beyond_take(campaign, id, &document.at.unit).await?;
            }
        }
        Ok(())
    }
}

/// Brings held changes within reach of a unit's households where room has come for them; false where
/// there are none.
pub(super) async fn bring_within_reach(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
) -> Result<bool, StoreError> {
    let mut is_any = false;
    if !tx.has_beyond(campaign).await? {
        return Ok(is_any);
    }
    for id in tx.beyond_of(campaign, unit).await? {
        is_any |= tx.beyond_take(campaign, id, unit).await?;
    }
    Ok(is_any)
}
