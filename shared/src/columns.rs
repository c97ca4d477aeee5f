//! Walks the columns of a change without building anything from them.
//!
//! Columns are run-length coded: a hundred bytes can claim ten million operations or a string of a
//! gigabyte, and the library believes them. Here every run is summed, every length held against the
//! bytes that are left, and every reference against what can exist, in one pass that allocates
//! nothing. A column this file does not know is refused: nobody has checked what it costs.

use crate::guard::{GuardError, Reader};
use crate::limits;

/// What is claimed by a walked change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Operations.
    pub(crate) operations: u64,
}

/// What the header of the change says, as far as columns refer to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Number of the first operation.
    pub(crate) first_operation: u64,
    /// Actors the change names, its own among them.
    pub(crate) actors: u64,
}

/// Columns of an operation, by their specification number: id, type and no compression.
mod spec {
    pub(super) const OBJECT_ACTOR: u64 = 0x01;
    pub(super) const OBJECT_COUNTER: u64 = 0x02;
    pub(super) const KEY_ACTOR: u64 = 0x11;
    pub(super) const KEY_COUNTER: u64 = 0x13;
    pub(super) const KEY_TEXT: u64 = 0x15;
    pub(super) const INSERT: u64 = 0x34;
    pub(super) const ACTION: u64 = 0x42;
    pub(super) const VALUE_KIND: u64 = 0x56;
    pub(super) const VALUE: u64 = 0x57;
    pub(super) const BEFORE_COUNT: u64 = 0x70;
    pub(super) const BEFORE_ACTOR: u64 = 0x71;
    pub(super) const BEFORE_COUNTER: u64 = 0x73;
    pub(super) const EXPAND: u64 = 0x94;
    pub(super) const MARK_NAME: u64 = 0xa5;
}

/// Most columns of a change; there are fourteen that are known.
const COLUMNS_MAX: u64 = 14;

/// Kinds of operation that exist: make map, set, make list, delete, make text, increment, make
/// table, mark.
const ACTION_MAX: u64 = 7;

/// Kinds of value that exist: null, false, true, unsigned, signed, float, text, bytes, counter, time.
const VALUE_KIND_MAX: u64 = 9;

/// Walks all columns; what follows them is for extensions and is only bounded.
pub(crate) fn walk(bytes: &[u8], header: Header) -> Result<Walked, GuardError> {
    let mut table = Reader::new(bytes);
    let count = table.number()?;
    if count > COLUMNS_MAX {
        return Err(GuardError::Damaged);
    }
    let mut columns = [(0_u64, 0_usize); 14];
    let mut last = None;
    let used = usize::try_from(count).map_err(|_| GuardError::Damaged)?;
    for column in &mut columns[..used] {
        let spec = table.number()?;
        if last.is_some_and(|last| last >= spec) {
            return Err(GuardError::Damaged);
        }
        last = Some(spec);
        *column = (spec, usize::try_from(table.number()?).map_err(|_| GuardError::Damaged)?);
    }
    let mut walk = Walk { header, lengths: Lengths::default() };
    let mut data = table;
    for (spec, length) in &columns[..used] {
        let column = data.take(*length)?;
        walk.column(*spec, column)?;
    }
    walk.lengths.check(header)
}

/// How many entries each column has; absent columns stand for nothing at all.
#[derive(Debug, Default)]
struct Lengths {
    actions: u64,
    others: [Option<u64>; 8],
    values_claimed: u64,
    values_present: u64,
    before_claimed: u64,
    before_actor: u64,
    before_counter: u64,
}

impl Lengths {
    fn check(&self, header: Header) -> Result<Walked, GuardError> {
        let operations = self.actions;
        let even = self.others.iter().flatten().all(|entries| *entries == operations)
            && self.values_claimed == self.values_present
            && self.before_claimed == self.before_actor
            && self.before_claimed == self.before_counter;
        if !even {
            return Err(GuardError::Damaged);
        }
        let last = header.first_operation.checked_add(operations).ok_or(GuardError::TooLarge)?;
        if last > limits::COUNTER_MAX {
            Err(GuardError::TooLarge)
        } else {
            Ok(Walked { operations })
        }
    }
}

struct Walk {
    header: Header,
    lengths: Lengths,
}

impl Walk {
    fn column(&mut self, spec: u64, bytes: &[u8]) -> Result<(), GuardError> {
        let actors = self.header.actors;
        let actor = |value: u64| value < actors;
        let counter = |value: i64| u64::try_from(value).is_ok_and(|v| v <= limits::COUNTER_MAX);
        let others = &mut self.lengths.others;
        match spec {
            spec::OBJECT_ACTOR => others[0] = Some(runs(bytes, |input| whole(input, actor))?),
            spec::OBJECT_COUNTER => {
                let fits = |value: u64| value <= limits::COUNTER_MAX;
                others[1] = Some(runs(bytes, |input| whole(input, fits))?);
            }
            spec::KEY_ACTOR => others[2] = Some(runs(bytes, |input| whole(input, actor))?),
            spec::KEY_COUNTER => others[3] = Some(deltas(bytes, counter)?),
            spec::KEY_TEXT => others[4] = Some(runs(bytes, name)?),
            spec::INSERT => others[5] = Some(flags(bytes)?),
            spec::ACTION => {
                self.lengths.actions =
                    runs(bytes, |input| whole(input, |action| action <= ACTION_MAX))?;
            }
            spec::VALUE_KIND => {
                let (entries, claimed) = values(bytes)?;
                others[6] = Some(entries);
                self.lengths.values_claimed = claimed;
            }
            spec::VALUE => {
                self.lengths.values_present =
                    u64::try_from(bytes.len()).map_err(|_| GuardError::Damaged)?;
            }
            spec::BEFORE_COUNT => {
                let (entries, claimed) = groups(bytes)?;
                others[7] = Some(entries);
                self.lengths.before_claimed = claimed;
            }
            spec::BEFORE_ACTOR => {
                self.lengths.before_actor = runs(bytes, |input| whole(input, actor))?;
            }
            spec::BEFORE_COUNTER => self.lengths.before_counter = deltas(bytes, counter)?,
            // Marks: absent, or as long as the rest.
            spec::EXPAND => same(flags(bytes)?, self.lengths.actions)?,
            spec::MARK_NAME => same(runs(bytes, name)?, self.lengths.actions)?,
            _ => return Err(GuardError::Damaged),
        }
        Ok(())
    }
}

fn same(entries: u64, operations: u64) -> Result<(), GuardError> {
    if entries == operations { Ok(()) } else { Err(GuardError::Damaged) }
}

/// Adds a run to a column's length, within what one change may hold.
fn add(entries: &mut u64, run: u64) -> Result<(), GuardError> {
    *entries = entries.checked_add(run).ok_or(GuardError::TooLarge)?;
    let most = u64::try_from(limits::CHANGE_OPERATIONS_MAX).unwrap_or(u64::MAX);
    if *entries > most { Err(GuardError::TooLarge) } else { Ok(()) }
}

/// Walks run-length coded entries: repeats, literal runs, runs of nothing.
fn runs<'a>(
    bytes: &'a [u8],
    mut one: impl FnMut(&mut Reader<'a>) -> Result<(), GuardError>,
) -> Result<u64, GuardError> {
    each_run(bytes, |input, _| one(input))
}

/// Walks entries; `one` reads a value and is told how often it stands there.
fn each_run<'a>(
    bytes: &'a [u8],
    mut one: impl FnMut(&mut Reader<'a>, u64) -> Result<(), GuardError>,
) -> Result<u64, GuardError> {
    let mut input = Reader::new(bytes);
    let mut entries = 0;
    while !input.is_empty() {
        match input.signed()? {
            0 => add(&mut entries, input.number()?)?,
            run if run > 0 => {
                let run = run.unsigned_abs();
                add(&mut entries, run)?;
                one(&mut input, run)?;
            }
            literal => {
                // Summed first: the claim is bounded before anything is read.
                add(&mut entries, literal.unsigned_abs())?;
                for _ in 0..literal.unsigned_abs() {
                    one(&mut input, 1)?;
                }
            }
        }
    }
    Ok(entries)
}

fn whole(input: &mut Reader<'_>, fits: impl Fn(u64) -> bool) -> Result<(), GuardError> {
    if fits(input.number()?) { Ok(()) } else { Err(GuardError::Damaged) }
}

/// Reads a key or a mark's name: UTF-8 of bounded length.
fn name(input: &mut Reader<'_>) -> Result<(), GuardError> {
    let text = input.sized()?;
    if text.len() > limits::KEY_BYTES_MAX {
        return Err(GuardError::TooLarge);
    }
    std::str::from_utf8(text).map(drop).map_err(|_| GuardError::Damaged)
}

/// Walks differences, keeping track of the value they add up to.
fn deltas(bytes: &[u8], fits: impl Fn(i64) -> bool) -> Result<u64, GuardError> {
    let mut value = 0_i64;
    each_run(bytes, |input, run| {
        let step = input.signed()?;
        let run = i64::try_from(run).map_err(|_| GuardError::Damaged)?;
        let moved = step.checked_mul(run).and_then(|moved| value.checked_add(moved));
        // A straight line between two values that fit holds only values that fit.
        let first = value.checked_add(step).ok_or(GuardError::Damaged)?;
        value = moved.ok_or(GuardError::Damaged)?;
        if fits(first) && fits(value) { Ok(()) } else { Err(GuardError::Damaged) }
    })
}

/// Walks counts of what each operation replaces; returns entries and their sum.
fn groups(bytes: &[u8]) -> Result<(u64, u64), GuardError> {
    let mut sum = 0;
    let entries = each_run(bytes, |input, run| {
        let claimed = input.number()?.checked_mul(run).ok_or(GuardError::TooLarge)?;
        add(&mut sum, claimed)
    })?;
    Ok((entries, sum))
}

/// Walks the kinds and lengths of values; returns entries and the bytes they claim.
fn values(bytes: &[u8]) -> Result<(u64, u64), GuardError> {
    let mut claimed = 0_u64;
    let entries = each_run(bytes, |input, run| {
        let kind_and_length = input.number()?;
        let (kind, length) = (kind_and_length & 15, kind_and_length >> 4);
        let fits = match kind {
            0..=2 => length == 0,
            5 => length == 8,
            3 | 4 | 8 | 9 => (1..=10).contains(&length),
            _ => kind <= VALUE_KIND_MAX,
        };
        if !fits {
            return Err(GuardError::Damaged);
        }
        let more = length.checked_mul(run).ok_or(GuardError::TooLarge)?;
        claimed = claimed.checked_add(more).ok_or(GuardError::TooLarge)?;
        Ok(())
    })?;
    Ok((entries, claimed))
}

/// Walks alternating runs of no and yes.
fn flags(bytes: &[u8]) -> Result<u64, GuardError> {
    let mut input = Reader::new(bytes);
    let mut entries = 0;
    while !input.is_empty() {
        add(&mut entries, input.number()?)?;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::marks::{ExpandMark, Mark};
    use automerge::transaction::Transactable;
    use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT, ReadDoc, ScalarValue};

    use crate::guard::{GuardError, guard, sealed};
    use crate::merge::merge;

    /// A small generator of our own: the same cases on every machine.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }
    }

    /// Every kind of operation a stock client makes, in documents of two authors.
    fn honest(seed: u64) -> Vec<Change> {
        let mut dice = Dice(seed);
        let actor = |k: u8| ActorId::from([k; 16]);
        let mut doc = AutoCommit::new().with_actor(actor(1));
        let text = doc.put_object(ROOT, "notes", ObjType::Text).unwrap();
        let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
        let map = doc.put_object(ROOT, "members", ObjType::Map).unwrap();
        doc.put(ROOT, "count", ScalarValue::counter(3)).unwrap();
        doc.commit();
        let mut other = doc.fork().with_actor(actor(2));
        for step in 0..12 {
            let on = if dice.below(2) == 0 { &mut doc } else { &mut other };
            for _ in 0..dice.below(30) {
                let key = format!("k{}", dice.below(6));
                match dice.below(13) {
                    0 => on.put(&map, key, "mái tôn").unwrap(),
                    1 => on.put(&map, key, i64::try_from(dice.below(1000)).unwrap() - 500).unwrap(),
                    2 => on.put(&map, key, ScalarValue::F64(1.5)).unwrap(),
                    3 => on.put(&map, key, ScalarValue::Bytes(vec![1; dice.below(40)])).unwrap(),
                    4 => on.put(&map, key, ScalarValue::Timestamp(1_664_600_000)).unwrap(),
                    5 => on.put(&map, key, ScalarValue::Null).unwrap(),
                    6 => on.put(&map, key, dice.below(2) == 0).unwrap(),
                    7 => on.delete(&map, key.as_str()).unwrap_or(()),
                    8 => on.increment(ROOT, "count", 2).unwrap(),
                    9 => {
                        let length = on.length(&text);
                        let at = dice.below(length + 1);
                        let gone = isize::try_from(dice.below(2).min(length - at)).unwrap();
                        on.splice_text(&text, at, gone, "nhà sàn").unwrap();
                    }
                    10 => on.insert(&list, dice.below(on.length(&list) + 1), "x").unwrap(),
                    11 => drop(on.put_object(&map, key, ObjType::Map).unwrap()),
                    _ if on.length(&text) > 2 => {
                        let mark = Mark::new("bold".into(), true, 0, 2);
                        on.mark(&text, mark, ExpandMark::Both).unwrap();
                    }
                    _ => {}
                }
            }
            on.commit();
            if step % 4 == 3 {
                doc.merge(&mut other).unwrap();
                other.merge(&mut doc).unwrap();
            }
        }
        doc.merge(&mut other).unwrap();
        doc.get_changes(&[])
    }

    #[test]
    fn everything_the_library_writes_passes() {
        for seed in 0..300 {
            for change in honest(seed) {
                let walked = guard(change.raw_bytes());
                assert!(walked.is_ok(), "seed {seed}: {walked:?}");
            }
        }
    }

    /// One valid change that claims ten million operations in a hundred bytes.
    #[test]
    fn a_run_length_bomb_is_refused_before_anything_is_built() {
        let mut doc = AutoCommit::new().with_actor(ActorId::from([1; 16]));
        let list = doc.put_object(ROOT, "l", ObjType::List).unwrap();
        doc.commit();
        for _ in 0..3 {
            doc.insert(&list, 0, ScalarValue::Null).unwrap();
        }
        doc.commit();
        let change = doc.get_last_local_change().unwrap();
        let raw = change.raw_bytes();
        // The action column of three inserts is the run (3, set); make it ten million.
        let at = raw.windows(2).rposition(|pair| pair == [3, 1]).expect("a run of three sets");
        let mut body = raw[10..].to_vec();
        let ten_million = [0x80, 0xad, 0xe2, 0x04];
        body.splice(at - 10..=at - 10, ten_million);
        assert!(guard(&sealed(&body)).is_err());
    }

    /// Damaged bodies with a right checksum: few pass, and merging takes these or names them as
    /// broken. What makes the library panic refers to what only the document can tell; nothing that
    /// passes aborts or runs away.
    #[test]
    fn what_passes_is_merged_or_named_as_broken() {
        let histories: Vec<Vec<Change>> = (0..20).map(honest).collect();
        let mut dice = Dice(7);
        let (mut passed, mut broken) = (0, 0);
        for _ in 0..20_000 {
            let history = &histories[dice.below(histories.len())];
            let at = dice.below(history.len());
            let (before, change) = (&history[..at], &history[at]);
            let Ok(damaged) = guard(&sealed(&damage(body_of(change.raw_bytes()), &mut dice)))
            else {
                continue;
            };
            passed += 1;
            let mut chunks: Vec<&[u8]> = before.iter().map(Change::raw_bytes).collect();
            chunks.push(damaged.chunk());
            let merged = merge(&chunks);
            broken += usize::from(merged.broken.contains(&damaged.hash()));
        }
        assert!(passed > 1_000, "{passed} of 20.000: the damage is too coarse to tell anything");
        assert!(0 < broken && broken < passed, "{broken} of {passed} are broken");
    }

    fn damage(body: &[u8], dice: &mut Dice) -> Vec<u8> {
        let mut body = body.to_vec();
        for _ in 0..=dice.below(3) {
            let at = dice.below(body.len());
            match dice.below(4) {
                0 => body[at] ^= 1 << dice.below(8),
                1 => body[at] = 0xff,
                2 if body.len() > 1 => drop(body.remove(at)),
                _ => body.insert(at, u8::try_from(dice.below(256)).unwrap()),
            }
        }
        body
    }

    fn body_of(raw: &[u8]) -> &[u8] {
        let length = raw[9..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        &raw[9 + length..]
    }

    #[test]
    fn claims_beyond_the_bytes_are_refused() {
        let header = super::Header { first_operation: 1, actors: 1 };
        // One column of key texts that claims a string of a gigabyte.
        let column = [0x7f, 0x80, 0x80, 0x80, 0x80, 0x04];
        let mut bytes = vec![1, 0x15, u8::try_from(column.len()).unwrap()];
        bytes.extend(column);
        assert_eq!(super::walk(&bytes, header), Err(GuardError::Damaged));
        // Unknown columns, columns out of order, too many of them.
        assert_eq!(super::walk(&[1, 0x22, 0], header), Err(GuardError::Damaged));
        assert_eq!(super::walk(&[2, 0x42, 0, 0x34, 0], header), Err(GuardError::Damaged));
        assert_eq!(super::walk(&[0xff, 0xff, 0x03], header), Err(GuardError::Damaged));
    }
}
