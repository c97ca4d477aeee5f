//! The review desk of a commune: what waits for a decision, and what the rule settled.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::four_eyes::Eyes;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::scope::Role;

use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use super::settle::{Open, question};
use crate::app::App;
use crate::http::extract::{Json, Path, Query, list_unit};
use crate::http::four_eyes::{self, Countersign, Decisions, Named};
use crate::http::review::turn::After;
use crate::http::review::{self, Household};
use crate::problem::Problem;
use crate::store::four_eyes::OfficeDecision;

/// Decisions that a page shows, the newest.
const DECISIONS_MAX: usize = 200;

/// A household with its disputes.
struct Case {
    /// Where its forms go.
    action: String,
    code: String,
    head: String,
    heads: String,
    closes: String,
    beyond: bool,
    questions: Vec<Open>,
}

/// A decision that was taken.
struct Decision {
    document: DocumentId,
    code: String,
    by: String,
    at: String,
    note: String,
    /// Who countersigned it.
    signed: String,
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
    /// Where the next page begins; empty on the last one.
    next: String,
    rule: &'static str,
    can_settle: bool,
    eyes: Eyes,
    /// Lists wait for a second person.
    required: bool,
    decisions: Vec<Decision>,
    /// Decisions that nobody countersigned, as the form names them.
    unsigned: String,
    /// A countersignature that was refused: why, and what was typed.
    notice: Option<Notice>,
    member: String,
    title: String,
}

/// Shows the desk.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(after): Query<After>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, &visitor, (id, unit, after), StatusCode::OK, None).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    (id, unit, after): (CampaignId, String, After),
    status: StatusCode,
    refused: Option<(&Fields, Notice)>,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let here = || Path((id, unit.clone()));
    let queue = review::queue(State(app.clone()), actor.clone(), here(), Query(after)).await?.0;
    let Decisions { required, eyes, decisions, .. } =
        four_eyes::list(State(app), actor, here()).await?.0;
    let cases = |households: &[Household]| -> Vec<Case> {
        households.iter().map(|one| case((lang, id), one)).collect()
    };
    let unsigned = decisions.iter().filter(|one| one.member.is_none()).take(DECISIONS_MAX);
    let unsigned: Vec<String> =
        unsigned.map(|one| format!("{}:{}", one.document, one.hash)).collect();
    let typed = |name: &str| {
        refused.as_ref().map_or_else(String::new, |(fields, _)| fields.get(name).to_owned())
    };
    let page_of = Review {
        f: visitor.frame(lang.t("Thông tin chưa thống nhất", "Review desk")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        unit,
        waiting: cases(&queue.waiting),
        by_rule: cases(&queue.by_rule),
        found: (queue.found.waiting, queue.found.by_rule),
        next: queue.next.unwrap_or_default(),
        rule: queue.rule,
        can_settle: visitor.account.post.role == Role::Officer,
        eyes,
        required,
        decisions: decisions
            .iter()
            .rev()
            .take(DECISIONS_MAX)
            .map(|one| decision(lang, one))
            .collect(),
        unsigned: unsigned.join(","),
        member: typed("member"),
        title: typed("title"),
        notice: refused.map(|(_, notice)| notice),
    };
    Ok(page(status, &page_of))
}

fn decision(lang: Lang, of: &OfficeDecision) -> Decision {
    let signed =
        of.member.iter().zip(&of.title).map(|(member, title)| format!("{member}, {title}"));
    Decision {
        document: of.document,
        code: if of.code.is_empty() { of.document.to_string() } else { of.code.clone() },
        by: of.by.clone(),
        at: time_text(of.at_ms),
        note: match of.kind.as_str() {
            "linked" => format!("{}: {}", lang.t("gộp hai hộ", "merged"), of.note),
            "unlinked" => format!("{}: {}", lang.t("bỏ gộp", "merge undone"), of.note),
            _ => of.note.clone(),
        },
        signed: signed.collect(),
    }
}

/// Records a countersignature.
pub(super) async fn countersign(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let signed = async {
        let named = fields.get("decisions").split(',').filter(|one| !one.is_empty()).map(|one| {
            let (document, hash) = one.split_once(':')?;
            Some(Named { document: document.parse().ok()?, hash: hash.parse().ok()? })
        });
        let decisions: Option<Vec<Named>> = named.collect();
        let form = Countersign {
            member: fields.get("member").to_owned(),
            title: fields.get("title").to_owned(),
            decisions: decisions.ok_or(&problem::COUNTERSIGN_REFUSED)?,
        };
        let here = Path((id, unit.clone()));
        four_eyes::sign(State(app.clone()), visitor.actor(), here, Json(form)).await
    };
    let answer = match signed.await {
        Ok(_) => {
            let back = format!("/office/campaigns/{id}/units/{unit}/disputes");
            Ok(Redirect::to(&back).into_response())
        }
        Err(problem) => {
            let (status, notice) = (problem.said().0, Notice::of(lang, &problem));
            let first = (id, unit.clone(), After::default());
            shown(app.clone(), &visitor, first, status, Some((&fields, notice))).await
        }
    };
    Asked::of(lang, answer)
}

fn case((lang, id): (Lang, CampaignId), of: &Household) -> Case {
    let list = |hashes: &[ChangeHash]| {
        hashes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    Case {
        action: format!("/office/campaigns/{id}/households/{}", of.document),
        code: of.code.clone(),
        head: of.head.clone(),
        heads: list(&of.heads),
        closes: list(&of.closes),
        beyond: of.beyond,
        questions: of.questions.iter().map(|one| question(lang, one)).collect(),
    }
}
