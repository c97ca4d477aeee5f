//! What a person decides about a pair, each decision with its reason.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{CampaignId, DocumentId};
use shared::link::{Choice, Link, check, may_link};
use shared::scope::Role;

use super::side::{answers, both};
use crate::app::App;
use crate::auth::Actor;
use crate::http::extract::{Json, Path};
use crate::http::households::OFFICES;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::household::HouseholdAt;
use crate::store::pair::NewPairDecision;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Act {
    /// They are two households.
    Dismiss,
    /// Somebody has to look again.
    Reopen,
    /// They are one: the second goes under the first.
    Merge,
    /// They are two after all; everything is as it was before.
    Unmerge,
}

/// A decision about a pair.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct Decide {
    /// What.
    pub(in crate::http) act: Act,
    /// Why.
    pub(in crate::http) reason: String,
    /// Of a merge: members of the second household who are members of the first, by their ids.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(in crate::http) members: BTreeMap<String, String>,
    /// Of a merge: what holds where the two differ, as shown. What is not chosen stays open.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub(in crate::http) choices: Vec<Choice>,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Made {
    /// `taken`; `late` where the list is frozen: it stands as it is, and the decision is taken when
    /// the list comes back.
    pub(in crate::http) fate: &'static str,
}

/// Decides about a pair of households.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/pairs/{one}/{other}",
    params(("campaign" = String, Path), ("one" = String, Path), ("other" = String, Path)),
    request_body = Decide, security(("bearer" = [])), responses(
    (status = 200, body = Made),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn decide(
    State(app): State<App>,
    actor: Actor,
    Path((id, one, other)): Path<(CampaignId, DocumentId, DocumentId)>,
    Json(form): Json<Decide>,
) -> Result<Json<Made>, Problem> {
    let is_merge = matches!(form.act, Act::Merge | Act::Unmerge);
    let roles: &[Role] = if is_merge { &[Role::Officer] } else { &OFFICES };
    let actor = actor.with_role(roles)?;
    let (seen, ats) = both(&app, &actor, id, one, other).await?;
    let reason = form.reason.trim();
    if reason.is_empty() {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    if is_merge && ats[0].unit != ats[1].unit {
        return Err(Problem::new(&problem::MERGE_OTHER_UNIT));
    }
    let link = Link { kept: one, absorbed: other, members: form.members, choices: form.choices };
    if form.act == Act::Merge {
        // Whoever the opening list names goes out of it by a row of its own, or stays.
        if ats[0].opening_class.is_empty() && !ats[1].opening_class.is_empty() {
            return Err(Problem::new(&problem::MERGE_LISTED));
        }
        let [ours, theirs] = answers(&app, &seen.campaign, one, other).await?;
        check(&ours, &theirs, &link)?;
    }
    let body = match form.act {
        Act::Merge => serde_json::to_string(&link).map_err(|_| StoreError::Damaged)?,
        _ => String::new(),
    };
    let unit = ats[0].unit.clone();
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing comes before this or after it.
    if !tx.campaign_lock(id).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    tx.unit_lock(id, &unit).await?;
    let is_frozen = tx.list_step(id, &unit).await?.0.is_frozen();
    let links = tx.link_list(id, &unit).await?;
    let links: Vec<_> = links.iter().map(|link| (link.kept, link.absorbed)).collect();
    let is_one = [(one, other), (other, one)].iter().any(|pair| links.contains(pair));
    if is_merge {
        unmoved(&mut tx, id, &ats).await?;
    }
    match form.act {
        Act::Merge => may_link(one, other, &links)?,
        Act::Unmerge if !links.contains(&(one, other)) => {
            return Err(Problem::new(&problem::MERGE_NONE));
        }
        // What they are together is undone first, with a reason of its own.
        Act::Dismiss | Act::Reopen if is_one => return Err(Problem::new(&problem::MERGE_CHAIN)),
        Act::Unmerge | Act::Dismiss | Act::Reopen => {}
    }
    let fate = if is_frozen && is_merge { "late" } else { "taken" };
    let kind = kind(form.act);
    let (by, at_ms) = (actor.account.id, app.now_ms());
    let new = NewPairDecision { kind, one, other, body: &body, reason, fate, by, at_ms };
    tx.pair_decide(id, &unit, &new).await?;
    tx.commit().await?;
    Ok(Json(Made { fate }))
}

/// Refuses where either household moved on since it was looked at, or went elsewhere.
async fn unmoved(tx: &mut Tx, id: CampaignId, ats: &[HouseholdAt; 2]) -> Result<(), Problem> {
    for at in ats {
        let now = tx.household_get(id, at.document).await?;
        if now.is_none_or(|now| now.last_position != at.last_position || now.unit != at.unit) {
            return Err(Problem::new(&problem::HOUSEHOLD_MOVED));
        }
    }
    Ok(())
}

fn kind(act: Act) -> &'static str {
    match act {
        Act::Dismiss => "dismissed",
        Act::Reopen => "reopened",
        Act::Merge => "linked",
        Act::Unmerge => "unlinked",
    }
}
