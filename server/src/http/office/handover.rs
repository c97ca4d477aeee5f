//! Households that move to another commune (hộ chuyển đi, chuyển đến): what waits for a word, what
//! was said, and the forms of both sides.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use mobile_schema::problem;
use shared::approve::Paper;
use shared::date::Date;
use shared::handover::{Act, Stage};
use shared::id::{CampaignId, DocumentId};
use shared::scope::Role;

use super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, day_text, page, time_text};
use crate::app::App;
use crate::http::extract::{Json, Path, campaign, list_unit};
use crate::http::forms::gather::{list_units, name_of};
use crate::http::handover::{self, Handover, Saying};
use crate::problem::Problem;
use crate::store::handover::Said;

/// The pages about households that move.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    Router::new()
        .route(&format!("{campaign}/units/{{unit}}/handovers"), get(show))
        .route(&format!("{campaign}/households/{{document}}/handover"), post(say))
}

/// One word as the pages show it.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) what: String,
    pub(super) because: String,
}

/// One household that moves.
struct Moving {
    document: DocumentId,
    code: String,
    head: String,
    from: String,
    to: String,
    stage: &'static str,
    lines: Vec<Line>,
    /// The visitor's commune says whether it takes it.
    may_take: bool,
    may_withdraw: bool,
    /// The visitor's office is above both communes.
    may_undo: bool,
    /// The visitor's commune has it now, and gives it back by handing it over.
    may_return: bool,
    /// Position of what was said last.
    seen: i64,
    /// Hamlets that it may come to: code and name.
    hamlets: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "office/handovers.html")]
struct Handovers {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    waiting: usize,
    moving: Vec<Moving>,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, &visitor, id, unit).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    id: CampaignId,
    unit: String,
) -> Result<Response, Problem> {
    let (lang, post) = (visitor.lang, &visitor.account.post);
    let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
    let place = Path((id, unit.clone()));
    let listed = handover::list(State(app.clone()), visitor.actor(), place).await?.0;
    let covers = |unit: &str| post.covers(&seen.tree, unit);
    let speaks = |own: &str, other: &str| match post.role {
        Role::Officer => covers(own),
        Role::District => covers(own) && covers(other),
        Role::Province | Role::Enumerator => false,
    };
    let mut moving = Vec::new();
    for one in listed {
        let Handover { document, code, head, from_unit, to_unit, stage, said, .. } = one;
        let takes = speaks(&to_unit, &from_unit);
        let may_take = stage == Stage::Offered && one.is_newest && takes;
        let has_moved = stage == Stage::Accepted && one.is_newest;
        let is_above = matches!(post.role, Role::District | Role::Province);
        let hamlets = if may_take { hamlets(&app, id, &to_unit).await? } else { Vec::new() };
        moving.push(Moving {
            document,
            code,
            head,
            from: name_of(&seen.tree, &from_unit),
            to: name_of(&seen.tree, &to_unit),
            stage: stage_text(lang, stage),
            lines: said.iter().map(|said| line(lang, said)).collect(),
            may_take,
            may_withdraw: stage == Stage::Offered && one.is_newest && speaks(&from_unit, &to_unit),
            may_undo: has_moved && is_above && covers(&from_unit) && covers(&to_unit),
            may_return: has_moved && post.role == Role::Officer && takes,
            seen: one.position,
            hamlets,
        });
    }
    let page_of = Handovers {
        f: visitor.frame(lang.t("Hộ chuyển đi, chuyển đến", "Households that move")),
        id,
        name: name_of(&seen.tree, &unit),
        unit,
        waiting: moving.iter().filter(|one| one.may_take).count(),
        moving,
    };
    Ok(page(StatusCode::OK, &page_of))
}

async fn hamlets(app: &App, id: CampaignId, unit: &str) -> Result<Vec<(String, String)>, Problem> {
    let listed = app.store.hamlet_list(id, Some(unit)).await?.into_iter();
    let named = |hamlet: shared::list::Hamlet| {
        let name = format!("{} {}", hamlet.type_word, hamlet.name);
        (hamlet.code, name)
    };
    Ok(listed.map(|(_, hamlet)| named(hamlet)).collect())
}

fn stage_text(lang: Lang, stage: Stage) -> &'static str {
    match stage {
        Stage::Offered => lang.t("chờ nơi đến tiếp nhận", "waits for the commune it comes to"),
        Stage::Withdrawn => lang.t("nơi đi rút lại", "withdrawn"),
        Stage::Declined => lang.t("nơi đến không tiếp nhận", "not taken"),
        Stage::Accepted => lang.t("đã chuyển", "has moved"),
        Stage::Undone => lang.t("đã hủy việc chuyển", "undone"),
    }
}

/// Tells one word.
pub(super) fn line(lang: Lang, said: &Said) -> Line {
    let (what, because) = match &said.act {
        Act::Offer { paper, on, reason, .. } => {
            let gives = lang.t("Bàn giao hộ chuyển đi ngày", "Handed over, moved on");
            let by = lang.t("theo văn bản số", "paper no.");
            let day = day_text(&paper.date);
            let on = on.text_vi();
            (format!("{gives} {on}, {by} {} ({day}, {})", paper.number, paper.signer), reason)
        }
        Act::Withdraw { reason } => {
            (lang.t("Nơi đi rút lại", "Withdrawn by where it was").to_owned(), reason)
        }
        Act::Decline { reason } => {
            (lang.t("Nơi đến không tiếp nhận", "Not taken").to_owned(), reason)
        }
        Act::Accept { hamlet } => {
            (lang.t("Nơi đến tiếp nhận vào thôn", "Taken into hamlet").to_owned(), hamlet)
        }
        Act::Undo { reason } => {
            (lang.t("Cấp trên hủy việc chuyển", "Undone from above").to_owned(), reason)
        }
    };
    Line { at: time_text(said.at_ms), by: said.by.clone(), what, because: because.clone() }
}

/// Lists what was said of a household, for its own page, and the position of the newest word.
pub(super) async fn of_household(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
) -> Result<(Vec<Line>, i64), Problem> {
    let told = handover::read(State(app.clone()), visitor.actor(), Path(place)).await?.0;
    let seen = told.last().map_or(0, |newest| newest.position);
    let said = told.iter().flat_map(|one| &one.said);
    Ok((said.map(|said| line(visitor.lang, said)).collect(), seen))
}

/// Lists the units that the visitor may hand a household of a unit over to; none where another has to.
pub(super) async fn others(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: &str,
) -> Result<Vec<(String, String)>, Problem> {
    let post = &visitor.account.post;
    let seen = campaign(app, &visitor.actor(), id).await?;
    let may = |to: &str| match post.role {
        Role::Officer => true,
        Role::District => post.covers(&seen.tree, to),
        Role::Province | Role::Enumerator => false,
    };
    let all = list_units(&seen.tree, &seen.campaign.province);
    Ok(all.filter(|(code, _)| code != unit && may(code)).collect())
}

/// Says one side's word by a form.
async fn say(
    State(app): State<App>,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let said = async {
        let seen = fields.get("seen").parse().map_err(|_| &problem::BODY_MALFORMED)?;
        let saying = Saying { seen, act: act(&fields)? };
        let path = Path((id, document));
        handover::say(State(app), visitor.actor(), path, Json(saying)).await?;
        let back = fields.get("unit").trim();
        let is_unit = !back.is_empty() && back.bytes().all(|byte| byte.is_ascii_digit());
        let back = if is_unit {
            format!("/office/campaigns/{id}/units/{back}/handovers")
        } else {
            format!("/office/campaigns/{id}/households/{document}#life")
        };
        Ok(Redirect::to(&back).into_response())
    };
    Asked::of(lang, said.await)
}

fn act(fields: &Fields) -> Result<Act, Problem> {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let malformed = || Problem::new(&problem::BODY_MALFORMED);
    Ok(match fields.get("act") {
        "offer" => Act::Offer {
            to: text("to"),
            paper: Paper {
                number: text("number"),
                date: text("date"),
                signer: text("signer"),
                scan: None,
            },
            on: Date::parse(&text("on")).map_err(|_| malformed())?,
            reason: text("reason"),
        },
        "withdraw" => Act::Withdraw { reason: text("reason") },
        "decline" => Act::Decline { reason: text("reason") },
        "accept" => Act::Accept { hamlet: text("hamlet") },
        "undo" => Act::Undo { reason: text("reason") },
        _ => return Err(malformed()),
    })
}
