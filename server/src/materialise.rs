//! Documents are merged after their changes are durable: a queue in front of the workers.
//!
//! The queue is a hint and may be lost: what is stale shows in the store. A document is worked on
//! by one runner at a time; whoever waits for one that is under way waits for the next turn of it,
//! which costs nothing where the first one was late enough. Memory is bounded by the queue and by
//! a batch for each worker, however many documents there are.

mod batch;
mod isolate;
mod linked;
mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::id::{CampaignId, DocumentId};
use tokio::sync::oneshot;

use crate::store::household::NewStanding;
use crate::store::material::AT_ONCE;
use crate::store::{Store, StoreError};
use crate::worker::pool::{Merging, Pool, unavailable};

/// Documents remembered before the store is searched for the rest: half a megabyte.
const QUEUE_DOCUMENTS: usize = 8_192;

/// How long a document that nobody waits for is left alone: more of it may be on its way, and what
/// comes within that time is merged at once.
const MORE_MAY_COME: Duration = Duration::from_secs(1);

type Key = (CampaignId, DocumentId);
type Waiters = Vec<(DocumentId, Waiter)>;
/// Somebody who waits for a document; is handed what it came to where that could not be kept.
type Waiter = oneshot::Sender<Option<NewStanding>>;

/// Merges documents in the background and on demand, cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Materialiser {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    pool: Pool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Somebody waits for these.
    asked: BTreeMap<Key, Vec<Waiter>>,
    /// Nobody does yet, and nobody works on them before then.
    later: BTreeMap<Key, Instant>,
    /// Being worked on.
    busy: BTreeSet<Key>,
    /// The store holds stale documents after this one that are not in the queue.
    search: Option<Option<DocumentId>>,
    runners: usize,
    /// Somebody looks from time to time whether it is time for what nobody waits for.
    is_looked_after: bool,
}

/// Documents of one campaign, taken out of the queue.
struct Turn {
    inner: Arc<Inner>,
    campaign: CampaignId,
    documents: Vec<DocumentId>,
    waiters: Waiters,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.inner.lock();
        for document in &self.documents {
            queue.busy.remove(&(self.campaign, *document));
        }
    }
}

/// Works on batches. One that panics is counted out all the same.
struct Runner {
    inner: Arc<Inner>,
    is_counted: bool,
}

impl Drop for Runner {
    fn drop(&mut self) {
        if self.is_counted {
            self.inner.lock().runners -= 1;
        }
    }
}

impl Materialiser {
    /// Makes a queue in front of workers. Nothing is started before there is work.
    pub(crate) fn new(store: Store, merging: Merging) -> Self {
        let pool = Pool::new(merging);
        Self { inner: Arc::new(Inner { store, pool, queue: Mutex::default() }) }
    }

    /// Returns the workers.
    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Queues documents that have new changes. Where nothing isolates them, nobody works ahead.
    pub(crate) fn queue(&self, documents: impl IntoIterator<Item = Key>) {
        if !self.inner.pool.is_isolated() {
            return;
        }
        let mut queue = self.inner.lock();
        let then = Instant::now() + MORE_MAY_COME;
        for key in documents {
            if queue.later.len() < QUEUE_DOCUMENTS {
                queue.later.entry(key).or_insert(then);
            } else {
                queue.search = Some(None);
            }
        }
        if !std::mem::replace(&mut queue.is_looked_after, true) {
            tokio::spawn(self.clone().look_after());
        }
    }

    /// Wakes runners as long as something is left that nobody waits for.
    async fn look_after(self) {
        loop {
            tokio::time::sleep(MORE_MAY_COME).await;
            let mut queue = self.inner.lock();
            self.wake(&mut queue);
            if queue.later.is_empty() && queue.search.is_none() {
                queue.is_looked_after = false;
                return;
            }
        }
    }

    /// Looks for what was left stale by a process that ended.
    pub(crate) fn search(&self) {
        if self.inner.pool.is_isolated() {
            let mut queue = self.inner.lock();
            queue.search = Some(None);
            self.wake(&mut queue);
        }
    }

    /// Waits until documents are what their logs came to when this was called, or something newer.
    /// Returns what was computed and could not be kept.
    pub(crate) async fn fresh(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<Vec<NewStanding>, StoreError> {
        let mut waiting = Vec::new();
        {
            let mut queue = self.inner.lock();
            for document in documents {
                let (waiter, done) = oneshot::channel();
                queue.asked.entry((campaign, *document)).or_default().push(waiter);
                waiting.push(done);
            }
            self.wake(&mut queue);
        }
        let mut unkept = Vec::new();
        for done in waiting {
            // A turn that failed drops its waiters.
            unkept.extend(done.await.map_err(|_| unavailable())?);
        }
        Ok(unkept)
    }

    /// Starts as many runners as there are workers, if there is something to do.
    fn wake(&self, queue: &mut Queue) {
        let work = queue.asked.len() + queue.later.len() + usize::from(queue.search.is_some());
        while queue.runners < self.inner.pool.count().min(work) {
            queue.runners += 1;
            let runner = Runner { inner: Arc::clone(&self.inner), is_counted: true };
            tokio::spawn(runner.run());
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing is left half done under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a runner does next.
enum Next {
    Batch(CampaignId, Vec<DocumentId>, Waiters),
    Search(Option<DocumentId>),
}

impl Runner {
    /// Works until nothing is left that another runner is not at already.
    async fn run(mut self) {
        while let Some(next) = self.next() {
            let done = match next {
                Next::Batch(campaign, documents, waiters) => {
                    let inner = Arc::clone(&self.inner);
                    Turn { inner, campaign, documents, waiters }.work().await
                }
                Next::Search(after) => self.search(after).await,
            };
            if let Err(error) = done {
                tracing::warn!(error = %error, "documents were left as they were");
            }
        }
    }

    /// Counts itself out under the same lock where nothing is left: what comes next starts another.
    fn next(&mut self) -> Option<Next> {
        let mut queue = self.inner.lock();
        if let Some((campaign, documents, waiters)) = queue.take(Instant::now()) {
            return Some(Next::Batch(campaign, documents, waiters));
        }
        if let Some(after) = queue.search.take() {
            return Some(Next::Search(after));
        }
        queue.runners -= 1;
        self.is_counted = false;
        None
    }

    /// Queues some of what the store says is stale.
    async fn search(&self, after: Option<DocumentId>) -> Result<(), StoreError> {
        let stale = self.inner.store.household_stale(after).await?;
        let mut queue = self.inner.lock();
        if stale.len() == AT_ONCE {
            queue.search = stale.last().map(|(_, document)| Some(*document));
        }
        let now = Instant::now();
        queue.later.extend(stale.into_iter().map(|key| (key, now)));
        Ok(())
    }
}

impl Turn {
    async fn work(mut self) -> Result<(), StoreError> {
        let inner = &self.inner;
        let unkept = batch::work(&inner.store, &inner.pool, self.campaign, &self.documents).await?;
        let waiters = std::mem::take(&mut self.waiters);
        // Whoever is told looks at the store, and may ask for the same again.
        drop(self);
        for (document, waiter) in waiters {
            let found = unkept.iter().find(|new| new.document == document);
            let _gone = waiter.send(found.cloned());
        }
        Ok(())
    }
}

impl Queue {
    /// Takes a batch of one campaign: first what somebody waits for.
    fn take(&mut self, now: Instant) -> Option<(CampaignId, Vec<DocumentId>, Waiters)> {
        let due = self.later.iter().filter(|(_, then)| **then <= now).map(|(key, _)| key);
        let mut open =
            self.asked.keys().chain(due).filter(|key| !self.busy.contains(key)).peekable();
        let (campaign, _) = **open.peek()?;
        let keys: BTreeSet<Key> =
            open.filter(|(of, _)| *of == campaign).take(AT_ONCE).copied().collect();
        let mut waiters = Vec::new();
        for key in &keys {
            self.later.remove(key);
            let asked = self.asked.remove(key).unwrap_or_default();
            waiters.extend(asked.into_iter().map(|waiter| (key.1, waiter)));
            self.busy.insert(*key);
        }
        Some((campaign, keys.into_iter().map(|(_, document)| document).collect(), waiters))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(campaign: u8, document: u8) -> Key {
        (CampaignId([campaign; 16]), DocumentId([document; 16]))
    }

    #[test]
    fn what_somebody_waits_for_goes_first_and_nothing_is_taken_twice() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.later.extend((0..40).map(|number| (key(1, number), now)));
        let (waiter, _done) = oneshot::channel();
        queue.asked.insert(key(2, 7), vec![waiter]);
        queue.later.insert(key(2, 7), now);

        let (campaign, documents, waiters) = queue.take(now).unwrap();
        assert_eq!((campaign, documents, waiters.len()), (key(2, 7).0, vec![key(2, 7).1], 1));
        let (_, documents, _) = queue.take(now).unwrap();
        assert_eq!(documents.len(), AT_ONCE);
        // The same again while it is under way: it waits for the next turn.
        queue.later.insert(key(1, 0), now);
        let (_, documents, _) = queue.take(now).unwrap();
        assert_eq!(documents.len(), 40 - AT_ONCE);
        assert!(queue.take(now).is_none() && queue.later.len() == 1);
        queue.busy.clear();
        assert_eq!(queue.take(now).unwrap().1, [key(1, 0).1]);
    }

    #[test]
    fn what_nobody_waits_for_is_left_until_more_of_it_may_have_come() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.later.insert(key(1, 1), now + MORE_MAY_COME);
        queue.later.insert(key(1, 2), now + MORE_MAY_COME);
        assert!(queue.take(now).is_none());
        let (waiter, _done) = oneshot::channel();
        queue.asked.insert(key(1, 1), vec![waiter]);
        assert_eq!(queue.take(now).unwrap().1, [key(1, 1).1], "somebody waits for it");
        assert_eq!(queue.take(now + MORE_MAY_COME).unwrap().1, [key(1, 2).1]);
    }
}
