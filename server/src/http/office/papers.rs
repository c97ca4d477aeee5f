//! The signed papers of a unit as scans: listed, attached, saved to a disk.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mobile_schema::problem;
use shared::id::{CampaignId, Digest};
use shared::scan::PaperKind;

use super::frame::{Asked, Fields, Frame, Lang, Notice, Visitor, page, time_text};
use super::upload::{File, Sent};
use crate::app::App;
use crate::http::extract::{Path, list_unit};
use crate::http::scans::{self, Which};
use crate::problem::Problem;

/// One scan in the table.
struct Line {
    kind: &'static str,
    title: String,
    file: String,
    by: String,
    at: String,
    digest: Digest,
}

#[derive(Template)]
#[template(path = "office/papers.html")]
struct Papers {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    scans: Vec<Line>,
    kinds: Vec<(&'static str, &'static str)>,
    notice: Option<Notice>,
    typed: Fields,
}

fn kind_text(lang: Lang, kind: PaperKind) -> &'static str {
    match kind {
        PaperKind::Opinion => lang.t("Ý kiến của huyện", "Opinion of the district"),
        PaperKind::Decision => {
            lang.t("Quyết định công nhận (Mẫu 02)", "Decision of recognition (form 02)")
        }
        PaperKind::Minutes => lang.t("Biên bản họp dân, niêm yết", "Minutes of meeting or posting"),
    }
}

/// Writes a size as people read it: KB, rounded up.
fn size_text(bytes: i64) -> String {
    format!("{} KB", bytes.saturating_add(1023) / 1024)
}

/// Shows the scans of a unit.
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
    let path = Path((id, unit.clone()));
    let scans = scans::list(State(app), visitor.actor(), path).await?.0;
    let lines = scans.into_iter().map(|scan| Line {
        kind: kind_text(lang, scan.kind),
        title: scan.title,
        file: format!("{} · {}", scan.media.ending().to_uppercase(), size_text(scan.size_bytes)),
        by: scan.by,
        at: time_text(scan.at_ms),
        digest: scan.digest,
    });
    let kinds = PaperKind::ALL.into_iter().filter(|kind| kind.role() == visitor.account.post.role);
    let page_of = Papers {
        f: visitor.frame(lang.t("Bản quét văn bản", "Scans of papers")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        unit,
        scans: lines.collect(),
        kinds: kinds.map(|kind| (kind.name(), kind_text(lang, kind))).collect(),
        notice,
        typed,
    };
    Ok(page(status, &page_of))
}

/// Attaches a scan.
pub(super) async fn attach(
    State(app): State<App>,
    Path((id, unit)): Path<(CampaignId, String)>,
    sent: Sent,
) -> Asked {
    let Sent { visitor, fields, file, .. } = sent;
    let lang = visitor.lang;
    let kept = async {
        let bytes = match file {
            File::Given(bytes) => bytes,
            File::TooLarge => return Err(Problem::new(&problem::SCAN_TOO_LARGE)),
            File::None => return Err(Problem::new(&problem::SCAN_KIND)),
        };
        let (kind, title) = (fields.get("kind").to_owned(), fields.get("title").to_owned());
        let which = Which { kind, title };
        scans::keep(&app, &visitor.actor(), (id, &unit), &which, &bytes).await
    };
    let result = match kept.await {
        Ok(_) => {
            let back = format!("/office/campaigns/{id}/units/{unit}/scans");
            Ok(Redirect::to(&back).into_response())
        }
        Err(problem) => {
            let tried = (Some(Notice::of(lang, &problem)), fields);
            let (status, ..) = problem.said();
            shown(app.clone(), &visitor, (id, unit.clone()), status, tried).await
        }
    };
    Asked::of(lang, result)
}

/// Hands a scan out as a file.
pub(super) async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit, digest)): Path<(CampaignId, String, Digest)>,
) -> Asked {
    let path = Path((id, unit, digest));
    Asked::of(visitor.lang, scans::read(State(app), visitor.actor(), path).await)
}
