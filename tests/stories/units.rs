//! Lists of units loaded beside the built-in one: by whom ever, they hold for every process.

use serde_json::json;
use server::cli::serve::{FIRST_ACCOUNT, Running, first_account};
use server::demo::client::Client;
use server::demo::office::Office;
use shared::unit::Units;
use tests::on_each_backend;
use tests::town::{MO_O, PASSWORD, Town, person};

use crate::ask::{get, kept, post, post_raw};
use crate::scope::child::operator;

const HEADER: &str = "code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to\n";

/// A list of units: the built-in rows of these codes, which a list repeats that builds on them,
/// and new rows.
fn list(known: &[&str], rows: &str) -> String {
    let lines = Units::QUANG_TRI_2022.lines();
    let of = |line: &&str| known.iter().any(|code| line.starts_with(&format!("{code},")));
    let known: String = lines.filter(of).map(|line| format!("{line}\n")).collect();
    format!("{HEADER}{known}{rows}")
}

/// One province more, whose district has its code in common with every other one made here.
fn neighbour(number: usize) -> String {
    format!(
        "{HEADER}{},,province,tỉnh,Láng Giềng {number},Lang Gieng,,,\n\
         900,{},district,huyện,Chung {number},Chung,,,\n",
        60 + number,
        60 + number
    )
}

/// Province 44 before and after the first of July 2025, with a commune of each.
const TWO_TIMES: &str = "\
    code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to\n\
    44,,province,tỉnh,Quảng Bình,Quang Binh,,,2025-06-30\n\
    450,44,district,thành phố,Đồng Hới,Dong Hoi,,,2025-06-30\n\
    18850,450,commune,phường,Hải Thành,Hai Thanh,,,2025-06-30\n\
    44,,province,tỉnh,Quảng Trị,Quang Tri,,2025-07-01,\n\
    19001,44,commune,xã,Mới,Moi,,2025-07-01,\n";

/// Lets the operator add a province office, which signs in with the password printed.
async fn province_of(town: &Town, name: &str, unit: &str, on: &str) -> Office {
    let add = ["user", "add", name, "--role", "province", "--unit", unit, "--on", on];
    let said = operator(town, &add).unwrap();
    let password = said.trim().rsplit_once(" / ").unwrap().1;
    Office::sign_in(&town.client, name, password).await.unwrap()
}

/// Starts an installation that nobody has done anything with, on the town's kind of database.
async fn fresh_server(town: &Town) -> (Running, Office) {
    let mut config = town.config.clone();
    config.data = town.folder().join("fresh");
    if config.database.is_some() {
        config.database = tests::postgres::database(tests::postgres::Cluster::Fast).await;
    }
    let running = Running::start(&config).await.unwrap();
    let password = first_account(&running.app).await.unwrap().unwrap();
    let client = Client::new(&format!("http://{}", running.address));
    let office = Office::sign_in(&client, FIRST_ACCOUNT, &password).await.unwrap();
    (running, office)
}

on_each_backend! {
    /// Eight offices load lists that contradict each other at once: one is taken, and the server
    /// goes on.
    async fn of_contradicting_lists_one_is_taken(town: Town) {
        let second = town.second_server().await;
        let before = kept(&town).await;
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..8 {
            let to = if number % 2 == 0 { town.running.address } else { second.address };
            let token = town.province.token().to_owned();
            let body = neighbour(number).into_bytes();
            calls.spawn(async move {
                crate::ask::ask(to, "POST", "/v1/units", Some(&token), body).await
            });
        }
        let mut taken = 0;
        while let Some(heard) = calls.join_next().await {
            let heard = heard.unwrap();
            if heard.status == 200 {
                taken += 1;
            } else {
                heard.refused(422, "import-rows");
            }
        }
        assert_eq!(taken, 1);
        assert_eq!(kept(&town).await["unit files"], before["unit files"] + 1);
        get(&town, town.province.token(), "/v1/campaigns").await.taken();
        second.stop().await.unwrap();
    }

    /// What the command or another process loads, a running server knows at the next call.
    async fn units_loaded_elsewhere_are_known_at_once(town: Town) {
        let second = town.second_server().await;
        let newer = list(&["45", "467"], "19999,467,commune,xã,Mới Lập,Moi Lap,,,2025-06-30\n");
        let file = town.folder().join("units.csv");
        std::fs::write(&file, newer).unwrap();
        let path = town.path("/units");
        let knows = async |code: &str| {
            let shown = get(&town, town.province.token(), &path).await.taken();
            shown.as_array().unwrap().iter().any(|unit| unit["unit"] == code)
        };
        assert!(!knows("19999").await);
        let said = operator(&town, &["import", "units", &file.to_string_lossy()]).unwrap();
        assert_eq!(said.trim(), "3 units");
        assert!(knows("19999").await);

        let newest = list(&["45", "467"], "19998,467,commune,xã,Mới Nữa,Moi Nua,,,2025-06-30\n");
        let to = second.address;
        let token = Some(town.province.token());
        let heard = crate::ask::ask(to, "POST", "/v1/units", token, newest.into_bytes()).await;
        assert_eq!(heard.taken()["taken"], json!(3));
        assert!(knows("19998").await);
        second.stop().await.unwrap();
    }

    /// A list that contradicts the known ones is refused, whoever brings it, in both languages.
    async fn a_contradicting_list_is_refused_by_every_door(town: Town) {
        let wrong = list(&["45"], "467,45,district,huyện,Đakrông khác,Dakrong,,,\n");
        let before = kept(&town).await;
        let heard = post_raw(&town, town.province.token(), "/v1/units", wrong.as_bytes()).await;
        let item = heard.refused(422, "import-rows").items()[0].clone();
        assert_eq!((&item["line"], &item["column"]), (&json!(3), &json!("code")));
        for language in ["vi", "en"] {
            assert!(item[language].as_str().unwrap().contains("467"), "{item}");
        }
        let file = town.folder().join("units.csv");
        std::fs::write(&file, wrong).unwrap();
        let said = operator(&town, &["import", "units", &file.to_string_lossy()]).unwrap_err();
        assert!(said.contains("line 3: code 467 already means another unit"), "{said}");
        assert_eq!(kept(&town).await, before);
    }

    /// The installation is new, the built-in province is of the past: its office adds people.
    async fn a_fresh_server_takes_people_before_any_campaign(town: Town) {
        let (fresh, office) = fresh_server(&town).await;
        let people = json!([person("huyen-467", "district", "467", Some(PASSWORD))]);
        office.post("/v1/accounts", &people).await.unwrap();
        let shown = office.get("/v1/accounts").await.unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
        office.codes(&["huyen-467".to_owned()]).await.unwrap();
        fresh.stop().await.unwrap();
    }

    /// A code means a unit only in its period: 44 was Quảng Bình and is Quảng Trị now.
    async fn a_province_of_today_locks_nobody_of_former_days_out(town: Town) {
        post_raw(&town, town.province.token(), "/v1/units", TWO_TIMES.as_bytes()).await.taken();
        let today = province_of(&town, "quang-tri-moi", "44", "2025-12-01").await;
        let former = province_of(&town, "quang-binh", "44", "2022-12-01").await;
        let mut form = tests::town::campaign_form();
        form["province"] = json!("44");
        form["opening_date"] = json!("2025-12-01");
        form["review_date"] = json!("2025-12-14");
        let path = "/v1/campaigns";
        for office in [&former, &town.province] {
            post(&town, office.token(), path, &form).await.refused(404, "unit-unknown");
        }
        let campaign = today.add_campaign(&form).await.unwrap();

        let units = format!("/v1/campaigns/{campaign}/units");
        for office in [&former, &town.province, &town.officer] {
            get(&town, office.token(), &units).await.refused(404, "campaign-unknown");
        }
        let listed = get(&town, former.token(), path).await.taken();
        assert_eq!(listed, json!([]), "Quảng Bình has none, and is shown none of Quảng Trị");
        let people = json!([person("rsv-moi", "enumerator", "19001", None)]);
        today.post("/v1/accounts", &people).await.unwrap();
        let known = async |office: &Office| office.get("/v1/accounts").await.unwrap();
        assert_eq!(known(&today).await.as_array().unwrap().len(), 2);
        assert_eq!(known(&former).await.as_array().unwrap().len(), 1, "only its own");
        post(&town, former.token(), "/v1/devices/codes", &json!({ "accounts": ["rsv-moi"] }))
            .await
            .refused(404, "not-found");

        let more = json!([person("rsv-cu", "enumerator", MO_O, None)]);
        post(&town, town.officer.token(), "/v1/accounts", &more).await.taken();
        let shown = known(&town.officer).await.to_string();
        assert!(shown.contains("rsv-cu") && shown.contains("hoa") && !shown.contains("rsv-moi"));
        town.phone_with_work("hoa").await;
        assert!(!known(&town.officer).await.to_string().contains("lan"), "nor the neighbours");
    }

    /// The day of an account may be said; on a day without the unit there is nobody to add.
    async fn the_day_of_an_account_may_be_said(town: Town) {
        let token = town.province.token();
        for (on, status) in [("2025-07-01", 403), ("2025-02-30", 400), ("", 400)] {
            let mut form = person("ai-do", "enumerator", MO_O, None);
            form["on"] = json!(on);
            assert_eq!(post(&town, token, "/v1/accounts", &json!([form])).await.status, status);
        }
        let mut form = person("ai-do", "enumerator", MO_O, None);
        form["on"] = json!("2024-06-30");
        let added = post(&town, token, "/v1/accounts", &json!([form])).await.taken();
        assert_eq!(added[0]["unit_on"], "2024-06-30");
        let add = ["user", "add", "x", "--role", "officer", "--unit", MO_O, "--on", "2025-07-01"];
        assert!(operator(&town, &add).unwrap_err().contains("no unit 19558 on 2025-07-01"));
        assert!(operator(&town, &add[..7]).is_ok(), "read on the last day it was in force");
        let shown = town.province.get("/v1/accounts").await.unwrap();
        let day = shown.as_array().unwrap().iter().find(|one| one["name"] == "x").unwrap();
        assert_eq!(day["unit_on"], "2025-06-30");
    }
}
