//! What was set aside in a unit, and what a person decides about it.

use axum::extract::State;
use mobile_schema::problem;
use serde::Deserialize;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::scope::Role;

use super::extract::{Json, Path, list_unit};
use super::households::OFFICES;
use crate::app::App;
use crate::auth::Actor;
use crate::ingest::desk::{Stuck, release_late};
use crate::problem::{Body, Problem};
use crate::store::change::AsideChange;

/// Lists a unit's changes that were not merged: waiting, held (late ones among them), quarantined.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/aside",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<AsideChange>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn aside(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<AsideChange>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    list_unit(&app, &actor, id, &unit).await?;
    Ok(Json(app.store.change_aside(id, &unit).await?))
}

/// What a person decides about a change that was set aside.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Release {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    #[schema(value_type = String)]
    pub(super) hash: ChangeHash,
    /// Why.
    pub(super) reason: String,
    /// False leaves it out: it stays in the log, under that reason, and is never merged.
    #[serde(default = "yes")]
    pub(super) let_in: bool,
}

fn yes() -> bool {
    true
}

/// Tells whether a person may let a change in that was set aside. What no worker got over may be tried
/// again: where it is bad, it is taken back once more.
pub(super) fn may_go_on(fate: &str, reason: &str) -> bool {
    matches!(fate, "held" | "waiting") || reason == problem::CHANGE_UNMERGEABLE.name
}

/// Lets a change that was set aside into the household's log, with all that was held because of it,
/// or leaves it out for good.
///
/// What came after the list was frozen is let in by returning the list, never here.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/aside",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Release, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn release(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Release>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    if form.reason.trim().is_empty() {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    let aside = app.store.change_aside(id, &unit).await?;
    let this = aside.iter().any(|change| {
        (change.document, change.hash) == (form.document, form.hash)
            && may_go_on(&change.fate, &change.reason)
    });
    if !this || (form.let_in && app.store.household_get(id, form.document).await?.is_none()) {
        return Err(Problem::new(&problem::NOT_FOUND));
    }
    let mut tx = app.store.begin().await?;
    let position = tx.unit_lock(id, &unit).await?;
    if seen.campaign.closed {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    if tx.list_step(id, &unit).await?.0.is_frozen() {
        return Err(Problem::new(&problem::LIST_FROZEN));
    }
    // What is let in is treated like what was held for its ancestors alone.
    let reason = if form.let_in { &problem::ANCESTOR_HELD } else { &problem::CHANGE_LEFT_OUT };
    tx.change_set_aside(id, form.document, form.hash, "held", reason.name).await?;
    tx.change_note(id, form.document, form.hash, form.reason.trim()).await?;
    let no_room = release_late(&mut tx, id, &unit, position).await?;
    let this = |of: &&Stuck| (of.0, of.1) == (form.document, form.hash);
    if let Some((_, _, why)) = no_room.iter().find(this) {
        return Err(Problem::new(why));
    }
    tx.commit().await?;
    Ok(Json(true))
}
