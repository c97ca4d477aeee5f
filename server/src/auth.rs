//! Who is asking: passwords, tokens, and the extractor that turns a header into a person.
//!
//! Tokens are EdDSA only. An access token lives 15 minutes and names account and session; the
//! account, the device and the session are looked up at every request, so whatever ends one of them
//! acts at the next.

pub(crate) mod checked;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jsonwebtoken::{Algorithm, Header};
use mobile_schema::frame::REFRESH_CONTEXT;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{AccountId, DeviceId, from_hex, to_hex};
use shared::scope::Role;
use shared::verify::is_signed;

use self::checked::check;
use crate::app::App;
use crate::keys::{Keys, random};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::account::{Account, Session};
use crate::store::device::Device;

const ISSUER: &str = "rasoat";
const AUDIENCE: &str = "rasoat-api";
const ACCESS_TYPE: &str = "at+jwt";
const REFRESH_TYPE: &str = "rt+jwt";
const COOKIE_TYPE: &str = "ct+jwt";

/// Life of an access token, milliseconds.
const ACCESS_MS: i64 = 15 * 60 * 1000;

/// Life of a browser's cookie, milliseconds: a working day.
pub(crate) const COOKIE_MS: i64 = 12 * 60 * 60 * 1000;

/// Life of a refresh token, milliseconds: longer than the longest offline spell (60 days).
pub(crate) const REFRESH_MS: i64 = 75 * 24 * 60 * 60 * 1000;

/// A signed-in person, looked up for this request.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) account: Account,
    pub(crate) device: Option<Device>,
    /// The session that was shown, where there was one.
    pub(crate) session: Option<[u8; 16]>,
}

/// Somebody handing work in: the one thing that a revoked device may still do.
#[derive(Debug, Clone)]
pub(crate) struct Sender(pub(crate) Actor);

/// Somebody who may have signed in with a one-time password: good for choosing another.
#[derive(Debug, Clone)]
pub(crate) struct Choosing(pub(crate) Actor);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Account id.
    sub: String,
    /// Device id, for a session that a device enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dev: Option<String>,
    /// Session family.
    fam: String,
    /// Token id; a refresh token's is kept with its session.
    jti: String,
    /// Seconds since 1970. Every byte here goes up with every request, so nothing is said twice.
    nbf: i64,
    exp: i64,
}

/// The two tokens of a session.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tokens {
    /// For the `Authorization: Bearer` header; 15 minutes.
    pub access: String,
    /// For the next pair of tokens; stays good until its successor is used.
    pub refresh: String,
    /// When the access token ends, UTC milliseconds.
    pub access_until_ms: i64,
}

/// Hashes a password with argon2id.
pub(crate) fn hash_password(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes())
        .expect("argon2's default parameters are valid")
        .to_string()
}

fn password_fits(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn sign(keys: &Keys, kind: &str, claims: &Claims) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(kind.to_owned());
    header.kid = Some(keys.kid.clone());
    jsonwebtoken::encode(&header, claims, &keys.jwt_sign)
        .expect("claims are plain text and numbers")
}

/// Makes the tokens of a session whose refresh token id is already stored.
pub(crate) fn tokens(
    keys: &Keys,
    account: AccountId,
    device: Option<DeviceId>,
    family: [u8; 16],
    refresh: [u8; 16],
    now_ms: i64,
) -> Tokens {
    let claims = |jti: [u8; 16], life_ms: i64| Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: account.to_string(),
        dev: device.map(|device| device.to_string()),
        fam: to_hex(&family),
        jti: to_hex(&jti),
        nbf: now_ms / 1000,
        exp: (now_ms + life_ms) / 1000,
    };
    Tokens {
        access: sign(keys, ACCESS_TYPE, &claims(random(), ACCESS_MS)),
        refresh: sign(keys, REFRESH_TYPE, &claims(refresh, REFRESH_MS)),
        access_until_ms: now_ms + ACCESS_MS,
    }
}

/// Proves at start-up that tokens can be signed and checked at all: the library finds out late.
pub(crate) fn self_test(keys: &Keys) -> bool {
    let made = tokens(keys, AccountId([1; 16]), None, [2; 16], [3; 16], 1_000_000);
    check(keys, ACCESS_TYPE, &made.access, 1_000_000).is_some()
        && check(keys, REFRESH_TYPE, &made.access, 1_000_000).is_none()
        && check(keys, ACCESS_TYPE, &made.access, 1_000_000 + ACCESS_MS).is_none()
}

/// Makes the cookie of a browser's session. It names the session and can do nothing the API's tokens
/// do.
pub(crate) fn cookie(keys: &Keys, account: AccountId, family: [u8; 16], now_ms: i64) -> String {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: account.to_string(),
        dev: None,
        fam: to_hex(&family),
        jti: String::new(),
        nbf: now_ms / 1000,
        exp: (now_ms + COOKIE_MS) / 1000,
    };
    sign(keys, COOKIE_TYPE, &claims)
}

/// Finds who browses with a cookie, and the session; `None` where either has ended.
pub(crate) async fn browsing(
    app: &App,
    cookie: &str,
) -> Result<Option<(Account, [u8; 16])>, StoreError> {
    let Some(claims) = check(&app.keys, COOKIE_TYPE, cookie, app.now_ms()) else {
        return Ok(None);
    };
    let (Ok(account), Ok(family)) = (claims.sub.parse(), from_hex(&claims.fam)) else {
        return Ok(None);
    };
    let found = app.store.session_account(family, account).await?;
    let open = found.filter(|(account, ended)| !ended && !account.disabled);
    Ok(open.map(|(account, _)| (account, family)))
}

/// A session that was just opened.
pub(crate) struct Opened {
    pub(crate) account: AccountId,
    pub(crate) family: [u8; 16],
    refresh: [u8; 16],
}

/// Signs a person in by name and password.
pub(crate) async fn sign_in(app: &App, name: &str, password: &str) -> Result<Tokens, Problem> {
    let Opened { account, family, refresh } = open(app, name, password).await?;
    Ok(tokens(&app.keys, account, None, family, refresh, app.now_ms()))
}

/// Tells whether a password is an account's own. An account without one, or none at all, costs as
/// much as a wrong password.
async fn fits(app: &App, account: Option<&Account>, password: String) -> Result<bool, Problem> {
    let hash = account.map(|account| account.password_hash.clone());
    let hash = hash.filter(|hash| !hash.is_empty());
    let has_one = hash.is_some();
    let hash = hash.unwrap_or_else(|| app.decoy_hash.clone());
    let _permit = app.hashing.acquire().await.map_err(|_| &problem::TOO_BUSY)?;
    let checked = tokio::task::spawn_blocking(move || password_fits(&password, &hash)).await;
    Ok(checked.unwrap_or(false) && has_one)
}

/// Tells whether a password is that of somebody signed in.
pub(crate) async fn password_is(
    app: &App,
    account: &Account,
    password: String,
) -> Result<bool, Problem> {
    fits(app, Some(account), password).await
}

/// Opens a session for a person by name and password.
pub(crate) async fn open(app: &App, name: &str, password: &str) -> Result<Opened, Problem> {
    let account = app.store.account_named(name).await?;
    let fits = fits(app, account.as_ref(), password.to_owned()).await?;
    let account =
        account.filter(|account| fits && !account.disabled).ok_or(&problem::SIGN_IN_FAILED)?;
    let now_ms = app.now_ms();
    let (family, refresh) = (random(), random::<16>());
    let session = Session {
        family,
        account: account.id,
        device: None,
        current: refresh.to_vec(),
        expires_at_ms: now_ms + REFRESH_MS,
        ended: false,
    };
    // Checking took its time: the password may have been changed and every session ended since.
    if !app.store.session_sign_in(&session, &account.password_hash, now_ms).await? {
        return Err(problem::SIGN_IN_FAILED.refuse());
    }
    Ok(Opened { account: account.id, family, refresh })
}

/// Exchanges a refresh token for the next pair.
///
/// The token used stays good until its successor is used: on a bad line the answer gets lost, and
/// nobody may be locked out by that. Used again it gives the same successor, so that it does not
/// matter which of two answers arrived.
///
/// A device signs the token with its key: the token alone is of no use to whoever copied it, and a
/// signature of another key ends the session. With the right key any token of the session will do,
/// for a phone restored from a backup has an old one. Without a device an old one ends the session.
pub(crate) async fn refresh(
    app: &App,
    token: &str,
    signature: Option<&str>,
) -> Result<Tokens, Problem> {
    let now_ms = app.now_ms();
    let claims = check(&app.keys, REFRESH_TYPE, token, now_ms).ok_or(&problem::TOKEN_REFUSED)?;
    let family: [u8; 16] = from_hex(&claims.fam).map_err(|_| &problem::TOKEN_REFUSED)?;
    let used: [u8; 16] = from_hex(&claims.jti).map_err(|_| &problem::TOKEN_REFUSED)?;
    let session = app.store.session_get(family).await?.ok_or(&problem::TOKEN_REFUSED)?;
    if session.ended || session.expires_at_ms <= now_ms {
        return Err(problem::TOKEN_REFUSED.refuse());
    }
    let fits = match session.device {
        None => true,
        Some(device) => {
            let signature = signature.ok_or(&problem::REFRESH_UNSIGNED)?;
            let device = app.store.device_get(device).await?.ok_or(StoreError::Damaged)?;
            from_hex::<64>(signature).is_ok_and(|signature| {
                is_signed(REFRESH_CONTEXT, token.as_bytes(), &signature, &device.public_key)
            })
        }
    };
    let next = if fits {
        let until = now_ms + REFRESH_MS;
        app.store.session_advance(&session, &used, &random::<16>(), until).await?
    } else {
        None
    };
    let Some(next) = next else {
        app.store.session_end(family, now_ms).await?;
        return Err(problem::TOKEN_REFUSED.refuse());
    };
    let next: [u8; 16] = next.try_into().map_err(|_| StoreError::Damaged)?;
    Ok(tokens(&app.keys, session.account, session.device, family, next, now_ms))
}

/// Lets a static problem name be refused in tail position.
trait Refuse {
    fn refuse(&'static self) -> Problem;
}

impl Refuse for problem::Problem {
    fn refuse(&'static self) -> Problem {
        Problem::new(self)
    }
}

impl FromRequestParts<App> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Sender(actor) = Sender::from_request_parts(parts, app).await?;
        if actor.device.as_ref().is_some_and(|device| device.revoked) {
            return Err(problem::DEVICE_REVOKED.refuse());
        }
        Ok(actor)
    }
}

impl FromRequestParts<App> for Choosing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = Actor::asking(parts, app).await?;
        if actor.device.as_ref().is_some_and(|device| device.revoked) {
            return Err(problem::DEVICE_REVOKED.refuse());
        }
        Ok(Self(actor))
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = Actor::asking(parts, app).await?;
        if actor.device.is_none() && actor.account.once_until_ms.is_some() {
            return Err(problem::PASSWORD_OWN.refuse());
        }
        Ok(Self(actor))
    }
}

impl Actor {
    /// Finds who asks, whatever they may then do: nobody is let in by this alone.
    async fn asking(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(&problem::UNAUTHENTICATED)?;
        let token = header
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(&problem::UNAUTHENTICATED)?;
        let claims =
            check(&app.keys, ACCESS_TYPE, token, app.now_ms()).ok_or(&problem::UNAUTHENTICATED)?;
        let account: AccountId = claims.sub.parse().map_err(|_| &problem::UNAUTHENTICATED)?;
        let family: [u8; 16] = from_hex(&claims.fam).map_err(|_| &problem::UNAUTHENTICATED)?;
        let device = match claims.dev {
            None => None,
            Some(device) => Some(device.parse().map_err(|_| &problem::UNAUTHENTICATED)?),
        };
        Self::of_session(app, family, account, device).await
    }

    /// Finds who asks in a session, unless session or account have ended.
    pub(crate) async fn of_session(
        app: &App,
        family: [u8; 16],
        account: AccountId,
        device: Option<DeviceId>,
    ) -> Result<Self, Problem> {
        let found = match device {
            None => {
                let found = app.store.session_account(family, account).await?;
                found.map(|(account, ended)| (account, ended, None))
            }
            Some(id) => {
                let found = app.store.session_account_on(family, account, id).await?;
                found.map(|(account, ended, device)| (account, ended, Some(device)))
            }
        };
        let (account, session_ended, device) =
            found.filter(|(account, _, _)| !account.disabled).ok_or(&problem::UNAUTHENTICATED)?;
        // A revoked device's session has ended, and yet it may hand its work in.
        if session_ended && !device.as_ref().is_some_and(|device: &Device| device.revoked) {
            return Err(problem::UNAUTHENTICATED.refuse());
        }
        Ok(Self { account, device, session: Some(family) })
    }

    /// Returns the actor if it holds one of these roles.
    pub(crate) fn with_role(self, roles: &[Role]) -> Result<Self, Problem> {
        if roles.contains(&self.account.post.role) {
            Ok(self)
        } else {
            Err(Problem::new(&problem::FORBIDDEN))
        }
    }
}
