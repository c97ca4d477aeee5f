//! The opening list of a later campaign, taken from the register: who is on it keeps who it is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use automerge::AutomergeError;
use axum::extract::State;
use mobile_schema::household::{Answers, Household};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::classify::Class;
use shared::date::Date;
use shared::forms::Side;
use shared::id::{CampaignId, document_id};
use shared::register::{Held, as_of};
use shared::scope::Role;

use crate::app::App;
use crate::auth::Actor;
use crate::http::extract::{Json, Path, Seen, campaign};
use crate::http::forms::gather::list_units;
use crate::http::imports::opening::write_opened;
use crate::imports::opening::{Opened, OpeningHousehold, reopen};
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::campaign::Campaign;

/// What of a member goes on into the next campaign: who it is, and nothing that is asked anew.
const MEMBER_KEYS: [&str; 6] = ["name", "relation", "birth", "sex", "ethnicity", "id_number"];

/// From which day the opening list is taken.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct Take {
    /// `YYYY-MM-DD`.
    pub(in crate::http) on: String,
}

/// How many households came onto the opening list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Taken {
    pub(in crate::http) taken: usize,
    /// Households that were there already.
    pub(in crate::http) known: usize,
}

/// Takes the opening list of a campaign from the register as of a day. Sent twice, it is taken once.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/register/roster",
    params(("campaign" = String, Path)), request_body = Take, security(("bearer" = [])),
    responses(
    (status = 200, body = Taken),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn take(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Json(form): Json<Take>,
) -> Result<Json<Taken>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let seen = campaign(&app, &actor, id).await?;
    if seen.campaign.register == id {
        return Err(Problem::new(&problem::REGISTER_OWN));
    }
    let on = Date::parse(&form.on).map_err(|_| &problem::BODY_MALFORMED)?;
    let decided = app.store.register_read(seen.campaign.register, None, (on, on)).await?;
    let mut campaigns = BTreeMap::new();
    let (mut opened, mut all) = (Vec::new(), 0);
    let units: Vec<String> =
        list_units(&seen.tree, &seen.campaign.province).map(|(unit, _)| unit).collect();
    let holds = |unit: &&String| decided.get(*unit).is_some_and(|of| !as_of(of, on).is_empty());
    let elsewhere: Vec<&String> =
        decided.keys().filter(|unit| !units.contains(*unit)).filter(holds).collect();
    if !elsewhere.is_empty() {
        // Nobody is left out silently because a map has changed.
        return Err(Problem::new(&problem::UNIT_UNKNOWN).with_items(&elsewhere));
    }
    for unit in units {
        let Some(decided) = decided.get(&unit) else { continue };
        let held = as_of(decided, on);
        all += held.len();
        check_hamlets(&app, &seen, &unit, &held).await?;
        let households = open_all(&app, id, &mut campaigns, &held).await?;
        opened.push((unit, households));
    }
    let prepared = opened.iter().map(|(unit, households)| (unit.as_str(), households.as_slice()));
    let taken = write_opened(&app, id, &prepared.collect::<Vec<_>>(), &actor).await?;
    Ok(Json(Taken { taken, known: all - taken }))
}

/// Refuses a register whose hamlets the campaign does not have: nobody is left out silently.
async fn check_hamlets(
    app: &App,
    seen: &Seen,
    unit: &str,
    held: &[Held<'_>],
) -> Result<(), Problem> {
    let known = app.store.hamlet_list(seen.campaign.id, Some(unit)).await?;
    let known: BTreeSet<&str> = known.iter().map(|(_, hamlet)| hamlet.code.as_str()).collect();
    let named = held.iter().filter_map(|held| held.by.hamlet_of(held.entry));
    let missing: BTreeSet<&str> =
        named.map(|hamlet| hamlet.code.as_str()).filter(|code| !known.contains(code)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<&str> = missing.into_iter().collect();
    Err(Problem::new(&problem::HAMLET_UNKNOWN).with_items(&missing))
}

/// Writes each household's first change in the new campaign.
async fn open_all(
    app: &App,
    id: CampaignId,
    campaigns: &mut BTreeMap<CampaignId, Campaign>,
    held: &[Held<'_>],
) -> Result<Vec<(OpeningHousehold, Opened)>, Problem> {
    let mut opened = Vec::new();
    for held in held {
        let before = held.by.campaign;
        let campaign = match campaigns.entry(before) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(crate::standing::campaign(app, before).await?),
        };
        let document = document_id(before, held.entry.household);
        let looked = app.materialiser.look(campaign, document).await?;
        let looked = looked.ok_or(&problem::DOCUMENT_BROKEN)?;
        let names = app.store.household_names(before, &[document]).await?;
        let code = names.get(&document).map(|(code, _)| code.clone()).unwrap_or_default();
        let household = listed(held, code, &looked.household);
        let written = reopen(id, held.entry.household, &household, members(&looked.household));
        let written = written.map_err(|_: AutomergeError| StoreError::Damaged)?;
        opened.push((household, written));
    }
    Ok(opened)
}

fn listed(held: &Held<'_>, code: String, household: &Household) -> OpeningHousehold {
    let hamlet = held.by.hamlet_of(held.entry).map(|hamlet| hamlet.code.clone());
    let hamlet = hamlet.unwrap_or_default();
    let id = held.entry.household.to_string();
    // One that a phone registered has no code of an opening list yet.
    let made = || format!("{hamlet}-{}", &id[..10]);
    OpeningHousehold {
        code: if code.is_empty() { made() } else { code },
        hamlet,
        class: match held.entry.class {
            Some(Side::Poor) => Class::Poor,
            Some(Side::NearPoor) => Class::NearPoor,
            None => Class::Insufficient,
        },
        decision: held.by.paper_of(held.entry).to_owned(),
        dtts: held.entry.dtts,
        members: Vec::new(),
        members_count: u32::try_from(household.present().count()).unwrap_or(u32::MAX),
        is_named_by_head: false,
    }
}

fn members(household: &Household) -> BTreeMap<String, Answers> {
    let of = |answers: &Answers| {
        let known = answers.iter().filter(|(key, _)| MEMBER_KEYS.contains(&key.as_str()));
        known.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    household.present().map(|(member, answers)| (member.clone(), of(answers))).collect()
}
