//! Files that are sent: good rows are kept, bad ones come back, and nothing is done twice.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use server::demo::office::Office;
use tests::on_each_backend;
use tests::town::MO_O;

use super::workbook::{bombs, inline, workbook};
use super::{HEADS, dechunked, fetch, households, province, send_file, upload};
use crate::ask::{ask, get, post_raw};
use crate::offices::Browser;

/// Ten families with one thing wrong in each, and two without.
const TEN_FAULTS: &str = "\
t-01,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Một,Chủ hộ,04/12/1980,Nam,Bru-Vân Kiều,045180001234
t-01,19558-01,Hộ nghèo,QĐ 1,1,Hồ Thị Hai,Vợ/chồng,1982,Nữ,23,
t-02,19558-99,Hộ nghèo,QĐ 1,1,Hồ Văn Ba,Chủ hộ,1980,Nam,23,
t-03,19558-01,Hộ giàu,QĐ 1,1,Hồ Văn Bốn,Chủ hộ,1980,Nam,23,
t-04,19558-01,Hộ nghèo,,1,Hồ Văn Năm,Chủ hộ,1980,Nam,23,
t-05,19558-01,Hộ nghèo,QĐ 1,có lẽ,Hồ Văn Sáu,Chủ hộ,1980,Nam,23,
t-06,19558-01,Hộ nghèo,QĐ 1,1,,Chủ hộ,1980,Nam,23,
t-07,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Bảy,Chủ hộ,30/02/1980,Nam,23,
t-08,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Tám,Chủ hộ,1980,Ông,23,
t-09,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Chín,Chủ hộ,1980,Nam,23,45180001234
t-10,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Mười,Con,1980,Nam,23,
t-11,19558-01,Hộ nghèo,QĐ 1,1,Hồ Văn Thừa,Chủ hộ,1980,Nam,23,,
t-12,19558-02,Hộ cận nghèo,QĐ 1,0,=HYPERLINK(x),Chủ hộ,1980,Nam,Kinh,
";

on_each_backend! {
    /// A clerk's afternoon: the file is looked at, its good rows are written, the others come back
    /// with what to change, are corrected and sent again.
    async fn a_file_with_ten_kinds_of_faults_is_corrected_and_sent_again(town: Town) {
        let mut clerk = province(&town).await;
        let before = households(&town).await;
        let file = format!("{HEADS}\n{TEN_FAULTS}");
        let at = upload(&mut clerk, &town, "roster", ("dau ky.csv", file.as_bytes())).await;
        let page = clerk.open(&at).await;
        page.holds("Số hộ dùng được: <strong>2</strong>").holds("mất số 0 ở đầu");
        page.holds("<th scope=\"row\">4</th>").holds("Số cột không khớp");
        assert_eq!(households(&town).await, before, "nobody has said a word yet");

        let written = clerk.fill(&at, &page, &[]).await;
        assert_eq!((written.status, written.to.as_deref()), (303, Some(at.as_str())));
        assert_eq!(households(&town).await, before + 2);
        assert_eq!(clerk.fill(&at, &page, &[]).await.status, 303, "the same button twice");
        assert_eq!(households(&town).await, before + 2);

        let back = fetch(&clerk, &format!("{at}/errors")).await;
        assert!(back.header("content-type").unwrap().starts_with("text/csv"));
        let back = String::from_utf8(dechunked(&back)).unwrap();
        assert_eq!(back.lines().count(), 11, "{back}");
        assert!(back.contains("Dòng trong tệp đã gửi,Cần sửa") && !back.contains("t-12"), "{back}");
        assert!(back.contains(",12,") && back.contains("đúng một chủ hộ"), "{back}");

        let corrected = back
            .replace("19558-99", "19558-02")
            .replace("Hộ giàu", "Hộ nghèo")
            .replace("Hộ nghèo,,1", "Hộ nghèo,QĐ 1,1")
            .replace("có lẽ", "có")
            .replace("1,1,,Chủ hộ", "1,1,Hồ Văn Sáu B,Chủ hộ")
            .replace("30/02/1980", "28/02/1980")
            .replace(",Ông,", ",Nam,")
            .replace(",45180001234,", ",045180001235,")
            .replace("Mười,Con", "Mười,Chủ hộ");
        let again = upload(&mut clerk, &town, "roster", ("sua.csv", corrected.as_bytes())).await;
        let page = clerk.open(&again).await;
        page.holds("Số hộ dùng được: <strong>10</strong>").holds("Số lỗi: <strong>0</strong>");
        clerk.fill(&again, &page, &[]).await;
        assert_eq!(households(&town).await, before + 12);
        let page = clerk.open(&again).await;
        page.holds("Đã ghi: 10").lacks("<button>Ghi vào hệ thống");

        // The first file once more: the two that are there stay as they are.
        let at = upload(&mut clerk, &town, "roster", ("dau ky.csv", file.as_bytes())).await;
        let page = clerk.open(&at).await;
        clerk.fill(&at, &page, &[]).await;
        clerk.open(&at).await.holds("Đã ghi: 0").holds("giữ nguyên: 2");
        assert_eq!(households(&town).await, before + 12);
    }

    /// A workbook as a program saves it: shared strings, a day as a number, a number that should
    /// have been a text, titles above the headers, and a sheet of those who have left.
    async fn a_workbook_is_read_as_it_is_meant_and_never_guessed_at(town: Town) {
        let mut book = Workbook::new();
        for name in ["Hộ nghèo, cận nghèo", "Hộ thoát nghèo"] {
            let sheet = book.add_worksheet();
            sheet.set_name(name).unwrap();
            sheet.write_string(0, 0, "UBND XÃ MÒ Ó").unwrap();
            let heads = ["Họ tên chủ hộ", "Họ và tên", "Quan hệ", "Ngày sinh", "Giới tính",
                "Số CCCD", "Mã xã", "Thôn", "Dân tộc", "Diện", "Số quyết định", "DTTS"];
            for (column, head) in (0..).zip(heads) {
                sheet.write_string(2, column, head).unwrap();
            }
            for (row, (head, name, relation)) in (3..).zip([
                ("Hồ Thị Đào", "Hồ Thị Đào", "Chủ hộ"),
                ("Hồ Thị Đào", "Ho\u{302}\u{300} Văn Bé", "Con"),
                ("Hồ Văn Pả", "Hồ Văn Pả", "Chủ hộ"),
            ]) {
                for (column, text) in [(0, head), (1, name), (2, relation), (4, "Nữ"),
                    (6, "19558"), (7, "Thôn 19558-01"), (8, "Bru - Vân Kiều"), (9, "Nghèo"),
                    (10, "QĐ 1"), (11, "x")]
                {
                    sheet.write_string(row, column, text).unwrap();
                }
            }
            let day = ExcelDateTime::from_ymd(1980, 12, 4).unwrap();
            let format = Format::new().set_num_format("dd/mm/yyyy");
            sheet.write_datetime_with_format(3, 3, day, &format).unwrap();
            sheet.write_number(4, 3, 2015).unwrap();
            sheet.write_number(5, 5, 45_180_001_234_f64).unwrap();
        }
        let book = book.save_to_buffer().unwrap();
        let (token, path) = (town.province.token(), town.path("/roster?keep=good"));
        let taken = post_raw(&town, token, &path, &book).await.taken();
        assert_eq!((&taken["taken"], &taken["left_out"]), (&1.into(), &3.into()), "{taken}");
        let fault = &taken["faults"][0];
        assert_eq!((&fault["sheet"], &fault["line"]), (&1.into(), &6.into()));
        assert_eq!(fault["column"], "id_number");
        assert_eq!(taken["faults_total"], 1);

        // Sent again it is the same family, though the file has no code for it.
        let again = post_raw(&town, token, &path, &book).await.taken();
        assert_eq!((&again["taken"], &again["skipped"]), (&0.into(), &1.into()));
        let path = town.path(&format!("/units/{MO_O}/households"));
        let shown = get(&town, town.officer.token(), &path).await.taken();
        let listed = shown.as_array().unwrap();
        let mine: Vec<_> = listed.iter().filter(|one| one["head"] == "Hồ Thị Đào").collect();
        assert_eq!(mine.len(), 1);
        let document = mine[0]["row"]["document"].as_str().unwrap();
        let path = town.path(&format!("/households/{document}"));
        let read = get(&town, town.officer.token(), &path).await.taken();
        let members = read["household"]["members"].as_object().unwrap();
        let births: Vec<_> = members.values().map(|member| member["birth"].as_str()).collect();
        assert!(births.contains(&Some("1980-12-04")) && births.contains(&Some("2015")), "{births:?}");
        let names: Vec<_> = members.values().map(|member| member["name"].as_str()).collect();
        assert!(names.contains(&Some("Hồ Văn Bé")), "composed on entry: {names:?}");
    }

    /// What comes back of a workbook is a workbook.
    async fn the_bad_rows_of_a_workbook_come_back_as_a_workbook(town: Town) {
        let mut clerk = province(&town).await;
        let heads: Vec<&str> = HEADS.split(',').collect();
        let row = |code| vec![code, "19558-01", "poor", "QĐ 1", "1", "=1+1", "head", "1980", "male", "23", ""];
        let mut bad = row("x-2");
        bad[1] = "nowhere";
        let file = workbook(&inline(&[heads, row("x-1"), bad]), b"<sst/>");
        let at = upload(&mut clerk, &town, "roster", ("a.xlsx", &file)).await;
        clerk.open(&at).await.holds("trang 1, 3");
        let back = dechunked(&fetch(&clerk, &format!("{at}/errors")).await);
        assert!(back.starts_with(b"PK"));
        let rows = read_sheet(&back);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1][5], "=1+1", "a text, whatever it looks like");
        assert!(rows[1][12].starts_with("hamlet: "), "{rows:?}");
        let again = upload(&mut clerk, &town, "roster", ("b.xlsx", &back)).await;
        clerk.open(&again).await.holds("trang 1, 2");
    }

    /// Files that are no tables, or more than one may be, are refused in words that help.
    async fn files_that_are_none_are_refused_with_what_to_do(town: Town) {
        let (token, path) = (town.province.token(), town.path("/roster?keep=good"));
        let before = households(&town).await;
        let utf16: Vec<u8> = format!("\u{feff}{HEADS}\n")
            .encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = |bytes: Vec<u8>| ask(town.running.address, "POST", &path, Some(token), bytes);
        refused(utf16).await.refused(422, "file-encoding");
        refused(b"M\xe3 h\xf4,H\xf4 Th\xec\n".to_vec()).await.refused(422, "file-encoding");
        refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec()).await.refused(422, "file-kind");
        for (what, bytes, name) in bombs() {
            assert!(bytes.len() < 8 << 20, "{what} is small as sent");
            let heard = post_raw(&town, token, &path, &bytes).await;
            assert_eq!((heard.status, heard.name().as_str()), (422, name), "{what}");
        }
        assert_eq!(households(&town).await, before);
        let mut clerk = province(&town).await;
        let path = format!("/office/campaigns/{}/import/roster", town.campaign);
        let page = clerk.open(&path).await;
        let token = page.field("token");
        let shown = send_file(&clerk, &path, &token, ("a.csv", b"M\xe3\n")).await;
        assert_eq!(shown.status, 422);
        shown.holds("CSV UTF-8").holds("role=\"alert\"");
        let forged = send_file(&clerk, &path, "0", ("a.csv", b"a,b\n")).await;
        assert_eq!(forged.status, 403);
    }

    /// A hundred thousand rows, a third of them bad: the answer names some, the file all.
    async fn a_file_of_a_hundred_thousand_rows_is_looked_at_whole(town: Town) {
        let mut clerk = province(&town).await;
        let mut file = format!("{HEADS}\n");
        for number in 0..100_000 {
            let birth = if number % 3 == 0 { "hôm qua" } else { "1980" };
            file.push_str(&format!("n-{number},19558-01,poor,QĐ 1,1,Hồ Văn {number},head,{birth},male,23,\n"));
        }
        let (token, path) = (town.province.token(), town.path("/roster?keep=check"));
        let looked = post_raw(&town, token, &path, file.as_bytes()).await.taken();
        assert_eq!((&looked["good"], &looked["faults_total"]), (&66_666.into(), &33_334.into()));
        assert_eq!((looked["faults"].as_array().unwrap().len(), &looked["taken"]), (500, &0.into()));
        let at = upload(&mut clerk, &town, "roster", ("lon.csv", file.as_bytes())).await;
        let back = dechunked(&fetch(&clerk, &format!("{at}/errors")).await);
        let lines = back.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines, 33_335);
    }

    /// People are added from a file; their passwords are shown once and kept by nobody.
    async fn people_of_a_file_get_their_passwords_once(town: Town) {
        let mut clerk = province(&town).await;
        let file = "Tên đăng nhập;Họ và tên;Vai trò;Mã đơn vị\n\
                    xa-moi;Hồ Thị Mới;Công chức xã;19558\n\
                    rsv-moi;Hồ Văn Mới;Rà soát viên;19558\n\
                    hoa;Ai đó;Công chức xã;19558\n\
                    lạ;Lạ;officer;99999\n";
        let at = upload(&mut clerk, &town, "accounts", ("ng.csv", file.as_bytes())).await;
        let page = clerk.open(&at).await;
        page.holds("Số dòng dùng được: <strong>2</strong>").holds("đã có").lacks("<code>");
        let shown = clerk.fill(&at, &page, &[]).await;
        assert_eq!(shown.status, 200);
        let password = shown.html.split("<code>").nth(1).unwrap().split('<').next().unwrap();
        shown.holds("xa-moi").lacks("<th scope=\"row\">rsv-moi</th>");
        clerk.open(&at).await.lacks(password);
        let signed_in = Office::sign_in(&town.client, "xa-moi", password).await;
        assert!(signed_in.is_ok(), "the password is the person's");
        let again = upload(&mut clerk, &town, "accounts", ("ng.csv", file.as_bytes())).await;
        let page = clerk.open(&again).await;
        page.holds("Số dòng dùng được: <strong>0</strong>");
    }

    /// Two clicks on one button are two requests: one writes and has the passwords, the other is told.
    async fn a_double_click_writes_once_and_hides_no_password(town: Town) {
        let mut clerk = province(&town).await;
        let file = "Tên đăng nhập;Họ và tên;Vai trò;Mã đơn vị\nxa-moi;Hồ Thị Mới;Công chức xã;19558\n";
        let at = upload(&mut clerk, &town, "accounts", ("ng.csv", file.as_bytes())).await;
        let page = clerk.open(&at).await;
        let mut same = Browser { server: clerk.server, cookies: clerk.cookies.clone() };
        let (one, other) = tokio::join!(clerk.fill(&at, &page, &[]), same.fill(&at, &page, &[]));
        let (first, second) = if one.status == 200 { (one, other) } else { (other, one) };
        assert_eq!(first.status, 200, "{}", first.html);
        let password = first.html.split("<code>").nth(1).unwrap().split('<').next().unwrap();
        assert!(Office::sign_in(&town.client, "xa-moi", password).await.is_ok());
        assert!([303, 409].contains(&second.status), "{}", second.html);
        second.lacks("<code>");
        clerk.open(&at).await.holds("Đã ghi: 1").lacks("<button>Ghi vào hệ thống");
    }

    /// A commune brings the counts of its own hamlets up to date, and nothing else.
    async fn a_commune_counts_its_own_hamlets_alone(town: Town) {
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        officer.open(&format!("{campaign}/units/{MO_O}")).await.holds("/import\"");
        let page = officer.open(&format!("{campaign}/import")).await;
        page.holds("import/hamlets").lacks("import/roster");
        assert_eq!(officer.open(&format!("{campaign}/import/roster")).await.status, 403);
        let template = fetch(&officer, &format!("{campaign}/import/hamlets/template?format=csv")).await;
        let template = String::from_utf8(dechunked(&template)).unwrap();
        let known = "19558,19558-01,thôn,19558-01,rural,100,400,60,250,90,380,55,240,thử,";
        assert!(template.contains(known) && !template.contains("19561"), "{template}");
        let changed = template
            .replace(known, &known.replace("100,400", "120,450").replace("thử,", "Công an xã,01/12/2022"))
            .replace("\r\n19558,19558-02,thôn,19558-02,rural,", "\r\n19558,19558-02,thôn,19558-02,urban,")
            + "19561,19561-01,thôn,A,rural,1,1,1,1,1,1,1,1,x,\r\n19558,m-9,thôn,A,rural,1,1,1,1,1,1,1,1,x,\r\n";
        let at = upload(&mut officer, &town, "hamlets", ("thon.csv", changed.as_bytes())).await;
        let page = officer.open(&at).await;
        page.holds("Số dòng dùng được: <strong>1</strong>").holds("do tỉnh đặt").lacks("xã khác");
        officer.fill(&at, &page, &[]).await;
        let template = fetch(&officer, &format!("{campaign}/import/hamlets/template?format=csv")).await;
        let template = String::from_utf8(dechunked(&template)).unwrap();
        assert!(template.contains(",120,450,60,250,90,380,55,240,Công an xã,01/12/2022"), "{template}");

        // Nobody else sees the file, and a district loads nothing.
        let mut other = Browser::of(&town, "xa-19561").await;
        assert_eq!(other.open(&at).await.status, 404);
        let mut district = Browser::of(&town, "huyen-467").await;
        assert_eq!(district.open(&format!("{campaign}/import")).await.status, 403);
        let path = town.path("/hamlets");
        let heard = ask(town.running.address, "POST", &path, Some(town.district.token()), Vec::new());
        heard.await.refused(403, "forbidden");
    }
}

/// Reads the first sheet of a workbook with somebody else's reader.
pub(super) fn read_sheet(bytes: &[u8]) -> Vec<Vec<String>> {
    use calamine::{Data, Reader, Xlsx};
    let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let text = |cell: &Data| cell.to_string();
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}
