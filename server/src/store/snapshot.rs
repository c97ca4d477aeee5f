//! Saved documents: a derived cache of the change log, read by workers and by first downloads.
//!
//! A row holds every accepted change of the household's main branch up to its position, and
//! nothing else. Without a row the changes themselves are read.

use shared::id::{CampaignId, ChangeHash, DocumentId, HouseholdId};
use shared::standing::Way;

use super::backend::{Row, Tx, vals};
use super::household::NewStanding;
use super::material::{Entry, From};
use super::rows::Rows;
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
    /// Position of the last of those that a client wrote and no worker has looked at. One that came
    /// after the position asked for is left out, and what followed it.
    pub(crate) unseen_at: Option<i64>,
    /// Something was left out.
    pub(crate) is_cut: bool,
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
    /// document, of all hamlets or of those named as in [`After`](super::sync::After).
    ///
    /// Not `join`: SQLite would walk the whole campaign and look each change up in the page.
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
        until: i64,
    ) -> Result<Vec<Whole>, StoreError> {
        const SQL: &str = "
            with page as (
                select household.document, household.household, household.hamlet, household.code,
                    household.unit
                from household
                where household.campaign = $1 and household.unit = $2 and household.document > $3
                and household.last_position > 0
                and ($4 = '' or replace($4, ',' || household.hamlet || ',', '') <> $4
                    or ($6 = 1 and exists (select 1 from household_assignment as single
                        where single.campaign = $1 and single.document = household.document
                        and replace($4, ',' || single.place || ',', '') <> $4)))
                order by household.document limit $5)
            select page.document as document, page.household, page.hamlet, page.code,
                snapshot.bytes, cast(0 as bigint) as position, cast(0 as bigint) as unseen
            from page left join snapshot on snapshot.document = page.document
                and snapshot.unit = page.unit
            union all
            select page.document, page.household, page.hamlet, page.code, change.chunk,
                change.position,
                cast(case when change.provenance = 'desk'
                    or coalesce(standing.position, 0) >= change.position then 0 else 1 end
                    as bigint)
            from page cross join change
            left join standing on standing.document = page.document
                and standing.unit = page.unit
            left join snapshot on snapshot.document = page.document and snapshot.unit = page.unit
            where change.campaign = $1 and change.document = page.document
            and change.fate = 'accepted' and change.side = 0
            and change.position > coalesce(snapshot.position, 0)
            order by document, position";
        let after = after.map_or(Vec::new(), |document| document.0.to_vec());
        let mut whole: Vec<Whole> = Vec::new();
        let mut unreadable = Vec::new();
        let mut is_cut = false;
        let singles = hamlets.contains('#');
        let of = vals![campaign, unit, after, hamlets, limit, singles];
        for row in self.db.all(SQL, of).await? {
            let position: i64 = row.get("position")?;
            if position == 0 {
                let packed: Option<Vec<u8>> = row.get("bytes")?;
                let saved = packed.as_deref().and_then(unpack);
                if packed.is_some() && saved.is_none() {
                    unreadable.push(whole.len());
                }
                whole.push(household(&row, saved)?);
                is_cut = false;
                continue;
            }
            let is_unseen = row.get::<i64>("unseen")? == 1;
            is_cut |= is_unseen && position > until;
            let Some(last) = whole.last_mut() else { continue };
            last.is_cut |= is_cut;
            if !is_cut {
                last.later.push(row.get("bytes")?);
                last.unseen_at = is_unseen.then_some(position).or(last.unseen_at);
            }
        }
        for index in unreadable {
            let document = whole[index].document;
            let log = self.material(campaign, &[document], From::Log).await?.remove(&document);
            let changes = log.unwrap_or_default().changes;
            let seen = self.standing_position(document, unit).await?;
            let is_unseen = |entry: &Entry| entry.logged.by != Way::Desk && entry.position > seen;
            let whole = &mut whole[index];
            let cut = changes.iter().position(|entry| is_unseen(entry) && entry.position > until);
            let kept = &changes[..cut.unwrap_or(changes.len())];
            whole.is_cut = cut.is_some();
            whole.unseen_at = kept.iter().rfind(|entry| is_unseen(entry)).map(|e| e.position);
            whole.later = kept.iter().map(|entry| entry.logged.chunk.clone()).collect();
        }
        Ok(whole)
    }

    /// Returns the position up to which a worker has looked at a household; 0 where at nothing.
    async fn standing_position(&self, document: DocumentId, unit: &str) -> Result<i64, StoreError> {
        let sql = "select position from standing where document = $1 and unit = $2";
        let row = self.db.one(sql, vals![document, unit]).await?;
        row.map_or(Ok(0), |row| row.get("position"))
    }

    /// Empties every cache that is derived from the logs; returns how many standings there were.
    pub(crate) async fn derived_clear(&self) -> Result<u64, StoreError> {
        self.pair_derived_clear().await?;
        const CLEARED: &str = "
            insert into meta (name, value) values ('standings_cleared', '1') on conflict (name)
            do update set value = cast(cast(meta.value as bigint) + 1 as text)";
        let mut tx = self.begin().await?;
        tx.run(CLEARED, vals![]).await?;
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
        unseen_at: None,
        is_cut: false,
    })
}

impl Tx {
    /// Keeps what was saved with standings; an older one of the same unit never replaces a newer.
    pub(crate) async fn snapshot_put(
        &mut self,
        campaign: CampaignId,
        new: &[NewStanding],
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into snapshot (document, campaign, unit, position, heads, bytes) values",
            after: "on conflict (document) do update set unit = excluded.unit,
                    position = excluded.position, heads = excluded.heads, bytes = excluded.bytes
                where snapshot.unit <> excluded.unit or snapshot.position <= excluded.position",
        };
        let row = |new: &NewStanding| {
            let saved = new.snapshot.as_ref()?;
            let heads: Vec<u8> = saved.heads.iter().flat_map(|head| head.0).collect();
            let bytes = saved.bytes.as_slice();
            Some(vals![new.document, campaign, &new.unit, saved.position, heads, bytes])
        };
        self.run_rows(SQL, new.iter().filter_map(row).collect()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shared::id::{AccountId, Actor};

    use super::*;
    use crate::snapshot::pack;
    use crate::store::change::NewChange;
    use crate::store::household::NewHousehold;

    const UNIT: &str = "19558";

    fn document(number: u8) -> DocumentId {
        DocumentId([number; 16])
    }

    /// Three households of two hamlets with three changes each, whose bytes are their positions;
    /// the last change is on a side branch.
    async fn store(folder: &std::path::Path) -> (Store, CampaignId) {
        let store = Store::sqlite(&folder.join("rasoat.sqlite")).await.unwrap();
        let campaign = CampaignId([9; 16]);
        let mut tx = store.begin().await.unwrap();
        tx.run("pragma defer_foreign_keys = on", vals![]).await.unwrap();
        tx.run(
            "insert into campaign values ($1, '', '', '', '', '', '', '', 0, null, null)",
            vals![campaign],
        )
        .await
        .unwrap();
        for (number, hamlet) in [(1, "a"), (2, "b"), (3, "a")] {
            let new = NewHousehold {
                document: document(number),
                household: HouseholdId([number; 16]),
                unit: UNIT,
                hamlet,
                code: "",
                opening_class: "",
                opening_dtts: false,
                opening_paper: "",
                opening_members: 0,
            };
            tx.household_add_new(campaign, std::iter::once(new)).await.unwrap();
            for turn in 0..3 {
                let position = i64::from(number) * 10 + turn;
                let new = NewChange {
                    document: document(number),
                    hash: ChangeHash([u8::try_from(position).unwrap(); 32]),
                    unit: UNIT,
                    position: Some(position),
                    fate: "accepted",
                    reason: "",
                    actor: Actor([1; 16]),
                    actor_seq: 1,
                    dependencies: Vec::new(),
                    chunk: &[u8::try_from(position).unwrap()],
                    provenance: "device",
                    device: None,
                    account: AccountId([1; 16]),
                    typed_by: None,
                    manifest: None,
                    note: "",
                    side: turn == 2,
                };
                tx.change_append(campaign, &new, 0).await.unwrap();
                tx.household_moved_on([(document(number), UNIT, position)]).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
        (store, campaign)
    }

    async fn save(store: &Store, campaign: CampaignId, number: u8, position: i64, bytes: Vec<u8>) {
        let new = NewSnapshot { position, heads: Vec::new(), bytes };
        let mut tx = store.begin().await.unwrap();
        let (document, unit) = (document(number), UNIT.to_owned());
        let (basis, body) = (String::new(), String::new());
        let new = NewStanding { document, unit, position, basis, body, snapshot: Some(new) };
        tx.snapshot_put(campaign, &[new]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A worker has looked at a household up to a position.
    async fn seen(store: &Store, campaign: CampaignId, number: u8, position: i64) {
        let (document, unit) = (document(number), UNIT.to_owned());
        let (basis, body) = (String::new(), String::new());
        let new = NewStanding { document, unit, position, basis, body, snapshot: None };
        store.standing_put(campaign, &[new]).await.unwrap();
    }

    #[tokio::test]
    async fn households_come_whole_and_in_pages_whatever_is_saved_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (store, campaign) = store(folder.path()).await;
        save(&store, campaign, 1, 10, pack(b"a document").unwrap()).await;
        // An older one comes late and is not taken.
        save(&store, campaign, 1, 9, pack(b"an older one").unwrap()).await;
        save(&store, campaign, 3, 31, b"damaged".to_vec()).await;
        seen(&store, campaign, 3, 30).await;

        let page = store.snapshot_after(campaign, UNIT, "", None, 2, i64::MAX).await.unwrap();
        let read: Vec<_> = page.iter().map(|whole| (whole.saved.clone(), &whole.later)).collect();
        assert_eq!(
            read,
            [(Some(b"a document".to_vec()), &vec![vec![11]]), (None, &vec![vec![20], vec![21]]),]
        );
        let whole_unseen = [page[0].unseen_at, page[1].unseen_at];
        let later = store.snapshot_after(campaign, UNIT, "", None, 2, 20).await.unwrap();
        assert_eq!(
            (&later[1].later, later[1].unseen_at, later[1].is_cut),
            (&vec![vec![20]], Some(20), true)
        );
        let after = page.last().map(|whole| whole.document);
        let page = store.snapshot_after(campaign, UNIT, "", after, 2, i64::MAX).await.unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!((page[0].saved.clone(), &page[0].later), (None, &vec![vec![30], vec![31]]));
        let unseen = [whole_unseen, [page[0].unseen_at, None]];
        assert_eq!(unseen, [[Some(11), Some(21)], [Some(31), None]]);
        let page = store.snapshot_after(campaign, UNIT, "", after, 2, 30).await.unwrap();
        assert_eq!(
            (&page[0].later, page[0].unseen_at, page[0].is_cut),
            (&vec![vec![30]], None, true),
            "what is damaged is read from the log, and no further than the others"
        );

        let of_a = store.snapshot_after(campaign, UNIT, ",a,", None, 9, i64::MAX).await.unwrap();
        let documents: Vec<_> = of_a.iter().map(|whole| whole.document).collect();
        assert_eq!(documents, [document(1), document(3)]);
        assert!(of_a.iter().all(|whole| whole.hamlet == "a"));
    }
}
