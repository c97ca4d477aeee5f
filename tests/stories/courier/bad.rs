//! Courier files that are cut, damaged, lying, forged, or hold what no phone would write.

use mobile_schema::problem::by_name;
use serde_json::{Value, json};
use server::demo::phone::{Phone, Unsent};
use shared::courier::{Head, Key, export, pieces};
use shared::id::{ChangeHash, DeviceId, from_hex, sha256};
use shared::limits;
use tests::on_each_backend;
use tests::town::Town;

use super::{PIECE, bring, problems, receipts, sums, worked};
use crate::ask::{get, kept, post_raw};

/// Brings a file that is no good as a whole.
async fn is_refused(town: &Town, file: &[u8], status: u16, name: &str) {
    let before = kept(town).await;
    post_raw(town, town.officer.token(), "/v1/courier", file).await.refused(status, name);
    assert_eq!(kept(town).await, before);
}

async fn public_key(town: &Town) -> [u8; 32] {
    let key = get(town, "", "/v1/courier/key").await.taken();
    from_hex(key["public_key"].as_str().unwrap()).unwrap()
}

/// Reads the changes of a bomb that is kept as a file.
fn bomb(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/bombs/files/{name}.changes", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let (mut changes, mut rest) = (Vec::new(), &bytes[..]);
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        changes.push(behind[..length].to_vec());
        rest = &behind[length..];
    }
    changes
}

/// Every name that the answer gives is published.
fn are_published(imported: &Value) {
    for name in problems(imported) {
        assert!(name.is_empty() || by_name(name).is_some(), "{name}");
    }
}

on_each_backend! {
    /// Cut anywhere: what is whole is taken, what is missing is named, and the rest comes later.
    async fn a_file_cut_anywhere_gives_what_is_whole(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let count = u64::try_from(hoa.outbox.len()).unwrap();
        let file = hoa.export(PIECE);
        let starts: Vec<usize> = pieces(&file).unwrap().iter().map(|found| found.at).collect();
        let mut lengths = vec![0, 1, 7, 8, 9, 17, 73, 74, 105, 106, 200];
        lengths.extend(starts.iter().flat_map(|at| [at + 20, at + 100, at.saturating_sub(1), *at]));
        lengths.sort_unstable();
        for length in lengths {
            let cut = &file[..length];
            if length < 8 {
                is_refused(&town, cut, 422, "courier-empty").await;
                continue;
            }
            let imported = bring(&town, town.officer.token(), cut).await;
            let whole = starts.iter().skip(1).filter(|start| **start <= length).count();
            let opened = problems(&imported).iter().filter(|name| name.is_empty()).count();
            assert_eq!(opened, whole, "cut at {length}");
            are_published(&imported);
            let missing = imported["missing"].as_array().unwrap();
            assert_eq!(missing.is_empty(), whole == 0, "what lacks is known from what was read");
        }
        let imported = bring(&town, town.officer.token(), &file).await;
        let [accepted, known, ..] = sums(&imported);
        assert_eq!(accepted + known, count);
        hoa.take_receipts(&receipts(&imported)).unwrap();
        assert!(hoa.outbox.is_empty());
    }

    /// One bit wrong, anywhere: that piece is named, its neighbours go through.
    async fn a_flipped_bit_is_named_and_the_neighbours_go_through(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let file = hoa.export(PIECE);
        let starts: Vec<usize> = pieces(&file).unwrap().iter().map(|found| found.at).collect();
        let places = [0, 5, 8, 9, 11, 13, 15, 17, 20, 30, 50, 60, 74, 100, 106, 180];
        for at in places.into_iter().chain((1..20).map(|step| step * file.len() / 20)) {
            let mut flipped = file.clone();
            flipped[at] ^= 4;
            let imported = bring(&town, town.officer.token(), &flipped).await;
            let opened = problems(&imported).iter().filter(|name| name.is_empty()).count();
            assert_eq!(opened, starts.len() - 1, "byte {at}: {imported}");
            are_published(&imported);
        }
    }

    /// Sealed to another server, or saying that it has more than it has.
    async fn what_is_for_another_server_or_lies_about_its_size_is_named(town: Town) {
        let (hoa, _) = worked(&town).await;
        let lots = hoa.lots(PIECE);
        let of = (town.campaign, hoa.device);
        let other = export(of, &lots[..1], &Key::derive(&[9; 32]).public(), [1; 32]).unwrap();
        let own = hoa.seal(&lots[1..2]);
        let imported = bring(&town, town.officer.token(), &[&other[..], &own].concat()).await;
        assert_eq!(problems(&imported), ["courier-other-server", ""]);
        let unknown = export((shared::id::CampaignId([8; 16]), hoa.device), &lots[..1],
            &public_key(&town).await, [2; 32]).unwrap();
        let imported = bring(&town, town.officer.token(), &unknown).await;
        assert_eq!(problems(&imported), ["campaign-unknown"]);
        for (length, name) in [
            (0, "courier-piece-damaged"),
            (48, "courier-piece-damaged"),
            (1 << 20, "courier-piece-cut"),
            (u32::MAX, "courier-piece-too-large"),
        ] {
            let mut lying = own.clone();
            lying[14..18].copy_from_slice(&length.to_be_bytes());
            let imported = bring(&town, town.officer.token(), &[lying, own.clone()].concat()).await;
            assert_eq!(problems(&imported)[0], name);
            assert_eq!(problems(&imported).last(), Some(&""), "its neighbour went through");
        }
        is_refused(&town, &vec![0; limits::COURIER_BYTES_MAX + 1], 413, "body-too-large").await;
        is_refused(&town, &vec![0; 1 << 20], 422, "courier-empty").await;
    }

    /// A piece that unpacks to a gigabyte of zeros ends at its bound.
    async fn a_gigabyte_of_zeros_ends_at_the_bound(town: Town) {
        let (hoa, _) = worked(&town).await;
        let zeros = gigabyte();
        let key = public_key(&town).await;
        let head = Head {
            number: 1, count: 1, key: shared::courier::key_id(&key),
            campaign: town.campaign, device: hoa.device, file: [3; 16],
        };
        let bomb = shared::courier::seal_bytes(&head, &zeros, &key, [5; 32]).unwrap();
        let own = hoa.seal(&hoa.lots(PIECE));
        let imported = bring(&town, town.officer.token(), &[&bomb[..], &own].concat()).await;
        assert_eq!(problems(&imported)[0], "courier-piece-too-large");
        assert!(problems(&imported)[1..].iter().all(|name| name.is_empty()));
    }

    /// A carrier brings more at one time than anybody may: what was taken before is noted and has its
    /// receipts, the rest says why it was not, and comes when it is brought again.
    async fn a_file_that_is_stopped_in_the_middle_is_noted(town: Town) {
        let (hoa, _) = worked(&town).await;
        let own = hoa.lots(PIECE);
        let mut nothing = own[0][0].clone();
        nothing.chunks = vec![serde_bytes::ByteBuf::new(); limits::BATCH_CHANGES_MAX];
        let costly = vec![nothing; limits::REQUEST_BATCHES_MAX];
        let mut lots = vec![own[0].clone()];
        lots.extend(std::iter::repeat_n(costly, 5));
        lots.push(own[1].clone());
        let file = hoa.seal(&lots);
        let imported = bring(&town, town.officer.token(), &file).await;
        let found = problems(&imported);
        let stopped = found.iter().position(|name| *name == "too-many");
        let stopped = stopped.expect("it is stopped");
        assert!((2..found.len() - 1).contains(&stopped), "{found:?}");
        assert!(found[stopped..].iter().all(|name| *name == "too-many"));
        assert!(imported["again_ms"].as_u64().unwrap() > 0);
        assert!(sums(&imported)[0] > 0 && sums(&imported)[3..] == [0, 0]);
        assert_eq!(imported["receipts"]["receipts"].as_array().unwrap().len(), 1);
        let missing = imported["missing"][0]["numbers"].as_array().unwrap();
        assert_eq!(missing, &[json!([stopped + 1, found.len()])]);
        let own = hoa.seal(&own[1..2]);
        let lan = town.phone_with_work("lan").await;
        let rest = bring(&town, lan.access(), &own).await;
        assert!(sums(&rest)[0] > 0 && rest["again_ms"].is_null());
    }

    /// Somebody else's manifest, a manifest nobody signed, and a device nobody knows.
    async fn what_was_not_signed_by_its_device_is_refused_like_at_the_other_door(town: Town) {
        let (hoa, _) = worked(&town).await;
        let minh = town.phone_with_work("minh").await;
        let lots = hoa.lots(PIECE);
        let mut forged = lots[0][0].clone();
        forged.signature = minh.sign(&hoa.outbox[..1]).signature;
        let mut torn = lots[0][0].clone();
        torn.manifest.truncate(10);
        let mut stranger = hoa.copied();
        stranger.device = DeviceId([0xee; 16]);
        let unknown = stranger.lots(PIECE)[0][0].clone();
        // Sealed by another phone than the one that wrote: that is what carrying is.
        let file = minh.seal(&[vec![forged, torn, unknown, lots[1][0].clone()]]);
        let imported = bring(&town, town.officer.token(), &file).await;
        let batches = imported["pieces"][0]["batches"].as_array().unwrap();
        let refused: Vec<&str> =
            batches.iter().map(|batch| batch["refused"].as_str().unwrap_or("")).collect();
        assert_eq!(refused, ["signature-refused", "manifest-malformed", "device-unknown", ""]);
        assert_eq!(imported["receipts"]["receipts"].as_array().unwrap().len(), 1);
        assert_eq!(sums(&imported)[3..], [0, 0]);
        assert!(sums(&imported).iter().sum::<u64>() > 0, "the sound one went through");
    }

    /// A revoked device's work is held, whoever brings it, as at the bulk door.
    async fn the_work_of_a_revoked_device_is_held(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let count = u64::try_from(hoa.outbox.len()).unwrap();
        let file = hoa.export(PIECE);
        let revoke = format!("/v1/devices/{}/revoke", hoa.device);
        town.officer.post(&revoke, &json!({})).await.unwrap();
        let imported = bring(&town, town.officer.token(), &file).await;
        assert_eq!(sums(&imported), [0, 0, 0, count, 0]);
        assert_eq!(imported["pieces"][0]["batches"][0]["reasons"], json!(["device-revoked"]));
        hoa.take_receipts(&receipts(&imported)).unwrap();
        assert!(hoa.outbox.is_empty(), "held is durable");
    }

    /// A bomb in a file that is sealed and signed as it should be: the guard sets it aside alone.
    async fn a_bomb_in_a_sound_file_is_quarantined_alone(town: Town) {
        let (hoa, _) = worked(&town).await;
        let mut minh: Phone = town.phone_with_work("minh").await;
        let document = town.review(&mut minh, "19558-01-0001");
        let sound = minh.outbox.clone();
        let mut changes: Vec<Unsent> = sound.clone();
        for chunk in ["ten_million_nulls", "numbers_beyond_32_bits", "a_wrong_checksum"].map(bomb).concat() {
            let hash = ChangeHash(sha256(&chunk[8..]));
            changes.insert(0, Unsent { document, hash, chunk });
        }
        let bombs = u64::try_from(changes.len() - sound.len()).unwrap();
        let batch = minh.sign(&changes);
        let file = [minh.seal(&[vec![batch]]), hoa.seal(&hoa.lots(PIECE))].concat();
        let imported = bring(&town, town.officer.token(), &file).await;
        let sound = u64::try_from(sound.len() + hoa.outbox.len()).unwrap();
        assert_eq!(sums(&imported), [sound, 0, 0, 0, bombs]);
    }
}

/// A gigabyte of zeros as gzip writes it, a megabyte: the same block a thousand times.
fn gigabyte() -> Vec<u8> {
    let mut block = Vec::with_capacity(4096);
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    deflate.compress_vec(&vec![0; 1 << 20], &mut block, flate2::FlushCompress::Full).unwrap();
    assert_eq!(deflate.total_in(), 1 << 20);
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    [&head[..], &block.repeat(960)].concat()
}
