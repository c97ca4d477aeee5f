//! One household: answers, people, points, class with its reasons, history, and what is disputed.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::household::{Answers, Value};
use mobile_schema::problem;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::resolve::{Dispute, Path as AnswerPath};
use shared::scope::Role;

use super::comments::{self, Remarks};
use super::commune::area_text;
use super::frame::{
    Asked, Fields, Frame, Lang, Notice, Posted, Visitor, day_text, page, time_text,
};
use super::list::{class_text, outcome_text};
use super::words::{Block, Member, block_text, blocks, key_text, members, path_text, path_value};
use crate::app::App;
use crate::http::extract::{Json, Path};
use crate::http::households::{self, Read, Settle};
use crate::problem::Problem;
use crate::store::change::Authorship;

/// One value of a dispute, and who wrote it.
struct Side {
    /// What the form sends: JSON of the value, empty where it cannot be read.
    json: String,
    text: String,
    by: Vec<String>,
    chosen: bool,
}

/// Something people disagree about.
struct Open {
    path: String,
    label: String,
    sides: Vec<Side>,
    reason: String,
    notice: Option<Notice>,
}

/// One indicator with what it rests on.
struct IndicatorLine {
    label: String,
    state: &'static str,
    mark: &'static str,
    because: String,
}

/// One entry of the history.
struct Entry {
    at: String,
    by: String,
    how: String,
    note: String,
}

#[derive(Template)]
#[template(path = "office/household.html")]
struct Household {
    f: Frame,
    id: CampaignId,
    document: DocumentId,
    unit: String,
    code: String,
    head: String,
    hamlet: String,
    area: &'static str,
    outcome: &'static str,
    class: &'static str,
    opening: &'static str,
    b1: String,
    b2: String,
    reasons: Vec<String>,
    synthetic: bool,
    missing: Vec<String>,
    indicators: Vec<IndicatorLine>,
    blocks: Vec<Block>,
    members: Vec<Member>,
    asked: Vec<Entry>,
    flags: Vec<String>,
    disputes: Vec<Open>,
    heads: String,
    closes: String,
    can_settle: bool,
    history: Vec<Entry>,
    remarks: Remarks,
}

/// Shows a household.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, &visitor, id, document, StatusCode::OK, None).await)
}

/// A decision that was refused, with what was typed.
struct Tried<'a> {
    fields: &'a Fields,
    notice: Notice,
}

async fn shown(
    app: App,
    visitor: &Visitor,
    id: CampaignId,
    document: DocumentId,
    status: StatusCode,
    tried: Option<Tried<'_>>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let path = Path((id, document));
    let read = households::read(State(app.clone()), visitor.actor(), path).await?.0;
    let remarks = comments::of_household(&app, visitor, id, (&read.unit, document)).await?;
    let Read { code, unit, standing, household, classification, changes } = read;
    let row = &standing.row;
    let authors: BTreeMap<ChangeHash, &Authorship> =
        changes.iter().map(|change| (change.hash, change)).collect();
    let points = |points: Option<i64>| points.map_or("–".to_owned(), |n| n.to_string());
    let standard = crate::standing::standard_named(&classification.standard);
    let indicators = classification.indicators.iter().map(|one| {
        let known = standard.as_ref().and_then(|standard| {
            standard.indicators.iter().find(|indicator| indicator.code == one.code)
        });
        let label = known.map(|known| lang.t(&known.label.vi, &known.label.en).to_owned());
        let (state, mark) = match one.deprived {
            Some(true) => (lang.t("Thiếu hụt", "Deprived"), "yes"),
            Some(false) => (lang.t("Không thiếu hụt", "Not deprived"), "no"),
            None => (lang.t("Chưa đủ thông tin", "Not known"), "unknown"),
        };
        let because = one.because.iter().map(|key| key_text(lang, key, &household.members));
        IndicatorLine {
            label: label.unwrap_or_else(|| one.code.clone()),
            state,
            mark,
            because: because.collect::<Vec<_>>().join("; "),
        }
    });
    let disputes = standing.disputes.iter().map(|dispute| {
        let tried =
            tried.as_ref().filter(|tried| tried.fields.get("path") == dispute.path.to_string());
        open(lang, dispute, &authors, &household.members, tried)
    });
    let list = |hashes: &[ChangeHash]| {
        hashes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let page_of = Household {
        f: visitor.frame(if standing.head.is_empty() { &code } else { &standing.head }),
        id,
        document,
        head: standing.head.clone(),
        hamlet: row.hamlet.clone(),
        area: area_text(lang, row.area),
        outcome: outcome_text(lang, row.outcome),
        class: row.class.map_or("–", |class| class_text(lang, class)),
        opening: row.opening.map_or("–", |class| class_text(lang, class)),
        b1: points(row.b1),
        b2: points(row.b2),
        reasons: classification
            .explanation
            .iter()
            .map(|line| lang.t(&line.vi, &line.en).to_owned())
            .collect(),
        synthetic: classification.b1.as_ref().is_some_and(|b1| b1.synthetic),
        missing: standing
            .open
            .missing
            .iter()
            .map(|key| key_text(lang, key, &household.members))
            .collect(),
        indicators: indicators.collect(),
        blocks: blocks(lang, &household.answers),
        members: members(lang, &household.members),
        asked: household
            .asked
            .iter()
            .map(|(block, asked)| Entry {
                at: asked.day.as_deref().map(day_text).unwrap_or_default(),
                by: [&asked.by, &asked.answered_by, &asked.typed_by]
                    .map(|who| who.clone().unwrap_or_else(|| "–".to_owned()))
                    .join(" · "),
                how: block_text(lang, block),
                note: match asked.medium.as_deref() {
                    Some("paper") => lang.t("phiếu giấy", "paper").to_owned(),
                    Some("phone") => lang.t("điện thoại", "phone").to_owned(),
                    _ => String::new(),
                },
            })
            .collect(),
        flags: standing
            .flags
            .iter()
            .map(|flag| {
                format!("{} · {}", flag.code, key_text(lang, &flag.path, &household.members))
            })
            .collect(),
        disputes: disputes.collect(),
        heads: list(&standing.heads),
        closes: list(&standing.forked),
        can_settle: visitor.account.post.role == Role::Officer,
        history: changes.iter().map(|change| entry(lang, change)).collect(),
        remarks,
        code,
        unit,
    };
    Ok(page(status, &page_of))
}

fn entry(lang: Lang, change: &Authorship) -> Entry {
    let how = match change.provenance.as_str() {
        "desk" => lang.t("tại cơ quan", "in an office").to_owned(),
        _ => change.device.clone(),
    };
    let by = change.typed_by.as_ref().map_or_else(|| change.author.clone(), Clone::clone);
    Entry { at: time_text(change.received_at_ms), by, how, note: change.note.clone() }
}

fn open(
    lang: Lang,
    dispute: &Dispute,
    authors: &BTreeMap<ChangeHash, &Authorship>,
    members: &BTreeMap<String, Answers>,
    tried: Option<&Tried<'_>>,
) -> Open {
    let chosen = tried.map_or("", |tried| tried.fields.get("value"));
    let sides = dispute.values.iter().map(|side| {
        let json = side.value.as_ref().and_then(|value| serde_json::to_string(value).ok());
        let json = json.unwrap_or_default();
        let by = side.changes.iter().filter_map(|hash| authors.get(hash)).map(|author| {
            let who = author.typed_by.as_ref().unwrap_or(&author.author);
            format!("{who} · {} · {}", author.device, time_text(author.received_at_ms))
        });
        Side {
            text: match &side.value {
                Some(value) => path_value(lang, &dispute.path, value),
                None => {
                    lang.t("(để trống hoặc không đọc được)", "(empty or unreadable)").to_owned()
                }
            },
            by: by.collect(),
            chosen: !json.is_empty() && json == chosen,
            json,
        }
    });
    Open {
        label: path_text(lang, &dispute.path, members),
        path: dispute.path.to_string(),
        sides: sides.collect(),
        reason: tried.map_or_else(String::new, |tried| tried.fields.get("reason").to_owned()),
        notice: tried.map(|tried| tried.notice.clone()),
    }
}

/// Settles one answer, as the page showed it.
pub(super) async fn settle(
    State(app): State<App>,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let decided = async {
                let form = settle_form(&fields)?;
                let (app, path) = (app.clone(), Path((id, document)));
                households::settle(State(app), visitor.actor(), path, Json(form)).await
            };
            match decided.await {
                Ok(_) => {
                    let back = format!("/office/campaigns/{id}/households/{document}");
                    Ok(Redirect::to(&back).into_response())
                }
                Err(problem) => {
                    let notice = Notice::of(lang, &problem);
                    let (status, ..) = problem.said();
                    let tried = Some(Tried { fields: &fields, notice });
                    shown(app, &visitor, id, document, status, tried).await
                }
            }
        }
        .await,
    )
}

fn settle_form(fields: &Fields) -> Result<Settle, Problem> {
    let unreadable = || Problem::new(&problem::SETTLE_UNREADABLE);
    let hashes = |name: &str| {
        let all = fields.get(name).split(',').filter(|part| !part.is_empty());
        all.map(|part| part.parse().map_err(|_| unreadable())).collect::<Result<Vec<_>, _>>()
    };
    let value: Value = serde_json::from_str(fields.get("value")).map_err(|_| unreadable())?;
    Ok(Settle {
        heads: hashes("heads")?,
        path: fields.get("path").parse::<AnswerPath>().map_err(|_| unreadable())?,
        value,
        reason: fields.get("reason").to_owned(),
        closes: hashes("closes")?,
    })
}
