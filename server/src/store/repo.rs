//! What the standard door reads of households: their logs without the bytes, and bytes that are sent.

use std::collections::{BTreeMap, BTreeSet};

use shared::id::{AccountId, CampaignId, ChangeHash, DeviceId, DocumentId};
use shared::merge::genesis_hash;
use shared::repo::answer::{Log, Logged, Place};

use super::append::hashes;
use super::backend::{Row, vals};
use super::material::{AT_ONCE, in_list, padded};
use super::{Store, StoreError};

/// A household with its log, as of one moment.
#[derive(Debug)]
pub(crate) struct RepoLog {
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    /// Position of the newest change in it that a client wrote and no worker has looked at; 0 where
    /// there is none.
    pub(crate) unseen_at: i64,
    pub(crate) log: Log,
}

/// A household as its rows are read.
#[derive(Default)]
struct Reading {
    unit: String,
    hamlet: String,
    unseen_at: i64,
    changes: Vec<Logged>,
}

impl Store {
    /// Reads the logs of households of a campaign, without the bytes and without what failed the
    /// guard: that has no name that anybody could ask for.
    pub(crate) async fn repo_logs(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, RepoLog>, StoreError> {
        const SQL: &str = concat!(
            "select household.document, household.unit, household.hamlet, change.hash,
                change.dependencies, change.fate, change.side, change.position,
                cast(length(change.chunk) as bigint) as bytes,
                cast(case when change.provenance = 'desk' or (standing.unit = change.unit
                    and standing.position >= change.position) then 0 else 1 end as bigint) as unseen
            from household left join standing on standing.document = household.document
            left join change on change.campaign = household.campaign
                and change.document = household.document
                and (change.fate <> 'quarantined' or change.actor_seq > 0)
            where household.campaign = $1 and household.document in ",
            in_list!()
        );
        let mut read: BTreeMap<DocumentId, Reading> = BTreeMap::new();
        for documents in documents.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(documents));
            for row in self.db.all(SQL, of).await? {
                let household = read.entry(row.id("document")?).or_default();
                (household.unit, household.hamlet) = (row.get("unit")?, row.get("hamlet")?);
                let Some(logged) = logged(&row)? else { continue };
                if logged.place == Place::Main && row.get::<i64>("unseen")? == 1 {
                    household.unseen_at = household.unseen_at.max(logged.position);
                }
                household.changes.push(logged);
            }
        }
        let log = |(document, of): (DocumentId, Reading)| {
            let log = Log::new(genesis_hash(), of.changes);
            let Reading { unit, hamlet, unseen_at, .. } = of;
            (document, RepoLog { unit, hamlet, unseen_at, log })
        };
        Ok(read.into_iter().map(log).collect())
    }

    /// Lists where households of a campaign are and their newest positions.
    pub(crate) async fn repo_positions(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, (String, i64)>, StoreError> {
        const SQL: &str = concat!(
            "select document, unit, last_position from household
            where campaign = $1 and document in ",
            in_list!()
        );
        let mut positions = BTreeMap::new();
        for documents in documents.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(documents));
            for row in self.db.all(SQL, of).await? {
                let at = (row.get("unit")?, row.get("last_position")?);
                positions.insert(row.id("document")?, at);
            }
        }
        Ok(positions)
    }

    /// Lists which of these households an account, or somebody who types on a device, was ever given:
    /// by itself, with its hamlet, or with one that it has left since.
    pub(crate) async fn repo_given(
        &self,
        campaign: CampaignId,
        account: AccountId,
        device: DeviceId,
        documents: &[DocumentId],
    ) -> Result<BTreeSet<DocumentId>, StoreError> {
        const SQL: &str = concat!(
            "select household.document from household
            where household.campaign = $1 and (
                exists (select 1 from household_assignment as single
                    where single.campaign = $1 and single.document = household.document
                    and single.account in (select id from account where id = $34 union all
                        select account from device_person where device = $35))
                or exists (select 1 from assignment
                    where assignment.campaign = $1
                    and assignment.account in (select id from account where id = $34 union all
                        select account from device_person where device = $35)
                    and (assignment.hamlet = household.hamlet
                        or assignment.hamlet in (select left_hamlet from household_move
                            where household_move.campaign = $1
                            and household_move.document = household.document))))
            and household.document in ",
            in_list!()
        );
        let mut given = BTreeSet::new();
        for documents in documents.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(documents));
            of.extend(vals![account, device]);
            for row in self.db.all(SQL, of).await? {
                given.insert(row.id("document")?);
            }
        }
        Ok(given)
    }

    /// Reads the bytes of accepted changes of households after a position.
    pub(crate) async fn repo_chunks(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
        position: i64,
    ) -> Result<BTreeMap<(DocumentId, ChangeHash), Vec<u8>>, StoreError> {
        const SQL: &str = concat!(
            "select document, hash, chunk from change
            where campaign = $1 and fate = 'accepted' and side = 0 and position > $34
            and document in ",
            in_list!()
        );
        let mut chunks = BTreeMap::new();
        for documents in documents.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(documents));
            of.extend(vals![position]);
            for row in self.db.all(SQL, of).await? {
                chunks.insert((row.id("document")?, row.id("hash")?), row.get("chunk")?);
            }
        }
        Ok(chunks)
    }
}

/// Reads a change; none where the household has none yet.
fn logged(row: &Row) -> Result<Option<Logged>, StoreError> {
    if row.get::<Option<Vec<u8>>>("hash")?.is_none() {
        return Ok(None);
    }
    let fate: String = row.get("fate")?;
    let place = match (fate.as_str(), row.get::<i64>("side")?) {
        ("accepted", 0) => Place::Main,
        (_, 1) => Place::Side,
        _ => Place::Aside,
    };
    Ok(Some(Logged {
        hash: row.id("hash")?,
        dependencies: hashes(&row.get::<Vec<u8>>("dependencies")?)?,
        place,
        waits: fate == "waiting",
        position: row.get::<Option<i64>>("position")?.unwrap_or(0),
        bytes: usize::try_from(row.get::<i64>("bytes")?).unwrap_or(0),
    }))
}
