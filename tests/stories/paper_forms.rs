//! Paper forms as offices type them through the API: once, at what was shown, by a named person.

use mobile_schema::household::{Answers, Household, Value};
use serde_json::{Value as Json, json};
use server::demo::client::ClientError;
use server::demo::office::Office;
use shared::page::Page;
use shared::second::is_drawn;
use tests::on_each_backend;
use tests::town::{MO_O, PASSWORD, Town, person};

/// Who asked, who answered, and when.
fn names() -> Json {
    json!({ "by": "Hồ Văn Hoa", "answered_by": "chủ hộ", "day": "2022-10-15" })
}

/// Writes what is true about a family as its paper form: members that are known keep their ids.
fn form_of(town: &Town, code: &str, known: &Household) -> Json {
    let truth = town.truth(code);
    let mut members = serde_json::Map::new();
    for ((_, answers), n) in truth.household.members.iter().zip(1..) {
        let same = |one: &Answers| one.get("name") == answers.get("name");
        let id = known.members.iter().find(|(_, one)| same(one)).map(|(id, _)| id.clone());
        members.insert(id.unwrap_or_else(|| format!("{n:032x}")), json!(answers));
    }
    let mut form = names();
    form["answers"] = json!(truth.household.answers);
    form["b1_items"] = json!(truth.household.b1_items);
    form["members"] = Json::Object(members);
    form
}

async fn listed(town: &Town, code: &str) -> (String, Json) {
    let all = town.officer.get(&town.path(&format!("/units/{MO_O}/households"))).await.unwrap();
    let one = all.as_array().unwrap().iter().find(|one| one["code"] == code).unwrap();
    let document = one["row"]["document"].as_str().unwrap().to_owned();
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    (document, read)
}

fn household(read: &Json) -> Household {
    serde_json::from_value(read["household"].clone()).unwrap()
}

async fn colleague(town: &Town) -> Office {
    let form = json!([person("xa-19558-2", "officer", MO_O, Some(PASSWORD))]);
    town.province.post("/v1/accounts", &form).await.unwrap();
    town.sign_in("xa-19558-2").await
}

fn name(refused: &ClientError) -> Option<&str> {
    refused.name()
}

on_each_backend! {
    /// A whole form from paper becomes one change at the desk, sent twice or not, and a class.
    async fn a_paper_form_is_written_once_and_classified(town: Town) {
        let (document, read) = listed(&town, "19558-01-0001").await;
        let mut form = form_of(&town, "19558-01-0001", &household(&read));
        form["heads"] = read["standing"]["heads"].clone();
        let path = town.path(&format!("/households/{document}/paper"));
        let first = town.officer.post(&path, &form).await.unwrap();
        assert!(first["hash"].is_string(), "{first}");
        assert_eq!(town.officer.post(&path, &form).await.unwrap(), first, "sent twice");

        let (_, now) = listed(&town, "19558-01-0001").await;
        assert_eq!(now["standing"]["row"]["class"], "poor");
        assert_eq!(now["changes"].as_array().unwrap().len(), 2, "the opening list, and this");
        let mark = &now["household"]["asked"]["house"];
        assert_eq!((&mark["medium"], &mark["by"]), (&json!("paper"), &json!("Hồ Văn Hoa")));
        assert_eq!(mark["typed_by"], "xa-19558");
        assert_eq!(now["changes"][1]["provenance"], "desk");
        assert_eq!(now["writers"]["answers/roof"], json!([first["hash"]]));

        // The same answers at what is shown now: nothing is new, the mark included.
        form["heads"] = now["standing"]["heads"].clone();
        assert_eq!(town.officer.post(&path, &form).await.unwrap()["hash"], Json::Null);
        // Equal answers of another day: the marks alone.
        form["day"] = json!("2022-10-16");
        town.officer.post(&path, &form).await.unwrap();
        let path = town.path(&format!("/households/{document}/history"));
        let history = town.officer.get(&path).await.unwrap();
        let last = history["since"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["edits"], json!([]));
        assert!(last["blocks"].as_array().unwrap().contains(&json!("house")));
    }

    /// What cannot be read is named field by field, and nothing of the form is written.
    async fn a_form_with_a_bad_field_writes_nothing(town: Town) {
        let (document, read) = listed(&town, "19558-01-0001").await;
        let path = town.path(&format!("/households/{document}/paper"));
        let mut form = names();
        form["heads"] = read["standing"]["heads"].clone();
        let empty = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&empty), Some("paper-empty"));
        form["answers"] = json!({ "roof": "gold", "wall": "plank", "area_dm2": "big" });
        form["day"] = json!("15/10/2022");
        let refused = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&refused), Some("paper-misfits"));
        let said = format!("{refused:?}");
        for field in ["answers/roof", "answers/area_dm2", "asked/day"] {
            assert!(said.contains(field), "{field} in {said}");
        }
        assert!(!said.contains("answers/wall"), "{said}");
        let (_, now) = listed(&town, "19558-01-0001").await;
        assert_eq!(now["standing"]["heads"], read["standing"]["heads"]);
    }

    /// Somebody wrote in between: nothing is overwritten, and the history says what and who.
    async fn a_form_typed_on_a_stale_page_is_not_written(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let (document, read) = listed(&town, "19558-01-0001").await;
        let heads = read["standing"]["heads"].clone();
        let at = town.document(&hoa, "19558-01-0001");
        let page = Page { answers: [("roof".into(), Value::from("leaf"))].into(), ..Page::default() };
        hoa.save(at, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let mut form = names();
        form["heads"] = heads.clone();
        form["answers"] = json!({ "roof": "tile" });
        let path = town.path(&format!("/households/{document}/paper"));
        let refused = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&refused), Some("household-moved"));
        let since = format!("/households/{document}/history?since={}", heads[0].as_str().unwrap());
        let history = town.officer.get(&town.path(&since)).await.unwrap();
        let edits = &history["since"][0]["edits"];
        assert_eq!(edits[0], json!({ "path": "answers/roof", "before": [], "after": ["leaf"] }));
        assert_eq!(history["since"][0]["author"], "hoa");

        // A decision of a page that asks for it is refused likewise.
        let mut settle = json!({ "heads": heads, "path": "answers/roof", "value": "tile",
            "reason": "xem giấy", "if_moved": "refuse" });
        let id = document.as_str();
        let refused = town.officer.settle(town.campaign, id, &settle).await.unwrap_err();
        assert_eq!(name(&refused), Some("household-moved"));
        settle["if_moved"] = json!("write");
        town.officer.settle(town.campaign, id, &settle).await.unwrap();
        let (_, now) = listed(&town, "19558-01-0001").await;
        let both = now["standing"]["disputes"][0]["values"].as_array().unwrap();
        assert_eq!(both.len(), 2, "both stay");

        // A disputed answer is never settled by the way.
        form["heads"] = now["standing"]["heads"].clone();
        let refused = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&refused), Some("paper-misfits"));
    }

    /// A household on no list comes with its first paper form, once however often it is sent.
    async fn a_new_household_is_registered_with_its_form(town: Town) {
        let mut form = form_of(&town, "19558-02-0003", &Household::default());
        form["hamlet"] = json!("19558-02");
        form["entry"] = json!("phiếu số 7");
        form["members"]["0".repeat(32)] =
            json!({ "name": "Ho\u{302}\u{300} Thi\u{323} <b>Nở</b>", "relation": "other" });
        let path = town.path(&format!("/units/{MO_O}/paper"));
        let entered = town.officer.post(&path, &form).await.unwrap();
        assert_eq!(town.officer.post(&path, &form).await.unwrap(), entered);
        let document = entered["document"].as_str().unwrap();
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["unit"], MO_O);
        let written = &read["household"]["members"]["0".repeat(32)];
        assert_eq!(written["name"], "Hồ Thị <b>Nở</b>", "its letters are put together");
        // The same paper with something else in it is not another household.
        form["answers"]["roof"] = json!("canvas");
        let refused = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&refused), Some("household-moved"));
        form["hamlet"] = json!("19561-01");
        let refused = town.officer.post(&path, &form).await.unwrap_err();
        assert_eq!(name(&refused), Some("hamlet-unknown"), "another commune's");
    }

    /// Typed in the office and on no opening list: whoever is its head is no other than on one.
    async fn a_household_on_no_list_has_no_other_head_than_there(town: Town) {
        let mut form = form_of(&town, "19558-02-0003", &Household::default());
        form["hamlet"] = json!("19558-02");
        form["entry"] = json!("phiếu số 8");
        let path = town.path(&format!("/units/{MO_O}/paper"));
        let entered = town.officer.post(&path, &form).await.unwrap();
        let document = entered["document"].as_str().unwrap().parse().unwrap();
        let mut hoa = town.phone_with_work("hoa").await;
        let known = hoa.household(document).unwrap();
        let is_head = |one: &Answers| one.get("relation") == Some(&Value::from("head"));
        let (was, _) = known.present().find(|(_, one)| is_head(one)).unwrap();
        let (heir, _) = known.present().find(|(_, one)| !is_head(one)).unwrap();
        let mut page = Page::default();
        page.members.entry(was.clone()).or_default().insert("removed".into(), "died".into());
        page.members.entry(heir.clone()).or_default().insert("relation".into(), "head".into());
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["household"]["members"][was]["removed"], "died");
        assert_eq!(read["head_change"], Json::Null);
    }

    /// Which forms are drawn to be typed twice is the same for everybody who works it out.
    async fn the_draw_is_the_same_for_everybody(town: Town) {
        let path = town.path(&format!("/units/{MO_O}/paper"));
        let mut form = names();
        form["hamlet"] = json!("19558-02");
        form["answers"] = json!({ "roof": "leaf" });
        for number in 0..40 {
            form["entry"] = json!(number.to_string());
            town.officer.post(&path, &form).await.unwrap();
        }
        let listed = town.officer.get(&path).await.unwrap();
        let forms = listed["forms"].as_array().unwrap();
        assert_eq!(forms.len(), 40);
        for form in forms {
            let document = form["document"].as_str().unwrap().parse().unwrap();
            assert_eq!(form["drawn"], is_drawn(town.campaign, document));
            assert_eq!(form["second"], Json::Null);
        }
    }

    /// Somebody else types the paper again: a slip of the first is found, settled and counted.
    async fn a_second_entry_finds_a_slip_of_the_first(town: Town) {
        let (document, read) = listed(&town, "19558-01-0001").await;
        let mut form = form_of(&town, "19558-01-0001", &household(&read));
        let right = form["answers"]["roof"].as_str().unwrap().to_owned();
        let wrong = if right == "leaf" { "tile" } else { "leaf" };
        let mut second = form_of(&town, "19558-01-0001", &Household::default());
        assert!(second["answers"].as_object_mut().unwrap().remove("wall").is_some());
        form["heads"] = read["standing"]["heads"].clone();
        form["answers"]["roof"] = json!(wrong);
        let of = |rest: &str| town.path(&format!("/households/{document}{rest}"));
        let early = town.officer.post(&of("/second-entry"), &second).await.unwrap_err();
        assert_eq!(name(&early), Some("paper-missing"));
        town.officer.post(&of("/paper"), &form).await.unwrap();
        let own = town.officer.post(&of("/second-entry"), &second).await.unwrap_err();
        assert_eq!(name(&own), Some("second-entry-own"));

        let other = colleague(&town).await;
        let found = other.post(&of("/second-entry"), &second).await.unwrap();
        assert_eq!(found["different"], 2, "roof and wall: {found}");
        let twice = other.post(&of("/second-entry"), &second).await.unwrap_err();
        assert_eq!(name(&twice), Some("second-entry-done"));
        let (_, now) = listed(&town, "19558-01-0001").await;
        assert_eq!(now["household"]["answers"]["roof"], wrong, "it overwrites nothing");

        let forms = town.officer.get(&town.path(&format!("/units/{MO_O}/paper"))).await.unwrap();
        let difference = &forms["forms"][0]["second"]["differences"][0];
        assert_eq!(difference["path"], "answers/roof");
        assert_eq!((&difference["first"], &difference["second"]), (&json!(wrong), &json!(right)));
        let mut settle = json!({ "heads": now["standing"]["heads"], "path": "answers/roof",
            "value": right, "reason": " " });
        let path = of("/second-entry/settle");
        let refused = town.officer.post(&path, &settle).await.unwrap_err();
        assert_eq!(name(&refused), Some("reason-missing"));
        settle["reason"] = json!("đã xem lại phiếu");
        assert_eq!(town.officer.post(&path, &settle).await.unwrap(), true);
        assert_eq!(town.officer.post(&path, &settle).await.unwrap(), false, "once");
        let (_, now) = listed(&town, "19558-01-0001").await;
        settle["heads"] = now["standing"]["heads"].clone();
        settle["value"] = json!(wrong);
        let refused = town.officer.post(&path, &settle).await.unwrap_err();
        assert_eq!(name(&refused), Some("second-entry-settled"));
        // An answer is not emptied by the way: what the household says is put right first.
        settle["path"] = json!("answers/wall");
        settle["value"] = Json::Null;
        let refused = town.officer.post(&path, &settle).await.unwrap_err();
        assert_eq!(name(&refused), Some("second-entry-household"));
        let (_, now) = listed(&town, "19558-01-0001").await;
        assert_eq!(now["household"]["answers"]["roof"], json!(right));
        let forms = town.officer.get(&town.path(&format!("/units/{MO_O}/paper"))).await.unwrap();
        assert_eq!(forms["rate"]["wrong_first"], 1);
        assert_eq!((&forms["rate"]["settled"], &forms["rate"]["wrong_second"]), (&json!(1), &json!(0)));
    }
}
