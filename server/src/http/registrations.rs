//! `POST /v1/households`: a new household's id and first change, for clients of the standard door.
//!
//! Such a client cannot say what hamlet a document belongs to, so it says so here before it opens the
//! document. Asked again under the same key it gets the same household.

use axum::extract::State;
use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::cursor::Hamlets;
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id, from_hex, sha256, to_hex};
use shared::limits;
use shared::repo::address;

use super::caller::begin;
use super::extract::Json;
use crate::app::App;
use crate::auth::Actor;
use crate::gate::Caller;
use crate::problem::{Body, Problem};
use crate::store::household::NewHousehold;

/// Bytes in front of what a household's id is made of.
const ID_CONTEXT: &[u8] = b"rasoat household 1\0";

/// A household to be registered.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Wanted {
    #[schema(value_type = String)]
    campaign: CampaignId,
    /// Hamlet the family lives in.
    hamlet: String,
    /// 16 random bytes of the client's, 32 hex digits: the same for the same household.
    key: String,
}

/// A registered household.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Registered {
    /// Household id.
    #[schema(value_type = String)]
    household: HouseholdId,
    /// Document id as this interface writes it.
    #[schema(value_type = String)]
    document: DocumentId,
    /// The same as automerge-repo writes it; `automerge:` before it makes it an address.
    document_id: String,
    /// Hamlet it is registered in.
    hamlet: String,
    /// The first change of the document, hex digits; every client loads these bytes.
    genesis: String,
}

/// Registers a household in a hamlet of the caller's, once for each key.
#[utoipa::path(post, path = "/v1/households", request_body = Wanted, security(("bearer" = [])),
    responses(
    (status = 200, body = Registered),
    (status = 401, body = Body, content_type = "application/problem+json"),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn register(
    State(app): State<App>,
    actor: Actor,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Registered>, Problem> {
    let device = actor.device.as_ref().ok_or(&problem::DEVICE_NEEDED)?;
    let key: [u8; 16] = from_hex(&wanted.key).map_err(|_| &problem::HOUSEHOLD_KEY)?;
    let cost = limits::REQUEST_COST + limits::signed_cost(1);
    app.gate.charge(Caller::of(&actor), &actor.account.post.unit, cost, app.now_ms())?;
    let begun = begin(&app, &actor, wanted.campaign).await?;
    let (campaign, hamlet) = (begun.campaign, wanted.hamlet);
    let household = household_of(campaign, device.id.as_bytes(), &key);
    let document = document_id(campaign, household);
    let mut tx = app.store.begin().await?;
    let units = tx.hamlet_units(campaign, &[&hamlet]).await?;
    let unit = units.get(&hamlet).ok_or(&problem::HAMLET_UNKNOWN)?;
    let given = begun.scope.get(unit).is_some_and(|of| match of {
        Hamlets::All => true,
        Hamlets::Only(names) => names.contains(&hamlet),
    });
    if !given {
        // Which hamlets there are elsewhere is nobody's business.
        return Err(Problem::new(&problem::HAMLET_UNKNOWN));
    }
    if !tx.campaign_lock(campaign).await? {
        return Err(Problem::new(&problem::CAMPAIGN_CLOSED));
    }
    let new = NewHousehold {
        document,
        household,
        unit,
        hamlet: &hamlet,
        code: "",
        opening_class: "",
        opening_dtts: false,
        opening_paper: "",
        opening_members: 0,
    };
    tx.household_add_new(campaign, std::iter::once(new)).await?;
    tx.change_rehome(campaign, &[document]).await?;
    // Under the same key it may have been registered elsewhere, and moved since.
    let at = tx.household_get(campaign, document).await?.ok_or(&problem::STORE_FAILED)?;
    tx.commit().await?;
    Ok(Json(Registered {
        household,
        document,
        document_id: address::write(document),
        hamlet: at.hamlet,
        genesis: to_hex(GENESIS_V1),
    }))
}

/// Makes a household's id of what its device calls it: the same for the same.
fn household_of(campaign: CampaignId, device: &[u8], key: &[u8; 16]) -> HouseholdId {
    let digest = sha256(&[ID_CONTEXT, campaign.as_bytes(), device, key].concat());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    HouseholdId(id)
}
