//! The district's desk through the API: samples, comments, scans, comparisons, what waits.

use mobile_schema::household::Value as Answer;
use serde_json::{Value, json};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::{Heard, counted, get, kept, post, post_raw};

const PDF: &[u8] = b"%PDF-1.4 made up";

fn path(town: &Town, rest: &str) -> String {
    town.path(&format!("/units/{MO_O}/{rest}"))
}

async fn district(town: &Town, rest: &str, form: &Value) -> Heard {
    post(town, town.district.token(), &path(town, rest), form).await
}

async fn officer(town: &Town, rest: &str, form: &Value) -> Heard {
    post(town, town.officer.token(), &path(town, rest), form).await
}

async fn read(town: &Town, rest: &str) -> Value {
    get(town, town.district.token(), &path(town, rest)).await.taken()
}

/// Mò Ó is reviewed and submitted; returns the root.
async fn submitted(town: &Town) -> String {
    town.review_mo_o().await;
    town.officer.submit(town.campaign, MO_O).await.unwrap()
}

/// Lists the documents of the list as it stands.
async fn documents(town: &Town) -> Vec<(String, Value)> {
    let list = town.officer.list(town.campaign, MO_O).await.unwrap();
    let rows = list["list"]["rows"].as_array().unwrap().clone();
    rows.into_iter().map(|row| (row["document"].as_str().unwrap().to_owned(), row)).collect()
}

on_each_backend! {
    /// A sample is drawn once from a frozen list, and anybody can draw it again.
    async fn a_sample_is_drawn_once_and_again_by_hand(town: Town) {
        let draw = json!({ "root": "0".repeat(64), "size": { "per_cent": 50 } });
        district(&town, "sample", &draw).await.refused(409, "list-state");
        let root = submitted(&town).await;
        district(&town, "sample", &draw).await.refused(409, "list-root-stale");
        let before = kept(&town).await;
        let with = |size: Value, seed: Option<&str>| {
            json!({ "root": root, "size": size, "seed": seed })
        };
        for size in [json!({ "households": 0 }), json!({ "per_cent": 200 }),
            json!({ "per_cent": 0 }), json!({ "households": 7 })]
        {
            district(&town, "sample", &with(size, None)).await.refused(422, "sample-size");
        }
        for seed in ["", "ngắn", "có dấu cách", "12345"] {
            let draw = with(json!({ "per_cent": 50 }), Some(seed));
            district(&town, "sample", &draw).await.refused(422, "sample-seed");
        }
        let draw = with(json!({ "per_cent": 50 }), None);
        officer(&town, "sample", &draw).await.refused(403, "forbidden");
        assert_eq!(kept(&town).await, before);

        let seed = district(&town, "sample", &draw).await.taken()["seed"].clone();
        let again = district(&town, "sample", &draw).await.taken()["seed"].clone();
        assert_eq!(seed, again, "the same form twice draws nothing new");
        let other = with(json!({ "per_cent": 100 }), None);
        district(&town, "sample", &other).await.refused(409, "sample-drawn");
        let other = with(json!({ "per_cent": 50 }), Some("mau-2022"));
        district(&town, "sample", &other).await.refused(409, "sample-drawn");

        let samples = read(&town, "sample").await;
        let sample = &samples[0];
        assert_eq!((samples.as_array().unwrap().len(), &sample["root"]), (1, &json!(root)));
        assert_eq!((&sample["drawn_by"], &sample["by"]), (&json!("server"), &json!("huyen-467")));
        let drawn: Vec<&str> = sample["households"].as_array().unwrap().iter()
            .map(|one| one["household"].as_str().unwrap()).collect();
        // By hand: hash, sort, take the first three of six.
        let mut ranked: Vec<(String, String)> = documents(&town).await.into_iter()
            .map(|(_, row)| row["household"].as_str().unwrap().to_owned())
            .map(|id| {
                let text = format!("{}:{id}", seed.as_str().unwrap());
                (shared::id::to_hex(&shared::id::sha256(text.as_bytes())), id)
            })
            .collect();
        ranked.sort();
        let by_hand: Vec<&str> = ranked.iter().take(3).map(|(_, id)| id.as_str()).collect();
        assert_eq!(drawn, by_hand);
    }

    /// What is found is kept beside the list: no answer moves, and every finding stays.
    async fn findings_overwrite_nothing(town: Town) {
        let root = submitted(&town).await;
        let draw = json!({ "root": root, "size": { "households": 6 }, "seed": "mau-2022" });
        district(&town, "sample", &draw).await.taken();
        let rows = documents(&town).await;
        let poor = rows.iter().find(|(_, row)| row["class"] == "poor").unwrap().0.clone();
        let near = rows.iter().find(|(_, row)| row["class"] == "near_poor").unwrap().0.clone();
        let find = |document: &str, finding: Value, note: &str| {
            let mut form = json!({ "root": root, "document": document, "note": note });
            form["finding"] = finding;
            form
        };
        let differs = |class: &str| json!({ "finding": "differs", "class": class });
        let agrees = json!({ "finding": "agrees" });
        let refused = find(&poor, differs("poor"), "");
        district(&town, "sample/findings", &refused).await.refused(422, "sample-finding");
        let refused = find(&poor, differs("insufficient"), "");
        district(&town, "sample/findings", &refused).await.refused(422, "sample-finding");
        let nowhere = find(&"0".repeat(32), agrees.clone(), "");
        district(&town, "sample/findings", &nowhere).await.refused(422, "household-not-listed");
        officer(&town, "sample/findings", &find(&poor, agrees.clone(), "")).await
            .refused(403, "forbidden");
        let before = kept(&town).await;

        let first = find(&poor, differs("near_poor"), "mái tôn mới");
        for _ in 0..2 {
            district(&town, "sample/findings", &first).await.taken();
        }
        let near_found = find(&near, agrees, "");
        district(&town, "sample/findings", &near_found).await.taken();
        let mended = find(&poor, json!({ "finding": "not_met" }), "đi vắng");
        district(&town, "sample/findings", &mended).await.taken();
        district(&town, "sample/findings", &first).await.taken();
        let mut after = kept(&town).await;
        assert_eq!(after.remove("findings"), Some(4), "the same twice is once; changes stay");
        let mut before = before;
        before.remove("findings");
        assert_eq!(after, before, "nothing else moved");

        let sample = &read(&town, "sample").await[0];
        let tally = &sample["tally"];
        let expected = json!({ "drawn": 6, "agrees": 1, "differs": 1, "not_met": 0 });
        assert_eq!((tally, &sample["error_hundredths"]), (&expected, &json!(5000)));
        let line = sample["households"].as_array().unwrap().iter()
            .find(|one| one["document"] == poor.as_str()).unwrap();
        assert_eq!((&line["class"], &line["earlier"]), (&json!("poor"), &json!(2)));
        assert_eq!(line["found"]["note"], "mái tôn mới");
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!(list["root"], root.as_str());
    }

    /// Comments stand beside households, go with a return, and are answered by the commune.
    async fn comments_travel_with_a_return(town: Town) {
        town.review_mo_o().await;
        let rows = documents(&town).await;
        let (document, row) = rows[0].clone();
        let say = |root: &str, document: &str, text: &str| {
            json!({ "kind": "comment", "root": root, "document": document, "text": text })
        };
        let early = say(&"0".repeat(64), &document, "xem");
        district(&town, "comments", &early).await.refused(409, "list-state");
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let stale = say(&"0".repeat(64), &document, "xem");
        district(&town, "comments", &stale).await.refused(409, "list-root-stale");
        let lan = town.phone_with_work("lan").await;
        let elsewhere = town.document(&lan, "19561-01-0001").to_string();
        for outside in [elsewhere, "0".repeat(32)] {
            let outside = say(&root, &outside, "xem");
            district(&town, "comments", &outside).await.refused(422, "household-not-listed");
        }
        for no_text in ["", " \n", "a\u{1b}[2J", &"x".repeat(2001)] {
            let no_text = say(&root, &document, no_text);
            district(&town, "comments", &no_text).await.refused(422, "comment-text");
        }
        let comment = say(&root, &document, "<b>số khẩu</b> không khớp hộ khẩu");
        officer(&town, "comments", &comment).await.refused(403, "forbidden");
        let stranger = town.sign_in("huyen-464").await;
        let heard = post(&town, stranger.token(), &path(&town, "comments"), &comment).await;
        heard.refused(404, "unit-unknown");
        for _ in 0..2 {
            assert_eq!(district(&town, "comments", &comment).await.taken()["position"], 1);
        }

        let (other, other_row) = rows[1].clone();
        let back = |households: Value| json!({
            "act": "return", "root": root, "comment": "xem lại hai hộ", "households": households,
            "opinion": { "number": "9/YK", "date": "2022-12-06", "signer": "A" },
        });
        let outside = back(json!({ "00".repeat(16): "xem" }));
        let before = kept(&town).await;
        district(&town, "list", &outside).await.refused(422, "household-not-listed");
        assert_eq!(kept(&town).await, before);
        let id = other_row["household"].as_str().unwrap();
        district(&town, "list", &back(json!({ id: "nhà ở" }))).await.taken();
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        let decided = &list["decisions"][1]["body"];
        let first = row["household"].as_str().unwrap();
        assert_eq!(decided["households"][first], "<b>số khẩu</b> không khớp hộ khẩu");
        assert_eq!(decided["households"][id], "nhà ở");
        assert_eq!(decided["opinion"]["number"], "9/YK");

        let comments = read(&town, "comments").await;
        assert_eq!(comments[1]["document"], other.as_str());
        assert_eq!(comments[1]["by"], "huyen-467");
        let done = json!({ "kind": "done", "about": 1, "text": "đã hỏi lại, 5 khẩu" });
        district(&town, "comments", &done).await.refused(403, "forbidden");
        let unknown = json!({ "kind": "done", "about": 9, "text": "xong" });
        officer(&town, "comments", &unknown).await.refused(404, "comment-unknown");
        for _ in 0..2 {
            assert_eq!(officer(&town, "comments", &done).await.taken()["position"], 3);
        }
        let about_done = json!({ "kind": "answer", "about": 3, "text": "?" });
        officer(&town, "comments", &about_done).await.refused(404, "comment-unknown");
        let answer = json!({ "kind": "answer", "about": 2, "text": "nhà đã sửa từ tháng 9" });
        officer(&town, "comments", &answer).await.taken();
        let desk = get(&town, town.district.token(), &town.path("/desk")).await.taken();
        let communes = desk["communes"].as_array().unwrap();
        let mo_o = communes.iter().find(|one| one["unit"] == MO_O).unwrap();
        assert_eq!((&mo_o["comments"], &mo_o["step"]), (&json!(1), &json!("collecting")));
    }

    /// The scan of an opinion is named by the decision, and handed out as a file to those in scope.
    async fn a_decision_names_the_scan_of_its_paper(town: Town) {
        let root = submitted(&town).await;
        let attach = async |token: &str, kind: &str, bytes: &[u8]| {
            post_raw(&town, token, &path(&town, &format!("scans?kind={kind}")), bytes).await
        };
        let (token, commune) = (town.district.token(), town.officer.token());
        let before = kept(&town).await;
        for no_scan in [&b""[..], b"<html><script>", b"PK\x03\x04", b" %PDF-1.4"] {
            attach(token, "opinion", no_scan).await.refused(422, "scan-kind");
        }
        let mut large = PDF.to_vec();
        large.resize(11 * 1024 * 1024, b'x');
        attach(token, "opinion", &large).await.refused(413, "scan-too-large");
        large.resize(14 * 1024 * 1024, b'x');
        attach(token, "opinion", &large).await.refused(413, "body-too-large");
        attach(token, "decision", PDF).await.refused(403, "forbidden");
        attach(commune, "opinion", PDF).await.refused(403, "forbidden");
        attach(token, "letter", PDF).await.refused(400, "query-malformed");
        assert_eq!(kept(&town).await, before);

        let scan = attach(token, "opinion", PDF).await.taken()["digest"].clone();
        assert_eq!(scan, shared::id::to_hex(&shared::id::sha256(PDF)));
        attach(token, "opinion", PDF).await.taken();
        let approve = |scan: &Value| json!({ "act": "approve", "root": root, "opinion": {
            "number": "12/YK", "date": "2022-12-06", "signer": "A", "scan": scan,
        }});
        let unknown = approve(&json!("ab".repeat(32)));
        district(&town, "list", &unknown).await.refused(422, "scan-unknown");
        district(&town, "list", &approve(&scan)).await.taken();
        let recognise = json!({ "act": "recognise", "root": root, "decision": {
            "number": "30/QĐ", "date": "2022-12-07", "signer": "B", "scan": scan,
        }});
        // One file may hold both papers: it is kept once.
        officer(&town, "list", &recognise).await.taken();

        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!(list["decisions"][1]["body"]["opinion"]["scan"], scan);
        let scans = read(&town, "scans").await;
        assert_eq!((scans.as_array().unwrap().len(), &scans[0]["media"]), (1, &json!("pdf")));
        let file = path(&town, &format!("scans/{}", scan.as_str().unwrap()));
        let heard = get(&town, commune, &file).await;
        assert_eq!((heard.status, heard.body()), (200, PDF));
        let header = |name: &str| heard.header(name).unwrap_or_default().to_owned();
        assert!(header("content-disposition").starts_with("attachment; filename=\"19558-"));
        assert_eq!(header("content-type"), "application/pdf");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
        let stranger = town.sign_in("huyen-464").await;
        get(&town, stranger.token(), &file).await.refused(404, "unit-unknown");
        // The file is of this unit: nobody finds it under another.
        let other = town.path(&format!("/units/{HUONG_HIEP}/scans/{}", scan.as_str().unwrap()));
        get(&town, token, &other).await.refused(404, "not-found");
    }

    /// Every household of the list is in the matrix, and those who left by how they left.
    async fn a_list_is_held_against_the_opening_list(town: Town) {
        submitted(&town).await;
        let compared = read(&town, "comparison").await;
        let cell = |before: &str, after: &str| {
            let cells = compared["cells"].as_array().unwrap();
            let found = cells.iter().find(|cell| cell["before"] == before && cell["after"] == after);
            found.unwrap()["households"].as_u64().unwrap()
        };
        assert_eq!(cell("poor", "poor"), 1);
        assert_eq!(cell("poor", "near_poor"), 1);
        assert_eq!(cell("near_poor", "none"), 1);
        assert_eq!(cell("near_poor", "poor"), 1);
        assert_eq!(cell("poor", "left"), 1);
        assert_eq!(cell("none", "near_poor"), 1, "an applicant");
        assert_eq!(compared["left"], json!({ "moved_out": 1 }));
        assert_eq!(compared["rows"].as_array().unwrap().len(), 6);
        assert_eq!(read(&town, "comparison/phones").await, json!([]), "nobody touched anything");
    }

    /// What offices settled and corrected, and what a phone wrote over, is told apart from what the
    /// phones answered.
    async fn what_is_not_the_phones_answer_is_listed(town: Town) {
        let roof = |value: &str| Page {
            answers: [("roof".to_owned(), Answer::from(value))].into(),
            ..Page::default()
        };
        let mut hoa = town.review_mo_o().await;
        let settled = town.document(&hoa, "19558-01-0001");
        let over = town.document(&hoa, "19558-01-0002");
        let corrected = town.document(&hoa, "19558-02-0001");
        let mut minh = town.phone_with_work("minh").await;
        for document in [settled, over] {
            hoa.save(document, &[roof("concrete")]).unwrap();
            minh.save(document, &[roof("canvas")]).unwrap();
        }
        hoa.sync().await.unwrap();
        minh.sync().await.unwrap();
        hoa.sync().await.unwrap();
        // Hoa has seen both and writes a third: nobody decided.
        hoa.save(over, &[roof("leaf")]).unwrap();
        hoa.sync().await.unwrap();

        let household = async |document: &str| {
            let path = town.path(&format!("/households/{document}"));
            get(&town, town.officer.token(), &path).await.taken()
        };
        let settle = async |document: &str, key: &str, value: Value| {
            let heads = household(document).await["standing"]["heads"].clone();
            let form = json!({
                "heads": heads, "path": format!("answers/{key}"), "value": value,
                "reason": "đã đến nhà",
            });
            town.officer.settle(town.campaign, document, &form).await.unwrap();
        };
        settle(&settled.to_string(), "roof", json!("concrete")).await;
        settle(&corrected.to_string(), "outcome", json!("moved_out")).await;

        let lines = read(&town, "comparison/phones").await;
        let line = |document: &str| {
            let lines = lines.as_array().unwrap();
            lines.iter().find(|line| line["document"] == document).unwrap().clone()
        };
        assert_eq!(lines.as_array().unwrap().len(), 3);
        let one = line(&settled.to_string());
        let answer = &one["answers"][0];
        assert_eq!((&answer["kind"], &answer["after"]), (&json!("settled"), &json!("concrete")));
        assert_eq!(answer["before"], json!(["canvas", "concrete"]));
        assert_eq!((&answer["by"], &answer["note"]), (&json!("xa-19558"), &json!("đã đến nhà")));
        assert_eq!(one["phones_disputes"], 1);
        let one = line(&over.to_string());
        let answer = &one["answers"][0];
        assert_eq!((&answer["kind"], &answer["after"]), (&json!("overwritten"), &json!("leaf")));
        assert_eq!((&answer["before"], &answer["by"]), (&json!(["canvas", "concrete"]), &json!("hoa")));
        let one = line(&corrected.to_string());
        let answer = &one["answers"][0];
        assert_eq!((&answer["kind"], &answer["before"]), (&json!("corrected"), &json!(["surveyed"])));
        assert_eq!((&one["phones_class"], &one["class"]), (&json!("poor"), &Value::Null));
        assert_eq!((&one["phones_outcome"], &one["outcome"]), (&json!("surveyed"), &json!("left")));
        let rows = read(&town, "comparison").await["rows"].clone();
        let touched = rows.as_array().unwrap().iter().filter(|row| row["desk_after_phones"] == 1);
        assert_eq!(touched.count(), 2);
    }

    /// The desk shows what waits, against the deadline that the province set.
    async fn a_district_sees_what_waits_for_it(town: Town) {
        let desk = async || get(&town, town.district.token(), &town.path("/desk")).await.taken();
        let before = desk().await;
        assert_eq!((&before["deadline"]["days"], &before["deadline"]["verified"]), (&json!(5), &json!(false)));
        let root = submitted(&town).await;
        let now = desk().await;
        let units: Vec<&str> = now["communes"].as_array().unwrap().iter()
            .map(|one| one["unit"].as_str().unwrap()).collect();
        assert!(units.contains(&MO_O) && units.contains(&HUONG_HIEP));
        assert!(!units.contains(&tests::town::VINH_THAI), "of another district");
        let mo_o = |desk: &Value| {
            let communes = desk["communes"].as_array().unwrap();
            communes.iter().find(|one| one["unit"] == MO_O).unwrap().clone()
        };
        let line = mo_o(&now);
        assert_eq!((&line["step"], &line["waited_days"]), (&json!("submitted"), &json!(0)));
        assert_eq!(line["progress"], json!({ "households": 6, "done": 6, "disputed": 0 }));
        assert_eq!(line["sampled"], false);
        let draw = json!({ "root": root, "size": { "per_cent": 20 } });
        district(&town, "sample", &draw).await.taken();
        assert_eq!(mo_o(&desk().await)["sampled"], true);

        let set = async |form: &Value| {
            post(&town, town.province.token(), &town.path("/deadline"), form).await
        };
        for wrong in [
            json!({ "days": 0, "source": "x" }),
            json!({ "days": 91, "source": "x" }),
            json!({ "days": 3, "source": " " }),
            json!({ "days": 3, "source": "x", "holidays": ["02/09/2022"] }),
        ] {
            set(&wrong).await.refused(422, "deadline-refused");
        }
        let form = json!({ "days": 3, "source": "KH 1/KH", "holidays": ["2022-09-02"] });
        set(&form).await.taken();
        let heard = post(&town, town.district.token(), &town.path("/deadline"), &form).await;
        heard.refused(403, "forbidden");
        assert_eq!(desk().await["deadline"]["days"], 3);
        let rows = [("deadlines", "select count(*) from deadline")];
        assert_eq!(counted(&town, &rows).await["deadlines"], 1);
    }
}
