//! Households that move to another commune: what both sides said (a log), and the move itself.

use std::collections::BTreeMap;

use shared::cursor::{Hamlets, Segment, single};
use shared::handover::{Act, Stage};
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId};
use shared::unit::Area;

use super::backend::{Row, Tx, vals};
use super::campaign::area;
use super::household::{HouseholdAt, household};
use super::rows::Rows;
use super::{Store, StoreError};

/// One word of one side.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Said {
    /// Position among what was said of the household, from 1.
    pub(crate) position: i64,
    #[schema(value_type = String)]
    pub(crate) document: DocumentId,
    /// Unit that it leaves.
    pub(crate) from_unit: String,
    /// Hamlet that it leaves.
    pub(crate) from_hamlet: String,
    /// Unit that it comes to.
    pub(crate) to_unit: String,
    /// `offer`, `withdraw`, `decline`, `accept` or `undo`, with its paper and reasons.
    #[schema(value_type = Object)]
    pub(crate) act: Act,
    #[serde(skip)]
    pub(crate) account: AccountId,
    /// Name of the person who said it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

/// A place that a household leaves or comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) unit: &'a str,
    pub(crate) hamlet: &'a str,
    /// Newest position of the unit's log, which is locked.
    pub(crate) position: i64,
}

/// A household that left a unit, and where it is now.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) document: DocumentId,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
}

/// A household that left a unit on whose opening list it was.
#[derive(Debug, Clone)]
pub(crate) struct Departed {
    /// As it stood there.
    pub(crate) at: HouseholdAt,
    pub(crate) area: Area,
    /// Members on the opening list.
    pub(crate) members: u32,
}

fn said(row: &Row) -> Result<Said, StoreError> {
    Ok(Said {
        position: row.get("position")?,
        document: row.id("document")?,
        from_unit: row.get("from_unit")?,
        from_hamlet: row.get("from_hamlet")?,
        to_unit: row.get("to_unit")?,
        act: serde_json::from_str(&row.get::<String>("act")?).map_err(|_| StoreError::Damaged)?,
        account: row.id("account")?,
        by: row.get("full_name")?,
        at_ms: row.get("at_ms")?,
    })
}

impl Said {
    /// Returns where the handing over stands after it.
    pub(crate) fn stage(&self) -> Stage {
        self.act.stage()
    }
}

const OF_HOUSEHOLD: &str = "
    select household_move.*, account.full_name from household_move
    join account on account.id = household_move.account
    where household_move.campaign = $1 and household_move.document = $2
    order by household_move.position";

impl Store {
    /// Lists what was said of a household, oldest first.
    pub(crate) async fn handover_list(
        &self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Said>, StoreError> {
        let rows = self.db.all(OF_HOUSEHOLD, vals![campaign, document]).await?;
        rows.iter().map(said).collect()
    }

    /// Lists what was said of households that leave a unit or come to it, by household, oldest first.
    pub(crate) async fn handover_of_unit(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Said>, StoreError> {
        const SQL: &str = "
            select household_move.*, account.full_name from household_move
            join account on account.id = household_move.account
            where household_move.campaign = $1
            and (household_move.from_unit = $2 or household_move.to_unit = $2)
            order by household_move.document, household_move.position";
        self.db.all(SQL, vals![campaign, unit]).await?.iter().map(said).collect()
    }

    /// Lists the households that were on a unit's opening list and moved to another since.
    pub(crate) async fn household_departed(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Departed>, StoreError> {
        const SQL: &str = "
            select household.*, hamlet.area from household
            join hamlet on hamlet.campaign = household.campaign
                and hamlet.code = household.opening_hamlet
            where household.campaign = $1 and household.opening_unit = $2
            and household.opening_unit <> '' and household.unit <> household.opening_unit
            and household.opening_class <> '' order by household.household";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let mut at = household(row)?;
                (at.unit, at.hamlet) = at.opened_in.clone();
                let members = u32::try_from(row.get::<i64>("opening_members")?);
                let members = members.map_err(|_| StoreError::Damaged)?;
                Ok(Departed { at, area: area(&row.get::<String>("area")?)?, members })
            })
            .collect()
    }

    /// Returns the newest position of each unit's log at which a household left it.
    pub(crate) async fn handover_newest(
        &self,
        campaign: CampaignId,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        const SQL: &str = "
            select left_unit, max(left_at) as left_at from household_move
            where campaign = $1 and left_at > 0 group by left_unit";
        let rows = self.db.all(SQL, vals![campaign]).await?;
        rows.iter().map(|row| Ok((row.get("left_unit")?, row.get("left_at")?))).collect()
    }

    /// Lists the households that left a unit after what somebody has read of it, with where they are
    /// now.
    pub(crate) async fn handover_left(
        &self,
        campaign: CampaignId,
        segment: &Segment,
    ) -> Result<Vec<Left>, StoreError> {
        const SQL: &str = "
            select household_move.document, household_move.left_hamlet, household.unit,
                household.hamlet
            from household_move join household on household.document = household_move.document
            where household_move.campaign = $1 and household_move.left_unit = $2
            and household_move.left_at > $3 and household.unit <> household_move.left_unit";
        let rows = self.db.all(SQL, vals![campaign, &segment.unit, segment.position]).await?;
        let mut left = Vec::new();
        for row in &rows {
            let (document, was_in): (DocumentId, String) =
                (row.id("document")?, row.get("left_hamlet")?);
            let is_known = match &segment.hamlets {
                Hamlets::All => true,
                Hamlets::Only(codes) => {
                    codes.contains(&was_in) || codes.contains(&single(document))
                }
            };
            if is_known {
                left.push(Left { document, unit: row.get("unit")?, hamlet: row.get("hamlet")? });
            }
        }
        Ok(left)
    }
}

impl Tx {
    /// Returns what was said last of a household.
    pub(crate) async fn handover_last(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Option<Said>, StoreError> {
        let rows = self.all(OF_HOUSEHOLD, vals![campaign, document]).await?;
        rows.last().map(said).transpose()
    }

    /// Returns where the newest handing over of a household stands, and who offered it.
    pub(crate) async fn handover_offered(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Option<(Stage, AccountId)>, StoreError> {
        let rows = self.all(OF_HOUSEHOLD, vals![campaign, document]).await?;
        let all: Vec<Said> = rows.iter().map(said).collect::<Result<_, _>>()?;
        let offer = all.iter().rev().find(|one| one.stage() == Stage::Offered);
        let newest = all.last().zip(offer);
        Ok(newest.map(|(last, offer)| (last.stage(), offer.account)))
    }

    /// Keeps what one side said; where the household leaves a place by it, also that.
    pub(crate) async fn handover_add(
        &mut self,
        campaign: CampaignId,
        new: &Said,
        left: Option<Spot<'_>>,
    ) -> Result<(), StoreError> {
        const ADD: &str = "
            insert into household_move (campaign, document, position, kind, from_unit, from_hamlet,
                to_unit, act, left_unit, left_hamlet, left_at, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let act = serde_json::to_string(&new.act).map_err(|_| StoreError::Damaged)?;
        let (unit, hamlet) = left.map_or(("", ""), |left| (left.unit, left.hamlet));
        let left_at = left.map_or(0, |left| left.position);
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
            new.at_ms
        ];
        self.run(ADD, row).await.map(drop)
    }

    /// Moves households to another place, where their changes are appended again in their order; what
    /// was set aside of them is shown there. Both units' logs must be locked; returns the newest
    /// position of the log that they come to.
    ///
    /// Whoever was ever given the hamlet that they leave goes on handing in their work: it is accepted,
    /// and nothing more of them is sent there.
    pub(crate) async fn household_move(
        &mut self,
        campaign: CampaignId,
        documents: &[DocumentId],
        (from, to): (Spot<'_>, Spot<'_>),
        (back, now_ms): (bool, i64),
    ) -> Result<i64, StoreError> {
        // Given back, it is on the list that it was on, as before.
        const PLACE: &str = "
            update household set unit = $2, hamlet = $3, last_position = $4,
                opening_hamlet = case when $5 = 1 and opening_unit = $2 then ''
                    when opening_unit = '' then hamlet else opening_hamlet end,
                opening_unit = case when $5 = 1 and opening_unit = $2 then ''
                    when opening_unit = '' then unit else opening_unit end
            where document = $1";
        const ENDED: &str = "
            update household_assignment set until_ms = $3
            where campaign = $1 and document = $2 and until_ms is null";
        const FORMERLY: &str = "
            insert into household_assignment (campaign, document, account, place, from_ms, until_ms)
            select assignment.campaign, household.document, assignment.account,
                cast($3 as text), assignment.from_ms, cast($4 as bigint)
            from assignment join household on household.campaign = assignment.campaign
            where assignment.campaign = $1 and household.document = $2 and assignment.hamlet = $5
            on conflict (campaign, document, account) do nothing";
        let mut position = to.position;
        for document in documents {
            position = self.change_again(campaign, *document, to.unit, position).await?;
            let row = vals![*document, to.unit, to.hamlet, position, i64::from(back)];
            self.run(PLACE, row).await?;
            self.run(ENDED, vals![campaign, *document, now_ms]).await?;
            let row = vals![campaign, *document, single(*document), now_ms, from.hamlet];
            self.run(FORMERLY, row).await?;
            self.run("delete from snapshot where document = $1", vals![*document]).await?;
            self.change_rehome(campaign, &[*document]).await?;
        }
        self.unit_moved_on(campaign, to.unit, position).await?;
        // An empty position: whoever has read on to it has been told that they left.
        self.unit_moved_on(campaign, from.unit, from.position).await?;
        self.link_renew(campaign).await?;
        Ok(position)
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
