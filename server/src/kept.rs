//! What was worked out before, kept in memory for as long as what it rests on has not moved.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by their key, each with the mark of what it rests on. Bounded: where there would be too
/// many, all are forgotten and worked out again as they are asked for.
#[derive(Debug)]
pub(crate) struct Kept<K, M, V> {
    most: usize,
    all: Mutex<BTreeMap<K, (M, V)>>,
}

impl<K: Ord, M: Clone + PartialEq, V: Clone> Kept<K, M, V> {
    /// Keeps at most so many values.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    /// Returns what was kept last, with its mark.
    pub(crate) fn last(&self, key: &K) -> Option<(M, V)> {
        self.lock().get(key).cloned()
    }

    /// Returns what was kept at this very mark.
    pub(crate) fn at(&self, key: &K, mark: &M) -> Option<V> {
        self.last(key).filter(|(kept, _)| kept == mark).map(|(_, value)| value)
    }

    /// Keeps a value.
    pub(crate) fn put(&self, key: K, mark: M, value: V) {
        let mut all = self.lock();
        if all.len() >= self.most && !all.contains_key(&key) {
            all.clear();
        }
        all.insert(key, (mark, value));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, (M, V)>> {
        // Nothing is left half done under the lock.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_at_its_mark_and_no_more_than_so_many() {
        let kept = Kept::new(2);
        kept.put("a", 1, "one");
        kept.put("b", 1, "one");
        kept.put("a", 2, "two");
        assert_eq!((kept.at(&"a", &1), kept.at(&"a", &2)), (None, Some("two")));
        assert_eq!(kept.last(&"b"), Some((1, "one")));
        kept.put("c", 1, "one");
        assert_eq!((kept.last(&"a"), kept.last(&"c")), (None, Some((1, "one"))));
    }
}
