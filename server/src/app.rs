//! What every handler works with: the store, the keys, the clock and the built-in data.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use shared::aggregate::Counts;
use shared::date::Date;
use shared::id::Digest;
use shared::unit::{RowError, RowProblem, UnitTree, Units};

use crate::config::Config;
use crate::ingest::Writer;
use crate::keys::{KeyError, Keys, random};
use crate::store::{Store, StoreError};

/// The running installation, cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// Shared by every request.
pub struct Inner {
    /// The store.
    pub store: Store,
    /// The server's key.
    pub keys: Keys,
    /// The store's epoch; another one means that it was restored.
    pub epoch: [u8; 16],
    /// The queue that groups durable writes.
    pub(crate) writer: Writer,
    /// Passwords being hashed at one time: each takes 19 MiB.
    pub(crate) hashing: tokio::sync::Semaphore,
    /// A hash nobody has the password of, so that unknown names take as long as known ones.
    pub(crate) decoy_hash: String,
    trees: Mutex<BTreeMap<Date, Arc<UnitTree>>>,
    /// Counts of frozen lists by root: immutable, so never stale.
    pub(crate) counts: Mutex<BTreeMap<Digest, Arc<Counts>>>,
    clock: fn() -> i64,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Why an installation does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made.
    #[error("the data folder cannot be used")]
    Data(#[from] std::io::Error),
    /// The key file is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Store(#[from] StoreError),
    /// The address is taken or not this machine's.
    #[error("the address cannot be listened on: {0}")]
    Listen(#[source] std::io::Error),
}

/// Reads the system clock, milliseconds UTC.
pub fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl App {
    /// Opens an installation, creating what is missing.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        Self::open_at(config, system_clock).await
    }

    /// Opens an installation with a clock of the caller's.
    pub async fn open_at(config: &Config, clock: fn() -> i64) -> Result<Self, StartError> {
        std::fs::create_dir_all(&config.data)?;
        let keys = Keys::open(&config.data)?;
        let store = match &config.database {
            Some(url) => Store::postgres(url).await?,
            None => Store::sqlite(&config.data.join("rasoat.sqlite")).await?,
        };
        let epoch = store.epoch(random()).await?;
        let writer = Writer::start(store.clone());
        let decoy_hash = crate::auth::hash_password(&shared::id::to_hex(&random::<16>()));
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                keys,
                epoch,
                writer,
                hashing: tokio::sync::Semaphore::new(2),
                decoy_hash,
                trees: Mutex::default(),
                counts: Mutex::default(),
                clock,
            }),
        })
    }

    /// Returns now, milliseconds UTC.
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Returns the units in force on a date, read once.
    pub(crate) async fn tree(&self, date: Date) -> Result<Arc<UnitTree>, StoreError> {
        let known = self.trees.lock().ok().and_then(|trees| trees.get(&date).cloned());
        if let Some(tree) = known {
            return Ok(tree);
        }
        let units = known_units(&self.store.unit_files().await?).ok_or(StoreError::Damaged)?;
        let tree = Arc::new(units.at(date));
        if let Ok(mut trees) = self.trees.lock() {
            trees.insert(date, Arc::clone(&tree));
        }
        Ok(tree)
    }

    /// Forgets the units read before, after an import of others.
    pub(crate) fn forget_trees(&self) {
        if let Ok(mut trees) = self.trees.lock() {
            trees.clear();
        }
    }
}

/// Joins the built-in list of units with the files loaded beside it; equal lines count once.
pub(crate) fn known_units(files: &[String]) -> Option<Units> {
    Units::parse_csv(&joined_units(files)).ok()
}

/// A fault of a list of units, by the line of the list; none where a row of an earlier list is
/// contradicted that the new one does not hold.
pub(crate) type UnitFault = (Option<usize>, RowProblem);

/// Checks a list of units on its own and then beside those already known.
///
/// A code that stood for two units on one day would make every list of that day ambiguous.
pub(crate) fn check_units(mut files: Vec<String>, sent: &str) -> Result<(), Vec<UnitFault>> {
    let named = |errors: Vec<RowError>, line_of: &dyn Fn(usize) -> Option<usize>| -> Vec<_> {
        errors.into_iter().map(|error| (line_of(error.line), error.problem)).collect()
    };
    Units::parse_csv(sent).map_err(|errors| named(errors, &Some))?;
    files.push(sent.to_owned());
    let all = joined_units(&files);
    let line_sent = |line: usize| {
        let row = all.lines().nth(line.checked_sub(1)?)?;
        (1..).zip(sent.lines()).find(|(_, text)| text.trim_end() == row).map(|(line, _)| line)
    };
    Units::parse_csv(&all).map(drop).map_err(|errors| named(errors, &line_sent))
}

/// Writes the built-in list and the files as one, so that they are checked against each other.
fn joined_units(files: &[String]) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let builtin = std::iter::once(Units::QUANG_TRI_2022);
    builtin
        .chain(files.iter().map(String::as_str))
        .flat_map(|text| text.trim_start_matches('\u{feff}').lines())
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && seen.insert(*line))
        .fold(String::new(), |joined, line| joined + line + "\n")
}
