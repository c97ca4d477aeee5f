//! People: who has an account, adding one, closing and opening one, a one-time password.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use serde::Deserialize;
use shared::date::Date;
use shared::id::AccountId;
use shared::scope::Role;
use shared::text::folded;

use super::super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, page, time_text};
use super::{Part, ROWS_MAX, Tried};
use crate::app::App;
use crate::http::accounts::{self, NewPerson};
use crate::http::extract::{Json, Path, Query};
use crate::http::passwords::{self, Drawn};
use crate::problem::Problem;

/// What is looked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    page: String,
}

/// One account as the page shows it.
struct Line {
    id: AccountId,
    name: String,
    full_name: String,
    role: &'static str,
    unit: String,
    disabled: bool,
    /// The person who looks may close and open it.
    managed: bool,
    /// A one-time password can be drawn for it.
    drawable: bool,
}

/// A one-time password, shown in the answer that made it and nowhere else.
struct Secret {
    name: String,
    password: String,
    until: String,
}

#[derive(Template)]
#[template(path = "office/province/accounts.html")]
struct Page {
    f: Frame,
    filter: Filter,
    roles: Vec<(&'static str, &'static str)>,
    addable: Vec<(&'static str, &'static str)>,
    lines: Vec<Line>,
    found: usize,
    part: Part,
    own_unit: String,
    secret: Option<Secret>,
    tried: Tried,
}

pub(super) fn role_text(lang: Lang, role: &str) -> &'static str {
    match Role::from_name(role) {
        Some(Role::Province) => lang.t("Tỉnh", "Province"),
        Some(Role::District) => lang.t("Huyện", "District"),
        Some(Role::Officer) => lang.t("Công chức xã", "Commune officer"),
        Some(Role::Enumerator) | None => lang.t("Rà soát viên", "Enumerator"),
    }
}

fn roles(lang: Lang, of: &[Role]) -> Vec<(&'static str, &'static str)> {
    of.iter().map(|role| (role.name(), role_text(lang, role.name()))).collect()
}

/// Lists the accounts of the office's own unit and of those below it.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
) -> Asked {
    Asked::of(visitor.lang, shown(&app, &visitor, filter, (None, Tried::default())).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    filter: Filter,
    (secret, tried): (Option<Secret>, Tried),
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let by = &visitor.account;
    let people = accounts::list(State(app.clone()), visitor.actor()).await?.0;
    let wanted = folded(filter.q.trim());
    let units = app.units().await?;
    let fitting: Vec<_> = people
        .into_iter()
        .filter(|one| filter.role.is_empty() || one.role == filter.role)
        .filter(|one| {
            let text = format!("{} {} {}", one.name, one.full_name, one.unit);
            wanted.is_empty() || folded(&text).contains(&wanted)
        })
        .collect();
    let is_province = by.post.role == Role::Province;
    let line = |one: &accounts::Person| {
        let tree = Date::parse(&one.unit_on).ok().map(|day| units.at(day));
        let unit = tree.and_then(|tree| tree.get(&one.unit).map(|unit| unit.full_name()));
        let enumerator = one.role == Role::Enumerator.name();
        let keeper = is_province || (by.post.role == Role::Officer && enumerator);
        Line {
            id: one.id,
            name: one.name.clone(),
            full_name: one.full_name.clone(),
            role: role_text(lang, &one.role),
            unit: format!("{} {}", one.unit, unit.unwrap_or_default()),
            disabled: one.disabled,
            managed: keeper && one.id != by.id,
            drawable: is_province && !enumerator && !one.disabled && one.id != by.id,
        }
    };
    let all = [Role::Province, Role::District, Role::Officer, Role::Enumerator];
    let addable = match by.post.role {
        // Most accounts are of people in hamlets: the widest role is never the one offered first.
        Role::Province => {
            roles(lang, &[Role::Enumerator, Role::Officer, Role::District, Role::Province])
        }
        Role::Officer => roles(lang, &[Role::Enumerator]),
        Role::District | Role::Enumerator => Vec::new(),
    };
    let part = Part::of(fitting.len(), &filter.page);
    let lines = fitting.iter().skip(part.skipped()).take(ROWS_MAX).map(line).collect();
    let (f, found) = (visitor.frame(lang.t("Tài khoản", "Accounts")), fitting.len());
    let own_unit = by.post.unit.clone();
    let (roles, status) = (roles(lang, &all), tried.status);
    let shown = Page { f, filter, roles, addable, lines, found, part, own_unit, secret, tried };
    Ok(page(status, &shown))
}

/// What a form of the page asks for.
enum Done {
    /// Nothing more to say: back to the list.
    Plain,
    /// A password that is shown now.
    Drew(Drawn),
}

/// Adds a person, closes or opens an account, or draws a one-time password.
pub(super) async fn act(State(app): State<App>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let done = decided(&app, &visitor, &fields).await;
    let filter = Filter::default();
    let result = match done {
        Ok(Done::Plain) => Ok(Redirect::to("/office/accounts").into_response()),
        Ok(Done::Drew(drawn)) => {
            let until = time_text(drawn.until_ms);
            let secret = Secret { name: drawn.name, password: drawn.password, until };
            shown(&app, &visitor, filter, (Some(secret), Tried::default())).await
        }
        Err(problem) => {
            let field = field_of(&problem, &fields);
            let tried = Tried::of(lang, &problem, field, fields);
            shown(&app, &visitor, filter, (None, tried)).await
        }
    };
    Asked::of(lang, result)
}

/// Names the field of the form for adding that a refusal is about.
fn field_of(problem: &Problem, fields: &Fields) -> &'static str {
    let (_, name, _) = problem.said();
    if fields.get("act") != "add" {
        return "";
    }
    match name.name {
        "forbidden" => "unit",
        "body-malformed" if fields.get("full_name").trim().is_empty() => "full_name",
        _ => "name",
    }
}

async fn decided(app: &App, visitor: &Visitor, fields: &Fields) -> Result<Done, Problem> {
    let (state, actor) = (State(app.clone()), visitor.actor());
    if fields.get("act") == "add" {
        return add(app, visitor, fields).await;
    }
    let account: AccountId = fields.get("account").parse().map_err(|_| &problem::NOT_FOUND)?;
    match fields.get("act") {
        "disable" => passwords::disable(state, actor, Path(account)).await.map(|_| Done::Plain),
        "enable" => passwords::enable(state, actor, Path(account)).await.map(|_| Done::Plain),
        "draw" => {
            passwords::draw(state, actor, Path(account)).await.map(|drawn| Done::Drew(drawn.0))
        }
        _ => Err(Problem::new(&problem::BODY_MALFORMED)),
    }
}

/// Adds one person; somebody of an office gets a one-time password with it.
async fn add(app: &App, visitor: &Visitor, fields: &Fields) -> Result<Done, Problem> {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let day = text("on");
    let person = NewPerson {
        name: text("name"),
        full_name: text("full_name"),
        password: None,
        role: text("role"),
        unit: text("unit"),
        on: (!day.is_empty()).then_some(day),
    };
    let is_office = person.role != Role::Enumerator.name();
    let added = accounts::add(State(app.clone()), visitor.actor(), Json(vec![person])).await?.0;
    match added.first().filter(|_| is_office) {
        None => Ok(Done::Plain),
        Some(one) => {
            let drawn = passwords::draw(State(app.clone()), visitor.actor(), Path(one.id)).await?;
            Ok(Done::Drew(drawn.0))
        }
    }
}
