//! Stock clients on bad days: new households, frozen lists, revoked devices, lines that flap.

use serde_json::{Value as Json, json};
use shared::id::DocumentId;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use super::Right;
use super::clients::until_stored;
use super::people::Stock;

/// Registers a household and lets a stock client write it, opened by its address or from the first
/// change that came with the answer.
async fn register(town: Town, version: &str, way: &str) {
    let Some(mut stock) = Stock::start(version) else { return };
    let mut tablet = town.phone_with_work("hoa").await;
    let right = Right { client: &town.client, token: tablet.access() };
    let key = "0123456789abcdef0123456789abcdef";
    let made = right.register(&town, "19558-02", key).await.unwrap();
    assert_eq!(made, right.register(&town, "19558-02", key).await.unwrap(), "once for one key");
    let document: DocumentId = made["document"].as_str().unwrap().parse().unwrap();
    stock.join(&right.ticket(&town).await).await;
    if way == "import" {
        let import = json!({ "do": "import", "id": made["document_id"], "bytes": made["genesis"] });
        stock.tell(import).await;
    } else {
        assert_eq!(stock.find(document).await, "ready");
    }
    stock.edit(document, json!({ "area_dm2": 5_000 })).await;
    until_stored(&town, document, 1).await;
    tablet.sync().await.unwrap();
    assert_eq!(tablet.household(document).unwrap().answers["area_dm2"], 5_000.into());
}

async fn refused(right: &Right<'_>, town: &Town, hamlet: &str, key: &str) -> String {
    let error = right.register(town, hamlet, key).await.unwrap_err();
    error.name().unwrap().to_owned()
}

on_each_backend! {
    async fn a_new_household_is_registered_and_written(town: Town) {
        register(town, "2.5", "import").await;
    }

    async fn the_line_before_opens_a_new_household_by_its_address(town: Town) {
        register(town, "1.2", "find").await;
    }

    /// Only in hamlets of one's own, under a key that is one, from a device, in an open campaign.
    async fn a_household_is_registered_where_one_works_only(town: Town) {
        let tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let key = "ab".repeat(16);
        for hamlet in ["19558-02", "19561-01", "no-such", ""] {
            assert_eq!(refused(&right, &town, hamlet, &key).await, "hamlet-unknown");
        }
        for key in ["", "ab", &"zz".repeat(16)] {
            assert_eq!(refused(&right, &town, "19558-01", key).await, "household-key-malformed");
        }
        let office = Right { client: &town.client, token: town.officer.token() };
        assert_eq!(refused(&office, &town, "19558-01", &key).await, "device-needed");
        let close = town.path("/close");
        town.province.post(&close, &Json::Null).await.unwrap();
        assert_eq!(refused(&right, &town, "19558-01", &key).await, "campaign-closed");
    }

    /// What is written on a frozen list is kept as late, and is in nobody's copy.
    async fn what_may_only_be_read_is_not_written(town: Town) {
        let Some(mut stock) = Stock::start("2.5") else { return };
        let mut hoa = town.review_mo_o().await;
        town.officer.submit(town.campaign, MO_O).await.unwrap();
        let document = town.document(&hoa, "19558-01-0001");
        let tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        stock.join(&right.ticket(&town).await).await;
        assert_eq!(stock.find(document).await, "ready");
        stock.edit(document, json!({ "cause_other": "muộn" })).await;
        until_stored(&town, document, 1).await;
        hoa.sync().await.unwrap();
        let answers = hoa.household(document).unwrap().answers;
        assert_ne!(answers.get("cause_other"), Some(&"muộn".into()));
        let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        assert_eq!(aside[0]["reason"], "list-frozen", "{aside}");
        let of_lan = town.phone_with_work("lan").await;
        let elsewhere = town.document(&of_lan, "19561-01-0001");
        assert_eq!(stock.find(elsewhere).await, "unavailable");
    }

    /// A revoked device is out at its next word, and what it says then is not taken.
    async fn a_device_that_is_revoked_is_out(town: Town) {
        let Some(mut stock) = Stock::start("2.5") else { return };
        let tablet = town.phone_with_work("minh").await;
        let document = town.document(&tablet, "19558-01-0001");
        let right = Right { client: &town.client, token: tablet.access() };
        stock.join(&right.ticket(&town).await).await;
        assert_eq!(stock.find(document).await, "ready");
        let path = format!("/v1/devices/{}/revoke", tablet.device);
        town.province.post(&path, &Json::Null).await.unwrap();
        stock.edit(document, json!({ "cause_other": "sau khi thu hồi" })).await;
        stock.tell(json!({ "do": "told", "reason": "device-revoked" })).await;
        until_stored(&town, document, 0).await;
    }

    /// However often it comes and goes, it ends with everything, and everything once.
    async fn a_line_that_flaps_loses_nothing(town: Town) {
        let Some(mut stock) = Stock::start("2.5") else { return };
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-01-0001");
        let tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        stock.join(&right.ticket(&town).await).await;
        assert_eq!(stock.find(document).await, "ready");
        for number in 1..=5 {
            stock.edit(document, json!({ "area_dm2": 4_000 + number })).await;
            stock.tell(json!({ "do": "storm", "times": 6 })).await;
        }
        until_stored(&town, document, 5).await;
        hoa.sync().await.unwrap();
        assert_eq!(hoa.household(document).unwrap().answers["area_dm2"], 4_005.into());
    }
}
