//! Keyed fingerprints of households, and the log of what was decided about pairs of them.

use shared::id::{AccountId, CampaignId, DocumentId};
use shared::link::Link;

use super::backend::{Row, Tx, vals};
use super::rows::Rows;
use super::{Store, StoreError};

/// A household whose fingerprints are old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unkeyed {
    pub(crate) document: DocumentId,
    pub(crate) position: i64,
}

/// A household's fingerprints.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    pub(crate) document: DocumentId,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    pub(crate) code: String,
    /// CBOR.
    pub(crate) body: Vec<u8>,
}

/// One decision about a pair.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct PairDecision {
    /// Position among the decisions about pairs.
    pub(crate) position: i64,
    /// `dismissed`, `reopened`, `linked` or `unlinked`.
    pub(crate) kind: String,
    /// The first household; of a merge the one that stays.
    #[schema(value_type = String)]
    pub(crate) one: DocumentId,
    /// The second; of a merge the one that goes under it.
    #[schema(value_type = String)]
    pub(crate) other: DocumentId,
    /// Why.
    pub(crate) reason: String,
    /// `taken`; `late` where it waits for the frozen list to come back; `void` where it then did not fit.
    pub(crate) fate: String,
    /// Who.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

/// A decision being kept.
#[derive(Debug)]
pub(crate) struct NewPairDecision<'a> {
    pub(crate) kind: &'static str,
    pub(crate) one: DocumentId,
    pub(crate) other: DocumentId,
    pub(crate) body: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) fate: &'static str,
    pub(crate) by: AccountId,
    pub(crate) at_ms: i64,
}

fn decision(row: &Row) -> Result<PairDecision, StoreError> {
    Ok(PairDecision {
        position: row.get("position")?,
        kind: row.get("kind")?,
        one: row.id("one")?,
        other: row.id("other")?,
        reason: row.get("reason")?,
        fate: row.get("fate")?,
        by: row.get("full_name")?,
        at_ms: row.get("at_ms")?,
    })
}

fn link(row: &Row) -> Result<Link, StoreError> {
    let body: String = row.get("body")?;
    serde_json::from_str(&body).map_err(|_| StoreError::Damaged)
}

/// Which of a campaign's merges hold: the newest decision about each pair says, wherever its
/// households are now.
macro_rules! links_sql {
    ($which:literal) => {
        concat!(
            "insert into household_link (absorbed, campaign, unit, kept, position, body)
            select made.other, made.campaign, household.unit, made.one, made.position, made.body
            from pair_decision made join household on household.document = made.one
            where made.campaign = $1 and made.fate = 'taken' and made.kind = 'linked' ",
            $which,
            "and not exists (select 1 from pair_decision later
                where later.campaign = made.campaign
                and later.one = made.one and later.other = made.other and later.fate = 'taken'
                and later.kind in ('linked', 'unlinked') and later.position > made.position)"
        )
    };
}

/// Grows with every decision, and with what becomes of one that came late.
const MOVED: &str = "
    select coalesce(max(position), 0) + count(case when fate <> 'late' then 1 end) as moved
    from pair_decision where campaign = $1 and unit = $2";

impl Store {
    /// Lists households of a unit whose fingerprints are not of now; at most so many.
    pub(crate) async fn pair_unkeyed(
        &self,
        campaign: CampaignId,
        unit: &str,
        basis: &str,
        most: i64,
    ) -> Result<Vec<Unkeyed>, StoreError> {
        const SQL: &str = "
            select household.document, household.last_position
            from household left join duplicate_key keyed on keyed.document = household.document
            where household.campaign = $1 and household.unit = $2 and household.last_position > 0
            and (keyed.position is null or keyed.position < household.last_position
                or keyed.basis <> $3 or keyed.unit <> household.unit)
            order by household.document limit $4";
        let rows = self.db.all(SQL, vals![campaign, unit, basis, most]).await?;
        let unkeyed = |row: &Row| {
            Ok(Unkeyed { document: row.id("document")?, position: row.get("last_position")? })
        };
        rows.iter().map(unkeyed).collect()
    }

    /// Puts fingerprints into the cache.
    pub(crate) async fn pair_keys_put(
        &self,
        campaign: CampaignId,
        unit: &str,
        basis: &str,
        new: &[(Unkeyed, Vec<u8>)],
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into duplicate_key (document, campaign, unit, position, basis, body)
                values",
            after: "on conflict (document) do update set unit = excluded.unit,
                position = excluded.position, basis = excluded.basis, body = excluded.body",
        };
        let row = |(of, body): &(Unkeyed, Vec<u8>)| {
            vals![of.document, campaign, unit, of.position, basis, body.as_slice()]
        };
        let mut tx = self.begin().await?;
        tx.run_rows(SQL, new.iter().map(row).collect()).await?;
        tx.commit().await
    }

    /// Says how far a campaign's fingerprints are: another answer means that they moved on. A
    /// household that moves to another log has other positions there.
    pub(crate) async fn pair_mark(&self, campaign: CampaignId) -> Result<[i64; 3], StoreError> {
        const SQL: &str = "
            select count(*) as households, coalesce(cast(sum(position) as bigint), 0) as positions,
                (select count(*) from household_move where campaign = $1 and left_at > 0) as moves
            from duplicate_key where campaign = $1";
        let row = self.db.one(SQL, vals![campaign]).await?.ok_or(StoreError::Damaged)?;
        Ok([row.get("households")?, row.get("positions")?, row.get("moves")?])
    }

    /// Reads the fingerprints of a campaign made with one key; of one unit, or of all where it is
    /// empty.
    pub(crate) async fn pair_keys(
        &self,
        campaign: CampaignId,
        basis: &str,
        unit: &str,
    ) -> Result<Vec<Keyed>, StoreError> {
        const SQL: &str = "
            select keyed.document, keyed.body, household.unit, household.hamlet, household.code
            from duplicate_key keyed join household on household.document = keyed.document
            where keyed.campaign = $1 and keyed.basis = $2
            and (cast($3 as text) = '' or keyed.unit = $3)";
        let rows = self.db.all(SQL, vals![campaign, basis, unit]).await?;
        let keyed = |row: &Row| {
            Ok(Keyed {
                document: row.id("document")?,
                unit: row.get("unit")?,
                hamlet: row.get("hamlet")?,
                code: row.get("code")?,
                body: row.get("body")?,
            })
        };
        rows.iter().map(keyed).collect()
    }

    /// Lists what was decided about pairs of a campaign, unit by unit, oldest first.
    pub(crate) async fn pair_decisions(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<PairDecision>, StoreError> {
        const SQL: &str = "
            select pair_decision.*, account.full_name from pair_decision
            join account on account.id = pair_decision.account
            where pair_decision.campaign = $1
            order by pair_decision.unit, pair_decision.position";
        self.db.all(SQL, vals![campaign]).await?.iter().map(decision).collect()
    }

    /// Says how far a unit's decisions about pairs are: another answer means that one was taken.
    pub(crate) async fn pair_moved(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        let row = self.db.one(MOVED, vals![campaign, unit]).await?;
        row.ok_or(StoreError::Damaged)?.get("moved")
    }

    /// Counts a unit's decisions that wait for the frozen list to come back.
    pub(crate) async fn pair_late(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "
            select count(*) as late from pair_decision
            where campaign = $1 and unit = $2 and fate = 'late'";
        let row = self.db.one(SQL, vals![campaign, unit]).await?.ok_or(StoreError::Damaged)?;
        u64::try_from(row.get::<i64>("late")?).map_err(|_| StoreError::Damaged)
    }

    /// Lists the merges into a household that hold now, in the order in which they were decided.
    pub(crate) async fn link_into(
        &self,
        campaign: CampaignId,
        kept: DocumentId,
    ) -> Result<Vec<Link>, StoreError> {
        const SQL: &str = "
            select body from household_link where campaign = $1 and kept = $2 order by position";
        self.db.all(SQL, vals![campaign, kept]).await?.iter().map(link).collect()
    }

    /// Lists the merges of a unit that hold: which household stays, and which one went under it.
    pub(crate) async fn link_pairs(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<(DocumentId, DocumentId)>, StoreError> {
        const SQL: &str = "
            select kept, absorbed from household_link where campaign = $1 and unit = $2
            order by position";
        let rows = self.db.all(SQL, vals![campaign, unit]).await?;
        rows.iter().map(|row| Ok((row.id("kept")?, row.id("absorbed")?))).collect()
    }

    /// Returns the household that another was merged into, if it was.
    pub(crate) async fn link_of(
        &self,
        campaign: CampaignId,
        absorbed: DocumentId,
    ) -> Result<Option<DocumentId>, StoreError> {
        let sql = "select kept from household_link where campaign = $1 and absorbed = $2";
        let row = self.db.one(sql, vals![campaign, absorbed]).await?;
        row.map(|row| row.id("kept")).transpose()
    }

    /// Throws the fingerprints away, and works out anew from the log which merges hold.
    pub(crate) async fn pair_derived_clear(&self) -> Result<(), StoreError> {
        const UNITS: &str = "
            select distinct household.unit from pair_decision
            join household on household.document = pair_decision.one
            where pair_decision.campaign = $1 order by household.unit";
        let campaigns = self.db.all("select distinct campaign from pair_decision", vals![]).await?;
        for row in &campaigns {
            let campaign: CampaignId = row.id("campaign")?;
            let mut tx = self.begin().await?;
            // What decides about pairs, or moves their households, locks the campaign first.
            tx.run("update campaign set name = name where id = $1", vals![campaign]).await?;
            let units = tx.all(UNITS, vals![campaign]).await?;
            let units: Vec<String> =
                units.iter().map(|row| row.get("unit")).collect::<Result<_, _>>()?;
            tx.unit_lock_all(units.iter().map(|unit| (campaign, unit.as_str()))).await?;
            tx.link_renew(campaign).await?;
            tx.commit().await?;
        }
        let mut tx = self.begin().await?;
        tx.run("delete from duplicate_key", vals![]).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Keeps a decision; the campaign and the unit's log must be locked.
    pub(crate) async fn pair_decide(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &NewPairDecision<'_>,
    ) -> Result<(), StoreError> {
        const ADD: &str = "
            insert into pair_decision (campaign, unit, position, kind, one, other, body, reason,
                fate, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        // In the order of the campaign: a pair may be decided about in one unit and then in another.
        const LAST: &str = "
            select coalesce(max(position), 0) as position from pair_decision where campaign = $1";
        let last = self.one(LAST, vals![campaign]).await?.ok_or(StoreError::Damaged)?;
        let position = last.get::<i64>("position")? + 1;
        let row = vals![
            campaign, unit, position, new.kind, new.one, new.other, new.body, new.reason, new.fate,
            new.by, new.at_ms
        ];
        self.run(ADD, row).await?;
        self.link_renew_pair(campaign, (new.one, new.other)).await
    }

    /// Says how far a unit's decisions about pairs are, as [`Store::pair_moved`] does.
    pub(crate) async fn pair_moved(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<i64, StoreError> {
        self.one(MOVED, vals![campaign, unit]).await?.ok_or(StoreError::Damaged)?.get("moved")
    }

    /// Works out anew which of a campaign's merges hold; the campaign must be locked.
    async fn link_renew(&mut self, campaign: CampaignId) -> Result<(), StoreError> {
        self.run("delete from household_link where campaign = $1", vals![campaign]).await?;
        self.run(links_sql!(""), vals![campaign]).await.map(drop)
    }

    /// Works out anew whether one pair is merged; the campaign must be locked.
    async fn link_renew_pair(
        &mut self,
        campaign: CampaignId,
        (kept, absorbed): (DocumentId, DocumentId),
    ) -> Result<(), StoreError> {
        const APART: &str = "
            delete from household_link where campaign = $1 and kept = $2 and absorbed = $3";
        const TOGETHER: &str = links_sql!("and made.one = $2 and made.other = $3 ");
        self.run(APART, vals![campaign, kept, absorbed]).await?;
        self.run(TOGETHER, vals![campaign, kept, absorbed]).await.map(drop)
    }

    /// Notes that a household went to another unit, and the merges into it with it.
    pub(super) async fn link_rehome(
        &mut self,
        campaign: CampaignId,
        kept: DocumentId,
        unit: &str,
    ) -> Result<(), StoreError> {
        let sql = "update household_link set unit = $3 where campaign = $1 and kept = $2";
        self.run(sql, vals![campaign, kept, unit]).await.map(drop)
    }

    /// Lists the merges of a unit that hold now.
    pub(crate) async fn link_list(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Link>, StoreError> {
        const SQL: &str = "
            select body from household_link where campaign = $1 and unit = $2 order by position";
        self.all(SQL, vals![campaign, unit]).await?.iter().map(link).collect()
    }

    /// Tells whether a household was merged into another.
    pub(crate) async fn link_absorbs(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<bool, StoreError> {
        let sql = "select kept from household_link where campaign = $1 and absorbed = $2";
        Ok(self.one(sql, vals![campaign, document]).await?.is_some())
    }

    /// Takes what was decided while the list was frozen, now that it is not; what does not fit any
    /// more is left, and says so. The unit's log must be locked.
    pub(crate) async fn pair_release(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<(), StoreError> {
        const LATE: &str = "
            select pair_decision.*, '' as full_name from pair_decision
            where campaign = $1 and unit = $2 and fate = 'late' order by position";
        const FATE: &str = "
            update pair_decision set fate = $4 where campaign = $1 and unit = $2 and position = $3";
        for row in self.all(LATE, vals![campaign, unit]).await? {
            let late = decision(&row)?;
            let links = self.link_list(campaign, unit).await?;
            let links: Vec<_> = links.iter().map(|link| (link.kept, link.absorbed)).collect();
            let fits = match late.kind.as_str() {
                "linked" => shared::link::may_link(late.one, late.other, &links).is_ok(),
                "unlinked" => links.contains(&(late.one, late.other)),
                _ => true,
            };
            let fate = if fits { "taken" } else { "void" };
            self.run(FATE, vals![campaign, unit, late.position, fate]).await?;
            self.link_renew_pair(campaign, (late.one, late.other)).await?;
        }
        Ok(())
    }
}
