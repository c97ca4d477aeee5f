//! The second entry of a paper form: typed blind, then compared with the first, field by field.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Household, Value};
use mobile_schema::problem;
use shared::id::{CampaignId, DocumentId};
use shared::resolve::Path as AnswerPath;
use shared::scope::Role;
use shared::typed::read;

use super::super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use super::super::past::value_text;
use super::super::words::{key_text, path_text};
use super::typed::{Typed, names, sheet};
use super::{Given, NEW_ROWS, Sheet, Tried, draw, rows_of, shown, told};
use crate::app::App;
use crate::http::extract::{Json, Path, list_unit};
use crate::http::history::heads;
use crate::http::households::{self, Read, household};
use crate::http::paper::Paper;
use crate::http::second_entries::{self, Differing, PaperForm, Right};
use crate::problem::Problem;

/// A field in which the entries differ.
struct Line {
    path: String,
    label: String,
    first: String,
    second: String,
    /// What it was settled to, by whom and why; empty as long as it is not.
    settled: String,
    by: String,
    reason: String,
    notice: Option<Notice>,
    /// What was chosen and typed in a decision that was refused.
    chosen: String,
    other: String,
}

#[derive(Template)]
#[template(path = "office/second.html")]
struct Compared {
    f: Frame,
    id: CampaignId,
    unit: String,
    document: DocumentId,
    head: String,
    first_by: String,
    second_by: String,
    at: String,
    fields: u64,
    lines: Vec<Line>,
    heads: String,
    can_settle: bool,
}

/// Shows the empty form, or how the two entries compare.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(place): Path<(CampaignId, DocumentId)>,
) -> Asked {
    Asked::of(visitor.lang, open(&app, &visitor, place).await)
}

async fn open(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
) -> Result<Response, Problem> {
    let (_, at) = household(app, &visitor.actor(), place.0, place.1).await?;
    match paper_form(app, visitor, place, &at.unit).await? {
        form if form.second.is_some() => {
            compared(app, visitor, place, form, StatusCode::OK, None).await
        }
        _ => blind(app, visitor, place, StatusCode::OK, None).await,
    }
}

/// Finds a paper form of the household, with its second entry.
async fn paper_form(
    app: &App,
    visitor: &Visitor,
    (id, document): (CampaignId, DocumentId),
    unit: &str,
) -> Result<PaperForm, Problem> {
    let path = Path((id, unit.to_owned()));
    let forms = second_entries::list(State(app.clone()), visitor.actor(), path).await?.0.forms;
    let of = forms.into_iter().find(|form| form.document == document);
    of.ok_or_else(|| Problem::new(&problem::PAPER_MISSING))
}

/// Shows the form with nothing of the first entry in it.
async fn blind(
    app: &App,
    visitor: &Visitor,
    (id, document): (CampaignId, DocumentId),
    status: StatusCode,
    tried: Option<Tried<'_>>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let (_, at) = household(app, &visitor.actor(), id, document).await?;
    second_entries::may_type(app, id, document, &at.unit, visitor.account.id).await?;
    let seen = list_unit(app, &visitor.actor(), id, &at.unit).await?;
    let nobody = Household::default();
    let code = if at.code.is_empty() { lang.t("hộ mới", "new household") } else { &at.code };
    let given = Given {
        visitor,
        campaign: &seen.campaign,
        about: code.to_owned(),
        place: at.hamlet.clone(),
        unit: at.unit.clone(),
        base: &nobody,
        current: &nobody,
        disputed: BTreeSet::new(),
        heads: &[],
        rows: tried.as_ref().map_or_else(|| draw(NEW_ROWS[1]), |tried| rows_of(tried.fields)),
        tried: tried.as_ref(),
    };
    let sheet = Sheet { is_second: true, ..shown(given) };
    Ok(page(status, &told(sheet, tried)))
}

/// Takes the second entry.
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
    if fields.get("act") == "more" {
        let tried = Tried { fields, notice: None, misfits: Vec::new(), moved: Vec::new() };
        return blind(app, visitor, place, StatusCode::OK, Some(tried)).await;
    }
    let Typed { sheet, misfits } = sheet(fields, &Household::default());
    let paper = Paper { names: names(fields), sheet };
    let done = if misfits.is_empty() {
        second_entries::enter(State(app.clone()), visitor.actor(), Path(place), Json(paper)).await
    } else {
        Err(super::also(app, paper, misfits))
    };
    match done {
        Ok(_) => Ok(compare_page(place)),
        // The same button twice: it is there.
        Err(problem) if *problem.said().1 == problem::SECOND_ENTRY_DONE => Ok(compare_page(place)),
        Err(problem) => {
            let status = problem.said().0;
            let tried = Tried::of(visitor.lang, fields, &problem);
            blind(app, visitor, place, status, Some(tried)).await
        }
    }
}

fn compare_page((id, document): (CampaignId, DocumentId)) -> Response {
    let to = format!("/office/campaigns/{id}/households/{document}/second");
    Redirect::to(&to).into_response()
}

async fn compared(
    app: &App,
    visitor: &Visitor,
    (id, document): (CampaignId, DocumentId),
    form: PaperForm,
    status: StatusCode,
    tried: Option<(&Fields, Notice)>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let read = households::read(State(app.clone()), visitor.actor(), Path((id, document)));
    let Read { unit, standing, household, .. } = read.await?.0;
    let Some(second) = form.second else { return Err(Problem::new(&problem::NOT_FOUND)) };
    let lines = second.differences.iter().map(|one| {
        let tried = tried.as_ref().filter(|(fields, _)| fields.get("path") == one.difference.path);
        line(lang, one, &household, tried)
    });
    let heads: Vec<String> = standing.heads.iter().map(ToString::to_string).collect();
    let page_of = Compared {
        f: visitor.frame(lang.t("So sánh hai lần nhập", "The two entries compared")),
        id,
        unit,
        document,
        head: form.head,
        first_by: form.by.join(", "),
        second_by: second.by.clone(),
        at: time_text(second.at_ms),
        fields: second.fields,
        lines: lines.collect(),
        heads: heads.join(","),
        can_settle: visitor.account.post.role == Role::Officer,
    };
    Ok(page(status, &page_of))
}

fn line(
    lang: Lang,
    one: &Differing,
    household: &Household,
    tried: Option<&(&Fields, Notice)>,
) -> Line {
    let path: Option<AnswerPath> = one.difference.path.parse().ok();
    let text = |value: &Option<Value>| match (value, &path) {
        (None, Some(_)) => lang.t("(để trống)", "(empty)").to_owned(),
        (None, None) => lang.t("(không có)", "(not there)").to_owned(),
        (Some(value), Some(path)) => value_text(lang, path, value),
        (Some(value), None) => value.as_text().unwrap_or_default().to_owned(),
    };
    let typed = |name: &str| tried.map_or("", |(fields, _)| fields.get(name)).to_owned();
    Line {
        label: match &path {
            Some(path) => path_text(lang, path, &household.members),
            None => {
                let name = key_text(lang, &one.difference.path, &household.members);
                format!("{}: {name}", lang.t("Thành viên", "Member"))
            }
        },
        path: one.difference.path.clone(),
        first: text(&one.difference.first),
        second: text(&one.difference.second),
        settled: one.settled.as_ref().map(|done| text(&done.value)).unwrap_or_default(),
        by: one.settled.as_ref().map(|done| done.by.clone()).unwrap_or_default(),
        reason: one.settled.as_ref().map_or_else(|| typed("reason"), |done| done.reason.clone()),
        notice: tried.map(|(_, notice)| notice.clone()),
        chosen: typed("right"),
        other: typed("other"),
    }
}

/// Names which value of a difference is right.
pub(super) async fn settle(
    State(app): State<App>,
    Path(place): Path<(CampaignId, DocumentId)>,
    posted: Posted,
) -> Asked {
    let Posted { visitor, fields } = posted;
    Asked::of(visitor.lang, settled(&app, &visitor, place, &fields).await)
}

async fn settled(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    fields: &Fields,
) -> Result<Response, Problem> {
    let (_, at) = household(app, &visitor.actor(), place.0, place.1).await?;
    let form = paper_form(app, visitor, place, &at.unit).await?;
    let done = async {
        let path = fields.get("path").to_owned();
        let differences = form.second.iter().flat_map(|second| &second.differences);
        let one = differences.map(|one| &one.difference).find(|one| one.path == path);
        let one = one.ok_or(&problem::NOT_FOUND)?;
        let value = match fields.get("right") {
            "first" => one.first.clone(),
            "second" => one.second.clone(),
            _ => Some(other(&path, fields.get("other"))?),
        };
        let (heads, reason) = (heads(fields.get("heads"))?, fields.get("reason").to_owned());
        let right = Json(Right { heads, path, value, reason });
        second_entries::settle(State(app.clone()), visitor.actor(), Path(place), right).await
    };
    match done.await {
        Ok(_) => Ok(compare_page(place)),
        Err(problem) => {
            let notice = Notice::of(visitor.lang, &problem);
            let status = problem.said().0;
            compared(app, visitor, place, form, status, Some((fields, notice))).await
        }
    }
}

/// Reads a value that is neither of the two.
fn other(path: &str, typed: &str) -> Result<Value, Problem> {
    let unreadable = || Problem::new(&problem::SETTLE_UNREADABLE);
    let kind = |key: &str, scope| {
        Form::phieu_b().find(key, scope).map(|place| &place.question.kind).ok_or_else(unreadable)
    };
    let kind = match path.parse::<AnswerPath>().map_err(|_| unreadable())? {
        AnswerPath::Answer(key) => kind(&key, Scope::Household)?,
        AnswerPath::Member(_, key) => kind(&key, Scope::Member)?,
        AnswerPath::B1Item(_) => {
            return typed.trim().parse().map(Value::Int).map_err(|_| unreadable());
        }
    };
    match read(kind, typed) {
        Ok(value) => value.ok_or_else(unreadable),
        Err(objection) => Err(unreadable().with_items(&[objection])),
    }
}
