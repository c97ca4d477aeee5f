//! Who syncs: what the caller may see, and what it says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mobile_schema::frame::About;
use mobile_schema::problem;
use shared::cursor::{Hamlets, Scope};
use shared::id::{Actor as Writer, CampaignId};
use shared::scope::Role;
use shared::unit::UnitTree;

use super::extract::is_of;
use crate::app::App;
use crate::auth::Actor;
use crate::ingest::AboutDevice;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::assignment::Place;
use crate::store::device::Device;

/// Longest version of an app that is shown, bytes.
const APP_BYTES_MAX: usize = 40;

/// What a sync begins with: the campaign, and what the caller may see in it now.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) campaign: CampaignId,
    pub(super) closed: bool,
    tree: Arc<UnitTree>,
    pub(super) scope: Scope,
    /// Newest position of each unit in scope that has any.
    pub(super) newest: BTreeMap<String, i64>,
}

/// What a sync ends with.
#[derive(Debug)]
pub(super) struct Ended {
    /// What the caller may see by then.
    pub(super) scope: Scope,
    /// Actors that the calling device may not write under any more.
    pub(super) forked: Vec<Writer>,
    /// The newest position of each unit in scope at which a household left it, where one did.
    pub(super) left: BTreeMap<String, i64>,
}

/// Finds a campaign of the caller's province, and what the caller may see in it; for a device that
/// is what its people may see together. Any other campaign does not exist for the caller.
pub(super) async fn begin(app: &App, actor: &Actor, id: CampaignId) -> Result<Begun, Problem> {
    let device = actor.device.as_ref().map(|device| device.id);
    let start = app.store.sync_start(id, actor.account.id, device).await?;
    let start = start.ok_or(&problem::CAMPAIGN_UNKNOWN)?;
    let units = app.units_of(start.unit_version).await?;
    let tree = units.at(start.review_date);
    if !is_of(&units, &actor.account, &start.province, &tree) {
        return Err(Problem::new(&problem::CAMPAIGN_UNKNOWN));
    }
    let (scope, newest) = match office(app, actor, &tree).await? {
        Some(scope) => (scope, app.store.positions(id).await?),
        None => (of_places(&start.places), start.newest),
    };
    Ok(Begun { campaign: id, closed: start.closed, tree, scope, newest })
}

/// Reads what the caller may see now, and what it is told of itself.
pub(super) async fn end(app: &App, actor: &Actor, begun: &Begun) -> Result<Ended, StoreError> {
    let (store, id) = (&app.store, begun.campaign);
    let device = actor.device.as_ref().map(|device| device.id);
    let end = store.sync_end(id, actor.account.id, device).await?;
    Ok(match office(app, actor, &begun.tree).await? {
        Some(scope) => Ended { scope, forked: end.forked, left: store.handover_newest(id).await? },
        None => Ended { scope: of_places(&end.places), forked: end.forked, left: end.left },
    })
}

/// Returns what an office may see: its units, and nothing with a device that was revoked. `None` for
/// an enumerator.
async fn office(app: &App, actor: &Actor, tree: &UnitTree) -> Result<Option<Scope>, StoreError> {
    if actor.account.post.role == Role::Enumerator {
        return Ok(None);
    }
    if let Some(device) = &actor.device
        && app.store.device_get(device.id).await?.is_none_or(|device| device.revoked)
    {
        return Ok(Some(Scope::new()));
    }
    let units = actor.account.post.list_units(tree);
    Ok(Some(units.into_iter().map(|unit| (unit, Hamlets::All)).collect()))
}

fn of_places(places: &[Place]) -> Scope {
    let mut scope = Scope::new();
    let hamlets: BTreeSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
    // A single household of a hamlet that is in scope anyway is no place of its own.
    for place in places.iter().filter(|place| !hamlets.contains(place.within.as_str())) {
        let names =
            scope.entry(place.unit.clone()).or_insert_with(|| Hamlets::Only(BTreeSet::new()));
        if let Hamlets::Only(names) = names {
            names.insert(place.name.clone());
        }
    }
    scope
}

/// Who calls: the device of the session, and what it says about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installation<'a> {
    pub(super) device: Option<&'a Device>,
    pub(super) about: Option<&'a About>,
}

impl Installation<'_> {
    /// Reads what the device says about itself, as far as it can be shown.
    pub(super) fn about(&self, now_ms: i64) -> Option<AboutDevice> {
        let (device, about) = self.device.zip(self.about)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte);
        let shown = about.app.len() <= APP_BYTES_MAX && about.app.bytes().all(plain);
        Some(AboutDevice {
            device: device.id,
            actor: Writer(*about.actor),
            clock_ahead_ms: about.device_now_ms.saturating_sub(now_ms),
            app: if shown { about.app.clone() } else { String::new() },
            schema: about.schema,
        })
    }
}
