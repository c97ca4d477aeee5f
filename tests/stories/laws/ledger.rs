//! The log as the database holds it: what every answer of the server is compared with.

use std::collections::BTreeMap;

use shared::id::{ChangeHash, DocumentId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tests::town::Town;

/// One row of the log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) document: DocumentId,
    pub(super) hash: ChangeHash,
    pub(super) unit: String,
    pub(super) hamlet: String,
    pub(super) position: Option<i64>,
    pub(super) fate: String,
    pub(super) chunk: Vec<u8>,
    /// On the side branch of a copied phone.
    pub(super) side: bool,
}

const ENTRIES: &str = "
    select change.document, change.hash, change.unit, change.position, change.fate, change.chunk,
        change.side, coalesce(household.hamlet, '') as hamlet
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
pub(super) async fn entries(town: &Town) -> Vec<Entry> {
    rows!(town, ENTRIES, row => Entry {
        document: DocumentId::from_slice(row.get("document")).expect("an id"),
        hash: ChangeHash::from_slice(row.get("hash")).expect("a hash"),
        unit: row.get("unit"),
        hamlet: row.get("hamlet"),
        position: row.get("position"),
        fate: row.get("fate"),
        chunk: row.get("chunk"),
        side: row.get::<i64, _>("side") == 1,
    })
}

/// Reads the newest position of each unit as the counter has it.
pub(super) async fn counters(town: &Town) -> BTreeMap<String, i64> {
    rows!(town, "select unit, last_position from unit_log", row => {
        (row.get::<String, _>("unit"), row.get::<i64, _>("last_position"))
    })
}

/// Reads the newest position of each household as its row has it.
pub(super) async fn newest(town: &Town) -> BTreeMap<DocumentId, i64> {
    rows!(town, "select document, last_position from household", row => {
        let document = DocumentId::from_slice(row.get("document")).expect("an id");
        (document, row.get::<i64, _>("last_position"))
    })
}

/// Counts the signed manifests kept.
pub(super) async fn manifests(town: &Town) -> usize {
    let rows: Vec<()> = rows!(town, "select digest from manifest", _row => ());
    rows.len()
}

/// Checks what holds of every log: positions from 1 without gaps, counters where they must be.
pub(super) async fn check_positions(town: &Town) {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let mut of_household: BTreeMap<DocumentId, i64> = BTreeMap::new();
    for entry in entries(town).await {
        assert_eq!(entry.position.is_some(), entry.fate == "accepted", "{entry:?}");
        let Some(position) = entry.position else { continue };
        let before = last.entry(entry.unit).or_default();
        assert_eq!(position, *before + 1, "a position is missing or given out twice");
        *before = position;
        of_household.insert(entry.document, position);
    }
    let counters = counters(town).await;
    for (unit, position) in &last {
        assert_eq!(counters.get(unit), Some(position), "the counter of {unit}");
    }
    let newest = newest(town).await;
    for (document, position) in of_household {
        assert_eq!(newest.get(&document), Some(&position), "the newest change of {document}");
    }
}
