//! Two documents under one household, and apart again.

use serde_json::{Value as Json, json};
use tests::on_each_backend;
use tests::town::{MO_O, Town, campaign_form};

use shared::id::DocumentId;
use shared::page::Page;

use super::{act, answer, pair, registered, twice};
use crate::handover::say;

/// Merges with everything that is shown, the second household's answer where they differ.
pub(crate) async fn merge(town: &Town, one: DocumentId, other: DocumentId) -> Json {
    let form = chosen(town, one, other).await;
    town.officer.post(&pair(town, one, other), &form).await.unwrap()
}

async fn chosen(town: &Town, one: DocumentId, other: DocumentId) -> Json {
    let read = town.officer.get(&pair(town, one, other)).await.unwrap();
    let members = read["members"].as_array().unwrap().iter();
    let members: serde_json::Map<String, Json> =
        members.map(|of| (of["other"].as_str().unwrap().to_owned(), of["one"].clone())).collect();
    let choices = read["differences"].as_array().unwrap().iter();
    let choices: Vec<Json> = choices
        .map(|of| json!({ "path": of["path"], "seen": of["values"], "value": of["values"][1] }))
        .collect();
    json!({ "act": "merge", "reason": "cùng một hộ", "members": members, "choices": choices })
}

async fn rows(town: &Town) -> Json {
    let list = town.officer.list(town.campaign, MO_O).await.unwrap();
    json!([list["root"], list["list"]["rows"]])
}

async fn roof(town: &Town, document: DocumentId) -> (Json, Json) {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    (read["household"]["answers"]["roof"].clone(), read["standing"]["open"]["disputes"].clone())
}

async fn return_list(town: &Town, root: &str) {
    let back = json!({ "act": "return", "root": root, "comment": "xem lại" });
    town.district.act(town.campaign, MO_O, &back).await.unwrap();
}

on_each_backend! {
    /// One row for both, with the answers that were chosen; undone, every row is what it was, to the byte.
    async fn a_merge_makes_one_row_and_undone_leaves_no_trace(town: Town) {
        let (_hoa, one, other) = twice(&town).await;
        let before = rows(&town).await;
        assert_eq!(merge(&town, one, other).await["fate"], "taken");
        let merged = rows(&town).await;
        let count = |rows: &Json| rows[1].as_array().unwrap().len();
        assert_eq!(count(&merged) + 1, count(&before));
        assert!(!merged.to_string().contains(&other.to_string()), "no row of its own");
        assert_eq!(roof(&town, one).await, (json!("canvas"), json!(0)));
        let absorbed = town.officer.get(&town.path(&format!("/households/{other}"))).await.unwrap();
        assert_eq!(absorbed["merged_into"], one.to_string(), "it stays visible with its history");
        assert!(!absorbed["changes"].as_array().unwrap().is_empty());
        // Nothing that is kept decides it: the same comes out of the logs alone.
        server::cli::rebuild::rebuild(&town.running.app).await.unwrap();
        assert_eq!(rows(&town).await, merged);

        assert_eq!(act(&town, (one, other), "unmerge").await.unwrap()["fate"], "taken");
        assert_eq!(rows(&town).await, before);
        server::cli::rebuild::rebuild(&town.running.app).await.unwrap();
        assert_eq!(rows(&town).await, before);
    }

    /// Phones go on writing to either document; what contradicts the choice is open again.
    async fn late_edits_to_either_document_appear(town: Town) {
        let (mut hoa, one, other) = twice(&town).await;
        merge(&town, one, other).await;
        hoa.save(other, &[answer("wall", "plank")]).unwrap();
        hoa.save(one, &[answer("wall", "plank")]).unwrap();
        hoa.sync().await.unwrap();
        let read = town.officer.get(&town.path(&format!("/households/{one}"))).await.unwrap();
        assert_eq!(read["household"]["answers"]["wall"], "plank");
        assert_eq!(roof(&town, one).await, (json!("canvas"), json!(0)));

        hoa.save(other, &[answer("roof", "concrete")]).unwrap();
        hoa.sync().await.unwrap();
        assert_eq!(roof(&town, one).await, (Json::Null, json!(1)), "open again");
        let disputes = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
        let values = disputes[0]["disputes"][0]["values"].as_array().unwrap().clone();
        let values: Vec<&Json> = values.iter().map(|side| &side["value"]).collect();
        assert_eq!(values, [&json!("concrete"), &json!("leaf")]);
        assert!(!disputes[0]["disputes"][0]["values"][0]["changes"].as_array().unwrap().is_empty());
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-disputes"));
        // The desk chooses again.
        merge(&town, one, other).await;
        assert_eq!(roof(&town, one).await, (json!("concrete"), json!(0)));
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// Where two people are asked for, a merge and its undoing are countersigned like any decision.
    async fn a_merge_is_seen_by_two_people(town: Town) {
        let (_hoa, one, other) = twice(&town).await;
        let rule = json!({ "required": true, "source": "kế hoạch thử" });
        town.province.post(&town.path("/four-eyes"), &rule).await.unwrap();
        merge(&town, one, other).await;
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("four-eyes-missing"));
        let path = town.path(&format!("/units/{MO_O}/countersignatures"));
        let sign = async || {
            let listed = town.officer.get(&path).await.unwrap();
            let open = listed["decisions"].as_array().unwrap().iter();
            let open: Vec<Json> = open
                .filter(|of| of["member"].is_null())
                .map(|of| json!({ "document": of["document"], "hash": of["hash"] }))
                .collect();
            let form = json!({ "member": "Hồ Văn Minh", "title": "Phó ban", "decisions": open });
            town.officer.post(&path, &form).await.unwrap();
        };
        sign().await;
        assert_eq!(act(&town, (one, other), "unmerge").await.unwrap()["fate"], "taken");
        merge(&town, one, other).await;
        let listed = town.officer.get(&path).await.unwrap();
        let kinds = listed["decisions"].as_array().unwrap().iter().map(|of| of["kind"].clone());
        let kinds: Vec<Json> = kinds.filter(|kind| kind != "answer").collect();
        assert_eq!(kinds, ["linked", "unlinked", "linked"]);
        assert_eq!(listed["eyes"]["alone"], 2, "{listed:#}");
        assert_eq!(listed["eyes"]["countersigned"], 1);
        sign().await;
        town.officer.submit(town.campaign, MO_O).await.unwrap();
        town.province.post(&town.path("/close"), &json!({})).await.unwrap();
        let none = json!({ "member": "Hồ Văn Minh", "title": "Phó ban", "decisions": [] });
        let refused = town.officer.post(&path, &none).await.unwrap_err();
        assert_eq!(refused.name(), Some("campaign-closed"));
    }

    /// Two documents that were merged move as one household, and are apart again where they came to.
    async fn what_was_merged_moves_together(town: Town) {
        let (mut hoa, one, other) = twice(&town).await;
        merge(&town, one, other).await;
        let neighbour = town.sign_in("xa-19561").await;
        let paper = json!({ "number": "9/XN", "date": "2022-10-02", "signer": "Chủ tịch (thử)" });
        let offer = json!({ "act": "offer", "to": "19561", "paper": paper, "on": "2022-10-01",
            "reason": "về quê" });
        let refused = say(&town, &town.officer, other, &offer).await;
        refused.refused(409, "merge-chain");
        say(&town, &town.officer, one, &offer).await.taken();
        let accept = json!({ "act": "accept", "hamlet": "19561-01" });
        say(&town, &neighbour, one, &accept).await.taken();
        let rows = async |officer: &server::demo::office::Office, unit: &str| {
            let list = officer.list(town.campaign, unit).await.unwrap();
            list["list"]["rows"].to_string()
        };
        let (gone, come) = (rows(&town.officer, MO_O).await, rows(&neighbour, "19561").await);
        let [kept, absorbed] = [one.to_string(), other.to_string()];
        assert!(!gone.contains(&kept) && !gone.contains(&absorbed), "applicants leave no row");
        assert!(come.contains(&kept) && !come.contains(&absorbed));
        server::cli::rebuild::rebuild(&town.running.app).await.unwrap();
        assert_eq!(rows(&neighbour, "19561").await, come);
        // Late work on either of them is taken, and appears there.
        hoa.save(other, &[answer("roof", "concrete")]).unwrap();
        hoa.sync().await.unwrap();
        let ledger = neighbour.get(&town.path(&format!("/households/{one}/ledger"))).await.unwrap();
        assert_eq!(ledger["merged"][0]["document"], json!(other));
        let read = neighbour.get(&town.path(&format!("/households/{one}"))).await.unwrap();
        assert_eq!(read["standing"]["open"]["disputes"], 1);
        let form = json!({ "act": "unmerge", "reason": "hai hộ" });
        assert_eq!(neighbour.post(&pair(&town, one, other), &form).await.unwrap()["fate"], "taken");
        let apart = rows(&neighbour, "19561").await;
        assert!(apart.contains(&kept) && apart.contains(&absorbed));
    }

    /// Two that were merged and lived in two hamlets: each leaves its own, whoever has it is told so, and
    /// each comes back into its own, to whoever had it.
    async fn what_was_merged_comes_back_each_to_its_own_hamlet(town: Town) {
        let (mut hoa, absorbed, _) = twice(&town).await;
        let kept = town.document(&hoa, "19558-01-0001");
        let apart = rows(&town).await;
        let give = format!("household,account\n{absorbed},stranger\n");
        town.officer.import(&town.path("/assignments"), give).await.unwrap();
        merge(&town, kept, absorbed).await;
        let before = rows(&town).await;
        hoa.sync().await.unwrap();
        let mut stranger = town.phone_with_work("stranger").await;
        assert!(stranger.households.contains_key(&absorbed));

        let neighbour = town.sign_in("xa-19561").await;
        let paper = json!({ "number": "9/XN", "date": "2022-10-02", "signer": "Chủ tịch (thử)" });
        let offer = json!({ "act": "offer", "to": "19561", "paper": paper, "on": "2022-10-01",
            "reason": "về quê" });
        say(&town, &town.officer, kept, &offer).await.taken();
        let accept = json!({ "act": "accept", "hamlet": "19561-01" });
        say(&town, &neighbour, kept, &accept).await.taken();
        let answer = crate::ask::sync(&town, hoa.access(), &hoa.request()).await;
        let gone: std::collections::BTreeSet<_> =
            answer.gone.iter().map(|one| DocumentId(**one)).collect();
        assert_eq!(gone, [kept, absorbed].into());
        hoa.sync().await.unwrap();
        stranger.sync().await.unwrap();
        assert!(!hoa.households.contains_key(&absorbed) && !stranger.households.contains_key(&absorbed));
        // It is one household on the page, and each has a log of its own.
        let listed = neighbour.get(&town.path("/units/19561/handovers")).await.unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        let own = neighbour.get(&town.path(&format!("/households/{absorbed}/handover"))).await.unwrap();
        assert_eq!((&own[0]["along"], &own[0]["said"][0]["from_hamlet"]), (&json!(kept), &json!("19558-02")));

        let undo = json!({ "act": "undo", "reason": "nhầm" });
        say(&town, &town.district, kept, &undo).await.taken();
        assert_eq!(rows(&town).await, before);
        stranger.sync().await.unwrap();
        assert!(stranger.households.contains_key(&absorbed), "it is given again");
        assert_eq!(act(&town, (kept, absorbed), "unmerge").await.unwrap()["fate"], "taken");
        assert_eq!(rows(&town).await, apart, "each in its own hamlet");
    }

    /// What no merge is: of one with itself, in chains and rings, of what is not there, without a reason.
    async fn a_merge_that_makes_no_sense_is_refused(town: Town) {
        let (mut hoa, one, other) = twice(&town).await;
        let third = registered(&town, &mut hoa, None);
        hoa.sync().await.unwrap();
        let listed = town.document(&hoa, "19558-01-0001");
        let refused = async |pair: (DocumentId, DocumentId), form: Json| {
            let path = super::pair(&town, pair.0, pair.1);
            town.officer.post(&path, &form).await.unwrap_err().name().unwrap_or("").to_owned()
        };
        let plain = |act: &str| json!({ "act": act, "reason": "x" });
        assert_eq!(refused((one, one), plain("merge")).await, "merge-itself");
        assert_eq!(refused((one, other), plain("unmerge")).await, "merge-none");
        assert_eq!(refused((one, other), json!({ "act": "merge", "reason": " " })).await, "reason-missing");
        let mut form = plain("merge");
        form["members"] = json!({ "nobody": "nobody" });
        assert_eq!(refused((one, other), form).await, "merge-members");
        let mut form = plain("merge");
        form["choices"] = json!([{ "path": "answers/roof", "seen": ["tile", "canvas"], "value": "tile" }]);
        assert_eq!(refused((one, other), form).await, "merge-choice");
        let unknown = DocumentId([9; 16]);
        assert_eq!(refused((one, unknown), plain("merge")).await, "household-unknown");

        merge(&town, one, other).await;
        for chain in [(other, one), (third, one), (other, third), (third, other)] {
            assert_eq!(refused(chain, plain("merge")).await, "merge-chain");
        }
        merge(&town, one, third).await;
        let merged = rows(&town).await.to_string();
        assert!(!merged.contains(&third.to_string()) && !merged.contains(&other.to_string()));

        // A household of another campaign is not there; one of another commune is asked about above.
        let another = town.province.add_campaign(&campaign_form()).await.unwrap();
        let path = format!("/v1/campaigns/{another}/pairs/{one}/{listed}");
        let gone = town.officer.post(&path, &plain("merge")).await.unwrap_err();
        assert_eq!(gone.name(), Some("household-unknown"));
    }

    /// Two that were both on the opening list: the one goes out as one that joined, nobody vanishes.
    async fn a_household_listed_twice_goes_out_as_joined(town: Town) {
        let (hoa, ..) = twice(&town).await;
        let one = town.document(&hoa, "19558-01-0001");
        let other = town.document(&hoa, "19558-01-0003");
        let before = rows(&town).await;
        let form = json!({ "act": "merge", "reason": "ghi hai lần trong danh sách" });
        town.officer.post(&pair(&town, one, other), &form).await.unwrap();
        let after = rows(&town).await;
        let row = |rows: &Json| rows[1].as_array().unwrap().iter()
            .find(|row| row["document"] == other.to_string()).cloned();
        let gone = row(&after).unwrap();
        assert_eq!((&gone["outcome"], &gone["class"]), (&json!("left"), &Json::Null));
        assert_eq!(gone["opening"], row(&before).unwrap()["opening"]);
        act(&town, (one, other), "unmerge").await.unwrap();
        assert_eq!(rows(&town).await, before);
    }

    /// A frozen list stands as it is: what is decided after is late, and taken when the list comes back.
    async fn a_frozen_list_is_not_altered_by_a_merge(town: Town) {
        let (_hoa, one, other) = twice(&town).await;
        merge(&town, one, other).await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let frozen = rows(&town).await;
        assert_eq!(act(&town, (one, other), "unmerge").await.unwrap()["fate"], "late");
        assert_eq!(rows(&town).await, frozen);
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!(list["late"], 1, "it waits like every change that came late");
        let read = town.officer.get(&pair(&town, one, other)).await.unwrap();
        assert_eq!(read["state"], "linked");
        assert_eq!(read["decisions"][1]["fate"], "late");

        return_list(&town, &root).await;
        let read = town.officer.get(&pair(&town, one, other)).await.unwrap();
        assert_eq!((&read["state"], &read["decisions"][1]["fate"]), (&json!("open"), &json!("taken")));
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!(list["late"], 0);
        assert!(list["list"]["rows"].to_string().contains(&other.to_string()));
    }

    /// Merged and recognised: nobody of the opening list vanishes, no decision goes round another, and
    /// the year's flows close.
    async fn what_was_merged_is_recognised_and_stands_in_the_register(town: Town) {
        let (mut hoa, one, other) = twice(&town).await;
        let (stays, goes) = (town.document(&hoa, "19558-01-0001"), town.document(&hoa, "19558-01-0003"));
        // The second registration names the same people in its own way: they are taken off it.
        let members = hoa.household(goes).unwrap().members;
        let gone = |id: &String| (id.clone(), [("removed".to_owned(), "died".into())].into());
        let page = Page { members: members.keys().map(gone).collect(), ..Page::default() };
        hoa.save(goes, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let refused = async |path: &str, form: &Json| {
            town.officer.post(path, form).await.unwrap_err().name().unwrap_or("").to_owned()
        };
        let plain = |act: &str| json!({ "act": act, "reason": "x" });
        let turned = super::pair(&town, one, stays);
        assert_eq!(refused(&turned, &plain("merge")).await, "merge-listed", "who was listed stays");
        merge(&town, one, other).await;
        merge(&town, stays, goes).await;
        for act in ["dismiss", "reopen"] {
            assert_eq!(refused(&super::pair(&town, goes, stays), &plain(act)).await, "merge-chain");
        }
        let life = town.path(&format!("/households/{goes}/life"));
        assert_eq!(refused(&life, &plain("undo")).await, "merge-chain", "it has no life of its own");

        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        for day in ["2021-12-30", "2999-01-01"] {
            let opinion = json!({ "number": "1/YK", "date": day, "signer": "Thử" });
            let early = json!({ "act": "approve", "root": root, "opinion": opinion });
            let refused = town.district.act(town.campaign, MO_O, &early).await.unwrap_err();
            assert_eq!(refused.name(), Some("paper-date"), "{day}");
        }
        town.district.approve(town.campaign, MO_O, &root).await.unwrap();
        town.officer.recognise(town.campaign, MO_O, &root).await.unwrap();
        let held = town.officer.get(&town.path("/register?on=2022-12-31")).await.unwrap();
        let documents = |of: &Json| of["households"].as_array().unwrap().iter()
            .map(|one| one["household"].clone()).collect::<Vec<_>>();
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        let row = list["list"]["rows"].as_array().unwrap().iter()
            .find(|row| row["document"] == goes.to_string()).unwrap().clone();
        assert_eq!((&row["life"], row["kin"].is_string()), (&json!("joined"), true));
        assert!(!documents(&held).contains(&row["household"]), "it is on no list any more");
        let moved = town.path("/register/moves?form=7.2&column=4");
        assert!(town.officer.get(&moved).await.is_ok());
        for form in ["7.2", "7.3"] {
            town.officer.get(&town.path(&format!("/forms/{form}"))).await.expect("the flows close");
        }
    }
}
