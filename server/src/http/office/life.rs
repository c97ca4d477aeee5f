//! What was decided about a household itself, on its page: the log, and the forms of the desk.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::approve::Paper;
use shared::date::Date;
use shared::id::{CampaignId, DocumentId, HouseholdId};
use shared::life::{Act, Verdict};

use super::frame::{Asked, Fields, Lang, Posted, Visitor, day_text, time_text};
use crate::app::App;
use crate::http::extract::{Json, Path};
use crate::http::life;
use crate::problem::Problem;

/// One act as the page shows it.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) what: String,
    pub(super) because: String,
}

/// What the household's page says of its life.
pub(super) struct Life {
    pub(super) lines: Vec<Line>,
    pub(super) doubtful: bool,
    /// Nobody could ask it: the committee may decide.
    pub(super) is_pending: bool,
    /// It was poor or near-poor, so that there is a class to keep.
    pub(super) may_keep: bool,
}

/// Loads what was decided about a household.
pub(super) async fn of_household(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    row: &shared::list::Row,
) -> Result<Life, Problem> {
    let shown = life::list(State(app.clone()), visitor.actor(), Path(place)).await?.0;
    let decides = shown.acts.last().is_some_and(|taken| matches!(taken.act, Act::Decide { .. }));
    Ok(Life {
        lines: shown
            .acts
            .iter()
            .map(|taken| Line {
                at: time_text(taken.at_ms),
                by: taken.by.clone(),
                what: what(visitor.lang, &taken.act),
                because: because(&taken.act),
            })
            .collect(),
        doubtful: shown.doubtful,
        is_pending: row.outcome == shared::list::Outcome::Pending || decides,
        may_keep: shown.may_keep,
    })
}

fn what(lang: Lang, act: &Act) -> String {
    match act {
        Act::Decide { verdict: Verdict::Keep, minutes, .. } => format!(
            "{} {} ({}, {})",
            lang.t(
                "Ban Chỉ đạo quyết định giữ diện cũ, biên bản số",
                "The committee keeps its class, minutes"
            ),
            minutes.number,
            day_text(&minutes.date),
            minutes.signer
        ),
        Act::Decide { verdict: Verdict::StrikeOff, minutes, .. } => format!(
            "{} {} ({}, {})",
            lang.t(
                "Ban Chỉ đạo quyết định đưa ra khỏi danh sách, biên bản số",
                "The committee takes it off the list, minutes"
            ),
            minutes.number,
            day_text(&minutes.date),
            minutes.signer
        ),
        Act::Split { on, same_house, same_meter, .. } => {
            let house = lang.t("; cùng nhà", "; same house");
            let meter = lang.t("; chung công tơ điện", "; same meter");
            let house = if *same_house { house } else { "" };
            let meter = if *same_meter { meter } else { "" };
            let split = lang.t("Tách từ hộ khác ngày", "Split from another household on");
            format!("{split} {}{house}{meter}", on.text_vi())
        }
        Act::Join { on, .. } => {
            let joined = lang.t("Nhập vào hộ khác ngày", "Joined another household on");
            format!("{joined} {}", on.text_vi())
        }
        Act::Undo { .. } => {
            lang.t("Bỏ quyết định trước", "The decision before is undone").to_owned()
        }
    }
}

fn because(act: &Act) -> String {
    match act {
        Act::Decide { reason, .. } | Act::Undo { reason } => reason.clone(),
        Act::Split { evidence, .. } | Act::Join { evidence, .. } => evidence.clone(),
    }
}

/// Decides about a household by a form of its page.
pub(super) async fn decide(
    State(app): State<App>,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    Asked::of(lang, decided(app, &visitor, (id, document), &fields).await)
}

async fn decided(
    app: App,
    visitor: &Visitor,
    (id, document): (CampaignId, DocumentId),
    fields: &Fields,
) -> Result<Response, Problem> {
    let act = match fields.get("act") {
        "decide" => Act::Decide {
            verdict: match fields.get("verdict") {
                "keep" => Verdict::Keep,
                "strike_off" => Verdict::StrikeOff,
                _ => return Err(Problem::new(&problem::BODY_MALFORMED)),
            },
            minutes: Paper {
                number: fields.get("number").trim().to_owned(),
                date: fields.get("date").trim().to_owned(),
                signer: fields.get("signer").trim().to_owned(),
                scan: None,
            },
            reason: fields.get("reason").trim().to_owned(),
        },
        "split" => Act::Split {
            from: other(&app, id, fields).await?,
            on: day(fields)?,
            same_house: fields.find("same_house").is_some(),
            same_meter: fields.find("same_meter").is_some(),
            evidence: fields.get("evidence").trim().to_owned(),
        },
        "join" => Act::Join {
            into: other(&app, id, fields).await?,
            on: day(fields)?,
            evidence: fields.get("evidence").trim().to_owned(),
        },
        "undo" => Act::Undo { reason: fields.get("reason").trim().to_owned() },
        _ => return Err(Problem::new(&problem::BODY_MALFORMED)),
    };
    life::decide(State(app), visitor.actor(), Path((id, document)), Json(act)).await?;
    let back = format!("/office/campaigns/{id}/households/{document}#life");
    Ok(Redirect::to(&back).into_response())
}

fn day(fields: &Fields) -> Result<Date, Problem> {
    Date::parse(fields.get("on").trim()).map_err(|_| Problem::new(&problem::BODY_MALFORMED))
}

/// Finds the household that a form names by its code or by its document.
async fn other(app: &App, id: CampaignId, fields: &Fields) -> Result<HouseholdId, Problem> {
    let found = app.store.household_named(id, fields.get("other").trim()).await?;
    Ok(found.ok_or(&problem::KIN_UNKNOWN)?.household)
}
