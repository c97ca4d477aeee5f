//! What district and commune write to each other about households of a submitted list.

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::approve::{Act, Step};
use shared::id::{AccountId, CampaignId, Digest, DocumentId, HouseholdId};
use shared::list::List;
use shared::remark::{Remark, remark_text};
use shared::scope::Role;

use super::extract::{Json, Path, list_unit};
use super::lists::frozen;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::remark::{NewRemark, Written};

/// Lists what was written about households of a unit, oldest first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/comments",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Written>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Written>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    Ok(Json(app.store.remark_list(id, &unit).await?))
}

/// A remark about one household.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Say {
    /// By the district, about a household of the list it was submitted.
    Comment {
        /// Root of the list as shown.
        #[schema(value_type = String)]
        root: Digest,
        /// The household.
        #[schema(value_type = String)]
        document: DocumentId,
        /// What to look at.
        text: String,
    },
    /// By district or commune, to a comment.
    Answer {
        /// Position of the comment.
        about: i64,
        /// The answer.
        text: String,
    },
    /// By the commune: the comment is dealt with.
    Done {
        /// Position of the comment.
        about: i64,
        /// What was done.
        text: String,
    },
}

/// Where the remark stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Said {
    /// Position among the unit's remarks.
    position: i64,
}

/// Writes a remark; what somebody has just said is not said twice.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/comments",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Say, security(("bearer" = [])), responses(
    (status = 200, body = Said),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn say(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(say): Json<Say>,
) -> Result<Json<Said>, Problem> {
    let actor = actor.with_role(&[Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    let (kind, text) = match &say {
        Say::Comment { text, .. } => (Remark::Comment, text),
        Say::Answer { text, .. } => (Remark::Answer, text),
        Say::Done { text, .. } => (Remark::Done, text),
    };
    let text = kind.check(actor.account.post.role, text)?;
    let listed = match &say {
        Say::Comment { root, .. } => listed(&app, id, &unit, *root).await?,
        Say::Answer { .. } | Say::Done { .. } => Listed::default(),
    };
    let mut tx = app.store.begin().await?;
    // The campaign first: its closing comes before this or after it.
    if !tx.campaign_lock(id).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    tx.unit_lock(id, &unit).await?;
    let (root, document, about) = match say {
        Say::Comment { root, document, .. } => {
            let (step, _) = tx.list_step(id, &unit).await?;
            check_step(&step, root)?;
            if !listed.documents.contains_key(&document) {
                return Err(Problem::new(&problem::HOUSEHOLD_NOT_LISTED));
            }
            (root, document, 0)
        }
        Say::Answer { about, .. } | Say::Done { about, .. } => {
            let known = tx.remark_list(id, &unit).await?;
            let comment = known.iter().find(|one| one.position == about && one.about == 0);
            let comment = comment.ok_or(&problem::COMMENT_UNKNOWN)?;
            let done = known.iter().find(|one| one.about == about && one.kind == Remark::Done);
            if let Some(done) = done.filter(|_| kind == Remark::Done) {
                return Ok(Json(Said { position: done.position }));
            }
            (comment.root, comment.document, about)
        }
    };
    let (by, at_ms) = (actor.account.id, app.now_ms());
    let new = NewRemark { root, document, kind, about, text: &text, by, at_ms };
    let position = tx.remark_add(id, &unit, &new).await?;
    tx.commit().await?;
    Ok(Json(Said { position }))
}

fn check_step(step: &Step, root: Digest) -> Result<(), Problem> {
    match step {
        Step::Submitted { root: current, .. } if *current == root => Ok(()),
        Step::Submitted { .. } => Err(Problem::new(&problem::LIST_ROOT_STALE)),
        Step::Collecting | Step::Approved { .. } | Step::Recognised { .. } => {
            Err(Problem::new(&problem::LIST_STATE))
        }
    }
}

/// The households of a frozen list by their two names.
#[derive(Debug, Default)]
pub(super) struct Listed {
    documents: BTreeMap<DocumentId, HouseholdId>,
    households: BTreeMap<HouseholdId, DocumentId>,
}

impl Listed {
    fn of(list: &List) -> Self {
        let pairs = || list.rows.iter().map(|row| (row.document, row.household));
        Self {
            documents: pairs().collect(),
            households: pairs().map(|(document, household)| (household, document)).collect(),
        }
    }
}

/// Reads whose households a frozen list has; a list that is not there has none.
pub(super) async fn listed(
    app: &App,
    id: CampaignId,
    unit: &str,
    root: Digest,
) -> Result<Listed, StoreError> {
    match app.store.frozen_get(id, unit, root).await? {
        Some(_) => Ok(Listed::of(&frozen(app, id, unit, root).await?)),
        None => Ok(Listed::default()),
    }
}

/// Lets comments travel with a return: those written before go into the decision, and those that
/// come with it are kept beside their households. The unit's log must be locked.
pub(super) async fn travel(
    tx: &mut Tx,
    (id, unit): (CampaignId, &str),
    act: Act,
    listed: &Listed,
    (by, at_ms): (AccountId, i64),
) -> Result<Act, Problem> {
    let Act::Return { root, households, .. } = &act else { return Ok(act) };
    let known = tx.remark_list(id, unit).await?;
    let mut written = Vec::new();
    for one in known.into_iter().filter(|one| one.kind == Remark::Comment && one.root == *root) {
        if let Some(household) = listed.documents.get(&one.document) {
            written.push((*household, one.text));
        }
    }
    for (household, text) in households {
        let document = listed.households.get(household);
        let document = *document.ok_or(&problem::HOUSEHOLD_NOT_LISTED)?;
        let text = remark_text(text)?;
        if !written.contains(&(*household, text.clone())) {
            let (root, kind) = (*root, Remark::Comment);
            let new = NewRemark { root, document, kind, about: 0, text: &text, by, at_ms };
            tx.remark_add(id, unit, &new).await?;
        }
    }
    Ok(act.with_comments(&written))
}
