//! The province's pages: a campaign set up in the browser, a score table that two people answer
//! for, targets against results, people and their passwords.

use server::demo::phone::Phone;
use shared::id::CampaignId;
use tests::hamlet::roster_file;
use tests::on_each_backend;
use tests::town::{MO_O, PASSWORD, SECOND, Town};

use crate::ask::kept;
use crate::offices::{Browser, Shown};

const TABLE: &str = include_str!("../../shared/standards/b1-synthetic.json");

/// The table with one more point somewhere, and its verification code.
fn corrected() -> (String, String) {
    let other = TABLE.replacen("\"urban\": 10,", "\"urban\": 11,", 1);
    assert_ne!(other, TABLE);
    let digest = shared::id::to_hex(&shared::id::sha256(other.as_bytes()));
    (other, digest)
}

fn digest() -> String {
    shared::id::to_hex(&shared::id::sha256(TABLE.as_bytes()))
}

/// Returns a text between two others.
fn between<'a>(shown: &'a Shown, before: &str, after: &str) -> &'a str {
    let (_, rest) = shown.html.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    rest.split_once(after).expect("it ends").0
}

/// Two people of the province: one has signed in with a one-time password and chosen another.
async fn two_of_the_province(town: &Town) -> (Browser, Browser) {
    let second = Browser::of(town, SECOND).await;
    let third = r#"[{"name":"tinh-3","full_name":"Người Thứ Ba","role":"province","unit":"45",
                     "password":"mat-khau-thu"}]"#;
    let third = serde_json::from_str(third).unwrap();
    town.province.post("/v1/accounts", &third).await.unwrap();
    (second, Browser::of(town, "tinh-3").await)
}

/// Opens a second campaign in the browser; returns its address.
async fn opened(mai: &mut Browser) -> String {
    let page = mai.open("/office/campaigns/new").await;
    page.holds("name=\"region\"");
    let form = [
        ("name", "Rà soát định kỳ 2023"),
        ("province", "45"),
        ("opening_date", "2022-12-31"),
        ("review_date", "2022-12-14"),
        ("standard", "nd-07-2021"),
        ("region", "rural_north_central_coast"),
    ];
    let refused = mai.fill("/office/campaigns/new", &page, &form).await;
    assert_eq!(refused.status, 400, "it opens after it is reviewed");
    refused.holds("value=\"Rà soát định kỳ 2023\"");
    let field = between(&refused, "id=\"wrong\"", "aria-invalid");
    assert!(field.contains("id=\"opening_date\""), "the error stands at its field: {field}");
    let mut form = form;
    form[3].1 = "2023-12-14";
    let added = mai.fill("/office/campaigns/new", &page, &form).await;
    assert_eq!(added.status, 303);
    let settings = added.to.unwrap();
    settings.strip_suffix("/settings").unwrap().to_owned()
}

on_each_backend! {
    /// From nothing to an enrolled phone, by two people in browsers without a script.
    async fn a_province_sets_a_campaign_up_in_the_browser(town: Town) {
        let (mut mai, mut nam) = two_of_the_province(&town).await;
        mai.open("/office").await.holds("/office/campaigns/new");
        let campaign = opened(&mut mai).await;
        let settings = mai.open(&format!("{campaign}/settings")).await;
        settings.holds("Nạp bảng điểm B1").holds("14/12/2023").holds("chưa đối chiếu");

        let tables = format!("{campaign}/score-table");
        let page = mai.open(&tables).await;
        page.holds("Chưa có bảng nào được xác nhận");
        let broken = mai.fill(&tables, &page, &[("act", "load"), ("table", &TABLE[1..])]).await;
        assert_eq!(broken.status, 422);
        broken.holds("role=\"alert\"").holds("không đọc được");
        // Browsers send line ends as two signs: it is the same table.
        let table = TABLE.replace('\n', "\r\n");
        let load = [("act", "load"), ("table", table.as_str())];
        assert_eq!(mai.fill(&tables, &page, &load).await.status, 303);
        mai.open(&tables).await.holds("Bảng này do bạn nạp").lacks("value=\"confirm\"");
        let page = nam.open(&tables).await;
        page.holds("Người Thứ Ba").holds("Bảng giả định").holds("Đã kiểm tra");
        assert_eq!(page.field("digest"), digest());
        let confirm = [("act", "confirm"), ("digest", &page.field("digest"))];
        assert_eq!(nam.fill(&tables, &page, &confirm).await.status, 303);
        assert_eq!(nam.fill(&tables, &page, &confirm).await.status, 303, "pressed twice");
        let page = nam.open(&tables).await;
        page.holds("Xác nhận").lacks("id=\"waiting\"");
        assert_eq!(page.html.matches("<td>Xác nhận</td>").count(), 1);

        let page = mai.open("/office/accounts").await;
        let add = [
            ("act", "add"),
            ("name", "rsv-moi"),
            ("full_name", "Hồ Thị Mới"),
            ("role", "enumerator"),
            ("unit", MO_O),
        ];
        assert_eq!(mai.fill("/office/accounts", &page, &add).await.status, 303);
        let again = mai.fill("/office/accounts", &page, &add).await;
        assert_eq!(again.status, 409);
        again.holds("Tên tài khoản đã có").holds("value=\"Hồ Thị Mới\"");
        let page = mai.open("/office/devices").await;
        let issue = [("act", "issue"), ("accounts", "rsv-moi")];
        let issued = mai.fill("/office/devices", &page, &issue).await;
        let shown = mai.open(&issued.to.unwrap()).await;
        shown.holds("<svg").lacks("<?xml").holds("rsv-moi");
        let code = between(&shown, "<code class=\"secret\">", "</code>").to_owned();
        let id: CampaignId = campaign.rsplit('/').next().unwrap().parse().unwrap();
        Phone::enrol(&town.client, id, &code, "máy mới").await.unwrap();
        mai.open("/office/devices?q=rsv-moi").await.holds("máy mới").holds("Tìm thấy: 1");
    }

    /// One person alone, whatever they press, brings no table into force.
    async fn one_person_alone_makes_no_score_table_usable(town: Town) {
        let (mut mai, _) = two_of_the_province(&town).await;
        let campaign = opened(&mut mai).await;
        let tables = format!("{campaign}/score-table");
        let page = mai.open(&tables).await;
        let load = [("act", "load"), ("table", TABLE)];
        for _ in 0..2 {
            assert_eq!(mai.fill(&tables, &page, &load).await.status, 303);
        }
        let digest = digest();
        let before = kept(&town).await;
        let own = mai.fill(&tables, &page, &[("act", "confirm"), ("digest", &digest)]).await;
        assert_eq!(own.status, 403);
        own.holds("Người nạp bảng điểm không được tự xác nhận").holds("Chưa có bảng nào");
        assert_eq!(kept(&town).await, before, "twice the same is one, and nothing is confirmed");
        let page = mai.open(&tables).await;
        assert_eq!(page.html.matches("<td>Nạp</td>").count(), 1);
        mai.open(&format!("{campaign}/settings")).await.holds("chưa đủ căn cứ");

        // Neither do the others: a district does not see it, an officer does not either.
        for name in ["huyen-467", "xa-19558"] {
            let mut other = Browser::of(&town, name).await;
            assert_eq!(other.open(&tables).await.status, 403);
            let own_page = other.open("/office/standards").await;
            let confirm = [("act", "confirm"), ("digest", digest.as_str())];
            assert_eq!(other.fill(&tables, &own_page, &confirm).await.status, 403);
        }
        assert_eq!(kept(&town).await, before);
    }

    /// The table was replaced between looking and confirming: what changed, and by whom.
    async fn a_table_that_was_replaced_is_not_confirmed_by_mistake(town: Town) {
        let (mut mai, mut nam) = two_of_the_province(&town).await;
        let campaign = opened(&mut mai).await;
        let tables = format!("{campaign}/score-table");
        let page = mai.open(&tables).await;
        mai.fill(&tables, &page, &[("act", "load"), ("table", TABLE)]).await;
        let looked_at = nam.open(&tables).await;
        let (other, other_digest) = corrected();
        mai.fill(&tables, &page, &[("act", "load"), ("table", &other)]).await;
        let before = kept(&town).await;
        let confirm = [("act", "confirm"), ("digest", &looked_at.field("digest"))];
        let refused = nam.fill(&tables, &looked_at, &confirm).await;
        assert_eq!(refused.status, 409);
        let told = between(&refused, "role=\"alert\"", "</div>");
        assert!(told.contains(SECOND) && told.contains("đã nạp bảng khác"), "{told}");
        assert!(told.contains("urban") && told.contains("“10” → “11”"), "{told}");
        assert_eq!(kept(&town).await, before);
        assert_eq!(refused.field("digest"), other_digest, "the page shows the other one now");
        let confirm = [("act", "confirm"), ("digest", other_digest.as_str())];
        assert_eq!(nam.fill(&tables, &refused, &confirm).await.status, 303);

        // A correction of a table in force waits again, and says what it changes.
        nam.fill(&tables, &refused, &[("act", "load"), ("table", TABLE)]).await;
        let page = mai.open(&tables).await;
        page.holds("So với bảng đang dùng").holds("<td>11</td><td>10</td>");
        nam.open(&tables).await.holds("Bảng này do bạn nạp");
    }

    /// Classes computed with a table wait for its confirmation.
    async fn a_class_by_table_waits_for_the_second_person(town: Town) {
        let mut form = tests::town::campaign_form();
        form["name"] = serde_json::json!("Đợt chờ bảng");
        let id = town.province.add_campaign(&form).await.unwrap();
        let path = |rest: &str| format!("/v1/campaigns/{id}{rest}");
        let hamlet = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                      opening_households,opening_persons,opening_dtts_households,\
                      opening_dtts_persons,source\n\
                      19558,19558-01,thôn,Một,rural,10,40,5,20,9,36,5,20,thử\n";
        town.province.import(&path("/hamlets"), hamlet.to_owned()).await.unwrap();
        let families = town.families.values().filter(|family| family.hamlet == "19558-01");
        let roster = roster_file(families, &town.basis());
        town.province.import(&path("/roster"), roster).await.unwrap();
        let assigned = "hamlet,account\n19558-01,hoa\n".to_owned();
        town.province.import(&path("/assignments"), assigned).await.unwrap();
        let codes = town.province.codes(&["hoa".to_owned()]).await.unwrap();
        let mut hoa = Phone::enrol(&town.client, id, &codes[0], "máy hoa").await.unwrap();
        hoa.sync().await.unwrap();
        town.review_all(&mut hoa, &["19558-01"]);
        hoa.sync().await.unwrap();

        let loaded = town.province.import(&path("/score-table"), TABLE.to_owned()).await.unwrap();
        assert_eq!(loaded["waiting"], true);
        let document = town.document(&hoa, "19558-01-0001");
        let of_family = async || {
            let read = path(&format!("/households/{document}"));
            town.officer.get(&read).await.unwrap()["classification"].clone()
        };
        let before = of_family().await;
        assert_eq!(before["class"], "insufficient", "nothing is computed with it");
        assert_eq!(before["missing"], serde_json::json!(["score_table"]));
        let named = serde_json::json!({ "digest": loaded["digest"] });
        town.second.post(&path("/score-table/confirm"), &named).await.unwrap();
        assert_eq!(of_family().await["class"], "poor");
    }

    /// A target is entered with its document and compared; a stale page says who was faster.
    async fn a_target_is_entered_and_compared(town: Town) {
        town.review_mo_o().await;
        town.recognise_mo_o().await;
        let (mut mai, mut nam) = two_of_the_province(&town).await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let targets = format!("{campaign}/targets");
        let page = mai.open(&targets).await;
        let stale = nam.open(&targets).await;
        let form = [
            ("unit", MO_O),
            ("rate", "poor"),
            ("fall", "1,405"),
            ("number", "12/KH-UBND"),
            ("date", "2022-01-10"),
            ("source", "UBND tỉnh, mục II"),
        ];
        let with_seen = |page: &Shown, form: &[(&'static str, &'static str)]| {
            let mut all = vec![("seen".to_owned(), page.field("seen"))];
            all.extend(form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            all
        };
        let refused = send(&mut mai, &targets, &page, with_seen(&page, &form)).await;
        assert_eq!(refused.status, 422);
        refused.holds("value=\"1,405\"").holds("value=\"12/KH-UBND\"").holds("aria-invalid");
        let mut form = form;
        form[2].1 = "1,4";
        for _ in 0..2 {
            let put = send(&mut mai, &targets, &page, with_seen(&page, &form)).await;
            assert_eq!(put.status, 303);
        }
        let shown = mai.open(&targets).await;
        // Four poor of 90 before, two of 100 now: −2,4444 points.
        shown.holds("−1,40").holds("12/KH-UBND, 10/01/2022 – UBND tỉnh, mục II").holds("2 / 200");
        let rates = town.rates_of(MO_O).await;
        let points = rates["figures"]["poor_change_points"].as_i64().unwrap();
        shown.holds(&shared::aggregate::hundredths_vi(points)).holds("đạt");
        form[2].1 = "3";
        let late = send(&mut nam, &targets, &stale, with_seen(&stale, &form)).await;
        assert_eq!(late.status, 409);
        late.holds("đã ghi 1,40 điểm phần trăm").holds(SECOND).holds("value=\"3\"");
        let put = send(&mut nam, &targets, &late, with_seen(&late, &form)).await;
        assert_eq!(put.status, 303);
        nam.open(&targets).await.holds("−3,00");

        // Districts see their own, and enter none.
        let mut district = Browser::of(&town, "huyen-467").await;
        let own = district.open(&targets).await;
        own.holds("Mò Ó").lacks("name=\"fall\"");
        let put = send(&mut district, &targets, &own, with_seen(&own, &form)).await;
        assert_eq!(put.status, 403);
        let mut elsewhere = Browser::of(&town, "huyen-464").await;
        elsewhere.open(&targets).await.lacks("Mò Ó").lacks("12/KH-UBND");
    }

    /// The pictures and their tables, as three offices see them; nobody sees a neighbour's.
    async fn pictures_have_their_figures_beside_them(town: Town) {
        town.review_mo_o().await;
        town.recognise_mo_o().await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let mut province = Browser::of(&town, SECOND).await;
        let figures = province.open(&format!("{campaign}/figures")).await;
        figures.holds("<svg").holds("Đầu kỳ và cuối kỳ").holds("Hộ dân tộc thiểu số").holds("1/126");
        let map = province.open(&format!("{campaign}/map")).await;
        map.holds("Sơ đồ, không phải bản đồ").holds("class=\"tile none\"");
        assert_eq!(map.html.matches("class=\"tile ").count(), 126 + 6, "with the key");
        let days = province.open(&format!("{campaign}/days")).await;
        days.holds("1/126").holds("(125/126)").holds("<polyline");
        for page in [&figures, &map, &days] {
            page.holds("<title").holds("<caption").lacks("style=").lacks("<script");
        }
        let mut district = Browser::of(&town, "huyen-464").await;
        for page in ["figures", "map", "days", "rates"] {
            let shown = district.open(&format!("{campaign}/{page}")).await;
            assert_eq!(shown.status, 200, "{page}");
            shown.lacks("Mò Ó").lacks("Đa Krông");
            let other = district.open(&format!("{campaign}/{page}?under={MO_O}")).await;
            assert!(page == "days" || other.status == 404, "{page}");
            other.lacks("Mò Ó");
        }
        let hamlets = format!("{campaign}/units/{MO_O}/hamlets");
        assert_eq!(district.open(&hamlets).await.status, 404);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        officer.open(&hamlets).await.holds("19558-02").holds("thử").holds("<td>200</td>");
        for page in ["/office/campaigns/new", &format!("{campaign}/settings")] {
            assert_eq!(officer.open(page).await.status, 403, "{page}");
        }
    }

    /// A password that the province draws is shown once, opens one session, and is replaced in it.
    async fn a_one_time_password_is_good_for_choosing_ones_own(town: Town) {
        let mut province = Browser::of(&town, SECOND).await;
        let page = province.open("/office/accounts?q=xa-19558").await;
        let account = page.field("account");
        let draw = [("act", "draw"), ("account", account.as_str())];
        let drawn = province.fill("/office/accounts", &page, &draw).await;
        assert_eq!(drawn.status, 200);
        let secret = between(&drawn, "<code class=\"secret\">", "</code>").to_owned();
        province.open("/office/accounts?q=xa-19558").await.lacks(&secret);
        let again = province.fill("/office/accounts", &page, &draw).await;
        let newer = between(&again, "<code class=\"secret\">", "</code>").to_owned();
        assert_ne!(secret, newer, "another one, never the same twice");

        let address = province.server;
        let mut officer = Browser { server: address, cookies: Vec::new() };
        let sign_in = async |browser: &mut Browser, password: &str| {
            let form = [("name", "xa-19558"), ("password", password)];
            browser.send("/office/sign-in", &form).await
        };
        assert_eq!(sign_in(&mut officer, &secret).await.status, 401, "the newer one holds");
        assert_eq!(sign_in(&mut officer, PASSWORD).await.status, 401);
        assert_eq!(sign_in(&mut officer, &newer).await.status, 303);
        let mut thief = Browser { server: address, cookies: Vec::new() };
        assert_eq!(sign_in(&mut thief, &newer).await.status, 401, "it is used up");
        let sent = officer.open("/office").await;
        assert_eq!((sent.status, sent.to.as_deref()), (303, Some("/office/password")));
        let page = officer.open("/office/password").await;
        page.holds("chỉ dùng được một lần").lacks("name=\"current\"");
        let choose = |new: &'static str, again: &'static str| [("new", new), ("again", again)];
        for (new, again) in [("ngan", "ngan"), ("mat-khau-rieng", "mat-khau-khac")] {
            let refused = officer.fill("/office/password", &page, &choose(new, again)).await;
            assert_eq!(refused.status, 422);
            refused.holds("aria-invalid").lacks(new);
        }
        let chosen = choose("mat-khau-rieng", "mat-khau-rieng");
        let done = officer.fill("/office/password", &page, &chosen).await;
        assert_eq!(done.to.as_deref(), Some("/office/sign-in"));
        assert_eq!(officer.open("/office").await.status, 303, "every session has ended");
        assert_eq!(sign_in(&mut officer, "mat-khau-rieng").await.status, 303);
        assert_eq!(officer.open("/office").await.status, 200);

        // Closed: the session ends, and so does the account until it is opened again.
        let page = province.open("/office/accounts?q=xa-19558").await;
        let close = [("act", "disable"), ("account", account.as_str())];
        assert_eq!(province.fill("/office/accounts", &page, &close).await.status, 303);
        assert_eq!(officer.open("/office").await.status, 303);
        let open = [("act", "enable"), ("account", account.as_str())];
        assert_eq!(province.fill("/office/accounts", &page, &open).await.status, 303);
        assert_eq!(sign_in(&mut officer, "mat-khau-rieng").await.status, 303);
        // A neighbour's officer manages nobody here; nobody closes their own account.
        let mut neighbour = Browser::of(&town, "xa-19561").await;
        let own_page = neighbour.open("/office/accounts").await;
        own_page.lacks("xa-19558");
        assert_eq!(neighbour.fill("/office/accounts", &own_page, &close).await.status, 404);
        assert_eq!(neighbour.fill("/office/accounts", &own_page, &draw).await.status, 403);
    }
}

/// Sends a form with fields of its own.
async fn send(
    browser: &mut Browser,
    path: &str,
    page: &Shown,
    fields: Vec<(String, String)>,
) -> Shown {
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.fill(path, page, &fields).await
}
