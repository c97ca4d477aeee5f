//! A household's history: who wrote what, when it was received, and what it changed.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::household::Household;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::history::{Edit, Step};
use shared::id::{CampaignId, ChangeHash, DocumentId};

use super::extract::{Json, Path, Query};
use super::households::{OFFICES, household};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::change::Authorship;

/// From which version on a history is told.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(super) struct Since {
    /// Heads of a version, with commas between: only what it does not hold is told.
    #[serde(default)]
    pub(super) since: String,
}

/// One change of the history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) by: Authorship,
    /// Answers it gave: which one, what its author saw, what it says after.
    #[schema(value_type = Vec<Object>)]
    pub(super) edits: Vec<Edit>,
    /// Blocks of the form that it marks as asked.
    pub(super) blocks: Vec<String>,
    /// False where it is not in the household's document, or where the history is too long to tell.
    pub(super) told: bool,
}

/// A household at a version, and every change since.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct History {
    /// The household as it was at the version named, as far as it was agreed.
    #[schema(value_type = Object)]
    pub(super) then: Household,
    /// Changes since, in the order in which they were received.
    pub(super) since: Vec<Entry>,
}

/// Reads heads written with commas between.
pub(super) fn heads(text: &str) -> Result<Vec<ChangeHash>, Problem> {
    let all = text.split(',').filter(|part| !part.is_empty());
    all.map(|part| part.parse().map_err(|_| Problem::new(&problem::HEADS_UNKNOWN))).collect()
}

/// Tells the history of a household: every change in the order received, with what it changed.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/households/{document}/history",
    params(("campaign" = String, Path), ("document" = String, Path), Since),
    security(("bearer" = [])), responses(
    (status = 200, body = History),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Query(since): Query<Since>,
) -> Result<Json<History>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let (seen, _) = household(&app, &actor, id, document).await?;
    let version = heads(&since.since)?;
    let past = app.materialiser.past(&seen.campaign, document, &version).await?;
    let past = past.ok_or(&problem::HEADS_UNKNOWN)?;
    let mut steps: BTreeMap<ChangeHash, Step> =
        past.since.into_iter().map(|step| (step.hash, step)).collect();
    let authors = app.store.change_authors(id, document).await?;
    let entry = |by: Authorship| match (steps.remove(&by.hash), by.position) {
        (Some(Step { edits, blocks, told, .. }), _) => Some(Entry { by, edits, blocks, told }),
        // What waits or is held is in no version.
        (None, None) => Some(Entry { by, edits: Vec::new(), blocks: Vec::new(), told: false }),
        (None, Some(_)) => None,
    };
    let since = authors.into_iter().filter_map(entry).collect();
    Ok(Json(History { then: past.then, since }))
}
