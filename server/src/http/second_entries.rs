//! Paper forms that are typed twice: which are due, the second entry, and what differs.

use axum::extract::State;
use mobile_schema::household::{Household, Value};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::resolve::Path as AnswerPath;
use shared::scope::Role;
use shared::second::{Compared, Difference, compare, is_drawn};
use shared::text::folded;

use super::desk_change::{Appended, IfMoved};
use super::extract::{Json, Path, list_unit};
use super::households::{self, OFFICES, Settle, household};
use super::paper::Paper;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::standing::refresh;
use crate::store::StoreError;
use crate::store::paper::{NewSecond, PaperEntry, Settled};

/// Whoever types from paper: the commune, or for it its district.
const TYPISTS: [Role; 2] = [Role::Officer, Role::District];

/// A field in which the two entries differ.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Differing {
    /// Path, first value, second value.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) difference: Difference,
    /// What it was settled to, once it was.
    pub(super) settled: Option<Settled>,
}

/// A second entry and how it compared.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Second {
    /// Who typed it.
    pub(super) by: String,
    /// When.
    pub(super) at_ms: i64,
    /// Fields that at least one of the entries has.
    pub(super) fields: u64,
    pub(super) differences: Vec<Differing>,
}

/// A paper form of the unit.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct PaperForm {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// Code on the opening list, empty for a new household.
    pub(super) code: String,
    /// Name of the head.
    pub(super) head: String,
    /// Who typed it first.
    pub(super) by: Vec<String>,
    /// When it was typed last.
    pub(super) at_ms: i64,
    /// It is drawn to be typed twice.
    pub(super) drawn: bool,
    /// None as long as nobody typed it a second time.
    pub(super) second: Option<Second>,
}

/// How far second entries of a unit have come, counted in fields: rates are exact fractions of them.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Rate {
    /// Fields compared.
    pub(super) fields: u64,
    /// Fields in which the entries differ.
    pub(super) different: u64,
    /// Differences that are settled.
    pub(super) settled: u64,
    /// Settled ones in which the first entry was wrong.
    pub(super) wrong_first: u64,
    /// Settled ones in which the second entry was wrong.
    pub(super) wrong_second: u64,
}

/// The paper forms of a unit.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct PaperForms {
    pub(super) forms: Vec<PaperForm>,
    pub(super) rate: Rate,
}

impl Rate {
    fn add(&mut self, second: &Second) {
        self.fields += second.fields;
        for one in &second.differences {
            self.different += 1;
            let Some(settled) = &one.settled else { continue };
            self.settled += 1;
            self.wrong_first += u64::from(settled.value != one.difference.first);
            self.wrong_second += u64::from(settled.value != one.difference.second);
        }
    }
}

/// Lists a unit's paper forms: those drawn to be typed twice, and what second entries found.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/paper",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = PaperForms),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<PaperForms>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let entries = app.store.paper_list(id, &unit).await?;
    let seconds = app.store.second_list(id, &unit).await?;
    let settled = app.store.second_settled(id, &unit).await?;
    let second_of = |document: DocumentId| {
        let second = seconds.iter().find(|second| second.document == document)?;
        let differing = |difference: &Difference| Differing {
            difference: difference.clone(),
            settled: settled.get(&(document, difference.path.clone())).cloned(),
        };
        Some(Second {
            by: second.by.clone(),
            at_ms: second.at_ms,
            fields: second.compared.fields,
            differences: second.compared.differences.iter().map(differing).collect(),
        })
    };
    let (mut forms, mut rate) = (Vec::new(), Rate::default());
    for (at, standing) in standings {
        let of: Vec<&PaperEntry> =
            entries.iter().filter(|entry| entry.document == at.document).collect();
        let Some(last) = of.last() else { continue };
        let mut by: Vec<String> = of.iter().map(|entry| entry.by.clone()).collect();
        by.dedup();
        let second = second_of(at.document);
        second.iter().for_each(|second| rate.add(second));
        forms.push(PaperForm {
            document: at.document,
            code: at.code,
            head: standing.head,
            by,
            at_ms: last.at_ms,
            drawn: is_drawn(id, at.document),
            second,
        });
    }
    Ok(Json(PaperForms { forms, rate }))
}

/// What the second entry was found to be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Found {
    /// Fields that at least one of the entries has.
    fields: u64,
    /// Fields in which they differ.
    different: usize,
}

/// Types a paper form a second time, blind: it is compared with the first entry and changes nothing.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/second-entry",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Paper, security(("bearer" = [])), responses(
    (status = 200, body = Found),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(form): Json<Paper>,
) -> Result<Json<Found>, Problem> {
    let actor = actor.with_role(&TYPISTS)?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    let account = actor.account.id;
    let first = may_type(&app, id, document, &at.unit, account).await?;
    let sheet = form.checked(&app, &[])?.sheet;
    let past = app.materialiser.past(&seen.campaign, document, &[first.hash]).await?;
    let then = past.ok_or(&problem::DOCUMENT_BROKEN)?.then;
    // What the first entry says was on this paper.
    let on_paper = then.asked.iter().filter(|(_, mark)| mark.medium.as_deref() == Some("paper"));
    let blocks = on_paper.map(|(block, _)| block.clone()).chain(sheet.blocks()).collect();
    let compared = compare(&then, &sheet.household(), &blocks);
    let (found, body) = (text(&compared)?, text(&sheet)?);
    let new = NewSecond {
        document,
        unit: &at.unit,
        first_hash: first.hash,
        account,
        sheet: &body,
        compared: &found,
    };
    let mut tx = app.store.begin().await?;
    if !tx.second_add(id, &new, app.now_ms()).await? {
        return Err(Problem::new(&problem::SECOND_ENTRY_DONE));
    }
    tx.commit().await?;
    let Compared { fields, differences } = compared;
    Ok(Json(Found { fields, different: differences.len() }))
}

/// Finds the first entry, or says why this person may not type a second one.
pub(super) async fn may_type(
    app: &App,
    id: CampaignId,
    document: DocumentId,
    unit: &str,
    account: shared::id::AccountId,
) -> Result<PaperEntry, Problem> {
    let entries = app.store.paper_list(id, unit).await?;
    let mut of: Vec<PaperEntry> =
        entries.into_iter().filter(|entry| entry.document == document).collect();
    let is_own = of.iter().any(|entry| entry.account == account);
    let first = of.pop().ok_or(&problem::PAPER_MISSING)?;
    if is_own {
        return Err(Problem::new(&problem::SECOND_ENTRY_OWN));
    }
    let seconds = app.store.second_list(id, unit).await?;
    if seconds.iter().any(|second| second.document == document) {
        return Err(Problem::new(&problem::SECOND_ENTRY_DONE));
    }
    Ok(first)
}

fn text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged)
}

/// Which value of a difference is right.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Right {
    /// Heads of the household as shown.
    #[schema(value_type = Vec<String>)]
    pub(super) heads: Vec<ChangeHash>,
    /// The field, as listed.
    pub(super) path: String,
    /// The right value; none where the field is empty on paper.
    #[schema(value_type = Option<Object>)]
    pub(super) value: Option<Value>,
    /// Why, as by a look at the paper.
    pub(super) reason: String,
}

/// Records which value of a difference is right. Where the household says otherwise its answer is
/// settled, by a change at exactly the heads shown.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/second-entry/settle",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Right, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn settle(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(form): Json<Right>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    if form.reason.trim().is_empty() {
        return Err(Problem::new(&problem::REASON_MISSING));
    }
    let seconds = app.store.second_list(id, &at.unit).await?;
    let second = seconds.iter().find(|second| second.document == document);
    let differences = second.map(|second| second.compared.differences.as_slice());
    let of = differences.unwrap_or_default().iter().find(|one| one.path == form.path);
    if of.is_none() {
        return Err(Problem::new(&problem::NOT_FOUND));
    }
    let settled = app.store.second_settled(id, &at.unit).await?;
    if let Some(settled) = settled.get(&(document, form.path.clone())) {
        // The same again changes nothing; another value would change the household and not what is
        // recorded of it.
        let is_same = settled.value == form.value;
        let refused = || Problem::new(&problem::SECOND_ENTRY_SETTLED);
        return if is_same { Ok(Json(false)) } else { Err(refused()) };
    }
    let looked = app.materialiser.look(&seen.campaign, document).await?;
    let looked = looked.ok_or(&problem::DOCUMENT_BROKEN)?;
    let path = form.path.parse::<AnswerPath>().ok();
    let says_so = match &path {
        Some(path) => {
            let is_disputed = looked.standing.disputes.iter().any(|one| one.path == *path);
            !is_disputed && path.value_in(&looked.household) == form.value
        }
        None => member_stands(&looked.household, &form.path, form.value.as_ref()),
    };
    let opened = match (path, form.value.clone()) {
        _ if says_so => None,
        (Some(path), Some(value)) => {
            let (reason, heads) = (form.reason.clone(), form.heads.clone());
            let if_moved = IfMoved::Refuse;
            let (value, closes) = (Some(value), Vec::new());
            let settle = Settle { heads, path, value, reason, closes, if_moved };
            Some(households::settle_open(&app, &actor, (id, document), settle).await?.1)
        }
        // No answer is emptied here, and nobody comes or goes.
        (None, _) | (_, None) => return Err(Problem::new(&problem::SECOND_ENTRY_HOUSEHOLD)),
    };
    let (field, said) = ((document, form.path.as_str()), (&form.value, form.reason.trim()));
    // The household and what is recorded of it say the same, or neither is written.
    let mut tx = match opened {
        Some(Appended::Now(tx)) => tx,
        Some(Appended::Before) | None => {
            let mut tx = app.store.begin().await?;
            if !tx.campaign_lock(id).await? {
                return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
            }
            tx
        }
    };
    if !tx.second_settle(id, field, actor.account.id, said, app.now_ms()).await? {
        return Err(Problem::new(&problem::SECOND_ENTRY_SETTLED));
    }
    tx.commit().await?;
    app.materialiser.queue([(id, document)]);
    Ok(Json(true))
}

/// Tells whether a household says of a member, at `members/ID`, what a person found on paper: there,
/// by this name, or not there. Whoever was put right meanwhile may have come under another id.
fn member_stands(household: &Household, path: &str, found: Option<&Value>) -> bool {
    let id = path.strip_prefix("members/").unwrap_or_default();
    let mut here = household.members.iter().filter(|(_, one)| !one.contains_key("removed"));
    let name = |value: Option<&Value>| folded(value.and_then(Value::as_text).unwrap_or("?"));
    match found {
        None => !here.any(|(known, _)| known == id),
        found => here.any(|(known, one)| known == id || name(one.get("name")) == name(found)),
    }
}
