//! Households that move to another commune of the province: one hands over, the other takes over.

use axum::extract::State;
use mobile_schema::problem;
use serde::Serialize;
use shared::date::Date;
use shared::handover::{Act, Known, Speaks, Stage};
use shared::id::{CampaignId, DocumentId};
use shared::scope::Role;

use super::desk::day_of;
use super::extract::{Json, Path, Seen, campaign, list_unit};
use super::households::{OFFICES, household};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::backend::Tx;
use crate::store::handover::{Said, Spot};
use crate::store::household::HouseholdAt;

/// A household that is or was handed over, with what both sides said.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Handover {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// Code on the opening list.
    pub(super) code: String,
    /// Name of the head, as it is known.
    pub(super) head: String,
    /// Unit that it leaves.
    pub(super) from_unit: String,
    /// Unit that it comes to.
    pub(super) to_unit: String,
    /// `offered`, `withdrawn`, `declined`, `accepted` or `undone`.
    #[schema(value_type = String)]
    pub(super) stage: Stage,
    /// Nothing was said of the household since.
    pub(super) is_newest: bool,
    /// Oldest first.
    pub(super) said: Vec<Said>,
}

/// Lists the households that leave a unit or come to it, those that wait for a word first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/handovers",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Handover>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Handover>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    list_unit(&app, &actor, id, &unit).await?;
    let said = app.store.handover_of_unit(id, &unit).await?;
    Ok(Json(told(&app, id, said).await?))
}

/// Lists how a household was handed over, oldest first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/households/{document}/handover",
    params(("campaign" = String, Path), ("document" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Handover>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Result<Json<Vec<Handover>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    household(&app, &actor, id, document).await?;
    let said = app.store.handover_list(id, document).await?;
    let mut told = told(&app, id, said).await?;
    told.sort_by_key(|one| one.said.first().map(|said| said.position));
    Ok(Json(told))
}

/// Puts together what belongs to one handing over: each begins with an offer.
async fn told(app: &App, id: CampaignId, said: Vec<Said>) -> Result<Vec<Handover>, Problem> {
    let documents: Vec<DocumentId> = said.iter().map(|one| one.document).collect();
    let names = app.store.household_names(id, &documents).await?;
    let mut all: Vec<Handover> = Vec::new();
    for one in said {
        let stage = one.stage();
        match all.last_mut().filter(|last| last.document == one.document) {
            Some(last) if stage != Stage::Offered => {
                last.stage = stage;
                last.said.push(one);
            }
            last => {
                if let Some(last) = last {
                    last.is_newest = false;
                }
                let (code, head) = names.get(&one.document).cloned().unwrap_or_default();
                all.push(Handover {
                    document: one.document,
                    code,
                    head,
                    from_unit: one.from_unit.clone(),
                    to_unit: one.to_unit.clone(),
                    stage,
                    is_newest: true,
                    said: vec![one],
                });
            }
        }
    }
    let at_ms = |one: &Handover| one.said.last().map_or(0, |said| said.at_ms);
    all.sort_by_key(|one| (one.stage != Stage::Offered, std::cmp::Reverse(at_ms(one))));
    Ok(all)
}

/// Where a handing over stands after a word.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Heard {
    #[schema(value_type = String)]
    pub(super) stage: Stage,
    /// Unit that the household is in now.
    pub(super) unit: String,
}

/// Says one side's word: `offer` (with the unit it goes to, paper, day and reason), `withdraw`,
/// `decline`, `accept` (with the hamlet it comes to) or `undo`.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/handover",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Object, security(("bearer" = [])), responses(
    (status = 200, body = Heard),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn say(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(act): Json<Act>,
) -> Result<Json<Heard>, Problem> {
    let actor = actor.with_role(&[Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing, and whatever else moves households, come before or after.
    let is_open = tx.campaign_lock(id).await?;
    let at = tx.household_get(id, document).await?.ok_or(&problem::HOUSEHOLD_UNKNOWN)?;
    let last = tx.handover_last(id, document).await?;
    // Others are not told that there is such a household.
    let covers = |unit: &str| actor.account.post.covers(&seen.tree, unit);
    let is_party = |said: &Said| covers(&said.from_unit) || covers(&said.to_unit);
    if !covers(&at.unit) && !last.as_ref().is_some_and(is_party) {
        return Err(Problem::new(&problem::HOUSEHOLD_UNKNOWN));
    }
    if !is_open {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    let newest = last.as_ref().map(|said| (said.stage(), said.position));
    let (from, to) = sides(&at, &act, last.as_ref());
    check(&app, &actor, (&seen, &mut tx), (&at, &act), (&from, &to)).await?;
    let new = Said {
        position: newest.map_or(0, |(_, position)| position) + 1,
        document,
        from_hamlet: match (&act, &last) {
            (Act::Offer { .. }, _) | (_, None) => at.hamlet.clone(),
            (_, Some(last)) => last.from_hamlet.clone(),
        },
        from_unit: from,
        to_unit: to,
        act,
        account: actor.account.id,
        by: String::new(),
        at_ms: app.now_ms(),
    };
    let stage = new.stage();
    let moved = move_on(&mut tx, (&seen, &at), &new).await?;
    tx.commit().await?;
    let unit = if moved.is_empty() { at.unit } else { place_after(&new).to_owned() };
    app.materialiser.queue(moved.into_iter().map(|document| (id, document)));
    Ok(Json(Heard { stage, unit }))
}

/// Says which two units a word is about.
fn sides(at: &HouseholdAt, act: &Act, last: Option<&Said>) -> (String, String) {
    match (act, last) {
        (Act::Offer { to, .. }, _) => (at.unit.clone(), to.clone()),
        (_, Some(last)) => (last.from_unit.clone(), last.to_unit.clone()),
        (_, None) => (at.unit.clone(), String::new()),
    }
}

fn place_after(said: &Said) -> &str {
    if said.stage() == Stage::Accepted { &said.to_unit } else { &said.from_unit }
}

async fn check(
    app: &App,
    actor: &Actor,
    (seen, tx): (&Seen, &mut Tx),
    (at, act): (&HouseholdAt, &Act),
    (from, to): (&str, &str),
) -> Result<(), Problem> {
    let id = seen.campaign.id;
    let is_listed = |unit: &str| {
        let mut units = seen.tree.list_units().into_iter();
        units.any(|listed| listed.code() == unit)
            && seen.tree.contains(&seen.campaign.province, unit)
    };
    if matches!(act, Act::Offer { .. }) && !is_listed(to) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    // A district speaks for two of its communes, and for none beside another's.
    let covers = |unit: &str| actor.account.post.covers(&seen.tree, unit);
    let speaks = match actor.account.post.role {
        Role::District => {
            let both = covers(from) && covers(to);
            Speaks { giving: both, taking: both }
        }
        _ => Speaks { giving: covers(from), taking: covers(to) },
    };
    let offered = tx.handover_offered(id, at.document).await?;
    let known = Known {
        unit: &at.unit,
        newest: offered,
        by: actor.account.id,
        speaks,
        four_eyes: tx.four_eyes_required(id).await?,
        days: [seen.campaign.opening_date, seen.campaign.review_date],
    };
    act.check(&known)?;
    if let Some(day) = act.paper().and_then(|paper| Date::parse(&paper.date).ok())
        && (day < seen.campaign.opening_date || day > day_of(app.now_ms()))
    {
        return Err(Problem::new(&problem::PAPER_DATE));
    }
    if let Some(scan) = act.paper().and_then(|paper| paper.scan)
        && !tx.scan_is_there(id, from, scan).await?
    {
        return Err(Problem::new(&problem::SCAN_UNKNOWN));
    }
    // One that was merged into another goes where that goes.
    if tx.link_absorbs(id, at.document).await? {
        return Err(Problem::new(&problem::MERGE_CHAIN));
    }
    Ok(())
}

/// Keeps a word, and moves the household where that is what it comes to; returns what moved.
async fn move_on(
    tx: &mut Tx,
    (seen, at): (&Seen, &HouseholdAt),
    new: &Said,
) -> Result<Vec<DocumentId>, Problem> {
    let id = seen.campaign.id;
    let (from, to, is_back) = match &new.act {
        Act::Accept { hamlet } => {
            let units = tx.hamlet_units(id, &[hamlet]).await?;
            if units.get(hamlet) != Some(&new.to_unit) {
                return Err(Problem::new(&problem::HAMLET_UNKNOWN));
            }
            let from = (new.from_unit.as_str(), at.hamlet.as_str());
            (from, (new.to_unit.as_str(), hamlet.as_str()), false)
        }
        Act::Undo { .. } => {
            let from = (new.to_unit.as_str(), at.hamlet.as_str());
            (from, (new.from_unit.as_str(), new.from_hamlet.as_str()), true)
        }
        Act::Offer { .. } | Act::Withdraw { .. } | Act::Decline { .. } => {
            tx.handover_add(id, new, None).await?;
            return Ok(Vec::new());
        }
    };
    let mut units = [from.0, to.0];
    units.sort_unstable();
    tx.unit_lock_all(units.into_iter().map(|unit| (id, unit))).await?;
    for unit in units {
        if tx.list_step(id, unit).await?.0.is_frozen() {
            return Err(Problem::new(&problem::LIST_FROZEN));
        }
    }
    let [left, came] = [tx.unit_lock(id, from.0).await?, tx.unit_lock(id, to.0).await?];
    let from = Spot { unit: from.0, hamlet: from.1, position: left + 1 };
    let to = Spot { unit: to.0, hamlet: to.1, position: came };
    // With it goes whatever was merged into it.
    let mut group = vec![new.document];
    let links = tx.link_list(id, &at.unit).await?.into_iter();
    group.extend(links.filter(|link| link.kept == new.document).map(|link| link.absorbed));
    tx.household_move(id, &group, (from, to), (is_back, new.at_ms)).await?;
    tx.handover_add(id, new, Some(from)).await?;
    Ok(group)
}
