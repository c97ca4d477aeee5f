//! What a district looks at across its communes: deadlines, waiting lists, and which changes a
//! list rests on.

use std::collections::BTreeMap;

use shared::deadline::Deadline;
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId};

use super::backend::vals;
use super::{Store, StoreError};

/// Read from an index alone.
const STANDING_MARKS: &str = "
    select unit, count(*) as standings, cast(sum(written) as bigint) as written
    from standing where campaign = $1 group by unit";

/// How far the standings of a unit are: where none of it moves, none was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    standings: i64,
    /// How often they were written, all together.
    written: i64,
    /// How far the decisions on households registered twice are.
    merges: i64,
    /// How much was decided about households themselves.
    lives: i64,
    /// How often households left the unit or came to it.
    moves: i64,
    /// How often all standings were thrown away: they are counted anew then.
    cleared: i64,
}

/// One accepted change without its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// Its position in the unit's log.
    pub(crate) position: i64,
    pub(crate) document: DocumentId,
    /// `device`, `session` or `desk`.
    pub(crate) provenance: String,
    /// Changes it builds on.
    pub(crate) dependencies: i64,
}

/// Who wrote a change after something was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Since {
    pub(crate) document: DocumentId,
    /// Code on the opening list.
    pub(crate) code: String,
    pub(crate) by: String,
    pub(crate) at_ms: i64,
}

/// Who wrote a change, and why.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) at_ms: i64,
}

impl Store {
    /// Counts the places in a unit's log at which nothing is accepted any more. It only grows.
    pub(crate) async fn change_gaps(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        const SQL: &str = "
            select coalesce((select last_position from unit_log
                    where campaign = $1 and unit = $2), 0)
                - (select count(*) from change
                    where campaign = $1 and unit = $2 and position is not null) as gaps";
        let row = self.db.one(SQL, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("gaps")
    }

    /// Lists a unit's accepted changes of main branches after a position, in their order.
    pub(crate) async fn change_traces(
        &self,
        campaign: CampaignId,
        unit: &str,
        after: i64,
    ) -> Result<Vec<Trace>, StoreError> {
        const SQL: &str = "
            select change.position, change.document, change.provenance,
                cast(length(change.dependencies) / 32 as bigint) as dependencies
            from change where change.campaign = $1 and change.unit = $2 and change.position > $3
            and change.fate = 'accepted' and change.side = 0
            order by change.position";
        let rows = self.db.all(SQL, vals![campaign, unit, after]).await?;
        rows.iter()
            .map(|row| {
                Ok(Trace {
                    position: row.get("position")?,
                    document: row.id("document")?,
                    provenance: row.get("provenance")?,
                    dependencies: row.get("dependencies")?,
                })
            })
            .collect()
    }

    /// Says who wrote each accepted change of a unit that builds on several others or was written in
    /// an office.
    pub(crate) async fn change_deciders(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<BTreeMap<(DocumentId, ChangeHash), Author>, StoreError> {
        const SQL: &str = "
            select change.document, change.hash, change.note, change.received_at_ms,
                coalesce(typist.full_name, account.full_name) as full_name
            from change join account on account.id = change.account
            left join account as typist on typist.id = change.typed_by
            where change.campaign = $1 and change.unit = $2 and change.fate = 'accepted'
            and change.side = 0
            and (change.provenance = 'desk' or length(change.dependencies) > 32)";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let author = Author {
                    name: row.get("full_name")?,
                    note: row.get("note")?,
                    at_ms: row.get("received_at_ms")?,
                };
                Ok(((row.id("document")?, row.id("hash")?), author))
            })
            .collect()
    }

    /// Lists the newest changes that came into a unit's log after a position, at most so many.
    pub(crate) async fn change_since(
        &self,
        campaign: CampaignId,
        unit: &str,
        position: i64,
        rows_max: i64,
    ) -> Result<Vec<Since>, StoreError> {
        const SQL: &str = "
            select change.document, household.code, change.received_at_ms,
                coalesce(typist.full_name, account.full_name) as full_name
            from change join household on household.document = change.document
            join account on account.id = change.account
            left join account as typist on typist.id = change.typed_by
            where change.campaign = $1 and change.unit = $2 and change.position > $3
            and change.fate = 'accepted' order by change.position desc limit $4";
        let rows = self.db.all(SQL, vals![campaign, unit, position, rows_max]).await?;
        rows.iter()
            .map(|row| {
                Ok(Since {
                    document: row.id("document")?,
                    code: row.get("code")?,
                    by: row.get("full_name")?,
                    at_ms: row.get("received_at_ms")?,
                })
            })
            .collect()
    }

    /// Returns when each list of a campaign took its newest step, by unit.
    pub(crate) async fn list_since(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        const SQL: &str = "
            select list.unit, decision.at_ms from list
            join decision on decision.campaign = list.campaign and decision.unit = list.unit
                and decision.position = list.last_decision
            where list.campaign = $1";
        let rows = self.db.all(SQL, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.get("at_ms")?))).collect()
    }

    /// Counts the comments of a campaign that no commune has said to be done, by unit.
    pub(crate) async fn remark_open(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        const SQL: &str = "
            select remark.unit, count(*) as n from remark
            where remark.campaign = $1 and remark.kind = 'comment' and not exists
                (select 1 from remark as done where done.campaign = remark.campaign
                and done.unit = remark.unit and done.about = remark.position
                and done.kind = 'done')
            group by remark.unit";
        let rows = self.db.all(SQL, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("unit")?, row.get("n")?))).collect()
    }

    /// Reads the standings of a unit as they are cached, fresh or not, and whether the household moved
    /// in from another unit.
    pub(crate) async fn standing_bodies(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<(String, bool)>, StoreError> {
        const SQL: &str = "
            select standing.body, cast(case when household.opening_unit <> ''
                and household.opening_unit <> household.unit then 1 else 0 end as bigint)
                as moved_in
            from standing
            join household on household.document = standing.document
                and household.unit = standing.unit
            where standing.campaign = $1 and standing.unit = $2
            and not exists (select 1 from household_link where absorbed = household.document)";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter().map(|row| Ok((row.get("body")?, row.get::<i64>("moved_in")? == 1))).collect()
    }

    /// Says by unit how far a campaign's standings are.
    pub(crate) async fn standing_marks(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<String, Mark>, StoreError> {
        const MERGES: &str = "
            select unit, max(position) + count(case when fate <> 'late' then 1 end) as moved
            from pair_decision where campaign = $1 group by unit";
        const LIVES: &str = "
            select unit, count(*) as acts from household_life where campaign = $1 group by unit";
        const MOVES: &str = "
            select unit, count(*) as moves from (
                select from_unit as unit from household_move where campaign = $1
                union all select to_unit from household_move where campaign = $1) as moved
            group by unit";
        const CLEARED: &str = "
            select cast(value as bigint) as cleared from meta where name = 'standings_cleared'";
        let cleared = self.db.one(CLEARED, vals![]).await?;
        let cleared = cleared.map_or(Ok(0), |row| row.get("cleared"))?;
        let mut marks = BTreeMap::new();
        for row in self.db.all(STANDING_MARKS, vals![campaign]).await? {
            let (standings, written) = (row.get("standings")?, row.get("written")?);
            let mark = Mark { standings, written, cleared, merges: 0, lives: 0, moves: 0 };
            marks.insert(row.get("unit")?, mark);
        }
        for row in self.db.all(LIVES, vals![campaign]).await? {
            if let Some(mark) = marks.get_mut(&row.get::<String>("unit")?) {
                mark.lives = row.get("acts")?;
            }
        }
        for row in self.db.all(MERGES, vals![campaign]).await? {
            if let Some(mark) = marks.get_mut(&row.get::<String>("unit")?) {
                mark.merges = row.get("moved")?;
            }
        }
        for row in self.db.all(MOVES, vals![campaign]).await? {
            if let Some(mark) = marks.get_mut(&row.get::<String>("unit")?) {
                mark.moves = row.get("moves")?;
            }
        }
        Ok(marks)
    }

    /// Returns the deadline a campaign was given last.
    pub(crate) async fn deadline_get(
        &self,
        campaign: CampaignId,
    ) -> Result<Option<Deadline>, StoreError> {
        const SQL: &str =
            "select body from deadline where campaign = $1 order by position desc limit 1";
        let row = self.db.one(SQL, vals![campaign]).await?;
        let read = |body: String| serde_json::from_str(&body).map_err(|_| StoreError::Damaged);
        row.map(|row| read(row.get("body")?)).transpose()
    }

    /// Gives a campaign a deadline.
    pub(crate) async fn deadline_add(
        &self,
        campaign: CampaignId,
        deadline: &Deadline,
        by: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into deadline (campaign, position, body, account, at_ms)
            select $1, coalesce(max(position), 0) + 1, cast($2 as text), $3, $4
            from deadline where campaign = $1";
        let body = serde_json::to_string(deadline).map_err(|_| StoreError::Damaged)?;
        let mut tx = self.begin().await?;
        // One at a time: two would take the same position.
        tx.run("update campaign set name = name where id = $1", vals![campaign]).await?;
        tx.run(SQL, vals![campaign, body, by, now_ms]).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::household::NewStanding;

    /// Counted anew after everything was thrown away, standings may come to the numbers of before.
    #[tokio::test]
    async fn a_mark_of_before_a_rebuild_is_no_mark_of_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("store.sqlite")).await.unwrap();
        let campaign = CampaignId([1; 16]);
        let standing = NewStanding {
            document: DocumentId([2; 16]),
            unit: "19558".to_owned(),
            position: 1,
            basis: String::new(),
            body: String::new(),
            snapshot: None,
        };
        let put = async || store.standing_put(campaign, std::slice::from_ref(&standing)).await;
        put().await.unwrap();
        let before = store.standing_marks(campaign).await.unwrap();
        assert_eq!(store.derived_clear().await.unwrap(), 1);
        put().await.unwrap();
        let after = store.standing_marks(campaign).await.unwrap();
        assert_ne!(before["19558"], after["19558"]);
        store.close().await;
    }

    #[tokio::test]
    async fn how_far_a_province_is_stands_in_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("store.sqlite")).await.unwrap();
        let plan = store.db.plan(STANDING_MARKS, vals![CampaignId([1; 16])]).await.unwrap();
        assert!(plan.iter().all(|step| step.contains("COVERING INDEX")), "{plan:#?}");
        store.close().await;
    }
}
