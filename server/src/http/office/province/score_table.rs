//! The B1 score table: loaded by one person, looked at and confirmed by another.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::id::CampaignId;
use shared::scope::Role;
use shared::score::{ScoreTable, TABLE_TOTAL_MAX, TABLE_TOTAL_MIN};

use super::super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, page, time_text};
use super::Tried;
use super::campaign::region_text;
use super::standards::certainty_text;
use crate::app::App;
use crate::http::extract::{Json, Path, Text, campaign as find};
use crate::http::score_tables::{self, Confirm};
use crate::problem::Problem;

/// A score table as a page shows it.
struct Preview {
    title: String,
    id: String,
    synthetic: bool,
    source: String,
    certainty: &'static str,
    /// Name of each region, and what its best choices add up to.
    regions: Vec<(&'static str, i64)>,
    rows: Vec<Row>,
    items: usize,
    /// The rural region of the campaign has a column.
    has_column: bool,
}

/// One choice of an item.
struct Row {
    item: String,
    choice: String,
    /// The rule as it is computed.
    rule: String,
    points: Vec<String>,
}

impl Preview {
    fn of(lang: Lang, table: &ScoreTable, region: &str) -> Self {
        let t = |line: &shared::standard::Line| lang.t(&line.vi, &line.en).to_owned();
        let total = |region: &String| -> i64 {
            let best = table.items.iter().filter_map(|item| {
                item.choices.iter().filter_map(|choice| choice.points.get(region)).max()
            });
            best.sum()
        };
        let mut rows = Vec::new();
        for item in &table.items {
            for (index, choice) in item.choices.iter().enumerate() {
                let points = table.regions.iter().map(|region| {
                    choice.points.get(region).map_or("–".to_owned(), ToString::to_string)
                });
                let name = if index == 0 { t(&item.label) } else { String::new() };
                let rule = serde_json::to_string(&choice.when).unwrap_or_default();
                let (choice, points) = (t(&choice.label), points.collect());
                rows.push(Row { item: name, choice, rule, points });
            }
        }
        Self {
            title: t(&table.title),
            id: table.id(),
            synthetic: table.synthetic,
            source: table.standing.source.clone(),
            certainty: certainty_text(lang, &table.standing),
            regions: table.regions.iter().map(|r| (region_text(lang, r), total(r))).collect(),
            rows,
            items: table.items.len(),
            has_column: table.regions.iter().any(|known| known == region),
        }
    }
}

#[derive(Template)]
#[template(path = "office/province/score_table.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    name: String,
    closed: bool,
    in_force: Option<Preview>,
    waiting: Option<Preview>,
    digest: String,
    own_work: bool,
    changes: Vec<(String, String, String)>,
    acts: Vec<(String, &'static str, String, String)>,
    least: i64,
    most: i64,
    tried: Tried,
}

/// Shows the table in force, the one that waits, and who did what.
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
    let actor = visitor.actor().with_role(&[Role::Province])?;
    let seen = find(app, &actor, id).await?;
    let tables = score_tables::read(State(app.clone()), actor, Path(id)).await?.0;
    let preview = |table: &ScoreTable| Preview::of(lang, table, &seen.campaign.region);
    let changes = tables.changes.iter().map(|one| {
        let place = lang.t(&one.place.vi, &one.place.en).to_owned();
        (place, one.before.clone(), one.after.clone())
    });
    let acts = tables.acts.iter().map(|act| {
        let what = match act.kind {
            "load" => lang.t("Nạp", "Loaded"),
            _ => lang.t("Xác nhận", "Confirmed"),
        };
        (time_text(act.at_ms), what, act.by.clone(), act.digest.to_string())
    });
    let status = tried.status;
    let page_of = Page {
        f: visitor.frame(lang.t("Bảng điểm B1", "B1 score table")),
        id,
        name: seen.campaign.name.clone(),
        closed: seen.campaign.closed,
        in_force: tables.in_force.as_ref().map(preview),
        waiting: tables.waiting.as_ref().map(preview),
        digest: tables.waiting_digest.map(|digest| digest.to_string()).unwrap_or_default(),
        own_work: tables.own_work,
        changes: changes.collect(),
        acts: acts.collect(),
        least: TABLE_TOTAL_MIN,
        most: TABLE_TOTAL_MAX,
        tried,
    };
    Ok(page(status, &page_of))
}

/// Loads a table, or confirms the one that was looked at.
pub(super) async fn act(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let result = match decided(&app, &visitor, id, &fields).await {
        Ok(()) => {
            let to = format!("/office/campaigns/{id}/score-table");
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => {
            let field = if fields.get("act") == "load" { "table" } else { "confirm" };
            shown(&app, &visitor, id, Tried::of(lang, &problem, field, fields)).await
        }
    };
    Asked::of(lang, result)
}

async fn decided(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    fields: &Fields,
) -> Result<(), Problem> {
    let (state, actor) = (State(app.clone()), visitor.actor());
    match fields.get("act") {
        "load" => {
            // Browsers send line ends as two signs; the file has one, and its digest counts it.
            let text = Text(fields.get("table").replace("\r\n", "\n"));
            score_tables::load(state, actor, Path(id), text).await.map(drop)
        }
        "confirm" => {
            let digest = fields.get("digest").parse().map_err(|_| &problem::TABLE_NOT_PENDING)?;
            let named = Json(Confirm { digest });
            score_tables::confirm(state, actor, Path(id), named).await.map(drop)
        }
        _ => Err(Problem::new(&problem::BODY_MALFORMED)),
    }
}
