//! Appending what an office writes into a household's log: once, at the version that was shown.

use mobile_schema::problem;
use serde::Deserialize;
use shared::id::{AccountId, CampaignId, ChangeHash};
use shared::page::Written;

use super::extract::Seen;
use crate::app::App;
use crate::ingest::desk::{DeskChange, append_desk};
use crate::problem::Problem;
use crate::store::backend::Tx;
use crate::store::household::HouseholdAt;
use crate::worker::Unsettled;

/// What happens where the household has moved on since it was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum IfMoved {
    /// The change is written beside what others wrote; where they say otherwise people decide.
    #[default]
    Write,
    /// Nothing is written; the caller looks again.
    Refuse,
}

/// A change about to be appended.
pub(super) struct Desk<'a> {
    pub(super) written: &'a Written,
    pub(super) account: AccountId,
    pub(super) note: &'a str,
    /// The version it was written at and the newest one, where the two must be the same.
    pub(super) unmoved: Option<[&'a [ChangeHash]; 2]>,
}

/// What came of it.
pub(super) enum Appended {
    /// It stands in this transaction, which the caller commits.
    Now(Tx),
    /// It was there already: the same was sent twice.
    Before,
}

/// Appends a change to a household's log, unless it is there already.
///
/// `at` must have been read before the version that was looked at.
pub(super) async fn append(
    app: &App,
    seen: &Seen,
    at: &HouseholdAt,
    desk: &Desk<'_>,
) -> Result<Appended, Problem> {
    let (id, document) = (seen.campaign.id, at.document);
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing comes before this or after it.
    let is_open = tx.campaign_lock(id).await?;
    let position = tx.unit_lock(id, &at.unit).await?;
    if is_there(&mut tx, id, at, desk.written.hash).await? {
        return Ok(Appended::Before);
    }
    if !is_open {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    if tx.list_step(id, &at.unit).await?.0.is_frozen() {
        return Err(Problem::new(&problem::LIST_FROZEN));
    }
    if let Some([shown, newest]) = desk.unmoved {
        let now = tx.household_get(id, document).await?;
        let moved =
            now.is_none_or(|now| now.last_position != at.last_position || now.unit != at.unit);
        if moved || !same(shown, newest) {
            return Err(Problem::new(&problem::HOUSEHOLD_MOVED));
        }
    }
    append_change(&mut tx, app, id, at, desk, position).await?;
    Ok(Appended::Now(tx))
}

/// Appends a change to a unit's log that is locked at a position.
pub(super) async fn append_change(
    tx: &mut Tx,
    app: &App,
    id: CampaignId,
    at: &HouseholdAt,
    desk: &Desk<'_>,
    position: i64,
) -> Result<(), Problem> {
    let change = DeskChange {
        document: at.document,
        hamlet: &at.hamlet,
        hash: desk.written.hash,
        chunk: &desk.written.chunk,
        account: desk.account,
        note: desk.note,
    };
    append_desk(tx, id, &at.unit, position, &[change], app.now_ms()).await?;
    Ok(())
}

/// Tells whether a household's log holds a change.
pub(super) async fn is_there(
    tx: &mut Tx,
    id: CampaignId,
    at: &HouseholdAt,
    hash: ChangeHash,
) -> Result<bool, Problem> {
    let known = tx.change_known(id, &[at.document]).await?;
    Ok(known.iter().any(|(_, known)| known.hash == hash))
}

/// Tells whether two lists name the same version.
fn same(one: &[ChangeHash], other: &[ChangeHash]) -> bool {
    let sorted = |heads: &[ChangeHash]| {
        let mut heads = heads.to_vec();
        heads.sort_unstable();
        heads
    };
    sorted(one) == sorted(other)
}

/// Says why a change could not be written.
pub(super) fn unsettled(why: Unsettled) -> Problem {
    match why {
        Unsettled::HeadsUnknown => Problem::new(&problem::HEADS_UNKNOWN),
        Unsettled::Unfit(objection) => {
            Problem::new(&problem::SETTLE_UNREADABLE).with_items(objection.as_slice())
        }
    }
}
