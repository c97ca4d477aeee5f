//! A unit's list and its legal steps: submit, return, approve, recognise, withdraw.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::approve::{Act, Step, decide};
use shared::date::Date;
use shared::id::{CampaignId, DeviceId, Digest};
use shared::list::{Blocker, List, Open, blockers, freeze, thaw};
use shared::scope::Role;

use super::comments::{Listed, listed, travel};
use super::desk::day_of;
use super::extract::{Json, Path, Seen, list_unit};
use super::four_eyes::refuse_alone;
use crate::app::App;
use crate::auth::Actor;
use crate::ingest::desk::release_late;
use crate::problem::{Body, Problem};
use crate::standing::{draft, refresh, with_departed};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::campaign::Campaign;
use crate::store::list::{Decision, NewDecision};

/// Tries to submit while phones keep handing in work before the officer is asked to try again.
const SUBMIT_TRIES: usize = 5;

/// A list as it stands: the frozen one, or the draft of now.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    /// `collecting`, `submitted`, `approved` or `recognised`.
    pub(super) step: String,
    /// Root to name in the next step.
    pub(super) root: String,
    /// What keeps a draft from being submitted.
    #[schema(value_type = Vec<Object>)]
    pub(super) blockers: Vec<Blocker>,
    /// Hamlets and rows.
    #[schema(value_type = Object)]
    pub(super) list: List,
    /// What was decided so far.
    pub(super) decisions: Vec<Decision>,
    /// Changes, and decisions about pairs of households, that came after the list was frozen.
    pub(super) late: u64,
}

/// A draft list with what is open about it.
pub(super) struct Draft {
    pub(super) list: List,
    pub(super) blockers: Vec<Blocker>,
    pub(super) root: Digest,
    frozen: Vec<u8>,
    /// Position of the unit's log the draft is of.
    position: i64,
    /// Score table its classes rest on.
    score_table: String,
    /// How far the decisions about pairs of its households were.
    paired: i64,
    /// Acts about the unit's households that it rests on.
    life: i64,
}

impl Draft {
    /// Tells whether score table and registered counts are still those the draft was made from.
    async fn rests_on_now(
        &self,
        tx: &mut Tx,
        id: CampaignId,
        unit: &str,
    ) -> Result<bool, StoreError> {
        let (score_table, hamlets) = tx.campaign_basis(id, unit).await?;
        let is_paired = tx.pair_moved(id, unit).await? == self.paired;
        let same = score_table == self.score_table && hamlets == self.list.hamlets;
        Ok(is_paired && same && tx.life_count(id, unit).await? == self.life)
    }
}

/// Shows a unit's list.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/list",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Shown),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Shown>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let step = app.store.list_step(id, &unit).await?;
    let (root, list, blockers) = match step.root() {
        Some(root) => (root, frozen(&app, id, &unit, root).await?, Vec::new()),
        None => {
            let draft = make_draft(&app, &seen, &unit).await?;
            (draft.root, draft.list, draft.blockers)
        }
    };
    let late =
        app.store.aside_count(id, &unit).await?.late + app.store.pair_late(id, &unit).await?;
    let decisions = app.store.decision_list(id, &unit).await?;
    let (step, root) = (step.name().to_owned(), root.to_string());
    Ok(Json(Shown { step, root, blockers, list, decisions, late }))
}

/// Reads a frozen list back from its bytes.
pub(super) async fn frozen(
    app: &App,
    id: CampaignId,
    unit: &str,
    root: Digest,
) -> Result<List, StoreError> {
    let bytes = app.store.frozen_get(id, unit, root).await?.ok_or(StoreError::Damaged)?;
    if shared::id::sha256(&bytes) != root.0 {
        return Err(StoreError::Damaged);
    }
    thaw(&bytes).map_err(|_| StoreError::Damaged)
}

/// Makes a unit's draft list as it stands now.
pub(super) async fn make_draft(app: &App, seen: &Seen, unit: &str) -> Result<Draft, StoreError> {
    let id = seen.campaign.id;
    let position = app.store.position(id, unit).await?;
    let paired = app.store.pair_moved(id, unit).await?;
    let life = app.store.life_count(id, unit).await?;
    let standings = refresh(app, &seen.campaign, unit).await?;
    let standings = with_departed(app, &seen.campaign, unit, standings).await?;
    let list = draft(app, &seen.campaign, unit, &standings).await?;
    let open: Vec<Open> = standings.iter().map(|(_, standing)| standing.open.clone()).collect();
    let waived = app.store.waiver_list(id, unit).await?;
    let working = app.store.device_working_in(id, unit).await?;
    let silent: Vec<String> = working
        .into_iter()
        .filter(|working| working.handing.is_silent() && !waived.contains(&working.device))
        .map(|working| working.label)
        .collect();
    let aside = app.store.aside_count(id, unit).await?;
    let blockers = blockers(&list, &open, &silent, aside.open);
    let (frozen, root) = freeze(&list);
    let score_table = seen.campaign.score_table.clone();
    Ok(Draft { list, blockers, root, frozen, position, score_table, paired, life })
}

/// The step a list came to.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Taken {
    step: String,
    /// Root of the frozen list, where it is frozen.
    root: Option<String>,
}

/// Takes one legal step. The body is an act: `submit`, `return`, `approve`, `recognise` or
/// `withdraw`, with the root it names and its papers.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/list",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Object, security(("bearer" = [])), responses(
    (status = 200, body = Taken),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn act(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(act): Json<Act>,
) -> Result<Json<Taken>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    let listed = match &act {
        Act::Return { root, .. } => listed(&app, id, &unit, *root).await?,
        _ => Listed::default(),
    };
    for _ in 0..SUBMIT_TRIES {
        let seen = list_unit(&app, &actor, id, &unit).await?;
        let draft = match act {
            Act::Submit { .. } => Some(make_draft(&app, &seen, &unit).await?),
            _ => None,
        };
        if let Some(step) =
            take(&app, &actor, (&seen.campaign, &unit), (&act, &listed), draft).await?
        {
            let root = step.root().map(|root| root.to_string());
            return Ok(Json(Taken { step: step.name().to_owned(), root }));
        }
    }
    Err(Problem::new(&problem::STORE_BUSY))
}

/// Takes the step in one transaction; `None` where the log, the score table or the registered counts
/// moved on under the draft.
async fn take(
    app: &App,
    actor: &Actor,
    (campaign, unit): (&Campaign, &str),
    (act, listed): (&Act, &Listed),
    draft: Option<Draft>,
) -> Result<Option<Step>, Problem> {
    let (id, register) = (campaign.id, campaign.register);
    let now_ms = app.now_ms();
    let by = actor.account.id;
    let mut tx = app.store.begin().await?;
    // The campaign first: what is loaded into it, and its closing, come before this or after it.
    if !tx.campaign_lock(id).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    let position = tx.unit_lock(id, unit).await?;
    if let Some(draft) = &draft
        && (draft.position != position || !draft.rests_on_now(&mut tx, id, unit).await?)
    {
        return Ok(None);
    }
    let (step, last) = tx.list_step(id, unit).await?;
    let shown = draft.as_ref().map(|draft| draft.root);
    let next = decide(&step, act, by, actor.account.post.role, shown)?;
    // The register puts decisions into the order of their days.
    if let Some(day) = act.paper().and_then(|paper| Date::parse(&paper.date).ok())
        && (day < campaign.opening_date || day > day_of(now_ms))
    {
        return Err(Problem::new(&problem::PAPER_DATE));
    }
    if let Some(draft) = draft {
        refuse_open(&draft.blockers)?;
        refuse_alone(&mut tx, actor, (id, unit)).await?;
        tx.frozen_add(id, unit, draft.root, &draft.frozen, now_ms).await?;
    }
    if let Some(scan) = act.paper().and_then(|paper| paper.scan)
        && !tx.scan_is_there(id, unit, scan).await?
    {
        return Err(Problem::new(&problem::SCAN_UNKNOWN));
    }
    let act = &travel(&mut tx, (id, unit), act.clone(), listed, (by, now_ms)).await?;
    let body = serde_json::to_string(act).map_err(|_| StoreError::Damaged)?;
    let decision = NewDecision {
        position: last + 1,
        kind: kind(act),
        root: act.root(),
        by,
        body: &body,
        next: &next,
        at_ms: now_ms,
    };
    tx.decision_append(id, unit, &decision).await?;
    if step.is_frozen() && !next.is_frozen() {
        release_late(&mut tx, id, unit, position).await?;
        tx.pair_release(id, unit).await?;
    }
    if matches!(act, Act::Recognise { .. } | Act::Withdraw { .. }) {
        tx.register_derive(register, unit).await?;
    }
    tx.commit().await?;
    Ok(Some(next))
}

fn kind(act: &Act) -> &'static str {
    match act {
        Act::Submit { .. } => "submit",
        Act::Return { .. } => "return",
        Act::Approve { .. } => "approve",
        Act::Recognise { .. } => "recognise",
        Act::Withdraw { .. } => "withdraw",
    }
}

/// Refuses a list with anything open, under the name of the first kind of thing to do.
fn refuse_open(blockers: &[Blocker]) -> Result<(), Problem> {
    let Some(first) = blockers.first() else { return Ok(()) };
    let silent = blockers.iter().any(|blocker| matches!(blocker, Blocker::DeviceSilent { .. }));
    // A phone that is still out may bring the outcomes that are missing: say that first.
    let name = match first {
        _ if silent => &problem::LIST_DEVICES_SILENT,
        Blocker::Disputes { .. } => &problem::LIST_HAS_DISPUTES,
        Blocker::NoOutcome { .. } => &problem::LIST_HAS_MISSING_OUTCOMES,
        Blocker::Unclassified { .. } => &problem::LIST_HAS_UNCLASSIFIED,
        Blocker::DeviceSilent { .. } => &problem::LIST_DEVICES_SILENT,
        Blocker::NoHamlets | Blocker::CountsMissing { .. } | Blocker::CountsTooSmall { .. } => {
            &problem::LIST_COUNTS_MISSING
        }
        Blocker::Broken { .. } | Blocker::SetAside(_) => &problem::LIST_HAS_ASIDE,
    };
    Err(Problem::new(name).with_items(blockers))
}

/// A device that will not be waited for, and why.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Waive {
    #[schema(value_type = String)]
    pub(super) device: DeviceId,
    pub(super) reason: String,
}

/// Waives a device that does not come back, by name and reason.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/waivers",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Waive, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn waive(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Waive>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    if form.reason.trim().is_empty() {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    let working = app.store.device_working_in(id, &unit).await?;
    if !working.iter().any(|working| working.device == form.device) {
        return Err(Problem::new(&problem::NOT_FOUND));
    }
    let (by, now_ms) = (actor.account.id, app.now_ms());
    app.store.waiver_add(id, &unit, form.device, by, form.reason.trim(), now_ms).await?;
    Ok(Json(true))
}
