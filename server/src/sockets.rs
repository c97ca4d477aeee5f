//! Connections of the standard door: how many there may be, and which one a new one replaces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::id::DeviceId;
use shared::limits;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Connections of one device, by the name of their peer.
type OfDevice = BTreeMap<String, Arc<Notify>>;

/// Every connection of the standard door.
#[derive(Debug)]
pub(crate) struct Sockets {
    places: Arc<Semaphore>,
    greeted: Semaphore,
    turned_away: Arc<Semaphore>,
    waiting: Arc<Mutex<BTreeMap<DeviceId, usize>>>,
    joined: Arc<Mutex<BTreeMap<DeviceId, OfDevice>>>,
}

/// Connections that were told why they end and are not closed yet, so that they do not come back at
/// once: most of a province's tablets, whose tickets end in one hour.
const TURNED_AWAY_MAX: usize = 1_024;

/// Connections whose first message is read at one time. Anybody may send one, of the largest size.
const GREETED_MAX: usize = 256;

impl Default for Sockets {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits::REPO_SOCKETS_MAX)),
            greeted: Semaphore::new(GREETED_MAX),
            waiting: Arc::default(),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
            joined: Arc::default(),
        }
    }
}

/// A connection that has joined; its seat is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    device: DeviceId,
    sender: String,
    replaced: Arc<Notify>,
    joined: Arc<Mutex<BTreeMap<DeviceId, OfDevice>>>,
}

impl Sockets {
    /// Takes one of the places for connections, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Waits until somebody's first message may be read.
    pub(crate) async fn greeted(&self) -> Option<SemaphorePermit<'_>> {
        self.greeted.acquire().await.ok()
    }

    /// Takes one of the places for those who were turned away, if there is one, and the device has
    /// not as many as it may.
    pub(crate) fn waiting_room(&self, device: DeviceId) -> Option<Waiting> {
        let place = Arc::clone(&self.turned_away).try_acquire_owned().ok()?;
        let mut waiting = lock(&self.waiting);
        let mine = waiting.entry(device).or_default();
        if *mine >= limits::REPO_SOCKETS_PER_DEVICE_MAX {
            return None;
        }
        *mine += 1;
        Some(Waiting { device, waiting: Arc::clone(&self.waiting), _place: place })
    }

    /// Seats a peer of a device. An earlier connection of the same peer is told that it is replaced;
    /// none where the device has as many connections as it may.
    pub(crate) fn seat(&self, device: DeviceId, sender: &str) -> Option<Seat> {
        let mut joined = lock(&self.joined);
        let mine = joined.entry(device).or_default();
        if mine.len() >= limits::REPO_SOCKETS_PER_DEVICE_MAX && !mine.contains_key(sender) {
            return None;
        }
        let replaced = Arc::new(Notify::new());
        if let Some(before) = mine.insert(sender.to_owned(), Arc::clone(&replaced)) {
            before.notify_one();
        }
        let (sender, joined) = (sender.to_owned(), Arc::clone(&self.joined));
        Some(Seat { device, sender, replaced, joined })
    }
}

/// A place among those who were turned away; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    device: DeviceId,
    waiting: Arc<Mutex<BTreeMap<DeviceId, usize>>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        let Some(mine) = waiting.get_mut(&self.device) else { return };
        *mine -= 1;
        if *mine == 0 {
            waiting.remove(&self.device);
        }
    }
}

impl Seat {
    /// Waits until the same peer has joined again.
    pub(crate) async fn replaced(&self) {
        self.replaced.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut joined = lock(&self.joined);
        let Some(mine) = joined.get_mut(&self.device) else { return };
        // Another connection may sit there by now.
        if mine.get(&self.sender).is_some_and(|seat| Arc::ptr_eq(seat, &self.replaced)) {
            mine.remove(&self.sender);
        }
        if mine.is_empty() {
            joined.remove(&self.device);
        }
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PHONE: DeviceId = DeviceId([1; 16]);

    #[tokio::test]
    async fn who_joins_again_takes_the_seat_and_the_first_is_told() {
        let sockets = Sockets::default();
        let first = sockets.seat(PHONE, "peer").unwrap();
        let second = sockets.seat(PHONE, "peer").unwrap();
        first.replaced().await;
        drop(first);
        assert!(lock(&sockets.joined)[&PHONE].contains_key("peer"), "it is the second's");
        drop(second);
        assert!(lock(&sockets.joined).is_empty());
    }

    #[test]
    fn a_device_that_is_turned_away_leaves_the_others_their_room() {
        let sockets = Sockets::default();
        let waiting: Vec<_> = (0..limits::REPO_SOCKETS_PER_DEVICE_MAX)
            .map(|_| sockets.waiting_room(PHONE).unwrap())
            .collect();
        assert!(sockets.waiting_room(PHONE).is_none());
        assert!(sockets.waiting_room(DeviceId([2; 16])).is_some());
        drop(waiting);
        assert!(lock(&sockets.waiting).is_empty());
        assert!(sockets.waiting_room(PHONE).is_some());
    }

    #[test]
    fn a_device_has_its_number_of_connections_and_another_its_own() {
        let sockets = Sockets::default();
        let seats: Vec<_> = (0..limits::REPO_SOCKETS_PER_DEVICE_MAX)
            .map(|number| sockets.seat(PHONE, &number.to_string()).unwrap())
            .collect();
        assert!(sockets.seat(PHONE, "one more").is_none());
        assert!(sockets.seat(PHONE, "0").is_some(), "that is no further one");
        assert!(sockets.seat(DeviceId([2; 16]), "one more").is_some());
        drop(seats);
        assert!(sockets.seat(PHONE, "one more").is_some());
    }
}
