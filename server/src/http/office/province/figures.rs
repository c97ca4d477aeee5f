//! Opening against closing, deprivation by indicator, ethnic-minority households, and causes.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use mobile_schema::form::{Form, Scope};
use shared::aggregate::{Counts, Group, Rate, hundredths_vi, thousands_vi};
use shared::id::CampaignId;
use shared::report::RateRow;
use shared::standard::Standard;
use shared::unit::Level;

use super::super::frame::{Asked, Frame, Lang, Visitor, page};
use crate::app::App;
use crate::http::extract::{Path, Query};
use crate::http::rates::{Under, rows};
use crate::problem::Problem;
use crate::standing::standard_named;

/// Most rows with the communes among them.
const ROWS_MAX: usize = 40;

/// Width of the pictures for their longest bar, in their units.
const WIDTH: i64 = 520;

/// Height of two bars with their gap.
const PAIR: usize = 44;

/// Two bars of a picture, one above the other, with what they say.
struct Pair {
    label: String,
    y: usize,
    first: i64,
    second: i64,
    first_text: String,
    second_text: String,
}

/// One row of figures.
struct Line {
    name: String,
    /// Code of a district whose communes can be looked at; empty for anything else.
    unit: String,
    level: &'static str,
    complete: bool,
    cells: Vec<String>,
}

#[derive(Template)]
#[template(path = "office/province/figures.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    name: String,
    unit: String,
    opening_date: String,
    review_date: String,
    coverage: String,
    complete: bool,
    synthetic: bool,
    change: Vec<Pair>,
    change_lines: Vec<Line>,
    lacks: Vec<Pair>,
    lack_lines: Vec<Line>,
    dtts_lines: Vec<Line>,
    dtts_source: String,
    causes: Vec<Line>,
}

fn percent(rate: Rate) -> String {
    rate.percent_hundredths().map_or("–".to_owned(), hundredths_vi)
}

/// Shows the figures of a unit and of what is right below it.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(under): Query<Under>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let (seen, mut rows) = rows(&app, visitor.actor(), id, under).await?;
        if rows.len() > ROWS_MAX {
            // Of a province its districts; each leads on to its communes.
            rows.retain(|row| row.level != Level::Commune);
        }
        let standard = standard_named(&seen.campaign.standard);
        let standard = standard.ok_or(&mobile_schema::problem::STANDARD_UNKNOWN)?;
        let Some(top) = rows.first() else {
            return Err(Problem::new(&mobile_schema::problem::UNIT_UNKNOWN));
        };
        let page_of = Page {
            f: visitor.frame(lang.t("Số liệu và hình", "Figures and pictures")),
            id,
            name: seen.campaign.name.clone(),
            unit: top.name.clone(),
            opening_date: seen.campaign.opening_date.text_vi(),
            review_date: seen.campaign.review_date.text_vi(),
            coverage: format!("{}/{}", top.lists, top.lists_due),
            complete: top.complete,
            synthetic: top.counts.synthetic > 0,
            change: change(&rows),
            change_lines: rows.iter().map(change_line).collect(),
            lacks: lacks(lang, &standard, &top.counts),
            lack_lines: lack_lines(lang, &standard, &top.counts),
            dtts_lines: rows.iter().map(dtts_line).collect(),
            dtts_source: standard.dtts.standing.source.clone(),
            causes: causes(lang, &top.counts),
        };
        Ok(page(StatusCode::OK, &page_of))
    };
    Asked::of(lang, shown.await)
}

/// Draws the poor rate at the opening above that of now, for the unit and what is right below it.
fn change(rows: &[RateRow]) -> Vec<Pair> {
    let rates = |row: &RateRow| (row.figures.opening_poor, row.figures.poor);
    let most = rows.iter().flat_map(|row| <[_; 2]>::from(rates(row))).flatten().max();
    let most = most.unwrap_or(0).max(1);
    let text = |rate: Option<i64>| rate.map_or("–".to_owned(), hundredths_vi);
    let pair = |(index, row): (usize, &RateRow)| {
        let (then, now) = rates(row);
        Pair {
            label: row.name.clone(),
            y: index * PAIR,
            first: then.unwrap_or(0) * WIDTH / most,
            second: now.unwrap_or(0) * WIDTH / most,
            first_text: text(then),
            second_text: text(now),
        }
    };
    rows.iter().enumerate().map(pair).collect()
}

/// Returns the code of a row that has more below it than is shown.
fn opens(row: &RateRow) -> String {
    let is_open = row.level == Level::District && row.lists_due > 1;
    if is_open { row.unit.clone() } else { String::new() }
}

fn level(row: &RateRow) -> &'static str {
    match row.level {
        Level::Province => "province",
        Level::District => "district",
        Level::Commune => "commune",
    }
}

fn change_line(row: &RateRow) -> Line {
    let counts = &row.counts;
    let points =
        |now: Rate, then: Rate| now.points_since(then).map_or("–".to_owned(), hundredths_vi);
    let of = |then: u64, then_rate: Rate, now: u64, now_rate: Rate| {
        [
            thousands_vi(then),
            percent(then_rate),
            thousands_vi(now),
            percent(now_rate),
            points(now_rate, then_rate),
        ]
    };
    let poor = of(
        counts.opening_poor.households,
        counts.opening_poor_rate(),
        counts.poor.households,
        counts.poor_rate(),
    );
    let near = of(
        counts.opening_near_poor.households,
        counts.opening_near_poor_rate(),
        counts.near_poor.households,
        counts.near_poor_rate(),
    );
    let both = of(
        counts.opening_multidimensional(),
        counts.opening_multidimensional_rate(),
        counts.multidimensional(),
        counts.multidimensional_rate(),
    );
    Line {
        name: row.name.clone(),
        unit: opens(row),
        level: level(row),
        complete: row.complete,
        cells: [poor, near, both].concat(),
    }
}

fn lacking(group: &Group, code: &str) -> u64 {
    group.deprived.get(code).copied().unwrap_or_default()
}

/// Draws the share of poor households that lack each indicator above that of the near-poor.
fn lacks(lang: Lang, standard: &Standard, counts: &Counts) -> Vec<Pair> {
    let share = |group: &Group, code: &str| {
        Rate::of(lacking(group, code), group.households).percent_hundredths().unwrap_or(0)
    };
    let pair = |(index, indicator): (usize, &shared::standard::Indicator)| {
        let (poor, near) =
            (share(&counts.poor, &indicator.code), share(&counts.near_poor, &indicator.code));
        Pair {
            label: lang.t(&indicator.label.vi, &indicator.label.en).to_owned(),
            y: index * PAIR,
            // All of the households is the whole width.
            first: poor * WIDTH / 10_000,
            second: near * WIDTH / 10_000,
            first_text: hundredths_vi(poor),
            second_text: hundredths_vi(near),
        }
    };
    standard.indicators.iter().enumerate().map(pair).collect()
}

fn lack_lines(lang: Lang, standard: &Standard, counts: &Counts) -> Vec<Line> {
    let groups = [&counts.poor, &counts.near_poor];
    let line = |indicator: &shared::standard::Indicator| {
        let code = &indicator.code;
        let cells = groups.iter().flat_map(|group| {
            let lack = lacking(group, code);
            [thousands_vi(lack), percent(Rate::of(lack, group.households))]
        });
        let both: u64 = groups.iter().map(|group| lacking(group, code)).sum();
        let of_both = Rate::of(both, counts.multidimensional());
        Line {
            name: lang.t(&indicator.label.vi, &indicator.label.en).to_owned(),
            unit: String::new(),
            level: "",
            complete: true,
            cells: cells.chain([thousands_vi(both), percent(of_both)]).collect(),
        }
    };
    standard.indicators.iter().map(line).collect()
}

fn dtts_line(row: &RateRow) -> Line {
    let counts = &row.counts;
    let near = counts.near_poor.dtts_households;
    Line {
        name: row.name.clone(),
        unit: opens(row),
        level: level(row),
        complete: row.complete,
        cells: vec![
            thousands_vi(counts.closing.dtts_households),
            thousands_vi(counts.poor.dtts_households),
            percent(counts.dtts_poor_rate()),
            percent(counts.dtts_share_of_poor()),
            thousands_vi(near),
            percent(Rate::of(near, counts.closing.dtts_households)),
        ],
    }
}

/// Counts causes, if anybody named one.
fn causes(lang: Lang, counts: &Counts) -> Vec<Line> {
    let groups = [&counts.poor, &counts.near_poor];
    if groups.iter().all(|group| group.causes.is_empty()) {
        return Vec::new();
    }
    let line = |cause: u8| {
        let key = format!("causes.{cause}");
        let known = Form::phieu_b().find(&key, Scope::Household).and_then(|known| known.option);
        let label = known.map(|option| lang.t(&option.label.vi, &option.label.en).to_owned());
        let cells = groups.iter().flat_map(|group| {
            let named = group.causes.get(&cause).copied().unwrap_or_default();
            [thousands_vi(named), percent(Rate::of(named, group.households))]
        });
        Line {
            name: label.unwrap_or(key),
            unit: String::new(),
            level: "",
            complete: true,
            cells: cells.collect(),
        }
    };
    (1..=8).map(line).collect()
}
