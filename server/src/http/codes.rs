//! One-time codes: made for a person, shown again as QR to whoever made them, listed, withdrawn.
//!
//! A code never stands in an address: there it would end in logs and histories.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use mobile_schema::problem;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use shared::id::{AccountId, CodeId, sha256, to_hex};
use shared::scope::Role;

use super::devices::check_manages;
use super::extract::{Json, Path};
use crate::app::App;
use crate::auth::Actor;
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::account::Account;
use crate::store::code::NewCode;

/// Life of an enrolment code, milliseconds.
const CODE_MS: i64 = 15 * 60 * 1000;

/// Least width of the QR picture, pixels: readable off an old screen at arm's length.
const QR_PIXELS: u32 = 280;

/// Sign-in names of the people to make codes for.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct CodesFor {
    pub(super) accounts: Vec<String>,
}

/// A one-time code, good for 15 minutes.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Code {
    /// Id by which it is shown again or withdrawn; of no use on a phone.
    #[schema(value_type = String)]
    pub(super) id: CodeId,
    account: String,
    code: String,
    expires_at_ms: i64,
}

/// Makes one-time enrolment codes for people of the caller's unit: an officer for enumerators and
/// for a device of their own, never for a colleague.
#[utoipa::path(post, path = "/v1/devices/codes", request_body = CodesFor,
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Code>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn issue(
    State(app): State<App>,
    actor: Actor,
    Json(form): Json<CodesFor>,
) -> Result<Json<Vec<Code>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let now_ms = app.now_ms();
    let expires_at_ms = now_ms + CODE_MS;
    let (mut codes, mut stored) = (Vec::new(), Vec::new());
    for name in form.accounts {
        let account = app.store.account_named(&name).await?.ok_or(&problem::NOT_FOUND)?;
        check_manages(&actor, &units, &account)?;
        let id = CodeId(random());
        let code = app.keys.enrol_code(id);
        let (hash, unit) = (sha256(code.as_bytes()), account.post.unit);
        stored.push(NewCode { id, hash, account: account.id, unit });
        codes.push(Code { id, account: name, code, expires_at_ms });
    }
    app.store.code_add(&stored, actor.account.id, now_ms, expires_at_ms).await?;
    Ok(Json(codes))
}

/// A code that is good now, without the code itself.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Open {
    #[schema(value_type = String)]
    pub(super) id: CodeId,
    /// Sign-in name of whom it is for.
    pub(super) account: String,
    pub(super) unit: String,
    /// Sign-in name of who made it.
    pub(super) made_by: String,
    made_at_ms: i64,
    pub(super) expires_at_ms: i64,
}

/// Lists the open codes of the people whose devices the caller manages.
#[utoipa::path(get, path = "/v1/devices/codes", security(("bearer" = [])), responses(
    (status = 200, body = Vec<Open>),
    (status = 403, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(app): State<App>, actor: Actor) -> Result<Json<Vec<Open>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let accounts = app.store.account_list().await?.into_iter();
    let accounts: BTreeMap<AccountId, Account> = accounts.map(|a| (a.id, a)).collect();
    let mut open = Vec::new();
    for code in app.store.code_list(app.now_ms()).await? {
        let Some(owner) = accounts.get(&code.account) else { continue };
        if check_manages(&actor, &units, owner).is_err() {
            continue;
        }
        let made_by = accounts.get(&code.made_by).map(|by| by.name.clone()).unwrap_or_default();
        open.push(Open {
            id: code.id,
            account: owner.name.clone(),
            unit: code.unit,
            made_by,
            made_at_ms: code.made_at_ms,
            expires_at_ms: code.expires_at_ms,
        });
    }
    Ok(Json(open))
}

/// A code with everything a phone needs to enrol, as text and as a picture of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    pub(super) account: String,
    pub(super) unit: String,
    pub(super) code: String,
    pub(super) expires_at_ms: i64,
    /// What the QR says: JSON of server address, server key and code.
    payload: String,
    /// The QR as SVG.
    pub(super) svg: String,
}

/// What a phone reads from the QR.
#[derive(Serialize)]
struct Payload<'a> {
    rasoat: u32,
    server: &'a str,
    server_key: String,
    code: &'a str,
}

/// Shows a code again to whoever made it, with the QR to hold a phone over.
#[utoipa::path(get, path = "/v1/devices/codes/{code}", security(("bearer" = [])),
    params(("code" = String, Path)), responses(
    (status = 200, body = Shown),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    Path(id): Path<CodeId>,
) -> Result<Json<Shown>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let kept = app.store.code_get(id).await?.ok_or(&problem::NOT_FOUND)?;
    let account = app.store.account_get(kept.account).await?.ok_or(&problem::NOT_FOUND)?;
    check_manages(&actor, &units, &account)?;
    if kept.made_by != actor.account.id {
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    if kept.closed || kept.expires_at_ms <= app.now_ms() {
        return Err(Problem::new(&problem::CODE_CLOSED));
    }
    let server = server_address(&headers)?;
    let code = app.keys.enrol_code(id);
    let server_key = to_hex(&app.keys.public());
    let payload = Payload { rasoat: 1, server: &server, server_key, code: &code };
    let payload = serde_json::to_string(&payload).map_err(|_| &problem::STORE_FAILED)?;
    let picture = QrCode::new(&payload).map_err(|_| &problem::BODY_MALFORMED)?;
    let svg = picture.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    let (unit, expires_at_ms) = (kept.unit, kept.expires_at_ms);
    Ok(Json(Shown { account: account.name, unit, code, expires_at_ms, payload, svg }))
}

/// Returns the address that the caller reached the server under: a phone reaches it there too.
pub(super) fn server_address(headers: &HeaderMap) -> Result<String, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let host = text(HOST.as_str()).filter(|host| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        !host.is_empty() && host.len() <= 255 && host.bytes().all(plain)
    });
    Ok(format!("{scheme}://{}", host.ok_or(&problem::BODY_MALFORMED)?))
}

/// Withdraws an open code.
#[utoipa::path(post, path = "/v1/devices/codes/{code}/withdraw", security(("bearer" = [])),
    params(("code" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn withdraw(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CodeId>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let code = app.store.code_get(id).await?.ok_or(&problem::NOT_FOUND)?;
    let owner = app.store.account_get(code.account).await?.ok_or(&problem::NOT_FOUND)?;
    check_manages(&actor, &units, &owner)?;
    if app.store.code_withdraw(id, app.now_ms()).await? {
        Ok(Json(true))
    } else {
        Err(Problem::new(&problem::CODE_CLOSED))
    }
}
