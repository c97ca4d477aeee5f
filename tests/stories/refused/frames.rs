//! Frames a phone should never have sent. A request or a batch is refused whole, or not at all.

use mobile_schema::frame::{Batch, BatchResult, Fate, MANIFEST_CONTEXT, Manifest, SyncRequest};
use serde_bytes::{ByteArray, ByteBuf};
use server::demo::phone::Phone;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::Town;

use crate::ask::{ask, cbor, kept, post_raw, sync, verdicts};

/// Sends one batch and requires that nothing of it was stored, under this name.
async fn refused_batch(town: &Town, phone: &Phone, batch: Batch, name: &str) {
    let before = kept(town).await;
    let request = SyncRequest { batches: vec![batch], ..phone.request() };
    let answer = sync(town, phone.access(), &request).await;
    assert_eq!(answer.results, [BatchResult::Refused(name.to_owned())]);
    assert!(mobile_schema::problem::by_name(name).is_some(), "{name} is published");
    assert_eq!(kept(town).await, before, "{name}");
}

/// Reads a batch's manifest, alters it and leaves the signature as it was.
fn altered(batch: &Batch, alter: impl FnOnce(&mut Manifest)) -> Batch {
    let mut manifest: Manifest = ciborium::from_reader(batch.manifest.as_slice()).unwrap();
    alter(&mut manifest);
    Batch { manifest: ByteBuf::from(cbor(&manifest)), ..batch.clone() }
}

on_each_backend! {
    /// Bytes that are no frame, or a frame made to hurt.
    async fn what_is_no_frame_is_refused(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let good = cbor(&hoa.request());
        let before = kept(&town).await;
        let mut huge_string = vec![0xa1, 0x61, b'v', 0x5b];
        huge_string.extend([0xff; 8]);
        let mut huge_list = vec![0x9b];
        huge_list.extend([0x7f; 8]);
        let frames = [
            Vec::new(),
            b"{\"v\":1}".to_vec(),
            good[..good.len() / 2].to_vec(),
            vec![0x81; 200_000],
            [&[0xa1, 0x61, b'x'][..], &[0x81; 500]].concat(),
            vec![0xff; 64],
            huge_string,
            huge_list,
        ];
        for frame in frames {
            post_raw(&town, hoa.access(), "/v1/sync", &frame).await.refused(422, "frame-malformed");
        }
        assert_eq!(kept(&town).await, before);
    }

    /// Another version, another campaign, a cursor of nobody's, more than a request holds.
    async fn a_request_out_of_bounds_is_refused(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0001");
        let before = kept(&town).await;
        let send = async |alter: &dyn Fn(&mut SyncRequest)| {
            let mut request = hoa.request();
            alter(&mut request);
            post_raw(&town, hoa.access(), "/v1/sync", &cbor(&request)).await
        };
        send(&|request| request.v = 2).await.refused(422, "frame-version");
        send(&|request| request.v = 0).await.refused(422, "frame-version");
        send(&|request| request.campaign = ByteArray::new([0; 16]))
            .await
            .refused(404, "campaign-unknown");
        for cursor in [vec![0], vec![0xff; 40], b"c1".to_vec(), vec![b'x'; 100_000]] {
            send(&|request| request.cursor = ByteBuf::from(cursor.clone()))
                .await
                .refused(422, "cursor-malformed");
        }
        let many = |request: &mut SyncRequest| {
            let batch =
                Batch { manifest: ByteBuf::new(), signature: ByteBuf::new(), chunks: Vec::new() };
            request.batches = vec![batch; 65];
        };
        send(&many).await.refused(422, "batch-too-large");
        assert_eq!(kept(&town).await, before);
    }

    /// A body over 1 MiB, whatever is in it, on any route that takes none larger.
    async fn a_body_over_a_mebibyte_is_refused(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let before = kept(&town).await;
        let body = vec![b' '; 1024 * 1024 + 1];
        for (path, token) in [
            ("/v1/sync", hoa.access()),
            ("/v1/accounts", town.province.token()),
            ("/v1/sessions", ""),
            ("/v1/devices", ""),
        ] {
            post_raw(&town, token, path, &body).await.refused(413, "body-too-large");
        }
        ask(town.running.address, "POST", "/v1/sync", None, body)
            .await
            .refused(401, "unauthenticated");
        assert_eq!(kept(&town).await, before);
    }

    /// The signature holds what the device said: nothing else gets in under its name.
    async fn a_batch_nobody_signed_is_refused(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        town.review(&mut hoa, "19558-01-0001");
        town.review(&mut minh, "19558-01-0002");
        let good = hoa.next_batch().unwrap();

        let mut forged = good.clone();
        forged.signature[0] ^= 1;
        refused_batch(&town, &hoa, forged, "signature-refused").await;
        let cut = Batch { signature: ByteBuf::from(vec![0; 63]), ..good.clone() };
        refused_batch(&town, &hoa, cut, "signature-refused").await;
        let of_minh = altered(&minh.next_batch().unwrap(), |manifest| {
            manifest.device = ByteArray::new(hoa.device.0);
        });
        refused_batch(&town, &hoa, of_minh, "signature-refused").await;
        let newer = altered(&good, |manifest| manifest.schema = 0);
        refused_batch(&town, &hoa, newer, "signature-refused").await;
        let unknown = altered(&good, |manifest| manifest.device = ByteArray::new([7; 16]));
        refused_batch(&town, &hoa, unknown, "device-unknown").await;
        let swapped = altered(&good, |manifest| manifest.changes.reverse());
        refused_batch(&town, &hoa, swapped, "signature-refused").await;
        assert_eq!(
            hoa.sync().await.unwrap().refused,
            Vec::<String>::new(),
            "the good one is taken"
        );
    }

    /// Manifests that cannot be read, or are of something else than the request says.
    async fn a_manifest_out_of_bounds_is_refused(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0001");
        let good = hoa.next_batch().unwrap();
        for manifest in [vec![], vec![0x81; 50_000], good.manifest[..20].to_vec(), vec![0xa0]] {
            let batch = Batch { manifest: ByteBuf::from(manifest), ..good.clone() };
            refused_batch(&town, &hoa, batch, "manifest-malformed").await;
        }
        let fewer = Batch { chunks: good.chunks[1..].to_vec(), ..good.clone() };
        refused_batch(&town, &hoa, fewer, "manifest-malformed").await;
        let version = altered(&good, |manifest| manifest.v = 9);
        refused_batch(&town, &hoa, version, "frame-version").await;

        let campaign = town.province.add_campaign(&tests::town::campaign_form()).await.unwrap();
        let code = town.province.codes(&["hoa".to_owned()]).await.unwrap().remove(0);
        let mut other = Phone::enrol(&town.client, campaign, &code, "máy khác").await.unwrap();
        let (document, opening) = other.register("19558-01");
        other.save(document, &[opening]).unwrap();
        let elsewhere = other.next_batch().unwrap();
        refused_batch(&town, &hoa, elsewhere, "manifest-malformed").await;
    }

    /// 257 changes in one batch.
    async fn a_batch_over_its_limit_is_refused(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-01-0001");
        for n in 0..257_i64 {
            let answers = [("revisits".to_owned(), (n % 4).into())].into();
            hoa.save(document, &[Page { answers, ..Page::default() }]).unwrap();
        }
        assert_eq!(hoa.outbox.len(), 257);
        refused_batch(&town, &hoa, hoa.sign(&hoa.outbox), "batch-too-large").await;
        let request = SyncRequest { batches: vec![hoa.sign(&hoa.outbox[..256])], ..hoa.request() };
        let answer = sync(&town, hoa.access(), &request).await;
        assert!(verdicts(&answer.results[0]).unwrap().iter().all(|v| v.fate == Fate::Accepted));
    }

    /// Long text is merged and flagged; a change over its limit is set aside alone.
    async fn over_long_text_is_told_apart(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-01-0001");
        let mut say = |text: String| {
            let answers = [("cause_other".to_owned(), text.into())].into();
            hoa.save(document, &[Page { answers, ..Page::default() }]).unwrap();
        };
        say("ồ".repeat(4_000));
        say("ồ".repeat(4_001));
        // Not compressible, or it would fit the batch after all.
        let noise: String =
            (0..70_000_u32).map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761))).collect();
        say(noise);
        let work = std::mem::take(&mut hoa.outbox);
        let request = SyncRequest { batches: vec![hoa.sign(&work)], ..hoa.request() };
        let answer = sync(&town, hoa.access(), &request).await;
        let told = verdicts(&answer.results[0]).unwrap();
        let fates: Vec<Fate> = told.iter().map(|verdict| verdict.fate).collect();
        assert_eq!(fates, [Fate::Accepted, Fate::Accepted, Fate::Quarantined]);
        assert_eq!(told[2].reason.as_deref(), Some("change-too-large"));

        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        let flags = read["standing"]["flags"].as_array().unwrap();
        assert!(flags.iter().any(|flag| flag["path"] == "answers/cause_other"), "{flags:?}");
        assert!(read["household"]["answers"]["cause_other"].is_null());
    }

    /// NUL in a hamlet's code and in an answer: PostgreSQL keeps none in text, the log keeps bytes.
    async fn nul_characters_stop_nothing(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let (foreign, opening) = hoa.register("19558-01\0");
        hoa.save(foreign, &[opening]).unwrap();
        let listed = town.document(&hoa, "19558-01-0001");
        let member = hoa.household(listed).unwrap().members.keys().next().unwrap().clone();
        let name =
            [("name".to_owned(), "Hồ\0Thị".into()), ("ethnicity".to_owned(), "2\u{0}".into())];
        let page = Page {
            answers: [("cause_other".to_owned(), "\0".into()), ("\0".to_owned(), 1.into())].into(),
            members: [
                (member, name.into()),
                ("\0".to_owned(), [("\0".to_owned(), "\0".into())].into()),
            ]
            .into(),
            b1_items: [("\0".to_owned(), 1)].into(),
            ..Page::default()
        };
        hoa.save(listed, &[page]).unwrap();
        let report = hoa.sync().await.unwrap();
        let reasons: Vec<_> =
            report.verdicts.iter().map(|v| (v.fate, v.reason.as_deref())).collect();
        assert_eq!(reasons, [(Fate::Held, Some("document-foreign")), (Fate::Accepted, None)]);
        for path in [format!("/households/{listed}"), "/units/19558/households".to_owned()] {
            town.officer.get(&town.path(&path)).await.unwrap();
        }
        town.officer.list(town.campaign, tests::town::MO_O).await.unwrap();
    }

    /// The device signs the manifest under our own prefix: no other text of it can be replayed.
    async fn a_signature_without_its_prefix_is_refused(town: Town) {
        use ed25519_dalek::{Signer, SigningKey};
        let key = SigningKey::from_bytes(&[3; 32]);
        let code = town.province.codes(&["hoa".to_owned()]).await.unwrap().remove(0);
        let public_key = shared::id::to_hex(key.verifying_key().as_bytes());
        let form = serde_json::json!({
            "code": code, "label": "máy", "public_key": public_key,
        });
        let enrolled = crate::ask::post(&town, "", "/v1/devices", &form).await.taken();
        let device: shared::id::DeviceId = enrolled["device"].as_str().unwrap().parse().unwrap();
        let hoa = town.phone_with_work("hoa").await;
        let manifest = Manifest {
            v: 1,
            device: ByteArray::new(device.0),
            campaign: ByteArray::new(town.campaign.0),
            schema: 1,
            changes: Vec::new(),
            households: Vec::new(),
            typed_by: None,
        };
        let manifest = ByteBuf::from(cbor(&manifest));
        let with = |signed: &[u8]| Batch {
            manifest: manifest.clone(),
            signature: ByteBuf::from(key.sign(signed).to_bytes().to_vec()),
            chunks: Vec::new(),
        };
        refused_batch(&town, &hoa, with(&manifest), "signature-refused").await;
        let request = SyncRequest {
            batches: vec![with(&[MANIFEST_CONTEXT, &manifest].concat())],
            ..hoa.request()
        };
        let answer = sync(&town, hoa.access(), &request).await;
        assert_eq!(verdicts(&answer.results[0]), Ok(Vec::new()));
    }
}
