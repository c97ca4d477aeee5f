//! Closing and opening an account, a one-time password drawn by an office, choosing one's own.
//!
//! A password that was drawn is shown once, in the answer that made it, and opens one session.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::AccountId;
use shared::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use shared::scope::Role;

use super::accounts::hash;
use super::devices::check_manages;
use super::extract::{Json, Path};
use crate::app::App;
use crate::auth::{Actor, Choosing, password_is};
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::account::Account;

/// Life of a one-time password, milliseconds: handed over by telephone or letter, over a weekend.
pub(super) const ONCE_MS: i64 = 3 * 24 * 60 * 60 * 1000;

/// Letters and digits of one-time passwords: none that is taken for another when read aloud.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789+";

/// Draws a one-time password.
pub(super) fn drawn() -> String {
    let sign = |byte: &u8| char::from(SIGNS[usize::from(*byte) % SIGNS.len()]);
    random::<16>().iter().map(sign).collect()
}

/// Finds an account that the caller manages; any other does not exist for the caller.
async fn managed(app: &App, actor: &Actor, id: AccountId) -> Result<Account, Problem> {
    let account = app.store.account_get(id).await?.ok_or(&problem::NOT_FOUND)?;
    let units = app.units().await?;
    check_manages(actor, &units, &account)?;
    Ok(account)
}

/// Closes an account: its sessions end, its open codes are withdrawn. Its past work stays.
#[utoipa::path(post, path = "/v1/accounts/{account}/disable", security(("bearer" = [])),
    params(("account" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn disable(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<AccountId>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let account = managed(&app, &actor, id).await?;
    if account.id == actor.account.id {
        return Err(Problem::new(&problem::ACCOUNT_OWN));
    }
    app.store.account_disable(id, app.now_ms()).await?;
    Ok(Json(true))
}

/// Opens a closed account again; the person signs in, or is given a code, anew.
#[utoipa::path(post, path = "/v1/accounts/{account}/enable", security(("bearer" = [])),
    params(("account" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn enable(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<AccountId>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    managed(&app, &actor, id).await?;
    app.store.account_enable(id).await?;
    Ok(Json(true))
}

/// A one-time password. It is shown in this answer and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Drawn {
    /// Sign-in name.
    pub(super) name: String,
    pub(super) password: String,
    pub(super) until_ms: i64,
}

/// Draws a one-time password for somebody of an office. Their sessions end and their codes are
/// withdrawn; the password opens one session, in which they choose their own.
#[utoipa::path(post, path = "/v1/accounts/{account}/password", security(("bearer" = [])),
    params(("account" = String, Path)), responses(
    (status = 200, body = Drawn),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn draw(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<AccountId>,
) -> Result<Json<Drawn>, Problem> {
    let actor = actor.with_role(&[Role::Province])?;
    let account = managed(&app, &actor, id).await?;
    if account.id == actor.account.id {
        return Err(Problem::new(&problem::ACCOUNT_OWN));
    }
    if account.post.role == Role::Enumerator {
        return Err(Problem::new(&problem::PASSWORD_NONE));
    }
    // Who draws a colleague's password could be both people that a score table needs: that is the
    // operator's, by `rasoat user`.
    if account.post.role == Role::Province {
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    let password = drawn();
    let hash = hash(&app, Some(password.clone())).await?;
    let now_ms = app.now_ms();
    let until_ms = now_ms + ONCE_MS;
    app.store.account_password(id, &hash, Some(until_ms), now_ms).await?;
    Ok(Json(Drawn { name: account.name, password, until_ms }))
}

/// A password to be had from now on.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Choice {
    /// The password until now; not asked of whoever signed in with a one-time password.
    #[serde(default)]
    pub(super) current: String,
    pub(super) new: String,
}

/// Chooses one's own password. Every session ends, this one too: sign in with it.
#[utoipa::path(post, path = "/v1/me/password", request_body = Choice, security(("bearer" = [])),
    responses(
    (status = 200, body = bool),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn choose(
    State(app): State<App>,
    Choosing(actor): Choosing,
    Json(choice): Json<Choice>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let account = actor.account;
    let length = choice.new.chars().count();
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&length) {
        return Err(Problem::new(&problem::PASSWORD_SHORT));
    }
    let known = account.once_until_ms.is_some() && actor.device.is_none();
    if !known && !password_is(&app, &account, choice.current).await? {
        return Err(Problem::new(&problem::SIGN_IN_FAILED));
    }
    let hash = hash(&app, Some(choice.new)).await?;
    // Another may have been drawn while this one was hashed: that one holds.
    if app.store.account_password_own(&account, &hash, app.now_ms()).await? {
        Ok(Json(true))
    } else {
        Err(Problem::new(&problem::UNAUTHENTICATED))
    }
}
