//! The courier file: finds the pieces in whatever bytes were carried here, and says what is wrong with
//! the rest.
//!
//! A file may have been cut, mended, put together from several or sorted anew on its way. A piece goes
//! from its mark to the next one, so every byte is looked at once, and nothing a piece claims reaches
//! beyond the bytes that are there.

use mobile_schema::courier::{COURIER_HEAD_BYTES, COURIER_MARK, COURIER_SUITE, COURIER_VERSION};
use mobile_schema::problem::{self, Problem};

use crate::id::{CampaignId, DeviceId, sha256};
use crate::limits;

mod seal;

#[cfg(test)]
mod tests;

pub use self::seal::{Key, export, open, seal, seal_bytes};

/// Short name of the key a piece is sealed to: the first 8 bytes of the public key's SHA-256.
pub type KeyId = [u8; 8];

/// Returns the short name of a public key.
pub fn key_id(public: &[u8; 32]) -> KeyId {
    let digest = sha256(public);
    std::array::from_fn(|at| digest[at])
}

/// The clear part of a piece: what has to be known before it is opened, and nothing personal. What it
/// says is only as good as its seal, and who sealed it anybody may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Place of the piece in its file, from 1.
    pub number: u16,
    /// Pieces of the file.
    pub count: u16,
    /// Key of the server it is for.
    pub key: KeyId,
    /// Campaign of the work.
    pub campaign: CampaignId,
    /// Device whose work it is.
    pub device: DeviceId,
    /// Drawn anew for every file.
    pub file: [u8; 16],
}

/// A piece as it stands in the file: whole, as far as its length goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The clear part.
    head: &'a [u8],
    /// Encapsulated key and ciphertext.
    sealed: &'a [u8],
}

impl Piece<'_> {
    /// Returns the bytes of the piece, which are a file of one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        [self.head, self.sealed].concat()
    }
}

/// Something found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Where it begins, in bytes from the start of the file.
    pub at: usize,
    /// Its clear part, where there is one to read.
    pub head: Option<Head>,
    /// The piece, or what is wrong with it.
    pub piece: Result<Piece<'a>, Fault>,
}

/// Why a piece is not taken. Its neighbours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that belong to no piece.
    #[error("bytes that belong to no piece")]
    Stray,
    /// There are fewer bytes than the piece says it has.
    #[error("the piece is cut, or lies about its length")]
    Cut,
    /// It is not what was sealed, or what was sealed is not what it should be.
    #[error("the piece is damaged")]
    Damaged,
    /// Beyond [`limits::COURIER_PIECE_BYTES_MAX`], or what it holds beyond
    /// [`limits::COURIER_PIECE_INFLATED_BYTES_MAX`].
    #[error("the piece is too large")]
    TooLarge,
    /// Another version of the pieces, or another way of sealing.
    #[error("the version of the piece is not supported")]
    Version,
    /// Sealed to another key than ours.
    #[error("the piece is sealed to another key")]
    OtherServer,
}

impl Fault {
    /// Returns the published name of this fault.
    pub fn problem(self) -> &'static Problem {
        match self {
            Self::Stray => &problem::COURIER_STRAY,
            Self::Cut => &problem::COURIER_PIECE_CUT,
            Self::Damaged => &problem::COURIER_PIECE_DAMAGED,
            Self::TooLarge => &problem::COURIER_PIECE_TOO_LARGE,
            Self::Version => &problem::COURIER_VERSION,
            Self::OtherServer => &problem::COURIER_OTHER_SERVER,
        }
    }
}

/// Why a file is refused whole: nothing of it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is no piece in it.
    #[error("there is no piece in the file")]
    Empty,
    /// It is larger, or has more pieces, than is looked at.
    #[error("the file is too large")]
    TooLarge,
}

impl FileError {
    /// Returns the published name of this refusal.
    pub fn problem(self) -> &'static Problem {
        match self {
            Self::Empty => &problem::COURIER_EMPTY,
            Self::TooLarge => &problem::BODY_TOO_LARGE,
        }
    }
}

/// Finds the pieces of a file, in the order in which they stand.
///
/// ```
/// use shared::courier::{FileError, pieces};
///
/// assert_eq!(pieces(b"not a courier file"), Err(FileError::Empty));
/// ```
pub fn pieces(bytes: &[u8]) -> Result<Vec<Found<'_>>, FileError> {
    if bytes.len() > limits::COURIER_BYTES_MAX {
        return Err(FileError::TooLarge);
    }
    let mark = COURIER_MARK.as_slice();
    let starts = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    let mut starts = starts.map(|(at, _)| at).peekable();
    let first = *starts.peek().ok_or(FileError::Empty)?;
    let mut found = Vec::new();
    if first > 0 {
        found.push(stray(0));
    }
    let mut count = 0;
    while let Some(at) = starts.next() {
        count += 1;
        if count > limits::COURIER_PIECES_MAX {
            return Err(FileError::TooLarge);
        }
        let end = starts.peek().copied().unwrap_or(bytes.len());
        let (one, used) = piece(at, &bytes[at..end]);
        found.push(one);
        if at + used < end {
            found.push(stray(at + used));
        }
    }
    Ok(found)
}

fn stray(at: usize) -> Found<'static> {
    Found { at, head: None, piece: Err(Fault::Stray) }
}

/// Reads the piece at the start of these bytes, which go to the next mark; returns how many of them are
/// accounted for.
fn piece(at: usize, bytes: &[u8]) -> (Found<'_>, usize) {
    let fault = |head, fault| (Found { at, head, piece: Err(fault) }, bytes.len());
    // What another version has behind its first byte is not for us to read.
    match bytes.get(COURIER_MARK.len()..COURIER_MARK.len() + 2) {
        None => return fault(None, Fault::Cut),
        Some([COURIER_VERSION, COURIER_SUITE]) => {}
        Some(_) => return fault(None, Fault::Version),
    }
    let Some((clear, rest)) = bytes.split_at_checked(COURIER_HEAD_BYTES) else {
        return fault(None, Fault::Cut);
    };
    let Some((head, length)) = Head::read(clear) else { return fault(None, Fault::Damaged) };
    if length > limits::COURIER_PIECE_BYTES_MAX {
        return fault(Some(head), Fault::TooLarge);
    }
    match rest.get(..length) {
        None => fault(Some(head), Fault::Cut),
        Some(sealed) => {
            let piece = Ok(Piece { head: clear, sealed });
            (Found { at, head: Some(head), piece }, COURIER_HEAD_BYTES + length)
        }
    }
}

impl Head {
    /// Reads the clear part and how many bytes follow it.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut at = COURIER_MARK.len() + 2;
        let mut number = |bytes_count: usize| {
            let part = bytes.get(at..at + bytes_count)?;
            at += bytes_count;
            Some(part)
        };
        let (place, count) = (number(2)?.try_into().ok()?, number(2)?.try_into().ok()?);
        let length = u32::from_be_bytes(number(4)?.try_into().ok()?);
        let head = Self {
            number: u16::from_be_bytes(place),
            count: u16::from_be_bytes(count),
            key: number(8)?.try_into().ok()?,
            campaign: CampaignId(number(16)?.try_into().ok()?),
            device: DeviceId(number(16)?.try_into().ok()?),
            file: number(16)?.try_into().ok()?,
        };
        let fits = (1..=head.count).contains(&head.number)
            && usize::from(head.count) <= limits::COURIER_PIECES_MAX;
        Some((head, usize::try_from(length).ok()?)).filter(|_| fits)
    }

    /// Writes the clear part of a piece with so many bytes behind it.
    fn write(&self, length: u32) -> Vec<u8> {
        let mut bytes = COURIER_MARK.to_vec();
        bytes.extend([COURIER_VERSION, COURIER_SUITE]);
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.key);
        bytes.extend(self.campaign.0);
        bytes.extend(self.device.0);
        bytes.extend(self.file);
        debug_assert_eq!(bytes.len(), COURIER_HEAD_BYTES);
        bytes
    }
}

/// Names what of a file is not among the pieces that were opened, as ranges of numbers.
///
/// ```
/// use shared::courier::missing;
///
/// assert_eq!(missing(&[2, 5, 5, 6].into(), 7), [(1, 1), (3, 4), (7, 7)]);
/// assert_eq!(missing(&[1, 2].into(), 2), []);
/// ```
pub fn missing(opened: &std::collections::BTreeSet<u16>, count: u16) -> Vec<(u16, u16)> {
    let mut ranges = Vec::new();
    let mut next = 1;
    let ends = opened.iter().copied().filter(|number| *number <= count);
    for number in ends.chain(count.checked_add(1)) {
        if next < number {
            ranges.push((next, number - 1));
        }
        next = number.saturating_add(1);
    }
    ranges
}
