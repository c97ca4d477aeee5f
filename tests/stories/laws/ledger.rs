//! The log as the database holds it: what every answer of the server is compared with.

use std::collections::{BTreeMap, BTreeSet};

use shared::id::{ChangeHash, DeviceId, DocumentId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tests::town::Town;

/// One row of the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    pub(crate) position: Option<i64>,
    pub(crate) fate: String,
    pub(crate) chunk: Vec<u8>,
    /// On the side branch of a copied phone.
    pub(crate) side: bool,
    pub(crate) dependencies: Vec<ChangeHash>,
}

const ENTRIES: &str = "
    select change.document, change.hash, change.unit, change.position, change.fate, change.chunk,
        change.side, change.dependencies, coalesce(household.hamlet, '') as hamlet
    from change left join household on household.document = change.document
    order by change.unit, change.position, change.document, change.hash";

/// Runs a query on whichever database the town has and maps each row.
macro_rules! rows {
    ($town:expr, $sql:expr, $row:ident => $map:expr) => {
        match &$town.config.database {
            Some(url) => {
                let mut database = PgConnection::connect(url).await.expect("it answers");
                let rows = sqlx::query($sql).fetch_all(&mut database).await.expect("rows");
                rows.into_iter().map(|$row| $map).collect()
            }
            None => {
                let file = $town.config.data.join("rasoat.sqlite");
                let options = SqliteConnectOptions::new().filename(file).read_only(true);
                let mut database = options.connect().await.expect("it opens");
                let rows = sqlx::query($sql).fetch_all(&mut database).await.expect("rows");
                rows.into_iter().map(|$row| $map).collect()
            }
        }
    };
}

/// Reads the whole log by unit and position.
pub(crate) async fn entries(town: &Town) -> Vec<Entry> {
    rows!(town, ENTRIES, row => Entry {
        document: DocumentId::from_slice(row.get("document")).expect("an id"),
        hash: ChangeHash::from_slice(row.get("hash")).expect("a hash"),
        unit: row.get("unit"),
        hamlet: row.get("hamlet"),
        position: row.get("position"),
        fate: row.get("fate"),
        chunk: row.get("chunk"),
        side: row.get::<i64, _>("side") == 1,
        dependencies: row
            .get::<Vec<u8>, _>("dependencies")
            .chunks(32)
            .map(|hash| ChangeHash::from_slice(hash).expect("a hash"))
            .collect(),
    })
}

/// Reads the newest position of each unit as the counter has it.
pub(crate) async fn counters(town: &Town) -> BTreeMap<String, i64> {
    rows!(town, "select unit, last_position from unit_log", row => {
        (row.get::<String, _>("unit"), row.get::<i64, _>("last_position"))
    })
}

/// Reads the newest position of each household as its row has it.
pub(crate) async fn newest(town: &Town) -> BTreeMap<DocumentId, i64> {
    rows!(town, "select document, last_position from household", row => {
        let document = DocumentId::from_slice(row.get("document")).expect("an id");
        (document, row.get::<i64, _>("last_position"))
    })
}

/// Reads the hamlets each device that is not revoked may see now.
pub(crate) async fn scopes(town: &Town) -> BTreeMap<DeviceId, BTreeSet<String>> {
    const SQL: &str = "
        select device.id, coalesce(assignment.hamlet, '') as hamlet from device
        left join assignment on assignment.account = device.account and until_ms is null
        where revoked_at_ms is null";
    let pairs: Vec<(DeviceId, String)> = rows!(town, SQL, row => {
        (DeviceId::from_slice(row.get("id")).expect("an id"), row.get("hamlet"))
    });
    let mut scopes: BTreeMap<DeviceId, BTreeSet<String>> = BTreeMap::new();
    for (device, hamlet) in pairs {
        scopes.entry(device).or_default().insert(hamlet);
    }
    scopes
}

/// Counts the signed manifests kept.
pub(crate) async fn manifests(town: &Town) -> usize {
    manifest_bytes(town).await.len()
}

/// Reads the signed manifests as they came.
pub(crate) async fn manifest_bytes(town: &Town) -> Vec<Vec<u8>> {
    rows!(town, "select bytes from manifest", row => row.get("bytes"))
}

/// Reads which hamlets are assigned now, and to how many people each.
pub(crate) async fn assignments(town: &Town) -> BTreeMap<String, i64> {
    const SQL: &str = "
        select hamlet, count(*) as people from assignment where until_ms is null group by hamlet";
    rows!(town, SQL, row => (row.get::<String, _>("hamlet"), row.get::<i64, _>("people")))
}

/// Checks what holds of every log: positions from 1 without gaps, counters where they must be.
///
/// What a worker found out to be bad was accepted and keeps its number; each time it is taken back the
/// household moves on by one empty number.
pub(crate) async fn check_positions(town: &Town) {
    let mut logs: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut of_household: BTreeMap<DocumentId, i64> = BTreeMap::new();
    let entries = entries(town).await;
    let taken_back: BTreeSet<DocumentId> = entries
        .iter()
        .filter(|entry| entry.fate == "quarantined" && entry.position.is_some())
        .map(|entry| entry.document)
        .collect();
    for entry in entries {
        let is_whole = entry.position.is_some() == (entry.fate == "accepted");
        assert!(is_whole || taken_back.contains(&entry.document), "{entry:?}");
        let Some(position) = entry.position else { continue };
        let (before, empty) = logs.entry(entry.unit).or_default();
        let left_out = position - *before - 1;
        assert!((0..=*empty).contains(&left_out), "a position is missing or given out twice");
        *empty += i64::from(entry.fate == "quarantined") - left_out;
        *before = position;
        of_household.insert(entry.document, position);
    }
    let counters = counters(town).await;
    for (unit, (position, empty)) in &logs {
        let counter = counters.get(unit).copied().unwrap_or(0);
        assert!((*position..=position + empty).contains(&counter), "the counter of {unit}");
    }
    let newest = newest(town).await;
    for (document, position) in of_household {
        let newest = newest.get(&document).copied().unwrap_or(0);
        let moved_on = taken_back.contains(&document) && newest > position;
        assert!(newest == position || moved_on, "the newest change of {document}");
    }
}
