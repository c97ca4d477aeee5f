//! `POST /v1/sync`: how phones hand in their work and fetch what is new.

use std::collections::BTreeSet;

use axum::extract::State;
use mobile_schema::frame::{Batch, BatchResult, FRAME_VERSION, Receipt, SyncRequest, SyncResponse};
use mobile_schema::problem::{self, Problem as Name};
use serde_bytes::{ByteArray, ByteBuf};
use shared::cursor::{Cursor, Hamlets, Reading, Segment, reading, single};
use shared::id::{AccountId, CampaignId, ChangeHash, Digest, DocumentId};
use shared::limits;
use shared::verify::{manifest_device, verify};

use super::answer::{Answer, Named, Wanted, answer_bytes, fill};
use super::caller::{Begun, Ended, Installation, begin, end};
use super::encoding::Accepted;
use super::extract::Frame;
use crate::app::App;
use crate::gate::Caller;
use crate::ingest::{Incoming, Outcome, Provenance, TypedBy, Work, WriteError};
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::device::{Device, SyncNote};

/// Most bytes of a batch that is verified on the thread that took it in.
const INLINE_BYTES_MAX: usize = 4 * 1024;

/// Takes signed batches, answers with receipts and with what is new in the caller's scope.
#[utoipa::path(post, path = "/v1/sync", security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/cbor",
        description = "CBOR of SyncRequest, see mobile-schema"),
    responses(
    (status = 200, body = Vec<u8>, content_type = "application/cbor",
        description = "CBOR of SyncResponse, see mobile-schema"),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 408, body = Body, content_type = "application/problem+json"),
    (status = 413, body = Body, content_type = "application/problem+json"),
    (status = 415, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
    (status = 429, body = Body, content_type = "application/problem+json"),
    (status = 503, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn sync(
    State(app): State<App>,
    Accepted(encoding): Accepted,
    Frame { frame: request, sender: actor, caller, _share }: Frame<SyncRequest>,
) -> Result<Answer, Problem> {
    if request.v != FRAME_VERSION {
        return Err(Problem::new(&problem::FRAME_VERSION));
    }
    if request.batches.len() > limits::REQUEST_BATCHES_MAX {
        return Err(Problem::new(&problem::BATCH_TOO_LARGE));
    }
    let device = actor.device.as_ref();
    // Asked before anything is looked up, and before any signature is checked.
    let signed = request.batches.iter().map(|batch| 1 + batch.chunks.len()).sum();
    let cost = limits::signed_cost(signed);
    app.gate.charge(caller, &actor.account.post.unit, cost, app.now_ms())?;
    let _place = app.gate.enter(caller).await?;
    let (share, bytes) = app.gate.answer(answer_bytes(request.answer_bytes))?;

    let id = CampaignId(*request.campaign);
    let begun = begin(&app, &actor, id).await?;
    let cursor = read_cursor(&app, &request.cursor)?;
    let reading = reading(cursor.as_ref(), &begun.scope, &begun.newest);
    let read_before = reading.segments.clone();

    let all_in = request.all_in;
    let of = Installation { device, about: request.about.as_ref() };
    let source = Source { caller, of };
    let (results, named) = take(&app, &begun, request.batches, source, &reading, all_in).await?;
    let wanted = Wanted { campaign: id, named, pages: request.pages, bytes, encoding };
    let mut answer = fill(&app, reading, &wanted).await?;
    // What was taken away meanwhile may be among it: nothing is sent, and the phone asks again.
    let ended = end(&app, &actor, &begun).await?;
    let gone = gone(&app, id, &ended, read_before).await?;
    if ended.scope != begun.scope {
        let cursor = request.cursor;
        answer = SyncResponse { v: FRAME_VERSION, cursor, more: true, ..SyncResponse::default() };
    }
    let forked = ended.forked.into_iter().map(|actor| ByteArray::new(actor.0)).collect();
    let gone = gone.into_iter().map(|document| ByteArray::new(document.0)).collect();
    Ok(Answer { frame: SyncResponse { results, forked, gone, ..answer }, share })
}

/// Names the households that moved out of the caller's scope after what it had read before, were it
/// while this answer was put together. A walk reads each household as it stands after it began.
async fn gone(
    app: &App,
    campaign: CampaignId,
    ended: &Ended,
    read_before: Vec<Segment>,
) -> Result<BTreeSet<DocumentId>, StoreError> {
    let mut gone = BTreeSet::new();
    for mut segment in read_before {
        if segment.can_walk() {
            segment.position = segment.whole_until;
        }
        let left_at = ended.left.get(&segment.unit);
        if segment.position == 0 || left_at.is_none_or(|left_at| *left_at <= segment.position) {
            continue;
        }
        for left in app.store.handover_left(campaign, &segment).await? {
            let is_here = ended.scope.get(&left.unit).is_some_and(|hamlets| match hamlets {
                Hamlets::All => true,
                Hamlets::Only(codes) => {
                    codes.contains(&left.hamlet) || codes.contains(&single(left.document))
                }
            });
            if !is_here {
                gone.insert(left.document);
            }
        }
    }
    Ok(gone)
}

/// Who hands in.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    caller: Caller,
    of: Installation<'a>,
}

fn read_cursor(app: &App, bytes: &[u8]) -> Result<Option<Cursor>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let cursor = Cursor::decode(bytes).map_err(|_| &problem::CURSOR_MALFORMED)?;
    // After a restore the positions are of another store: everything is offered again.
    Ok((cursor.epoch == app.epoch).then_some(cursor))
}

/// Verifies batches, makes what passed durable, and signs a receipt for each.
async fn take(
    app: &App,
    begun: &Begun,
    batches: Vec<Batch>,
    source: Source<'_>,
    reading: &Reading,
    all_in: bool,
) -> Result<(Vec<BatchResult>, Named), Problem> {
    let now_ms = app.now_ms();
    let mut verified = Vec::new();
    for batch in batches {
        verified.push(incoming(app, begun.campaign, batch, source.of.device).await?);
    }
    let sound = verified.iter().filter_map(|result| result.as_ref().ok()).cloned().collect();
    let named = verified
        .iter()
        .flatten()
        .flat_map(|incoming| &incoming.batch.manifest.changes)
        .map(|(document, hash)| (DocumentId(**document), ChangeHash(**hash)))
        .collect();
    let went_out = !reading.entered.is_empty();
    let work = Work {
        caller: source.caller,
        campaign: begun.campaign,
        campaign_closed: begun.closed,
        batches: sound,
        note: source.of.device.map(|device| {
            let note = SyncNote {
                at_ms: now_ms,
                work_out_ms: went_out.then_some(now_ms),
                checked_in_ms: (all_in && !went_out).then_some(now_ms),
            };
            (device.id, note)
        }),
        about: source.of.about(now_ms),
        now_ms,
    };
    let nothing = work.batches.is_empty() && work.note.is_none();
    let outcomes = if nothing {
        Vec::new()
    } else {
        app.writer.write(work).await.map_err(|error| match error {
            WriteError::Full => Problem::new(&problem::TOO_BUSY),
            WriteError::Store(error) => Problem::from(error),
        })?
    };
    let mut outcomes = outcomes.into_iter();
    let results = verified.into_iter().map(|result| match result {
        Err(name) => BatchResult::Refused(name.name.to_owned()),
        Ok(incoming) => {
            let outcome = outcomes.next().unwrap_or(Err(&problem::STORE_FAILED));
            receipt(app, incoming.batch.manifest_digest, outcome, now_ms)
        }
    });
    Ok((results.collect(), named))
}

/// Looks a batch's device up and verifies the batch under its key, off the async threads.
pub(super) async fn incoming(
    app: &App,
    campaign: CampaignId,
    batch: Batch,
    caller: Option<&Device>,
) -> Result<Result<Incoming, &'static Name>, StoreError> {
    let bytes = batch.manifest.len() + batch.chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
    let id = match manifest_device(&batch) {
        Ok(id) => id,
        Err(error) => return Ok(Err(error.problem())),
    };
    // The one that calls has just been read.
    let device = match caller.filter(|caller| caller.id == id) {
        Some(caller) => Some(caller.clone()),
        None => app.store.device_get(id).await?,
    };
    let Some(device) = device else {
        return Ok(Err(&problem::DEVICE_UNKNOWN));
    };
    let check = move || {
        let verified = verify(&batch, &device.public_key);
        (verified, batch, device)
    };
    // A page or two take less than the way to another thread and back.
    let (verified, batch, device) = if bytes <= INLINE_BYTES_MAX {
        check()
    } else {
        let Ok(checked) = tokio::task::spawn_blocking(check).await else {
            return Ok(Err(&problem::MANIFEST_MALFORMED));
        };
        checked
    };
    let verified = match verified {
        Err(error) => return Ok(Err(error.problem())),
        Ok(verified) if *verified.manifest.campaign != campaign.0 => {
            return Ok(Err(&problem::MANIFEST_MALFORMED));
        }
        Ok(verified) => verified,
    };
    let typed_by = verified.manifest.typed_by.map(|account| AccountId(*account));
    let mut incoming = Incoming {
        batch: verified,
        manifest: batch.manifest.into_vec(),
        signature: batch.signature.into_vec(),
        provenance: Provenance::Device,
        device: device.id,
        device_revoked: device.revoked,
        account: device.account,
        typed_by: TypedBy::Unsaid,
        people: Vec::new(),
        account_disabled: device.account_disabled,
        unit: device.unit,
    };
    if let Some(account) = typed_by {
        incoming.typed_by = TypedBy::Unknown;
        if let Some(typist) = app.store.device_typist(device.id, account).await? {
            (incoming.account, incoming.typed_by) = (account, TypedBy::Bound);
            (incoming.account_disabled, incoming.unit) = (typist.disabled, typist.unit);
        }
    }
    Ok(Ok(incoming))
}

pub(super) fn receipt(app: &App, manifest: Digest, outcome: Outcome, now_ms: i64) -> BatchResult {
    let verdicts = match outcome {
        Ok(verdicts) => verdicts,
        Err(name) => return BatchResult::Refused(name.name.to_owned()),
    };
    let receipt = Receipt {
        manifest: ByteArray::new(manifest.0),
        epoch: ByteArray::new(app.epoch),
        received_at_ms: now_ms,
        verdicts,
    };
    let mut bytes = Vec::new();
    if ciborium::into_writer(&receipt, &mut bytes).is_err() {
        return BatchResult::Refused(problem::STORE_FAILED.name.to_owned());
    }
    let signature = app.keys.sign_receipt(&bytes);
    BatchResult::Receipt {
        receipt: ByteBuf::from(bytes),
        signature: ByteBuf::from(signature.to_vec()),
    }
}
