//! The canonical encoding of what is frozen: one value, one byte string, on every machine.
//!
//! Numbers are eight bytes big endian, texts and lists carry their length first, nothing is
//! optional without a byte that says so. A stored list is never re-encoded by a library.

/// Bytes that are not the canonical encoding of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frozen bytes cannot be read")]
pub struct Malformed;

/// Writes values in order.
#[derive(Debug)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Starts with the name and version of what is encoded.
    pub fn new(kind: &str) -> Self {
        let mut out = Self(Vec::new());
        out.text(kind);
        out
    }

    /// Returns the bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Writes one byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Writes bytes of a length both sides know.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Writes an unsigned number.
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    /// Writes a signed number.
    pub fn signed(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }

    /// Writes how many items follow.
    pub fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).expect("a length fits 64 bits"));
    }

    /// Writes a text with its length.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    /// Writes a value that may be absent.
    pub fn option<T>(&mut self, value: Option<T>, write: fn(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Reads values in the order they were written.
#[derive(Debug)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Starts reading what [`Encoder::new`] started with the same name.
    pub fn new(bytes: &'a [u8], kind: &str) -> Result<Self, Malformed> {
        let mut input = Self(bytes);
        if input.text()? == kind { Ok(input) } else { Err(Malformed) }
    }

    /// Checks that nothing is left over.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Reads a yes or no.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// Reads bytes of a known length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    /// Reads an unsigned number.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads a signed number.
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// Reads an unsigned number that fits 32 bits.
    pub fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// Reads how many items follow; no item is shorter than a byte.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.0.len() { Err(Malformed) } else { Ok(count) }
    }

    /// Reads a text.
    pub fn text(&mut self) -> Result<String, Malformed> {
        let length = self.count()?;
        let (head, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).map_err(|_| Malformed)
    }

    /// Reads a value that may be absent.
    pub fn option<T>(
        &mut self,
        read: fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }
}
