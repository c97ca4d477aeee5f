//! Preliminary reports: appended, read back, and never changed.

use shared::id::{AccountId, CampaignId, Digest, sha256};

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// A preliminary report without its counts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Made {
    /// Unit it was made for.
    pub(crate) unit: String,
    /// Number among the unit's, from 1.
    pub(crate) number: i64,
    /// Who made it.
    pub(crate) by: String,
    /// When.
    pub(crate) made_at_ms: i64,
    /// Lists it counts.
    pub(crate) covered: i64,
    /// Lists there should be.
    pub(crate) due: i64,
    /// SHA-256 of what it keeps.
    #[schema(value_type = String)]
    pub(crate) digest: Digest,
    #[serde(skip)]
    pub(crate) account: Option<AccountId>,
}

/// What is appended.
#[derive(Debug)]
pub(crate) struct NewPreliminary<'a> {
    pub(crate) number: i64,
    pub(crate) by: AccountId,
    pub(crate) made_at_ms: i64,
    pub(crate) covered: i64,
    pub(crate) due: i64,
    pub(crate) body: &'a str,
}

fn made(row: &Row) -> Result<Made, StoreError> {
    Ok(Made {
        unit: row.get("unit")?,
        number: row.get("number")?,
        by: row.get("full_name")?,
        made_at_ms: row.get("made_at_ms")?,
        covered: row.get("covered")?,
        due: row.get("due")?,
        digest: row.id("digest")?,
        account: Some(row.id("account")?),
    })
}

impl Store {
    /// Lists a unit's preliminary reports, newest first.
    pub(crate) async fn preliminary_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Made>, StoreError> {
        const SQL: &str = "
            select preliminary.unit, preliminary.number, preliminary.account, account.full_name,
                preliminary.made_at_ms, preliminary.covered, preliminary.due, preliminary.digest
            from preliminary join account on account.id = preliminary.account
            where preliminary.campaign = $1 and preliminary.unit = $2
            order by preliminary.number desc";
        self.db.all(SQL, vals![campaign, unit]).await?.iter().map(made).collect()
    }

    /// Reads one with what it keeps. A body that is not the one that was kept is damaged.
    pub(crate) async fn preliminary_get(
        &self,
        campaign: CampaignId,
        unit: &str,
        number: i64,
    ) -> Result<Option<(Made, String)>, StoreError> {
        const SQL: &str = "
            select preliminary.*, account.full_name
            from preliminary join account on account.id = preliminary.account
            where preliminary.campaign = $1 and preliminary.unit = $2 and preliminary.number = $3";
        let Some(row) = self.db.one(SQL, vals![campaign, unit, number]).await? else {
            return Ok(None);
        };
        let (made, body) = (made(&row)?, row.get::<String>("body")?);
        if sha256(body.as_bytes()) != made.digest.0 {
            return Err(StoreError::Damaged);
        }
        Ok(Some((made, body)))
    }
}

impl Tx {
    /// Returns the number of a unit's newest preliminary report, 0 before the first, and keeps
    /// others from adding one meanwhile.
    pub(crate) async fn preliminary_lock(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        const LOCK: &str = "update campaign set name = name where id = $1";
        const SQL: &str = "
            select coalesce(max(number), 0) as last from preliminary
            where campaign = $1 and unit = $2";
        self.run(LOCK, vals![campaign]).await?;
        let row = self.one(SQL, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("last")
    }

    /// Appends one.
    pub(crate) async fn preliminary_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &NewPreliminary<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into preliminary
                (campaign, unit, number, account, made_at_ms, covered, due, digest, body)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let digest = Digest(sha256(new.body.as_bytes()));
        let row = vals![
            campaign,
            unit,
            new.number,
            new.by,
            new.made_at_ms,
            new.covered,
            new.due,
            digest,
            new.body
        ];
        self.run(SQL, row).await.map(drop)
    }
}
