//! Tables that are taken: within the scope, harmless in any program, and read again as the same.

use std::collections::BTreeSet;

use mobile_schema::household::Value;
use serde_json::json;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI, campaign_form};

use super::sent::read_sheet;
use super::{dechunked, fetch, province};
use crate::ask::{get, post, post_raw};
use crate::offices::Browser;

/// Takes a table of a unit.
async fn taken(browser: &Browser, town: &Town, unit: &str, query: &str) -> Vec<u8> {
    let path = format!("/office/campaigns/{}/export/file?unit={unit}&{query}", town.campaign);
    let heard = fetch(browser, &path).await;
    assert_eq!(heard.status, 200, "{path}");
    assert!(heard.header("content-disposition").unwrap().starts_with("attachment; filename="));
    dechunked(&heard)
}

fn lines(bytes: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8(bytes).unwrap();
    text.trim_start_matches('\u{feff}').lines().map(ToOwned::to_owned).collect()
}

/// Mò Ó is reviewed to the end; one of its people has a name that looks like a formula.
async fn recognised(town: &Town) {
    let mut hoa = town.review_mo_o().await;
    let document = town.document(&hoa, "19558-01-0001");
    let members = hoa.household(document).unwrap().members;
    let head = members.iter().find(|(_, member)| member["relation"] == Value::from("head"));
    let page = Page {
        members: [(
            head.unwrap().0.clone(),
            [
                ("name".to_owned(), Value::from("=HYPERLINK(\"http://x\")")),
                ("id_number".to_owned(), Value::from("045180001234")),
            ]
            .into(),
        )]
        .into(),
        ..Page::default()
    };
    hoa.save(document, &[page]).unwrap();
    hoa.sync().await.unwrap();
    town.recognise_mo_o().await;
}

/// What an opening list says of each household: class, DTTS, and who belongs to it.
async fn opening(town: &Town, campaign: &str) -> BTreeSet<String> {
    let path = format!("/v1/campaigns/{campaign}/units/{MO_O}/households");
    let shown = get(town, town.officer.token(), &path).await.taken();
    let mut all = BTreeSet::new();
    for one in shown.as_array().unwrap() {
        let document = one["row"]["document"].as_str().unwrap();
        let path = format!("/v1/campaigns/{campaign}/households/{document}");
        let read = get(town, town.officer.token(), &path).await.taken();
        let mut members: Vec<String> = read["household"]["members"]
            .as_object()
            .unwrap()
            .values()
            .filter(|member| member.get("removed").is_none())
            .map(|member| {
                ["name", "relation", "birth", "sex", "ethnicity", "id_number"]
                    .map(|key| member[key].as_str().unwrap_or_default().to_owned())
                    .join("|")
            })
            .collect();
        members.sort();
        all.insert(format!("{} {}", one["head"], members.join(" + ")));
    }
    all
}

on_each_backend! {
    /// This year's result is next year's opening list: taken as XLSX or as CSV, and sent again.
    async fn what_is_taken_is_read_again_as_the_same(town: Town) {
        recognised(&town).await;
        let clerk = province(&town).await;
        let listed: BTreeSet<String> = {
            let path = town.path(&format!("/units/{MO_O}/households"));
            let shown = get(&town, town.officer.token(), &path).await.taken();
            let poor = shown.as_array().unwrap().iter().filter(|one| {
                matches!(one["row"]["class"].as_str(), Some("poor" | "near_poor"))
            });
            poor.map(|one| one["head"].to_string()).collect()
        };
        assert!(listed.len() >= 3);
        let all = opening(&town, &town.campaign.to_string()).await;
        let mut before: BTreeSet<String> =
            all.into_iter().filter(|one| listed.iter().any(|head| one.starts_with(head))).collect();
        for format in ["xlsx", "csv"] {
            let query = format!("layout=exchange&format={format}&numbers=1");
            let file = taken(&clerk, &town, MO_O, &query).await;
            let mut next = campaign_form();
            next["name"] = json!(format!("Năm sau {format}"));
            let added = post(&town, town.province.token(), "/v1/campaigns", &next).await.taken();
            let id = added["id"].as_str().unwrap();
            let hamlets = crate::tables::hamlet_file();
            let path = |what: &str| format!("/v1/campaigns/{id}/{what}");
            let token = town.province.token();
            post_raw(&town, token, &path("hamlets"), hamlets.as_bytes()).await.taken();
            let loaded = post_raw(&town, token, &path("roster"), &file).await.taken();
            assert_eq!(loaded["taken"], listed.len(), "{loaded}");
            assert!(loaded["left_out"].as_u64().unwrap() > 0, "escaped ones are passed over");
            let after = opening(&town, id).await;
            assert_eq!(std::mem::take(&mut before), after, "{format}");
            before = after;
            let again = post_raw(&town, token, &path("roster"), &file).await.taken();
            assert_eq!((&again["taken"], &again["skipped"]), (&json!(0), &json!(listed.len())));
        }
    }

    /// No cell is run, whatever somebody has called themselves; and nobody's number is shown whole
    /// unless it is asked for by who may have it.
    async fn names_that_are_formulas_stay_names_and_numbers_are_masked(town: Town) {
        recognised(&town).await;
        let officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let csv = lines(taken(&officer, &town, MO_O, "layout=exchange&format=csv").await);
        let named: Vec<&String> = csv.iter().filter(|line| line.contains("HYPERLINK")).collect();
        assert!(!named.is_empty());
        for line in &csv {
            for sign in ["=", "+", "-", "@"] {
                assert!(!line.contains(&format!(",{sign}")) && !line.contains(&format!(",\"{sign}")), "{line}");
            }
        }
        assert!(named[0].contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{}", named[0]);
        assert!(named[0].contains("…234") && !csv.concat().contains("045180001234"));
        let whole = taken(&officer, &town, MO_O, "layout=exchange&format=csv&numbers=1").await;
        assert!(lines(whole).concat().contains(",045180001234,"));
        let district = Browser::of(&town, "huyen-467").await;
        let masked = taken(&district, &town, MO_O, "layout=exchange&format=csv&numbers=1").await;
        assert!(!lines(masked).concat().contains("045180001234"), "a district compares");
        let book = read_sheet(&taken(&officer, &town, MO_O, "layout=exchange&format=xlsx").await);
        assert!(book.iter().flatten().any(|cell| cell == "=HYPERLINK(\"http://x\")"), "a text");
        let listed = get(&town, town.officer.token(), &town.path(&format!("/units/{MO_O}/households"))).await;
        assert!(!listed.holds("045180001234"), "no list shows it");
    }

    /// Everything of the units below, and nothing of others; the same table in both formats.
    async fn everybody_takes_what_they_may_see_and_nothing_else(town: Town) {
        recognised(&town).await;
        let mut district = Browser::of(&town, "huyen-467").await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        district.open(&format!("{campaign}/export")).await.holds("Mò Ó").lacks("Vĩnh Thái").lacks("name=\"numbers\"");
        let all = lines(taken(&district, &town, "467", "layout=households&format=csv").await);
        assert_eq!(all.len(), 1 + 8, "six of Mò Ó, two of Hướng Hiệp: {all:#?}");
        assert!(!all.concat().contains(VINH_THAI));
        let book = read_sheet(&taken(&district, &town, "467", "layout=households&format=xlsx").await);
        let first = |row: &Vec<String>| row[0].clone();
        let csv_first = |line: &String| line.split(',').next().unwrap().to_owned();
        assert_eq!(book.iter().map(first).collect::<Vec<_>>(), all.iter().map(csv_first).collect::<Vec<_>>());
        let class = book[0].iter().position(|head| head == "Phân loại hộ").unwrap();
        assert!(book.iter().any(|row| row[class] == "Hộ nghèo"));
        let members = lines(taken(&district, &town, MO_O, "layout=members&format=csv").await);
        assert!(members.len() > 6);
        for unit in [VINH_THAI, "464", "45", "00000"] {
            let path = format!("{campaign}/export/file?unit={unit}&layout=households");
            assert_eq!(fetch(&district, &path).await.status, 404, "{unit}");
        }
        let officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let path = format!("{campaign}/export/file?unit={HUONG_HIEP}&layout=households");
        assert_eq!(fetch(&officer, &path).await.status, 404);
    }

    /// The ministry's software wants other columns: the province sets them, and every version stays.
    async fn a_province_sets_the_columns(town: Town) {
        town.review_mo_o().await;
        let mut clerk = province(&town).await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let path = format!("{campaign}/layouts");
        let page = clerk.open(&path).await;
        page.holds("household | Mã hộ | text").holds("answer.roof");
        let wrong = [("name", "Bộ"), ("rows", "household"), ("columns", "househol | Mã | text\nclass | Loại | iso\nname | Tên\n")];
        let refused = clerk.fill(&path, &page, &wrong).await;
        assert_eq!(refused.status, 422);
        refused.holds("Dòng 1: Không có khóa").holds("answer.roof").holds("Dòng 2: ").holds("Dòng 3: ");
        refused.holds("househol | Mã | text").holds("value=\"Bộ\"");
        let right = [("name", "Bộ"), ("rows", "household"), ("columns", "household | MA_HO\nclass | LOAI | code\ndtts | DTTS | x\nanswer.roof | MAI | code\nindicator.adult_education | GD\n")];
        let saved = clerk.fill(&path, &page, &right).await;
        assert_eq!(saved.status, 303, "{}", saved.html);
        let file = lines(taken(&clerk, &town, MO_O, "layout=B%E1%BB%99&format=csv").await);
        assert_eq!(file[0], "MA_HO,LOAI,DTTS,MAI,GD");
        assert!(file.iter().any(|line| line.starts_with("19558-01-0001,poor,x,")), "{file:#?}");
        // Saved once more it is the same version; another one is the next.
        clerk.fill(&path, &page, &right).await;
        let layouts = town.path("/layouts");
        let shown = get(&town, town.province.token(), &layouts).await.taken();
        let ours = |shown: &serde_json::Value| {
            shown.as_array().unwrap().iter().find(|one| one["name"] == "Bộ").unwrap()["version"].clone()
        };
        assert_eq!(ours(&shown), 1);
        let next = json!({ "name": "Bộ", "rows": "member", "columns": [{ "key": "name", "title": "TEN" }] });
        assert_eq!(post(&town, town.province.token(), &layouts, &next).await.taken(), 2);
        let shown = get(&town, town.officer.token(), &layouts).await.taken();
        assert_eq!(ours(&shown), 2);
        post(&town, town.officer.token(), &layouts, &next).await.refused(403, "forbidden");
    }
}
