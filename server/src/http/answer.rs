//! What is new for a caller: documents of what came into scope, then changes, until the answer is
//! full.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use axum::response::{IntoResponse, Response};
use mobile_schema::frame::{FRAME_VERSION, HouseholdRow, SyncResponse};
use serde_bytes::{ByteArray, ByteBuf};
use shared::cursor::{Cursor, Hamlets, Reading, Segment, joined};
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::limits;

use super::encoding::Encoding;
use super::extract::Cbor;
use super::pages;
use super::unseen::unsound;
use crate::app::App;
use crate::gate::Share;
use crate::store::StoreError;
use crate::store::sync::{After, Row};

/// Most rows looked at one time while an answer is filled, and fewest.
const ROWS: (usize, usize) = (512, 16);

/// What a change takes at least, more often than not: an answer is looked for in so many rows that it
/// is filled at one go, and hardly more, since each is found by looking at its household.
const CHANGE_BYTES: usize = 256;

/// Segments whose newest positions are asked for one by one: a phone's. For an office's all are read
/// at once.
const SEGMENTS_ONE_BY_ONE: usize = 4;

/// Bytes that a change takes in an answer beside its own.
const CHANGE_HEAD_BYTES: usize = 24;

/// The changes that a request brings. They are not sent back with its answer; any other is, were it
/// of the same device: a copied phone has not what the other copy wrote, a restored one not what it
/// wrote itself since.
pub(super) type Named = BTreeSet<(DocumentId, ChangeHash)>;

/// What the caller asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) campaign: CampaignId,
    pub(super) named: Named,
    /// Documents are read, not only changes.
    pub(super) pages: bool,
    /// About how large the answer may be, as sent.
    pub(super) bytes: usize,
    pub(super) encoding: Option<Encoding>,
}

/// What is left of an answer.
#[derive(Debug)]
pub(super) struct Room {
    sent: usize,
    inflated: usize,
    until: Instant,
    /// How the answer will be compressed.
    pub(super) encoding: Option<Encoding>,
}

impl Room {
    fn new(wanted: &Wanted) -> Self {
        Self {
            sent: wanted.bytes,
            inflated: limits::ANSWER_INFLATED_BYTES_MAX,
            until: Instant::now() + Duration::from_millis(limits::ANSWER_FILL_MS),
            encoding: wanted.encoding,
        }
    }

    /// Takes so many bytes, which come to fewer on the line.
    pub(super) fn take(&mut self, sent: usize, inflated: usize) {
        self.sent = self.sent.saturating_sub(sent);
        self.inflated = self.inflated.saturating_sub(inflated);
        if Instant::now() > self.until {
            self.sent = 0;
        }
    }

    /// Returns how many more bytes may be put in, whatever they are compressed to.
    pub(super) fn bytes(&self) -> usize {
        self.sent.min(self.inflated)
    }

    /// Tells whether the answer is full.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() == 0
    }
}

/// Returns how large an answer may be, as sent, for what its caller asked.
pub(super) fn answer_bytes(asked: Option<u32>) -> usize {
    let bytes = asked.and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = bytes.unwrap_or(limits::ANSWER_BYTES);
    bytes.clamp(limits::ANSWER_BYTES_MIN, limits::ANSWER_BYTES_MAX)
}

/// A sync answer with its share of the memory for answers, which lasts until it has been taken.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) frame: SyncResponse,
    pub(super) share: Share,
}

impl IntoResponse for Answer {
    fn into_response(mut self) -> Response {
        let mut response = Cbor(self.frame).into_response();
        let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
        self.share.shrink(size.unwrap_or(usize::MAX));
        response.extensions_mut().insert(Arc::new(self.share));
        response
    }
}

/// Collects what is new for each segment until the answer is full, and moves the cursor on.
pub(super) async fn fill(
    app: &App,
    reading: Reading,
    wanted: &Wanted,
) -> Result<SyncResponse, StoreError> {
    // A phone's few units are asked for their newest position as they are read.
    let newest = if reading.segments.len() > SEGMENTS_ONE_BY_ONE {
        Some(app.store.positions(wanted.campaign).await?)
    } else {
        None
    };
    let mut answer = SyncResponse {
        v: FRAME_VERSION,
        entered: reading.entered,
        left: reading.left,
        ..SyncResponse::default()
    };
    let mut households = BTreeMap::new();
    let mut room = Room::new(wanted);
    // What a page has left out is sent after it, were it named by the request.
    let none = Named::new();
    let mut segments = Vec::new();
    for mut segment in reading.segments {
        let mut last =
            newest.as_ref().map(|newest| newest.get(&segment.unit).copied().unwrap_or(0));
        let (mut is_held_up, mut is_cut) = (false, false);
        if wanted.pages && segment.can_walk() {
            let walked = pages::walk(app, wanted, &mut segment, &mut room).await?;
            (is_held_up, is_cut) = (walked.is_held_up, walked.is_cut);
            answer.pages.extend(walked.pages);
        } else {
            // A client that reads changes only has them from the first.
            segment.walk = None;
        }
        let is_behind =
            |segment: &Segment, last: Option<i64>| last.is_none_or(|last| segment.position < last);
        while segment.walk.is_none() && is_behind(&segment, last) && !room.is_full() && !is_held_up
        {
            let named = if is_cut { &none } else { &wanted.named };
            let read =
                read_on(app, wanted, named, &mut segment, &mut room, &mut households).await?;
            answer.changes.extend(read.changes);
            last = last.or(Some(read.last));
            is_held_up = read.is_held_up;
        }
        // What nobody has looked at yet comes with a later sync.
        answer.more |= is_behind(&segment, last) && !is_held_up;
        segments.push(segment);
    }
    answer.households = households.into_values().collect();
    let cursor = Cursor { epoch: app.epoch, segments: joined(segments) };
    answer.cursor = ByteBuf::from(cursor.encode());
    Ok(answer)
}

/// Writes a segment's hamlets as the store reads them.
pub(super) fn hamlets_of(segment: &Segment) -> String {
    match &segment.hamlets {
        Hamlets::All => String::new(),
        Hamlets::Only(codes) => codes.iter().fold(",".to_owned(), |all, code| all + code + ","),
    }
}

type Households = BTreeMap<[u8; 16], HouseholdRow>;

/// What was read of a unit's log.
struct Read {
    changes: Vec<(ByteArray<16>, ByteBuf)>,
    /// The unit's newest position.
    last: i64,
    /// What comes next is not sent before a worker has looked at it.
    is_held_up: bool,
}

/// The part of a log that an answer has room for.
struct Part {
    bytes: usize,
    count: usize,
    until: i64,
}

impl Part {
    /// Takes as many rows as the answer has room for, and one that is larger than all of it.
    fn of(log: &[Row], from: i64, room: &Room, is_sent: impl Fn(&Row) -> bool) -> Self {
        let mut part = Self { bytes: 0, count: 0, until: from };
        for row in log {
            if part.bytes >= room.bytes() {
                break;
            }
            if is_sent(row) {
                part.bytes +=
                    usize::try_from(row.bytes).unwrap_or(usize::MAX / 2) + CHANGE_HEAD_BYTES;
            }
            (part.count, part.until) = (part.count + 1, row.position);
        }
        part
    }
}

async fn read_on(
    app: &App,
    wanted: &Wanted,
    named: &Named,
    segment: &mut Segment,
    room: &mut Room,
    households: &mut Households,
) -> Result<Read, StoreError> {
    let (id, unit, from) = (wanted.campaign, &segment.unit, segment.position);
    let hamlets = hamlets_of(segment);
    let whole_until = segment.whole_until;
    let is_named =
        |of: (DocumentId, ChangeHash), position: i64| named.contains(&of) && position > whole_until;
    let is_sent = |row: &Row| !is_named((row.document, row.hash), row.position);
    let is_unseen = |row: &&Row| {
        let is_sound = || app.looked_at.is_sound(&row.document, unit, row.position);
        row.is_unseen && is_sent(row) && !is_sound()
    };
    let rows_max = (room.bytes() / CHANGE_BYTES).clamp(ROWS.1, ROWS.0);
    let of = After { campaign: id, unit, position: from, hamlets: &hamlets };
    let read = || app.store.sync_log_after(&of, rows_max);
    let (mut log, mut last) = read().await?;
    let part = Part::of(&log, from, room, is_sent);
    let unseen = log[..part.count].iter().filter(is_unseen);
    // In the order of the log: the newest of each household counts.
    let unseen = unseen.map(|row| (row.document, row.position)).collect();
    let unsound = unsound(app, id, unit, unseen).await?;
    let mut read_all = log.len() < rows_max;
    let mut held_up_at = None;
    if !unsound.is_empty() {
        (log, last) = read().await?;
        // What came meanwhile was not looked at: it is read next.
        log.retain(|row| row.position <= part.until);
        held_up_at = log.iter().position(|row| is_unseen(&row) && unsound.contains(&row.document));
        log.truncate(held_up_at.unwrap_or(log.len()));
        read_all = false;
    }
    let Part { bytes, count, until } = Part::of(&log, from, room, is_sent);
    let rows =
        if bytes == 0 { Vec::new() } else { app.store.sync_changes_after(&of, until).await? };
    let mut changes = Vec::new();
    for row in rows {
        if !is_named((row.document, row.hash), row.position) {
            let bytes = row.chunk.len() + CHANGE_HEAD_BYTES;
            room.take(bytes, bytes);
            let household: [u8; 16] = row.household.try_into().map_err(|_| StoreError::Damaged)?;
            households.entry(row.document.0).or_insert_with(|| HouseholdRow {
                document: ByteArray::new(row.document.0),
                household: ByteArray::new(household),
                unit: segment.unit.clone(),
                hamlet: row.hamlet,
                code: row.code,
            });
            changes.push((ByteArray::new(row.document.0), ByteBuf::from(row.chunk)));
        }
    }
    segment.position = until;
    if read_all && count == log.len() {
        // Nothing of this scope is left below the newest position seen.
        segment.position = segment.position.max(last);
    }
    Ok(Read { changes, last, is_held_up: held_up_at.is_some() && count == log.len() })
}
