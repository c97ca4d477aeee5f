//! A change that kills, hangs or exhausts what merges it: the household goes on without it, and
//! everybody else goes on anyway.
//!
//! The guard lets nothing through that does so, so these workers are told to die of marked changes.

use mobile_schema::frame::Fate;
use serde_json::{Value, json};
use server::demo::phone::Phone;
use server::worker::pool::Merging;
use shared::id::{ChangeHash, DocumentId};
use shared::page::Page;
use tests::postgres::{Cluster, database};
use tests::process::{in_time, program};
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::counted;
use crate::handover::say as say_handover;

/// What is derived, and what of Mò Ó is still to be merged.
const DERIVED: [(&str, &str); 3] = [
    ("standings", "select count(*) from standing"),
    ("snapshots", "select count(*) from snapshot"),
    (
        "stale",
        "select count(*) from household left join standing on standing.document = household.document
        where household.unit = '19558'
        and household.last_position > coalesce(standing.position, 0)",
    ),
];

/// Workers that understand the marks.
fn merging() -> Merging {
    let program = program().to_owned();
    Merging::Workers { program, count: 2, arguments: vec!["--poison".to_owned()] }
}

/// Plays a story on both databases.
macro_rules! with_workers {
    ($($(#[$meta:meta])* async fn $name:ident($town:ident: Town $(, $mark:ident: &str = $text:literal)?) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports, clippy::wildcard_imports)]
            use super::*;

            $(#[$meta])*
            async fn story($town: Town) { $(let $mark = $text;)? $body }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story(Town::start_with(None, merging()).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(url) = database(Cluster::Fast).await {
                    story(Town::start_with(Some(url), merging()).await).await;
                }
            }
        }
    )* };
}

/// Writes one answer and returns the change.
fn say(phone: &mut Phone, document: DocumentId, cause: &str) -> ChangeHash {
    let answers = [("cause_other".to_owned(), cause.into())].into();
    phone.save(document, &[Page { answers, ..Page::default() }]).unwrap();
    phone.outbox.last().unwrap().hash
}

async fn households(town: &Town, unit: &str) -> Vec<Value> {
    let path = town.path(&format!("/units/{unit}/households"));
    let office = if unit == MO_O { town.officer.clone() } else { town.sign_in("xa-19561").await };
    let listed = in_time("the list", office.get(&path)).await.unwrap();
    listed.as_array().unwrap().clone()
}

async fn read(town: &Town, document: DocumentId) -> Value {
    town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap()
}

async fn cause(town: &Town, document: DocumentId) -> Value {
    read(town, document).await["household"]["answers"]["cause_other"].clone()
}

/// Lists what Mò Ó has set aside: hash, fate and reason.
async fn aside(town: &Town) -> Vec<(String, String, String)> {
    let listed = town.officer.get(&town.path(&format!("/units/{MO_O}/aside"))).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = listed.as_array().unwrap().iter();
    let mut changes: Vec<_> = changes
        .map(|change| (text(&change["hash"]), text(&change["fate"]), text(&change["reason"])))
        .collect();
    changes.sort();
    changes
}

/// Tells whether every household of Mò Ó was merged by workers, without anybody reading a list.
async fn wait_until_merged(town: &Town) {
    let merged = async {
        while counted(town, &DERIVED).await["stale"] > 0 {
            tokio::task::yield_now().await;
        }
    };
    in_time("merging in the background", merged).await;
}

/// Hoa hands in a marked change beside two sound ones, in one batch.
async fn meets_poison(town: &Town, mark: &str) {
    let mut hoa = town.review_mo_o().await;
    wait_until_merged(town).await;
    let before = households(town, MO_O).await;
    let document = |code: &str| town.document(&hoa, code);
    let (ill, well) = (document("19558-01-0001"), document("19558-01-0002"));
    let standing = |listed: &[Value], of: DocumentId| {
        let is = |household: &&Value| household["row"]["document"] == of.to_string();
        listed.iter().find(is).unwrap().clone()
    };
    let bad = say(&mut hoa, ill, mark);
    let after_it = say(&mut hoa, ill, "viết thêm");
    say(&mut hoa, well, "ốm đau");
    let report = hoa.sync().await.unwrap();
    assert_eq!(Phone::count(&report, Fate::Accepted), 3, "the guard sees nothing wrong");

    // While somebody waits for the commune's list, the neighbours work on.
    let mut lan = town.phone_with_work("lan").await;
    let (listed, ()) = tokio::join!(households(town, MO_O), async {
        for code in ["19561-01-0001", "19561-01-0002"] {
            town.review(&mut lan, code);
            let report = in_time("a sync", lan.sync()).await.unwrap();
            assert_eq!(Phone::count(&report, Fate::Accepted), report.verdicts.len());
        }
        assert_eq!(households(town, HUONG_HIEP).await.len(), 2);
    });

    assert_eq!(cause(town, well).await, "ốm đau");
    let of_ill = standing(&listed, ill);
    assert_eq!(of_ill, standing(&before, ill), "as it was before, and not broken");
    assert_eq!(of_ill["open"]["broken"], 0);
    let mut expected =
        [(bad, "quarantined", "change-unmergeable"), (after_it, "held", "ancestor-held")]
            .map(|(hash, fate, reason)| (hash.to_string(), fate.to_owned(), reason.to_owned()));
    expected.sort();
    assert_eq!(aside(town).await, expected);
    // It may be tried again, as often as somebody likes: it comes to the same.
    let again =
        json!({ "document": ill.to_string(), "hash": bad.to_string(), "reason": "thử lại" });
    town.officer.post(&town.path(&format!("/units/{MO_O}/aside")), &again).await.unwrap();
    assert!(aside(town).await.is_empty(), "both are in the log again");
    assert_eq!(standing(&households(town, MO_O).await, ill)["open"]["broken"], 0);
    assert_eq!(aside(town).await, expected);
    let health = in_time(
        "health",
        town.client.raw(hyper::Method::GET, "/healthz", None, "text/plain", Vec::new()),
    );
    let (_, said) = health.await.unwrap();
    assert!(String::from_utf8_lossy(&said).contains("workers lost: "), "{said:?}");

    // What builds on it waits with it; another phone is not sent it and writes on.
    say(&mut hoa, ill, "lần nữa");
    let report = hoa.sync().await.unwrap();
    assert_eq!(report.verdicts[0].reason.as_deref(), Some("ancestor-held"));
    let mut minh = town.phone_with_work("minh").await;
    assert!(!minh.household(ill).unwrap().answers.values().any(|value| *value == mark.into()));
    say(&mut minh, ill, "mất mùa");
    let report = minh.sync().await.unwrap();
    assert_eq!(Phone::count(&report, Fate::Accepted), 1);
    assert_eq!(cause(town, ill).await, "mất mùa");
}

with_workers! {
    async fn a_change_that_aborts_a_worker_is_set_aside_alone(town: Town) {
        meets_poison(&town, "rasoat-poison-abort").await;
    }

    async fn a_change_that_hangs_a_worker_is_set_aside_alone(town: Town) {
        meets_poison(&town, "rasoat-poison-hang").await;
    }

    async fn a_change_that_exhausts_a_worker_is_set_aside_alone(town: Town) {
        meets_poison(&town, "rasoat-poison-memory").await;
    }

    /// What others wrote at the same time stays, though nobody has merged it before.
    async fn nobody_elses_work_goes_with_a_bad_change(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let mut minh = town.phone_with_work("minh").await;
        wait_until_merged(&town).await;
        let document = town.document(&hoa, "19558-01-0001");
        say(&mut minh, document, "mất mùa");
        let bad = say(&mut hoa, document, "rasoat-poison-abort");
        hoa.sync().await.unwrap();
        let report = minh.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), 1);

        assert_eq!(cause(&town, document).await, "mất mùa");
        let expected = (bad.to_string(), "quarantined".to_owned(), "change-unmergeable".to_owned());
        assert_eq!(aside(&town).await, [expected]);
    }

    /// Nobody has merged the household yet: what came before the bad change stays.
    async fn a_new_household_keeps_what_came_before_the_bad_change(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.review(&mut hoa, "19558-02-0003");
        let good = hoa.outbox.len();
        say(&mut hoa, document, "rasoat-poison-abort");
        say(&mut hoa, document, "viết thêm");
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), good + 2);

        let listed = households(&town, MO_O).await;
        let is = |household: &&Value| household["row"]["document"] == document.to_string();
        let standing = listed.iter().find(is).unwrap();
        assert_eq!(standing["row"]["outcome"], "surveyed");
        assert_eq!(standing["row"]["provenance"]["device"], good);
        assert_eq!(aside(&town).await.len(), 2);
    }

    /// A household is handed over with what was taken back of it, and is in nobody's way there.
    async fn what_was_taken_back_moves_with_its_household(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let bad = say(&mut hoa, document, "rasoat-poison-abort");
        hoa.sync().await.unwrap();
        households(&town, MO_O).await;
        assert_eq!(aside(&town).await.len(), 1);
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        let paper = json!({ "number": "1/TT", "date": "2022-11-02", "signer": "A (thử)" });
        let offer = json!({ "act": "offer", "to": HUONG_HIEP, "paper": paper, "on": "2022-11-01",
            "reason": "chuyển nhà" });
        say_handover(&town, &town.officer, document, &offer).await.taken();
        let accept = json!({ "act": "accept", "hamlet": "19561-01" });
        say_handover(&town, &neighbour, document, &accept).await.taken();
        assert!(aside(&town).await.is_empty());

        // The neighbour's log goes on beyond the place that it had in the other.
        let mut lan = town.phone_with_work("lan").await;
        for turn in 0..60 {
            say(&mut lan, document, &format!("lần {turn}"));
        }
        let report = lan.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), 60, "{report:?}");
        let listed = neighbour.get(&town.path(&format!("/units/{HUONG_HIEP}/aside"))).await.unwrap();
        assert_eq!(listed[0]["hash"], bad.to_string());
    }

    /// An office's own change is not suspected, and a household that fails all the same is open.
    async fn a_household_that_cannot_be_merged_holds_up_nobody_else(town: Town) {
        let hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        wait_until_merged(&town).await;
        let heads = read(&town, document).await["standing"]["heads"].clone();
        let form = json!({
            "heads": heads, "path": "answers/cause_other",
            "value": "rasoat-poison-abort", "reason": "thử",
        });
        let path = town.path(&format!("/households/{document}/settle"));
        town.officer.post(&path, &form).await.unwrap();

        let listed = households(&town, MO_O).await;
        let broken: Vec<&Value> =
            listed.iter().filter(|household| household["open"]["broken"] != 0).collect();
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0]["row"]["document"], document.to_string());
        let mut flags = broken[0]["flags"].as_array().unwrap().iter();
        assert!(flags.any(|flag| flag["code"] == "document-broken"), "{broken:?}");
        assert!(aside(&town).await.is_empty());
        let path = town.path(&format!("/households/{document}"));
        let refused = town.officer.get(&path).await.unwrap_err();
        assert_eq!(refused.name(), Some("document-broken"));
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-aside"));
    }

    /// A batch is merged once it is durable; nobody has to ask for it.
    async fn what_phones_hand_in_is_merged_before_anybody_reads_a_list(town: Town) {
        town.review_mo_o().await;
        wait_until_merged(&town).await;
        let before = counted(&town, &DERIVED).await;
        assert!(before["standings"] >= 6 && before["snapshots"] >= 5, "{before:?}");
        assert_eq!(households(&town, MO_O).await.len(), 6);
        assert_eq!(counted(&town, &DERIVED).await, before, "reading computed nothing");
    }
}
