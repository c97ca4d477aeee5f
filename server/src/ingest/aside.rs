//! What is set aside: within reach of its household up to a bound, and kept beyond that.

use mobile_schema::problem;
use shared::holding::Kept;
use shared::id::CampaignId;
use shared::limits;

use super::Work;
use super::ledger::Ledger;
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::NewChange;

impl Ledger {
    /// Tells whether a change that is set aside at once is kept beyond the reach of its household, and
    /// counts it where it is not.
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
                let most = limits::ASIDE_MAX;
                tx.change_count(work.campaign, new.document, new.fate, most).await?
            }
        };
        self.unplaced.insert(key, count + 1);
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
            tx.change_beyond(work.campaign, new, work.now_ms).await
        } else {
            tx.change_append(work.campaign, new, work.now_ms).await
        }
    }
}

/// Brings held changes within reach of households where room has come for them.
pub(super) async fn bring_within_reach(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
) -> Result<(), StoreError> {
    for id in tx.beyond_of(campaign, unit).await? {
        let known = tx.change_known(campaign, &[id]).await?;
        let open = known.iter().filter(|(_, known)| {
            known.kept == Kept::Held && known.reason != problem::CHANGE_LEFT_OUT.name
        });
        let room = limits::ASIDE_MAX.saturating_sub(open.count());
        if room > 0 {
            tx.beyond_take(campaign, id, unit, room).await?;
        }
    }
    Ok(())
}
