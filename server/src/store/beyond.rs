//! Changes kept beyond the reach of their household, see [`shared::limits::ASIDE_MAX`]: whoever works
//! on the household reads none of them, however many somebody sends.

use mobile_schema::problem;
use shared::id::{CampaignId, DocumentId};
use shared::limits::ASIDE_MAX;

use super::append::columns;
use super::backend::{Tx, vals};
use super::change::NewChange;
use super::rows::Rows;
use super::{Store, StoreError};

const BEYOND: Rows = Rows {
    before: concat!("insert into change_beyond (", columns!(), ") values"),
    after: "on conflict (campaign, document, hash) do nothing",
};

/// Held changes beyond the reach of a unit's households, by reason.
pub(super) const BEYOND_OF_UNIT: &str = "
    select reason, count(*) as n from change_beyond
    where campaign = $1 and fate = 'held'
    and document in (select document from household where campaign = $1 and unit = $2)
    group by reason";

/// Households of a unit of which held changes are beyond reach.
pub(super) const BEYOND_HOUSEHOLDS: &str = "
    select household.document from household
    where household.campaign = $1 and household.unit = $2
    and exists (select 1 from change_beyond where change_beyond.campaign = household.campaign
        and change_beyond.document = household.document and change_beyond.fate = 'held')
    order by household.document";

impl Store {
    /// Counts held changes beyond the reach of a unit's households, by reason.
    pub(crate) async fn beyond_count(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = self.db.all(BEYOND_OF_UNIT, vals![campaign, unit]).await?;
        rows.iter().map(|row| Ok((row.get("reason")?, row.get("n")?))).collect()
    }
}

impl Tx {
    /// Keeps a change beyond the reach of its household; false where it is there already, or within
    /// reach.
    pub(crate) async fn change_beyond(
        &mut self,
        campaign: CampaignId,
        new: &NewChange<'_>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            select 1 as n from change where campaign = $1 and document = $2 and hash = $3";
        if self.one(SQL, vals![campaign, new.document, new.hash]).await?.is_some() {
            return Ok(false);
        }
        Ok(self.run_rows(BEYOND, vec![new.row(campaign, now_ms)]).await? == 1)
    }

    /// Counts changes of one fate under a document that nobody has decided on, no further than to
    /// [`ASIDE_MAX`].
    pub(crate) async fn aside_of(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        fate: &str,
    ) -> Result<usize, StoreError> {
        const SQL: &str = "
            select count(*) as n from (select 1 from change
                where campaign = $1 and document = $2 and fate = $3 and reason <> $4
                limit $5) as counted";
        let (left_out, most) = (problem::CHANGE_LEFT_OUT.name, most(ASIDE_MAX));
        let row = self.one(SQL, vals![campaign, document, fate, left_out, most]).await?;
        let n: i64 = row.ok_or(StoreError::Damaged)?.get("n")?;
        usize::try_from(n).map_err(|_| StoreError::Damaged)
    }

    /// Tells whether anything held is beyond reach anywhere in a campaign.
    pub(crate) async fn has_beyond(&mut self, campaign: CampaignId) -> Result<bool, StoreError> {
        const SQL: &str =
            "select 1 as n from change_beyond where campaign = $1 and fate = 'held' limit 1";
        Ok(self.one(SQL, vals![campaign]).await?.is_some())
    }

    /// Lists households of a unit of which held changes are beyond reach.
    pub(crate) async fn beyond_of(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let rows = self.all(BEYOND_HOUSEHOLDS, vals![campaign, unit]).await?;
        rows.iter().map(|row| row.id("document")).collect()
    }

    /// Brings held changes of a household of a unit within reach, those that came first and as many
    /// as there is room for; false where there are none or there is none.
    pub(crate) async fn beyond_take(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        unit: &str,
    ) -> Result<bool, StoreError> {
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
        const FORGET: &str = "
            delete from change_beyond where campaign = $1 and document = $2
            and exists (select 1 from change where change.campaign = change_beyond.campaign
                and change.document = change_beyond.document
                and change.hash = change_beyond.hash)";
        let open = self.aside_of(campaign, document, "held").await?;
        let room = ASIDE_MAX.saturating_sub(open);
        if room == 0 {
            return Ok(false);
        }
        // What came again and found its place is there twice: it takes nobody's room.
        self.run(FORGET, vals![campaign, document]).await?;
        let moved = self.run(MOVE, vals![campaign, document, unit, most(room)]).await?;
        self.run(FORGET, vals![campaign, document]).await?;
        Ok(moved > 0)
    }
}

fn most(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
