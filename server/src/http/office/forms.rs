//! The official forms as pages, their files, and preliminary reports.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::problem;
use serde_json::Value;
use shared::forms::Form;
use shared::id::CampaignId;
use shared::scope::Role;
use shared::unit::UnitTree;

use super::form;
use super::frame::{
    Asked, Frame, Lang, Notice, Posted, Visitor, guarded, page, refused, time_text,
};
use crate::app::App;
use crate::http::extract::{Path, Query, Seen, campaign as find};
use crate::http::forms::gather::{Which, covered_unit, list_units, name_of};
use crate::http::forms::{self as api, Make, Of};
use crate::problem::Problem;

/// Pages and files of the forms.
pub(super) fn routes() -> Router<App> {
    let forms = "/office/campaigns/{campaign}/forms";
    Router::new()
        .route(forms, get(index).post(freeze))
        .route(&format!("{forms}/{{form}}"), get(form::show))
        .route(&format!("{forms}/{{form}}/csv"), get(csv))
        .route(&format!("{forms}/{{form}}/xlsx"), get(xlsx))
        .route(&format!("{forms}.xlsx"), get(all))
}

/// A form as the index names it.
struct Named {
    code: &'static str,
    short: &'static str,
    title: &'static str,
}

fn named(lang: Lang) -> Vec<Named> {
    let name = |form: Form| {
        let (short, title) = (form.short(), form.title());
        Named {
            code: form.code(),
            short: lang.t(short.vi, short.en),
            title: lang.t(title.vi, title.en),
        }
    };
    Form::ALL.into_iter().map(name).collect()
}

/// A preliminary report as the index shows it.
struct Frozen {
    number: i64,
    at: String,
    by: String,
    coverage: String,
    digest: String,
}

#[derive(Template)]
#[template(path = "office/forms.html")]
struct Index {
    f: Frame,
    id: CampaignId,
    campaign: String,
    unit: String,
    name: String,
    /// Units above that the person may see, and those below.
    above: Option<(String, String)>,
    below: Vec<(String, String)>,
    lists: usize,
    due: usize,
    missing: Vec<(String, String)>,
    forms: Vec<Named>,
    frozen: Vec<Frozen>,
    next: i64,
    may_freeze: bool,
    notice: Option<Notice>,
}

/// Missing lists that the index names.
const MISSING_MAX: usize = 30;

/// Shows which figures there are of a unit.
async fn index(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(of): Query<Of>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, index_page(&app, &visitor, id, of.under, None).await)
}

pub(super) async fn index_page(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    under: Option<String>,
    refusal: Option<&Problem>,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = find(app, &actor, id).await?;
    let unit = covered_unit(&seen, &actor, under)?;
    let steps = app.store.list_steps(id).await?;
    let units: Vec<(String, String)> = list_units(&seen.tree, &unit).collect();
    let due = units.len();
    let is_recognised =
        |code: &String| steps.get(code).is_some_and(|step| step.name() == "recognised");
    let missing: Vec<_> = units.into_iter().filter(|(code, _)| !is_recognised(code)).collect();
    let made = app.store.preliminary_list(id, &unit).await?;
    let role = actor.account.post.role;
    let shown = Index {
        f: visitor.frame(lang.t("Biểu tổng hợp 7.1 – 7.5", "Report forms 7.1 – 7.5")),
        id,
        above: above(&seen, &unit, |code| actor.account.post.covers(&seen.tree, code)),
        below: below(&seen.tree, &unit),
        name: name_of(&seen.tree, &unit),
        campaign: seen.campaign.name.clone(),
        lists: due - missing.len(),
        due,
        missing,
        forms: named(lang),
        next: made.first().map_or(0, |made| made.number) + 1,
        frozen: made
            .into_iter()
            .map(|made| Frozen {
                number: made.number,
                at: time_text(made.made_at_ms),
                by: made.by,
                coverage: format!("{}/{}", made.covered, made.due),
                digest: made.digest.to_string(),
            })
            .collect(),
        may_freeze: matches!(role, Role::Province | Role::District),
        notice: refusal.map(|problem| notice(lang, problem)),
        unit,
    };
    let status = refusal.map_or(StatusCode::OK, |problem| problem.said().0);
    Ok(page(status, &shown))
}

fn above(seen: &Seen, unit: &str, may: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let parent = seen.tree.ancestors(unit).into_iter().next()?;
    may(parent.code()).then(|| (parent.code().to_owned(), parent.full_name()))
}

fn below(tree: &UnitTree, unit: &str) -> Vec<(String, String)> {
    let below = tree.children(unit).into_iter();
    below.map(|unit| (unit.code().to_owned(), unit.full_name())).collect()
}

/// Writes a refusal with what is missing, or with each difference.
fn notice(lang: Lang, problem: &Problem) -> Notice {
    let (_, name, items) = problem.said();
    let items = match name.name {
        "report-not-closed" => items.iter().map(|item| difference_text(lang, item)).collect(),
        "report-incomplete" => {
            items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
        }
        _ => return Notice::of(lang, problem),
    };
    Notice { name: name.name, text: lang.t(name.vi, name.en), items }
}

fn difference_text(lang: Lang, item: &Value) -> String {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let number = |key: &str| item[key].as_i64().unwrap_or_default();
    let area = match text("area") {
        "urban" => lang.t("thành thị", "urban"),
        _ => lang.t("nông thôn", "rural"),
    };
    format!(
        "{} ({area}), {} {}: {} {}, {} {}, {} {:+}",
        text("name"),
        lang.t("kiểm tra", "check"),
        text("check"),
        lang.t("tính từ biến động", "computed from the flows"),
        number("computed"),
        lang.t("đếm được", "counted"),
        number("counted"),
        lang.t("chênh lệch", "difference"),
        number("difference"),
    )
}

/// Freezes a preliminary report.
async fn freeze(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    Query(of): Query<Of>,
    Posted { visitor, fields }: Posted,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let number = fields.get("number").parse();
            let number = number.map_err(|_| Problem::new(&problem::QUERY_MALFORMED))?;
            let (under, actor) = (of.under.clone(), visitor.actor());
            let form = crate::http::extract::Json(Make { number });
            match api::make(State(app.clone()), actor, Path(id), Query(of), form).await {
                Ok(made) => {
                    let to = format!("/office/campaigns/{id}/forms?under={}", made.0.unit);
                    Ok(Redirect::to(&to).into_response())
                }
                Err(refusal) if refusal.said().0 == StatusCode::CONFLICT => {
                    index_page(&app, &visitor, id, under, Some(&refusal)).await
                }
                Err(refusal) => Err(refusal),
            }
        }
        .await,
    )
}

/// Hands a file out under the rules of the pages.
fn file(lang: Lang, made: Result<Response, Problem>) -> Response {
    made.map_or_else(|problem| refused(lang, &problem), guarded)
}

async fn csv(
    State(app): State<App>,
    visitor: Visitor,
    path: Path<(CampaignId, String)>,
    query: Query<Which>,
) -> Response {
    file(visitor.lang, api::read_csv(State(app), visitor.actor(), path, query).await)
}

async fn xlsx(
    State(app): State<App>,
    visitor: Visitor,
    path: Path<(CampaignId, String)>,
    query: Query<Which>,
) -> Response {
    file(visitor.lang, api::read_xlsx(State(app), visitor.actor(), path, query).await)
}

async fn all(
    State(app): State<App>,
    visitor: Visitor,
    path: Path<CampaignId>,
    query: Query<Which>,
) -> Response {
    file(visitor.lang, api::read_all(State(app), visitor.actor(), path, query).await)
}
