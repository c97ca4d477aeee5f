//! Second stage of the line: turns a signed batch into changes that may be merged.
//!
//! The device signs the manifest, the manifest names every change by document and hash, and the
//! hash covers the change's bytes: nothing a device did not sign gets past this file. No library reads
//! what clients wrote here: that is for the workers.

use ed25519_dalek::{Signature, VerifyingKey};
use mobile_schema::frame::{Batch, FRAME_VERSION, MANIFEST_CONTEXT, Manifest};
use mobile_schema::problem::{self, Problem};

use serde_bytes::ByteArray;

use crate::guard::{GuardError, Guarded, KIND_CHANGE, guard};
use crate::id::{CampaignId, ChangeHash, DeviceId, Digest, DocumentId, sha256};
use crate::limits;

/// A change that passed every check, with the document it belongs to. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    document: DocumentId,
    change: Guarded,
}

impl Verified {
    /// Returns the document the signed manifest names.
    pub fn document(&self) -> DocumentId {
        self.document
    }

    /// Returns the change.
    pub fn change(&self) -> &Guarded {
        &self.change
    }
}

/// Hashed in front of bytes that are set aside. Without it a change sent without its frame would
/// be kept under the hash of the sound change, which then could never be stored.
pub const ASIDE_CONTEXT: &[u8] = b"rasoat aside 1\0";

/// One change that did not pass, kept with its bytes and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Document the signed manifest names.
    pub document: DocumentId,
    /// SHA-256 of [`ASIDE_CONTEXT`] and the bytes as they came: never the hash they claim to have.
    pub digest: Digest,
    /// The bytes as they came.
    pub chunk: Vec<u8>,
    /// Why.
    pub reason: QuarantineReason,
}

/// Why one change was set aside while the rest of its batch went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuarantineReason {
    /// The guard did not let its bytes through.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The bytes are another change than the one signed for.
    #[error("the change is not the one the manifest names")]
    HashMismatch,
}

impl QuarantineReason {
    /// Returns the published name of this reason.
    pub fn problem(self) -> &'static Problem {
        match self {
            Self::Guard(GuardError::TooLarge) => &problem::CHANGE_TOO_LARGE,
            Self::Guard(GuardError::Damaged) => &problem::CHANGE_MALFORMED,
            Self::Guard(GuardError::Kind { .. }) => &problem::CHANGE_KIND_REFUSED,
            Self::Guard(GuardError::Dependencies) => &problem::CHANGE_DEPENDENCIES,
            Self::Guard(GuardError::Actor) => &problem::CHANGE_ACTOR,
            Self::HashMismatch => &problem::CHANGE_HASH_MISMATCH,
        }
    }
}

/// Why a whole batch is refused: nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The manifest is not the CBOR it should be, or names another number of changes.
    #[error("the manifest cannot be read")]
    Manifest,
    /// Another version of the frames.
    #[error("the frame version is not supported")]
    Version,
    /// More than [`limits::BATCH_CHANGES_MAX`] changes.
    #[error("a batch holds at most {} changes", limits::BATCH_CHANGES_MAX)]
    TooManyChanges,
    /// The signature is not the device's.
    #[error("the signature does not fit the manifest")]
    Signature,
}

impl VerifyError {
    /// Returns the published name of this refusal.
    pub fn problem(self) -> &'static Problem {
        match self {
            Self::Manifest => &problem::MANIFEST_MALFORMED,
            Self::Version => &problem::FRAME_VERSION,
            Self::TooManyChanges => &problem::BATCH_TOO_LARGE,
            Self::Signature => &problem::SIGNATURE_REFUSED,
        }
    }
}

/// A batch after verification: what may be merged and what is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBatch {
    /// SHA-256 of the manifest's bytes.
    pub manifest_digest: Digest,
    /// The manifest as signed.
    pub manifest: Manifest,
    /// Each change of the manifest, in its order.
    pub changes: Vec<Result<Verified, Quarantined>>,
}

/// Reads which device a batch says it is from, before its key is looked up.
pub fn manifest_device(batch: &Batch) -> Result<DeviceId, VerifyError> {
    Ok(DeviceId(*read_manifest(batch)?.device))
}

/// Sorts a signed batch into what may be merged and what is set aside.
///
/// A bad change never takes its neighbours with it: the phone behind it may be broken, the
/// families in the same batch are not.
pub fn verify(batch: &Batch, device_key: &[u8; 32]) -> Result<VerifiedBatch, VerifyError> {
    let manifest = read_manifest(batch)?;
    check_signature(batch, device_key)?;
    let changes = manifest
        .changes
        .iter()
        .zip(&batch.chunks)
        .map(|((document, hash), chunk)| {
            let document = DocumentId(**document);
            verify_change(document, ChangeHash(**hash), chunk)
                .map_err(|reason| set_aside(document, chunk, reason))
        })
        .collect();
    Ok(VerifiedBatch { manifest_digest: Digest(sha256(&batch.manifest)), manifest, changes })
}

/// Who brought changes over the standard door.
#[derive(Debug, Clone, Copy)]
pub struct Brought {
    /// Device of the ticket.
    pub device: DeviceId,
    /// Campaign of the ticket.
    pub campaign: CampaignId,
    /// Layout and form version the client says it writes.
    pub schema: u32,
}

/// Sorts changes that came over the standard door, at most [`limits::BATCH_CHANGES_MAX`], into what may
/// be merged and what is set aside. Nobody signed them: the server signs the manifest returned, which
/// says on whose ticket they came.
pub fn vouch(by: Brought, chunks: Vec<(DocumentId, Vec<u8>)>) -> (VerifiedBatch, Vec<u8>) {
    let changes: Vec<Result<Verified, Quarantined>> = chunks
        .into_iter()
        .map(|(document, chunk)| match plain(&chunk) {
            Ok(change) => Ok(Verified { document, change }),
            Err(error) => Err(set_aside(document, &chunk, error.into())),
        })
        .collect();
    let named = changes.iter().map(|change| match change {
        Ok(sound) => (ByteArray::new(sound.document.0), ByteArray::new(sound.change.hash().0)),
        Err(aside) => (ByteArray::new(aside.document.0), ByteArray::new(aside.digest.0)),
    });
    let manifest = Manifest {
        v: FRAME_VERSION,
        device: ByteArray::new(by.device.0),
        campaign: ByteArray::new(by.campaign.0),
        schema: by.schema,
        changes: named.collect(),
        households: Vec::new(),
        typed_by: None,
    };
    let mut bytes = Vec::new();
    ciborium::into_writer(&manifest, &mut bytes).expect("memory takes what is written");
    (VerifiedBatch { manifest_digest: Digest(sha256(&bytes)), manifest, changes }, bytes)
}

/// Guards a chunk of the standard door, where every client sends changes as they are, not deflated.
fn plain(chunk: &[u8]) -> Result<Guarded, GuardError> {
    match chunk.get(8) {
        Some(&kind) if kind != KIND_CHANGE => Err(GuardError::Kind { kind }),
        _ => guard(chunk),
    }
}

fn set_aside(document: DocumentId, chunk: &[u8], reason: QuarantineReason) -> Quarantined {
    Quarantined {
        document,
        digest: Digest(sha256(&[ASIDE_CONTEXT, chunk].concat())),
        chunk: chunk.to_vec(),
        reason,
    }
}

fn read_manifest(batch: &Batch) -> Result<Manifest, VerifyError> {
    let manifest: Manifest = ciborium::de::from_reader_with_recursion_limit(
        batch.manifest.as_slice(),
        limits::FRAME_NESTING_MAX,
    )
    .map_err(|_| VerifyError::Manifest)?;
    if manifest.v != FRAME_VERSION {
        return Err(VerifyError::Version);
    }
    if manifest.changes.len() > limits::BATCH_CHANGES_MAX
        || manifest.households.len() > limits::BATCH_CHANGES_MAX
    {
        return Err(VerifyError::TooManyChanges);
    }
    if manifest.changes.len() != batch.chunks.len() {
        return Err(VerifyError::Manifest);
    }
    Ok(manifest)
}

fn check_signature(batch: &Batch, device_key: &[u8; 32]) -> Result<(), VerifyError> {
    if is_signed(MANIFEST_CONTEXT, &batch.manifest, &batch.signature, device_key) {
        Ok(())
    } else {
        Err(VerifyError::Signature)
    }
}

/// Tells whether a device's key signed these bytes behind their context.
pub fn is_signed(context: &[u8], bytes: &[u8], signature: &[u8], device_key: &[u8; 32]) -> bool {
    let (Ok(key), Ok(signature)) =
        (VerifyingKey::from_bytes(device_key), Signature::from_slice(signature))
    else {
        return false;
    };
    key.verify_strict(&[context, bytes].concat(), &signature).is_ok()
}

fn verify_change(
    document: DocumentId,
    hash: ChangeHash,
    chunk: &[u8],
) -> Result<Verified, QuarantineReason> {
    let change = guard(chunk)?;
    if change.hash() != hash {
        return Err(QuarantineReason::HashMismatch);
    }
    Ok(Verified { document, change })
}
