//! Tables that are sent: chosen, looked at, written, and what could not be used taken back.

mod files;
mod look;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::problem;
use shared::id::{CampaignId, from_hex, to_hex};
use shared::limits::{IMPORT_BYTES_MAX, NAME_CHARS_MAX};
use shared::spreadsheet::{Column, Need};
use tokio::sync::OwnedSemaphorePermit;

use self::words::{about, kind_text};
use super::frame::{Asked, Frame, Lang, Notice, Visitor, page};
use crate::app::App;
use crate::gate::Share;
use crate::http::extract::{Path, campaign};
use crate::http::imports::work::{Kind, Sent};
use crate::imports::file::File;
use crate::keys::random;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::upload::Upload;

/// The pages of imports.
pub(super) fn routes() -> Router<App> {
    let import = "/office/campaigns/{campaign}/import";
    let kind = format!("{import}/{{kind}}");
    let upload = "/office/campaigns/{campaign}/uploads/{upload}";
    // A little more than the file: what a form puts around it.
    let sent = DefaultBodyLimit::max(IMPORT_BYTES_MAX + 64 * 1024);
    Router::new()
        .route(import, get(choose))
        .route(&kind, get(form).post(send).layer(sent))
        .route(&format!("{kind}/template"), get(files::template))
        .route(upload, get(look::look).post(look::confirm))
        .route(&format!("{upload}/errors"), get(files::errors))
}

struct Choice {
    name: &'static str,
    title: &'static str,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "office/imports.html")]
struct Choose {
    f: Frame,
    id: CampaignId,
    campaign: String,
    kinds: Vec<Choice>,
}

/// Shows what may be loaded.
async fn choose(State(app): State<App>, visitor: Visitor, Path(id): Path<CampaignId>) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let seen = campaign(&app, &visitor.actor(), id).await?;
            let role = visitor.account.post.role;
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_of(role));
            let kinds = kinds.map(|kind| Choice {
                name: kind.name(),
                title: kind_text(lang, kind),
                about: about(lang, kind),
            });
            let kinds: Vec<Choice> = kinds.collect();
            if kinds.is_empty() {
                return Err(Problem::new(&problem::FORBIDDEN));
            }
            let f = visitor.frame(lang.t("Nạp bảng tính", "Import tables"));
            let campaign = seen.campaign.name;
            Ok(page(StatusCode::OK, &Choose { f, id, campaign, kinds }))
        }
        .await,
    )
}

/// One column as the page describes it.
struct ColumnLine {
    title: &'static str,
    others: String,
    key: &'static str,
    need: String,
    about: &'static str,
    example: &'static str,
}

fn column_line(lang: Lang, column: &Column) -> ColumnLine {
    let need = match column.need {
        Need::Always => lang.t("bắt buộc", "needed").to_owned(),
        Need::Unless(other) => {
            format!("{} {other}", lang.t("bắt buộc, trừ khi có", "needed, unless there is"))
        }
        Need::Never => lang.t("có thể bỏ", "may be left out").to_owned(),
    };
    ColumnLine {
        title: column.titles.first().copied().unwrap_or(column.key),
        others: column.titles.iter().skip(1).copied().collect::<Vec<_>>().join("; "),
        key: column.key,
        need,
        about: lang.t(column.vi, column.en),
        example: column.example,
    }
}

#[derive(Template)]
#[template(path = "office/import.html")]
struct Form {
    f: Frame,
    id: CampaignId,
    name: &'static str,
    about: &'static str,
    notice: Option<Notice>,
    columns: Vec<ColumnLine>,
}

/// Finds a kind of table that the visitor may load.
fn kind_of(visitor: &Visitor, name: &str) -> Result<Kind, Problem> {
    let kind = Kind::from_name(name).ok_or(&problem::NOT_FOUND)?;
    let may = kind.is_of(visitor.account.post.role);
    if may { Ok(kind) } else { Err(Problem::new(&problem::FORBIDDEN)) }
}

/// Shows the form for a file, with its columns.
async fn form(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, name)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let kind = kind_of(&visitor, &name)?;
            form_page(&app, &visitor, (id, kind), None).await
        }
        .await,
    )
}

async fn form_page(
    app: &App,
    visitor: &Visitor,
    (id, kind): (CampaignId, Kind),
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    campaign(app, &visitor.actor(), id).await?;
    let columns = kind.columns().first().copied().unwrap_or_default();
    let status = refused.as_ref().map_or(StatusCode::OK, |problem| problem.said().0);
    let shown = Form {
        f: visitor.frame(kind_text(lang, kind)),
        id,
        name: kind.name(),
        about: about(lang, kind),
        notice: refused.map(|problem| Notice::of(lang, &problem)),
        columns: columns.iter().map(|column| column_line(lang, column)).collect(),
    };
    Ok(page(status, &shown))
}

/// Takes a file in and keeps it until somebody has looked at it.
async fn send(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, name)): Path<(CampaignId, String)>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let kind = kind_of(&visitor, &name)?;
            campaign(&app, &visitor.actor(), id).await?;
            match receive(&app, &visitor, &headers, multipart).await {
                Ok((name, bytes)) => {
                    let upload = Upload {
                        id: random(),
                        account: visitor.account.id,
                        campaign: id,
                        kind: kind.name().to_owned(),
                        name,
                        taken: None,
                    };
                    app.store.upload_add(&upload, &bytes, app.now_ms()).await?;
                    let to = format!("/office/campaigns/{id}/uploads/{}", to_hex(&upload.id));
                    Ok(Redirect::to(&to).into_response())
                }
                Err(refused) if refused.said().1.name == problem::FORBIDDEN.name => Err(refused),
                Err(refused) => form_page(&app, &visitor, (id, kind), Some(refused)).await,
            }
        }
        .await,
    )
}

/// Reads the form of a file: its token first, then the file, which must be one of ours.
async fn receive(
    app: &App,
    visitor: &Visitor,
    headers: &HeaderMap,
    multipart: Multipart,
) -> Result<(String, Vec<u8>), Problem> {
    let file = received(app, visitor, headers, multipart).await?;
    let (name, bytes) = file.ok_or(&problem::FILE_KIND)?;
    File::open(&bytes).map_err(Problem::new)?;
    Ok((name, bytes))
}

/// Reads the form of a file, whatever it is: none where none was chosen, or an empty one.
pub(super) async fn received(
    app: &App,
    visitor: &Visitor,
    headers: &HeaderMap,
    mut multipart: Multipart,
) -> Result<Option<(String, Vec<u8>)>, Problem> {
    let malformed = |error: axum::extract::multipart::MultipartError| {
        Problem::new(match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => &problem::BODY_TOO_LARGE,
            _ => &problem::BODY_MALFORMED,
        })
    };
    let mut share = Share::default();
    let (mut is_ours, mut file) = (false, None);
    while let Some(mut field) = multipart.next_field().await.map_err(malformed)? {
        let is_file = field.name() == Some("file");
        let name: String =
            field.file_name().unwrap_or_default().chars().take(NAME_CHARS_MAX).collect();
        let mut bytes = Vec::new();
        while let Some(part) = field.chunk().await.map_err(malformed)? {
            bytes.extend_from_slice(&part);
            app.gate.hold(&mut share, bytes.len())?;
        }
        if is_file {
            file = Some((name.replace('\0', ""), bytes));
        } else {
            is_ours |= visitor.has_sent(headers, &String::from_utf8_lossy(&bytes));
        }
    }
    if !is_ours {
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    Ok(file.filter(|(_, bytes)| !bytes.is_empty()))
}

/// Finds a file of the visitor's own, and what it is.
async fn find(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    upload: &str,
) -> Result<(Upload, Kind), Problem> {
    campaign(app, &visitor.actor(), id).await?;
    let name = from_hex(upload).map_err(|_| &problem::NOT_FOUND)?;
    let found = app.store.upload_get(name, visitor.account.id, id, app.now_ms()).await?;
    let found = found.ok_or(&problem::NOT_FOUND)?;
    let kind = Kind::from_name(&found.kind).ok_or(StoreError::Damaged)?;
    Ok((found, kind))
}

/// Waits for a turn and then reads a file: of those who wait nothing is in memory.
async fn in_turn(app: &App, upload: &Upload) -> Result<(OwnedSemaphorePermit, Sent), Problem> {
    let turn = Arc::clone(&app.tables).acquire_owned().await.map_err(|_| &problem::TOO_BUSY)?;
    let bytes = app.store.upload_bytes(upload.id).await?;
    Ok((turn, Sent::of(bytes)))
}
