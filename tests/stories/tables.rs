//! Tables that offices send and take: looked at first, written on a word, and sent back with what to
//! change.

mod sent;
mod taken;
mod workbook;

use tests::town::{SECOND, Town};

use crate::ask::{Heard, ask_with};
use crate::offices::{Browser, Shown};

/// Columns of an opening list in the words of people, without all of their marks.
pub(super) const HEADS: &str = "Mã hộ,Ma thon,Phân loại hộ,Số quyết định,Hộ DTTS,Họ và tên,QUAN HỆ,Ngày sinh,Giới tính,\
     Dân tộc,CCCD";

/// Somebody of the province office with a browser.
pub(super) async fn province(town: &Town) -> Browser {
    Browser::of(town, SECOND).await
}

/// Fetches a file as a browser does.
pub(super) async fn fetch(browser: &Browser, path: &str) -> Heard {
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers = [("cookie", cookies.join("; "))];
    ask_with(browser.server, "GET", path, &headers, Vec::new()).await
}

/// Returns the bytes of a body that came in chunks.
pub(super) fn dechunked(heard: &Heard) -> Vec<u8> {
    if heard.header("transfer-encoding").is_none() {
        return heard.body().to_vec();
    }
    let (mut rest, mut out) = (heard.body(), Vec::new());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

/// Sends a file with a page's form.
pub(super) async fn send_file(
    browser: &Browser,
    path: &str,
    token: &str,
    (name, bytes): (&str, &[u8]),
) -> Shown {
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let edge = "----------ranh-gioi-3f1c";
    let head = format!(
        "--{edge}\r\ncontent-disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n\
         --{edge}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let end = format!("\r\n--{edge}--\r\n");
    let body = [head.as_bytes(), bytes, end.as_bytes()].concat();
    let kind = format!("multipart/form-data; boundary={edge}");
    let headers = [("cookie", cookies.join("; ")), ("content-type", kind)];
    let heard = ask_with(browser.server, "POST", path, &headers, body).await;
    Shown {
        status: heard.status,
        html: String::from_utf8_lossy(heard.body()).into_owned(),
        to: heard.header("location").map(ToOwned::to_owned),
    }
}

/// Sends a file of a kind; returns where it can be looked at.
pub(super) async fn upload(
    browser: &mut Browser,
    town: &Town,
    kind: &str,
    file: (&str, &[u8]),
) -> String {
    let path = format!("/office/campaigns/{}/import/{kind}", town.campaign);
    let page = browser.open(&path).await;
    let sent = send_file(browser, &path, &page.field("token"), file).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    sent.to.expect("it leads on")
}

/// Counts the households of a campaign.
pub(super) async fn households(town: &Town) -> i64 {
    crate::ask::kept(town).await["households"]
}

/// Writes the hamlets of the town for another campaign.
pub(super) fn hamlet_file() -> String {
    let heads = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                 opening_households,opening_persons,opening_dtts_households,\
                 opening_dtts_persons,source\n";
    let row = |(unit, code)| {
        format!("{unit},{code},thôn,{code},rural,100,400,60,250,90,380,55,240,thử\n")
    };
    heads.to_owned() + &tests::town::HAMLETS.map(row).concat()
}
