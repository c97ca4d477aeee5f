//! Rates by province, district and commune, from recognised lists only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::aggregate::Counts;
use shared::approve::Step;
use shared::id::CampaignId;
use shared::report::{RateRow, csv, rates};
use shared::scope::Role;
use shared::standard::DttsRule;

use super::extract::{Json, Path, Query, Seen, campaign};
use super::lists::frozen;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;

/// Which part of the tree to show.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Under {
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
}

/// Rates with what they rest on.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Rates {
    pub(super) standard: String,
    /// Parts of the standard that nobody has verified against the legal text.
    pub(super) unverified: Vec<String>,
    /// Whose ethnicity makes a household a DTTS household, by the standard's data.
    #[schema(value_type = Object)]
    pub(super) dtts_rule: Option<DttsRule>,
    /// True where B1 was computed with a synthetic score table anywhere below.
    pub(super) synthetic: bool,
    /// One row a unit, top first.
    #[schema(value_type = Vec<Object>)]
    pub(super) rows: Vec<RateRow>,
}

/// Shows the rates of a unit and of all below it.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/rates",
    params(("campaign" = String, Path), Under), security(("bearer" = [])), responses(
    (status = 200, body = Rates),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Under>,
) -> Result<Json<Rates>, Problem> {
    let (seen, rows) = rows(&app, actor, id, query).await?;
    let standard = crate::standing::standard_named(&seen.campaign.standard);
    let dtts_rule = standard.as_ref().map(|standard| standard.dtts.clone());
    let unverified = standard.map_or(Vec::new(), |standard| {
        let parts = standard.parts().into_iter();
        parts.filter(|(_, standing)| !standing.verified).map(|(name, _)| name).collect()
    });
    Ok(Json(Rates {
        standard: seen.campaign.standard,
        unverified,
        dtts_rule,
        synthetic: rows.first().is_some_and(|row| row.counts.synthetic > 0),
        rows,
    }))
}

/// Writes the same rates as CSV.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/rates.csv",
    params(("campaign" = String, Path), Under), security(("bearer" = [])), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read_csv(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Under>,
) -> Result<Response, Problem> {
    let (_, rows) = rows(&app, actor, id, query).await?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], csv(&rows)).into_response())
}

pub(super) async fn rows(
    app: &App,
    actor: Actor,
    id: CampaignId,
    query: Under,
) -> Result<(Seen, Vec<RateRow>), Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(app, &actor, id).await?;
    let post = &actor.account.post;
    let top = query.under.unwrap_or_else(|| post.unit.clone());
    if seen.tree.get(&top).is_none() || !post.covers(&seen.tree, &top) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let counts = recognised(app, id, &seen, &top).await?;
    let rows = rates(&seen.tree, &top, &counts);
    Ok((seen, rows))
}

/// Counts each recognised list below a unit. Frozen bytes never change, so counts are kept.
async fn recognised(
    app: &App,
    id: CampaignId,
    seen: &Seen,
    top: &str,
) -> Result<BTreeMap<String, Counts>, StoreError> {
    let mut lists = BTreeMap::new();
    for (unit, step) in app.store.list_steps(id).await? {
        let Step::Recognised { root } = step else { continue };
        if !seen.tree.contains(top, &unit) {
            continue;
        }
        let known = app.counts.lock().ok().and_then(|counts| counts.get(&root).cloned());
        let counts = match known {
            Some(counts) => counts,
            None => {
                let counts = Arc::new(Counts::of(&frozen(app, id, &unit, root).await?));
                if let Ok(mut kept) = app.counts.lock() {
                    kept.insert(root, Arc::clone(&counts));
                }
                counts
            }
        };
        lists.insert(unit, Counts::clone(&counts));
    }
    Ok(lists)
}
