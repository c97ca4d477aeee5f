//! Minutes of a hamlet's meeting: blank lines for people, figures from the list as it stands.

use askama::Template;
use axum::extract::State;
use shared::annex::Annex;
use shared::id::CampaignId;
use shared::list::{Outcome, Row};

use super::super::frame::{Asked, Frame, Visitor};
use super::{Named, Paper, Part, hamlet_names, printed};
use crate::app::App;
use crate::http::extract::{Path, Query};
use crate::problem::Problem;

/// What was not compared with the printed form.
const WORDING: &str = "Mẫu biên bản họp dân chưa đối chiếu với bản in của Thông tư.";

/// Figures of one hamlet.
struct Sheet {
    hamlet: String,
    reviewed: usize,
    found: Vec<(&'static str, usize, u32)>,
    left: usize,
    open: usize,
}

#[derive(Template)]
#[template(path = "office/print/minutes.html")]
struct Minutes {
    f: Frame,
    paper: Paper,
    sheets: Vec<Sheet>,
}

/// Shows the minutes of a hamlet, or of each.
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
) -> Result<Minutes, Problem> {
    let named = Named::find(app, visitor, id, unit).await?;
    let hamlets = hamlet_names(&named.list().hamlets);
    let wanted = hamlets
        .into_iter()
        .filter(|(code, _)| part.hamlet.is_empty() || *code == part.hamlet.as_str());
    let sheets = wanted.map(|(code, hamlet)| {
        let rows: Vec<&Row> = named.list().rows.iter().filter(|row| row.hamlet == code).collect();
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        let found = Annex::ALL.into_iter().map(|annex| {
            let held: Vec<&&Row> = rows.iter().filter(|row| annex.holds(row)).collect();
            (annex.label_vi(), held.len(), held.iter().map(|row| row.members).sum())
        });
        Sheet {
            hamlet,
            reviewed: rows.len(),
            found: found.collect(),
            left: count(Outcome::Left),
            open: count(Outcome::Pending),
        }
    });
    let sheets: Vec<Sheet> = sheets.collect();
    let mut paper = Paper::of(app, &named.seen, unit, WORDING).of_list(&named.shown);
    paper.draft = false;
    Ok(Minutes { f: visitor.frame("Biên bản họp dân"), paper, sheets })
}
