//! Two households side by side.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::household::Household;
use mobile_schema::problem;
use serde::Serialize;
use shared::duplicate::{
    Grounds, HouseholdKeys, Likely, NumberWarning, judge, judge_members, keys_of, number_warnings,
};
use shared::id::{CampaignId, DocumentId};
use shared::link::{Difference, differences};

use super::queue::{key, state};
use crate::app::App;
use crate::auth::Actor;
use crate::http::extract::{Json, Path, Seen};
use crate::http::households::{OFFICES, household};
use crate::problem::{Body, Problem};
use crate::store::campaign::Campaign;
use crate::store::household::HouseholdAt;
use crate::store::pair::PairDecision;

/// One household as its own document has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Party {
    /// Its document.
    #[schema(value_type = String)]
    pub(in crate::http) document: DocumentId,
    /// Code on the opening list.
    pub(in crate::http) code: String,
    /// Its unit.
    pub(in crate::http) unit: String,
    /// Its hamlet.
    pub(in crate::http) hamlet: String,
    /// Its answers, without what was merged into it.
    #[schema(value_type = Object)]
    pub(in crate::http) household: Household,
    /// Numbers of identity that look odd, by member.
    #[schema(value_type = Object)]
    pub(in crate::http) warnings: BTreeMap<String, Vec<NumberWarning>>,
}

/// Two members who match: their ids in the one household and in the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Member {
    /// In the one.
    pub(in crate::http) one: String,
    /// In the other.
    pub(in crate::http) other: String,
}

/// Two households that may be one, with all that they say.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Compared {
    /// The one that would stay.
    pub(in crate::http) one: Party,
    /// The one that would go under it.
    pub(in crate::http) other: Party,
    /// What they may be; nothing where nothing points to it.
    #[schema(value_type = Option<String>)]
    pub(in crate::http) likely: Option<Likely>,
    /// On what grounds.
    #[schema(value_type = Object)]
    pub(in crate::http) grounds: Grounds,
    /// Members who seem to be the same.
    pub(in crate::http) members: Vec<Member>,
    /// What the two say differently, with these members matched.
    #[schema(value_type = Vec<Object>)]
    pub(in crate::http) differences: Vec<Difference>,
    /// `open`, `dismissed` or `linked`.
    pub(in crate::http) state: &'static str,
    /// What was decided, oldest first.
    pub(in crate::http) decisions: Vec<PairDecision>,
}

/// Shows two households side by side.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/pairs/{one}/{other}",
    params(("campaign" = String, Path), ("one" = String, Path), ("other" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Compared),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, one, other)): Path<(CampaignId, DocumentId, DocumentId)>,
) -> Result<Json<Compared>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let (seen, ats) = both(&app, &actor, id, one, other).await?;
    let [ours, theirs] = answers(&app, &seen.campaign, one, other).await?;
    let keyed = [&ours, &theirs].map(|of| fingerprints(&app, of));
    let (likely, grounds) = judge(&keyed[0], &keyed[1]).unzip();
    let members = matched([&ours, &theirs], &keyed);
    let by_id = members.iter().map(|of| (of.other.clone(), of.one.clone())).collect();
    let differences = differences(&ours, &theirs, &by_id);
    let mut decisions = app.store.pair_decisions(id).await?;
    decisions.retain(|of| key(of.one, of.other) == key(one, other));
    let [at, beside] = ats;
    Ok(Json(Compared {
        one: party(at, ours),
        other: party(beside, theirs),
        likely,
        grounds: grounds.unwrap_or_default(),
        members,
        differences,
        state: state(&decisions),
        decisions,
    }))
}

/// Finds both households of a pair; one that the caller may not see is not there.
pub(super) async fn both(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    one: DocumentId,
    other: DocumentId,
) -> Result<(Seen, [HouseholdAt; 2]), Problem> {
    let (seen, at) = household(app, actor, id, one).await?;
    let (_, beside) = household(app, actor, id, other).await?;
    if one == other {
        return Err(Problem::new(&problem::MERGE_ITSELF));
    }
    Ok((seen, [at, beside]))
}

/// Reads what two documents say themselves.
pub(super) async fn answers(
    app: &App,
    campaign: &Campaign,
    one: DocumentId,
    other: DocumentId,
) -> Result<[Household; 2], Problem> {
    let mut found = app.materialiser.own_answers(campaign, &[one, other]).await?;
    let mut take = |of: DocumentId| found.remove(&of).ok_or(&problem::DOCUMENT_BROKEN);
    Ok([take(one)?, take(other)?])
}

fn fingerprints(app: &App, household: &Household) -> HouseholdKeys {
    let key = app.keys.match_key();
    keys_of(household, |bytes| key.fingerprint(bytes))
}

fn matched(households: [&Household; 2], keyed: &[HouseholdKeys; 2]) -> Vec<Member> {
    let ids = households.map(|of| of.present().map(|(id, _)| id.clone()).collect::<Vec<_>>());
    let pairs = judge_members(&keyed[0], &keyed[1]).into_iter();
    pairs
        .filter_map(|of| {
            let (one, other) = (ids[0].get(of.one)?, ids[1].get(of.other)?);
            Some(Member { one: one.clone(), other: other.clone() })
        })
        .collect()
}

fn party(at: HouseholdAt, household: Household) -> Party {
    let warnings = household.present().map(|(id, member)| (id.clone(), number_warnings(member)));
    let warnings = warnings.filter(|(_, warnings)| !warnings.is_empty()).collect();
    let HouseholdAt { document, code, unit, hamlet, .. } = at;
    Party { document, code, unit, hamlet, household, warnings }
}
