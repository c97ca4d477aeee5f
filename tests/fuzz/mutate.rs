//! What an attacker does to a change: damages its bytes, or puts its operations together otherwise.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ObjType, ScalarValue};
use shared::id::sha256;

use crate::corpus::History;
use crate::dice::Dice;

/// A change as it comes, and the household it comes to.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) before: Vec<Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
    /// Changes that build on the one that was replaced, or beside it.
    pub(crate) after: Vec<Vec<u8>>,
}

/// Makes the input of a seed.
pub(crate) fn input(seed: u64, histories: &[History]) -> Input {
    let mut dice = Dice::new(seed);
    let history = dice.pick(histories);
    let at = dice.below(history.chunks.len());
    let chunk = &history.chunks[at];
    let other = dice.pick(&dice.clone().pick(histories).chunks).clone();
    let bytes = match dice.below(20) {
        0 => damaged(chunk, &other, &mut dice),
        1..=6 => sealed(&damaged(body_of(chunk), body_of(&other), &mut dice)),
        _ => {
            let made = catch_unwind(AssertUnwindSafe(|| rearranged(chunk, &other, &mut dice)));
            made.unwrap_or_else(|_| chunk.clone())
        }
    };
    let after = if dice.chance(40) { history.chunks[at + 1..].to_vec() } else { Vec::new() };
    Input { before: history.chunks[..at].to_vec(), bytes, after }
}

/// Returns the body of an inflated chunk.
pub(crate) fn body_of(chunk: &[u8]) -> &[u8] {
    let length = chunk[9..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &chunk[9 + length..]
}

/// Frames a body with the length and checksum it needs.
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    let hashed = [&[1], &leb(u64::try_from(body.len()).unwrap())[..], body].concat();
    [&[0x85, 0x6f, 0x4a, 0x83], &sha256(&hashed)[..4], &hashed].concat()
}

fn leb(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

fn damaged(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let few = (at + dice.below(6)).min(bytes.len());
        match dice.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.byte(),
            2 => bytes[at..few].fill(0xff),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..few)),
            5 => drop(bytes.splice(at..at, leb(dice.draw() >> dice.below(64)))),
            6 => {
                let from = dice.below(other.len());
                let until = (from + dice.below(40)).min(other.len());
                drop(bytes.splice(at..few, other[from..until].to_vec()));
            }
            7 if at < bytes.len() => bytes.insert(at, dice.byte()),
            _ => {
                // A number that is longer than it need be.
                let long = [&[dice.byte() | 0x80], &[0x80; 8][..], &[1]].concat();
                drop(bytes.splice(at..few, long));
            }
        }
    }
    bytes
}

/// Takes a change apart and puts it together otherwise, in the library's own encoding.
fn rearranged(chunk: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut change = Change::from_bytes(chunk.to_vec()).unwrap().decode();
    let other = Change::from_bytes(other.to_vec()).unwrap().decode();
    for _ in 0..=dice.below(3) {
        if dice.chance(25) || change.operations.is_empty() {
            of_header(&mut change, &other, dice);
        } else {
            of_operations(&mut change, &other, dice);
        }
    }
    Change::from(change).raw_bytes().to_vec()
}

fn of_header(change: &mut ExpandedChange, other: &ExpandedChange, dice: &mut Dice) {
    match dice.below(9) {
        0 => change.seq = near(change.seq, dice),
        1 => change.start_op = NonZeroU64::new(near(change.start_op.get(), dice)).unwrap(),
        2 => {
            let times = [i64::MIN, i64::MAX, -1, 0, 1 << 53, i64::MIN / 2];
            change.time = *dice.pick(&times);
        }
        3 => drop(change.deps.pop()),
        4 => change.deps.extend(other.deps.iter().copied()),
        5 => change.deps.push(ChangeHash(std::array::from_fn(|_| dice.byte()))),
        6 => change.actor_id = other.actor_id.clone(),
        7 => {
            change.message = Some("x".repeat(dice.below(400)));
        }
        _ => change.extra_bytes = vec![dice.byte() % 3; dice.below(5)],
    }
}

fn of_operations(change: &mut ExpandedChange, other: &ExpandedChange, dice: &mut Dice) {
    let first = change.start_op.get();
    let own = change.actor_id.clone();
    let ops = &mut change.operations;
    let at = dice.below(ops.len());
    let from = if dice.chance(50) || other.operations.is_empty() {
        ops[dice.below(ops.len())].clone()
    } else {
        other.operations[dice.below(other.operations.len())].clone()
    };
    match dice.below(16) {
        0 => ops[at].obj = from.obj,
        1 => ops[at].key = from.key,
        2 => ops[at].pred = from.pred,
        3 => ops[at].action = from.action,
        4 => ops[at].insert = !ops[at].insert,
        5 => ops.insert(at, from),
        6 => drop(ops.remove(at)),
        7 => {
            let with = dice.below(ops.len());
            ops.swap(at, with);
        }
        8 => ops[at].action = action(dice),
        9 => ops[at].action = OpType::Put(value(dice)),
        10 => ops[at].key = key(&ops[at].key, first, &own, dice),
        11 => {
            let id = id(first, &own, dice);
            ops[at].obj = if dice.chance(20) { ObjectId::Root } else { ObjectId::Id(id) };
        }
        12 => {
            let ids = ops[at].pred.iter().cloned().chain([id(first, &own, dice)]);
            let mut ids: Vec<OpId> = ids.collect();
            if dice.chance(50) {
                ids.remove(0);
            }
            ops[at].pred = ids.into();
        }
        13 => {
            // Moves one reference a little.
            if let Key::Seq(ElementId::Id(id)) = &mut ops[at].key {
                id.0 = near(id.0, dice);
            } else if let ObjectId::Id(id) = &mut ops[at].obj {
                id.0 = near(id.0, dice);
            } else if let Some(id) = ops[at].pred.get_mut(0) {
                id.0 = near(id.0, dice);
            }
        }
        14 => many(ops, at, &own, first, dice),
        _ => nested(ops, &own, first, dice),
    }
}

fn near(number: u64, dice: &mut Dice) -> u64 {
    match dice.below(12) {
        0 => 1,
        1 => 1 << 31,
        2 => (1 << 31) - 2,
        3 => number + 100_000,
        4 => number + 100_001,
        5 => u64::from(u32::MAX),
        _ => (number + u64::try_from(dice.below(7)).unwrap()).saturating_sub(3).max(1),
    }
}

fn id(first: u64, own: &ActorId, dice: &mut Dice) -> OpId {
    let back = u64::try_from(dice.below(30)).unwrap();
    OpId((first + 5).saturating_sub(back).max(1), own.clone())
}

fn key(old: &Key, first: u64, own: &ActorId, dice: &mut Dice) -> Key {
    match (dice.below(4), old) {
        (0, _) => Key::Seq(ElementId::Head),
        (1, _) => Key::Map(["answers", "", "members", "k1"][dice.below(4)].into()),
        (2, Key::Seq(_)) => Key::Map("k2".into()),
        _ => Key::Seq(ElementId::Id(id(first, own, dice))),
    }
}

fn action(dice: &mut Dice) -> OpType {
    match dice.below(9) {
        0 => OpType::Make(ObjType::Map),
        1 => OpType::Make(ObjType::List),
        2 => OpType::Make(ObjType::Text),
        3 => OpType::Make(ObjType::Table),
        4 => OpType::Delete,
        5 => OpType::Increment(*dice.pick(&[1, -1, i64::MAX, i64::MIN])),
        6 => OpType::MarkEnd(dice.chance(50)),
        7 => {
            let (name, value) = (["bold", ""][dice.below(2)].into(), value(dice));
            OpType::MarkBegin(MarkData { name, value, expand: dice.chance(50) })
        }
        _ => OpType::Put(value(dice)),
    }
}

fn value(dice: &mut Dice) -> ScalarValue {
    match dice.below(13) {
        0 => ScalarValue::Null,
        1 => ScalarValue::Int(*dice.pick(&[i64::MIN, i64::MAX, -1, 0])),
        2 => ScalarValue::Uint(*dice.pick(&[u64::MAX, 0, 1 << 63])),
        3 => ScalarValue::counter(*dice.pick(&[i64::MIN, i64::MAX, 1 << 45, 3])),
        4 => ScalarValue::Timestamp(*dice.pick(&[i64::MIN, i64::MAX, 0])),
        5 => ScalarValue::F64(f64::NAN),
        6 => ScalarValue::Str("ồ".repeat(dice.below(5_000)).into()),
        7 => ScalarValue::Bytes(vec![0xff; dice.below(5_000)]),
        8 => {
            let code = u8::try_from(10 + dice.below(6)).unwrap();
            ScalarValue::Unknown { type_code: code, bytes: vec![1; dice.below(9)] }
        }
        9 => ScalarValue::Boolean(dice.chance(50)),
        10 => ScalarValue::Str("\0".into()),
        11 => ScalarValue::Str("".into()),
        _ => ScalarValue::F64(f64::INFINITY),
    }
}

/// Repeats one operation until the change is as large as it may be, or larger.
fn many(ops: &mut Vec<Op>, at: usize, own: &ActorId, first: u64, dice: &mut Dice) {
    if !dice.chance(6) {
        return;
    }
    let op = ops[at].clone();
    let count = *dice.pick(&[100, 2_000, 19_000, 20_001]);
    let chained = dice.chance(50);
    for _ in 0..count {
        let mut next = op.clone();
        if next.insert && chained {
            let last = first + u64::try_from(ops.len()).unwrap() - 1;
            next.key = Key::Seq(ElementId::Id(OpId(last, own.clone())));
        }
        ops.push(next);
    }
}

/// Adds maps in maps in maps.
fn nested(ops: &mut Vec<Op>, own: &ActorId, first: u64, dice: &mut Dice) {
    let depth = *dice.pick(&[1, 6, 8, 9, 200]);
    let mut obj = ObjectId::Root;
    for _ in 0..depth {
        let number = first + u64::try_from(ops.len()).unwrap();
        ops.push(Op {
            action: OpType::Make(ObjType::Map),
            obj,
            key: Key::Map("deeper".into()),
            pred: Vec::new().into(),
            insert: false,
        });
        obj = ObjectId::Id(OpId(number, own.clone()));
    }
}
