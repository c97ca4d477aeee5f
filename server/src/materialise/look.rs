//! One household through a worker, for somebody who looks at it or settles an answer.

use std::collections::BTreeMap;

use mobile_schema::household::Household;
use serde_bytes::ByteBuf;
use shared::guard::guard;
use shared::history::Past;
use shared::id::{Actor, ChangeHash, DocumentId};
use shared::page::Written;
use shared::phones::Against;

use super::Materialiser;
use super::batch::logged;
use super::linked::absorbed;
use crate::store::StoreError;
use crate::store::campaign::Campaign;
use crate::store::household::Cached;
use crate::store::material::{From, Material};
use crate::worker::{Answer, BasisText, Case, Job, Looked, Settling, Unsettled, Writing};

/// Tries: after the first one, what no worker gets over has been set aside.
const TRIES: usize = 2;

/// A worker has read what clients wrote: what it says is looked at like theirs.
fn checked(hash: ChangeHash, chunk: &[u8], actor: Actor) -> Option<Written> {
    let guarded = guard(chunk).ok()?;
    let is_ours = guarded.hash() == hash && guarded.actor() == actor;
    is_ours.then(|| Written { hash, chunk: guarded.chunk().to_vec() })
}

impl Materialiser {
    /// Reads a household with its answers; `None` where it cannot be merged.
    pub(crate) async fn look(
        &self,
        campaign: &Campaign,
        document: DocumentId,
    ) -> Result<Option<Looked>, StoreError> {
        let absorbed = absorbed(&self.inner.store, campaign.id, document).await?;
        let job = |entry: &Cached, material: Material| Job::Read {
            place: entry.place(),
            changes: logged(material.changes),
            side: logged(material.side),
            absorbed: absorbed.clone(),
        };
        match self.asked(campaign, document, job).await? {
            Some(Answer::Looked(json)) => {
                serde_json::from_str(&json).map(Some).map_err(|_| StoreError::Damaged)
            }
            _ => Ok(None),
        }
    }

    /// Reads the answers of at most [`AT_ONCE`](crate::store::material::AT_ONCE) households, each
    /// with what was merged into it. One that cannot be merged is left out.
    pub(crate) async fn answers(
        &self,
        campaign: &Campaign,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, Household>, StoreError> {
        let mut found = self.own_answers(campaign, documents).await?;
        for entry in self.inner.store.household_cached_of(campaign.id, documents).await? {
            let document = entry.at.document;
            if entry.merged.is_some()
                && let Some(looked) = self.look(campaign, document).await?
            {
                found.insert(document, looked.household);
            }
        }
        Ok(found)
    }

    /// Reads what the documents of at most [`AT_ONCE`](crate::store::material::AT_ONCE) households say
    /// themselves. One that cannot be merged is left out.
    pub(crate) async fn own_answers(
        &self,
        campaign: &Campaign,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, Household>, StoreError> {
        let basis = BasisText::of(campaign);
        let (mut open, mut found) = (documents.to_vec(), BTreeMap::new());
        for from in [From::Saved, From::Log] {
            if open.is_empty() {
                break;
            }
            let mut materials = self.inner.store.material(campaign.id, &open, from).await?;
            let jobs = open.iter().map(|document| {
                let material = materials.remove(document).unwrap_or_default();
                let base = material.saved.map(|(packed, _)| ByteBuf::from(packed));
                Job::Answers { base, changes: logged(material.changes) }
            });
            let outcomes = self.inner.pool.ask(&basis, jobs.collect()).await?;
            for (document, outcome) in std::mem::take(&mut open).into_iter().zip(outcomes) {
                match outcome {
                    Some(Answer::Answers(json)) => {
                        let read = serde_json::from_str(&json).map_err(|_| StoreError::Damaged)?;
                        found.insert(document, read);
                    }
                    Some(Answer::TakesAll) => open.push(document),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    /// Holds at most [`crate::store::material::AT_ONCE`] households against what their phones answered. One that no worker
    /// gets over, or that no phone wrote to, is left out.
    pub(crate) async fn against(
        &self,
        campaign: &Campaign,
        documents: &[DocumentId],
    ) -> Result<Vec<(DocumentId, Against)>, StoreError> {
        let (store, id) = (&self.inner.store, campaign.id);
        let mut material = store.material(id, documents, From::Log).await?;
        let (mut asked, mut jobs) = (Vec::new(), Vec::new());
        for entry in store.household_cached_of(id, documents).await? {
            let document = entry.at.document;
            let changes = logged(material.remove(&document).unwrap_or_default().changes);
            asked.push(document);
            jobs.push(Job::Against { place: entry.place(), changes });
        }
        let outcomes = self.inner.pool.ask(&BasisText::of(campaign), jobs).await?;
        let mut found = Vec::new();
        for (document, outcome) in asked.into_iter().zip(outcomes) {
            let Some(Answer::Against(json)) = outcome else { continue };
            let against = serde_json::from_str(&json).map_err(|_| StoreError::Damaged)?;
            found.extend(Option::map(against, |against| (document, against)));
        }
        Ok(found)
    }

    /// Reads the dispute ledgers of at most [`crate::store::material::AT_ONCE`] households. One that
    /// no worker gets over is left out.
    pub(crate) async fn cases(
        &self,
        campaign: &Campaign,
        documents: &[DocumentId],
    ) -> Result<Vec<(DocumentId, Case)>, StoreError> {
        let (store, id) = (&self.inner.store, campaign.id);
        let mut material = store.material(id, documents, From::Log).await?;
        let (mut asked, mut jobs) = (Vec::new(), Vec::new());
        for entry in store.household_cached_of(id, documents).await? {
            let document = entry.at.document;
            let of = material.remove(&document).unwrap_or_default();
            asked.push(document);
            jobs.push(Job::Ledger {
                place: entry.place(),
                changes: logged(of.changes),
                side: logged(of.side),
            });
        }
        let outcomes = self.inner.pool.ask(&BasisText::of(campaign), jobs).await?;
        let mut found = Vec::new();
        for (document, outcome) in asked.into_iter().zip(outcomes) {
            let Some(Answer::Ledger(json)) = outcome else { continue };
            let case = serde_json::from_str(&json).map_err(|_| StoreError::Damaged)?;
            found.push((document, case));
        }
        Ok(found)
    }

    /// Writes the change that settles an answer, or says why not; `None` where the household cannot
    /// be merged.
    pub(crate) async fn settle(
        &self,
        campaign: &Campaign,
        document: DocumentId,
        settling: Settling,
    ) -> Result<Option<Result<Written, Unsettled>>, StoreError> {
        let job = |_: &Cached, material: Material| {
            Job::Settle(Settling { changes: logged(material.changes), ..settling.clone() })
        };
        Ok(match self.asked(campaign, document, job).await? {
            Some(Answer::Written { hash, chunk }) => checked(hash, &chunk, settling.actor).map(Ok),
            Some(Answer::Unsettled(why)) => Some(Err(why)),
            _ => None,
        })
    }

    /// Writes the change that saves a page at the version named, nothing where the page says nothing
    /// new, or says why not; `None` where the household cannot be merged.
    pub(crate) async fn write(
        &self,
        campaign: &Campaign,
        document: DocumentId,
        writing: Writing,
    ) -> Result<Option<Result<Option<Written>, Unsettled>>, StoreError> {
        let job = |_: &Cached, material: Material| {
            Job::Write(Writing { changes: logged(material.changes), ..writing.clone() })
        };
        Ok(match self.asked(campaign, document, job).await? {
            Some(Answer::Written { hash, chunk }) => {
                checked(hash, &chunk, writing.actor).map(|written| Ok(Some(written)))
            }
            Some(Answer::NothingNew) => Some(Ok(None)),
            Some(Answer::Unsettled(why)) => Some(Err(why)),
            _ => None,
        })
    }

    /// Tells what became of a household since a version; `None` where the version is not known, or
    /// where the household cannot be merged.
    pub(crate) async fn past(
        &self,
        campaign: &Campaign,
        document: DocumentId,
        since: &[ChangeHash],
    ) -> Result<Option<Past>, StoreError> {
        let job = |_: &Cached, mut material: Material| {
            material.changes.sort_by_key(|entry| entry.position);
            Job::Past { changes: logged(material.changes), since: since.to_vec() }
        };
        match self.asked(campaign, document, job).await? {
            Some(Answer::Past(Some(json))) => {
                serde_json::from_str(&json).map(Some).map_err(|_| StoreError::Damaged)
            }
            _ => Ok(None),
        }
    }

    async fn asked(
        &self,
        campaign: &Campaign,
        document: DocumentId,
        job: impl Fn(&Cached, Material) -> Job,
    ) -> Result<Option<Answer>, StoreError> {
        let (store, id) = (&self.inner.store, campaign.id);
        let basis = BasisText::of(campaign);
        for _ in 0..TRIES {
            let cached = store.household_cached_of(id, &[document]).await?;
            let Some(entry) = cached.first() else { return Ok(None) };
            let material = store.material(id, &[document], From::Log).await?.remove(&document);
            let asked = vec![job(entry, material.unwrap_or_default())];
            let mut outcomes = self.inner.pool.ask(&basis, asked).await?;
            if let Some(answer) = outcomes.pop().flatten() {
                return Ok(Some(answer));
            }
            self.fresh(id, &[document]).await?;
        }
        Ok(None)
    }
}
