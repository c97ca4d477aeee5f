//! Households that others were merged into: their logs together.

use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::standing::{Absorbed, unmerged};

use super::batch::{Desk, logged};
use super::isolate::{is_at_fault, isolated, open_until_later};
use crate::store::household::{Cached, NewStanding};
use crate::store::material::From;
use crate::store::{Store, StoreError};
use crate::worker::{Answer, Job, OwnedBasis};

/// Reads what was merged into a household, in the order in which that was decided.
pub(super) async fn absorbed(
    store: &Store,
    campaign: CampaignId,
    kept: DocumentId,
) -> Result<Vec<Absorbed>, StoreError> {
    let links = store.link_into(campaign, kept).await?;
    let documents: Vec<DocumentId> = links.iter().map(|link| link.absorbed).collect();
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let mut materials = store.material(campaign, &documents, From::Log).await?;
    let absorbed = links.into_iter().map(|link| {
        let material = materials.remove(&link.absorbed).unwrap_or_default();
        Absorbed { link, changes: logged(material.changes), side: logged(material.side) }
    });
    Ok(absorbed.collect())
}

impl Desk<'_> {
    /// Computes a household that others were merged into. Where no worker gets over it each of them
    /// is asked about by itself, and its new changes are set aside if it cannot be merged alone either;
    /// where that does not help it is shown as open.
    pub(super) async fn together(&self, entry: &Cached) -> Result<NewStanding, StoreError> {
        let broken = match self.once(entry).await? {
            Ok(new) => return Ok(new),
            Err(broken) => broken,
        };
        let links = self.store.link_into(self.campaign, entry.at.document).await?;
        let mut alone: Vec<DocumentId> = links.iter().map(|link| link.absorbed).collect();
        alone.push(entry.at.document);
        for one in self.store.household_cached_of(self.campaign, &alone).await? {
            if is_at_fault(self, &one, &broken).await? {
                isolated(self, &one, broken.clone()).await?;
            }
        }
        let broken = match self.once(entry).await? {
            Ok(new) => return Ok(new),
            Err(broken) => broken,
        };
        let basis = OwnedBasis::of(&self.basis).ok_or(StoreError::Damaged)?;
        let standing = unmerged(&entry.place(), &[], &[], &basis.basis());
        tracing::warn!("a merged household cannot be read, and is shown as open");
        let body = serde_json::to_string(&standing).map_err(|_| StoreError::Damaged)?;
        let stood = self.stood(entry, entry.at.last_position, body, None);
        Ok(if broken.is_empty() { stood } else { open_until_later(entry, stood) })
    }

    /// Asks a worker; gives the changes that it had to leave out, or none where it does not answer.
    async fn once(
        &self,
        entry: &Cached,
    ) -> Result<Result<NewStanding, Vec<ChangeHash>>, StoreError> {
        let document = entry.at.document;
        let absorbed = absorbed(self.store, self.campaign, document).await?;
        let mut materials = self.store.material(self.campaign, &[document], From::Log).await?;
        let material = materials.remove(&document).unwrap_or_default();
        let position = material.position;
        let job = Job::Together {
            place: entry.place(),
            changes: logged(material.changes),
            side: logged(material.side),
            absorbed,
        };
        let outcome = self.pool.ask(&self.basis, vec![job]).await?.pop().flatten();
        Ok(match outcome {
            Some(Answer::Stood { body, broken, .. }) if broken.is_empty() => {
                Ok(self.stood(entry, position, body, None))
            }
            Some(Answer::Stood { broken, .. }) => Err(broken),
            _ => Err(Vec::new()),
        })
    }
}
