//! The harness: a small province on either database, with offices and phones that speak HTTP.

pub mod auditor;
pub mod bench;
pub mod duplicates;
pub mod forms;
pub mod hamlet;
pub mod line;
pub mod postgres;
pub mod process;
pub mod rng;
pub mod simulation;
pub mod spreadsheet;
pub mod still;
pub mod town;
pub mod vectors;

/// Writes each story twice, once on SQLite and once on PostgreSQL.
///
/// Without PostgreSQL the second one says that it is skipped; where `REQUIRE_PG` is set it fails.
#[macro_export]
macro_rules! on_each_backend {
    ($($(#[$meta:meta])* async fn $name:ident($town:ident: Town) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports, clippy::wildcard_imports)]
            use super::*;

            $(#[$meta])*
            async fn story($town: $crate::town::Town) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::town::Town::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(town) = $crate::town::Town::postgres().await {
                    story(town).await;
                }
            }
        }
    )* };
}
