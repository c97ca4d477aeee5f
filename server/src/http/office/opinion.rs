//! The legal steps of a list as people take them: with the paper, its scan, and what has happened
//! since the page was opened.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use mobile_schema::problem;
use shared::approve::{Act, Paper};
use shared::id::{CampaignId, Digest};

use super::frame::{Asked, Fields, Lang, Notice, Visitor, time_text};
use super::list::{act_text, shown};
use super::upload::{File, LOST, Sent};
use crate::app::App;
use crate::http::extract::{Json, Path};
use crate::http::lists;
use crate::http::scans::{self, Which};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::list::Decision;

/// Most changes that a stale page names.
const SINCE_MAX: i64 = 20;

/// Takes a legal step, as the page showed it.
pub(super) async fn act(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    sent: Sent,
) -> Asked {
    let Sent { visitor, mut fields, file, .. } = sent;
    let lang = visitor.lang;
    let decided = async {
        if let Some(scan) = attached(&app, &visitor, (id, &unit), &fields, file).await? {
            fields.0.retain(|(name, _)| name != "scan");
            fields.0.push(("scan".to_owned(), scan.to_string()));
        }
        let (act, path) = (act_of(&fields)?, Path((id, unit.clone())));
        lists::act(State(app.clone()), visitor.actor(), path, Json(act)).await
    };
    let result = match decided.await {
        Ok(_) => {
            let back = format!("/office/campaigns/{id}/units/{unit}/list");
            Ok(Redirect::to(&back).into_response())
        }
        Err(problem) => {
            let mut notice = Notice::of(lang, &problem);
            let (status, name, _) = problem.said();
            let stale = [&problem::LIST_ROOT_STALE, &problem::LIST_STATE];
            let since = match stale.contains(&name) {
                true => since(&app, lang, (id, &unit), &fields).await,
                false => Ok(Vec::new()),
            };
            match since {
                Ok(lines) => {
                    notice.items.extend(lines);
                    let tried = (Some(notice), fields);
                    shown(app.clone(), &visitor, id, unit.clone(), status, tried).await
                }
                Err(error) => Err(Problem::from(error)),
            }
        }
    };
    Asked::of(lang, result)
}

/// Keeps the scan that came with a step and returns its name, or that of one kept before.
async fn attached(
    app: &App,
    visitor: &Visitor,
    (id, unit): (CampaignId, &str),
    fields: &Fields,
    file: File,
) -> Result<Option<Digest>, Problem> {
    let kind = match fields.get("act") {
        "approve" | "return" => "opinion",
        "recognise" => "decision",
        _ => return Ok(None),
    };
    match file {
        File::Given(bytes) => {
            let title = fields.get("number").trim().to_owned();
            let which = Which { kind: kind.to_owned(), title };
            scans::keep(app, &visitor.actor(), (id, unit), &which, &bytes).await.map(Some)
        }
        File::TooLarge => Err(Problem::new(&problem::SCAN_TOO_LARGE)),
        File::None if !fields.get(LOST).is_empty() => Err(Problem::new(&problem::SCAN_UNKNOWN)),
        File::None => Ok(None),
    }
}

fn act_of(fields: &Fields) -> Result<Act, Problem> {
    let unreadable = || Problem::new(&problem::BODY_MALFORMED);
    let root: Digest = fields.get("root").parse().map_err(|_| unreadable())?;
    let text = |name: &str| fields.get(name).trim().to_owned();
    let scan = match fields.get("scan") {
        "" => None,
        digest => Some(digest.parse().map_err(|_| unreadable())?),
    };
    let paper =
        || Paper { number: text("number"), date: text("date"), signer: text("signer"), scan };
    Ok(match fields.get("act") {
        "submit" => Act::Submit { root },
        "return" => Act::Return {
            root,
            comment: text("comment"),
            households: BTreeMap::new(),
            opinion: Some(paper()),
        },
        "approve" => Act::Approve { root, opinion: paper() },
        "recognise" => Act::Recognise { root, decision: paper() },
        "withdraw" => Act::Withdraw { root, reason: text("reason") },
        _ => return Err(unreadable()),
    })
}

/// Says of a step that comes too late which one was taken last, and by whom.
pub(super) async fn notice_of(
    app: &App,
    lang: Lang,
    (id, unit): (CampaignId, &str),
    problem: &Problem,
) -> Result<Notice, StoreError> {
    let mut notice = Notice::of(lang, problem);
    let (_, name, _) = problem.said();
    if [&problem::LIST_ROOT_STALE, &problem::LIST_STATE].contains(&name) {
        let last = app.store.decision_list(id, unit).await?.pop();
        notice.items.extend(last.iter().map(|one| decided_text(lang, one)));
    }
    Ok(notice)
}

fn decided_text(lang: Lang, one: &Decision) -> String {
    format!("{} – {} · {}", act_text(lang, &one.kind), one.by, time_text(one.at_ms))
}

/// Says what has happened to a list since the page was opened, and by whom: steps, then changes.
async fn since(
    app: &App,
    lang: Lang,
    (id, unit): (CampaignId, &str),
    fields: &Fields,
) -> Result<Vec<String>, StoreError> {
    let Some((decided, position)) = fields.get("seen").split_once(':') else {
        return Ok(Vec::new());
    };
    let (Ok(decided), Ok(position)) = (decided.parse::<usize>(), position.parse::<i64>()) else {
        return Ok(Vec::new());
    };
    let decisions = app.store.decision_list(id, unit).await?;
    let mut lines: Vec<String> =
        decisions.iter().skip(decided).map(|one| decided_text(lang, one)).collect();
    for change in app.store.change_since(id, unit, position, SINCE_MAX).await? {
        let changed = lang.t("Hộ có thay đổi", "A household changed");
        let code = if change.code.is_empty() { change.document.to_string() } else { change.code };
        lines.push(format!("{changed}: {code} – {} · {}", change.by, time_text(change.at_ms)));
    }
    Ok(lines)
}
