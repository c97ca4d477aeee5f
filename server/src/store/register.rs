//! The register: derived from opening lists and recognised lists, and made anew for a unit whenever
//! one of those changes.
//!
//! What is written here follows from the two logs alone: it may be thrown away at any time.

use std::collections::{BTreeMap, BTreeSet};

use shared::approve::Act;
use shared::date::Date;
use shared::forms::Side;
use shared::id::{CampaignId, HouseholdId};
use shared::list::thaw;
use shared::register::{Cause, Decided, Entry, Kind, decode, encode, in_order};

use super::backend::{Row, Tx, vals};
use super::campaign::area;
use super::rows::Rows;
use super::{Store, StoreError};

/// Decisions of one day and unit that a moment tells apart.
const DECISIONS_PER_DAY: i64 = 10_000;

/// Writes the number of a paper with its day.
pub(crate) fn paper_text(number: &str, day: Date) -> String {
    format!("{number} ngày {}", day.text_vi())
}

fn last_of(day: Date) -> i64 {
    day.number() * DECISIONS_PER_DAY + DECISIONS_PER_DAY - 1
}

fn read(row: &Row) -> Result<(String, Decided), StoreError> {
    let bytes: Vec<u8> = row.get("bytes")?;
    Ok((row.get("unit")?, decode(&bytes).map_err(|_| StoreError::Damaged)?))
}

fn newest(row: &Row) -> Result<Option<Date>, StoreError> {
    let day = |moment: i64| Date::of_number(moment / DECISIONS_PER_DAY).ok_or(StoreError::Damaged);
    row.get::<Option<i64>>("newest")?.map(day).transpose()
}

/// Finds the units that households went to from a unit, or came from, over any number of moves.
fn connected(unit: &str, moved: &[(String, String)]) -> BTreeSet<String> {
    let (mut found, mut next) = (BTreeSet::new(), vec![unit]);
    while let Some(unit) = next.pop() {
        if found.insert(unit.to_owned()) {
            let beside = moved.iter().filter_map(|(from, to)| match (from == unit, to == unit) {
                (true, _) => Some(to.as_str()),
                (_, true) => Some(from.as_str()),
                _ => None,
            });
            next.extend(beside);
        }
    }
    found
}

impl Store {
    /// Reads the decisions of a register until a day that count on and after another, by unit and in
    /// their order; of one unit or of all.
    pub(crate) async fn register_read(
        &self,
        register: CampaignId,
        unit: Option<&str>,
        (since, until): (Date, Date),
    ) -> Result<BTreeMap<String, Vec<Decided>>, StoreError> {
        const SQL: &str = "
            select register.unit, register.bytes from register
            where register.register = $1 and register.moment <= $2 and register.moment >= coalesce(
                (select max(earlier.moment) from register earlier
                where earlier.register = register.register and earlier.unit = register.unit
                and earlier.moment <= $3 and earlier.whole = 1), 0)
            and (register.unit = $4 or $4 = '') order by register.unit, register.moment";
        let of = vals![register, last_of(until), last_of(since), unit.unwrap_or_default()];
        let mut units: BTreeMap<String, Vec<Decided>> = BTreeMap::new();
        for row in self.db.all(SQL, of).await? {
            let (unit, decided) = read(&row)?;
            units.entry(unit).or_default().push(decided);
        }
        Ok(units)
    }

    /// Reads the decisions of a unit's register until a day, and of the units to which its households
    /// went or from which they came: together they tell who stands in it.
    pub(crate) async fn register_around(
        &self,
        register: CampaignId,
        unit: &str,
        on: Date,
    ) -> Result<BTreeMap<String, Vec<Decided>>, StoreError> {
        const MOVED: &str = "
            select distinct household_move.from_unit, household_move.to_unit
            from household_move join campaign on campaign.id = household_move.campaign
            where (campaign.id = $1 or campaign.register = $1) and household_move.kind = 'accept'";
        let rows = self.db.all(MOVED, vals![register]).await?;
        let moved: Result<Vec<(String, String)>, StoreError> =
            rows.iter().map(|row| Ok((row.get("from_unit")?, row.get("to_unit")?))).collect();
        let mut units = BTreeMap::new();
        for unit in connected(unit, &moved?) {
            units.extend(self.register_read(register, Some(&unit), (on, on)).await?);
        }
        Ok(units)
    }

    /// Returns the day of the newest list of a campaign on a register.
    pub(crate) async fn register_newest(
        &self,
        register: CampaignId,
        campaign: CampaignId,
    ) -> Result<Option<Date>, StoreError> {
        const SQL: &str = "
            select max(moment) as newest from register where register = $1 and campaign = $2";
        let row = self.db.one(SQL, vals![register, campaign]).await?;
        newest(&row.ok_or(StoreError::Damaged)?)
    }

    /// Returns the newest day on which anything was decided on a register in campaigns that were
    /// reviewed before a day.
    pub(crate) async fn register_newest_before(
        &self,
        register: CampaignId,
        review_date: Date,
    ) -> Result<Option<Date>, StoreError> {
        const SQL: &str = "
            select max(register.moment) as newest from register
            join campaign on campaign.id = register.campaign
            where register.register = $1 and campaign.review_date < $2";
        let row = self.db.one(SQL, vals![register, review_date.to_string()]).await?;
        newest(&row.ok_or(StoreError::Damaged)?)
    }

    /// Makes every register anew; returns of how many units.
    pub(crate) async fn register_rebuild(&self) -> Result<usize, StoreError> {
        const UNITS: &str = "
            select coalesce(campaign.register, campaign.id) as register, household.unit
            from household join campaign on campaign.id = household.campaign
            union
            select coalesce(campaign.register, campaign.id) as register, household.opening_unit
            from household join campaign on campaign.id = household.campaign
            where household.opening_unit <> ''
            order by register, unit";
        let rows = self.db.all(UNITS, vals![]).await?;
        for row in &rows {
            let mut tx = self.begin().await?;
            tx.register_derive(row.id("register")?, &row.get::<String>("unit")?).await?;
            tx.commit().await?;
        }
        Ok(rows.len())
    }
}

/// The households that a unit's opening list named.
pub(super) const OPENED: &str = "
    select opened.*, hamlet.area, campaign.opening_date from
        (select household.*, household.hamlet as opened_in from household
        where household.campaign = $1 and household.opening_class <> ''
        and household.opening_unit = '' and household.unit = $2
        union all
        select household.*, household.opening_hamlet from household
        where household.campaign = $1 and household.opening_class <> ''
        and household.opening_unit = $2 and household.opening_unit <> '') as opened
    join campaign on campaign.id = opened.campaign
    join hamlet on hamlet.campaign = opened.campaign and hamlet.code = opened.opened_in
    order by opened.household";

impl Tx {
    /// Makes a unit's part of a register anew: the opening list it begins with, and every list that
    /// stands recognised in a campaign that goes on with it.
    pub(crate) async fn register_derive(
        &mut self,
        register: CampaignId,
        unit: &str,
    ) -> Result<(), StoreError> {
        const NEW: Rows = Rows {
            before: "insert into register (register, unit, moment, campaign, whole, bytes) values",
            after: "",
        };
        self.unit_lock(register, unit).await?;
        let mut decided = self.register_opening(register, unit).await?;
        decided.extend(self.register_lists(register, unit).await?);
        let rows = (0..).zip(in_order(decided)).map(|(place, one): (i64, Decided)| {
            let moment = one.date.number() * DECISIONS_PER_DAY + place % DECISIONS_PER_DAY;
            let whole = i64::from(one.whole);
            vals![register, unit, moment, one.campaign, whole, encode(&one)]
        });
        let rows: Vec<_> = rows.collect();
        self.run("delete from register where register = $1 and unit = $2", vals![register, unit])
            .await?;
        self.run_rows(NEW, rows).await.map(drop)
    }

    async fn register_opening(
        &mut self,
        register: CampaignId,
        unit: &str,
    ) -> Result<Vec<Decided>, StoreError> {
        let mut opening: Option<Decided> = None;
        for row in self.all(OPENED, vals![register, unit]).await? {
            let date = row.date("opening_date")?;
            let opening =
                opening.get_or_insert_with(|| Decided::new(Kind::Opening, register, date, 0));
            let class = match row.get::<String>("opening_class")?.as_str() {
                "poor" => Side::Poor,
                "near_poor" => Side::NearPoor,
                _ => return Err(StoreError::Damaged),
            };
            let hamlet = opening
                .hamlet(&row.get::<String>("opened_in")?, area(&row.get::<String>("area")?)?);
            let paper = opening.paper(&row.get::<String>("opening_paper")?);
            let persons = u32::try_from(row.get::<i64>("opening_members")?);
            opening.entries.push(Entry {
                household: HouseholdId(row.id::<HouseholdId>("household")?.0),
                hamlet,
                paper,
                class: Some(class),
                cause: Cause::Opening,
                persons: persons.map_err(|_| StoreError::Damaged)?,
                dtts: row.get::<i64>("opening_dtts")? == 1,
                kin: None,
            });
        }
        Ok(opening.into_iter().collect())
    }

    async fn register_lists(
        &mut self,
        register: CampaignId,
        unit: &str,
    ) -> Result<Vec<Decided>, StoreError> {
        const SQL: &str = "
            select decision.body, decision.at_ms, frozen_list.rows
            from list join campaign on campaign.id = list.campaign
            join decision on decision.campaign = list.campaign and decision.unit = list.unit
                and decision.position = list.last_decision
            join frozen_list on frozen_list.campaign = list.campaign
                and frozen_list.unit = list.unit and frozen_list.root = decision.root
            where list.unit = $2 and list.step_name = 'recognised'
            and (campaign.id = $1 or campaign.register = $1)
            order by decision.at_ms";
        let rows = self.all(SQL, vals![register, unit]).await?;
        rows.iter()
            .map(|row| {
                let act: Act = serde_json::from_str(&row.get::<String>("body")?)
                    .map_err(|_| StoreError::Damaged)?;
                let paper = act.paper().ok_or(StoreError::Damaged)?;
                let date = Date::parse(&paper.date).map_err(|_| StoreError::Damaged)?;
                let list = thaw(&row.get::<Vec<u8>>("rows")?).map_err(|_| StoreError::Damaged)?;
                let text = paper_text(&paper.number, date);
                Ok(Decided::of_list(&list, &text, date, row.get("at_ms")?))
            })
            .collect()
    }
}
