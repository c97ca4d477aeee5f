//! Campaigns, their hamlets, and the units known beside the built-in ones.

use std::collections::BTreeMap;

use shared::date::Date;
use shared::id::CampaignId;
use shared::list::{Hamlet, Registered};
use shared::unit::Area;

use super::backend::{Row, Tx, vals};
use super::material::{in_list, padded};
use super::rows::Rows;
use super::{Store, StoreError};
use crate::imports::hamlets::Counted;

/// A review campaign (đợt rà soát).
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    /// Id.
    pub id: CampaignId,
    /// Name on papers.
    pub name: String,
    /// Province, code in force at the review date.
    pub province: String,
    /// Code of the standard; never derived from the year.
    pub standard: String,
    /// Score table as loaded, JSON; empty where none.
    pub score_table: String,
    /// Date of the opening list.
    pub opening_date: Date,
    /// Date that ages, units and counts are taken at.
    pub review_date: Date,
    /// Column of the score table for rural areas.
    pub region: String,
    /// True once closed: what arrives is held.
    pub closed: bool,
    /// Campaign whose register it goes on with; its own where it begins one.
    pub register: CampaignId,
}

fn campaign(row: &Row) -> Result<Campaign, StoreError> {
    Ok(Campaign {
        id: row.id("id")?,
        name: row.get("name")?,
        province: row.get("province")?,
        standard: row.get("standard")?,
        score_table: row.get("score_table")?,
        opening_date: row.date("opening_date")?,
        review_date: row.date("review_date")?,
        region: row.get("region")?,
        closed: row.get::<Option<i64>>("closed_at_ms")?.is_some(),
        register: match row.get::<Option<Vec<u8>>>("register")? {
            Some(bytes) => CampaignId(bytes.try_into().map_err(|_| StoreError::Damaged)?),
            None => row.id("id")?,
        },
    })
}

fn count(row: &Row, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Damaged)
}

/// Reads an area type as the database has it.
pub(crate) fn area(name: &str) -> Result<Area, StoreError> {
    match name {
        "urban" => Ok(Area::Urban),
        "rural" => Ok(Area::Rural),
        _ => Err(StoreError::Damaged),
    }
}

fn hamlet(row: &Row) -> Result<(String, Hamlet), StoreError> {
    let area = area(&row.get::<String>("area")?)?;
    let hamlet = Hamlet {
        code: row.get("code")?,
        type_word: row.get("type_word")?,
        name: row.get("name")?,
        area,
        closing: Registered {
            households: count(row, "households")?,
            persons: count(row, "persons")?,
            dtts_households: count(row, "dtts_households")?,
            dtts_persons: count(row, "dtts_persons")?,
        },
        opening: Registered {
            households: count(row, "opening_households")?,
            persons: count(row, "opening_persons")?,
            dtts_households: count(row, "opening_dtts_households")?,
            dtts_persons: count(row, "opening_dtts_persons")?,
        },
        source: row.get("source")?,
    };
    Ok((row.get("unit")?, hamlet))
}

/// Writes an area type as the database and the imports do.
pub(crate) fn area_name(area: Area) -> &'static str {
    match area {
        Area::Urban => "urban",
        Area::Rural => "rural",
    }
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Adds a campaign.
    pub(crate) async fn campaign_add(&self, new: &Campaign, now_ms: i64) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into campaign (id, name, province, standard, score_table, opening_date,
                review_date, region, created_at_ms, register)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let mut tx = self.begin().await?;
        let row = vals![
            new.id,
            &new.name,
            &new.province,
            &new.standard,
            &new.score_table,
            new.opening_date.to_string(),
            new.review_date.to_string(),
            &new.region,
            now_ms,
            Some(new.register).filter(|register| *register != new.id)
        ];
        tx.run(SQL, row).await?;
        tx.commit().await
    }

    /// Finds a campaign.
    pub(crate) async fn campaign_get(
        &self,
        id: CampaignId,
    ) -> Result<Option<Campaign>, StoreError> {
        let sql = "select * from campaign where id = $1";
        self.db.one(sql, vals![id]).await?.as_ref().map(campaign).transpose()
    }

    /// Lists campaigns, newest first.
    pub(crate) async fn campaign_list(&self) -> Result<Vec<Campaign>, StoreError> {
        let sql = "select * from campaign order by created_at_ms desc, id";
        self.db.all(sql, vals![]).await?.iter().map(campaign).collect()
    }

    /// Closes a campaign.
    pub(crate) async fn campaign_close(
        &self,
        id: CampaignId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "update campaign set closed_at_ms = $2 where id = $1 and closed_at_ms is null";
        tx.run(sql, vals![id, now_ms]).await?;
        tx.commit().await
    }

    /// Lists hamlets with their units, by code; of one unit or of all.
    pub(crate) async fn hamlet_list(
        &self,
        campaign: CampaignId,
        unit: Option<&str>,
    ) -> Result<Vec<(String, Hamlet)>, StoreError> {
        const ALL: &str = "select * from hamlet where campaign = $1 order by code";
        const OF_UNIT: &str =
            "select * from hamlet where campaign = $1 and unit = $2 order by code";
        let rows = match unit {
            None => self.db.all(ALL, vals![campaign]).await?,
            Some(unit) => self.db.all(OF_UNIT, vals![campaign, unit]).await?,
        };
        rows.iter().map(hamlet).collect()
    }

    /// Lists hamlets of a unit with the day of their counts.
    pub(crate) async fn hamlet_counted(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Counted>, StoreError> {
        let sql = "select * from hamlet where campaign = $1 and unit = $2 order by code";
        let rows = self.db.all(sql, vals![campaign, unit]).await?;
        rows.iter()
            .map(|row| {
                let (unit, hamlet) = hamlet(row)?;
                Ok(Counted { unit, hamlet, counted_on: row.get("counted_on")? })
            })
            .collect()
    }

    /// Lists the lists of units loaded beside the built-in one, oldest first.
    pub(crate) async fn unit_files(&self) -> Result<Vec<String>, StoreError> {
        self.db.all(UNIT_FILES, vals![]).await?.iter().map(|row| row.get("text")).collect()
    }

    /// Returns what changes with every list of units that is loaded.
    pub(crate) async fn unit_version(&self) -> Result<String, StoreError> {
        let sql = "select value from meta where name = 'unit_files'";
        let row = self.db.one(sql, vals![]).await?;
        row.map_or(Ok(String::new()), |row| row.get("value"))
    }
}

const UNIT_FILES: &str = "select text from unit_file order by loaded_at_ms, digest";

impl Tx {
    /// Reads what a unit's list rests on beside its log: the score table, and hamlets by code.
    pub(crate) async fn campaign_basis(
        &mut self,
        id: CampaignId,
        unit: &str,
    ) -> Result<(String, Vec<Hamlet>), StoreError> {
        const HAMLETS: &str =
            "select * from hamlet where campaign = $1 and unit = $2 order by code";
        let row = self.one("select score_table from campaign where id = $1", vals![id]).await?;
        let table = row.ok_or(StoreError::Damaged)?.get("score_table")?;
        let rows = self.all(HAMLETS, vals![id, unit]).await?;
        let hamlets = rows.iter().map(|row| Ok(hamlet(row)?.1)).collect::<Result<_, StoreError>>();
        let mut hamlets: Vec<Hamlet> = hamlets?;
        // As text is ordered here, not as the database orders it.
        hamlets.sort_by(|one, other| one.code.cmp(&other.code));
        Ok((table, hamlets))
    }

    /// Adds hamlets or replaces their counts.
    pub(crate) async fn hamlet_put(
        &mut self,
        campaign: CampaignId,
        hamlets: &[Counted],
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into hamlet (campaign, code, unit, name, area, households, persons,
                dtts_households, dtts_persons, opening_households, opening_persons,
                opening_dtts_households, opening_dtts_persons, source, type_word, counted_on)
                values",
            after: "on conflict (campaign, code) do update set
                type_word = excluded.type_word, name = excluded.name, area = excluded.area,
                households = excluded.households, persons = excluded.persons,
                dtts_households = excluded.dtts_households,
                dtts_persons = excluded.dtts_persons,
                opening_households = excluded.opening_households,
                opening_persons = excluded.opening_persons,
                opening_dtts_households = excluded.opening_dtts_households,
                opening_dtts_persons = excluded.opening_dtts_persons, source = excluded.source,
                counted_on = excluded.counted_on
                where hamlet.unit = excluded.unit",
        };
        let row = |counted: &Counted| {
            let hamlet = &counted.hamlet;
            let (now, then) = (hamlet.closing, hamlet.opening);
            vals![
                campaign,
                &hamlet.code,
                &counted.unit,
                &hamlet.name,
                area_name(hamlet.area),
                stored(now.households),
                stored(now.persons),
                stored(now.dtts_households),
                stored(now.dtts_persons),
                stored(then.households),
                stored(then.persons),
                stored(then.dtts_households),
                stored(then.dtts_persons),
                &hamlet.source,
                &hamlet.type_word,
                &counted.counted_on
            ]
        };
        self.run_rows(SQL, hamlets.iter().map(row).collect()).await.map(drop)
    }

    /// Locks a campaign for an import; false where it is closed, which nothing is loaded into.
    pub(crate) async fn campaign_lock(&mut self, id: CampaignId) -> Result<bool, StoreError> {
        const SQL: &str = "
            update campaign set closed_at_ms = closed_at_ms
            where id = $1 and closed_at_ms is null";
        Ok(self.run(SQL, vals![id]).await? == 1)
    }

    /// Raises the version of the units and lists their files. Whoever comes second waits here.
    pub(crate) async fn unit_files_lock(&mut self) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "
            insert into meta (name, value) values ('unit_files', '1') on conflict (name)
            do update set value = cast(cast(meta.value as bigint) + 1 as text)";
        self.run(SQL, vals![]).await?;
        self.all(UNIT_FILES, vals![]).await?.iter().map(|row| row.get("text")).collect()
    }

    /// Keeps a list of units.
    pub(crate) async fn unit_file_add(
        &mut self,
        text: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into unit_file (digest, text, loaded_at_ms) values ($1, $2, $3)
            on conflict (digest) do nothing";
        let digest = shared::id::sha256(text.as_bytes());
        self.run(SQL, vals![digest.as_slice(), text, now_ms]).await.map(drop)
    }

    /// Returns the units of those of at most [`super::material::AT_ONCE`] hamlets that there are.
    pub(crate) async fn hamlet_units(
        &mut self,
        campaign: CampaignId,
        codes: &[&str],
    ) -> Result<BTreeMap<String, String>, StoreError> {
        const SQL: &str =
            concat!("select code, unit from hamlet where campaign = $1 and code in ", in_list!());
        let mut of = vals![campaign];
        of.extend(padded(codes));
        let rows = self.all(SQL, of).await?;
        rows.iter().map(|row| Ok((row.get("code")?, row.get("unit")?))).collect()
    }
}
