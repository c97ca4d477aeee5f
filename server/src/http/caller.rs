//! Who syncs: what the caller may see, and what it says about itself.

use std::collections::BTreeSet;

use mobile_schema::frame::About;
use shared::cursor::{Hamlets, Scope};
use shared::id::{Actor as Writer, CampaignId};
use shared::scope::Role;

use super::extract::Seen;
use crate::app::App;
use crate::auth::Actor;
use crate::ingest::AboutDevice;
use crate::store::StoreError;
use crate::store::device::Device;

/// Longest version of an app that is shown, bytes.
const APP_BYTES_MAX: usize = 40;

/// Reads what the caller may see now; for a device that is what its people may see together.
pub(super) async fn scope_of(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    seen: &Seen,
) -> Result<Scope, StoreError> {
    let device = actor.device.as_ref().map(|device| device.id);
    if actor.account.post.role != Role::Enumerator {
        if let Some(id) = device
            && app.store.device_get(id).await?.is_none_or(|device| device.revoked)
        {
            return Ok(Scope::new());
        }
        let units = actor.account.post.list_units(&seen.tree);
        return Ok(units.into_iter().map(|unit| (unit, Hamlets::All)).collect());
    }
    let mut scope = Scope::new();
    let places = app.store.assignment_places(id, actor.account.id, device).await?;
    let hamlets: BTreeSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
    // A single household of a hamlet that is in scope anyway is no place of its own.
    for place in places.iter().filter(|place| !hamlets.contains(place.within.as_str())) {
        let names =
            scope.entry(place.unit.clone()).or_insert_with(|| Hamlets::Only(BTreeSet::new()));
        if let Hamlets::Only(names) = names {
            names.insert(place.name.clone());
        }
    }
    Ok(scope)
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

/// Lists the actors that the calling device may not write under any more.
pub(super) async fn forked(app: &App, device: Option<&Device>) -> Result<Vec<Writer>, StoreError> {
    match device {
        Some(device) => app.store.installation_forked(device.id).await,
        None => Ok(Vec::new()),
    }
}
