//! Devices, the codes they are enrolled with, and waivers for those that never come back.

use std::collections::BTreeMap;

use shared::id::{AccountId, CampaignId, DeviceId};
use shared::list::Handing;

use super::account::{Session, session};
use super::backend::{Row, Tx, Val, vals};
use super::rows::Rows;
use super::{Store, StoreError};

/// An enrolled device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) account: AccountId,
    /// Unit of the account.
    pub(crate) unit: String,
    pub(crate) label: String,
    pub(crate) public_key: [u8; 32],
    pub(crate) last_sync_ms: Option<i64>,
    pub(crate) revoked: bool,
    /// The account was closed.
    pub(crate) account_disabled: bool,
    /// Holds work of some campaign that it has not said it handed in.
    pub(crate) silent: bool,
    pub(crate) enrolled_at_ms: i64,
    /// Its clock less ours, as it last said; decides nothing.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Version of the app as it last said, else empty.
    pub(crate) app: String,
}

/// What a device is to hand in for one unit's list.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    pub(crate) device: DeviceId,
    pub(crate) label: String,
    pub(crate) handing: Handing,
}

/// What [`device`] reads of a device and of its holder.
macro_rules! device_columns {
    () => {
        "device.id as device_id, device.account as device_account, device.label,
            device.public_key, device.last_sync_ms, device.revoked_at_ms, device.enrolled_at_ms,
            device.clock_ahead_ms, device.app, holder.unit as device_unit,
            holder.disabled_at_ms as device_disabled_at_ms,
            (select count(*) from device_work where device_work.device = device.id
                and (checked_in_ms is null or checked_in_ms < work_out_ms)) as open_work"
    };
}
pub(super) use device_columns;

/// Reads devices with their person's unit, and whether any campaign waits for them; what follows
/// says which.
macro_rules! device_sql {
    ($which:literal) => {
        concat!(
            "select ",
            device_columns!(),
            " from device join account as holder on holder.id = device.account ",
            $which
        )
    };
}

pub(super) fn device(row: &Row) -> Result<Device, StoreError> {
    let key: Vec<u8> = row.get("public_key")?;
    Ok(Device {
        id: row.id("device_id")?,
        account: row.id("device_account")?,
        unit: row.get("device_unit")?,
        label: row.get("label")?,
        public_key: key.try_into().map_err(|_| StoreError::Damaged)?,
        last_sync_ms: row.get("last_sync_ms")?,
        revoked: row.get::<Option<i64>>("revoked_at_ms")?.is_some(),
        account_disabled: row.get::<Option<i64>>("device_disabled_at_ms")?.is_some(),
        silent: row.get::<i64>("open_work")? > 0,
        enrolled_at_ms: row.get("enrolled_at_ms")?,
        clock_ahead_ms: row.get("clock_ahead_ms")?,
        app: row.get("app")?,
    })
}

impl Store {
    /// Uses a code up and enrols the device, in one transaction; `None` where the code is no good.
    ///
    /// The key that the code enrolled gets its session again until its device has synced: the
    /// answer was lost.
    pub(crate) async fn device_enrol(
        &self,
        code_hash: [u8; 32],
        new: &NewDevice<'_>,
        now_ms: i64,
    ) -> Result<Option<Session>, StoreError> {
        const ENROL: &str = "
            insert into device (id, account, label, public_key, enrolled_at_ms)
            values ($1, $2, $3, $4, $5)";
        let mut tx = self.begin().await?;
        let Some(account) = tx.code_use(code_hash, now_ms).await? else {
            return tx.device_enrolled(code_hash, new.public_key, now_ms).await;
        };
        let device = vals![new.id, account, new.label, new.public_key.as_slice(), now_ms];
        tx.run(ENROL, device).await?;
        tx.device_bind(new.id, account, now_ms).await?;
        let session = Session {
            family: new.family,
            account,
            device: Some(new.id),
            current: new.refresh.to_vec(),
            expires_at_ms: new.expires_at_ms,
            ended: false,
        };
        tx.session_add(&session).await?;
        tx.commit().await?;
        Ok(Some(session))
    }

    /// Finds a device.
    pub(crate) async fn device_get(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        let row = self.db.one(device_sql!("where device.id = $1"), vals![id]).await?;
        row.as_ref().map(device).transpose()
    }

    /// Lists every device, by label.
    pub(crate) async fn device_list(&self) -> Result<Vec<Device>, StoreError> {
        const SQL: &str = device_sql!("order by device.label, device.id");
        self.db.all(SQL, vals![]).await?.iter().map(device).collect()
    }

    /// Lists the devices of people who are, or were, assigned a unit's hamlets.
    pub(crate) async fn device_working_in(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Working>, StoreError> {
        const SQL: &str = "
            select device.id, device.label, device_work.work_out_ms, device_work.checked_in_ms,
                cast(max(case when given.until_ms is null and device_person.unbound_at_ms is null
                    then 1 else 0 end) as bigint) as assigned
            from (
                select assignment.account, assignment.until_ms from assignment
                join hamlet on hamlet.campaign = assignment.campaign
                    and hamlet.code = assignment.hamlet
                where assignment.campaign = $1 and hamlet.unit = $2
                union all
                select single.account, single.until_ms from household_assignment as single
                join household on household.document = single.document
                where single.campaign = $1 and household.unit = $2
            ) as given
            join device_person on device_person.account = given.account
            join device on device.id = device_person.device
            left join device_work on device_work.device = device.id and device_work.campaign = $1
            group by device.id, device.label, device_work.work_out_ms, device_work.checked_in_ms
            order by device.label, device.id";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Working {
                    device: row.id("id")?,
                    label: row.get("label")?,
                    handing: Handing {
                        assigned: row.get::<i64>("assigned")? == 1,
                        work_out_ms: row.get("work_out_ms")?,
                        checked_in_ms: row.get("checked_in_ms")?,
                    },
                })
            })
            .collect()
    }

    /// Revokes a device; what it sends from now on is held.
    ///
    /// Its session goes on: it must be able to hand in what it holds, and no door but sync is open.
    pub(crate) async fn device_revoke(&self, id: DeviceId, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update device set revoked_at_ms = $2 where id = $1 and revoked_at_ms is null";
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
    /// Finds the session of the device that was enrolled with a code and this key, and that nothing
    /// was heard of since.
    async fn device_enrolled(
        &mut self,
        code_hash: [u8; 32],
        public_key: [u8; 32],
        now_ms: i64,
    ) -> Result<Option<Session>, StoreError> {
        const SQL: &str = "
            select session.* from enrol_code
            join device on device.account = enrol_code.account
                and device.enrolled_at_ms = enrol_code.used_at_ms
            join session on session.device = device.id
            where enrol_code.code_hash = $1 and enrol_code.expires_at_ms > $3
            and device.public_key = $2 and device.last_sync_ms is null
            and device.revoked_at_ms is null and session.ended_at_ms is null";
        let found = self.one(SQL, vals![code_hash.as_slice(), public_key.as_slice(), now_ms]);
        found.await?.as_ref().map(session).transpose()
    }

    /// Notes when devices synced last, and what they say about themselves.
    pub(crate) async fn device_synced(
        &mut self,
        synced: BTreeMap<DeviceId, Synced>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "with heard (id, at_ms, ahead_ms, app) as (values",
            after: ") update device set last_sync_ms = heard.at_ms,
                clock_ahead_ms = coalesce(heard.ahead_ms, device.clock_ahead_ms),
                app = coalesce(heard.app, device.app)
                from heard where device.id = heard.id",
        };
        let row = |(id, synced): (_, Synced)| {
            let (ahead_ms, app) = synced.about.unzip();
            vec![id, synced.at_ms.into(), ahead_ms.into(), Val::Text(app)]
        };
        let rows = synced.into_iter().map(|(id, synced)| row((id.into(), synced)));
        self.run_rows(SQL, rows.collect()).await.map(drop)
    }

    /// Notes that work went out to devices, or that all of their work is in.
    pub(crate) async fn device_note_work(
        &mut self,
        work: BTreeMap<(DeviceId, CampaignId), SyncNote>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into device_work (device, campaign, work_out_ms, checked_in_ms) values",
            after: "on conflict (device, campaign) do update set
                work_out_ms = coalesce(excluded.work_out_ms, device_work.work_out_ms),
                checked_in_ms = coalesce(excluded.checked_in_ms, device_work.checked_in_ms)",
        };
        let tells = |note: &SyncNote| note.work_out_ms.is_some() || note.checked_in_ms.is_some();
        let rows =
            work.into_iter().filter(|(_, note)| tells(note)).map(|((id, campaign), note)| {
                vals![id, campaign, note.work_out_ms, note.checked_in_ms]
            });
        self.run_rows(SQL, rows.collect()).await.map(drop)
    }
}

/// When a device synced last, and its clock less ours with the version of its app, if it said so.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    pub(crate) at_ms: i64,
    pub(crate) about: Option<(i64, String)>,
}

/// What one sync tells about a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyncNote {
    pub(crate) at_ms: i64,
    pub(crate) work_out_ms: Option<i64>,
    pub(crate) checked_in_ms: Option<i64>,
}
