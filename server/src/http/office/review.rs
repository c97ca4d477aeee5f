//! The review desk of a commune: what waits for a decision, and what the rule settled.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::scope::Role;

use super::frame::{Asked, Frame, Lang, Visitor, page};
use super::settle::{Open, question};
use crate::app::App;
use crate::http::extract::{Path, list_unit};
use crate::http::review::{self, Household};
use crate::problem::Problem;

/// Households of one section that a page shows.
const SHOWN_MAX: usize = 60;

/// A household with its disputes.
struct Case {
    document: DocumentId,
    code: String,
    head: String,
    heads: String,
    closes: String,
    beyond: bool,
    questions: Vec<Open>,
}

#[derive(Template)]
#[template(path = "office/review.html")]
struct Review {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    waiting: Vec<Case>,
    by_rule: Vec<Case>,
    /// How many there are in all, of each section.
    found: (usize, usize),
    rule: &'static str,
    can_settle: bool,
}

/// Shows the desk.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, visitor, id, unit).await)
}

async fn shown(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    unit: String,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let here = Path((id, unit.clone()));
    let queue = review::queue(State(app), actor, here).await?.0;
    let cases = |households: &[Household]| -> Vec<Case> {
        households.iter().take(SHOWN_MAX).map(|one| case(lang, one)).collect()
    };
    let page_of = Review {
        f: visitor.frame(lang.t("Thông tin chưa thống nhất", "Review desk")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        unit,
        waiting: cases(&queue.waiting),
        by_rule: cases(&queue.by_rule),
        found: (queue.waiting.len(), queue.by_rule.len()),
        rule: queue.rule,
        can_settle: visitor.account.post.role == Role::Officer,
    };
    Ok(page(StatusCode::OK, &page_of))
}

fn case(lang: Lang, of: &Household) -> Case {
    let list = |hashes: &[ChangeHash]| {
        hashes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    Case {
        document: of.document,
        code: of.code.clone(),
        head: of.head.clone(),
        heads: list(&of.heads),
        closes: list(&of.closes),
        beyond: of.beyond,
        questions: of.questions.iter().map(|one| question(lang, one)).collect(),
    }
}
