//! How much the log holds, counted as it grows, by hamlet, day and device.

use std::collections::BTreeMap;

use shared::id::{CampaignId, DeviceId};

use super::backend::{Row, Tx, vals};
use super::rows::Rows;
use super::{Store, StoreError};

/// Changes and their bytes, whatever became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Volume {
    /// Changes stored.
    pub(crate) changes: i64,
    /// Bytes of them.
    pub(crate) bytes: i64,
}

impl Volume {
    /// Counts one change more.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.changes += 1;
        self.bytes = self.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { changes: row.get("changes")?, bytes: row.get("bytes")? })
    }
}

/// What the log holds of one hamlet.
#[derive(Debug, Clone)]
pub(crate) struct HamletLog {
    pub(crate) unit: String,
    /// Empty for what belongs to no household known.
    pub(crate) hamlet: String,
    pub(crate) volume: Volume,
    /// When the newest change came.
    pub(crate) last_ms: i64,
}

/// What the log holds of each hamlet.
pub(crate) const HAMLETS: &str =
    "select unit, hamlet, changes, bytes, last_ms from hamlet_log where campaign = $1";

impl Store {
    /// Lists what the log holds of each hamlet of a campaign.
    pub(crate) async fn hamlet_log_list(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<HamletLog>, StoreError> {
        let rows = self.db.all(HAMLETS, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                Ok(HamletLog {
                    unit: row.get("unit")?,
                    hamlet: row.get("hamlet")?,
                    volume: Volume::read(row)?,
                    last_ms: row.get("last_ms")?,
                })
            })
            .collect()
    }

    /// Lists how many changes came on each day, by unit.
    pub(crate) async fn day_log_list(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let sql = "select unit, day, changes from day_log where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter()
            .map(|row| Ok((row.get("unit")?, row.get("day")?, row.get("changes")?)))
            .collect()
    }

    /// Lists what the log holds of each device, in all campaigns together.
    pub(crate) async fn device_log_list(&self) -> Result<BTreeMap<DeviceId, Volume>, StoreError> {
        const SQL: &str = "
            select device, cast(sum(changes) as bigint) as changes,
                cast(sum(bytes) as bigint) as bytes
            from device_log group by device";
        let rows = self.db.all(SQL, vals![]).await?;
        rows.iter().map(|row| Ok((row.id("device")?, Volume::read(row)?))).collect()
    }
}

impl Tx {
    /// Counts changes to hamlets, each named with its unit, and notes when they came.
    pub(crate) async fn hamlet_log_add(
        &mut self,
        more: BTreeMap<(CampaignId, String, String), (Volume, i64)>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into hamlet_log (campaign, unit, hamlet, changes, bytes, last_ms) values",
            after: "on conflict (campaign, unit, hamlet) do update set
                changes = hamlet_log.changes + excluded.changes,
                bytes = hamlet_log.bytes + excluded.bytes, last_ms = excluded.last_ms",
        };
        let row = |((campaign, unit, hamlet), (more, now_ms)): ((_, _, _), (Volume, i64))| {
            let (unit, hamlet): (String, String) = (unit, hamlet);
            vals![campaign, unit, hamlet, more.changes, more.bytes, now_ms]
        };
        self.run_rows(SQL, more.into_iter().map(row).collect()).await.map(drop)
    }

    /// Counts changes to the days they came on.
    pub(crate) async fn day_log_add(
        &mut self,
        more: BTreeMap<(CampaignId, String, i64), i64>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into day_log (campaign, unit, day, changes) values",
            after: "on conflict (campaign, unit, day) do update set
                changes = day_log.changes + excluded.changes",
        };
        let row = |((campaign, unit, day), changes): ((CampaignId, String, i64), i64)| {
            vals![campaign, unit, day, changes]
        };
        self.run_rows(SQL, more.into_iter().map(row).collect()).await.map(drop)
    }

    /// Counts changes to devices.
    pub(crate) async fn device_log_add(
        &mut self,
        more: BTreeMap<(DeviceId, CampaignId), Volume>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into device_log (device, campaign, changes, bytes) values",
            after: "on conflict (device, campaign) do update set
                changes = device_log.changes + excluded.changes,
                bytes = device_log.bytes + excluded.bytes",
        };
        let row = |((device, campaign), more): ((_, _), Volume)| {
            vals![device, campaign, more.changes, more.bytes]
        };
        self.run_rows(SQL, more.into_iter().map(row).collect()).await.map(drop)
    }
}
