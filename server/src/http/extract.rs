//! Extractors that refuse with a problem, and the look-ups that every scoped route starts with.

use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use mobile_schema::frame::FRAME_CONTENT_TYPE;
use mobile_schema::problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::id::CampaignId;
use shared::limits;
use shared::unit::UnitTree;

use super::encoding::{Encoding, Unpacker};
use crate::app::App;
use crate::auth::{Actor, Sender};
use crate::gate::{Caller, Place, Share};
use crate::imports::units::Known;
use crate::problem::Problem;
use crate::store::account::Account;
use crate::store::campaign::Campaign;

/// Longest wait for the next bytes of a body, seconds. Lines stall; half a minute is a lost one.
const BODY_WAIT_SECONDS: u64 = 30;

/// Reads a body, unpacking it as it arrives, to at most so many bytes. Its share of the memory for
/// bodies lasts as long as what is returned with it.
async fn body(request: Request, app: &App, bytes_max: usize) -> Result<(Vec<u8>, Share), Problem> {
    let mut share = Share::default();
    let bytes = read(request, bytes_max, |bytes| app.gate.hold(&mut share, bytes)).await?;
    Ok((bytes, share))
}

/// Reads a body, asking at each part whether there is memory for as much.
async fn read(
    request: Request,
    bytes_max: usize,
    mut hold: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Vec<u8>, Problem> {
    let encoding = Encoding::of_body(request.headers())?;
    let mut unpacker =
        Unpacker::new(encoding, bytes_max).map_err(|_| &problem::ENCODING_UNSUPPORTED)?;
    let mut body = request.into_limited_body();
    let wait = Duration::from_secs(BODY_WAIT_SECONDS);
    loop {
        let frame = tokio::time::timeout(wait, body.frame()).await;
        let Some(frame) = frame.map_err(|_| &problem::TOO_SLOW)? else { break };
        let frame = frame.map_err(refuse_body)?;
        if let Some(part) = frame.data_ref() {
            unpacker.take(part)?;
            hold(unpacker.len())?;
        }
    }
    unpacker.finish()
}

fn refuse_body(error: axum::Error) -> Problem {
    let error = error.into_inner();
    if error.is::<http_body_util::LengthLimitError>() {
        Problem::new(&problem::BODY_TOO_LARGE)
    } else {
        Problem::new(&problem::BODY_MALFORMED)
    }
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (bytes, _share) = body(request, app, limits::REQUEST_INFLATED_BYTES_MAX).await?;
        let malformed = |error: serde_json::Error| {
            // Line and column say where; the message would repeat what was sent.
            let place = serde_json::json!({ "line": error.line(), "column": error.column() });
            Problem::new(&problem::BODY_MALFORMED).with_items(&[place])
        };
        let form = serde_json::from_slice(&bytes).map_err(malformed)?;
        if texts_fit(&serde_json::from_slice(&bytes).map_err(malformed)?) {
            Ok(Self(form))
        } else {
            Err(Problem::new(&problem::BODY_MALFORMED))
        }
    }
}

/// Tells whether every text is of a length people write and without NUL, which PostgreSQL cannot
/// keep.
fn texts_fit(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    let fits =
        |text: &str| !text.contains('\0') && text.chars().nth(limits::TEXT_CHARS_MAX).is_none();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => fits(text),
        Value::Array(parts) => parts.iter().all(texts_fit),
        Value::Object(parts) => parts.iter().all(|(key, part)| fits(key) && texts_fit(part)),
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A text body: a file being imported. One with NUL in it is no text.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl FromRequest<App> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (bytes, _share) = body(request, app, limits::IMPORT_INFLATED_BYTES_MAX).await?;
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(Self(text)),
            Ok(_) | Err(_) => Err(Problem::new(&problem::BODY_MALFORMED)),
        }
    }
}

/// A table that is being imported, CSV or XLSX, as it came.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) bytes: Vec<u8>,
    /// Kept as long as the bytes are.
    pub(super) share: Share,
}

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (bytes, share) = body(request, app, limits::IMPORT_INFLATED_BYTES_MAX).await?;
        Ok(Self { bytes, share })
    }
}

/// A file as it came, of at most so many bytes, with its place among the files.
#[derive(Debug)]
pub(super) struct Raw<const BYTES_MAX: usize> {
    pub(super) bytes: Vec<u8>,
    _place: Place,
}

impl<const BYTES_MAX: usize> FromRequest<App> for Raw<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, rest) = request.into_parts();
        let sender = Actor::from_request_parts(&mut parts, app).await?;
        let place = app.gate.file(Caller::of(&sender)).await?;
        let request = Request::from_parts(parts, rest);
        Ok(Self { bytes: read(request, BYTES_MAX, |_| Ok(())).await?, _place: place })
    }
}

/// Somebody's CBOR frame, with its share of the memory for bodies. The request and its bytes have been
/// charged, whatever is in them: what cannot be read costs its sender as much.
#[derive(Debug)]
pub(super) struct Frame<T> {
    pub(super) frame: T,
    pub(super) sender: Actor,
    pub(super) caller: Caller,
    /// Kept as long as the frame is.
    pub(super) _share: Share,
}

impl<T: DeserializeOwned> FromRequest<App> for Frame<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, rest) = request.into_parts();
        let Sender(sender) = Sender::from_request_parts(&mut parts, app).await?;
        let caller = Caller::of(&sender);
        let charge = |cost| app.gate.charge(caller, &sender.account.post.unit, cost, app.now_ms());
        charge(limits::REQUEST_COST)?;
        let request = Request::from_parts(parts, rest);
        let (bytes, share) = body(request, app, limits::REQUEST_INFLATED_BYTES_MAX).await?;
        charge(limits::bytes_cost(bytes.len()))?;
        let frame =
            ciborium::de::from_reader_with_recursion_limit(&bytes[..], limits::FRAME_NESTING_MAX);
        let frame = frame.map_err(|_| &problem::FRAME_MALFORMED)?;
        Ok(Self { frame, sender, caller, _share: share })
    }
}

/// A CBOR frame to answer with.
#[derive(Debug)]
pub(super) struct Cbor<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Cbor<T> {
    fn into_response(self) -> Response {
        let mut out = Vec::new();
        if ciborium::into_writer(&self.0, &mut out).is_err() {
            return Problem::new(&problem::STORE_FAILED).into_response();
        }
        let kind = HeaderValue::from_static(FRAME_CONTENT_TYPE);
        ([(header::CONTENT_TYPE, kind)], out).into_response()
    }
}

/// Parts of the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, app)
            .await
            .map(|path| Self(path.0))
            .map_err(|_| Problem::new(&problem::NOT_FOUND))
    }
}

/// The query of an address.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, app)
            .await
            .map(|query| Self(query.0))
            .map_err(|_| Problem::new(&problem::QUERY_MALFORMED))
    }
}

/// A campaign the caller may know of, with the units in force at its review date.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) campaign: Campaign,
    pub(super) tree: Arc<UnitTree>,
}

/// Tells whether a person's unit, its code read on the account's own day, is there in a tree.
pub(super) fn stands_in(units: &Known, person: &Account, tree: &UnitTree) -> bool {
    person.post.is_same_unit(&units.at(person.unit_on), tree)
}

/// Tells whether an office covers a person, each one's unit being read on that account's day.
pub(super) fn covers(units: &Known, office: &Account, person: &Account) -> bool {
    let tree = units.at(person.unit_on);
    stands_in(units, office, &tree) && office.post.covers(&tree, &person.post.unit)
}

/// Tells whether a campaign is of a person's province.
pub(super) fn sees(units: &Known, person: &Account, campaign: &Campaign) -> bool {
    let tree = units.at(campaign.review_date);
    is_of(units, person, &campaign.province, &tree)
}

/// Tells whether a person's unit is of a province, in a campaign that this tree is of.
pub(super) fn is_of(units: &Known, person: &Account, province: &str, tree: &UnitTree) -> bool {
    stands_in(units, person, tree) && tree.contains(province, &person.post.unit)
}

/// Finds a campaign of the caller's province. Any other does not exist for the caller.
pub(super) async fn campaign(app: &App, actor: &Actor, id: CampaignId) -> Result<Seen, Problem> {
    let campaign = crate::standing::campaign(app, id).await?;
    let units = app.units().await?;
    if sees(&units, &actor.account, &campaign) {
        let tree = units.at(campaign.review_date);
        Ok(Seen { campaign, tree })
    } else {
        Err(Problem::new(&problem::CAMPAIGN_UNKNOWN))
    }
}

/// Finds a list unit (commune, or district without communes) in the caller's scope.
pub(super) async fn list_unit(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    unit: &str,
) -> Result<Seen, Problem> {
    let seen = campaign(app, actor, id).await?;
    let known = seen.tree.list_units().iter().any(|listed| listed.code() == unit);
    if known && actor.account.post.covers(&seen.tree, unit) {
        Ok(seen)
    } else {
        Err(Problem::new(&problem::UNIT_UNKNOWN))
    }
}
