//! Opening a campaign, its settings with what each rests on, and closing it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::date::Date;
use shared::id::CampaignId;
use shared::scope::Role;
use shared::score::{REGION_URBAN, REGIONS};
use shared::standard::{Standard, Standing};

use super::super::frame::{Asked, Fields, Frame, Lang, Posted, Visitor, page};
use super::Tried;
use super::standards::certainty_text;
use crate::app::App;
use crate::http::campaigns::{self, New};
use crate::http::extract::{Json, Path, campaign as find};
use crate::http::score_tables;
use crate::problem::Problem;
use crate::standing::standard_named;

/// Writes the name of a rural region of the score tables.
pub(super) fn region_text(lang: Lang, region: &str) -> &'static str {
    match region {
        "urban" => lang.t("Thành thị", "Urban"),
        "rural_red_river" => lang.t("Nông thôn Đồng bằng sông Hồng", "Rural, Red River delta"),
        "rural_north_mountains" => {
            lang.t("Nông thôn Trung du và miền núi phía Bắc", "Rural, northern mountains")
        }
        "rural_north_central_coast" => {
            let vi = "Nông thôn Bắc Trung Bộ và duyên hải miền Trung";
            lang.t(vi, "Rural, north central and central coast")
        }
        "rural_central_highlands" => lang.t("Nông thôn Tây Nguyên", "Rural, central highlands"),
        "rural_southeast" => lang.t("Nông thôn Đông Nam Bộ", "Rural, southeast"),
        _ => lang.t("Nông thôn Đồng bằng sông Cửu Long", "Rural, Mekong delta"),
    }
}

#[derive(Template)]
#[template(path = "office/province/campaign_new.html")]
struct Blank {
    f: Frame,
    own_unit: String,
    standards: Vec<(String, String)>,
    regions: Vec<(&'static str, &'static str)>,
    /// Campaigns whose register the new one may go on with.
    before: Vec<(String, String)>,
    tried: Tried,
}

async fn form(app: App, visitor: &Visitor, tried: Tried) -> Result<Response, Problem> {
    let lang = visitor.lang;
    visitor.actor().with_role(&[Role::Province])?;
    let before = campaigns::list(State(app), visitor.actor()).await?.0;
    let known = Standard::nd_07_2021();
    let title = lang.t(&known.title.vi, &known.title.en).to_owned();
    let rural = REGIONS.into_iter().filter(|region| *region != REGION_URBAN);
    let status = tried.status;
    let blank = Blank {
        f: visitor.frame(lang.t("Mở đợt rà soát", "Open a campaign")),
        own_unit: visitor.account.post.unit.clone(),
        standards: vec![(known.code, title)],
        regions: rural.map(|region| (region, region_text(lang, region))).collect(),
        before: before.into_iter().map(|one| (one.id.to_string(), one.name)).collect(),
        tried,
    };
    Ok(page(status, &blank))
}

/// Shows the form for opening a campaign.
pub(super) async fn blank(State(app): State<App>, visitor: Visitor) -> Asked {
    Asked::of(visitor.lang, form(app, &visitor, Tried::default()).await)
}

/// Opens a campaign and goes on to its settings.
pub(super) async fn add(State(app): State<App>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let text = |name: &str| fields.get(name).trim().to_owned();
    let new = New {
        name: text("name"),
        province: text("province"),
        standard: text("standard"),
        opening_date: text("opening_date"),
        review_date: text("review_date"),
        region: text("region"),
        continues: text("continues").parse().ok(),
    };
    let result = match campaigns::add(State(app.clone()), visitor.actor(), Json(new)).await {
        Ok(added) => {
            let to = format!("/office/campaigns/{}/settings", added.0.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => {
            let field = field_of(&problem, &fields);
            form(app, &visitor, Tried::of(lang, &problem, field, fields)).await
        }
    };
    Asked::of(lang, result)
}

/// Names the field a refusal is about.
fn field_of(problem: &Problem, fields: &Fields) -> &'static str {
    let (_, name, _) = problem.said();
    let is_day = |field: &str| Date::parse(fields.get(field).trim()).is_ok();
    match name.name {
        "standard-unknown" => "standard",
        "standard-not-in-force" => "review_date",
        "region-unknown" => "region",
        "unit-unknown" => "province",
        "body-malformed" if fields.get("name").trim().is_empty() => "name",
        "body-malformed" if !is_day("review_date") => "review_date",
        "body-malformed" => "opening_date",
        _ => "",
    }
}

/// One setting with what it rests on.
struct Setting {
    name: &'static str,
    value: String,
    source: String,
    certainty: &'static str,
}

#[derive(Template)]
#[template(path = "office/province/settings.html")]
struct Settings {
    f: Frame,
    id: CampaignId,
    name: String,
    standard: String,
    closed: bool,
    /// Nothing is computed with a score table yet.
    without_table: bool,
    /// A table waits for its second person.
    waiting: bool,
    hamlets: usize,
    lines: Vec<Setting>,
    tried: Tried,
}

/// Shows a campaign's settings.
pub(super) async fn settings(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
) -> Asked {
    Asked::of(visitor.lang, shown(&app, &visitor, id, Tried::default()).await)
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    tried: Tried,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let actor = visitor.actor().with_role(&[Role::Province])?;
    let seen = find(app, &actor, id).await?;
    let tables = score_tables::read(State(app.clone()), actor, Path(id)).await?.0;
    let standard = standard_named(&seen.campaign.standard);
    let mut lines = of_campaign(lang, &seen.campaign, &seen.tree);
    lines.extend(standard.iter().flat_map(|standard| of_standard(lang, standard)));
    let table = tables.in_force.as_ref();
    lines.push(Setting {
        name: lang.t("Bảng điểm B1", "B1 score table"),
        value: table.map_or_else(
            || lang.t("chưa có: B1 chưa đủ căn cứ", "none: B1 has no basis").to_owned(),
            |table| format!("{} ({})", lang.t(&table.title.vi, &table.title.en), table.id()),
        ),
        source: table.map(|table| table.standing.source.clone()).unwrap_or_default(),
        certainty: table.map_or("", |table| certainty_text(lang, &table.standing)),
    });
    let f = visitor.frame(lang.t("Thiết lập", "Settings"));
    let (without_table, waiting) = (tables.in_force.is_none(), tables.waiting.is_some());
    let hamlets = app.store.hamlet_list(id, None).await?.len();
    let status = tried.status;
    let (name, standard) = (seen.campaign.name, seen.campaign.standard);
    let closed = seen.campaign.closed;
    let page_of =
        Settings { f, id, name, standard, closed, without_table, waiting, hamlets, lines, tried };
    Ok(page(status, &page_of))
}

fn of_campaign(
    lang: Lang,
    campaign: &crate::store::campaign::Campaign,
    tree: &shared::unit::UnitTree,
) -> Vec<Setting> {
    let chosen = lang.t("do tỉnh chọn khi mở đợt", "chosen by the province").to_owned();
    let plain = |name, value: String| {
        let source = chosen.clone();
        Setting { name, value, source, certainty: "" }
    };
    let units = lang.t("danh mục đơn vị tại ngày rà soát", "units in force on the review date");
    let province = tree.get(&campaign.province).map(|unit| unit.full_name()).unwrap_or_default();
    let regions = lang.t(
        "các vùng theo bảng điểm của Thông tư 17/2016/TT-BLĐTBXH (đã hết hiệu lực)",
        "regions as in the superseded table of Circular 17/2016/TT-BLĐTBXH",
    );
    let unverified = lang.t("chưa đối chiếu", "unverified");
    vec![
        plain(lang.t("Tên đợt", "Name"), campaign.name.clone()),
        Setting {
            name: lang.t("Tỉnh", "Province"),
            value: format!("{} {province}", campaign.province),
            source: units.to_owned(),
            certainty: "",
        },
        plain(lang.t("Ngày đầu kỳ", "Opening date"), campaign.opening_date.text_vi()),
        plain(lang.t("Ngày rà soát", "Review date"), campaign.review_date.text_vi()),
        Setting {
            name: lang.t("Vùng của bảng điểm cho nông thôn", "Rural region of the score table"),
            value: region_text(lang, &campaign.region).to_owned(),
            source: regions.to_owned(),
            certainty: unverified,
        },
    ]
}

fn of_standard(lang: Lang, standard: &Standard) -> Vec<Setting> {
    let part = |name, value: String, standing: &Standing| {
        let (source, certainty) = (standing.source.clone(), certainty_text(lang, standing));
        Setting { name, value, source, certainty }
    };
    let points = &standard.thresholds;
    let (urban, rural) = (points.b1.urban, points.b1.rural);
    let thresholds = format!(
        "B1 ≤ {urban} ({}), ≤ {rural} ({}); B2 ≥ {} {}",
        lang.t("thành thị", "urban"),
        lang.t("nông thôn", "rural"),
        points.b2_poor,
        lang.t("là hộ nghèo", "is poor"),
    );
    let who = match standard.dtts.who {
        shared::standard::DttsWho::Head => lang.t("dân tộc của chủ hộ", "the head's ethnicity"),
        shared::standard::DttsWho::HeadOrSpouse => {
            lang.t("dân tộc của chủ hộ hoặc vợ/chồng", "the head's or the spouse's ethnicity")
        }
    };
    let title = lang.t(&standard.title.vi, &standard.title.en).to_owned();
    vec![
        part(lang.t("Chuẩn nghèo", "Standard"), title, &standard.standing),
        part(lang.t("Ngưỡng điểm", "Thresholds"), thresholds, &points.standing),
        part(
            lang.t("Hộ DTTS xác định theo", "DTTS households by"),
            who.to_owned(),
            &standard.dtts.standing,
        ),
    ]
}

/// Closes the campaign: nothing more is loaded, what devices send is held.
pub(super) async fn close(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let closed = if fields.get("sure") == "yes" {
        campaigns::close(State(app.clone()), visitor.actor(), Path(id)).await.map(drop)
    } else {
        Err(Problem::new(&problem::REASON_MISSING))
    };
    let result = match closed {
        Ok(()) => {
            let to = format!("/office/campaigns/{id}/settings");
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => shown(&app, &visitor, id, Tried::of(lang, &problem, "sure", fields)).await,
    };
    Asked::of(lang, result)
}
