//! Scope: nobody is shown, told or refused anything that names what lies outside their units.
//!
//! Every hamlet carries a marker of its own in family names, ID numbers, codes, labels, people and
//! reasons. Every route of the OpenAPI document is called by everybody, at every unit, at every
//! step of its list; an answer that holds a marker the caller may not see fails, and so does a
//! route that nobody wrote down in `table`.

pub(crate) mod child;
mod marked;
mod table;

use std::collections::BTreeSet;

use mobile_schema::frame::{Page, SyncRequest};
use serde_json::{Value, json};
use server::demo::office::Office;
use sqlx::Connection;
use tests::on_each_backend;
use tests::town::{HAMLETS, HUONG_HIEP, MO_O, Town, VINH_THAI};

use crate::ask::{self, Heard, ask, cbor, get, post};
use marked::{Marked, marker};
use table::{Call, Expected, Target, table};

/// The units that lists are made of in these stories, with the district above each.
pub(super) const UNITS: [(&str, &str); 3] =
    [(MO_O, "467"), (HUONG_HIEP, "467"), (VINH_THAI, "464")];

/// Somebody who calls.
pub(super) struct Caller {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    /// Units the office covers; none for an enumerator.
    pub(super) covers: Vec<&'static str>,
    /// Hamlets whose people and families the caller may see.
    pub(super) hamlets: Vec<&'static str>,
    pub(super) token: Option<String>,
}

fn hamlets_of(units: &[&str]) -> Vec<&'static str> {
    HAMLETS.iter().filter(|(unit, _)| units.contains(unit)).map(|(_, hamlet)| *hamlet).collect()
}

async fn callers(town: &Town, marked: &Marked) -> Vec<Caller> {
    let mut callers = vec![Caller {
        name: "nobody",
        role: "nobody",
        covers: Vec::new(),
        hamlets: Vec::new(),
        token: None,
    }];
    for (name, role, covers) in [
        ("xa-19558", "officer", vec![MO_O]),
        ("xa-19561", "officer", vec![HUONG_HIEP]),
        ("xa-19369", "officer", vec![VINH_THAI]),
        ("huyen-467", "district", vec![MO_O, HUONG_HIEP]),
        ("huyen-464", "district", vec![VINH_THAI]),
    ] {
        let token = Some(town.sign_in(name).await.token().to_owned());
        callers.push(Caller { name, role, hamlets: hamlets_of(&covers), covers, token });
    }
    let covers = UNITS.map(|(unit, _)| unit).to_vec();
    let token = Some(town.province.token().to_owned());
    let hamlets = hamlets_of(&covers);
    callers.push(Caller { name: "tinh", role: "province", covers, hamlets, token });
    for (hamlet, phone) in &marked.phones {
        callers.push(Caller {
            name: "an enumerator",
            role: "enumerator",
            covers: Vec::new(),
            hamlets: vec![hamlet],
            token: Some(phone.access().to_owned()),
        });
    }
    callers
}

/// Fails where an answer holds a marker of a hamlet outside the caller's scope.
fn check_markers(caller: &Caller, what: &str, heard: &Heard) {
    if !heard.holds(marked::ALL) && !heard.holds(marked::ID_NUMBERS) {
        return;
    }
    for (_, hamlet) in HAMLETS {
        let seen = heard.holds(&marker(hamlet)) || heard.holds(&marked::id_number(hamlet));
        let may = caller.hamlets.contains(&hamlet);
        assert!(may || !seen, "{} saw {hamlet}: {what}\n{}", caller.name, heard.json());
    }
}

fn check_answer(caller: &Caller, what: &str, expected: Expected, heard: &Heard) {
    let name = heard.name();
    let got = match (heard.status, name.as_str()) {
        (401, "unauthenticated") => Expected::SignIn,
        (403, "forbidden") => Expected::Forbidden,
        (404, _) => Expected::Hidden,
        _ => Expected::Taken,
    };
    assert_eq!(got, expected, "{}: {what}: {} {name}", caller.name, heard.status);
}

/// Calls every route as everybody at every unit; returns the routes that showed a marker.
async fn everybody_calls_everything(town: &Town, marked: &Marked) -> BTreeSet<&'static str> {
    let mut shown = BTreeSet::new();
    for caller in callers(town, marked).await {
        for route in table() {
            let units = if route.is_of_units() { &UNITS[..] } else { &UNITS[..1] };
            for (unit, _) in units {
                let target = Target { town, marked, unit };
                let Call { path, body } = (route.call)(&target);
                let what = format!("{} {path} {}", route.method, String::from_utf8_lossy(&body));
                let to = marked.child.address;
                let heard = ask(to, route.method, &path, caller.token.as_deref(), body).await;
                check_markers(&caller, &what, &heard);
                check_answer(&caller, &what, route.expected(&caller, unit), &heard);
                if heard.holds(marked::ALL) {
                    shown.insert(route.path);
                }
            }
        }
    }
    shown
}

/// What the operator sees: JSON lines, and in them no marker, no token, no id, no number.
fn check_log(town: &Town, marked: &Marked) {
    let log = marked.child.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let requests = lines.iter().filter(|line| line["fields"]["message"] == "request").count();
    assert!(requests > 1_000, "the log is of the whole matrix: {requests}");
    let mut secrets: Vec<String> = vec![
        marked::ALL.to_owned(),
        "eyJ".to_owned(),
        "Bearer".to_owned(),
        tests::town::PASSWORD.to_owned(),
        town.campaign.to_string(),
    ];
    secrets.extend(HAMLETS.map(|(_, hamlet)| marked::id_number(hamlet)));
    secrets.extend(marked.documents.values().map(ToString::to_string));
    secrets.extend(marked.phones.values().map(|phone| phone.device.to_string()));
    secrets.extend(marked.spare.values().map(ToString::to_string));
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

#[test]
fn every_route_is_written_down() {
    let document = serde_json::to_value(server::http::openapi()).unwrap();
    let routes: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let written: BTreeSet<(String, String)> =
        table().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    let missing: Vec<_> = routes.difference(&written).collect();
    assert!(missing.is_empty(), "not in the table of scope/table.rs: {missing:?}");
    let gone: Vec<_> = written.difference(&routes).collect();
    assert!(gone.is_empty(), "in the table, but no route: {gone:?}");
}

/// Lets a district work on a submitted list: a comment, and a sample with a finding.
async fn desk_work(town: &Town, (unit, root): (&str, &str), officer: &Office, district: &Office) {
    let mark = marker(marked::hamlet_of(unit));
    let path = |rest: &str| town.path(&format!("/units/{unit}/{rest}"));
    let list = officer.list(town.campaign, unit).await.unwrap();
    let document = &list["list"]["rows"][0]["document"];
    let said = json!({ "kind": "comment", "root": root, "document": document, "text": mark });
    district.post(&path("comments"), &said).await.unwrap();
    let drawn = json!({ "root": root, "size": { "per_cent": 100 } });
    district.post(&path("sample"), &drawn).await.unwrap();
    let found = json!({
        "root": root, "document": document, "finding": { "finding": "agrees" }, "note": mark,
    });
    district.post(&path("sample/findings"), &found).await.unwrap();
}

/// Attaches a scan to each unit, with its marker in it.
async fn attach_scans(town: &Town) {
    for (unit, _) in UNITS {
        let officer = town.sign_in(&format!("xa-{unit}")).await;
        let mark = marker(marked::hamlet_of(unit));
        let to = town.path(&format!("/units/{unit}/scans?kind=minutes&title={mark}"));
        let kept = ask::post_raw(town, officer.token(), &to, &table::scan_bytes(unit)).await;
        assert_eq!(kept.taken()["digest"], table::scan_of(unit));
    }
}

on_each_backend! {
    /// The whole matrix: people, units, routes, and the four steps of a list.
    async fn nobody_sees_beyond_their_units(town: Town) {
        let mut marked = Marked::new(&town).await;
        attach_scans(&town).await;
        let shown = everybody_calls_everything(&town, &marked).await;
        for route in table().iter().filter(|route| route.shows && !route.is_of_desk()) {
            assert!(shown.contains(route.path), "{} shows its own scope", route.path);
        }
        marked.finish_work(&town).await;
        let mut roots = Vec::new();
        for (unit, district) in UNITS {
            let officer = town.sign_in(&format!("xa-{unit}")).await;
            let district = town.sign_in(&format!("huyen-{district}")).await;
            marked::leave_out(&town, &officer, unit).await;
            let first = officer.submit(town.campaign, unit).await.unwrap();
            let comment = format!("{} xem lại", marker(marked::hamlet_of(unit)));
            let back = json!({ "act": "return", "root": first, "comment": comment });
            district.act(town.campaign, unit, &back).await.unwrap();
            let root = officer.submit(town.campaign, unit).await.unwrap();
            desk_work(&town, (unit, &root), &officer, &district).await;
            roots.push((unit, root, officer, district));
        }
        let shown = everybody_calls_everything(&town, &marked).await;
        for route in table().iter().filter(|route| route.shows && route.is_of_desk()) {
            assert!(shown.contains(route.path), "{} shows its own scope", route.path);
        }
        for (unit, root, _, district) in &roots {
            district.approve(town.campaign, unit, root).await.unwrap();
        }
        everybody_calls_everything(&town, &marked).await;
        for (unit, root, officer, _) in &roots {
            officer.recognise(town.campaign, unit, root).await.unwrap();
        }
        everybody_calls_everything(&town, &marked).await;
        check_log(&town, &marked);
    }

    /// The database refuses a row and quotes it: the log says that, without the quotation.
    async fn a_failure_is_logged_without_names(town: Town) {
        let Some(url) = &town.config.database else { return };
        let mut db = sqlx::PgConnection::connect(url).await.unwrap();
        let sql = "alter table account add check (full_name not like 'Zqx%')";
        sqlx::query(sql).execute(&mut db).await.unwrap();
        let child = child::Server::start(&town);
        let mut form = tests::town::person("ai-do", "enumerator", MO_O, None);
        form["full_name"] = json!("Zqx Hồ Thị");
        let client = server::demo::client::Client::new(&format!("http://{}", child.address));
        let body = json!([form]).to_string().into_bytes();
        let token = Some(town.province.token());
        let kind = "application/json";
        let (status, body) =
            client.raw(hyper::Method::POST, "/v1/accounts", token, kind, body).await.unwrap();
        assert_eq!(status, 500);
        assert!(!String::from_utf8_lossy(&body).contains("account"), "nothing is said about us");
        let log = child.log();
        let told = log.lines().find(|line| line.contains("request failed")).expect("it is logged");
        assert!(told.contains("violates check constraint"), "with its cause: {told}");
        assert!(!log.contains("Zqx"), "{told}");
    }

    /// Two hamlets whose codes differ in case only are two hamlets, on every database.
    async fn a_hamlet_code_is_not_its_neighbours_in_capitals(town: Town) {
        let files = [
            (
                "hamlets",
                "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                opening_households,opening_persons,opening_dtts_households,opening_dtts_persons,\
                source\n\
                19558,19558-a,thôn,a,rural,10,40,5,20,9,36,5,20,thử\n\
                19558,19558-A,thôn,A,rural,10,40,5,20,9,36,5,20,thử\n",
            ),
            (
                "roster",
                "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n\
                m-1,19558-a,poor,QĐ 1,1,Hồ Văn A,head,1980,male,23,\n\
                m-2,19558-A,poor,QĐ 1,1,Hồ Văn B,head,1980,male,23,\n",
            ),
            ("assignments", "hamlet,account\n19558-a,stranger\n"),
        ];
        for (what, text) in files {
            town.province.import(&town.path(&format!("/{what}")), text.to_owned()).await.unwrap();
        }
        let phone = town.phone_with_work("stranger").await;
        let codes: Vec<_> = phone.households.values().map(|kept| kept.code.as_str()).collect();
        assert_eq!(codes, ["m-1"]);
    }

    /// A cursor of somebody else's, or one made up, opens nothing.
    async fn a_borrowed_cursor_opens_nothing(town: Town) {
        town.review_mo_o().await;
        let mut lan = town.phone_with_work("lan").await;
        let hoa = town.phone_with_work("hoa").await;
        let mut request = lan.request();
        request.cursor = hoa.request().cursor;
        let answer = crate::ask::sync(&town, lan.access(), &request).await;
        let pages = answer.pages.iter().map(|signed| {
            ciborium::from_reader::<Page, _>(signed.page.as_slice()).unwrap().unit
        });
        assert_eq!(pages.collect::<BTreeSet<_>>(), BTreeSet::from([HUONG_HIEP.to_owned()]));
        let changes = SyncRequest { pages: false, ..request.clone() };
        let answer = crate::ask::sync(&town, lan.access(), &changes).await;
        let units: BTreeSet<_> = answer.households.iter().map(|row| row.unit.as_str()).collect();
        assert_eq!(units, BTreeSet::from([HUONG_HIEP]));
        request.campaign = serde_bytes::ByteArray::new([9; 16]);
        let body = cbor(&request);
        let heard = crate::ask::post_raw(&town, lan.access(), "/v1/sync", &body).await;
        heard.refused(404, "campaign-unknown");
        assert_eq!(lan.sync().await.unwrap().received, 0);
    }

    /// Rates above and beside an office's own unit are not shown through it.
    async fn rates_are_shown_from_the_own_unit_down(town: Town) {
        for (office, shown, hidden) in [
            (&town.officer, vec![MO_O], vec![HUONG_HIEP, VINH_THAI, "467", "464", "45", "44"]),
            (&town.district, vec![MO_O, HUONG_HIEP, "467"], vec![VINH_THAI, "464", "45", ""]),
            (&town.province, vec![MO_O, VINH_THAI, "464", "45"], vec!["44", "9", ""]),
        ] {
            for route in ["rates", "rates.csv"] {
                for unit in &shown {
                    let path = town.path(&format!("/{route}?under={unit}"));
                    assert_eq!(get(&town, office.token(), &path).await.status, 200, "{path}");
                }
                for unit in &hidden {
                    let path = town.path(&format!("/{route}?under={unit}"));
                    get(&town, office.token(), &path).await.refused(404, "unit-unknown");
                }
            }
        }
    }

    /// A guess and a stranger's id get the same answer: nobody learns what exists elsewhere.
    async fn what_is_elsewhere_looks_like_what_is_not(town: Town) {
        let lan = town.phone_with_work("lan").await;
        let elsewhere = town.document(&lan, "19561-01-0001").to_string();
        let nowhere = "0".repeat(32);
        let token = town.officer.token();
        let answers = async |made: &dyn Fn(&str) -> (String, Option<Value>)| {
            let mut bodies = Vec::new();
            for id in [&elsewhere, &nowhere] {
                let heard = match made(id) {
                    (path, None) => get(&town, token, &path).await,
                    (path, Some(form)) => post(&town, token, &path, &form).await,
                };
                assert_eq!(heard.status, 404);
                bodies.push(heard.json());
            }
            assert_eq!(bodies[0], bodies[1]);
        };
        answers(&|id| (town.path(&format!("/households/{id}")), None)).await;
        let form = json!({ "heads": [], "path": "answers/roof", "value": "leaf", "reason": "x" });
        answers(&|id| (town.path(&format!("/households/{id}/settle")), Some(form.clone()))).await;
        let device = lan.device.to_string();
        let of = |id: &str| if id == elsewhere { device.clone() } else { id.to_owned() };
        answers(&|id| (format!("/v1/devices/{}/revoke", of(id)), Some(json!({})))).await;
        answers(&|id| {
            let name = if id == elsewhere { "lan" } else { "nobody-at-all" };
            ("/v1/devices/codes".to_owned(), Some(json!({ "accounts": [name] })))
        })
        .await;
    }
}
