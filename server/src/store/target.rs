//! Targets that a province entered: a log, of which the newest of a unit and a rate holds.

use std::collections::BTreeMap;

use shared::id::{AccountId, CampaignId};
use shared::target::TargetRate;

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// A target as it was entered.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Target {
    /// Position among the targets of the unit and the rate, from 1.
    pub(crate) position: i64,
    /// Hundredths of a percentage point that the rate is to fall by.
    pub(crate) fall: i64,
    /// Number of the document that sets it.
    pub(crate) number: String,
    /// Its date, `YYYY-MM-DD`.
    pub(crate) date: String,
    /// Who issued it, and where in it.
    pub(crate) source: String,
    /// Who entered it.
    pub(crate) by: String,
    pub(crate) at_ms: i64,
}

/// A target to be entered.
#[derive(Debug)]
pub(crate) struct NewTarget<'a> {
    pub(crate) unit: &'a str,
    pub(crate) rate: TargetRate,
    pub(crate) fall: i64,
    pub(crate) number: &'a str,
    pub(crate) date: &'a str,
    pub(crate) source: &'a str,
    pub(crate) account: AccountId,
}

fn target(row: &Row) -> Result<Target, StoreError> {
    Ok(Target {
        position: row.get("position")?,
        fall: row.get("fall")?,
        number: row.get("number")?,
        date: row.get("date")?,
        source: row.get("source")?,
        by: row.get("full_name")?,
        at_ms: row.get("at_ms")?,
    })
}

impl Store {
    /// Lists the targets that hold, by unit and rate.
    pub(crate) async fn target_list(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<(String, TargetRate), Target>, StoreError> {
        const SQL: &str = "
            select target.*, account.full_name from target
            join account on account.id = target.account
            where target.campaign = $1 order by target.position";
        let rows = self.db.all(SQL, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                let rate = TargetRate::from_name(&row.get::<String>("rate")?);
                Ok(((row.get("unit")?, rate.ok_or(StoreError::Damaged)?), target(row)?))
            })
            .collect()
    }
}

impl Tx {
    /// Finds the target of a unit that holds; the campaign must be locked.
    pub(crate) async fn target_get(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        rate: TargetRate,
    ) -> Result<Option<Target>, StoreError> {
        const SQL: &str = "
            select target.*, account.full_name from target
            join account on account.id = target.account
            where target.campaign = $1 and target.unit = $2 and target.rate = $3
            order by target.position desc limit 1";
        let row = self.one(SQL, vals![campaign, unit, rate.name()]).await?;
        row.as_ref().map(target).transpose()
    }

    /// Appends a target; the campaign must be locked.
    pub(crate) async fn target_append(
        &mut self,
        campaign: CampaignId,
        new: &NewTarget<'_>,
        (position, now_ms): (i64, i64),
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into target
                (campaign, unit, rate, position, fall, number, date, source, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let row = vals![
            campaign,
            new.unit,
            new.rate.name(),
            position,
            new.fall,
            new.number,
            new.date,
            new.source,
            new.account,
            now_ms
        ];
        self.run(SQL, row).await.map(drop)
    }
}
