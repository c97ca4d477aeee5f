//! The paper form of a household that is on no list.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::household::Household;
use shared::id::{CampaignId, to_hex};

use super::super::frame::{Asked, Fields, Posted, Visitor, page};
use super::typed::{Typed, names, sheet};
use super::{Given, NEW_ROWS, Sheet, Tried, also, draw, may_type, rows_of, shown, told};
use crate::app::App;
use crate::http::extract::{Json, Path, list_unit};
use crate::http::paper::{self, New, Paper};
use crate::keys::random;
use crate::problem::Problem;

/// Shows the form of a household that is on no list.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    Asked::of(visitor.lang, new_form(&app, &visitor, (id, unit), StatusCode::OK, None).await)
}

async fn new_form(
    app: &App,
    visitor: &Visitor,
    (id, unit): (CampaignId, String),
    status: StatusCode,
    tried: Option<Tried<'_>>,
) -> Result<Response, Problem> {
    may_type(visitor)?;
    let lang = visitor.lang;
    let seen = list_unit(app, &visitor.actor(), id, &unit).await?;
    let fields = tried.as_ref().map(|tried| tried.fields);
    let chosen = fields.map_or("", |fields| fields.get("hamlet"));
    let hamlets = app.store.hamlet_list(id, Some(&unit)).await?.into_iter().map(|(_, hamlet)| {
        let is_chosen = hamlet.code == chosen;
        (hamlet.code, format!("{} {}", hamlet.type_word, hamlet.name), is_chosen)
    });
    let hamlets = hamlets.collect();
    let nobody = Household::default();
    let rows = fields.map_or_else(|| draw(NEW_ROWS[1]), rows_of);
    let given = Given {
        visitor,
        campaign: &seen.campaign,
        unit,
        about: lang
            .t("Hộ mới, chưa có trong danh sách", "A household that is on no list")
            .to_owned(),
        place: String::new(),
        base: &nobody,
        current: &nobody,
        disputed: BTreeSet::new(),
        heads: &[],
        tried: tried.as_ref(),
        rows,
    };
    let entry = fields.map(|fields| fields.get("entry").to_owned());
    let entry = entry.unwrap_or_else(|| to_hex(&random::<16>()));
    let sheet = Sheet { hamlets, entry, ..shown(given) };
    Ok(page(status, &told(sheet, tried)))
}

/// Takes the form of a household that is on no list.
pub(super) async fn register(
    State(app): State<App>,
    Path(place): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let Posted { visitor, fields } = posted;
    Asked::of(visitor.lang, registered(&app, &visitor, place, &fields).await)
}

async fn registered(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, String),
    fields: &Fields,
) -> Result<Response, Problem> {
    may_type(visitor)?;
    if fields.get("act") == "more" {
        let tried = Tried { fields, notice: None, misfits: Vec::new(), moved: Vec::new() };
        return new_form(app, visitor, place, StatusCode::OK, Some(tried)).await;
    }
    let Typed { sheet, misfits } = sheet(fields, &Household::default());
    let paper = Paper { names: names(fields), sheet };
    let of = |name: &str| fields.get(name).to_owned();
    let done = if misfits.is_empty() {
        let new = Json(New { hamlet: of("hamlet"), entry: of("entry"), paper });
        paper::register(State(app.clone()), visitor.actor(), Path(place.clone()), new).await
    } else {
        Err(also(app, paper, misfits))
    };
    match done {
        Ok(entered) => {
            let (id, document) = (place.0, entered.0.document);
            let to = format!("/office/campaigns/{id}/households/{document}#class");
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => {
            let status = problem.said().0;
            let tried = Tried::of(visitor.lang, fields, &problem);
            new_form(app, visitor, place, status, Some(tried)).await
        }
    }
}
