//! A unit's households with what their logs come to, and the list that is built from them.
//!
//! A standing is a cache of log and basis; it may be emptied at any time. Whoever reads one here
//! gets what the log held when it was asked for, or something newer.

use std::collections::BTreeMap;

use mobile_schema::problem;
use shared::classify::Class;
use shared::id::DocumentId;
use shared::life::Holding;
use shared::list::{List, Row};
use shared::standard::Standard;
use shared::standing::{Place, Standing, gone_by_moving, left_by_joining, moved_in};

use crate::app::App;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::campaign::Campaign;
use crate::store::handover::Departed;
use crate::store::household::{Cached, HouseholdAt, NewStanding};
use crate::worker::BasisText;
use crate::worker::pool::unavailable;

/// Version of what the cache holds; raised when `shared` computes something else.
const CACHE_VERSION: u32 = 6;

/// Times that a unit is looked at again while other processes replace what was computed.
const ROUNDS: usize = 3;

/// Finds a built-in standard by its code.
pub(crate) fn standard_named(code: &str) -> Option<Standard> {
    let known = Standard::nd_07_2021();
    (known.code == code).then_some(known)
}

impl BasisText {
    /// Reads a campaign's basis.
    pub(crate) fn of(campaign: &Campaign) -> Self {
        Self {
            standard: campaign.standard.clone(),
            score_table: campaign.score_table.clone(),
            review_date: campaign.review_date,
            region: campaign.region.clone(),
        }
    }

    /// Names the basis: another name means that what was computed is stale.
    pub(crate) fn name(&self) -> String {
        let table = shared::id::sha256(self.score_table.as_bytes());
        let table = shared::id::to_hex(&table[..8]);
        format!("{CACHE_VERSION}/{}/{table}/{}/{}", self.standard, self.review_date, self.region)
    }
}

impl Cached {
    /// Names everything beside the log that a standing of the household is computed from.
    pub(crate) fn basis(&self, name: &str) -> String {
        let at = &self.at;
        let area = crate::store::campaign::area_name(self.area);
        let merged = self.merged.as_ref().map_or(String::new(), |merged| {
            let [count, decisions, positions] = merged;
            format!("/{count}.{decisions}.{positions}")
        });
        format!("{name}/{}/{}/{area}{merged}", at.unit, at.hamlet)
    }

    /// Reads what was computed and could not be kept as if it were in the cache, where that is older.
    fn know(&mut self, unkept: Option<&NewStanding>) {
        let kept_at = self.computed.as_ref().map_or(0, |(position, _)| *position);
        if let Some(new) = unkept.filter(|new| new.position >= kept_at) {
            self.computed = Some((new.position, new.basis.clone()));
            self.body = Some(new.body.clone());
        }
    }

    /// Tells whether what is cached was computed from this basis, at this position or a later one.
    fn is_of(&self, name: &str, position: i64) -> bool {
        self.computed
            .as_ref()
            .is_some_and(|(at, basis)| *at >= position && *basis == self.basis(name))
    }

    /// Tells whether what is cached is of now.
    pub(crate) fn is_fresh(&self, name: &str) -> bool {
        self.is_of(name, self.at.last_position)
    }

    /// Returns what the rules read of the household's server row.
    pub(crate) fn place(&self) -> Place {
        Place {
            household: self.at.household,
            document: self.at.document,
            hamlet: self.at.hamlet.clone(),
            area: self.area,
            // What it was on is the list of the unit that it left.
            opening: opening(&self.at).filter(|_| !self.at.has_moved_in()),
            opening_dtts: self.at.opening_dtts && !self.at.has_moved_in(),
        }
    }
}

/// Returns the class that a household had on the opening list it was on, wherever that was.
pub(crate) fn opening(at: &HouseholdAt) -> Option<Class> {
    match at.opening_class.as_str() {
        "poor" => Some(Class::Poor),
        "near_poor" => Some(Class::NearPoor),
        _ => None,
    }
}

/// Writes on a household's row what was decided about the household itself.
pub(crate) fn write_decided(at: &HouseholdAt, held: Option<&Holding>, row: &mut Row) {
    if at.has_moved_in() {
        moved_in(row, opening(at), held);
    } else if let Some(held) = held {
        held.write_on(row);
    }
}

/// Returns the row that something is decided about: with the class that it had before the review,
/// wherever that was.
pub(crate) fn row_to_decide(at: &HouseholdAt, mut row: Row) -> Row {
    write_decided(at, None, &mut row);
    row.opening = opening(at);
    row
}

/// Says of a household that left the unit what its list says.
fn departed(gone: Departed) -> (HouseholdAt, Standing) {
    let at = gone.at;
    let place = Place {
        household: at.household,
        document: at.document,
        hamlet: at.hamlet.clone(),
        area: gone.area,
        opening: opening(&at),
        opening_dtts: at.opening_dtts,
    };
    (at, gone_by_moving(&place, gone.members))
}

/// A unit's households with their standings, by household id.
pub(crate) type Standings = Vec<(HouseholdAt, Standing)>;

/// Adds to a unit's standings the households of its opening list that went to another unit: its list
/// names them as moved out. Nothing else of them is the unit's business any more.
pub(crate) async fn with_departed(
    app: &App,
    campaign: &Campaign,
    unit: &str,
    mut standings: Standings,
) -> Result<Standings, StoreError> {
    let gone = app.store.household_departed(campaign.id, unit).await?;
    standings.extend(gone.into_iter().map(departed));
    standings.sort_by_key(|(at, _)| at.household);
    Ok(standings)
}

/// Brings a unit's standings up to date and returns them: those of the households that are in it.
pub(crate) async fn refresh(
    app: &App,
    campaign: &Campaign,
    unit: &str,
) -> Result<Standings, StoreError> {
    let name = BasisText::of(campaign).name();
    let mut cached = app.store.household_cached(campaign.id, unit).await?;
    let mut unkept = BTreeMap::new();
    let asked: BTreeMap<DocumentId, i64> =
        cached.iter().map(|entry| (entry.at.document, entry.at.last_position)).collect();
    for _ in 0..ROUNDS {
        let stale: Vec<DocumentId> = cached
            .iter()
            .filter(|entry| {
                asked.get(&entry.at.document).is_some_and(|asked| !entry.is_of(&name, *asked))
            })
            .map(|entry| entry.at.document)
            .collect();
        if stale.is_empty() {
            let mut standings = standings(cached, &asked)?;
            let holding = app.store.life_holding(campaign.id, unit).await?;
            for (at, standing) in &mut standings {
                write_decided(at, holding.get(&at.household), &mut standing.row);
            }
            standings.sort_by_key(|(at, _)| at.household);
            return Ok(standings);
        }
        let computed = app.materialiser.fresh(campaign.id, &stale).await?;
        unkept.extend(computed.into_iter().map(|new| (new.document, new)));
        cached = app.store.household_cached(campaign.id, unit).await?;
        for entry in &mut cached {
            entry.know(unkept.get(&entry.at.document));
        }
    }
    Err(unavailable())
}

/// Reads the standings of the households that were there when the unit was first looked at.
fn standings(
    cached: Vec<Cached>,
    asked: &BTreeMap<DocumentId, i64>,
) -> Result<Standings, StoreError> {
    let mut standings = Vec::with_capacity(cached.len());
    for entry in cached.into_iter().filter(|entry| asked.contains_key(&entry.at.document)) {
        let body = entry.body.as_deref().ok_or(StoreError::Damaged)?;
        let standing: Standing = serde_json::from_str(body).map_err(|_| StoreError::Damaged)?;
        match &entry.absorbed_by {
            None => standings.push((entry.at, standing)),
            // Nobody vanishes from the opening list: listed twice, it joined the other.
            Some(by) if !entry.at.opening_class.is_empty() && !entry.at.has_moved_in() => {
                standings.push((entry.at, left_by_joining(standing, by.kept)));
            }
            Some(_) => {}
        }
    }
    Ok(standings)
}

/// Builds a unit's draft list from its standings.
pub(crate) async fn draft(
    app: &App,
    campaign: &Campaign,
    unit: &str,
    standings: &Standings,
) -> Result<List, StoreError> {
    let hamlets = app.store.hamlet_list(campaign.id, Some(unit)).await?;
    let hamlets: BTreeMap<_, _> =
        hamlets.into_iter().map(|(_, hamlet)| (hamlet.code.clone(), hamlet)).collect();
    Ok(List {
        campaign: campaign.id,
        unit: unit.to_owned(),
        review_date: campaign.review_date.to_string(),
        standard: campaign.standard.clone(),
        hamlets: hamlets.into_values().collect(),
        rows: standings.iter().map(|(_, standing)| standing.row.clone()).collect(),
    })
}

/// Finds a campaign or says that there is none.
pub(crate) async fn campaign(app: &App, id: shared::id::CampaignId) -> Result<Campaign, Problem> {
    Ok(app.store.campaign_get(id).await?.ok_or(&problem::CAMPAIGN_UNKNOWN)?)
}
