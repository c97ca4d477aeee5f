//! What is asked at every sync and for every batch is found by SQLite without walking a campaign.

#![allow(clippy::unwrap_used)]

use shared::id::{AccountId, CampaignId, DeviceId, DocumentId};

use super::Store;
use super::append::UNIT_LOGS;
use super::assignment::places_sql;
use super::backend::{Val, vals};
use super::beyond::{BEYOND_HOUSEHOLDS, BEYOND_OF_UNIT};
use super::household::CACHED_OF;
use super::material::padded;
use super::register::OPENED;
use super::sync::LOG_OF_HAMLETS;

/// What statements make up on their way; any other table, under whatever name, is walked whole.
const DERIVED: [&str; 2] = ["SCAN read", "SCAN opened"];

fn walks(step: &str) -> bool {
    let scans = step.starts_with("SCAN") && !DERIVED.contains(&step);
    scans || step.ends_with("(campaign=?)") || step.contains("INDEX change_position")
}

#[tokio::test]
async fn what_is_asked_for_all_the_time_is_found_without_walking_a_campaign() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("plan.sqlite")).await.unwrap();
    let campaign = CampaignId([1; 16]);
    let of = |values: Vec<Val>| [vals![campaign], values].concat();
    let documents = [DocumentId([2; 16]), DocumentId([3; 16])];
    let person = vals![AccountId([2; 16]), None::<DeviceId>];
    for (sql, values) in [
        (places_sql!(), of(person)),
        (CACHED_OF, of(padded(&documents).collect())),
        (UNIT_LOGS, of(padded(&["19330", "19331"]).collect())),
        (OPENED, of(vals!["19330"])),
        (BEYOND_OF_UNIT, of(vals!["19330"])),
        (BEYOND_HOUSEHOLDS, of(vals!["19330"])),
        (LOG_OF_HAMLETS, of(vals!["19330", 7, 100, ",19330-01,", false])),
    ] {
        let plan = store.db.plan(sql, values).await.unwrap();
        assert!(!plan.is_empty() && !plan.iter().any(|step| walks(step)), "{sql}: {plan:#?}");
    }
    store.close().await;
}
