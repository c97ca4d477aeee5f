//! The sample to check: drawn, printed with its seed, and its findings written down.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::aggregate::hundredths_vi;
use shared::classify::Class;
use shared::id::{CampaignId, Digest, DocumentId, HouseholdId};
use shared::sample::{Finding, Size};
use shared::scope::Role;

use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page, time_text};
use super::list::{class_text, outcome_text};
use super::opinion::notice_of;
use crate::app::App;
use crate::http::extract::{Json, Path, list_unit};
use crate::http::lists;
use crate::http::samples::{self, Checked, Draw, Drawn, Find};
use crate::problem::Problem;

/// One household of a sample.
struct Line {
    household: HouseholdId,
    document: DocumentId,
    head: String,
    code: String,
    hamlet: String,
    listed: &'static str,
    /// Value of the finding as the form sends it.
    chosen: String,
    text: String,
    note: String,
    by: String,
    earlier: usize,
    /// What was chosen cannot be.
    is_wrong: bool,
}

/// A sample with its findings.
struct Sample {
    root: Digest,
    current: bool,
    seed: String,
    by_server: bool,
    size: String,
    of: usize,
    by: String,
    at: String,
    by_hand: &'static str,
    met: u64,
    not_met: u64,
    open: u64,
    /// The exact fraction, and the rate.
    error: String,
    households: Vec<Line>,
}

#[derive(Template)]
#[template(path = "office/sample.html")]
struct Samples {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    district: String,
    campaign: String,
    root: String,
    is_frozen: bool,
    listed: usize,
    can_draw: bool,
    can_find: bool,
    findings: Vec<(&'static str, String)>,
    samples: Vec<Sample>,
    notice: Option<Notice>,
    typed: Fields,
}

/// Shows the samples of a unit.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let tried = (None, Fields::default());
    Asked::of(visitor.lang, shown(app, &visitor, (id, unit), StatusCode::OK, tried).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    (id, unit): (CampaignId, String),
    status: StatusCode,
    (notice, typed): (Option<Notice>, Fields),
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
    let path = || Path((id, unit.clone()));
    let list = lists::read(State(app.clone()), visitor.actor(), path()).await?.0;
    let samples = samples::list(State(app), visitor.actor(), path()).await?.0;
    let hamlets: BTreeMap<&str, String> = list
        .list
        .hamlets
        .iter()
        .map(|one| (one.code.as_str(), format!("{} {}", one.type_word, one.name)))
        .collect();
    let name_of = |mut sample: Drawn| {
        for one in &mut sample.households {
            if let Some(name) = hamlets.get(one.hamlet.as_str()) {
                one.hamlet.clone_from(name);
            }
        }
        sample
    };
    let is_frozen = list.step != "collecting";
    let is_district = visitor.account.post.role == Role::District;
    let drawn = samples.iter().any(|sample| sample.current);
    let page_of = Samples {
        f: visitor.frame(lang.t("Kiểm tra mẫu", "Sample check")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        district: seen.tree.district_of(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        campaign: seen.campaign.name,
        unit,
        root: list.root,
        is_frozen,
        listed: list.list.rows.len(),
        can_draw: is_district && is_frozen && !drawn,
        can_find: is_district,
        findings: findings(lang),
        samples: samples
            .into_iter()
            .map(name_of)
            .map(|sample| sample_of(lang, sample, &typed))
            .collect(),
        notice,
        typed,
    };
    Ok(page(status, &page_of))
}

const DIFFERS: [(&str, Class); 3] = [
    ("differs:poor", Class::Poor),
    ("differs:near_poor", Class::NearPoor),
    ("differs:above", Class::Above),
];

fn findings(lang: Lang) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("", lang.t("– chưa kiểm tra –", "– not checked –").to_owned()),
        ("agrees", finding_text(lang, Finding::Agrees)),
        ("not_met", finding_text(lang, Finding::NotMet)),
    ];
    let differs =
        DIFFERS.map(|(code, class)| (code, finding_text(lang, Finding::Differs { class })));
    all.extend(differs);
    all
}

fn finding_text(lang: Lang, finding: Finding) -> String {
    match finding {
        Finding::Agrees => lang.t("Đúng như danh sách", "Agrees").to_owned(),
        Finding::NotMet => lang.t("Không gặp được hộ", "Not met").to_owned(),
        Finding::Differs { class } => {
            format!("{}: {}", lang.t("Khác phân loại", "Differs"), class_text(lang, class))
        }
    }
}

fn finding_code(finding: Finding) -> &'static str {
    match finding {
        Finding::Agrees => "agrees",
        Finding::NotMet => "not_met",
        Finding::Differs { class } => {
            DIFFERS.iter().find(|(_, known)| *known == class).map_or("", |(code, _)| code)
        }
    }
}

fn finding_of(code: &str) -> Option<Finding> {
    match code {
        "agrees" => Some(Finding::Agrees),
        "not_met" => Some(Finding::NotMet),
        code => {
            let found = DIFFERS.iter().find(|(known, _)| *known == code);
            found.map(|(_, class)| Finding::Differs { class: *class })
        }
    }
}

fn sample_of(lang: Lang, drawn: Drawn, typed: &Fields) -> Sample {
    let tally = drawn.tally;
    let is_typed = typed.get("root") == drawn.root.to_string();
    let households = drawn.households.into_iter().map(|one| {
        let typed = if is_typed { typed.clone() } else { Fields::default() };
        line(lang, one, &typed)
    });
    Sample {
        root: drawn.root,
        current: drawn.current,
        seed: drawn.seed,
        by_server: drawn.drawn_by == "server",
        size: match drawn.size {
            Size::Households(number) => format!("{number} {}", lang.t("hộ", "households")),
            Size::PerCent(number) => format!("{number} %"),
        },
        of: drawn.of,
        by: drawn.by,
        at: time_text(drawn.at_ms),
        by_hand: drawn.by_hand,
        met: tally.met(),
        not_met: tally.not_met,
        open: tally.open(),
        error: match tally.error_rate().percent_hundredths() {
            Some(rate) => {
                format!("{}/{} = {} %", tally.differs, tally.met(), hundredths_vi(rate))
            }
            None => format!("0/{}", tally.met()),
        },
        households: households.collect(),
    }
}

fn line(lang: Lang, one: Checked, typed: &Fields) -> Line {
    let listed = match one.class {
        Some(class) => class_text(lang, class),
        None => outcome_text(lang, one.outcome),
    };
    let finding = one.found.as_ref().map(|found| found.finding);
    let kept = finding.map_or("", finding_code);
    let chosen = typed.find(&format!("finding-{}", one.document)).unwrap_or(kept).to_owned();
    let note = one.found.as_ref().map_or("", |found| found.note.as_str());
    let note = typed.find(&format!("note-{}", one.document)).unwrap_or(note).to_owned();
    Line {
        household: one.household,
        document: one.document,
        head: one.head,
        code: one.code,
        hamlet: one.hamlet,
        listed,
        is_wrong: finding_of(&chosen).is_some_and(|finding| !finding.fits(one.class)),
        chosen,
        text: finding.map_or(String::new(), |finding| finding_text(lang, finding)),
        note,
        by: match &one.found {
            Some(found) => format!("{} · {}", found.by, time_text(found.at_ms)),
            None => String::new(),
        },
        earlier: one.earlier,
    }
}

/// Draws a sample.
pub(super) async fn draw(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let drawn = async {
        let (form, path) = (draw_form(&fields)?, Path((id, unit.clone())));
        samples::draw(State(app.clone()), visitor.actor(), path, Json(form)).await.map(drop)
    };
    let drawn = drawn.await;
    answer(app, &visitor, (id, unit), fields, drawn).await
}

/// Goes back to the page, or shows what was refused with what was typed.
async fn answer(
    app: App,
    visitor: &Visitor,
    (id, unit): (CampaignId, String),
    fields: Fields,
    done: Result<(), Problem>,
) -> Asked {
    let lang = visitor.lang;
    let result = match done {
        Ok(()) => {
            let back = format!("/office/campaigns/{id}/units/{unit}/sample");
            Ok(Redirect::to(&back).into_response())
        }
        Err(problem) => {
            let notice = notice_of(&app, lang, (id, &unit), &problem).await;
            let tried = (notice.ok(), fields);
            let (status, ..) = problem.said();
            shown(app, visitor, (id, unit), status, tried).await
        }
    };
    Asked::of(lang, result)
}

fn draw_form(fields: &Fields) -> Result<Draw, Problem> {
    let root = fields.get("root").parse();
    let root = root.map_err(|_| Problem::new(&problem::BODY_MALFORMED))?;
    let number = fields.get("number").trim().parse();
    let number: u32 = number.map_err(|_| Problem::new(&problem::SAMPLE_SIZE))?;
    let size = match fields.get("unit") {
        "per_cent" => Size::PerCent(number),
        _ => Size::Households(number),
    };
    let seed = Some(fields.get("seed").trim()).filter(|seed| !seed.is_empty());
    Ok(Draw { root, size, seed: seed.map(ToOwned::to_owned) })
}

/// Writes findings down: those that can be are, the others are shown again.
pub(super) async fn find(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let mut done = Ok(());
    for (name, code) in &fields.0 {
        let Some(document) = name.strip_prefix("finding-") else { continue };
        let Some(finding) = finding_of(code) else { continue };
        let found = async {
            let unreadable = || Problem::new(&problem::BODY_MALFORMED);
            let root = fields.get("root").parse().map_err(|_| unreadable())?;
            let note = fields.get(&format!("note-{document}")).to_owned();
            let document = document.parse().map_err(|_| unreadable())?;
            let (form, path) = (Find { root, document, finding, note }, Path((id, unit.clone())));
            samples::find(State(app.clone()), visitor.actor(), path, Json(form)).await.map(drop)
        };
        done = done.and(found.await);
    }
    answer(app, &visitor, (id, unit), fields, done).await
}
