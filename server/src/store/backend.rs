//! The two databases behind one type. Every difference between them is in this file.
//!
//! SQL is written once, in the common part of both dialects: `$n` placeholders, text, bigint and
//! blob, booleans as 0 or 1, times as milliseconds, sums cast to bigint.

use std::path::Path;
use std::time::Duration;

use shared::date::Date;
use shared::id::DocumentId;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, SqlSafeStr, Sqlite, Transaction, Type};

use super::StoreError;
use super::faults::Faults;
use super::migrations::MIGRATIONS;
use super::news::News;
use super::rows::Values;
pub(crate) use super::value::{Id, Val, vals};

/// What SQLite's planner takes the tables to look like, and the version that is written with it.
const STATISTICS: (&str, i64) = (include_str!("statistics.sql"), 3);

/// Pages that the writer keeps, as negative KiB: ids are random, and each change touches another page.
const SQLITE_WRITER_CACHE: &str = "-24576";

/// Pages written ahead before they go into the file: 16 MiB, so that a page goes once for many changes.
const SQLITE_CHECKPOINT_PAGES: &str = "4096";

/// Connections that only read a SQLite file beside the one writer.
const SQLITE_READERS: u32 = 4;

/// Connections of one process to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 12;

/// An open database.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pools: Pools,
    pub(super) faults: Faults,
    /// Which households have moved on, for whoever listens.
    pub(super) news: News,
}

#[derive(Debug, Clone)]
enum Pools {
    /// One file: a single writing connection, several reading ones.
    Sqlite {
        /// The one writer.
        writer: SqlitePool,
        /// Read-only connections.
        readers: SqlitePool,
    },
    /// A server, shared by several processes.
    Postgres(PgPool),
}

/// An open write transaction. Dropped without [`Tx::commit`], it rolls back.
#[derive(Debug)]
pub(crate) struct Tx {
    open: Open,
    faults: Faults,
    news: News,
    /// Households that have moved on once this is committed, and their newest positions.
    pub(super) moved: Vec<(DocumentId, i64)>,
}

#[derive(Debug)]
enum Open {
    /// Holds the file's write lock from the start: a queue cannot fail half way.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed; what must not be raced locks its row.
    Postgres(Transaction<'static, Postgres>),
}

/// One row of either database.
#[derive(Debug)]
pub(crate) enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// A column type both databases have.
pub(crate) trait Cell: Sized {
    /// Reads it from a SQLite row.
    fn sqlite(row: &SqliteRow, column: &str) -> sqlx::Result<Self>;
    /// Reads it from a PostgreSQL row.
    fn postgres(row: &PgRow, column: &str) -> sqlx::Result<Self>;
}

impl<T> Cell for T
where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
{
    fn sqlite(row: &SqliteRow, column: &str) -> sqlx::Result<Self> {
        row.try_get(column)
    }

    fn postgres(row: &PgRow, column: &str) -> sqlx::Result<Self> {
        row.try_get(column)
    }
}

impl Row {
    /// Reads a column by name.
    pub(crate) fn get<T: Cell>(&self, column: &str) -> Result<T, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => T::sqlite(row, column)?,
            Self::Postgres(row) => T::postgres(row, column)?,
        })
    }

    /// Reads a blob column as an id of fixed length.
    pub(crate) fn id<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: Id,
    {
        T::from_bytes(&self.get::<Vec<u8>>(column)?).ok_or(StoreError::Damaged)
    }

    /// Reads a text column as a day.
    pub(crate) fn date(&self, column: &str) -> Result<Date, StoreError> {
        Date::parse(&self.get::<String>(column)?).map_err(|_| StoreError::Damaged)
    }
}

macro_rules! bound {
    ($sql:expr, $vals:expr) => {{
        let mut query = sqlx::query($sql);
        for val in $vals {
            query = match val {
                Val::Int(value) => query.bind(value),
                Val::Text(value) => query.bind(value),
                Val::Blob(value) => query.bind(value),
            };
        }
        query
    }};
}

/// Begins a write transaction on the one writing connection.
///
/// Where a disk is full SQLite rolls back by itself, and the driver, whose own rollback then finds
/// nothing to do, counts the transaction as open for ever. Such a connection is given up.
async fn begin_immediate(writer: &SqlitePool) -> sqlx::Result<Transaction<'static, Sqlite>> {
    const SQL: &str = "begin immediate";
    match writer.begin_with(SQL).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            writer.acquire().await?.close().await?;
            writer.begin_with(SQL).await
        }
        other => other,
    }
}

/// Tells SQLite's planner what the tables look like, once for each version of that.
async fn describe(writer: &SqlitePool) -> sqlx::Result<()> {
    let (sql, version) = STATISTICS;
    let known: i64 = sqlx::query_scalar("pragma user_version").fetch_one(writer).await?;
    if known == version {
        return Ok(());
    }
    let mut tx = begin_immediate(writer).await?;
    sqlx::raw_sql(sql).execute(&mut *tx).await?;
    tx.commit().await
}

impl Db {
    /// Opens a SQLite file, creating it, ready for writers that need durability.
    pub(crate) async fn sqlite(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Statements over rows come in a dozen sizes each.
            .statement_cache_capacity(256)
            // NORMAL may lose the last commits with the power, and those were acknowledged.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let writing = options
            .clone()
            .pragma("cache_size", SQLITE_WRITER_CACHE)
            .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT_PAGES);
        // A file does not hang up: nobody asks a connection whether it is still there.
        let pool = || SqlitePoolOptions::new().test_before_acquire(false);
        let writer = pool().max_connections(1).connect_with(writing).await?;
        let readers =
            pool().max_connections(SQLITE_READERS).connect_lazy_with(options.read_only(true));
        let db = Self::ready(Pools::Sqlite { writer: writer.clone(), readers }).await?;
        // Without it everything works, only slower: a full disk must not keep a server from starting.
        if let Err(error) = describe(&writer).await {
            tracing::warn!(error = %error, "the planner knows nothing of the tables");
        }
        Ok(db)
    }

    /// Connects to PostgreSQL.
    pub(crate) async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options)
            .await?;
        Self::ready(Pools::Postgres(pool)).await
    }

    async fn ready(pools: Pools) -> Result<Self, StoreError> {
        let db = Self { pools, faults: Faults::default(), news: News::default() };
        db.migrate().await?;
        Ok(db)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let words = match &self.pools {
            Pools::Sqlite { .. } => {
                [("{{int}}", "integer"), ("{{blob}}", "blob"), ("{{strict}}", " strict")]
            }
            Pools::Postgres(_) => {
                [("{{int}}", "bigint"), ("{{blob}}", "bytea"), ("{{strict}}", "")]
            }
        };
        let migrations = MIGRATIONS
            .iter()
            .map(|(number, name, text)| {
                let sql = words
                    .iter()
                    .fold((*text).to_owned(), |sql, (token, word)| sql.replace(token, word));
                let sql = AssertSqlSafe(sql).into_sql_str();
                Migration::new(*number, (*name).into(), MigrationType::Simple, sql, false)
            })
            .collect();
        let migrator = Migrator::with_migrations(migrations);
        match &self.pools {
            Pools::Sqlite { writer, .. } => migrator.run(writer).await?,
            Pools::Postgres(pool) => migrator.run(pool).await?,
        }
        Ok(())
    }

    /// Starts a write transaction.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.faults.pass()?;
        let open = match &self.pools {
            Pools::Sqlite { writer, .. } => Open::Sqlite(begin_immediate(writer).await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin().await?),
        };
        let (faults, news) = (self.faults.clone(), self.news.clone());
        Ok(Tx { open, faults, news, moved: Vec::new() })
    }

    /// Reads all rows of a statement outside a transaction.
    pub(crate) async fn all(
        &self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Vec<Row>, StoreError> {
        self.faults.pass()?;
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let rows = bound!(sql, vals).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Pools::Postgres(pool) => {
                let rows = bound!(sql, vals).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads at most one row outside a transaction.
    pub(crate) async fn one(
        &self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, vals).await?.into_iter().next())
    }

    /// Returns the pool where several processes may share the database.
    pub(super) fn shared_pool(&self) -> Option<&PgPool> {
        match &self.pools {
            Pools::Sqlite { .. } => None,
            Pools::Postgres(pool) => Some(pool),
        }
    }

    /// Copies a SQLite database into a file that does not exist yet; does nothing on PostgreSQL.
    pub(crate) async fn vacuum_into(&self, file: &str) -> Result<(), StoreError> {
        self.faults.pass()?;
        if let Pools::Sqlite { writer, .. } = &self.pools {
            sqlx::query("vacuum into $1").bind(file).execute(writer).await?;
        }
        Ok(())
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Reads all rows of a statement.
    pub(crate) async fn all(
        &mut self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Vec<Row>, StoreError> {
        self.faults.pass()?;
        Ok(match &mut self.open {
            Open::Sqlite(tx) => {
                let rows = bound!(sql, vals).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Open::Postgres(tx) => {
                let rows = bound!(sql, vals).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads at most one row.
    pub(crate) async fn one(
        &mut self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, vals).await?.into_iter().next())
    }

    /// Tells how the values of a long statement are named. For SQLite a number is a name, which the
    /// driver looks up among all the others for each value that it binds.
    pub(super) fn values(&self) -> Values {
        match self.open {
            Open::Sqlite(_) => Values::InOrder,
            Open::Postgres(_) => Values::Numbered,
        }
    }

    /// Runs a statement and returns how many rows it touched.
    pub(crate) async fn run(
        &mut self,
        sql: impl SqlSafeStr,
        vals: Vec<Val>,
    ) -> Result<u64, StoreError> {
        self.faults.pass()?;
        Ok(match &mut self.open {
            Open::Sqlite(tx) => bound!(sql, vals).execute(&mut **tx).await?.rows_affected(),
            Open::Postgres(tx) => bound!(sql, vals).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Makes everything durable. Nothing may be acknowledged before this returns.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.faults.pass()?;
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres(tx) => tx.commit().await?,
        }
        self.news.note(self.moved);
        // Here it is durable, and the word that it is may still get lost.
        self.faults.pass()
    }
}

#[cfg(test)]
impl Db {
    /// Returns the steps of SQLite's plan for a statement.
    pub(crate) async fn plan(
        &self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Vec<String>, StoreError> {
        let Pools::Sqlite { readers, .. } = &self.pools else { return Ok(Vec::new()) };
        let sql = AssertSqlSafe(format!("explain query plan {sql}"));
        let rows = bound!(sql, vals).fetch_all(readers).await?;
        rows.into_iter().map(|row| Row::Sqlite(row).get("detail")).collect()
    }
}
