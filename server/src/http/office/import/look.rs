//! A file that was sent, looked at and then written, once: whoever asks again meanwhile is told so,
//! for the page that answers the first is the only one with the passwords.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use shared::id::{CampaignId, to_hex};

use super::words::kind_text;
use super::{find, in_turn};
use crate::app::App;
use crate::http::extract::Path;
use crate::http::imports::FAULTS_MAX;
use crate::http::imports::work::{Judged, Kind, Password, Taken, judge_in_turn, take};
use crate::http::office::frame::{Asked, Frame, Lang, Notice, Posted, Visitor, page};
use crate::imports::faults::RowFault;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::upload::Upload;

/// One fault as the page shows it.
struct FaultLine {
    sheet: u32,
    line: u64,
    column: String,
    text: String,
}

/// What was found in a file, as the page shows it.
#[derive(Default)]
struct Findings {
    good: usize,
    left_out: usize,
    total: usize,
    faults: Vec<FaultLine>,
}

impl Findings {
    fn of(lang: Lang, kind: Kind, judged: &Judged) -> Self {
        let faults = judged.faults.iter().take(FAULTS_MAX);
        Self {
            good: judged.good,
            left_out: judged.left_out,
            total: judged.faults.len(),
            faults: faults.map(|fault| fault_line(lang, kind, &fault)).collect(),
        }
    }
}

fn fault_line(lang: Lang, kind: Kind, fault: &RowFault) -> FaultLine {
    let sets = kind.columns();
    let column = sets.iter().flat_map(|set| set.iter()).find(|column| column.key == fault.column);
    let title = column.and_then(|column| column.titles.first().copied());
    FaultLine {
        sheet: fault.sheet,
        line: fault.line,
        column: title.unwrap_or(&fault.column).to_owned(),
        text: lang.t(&fault.vi, &fault.en).to_owned(),
    }
}

#[derive(Template)]
#[template(path = "office/upload.html")]
struct Look {
    f: Frame,
    id: CampaignId,
    upload: String,
    name: &'static str,
    file: String,
    is_roster: bool,
    notice: Option<Notice>,
    good: usize,
    left_out: usize,
    total: usize,
    most: usize,
    faults: Vec<FaultLine>,
    taken: Option<(i64, i64)>,
    passwords: Vec<Password>,
}

/// What a page says above the findings.
type Said = (StatusCode, Notice);

fn said(lang: Lang, problem: &Problem) -> Said {
    (problem.said().0, Notice::of(lang, problem))
}

/// Says that another request writes the file.
fn being_taken(lang: Lang) -> Said {
    let text = lang.t(
        "Tệp này đã được bấm ghi và đang ghi hoặc đã ghi xong. Đợi một lát rồi tải lại trang.",
        "The file is being written, or has been, by an earlier click. Wait a moment and load the \
         page again.",
    );
    (StatusCode::CONFLICT, Notice { text, name: "upload-taken", items: Vec::new() })
}

/// Shows what a file would write, and which rows cannot be used.
pub(super) async fn look(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, upload)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let (found, kind) = find(&app, &visitor, id, &upload).await?;
            looked(&app, &visitor, (found, kind), None).await
        }
        .await,
    )
}

/// Judges a file anew and shows it.
async fn looked(
    app: &App,
    visitor: &Visitor,
    (upload, kind): (Upload, Kind),
    refused: Option<Said>,
) -> Result<Response, Problem> {
    let (lang, id) = (visitor.lang, upload.campaign);
    let (_turn, sent) = in_turn(app, &upload).await?;
    if let Some((new, old)) = upload.taken.filter(|_| sent.bytes.is_empty()) {
        let good = usize::try_from(new.saturating_add(old)).unwrap_or(0);
        let findings = Findings { good, ..Findings::default() };
        return Ok(shown(visitor, (upload, kind), findings, refused, Vec::new()));
    }
    let (findings, unread) = match judge_in_turn(app, &visitor.actor(), id, kind, &sent).await {
        Ok(judged) => (Findings::of(lang, kind, &judged), None),
        Err(problem) if problem.said().0.is_server_error() => return Err(problem),
        Err(problem) => (Findings::default(), Some(said(lang, &problem))),
    };
    Ok(shown(visitor, (upload, kind), findings, refused.or(unread), Vec::new()))
}

/// Shows a file. Nothing is asked of the store: after rows are written this cannot fail.
fn shown(
    visitor: &Visitor,
    (upload, kind): (Upload, Kind),
    findings: Findings,
    refused: Option<Said>,
    passwords: Vec<Password>,
) -> Response {
    let (status, notice) = refused.unzip();
    let Findings { good, left_out, total, faults } = findings;
    let page_of = Look {
        f: visitor.frame(kind_text(visitor.lang, kind)),
        id: upload.campaign,
        upload: to_hex(&upload.id),
        name: kind.name(),
        file: upload.name,
        is_roster: kind == Kind::Roster,
        notice,
        good,
        left_out,
        total,
        most: FAULTS_MAX,
        faults,
        taken: upload.taken,
        passwords,
    };
    page(status.unwrap_or(StatusCode::OK), &page_of)
}

/// The right to write a file's rows, given back where it is dropped before they are: whoever's
/// browser broke off may press the button again.
struct Claim {
    app: App,
    id: [u8; 16],
    is_open: bool,
}

impl Claim {
    async fn of(app: &App, id: [u8; 16]) -> Result<Option<Self>, StoreError> {
        let claimed = app.store.upload_claim(id, app.now_ms()).await?;
        Ok(claimed.then(|| Self { app: app.clone(), id, is_open: true }))
    }

    async fn release(mut self) -> Result<(), StoreError> {
        let released = self.app.store.upload_release(self.id).await;
        self.is_open = released.is_err();
        released
    }

    async fn keep(mut self, counts: (i64, i64), is_whole: bool) -> Result<(), StoreError> {
        let now_ms = self.app.now_ms();
        self.app.store.upload_taken(self.id, counts, is_whole, now_ms).await?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        // Where this fails the claim ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (app, id) = (self.app.clone(), self.id);
            runtime.spawn(async move { app.store.upload_release(id).await });
        }
    }
}

/// Writes the good rows of a file. Passwords of people added are shown on the page that answers,
/// and nowhere else.
pub(super) async fn confirm(
    State(app): State<App>,
    Path((id, upload)): Path<(CampaignId, String)>,
    posted: Posted,
) -> Asked {
    let visitor = posted.visitor;
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let (mut found, kind) = find(&app, &visitor, id, &upload).await?;
            let back = Redirect::to(&format!("/office/campaigns/{id}/uploads/{upload}"));
            if found.taken.is_some() {
                return Ok(back.into_response());
            }
            let Some(claim) = Claim::of(&app, found.id).await? else {
                return looked(&app, &visitor, (found, kind), Some(being_taken(lang))).await;
            };
            let (findings, taken) = match written(&app, &visitor, &found, kind).await {
                Ok(written) => written,
                Err(problem) => {
                    claim.release().await?;
                    if problem.said().0.is_server_error() {
                        return Err(problem);
                    }
                    let refused = Some(said(lang, &problem));
                    return looked(&app, &visitor, (found, kind), refused).await;
                }
            };
            let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let counts = (number(taken.taken), number(taken.skipped));
            let noted = claim.keep(counts, findings.total == 0).await;
            if taken.passwords.is_empty() {
                noted?;
                return Ok(back.into_response());
            }
            if let Err(error) = noted {
                // The rows are written, and this page alone has the passwords.
                tracing::error!(error = %error, "a file could not be noted as written");
            }
            found.taken = Some(counts);
            Ok(shown(&visitor, (found, kind), findings, None, taken.passwords))
        }
        .await,
    )
}

/// Judges a file and writes its good rows.
async fn written(
    app: &App,
    visitor: &Visitor,
    upload: &Upload,
    kind: Kind,
) -> Result<(Findings, Taken), Problem> {
    let (actor, id) = (visitor.actor(), upload.campaign);
    let (turn, sent) = in_turn(app, upload).await?;
    let judged = judge_in_turn(app, &actor, id, kind, &sent).await?;
    drop(sent);
    // An opening list's file is read once more while it is written.
    let turn = (kind == Kind::Roster).then_some(turn);
    let findings = Findings::of(visitor.lang, kind, &judged);
    let taken = take(app, &actor, id, judged).await?;
    drop(turn);
    Ok((findings, taken))
}
