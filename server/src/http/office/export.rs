//! Tables that are taken, and the columns they have.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::problem;
use serde::Deserialize;
use shared::id::CampaignId;
use shared::layout::{self, Column, Field, Rows, fields};
use shared::scope::Role;
use shared::unit::UnitTree;

use super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, page, time_text};
use crate::app::App;
use crate::http::download::attachment;
use crate::http::export::{Order, may_have_numbers, start, units_under};
use crate::http::extract::{Json, Path, Query, campaign};
use crate::http::layouts::{self, InForce, NewLayout, in_force};
use crate::imports::file::Format;
use crate::problem::Problem;
use crate::standing::standard_named;

/// The pages of exports.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    Router::new()
        .route(&format!("{campaign}/export"), get(show))
        .route(&format!("{campaign}/export/file"), get(file))
        .route(&format!("{campaign}/layouts"), get(edit).post(save))
}

fn layout_text(lang: Lang, name: &str) -> String {
    match name {
        "exchange" => lang.t(
            "Mẫu trao đổi (mỗi thành viên một dòng, ba trang)",
            "Exchange layout (a row a member, three sheets)",
        ),
        "households" => {
            lang.t("Mỗi hộ một dòng, đủ thông tin", "A row a household, with everything")
        }
        "members" => {
            lang.t("Mỗi thành viên một dòng, đủ thông tin", "A row a member, with everything")
        }
        other => other,
    }
    .to_owned()
}

/// Lists what a person may take: the own unit and what is below it.
fn choices(tree: &UnitTree, top: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut open = vec![(top.to_owned(), 0)];
    while let Some((code, depth)) = open.pop() {
        let Some(unit) = tree.get(&code) else { continue };
        let indent = "\u{2003}".repeat(depth);
        all.push((code.clone(), format!("{indent}{}", unit.full_name())));
        let below = tree.children(&code).into_iter().rev();
        open.extend(below.map(|unit| (unit.code().to_owned(), depth + 1)));
    }
    all
}

#[derive(Template)]
#[template(path = "office/export.html")]
struct Export {
    f: Frame,
    id: CampaignId,
    campaign: String,
    units: Vec<(String, String)>,
    layouts: Vec<(String, String)>,
    has_numbers: bool,
    is_province: bool,
}

/// Shows what can be taken.
async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<CampaignId>) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let seen = campaign(&app, &visitor.actor(), id).await?;
            let layouts = in_force(&app, &seen).await?.into_iter();
            let layouts = layouts.map(|one| (one.name.clone(), layout_text(lang, &one.name)));
            let post = &visitor.account.post;
            let shown = Export {
                f: visitor.frame(lang.t("Xuất bảng tính", "Export tables")),
                id,
                units: choices(&seen.tree, &post.unit),
                layouts: layouts.collect(),
                has_numbers: may_have_numbers(post.role),
                is_province: post.role == Role::Province,
                campaign: seen.campaign.name,
            };
            Ok(page(StatusCode::OK, &shown))
        }
        .await,
    )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    unit: String,
    #[serde(default)]
    layout: String,
    #[serde(default)]
    format: String,
    /// `1` asks for identity numbers in full.
    #[serde(default)]
    numbers: String,
}

/// Sends a table.
async fn file(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(wanted): Query<Wanted>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let actor = visitor.actor();
            let seen = campaign(&app, &actor, id).await?;
            let units = units_under(&actor, &seen, &wanted.unit)?;
            let mut layouts = in_force(&app, &seen).await?.into_iter();
            let layout = layouts.find(|layout| layout.name == wanted.layout);
            let layout = layout.ok_or(&problem::NOT_FOUND)?.layout;
            let format = match wanted.format.as_str() {
                "csv" => Format::Csv(b','),
                _ => Format::Xlsx,
            };
            let numbers_in_full =
                wanted.numbers == "1" && may_have_numbers(actor.account.post.role);
            let unit = seen.tree.get(&wanted.unit).map(|unit| unit.full_name()).unwrap_or_default();
            let name = format!("{}-{unit}", wanted.layout);
            let order = Order { seen, units, layout, format, numbers_in_full };
            Ok(attachment(&name, format, start(app.clone(), order)))
        }
        .await,
    )
}

/// One layout as the page lists it.
struct LayoutLine {
    name: String,
    /// Its name as it stands in an address.
    query: String,
    text: String,
    version: i64,
    by: String,
    when: String,
}

#[derive(Template)]
#[template(path = "office/layouts.html")]
struct Layouts {
    f: Frame,
    id: CampaignId,
    layouts: Vec<LayoutLine>,
    name: String,
    rows: &'static str,
    text: String,
    refused: Vec<String>,
    fields: Vec<(Field, String)>,
    is_province: bool,
}

#[derive(Debug, Deserialize)]
struct Chosen {
    #[serde(default)]
    name: String,
}

fn rows_name(rows: Rows) -> &'static str {
    match rows {
        Rows::Lists => "lists",
        Rows::Member => "member",
        Rows::Household => "household",
    }
}

/// Writes columns as people edit them: one a line, its parts apart by bars.
fn columns_text(columns: &[Column]) -> String {
    let line = |column: &Column| {
        let Column { key, title, format } = column;
        format!("{key} | {title} | {}\n", format.name())
    };
    columns.iter().map(line).collect()
}

/// Reads columns as people edit them.
fn columns_of(text: &str) -> Result<Vec<Column>, Vec<layout::ColumnFault>> {
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines().filter(|line| !line.trim().is_empty())) {
        let mut parts = text.split('|').map(str::trim);
        let (key, title) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match layout::Format::from_name(parts.next().unwrap_or_default()) {
            Some(format) if parts.next().is_none() => {
                columns.push(Column { key: key.to_owned(), title: title.to_owned(), format });
            }
            _ => faults.push(layout::ColumnFault {
                line,
                vi: "Dòng phải có dạng: khóa | tiêu đề | dạng (text, code, iso, x, co_khong)."
                    .to_owned(),
                en: "A line is: key | title | format (text, code, iso, x, co_khong).".to_owned(),
            }),
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

/// Shows the layouts, one of them to be edited.
async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(chosen): Query<Chosen>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let seen = campaign(&app, &visitor.actor(), id).await?;
            let mut all = in_force(&app, &seen).await?.into_iter();
            let one = all.find(|one| chosen.name.is_empty() || one.name == chosen.name);
            let InForce { name, layout, .. } = one.ok_or(&problem::NOT_FOUND)?;
            let tried = (name, rows_name(layout.rows), columns_text(&layout.columns));
            edited(&app, &visitor, id, tried, None).await
        }
        .await,
    )
}

async fn edited(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    (name, rows, text): (String, &'static str, String),
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let seen = campaign(app, &visitor.actor(), id).await?;
    let standard = standard_named(&seen.campaign.standard).ok_or(&problem::STANDARD_UNKNOWN)?;
    let layouts = in_force(app, &seen).await?.into_iter().map(|one| {
        let when = if one.version > 0 { time_text(one.at_ms) } else { String::new() };
        let query = form_urlencoded::byte_serialize(one.name.as_bytes()).collect();
        let text = layout_text(lang, &one.name);
        LayoutLine { query, text, version: one.version, by: one.by, when, name: one.name }
    });
    let status = refused.as_ref().map_or(StatusCode::OK, |problem| problem.said().0);
    let said = refused.as_ref().map_or(&[][..], |problem| problem.said().2);
    let said = said.iter().map(|item| {
        let line = item["line"].as_u64().filter(|line| *line > 0);
        let line = line.map_or_else(String::new, |n| format!("{} {n}: ", lang.t("Dòng", "Line")));
        format!("{line}{}", item[lang.t("vi", "en")].as_str().unwrap_or_default())
    });
    let known = fields(&standard).into_iter().map(|field| {
        let formats: Vec<&str> = field.kind.formats().iter().map(|one| one.name()).collect();
        (field, formats.join(", "))
    });
    let shown = Layouts {
        f: visitor.frame(lang.t("Mẫu cột của bảng xuất", "Columns of exported tables")),
        id,
        layouts: layouts.collect(),
        name,
        rows,
        text,
        refused: said.collect(),
        fields: known.collect(),
        is_province: visitor.account.post.role == Role::Province,
    };
    Ok(page(status, &shown))
}

/// Saves the next version of a layout.
async fn save(State(app): State<App>, Path(id): Path<CampaignId>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            match saved(&app, &visitor, id, &fields).await {
                Ok(name) => {
                    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
                    let to = format!("/office/campaigns/{id}/layouts?name={name}");
                    Ok(Redirect::to(&to).into_response())
                }
                Err(problem) if problem.said().1.name == problem::LAYOUT_REFUSED.name => {
                    let name = fields.get("name").to_owned();
                    let tried =
                        (name, rows_name(rows_of(&fields)), fields.get("columns").to_owned());
                    edited(&app, &visitor, id, tried, Some(problem)).await
                }
                Err(problem) => Err(problem),
            }
        }
        .await,
    )
}

fn rows_of(fields: &Fields) -> Rows {
    match fields.get("rows") {
        "household" => Rows::Household,
        "member" => Rows::Member,
        _ => Rows::Lists,
    }
}

async fn saved(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    fields: &Fields,
) -> Result<String, Problem> {
    let columns = columns_of(fields.get("columns"));
    let columns =
        columns.map_err(|faults| Problem::new(&problem::LAYOUT_REFUSED).with_items(&faults))?;
    let name = fields.get("name").trim().to_owned();
    let new = NewLayout { name: name.clone(), rows: rows_of(fields), columns };
    layouts::save(State(app.clone()), visitor.actor(), Path(id), Json(new)).await?;
    Ok(name)
}
