//! Courier files that somebody damaged or made up: nothing comes out of a piece but what was sealed into
//! it, whatever is sealed is read or refused, and nothing panics or grows.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use mobile_schema::courier::COURIER_MARK;
use mobile_schema::frame::Batch;
use serde_bytes::ByteBuf;
use shared::courier::{FileError, Found, Head, Key, export, open, pieces, seal_bytes};
use shared::id::{CampaignId, DeviceId};
use shared::limits;

use crate::dice::Dice;
use crate::number;

/// Files tried in a run of CI, of each kind; `RASOAT_FUZZ_COURIER=n` tries others.
const FILES: u64 = 3_000;

const CAMPAIGN: CampaignId = CampaignId([1; 16]);
const DEVICE: DeviceId = DeviceId([2; 16]);

fn key() -> Key {
    Key::derive(&[7; 32])
}

/// What is sealed into each piece: telling them apart is all that it is for.
fn lots() -> Vec<Vec<Batch>> {
    let batch = |number: u8| Batch {
        manifest: ByteBuf::from(vec![number; 100]),
        signature: ByteBuf::from(vec![number; 64]),
        chunks: vec![ByteBuf::from(vec![number; 40]); 3],
    };
    (0..5).map(|lot| vec![batch(2 * lot), batch(2 * lot + 1)]).collect()
}

/// Damages bytes as a bad memory stick does, and as somebody does who knows how they are written.
fn damaged(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(4) {
        let (at, other) = (dice.below(bytes.len()), dice.below(bytes.len()));
        let (from, until) = (at.min(other), at.max(other));
        match dice.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(from..until.min(from + 64))),
            2 => {
                let again = bytes[from..until].to_vec();
                bytes.splice(at..at, again);
            }
            3 => bytes[from..until].reverse(),
            4 => drop(bytes.splice(at..at, COURIER_MARK)),
            5 => drop(bytes.splice(at..at, [0xff; 4])),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
        bytes.truncate(64 * 1024);
    }
    bytes
}

#[test]
fn what_is_opened_is_what_was_sealed() {
    let (key, lots) = (key(), lots());
    let whole = export((CAMPAIGN, DEVICE), &lots, &key.public(), [9; 32]).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..number("RASOAT_FUZZ_COURIER", FILES) {
        let file = damaged(whole.clone(), &mut Dice::new(seed));
        let found = match pieces(&file) {
            Ok(found) => found,
            Err(error) => {
                assert_eq!(error, FileError::Empty, "seed {seed}");
                continue;
            }
        };
        let ordered = found.windows(2).all(|two| two[0].at < two[1].at);
        assert!(ordered && found.iter().all(|one| one.at < file.len()), "seed {seed}");
        for Found { head, piece, .. } in &found {
            let (Some(head), Ok(piece)) = (head, piece) else {
                refused += 1;
                continue;
            };
            let mut inflated = 0;
            match open(head, piece, &key, &mut inflated) {
                Ok(batches) => {
                    let lot = &lots[usize::from(head.number) - 1];
                    assert_eq!((&batches, head.count), (lot, 5), "seed {seed}");
                    assert_eq!((head.campaign, head.device), (CAMPAIGN, DEVICE), "seed {seed}");
                    opened += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(opened > 1_000 && refused > 1_000, "{opened} opened, {refused} refused");
}

#[test]
fn whatever_is_sealed_is_read_or_refused() {
    let (key, lots) = (key(), lots());
    let head = Head {
        number: 1,
        count: 1,
        key: key.id(),
        campaign: CAMPAIGN,
        device: DEVICE,
        file: [3; 16],
    };
    let mut frame = Vec::new();
    let parcel = mobile_schema::courier::Parcel { v: 1, batches: lots[0].clone() };
    ciborium::into_writer(&parcel, &mut frame).unwrap();
    let (mut read, mut refused) = (0, 0);
    for seed in 0..number("RASOAT_FUZZ_COURIER", FILES) {
        let dice = &mut Dice::new(seed);
        let inner = if dice.chance(80) { damaged(frame.clone(), dice) } else { frame.clone() };
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&inner).unwrap();
        let mut packed = packed.finish().unwrap();
        if dice.chance(30) {
            packed = damaged(packed, dice);
        }
        let mut fresh = [0; 32];
        fresh[..8].copy_from_slice(&seed.to_le_bytes());
        let file = seal_bytes(&head, &packed, &key.public(), fresh).unwrap();
        let found = pieces(&file).unwrap();
        let mut inflated = 0;
        for one in &found {
            let (Some(head), Ok(piece)) = (&one.head, &one.piece) else { continue };
            match open(head, piece, &key, &mut inflated) {
                Ok(batches) => {
                    assert!(batches.len() <= limits::REQUEST_BATCHES_MAX, "seed {seed}");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(inflated <= limits::COURIER_PIECE_INFLATED_BYTES_MAX + 1, "seed {seed}");
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}
