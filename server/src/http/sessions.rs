//! Signing in and staying signed in.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::extract::Json;
use crate::app::App;
use crate::auth::{self, Actor, Tokens};
use crate::problem::{Body, Problem};

/// Name and password of a person.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SignIn {
    name: String,
    password: String,
}

/// Signs a person in.
#[utoipa::path(post, path = "/v1/sessions", request_body = SignIn, responses(
    (status = 200, body = Tokens),
    (status = 401, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn sign_in(
    State(app): State<App>,
    Json(form): Json<SignIn>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(auth::sign_in(&app, &form.name, &form.password).await?))
}

/// A refresh token.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Refresh {
    refresh: String,
    /// From a device: its Ed25519 signature over `rasoat refresh 1`, a zero byte and the token's
    /// text, 128 hex digits.
    signature: Option<String>,
}

/// Exchanges a refresh token for the next pair; a device signs with its key.
#[utoipa::path(post, path = "/v1/sessions/refresh", request_body = Refresh, responses(
    (status = 200, body = Tokens),
    (status = 401, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn refresh(
    State(app): State<App>,
    Json(form): Json<Refresh>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(auth::refresh(&app, &form.refresh, form.signature.as_deref()).await?))
}

/// Who the server takes the caller for.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Me {
    name: String,
    full_name: String,
    role: String,
    unit: String,
}

/// Tells the caller who they are signed in as.
#[utoipa::path(get, path = "/v1/me", security(("bearer" = [])), responses(
    (status = 200, body = Me),
    (status = 401, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn me(State(_app): State<App>, actor: Actor) -> Json<Me> {
    let account = actor.account;
    Json(Me {
        name: account.name,
        full_name: account.full_name,
        role: account.post.role.name().to_owned(),
        unit: account.post.unit,
    })
}
