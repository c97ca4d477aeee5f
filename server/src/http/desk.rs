//! What waits for whom across an office's communes: where each list stands and since when, how far
//! each commune has come, what is disputed and which comments are open.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::approve::Step;
use shared::date::Date;
use shared::deadline::Deadline;
use shared::id::{CampaignId, HouseholdId};
use shared::life::{Holding, Life};
use shared::list::Outcome;
use shared::remark::remark_text;
use shared::scope::Role;
use shared::standing::is_of_before;

use super::extract::{Json, Path, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;

/// Longest deadline, in working days.
const DEADLINE_DAYS_MAX: u32 = 90;

/// Most holidays of a deadline.
const HOLIDAYS_MAX: usize = 60;

/// How far a commune has come.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Progress {
    /// Households under review.
    pub(crate) households: i64,
    /// Of them with an outcome and nothing disputed.
    pub(crate) done: i64,
    /// Households with disputes.
    pub(crate) disputed: i64,
}

/// One commune as an office looks at it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Commune {
    pub(super) unit: String,
    pub(super) name: String,
    /// Code of the district above it, where there is one.
    pub(super) district: Option<String>,
    /// `collecting`, `submitted`, `approved` or `recognised`.
    pub(super) step: &'static str,
    /// When the list came to this step; none before the first.
    pub(super) since_ms: Option<i64>,
    /// Working days a submitted list has waited for the district.
    pub(super) waited_days: Option<u32>,
    /// It has waited longer than it may.
    pub(super) is_over: bool,
    pub(super) progress: Progress,
    /// Comments the commune has not dealt with.
    pub(super) comments: i64,
    /// A sample was drawn from the list as it is now.
    pub(super) sampled: bool,
}

/// An office's communes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Desk {
    /// What the days are held against, and where that says so.
    #[schema(value_type = Object)]
    pub(super) deadline: Deadline,
    pub(super) communes: Vec<Commune>,
}

/// Shows what waits in the caller's units.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/desk", security(("bearer" = [])),
    params(("campaign" = String, Path)), responses(
    (status = 200, body = Desk),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Desk>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let deadline = deadline(&app, id).await?;
    let (steps, since) = (app.store.list_steps(id).await?, app.store.list_since(id).await?);
    let comments = app.store.remark_open(id).await?;
    let sampled = app.store.sample_roots(id).await?;
    let units = actor.account.post.list_units(&seen.tree);
    let mut progress = progress(&app, id, &units).await?;
    let today = day_of(app.now_ms());
    let communes = units.into_iter().map(|unit| {
        let step = steps.get(&unit).cloned().unwrap_or(Step::Collecting);
        let since_ms = since.get(&unit).copied();
        let waited_days = match step {
            Step::Submitted { .. } => since_ms.map(|ms| deadline.waited(day_of(ms), today)),
            Step::Collecting | Step::Approved { .. } | Step::Recognised { .. } => None,
        };
        let district = seen.tree.district_of(&unit).map(|district| district.code().to_owned());
        Commune {
            name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
            district,
            step: step.name(),
            since_ms,
            waited_days,
            is_over: waited_days.is_some_and(|waited| deadline.is_over(waited)),
            progress: progress.remove(&unit).unwrap_or_default(),
            comments: comments.get(&unit).copied().unwrap_or(0),
            sampled: step.root().is_some_and(|root| sampled.contains(&(unit.clone(), root))),
            unit,
        }
    });
    let communes = communes.collect();
    Ok(Json(Desk { deadline, communes }))
}

async fn deadline(app: &App, id: CampaignId) -> Result<Deadline, StoreError> {
    let set = app.store.deadline_get(id).await?;
    Ok(set.unwrap_or_else(Deadline::of_the_opinion))
}

/// Returns the day of a time in Viet Nam (UTC+7).
pub(super) fn day_of(at_ms: i64) -> Date {
    Date::of_unix_ms(at_ms.saturating_add(7 * 60 * 60 * 1000))
}

/// The part of a standing that progress is counted from.
#[derive(Deserialize)]
struct Counted {
    row: CountedRow,
    open: CountedOpen,
}

#[derive(Deserialize)]
struct CountedRow {
    household: HouseholdId,
    outcome: Outcome,
    #[serde(default)]
    life: Life,
}

#[derive(Deserialize)]
struct CountedOpen {
    disputes: u32,
}

/// Counts how far units have come, as their standings are cached: a look across a province does
/// not merge anything. What was counted is remembered for as long as no standing moves on.
async fn progress(
    app: &App,
    id: CampaignId,
    units: &[String],
) -> Result<BTreeMap<String, Progress>, StoreError> {
    let marks = app.store.standing_marks(id).await?;
    let mut found = BTreeMap::new();
    for unit in units {
        let Some(mark) = marks.get(unit) else { continue };
        let key = (id, unit.clone());
        let counted = match app.progress.at(&key, mark) {
            Some(counted) => counted,
            None => {
                let holding = app.store.life_holding(id, unit).await?;
                let counted = count(&app.store.standing_bodies(id, unit).await?, &holding)?;
                app.progress.put(key, *mark, counted);
                counted
            }
        };
        found.insert(unit.clone(), counted);
    }
    Ok(found)
}

fn count(
    bodies: &[(String, bool)],
    holding: &BTreeMap<HouseholdId, Holding>,
) -> Result<Progress, StoreError> {
    let mut progress = Progress::default();
    for (body, has_moved_in) in bodies {
        let counted: Counted = serde_json::from_str(body).map_err(|_| StoreError::Damaged)?;
        let disputed = counted.open.disputes > 0;
        progress.households += 1;
        progress.disputed += i64::from(disputed);
        let is_decided = holding.get(&counted.row.household).is_some_and(Holding::is_outcome);
        let CountedRow { outcome, life, .. } = counted.row;
        let is_asked =
            outcome != Outcome::Pending && !(*has_moved_in && is_of_before(outcome, life));
        let has_outcome = is_asked || is_decided;
        progress.done += i64::from(!disputed && has_outcome);
    }
    Ok(progress)
}

/// A deadline to be set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct NewDeadline {
    /// Working days the district has for its answer.
    pub(super) days: u32,
    /// Days nobody works beside Saturdays and Sundays, `YYYY-MM-DD`.
    #[serde(default)]
    pub(super) holidays: Vec<String>,
    /// Where it says so.
    pub(super) source: String,
    /// Whether it was read in the text itself.
    #[serde(default)]
    pub(super) verified: bool,
}

/// Sets the deadline that submitted lists are held against.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/deadline", security(("bearer" = [])),
    params(("campaign" = String, Path)), request_body = NewDeadline, responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn set_deadline(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(new): Json<NewDeadline>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    let refused = || Problem::new(&problem::DEADLINE_REFUSED);
    let holidays = new.holidays.iter().map(|day| Date::parse(day).map_err(|_| refused()));
    let holidays: BTreeSet<Date> = holidays.collect::<Result<_, _>>()?;
    let source = remark_text(&new.source).map_err(|_| refused())?;
    if !(1..=DEADLINE_DAYS_MAX).contains(&new.days) || holidays.len() > HOLIDAYS_MAX {
        return Err(refused());
    }
    let deadline = Deadline { days: new.days, holidays, source, verified: new.verified };
    let by = actor.account.id;
    app.store.deadline_add(seen.campaign.id, &deadline, by, app.now_ms()).await?;
    Ok(Json(true))
}
