//! What the standard door reads of households: their logs without the bytes, and bytes that are sent.

use std::collections::BTreeMap;

use shared::id::{CampaignId, ChangeHash, DocumentId};
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
    pub(crate) log: Log,
}

impl Store {
    /// Reads the logs of households of a campaign, without the bytes.
    pub(crate) async fn repo_logs(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, RepoLog>, StoreError> {
        const SQL: &str = concat!(
            "select household.document, household.unit, household.hamlet, change.hash,
                change.dependencies, change.fate, change.side, change.position
            from household left join change on change.campaign = household.campaign
                and change.document = household.document
            where household.campaign = $1 and household.document in ",
            in_list!()
        );
        let mut read: BTreeMap<DocumentId, (String, String, Vec<Logged>)> = BTreeMap::new();
        for documents in documents.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(documents));
            for row in self.db.all(SQL, of).await? {
                let (unit, hamlet): (String, String) = (row.get("unit")?, row.get("hamlet")?);
                let entry = read.entry(row.id("document")?);
                let (_, _, changes) = entry.or_insert_with(|| (unit, hamlet, Vec::new()));
                changes.extend(logged(&row)?);
            }
        }
        let log = |(document, (unit, hamlet, changes))| {
            (document, RepoLog { unit, hamlet, log: Log::new(genesis_hash(), changes) })
        };
        Ok(read.into_iter().map(log).collect())
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
    }))
}
