//! A list held against the opening list and against what the phones answered.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::classify::Class;
use shared::compare::{After, Before};
use shared::id::{CampaignId, DocumentId};
use shared::list::{Outcome, Provenance};
use shared::phones::Kind;

use super::frame::{Asked, Frame, Lang, Visitor, page, time_text};
use super::list::{class_text, outcome_text, step_text};
use super::words::{path_text, path_value, visit_text};
use crate::app::App;
use crate::http::comparison::{self, Answered, Compared, Differing, Moved};
use crate::http::extract::{Path, Query, Seen, list_unit};
use crate::problem::Problem;

/// Most households on one page.
const ROWS_MAX: usize = 200;

/// What of a list is shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    hamlet: String,
    /// `desk`, `paper`, `joined` or empty.
    #[serde(default)]
    way: String,
}

impl Filter {
    fn fits(&self, row: &Moved) -> bool {
        let same = |wanted: &str, code: &str| wanted.is_empty() || wanted == code;
        let way = match self.way.as_str() {
            "desk" => row.desk_after_phones > 0,
            "paper" => row.on_paper > 0,
            "joined" => row.joined > 0,
            _ => true,
        };
        let (before, after) = (before_code(row.before), after_code(row.after));
        way && same(&self.before, before)
            && same(&self.after, after)
            && same(&self.hamlet, &row.hamlet)
    }
}

/// One number of the matrix.
struct Cell {
    after: &'static str,
    count: u64,
}

/// One opening class.
struct MatrixLine {
    code: &'static str,
    text: &'static str,
    cells: Vec<Cell>,
    sum: u64,
}

/// One household.
struct Line {
    document: DocumentId,
    head: String,
    code: String,
    hamlet: String,
    before: &'static str,
    after: String,
    b1: String,
    b2: String,
    ways: String,
    notes: String,
}

#[derive(Template)]
#[template(path = "office/comparison.html")]
struct Comparison {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    campaign: String,
    opening_date: String,
    review_date: String,
    step: &'static str,
    root: String,
    matrix: Vec<MatrixLine>,
    sums: Vec<u64>,
    all: u64,
    new: u64,
    escaped: u64,
    left: Vec<(String, usize)>,
    device: u32,
    session: u32,
    desk: u32,
    after_phones: usize,
    papers: usize,
    joined: usize,
    befores: Vec<(&'static str, &'static str)>,
    afters: Vec<(&'static str, &'static str)>,
    ways: Vec<(&'static str, &'static str)>,
    hamlets: Vec<(String, String)>,
    filter: Filter,
    lines: Vec<Line>,
    found: usize,
    most: usize,
}

fn before_code(before: Before) -> &'static str {
    match before {
        Before::Poor => "poor",
        Before::NearPoor => "near_poor",
        Before::None => "none",
    }
}

fn before_text(lang: Lang, before: Before) -> &'static str {
    match before {
        Before::Poor => class_text(lang, Class::Poor),
        Before::NearPoor => class_text(lang, Class::NearPoor),
        Before::None => lang.t("Không có trong danh sách", "Not on the list"),
    }
}

fn after_code(after: After) -> &'static str {
    match after {
        After::Poor => "poor",
        After::NearPoor => "near_poor",
        After::None => "none",
        After::Left => "left",
        After::Open => "open",
    }
}

fn after_text(lang: Lang, after: After) -> &'static str {
    match after {
        After::Poor => class_text(lang, Class::Poor),
        After::NearPoor => class_text(lang, Class::NearPoor),
        After::None => class_text(lang, Class::Above),
        After::Left => outcome_text(lang, Outcome::Left),
        After::Open => lang.t("Chưa có kết quả, phân loại", "No outcome or class yet"),
    }
}

fn ways_text(of: Provenance) -> String {
    format!("{} / {} / {}", of.device, of.session, of.desk)
}

/// Shows how households moved since the opening list.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(filter): Query<Filter>,
) -> Asked {
    Asked::of(visitor.lang, shown(app, &visitor, (id, unit), filter).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    (id, unit): (CampaignId, String),
    filter: Filter,
) -> Result<Response, Problem> {
    let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
    let hamlets = app.store.hamlet_list(id, Some(&unit)).await?.into_iter();
    let hamlets =
        hamlets.map(|(_, one)| (one.code, format!("{} {}", one.type_word, one.name))).collect();
    let path = Path((id, unit.clone()));
    let compared = comparison::read(State(app), visitor.actor(), path).await?.0;
    let page_of = comparison_of(visitor, seen, (unit, hamlets), filter, compared);
    Ok(page(StatusCode::OK, &page_of))
}

fn comparison_of(
    visitor: &Visitor,
    seen: Seen,
    (unit, hamlets): (String, Vec<(String, String)>),
    filter: Filter,
    compared: Compared,
) -> Comparison {
    let lang = visitor.lang;
    let matrix = Before::ALL.map(|before| matrix_line(lang, before, &compared));
    let sum = |fits: &dyn Fn(Before, After) -> bool| {
        let cells = compared.cells.iter().filter(|cell| fits(cell.before, cell.after));
        cells.map(|cell| cell.households).sum::<u64>()
    };
    let rows = &compared.rows;
    let count = |fits: &dyn Fn(&Moved) -> bool| rows.iter().filter(|row| fits(row)).count();
    let fitting: Vec<&Moved> = rows.iter().filter(|row| filter.fits(row)).collect();
    let names: BTreeMap<&str, &str> =
        hamlets.iter().map(|(code, name)| (code.as_str(), name.as_str())).collect();
    let lines: Vec<Line> =
        fitting.iter().take(ROWS_MAX).map(|row| line(lang, row, &names)).collect();
    let left = compared.left.iter().map(|(code, count)| (visit_text(lang, code), *count));
    Comparison {
        f: visitor.frame(lang.t("So với đầu kỳ", "Against the opening list")),
        id: seen.campaign.id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        campaign: seen.campaign.name,
        opening_date: seen.campaign.opening_date.text_vi(),
        review_date: seen.campaign.review_date.text_vi(),
        unit,
        step: step_text(lang, &compared.step),
        sums: After::ALL.iter().map(|after| sum(&|_, of| of == *after)).collect(),
        all: sum(&|_, _| true),
        new: sum(&|before, after| before == Before::None && after.is_listed()),
        escaped: sum(&|before, after| before != Before::None && after == After::None),
        matrix: matrix.into_iter().collect(),
        left: left.collect(),
        device: compared.provenance.device,
        session: compared.provenance.session,
        desk: compared.provenance.desk,
        after_phones: count(&|row| row.desk_after_phones > 0),
        papers: count(&|row| row.on_paper > 0),
        joined: count(&|row| row.joined > 0),
        befores: Before::ALL.map(|one| (before_code(one), before_text(lang, one))).to_vec(),
        afters: After::ALL.map(|one| (after_code(one), after_text(lang, one))).to_vec(),
        ways: vec![
            ("", lang.t("Tất cả", "All")),
            ("desk", lang.t("Sửa tại cơ quan sau điện thoại", "Changed in an office")),
            ("paper", lang.t("Phiếu giấy", "Paper")),
            ("joined", lang.t("Nhiều bản được ghép", "Versions put together")),
        ],
        found: fitting.len(),
        most: ROWS_MAX,
        lines,
        hamlets,
        filter,
        root: compared.root,
    }
}

fn matrix_line(lang: Lang, before: Before, compared: &Compared) -> MatrixLine {
    let cells = compared.cells.iter().filter(|cell| cell.before == before);
    let cells: Vec<Cell> =
        cells.map(|cell| Cell { after: after_code(cell.after), count: cell.households }).collect();
    let sum = cells.iter().map(|cell| cell.count).sum();
    MatrixLine { code: before_code(before), text: before_text(lang, before), cells, sum }
}

fn line(lang: Lang, row: &Moved, hamlets: &BTreeMap<&str, &str>) -> Line {
    let points = |points: Option<i64>| points.map_or("–".to_owned(), |n| n.to_string());
    let mut notes = Vec::new();
    if row.desk_after_phones > 0 {
        let text = lang.t("sửa tại cơ quan", "changed in an office");
        notes.push(format!("{text} {}", row.desk_after_phones));
    }
    if row.on_paper > 0 {
        notes.push(lang.t("phiếu giấy", "paper").to_owned());
    }
    if row.joined > 0 {
        notes.push(lang.t("nhiều bản được ghép", "versions put together").to_owned());
    }
    let after = match row.after {
        After::Left => visit_text(lang, &row.visit),
        after => after_text(lang, after).to_owned(),
    };
    Line {
        document: row.document,
        head: row.head.clone(),
        code: row.code.clone(),
        hamlet: hamlets
            .get(row.hamlet.as_str())
            .map_or(row.hamlet.as_str(), |name| name)
            .to_owned(),
        before: before_text(lang, row.before),
        after,
        b1: points(row.b1),
        b2: points(row.b2),
        ways: ways_text(row.provenance),
        notes: notes.join(" · "),
    }
}

/// One answer that was changed over a phone's.
struct AnswerLine {
    label: String,
    kind: &'static str,
    before: String,
    after: String,
    by: String,
    at: String,
    note: String,
}

/// One household that is not only what its phones answered.
struct PhonesLine {
    document: DocumentId,
    head: String,
    code: String,
    hamlet: String,
    is_other: bool,
    phones: &'static str,
    listed: &'static str,
    disputes: u32,
    ways: String,
    answers: Vec<AnswerLine>,
    /// Households that were merged into it.
    merged: usize,
}

#[derive(Template)]
#[template(path = "office/phones.html")]
struct Phones {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    lines: Vec<PhonesLine>,
    differing: usize,
}

/// Shows what of a list is not only what the phones answered.
pub(super) async fn phones(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
        let path = Path((id, unit.clone()));
        let found = comparison::phones(State(app), visitor.actor(), path).await?.0;
        let mut lines: Vec<PhonesLine> =
            found.into_iter().map(|one| phones_line(lang, one)).collect();
        lines.sort_by_key(|line| !line.is_other);
        let page_of = Phones {
            f: visitor.frame(lang.t("So với phiếu điện thoại", "Against the phones")),
            id,
            name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
            unit,
            differing: lines.iter().filter(|line| line.is_other).count(),
            lines,
        };
        Ok(page(StatusCode::OK, &page_of))
    };
    Asked::of(lang, shown.await)
}

fn phones_line(lang: Lang, one: Differing) -> PhonesLine {
    let text = |outcome, class: Option<Class>| match class {
        Some(class) => class_text(lang, class),
        None => outcome_text(lang, outcome),
    };
    PhonesLine {
        merged: one.merged.len(),
        is_other: one.is_of_another_class(),
        phones: text(one.phones_outcome, one.phones_class),
        listed: text(one.outcome, one.class),
        document: one.document,
        head: one.head,
        code: one.code,
        hamlet: one.hamlet,
        disputes: one.phones_disputes,
        ways: ways_text(one.provenance),
        answers: one.answers.into_iter().map(|one| answer_line(lang, one)).collect(),
    }
}

fn answer_line(lang: Lang, one: Answered) -> AnswerLine {
    let value = |value: &Option<_>| match value {
        Some(value) => path_value(lang, &one.path, value),
        None => lang.t("(trống)", "(empty)").to_owned(),
    };
    AnswerLine {
        label: path_text(lang, &one.path, &BTreeMap::new()),
        kind: match one.kind {
            Kind::Settled => lang.t("Đã thống nhất tại cơ quan", "Settled in an office"),
            Kind::Overwritten => lang.t("Ghi đè nhiều giá trị", "Several values written over"),
            Kind::Corrected => lang.t("Sửa tại cơ quan", "Corrected in an office"),
        },
        before: one.before.iter().map(value).collect::<Vec<_>>().join(" | "),
        after: value(&one.after),
        by: one.by.clone(),
        at: time_text(one.at_ms),
        note: one.note.clone(),
    }
}
