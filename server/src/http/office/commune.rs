//! A commune's screen of today, and its households with filters and a search.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use serde::Deserialize;
use shared::classify::Class;
use shared::handover::Stage;
use shared::id::{CampaignId, DeviceId, DocumentId};
use shared::list::Outcome;
use shared::scope::Role;
use shared::standing::Standing;
use shared::text::folded;

use super::frame::{Asked, Frame, Lang, Posted, Visitor, live_page, page, time_text};
use super::list::{blocker_lines, class_text, outcome_text, step_text};
use crate::app::App;
use crate::http::extract::{Json, Path, Query, list_unit};
use crate::http::lists::{self, Waive};
use crate::http::sync_health::{self, DeviceHealth};
use crate::problem::Problem;
use crate::standing::refresh;

/// Most households on one page.
const ROWS_MAX: usize = 200;

/// What has become of a hamlet's households.
#[derive(Default)]
struct HamletLine {
    code: String,
    name: String,
    area: &'static str,
    households: usize,
    done: usize,
    pending: usize,
    disputes: usize,
    unclassified: usize,
    poor: usize,
    near_poor: usize,
}

impl HamletLine {
    fn count(&mut self, standing: &Standing) {
        let row = &standing.row;
        self.households += 1;
        self.disputes += usize::from(standing.open.disputes > 0);
        match (row.outcome, row.class) {
            (Outcome::Pending, _) => self.pending += 1,
            (Outcome::Surveyed, None | Some(Class::Insufficient)) => self.unclassified += 1,
            (Outcome::Surveyed, Some(class)) => {
                self.done += 1;
                self.poor += usize::from(class == Class::Poor);
                self.near_poor += usize::from(class == Class::NearPoor);
            }
            (Outcome::Kept, class) => {
                self.done += 1;
                self.poor += usize::from(class == Some(Class::Poor));
                self.near_poor += usize::from(class == Some(Class::NearPoor));
            }
            (Outcome::Left, _) => self.done += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.households += other.households;
        self.done += other.done;
        self.pending += other.pending;
        self.disputes += other.disputes;
        self.unclassified += other.unclassified;
        self.poor += other.poor;
        self.near_poor += other.near_poor;
    }
}

/// A device as the commune waits for it.
struct DeviceLine {
    id: DeviceId,
    label: String,
    hamlets: String,
    silent: bool,
    since: String,
    last: String,
    held: i64,
}

#[derive(Template)]
#[template(path = "office/commune.html")]
struct Today {
    f: Frame,
    id: CampaignId,
    campaign: String,
    review_date: String,
    unit: String,
    name: String,
    step: String,
    is_frozen: bool,
    is_officer: bool,
    hamlets: Vec<HamletLine>,
    all: HamletLine,
    devices: Vec<DeviceLine>,
    silent: usize,
    held: i64,
    waiting: i64,
    blockers: Vec<String>,
    late: u64,
    /// Households that wait to be taken over from another commune.
    moving: usize,
}

/// Shows how far a commune has come.
pub(super) async fn today(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, screen(app, visitor, id, unit).await)
}

async fn screen(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    unit: String,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let shown = lists::read(State(app.clone()), actor.clone(), Path((id, unit.clone()))).await?.0;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let mut hamlets: BTreeMap<String, HamletLine> = BTreeMap::new();
    for (_, hamlet) in app.store.hamlet_list(id, Some(&unit)).await? {
        let line = HamletLine {
            code: hamlet.code.clone(),
            name: format!("{} {}", hamlet.type_word, hamlet.name),
            area: area_text(lang, hamlet.area),
            ..HamletLine::default()
        };
        hamlets.insert(hamlet.code, line);
    }
    for (at, standing) in &standings {
        hamlets.entry(at.hamlet.clone()).or_default().count(standing);
    }
    let mut all = HamletLine::default();
    hamlets.values().for_each(|line| all.add(line));
    let moving = app.store.handover_of_unit(id, &unit).await?;
    let waits = |said: &&crate::store::handover::Said| said.to_unit == unit;
    let newest = moving.chunk_by(|a, b| a.document == b.document).filter_map(|said| said.last());
    let newest = newest.filter(waits).filter(|said| said.stage() == Stage::Offered).count();
    let under = sync_health::Under { under: Some(unit.clone()) };
    let devices = sync_health::devices(State(app), actor, Path(id), Query(under)).await?.0;
    let (held, waiting) = devices.iter().fold((0, 0), |(held, waiting), device| {
        (held + device.aside.held, waiting + device.aside.waiting)
    });
    let devices: Vec<DeviceLine> = devices.into_iter().map(device_line).collect();
    let today = Today {
        f: visitor.frame(&seen.tree.get(&unit).map(|u| u.full_name()).unwrap_or_default()),
        id,
        campaign: seen.campaign.name.clone(),
        review_date: seen.campaign.review_date.text_vi(),
        name: seen.tree.get(&unit).map(|u| u.full_name()).unwrap_or_default(),
        unit,
        step: step_text(lang, &shown.step).to_owned(),
        is_frozen: shown.step != "collecting",
        is_officer: visitor.account.post.role == Role::Officer,
        hamlets: hamlets.into_values().collect(),
        all,
        silent: devices.iter().filter(|device| device.silent).count(),
        devices,
        held,
        waiting,
        blockers: blocker_lines(lang, &shown.blockers),
        late: shown.late,
        moving: newest,
    };
    Ok(page(StatusCode::OK, &today))
}

fn device_line(device: DeviceHealth) -> DeviceLine {
    DeviceLine {
        id: device.device,
        label: device.label,
        hamlets: device.hamlets.join(", "),
        silent: device.silent,
        since: device.silent_since_ms.map_or_else(String::new, time_text),
        last: device.last_sync_ms.map_or_else(|| "–".to_owned(), time_text),
        held: device.aside.held,
    }
}

pub(super) fn area_text(lang: Lang, area: shared::unit::Area) -> &'static str {
    match area {
        shared::unit::Area::Urban => lang.t("thành thị", "urban"),
        shared::unit::Area::Rural => lang.t("nông thôn", "rural"),
    }
}

/// Does not wait for a device any longer, by name and reason.
pub(super) async fn waive(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let device: DeviceId =
                fields.get("device").parse().map_err(|_| Problem::new(&problem::NOT_FOUND))?;
            let form = Waive { device, reason: fields.get("reason").to_owned() };
            let back = format!("/office/campaigns/{id}/units/{unit}");
            lists::waive(State(app), visitor.actor(), Path((id, unit)), Json(form)).await?;
            Ok(Redirect::to(&back).into_response())
        }
        .await,
    )
}

/// What of a commune's households is shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    hamlet: String,
    /// `pending`, `disputes`, `unclassified`, `poor`, `near_poor`, `above`, `left`, or empty.
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
}

impl Filter {
    fn fits(&self, code: &str, standing: &Standing, wanted: &str) -> bool {
        let row = &standing.row;
        let surveyed = row.outcome == Outcome::Surveyed;
        let state = match self.state.as_str() {
            "pending" => row.outcome == Outcome::Pending,
            "left" => row.outcome == Outcome::Left,
            "disputes" => standing.open.disputes > 0,
            "unclassified" => surveyed && matches!(row.class, None | Some(Class::Insufficient)),
            class @ ("poor" | "near_poor" | "above") => {
                row.class.is_some_and(|known| known.as_str() == class)
            }
            _ => true,
        };
        let hamlet = self.hamlet.is_empty() || row.hamlet == self.hamlet;
        let found = || {
            wanted.is_empty()
                || folded(&standing.head).contains(wanted)
                || folded(code).contains(wanted)
        };
        state && hamlet && found()
    }
}

/// A household in the table.
struct HouseLine {
    document: DocumentId,
    code: String,
    head: String,
    hamlet: String,
    members: u32,
    outcome: &'static str,
    class: &'static str,
    b1: String,
    b2: String,
    opening: &'static str,
    disputes: u32,
    missing: usize,
}

#[derive(Template)]
#[template(path = "office/households.html")]
struct Households {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    filter: Filter,
    states: Vec<(&'static str, &'static str)>,
    hamlets: Vec<(String, String)>,
    lines: Vec<HouseLine>,
    found: usize,
    most: usize,
}

/// Lists a commune's households.
pub(super) async fn households(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(filter): Query<Filter>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, found(app, visitor, id, unit, filter).await)
}

async fn found(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    unit: String,
    filter: Filter,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let hamlets = app.store.hamlet_list(id, Some(&unit)).await?;
    let hamlets: Vec<(String, String)> = hamlets
        .into_iter()
        .map(|(_, hamlet)| (hamlet.code, format!("{} {}", hamlet.type_word, hamlet.name)))
        .collect();
    let wanted = folded(filter.q.trim());
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let fitting: Vec<_> = standings
        .iter()
        .filter(|(at, standing)| filter.fits(&at.code, standing, &wanted))
        .collect();
    let line = |(at, standing): &&(crate::store::household::HouseholdAt, Standing)| {
        let row = &standing.row;
        let points = |points: Option<i64>| points.map_or("–".to_owned(), |n| n.to_string());
        let hamlet = hamlets.iter().find(|(code, _)| *code == at.hamlet);
        HouseLine {
            document: at.document,
            code: at.code.clone(),
            head: standing.head.clone(),
            hamlet: hamlet.map_or_else(|| at.hamlet.clone(), |(_, name)| name.clone()),
            members: row.members,
            outcome: outcome_text(lang, row.outcome),
            class: row.class.map_or("–", |class| class_text(lang, class)),
            b1: points(row.b1),
            b2: points(row.b2),
            opening: row.opening.map_or("–", |class| class_text(lang, class)),
            disputes: standing.open.disputes,
            missing: standing.open.missing.len(),
        }
    };
    let states = vec![
        ("", lang.t("Tất cả", "All")),
        ("pending", lang.t("Chưa xong", "Not finished")),
        ("disputes", lang.t("Thông tin chưa thống nhất", "Disputes")),
        ("unclassified", class_text(lang, Class::Insufficient)),
        ("poor", class_text(lang, Class::Poor)),
        ("near_poor", class_text(lang, Class::NearPoor)),
        ("above", class_text(lang, Class::Above)),
        ("left", outcome_text(lang, Outcome::Left)),
    ];
    let shown = Households {
        f: visitor.frame(lang.t("Hộ gia đình", "Households")),
        id,
        name: seen.tree.get(&unit).map(|u| u.full_name()).unwrap_or_default(),
        unit,
        states,
        lines: fitting.iter().take(ROWS_MAX).map(line).collect(),
        found: fitting.len(),
        most: ROWS_MAX,
        filter,
        hamlets,
    };
    Ok(live_page(&shown))
}
