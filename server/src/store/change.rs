//! The log of what people answered. Rows are added and released, never edited or removed; one that
//! no worker gets over is quarantined again and keeps its position, which readers skip.
//!
//! The key is document *and* hash: equal edits in two households have equal hashes. Positions come
//! from the unit's counter row, locked by the writing transaction; an identity column would let a
//! reader on PostgreSQL skip a row that commits late.

use std::collections::BTreeMap;

use mobile_schema::problem;
use shared::holding::{Kept, Number};
use shared::id::{AccountId, Actor, CampaignId, ChangeHash, DeviceId, Digest, DocumentId};

use shared::list::Aside;

use super::backend::vals;
use super::{Store, StoreError};

/// A change about to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewChange<'a> {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) unit: &'a str,
    pub(crate) position: Option<i64>,
    pub(crate) fate: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) actor: Actor,
    pub(crate) actor_seq: u64,
    pub(crate) dependencies: Vec<u8>,
    pub(crate) chunk: &'a [u8],
    pub(crate) provenance: &'static str,
    pub(crate) device: Option<DeviceId>,
    pub(crate) account: AccountId,
    /// Who typed it, where the signed manifest names somebody the device knows.
    pub(crate) typed_by: Option<AccountId>,
    pub(crate) manifest: Option<Digest>,
    pub(crate) note: &'a str,
    /// On the side branch of a copied phone: in the log, merged apart, sent to nobody.
    pub(crate) side: bool,
}

/// What the log says of one known change of a document.
#[derive(Debug, Clone)]
pub(crate) struct KnownChange {
    /// The unit whose log it is in.
    pub(crate) unit: String,
    pub(crate) hash: ChangeHash,
    pub(crate) kept: Kept,
    pub(crate) reason: String,
    pub(crate) number: Number,
    pub(crate) side: bool,
    pub(crate) bytes: i64,
    pub(crate) dependencies: Vec<ChangeHash>,
}

/// Who wrote a change and when it came.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Authorship {
    /// Change hash.
    #[schema(value_type = String)]
    pub(crate) hash: ChangeHash,
    /// `device`, `session` or `desk`.
    pub(crate) provenance: String,
    /// Name of the person it is counted to.
    pub(crate) author: String,
    /// Name of the person who typed it, where the signed manifest says so.
    pub(crate) typed_by: Option<String>,
    /// Label of the signing device, empty for the desk.
    pub(crate) device: String,
    /// Position in the unit's log.
    pub(crate) position: Option<i64>,
    /// When the server received it.
    pub(crate) received_at_ms: i64,
    /// Reason given at the desk.
    pub(crate) note: String,
}

/// How much of a unit's work is stored but not merged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AsideCount {
    /// What a person has to decide on or a phone still has to bring.
    pub(crate) open: Aside,
    /// What came after the list was frozen.
    pub(crate) late: u64,
    /// How many of both are kept beyond reach, see [`shared::limits::ASIDE_MAX`].
    pub(crate) beyond: u64,
}

/// A change that was not merged, for the people who decide on it.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AsideChange {
    /// Document id.
    #[schema(value_type = String)]
    pub(crate) document: DocumentId,
    /// Change hash, or the SHA-256 of damaged bytes.
    #[schema(value_type = String)]
    pub(crate) hash: ChangeHash,
    /// `waiting`, `held` or `quarantined`.
    pub(crate) fate: String,
    /// Published problem name.
    pub(crate) reason: String,
    /// Label of the signing device.
    pub(crate) device: String,
    /// When the server received it.
    pub(crate) received_at_ms: i64,
}

impl Store {
    /// Returns the newest position of each unit of a campaign.
    pub(crate) async fn positions(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = "select unit, last_position from unit_log where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.get("last_position")?))).collect()
    }

    /// Returns the newest position of one unit, 0 before its first change.
    pub(crate) async fn position(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        let sql = "select last_position from unit_log where campaign = $1 and unit = $2";
        let row = self.db.one(sql, vals![campaign, unit]).await?;
        row.map_or(Ok(0), |row| row.get("last_position"))
    }

    /// Says who wrote each change of a household.
    pub(crate) async fn change_authors(
        &self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Authorship>, StoreError> {
        const SQL: &str = "
            select change.hash, change.provenance, change.position, change.received_at_ms,
                change.note, account.full_name, typist.full_name as typed_by,
                coalesce(device.label, '') as label
            from change join account on account.id = change.account
            left join account as typist on typist.id = change.typed_by
            left join device on device.id = change.device
            where change.campaign = $1 and change.document = $2
            order by change.received_at_ms, change.hash";
        let rows = self.db.all(SQL, vals![campaign, document]).await?;
        rows.iter()
            .map(|row| {
                Ok(Authorship {
                    hash: row.id("hash")?,
                    provenance: row.get("provenance")?,
                    author: row.get("full_name")?,
                    typed_by: row.get("typed_by")?,
                    device: row.get("label")?,
                    position: row.get("position")?,
                    received_at_ms: row.get("received_at_ms")?,
                    note: row.get("note")?,
                })
            })
            .collect()
    }

    /// Counts a unit's changes that were not merged, by who has to do something about them.
    pub(crate) async fn aside_count(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<AsideCount, StoreError> {
        const SQL: &str = "
            select fate, reason, count(*) as n from change
            where campaign = $1 and unit = $2 and fate <> 'accepted' group by fate, reason";
        let mut count = AsideCount::default();
        for row in self.db.all(SQL, vals![campaign, unit]).await? {
            let n = u64::try_from(row.get::<i64>("n")?).map_err(|_| StoreError::Damaged)?;
            let (fate, reason): (String, String) = (row.get("fate")?, row.get("reason")?);
            if reason == problem::LIST_FROZEN.name {
                count.late += n;
            } else if fate == "waiting" {
                count.open.waiting += n;
            } else if fate == "held" && reason != problem::CHANGE_LEFT_OUT.name {
                count.open.held += n;
            }
        }
        for (reason, n) in self.beyond_count(campaign, unit).await? {
            let n = u64::try_from(n).map_err(|_| StoreError::Damaged)?;
            let late = reason == problem::LIST_FROZEN.name;
            *(if late { &mut count.late } else { &mut count.open.held }) += n;
            count.beyond += n;
        }
        Ok(count)
    }

    /// Lists a unit's changes that were not merged: waiting, held, quarantined.
    pub(crate) async fn change_aside(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<AsideChange>, StoreError> {
        const SQL: &str = "
            select change.document, change.hash, change.fate, change.reason,
                change.received_at_ms, coalesce(device.label, '') as label
            from change left join device on device.id = change.device
            where change.campaign = $1 and change.unit = $2 and change.fate <> 'accepted'
            order by change.received_at_ms, change.document, change.hash limit 10000";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                Ok(AsideChange {
                    document: row.id("document")?,
                    hash: row.id("hash")?,
                    fate: row.get("fate")?,
                    reason: row.get("reason")?,
                    device: row.get("label")?,
                    received_at_ms: row.get("received_at_ms")?,
                })
            })
            .collect()
    }
}
