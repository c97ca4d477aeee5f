//! Changes kept beyond the reach of their household, see [`shared::limits::ASIDE_MAX`]: whoever works
//! on the household reads none of them, however many somebody sends.

use shared::id::{CampaignId, DocumentId};

use super::append::columns;
use super::backend::{Tx, vals};
use super::change::NewChange;
use super::material::AT_ONCE;
use super::rows::Rows;
use super::{Store, StoreError};

const BEYOND: Rows = Rows {
    before: concat!("insert into change_beyond (", columns!(), ") values"),
    after: "on conflict (campaign, document, hash) do nothing",
};

impl Store {
    /// Counts changes of a unit's households that are kept beyond reach, see
    /// [`shared::limits::ASIDE_MAX`].
    pub(crate) async fn beyond_count(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        let sql = "select count(*) as n from change_beyond where campaign = $1 and unit = $2";
        let row = self.db.one(sql, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("n")
    }
}

impl Tx {
    /// Keeps a change beyond the reach of its household; false where it is there already.
    pub(crate) async fn change_beyond(
        &mut self,
        campaign: CampaignId,
        new: &NewChange<'_>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        Ok(self.run_rows(BEYOND, vec![new.row(campaign, now_ms)]).await? == 1)
    }

    /// Counts changes of one fate under a document, no further than to a bound.
    pub(crate) async fn change_count(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        fate: &str,
        most: usize,
    ) -> Result<usize, StoreError> {
        const SQL: &str = "
            select count(*) as n from (select 1 from change
                where campaign = $1 and document = $2 and fate = $3 limit $4) as counted";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let row = self.one(SQL, vals![campaign, document, fate, most]).await?;
        let n: i64 = row.ok_or(StoreError::Damaged)?.get("n")?;
        usize::try_from(n).map_err(|_| StoreError::Damaged)
    }

    /// Lists households of a unit of which held changes are kept beyond reach, at most
    /// [`AT_ONCE`].
    pub(crate) async fn beyond_of(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<DocumentId>, StoreError> {
        const SQL: &str = "
            select distinct change_beyond.document from change_beyond
            join household on household.document = change_beyond.document
            where change_beyond.campaign = $1 and change_beyond.fate = 'held'
            and household.campaign = $1 and household.unit = $2
            order by change_beyond.document limit $3";
        let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let rows = self.all(SQL, vals![campaign, unit, most]).await?;
        rows.iter().map(|row| row.id("document")).collect()
    }

    /// Brings so many held changes of a household of a unit within reach, those that came first.
    pub(crate) async fn beyond_take(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        unit: &str,
        most: usize,
    ) -> Result<(), StoreError> {
        const MOVE: &str = concat!(
            "insert into change (",
            columns!(),
            ") select document, hash, campaign, $3, position, fate, reason, actor, actor_seq,
                dependencies, chunk, provenance, device, account, manifest, note, received_at_ms,
                side, typed_by
            from change_beyond where campaign = $1 and document = $2 and fate = 'held'
            order by received_at_ms, hash limit $4
            on conflict (campaign, document, hash) do nothing"
        );
        // What came again and found room is there twice, and once is enough.
        const FORGET: &str = "
            delete from change_beyond where campaign = $1 and document = $2
            and exists (select 1 from change where change.campaign = change_beyond.campaign
                and change.document = change_beyond.document
                and change.hash = change_beyond.hash)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.run(MOVE, vals![campaign, document, unit, most]).await?;
        self.run(FORGET, vals![campaign, document]).await.map(drop)
    }
}
