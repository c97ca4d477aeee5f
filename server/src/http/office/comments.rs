//! Comments per household: beside the household, beside the list, and on a page of their own.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::approve::Step;
use shared::id::{CampaignId, DocumentId};
use shared::remark::Remark;
use shared::scope::Role;

use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use super::opinion::notice_of;
use crate::app::App;
use crate::http::comments::{self, Say};
use crate::http::extract::{Json, Path, list_unit};
use crate::http::lists::Shown;
use crate::problem::Problem;
use crate::standing::{refresh, with_departed};
use crate::store::remark::Written;

/// Something said about a comment.
pub(super) struct Said {
    pub(super) kind: &'static str,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) text: String,
}

/// A comment with what was said to it.
pub(super) struct Thread {
    pub(super) position: i64,
    pub(super) document: DocumentId,
    pub(super) code: String,
    pub(super) head: String,
    pub(super) text: String,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) answers: Vec<Said>,
    pub(super) is_done: bool,
    /// It is about the list as it is frozen now.
    pub(super) is_current: bool,
    /// What was typed last was meant for it and refused.
    pub(super) is_tried: bool,
}

/// Comments as a page shows them, and what its reader may do.
pub(super) struct Remarks {
    pub(super) threads: Vec<Thread>,
    pub(super) open: usize,
    /// Open ones about the list as it is frozen now.
    pub(super) open_current: usize,
    /// Root of the list to comment on.
    pub(super) root: String,
    /// Household that a new comment is about.
    pub(super) document: Option<DocumentId>,
    pub(super) can_comment: bool,
    pub(super) can_answer: bool,
    pub(super) can_done: bool,
    /// What was typed and refused.
    pub(super) text: String,
}

impl Remarks {
    fn of(visitor: &Visitor, written: Vec<Written>, step: &str, root: &str) -> Self {
        let (lang, role) = (visitor.lang, visitor.account.post.role);
        let mut threads: Vec<Thread> = Vec::new();
        for one in written {
            if one.kind == Remark::Comment {
                threads.push(thread(&one, root));
            } else if let Some(of) = threads.iter_mut().find(|of| of.position == one.about) {
                of.is_done |= one.kind == Remark::Done;
                of.answers.push(said(lang, one));
            }
        }
        let open = threads.iter().filter(|one| !one.is_done);
        Self {
            open: open.clone().count(),
            open_current: open.filter(|one| one.is_current).count(),
            threads,
            root: root.to_owned(),
            document: None,
            can_comment: role == Role::District && step == "submitted",
            can_answer: matches!(role, Role::District | Role::Officer),
            can_done: role == Role::Officer,
            text: String::new(),
        }
    }

    /// Counts the open comments about a household.
    pub(super) fn open_at(&self, document: DocumentId) -> usize {
        let about = |one: &&Thread| one.document == document && !one.is_done;
        self.threads.iter().filter(about).count()
    }
}

fn thread(one: &Written, root: &str) -> Thread {
    Thread {
        position: one.position,
        document: one.document,
        code: String::new(),
        head: String::new(),
        text: one.text.clone(),
        by: one.by.clone(),
        at: time_text(one.at_ms),
        answers: Vec::new(),
        is_done: false,
        is_current: one.root.to_string() == root,
        is_tried: false,
    }
}

fn said(lang: Lang, one: Written) -> Said {
    let kind = match one.kind {
        Remark::Done => lang.t("Đã xử lý", "Dealt with"),
        Remark::Answer | Remark::Comment => lang.t("Trả lời", "Answer"),
    };
    Said { kind, by: one.by, at: time_text(one.at_ms), text: one.text }
}

/// Reads the comments of a unit beside its list.
pub(super) async fn of_unit(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: &str,
    shown: &Shown,
) -> Result<Remarks, Problem> {
    let written = app.store.remark_list(id, unit).await?;
    Ok(Remarks::of(visitor, written, &shown.step, &shown.root))
}

/// Reads the comments about a household that the visitor may see.
pub(super) async fn of_household(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    (unit, document): (&str, DocumentId),
) -> Result<Remarks, Problem> {
    let written = app.store.remark_of(id, document).await?;
    let (step, root) = standing_of(app, id, unit).await?;
    let remarks = Remarks::of(visitor, written, step, &root);
    Ok(Remarks { document: Some(document), ..remarks })
}

async fn standing_of(
    app: &App,
    id: CampaignId,
    unit: &str,
) -> Result<(&'static str, String), Problem> {
    let step: Step = app.store.list_step(id, unit).await?;
    Ok((step.name(), step.root().map(|root| root.to_string()).unwrap_or_default()))
}

#[derive(Template)]
#[template(path = "office/comments.html")]
struct Comments {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    remarks: Remarks,
    notice: Option<Notice>,
}

/// Shows every comment of a unit.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let tried = (None, Fields::default());
    Asked::of(visitor.lang, shown(app, &visitor, (id, unit), StatusCode::OK, tried).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    (id, unit): (CampaignId, String),
    status: StatusCode,
    (notice, typed): (Option<Notice>, Fields),
) -> Result<Response, Problem> {
    let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
    let path = Path((id, unit.clone()));
    let written = comments::list(State(app.clone()), visitor.actor(), path).await?.0;
    let (step, root) = standing_of(&app, id, &unit).await?;
    let mut remarks = Remarks::of(visitor, written, step, &root);
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let standings = with_departed(&app, &seen.campaign, &unit, standings).await?;
    for one in &mut remarks.threads {
        if let Some((at, standing)) = standings.iter().find(|(at, _)| at.document == one.document) {
            one.code.clone_from(&at.code);
            one.head.clone_from(&standing.head);
        }
        one.is_tried = notice.is_some() && typed.get("about") == one.position.to_string();
    }
    remarks.document = typed.get("document").parse().ok();
    typed.get("text").clone_into(&mut remarks.text);
    let page_of = Comments {
        f: visitor.frame(visitor.lang.t("Ý kiến từng hộ", "Comments on households")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        unit,
        remarks,
        notice,
    };
    Ok(page(status, &page_of))
}

/// Writes a comment, an answer, or that a comment is dealt with.
pub(super) async fn say(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let said = async {
        let (form, path) = (say_form(&fields)?, Path((id, unit.clone())));
        comments::say(State(app.clone()), visitor.actor(), path, Json(form)).await
    };
    let result = match said.await {
        Ok(_) => {
            let back = match fields.get("document").parse::<DocumentId>() {
                Ok(document) => format!("/office/campaigns/{id}/households/{document}#remarks"),
                Err(_) => {
                    let about: i64 = fields.get("about").parse().unwrap_or(0);
                    format!("/office/campaigns/{id}/units/{unit}/comments#remark-{about}")
                }
            };
            Ok(Redirect::to(&back).into_response())
        }
        Err(problem) => {
            let notice = notice_of(&app, lang, (id, &unit), &problem).await;
            let tried = (notice.ok(), fields);
            let (status, ..) = problem.said();
            shown(app.clone(), &visitor, (id, unit.clone()), status, tried).await
        }
    };
    Asked::of(lang, result)
}

fn say_form(fields: &Fields) -> Result<Say, Problem> {
    let unreadable = || Problem::new(&problem::BODY_MALFORMED);
    let text = fields.get("text").to_owned();
    let about = || fields.get("about").parse().map_err(|_| unreadable());
    Ok(match Remark::from_name(fields.get("kind")).ok_or_else(unreadable)? {
        Remark::Comment => Say::Comment {
            root: fields.get("comment_root").parse().map_err(|_| unreadable())?,
            document: fields.get("document").parse().map_err(|_| unreadable())?,
            text,
        },
        Remark::Answer => Say::Answer { about: about()?, text },
        Remark::Done => Say::Done { about: about()?, text },
    })
}
