//! The score table of a campaign: loaded by one person of the province, confirmed by another.
//!
//! Until a table is confirmed nothing is computed with it, and B1 stays without a basis.

use axum::extract::State;
use mobile_schema::form::Form;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::confirm::{ConfirmError, Confirmed, Kind, Step, confirm as decide, is_news, pending};
use shared::id::{CampaignId, Digest};
use shared::scope::Role;
use shared::score::ScoreTable;
use shared::score_change::{Difference, differences};

use super::extract::{Json, Path, Text, campaign};
use super::imports::{open_campaign, still_collecting};
use crate::app::App;
use crate::auth::Actor;
use crate::imports::table::TableFault;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::score_table::TableStep;

/// A table that was loaded and is good, and whether it is in force.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Loaded {
    /// Items of the table.
    pub(super) taken: usize,
    /// SHA-256 of the table's text: what the second person confirms.
    #[schema(value_type = String)]
    pub(super) digest: Digest,
    /// True while another account of the province has not confirmed it.
    pub(super) waiting: bool,
}

/// One act: who loaded or confirmed which table.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Act {
    /// `load` or `confirm`.
    pub(super) kind: &'static str,
    #[schema(value_type = String)]
    pub(super) digest: Digest,
    pub(super) by: String,
    pub(super) at_ms: i64,
}

/// Where the score table of a campaign stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Tables {
    /// The table in force, whole; absent where none is.
    #[schema(value_type = Option<Object>)]
    pub(super) in_force: Option<ScoreTable>,
    /// The table that waits to be confirmed, whole.
    #[schema(value_type = Option<Object>)]
    pub(super) waiting: Option<ScoreTable>,
    /// Its digest.
    #[schema(value_type = Option<String>)]
    pub(super) waiting_digest: Option<Digest>,
    /// True where the caller loaded it, so that another one confirms it.
    pub(super) own_work: bool,
    /// What the waiting table changes in the one in force.
    #[schema(value_type = Vec<Object>)]
    pub(super) changes: Vec<Difference>,
    /// Every act, oldest first. Empty with a table in force where it came before two people were
    /// needed.
    pub(super) acts: Vec<Act>,
}

impl From<&TableStep> for Act {
    fn from(step: &TableStep) -> Self {
        let kind = match step.step.kind {
            Kind::Load => "load",
            Kind::Confirm => "confirm",
        };
        let (by, at_ms) = (step.full_name.clone(), step.at_ms);
        Self { kind, digest: step.step.digest, by, at_ms }
    }
}

fn plain(steps: &[TableStep]) -> Vec<Step> {
    steps.iter().map(|step| step.step.clone()).collect()
}

fn parsed(text: &str) -> Result<ScoreTable, Problem> {
    let keys = Form::phieu_b().keys().into_iter().map(|key| key.key.to_string()).collect();
    ScoreTable::parse(text, Some(&keys)).map_err(|errors| {
        let items: Vec<TableFault> = errors.iter().map(TableFault::from).collect();
        Problem::new(&problem::TABLE_REFUSED).with_items(&items)
    })
}

async fn kept(app: &App, digest: Digest) -> Result<ScoreTable, StoreError> {
    let text = app.store.table_text(digest).await?.ok_or(StoreError::Damaged)?;
    ScoreTable::parse(&text, None).map_err(|_| StoreError::Damaged)
}

/// Loads a score table, or says everything that is wrong with it. It is used once another account
/// of the province has confirmed it.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/score-table", request_body = String,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Loaded),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn load(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Text(text): Text,
) -> Result<Json<Loaded>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let table = parsed(&text)?;
    let units = seen.tree.list_units();
    let mut tx = open_campaign(&app, id).await?;
    still_collecting(&mut tx, id, units.iter().map(|unit| unit.code())).await?;
    let digest = tx.table_keep(&text).await?;
    let steps = plain(&tx.table_steps(id).await?);
    let news = is_news(&steps, digest);
    if news {
        let step = Step { kind: Kind::Load, digest, by: actor.account.id };
        tx.table_step_append(id, &step, app.now_ms()).await?;
    }
    tx.commit().await?;
    let waiting = news || pending(&steps).is_some();
    Ok(Json(Loaded { taken: table.items.len(), digest, waiting }))
}

/// Shows the table in force, the one that waits with what it changes, and who did what.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/score-table",
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Tables),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Tables>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let steps = app.store.table_steps(id).await?;
    let of_rules = plain(&steps);
    let holding = match seen.campaign.score_table.as_str() {
        "" => None,
        text => Some(ScoreTable::parse(text, None).map_err(|_| StoreError::Damaged)?),
    };
    let (mut waiting, mut own_work) = (None, false);
    if let Some(step) = pending(&of_rules) {
        waiting = Some(kept(&app, step.digest).await?);
        own_work = step.by == actor.account.id;
    }
    let changes = match (&holding, &waiting) {
        (Some(before), Some(after)) => differences(before, after),
        _ => Vec::new(),
    };
    Ok(Json(Tables {
        in_force: holding,
        waiting,
        waiting_digest: pending(&of_rules).map(|step| step.digest),
        own_work,
        changes,
        acts: steps.iter().map(Act::from).collect(),
    }))
}

/// Which table was looked at.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Confirm {
    /// Its digest.
    #[schema(value_type = String)]
    pub(super) digest: Digest,
}

/// Confirms exactly the table named, which another account has loaded: it is in force from then on.
/// Where another table waits by now, says who loaded it when, and what it changes in the one named.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/score-table/confirm", request_body = Confirm,
    params(("campaign" = String, Path)), security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn confirm(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(named): Json<Confirm>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let by = actor.account.id;
    let units = seen.tree.list_units();
    let mut tx = open_campaign(&app, id).await?;
    still_collecting(&mut tx, id, units.iter().map(|unit| unit.code())).await?;
    let steps = tx.table_steps(id).await?;
    match decide(&plain(&steps), by, named.digest) {
        Err(error) => {
            drop(tx);
            Err(refused(&app, &steps, named.digest, error).await?)
        }
        Ok(Confirmed::Already) => Ok(Json(true)),
        Ok(Confirmed::Now) => {
            let step = Step { kind: Kind::Confirm, digest: named.digest, by };
            tx.table_step_append(id, &step, app.now_ms()).await?;
            tx.table_in_force(id, named.digest).await?;
            tx.commit().await?;
            Ok(Json(true))
        }
    }
}

/// Says why a confirmation is refused; where another table waits, what it changes and who loaded it.
async fn refused(
    app: &App,
    steps: &[TableStep],
    named: Digest,
    error: ConfirmError,
) -> Result<Problem, StoreError> {
    let name = match error {
        ConfirmError::Nothing => &problem::TABLE_NOT_PENDING,
        ConfirmError::OwnWork => &problem::TABLE_OWN_WORK,
        ConfirmError::Stale => &problem::TABLE_STALE,
    };
    let Some(last) = steps.last().filter(|_| error != ConfirmError::OwnWork) else {
        return Ok(Problem::new(name));
    };
    let (by, at) = (&last.full_name, crate::http::office::time_text(last.at_ms));
    let text = match last.step.kind {
        Kind::Load => json!({
            "vi": format!("{by} đã nạp bảng khác lúc {at}."),
            "en": format!("{by} loaded another table at {at}."),
        }),
        Kind::Confirm => json!({
            "vi": format!("{by} đã xác nhận một bảng lúc {at}."),
            "en": format!("{by} confirmed a table at {at}."),
        }),
    };
    let mut items =
        vec![json!({ "text": text, "by": by, "at_ms": last.at_ms, "digest": last.step.digest })];
    let was_here = steps.iter().any(|step| step.step.digest == named);
    if error == ConfirmError::Stale && was_here {
        let (before, after) = (kept(app, named).await?, kept(app, last.step.digest).await?);
        items.extend(differences(&before, &after).into_iter().map(|one| {
            let (before, after) = (&one.before, &one.after);
            let told = |place: &str| format!("{place}: “{before}” → “{after}”");
            let text = json!({ "vi": told(&one.place.vi), "en": told(&one.place.en) });
            json!({ "text": text, "before": before, "after": after })
        }));
    }
    Ok(Problem::new(name).with_items(&items))
}
