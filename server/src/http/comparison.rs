//! A unit's list held against the opening list, and against what the phones answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use mobile_schema::household::Value;
use serde::Serialize;
use shared::classify::Class;
use shared::compare::{After, Before, Cell, compare};
use shared::id::{CampaignId, DocumentId};
use shared::list::{Outcome, Provenance, Row};
use shared::phones::{Against, Kind, Touched};
use shared::resolve::Path as AnswerPath;
use shared::scope::Role;

use super::extract::{Json, Path, Seen, list_unit};
use super::lists;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::standing::{Standings, refresh, with_departed};
use crate::store::StoreError;
use crate::store::desk::Author;
use crate::store::material::AT_ONCE;
use crate::worker::BasisText;

/// A list against the opening list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Compared {
    /// Root of the list.
    pub(super) root: String,
    /// Step of the list.
    pub(super) step: String,
    /// Every move with how many made it.
    #[schema(value_type = Vec<Object>)]
    pub(super) cells: Vec<Cell>,
    /// Households that left, by the outcome of the visit.
    pub(super) left: BTreeMap<String, usize>,
    /// Changes of all rows by the way they came.
    #[schema(value_type = Object)]
    pub(super) provenance: Provenance,
    /// Every household.
    pub(super) rows: Vec<Moved>,
}

/// One household's move.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Moved {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    pub(super) code: String,
    /// Name of the head of the household.
    pub(super) head: String,
    pub(super) hamlet: String,
    #[schema(value_type = String)]
    pub(super) before: Before,
    #[schema(value_type = String)]
    pub(super) after: After,
    /// Outcome of the visit as answered.
    pub(super) visit: String,
    pub(super) b1: Option<i64>,
    pub(super) b2: Option<i64>,
    /// Changes by the way they came.
    #[schema(value_type = Object)]
    pub(super) provenance: Provenance,
    /// Parts of the form that were filled in on paper.
    pub(super) on_paper: u32,
    /// Changes an office made after the first phone.
    pub(super) desk_after_phones: usize,
    /// Changes by which somebody put several versions together.
    pub(super) joined: usize,
}

/// Holds a unit's list against the opening list.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/comparison",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Compared),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Compared>, Problem> {
    let path = Path((id, unit.clone()));
    let shown = lists::read(State(app.clone()), actor.clone(), path).await?.0;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let standings = with_departed(&app, &seen.campaign, &unit, standings).await?;
    let traces = touches(&app, id, &unit).await?;
    let rows = shown.list.rows;
    let named: BTreeMap<DocumentId, _> =
        standings.iter().map(|(at, standing)| (at.document, (at, standing))).collect();
    let mut left = BTreeMap::new();
    let mut provenance = Provenance::default();
    let mut moved = Vec::new();
    for row in &rows {
        let Some((at, standing)) = named.get(&row.document) else { continue };
        let (before, after) = (Before::of(row), After::of(row));
        if after == After::Left {
            *left.entry(standing.visit.clone()).or_default() += 1;
        }
        provenance.device += row.provenance.device;
        provenance.session += row.provenance.session;
        provenance.desk += row.provenance.desk;
        let touched = traces.get(&row.document).copied().unwrap_or_default();
        moved.push(Moved {
            document: row.document,
            code: at.code.clone(),
            head: standing.head.clone(),
            hamlet: row.hamlet.clone(),
            before,
            after,
            visit: standing.visit.clone(),
            b1: row.b1,
            b2: row.b2,
            provenance: row.provenance,
            on_paper: standing.on_paper,
            desk_after_phones: touched.desk_after_phones,
            joined: touched.joined,
        });
    }
    let cells = compare(&rows);
    let (root, step) = (shown.root, shown.step);
    Ok(Json(Compared { root, step, cells, left, provenance, rows: moved }))
}

/// What the log alone says about a household.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touches {
    phones: usize,
    desk_after_phones: usize,
    joined: usize,
}

/// Reads who touched the households of a unit. What was read before is not read again for as long as
/// the log only grows: where changes were taken back, or households moved away, there are gaps in it.
async fn touches(
    app: &App,
    id: CampaignId,
    unit: &str,
) -> Result<Arc<BTreeMap<DocumentId, Touches>>, StoreError> {
    let key = (id, unit.to_owned());
    let gaps = app.store.change_gaps(id, unit).await?;
    let last = app.touches.last(&key).filter(|((_, before), _)| *before == gaps);
    let ((until, _), known) = last.unwrap_or_default();
    let traces = app.store.change_traces(id, unit, until).await?;
    let Some(last) = traces.last().map(|trace| trace.position) else { return Ok(known) };
    let mut found = (*known).clone();
    for trace in traces {
        let touches = found.entry(trace.document).or_default();
        if trace.provenance != "desk" {
            touches.phones += 1;
        } else if touches.phones > 0 {
            touches.desk_after_phones += 1;
        }
        touches.joined += usize::from(trace.dependencies > 1);
    }
    let found = Arc::new(found);
    app.touches.put(key, (last, gaps), Arc::clone(&found));
    Ok(found)
}

/// A household whose answers are not only those of its phones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Differing {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    pub(super) code: String,
    /// Name of the head of the household.
    pub(super) head: String,
    pub(super) hamlet: String,
    /// Outcome on the list.
    #[schema(value_type = String)]
    pub(super) outcome: Outcome,
    /// Class on the list.
    #[schema(value_type = Option<String>)]
    pub(super) class: Option<Class>,
    /// Outcome without the offices.
    #[schema(value_type = String)]
    pub(super) phones_outcome: Outcome,
    /// Class without the offices.
    #[schema(value_type = Option<String>)]
    pub(super) phones_class: Option<Class>,
    /// Disputes that would be open without the offices.
    pub(super) phones_disputes: u32,
    /// Changes by the way they came.
    #[schema(value_type = Object)]
    pub(super) provenance: Provenance,
    /// Every answer that was changed over a phone's.
    pub(super) answers: Vec<Answered>,
    /// Households that were merged into it: what their phones answered is not held against this.
    #[schema(value_type = Vec<String>)]
    pub(super) merged: Vec<DocumentId>,
}

impl Differing {
    /// Tells whether outcome or class are others than the phones'.
    pub(super) fn is_of_another_class(&self) -> bool {
        (self.outcome, self.class) != (self.phones_outcome, self.phones_class)
    }
}

/// An answer that was changed over what phones had answered, by whom and why.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Answered {
    /// `settled`, `overwritten` or `corrected`.
    #[schema(value_type = String)]
    pub(super) kind: Kind,
    #[schema(value_type = String)]
    pub(super) path: AnswerPath,
    #[schema(value_type = Vec<Object>)]
    pub(super) before: Vec<Option<Value>>,
    #[schema(value_type = Option<Object>)]
    pub(super) after: Option<Value>,
    pub(super) by: String,
    pub(super) note: String,
    pub(super) at_ms: i64,
}

/// Lists the households of a unit whose answers were settled, corrected or overwritten after a
/// phone's, with what the phones alone come to.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/comparison/phones",
    params(("campaign" = String, Path), ("unit" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Vec<Differing>),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn phones(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Result<Json<Vec<Differing>>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let traces = touches(&app, id, &unit).await?;
    let touched = traces.iter().filter(|(_, of)| of.desk_after_phones + of.joined > 0);
    let touched: BTreeSet<DocumentId> = touched.map(|(document, _)| *document).collect();
    let found = held_against(&app, &seen, &standings, &touched).await?;
    let authors = app.store.change_deciders(id, &unit).await?;
    let mut merged: BTreeMap<DocumentId, Vec<DocumentId>> = BTreeMap::new();
    for (kept, absorbed) in app.store.link_pairs(id, &unit).await? {
        merged.entry(kept).or_default().push(absorbed);
    }
    Ok(Json(differing(&standings, &found, &authors, &merged)))
}

/// Holds households against their phones' answers: those that moved since it was done last.
async fn held_against(
    app: &App,
    seen: &Seen,
    standings: &Standings,
    touched: &BTreeSet<DocumentId>,
) -> Result<BTreeMap<DocumentId, Arc<Against>>, StoreError> {
    let basis = BasisText::of(&seen.campaign).name();
    let mut marks = BTreeMap::new();
    for (at, standing) in standings.iter().filter(|(at, _)| touched.contains(&at.document)) {
        let area = standing.row.area;
        let mark = format!("{}/{basis}/{}/{}/{area:?}", at.last_position, at.unit, at.hamlet);
        marks.insert(at.document, mark);
    }
    let (mut found, mut open) = (BTreeMap::new(), Vec::new());
    for (document, mark) in &marks {
        match app.against.at(document, mark) {
            Some(known) => found.extend(known.map(|known| (*document, known))),
            None => open.push(*document),
        }
    }
    for documents in open.chunks(AT_ONCE) {
        let mut held: BTreeMap<_, _> =
            app.materialiser.against(&seen.campaign, documents).await?.into_iter().collect();
        for document in documents {
            let against = held.remove(document).map(Arc::new);
            found.extend(against.clone().map(|against| (*document, against)));
            if let Some(mark) = marks.remove(document) {
                app.against.put(*document, mark, against);
            }
        }
    }
    Ok(found)
}

fn differing(
    standings: &Standings,
    found: &BTreeMap<DocumentId, Arc<Against>>,
    authors: &BTreeMap<(DocumentId, shared::id::ChangeHash), Author>,
    merged: &BTreeMap<DocumentId, Vec<DocumentId>>,
) -> Vec<Differing> {
    let mut lines = Vec::new();
    for (at, standing) in standings {
        let Some(against) = found.get(&at.document) else { continue };
        let row: &Row = &standing.row;
        let answers = against.touched.iter().cloned().map(|touched| {
            let author = authors.get(&(at.document, touched.by));
            answered(touched, author)
        });
        let line = Differing {
            document: at.document,
            code: at.code.clone(),
            head: standing.head.clone(),
            hamlet: row.hamlet.clone(),
            outcome: row.outcome,
            class: row.class,
            phones_outcome: against.outcome,
            phones_class: against.class,
            phones_disputes: against.disputes,
            provenance: row.provenance,
            answers: answers.collect(),
            merged: merged.get(&at.document).cloned().unwrap_or_default(),
        };
        if !line.answers.is_empty() || line.is_of_another_class() {
            lines.push(line);
        }
    }
    lines
}

fn answered(touched: Touched, author: Option<&Author>) -> Answered {
    Answered {
        kind: touched.kind,
        path: touched.path,
        before: touched.before,
        after: touched.after,
        by: author.map(|author| author.name.clone()).unwrap_or_default(),
        note: author.map(|author| author.note.clone()).unwrap_or_default(),
        at_ms: author.map_or(0, |author| author.at_ms),
    }
}
