//! People: who has an account, and adding them.

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::AccountId;
use shared::limits::NAME_CHARS_MAX;
use shared::scope::{Post, Role};

use super::extract::Json;
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
    id: AccountId,
    name: String,
    full_name: String,
    role: String,
    unit: String,
}

impl From<Account> for Person {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            full_name: account.full_name,
            role: account.post.role.name().to_owned(),
            unit: account.post.unit,
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
    let tree = super::campaigns::newest_tree(&app).await?;
    let accounts = app.store.account_list().await?;
    let seen =
        accounts.into_iter().filter(|account| actor.account.post.covers(&tree, &account.post.unit));
    Ok(Json(seen.map(Person::from).collect()))
}

/// A person to be added.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct NewPerson {
    name: String,
    full_name: String,
    /// Absent for people who only use enrolled devices.
    password: Option<String>,
    /// `province`, `district`, `officer` or `enumerator`.
    role: String,
    unit: String,
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
    let tree = super::campaigns::newest_tree(&app).await?;
    let mut accounts = Vec::new();
    for person in people {
        let role = Role::from_name(&person.role).ok_or(&problem::BODY_MALFORMED)?;
        let may = actor.account.post.role == Role::Province || role == Role::Enumerator;
        if !may || !actor.account.post.covers(&tree, &person.unit) {
            return Err(Problem::new(&problem::FORBIDDEN));
        }
        if !is_name(&person.name) || !is_name(&person.full_name) {
            return Err(Problem::new(&problem::BODY_MALFORMED));
        }
        accounts.push(Account {
            id: AccountId(random()),
            name: person.name,
            full_name: person.full_name,
            post: Post { role, unit: person.unit },
            password_hash: hash(&app, person.password).await?,
            disabled: false,
        });
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

async fn hash(app: &App, password: Option<String>) -> Result<String, Problem> {
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return Ok(String::new());
    };
    let _permit = app.hashing.acquire().await.map_err(|_| &problem::TOO_BUSY)?;
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    hashed.map_err(|_| Problem::new(&problem::TOO_BUSY))
}
