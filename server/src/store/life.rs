//! What was decided about households themselves: appended to, never edited or removed.

use std::collections::BTreeMap;

use shared::id::{AccountId, CampaignId, DocumentId, HouseholdId};
use shared::life::{Act, Holding, holding};

use super::backend::{Row, Tx, vals};
use super::household::HouseholdAt;
use super::{Store, StoreError};

/// One act as it was taken.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Taken {
    /// Position among the household's acts, from 1.
    pub(crate) position: i64,
    /// `decide`, `split`, `join` or `undo`, with its papers and reasons.
    #[schema(value_type = Object)]
    pub(crate) act: Act,
    /// Name of the person who took it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

fn act(row: &Row) -> Result<Act, StoreError> {
    serde_json::from_str(&row.get::<String>("act")?).map_err(|_| StoreError::Damaged)
}

fn acts(rows: &[Row]) -> Result<BTreeMap<HouseholdId, Holding>, StoreError> {
    let acts: Result<Vec<_>, StoreError> =
        rows.iter().map(|row| Ok((row.id("household")?, act(row)?))).collect();
    Ok(holding(acts?))
}

impl Store {
    /// Lists what was decided about a household, oldest first.
    pub(crate) async fn life_list(
        &self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Taken>, StoreError> {
        const SQL: &str = "
            select household_life.*, account.full_name from household_life
            join account on account.id = household_life.account
            where household_life.campaign = $1 and household_life.document = $2
            order by household_life.position";
        let rows = self.db.all(SQL, vals![campaign, document]).await?;
        rows.iter()
            .map(|row| {
                let (position, by) = (row.get("position")?, row.get("full_name")?);
                Ok(Taken { position, act: act(row)?, by, at_ms: row.get("at_ms")? })
            })
            .collect()
    }

    /// Returns what holds of a unit's households.
    pub(crate) async fn life_holding(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<BTreeMap<HouseholdId, Holding>, StoreError> {
        const SQL: &str = "
            select household_life.household, household_life.act
            from household_life join household on household.document = household_life.document
            where household.campaign = $1 and household.unit = $2
            order by household_life.document, household_life.position";
        acts(&self.db.all(SQL, vals![campaign, unit]).await?)
    }

    /// Counts what was ever decided in a unit: a draft made at another count is not of now.
    pub(crate) async fn life_count(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        let row = self.db.one(COUNT, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("acts")
    }
}

/// Whoever leaves the unit or comes to it counts, whatever was decided about them elsewhere.
const COUNT: &str = "
    select (select count(*) from household_life where campaign = $1 and unit = $2)
        + (select count(*) from household_move
            where campaign = $1 and (from_unit = $2 or to_unit = $2)) as acts";

impl Tx {
    /// Counts what was ever decided in a unit, as [`Store::life_count`] does.
    pub(crate) async fn life_count(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        let row = self.one(COUNT, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("acts")
    }

    /// Returns what holds of a campaign's households, wherever they are.
    pub(crate) async fn life_holding(
        &mut self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<HouseholdId, Holding>, StoreError> {
        const SQL: &str = "
            select household, act from household_life where campaign = $1
            order by document, position";
        acts(&self.all(SQL, vals![campaign]).await?)
    }

    /// Appends an act and returns its position; the unit's log must be locked. What was decided last
    /// is not decided again: a form sent twice.
    pub(crate) async fn life_add(
        &mut self,
        campaign: CampaignId,
        at: &HouseholdAt,
        act: &Act,
        (by, at_ms): (AccountId, i64),
    ) -> Result<i64, StoreError> {
        const LAST: &str = "
            select position, act from household_life where campaign = $1 and document = $2
            order by position desc limit 1";
        const ADD: &str = "
            insert into household_life
                (campaign, document, position, unit, household, act, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let text = serde_json::to_string(act).map_err(|_| StoreError::Damaged)?;
        let mut position = 1;
        if let Some(row) = self.one(LAST, vals![campaign, at.document]).await? {
            let last: i64 = row.get("position")?;
            if row.get::<String>("act")? == text {
                return Ok(last);
            }
            position = last + 1;
        }
        let row = vals![campaign, at.document, position, &at.unit, at.household, text, by, at_ms];
        self.run(ADD, row).await?;
        Ok(position)
    }

    /// Finds a household of a campaign by its id.
    pub(crate) async fn household_by_id(
        &mut self,
        campaign: CampaignId,
        household: HouseholdId,
    ) -> Result<Option<HouseholdAt>, StoreError> {
        self.household_get(campaign, shared::id::document_id(campaign, household)).await
    }
}
