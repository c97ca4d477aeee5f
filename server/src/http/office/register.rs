//! The register as pages: who is on a list on a day, and the households behind a figure.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use shared::forms::{Form, Side, columns};
use shared::id::CampaignId;
use shared::register::{Cause, Through};
use shared::scope::Role;

use super::frame::{Asked, Frame, Lang, Posted, Visitor, day_text, page};
use crate::app::App;
use crate::http::extract::{Json, Path, Query, campaign as find};
use crate::http::register::roster::{self, Take, Taken};
use crate::http::register::{self as api, Behind, Figure, Managed, Named, On};
use crate::problem::Problem;

/// Pages of the register.
pub(super) fn routes() -> Router<App> {
    let register = "/office/campaigns/{campaign}/register";
    Router::new()
        .route(register, get(show).post(take))
        .route(&format!("{register}/moves"), get(behind))
}

/// A household as the pages show it.
struct Line {
    to: String,
    head: String,
    code: String,
    hamlet: String,
    class: &'static str,
    persons: u64,
    since: String,
    cause: &'static str,
    paper: String,
    kin: String,
    /// Only its number of members changed.
    is_part: bool,
}

fn line(lang: Lang, named: Named, is_part: bool) -> Line {
    let kin = named.kin.map(|kin| {
        let document = shared::id::document_id(named.campaign, kin);
        format!("/office/campaigns/{}/households/{document}", named.campaign)
    });
    Line {
        to: format!("/office/campaigns/{}/households/{}", named.campaign, named.document),
        head: named.head,
        code: named.code,
        hamlet: named.hamlet,
        class: side_text(lang, named.class),
        persons: named.persons,
        since: day_text(&named.since),
        cause: cause_text(lang, named.cause),
        paper: named.paper,
        kin: kin.unwrap_or_default(),
        is_part,
    }
}

fn side_text(lang: Lang, side: Side) -> &'static str {
    match side {
        Side::Poor => lang.t("Hộ nghèo", "Poor"),
        Side::NearPoor => lang.t("Hộ cận nghèo", "Near-poor"),
    }
}

/// Says how a household came to stand where it does.
fn cause_text(lang: Lang, cause: Cause) -> &'static str {
    match cause {
        Cause::Opening => lang.t("danh sách đầu kỳ", "opening list"),
        Cause::Reviewed => lang.t("rà soát", "review"),
        Cause::MovedIn => lang.t("chuyển đến", "moved in"),
        Cause::Split => lang.t("tách hộ", "split"),
        Cause::Rose => lang.t("vượt chuẩn", "rose above the lines"),
        Cause::MovedOut => lang.t("chuyển đi", "moved out"),
        Cause::Joined => lang.t("nhập hộ", "joined another"),
        Cause::DiedOut => lang.t("không còn ai", "died out"),
        Cause::StruckOff => lang.t("Ban Chỉ đạo đưa ra", "taken off by the committee"),
        Cause::Left => lang.t("rời danh sách", "left the list"),
    }
}

#[derive(Template)]
#[template(path = "office/register.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    campaign: String,
    unit: String,
    name: String,
    on: String,
    /// Households that are still to be taken, and those that cannot be read.
    more: usize,
    broken: usize,
    day: String,
    total: Managed,
    /// Households whose persons are not known.
    persons_unknown: u64,
    /// The campaign goes on with a register, and the province may begin it with what is shown.
    may_take: bool,
    units: Vec<Managed>,
    lines: Vec<Line>,
}

/// Shows the register of a unit as of a day.
async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(asked): Query<Shown>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, visitor, id, asked).await)
}

/// Which register is shown, and what came of taking it.
#[derive(Debug, Default, serde::Deserialize)]
struct Shown {
    under: Option<String>,
    on: Option<String>,
    /// Households that are still to be taken.
    more: Option<usize>,
    /// Households that could not be taken.
    broken: Option<usize>,
}

async fn shown(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    asked: Shown,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let (more, broken) = (asked.more.unwrap_or(0), asked.broken.unwrap_or(0));
    let asked = On { under: asked.under, on: asked.on };
    let seen = find(&app, &visitor.actor(), id).await?;
    let shown = api::read(State(app), visitor.actor(), Path(id), Query(asked)).await?.0;
    let day = day_text(&shown.on);
    let title = lang.t("Danh sách đang quản lý tại ngày", "Register as of");
    let (poor, near_poor) = (shown.poor, shown.near_poor);
    let goes_on = seen.campaign.register != id && !seen.campaign.closed;
    let page_of = Page {
        may_take: goes_on && visitor.account.post.role == Role::Province,
        f: visitor.frame(&format!("{title} {day}")),
        id,
        campaign: seen.campaign.name,
        total: Managed { poor, near_poor, ..Managed::default() },
        unit: shown.unit,
        name: shown.name,
        on: shown.on,
        more,
        broken,
        day,
        persons_unknown: poor.persons_unknown + near_poor.persons_unknown,
        units: shown.units,
        lines: shown.households.into_iter().map(|named| line(lang, named, false)).collect(),
    };
    Ok(page(StatusCode::OK, &page_of))
}

/// Takes the opening list of the campaign from the register as it is shown.
async fn take(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    Posted { visitor, fields }: Posted,
) -> Asked {
    let form = Json(Take { on: fields.get("on").to_owned(), most: None });
    let taken = roster::take(State(app), visitor.actor(), Path(id), form).await;
    let (campaign, on) = (format!("/office/campaigns/{id}"), fields.get("on"));
    let to = |taken: Json<Taken>| {
        let (more, broken) = (taken.0.more, taken.0.broken.len());
        // The day was read as one: nothing else stands in the address.
        let back = format!("{campaign}/register?on={on}&more={more}&broken={broken}");
        let to = if more + broken == 0 { campaign } else { back };
        Redirect::to(&to).into_response()
    };
    Asked::of(visitor.lang, taken.map(to))
}

#[derive(Template)]
#[template(path = "office/register_moves.html")]
struct Moves {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    form: &'static str,
    period: String,
    households: u64,
    persons: u64,
    /// Households whose persons are not known.
    persons_unknown: u64,
    lines: Vec<Line>,
}

/// Shows the households behind a figure of 7.2 or 7.3.
async fn behind(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(figure): Query<Figure>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let behind = api::behind(State(app), visitor.actor(), Path(id), Query(figure)).await?.0;
            Ok(page(StatusCode::OK, &moves(&visitor, id, behind)))
        }
        .await,
    )
}

fn moves(visitor: &Visitor, id: CampaignId, behind: Behind) -> Moves {
    let lang = visitor.lang;
    let standard = shared::standard::Standard::nd_07_2021();
    let columns = Form::by_code(behind.form).map(|form| columns(form, &standard));
    let column = columns.and_then(|columns| columns.into_iter().nth(behind.column - 1));
    let label = column.map(|column| lang.t(&column.label.vi, &column.label.en).to_owned());
    let word = lang.t("Biểu", "Form");
    let at = lang.t("cột", "column");
    let title =
        format!("{word} {}, {at} {}: {}", behind.form, behind.column, label.unwrap_or_default());
    let period = behind.period;
    let through = match period.through {
        Through::None => lang.t("chỉ so hai đầu kỳ", "the two ends compared"),
        Through::Both => lang.t("tính từng quyết định", "every decision counts"),
    };
    Moves {
        f: visitor.frame(&title),
        id,
        unit: behind.unit,
        name: behind.name,
        form: behind.form,
        period: format!("{} – {} ({through})", period.from.text_vi(), period.to.text_vi()),
        households: behind.total.households,
        persons: behind.total.persons,
        persons_unknown: behind.persons_unknown,
        lines: behind
            .parts
            .into_iter()
            .map(|part| line(lang, part.named, part.households == 0))
            .collect(),
    }
}
