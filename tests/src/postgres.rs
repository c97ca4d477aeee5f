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
    let mut admin = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .expect("the cluster of the tests answers");
    let sql = AssertSqlSafe(format!("create database {name}")).into_sql_str();
    admin.execute(sql).await.expect("a database can be made");
    admin.close().await.expect("the connection closes");
    Some(format!("{server}/{name}"))
}
