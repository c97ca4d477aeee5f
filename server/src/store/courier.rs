//! Courier files that were brought: by whom, and what became of them. Only added to, but for the
//! receipt files, which are forgotten after a day: importing the file again makes them anew.

use shared::id::{AccountId, DeviceId, Digest};

use super::backend::{Row, vals};
use super::{Store, StoreError};

/// How long a receipt file is kept, milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A file that somebody brought.
#[derive(Debug, Clone)]
pub(crate) struct Brought {
    pub(crate) id: [u8; 16],
    pub(crate) account: AccountId,
    pub(crate) device: Option<DeviceId>,
    pub(crate) unit: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: i64,
    pub(crate) at_ms: i64,
    /// JSON of what became of each piece.
    pub(crate) outcome: String,
    /// JSON of the receipt file; empty once it was forgotten.
    pub(crate) receipts: String,
}

fn brought(row: &Row) -> Result<Brought, StoreError> {
    let id: Vec<u8> = row.get("id")?;
    let device: Option<Vec<u8>> = row.get("device")?;
    let device = device.map(|id| DeviceId::from_slice(&id)).transpose();
    Ok(Brought {
        id: id.try_into().map_err(|_| StoreError::Damaged)?,
        account: row.id("account")?,
        device: device.map_err(|_| StoreError::Damaged)?,
        unit: row.get("unit")?,
        digest: row.id("digest")?,
        bytes: row.get("bytes")?,
        at_ms: row.get("at_ms")?,
        outcome: row.get("outcome")?,
        receipts: row.get("receipts")?,
    })
}

impl Store {
    /// Notes who brought a file with these manifests in it, and forgets receipt files of yesterday.
    pub(crate) async fn courier_add(
        &self,
        new: &Brought,
        manifests: &[Digest],
    ) -> Result<(), StoreError> {
        const ADD: &str = "
            insert into courier
                (id, account, device, unit, digest, bytes, at_ms, outcome, receipts)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        const NAME: &str = "
            insert into courier_manifest (manifest, courier) values ($1, $2)
            on conflict (manifest, courier) do nothing";
        let mut tx = self.begin().await?;
        let row = vals![
            new.id.as_slice(),
            new.account,
            new.device,
            &new.unit,
            new.digest,
            new.bytes,
            new.at_ms,
            &new.outcome,
            &new.receipts
        ];
        tx.run(ADD, row).await?;
        for manifest in manifests {
            tx.run(NAME, vals![*manifest, new.id.as_slice()]).await?;
        }
        tx.commit().await
    }

    /// Forgets the receipt files that are a day old.
    pub(crate) async fn courier_forget(&self, now_ms: i64) -> Result<(), StoreError> {
        const SQL: &str = "update courier set receipts = '' where at_ms < $1 and receipts <> ''";
        let mut tx = self.begin().await?;
        tx.run(SQL, vals![now_ms - KEPT_MS]).await?;
        tx.commit().await
    }

    /// Finds a file that a person brought.
    pub(crate) async fn courier_get(
        &self,
        id: [u8; 16],
        account: AccountId,
    ) -> Result<Option<Brought>, StoreError> {
        const SQL: &str = "select * from courier where id = $1 and account = $2";
        let row = self.db.one(SQL, vals![id.as_slice(), account]).await?;
        row.as_ref().map(brought).transpose()
    }

    /// Lists the files that a person brought last, the newest first.
    pub(crate) async fn courier_list(
        &self,
        account: AccountId,
        most: i64,
    ) -> Result<Vec<Brought>, StoreError> {
        const SQL: &str = "
            select * from courier where account = $1 order by at_ms desc, id limit $2";
        let rows = self.db.all(SQL, vals![account, most]).await?;
        rows.iter().map(brought).collect()
    }
}
