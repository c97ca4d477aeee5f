//! Households as offices see them: standings, disputes, what was set aside, and settling.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::household::{Household, Value};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::classify::Classification;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::layout::masked;
use shared::resolve::{Dispute, Path as AnswerPath};
use shared::scope::Role;
use shared::standing::{HeadChange, Standing};
use shared::triage::Triage;

use super::desk_change::{Appended, Desk, IfMoved, append, unsettled};
use super::extract::{Json, Path, Seen, campaign, list_unit};
use crate::app::App;
use crate::auth::Actor;
use crate::ingest::desk::OPENING_LIST;
use crate::ingest::desk::{Stuck, release_late};
use crate::problem::{Body, Problem};
use crate::standing::{Standings, refresh, write_decided};
use crate::store::StoreError;
use crate::store::change::{AsideChange, Authorship};
use crate::store::household::HouseholdAt;
use crate::worker::{Looked, Settling};

pub(super) const OFFICES: [Role; 3] = [Role::Province, Role::District, Role::Officer];

/// One household's standing.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Listed {
    /// Code on the opening list, empty for one a phone registered.
    pub(super) code: String,
    /// Row, what is open, disputes, flags, heads.
    #[schema(value_type = Object)]
    #[serde(flatten)]
    pub(super) standing: Standing,
}

/// Lists show identity numbers masked: whole they are on the household's own page.
fn listed(standings: Standings) -> impl Iterator<Item = Listed> {
    standings.into_iter().map(|(at, mut standing)| {
        for dispute in &mut standing.disputes {
            if matches!(&dispute.path, AnswerPath::Member(_, key) if key == "id_number") {
                for side in &mut dispute.values {
                    let number = side.value.as_ref().and_then(Value::as_text).map(masked);
                    side.value = number.map(Value::from);
                }
            }
        }
        Listed { code: at.code, standing }
    })
}

/// Lists a unit's households with their standings.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/households",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Listed>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Listed>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    Ok(Json(listed(standings).collect()))
}

/// A household with disputes, those that the rule settled among them, and who wrote what.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Disputed {
    #[schema(value_type = String)]
    document: DocumentId,
    code: String,
    hamlet: String,
    /// Heads to settle at.
    #[schema(value_type = Vec<String>)]
    heads: Vec<ChangeHash>,
    #[schema(value_type = Vec<Object>)]
    disputes: Vec<Dispute>,
    /// What becomes of each: a person decides, or the rule did.
    #[schema(value_type = Object)]
    triage: Triage,
    /// Changes on the side branch of a copied phone.
    #[schema(value_type = Vec<String>)]
    forked: Vec<ChangeHash>,
    /// Author, device and position of every change of the household.
    changes: Vec<Authorship>,
}

/// Lists a unit's households with disputes that no person has settled.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/disputes",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Disputed>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn disputes(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Disputed>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let mut disputed = Vec::new();
    for (at, standing) in refresh(&app, &seen.campaign, &unit).await? {
        if !standing.disputes.is_empty() {
            disputed.push(Disputed {
                document: at.document,
                code: at.code,
                hamlet: at.hamlet,
                heads: standing.heads,
                disputes: standing.disputes,
                triage: standing.triage,
                forked: standing.forked,
                changes: app.store.change_authors(id, at.document).await?,
            });
        }
    }
    Ok(Json(disputed))
}

/// Lists a unit's changes that were not merged: waiting, held (late ones among them), quarantined.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/aside",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<AsideChange>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn aside(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<AsideChange>>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    list_unit(&app, &actor, id, &unit).await?;
    Ok(Json(app.store.change_aside(id, &unit).await?))
}

/// What a person decides about a change that was set aside.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Release {
    #[schema(value_type = String)]
    document: DocumentId,
    #[schema(value_type = String)]
    hash: ChangeHash,
    /// Why.
    reason: String,
    /// False leaves it out: it stays in the log, under that reason, and is never merged.
    #[serde(default = "yes")]
    let_in: bool,
}

fn yes() -> bool {
    true
}

/// Lets a change that was set aside into the household's log, with all that was held because of it,
/// or leaves it out for good.
///
/// What came after the list was frozen is let in by returning the list, never here.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/aside",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Release, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn release(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Release>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    if form.reason.trim().is_empty() {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    let aside = app.store.change_aside(id, &unit).await?;
    let this = aside.iter().any(|change| {
        (change.document, change.hash) == (form.document, form.hash)
            && matches!(change.fate.as_str(), "held" | "waiting")
    });
    if !this || (form.let_in && app.store.household_get(id, form.document).await?.is_none()) {
        return Err(Problem::new(&problem::NOT_FOUND));
    }
    let mut tx = app.store.begin().await?;
    let position = tx.unit_lock(id, &unit).await?;
    if seen.campaign.closed {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    if tx.list_step(id, &unit).await?.0.is_frozen() {
        return Err(Problem::new(&problem::LIST_FROZEN));
    }
    // What is let in is treated like what was held for its ancestors alone.
    let reason = if form.let_in { &problem::ANCESTOR_HELD } else { &problem::CHANGE_LEFT_OUT };
    tx.change_set_aside(id, form.document, form.hash, "held", reason.name).await?;
    tx.change_note(id, form.document, form.hash, form.reason.trim()).await?;
    let no_room = release_late(&mut tx, id, &unit, position).await?;
    let this = |of: &&Stuck| (of.0, of.1) == (form.document, form.hash);
    if let Some((_, _, why)) = no_room.iter().find(this) {
        return Err(Problem::new(why));
    }
    tx.commit().await?;
    Ok(Json(true))
}

/// One household: its agreed answers, what they come to and why, and who wrote what.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Read {
    pub(super) code: String,
    pub(super) unit: String,
    #[schema(value_type = Object)]
    pub(super) standing: Standing,
    #[schema(value_type = Object)]
    pub(super) household: Household,
    /// Hashes of the changes that wrote each agreed answer, by its path.
    #[schema(value_type = Object)]
    pub(super) writers: BTreeMap<String, Vec<ChangeHash>>,
    #[schema(value_type = Object)]
    pub(super) classification: Classification,
    pub(super) changes: Vec<Authorship>,
    /// The head is another person than on the opening list: who was it, and who is.
    #[schema(value_type = Object)]
    pub(super) head_change: Option<HeadChange>,
    /// Documents that were merged into this household.
    #[schema(value_type = Vec<String>)]
    pub(super) merged: Vec<DocumentId>,
    /// Household that this one was merged into: it has no row of its own then.
    #[schema(value_type = Option<String>)]
    pub(super) merged_into: Option<DocumentId>,
}

/// Shows one household with all its answers, points and history.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/households/{document}",
    params(("campaign" = String, Path), ("document" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Read),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Result<Json<Read>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    let looked = app.materialiser.look(&seen.campaign, document).await?;
    let looked = looked.ok_or(&problem::DOCUMENT_BROKEN)?;
    let Looked { mut standing, household, writers, classification, head_change } = looked;
    let holding = app.store.life_holding(id, &at.unit).await?;
    write_decided(&at, holding.get(&at.household), &mut standing.row);
    let mut changes = app.store.change_authors(id, document).await?;
    let (code, unit) = (at.code, at.unit);
    let links = app.store.link_into(id, document).await?;
    let merged: Vec<DocumentId> = links.into_iter().map(|link| link.absorbed).collect();
    for absorbed in &merged {
        changes.extend(app.store.change_authors(id, *absorbed).await?);
    }
    let merged_into = app.store.link_of(id, document).await?;
    Ok(Json(Read {
        code,
        unit,
        standing,
        household,
        writers,
        classification,
        changes,
        head_change,
        merged,
        merged_into,
    }))
}

/// Finds a household in the caller's scope. Any other does not exist for the caller.
pub(super) async fn household(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    document: DocumentId,
) -> Result<(Seen, HouseholdAt), Problem> {
    let seen = campaign(app, actor, id).await?;
    let at = app.store.household_get(id, document).await?.ok_or(&problem::HOUSEHOLD_UNKNOWN)?;
    if actor.account.post.covers(&seen.tree, &at.unit) {
        Ok((seen, at))
    } else {
        Err(Problem::new(&problem::HOUSEHOLD_UNKNOWN))
    }
}

/// What an officer decides about one answer.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Settle {
    /// Heads of the household as shown.
    #[schema(value_type = Vec<String>)]
    pub(super) heads: Vec<ChangeHash>,
    /// `answers/KEY`, `b1_items/ITEM` or `members/ID/KEY`.
    #[schema(value_type = String)]
    pub(super) path: AnswerPath,
    /// The value that holds: yes or no, a whole number, or text; null where one side of the dispute
    /// is that there is no answer, as where somebody removed a member and others did not.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Object)]
    pub(super) value: Option<Value>,
    /// Why.
    pub(super) reason: String,
    /// Changes of a copied phone's side branch that this decision has looked at, at most 7.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(super) closes: Vec<ChangeHash>,
    /// `refuse` writes nothing where the household has moved on since; `write` does all the same.
    #[serde(default)]
    pub(super) if_moved: IfMoved,
}

/// The change that settled it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Settled {
    #[schema(value_type = String)]
    hash: ChangeHash,
}

/// Settles or corrects one answer: a change at exactly the heads shown, by a named person.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/settle",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Settle, security(("bearer" = [])), responses(
    (status = 200, body = Settled),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn settle(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(form): Json<Settle>,
) -> Result<Json<Settled>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let (hash, appended) = settle_open(&app, &actor, (id, document), form).await?;
    if let Appended::Now(tx) = appended {
        tx.commit().await?;
        app.materialiser.queue([(id, document)]);
    }
    Ok(Json(Settled { hash }))
}

/// Writes the change that settles a dispute; returns its hash and what the caller commits.
pub(super) async fn settle_open(
    app: &App,
    actor: &Actor,
    (id, document): (CampaignId, DocumentId),
    form: Settle,
) -> Result<(ChangeHash, Appended), Problem> {
    let (seen, at) = household(app, actor, id, document).await?;
    if seen.campaign.closed {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    // By these words an opening list is known from a decision.
    if form.reason.trim().is_empty() || form.reason.trim() == OPENING_LIST {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    let said = (actor.account.id, document, &form.heads, &form.path, &form.value, &form.closes);
    let said = serde_json::to_vec(&said).map_err(|_| StoreError::Damaged)?;
    let newest = match form.if_moved {
        IfMoved::Write => None,
        IfMoved::Refuse => {
            let looked = app.materialiser.look(&seen.campaign, document).await?;
            Some(looked.ok_or(&problem::DOCUMENT_BROKEN)?.standing.heads)
        }
    };
    let shown = form.heads.clone();
    let settling = Settling {
        changes: Vec::new(),
        actor: app.keys.desk_actor(&said),
        heads: form.heads,
        path: form.path,
        value: form.value,
        closes: form.closes,
    };
    let written = app.materialiser.settle(&seen.campaign, document, settling).await?;
    let (written, reason) = (written.ok_or(&problem::DOCUMENT_BROKEN)?, form.reason);
    let written = written.map_err(unsettled)?;
    let desk = Desk {
        written: &written,
        account: actor.account.id,
        note: reason.trim(),
        unmoved: newest.as_deref().map(|newest| [shown.as_slice(), newest]),
    };
    Ok((written.hash, append(app, &seen, &at, &desk).await?))
}
