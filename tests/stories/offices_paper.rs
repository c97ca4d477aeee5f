//! Paper forms in the browser: typed whole, mended, typed on a stale page, typed a second time.

use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Answers, Value};
use server::demo::phone::Phone;
use shared::page::Page;
use shared::typed::show;
use tests::on_each_backend;
use tests::town::{MO_O, PASSWORD, Town, person};

use crate::offices::{Browser, Shown, unescaped};

type Fields = Vec<(String, String)>;

/// Reads what a browser would send of the page's form with class `paper`, as it is shown.
fn form(page: &Shown) -> Fields {
    let start = page.html.find("class=\"typing\"").expect("a paper form");
    let html = &page.html[start..];
    let html = &html[..html.find("</form>").unwrap()];
    let mut fields = Fields::new();
    for tag in html.split('<').skip(1) {
        let value = |name: &str| {
            let before = format!(" {name}=\"");
            let rest = &tag[tag.find(&before)? + before.len()..];
            Some(unescaped(&rest[..rest.find('"')?]))
        };
        if tag.contains(" disabled") {
            continue;
        }
        if tag.starts_with("select ") {
            fields.push((value("name").unwrap(), String::new()));
        } else if tag.starts_with("option ") && tag.contains(" selected") {
            fields.last_mut().unwrap().1 = value("value").unwrap();
        } else if tag.starts_with("input ") {
            let is_box = tag.contains("type=\"checkbox\"");
            if !is_box || tag.contains(" checked") {
                fields.push((value("name").unwrap(), value("value").unwrap()));
            }
        }
    }
    fields
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    fields.retain(|(known, _)| known != name);
    fields.push((name.to_owned(), value.to_owned()));
}

fn get<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// Writes the head of the form.
fn head(fields: &mut Fields) {
    set(fields, "day", "15/10/2022");
    set(fields, "by", "Hồ Văn Hoa");
    set(fields, "answered_by", "chủ hộ");
}

async fn send(browser: &mut Browser, path: &str, fields: &Fields) -> Shown {
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.send(path, &fields).await
}

fn typed(key: &str, scope: Scope, value: &Value) -> String {
    show(&Form::phieu_b().find(key, scope).unwrap().question.kind, value)
}

/// Types everything that is true about a family, as it stands on paper.
fn type_whole(town: &Town, code: &str, fields: &mut Fields) {
    head(fields);
    let truth = town.truth(code).household;
    for (key, value) in truth.answers.iter().filter(|(key, _)| *key != "hamlet") {
        if !(key.contains('.') && *value == Value::Bool(false)) {
            set(fields, &format!("a.{key}"), &typed(key, Scope::Household, value));
        }
    }
    for (row, (item, points)) in truth.b1_items.iter().enumerate() {
        let known = format!("b.{item}");
        if fields.iter().any(|(name, _)| *name == known) {
            set(fields, &known, &points.to_string());
        } else {
            set(fields, &format!("bk.{row}"), item);
            set(fields, &format!("bv.{row}"), &points.to_string());
        }
    }
    let rows = get(fields, "rows").to_owned();
    let mut free: Vec<&str> = rows.split(',').collect();
    for answers in truth.members.values() {
        let id = row_of(fields, answers).unwrap_or_else(|| free.remove(0).to_owned());
        for (key, value) in answers {
            set(fields, &format!("m.{id}.{key}"), &typed(key, Scope::Member, value));
        }
    }
}

/// Finds the row of a member whose name is there already.
fn row_of(fields: &Fields, answers: &Answers) -> Option<String> {
    let name = answers.get("name")?.as_text()?;
    let found = fields.iter().find(|(field, value)| field.ends_with(".name") && value == name);
    found.and_then(|(field, _)| field.split('.').nth(1)).map(ToOwned::to_owned)
}

struct Place {
    campaign: String,
    unit: String,
}

fn place(town: &Town) -> Place {
    let campaign = format!("/office/campaigns/{}", town.campaign);
    let unit = format!("{campaign}/units/{MO_O}");
    Place { campaign, unit }
}

/// Finds a household as the officer does: by its code, in the list of forms to type.
async fn household(browser: &mut Browser, place: &Place, code: &str) -> String {
    let found = browser.open(&format!("{}/paper?q={code}", place.unit)).await;
    let before = "/households/";
    let at = found.html.find(before).expect("it is found") + before.len();
    format!("{}/households/{}", place.campaign, &found.html[at..at + 32])
}

async fn roofed(town: &Town, roof: &str) -> Phone {
    let mut hoa = town.phone_with_work("hoa").await;
    let document = town.document(&hoa, "19558-01-0001");
    let page = Page { answers: [("roof".into(), Value::from(roof))].into(), ..Page::default() };
    hoa.save(document, &[page]).unwrap();
    hoa.sync().await.unwrap();
    hoa
}

on_each_backend! {
    /// An officer types a whole Phiếu B from paper, and the class appears in the list.
    async fn a_whole_form_is_typed_and_the_class_appears(town: Town) {
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let at = place(&town);
        officer.open(&at.unit).await.holds("Nhập phiếu giấy");
        for (code, class) in [("19558-01-0001", "Hộ nghèo"), ("19558-01-0002", "Hộ cận nghèo")] {
            let household = household(&mut officer, &at, code).await;
            let path = format!("{household}/paper");
            let page = officer.open(&path).await;
            page.holds("Người nhập phiếu").lacks("role=\"alert\"").lacks("<script");
            let mut fields = form(&page);
            type_whole(&town, code, &mut fields);
            let done = send(&mut officer, &path, &fields).await;
            assert_eq!((done.status, done.to), (303, Some(format!("{household}#class"))), "{}", done.html);
            // The button pressed twice, as on a slow line: nothing happens twice.
            assert_eq!(send(&mut officer, &path, &fields).await.status, 303);
            let page = officer.open(&household).await;
            page.holds(&format!("Kết quả phân loại: {class}")).holds("phiếu giấy 15/10/2022");
            page.holds("hỏi: Hồ Văn Hoa · trả lời: chủ hộ · nhập: xa-19558");
            assert_eq!(page.html.matches("tại cơ quan</td>").count(), 2, "the opening list, and once");
            let list = officer.open(&format!("{}/households?q={code}", at.unit)).await;
            list.holds(class).holds("Tìm thấy: 1");
        }
        let way = household(&mut officer, &at, "19558-01-0001").await;
        officer.open(&way).await.holds("tính từ bảng điểm đã nạp; bảng điểm b1-synthetic");
        officer.open(&format!("{}/paper", at.unit)).await.holds("Phiếu đã nhập: 2");
    }

    /// Fields that cannot be read are named where they stand; everything typed is still there.
    async fn bad_fields_keep_what_was_typed(town: Town) {
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let at = place(&town);
        let household = household(&mut officer, &at, "19558-01-0001").await;
        let path = format!("{household}/paper");
        let mut fields = form(&officer.open(&path).await);
        let row = get(&fields, "rows").split(',').next().unwrap().to_owned();
        head(&mut fields);
        set(&mut fields, "day", "31/02/2022");
        set(&mut fields, "a.area_dm2", "rộng");
        set(&mut fields, "a.electricity_kwh_month", "9.000");
        set(&mut fields, &format!("m.{row}.name"), "Ho\u{302}\u{300} <b>Nở</b>");
        set(&mut fields, &format!("m.{row}.birth"), "30/02/1980");
        set(&mut fields, &format!("m.{row}.sex"), "7");
        let refused = send(&mut officer, &path, &fields).await;
        assert_eq!(refused.status, 422);
        refused.holds("role=\"alert\"").holds("(số ô: 4)").holds("Không có mã “7”");
        refused.holds("Phải ghi ngày trên phiếu").holds("không phải là số đọc được");
        let mut again = form(&refused);
        for name in ["day", "a.area_dm2", "a.electricity_kwh_month", &format!("m.{row}.sex")] {
            assert_eq!(get(&again, name), get(&fields, name), "{name}");
        }
        // More rows keep it all too.
        set(&mut again, "act", "more");
        let more = send(&mut officer, &path, &again).await;
        let mut again = form(&more);
        assert_eq!(get(&again, "rows").split(',').count(), 8);
        assert_eq!(get(&again, "a.area_dm2"), "rộng");

        set(&mut again, "day", "15/10/2022");
        set(&mut again, "a.area_dm2", "42,5");
        set(&mut again, &format!("m.{row}.birth"), "1980");
        set(&mut again, &format!("m.{row}.sex"), "2");
        set(&mut again, &format!("m.{row}.removed"), "3");
        assert_eq!(send(&mut officer, &path, &again).await.status, 303);
        let page = officer.open(&household).await;
        // What is out of bounds is kept as it stands on paper, and flagged.
        page.holds("4250 dm2").holds("9000 kWh").holds("nằm ngoài khoảng");
        // Letters are put together, and what people write is never run.
        page.holds("Hồ &#60;b&#62;Nở&#60;/b&#62;").lacks("<b>").lacks("\u{302}").holds("Nhập nhầm");
    }

    /// Somebody wrote in between: the page says who and what, and keeps what was typed.
    async fn a_stale_page_says_what_changed_and_keeps_what_was_typed(town: Town) {
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let at = place(&town);
        let household = household(&mut officer, &at, "19558-01-0001").await;
        let path = format!("{household}/paper");
        let mut fields = form(&officer.open(&path).await);
        let mut hoa = roofed(&town, "leaf").await;
        head(&mut fields);
        set(&mut fields, "a.roof", "2");
        set(&mut fields, "a.wall", "1");
        let stale = send(&mut officer, &path, &fields).await;
        assert_eq!(stale.status, 409);
        stale.holds("Có người đã ghi vào hồ sơ").holds("hoa · máy của hoa");
        stale.holds("Vật liệu chính của mái: – → Lá, rơm rạ, giấy dầu").holds("nay là: Lá, rơm rạ");
        let again = form(&stale);
        assert_eq!((get(&again, "a.roof"), get(&again, "a.wall")), ("2", "1"));
        officer.open(&household).await.lacks("Ngói").holds("Lá, rơm rạ");
        // Whoever has seen it may write it.
        assert_eq!(send(&mut officer, &path, &again).await.status, 303);
        officer.open(&household).await.holds("Lá, rơm rạ, giấy dầu → <strong>Ngói</strong>");

        // The form of a dispute likewise.
        let document = town.document(&hoa, "19558-01-0001");
        let mut minh = town.phone_with_work("minh").await;
        let water = |value: &str| Page {
            answers: [("water".to_owned(), Value::from(value))].into(),
            ..Page::default()
        };
        hoa.save(document, &[water("rain")]).unwrap();
        minh.save(document, &[water("piped")]).unwrap();
        hoa.sync().await.unwrap();
        minh.sync().await.unwrap();
        let page = officer.open(&household).await;
        page.holds("id=\"disputes\"");
        hoa.save(document, &[Page {
            answers: [("latrine".to_owned(), "none".into())].into(), ..Page::default()
        }]).unwrap();
        hoa.sync().await.unwrap();
        let chosen = [("value", "\"piped\""), ("reason", "đã xem tận nơi")];
        let stale = officer.fill(&household, &page, &chosen).await;
        assert_eq!(stale.status, 409);
        stale.holds("Nhà tiêu: – → <strong>Không có").holds("value=\"&#34;piped&#34;\" checked");
        stale.holds("value=\"đã xem tận nơi\"");
        assert_eq!(officer.fill(&household, &stale, &chosen).await.status, 303);
        officer.open(&household).await.lacks("id=\"disputes\"");
    }

    /// A family on no list is typed in, once; a form that outlives its session is given back.
    async fn a_new_household_outlives_a_session(town: Town) {
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let at = place(&town);
        let path = format!("{}/paper/new", at.unit);
        let mut fields = form(&officer.open(&path).await);
        set(&mut fields, "hamlet", "19558-02");
        type_whole(&town, "19558-02-0003", &mut fields);
        let stale = officer.cookies.clone();
        let token = [("token", get(&fields, "token"))];
        assert_eq!(officer.send("/office/sign-out", &token).await.status, 303);
        officer.cookies = stale;
        let late = send(&mut officer, &path, &fields).await;
        assert_eq!(late.status, 401);
        let (to, typed) = (late.field("again"), late.field("form"));
        let name = format!("xa-{MO_O}");
        let again =
            [("name", name.as_str()), ("password", PASSWORD), ("again", &to), ("form", &typed)];
        let back = officer.send("/office/sign-in", &again).await;
        assert_eq!(back.status, 200);
        for (name, value) in fields.iter().filter(|(name, _)| name != "token") {
            assert_eq!(back.field(name), *value, "{name}");
        }
        set(&mut fields, "token", &back.field("token"));
        let done = send(&mut officer, &path, &fields).await;
        assert_eq!(done.status, 303, "{}", done.html);
        assert_eq!(send(&mut officer, &path, &fields).await.to, done.to, "pressed twice");
        let page = officer.open(done.to.as_deref().unwrap().split('#').next().unwrap()).await;
        page.holds("Kết quả phân loại: Hộ cận nghèo");
        let list = officer.open(&format!("{}/households?hamlet=19558-02", at.unit)).await;
        list.holds("Tìm thấy: 3");

        let mut district = Browser::of(&town, "huyen-467").await;
        assert_eq!(district.open(&path).await.status, 403, "a district types into no log");
        let mut other = Browser::of(&town, "huyen-464").await;
        assert_eq!(other.open(&format!("{}/paper", at.unit)).await.status, 404);
    }

    /// Somebody else types the paper again, blind; a planted slip is found and settled.
    async fn a_second_entry_finds_a_planted_slip(town: Town) {
        let form_of = serde_json::json!([person("xa-19558-2", "officer", MO_O, Some(PASSWORD))]);
        town.province.post("/v1/accounts", &form_of).await.unwrap();
        let mut first = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let at = place(&town);
        let household = household(&mut first, &at, "19558-01-0003").await;
        let path = format!("{household}/paper");
        let mut fields = form(&first.open(&path).await);
        type_whole(&town, "19558-01-0003", &mut fields);
        set(&mut fields, "a.area_dm2", "77,77");
        assert_eq!(send(&mut first, &path, &fields).await.status, 303);
        let path = format!("{household}/second");
        let own = first.open(&path).await;
        assert_eq!(own.status, 403);
        own.holds("Người đã nhập lần một không được nhập lần hai");

        let mut second = Browser::of(&town, "xa-19558-2").await;
        second.open(&format!("{}/paper", at.unit)).await.holds("nhập lần hai");
        let blind = second.open(&path).await;
        blind.holds("Nhập lần hai").lacks("77,77");
        let mut fields = form(&blind);
        assert!(fields.iter().all(|(name, value)| !name.starts_with("a.") || value.is_empty()));
        type_whole(&town, "19558-01-0003", &mut fields);
        let right = get(&fields, "a.area_dm2").to_owned();
        set(&mut fields, "a.roof", "vàng");
        let refused = send(&mut second, &path, &fields).await;
        assert_eq!(refused.status, 422);
        type_whole(&town, "19558-01-0003", &mut fields);
        let done = send(&mut second, &path, &fields).await;
        assert_eq!((done.status, done.to.as_deref()), (303, Some(path.as_str())), "{}", done.html);
        assert_eq!(send(&mut second, &path, &fields).await.status, 303, "pressed twice");
        let page = second.open(&path).await;
        page.holds("khác nhau 1").holds("Diện tích nhà ở").holds("7777 dm2");
        first.open(&household).await.holds("7777 dm2");

        let settle = format!("{path}/settle");
        let no_reason = [("right", "second"), ("reason", " ")];
        let refused = second.fill(&settle, &page, &no_reason).await;
        assert_eq!(refused.status, 422);
        refused.holds("Phải ghi lý do").holds("value=\"second\" checked");
        let settled = [("right", "second"), ("reason", "đã xem lại phiếu")];
        assert_eq!(second.fill(&settle, &page, &settled).await.status, 303);
        assert_eq!(second.fill(&settle, &page, &settled).await.status, 303, "pressed twice");
        second.open(&path).await.holds("đã xem lại phiếu");
        let square_metres = right.replace(',', "");
        let page = first.open(&household).await;
        page.holds("đã xem lại phiếu").holds("7777 dm2 → <strong>");
        assert!(page.html.contains(&square_metres), "{square_metres}");
        let papers = first.open(&format!("{}/paper", at.unit)).await;
        papers.holds("sai ở lần một: 1").holds("sai ở lần hai: 0");
    }
}
