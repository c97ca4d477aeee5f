//! The decision of recognition (Mẫu 02) with its four annexes, drafted from a commune's list.

use askama::Template;
use axum::extract::State;
use shared::annex::Annex;
use shared::id::CampaignId;
use shared::list::Row;

use super::super::frame::{Asked, Frame, Lang, Visitor, day_text};
use super::super::list::class_text;
use super::{Named, Paper, hamlet_names, points, printed};
use crate::app::App;
use crate::http::extract::Path;
use crate::problem::Problem;

/// What was not compared with the printed form.
const WORDING: &str = "Câu chữ của Mẫu 02 và của các phụ lục chưa đối chiếu với văn bản gốc: dự thảo để UBND hoàn chỉnh.";

struct Line {
    number: usize,
    head: String,
    code: String,
    hamlet: String,
    members: u32,
    b1: String,
    b2: String,
    before: &'static str,
    after: &'static str,
}

struct Part {
    number: usize,
    title: &'static str,
    persons: u32,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "office/print/decision.html")]
struct Decision {
    f: Frame,
    paper: Paper,
    number: String,
    date: String,
    signer: String,
    opinion: String,
    annexes: Vec<Part>,
}

/// Shows the decision.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, async { printed(&found(&app, &visitor, id, &unit).await?) }.await)
}

async fn found(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: &str,
) -> Result<Decision, Problem> {
    let named = Named::find(app, visitor, id, unit).await?;
    let paper = Paper::of(app, &named.seen, unit, WORDING).of_list(&named.shown);
    let part = |kind: &str, of: &str, name: &str| {
        let root = &named.shown.root;
        let taken = named.shown.decisions.iter().rev().find(|one| one.kind == kind);
        let taken = taken.filter(|one| !paper.draft && one.root.to_string() == *root);
        taken.and_then(|one| one.body[of][name].as_str()).unwrap_or_default().to_owned()
    };
    let opinion = [part("approve", "opinion", "number"), part("approve", "opinion", "date")];
    Ok(Decision {
        f: visitor.frame("Quyết định công nhận"),
        number: recognised(&named, &part("recognise", "decision", "number")),
        date: recognised(&named, &day_text(&part("recognise", "decision", "date"))),
        signer: recognised(&named, &part("recognise", "decision", "signer")),
        opinion: match &opinion {
            [number, _] if number.is_empty() => String::new(),
            [number, date] => format!("{number} ngày {}", day_text(date)),
        },
        annexes: annexes(&named),
        paper,
    })
}

/// A number, day or name of the decision, once there is one: a former decision's is not this one's.
fn recognised(named: &Named, text: &str) -> String {
    if named.shown.step == "recognised" { text.to_owned() } else { String::new() }
}

fn annexes(named: &Named) -> Vec<Part> {
    let names = named.names();
    let hamlets = hamlet_names(&named.list().hamlets);
    let mut rows: Vec<&Row> = named.list().rows.iter().collect();
    rows.sort_by_key(|row| (&row.hamlet, names.get(&row.document).map(|(_, code)| *code)));
    let line = |(index, row): (usize, &&Row)| {
        let (head, code) = names.get(&row.document).copied().unwrap_or_default();
        let class = |class| class_text(Lang::Vi, class);
        Line {
            number: index + 1,
            head: head.to_owned(),
            code: code.to_owned(),
            hamlet: hamlets.get(row.hamlet.as_str()).cloned().unwrap_or_default(),
            members: row.members,
            b1: points(row.b1),
            b2: points(row.b2),
            before: row.opening.map_or("–", class),
            after: row.class.map_or("–", class),
        }
    };
    let annexes = Annex::ALL.into_iter().zip(1..).map(|(annex, number)| {
        let held: Vec<&Row> = rows.iter().copied().filter(|row| annex.holds(row)).collect();
        Part {
            number,
            title: annex.label_vi(),
            persons: held.iter().map(|row| row.members).sum(),
            lines: held.iter().enumerate().map(line).collect(),
        }
    });
    annexes.collect()
}
