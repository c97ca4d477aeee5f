//! Choosing one's own password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::limits::PASSWORD_CHARS_MIN;

use super::super::frame::{Asked, Frame, Notice, Posted, Visitor, page};
use crate::app::App;
use crate::auth::Choosing;
use crate::http::extract::Json;
use crate::http::passwords::{self, Choice};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "office/province/password.html")]
struct Page {
    f: Frame,
    /// Signed in with a one-time password: nothing else is asked.
    once: bool,
    least: usize,
    notice: Option<Notice>,
    field: &'static str,
}

fn shown(
    visitor: &Visitor,
    status: StatusCode,
    problem: Option<(&Problem, &'static str)>,
) -> Response {
    let f = visitor.frame(visitor.lang.t("Đặt mật khẩu", "Choose a password"));
    let notice = problem.map(|(problem, _)| Notice::of(visitor.lang, problem));
    let field = problem.map_or("", |(_, field)| field);
    let once = visitor.account.once_until_ms.is_some();
    page(status, &Page { f, once, least: PASSWORD_CHARS_MIN, notice, field })
}

/// Shows the form.
pub(super) async fn show(visitor: Visitor) -> Response {
    shown(&visitor, StatusCode::OK, None)
}

/// Takes the password and asks to sign in with it.
pub(super) async fn choose(State(app): State<App>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let new = fields.get("new").to_owned();
    let chosen = if new == fields.get("again") {
        let choice = Choice { current: fields.get("current").to_owned(), new };
        let choosing = Choosing(visitor.actor());
        passwords::choose(State(app), choosing, Json(choice)).await.map(drop)
    } else {
        Err(Problem::new(&problem::PASSWORD_DIFFERS))
    };
    Asked::of(
        lang,
        Ok(match chosen {
            Ok(()) => Redirect::to("/office/sign-in").into_response(),
            Err(problem) => {
                let (status, name, _) = problem.said();
                let field = match name.name {
                    "sign-in-failed" => "current",
                    "password-differs" => "again",
                    _ => "new",
                };
                shown(&visitor, status, Some((&problem, field)))
            }
        }),
    )
}
