//! Taking accepted changes back out of what is merged: where no worker gets over a household.
//!
//! Nothing is deleted: the rows keep bytes and position, and readers skip the number. The household
//! moves on by one empty position, so that whatever was computed with these changes is stale.

use std::collections::BTreeSet;

use mobile_schema::problem::{self, Problem};
use shared::id::{CampaignId, ChangeHash, DocumentId};

use super::append::hashes;
use super::backend::{Tx, vals};
use super::{Store, StoreError};

/// A change that builds on others.
struct Built {
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
}

impl Store {
    /// Quarantines accepted changes of a household, and holds what builds on them; returns how many
    /// were quarantined. None are where another process was first.
    pub(crate) async fn change_quarantine(
        &self,
        campaign: CampaignId,
        unit: &str,
        document: DocumentId,
        bad: &[ChangeHash],
        reason: &Problem,
    ) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let position = tx.unit_lock(campaign, unit).await?;
        let mut taken = 0;
        for hash in bad {
            taken += tx.take_back(campaign, document, *hash, "quarantined", reason.name).await?;
        }
        if taken == 0 {
            return Ok(0);
        }
        let mut out: BTreeSet<ChangeHash> = bad.iter().copied().collect();
        // In order of position, so ancestors come first.
        for change in tx.change_built(campaign, document).await? {
            if change.dependencies.iter().any(|dep| out.contains(dep)) {
                let reason = problem::ANCESTOR_HELD.name;
                tx.take_back(campaign, document, change.hash, "held", reason).await?;
                out.insert(change.hash);
            }
        }
        tx.run("delete from snapshot where document = $1", vals![document]).await?;
        tx.household_moved_on([(document, unit, position + 1)]).await?;
        tx.unit_moved_on(campaign, unit, position + 1).await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Holds for a person what has waited for an ancestor since before a time; returns how many.
    pub(crate) async fn change_expire(&self, before_ms: i64) -> Result<u64, StoreError> {
        const SQL: &str = "
            update change set fate = 'held', reason = $2
            where fate = 'waiting' and received_at_ms < $1";
        let mut tx = self.begin().await?;
        let held = tx.run(SQL, vals![before_ms, problem::ANCESTOR_MISSING.name]).await?;
        tx.commit().await?;
        Ok(held)
    }
}

impl Tx {
    async fn take_back(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        hash: ChangeHash,
        fate: &str,
        reason: &str,
    ) -> Result<usize, StoreError> {
        const SQL: &str = "
            update change set fate = $4, reason = $5
            where campaign = $1 and document = $2 and hash = $3 and fate = 'accepted'";
        let rows = self.run(SQL, vals![campaign, document, hash, fate, reason]).await?;
        Ok(usize::from(rows > 0))
    }

    async fn change_built(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Built>, StoreError> {
        const SQL: &str = "
            select hash, dependencies from change
            where campaign = $1 and document = $2 and fate = 'accepted' order by position";
        let rows = self.all(SQL, vals![campaign, document]).await?;
        rows.iter()
            .map(|row| {
                let dependencies = hashes(&row.get::<Vec<u8>>("dependencies")?)?;
                Ok(Built { hash: row.id("hash")?, dependencies })
            })
            .collect()
    }
}
