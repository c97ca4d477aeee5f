//! Samples that districts check, and what was found: appended to, never overwritten.

use std::collections::BTreeSet;

use shared::id::{AccountId, CampaignId, Digest, DocumentId};
use shared::sample::{Finding, Size};

use super::backend::{Tx, vals};
use super::{Store, StoreError};

/// A sample as it was drawn.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// List it was drawn from.
    pub(crate) root: Digest,
    pub(crate) seed: String,
    /// `server` or `person`.
    pub(crate) drawn_by: String,
    pub(crate) size: Size,
    /// Name of who asked for it.
    pub(crate) by: String,
    pub(crate) at_ms: i64,
}

/// What was found at a household of a sample.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) document: DocumentId,
    pub(crate) finding: Finding,
    pub(crate) note: String,
    /// Name of who wrote it down.
    pub(crate) by: String,
    pub(crate) at_ms: i64,
}

/// A sample being kept.
#[derive(Debug)]
pub(crate) struct NewSample<'a> {
    pub(crate) root: Digest,
    pub(crate) seed: &'a str,
    pub(crate) drawn_by: &'static str,
    pub(crate) size: Size,
    pub(crate) by: AccountId,
    pub(crate) at_ms: i64,
}

/// A finding being kept.
#[derive(Debug)]
pub(crate) struct NewFinding<'a> {
    pub(crate) root: Digest,
    pub(crate) position: i64,
    pub(crate) document: DocumentId,
    pub(crate) finding: Finding,
    pub(crate) note: &'a str,
    pub(crate) by: AccountId,
    pub(crate) at_ms: i64,
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged)
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged)
}

impl Store {
    /// Lists the samples of a unit, the newest first: one for each of its frozen lists at most.
    pub(crate) async fn sample_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Sample>, StoreError> {
        const SQL: &str = "
            select sample.root, sample.seed, sample.drawn_by, sample.size, sample.at_ms,
                account.full_name
            from sample join account on account.id = sample.account
            where sample.campaign = $1 and sample.unit = $2
            order by sample.at_ms desc, sample.root";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Sample {
                    root: row.id("root")?,
                    seed: row.get("seed")?,
                    drawn_by: row.get("drawn_by")?,
                    size: json(&row.get::<String>("size")?)?,
                    by: row.get("full_name")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Lists the units of a campaign with the frozen lists that samples were drawn from.
    pub(crate) async fn sample_roots(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeSet<(String, Digest)>, StoreError> {
        let sql = "select unit, root from sample where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.id("root")?))).collect()
    }

    /// Lists what was found at the households of a sample, oldest first.
    pub(crate) async fn sample_findings(
        &self,
        campaign: CampaignId,
        unit: &str,
        root: Digest,
    ) -> Result<Vec<Found>, StoreError> {
        const SQL: &str = "
            select sample_finding.*, account.full_name
            from sample_finding join account on account.id = sample_finding.account
            where sample_finding.campaign = $1 and sample_finding.unit = $2
            and sample_finding.root = $3 order by sample_finding.position";
        let rows = self.db.all(SQL, vals![campaign, unit, root]).await?;
        rows.iter()
            .map(|row| {
                Ok(Found {
                    document: row.id("document")?,
                    finding: json(&row.get::<String>("finding")?)?,
                    note: row.get("note")?,
                    by: row.get("full_name")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Keeps a sample; false where the list has one.
    pub(crate) async fn sample_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &NewSample<'_>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into sample (campaign, unit, root, seed, drawn_by, size, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (campaign, unit, root) do nothing";
        let size = text(&new.size)?;
        let (root, by) = (new.root, new.by);
        let row = vals![campaign, unit, root, new.seed, new.drawn_by, size, by, new.at_ms];
        Ok(self.run(SQL, row).await? == 1)
    }

    /// Keeps a finding; the unit's log must be locked.
    pub(crate) async fn sample_finding_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &NewFinding<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into sample_finding
                (campaign, unit, root, position, document, finding, note, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let finding = text(&new.finding)?;
        let row = vals![
            campaign,
            unit,
            new.root,
            new.position,
            new.document,
            finding,
            new.note,
            new.by,
            new.at_ms
        ];
        self.run(SQL, row).await.map(drop)
    }

    /// Returns the position of the newest finding of a sample, 0 before the first, and what was
    /// found last at a household.
    pub(crate) async fn sample_finding_last(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        root: Digest,
        document: DocumentId,
    ) -> Result<(i64, Option<(Finding, String)>), StoreError> {
        const LAST: &str = "
            select coalesce(max(position), 0) as position from sample_finding
            where campaign = $1 and unit = $2 and root = $3";
        const OF: &str = "
            select finding, note from sample_finding
            where campaign = $1 and unit = $2 and root = $3 and document = $4
            order by position desc limit 1";
        let row = self.one(LAST, vals![campaign, unit, root]).await?;
        let position = row.map_or(Ok(0), |row| row.get("position"))?;
        let row = self.one(OF, vals![campaign, unit, root, document]).await?;
        let read = |row: super::backend::Row| {
            Ok::<_, StoreError>((json(&row.get::<String>("finding")?)?, row.get("note")?))
        };
        Ok((position, row.map(read).transpose()?))
    }
}
