//! Paper forms typed in offices, second entries of a sample, and what was settled between the two.

use std::collections::BTreeMap;

use mobile_schema::household::Value;
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId};
use shared::second::Compared;

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// A paper form as it was typed into a household.
#[derive(Debug, Clone)]
pub(crate) struct PaperEntry {
    pub(crate) document: DocumentId,
    /// The change it became.
    pub(crate) hash: ChangeHash,
    pub(crate) account: AccountId,
    /// Name of who typed it.
    pub(crate) by: String,
    /// Blocks of the form that were typed.
    pub(crate) blocks: Vec<String>,
    pub(crate) at_ms: i64,
}

/// A form typed a second time, and how it compared.
#[derive(Debug, Clone)]
pub(crate) struct SecondEntry {
    pub(crate) document: DocumentId,
    /// Name of who typed it.
    pub(crate) by: String,
    pub(crate) compared: Compared,
    pub(crate) at_ms: i64,
}

/// A difference that somebody settled.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Settled {
    /// The value that is right, nothing where there is none.
    #[schema(value_type = Option<Object>)]
    pub(crate) value: Option<Value>,
    /// Why.
    pub(crate) reason: String,
    /// Name of who settled it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

/// What was settled, by household and field.
pub(crate) type SettledByPath = BTreeMap<(DocumentId, String), Settled>;

/// A second entry about to be stored.
#[derive(Debug)]
pub(crate) struct NewSecond<'a> {
    pub(crate) document: DocumentId,
    pub(crate) unit: &'a str,
    pub(crate) first_hash: ChangeHash,
    pub(crate) account: AccountId,
    /// JSON.
    pub(crate) sheet: &'a str,
    /// JSON.
    pub(crate) compared: &'a str,
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|_| StoreError::Damaged)
}

impl Store {
    /// Lists the paper forms typed in a unit, oldest first.
    pub(crate) async fn paper_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<PaperEntry>, StoreError> {
        const SQL: &str = "
            select paper_entry.*, account.full_name from paper_entry
            join account on account.id = paper_entry.account
            where paper_entry.campaign = $1 and paper_entry.unit = $2
            order by paper_entry.at_ms, paper_entry.hash";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                Ok(PaperEntry {
                    document: row.id("document")?,
                    hash: row.id("hash")?,
                    account: row.id("account")?,
                    by: row.get("full_name")?,
                    blocks: json(row, "blocks")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Lists the second entries of a unit, oldest first.
    pub(crate) async fn second_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<SecondEntry>, StoreError> {
        const SQL: &str = "
            select second_entry.document, second_entry.compared, second_entry.at_ms,
                account.full_name
            from second_entry join account on account.id = second_entry.account
            where second_entry.campaign = $1 and second_entry.unit = $2
            order by second_entry.at_ms, second_entry.document";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                Ok(SecondEntry {
                    document: row.id("document")?,
                    by: row.get("full_name")?,
                    compared: json(row, "compared")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Lists what was settled between the two entries of forms of a unit.
    pub(crate) async fn second_settled(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<SettledByPath, StoreError> {
        const SQL: &str = "
            select second_settled.*, account.full_name from second_settled
            join account on account.id = second_settled.account
            join second_entry on second_entry.campaign = second_settled.campaign
                and second_entry.document = second_settled.document
            where second_settled.campaign = $1 and second_entry.unit = $2";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let settled = Settled {
                    value: json(row, "value")?,
                    reason: row.get("reason")?,
                    by: row.get("full_name")?,
                    at_ms: row.get("at_ms")?,
                };
                Ok(((row.id("document")?, row.get("path")?), settled))
            })
            .collect()
    }
}

impl Tx {
    /// Notes that a change was a paper form.
    pub(crate) async fn paper_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &PaperEntry,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into paper_entry (campaign, document, hash, unit, account, blocks, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        let blocks = serde_json::to_string(&new.blocks).map_err(|_| StoreError::Damaged)?;
        let row = vals![campaign, new.document, new.hash, unit, new.account, blocks, new.at_ms];
        self.run(SQL, row).await.map(drop)
    }

    /// Keeps a second entry; false where the form has one already.
    pub(crate) async fn second_add(
        &mut self,
        campaign: CampaignId,
        new: &NewSecond<'_>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into second_entry (campaign, document, unit, first_hash, account, sheet,
                compared, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
        let row = vals![
            campaign,
            new.document,
            new.unit,
            new.first_hash,
            new.account,
            new.sheet,
            new.compared,
            now_ms
        ];
        Ok(self.run(SQL, row).await? == 1)
    }

    /// Notes what a difference was settled to; the first to settle it stands.
    pub(crate) async fn second_settle(
        &mut self,
        campaign: CampaignId,
        (document, path): (DocumentId, &str),
        account: AccountId,
        (value, reason): (&Option<Value>, &str),
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into second_settled (campaign, document, path, account, value, reason, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        let value = serde_json::to_string(value).map_err(|_| StoreError::Damaged)?;
        let row = vals![campaign, document, path, account, value, reason, now_ms];
        Ok(self.run(SQL, row).await? == 1)
    }
}
