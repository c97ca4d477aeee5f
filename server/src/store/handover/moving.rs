//! The move itself: each document with its own hamlets, in the log of the unit that it comes to.

use shared::cursor::single;
use shared::id::{CampaignId, ChangeHash, DocumentId};

use super::super::StoreError;
use super::super::backend::{Tx, vals};
use super::super::rows::Rows;
use super::{OF_HOUSEHOLD, Said, said};

/// A unit that households leave or come to, and the newest position of its log, which is locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) unit: &'a str,
    pub(crate) position: i64,
}

/// One document that moves.
#[derive(Debug, Clone)]
pub(crate) struct Moving {
    pub(crate) document: DocumentId,
    /// Hamlet that it leaves.
    pub(crate) from: String,
    /// Hamlet that it comes to.
    pub(crate) to: String,
    /// Position, in what was said of it, of the word that moves it.
    pub(crate) by: i64,
    /// Position of the move that this one undoes.
    pub(crate) undoes: Option<i64>,
}

impl Tx {
    /// Lists what was said of a household, oldest first.
    pub(crate) async fn handover_list(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Said>, StoreError> {
        self.all(OF_HOUSEHOLD, vals![campaign, document]).await?.iter().map(said).collect()
    }

    /// Keeps what one side said; where the household leaves a place by it, also that: unit, hamlet and
    /// position of its log.
    pub(crate) async fn handover_add(
        &mut self,
        campaign: CampaignId,
        new: &Said,
        left: Option<(&str, &str, i64)>,
    ) -> Result<(), StoreError> {
        const ADD: &str = "
            insert into household_move (campaign, document, position, kind, from_unit, from_hamlet,
                to_unit, act, left_unit, left_hamlet, left_at, account, at_ms, code, head, along)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
        let act = serde_json::to_string(&new.act).map_err(|_| StoreError::Damaged)?;
        let (unit, hamlet, left_at) = left.unwrap_or_default();
        let row = vals![
            campaign,
            new.document,
            new.position,
            new.act.name(),
            &new.from_unit,
            &new.from_hamlet,
            &new.to_unit,
            act,
            unit,
            hamlet,
            left_at,
            new.account,
            new.at_ms,
            &new.named.0,
            &new.named.1,
            new.along
        ];
        self.run(ADD, row).await.map(drop)
    }

    /// Moves documents to another unit, where their changes are appended again in their order; what
    /// was set aside of them is shown there. Both units' logs must be locked.
    ///
    /// Whoever was ever given the hamlet that one leaves goes on handing in their work: it is accepted,
    /// and nothing more of it is sent there. One that comes back to where it was opened is on the list
    /// that it was on, as before.
    pub(crate) async fn household_move(
        &mut self,
        campaign: CampaignId,
        moving: &[Moving],
        (from, to): (Spot<'_>, Spot<'_>),
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const PLACE: &str = "
            update household set unit = $2, hamlet = $3, last_position = $4,
                opening_hamlet = case when opening_unit = $2 and opening_hamlet = $3 then ''
                    when opening_unit = '' then hamlet else opening_hamlet end,
                opening_unit = case when opening_unit = $2 and opening_hamlet = $3 then ''
                    when opening_unit = '' then unit else opening_unit end
            where document = $1";
        const ENDED: &str = "
            update household_assignment set until_ms = $3, ended_by = $4
            where campaign = $1 and document = $2 and until_ms is null";
        const RESTORED: &str = "
            update household_assignment set until_ms = null, ended_by = 0
            where campaign = $1 and document = $2 and ended_by = $3";
        const FORMERLY: &str = "
            insert into household_assignment (campaign, document, account, place, from_ms, until_ms)
            select assignment.campaign, household.document, assignment.account,
                cast($3 as text), assignment.from_ms, cast($4 as bigint)
            from assignment join household on household.campaign = assignment.campaign
            where assignment.campaign = $1 and household.document = $2 and assignment.hamlet = $5
            on conflict (campaign, document, account) do nothing";
        let mut position = to.position;
        for one in moving {
            let document = one.document;
            position = self.change_again(campaign, document, to.unit, position).await?;
            self.run(PLACE, vals![document, to.unit, &one.to, position]).await?;
            self.run(ENDED, vals![campaign, document, now_ms, one.by]).await?;
            if let Some(undone) = one.undoes {
                self.run(RESTORED, vals![campaign, document, undone]).await?;
            }
            let row = vals![campaign, document, single(document), now_ms, &one.from];
            self.run(FORMERLY, row).await?;
            self.run("delete from snapshot where document = $1", vals![document]).await?;
            self.change_rehome(campaign, &[document]).await?;
            self.link_rehome(campaign, document, to.unit).await?;
        }
        self.unit_moved_on(campaign, to.unit, position).await?;
        // An empty position: whoever has read on to it has been told that they left.
        self.unit_moved_on(campaign, from.unit, from.position).await
    }

    /// Appends the accepted changes of a household again, in another unit's log from a position on.
    async fn change_again(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        unit: &str,
        position: i64,
    ) -> Result<i64, StoreError> {
        const READ: &str = "
            select hash from change where campaign = $1 and document = $2 and fate = 'accepted'
            order by position";
        const AGAIN: Rows = Rows {
            before: "with moved (campaign, document, hash, unit, position) as (values",
            after: ") update change set unit = moved.unit, position = moved.position from moved
                where change.campaign = moved.campaign and change.document = moved.document
                and change.hash = moved.hash",
        };
        let mut position = position;
        let mut rows = Vec::new();
        for row in self.all(READ, vals![campaign, document]).await? {
            position += 1;
            let hash: ChangeHash = row.id("hash")?;
            rows.push(vals![campaign, document, hash, unit, position]);
        }
        self.run_rows(AGAIN, rows).await?;
        Ok(position)
    }
}
