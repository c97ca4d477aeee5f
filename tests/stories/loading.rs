//! Files and campaigns of an office: loaded twice, too late, or where the office has no say.

use serde_json::{Value, json};
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, campaign_form};

use crate::ask::{ask, get, kept, post, post_raw};

const ROSTER: &str =
    "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n";

fn family(code: &str, hamlet: &str) -> String {
    format!("{code},{hamlet},poor,QĐ 1,1,Hồ Thị {code},head,1980,female,23,\n")
}

/// Reads which lines and columns are named.
fn places(items: &[Value]) -> Vec<(u64, &str)> {
    let column = |item: &'_ Value| item["line"].as_u64().unwrap();
    items.iter().map(|item| (column(item), item["column"].as_str().unwrap())).collect()
}

on_each_backend! {
    /// A slow line and an impatient hand: one opening list, sent six times at once to two servers.
    async fn the_same_opening_list_at_once_doubles_nobody(town: Town) {
        let second = town.second_server().await;
        let before = kept(&town).await;
        let file = ["m-1", "m-2", "m-3"].map(|code| family(code, "19558-01")).concat();
        let file = format!("{ROSTER}{file}");
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..6 {
            let to = if number % 2 == 0 { town.running.address } else { second.address };
            let (token, path) = (town.province.token().to_owned(), town.path("/roster"));
            let body = file.clone().into_bytes();
            calls.spawn(async move { ask(to, "POST", &path, Some(&token), body).await });
        }
        let (mut taken, mut skipped) = (0, 0);
        while let Some(heard) = calls.join_next().await {
            let answer = heard.unwrap().taken();
            taken += answer["taken"].as_u64().unwrap();
            skipped += answer["skipped"].as_u64().unwrap();
        }
        assert_eq!((taken, skipped), (3, 15));
        let after = kept(&town).await;
        assert_eq!(after["households"], before["households"] + 3);
        assert_eq!(after["accepted"], before["accepted"] + 3);

        let moved = format!("{ROSTER}{}{}", family("m-1", "19561-01"), family("m-4", "19561-01"));
        let token = town.province.token();
        let heard = post_raw(&town, token, &town.path("/roster"), moved.as_bytes()).await.taken();
        assert_eq!((&heard["taken"], &heard["skipped"]), (&json!(1), &json!(1)));
        second.stop().await.unwrap();
    }

    /// More households than are in memory together, of two communes in turn, some of them there
    /// already: all are taken or, where one commune's list is under way, none.
    async fn an_opening_list_is_taken_whole_or_not_at_all(town: Town) {
        town.review_mo_o().await;
        town.officer.submit(town.campaign, MO_O).await.unwrap();
        let path = town.path("/roster");
        let send = async |numbers: std::ops::Range<usize>, hamlets: [&str; 2]| {
            let of = |number: usize| family(&format!("m-{number}"), hamlets[number % 2]);
            let text = ROSTER.to_owned() + &numbers.map(of).collect::<String>();
            post_raw(&town, town.province.token(), &path, text.as_bytes()).await
        };
        let before = kept(&town).await;
        let open = ["19369-01", "19561-01"];
        assert_eq!(send(700..800, open).await.taken()["taken"], 100);
        let heard = send(0..1_300, open).await.taken();
        assert_eq!((&heard["taken"], &heard["skipped"]), (&json!(1_200), &json!(100)));
        let after = kept(&town).await;
        for what in ["households", "accepted"] {
            assert_eq!(after[what] - before[what], 1_300, "{what}");
        }
        let refused = send(1_300..2_600, ["19561-01", "19558-01"]).await;
        assert_eq!(refused.refused(409, "import-after-work").items(), [MO_O]);
        assert_eq!(kept(&town).await, after);
    }

    /// Codes that the forms do not have are named before they are anybody's answers.
    async fn codes_the_form_does_not_have_are_row_faults(town: Town) {
        let file = format!(
            "{ROSTER}\
             m-1,19558-01,poor,QĐ 1,1,Hồ A,head,1980,male,1,\n\
             m-2,19558-01,poor,QĐ 1,1,Hồ B,head,1980,male,Kin,\n\
             m-3,19558-01,poor,QĐ 1,1,Hồ C,head,1980,trai,23,\n\
             m-4,19558-01,poor,QĐ 1,1,Hồ D,head,1980,male,01,\n\
             m-4,19558-01,poor,QĐ 1,1,Hồ E,bạn,2010,female,01,\n"
        );
        let token = town.province.token();
        let heard = post_raw(&town, token, &town.path("/roster"), file.as_bytes()).await;
        let items = heard.refused(422, "import-rows").items();
        let wrong = [(2, "ethnicity"), (3, "ethnicity"), (4, "sex"), (6, "relation")];
        assert_eq!(places(&items), wrong);
    }

    /// A campaign that no score table and no standard fits is not added.
    async fn a_campaign_fits_its_standard_and_its_regions(town: Town) {
        let before = kept(&town).await;
        for (key, value, status, name) in [
            ("region", "rural_moon", 422, "region-unknown"),
            ("region", "urban", 422, "region-unknown"),
            ("region", "", 422, "region-unknown"),
            ("review_date", "2021-08-31", 422, "standard-not-in-force"),
            ("review_date", "2027-01-01", 422, "standard-not-in-force"),
        ] {
            let mut form = campaign_form();
            form["opening_date"] = json!("2020-12-31");
            form[key] = json!(value);
            let token = town.province.token();
            post(&town, token, "/v1/campaigns", &form).await.refused(status, name);
        }
        assert_eq!(kept(&town).await, before);
    }

    /// The campaign is closed: nothing more is loaded into it.
    async fn a_closed_campaign_takes_no_file(town: Town) {
        town.province.post(&town.path("/close"), &json!({})).await.unwrap();
        let before = kept(&town).await;
        let table = include_str!("../../shared/standards/b1-synthetic.json").to_owned();
        let hamlet = "unit,code,type_word,name,area,households,persons,dtts_households,\
                      dtts_persons,opening_households,opening_persons,opening_dtts_households,\
                      opening_dtts_persons,source\n\
                      19558,m-1,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n";
        for (what, text) in [
            ("hamlets", hamlet.to_owned()),
            ("roster", format!("{ROSTER}{}", family("m-1", "19558-01"))),
            ("score-table", table),
            ("assignments", "hamlet,account\n19558-02,stranger\n".to_owned()),
        ] {
            let (token, path) = (town.province.token(), town.path(&format!("/{what}")));
            let heard = post_raw(&town, token, &path, text.as_bytes()).await;
            heard.refused(409, "campaign-closed");
        }
        assert_eq!(kept(&town).await, before);
    }

    /// The commune's officer hands out the hamlets of the commune to its enumerators.
    async fn an_officer_assigns_the_own_commune(town: Town) {
        let file = "hamlet,account\n\
                    19558-01,stranger\n\
                    19561-01,stranger\n\
                    19558-99,stranger\n\
                    19558-01,lan\n\
                    19558-01,xa-19558\n\
                    19558-02,stranger\n";
        let path = town.path("/assignments");
        let before = kept(&town).await;
        let heard = post_raw(&town, town.officer.token(), &path, file.as_bytes()).await;
        let items = heard.refused(422, "import-rows").items();
        let wrong = [(3, "hamlet"), (4, "hamlet"), (5, "account"), (6, "account")];
        assert_eq!(places(&items), wrong);
        assert_eq!(items[0]["en"], items[1]["en"], "what is elsewhere looks like what is not");
        assert_eq!(kept(&town).await, before);
        let keep = format!("{path}?keep=good");
        let heard = post_raw(&town, town.officer.token(), &keep, file.as_bytes()).await.taken();
        assert_eq!(heard["taken"], 2);
        let phone = town.phone_with_work("stranger").await;
        assert!(phone.households.values().any(|kept| kept.code.starts_with("19558-02")));
        post_raw(&town, town.district.token(), &path, file.as_bytes())
            .await
            .refused(403, "forbidden");
    }

    /// Nobody works in a commune that is not theirs, whoever writes the list.
    async fn a_hamlet_is_of_the_persons_own_unit(town: Town) {
        let file = "hamlet,account\n19561-01,hoa\n19558-02,lan\n19558-01,huyen-467\n";
        let token = town.province.token();
        let heard = post_raw(&town, token, &town.path("/assignments"), file.as_bytes()).await;
        let items = heard.refused(422, "import-rows").items();
        assert_eq!(places(&items), [(2, "account"), (3, "account")], "{HUONG_HIEP} is not {MO_O}");
    }

    /// The address in every refusal leads to what it means.
    async fn every_problem_can_be_looked_up(town: Town) {
        for problem in mobile_schema::problem::ALL {
            let shown = get(&town, "", &format!("/problems/{}", problem.name)).await.taken();
            assert_eq!((&shown["vi"], &shown["en"]), (&json!(problem.vi), &json!(problem.en)));
        }
        get(&town, "", "/problems/no-such-name").await.refused(404, "not-found");
    }
}
