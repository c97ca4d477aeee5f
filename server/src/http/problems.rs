//! What each published problem means: the page that the `type` of a refusal leads to.

use mobile_schema::problem;
use serde::Serialize;

use super::extract::{Json, Path};
use crate::problem::{Body, Problem, status};

/// A published problem.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Published {
    name: &'static str,
    /// HTTP status it is answered with; a reason for holding a change is not answered with any.
    status: u16,
    /// What to change, in Vietnamese.
    vi: &'static str,
    /// The same in English.
    en: &'static str,
}

/// Tells what a problem means, in both languages.
#[utoipa::path(get, path = "/problems/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Published),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(Path(name): Path<String>) -> Result<Json<Published>, Problem> {
    let found = problem::by_name(&name).ok_or(&problem::NOT_FOUND)?;
    let status = status(found).as_u16();
    Ok(Json(Published { name: found.name, status, vi: found.vi, en: found.en }))
}
