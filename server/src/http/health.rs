//! Signs of life, and what the server says about itself.

use axum::extract::State;
use axum::response::Html;

use super::extract::Json;
use crate::app::App;
use crate::problem::Problem;

/// Tells that the process runs, and how many workers it has lost over documents, if any.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub(super) async fn live(State(app): State<App>) -> String {
    match app.materialiser.pool().restarts() {
        0 => "ok".to_owned(),
        lost => format!("ok\nworkers lost: {lost}"),
    }
}

/// Tells that the store answers.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String)))]
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.store.ping().await?;
    Ok("ok")
}

/// Shows a first page: what this is and where to go on.
#[utoipa::path(get, path = "/", responses((status = 200, body = String)))]
pub(super) async fn welcome() -> Html<&'static str> {
    Html(include_str!("../../templates/welcome.html"))
}

/// Describes every route, OpenAPI 3.1.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, body = Object)))]
pub(super) async fn describe() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi())
}
