//! Databases of the throwaway PostgreSQL cluster that `tests/run` starts.
//!
//! `RASOAT_TEST_PG` holds the address of a cluster that forgets everything at the next power cut,
//! `RASOAT_TEST_PG_DURABLE` that of one that does not, for the kill test.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

/// Which cluster a test needs.
#[derive(Debug, Clone, Copy)]
pub enum Cluster {
    /// Fast: fsync is off.
    Fast,
    /// Keeps what it acknowledged.
    Durable,
}

impl Cluster {
    fn variable(self) -> &'static str {
        match self {
            Self::Fast => "RASOAT_TEST_PG",
            Self::Durable => "RASOAT_TEST_PG_DURABLE",
        }
    }
}

/// Makes an empty database and returns its address; `None` (or, required, a failure) without one.
pub async fn database(cluster: Cluster) -> Option<String> {
    let Ok(server) = std::env::var(cluster.variable()) else {
        assert!(
            std::env::var_os("REQUIRE_PG").is_none(),
            "{} is not set and REQUIRE_PG is",
            cluster.variable()
        );
        eprintln!("skipped: no PostgreSQL ({})", cluster.variable());
        return None;
    };
    let name = format!("rasoat_{}", shared::id::to_hex(&server::keys::random::<8>()));
    run(&server, format!("create database {name}")).await;
    Some(format!("{server}/{name}"))
}

/// Copies a database nobody is connected to; returns the address of the copy.
pub async fn copy(url: &str) -> String {
    let (server, original) = url.rsplit_once('/').expect("an address ends with a name");
    let name = format!("rasoat_{}", shared::id::to_hex(&server::keys::random::<8>()));
    run(server, format!("create database {name} template {original}")).await;
    format!("{server}/{name}")
}

/// Removes a database that is no longer needed.
pub async fn remove(url: &str) {
    let (server, name) = url.rsplit_once('/').expect("an address ends with a name");
    run(server, format!("drop database {name} with (force)")).await;
}

/// Ends the connections to a database on which its users listen for notices, as soon as there are so
/// many.
pub async fn end_listeners(url: &str, count: usize) {
    const LISTENING: &str = "from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'";
    let mut admin = PgConnection::connect(url).await.expect("the database answers");
    let ask = |what: &str| AssertSqlSafe(format!("select {what} {LISTENING}")).into_sql_str();
    let enough = i64::try_from(count).expect("few");
    let mut tries = 0;
    while sqlx::query_scalar::<_, i64>(ask("count(*)"))
        .fetch_one(&mut admin)
        .await
        .expect("it counts its connections")
        != enough
    {
        tries += 1;
        assert!(tries < 600, "not {count} of them listen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    admin.execute(ask("pg_terminate_backend(pid)")).await.expect("it ends them");
    admin.close().await.expect("the connection closes");
}

async fn run(server: &str, sql: String) {
    let mut admin = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .expect("the cluster of the tests answers");
    admin.execute(AssertSqlSafe(sql).into_sql_str()).await.expect("the database does as told");
    admin.close().await.expect("the connection closes");
}
