//! Devices, the codes they are enrolled with, and waivers for those that never come back.

use shared::id::{AccountId, CampaignId, DeviceId};

use super::account::Session;
use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// An enrolled device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) account: AccountId,
    pub(crate) label: String,
    pub(crate) public_key: [u8; 32],
    pub(crate) last_sync_ms: Option<i64>,
    pub(crate) work_out_ms: Option<i64>,
    pub(crate) checked_in_ms: Option<i64>,
    pub(crate) revoked: bool,
}

impl Device {
    /// Tells whether it holds work it has not said it handed in.
    pub(crate) fn is_silent(&self) -> bool {
        match (self.work_out_ms, self.checked_in_ms) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(out), Some(checked_in)) => checked_in < out,
        }
    }
}

fn device(row: &Row) -> Result<Device, StoreError> {
    let key: Vec<u8> = row.get("public_key")?;
    Ok(Device {
        id: row.id("id")?,
        account: row.id("account")?,
        label: row.get("label")?,
        public_key: key.try_into().map_err(|_| StoreError::Damaged)?,
        last_sync_ms: row.get("last_sync_ms")?,
        work_out_ms: row.get("work_out_ms")?,
        checked_in_ms: row.get("checked_in_ms")?,
        revoked: row.get::<Option<i64>>("revoked_at_ms")?.is_some(),
    })
}

impl Store {
    /// Keeps one-time enrolment codes, by their hashes.
    pub(crate) async fn code_add(
        &self,
        codes: &[([u8; 32], AccountId)],
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "insert into enrol_code (code_hash, account, expires_at_ms) values ($1, $2, $3)";
        let mut tx = self.begin().await?;
        for (hash, account) in codes {
            tx.run(SQL, vals![hash.as_slice(), *account, expires_at_ms]).await?;
        }
        tx.commit().await
    }

    /// Uses a code up and enrols the device, in one transaction; `None` where the code is no good.
    pub(crate) async fn device_enrol(
        &self,
        code_hash: [u8; 32],
        new: &NewDevice<'_>,
        now_ms: i64,
    ) -> Result<Option<AccountId>, StoreError> {
        const USE_UP: &str = "
            update enrol_code set used_at_ms = $2
            where code_hash = $1 and used_at_ms is null and expires_at_ms > $2
            returning account";
        const ENROL: &str = "
            insert into device (id, account, label, public_key, enrolled_at_ms)
            values ($1, $2, $3, $4, $5)";
        let mut tx = self.begin().await?;
        let Some(row) = tx.one(USE_UP, vals![code_hash.as_slice(), now_ms]).await? else {
            return Ok(None);
        };
        let account: AccountId = row.id("account")?;
        let device = vals![new.id, account, new.label, new.public_key.as_slice(), now_ms];
        tx.run(ENROL, device).await?;
        tx.session_add(&Session {
            family: new.family,
            account,
            device: Some(new.id),
            current: new.refresh.to_vec(),
            expires_at_ms: new.expires_at_ms,
            ended: false,
        })
        .await?;
        tx.commit().await?;
        Ok(Some(account))
    }

    /// Finds a device.
    pub(crate) async fn device_get(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        let sql = "select * from device where id = $1";
        self.db.one(sql, vals![id]).await?.as_ref().map(device).transpose()
    }

    /// Lists every device with its person's unit, by label.
    pub(crate) async fn device_list(&self) -> Result<Vec<(Device, String)>, StoreError> {
        const SQL: &str = "
            select device.*, account.unit from device join account on account.id = device.account
            order by device.label, device.id";
        let rows = self.db.all(SQL, vals![]).await?;
        rows.iter().map(|row| Ok((device(row)?, row.get("unit")?))).collect()
    }

    /// Lists the devices that work in a unit: those of people assigned to its hamlets.
    pub(crate) async fn device_working_in(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Device>, StoreError> {
        const SQL: &str = "
            select device.* from device where exists (
                select 1 from assignment join hamlet
                on hamlet.campaign = assignment.campaign and hamlet.code = assignment.hamlet
                where assignment.account = device.account and assignment.campaign = $1
                and hamlet.unit = $2)
            order by device.label, device.id";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter().map(device).collect()
    }

    /// Revokes a device; what it sends from now on is held.
    pub(crate) async fn device_revoke(&self, id: DeviceId, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update device set revoked_at_ms = $2 where id = $1 and revoked_at_ms is null";
        tx.run(sql, vals![id, now_ms]).await?;
        let sql = "update session set ended_at_ms = $2 where device = $1 and ended_at_ms is null";
        tx.run(sql, vals![id, now_ms]).await?;
        tx.commit().await
    }

    /// Records that a device will not be waited for, by name and reason.
    pub(crate) async fn waiver_add(
        &self,
        campaign: CampaignId,
        unit: &str,
        device: DeviceId,
        by: AccountId,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into waiver (campaign, unit, device, account, reason, at_ms)
            values ($1, $2, $3, $4, $5, $6) on conflict (campaign, unit, device) do nothing";
        let mut tx = self.begin().await?;
        tx.run(SQL, vals![campaign, unit, device, by, reason, now_ms]).await?;
        tx.commit().await
    }

    /// Lists the devices waived in a unit.
    pub(crate) async fn waiver_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let sql = "select device from waiver where campaign = $1 and unit = $2";
        self.db.all(sql, vals![campaign, unit]).await?.iter().map(|row| row.id("device")).collect()
    }
}

/// What enrolment writes.
#[derive(Debug)]
pub(crate) struct NewDevice<'a> {
    pub(crate) id: DeviceId,
    pub(crate) label: &'a str,
    pub(crate) public_key: [u8; 32],
    pub(crate) family: [u8; 16],
    pub(crate) refresh: [u8; 16],
    pub(crate) expires_at_ms: i64,
}

impl Tx {
    /// Notes a sync: that it happened, that work went out, that all work is in.
    pub(crate) async fn device_note_sync(
        &mut self,
        id: DeviceId,
        note: SyncNote,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update device set last_sync_ms = $2,
                work_out_ms = coalesce($3, work_out_ms),
                checked_in_ms = coalesce($4, checked_in_ms)
            where id = $1";
        let row = vals![id, note.at_ms, note.work_out_ms, note.checked_in_ms];
        self.run(SQL, row).await.map(drop)
    }
}

/// What one sync tells about a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyncNote {
    pub(crate) at_ms: i64,
    pub(crate) work_out_ms: Option<i64>,
    pub(crate) checked_in_ms: Option<i64>,
}
