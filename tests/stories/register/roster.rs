//! The opening list of a later campaign, taken from the register.

use serde_json::{Value, json};
use tests::on_each_backend;
use tests::town::{MO_O, Town, campaign_form};

use super::{damage, register};
use crate::ask::{get, post};
use crate::offices::Browser;

fn hamlets() -> String {
    let mut file = "unit,code,type_word,name,area,households,persons,dtts_households,\
        dtts_persons,opening_households,opening_persons,opening_dtts_households,\
        opening_dtts_persons,source\n"
        .to_owned();
    for (unit, code) in tests::town::HAMLETS {
        file += &format!("{unit},{code},thôn,{code},rural,100,400,60,250,90,380,55,240,thử\n");
    }
    file
}

/// Adds a campaign that goes on with the register, with its hamlets; returns its path.
pub(crate) async fn later_campaign(town: &Town) -> String {
    let mut form = campaign_form();
    form["opening_date"] = json!("2023-09-01");
    form["review_date"] = json!("2023-12-14");
    form["continues"] = json!(town.campaign.to_string());
    let added = town.province.post("/v1/campaigns", &form).await.unwrap();
    let path = format!("/v1/campaigns/{}", added["id"].as_str().unwrap());
    town.province.import(&format!("{path}/hamlets"), hamlets()).await.unwrap();
    path
}

on_each_backend! {
    /// A later campaign takes its opening list from the register: the households are the same, and
    /// what left the list is not on it.
    async fn a_later_campaign_begins_with_the_register(town: Town) {
        let _hoa = town.review_mo_o().await;
        town.recognise_mo_o().await;
        let mut form = campaign_form();
        form["name"] = json!("Rà soát cuối năm 2023");
        form["opening_date"] = json!("2023-09-01");
        form["review_date"] = json!("2023-12-14");
        form["continues"] = json!(town.campaign.to_string());
        let added = town.province.post("/v1/campaigns", &form).await.unwrap();
        assert_eq!(added["register"], town.campaign.to_string());
        let path = |rest: &str| format!("/v1/campaigns/{}{rest}", added["id"].as_str().unwrap());
        let token = town.province.token();
        let take = json!({ "on": "2023-09-01" });
        let early = post(&town, token, &path("/register/roster"), &take).await;
        early.refused(404, "hamlet-unknown");
        town.province.import(&path("/hamlets"), hamlets()).await.unwrap();
        let taken = post(&town, token, &path("/register/roster"), &take).await.taken();
        assert_eq!((&taken["taken"], &taken["known"]), (&json!(7), &json!(0)), "4 here, 2 and 1 elsewhere");
        let twice = post(&town, token, &path("/register/roster"), &take).await.taken();
        assert_eq!(twice, json!({ "taken": 0, "known": 7, "broken": [], "more": 0 }));
        let mut office = Browser::of(&town, tests::town::SECOND).await;
        let later = added["id"].as_str().unwrap();
        let pages = format!("/office/campaigns/{later}/register?on=2023-09-01");
        let shown = office.open(&pages).await;
        shown.holds("Lấy làm danh sách đầu kỳ").holds("hidden\" name=\"on\" value=\"2023-09-01\"");
        let own = town.path("/register/roster");
        post(&town, token, &own, &take).await.refused(409, "register-own");

        let before = register(&town, "2023-09-01").await;
        let listed = path(&format!("/units/{MO_O}/households"));
        let listed = get(&town, town.officer.token(), &listed).await.taken();
        let ids = |all: &Value, of: fn(&Value) -> &Value| {
            let all = all.as_array().unwrap().iter();
            all.map(|one| of(one).clone().to_string()).collect::<std::collections::BTreeSet<_>>()
        };
        let of_list = ids(&listed, |one| &one["row"]["household"]);
        assert_eq!(of_list, ids(&before["households"], |one| &one["household"]));
        for one in listed.as_array().unwrap() {
            assert!(!one["head"].as_str().unwrap().is_empty(), "its people came along");
            assert!(one["row"]["members"].as_u64().unwrap() > 0);
        }
    }

    /// One household whose document is damaged is named, and its neighbours are taken.
    async fn one_that_cannot_be_read_stops_no_other(town: Town) {
        let hoa = town.review_mo_o().await;
        let bad = town.document(&hoa, "19558-01-0001");
        town.recognise_mo_o().await;
        let later = later_campaign(&town).await;
        let path = |rest: &str| format!("{later}{rest}");
        damage(&town, "update change set chunk = $1 where document = $2", vec![0], bad).await;
        let take = json!({ "on": "2023-09-01" });
        let token = town.province.token();
        let taken = post(&town, token, &path("/register/roster"), &take).await.taken();
        assert_eq!((&taken["taken"], &taken["broken"]), (&json!(6), &json!([bad])));
        let again = post(&town, token, &path("/register/roster"), &take).await.taken();
        assert_eq!((&again["taken"], &again["known"]), (&json!(0), &json!(6)));
        assert_eq!(again["broken"], json!([bad]), "and it is not forgotten");
    }

    /// Taken in parts, each household once: what is left is said, and the next request goes on.
    async fn an_opening_list_is_taken_in_parts(town: Town) {
        let _hoa = town.review_mo_o().await;
        town.recognise_mo_o().await;
        let path = format!("{}/register/roster", later_campaign(&town).await);
        let token = town.province.token();
        let take = async |most: usize| {
            let form = json!({ "on": "2023-09-01", "most": most });
            post(&town, token, &path, &form).await
        };
        for most in [0, 2_001] {
            take(most).await.refused(400, "body-malformed");
        }
        for (taken, known, more) in [(3, 0, 4), (3, 3, 1), (1, 6, 0), (0, 7, 0)] {
            let came = take(3).await.taken();
            assert_eq!(came, json!({ "taken": taken, "known": known, "broken": [], "more": more }));
        }
    }
}
