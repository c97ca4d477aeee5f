//! A server process and the workers it started: their processor time and their memory.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::machine::{field, number, ticks};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How often it is asked whether a server has come to rest, and how often in a row it has to have.
const REST: (Duration, u32) = (Duration::from_millis(250), 10);

/// Looks after which a server is taken as it is: two minutes.
const LOOKS_MAX: u32 = 480;

/// Processor time between two looks that counts as rest, milliseconds: the clock counts in tens.
const REST_CPU_MS: u64 = 20;

/// Processor time so far, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Of the server process.
    pub server_ms: u64,
    /// Of its workers, those that ended too.
    pub workers_ms: u64,
}

impl Cpu {
    /// Returns what was used since an earlier time.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            server_ms: self.server_ms.saturating_sub(before.server_ms),
            // One that ends between two files of one look is missing from it.
            workers_ms: self.workers_ms.saturating_sub(before.workers_ms),
        }
    }

    /// Returns that of all processes together.
    pub fn all_ms(self) -> u64 {
        self.server_ms + self.workers_ms
    }
}

/// Resident memory, KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// All of it, the pages of the program itself among it.
    pub rss_kib: u64,
    /// What no file is behind.
    pub anonymous_kib: u64,
}

impl Resident {
    fn of(process: u32) -> Self {
        let file = format!("/proc/{process}/status");
        let kib = |name: &str| field(&file, name).map_or(0, |text| number(&text));
        Self { rss_kib: kib("VmRSS"), anonymous_kib: kib("RssAnon") }
    }

    fn and(self, other: Self) -> Self {
        Self {
            rss_kib: self.rss_kib + other.rss_kib,
            anonymous_kib: self.anonymous_kib + other.anonymous_kib,
        }
    }

    fn most(self, other: Self) -> Self {
        Self {
            rss_kib: self.rss_kib.max(other.rss_kib),
            anonymous_kib: self.anonymous_kib.max(other.anonymous_kib),
        }
    }
}

/// Memory of a server and its workers, at one time or at the most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Of the server process.
    pub server: Resident,
    /// Of its workers together.
    pub workers: Resident,
    /// How many workers.
    pub workers_count: usize,
}

/// Finds the processes that one started and that still run.
fn children(process: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| ticks(*id).is_some_and(|ticks| ticks.parent == process)).collect()
}

/// Reads the processor time of a server and its workers; zeros where it is gone.
pub fn cpu(server: u32) -> Cpu {
    let Some(own) = ticks(server) else { return Cpu::default() };
    let running = children(server).into_iter().filter_map(ticks).map(|ticks| ticks.own_ms);
    Cpu { server_ms: own.own_ms, workers_ms: own.buried_ms + running.sum::<u64>() }
}

/// Reads the memory of a server and its workers as it is now.
pub fn memory(server: u32) -> Memory {
    let workers = children(server);
    Memory {
        server: Resident::of(server),
        workers: workers.iter().fold(Resident::default(), |sum, id| sum.and(Resident::of(*id))),
        workers_count: workers.len(),
    }
}

/// Waits until a server and its workers have nothing left to do; false where they never rest.
pub async fn rest(server: u32) -> bool {
    let (mut before, mut still) = (cpu(server), 0);
    for _ in 0..LOOKS_MAX {
        tokio::time::sleep(REST.0).await;
        let now = cpu(server);
        still = if now.since(before).all_ms() <= REST_CPU_MS { still + 1 } else { 0 };
        before = now;
        if still == REST.1 {
            return true;
        }
    }
    false
}

/// Somebody who looks at the memory of a server all the time.
#[derive(Debug)]
pub struct Watch {
    most: Arc<Mutex<Memory>>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Starts to look.
    pub fn over(server: u32) -> Self {
        let most = Arc::<Mutex<Memory>>::default();
        let (stop, stopped) = channel();
        let seen = Arc::clone(&most);
        let thread = std::thread::spawn(move || {
            // Whoever is asked to stop, or is forgotten, stops.
            while stopped.recv_timeout(LOOK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let now = memory(server);
                let mut most = seen.lock().unwrap_or_else(PoisonError::into_inner);
                most.server = most.server.most(now.server);
                most.workers = most.workers.most(now.workers);
                most.workers_count = most.workers_count.max(now.workers_count);
            }
        });
        Self { most, stop, thread }
    }

    /// Stops, and returns the most of each that was seen.
    pub fn most(self) -> Memory {
        let Self { most, stop, thread } = self;
        drop(stop);
        thread.join().expect("it looks");
        *most.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
