//! Courier files as they come out of pockets: cut, flipped, sorted anew, sealed to others, lying.

#![allow(clippy::unwrap_used)]

use serde_bytes::ByteBuf;

use super::*;
use mobile_schema::frame::Batch;

const CAMPAIGN: CampaignId = CampaignId([3; 16]);
const DEVICE: DeviceId = DeviceId([5; 16]);

fn key() -> Key {
    Key::derive(&[1; 32])
}

fn batch(number: u8) -> Batch {
    Batch {
        manifest: ByteBuf::from(vec![number; 40]),
        signature: ByteBuf::from(vec![number; 64]),
        chunks: vec![ByteBuf::from(vec![number; 30])],
    }
}

/// A file of so many pieces, and where each begins.
fn file(pieces: u8) -> (Vec<u8>, Vec<usize>) {
    let lots: Vec<Vec<Batch>> = (1..=pieces).map(|number| vec![batch(number)]).collect();
    let bytes = export((CAMPAIGN, DEVICE), &lots, &key().public(), [9; 32]).unwrap();
    let starts = super::pieces(&bytes).unwrap().iter().map(|found| found.at).collect();
    (bytes, starts)
}

fn head() -> Head {
    let key = key().id();
    Head { number: 1, count: 1, key, campaign: CAMPAIGN, device: DEVICE, file: [7; 16] }
}

/// Opens everything: what each piece comes to.
fn read(bytes: &[u8]) -> Vec<Result<u8, Fault>> {
    let Ok(found) = pieces(bytes) else { return Vec::new() };
    let opened = found.into_iter().map(|found| {
        let piece = found.piece?;
        let unsealed = open(&found.head.unwrap(), &piece, &key(), &mut 0)?;
        Ok(unsealed[0].manifest[0])
    });
    opened.collect()
}

#[test]
fn what_was_sealed_comes_out_and_the_head_is_in_the_clear() {
    let (bytes, starts) = file(3);
    assert_eq!(read(&bytes), [Ok(1), Ok(2), Ok(3)]);
    assert_eq!(starts.len(), 3);
    let found = pieces(&bytes).unwrap();
    let head = found[1].head.clone().unwrap();
    assert_eq!((head.number, head.count, head.campaign), (2, 3, CAMPAIGN));
    assert_eq!((head.device, head.key), (DEVICE, key().id()));
    let (piece, key) = (found[1].piece.unwrap(), key());
    assert_eq!(open(&head, &piece, &key, &mut 0).unwrap(), [batch(2)]);
    assert!(!bytes.windows(40).any(|part| part == [2; 40]), "the rest is not");
    let other = export((CAMPAIGN, DEVICE), &[vec![batch(1)]], &key.public(), [8; 32]).unwrap();
    assert_ne!(other[COURIER_HEAD_BYTES..], bytes[COURIER_HEAD_BYTES..starts[1]]);
}

#[test]
fn sorted_anew_doubled_and_put_together_every_piece_is_read() {
    let (bytes, starts) = file(3);
    let (first, rest) = bytes.split_at(starts[1]);
    let (second, third) = rest.split_at(starts[2] - starts[1]);
    assert_eq!(read(&[third, first, second].concat()), [Ok(3), Ok(1), Ok(2)]);
    assert_eq!(read(&[first, first, &bytes].concat()), [Ok(1), Ok(1), Ok(1), Ok(2), Ok(3)]);
    assert_eq!(read(second), [Ok(2)], "a piece is a file");
    let between = [first, b"hello", third, &[0; 512]].concat();
    assert_eq!(read(&between), [Ok(1), Err(Fault::Stray), Ok(3), Err(Fault::Stray)]);
}

#[test]
fn cut_at_every_length_what_is_whole_is_read_and_the_rest_is_named() {
    let (bytes, starts) = file(3);
    for length in 0..bytes.len() {
        let whole = starts.iter().skip(1).filter(|start| **start <= length).count();
        let came = read(&bytes[..length]);
        let good = came.iter().filter(|one| one.is_ok()).count();
        assert_eq!(good, whole, "cut at {length}");
        let at_an_end = starts.contains(&length);
        // Fewer bytes than a mark are bytes of no piece, and none at all no file.
        let named = came.iter().filter(|one| one.is_err()).count();
        assert_eq!(named, usize::from(!at_an_end && length >= COURIER_MARK.len()), "{length}");
    }
    for from in 1..bytes.len() {
        let good = read(&bytes[from..]).iter().filter(|one| one.is_ok()).count();
        assert_eq!(good, starts.iter().filter(|start| **start >= from).count(), "from {from}");
    }
}

#[test]
fn a_flipped_bit_costs_its_piece_and_no_other() {
    let (bytes, starts) = file(3);
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let hit = starts.iter().rposition(|start| *start <= at).unwrap();
            let came = read(&flipped);
            let good: Vec<u8> = came.iter().flatten().copied().collect();
            let others: Vec<u8> =
                (1..=3).filter(|number| usize::from(*number) != hit + 1).collect();
            assert_eq!(good, others, "byte {at}, bit {bit}");
            assert!(came.len() >= 3, "byte {at}: the piece is named");
        }
    }
}

#[test]
fn a_length_that_lies_reaches_nothing_that_is_not_there() {
    let (bytes, starts) = file(2);
    for length in [0, 1, 31, 47, 48, 1 << 20, (1 << 20) + 1, u32::MAX] {
        let mut lying = bytes.clone();
        lying[14..18].copy_from_slice(&length.to_be_bytes());
        let came = read(&lying);
        assert!(came[0].is_err(), "{length}");
        assert_eq!(came.last(), Some(&Ok(2)), "{length}: its neighbour is read");
    }
    let mut lying = bytes.clone();
    lying[14..18].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(read(&lying)[0], Err(Fault::TooLarge));
    let room = u32::try_from(bytes.len() - COURIER_HEAD_BYTES).unwrap();
    lying[14..18].copy_from_slice(&room.to_be_bytes());
    assert_eq!(read(&lying)[0], Err(Fault::Cut), "not beyond the next mark");
    assert_eq!(starts.len(), 2);
}

#[test]
fn what_is_sealed_to_another_server_or_of_another_version_is_named_so() {
    let other = Key::derive(&[2; 32]);
    let bytes = export((CAMPAIGN, DEVICE), &[vec![batch(1)]], &other.public(), [9; 32]).unwrap();
    assert_eq!(read(&bytes), [Err(Fault::OtherServer)]);
    let mut renamed = bytes.clone();
    renamed[18..26].copy_from_slice(&key().id());
    assert_eq!(read(&renamed), [Err(Fault::Damaged)], "the name is not the key");
    for at in [8, 9] {
        let mut newer = file(1).0;
        newer[at] += 1;
        assert_eq!(read(&newer), [Err(Fault::Version)]);
    }
}

#[test]
fn what_is_under_the_seal_is_bounded_and_read_with_care() {
    let sealed = |bytes: &[u8]| seal_bytes(&head(), bytes, &key().public(), [4; 32]).unwrap();
    let packed = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut out, bytes).unwrap();
        out.finish().unwrap()
    };
    assert_eq!(read(&sealed(b"")), [Err(Fault::Damaged)]);
    assert_eq!(read(&sealed(b"no gzip at all")), [Err(Fault::Damaged)]);
    assert_eq!(read(&sealed(&packed(b"no frame"))), [Err(Fault::Damaged)]);
    let zeros = packed(&vec![0; limits::COURIER_PIECE_INFLATED_BYTES_MAX + 1]);
    assert_eq!(read(&sealed(&zeros)), [Err(Fault::TooLarge)]);
    // Lists that claim to have 2^63 entries, nested without end.
    for frame in [b"\xa1gbatches\x9b\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(), vec![0x81; 4096]] {
        assert_eq!(read(&sealed(&packed(&frame))), [Err(Fault::Damaged)]);
    }
    let many = vec![batch(1); limits::REQUEST_BATCHES_MAX + 1];
    let many = seal(&head(), &many, &key().public(), [4; 32]).unwrap();
    assert_eq!(read(&many), [Err(Fault::TooLarge)]);
}

#[test]
fn a_file_of_too_many_pieces_or_none_is_refused() {
    assert_eq!(pieces(b""), Err(FileError::Empty));
    assert_eq!(pieces(&[0; 4096]), Err(FileError::Empty));
    let marks = COURIER_MARK.repeat(limits::COURIER_PIECES_MAX);
    assert_eq!(pieces(&marks).unwrap().len(), limits::COURIER_PIECES_MAX);
    assert_eq!(pieces(&[&marks[..], &COURIER_MARK].concat()), Err(FileError::TooLarge));
    assert_eq!(pieces(&vec![0; limits::COURIER_BYTES_MAX + 1]), Err(FileError::TooLarge));
}

#[test]
fn heads_of_pieces_that_cannot_be_are_not_believed() {
    for (number, count) in [(0_u16, 1_u16), (2, 1), (0, 0), (1, 1025), (1, u16::MAX)] {
        let mut bytes = file(1).0;
        bytes[10..12].copy_from_slice(&number.to_be_bytes());
        bytes[12..14].copy_from_slice(&count.to_be_bytes());
        assert_eq!(read(&bytes), [Err(Fault::Damaged)], "{number} of {count}");
    }
}

#[test]
fn a_million_empty_changes_are_read_over_and_counted() {
    let mut many = batch(1);
    many.chunks = vec![ByteBuf::new(); 1_000_000];
    let bytes = seal(&head(), &[many, batch(2)], &key().public(), [4; 32]).unwrap();
    let found = pieces(&bytes).unwrap();
    let mut inflated = 0;
    let opened = open(&head(), &found[0].piece.unwrap(), &key(), &mut inflated).unwrap();
    // One more than there may be, so that it is refused; its neighbour is whole.
    assert_eq!(opened[0].chunks.len(), limits::BATCH_CHANGES_MAX + 1);
    assert_eq!(opened[1], batch(2));
    assert!(inflated > 1_000_000);
}

#[test]
fn what_was_inflated_is_counted_whatever_comes_of_it() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&[0xff; 100_000]).unwrap();
    let sealed = seal_bytes(&head(), &packed.finish().unwrap(), &key().public(), [4; 32]).unwrap();
    let found = pieces(&sealed).unwrap();
    let mut inflated = 0;
    let opened = open(&head(), &found[0].piece.unwrap(), &key(), &mut inflated);
    assert_eq!((opened, inflated), (Err(Fault::Damaged), 100_000));
}
