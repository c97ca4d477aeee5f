//! Changes that were set aside in a commune: what waits, what is held, what is unsound, and letting
//! one in or leaving it out.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::problem::{self, by_name};
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::scope::Role;

use super::frame::{Asked, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use crate::app::App;
use crate::http::aside::{self, Release, may_go_on};
use crate::http::extract::{Json, Path, list_unit};
use crate::problem::Problem;
use crate::store::change::AsideChange;

/// Changes on the page, the oldest: the others come up as these are dealt with.
const LISTED: usize = 200;

/// The pages of what was set aside.
pub(super) fn routes() -> Router<App> {
    let unit = "/office/campaigns/{campaign}/units/{unit}";
    Router::new().route(&format!("{unit}/aside"), get(show).post(decide))
}

/// A change that was set aside.
struct Line {
    document: DocumentId,
    hash: ChangeHash,
    code: String,
    head: String,
    device: String,
    came: String,
    fate: &'static str,
    why: &'static str,
    /// A person may let it in, or leave it out for good.
    is_open: bool,
    /// It was left out by somebody.
    is_left_out: bool,
}

#[derive(Template)]
#[template(path = "office/aside.html")]
struct Aside {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    lines: Vec<Line>,
    found: usize,
    /// More of them that come up as these are dealt with.
    beyond: u64,
    /// The visitor decides here, and the list is not frozen.
    can_decide: bool,
    is_frozen: bool,
    notice: Option<Notice>,
    /// What was typed for a change that was refused.
    typed: Option<(String, String)>,
}

impl Aside {
    /// Returns the reason typed for a change.
    fn reason(&self, line: &Line) -> &str {
        let typed = self.typed.as_ref().filter(|(hash, _)| *hash == line.hash.to_string());
        typed.map_or("", |(_, reason)| reason.as_str())
    }
}

type Names = (CampaignId, String);

async fn show(State(app): State<App>, visitor: Visitor, Path(names): Path<Names>) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(&app, &visitor, names, StatusCode::OK, None).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    (id, unit): Names,
    status: StatusCode,
    refused: Option<(Notice, (String, String))>,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(app, &actor, id, &unit).await?;
    let here = Path((id, unit.clone()));
    let listed = aside::aside(State(app.clone()), actor, here).await?.0;
    let shown = &listed[..listed.len().min(LISTED)];
    let documents: BTreeSet<DocumentId> = shown.iter().map(|change| change.document).collect();
    let documents: Vec<DocumentId> = documents.into_iter().collect();
    let names = app.store.household_names(id, &documents).await?;
    let line = |change: &AsideChange| {
        let (code, head) = names.get(&change.document).cloned().unwrap_or_default();
        line(lang, change, code, head)
    };
    let (notice, typed) = refused.unzip();
    let is_frozen = app.store.list_step(id, &unit).await?.is_frozen();
    let whole = Aside {
        f: visitor.frame(lang.t("Thay đổi để riêng", "Changes set aside")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        found: listed.len(),
        beyond: app.store.aside_count(id, &unit).await?.beyond,
        lines: shown.iter().map(line).collect(),
        can_decide: visitor.account.post.role == Role::Officer && !is_frozen,
        is_frozen,
        unit,
        notice,
        typed,
    };
    Ok(page(status, &whole))
}

fn line(lang: Lang, change: &AsideChange, code: String, head: String) -> Line {
    let why = by_name(&change.reason).map_or("", |why| lang.t(why.vi, why.en));
    let is_left_out = change.reason == problem::CHANGE_LEFT_OUT.name;
    Line {
        document: change.document,
        hash: change.hash,
        code,
        head,
        device: change.device.clone(),
        came: time_text(change.received_at_ms),
        fate: match change.fate.as_str() {
            _ if is_left_out => lang.t("để lại, không gộp", "left out"),
            "waiting" => lang.t("chờ phần đến trước", "waits for what comes before"),
            "held" => lang.t("giữ lại chờ xem xét", "held for review"),
            _ => lang.t("hỏng, không gộp", "unsound, not merged"),
        },
        why: if change.fate == "waiting" && why.is_empty() {
            lang.t(
                "Phần mà thay đổi này dựa vào chưa đến; thường tự hết khi điện thoại gửi tiếp.",
                "What it builds on has not come yet; it mostly goes by itself once the phone sends on.",
            )
        } else {
            why
        },
        is_open: may_go_on(&change.fate, &change.reason),
        is_left_out,
    }
}

/// Lets a change in, or leaves it out.
async fn decide(State(app): State<App>, Path(names): Path<Names>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let (hash, reason) = (fields.get("hash").to_owned(), fields.get("reason").to_owned());
    let result = async {
        let done = async {
            let malformed = || Problem::new(&problem::BODY_MALFORMED);
            let form = Release {
                document: fields.get("document").parse().map_err(|_| malformed())?,
                hash: hash.parse().map_err(|_| malformed())?,
                reason: reason.clone(),
                let_in: match fields.get("act") {
                    "in" => true,
                    "out" => false,
                    _ => return Err(malformed()),
                },
            };
            let at = Path(names.clone());
            aside::release(State(app.clone()), visitor.actor(), at, Json(form)).await
        };
        match done.await {
            Ok(_) => {
                let (id, unit) = &names;
                let back = format!("/office/campaigns/{id}/units/{unit}/aside");
                Ok(Redirect::to(&back).into_response())
            }
            Err(refused) => {
                let notice = Notice::of(lang, &refused);
                let status = refused.said().0;
                let kept = (notice, (hash.clone(), reason.clone()));
                shown(&app, &visitor, names.clone(), status, Some(kept)).await
            }
        }
    };
    Asked::of(lang, result.await)
}
