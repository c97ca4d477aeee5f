//! Targets against results, in percentage points, with the formula.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::aggregate::{hundredths_vi, thousands_vi};
use shared::id::CampaignId;
use shared::scope::Role;
use shared::target::{TargetRate, fine_vi, parse_points};
use shared::unit::Level;

use super::super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, day_text, page, time_text};
use super::Tried;
use crate::app::App;
use crate::http::extract::{Json, Path, Query, campaign as find};
use crate::http::rates::Under;
use crate::http::targets::{self, New, Row};
use crate::problem::Problem;

/// One rate of one unit, in words.
struct Line {
    name: String,
    level: &'static str,
    rate_name: &'static str,
    target: String,
    paper: String,
    entered: String,
    formula: String,
    fine: String,
    change: String,
    met: &'static str,
    complete: bool,
}

#[derive(Template)]
#[template(path = "office/province/targets.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    name: String,
    review_date: String,
    lines: Vec<Line>,
    can_put: bool,
    units: Vec<(String, String)>,
    tried: Tried,
    /// Position of each target as the page shows it, `unit/rate=position`, for the form.
    seen: String,
}

fn rate_text(lang: Lang, rate: TargetRate) -> &'static str {
    match rate {
        TargetRate::Poor => lang.t("hộ nghèo", "poor"),
        TargetRate::Multidimensional => lang.t("nghèo đa chiều", "multidimensional"),
    }
}

/// Shows every target with what came of it.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
) -> Asked {
    Asked::of(visitor.lang, shown(&app, &visitor, id, Tried::default()).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    tried: Tried,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let seen = find(app, &visitor.actor(), id).await?;
    let all = Query(Under { under: None });
    let rows = targets::list(State(app.clone()), visitor.actor(), Path(id), all).await?.0;
    // Communes are shown where they have a target; all of them only to those of one.
    let many = rows.len() > 60;
    let is_shown = |row: &&Row| !many || row.level != Level::Commune || row.target.is_some();
    let positions = rows.iter().filter_map(|row| {
        let position = row.target.as_ref()?.position;
        Some(format!("{}/{}={position}", row.unit, row.rate.name()))
    });
    let known = positions.collect::<Vec<_>>().join(" ");
    let mut units: Vec<_> = rows.iter().map(|row| (row.unit.clone(), row.name.clone())).collect();
    units.dedup();
    let status = tried.status;
    let page_of = Page {
        f: visitor.frame(lang.t("Chỉ tiêu và kết quả", "Targets and results")),
        id,
        name: seen.campaign.name.clone(),
        review_date: seen.campaign.review_date.text_vi(),
        lines: rows.iter().filter(is_shown).map(|row| line(lang, row)).collect(),
        can_put: visitor.account.post.role == Role::Province && !seen.campaign.closed,
        units,
        seen: known,
        tried,
    };
    Ok(page(status, &page_of))
}

fn line(lang: Lang, row: &Row) -> Line {
    let compared = &row.compared;
    let fraction =
        |(part, whole): (u64, u64)| format!("{} / {}", thousands_vi(part), thousands_vi(whole));
    let (now, then) = (fraction(compared.closing), fraction(compared.opening));
    let none = || "–".to_owned();
    let target = row.target.as_ref();
    Line {
        name: row.name.clone(),
        level: match row.level {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune => "commune",
        },
        rate_name: rate_text(lang, row.rate),
        target: target.map_or_else(none, |target| hundredths_vi(-target.fall)),
        paper: target.map_or_else(String::new, |target| {
            format!("{}, {} – {}", target.number, day_text(&target.date), target.source)
        }),
        entered: target.map_or_else(String::new, |target| {
            format!("{}, {}", target.by, time_text(target.at_ms))
        }),
        formula: match compared.change {
            Some(_) => format!("{now} × 100 − {then} × 100"),
            None => none(),
        },
        fine: compared.change_fine.map_or_else(none, fine_vi),
        change: compared.change.map_or_else(none, hundredths_vi),
        met: match (compared.met, row.complete) {
            (Some(true), true) => lang.t("đạt", "met"),
            (Some(false), true) => lang.t("chưa đạt", "not met"),
            (Some(true), false) => lang.t("đạt (tạm tính)", "met so far"),
            (Some(false), false) => lang.t("chưa đạt (tạm tính)", "not met so far"),
            (None, _) => "–",
        },
        complete: row.complete,
    }
}

/// Enters a target.
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let put = async {
        let new = new_of(&fields)?;
        targets::put(State(app.clone()), visitor.actor(), Path(id), Json(new)).await
    };
    let result = match put.await {
        Ok(_) => {
            let to = format!("/office/campaigns/{id}/targets");
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => {
            let field = field_of(&problem, &fields);
            shown(&app, &visitor, id, Tried::of(lang, &problem, field, fields)).await
        }
    };
    Asked::of(lang, result)
}

fn new_of(fields: &Fields) -> Result<New, Problem> {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let unreadable = || Problem::new(&problem::TARGET_UNREADABLE);
    let rate = TargetRate::from_name(fields.get("rate")).ok_or_else(unreadable)?;
    let unit = text("unit");
    let key = format!("{unit}/{}", rate.name());
    let seen = fields.get("seen").split(' ').filter_map(|one| one.split_once('='));
    let seen = seen.filter(|(of, _)| *of == key).find_map(|(_, position)| position.parse().ok());
    Ok(New {
        unit,
        rate,
        fall: parse_points(fields.get("fall")).ok_or_else(unreadable)?,
        number: text("number"),
        date: text("date"),
        source: text("source"),
        seen: seen.unwrap_or(0),
    })
}

/// Names the field a refusal is about.
fn field_of(problem: &Problem, fields: &Fields) -> &'static str {
    let (_, name, _) = problem.said();
    let empty = |field: &str| fields.get(field).trim().is_empty();
    match name.name {
        "target-unreadable" if parse_points(fields.get("fall")).is_none() => "fall",
        "target-unreadable" if empty("number") => "number",
        "target-unreadable" if empty("source") => "source",
        "target-unreadable" => "date",
        "unit-unknown" => "unit",
        _ => "",
    }
}
