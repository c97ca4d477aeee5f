//! Households that move to another commune of the province: one hands over, the other takes over.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
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
use crate::store::handover::{Moving, Said, Spot};
use crate::store::household::HouseholdAt;

/// A household that is or was handed over, with what both sides said.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Handover {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// Code on the opening list.
    pub(super) code: String,
    /// Name of the head: as it is known where the household is in the unit asked about, else as it was
    /// when it was offered.
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
    /// Position of what was said last of it: a word about it names that as `seen`.
    pub(super) position: i64,
    /// It went with the household that it had been merged into.
    #[schema(value_type = Option<String>)]
    pub(super) along: Option<DocumentId>,
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
    let mut told = told(&app, id, &unit, said).await?;
    // Read by household, to know what is newest; others' handings over are no concern here.
    told.retain(|one| one.along.is_none() && (one.from_unit == unit || one.to_unit == unit));
    Ok(Json(told))
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
    let (_, at) = household(&app, &actor, id, document).await?;
    let said = app.store.handover_list(id, document).await?;
    let mut told = told(&app, id, &at.unit, said).await?;
    told.sort_by_key(|one| one.said.first().map(|said| said.position));
    Ok(Json(told))
}

/// Puts together what belongs to one handing over: each begins with an offer, or with the move of the
/// household that it went with.
async fn told(
    app: &App,
    id: CampaignId,
    unit: &str,
    said: Vec<Said>,
) -> Result<Vec<Handover>, Problem> {
    let documents: Vec<DocumentId> = said.iter().map(|one| one.document).collect();
    let names = app.store.household_names_in(id, unit, &documents).await?;
    let mut all: Vec<Handover> = Vec::new();
    for one in said {
        let stage = one.stage();
        match all.last_mut().filter(|last| last.document == one.document) {
            Some(last) if stage != Stage::Offered && last.along == one.along => {
                last.stage = stage;
                last.position = one.position;
                last.said.push(one);
            }
            last => {
                if let Some(last) = last {
                    last.is_newest = false;
                }
                all.push(begun(one, &names));
            }
        }
    }
    let at_ms = |one: &Handover| one.said.last().map_or(0, |said| said.at_ms);
    all.sort_by_key(|one| (one.stage != Stage::Offered, std::cmp::Reverse(at_ms(one))));
    Ok(all)
}

fn begun(said: Said, names: &BTreeMap<DocumentId, (String, String)>) -> Handover {
    let (code, head) = names.get(&said.document).unwrap_or(&said.named).clone();
    Handover {
        document: said.document,
        code,
        head,
        from_unit: said.from_unit.clone(),
        to_unit: said.to_unit.clone(),
        stage: said.stage(),
        is_newest: true,
        position: said.position,
        along: said.along,
        said: vec![said],
    }
}

/// One side's word, about what was shown.
#[derive(Debug, Deserialize)]
pub(super) struct Saying {
    /// Position of what was said last of the household when it was shown; 0 where nothing was.
    pub(super) seen: i64,
    #[serde(flatten)]
    pub(super) act: Act,
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
/// `decline`, `accept` (with the hamlet it comes to), or, for an office above both units, `undo`. Each
/// with `seen`, the position of what was said last of the household as it was shown; 0 where nothing was.
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
    Json(Saying { seen: seen_at, act }): Json<Saying>,
) -> Result<Json<Heard>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = campaign(&app, &actor, id).await?;
    let named = match &act {
        Act::Offer { .. } => named(&app, &actor, &seen, document).await?,
        _ => Default::default(),
    };
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing, and whatever else moves households, come before or after.
    let is_open = tx.campaign_lock(id).await?;
    let at = tx.household_get(id, document).await?.ok_or(&problem::HOUSEHOLD_UNKNOWN)?;
    let all = tx.handover_list(id, document).await?;
    let last = all.last();
    // Others are not told that there is such a household.
    let covers = |unit: &str| actor.account.post.covers(&seen.tree, unit);
    let is_party = |said: &Said| covers(&said.from_unit) || covers(&said.to_unit);
    if !covers(&at.unit) && !last.is_some_and(is_party) {
        return Err(Problem::new(&problem::HOUSEHOLD_UNKNOWN));
    }
    if !is_open {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    let position = last.map_or(0, |said| said.position);
    if seen_at != position {
        return Err(Problem::new(&problem::HANDOVER_STALE));
    }
    let (from, to) = sides(&at, &act, last);
    check(&app, &actor, (&seen, &mut tx), (&at, &act, &all), (&from, &to)).await?;
    let from_hamlet = match (&act, last) {
        (Act::Offer { .. }, _) | (_, None) => at.hamlet.clone(),
        (_, Some(last)) => last.from_hamlet.clone(),
    };
    let new = Said {
        position: position + 1,
        document,
        from_unit: from,
        from_hamlet,
        to_unit: to,
        act,
        account: actor.account.id,
        along: None,
        named,
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

/// Returns code and head of a household in the caller's scope, as they are when it is offered.
async fn named(
    app: &App,
    actor: &Actor,
    seen: &Seen,
    document: DocumentId,
) -> Result<(String, String), Problem> {
    let at = app.store.household_get(seen.campaign.id, document).await?;
    let Some(at) = at.filter(|at| actor.account.post.covers(&seen.tree, &at.unit)) else {
        return Ok(Default::default());
    };
    let looked = app.materialiser.look(&seen.campaign, document).await?;
    Ok((at.code, looked.map(|looked| looked.standing.head).unwrap_or_default()))
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
    (at, act, all): (&HouseholdAt, &Act, &[Said]),
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
    let both = covers(from) && covers(to);
    let speaks = match actor.account.post.role {
        Role::Province => Speaks { giving: false, taking: false, above: both },
        Role::District => Speaks { giving: both, taking: both, above: both },
        _ => Speaks { giving: covers(from), taking: covers(to), above: false },
    };
    let offer = all.iter().rev().find(|said| said.stage() == Stage::Offered);
    let newest = all.last().map(|last| (last.stage(), offer.unwrap_or(last).account));
    let known = Known {
        unit: &at.unit,
        newest,
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
    let (from, to, hamlet) = match &new.act {
        Act::Accept { hamlet } => {
            let units = tx.hamlet_units(id, &[hamlet]).await?;
            if units.get(hamlet) != Some(&new.to_unit) {
                return Err(Problem::new(&problem::HAMLET_UNKNOWN));
            }
            (new.from_unit.as_str(), new.to_unit.as_str(), hamlet)
        }
        Act::Undo { .. } => (new.to_unit.as_str(), new.from_unit.as_str(), &new.from_hamlet),
        Act::Offer { .. } | Act::Withdraw { .. } | Act::Decline { .. } => {
            tx.handover_add(id, new, None).await?;
            return Ok(Vec::new());
        }
    };
    let mut units = [from, to];
    units.sort_unstable();
    tx.unit_lock_all(units.into_iter().map(|unit| (id, unit))).await?;
    for unit in units {
        if tx.list_step(id, unit).await?.0.is_frozen() {
            return Err(Problem::new(&problem::LIST_FROZEN));
        }
    }
    let [left, came] = [tx.unit_lock(id, from).await?, tx.unit_lock(id, to).await?];
    let (from, to) = (Spot { unit: from, position: left + 1 }, Spot { unit: to, position: came });
    let words = together(tx, (seen, at), new).await?;
    let mut moving = Vec::with_capacity(words.len());
    for (said, hamlet_now, before) in &words {
        let is_back = matches!(new.act, Act::Undo { .. });
        let before = before.as_ref().filter(|before| {
            is_back && before.stage() == Stage::Accepted && before.from_unit == to.unit
        });
        moving.push(Moving {
            document: said.document,
            from: hamlet_now.clone(),
            to: before.map_or(hamlet, |before| &before.from_hamlet).clone(),
            by: said.position,
            undoes: before.map(|before| before.position),
        });
        tx.handover_add(id, said, Some((from.unit, hamlet_now, from.position))).await?;
    }
    tx.household_move(id, &moving, (from, to), new.at_ms).await?;
    Ok(moving.into_iter().map(|one| one.document).collect())
}

/// A word about one document, the hamlet that it is in, and what was said of it before.
type Word = (Said, String, Option<Said>);

/// Says a word that moves a household of whatever was merged into it as well: each document has its
/// own hamlet and its own log.
async fn together(
    tx: &mut Tx,
    (seen, at): (&Seen, &HouseholdAt),
    new: &Said,
) -> Result<Vec<Word>, Problem> {
    let id = seen.campaign.id;
    let before = tx.handover_list(id, new.document).await?.pop();
    let mut words = vec![(new.clone(), at.hamlet.clone(), before)];
    let links = tx.link_list(id, &at.unit).await?.into_iter();
    for link in links.filter(|link| link.kept == new.document) {
        let Some(absorbed) = tx.household_get(id, link.absorbed).await? else { continue };
        let before = tx.handover_list(id, link.absorbed).await?.pop();
        let said = Said {
            position: before.as_ref().map_or(0, |before| before.position) + 1,
            document: link.absorbed,
            from_hamlet: absorbed.hamlet.clone(),
            along: Some(new.document),
            named: Default::default(),
            ..new.clone()
        };
        words.push((said, absorbed.hamlet, before));
    }
    Ok(words)
}
