//! Who types on a device, and under which actors it wrote.

use std::collections::BTreeMap;

use shared::id::{AccountId, Actor, DeviceId};

use super::backend::{Tx, vals};
use super::rows::Rows;
use super::{Store, StoreError};

/// Most actors named to a device that it may not write under any more, the newest.
pub(super) const FORKED_MAX: i64 = 16;

/// Somebody who types on a device.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) full_name: String,
}

/// Whoever a manifest names as typing, as far as the device knows the person.
#[derive(Debug, Clone)]
pub(crate) struct Typist {
    /// Unit of the account.
    pub(crate) unit: String,
    /// True after the account was closed.
    pub(crate) disabled: bool,
}

/// One installation of the app on a device: the actor it writes under.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Installation {
    /// Actor, 32 hex digits.
    #[schema(value_type = String)]
    pub(crate) actor: Actor,
    /// When the server first heard of it.
    pub(crate) first_seen_ms: i64,
    /// When it last heard of it.
    pub(crate) last_seen_ms: i64,
    /// Version of the app as it last said; empty where it never did.
    pub(crate) app: String,
    /// Layout and form version it last named.
    pub(crate) schema: i64,
    /// When two changes came under one of its numbers: the phone was copied or restored.
    pub(crate) forked_at_ms: Option<i64>,
}

/// What one transaction heard of one installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) app: String,
    pub(crate) schema: u32,
    pub(crate) forked: bool,
    /// A change under its actor came with the device's signature.
    pub(crate) signed: bool,
}

impl Store {
    /// Lists who types on each device now, by name; of one device or of all.
    pub(crate) async fn device_people(
        &self,
        device: Option<DeviceId>,
    ) -> Result<BTreeMap<DeviceId, Vec<Person>>, StoreError> {
        const ALL: &str = "
            select device_person.device, account.id, account.name, account.full_name
            from device_person join account on account.id = device_person.account
            where device_person.unbound_at_ms is null order by account.name";
        const ONE: &str = "
            select device_person.device, account.id, account.name, account.full_name
            from device_person join account on account.id = device_person.account
            where device_person.device = $1 and device_person.unbound_at_ms is null
            order by account.name";
        let rows = match device {
            Some(device) => self.db.all(ONE, vals![device]).await?,
            None => self.db.all(ALL, vals![]).await?,
        };
        let mut people: BTreeMap<DeviceId, Vec<Person>> = BTreeMap::new();
        for row in rows {
            let person = Person {
                account: row.id("id")?,
                name: row.get("name")?,
                full_name: row.get("full_name")?,
            };
            people.entry(row.id("device")?).or_default().push(person);
        }
        Ok(people)
    }

    /// Finds somebody who types, or once typed, on a device.
    pub(crate) async fn device_typist(
        &self,
        device: DeviceId,
        account: AccountId,
    ) -> Result<Option<Typist>, StoreError> {
        const SQL: &str = "
            select account.unit, account.disabled_at_ms
            from device_person join account on account.id = device_person.account
            where device_person.device = $1 and device_person.account = $2";
        let row = self.db.one(SQL, vals![device, account]).await?;
        row.map(|row| {
            let disabled = row.get::<Option<i64>>("disabled_at_ms")?.is_some();
            Ok(Typist { unit: row.get("unit")?, disabled })
        })
        .transpose()
    }

    /// Takes somebody off a device; what was typed before stays theirs. False where nobody was.
    pub(crate) async fn device_unbind(
        &self,
        device: DeviceId,
        account: AccountId,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update device_person set unbound_at_ms = $3
            where device = $1 and account = $2 and unbound_at_ms is null";
        let mut tx = self.begin().await?;
        let unbound = tx.run(SQL, vals![device, account, now_ms]).await? == 1;
        tx.commit().await?;
        Ok(unbound)
    }

    /// Lists the installations of each device, newest first.
    pub(crate) async fn installation_list(
        &self,
    ) -> Result<BTreeMap<DeviceId, Vec<Installation>>, StoreError> {
        const SQL: &str = "select * from installation order by last_seen_ms desc, actor";
        let mut installations: BTreeMap<DeviceId, Vec<Installation>> = BTreeMap::new();
        for row in self.db.all(SQL, vals![]).await? {
            let installation = Installation {
                actor: row.id("actor")?,
                first_seen_ms: row.get("first_seen_ms")?,
                last_seen_ms: row.get("last_seen_ms")?,
                app: row.get("app")?,
                schema: row.get("schema")?,
                forked_at_ms: row.get("forked_at_ms")?,
            };
            installations.entry(row.id("device")?).or_default().push(installation);
        }
        Ok(installations)
    }
}

impl Tx {
    /// Lets somebody type on a device.
    pub(crate) async fn device_bind(
        &mut self,
        device: DeviceId,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into device_person (device, account, bound_at_ms) values ($1, $2, $3)
            on conflict (device, account) do update set unbound_at_ms = null";
        self.run(SQL, vals![device, account, now_ms]).await.map(drop)
    }

    /// Notes what was heard of installations, and when. One that forked stays so.
    pub(crate) async fn installation_heard(
        &mut self,
        heard: BTreeMap<(DeviceId, Actor), (Heard, i64)>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into installation (device, actor, first_seen_ms, last_seen_ms, app,
                schema, forked_at_ms, signed) values",
            after: "on conflict (device, actor) do update set last_seen_ms = excluded.last_seen_ms,
                app = case when excluded.app = '' then installation.app else excluded.app end,
                schema = excluded.schema,
                signed = case when installation.signed = 1 then 1 else excluded.signed end,
                forked_at_ms = coalesce(installation.forked_at_ms, excluded.forked_at_ms)",
        };
        let row = |((device, actor), (heard, now_ms)): ((_, _), (Heard, i64))| {
            let forked_at_ms = heard.forked.then_some(now_ms);
            let schema = i64::from(heard.schema);
            vals![device, actor, now_ms, now_ms, &heard.app, schema, forked_at_ms, heard.signed]
        };
        self.run_rows(SQL, heard.into_iter().map(row).collect()).await.map(drop)
    }
}
