//! Campaigns: which there are, adding and closing one, and how far its communes have come.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::date::Date;
use shared::id::CampaignId;
use shared::scope::Role;
use shared::score::{REGION_URBAN, REGIONS};

use super::accounts::is_name;
use super::extract::{Json, Path, campaign, campaign as find, sees, stands_in};
use crate::app::App;
use crate::auth::Actor;
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::standing::standard_named;
use crate::store::campaign::Campaign;

/// A review campaign.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    #[schema(value_type = String)]
    pub(super) id: CampaignId,
    pub(super) name: String,
    pub(super) province: String,
    pub(super) standard: String,
    pub(super) opening_date: String,
    pub(super) review_date: String,
    pub(super) closed: bool,
    /// Campaign that its register begins with; its own id where it begins one.
    #[schema(value_type = String)]
    pub(super) register: CampaignId,
}

impl From<Campaign> for Shown {
    fn from(campaign: Campaign) -> Self {
        Self {
            id: campaign.id,
            name: campaign.name,
            province: campaign.province,
            standard: campaign.standard,
            opening_date: campaign.opening_date.to_string(),
            review_date: campaign.review_date.to_string(),
            closed: campaign.closed,
            register: campaign.register,
        }
    }
}

/// Lists the campaigns of the caller's province, newest first.
#[utoipa::path(get, path = "/v1/campaigns", security(("bearer" = [])), responses(
    (status = 200, body = Vec<Shown>),
    (status = 401, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
) -> Result<Json<Vec<Shown>>, Problem> {
    let units = app.units().await?;
    let campaigns = app.store.campaign_list().await?.into_iter();
    let seen = campaigns.filter(|campaign| sees(&units, &actor.account, campaign));
    Ok(Json(seen.map(Shown::from).collect()))
}

/// A campaign to be added.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct New {
    pub(super) name: String,
    /// Unit code of the province, in force at the review date.
    pub(super) province: String,
    /// Code of a built-in standard, for example `nd-07-2021`; never derived from the year.
    pub(super) standard: String,
    /// `YYYY-MM-DD`.
    pub(super) opening_date: String,
    /// `YYYY-MM-DD`.
    pub(super) review_date: String,
    /// Column of the score table for rural areas, for example `rural_north_central_coast`.
    pub(super) region: String,
    /// A campaign of the same province whose register this one goes on with: its households keep
    /// who they are, and its recognised lists are added. Absent where it begins its own.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) continues: Option<CampaignId>,
}

/// Adds a campaign.
#[utoipa::path(post, path = "/v1/campaigns", request_body = New, security(("bearer" = [])),
    responses(
    (status = 200, body = Shown),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn add(
    State(app): State<App>,
    actor: Actor,
    Json(new): Json<New>,
) -> Result<Json<Shown>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let date = |text: &str| Date::parse(text).map_err(|_| Problem::new(&problem::BODY_MALFORMED));
    let (opening_date, review_date) = (date(&new.opening_date)?, date(&new.review_date)?);
    if opening_date > review_date || !is_name(&new.name) {
        return Err(Problem::new(&problem::BODY_MALFORMED));
    }
    let standard = standard_named(&new.standard).ok_or(&problem::STANDARD_UNKNOWN)?;
    if review_date < standard.valid_from || standard.valid_to.is_some_and(|to| to < review_date) {
        return Err(Problem::new(&problem::STANDARD_NOT_IN_FORCE));
    }
    if new.region == REGION_URBAN || !REGIONS.contains(&new.region.as_str()) {
        return Err(Problem::new(&problem::REGION_UNKNOWN));
    }
    let units = app.units().await?;
    let (by, tree) = (&actor.account, units.at(review_date));
    let unit = tree.get(&new.province).ok_or(&problem::UNIT_UNKNOWN)?;
    if !stands_in(&units, by, &tree) || !by.post.covers(&tree, unit.code()) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let id = CampaignId(random());
    let register = match new.continues {
        Some(before) => {
            let before = find(&app, &actor, before).await?.campaign;
            if before.province != new.province {
                return Err(Problem::new(&problem::CAMPAIGN_UNKNOWN));
            }
            before.register
        }
        None => id,
    };
    let campaign = Campaign {
        id,
        register,
        name: new.name,
        province: new.province,
        standard: new.standard,
        score_table: String::new(),
        opening_date,
        review_date,
        region: new.region,
        closed: false,
    };
    app.store.campaign_add(&campaign, app.now_ms()).await?;
    Ok(Json(Shown::from(campaign)))
}

/// Closes a campaign: what arrives from now on is held.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/close", security(("bearer" = [])),
    params(("campaign" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn close(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    app.store.campaign_close(seen.campaign.id, app.now_ms()).await?;
    Ok(Json(true))
}

/// Where one unit's list stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Progress {
    pub(super) unit: String,
    pub(super) name: String,
    /// `collecting`, `submitted`, `approved` or `recognised`.
    pub(super) step: String,
    /// Root of the frozen list.
    pub(super) root: Option<String>,
}

/// Lists where each list of the caller's scope stands.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units", security(("bearer" = [])),
    params(("campaign" = String, Path)), responses(
    (status = 200, body = Vec<Progress>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn progress(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Vec<Progress>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let steps = app.store.list_steps(id).await?;
    let units = actor.account.post.list_units(&seen.tree);
    let progress = units.into_iter().map(|unit| {
        let step = steps.get(&unit);
        Progress {
            name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
            step: step.map_or("collecting", |step| step.name()).to_owned(),
            root: step.and_then(|step| step.root()).map(|root| root.to_string()),
            unit,
        }
    });
    Ok(Json(progress.collect()))
}
