//! People and their sessions.

use shared::date::Date;
use shared::id::{AccountId, DeviceId};
use shared::scope::{Post, Role};

use super::backend::{Row, Tx, vals};
use super::device::{Device, device, device_columns};
use super::{Store, StoreError};

/// A person's account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Id.
    pub id: AccountId,
    /// Sign-in name, unique.
    pub name: String,
    /// Name on papers.
    pub full_name: String,
    /// Role and unit.
    pub post: Post,
    /// Day on which the code of the unit is read: a code alone may be another unit later.
    pub unit_on: Date,
    /// Argon2id hash; empty for people who only use devices.
    pub password_hash: String,
    /// Until when a password that an office drew opens one session, UTC milliseconds; `None` where
    /// the password is the person's own.
    pub once_until_ms: Option<i64>,
    /// True after the account was closed.
    pub disabled: bool,
}

/// A sign-in or enrolment and the refresh tokens that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) family: [u8; 16],
    pub(crate) account: AccountId,
    pub(crate) device: Option<DeviceId>,
    pub(crate) current: Vec<u8>,
    pub(crate) expires_at_ms: i64,
    pub(crate) ended: bool,
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let role: String = row.get("role")?;
    Ok(Account {
        id: row.id("id")?,
        name: row.get("name")?,
        full_name: row.get("full_name")?,
        post: Post {
            role: Role::from_name(&role).ok_or(StoreError::Damaged)?,
            unit: row.get("unit")?,
        },
        unit_on: row.date("unit_on")?,
        password_hash: row.get("password_hash")?,
        once_until_ms: row.get("once_until_ms")?,
        disabled: row.get::<Option<i64>>("disabled_at_ms")?.is_some(),
    })
}

/// Reads a row of sessions.
pub(super) fn session(row: &Row) -> Result<Session, StoreError> {
    let family: Vec<u8> = row.get("family")?;
    let device: Option<Vec<u8>> = row.get("device")?;
    Ok(Session {
        family: family.try_into().map_err(|_| StoreError::Damaged)?,
        account: row.id("account")?,
        device: device
            .map(|bytes| DeviceId::from_slice(&bytes).map_err(|_| StoreError::Damaged))
            .transpose()?,
        current: row.get("current")?,
        expires_at_ms: row.get("expires_at_ms")?,
        ended: row.get::<Option<i64>>("ended_at_ms")?.is_some(),
    })
}

impl Store {
    /// Finds an account by its sign-in name.
    pub(crate) async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        const SQL: &str = "select * from account where name = $1";
        self.db.one(SQL, vals![name]).await?.as_ref().map(account).transpose()
    }

    /// Finds an account by id.
    pub(crate) async fn account_get(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        const SQL: &str = "select * from account where id = $1";
        self.db.one(SQL, vals![id]).await?.as_ref().map(account).transpose()
    }

    /// Lists every account by name.
    pub(crate) async fn account_list(&self) -> Result<Vec<Account>, StoreError> {
        let rows = self.db.all("select * from account order by name", vals![]).await?;
        rows.iter().map(account).collect()
    }

    /// Adds accounts, all or none. A name that is taken is a conflict.
    pub(crate) async fn account_add(
        &self,
        accounts: &[Account],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into account (id, name, full_name, password_hash, role, unit, unit_on,
                created_at_ms, once_until_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let mut tx = self.begin().await?;
        for new in accounts {
            let row = vals![
                new.id,
                &new.name,
                &new.full_name,
                &new.password_hash,
                new.post.role.name(),
                &new.post.unit,
                new.unit_on.to_string(),
                now_ms,
                new.once_until_ms
            ];
            tx.run(SQL, row).await?;
        }
        tx.commit().await
    }

    /// Replaces a password and ends every session of the person, those of devices too; the person's
    /// open codes, and those the person made, are withdrawn. With `once_until_ms` it opens one
    /// session, until then, in which the person chooses another.
    pub(crate) async fn account_password(
        &self,
        id: AccountId,
        password_hash: &str,
        once_until_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update account set password_hash = $2, once_until_ms = $3 where id = $1";
        tx.run(sql, vals![id, password_hash, once_until_ms]).await?;
        tx.session_end_all(id, now_ms).await?;
        tx.code_withdraw_all(id, now_ms).await?;
        tx.commit().await
    }

    /// Does what [`Store::account_password`] does for whoever chose a password, if the account's is
    /// still the one that was there before; false where it is not.
    pub(crate) async fn account_password_own(
        &self,
        before: &Account,
        password_hash: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update account set password_hash = $2, once_until_ms = null
            where id = $1 and password_hash = $3 and coalesce(once_until_ms, -1) = $4";
        let mut tx = self.begin().await?;
        let once_until_ms = before.once_until_ms.unwrap_or(-1);
        let row = vals![before.id, password_hash, &before.password_hash, once_until_ms];
        if tx.run(SQL, row).await? == 0 {
            return Ok(false);
        }
        tx.session_end_all(before.id, now_ms).await?;
        tx.code_withdraw_all(before.id, now_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Closes an account and ends every session of the person, with the codes as for a new password.
    pub(crate) async fn account_disable(
        &self,
        id: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update account set disabled_at_ms = $2 where id = $1 and disabled_at_ms is null";
        tx.run(sql, vals![id, now_ms]).await?;
        tx.session_end_all(id, now_ms).await?;
        tx.code_withdraw_all(id, now_ms).await?;
        tx.commit().await
    }

    /// Opens a closed account again; its people sign in or enrol anew.
    pub(crate) async fn account_enable(&self, id: AccountId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.run("update account set disabled_at_ms = null where id = $1", vals![id]).await?;
        tx.commit().await
    }

    /// Starts a session with its first refresh token, if the password that was checked is still the
    /// account's; false where it is not, or the account was closed. A one-time password is used up
    /// by it.
    pub(crate) async fn session_sign_in(
        &self,
        session: &Session,
        password_hash: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        // Writing the row locks it: a change of the password comes before this or after it.
        const SQL: &str = "
            update account set
                password_hash = case when once_until_ms is null then password_hash else '' end
            where id = $1 and password_hash = $2 and disabled_at_ms is null
                and (once_until_ms is null or once_until_ms > $3)";
        let mut tx = self.begin().await?;
        if tx.run(SQL, vals![session.account, password_hash, now_ms]).await? == 0 {
            return Ok(false);
        }
        tx.session_add(session).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Finds a session by its family.
    pub(crate) async fn session_get(
        &self,
        family: [u8; 16],
    ) -> Result<Option<Session>, StoreError> {
        let sql = "select * from session where family = $1";
        self.db.one(sql, vals![family.as_slice()]).await?.as_ref().map(session).transpose()
    }

    /// Finds the account that a session was started for, and whether the session has ended.
    pub(crate) async fn session_account(
        &self,
        family: [u8; 16],
        id: AccountId,
    ) -> Result<Option<(Account, bool)>, StoreError> {
        const SQL: &str = "
            select account.*, session.ended_at_ms
            from session join account on account.id = session.account
            where session.family = $1 and account.id = $2";
        let row = self.db.one(SQL, vals![family.as_slice(), id]).await?;
        row.map(|row| {
            let ended = row.get::<Option<i64>>("ended_at_ms")?.is_some();
            Ok((account(&row)?, ended))
        })
        .transpose()
    }

    /// Finds what [`Store::session_account`] does, and a device; `None` where there is no such device
    /// or no such session of the account.
    pub(crate) async fn session_account_on(
        &self,
        family: [u8; 16],
        id: AccountId,
        device: DeviceId,
    ) -> Result<Option<(Account, bool, Device)>, StoreError> {
        const SQL: &str = concat!(
            "select account.*, session.ended_at_ms, ",
            device_columns!(),
            " from session join account on account.id = session.account
            join device on device.id = $3
            join account as holder on holder.id = device.account
            where session.family = $1 and account.id = $2"
        );
        let row = self.db.one(SQL, vals![family.as_slice(), id, device]).await?;
        row.map(|row| {
            let ended = row.get::<Option<i64>>("ended_at_ms")?.is_some();
            Ok((account(&row)?, ended, self::device(&row)?))
        })
        .transpose()
    }

    /// Moves a session on by a refresh token; returns the token id to hand out.
    ///
    /// The token in use gives its one successor, however often it comes: a repeated request must
    /// not make the answer to the first one worthless. The successor, once used, takes its place.
    /// Any other token gives that successor to a device, which has proven its key, and `None` to
    /// everybody else.
    pub(crate) async fn session_advance(
        &self,
        session: &Session,
        used: &[u8],
        fresh: &[u8],
        expires_at_ms: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const PROMOTE: &str = "
            update session set current = $2, successor = $3, expires_at_ms = $4
            where family = $1 and successor = $2 and ended_at_ms is null returning successor";
        const REPEAT: &str = "
            update session set successor = coalesce(successor, $3), expires_at_ms = $4
            where family = $1 and (current = $2 or device is not null) and ended_at_ms is null
            returning successor";
        let mut tx = self.begin().await?;
        let row = || vals![session.family.as_slice(), used, fresh, expires_at_ms];
        let moved = match tx.one(PROMOTE, row()).await? {
            Some(moved) => Some(moved),
            None => tx.one(REPEAT, row()).await?,
        };
        let next = moved.map(|moved| moved.get("successor")).transpose()?;
        tx.commit().await?;
        Ok(next)
    }

    /// Ends a session: none of its refresh tokens works any more.
    pub(crate) async fn session_end(
        &self,
        family: [u8; 16],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update session set ended_at_ms = $2 where family = $1 and ended_at_ms is null";
        tx.run(sql, vals![family.as_slice(), now_ms]).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Ends every session of a person.
    async fn session_end_all(&mut self, account: AccountId, now_ms: i64) -> Result<(), StoreError> {
        let sql = "update session set ended_at_ms = $2 where account = $1 and ended_at_ms is null";
        self.run(sql, vals![account, now_ms]).await.map(drop)
    }

    /// Finds an account by id.
    pub(crate) async fn account_get(
        &mut self,
        id: AccountId,
    ) -> Result<Option<Account>, StoreError> {
        const SQL: &str = "select * from account where id = $1";
        self.one(SQL, vals![id]).await?.as_ref().map(account).transpose()
    }

    /// Locks an account that is open; false where it was closed.
    pub(crate) async fn account_lock_open(&mut self, id: AccountId) -> Result<bool, StoreError> {
        const SQL: &str = "
            update account set disabled_at_ms = disabled_at_ms
            where id = $1 and disabled_at_ms is null";
        Ok(self.run(SQL, vals![id]).await? == 1)
    }

    /// Adds a session inside a transaction.
    pub(crate) async fn session_add(&mut self, session: &Session) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into session (family, account, device, current, successor, expires_at_ms)
            values ($1, $2, $3, $4, null, $5)";
        let row = vals![
            session.family.as_slice(),
            session.account,
            session.device,
            session.current.as_slice(),
            session.expires_at_ms
        ];
        self.run(SQL, row).await.map(drop)
    }
}
