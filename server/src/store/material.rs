//! What a worker needs of a few households: their logs, or saved documents and what came after.

use std::collections::BTreeMap;

use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::standing::{Known, Logged, Way};

use super::backend::{Row, Val, vals};
use super::{Store, StoreError};

/// Households read, merged and stored at one time: some hundred milliseconds of work, and a few
/// megabytes however many documents there are.
pub(crate) const AT_ONCE: usize = 32;

/// Writes the list of [`AT_ONCE`] values from the second value of a statement on.
macro_rules! in_list {
    () => {
        "($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
         $31, $32, $33)"
    };
}
pub(crate) use in_list;

/// Fills a list of values up to [`AT_ONCE`] by naming the last one again.
pub(crate) fn padded<T: Copy + Into<Val>>(values: &[T]) -> impl Iterator<Item = Val> {
    let last = values.last().map_or(Val::Blob(None), |value| (*value).into());
    values.iter().map(|value| (*value).into()).chain(std::iter::repeat(last)).take(AT_ONCE)
}

/// How much of a household is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The saved document, where there is one, and what came after it.
    Saved,
    /// The whole log.
    Log,
}

/// What the log holds of one household.
#[derive(Debug, Clone, Default)]
pub(crate) struct Material {
    /// Newest position in it.
    pub(crate) position: i64,
    /// The packed document and the changes in it.
    pub(crate) saved: Option<(Vec<u8>, Vec<Known>)>,
    /// Changes of the main branch that are not in the document, ancestors first.
    pub(crate) changes: Vec<Entry>,
    /// Changes of side branches.
    pub(crate) side: Vec<Entry>,
    /// Bytes of all chunks of the main branch.
    pub(crate) bytes: usize,
}

/// One accepted change with its place in the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) logged: Logged,
}

impl Store {
    /// Reads at most [`AT_ONCE`] households of a campaign, each as of one moment: it is one
    /// statement. A household without an accepted change is left out.
    pub(crate) async fn material(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
        from: From,
    ) -> Result<BTreeMap<DocumentId, Material>, StoreError> {
        const SQL: &str = concat!(
            "with base as (
                select snapshot.document, snapshot.position, snapshot.bytes
                from snapshot join household on household.document = snapshot.document
                    and household.unit = snapshot.unit
                where $34 = 1 and snapshot.campaign = $1 and snapshot.document in ",
            in_list!(),
            ")
            select document, cast(0 as bigint) as is_change, position, bytes as chunk,
                document as hash, '' as provenance, cast(0 as bigint) as side,
                cast(0 as bigint) as bytes
            from base
            union all
            select change.document, cast(1 as bigint), change.position,
                case when change.position > coalesce(base.position, 0) or change.side = 1
                    then change.chunk end,
                change.hash, change.provenance, change.side,
                cast(length(change.chunk) as bigint)
            from change left join base on base.document = change.document
            where change.campaign = $1 and change.fate = 'accepted' and change.document in ",
            in_list!(),
            " order by document, is_change, position"
        );
        let mut row = vals![campaign];
        row.extend(padded(documents));
        row.push(Val::from(from == From::Saved));
        let mut found: BTreeMap<DocumentId, Material> = BTreeMap::new();
        for row in self.db.all(SQL, row).await? {
            let material = found.entry(row.id("document")?).or_default();
            material.add(&row)?;
        }
        Ok(found)
    }
}

impl Material {
    fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        let position: i64 = row.get("position")?;
        let chunk: Option<Vec<u8>> = row.get("chunk")?;
        if row.get::<i64>("is_change")? == 0 {
            self.saved = chunk.map(|packed| (packed, Vec::new()));
            return Ok(());
        }
        self.position = self.position.max(position);
        let hash: ChangeHash = row.id("hash")?;
        let by = way(&row.get::<String>("provenance")?);
        let is_side = row.get::<i64>("side")? == 1;
        if !is_side {
            self.bytes += usize::try_from(row.get::<i64>("bytes")?).unwrap_or(0);
        }
        match (chunk, &mut self.saved) {
            (None, Some((_, known))) => known.push(Known { hash, by }),
            (None, None) => return Err(StoreError::Damaged),
            (Some(chunk), _) => {
                let entry = Entry { position, logged: Logged { hash, chunk, by } };
                if is_side { self.side.push(entry) } else { self.changes.push(entry) }
            }
        }
        Ok(())
    }
}

fn way(provenance: &str) -> Way {
    match provenance {
        "device" => Way::Device,
        "session" => Way::Session,
        _ => Way::Desk,
    }
}
