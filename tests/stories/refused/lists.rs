//! Legal steps and settlements that may not be taken yet, or not by this person.

use serde_json::{Value, json};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::{Heard, get, kept, post};

async fn act(town: &Town, token: &str, act: &Value) -> Heard {
    post(town, token, &town.path(&format!("/units/{MO_O}/list")), act).await
}

async fn root(town: &Town) -> String {
    let list = town.officer.list(town.campaign, MO_O).await.unwrap();
    list["root"].as_str().unwrap().to_owned()
}

/// Tries to submit the draft as shown; nothing may be stored by that.
async fn submit(town: &Town) -> Heard {
    let form = json!({ "act": "submit", "root": root(town).await });
    let before = kept(town).await;
    let heard = act(town, town.officer.token(), &form).await;
    if heard.status != 200 {
        assert_eq!(kept(town).await, before);
    }
    heard
}

/// Lists what a refusal names, each as its kind and what it is about.
fn blockers(heard: &Heard) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let about = |item: &Value| match &item["household"] {
        Value::Null => text(&item["device"]) + &text(&item["hamlet"]),
        household => text(household),
    };
    heard.items().iter().map(|item| (text(&item["blocker"]), about(item))).collect()
}

fn answer(key: &str, value: impl Into<mobile_schema::household::Value>) -> Page {
    Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() }
}

on_each_backend! {
    /// Families without an outcome are named one by one; a phone still out is named first.
    async fn a_list_with_work_outstanding_is_not_submitted(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let refused = submit(&town).await;
        refused.refused(409, "list-devices-silent");
        let named = blockers(&refused);
        assert_eq!(named.last().unwrap(), &("device_silent".to_owned(), "máy của hoa".to_owned()));
        assert_eq!(named.iter().filter(|(kind, _)| kind == "no_outcome").count(), 5);

        town.review_all(&mut hoa, &["19558-01"]);
        hoa.sync().await.unwrap();
        let refused = submit(&town).await;
        let named = blockers(refused.refused(409, "list-has-missing-outcomes"));
        assert_eq!(named.len(), 2, "the two families of the other hamlet: {named:?}");
        town.review_all(&mut hoa, &["19558-02"]);
        hoa.sync().await.unwrap();
        submit(&town).await.taken();
    }

    /// A phone that never comes back is waived by name and reason, and only one that works here.
    async fn a_silent_phone_is_waited_for_or_waived(town: Town) {
        town.review_mo_o().await;
        let minh = town.phone_with_work("minh").await;
        let lan = town.phone_with_work("lan").await;
        let refused = submit(&town).await;
        let named = blockers(refused.refused(409, "list-devices-silent"));
        assert_eq!(named, [("device_silent".to_owned(), "máy của minh".to_owned())]);

        let path = town.path(&format!("/units/{MO_O}/waivers"));
        let waive = async |device: &str, reason: &str| {
            let form = json!({ "device": device, "reason": reason });
            post(&town, town.officer.token(), &path, &form).await
        };
        let before = kept(&town).await;
        waive(&minh.device.to_string(), " ").await.refused(422, "reason-missing");
        waive(&lan.device.to_string(), "mất máy").await.refused(404, "not-found");
        waive(&"0".repeat(32), "mất máy").await.refused(404, "not-found");
        waive("máy của minh", "mất máy").await.refused(400, "body-malformed");
        assert_eq!(kept(&town).await, before);
        waive(&minh.device.to_string(), "mất máy, có biên bản").await.taken();
        submit(&town).await.taken();
    }

    /// Two phones disagree about a roof: that family is named until an officer settles it.
    async fn a_list_with_disputes_is_not_submitted(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        town.review_all(&mut hoa, &["19558-01", "19558-02"]);
        let document = town.document(&minh, "19558-01-0001");
        let own = hoa.household(document).unwrap().answers["roof"].clone();
        let other = if own == "leaf".into() { "metal_sheet" } else { "leaf" };
        minh.save(document, &[answer("roof", other)]).unwrap();
        for phone in [&mut hoa, &mut minh] {
            phone.sync().await.unwrap();
            phone.sync().await.unwrap();
        }
        let refused = submit(&town).await;
        let named = blockers(refused.refused(409, "list-has-disputes"));
        assert_eq!(named[0].0, "disputes");

        let path = town.path(&format!("/units/{MO_O}/disputes"));
        let disputed = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(disputed[0]["disputes"][0]["path"], "answers/roof");
        let form = json!({
            "heads": disputed[0]["heads"], "path": "answers/roof",
            "value": own, "reason": "đã xem nhà",
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        submit(&town).await.taken();
    }

    /// A family surveyed without enough to tell its class is named with what is missing.
    async fn a_list_with_unclassified_families_is_not_submitted(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-02-0002");
        hoa.save(document, &[answer("outcome", "surveyed")]).unwrap();
        hoa.sync().await.unwrap();
        let refused = submit(&town).await;
        let named = blockers(refused.refused(409, "list-has-unclassified"));
        assert_eq!(named.len(), 1, "{named:?}");
        let missing = refused.items()[0]["missing"].as_array().unwrap().len();
        assert!(missing > 0, "what is missing is said");
    }

    /// A hamlet whose registered households nobody counted.
    async fn a_list_without_counts_is_not_submitted(town: Town) {
        town.review_mo_o().await;
        let file = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                    opening_households,opening_persons,opening_dtts_households,\
                    opening_dtts_persons,source\n\
                    19558,19558-03,thôn,Mới,rural,0,0,0,0,0,0,0,0,thử\n";
        town.province.import(&town.path("/hamlets"), file.to_owned()).await.unwrap();
        let refused = submit(&town).await;
        let named = blockers(refused.refused(409, "list-counts-missing"));
        assert_eq!(named, [("counts_missing".to_owned(), "19558-03".to_owned())]);
    }

    /// Steps in the wrong order, on another root, by another office, without papers or reason.
    async fn a_step_out_of_turn_is_refused(town: Town) {
        town.review_mo_o().await;
        let paper = json!({ "number": "1", "date": "2022-12-12", "signer": "A" });
        let draft = root(&town).await;
        let (officer, district) =
            (town.officer.token().to_owned(), town.district.token().to_owned());
        let approve = |root: &str| json!({ "act": "approve", "root": root, "opinion": paper });
        let recognise = |root: &str| json!({ "act": "recognise", "root": root, "decision": paper });
        let none = async |token: &str, form: &Value, status: u16, name: &str| {
            let before = kept(&town).await;
            act(&town, token, form).await.refused(status, name);
            assert_eq!(kept(&town).await, before);
        };
        let zero = "0".repeat(64);
        none(&officer, &json!({ "act": "submit", "root": zero }), 409, "list-root-stale").await;
        none(&district, &approve(&draft), 409, "list-state").await;
        none(&officer, &recognise(&draft), 409, "list-state").await;
        let submitted = submit(&town).await.taken()["root"].as_str().unwrap().to_owned();

        none(&district, &approve(&zero), 409, "list-root-stale").await;
        none(&officer, &recognise(&submitted), 409, "list-state").await;
        none(&officer, &approve(&submitted), 403, "forbidden").await;
        none(town.province.token(), &approve(&submitted), 403, "forbidden").await;
        none(&district, &recognise(&submitted), 403, "forbidden").await;
        for paper in [
            json!({ "number": " ", "date": "2022-12-12", "signer": "A" }),
            json!({ "number": "1", "date": "12/12/2022", "signer": "A" }),
            json!({ "number": "1", "date": "2022-12-12", "signer": "" }),
        ] {
            let form = json!({ "act": "approve", "root": submitted, "opinion": paper });
            none(&district, &form, 422, "decision-incomplete").await;
        }
        let back = json!({ "act": "return", "root": submitted, "comment": " " });
        none(&district, &back, 422, "reason-missing").await;
        for form in [
            json!({ "act": "burn", "root": submitted }),
            json!({ "act": "approve", "root": submitted }),
            json!({ "act": "approve", "root": "x", "opinion": paper }),
            json!({ "root": submitted }),
            json!([]),
            Value::Null,
        ] {
            none(&district, &form, 400, "body-malformed").await;
        }
        act(&town, &district, &approve(&submitted)).await.taken();
        none(
            &district,
            &json!({ "act": "return", "root": submitted, "comment": "x" }),
            409,
            "list-state",
        )
        .await;
        none(&officer, &recognise(&zero), 409, "list-root-stale").await;
        act(&town, &officer, &recognise(&submitted)).await.taken();
        let withdraw = json!({ "act": "withdraw", "root": submitted, "reason": "" });
        none(&officer, &withdraw, 422, "reason-missing").await;
        let other = town.path(&format!("/units/{HUONG_HIEP}/list"));
        post(&town, &officer, &other, &withdraw).await.refused(404, "unit-unknown");
    }

    /// A settlement names heads that were shown, an answer of the form, a fitting value, a reason.
    async fn a_settlement_out_of_form_is_refused(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.review(&mut hoa, "19558-01-0001");
        hoa.sync().await.unwrap();
        let path = town.path(&format!("/households/{document}"));
        let shown = get(&town, town.officer.token(), &path).await.taken();
        let heads = &shown["standing"]["heads"];
        let form = |key: &str, value: Value| {
            json!({ "heads": heads, "path": key, "value": value, "reason": "đã xem nhà" })
        };
        let with = |key: &str, value: Value| {
            let mut good = form("answers/roof", json!("leaf"));
            good[key] = value;
            good
        };
        let member = shown["household"]["members"].as_object().unwrap().keys().next().unwrap();
        let refusals = [
            (with("heads", json!(["0".repeat(64)])), 404, "heads-unknown"),
            (with("heads", json!([])), 404, "heads-unknown"),
            (with("reason", json!("")), 422, "reason-missing"),
            (with("reason", json!(" \n")), 422, "reason-missing"),
            (form("answers/no_such_key", json!(true)), 422, "settle-unreadable"),
            (form("answers/roof", json!("gold")), 422, "settle-unreadable"),
            (form("answers/roof", json!(7)), 422, "settle-unreadable"),
            (form("answers/area_dm2", json!(-1)), 422, "settle-unreadable"),
            (form("answers/area_dm2", json!(i64::MAX)), 422, "settle-unreadable"),
            (
                form(&format!("members/{member}/birth"), json!("1980-02-30")),
                422,
                "settle-unreadable",
            ),
            (
                form(&format!("members/{}/birth", "0".repeat(32)), json!("1980")),
                422,
                "settle-unreadable",
            ),
            (form("b1_items/household_size", json!("ten")), 422, "settle-unreadable"),
            (form("answers/cause_other", json!("dài".repeat(2_000))), 400, "body-malformed"),
            (with("heads", json!(["xyz"])), 400, "body-malformed"),
            (with("path", json!("elsewhere/roof")), 400, "body-malformed"),
            (with("path", json!(format!("answers/{}", "k".repeat(65)))), 400, "body-malformed"),
            (with("value", json!(null)), 422, "settle-unreadable"),
            (with("value", json!(1.5)), 400, "body-malformed"),
            (with("value", json!(u64::MAX)), 400, "body-malformed"),
            (with("value", json!({ "deep": [] })), 400, "body-malformed"),
            (with("reason", json!("dài".repeat(2_000))), 400, "body-malformed"),
        ];
        let settle = format!("{path}/settle");
        let before = kept(&town).await;
        for (form, status, name) in refusals {
            let heard = post(&town, town.officer.token(), &settle, &form).await;
            assert_eq!((heard.status, heard.name().as_str()), (status, name), "{form}");
            heard.refused(status, name);
        }
        let unknown = town.path(&format!("/households/{}/settle", "0".repeat(32)));
        let good = form("answers/roof", json!("leaf"));
        post(&town, town.officer.token(), &unknown, &good).await.refused(404, "household-unknown");
        assert_eq!(kept(&town).await, before);
    }

    /// Once the list is with the district, the commune's desk is closed as well.
    async fn nothing_is_settled_on_a_frozen_list(town: Town) {
        let hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let path = town.path(&format!("/households/{document}"));
        let shown = get(&town, town.officer.token(), &path).await.taken();
        submit(&town).await.taken();
        let form = json!({
            "heads": shown["standing"]["heads"], "path": "answers/cause_other",
            "value": "khác", "reason": "đã xem nhà",
        });
        let before = kept(&town).await;
        let heard = post(&town, town.officer.token(), &format!("{path}/settle"), &form).await;
        heard.refused(409, "list-frozen");
        assert_eq!(kept(&town).await, before);
    }
}
