//! Scans of signed papers: kept as they came, named by their SHA-256, and handed out as files.
//!
//! Nothing in a scan is ever shown as a page of ours: a browser is told to save it, whatever it is.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{CampaignId, Digest, sha256};
use shared::remark::remark_text;
use shared::scan::{Media, PaperKind, SCAN_BYTES_MAX, media_of};
use shared::scope::Role;

use super::extract::{Json, Path, Query, Raw, list_unit};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::scan::{NewScan, Scan};

/// Most bytes of a body that are read, so that a scan a little too large is told what it is.
pub(super) const BODY_BYTES_MAX: usize = SCAN_BYTES_MAX + 2 * 1024 * 1024;

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 200;

/// Lists the scans of a unit's papers.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/scans",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Scan>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Scan>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    Ok(Json(app.store.scan_list(id, &unit).await?))
}

/// Which paper a scan shows.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(super) struct Which {
    /// `opinion` by the district, `decision` or `minutes` by the commune.
    pub(super) kind: String,
    /// What it is, in words.
    #[serde(default)]
    pub(super) title: String,
}

/// The scan as it is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Attached {
    /// SHA-256 of the file, to be named as `scan` by the paper of a decision.
    #[schema(value_type = String)]
    pub(super) digest: Digest,
}

/// Keeps the scan of a paper: the body is the file, a PDF, JPEG or PNG of at most 10 MB.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/scans",
    params(("campaign" = String, Path), ("unit" = String, Path), Which),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    security(("bearer" = [])), responses(
    (status = 200, body = Attached),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 413, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn add(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(which): Query<Which>,
    file: Raw<BODY_BYTES_MAX>,
) -> Result<Json<Attached>, Problem> {
    let digest = keep(&app, &actor, (id, &unit), &which, &file.bytes).await?;
    Ok(Json(Attached { digest }))
}

/// Keeps a scan, or says why not.
pub(super) async fn keep(
    app: &App,
    actor: &Actor,
    (id, unit): (CampaignId, &str),
    which: &Which,
    bytes: &[u8],
) -> Result<Digest, Problem> {
    let actor = actor.clone().with_role(&[Role::District, Role::Officer])?;
    let kind = PaperKind::from_name(&which.kind).ok_or(&problem::QUERY_MALFORMED)?;
    list_unit(app, &actor, id, unit).await?;
    if actor.account.post.role != kind.role() {
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    let title = match which.title.trim() {
        "" => String::new(),
        title => remark_text(title)?,
    };
    if title.chars().nth(TITLE_CHARS_MAX).is_some() {
        return Err(Problem::new(&problem::COMMENT_TEXT));
    }
    let media = media_of(bytes)?;
    let digest = Digest(sha256(bytes));
    let (by, at_ms) = (actor.account.id, app.now_ms());
    let new = NewScan { digest, kind, media, title: &title, bytes, by, at_ms };
    let is_kept = app.store.scan_add(id, unit, &new).await?;
    if is_kept { Ok(digest) } else { Err(Problem::new(&problem::SCANS_TOO_MANY)) }
}

/// Hands a scan out, as a file to be saved.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/scans/{digest}",
    params(("campaign" = String, Path), ("unit" = String, Path), ("digest" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit, digest)): Path<(CampaignId, String, Digest)>,
) -> Result<Response, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    list_unit(&app, &actor, id, &unit).await?;
    let (media, bytes) = app.store.scan_get(id, &unit, digest).await?.ok_or(&problem::NOT_FOUND)?;
    Ok(file(&unit, digest, media, bytes))
}

/// Sends a scan so that no browser shows it as a page of ours.
fn file(unit: &str, digest: Digest, media: Media, bytes: Vec<u8>) -> Response {
    let digits: String = digest.to_string().chars().take(12).collect();
    let name = format!("attachment; filename=\"{unit}-{digits}.{}\"", media.ending());
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let fixed = |value| HeaderValue::from_static(value);
    let heads: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, fixed(media.content_type())),
        (header::CONTENT_DISPOSITION, name),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::CONTENT_SECURITY_POLICY, fixed("default-src 'none'; sandbox")),
        (header::CACHE_CONTROL, fixed("no-store")),
    ];
    (heads, bytes).into_response()
}
