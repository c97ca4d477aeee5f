//! The key that fingerprints for matching are made with: HMAC-SHA-256, cut to 64 bits.
//!
//! It is worked out from the server's key file and never enters the database: without it a
//! fingerprint of a number or a name says nothing. A plain hash of a number would be reversed in
//! minutes, so nothing here makes one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A keyed hash.
#[derive(Clone)]
pub struct MatchKey(Hmac<Sha256>);

impl std::fmt::Debug for MatchKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MatchKey")
    }
}

impl MatchKey {
    /// Takes a secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// Makes the fingerprint of something.
    pub fn fingerprint(&self, bytes: &[u8]) -> u64 {
        let mut mac = self.0.clone();
        mac.update(bytes);
        let tag = mac.finalize().into_bytes();
        u64::from_be_bytes(std::array::from_fn(|at| tag[at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_makes_other_fingerprints() {
        let (one, other) = (MatchKey::new(&[1; 32]), MatchKey::new(&[2; 32]));
        assert_eq!(one.fingerprint(b"x"), one.clone().fingerprint(b"x"));
        assert_ne!(one.fingerprint(b"x"), other.fingerprint(b"x"));
        assert_ne!(one.fingerprint(b"x"), one.fingerprint(b"y"));
    }

    /// RFC 4231, test case 1, with its key of 20 bytes padded to ours: HMAC pads with zeros too.
    #[test]
    fn it_is_the_hmac_everybody_knows() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(MatchKey::new(&key).fingerprint(b"Hi There"), 0xb034_4c61_d8db_3853);
    }
}
