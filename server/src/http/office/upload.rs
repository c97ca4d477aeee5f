//! A form of a page with a file in it, read part by part. The file is looked at by whoever takes it.

use axum::RequestExt;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use mobile_schema::problem;
use shared::scan::SCAN_BYTES_MAX;

use super::frame::{Fields, Lang, Posted, Visitor, form_bytes, refused};
use crate::app::App;
use crate::gate::Share;
use crate::problem::Problem;

/// Most bytes of a form that are read. A browser listens only once it has sent everything, so a
/// file that is too large is read to its end and thrown away.
const FORM_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most bytes of the fields that are no file.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Most parts of a form.
const PARTS_MAX: usize = 64;

/// The field that says that a file was chosen and could not be kept.
pub(super) const LOST: &str = "scan_lost";

/// What came of a form's file.
#[derive(Debug)]
pub(super) enum File {
    /// None was chosen.
    None,
    /// Its bytes.
    Given(Vec<u8>),
    /// It is larger than any scan.
    TooLarge,
}

/// A form that somebody signed in has sent from one of our pages, with its file.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
    pub(super) file: File,
    _share: Share,
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Response> {
        let lang = Lang::of(request.headers());
        let mut share = Share::default();
        let (parts, mut fields, file) = if has_parts(request.headers()) {
            DefaultBodyLimit::max(FORM_BYTES_MAX).apply(&mut request);
            let (head, body) = request.into_parts();
            let again = Request::from_parts(head.clone(), body);
            let read = read(app, again, &mut share).await;
            let (fields, file) = read.map_err(|problem| refused(lang, &problem))?;
            (head, fields, file)
        } else {
            let (head, body) = request.into_parts();
            let fields = Fields::parse(&form_bytes(lang, body).await?);
            (head, fields, File::None)
        };
        if !matches!(file, File::None) {
            // Whoever has to sign in again keeps what was typed, and is told to choose the file again.
            fields.0.push((LOST.to_owned(), "1".to_owned()));
        }
        let Posted { visitor, mut fields } = Posted::of(app, &parts, fields).await?;
        if !matches!(file, File::None) {
            fields.0.retain(|(name, _)| name != LOST);
        }
        Ok(Self { visitor, fields, file, _share: share })
    }
}

fn has_parts(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"multipart/form-data"))
}

/// Says that a form cannot be read, whatever is wrong with it.
fn malformed<E>(_: E) -> Problem {
    Problem::new(&problem::BODY_MALFORMED)
}

async fn read(app: &App, request: Request, share: &mut Share) -> Result<(Fields, File), Problem> {
    let mut parts = request.extract::<Multipart, _>().await.map_err(malformed)?;
    let (mut fields, mut file, mut text_bytes) = (Fields::default(), File::None, 0);
    for _ in 0..PARTS_MAX {
        let next = parts.next_field().await;
        let Some(mut field) = next.map_err(malformed)? else { return Ok((fields, file)) };
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            let read = file_of(app, &mut field, share).await?;
            if !matches!(read, File::None) {
                file = read;
            }
        } else {
            let value = text_of(&mut field, TEXT_BYTES_MAX - text_bytes).await?;
            text_bytes += value.len();
            fields.0.push((name, value));
        }
    }
    Err(Problem::new(&problem::BODY_MALFORMED))
}

async fn text_of(field: &mut Field<'_>, bytes_max: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(part) = field.chunk().await.map_err(malformed)? {
        if bytes.len() + part.len() > bytes_max {
            return Err(Problem::new(&problem::BODY_TOO_LARGE));
        }
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes).map_err(malformed)
}

async fn file_of(app: &App, field: &mut Field<'_>, share: &mut Share) -> Result<File, Problem> {
    let (mut bytes, mut too_large) = (Vec::new(), false);
    while let Some(part) = field.chunk().await.map_err(malformed)? {
        too_large |= bytes.len() + part.len() > SCAN_BYTES_MAX;
        if too_large {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&part);
            app.gate.hold(share, bytes.len())?;
        }
    }
    Ok(match (too_large, bytes.is_empty()) {
        (true, _) => File::TooLarge,
        (false, true) => File::None,
        (false, false) => File::Given(bytes),
    })
}
