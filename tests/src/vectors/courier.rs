//! Vectors of the courier file: a key, a file of two pieces, and the receipts that go back.
//!
//! The checked-in file is `mobile-schema/vectors/courier.json`; beside it stands a file that
//! `tests/node/courier.mjs` sealed with the npm library. Its keys are published: they are for tests.

use mobile_schema::courier::{
    COURIER_INFO, COURIER_KEY_CONTEXT, CarriedReceipt, Parcel, RECEIPT_FILE_VERSION, ReceiptFile,
};
use mobile_schema::frame::FRAME_VERSION;
use serde_json::json;
use shared::courier::{Key, export};
use shared::id::{sha256, to_hex};

use super::wire::{CAMPAIGN, DEVICE, SERVER_SEED, batch_and_receipt, cbor, signed};

const SECRET: [u8; 32] = [10; 32];
const FRESH: [u8; 32] = [11; 32];

/// Returns the text of the checked-in file.
pub fn text() -> String {
    let (batch, receipt, signature) = batch_and_receipt();
    let key = Key::derive(&SECRET);
    let parcel = Parcel { v: FRAME_VERSION, batches: vec![batch.clone()] };
    let lots = vec![vec![batch.clone()], vec![]];
    let file = export((CAMPAIGN, DEVICE), &lots, &key.public(), FRESH).expect("it fits");
    let receipts = ReceiptFile {
        rasoat_receipt: RECEIPT_FILE_VERSION,
        receipts: vec![CarriedReceipt {
            manifest: to_hex(&sha256(&batch.manifest)),
            receipt: to_hex(&receipt),
            signature: to_hex(&signature),
        }],
    };
    let public = key.public();
    let all = json!({
        "key": {
            "secret": to_hex(&SECRET),
            "id": to_hex(&key.id()),
            "published": signed(&public, COURIER_KEY_CONTEXT, &SERVER_SEED, json!(to_hex(&public))),
        },
        "info": to_hex(COURIER_INFO),
        "campaign": CAMPAIGN,
        "device": DEVICE,
        "first": to_hex(&cbor(&parcel)),
        "file": to_hex(&file),
        "receipts": receipts,
    });
    serde_json::to_string_pretty(&all).expect("a JSON value is written") + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value as Json;
    use shared::courier::{open, pieces};

    use super::*;
    use crate::vectors::compare;

    #[test]
    fn the_checked_in_courier_vectors_are_the_made_ones() {
        compare("../mobile-schema/vectors/courier.json", &text());
    }

    /// What the npm library sealed comes out here.
    #[test]
    fn a_file_that_javascript_sealed_is_opened() {
        let path = "../mobile-schema/vectors/courier-js.json";
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let all: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let text = all["file"].as_str().unwrap();
        let bytes: Vec<u8> = (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let (batch, _, _) = batch_and_receipt();
        let found = pieces(&bytes).unwrap();
        assert_eq!(found.len(), 2);
        for (one, batches) in found.iter().zip([vec![batch.clone()], vec![batch]]) {
            let head = one.head.clone().unwrap();
            assert_eq!((head.campaign, head.device, head.count), (CAMPAIGN, DEVICE, 2));
            let key = Key::derive(&SECRET);
            let opened = open(&head, &one.piece.unwrap(), &key, &mut 0).unwrap();
            assert_eq!(opened, batches);
        }
    }
}
