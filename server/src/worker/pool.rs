//! The workers of one server: a fixed few, started when needed, started again after a death.
//!
//! A document that a worker does not get over is asked about once more, alone. Only then is it said
//! to be the document's fault.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::child::{Fault, Worker};
use super::{Answer, BasisText, Job, OwnedBasis, answer};
use crate::store::StoreError;

/// Workers of one server: one for each core of the small machine it runs on.
const WORKERS: usize = 2;

/// Where documents are merged.
#[derive(Debug, Clone)]
pub enum Merging {
    /// In worker processes of this program, at most so many at a time.
    Workers {
        /// The program, `rasoat` itself.
        program: PathBuf,
        /// How many.
        count: usize,
        /// Arguments after `worker`.
        arguments: Vec<String>,
    },
    /// In the server's own process: for tests, and where there is no program to start.
    InProcess,
}

impl Merging {
    /// Takes the running program where it is `rasoat`; any other merges in its own process.
    pub fn found() -> Self {
        let own = std::env::current_exe().ok();
        match own.filter(|own| own.file_stem().is_some_and(|name| name == "rasoat")) {
            // The same program, whatever an upgrade has put in its place by then.
            Some(_) if cfg!(target_os = "linux") => Self::Workers {
                program: "/proc/self/exe".into(),
                count: WORKERS,
                arguments: Vec::new(),
            },
            Some(program) => Self::Workers { program, count: WORKERS, arguments: Vec::new() },
            None => Self::InProcess,
        }
    }
}

/// What came of one job; `None` where nobody got over the document.
pub(crate) type Outcome = Option<Answer>;

/// The workers of one server.
#[derive(Debug)]
pub(crate) struct Pool {
    merging: Merging,
    turns: Semaphore,
    idle: Mutex<Vec<Worker>>,
    restarts: AtomicU64,
}

impl Pool {
    /// Makes a pool; nothing is started yet.
    pub(crate) fn new(merging: Merging) -> Self {
        let count = match &merging {
            Merging::Workers { count, .. } => (*count).max(1),
            Merging::InProcess => WORKERS,
        };
        if matches!(merging, Merging::InProcess) {
            static WARNED: std::sync::Once = std::sync::Once::new();
            WARNED.call_once(|| {
                tracing::warn!("documents are merged in this process, without a memory limit");
            });
        }
        Self {
            merging,
            turns: Semaphore::new(count),
            idle: Mutex::default(),
            restarts: AtomicU64::new(0),
        }
    }

    /// Returns how many batches can be asked about at one time.
    pub(crate) fn count(&self) -> usize {
        match &self.merging {
            Merging::Workers { count, .. } => (*count).max(1),
            Merging::InProcess => WORKERS,
        }
    }

    /// Tells whether documents are merged outside this process.
    pub(crate) fn is_isolated(&self) -> bool {
        matches!(self.merging, Merging::Workers { .. })
    }

    /// Counts the workers that died or were killed over a document since the server started.
    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Answers jobs in their order. An error means that no worker can be had, and says nothing
    /// about any document.
    pub(crate) async fn ask(
        &self,
        basis: &BasisText,
        jobs: Vec<Job>,
    ) -> Result<Vec<Outcome>, StoreError> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await.map_err(|_| unavailable())?;
        let outcomes = if self.is_isolated() {
            self.ask_workers(basis, &jobs).await?
        } else {
            ask_here(basis.clone(), jobs).await?
        };
        if outcomes.iter().flatten().any(|answer| matches!(answer, Answer::NoBasis)) {
            return Err(StoreError::Damaged);
        }
        let panicked = |answer: &Answer| matches!(answer, Answer::Panicked);
        Ok(outcomes.into_iter().map(|outcome| outcome.filter(|found| !panicked(found))).collect())
    }

    async fn ask_workers(
        &self,
        basis: &BasisText,
        jobs: &[Job],
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::new();
        let mut is_alone = false;
        while outcomes.len() < jobs.len() {
            let rest = &jobs[outcomes.len()..];
            let batch = if is_alone { &rest[..1] } else { rest };
            let mut worker = self.worker().await?;
            let (answers, fault) = worker.ask(basis, batch).await;
            outcomes.extend(answers.into_iter().map(Some));
            match fault {
                None => {
                    self.put_back(worker);
                    is_alone = false;
                }
                Some(fault) => {
                    self.note(fault);
                    if is_alone {
                        outcomes.push(None);
                    }
                    is_alone = !is_alone;
                }
            }
        }
        Ok(outcomes)
    }

    fn note(&self, fault: Fault) {
        let restarts = self.restarts.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(why = fault.name(), restarts, "a worker was lost over a document");
    }

    async fn worker(&self) -> Result<Worker, StoreError> {
        if let Some(worker) = self.idle.lock().ok().and_then(|mut idle| idle.pop()) {
            return Ok(worker);
        }
        let Merging::Workers { program, arguments, .. } = &self.merging else {
            return Err(unavailable());
        };
        Worker::start(program, arguments).await.map_err(|error| {
            tracing::error!(error = %error, "no worker can be started");
            unavailable()
        })
    }

    fn put_back(&self, worker: Worker) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
    }
}

async fn ask_here(basis: BasisText, jobs: Vec<Job>) -> Result<Vec<Outcome>, StoreError> {
    let work = move || {
        let basis = OwnedBasis::of(&basis);
        jobs.iter().map(|job| Some(answer(job, basis.as_ref()))).collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Damaged)
}

/// Says that the caller may try again.
pub(crate) fn unavailable() -> StoreError {
    StoreError::Busy(sqlx::Error::WorkerCrashed)
}
