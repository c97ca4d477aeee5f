//! Everything kept: two append-only logs, the rows they hang on, and a derived cache.
//!
//! Functions are noun first. What is written together is written in one transaction.

pub(crate) mod account;
pub(crate) mod append;
pub(crate) mod assignment;
pub(crate) mod backend;
mod beyond;
pub(crate) mod binding;
pub(crate) mod campaign;
pub(crate) mod change;
pub(crate) mod code;
pub(crate) mod courier;
pub(crate) mod desk;
pub(crate) mod device;
pub mod faults;
pub(crate) mod four_eyes;
pub(crate) mod handover;
pub(crate) mod health;
pub(crate) mod household;
pub(crate) mod layout;
pub(crate) mod life;
pub(crate) mod list;
pub(crate) mod material;
mod migrations;
pub(crate) mod news;
pub(crate) mod pair;
pub(crate) mod paper;
#[cfg(test)]
mod plans;
pub(crate) mod posting;
pub(crate) mod preliminary;
pub(crate) mod quarantine;
pub(crate) mod register;
pub(crate) mod remark;
pub(crate) mod repo;
mod rows;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod score_table;
pub(crate) mod snapshot;
pub(crate) mod sync;
pub(crate) mod target;
pub(crate) mod ticket;
pub(crate) mod upload;
mod value;
pub(crate) mod volume;
pub(crate) mod writer;

use std::path::Path;

use backend::{Db, Tx, vals};

/// A failure of the store, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the lock or the last connection, or the disk or the line to the database
    /// fails: try again. What was asked for may have been done or not.
    #[error("the store is busy")]
    Busy(#[source] sqlx::Error),
    /// A unique name or position is taken: the caller's data no longer fits.
    #[error("a unique value is taken")]
    Conflict(#[source] sqlx::Error),
    /// Stored bytes are not what they must be: a person looks at it.
    #[error("stored data is damaged")]
    Damaged,
    /// Anything else the database says.
    #[error("the store failed")]
    Failed(#[source] sqlx::Error),
    /// A migration could not be run.
    #[error("a migration failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let busy = match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_) => true,
            sqlx::Error::Database(inner) => inner.code().is_some_and(|code| passes(&code)),
            _ => false,
        };
        let conflict =
            matches!(&error, sqlx::Error::Database(inner) if inner.is_unique_violation());
        match (busy, conflict) {
            (true, _) => Self::Busy(error),
            (false, true) => Self::Conflict(error),
            (false, false) => Self::Failed(error),
        }
    }
}

/// Tells by a database's own code whether trying again may help.
fn passes(code: &str) -> bool {
    if code.len() == 5 {
        // PostgreSQL: lost line, serialisation or deadlock, no room, shut down, failing disk.
        let classes = ["08", "40", "53", "58"];
        return classes.contains(&&code[..2]) || code.starts_with("57P0");
    }
    // SQLite, without the upper bits that say more: busy, locked, read only, failing or full disk.
    let primary = code.parse::<u32>().ok().map(|code| code & 0xff);
    primary.is_some_and(|code| [5, 6, 8, 10, 13, 14].contains(&code))
}

/// The open store.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
}

impl Store {
    /// Opens the SQLite file of a data folder.
    pub async fn sqlite(file: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: Db::sqlite(file).await? })
    }

    /// Connects to a PostgreSQL database.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self { db: Db::postgres(url).await? })
    }

    /// Returns the store's epoch, drawing it on the first start.
    pub async fn epoch(&self, fresh: [u8; 16]) -> Result<[u8; 16], StoreError> {
        let mut tx = self.begin().await?;
        tx.run(
            "insert into meta (name, value) values ('epoch', $1) on conflict (name) do nothing",
            vals![shared::id::to_hex(&fresh)],
        )
        .await?;
        let row = tx.one("select value from meta where name = 'epoch'", vals![]).await?;
        let text: String = row.ok_or(StoreError::Damaged)?.get("value")?;
        tx.commit().await?;
        shared::id::from_hex(&text).map_err(|_| StoreError::Damaged)
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.one("select 1 as one", vals![]).await.map(drop)
    }

    /// Copies a SQLite store into one file while others go on working.
    pub(crate) async fn copy_to(&self, file: &str) -> Result<(), StoreError> {
        self.db.vacuum_into(file).await
    }

    /// Closes every connection, for a clean end.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Returns the switch with which tests let storage calls fail.
    #[cfg(debug_assertions)]
    pub fn faults(&self) -> &faults::Faults {
        &self.db.faults
    }

    /// Listens from now on to which households move on.
    pub(crate) fn news(&self) -> tokio::sync::broadcast::Receiver<news::Round> {
        self.db.news.listen()
    }

    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.db.begin().await
    }
}
