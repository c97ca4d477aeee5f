//! How clients name documents: base58 of the 16 bytes of a UUID and a checksum of four bytes.
//!
//! The published sync server takes nothing but UUIDs of versions 1 to 5 and is silent about others;
//! ours are of version 5 and those that clients draw of version 4.

use super::Malformed;
use crate::id::{DocumentId, from_hex, sha256};

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Bytes of an id with its checksum.
const BYTES: usize = 20;

/// Longest text that can name twenty bytes.
const TEXT_MAX: usize = 28;

/// Length of a UUID's own form, with its dashes.
const UUID_TEXT: usize = 36;

/// Writes a document's id as automerge-repo clients name it.
///
/// ```
/// use shared::id::DocumentId;
/// use shared::repo::address::{read, write};
///
/// let id: DocumentId = "00000000-0000-5000-8000-00000000000a".parse().unwrap();
/// let text = write(id);
/// assert_eq!(read(&text), Ok(id));
/// assert_eq!(read("00000000-0000-5000-8000-00000000000a"), Ok(id));
/// ```
pub fn write(id: DocumentId) -> String {
    let mut bytes = [0; BYTES];
    bytes[..16].copy_from_slice(id.as_bytes());
    bytes[16..].copy_from_slice(&checksum(id.as_bytes()));
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut text = Vec::new();
    // Each turn divides the number by 58; what is left over is the next digit from the end.
    while bytes.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u16;
        for byte in &mut bytes {
            let value = rest << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 58).unwrap_or(u8::MAX);
            rest = value % 58;
        }
        text.push(DIGITS[usize::from(rest)]);
    }
    text.extend(std::iter::repeat_n(DIGITS[0], zeros));
    text.iter().rev().copied().map(char::from).collect()
}

/// Reads what a client names a document by: its base58 form, or the plain UUID of older clients.
pub fn read(text: &str) -> Result<DocumentId, Malformed> {
    let id = if text.len() == UUID_TEXT {
        DocumentId(from_hex(text).map_err(|_| Malformed)?)
    } else {
        read_base58(text)?
    };
    // Of version 4 or 5, in the variant of RFC 4122.
    let [version, variant] = [id.0[6] >> 4, id.0[8] >> 6];
    if matches!(version, 4 | 5) && variant == 2 { Ok(id) } else { Err(Malformed) }
}

fn read_base58(text: &str) -> Result<DocumentId, Malformed> {
    if text.len() > TEXT_MAX {
        return Err(Malformed);
    }
    let mut bytes = [0_u8; BYTES];
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit).ok_or(Malformed)?;
        let mut carry = u16::try_from(value).map_err(|_| Malformed)?;
        for byte in bytes.iter_mut().rev() {
            let sum = u16::from(*byte) * 58 + carry;
            *byte = u8::try_from(sum & 0xff).map_err(|_| Malformed)?;
            carry = sum >> 8;
        }
        if carry != 0 {
            return Err(Malformed);
        }
    }
    let id = DocumentId::from_slice(&bytes[..16]).map_err(|_| Malformed)?;
    // One text for one id: leading zeros are written as that many ones.
    let sound = checksum(id.as_bytes()) == bytes[16..] && write(id) == text;
    if sound { Ok(id) } else { Err(Malformed) }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let twice = sha256(&sha256(bytes));
    [twice[0], twice[1], twice[2], twice[3]]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::{CampaignId, HouseholdId, document_id};

    #[test]
    fn every_household_can_be_named() {
        for number in 0..=255 {
            let id = document_id(CampaignId([number; 16]), HouseholdId([7; 16]));
            let text = write(id);
            assert_eq!(read(&text), Ok(id));
            assert!((26..=28).contains(&text.len()));
        }
    }

    #[test]
    fn another_checksum_length_or_kind_of_id_is_refused() {
        let id = document_id(CampaignId([1; 16]), HouseholdId([2; 16]));
        let text = write(id);
        for place in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[place] = if other[place] == b'2' { b'3' } else { b'2' };
            assert_eq!(read(&String::from_utf8(other).unwrap()), Err(Malformed));
        }
        let mut version7 = id;
        version7.0[6] = 0x70;
        let mut variant = id;
        variant.0[8] = 0;
        for bad in [version7, variant, DocumentId([0; 16]), DocumentId([0xff; 16])] {
            assert_eq!(read(&write(bad)), Err(Malformed));
        }
        let long = "z".repeat(28);
        let padded = format!("1{text}");
        for bad in ["", "1", "0OIl", &long, &padded, &"-".repeat(36), &"đ".repeat(14)] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
    }
}
