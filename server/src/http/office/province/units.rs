//! Administrative units as they are on a day, with their period and area type; loading a list.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::date::Date;
use shared::scope::Role;
use shared::unit::{Area, Level, Unit, UnitTree};

use super::super::frame::{Asked, Frame, Lang, Posted, Visitor, page};
use super::Tried;
use crate::app::App;
use crate::http::extract::{Query, Text, stands_in};
use crate::http::imports;
use crate::problem::Problem;

/// The day that is looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct On {
    #[serde(default)]
    on: String,
}

/// One unit.
struct Line {
    code: String,
    name: String,
    level: &'static str,
    area: String,
    from: String,
    to: String,
}

#[derive(Template)]
#[template(path = "office/province/units.html")]
struct Page {
    f: Frame,
    on: String,
    on_text: String,
    lines: Vec<Line>,
    /// The own unit's code means this unit on the day.
    known: bool,
    is_province: bool,
    faults: Vec<String>,
    tried: Tried,
}

/// Shows the own unit and everything below it.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<On>,
) -> Asked {
    Asked::of(visitor.lang, shown(&app, &visitor, &query.on, Tried::default(), Vec::new()).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    on: &str,
    tried: Tried,
    faults: Vec<String>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let by = &visitor.account;
    let units = app.units().await?;
    let day = Date::parse(on).unwrap_or(by.unit_on);
    let tree = units.at(day);
    let known = stands_in(&units, by, &tree);
    let mut lines = Vec::new();
    if known {
        below(lang, &tree, &by.post.unit, &mut lines);
    }
    let status = tried.status;
    let page_of = Page {
        f: visitor.frame(lang.t("Đơn vị hành chính", "Administrative units")),
        on: day.to_string(),
        on_text: day.text_vi(),
        lines,
        known,
        is_province: by.post.role == Role::Province,
        faults,
        tried,
    };
    Ok(page(status, &page_of))
}

fn below(lang: Lang, tree: &UnitTree, code: &str, lines: &mut Vec<Line>) {
    let Some(unit) = tree.get(code) else { return };
    lines.push(line(lang, unit));
    for child in tree.children(code) {
        below(lang, tree, child.code(), lines);
    }
}

fn line(lang: Lang, unit: &Unit) -> Line {
    let day = |date: Option<Date>| date.map_or_else(String::new, Date::text_vi);
    let area = match unit.area {
        Some(Area::Urban) => lang.t("thành thị", "urban"),
        Some(Area::Rural) => lang.t("nông thôn", "rural"),
        None => "",
    };
    let doubt =
        if unit.area_unverified { lang.t(" (chưa đối chiếu)", " (unverified)") } else { "" };
    Line {
        code: unit.code().to_owned(),
        name: unit.full_name(),
        level: match unit.level {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune => "commune",
        },
        area: format!("{area}{doubt}"),
        from: day(unit.key.valid_from),
        to: day(unit.key.valid_to),
    }
}

/// Loads a list of units beside those known.
pub(super) async fn load(State(app): State<App>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    // Browsers send line ends as two signs; the list has one.
    let text = Text(fields.get("list").replace("\r\n", "\n"));
    let result = match imports::units(State(app.clone()), visitor.actor(), text).await {
        Ok(_) => Ok(Redirect::to("/office/units").into_response()),
        Err(problem) => {
            let (_, _, items) = problem.said();
            let faults = items.iter().map(|item| {
                let (line, column) = (&item["line"], item["column"].as_str().unwrap_or_default());
                let said = item[lang.t("vi", "en")].as_str().unwrap_or_default();
                format!("{} {line} {column}: {said}", lang.t("Dòng", "Line"))
            });
            let faults = faults.collect();
            let tried = Tried::of(lang, &problem, "list", fields);
            shown(&app, &visitor, "", tried, faults).await
        }
    };
    Asked::of(lang, result)
}
