//! Writing the log of what people answered: appending, releasing, setting aside.
//!
//! A unit's log is locked before anything of it is written.

use mobile_schema::problem;
use shared::approve::Step;
use shared::holding::{Kept, Waiting};
use shared::id::{CampaignId, ChangeHash, DeviceId, Digest, DocumentId};

use super::StoreError;
use super::backend::{Row, Tx, Val, vals};
use super::change::{KnownChange, NewChange};
use super::list::step;
use super::material::{in_list, padded};
use super::rows::Rows;

/// Columns of a change, in the order of [`NewChange::row`].
macro_rules! columns {
    () => {
        "document, hash, campaign, unit, position, fate, reason, actor, actor_seq, dependencies,
        chunk, provenance, device, account, manifest, note, received_at_ms, side, typed_by"
    };
}

pub(super) use columns;

const APPEND: Rows = Rows {
    before: concat!("insert into change (", columns!(), ") values"),
    after: "on conflict (campaign, document, hash) do nothing",
};

/// The logs of [`Tx::unit_logs`].
pub(super) const UNIT_LOGS: &str = concat!(
    "select unit_log.unit, unit_log.last_position, list.step
    from unit_log left join list
        on list.campaign = unit_log.campaign and list.unit = unit_log.unit
    where unit_log.campaign = $1 and unit_log.unit in ",
    in_list!()
);

/// A signed manifest about to be stored.
#[derive(Debug)]
pub(crate) struct NewManifest {
    pub(crate) digest: Digest,
    pub(crate) device: DeviceId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) received_at_ms: i64,
}

pub(super) fn hashes(bytes: &[u8]) -> Result<Vec<ChangeHash>, StoreError> {
    bytes
        .chunks(32)
        .map(|hash| ChangeHash::from_slice(hash).map_err(|_| StoreError::Damaged))
        .collect()
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

    /// Locks units' logs, in the order given, as [`Tx::unit_lock`] does one.
    pub(crate) async fn unit_lock_all<'a>(
        &mut self,
        units: impl Iterator<Item = (CampaignId, &'a str)>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into unit_log (campaign, unit, last_position) values",
            after: "on conflict (campaign, unit) do update
                set last_position = unit_log.last_position",
        };
        let rows = units.map(|(campaign, unit)| vals![campaign, unit, 0]);
        self.run_rows(SQL, rows.collect()).await.map(drop)
    }

    /// Returns newest position and step of at most [`super::material::AT_ONCE`] units of a campaign,
    /// whose logs are locked.
    pub(crate) async fn unit_logs(
        &mut self,
        campaign: CampaignId,
        units: &[&str],
    ) -> Result<Vec<(String, i64, Step)>, StoreError> {
        let mut of = vals![campaign];
        of.extend(padded(units));
        let log = |row: &Row| {
            let kept = row.get::<Option<String>>("step")?;
            let step = kept.map_or(Ok(Step::Collecting), |kept| step(&kept))?;
            Ok((row.get("unit")?, row.get("last_position")?, step))
        };
        self.all(UNIT_LOGS, of).await?.iter().map(log).collect()
    }

    /// Notes a unit's newest position after appending.
    pub(crate) async fn unit_moved_on(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        position: i64,
    ) -> Result<(), StoreError> {
        self.unit_moved_on_all(std::iter::once((campaign, unit, position))).await
    }

    /// Notes the newest positions of units that are locked.
    pub(crate) async fn unit_moved_on_all<'a>(
        &mut self,
        units: impl Iterator<Item = (CampaignId, &'a str, i64)>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "with moved (campaign, unit, position) as (values",
            after: ") update unit_log set last_position = moved.position from moved
                where unit_log.campaign = moved.campaign and unit_log.unit = moved.unit",
        };
        let rows = units.map(|(campaign, unit, position)| vals![campaign, unit, position]);
        self.run_rows(SQL, rows.collect()).await.map(drop)
    }

    /// Lists what is known of the changes of at most [`super::material::AT_ONCE`] documents.
    pub(crate) async fn change_known(
        &mut self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<Vec<(DocumentId, KnownChange)>, StoreError> {
        const SQL: &str = concat!(
            "select document, unit, hash, fate, reason, actor, actor_seq, side, dependencies,
                cast(length(chunk) as bigint) as bytes
            from change where campaign = $1 and document in ",
            in_list!()
        );
        let mut of = vals![campaign];
        of.extend(padded(documents));
        let rows = self.all(SQL, of).await?;
        rows.iter()
            .map(|row| {
                let known = KnownChange {
                    hash: row.id("hash")?,
                    kept: kept(row)?,
                    reason: row.get("reason")?,
                    unit: row.get("unit")?,
                    number: (row.id("actor")?, row.get("actor_seq")?),
                    side: row.get::<i64>("side")? == 1,
                    bytes: row.get("bytes")?,
                    dependencies: hashes(&row.get::<Vec<u8>>("dependencies")?)?,
                };
                Ok((row.id("document")?, known))
            })
            .collect()
    }

    /// Lists a document's waiting changes.
    pub(crate) async fn change_waiting(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Waiting>, StoreError> {
        const SQL: &str = "
            select hash, fate, actor, actor_seq, dependencies,
                cast(length(chunk) as bigint) as bytes
            from change
            where campaign = $1 and document = $2 and fate = 'waiting' order by hash";
        let rows = self.all(SQL, vals![campaign, document]).await?;
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
    ) -> Result<Vec<(DocumentId, Waiting)>, StoreError> {
        const SQL: &str = "
            select document, hash, fate, actor, actor_seq, dependencies,
                cast(length(chunk) as bigint) as bytes
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
        Ok(self.run_rows(APPEND, vec![new.row(campaign, now_ms)]).await? == 1)
    }

    /// Stores changes, as rows, that the log has not yet: their units are locked, and it was looked.
    pub(crate) async fn change_append_rows(
        &mut self,
        rows: Vec<Vec<Val>>,
    ) -> Result<(), StoreError> {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        // The lock makes any other count impossible; a gap in the log would be worse.
        if self.run_rows(APPEND, rows).await? == count { Ok(()) } else { Err(StoreError::Damaged) }
    }

    /// Reads the bytes of one change.
    pub(crate) async fn change_chunk(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        hash: ChangeHash,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const SQL: &str =
            "select chunk from change where campaign = $1 and document = $2 and hash = $3";
        let row = self.one(SQL, vals![campaign, document, hash]).await?;
        row.map(|row| row.get("chunk")).transpose()
    }

    /// Releases a waiting or held change into the log at a position.
    pub(crate) async fn change_release(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        hash: ChangeHash,
        position: i64,
        side: bool,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set fate = 'accepted', reason = '', position = $4, side = $5
            where campaign = $1 and document = $2 and hash = $3 and fate <> 'accepted'";
        self.run(SQL, vals![campaign, document, hash, position, side]).await.map(drop)
    }

    /// Gives a change that was set aside another fate short of accepted, and another reason. What is
    /// quarantined stays so, but for what no worker got over: that may be tried again.
    pub(crate) async fn change_set_aside(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        hash: ChangeHash,
        fate: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set fate = $4, reason = $5
            where campaign = $1 and document = $2 and hash = $3
            and (fate in ('held', 'waiting') or (fate = 'quarantined' and reason = $6))";
        let again = problem::CHANGE_UNMERGEABLE.name;
        self.run(SQL, vals![campaign, document, hash, fate, reason, again]).await.map(drop)
    }

    /// Notes why a person lets a held change in.
    pub(crate) async fn change_note(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        hash: ChangeHash,
        note: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set note = $4
            where campaign = $1 and document = $2 and hash = $3 and fate = 'held'";
        self.run(SQL, vals![campaign, document, hash, note]).await.map(drop)
    }

    /// Shows what was set aside for at most [`super::material::AT_ONCE`] households before they
    /// were registered to the units they are in now. What was in another unit's log until it was taken
    /// back has no place in this one's.
    pub(crate) async fn change_rehome(
        &mut self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<(), StoreError> {
        const SQL: &str = concat!(
            "update change set unit = household.unit,
                position = case when change.unit = household.unit then position else null end
            from household
            where household.document = change.document and household.campaign = change.campaign
            and change.fate <> 'accepted' and change.campaign = $1 and change.document in ",
            in_list!()
        );
        let mut of = vals![campaign];
        of.extend(padded(documents));
        self.run(SQL, of).await.map(drop)
    }

    /// Keeps signed manifests verbatim.
    pub(crate) async fn manifest_add(&mut self, new: Vec<NewManifest>) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into manifest (digest, device, bytes, signature, received_at_ms) values",
            after: "on conflict (digest) do nothing",
        };
        let row = |new: NewManifest| {
            vals![new.digest, new.device, new.bytes, new.signature, new.received_at_ms]
        };
        self.run_rows(SQL, new.into_iter().map(row).collect()).await.map(drop)
    }
}

impl NewChange<'_> {
    /// Makes a row of the log.
    pub(crate) fn row(&self, campaign: CampaignId, now_ms: i64) -> Vec<Val> {
        vals![
            self.document,
            self.hash,
            campaign,
            self.unit,
            self.position,
            self.fate,
            self.reason,
            self.actor,
            i64::try_from(self.actor_seq).unwrap_or(i64::MAX),
            self.dependencies.as_slice(),
            self.chunk,
            self.provenance,
            self.device,
            self.account,
            self.manifest,
            self.note,
            now_ms,
            self.side,
            self.typed_by
        ]
    }
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    Kept::of_word(&row.get::<String>("fate")?).ok_or(StoreError::Damaged)
}

fn waiting(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        hash: row.id("hash")?,
        held: kept(row)? == Kept::Held,
        number: (row.id("actor")?, row.get("actor_seq")?),
        bytes: usize::try_from(row.get::<i64>("bytes")?).unwrap_or(usize::MAX),
        dependencies: hashes(&row.get::<Vec<u8>>("dependencies")?)?,
        ahead: false,
    })
}
