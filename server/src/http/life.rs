//! What the desk decides about a household itself: the committee's minutes for one that nobody could
//! ask, and where a household split from or went.

use std::collections::BTreeSet;

use axum::extract::State;
use mobile_schema::problem;
use serde::Serialize;
use shared::id::{CampaignId, DocumentId};
use shared::life::{Act, Known};
use shared::scope::Role;

use super::extract::{Json, Path};
use super::households::{OFFICES, household};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::standing::{opening, row_to_decide};
use crate::store::life::Taken;

/// What was decided about a household.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    pub(super) acts: Vec<Taken>,
    /// The split that holds is to be shown to the meeting: within 24 months, same house or meter.
    pub(super) doubtful: bool,
    /// It was poor or near-poor on the opening list that it was on, so that there is a class to keep.
    pub(super) may_keep: bool,
}

/// Lists what was decided about a household, oldest first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/households/{document}/life",
    params(("campaign" = String, Path), ("document" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Shown),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Result<Json<Shown>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let (seen, seen_at) = household(&app, &actor, id, document).await?;
    let acts = app.store.life_list(id, document).await?;
    let review_date = seen.campaign.review_date;
    let taken = acts.iter().map(|taken| (seen_at.household, taken.act.clone()));
    let holds = shared::life::holding(taken).remove(&seen_at.household).unwrap_or_default();
    let doubtful = holds.acts().any(|act| act.is_doubtful(review_date));
    let may_keep = opening(&seen_at).is_some();
    Ok(Json(Shown { acts, doubtful, may_keep }))
}

/// Where an act stands in the household's log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Decided {
    position: i64,
}

/// Decides about a household: `decide` (with the committee's minutes), `split`, `join` or `undo`.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/life",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Object, security(("bearer" = [])), responses(
    (status = 200, body = Decided),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn decide(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(act): Json<Act>,
) -> Result<Json<Decided>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    let looked = app.materialiser.look(&seen.campaign, document).await?;
    let row = row_to_decide(&at, looked.ok_or(&problem::DOCUMENT_BROKEN)?.standing.row);
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing comes before this or after it.
    if !tx.campaign_lock(id).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    tx.unit_lock(id, &at.unit).await?;
    if tx.list_step(id, &at.unit).await?.0.is_frozen() {
        return Err(Problem::new(&problem::LIST_FROZEN));
    }
    let now = tx.household_get(id, document).await?;
    if now.is_none_or(|now| now.last_position != at.last_position || now.unit != at.unit) {
        return Err(Problem::new(&problem::HOUSEHOLD_MOVED));
    }
    let links = tx.link_list(id, &at.unit).await?;
    let is_absorbed = |of: DocumentId| links.iter().any(|link| link.absorbed == of);
    let mut campaign = BTreeSet::from([at.household]);
    let mut named = vec![document];
    if let Some(other) = act.kin() {
        let found = tx.household_by_id(id, other).await?;
        named.extend(found.as_ref().map(|found| found.document));
        let seen = found.filter(|found| actor.account.post.covers(&seen.tree, &found.unit));
        campaign.extend(seen.map(|found| found.household));
    }
    // A household that was merged into another has no life of its own.
    if named.into_iter().any(is_absorbed) {
        return Err(Problem::new(&problem::MERGE_CHAIN));
    }
    if let Some(scan) = act.paper().and_then(|paper| paper.scan)
        && !tx.scan_is_there(id, &at.unit, scan).await?
    {
        return Err(Problem::new(&problem::SCAN_UNKNOWN));
    }
    let holding = tx.life_holding(id).await?;
    let review_date = seen.campaign.review_date;
    act.check(&Known { row: &row, campaign: &campaign, holding: &holding, review_date })?;
    let position = tx.life_add(id, &at, &act, (actor.account.id, app.now_ms())).await?;
    tx.commit().await?;
    Ok(Json(Decided { position }))
}
