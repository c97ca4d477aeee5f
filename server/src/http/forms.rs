//! The official forms 7.1 to 7.5: as data, as CSV and as spreadsheets; and preliminary reports.

pub(super) mod gather;
mod sheet;
mod words;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::forms::{Check, Column, Form, Row, Text, checks, columns, csv, opening_checks, rows};
use shared::id::CampaignId;
use shared::register::Period;
use shared::scope::Role;
use shared::standard::Line;

use self::gather::{Gathered, Standing, Which, gather};
use super::extract::{Json, Path, Query, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::preliminary::Made;

/// One form of one unit, with everything that is printed on it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    /// Code: `7.1`, `7.2`, `7.3`, `7.4-poor`, `7.4-near-poor`, `7.5-poor`, `7.5-near-poor`.
    pub(super) form: &'static str,
    /// Number printed on the form.
    pub(super) number: &'static str,
    #[schema(value_type = Object)]
    pub(super) title: Text,
    pub(super) unit: String,
    pub(super) name: String,
    /// True for figures of recognised lists that are all there.
    pub(super) official: bool,
    /// The frozen report that the figures are of, where they are preliminary.
    pub(super) preliminary: Option<Made>,
    /// What 7.2 and 7.3 are computed over, and by which settings.
    #[schema(value_type = Option<Object>)]
    pub(super) period: Option<Period>,
    /// Lists counted.
    pub(super) lists: usize,
    /// Lists there should be.
    pub(super) lists_due: usize,
    /// True where B1 was computed with a synthetic score table anywhere below.
    pub(super) synthetic: bool,
    /// What stands above the table: state, campaign, standard, map of units.
    #[schema(value_type = Vec<Object>)]
    pub(super) head: Vec<Line>,
    #[schema(value_type = Vec<Object>)]
    pub(super) columns: Vec<Column>,
    /// I urban, II rural, each with the units below, and the total.
    #[schema(value_type = Vec<Object>)]
    pub(super) rows: Vec<Row>,
    #[schema(value_type = Vec<Object>)]
    pub(super) checks: Vec<Check>,
    /// What stands below: what the figures cannot tell, and what is unverified.
    #[schema(value_type = Vec<Object>)]
    pub(super) foot: Vec<Line>,
}

impl Shown {
    pub(super) fn of(form: Form, gathered: &Gathered) -> Self {
        let preliminary = match &gathered.standing {
            Standing::Official => None,
            Standing::Preliminary(made) => Some(made.clone()),
        };
        Self {
            form: form.code(),
            number: form.number(),
            title: form.title(),
            unit: gathered.unit.clone(),
            name: gathered.name.clone(),
            official: preliminary.is_none(),
            preliminary,
            period: gathered.period,
            lists: gathered.lists,
            lists_due: gathered.due,
            synthetic: gathered.is_synthetic(),
            head: words::head(form, gathered),
            columns: columns(form, &gathered.standard),
            rows: rows(form, &gathered.standard, &gathered.lines),
            checks: [
                checks(&gathered.lines, &gathered.standard),
                gathered
                    .loaded
                    .map_or_else(Vec::new, |loaded| opening_checks(&gathered.lines, loaded)),
            ]
            .concat(),
            foot: words::foot(form, gathered),
        }
    }
}

/// Finds a form by the code in an address.
pub(super) fn form_named(code: &str) -> Result<Form, Problem> {
    Form::by_code(code).ok_or_else(|| Problem::new(&problem::NOT_FOUND))
}

/// Shows one form of a unit: official, or of a preliminary report.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/forms/{form}",
    params(("campaign" = String, Path), ("form" = String, Path), Which),
    security(("bearer" = [])), responses(
    (status = 200, body = Shown),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, form)): Path<(CampaignId, String)>,
    Query(which): Query<Which>,
) -> Result<Json<Shown>, Problem> {
    let form = form_named(&form)?;
    let gathered = gather(&app, actor, id, which).await?;
    Ok(Json(Shown::of(form, &gathered)))
}

/// Writes one form as CSV with a byte order mark, in Vietnamese notation.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/forms/{form}/csv",
    params(("campaign" = String, Path), ("form" = String, Path), Which),
    security(("bearer" = [])), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read_csv(
    State(app): State<App>,
    actor: Actor,
    Path((id, form)): Path<(CampaignId, String)>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let form = form_named(&form)?;
    let gathered = gather(&app, actor, id, which).await?;
    let shown = Shown::of(form, &gathered);
    let vietnamese = |lines: &[Line]| lines.iter().map(|line| line.vi.clone()).collect::<Vec<_>>();
    let title = format!("Biểu {} – {} – {}", shown.number, shown.title.vi, shown.name);
    let head = [vec![title], vietnamese(&shown.head)].concat();
    let text = csv(&head, &shown.columns, &shown.rows, &vietnamese(&shown.foot));
    let name = format!("bieu-{}-{}.csv", form.code(), shown.unit);
    Ok(file("text/csv; charset=utf-8", &name, text.into_bytes()))
}

/// Writes one form as a spreadsheet in the layout of the annex, with its formulas.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/forms/{form}/xlsx",
    params(("campaign" = String, Path), ("form" = String, Path), Which),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read_xlsx(
    State(app): State<App>,
    actor: Actor,
    Path((id, form)): Path<(CampaignId, String)>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let form = form_named(&form)?;
    let gathered = gather(&app, actor, id, which).await?;
    // The sheet whose cells the formulas read goes with it.
    let forms = [Some(form), form.rests_on()];
    let forms: Vec<Form> = forms.into_iter().flatten().collect();
    workbook(&format!("bieu-{}-{}.xlsx", form.code(), gathered.unit), &forms, &gathered)
}

/// Writes all forms of a unit as one spreadsheet, a sheet each.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/forms.xlsx",
    params(("campaign" = String, Path), Which), security(("bearer" = [])), responses(
    (status = 200, body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read_all(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let gathered = gather(&app, actor, id, which).await?;
    workbook(&format!("bieu-7-{}.xlsx", gathered.unit), &Form::ALL, &gathered)
}

fn workbook(name: &str, forms: &[Form], gathered: &Gathered) -> Result<Response, Problem> {
    let shown: Vec<(Form, Shown)> =
        forms.iter().map(|form| (*form, Shown::of(*form, gathered))).collect();
    let bytes = sheet::workbook(&shown).map_err(|error| {
        tracing::error!(%error, "a spreadsheet could not be written");
        Problem::new(&problem::STORE_FAILED)
    })?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(file(kind, name, bytes))
}

fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let saved = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let saved = saved.unwrap_or(HeaderValue::from_static("attachment"));
    let heads = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, saved),
    ];
    (heads, bytes).into_response()
}

/// Whose preliminary reports are asked for.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(super) struct Of {
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
}

/// Lists a unit's preliminary reports, newest first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/preliminaries",
    params(("campaign" = String, Path), Of), security(("bearer" = [])), responses(
    (status = 200, body = Vec<Made>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn preliminaries(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(of): Query<Of>,
) -> Result<Json<Vec<Made>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let unit = gather::covered_unit(&seen, &actor, of.under)?;
    Ok(Json(app.store.preliminary_list(id, &unit).await?))
}

/// The number that a preliminary report is to have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Make {
    /// One more than the newest one's: sent twice, it is made once.
    pub(super) number: i64,
}

/// Freezes the counts of a unit as they are now: a preliminary report.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/preliminaries",
    params(("campaign" = String, Path), Of), request_body = Make,
    security(("bearer" = [])), responses(
    (status = 200, body = Made),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn make(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(of): Query<Of>,
    Json(form): Json<Make>,
) -> Result<Json<Made>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District])?;
    let seen = campaign(&app, &actor, id).await?;
    let unit = gather::covered_unit(&seen, &actor, of.under)?;
    Ok(Json(gather::make(&app, &actor, &seen, &unit, form.number).await?))
}
