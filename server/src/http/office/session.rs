//! Signing in and out with a browser, and choosing the language.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use serde::Deserialize;

use super::frame::{Fields, Lang, Posted, form_bytes, is_own_site, page, refused};
use crate::app::App;
use crate::auth::{COOKIE_MS, cookie, open};
use crate::http::extract::Query;
use crate::problem::Problem;

/// Name of the cookie that holds the session.
pub(super) const COOKIE: &str = "rasoat";

#[derive(Template)]
#[template(path = "office/sign_in.html")]
struct SignIn<'a> {
    lang: Lang,
    /// Where to go on.
    next: &'a str,
    /// A form that was sent after its session had ended, and where it goes.
    again: &'a str,
    form: &'a str,
    name: &'a str,
    refused: &'a str,
}

#[derive(Template)]
#[template(path = "office/again.html")]
struct Again<'a> {
    lang: Lang,
    to: &'a str,
    fields: &'a [(String, String)],
    token: &'a str,
}

/// Where to sign in, to go on with a page.
pub(super) fn address(next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/office/sign-in?next={next}")
}

/// Tells whether an address is one of ours.
fn is_ours(path: &str) -> bool {
    let inside = path
        .strip_prefix("/office")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'));
    inside && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// Shows the form for signing in.
pub(super) async fn show(headers: HeaderMap, Query(query): Query<Next>) -> Response {
    let (lang, next) = (Lang::of(&headers), query.next.as_str());
    page(StatusCode::OK, &SignIn { lang, next, again: "", form: "", name: "", refused: "" })
}

/// Asks to sign in again, with a form that came too late, so that nothing typed is lost.
pub(super) fn again(lang: Lang, path: &str, form: String) -> Response {
    let late = &problem::UNAUTHENTICATED;
    let refused = lang.t(late.vi, late.en);
    let again = SignIn { lang, next: "", again: path, form: &form, name: "", refused };
    page(StatusCode::UNAUTHORIZED, &again)
}

/// Signs in. A form that waited is shown to be sent again.
pub(super) async fn sign_in(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let lang = Lang::of(&parts.headers);
    if !is_own_site(&parts.headers) {
        return refused(lang, &Problem::new(&problem::FORBIDDEN));
    }
    let fields = match form_bytes(lang, body).await {
        Ok(bytes) => Fields::parse(&bytes),
        Err(response) => return response,
    };
    let (next, back, form) = (fields.get("next"), fields.get("again"), fields.get("form"));
    let name = fields.get("name").trim();
    let opened = match open(&app, name, fields.get("password")).await {
        Ok(opened) => opened,
        Err(problem) => {
            let (status, why, _) = problem.said();
            let refused = lang.t(why.vi, why.en);
            return page(status, &SignIn { lang, next, again: back, form, name, refused });
        }
    };
    let value = cookie(&app.keys, opened.account, opened.family, app.now_ms());
    let mut response = if is_ours(back) {
        let fields = Fields::parse(form.as_bytes()).0;
        let fields: Vec<_> = fields.into_iter().filter(|(key, _)| key != "token").collect();
        let token = app.keys.form_token(opened.family);
        page(StatusCode::OK, &Again { lang, to: back, fields: &fields, token: &token })
    } else {
        let next = if is_ours(next) { next } else { "/office" };
        Redirect::to(next).into_response()
    };
    set(&mut response, &parts.headers, COOKIE, &value, COOKIE_MS / 1000, true);
    response
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    posted: Posted,
) -> Response {
    let visitor = posted.visitor;
    if let Err(error) = app.store.session_end(visitor.family, app.now_ms()).await {
        return refused(visitor.lang, &Problem::from(error));
    }
    let mut response = Redirect::to("/office/sign-in").into_response();
    set(&mut response, &headers, COOKIE, "", 0, true);
    response
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    to: String,
    #[serde(default)]
    back: String,
}

/// Chooses the language of this browser.
pub(super) async fn language(headers: HeaderMap, Query(query): Query<Choice>) -> Response {
    let back = if is_ours(&query.back) { query.back.as_str() } else { "/office" };
    let mut response = Redirect::to(back).into_response();
    let to = if query.to == "en" { "en" } else { "vi" };
    set(&mut response, &headers, "lang", to, 365 * 24 * 60 * 60, false);
    response
}

/// Sets a cookie for our pages alone. Behind TLS it travels over nothing else.
fn set(
    response: &mut Response,
    asked: &HeaderMap,
    name: &str,
    value: &str,
    seconds: i64,
    hidden: bool,
) {
    let proto = asked.get("x-forwarded-proto").map(HeaderValue::as_bytes);
    let secure = if proto == Some(b"https") { "; Secure" } else { "" };
    let hidden = if hidden { "; HttpOnly" } else { "" };
    let text =
        format!("{name}={value}; Path=/office; Max-Age={seconds}; SameSite=Lax{hidden}{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for ours in ["/office", "/office/campaigns/1?q=a", "/office?x"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in
            ["", "/", "//evil.vn", "https://evil.vn", "/officer", "/office\\evil", "/v1/me"]
        {
            assert!(!is_ours(other), "{other}");
        }
    }
}
