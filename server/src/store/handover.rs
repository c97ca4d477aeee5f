//! Households that move to another commune: what both sides said (a log), and the move itself.

mod moving;

use std::collections::BTreeMap;

use shared::cursor::{Hamlets, Segment, single};
use shared::handover::{Act, Stage};
use shared::id::{AccountId, CampaignId, DocumentId};
use shared::unit::Area;

use super::backend::{Row, vals};
use super::campaign::area;
use super::household::{HouseholdAt, household};
use super::{Store, StoreError};

pub(crate) use self::moving::{Moving, Spot};

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
    /// Household that it went with, having been merged into it.
    #[schema(value_type = Option<String>)]
    pub(crate) along: Option<DocumentId>,
    /// Code and head as they were when it was offered; empty in what followed.
    #[serde(skip)]
    pub(crate) named: (String, String),
    /// Name of the person who said it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
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
        along: row.get::<Option<Vec<u8>>>("along")?.map(|_| row.id("along")).transpose()?,
        named: (row.get("code")?, row.get("head")?),
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

    /// Lists everything that was said of households that ever left a unit or came to it, by household,
    /// oldest first.
    pub(crate) async fn handover_of_unit(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Said>, StoreError> {
        const SQL: &str = "
            select household_move.*, account.full_name from household_move
            join account on account.id = household_move.account
            where household_move.campaign = $1 and household_move.document in (
                select document from household_move
                where campaign = $1 and (from_unit = $2 or to_unit = $2))
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
