//! The bombs: what each is, and how it must end.

use automerge::transaction::{Transactable, Transaction};
use automerge::{Automerge, Change, ObjType, ROOT, ReadDoc, ScalarValue};
use shared::id::Actor;
use shared::merge::{actor_id, genesis};

use crate::make::{Parts, deflated, deflated_zeros, frame, leb, nulls, put, runs, sealed};

/// How a bomb ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The guard keeps it out, under this published name.
    Refused(&'static str),
    /// It is kept, and merging leaves it out by name.
    LeftOut,
    /// It is taken and costs no more than it may.
    Taken,
}

/// One change made to hurt, or several of one phone.
pub(crate) struct Bomb {
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Vec<Vec<u8>>,
    pub(crate) end: End,
}

const MALFORMED: End = End::Refused("change-malformed");
const TOO_LARGE: End = End::Refused("change-too-large");
const DEPENDENCIES: End = End::Refused("change-dependencies");
const KIND: End = End::Refused("change-kind-refused");
const ACTOR: End = End::Refused("change-actor");

macro_rules! bombs {
    ($($(#[doc = $what:literal])* $name:ident => $end:expr, $make:expr;)*) => {
        /// Every bomb.
        pub(crate) const BOMBS: &[Bomb] = &[$(Bomb {
            name: stringify!($name),
            make: || $make,
            end: $end,
        }),*];

        mod each {
            $(
                $(#[doc = $what])*
                #[test]
                fn $name() {
                    crate::child::assert_harmless(stringify!($name));
                }
            )*
        }
    };
}

bombs! {
    /// A hundred bytes that are one valid change of ten million operations (4,4 GB if applied).
    ten_million_nulls => TOO_LARGE, vec![nulls(10_000_000).chunk()];
    /// A quarter of a megabyte that inflates to 240 MB before its checksum can be looked at.
    inflates_to_240_megabytes => TOO_LARGE, vec![frame(&[0; 4], 2, &deflated_zeros(240))];
    /// A megabyte that inflates to a gigabyte.
    inflates_to_a_gigabyte => TOO_LARGE, vec![frame(&[0; 4], 2, &deflated_zeros(1_024))];
    /// A key that says it has a gigabyte; so much is set aside before it is read.
    key_of_a_gigabyte => MALFORMED, vec![put(&leb(1_000_000_000), vec![]).chunk()];
    /// The same in the name of a mark.
    mark_name_of_a_gigabyte => MALFORMED, {
        vec![put(b"\x01k", vec![(0xa5, [vec![0x7f], leb(1_000_000_000)].concat())]).chunk()]
    };
    /// A value that says it has 2^59 bytes.
    value_of_an_exabyte => MALFORMED, {
        vec![put(b"\x01k", vec![(0x56, [vec![0x7f], leb(7 | (1 << 63))].concat())]).chunk()]
    };
    /// One operation that says it replaces 2^40 others.
    replaces_a_trillion => TOO_LARGE, {
        let count = [vec![0x7f], leb(1 << 40)].concat();
        vec![put(b"\x01k", vec![
            (0x70, count),
            (0x71, runs(&[(1 << 40, Some(&[0]))])),
            (0x73, runs(&[(1 << 40, Some(&[0]))])),
        ]).chunk()]
    };
    /// A run of 2^62 times yes in the column that says which ends of marks grow.
    expands_for_ever => TOO_LARGE, vec![put(b"\x01k", vec![(0x94, leb(1 << 62))]).chunk()];
    /// A run of nothing that is longer than any counter.
    nothing_for_ever => TOO_LARGE, {
        vec![put(b"\x01k", vec![(0x11, [vec![0], leb(u64::MAX)].concat())]).chunk()]
    };
    /// The most negative run length there is.
    a_run_of_minus_two_to_the_63 => TOO_LARGE, {
        let run = [[0x80; 9].to_vec(), vec![0x7f]].concat();
        vec![put(b"\x01k", vec![(0x42, run)]).chunk()]
    };
    /// Ten million operations of marks alone.
    ten_million_marks => TOO_LARGE, {
        let count = 10_000_000;
        vec![put(b"\x01k", vec![
            (0x15, runs(&[(count, Some(b"\x01k"))])),
            (0x34, leb(count)),
            (0x42, runs(&[(count, Some(&[7]))])),
            (0x56, runs(&[(count, Some(&[0]))])),
            (0x70, runs(&[(count, Some(&[0]))])),
            (0xa5, runs(&[(count, Some(b"\x01b"))])),
        ]).chunk()]
    };
    /// A hundred thousand ancestors, deflated to next to nothing.
    deflated_dependencies => TOO_LARGE, {
        vec![deflated(&[leb(100_000), vec![7; 3_200_000]].concat())]
    };
    /// A hundred thousand ancestors of which none is there.
    claimed_dependencies => DEPENDENCIES, vec![sealed(&[leb(100_000), vec![7; 64]].concat())];
    /// 2^60 other authors.
    claimed_authors => ACTOR, {
        let body = Parts::new().body();
        let others = body.len() - 2;
        vec![sealed(&[&body[..others], &leb(1 << 60)].concat())]
    };
    /// A million columns.
    a_million_columns => MALFORMED, {
        let body = Parts::new().body();
        vec![sealed(&[&body[..body.len() - 1], &leb(1_000_000), &[1; 4_000][..]].concat())]
    };
    /// A column nobody knows, 200 KB of it.
    an_unknown_column => MALFORMED, {
        vec![put(b"\x01k", vec![(0xf3, vec![0x40; 200_000])]).chunk()]
    };
    /// A column that says it is deflated.
    a_deflated_column => MALFORMED, {
        let zeros = deflated_zeros(64);
        vec![put(b"\x01k", vec![(0x5f, zeros)]).chunk()]
    };
    /// A chunk whose length is 2^60.
    a_chunk_of_an_exabyte => MALFORMED, {
        vec![[&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1], &leb(1 << 60)[..], &[0; 90]].concat()]
    };
    /// Numbers of a hundred bytes.
    numbers_that_never_end => MALFORMED, {
        vec![[&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1], &[0xff; 100][..]].concat()]
    };
    /// A bundle of changes: the library's least robust reader.
    a_bundle => KIND, vec![frame(&[0; 4], 3, &[0xff; 400])];
    /// A whole document.
    a_document => KIND, vec![frame(&[0; 4], 0, &[0xff; 400])];
    /// A sound change under another checksum, which the library does not look at.
    a_wrong_checksum => MALFORMED, {
        let mut chunk = put(b"\x01k", vec![]).chunk();
        chunk[4] ^= 1;
        vec![chunk]
    };
    /// An answer under a key the library writes in another form: nobody could load the household
    /// again.
    written_in_another_form => MALFORMED, {
        vec![put(b"\x01k", vec![(0x42, vec![1, 1])]).chunk()]
    };
    /// Operations with numbers that end beyond 32 bits.
    numbers_beyond_32_bits => TOO_LARGE, {
        let parts = put(b"\x01k", vec![]);
        vec![Parts { first_operation: (1 << 32) - 1, ..parts }.chunk()]
    };
    /// Operations with the last numbers that are allowed: nobody could write after them.
    the_last_numbers => End::LeftOut, {
        let parts = put(b"\x01k", vec![]);
        vec![Parts { first_operation: (1 << 31) - 2, ..parts }.chunk()]
    };
    /// An empty change that takes the numbers away.
    nothing_at_the_last_number => End::LeftOut, {
        vec![Parts { first_operation: 1 << 31, ..Parts::new() }.chunk()]
    };
    /// Twenty thousand maps, each in the one before: whoever walks them runs out of stack.
    maps_in_maps => End::LeftOut, vec![written(|tx| {
        let mut at = ROOT;
        for _ in 0..19_999 {
            at = tx.put_object(&at, "m", ObjType::Map).unwrap();
        }
    })];
    /// Something in a table: the library knows no way to merge it.
    written_in_a_table => End::LeftOut, {
        let table = leb(100);
        vec![Parts::with(vec![
            (0x01, runs(&[(1, None), (1, Some(&[0]))])),
            (0x02, runs(&[(1, None), (1, Some(&table))])),
            (0x15, runs(&[(2, Some(b"\x01t"))])),
            (0x34, leb(2)),
            (0x42, [vec![0x7e], vec![6, 1]].concat()),
            (0x56, runs(&[(2, Some(&[0]))])),
            (0x70, runs(&[(2, Some(&[0]))])),
        ]).chunk()]
    };
    /// An answer in an object that is not there.
    in_no_object => End::LeftOut, {
        vec![put(b"\x01k", vec![(0x01, vec![0x7f, 0]), (0x02, [vec![0x7f], leb(77)].concat())])
            .chunk()]
    };
    /// It replaces what is not there.
    replaces_nothing => End::LeftOut, {
        vec![put(b"\x01k", vec![
            (0x70, vec![0x7f, 1]),
            (0x71, vec![0x7f, 0]),
            (0x73, [vec![0x7f], leb(50)].concat()),
        ]).chunk()]
    };
    /// The 77th change of somebody who wrote none before.
    a_number_out_of_the_blue => End::LeftOut, {
        vec![Parts { seq: 77, ..put(b"\x01k", vec![]) }.chunk()]
    };
    /// Two different changes under one number.
    one_number_twice => End::Taken, {
        vec![put(b"\x01k", vec![]).chunk(), put(b"\x01l", vec![]).chunk()]
    };
    /// A thousand changes whose ancestor never comes.
    orphans => End::Taken, (0..1_000_u64).map(|n| {
        let mut actor = vec![0xb1; 8];
        actor.extend(n.to_be_bytes());
        Parts { actor, dependencies: vec![[9; 32]], ..put(b"\x01k", vec![]) }.chunk()
    }).collect();
    /// The device's clock at both ends of time.
    the_ends_of_time => MALFORMED, {
        let late = Parts { time: i64::MAX, ..put(b"\x01k", vec![]) };
        let early = Parts { time: i64::MIN, actor: vec![0xb2; 16], ..put(b"\x01l", vec![]) };
        vec![late.chunk(), early.chunk()]
    };
    /// As many operations as one change may hold, in a hundred bytes.
    as_many_as_allowed => End::Taken, vec![nulls(19_999).chunk()];
    /// Sixty of those, by as many authors: more than a household may hold.
    sixty_times_as_many => End::LeftOut, (0..60_u8).map(|n| {
        Parts { actor: vec![n + 1; 16], ..nulls(19_999) }.chunk()
    }).collect();
    /// A value of 250.000 bytes.
    a_huge_value => End::Taken, vec![written(|tx| {
        tx.put(ROOT, "v", ScalarValue::Bytes(vec![0xff; 250_000])).unwrap();
    })];
    /// As many answers as one change may hold, to questions nobody asks.
    twenty_thousand_answers => End::Taken, vec![written_by(0xb4, |tx| {
        let answers = tx.get(ROOT, "answers").unwrap().unwrap().1;
        for n in 0..19_999 {
            tx.put(&answers, format!("{n:x}"), n).unwrap();
        }
    })];
    /// A thousand answers, by sixty people who never met.
    a_thousand_disputes_of_sixty => End::Taken, (0..60_u8).map(|who| written_by(who + 1, |tx| {
        let answers = tx.get(ROOT, "answers").unwrap().unwrap().1;
        for n in 0..1_000 {
            tx.put(&answers, format!("{n:x}"), n * i64::from(who)).unwrap();
        }
    })).collect();
    /// A tally at the end of its range, and one more.
    a_tally_that_overflows => MALFORMED, vec![written(|tx| {
        tx.put(ROOT, "c", ScalarValue::counter(i64::MAX)).unwrap();
        tx.increment(ROOT, "c", 1 << 40).unwrap();
    })];
}

/// Writes with the library, on top of genesis.
fn written(write: impl FnOnce(&mut Transaction<'_>)) -> Vec<u8> {
    written_by(0xb3, write)
}

fn written_by(who: u8, write: impl FnOnce(&mut Transaction<'_>)) -> Vec<u8> {
    let mut doc: Automerge = genesis();
    doc.set_actor(actor_id(Actor([who; 16])));
    let mut tx = doc.transaction();
    write(&mut tx);
    let (hash, _) = tx.commit();
    let change: Option<Change> = doc.get_change_by_hash(&hash.unwrap());
    change.unwrap().raw_bytes().to_vec()
}
