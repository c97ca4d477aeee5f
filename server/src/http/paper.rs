//! Paper forms typed in an office: into a household that is known, or into a new one.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::date::Date;
use shared::id::{CampaignId, ChangeHash, DocumentId, HouseholdId, document_id};
use shared::merge::genesis_hash;
use shared::page::{Page, Written, write_at};
use shared::paper::{Misfit, Names, Sheet};
use shared::resolve::Dispute;
use shared::scope::Role;

use super::desk_change::{Appended, Desk, append, append_change, is_there, unsettled};
use super::extract::{Json, Path, Seen, list_unit};
use super::households::household;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::household::{HouseholdAt, NewHousehold};
use crate::store::paper::PaperEntry;
use crate::worker::{Looked, Writing};

/// Milliseconds that clocks in Viet Nam are ahead of UTC.
const VIET_NAM_MS: i64 = 7 * 60 * 60 * 1000;

/// A paper form as typed. Answers that are not named stay as they are.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
pub(super) struct Paper {
    /// Who asked, who answered, and the day on the form: `by`, `answered_by`, `day`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) names: Names,
    /// `answers`, `b1_items`, `members` by id of 32 hex digits, and `asked`: blocks that were asked
    /// though nothing in them is new.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) sheet: Sheet,
}

/// A paper form of a household that is known.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Known {
    /// Heads of the household as shown.
    #[schema(value_type = Vec<String>)]
    pub(super) heads: Vec<ChangeHash>,
    #[serde(flatten)]
    pub(super) paper: Paper,
}

/// A paper form of a household that is on no list.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct New {
    /// Code of its hamlet.
    pub(super) hamlet: String,
    /// Any text that names this form among the sender's: one sent twice makes one household.
    pub(super) entry: String,
    #[serde(flatten)]
    pub(super) paper: Paper,
}

/// What a paper form became.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Entered {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// The change; none where everything was there already.
    #[schema(value_type = Option<String>)]
    pub(super) hash: Option<ChangeHash>,
}

impl Paper {
    /// Puts letters together and lists what cannot be written.
    pub(super) fn checked(self, app: &App, disputes: &[Dispute]) -> Result<Self, Problem> {
        let Self { names, sheet } = self;
        let (names, sheet) = (names.composed(), sheet.composed());
        if sheet.is_empty() {
            return Err(Problem::new(&problem::PAPER_EMPTY));
        }
        let today = Date::of_unix_ms(app.now_ms().saturating_add(VIET_NAM_MS));
        let misfits = [names.misfits(today), sheet.misfits(disputes)].concat();
        if misfits.is_empty() { Ok(Self { names, sheet }) } else { Err(refused(&misfits)) }
    }
}

/// Names each field that cannot be written.
pub(super) fn refused(misfits: &[Misfit]) -> Problem {
    Problem::new(&problem::PAPER_MISFITS).with_items(misfits)
}

/// Types a paper form into a household: a change at exactly the heads shown, by the person signed in.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/households/{document}/paper",
    params(("campaign" = String, Path), ("document" = String, Path)),
    request_body = Known, security(("bearer" = [])), responses(
    (status = 200, body = Entered),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    Json(form): Json<Known>,
) -> Result<Json<Entered>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    open_to_paper(&seen)?;
    let looked = app.materialiser.look(&seen.campaign, document).await?;
    let Looked { standing, .. } = looked.ok_or(&problem::DOCUMENT_BROKEN)?;
    let paper = form.paper.checked(&app, &standing.disputes)?;
    let page = paper.sheet.page(&paper.names, &actor.account.full_name);
    let said = (actor.account.id, document, &form.heads, &page);
    let writer = app.keys.desk_actor(&json(&said)?);
    let writing = Writing { changes: Vec::new(), actor: writer, heads: form.heads.clone(), page };
    let written = app.materialiser.write(&seen.campaign, document, writing).await?;
    let written = written.ok_or(&problem::DOCUMENT_BROKEN)?.map_err(unsettled)?;
    let Some(written) = written else { return Ok(Json(Entered { document, hash: None })) };
    let desk = Desk {
        written: &written,
        account: actor.account.id,
        note: "",
        unmoved: Some([&form.heads, &standing.heads]),
    };
    if let Appended::Now(mut tx) = append(&app, &seen, &at, &desk).await? {
        note(&mut tx, &app, id, &at, &desk, &paper.sheet).await?;
        tx.commit().await?;
        app.materialiser.queue([(id, document)]);
    }
    Ok(Json(Entered { document, hash: Some(written.hash) }))
}

/// Registers a household that is on no list with its paper form.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/paper",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = New, security(("bearer" = [])), responses(
    (status = 200, body = Entered),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn register(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<New>,
) -> Result<Json<Entered>, Problem> {
    let actor = actor.with_role(&[Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    open_to_paper(&seen)?;
    let hamlets = app.store.hamlet_list(id, Some(&unit)).await?;
    if !hamlets.iter().any(|(_, hamlet)| hamlet.code == form.hamlet) {
        return Err(Problem::new(&problem::HAMLET_UNKNOWN));
    }
    let paper = form.paper.checked(&app, &[])?;
    // Of the sender alone, so that nobody can aim at a household there is.
    let named = json(&("new household", actor.account.id, id, &unit, &form.entry))?;
    let new = HouseholdId(app.keys.desk_actor(&named).0);
    let document = document_id(id, new);
    let page = Page {
        opening: Some((id, new)),
        ..paper.sheet.page(&paper.names, &actor.account.full_name)
    };
    let said = (actor.account.id, document, &form.hamlet, &page);
    let written = first_change(&page, app.keys.desk_actor(&json(&said)?))?;
    let at = HouseholdAt {
        document,
        household: new,
        unit,
        hamlet: form.hamlet,
        code: String::new(),
        opening_class: String::new(),
        opening_dtts: false,
        opened_in: (String::new(), String::new()),
        last_position: 0,
    };
    let desk = Desk { written: &written, account: actor.account.id, note: "", unmoved: None };
    add(&app, &seen, &at, &desk, &paper.sheet).await?;
    Ok(Json(Entered { document, hash: Some(written.hash) }))
}

async fn add(
    app: &App,
    seen: &Seen,
    at: &HouseholdAt,
    desk: &Desk<'_>,
    sheet: &Sheet,
) -> Result<(), Problem> {
    let id = seen.campaign.id;
    let mut tx = app.store.begin().await?;
    let position = tx.unit_lock(id, &at.unit).await?;
    if is_there(&mut tx, id, at, desk.written.hash).await? {
        return Ok(());
    }
    if tx.list_step(id, &at.unit).await?.0.is_frozen() {
        return Err(Problem::new(&problem::LIST_FROZEN));
    }
    let row = NewHousehold {
        document: at.document,
        household: at.household,
        unit: &at.unit,
        hamlet: &at.hamlet,
        code: "",
        opening_class: "",
        opening_dtts: false,
        opening_paper: "",
        opening_members: 0,
    };
    if tx.household_get(id, at.document).await?.is_some() {
        // The same form was sent with something else in it, and is written.
        return Err(Problem::new(&problem::HOUSEHOLD_MOVED));
    }
    tx.household_add_all(id, &[row]).await?;
    append_change(&mut tx, app, id, at, desk, position).await?;
    note(&mut tx, app, id, at, desk, sheet).await?;
    tx.commit().await?;
    app.materialiser.queue([(id, at.document)]);
    Ok(())
}

fn open_to_paper(seen: &Seen) -> Result<(), Problem> {
    if seen.campaign.closed { Err(Problem::new(&problem::CAMPAIGN_CLOSED)) } else { Ok(()) }
}

/// Writes the first change of a new household: nothing anybody else wrote is read for it.
fn first_change(page: &Page, actor: shared::id::Actor) -> Result<Written, Problem> {
    let written = write_at::<Vec<u8>>(&[], actor, &[genesis_hash()], page);
    let written = written.ok().flatten().ok_or(&problem::PAPER_EMPTY)?;
    match shared::guard::guard(&written.chunk) {
        Ok(_) => Ok(written),
        Err(_) => Err(Problem::new(&problem::DOCUMENT_TOO_LARGE)),
    }
}

async fn note(
    tx: &mut Tx,
    app: &App,
    id: CampaignId,
    at: &HouseholdAt,
    desk: &Desk<'_>,
    sheet: &Sheet,
) -> Result<(), Problem> {
    let entry = PaperEntry {
        document: at.document,
        hash: desk.written.hash,
        account: desk.account,
        by: String::new(),
        blocks: sheet.blocks().into_iter().collect(),
        at_ms: app.now_ms(),
    };
    Ok(tx.paper_add(id, &at.unit, &entry).await?)
}

fn json(said: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(said).map_err(|_| StoreError::Damaged)
}
