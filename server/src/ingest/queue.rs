//! The queue in front of the writer: bounded by requests and by bytes, and everybody gets a turn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::limits;
use tokio::sync::Notify;

use crate::gate::Caller;

/// What waits: handed in by many, taken by one.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Arc<Mutex<Waiting<T>>>,
    filled: Arc<Notify>,
}

/// What may be waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

/// The room of a running server.
pub(super) const ROOM: Room =
    Room { requests: limits::QUEUE_REQUESTS_MAX, bytes: limits::QUEUE_BYTES_MAX };

#[derive(Debug)]
struct Waiting<T> {
    room: Room,
    of: BTreeMap<Caller, VecDeque<(T, usize)>>,
    /// Callers who have something waiting; the first is served next.
    turns: VecDeque<Caller>,
    closed: bool,
}

/// There is no room, or nobody takes anything any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Queue<T> {
    pub(super) fn new(room: Room) -> Self {
        let waiting = Waiting { room, of: BTreeMap::new(), turns: VecDeque::new(), closed: false };
        Self { waiting: Arc::new(Mutex::new(waiting)), filled: Arc::default() }
    }

    /// Returns another handle of the same queue.
    pub(super) fn handle(&self) -> Self {
        Self { waiting: Arc::clone(&self.waiting), filled: Arc::clone(&self.filled) }
    }

    /// Puts work of so many bytes behind what its caller has waiting.
    pub(super) fn put(&self, caller: Caller, work: T, bytes: usize) -> Result<(), Full> {
        let mut waiting = self.lock();
        if waiting.closed || waiting.room.requests == 0 || waiting.room.bytes < bytes {
            return Err(Full);
        }
        waiting.room.requests -= 1;
        waiting.room.bytes -= bytes;
        let mine = waiting.of.entry(caller).or_default();
        let first = mine.is_empty();
        mine.push_back((work, bytes));
        if first {
            waiting.turns.push_back(caller);
        }
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until there is something, then takes from each caller in turn, at most `most`.
    /// Empty once the queue is closed and nothing is left.
    pub(super) async fn take(&self, most: usize) -> Vec<T> {
        loop {
            let (taken, closed) = self.take_now(most);
            if closed || !taken.is_empty() {
                return taken;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self, most: usize) -> (Vec<T>, bool) {
        let mut waiting = self.lock();
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(caller) = waiting.turns.pop_front() else { break };
            let Some(mine) = waiting.of.get_mut(&caller) else { continue };
            let next = mine.pop_front();
            if mine.is_empty() {
                waiting.of.remove(&caller);
            } else {
                waiting.turns.push_back(caller);
            }
            if let Some((work, bytes)) = next {
                waiting.room.requests += 1;
                waiting.room.bytes += bytes;
                taken.push(work);
            }
        }
        (taken, waiting.closed)
    }

    /// Lets nothing more in; what is there is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing is left half done under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shared::id::DeviceId;

    use super::*;

    fn caller(number: u8) -> Caller {
        Caller::Device(DeviceId([number; 16]))
    }

    #[tokio::test]
    async fn whoever_hands_in_little_does_not_wait_for_whoever_hands_in_much() {
        let queue = Queue::new(Room { requests: 100, bytes: 100 });
        for number in 0..50 {
            queue.put(caller(1), number, 1).unwrap();
        }
        queue.put(caller(2), 100, 1).unwrap();
        queue.put(caller(3), 101, 1).unwrap();
        assert_eq!(queue.take(4).await, [0, 100, 101, 1]);
        assert_eq!(queue.take(2).await, [2, 3], "in the order of each caller");
    }

    #[tokio::test]
    async fn a_full_queue_says_so_until_something_was_taken() {
        let queue = Queue::new(Room { requests: 3, bytes: 10 });
        queue.put(caller(1), 1, 8).unwrap();
        assert_eq!(queue.put(caller(2), 2, 3), Err(Full));
        queue.put(caller(2), 2, 1).unwrap();
        queue.put(caller(3), 3, 1).unwrap();
        assert_eq!(queue.put(caller(4), 4, 0), Err(Full));
        assert_eq!(queue.take(1).await, [1]);
        queue.put(caller(4), 4, 8).unwrap();
    }

    #[tokio::test]
    async fn work_is_taken_after_somebody_panicked_under_the_lock() {
        let queue = Queue::new(Room { requests: 3, bytes: 10 });
        queue.put(caller(1), 1, 1).unwrap();
        let other = queue.handle();
        let panics = std::thread::spawn(move || {
            let _held = other.lock();
            panic!("under the lock");
        });
        assert!(panics.join().is_err());
        queue.put(caller(1), 2, 1).unwrap();
        assert_eq!(queue.take(5).await, [1, 2]);
        queue.close();
        assert_eq!(queue.put(caller(1), 3, 1), Err(Full));
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_and_then_ends() {
        let queue = Queue::new(Room { requests: 3, bytes: 10 });
        queue.put(caller(1), 1, 1).unwrap();
        queue.close();
        assert_eq!(queue.put(caller(1), 2, 1), Err(Full));
        assert_eq!(queue.take(5).await, [1]);
        assert_eq!(queue.take(5).await, [0; 0]);
    }
}
