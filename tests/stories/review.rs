//! The review desk: only what something hangs on reaches a person; nothing that was written is lost.

use serde_json::{Value, json};
use server::demo::phone::Phone;
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use crate::offices::Browser;

const CODE: &str = "19558-01-0001";

fn answer(key: &str, value: &str) -> Page {
    Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() }
}

/// Everything is reviewed, and a second phone, out of contact, answers one question otherwise.
async fn disputed(town: &Town, key: &str, first: &str, second: &str) -> (Phone, DocumentId) {
    // Minh fetches the households before anybody has been there.
    let mut minh = town.phone_with_work("minh").await;
    let mut hoa = town.review_mo_o().await;
    let document = town.document(&minh, CODE);
    hoa.save(document, &[answer(key, first)]).unwrap();
    minh.save(document, &[answer(key, second)]).unwrap();
    hoa.sync().await.unwrap();
    minh.sync().await.unwrap();
    (minh, document)
}

async fn desk(town: &Town) -> Value {
    town.officer.get(&town.path(&format!("/units/{MO_O}/review-desk"))).await.unwrap()
}

async fn household(town: &Town, document: DocumentId) -> Value {
    town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap()
}

/// A source of water that is an indicator, and one that is not.
const WATER: [&str; 2] = ["unprotected_spring", "piped"];

on_each_backend! {
    /// Two people put the same cause differently: the list goes, and says what the rule chose.
    async fn what_nothing_hangs_on_keeps_no_list_and_can_be_decided_otherwise(town: Town) {
        let (_minh, document) = disputed(&town, "cause_other", "mất mùa", "bão lũ").await;
        let queue = desk(&town).await;
        assert_eq!(queue["waiting"], json!([]), "{queue:#}");
        let question = &queue["by_rule"][0]["questions"][0];
        assert_eq!(question["path"], "answers/cause_other");
        assert_eq!(question["rule"], "fit-then-first@1");
        let chosen: Vec<&Value> = question["sides"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|side| side["chosen"] == true)
            .map(|side| &side["value"])
            .collect();
        assert_eq!(chosen, ["bão lũ"], "the first of the values, whoever came first");

        let read = household(&town, document).await;
        assert_eq!(read["household"]["answers"]["cause_other"], "bão lũ");
        assert_eq!(read["standing"]["open"]["disputes"], 0);
        assert_eq!(read["standing"]["open"]["by_rule"], 1);
        let row = &read["standing"]["row"]["by_rule"][0];
        assert_eq!(row["path"], "answers/cause_other");
        assert_eq!(row["changes"].as_array().unwrap().len(), 1, "named by the change behind it");

        let form = json!({
            "heads": queue["by_rule"][0]["heads"],
            "path": "answers/cause_other",
            "value": "mất mùa",
            "reason": "đã hỏi lại",
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        assert_eq!(desk(&town).await["by_rule"], json!([]));
        let read = household(&town, document).await;
        assert_eq!(read["household"]["answers"]["cause_other"], "mất mùa");
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// It does so without anybody touching it, too.
    async fn a_list_goes_with_what_the_rule_chose(town: Town) {
        disputed(&town, "cause_other", "mất mùa", "bão lũ").await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        town.district.approve(town.campaign, MO_O, &root).await.unwrap();
        town.officer.recognise(town.campaign, MO_O, &root).await.unwrap();
    }

    /// The desk says what hangs on it, who wrote what on which device, and writes over nothing.
    async fn what_something_hangs_on_waits_for_a_person(town: Town) {
        let (mut minh, document) = disputed(&town, "water", WATER[0], WATER[1]).await;
        let queue = desk(&town).await;
        let waiting = &queue["waiting"][0];
        let question = &waiting["questions"][0];
        assert_eq!((queue["by_rule"].clone(), &question["rule"]), (json!([]), &Value::Null));
        let said = question["sentence"]["vi"].as_str().unwrap();
        assert!(said.contains(" tùy vào ") && said.contains(" hay "), "{said}");
        assert!(question["sentence"]["en"].as_str().unwrap().contains(" depends on "));
        for side in question["sides"].as_array().unwrap() {
            let by = &side["by"][0];
            assert!(by["device"].as_str().unwrap().starts_with("máy của"), "{by}");
            assert_eq!(by["provenance"], "device");
            assert!(by["position"].as_i64().unwrap() > 0 && by["received_at_ms"].as_i64().unwrap() > 0);
        }
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-disputes"));

        let id = document.to_string();
        let form = |value: Value| {
            json!({
                "heads": waiting["heads"], "path": "answers/water", "value": value,
                "reason": "đã đến xem", "if_moved": "refuse",
            })
        };
        for nowhere in [json!("gold"), json!(7), Value::Null] {
            let refused = town.officer.settle(town.campaign, &id, &form(nowhere)).await.unwrap_err();
            assert_eq!(refused.name(), Some("settle-unreadable"), "it was never there");
        }
        // Another value arrives meanwhile: the desk says so.
        minh.save(document, &[answer("water", "rain")]).unwrap();
        minh.sync().await.unwrap();
        let stale = town.officer.settle(town.campaign, &id, &form(json!(WATER[0]))).await.unwrap_err();
        assert_eq!(stale.name(), Some("household-moved"));
    }

    /// A phone that had seen both values writes a third: both stay in the ledger.
    async fn what_a_phone_writes_over_stays_in_the_ledger(town: Town) {
        let (mut minh, document) = disputed(&town, "water", WATER[0], WATER[1]).await;
        minh.save(document, &[answer("water", "rain")]).unwrap();
        minh.sync().await.unwrap();
        assert_eq!(desk(&town).await["waiting"], json!([]));
        let path = town.path(&format!("/households/{document}/ledger"));
        let ledger = town.officer.get(&path).await.unwrap();
        let entry = &ledger["entries"][0];
        assert_eq!(entry["kind"], "overwritten", "{ledger:#}");
        assert_eq!(entry["by"]["author"], "minh");
        let values: Vec<&Value> =
            entry["sides"].as_array().unwrap().iter().map(|side| &side["value"]).collect();
        assert_eq!(values, ["piped", "unprotected_spring"]);
    }

    /// One letter with its marks, typed on two makes of phone, is one letter.
    async fn one_text_in_two_spellings_of_unicode_is_no_dispute(town: Town) {
        disputed(&town, "cause_other", "Hồ", "Ho\u{302}\u{300}").await;
        let queue = desk(&town).await;
        assert_eq!((&queue["waiting"], &queue["by_rule"]), (&json!([]), &json!([])));
    }

    /// Somebody was removed on one phone and answered for on another.
    async fn a_member_removed_and_answered_for_waits_for_a_person(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let mut minh = town.phone_with_work("minh").await;
        let document = town.document(&minh, CODE);
        let members = hoa.household(document).unwrap().members;
        let (id, _) = members.iter().next_back().unwrap();
        let of = |key: &str, value: &str| {
            let answers = [(key.to_owned(), value.into())].into();
            Page { members: [(id.clone(), answers)].into(), ..Page::default() }
        };
        hoa.save(document, &[of("removed", "died")]).unwrap();
        minh.save(document, &[of("also_known_as", "Pả Lan")]).unwrap();
        hoa.sync().await.unwrap();
        minh.sync().await.unwrap();
        let waiting = desk(&town).await["waiting"][0].clone();
        let question = &waiting["questions"][0];
        assert_eq!(question["path"], format!("members/{id}/removed"));
        let values: Vec<&Value> =
            question["sides"].as_array().unwrap().iter().map(|side| &side["value"]).collect();
        assert_eq!(values, [&Value::Null, &json!("died")]);
        let form = json!({
            "heads": waiting["heads"], "path": question["path"], "value": null,
            "reason": "vẫn ở với gia đình",
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        assert_eq!(desk(&town).await["waiting"], json!([]));
        let read = household(&town, document).await;
        assert_eq!(read["household"]["members"][id]["removed"], Value::Null);
    }

    /// Where the campaign asks for it, nobody submits a list on decisions that only they have seen.
    async fn a_second_person_stands_behind_every_decision(town: Town) {
        let (_minh, document) = disputed(&town, "water", WATER[0], WATER[1]).await;
        let rule = json!({ "required": true, "source": "hướng dẫn của tỉnh (thử)" });
        town.province.post(&town.path("/four-eyes"), &rule).await.unwrap();
        let heads = desk(&town).await["waiting"][0]["heads"].clone();
        let form = json!({
            "heads": heads, "path": "answers/water", "value": WATER[0], "reason": "đã đến xem",
        });
        town.officer.settle(town.campaign, &document.to_string(), &form).await.unwrap();
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("four-eyes-missing"));

        let path = town.path(&format!("/units/{MO_O}/countersignatures"));
        let listed = town.officer.get(&path).await.unwrap();
        assert_eq!(listed["eyes"]["alone"], 1, "{listed:#}");
        let decision = &listed["decisions"][0];
        let named = json!([{ "document": decision["document"], "hash": decision["hash"] }]);
        let signed = |member: &Value, named: &Value| {
            json!({ "member": member, "title": "Phó Trưởng ban", "decisions": named })
        };
        let minh = json!("Hồ Văn Minh");
        let unknown = json!([{ "document": decision["document"], "hash": "0".repeat(64) }]);
        for form in [signed(&decision["by"], &named), signed(&minh, &unknown), signed(&minh, &json!([]))] {
            let refused = town.officer.post(&path, &form).await.unwrap_err();
            assert_eq!(refused.name(), Some("countersign-refused"), "{form}");
        }
        for _ in 0..2 {
            town.officer.post(&path, &signed(&minh, &named)).await.unwrap();
        }
        let listed = town.officer.get(&path).await.unwrap();
        let counted = json!({ "decisions": 1, "by_another": 0, "countersigned": 1, "alone": 0 });
        assert_eq!(listed["eyes"], counted);
        assert_eq!(listed["decisions"][0]["member"], minh);
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// The desk is read page by page: what waits first, and how many there are in all.
    async fn the_desk_has_pages(town: Town) {
        let (_minh, document) = disputed(&town, "water", WATER[0], WATER[1]).await;
        let path = |after: &str| town.path(&format!("/units/{MO_O}/review-desk?after={after}"));
        let first = town.officer.get(&path("")).await.unwrap();
        assert_eq!((&first["found"]["waiting"], &first["next"]), (&json!(1), &Value::Null));
        assert_eq!(first["waiting"].as_array().unwrap().len(), 1);
        let behind = town.officer.get(&path(&format!("0-{document}"))).await.unwrap();
        assert_eq!((&behind["found"], &behind["waiting"]), (&first["found"], &json!([])));
        let refused = town.officer.get(&path("2-0")).await.unwrap_err();
        assert_eq!(refused.name(), Some("query-malformed"));
    }

    /// More households than a page holds: each comes once, those that wait before the others.
    async fn a_desk_of_several_pages_shows_each_household_once(town: Town) {
        let (mut minh, first) = disputed(&town, "water", WATER[0], WATER[1]).await;
        // Minh has not fetched what hoa wrote of these; the last one nothing hangs on.
        let [second, settled] = ["19558-01-0002", "19558-01-0003"].map(|code| town.document(&minh, code));
        let mut hoa = town.phone_with_work("hoa").await;
        minh.save(second, &[answer("water", WATER[1])]).unwrap();
        hoa.save(second, &[answer("water", WATER[0])]).unwrap();
        minh.save(settled, &[answer("cause_other", "mất mùa")]).unwrap();
        hoa.save(settled, &[answer("cause_other", "bão lũ")]).unwrap();
        minh.sync().await.unwrap();
        hoa.sync().await.unwrap();
        let path = |query: &str| town.path(&format!("/units/{MO_O}/review-desk?{query}"));
        let whole = town.officer.get(&path("")).await.unwrap();
        assert_eq!((&whole["found"]["waiting"], &whole["next"]), (&json!(2), &Value::Null), "{whole:#}");
        let (mut shown, mut after) = (Vec::new(), String::new());
        for _ in 0..3 {
            let page = town.officer.get(&path(&format!("most=1&after={after}"))).await.unwrap();
            assert_eq!(page["found"], whole["found"]);
            let of = |key: &str| page[key].as_array().unwrap().clone();
            let here: Vec<Value> =
                [of("waiting"), of("by_rule")].concat().iter().map(|one| one["document"].clone()).collect();
            assert_eq!(here.len(), 1, "{page:#}");
            shown.extend(here);
            after = page["next"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!(after, "", "that was the last page");
        assert_eq!(shown.last(), Some(&json!(settled)), "what waits comes first");
        shown.sort_by_key(ToString::to_string);
        let mut all = [first, second, settled].map(|document| json!(document));
        all.sort_by_key(ToString::to_string);
        assert_eq!(shown, all);
        for most in ["most=0", "most=51", "most=x"] {
            let refused = town.officer.get(&path(most)).await.unwrap_err();
            assert_eq!(refused.name(), Some("query-malformed"), "{most}");
        }
    }

    /// The same on the pages, in a browser without a script.
    async fn the_desk_is_worked_in_a_browser(town: Town) {
        disputed(&town, "water", WATER[0], WATER[1]).await;
        let unit = format!("/office/campaigns/{}/units/{MO_O}", town.campaign);
        let page = format!("{unit}/disputes");
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let shown = officer.open(&page).await;
        assert_eq!(shown.status, 200);
        shown.holds(" tùy vào ").holds("Cần người quyết định").holds("máy của minh");
        let mark = "action=\"";
        let start = shown.html.find("action=\"/office/campaigns/").unwrap() + mark.len();
        let action = shown.html[start..].split('"').next().unwrap().to_owned();
        // None of the two is right: another one, by its list.
        let other = [("value", "other"), ("other", "rain"), ("reason", "mới có bể"), ("from", "desk")];
        let settled = officer.fill(&action, &shown, &other).await;
        assert_eq!((settled.status, settled.to.as_deref()), (303, Some(page.as_str())), "{}", settled.html);
        let shown = officer.open(&page).await;
        shown.lacks(" tùy vào ").holds("mới có bể");
        let signed = [("decisions", ""), ("member", "Hồ Văn Minh"), ("title", "Phó ban")];
        let to = format!("{unit}/countersignatures");
        assert_eq!(officer.fill(&to, &shown, &signed).await.status, 422, "none is named");
        let mark = "name=\"decisions\" value=\"";
        let at = shown.html.find(mark).unwrap() + mark.len();
        let named = shown.html[at..].split('"').next().unwrap().to_owned();
        let signed = [("decisions", named.as_str()), ("member", "Hồ Văn Minh"), ("title", "Phó ban")];
        assert_eq!(officer.fill(&to, &shown, &signed).await.status, 303);
        officer.open(&page).await.holds("Hồ Văn Minh, Phó ban");
    }
}
