//! The register: fed by recognised decisions, read as of any day, and what it says of 7.2 and 7.3.

use serde_json::{Value, json};
use shared::id::DocumentId;
use shared::page::Page;
use sqlx::Connection;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::{get, post};
use crate::offices::Browser;

mod roster;

pub(crate) use self::roster::later_campaign;

/// Households of a unit on the register of a day, as the officer reads it: poor and near-poor.
async fn held(town: &Town, on: &str) -> (u64, u64) {
    let shown = register(town, on).await;
    let count = |class: &str| shown[class]["households"].as_u64().unwrap();
    (count("poor"), count("near_poor"))
}

/// What is kept of the register: unit, moment, whether whole, bytes.
async fn kept(town: &Town) -> Vec<(String, i64, i64, Vec<u8>)> {
    const SQL: &str = "select unit, moment, whole, bytes from register order by unit, moment";
    if let Some(url) = &town.config.database {
        let mut db = sqlx::PgConnection::connect(url).await.unwrap();
        return sqlx::query_as(SQL).fetch_all(&mut db).await.unwrap();
    }
    let file = town.config.data.join("rasoat.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_as(SQL).fetch_all(&mut db).await.unwrap()
}

/// Changes what is stored, as no request can: bytes and the household's document are its values.
async fn damage(town: &Town, sql: &'static str, bytes: Vec<u8>, document: DocumentId) {
    let document = document.0.to_vec();
    if let Some(url) = &town.config.database {
        let mut db = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(sql).bind(bytes).bind(document).execute(&mut db).await.unwrap();
        return;
    }
    let file = town.config.data.join("rasoat.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(sql).bind(bytes).bind(document).execute(&mut db).await.unwrap();
}

async fn register(town: &Town, on: &str) -> Value {
    get(town, town.officer.token(), &town.path(&format!("/register?on={on}"))).await.taken()
}

/// Opens a figure: how many households and persons, and who.
async fn behind(town: &Town, form: &str, column: usize, query: &str) -> (u64, u64, Vec<String>) {
    let path = town.path(&format!("/register/moves?form={form}&column={column}{query}"));
    let opened = get(town, town.officer.token(), &path).await.taken();
    let total = |key: &str| opened["total"][key].as_u64().unwrap();
    let parts = opened["parts"].as_array().unwrap();
    let codes = parts.iter().filter(|part| part["households"] == 1);
    let codes = codes.map(|part| part["code"].as_str().unwrap().to_owned()).collect();
    (total("households"), total("persons"), codes)
}

/// Columns 1 to 9 of the total of a form: households, persons.
async fn totals(town: &Town, form: &str, query: &str) -> Vec<(u64, u64)> {
    let shown = get(town, town.officer.token(), &town.path(&format!("/forms/{form}{query}"))).await;
    let rows = shown.taken()["rows"].as_array().unwrap().clone();
    let total: Vec<&Value> = rows.iter().filter(|row| row["kind"] == "total").collect();
    let cells = |row: &Value| -> Vec<u64> {
        row["cells"].as_array().unwrap().iter().map(|c| c["count"].as_u64().unwrap()).collect()
    };
    cells(total[0]).into_iter().zip(cells(total[1])).collect()
}

/// The household of a code, with its document.
async fn household(town: &Town, code: &str) -> (String, String) {
    let path = town.path(&format!("/units/{MO_O}/households"));
    let all = get(town, town.officer.token(), &path).await.taken();
    let all = all.as_array().unwrap().clone();
    let found = all.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{code}"));
    let text = |key: &str| found["row"][key].as_str().unwrap().to_owned();
    (text("household"), text("document"))
}

async fn decide(town: &Town, document: &str, act: &Value) -> crate::ask::Heard {
    let path = town.path(&format!("/households/{document}/life"));
    post(town, town.officer.token(), &path, act).await
}

fn outcome(code: &str) -> Page {
    Page { answers: [("outcome".to_owned(), code.into())].into(), ..Page::default() }
}

fn minutes() -> Value {
    json!({ "number": "07/BB-BCĐ", "date": "2022-12-10", "signer": "Trưởng Ban Chỉ đạo (thử)" })
}

on_each_backend! {
    /// The opening list is the first entry; a recognised list counts from its decision's day; one
    /// that is taken back is gone from every day; a rebuild finds the same.
    async fn the_register_is_what_recognised_decisions_say(town: Town) {
        assert_eq!(held(&town, "2021-12-30").await, (0, 0));
        assert_eq!(held(&town, "2021-12-31").await, (3, 2));
        let opening = register(&town, "2021-12-31").await;
        let first = &opening["households"][0];
        assert_eq!((&first["paper"], &first["cause"]), (&json!("QĐ 1/2021"), &json!("opening")));
        assert!(first["persons"].as_u64().unwrap() > 0);
        assert!(first["code"].as_str().unwrap().starts_with(MO_O));

        let _hoa = town.review_mo_o().await;
        town.recognise_mo_o().await;
        assert_eq!(held(&town, "2022-12-11").await, (3, 2), "the day before the decision");
        assert_eq!(held(&town, "2022-12-12").await, (2, 2));
        let now = register(&town, "2022-12-31").await;
        let by = now["households"].as_array().unwrap().iter().map(|one| one["paper"].as_str());
        assert!(by.clone().all(|paper| paper == Some("QĐ 19558/DEMO ngày 12/12/2022")));
        let rows = kept(&town).await;
        assert_eq!(rows.len(), 4, "three opening lists, and one that was recognised");
        server::cli::rebuild::rebuild(&town.running.app).await.unwrap();
        assert!(kept(&town).await == rows, "to the byte");
        let again = register(&town, "2022-12-31").await;
        assert_eq!(again["households"].as_array().unwrap().len(), 4);
        assert_eq!((&again["poor"], &again["near_poor"]), (&now["poor"], &now["near_poor"]));

        // Who does not keep this list sees nothing of it; the province sees every unit.
        let province = town.province.token();
        let all = get(&town, province, &town.path("/register?on=2022-12-31")).await.taken();
        assert_eq!(all["poor"]["households"], 4, "two here, one each in two other communes");
        assert_eq!(all["households"], json!([]));
        let other = town.path("/register?under=19561");
        get(&town, town.officer.token(), &other).await.refused(404, "unit-unknown");
        let bad = town.path("/register?on=31/12/2022");
        get(&town, province, &bad).await.refused(400, "query-malformed");

        let root = town.officer.list(town.campaign, MO_O).await.unwrap()["root"].clone();
        let act = json!({ "act": "withdraw", "root": root, "reason": "thử" });
        town.officer.act(town.campaign, MO_O, &act).await.unwrap();
        assert_eq!(held(&town, "2022-12-31").await, (3, 2));
    }

    /// Every column of 7.2 and 7.3 opens to its households, and both lines close.
    async fn every_column_opens_to_its_households(town: Town) {
        let _hoa = town.review_mo_o().await;
        town.recognise_mo_o().await;
        for form in ["7.2", "7.3"] {
            let columns = totals(&town, form, "").await;
            let sum = |pick: fn(&(u64, u64)) -> u64, of: &[usize]| -> u64 {
                of.iter().map(|at| pick(&columns[at - 1])).sum()
            };
            for pick in [|one: &(u64, u64)| one.0, |one: &(u64, u64)| one.1] {
                let out = sum(pick, &[2, 3, 4]);
                assert_eq!(sum(pick, &[1, 5, 6, 7, 8]), out + sum(pick, &[9]), "{form}");
            }
            for (column, (households, persons)) in (1..).zip(&columns) {
                let opened = behind(&town, form, column, "").await;
                assert_eq!((opened.0, opened.1), (*households, *persons), "{form} {column}");
                assert_eq!(u64::try_from(opened.2.len()).unwrap(), *households);
            }
        }
        let named = async |form, column| behind(&town, form, column, "").await.2;
        assert_eq!(named("7.2", 2).await, ["19558-01-0002"]);
        assert_eq!(named("7.3", 5).await, ["19558-01-0002"]);
        assert_eq!(named("7.2", 4).await, ["19558-02-0002"]);
        assert_eq!(named("7.2", 5).await, ["19558-02-0001"]);
        assert_eq!(named("7.3", 3).await, ["19558-01-0003"]);
        let hamlet = behind(&town, "7.2", 1, "&hamlet=19558-02").await;
        assert_eq!(hamlet.2, ["19558-02-0002"]);
        let early = behind(&town, "7.2", 9, "&from=2021-12-31&to=2022-06-30").await;
        assert_eq!(early.0, 3, "before the decision nothing has moved");
        for bad in ["form=7.1&column=1", "form=7.2&column=0", "form=7.2&column=10",
            "form=7.2&column=1&through=all", "form=7.2&column=1&from=2023-01-01&to=2022-01-01"] {
            let path = town.path(&format!("/register/moves?{bad}"));
            get(&town, town.officer.token(), &path).await.refused(400, "query-malformed");
        }
    }

    /// A household that refuses or is not found blocks its commune until the committee has decided
    /// with minutes; what a later visit finds holds against that.
    async fn the_committee_decides_about_whom_nobody_could_ask(town: Town) {
        let mut hoa = town.review_mo_o().await;
        for (code, said) in [("19558-01-0001", "refused"), ("19558-01-0003", "not_found")] {
            let document = town.document(&hoa, code);
            hoa.save(document, &[outcome(said)]).unwrap();
        }
        hoa.sync().await.unwrap();
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-missing-outcomes"));

        let (_, poor) = household(&town, "19558-01-0001").await;
        let (_, near) = household(&town, "19558-01-0003").await;
        let (_, asked) = household(&town, "19558-01-0002").await;
        let act = |verdict: &str| json!({
            "act": "decide", "verdict": verdict, "minutes": minutes(), "reason": "ba lần không gặp",
        });
        decide(&town, &asked, &act("keep")).await.refused(409, "household-has-outcome");
        let mut bare = act("keep");
        bare["minutes"]["number"] = json!(" ");
        decide(&town, &poor, &bare).await.refused(422, "decision-incomplete");
        let undo = json!({ "act": "undo", "reason": "nhầm" });
        decide(&town, &poor, &undo).await.refused(409, "nothing-to-undo");
        decide(&town, &poor, &act("strike_off")).await.taken();
        decide(&town, &poor, &undo).await.taken();
        let still = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(still.name(), Some("list-has-missing-outcomes"));
        decide(&town, &poor, &act("keep")).await.taken();
        decide(&town, &near, &act("strike_off")).await.taken();
        let path = town.path(&format!("/households/{poor}/life"));
        let log = get(&town, town.officer.token(), &path).await.taken();
        let acts: Vec<&Value> =
            log["acts"].as_array().unwrap().iter().map(|one| &one["act"]["act"]).collect();
        assert_eq!(acts, ["decide", "undo", "decide"]);
        let district = town.district.token();
        post(&town, district, &path, &act("keep")).await.refused(403, "forbidden");

        town.recognise_mo_o().await;
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        let rows = list["list"]["rows"].as_array().unwrap();
        let kept = rows.iter().find(|row| row["document"] == json!(poor)).unwrap();
        assert_eq!((&kept["outcome"], &kept["class"]), (&json!("kept"), &json!("poor")));
        let mut poor = behind(&town, "7.2", 9, "").await.2;
        poor.sort();
        assert_eq!(poor, ["19558-01-0001", "19558-02-0001"], "the one is kept");
        assert_eq!(behind(&town, "7.3", 4, "").await.2, ["19558-01-0003"], "taken off");
        decide(&town, &near, &act("keep")).await.refused(409, "list-frozen");
    }

    /// Where a household came from and went to feeds columns 4 and 8; links that make no sense are
    /// refused, and a young split is shown and refuses nothing.
    async fn splits_and_joins_feed_the_flows(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let gone = town.document(&hoa, "19558-01-0001");
        hoa.save(gone, &[outcome("not_found")]).unwrap();
        hoa.sync().await.unwrap();
        let (from, parent) = household(&town, "19558-02-0001").await;
        let (child_id, child) = household(&town, "").await;
        let (joined_id, joined) = household(&town, "19558-01-0001").await;
        let split = |from: &str, on: &str| json!({
            "act": "split", "from": from, "on": on, "same_meter": true, "evidence": "sổ hộ khẩu",
        });
        let join = |into: &str| json!({
            "act": "join", "into": into, "on": "2022-12-01", "evidence": "trưởng thôn",
        });
        decide(&town, &child, &split(&child_id, "2022-03-01")).await.refused(422, "kin-itself");
        let stranger = "0".repeat(32);
        decide(&town, &child, &split(&stranger, "2022-03-01")).await.refused(422, "kin-unknown");
        decide(&town, &child, &split(&from, "2023-03-01")).await.refused(422, "kin-too-late");
        decide(&town, &child, &split(&from, "2022-03-01")).await.taken();
        decide(&town, &parent, &split(&child_id, "2022-03-01")).await.refused(422, "kin-circle");
        decide(&town, &parent, &join(&joined_id)).await.refused(409, "household-has-outcome");
        decide(&town, &joined, &join(&from)).await.taken();
        let path = town.path(&format!("/households/{child}/life"));
        let log = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(log["doubtful"], true);

        town.recognise_mo_o().await;
        let columns = totals(&town, "7.3", "").await;
        assert_eq!((columns[6].0, columns[7].0), (0, 1), "split, and not newly arisen");
        let opened = town.path("/register/moves?form=7.3&column=8");
        let opened = get(&town, town.officer.token(), &opened).await.taken();
        let part = opened["parts"].as_array().unwrap().iter().find(|part| part["households"] == 1);
        assert_eq!((&part.unwrap()["kin"], &part.unwrap()["cause"]), (&json!(from), &json!("split")));
        let out = behind(&town, "7.2", 4, "").await.2;
        assert!(out.contains(&"19558-01-0001".to_owned()), "{out:?}");
    }

    /// Of opening lists from before there was a register the persons are not known: that is said, and
    /// no sum that leaves them out is shown as if it were whole.
    async fn persons_who_were_never_counted_are_not_none(town: Town) {
        let hoa = town.review_mo_o().await;
        let old = town.document(&hoa, "19558-01-0001");
        let whole = register(&town, "2021-12-31").await;
        assert_eq!(whole["poor"]["persons_unknown"], 0);
        let sql = "update household set opening_members = length($1) where document = $2";
        damage(&town, sql, Vec::new(), old).await;
        town.recognise_mo_o().await;
        let part = register(&town, "2021-12-31").await;
        assert_eq!(part["poor"]["persons_unknown"], 1);
        assert!(part["poor"]["persons"].as_u64() < whole["poor"]["persons"].as_u64());
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = officer.open(&format!("{campaign}/register?on=2021-12-31")).await;
        page.holds("chưa đầy đủ").holds(&format!("{}*", part["poor"]["persons"]));
        page.holds("<td class=\"n\">–</td>");
        let path = town.path("/register/moves?form=7.2&column=1");
        let opened = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(opened["persons_unknown"], 1);
        let form = officer.open(&format!("{campaign}/forms/7.2")).await;
        form.holds("Dòng nhân khẩu chưa đầy đủ");
        // Nobody came by being counted for the first time, and a frozen report says the same.
        assert!(!behind(&town, "7.2", 8, "").await.2.contains(&"19558-01-0001".to_owned()));
        let columns = totals(&town, "7.2", "").await;
        let sum = |of: &[usize]| -> u64 { of.iter().map(|at| columns[at - 1].1).sum() };
        assert_eq!(sum(&[1, 5, 6, 7, 8]), sum(&[2, 3, 4, 9]), "{columns:?}");
        let unknown = town.truth("19558-01-0001").household.members.len();
        let listed = register(&town, "2022-12-31").await["poor"]["persons"].as_u64().unwrap();
        assert_eq!(columns[8].1 + u64::try_from(unknown).unwrap(), listed, "column 9 leaves them out");
        let made = town.path("/preliminaries");
        post(&town, town.district.token(), &made, &json!({ "number": 1 })).await.taken();
        let mut district = Browser::of(&town, "huyen-467").await;
        let form = district.open(&format!("{campaign}/forms/7.2?number=1")).await;
        form.holds("Dòng nhân khẩu chưa đầy đủ");
        let form = district.open(&format!("{campaign}/forms/7.2?number=1&of=467&under={HUONG_HIEP}")).await;
        form.lacks("Dòng nhân khẩu chưa đầy đủ");
    }

    /// The register, an opened figure and the desk's act in a browser.
    async fn the_register_is_read_in_a_browser(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        hoa.save(document, &[outcome("refused")]).unwrap();
        hoa.sync().await.unwrap();
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = format!("{campaign}/households/{document}");
        let shown = officer.open(&page).await;
        shown.holds("quyết định của Ban Chỉ đạo").holds("Tách từ hộ khác");
        let fields = [("act", "decide"), ("verdict", "keep"), ("number", "07/BB"),
            ("date", "2022-12-10"), ("signer", "Trưởng ban"), ("reason", "từ chối ba lần")];
        let sent = officer.fill(&format!("{page}/life"), &shown, &fields).await;
        assert_eq!(sent.status, 303);
        officer.open(&page).await.holds("giữ diện cũ").holds("từ chối ba lần");
        town.recognise_mo_o().await;
        let register = officer.open(&format!("{campaign}/register?on=2022-12-31")).await;
        register.holds("Danh sách đang quản lý tại ngày 31/12/2022").holds("19558-01-0001");
        let form = officer.open(&format!("{campaign}/forms/7.2?through=both&look_back=5")).await;
        form.holds("register/moves?form=7.2&#38;column=4").holds("tính vào cả tăng và giảm");
        form.holds("tái nghèo xét trong 5 năm");
        let moves = officer.open(&format!("{campaign}/register/moves?form=7.2&column=4")).await;
        moves.holds("Giảm khác").holds("chuyển đi").holds("19558-02-0002");
    }
}
