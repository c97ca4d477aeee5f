//! `POST /v1/sync`: how phones hand in their work and fetch what is new.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::frame::{
    Batch, BatchResult, FRAME_VERSION, HouseholdRow, Receipt, SyncRequest, SyncResponse,
};
use mobile_schema::problem::{self, Problem as Name};
use serde_bytes::{ByteArray, ByteBuf};
use shared::cursor::{Cursor, Hamlets, Reading, Scope, Segment, joined, reading};
use shared::id::{CampaignId, ChangeHash, Digest, DocumentId};
use shared::limits;
use shared::scope::Role;
use shared::verify::{manifest_device, verify};

use super::extract::{Cbor, Seen, campaign};
use crate::app::App;
use crate::auth::{Actor, Sender};
use crate::ingest::{Incoming, Outcome, Work, WriteError};
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::device::{Device, SyncNote};

/// Rows read at one time while an answer is filled.
const ROWS: i64 = 512;

/// Takes signed batches, answers with receipts and with what is new in the caller's scope.
#[utoipa::path(post, path = "/v1/sync", security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/cbor",
        description = "CBOR of SyncRequest, see mobile-schema"),
    responses(
    (status = 200, body = Vec<u8>, content_type = "application/cbor",
        description = "CBOR of SyncResponse, see mobile-schema"),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn sync(
    State(app): State<App>,
    Sender(actor): Sender,
    Cbor(request): Cbor<SyncRequest>,
) -> Result<Cbor<SyncResponse>, Problem> {
    if request.v != FRAME_VERSION {
        return Err(Problem::new(&problem::FRAME_VERSION));
    }
    if request.batches.len() > limits::REQUEST_BATCHES_MAX {
        return Err(Problem::new(&problem::BATCH_TOO_LARGE));
    }
    let id = CampaignId(*request.campaign);
    let seen = campaign(&app, &actor, id).await?;
    let cursor = read_cursor(&app, &request.cursor)?;
    let device = actor.device.as_ref();
    let revoked = device.is_some_and(|device| device.revoked);
    let scope = if revoked { Scope::new() } else { scope_of(&app, &actor, id, &seen).await? };
    let newest = app.store.positions(id).await?;
    let reading = reading(cursor.as_ref(), &scope, &newest);

    let all_in = request.all_in;
    let (results, named) = take(&app, &seen, request.batches, device, &reading, all_in).await?;
    let answer = fill(&app, id, reading, &named).await?;
    Ok(Cbor(SyncResponse { results, ..answer }))
}

fn read_cursor(app: &App, bytes: &[u8]) -> Result<Option<Cursor>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let cursor = Cursor::decode(bytes).map_err(|_| &problem::CURSOR_MALFORMED)?;
    // After a restore the positions are of another store: everything is offered again.
    Ok((cursor.epoch == app.epoch).then_some(cursor))
}

async fn scope_of(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    seen: &Seen,
) -> Result<Scope, StoreError> {
    if actor.account.post.role != Role::Enumerator {
        let units = actor.account.post.list_units(&seen.tree);
        return Ok(units.into_iter().map(|unit| (unit, Hamlets::All)).collect());
    }
    let mut scope = Scope::new();
    for (unit, hamlet) in app.store.assignment_list(id, actor.account.id).await? {
        let hamlets = scope.entry(unit).or_insert_with(|| Hamlets::Only(BTreeSet::new()));
        if let Hamlets::Only(codes) = hamlets {
            codes.insert(hamlet);
        }
    }
    Ok(scope)
}

/// The changes that a request brings. They are not sent back with its answer; any other is, were it
/// of the same device: a copied phone has not what the other copy wrote, a restored one not what it
/// wrote itself since.
type Named = BTreeSet<(DocumentId, ChangeHash)>;

/// Verifies batches, makes what passed durable, and signs a receipt for each.
async fn take(
    app: &App,
    seen: &Seen,
    batches: Vec<Batch>,
    caller: Option<&Device>,
    reading: &Reading,
    all_in: bool,
) -> Result<(Vec<BatchResult>, Named), Problem> {
    let now_ms = app.now_ms();
    let mut verified = Vec::new();
    for batch in batches {
        verified.push(incoming(app, seen.campaign.id, batch).await?);
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
        campaign: seen.campaign.id,
        campaign_closed: seen.campaign.closed,
        batches: sound,
        note: caller.map(|device| {
            let note = SyncNote {
                at_ms: now_ms,
                work_out_ms: went_out.then_some(now_ms),
                checked_in_ms: (all_in && !went_out).then_some(now_ms),
            };
            (device.id, note)
        }),
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
async fn incoming(
    app: &App,
    campaign: CampaignId,
    batch: Batch,
) -> Result<Result<Incoming, &'static Name>, StoreError> {
    let id = match manifest_device(&batch) {
        Ok(id) => id,
        Err(error) => return Ok(Err(error.problem())),
    };
    let Some(device) = app.store.device_get(id).await? else {
        return Ok(Err(&problem::DEVICE_UNKNOWN));
    };
    let checked = tokio::task::spawn_blocking(move || {
        let verified = verify(&batch, &device.public_key);
        (verified, batch, device)
    });
    let Ok((verified, batch, device)) = checked.await else {
        return Ok(Err(&problem::MANIFEST_MALFORMED));
    };
    Ok(match verified {
        Err(error) => Err(error.problem()),
        Ok(verified) if *verified.manifest.campaign != campaign.0 => {
            Err(&problem::MANIFEST_MALFORMED)
        }
        Ok(verified) => Ok(Incoming {
            batch: verified,
            manifest: batch.manifest.into_vec(),
            signature: batch.signature.into_vec(),
            device: device.id,
            device_revoked: device.revoked,
            account: device.account,
            unit: device.unit,
        }),
    })
}

fn receipt(app: &App, manifest: Digest, outcome: Outcome, now_ms: i64) -> BatchResult {
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

/// Reads what is new for each segment until the answer is full, and moves the cursor on.
async fn fill(
    app: &App,
    id: CampaignId,
    reading: Reading,
    named: &Named,
) -> Result<SyncResponse, StoreError> {
    let newest = app.store.positions(id).await?;
    let mut answer = SyncResponse {
        v: FRAME_VERSION,
        results: Vec::new(),
        households: Vec::new(),
        changes: Vec::new(),
        entered: reading.entered,
        left: reading.left,
        cursor: ByteBuf::new(),
        more: false,
    };
    let mut households = BTreeMap::new();
    let mut room = limits::ANSWER_BYTES;
    let mut segments = Vec::new();
    for mut segment in reading.segments {
        let last = newest.get(&segment.unit).copied().unwrap_or(0);
        while segment.position < last && room > 0 {
            let read =
                read_on(app, id, &mut segment, last, named, &mut room, &mut households).await?;
            answer.changes.extend(read);
        }
        answer.more |= segment.position < last;
        segments.push(segment);
    }
    answer.households = households.into_values().collect();
    let cursor = Cursor { epoch: app.epoch, segments: joined(segments) };
    answer.cursor = ByteBuf::from(cursor.encode());
    Ok(answer)
}

type Households = BTreeMap<[u8; 16], HouseholdRow>;

async fn read_on(
    app: &App,
    id: CampaignId,
    segment: &mut Segment,
    last: i64,
    named: &Named,
    room: &mut usize,
    households: &mut Households,
) -> Result<Vec<(ByteArray<16>, ByteBuf)>, StoreError> {
    let hamlets = match &segment.hamlets {
        Hamlets::All => String::new(),
        Hamlets::Only(codes) => codes.iter().fold(",".to_owned(), |all, code| all + code + ","),
    };
    let rows = app.store.change_after(id, &segment.unit, segment.position, &hamlets, ROWS).await?;
    let mut sent = Vec::new();
    let read_all = rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
    for row in rows {
        if *room == 0 {
            return Ok(sent);
        }
        if !named.contains(&(row.document, row.hash)) || row.position <= segment.whole_until {
            *room = room.saturating_sub(row.chunk.len() + 16);
            let household: [u8; 16] = row.household.try_into().map_err(|_| StoreError::Damaged)?;
            households.entry(row.document.0).or_insert_with(|| HouseholdRow {
                document: ByteArray::new(row.document.0),
                household: ByteArray::new(household),
                unit: segment.unit.clone(),
                hamlet: row.hamlet,
                code: row.code,
            });
            sent.push((ByteArray::new(row.document.0), ByteBuf::from(row.chunk)));
        }
        segment.position = row.position;
    }
    if read_all {
        // Nothing of this scope is left below the newest position seen.
        segment.position = segment.position.max(last);
    }
    Ok(sent)
}
