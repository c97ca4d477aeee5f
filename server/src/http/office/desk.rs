//! What waits for an office: lists to give an opinion on, how far each commune has come, and the
//! routes of everything that a district looks at.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use mobile_schema::problem;
use shared::aggregate::{Rate, hundredths_vi};
use shared::id::CampaignId;
use shared::scope::Role;

use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use super::list::step_text;
use super::{comments, comparison, papers, sample};
use crate::app::App;
use crate::http::desk::{self, Commune, NewDeadline};
use crate::http::extract::{Json, Path, campaign};
use crate::problem::Problem;

/// The district's pages.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    let unit = format!("{campaign}/units/{{unit}}");
    Router::new()
        .route(&format!("{campaign}/desk"), get(show).post(set_deadline))
        .route(&format!("{unit}/comparison"), get(comparison::show))
        .route(&format!("{unit}/comparison/phones"), get(comparison::phones))
        .route(&format!("{unit}/comments"), get(comments::show).post(comments::say))
        .route(&format!("{unit}/sample"), get(sample::show).post(sample::draw))
        .route(&format!("{unit}/sample/findings"), post(sample::find))
        .route(&format!("{unit}/scans"), get(papers::show).post(papers::attach))
        .route(&format!("{unit}/scans/{{digest}}"), get(papers::save))
}

/// One commune.
#[derive(Clone, Default)]
struct Line {
    unit: String,
    name: String,
    district: String,
    step: &'static str,
    step_text: &'static str,
    since: String,
    waited: u32,
    is_over: bool,
    sampled: bool,
    households: i64,
    done: i64,
    percent: String,
    disputed: i64,
    comments: i64,
}

#[derive(Template)]
#[template(path = "office/desk.html")]
struct Desk {
    f: Frame,
    id: CampaignId,
    campaign: String,
    review_date: String,
    days: u32,
    source: String,
    verified: bool,
    holidays: usize,
    waiting: Vec<Line>,
    over: usize,
    communes: Vec<Line>,
    all: Line,
    with_district: bool,
    can_set: bool,
    notice: Option<Notice>,
    typed: Fields,
}

/// Shows what waits.
async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<CampaignId>) -> Asked {
    let tried = (None, Fields::default());
    Asked::of(visitor.lang, shown(app, &visitor, id, StatusCode::OK, tried).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    id: CampaignId,
    status: StatusCode,
    (notice, typed): (Option<Notice>, Fields),
) -> Result<Response, Problem> {
    let (lang, role) = (visitor.lang, visitor.account.post.role);
    let seen = campaign(&app, &visitor.actor(), id).await?;
    let desk = desk::read(State(app), visitor.actor(), Path(id)).await?.0;
    let name = |code: Option<&str>| {
        let unit = code.and_then(|code| seen.tree.get(code));
        unit.map(|unit| unit.full_name()).unwrap_or_default()
    };
    let lines = desk.communes.into_iter().map(|one| {
        let district = name(one.district.as_deref());
        line(lang, one, district)
    });
    let communes: Vec<Line> = lines.collect();
    let mut waiting: Vec<Line> =
        communes.iter().filter(|line| line.step == "submitted").cloned().collect();
    waiting.sort_by_key(|line| std::cmp::Reverse(line.waited));
    let sum = |of: &dyn Fn(&Line) -> i64| communes.iter().map(of).sum::<i64>();
    let (households, done) = (sum(&|line| line.households), sum(&|line| line.done));
    let all = Line {
        households,
        done,
        percent: percent(done, households),
        disputed: sum(&|line| line.disputed),
        comments: sum(&|line| line.comments),
        ..Line::default()
    };
    let deadline = desk.deadline;
    let page_of = Desk {
        f: visitor.frame(lang.t("Việc đang chờ", "What waits")),
        id,
        campaign: seen.campaign.name.clone(),
        review_date: seen.campaign.review_date.text_vi(),
        days: deadline.days,
        source: deadline.source,
        verified: deadline.verified,
        holidays: deadline.holidays.len(),
        over: waiting.iter().filter(|line| line.is_over).count(),
        waiting,
        communes,
        all,
        with_district: role == Role::Province,
        can_set: role == Role::Province,
        notice,
        typed,
    };
    Ok(page(status, &page_of))
}

fn line(lang: Lang, one: Commune, district: String) -> Line {
    let progress = one.progress;
    Line {
        unit: one.unit,
        name: one.name,
        district,
        step_text: step_text(lang, one.step),
        step: one.step,
        since: one.since_ms.map_or("–".to_owned(), time_text),
        waited: one.waited_days.unwrap_or(0),
        is_over: one.is_over,
        sampled: one.sampled,
        households: progress.households,
        done: progress.done,
        percent: percent(progress.done, progress.households),
        disputed: progress.disputed,
        comments: one.comments,
    }
}

fn percent(part: i64, whole: i64) -> String {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let rate = Rate::of(count(part), count(whole));
    rate.percent_hundredths().map_or("–".to_owned(), hundredths_vi)
}

/// Sets the district's deadline.
async fn set_deadline(State(app): State<App>, Path(id): Path<CampaignId>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let set = async {
        let days = fields.get("days").trim().parse();
        let form = NewDeadline {
            days: days.map_err(|_| Problem::new(&problem::DEADLINE_REFUSED))?,
            holidays: fields.get("holidays").split_whitespace().map(ToOwned::to_owned).collect(),
            source: fields.get("source").to_owned(),
            verified: !fields.get("verified").is_empty(),
        };
        desk::set_deadline(State(app.clone()), visitor.actor(), Path(id), Json(form)).await
    };
    let result = match set.await {
        Ok(_) => Ok(Redirect::to(&format!("/office/campaigns/{id}/desk")).into_response()),
        Err(problem) => {
            let tried = (Some(Notice::of(lang, &problem)), fields);
            let (status, ..) = problem.said();
            shown(app.clone(), &visitor, id, status, tried).await
        }
    };
    Asked::of(lang, result)
}
