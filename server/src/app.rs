//! What every handler works with: the store, the keys, the clock and the built-in data.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use shared::aggregate::Counts;
use shared::forms::Tally;
use shared::id::{CampaignId, Digest, DocumentId};
use shared::phones::Against;

use crate::config::Config;
use crate::gate::Gate;
use crate::http::comparison::Touches;
use crate::http::desk::Progress;
use crate::http::unseen::LookedAt;
use crate::imports::units::{Known, UnitFault, check_units};
use crate::ingest::Writer;
use crate::kept::Kept;
use crate::keys::{KeyError, Keys, random};
use crate::materialise::Materialiser;
use crate::sockets::Sockets;
use crate::store::desk::Mark;
use crate::store::news::Herald;
use crate::store::{Store, StoreError};
use crate::worker::pool::Merging;

/// Who touched each household of a unit.
type Touched = Arc<BTreeMap<DocumentId, Touches>>;

/// Units whose progress is kept in memory: those of a province and its neighbour.
const UNITS_KEPT: usize = 256;

/// Households kept in memory as they were held against their phones: about a kilobyte each.
const HOUSEHOLDS_KEPT: usize = 2048;

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
    /// The data folder: what is too large for memory is put together there.
    pub(crate) data: std::path::PathBuf,
    /// The store's epoch; another one means that it was restored.
    pub epoch: [u8; 16],
    /// The queue that groups durable writes.
    pub(crate) writer: Writer,
    /// Merges what was written.
    pub(crate) materialiser: Materialiser,
    /// What one sender may take.
    pub(crate) gate: Gate,
    /// Connections of the standard door.
    pub(crate) sockets: Sockets,
    /// Carries the news of what moves on to them.
    _herald: Herald,
    /// Passwords being hashed at one time: each takes 19 MiB.
    pub(crate) hashing: tokio::sync::Semaphore,
    /// Tables being read or written at one time: each takes its share of memory.
    pub(crate) tables: Arc<tokio::sync::Semaphore>,
    /// A hash nobody has the password of, so that unknown names take as long as known ones.
    pub(crate) decoy_hash: String,
    /// The units as read last; another version in the store means that they are read again.
    units: Mutex<Option<Arc<Known>>>,
    /// Counts of frozen lists by root: immutable, so never stale.
    pub(crate) counts: Mutex<BTreeMap<Digest, Arc<Counts>>>,
    /// The same for the official forms.
    pub(crate) tallies: Mutex<BTreeMap<Digest, Arc<Tally>>>,
    /// How far units have come, with the mark of the standings it was counted from.
    pub(crate) progress: Kept<(CampaignId, String), Mark, Progress>,
    /// Who touched the households of a unit, up to a position of its log.
    pub(crate) touches: Kept<(CampaignId, String), (i64, i64), Touched>,
    /// Households held against their phones' answers, by their log and what else that rests on.
    pub(crate) against: Kept<DocumentId, String, Option<Arc<Against>>>,
    /// Households that this process has looked at itself.
    pub(crate) looked_at: LookedAt,
    /// Pairs of households that may be one, with the mark of the fingerprints they were found by.
    pub(crate) pairs: Mutex<crate::pairs::Known>,
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
        Self::open_with(config, clock, Merging::found()).await
    }

    /// Opens an installation that merges where the caller says.
    pub async fn open_with(
        config: &Config,
        clock: fn() -> i64,
        merging: Merging,
    ) -> Result<Self, StartError> {
        std::fs::create_dir_all(&config.data)?;
        let keys = Keys::open(&config.data)?;
        let store = match &config.database {
            Some(url) => Store::postgres(url).await?,
            None => Store::sqlite(&config.data.join("rasoat.sqlite")).await?,
        };
        let epoch = store.epoch(random()).await?;
        let materialiser = Materialiser::new(store.clone(), merging);
        let writer = Writer::start(store.clone(), materialiser.clone());
        let herald = Herald::start(&store);
        let decoy_hash = crate::auth::hash_password(&shared::id::to_hex(&random::<16>()));
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                keys,
                data: config.data.clone(),
                epoch,
                writer,
                materialiser,
                gate: Gate::default(),
                sockets: Sockets::default(),
                _herald: herald,
                hashing: tokio::sync::Semaphore::new(2),
                tables: Arc::new(tokio::sync::Semaphore::new(2)),
                decoy_hash,
                units: Mutex::default(),
                counts: Mutex::default(),
                tallies: Mutex::default(),
                progress: Kept::new(UNITS_KEPT),
                touches: Kept::new(UNITS_KEPT / 8),
                against: Kept::new(HOUSEHOLDS_KEPT),
                looked_at: LookedAt::default(),
                pairs: Mutex::default(),
                clock,
            }),
        })
    }

    /// Returns now, milliseconds UTC.
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Returns the units known now: read anew once any process has loaded others.
    pub(crate) async fn units(&self) -> Result<Arc<Known>, StoreError> {
        // The version is read before the files: it never stands for more than was read.
        self.units_of(self.store.unit_version().await?).await
    }

    /// Returns the units of a version that was read just now, or newer ones.
    pub(crate) async fn units_of(&self, version: String) -> Result<Arc<Known>, StoreError> {
        let known = self.units.lock().ok().and_then(|units| units.clone());
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        let known = Known::read(version, &self.store.unit_files().await?);
        let known = Arc::new(known.ok_or(StoreError::Damaged)?);
        if let Ok(mut units) = self.units.lock() {
            *units = Some(Arc::clone(&known));
        }
        Ok(known)
    }

    /// Loads a list of units beside those known, or says what is wrong with it. One at a time: two
    /// lists that contradict each other must not both be checked against what was there before.
    pub(crate) async fn units_add(&self, text: &str) -> Result<Vec<UnitFault>, StoreError> {
        let mut tx = self.store.begin().await?;
        if let Err(faults) = check_units(tx.unit_files_lock().await?, text) {
            return Ok(faults);
        }
        tx.unit_file_add(text, self.now_ms()).await?;
        tx.commit().await?;
        Ok(Vec::new())
    }
}
