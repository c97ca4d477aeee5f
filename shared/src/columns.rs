//! Reads the operations of a change one by one without building anything of the size they claim.
//!
//! Columns are run-length coded: a hundred bytes can claim ten million operations or a string of a
//! gigabyte, and the library believes them. Here all columns are read side by side, every claim is
//! held against the bytes and operations that are left, and each operation must be one that a
//! client writes. What refers to other changes is for `references.rs`. A column this file does not
//! know is refused: nobody has checked what it costs.

use crate::guard::{GuardError, Reader};
use crate::limits;
use crate::runs::{Flags, Numbers, Runs, number};

/// What the header of a change says, as far as its operations refer to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Number of the first operation.
    pub(crate) first_operation: u32,
    /// Other authors the change names.
    pub(crate) others: usize,
    /// How many of them sort before the author.
    pub(crate) others_before: usize,
}

/// Names an operation within a change: its number, and its author as an index, 0 for the change's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) number: u32,
    pub(crate) author: usize,
}

/// Where in an object an operation works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// Under a key of a map.
    Text(&'a str),
    /// Before the first element.
    Head,
    /// At an element, or behind it.
    Element(Id),
}

/// Kinds of operation, with their numbers in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    MakeMap,
    Set,
    MakeList,
    Delete,
    MakeText,
    Increment,
    MakeTable,
    /// Begins where it has a name, else ends the one before it.
    Mark,
}

impl Action {
    fn of(value: u64) -> Result<Self, GuardError> {
        Ok(match value {
            0 => Self::MakeMap,
            1 => Self::Set,
            2 => Self::MakeList,
            3 => Self::Delete,
            4 => Self::MakeText,
            5 => Self::Increment,
            6 => Self::MakeTable,
            7 => Self::Mark,
            _ => return Err(GuardError::Damaged),
        })
    }
}

/// One operation, sound as far as its own change can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    /// Object it works in, the root where none.
    pub(crate) object: Option<Id>,
    pub(crate) key: Key<'a>,
    pub(crate) insert: bool,
    pub(crate) action: Action,
    /// What it takes the place of, in order.
    pub(crate) replaces: Vec<Id>,
    /// A mark that begins.
    pub(crate) begins: bool,
}

/// Columns of an operation by their specification number (id, type, no compression), in the order
/// they must have.
const COLUMNS: [u64; 14] =
    [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73, 0x94, 0xa5];

/// The operations of a change, read in their order.
#[derive(Debug)]
pub(crate) struct Operations<'a> {
    header: Header,
    object_author: Runs<'a, u64>,
    object_number: Runs<'a, u64>,
    key_author: Runs<'a, u64>,
    key_number: Numbers<'a>,
    key_text: Runs<'a, &'a str>,
    insert: Flags<'a>,
    action: Runs<'a, u64>,
    value_kind: Runs<'a, u64>,
    value: Reader<'a>,
    replaces_count: Runs<'a, u64>,
    replaces_author: Runs<'a, u64>,
    replaces_number: Numbers<'a>,
    expand: Flags<'a>,
    mark_name: Runs<'a, &'a str>,
    /// Operations read.
    count: u32,
    /// Operations they take the place of.
    replaced: usize,
    /// Authors referred to, a bit each.
    seen: u128,
    /// The operation before begins a mark in this object.
    begun: Option<Option<Id>>,
}

impl<'a> Operations<'a> {
    /// Reads the table of columns; returns what follows them, which is for extensions.
    pub(crate) fn new(bytes: &'a [u8], header: Header) -> Result<(Self, &'a [u8]), GuardError> {
        let mut table = Reader::new(bytes);
        let mut lengths = [0; COLUMNS.len()];
        let mut known = COLUMNS.iter().zip(&mut lengths);
        for _ in 0..table.number()? {
            let spec = table.number()?;
            let (_, length) = known.find(|known| *known.0 == spec).ok_or(GuardError::Damaged)?;
            *length = usize::try_from(table.number()?).map_err(|_| GuardError::Damaged)?;
            if *length == 0 {
                return Err(GuardError::Damaged);
            }
        }
        let mut columns = [&[][..]; COLUMNS.len()];
        for (column, length) in columns.iter_mut().zip(lengths) {
            *column = table.take(length)?;
        }
        let operations = Self {
            header,
            object_author: Runs::new(columns[0]),
            object_number: Runs::new(columns[1]),
            key_author: Runs::new(columns[2]),
            key_number: Numbers::new(columns[3]),
            key_text: Runs::new(columns[4]),
            insert: Flags::new(columns[5]),
            action: Runs::new(columns[6]),
            value_kind: Runs::new(columns[7]),
            value: Reader::new(columns[8]),
            replaces_count: Runs::new(columns[9]),
            replaces_author: Runs::new(columns[10]),
            replaces_number: Numbers::new(columns[11]),
            expand: Flags::new(columns[12]),
            mark_name: Runs::new(columns[13]),
            count: 0,
            replaced: 0,
            seen: 0,
            begun: None,
        };
        Ok((operations, table.rest()))
    }

    /// Reads to the end; returns how many there are.
    pub(crate) fn count(mut self) -> Result<u32, GuardError> {
        while self.next()?.is_some() {}
        Ok(self.count)
    }

    /// Reads the next operation; behind the last one every column must be used up.
    pub(crate) fn next(&mut self) -> Result<Option<Operation<'a>>, GuardError> {
        let Some(action) = self.action.next()? else {
            self.end()?;
            return Ok(None);
        };
        let own = u64::from(self.header.first_operation) + u64::from(self.count);
        self.count += 1;
        let many = usize::try_from(self.count).is_ok_and(|n| n > limits::CHANGE_OPERATIONS_MAX);
        if many || own > limits::COUNTER_MAX {
            return Err(GuardError::TooLarge);
        }
        let action = Action::of(action.ok_or(GuardError::Damaged)?)?;
        let own = number(own)?;
        let object = self.object(own)?;
        let key = self.key(own)?;
        let insert = self.insert.some()?;
        self.read_value(action)?;
        let replaces = self.replaces(own)?;
        let expand = self.expand.maybe()?;
        let begins = self.mark_name.maybe()?.is_some();
        let operation = Operation { object, key, insert, action, replaces, begins };
        let sound = is_written(&operation) && (action == Action::Mark || !(expand || begins));
        // The end of a mark is written right behind its beginning, and none is left open.
        let ends = action == Action::Mark && !begins;
        if !sound || self.begun != ends.then_some(object) {
            return Err(GuardError::Damaged);
        }
        self.begun = begins.then_some(object);
        Ok(Some(operation))
    }

    fn end(&self) -> Result<(), GuardError> {
        self.object_author.end()?;
        self.object_number.end()?;
        self.key_author.end()?;
        self.key_number.end()?;
        self.key_text.end()?;
        self.insert.end()?;
        self.action.end()?;
        self.value_kind.end()?;
        self.replaces_count.end()?;
        self.replaces_author.end()?;
        self.replaces_number.end()?;
        self.expand.end_with_a_yes()?;
        self.mark_name.end()?;
        // Only authors that are referred to are named.
        let all = self.seen.count_ones() == u32::try_from(self.header.others).unwrap_or(u32::MAX);
        if all && self.value.is_empty() && self.begun.is_none() {
            Ok(())
        } else {
            Err(GuardError::Damaged)
        }
    }

    /// Puts an id together; it must be of an operation before `own`.
    fn id(&mut self, author: u64, number: u32, own: u32) -> Result<Id, GuardError> {
        let author = usize::try_from(author).map_err(|_| GuardError::Damaged)?;
        if author > self.header.others || number == 0 || number >= own {
            return Err(GuardError::Damaged);
        }
        if author > 0 {
            self.seen |= 1 << author;
        }
        Ok(Id { number, author })
    }

    fn object(&mut self, own: u32) -> Result<Option<Id>, GuardError> {
        match (self.object_author.maybe()?, self.object_number.maybe()?) {
            (None, None) => Ok(None),
            (Some(author), Some(object)) => self.id(author, number(object)?, own).map(Some),
            _ => Err(GuardError::Damaged),
        }
    }

    fn key(&mut self, own: u32) -> Result<Key<'a>, GuardError> {
        let (author, number) = (self.key_author.maybe()?, self.key_number.maybe()?);
        match (author, number, self.key_text.maybe()?) {
            (None, None, Some(text)) => Ok(Key::Text(text)),
            (None, Some(0), None) => Ok(Key::Head),
            (Some(author), Some(number), None) => self.id(author, number, own).map(Key::Element),
            _ => Err(GuardError::Damaged),
        }
    }

    fn replaces(&mut self, own: u32) -> Result<Vec<Id>, GuardError> {
        let count =
            usize::try_from(self.replaces_count.some()?).map_err(|_| GuardError::TooLarge)?;
        self.replaced = self.replaced.checked_add(count).ok_or(GuardError::TooLarge)?;
        if self.replaced > limits::CHANGE_OPERATIONS_MAX {
            return Err(GuardError::TooLarge);
        }
        let mut ids: Vec<Id> = Vec::new();
        for _ in 0..count {
            let (author, number) = (self.replaces_author.some()?, self.replaces_number.some()?);
            let id = self.id(author, number, own)?;
            if ids.last().is_some_and(|last| self.place(*last) >= self.place(id)) {
                return Err(GuardError::Damaged);
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// Where an id stands among others: by number, then by the bytes of the author.
    fn place(&self, id: Id) -> (u32, usize) {
        let before = self.header.others_before;
        let author = match id.author {
            0 => before,
            other if other <= before => other - 1,
            other => other,
        };
        (id.number, author)
    }

    fn read_value(&mut self, action: Action) -> Result<(), GuardError> {
        let kind_and_length = self.value_kind.some()?;
        let (kind, length) = (kind_and_length & 15, kind_and_length >> 4);
        let length = usize::try_from(length).map_err(|_| GuardError::Damaged)?;
        let mut bytes = Reader::new(self.value.take(length)?);
        let taken = match kind {
            0..=2 => None,
            3 => Some(bytes.number()? <= limits::TALLY_MAX.unsigned_abs()),
            4 | 8 => Some(bytes.signed()?.unsigned_abs() <= limits::TALLY_MAX.unsigned_abs()),
            5 => Some(bytes.take(8).is_ok()),
            6 => Some(std::str::from_utf8(bytes.take(length)?).is_ok()),
            7 => Some(bytes.take(length).is_ok()),
            9 => Some(bytes.signed().is_ok()),
            _ => return Err(GuardError::Damaged),
        };
        let fits = match action {
            Action::Set | Action::Mark => true,
            // Sums of what is counted must stay within a number.
            Action::Increment => matches!(kind, 3 | 4) && taken == Some(true),
            Action::MakeMap
            | Action::MakeList
            | Action::MakeText
            | Action::MakeTable
            | Action::Delete => kind == 0,
        };
        let sound = match kind {
            3 | 4 => true,
            _ => taken != Some(false),
        };
        if fits && sound && bytes.is_empty() { Ok(()) } else { Err(GuardError::Damaged) }
    }
}

/// Tells whether a client writes such an operation.
fn is_written(operation: &Operation<'_>) -> bool {
    let place = match operation.key {
        Key::Text(_) => !operation.insert,
        Key::Head => operation.insert,
        Key::Element(_) => true,
    };
    place
        && match operation.action {
            Action::Delete | Action::Increment => {
                !operation.insert && !operation.replaces.is_empty()
            }
            Action::Mark => operation.insert && operation.replaces.is_empty(),
            _ => !operation.insert || operation.replaces.is_empty(),
        }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::marks::{ExpandMark, Mark};
    use automerge::transaction::Transactable;
    use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT, ReadDoc, ScalarValue};

    use super::{Header, Operations};
    use crate::guard::{GuardError, guard, sealed};

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

    fn count(bytes: &[u8]) -> Result<u32, GuardError> {
        let header = Header { first_operation: 1, others: 0, others_before: 0 };
        Operations::new(bytes, header)?.0.count()
    }

    /// One put at the root: what the tests below spoil.
    const PUT: [(u8, &[u8]); 5] = [
        (0x15, &[0x7f, 1, b'k']),
        (0x34, &[1]),
        (0x42, &[0x7f, 1]),
        (0x56, &[0x7f, 0]),
        (0x70, &[0x7f, 0]),
    ];

    fn table(columns: &[(u8, &[u8])]) -> Vec<u8> {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let mut bytes = vec![u8::try_from(columns.len()).unwrap()];
        bytes.extend(columns.iter().flat_map(|(spec, column)| [*spec, length(column)]));
        bytes.extend(columns.iter().flat_map(|(_, column)| column.iter()));
        bytes
    }

    /// The put with one column in another form.
    fn put_with(spec: u8, column: &[u8]) -> Result<u32, GuardError> {
        let mut columns = PUT.to_vec();
        columns.retain(|(other, _)| *other != spec);
        columns.push((spec, column));
        columns.sort_unstable();
        count(&table(&columns))
    }

    #[test]
    fn claims_beyond_the_bytes_are_refused() {
        assert_eq!(count(&table(&PUT)), Ok(1));
        // A string of a gigabyte.
        assert_eq!(put_with(0x15, &[0x7f, 0x80, 0x80, 0x80, 0x80, 4]), Err(GuardError::Damaged));
        // Unknown columns, columns out of order, empty ones, too many of them.
        assert_eq!(put_with(0x22, &[0]), Err(GuardError::Damaged));
        assert_eq!(count(&[2, 0x42, 1, 0x34, 1, 1, 1]), Err(GuardError::Damaged));
        assert_eq!(count(&[1, 0x42, 0]), Err(GuardError::Damaged));
        assert_eq!(count(&[0xff, 0xff, 0x03]), Err(GuardError::Damaged));
        assert_eq!(put_with(0x34, &[0xff, 0xff, 0xff, 0x7f]), Err(GuardError::TooLarge));
    }

    /// The library reads these as the same operation and writes them back in other bytes.
    #[test]
    fn other_forms_of_the_same_operation_are_refused() {
        let other_forms: [(u8, &[u8]); 12] = [
            (0x15, &[1, 1, b'k']),          // a run of one
            (0x15, &[0x7f, 0x81, 0, b'k']), // a number longer than it need be
            (0x11, &[0, 1]),                // a column of nothing
            (0x34, &[1, 0]),                // a run of no length
            (0x42, &[0xff, 0x7f, 1]),       // minus one in two bytes
            (0x42, &[0x7f, 0x81, 0]),       // an action longer than it need be
            (0x56, &[0, 0, 0x7f, 0]),       // nothing, no times
            (0x94, &[1]),                   // no and nothing else
            (0x01, &[0, 1]),                // the root, spelt out
            (0x70, &[0x7f, 0x80, 0]),       // no predecessors in two bytes
            (0x57, &[7]),                   // a value of nobody's
            (0xa5, &[0x7f, 1, b'b']),       // the name of a mark that is none
        ];
        for (spec, column) in other_forms {
            assert_eq!(put_with(spec, column), Err(GuardError::Damaged), "{spec:x} {column:?}");
        }
    }
}
