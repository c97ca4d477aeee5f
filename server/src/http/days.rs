//! Progress by day, from the times the server received and decided.

use axum::extract::State;
use shared::days::{Day, Moved, day_of, days};
use shared::id::CampaignId;

use super::extract::{Json, Path, Query};
use super::sync_health::{Under, units};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};

/// Shows what came in and what was decided on each day, in a unit and below it.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/days",
    params(("campaign" = String, Path), Under), security(("bearer" = [])), responses(
    (status = 200, body = Vec<Object>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Under>,
) -> Result<Json<Vec<Day>>, Problem> {
    let (_, units) = units(&app, actor, id, query.under).await?;
    let counted = app.store.day_log_list(id).await?.into_iter();
    let changes: Vec<(i64, u64)> = counted
        .filter(|(unit, ..)| units.contains(unit))
        .map(|(_, day, changes)| (day, u64::try_from(changes).unwrap_or_default()))
        .collect();
    let decided = app.store.decision_times(id).await?.into_iter();
    let moves: Vec<(i64, Moved)> = decided
        .filter(|(unit, ..)| units.contains(unit))
        .filter_map(|(_, kind, at_ms)| Moved::from_kind(&kind).map(|moved| (day_of(at_ms), moved)))
        .collect();
    Ok(Json(days(&changes, &moves)))
}
