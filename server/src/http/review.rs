//! The review desk of a commune: disputes on which something hangs, those that a rule settled, and
//! everything that ever stood against each other in one household.

pub(super) mod turn;

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::household::{Asked, Value};
use mobile_schema::problem;
use serde::Serialize;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::layout::masked;
use shared::ledger::{Entry, Kind};
use shared::resolve::{Dispute, Path as AnswerPath};
use shared::standard::{Line, Standard};
use shared::standing::Standing;
use shared::triage::{Hang, RULE, Verdict, Words};

use self::turn::{After, Found, PAGE, read_turn, turn, turn_text};
use super::extract::{Json, Path, Query, Seen, list_unit};
use super::households::{OFFICES, household};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::standing::{refresh, standard_named};
use crate::store::StoreError;
use crate::store::change::Authorship;
use crate::store::household::HouseholdAt;
use crate::store::material::AT_ONCE;
use crate::worker::Case;

/// Who wrote a value, on what and when.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Writer {
    #[serde(flatten)]
    pub(super) by: Authorship,
    /// `paper` or `phone`, where the form says so.
    pub(super) medium: Option<String>,
    /// Who asked the question, where the form says so.
    pub(super) asked_by: Option<String>,
    /// Day on the form.
    pub(super) day: Option<String>,
}

/// One of the values.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Side {
    /// The value; null where it is that there is no answer.
    #[schema(value_type = Object)]
    pub(super) value: Option<Value>,
    /// The same in words, Vietnamese and English.
    #[schema(value_type = Object)]
    pub(super) text: Line,
    /// The rule chose it.
    pub(super) chosen: bool,
    /// Who wrote it.
    pub(super) by: Vec<Writer>,
}

/// One answer on which people disagree.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Question {
    /// Which answer, as it is named in settling.
    #[schema(value_type = String)]
    pub(super) path: AnswerPath,
    #[schema(value_type = Object)]
    pub(super) label: Line,
    /// What hangs on it, or that nothing does.
    #[schema(value_type = Object)]
    pub(super) sentence: Line,
    /// Every figure that is another one depending on it.
    #[schema(value_type = Vec<Object>)]
    pub(super) hangs: Vec<Hang>,
    /// Name of the rule that settled it; null where a person decides.
    pub(super) rule: Option<&'static str>,
    pub(super) sides: Vec<Side>,
}

/// A household with disputes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Household {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    pub(super) code: String,
    pub(super) hamlet: String,
    /// Name of the head, empty where it is not agreed.
    pub(super) head: String,
    /// Version that was looked at; to settle at.
    #[schema(value_type = Vec<String>)]
    pub(super) heads: Vec<ChangeHash>,
    /// Changes of a copied phone's side branch that a decision may close.
    #[schema(value_type = Vec<String>)]
    pub(super) closes: Vec<ChangeHash>,
    /// There are more combinations of values than are worked out: a person decides each.
    pub(super) beyond: bool,
    /// Empty where what is open is shown on the household's own page only.
    pub(super) questions: Vec<Question>,
}

impl Household {
    fn of(at: &HouseholdAt, standing: &Standing, questions: Vec<Question>) -> Self {
        Self {
            document: at.document,
            code: at.code.clone(),
            hamlet: at.hamlet.clone(),
            head: standing.head.clone(),
            heads: standing.heads.clone(),
            closes: standing.forked.clone(),
            beyond: standing.triage.beyond,
            questions,
        }
    }
}

/// What a commune has to decide, and what was decided by the rule.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Queue {
    /// Households where something hangs on a dispute; only these disputes.
    pub(super) waiting: Vec<Household>,
    /// Disputes on which nothing hangs; each may be decided otherwise.
    pub(super) by_rule: Vec<Household>,
    /// Name of the rule.
    pub(super) rule: &'static str,
    /// Households in all, on this page and on others.
    pub(super) found: Found,
    /// Where the next page begins; nothing on the last one.
    pub(super) next: Option<String>,
}

/// Lists what waits for a decision in a commune, with what hangs on each, and what the rule settled:
/// 50 households at one time.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/units/{unit}/review-desk",
    params(("campaign" = String, Path), ("unit" = String, Path), After),
    security(("bearer" = [])), responses(
    (status = 200, body = Queue),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn queue(
    State(app): State<App>,
    actor: Actor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(asked): Query<After>,
) -> Result<Json<Queue>, Problem> {
    let after = match asked.after.as_deref().filter(|after| !after.is_empty()) {
        Some(after) => Some(read_turn(after).ok_or(&problem::QUERY_MALFORMED)?),
        None => None,
    };
    let most = asked.most.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&most) {
        return Err(Problem::new(&problem::QUERY_MALFORMED));
    }
    let actor = actor.with_role(&OFFICES)?;
    let seen = list_unit(&app, &actor, id, &unit).await?;
    let standings = refresh(&app, &seen.campaign, &unit).await?;
    let mut disputed: Vec<(HouseholdAt, Standing)> =
        standings.into_iter().filter(|(_, standing)| !standing.disputes.is_empty()).collect();
    let count = |of: fn(&Standing) -> bool| disputed.iter().filter(|(_, one)| of(one)).count();
    let found = Found {
        waiting: count(|one| one.open.disputes > 0),
        by_rule: count(|one| one.open.by_rule > 0),
    };
    disputed.sort_by_key(|(at, standing)| turn(at, standing));
    if let Some(after) = after {
        disputed.retain(|(at, standing)| turn(at, standing) > after);
    }
    let is_more = disputed.len() > most;
    disputed.truncate(most);
    let last = disputed.last().filter(|_| is_more);
    let next = last.map(|(at, standing)| turn_text(turn(at, standing)));
    let mut queue = Queue { waiting: Vec::new(), by_rule: Vec::new(), rule: RULE, found, next };
    for some in disputed.chunks(AT_ONCE) {
        let documents: Vec<DocumentId> = some.iter().map(|(at, _)| at.document).collect();
        let cases = app.materialiser.cases(&seen.campaign, &documents).await?;
        let cases: BTreeMap<DocumentId, Case> = cases.into_iter().collect();
        for (at, standing) in some {
            let (person, rule) = match cases.get(&at.document) {
                Some(case) => Told::of(&app, &seen, at, case).await?.households(),
                None => (None, None),
            };
            // What is between merged documents, or cannot be told, is decided on its own page.
            let bare = || Household::of(at, standing, Vec::new());
            queue.waiting.extend(person.or_else(|| (standing.open.disputes > 0).then(bare)));
            queue.by_rule.extend(rule);
        }
    }
    Ok(Json(queue))
}

/// One entry of the ledger, with who wrote what.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Stood {
    #[schema(value_type = String)]
    pub(super) path: AnswerPath,
    #[schema(value_type = Object)]
    pub(super) label: Line,
    /// `competing`, `removed`, `side_branch`, `cleared`, `unread`, `overwritten` or `settled`.
    #[schema(value_type = String)]
    pub(super) kind: Kind,
    pub(super) open: bool,
    pub(super) sides: Vec<Side>,
    /// The change that wrote over the values or decided between them.
    pub(super) by: Option<Writer>,
    /// What it wrote, in words.
    #[schema(value_type = Object)]
    pub(super) after: Option<Line>,
}

/// Everything that stood or stands against each other in a household.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Stood>,
    /// Households that were merged into this one, each with a ledger of its own; what stands between
    /// their documents is decided where they were merged.
    pub(super) merged: Vec<Registered>,
    /// The household that this one was merged into.
    pub(super) merged_into: Option<Registered>,
}

/// Another registration of the same household.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Registered {
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// Code on the opening list, empty for one a phone registered.
    pub(super) code: String,
}

/// Names registrations by their codes.
pub(super) async fn registered(
    app: &App,
    id: CampaignId,
    documents: &[DocumentId],
) -> Result<Vec<Registered>, StoreError> {
    let names = app.store.household_names(id, documents).await?;
    let code = |document| names.get(document).map(|(code, _)| code.clone()).unwrap_or_default();
    let all = documents.iter();
    Ok(all.map(|document| Registered { document: *document, code: code(document) }).collect())
}

/// Reads the dispute ledger of a household.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/households/{document}/ledger",
    params(("campaign" = String, Path), ("document" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Ledger),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn ledger(
    State(app): State<App>,
    actor: Actor,
    Path((id, document)): Path<(CampaignId, DocumentId)>,
) -> Result<Json<Ledger>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let (seen, at) = household(&app, &actor, id, document).await?;
    let mut cases = app.materialiser.cases(&seen.campaign, &[document]).await?;
    let (_, case) = cases.pop().ok_or(&problem::DOCUMENT_BROKEN)?;
    let told = Told::of(&app, &seen, &at, &case).await?;
    let entries = case.entries.iter().map(|entry| told.stood(entry)).collect();
    let links = app.store.link_into(id, document).await?;
    let merged: Vec<DocumentId> = links.iter().map(|link| link.absorbed).collect();
    let merged = registered(&app, id, &merged).await?;
    let into = app.store.link_of(id, document).await?;
    let merged_into = registered(&app, id, into.as_slice()).await?.pop();
    Ok(Json(Ledger { entries, merged, merged_into }))
}

/// A household's case with what its words are taken from.
struct Told<'a> {
    at: &'a HouseholdAt,
    case: &'a Case,
    standard: Standard,
    authors: BTreeMap<ChangeHash, Authorship>,
}

impl<'a> Told<'a> {
    async fn of(
        app: &App,
        seen: &Seen,
        at: &'a HouseholdAt,
        case: &'a Case,
    ) -> Result<Self, Problem> {
        let standard = standard_named(&seen.campaign.standard).ok_or(StoreError::Damaged)?;
        let authors = app.store.change_authors(seen.campaign.id, at.document).await?;
        let authors = authors.into_iter().map(|author| (author.hash, author)).collect();
        Ok(Self { at, case, standard, authors })
    }

    fn words(&self) -> Words<'_> {
        Words { standard: &self.standard, members: &self.case.members }
    }

    /// Returns what a person decides and what the rule did, each with its part of the disputes.
    fn households(&self) -> (Option<Household>, Option<Household>) {
        let standing = &self.case.standing;
        let (mut person, mut rule) = (Vec::new(), Vec::new());
        for dispute in &standing.disputes {
            let Some(verdict) = standing.triage.of(&dispute.path) else { continue };
            let question = self.question(dispute, verdict);
            if question.rule.is_some() { rule.push(question) } else { person.push(question) }
        }
        let with = |questions: Vec<Question>| {
            (!questions.is_empty()).then(|| Household::of(self.at, standing, questions))
        };
        (with(person), with(rule))
    }

    fn question(&self, dispute: &Dispute, verdict: &Verdict) -> Question {
        let words = self.words();
        let (hangs, rule, chosen) = match verdict {
            Verdict::Rule(chosen) => (Vec::new(), Some(RULE), Some(chosen)),
            Verdict::Person(hangs) => (hangs.clone(), None, None),
        };
        let sides = dispute.values.iter().map(|side| {
            let is_chosen = chosen.is_some_and(|chosen| *chosen == side.value);
            self.side(&dispute.path, (&side.value, &side.changes), is_chosen)
        });
        Question {
            label: words.label(&dispute.path),
            sentence: words.sentence(dispute, verdict),
            hangs,
            rule,
            sides: sides.collect(),
            path: dispute.path.clone(),
        }
    }

    fn side(
        &self,
        path: &AnswerPath,
        (value, changes): (&Option<Value>, &[ChangeHash]),
        chosen: bool,
    ) -> Side {
        Side {
            text: self.words().value(path, value.as_ref()),
            value: value.as_ref().map(|value| shown(path, value)),
            chosen,
            by: changes.iter().filter_map(|hash| self.writer(path, *hash)).collect(),
        }
    }

    fn writer(&self, path: &AnswerPath, hash: ChangeHash) -> Option<Writer> {
        let by = self.authors.get(&hash)?.clone();
        let mut marks = self.case.marks.iter();
        let mark = marks.find(|mark| mark.change == hash && mark.path == *path);
        let asked = mark.map(|mark| mark.asked.clone()).unwrap_or_default();
        let Asked { by: asked_by, medium, day, .. } = asked;
        Some(Writer { by, medium, asked_by, day })
    }

    fn stood(&self, entry: &Entry) -> Stood {
        let sides = entry.values.iter();
        let sides = sides.map(|side| self.side(&entry.path, (&side.value, &side.changes), false));
        Stood {
            label: self.words().label(&entry.path),
            kind: entry.kind,
            open: entry.is_open(),
            sides: sides.collect(),
            by: entry.by.and_then(|hash| self.writer(&entry.path, hash)),
            after: entry.by.map(|_| self.words().value(&entry.path, entry.after.as_ref())),
            path: entry.path.clone(),
        }
    }
}

/// Shows an identity number by its end: whole it is on the household's own page.
fn shown(path: &AnswerPath, value: &Value) -> Value {
    match (path, value.as_text()) {
        (AnswerPath::Member(_, key), Some(number)) if key == "id_number" => masked(number).into(),
        _ => value.clone(),
    }
}
