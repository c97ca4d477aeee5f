//! How long the offices' pages take, warm, on the demonstration's province.
//!
//! Asked one after another by a client on the same machine, the connection and the whole body in the
//! time. The commune is the one with the most households under review.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::cli::serve::FIRST_ACCOUNT;
use server::demo::client::Client;
use server::demo::office::Office;

use super::{Size, micros, percentile};
use crate::process::{Home, free_address};

/// Calls of each page after the first.
const CALLS: [usize; 2] = [3, 30];

/// What a page may take, milliseconds.
const PAGE_MS: u64 = 100;

/// What a search may take, milliseconds.
const SEARCH_MS: u64 = 50;

/// All pages, as they were asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pages {
    /// Households registered in the province.
    pub households: u64,
    /// Households under review in the commune whose pages were asked for.
    pub commune_households: usize,
    /// The pages.
    pub pages: Vec<Page>,
}

/// One page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page {
    /// What it shows.
    pub what: String,
    /// What it should take at most, milliseconds.
    pub goal_ms: u64,
    /// Size of its HTML, bytes.
    pub bytes: usize,
    /// The first call after the start, microseconds; for later pages what they share is warm.
    pub first_us: u64,
    /// Calls after it.
    pub calls: usize,
    /// Median of those, microseconds.
    pub p50_us: u64,
    /// The slowest of those, microseconds.
    pub worst_us: u64,
}

/// Where the pages are: a campaign, its largest commune, one household and one hamlet there.
struct Place {
    campaign: String,
    unit: String,
    household: String,
    hamlet: String,
}

impl Place {
    /// Lists every page with what it may take. A page that is added to the program is added here.
    fn addresses(&self) -> Vec<(&'static str, String, u64)> {
        let campaign = format!("/office/campaigns/{}", self.campaign);
        let unit = format!("{campaign}/units/{}", self.unit);
        let household = format!("{campaign}/households/{}", self.household);
        let print = format!("{unit}/print");
        let hamlet = &self.hamlet;
        vec![
            ("campaigns", "/office".to_owned(), PAGE_MS),
            ("where each list stands", campaign.clone(), PAGE_MS),
            ("rates of the province", format!("{campaign}/rates"), PAGE_MS),
            ("a commune's day", unit.clone(), PAGE_MS),
            ("its households", format!("{unit}/households"), PAGE_MS),
            ("search by a name", format!("{unit}/households?q=van+thi"), SEARCH_MS),
            ("search by a code", format!("{unit}/households?q={hamlet}-0007"), SEARCH_MS),
            ("search for nothing there", format!("{unit}/households?q=zzzz"), SEARCH_MS),
            ("one household", household.clone(), PAGE_MS),
            ("the list", format!("{unit}/list"), PAGE_MS),
            ("what there is to print", print.clone(), PAGE_MS),
            ("print: households to review", format!("{print}/review-list"), PAGE_MS),
            ("print: posted list of a hamlet", format!("{print}/posted?hamlet={hamlet}"), PAGE_MS),
            ("print: decision and annexes", format!("{print}/decision"), PAGE_MS),
            ("print: minutes", format!("{print}/minutes"), PAGE_MS),
            ("print: blank form", format!("{print}/forms/phieu-b"), PAGE_MS),
            ("print: filled form", format!("{household}/print/phieu-b"), PAGE_MS),
            ("desk of the province", format!("{campaign}/desk"), PAGE_MS),
            ("list against last year", format!("{unit}/comparison"), PAGE_MS),
            ("list against the phones", format!("{unit}/comparison/phones"), PAGE_MS),
            ("comments", format!("{unit}/comments"), PAGE_MS),
            ("sample to check", format!("{unit}/sample"), PAGE_MS),
            ("hamlets of the commune", format!("{unit}/hamlets"), PAGE_MS),
            ("settings of the campaign", format!("{campaign}/settings"), PAGE_MS),
            ("targets against results", format!("{campaign}/targets"), PAGE_MS),
            ("pictures", format!("{campaign}/figures"), PAGE_MS),
            ("progress over days", format!("{campaign}/days"), PAGE_MS),
            ("map", format!("{campaign}/map"), PAGE_MS),
            ("accounts", "/office/accounts".to_owned(), PAGE_MS),
            ("devices", "/office/devices".to_owned(), PAGE_MS),
            ("units", "/office/units".to_owned(), PAGE_MS),
            ("columns of the posted list", format!("{campaign}/posted-columns"), PAGE_MS),
        ]
    }
}

/// Starts a server on the demonstration's data and asks for every page.
pub async fn measure(home: &Home, campaign: &str, size: Size) -> Pages {
    let password = home.new_password();
    let address = free_address();
    let server = home.start(address);
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, FIRST_ACCOUNT, &password).await.expect("it signs in");
    let rates = office.get(&format!("/v1/campaigns/{campaign}/rates")).await.expect("rates");
    let (households, place, commune_households) = find(&office, campaign, &rates).await;
    let cookie = sign_in(address, &password);
    let calls = CALLS[usize::from(size != Size::Quick)];
    let pages = place.addresses().into_iter().map(|(what, path, goal_ms)| {
        let (first, bytes) = ask(address, &cookie, &path);
        let mut times: Vec<Duration> = (0..calls).map(|_| ask(address, &cookie, &path).0).collect();
        Page {
            what: what.to_owned(),
            goal_ms,
            bytes,
            first_us: micros(&first),
            calls,
            p50_us: percentile(&mut times, 50),
            worst_us: percentile(&mut times, 100),
        }
    });
    Pages { households, commune_households, pages: pages.collect() }
}

/// Finds the commune with the most households under review.
async fn find(office: &Office, campaign: &str, rates: &Value) -> (u64, Place, usize) {
    let rows = rates["rows"].as_array().expect("rows");
    let province = rows.iter().find(|row| row["level"] == "province").expect("the province");
    let reviewed = |row: &&Value| row["counts"]["reviewed"].as_u64().unwrap_or(0);
    let communes = rows.iter().filter(|row| row["level"] == "commune");
    let largest = communes.max_by_key(reviewed).expect("a commune");
    let unit = largest["unit"].as_str().expect("a code").to_owned();
    let path = format!("/v1/campaigns/{campaign}/units/{unit}/households");
    let households = office.get(&path).await.expect("households");
    let households = households.as_array().expect("a list");
    let row = &households.first().expect("a household")["row"];
    let text = |name: &str| row[name].as_str().expect("a text").to_owned();
    let place = Place {
        campaign: campaign.to_owned(),
        household: text("document"),
        hamlet: text("hamlet"),
        unit,
    };
    let all = province["counts"]["closing"]["households"].as_u64().expect("a count");
    (all, place, households.len())
}

pub(super) fn sign_in(server: SocketAddr, password: &str) -> String {
    let form = format!("name={FIRST_ACCOUNT}&password={password}&next=%2Foffice");
    let head = format!(
        "POST /office/sign-in HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    let heard = exchange(server, &(head + &form));
    let cookie = heard.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next());
    cookie.expect("the province signs in").to_owned()
}

/// Asks for a page; returns the time and its size.
fn ask(server: SocketAddr, cookie: &str, path: &str) -> (Duration, usize) {
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n"
    );
    let since = Instant::now();
    let heard = exchange(server, &head);
    let took = since.elapsed();
    assert!(heard.starts_with("HTTP/1.1 200"), "{path}: {}", heard.lines().next().unwrap_or(""));
    (took, heard.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len()))
}

fn exchange(server: SocketAddr, said: &str) -> String {
    let mut line = TcpStream::connect(server).expect("the server is there");
    line.write_all(said.as_bytes()).expect("it listens");
    let mut heard = String::new();
    line.read_to_string(&mut heard).expect("it answers in text");
    heard
}
