//! Work that changes hands in the middle of the campaign: nothing is lost, nothing leaks.

use std::collections::BTreeSet;

use mobile_schema::frame::Fate;
use serde_json::{Value, json};
use server::demo::phone::{Phone, SyncReport};
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::{get, kept, post, sync};

fn cause(text: &str) -> Page {
    Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
}

async fn give(town: &Town, file: &str) {
    town.officer.import(&town.path("/assignments"), file.to_owned()).await.unwrap();
}

async fn take_away(town: &Town, form: Value) {
    town.officer.post(&town.path("/assignments/end"), &form).await.unwrap();
}

fn codes(phone: &Phone) -> BTreeSet<&str> {
    phone.households.values().map(|kept| kept.code.as_str()).collect()
}

#[track_caller]
fn all_accepted(report: &SyncReport) {
    assert!(!report.verdicts.is_empty());
    assert_eq!(Phone::count(report, Fate::Accepted), report.verdicts.len(), "{report:?}");
}

async fn said(town: &Town, document: DocumentId) -> Value {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["household"]["answers"]["cause_other"].clone()
}

on_each_backend! {
    /// A hamlet goes from minh to stranger while both are offline, and both have worked.
    async fn a_hamlet_moves_while_both_are_offline(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let mut stranger = town.phone_with_work("stranger").await;
        let first = town.document(&minh, "19558-01-0001");
        let second = town.document(&minh, "19558-01-0002");
        minh.save(first, &[cause("minh hỏi")]).unwrap();
        take_away(&town, json!({ "hamlet": "19558-01", "account": "minh" })).await;
        give(&town, "hamlet,account\n19558-01,stranger\n").await;
        stranger.sync().await.unwrap();
        stranger.save(second, &[cause("người mới hỏi")]).unwrap();
        stranger.sync().await.unwrap();

        let report = minh.sync().await.unwrap();
        all_accepted(&report);
        assert_eq!(report.received, 0, "nothing of the old hamlet is sent any more");
        assert!(minh.households.is_empty());
        stranger.sync().await.unwrap();
        let seen = stranger.household(first).unwrap();
        assert_eq!(seen.answers["cause_other"], "minh hỏi".into(), "and her work moved on");
        assert_eq!(said(&town, second).await, "người mới hỏi");
    }

    /// One household is given to somebody without its hamlet: that one comes whole, no other.
    async fn a_single_household_comes_alone_and_whole(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-02-0001");
        hoa.save(document, &[cause("hoa hỏi")]).unwrap();
        hoa.sync().await.unwrap();
        let mut stranger = town.phone_with_work("stranger").await;
        assert!(stranger.households.is_empty());
        give(&town, "household,account\n19558-02-0001,stranger\n").await;
        let report = stranger.sync().await.unwrap();
        assert_eq!(codes(&stranger), BTreeSet::from(["19558-02-0001"]));
        assert_eq!(report.received, 2, "its opening and what hoa wrote, whatever the cursor");
        stranger.save(document, &[cause("người mới hỏi")]).unwrap();
        all_accepted(&stranger.sync().await.unwrap());
        hoa.save(document, &[cause("hoa hỏi lại")]).unwrap();
        let other = town.document(&hoa, "19558-02-0002");
        hoa.save(other, &[cause("hộ khác")]).unwrap();
        hoa.sync().await.unwrap();
        assert_eq!(stranger.sync().await.unwrap().received, 1, "news of it, and of no other");

        let outside = &[cause("không được giao")];
        stranger.households.insert(other, hoa.households[&other].clone());
        stranger.save(other, outside).unwrap();
        let held = stranger.sync().await.unwrap();
        assert_eq!(held.verdicts[0].reason.as_deref(), Some("hamlet-not-assigned"));
    }

    /// The single household is taken back while she is offline: named as left, work accepted.
    async fn a_single_household_taken_back_is_named(town: Town) {
        give(&town, "household,account\n19558-02-0001,minh\n").await;
        let mut minh = town.phone_with_work("minh").await;
        assert_eq!(codes(&minh).len(), 4, "her hamlet and the one household");
        let document = town.document(&minh, "19558-02-0001");
        minh.save(document, &[cause("minh hỏi")]).unwrap();
        take_away(&town, json!({ "household": "19558-02-0001", "account": "minh" })).await;
        let mut hoa = town.phone_with_work("hoa").await;
        hoa.save(document, &[cause("hoa hỏi")]).unwrap();
        hoa.sync().await.unwrap();

        let answer = sync(&town, minh.access(), &minh.request()).await;
        assert_eq!(answer.left, [format!("#{document}")]);
        let report = minh.sync().await.unwrap();
        assert_eq!(report.received, 0);
        assert_eq!(Phone::count(&report, Fate::Known), 1, "it was accepted the first time");
        assert_eq!(codes(&minh).len(), 3, "the hamlet stays");
    }

    /// Her hamlet goes, one household of it stays with her; then the hamlet comes back.
    async fn a_household_stays_when_its_hamlet_goes(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&minh, "19558-01-0001");
        minh.save(document, &[cause("minh hỏi")]).unwrap();
        give(&town, "household,account\n19558-01-0001,minh\n").await;
        assert_eq!(minh.sync().await.unwrap().received, 0, "she has it with the hamlet");
        take_away(&town, json!({ "hamlet": "19558-01", "account": "minh" })).await;
        minh.save(document, &[cause("minh hỏi lại")]).unwrap();
        all_accepted(&minh.sync().await.unwrap());
        assert_eq!(codes(&minh), BTreeSet::from(["19558-01-0001"]));
        let seen = minh.household(document).unwrap();
        assert_eq!(seen.answers["cause_other"], "minh hỏi lại".into());
        give(&town, "hamlet,account\n19558-01,minh\n").await;
        minh.sync().await.unwrap();
        assert_eq!(codes(&minh).len(), 3);
        let mut hoa = town.phone_with_work("hoa").await;
        hoa.save(document, &[cause("hoa hỏi")]).unwrap();
        hoa.sync().await.unwrap();
        assert_eq!(minh.sync().await.unwrap().received, 1, "sent once, not twice");
    }

    /// Her hamlet goes and comes back before all of her work is in: nothing of it is lost, and she
    /// goes on where she was.
    async fn unsent_work_survives_a_hamlet_that_goes_and_comes_back(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&minh, "19558-01-0001");
        let long = |number: usize| cause(&format!("{number} {}", "hỏi ".repeat(900)));
        let pages: Vec<Page> = (0..12).map(long).collect();
        minh.save(document, &pages).unwrap();
        take_away(&town, json!({ "hamlet": "19558-01", "account": "minh" })).await;
        // She hears of it where the line does not carry her work.
        let unsent = std::mem::take(&mut minh.outbox);
        minh.sync().await.unwrap();
        assert!(minh.households.is_empty());
        minh.outbox = unsent;
        give(&town, "hamlet,account\n19558-01,minh\n").await;
        let report = minh.sync().await.unwrap();
        assert!(report.trips > 2 && report.verdicts.len() == 12, "{report:?}");
        all_accepted(&report);
        let seen = minh.household(document).unwrap();
        assert_eq!(seen.answers["cause_other"], pages[11].answers["cause_other"]);

        minh.save(document, &[cause("minh hỏi lại")]).unwrap();
        let report = minh.sync().await.unwrap();
        all_accepted(&report);
        assert_eq!(report.verdicts[0].reason, None, "no number was used twice");
        assert_eq!(said(&town, document).await, "minh hỏi lại");
    }

    /// An officer gives away households of the own commune, to people of the own commune.
    async fn single_households_stay_in_their_commune(town: Town) {
        let lan = town.phone_with_work("lan").await;
        let elsewhere = town.document(&lan, "19561-01-0001");
        let before = kept(&town).await;
        let path = town.path("/assignments");
        let faults = [
            ("19561-01-0001,hoa", "household"),
            ("no-such-household,hoa", "household"),
            ("19558-01-0001,lan", "account"),
            ("19558-01-0001,nobody", "account"),
        ];
        for (row, column) in faults {
            let file = format!("household,account\n{row}\n");
            let heard =
                crate::ask::post_raw(&town, town.officer.token(), &path, file.as_bytes()).await;
            heard.refused(422, "import-rows");
            assert_eq!(heard.items()[0]["column"], column, "{row}");
        }
        let end = async |form: Value| {
            post(&town, town.officer.token(), &town.path("/assignments/end"), &form).await
        };
        for household in ["19561-01-0001".to_owned(), elsewhere.to_string(), "0".repeat(32)] {
            let form = json!({ "household": household, "account": "hoa" });
            end(form).await.refused(404, "household-unknown");
        }
        let both = json!({ "household": "19558-01-0001", "hamlet": "19558-01", "account": "hoa" });
        end(both).await.refused(400, "body-malformed");
        end(json!({ "account": "hoa" })).await.refused(400, "body-malformed");
        assert_eq!(kept(&town).await, before);
        give(&town, "household,account\n19558-02-0001,minh\n").await;
        let path = town.path("/units/19558/assignments");
        let listed = get(&town, town.officer.token(), &path).await.taken();
        let single = listed.as_array().unwrap().iter().find(|one| one["document"] != Value::Null);
        let single = single.unwrap();
        assert_eq!((&single["household"], &single["account"]), (&json!("19558-02-0001"), &json!("minh")));
        assert!(HUONG_HIEP != MO_O);
    }

    /// Work goes to and fro while phones sync all the time: what was written after a hamlet was
    /// taken away never reaches whom it was taken from.
    async fn nothing_in_flight_leaks_after_a_move(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let minh = town.phone_with_work("minh").await;
        let document = town.document(&hoa, "19558-01-0001");
        let end = json!({ "hamlet": "19558-01", "account": "minh" });
        for round in 0..8 {
            give(&town, "hamlet,account\n19558-01,minh\n").await;
            let mut readers = tokio::task::JoinSet::new();
            let request = minh.request();
            let body = crate::ask::cbor(&request);
            for _ in 0..6 {
                let (to, token, body) =
                    (town.running.address, minh.access().to_owned(), body.clone());
                readers.spawn(async move {
                    crate::ask::ask(to, "POST", "/v1/sync", Some(&token), body).await
                });
            }
            take_away(&town, end.clone()).await;
            let secret = format!("sau khi chuyển {round}");
            hoa.save(document, &[cause(&secret)]).unwrap();
            hoa.sync().await.unwrap();
            while let Some(heard) = readers.join_next().await {
                assert!(!heard.unwrap().holds(&secret), "round {round}");
            }
        }
    }
}
