//! A form of a page with a file in it, read part by part. The file is looked at by whoever takes it.

use std::time::Duration;

use axum::RequestExt;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use mobile_schema::problem;
use shared::scan::SCAN_BYTES_MAX;

use super::frame::{Fields, Lang, Posted, Visitor, refused};
use crate::app::App;
use crate::gate::{Caller, Place};
use crate::problem::Problem;

/// Most bytes of a form that are read. A browser listens only once it has sent everything, so a
/// file that is too large is read to its end and thrown away.
const FORM_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most bytes of the fields that are no file.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Most parts of a form.
const PARTS_MAX: usize = 64;

/// Longest wait for the next bytes of a form, seconds.
const WAIT_SECONDS: u64 = 30;

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
    _place: Option<Place>,
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Response> {
        if !has_parts(request.headers()) {
            let Posted { visitor, fields } = Posted::from_request(request, app).await?;
            return Ok(Self { visitor, fields, file: File::None, _place: None });
        }
        let lang = Lang::of(request.headers());
        DefaultBodyLimit::max(FORM_BYTES_MAX).apply(&mut request);
        let (mut head, body) = request.into_parts();
        // Nobody has bytes of a file kept who is not signed in; what was typed is.
        let visitor = Visitor::from_request_parts(&mut head, app).await.ok();
        let keeper = visitor.map(|visitor| (app, Caller::of(&visitor.actor())));
        let keeps = keeper.is_some();
        let read = Form::read(Request::from_parts(head.clone(), body), keeper).await;
        let Form { mut fields, file, has_file, place } =
            read.map_err(|problem| refused(lang, &problem))?;
        if has_file {
            // Whoever has to sign in again keeps what was typed, and is told to choose the file again.
            fields.0.push((LOST.to_owned(), "1".to_owned()));
        }
        let Posted { visitor, mut fields } = Posted::of(app, &head, fields).await?;
        if has_file && keeps {
            fields.0.retain(|(name, _)| name != LOST);
        }
        Ok(Self { visitor, fields, file, _place: place })
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

/// Waits for the next bytes, but not for a line that is lost.
async fn in_time<T, E>(next: impl Future<Output = Result<T, E>>) -> Result<T, Problem> {
    let next = tokio::time::timeout(Duration::from_secs(WAIT_SECONDS), next).await;
    next.map_err(|_| Problem::new(&problem::TOO_SLOW))?.map_err(malformed)
}

/// Whose file is kept; nobody's who is not signed in.
type Keeper<'a> = (&'a App, Caller);

/// A form as far as it is read.
#[derive(Debug)]
struct Form {
    fields: Fields,
    file: File,
    /// A file came, kept or not.
    has_file: bool,
    /// Held as long as the bytes of a file are.
    place: Option<Place>,
}

impl Form {
    async fn read(request: Request, keeper: Option<Keeper<'_>>) -> Result<Self, Problem> {
        let mut parts = request.extract::<Multipart, _>().await.map_err(malformed)?;
        let mut form =
            Self { fields: Fields::default(), file: File::None, has_file: false, place: None };
        let mut text_bytes = 0;
        for _ in 0..PARTS_MAX {
            let Some(mut field) = in_time(parts.next_field()).await? else { return Ok(form) };
            let name = field.name().unwrap_or_default().to_owned();
            if field.file_name().is_some() {
                form.take(&mut field, keeper).await?;
            } else {
                let value = text_of(&mut field, TEXT_BYTES_MAX - text_bytes).await?;
                text_bytes += value.len();
                form.fields.0.push((name, value));
            }
        }
        Err(Problem::new(&problem::BODY_MALFORMED))
    }

    /// Reads a file to its end. Its bytes are kept as long as they may be.
    async fn take(
        &mut self,
        field: &mut Field<'_>,
        keeper: Option<Keeper<'_>>,
    ) -> Result<(), Problem> {
        let (mut bytes, mut too_large, mut is_empty) = (Vec::new(), false, true);
        while let Some(part) = in_time(field.chunk()).await? {
            is_empty &= part.is_empty();
            let Some((app, caller)) = keeper.filter(|_| !part.is_empty()) else { continue };
            // A form has one file: of several the last is kept, in the same place.
            self.file = File::None;
            if self.place.is_none() {
                self.place = Some(app.gate.file(caller).await?);
            }
            too_large |= bytes.len() + part.len() > SCAN_BYTES_MAX;
            if too_large {
                bytes = Vec::new();
            } else {
                bytes.extend_from_slice(&part);
            }
        }
        self.has_file |= !is_empty;
        if keeper.is_some() && !is_empty {
            self.file = if too_large { File::TooLarge } else { File::Given(bytes) };
        }
        Ok(())
    }
}

async fn text_of(field: &mut Field<'_>, bytes_max: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(part) = in_time(field.chunk()).await? {
        if bytes.len() + part.len() > bytes_max {
            return Err(Problem::new(&problem::BODY_TOO_LARGE));
        }
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes).map_err(malformed)
}
