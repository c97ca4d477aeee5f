//! Files that were sent and wait for somebody's word. They hold personal data and are kept a day.

use shared::id::{AccountId, CampaignId};

use super::backend::{Row, vals};
use super::{Store, StoreError};

/// How long a file is kept, milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Files of one person that are kept beside a new one.
const KEPT_BESIDE: i64 = 4;

/// How long a claim holds whose holder never came back, milliseconds: longer than any request takes.
const CLAIM_MS: i64 = 5 * 60 * 1000;

/// A file on its way in, without its bytes: those are read when their turn has come.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: [u8; 16],
    pub(crate) account: AccountId,
    pub(crate) campaign: CampaignId,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// How many rows were new and how many were there, once they were written.
    pub(crate) taken: Option<(i64, i64)>,
}

fn upload(row: &Row) -> Result<Upload, StoreError> {
    let id: Vec<u8> = row.get("id")?;
    let (taken, skipped): (Option<i64>, Option<i64>) = (row.get("taken")?, row.get("skipped")?);
    Ok(Upload {
        id: id.try_into().map_err(|_| StoreError::Damaged)?,
        account: row.id("account")?,
        campaign: row.id("campaign")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        taken: taken.zip(skipped),
    })
}

impl Store {
    /// Keeps a file, and forgets those that are a day old or of which the person has too many.
    pub(crate) async fn upload_add(
        &self,
        new: &Upload,
        bytes: &[u8],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const OLD: &str = "
            delete from upload where at_ms < $2 or (account = $1 and id not in (
                select id from upload where account = $1 order by at_ms desc, id limit $3))";
        const ADD: &str = "
            insert into upload (id, account, campaign, kind, name, bytes, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let mut tx = self.begin().await?;
        tx.run(OLD, vals![new.account, now_ms - KEPT_MS, KEPT_BESIDE]).await?;
        let row = vals![
            new.id.as_slice(),
            new.account,
            new.campaign,
            &new.kind,
            &new.name,
            bytes,
            now_ms
        ];
        tx.run(ADD, row).await?;
        tx.commit().await
    }

    /// Forgets the files that are a day old.
    pub(crate) async fn upload_forget(&self, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.run("delete from upload where at_ms < $1", vals![now_ms - KEPT_MS]).await?;
        tx.commit().await
    }

    /// Finds a file of a person's own.
    pub(crate) async fn upload_get(
        &self,
        id: [u8; 16],
        account: AccountId,
        campaign: CampaignId,
        now_ms: i64,
    ) -> Result<Option<Upload>, StoreError> {
        const SQL: &str = "
            select id, account, campaign, kind, name, taken, skipped from upload
            where id = $1 and account = $2 and campaign = $3 and at_ms >= $4";
        let row = vals![id.as_slice(), account, campaign, now_ms - KEPT_MS];
        self.db.one(SQL, row).await?.as_ref().map(upload).transpose()
    }

    /// Reads the bytes of a file: none where it is gone, or all of it was written.
    pub(crate) async fn upload_bytes(&self, id: [u8; 16]) -> Result<Vec<u8>, StoreError> {
        const SQL: &str = "select bytes from upload where id = $1";
        let row = self.db.one(SQL, vals![id.as_slice()]).await?;
        row.as_ref().map_or(Ok(Vec::new()), |row| row.get("bytes"))
    }

    /// Claims a file for whoever writes its rows; false where somebody else writes them, or has.
    pub(crate) async fn upload_claim(&self, id: [u8; 16], now_ms: i64) -> Result<bool, StoreError> {
        const SQL: &str = "
            update upload set taken_ms = $2
            where id = $1 and (taken_ms is null or (taken is null and taken_ms < $3))";
        let mut tx = self.begin().await?;
        let claimed = tx.run(SQL, vals![id.as_slice(), now_ms, now_ms - CLAIM_MS]).await?;
        tx.commit().await?;
        Ok(claimed > 0)
    }

    /// Gives a claim back whose rows were not written.
    pub(crate) async fn upload_release(&self, id: [u8; 16]) -> Result<(), StoreError> {
        const SQL: &str = "update upload set taken_ms = null where id = $1 and taken is null";
        let mut tx = self.begin().await?;
        tx.run(SQL, vals![id.as_slice()]).await?;
        tx.commit().await
    }

    /// Notes that the good rows of a file were written; the first word counts. Bytes of which no row
    /// goes back to be corrected are forgotten.
    pub(crate) async fn upload_taken(
        &self,
        id: [u8; 16],
        (taken, skipped): (i64, i64),
        is_whole: bool,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update upload set taken_ms = $4, taken = $2, skipped = $3
            where id = $1 and taken is null";
        const FORGET: &str = "update upload set bytes = $2 where id = $1";
        let mut tx = self.begin().await?;
        tx.run(SQL, vals![id.as_slice(), taken, skipped, now_ms]).await?;
        if is_whole {
            let none: &[u8] = &[];
            tx.run(FORGET, vals![id.as_slice(), none]).await?;
        }
        tx.commit().await
    }
}
