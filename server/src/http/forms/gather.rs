//! Loads what the forms are made of: the counts of recognised lists, or those of a frozen report.
//!
//! One list is read at a time and only its counts are kept; frozen bytes never change, so their
//! counts are never stale.

use std::collections::BTreeMap;
use std::sync::Arc;

use mobile_schema::problem;
use serde::Deserialize;
use serde_json::json;
use shared::approve::Step;
use shared::forms::{Covered, Preliminary, Tally, UnitLine, differences, is_counted, lines};
use shared::id::{CampaignId, Digest};
use shared::list::List;
use shared::register::{Decided, Kind, Period, in_order, moves, persons_unknown};
use shared::scope::Role;
use shared::standard::Standard;
use shared::unit::{Area, UnitTree};

use crate::app::App;
use crate::auth::Actor;
use crate::http::extract::{Seen, campaign};
use crate::http::lists::{frozen, make_draft};
use crate::http::register::period::{Asked, decisions, period_of};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::preliminary::{Made, NewPreliminary};

/// Which figures are asked for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct Which {
    /// Unit code; the caller's own unit where absent.
    pub(in crate::http) under: Option<String>,
    /// Number of a preliminary report; official figures where absent.
    pub(in crate::http) number: Option<i64>,
    /// Unit that the preliminary report was made for, where it is not the unit asked for.
    pub(in crate::http) of: Option<String>,
    /// 7.2, 7.3: first day of the flows, `YYYY-MM-DD`; the opening list's where absent.
    pub(in crate::http) from: Option<String>,
    /// 7.2, 7.3: last day of the flows; the end of the year where absent.
    pub(in crate::http) to: Option<String>,
    /// 7.2, 7.3: `none` where a household that comes and goes in between counts in no flow, `both`
    /// where it counts in both.
    pub(in crate::http) through: Option<String>,
    /// 7.2, 7.3: years after leaving a list within which coming back is falling back.
    pub(in crate::http) look_back: Option<u8>,
}

impl Which {
    fn asked(&self) -> Asked<'_> {
        Asked {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            through: self.through.as_deref(),
            look_back: self.look_back,
        }
    }
}

/// What figures are.
#[derive(Debug, Clone)]
pub(in crate::http) enum Standing {
    /// From recognised lists, every one of them.
    Official,
    /// From a report that was frozen on a day.
    Preliminary(Made),
}

/// The figures of a unit and what they rest on.
#[derive(Debug)]
pub(in crate::http) struct Gathered {
    pub(in crate::http) seen: Seen,
    pub(in crate::http) unit: String,
    pub(in crate::http) name: String,
    pub(in crate::http) standing: Standing,
    pub(in crate::http) lists: usize,
    pub(in crate::http) due: usize,
    pub(in crate::http) lines: Vec<UnitLine>,
    /// Poor and near-poor households of the opening lists as loaded; official figures only.
    pub(in crate::http) loaded: Option<[u64; 2]>,
    pub(in crate::http) standard: Standard,
    /// What 7.2 and 7.3 are computed over; none in reports of before there was a register.
    pub(in crate::http) period: Option<Period>,
    /// Households of 7.2 and 7.3 whose persons are not known: persons are no whole sums there.
    pub(in crate::http) persons_unknown: usize,
}

impl Gathered {
    /// Tells whether B1 was computed with a synthetic score table anywhere.
    pub(in crate::http) fn is_synthetic(&self) -> bool {
        let parts = self
            .lines
            .iter()
            .flat_map(|line| [Area::Urban, Area::Rural].map(|area| line.part(area)));
        parts.flatten().any(|part| part.synthetic > 0)
    }
}

/// Finds the unit asked for, or the caller's own. Any other does not exist for the caller.
pub(in crate::http) fn covered_unit(
    seen: &Seen,
    actor: &Actor,
    under: Option<String>,
) -> Result<String, Problem> {
    let post = &actor.account.post;
    let unit = under.unwrap_or_else(|| post.unit.clone());
    if seen.tree.get(&unit).is_some() && post.covers(&seen.tree, &unit) {
        Ok(unit)
    } else {
        Err(Problem::new(&problem::UNIT_UNKNOWN))
    }
}

/// Loads the figures of a unit, and refuses those that are incomplete or do not close.
pub(in crate::http) async fn gather(
    app: &App,
    actor: Actor,
    id: CampaignId,
    which: Which,
) -> Result<Gathered, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(app, &actor, id).await?;
    let unit = covered_unit(&seen, &actor, which.under.clone())?;
    match which.number {
        None => {
            let period = period_of(app, &seen, which.asked()).await?;
            official(app, seen, unit, period).await
        }
        Some(number) => {
            let of = which.of.unwrap_or_else(|| unit.clone());
            preliminary(app, seen, unit, &of, number).await
        }
    }
}

async fn official(
    app: &App,
    seen: Seen,
    unit: String,
    period: Period,
) -> Result<Gathered, Problem> {
    let tallies = recognised(app, &seen, &unit).await?;
    let missing: Vec<_> = list_units(&seen.tree, &unit)
        .filter(|(code, _)| !tallies.contains_key(code))
        .map(|(code, name)| json!({ "unit": code, "name": name }))
        .collect();
    if !missing.is_empty() {
        return Err(Problem::new(&problem::REPORT_INCOMPLETE).with_items(&missing));
    }
    let standard = standard(&seen.campaign.standard)?;
    let due = tallies.len();
    let decided = decisions(app, &seen, &unit, &period).await?;
    let inside = decided.iter().filter(|(code, _)| tallies.contains_key(*code));
    let persons_unknown = inside.map(|(_, decided)| persons_unknown(decided, &period)).sum();
    let with_moves = tallies.into_iter().map(|(code, tally)| {
        let moves = decided.get(&code).map(|decided| moves(decided, &period));
        (code, tally.with_moves(&moves.unwrap_or_default()))
    });
    let tallies: BTreeMap<String, Tally> = with_moves.collect();
    let lines = closed(lines(&seen.tree, &unit, &tallies))?;
    let name = name_of(&seen.tree, &unit);
    // What was loaded is the opening list of the register's first campaign, and of its day.
    let campaign = &seen.campaign;
    let is_first = campaign.register == campaign.id && period.from == campaign.opening_date;
    let loaded = if is_first { Some(loaded(app, &seen, &unit).await?) } else { None };
    let (standing, period) = (Standing::Official, Some(period));
    Ok(Gathered {
        seen,
        unit,
        name,
        standing,
        lists: due,
        due,
        lines,
        loaded,
        standard,
        period,
        persons_unknown,
    })
}

/// Counts a list that may not be recognised yet as if it were decided on the last day, and the
/// households whose persons are not known.
fn foreseen(list: &List, decided: &[Decided], period: &Period) -> (Tally, usize) {
    let others = decided
        .iter()
        .filter(|one| one.kind == Kind::Opening || one.campaign != list.campaign)
        .cloned();
    let this = Decided::of_list(list, "", period.to, i64::MAX);
    let decided = in_order(others.chain([this]).collect());
    let tally = Tally::of(list).with_moves(&moves(&decided, period));
    (tally, persons_unknown(&decided, period))
}

/// Counts the poor and near-poor households of the opening lists of a unit as they were loaded.
async fn loaded(app: &App, seen: &Seen, top: &str) -> Result<[u64; 2], StoreError> {
    let mut loaded = [0; 2];
    for (unit, class, count) in app.store.household_opening_counts(seen.campaign.id).await? {
        let side = match class.as_str() {
            "poor" => &mut loaded[0],
            "near_poor" => &mut loaded[1],
            _ => continue,
        };
        *side += if seen.tree.contains(top, &unit) { count } else { 0 };
    }
    Ok(loaded)
}

async fn preliminary(
    app: &App,
    seen: Seen,
    unit: String,
    of: &str,
    number: i64,
) -> Result<Gathered, Problem> {
    if !seen.tree.contains(of, &unit) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let kept = app.store.preliminary_get(seen.campaign.id, of, number).await?;
    let (made, body) = kept.ok_or(&problem::NOT_FOUND)?;
    let kept: Preliminary = serde_json::from_str(&body).map_err(|_| StoreError::Damaged)?;
    let mut tallies = kept.tallies();
    tallies.retain(|code, _| seen.tree.contains(&unit, code));
    let standard = standard(&kept.standard)?;
    let (lists, due) = (tallies.len(), list_units(&seen.tree, &unit).count());
    let lines = closed(lines(&seen.tree, &unit, &tallies))?;
    let name = name_of(&seen.tree, &unit);
    let (standing, loaded, period) = (Standing::Preliminary(made), None, kept.period);
    let persons_unknown = kept.persons_unknown(|code| seen.tree.contains(&unit, code));
    Ok(Gathered {
        seen,
        unit,
        name,
        standing,
        lists,
        due,
        lines,
        loaded,
        standard,
        period,
        persons_unknown,
    })
}

/// Refuses figures whose flows do not close, with every difference.
fn closed(lines: Vec<UnitLine>) -> Result<Vec<UnitLine>, Problem> {
    let differences = differences(&lines);
    if differences.is_empty() {
        Ok(lines)
    } else {
        Err(Problem::new(&problem::REPORT_NOT_CLOSED).with_items(&differences))
    }
}

fn standard(code: &str) -> Result<Standard, Problem> {
    crate::standing::standard_named(code).ok_or_else(|| Problem::new(&problem::STANDARD_UNKNOWN))
}

pub(in crate::http) fn name_of(tree: &UnitTree, unit: &str) -> String {
    tree.get(unit).map(|unit| unit.full_name()).unwrap_or_default()
}

/// Lists the units below one that keep a list, itself included: code and name.
pub(in crate::http) fn list_units<'a>(
    tree: &'a UnitTree,
    top: &'a str,
) -> impl Iterator<Item = (String, String)> + 'a {
    tree.list_units()
        .into_iter()
        .filter(move |unit| tree.contains(top, unit.code()))
        .map(|unit| (unit.code().to_owned(), unit.full_name()))
}

/// Counts each recognised list below a unit.
async fn recognised(
    app: &App,
    seen: &Seen,
    top: &str,
) -> Result<BTreeMap<String, Arc<Tally>>, StoreError> {
    let mut tallies = BTreeMap::new();
    for (unit, step) in app.store.list_steps(seen.campaign.id).await? {
        let Step::Recognised { root } = step else { continue };
        if seen.tree.contains(top, &unit) {
            let tally = counted(app, seen.campaign.id, &unit, root).await?;
            tallies.insert(unit, tally);
        }
    }
    Ok(tallies)
}

/// Counts a frozen list, or remembers what it came to.
async fn counted(
    app: &App,
    id: CampaignId,
    unit: &str,
    root: Digest,
) -> Result<Arc<Tally>, StoreError> {
    let known = app.tallies.lock().ok().and_then(|tallies| tallies.get(&root).cloned());
    if let Some(tally) = known {
        return Ok(tally);
    }
    let tally = Arc::new(Tally::of(&frozen(app, id, unit, root).await?));
    if let Ok(mut kept) = app.tallies.lock() {
        kept.insert(root, Arc::clone(&tally));
    }
    Ok(tally)
}

/// Freezes what is counted now: lists that are frozen, and drafts that lack nothing.
pub(in crate::http) async fn make(
    app: &App,
    actor: &Actor,
    seen: &Seen,
    unit: &str,
    number: i64,
) -> Result<Made, Problem> {
    let id = seen.campaign.id;
    if let Some(made) = already(app, actor, id, unit, number).await? {
        return Ok(made);
    }
    let steps = app.store.list_steps(id).await?;
    let mut covered = Vec::new();
    let period = period_of(app, seen, Asked::default()).await?;
    let mut decided = decisions(app, seen, unit, &period).await?;
    let units: Vec<(String, String)> = list_units(&seen.tree, unit).collect();
    for (code, _) in &units {
        let step = steps.get(code).unwrap_or(&Step::Collecting);
        let (root, list) = match step.root() {
            Some(root) => (root, frozen(app, id, code, root).await?),
            None => {
                let draft = make_draft(app, seen, code).await?;
                if !is_counted(&draft.blockers) {
                    continue;
                }
                (draft.root, draft.list)
            }
        };
        let decided = decided.remove(code).unwrap_or_default();
        let (tally, persons_unknown) = foreseen(&list, &decided, &period);
        let (unit, step) = (code.clone(), step.name().to_owned());
        covered.push(Covered { unit, step, root: root.to_string(), tally, persons_unknown });
    }
    let kept = Preliminary {
        unit: unit.to_owned(),
        standard: seen.campaign.standard.clone(),
        opening_date: seen.campaign.opening_date,
        review_date: seen.campaign.review_date,
        period: Some(period),
        due: units.len(),
        covered,
    };
    closed(lines(&seen.tree, unit, &kept.tallies()))?;
    append(app, actor, id, &kept, number).await
}

/// Finds the report that the same person has made under the number: the button was pressed twice.
async fn already(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    unit: &str,
    number: i64,
) -> Result<Option<Made>, StoreError> {
    let made = app.store.preliminary_list(id, unit).await?;
    Ok(made
        .into_iter()
        .find(|made| made.number == number && made.account == Some(actor.account.id)))
}

async fn append(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    kept: &Preliminary,
    number: i64,
) -> Result<Made, Problem> {
    let count = |count: usize| i64::try_from(count).map_err(|_| StoreError::Damaged);
    let body = serde_json::to_string(kept).map_err(|_| StoreError::Damaged)?;
    let new = NewPreliminary {
        number,
        by: actor.account.id,
        made_at_ms: app.now_ms(),
        covered: count(kept.covered.len())?,
        due: count(kept.due)?,
        body: &body,
    };
    let mut tx = app.store.begin().await?;
    if tx.preliminary_lock(id, &kept.unit).await? + 1 == number {
        tx.preliminary_add(id, &kept.unit, &new).await?;
        tx.commit().await?;
    }
    let made = already(app, actor, id, &kept.unit, number).await?;
    Ok(made.ok_or(&problem::PRELIMINARY_NUMBER)?)
}
