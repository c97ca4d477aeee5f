//! One batch through the workers: read, merged, stored in one transaction.

use std::collections::BTreeMap;

use serde_bytes::ByteBuf;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::standing::Logged;

use super::isolate::isolated;
use crate::store::household::{Cached, NewStanding};
use crate::store::material::{Entry, From, Material};
use crate::store::snapshot::NewSnapshot;
use crate::store::{Store, StoreError};
use crate::worker::pool::Pool;
use crate::worker::{Answer, BasisText, Job};

/// Fewest changes of which a document is saved: fewer are read as fast one by one.
const SAVED_CHANGES_MIN: usize = 4;

/// A document is saved again once this many changes came after it.
const LATER_CHANGES_MAX: usize = 30;

/// It is also saved again once what came after it is this part of its log, so that what a phone
/// downloads first is nearly all in the document.
const LATER_PART: usize = 8;

/// What a batch is worked on with.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) pool: &'a Pool,
    pub(super) campaign: CampaignId,
    pub(super) basis: BasisText,
}

/// Computes what is stale of a few documents and puts it into the cache, or returns what found no
/// place there, as on a full disk.
pub(super) async fn work(
    store: &Store,
    pool: &Pool,
    campaign: CampaignId,
    documents: &[DocumentId],
) -> Result<Vec<NewStanding>, StoreError> {
    let Some(found) = store.campaign_get(campaign).await? else { return Ok(Vec::new()) };
    let basis = BasisText::of(&found);
    let name = basis.name();
    let cached = store.household_cached_of(campaign, documents).await?;
    let mut stale: BTreeMap<DocumentId, Cached> = cached
        .into_iter()
        .filter(|entry| !entry.is_fresh(&name))
        .map(|entry| (entry.at.document, entry))
        .collect();
    let desk = Desk { store, pool, campaign, basis };
    let mut done = Vec::new();
    let linked = stale.extract_if(.., |_, entry| entry.merged.is_some());
    for (_, entry) in linked.collect::<Vec<_>>() {
        done.push(desk.together(&entry).await?);
    }
    for from in [From::Saved, From::Log] {
        let open: Vec<DocumentId> = stale.keys().copied().collect();
        if !open.is_empty() {
            desk.round(&mut stale, &open, from, &mut done).await?;
        }
    }
    if let Err(error) = store.standing_put(campaign, &done).await {
        tracing::warn!(error = %error, "what documents came to could not be kept");
        return Ok(done);
    }
    Ok(Vec::new())
}

impl Desk<'_> {
    /// Asks about those that can be told from what is read; the others stay in the list.
    async fn round(
        &self,
        stale: &mut BTreeMap<DocumentId, Cached>,
        open: &[DocumentId],
        from: From,
        done: &mut Vec<NewStanding>,
    ) -> Result<(), StoreError> {
        let mut materials = self.store.material(self.campaign, open, from).await?;
        let (mut asked, mut jobs) = (Vec::new(), Vec::new());
        for document in open {
            // Everything of it may have been set aside.
            let material = materials.remove(document).unwrap_or_default();
            let is_enough = from == From::Log || !needs_log(&material);
            if let Some(entry) = stale.get(document).filter(|_| is_enough) {
                asked.push((*document, material.position));
                jobs.push(standing_job(entry, material));
            }
        }
        let outcomes = self.pool.ask(&self.basis, jobs).await?;
        for ((document, position), outcome) in asked.into_iter().zip(outcomes) {
            let Some(entry) = stale.get(&document) else { continue };
            let new = match outcome {
                Some(Answer::Stood { body, saved, broken }) if broken.is_empty() => {
                    self.stood(entry, position, body, saved)
                }
                Some(Answer::TakesAll) if from == From::Saved => continue,
                Some(Answer::Stood { broken, .. }) => isolated(self, entry, broken).await?,
                _ => isolated(self, entry, Vec::new()).await?,
            };
            done.push(new);
            stale.remove(&document);
        }
        Ok(())
    }

    /// Makes what goes into the cache of a household.
    pub(super) fn stood(
        &self,
        entry: &Cached,
        position: i64,
        body: String,
        saved: Option<(ByteBuf, Vec<ChangeHash>)>,
    ) -> NewStanding {
        // What was set aside has left a gap at the end.
        let position = position.max(entry.at.last_position);
        NewStanding {
            document: entry.at.document,
            unit: entry.at.unit.clone(),
            position,
            basis: entry.basis(&self.basis.name()),
            body,
            snapshot: saved.map(|(bytes, heads)| NewSnapshot {
                position,
                heads,
                bytes: bytes.into_vec(),
            }),
        }
    }
}

/// Tells whether a household stands on its whole log: where nothing is saved of it, where a phone
/// was copied, and where it is time to save it again.
fn needs_log(material: &Material) -> bool {
    material.saved.is_some() && (!material.side.is_empty() || is_due(material))
}

/// Tells whether a household's document is to be saved.
fn is_due(material: &Material) -> bool {
    let known = material.saved.as_ref().map_or(0, |(_, known)| known.len());
    let later_bytes: usize = material.changes.iter().map(|entry| entry.logged.chunk.len()).sum();
    known + material.changes.len() >= SAVED_CHANGES_MIN
        && (material.changes.len() >= LATER_CHANGES_MAX
            || later_bytes * LATER_PART >= material.bytes)
}

/// Asks what a household's log comes to.
pub(super) fn standing_job(entry: &Cached, material: Material) -> Job {
    let save = material.saved.is_none() && is_due(&material);
    Job::Stand {
        place: entry.place(),
        base: material.saved.map(|(packed, known)| (ByteBuf::from(packed), known)),
        changes: logged(material.changes),
        side: logged(material.side),
        save,
    }
}

/// Takes the changes out of their places in the log.
pub(super) fn logged(entries: Vec<Entry>) -> Vec<Logged> {
    entries.into_iter().map(|entry| entry.logged).collect()
}
