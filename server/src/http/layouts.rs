//! The columns that exported tables have: built in, or as a province has set them.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::CampaignId;
use shared::layout::{Column, Layout, Rows};
use shared::limits::NAME_CHARS_MAX;
use shared::scope::{Post, Role};
use shared::standard::Standard;

use super::extract::{Json, Path, Seen, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::standing::standard_named;
use crate::store::StoreError;
use crate::store::layout::Kept;

/// A layout as it is in force.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct InForce {
    /// Its name.
    pub(super) name: String,
    /// Its version; 0 for one that is built in.
    pub(super) version: i64,
    /// Who saved it; empty for one that is built in.
    pub(super) by: String,
    /// When.
    pub(super) at_ms: i64,
    /// Rows and columns.
    #[schema(value_type = Object)]
    pub(super) layout: Layout,
}

/// A layout to be saved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct NewLayout {
    /// Its name; one there is already gets its next version.
    pub(super) name: String,
    /// `lists` (a row a member of a listed household), `member` or `household`.
    #[schema(value_type = String)]
    pub(super) rows: Rows,
    /// Columns in their order: `key`, `title`, `format`.
    #[schema(value_type = Vec<Object>)]
    pub(super) columns: Vec<Column>,
}

fn standard(seen: &Seen) -> Result<Standard, Problem> {
    Ok(standard_named(&seen.campaign.standard).ok_or(&problem::STANDARD_UNKNOWN)?)
}

/// Finds the layouts in force in a campaign: those built in, as far as the province has no version of
/// its own under the name, and the province's.
pub(super) async fn in_force(app: &App, seen: &Seen) -> Result<Vec<InForce>, Problem> {
    let standard = standard(seen)?;
    let built_in = [
        ("exchange", Layout::exchange()),
        ("households", Layout::households(&standard)),
        ("members", Layout::members(&standard)),
    ];
    let mut all: Vec<InForce> = built_in
        .into_iter()
        .map(|(name, layout)| InForce {
            name: name.to_owned(),
            version: 0,
            by: String::new(),
            at_ms: 0,
            layout,
        })
        .collect();
    let units = app.units().await?;
    let province = Post { role: Role::Province, unit: seen.campaign.province.clone() };
    // Newest first by name: what is older is not in force any more.
    for kept in app.store.layout_list(&province.unit).await? {
        let is_ours = province.is_same_unit(&units.at(kept.province_on), &seen.tree);
        let known = all.iter().position(|layout| layout.name == kept.name);
        if !is_ours || known.is_some_and(|at| all[at].version > 0) {
            continue;
        }
        let layout = serde_json::from_str(&kept.body).map_err(|_| StoreError::Damaged)?;
        let Kept { name, version, by, at_ms, .. } = kept;
        let saved = InForce { name, version, by, at_ms, layout };
        match known {
            Some(at) => all[at] = saved,
            None => all.push(saved),
        }
    }
    Ok(all)
}

/// Lists the layouts in force.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/layouts",
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Vec<InForce>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Vec<InForce>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    Ok(Json(in_force(&app, &seen).await?))
}

/// Saves the next version of a layout for the province. Keys that are not known are refused with
/// those that are.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/layouts", request_body = NewLayout,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = i64),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn save(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(new): Json<NewLayout>,
) -> Result<Json<i64>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let name = new.name.trim().to_owned();
    let mut columns = new.columns;
    for column in &mut columns {
        column.title = column.title.trim().to_owned();
    }
    let layout = Layout { rows: new.rows, columns };
    let mut faults = layout.check(&standard(&seen)?);
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        faults.insert(
            0,
            shared::layout::ColumnFault {
                line: 0,
                vi: "Thiếu tên mẫu, hoặc tên quá dài.".to_owned(),
                en: "The layout's name is missing or too long.".to_owned(),
            },
        );
    }
    if !faults.is_empty() {
        return Err(Problem::new(&problem::LAYOUT_REFUSED).with_items(&faults));
    }
    let kept = Kept {
        province: seen.campaign.province.clone(),
        province_on: seen.campaign.review_date,
        name,
        version: 0,
        body: serde_json::to_string(&layout).map_err(|_| StoreError::Damaged)?,
        by: String::new(),
        at_ms: app.now_ms(),
    };
    match app.store.layout_add(&kept, actor.account.id).await {
        // Somebody else saved one at this moment.
        Err(StoreError::Conflict(_)) => Err(Problem::new(&problem::STORE_BUSY)),
        other => Ok(Json(other?)),
    }
}
