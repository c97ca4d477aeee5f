//! The histories that are damaged: real changes of every kind of client.

use std::path::{Path, PathBuf};

use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use mobile_schema::household::Value;
use shared::merge::{actor_id, genesis};
use shared::page::{Page, write};

use crate::dice::Dice;

/// A household's changes as inflated chunks, each behind its ancestors.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) chunks: Vec<Vec<u8>>,
}

/// Returns the same histories every time: JavaScript clients (from files), Rust clients, phones.
pub(crate) fn histories() -> Vec<History> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut all: Vec<History> = files(&folder)
        .iter()
        .map(|file| History { chunks: chunks(&std::fs::read(file).unwrap()) })
        .collect();
    all.extend((0..12).map(|seed| History { chunks: people(seed, 3, 24) }));
    all.push(History { chunks: people(100, 12, 60) });
    all.push(History { chunks: phone() });
    all
}

/// Lists files in the order of their names.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Reads chunks that each have their length before them.
pub(crate) fn framed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (chunk, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        bytes = rest;
        chunks.push(chunk.to_vec());
    }
    chunks
}

/// Reads such chunks, the deflated ones inflated.
pub(crate) fn chunks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let inflated = |chunk: Vec<u8>| {
        Change::from_bytes(chunk.clone()).map_or(chunk, |read| read.raw_bytes().to_vec())
    };
    framed(bytes).into_iter().map(inflated).collect()
}

/// Every kind of operation the Rust library makes, by several people who meet now and then.
pub(crate) fn people(seed: u64, count: u8, steps: usize) -> Vec<Vec<u8>> {
    let mut dice = Dice::new(seed);
    let named = |n: u8| ActorId::from([n + 1; 16]);
    let mut first = AutoCommit::load(&genesis().save()).unwrap().with_actor(named(0));
    let text = first.put_object(ROOT, "notes", ObjType::Text).unwrap();
    let list = first.put_object(ROOT, "list", ObjType::List).unwrap();
    let map = first.put_object(ROOT, "map", ObjType::Map).unwrap();
    first.put(ROOT, "count", ScalarValue::counter(3)).unwrap();
    first.commit();
    let mut docs = vec![first];
    for n in 1..count {
        let fork = docs[0].fork().with_actor(named(n));
        docs.push(fork);
    }
    for _ in 0..steps {
        let who = dice.below(docs.len());
        let other = dice.below(docs.len());
        if other != who && dice.chance(30) {
            let mut other = docs[other].clone();
            docs[who].merge(&mut other).unwrap();
        }
        for _ in 0..=dice.below(12) {
            edit(&mut docs[who], &mut dice, [&map, &list, &text]);
        }
        if dice.chance(5) {
            docs[who].empty_change(automerge::transaction::CommitOptions::default());
        }
        docs[who].commit();
    }
    let mut all = docs.remove(0);
    for mut doc in docs {
        all.merge(&mut doc).unwrap();
    }
    let genesis = genesis().get_heads();
    let made = all.get_changes(&genesis);
    made.iter().map(|change| change.raw_bytes().to_vec()).collect()
}

fn scalar(dice: &mut Dice) -> ScalarValue {
    match dice.below(10) {
        0 => ScalarValue::Null,
        1 => ScalarValue::Boolean(dice.chance(50)),
        2 => ScalarValue::Int(i64::try_from(dice.below(1 << 40)).unwrap() - (1 << 39)),
        3 => ScalarValue::Uint(dice.draw() >> 20),
        4 => ScalarValue::F64(1.5),
        5 => ScalarValue::Bytes(vec![dice.byte(); dice.below(40)]),
        6 => ScalarValue::Timestamp(1_664_600_000_000),
        7 => ScalarValue::counter(7),
        8 => ScalarValue::Str("mái tôn".into()),
        _ => ScalarValue::Str("".into()),
    }
}

fn edit(doc: &mut AutoCommit, dice: &mut Dice, [map, list, text]: [&ObjId; 3]) {
    let key = format!("k{}", dice.below(6));
    let length = doc.length(list);
    match dice.below(12) {
        0..=2 => doc.put(map, key, scalar(dice)).unwrap(),
        3 => doc.delete(map, key.as_str()).unwrap_or(()),
        4 => doc.increment(ROOT, "count", 2).unwrap(),
        5 | 6 => {
            let length = doc.length(text);
            let at = dice.below(length + 1);
            let gone = isize::try_from(dice.below(3).min(length - at)).unwrap();
            let word = *dice.pick(&["nhà sàn", "🏠", ""]);
            doc.splice_text(text, at, gone, word).unwrap();
        }
        7 => doc.insert(list, dice.below(length + 1), scalar(dice)).unwrap(),
        8 if length > 0 => doc.put(list, dice.below(length), scalar(dice)).unwrap(),
        9 if length > 0 => doc.delete(list, dice.below(length)).unwrap(),
        10 => {
            let kind = *dice.pick(&[ObjType::Map, ObjType::List, ObjType::Text]);
            let made = doc.put_object(map, key, kind).unwrap();
            if kind == ObjType::Map {
                doc.put(&made, "name", "Hồ Thị").unwrap();
            }
        }
        _ if doc.length(text) > 2 => {
            let mark = Mark::new("bold".into(), scalar(dice), 0, 2);
            let expand = *dice.pick(&[ExpandMark::Both, ExpandMark::None, ExpandMark::After]);
            doc.mark(text, mark, expand).unwrap();
        }
        _ => {}
    }
}

/// What our own phones write: pages of answers about a household and its members.
fn phone() -> Vec<Vec<u8>> {
    let mut doc = genesis();
    doc.set_actor(actor_id(shared::id::Actor([9; 16])));
    let mut chunks = Vec::new();
    for number in 0..30_i64 {
        let mut page = Page::default();
        page.answers.insert(format!("question_{}", number % 7), Value::from(number));
        let member = [("name".to_owned(), "Hồ Thị".into()), ("birth".to_owned(), number.into())];
        page.members.insert(format!("{:032x}", number % 5), member.into());
        if let Some(written) = write(&mut doc, &page, number).unwrap() {
            chunks.push(written.chunk);
        }
    }
    chunks
}
