//! The offices' own pages: what people in commune, district and province do in a browser.
//!
//! Every page is whole without a script, and every action is a plain form. A page loads what the API
//! loads, by the same functions, and shows it in words; nothing is decided here.

mod commune;
mod export;
mod frame;
mod household;
mod import;
mod list;
mod overview;
mod session;
mod words;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;

/// Every page, below `/office`.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    let unit = format!("{campaign}/units/{{unit}}");
    let household = format!("{campaign}/households/{{document}}");
    Router::new()
        .route("/office", get(overview::home))
        .route("/office/style.css", get(style))
        .route("/office/sign-in", get(session::show).post(session::sign_in))
        .route("/office/sign-out", post(session::sign_out))
        .route("/office/language", get(session::language))
        .route(campaign, get(overview::campaign))
        .route(&format!("{campaign}/rates"), get(overview::rates))
        .route(&unit, get(commune::today))
        .route(&format!("{unit}/households"), get(commune::households))
        .route(&format!("{unit}/waivers"), post(commune::waive))
        .route(&format!("{unit}/list"), get(list::show).post(list::act))
        .route(&household, get(household::show).post(household::settle))
        .merge(import::routes())
        .merge(export::routes())
}

async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let kept = HeaderValue::from_static("public, max-age=3600");
    let heads = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
    (heads, include_str!("../../templates/office/style.css")).into_response()
}
