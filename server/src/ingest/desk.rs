//! What offices write into the log, and what they let into it.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::problem::{self, Problem};
use shared::admit::Ancestors;
use shared::holding::Waiting;
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId};

use super::Tally;
use super::aside::bring_within_reach;
use super::document::Document;
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::change::NewChange;
use crate::store::material::AT_ONCE;

/// Note of the changes that the opening list is made of: no progress of the review.
pub(crate) const OPENING_LIST: &str = "opening list";

/// A change that was to be let in and found no place, and why.
pub(crate) type Stuck = (DocumentId, ChangeHash, &'static Problem);

/// A change written in an office, or by the import of the opening list.
#[derive(Debug)]
pub(crate) struct DeskChange<'a> {
    pub(crate) document: DocumentId,
    /// Hamlet of the household.
    pub(crate) hamlet: &'a str,
    pub(crate) hash: ChangeHash,
    pub(crate) chunk: &'a [u8],
    pub(crate) account: AccountId,
    pub(crate) note: &'a str,
}

/// Appends desk changes to a unit whose log is locked at `position`; returns the new position. One
/// that is there already, as of a decision sent twice, is left alone.
pub(crate) async fn append_desk(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
    position: i64,
    changes: &[DeskChange<'_>],
    now_ms: i64,
) -> Result<i64, StoreError> {
    let mut position = position;
    let (mut rows, mut moved) = (Vec::new(), BTreeMap::new());
    let mut tally = Tally::default();
    let mut known = BTreeSet::new();
    for changes in changes.chunks(AT_ONCE) {
        let documents: Vec<DocumentId> = changes.iter().map(|change| change.document).collect();
        let there = tx.change_known(campaign, &documents).await?.into_iter();
        known.extend(there.map(|(document, known)| (document, known.hash)));
    }
    for change in changes.iter().filter(|of| !known.contains(&(of.document, of.hash))) {
        let Ok(guarded) = shared::guard::guard(change.chunk) else {
            return Err(StoreError::Damaged);
        };
        let new = NewChange {
            document: change.document,
            hash: change.hash,
            unit,
            position: Some(position + 1),
            fate: "accepted",
            reason: "",
            actor: guarded.actor(),
            actor_seq: guarded.seq(),
            dependencies: guarded.dependencies().iter().flat_map(|hash| hash.0).collect(),
            chunk: guarded.chunk(),
            provenance: "desk",
            device: None,
            account: change.account,
            typed_by: None,
            manifest: None,
            note: change.note,
            side: false,
        };
        position += 1;
        rows.push(new.row(campaign, now_ms));
        moved.insert(change.document, position);
        tally.stored(campaign, (unit, change.hamlet), new.chunk.len(), now_ms);
        if change.note != OPENING_LIST {
            tally.came(campaign, unit, now_ms);
        }
    }
    tx.change_append_rows(rows).await?;
    tx.household_moved_on(moved.into_iter().map(|(id, position)| (id, unit, position))).await?;
    tally.finish(tx).await?;
    tx.unit_moved_on(campaign, unit, position).await?;
    Ok(position)
}

/// Merges what was held because the list was frozen, now that the freeze is discarded.
///
/// The unit's log must be locked at `position`. What misses an ancestor goes on waiting; what waited
/// for one of these is let go with it. What the household has no room for, or what builds on
/// something set aside, stays held as on arrival; what found no room is returned, and why.
pub(crate) async fn release_late(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
    position: i64,
) -> Result<Vec<Stuck>, StoreError> {
    let (mut position, mut no_room) = (position, Vec::new());
    loop {
        position = release_held(tx, campaign, unit, position, &mut no_room).await?;
        // What has come up may have been held for the same reason.
        if !bring_within_reach(tx, campaign, unit).await? {
            break;
        }
    }
    tx.unit_moved_on(campaign, unit, position).await?;
    Ok(no_room)
}

/// Does so once, with what is within reach; returns the new position.
async fn release_held(
    tx: &mut Tx,
    campaign: CampaignId,
    unit: &str,
    mut position: i64,
    no_room: &mut Vec<Stuck>,
) -> Result<i64, StoreError> {
    let mut held = tx.change_held(campaign, unit, problem::LIST_FROZEN.name).await?;
    held.extend(tx.change_held(campaign, unit, problem::ANCESTOR_HELD.name).await?);
    let mut by_document: BTreeMap<DocumentId, Vec<Waiting>> = BTreeMap::new();
    for (id, change) in held {
        by_document.entry(id).or_default().push(change);
    }
    for (id, mut changes) in by_document {
        let Some(at) = tx.household_get(campaign, id).await? else { continue };
        let mut document = Document::new(at);
        document.load(tx.change_known(campaign, &[id]).await?.into_iter().map(|(_, known)| known));
        changes.extend(tx.change_waiting(campaign, id).await?);
        let next = || {
            position += 1;
            position
        };
        document.release(tx, campaign, &mut changes, next).await?;
        tx.household_moved_on(document.moved_to().map(|moved_to| (id, unit, moved_to))).await?;
        let (held, mut waiting): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.held);
        for change in held {
            let (fate, reason) = match document.holding.ancestors(&change.dependencies) {
                Ancestors::Missing => ("waiting", ""),
                Ancestors::Accepted => {
                    let reason = document.holding.no_place(change.bytes);
                    no_room.push((id, change.hash, reason));
                    ("held", reason.name)
                }
                Ancestors::Aside => ("held", problem::ANCESTOR_HELD.name),
            };
            tx.change_set_aside(campaign, id, change.hash, fate, reason).await?;
        }
        for stuck in document.holding.hold_stuck(&mut waiting) {
            let fate = stuck.kept.as_str();
            tx.change_set_aside(campaign, id, stuck.hash, fate, stuck.reason).await?;
        }
    }
    Ok(position)
}
