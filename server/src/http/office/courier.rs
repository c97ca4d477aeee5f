//! Courier files in the office: somebody brings one, sees what became of it, and takes receipts back.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::problem::{self, by_name};
use shared::id::from_hex;
use shared::limits::COURIER_BYTES_MAX;

use super::frame::{Asked, Frame, Lang, Notice, Visitor, guarded, page, time_text};
use super::import::received;
use crate::app::App;
use crate::http::courier::{BatchOutcome, Missing, Outcome, Pace, PieceOutcome, import};
use crate::http::devices;
use crate::http::extract::Path;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::courier::Brought;

/// Files that the page lists.
const LISTED: i64 = 20;

/// Digits of a device's id that stand for one whose name the visitor may not see.
const DIGITS_SHOWN: usize = 8;

/// The pages of courier files.
pub(super) fn routes() -> Router<App> {
    // A little more than the file: what a form puts around it.
    let sent = DefaultBodyLimit::max(COURIER_BYTES_MAX + 64 * 1024);
    Router::new()
        .route("/office/courier", get(form).post(send).layer(sent))
        .route("/office/courier/{import}", get(taken))
        .route("/office/courier/{import}/receipt", get(receipt))
}

struct BroughtLine {
    id: String,
    when: String,
    size: String,
}

#[derive(Template)]
#[template(path = "office/courier.html")]
struct Form {
    f: Frame,
    notice: Option<Notice>,
    brought: Vec<BroughtLine>,
}

/// Shows the form for a file, and what the visitor brought before.
async fn form(State(app): State<App>, visitor: Visitor) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, form_page(&app, &visitor, None).await)
}

async fn form_page(
    app: &App,
    visitor: &Visitor,
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let brought = app.store.courier_list(visitor.account.id, LISTED).await?.into_iter();
    let status = refused.as_ref().map_or(StatusCode::OK, |problem| problem.said().0);
    let shown = Form {
        f: visitor.frame(lang.t("Nhận tệp chuyển tay", "Courier files")),
        notice: refused.map(|problem| Notice::of(lang, &problem)),
        brought: brought
            .map(|one| BroughtLine {
                id: shared::id::to_hex(&one.id),
                when: time_text(one.at_ms),
                size: format!("{} KB", (one.bytes + 1023) / 1024),
            })
            .collect(),
    };
    Ok(page(status, &shown))
}

/// Takes a file in; what became of it has a page of its own.
async fn send(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    multipart: Multipart,
) -> Asked {
    let lang = visitor.lang;
    let took = async {
        let file = received(&app, &visitor, &headers, multipart).await?;
        let (_, bytes) = file.ok_or(&problem::COURIER_EMPTY)?;
        import(&app, &visitor.actor(), &bytes, Pace::Now).await
    };
    let answer = match took.await {
        Ok(imported) => {
            Ok(Redirect::to(&format!("/office/courier/{}", imported.import)).into_response())
        }
        Err(refused) if refused.said().1.name == problem::FORBIDDEN.name => Err(refused),
        Err(refused) => form_page(&app, &visitor, Some(refused)).await,
    };
    Asked::of(lang, answer)
}

struct PieceLine {
    place: String,
    phone: String,
    text: String,
}

#[derive(Template)]
#[template(path = "office/courier_taken.html")]
struct Taken {
    f: Frame,
    id: String,
    verdict: &'static str,
    sum: BatchOutcome,
    reasons: Vec<&'static str>,
    has_receipts: bool,
    missing: Vec<String>,
    pieces: Vec<PieceLine>,
}

async fn find(app: &App, visitor: &Visitor, import: &str) -> Result<Brought, Problem> {
    let id = from_hex(import).map_err(|_| &problem::NOT_FOUND)?;
    let found = app.store.courier_get(id, visitor.account.id).await?;
    Ok(found.ok_or(&problem::NOT_FOUND)?)
}

/// Shows what became of a file.
async fn taken(State(app): State<App>, visitor: Visitor, Path(import): Path<String>) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let brought = find(&app, &visitor, &import).await?;
            let outcome: Outcome =
                serde_json::from_str(&brought.outcome).map_err(|_| StoreError::Damaged)?;
            let listed = devices::list(State(app.clone()), visitor.actor()).await?.0;
            let names: BTreeMap<String, String> =
                listed.into_iter().map(|one| (one.device.to_string(), one.label)).collect();
            let phone = |device: &str| phone_text(lang, &names, device);
            let sum = sum_of(&outcome);
            let is_whole = outcome.missing.is_empty()
                && outcome.pieces.iter().all(|piece| piece.problem.is_none())
                && sum.refused.is_none();
            let title = lang.t("Kết quả nhận tệp", "What became of the file");
            let shown = Taken {
                f: visitor.frame(&format!("{title} · {}", time_text(brought.at_ms))),
                id: import,
                verdict: if is_whole {
                    lang.t("Đã nhận toàn bộ tệp.", "The whole file was taken.")
                } else {
                    lang.t(
                        "Đã nhận những phần nguyên vẹn; có phần chưa nhận được, xem bên dưới.",
                        "What is whole was taken; some of it could not be, see below.",
                    )
                },
                reasons: sum.reasons.iter().filter_map(|name| name_text(lang, name)).collect(),
                has_receipts: has_receipts(&brought),
                missing: outcome.missing.iter().map(|of| missing_text(lang, of, &phone)).collect(),
                pieces: outcome.pieces.iter().map(|of| piece_line(lang, of, &phone)).collect(),
                sum,
            };
            Ok(page(StatusCode::OK, &shown))
        }
        .await,
    )
}

/// Sends the receipt file, to be carried back.
async fn receipt(State(app): State<App>, visitor: Visitor, Path(import): Path<String>) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let brought = find(&app, &visitor, &import).await?;
            if !has_receipts(&brought) {
                return Err(Problem::new(&problem::NOT_FOUND));
            }
            let digits: String = import.chars().take(DIGITS_SHOWN).collect();
            let name = format!("attachment; filename=\"{digits}.rasoat-receipt\"");
            let name =
                HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
            let kind = HeaderValue::from_static("application/json");
            let heads = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
            Ok(guarded((heads, brought.receipts).into_response()))
        }
        .await,
    )
}

/// Tells whether there is a receipt to carry back.
fn has_receipts(brought: &Brought) -> bool {
    brought.receipts.contains("\"signature\"")
}

fn name_text(lang: Lang, name: &str) -> Option<&'static str> {
    by_name(name).map(|problem| lang.t(problem.vi, problem.en))
}

/// Adds up what became of all batches; the reasons are those of every change, batch and piece.
fn sum_of(outcome: &Outcome) -> BatchOutcome {
    let mut sum = BatchOutcome::default();
    for piece in &outcome.pieces {
        for batch in &piece.batches {
            sum.accepted += batch.accepted;
            sum.known += batch.known;
            sum.waiting += batch.waiting;
            sum.held += batch.held;
            sum.quarantined += batch.quarantined;
            sum.reasons.extend(batch.reasons.iter().cloned());
            sum.reasons.extend(batch.refused.iter().cloned());
            sum.refused = sum.refused.or_else(|| batch.refused.clone());
        }
    }
    sum
}

/// Names a phone as the visitor knows it, or by the first digits of its id.
fn phone_text(lang: Lang, names: &BTreeMap<String, String>, device: &str) -> String {
    let digits: String = device.chars().take(DIGITS_SHOWN).collect();
    match names.get(device) {
        Some(label) => label.clone(),
        None if device.is_empty() => lang.t("không đọc được", "not readable").to_owned(),
        None => format!("{} ({digits}…)", lang.t("máy ngoài đơn vị", "a phone elsewhere")),
    }
}

fn missing_text(lang: Lang, of: &Missing, phone: &impl Fn(&str) -> String) -> String {
    let range = |(from, until): &(u16, u16)| {
        if from == until { from.to_string() } else { format!("{from}–{until}") }
    };
    let numbers: Vec<String> = of.numbers.iter().map(range).collect();
    let (numbers, of_all) = (numbers.join(", "), of.of);
    let text = lang.t("phần", "pieces");
    format!("{}: {text} {numbers} / {of_all}", phone(&of.device))
}

fn piece_line(lang: Lang, of: &PieceOutcome, phone: &impl Fn(&str) -> String) -> PieceLine {
    let place = if of.number > 0 {
        format!("{} / {}", of.number, of.of)
    } else {
        format!("{} {}", lang.t("byte thứ", "byte"), of.at)
    };
    let text = match &of.problem {
        Some(name) => name_text(lang, name).unwrap_or_default().to_owned(),
        None => batches_text(lang, &of.batches),
    };
    PieceLine { place, phone: phone(&of.device), text }
}

fn batches_text(lang: Lang, batches: &[BatchOutcome]) -> String {
    let count = |of: fn(&BatchOutcome) -> usize| batches.iter().map(of).sum::<usize>();
    let counts = [
        (lang.t("mới", "new"), count(|batch| batch.accepted)),
        (lang.t("đã có", "known"), count(|batch| batch.known)),
        (lang.t("chờ", "waiting"), count(|batch| batch.waiting)),
        (lang.t("giữ lại", "held"), count(|batch| batch.held)),
        (lang.t("cất riêng", "set aside"), count(|batch| batch.quarantined)),
        (
            lang.t("gói không nhận", "batches refused"),
            count(|one| usize::from(one.refused.is_some())),
        ),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let texts: Vec<String> = counts.map(|(what, count)| format!("{what} {count}")).collect();
    if texts.is_empty() { lang.t("rỗng", "empty").to_owned() } else { texts.join(" · ") }
}
