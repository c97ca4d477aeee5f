//! Identities as newtypes: which campaign, household, document, device, person and change.
//!
//! A document's id is a function of campaign and household, so that two servers and a phone agree
//! on it without asking each other. Every other id is random and holds no clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Text that is not the hexadecimal form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is {0} hexadecimal digits")]
pub struct IdError(usize);

/// Writes bytes as lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Reads exactly `N` bytes from hexadecimal digits; dashes are skipped, as UUIDs carry them.
pub fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let mut bytes = [0; N];
    let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
    for byte in &mut bytes {
        let mut digit = || digits.next().flatten().ok_or(IdError(2 * N));
        let value = digit()? * 16 + digit()?;
        *byte = u8::try_from(value).map_err(|_| IdError(2 * N))?;
    }
    if digits.next().is_some() { Err(IdError(2 * N)) } else { Ok(bytes) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Returns the bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Takes the bytes of a database column or frame; any other length is an error.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map(Self).map_err(|_| IdError(2 * $len))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                from_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

id!(
    /// A review campaign (đợt rà soát): 16 random bytes.
    CampaignId,
    16
);
id!(
    /// A household in one campaign: 16 random bytes, drawn by the server or by the phone.
    HouseholdId,
    16
);
id!(
    /// A household's Automerge document, see [`document_id`].
    DocumentId,
    16
);
id!(
    /// An enrolled device: 16 random bytes.
    DeviceId,
    16
);
id!(
    /// A person's account: 16 random bytes.
    AccountId,
    16
);
id!(
    /// An enrolment code, by which it is listed and withdrawn: 16 random bytes.
    CodeId,
    16
);
id!(
    /// Who wrote a change: the Automerge actor, always 16 bytes here.
    Actor,
    16
);
id!(
    /// SHA-256 of an inflated change chunk, as Automerge defines it.
    ChangeHash,
    32
);
id!(
    /// SHA-256 of something signed or frozen: a manifest, a list.
    Digest,
    32
);

/// Derives the id of a household's document: UUIDv5 of the campaign over the household id.
///
/// ```
/// use shared::id::{CampaignId, HouseholdId, document_id};
///
/// let a = document_id(CampaignId([1; 16]), HouseholdId([2; 16]));
/// assert_eq!(a, document_id(CampaignId([1; 16]), HouseholdId([2; 16])));
/// assert_ne!(a, document_id(CampaignId([3; 16]), HouseholdId([2; 16])));
/// ```
pub fn document_id(campaign: CampaignId, household: HouseholdId) -> DocumentId {
    let namespace = uuid::Uuid::from_bytes(campaign.0);
    DocumentId(*uuid::Uuid::new_v5(&namespace, &household.0).as_bytes())
}

/// Derives the actor of one installation: the same device never writes under an old actor again.
///
/// `fresh` is 16 random bytes drawn at installation, restore or import.
pub fn actor_of(device: DeviceId, fresh: [u8; 16]) -> Actor {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(b"rasoat actor 1");
    hasher.update(device.0);
    hasher.update(fresh);
    let mut actor = [0; 16];
    actor.copy_from_slice(&hasher.finalize()[..16]);
    Actor(actor)
}

/// Hashes bytes with SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_read_back_what_they_print() {
        let id = DeviceId([0xab; 16]);
        assert_eq!(id.to_string().parse::<DeviceId>().unwrap(), id);
        assert_eq!("abababababababababababababababab", id.to_string());
    }

    #[test]
    fn damaged_ids_are_refused() {
        for text in ["", "ab", "zz", &"a".repeat(31), &"a".repeat(33), "đ"] {
            assert!(text.parse::<DeviceId>().is_err(), "{text}");
        }
    }
}
