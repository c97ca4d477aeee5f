//! The frames of bulk sync: what a phone sends to `POST /v1/sync` and what comes back, as CBOR.
//!
//! Byte strings are plain CBOR byte strings; unknown keys are skipped, so that either side may be
//! newer. A manifest is signed and stored verbatim: nobody may ever re-encode one.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

/// Version of the frames. A server refuses any other.
pub const FRAME_VERSION: u32 = 1;

/// Content type of every frame.
pub const FRAME_CONTENT_TYPE: &str = "application/cbor";

/// Bytes a device signs: this prefix, then the manifest exactly as sent.
pub const MANIFEST_CONTEXT: &[u8] = b"rasoat manifest 1\0";

/// Bytes a server signs: this prefix, then the receipt exactly as sent.
pub const RECEIPT_CONTEXT: &[u8] = b"rasoat receipt 1\0";

/// Bytes a server signs: this prefix, then a manifest of what came over the standard door, unsigned.
pub const SESSION_CONTEXT: &[u8] = b"rasoat session 1\0";

/// Bytes a server signs: this prefix, then the page exactly as sent.
pub const PAGE_CONTEXT: &[u8] = b"rasoat page 1\0";
/// Bytes a device signs to renew its tokens: this prefix, then the refresh token's text.
pub const REFRESH_CONTEXT: &[u8] = b"rasoat refresh 1\0";

/// What a phone sends: its cursor and the work it has not yet seen acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// [`FRAME_VERSION`].
    pub v: u32,
    /// Campaign the work belongs to.
    pub campaign: ByteArray<16>,
    /// Cursor of the last answer, byte for byte; empty at first.
    pub cursor: ByteBuf,
    /// Signed batches, each judged on its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<Batch>,
    /// True with the last request that empties the phone: all its work is handed in (đã nộp hết).
    #[serde(default, skip_serializing_if = "is_false")]
    pub all_in: bool,
    /// True from a client that reads [`Page`]s: what newly came into its scope is sent as documents.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pages: bool,
    /// About how many bytes the answer may have, as sent; absent for the server's own measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_bytes: Option<u32>,
    /// What the phone says about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a phone says about itself. The actor tells its own work from a copy's; the rest is shown to
/// offices and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The actor this installation writes under now.
    pub actor: ByteArray<16>,
    /// The phone's clock, milliseconds UTC.
    pub device_now_ms: i64,
    /// Version of the app, at most 40 plain characters.
    pub app: String,
    /// Layout and form version the app writes.
    pub schema: u32,
}

/// Changes of one device with the manifest that names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// CBOR of a [`Manifest`], stored verbatim.
    pub manifest: ByteBuf,
    /// Ed25519 signature of the device over [`MANIFEST_CONTEXT`] and the manifest, 64 bytes.
    pub signature: ByteBuf,
    /// Automerge change chunks, in the order of the manifest.
    #[serde(deserialize_with = "chunks")]
    pub chunks: Vec<ByteBuf>,
}

/// Most changes of one batch.
pub const BATCH_CHANGES_MAX: usize = 256;

/// Reads chunks, and over those that are more than a batch may have and one: a million empty ones take
/// no memory, and the batch is refused by its count.
fn chunks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ByteBuf>, D::Error> {
    struct Chunks;
    impl<'de> Visitor<'de> for Chunks {
        type Value = Vec<ByteBuf>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("change chunks")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while kept.len() <= BATCH_CHANGES_MAX {
                match seq.next_element()? {
                    Some(chunk) => kept.push(chunk),
                    None => return Ok(kept),
                }
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(kept)
        }
    }
    from.deserialize_seq(Chunks)
}

/// What a device says it sends. Its signature covers every change through its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FRAME_VERSION`].
    pub v: u32,
    /// Device that signs.
    pub device: ByteArray<16>,
    /// Campaign of every document named.
    pub campaign: ByteArray<16>,
    /// Layout and form version the changes were written with.
    pub schema: u32,
    /// Document id and change hash of each chunk, in order.
    pub changes: Vec<(ByteArray<16>, ByteArray<32>)>,
    /// Households this device registered itself (hộ mới, ngoài danh sách).
    #[serde(default)]
    pub households: Vec<NewHousehold>,
    /// Account of the person who typed all of it; absent, the one the device was enrolled for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed_by: Option<ByteArray<16>>,
}

/// A household a phone made: the random id it drew and the hamlet it says the family lives in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHousehold {
    /// Random household id; the document id derives from it and the campaign.
    pub household: ByteArray<16>,
    /// Hamlet code of the campaign.
    pub hamlet: String,
}

/// What the server answers. What is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncResponse {
    /// [`FRAME_VERSION`].
    pub v: u32,
    /// One result for each batch, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<BatchResult>,
    /// Households that came into the caller's scope, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<SignedPage>,
    /// Households that the changes below belong to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub households: Vec<HouseholdRow>,
    /// Document id and change chunk, ancestors first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<(ByteArray<16>, ByteBuf)>,
    /// Hamlets that came into the caller's scope since the cursor; a single household stands there
    /// as `#` and the 32 hex digits of its document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entered: Vec<String>,
    /// Those that left the caller's scope since the cursor; nothing more of them is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Households that moved out of the caller's scope, to another commune, since the cursor: they are
    /// deleted whatever hamlet they were in. What was not sent of them yet is still handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ByteArray<16>>,
    /// Cursor to send next time, opaque.
    pub cursor: ByteBuf,
    /// True where more waits; sync again at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more: bool,
    /// Actors of this device under whose numbers two changes came: it was copied or restored. A
    /// phone that writes under one of them re-forks before it writes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forked: Vec<ByteArray<16>>,
}

/// A page with the server's signature: it holds wherever it is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedPage {
    /// CBOR of a [`Page`].
    pub page: ByteBuf,
    /// Ed25519 signature of the server over [`PAGE_CONTEXT`] and the page, 64 bytes.
    pub signature: ByteBuf,
}

/// Households of one hamlet, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// [`FRAME_VERSION`].
    pub v: u32,
    /// Campaign of every document.
    pub campaign: ByteArray<16>,
    /// Epoch of the store the position is of.
    pub epoch: ByteArray<16>,
    /// Code of the commune, or of a district without communes.
    pub unit: String,
    /// Hamlet code of the campaign.
    pub hamlet: String,
    /// Each document has at least every change that the unit's log had accepted up to here.
    pub position: i64,
    /// The households, in order of document id.
    pub households: Vec<PageHousehold>,
}

/// One household of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageHousehold {
    /// Document id.
    pub document: ByteArray<16>,
    /// Household id.
    pub household: ByteArray<16>,
    /// Code the household has on the opening list; empty for one that a phone registered.
    pub code: String,
    /// The document as Automerge loads it: an uncompressed document chunk, changes behind it.
    pub bytes: ByteBuf,
}

/// What became of one batch: a signed receipt, or the stable name of why it was refused whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchResult {
    /// The batch is durable in the server's log.
    Receipt {
        /// CBOR of a [`Receipt`].
        receipt: ByteBuf,
        /// Ed25519 signature of the server over [`RECEIPT_CONTEXT`] and the receipt.
        signature: ByteBuf,
    },
    /// Nothing of the batch was stored; the stable problem name says why.
    Refused(String),
}

/// The server's word that it holds every change named accepted, waiting, held or quarantined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// SHA-256 of the manifest's bytes.
    pub manifest: ByteArray<32>,
    /// Epoch of the server's store; another one means it was restored.
    pub epoch: ByteArray<16>,
    /// Server time of the durable write, milliseconds UTC.
    pub received_at_ms: i64,
    /// One verdict for each change of the manifest, in order.
    pub verdicts: Vec<Verdict>,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was done with it.
    pub fate: Fate,
    /// Stable problem name, where it was held or quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The fates of a change that arrived in a readable, signed batch. All of them are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// In the log, will be merged.
    Accepted,
    /// The server had it already.
    Known,
    /// Stored until a change it builds on arrives.
    Waiting,
    /// Sound, but a person decides before it is merged.
    Held,
    /// Failed a check; bytes kept, never merged.
    Quarantined,
}

/// Where a household belongs, as the server has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdRow {
    /// Document id.
    pub document: ByteArray<16>,
    /// Household id.
    pub household: ByteArray<16>,
    /// Code of the commune, or of a district without communes.
    pub unit: String,
    /// Hamlet code of the campaign.
    pub hamlet: String,
    /// Code the household has on the opening list; empty for one that a phone registered.
    pub code: String,
}
