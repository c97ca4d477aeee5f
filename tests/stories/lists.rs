//! Disputes, settling, and the legal steps of a list.

use serde_json::{Value, json};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

/// Two phones write different roofs for one family while out of contact.
async fn disputed_roof(town: &Town) -> Value {
    let mut hoa = town.phone_with_work("hoa").await;
    let mut minh = town.phone_with_work("minh").await;
    town.review_all(&mut hoa, &["19558-01", "19558-02"]);
    let document = town.document(&minh, "19558-01-0001");
    let true_roof = town.truth("19558-01-0001").household.answers["roof"].clone();
    let other = if true_roof == "leaf".into() { "tile" } else { "leaf" };
    let page = Page { answers: [("roof".to_owned(), other.into())].into(), ..Page::default() };
    minh.save(document, &[page]).unwrap();
    hoa.sync().await.unwrap();
    minh.sync().await.unwrap();
    let disputes = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
    assert_eq!(disputes.as_array().unwrap().len(), 1, "{disputes}");
    disputes[0].clone()
}

fn settle_form(disputed: &Value, value: &Value) -> Value {
    json!({
        "heads": disputed["heads"],
        "path": disputed["disputes"][0]["path"],
        "value": value,
        "reason": "đã đến tận nhà xem",
    })
}

on_each_backend! {
    /// The dispute names both values, both people and both devices, and blocks the list.
    async fn a_disputed_roof_blocks_the_list_until_somebody_settles_it(town: Town) {
        let disputed = disputed_roof(&town).await;
        assert_eq!(disputed["disputes"][0]["path"], "answers/roof");
        let values = disputed["disputes"][0]["values"].as_array().unwrap();
        assert_eq!(values.len(), 2);
        for side in values {
            let hash = &side["changes"][0];
            let changes = disputed["changes"].as_array().unwrap();
            let author = changes.iter().find(|change| change["hash"] == *hash).unwrap();
            assert!(author["device"].as_str().unwrap().starts_with("máy của"), "{author}");
        }
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert!(
            matches!(refused.name(), Some("list-has-disputes" | "list-devices-silent")),
            "{refused}"
        );

        let truth = town.truth("19558-01-0001").household.answers["roof"].clone();
        let truth = serde_json::to_value(truth).unwrap();
        let document = disputed["document"].as_str().unwrap();
        town.officer
            .settle(town.campaign, document, &settle_form(&disputed, &truth))
            .await
            .unwrap();
        let left = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
        assert_eq!(left, json!([]));
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["household"]["answers"]["roof"], truth);
        let desk: Vec<&Value> = read["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|change| change["note"] == "đã đến tận nhà xem")
            .collect();
        assert_eq!(desk.len(), 1);
        assert_eq!(desk[0]["provenance"], "desk");
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// Settling at heads that somebody has moved on from hides nothing: the new value stays open.
    async fn a_value_that_arrives_meanwhile_is_not_overwritten(town: Town) {
        let disputed = disputed_roof(&town).await;
        let document = disputed["document"].as_str().unwrap();
        let mut minh = town.phone_with_work("minh").await;
        let page = Page { answers: [("roof".to_owned(), "canvas".into())].into(), ..Page::default() };
        minh.save(document.parse().unwrap(), &[page]).unwrap();
        minh.sync().await.unwrap();

        let form = settle_form(&disputed, &json!("tile"));
        town.officer.settle(town.campaign, document, &form).await.unwrap();
        let open = town.officer.get(&town.path("/units/19558/disputes")).await.unwrap();
        let values: Vec<&Value> = open[0]["disputes"][0]["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|side| &side["value"])
            .collect();
        assert_eq!(values, [&json!("canvas"), &json!("tile")]);
    }

    /// The answer got lost, or the button was pressed twice.
    async fn a_decision_sent_twice_is_one_change(town: Town) {
        let disputed = disputed_roof(&town).await;
        let document = disputed["document"].as_str().unwrap();
        let form = settle_form(&disputed, &json!("tile"));
        town.officer.settle(town.campaign, document, &form).await.unwrap();
        let path = town.path(&format!("/households/{document}"));
        let once = town.officer.get(&path).await.unwrap();
        town.officer.settle(town.campaign, document, &form).await.unwrap();
        assert_eq!(town.officer.get(&path).await.unwrap(), once);
    }

    /// A returned list goes back to collecting, takes what came late, and is submitted anew.
    async fn a_returned_list_takes_what_came_late(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let document = town.document(&hoa, "19558-01-0001");
        let page = Page { answers: [("revisits".to_owned(), 2.into())].into(), ..Page::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&list["late"], &list["root"]), (&json!(1), &json!(root)));

        let household = list["list"]["rows"][0]["household"].as_str().unwrap().to_owned();
        let act = json!({
            "act": "return",
            "root": root,
            "comment": "đề nghị rà soát lại",
            "households": { household.as_str(): "kiểm tra diện tích nhà" },
        });
        town.district.act(town.campaign, MO_O, &act).await.unwrap();
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&list["step"], &list["late"]), (&json!("collecting"), &json!(0)));
        assert_ne!(list["root"], json!(root), "the row rests on one more change now");
        assert_eq!(list["decisions"][1]["body"]["households"][&household], "kiểm tra diện tích nhà");
        town.recognise_mo_o().await;
    }

    /// After recognition the list is what it was, whatever still arrives.
    async fn a_recognised_list_never_moves(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.recognise_mo_o().await;
        let before = town.rates_of(MO_O).await;
        let document = town.document(&hoa, "19558-01-0001");
        let page = Page { answers: [("b1_method".to_owned(), "entered".into()), ("b1_entered".to_owned(), 300.into())].into(), ..Page::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();

        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&list["root"], &list["late"]), (&json!(root), &json!(1)));
        assert_eq!(town.rates_of(MO_O).await, before);
    }

    /// Taking a recognition back removes exactly that commune and marks the total incomplete.
    async fn a_withdrawn_list_leaves_the_total(town: Town) {
        let mut lan = town.phone_with_work("lan").await;
        town.review_all(&mut lan, &["19561-01"]);
        lan.sync().await.unwrap();
        let neighbour = town.sign_in("xa-19561").await;
        let other = neighbour.submit(town.campaign, "19561").await.unwrap();
        town.district.approve(town.campaign, "19561", &other).await.unwrap();
        neighbour.recognise(town.campaign, "19561", &other).await.unwrap();
        let alone = town.rates_of("467").await;

        town.review_mo_o().await;
        let root = town.recognise_mo_o().await;
        let both = town.rates_of("467").await;
        assert_eq!((&alone["lists"], &both["lists"]), (&json!(1), &json!(2)));
        assert_eq!(both["counts"]["poor"]["households"], 3);

        let act = json!({ "act": "withdraw", "root": root, "reason": "sai số liệu thôn" });
        town.officer.act(town.campaign, MO_O, &act).await.unwrap();
        assert_eq!(town.rates_of("467").await, alone);
        assert_eq!(town.rates_of(MO_O).await["complete"], false);
    }

    /// A phone that took work out and did not come back is named; it can be waived by name.
    async fn a_silent_phone_is_named_and_can_be_waived(town: Town) {
        town.phone_with_work("minh").await;
        town.review_mo_o().await;
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-devices-silent"));
        assert!(refused.to_string().contains("máy của minh"), "{refused}");

        let devices = town.officer.get("/v1/devices").await.unwrap();
        let minh = devices.as_array().unwrap().iter().find(|d| d["label"] == "máy của minh").unwrap();
        assert_eq!(minh["silent"], true);
        let form = json!({ "device": minh["device"], "reason": "máy rơi xuống suối, biên bản số 3" });
        town.officer.post(&town.path("/units/19558/waivers"), &form).await.unwrap();
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// One changed answer on one phone moves exactly one count.
    async fn one_changed_answer_moves_exactly_one_count(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.recognise_mo_o().await;
        let before = town.rates_of(MO_O).await;
        let act = json!({ "act": "withdraw", "root": root, "reason": "thử" });
        town.officer.act(town.campaign, MO_O, &act).await.unwrap();

        // The household entered with points from paper: 141 is just above the rural line of 140.
        let document = town.document(&hoa, "19558-02-0001");
        let page = Page { answers: [("b1_entered".to_owned(), 141.into())].into(), ..Page::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        town.recognise_mo_o().await;
        let after = town.rates_of(MO_O).await;

        let count = |row: &Value, class: &str| row["counts"][class]["households"].as_u64().unwrap();
        assert_eq!(count(&before, "poor") - count(&after, "poor"), 1);
        assert_eq!(count(&before, "near_poor"), count(&after, "near_poor"));
        assert_eq!(before["counts"]["closing"], after["counts"]["closing"]);
        assert_eq!(before["counts"]["opening_poor"], after["counts"]["opening_poor"]);
    }
}
