//! What one sender may take of the server, and how much may be in memory at one time.
//!
//! Everything here is asked before signatures are checked, and forgets: no table grows beyond its
//! bound, whoever comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mobile_schema::problem;
use shared::bucket::{Bucket, Empty, Rate};
use shared::id::{AccountId, DeviceId};
use shared::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::Actor;
use crate::problem::Problem;

/// Bytes that one permit of a budget stands for.
const GRAIN: usize = 1024;

/// Longest wait for a place among the files.
const FILE_WAIT: Duration = Duration::from_secs(30);

/// Who a request is counted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    /// An enrolled device.
    Device(DeviceId),
    /// A person signed in without one.
    Person(AccountId),
}

impl Caller {
    /// Returns who a signed-in person's requests are counted to.
    pub(crate) fn of(actor: &Actor) -> Self {
        let device = actor.device.as_ref();
        device.map_or(Self::Person(actor.account.id), |device| Self::Device(device.id))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Caller(Caller),
    Unit(String),
}

impl Key {
    fn rate(&self) -> Rate {
        match self {
            Self::Caller(_) => limits::DEVICE_RATE,
            Self::Unit(_) => limits::UNIT_RATE,
        }
    }
}

/// The bounds of a running server.
#[derive(Debug)]
pub(crate) struct Gate {
    buckets: Mutex<BTreeMap<Key, Bucket>>,
    bodies: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    inside: Arc<Mutex<BTreeMap<Caller, usize>>>,
    files: Arc<Semaphore>,
    sending: Arc<Mutex<BTreeMap<Caller, usize>>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            buckets: Mutex::default(),
            bodies: Arc::new(Semaphore::new(limits::BODIES_BYTES_MAX / GRAIN)),
            answers: Arc::new(Semaphore::new(limits::ANSWERS_BYTES_MAX / GRAIN)),
            places: Arc::new(Semaphore::new(limits::SYNCS_MAX)),
            waiting: Arc::new(Semaphore::new(limits::SYNCS_WAITING_MAX)),
            inside: Arc::default(),
            files: Arc::new(Semaphore::new(limits::FILES_MAX)),
            sending: Arc::default(),
        }
    }
}

/// A share of the memory for bodies or answers, given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Share {
    /// Gives back what so many bytes do not need.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        if let Some(held) = &mut self.0 {
            drop(held.split(held.num_permits().saturating_sub(bytes.div_ceil(GRAIN))));
        }
    }
}

/// A place among the requests being worked on, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _inside: Inside,
}

#[derive(Debug)]
struct Inside {
    caller: Caller,
    all: Arc<Mutex<BTreeMap<Caller, usize>>>,
}

impl Inside {
    fn of(
        all: &Arc<Mutex<BTreeMap<Caller, usize>>>,
        caller: Caller,
        most: usize,
    ) -> Result<Self, Problem> {
        let mut counts = locked(all);
        let count = counts.entry(caller).or_default();
        if *count >= most {
            return Err(Problem::new(&problem::TOO_MANY));
        }
        *count += 1;
        Ok(Self { caller, all: Arc::clone(all) })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut all = locked(&self.all);
        if let Some(count) = all.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.caller);
            }
        }
    }
}

/// Locks, also where somebody panicked under the lock: a bound holds all the same.
fn locked<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Counts a request to its sender and the sender's unit, or tells when to come back.
    pub(crate) fn charge(
        &self,
        caller: Caller,
        unit: &str,
        cost: u64,
        now_ms: i64,
    ) -> Result<(), Problem> {
        let mut buckets = locked(&self.buckets);
        let keys = [Key::Caller(caller), Key::Unit(unit.to_owned())];
        let mut charged = Vec::new();
        for key in keys {
            let mut bucket = buckets.get(&key).copied().unwrap_or_default();
            if let Err(Empty { wait_ms }) = bucket.take(key.rate(), cost, now_ms) {
                return Err(Problem::new(&problem::TOO_MANY).after_ms(wait_ms));
            }
            charged.push((key, bucket));
        }
        for (key, bucket) in charged {
            if buckets.len() >= limits::BUCKETS_MAX && !buckets.contains_key(&key) {
                buckets.retain(|key, bucket| !bucket.is_full(key.rate(), now_ms));
            }
            if buckets.len() >= limits::BUCKETS_MAX && !buckets.contains_key(&key) {
                buckets.pop_first();
            }
            buckets.insert(key, bucket);
        }
        Ok(())
    }

    /// Waits for a place among the requests being worked on. One sender cannot fill them.
    pub(crate) async fn enter(&self, caller: Caller) -> Result<Place, Problem> {
        let inside = Inside::of(&self.inside, caller, limits::SYNCS_PER_DEVICE_MAX)?;
        let _waits =
            Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| &problem::TOO_BUSY)?;
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| &problem::TOO_BUSY)?;
        Ok(Place { _place: place, _inside: inside })
    }

    /// Waits for a place among the files that are in memory. One sender cannot fill them.
    pub(crate) async fn file(&self, caller: Caller) -> Result<Place, Problem> {
        let inside = Inside::of(&self.sending, caller, limits::FILES_PER_SENDER_MAX)?;
        let place = Arc::clone(&self.files).acquire_owned();
        let place = tokio::time::timeout(FILE_WAIT, place).await.map_err(|_| &problem::TOO_BUSY)?;
        Ok(Place { _place: place.map_err(|_| &problem::TOO_BUSY)?, _inside: inside })
    }

    /// Takes a share of the memory for answers: as much as is wanted, or the least there can be, or
    /// tells the caller to come back. Returns how many bytes it is.
    pub(crate) fn answer(&self, wanted: usize) -> Result<(Share, usize), Problem> {
        for bytes in [wanted, limits::ANSWER_BYTES_MIN] {
            let grains = u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX);
            if let Ok(permit) = Arc::clone(&self.answers).try_acquire_many_owned(grains) {
                return Ok((Share(Some(permit)), bytes));
            }
        }
        Err(Problem::new(&problem::TOO_BUSY))
    }

    /// Takes a share of the memory for an answer that cannot be made smaller, or tells the caller to
    /// come back.
    pub(crate) fn whole_answer(&self, bytes: usize) -> Result<Share, Problem> {
        let bytes = bytes.min(limits::ANSWERS_BYTES_MAX);
        let grains = u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.answers).try_acquire_many_owned(grains);
        permit.map(|permit| Share(Some(permit))).map_err(|_| Problem::new(&problem::TOO_BUSY))
    }

    /// Makes a share of the memory for bodies large enough, or tells the sender to come back.
    pub(crate) fn hold(&self, share: &mut Share, bytes: usize) -> Result<(), Problem> {
        let held = share.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        // Sixteen grains at a time, so that a body that trickles in asks rarely.
        let wanted = bytes.div_ceil(16 * GRAIN) * 16;
        let more = u32::try_from(wanted.saturating_sub(held)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let permit = Arc::clone(&self.bodies)
            .try_acquire_many_owned(more)
            .map_err(|_| &problem::TOO_BUSY)?;
        match &mut share.0 {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn device(number: u32) -> Caller {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        Caller::Device(DeviceId(id))
    }

    #[test]
    fn a_device_that_asks_too_much_is_told_to_wait_and_the_others_are_not() {
        let gate = Gate::default();
        let burst = limits::DEVICE_RATE.burst;
        gate.charge(device(1), "19558", burst, 0).unwrap();
        assert!(gate.charge(device(1), "19558", 1, 0).is_err());
        gate.charge(device(2), "19558", burst, 0).unwrap();
        gate.charge(device(1), "19558", 1, 1_000).unwrap();
    }

    #[test]
    fn a_unit_that_asks_too_much_leaves_the_others_their_server() {
        let gate = Gate::default();
        let devices = u32::try_from(limits::UNIT_RATE.burst / limits::DEVICE_RATE.burst).unwrap();
        for number in 0..devices {
            gate.charge(device(number), "19558", limits::DEVICE_RATE.burst, 0).unwrap();
        }
        assert!(gate.charge(device(devices), "19558", 1, 0).is_err());
        gate.charge(device(devices), "19561", 1, 0).unwrap();
    }

    #[test]
    fn however_many_devices_come_the_table_has_its_bound() {
        let gate = Gate::default();
        for number in 0..40_000 {
            gate.charge(device(number), "19558", 1, 0).unwrap();
        }
        assert!(gate.buckets.lock().unwrap().len() <= limits::BUCKETS_MAX);
    }

    #[tokio::test]
    async fn one_device_cannot_take_every_place() {
        let gate = Gate::default();
        let mut places = Vec::new();
        for _ in 0..limits::SYNCS_PER_DEVICE_MAX {
            places.push(gate.enter(device(1)).await.unwrap());
        }
        assert!(gate.enter(device(1)).await.is_err());
        gate.enter(device(2)).await.unwrap();
        places.pop();
        gate.enter(device(1)).await.unwrap();
        drop(places);
        assert!(gate.inside.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn one_sender_cannot_take_every_place_for_files() {
        let gate = Gate::default();
        let mut places = Vec::new();
        for _ in 0..limits::FILES_PER_SENDER_MAX {
            places.push(gate.file(device(1)).await.unwrap());
        }
        assert!(gate.file(device(1)).await.is_err());
        let _another = gate.file(device(2)).await.unwrap();
        places.pop();
        gate.file(device(1)).await.unwrap();
    }

    #[tokio::test]
    async fn the_bounds_hold_after_somebody_panicked_under_them() {
        let gate = Gate::default();
        let panicked = std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _held = (gate.buckets.lock().unwrap(), gate.inside.lock().unwrap());
                panic!("under the locks");
            });
            panics.join().is_err()
        });
        assert!(panicked);
        gate.charge(device(1), "19558", limits::DEVICE_RATE.burst, 0).unwrap();
        assert!(gate.charge(device(1), "19558", 1, 0).is_err());
        for _ in 0..2 {
            let mut places = Vec::new();
            for _ in 0..limits::SYNCS_PER_DEVICE_MAX {
                places.push(gate.enter(device(1)).await.unwrap());
            }
            assert!(gate.enter(device(1)).await.is_err());
        }
    }

    #[test]
    fn answers_get_smaller_and_then_wait_where_phones_take_theirs_slowly() {
        let gate = Gate::default();
        let all = limits::ANSWERS_BYTES_MAX - limits::ANSWER_BYTES_MIN;
        let (mut first, bytes) = gate.answer(all).unwrap();
        assert_eq!(bytes, all);
        let (second, bytes) = gate.answer(limits::ANSWER_BYTES).unwrap();
        assert_eq!(bytes, limits::ANSWER_BYTES_MIN);
        assert!(gate.answer(limits::ANSWER_BYTES).is_err());
        first.shrink(1);
        assert_eq!(gate.answer(limits::ANSWER_BYTES).unwrap().1, limits::ANSWER_BYTES);
        drop((first, second));
        assert_eq!(gate.answers.available_permits(), limits::ANSWERS_BYTES_MAX / GRAIN);
    }

    #[test]
    fn the_memory_for_bodies_is_shared_and_given_back() {
        let gate = Gate::default();
        let mut share = Share::default();
        gate.hold(&mut share, 1).unwrap();
        gate.hold(&mut share, limits::BODIES_BYTES_MAX).unwrap();
        let mut late = Share::default();
        assert!(gate.hold(&mut late, 1).is_err());
        drop(share);
        gate.hold(&mut late, 1).unwrap();
    }
}
