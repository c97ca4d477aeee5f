//! A commune's list on one page, to print and to take its legal steps.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use shared::classify::Class;
use shared::id::{CampaignId, DocumentId};
use shared::list::{Blocker, Outcome, Row};
use shared::scope::Role;

use super::comments::{self, Remarks};
use super::frame::{Asked, Fields, Frame, Lang, Notice, Visitor, day_text, page, time_text};
use crate::app::App;
use crate::http::extract::{Path, list_unit};
use crate::http::lists::{self, Shown};
use crate::problem::Problem;
use crate::standing::refresh;

/// One household of the printed list.
struct Line {
    number: usize,
    document: DocumentId,
    head: String,
    code: String,
    hamlet: String,
    members: u32,
    b1: String,
    b2: String,
    opening: &'static str,
    class: &'static str,
    /// Comments of the district that the commune has not dealt with.
    comments: usize,
}

/// Households of one class.
struct Group {
    class: &'static str,
    lines: Vec<Line>,
}

/// A step that was taken.
struct Taken {
    at: String,
    what: &'static str,
    by: String,
    paper: String,
    /// SHA-256 of the paper's scan, empty where none is kept.
    scan: String,
    text: String,
}

#[derive(Template)]
#[template(path = "office/list.html")]
struct ListPage {
    f: Frame,
    id: CampaignId,
    campaign: String,
    review_date: String,
    standard: String,
    unit: String,
    name: String,
    district: String,
    step: String,
    step_text: String,
    root: String,
    groups: Vec<Group>,
    above: usize,
    left: usize,
    open: usize,
    households: u64,
    persons: u64,
    synthetic: usize,
    blockers: Vec<String>,
    late: u64,
    decisions: Vec<Taken>,
    is_officer: bool,
    is_district: bool,
    notice: Option<Notice>,
    typed: Fields,
    /// What of the list's history the page shows, for whoever acts on it later.
    seen: String,
    remarks: Remarks,
    scan_problem: bool,
}

/// Shows a commune's list.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let tried = (None, Fields::default());
    Asked::of(lang, shown(app, &visitor, id, unit, StatusCode::OK, tried).await)
}

pub(super) async fn shown(
    app: App,
    visitor: &Visitor,
    id: CampaignId,
    unit: String,
    status: StatusCode,
    (notice, typed): (Option<Notice>, Fields),
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let position = app.store.position(id, &unit).await?;
    let read = lists::read(State(app.clone()), actor, Path((id, unit.clone()))).await?.0;
    let remarks = comments::of_unit(&app, visitor, id, &unit, &read).await?;
    let Shown { step, root, blockers, list, decisions, late } = read;
    // Names are no part of the frozen bytes: they are read from the households beside them.
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let named: BTreeMap<DocumentId, (&str, &str)> = standings
        .iter()
        .map(|(at, standing)| (at.document, (standing.head.as_str(), at.code.as_str())))
        .collect();
    let hamlets: BTreeMap<&str, String> = list
        .hamlets
        .iter()
        .map(|hamlet| (hamlet.code.as_str(), format!("{} {}", hamlet.type_word, hamlet.name)))
        .collect();
    let group = |class: Class| {
        let mut rows: Vec<&Row> = list.rows.iter().filter(|row| row.class == Some(class)).collect();
        rows.sort_by_key(|row| (&row.hamlet, named.get(&row.document).map(|named| named.1)));
        let lines = rows.into_iter().enumerate().map(|(index, row)| {
            let (head, code) = named.get(&row.document).copied().unwrap_or_default();
            let points = |points: Option<i64>| points.map_or("–".to_owned(), |n| n.to_string());
            Line {
                number: index + 1,
                document: row.document,
                head: head.to_owned(),
                code: code.to_owned(),
                hamlet: hamlets.get(row.hamlet.as_str()).cloned().unwrap_or_default(),
                members: row.members,
                b1: points(row.b1),
                b2: points(row.b2),
                opening: row.opening.map_or("–", |class| class_text(lang, class)),
                class: class_text(lang, class),
                comments: remarks.open_at(row.document),
            }
        });
        Group { class: class_text(lang, class), lines: lines.collect() }
    };
    let count = |fits: &dyn Fn(&Row) -> bool| list.rows.iter().filter(|row| fits(row)).count();
    let (district, name) = (seen.tree.district_of(&unit), seen.tree.get(&unit));
    let page_of = ListPage {
        f: visitor.frame(lang.t("Danh sách hộ nghèo, hộ cận nghèo", "List of poor households")),
        id,
        campaign: seen.campaign.name.clone(),
        review_date: day_text(&list.review_date),
        standard: list.standard.clone(),
        name: name.map(|unit| unit.full_name()).unwrap_or_default(),
        district: district.map(|unit| unit.full_name()).unwrap_or_default(),
        step_text: step_text(lang, &step).to_owned(),
        groups: vec![group(Class::Poor), group(Class::NearPoor)],
        above: count(&|row| row.class == Some(Class::Above)),
        left: count(&|row| row.outcome == Outcome::Left),
        open: count(&|row| row.outcome == Outcome::Pending),
        households: list.hamlets.iter().map(|hamlet| hamlet.closing.households).sum(),
        persons: list.hamlets.iter().map(|hamlet| hamlet.closing.persons).sum(),
        synthetic: count(&|row| {
            row.table.as_ref().is_some_and(|table| table.contains("synthetic"))
        }),
        blockers: blocker_lines(lang, &blockers),
        seen: format!("{}:{position}", decisions.len()),
        decisions: decisions.iter().map(|decision| taken(lang, decision)).collect(),
        scan_problem: notice.as_ref().is_some_and(|notice| notice.name.starts_with("scan-")),
        remarks,
        is_officer: visitor.account.post.role == Role::Officer,
        is_district: visitor.account.post.role == Role::District,
        step,
        root,
        unit,
        late,
        notice,
        typed,
    };
    Ok(page(status, &page_of))
}

/// Writes what a step is called.
pub(super) fn act_text(lang: Lang, kind: &str) -> &'static str {
    match kind {
        "submit" => lang.t("Chốt danh sách, trình huyện", "Submitted to the district"),
        "return" => lang.t("Đề nghị rà soát lại", "Returned"),
        "approve" => lang.t("Ý kiến: thống nhất", "Opinion: agreed"),
        "recognise" => lang.t("Quyết định công nhận", "Recognised"),
        _ => lang.t("Thu hồi công nhận", "Recognition withdrawn"),
    }
}

fn taken(lang: Lang, decision: &crate::store::list::Decision) -> Taken {
    let body = &decision.body;
    let paper = body.get("opinion").or_else(|| body.get("decision"));
    let part = |name: &str| paper.and_then(|paper| paper[name].as_str()).unwrap_or_default();
    let text = body["comment"].as_str().or_else(|| body["reason"].as_str()).unwrap_or_default();
    Taken {
        at: time_text(decision.at_ms),
        what: act_text(lang, &decision.kind),
        by: decision.by.clone(),
        paper: match paper {
            Some(_) => {
                format!("{} · {} · {}", part("number"), day_text(part("date")), part("signer"))
            }
            None => String::new(),
        },
        scan: part("scan").to_owned(),
        text: text.to_owned(),
    }
}

/// Writes what keeps a list from being submitted: one line for each kind, with how many.
pub(super) fn blocker_lines(lang: Lang, blockers: &[Blocker]) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for blocker in blockers {
        let line = blocker_text(lang, blocker);
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    let counted = lines.into_iter().map(|(line, count)| match count {
        1 => line,
        count => format!("{line} ({count})"),
    });
    counted.collect()
}

fn blocker_text(lang: Lang, blocker: &Blocker) -> String {
    let plain = |vi: &str, en: &str| lang.t(vi, en).to_owned();
    match blocker {
        Blocker::Disputes { .. } => {
            plain("Hộ còn thông tin chưa thống nhất", "Households with disputes")
        }
        Blocker::NoOutcome { .. } => plain("Hộ chưa có kết quả", "Households without an outcome"),
        Blocker::Unclassified { .. } => {
            plain("Hộ chưa đủ căn cứ phân loại", "Households that cannot be classified")
        }
        Blocker::DeviceSilent { device } => {
            format!("{}: {device}", lang.t("Thiết bị chưa gửi đủ", "Device has not handed in"))
        }
        Blocker::NoHamlets => plain("Xã chưa có thôn, bản", "The commune has no hamlets"),
        Blocker::CountsMissing { hamlet } => {
            format!("{}: {hamlet}", lang.t("Thôn chưa có số hộ, số khẩu", "Counts are missing"))
        }
        Blocker::CountsTooSmall { hamlet } => format!(
            "{}: {hamlet}",
            lang.t("Số hộ của thôn nhỏ hơn số hộ nghèo", "Fewer households than poor ones")
        ),
        Blocker::Broken { .. } => plain("Hồ sơ không gộp được", "Households that cannot be merged"),
        Blocker::SetAside(aside) => format!(
            "{}: {} · {}: {}",
            lang.t("Đang chờ bổ sung", "Waiting"),
            aside.waiting,
            lang.t("được giữ lại chờ xem xét", "held for review"),
            aside.held
        ),
    }
}

/// Writes an item of a problem in words: a thing that keeps a list back, or an objection.
pub(super) fn in_words(lang: Lang, item: &Value) -> String {
    if let Ok(blocker) = serde_json::from_value::<Blocker>(item.clone()) {
        return blocker_text(lang, &blocker);
    }
    let code = lang.t("vi", "en");
    let text = item["text"][code].as_str().or_else(|| item[code].as_str());
    let text = text.or_else(|| item["code"].as_str());
    text.map_or_else(|| item.to_string(), ToOwned::to_owned)
}

/// Writes where a list stands.
pub(super) fn step_text(lang: Lang, step: &str) -> &'static str {
    match step {
        "submitted" => lang.t("Đã chốt, trình huyện", "Submitted"),
        "approved" => lang.t("Huyện thống nhất", "Agreed by the district"),
        "recognised" => lang.t("Đã công nhận", "Recognised"),
        _ => lang.t("Đang rà soát", "Under review"),
    }
}

pub(super) fn class_text(lang: Lang, class: Class) -> &'static str {
    lang.t(class.label_vi(), class.label_en())
}

pub(super) fn outcome_text(lang: Lang, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Surveyed => lang.t("Đã rà soát", "Surveyed"),
        Outcome::Kept => lang.t("Ban Chỉ đạo giữ diện", "Kept by the committee"),
        Outcome::Left => lang.t("Rời danh sách", "Left the list"),
        Outcome::Pending => lang.t("Chưa có kết quả", "No outcome yet"),
    }
}
