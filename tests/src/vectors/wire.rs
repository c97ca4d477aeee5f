//! Vectors of the wire: ids, a change, a signed manifest, a receipt and a page, all from fixed seeds.
//!
//! The checked-in file is `mobile-schema/vectors/wire.json`. Its keys are published with it: they
//! are for tests and for nothing else.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use mobile_schema::frame::{
    Batch, FRAME_VERSION, Fate, MANIFEST_CONTEXT, Manifest, NewHousehold, PAGE_CONTEXT,
    Page as Pages, PageHousehold, RECEIPT_CONTEXT, REFRESH_CONTEXT, Receipt, Verdict,
};
use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::household::{Answers, Asked, SCHEMA_VERSION};
use mobile_schema::problem;
use serde::Serialize;
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::{Value as Json, json};
use shared::id::{
    Actor, CampaignId, DeviceId, DocumentId, HouseholdId, actor_of, document_id, sha256, to_hex,
};
use shared::merge::{actor_id, genesis, genesis_hash};
use shared::page::{Page, Written, write};
use shared::repo::address;
use shared::resolve::resolve;

pub(super) const CAMPAIGN: CampaignId = CampaignId([3; 16]);
const HOUSEHOLD: HouseholdId = HouseholdId([4; 16]);
pub(super) const DEVICE: DeviceId = DeviceId([5; 16]);
const FRESH: [u8; 16] = [6; 16];
const EPOCH: [u8; 16] = [7; 16];
const DEVICE_SEED: [u8; 32] = [1; 32];
pub(super) const SERVER_SEED: [u8; 32] = [2; 32];

/// The phone's clock at the change, seconds since 1970.
const TIME_S: i64 = 1_664_600_000;

/// What stands for a refresh token: the text is signed as it is.
const TOKEN: &str = "header.claims.signature";

/// When the server had it on disk, UTC milliseconds.
const RECEIVED_AT_MS: i64 = 1_664_700_000_123;

/// Returns the text of the checked-in file.
pub fn text() -> String {
    let document = document_id(CAMPAIGN, HOUSEHOLD);
    let actor = actor_of(DEVICE, FRESH);
    let (change, household) = change(actor);
    let manifest = manifest(document, &change);
    let manifest_bytes = cbor(&manifest);
    let receipt = receipt(&manifest_bytes);
    let receipt_bytes = cbor(&receipt);
    let page = page(document, &change);
    let page_bytes = cbor(&page);
    let all = json!({
        "document": {
            "campaign": CAMPAIGN,
            "household": HOUSEHOLD,
            "document": document,
            "address": address::write(document),
        },
        "actor": { "device": DEVICE, "fresh": to_hex(&FRESH), "actor": actor },
        "change": {
            "actor": actor,
            "dependencies": [genesis_hash()],
            "hash": change.hash,
            "chunk": to_hex(&change.chunk),
            "household": household,
        },
        "manifest": signed(&manifest_bytes, MANIFEST_CONTEXT, &DEVICE_SEED, json!({
            "v": manifest.v,
            "device": DEVICE,
            "campaign": CAMPAIGN,
            "schema": manifest.schema,
            "changes": [[document, change.hash]],
            "households": [{ "household": HOUSEHOLD, "hamlet": manifest.households[0].hamlet }],
        })),
        "receipt": signed(&receipt_bytes, RECEIPT_CONTEXT, &SERVER_SEED, json!({
            "manifest": to_hex(&*receipt.manifest),
            "epoch": to_hex(&EPOCH),
            "received_at_ms": RECEIVED_AT_MS,
            "verdicts": receipt.verdicts,
        })),
        "page": signed(&page_bytes, PAGE_CONTEXT, &SERVER_SEED, json!({
            "v": page.v,
            "campaign": CAMPAIGN,
            "epoch": to_hex(&EPOCH),
            "unit": page.unit,
            "hamlet": page.hamlet,
            "position": page.position,
            "households": [{
                "document": document,
                "household": HOUSEHOLD,
                "code": "",
                "bytes": to_hex(&page.households[0].bytes),
            }],
        })),
        "refresh": signed(TOKEN.as_bytes(), REFRESH_CONTEXT, &DEVICE_SEED, json!(TOKEN)),
    });
    serde_json::to_string_pretty(&all).expect("a JSON value is written") + "\n"
}

/// Returns the batch of the file, signed, and the receipt for it with its signature.
pub(super) fn batch_and_receipt() -> (Batch, Vec<u8>, [u8; 64]) {
    let (change, _) = change(actor_of(DEVICE, FRESH));
    let manifest = cbor(&manifest(document_id(CAMPAIGN, HOUSEHOLD), &change));
    let receipt = cbor(&receipt(&manifest));
    let by = |seed: &[u8; 32], context: &[u8], bytes: &[u8]| {
        SigningKey::from_bytes(seed).sign(&[context, bytes].concat()).to_bytes()
    };
    let signature = by(&DEVICE_SEED, MANIFEST_CONTEXT, &manifest);
    let signed = by(&SERVER_SEED, RECEIPT_CONTEXT, &receipt);
    let batch = Batch {
        manifest: ByteBuf::from(manifest),
        signature: ByteBuf::from(signature.to_vec()),
        chunks: vec![ByteBuf::from(change.chunk)],
    };
    (batch, receipt, signed)
}

/// The first change of a household that a phone registered: one page about it and one member.
fn change(actor: Actor) -> (Written, Json) {
    let mut doc = genesis();
    doc.set_actor(actor_id(actor));
    let head = [("name", "Hồ Văn Mẫu"), ("relation", "head"), ("birth", "1980-05")];
    let head: Answers =
        head.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let asked = Asked {
        by: Some("rsv-01".to_owned()),
        medium: Some("phone".to_owned()),
        day: Some("2022-10-01".to_owned()),
        ..Asked::default()
    };
    let page = Page {
        opening: Some((CAMPAIGN, HOUSEHOLD)),
        answers: Answers::from([
            ("farm".to_owned(), "agriculture".into()),
            ("has_merit".to_owned(), false.into()),
        ]),
        members: BTreeMap::from([("08".repeat(16), head)]),
        asked: BTreeMap::from([("members".to_owned(), asked)]),
        ..Page::default()
    };
    let written = write(&mut doc, &page, TIME_S).expect("the page can be written");
    let household = resolve(&doc).household;
    let household = serde_json::to_value(household).expect("a household is written as JSON");
    (written.expect("a new page is a change"), household)
}

fn manifest(document: DocumentId, change: &Written) -> Manifest {
    Manifest {
        v: FRAME_VERSION,
        device: ByteArray::new(DEVICE.0),
        campaign: ByteArray::new(CAMPAIGN.0),
        schema: SCHEMA_VERSION,
        changes: vec![(ByteArray::new(document.0), ByteArray::new(change.hash.0))],
        households: vec![NewHousehold {
            household: ByteArray::new(HOUSEHOLD.0),
            hamlet: "19558-01".to_owned(),
        }],
        typed_by: None,
    }
}

fn receipt(manifest: &[u8]) -> Receipt {
    let reason = Some(problem::LIST_FROZEN.name.to_owned());
    Receipt {
        manifest: ByteArray::new(sha256(manifest)),
        epoch: ByteArray::new(EPOCH),
        received_at_ms: RECEIVED_AT_MS,
        verdicts: vec![Verdict { fate: Fate::Held, reason }],
    }
}

/// The household whole, as somebody gets it who has nothing of it yet: genesis and its change.
fn page(document: DocumentId, change: &Written) -> Pages {
    Pages {
        v: FRAME_VERSION,
        campaign: ByteArray::new(CAMPAIGN.0),
        epoch: ByteArray::new(EPOCH),
        unit: "19558".to_owned(),
        hamlet: "19558-01".to_owned(),
        position: 1,
        households: vec![PageHousehold {
            document: ByteArray::new(document.0),
            household: ByteArray::new(HOUSEHOLD.0),
            code: String::new(),
            bytes: ByteBuf::from([GENESIS_V1, &change.chunk].concat()),
        }],
    }
}

pub(super) fn cbor(frame: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(frame, &mut bytes).expect("memory takes every byte");
    bytes
}

/// Signs bytes behind their context, and writes them beside what they decode to.
pub(super) fn signed(bytes: &[u8], context: &[u8], seed: &[u8; 32], decoded: Json) -> Json {
    let key = SigningKey::from_bytes(seed);
    let signature = key.sign(&[context, bytes].concat());
    json!({
        "decoded": decoded,
        "bytes": to_hex(bytes),
        "sha256": to_hex(&sha256(bytes)),
        "context": to_hex(context),
        "seed": to_hex(seed),
        "public_key": to_hex(key.verifying_key().as_bytes()),
        "signature": to_hex(&signature.to_bytes()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use shared::id::from_hex;
    use shared::verify::verify;

    use super::*;
    use crate::vectors::compare;

    #[test]
    fn the_checked_in_wire_vectors_are_the_made_ones() {
        compare("../mobile-schema/vectors/wire.json", &text());
    }

    /// What the file says is what the server takes.
    #[test]
    fn the_batch_of_the_wire_vectors_passes_the_server_s_own_checks() {
        let all: Json = serde_json::from_str(&text()).unwrap();
        let bytes = |pointer: &str| {
            let text = all.pointer(pointer).unwrap().as_str().unwrap();
            let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect::<Vec<u8>>()
        };
        let batch = Batch {
            manifest: ByteBuf::from(bytes("/manifest/bytes")),
            signature: ByteBuf::from(bytes("/manifest/signature")),
            chunks: vec![ByteBuf::from(bytes("/change/chunk"))],
        };
        let key = from_hex(all["manifest"]["public_key"].as_str().unwrap()).unwrap();
        let verified = verify(&batch, &key).unwrap();
        assert_eq!(to_hex(&verified.manifest_digest.0), all["manifest"]["sha256"]);
        let change = verified.changes[0].as_ref().unwrap();
        assert_eq!(change.document().to_string(), all["document"]["document"]);
        assert_eq!(change.change().actor().to_string(), all["actor"]["actor"]);
        assert_eq!(change.change().dependencies(), [genesis_hash()]);
        assert_eq!(change.change().seq(), 1);
    }
}
