//! The province chooses the columns of the posted list.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use shared::id::CampaignId;
use shared::posting::Column;
use shared::scope::Role;

use super::super::frame::{Asked, Frame, Notice, Posted, Visitor, page};
use crate::app::App;
use crate::http::extract::{Json, Path, campaign};
use crate::http::posting;
use crate::problem::Problem;

struct Choice {
    code: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "office/print/columns.html")]
struct Columns {
    f: Frame,
    id: CampaignId,
    campaign: String,
    choices: Vec<Choice>,
    is_province: bool,
    notice: Option<Notice>,
}

/// Shows the columns there are.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let read = posting::read(State(app.clone()), visitor.actor(), Path(id)).await?.0;
        shown(&app, &visitor, id, (StatusCode::OK, &read.columns, None)).await
    };
    Asked::of(lang, shown.await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    (status, chosen, notice): (StatusCode, &[String], Option<Notice>),
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let seen = campaign(app, &visitor.actor(), id).await?;
    let choices = Column::ALL.map(|column| Choice {
        code: column.code(),
        label: lang.t(column.label_vi(), column.label_en()),
        chosen: chosen.iter().any(|code| code == column.code()),
    });
    let columns = Columns {
        f: visitor.frame(lang.t("Cột của danh sách niêm yết", "Columns of the posted list")),
        id,
        campaign: seen.campaign.name,
        choices: choices.into(),
        is_province: visitor.account.post.role == Role::Province,
        notice,
    };
    Ok(page(status, &columns))
}

/// Keeps the choice.
pub(super) async fn choose(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let chosen: Vec<String> = fields
        .0
        .iter()
        .filter(|(name, _)| name == "column")
        .map(|(_, code)| code.clone())
        .collect();
    let kept = async {
        let form = posting::Posted { columns: chosen.clone() };
        let done = posting::choose(State(app.clone()), visitor.actor(), Path(id), Json(form)).await;
        match done {
            Ok(_) => {
                let back = format!("/office/campaigns/{id}/posted-columns");
                Ok(Redirect::to(&back).into_response())
            }
            Err(problem) => {
                let (status, ..) = problem.said();
                let tried = (status, chosen.as_slice(), Some(Notice::of(lang, &problem)));
                shown(&app, &visitor, id, tried).await
            }
        }
    };
    Asked::of(lang, kept.await)
}
