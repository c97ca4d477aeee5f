//! Samples to check (kiểm tra mẫu): drawn once from a frozen list by a printed seed, and what was
//! found at each household.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::classify::Class;
use shared::id::{CampaignId, Digest, DocumentId, HouseholdId, to_hex};
use shared::list::{List, Outcome};
use shared::remark::remark_text;
use shared::sample::{self, Finding, Size, Tally};
use shared::scope::Role;

use super::extract::{Json, Path, list_unit};
use super::lists::frozen;
use crate::app::App;
use crate::auth::Actor;
use crate::keys::random;
use crate::problem::{Body, Problem};
use crate::standing::{refresh, with_departed};
use crate::store::sample::{Found, NewFinding, NewSample, Sample};

/// How a sample can be drawn again by hand.
const BY_HAND: &str = "printf %s 'SEED:HOUSEHOLD' | sha256sum";

/// A sample with what was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Drawn {
    /// List it was drawn from.
    #[schema(value_type = String)]
    pub(super) root: Digest,
    /// The list is the current one.
    pub(super) current: bool,
    /// What the households were drawn by.
    pub(super) seed: String,
    /// `server` where it drew the seed, `person` where somebody gave it.
    pub(super) drawn_by: String,
    /// As it was asked for.
    #[schema(value_type = Object)]
    pub(super) size: Size,
    /// Households of the list.
    pub(super) of: usize,
    /// Name of who asked for it.
    pub(super) by: String,
    /// When.
    pub(super) at_ms: i64,
    /// How to draw it again by hand: the households whose hashes come first.
    pub(super) by_hand: &'static str,
    /// The households, in the order of their places.
    pub(super) households: Vec<Checked>,
    /// How far it is checked.
    #[schema(value_type = Object)]
    pub(super) tally: Tally,
    /// Households of another class in hundredths of a per cent of those met; the fraction itself is
    /// in the tally.
    pub(super) error_hundredths: Option<i64>,
}

/// One household of a sample.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Checked {
    #[schema(value_type = String)]
    pub(super) household: HouseholdId,
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// SHA-256 that gave it its place.
    #[schema(value_type = String)]
    pub(super) place: Digest,
    pub(super) code: String,
    /// Name of the head of the household.
    pub(super) head: String,
    pub(super) hamlet: String,
    /// As the list has it.
    #[schema(value_type = String)]
    pub(super) outcome: Outcome,
    /// As the list has it.
    #[schema(value_type = Option<String>)]
    pub(super) class: Option<Class>,
    /// What was found last.
    pub(super) found: Option<Finds>,
    /// Findings written down before that one.
    pub(super) earlier: usize,
}

/// What was found at a household.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Finds {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) finding: Finding,
    pub(super) note: String,
    /// Name of who wrote it down.
    pub(super) by: String,
    pub(super) at_ms: i64,
}

/// Lists the samples of a unit with what was found, the newest first.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/sample",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Drawn>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Drawn>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let samples = app.store.sample_list(id, &unit).await?;
    if samples.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let current = app.store.list_step(id, &unit).await?.root();
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let standings = with_departed(&app, &seen.campaign, &unit, standings).await?;
    let names: BTreeMap<DocumentId, (String, String)> = standings
        .into_iter()
        .map(|(at, standing)| (at.document, (at.code, standing.head)))
        .collect();
    let mut drawn = Vec::new();
    for sample in samples {
        let list = frozen(&app, id, &unit, sample.root).await?;
        let found = app.store.sample_findings(id, &unit, sample.root).await?;
        let is_current = current == Some(sample.root);
        drawn.push(Drawn { current: is_current, ..shown(&list, sample, found, &names)? });
    }
    Ok(Json(drawn))
}

fn shown(
    list: &List,
    sample: Sample,
    found: Vec<Found>,
    names: &BTreeMap<DocumentId, (String, String)>,
) -> Result<Drawn, Problem> {
    let rows: BTreeMap<HouseholdId, _> = list.rows.iter().map(|row| (row.household, row)).collect();
    let ids: Vec<HouseholdId> = rows.keys().copied().collect();
    let mut by_document: BTreeMap<DocumentId, Vec<Found>> = BTreeMap::new();
    for one in found {
        by_document.entry(one.document).or_default().push(one);
    }
    let mut households = Vec::new();
    for household in sample::draw(&sample.seed, &ids, sample.size)? {
        let Some(row) = rows.get(&household) else { continue };
        let mut found = by_document.remove(&row.document).unwrap_or_default();
        let last = found.pop();
        let (code, head) = names.get(&row.document).cloned().unwrap_or_default();
        households.push(Checked {
            household,
            document: row.document,
            place: sample::place(&sample.seed, household),
            code,
            head,
            hamlet: row.hamlet.clone(),
            outcome: row.outcome,
            class: row.class,
            earlier: found.len(),
            found: last.map(|found| Finds {
                finding: found.finding,
                note: found.note,
                by: found.by,
                at_ms: found.at_ms,
            }),
        });
    }
    let findings = households.iter().filter_map(|one| one.found.as_ref());
    let tally = Tally::of(households.len(), findings.map(|found| found.finding));
    Ok(Drawn {
        root: sample.root,
        current: false,
        seed: sample.seed,
        drawn_by: sample.drawn_by,
        size: sample.size,
        of: ids.len(),
        by: sample.by,
        at_ms: sample.at_ms,
        by_hand: BY_HAND,
        households,
        tally,
        error_hundredths: tally.error_rate().percent_hundredths(),
    })
}

/// What sample to draw.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Draw {
    /// Root of the list as shown.
    #[schema(value_type = String)]
    pub(super) root: Digest,
    /// `{"households": 12}` or `{"per_cent": 5}`.
    #[schema(value_type = Object)]
    pub(super) size: Size,
    /// A seed that was agreed on; where there is none the server draws one.
    #[serde(default)]
    pub(super) seed: Option<String>,
}

/// The seed that a sample was drawn by.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Seeded {
    seed: String,
}

/// Draws the sample of a frozen list, once. Sent again as it was, it changes nothing.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/sample",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Draw, security(("bearer" = [])), responses(
    (status = 200, body = Seeded),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 409, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn draw(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Draw>,
) -> Result<Json<Seeded>, Problem> {
    let actor = actor.with_role(&[Role::District])?;
    list_unit(&app, &actor, id, &unit).await?;
    check_current(&app, id, &unit, form.root).await?;
    let list = frozen(&app, id, &unit, form.root).await?;
    let ids: Vec<HouseholdId> = list.rows.iter().map(|row| row.household).collect();
    let (seed, drawn_by) = match &form.seed {
        Some(seed) => (seed.trim().to_owned(), "person"),
        None => (to_hex(&random::<8>()), "server"),
    };
    sample::draw(&seed, &ids, form.size)?;
    let (root, size, by, at_ms) = (form.root, form.size, actor.account.id, app.now_ms());
    let mut tx = app.store.begin().await?;
    tx.unit_lock(id, &unit).await?;
    if tx.list_step(id, &unit).await?.0.root() != Some(root) {
        return Err(Problem::new(&problem::LIST_ROOT_STALE));
    }
    let new = NewSample { root, seed: &seed, drawn_by, size, by, at_ms };
    let is_new = tx.sample_add(id, &unit, &new).await?;
    tx.commit().await?;
    if is_new {
        return Ok(Json(Seeded { seed }));
    }
    let samples = app.store.sample_list(id, &unit).await?.into_iter();
    let same = samples.filter(|known| (known.root, known.size) == (root, size));
    let mut same = same.filter(|known| form.seed.is_none() || known.seed == seed);
    let known = same.next().ok_or(&problem::SAMPLE_DRAWN)?;
    Ok(Json(Seeded { seed: known.seed }))
}

/// Refuses a root that is not that of the frozen list of now.
async fn check_current(app: &App, id: CampaignId, unit: &str, root: Digest) -> Result<(), Problem> {
    match app.store.list_step(id, unit).await?.root() {
        Some(current) if current == root => Ok(()),
        Some(_) => Err(Problem::new(&problem::LIST_ROOT_STALE)),
        None => Err(Problem::new(&problem::LIST_STATE)),
    }
}

/// What was found at one household of a sample.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Find {
    /// Root of the list the sample was drawn from.
    #[schema(value_type = String)]
    pub(super) root: Digest,
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// `{"finding": "agrees"}`, `{"finding": "not_met"}` or
    /// `{"finding": "differs", "class": "near_poor"}`.
    #[schema(value_type = Object)]
    pub(super) finding: Finding,
    #[serde(default)]
    pub(super) note: String,
}

/// What a page showed of a household when somebody wrote its finding down.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nobody says.
    Unsaid,
    /// The newest finding with its note, none before the first.
    As(Option<(Finding, String)>),
}

/// Writes a note as the one line that a form has for it.
pub(super) fn in_line(note: &str) -> String {
    note.trim().replace(['\r', '\n'], "")
}

/// Writes down what was found; no answer of the household changes by it.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/units/{unit}/sample/findings",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    request_body = Find, security(("bearer" = [])), responses(
    (status = 200, body = bool),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
    (status = 422, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn find(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Json(form): Json<Find>,
) -> Result<Json<bool>, Problem> {
    find_at(&app, actor, (id, &unit), form, Shown::Unsaid).await?;
    Ok(Json(true))
}

/// Writes a finding down, where what was shown of the household still stands.
pub(super) async fn find_at(
    app: &App,
    actor: Actor,
    (id, unit): (CampaignId, &str),
    form: Find,
    shown: Shown,
) -> Result<(), Problem> {
    let actor = actor.with_role(&[Role::District])?;
    list_unit(app, &actor, id, unit).await?;
    let samples = app.store.sample_list(id, unit).await?.into_iter();
    let mut samples = samples.filter(|sample| sample.root == form.root);
    let sample = samples.next().ok_or(&problem::HOUSEHOLD_NOT_LISTED)?;
    let list = frozen(app, id, unit, form.root).await?;
    let ids: Vec<HouseholdId> = list.rows.iter().map(|row| row.household).collect();
    let drawn = sample::draw(&sample.seed, &ids, sample.size)?;
    let drawn: BTreeSet<HouseholdId> = drawn.into_iter().collect();
    let mut rows = list.rows.iter().filter(|row| drawn.contains(&row.household));
    let row = rows.find(|row| row.document == form.document);
    let row = row.ok_or(&problem::HOUSEHOLD_NOT_LISTED)?;
    if !form.finding.fits(row.class) {
        return Err(Problem::new(&problem::SAMPLE_FINDING));
    }
    let note = match form.note.trim() {
        "" => String::new(),
        note => remark_text(note)?,
    };
    let mut tx = app.store.begin().await?;
    tx.unit_lock(id, unit).await?;
    let (root, document, finding) = (form.root, form.document, form.finding);
    let (last, known) = tx.sample_finding_last(id, unit, root, document).await?;
    if known != Some((finding, note.clone())) {
        if let Shown::As(shown) = shown {
            let read =
                |one: Option<(Finding, String)>| one.map(|(what, note)| (what, in_line(&note)));
            if read(shown) != read(known) {
                return Err(Problem::new(&problem::SAMPLE_FINDING_MOVED));
            }
        }
        let (position, by, at_ms) = (last + 1, actor.account.id, app.now_ms());
        let new = NewFinding { root, position, document, finding, note: &note, by, at_ms };
        tx.sample_finding_add(id, unit, &new).await?;
        tx.commit().await?;
    }
    Ok(())
}
