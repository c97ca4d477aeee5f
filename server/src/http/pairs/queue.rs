//! The pairs that wait for somebody.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use serde::Serialize;
use shared::duplicate::{Grounds, Likely};
use shared::id::{CampaignId, DocumentId};
use shared::scope::Role;

use crate::app::App;
use crate::auth::Actor;
use crate::http::extract::{Json, Path, campaign, list_unit};
use crate::http::households::OFFICES;
use crate::pairs::{Freshness, Pair, Place, pairs, pairs_within, read_anew};
use crate::problem::{Body, Problem};
use crate::standing::refresh;
use crate::store::StoreError;
use crate::store::material::AT_ONCE;
use crate::store::pair::PairDecision;

/// What an office is told of a match that it may not see.
pub(crate) const ELSEWHERE: [&str; 2] = [
    "có thể trùng ở đơn vị khác, đề nghị cấp trên kiểm tra",
    "may be registered in another unit too: ask the level above to look",
];

/// One household of a pair.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Named {
    /// Its document.
    #[schema(value_type = String)]
    pub(in crate::http) document: DocumentId,
    /// Code on the opening list.
    pub(in crate::http) code: String,
    /// Its unit.
    pub(in crate::http) unit: String,
    /// Its hamlet.
    pub(in crate::http) hamlet: String,
    /// Name of the head, where it was looked at.
    pub(in crate::http) head: String,
}

/// Two households that may be one.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Paired {
    /// One.
    pub(in crate::http) one: Named,
    /// The other; of a merge the absorbed one.
    pub(in crate::http) other: Named,
    /// What they may be; nothing where nothing points to it any more.
    #[schema(value_type = Option<String>)]
    pub(in crate::http) likely: Option<Likely>,
    /// On what grounds.
    #[schema(value_type = Object)]
    pub(in crate::http) grounds: Grounds,
    /// `open`, `dismissed` or `linked`.
    pub(in crate::http) state: &'static str,
    /// A decision waits for the frozen list to come back.
    pub(in crate::http) late: bool,
    /// What was decided, oldest first.
    pub(in crate::http) decisions: Vec<PairDecision>,
}

/// A household that may be registered in a unit outside the caller's.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Elsewhere {
    /// The household here.
    pub(in crate::http) household: Named,
    /// All that is said of the other.
    pub(in crate::http) vi: &'static str,
    /// The same in English.
    pub(in crate::http) en: &'static str,
}

/// A unit's pairs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Queue {
    /// Pairs within the unit, those that wait first.
    pub(in crate::http) pairs: Vec<Paired>,
    /// Households that may be registered elsewhere.
    pub(in crate::http) elsewhere: Vec<Elsewhere>,
    /// Households that were not compared yet.
    pub(in crate::http) pending: usize,
}

/// Pairs across the caller's units.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Across {
    /// Pairs of two units, those that wait first.
    pub(in crate::http) pairs: Vec<Paired>,
    /// Households that may be registered outside the caller's units.
    pub(in crate::http) elsewhere: Vec<Elsewhere>,
    /// Households that were not compared yet.
    pub(in crate::http) pending: usize,
}

/// Lists a unit's pairs of households that may be one.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/pairs",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Queue),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Queue>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let pending = read_anew(&app, &seen.campaign, std::slice::from_ref(&unit)).await?;
    let own: BTreeSet<&str> = [unit.as_str()].into();
    // Heads are named as their standings have them.
    refresh(&app, &seen.campaign, &unit).await?;
    let all = pairs(&app, id, Freshness::Lately).await?;
    let within = pairs_within(&app, id, &unit).await?;
    let found: Vec<&Pair> = within.iter().collect();
    let decided = app.store.pair_decisions(id).await?;
    let places = places(&app, id, &decided).await?;
    let is_here = |of: &Place| of.unit == unit;
    let mut listed = listed(&found, decided, &places, |one, other| is_here(one) && is_here(other));
    let mut elsewhere = elsewhere(&all, &own);
    name(&app, id, &mut listed, &mut elsewhere).await?;
    Ok(Json(Queue { pairs: listed, elsewhere, pending }))
}

/// Lists pairs of households of two of the caller's units that may be one.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/pairs", security(("bearer" = [])),
    params(("campaign" = String, Path)), responses(
    (status = 200, body = Across),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn list_across(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
) -> Result<Json<Across>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District])?;
    let seen = campaign(&app, &actor, id).await?;
    let units = actor.account.post.list_units(&seen.tree);
    let pending = read_anew(&app, &seen.campaign, &units).await?;
    let own: BTreeSet<&str> = units.iter().map(String::as_str).collect();
    let all = pairs(&app, id, Freshness::Now).await?;
    let is_across = |one: &Place, other: &Place| {
        let covers = |of: &Place| own.contains(of.unit.as_str());
        one.unit != other.unit && covers(one) && covers(other)
    };
    let found: Vec<&Pair> = all.iter().filter(|pair| is_across(&pair.one, &pair.other)).collect();
    let decided = app.store.pair_decisions(id).await?;
    let places = places(&app, id, &decided).await?;
    let mut listed = listed(&found, decided, &places, is_across);
    let mut elsewhere = elsewhere(&all, &own);
    name(&app, id, &mut listed, &mut elsewhere).await?;
    Ok(Json(Across { pairs: listed, elsewhere, pending }))
}

type Key = (DocumentId, DocumentId);

/// Names a pair by its documents, the smaller first.
pub(super) fn key(one: DocumentId, other: DocumentId) -> Key {
    (one.min(other), one.max(other))
}

/// Puts together what was found and what was decided; nothing decided is ever left out.
fn listed(
    found: &[&Pair],
    decided: Vec<PairDecision>,
    places: &BTreeMap<DocumentId, Place>,
    is_shown: impl Fn(&Place, &Place) -> bool,
) -> Vec<Paired> {
    let mut all: BTreeMap<Key, Paired> = BTreeMap::new();
    for pair in found {
        let paired = paired(&pair.one, &pair.other, Some(pair.likely), pair.grounds);
        all.insert(key(pair.one.document, pair.other.document), paired);
    }
    for decision in decided {
        let (Some(one), Some(other)) = (places.get(&decision.one), places.get(&decision.other))
        else {
            continue;
        };
        if !is_shown(one, other) {
            continue;
        }
        let entry = all
            .entry(key(decision.one, decision.other))
            .or_insert_with(|| paired(one, other, None, Grounds::default()));
        if decision.kind == "linked" {
            (entry.one, entry.other) = (named(one), named(other));
        }
        entry.decisions.push(decision);
    }
    let mut all: Vec<Paired> = all.into_values().collect();
    for pair in &mut all {
        pair.state = state(&pair.decisions);
        pair.late = pair.decisions.iter().any(|of| of.fate == "late");
    }
    all.sort_by_key(|pair| {
        let rank = ["open", "linked", "dismissed"].iter().position(|of| *of == pair.state);
        (rank, pair.likely, std::cmp::Reverse(pair.grounds.points))
    });
    all
}

/// Says where a pair stands after what was decided about it.
pub(super) fn state(decisions: &[PairDecision]) -> &'static str {
    let taken = decisions.iter().rev().find(|of| of.fate == "taken");
    match taken.map(|of| of.kind.as_str()) {
        Some("linked") => "linked",
        Some("dismissed") => "dismissed",
        _ => "open",
    }
}

fn paired(one: &Place, other: &Place, likely: Option<Likely>, grounds: Grounds) -> Paired {
    let (one, other) = (named(one), named(other));
    Paired { one, other, likely, grounds, state: "open", late: false, decisions: Vec::new() }
}

fn named(of: &Place) -> Named {
    let (unit, hamlet, code) = (of.unit.clone(), of.hamlet.clone(), of.code.clone());
    Named { document: of.document, code, unit, hamlet, head: String::new() }
}

/// Lists the households of some units that match one outside of them, each once, and nothing of that
/// one.
fn elsewhere(all: &[Pair], own: &BTreeSet<&str>) -> Vec<Elsewhere> {
    let is_own = |of: &Place| own.contains(of.unit.as_str());
    let mut found: BTreeMap<DocumentId, &Place> = BTreeMap::new();
    for pair in all {
        match (is_own(&pair.one), is_own(&pair.other)) {
            (true, false) => drop(found.insert(pair.one.document, &pair.one)),
            (false, true) => drop(found.insert(pair.other.document, &pair.other)),
            _ => {}
        }
    }
    let [vi, en] = ELSEWHERE;
    found.into_values().map(|of| Elsewhere { household: named(of), vi, en }).collect()
}

/// Finds where the households of decisions are now.
async fn places(
    app: &App,
    id: CampaignId,
    decided: &[PairDecision],
) -> Result<BTreeMap<DocumentId, Place>, StoreError> {
    let documents: BTreeSet<DocumentId> =
        decided.iter().flat_map(|of| [of.one, of.other]).collect();
    let documents: Vec<DocumentId> = documents.into_iter().collect();
    let mut places = BTreeMap::new();
    for some in documents.chunks(AT_ONCE) {
        for cached in app.store.household_cached_of(id, some).await? {
            let at = cached.at;
            let (unit, hamlet, code) = (at.unit, at.hamlet, at.code);
            let place = Place { document: at.document, unit, hamlet, code };
            places.insert(at.document, place);
        }
    }
    Ok(places)
}

/// The part of a standing that names a household.
#[derive(serde::Deserialize)]
struct Headed {
    head: String,
}

/// Puts the names of heads in, as their standings are cached.
async fn name(
    app: &App,
    id: CampaignId,
    pairs: &mut [Paired],
    elsewhere: &mut [Elsewhere],
) -> Result<(), StoreError> {
    let mut named: Vec<&mut Named> = Vec::new();
    for pair in pairs {
        named.extend([&mut pair.one, &mut pair.other]);
    }
    named.extend(elsewhere.iter_mut().map(|of| &mut of.household));
    let documents: BTreeSet<DocumentId> = named.iter().map(|of| of.document).collect();
    let documents: Vec<DocumentId> = documents.into_iter().collect();
    let mut heads: BTreeMap<DocumentId, String> = BTreeMap::new();
    for some in documents.chunks(AT_ONCE) {
        for cached in app.store.household_cached_of(id, some).await? {
            let headed = cached.body.as_deref().map(serde_json::from_str::<Headed>);
            if let Some(Ok(headed)) = headed {
                heads.insert(cached.at.document, headed.head);
            }
        }
    }
    for of in named {
        of.head = heads.get(&of.document).cloned().unwrap_or_default();
    }
    Ok(())
}
