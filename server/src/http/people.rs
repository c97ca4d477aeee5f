//! Several people on one device: bound by a code each types on it, taken off by an officer.
//!
//! Which of them is typing is the phone's to ask, by a PIN that never leaves it; the signed manifest
//! says who it was.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{AccountId, DeviceId, sha256};
use shared::scope::Role;

use super::devices::check_manages;
use super::extract::{Json, Path, stands_in};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::binding::Person;
use crate::store::device::Device;

/// Somebody who types on a device.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Typist {
    /// Account, as `typed_by` of a manifest names it.
    #[schema(value_type = String)]
    account: AccountId,
    name: String,
    full_name: String,
}

impl From<Person> for Typist {
    fn from(person: Person) -> Self {
        Self { account: person.account, name: person.name, full_name: person.full_name }
    }
}

async fn people(app: &App, device: DeviceId) -> Result<Json<Vec<Typist>>, Problem> {
    let mut people = app.store.device_people(Some(device)).await?;
    let people = people.remove(&device).unwrap_or_default();
    Ok(Json(people.into_iter().map(Typist::from).collect()))
}

fn own(actor: &Actor) -> Result<&Device, Problem> {
    actor.device.as_ref().ok_or_else(|| Problem::new(&problem::DEVICE_NEEDED))
}

/// Lists who types on the calling device.
#[utoipa::path(get, path = "/v1/devices/me/people", security(("bearer" = [])), responses(
    (status = 200, body = Vec<Typist>),
    (status = 403, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
) -> Result<Json<Vec<Typist>>, Problem> {
    people(&app, own(&actor)?.id).await
}

/// The one-time code of the person to be bound, as typed on the device.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Bind {
    code: String,
}

/// Binds a further person to the calling device: an enumerator of the unit it was enrolled in.
/// Returns everybody who types on it now.
#[utoipa::path(post, path = "/v1/devices/me/people", request_body = Bind,
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Typist>),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 403, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn bind(
    State(app): State<App>,
    actor: Actor,
    Json(form): Json<Bind>,
) -> Result<Json<Vec<Typist>>, Problem> {
    let device = own(&actor)?.id;
    let units = app.units().await?;
    let now_ms = app.now_ms();
    let mut tx = app.store.begin().await?;
    let used = tx.code_use(sha256(form.code.trim().as_bytes()), now_ms).await?;
    let person = tx.account_get(used.ok_or(&problem::CODE_REFUSED)?).await?;
    let person = person.ok_or(&problem::CODE_REFUSED)?;
    let tree = units.at(person.unit_on);
    let colleague = person.post.role == Role::Enumerator
        && person.post.unit == actor.account.post.unit
        && stands_in(&units, &actor.account, &tree);
    if !colleague {
        // The code stays good: it was typed on the wrong phone.
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    tx.device_bind(device, person.id, now_ms).await?;
    tx.commit().await?;
    people(&app, device).await
}

/// Somebody to be taken off a device.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Unbind {
    /// Sign-in name.
    account: String,
}

/// Takes a person off a device: nothing more of their households is sent to it. What they typed
/// stays theirs, and what they typed and did not hand in yet is still taken. False where they were
/// not on it.
#[utoipa::path(post, path = "/v1/devices/{device}/people/end", request_body = Unbind,
    security(("bearer" = [])), params(("device" = String, Path)), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn unbind(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<DeviceId>,
    Json(form): Json<Unbind>,
) -> Result<Json<bool>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let device = app.store.device_get(id).await?.ok_or(&problem::NOT_FOUND)?;
    let owner = app.store.account_get(device.account).await?.ok_or(&problem::NOT_FOUND)?;
    check_manages(&actor, &units, &owner)?;
    let person = app.store.account_named(&form.account).await?;
    // Whom the device was enrolled for is taken off by revoking it.
    let person = person.filter(|person| person.id != device.account);
    Ok(Json(match person {
        Some(person) => app.store.device_unbind(id, person.id, app.now_ms()).await?,
        None => false,
    }))
}
