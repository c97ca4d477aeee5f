//! Progress over days, and who has not submitted.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use shared::days::Day;
use shared::id::CampaignId;

use super::super::frame::{Asked, Frame, Visitor, day_text, page, time_text};
use super::super::list::step_text;
use crate::app::App;
use crate::http::campaigns;
use crate::http::extract::{Path, Query, campaign as find};
use crate::http::sync_health::{self, By};
use crate::http::{days, sync_health::Under};

/// Width and height of a picture's field, in its units.
const FIELD: (i64, i64) = (720, 160);

/// One day as two pictures draw it.
struct Bar {
    x: i64,
    width: i64,
    changes_y: i64,
    changes_height: i64,
    /// Written below, where there is room for it.
    label: String,
}

/// A list that was not submitted.
struct Open {
    unit: String,
    name: String,
    district: String,
    step: &'static str,
    devices: usize,
    silent: usize,
    since: String,
    last: String,
}

#[derive(Template)]
#[template(path = "office/province/days.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    name: String,
    days: Vec<(String, Day)>,
    bars: Vec<Bar>,
    /// The steps of lists recognised so far, as points of a line.
    line: String,
    most_changes: i64,
    due: usize,
    open: Vec<Open>,
}

/// Shows what came in and what was decided by day.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let actor = visitor.actor();
        let seen = find(&app, &actor, id).await?;
        let all = Query(Under { under: None });
        let days = days::read(State(app.clone()), actor.clone(), Path(id), all).await?.0;
        let steps = campaigns::progress(State(app.clone()), actor.clone(), Path(id)).await?.0;
        let by = Query(By { under: None, by: None });
        let health = sync_health::places(State(app), actor, Path(id), by).await?.0;
        let due = steps.len();
        let open = steps.into_iter().filter(|one| one.step == "collecting").map(|one| {
            let place = health.iter().find(|place| place.unit == one.unit);
            let time = |at_ms: Option<i64>| at_ms.map_or_else(String::new, time_text);
            let district = seen.tree.district_of(&one.unit);
            Open {
                district: district.map(|unit| unit.full_name()).unwrap_or_default(),
                step: step_text(lang, &one.step),
                devices: place.map_or(0, |place| place.devices),
                silent: place.map_or(0, |place| place.silent),
                since: time(place.and_then(|place| place.silent_since_ms)),
                last: time(place.and_then(|place| place.last_change_ms)),
                name: one.name,
                unit: one.unit,
            }
        });
        let open = open.collect();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let most_changes = days.iter().map(|day| count(day.changes)).max().unwrap_or(0).max(1);
        let (bars, line) = drawn(&days, most_changes, due);
        let page_of = Page {
            f: visitor.frame(lang.t("Tiến độ theo ngày", "Progress by day")),
            id,
            name: seen.campaign.name.clone(),
            days: days.into_iter().rev().map(|day| (day_text(&day.date), day)).collect(),
            bars,
            line,
            most_changes,
            due,
            open,
        };
        Ok(page(StatusCode::OK, &page_of))
    };
    Asked::of(lang, shown.await)
}

/// Places every day in its picture: bars of what came in, a line of lists recognised so far.
fn drawn(days: &[Day], most_changes: i64, due: usize) -> (Vec<Bar>, String) {
    let (width, height) = FIELD;
    let number = i64::try_from(days.len()).unwrap_or(i64::MAX).max(1);
    let step = (width / number).clamp(4, 60);
    let due = i64::try_from(due).unwrap_or(i64::MAX).max(1);
    let every = (70 + step - 1) / step;
    let (mut bars, mut line) = (Vec::new(), String::new());
    for (day, index) in days.iter().zip(0_i64..) {
        let part = |number: u64, most: i64| {
            i64::try_from(number).unwrap_or(i64::MAX).min(most) * height / most
        };
        let changes_height = part(day.changes, most_changes);
        let lists_y = height - part(day.recognised_so_far, due);
        let (x, right) = (index * step, (index + 1) * step);
        line.push_str(&format!("{x},{lists_y} {right},{lists_y} "));
        let date = day_text(&day.date);
        let short = date.get(..5).unwrap_or(&date).to_owned();
        let label = if index % every == 0 { short } else { String::new() };
        let changes_y = height - changes_height;
        bars.push(Bar { x, width: (step - 2).max(2), changes_y, changes_height, label });
    }
    (bars, line)
}
