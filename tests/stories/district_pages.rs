//! The district's pages, as an officer of the district and one of a commune use them without a
//! script: what waits, comparisons, a sample, comments, and an opinion with its scan.

use serde_json::json;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI};

use crate::offices::{Browser, Shown};

const PDF: &[u8] = b"%PDF-1.4 y kien da ky";

/// Sends a form with a file, as a browser does.
async fn send_file(
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
    file: &[u8],
) -> Shown {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--hop\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend(format!("{head}{value}\r\n").into_bytes());
    }
    let head = "--hop\r\nContent-Disposition: form-data; name=\"file\"; filename=\"<b>.html\"\r\n\
                Content-Type: text/html\r\n\r\n";
    body.extend(head.as_bytes());
    body.extend(file);
    body.extend(b"\r\n--hop--\r\n");
    browser.ask_as("POST", path, "multipart/form-data; boundary=hop", body).await
}

fn campaign(town: &Town) -> String {
    format!("/office/campaigns/{}", town.campaign)
}

fn unit(town: &Town) -> String {
    format!("{}/units/{MO_O}", campaign(town))
}

async fn submitted(town: &Town) -> (String, Vec<String>) {
    town.review_mo_o().await;
    let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
    let list = town.officer.list(town.campaign, MO_O).await.unwrap();
    let rows = list["list"]["rows"].as_array().unwrap();
    let documents = rows.iter().map(|row| row["document"].as_str().unwrap().to_owned());
    (root, documents.collect())
}

on_each_backend! {
    /// From what waits to an opinion with a signed scan, and back to what waits.
    async fn a_district_gives_its_opinion_in_the_browser(town: Town) {
        let (root, documents) = submitted(&town).await;
        let (campaign, unit) = (campaign(&town), unit(&town));
        let mut district = Browser::of(&town, "huyen-467").await;
        let to = district.open(&campaign).await.to;
        assert_eq!(to.as_deref(), Some(format!("{campaign}/desk").as_str()));
        let desk = district.open(&format!("{campaign}/desk")).await;
        desk.holds("Chờ ý kiến của huyện: 1").holds("0 / 5").holds("chưa kiểm chứng");
        desk.holds(HUONG_HIEP).lacks(VINH_THAI);

        let compared = district.open(&format!("{unit}/comparison")).await;
        compared.holds("Đã chuyển đi (có xác nhận) 1").holds("Mới vào danh sách (đầu kỳ không có): 1").holds(&root);
        let filtered =
            district.open(&format!("{unit}/comparison?before=near_poor&after=poor")).await;
        filtered.holds("Hộ (1)").holds("19558-02-0001").lacks("19558-01-0001");
        district.open(&format!("{unit}/comparison/phones")).await.holds("Không có hộ nào");

        // A sample: bad sizes come back with what was typed, then it is drawn and printed.
        let sample = format!("{unit}/sample");
        let shown = district.open(&sample).await;
        for number in ["0", "200", "ba"] {
            let typed = [("number", number), ("unit", "per_cent"), ("seed", "mau-2022")];
            let refused = district.fill(&sample, &shown, &typed).await;
            assert_eq!(refused.status, 422);
            refused.holds("Cỡ mẫu phải từ").holds("value=\"mau-2022\"");
            refused.holds(&format!("value=\"{number}\""));
        }
        let typed = [("number", "100"), ("unit", "per_cent"), ("seed", "mau-2022")];
        assert_eq!(district.fill(&sample, &shown, &typed).await.status, 303);
        assert_eq!(district.fill(&sample, &shown, &typed).await.status, 303, "once");
        let drawn = district.open(&sample).await;
        drawn.holds("<code>mau-2022</code>").holds(&root).holds("sha256sum").holds("Mẫu 6 / 6 hộ");
        let list = town.district.list(town.campaign, MO_O).await.unwrap();
        let class = |document: &str| {
            let rows = list["list"]["rows"].as_array().unwrap();
            let row = rows.iter().find(|row| row["document"] == document).unwrap();
            row["class"].as_str().unwrap_or("").to_owned()
        };
        let poor = documents.iter().find(|document| class(document) == "poor").unwrap();
        let above = documents.iter().find(|document| class(document) == "above").unwrap();
        let (found, note) = (format!("finding-{poor}"), format!("note-{poor}"));
        let other = format!("finding-{above}");
        let findings = format!("{sample}/findings");
        let typed = [(found.as_str(), "differs:poor"), (&note, "ghi nhầm"), (&other, "agrees")];
        let refused = district.fill(&findings, &drawn, &typed).await;
        assert_eq!(refused.status, 422);
        refused.holds("Phải khác phân loại của danh sách").holds("value=\"ghi nhầm\"");
        let typed = [(found.as_str(), "differs:near_poor"), (&note, "ghi nhầm"), (&other, "agrees")];
        assert_eq!(district.fill(&findings, &drawn, &typed).await.status, 303);
        district.open(&sample).await.holds("1/2 = 50,00 %");

        // A page that is older than a finding puts nothing back, and a note needs a finding.
        let page = district.open(&sample).await;
        let was = [format!("was-{poor}"), format!("was-note-{poor}")];
        let shown_was = [page.field(&was[0]), page.field(&was[1])];
        assert_eq!(shown_was, ["differs:near_poor", "ghi nhầm"]);
        let hidden = [(was[0].as_str(), shown_was[0].as_str()), (&was[1], &shown_was[1])];
        let newer = [&hidden[..], &[(found.as_str(), "agrees"), (&note, "đã hỏi lại")]].concat();
        assert_eq!(district.fill(&findings, &page, &newer).await.status, 303);
        let untouched = [&hidden[..], &[(found.as_str(), "differs:near_poor"), (&note, "ghi nhầm")]];
        assert_eq!(district.fill(&findings, &page, &untouched.concat()).await.status, 303);
        district.open(&sample).await.holds("0/2 = 0,00 %").holds("value=\"đã hỏi lại\"");
        let stale = [&hidden[..], &[(found.as_str(), "not_met"), (&note, "ghi nhầm")]].concat();
        let refused = district.fill(&findings, &page, &stale).await;
        assert_eq!(refused.status, 409);
        refused.holds("kết quả đó được giữ nguyên").holds("<li>19558-");
        let third = documents.iter().find(|one| *one != poor && *one != above).unwrap();
        let names = [format!("finding-{third}"), format!("note-{third}")];
        let alone = [(names[0].as_str(), ""), (&names[1], "vắng")];
        let refused = district.fill(&findings, &page, &alone).await;
        assert_eq!(refused.status, 422);
        refused.holds("ghi chú phải kèm kết quả").holds("value=\"vắng\"");

        // The opinion: a wrong file and a missing signer keep what was typed, and the right file
        // need not be chosen twice.
        let list = format!("{unit}/list");
        let shown = district.open(&list).await;
        let hidden = [("token", shown.field("token")), ("root", shown.field("root"))];
        let mut fields: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("act", "approve"), ("number", "12/YK-UBND"), ("date", "2022-12-05")]);
        let refused = send_file(&mut district, &list, &fields, b"MZ not a scan").await;
        assert_eq!(refused.status, 422);
        refused.holds("Chỉ nhận bản quét").holds("value=\"12/YK-UBND\"").holds("aria-invalid");
        let mut large = PDF.to_vec();
        large.resize(11 * 1024 * 1024, 0);
        let refused = send_file(&mut district, &list, &fields, &large).await;
        assert_eq!(refused.status, 413);
        refused.holds("lớn hơn 10 MB").holds("value=\"12/YK-UBND\"");
        let unsigned = send_file(&mut district, &list, &fields, PDF).await;
        assert_eq!(unsigned.status, 422);
        unsigned.holds("Đã nhận bản quét").holds("value=\"2022-12-05\"");
        let scan = unsigned.field("scan");
        assert_eq!(scan, shared::id::to_hex(&shared::id::sha256(PDF)));
        let signed = [&fields[..], &[("signer", "Nguyễn Văn Thử"), ("scan", &scan)]].concat();
        assert_eq!(send_file(&mut district, &list, &signed, b"").await.status, 303);
        let again = send_file(&mut district, &list, &signed, b"").await;
        assert_eq!(again.status, 409);
        again.holds("Ý kiến: thống nhất");
        district.open(&format!("{campaign}/desk")).await.holds("Không có danh sách nào đang chờ");

        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let shown = officer.open(&list).await;
        shown.holds("Huyện thống nhất").holds(&format!("/scans/{scan}\""));
        let file = officer.open_file(&format!("{unit}/scans/{scan}")).await;
        assert_eq!(file.body(), PDF);
        assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(file.header("content-security-policy").unwrap().ends_with("sandbox"));
        let mut stranger = Browser::of(&town, "huyen-464").await;
        assert_eq!(stranger.open(&format!("{unit}/scans/{scan}")).await.status, 404);
    }

    /// A comment reaches the commune with the return, beside the household and the list.
    async fn a_comment_reaches_the_commune_and_is_dealt_with(town: Town) {
        let (_, documents) = submitted(&town).await;
        let (campaign, unit) = (campaign(&town), unit(&town));
        let household = format!("{campaign}/households/{}", documents[0]);
        let comments = format!("{unit}/comments");
        let mut district = Browser::of(&town, "huyen-467").await;
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        officer.open(&household).await.lacks("name=\"comment_root\"");
        let page = district.open(&household).await;
        let new = |text: &'static str| {
            [("kind", "comment"), ("comment_root", ""), ("document", ""), ("text", text)]
        };
        let root = page.field("comment_root");
        let mut typed = new("  ");
        typed[1].1 = &root;
        typed[2].1 = &documents[0];
        let refused = district.fill(&comments, &page, &typed).await;
        assert_eq!(refused.status, 422);
        refused.holds("Phải ghi nội dung");
        typed[3].1 = "<script>alert(1)</script> số khẩu?";
        for _ in 0..2 {
            let said = district.fill(&comments, &page, &typed).await;
            assert_eq!(said.to.as_deref(), Some(format!("{household}#remarks").as_str()));
        }
        let page = district.open(&household).await;
        page.holds("&#60;script&#62;alert(1)").lacks("<script").lacks("remark-2");

        let list = format!("{unit}/list");
        let shown = district.open(&list).await;
        shown.holds("Ý kiến từng hộ gửi kèm: 1");
        let back = [("act", "return"), ("comment", "xem lại"), ("number", "13/YK"),
            ("date", "2022-12-06"), ("signer", "Nguyễn Văn Thử")];
        assert_eq!(district.fill(&list, &shown, &back).await.status, 303);
        // The page of before: it says what has changed, and who did that.
        let stale = district.fill(&list, &shown, &back).await;
        assert_eq!(stale.status, 409);
        stale.holds("<li>Đề nghị rà soát lại – huyen-467");

        let late = district.fill(&comments, &page, &typed).await;
        assert_eq!(late.status, 409);
        late.holds("<li>Đề nghị rà soát lại – huyen-467").holds("alert(1)&#60;/script&#62; số khẩu?");

        officer.open(&household).await.holds("số khẩu?").holds("chưa xử lý");
        officer.open(&list).await.holds("Ý kiến từng hộ 1 (chưa xong 1)");
        let page = officer.open(&comments).await;
        let done = [("about", "1"), ("kind", "done"), ("text", "")];
        let refused = officer.fill(&comments, &page, &done).await;
        assert_eq!(refused.status, 422);
        let done = [("about", "1"), ("kind", "done"), ("text", "đã hỏi lại: 5 khẩu")];
        for _ in 0..2 {
            assert_eq!(officer.fill(&comments, &page, &done).await.status, 303);
        }
        let page = district.open(&comments).await;
        page.holds("xã đã xử lý").holds("đã hỏi lại: 5 khẩu").holds("chưa xử lý: 0 / 1");
        let mut stranger = Browser::of(&town, "huyen-464").await;
        assert_eq!(stranger.open(&comments).await.status, 404);
        assert_eq!(stranger.open(&format!("{unit}/sample")).await.status, 404);
        assert_eq!(stranger.open(&format!("{unit}/comparison")).await.status, 404);
    }

    /// The draft moved on while its page was open: the page names the household and who changed it.
    async fn a_stale_draft_says_what_changed_and_by_whom(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let list = format!("{}/list", unit(&town));
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let shown = officer.open(&list).await;
        let document = town.document(&hoa, "19558-01-0001");
        let answers = [("causes.2".to_owned(), true.into())].into();
        hoa.save(document, &[shared::page::Page { answers, ..Default::default() }]).unwrap();
        hoa.sync().await.unwrap();
        let stale = officer.fill(&list, &shown, &[("act", "submit")]).await;
        assert_eq!(stale.status, 409);
        stale.holds("Mã kiểm chứng không còn hiện hành");
        stale.holds("<li>Hộ có thay đổi: 19558-01-0001 – hoa");
    }

    /// A session that ended in the middle of an opinion keeps what was typed; the file is chosen
    /// again, and nothing is decided without it.
    async fn an_opinion_outlives_its_session_without_losing_its_scan(town: Town) {
        submitted(&town).await;
        let list = format!("{}/list", unit(&town));
        let mut district = Browser::of(&town, "huyen-467").await;
        let shown = district.open(&list).await;
        let (token, root) = (shown.field("token"), shown.field("root"));
        let cookies = district.cookies.clone();
        assert_eq!(district.send("/office/sign-out", &[("token", &token)]).await.status, 303);
        district.cookies = cookies;
        let fields = [("token", token.as_str()), ("root", &root), ("act", "approve"),
            ("number", "12/YK"), ("date", "2022-12-05"), ("signer", "Nguyễn Văn Thử")];
        let late = send_file(&mut district, &list, &fields, PDF).await;
        assert_eq!(late.status, 401);
        let (again, form) = (late.field("again"), late.field("form"));
        let in_again = [("name", "huyen-467"), ("password", tests::town::PASSWORD),
            ("again", again.as_str()), ("form", form.as_str())];
        let back = district.send("/office/sign-in", &in_again).await;
        assert_eq!(back.status, 200);
        let fields = ["token", "root", "act", "number", "date", "signer", "scan_lost"]
            .map(|name| (name, back.field(name)));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let asked = district.send(&list, &fields).await;
        assert_eq!(asked.status, 422);
        asked.holds("Hãy chọn lại tệp").holds("value=\"12/YK\"").holds("Đã chốt, trình huyện");
        let (token, root) = (asked.field("token"), asked.field("root"));
        let fields = [("token", token.as_str()), ("root", &root), ("act", "approve"),
            ("number", "12/YK"), ("date", "2022-12-05"), ("signer", "Nguyễn Văn Thử")];
        assert_eq!(send_file(&mut district, &list, &fields, PDF).await.status, 303);
        let list = town.district.list(town.campaign, MO_O).await.unwrap();
        assert_eq!(list["step"], "approved");
        let scan = &list["decisions"][1]["body"]["opinion"]["scan"];
        assert_eq!(*scan, json!(shared::id::to_hex(&shared::id::sha256(PDF))));
    }

    /// Minutes and decisions are attached by the commune, the deadline is set by the province.
    async fn papers_and_deadlines_are_kept_by_whoever_answers_for_them(town: Town) {
        let (campaign, scans) = (campaign(&town), format!("{}/scans", unit(&town)));
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = officer.open(&scans).await;
        page.holds("Biên bản họp dân, niêm yết").lacks("value=\"opinion\"");
        let token = page.field("token");
        let fields = [("token", token.as_str()), ("kind", "minutes"), ("title", "BB 01 <i>")];
        let refused = send_file(&mut officer, &scans, &fields, b"<html>").await;
        assert_eq!(refused.status, 422);
        refused.holds("value=\"BB 01 &#60;i&#62;\"");
        assert_eq!(send_file(&mut officer, &scans, &fields, PDF).await.status, 303);
        officer.open(&scans).await.holds("BB 01 &#60;i&#62;").holds("PDF · 1 KB");

        let desk = format!("{campaign}/desk");
        let account = tests::town::person("phong", "province", "45", Some(tests::town::PASSWORD));
        town.province.post("/v1/accounts", &json!([account])).await.unwrap();
        let mut province = Browser::of(&town, "phong").await;
        let page = province.open(&desk).await;
        page.holds("Đặt thời hạn của huyện");
        let typed = [("days", "x"), ("source", "KH 12/KH-UBND"), ("holidays", "2022-09-02")];
        let refused = province.fill(&desk, &page, &typed).await;
        assert_eq!(refused.status, 422);
        refused.holds("value=\"KH 12/KH-UBND\"");
        let typed = [("days", "3"), ("source", "KH 12/KH-UBND"), ("verified", "1")];
        assert_eq!(province.fill(&desk, &page, &typed).await.status, 303);
        let mut district = Browser::of(&town, "huyen-467").await;
        let page = district.open(&desk).await;
        page.holds("3 ngày làm việc").holds("KH 12/KH-UBND").lacks("chưa kiểm chứng");
        let typed = [("days", "9"), ("source", "tự đặt")];
        assert_eq!(district.fill(&desk, &page, &typed).await.status, 403);
    }
}
