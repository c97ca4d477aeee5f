//! P7: a cursor never goes back and never skips, whoever writes meanwhile.
//!
//! Readers ask all the time while sixteen phones hand in; at the end each reader of changes has
//! exactly what the log has for its hamlets, in the log's order. Readers of documents lose their
//! data again and again; what they have in the end is the same, some of it having come twice. On PostgreSQL the work goes through two
//! servers on one database, and some commits come late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mobile_schema::frame::{Fate, SyncRequest};
use server::demo::client::Client;
use shared::cursor::Cursor;
use shared::id::{DocumentId, sha256};
use sqlx::{Connection, Executor, PgConnection};
use tests::on_each_backend;
use tests::town::{MO_O, Town};
use tokio::task::JoinSet;

use super::cases;
use super::ledger::{self, Entry};
use super::pages::{contents, server_key};
use super::wire::{Fieldwork, receipts, request};

/// P7: writing phones.
const WRITERS: u8 = 16;

/// P7: readers; half are phones that see hamlets, half officers who see the commune.
const READERS: usize = 8;

/// P7: rows that the writers add in all.
const ROWS: usize = 10_000;

/// Households of each writer, in threes: nobody's household is changed two hundred times a day.
const HOUSEHOLDS: usize = 4;

/// Small pages in one request.
const PAGES: usize = 5;

/// Makes one insert in a hundred hold its transaction open a little longer.
const LATE_COMMITS: &str = "
    create function late() returns trigger language plpgsql as $$
    begin
        if random() < 0.01 then perform pg_sleep(0.02); end if;
        return new;
    end $$;
    create trigger late after insert on change for each row execute function late()";

on_each_backend! {
    /// Eight readers follow sixteen writers: no gap, nothing twice, never backwards.
    async fn readers_miss_nothing_while_others_write(town: Town) {
        let mut doors = vec![town.client.clone()];
        let mut second = None;
        if let Some(url) = &town.config.database {
            let mut database = PgConnection::connect(url).await.unwrap();
            database.execute(LATE_COMMITS).await.unwrap();
            let other = town.second_server().await;
            doors.push(Client::new(&format!("http://{}", other.address)));
            second = Some(other);
        }
        let (town, doors) = (Arc::new(town), Arc::new(doors));
        let written = Arc::new(AtomicBool::new(false));
        let mut readers = JoinSet::new();
        for number in 0..READERS {
            let (token, hamlets) = reader(&town, number).await;
            let (town, doors, written) = (town.clone(), doors.clone(), written.clone());
            readers.spawn(async move {
                let read = if number % 2 == 0 {
                    follow(&town, &doors, &token, &written).await
                } else {
                    follow_pages(&town, &doors, &token, &written).await
                };
                (hamlets, number % 2 == 0, read)
            });
        }
        let mut writers = JoinSet::new();
        for number in 1..=WRITERS {
            let phone = town.phone("hoa").await;
            let hamlets = ["19558-01", "19558-02", "19558-01"].repeat(cases(HOUSEHOLDS));
            let work = Fieldwork::new(phone, number, &hamlets);
            let door = doors[usize::from(number) % doors.len()].clone();
            writers.spawn(hand_in(town.clone(), door, work));
        }
        let mut added = 0;
        while let Some(rows) = writers.join_next().await {
            added += rows.unwrap();
        }
        written.store(true, Ordering::SeqCst);

        let mut seen = Vec::new();
        while let Some(read) = readers.join_next().await {
            seen.push(read.unwrap());
        }
        let log = ledger::entries(&town).await;
        let log: Vec<&Entry> = log.iter().filter(|entry| entry.unit == MO_O).collect();
        assert!(added >= cases(ROWS) && log.len() > added, "{added} rows");
        let mut polls = 0;
        for (hamlets, in_order, mut read) in seen {
            let of_reader = log.iter().filter(|entry| hamlets.contains(&entry.hamlet.as_str()));
            let mut expected: Vec<Row> =
                of_reader.map(|entry| (entry.document, sha256(&entry.chunk))).collect();
            if !in_order {
                expected.sort_unstable();
                read.rows.sort_unstable();
                read.rows.dedup();
            }
            assert!(read.rows == expected, "{}", difference(&read.rows, &expected));
            polls += read.polls;
        }
        assert!(polls > READERS * 10, "only {polls} questions: nobody read while others wrote");
        ledger::check_positions(&town).await;
        if let Some(second) = second {
            second.stop().await.unwrap();
        }
    }
}

/// Document and digest of the bytes of one change.
type Row = (DocumentId, [u8; 32]);

/// Signs a reader in; says which hamlets it sees.
async fn reader(town: &Town, number: usize) -> (String, &'static [&'static str]) {
    match number % 4 {
        0 => (town.phone("hoa").await.access().to_owned(), &["19558-01", "19558-02"]),
        1 => (town.phone("minh").await.access().to_owned(), &["19558-01"]),
        _ => (town.officer.token().to_owned(), &["19558-01", "19558-02"]),
    }
}

/// What a reader got, in order.
struct Read {
    rows: Vec<Row>,
    polls: usize,
}

/// Asks until everything is written and nothing more comes; looks at each cursor on the way.
async fn follow(town: &Town, doors: &[Client], token: &str, written: &AtomicBool) -> Read {
    let mut read = Read { rows: Vec::new(), polls: 0 };
    let mut cursor = Vec::new();
    let mut positions: BTreeMap<String, i64> = BTreeMap::new();
    loop {
        let last = written.load(Ordering::SeqCst);
        let door = &doors[read.polls % doors.len()];
        let request = request(town, &cursor, Vec::new());
        let (answer, _, _) = door.sync(token, &request).await.expect("the server answers");
        read.polls += 1;
        cursor = answer.cursor.into_vec();
        for segment in Cursor::decode(&cursor).expect("a cursor").segments {
            let before = positions.entry(segment.unit).or_default();
            assert!(segment.position >= *before, "back to {} from {before}", segment.position);
            *before = segment.position;
        }
        assert!(answer.left.is_empty());
        let rows = answer.changes.iter();
        read.rows.extend(rows.map(|(document, chunk)| (DocumentId(**document), sha256(chunk))));
        if last && !answer.more {
            return read;
        }
    }
}

/// Polls after which a reader of documents loses everything it has.
const LOSS: usize = 25;

/// Asks for documents, in answers as small as they may be, and begins anew now and then.
async fn follow_pages(town: &Town, doors: &[Client], token: &str, written: &AtomicBool) -> Read {
    let key = server_key(town);
    let mut read = Read { rows: Vec::new(), polls: 0 };
    let mut cursor = Vec::new();
    loop {
        let last = written.load(Ordering::SeqCst);
        let door = &doors[read.polls % doors.len()];
        let ask = SyncRequest {
            pages: true,
            answer_bytes: Some(1),
            ..request(town, &cursor, Vec::new())
        };
        let (answer, _, _) = door.sync(token, &ask).await.expect("the server answers");
        read.polls += 1;
        for (document, hashes) in contents(&key, &answer) {
            read.rows.extend(hashes.into_iter().map(|hash| (document, hash)));
        }
        let rows = answer.changes.iter();
        read.rows.extend(rows.map(|(document, chunk)| (DocumentId(**document), sha256(chunk))));
        cursor = answer.cursor.into_vec();
        if last && !answer.more {
            return read;
        }
        if !last && read.polls.is_multiple_of(LOSS) {
            cursor.clear();
            read.rows.clear();
        }
    }
}

/// Hands in one writer's share of the rows; returns how many were accepted.
async fn hand_in(town: Arc<Town>, door: Client, mut work: Fieldwork) -> usize {
    let share = cases(ROWS).div_ceil(usize::from(WRITERS));
    let (mut cursor, mut added) = (Vec::new(), 0);
    while added < share {
        let changes = work.write(PAGES);
        let batch = work.phone.sign(&changes);
        let request = request(&town, &cursor, vec![batch]);
        let (answer, _, _) =
            door.sync(work.phone.access(), &request).await.expect("the server answers");
        let receipt = receipts(&answer).pop().unwrap().unwrap();
        assert!(receipt.verdicts.iter().all(|verdict| verdict.fate == Fate::Accepted));
        added += receipt.verdicts.len();
        cursor = answer.cursor.into_vec();
    }
    added
}

/// Says where a reader's rows stop being those of the log.
fn difference(read: &[Row], log: &[Row]) -> String {
    let alike = read.iter().zip(log).take_while(|(read, log)| read == log).count();
    format!("{} rows read, {} in the log, alike up to {alike}", read.len(), log.len())
}
