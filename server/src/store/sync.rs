//! What a sync looks up, in as few trips to the database as it takes: a trip costs more than what is
//! read on it.

use std::collections::BTreeMap;

use shared::date::Date;
use shared::id::{AccountId, Actor, CampaignId, ChangeHash, DeviceId, DocumentId};

use super::assignment::{Place, place, places_sql};
use super::backend::{Val, vals};
use super::binding::FORKED_MAX;
use super::{Store, StoreError};

/// What a sync begins with.
#[derive(Debug)]
pub(crate) struct Start {
    /// Unit code of the campaign's province.
    pub(crate) province: String,
    pub(crate) review_date: Date,
    pub(crate) closed: bool,
    /// Version of the lists of units, as [`Store::unit_version`] returns it.
    pub(crate) unit_version: String,
    /// The caller's places in force, as [`Store::assignment_places`] lists them.
    pub(crate) places: Vec<Place>,
    /// Newest position of each unit of those places that has any.
    pub(crate) newest: BTreeMap<String, i64>,
}

/// What a sync ends with.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// The caller's places by then.
    pub(crate) places: Vec<Place>,
    /// Newest position of each unit of those places at which a household left it, where one did.
    pub(crate) left: BTreeMap<String, i64>,
    /// Actors that the device may not write under.
    pub(crate) forked: Vec<Actor>,
}

/// A change of a unit's log, without its bytes.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) bytes: i64,
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    /// A client wrote it and no worker has looked at it yet, so nobody is sent it.
    pub(crate) is_unseen: bool,
}

/// An accepted change on its way to a client.
#[derive(Debug, Clone)]
pub(crate) struct SentChange {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) position: i64,
    pub(crate) chunk: Vec<u8>,
    pub(crate) household: Vec<u8>,
    pub(crate) hamlet: String,
    pub(crate) code: String,
}

/// A part of a unit's log: what comes after a position.
#[derive(Debug)]
pub(crate) struct After<'a> {
    pub(crate) campaign: CampaignId,
    pub(crate) unit: &'a str,
    pub(crate) position: i64,
    /// Empty for all hamlets, else `,code,code,`, single households among them.
    pub(crate) hamlets: &'a str,
}

impl After<'_> {
    /// Names what statements over it ask for, with one number of their own.
    fn vals(&self, number: i64) -> Vec<Val> {
        let mut vals = vals![self.campaign, self.unit, self.position, number];
        if !self.hamlets.is_empty() {
            vals.extend(vals![self.hamlets, self.hamlets.contains('#')]);
        }
        vals
    }
}

/// The accepted changes of a unit after a position.
macro_rules! all_after {
    () => {
        "from change join household on household.document = change.document
        where change.campaign = $1 and change.unit = $2 and change.position > $3
        and change.side = 0 and change.fate = 'accepted'"
    };
}

/// Those of the hamlets named. Households are far fewer than changes: the ones that have anything new
/// are looked for first, and then what they have. That unit and position are not compared as they
/// stand keeps SQLite from walking the unit's log all the same. Not `like`: there SQLite takes a hamlet
/// for its neighbour in capitals.
macro_rules! of_hamlets_after {
    () => {
        "from household cross join change
        where household.campaign = $1 and household.unit = $2 and household.last_position > $3
        and (replace($5, ',' || household.hamlet || ',', '') <> $5
            or ($6 = 1 and exists (select 1 from household_assignment as single
                where single.campaign = $1 and single.document = household.document
                and replace($5, ',' || single.place || ',', '') <> $5)))
        and change.campaign = $1 and change.document = household.document
        and change.unit || '' = $2 and change.position - $3 > 0
        and change.side = 0 and change.fate = 'accepted'"
    };
}

/// Reads a log without the bytes.
macro_rules! log_sql {
    ($which:expr) => {
        concat!(
            "select last_position as position, null as bytes, null as document, null as hash,
                cast(0 as bigint) as unseen
            from unit_log where campaign = $1 and unit = $2
            union all
            select position, bytes, document, hash, unseen from (
                select change.position, cast(length(change.chunk) as bigint) as bytes,
                    change.document, change.hash,
                    cast(case when change.provenance = 'desk' or exists (
                        select 1 from standing where standing.document = change.document
                        and standing.unit = change.unit and standing.position >= change.position)
                    then 0 else 1 end as bigint) as unseen ",
            $which,
            " order by change.position limit $4) as read"
        )
    };
}

/// Reads the changes of a log.
macro_rules! sent_sql {
    ($which:expr) => {
        concat!(
            "select change.document, change.hash, change.position, change.chunk,
                household.household, household.hamlet, household.code ",
            $which,
            " and change.position <= $4 order by change.position"
        )
    };
}

/// The log of a few hamlets.
pub(super) const LOG_OF_HAMLETS: &str = log_sql!(of_hamlets_after!());

impl Store {
    /// Reads what a sync begins with; `None` where there is no such campaign.
    pub(crate) async fn sync_start(
        &self,
        campaign: CampaignId,
        account: AccountId,
        device: Option<DeviceId>,
    ) -> Result<Option<Start>, StoreError> {
        const SQL: &str = concat!(
            "select campaign.province, campaign.review_date, campaign.closed_at_ms,
                (select value from meta where name = 'unit_files') as unit_version,
                place.unit, place.name, place.within, unit_log.last_position
            from campaign left join (",
            places_sql!(),
            ") as place on 1 = 1
            left join unit_log on unit_log.campaign = campaign.id and unit_log.unit = place.unit
            where campaign.id = $1"
        );
        let rows = self.db.all(SQL, vals![campaign, account, device]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut start = Start {
            province: first.get("province")?,
            review_date: first.date("review_date")?,
            closed: first.get::<Option<i64>>("closed_at_ms")?.is_some(),
            unit_version: first.get::<Option<String>>("unit_version")?.unwrap_or_default(),
            places: Vec::new(),
            newest: BTreeMap::new(),
        };
        for row in &rows {
            // One row stands for none where nothing was given.
            if row.get::<Option<String>>("unit")?.is_none() {
                continue;
            }
            let place = place(row)?;
            if let Some(position) = row.get::<Option<i64>>("last_position")? {
                start.newest.insert(place.unit.clone(), position);
            }
            start.places.push(place);
        }
        Ok(Some(start))
    }

    /// Lists the caller's places once more, what has left their units, and the actors that the device
    /// may not write under.
    pub(crate) async fn sync_end(
        &self,
        campaign: CampaignId,
        account: AccountId,
        device: Option<DeviceId>,
    ) -> Result<End, StoreError> {
        const SQL: &str = concat!(
            "select place.unit, place.name, place.within, null as actor,
                (select max(left_at) from household_move
                    where household_move.campaign = $1
                    and household_move.left_unit = place.unit) as left_at
            from (",
            places_sql!(),
            ") as place union all
            select null, null, null, forked.actor, null from (
                select actor from installation where device = $3 and forked_at_ms is not null
                order by forked_at_ms desc, actor limit $4) as forked"
        );
        let rows = self.db.all(SQL, vals![campaign, account, device, FORKED_MAX]).await?;
        let mut end = End::default();
        for row in &rows {
            if row.get::<Option<Vec<u8>>>("actor")?.is_some() {
                end.forked.push(row.id("actor")?);
                continue;
            }
            let place = place(row)?;
            if let Some(left_at) = row.get::<Option<i64>>("left_at")? {
                end.left.insert(place.unit.clone(), left_at);
            }
            end.places.push(place);
        }
        Ok(end)
    }

    /// Lists a unit's accepted changes after a position, of all hamlets or of those named, and the
    /// unit's newest position of that moment.
    pub(crate) async fn sync_log_after(
        &self,
        part: &After<'_>,
        rows_max: usize,
    ) -> Result<(Vec<Row>, i64), StoreError> {
        const ALL: &str = log_sql!(all_after!());
        let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
        let sql = if part.hamlets.is_empty() { ALL } else { LOG_OF_HAMLETS };
        let (mut read, mut last) = (Vec::new(), 0);
        for row in self.db.all(sql, part.vals(rows_max)).await? {
            let position = row.get("position")?;
            match row.get::<Option<i64>>("bytes")? {
                None => last = position,
                Some(bytes) => {
                    let (document, hash) = (row.id("document")?, row.id("hash")?);
                    let is_unseen = row.get::<i64>("unseen")? == 1;
                    read.push(Row { position, bytes, document, hash, is_unseen });
                }
            }
        }
        read.sort_by_key(|row| row.position);
        Ok((read, last))
    }

    /// Reads the same changes up to a position, with their bytes.
    pub(crate) async fn sync_changes_after(
        &self,
        part: &After<'_>,
        until: i64,
    ) -> Result<Vec<SentChange>, StoreError> {
        const ALL: &str = sent_sql!(all_after!());
        const OF_HAMLETS: &str = sent_sql!(of_hamlets_after!());
        let sql = if part.hamlets.is_empty() { ALL } else { OF_HAMLETS };
        let rows = self.db.all(sql, part.vals(until)).await?;
        rows.iter()
            .map(|row| {
                Ok(SentChange {
                    document: row.id("document")?,
                    hash: row.id("hash")?,
                    position: row.get("position")?,
                    chunk: row.get("chunk")?,
                    household: row.get("household")?,
                    hamlet: row.get("hamlet")?,
                    code: row.get("code")?,
                })
            })
            .collect()
    }
}
