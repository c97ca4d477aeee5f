//! Sync health: who is silent since when, what is waiting, held or quarantined and why, and how much
//! the log holds; by device, hamlet, commune or district.
//!
//! Counts, labels and times only: no answer of anybody is read for it.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::id::{CampaignId, DeviceId};
use shared::scope::Role;
use shared::unit::UnitTree;

use super::extract::{Json, Path, Query, Seen, campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;
use crate::store::health::{Progress, SetAside, Works};
use crate::store::volume::Volume;

/// Which part of the tree to show.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Under {
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
}

/// Which part of the tree to show, and in rows of what.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct By {
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
    /// `hamlet`, `commune` (where absent) or `district`.
    pub(super) by: Option<String>,
}

/// Changes that are stored and not merged.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Aside {
    pub(super) waiting: i64,
    /// What a person still has to decide on.
    pub(super) held: i64,
    pub(super) quarantined: i64,
    /// The same by reason, with those an officer left out.
    pub(super) reasons: Vec<Reason>,
}

/// Changes with one fate for one reason.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Reason {
    /// `waiting`, `held` or `quarantined`.
    fate: String,
    /// Published problem name; empty for what waits.
    reason: String,
    changes: i64,
}

impl Aside {
    fn add(&mut self, set_aside: &SetAside) {
        let (fate, reason, changes) = (&set_aside.fate, &set_aside.reason, set_aside.changes);
        match fate.as_str() {
            "waiting" => self.waiting += changes,
            "quarantined" => self.quarantined += changes,
            _ if *reason != problem::CHANGE_LEFT_OUT.name => self.held += changes,
            _ => {}
        }
        let same = |known: &&mut Reason| (&known.fate, &known.reason) == (fate, reason);
        match self.reasons.iter_mut().find(same) {
            Some(known) => known.changes += changes,
            None => {
                let (fate, reason) = (fate.clone(), reason.clone());
                self.reasons.push(Reason { fate, reason, changes });
            }
        }
    }
}

/// One device's health in a campaign.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DeviceHealth {
    #[schema(value_type = String)]
    pub(super) device: DeviceId,
    pub(super) label: String,
    pub(super) unit: String,
    /// Hamlets in scope where its people have work now.
    pub(super) hamlets: Vec<String>,
    pub(super) last_sync_ms: Option<i64>,
    /// Has not said that all its work is handed in.
    pub(super) silent: bool,
    /// Its last sync, or its enrolment, where it is silent.
    pub(super) silent_since_ms: Option<i64>,
    pub(super) revoked: bool,
    pub(super) aside: Aside,
    /// What it brought.
    pub(super) volume: Volume,
}

/// One place's health in a campaign.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PlaceHealth {
    pub(super) unit: String,
    /// Hamlet code, where rows are hamlets; empty for what belongs to no household known.
    hamlet: Option<String>,
    name: String,
    /// Devices that work there now, or are silent.
    pub(super) devices: usize,
    /// Devices that have not said that all their work is handed in.
    pub(super) silent: usize,
    /// Since when the one silent longest is.
    pub(super) silent_since_ms: Option<i64>,
    /// When the newest change came.
    pub(super) last_change_ms: Option<i64>,
    aside: Aside,
    /// What the log holds.
    volume: Volume,
}

/// Finds the campaign and the list units that are asked for.
pub(super) async fn units(
    app: &App,
    actor: Actor,
    id: CampaignId,
    under: Option<String>,
) -> Result<(Seen, BTreeSet<String>), Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(app, &actor, id).await?;
    let post = &actor.account.post;
    let top = under.unwrap_or_else(|| post.unit.clone());
    if seen.tree.get(&top).is_none() || !post.covers(&seen.tree, &top) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let units = post.list_units(&seen.tree).into_iter();
    let units = units.filter(|unit| seen.tree.contains(&top, unit)).collect();
    Ok((seen, units))
}

/// Tells since when a device is silent, if it is.
fn silent_since(progress: &Progress, assigned: bool) -> Option<i64> {
    let silent = progress.handing(assigned).is_silent();
    silent.then(|| progress.last_sync_ms.unwrap_or(progress.enrolled_at_ms))
}

/// Shows the health of each device that works, or worked, in a unit or below it.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/sync-health/devices",
    params(("campaign" = String, Path), Under), security(("bearer" = [])), responses(
    (status = 200, body = Vec<DeviceHealth>),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn devices(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<Under>,
) -> Result<Json<Vec<DeviceHealth>>, Problem> {
    let (_, units) = units(&app, actor, id, query.under).await?;
    let mut works: BTreeMap<DeviceId, Vec<Works>> = BTreeMap::new();
    for work in app.store.health_works(id).await? {
        if units.contains(&work.unit) {
            works.entry(work.device).or_default().push(work);
        }
    }
    let mut aside: BTreeMap<DeviceId, Aside> = BTreeMap::new();
    for set_aside in app.store.health_aside(id).await? {
        if let Some(device) = set_aside.device.filter(|_| units.contains(&set_aside.unit)) {
            aside.entry(device).or_default().add(&set_aside);
        }
    }
    let mut rows = Vec::new();
    for progress in app.store.health_progress(id).await? {
        let works = works.remove(&progress.device).unwrap_or_default();
        let aside = aside.remove(&progress.device);
        if works.is_empty() && aside.is_none() && !units.contains(&progress.unit) {
            continue;
        }
        let now = works.into_iter().filter(|work| work.assigned);
        let hamlets: Vec<String> = now.map(|work| work.hamlet).collect();
        let silent_since_ms = silent_since(&progress, !hamlets.is_empty());
        rows.push(DeviceHealth {
            device: progress.device,
            label: progress.label,
            unit: progress.unit,
            hamlets,
            last_sync_ms: progress.last_sync_ms,
            silent: silent_since_ms.is_some(),
            silent_since_ms,
            revoked: progress.revoked,
            aside: aside.unwrap_or_default(),
            volume: progress.volume,
        });
    }
    Ok(Json(rows))
}

/// What rows are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Hamlet,
    Commune,
    District,
}

/// Names a row: unit, and hamlet where rows are hamlets.
type Key = (String, Option<String>);

impl Level {
    fn key(self, tree: &UnitTree, unit: &str, hamlet: &str) -> Key {
        match self {
            Self::Hamlet => (unit.to_owned(), Some(hamlet.to_owned())),
            Self::Commune => (unit.to_owned(), None),
            Self::District => {
                let district = tree.district_of(unit).map_or(unit, |district| district.code());
                (district.to_owned(), None)
            }
        }
    }
}

/// Shows the health of each hamlet, commune or district of a unit.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/sync-health",
    params(("campaign" = String, Path), By), security(("bearer" = [])), responses(
    (status = 200, body = Vec<PlaceHealth>),
    (status = 400, body = Body, content_type = "application/problem+json"),
    (status = 403, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn places(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(query): Query<By>,
) -> Result<Json<Vec<PlaceHealth>>, Problem> {
    let level = match query.by.as_deref() {
        Some("hamlet") => Level::Hamlet,
        Some("commune") | None => Level::Commune,
        Some("district") => Level::District,
        Some(_) => return Err(Problem::new(&problem::QUERY_MALFORMED)),
    };
    let (seen, units) = units(&app, actor, id, query.under).await?;
    let mut rows = empty_rows(&app, id, &seen.tree, &units, level).await?;
    let mut row = |unit: &str, hamlet: &str, fill: &dyn Fn(&mut PlaceHealth)| {
        if units.contains(unit) {
            let key = level.key(&seen.tree, unit, hamlet);
            let (of, hamlet) = key.clone();
            fill(rows.entry(key).or_insert_with(|| place(&seen.tree, of, hamlet, None)));
        }
    };
    for log in app.store.hamlet_log_list(id).await? {
        row(&log.unit, &log.hamlet, &|row| {
            row.volume.changes += log.volume.changes;
            row.volume.bytes += log.volume.bytes;
            row.last_change_ms = row.last_change_ms.max(Some(log.last_ms));
        });
    }
    for set_aside in app.store.health_aside(id).await? {
        row(&set_aside.unit, &set_aside.hamlet, &|row| row.aside.add(&set_aside));
    }
    for ((unit, hamlet), silent) in working(&app, id, &seen.tree, &units, level).await? {
        let (devices, since) = silent;
        let Some(row) = rows.get_mut(&(unit, hamlet)) else { continue };
        row.devices = devices;
        row.silent = since.len();
        row.silent_since_ms = since.into_iter().min();
    }
    Ok(Json(rows.into_values().collect()))
}

fn place(
    tree: &UnitTree,
    unit: String,
    hamlet: Option<String>,
    name: Option<String>,
) -> PlaceHealth {
    let of_unit = || tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default();
    PlaceHealth {
        name: name.unwrap_or_else(of_unit),
        unit,
        hamlet,
        devices: 0,
        silent: 0,
        silent_since_ms: None,
        last_change_ms: None,
        aside: Aside::default(),
        volume: Volume::default(),
    }
}

/// Makes a row for each place there is, whether anything happened there or not.
async fn empty_rows(
    app: &App,
    id: CampaignId,
    tree: &UnitTree,
    units: &BTreeSet<String>,
    level: Level,
) -> Result<BTreeMap<Key, PlaceHealth>, StoreError> {
    let mut rows = BTreeMap::new();
    if level == Level::Hamlet {
        for (unit, hamlet) in app.store.hamlet_list(id, None).await? {
            if units.contains(&unit) {
                let name = format!("{} {}", hamlet.type_word, hamlet.name);
                let key = level.key(tree, &unit, &hamlet.code);
                rows.insert(key, place(tree, unit, Some(hamlet.code), Some(name)));
            }
        }
        return Ok(rows);
    }
    for unit in units {
        let (of, hamlet) = level.key(tree, unit, "");
        let key = (of.clone(), hamlet.clone());
        rows.entry(key).or_insert_with(|| place(tree, of, hamlet, None));
    }
    Ok(rows)
}

/// Counts the devices of each place, and lists since when the silent ones are.
async fn working(
    app: &App,
    id: CampaignId,
    tree: &UnitTree,
    units: &BTreeSet<String>,
    level: Level,
) -> Result<BTreeMap<Key, (usize, Vec<i64>)>, StoreError> {
    let progress = app.store.health_progress(id).await?.into_iter();
    let progress: BTreeMap<DeviceId, Progress> = progress.map(|p| (p.device, p)).collect();
    let mut assigned: BTreeMap<(Key, DeviceId), bool> = BTreeMap::new();
    for work in app.store.health_works(id).await? {
        if units.contains(&work.unit) {
            let key = level.key(tree, &work.unit, &work.hamlet);
            *assigned.entry((key, work.device)).or_default() |= work.assigned;
        }
    }
    let mut places: BTreeMap<Key, (usize, Vec<i64>)> = BTreeMap::new();
    for ((key, device), assigned) in assigned {
        let since = progress.get(&device).and_then(|progress| silent_since(progress, assigned));
        if assigned || since.is_some() {
            let (devices, silent) = places.entry(key).or_default();
            *devices += 1;
            silent.extend(since);
        }
    }
    Ok(places)
}
