//! Score tables as they were loaded, and the log of who loaded and who confirmed them.

use shared::confirm::{Kind, Step};
use shared::id::{CampaignId, Digest, sha256};

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// One act as people are shown it.
#[derive(Debug, Clone)]
pub(crate) struct TableStep {
    pub(crate) step: Step,
    /// Name of who did it.
    pub(crate) full_name: String,
    pub(crate) at_ms: i64,
}

const STEPS: &str = "
    select step.*, account.full_name from score_table_step as step
    join account on account.id = step.account
    where step.campaign = $1 order by step.position";

fn step(row: &Row) -> Result<TableStep, StoreError> {
    let kind = match row.get::<String>("kind")?.as_str() {
        "load" => Kind::Load,
        "confirm" => Kind::Confirm,
        _ => return Err(StoreError::Damaged),
    };
    let step = Step { kind, digest: row.id("digest")?, by: row.id("account")? };
    Ok(TableStep { step, full_name: row.get("full_name")?, at_ms: row.get("at_ms")? })
}

impl Store {
    /// Lists what was done with the score tables of a campaign, oldest first.
    pub(crate) async fn table_steps(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<TableStep>, StoreError> {
        self.db.all(STEPS, vals![campaign]).await?.iter().map(step).collect()
    }

    /// Reads a table that was loaded once.
    pub(crate) async fn table_text(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        let sql = "select text from score_table_file where digest = $1";
        self.db.one(sql, vals![digest]).await?.map(|row| row.get("text")).transpose()
    }
}

impl Tx {
    /// Lists the same; the campaign must be locked.
    pub(crate) async fn table_steps(
        &mut self,
        campaign: CampaignId,
    ) -> Result<Vec<TableStep>, StoreError> {
        self.all(STEPS, vals![campaign]).await?.iter().map(step).collect()
    }

    /// Keeps the text of a table.
    pub(crate) async fn table_keep(&mut self, text: &str) -> Result<Digest, StoreError> {
        const SQL: &str = "
            insert into score_table_file (digest, text) values ($1, $2)
            on conflict (digest) do nothing";
        let digest = Digest(sha256(text.as_bytes()));
        self.run(SQL, vals![digest, text]).await?;
        Ok(digest)
    }

    /// Appends an act; the campaign must be locked.
    pub(crate) async fn table_step_append(
        &mut self,
        campaign: CampaignId,
        step: &Step,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into score_table_step (campaign, position, kind, digest, account, at_ms)
            select $1, coalesce(max(position), 0) + 1, cast($2 as text), $3, $4, $5
            from score_table_step where campaign = $1";
        let kind = match step.kind {
            Kind::Load => "load",
            Kind::Confirm => "confirm",
        };
        self.run(SQL, vals![campaign, kind, step.digest, step.by, now_ms]).await.map(drop)
    }

    /// Brings a table that was loaded into force.
    pub(crate) async fn table_in_force(
        &mut self,
        campaign: CampaignId,
        digest: Digest,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update campaign set score_table =
                (select text from score_table_file where digest = $2)
            where id = $1";
        self.run(SQL, vals![campaign, digest]).await.map(drop)
    }
}
