//! Brings fingerprints up to date and finds the pairs of a campaign.
//!
//! Both are caches: fingerprints of the logs, pairs of the fingerprints.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::duplicate::{Grounds, HouseholdKeys, Likely, Placed, find, keys_of};
use shared::id::{CampaignId, DocumentId};

use crate::app::App;
use crate::store::StoreError;
use crate::store::campaign::Campaign;
use crate::store::material::AT_ONCE;
use crate::store::pair::Keyed;

/// Version of the fingerprints; raised when `shared` makes others.
const KEYS_VERSION: u32 = 1;

/// Households read anew for one request, at most: some ten seconds of work. What is left is said.
pub(crate) const READ_MAX: usize = 8_000;

/// Two households that may be one.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) one: Place,
    pub(crate) other: Place,
    pub(crate) likely: Likely,
    pub(crate) grounds: Grounds,
}

/// Where a household is, and by what name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) document: DocumentId,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    pub(crate) code: String,
}

/// The pairs of a campaign as found last.
#[derive(Debug, Clone)]
pub(crate) struct Last {
    /// What they were found from.
    mark: [i64; 3],
    at: Instant,
    pairs: Arc<Vec<Pair>>,
}

/// The pairs of campaigns as found last.
pub(crate) type Known = BTreeMap<CampaignId, Last>;

/// How old what is told of other units may be: a province's households are not compared again for
/// every page that some commune looks at while phones hand in.
const LATELY: Duration = Duration::from_secs(60);

/// How new pairs must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Of the fingerprints as they are.
    Now,
    /// Of the last minute.
    Lately,
}

/// Names the key and the rules that fingerprints are made with.
fn basis(app: &App) -> String {
    format!("{KEYS_VERSION}/{}", app.keys.kid)
}

/// Brings the fingerprints of units up to date; returns how many households are still to be read.
pub(crate) async fn read_anew(
    app: &App,
    campaign: &Campaign,
    units: &[String],
) -> Result<usize, StoreError> {
    let (basis, key) = (basis(app), app.keys.match_key());
    let (mut room, mut left) = (READ_MAX, 0);
    for unit in units {
        let stale = app.store.pair_unkeyed(campaign.id, unit, &basis, i64::MAX).await?;
        let now = stale.len().min(room);
        room -= now;
        left += stale.len() - now;
        for some in stale[..now].chunks(AT_ONCE) {
            let documents: Vec<DocumentId> = some.iter().map(|of| of.document).collect();
            let mut answers = app.materialiser.own_answers(campaign, &documents).await?;
            let mut new = Vec::with_capacity(some.len());
            for of in some {
                // One that cannot be merged has nothing to be found by, and is read again when it moves on.
                let household = answers.remove(&of.document).unwrap_or_default();
                let keys = keys_of(&household, |bytes| key.fingerprint(bytes));
                let mut body = Vec::new();
                ciborium::into_writer(&keys, &mut body).map_err(|_| StoreError::Damaged)?;
                new.push((*of, body));
            }
            app.store.pair_keys_put(campaign.id, unit, &basis, &new).await?;
        }
    }
    Ok(left)
}

/// Finds the pairs within a unit, as its fingerprints are.
pub(crate) async fn pairs_within(
    app: &App,
    campaign: CampaignId,
    unit: &str,
) -> Result<Vec<Pair>, StoreError> {
    let keyed = app.store.pair_keys(campaign, &basis(app), unit).await?;
    tokio::task::spawn_blocking(move || found(keyed)).await.map_err(|_| StoreError::Damaged)?
}

/// Finds the pairs of a campaign.
pub(crate) async fn pairs(
    app: &App,
    campaign: CampaignId,
    freshness: Freshness,
) -> Result<Arc<Vec<Pair>>, StoreError> {
    let mark = app.store.pair_mark(campaign).await?;
    let known = app.pairs.lock().ok().and_then(|known| known.get(&campaign).cloned());
    let is_enough = |last: &Last| {
        last.mark == mark || (freshness == Freshness::Lately && last.at.elapsed() < LATELY)
    };
    if let Some(last) = known.filter(is_enough) {
        return Ok(last.pairs);
    }
    let at = Instant::now();
    let keyed = app.store.pair_keys(campaign, &basis(app), "").await?;
    let found = tokio::task::spawn_blocking(move || found(keyed)).await;
    let pairs = Arc::new(found.map_err(|_| StoreError::Damaged)??);
    if let Ok(mut known) = app.pairs.lock() {
        known.insert(campaign, Last { mark, at, pairs: Arc::clone(&pairs) });
    }
    Ok(pairs)
}

fn found(mut keyed: Vec<Keyed>) -> Result<Vec<Pair>, StoreError> {
    // A database sorts texts by its own rules.
    keyed.sort_by(|a, b| (&a.unit, a.document).cmp(&(&b.unit, b.document)));
    let mut keys: Vec<HouseholdKeys> = Vec::with_capacity(keyed.len());
    for of in &keyed {
        keys.push(ciborium::from_reader(of.body.as_slice()).map_err(|_| StoreError::Damaged)?);
    }
    let mut units: Vec<&str> = keyed.iter().map(|of| of.unit.as_str()).collect();
    units.dedup();
    let unit_of = |of: &Keyed| {
        let at = units.binary_search(&of.unit.as_str()).unwrap_or(0);
        u32::try_from(at).unwrap_or(0)
    };
    let placed: Vec<Placed<'_>> =
        keyed.iter().zip(&keys).map(|(of, keys)| Placed { unit: unit_of(of), keys }).collect();
    let place = |at: usize| {
        let of: &Keyed = &keyed[at];
        let (unit, hamlet, code) = (of.unit.clone(), of.hamlet.clone(), of.code.clone());
        Place { document: of.document, unit, hamlet, code }
    };
    let pair = |found: shared::duplicate::Found| Pair {
        one: place(found.one),
        other: place(found.other),
        likely: found.likely,
        grounds: found.grounds,
    };
    Ok(find(&placed).into_iter().map(pair).collect())
}
