//! Households sent whole, as signed pages of documents instead of their changes.
//!
//! A walk goes through a segment's households in order of their documents. Each is read after the
//! walk began, so it has everything accepted up to then: what comes later follows as changes. Only
//! the main branch of a copied phone is in a document, as only that is sent as changes.

use std::collections::BTreeMap;

use mobile_schema::frame::{FRAME_VERSION, Page, PageHousehold, SignedPage};
use mobile_schema::genesis::GENESIS_V1;
use serde_bytes::{ByteArray, ByteBuf};
use shared::cursor::Segment;
use shared::limits;

use super::answer::{Room, Wanted, hamlets_of};
use super::unseen::unsound;
use crate::app::App;
use crate::store::StoreError;
use crate::store::snapshot::Whole;

/// Households read at one time. Each is at most a document and as much in later changes.
const HOUSEHOLDS: i64 = 32;

/// Bytes that a household takes in a page beside its document.
const HOUSEHOLD_HEAD_BYTES: usize = 96;

/// What was read on a walk.
pub(super) struct Walked {
    pub(super) pages: Vec<SignedPage>,
    /// The next household is not sent before a worker has looked at it.
    pub(super) is_held_up: bool,
    /// Of some household something was left out that follows as changes.
    pub(super) is_cut: bool,
}

/// Walks on through a segment until the answer is full or every household was sent.
pub(super) async fn walk(
    app: &App,
    wanted: &Wanted,
    segment: &mut Segment,
    room: &mut Room,
) -> Result<Walked, StoreError> {
    let hamlets = hamlets_of(segment);
    let mut pages = Vec::new();
    let (mut is_held_up, mut is_cut) = (false, false);
    while !room.is_full() && !is_held_up {
        let (store, id, unit) = (&app.store, wanted.campaign, &segment.unit);
        let (after, until) = (segment.walk, segment.whole_until);
        let mut read = store.snapshot_after(id, unit, &hamlets, after, HOUSEHOLDS, until).await?;
        let unseen = read.iter().filter_map(|whole| Some((whole.document, whole.unseen_at?)));
        let unseen = unseen.filter(|(document, at)| !app.looked_at.is_sound(document, unit, *at));
        let unsound = unsound(app, id, unit, unseen.collect()).await?;
        if !unsound.is_empty() {
            read = store.snapshot_after(id, unit, &hamlets, after, HOUSEHOLDS, until).await?;
        }
        is_cut |= read.iter().any(|whole| whole.is_cut);
        let read_all = read.len() < usize::try_from(HOUSEHOLDS).unwrap_or(usize::MAX);
        let is_held =
            |whole: &Whole| whole.unseen_at.is_some() && unsound.contains(&whole.document);
        if let Some(at) = read.iter().position(is_held) {
            read.truncate(at);
            is_held_up = true;
        }
        let mut read = read.into_iter().peekable();
        while read.peek().is_some() && !room.is_full() {
            let part = part(&mut read, room.bytes());
            segment.walk = part.last().map(|whole| whole.document);
            let by_hamlet = part.into_iter().fold(BTreeMap::new(), |mut by_hamlet, whole| {
                let of: &mut Vec<Whole> = by_hamlet.entry(whole.hamlet.clone()).or_default();
                of.push(whole);
                by_hamlet
            });
            for (hamlet, households) in by_hamlet {
                pages.push(page(app, wanted, segment, hamlet, households, room)?);
            }
        }
        if read_all && read.peek().is_none() && !is_held_up {
            segment.walked();
            break;
        }
    }
    Ok(Walked { pages, is_held_up, is_cut })
}

/// Takes as many households as a page or the answer has room for, and one that is larger.
fn part(
    read: &mut std::iter::Peekable<impl Iterator<Item = Whole>>,
    room_bytes: usize,
) -> Vec<Whole> {
    let mut room = room_bytes.min(limits::PAGE_BYTES);
    let mut part = Vec::new();
    while let Some(whole) = read.next_if(|_| room > 0) {
        room = room.saturating_sub(size(&whole) + HOUSEHOLD_HEAD_BYTES);
        part.push(whole);
    }
    part
}

fn size(whole: &Whole) -> usize {
    let saved = whole.saved.as_ref().map_or(GENESIS_V1.len(), Vec::len);
    saved + whole.later.iter().map(Vec::len).sum::<usize>()
}

/// Puts households of one hamlet into a page and signs it.
fn page(
    app: &App,
    wanted: &Wanted,
    segment: &Segment,
    hamlet: String,
    households: Vec<Whole>,
    room: &mut Room,
) -> Result<SignedPage, StoreError> {
    let households = households.into_iter().map(|whole| PageHousehold {
        document: ByteArray::new(whole.document.0),
        household: ByteArray::new(whole.household.0),
        code: whole.code.clone(),
        bytes: ByteBuf::from(document(whole)),
    });
    let page = Page {
        v: FRAME_VERSION,
        campaign: ByteArray::new(wanted.campaign.0),
        epoch: ByteArray::new(app.epoch),
        unit: segment.unit.clone(),
        hamlet,
        position: segment.whole_until,
        households: households.collect(),
    };
    let mut bytes = Vec::new();
    ciborium::into_writer(&page, &mut bytes).map_err(|_| StoreError::Damaged)?;
    // What this page alone would come to: together with others it comes to less.
    let packed = room.encoding.and_then(|encoding| encoding.pack(&bytes).ok());
    room.take(packed.map_or(bytes.len(), |packed| packed.len()), bytes.len());
    let signature = app.keys.sign_page(&bytes);
    Ok(SignedPage { page: ByteBuf::from(bytes), signature: ByteBuf::from(signature.to_vec()) })
}

/// Writes a household as Automerge loads it: the saved document, or genesis, and what came later.
/// Nothing is merged here: bytes of devices are merged by workers only.
fn document(whole: Whole) -> Vec<u8> {
    let mut bytes = whole.saved.unwrap_or_else(|| GENESIS_V1.to_vec());
    for chunk in whole.later {
        bytes.extend(chunk);
    }
    bytes
}
