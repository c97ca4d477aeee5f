//! Devices: what each last said, what of its work waits, taking one out of use; enrolment codes
//! with the QR to hold a phone over.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use serde::Deserialize;
use shared::id::{CodeId, DeviceId};
use shared::scope::Role;
use shared::text::folded;

use super::super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, page, time_text};
use super::{Part, ROWS_MAX, Tried};
use crate::app::App;
use crate::http::codes::{self, CodesFor};
use crate::http::devices::{self, Listed};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A clock further off than this is pointed out, milliseconds: ten minutes.
const SKEW_MS: u64 = 10 * 60 * 1000;

/// What is looked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: String,
}

impl Filter {
    fn fits(&self, device: &Listed, wanted: &str) -> bool {
        let text = format!("{} {} {}", device.label, device.unit, device.people.join(" "));
        let backlog = &device.backlog;
        let is = match self.state.as_str() {
            "silent" => device.silent,
            "aside" => backlog.waiting + backlog.held + backlog.quarantined > 0,
            "copied" => device.copied,
            "revoked" => device.revoked,
            _ => true,
        };
        is && (wanted.is_empty() || folded(&text).contains(wanted))
    }
}

/// One device as the page shows it.
struct Line {
    id: DeviceId,
    label: String,
    unit: String,
    people: String,
    last: String,
    silent: bool,
    waiting: i64,
    held: i64,
    quarantined: i64,
    skew: String,
    app: String,
    changes: i64,
    copied: bool,
    revoked: bool,
}

/// An open code as the page lists it.
struct CodeLine {
    id: CodeId,
    account: String,
    unit: String,
    made_by: String,
    until: String,
    own: bool,
}

#[derive(Template)]
#[template(path = "office/province/devices.html")]
struct Page {
    f: Frame,
    filter: Filter,
    states: Vec<(&'static str, &'static str)>,
    lines: Vec<Line>,
    found: usize,
    part: Part,
    is_keeper: bool,
    codes: Vec<CodeLine>,
    tried: Tried,
}

/// Lists the devices of the office's own unit and of those below it.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
) -> Asked {
    Asked::of(visitor.lang, shown(&app, &visitor, filter, Tried::default()).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    filter: Filter,
    tried: Tried,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let listed = devices::list(State(app.clone()), visitor.actor()).await?.0;
    let wanted = folded(filter.q.trim());
    let fitting: Vec<_> = listed.iter().filter(|device| filter.fits(device, &wanted)).collect();
    let is_keeper = visitor.account.post.role != Role::District;
    let mut open = Vec::new();
    if is_keeper {
        for code in codes::list(State(app.clone()), visitor.actor()).await?.0 {
            open.push(CodeLine {
                id: code.id,
                own: code.made_by == visitor.account.name,
                account: code.account,
                unit: code.unit,
                made_by: code.made_by,
                until: time_text(code.expires_at_ms),
            });
        }
    }
    let states = vec![
        ("", lang.t("Tất cả", "All")),
        ("silent", lang.t("Chưa gửi đủ", "Not handed in")),
        ("aside", lang.t("Có thay đổi chưa gộp", "Changes not merged")),
        ("copied", lang.t("Bị sao chép", "Copied")),
        ("revoked", lang.t("Đã thu hồi", "Out of use")),
    ];
    let part = Part::of(fitting.len(), &filter.page);
    let shown = fitting.iter().skip(part.skipped()).take(ROWS_MAX);
    let lines = shown.map(|device| line(lang, device)).collect();
    let f = visitor.frame(lang.t("Thiết bị", "Devices"));
    let (found, status) = (fitting.len(), tried.status);
    let shown = Page { f, filter, states, lines, found, part, is_keeper, codes: open, tried };
    Ok(page(status, &shown))
}

fn line(lang: Lang, device: &Listed) -> Line {
    let never = || lang.t("chưa lần nào", "never").to_owned();
    Line {
        id: device.device,
        label: device.label.clone(),
        unit: device.unit.clone(),
        people: device.people.join(", "),
        last: device.last_sync_ms.map_or_else(never, time_text),
        silent: device.silent,
        waiting: device.backlog.waiting,
        held: device.backlog.held,
        quarantined: device.backlog.quarantined,
        skew: device.clock_ahead_ms.map_or_else(String::new, |ahead| skew_text(lang, ahead)),
        app: device.app.clone(),
        changes: device.volume.changes,
        copied: device.copied,
        revoked: device.revoked,
    }
}

/// Writes how far a clock is off, where that matters to whoever reads its times.
fn skew_text(lang: Lang, ahead_ms: i64) -> String {
    let size_ms = ahead_ms.unsigned_abs();
    if size_ms < SKEW_MS {
        return lang.t("đúng", "right").to_owned();
    }
    let way = if ahead_ms < 0 { lang.t("chậm", "slow") } else { lang.t("nhanh", "fast") };
    let minutes = size_ms / 60_000;
    match minutes / (24 * 60) {
        0 => format!("{way} {minutes} {}", lang.t("phút", "min")),
        days => format!("{way} {days} {}", lang.t("ngày", "days")),
    }
}

/// Makes codes for people, or takes a device out of use.
pub(super) async fn act(State(app): State<App>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let result = match decided(&app, &visitor, &fields).await {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(problem) => {
            let field = if fields.get("act") == "issue" { "accounts" } else { "" };
            let tried = Tried::of(lang, &problem, field, fields);
            shown(&app, &visitor, Filter::default(), tried).await
        }
    };
    Asked::of(lang, result)
}

/// Does what a form asks for; returns where to go on.
async fn decided(app: &App, visitor: &Visitor, fields: &Fields) -> Result<String, Problem> {
    let (state, actor) = (State(app.clone()), visitor.actor());
    match fields.get("act") {
        "issue" => {
            let names = fields.get("accounts").split([',', ' ', '\n', '\r', ';']);
            let accounts: Vec<String> =
                names.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
            let made = codes::issue(state, actor, Json(CodesFor { accounts })).await?.0;
            Ok(match &made[..] {
                [] => return Err(Problem::new(&problem::NOT_FOUND)),
                [one] => format!("/office/devices/codes/{}", one.id),
                _ => "/office/devices#codes".to_owned(),
            })
        }
        "revoke" => {
            let device: DeviceId = fields.get("device").parse().map_err(|_| &problem::NOT_FOUND)?;
            devices::revoke(state, actor, Path(device)).await?;
            Ok("/office/devices".to_owned())
        }
        _ => Err(Problem::new(&problem::BODY_MALFORMED)),
    }
}

#[derive(Template)]
#[template(path = "office/province/code.html")]
struct CodePage {
    f: Frame,
    account: String,
    unit: String,
    code: String,
    until: String,
    svg: String,
}

/// Shows a code to whoever made it, with the picture to hold a phone over.
pub(super) async fn code(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<CodeId>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let shown = codes::read(State(app), visitor.actor(), headers, Path(id)).await?.0;
        // The picture stands inside the page: what a file of its own begins with is left out.
        let start = shown.svg.find("<svg").unwrap_or_default();
        let svg = shown.svg[start..].to_owned();
        let until = time_text(shown.expires_at_ms);
        let f = visitor.frame(lang.t("Mã ghép thiết bị", "Enrolment code"));
        let (account, unit, code) = (shown.account, shown.unit, shown.code);
        Ok(page(StatusCode::OK, &CodePage { f, account, unit, code, until, svg }))
    };
    Asked::of(lang, shown.await)
}

/// Withdraws a code.
pub(super) async fn withdraw(
    State(app): State<App>,
    Path(id): Path<CodeId>,
    posted: Posted,
) -> Asked {
    let visitor = posted.visitor;
    let done = codes::withdraw(State(app), visitor.actor(), Path(id)).await;
    let to = || Redirect::to("/office/devices#codes").into_response();
    Asked::of(visitor.lang, done.map(|_| to()))
}
