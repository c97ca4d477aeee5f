//! Typing paper forms: one page for a household of the list, one for a new household.
//!
//! The page shows fields and sends what was typed to the API's own function; nothing is decided here.

mod grid;
mod list;
mod new;
mod second;
mod typed;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use mobile_schema::household::Household;
use mobile_schema::problem;
use shared::id::{CampaignId, ChangeHash, DocumentId, to_hex};
use shared::paper::{MEMBERS_MAX, Misfit};
use shared::scope::Role;
use shared::score::ScoreTable;

use self::grid::{Block, Filling, Shape};
use self::typed::{Typed, names, new_rows, sheet};
use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page};
use super::past::{Change, changes};
use crate::app::App;
use crate::http::extract::{Json, Path, Query, list_unit};
use crate::http::history::{self, History, Since};
use crate::http::households::{self, Read};
use crate::http::paper::{self, Known, Paper};
use crate::keys::random;
use crate::problem::Problem;
use crate::store::campaign::Campaign;

/// Rows for members who are on no list yet: of a known household, and of a new one.
const NEW_ROWS: [usize; 2] = [3, 8];

/// Rows that one press of the button adds.
const MORE_ROWS: usize = 5;

/// The pages for typing from paper.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    let (unit, household) =
        (format!("{campaign}/units/{{unit}}/paper"), format!("{campaign}/households/{{document}}"));
    Router::new()
        .route(&unit, get(list::show))
        .route(&format!("{unit}/new"), get(new::show).post(new::register))
        .route(&format!("{household}/paper"), get(show).post(enter))
        .route(&format!("{household}/second"), get(second::show).post(second::enter))
        .route(&format!("{household}/second/settle"), post(second::settle))
}

/// A page with the fields of a form.
#[derive(Template)]
#[template(path = "office/paper.html")]
struct Sheet {
    f: Frame,
    id: CampaignId,
    unit: String,
    /// Says which household it is, or that it is a new one.
    about: String,
    /// Code and hamlet.
    place: String,
    /// Typed blind, to be compared.
    is_second: bool,
    /// Hamlets to choose from, of a new household.
    hamlets: Vec<(String, String, bool)>,
    hamlet_error: String,
    /// Names this form among the sender's, of a new household.
    entry: String,
    heads: String,
    rows: String,
    notice: Option<Notice>,
    /// What others wrote since the page was shown.
    moved: Vec<Change>,
    by: Name,
    answered_by: Name,
    day: Name,
    typed_by: String,
    blocks: Vec<Block>,
    /// Fields that are to be mended.
    wrong: usize,
}

/// A field of the head of the form.
struct Name {
    value: String,
    error: String,
}

/// What a page with fields is made of.
struct Given<'a> {
    visitor: &'a Visitor,
    campaign: &'a Campaign,
    unit: String,
    about: String,
    place: String,
    base: &'a Household,
    current: &'a Household,
    disputed: BTreeSet<String>,
    heads: &'a [ChangeHash],
    tried: Option<&'a Tried<'a>>,
    rows: Vec<String>,
}

/// A form that was not taken, and why.
struct Tried<'a> {
    fields: &'a Fields,
    notice: Option<Notice>,
    misfits: Vec<Misfit>,
    moved: Vec<Change>,
}

impl<'a> Tried<'a> {
    fn of(lang: Lang, fields: &'a Fields, problem: &Problem) -> Self {
        let (.., items) = problem.said();
        let misfits = items.iter().filter_map(|item| serde_json::from_value(item.clone()).ok());
        let misfits: Vec<Misfit> = misfits.collect();
        let mut notice = Notice::of(lang, problem);
        if !misfits.is_empty() {
            // Each is said at its field.
            notice.items.clear();
        }
        Self { fields, notice: Some(notice), misfits, moved: Vec::new() }
    }
}

/// Names the hamlets of a unit by code.
async fn hamlet_names(
    app: &App,
    id: CampaignId,
    unit: &str,
) -> Result<BTreeMap<String, String>, Problem> {
    let hamlets = app.store.hamlet_list(id, Some(unit)).await?.into_iter();
    Ok(hamlets.map(|(_, of)| (of.code, format!("{} {}", of.type_word, of.name))).collect())
}

fn draw(rows: usize) -> Vec<String> {
    (0..rows).map(|_| to_hex(&random::<16>())).collect()
}

/// Makes the page.
fn shown(given: Given<'_>) -> Sheet {
    let lang = given.visitor.lang;
    let fields = given.tried.map(|tried| tried.fields);
    let misfits = given.tried.map(|tried| tried.misfits.as_slice()).unwrap_or_default();
    let errors: BTreeMap<String, String> = misfits
        .iter()
        .map(|misfit| (misfit.path.clone(), lang.t(&misfit.text.vi, &misfit.text.en).to_owned()))
        .collect();
    let table = match given.campaign.score_table.as_str() {
        "" => None,
        json => ScoreTable::parse(json, None).ok(),
    };
    let filling = Filling {
        lang,
        fields,
        base: given.base,
        current: given.current,
        new: &given.rows,
        errors: &errors,
        disputed: &given.disputed,
        table: table.as_ref(),
    };
    let name = |field: &str| Name {
        value: fields.map_or("", |fields| fields.get(field)).to_owned(),
        error: errors.get(&format!("asked/{field}")).cloned().unwrap_or_default(),
    };
    let heads: Vec<String> = given.heads.iter().map(ToString::to_string).collect();
    Sheet {
        f: given.visitor.frame(lang.t("Nhập phiếu giấy", "Paper form")),
        id: given.campaign.id,
        unit: given.unit,
        about: given.about,
        place: given.place,
        is_second: false,
        hamlets: Vec::new(),
        hamlet_error: errors.get("hamlet").cloned().unwrap_or_default(),
        entry: String::new(),
        heads: heads.join(","),
        notice: None,
        moved: Vec::new(),
        by: name("by"),
        answered_by: name("answered_by"),
        day: name("day"),
        typed_by: given.visitor.account.full_name.clone(),
        blocks: filling.blocks(),
        wrong: errors.len(),
        rows: given.rows.join(","),
    }
}

/// Adds what is wrong to a page.
fn told(sheet: Sheet, tried: Option<Tried<'_>>) -> Sheet {
    let Some(tried) = tried else { return sheet };
    Sheet { notice: tried.notice, moved: tried.moved, ..sheet }
}

/// Which rows a form has after a press of a button.
fn rows_of(fields: &Fields) -> Vec<String> {
    let mut rows = new_rows(fields);
    if fields.get("act") == "more" {
        rows.extend(draw(MORE_ROWS.min(MEMBERS_MAX.saturating_sub(rows.len()))));
    }
    rows
}

/// Only a commune's officer types forms into the log.
fn may_type(visitor: &Visitor) -> Result<(), Problem> {
    visitor.actor().with_role(&[Role::Officer]).map(drop)
}

/// Shows the form of a household.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Asked {
    Asked::of(visitor.lang, form(&app, &visitor, (id, document), StatusCode::OK, None).await)
}

async fn form(
    app: &App,
    visitor: &Visitor,
    (id, document): (CampaignId, DocumentId),
    status: StatusCode,
    tried: Option<Tried<'_>>,
) -> Result<Response, Problem> {
    may_type(visitor)?;
    let read = households::read(State(app.clone()), visitor.actor(), Path((id, document)));
    let Read { code, unit, standing, household, .. } = read.await?.0;
    let seen = list_unit(app, &visitor.actor(), id, &unit).await?;
    let hamlet = hamlet_names(app, id, &unit).await?.remove(&standing.row.hamlet);
    let hamlet = hamlet.unwrap_or_else(|| standing.row.hamlet.clone());
    let base = match &tried {
        Some(tried) => past(app, visitor, (id, document), tried.fields).await?.then,
        None => household.clone(),
    };
    let rows = tried.as_ref().map_or_else(|| draw(NEW_ROWS[0]), |tried| rows_of(tried.fields));
    // A row that was written meanwhile is a member, and no row for a new one.
    let rows = rows.into_iter().filter(|id| !household.members.contains_key(id)).collect();
    let given = Given {
        visitor,
        campaign: &seen.campaign,
        about: standing.head.clone(),
        place: [code, hamlet].join(" · "),
        unit,
        base: &base,
        current: &household,
        disputed: standing.disputes.iter().map(|dispute| dispute.path.to_string()).collect(),
        heads: &standing.heads,
        tried: tried.as_ref(),
        rows,
    };
    let sheet = shown(given);
    Ok(page(status, &told(sheet, tried)))
}

/// Reads the household as it was shown when a form was typed, and what came since.
async fn past(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    fields: &Fields,
) -> Result<History, Problem> {
    let since = Since { since: fields.get("heads").to_owned() };
    let path = Path(place);
    Ok(history::read(State(app.clone()), visitor.actor(), path, Query(since)).await?.0)
}

/// Takes the form of a household.
pub(super) async fn enter(
    State(app): State<App>,
    Path(place): Path<(CampaignId, DocumentId)>,
    posted: Posted,
) -> Asked {
    let Posted { visitor, fields } = posted;
    Asked::of(visitor.lang, entered(&app, &visitor, place, &fields).await)
}

async fn entered(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    fields: &Fields,
) -> Result<Response, Problem> {
    may_type(visitor)?;
    let lang = visitor.lang;
    if fields.get("act") == "more" {
        let tried = Tried { fields, notice: None, misfits: Vec::new(), moved: Vec::new() };
        return form(app, visitor, place, StatusCode::OK, Some(tried)).await;
    }
    let then = past(app, visitor, place, fields).await?;
    let Typed { sheet, misfits } = sheet(fields, &then.then);
    let paper = Paper { names: names(fields), sheet };
    let heads = history::heads(fields.get("heads"))?;
    let done = if misfits.is_empty() {
        let known = Json(Known { heads, paper });
        paper::enter(State(app.clone()), visitor.actor(), Path(place), known).await
    } else {
        Err(also(app, paper, misfits))
    };
    let Err(problem) = done else {
        let (id, document) = place;
        let to = format!("/office/campaigns/{id}/households/{document}#class");
        return Ok(Redirect::to(&to).into_response());
    };
    let (status, name, _) = problem.said();
    let mut tried = Tried::of(lang, fields, &problem);
    if *name == problem::HOUSEHOLD_MOVED {
        tried.moved = changes(lang, &then.since, &then.then.members);
    }
    form(app, visitor, place, status, Some(tried)).await
}

/// Names the fields that cannot be read together with whatever else is wrong.
fn also(app: &App, paper: Paper, mut misfits: Vec<Misfit>) -> Problem {
    if let Err(problem) = paper.checked(app, &[]) {
        let (.., items) = problem.said();
        misfits.extend(items.iter().filter_map(|item| serde_json::from_value(item.clone()).ok()));
    }
    paper::refused(&misfits)
}
