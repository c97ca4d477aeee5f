//! A device that asks too much is told to wait, each time for another while; the others work on.

use mobile_schema::frame::{Batch, SyncRequest};
use serde_bytes::ByteBuf;
use shared::limits;
use tests::on_each_backend;
use tests::town::MO_O;

use crate::ask::{cbor, post_raw, sync};

/// Times the greedy device asks again: that all are told the same wait is next to impossible.
const TRIES: usize = 8;

/// Requests of a greedy device that it may make at once; what is left over is half of the next.
const AT_ONCE: u64 = 5;

/// A request of empty changes, each of which counts.
fn greedy(request: SyncRequest) -> Vec<u8> {
    let chunks = vec![ByteBuf::new(); limits::BATCH_CHANGES_MAX];
    let cost = limits::signed_cost(1 + chunks.len());
    let batch = Batch { manifest: ByteBuf::new(), signature: ByteBuf::new(), chunks };
    let count = limits::DEVICE_RATE.burst * 2 / (2 * AT_ONCE + 1) / cost;
    let batches = vec![batch; usize::try_from(count).unwrap()];
    assert!(batches.len() <= limits::REQUEST_BATCHES_MAX);
    cbor(&SyncRequest { batches, ..request })
}

on_each_backend! {
    /// One phone's app sends what is no frame at all, over and over: that costs it as much.
    async fn what_cannot_be_read_is_counted(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let body = vec![0xff; limits::REQUEST_BYTES_MAX];
        let all = usize::try_from(limits::DEVICE_RATE.burst).unwrap() / body.len();
        post_raw(&town, hoa.access(), "/v1/sync", &body).await.refused(422, "frame-malformed");
        for _ in 1..all {
            post_raw(&town, hoa.access(), "/v1/sync", &body).await;
        }
        post_raw(&town, hoa.access(), "/v1/sync", &body).await.refused(429, "too-many");
    }

    /// One phone's app has gone mad; the colleague's beside it hands in as ever.
    async fn a_device_that_asks_too_much_waits_and_nobody_else_does(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        let body = greedy(hoa.request());
        for _ in 0..AT_ONCE {
            assert_eq!(post_raw(&town, hoa.access(), "/v1/sync", &body).await.status, 200);
        }
        let mut waits = Vec::new();
        for _ in 0..TRIES {
            let told = post_raw(&town, hoa.access(), "/v1/sync", &body).await;
            let wait = told.refused(429, "too-many").header("retry-after");
            waits.push(wait.expect("it is told when to come back").parse::<u64>().unwrap());
        }
        assert!(waits.iter().all(|wait| *wait > 0), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "all come back at once: {waits:?}");

        town.review(&mut minh, "19558-01-0001");
        let report = minh.sync().await.unwrap();
        assert!(report.refused.is_empty() && !report.verdicts.is_empty(), "{report:?}");
        let listed = town.officer.get(&town.path(&format!("/units/{MO_O}/households"))).await;
        assert!(listed.is_ok());
        // Nothing was taken away from the greedy one but its haste.
        assert!(sync(&town, hoa.access(), &hoa.request()).await.results.is_empty());
    }
}
