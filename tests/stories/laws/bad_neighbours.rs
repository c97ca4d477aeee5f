//! P5, seen from the side: floods of bad changes, and bad batches between good ones.

use std::sync::atomic::{AtomicUsize, Ordering};

use automerge::Change;
use ed25519_dalek::{Signer, SigningKey};
use mobile_schema::frame::{Batch, FRAME_VERSION, Fate, MANIFEST_CONTEXT, Manifest};
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::json;
use server::demo::phone::{Phone, Unsent};
use shared::id::{Actor, CampaignId, ChangeHash, DeviceId, DocumentId, to_hex};
use shared::limits;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use super::device::Device;
use super::ledger;
use super::rng::Rng;
use super::wire::{Fieldwork, receipts, request};
use crate::ask::counted;

on_each_backend! {
    /// Son was never given the hamlet: a megabyte of damage from him takes nobody's room.
    async fn damaged_bytes_do_not_fill_a_household(town: Town) {
        let (mut hoa, document) = somebodys_household(&town).await;
        let son = town.phone("son").await;
        let mut rng = Rng::new(1);
        for _ in 0..2 * limits::DOCUMENT_BYTES_MAX / (300 << 10) {
            let chunk: Vec<u8> = (0..300 << 7).flat_map(|_| rng.bytes::<8>()).collect();
            let bad = Unsent { document, hash: ChangeHash(rng.bytes()), chunk };
            assert_eq!(fates(&town, &son, &[bad]).await, [Fate::Quarantined]);
        }
        assert_goes_on(&town, &mut hoa, document).await;
    }

    /// As many sound changes as a household may hold are held for review: the same.
    async fn held_changes_do_not_fill_a_household(town: Town) {
        let (mut hoa, document) = somebodys_household(&town).await;
        let son = town.phone("son").await;
        for flood in flood(document, None).chunks(limits::BATCH_CHANGES_MAX) {
            let fates = fates(&town, &son, flood).await;
            assert!(fates.iter().all(|fate| *fate == Fate::Held), "{fates:?}");
        }
        assert_goes_on(&town, &mut hoa, document).await;
    }

    /// More than is kept within reach of a household: every byte is kept and nobody's sync reads it.
    /// What is held comes up as the officer decides about what came before it.
    async fn what_is_set_aside_beyond_reach_is_kept_and_comes_up(town: Town) {
        let (mut hoa, document) = somebodys_household(&town).await;
        let son = town.phone("son").await;
        let mut held = flood(document, None);
        held.extend_from_slice(&flood(document, Some([7; 32]))[..30]);
        let mut foreign = flood(DocumentId([3; 16]), None);
        foreign.extend_from_slice(&flood(DocumentId([3; 16]), Some([7; 32]))[..30]);
        let mut rng = Rng::new(2);
        let damaged = |_| Unsent {
            document,
            hash: ChangeHash(rng.bytes()),
            chunk: rng.bytes::<8>().to_vec(),
        };
        let damaged: Vec<Unsent> = (0..limits::ASIDE_MAX + 30).map(damaged).collect();
        for (flood, expected) in
            [(&held, Fate::Held), (&foreign, Fate::Held), (&damaged, Fate::Quarantined)]
        {
            for part in flood.chunks(limits::BATCH_CHANGES_MAX) {
                let fates = fates(&town, &son, part).await;
                assert!(fates.iter().all(|fate| *fate == expected), "{fates:?}");
            }
        }
        let most = i64::try_from(limits::ASIDE_MAX).unwrap();
        let all = [most, most, most, 30, 30, 30];
        assert_eq!(aside(&town).await, all);
        for flood in [&held, &foreign, &damaged] {
            fates(&town, &son, &flood[..10]).await;
            fates(&town, &son, &flood[limits::ASIDE_MAX..]).await;
        }
        assert_eq!(aside(&town).await, all, "sent again, nothing is kept twice");

        let path = town.path(&format!("/units/{MO_O}/aside"));
        let listed = town.officer.get(&path).await.unwrap();
        let listed = listed.as_array().unwrap().iter();
        let of = document.to_string();
        let own = listed.filter(|one| one["document"] == *of && one["fate"] == "held").take(2);
        for one in own {
            let form = json!({
                "document": of, "hash": one["hash"], "reason": "ghi nhầm hộ", "let_in": false,
            });
            town.officer.post(&path, &form).await.unwrap();
        }
        let after = [most + 2, most, most, 28, 30, 30];
        assert_eq!(aside(&town).await, after, "as many as were decided have come up");
        let health = town.province.get(&town.path("/sync-health")).await.unwrap();
        let here = health.as_array().unwrap().iter().find(|row| row["unit"] == MO_O).unwrap();
        assert_eq!(here["aside"]["held"], most + 28, "{here}");
        assert_eq!(here["aside"]["quarantined"], most + 30, "{here}");
        assert_goes_on(&town, &mut hoa, document).await;
    }

    /// A list is returned: what came late and beyond reach is looked at like what came late before it.
    async fn what_came_late_and_beyond_reach_is_let_go_by_a_return(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let mut late = flood(document, None);
        late.extend_from_slice(&flood(document, Some([7; 32]))[..30]);
        for part in late.chunks(limits::BATCH_CHANGES_MAX) {
            let fates = fates(&town, &hoa, part).await;
            assert!(fates.iter().all(|fate| *fate == Fate::Held), "{fates:?}");
        }
        let most = i64::try_from(limits::ASIDE_MAX).unwrap();
        assert_eq!(aside(&town).await, [most, 0, 0, 30, 0, 0]);
        let back = json!({ "act": "return", "root": root, "comment": "xem lại" });
        town.district.act(town.campaign, MO_O, &back).await.unwrap();
        const LATE: [(&str, &str); 3] = [
            ("late", "select count(*) from change where reason = 'list-frozen'"),
            ("beyond", "select count(*) from change_beyond"),
            ("waiting", "select count(*) from change where fate = 'waiting'"),
        ];
        let counted = counted(&town, &LATE).await;
        assert_eq!([counted["late"], counted["beyond"], counted["waiting"]], [0, 0, 30]);
        // What was let in stands side by side until somebody writes on it.
        hoa.sync().await.unwrap();
        assert_goes_on(&town, &mut hoa, document).await;
    }

    /// Changes whose ancestors never come stop their own phone at last, nobody else's.
    async fn orphans_do_not_fill_a_household(town: Town) {
        let (mut hoa, document) = somebodys_household(&town).await;
        let minh = town.phone("minh").await;
        let (_, next) = somebodys_household(&town).await;
        let mut waiting = 0;
        for (document, ancestor) in [(document, [7; 32]), (next, [8; 32])] {
            let flood = flood(document, Some(ancestor));
            let count = if document == next { 10 } else { flood.len() };
            for part in flood[..count].chunks(limits::BATCH_CHANGES_MAX) {
                let fates = fates(&town, &minh, part).await;
                waiting += fates.iter().filter(|fate| **fate == Fate::Waiting).count();
                assert!(fates.iter().all(|fate| matches!(fate, Fate::Waiting | Fate::Held)));
            }
        }
        assert_eq!(i64::try_from(waiting).unwrap(), limits::WAITING_PER_DEVICE_MAX);
        let more = flood(next, Some([9; 32]));
        let batch = minh.sign(&more[..1]);
        let (answer, _, _) =
            town.client.sync(minh.access(), &request(&town, &[], vec![batch])).await.unwrap();
        let verdict = receipts(&answer).pop().unwrap().unwrap().verdicts.remove(0);
        assert_eq!((verdict.fate, verdict.reason.as_deref()), (Fate::Held, Some("waiting-too-many")));
        assert_goes_on(&town, &mut hoa, document).await;
    }

    /// Batches that nobody can take or read, at every place between good ones.
    async fn bad_batches_block_no_good_ones(town: Town) {
        let mut work = Fieldwork::new(town.phone("hoa").await, 9, &["19558-01"]);
        let pen = Pen::enrol(&town).await;
        for (name, spoil) in BATCHES {
            for place in 0..4 {
                let mut batches = Vec::new();
                for _ in 0..3 {
                    let changes = work.write(2);
                    batches.push(work.phone.sign(&changes));
                }
                batches.insert(place, spoil(&pen));
                let request = request(&town, &[], batches);
                let (answer, _, _) =
                    town.client.sync(work.phone.access(), &request).await.unwrap();
                let mut receipts = receipts(&answer);
                let bad = match receipts.remove(place) {
                    Err(refused) => refused,
                    Ok(receipt) => receipt.verdicts[0].reason.clone().unwrap_or_default(),
                };
                assert_eq!(bad, *name, "at {place}");
                for receipt in receipts {
                    let verdicts = receipt.unwrap().verdicts;
                    assert!(verdicts.iter().all(|verdict| verdict.fate == Fate::Accepted));
                }
            }
        }
        ledger::check_positions(&town).await;
    }
}

/// Makes a bad batch.
type Spoil = fn(&Pen) -> Batch;

/// Bad batches, by the name under which each is refused or held.
const BATCHES: &[(&str, Spoil)] = &[
    ("manifest-malformed", |pen| Batch { manifest: ByteBuf::from(vec![0xff; 50]), ..pen.batch() }),
    ("manifest-malformed", |pen| Batch {
        manifest: ByteBuf::from(vec![0x81; 5_000]),
        ..pen.batch()
    }),
    ("manifest-malformed", |pen| Batch { chunks: Vec::new(), ..pen.batch() }),
    ("manifest-malformed", |pen| pen.sign(|m| m.campaign = ByteArray::new([1; 16]))),
    ("manifest-malformed", |pen| pen.sign(|m| m.changes.extend(m.changes.clone()))),
    ("signature-refused", |pen| {
        let mut batch = pen.batch();
        batch.signature[0] ^= 1;
        batch
    }),
    ("signature-refused", |pen| Batch { signature: ByteBuf::from(vec![0; 3]), ..pen.batch() }),
    ("signature-refused", |pen| pen.sign(|m| m.device = ByteArray::new(pen.other.0))),
    ("device-unknown", |pen| pen.sign(|m| m.device = ByteArray::new([1; 16]))),
    ("frame-version", |pen| pen.sign(|m| m.v = 2)),
    ("batch-too-large", |pen| {
        pen.sign(|m| m.changes = vec![m.changes[0]; limits::BATCH_CHANGES_MAX + 1])
    }),
    ("schema-newer", |pen| pen.sign(|m| m.schema = 2)),
    ("document-foreign", Pen::batch),
];

/// An enrolled device whose key signs whatever it is told to.
struct Pen {
    key: SigningKey,
    device: DeviceId,
    campaign: CampaignId,
    document: DocumentId,
    other: DeviceId,
    sound: Vec<Unsent>,
    used: AtomicUsize,
}

impl Pen {
    async fn enrol(town: &Town) -> Self {
        let (hoa, document) = somebodys_household(town).await;
        let key = SigningKey::from_bytes(&[5; 32]);
        let code = town.province.codes(&["hoa".to_owned()]).await.unwrap().remove(0);
        let public_key = to_hex(key.verifying_key().as_bytes());
        let form = json!({ "code": code, "label": "bút", "public_key": public_key });
        let enrolled = town.province.post("/v1/devices", &form).await.unwrap();
        let device = enrolled["device"].as_str().unwrap().parse().unwrap();
        let (campaign, other) = (town.campaign, hoa.device);
        let (sound, used) = (flood(document, None), AtomicUsize::new(0));
        Self { key, device, campaign, document, other, sound, used }
    }

    /// Signs one change for a document that nobody knows.
    fn batch(&self) -> Batch {
        self.sign(|manifest| manifest.changes[0].0 = ByteArray::new([3; 16]))
    }

    /// Signs one sound change after something was done to its manifest.
    fn sign(&self, change: impl FnOnce(&mut Manifest)) -> Batch {
        let sound = self.sound[self.used.fetch_add(1, Ordering::Relaxed)].clone();
        let mut manifest = Manifest {
            v: FRAME_VERSION,
            device: ByteArray::new(self.device.0),
            campaign: ByteArray::new(self.campaign.0),
            schema: 1,
            changes: vec![(ByteArray::new(self.document.0), ByteArray::new(sound.hash.0))],
            households: Vec::new(),
            typed_by: None,
        };
        change(&mut manifest);
        let mut bytes = Vec::new();
        ciborium::into_writer(&manifest, &mut bytes).unwrap();
        let signature = self.key.sign(&[MANIFEST_CONTEXT, &bytes].concat()).to_bytes().to_vec();
        let (manifest, signature) = (ByteBuf::from(bytes), ByteBuf::from(signature));
        Batch { manifest, signature, chunks: vec![ByteBuf::from(sound.chunk)] }
    }
}

/// A household that hoa registered and wrote the first page of.
async fn somebodys_household(town: &Town) -> (Phone, DocumentId) {
    let mut hoa = town.phone("hoa").await;
    let (document, opening) = hoa.register("19558-01");
    hoa.save(document, &[opening]).unwrap();
    let report = hoa.sync().await.unwrap();
    assert_eq!(Phone::count(&report, Fate::Accepted), 1);
    (hoa, document)
}

/// Hoa's next page is accepted, whatever else came.
async fn assert_goes_on(town: &Town, hoa: &mut Phone, document: DocumentId) {
    let mut page = Page::default();
    page.answers.insert("area_dm2".to_owned(), 4_200.into());
    hoa.save(document, &[page]).unwrap();
    let report = hoa.sync().await.unwrap();
    assert_eq!(Phone::count(&report, Fate::Accepted), 1, "{:?}", report.verdicts);
    ledger::check_positions(town).await;
}

/// As many small changes as a household may hold, each of its own actor; orphans where told.
fn flood(document: DocumentId, ancestor: Option<[u8; 32]>) -> Vec<Unsent> {
    let mut page = Page::default();
    page.answers.insert("farm".to_owned(), "none".into());
    let written = Device::new(1).save(&page, 0).unwrap();
    let parts = super::craft::Parts::of(&written.chunk);
    let mut rng = Rng::new(ancestor.map_or(0, |ancestor| u64::from(ancestor[0])));
    let change = |_| {
        let mut parts = parts.clone();
        parts.actor = Actor(rng.bytes()).0.to_vec();
        if let Some(ancestor) = ancestor {
            parts.dependencies = vec![ancestor];
        }
        let (hash, chunk) = parts.chunk();
        assert!(Change::from_bytes(chunk.clone()).is_ok(), "a sound change");
        Unsent { document, hash, chunk }
    };
    (0..limits::DOCUMENT_CHANGES_MAX).map(change).collect()
}

/// Counts what is set aside within reach and beyond it: held of a household, held of documents that
/// nobody knows, damaged.
async fn aside(town: &Town) -> [i64; 6] {
    const OF: [(&str, &str); 6] = [
        ("1", "select count(*) from change where fate = 'held' and reason <> 'document-foreign'"),
        ("2", "select count(*) from change where reason = 'document-foreign'"),
        ("3", "select count(*) from change where fate = 'quarantined'"),
        (
            "4",
            "select count(*) from change_beyond
            where fate = 'held' and reason <> 'document-foreign'",
        ),
        ("5", "select count(*) from change_beyond where reason = 'document-foreign'"),
        ("6", "select count(*) from change_beyond where fate = 'quarantined'"),
    ];
    let counted = counted(town, &OF).await;
    ["1", "2", "3", "4", "5", "6"].map(|name| counted[name])
}

async fn fates(town: &Town, phone: &Phone, changes: &[Unsent]) -> Vec<Fate> {
    let request = request(town, &[], vec![phone.sign(changes)]);
    let (answer, _, _) = town.client.sync(phone.access(), &request).await.unwrap();
    let receipt = receipts(&answer).pop().unwrap().unwrap();
    receipt.verdicts.iter().map(|verdict| verdict.fate).collect()
}
