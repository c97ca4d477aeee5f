//! Saved documents: a derived cache of the change log, read by workers and by first downloads.
//!
//! A row holds every accepted change of the household's main branch up to its position, and
//! nothing else. Without a row the changes themselves are read.

use shared::id::{CampaignId, ChangeHash, DocumentId, HouseholdId};

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};
use crate::snapshot::unpack;

/// A household as one document, for somebody who has nothing of it yet.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) document: DocumentId,
    pub(crate) household: HouseholdId,
    pub(crate) hamlet: String,
    pub(crate) code: String,
    /// The document as Automerge saved it, without compression of its own; absent for a household
    /// of few changes, or one that no worker has merged yet. Then `later` is all there is.
    pub(crate) saved: Option<Vec<u8>>,
    /// Accepted chunks of the main branch that are not in the document, ancestors first.
    pub(crate) later: Vec<Vec<u8>>,
}

/// A saved document on its way into the cache.
#[derive(Debug, Clone)]
pub(crate) struct NewSnapshot {
    pub(crate) position: i64,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) bytes: Vec<u8>,
}

impl Store {
    /// Reads whole households of a unit in the order of their documents, at most `limit` after one
    /// document, of all hamlets or of those named as in [`Store::change_after`].
    ///
    /// One statement: whatever workers save meanwhile, each household is complete as of one moment,
    /// no older than any position of the unit that the caller read before.
    pub(crate) async fn snapshot_after(
        &self,
        campaign: CampaignId,
        unit: &str,
        hamlets: &str,
        after: Option<DocumentId>,
        limit: i64,
    ) -> Result<Vec<Whole>, StoreError> {
        const SQL: &str = "
            with page as (
                select household.document, household.household, household.hamlet, household.code,
                    coalesce(snapshot.position, 0) as saved_at, snapshot.bytes
                from household left join snapshot on snapshot.document = household.document
                    and snapshot.unit = household.unit
                where household.campaign = $1 and household.unit = $2 and household.document > $3
                and household.last_position > 0
                and ($4 = '' or replace($4, ',' || household.hamlet || ',', '') <> $4
                    or ($6 = 1 and exists (select 1 from household_assignment as single
                        where single.campaign = $1 and single.document = household.document
                        and replace($4, ',' || single.place || ',', '') <> $4)))
                order by household.document limit $5)
            select document, household, hamlet, code, bytes, cast(0 as bigint) as position from page
            union all
            select page.document, page.household, page.hamlet, page.code, change.chunk,
                change.position
            from page join change on change.campaign = $1 and change.document = page.document
            where change.fate = 'accepted' and change.side = 0
            and change.position > page.saved_at
            order by document, position";
        let after = after.map_or(Vec::new(), |document| document.0.to_vec());
        let mut whole: Vec<Whole> = Vec::new();
        let mut unreadable = Vec::new();
        let singles = hamlets.contains('#');
        let of = vals![campaign, unit, after, hamlets, limit, singles];
        for row in self.db.all(SQL, of).await? {
            if row.get::<i64>("position")? == 0 {
                let packed: Option<Vec<u8>> = row.get("bytes")?;
                let saved = packed.as_deref().and_then(unpack);
                if packed.is_some() && saved.is_none() {
                    unreadable.push(whole.len());
                }
                whole.push(household(&row, saved)?);
            } else if let Some(last) = whole.last_mut() {
                last.later.push(row.get("bytes")?);
            }
        }
        for index in unreadable {
            let log = self.change_log(campaign, unit, Some(whole[index].document)).await?;
            let main = log.into_iter().filter(|change| !change.side);
            whole[index].later = main.map(|change| change.chunk).collect();
        }
        Ok(whole)
    }

    /// Empties every cache that is derived from the logs; returns how many standings there were.
    pub(crate) async fn derived_clear(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        tx.run("delete from snapshot", vals![]).await?;
        let standings = tx.run("delete from standing", vals![]).await?;
        tx.commit().await?;
        Ok(standings)
    }

    /// Counts the saved documents.
    pub(crate) async fn snapshot_count(&self) -> Result<i64, StoreError> {
        let row = self.db.one("select count(*) as n from snapshot", vals![]).await?;
        row.ok_or(StoreError::Damaged)?.get("n")
    }
}

fn household(row: &Row, saved: Option<Vec<u8>>) -> Result<Whole, StoreError> {
    Ok(Whole {
        document: row.id("document")?,
        household: row.id("household")?,
        hamlet: row.get("hamlet")?,
        code: row.get("code")?,
        saved,
        later: Vec::new(),
    })
}

impl Tx {
    /// Keeps a saved document; an older one of the same unit never replaces a newer.
    pub(crate) async fn snapshot_put(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        document: DocumentId,
        new: &NewSnapshot,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into snapshot (document, campaign, unit, position, heads, bytes)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (document) do update set unit = excluded.unit,
                position = excluded.position, heads = excluded.heads, bytes = excluded.bytes
            where snapshot.unit <> excluded.unit or snapshot.position <= excluded.position";
        let heads: Vec<u8> = new.heads.iter().flat_map(|head| head.0).collect();
        let bytes = new.bytes.as_slice();
        self.run(SQL, vals![document, campaign, unit, new.position, heads, bytes]).await.map(drop)
    }
}
