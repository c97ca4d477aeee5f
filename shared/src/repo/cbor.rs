//! CBOR as far as the protocol uses it: definite lengths, little nesting, lengths that fit.

use super::Malformed;

/// Deepest nesting of a message: a map in a map in a list in the message.
const NESTING_MAX: usize = 4;

/// What stands at the beginning of a value. Counts and lengths fit what is left of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    /// So many values follow.
    List(usize),
    /// So many pairs follow.
    Map(usize),
    /// One value follows.
    Tagged,
    /// A number, a truth or nothing: of no use here.
    Plain,
}

/// Reads values one after the other.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    /// Reads a value; of a list or a map only how much is in it.
    pub(super) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let first = self.take(1)?[0];
        let argument = self.argument(first & 0x1f)?;
        let count = || usize::try_from(argument).map_err(|_| Malformed);
        Ok(match first >> 5 {
            0 | 1 | 7 => Value::Plain,
            2 => Value::Bytes(self.take(count()?)?),
            3 => Value::Text(std::str::from_utf8(self.take(count()?)?).map_err(|_| Malformed)?),
            4 => Value::List(self.fitting(count()?, 1)?),
            5 => Value::Map(self.fitting(count()?, 2)?),
            _ => Value::Tagged,
        })
    }

    fn argument(&mut self, info: u8) -> Result<u64, Malformed> {
        let width = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            // Reserved, or of a length that is said later.
            _ => return Err(Malformed),
        };
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Lets a count through where so many values of a byte each may still follow.
    fn fitting(&self, count: usize, each: usize) -> Result<usize, Malformed> {
        if count <= self.0.len() / each { Ok(count) } else { Err(Malformed) }
    }

    #[cfg(test)]
    fn skip(&mut self) -> Result<(), Malformed> {
        let value = self.value()?;
        self.skip_parts(value)
    }

    /// Reads over what a value inside the message consists of, where it was begun.
    pub(super) fn skip_parts(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        self.skip_within(value, NESTING_MAX - 1)
    }

    fn skip_within(&mut self, value: Value<'_>, depth: usize) -> Result<(), Malformed> {
        let parts = match value {
            Value::Bytes(_) | Value::Text(_) | Value::Plain => return Ok(()),
            Value::Tagged => 1,
            Value::List(count) => count,
            Value::Map(count) => count * 2,
        };
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        for _ in 0..parts {
            let part = self.value()?;
            self.skip_within(part, depth)?;
        }
        Ok(())
    }
}

/// Writes values one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    fn head(&mut self, major: u8, argument: usize) {
        let bytes = argument.to_be_bytes();
        let shortest = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
        let (info, width) = match (argument, bytes.len() - shortest) {
            (0..=23, _) => (bytes[bytes.len() - 1], 0),
            (_, 1) => (24, 1),
            (_, 2) => (25, 2),
            (_, 3 | 4) => (26, 4),
            _ => (27, 8),
        };
        self.0.push(major << 5 | info);
        self.0.extend_from_slice(&bytes[bytes.len() - width..]);
    }

    pub(super) fn map(&mut self, pairs: usize) {
        self.head(5, pairs);
    }

    pub(super) fn list(&mut self, values: usize) {
        self.head(4, values);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.head(3, text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.head(2, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn no(&mut self) {
        self.0.push(0xf4);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for length in [0, 1, 23, 24, 255, 256, 65_535, 65_536, 100_000] {
            let mut out = Writer::default();
            out.bytes(&vec![7; length]);
            let mut reader = Reader::new(&out.0);
            assert_eq!(reader.value().unwrap(), Value::Bytes(&vec![7; length]));
            assert!(reader.is_empty());
            assert!(Reader::new(&out.0[..out.0.len() - 1]).value().is_err() || length == 0);
        }
    }

    #[test]
    fn what_lies_about_its_length_or_nests_too_deep_is_refused() {
        let refused: [&[u8]; 7] = [
            &[],
            &[0x5f, 0x41, 1, 0xff], // bytes of no said length
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9a, 0xff, 0xff, 0xff, 0xff], // a list of four thousand millions
            &[0x62, 0xff, 0xfe],             // not UTF-8
            &[0x1c],                         // reserved
            &[0x81, 0x81, 0x81, 0x81, 0],    // four lists inside the message
        ];
        for bytes in refused {
            assert_eq!(Reader::new(bytes).skip(), Err(Malformed), "{bytes:?}");
        }
        Reader::new(&[0x81, 0x81, 0x81, 0]).skip().unwrap();
        Reader::new(&[0xf7]).skip().unwrap();
        Reader::new(&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]).skip().unwrap();
    }
}
