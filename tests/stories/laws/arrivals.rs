//! P3 through the door: the order and the batches in which changes arrive change nothing.
//!
//! One set of changes is handed in for ten households, each time in another order, cut into other
//! batches and with repetitions. What waited for an ancestor must be let go on the way.

use serde_json::Value as Json;
use server::demo::phone::Unsent;
use shared::standing::stand;
use tests::on_each_backend;
use tests::town::MO_O;

use super::cases;
use super::convergence::{generate, place, with_repetitions};
use super::device::{basis, opinions};
use super::ledger;
use super::rng::Rng;
use super::wire::{receipts, request};

/// Generated sets; each costs ten households on a real server.
const SETS: usize = 12;

/// P3: orders in which each set arrives.
const ORDERS: usize = 10;

on_each_backend! {
    /// Ten households get the same changes in ten orders and batchings: ten times the same row.
    async fn the_order_and_the_batches_of_arrival_change_nothing(town: Town) {
        let opinions = opinions();
        let mut hoa = town.phone("hoa").await;
        let mut sets = 0;
        for seed in 0.. {
            if sets == cases(SETS) {
                break;
            }
            let mut rng = Rng::new(seed);
            let mut log = generate(&mut rng, &opinions);
            let expected = stand(&place(), &log, &[], &basis());
            // Of a copied phone's branches the first to arrive is the household's own: phones that
            // took it cannot take the other. Which one that is, is the order's to say.
            if expected.flags.iter().any(|flag| flag.code == "actor-forked") {
                continue;
            }
            sets += 1;
            let mut documents = Vec::new();
            for _ in 0..ORDERS {
                let (document, _) = hoa.register("19558-01");
                rng.shuffle(&mut log);
                let mut arrived = with_repetitions(&mut rng, &log);
                while !arrived.is_empty() {
                    let part = arrived.drain(..(1 + rng.below(5)).min(arrived.len()));
                    let changes = part.map(|change| {
                        Unsent { document, hash: change.hash, chunk: change.chunk }
                    });
                    let batch = hoa.sign(&changes.collect::<Vec<_>>());
                    let request = request(&town, &[], vec![batch]);
                    let (answer, _, _) = town.client.sync(hoa.access(), &request).await.unwrap();
                    receipts(&answer).pop().unwrap().expect("the batch is taken");
                }
                documents.push(document.to_string());
            }
            let path = town.path(&format!("/units/{MO_O}/households"));
            let listed = town.officer.get(&path).await.unwrap();
            let of_set = |row: &&Json| {
                documents.iter().any(|document| row["row"]["document"] == document.as_str())
            };
            let rows: Vec<Json> =
                listed.as_array().unwrap().iter().filter(of_set).map(comparable).collect();
            // A set that lost its first change has nothing accepted and is on no list.
            assert!(rows.len() == ORDERS || rows.is_empty(), "seed {seed}: {} rows", rows.len());
            for row in &rows {
                assert_eq!(row, &rows[0], "seed {seed}");
                assert_eq!(row["heads"], serde_json::to_value(&expected.heads).unwrap());
                assert_eq!(row["disputes"], serde_json::to_value(&expected.disputes).unwrap());
            }
        }
        ledger::check_positions(&town).await;
    }
}

/// A standing without what names the household.
fn comparable(listed: &Json) -> Json {
    let mut standing = listed.clone();
    let row = standing["row"].as_object_mut().unwrap();
    row.remove("household").unwrap();
    row.remove("document").unwrap();
    standing
}
