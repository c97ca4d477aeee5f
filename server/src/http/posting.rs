//! Which columns the posted list of a campaign has.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::CampaignId;
use shared::posting::{Column, columns};
use shared::scope::Role;

use super::extract::{Json, Path, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;

/// Columns of a posted list beside number and head of the household.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Posted {
    /// Codes of the columns; those there are to choose from are `hamlet`, `code`, `area`,
    /// `members`, `b1`, `b2`, `opening` and `class`.
    pub(super) columns: Vec<String>,
}

impl From<Vec<Column>> for Posted {
    fn from(columns: Vec<Column>) -> Self {
        Self { columns: columns.into_iter().map(|column| column.code().to_owned()).collect() }
    }
}

/// Returns the columns of a campaign's posted list: the province's choice, or the usual ones.
pub(super) async fn columns_of(app: &App, id: CampaignId) -> Result<Vec<Column>, StoreError> {
    let chosen = app.store.posted_columns(id).await?;
    Ok(chosen.unwrap_or_else(|| Column::DEFAULT.to_vec()))
}

/// Shows the columns of the posted list.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/posted-columns",
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Posted),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Posted>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    campaign(&app, &actor, id).await?;
    Ok(Json(columns_of(&app, id).await?.into()))
}

/// Chooses the columns of the posted list. Anything but the few there are is refused.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/posted-columns", request_body = Posted,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Posted),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn choose(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(form): Json<Posted>,
) -> Result<Json<Posted>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    campaign(&app, &actor, id).await?;
    let chosen = columns(form.columns.iter().map(String::as_str));
    let chosen = chosen.map_err(|_| Problem::new(&problem::COLUMN_NOT_POSTED))?;
    app.store.posted_columns_put(id, &chosen, actor.account.id, app.now_ms()).await?;
    Ok(Json(chosen.into()))
}
