//! What a province loads: units, hamlets, the opening list.
//!
//! A file with bad rows is refused with every bad row named; with `keep=good` its good rows are
//! taken and the bad ones still named.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::approve::Step;
use shared::classify::Class;
use shared::id::CampaignId;
use shared::scope::Role;

use super::extract::{Json, Path, Query, Text, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::imports::hamlets::hamlet_rows;
use crate::imports::opening::{self, Opened, OpeningHousehold, open};
use crate::imports::rows::{MissingColumns, RowFault};
use crate::imports::units::row_fault;
use crate::ingest::desk::{DeskChange, OPENING_LIST, append_desk};
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::household::NewHousehold;

/// What to do with a file that has bad rows.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Keep {
    /// `good` takes the good rows; anything else refuses the file.
    keep: Option<String>,
}

/// What an import took, and the rows it did not.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Imported {
    /// Rows (of an opening list: households) written.
    pub(super) taken: usize,
    /// Households of an opening list whose codes were there already; they stay as they are.
    pub(super) skipped: usize,
    /// Rows that could not be used.
    pub(super) faults: Vec<RowFault>,
}

pub(super) fn columns_missing(missing: MissingColumns) -> Problem {
    Problem::new(&problem::IMPORT_COLUMNS).with_items(&missing.0)
}

/// Refuses a file with bad rows unless its good ones are wanted.
pub(super) fn judge(keep: &Keep, good: usize, faults: &[RowFault]) -> Result<(), Problem> {
    if faults.is_empty() || keep.keep.as_deref() == Some("good") {
        return Ok(());
    }
    tracing::info!(good, bad = faults.len(), "import refused");
    Err(Problem::new(&problem::IMPORT_ROWS).with_items(faults))
}

/// Starts writing into a campaign that stays open meanwhile: one import at a time.
pub(super) async fn open_campaign(app: &App, id: CampaignId) -> Result<Tx, Problem> {
    let mut tx = app.store.begin().await?;
    if tx.campaign_lock(id).await? { Ok(tx) } else { Err(Problem::new(&problem::CAMPAIGN_CLOSED)) }
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
    let taken = text.lines().count().saturating_sub(1);
    Ok(Json(Imported { taken, skipped: 0, faults: Vec::new() }))
}

/// Loads hamlets with their registered counts.
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
    Text(text): Text,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let known = hamlet_units(&app, id).await?;
    let (hamlets, faults) = hamlet_rows(&text, &seen.tree, &known).map_err(columns_missing)?;
    judge(&keep, hamlets.len(), &faults)?;
    still_collecting(&app, id, hamlets.iter().map(|(unit, _)| unit.as_str())).await?;
    let mut tx = open_campaign(&app, id).await?;
    tx.hamlet_put(id, &hamlets).await?;
    tx.commit().await?;
    Ok(Json(Imported { taken: hamlets.len(), skipped: 0, faults }))
}

pub(super) async fn hamlet_units(
    app: &App,
    id: CampaignId,
) -> Result<BTreeMap<String, String>, StoreError> {
    let hamlets = app.store.hamlet_list(id, None).await?;
    Ok(hamlets.into_iter().map(|(unit, hamlet)| (hamlet.code, unit)).collect())
}

/// Loads the opening list: each household becomes a document with its members.
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
    Text(text): Text,
) -> Result<Json<Imported>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    campaign(&app, &actor, id).await?;
    let units = hamlet_units(&app, id).await?;
    let codes: BTreeSet<String> = units.keys().cloned().collect();
    let (households, faults) = opening::roster(&text, &codes).map_err(columns_missing)?;
    judge(&keep, households.len(), &faults)?;
    let mut by_unit: BTreeMap<&str, Vec<&OpeningHousehold>> = BTreeMap::new();
    for household in &households {
        by_unit.entry(units[&household.hamlet].as_str()).or_default().push(household);
    }
    still_collecting(&app, id, by_unit.keys().copied()).await?;
    let taken = write_opening(&app, id, by_unit, &actor).await?;
    Ok(Json(Imported { taken, skipped: households.len() - taken, faults }))
}

pub(super) async fn still_collecting(
    app: &App,
    id: CampaignId,
    units: impl Iterator<Item = &str>,
) -> Result<(), Problem> {
    let steps = app.store.list_steps(id).await?;
    for unit in units {
        if steps.get(unit).is_some_and(Step::is_frozen) {
            return Err(Problem::new(&problem::IMPORT_AFTER_WORK).with_items(&[unit]));
        }
    }
    Ok(())
}

/// Writes the opening households of every unit in one transaction, or none of them, and returns
/// how many. Codes already there are left alone; a list frozen meanwhile takes nothing more.
async fn write_opening(
    app: &App,
    id: CampaignId,
    by_unit: BTreeMap<&str, Vec<&OpeningHousehold>>,
    actor: &Actor,
) -> Result<usize, Problem> {
    let mut prepared = Vec::new();
    for (unit, households) in by_unit {
        prepared.push((unit, make_opening(id, &households).await?));
    }
    let (now_ms, mut written) = (app.now_ms(), 0);
    let mut tx = open_campaign(app, id).await?;
    for (unit, opened) in &prepared {
        let position = tx.unit_lock(id, unit).await?;
        if tx.list_step(id, unit).await?.0.is_frozen() {
            return Err(Problem::new(&problem::IMPORT_AFTER_WORK).with_items(&[unit]));
        }
        let codes: Vec<&str> = opened.iter().map(|(new, _)| new.code.as_str()).collect();
        let known = tx.household_codes(id, &codes).await?;
        let fresh = || opened.iter().filter(|(new, _)| !known.contains(&new.code));
        let rows: Vec<_> = fresh().map(|(new, opened)| opening_row(unit, new, opened)).collect();
        tx.household_add_all(id, &rows).await?;
        let changes: Vec<_> = fresh()
            .map(|(new, opened)| DeskChange {
                document: opened.document,
                hamlet: &new.hamlet,
                hash: opened.written.hash,
                chunk: &opened.written.chunk,
                account: actor.account.id,
                note: OPENING_LIST,
            })
            .collect();
        written += changes.len();
        append_desk(&mut tx, id, unit, position, &changes, now_ms).await?;
    }
    tx.commit().await?;
    Ok(written)
}

/// Makes the documents of a unit's households, off the async threads.
async fn make_opening(
    id: CampaignId,
    households: &[&OpeningHousehold],
) -> Result<Vec<(OpeningHousehold, Opened)>, StoreError> {
    let households: Vec<OpeningHousehold> =
        households.iter().map(|household| (*household).clone()).collect();
    let opened = tokio::task::spawn_blocking(move || {
        households
            .into_iter()
            .map(|household| open(id, &household).map(|opened| (household, opened)))
            .collect::<Result<Vec<_>, _>>()
    });
    opened.await.map_err(|_| StoreError::Damaged)?.map_err(|_| StoreError::Damaged)
}

fn opening_row<'a>(unit: &'a str, new: &'a OpeningHousehold, opened: &Opened) -> NewHousehold<'a> {
    NewHousehold {
        document: opened.document,
        household: opened.household,
        unit,
        hamlet: &new.hamlet,
        code: &new.code,
        opening_class: match new.class {
            Class::Poor => "poor",
            Class::NearPoor => "near_poor",
            Class::Above | Class::Insufficient => "",
        },
        opening_dtts: new.dtts,
        opening_paper: &new.decision,
    }
}
