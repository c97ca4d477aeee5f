//! Which household belongs where, and the derived cache of what its log came to.

mod add;

use std::collections::{BTreeMap, BTreeSet};

use shared::id::{CampaignId, DocumentId, HouseholdId};
use shared::unit::Area;

use super::backend::{Row, Tx, vals};
use super::campaign::area;
use super::material::{AT_ONCE, in_list, padded};
use super::rows::Rows;
use super::snapshot::NewSnapshot;
use super::{Store, StoreError};
use crate::worker::pool::unavailable;

pub(crate) use self::add::NewHousehold;

/// Where a household belongs: a server row, never document content.
#[derive(Debug, Clone)]
pub(crate) struct HouseholdAt {
    pub(crate) document: DocumentId,
    pub(crate) household: HouseholdId,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    pub(crate) code: String,
    pub(crate) opening_class: String,
    pub(crate) opening_dtts: bool,
    /// Unit and hamlet of the opening list it was on, where it moved since; else empty.
    pub(crate) opened_in: (String, String),
    pub(crate) last_position: i64,
}

impl HouseholdAt {
    /// Tells whether it came from another unit since the opening list.
    pub(crate) fn has_moved_in(&self) -> bool {
        !self.opened_in.0.is_empty() && self.opened_in.0 != self.unit
    }
}

/// A household and the cache entry computed from it, if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    pub(crate) at: HouseholdAt,
    /// Area type of its hamlet.
    pub(crate) area: Area,
    /// Position and basis the body was computed at.
    pub(crate) computed: Option<(i64, String)>,
    /// JSON of the standing.
    pub(crate) body: Option<String>,
    /// Of what was merged into it: how many, the sum of their decisions' positions and of their own
    /// newest positions. Another mark means that something about them moved on.
    pub(crate) merged: Option<[i64; 3]>,
    /// It was merged into this household.
    pub(crate) absorbed_by: Option<AbsorbedBy>,
}

/// The household that another was merged into.
#[derive(Debug, Clone)]
pub(crate) struct AbsorbedBy {
    pub(crate) kept: HouseholdId,
}

/// A household by what names it, with its unit.
#[derive(Debug, Clone)]
pub(crate) struct HouseholdUnit {
    pub(crate) document: DocumentId,
    pub(crate) unit: String,
    /// Code on the opening list, empty for one a phone registered.
    pub(crate) code: String,
}

/// What a household's log came to, on its way into the cache.
#[derive(Debug, Clone)]
pub(crate) struct NewStanding {
    pub(crate) document: DocumentId,
    pub(crate) unit: String,
    pub(crate) position: i64,
    pub(crate) basis: String,
    /// JSON of the standing.
    pub(crate) body: String,
    /// The document, where it was saved with it.
    pub(crate) snapshot: Option<NewSnapshot>,
}

pub(super) fn household(row: &Row) -> Result<HouseholdAt, StoreError> {
    Ok(HouseholdAt {
        document: row.id("document")?,
        household: row.id("household")?,
        unit: row.get("unit")?,
        hamlet: row.get("hamlet")?,
        code: row.get("code")?,
        opening_class: row.get("opening_class")?,
        opening_dtts: row.get::<i64>("opening_dtts")? == 1,
        opened_in: (row.get("opening_unit")?, row.get("opening_hamlet")?),
        last_position: row.get("last_position")?,
    })
}

fn cached(row: &Row) -> Result<Cached, StoreError> {
    let position: Option<i64> = row.get("at_position")?;
    let basis: Option<String> = row.get("basis")?;
    let merged = match row.get("merged_count")? {
        0_i64 => None,
        count => Some([count, row.get("merged_decisions")?, row.get("merged_positions")?]),
    };
    let absorbed_by = match row.get::<Option<Vec<u8>>>("kept")? {
        None => None,
        Some(_) => Some(AbsorbedBy { kept: row.id("kept_household")? }),
    };
    Ok(Cached {
        merged,
        absorbed_by,
        at: household(row)?,
        area: area(&row.get::<String>("area")?)?,
        computed: position.zip(basis),
        body: row.get("body")?,
    })
}

/// Reads households with what is cached of them; what follows says which. What was merged into one is
/// looked up for each: a sum over all that were ever merged is no cheaper however few are asked for.
macro_rules! cached_sql {
    ($($which:tt)*) => { concat!(
        "select household.*, hamlet.area, standing.position as at_position, standing.basis,
            standing.body,
            (select count(*) from household_link into_it
                where into_it.kept = household.document) as merged_count,
            (select cast(sum(into_it.position) as bigint) from household_link into_it
                where into_it.kept = household.document) as merged_decisions,
            (select cast(sum(absorbed.last_position) as bigint) from household_link into_it
                join household absorbed on absorbed.document = into_it.absorbed
                where into_it.kept = household.document) as merged_positions,
            household_link.kept, kept.household as kept_household
        from household
        join hamlet on hamlet.campaign = household.campaign and hamlet.code = household.hamlet
        left join standing on standing.document = household.document
            and standing.unit = household.unit
        left join household_link on household_link.absorbed = household.document
        left join household kept on kept.document = household_link.kept ", $($which)*)
    };
}

/// The households of [`Store::household_cached_of`].
pub(super) const CACHED_OF: &str =
    cached_sql!("where household.campaign = $1 and household.document in ", in_list!());

impl Store {
    /// Counts the households of the opening lists as they were loaded: unit, class, how many.
    pub(crate) async fn household_opening_counts(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<(String, String, u64)>, StoreError> {
        const SQL: &str = "
            select unit, opening_class, count(*) as households from
                (select case when opening_unit = '' then unit else opening_unit end as unit,
                    opening_class
                from household where campaign = $1 and opening_class <> '') as opened
            group by unit, opening_class";
        let rows = self.db.all(SQL, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                let count = u64::try_from(row.get::<i64>("households")?);
                let count = count.map_err(|_| StoreError::Damaged)?;
                Ok((row.get("unit")?, row.get("opening_class")?, count))
            })
            .collect()
    }

    /// Finds a household of a campaign by its document.
    pub(crate) async fn household_get(
        &self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Option<HouseholdAt>, StoreError> {
        let sql = "select * from household where document = $1 and campaign = $2";
        let row = self.db.one(sql, vals![document, campaign]).await?;
        row.as_ref().map(household).transpose()
    }

    /// Finds a household of a campaign by its code on the opening list, or by its document's id.
    pub(crate) async fn household_named(
        &self,
        campaign: CampaignId,
        name: &str,
    ) -> Result<Option<HouseholdAt>, StoreError> {
        const SQL: &str =
            "select * from household where campaign = $1 and code = $2 and code <> ''";
        let row = self.db.one(SQL, vals![campaign, name]).await?;
        match (row, name.parse()) {
            (Some(row), _) => household(&row).map(Some),
            (None, Ok(document)) => self.household_get(campaign, document).await,
            (None, Err(_)) => Ok(None),
        }
    }

    /// Lists the households of a campaign by what names them.
    pub(crate) async fn household_units(
        &self,
        campaign: CampaignId,
    ) -> Result<Vec<HouseholdUnit>, StoreError> {
        let sql = "select document, unit, code from household where campaign = $1";
        let rows = self.db.all(sql, vals![campaign]).await?;
        rows.iter()
            .map(|row| {
                Ok(HouseholdUnit {
                    document: row.id("document")?,
                    unit: row.get("unit")?,
                    code: row.get("code")?,
                })
            })
            .collect()
    }

    /// Lists a unit's households that have an accepted change, with what is cached of them.
    pub(crate) async fn household_cached(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Cached>, StoreError> {
        const SQL: &str = cached_sql!(
            "where household.campaign = $1 and household.unit = $2 and household.last_position > 0
            order by household.household"
        );
        self.db.all(SQL, vals![campaign, unit]).await?.iter().map(cached).collect()
    }

    /// Reads at most [`AT_ONCE`] households with what is cached of them.
    pub(crate) async fn household_cached_of(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<Vec<Cached>, StoreError> {
        let mut row = vals![campaign];
        row.extend(padded(documents));
        self.db.all(CACHED_OF, row).await?.iter().map(cached).collect()
    }

    /// Returns code and head of households, the head as it is cached.
    pub(crate) async fn household_names(
        &self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, (String, String)>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Headed {
            head: String,
        }
        let mut names = BTreeMap::new();
        for documents in documents.chunks(AT_ONCE) {
            for cached in self.household_cached_of(campaign, documents).await? {
                let headed =
                    cached.body.and_then(|body| serde_json::from_str::<Headed>(&body).ok());
                let head = headed.map(|headed| headed.head).unwrap_or_default();
                names.insert(cached.at.document, (cached.at.code, head));
            }
        }
        Ok(names)
    }

    /// Returns code and head of those households that are in a unit, the head as it is cached.
    pub(crate) async fn household_names_in(
        &self,
        campaign: CampaignId,
        unit: &str,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, (String, String)>, StoreError> {
        let mut here = Vec::new();
        for documents in documents.chunks(AT_ONCE) {
            let cached = self.household_cached_of(campaign, documents).await?.into_iter();
            here.extend(cached.filter(|one| one.at.unit == unit).map(|one| one.at.document));
        }
        self.household_names(campaign, &here).await
    }

    /// Lists households whose newest change is in no standing, in order of their documents.
    pub(crate) async fn household_stale(
        &self,
        after: Option<DocumentId>,
    ) -> Result<Vec<(CampaignId, DocumentId)>, StoreError> {
        const SQL: &str = "
            select household.campaign, household.document
            from household left join standing on standing.document = household.document
                and standing.unit = household.unit
            where household.document > $1
            and household.last_position > coalesce(standing.position, 0)
            order by household.document limit $2";
        let after = after.map_or(Vec::new(), |document| document.0.to_vec());
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let rows = self.db.all(SQL, vals![after, limit]).await?;
        rows.iter().map(|row| Ok((row.id("campaign")?, row.id("document")?))).collect()
    }

    /// Puts what was computed into the cache; an older one of the same unit never replaces a newer.
    pub(crate) async fn standing_put(
        &self,
        campaign: CampaignId,
        new: &[NewStanding],
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into standing (document, campaign, unit, position, basis, body) values",
            after: "on conflict (document) do update set unit = excluded.unit,
                    position = excluded.position, basis = excluded.basis, body = excluded.body,
                    written = standing.written + 1
                where standing.unit <> excluded.unit or standing.position <= excluded.position",
        };
        let row = |new: &NewStanding| {
            vals![new.document, campaign, &new.unit, new.position, &new.basis, &new.body]
        };
        let mut tx = self.begin().await?;
        tx.run_rows(SQL, new.iter().map(row).collect()).await?;
        tx.snapshot_put(campaign, new).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Lists which of these codes a campaign's opening households have already.
    pub(crate) async fn household_codes(
        &mut self,
        campaign: CampaignId,
        codes: &[&str],
    ) -> Result<BTreeSet<String>, StoreError> {
        const SQL: &str = concat!(
            "select code from household where campaign = $1 and code <> '' and code in ",
            in_list!()
        );
        let mut known = BTreeSet::new();
        for codes in codes.chunks(AT_ONCE) {
            let mut of = vals![campaign];
            of.extend(padded(codes));
            for row in self.all(SQL, of).await? {
                known.insert(row.get("code")?);
            }
        }
        Ok(known)
    }

    /// Finds a household of a campaign by its document.
    pub(crate) async fn household_get(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Option<HouseholdAt>, StoreError> {
        Ok(self.household_get_all(campaign, &[document]).await?.pop())
    }

    /// Finds those of at most [`AT_ONCE`] households that are of a campaign.
    pub(crate) async fn household_get_all(
        &mut self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<Vec<HouseholdAt>, StoreError> {
        const SQL: &str =
            concat!("select * from household where campaign = $1 and document in ", in_list!());
        let mut of = vals![campaign];
        of.extend(padded(documents));
        self.all(SQL, of).await?.iter().map(household).collect()
    }

    /// Notes the newest accepted change of households in the logs of the units they were found in.
    /// Where one went to another unit meanwhile nothing is written: whoever asks again finds it there.
    pub(crate) async fn household_moved_on<'a>(
        &mut self,
        moved: impl IntoIterator<Item = (DocumentId, &'a str, i64)>,
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "with moved (document, unit, position) as (values",
            after: ") update household set last_position = moved.position
                from moved where household.document = moved.document
                and household.unit = moved.unit",
        };
        let moved: Vec<(DocumentId, &str, i64)> = moved.into_iter().collect();
        let rows: Vec<_> = moved.iter().map(|(id, unit, at)| vals![*id, *unit, *at]).collect();
        let all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if self.run_rows(SQL, rows).await? != all {
            return Err(unavailable());
        }
        self.moved.extend(moved.into_iter().map(|(document, _, at)| (document, at)));
        Ok(())
    }
}
