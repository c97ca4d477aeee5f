//! Countersignatures: who beside the officer has seen what was decided in a commune's households.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::four_eyes::{Eyes, eyes, member};
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::remark::remark_text;
use shared::scope::Role;

use super::extract::{Json, Path, campaign, list_unit};
use super::households::OFFICES;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::backend::Tx;
use crate::store::four_eyes::OfficeDecision;

/// Most decisions that are countersigned at one time.
const AT_ONCE_MAX: usize = 500;

/// A unit's decisions, and how many people stand behind them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Decisions {
    /// A list is not submitted while a decision was seen by one person alone.
    pub(super) required: bool,
    /// Where it says so.
    pub(super) source: String,
    /// Who has seen them, if the caller submits the list.
    #[schema(value_type = Object)]
    pub(super) eyes: Eyes,
    pub(super) decisions: Vec<OfficeDecision>,
}

/// Lists what an office decided in a commune's households, with who countersigned it.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/countersignatures",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Decisions),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Decisions>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    list_unit(&app, &actor, id, &unit).await?;
    let decisions = app.store.office_decisions(id, &unit).await?;
    let (required, source) = app.store.four_eyes_get(id).await?;
    let decided: Vec<_> = decisions.iter().map(OfficeDecision::decided).collect();
    let eyes = eyes(&decided, actor.account.id);
    Ok(Json(Decisions { required, source, eyes, decisions }))
}

/// A decision that is countersigned.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Named {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    #[schema(value_type = String)]
    pub(super) hash: ChangeHash,
}

/// Who countersigns what.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Countersign {
    /// Name of the member of the steering committee, another person than who decided.
    pub(super) member: String,
    /// What that person is in the committee.
    pub(super) title: String,
    /// Decisions as listed, at most 500.
    pub(super) decisions: Vec<Named>,
}

/// Records that another member of the steering committee has countersigned decisions.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/countersignatures",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Countersign, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn sign(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Countersign>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let mut tx = app.store.begin().await?;
    // The campaign first, as whatever decides: its closing comes before this or after it.
    if !tx.campaign_lock(seen.campaign.id).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    let known = tx.office_decisions(id, &unit).await?;
    let of = |named: &Named| {
        let mut known = known.iter();
        known.find(|one| (one.document, one.hash) == (named.document, named.hash))
    };
    let decisions: Option<Vec<&OfficeDecision>> = form.decisions.iter().map(of).collect();
    let decisions = decisions.filter(|some| (1..=AT_ONCE_MAX).contains(&some.len()));
    let decisions = decisions.ok_or(&problem::COUNTERSIGN_REFUSED)?;
    let deciders: Vec<&str> = decisions.iter().map(|one| one.by.as_str()).collect();
    let member = member(&form.member, &form.title, &deciders)
        .map_err(|_| Problem::new(&problem::COUNTERSIGN_REFUSED))?;
    let named: Vec<_> = decisions.iter().map(|one| (one.document, one.hash)).collect();
    let by = (actor.account.id, app.now_ms());
    tx.countersign((id, &unit), &named, &member, by).await?;
    tx.commit().await?;
    Ok(Json(true))
}

/// Whether a campaign asks for a second person behind each decision.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Rule {
    pub(super) required: bool,
    /// Where it says so.
    pub(super) source: String,
}

/// Says whether lists wait until a second person has seen every decision.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/four-eyes", security(("bearer" = [])),
    params(("campaign" = String, Path)), request_body = Rule, responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn set(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(rule): Json<Rule>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    campaign(&app, &actor, id).await?;
    let source = remark_text(&rule.source).map_err(|_| Problem::new(&problem::REASON_MISSING))?;
    let by = actor.account.id;
    app.store.four_eyes_add(id, (rule.required, &source), by, app.now_ms()).await?;
    Ok(Json(true))
}

/// Refuses to submit a list while a decision of the person who submits was seen by nobody else.
pub(super) async fn refuse_alone(
    tx: &mut Tx,
    actor: &Actor,
    (id, unit): (CampaignId, &str),
) -> Result<(), Problem> {
    if !tx.four_eyes_required(id).await? {
        return Ok(());
    }
    let decisions = tx.office_decisions(id, unit).await?;
    let decided: Vec<_> = decisions.iter().map(OfficeDecision::decided).collect();
    if eyes(&decided, actor.account.id).alone > 0 {
        return Err(Problem::new(&problem::FOUR_EYES_MISSING));
    }
    Ok(())
}
