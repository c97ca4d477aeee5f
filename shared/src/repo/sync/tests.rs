//! Our messages against the library's, and damage of every kind.

#![allow(clippy::unwrap_used)]
use automerge::sync::{Message, State, SyncDoc};
use automerge::transaction::Transactable;
use automerge::{AutoCommit, ROOT};

use super::*;

fn hash(of: &automerge::ChangeHash) -> ChangeHash {
    ChangeHash(of.0)
}

/// A document of so many changes.
fn document(changes: u32) -> AutoCommit {
    let mut doc = AutoCommit::new();
    for number in 0..changes {
        doc.put(ROOT, format!("k{}", number % 7), i64::from(number)).unwrap();
        doc.commit();
    }
    doc
}

#[test]
fn the_library_and_we_read_each_others_messages() {
    let mut doc = document(40);
    let mut state = State::new();
    let theirs = doc.sync().generate_sync_message(&mut state).unwrap();
    let read = SyncMessage::read(&theirs.encode()).unwrap();
    let heads: Vec<ChangeHash> = doc.get_heads().iter().map(hash).collect();
    assert_eq!(read.heads, heads);
    let have = read.have.clone().unwrap();
    for change in doc.get_changes(&[]) {
        assert!(have.bloom.may_hold(hash(&change.hash())), "theirs says yes to all they have");
    }
    let changes: Vec<Vec<u8>> =
        doc.get_changes(&[]).iter().map(|change| change.raw_bytes().to_vec()).collect();
    let ours = SyncMessage { changes: changes.clone(), need: heads.clone(), ..read };
    let back = Message::decode(&ours.write()).unwrap();
    assert_eq!(back.heads.iter().map(hash).collect::<Vec<_>>(), heads);
    assert_eq!(back.need.len(), 1);
    assert_eq!(SyncMessage::read(&ours.write()).unwrap(), ours);
    // The filter is the one they make of the same changes.
    let all: Vec<ChangeHash> = doc.get_changes(&[]).iter().map(|c| hash(&c.hash())).collect();
    assert_eq!(Bloom::of(&all), have.bloom);
}

#[test]
fn a_message_of_sixteen_bytes_that_would_count_for_ever_is_refused() {
    let bomb = [0x42, 0, 0, 1, 0, 9, 1, 10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0];
    assert_eq!(SyncMessage::read(&bomb), Err(Malformed));
    let sound = [0x42, 0, 0, 1, 0, 5, 1, 10, 7, 0xff, 0xff, 0];
    assert!(SyncMessage::read(&sound).unwrap().have.unwrap().bloom.may_hold(ChangeHash([3; 32])));
    for (place, other) in [(6, 0), (6, 2), (7, 9), (7, 0), (8, 6), (8, 8), (0, 0x43), (3, 2)] {
        let mut damaged = sound;
        damaged[place] = other;
        assert_eq!(SyncMessage::read(&damaged), Err(Malformed), "{place}");
    }
}

#[test]
fn counts_beyond_what_is_there_or_allowed_are_refused() {
    let many = [&[0x42][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    assert_eq!(SyncMessage::read(&many), Err(Malformed));
    for (place, most) in [(1, limits::SYNC_HEADS_MAX), (2, limits::SYNC_NEED_MAX)] {
        for over in [0, 1] {
            let mut message = SyncMessage::default();
            let hashes: Vec<ChangeHash> =
                (0..most + over).map(|n| ChangeHash(crate::id::sha256(&n.to_le_bytes()))).collect();
            if place == 1 {
                message.heads = hashes;
            } else {
                message.need = hashes;
            }
            assert_eq!(SyncMessage::read(&message.write()).is_ok(), over == 0);
        }
    }
    let flags = |count: usize| {
        let mut bytes = SyncMessage::default().write();
        write_sized(&mut bytes, &vec![0x80; count]);
        SyncMessage::read(&bytes).is_ok()
    };
    assert!(flags(0) && flags(2) && flags(8) && !flags(9));
}

#[test]
fn no_damage_makes_reading_panic() {
    let mut doc = document(12);
    let mut state = State::new();
    let whole = doc.sync().generate_sync_message(&mut state).unwrap().encode();
    for cut in 0..whole.len() {
        let _told_apart = SyncMessage::read(&whole[..cut]);
    }
    for place in 0..whole.len() {
        for value in 0..=255 {
            let mut damaged = whole.clone();
            damaged[place] = value;
            if let Ok(read) = SyncMessage::read(&damaged) {
                assert_eq!(
                    SyncMessage::read(&read.write()).as_ref().map(|r| r.changes.len()),
                    Ok(read.changes.len())
                );
            }
        }
    }
}
