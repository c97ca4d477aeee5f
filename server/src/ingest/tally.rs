//! What a transaction adds up on the way: which installations were heard of, how much was stored.
//!
//! Written once at the end, in one order, so that two transactions never wait for each other.

use std::collections::BTreeMap;

use shared::days::day_of;
use shared::id::{Actor, CampaignId, DeviceId};

use super::{AboutDevice, Work};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::binding::Heard;
use crate::store::device::{SyncNote, Synced};
use crate::store::volume::Volume;

/// Sums of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    heard: BTreeMap<(DeviceId, Actor), (Heard, i64)>,
    hamlets: BTreeMap<(CampaignId, String, String), (Volume, i64)>,
    days: BTreeMap<(CampaignId, String, i64), i64>,
    devices: BTreeMap<(DeviceId, CampaignId), Volume>,
    synced: BTreeMap<DeviceId, Synced>,
    work: BTreeMap<(DeviceId, CampaignId), SyncNote>,
}

impl Tally {
    /// Notes that an installation was heard of; the entry may be filled further.
    pub(crate) fn heard(&mut self, device: DeviceId, actor: Actor, now_ms: i64) -> &mut Heard {
        let (heard, at_ms) = self.heard.entry((device, actor)).or_default();
        *at_ms = now_ms;
        heard
    }

    /// Notes that a device synced, and what it said about itself.
    pub(crate) fn synced(
        &mut self,
        device: DeviceId,
        campaign: CampaignId,
        note: SyncNote,
        about: Option<&AboutDevice>,
    ) {
        let synced = self.synced.entry(device).or_default();
        synced.at_ms = note.at_ms;
        let work = self.work.entry((device, campaign)).or_insert(note);
        work.work_out_ms = note.work_out_ms.or(work.work_out_ms);
        work.checked_in_ms = note.checked_in_ms.or(work.checked_in_ms);
        if let Some(about) = about {
            synced.about = Some((about.clock_ahead_ms, about.app.clone()));
        }
    }

    /// Counts a stored change to its hamlet, empty where it belongs nowhere.
    pub(crate) fn stored(
        &mut self,
        campaign: CampaignId,
        (unit, hamlet): (&str, &str),
        bytes: usize,
        now_ms: i64,
    ) {
        let place = (campaign, unit.to_owned(), hamlet.to_owned());
        let (volume, at_ms) = self.hamlets.entry(place).or_default();
        volume.add(bytes);
        *at_ms = now_ms;
    }

    /// Counts a stored change to the day it came on.
    pub(crate) fn came(&mut self, campaign: CampaignId, unit: &str, now_ms: i64) {
        *self.days.entry((campaign, unit.to_owned(), day_of(now_ms))).or_default() += 1;
    }

    /// Counts a stored change to its place and to the device that signed it.
    pub(crate) fn took(
        &mut self,
        work: &Work,
        device: DeviceId,
        place: (&str, &str),
        chunk: &[u8],
    ) {
        self.stored(work.campaign, place, chunk.len(), work.now_ms);
        self.came(work.campaign, place.0, work.now_ms);
        self.devices.entry((device, work.campaign)).or_default().add(chunk.len());
    }

    /// Writes the sums.
    pub(crate) async fn finish(self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.device_synced(self.synced).await?;
        tx.device_note_work(self.work).await?;
        tx.installation_heard(self.heard).await?;
        tx.hamlet_log_add(self.hamlets).await?;
        tx.day_log_add(self.days).await?;
        tx.device_log_add(self.devices).await
    }
}
