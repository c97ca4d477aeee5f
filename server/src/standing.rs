//! Keeps the derived standings of a unit's households fresh, and builds its list from them.
//!
//! A standing is recomputed only where the household's log or the basis moved on since it was
//! cached. The cache may be emptied at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use mobile_schema::problem;
use shared::classify::{Basis, Class};
use shared::date::Date;
use shared::id::DocumentId;
use shared::list::{Hamlet, List};
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::standing::{Logged, Place, Standing, Way, stand};

use crate::app::App;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::campaign::Campaign;
use crate::store::change::LoggedChange;
use crate::store::household::{Cached, HouseholdAt};

/// Version of what the cache holds; raised when `shared` computes something else.
const CACHE_VERSION: u32 = 2;

/// Above this many stale households the unit's log is read in one go.
const STALE_SINGLY_MAX: usize = 24;

/// The basis of a campaign, owned so that it can move to another thread.
#[derive(Debug, Clone)]
pub(crate) struct OwnedBasis {
    standard: Standard,
    table: Option<ScoreTable>,
    review_date: Date,
    region: String,
    name: String,
}

impl OwnedBasis {
    /// Reads a campaign's basis.
    pub(crate) fn of(campaign: &Campaign) -> Result<Self, StoreError> {
        let standard = standard_named(&campaign.standard).ok_or(StoreError::Damaged)?;
        let table = match campaign.score_table.as_str() {
            "" => None,
            json => Some(ScoreTable::parse(json, None).map_err(|_| StoreError::Damaged)?),
        };
        let table_digest =
            shared::id::to_hex(&shared::id::sha256(campaign.score_table.as_bytes())[..8]);
        let name = format!(
            "{CACHE_VERSION}/{}/{table_digest}/{}/{}",
            standard.code, campaign.review_date, campaign.region
        );
        Ok(Self {
            standard,
            table,
            review_date: campaign.review_date,
            region: campaign.region.clone(),
            name,
        })
    }

    /// Lends the basis to the rules.
    pub(crate) fn basis(&self) -> Basis<'_> {
        Basis {
            standard: &self.standard,
            table: self.table.as_ref(),
            review_date: self.review_date,
            region: &self.region,
        }
    }
}

/// Finds a built-in standard by its code.
pub(crate) fn standard_named(code: &str) -> Option<Standard> {
    let known = Standard::nd_07_2021();
    (known.code == code).then_some(known)
}

/// A unit's households with their standings, by household id.
pub(crate) type Standings = Vec<(HouseholdAt, Standing)>;

/// Brings a unit's standings up to date and returns them.
pub(crate) async fn refresh(
    app: &App,
    campaign: &Campaign,
    unit: &str,
) -> Result<Standings, StoreError> {
    let basis = Arc::new(OwnedBasis::of(campaign)?);
    let hamlets = hamlets(app, campaign, unit).await?;
    let cached = app.store.household_cached(campaign.id, unit).await?;
    let mut fresh = BTreeMap::new();
    let mut stale = Vec::new();
    for entry in cached {
        match reuse(&entry, &basis.name, &hamlets) {
            Some(standing) => drop(fresh.insert(entry.at.household, (entry.at, standing))),
            None => stale.push(entry.at),
        }
    }
    if !stale.is_empty() {
        let log = load(app, campaign, unit, &stale).await?;
        let name = basis.name.clone();
        let computed = compute(basis, hamlets, stale, log).await?;
        let mut entries = Vec::new();
        for (at, standing) in &computed {
            let body = serde_json::to_string(standing).map_err(|_| StoreError::Damaged)?;
            entries.push((at.document, at.last_position, body));
        }
        app.store.standing_put(campaign.id, unit, &name, &entries).await?;
        for (at, standing) in computed {
            fresh.insert(at.household, (at, standing));
        }
    }
    Ok(fresh.into_values().collect())
}

async fn hamlets(
    app: &App,
    campaign: &Campaign,
    unit: &str,
) -> Result<BTreeMap<String, Hamlet>, StoreError> {
    let hamlets = app.store.hamlet_list(campaign.id, Some(unit)).await?;
    Ok(hamlets.into_iter().map(|(_, hamlet)| (hamlet.code.clone(), hamlet)).collect())
}

fn reuse(entry: &Cached, basis: &str, hamlets: &BTreeMap<String, Hamlet>) -> Option<Standing> {
    let (position, cached_basis) = entry.computed.as_ref()?;
    if *position != entry.at.last_position || cached_basis != basis {
        return None;
    }
    let standing: Standing = serde_json::from_str(entry.body.as_deref()?).ok()?;
    let same_place = standing.row.hamlet == entry.at.hamlet
        && hamlets.get(&entry.at.hamlet).is_some_and(|hamlet| hamlet.area == standing.row.area);
    same_place.then_some(standing)
}

async fn load(
    app: &App,
    campaign: &Campaign,
    unit: &str,
    stale: &[HouseholdAt],
) -> Result<BTreeMap<DocumentId, Vec<LoggedChange>>, StoreError> {
    let mut log: BTreeMap<DocumentId, Vec<LoggedChange>> = BTreeMap::new();
    if stale.len() > STALE_SINGLY_MAX {
        for change in app.store.change_log(campaign.id, unit, None).await? {
            log.entry(change.document).or_default().push(change);
        }
    } else {
        for at in stale {
            let changes = app.store.change_log(campaign.id, unit, Some(at.document)).await?;
            log.insert(at.document, changes);
        }
    }
    Ok(log)
}

async fn compute(
    basis: Arc<OwnedBasis>,
    hamlets: BTreeMap<String, Hamlet>,
    stale: Vec<HouseholdAt>,
    mut log: BTreeMap<DocumentId, Vec<LoggedChange>>,
) -> Result<Standings, StoreError> {
    let work = move || {
        stale
            .into_iter()
            .map(|at| {
                let hamlet = hamlets.get(&at.hamlet).ok_or(StoreError::Damaged)?;
                let changes = logged(log.remove(&at.document).unwrap_or_default());
                let standing = stand(&place(&at, hamlet), &changes, &basis.basis());
                Ok((at, standing))
            })
            .collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Damaged)?
}

/// Turns rows of the log into what the rules read.
pub(crate) fn logged(changes: Vec<LoggedChange>) -> Vec<Logged> {
    changes
        .into_iter()
        .map(|change| Logged {
            hash: change.hash,
            chunk: change.chunk,
            by: match change.provenance.as_str() {
                "device" => Way::Device,
                "session" => Way::Session,
                _ => Way::Desk,
            },
        })
        .collect()
}

/// Turns a household's server row into what the rules read.
pub(crate) fn place(at: &HouseholdAt, hamlet: &Hamlet) -> Place {
    Place {
        household: at.household,
        document: at.document,
        hamlet: at.hamlet.clone(),
        area: hamlet.area,
        opening: match at.opening_class.as_str() {
            "poor" => Some(Class::Poor),
            "near_poor" => Some(Class::NearPoor),
            _ => None,
        },
        opening_dtts: at.opening_dtts,
    }
}

/// Builds a unit's draft list from its standings.
pub(crate) async fn draft(
    app: &App,
    campaign: &Campaign,
    unit: &str,
    standings: &Standings,
) -> Result<List, StoreError> {
    Ok(List {
        campaign: campaign.id,
        unit: unit.to_owned(),
        review_date: campaign.review_date.to_string(),
        standard: campaign.standard.clone(),
        hamlets: hamlets(app, campaign, unit).await?.into_values().collect(),
        rows: standings.iter().map(|(_, standing)| standing.row.clone()).collect(),
    })
}

/// Finds a campaign or says that there is none.
pub(crate) async fn campaign(app: &App, id: shared::id::CampaignId) -> Result<Campaign, Problem> {
    Ok(app.store.campaign_get(id).await?.ok_or(&problem::CAMPAIGN_UNKNOWN)?)
}
