//! The official forms: read back from their files, computed anew, and compared with a count of our own.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use server::cli::serve::FIRST_ACCOUNT;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::population::Targets;
use shared::id::{Digest, sha256};
use shared::list::{Outcome, freeze, thaw};
use sqlx::Connection;
use tests::forms::{Sheet, check_province, load};
use tests::on_each_backend;
use tests::spreadsheet::{Spreadsheet, Value};
use tests::town::{HUONG_HIEP, MO_O, Town};

use crate::ask::{get, post};
use crate::fakes::{SCALE_PPM, play};
use crate::offices::Browser;

/// What a list comes to, counted from its rows by somebody who knows nothing of the forms.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    /// Households by where they stood and where they stand: `poor`, `near_poor`, `none` …
    moved: BTreeMap<(String, String), u64>,
    persons: BTreeMap<String, u64>,
    /// Households that came from none, by where they stand, that moved in or split.
    otherwise: BTreeMap<String, u64>,
    deprived: BTreeMap<(String, String), u64>,
}

impl Counted {
    fn add(&mut self, list: &Json) {
        for row in list["list"]["rows"].as_array().unwrap() {
            let from = row["opening"].as_str().unwrap_or("none").to_owned();
            let stays = row["outcome"] == "surveyed" || row["outcome"] == "kept";
            let to = if stays { row["class"].as_str() } else { None };
            let to = to.unwrap_or("left").to_owned();
            *self.persons.entry(to.clone()).or_default() += row["members"].as_u64().unwrap();
            for code in row["deprived"].as_array().unwrap() {
                let key = (to.clone(), code.as_str().unwrap().to_owned());
                *self.deprived.entry(key).or_default() += 1;
            }
            if from == "none" && (row["life"] == "moved_in" || row["life"] == "split") {
                *self.otherwise.entry(to.clone()).or_default() += 1;
            }
            *self.moved.entry((from, to)).or_default() += 1;
        }
    }

    fn count(&self, from: &str, to: &str) -> u64 {
        let fits = |part: &str, wanted: &str| wanted == "*" || part == wanted;
        let moved = self.moved.iter().filter(|((a, b), _)| fits(a, from) && fits(b, to));
        moved.map(|(_, count)| count).sum()
    }

    /// Columns 1 to 9 of form 7.2 or 7.3 in a first campaign, in which nobody falls back.
    fn movement(&self, class: &str, other: &str) -> [u64; 9] {
        let known = |from, to| self.count(from, to);
        let otherwise = self.otherwise.get(class).copied().unwrap_or(0);
        [
            known(class, "*"),
            known(class, other),
            known(class, "above"),
            known(class, "left"),
            known(other, class),
            0,
            known("none", class) - otherwise,
            otherwise,
            known("*", class),
        ]
    }
}

/// Compares every figure of a file's total rows with a count of the lists below.
fn compare(book: &Spreadsheet, counted: &Counted) {
    for (name, class, other) in [("7.2", "poor", "near_poor"), ("7.3", "near_poor", "poor")] {
        let sheet = Sheet::of(book, name);
        let row = sheet.total();
        for (column, count) in (1..).zip(counted.movement(class, other)) {
            let (told, due) = (sheet.figure(row, column), Value::whole(count));
            assert_eq!(told, due, "{name} column {column}");
            assert_ne!(sheet.figure(row + 1, column), Value::Empty, "{name}, persons {column}");
        }
        let persons = counted.persons.get(class).copied().unwrap_or(0);
        assert_eq!(sheet.figure(row + 1, 9), Value::whole(persons), "{name}, persons");
    }
    let result = Sheet::of(book, "7.1");
    let row = result.total();
    for (column, class) in [(3, "poor"), (7, "near_poor")] {
        assert_eq!(result.figure(row, column), Value::whole(counted.count("*", class)));
        let persons = counted.persons.get(class).copied().unwrap_or(0);
        assert_eq!(result.figure(row, column + 2), Value::whole(persons));
    }
    for (name, class) in [("7.4 hộ nghèo", "poor"), ("7.4 hộ cận nghèo", "near_poor")] {
        let sheet = Sheet::of(book, name);
        let row = sheet.total();
        let standard = shared::standard::Standard::nd_07_2021();
        for (column, indicator) in (2..).zip(&standard.indicators) {
            let key = (class.to_owned(), indicator.code.clone());
            let count = counted.deprived.get(&key).copied().unwrap_or(0);
            assert_eq!(sheet.figure(row, column), Value::whole(count), "{name} {column}");
        }
    }
}

/// Puts a wrong number in every counted cell of the file, one at a time: each time it shows.
fn plant_errors(book: &Spreadsheet) {
    let mut planted = 0;
    for (name, cells) in &book.sheets {
        let first = Sheet::of(book, name).row("Khu vực thành thị", None);
        for (place, cell) in cells.range((first, 2)..) {
            if cell.formula.is_some() || !matches!(cell.value, Value::Number(_)) {
                continue;
            }
            let mut wrong = book.clone();
            let cell = wrong.sheets.get_mut(name).unwrap().get_mut(place).unwrap();
            cell.value = Value::whole(987_654);
            assert!(!wrong.stale().is_empty(), "{name} {place:?} may be anything");
            planted += 1;
        }
    }
    assert!(planted > 10, "{planted} cells");
}

async fn book_of(town: &Town, office: &Office, query: &str) -> Spreadsheet {
    let path = town.path(&format!("/forms.xlsx{query}"));
    Spreadsheet::read(&load(&town.client, office, &path).await)
}

on_each_backend! {
    /// A commune's forms come from its recognised list, and every figure can be computed again.
    async fn a_communes_forms_are_what_its_recognised_list_holds(town: Town) {
        let _hoa = town.review_mo_o().await;
        let token = town.officer.token();
        let early = get(&town, token, &town.path("/forms/7.1")).await;
        early.refused(409, "report-incomplete");
        assert_eq!(early.items(), [json!({ "unit": MO_O, "name": "xã Mò Ó" })]);
        town.recognise_mo_o().await;

        let mut counted = Counted::default();
        counted.add(&town.officer.list(town.campaign, MO_O).await.unwrap());
        assert_eq!(counted.count("poor", "*"), 3, "the story's families are known");
        let book = book_of(&town, &town.officer, "").await;
        compare(&book, &counted);
        assert_eq!(book.stale(), []);
        assert!(book.formulas() > 100, "{}", book.formulas());
        plant_errors(&book);

        // Registered counts are the denominators: two hamlets of 100 households and 400 persons.
        let result = Sheet::of(&book, "7.1");
        let row = result.total();
        assert_eq!(result.figure(row, 1), Value::whole(200));
        assert_eq!(result.figure(row, 2), Value::whole(800));
        assert_eq!(result.figure(row, 4), Value::hundredths(100), "2 of 200 households");
        let hamlet = result.row("thôn 19558-01", Some(result.row("Khu vực nông thôn", None)));
        assert_eq!(result.figure(hamlet, 3), Value::whole(1));
        for (sheet, said) in [
            ("7.1", "SỐ LIỆU CHÍNH THỨC – tổng hợp từ 1/1"),
            ("7.1", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
            ("7.1", "10 = 9/2×100"),
            ("7.2", "9 = 1−2−3−4+5+6+7+8"),
            ("7.2", "trước 01/7/2025, có cấp huyện"),
            ("7.3", "Biến động từ 31/12/2021 đến 31/12/2022"),
            ("7.5 hộ nghèo", "Phần của chuẩn chưa đối chiếu với văn bản gốc: thời hạn áp dụng"),
        ] {
            assert!(book.holds(sheet, said), "{sheet}: {said}");
        }

        // What was loaded is what the list says of it; that is checked apart from the flows.
        let checks = get(&town, token, &town.path("/forms/7.2")).await.taken()["checks"].clone();
        let checks = checks.as_array().unwrap();
        let figures: Vec<(&Json, &Json, &Json)> =
            checks.iter().map(|one| (&one["left"], &one["right"], &one["holds"])).collect();
        assert_eq!(figures.len(), 10);
        assert_eq!(figures[8], (&json!("3"), &json!("3"), &json!(true)), "poor at the start");
        assert_eq!(figures[9], (&json!("2"), &json!("2"), &json!(true)), "near-poor at the start");

        // One form alone brings the sheet that its formulas read.
        let path = town.path("/forms/7.5-poor/xlsx");
        let rates = Spreadsheet::read(&load(&town.client, &town.officer, &path).await);
        assert_eq!(rates.sheets.len(), 2);
        assert_eq!(rates.stale(), []);

        // A list that is taken back takes the official figures with it.
        let root = town.officer.list(town.campaign, MO_O).await.unwrap()["root"].clone();
        let act = json!({ "act": "withdraw", "root": root, "reason": "thử" });
        town.officer.act(town.campaign, MO_O, &act).await.unwrap();
        get(&town, token, &town.path("/forms/7.1")).await.refused(409, "report-incomplete");
    }

    /// A preliminary report keeps its day: what happens to the lists afterwards changes nothing.
    async fn a_preliminary_report_is_frozen(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let token = town.province.token();
        let path = town.path("/preliminaries");
        let made = post(&town, token, &path, &json!({ "number": 1 })).await.taken();
        assert_eq!((&made["number"], &made["covered"], &made["due"]), (&json!(1), &json!(1), &json!(126)));
        let twice = post(&town, token, &path, &json!({ "number": 1 })).await.taken();
        assert_eq!(twice, made, "pressed twice, made once");
        post(&town, token, &path, &json!({ "number": 5 })).await.refused(409, "preliminary-number");

        let query = "?under=45&number=1";
        let before = book_of(&town, &town.province, query).await;
        assert!(before.holds("7.1", "SỐ LIỆU SƠ BỘ số 1"));
        assert!(before.holds("7.1", "gồm 1/126 danh sách"));
        let form = |query: &str| town.path(&format!("/forms/7.1{query}"));
        let shown = get(&town, token, &form(query)).await.taken();
        assert_eq!((&shown["official"], &shown["lists"]), (&json!(false), &json!(1)));

        // A household is deprived of less than it was; the draft moves on, the report does not.
        let document = town.document(&hoa, "19558-01-0001");
        let outcome = ("outcome".to_owned(), "moved_out".into());
        let page = shared::page::Page { answers: [outcome].into(), ..Default::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        town.recognise_mo_o().await;
        let after = book_of(&town, &town.province, query).await;
        assert_eq!(before.sheets, after.sheets);
        post(&town, token, &path, &json!({ "number": 2 })).await.taken();
        let second = book_of(&town, &town.province, "?under=45&number=2").await;
        let poor = |book: &Spreadsheet| {
            let sheet = Sheet::of(book, "7.2");
            (sheet.figure(sheet.total(), 4), sheet.figure(sheet.total(), 9))
        };
        assert_eq!(poor(&before), (Value::whole(1), Value::whole(2)));
        assert_eq!(poor(&second), (Value::whole(2), Value::whole(1)));
        let listed = get(&town, token, &path).await.taken();
        let numbers: Vec<&Json> =
            listed.as_array().unwrap().iter().map(|made| &made["number"]).collect();
        assert_eq!(numbers, [&json!(2), &json!(1)]);

        // A district reads its own part of the province's report and nothing beside it.
        let district = town.district.token();
        let own = get(&town, district, &form("?number=1&of=45")).await.taken();
        assert_eq!(own["unit"], "467");
        get(&town, district, &form(query)).await.refused(404, "unit-unknown");
        get(&town, district, &form("?number=1")).await.refused(404, "not-found");
        let officer = town.officer.token();
        post(&town, officer, &path, &json!({ "number": 1 })).await.refused(403, "forbidden");
    }

    /// Frozen rows that somebody wrote past the rules do not become a report: the difference shows.
    async fn flows_that_do_not_close_are_refused_with_the_difference(town: Town) {
        let _hoa = town.review_mo_o().await;
        let root = town.recognise_mo_o().await;
        let forged = forge(&town, &root).await;
        assert_ne!(forged, root);
        let refused = get(&town, town.officer.token(), &town.path("/forms/7.2")).await;
        refused.refused(409, "report-not-closed");
        let items = refused.items();
        assert_eq!(items.len(), 2, "{items:?}");
        assert_eq!((&items[0]["check"], &items[1]["check"]), (&json!("7.2"), &json!("7.2-persons")));
        let (computed, counted) = (&items[0]["computed"], &items[0]["counted"]);
        assert_eq!((computed, counted, &items[0]["difference"]), (&json!(1), &json!(0), &json!(1)));

        let mut browser = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = format!("/office/campaigns/{}/forms/7.2", town.campaign);
        let shown = browser.open(&page).await;
        assert_eq!(shown.status, 409);
        shown.holds("Biến động không khớp").holds("chênh lệch +1").holds("thôn 19558-01");
    }

    /// The forms in a browser: which there are, one with its checks, the report of a day, the files.
    async fn the_forms_are_read_in_a_browser(town: Town) {
        let _hoa = town.review_mo_o().await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let forms = format!("{campaign}/forms");
        let mut district = Browser::of(&town, "huyen-467").await;
        district.open(&format!("{campaign}/desk")).await.holds(&format!("{forms}\""));
        let index = district.open(&forms).await;
        index.holds("0/13").holds("xã Mò Ó").holds("Chưa chốt lần nào").lacks("forms.xlsx?under=467\"");
        let made = district.fill(&forms, &index, &[("number", "1")]).await;
        assert_eq!(made.status, 303);
        assert_eq!(district.fill(&forms, &index, &[("number", "1")]).await.status, 303);
        let stale = district.fill(&forms, &index, &[("number", "9")]).await;
        assert_eq!(stale.status, 409);
        stale.holds("Tải lại trang");
        let shown = district.open(&format!("{forms}/7.2?under=467&number=1")).await;
        shown.holds("SỐ LIỆU SƠ BỘ số 1").holds("9 = 1−2−3−4+5+6+7+8");
        shown.holds("under=19558&#38;number=1&#38;of=467").lacks("KHÔNG ĐẠT");
        let early = district.open(&format!("{forms}/7.1")).await;
        assert_eq!(early.status, 409);
        early.holds("Chưa đủ danh sách đã công nhận");

        town.recognise_mo_o().await;
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        officer.open(&format!("{campaign}/units/{MO_O}")).await.holds(&forms);
        let index = officer.open(&forms).await;
        index.holds("1/1").holds("forms/7.5-near-poor/xlsx").lacks("Chốt số liệu sơ bộ số");
        let shown = officer.open(&format!("{forms}/7.1")).await;
        shown.holds("SỐ LIỆU CHÍNH THỨC").holds("Khu vực nông thôn").holds("1,00");
        shown.holds("households?hamlet=19558-01&#38;state=poor").holds("bảng điểm giả định");
        let csv = officer.open(&format!("{forms}/7.1/csv")).await;
        csv.holds("\u{feff}\"Biểu 7.1").holds("\"10 = 9/2×100\"").holds("\"1,00\"");
        assert_eq!(officer.open(&format!("{forms}/7.1/xlsx")).await.status, 200);
        assert_eq!(officer.open(&format!("{forms}.xlsx")).await.status, 200);
        assert_eq!(officer.open(&format!("{forms}/7.11")).await.status, 404);
        let other = officer.open(&format!("{forms}/7.1?under={HUONG_HIEP}")).await;
        assert_eq!(other.status, 404);
    }
}

/// Writes a list past every rule: a poor household of the opening list has no outcome any more.
async fn forge(town: &Town, root: &str) -> String {
    const READ: &str = "select rows from frozen_list where root = $1";
    const WRITE: &str = "insert into frozen_list (root, campaign, unit, rows, frozen_at_ms)
        values ($1, $2, $3, $4, 0)";
    const MOVE: &str = "update list set step = replace(step, $1, $2) where unit = $3";
    let known: Digest = root.parse().unwrap();
    let campaign = town.campaign.0.to_vec();
    let new: String;
    macro_rules! forge_in {
        ($db:expr) => {
            let mut db = $db;
            let bytes: Vec<u8> =
                sqlx::query_scalar(READ).bind(known.0.to_vec()).fetch_one(&mut db).await.unwrap();
            let mut list = thaw(&bytes).unwrap();
            let poor = Some(shared::classify::Class::Poor);
            let row = list
                .rows
                .iter_mut()
                .find(|row| row.opening == poor && row.class == poor)
                .expect("a household that stays poor");
            (row.outcome, row.class) = (Outcome::Pending, None);
            let (bytes, forged) = freeze(&list);
            assert_eq!(sha256(&bytes), forged.0);
            new = forged.to_string();
            let write = sqlx::query(WRITE).bind(forged.0.to_vec()).bind(campaign);
            write.bind(MO_O).bind(bytes).execute(&mut db).await.unwrap();
            let moved = sqlx::query(MOVE).bind(root).bind(&new).bind(MO_O).execute(&mut db).await;
            assert_eq!(moved.unwrap().rows_affected(), 1);
        };
    }
    if let Some(url) = &town.config.database {
        forge_in!(sqlx::PgConnection::connect(url).await.unwrap());
    } else {
        let file = town.config.data.join("rasoat.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        forge_in!(sqlx::SqliteConnection::connect_with(&options).await.unwrap());
    }
    new
}

/// The whole province, small: the files hold the totals it was made from, and each district's lists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_provinces_forms_hold_the_totals_it_was_made_from() {
    let targets = Targets::quang_tri_2022();
    let played = play(targets.clone(), None).await;
    let done = played.done.unwrap();
    let client = Client::new(&format!("http://{}", played.running.address));
    let office = Office::sign_in(&client, FIRST_ACCOUNT, &played.password).await.unwrap();
    let path = format!("/v1/campaigns/{}/forms.xlsx", done.campaign);
    let bytes = load(&client, &office, &path).await;
    let formulas = check_province(&bytes, &targets, SCALE_PPM);
    assert!(formulas > 500, "{formulas} formulas");
    for unit in ["45", "467", "19558"] {
        let mut counted = Counted::default();
        let tree = shared::unit::Units::quang_tri_2022().at(targets.review_date);
        for list in tree.list_units() {
            if tree.contains(unit, list.code()) {
                counted.add(&office.list(done.campaign, list.code()).await.unwrap());
            }
        }
        let bytes = load(&client, &office, &format!("{path}?under={unit}")).await;
        let book = Spreadsheet::read(&bytes);
        compare(&book, &counted);
        assert_eq!(book.stale(), [], "{unit}");
    }
    played.running.stop().await.unwrap();
}
