//! One-time enrolment codes, kept by their hashes: each is bound to a person and the person's unit.

use shared::id::{AccountId, CodeId};

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// A code about to be handed out.
#[derive(Debug)]
pub(crate) struct NewCode {
    pub(crate) id: CodeId,
    pub(crate) hash: [u8; 32],
    pub(crate) account: AccountId,
    /// Unit of the account; in another one the code is no good.
    pub(crate) unit: String,
}

/// A code that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) id: CodeId,
    pub(crate) account: AccountId,
    pub(crate) unit: String,
    pub(crate) made_by: AccountId,
    pub(crate) made_at_ms: i64,
    pub(crate) expires_at_ms: i64,
    /// Used or withdrawn.
    pub(crate) closed: bool,
}

fn code(row: &Row) -> Result<Code, StoreError> {
    let used: Option<i64> = row.get("used_at_ms")?;
    let withdrawn: Option<i64> = row.get("withdrawn_at_ms")?;
    Ok(Code {
        id: row.id("id")?,
        account: row.id("account")?,
        unit: row.get("unit")?,
        made_by: row.id("made_by")?,
        made_at_ms: row.get("made_at_ms")?,
        expires_at_ms: row.get("expires_at_ms")?,
        closed: used.or(withdrawn).is_some(),
    })
}

impl Store {
    /// Keeps one-time codes.
    pub(crate) async fn code_add(
        &self,
        codes: &[NewCode],
        made_by: AccountId,
        made_at_ms: i64,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into enrol_code (code_hash, id, account, unit, made_by, made_at_ms, expires_at_ms)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let mut tx = self.begin().await?;
        for code in codes {
            let row = vals![
                code.hash.as_slice(),
                code.id,
                code.account,
                &code.unit,
                made_by,
                made_at_ms,
                expires_at_ms
            ];
            tx.run(SQL, row).await?;
        }
        tx.commit().await
    }

    /// Lists the codes that are good now, newest first.
    pub(crate) async fn code_list(&self, now_ms: i64) -> Result<Vec<Code>, StoreError> {
        const SQL: &str = "
            select * from enrol_code where expires_at_ms > $1 and used_at_ms is null
            and withdrawn_at_ms is null and id is not null order by made_at_ms desc, id";
        self.db.all(SQL, vals![now_ms]).await?.iter().map(code).collect()
    }

    /// Finds a code by its id.
    pub(crate) async fn code_get(&self, id: CodeId) -> Result<Option<Code>, StoreError> {
        let row = self.db.one("select * from enrol_code where id = $1", vals![id]).await?;
        row.as_ref().map(code).transpose()
    }

    /// Withdraws a code; false where it was used, withdrawn or had expired before.
    pub(crate) async fn code_withdraw(&self, id: CodeId, now_ms: i64) -> Result<bool, StoreError> {
        const SQL: &str = "
            update enrol_code set withdrawn_at_ms = $2 where id = $1 and used_at_ms is null
            and withdrawn_at_ms is null and expires_at_ms > $2";
        let mut tx = self.begin().await?;
        let withdrawn = tx.run(SQL, vals![id, now_ms]).await? == 1;
        tx.commit().await?;
        Ok(withdrawn)
    }
}

impl Tx {
    /// Uses a code up; `None` where it is no good. The account is locked, and open.
    pub(crate) async fn code_use(
        &mut self,
        hash: [u8; 32],
        now_ms: i64,
    ) -> Result<Option<AccountId>, StoreError> {
        const FIND: &str = "select account from enrol_code where code_hash = $1";
        const USE_UP: &str = "
            update enrol_code set used_at_ms = $2
            where code_hash = $1 and used_at_ms is null and withdrawn_at_ms is null
            and expires_at_ms > $2
            and unit in ('', (select unit from account where account.id = enrol_code.account))";
        let Some(row) = self.one(FIND, vals![hash.as_slice()]).await? else { return Ok(None) };
        let account: AccountId = row.id("account")?;
        // The account before the code, as whoever closes it does.
        let good = self.account_lock_open(account).await?
            && self.run(USE_UP, vals![hash.as_slice(), now_ms]).await? == 1;
        Ok(good.then_some(account))
    }

    /// Withdraws every open code for a person and every one that the person made.
    pub(crate) async fn code_withdraw_all(
        &mut self,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update enrol_code set withdrawn_at_ms = $2
            where (account = $1 or made_by = $1) and used_at_ms is null
            and withdrawn_at_ms is null and expires_at_ms > $2";
        self.run(SQL, vals![account, now_ms]).await.map(drop)
    }
}
