//! Documents of which nothing was sent yet, since no worker has looked at them: when to look again.

use std::collections::BTreeSet;

use shared::id::DocumentId;
use tokio::time::{Duration, Instant};

/// How long they are left alone at first, and at most: each time twice as long. What a worker sets
/// aside is news and comes at once; what it finds sound is not.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits until then; for ever where there is nothing to wait for.
pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Documents held up.
#[derive(Debug)]
pub(super) struct HeldUp {
    documents: BTreeSet<DocumentId>,
    wait: Duration,
    at: Option<Instant>,
}

impl HeldUp {
    pub(super) fn new() -> Self {
        Self { documents: BTreeSet::new(), wait: SHORTEST, at: None }
    }

    /// Says when they are to be looked at again.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Notes that nothing was sent of a document.
    pub(super) fn add(&mut self, document: DocumentId, now: Instant) {
        self.documents.insert(document);
        self.at.get_or_insert(now + self.wait);
    }

    /// Takes them out; those that are added again before `looked` wait twice as long.
    pub(super) fn take(&mut self) -> BTreeSet<DocumentId> {
        self.at = None;
        self.wait = (self.wait * 2).min(LONGEST);
        std::mem::take(&mut self.documents)
    }

    /// Notes that they have been looked at.
    pub(super) fn looked(&mut self) {
        if self.documents.is_empty() {
            self.wait = SHORTEST;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_stays_held_up_is_looked_at_ever_more_rarely() {
        let (mut held, now) = (HeldUp::new(), Instant::now());
        assert_eq!(held.at(), None);
        let mut waits = Vec::new();
        for _ in 0..7 {
            held.add(DocumentId([1; 16]), now);
            held.add(DocumentId([2; 16]), now + LONGEST);
            waits.push((held.at().unwrap() - now).as_secs());
            assert_eq!(held.take().len(), 2);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        held.looked();
        held.add(DocumentId([1; 16]), now);
        assert_eq!(held.at(), Some(now + SHORTEST));
    }
}
