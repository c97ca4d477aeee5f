//! What large tables take of the server: an opening list, a list full of faults, a province taken out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::cli::serve::FIRST_ACCOUNT;
use server::demo::client::Client;
use server::demo::office::Office;

use super::crowd::units;
use super::family::{Watch, memory, rest};
use super::pages::sign_in;
use super::{Size, millis};
use crate::process::{Home, free_address};
use crate::town::Cast;

/// Rows of an imported table, a member each.
const ROWS: [usize; 2] = [2_000, 190_000];

/// Communes of the province.
const COMMUNES: usize = 125;

/// Members of a household.
const MEMBERS: usize = 4;

/// One table on its way in or out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// What it is.
    pub what: String,
    /// Its rows; 0 where they were not counted.
    pub rows: usize,
    /// Its bytes.
    pub bytes: usize,
    /// From the request to the end of the answer, milliseconds.
    pub wall_ms: u64,
    /// Memory of the server process before, KiB.
    pub before_kib: u64,
    /// The most of it meanwhile, KiB.
    pub most_kib: u64,
}

/// Imports an opening list as CSV and another as XLSX, the first once more, and one in which every
/// row is bad.
pub async fn read_in(home: Home, size: Size) -> Vec<Table> {
    let address = free_address();
    let (server, password) = home.start_first(address);
    let cast = Cast::gather(server.base(), &password).await;
    let rows = ROWS[usize::from(size != Size::Quick)];
    let communes = units(COMMUNES);
    let hamlets = cast.province.import(&cast.path("/hamlets"), hamlets(&communes)).await;
    hamlets.expect("hamlets");
    let list = |first, class| opening(&communes, rows, first, class);
    let (good, book, bad) =
        (csv(&list(0, "poor")), xlsx(&list(rows, "poor")), csv(&list(0, "rich")));
    let households = rows / MEMBERS;
    let all = [
        ("an opening list read in, CSV", &good, "taken", households),
        ("another one, XLSX", &book, "taken", households),
        ("the first once more", &good, "skipped", households),
        ("the same with a fault in each row", &bad, "faults_total", households),
    ];
    let path = cast.path("/roster?keep=good");
    let mut tables = Vec::new();
    for (what, file, expected, least) in all {
        rest(server.id()).await;
        let before_kib = memory(server.id()).server.rss_kib;
        let watch = Watch::over(server.id());
        let since = Instant::now();
        let head = format!("authorization: Bearer {}\r\n", cast.province.token());
        let answer = exchange(address, "POST", &path, &head, file);
        let wall_ms = millis(&since.elapsed());
        let most_kib = watch.most().server.rss_kib;
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let told = answer[expected].as_u64().unwrap_or(0);
        assert!(told >= u64::try_from(least).unwrap_or(u64::MAX), "{what}: {told} {expected}");
        let (what, bytes) = (what.to_owned(), file.len());
        tables.push(Table { what, rows, bytes, wall_ms, before_kib, most_kib });
    }
    tables
}

/// Takes the demonstration's province out in every layout and format.
pub async fn take_out(home: &Home, campaign: &str) -> Vec<Table> {
    let password = home.new_password();
    let address = free_address();
    let server = home.start(address);
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, FIRST_ACCOUNT, &password).await.expect("it signs in");
    let rates = office.get(&format!("/v1/campaigns/{campaign}/rates")).await.expect("rates");
    let rows = rates["rows"].as_array().expect("rows");
    let province = rows.iter().find(|row| row["level"] == "province").expect("the province");
    let unit = province["unit"].as_str().expect("a code");
    let cookie = sign_in(address, &password);
    let mut tables = Vec::new();
    for layout in ["exchange", "households", "members"] {
        for format in ["csv", "xlsx"] {
            let path = format!(
                "/office/campaigns/{campaign}/export/file?unit={unit}&layout={layout}&format={format}"
            );
            rest(server.id()).await;
            let before_kib = memory(server.id()).server.rss_kib;
            let watch = Watch::over(server.id());
            let since = Instant::now();
            let file = download(address, &cookie, &path);
            let wall_ms = millis(&since.elapsed());
            let most_kib = watch.most().server.rss_kib;
            let lines = file.iter().filter(|byte| **byte == b'\n').count();
            let rows = if format == "csv" { lines.saturating_sub(1) } else { 0 };
            let what = format!("the province taken out, layout {layout}, {format}");
            tables.push(Table { what, rows, bytes: file.len(), wall_ms, before_kib, most_kib });
        }
    }
    tables
}

type Row = [String; 11];

const COLUMNS: [&str; 11] = [
    "household",
    "hamlet",
    "class",
    "decision",
    "dtts",
    "name",
    "relation",
    "birth",
    "sex",
    "ethnicity",
    "id_number",
];

fn hamlet(commune: &str) -> String {
    format!("{commune}-90")
}

/// Makes a hamlet up in each commune.
fn hamlets(communes: &[String]) -> String {
    let mut file = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                    opening_households,opening_persons,opening_dtts_households,\
                    opening_dtts_persons,source\n"
        .to_owned();
    for commune in communes {
        let code = hamlet(commune);
        file += &format!("{commune},{code},thôn,Thử,rural,9,9,9,9,9,9,9,9,synthetic\n");
    }
    file
}

/// Makes an opening list up, commune after commune: nobody in it exists.
fn opening(communes: &[String], rows: usize, first: usize, class: &str) -> Vec<Row> {
    let row = |row: usize| {
        let (household, member) = ((first + row) / MEMBERS, row % MEMBERS);
        let whose = row / MEMBERS * MEMBERS;
        let hamlet = hamlet(&communes[whose * communes.len() / rows]);
        let (relation, birth) =
            if member == 0 { ("head", 1_970) } else { ("child", 2_000 + member) };
        let (code, name) = (format!("{hamlet}-{household:06}"), format!("Hồ Văn Thử {row}"));
        let (birth, sex) = (birth.to_string(), ["male", "female"][row % 2]);
        let texts =
            [&code, &hamlet, class, "QĐ 1/2021", "1", &name, relation, &birth, sex, "23", ""];
        texts.map(ToOwned::to_owned)
    };
    (0..rows).map(row).collect()
}

fn csv(rows: &[Row]) -> Vec<u8> {
    let mut file = COLUMNS.join(",") + "\n";
    for row in rows {
        file += &(row.join(",") + "\n");
    }
    file.into_bytes()
}

fn xlsx(rows: &[Row]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory().expect("a folder for it");
    let head = COLUMNS.map(ToOwned::to_owned);
    for (at, row) in (0..).zip(std::iter::once(&head).chain(rows)) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(at, column, text).expect("it fits");
        }
    }
    book.save_to_buffer().expect("a workbook")
}

fn download(server: SocketAddr, cookie: &str, path: &str) -> Vec<u8> {
    exchange(server, "GET", path, &format!("cookie: {cookie}\r\n"), &[])
}

/// Sends a request on a connection of its own; returns the body of its answer.
fn exchange(server: SocketAddr, method: &str, path: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.0\r\nhost: {server}\r\n{head}content-length: {}\r\n\r\n",
        body.len()
    );
    let mut line = TcpStream::connect(server).expect("the server is there");
    line.write_all(head.as_bytes()).expect("it listens");
    line.write_all(body).expect("it listens");
    let mut heard = Vec::new();
    line.read_to_end(&mut heard).expect("it answers");
    let end = heard.windows(4).position(|at| at == b"\r\n\r\n").map_or(heard.len(), |at| at + 4);
    let body = heard.split_off(end);
    let status = String::from_utf8_lossy(&heard).into_owned();
    assert!(status.starts_with("HTTP/1.0 200"), "{path}: {status}");
    body
}
