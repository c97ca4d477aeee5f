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
use shared::id::{CampaignId, DocumentId, document_id};
use shared::register::{Held, as_of_all};
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
use crate::worker::Looked;

/// What of a member goes on into the next campaign: who it is, and nothing that is asked anew.
const MEMBER_KEYS: [&str; 6] = ["name", "relation", "birth", "sex", "ethnicity", "id_number"];

/// From which day the opening list is taken.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct Take {
    /// `YYYY-MM-DD`.
    pub(in crate::http) on: String,
    /// Households that are taken at most, 1 to 2.000; 2.000 where absent.
    #[serde(default)]
    pub(in crate::http) most: Option<usize>,
}

/// How many households came onto the opening list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Taken {
    pub(in crate::http) taken: usize,
    /// Households that were there already.
    pub(in crate::http) known: usize,
    /// Documents of households that cannot be read, in the campaign that they were decided in: they are
    /// not taken, and each is tried again with the next request.
    #[schema(value_type = Vec<String>)]
    pub(in crate::http) broken: Vec<DocumentId>,
    /// Households that are still to be taken: send the same again.
    pub(in crate::http) more: usize,
}

/// Households that are read and written at one time.
const PART: usize = 64;

/// Households that one request takes at most: some seconds of work.
const TAKEN_MAX: usize = 2_000;

/// Takes the opening list of a campaign from the register as of a day, at most 2.000 households at one
/// time. Sent again it goes on, and what was taken stays; a household that cannot be read is named.
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
    let most = form.most.unwrap_or(TAKEN_MAX);
    if !(1..=TAKEN_MAX).contains(&most) {
        return Err(Problem::new(&problem::BODY_MALFORMED));
    }
    let decided = app.store.register_read(seen.campaign.register, None, (on, on)).await?;
    let mut campaigns = BTreeMap::new();
    let units: Vec<String> =
        list_units(&seen.tree, &seen.campaign.province).map(|(unit, _)| unit).collect();
    let held = as_of_all(&decided, on);
    let is_listed = |unit: &str| units.iter().any(|listed| listed == unit);
    let elsewhere = held.iter().filter(|(unit, held)| !held.is_empty() && !is_listed(unit));
    let elsewhere: Vec<&str> = elsewhere.map(|(unit, _)| *unit).collect();
    if !elsewhere.is_empty() {
        // Nobody is left out silently because a map has changed.
        return Err(Problem::new(&problem::UNIT_UNKNOWN).with_items(&elsewhere));
    }
    for unit in &units {
        let held = held.get(unit.as_str()).map(Vec::as_slice).unwrap_or_default();
        check_hamlets(&app, &seen, unit, held).await?;
    }
    let mut came = Taken { taken: 0, known: 0, broken: Vec::new(), more: 0 };
    for unit in &units {
        let Some(held) = held.get(unit.as_str()) else { continue };
        let documents: Vec<DocumentId> =
            held.iter().map(|held| document_id(id, held.entry.household)).collect();
        let known = app.store.household_names(id, &documents).await?;
        let fresh =
            held.iter().zip(&documents).filter(|(_, document)| !known.contains_key(document));
        let fresh: Vec<Held<'_>> = fresh.map(|(held, _)| *held).collect();
        came.known += held.len() - fresh.len();
        let mut fresh = fresh.as_slice();
        while !fresh.is_empty() {
            let (part, rest) =
                fresh.split_at(PART.min(most.saturating_sub(came.taken)).min(fresh.len()));
            if part.is_empty() {
                came.more += rest.len();
                break;
            }
            fresh = rest;
            let (opened, broken) = open_all(&app, (id, unit), &mut campaigns, part).await?;
            let taken = write_opened(&app, id, unit, &opened, &actor).await?;
            came.taken += taken;
            came.known += opened.len() - taken;
            came.broken.extend(broken);
        }
    }
    Ok(Json(came))
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

/// Writes each household's first change in the new campaign, and names those that cannot be read.
async fn open_all(
    app: &App,
    (id, unit): (CampaignId, &str),
    campaigns: &mut BTreeMap<CampaignId, Campaign>,
    held: &[Held<'_>],
) -> Result<(Vec<(OpeningHousehold, Opened)>, Vec<DocumentId>), Problem> {
    let (mut opened, mut broken) = (Vec::new(), Vec::new());
    for held in held {
        let before = held.by.campaign;
        let campaign = match campaigns.entry(before) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(crate::standing::campaign(app, before).await?),
        };
        let document = document_id(before, held.entry.household);
        let looked = app.materialiser.look(campaign, document).await?;
        // One of whom nobody can be read is none that has nobody: who is on a list has a member.
        let is_whole = |looked: &Looked| {
            looked.standing.open.broken == 0 && looked.household.present().next().is_some()
        };
        let Some(looked) = looked.filter(is_whole) else {
            broken.push(document);
            continue;
        };
        let names = app.store.household_names(before, &[document]).await?;
        let code = names.get(&document).map(|(code, _)| code.clone()).unwrap_or_default();
        let household = listed(held, unit, code, &looked.household);
        let written = reopen(id, held.entry.household, &household, members(&looked.household));
        let written = written.map_err(|_: AutomergeError| StoreError::Damaged)?;
        opened.push((household, written));
    }
    Ok((opened, broken))
}

fn listed(held: &Held<'_>, unit: &str, code: String, household: &Household) -> OpeningHousehold {
    let hamlet = held.by.hamlet_of(held.entry).map(|hamlet| hamlet.code.clone());
    let hamlet = hamlet.unwrap_or_default();
    let id = held.entry.household.to_string();
    // One that a phone registered has no code of an opening list yet.
    let made = || format!("{hamlet}-{}", &id[..10]);
    OpeningHousehold {
        code: if code.is_empty() { made() } else { code },
        unit: unit.to_owned(),
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
    }
}

fn members(household: &Household) -> BTreeMap<String, Answers> {
    let of = |answers: &Answers| {
        let known = answers.iter().filter(|(key, _)| MEMBER_KEYS.contains(&key.as_str()));
        known.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    household.present().map(|(member, answers)| (member.clone(), of(answers))).collect()
}
