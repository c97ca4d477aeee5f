//! A switch with which tests let the n-th storage call fail. A release build has none.
//!
//! Counted is every statement, begin and commit of one store; a commit twice, before and after: the
//! second time everything is durable and only the answer is lost.

use super::StoreError;

/// How long a fault lasts.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One call fails.
    Once,
    /// That call fails and every one after it, until the switch is set again.
    ForGood,
}

/// The switch of one store.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    #[cfg(debug_assertions)]
    state: std::sync::Arc<std::sync::Mutex<State>>,
}

#[cfg(debug_assertions)]
#[derive(Debug, Default)]
struct State {
    calls: u64,
    planned: Option<(u64, Lasting)>,
    failed: u64,
}

#[cfg(debug_assertions)]
impl Faults {
    /// Lets the `nth` call from now on fail, counted from 1; counting starts anew.
    pub fn plan(&self, nth: u64, lasting: Lasting) {
        *self.lock() = State { planned: Some((nth, lasting)), ..State::default() };
    }

    /// Lets every call through again; returns how many calls failed.
    pub fn heal(&self) -> u64 {
        let mut state = self.lock();
        state.planned = None;
        state.failed
    }

    /// Returns how many calls there were since the switch was last set.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    pub(super) fn pass(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.calls += 1;
        let fails = match state.planned {
            Some((nth, Lasting::Once)) => state.calls == nth,
            Some((nth, Lasting::ForGood)) => state.calls >= nth,
            None => false,
        };
        if !fails {
            return Ok(());
        }
        state.failed += 1;
        let error = std::io::Error::other("a fault planned by a test");
        Err(StoreError::from(sqlx::Error::Io(error)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

#[cfg(not(debug_assertions))]
impl Faults {
    pub(super) fn pass(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
