//! The offices' own pages: what people in commune, district and province do in a browser.
//!
//! Every page is whole without a script, and every action is a plain form. One list follows what is
//! typed where scripts run. A page loads what the API
//! loads, by the same functions, and shows it in words; nothing is decided here.

mod aside;
mod comments;
mod commune;
mod comparison;
mod courier;
mod desk;
mod export;
mod form;
mod forms;
mod frame;
mod handover;
mod household;
mod import;
mod life;
mod list;
mod opinion;
mod overview;
mod pairs;
mod paper;
mod papers;
mod past;
mod print;
mod province;
mod register;
mod review;
mod sample;
mod session;
mod settle;
mod sourced;
mod upload;
mod words;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;

pub(super) use frame::time_text;

/// Every page, below `/office`.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    let unit = format!("{campaign}/units/{{unit}}");
    let household = format!("{campaign}/households/{{document}}");
    Router::new()
        .route("/office", get(overview::home))
        .route("/office/style.css", get(style))
        .route("/office/print.css", get(print_style))
        .route("/office/icon.svg", get(icon))
        .route("/office/htmx.js", get(htmx))
        .route("/office/sign-in", get(session::show).post(session::sign_in))
        .route("/office/sign-out", post(session::sign_out))
        .route("/office/language", get(session::language))
        .route(campaign, get(overview::campaign))
        .route(&format!("{campaign}/rates"), get(overview::rates))
        .route(&unit, get(commune::today))
        .route(&format!("{unit}/households"), get(commune::households))
        .route(&format!("{unit}/disputes"), get(review::show))
        .route(&format!("{unit}/countersignatures"), post(review::countersign))
        .route(&format!("{unit}/waivers"), post(commune::waive))
        .route(&format!("{unit}/list"), get(list::show).post(opinion::act))
        .route(&household, get(household::show).post(household::settle))
        .merge(aside::routes())
        .merge(paper::routes())
        .route(&format!("{household}/life"), post(life::decide))
        .merge(handover::routes())
        .merge(forms::routes())
        .merge(register::routes())
        .merge(import::routes())
        .merge(courier::routes())
        .merge(export::routes())
        .merge(desk::routes())
        .merge(pairs::routes())
        .merge(print::routes())
        .merge(province::routes())
}

async fn style() -> Response {
    kept("text/css; charset=utf-8", include_str!("../../templates/office/style.css"))
}

async fn print_style() -> Response {
    kept("text/css; charset=utf-8", include_str!("../../templates/office/print.css"))
}

async fn icon() -> Response {
    kept("image/svg+xml", include_str!("../../templates/office/icon.svg"))
}

async fn htmx() -> Response {
    kept("text/javascript; charset=utf-8", include_str!("../../templates/office/htmx.min.js"))
}

/// Sends a file of the program, which browsers keep for an hour.
fn kept(kind: &'static str, text: &'static str) -> Response {
    let (kind, age) = (HeaderValue::from_static(kind), "public, max-age=3600");
    let heads =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static(age))];
    (heads, text).into_response()
}
