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
use crate::http::households::household;
use crate::http::lists;
use crate::http::samples::{self, Checked, Draw, Drawn, Find, Shown};
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
    /// What is kept, as the form sends it.
    was: Said,
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
    let kept_note = one.found.as_ref().map_or("", |found| found.note.as_str());
    // What nobody has changed is shown as it is kept by now.
    let (now, was) = said(typed, &one.document.to_string());
    let kept = (kept.to_owned(), kept_note.to_owned());
    let (chosen, note) = if now == was { kept.clone() } else { now };
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
        was: kept,
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

/// What a form says of one household: the code of the finding, and the note.
type Said = (String, String);

/// Reads what a form says of a household, and what its page showed of it.
fn said(fields: &Fields, document: &str) -> (Said, Said) {
    let read = |what: &str, note: &str| {
        let note = fields.get(&format!("{note}-{document}"));
        (fields.get(&format!("{what}-{document}")).to_owned(), samples::in_line(note))
    };
    (read("finding", "note"), read("was", "was-note"))
}

/// Writes findings down where somebody has changed them: those that can be are, the others are shown
/// again.
pub(super) async fn find(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let (mut moved, mut missing, mut done) = (Vec::new(), Vec::new(), Ok(()));
    for (name, _) in &fields.0 {
        let Some(document) = name.strip_prefix("finding-") else { continue };
        let (now, was) = said(&fields, document);
        if now == was {
            continue;
        }
        let found = found(&app, &visitor, (id, &unit), (&fields, document), (&now, &was)).await;
        let Err(problem) = found else { continue };
        let name = *problem.said().1;
        if name == problem::SAMPLE_FINDING_MOVED {
            moved.push(named(&app, &visitor, id, document).await);
        } else if name == problem::SAMPLE_FINDING_MISSING {
            missing.push(named(&app, &visitor, id, document).await);
        } else {
            done = done.and(Err(problem));
        }
    }
    if !missing.is_empty() {
        done = Err(Problem::new(&problem::SAMPLE_FINDING_MISSING).with_items(&missing));
    }
    // Said before all else: whoever sends the form again has seen what stands now.
    if !moved.is_empty() {
        done = Err(Problem::new(&problem::SAMPLE_FINDING_MOVED).with_items(&moved));
    }
    answer(app, &visitor, (id, unit), fields, done).await
}

async fn found(
    app: &App,
    visitor: &Visitor,
    place: (CampaignId, &str),
    (fields, document): (&Fields, &str),
    ((code, note), (was, was_note)): (&Said, &Said),
) -> Result<(), Problem> {
    let unreadable = || Problem::new(&problem::BODY_MALFORMED);
    if code.is_empty() {
        return Err(Problem::new(&problem::SAMPLE_FINDING_MISSING));
    }
    let finding = finding_of(code).ok_or_else(unreadable)?;
    let root = fields.get("root").parse().map_err(|_| unreadable())?;
    let document = document.parse().map_err(|_| unreadable())?;
    let shown = Shown::As(finding_of(was).map(|finding| (finding, was_note.clone())));
    let form = Find { root, document, finding, note: note.clone() };
    samples::find_at(app, visitor.actor(), place, form, shown).await
}

/// Names a household by its code, as far as it has one.
async fn named(app: &App, visitor: &Visitor, id: CampaignId, document: &str) -> serde_json::Value {
    let mut name = document.to_owned();
    if let Ok(document) = document.parse::<DocumentId>()
        && let Ok((_, at)) = household(app, &visitor.actor(), id, document).await
        && !at.code.is_empty()
    {
        name = at.code;
    }
    serde_json::json!({ "document": document, "vi": name, "en": name })
}
