//! One household: answers, people, points, class with its reasons, history, and what is disputed.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::household::{Answers, Value};
use mobile_schema::problem;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::resolve::Path as AnswerPath;
use shared::scope::Role;

use self::parts::{AskedLine, IndicatorLine, ItemLine};
use super::comments::{self, Remarks};
use super::commune::area_text;
use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page};
use super::handover;
use super::life::{self, Life};
use super::list::{class_text, outcome_text};
use super::past::{Change, changes, value_text};
use super::settle::{Open, Refused, Telling, settle_form};
use super::sourced::Sources;
use super::words::{Block, Member, blocks, key_text, members, path_text};
use crate::app::App;
use crate::http::extract::{Json, Path, Query};
use crate::http::history::{self, Since};
use crate::http::households::{self, Read};
use crate::problem::Problem;
use crate::standing::standard_named;
use crate::store::StoreError;
use crate::store::change::Authorship;

mod parts;

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
    b1_way: String,
    b1_items: Vec<ItemLine>,
    b2: String,
    reasons: Vec<String>,
    synthetic: bool,
    missing: Vec<String>,
    indicators: Vec<IndicatorLine>,
    blocks: Vec<Block>,
    members: Vec<Member>,
    asked: Vec<AskedLine>,
    flags: Vec<String>,
    disputes: Vec<Open>,
    heads: String,
    closes: String,
    can_settle: bool,
    history: Vec<Change>,
    /// A decision that was not taken because others have written meanwhile: what it said, and what
    /// they wrote.
    notice: Option<Notice>,
    moved: Vec<Change>,
    decided: String,
    remarks: Remarks,
    /// Documents merged into this household.
    merged: Vec<DocumentId>,
    /// The household it was merged into.
    merged_into: Option<DocumentId>,
    life: Life,
    /// That another person is the head now, in words; empty where it is the same one.
    new_head: String,
    /// What was said where it moved to another commune.
    handed: Vec<handover::Line>,
    /// Position of the newest of it.
    seen: i64,
    /// Units that it may be handed over to: code and name.
    others: Vec<(String, String)>,
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
    /// What others wrote meanwhile.
    moved: Vec<Change>,
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
    let here = Path((id, document));
    let read = households::read(State(app.clone()), visitor.actor(), here).await?.0;
    let Read { code, unit, standing, household, writers, classification, changes, .. } = read;
    let (merged, merged_into) = (read.merged, read.merged_into);
    let new_head = read.head_change.map(|change| {
        let (was, is) = (lang.t("Chủ hộ đổi từ", "Head changed from"), lang.t("sang", "to"));
        format!("{was} {} {is} {}", change.from, change.to)
    });
    let campaign = crate::standing::campaign(&app, id).await?;
    let remarks = comments::of_household(&app, visitor, id, (&unit, document)).await?;
    let row = &standing.row;
    let life = life::of_household(&app, visitor, (id, document), row).await?;
    let (handed, seen) = handover::of_household(&app, visitor, (id, document)).await?;
    let others = handover::others(&app, visitor, id, &unit).await?;
    let authors: BTreeMap<ChangeHash, &Authorship> =
        changes.iter().map(|change| (change.hash, change)).collect();
    let points = |points: Option<i64>| points.map_or("–".to_owned(), |n| n.to_string());
    let sources = Sources { lang, asked: &household.asked, writers: &writers, authors: &authors };
    let mut blocks = blocks(lang, &household.answers);
    blocks.iter_mut().for_each(|block| block.sources = sources.tell(&mut block.lines));
    let mut members = members(lang, &household.members);
    members.iter_mut().for_each(|member| member.sources = sources.tell(&mut member.lines));
    let standard = standard_named(&classification.standard).ok_or(StoreError::Damaged)?;
    let telling =
        Telling { lang, standard: &standard, members: &household.members, authors: &authors };
    let disputes = standing.disputes.iter().map(|dispute| {
        let tried =
            tried.as_ref().filter(|tried| tried.fields.get("path") == dispute.path.to_string());
        let refused = tried.map(|tried| Refused { fields: tried.fields, notice: &tried.notice });
        telling.open(dispute, &standing.triage, refused.as_ref())
    });
    let list = |hashes: &[ChangeHash]| {
        hashes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let disputes: Vec<Open> = disputes.collect();
    let is_moved = tried.as_ref().is_some_and(|tried| !tried.moved.is_empty());
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
        b1_way: parts::b1_way(lang, classification.b1.as_ref()),
        b1_items: parts::b1_items(lang, classification.b1.as_ref(), &campaign),
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
        indicators: parts::indicators(lang, &classification, &household.members),
        asked: parts::asked(lang, &household),
        flags: parts::flags(lang, &standing, &household, &campaign),
        blocks,
        members,
        disputes,
        heads: list(&standing.heads),
        closes: list(&standing.forked),
        can_settle: visitor.account.post.role == Role::Officer,
        history: history(&app, visitor, (id, document), &household.members, &changes).await,
        decided: tried.as_ref().map(|tried| decided(lang, tried, &household)).unwrap_or_default(),
        notice: tried.as_ref().map(|tried| tried.notice.clone()).filter(|_| is_moved),
        moved: tried.map(|tried| tried.moved).unwrap_or_default(),
        remarks,
        merged,
        merged_into,
        life,
        new_head: new_head.unwrap_or_default(),
        handed,
        seen,
        others,
        code,
        unit,
    };
    Ok(page(status, &page_of))
}

/// Writes what somebody had decided when others wrote meanwhile.
fn decided(
    lang: Lang,
    tried: &Tried<'_>,
    household: &mobile_schema::household::Household,
) -> String {
    let (path, value) = (tried.fields.get("path"), tried.fields.get("value"));
    let Ok(path) = path.parse::<AnswerPath>() else { return String::new() };
    let label = path_text(lang, &path, &household.members);
    let value = match serde_json::from_str::<Value>(value) {
        Ok(value) => value_text(lang, &path, &value),
        Err(_) => tried.fields.get("other").to_owned(),
    };
    format!("{label}: {value} ({})", tried.fields.get("reason"))
}

/// Tells the history; what cannot be told is listed without what it changed.
async fn history(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    members: &BTreeMap<String, Answers>,
    known: &[Authorship],
) -> Vec<Change> {
    let asked = Query(Since::default());
    let told = history::read(State(app.clone()), visitor.actor(), Path(place), asked).await;
    let untold = |by: &Authorship| {
        let by = by.clone();
        history::Entry { by, edits: Vec::new(), blocks: Vec::new(), told: false }
    };
    let entries = match told {
        Ok(told) => told.0.since,
        Err(_) => known.iter().map(untold).collect(),
    };
    changes(visitor.lang, &entries, members)
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
                    let at = app.store.household_get(id, document).await?;
                    let back = match at.filter(|_| fields.get("from") == "desk") {
                        Some(at) => format!("/office/campaigns/{id}/units/{}/disputes", at.unit),
                        None => format!("/office/campaigns/{id}/households/{document}"),
                    };
                    Ok(Redirect::to(&back).into_response())
                }
                Err(problem) => {
                    let notice = Notice::of(lang, &problem);
                    let (status, name, _) = problem.said();
                    let moved = if *name == problem::HOUSEHOLD_MOVED {
                        since(&app, &visitor, (id, document), &fields).await?
                    } else {
                        Vec::new()
                    };
                    let tried = Some(Tried { fields: &fields, notice, moved });
                    shown(app, &visitor, id, document, status, tried).await
                }
            }
        }
        .await,
    )
}

/// Tells what others wrote since the page was shown.
async fn since(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, DocumentId),
    fields: &Fields,
) -> Result<Vec<Change>, Problem> {
    let since = Query(Since { since: fields.get("heads").to_owned() });
    let past = history::read(State(app.clone()), visitor.actor(), Path(place), since).await?.0;
    Ok(changes(visitor.lang, &past.since, &past.then.members))
}
