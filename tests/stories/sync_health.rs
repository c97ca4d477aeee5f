//! Sync health: offices see who is silent and what is stuck, each in its own units.

use serde_json::{Value, json};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI};

use crate::ask::get;
use crate::scope::child::operator;

fn cause(text: &str) -> Page {
    Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
}

async fn health(town: &Town, token: &str, rest: &str) -> Vec<Value> {
    let path = town.path(&format!("/sync-health{rest}"));
    get(town, token, &path).await.taken().as_array().unwrap().clone()
}

fn row<'a>(rows: &'a [Value], key: &str, value: &str) -> &'a Value {
    rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("{value}: {rows:#?}"))
}

/// Leaves one change waiting, one held and one quarantined in Mò Ó.
async fn stuck(town: &Town) {
    let mut hoa = town.phone_with_work("hoa").await;
    let document = town.document(&hoa, "19558-01-0001");
    hoa.save(document, &[cause("một"), cause("hai")]).unwrap();
    hoa.outbox.remove(0);
    hoa.sync().await.unwrap();
    let mut minh = town.phone_with_work("minh").await;
    minh.schema += 1;
    minh.save(document, &[cause("ba")]).unwrap();
    minh.sync().await.unwrap();
    minh.schema -= 1;
    minh.save(town.document(&minh, "19558-01-0002"), &[cause("bốn")]).unwrap();
    let middle = minh.outbox[0].chunk.len() / 2;
    minh.outbox[0].chunk[middle] ^= 0xff;
    minh.sync().await.unwrap();
}

on_each_backend! {
    /// What is stuck is counted where it is stuck, with its reason, at every level.
    async fn what_is_stuck_is_counted_where_it_is(town: Town) {
        stuck(&town).await;
        let counts = json!({ "waiting": 1, "held": 1, "quarantined": 1 });
        for (level, key, value) in
            [("hamlet", "hamlet", "19558-01"), ("commune", "unit", MO_O), ("district", "unit", "467")]
        {
            let rows = health(&town, town.province.token(), &format!("?by={level}")).await;
            let aside = &row(&rows, key, value)["aside"];
            for (fate, n) in counts.as_object().unwrap() {
                assert_eq!(aside[fate], *n, "{level} {fate}");
            }
            let reasons: Vec<(&str, &str)> = aside["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["fate"].as_str().unwrap(), one["reason"].as_str().unwrap()))
                .collect();
            assert_eq!(reasons, [
                ("held", "schema-newer"),
                ("quarantined", "change-malformed"),
                ("waiting", ""),
            ]);
            let other = match level {
                "hamlet" => row(&rows, "hamlet", "19558-02"),
                "commune" => row(&rows, "unit", VINH_THAI),
                _ => row(&rows, "unit", "464"),
            };
            assert_eq!(other["aside"]["waiting"], 0);
        }
        let rows = health(&town, town.officer.token(), "/devices").await;
        let minh = row(&rows, "label", "máy của minh");
        assert_eq!((&minh["aside"]["held"], &minh["aside"]["quarantined"]), (&json!(1), &json!(1)));
        assert_eq!(minh["volume"]["changes"], 2);
        let listed = town.officer.get("/v1/devices").await.unwrap();
        let hoa = row(listed.as_array().unwrap(), "label", "máy của hoa");
        assert_eq!(hoa["backlog"], json!({ "waiting": 1, "held": 0, "quarantined": 0 }));
        assert_eq!(hoa["app"], "demo-1");
        assert!(hoa["clock_ahead_ms"].as_i64().unwrap() < -1_000_000_000_000 / 20, "years behind");
    }

    /// The operator's list of devices tells what the offices' does.
    async fn the_operator_sees_of_a_device_what_the_province_sees(town: Town) {
        stuck(&town).await;
        let said = operator(&town, &["device", "list", "--json"]).unwrap();
        let lines: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(Value::from(lines), town.province.get("/v1/devices").await.unwrap());
        let said = operator(&town, &["device", "list"]).unwrap();
        let hoa = said.lines().find(|line| line.contains("máy của hoa")).unwrap();
        for part in [
            "app demo-1, clock ahead -",
            "waiting 1, held 0, quarantined 0, installations 1",
        ] {
            assert!(hoa.contains(part), "{hoa}");
        }
    }

    /// Silent is who took work out and has not said that it is in; since its last sync.
    async fn who_is_silent_is_shown_since_when(town: Town) {
        let idle = town.phone("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        let before = health(&town, town.officer.token(), "/devices").await;
        for label in ["máy của hoa", "máy của minh"] {
            assert_eq!(row(&before, "label", label)["silent"], true, "{label}");
        }
        let devices = town.officer.get("/v1/devices").await.unwrap();
        let enrolled = row(devices.as_array().unwrap(), "label", "máy của hoa");
        let hoa = row(&before, "label", "máy của hoa");
        assert_eq!(hoa["silent_since_ms"], enrolled["enrolled_at_ms"]);
        assert_eq!(hoa["device"], idle.device.to_string());
        let hamlets = health(&town, town.officer.token(), "?by=hamlet").await;
        let shared = row(&hamlets, "hamlet", "19558-01");
        assert_eq!((&shared["devices"], &shared["silent"]), (&json!(2), &json!(2)));
        minh.sync().await.unwrap();
        let hamlets = health(&town, town.officer.token(), "?by=hamlet").await;
        let shared = row(&hamlets, "hamlet", "19558-01");
        assert_eq!((&shared["devices"], &shared["silent"]), (&json!(2), &json!(1)));
        assert_eq!(shared["silent_since_ms"], hoa["silent_since_ms"]);
        let after = health(&town, town.officer.token(), "/devices").await;
        assert_eq!(row(&after, "label", "máy của minh")["silent_since_ms"], Value::Null);
    }

    /// Bytes are those of the log, by hamlet and by device, to the last one.
    async fn bytes_are_those_of_the_log(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let opening = health(&town, town.officer.token(), "?by=hamlet").await;
        town.review(&mut hoa, "19558-01-0001");
        town.review(&mut hoa, "19558-02-0003");
        let of = |hamlet: &str| -> (i64, i64) {
            let here = hoa.outbox.iter().filter(|u| hoa.households[&u.document].hamlet == hamlet);
            here.fold((0, 0), |(n, bytes), unsent| {
                (n + 1, bytes + i64::try_from(unsent.chunk.len()).unwrap())
            })
        };
        let expected = ["19558-01", "19558-02"].map(|hamlet| (hamlet, of(hamlet)));
        let all = expected.iter().fold((0, 0), |(n, b), (_, (m, c))| (n + m, b + c));
        hoa.lose_a_response().await.unwrap();
        hoa.sync().await.unwrap();
        let rows = health(&town, town.officer.token(), "?by=hamlet").await;
        for (hamlet, (changes, bytes)) in expected {
            let volume = |rows: &[Value]| {
                let volume = &row(rows, "hamlet", hamlet)["volume"];
                (volume["changes"].as_i64().unwrap(), volume["bytes"].as_i64().unwrap())
            };
            let (before, after) = (volume(&opening), volume(&rows));
            assert!(before.0 > 0, "the opening list is counted");
            assert_eq!((after.0 - before.0, after.1 - before.1), (changes, bytes), "{hamlet}");
        }
        let devices = health(&town, town.officer.token(), "/devices").await;
        let volume = &row(&devices, "label", "máy của hoa")["volume"];
        assert_eq!(volume, &json!({ "changes": all.0, "bytes": all.1 }));
    }

    /// Each office sees its own units, and nobody an answer.
    async fn health_is_of_the_own_units(town: Town) {
        stuck(&town).await;
        town.phone_with_work("lan").await;
        let units = async |token: &str| -> Vec<String> {
            let rows = health(&town, token, "").await;
            rows.iter().map(|row| row["unit"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(units(town.officer.token()).await, [MO_O]);
        assert!(units(town.district.token()).await.contains(&HUONG_HIEP.to_owned()));
        assert!(!units(town.district.token()).await.contains(&VINH_THAI.to_owned()));
        let rows = health(&town, town.officer.token(), "/devices").await;
        assert!(rows.iter().all(|row| row["label"] != "máy của lan"));
        for rest in ["", "/devices"] {
            for unit in [HUONG_HIEP, "467", "45", "no-such"] {
                let path = town.path(&format!("/sync-health{rest}?under={unit}"));
                get(&town, town.officer.token(), &path).await.refused(404, "unit-unknown");
            }
        }
        let path = town.path("/sync-health?by=person");
        get(&town, town.officer.token(), &path).await.refused(400, "query-malformed");
        let answers = get(&town, town.province.token(), &town.path("/sync-health?by=hamlet")).await;
        assert!(!answers.holds("bốn"));
    }
}
