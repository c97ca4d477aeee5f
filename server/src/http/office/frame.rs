//! What every page has: who looks at it, in which language, and what it may load.

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::date::Date;
use shared::scope::Role;

use crate::app::App;
use crate::auth::{Actor, browsing};
use crate::problem::Problem;
use crate::store::account::Account;

use super::session;

/// Largest form, bytes: a page of answers with a long reason.
const FORM_BYTES_MAX: usize = 256 * 1024;

/// Where somebody chooses a password.
pub(super) const PASSWORD: &str = "/office/password";

/// Nothing is loaded from elsewhere, nothing runs, and no other site puts a page into a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The same for a page whose list follows what is typed: our own file runs, and asks us.
const LIVE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
                           script-src 'self'; connect-src 'self'; form-action 'self'; \
                           base-uri 'none'; frame-ancestors 'none'";

/// The two languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Vi,
    En,
}

impl Lang {
    /// Reads the language a browser has chosen; Vietnamese before it has.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if cookie(headers, "lang") == Some("en") { Self::En } else { Self::Vi }
    }

    /// Picks the text.
    pub(super) fn t<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }
}

/// Reads a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|one| one.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// Somebody signed in with a browser.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) account: Account,
    pub(super) family: [u8; 16],
    pub(super) lang: Lang,
    /// Address of the page.
    pub(super) path: String,
    /// What forms carry.
    token: String,
}

impl Visitor {
    async fn find(app: &App, headers: &HeaderMap, path: String) -> Result<Option<Self>, Problem> {
        let Some(value) = cookie(headers, session::COOKIE) else { return Ok(None) };
        let lang = Lang::of(headers);
        let Some((account, family)) = browsing(app, value).await? else { return Ok(None) };
        let token = app.keys.form_token(family);
        Ok(Some(Self { account, family, lang, path, token }))
    }

    /// Tells whether the person signed in with a one-time password and has to choose another before
    /// going anywhere else.
    fn must_choose(&self, path: &str) -> bool {
        self.account.once_until_ms.is_some() && path != PASSWORD && path != "/office/sign-out"
    }

    /// Returns the person as the API knows one.
    pub(super) fn actor(&self) -> Actor {
        Actor { account: self.account.clone(), device: None, session: None }
    }

    /// Tells whether a form came from one of this session's own pages.
    pub(super) fn has_sent(&self, headers: &HeaderMap, token: &str) -> bool {
        is_own_site(headers) && token == self.token
    }

    /// Makes the frame of a page.
    pub(super) fn frame(&self, title: &str) -> Frame {
        Frame {
            lang: self.lang,
            title: title.to_owned(),
            who: self.account.full_name.clone(),
            path: self.path.clone(),
            token: self.token.clone(),
        }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let path = parts.uri.path_and_query().map_or("/office", |path| path.as_str()).to_owned();
        let lang = Lang::of(&parts.headers);
        match Self::find(app, &parts.headers, path.clone()).await {
            Ok(Some(visitor)) if visitor.account.post.role == Role::Enumerator => {
                Err(refused(lang, &Problem::new(&problem::FORBIDDEN)))
            }
            Ok(Some(visitor)) if visitor.must_choose(parts.uri.path()) => {
                Err(Redirect::to(PASSWORD).into_response())
            }
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) => Err(to_sign_in(&parts.headers, &session::address(&path))),
            Err(problem) => Err(refused(lang, &problem)),
        }
    }
}

/// Sends a browser to sign in. A part of a page that is asked for takes the whole page along.
fn to_sign_in(headers: &HeaderMap, address: &str) -> Response {
    if headers.contains_key("hx-request") {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", address)]).into_response();
    }
    Redirect::to(address).into_response()
}

/// Fields of a form, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Returns a field, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Writes the fields as a body.
    fn written(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// Returns a field, empty where it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }
}

/// A form that somebody signed in has sent from one of our pages.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

/// Tells whether a request came from a page of ours, as far as the browser says.
pub(super) fn is_own_site(headers: &HeaderMap) -> bool {
    let said = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    said.is_none_or(|site| site == b"same-origin" || site == b"none")
}

impl Posted {
    /// Checks who has sent these fields, and that they come from a page of ours.
    pub(super) async fn of(app: &App, parts: &Parts, fields: Fields) -> Result<Self, Response> {
        let (path, lang) = (parts.uri.path().to_owned(), Lang::of(&parts.headers));
        let visitor = Visitor::find(app, &parts.headers, path.clone()).await;
        let Some(visitor) = visitor.map_err(|problem| refused(lang, &problem))? else {
            // What was typed goes with the form for signing in, and comes back with it; passwords do not.
            if path == PASSWORD {
                return Err(Redirect::to(&session::address(&path)).into_response());
            }
            return Err(session::again(lang, &path, fields.written()));
        };
        let from_us = is_own_site(&parts.headers) && fields.get("token") == visitor.token;
        if !from_us || visitor.account.post.role == Role::Enumerator {
            return Err(refused(lang, &Problem::new(&problem::FORBIDDEN)));
        }
        if visitor.must_choose(&path) {
            return Err(Redirect::to(PASSWORD).into_response());
        }
        debug_assert_eq!(parts.method, Method::POST);
        Ok(Self { visitor, fields })
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let bytes = form_bytes(Lang::of(&parts.headers), body).await?;
        Self::of(app, &parts, Fields::parse(&bytes)).await
    }
}

/// Reads the body of a form.
pub(super) async fn form_bytes(lang: Lang, body: Body) -> Result<Vec<u8>, Response> {
    let bytes = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
    bytes
        .map(|bytes| bytes.to_vec())
        .map_err(|_| refused(lang, &Problem::new(&problem::BODY_TOO_LARGE)))
}

/// What the layout of a page shows.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) lang: Lang,
    pub(super) title: String,
    pub(super) who: String,
    pub(super) path: String,
    pub(super) token: String,
}

impl Frame {
    /// Picks the text.
    pub(super) fn t<'a>(&self, vi: &'a str, en: &'a str) -> &'a str {
        self.lang.t(vi, en)
    }

    pub(super) fn code(&self) -> &'static str {
        self.lang.t("vi", "en")
    }

    /// Where the other language is chosen.
    pub(super) fn other(&self) -> String {
        let back: String = form_urlencoded::byte_serialize(self.path.as_bytes()).collect();
        format!("/office/language?to={}&back={back}", self.lang.t("en", "vi"))
    }
}

/// Something that was refused, as a page shows it above what was typed.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) text: &'static str,
    /// Stable name of the problem.
    pub(super) name: &'static str,
    /// Each thing that is wrong, in words.
    pub(super) items: Vec<String>,
}

impl Notice {
    pub(super) fn of(lang: Lang, problem: &Problem) -> Self {
        let (_, name, items) = problem.said();
        let items = items.iter().map(|item| super::list::in_words(lang, item)).collect();
        Self { text: lang.t(name.vi, name.en), name: name.name, items }
    }
}

#[derive(Template)]
#[template(path = "office/refused.html")]
struct Refused<'a> {
    lang: Lang,
    name: &'a str,
    vi: &'a str,
    en: &'a str,
}

/// Shows why a page cannot be had.
pub(super) fn refused(lang: Lang, problem: &Problem) -> Response {
    let (status, name, _) = problem.said();
    page(status, &Refused { lang, name: name.name, vi: name.vi, en: name.en })
}

/// Sends a page: kept by nobody, loading nothing from elsewhere.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        return Problem::new(&problem::STORE_FAILED).into_response();
    };
    guarded((status, Html(html)).into_response())
}

/// Sends a page whose list follows what is typed, where the browser runs scripts.
pub(super) fn live_page(template: &impl Template) -> Response {
    let mut response = page(StatusCode::OK, template);
    let policy = HeaderValue::from_static(LIVE_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Puts on what every answer to a browser has.
pub(super) fn guarded(mut response: Response) -> Response {
    let heads = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in heads {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page, or why it cannot be had.
pub(super) struct Asked(Result<Response, (Lang, Problem)>);

impl Asked {
    /// Shows what came of it.
    pub(super) fn of(lang: Lang, result: Result<Response, Problem>) -> Self {
        Self(result.map_err(|problem| (lang, problem)))
    }
}

impl IntoResponse for Asked {
    fn into_response(self) -> Response {
        self.0.unwrap_or_else(|(lang, problem)| refused(lang, &problem))
    }
}

/// Writes a time of the server as people read it in Viet Nam (UTC+7), to the minute.
pub(in crate::http) fn time_text(at_ms: i64) -> String {
    let there = at_ms.saturating_add(7 * 60 * 60 * 1000);
    let minute = there.div_euclid(60_000).rem_euclid(24 * 60);
    let day = Date::of_unix_ms(there);
    format!("{:02}:{:02} {}", minute / 60, minute % 60, day.text_vi())
}

/// Writes a day that is kept as text as people write it; anything else as it is.
pub(super) fn day_text(day: &str) -> String {
    Date::parse(day).map_or_else(|_| day.to_owned(), Date::text_vi)
}
