//! What offices load: units, hamlets, the opening list, people.
//!
//! A file with bad rows is refused with its bad rows named; with `keep=good` its good rows are taken
//! and the bad ones still named; with `keep=check` nothing is written.

pub(in crate::http) mod opening;
pub(crate) mod work;

use std::sync::Arc;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::CampaignId;
use shared::scope::Role;

use self::work::{Kind, Password, Sent, judge, take};
pub(super) use self::work::{open_campaign, still_collecting};
use super::extract::{Json, Path, Query, Text, Upload};
use crate::app::App;
use crate::auth::Actor;
use crate::imports::faults::RowFault;
use crate::imports::units::row_fault;
use crate::problem::{Body, Problem};

/// Faults that an answer names; there may be more.
pub(crate) const FAULTS_MAX: usize = 500;

/// What to do with a file that has bad rows.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Keep {
    /// `good` takes the good rows, `check` writes nothing; anything else refuses a file with bad
    /// rows.
    keep: Option<String>,
}

/// What an import took, and the rows it did not.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Imported {
    /// Rows (of an opening list: households) written.
    taken: usize,
    /// Those that were there already; they stay as they are.
    skipped: usize,
    /// Rows of households that have left the list, which an opening list does not hold.
    left_out: usize,
    /// Good rows (of an opening list: households).
    good: usize,
    /// All faults, the first 500 of them below.
    faults_total: usize,
    /// Rows that could not be used.
    faults: Vec<RowFault>,
    /// Passwords of people added, said this once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passwords: Vec<Password>,
}

impl Imported {
    fn all(taken: usize) -> Self {
        let (faults, passwords) = (Vec::new(), Vec::new());
        Self { taken, skipped: 0, left_out: 0, good: taken, faults_total: 0, faults, passwords }
    }
}

/// Loads a table that was sent.
pub(super) async fn load(
    app: &App,
    actor: &Actor,
    (id, kind): (CampaignId, Kind),
    keep: &Keep,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let sent = Sent { bytes: Arc::new(upload.bytes), _share: Arc::new(upload.share) };
    let judged = judge(app, actor, id, kind, &sent).await?;
    drop(sent);
    let (good, left_out, total) = (judged.good, judged.left_out, judged.faults.len());
    let faults: Vec<RowFault> = judged.faults.iter().take(FAULTS_MAX).collect();
    let keep = keep.keep.as_deref();
    if total > 0 && !matches!(keep, Some("good" | "check")) {
        tracing::info!(good, bad = total, "import refused");
        return Err(Problem::new(&problem::IMPORT_ROWS).with_items(&faults));
    }
    let written = match keep {
        Some("check") => work::Taken::default(),
        _ => take(app, actor, id, judged).await?,
    };
    let work::Taken { taken, skipped, passwords } = written;
    Ok(Json(Imported { taken, skipped, left_out, good, faults_total: total, faults, passwords }))
}

/// Loads a list of administrative units beside the built-in one.
#[utoipa::path(post, path = "/v1/units", request_body = String, security(("bearer" = [])),
    responses(
    (status = 200, body = Imported),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn units(
    State(app): State<App>,
    actor: Actor,
    Text(text): Text,
) -> Result<Json<Imported>, Problem> {
    actor.with_role(&[Role::Province])?;
    let faults: Vec<RowFault> = app.units_add(&text).await?.iter().map(row_fault).collect();
    if !faults.is_empty() {
        return Err(Problem::new(&problem::IMPORT_ROWS).with_items(&faults));
    }
    Ok(Json(Imported::all(text.lines().count().saturating_sub(1))))
}

/// Loads hamlets with their registered counts, from CSV or XLSX: a province office any, a commune
/// officer the counts of the hamlets that are there.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/hamlets", request_body = String,
    params(("campaign" = String, Path), Keep), security(("bearer" = [])), responses(
    (status = 200, body = Imported),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn hamlets(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(keep): Query<Keep>,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    load(&app, &actor, (id, Kind::Hamlets), &keep, upload).await
}

/// Loads the opening list, from CSV or XLSX: each household becomes a document with its members.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/roster", request_body = String,
    params(("campaign" = String, Path), Keep), security(("bearer" = [])), responses(
    (status = 200, body = Imported),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn roster(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(keep): Query<Keep>,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    load(&app, &actor, (id, Kind::Roster), &keep, upload).await
}

/// Adds people from CSV or XLSX (columns `name,full_name,role,unit`): a province office anybody, a
/// commune officer its enumerators. Passwords are drawn and answered this once.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/accounts", request_body = String,
    params(("campaign" = String, Path), Keep), security(("bearer" = [])), responses(
    (status = 200, body = Imported),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn accounts(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(keep): Query<Keep>,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    load(&app, &actor, (id, Kind::Accounts), &keep, upload).await
}
