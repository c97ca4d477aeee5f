//! What a person decides where no rule may: side branches of copied phones, held changes.

use mobile_schema::frame::Fate;
use serde_json::{Value, json};
use server::demo::phone::Phone;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::MO_O;

use crate::ask::{sync, verdicts};

fn roof(value: &str) -> Page {
    Page { answers: [("roof".to_owned(), value.into())].into(), ..Page::default() }
}

on_each_backend! {
    /// A phone was copied and both write; the second is an app that does not re-fork: both stay in
    /// the log, one side waits for a person.
    async fn a_copied_phone_hides_nothing_and_a_person_decides(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let mut copy = hoa.copied();
        hoa.save(document, &[roof("concrete")]).unwrap();
        copy.save(document, &[roof("canvas")]).unwrap();
        hoa.sync().await.unwrap();
        let answer = sync(&town, copy.access(), &copy.request()).await;
        let told = verdicts(&answer.results[0]).unwrap();
        assert_eq!(told[0].fate, Fate::Accepted, "its work is in the log all the same");
        assert_eq!(told[0].reason.as_deref(), Some("actor-forked"));

        let open = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
        let forked = open[0]["forked"].as_array().unwrap().clone();
        assert_eq!(forked.len(), 1);
        assert!(open[0]["changes"].as_array().unwrap().iter().any(|c| c["hash"] == forked[0]));
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-disputes"));

        let form = json!({
            "heads": open[0]["heads"],
            "path": "answers/roof",
            "value": "canvas",
            "reason": "mái bạt, đã xem tận nơi",
            "closes": forked,
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["household"]["answers"]["roof"], "canvas");
        assert_eq!(read["standing"]["open"]["disputes"], 0);
        assert!(read["standing"]["flags"]
            .as_array()
            .unwrap()
            .iter()
            .any(|flag| flag["code"] == "actor-forked"));
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// What a stranger wrote is held; the officer lets it in, with what was built on it.
    async fn a_held_change_is_let_in_by_the_officer(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let mut stranger = town.phone("stranger").await;
        let document = town.document(&hoa, "19558-01-0001");
        stranger.households = hoa.households.clone();
        stranger.save(document, &[roof("canvas"), roof("leaf")]).unwrap();
        let report = stranger.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Held), 2);

        let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        let held: Vec<&Value> = aside.as_array().unwrap().iter().collect();
        assert_eq!(held.len(), 2);
        for change in held {
            let form = json!({
                "document": change["document"],
                "hash": change["hash"],
                "reason": "người của xã đi thay",
            });
            let done = town.officer.post(&town.path("/units/19558/aside"), &form).await;
            assert!(done.is_ok() || change["reason"] != "hamlet-not-assigned", "{done:?}");
        }
        let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        assert_eq!(aside, json!([]));
        hoa.sync().await.unwrap();
        assert_eq!(hoa.household(document).unwrap().answers["roof"], "leaf".into());
    }

    /// A value no form knows may still be chosen where people disagree about it.
    async fn a_disputed_value_the_form_does_not_know_can_be_settled(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&hoa, "19558-01-0001");
        hoa.save(document, &[roof("tin can")]).unwrap();
        minh.save(document, &[roof("tile")]).unwrap();
        hoa.sync().await.unwrap();
        minh.sync().await.unwrap();
        let open = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
        let form = |value: &str| {
            json!({
                "heads": open[0]["heads"],
                "path": "answers/roof",
                "value": value,
                "reason": "thử",
            })
        };
        let id = document.to_string();
        let refused = town.officer.settle(town.campaign, &id, &form("gold")).await.unwrap_err();
        assert_eq!(refused.name(), Some("settle-unreadable"));
        town.officer.settle(town.campaign, &id, &form("tin can")).await.unwrap();
    }
}
