//! The offices' pages, as somebody uses them whose browser runs no script.

use std::net::SocketAddr;

use mobile_schema::household::Value;
use server::demo::phone::Phone;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, PASSWORD, Town};

use crate::ask::{Heard, ask_with};

/// A browser: an address and its cookies.
pub(crate) struct Browser {
    pub(crate) server: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

/// A page as it came, with its text as people see it.
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) html: String,
    /// Where it leads on.
    pub(crate) to: Option<String>,
}

impl Browser {
    /// Opens the first page and signs in.
    pub(crate) async fn of(town: &Town, name: &str) -> Self {
        let mut browser = Self { server: town.running.address, cookies: Vec::new() };
        let first = browser.open("/office").await;
        assert_eq!(
            (first.status, first.to.as_deref()),
            (303, Some("/office/sign-in?next=%2Foffice"))
        );
        let form = [("name", name), ("password", PASSWORD), ("next", "/office")];
        let signed_in = browser.send("/office/sign-in", &form).await;
        assert_eq!((signed_in.status, signed_in.to.as_deref()), (303, Some("/office")));
        browser
    }

    pub(crate) async fn open(&mut self, path: &str) -> Shown {
        self.ask("GET", path, Vec::new()).await
    }

    /// Sends a form as it is.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.ask("POST", path, form.finish().into_bytes()).await
    }

    /// Sends a form of a page, with what the page has put into it.
    pub(crate) async fn fill(
        &mut self,
        path: &str,
        page: &Shown,
        fields: &[(&str, &str)],
    ) -> Shown {
        let hidden = ["token", "root", "heads", "closes", "path", "seen"]
            .map(|name| (name, page.field(name)));
        let mut all: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(fields);
        self.send(path, &all).await
    }

    /// Saves a file.
    pub(crate) async fn open_file(&mut self, path: &str) -> Heard {
        let headers = [("cookie", self.cookie())];
        ask_with(self.server, "GET", path, &headers, Vec::new()).await
    }

    fn cookie(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn ask(&mut self, method: &str, path: &str, body: Vec<u8>) -> Shown {
        self.ask_as(method, path, "application/x-www-form-urlencoded", body).await
    }

    /// Sends a body of some kind.
    pub(crate) async fn ask_as(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Shown {
        let headers = [("cookie", self.cookie()), ("content-type", kind.to_owned())];
        let heard = ask_with(self.server, method, path, &headers, body).await;
        self.keep(&heard);
        if heard.status < 300 || heard.status >= 400 {
            let policy = heard.header("content-security-policy").unwrap_or_default();
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
            assert_eq!(heard.header("cache-control"), Some("no-store"), "{path}");
        }
        Shown {
            status: heard.status,
            html: String::from_utf8_lossy(heard.body()).into_owned(),
            to: heard.header("location").map(ToOwned::to_owned),
        }
    }

    fn keep(&mut self, heard: &Heard) {
        let Some(cookie) = heard.header("set-cookie") else { return };
        assert!(cookie.contains("Path=/office") && cookie.contains("SameSite=Lax"), "{cookie}");
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }
}

impl Shown {
    /// Returns the value of a field of the page's first form that has it.
    pub(crate) fn field(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let Some(at) = self.html.find(&before) else { return String::new() };
        let rest = &self.html[at + before.len()..];
        unescaped(&rest[..rest.find('"').unwrap()])
    }

    #[track_caller]
    pub(crate) fn holds(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "no {text:?} in {}", self.html);
        self
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "{text:?} in {}", self.html);
        self
    }
}

pub(crate) fn unescaped(text: &str) -> String {
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign))
}

fn roof(value: &str) -> Page {
    Page { answers: [("roof".to_owned(), Value::from(value))].into(), ..Page::default() }
}

/// Mò Ó is reviewed, and two people disagree about one roof.
async fn reviewed_with_a_dispute(town: &Town) -> (Phone, String) {
    let mut hoa = town.review_mo_o().await;
    let document = town.document(&hoa, "19558-01-0001");
    let mut minh = town.phone_with_work("minh").await;
    hoa.save(document, &[roof("concrete")]).unwrap();
    minh.save(document, &[roof("canvas")]).unwrap();
    hoa.sync().await.unwrap();
    minh.sync().await.unwrap();
    (hoa, document.to_string())
}

on_each_backend! {
    /// From a dispute to a rate, through the pages of commune, district and province.
    async fn a_year_end_is_done_in_the_browser(town: Town) {
        let (_phone, document) = reviewed_with_a_dispute(&town).await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let unit = format!("{campaign}/units/{MO_O}");
        let list = format!("{unit}/list");
        let household = format!("{campaign}/households/{document}");

        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let home = officer.open("/office").await;
        home.holds("Rà soát cuối năm 2022");
        let to = officer.open(&campaign).await.to;
        assert_eq!(to.as_deref(), Some(unit.as_str()), "an officer has one commune");
        officer.open(&unit).await.holds("Hộ còn thông tin chưa thống nhất").holds("Toàn xã");
        let found = officer.open(&format!("{unit}/households?state=disputes")).await;
        found.holds(&document).holds("Tìm thấy: 1");
        let before = officer.open(&list).await;
        before.holds("Đang rà soát").lacks("value=\"submit\"");

        // The household: both values with who wrote them; a decision needs a reason.
        let page = officer.open(&household).await;
        page.holds("Thông tin chưa thống nhất").holds("hoa").holds("minh");
        let chosen = [("value", "\"canvas\""), ("reason", "  ")];
        let refused = officer.fill(&household, &page, &chosen).await;
        assert_eq!(refused.status, 422);
        refused.holds("role=\"alert\"").holds("value=\"&#34;canvas&#34;\" checked");
        let chosen = [("value", "\"canvas\""), ("reason", "đã xem tận nơi")];
        let settled = officer.fill(&household, &page, &chosen).await;
        assert_eq!((settled.status, settled.to.as_deref()), (303, Some(household.as_str())));
        // The same button twice, as on a slow line: nothing happens twice.
        assert_eq!(officer.fill(&household, &page, &chosen).await.status, 303);
        officer.open(&household).await.lacks("id=\"disputes\"").holds("đã xem tận nơi");

        let shown = officer.open(&list).await;
        let submitted = officer.fill(&list, &shown, &[("act", "submit")]).await;
        assert_eq!(submitted.status, 303);
        let again = officer.fill(&list, &shown, &[("act", "submit")]).await;
        assert_eq!(again.status, 409);
        again.holds("Danh sách đang ở bước khác").holds("Đã chốt, trình huyện");

        let mut district = Browser::of(&town, "huyen-467").await;
        let communes = district.open(&format!("{campaign}?step=submitted")).await;
        communes.holds("Mò Ó").lacks(&format!("units/{HUONG_HIEP}\""));
        let shown = district.open(&list).await;
        let paper = [("act", "approve"), ("number", "12/YK-UBND"), ("date", "2022-12-05")];
        let unsigned = district.fill(&list, &shown, &paper).await;
        assert_eq!(unsigned.status, 422);
        unsigned.holds("value=\"12/YK-UBND\"").holds("value=\"2022-12-05\"");
        let signed = [&paper[..], &[("signer", "Nguyễn Văn Thử")]].concat();
        assert_eq!(district.fill(&list, &shown, &signed).await.status, 303);

        let shown = officer.open(&list).await;
        let paper = [("act", "recognise"), ("number", "30/QĐ-UBND"), ("date", "2022-12-07")];
        let paper = [&paper[..], &[("signer", "Hồ Thị Thử")]].concat();
        assert_eq!(officer.fill(&list, &shown, &paper).await.status, 303);
        officer.open(&list).await.holds("Đã công nhận").holds("30/QĐ-UBND");

        district.open(&format!("{campaign}/rates")).await.holds("chưa đầy đủ").holds("<svg");
    }

    /// What a page may not do: act for another site, show another commune, run what people wrote.
    async fn a_page_shows_and_does_nothing_it_should_not(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let household = hoa.household(document).unwrap();
        let head = household.members.keys().next().unwrap().clone();
        let name = Value::from("<script>alert(1)</script>");
        let named = [("name".to_owned(), name)].into();
        let page = Page { members: [(head, named)].into(), ..Page::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();

        let campaign = format!("/office/campaigns/{}", town.campaign);
        let unit = format!("{campaign}/units/{MO_O}");
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = officer.open(&format!("{campaign}/households/{document}")).await;
        page.lacks("<script").holds("&#60;script&#62;");

        // A form without the page's token, and one of another site's.
        let list = format!("{unit}/list");
        let shown = officer.open(&list).await;
        let forged = [("act", "submit"), ("root", &shown.field("root")), ("token", "0")];
        assert_eq!(officer.send(&list, &forged).await.status, 403);
        let other = format!("{campaign}/units/{HUONG_HIEP}");
        assert_eq!(officer.open(&other).await.status, 404);
        let mut enumerator = Browser { server: town.running.address, cookies: Vec::new() };
        let form = [("name", "hoa"), ("password", PASSWORD)];
        let _no_password_of_that_kind = enumerator.send("/office/sign-in", &form).await;
        assert_eq!(enumerator.open(&unit).await.status, 303, "nobody is signed in");
        let elsewhere = [
            ("name", "huyen-467"),
            ("password", PASSWORD),
            ("next", "https://example.org/office"),
        ];
        let signed_in = enumerator.send("/office/sign-in", &elsewhere).await;
        assert_eq!(signed_in.to.as_deref(), Some("/office"));
    }

    /// The session ends in the middle of a form: what was typed comes back and is sent again.
    async fn a_form_outlives_its_session(town: Town) {
        let (_phone, document) = reviewed_with_a_dispute(&town).await;
        let household = format!("/office/campaigns/{}/households/{document}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = officer.open(&household).await;
        let stale = officer.cookies.clone();
        let token = [("token", page.field("token"))];
        let token: Vec<(&str, &str)> = token.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(officer.send("/office/sign-out", &token).await.status, 303);
        officer.cookies = stale;

        let typed = [("value", "\"canvas\""), ("reason", "đã gọi điện & đến nhà")];
        let late = officer.fill(&household, &page, &typed).await;
        assert_eq!(late.status, 401);
        let form = late.field("form");
        let again = [
            ("name", "xa-19558"),
            ("password", PASSWORD),
            ("again", &late.field("again")),
            ("form", &form),
        ];
        let back = officer.send("/office/sign-in", &again).await;
        assert_eq!(back.status, 200);
        let reason = back.field("reason");
        assert_eq!(reason, "đã gọi điện & đến nhà");
        let typed = [("value", "\"canvas\""), ("reason", reason.as_str())];
        assert_eq!(officer.fill(&household, &back, &typed).await.status, 303);
        officer.open(&household).await.lacks("id=\"disputes\"");
    }
}
