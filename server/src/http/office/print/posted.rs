//! The list that is posted in the hamlets, with the columns that the province has chosen.

use askama::Template;
use axum::extract::State;
use shared::annex::Annex;
use shared::id::CampaignId;
use shared::list::{Outcome, Row};
use shared::posting::{Cell, Column};

use super::super::commune::area_text;
use super::super::frame::{Asked, Frame, Lang, Visitor};
use super::super::list::class_text;
use super::{Named, Paper, Part, hamlet_names, points, printed};
use crate::app::App;
use crate::http::extract::{Path, Query};
use crate::problem::Problem;

/// What was not compared with a printed one.
const WORDING: &str =
    "Mẫu danh sách niêm yết và số ngày niêm yết chưa đối chiếu với văn bản; cột do tỉnh chọn.";

struct Line {
    number: usize,
    head: String,
    cells: Vec<(String, bool)>,
}

struct Group {
    title: &'static str,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "office/print/posted.html")]
struct Posted {
    f: Frame,
    paper: Paper,
    hamlet: String,
    columns: Vec<(&'static str, bool)>,
    groups: Vec<Group>,
    open: usize,
}

/// Shows the posted list of a hamlet, or of the commune.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(part): Query<Part>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, async { printed(&found(&app, &visitor, id, &unit, part).await?) }.await)
}

async fn found(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: &str,
    part: Part,
) -> Result<Posted, Problem> {
    let named = Named::find(app, visitor, id, unit).await?;
    let columns = crate::http::posting::columns_of(app, id).await?;
    let names = named.names();
    let hamlets = hamlet_names(&named.list().hamlets);
    let mut rows: Vec<&Row> = named
        .list()
        .rows
        .iter()
        .filter(|row| part.hamlet.is_empty() || row.hamlet == part.hamlet)
        .collect();
    rows.sort_by_key(|row| (&row.hamlet, names.get(&row.document).map(|(_, code)| *code)));
    let cell = |column: Column, row: &Row, code: &str| match column.cell(row) {
        Cell::Hamlet(code) => hamlets.get(code).cloned().unwrap_or_default(),
        Cell::Code => code.to_owned(),
        Cell::Area(area) => area_text(Lang::Vi, area).to_owned(),
        Cell::Number(number) => points(number),
        Cell::Class(class) => class.map_or("–", |class| class_text(Lang::Vi, class)).to_owned(),
    };
    let group = |annex: Annex| {
        let held = rows.iter().filter(|row| annex.holds(row)).enumerate();
        let lines = held.map(|(index, row)| {
            let (head, code) = names.get(&row.document).copied().unwrap_or_default();
            let cells = columns.iter().map(|column| (cell(*column, row, code), is_number(*column)));
            Line { number: index + 1, head: head.to_owned(), cells: cells.collect() }
        });
        Group { title: annex.label_vi(), lines: lines.collect() }
    };
    let open = rows.iter().filter(|row| {
        let classified = Annex::ALL.iter().any(|annex| annex.holds(row));
        row.outcome == Outcome::Pending || (!classified && row.class.is_none_or(is_open))
    });
    let open = open.filter(|row| row.outcome != Outcome::Left).count();
    let groups = Annex::ALL.map(group).into_iter().collect();
    let mut paper = Paper::of(app, &named.seen, unit, WORDING).of_list(&named.shown);
    // It is posted before the district is asked: what is open says whether it is whole.
    paper.draft = open > 0;
    Ok(Posted {
        f: visitor.frame("Danh sách niêm yết"),
        paper,
        hamlet: hamlets.get(part.hamlet.as_str()).cloned().unwrap_or_default(),
        columns: columns.iter().map(|one| (one.label_vi(), is_number(*one))).collect(),
        groups,
        open,
    })
}

fn is_open(class: shared::classify::Class) -> bool {
    class == shared::classify::Class::Insufficient
}

fn is_number(column: Column) -> bool {
    matches!(column, Column::Members | Column::B1 | Column::B2)
}
