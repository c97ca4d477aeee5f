//! Scans of signed papers, each kept once under the SHA-256 of its bytes.

use shared::id::{AccountId, CampaignId, Digest};
use shared::scan::{Media, PaperKind};

use super::backend::{Tx, vals};
use super::{Store, StoreError};

/// Most scans of one kind that a unit may have.
const SCANS_MAX: i64 = 100;

/// A scan without its bytes.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Scan {
    /// SHA-256 of the file.
    #[schema(value_type = String)]
    pub(crate) digest: Digest,
    /// `opinion`, `decision` or `minutes`.
    #[schema(value_type = String)]
    pub(crate) kind: PaperKind,
    /// `pdf`, `jpeg` or `png`, by the file's first bytes.
    #[schema(value_type = String)]
    pub(crate) media: Media,
    /// What it is, in words.
    pub(crate) title: String,
    /// Size of the file.
    pub(crate) size_bytes: i64,
    /// Name of who attached it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

/// A scan being kept.
#[derive(Debug)]
pub(crate) struct NewScan<'a> {
    pub(crate) digest: Digest,
    pub(crate) kind: PaperKind,
    pub(crate) media: Media,
    pub(crate) title: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) by: AccountId,
    pub(crate) at_ms: i64,
}

fn media(ending: &str) -> Result<Media, StoreError> {
    Media::from_ending(ending).ok_or(StoreError::Damaged)
}

impl Store {
    /// Lists the scans of a unit, oldest first.
    pub(crate) async fn scan_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Scan>, StoreError> {
        const SQL: &str = "
            select scan.digest, scan.kind, scan.media, scan.title, scan.size, scan.at_ms,
                account.full_name
            from scan join account on account.id = scan.account
            where scan.campaign = $1 and scan.unit = $2 order by scan.at_ms, scan.digest";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let kind: String = row.get("kind")?;
                Ok(Scan {
                    digest: row.id("digest")?,
                    kind: PaperKind::from_name(&kind).ok_or(StoreError::Damaged)?,
                    media: media(&row.get::<String>("media")?)?,
                    title: row.get("title")?,
                    size_bytes: row.get("size")?,
                    by: row.get("full_name")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Reads a scan of a unit.
    pub(crate) async fn scan_get(
        &self,
        campaign: CampaignId,
        unit: &str,
        digest: Digest,
    ) -> Result<Option<(Media, Vec<u8>)>, StoreError> {
        const SQL: &str = "
            select media, bytes from scan where campaign = $1 and unit = $2 and digest = $3";
        let Some(row) = self.db.one(SQL, vals![campaign, unit, digest]).await? else {
            return Ok(None);
        };
        let bytes: Vec<u8> = row.get("bytes")?;
        if shared::id::sha256(&bytes) != digest.0 {
            return Err(StoreError::Damaged);
        }
        Ok(Some((media(&row.get::<String>("media")?)?, bytes)))
    }

    /// Keeps a scan; one that is there stays as it is. False where the unit has too many.
    pub(crate) async fn scan_add(
        &self,
        campaign: CampaignId,
        unit: &str,
        new: &NewScan<'_>,
    ) -> Result<bool, StoreError> {
        const COUNT: &str = "
            select count(*) as n from scan
            where campaign = $1 and unit = $2 and kind = $3";
        const SQL: &str = "
            insert into scan
                (campaign, unit, digest, kind, media, title, size, bytes, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            on conflict (campaign, unit, digest) do nothing";
        let mut tx = self.begin().await?;
        tx.unit_lock(campaign, unit).await?;
        let count = tx.one(COUNT, vals![campaign, unit, new.kind.name()]).await?;
        let count: i64 = count.ok_or(StoreError::Damaged)?.get("n")?;
        let is_there = tx.scan_is_there(campaign, unit, new.digest).await?;
        if !is_there && count >= SCANS_MAX {
            return Ok(false);
        }
        let size = i64::try_from(new.bytes.len()).map_err(|_| StoreError::Damaged)?;
        let row = vals![
            campaign,
            unit,
            new.digest,
            new.kind.name(),
            new.media.ending(),
            new.title,
            size,
            new.bytes,
            new.by,
            new.at_ms
        ];
        tx.run(SQL, row).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Tx {
    /// Tells whether a unit has a scan under this name, whatever kind it was first kept as: one file
    /// may be attached twice, and is kept once.
    pub(crate) async fn scan_is_there(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        digest: Digest,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            select 1 as one from scan where campaign = $1 and unit = $2 and digest = $3";
        Ok(self.one(SQL, vals![campaign, unit, digest]).await?.is_some())
    }
}
