//! Which columns a campaign's posted list has.

use shared::id::{AccountId, CampaignId};
use shared::posting::Column;

use super::backend::vals;
use super::{Store, StoreError};

impl Store {
    /// Returns the columns that a campaign's province has chosen, if it has.
    pub(crate) async fn posted_columns(
        &self,
        campaign: CampaignId,
    ) -> Result<Option<Vec<Column>>, StoreError> {
        let sql = "select columns from posted_list where campaign = $1";
        let Some(row) = self.db.one(sql, vals![campaign]).await? else { return Ok(None) };
        let columns: String = row.get("columns")?;
        serde_json::from_str(&columns).map(Some).map_err(|_| StoreError::Damaged)
    }

    /// Keeps the columns of a campaign's posted list.
    pub(crate) async fn posted_columns_put(
        &self,
        campaign: CampaignId,
        columns: &[Column],
        by: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into posted_list (campaign, columns, account, chosen_at_ms)
            values ($1, $2, $3, $4)
            on conflict (campaign) do update set columns = excluded.columns,
                account = excluded.account, chosen_at_ms = excluded.chosen_at_ms";
        let columns = serde_json::to_string(columns).map_err(|_| StoreError::Damaged)?;
        let mut tx = self.begin().await?;
        tx.run(SQL, vals![campaign, columns, by, now_ms]).await?;
        tx.commit().await
    }
}
