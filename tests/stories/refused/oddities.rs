//! Odd input at every door: NUL, HTML, decomposed Unicode, ids that are none, enormous numbers.

use serde_json::{Value, json};
use tests::on_each_backend;
use tests::town::{MO_O, Town, person};

use crate::ask::{Heard, ask, get, kept, post, post_raw};

/// Every place of the API where a person's text goes in, with a hole for it.
fn holes(town: &Town, device: &str, document: &str, heads: &Value) -> Vec<(String, Value)> {
    let unit = |rest: &str| town.path(&format!("/units/{MO_O}/{rest}"));
    let root = "0".repeat(64);
    let paper = |number: &str, signer: &str| json!({ "number": number, "date": "2022-12-12", "signer": signer });
    let campaign = |key: &str| {
        let mut form = tests::town::campaign_form();
        form[key] = json!("HOLE");
        ("/v1/campaigns".to_owned(), form)
    };
    let mut on_a_day = person("ai-do", "enumerator", MO_O, None);
    on_a_day["on"] = json!("HOLE");
    let settle = town.path(&format!("/households/{document}/settle"));
    let settled = |key: &str, path: &str| {
        let mut form = json!({ "heads": heads, "path": path, "value": "x", "reason": "y" });
        form[key] = json!("HOLE");
        (settle.clone(), form)
    };
    vec![
        ("/v1/sessions".to_owned(), json!({ "name": "HOLE", "password": "x" })),
        ("/v1/sessions".to_owned(), json!({ "name": "tinh", "password": "HOLE" })),
        ("/v1/sessions/refresh".to_owned(), json!({ "refresh": "HOLE" })),
        ("/v1/accounts".to_owned(), json!([person("HOLE", "enumerator", MO_O, None)])),
        ("/v1/accounts".to_owned(), json!([person("ai-do", "enumerator", "HOLE", None)])),
        ("/v1/accounts".to_owned(), json!([person("ai-do", "HOLE", MO_O, None)])),
        ("/v1/accounts".to_owned(), json!([on_a_day])),
        ("/v1/devices/codes".to_owned(), json!({ "accounts": ["hoa", "HOLE"] })),
        (
            "/v1/devices".to_owned(),
            json!({ "code": "HOLE", "label": "x", "public_key": "ab".repeat(32) }),
        ),
        (
            "/v1/devices".to_owned(),
            json!({ "code": "x", "label": "HOLE", "public_key": "ab".repeat(32) }),
        ),
        ("/v1/devices".to_owned(), json!({ "code": "x", "label": "x", "public_key": "HOLE" })),
        campaign("name"),
        campaign("province"),
        campaign("standard"),
        campaign("opening_date"),
        campaign("region"),
        settled("reason", "answers/cause_other"),
        settled("value", "answers/cause_other"),
        settled("path", ""),
        (unit("waivers"), json!({ "device": device, "reason": "HOLE" })),
        (unit("list"), json!({ "act": "return", "root": root, "comment": "HOLE" })),
        (unit("list"), json!({ "act": "approve", "root": root, "opinion": paper("HOLE", "x") })),
        (unit("list"), json!({ "act": "recognise", "root": root, "decision": paper("1", "HOLE") })),
        (unit("list"), json!({ "act": "HOLE" })),
        (town.path("/assignments/end"), json!({ "hamlet": "HOLE", "account": "hoa" })),
        (town.path("/assignments/end"), json!({ "hamlet": "19558-01", "account": "HOLE" })),
    ]
}

/// Puts a text into a hole.
fn filled(form: &Value, text: &str) -> Value {
    match form {
        Value::String(hole) if hole == "HOLE" => json!(text),
        Value::Array(parts) => parts.iter().map(|part| filled(part, text)).collect(),
        Value::Object(parts) => Value::Object(
            parts.iter().map(|(key, part)| (key.clone(), filled(part, text))).collect(),
        ),
        other => other.clone(),
    }
}

/// A town with a household at work; the device, document and heads that the holes need.
async fn busy(town: &Town) -> (String, String, Value) {
    let mut hoa = town.phone_with_work("hoa").await;
    let document = town.review(&mut hoa, "19558-01-0001");
    hoa.sync().await.unwrap();
    let path = town.path(&format!("/households/{document}"));
    let shown = get(town, town.officer.token(), &path).await.taken();
    (hoa.device.to_string(), document.to_string(), shown["standing"]["heads"].clone())
}

async fn everyone(town: &Town, path: &str, form: &Value) -> Vec<Heard> {
    let mut heard = Vec::new();
    for office in [&town.province, &town.district, &town.officer] {
        heard.push(post(town, office.token(), path, form).await);
    }
    heard
}

on_each_backend! {
    /// NUL in any text of any route, by anybody: the sender's fault, on both databases alike.
    async fn nul_is_refused_at_every_door(town: Town) {
        let (device, document, heads) = busy(&town).await;
        let before = kept(&town).await;
        for (path, form) in holes(&town, &device, &document, &heads) {
            for text in ["\0", "Hồ\0Thị"] {
                for heard in everyone(&town, &path, &filled(&form, text)).await {
                    assert!((400..500).contains(&heard.status), "{path} {form}: {}", heard.status);
                }
            }
        }
        for (what, text) in [
            ("/v1/units", "code\0"),
            (&town.path("/hamlets"), "unit,code\0"),
            (
                &town.path("/roster?keep=good"),
                "household,hamlet,class,decision,dtts,name,relation,birth,sex,\
             ethnicity,id_number\nm-1,19558-01,poor,QĐ\0,1,Hồ\0A,head,1980,male,23,\n",
            ),
            (&town.path("/assignments?keep=good"), "hamlet,account\n19558-01,ho\0a\n"),
            (&town.path("/score-table"), "{\"code\":\"\0\"}"),
        ] {
            let heard = post_raw(&town, town.province.token(), what, text.as_bytes()).await;
            heard.refused(400, "body-malformed");
        }
        assert_eq!(kept(&town).await, before);
    }

    /// Absurdly long text in any field: refused or never found, and nothing of it kept.
    async fn absurdly_long_text_is_refused_at_every_door(town: Town) {
        let (device, document, heads) = busy(&town).await;
        let before = kept(&town).await;
        // Not compressible: PostgreSQL indexes what it can press together.
        let long = shared::id::to_hex(&server::keys::random::<10_000>());
        for (path, form) in holes(&town, &device, &document, &heads) {
            for heard in everyone(&town, &path, &filled(&form, &long)).await {
                assert!((400..500).contains(&heard.status), "{path} {form}: {}", heard.status);
            }
        }
        assert_eq!(kept(&town).await, before);
    }

    /// A path segment that is no id, NUL or no text at all: there is no such thing.
    async fn ids_that_are_none_are_not_found(town: Town) {
        let token = town.province.token();
        for id in [
            "x",
            "%00",
            "%ff",
            "0",
            &"0".repeat(31),
            &"0".repeat(33),
            &"g".repeat(32),
            "..%2f..",
            "%27%20or%201=1",
        ] {
            for path in [
                format!("/v1/campaigns/{id}/units"),
                format!("/v1/campaigns/{id}/rates"),
                town.path(&format!("/households/{id}")),
                town.path(&format!("/units/{id}/list")),
                town.path(&format!("/units/{id}/households")),
            ] {
                let heard = get(&town, token, &path).await;
                assert_eq!(heard.status, 404, "{path}");
                heard.refused(404, &heard.name());
            }
            post(&town, token, &format!("/v1/devices/{id}/revoke"), &json!({}))
                .await
                .refused(404, "not-found");
        }
        let under = town.path("/rates?under=%00");
        get(&town, token, &under).await.refused(404, "unit-unknown");
        get(&town, token, &town.path("/rates?under=a&under=b"))
            .await
            .refused(400, "query-malformed");
    }

    /// Routes there are none of, and methods a route does not take.
    async fn unknown_routes_and_methods_are_told(town: Town) {
        let to = town.running.address;
        for path in ["/v2/me", "/v1", "/v1/me/", "/V1/ME", "/v1/me/x", "/etc/passwd", "/%2e%2e/"] {
            ask(to, "GET", path, None, Vec::new()).await.refused(404, "not-found");
        }
        let document = serde_json::to_value(server::http::openapi()).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
                if methods.get(method.to_lowercase()).is_none() {
                    let heard = ask(to, method, path, None, Vec::new()).await;
                    assert_eq!(heard.status, 405, "{method} {path}");
                    heard.refused(405, "method-not-allowed");
                }
            }
        }
    }

    /// Numbers no counter can hold, and JSON that is none.
    async fn numbers_beyond_every_counter_are_refused(town: Town) {
        let before = kept(&town).await;
        let path = town.path("/households/00000000000000000000000000000000/settle");
        for number in
            ["99999999999999999999", "-99999999999999999999", "1e400", "1E19", "NaN", "0x10"]
        {
            let body = format!(
                r#"{{"heads":[],"path":"answers/area_dm2","value":{number},"reason":"x"}}"#
            );
            let heard = post_raw(&town, town.officer.token(), &path, body.as_bytes()).await;
            assert_eq!(heard.status, 400, "{number}");
            let place = heard.refused(400, "body-malformed").items()[0].clone();
            assert!(
                place["line"].is_number() && place["column"].is_number(),
                "where, never what: {place}"
            );
            assert!(!heard.holds(number), "what was sent is not repeated");
        }
        for body in [&b""[..], b"{", b"\xff\xfe", b"[[[[", &[b'['; 200_000], b"{\"name\":1}"] {
            post_raw(&town, "", "/v1/sessions", body).await.refused(400, "body-malformed");
        }
        assert_eq!(kept(&town).await, before);
    }

    /// Markup in a name is a name: kept as typed, sent as JSON, run by nobody.
    async fn markup_in_names_stays_text(town: Town) {
        let name = "<script>alert('Hồ')</script>";
        let mut form = person("markup", "enumerator", MO_O, None);
        form["full_name"] = json!(name);
        post(&town, town.officer.token(), "/v1/accounts", &json!([form])).await.taken();
        let heard = get(&town, town.officer.token(), "/v1/accounts").await;
        let people = heard.taken();
        assert!(people.as_array().unwrap().iter().any(|person| person["full_name"] == name));
        let head = String::from_utf8_lossy(&heard.wire[..300]).to_ascii_lowercase();
        assert!(head.contains("content-type: application/json"), "{head}");
    }

    /// A file of decomposed Vietnamese: taken, and kept composed, so that it is found and compared.
    async fn decomposed_vietnamese_is_taken(town: Town) {
        let (whole, apart) =
            ("Nguyễn Thị Hồng", "Nguye\u{302}\u{303}n Thi\u{323} Ho\u{302}\u{300}ng");
        assert_ne!(whole, apart);
        let mut form = person("decomposed", "enumerator", MO_O, None);
        form["full_name"] = json!(apart);
        post(&town, town.officer.token(), "/v1/accounts", &json!([form])).await.taken();
        let row = format!(
            "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n\
             m-1,19558-01,poor,QD\u{323} 1,1,{apart},head,1980,male,23,\n"
        );
        town.province.import(&town.path("/roster"), row).await.unwrap();
        let hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "m-1");
        let household = hoa.household(document).unwrap();
        assert_eq!(household.head().unwrap()["name"], whole.into());
    }
}
