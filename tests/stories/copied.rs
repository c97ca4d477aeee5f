//! A phone that was copied or restored: it re-forks by itself, and nobody has to look at what both
//! copies say alike.

use std::collections::BTreeSet;

use mobile_schema::frame::Fate;
use serde_json::{Value, json};
use server::demo::phone::Phone;
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use crate::ask::sync;

fn answer(key: &str, value: &str) -> Page {
    Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() }
}

async fn disputes(town: &Town) -> Vec<Value> {
    let open = town.officer.get(&town.path(&format!("/units/{MO_O}/disputes"))).await.unwrap();
    open.as_array().unwrap().clone()
}

async fn answers(town: &Town, document: DocumentId) -> Value {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["household"]["answers"].clone()
}

async fn listed(town: &Town, phone: &Phone) -> Value {
    let devices = town.officer.get("/v1/devices").await.unwrap();
    let id = phone.device.to_string();
    devices.as_array().unwrap().iter().find(|d| d["device"] == id.as_str()).unwrap().clone()
}

/// Both phones have the same households with the same changes, as far as they are merged.
fn converged(one: &Phone, other: &Phone) {
    let of = |phone: &Phone| -> BTreeSet<DocumentId> { phone.households.keys().copied().collect() };
    assert_eq!(of(one), of(other));
    for document in of(one) {
        assert_eq!(one.household(document).unwrap(), other.household(document).unwrap());
    }
}

on_each_backend! {
    /// Restored from yesterday's backup, it writes on without knowing: all of it is in, and where
    /// both say the same nobody is asked.
    async fn a_phone_restored_from_a_backup_converges_by_itself(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let (first, second) =
            (town.document(&hoa, "19558-01-0001"), town.document(&hoa, "19558-02-0001"));
        let mut restored = hoa.copied();
        restored.clock_s += 86_400;
        hoa.save(first, &[answer("roof", "concrete")]).unwrap();
        hoa.save(second, &[answer("cause_other", "mất mùa")]).unwrap();
        hoa.sync().await.unwrap();
        drop(hoa);

        restored.save(first, &[answer("roof", "concrete"), answer("wall", "brick_concrete")]).unwrap();
        let report = restored.sync().await.unwrap();
        assert!(report.verdicts.iter().all(|v| v.fate == Fate::Accepted), "all of it is durable");
        let forked = |v: &&mobile_schema::frame::Verdict| v.reason.as_deref() == Some("actor-forked");
        assert_eq!(report.verdicts.iter().filter(forked).count(), 2, "its branch came second");
        assert_eq!(report.verdicts.len(), 4, "and was written again");

        assert!(disputes(&town).await.is_empty(), "nobody is asked about what does not differ");
        let read = answers(&town, first).await;
        assert_eq!((&read["roof"], &read["wall"]), (&json!("concrete"), &json!("brick_concrete")));
        let seen = restored.household(second).unwrap();
        assert_eq!(seen.answers["cause_other"], "mất mùa".into(), "what the backup lacked is back");
        let mut minh = town.phone_with_work("minh").await;
        assert_eq!(minh.household(first).unwrap(), restored.household(first).unwrap());
        for phone in [&mut minh, &mut restored] {
            phone.sync().await.unwrap();
        }
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// Where the copies differ both values stand, and an officer decides once.
    async fn what_two_copies_say_otherwise_is_decided_once(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let mut copy = hoa.copied();
        copy.clock_s += 86_400;
        hoa.save(document, &[answer("roof", "concrete")]).unwrap();
        copy.save(document, &[answer("roof", "canvas")]).unwrap();
        hoa.sync().await.unwrap();
        copy.sync().await.unwrap();
        let open = disputes(&town).await;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0]["forked"], json!([]), "the branch itself needs nobody");
        let values: Vec<&Value> =
            open[0]["disputes"][0]["values"].as_array().unwrap().iter().map(|v| &v["value"]).collect();
        assert_eq!(values, ["canvas", "concrete"]);
        let form = json!({
            "heads": open[0]["heads"],
            "path": "answers/roof",
            "value": "concrete",
            "reason": "đã xem tận nơi",
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        assert!(disputes(&town).await.is_empty());
        hoa.sync().await.unwrap();
        copy.sync().await.unwrap();
        converged(&hoa, &copy);
        copy.save(document, &[answer("roof", "tile")]).unwrap();
        copy.sync().await.unwrap();
        assert!(disputes(&town).await.is_empty(), "a later correction asks nobody again");
        assert_eq!(answers(&town, document).await["roof"], "tile");
    }

    /// Both copies go on working for days, each under a name of its own.
    async fn two_copies_that_go_on_working_come_together(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let codes = ["19558-01-0001", "19558-01-0002", "19558-02-0001"];
        let documents = codes.map(|code| town.document(&hoa, code));
        let mut copy = hoa.copied();
        copy.clock_s += 86_400;
        for day in 0..4 {
            for (phone, key) in [(&mut hoa, "cause_other"), (&mut copy, "notes_other")] {
                for document in documents {
                    phone.save(document, &[answer(key, &format!("ngày {day}"))]).unwrap();
                }
            }
            hoa.sync().await.unwrap();
            copy.sync().await.unwrap();
        }
        for _ in 0..2 {
            hoa.sync().await.unwrap();
            copy.sync().await.unwrap();
        }
        converged(&hoa, &copy);
        assert!(disputes(&town).await.is_empty());
        for document in documents {
            let read = answers(&town, document).await;
            assert_eq!(read["cause_other"], "ngày 3");
            assert_eq!(read["notes_other"], "ngày 3");
        }
    }

    /// The answer says it to machines, the list of devices to people.
    async fn a_copy_is_told_and_shown(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let before = listed(&town, &hoa).await;
        assert_eq!(before["copied"], false);
        let actor = before["installations"][0]["actor"].clone();
        let mut copy = hoa.copied();
        copy.clock_s += 86_400;
        hoa.save(document, &[answer("roof", "concrete")]).unwrap();
        copy.save(document, &[answer("roof", "concrete"), answer("roof", "canvas")]).unwrap();
        let told = sync(&town, hoa.access(), &hoa.request()).await;
        assert!(told.forked.is_empty());
        let told = sync(&town, copy.access(), &copy.request()).await;
        let forked: Vec<String> = told.forked.iter().map(|a| shared::id::to_hex(&**a)).collect();
        assert_eq!(forked, [actor.as_str().unwrap()]);
        copy.sync().await.unwrap();
        let after = listed(&town, &hoa).await;
        assert_eq!(after["copied"], true);
        let installations = after["installations"].as_array().unwrap();
        assert_eq!(installations.len(), 2, "the old name and the new one");
        let old = installations.iter().find(|one| one["actor"] == actor).unwrap();
        assert!(old["forked_at_ms"].is_i64());
        assert_eq!(old["schema"], 1);
        let minh = town.phone_with_work("minh").await;
        assert_eq!(listed(&town, &minh).await["copied"], false, "and it is nobody else's matter");
    }
}
