//! The courier file `.rasoat`: work of a phone without any line, carried by hand, and the receipts
//! that come back.
//!
//! A file is pieces one after the other and nothing else; each piece can be read without the others.
//! WIRE.md has the layout. Nothing in the clear part of a piece is personal.

use serde::{Deserialize, Serialize};

use crate::frame::Batch;

/// What every piece begins with. A transfer that changes line ends or drops the eighth bit shows.
pub const COURIER_MARK: [u8; 8] = *b"\x89RSAT\r\n\x1a";

/// Version of the pieces. A server refuses any other.
pub const COURIER_VERSION: u8 = 1;

/// The one way in which pieces are sealed: HPKE (RFC 9180) in base mode with
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM, each piece by itself.
pub const COURIER_SUITE: u8 = 1;

/// Bytes of a piece's clear part, which the seal authenticates.
pub const COURIER_HEAD_BYTES: usize = 74;

/// HPKE's `info` of every piece.
pub const COURIER_INFO: &[u8] = b"rasoat courier 1";

/// Bytes a server signs: this prefix, then the public key that files are sealed to.
pub const COURIER_KEY_CONTEXT: &[u8] = b"rasoat courier key 1\0";

/// Content type of a courier file.
pub const COURIER_CONTENT_TYPE: &str = "application/vnd.rasoat.courier";

/// What one piece holds under its seal: gzip of this frame's CBOR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// [`crate::frame::FRAME_VERSION`].
    pub v: u32,
    /// Signed batches as `POST /v1/sync` takes them, each judged on its own.
    pub batches: Vec<Batch>,
}

/// Version of the receipt file.
pub const RECEIPT_FILE_VERSION: u32 = 1;

/// What goes back to the phones, `.rasoat-receipt`: JSON, bytes in hexadecimal digits. Each phone
/// takes what is its own; whatever does not hold under its server's key is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFile {
    /// [`RECEIPT_FILE_VERSION`].
    pub rasoat_receipt: u32,
    /// One for each manifest that is durable.
    pub receipts: Vec<CarriedReceipt>,
}

/// One receipt as `POST /v1/sync` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedReceipt {
    /// SHA-256 of the manifest it is for.
    pub manifest: String,
    /// CBOR of a [`crate::frame::Receipt`].
    pub receipt: String,
    /// Ed25519 signature of the server over [`crate::frame::RECEIPT_CONTEXT`] and the receipt.
    pub signature: String,
}
