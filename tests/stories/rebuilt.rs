//! Everything derived can be thrown away: it comes out of the logs again, to the byte.

use std::collections::BTreeMap;

use automerge::Automerge;
use mobile_schema::frame::Fate;
use server::app::{App, system_clock};
use server::cli::rebuild::{Rebuilt, expire, rebuild};
use server::demo::phone::Phone;
use server::snapshot::unpack;
use server::worker::pool::Merging;
use shared::id::DocumentId;
use shared::page::Page;
use shared::resolve::resolve;
use sqlx::Connection;
use tests::on_each_backend;
use tests::process::program;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI};

/// Document, unit, position, basis and body of a standing.
type Standing = (Vec<u8>, String, i64, String, String);

/// Document, unit, position, heads and bytes of a snapshot.
type Snapshot = (Vec<u8>, String, i64, Vec<u8>, Vec<u8>);

const STANDINGS: &str =
    "select document, unit, position, basis, body from standing order by document";
const SNAPSHOTS: &str =
    "select document, unit, position, heads, bytes from snapshot order by document";

/// Reads every derived row.
async fn derived(town: &Town) -> (Vec<Standing>, Vec<Snapshot>) {
    if let Some(url) = &town.config.database {
        let mut db = sqlx::PgConnection::connect(url).await.unwrap();
        let standings = sqlx::query_as(STANDINGS).fetch_all(&mut db).await.unwrap();
        return (standings, sqlx::query_as(SNAPSHOTS).fetch_all(&mut db).await.unwrap());
    }
    let file = town.config.data.join("rasoat.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let standings = sqlx::query_as(STANDINGS).fetch_all(&mut db).await.unwrap();
    (standings, sqlx::query_as(SNAPSHOTS).fetch_all(&mut db).await.unwrap())
}

/// Rebuilds on the town's database with a server of its own.
async fn rebuilt(town: &Town, merging: Merging) -> Rebuilt {
    let app = App::open_with(&town.config, system_clock, merging).await.unwrap();
    rebuild(&app).await.unwrap()
}

fn workers(count: usize) -> Merging {
    Merging::Workers { program: program().to_owned(), count, arguments: Vec::new() }
}

/// Says what the saved documents hold, whatever order they were written in.
fn content(snapshots: &[Snapshot]) -> BTreeMap<Vec<u8>, String> {
    let read = |packed: &[u8]| Automerge::load(&unpack(packed).unwrap()).unwrap();
    snapshots
        .iter()
        .map(|(document, .., bytes)| {
            let resolved = resolve(&read(bytes));
            (document.clone(), serde_json::to_string(&resolved).unwrap())
        })
        .collect()
}

/// Work that disputes, a copied phone, something settled, something late in both communes.
async fn busy_days(town: &Town) {
    let mut hoa = town.review_mo_o().await;
    let mut minh = town.phone_with_work("minh").await;
    let mut lan = town.phone_with_work("lan").await;
    town.review_all(&mut lan, &["19561-01"]);
    lan.sync().await.unwrap();
    let document = town.document(&hoa, "19558-01-0001");
    let other = town.document(&hoa, "19558-01-0003");
    let say = |phone: &mut Phone, document: DocumentId, cause: &str| {
        let answers = [("cause_other".to_owned(), cause.into())].into();
        phone.save(document, &[Page { answers, ..Page::default() }]).unwrap();
    };
    say(&mut minh, document, "mất mùa");
    say(&mut hoa, document, "ốm đau");
    minh.sync().await.unwrap();
    let mut copy = hoa.copied();
    hoa.sync().await.unwrap();
    copy.outbox.clear();
    copy.households = hoa.households.clone();
    say(&mut hoa, other, "thiếu đất");
    say(&mut copy, other, "thiếu vốn");
    hoa.sync().await.unwrap();
    copy.sync().await.unwrap();
    for unit in [MO_O, HUONG_HIEP, VINH_THAI] {
        town.province.get(&town.path(&format!("/units/{unit}/households"))).await.unwrap();
    }
}

on_each_backend! {
    async fn derived_tables_come_out_of_the_logs_again_to_the_byte(town: Town) {
        busy_days(&town).await;
        // Some documents were saved before the last changes came.
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&minh, "19558-01-0002");
        for cause in ["một", "hai"] {
            let answers = [("cause_other".to_owned(), cause.into())].into();
            minh.save(document, &[Page { answers, ..Page::default() }]).unwrap();
            minh.sync().await.unwrap();
            town.officer.list(town.campaign, MO_O).await.unwrap();
        }
        let (standings, _) = derived(&town).await;
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();

        let done = rebuilt(&town, workers(2)).await;
        let (again, snapshots) = derived(&town).await;
        assert!(again == standings, "{again:#?}\n{standings:#?}");
        assert_eq!(done.cleared, u64::try_from(standings.len()).unwrap());
        assert_eq!((done.households, done.broken), (standings.len(), 0));
        assert_eq!(usize::try_from(done.snapshots).unwrap(), snapshots.len());
        assert!(snapshots.len() >= 6, "{}", snapshots.len());
        for merging in [workers(1), Merging::InProcess] {
            assert_eq!(rebuilt(&town, merging.clone()).await, done);
            let (standings, saved) = derived(&town).await;
            assert!(standings == again, "{merging:?}");
            assert!(saved == snapshots, "{merging:?}");
        }
        assert_eq!(town.officer.list(town.campaign, MO_O).await.unwrap(), list);
        assert_eq!(content(&snapshots).len(), snapshots.len());
        for (_, _, position, heads, _) in &snapshots {
            assert!(*position > 0 && !heads.is_empty());
        }
    }

    /// What has waited too long is shown to the officer, and can still be let in.
    async fn what_waits_too_long_is_held_for_the_officer(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        for cause in ["mất mùa", "ốm đau"] {
            let answers = [("cause_other".to_owned(), cause.into())].into();
            hoa.save(document, &[Page { answers, ..Page::default() }]).unwrap();
        }
        let first = hoa.outbox.remove(0);
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Waiting), 1);
        let later = App::open_with(&town.config, in_91_days, Merging::InProcess).await.unwrap();
        assert_eq!(expire(&town.running.app, 90).await.unwrap(), 0);
        assert_eq!(expire(&later, 90).await.unwrap(), 1);
        assert_eq!(expire(&later, 90).await.unwrap(), 0);

        let path = town.path(&format!("/units/{MO_O}/aside"));
        let aside = town.officer.get(&path).await.unwrap();
        assert_eq!(aside[0]["fate"], "held");
        assert_eq!(aside[0]["reason"], "ancestor-missing");
        hoa.outbox.push(first);
        hoa.sync().await.unwrap();
        let form = serde_json::json!({
            "document": document, "hash": aside[0]["hash"], "reason": "máy đã về",
        });
        town.officer.post(&path, &form).await.unwrap();
        assert_eq!(town.officer.get(&path).await.unwrap(), serde_json::json!([]));
        let path = town.path(&format!("/households/{document}"));
        let read = town.officer.get(&path).await.unwrap();
        assert_eq!(read["household"]["answers"]["cause_other"], "ốm đau");
    }
}

fn in_91_days() -> i64 {
    system_clock() + 91 * 24 * 60 * 60 * 1000
}
