//! Hamlets of a list unit with their registered counts.

use axum::extract::State;
use shared::id::CampaignId;
use shared::list::Hamlet;
use shared::scope::Role;

use super::extract::{Json, Path, list_unit};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};

/// Lists the hamlets of a commune, or of a district without communes, with their counts.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/hamlets",
    params(("campaign" = String, Path), ("unit" = String, Path)), security(("bearer" = [])),
    responses(
    (status = 200, body = Vec<Object>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Hamlet>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    let hamlets = app.store.hamlet_list(id, Some(&unit)).await?;
    Ok(Json(hamlets.into_iter().map(|(_, hamlet)| hamlet).collect()))
}
