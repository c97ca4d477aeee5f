//! Devices: enrolment by one-time code, the list of them, revocation.

use std::collections::BTreeSet;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{AccountId, DeviceId, from_hex, sha256, to_hex};
use shared::scope::Role;

use super::courier::CourierKey;
use super::extract::{Json, Path, covers};
use crate::app::App;
use crate::auth::{self, Actor, REFRESH_MS, Tokens};
use crate::imports::units::Known;
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::account::Account;
use crate::store::binding::Installation;
use crate::store::device::NewDevice;
use crate::store::volume::Volume;

/// Longest label of a device, characters.
const LABEL_CHARS_MAX: usize = 80;

/// A commune officer manages the devices of enumerators and their own; a province everybody's.
///
/// A district without communes shares its unit code with the office above it: the unit alone
/// would let its commune officer enrol a device in the district's name.
pub(super) fn check_manages(actor: &Actor, units: &Known, owner: &Account) -> Result<(), Problem> {
    let by = &actor.account;
    let manages =
        by.post.role == Role::Province || owner.post.role == Role::Enumerator || owner.id == by.id;
    match (covers(units, by, owner), manages) {
        (false, _) => Err(Problem::new(&problem::NOT_FOUND)),
        (true, false) => Err(Problem::new(&problem::FORBIDDEN)),
        (true, true) => Ok(()),
    }
}

/// What a device brings to be enrolled. Its private key never leaves it.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Enrol {
    code: String,
    /// Name people know the device by, for example `máy thôn Một`.
    label: String,
    /// Ed25519 public key, 64 hex digits.
    public_key: String,
}

/// What an enrolled device keeps.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Enrolled {
    #[schema(value_type = String)]
    device: DeviceId,
    #[schema(value_type = String)]
    account: AccountId,
    /// Ed25519 public key that receipts are checked with, 64 hex digits.
    server_key: String,
    /// Key that courier files are sealed to, kept for the day when there is no line.
    courier: CourierKey,
    tokens: Tokens,
}

/// Enrols a device with a one-time code. Asked again with the same key, because the answer was
/// lost, it answers the same until the device has synced or the code has expired.
#[utoipa::path(post, path = "/v1/devices", request_body = Enrol, responses(
    (status = 200, body = Enrolled),
    (status = 401, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn enrol(
    State(app): State<App>,
    Json(form): Json<Enrol>,
) -> Result<Json<Enrolled>, Problem> {
    let public_key: [u8; 32] = from_hex(&form.public_key).map_err(|_| &problem::BODY_MALFORMED)?;
    if form.label.trim().is_empty() || form.label.chars().count() > LABEL_CHARS_MAX {
        return Err(Problem::new(&problem::BODY_MALFORMED));
    }
    let now_ms = app.now_ms();
    let new = NewDevice {
        id: DeviceId(random()),
        label: &form.label,
        public_key,
        family: random(),
        refresh: random(),
        expires_at_ms: now_ms + REFRESH_MS,
    };
    let code_hash = sha256(form.code.trim().as_bytes());
    let session = app.store.device_enrol(code_hash, &new, now_ms).await?;
    let session = session.ok_or(&problem::CODE_REFUSED)?;
    let (account, device) = (session.account, session.device.ok_or(StoreError::Damaged)?);
    let refresh = session.current.try_into().map_err(|_| StoreError::Damaged)?;
    let tokens = auth::tokens(&app.keys, account, Some(device), session.family, refresh, now_ms);
    let server_key = to_hex(&app.keys.public());
    let courier = CourierKey::of(&app);
    Ok(Json(Enrolled { device, account, server_key, courier, tokens }))
}

/// A device as offices and the operator see one.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Listed {
    #[schema(value_type = String)]
    pub(crate) device: DeviceId,
    pub(crate) label: String,
    pub(crate) unit: String,
    /// Who types on it.
    pub(crate) people: Vec<String>,
    pub(crate) enrolled_at_ms: i64,
    pub(crate) last_sync_ms: Option<i64>,
    /// Holds work it has not said it handed in.
    pub(crate) silent: bool,
    pub(crate) revoked: bool,
    /// Was copied or restored: two changes came under one number.
    pub(crate) copied: bool,
    /// Its clock less the server's, milliseconds, as it last said; decides nothing.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Version of the app, as it last said.
    pub(crate) app: String,
    pub(crate) backlog: Backlog,
    /// What it brought, all campaigns together.
    pub(crate) volume: Volume,
    /// Actors it wrote under, the one heard of last first.
    pub(crate) installations: Vec<Installation>,
}

/// Changes of a device that are stored and not merged, but for those an officer left out.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Backlog {
    pub(crate) waiting: i64,
    pub(crate) held: i64,
    pub(crate) quarantined: i64,
}

/// Lists the devices of the caller's unit and of those below it.
#[utoipa::path(get, path = "/v1/devices", security(("bearer" = [])), responses(
    (status = 200, body = Vec<Listed>),
    (status = 403, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
) -> Result<Json<Vec<Listed>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let units = app.units().await?;
    let accounts = app.store.account_list().await?.into_iter();
    let people: BTreeSet<AccountId> = accounts
        .filter(|account| covers(&units, &actor.account, account))
        .map(|account| account.id)
        .collect();
    Ok(Json(listed(&app, |account| people.contains(&account)).await?))
}

/// Lists the devices that were enrolled for these people.
pub(crate) async fn listed(
    app: &App,
    is_seen: impl Fn(AccountId) -> bool,
) -> Result<Vec<Listed>, StoreError> {
    let mut typists = app.store.device_people(None).await?;
    let mut installations = app.store.installation_list().await?;
    let backlog = app.store.health_backlog().await?;
    let volumes = app.store.device_log_list().await?;
    let devices = app.store.device_list().await?;
    let seen = devices.into_iter().filter(|device| is_seen(device.account));
    let listed = seen.map(|device| {
        let typists = typists.remove(&device.id).unwrap_or_default();
        let installations = installations.remove(&device.id).unwrap_or_default();
        let set_aside =
            |fate: &str| backlog.get(&(device.id, fate.to_owned())).copied().unwrap_or_default();
        Listed {
            device: device.id,
            label: device.label,
            unit: device.unit,
            people: typists.into_iter().map(|person| person.name).collect(),
            enrolled_at_ms: device.enrolled_at_ms,
            last_sync_ms: device.last_sync_ms,
            silent: device.silent,
            revoked: device.revoked,
            copied: installations.iter().any(|one| one.forked_at_ms.is_some()),
            clock_ahead_ms: device.clock_ahead_ms,
            app: device.app,
            backlog: Backlog {
                waiting: set_aside("waiting"),
                held: set_aside("held"),
                quarantined: set_aside("quarantined"),
            },
            volume: volumes.get(&device.id).copied().unwrap_or_default(),
            installations,
        }
    });
    Ok(listed.collect())
}

/// Revokes a device: nothing more is sent to it, what it sends is held.
#[utoipa::path(post, path = "/v1/devices/{device}/revoke", security(("bearer" = [])),
    params(("device" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn revoke(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<DeviceId>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let device = app.store.device_get(id).await?.ok_or(&problem::NOT_FOUND)?;
    let owner = app.store.account_get(device.account).await?.ok_or(&problem::NOT_FOUND)?;
    check_manages(&actor, &units, &owner)?;
    app.store.device_revoke(id, app.now_ms()).await?;
    Ok(Json(true))
}
