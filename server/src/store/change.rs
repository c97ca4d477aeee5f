//! The log of what people answered. Rows are added and released, never edited or removed.
//!
//! The key is document *and* hash: equal edits in two households have equal hashes. Positions come
//! from the unit's counter row, locked by the writing transaction; an identity column would let a
//! reader on PostgreSQL skip a row that commits late.

use shared::id::{AccountId, Actor, CampaignId, ChangeHash, DeviceId, Digest, DocumentId};

use super::backend::{Row, Tx, vals};
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
    pub(crate) manifest: Option<Digest>,
    pub(crate) note: &'a str,
}

/// What the log says of one known change of a document.
#[derive(Debug, Clone)]
pub(crate) struct KnownChange {
    pub(crate) hash: ChangeHash,
    pub(crate) fate: String,
    pub(crate) bytes: i64,
}

/// A change that waits, with what it waits for.
#[derive(Debug, Clone)]
pub(crate) struct WaitingChange {
    pub(crate) hash: ChangeHash,
    pub(crate) bytes: usize,
    pub(crate) dependencies: Vec<ChangeHash>,
}

/// An accepted change on its way to a client.
#[derive(Debug, Clone)]
pub(crate) struct SentChange {
    pub(crate) document: DocumentId,
    pub(crate) position: i64,
    pub(crate) chunk: Vec<u8>,
    pub(crate) device: Option<Vec<u8>>,
    pub(crate) household: Vec<u8>,
    pub(crate) hamlet: String,
    pub(crate) code: String,
}

/// One stored change of a document, for rebuilding it.
#[derive(Debug, Clone)]
pub(crate) struct LoggedChange {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) chunk: Vec<u8>,
    pub(crate) provenance: String,
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
    /// Label of the signing device, empty for the desk.
    pub(crate) device: String,
    /// Position in the unit's log.
    pub(crate) position: Option<i64>,
    /// When the server received it.
    pub(crate) received_at_ms: i64,
    /// Reason given at the desk.
    pub(crate) note: String,
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

fn hashes(bytes: &[u8]) -> Result<Vec<ChangeHash>, StoreError> {
    bytes
        .chunks(32)
        .map(|hash| ChangeHash::from_slice(hash).map_err(|_| StoreError::Damaged))
        .collect()
}

impl Store {
    /// Returns the newest position of each unit of a campaign.
    pub(crate) async fn positions(
        &self,
        campaign: CampaignId,
    ) -> Result<std::collections::BTreeMap<String, i64>, StoreError> {
        let sql = "select unit, last_position from unit_log where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.get("last_position")?))).collect()
    }

    /// Reads a unit's accepted changes after a position, of all hamlets or of those named.
    ///
    /// `hamlets` is empty for all, else `,code,code,`. Not `like`: on SQLite that takes a hamlet for
    /// its neighbour in capitals.
    pub(crate) async fn change_after(
        &self,
        campaign: CampaignId,
        unit: &str,
        position: i64,
        hamlets: &str,
        rows_max: i64,
    ) -> Result<Vec<SentChange>, StoreError> {
        const SQL: &str = "
            select change.document, change.position, change.chunk, change.device,
                household.household, household.hamlet, household.code
            from change join household on household.document = change.document
            where change.campaign = $1 and change.unit = $2 and change.position > $3
            and ($4 = '' or replace($4, ',' || household.hamlet || ',', '') <> $4)
            order by change.position limit $5";
        let rows = self.db.all(SQL, vals![campaign, unit, position, hamlets, rows_max]).await?;
        rows.iter()
            .map(|row| {
                Ok(SentChange {
                    document: row.id("document")?,
                    position: row.get("position")?,
                    chunk: row.get("chunk")?,
                    device: row.get("device")?,
                    household: row.get("household")?,
                    hamlet: row.get("hamlet")?,
                    code: row.get("code")?,
                })
            })
            .collect()
    }

    /// Reads the accepted changes of one household, or of a whole unit by document.
    pub(crate) async fn change_log(
        &self,
        campaign: CampaignId,
        unit: &str,
        document: Option<DocumentId>,
    ) -> Result<Vec<LoggedChange>, StoreError> {
        const OF_UNIT: &str = "
            select document, hash, chunk, provenance from change
            where campaign = $1 and unit = $2 and fate = 'accepted' order by document, position";
        const OF_DOCUMENT: &str = "
            select document, hash, chunk, provenance from change
            where document = $1 and fate = 'accepted' order by position";
        let rows = match document {
            Some(document) => self.db.all(OF_DOCUMENT, vals![document]).await?,
            None => self.db.all(OF_UNIT, vals![campaign, unit]).await?,
        };
        rows.iter()
            .map(|row| {
                Ok(LoggedChange {
                    document: row.id("document")?,
                    hash: row.id("hash")?,
                    chunk: row.get("chunk")?,
                    provenance: row.get("provenance")?,
                })
            })
            .collect()
    }

    /// Says who wrote each change of a household.
    pub(crate) async fn change_authors(
        &self,
        document: DocumentId,
    ) -> Result<Vec<Authorship>, StoreError> {
        const SQL: &str = "
            select change.hash, change.provenance, change.position, change.received_at_ms,
                change.note, account.full_name, coalesce(device.label, '') as label
            from change join account on account.id = change.account
            left join device on device.id = change.device
            where change.document = $1 order by change.received_at_ms, change.hash";
        let rows = self.db.all(SQL, vals![document]).await?;
        rows.iter()
            .map(|row| {
                Ok(Authorship {
                    hash: row.id("hash")?,
                    provenance: row.get("provenance")?,
                    author: row.get("full_name")?,
                    device: row.get("label")?,
                    position: row.get("position")?,
                    received_at_ms: row.get("received_at_ms")?,
                    note: row.get("note")?,
                })
            })
            .collect()
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

impl Tx {
    /// Locks a unit's log and returns its newest position. Other writers of the unit wait.
    pub(crate) async fn unit_lock(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        const SQL: &str = "
            insert into unit_log (campaign, unit, last_position) values ($1, $2, 0)
            on conflict (campaign, unit) do update set last_position = unit_log.last_position
            returning last_position";
        let row = self.one(SQL, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("last_position")
    }

    /// Notes a unit's newest position after appending.
    pub(crate) async fn unit_moved_on(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        position: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "update unit_log set last_position = $3 where campaign = $1 and unit = $2";
        self.run(SQL, vals![campaign, unit, position]).await.map(drop)
    }

    /// Lists what is known of a document's changes.
    pub(crate) async fn change_known(
        &mut self,
        document: DocumentId,
    ) -> Result<Vec<KnownChange>, StoreError> {
        const SQL: &str = "
            select hash, fate, cast(length(chunk) as bigint) as bytes from change
            where document = $1";
        let rows = self.all(SQL, vals![document]).await?;
        rows.iter()
            .map(|row| {
                Ok(KnownChange {
                    hash: row.id("hash")?,
                    fate: row.get("fate")?,
                    bytes: row.get("bytes")?,
                })
            })
            .collect()
    }

    /// Lists a document's waiting changes.
    pub(crate) async fn change_waiting(
        &mut self,
        document: DocumentId,
    ) -> Result<Vec<WaitingChange>, StoreError> {
        const SQL: &str = "
            select hash, dependencies, cast(length(chunk) as bigint) as bytes from change
            where document = $1 and fate = 'waiting' order by hash";
        let rows = self.all(SQL, vals![document]).await?;
        rows.iter().map(waiting).collect()
    }

    /// Counts a device's waiting changes.
    pub(crate) async fn change_waiting_count(
        &mut self,
        device: DeviceId,
    ) -> Result<i64, StoreError> {
        let sql = "select count(*) as n from change where device = $1 and fate = 'waiting'";
        let row = self.one(sql, vals![device]).await?;
        row.ok_or(StoreError::Damaged)?.get("n")
    }

    /// Lists a unit's changes held for one reason, oldest first.
    pub(crate) async fn change_held(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        reason: &str,
    ) -> Result<Vec<(DocumentId, WaitingChange)>, StoreError> {
        const SQL: &str = "
            select document, hash, dependencies, cast(length(chunk) as bigint) as bytes
            from change
            where campaign = $1 and unit = $2 and fate = 'held' and reason = $3
            order by received_at_ms, document, hash";
        let rows = self.all(SQL, vals![campaign, unit, reason]).await?;
        rows.iter().map(|row| Ok((row.id("document")?, waiting(row)?))).collect()
    }

    /// Stores a change; false where the log has it already.
    pub(crate) async fn change_append(
        &mut self,
        campaign: CampaignId,
        new: &NewChange<'_>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into change (document, hash, campaign, unit, position, fate, reason, actor,
                actor_seq, dependencies, chunk, provenance, device, account, manifest, note,
                received_at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            on conflict (document, hash) do nothing";
        let row = vals![
            new.document,
            new.hash,
            campaign,
            new.unit,
            new.position,
            new.fate,
            new.reason,
            new.actor,
            i64::try_from(new.actor_seq).unwrap_or(i64::MAX),
            new.dependencies.as_slice(),
            new.chunk,
            new.provenance,
            new.device,
            new.account,
            new.manifest,
            new.note,
            now_ms
        ];
        Ok(self.run(SQL, row).await? == 1)
    }

    /// Releases a waiting or held change into the log at a position.
    pub(crate) async fn change_release(
        &mut self,
        document: DocumentId,
        hash: ChangeHash,
        position: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set fate = 'accepted', reason = '', position = $3
            where document = $1 and hash = $2 and fate <> 'accepted'";
        self.run(SQL, vals![document, hash, position]).await.map(drop)
    }

    /// Marks a held change as one that a person lets in; [`crate::ingest::desk::release_late`] does it.
    pub(crate) async fn change_let_in(
        &mut self,
        document: DocumentId,
        hash: ChangeHash,
        note: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set reason = $3, note = $4
            where document = $1 and hash = $2 and fate = 'held'";
        let reason = mobile_schema::problem::ANCESTOR_HELD.name;
        self.run(SQL, vals![document, hash, reason, note]).await.map(drop)
    }

    /// Turns a held change into a waiting one: its hold ended but an ancestor is still missing.
    pub(crate) async fn change_wait(
        &mut self,
        document: DocumentId,
        hash: ChangeHash,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set fate = 'waiting', reason = ''
            where document = $1 and hash = $2 and fate = 'held'";
        self.run(SQL, vals![document, hash]).await.map(drop)
    }

    /// Keeps a signed manifest verbatim.
    pub(crate) async fn manifest_add(
        &mut self,
        digest: Digest,
        device: DeviceId,
        bytes: &[u8],
        signature: &[u8],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into manifest (digest, device, bytes, signature, received_at_ms)
            values ($1, $2, $3, $4, $5) on conflict (digest) do nothing";
        self.run(SQL, vals![digest, device, bytes, signature, now_ms]).await.map(drop)
    }
}

fn waiting(row: &Row) -> Result<WaitingChange, StoreError> {
    Ok(WaitingChange {
        hash: row.id("hash")?,
        bytes: usize::try_from(row.get::<i64>("bytes")?).unwrap_or(usize::MAX),
        dependencies: hashes(&row.get::<Vec<u8>>("dependencies")?)?,
    })
}
