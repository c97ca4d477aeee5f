//! What sync health is read from: who works where, what each device says, what was set aside.
//!
//! One indexed query each. None of them reads the log: what was set aside has an index of its own,
//! and what the log holds is counted as it grows.

use std::collections::BTreeMap;

use shared::id::{CampaignId, DeviceId};
use shared::list::Handing;

use super::backend::vals;
use super::volume::Volume;
use super::{Store, StoreError};

/// A device in a hamlet where one of its people has, or had, something assigned.
#[derive(Debug, Clone)]
pub(crate) struct Works {
    pub(crate) device: DeviceId,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    /// The assignment is in force.
    pub(crate) assigned: bool,
}

/// How far a device has come in a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) device: DeviceId,
    pub(crate) label: String,
    /// Unit of the person it was enrolled for.
    pub(crate) unit: String,
    pub(crate) enrolled_at_ms: i64,
    pub(crate) last_sync_ms: Option<i64>,
    pub(crate) revoked: bool,
    pub(crate) work_out_ms: Option<i64>,
    pub(crate) checked_in_ms: Option<i64>,
    pub(crate) volume: Volume,
}

impl Progress {
    /// Returns how far it has come with handing in.
    pub(crate) fn handing(&self, assigned: bool) -> Handing {
        let (work_out_ms, checked_in_ms) = (self.work_out_ms, self.checked_in_ms);
        Handing { assigned, work_out_ms, checked_in_ms }
    }
}

/// Changes of one place and device that were not merged, for one reason.
#[derive(Debug, Clone)]
pub(crate) struct SetAside {
    pub(crate) unit: String,
    /// Empty where they belong to no household known.
    pub(crate) hamlet: String,
    pub(crate) device: Option<DeviceId>,
    pub(crate) fate: String,
    pub(crate) reason: String,
    pub(crate) changes: i64,
}

const WORKS: &str = "
    select device_person.device, given.unit, given.hamlet,
        cast(max(case when given.until_ms is null and device_person.unbound_at_ms is null
            then 1 else 0 end) as bigint) as assigned
    from (
        select assignment.account, assignment.until_ms, hamlet.unit, hamlet.code as hamlet
        from assignment join hamlet on hamlet.campaign = assignment.campaign
            and hamlet.code = assignment.hamlet
        where assignment.campaign = $1
        union all
        select single.account, single.until_ms, household.unit, household.hamlet
        from household_assignment as single
        join household on household.document = single.document
        where single.campaign = $1
    ) as given
    join device_person on device_person.account = given.account
    group by device_person.device, given.unit, given.hamlet";

const PROGRESS: &str = "
    select device.id, device.label, account.unit, device.enrolled_at_ms, device.last_sync_ms,
        device.revoked_at_ms, device_work.work_out_ms, device_work.checked_in_ms,
        coalesce(device_log.changes, 0) as changes, coalesce(device_log.bytes, 0) as bytes
    from device join account on account.id = device.account
    left join device_work on device_work.device = device.id and device_work.campaign = $1
    left join device_log on device_log.device = device.id and device_log.campaign = $1
    order by device.label, device.id";

const ASIDE: &str = "
    select aside.unit, coalesce(household.hamlet, '') as hamlet, aside.device, aside.fate,
        aside.reason, count(*) as changes
    from (select unit, document, device, fate, reason from change
            where campaign = $1 and fate <> 'accepted'
        union all select coalesce(household.unit, change_beyond.unit), change_beyond.document, device,
            fate, reason
            from change_beyond left join household on household.document = change_beyond.document
            where change_beyond.campaign = $1) as aside
    left join household on household.document = aside.document
    group by aside.unit, coalesce(household.hamlet, ''), aside.device, aside.fate, aside.reason
    order by aside.fate, aside.reason";

const BACKLOG: &str = "
    select device, fate, count(*) as changes
    from (select device, fate, reason from change where fate <> 'accepted'
        union all select device, fate, reason from change_beyond) as aside
    where device is not null and reason <> $1 group by device, fate";

impl Store {
    /// Lists which devices work, or worked, in which hamlets of a campaign.
    pub(crate) async fn health_works(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<Works>, StoreError> {
        let rows = self.db.all(WORKS, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                Ok(Works {
                    device: row.id("device")?,
                    unit: row.get("unit")?,
                    hamlet: row.get("hamlet")?,
                    assigned: row.get::<i64>("assigned")? == 1,
                })
            })
            .collect()
    }

    /// Lists how far each device has come in a campaign, by label.
    pub(crate) async fn health_progress(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<Progress>, StoreError> {
        let rows = self.db.all(PROGRESS, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                Ok(Progress {
                    device: row.id("id")?,
                    label: row.get("label")?,
                    unit: row.get("unit")?,
                    enrolled_at_ms: row.get("enrolled_at_ms")?,
                    last_sync_ms: row.get("last_sync_ms")?,
                    revoked: row.get::<Option<i64>>("revoked_at_ms")?.is_some(),
                    work_out_ms: row.get("work_out_ms")?,
                    checked_in_ms: row.get("checked_in_ms")?,
                    volume: Volume { changes: row.get("changes")?, bytes: row.get("bytes")? },
                })
            })
            .collect()
    }

    /// Counts a campaign's changes that were not merged, by place, device and reason.
    pub(crate) async fn health_aside(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<SetAside>, StoreError> {
        let rows = self.db.all(ASIDE, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                let device: Option<Vec<u8>> = row.get("device")?;
                Ok(SetAside {
                    unit: row.get("unit")?,
                    hamlet: row.get("hamlet")?,
                    device: device
                        .map(|bytes| DeviceId::from_slice(&bytes).map_err(|_| StoreError::Damaged))
                        .transpose()?,
                    fate: row.get("fate")?,
                    reason: row.get("reason")?,
                    changes: row.get("changes")?,
                })
            })
            .collect()
    }

    /// Counts each device's changes that were not merged, by fate, in all campaigns together.
    pub(crate) async fn health_backlog(
        &self,
    ) -> Result<BTreeMap<(DeviceId, String), i64>, StoreError> {
        let left_out = mobile_schema::problem::CHANGE_LEFT_OUT.name;
        let rows = self.db.all(BACKLOG, vals![left_out]).await?;
        rows.iter()
            .map(|row| Ok(((row.id("device")?, row.get("fate")?), row.get("changes")?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::volume::HAMLETS;

    /// With 33.000 households the log has half a million rows, and none of these may walk it.
    #[tokio::test]
    async fn health_never_walks_the_log() {
        let folder = std::env::temp_dir().join(shared::id::to_hex(&crate::keys::random::<8>()));
        std::fs::create_dir(&folder).unwrap();
        let store = Store::sqlite(&folder.join("plan.sqlite")).await.unwrap();
        for (name, sql) in
            [("works", WORKS), ("progress", PROGRESS), ("aside", ASIDE), ("hamlets", HAMLETS)]
        {
            let plan = store.db.plan(sql, vals![CampaignId([1; 16])]).await.unwrap();
            for table in ["change", "household", "assignment", "hamlet_log", "single"] {
                let walks = plan.iter().any(|step| step.starts_with(&format!("SCAN {table}")));
                assert!(!walks, "{name} walks {table}: {plan:#?}");
            }
        }
        store.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
