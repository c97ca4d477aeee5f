//! People: who has an account, adding them, closing an account, and passwords.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::date::Date;
use shared::id::AccountId;
use shared::limits::NAME_CHARS_MAX;
use shared::scope::{Post, Role};

use super::extract::{Json, covers, sees};
use crate::app::App;
use crate::auth::{Actor, hash_password};
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::account::Account;

/// A person as offices see one.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Person {
    #[schema(value_type = String)]
    pub(super) id: AccountId,
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) role: String,
    pub(super) unit: String,
    /// Day on which the code of the unit is read, `YYYY-MM-DD`.
    pub(super) unit_on: String,
    /// True after the account was closed.
    pub(super) disabled: bool,
}

impl From<Account> for Person {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            full_name: account.full_name,
            role: account.post.role.name().to_owned(),
            unit: account.post.unit,
            unit_on: account.unit_on.to_string(),
            disabled: account.disabled,
        }
    }
}

/// Lists the accounts of the caller's unit and of those below it.
#[utoipa::path(get, path = "/v1/accounts", security(("bearer" = [])), responses(
    (status = 200, body = Vec<Person>),
    (status = 403, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
) -> Result<Json<Vec<Person>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let units = app.units().await?;
    let accounts = app.store.account_list().await?.into_iter();
    let seen = accounts.filter(|account| covers(&units, &actor.account, account));
    Ok(Json(seen.map(Person::from).collect()))
}

/// A person to be added.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct NewPerson {
    pub(super) name: String,
    pub(super) full_name: String,
    /// Absent for people who only use enrolled devices.
    pub(super) password: Option<String>,
    /// `province`, `district`, `officer` or `enumerator`.
    pub(super) role: String,
    pub(super) unit: String,
    /// Day on which the code of the unit is read, `YYYY-MM-DD`: the review date of the campaign the
    /// person works in. Absent, that of the newest campaign of the caller's province, else the day
    /// of the caller's own unit.
    pub(super) on: Option<String>,
}

/// Returns the day on which the unit of a new account is read where the request names none.
async fn day_of(app: &App, by: &Account) -> Result<Date, StoreError> {
    let units = app.units().await?;
    let campaigns = app.store.campaign_list().await?;
    let newest = campaigns.iter().find(|campaign| sees(&units, by, campaign));
    Ok(newest.map_or(by.unit_on, |campaign| campaign.review_date))
}

/// Adds people, all or none: a province office anybody, a commune officer its enumerators.
#[utoipa::path(post, path = "/v1/accounts", request_body = Vec<NewPerson>,
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Person>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn add(
    State(app): State<App>,
    actor: Actor,
    Json(people): Json<Vec<NewPerson>>,
) -> Result<Json<Vec<Person>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::Officer])?;
    let units = app.units().await?;
    let usual_day = day_of(&app, &actor.account).await?;
    let mut accounts = Vec::new();
    for person in people {
        let role = Role::from_name(&person.role).ok_or(&problem::BODY_MALFORMED)?;
        let on = person.on.as_deref().map(Date::parse).transpose();
        let mut account = Account {
            id: AccountId(random()),
            name: person.name,
            full_name: person.full_name,
            post: Post { role, unit: person.unit },
            unit_on: on.map_err(|_| &problem::BODY_MALFORMED)?.unwrap_or(usual_day),
            password_hash: String::new(),
            once_until_ms: None,
            disabled: false,
        };
        let may = actor.account.post.role == Role::Province || role == Role::Enumerator;
        if !may || !covers(&units, &actor.account, &account) {
            return Err(Problem::new(&problem::FORBIDDEN));
        }
        if !is_name(&account.name) || !is_name(&account.full_name) {
            return Err(Problem::new(&problem::BODY_MALFORMED));
        }
        account.password_hash = hash(&app, person.password).await?;
        accounts.push(account);
    }
    match app.store.account_add(&accounts, app.now_ms()).await {
        Err(StoreError::Conflict(_)) => Err(Problem::new(&problem::ACCOUNT_EXISTS)),
        other => {
            other?;
            Ok(Json(accounts.into_iter().map(Person::from).collect()))
        }
    }
}

/// Tells whether a text can stand as a name: not empty, not endless.
pub(super) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().nth(NAME_CHARS_MAX).is_none()
}

pub(super) async fn hash(app: &App, password: Option<String>) -> Result<String, Problem> {
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return Ok(String::new());
    };
    let _permit = app.hashing.acquire().await.map_err(|_| &problem::TOO_BUSY)?;
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    hashed.map_err(|_| Problem::new(&problem::TOO_BUSY))
}
