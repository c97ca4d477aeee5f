//! The log of what was decided about lists, where each list stands, and the frozen bytes.

use shared::approve::Step;
use shared::id::{AccountId, CampaignId, Digest};

use super::backend::{Tx, vals};
use super::{Store, StoreError};

/// One decision as it was taken.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Decision {
    /// Position among the unit's decisions, from 1.
    pub(crate) position: i64,
    /// `submit`, `return`, `approve`, `recognise` or `withdraw`.
    pub(crate) kind: String,
    /// Root it names.
    #[schema(value_type = String)]
    pub(crate) root: Digest,
    /// Name of the person who took it.
    pub(crate) by: String,
    /// The act with its papers and comments.
    #[schema(value_type = Object)]
    pub(crate) body: serde_json::Value,
    /// When.
    pub(crate) at_ms: i64,
}

pub(super) fn step(text: &str) -> Result<Step, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged)
}

impl Store {
    /// Returns where a unit's list stands.
    pub(crate) async fn list_step(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Step, StoreError> {
        let sql = "select step from list where campaign = $1 and unit = $2";
        match self.db.one(sql, vals![campaign, unit]).await? {
            Some(row) => step(&row.get::<String>("step")?),
            None => Ok(Step::Collecting),
        }
    }

    /// Returns where every list of a campaign stands that has left collecting once, by unit.
    pub(crate) async fn list_steps(
        &self,
        campaign: CampaignId,
    ) -> Result<std::collections::BTreeMap<String, Step>, StoreError> {
        let sql = "select unit, step from list where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, step(&row.get::<String>("step")?)?))).collect()
    }

    /// Lists a unit's decisions, oldest first.
    pub(crate) async fn decision_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Decision>, StoreError> {
        const SQL: &str = "
            select decision.*, account.full_name from decision
            join account on account.id = decision.account
            where decision.campaign = $1 and decision.unit = $2 order by decision.position";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let body: String = row.get("body")?;
                Ok(Decision {
                    position: row.get("position")?,
                    kind: row.get("kind")?,
                    root: row.id("root")?,
                    by: row.get("full_name")?,
                    body: serde_json::from_str(&body).map_err(|_| StoreError::Damaged)?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Lists every decision of a campaign: the unit, its kind, and when it was taken.
    pub(crate) async fn decision_times(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "select unit, kind, at_ms from decision where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.get("kind")?, row.get("at_ms")?))).collect()
    }

    /// Reads a frozen list's bytes.
    pub(crate) async fn frozen_get(
        &self,
        campaign: CampaignId,
        unit: &str,
        root: Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const SQL: &str = "
            select rows from frozen_list where campaign = $1 and unit = $2 and root = $3";
        let row = self.db.one(SQL, vals![campaign, unit, root]).await?;
        row.map(|row| row.get("rows")).transpose()
    }
}

impl Tx {
    /// Returns where every list of a campaign stands, as [`Store::list_steps`] does.
    pub(crate) async fn list_steps(
        &mut self,
        campaign: CampaignId,
    ) -> Result<std::collections::BTreeMap<String, Step>, StoreError> {
        let sql = "select unit, step from list where campaign = $1";
        let rows = self.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, step(&row.get::<String>("step")?)?))).collect()
    }

    /// Returns where a unit's list stands; the unit's log must be locked.
    pub(crate) async fn list_step(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<(Step, i64), StoreError> {
        let sql = "select step, last_decision from list where campaign = $1 and unit = $2";
        match self.one(sql, vals![campaign, unit]).await? {
            Some(row) => Ok((step(&row.get::<String>("step")?)?, row.get("last_decision")?)),
            None => Ok((Step::Collecting, 0)),
        }
    }

    /// Appends a decision and moves the list on, in one transaction with whatever it rests on.
    pub(crate) async fn decision_append(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        decision: &NewDecision<'_>,
    ) -> Result<(), StoreError> {
        const LOG: &str = "
            insert into decision (campaign, unit, position, kind, root, account, body, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8)";
        const MOVE: &str = "
            insert into list (campaign, unit, step, step_name, root, last_decision)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (campaign, unit) do update set step = excluded.step,
                step_name = excluded.step_name, root = excluded.root,
                last_decision = excluded.last_decision";
        let step = serde_json::to_string(decision.next).map_err(|_| StoreError::Damaged)?;
        let row = vals![
            campaign,
            unit,
            decision.position,
            decision.kind,
            decision.root,
            decision.by,
            decision.body,
            decision.at_ms
        ];
        self.run(LOG, row).await?;
        let row = vals![
            campaign,
            unit,
            step,
            decision.next.name(),
            decision.next.root(),
            decision.position
        ];
        self.run(MOVE, row).await.map(drop)
    }

    /// Keeps a frozen list's bytes under their root.
    pub(crate) async fn frozen_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        root: Digest,
        rows: &[u8],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into frozen_list (root, campaign, unit, rows, frozen_at_ms)
            values ($1, $2, $3, $4, $5) on conflict (campaign, unit, root) do nothing";
        self.run(SQL, vals![root, campaign, unit, rows, now_ms]).await.map(drop)
    }
}

/// What a decision writes.
#[derive(Debug)]
pub(crate) struct NewDecision<'a> {
    pub(crate) position: i64,
    pub(crate) kind: &'static str,
    pub(crate) root: Digest,
    pub(crate) by: AccountId,
    pub(crate) body: &'a str,
    pub(crate) next: &'a Step,
    pub(crate) at_ms: i64,
}
