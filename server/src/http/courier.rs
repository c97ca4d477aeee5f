//! Courier files: work of phones without a line, brought by anybody who is signed in.
//!
//! Who wrote and signed it is judged, as at the bulk door and by the same functions; who brought it is
//! noted. Nothing a carrier is told names anybody: ids, numbers and stable problem names.

mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::extract::State;
use mobile_schema::courier::{CarriedReceipt, RECEIPT_FILE_VERSION, ReceiptFile};
use mobile_schema::frame::{Batch, BatchResult};
use mobile_schema::problem::{self, Problem as Name};
use serde::Serialize;
use shared::courier::{Fault, Found, Head, missing, open, pieces};
use shared::id::{CampaignId, Digest, sha256, to_hex};
use shared::limits;

pub(crate) use self::outcome::{BatchOutcome, Imported, Missing, Outcome, PieceOutcome};
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
    Ok(Json(import(&app, &carrier, &file.bytes, Pace::Now).await?))
}

/// Takes a file, and notes who brought it.
pub(crate) async fn import(
    app: &App,
    carrier: &Actor,
    bytes: &[u8],
    pace: Pace,
) -> Result<Imported, Problem> {
    let caller = Caller::of(carrier);
    let unit = &carrier.account.post.unit;
    let cost = limits::REQUEST_COST + limits::bytes_cost(bytes.len());
    app.gate.charge(caller, unit, cost, app.now_ms())?;
    let found = pieces(bytes).map_err(|error| Problem::new(error.problem()))?;
    let _place = app.gate.enter(caller).await?;
    let mut importing =
        Importing { app, caller, unit, pace, campaigns: BTreeMap::new(), inflated: 0 };
    let mut taken = Taken::default();
    let mut stopped: Option<Problem> = None;
    for one in &found {
        let mut outcome = PieceOutcome::of(one);
        if let Some(problem) = &stopped {
            outcome.problem = Some(problem.said().1.name.to_owned());
        } else if let Err(problem) = importing.take(one, &mut outcome, &mut taken).await {
            // What was taken before it is noted and has its receipts; this and the rest is brought
            // again.
            outcome.problem = Some(problem.said().1.name.to_owned());
            stopped = Some(problem);
        }
        taken.pieces.push(outcome);
    }
    let again_ms = stopped.map(|problem| problem.told().wait_ms());
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
    Ok(Imported { import: to_hex(&brought.id), again_ms, outcome, receipts })
}

/// What is done where a file comes faster than its carrier may bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It ends there, and the rest is brought again.
    Now,
    /// It is waited for: nobody else waits behind it.
    Patient,
}

impl Pace {
    /// Waits as long as a problem says, or passes it on.
    async fn wait(self, problem: Problem) -> Result<(), Problem> {
        if self == Self::Now {
            return Err(problem);
        }
        let wait = Duration::from_millis(problem.wait_ms()).max(WAIT_MIN);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Shortest wait before something is tried again.
const WAIT_MIN: Duration = Duration::from_millis(100);

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
    pace: Pace,
    campaigns: BTreeMap<CampaignId, Option<Campaign>>,
    /// Bytes that the pieces came to so far.
    inflated: usize,
}

impl Importing<'_> {
    /// Takes one piece, or names what is wrong with it. Its neighbours do not care.
    async fn take(
        &mut self,
        one: &Found<'_>,
        outcome: &mut PieceOutcome,
        taken: &mut Taken,
    ) -> Result<(), Problem> {
        match self.opened(one).await? {
            Err(name) => outcome.problem = Some(name.name.to_owned()),
            Ok((head, batches)) => {
                let of_file = taken.opened.entry(head.file);
                let (_, numbers) = of_file.or_insert_with(|| (head.clone(), BTreeSet::new()));
                let is_new = numbers.insert(head.number);
                let appended = match self.campaign(head.campaign).await {
                    Err(error) => Err(error.into()),
                    Ok(None) => {
                        outcome.problem = Some(problem::CAMPAIGN_UNKNOWN.name.to_owned());
                        Ok(Vec::new())
                    }
                    Ok(Some(campaign)) => self.append(&campaign, batches, taken).await,
                };
                match appended {
                    Ok(batches) => outcome.batches = batches,
                    Err(problem) => {
                        // It was opened, and is missing all the same.
                        if let Some((_, numbers)) = taken.opened.get_mut(&head.file)
                            && is_new
                        {
                            numbers.remove(&head.number);
                        }
                        return Err(problem);
                    }
                }
            }
        }
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
            let mut inflated = 0;
            let batches = open(&head, &piece, &key, &mut inflated);
            Ok((batches.map(|batches| (head, batches)), inflated))
        });
        match opening.await.unwrap_or(Err(Fault::Damaged)) {
            Ok((opened, inflated)) => {
                // Whatever came of it: it was unpacked.
                self.inflated += inflated;
                Ok(opened.map_err(Fault::problem))
            }
            Err(fault) => Ok(Err(fault.problem())),
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
        let cost = limits::signed_cost(signed);
        while let Err(problem) = app.gate.charge(self.caller, self.unit, cost, app.now_ms()) {
            self.pace.wait(problem).await?;
        }
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
            loop {
                match app.writer.write(work.clone()).await {
                    Ok(written) => break written,
                    Err(WriteError::Store(error)) => return Err(error.into()),
                    Err(WriteError::Full) => {
                        self.pace.wait(Problem::new(&problem::TOO_BUSY)).await?;
                    }
                }
            }
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
            let (outcome, carried) = BatchOutcome::of(manifest, result);
            taken.receipts.extend(carried.map(|of| (of.manifest.clone(), of)));
            outcome
        });
        Ok(results.collect())
    }
}
