//! Who works where: hamlets and single households are given to people, taken away, and listed.
//!
//! Taking away stops what is sent, never what is handed in: work done under a former assignment is
//! still accepted.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::problem;
use serde::Deserialize;
use shared::id::{AccountId, CampaignId};
use shared::scope::Role;

use super::extract::{Json, Path, Query, Seen, Upload, campaign, list_unit, stands_in};
use super::imports::work::{Kind, hamlet_units};
use super::imports::{self, Imported, Keep};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::assignment::{Assignment, Given};

/// Loads who is given which hamlet, from CSV or XLSX (columns `hamlet,account`) or which single household
/// (`household,account`: code on the opening list, or document id): a province office anybody, a
/// commune officer the enumerators of their own commune.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/assignments", request_body = String,
    params(("campaign" = String, Path), Keep), security(("bearer" = [])), responses(
    (status = 200, body = Imported),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn load(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(keep): Query<Keep>,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    imports::load(&app, &actor, (id, Kind::Assignments), &keep, upload).await
}

/// Finds the people the caller may give work to, by name, with their units.
pub(super) async fn assignable(
    app: &App,
    actor: &Actor,
    seen: &Seen,
) -> Result<BTreeMap<String, (AccountId, String)>, Problem> {
    let by = &actor.account.post;
    let units = app.units().await?;
    let accounts = app.store.account_list().await?.into_iter();
    let known = accounts
        .filter(|account| stands_in(&units, account, &seen.tree))
        .filter(|account| by.covers(&seen.tree, &account.post.unit))
        .filter(|account| by.role == Role::Province || account.post.role == Role::Enumerator);
    Ok(known.map(|account| (account.name, (account.id, account.post.unit))).collect())
}

/// A hamlet or a single household taken from somebody.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Ended {
    /// Hamlet code; absent where a household is named.
    hamlet: Option<String>,
    /// Code on the opening list, or document id.
    household: Option<String>,
    /// Sign-in name.
    account: String,
}

/// Ends an assignment: nothing more of the place is sent there; work done under it is taken.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/assignments/end", request_body = Ended,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(form): Json<Ended>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let (unit, given) = match (form.hamlet, form.household) {
        (Some(hamlet), None) => {
            let unit = hamlet_units(&app, id).await?.remove(&hamlet);
            (unit.ok_or(&problem::HAMLET_UNKNOWN)?, Given::Hamlet(hamlet))
        }
        (None, Some(household)) => {
            let found = app.store.household_named(id, &household).await?;
            let found = found.ok_or(&problem::HOUSEHOLD_UNKNOWN)?;
            (found.unit, Given::Household(found.document))
        }
        (Some(_), Some(_)) | (None, None) => return Err(Problem::new(&problem::BODY_MALFORMED)),
    };
    if !actor.account.post.covers(&seen.tree, &unit) {
        return Err(Problem::new(match given {
            Given::Hamlet(_) => &problem::HAMLET_UNKNOWN,
            Given::Household(_) => &problem::HOUSEHOLD_UNKNOWN,
        }));
    }
    let units = app.units().await?;
    let account = app.store.account_named(&form.account).await?;
    let account = account
        .filter(|account| stands_in(&units, account, &seen.tree))
        .filter(|account| actor.account.post.covers(&seen.tree, &account.post.unit))
        .ok_or(&problem::NOT_FOUND)?;
    app.store.assignment_end(id, &given, account.id, app.now_ms()).await?;
    Ok(Json(true))
}

/// Lists a unit's assignments of hamlets and of single households, former ones among them.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/assignments",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Assignment>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Assignment>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    Ok(Json(app.store.assignment_list(id, &unit).await?))
}
