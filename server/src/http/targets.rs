//! Targets for the fall of the rates, entered by the province with their documents, and what came
//! of them.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::date::Date;
use shared::id::CampaignId;
use shared::scope::Role;
use shared::target::{Compared, FALL_MAX, TargetRate, compare};
use shared::unit::Level;

use super::accounts::is_name;
use super::extract::{Json, Path, Query, campaign};
use super::imports::open_campaign;
use super::office::time_text;
use super::rates::{Under, rows};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::target::{NewTarget, Target};

/// One rate of one unit: the target, and what came of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Row {
    pub(super) unit: String,
    pub(super) name: String,
    #[schema(value_type = String)]
    pub(super) level: Level,
    /// `poor` or `multidimensional`.
    #[schema(value_type = String)]
    pub(super) rate: TargetRate,
    /// The target that holds, if one was entered.
    pub(super) target: Option<Target>,
    /// What came of it, from unrounded rates of recognised lists.
    #[schema(value_type = Object)]
    pub(super) compared: Compared,
    /// True where every list below is recognised.
    pub(super) complete: bool,
}

/// Compares each target with the result, for the province and its districts, or from a unit down.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/targets",
    params(("campaign" = String, Path), Under), security(("bearer" = [])), responses(
    (status = 200, body = Vec<Row>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Under>,
) -> Result<Json<Vec<Row>>, Problem> {
    let (_, rates) = rows(&app, actor, id, query).await?;
    let mut targets = app.store.target_list(id).await?;
    let mut listed = Vec::new();
    for row in rates {
        for rate in TargetRate::ALL {
            let target = targets.remove(&(row.unit.clone(), rate));
            let compared = compare(&row.counts, rate, target.as_ref().map(|target| target.fall));
            let (unit, name) = (row.unit.clone(), row.name.clone());
            let (level, complete) = (row.level, row.complete);
            listed.push(Row { unit, name, level, rate, target, compared, complete });
        }
    }
    Ok(Json(listed))
}

/// A target to be entered.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct New {
    pub(super) unit: String,
    /// `poor` or `multidimensional`.
    #[schema(value_type = String)]
    pub(super) rate: TargetRate,
    /// Hundredths of a percentage point that the rate is to fall by.
    pub(super) fall: i64,
    /// Number of the document that sets it.
    pub(super) number: String,
    /// Its date, `YYYY-MM-DD`.
    pub(super) date: String,
    /// Who issued it, and where in it.
    pub(super) source: String,
    /// Position of the target that was seen before, 0 where there was none.
    pub(super) seen: i64,
}

/// Enters a target for a unit; what it was before stays on record.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/targets", request_body = New,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn put(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(new): Json<New>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    if seen.tree.get(&new.unit).is_none() || !actor.account.post.covers(&seen.tree, &new.unit) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let is_dated = Date::parse(&new.date).is_ok();
    if !is_dated
        || !is_name(&new.number)
        || !is_name(&new.source)
        || !(0..=FALL_MAX).contains(&new.fall)
    {
        return Err(Problem::new(&problem::TARGET_UNREADABLE));
    }
    let mut tx = open_campaign(&app, id).await?;
    let before = tx.target_get(id, &new.unit, new.rate).await?;
    let same = |target: &Target| {
        (target.fall, &target.number, &target.date, &target.source)
            == (new.fall, &new.number, &new.date, &new.source)
    };
    if before.as_ref().is_some_and(same) {
        // The button was pressed twice.
        return Ok(Json(true));
    }
    let position = before.as_ref().map_or(0, |target| target.position);
    if position != new.seen {
        let items: Vec<_> = before.iter().map(changed).collect();
        return Err(Problem::new(&problem::TARGET_STALE).with_items(&items));
    }
    let row = NewTarget {
        unit: &new.unit,
        rate: new.rate,
        fall: new.fall,
        number: &new.number,
        date: &new.date,
        source: &new.source,
        account: actor.account.id,
    };
    tx.target_append(id, &row, (position + 1, app.now_ms())).await?;
    tx.commit().await?;
    Ok(Json(true))
}

/// Says what another person has entered meanwhile.
fn changed(target: &Target) -> serde_json::Value {
    let points = shared::aggregate::hundredths_vi(target.fall);
    let (by, at) = (&target.by, time_text(target.at_ms));
    let text = json!({
        "vi": format!("{by} đã ghi {points} điểm phần trăm lúc {at}."),
        "en": format!("{by} entered {points} percentage points at {at}."),
    });
    json!({ "text": text, "fall": target.fall, "position": target.position, "by": by })
}
