//! Courier files: work of phones without a line, brought by anybody who is signed in.
//!
//! Who wrote and signed it is judged, as at the bulk door and by the same functions; who brought it is
//! noted. Nothing a carrier is told names anybody: ids, numbers and stable problem names.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::courier::{CarriedReceipt, RECEIPT_FILE_VERSION, ReceiptFile};
use mobile_schema::frame::{Batch, BatchResult, Fate, Receipt, Verdict};
use mobile_schema::problem::{self, Problem as Name};
use serde::{Deserialize, Serialize};
use shared::courier::{Fault, Found, Head, missing, open, pieces};
use shared::id::{CampaignId, Digest, sha256, to_hex};
use shared::limits;

use super::extract::{Json, Raw};
use super::sync::{incoming, receipt};
use crate::app::App;
use crate::auth::Actor;
use crate::gate::Caller;
use crate::ingest::{Work, WriteError};
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::campaign::Campaign;
use crate::store::courier::Brought;

/// The key that courier files are sealed to: HPKE, X25519.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CourierKey {
    /// First 8 bytes of the key's SHA-256, 16 hex digits: pieces name the key by it.
    id: String,
    /// X25519 public key, 64 hex digits.
    public_key: String,
    /// Ed25519 signature of the server over `rasoat courier key 1`, NUL and the key, 128 hex digits.
    signature: String,
}

impl CourierKey {
    /// Returns the key of this installation.
    pub(crate) fn of(app: &App) -> Self {
        Self {
            id: to_hex(&app.keys.courier.id()),
            public_key: to_hex(&app.keys.courier.public()),
            signature: to_hex(&app.keys.sign_courier_key()),
        }
    }
}

/// Gives the key that courier files are sealed to, signed by the server's own.
#[utoipa::path(get, path = "/v1/courier/key", responses((status = 200, body = CourierKey)))]
pub(super) async fn key(State(app): State<App>) -> Json<CourierKey> {
    Json(CourierKey::of(&app))
}

/// What became of a file.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Imported {
    /// Id under which it is noted who brought the file.
    pub(crate) import: String,
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

/// Takes a courier file for whoever wrote what is in it. Brought twice, late or in parts it does no harm.
#[utoipa::path(post, path = "/v1/courier", security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.rasoat.courier",
        description = "A file .rasoat, see mobile-schema/WIRE.md; at most 8 MiB"),
    responses(
    (status = 200, body = Imported),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 408, body = Body, content_type = "application/problem+json"),
    (status = 413, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
    (status = 429, body = Body, content_type = "application/problem+json"),
    (status = 503, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn hand_in(
    State(app): State<App>,
    carrier: Actor,
    file: Raw<{ limits::COURIER_BYTES_MAX }>,
) -> Result<Json<Imported>, Problem> {
    Ok(Json(import(&app, &carrier, &file.bytes).await?))
}

/// Takes a file, and notes who brought it.
pub(crate) async fn import(app: &App, carrier: &Actor, bytes: &[u8]) -> Result<Imported, Problem> {
    let caller = Caller::of(carrier);
    let unit = &carrier.account.post.unit;
    let cost = limits::REQUEST_COST + limits::bytes_cost(bytes.len());
    app.gate.charge(caller, unit, cost, app.now_ms())?;
    let found = pieces(bytes).map_err(|error| Problem::new(error.problem()))?;
    let _place = app.gate.enter(caller).await?;
    let mut importing = Importing { app, caller, unit, campaigns: BTreeMap::new(), inflated: 0 };
    let mut taken = Taken::default();
    for one in &found {
        importing.take(one, &mut taken).await?;
    }
    let outcome = Outcome { pieces: taken.pieces, missing: missing_of(&taken.opened) };
    let receipts = ReceiptFile {
        rasoat_receipt: RECEIPT_FILE_VERSION,
        receipts: taken.receipts.into_values().collect(),
    };
    let written = |error: serde_json::Error| {
        tracing::error!(error = %error, "what became of a courier file cannot be written");
        Problem::new(&problem::STORE_FAILED)
    };
    let brought = Brought {
        id: random(),
        account: carrier.account.id,
        device: carrier.device.as_ref().map(|device| device.id),
        unit: unit.clone(),
        digest: Digest(sha256(bytes)),
        bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        at_ms: app.now_ms(),
        outcome: serde_json::to_string(&outcome).map_err(written)?,
        receipts: serde_json::to_string(&receipts).map_err(written)?,
    };
    let manifests: Vec<Digest> = taken.manifests.into_iter().collect();
    app.store.courier_add(&brought, &manifests).await?;
    Ok(Imported { import: to_hex(&brought.id), outcome, receipts })
}

/// What has been taken of a file so far.
#[derive(Debug, Default)]
struct Taken {
    pieces: Vec<PieceOutcome>,
    /// Numbers that were opened, by file.
    opened: BTreeMap<[u8; 16], (Head, BTreeSet<u16>)>,
    /// By manifest: a piece that is in the file twice has one receipt.
    receipts: BTreeMap<String, CarriedReceipt>,
    manifests: BTreeSet<Digest>,
}

fn missing_of(opened: &BTreeMap<[u8; 16], (Head, BTreeSet<u16>)>) -> Vec<Missing> {
    let files = opened.values().map(|(head, numbers)| Missing {
        device: head.device.to_string(),
        of: head.count,
        numbers: missing(numbers, head.count),
    });
    files.filter(|file| !file.numbers.is_empty()).collect()
}

/// A file being taken, piece by piece.
struct Importing<'a> {
    app: &'a App,
    caller: Caller,
    unit: &'a str,
    campaigns: BTreeMap<CampaignId, Option<Campaign>>,
    /// Bytes that the pieces came to so far.
    inflated: usize,
}

impl Importing<'_> {
    /// Takes one piece, or names what is wrong with it. Its neighbours do not care.
    async fn take(&mut self, one: &Found<'_>, taken: &mut Taken) -> Result<(), Problem> {
        let mut outcome = PieceOutcome {
            at: one.at,
            number: one.head.as_ref().map_or(0, |head| head.number),
            of: one.head.as_ref().map_or(0, |head| head.count),
            device: one.head.as_ref().map_or_else(String::new, |head| head.device.to_string()),
            problem: None,
            batches: Vec::new(),
        };
        match self.opened(one).await? {
            Err(name) => outcome.problem = Some(name.name.to_owned()),
            Ok((head, batches)) => {
                let of_file = taken
                    .opened
                    .entry(head.file)
                    .or_insert_with(|| (head.clone(), BTreeSet::new()));
                of_file.1.insert(head.number);
                match self.campaign(head.campaign).await? {
                    None => outcome.problem = Some(problem::CAMPAIGN_UNKNOWN.name.to_owned()),
                    Some(campaign) => {
                        outcome.batches = self.append(&campaign, batches, taken).await?;
                    }
                }
            }
        }
        taken.pieces.push(outcome);
        Ok(())
    }

    /// Opens a piece off the async threads.
    async fn opened(
        &mut self,
        one: &Found<'_>,
    ) -> Result<Result<(Head, Vec<Batch>), &'static Name>, Problem> {
        let (Ok(piece), Some(head)) = (&one.piece, &one.head) else {
            let fault = one.piece.as_ref().err().copied().unwrap_or(Fault::Damaged);
            return Ok(Err(fault.problem()));
        };
        if self.inflated > limits::COURIER_INFLATED_BYTES_MAX {
            return Ok(Err(Fault::TooLarge.problem()));
        }
        let (bytes, key, head) = (piece.to_vec(), self.app.keys.courier.clone(), head.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let found = pieces(&bytes).map_err(|_| Fault::Damaged)?;
            let piece = found.first().map_or(Err(Fault::Damaged), |found| found.piece)?;
            open(&head, &piece, &key).map(|unsealed| (head, unsealed))
        });
        match opening.await {
            Ok(Ok((head, unsealed))) => {
                self.inflated += unsealed.inflated;
                Ok(Ok((head, unsealed.batches)))
            }
            Ok(Err(fault)) => {
                // A bomb has been unpacked as far as it may be.
                if fault == Fault::TooLarge {
                    self.inflated += limits::COURIER_PIECE_INFLATED_BYTES_MAX;
                }
                Ok(Err(fault.problem()))
            }
            Err(_) => Ok(Err(Fault::Damaged.problem())),
        }
    }

    async fn campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        if let Some(known) = self.campaigns.get(&id) {
            return Ok(known.clone());
        }
        let found = self.app.store.campaign_get(id).await?;
        self.campaigns.insert(id, found.clone());
        Ok(found)
    }

    /// Verifies the batches of a piece and makes what passed durable: what the bulk door does.
    async fn append(
        &self,
        campaign: &Campaign,
        batches: Vec<Batch>,
        taken: &mut Taken,
    ) -> Result<Vec<BatchOutcome>, Problem> {
        let app = self.app;
        let signed = batches.iter().map(|batch| 1 + batch.chunks.len()).sum();
        app.gate.charge(self.caller, self.unit, limits::signed_cost(signed), app.now_ms())?;
        let now_ms = app.now_ms();
        let mut verified = Vec::new();
        for batch in batches {
            let manifest = Digest(sha256(&batch.manifest));
            taken.manifests.insert(manifest);
            verified.push((manifest, incoming(app, campaign.id, batch, None).await?));
        }
        let sound = verified.iter().filter_map(|(_, result)| result.as_ref().ok()).cloned();
        let work = Work {
            caller: self.caller,
            campaign: campaign.id,
            campaign_closed: campaign.closed,
            batches: sound.collect(),
            // Whoever carries it says nothing about the device that wrote it.
            note: None,
            about: None,
            now_ms,
        };
        let written = if work.batches.is_empty() {
            Vec::new()
        } else {
            app.writer.write(work).await.map_err(|error| match error {
                WriteError::Full => Problem::new(&problem::TOO_BUSY),
                WriteError::Store(error) => Problem::from(error),
            })?
        };
        let mut written = written.into_iter();
        let results = verified.into_iter().map(|(manifest, result)| {
            let result = match result {
                Err(name) => BatchResult::Refused(name.name.to_owned()),
                Ok(_) => {
                    let outcome = written.next().unwrap_or(Err(&problem::STORE_FAILED));
                    receipt(app, manifest, outcome, now_ms)
                }
            };
            note(manifest, result, taken)
        });
        Ok(results.collect())
    }
}

/// Keeps a receipt, and counts what it says.
fn note(manifest: Digest, result: BatchResult, taken: &mut Taken) -> BatchOutcome {
    let mut outcome = BatchOutcome { manifest: manifest.to_string(), ..BatchOutcome::default() };
    match result {
        BatchResult::Refused(name) => outcome.refused = Some(name),
        BatchResult::Receipt { receipt, signature } => {
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
            taken.receipts.insert(carried.manifest.clone(), carried);
        }
    }
    outcome
}
