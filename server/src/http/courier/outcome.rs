//! What became of a courier file, as its carrier is told and as it is kept.
//!
//! Nothing here names anybody: ids, numbers and stable problem names.

use std::collections::BTreeSet;

use mobile_schema::courier::{CarriedReceipt, ReceiptFile};
use mobile_schema::frame::{BatchResult, Fate, Receipt, Verdict};
use serde::{Deserialize, Serialize};
use shared::courier::Found;
use shared::id::{Digest, to_hex};

/// What became of a file.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Imported {
    /// Id under which it is noted who brought the file.
    pub(crate) import: String,
    /// Where the server stopped before the end: after so many milliseconds the file is brought again.
    /// Its pieces that were not taken name why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) again_ms: Option<u64>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The receipt file that goes back: `{rasoat_receipt: 1, receipts: […]}`, see mobile-schema.
    #[schema(value_type = Object)]
    pub(crate) receipts: ReceiptFile,
}

/// What became of a file's pieces, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Outcome {
    /// Everything found in the file, in its order.
    pub(crate) pieces: Vec<PieceOutcome>,
    /// What is not among the pieces that were opened, of each file they are from.
    pub(crate) missing: Vec<Missing>,
}

/// What became of one piece: its batches, or a problem.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PieceOutcome {
    /// Where it begins, bytes from the start of the file.
    pub(crate) at: usize,
    /// Its number, from 1; 0 where there is none to read.
    pub(crate) number: u16,
    /// Pieces that its file has.
    pub(crate) of: u16,
    /// The device it says it is from; empty where there is none to read.
    pub(crate) device: String,
    /// Stable name of why nothing of it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) batches: Vec<BatchOutcome>,
}

/// What became of one signed batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct BatchOutcome {
    /// SHA-256 of its manifest; its receipt names it.
    pub(crate) manifest: String,
    pub(crate) accepted: usize,
    pub(crate) known: usize,
    pub(crate) waiting: usize,
    pub(crate) held: usize,
    pub(crate) quarantined: usize,
    /// Stable names of why changes were held or quarantined.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) reasons: BTreeSet<String>,
    /// Stable name of why nothing of it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// Pieces of a file that were not there, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Missing {
    /// The device the file says it is from.
    pub(crate) device: String,
    /// Pieces that the file has.
    pub(crate) of: u16,
    /// Ranges of numbers, both ends included.
    pub(crate) numbers: Vec<(u16, u16)>,
}

impl PieceOutcome {
    /// Begins what is said of a piece.
    pub(super) fn of(one: &Found<'_>) -> Self {
        let head = one.head.as_ref();
        Self {
            at: one.at,
            number: head.map_or(0, |head| head.number),
            of: head.map_or(0, |head| head.count),
            device: head.map_or_else(String::new, |head| head.device.to_string()),
            problem: None,
            batches: Vec::new(),
        }
    }
}

impl BatchOutcome {
    /// Counts what became of a batch; with the receipt that goes back, where there is one.
    pub(super) fn of(manifest: Digest, result: BatchResult) -> (Self, Option<CarriedReceipt>) {
        let mut outcome = Self { manifest: manifest.to_string(), ..Self::default() };
        let (receipt, signature) = match result {
            BatchResult::Refused(name) => {
                outcome.refused = Some(name);
                return (outcome, None);
            }
            BatchResult::Receipt { receipt, signature } => (receipt, signature),
        };
        let read: Result<Receipt, _> = ciborium::from_reader(receipt.as_slice());
        for Verdict { fate, reason } in read.map(|read| read.verdicts).unwrap_or_default() {
            *match fate {
                Fate::Accepted => &mut outcome.accepted,
                Fate::Known => &mut outcome.known,
                Fate::Waiting => &mut outcome.waiting,
                Fate::Held => &mut outcome.held,
                Fate::Quarantined => &mut outcome.quarantined,
            } += 1;
            outcome.reasons.extend(reason);
        }
        let carried = CarriedReceipt {
            manifest: manifest.to_string(),
            receipt: to_hex(&receipt),
            signature: to_hex(&signature),
        };
        (outcome, Some(carried))
    }
}
