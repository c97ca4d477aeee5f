//! Reads run-length coded columns entry by entry, in the one form the library itself writes.
//!
//! Any other form of the same entries is refused. The library keeps entries, not bytes, and writes
//! them back in its own form: the change would get another hash, and whoever saved the household
//! with it could not load it again.

use crate::guard::{GuardError, Reader};
use crate::limits;

/// What stands in a column.
pub(crate) trait Entry<'a>: Copy + PartialEq {
    /// Reads one.
    fn read(input: &mut Reader<'a>) -> Result<Self, GuardError>;
}

impl<'a> Entry<'a> for u64 {
    fn read(input: &mut Reader<'a>) -> Result<Self, GuardError> {
        input.number()
    }
}

impl<'a> Entry<'a> for i64 {
    fn read(input: &mut Reader<'a>) -> Result<Self, GuardError> {
        input.signed()
    }
}

/// A key or a mark's name: UTF-8 of bounded length.
impl<'a> Entry<'a> for &'a str {
    fn read(input: &mut Reader<'a>) -> Result<Self, GuardError> {
        let text = input.sized()?;
        if text.len() > limits::KEY_BYTES_MAX {
            return Err(GuardError::TooLarge);
        }
        std::str::from_utf8(text).map_err(|_| GuardError::Damaged)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Nothing,
    Repeat,
    Literal,
}

/// Repeats, literal runs and runs of nothing.
#[derive(Debug)]
pub(crate) struct Runs<'a, T> {
    input: Reader<'a>,
    kind: Kind,
    /// Entries of this run that were not asked for yet.
    left: u64,
    /// The value before; none after a run of nothing.
    last: Option<T>,
    /// A value was there: a column of nothing at all is left away.
    any: bool,
}

impl<'a, T: Entry<'a>> Runs<'a, T> {
    /// Starts before the first entry; a column that is left away has no bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { input: Reader::new(bytes), kind: Kind::Start, left: 0, last: None, any: false }
    }

    /// Reads the next entry, `None` behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<Option<T>>, GuardError> {
        if self.left == 0 {
            if self.input.is_empty() {
                return Ok(None);
            }
            self.begin()?;
        }
        self.left -= 1;
        if self.kind == Kind::Literal {
            let value = T::read(&mut self.input)?;
            self.set(value)?;
        }
        Ok(Some(self.last))
    }

    fn begin(&mut self) -> Result<(), GuardError> {
        let claimed = self.input.signed()?;
        let (kind, length) = match claimed {
            0 => (Kind::Nothing, self.input.number()?),
            1.. => (Kind::Repeat, claimed.unsigned_abs()),
            _ => (Kind::Literal, claimed.unsigned_abs()),
        };
        if length > limits::CHANGE_OPERATIONS_MAX.try_into().unwrap_or(u64::MAX) {
            return Err(GuardError::TooLarge);
        }
        // What could be joined to the run before is joined, and a repeat is of two at the least.
        let joined = kind == self.kind && kind != Kind::Repeat;
        if joined || length == 0 || (kind == Kind::Repeat && length == 1) {
            return Err(GuardError::Damaged);
        }
        match kind {
            Kind::Nothing => self.last = None,
            Kind::Repeat => {
                let value = T::read(&mut self.input)?;
                self.set(value)?;
            }
            Kind::Literal | Kind::Start => {}
        }
        (self.kind, self.left) = (kind, length);
        Ok(())
    }

    fn set(&mut self, value: T) -> Result<(), GuardError> {
        if self.last == Some(value) {
            return Err(GuardError::Damaged);
        }
        (self.last, self.any) = (Some(value), true);
        Ok(())
    }

    /// Reads an entry that must be there and hold something.
    pub(crate) fn some(&mut self) -> Result<T, GuardError> {
        self.next()?.flatten().ok_or(GuardError::Damaged)
    }

    /// Reads an entry that may hold nothing; a column that is left away holds nothing anywhere.
    pub(crate) fn maybe(&mut self) -> Result<Option<T>, GuardError> {
        match self.next()? {
            Some(entry) => Ok(entry),
            None if self.kind == Kind::Start => Ok(None),
            None => Err(GuardError::Damaged),
        }
    }

    /// Requires that everything was read, and that the column was not better left away.
    pub(crate) fn end(&self) -> Result<(), GuardError> {
        let whole = self.left == 0 && self.input.is_empty();
        if whole && (self.any || self.kind == Kind::Start) {
            Ok(())
        } else {
            Err(GuardError::Damaged)
        }
    }
}

/// Differences, read as the operation numbers they add up to.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    steps: Runs<'a, i64>,
    value: i64,
}

impl<'a> Numbers<'a> {
    /// Starts before the first entry, at zero.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { steps: Runs::new(bytes), value: 0 }
    }

    /// Reads an entry that may hold nothing.
    pub(crate) fn maybe(&mut self) -> Result<Option<u32>, GuardError> {
        let Some(step) = self.steps.maybe()? else { return Ok(None) };
        self.value = self.value.checked_add(step).ok_or(GuardError::Damaged)?;
        number(u64::try_from(self.value).map_err(|_| GuardError::Damaged)?).map(Some)
    }

    /// Reads an entry that must hold something.
    pub(crate) fn some(&mut self) -> Result<u32, GuardError> {
        self.maybe()?.ok_or(GuardError::Damaged)
    }

    /// Requires that everything was read.
    pub(crate) fn end(&self) -> Result<(), GuardError> {
        self.steps.end()
    }
}

/// Takes an operation's number within its bound.
pub(crate) fn number(value: u64) -> Result<u32, GuardError> {
    match u32::try_from(value) {
        Ok(number) if value <= limits::COUNTER_MAX => Ok(number),
        Ok(_) | Err(_) => Err(GuardError::Damaged),
    }
}

/// Alternating runs of no and yes.
#[derive(Debug)]
pub(crate) struct Flags<'a> {
    input: Reader<'a>,
    left: u64,
    value: bool,
    started: bool,
    any: bool,
}

impl<'a> Flags<'a> {
    /// Starts before the first entry.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { input: Reader::new(bytes), left: 0, value: true, started: false, any: false }
    }

    /// Reads an entry that must be there.
    pub(crate) fn some(&mut self) -> Result<bool, GuardError> {
        while self.left == 0 {
            if self.input.is_empty() {
                return Err(GuardError::Damaged);
            }
            self.left = self.input.number()?;
            if self.left > limits::CHANGE_OPERATIONS_MAX.try_into().unwrap_or(u64::MAX) {
                return Err(GuardError::TooLarge);
            }
            // Only the first run, of no, may be empty.
            if self.left == 0 && self.started {
                return Err(GuardError::Damaged);
            }
            (self.value, self.started) = (!self.value, true);
        }
        self.left -= 1;
        self.any |= self.value;
        Ok(self.value)
    }

    /// Reads an entry; a column that is left away says no everywhere.
    pub(crate) fn maybe(&mut self) -> Result<bool, GuardError> {
        if self.started || !self.input.is_empty() { self.some() } else { Ok(false) }
    }

    /// Requires that everything was read.
    pub(crate) fn end(&self) -> Result<(), GuardError> {
        if self.left == 0 && self.input.is_empty() { Ok(()) } else { Err(GuardError::Damaged) }
    }

    /// Requires that a yes was there, where a column without any is left away.
    pub(crate) fn end_with_a_yes(&self) -> Result<(), GuardError> {
        if self.any || !self.started { self.end() } else { Err(GuardError::Damaged) }
    }
}
