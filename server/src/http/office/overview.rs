//! Campaigns, where each list stands, and the rates.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::aggregate::{hundredths_vi, thousands_vi};
use shared::id::CampaignId;
use shared::report::RateRow;
use shared::scope::Role;
use shared::unit::Level;

use super::frame::{Asked, Frame, Visitor, day_text, page};
use super::list::step_text;
use crate::app::App;
use crate::http::campaigns;
use crate::http::extract::{Path, Query, campaign as find};
use crate::http::rates::{self, Under};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "office/home.html")]
struct Home {
    f: Frame,
    is_province: bool,
    campaigns: Vec<campaigns::Shown>,
}

/// Lists the campaigns of the person's province.
pub(super) async fn home(State(app): State<App>, visitor: Visitor) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let mut campaigns = campaigns::list(State(app), visitor.actor()).await?.0;
            for one in &mut campaigns {
                one.opening_date = day_text(&one.opening_date);
                one.review_date = day_text(&one.review_date);
            }
            let is_province = visitor.account.post.role == Role::Province;
            let f = visitor.frame(lang.t("Đợt rà soát", "Campaigns"));
            Ok(page(StatusCode::OK, &Home { f, is_province, campaigns }))
        }
        .await,
    )
}

/// One list unit as the overview shows it.
struct Line {
    unit: String,
    name: String,
    district: String,
    step: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "office/campaign.html")]
struct Campaign {
    f: Frame,
    is_province: bool,
    id: CampaignId,
    name: String,
    review_date: String,
    chosen: String,
    steps: Vec<(&'static str, String, usize)>,
    lines: Vec<Line>,
    all: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    step: String,
}

/// Shows where each list stands; an officer goes to the own commune at once.
pub(super) async fn campaign(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Chosen>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, overview(app, visitor, id, query.step).await)
}

async fn overview(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    chosen: String,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    if actor.account.post.role == Role::Officer {
        let to = format!("/office/campaigns/{id}/units/{}", actor.account.post.unit);
        return Ok(Redirect::to(&to).into_response());
    }
    if actor.account.post.role == Role::District && !visitor.path.contains('?') {
        let to = format!("/office/campaigns/{id}/desk");
        return Ok(Redirect::to(&to).into_response());
    }
    let is_province = actor.account.post.role == Role::Province;
    let seen = find(&app, &actor, id).await?;
    let listed = campaigns::progress(State(app), actor, Path(id)).await?.0;
    let mut lines = Vec::new();
    for one in listed {
        let district = seen.tree.district_of(&one.unit);
        lines.push(Line {
            district: district.map(|unit| unit.full_name()).unwrap_or_default(),
            step: step_name(&one.step),
            text: step_text(lang, &one.step).to_owned(),
            name: one.name,
            unit: one.unit,
        });
    }
    let steps = STEPS.map(|step| {
        let count = lines.iter().filter(|line| line.step == step).count();
        (step, step_text(lang, step).to_owned(), count)
    });
    let all = lines.len();
    lines.retain(|line| chosen.is_empty() || line.step == chosen);
    let f = visitor.frame(&seen.campaign.name);
    let (name, review_date) = (seen.campaign.name, seen.campaign.review_date.text_vi());
    let steps = steps.to_vec();
    let shown = Campaign { f, is_province, id, name, review_date, chosen, steps, lines, all };
    Ok(page(StatusCode::OK, &shown))
}

const STEPS: [&str; 4] = ["collecting", "submitted", "approved", "recognised"];

fn step_name(step: &str) -> &'static str {
    STEPS.into_iter().find(|known| *known == step).unwrap_or(STEPS[0])
}

/// One unit's figures as text.
struct RateLine {
    name: String,
    level: &'static str,
    complete: bool,
    coverage: String,
    cells: Vec<String>,
    /// Widths of the bars, in tenths of a unit of the picture.
    poor_width: i64,
    near_poor_width: i64,
    y: usize,
    is_drawn: bool,
}

#[derive(Template)]
#[template(path = "office/rates.html")]
struct Rates {
    f: Frame,
    id: CampaignId,
    name: String,
    standard: String,
    review_date: String,
    synthetic: bool,
    unverified: Vec<String>,
    dtts_source: String,
    lines: Vec<RateLine>,
    height: usize,
    axis: Vec<(i64, String)>,
}

/// Shows the rates of a unit and what is below it, from recognised lists only.
pub(super) async fn rates(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(under): Query<Under>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, table(app, visitor, id, under).await)
}

/// Width of the picture for 100 %, in its units.
const PICTURE_WIDTH: i64 = 600;

/// Height of one bar with its gap.
const BAR: usize = 24;

async fn table(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    under: Under,
) -> Result<Response, Problem> {
    let actor = visitor.actor();
    let seen = find(&app, &actor, id).await?;
    let shown = rates::read(State(app), actor, Path(id), Query(under)).await?.0;
    // Bars are drawn to the largest rate there is, rounded up to ten points.
    let rate = |row: &RateRow| row.figures.multidimensional.unwrap_or(0);
    let drawn = |row: &&RateRow| row.level != Level::Commune || shown.rows.len() < 30;
    let most = shown.rows.iter().filter(drawn).map(rate).max().unwrap_or(0);
    let scale = (most.max(1) + 999) / 1000 * 1000;
    let mut lines = Vec::new();
    let mut height = 0;
    for row in &shown.rows {
        let is_drawn = drawn(&row);
        lines.push(rate_line(row, scale, height, is_drawn));
        height += if is_drawn { BAR } else { 0 };
    }
    let axis = (0..=4).map(|part| {
        let hundredths = scale * part / 4;
        (PICTURE_WIDTH * part / 4, hundredths_vi(hundredths))
    });
    let page_of = Rates {
        f: visitor.frame(visitor.lang.t("Tỷ lệ nghèo", "Poverty rates")),
        id,
        name: seen.campaign.name,
        standard: shown.standard,
        review_date: seen.campaign.review_date.text_vi(),
        synthetic: shown.synthetic,
        unverified: shown.unverified,
        dtts_source: shown.dtts_rule.map(|rule| rule.standing.source).unwrap_or_default(),
        lines,
        height,
        axis: axis.collect(),
    };
    Ok(page(StatusCode::OK, &page_of))
}

fn rate_line(row: &RateRow, scale: i64, y: usize, is_drawn: bool) -> RateLine {
    let percent = |hundredths: Option<i64>| hundredths.map_or("–".to_owned(), hundredths_vi);
    let (counts, figures) = (&row.counts, &row.figures);
    let sign = if figures.poor_change < 0 { "−" } else { "" };
    let width = |hundredths: Option<i64>| hundredths.unwrap_or(0) * PICTURE_WIDTH / scale;
    RateLine {
        name: row.name.clone(),
        level: match row.level {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune => "commune",
        },
        complete: row.complete,
        coverage: format!("{}/{}", row.lists, row.lists_due),
        cells: vec![
            thousands_vi(counts.closing.households),
            thousands_vi(counts.poor.households),
            percent(figures.poor),
            thousands_vi(counts.near_poor.households),
            percent(figures.near_poor),
            thousands_vi(counts.multidimensional()),
            percent(figures.multidimensional),
            thousands_vi(counts.opening_poor.households),
            format!("{sign}{}", thousands_vi(figures.poor_change.unsigned_abs())),
            percent(figures.poor_change_points),
            percent(figures.dtts_poor),
            percent(figures.dtts_share_of_poor),
        ],
        poor_width: width(figures.poor),
        near_poor_width: width(figures.near_poor),
        y,
        is_drawn,
    }
}
