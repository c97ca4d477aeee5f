//! `POST /v1/tickets`: what a stock client connects to the standard door with.
//!
//! Such a client can put nothing but an address into its WebSocket, so that what lets it in stands
//! there. It lives for an hour, since clients come back to the same address for as long as they run.

use axum::extract::State;
use axum::http::HeaderMap;
use mobile_schema::household::SCHEMA_VERSION;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{CampaignId, sha256, to_hex};
use shared::limits;

use super::caller::begin;
use super::codes::server_address;
use super::extract::Json;
use crate::app::App;
use crate::auth::Actor;
use crate::gate::Caller;
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::store::ticket::Ticket;

/// What a ticket is asked for.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Wanted {
    /// Campaign whose households are opened.
    #[schema(value_type = String)]
    campaign: CampaignId,
    /// Layout and form version the client writes; absent, the newest the server knows.
    schema: Option<u32>,
}

/// A ticket.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Issued {
    /// Address to connect a WebSocket to, the ticket in it. Good for one peer name: that of the
    /// client that uses it first.
    url: String,
    /// The same without scheme and host.
    path: String,
    /// When it ends, UTC milliseconds.
    until_ms: i64,
}

/// Issues a ticket for the standard door to the calling device.
#[utoipa::path(post, path = "/v1/tickets", request_body = Wanted, security(("bearer" = [])),
    responses(
    (status = 200, body = Issued),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 429, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn issue(
    State(app): State<App>,
    headers: HeaderMap,
    actor: Actor,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Issued>, Problem> {
    let (Some(device), Some(session)) = (&actor.device, actor.session) else {
        return Err(Problem::new(&problem::DEVICE_NEEDED));
    };
    let now_ms = app.now_ms();
    app.gate.charge(Caller::of(&actor), &actor.account.post.unit, limits::REQUEST_COST, now_ms)?;
    let campaign = begin(&app, &actor, wanted.campaign).await?.campaign;
    let text = to_hex(&random::<32>());
    let ticket = Ticket {
        hash: sha256(text.as_bytes()),
        campaign,
        device: device.id,
        account: actor.account.id,
        session,
        schema: wanted.schema.unwrap_or(SCHEMA_VERSION),
        expires_at_ms: now_ms + limits::TICKET_MS,
        sender: None,
    };
    app.store.ticket_add(&ticket, now_ms).await?;
    let path = format!("/v1/repo?ticket={text}");
    let address = server_address(&headers)?.replacen("http", "ws", 1);
    let url = format!("{address}{path}");
    Ok(Json(Issued { url, path, until_ms: ticket.expires_at_ms }))
}
