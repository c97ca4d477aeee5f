//! Calls by hand: any method, path, token and body, and what came back to the last byte.
//!
//! Every call through this file fails the story on an answer of the 5xx kind: whatever people
//! send, the fault is never the server's.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use mobile_schema::frame::{BatchResult, Receipt, SyncRequest, SyncResponse, Verdict};
use mobile_schema::problem::by_name;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqlSafeStr};
use tests::town::Town;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Heard {
    /// HTTP status.
    pub(crate) status: u16,
    /// Everything that came over the wire, head and body.
    pub(crate) wire: Vec<u8>,
    body: usize,
}

impl Heard {
    /// Returns the body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.wire[self.body..]
    }

    /// Reads the body as JSON; null where it is something else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body()).unwrap_or_default()
    }

    /// Returns a header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(&self.wire[..self.body]).ok()?;
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(named, _)| named.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the stable name of a refusal, empty for anything else.
    pub(crate) fn name(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or("").to_owned();
        kind.trim_start_matches("/problems/").to_owned()
    }

    /// Returns what exactly is wrong, as the refusal lists it.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().cloned().unwrap_or_default()
    }

    /// Tells whether the answer holds a text anywhere, headers included.
    pub(crate) fn holds(&self, text: &str) -> bool {
        // Whatever is no text between the texts of a frame stands for itself.
        String::from_utf8_lossy(&self.wire).contains(text)
    }

    /// Requires a refusal under this status and name, told in both languages.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, name: &str) -> &Self {
        let body = self.json();
        assert_eq!((self.status, self.name().as_str()), (status, name), "{body}");
        let published = by_name(name).expect("only published names are used");
        assert_eq!(body["title"], published.en);
        assert_eq!(body["detail_vi"], published.vi);
        assert_eq!(body["status"], status);
        let head = String::from_utf8_lossy(&self.wire[..self.body]).to_ascii_lowercase();
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        self
    }

    /// Requires that the call was taken.
    #[track_caller]
    pub(crate) fn taken(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json());
        self.json()
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Vec<u8>,
) -> Heard {
    let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
    ask_with(to, method, path, bearer.as_slice(), body).await
}

/// Sends one request with these headers.
pub(crate) async fn ask_with(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: Vec<u8>,
) -> Heard {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let said = [head.as_bytes(), &body].concat();
    let heard = tokio::task::spawn_blocking(move || exchange(to, &said)).await;
    let wire = heard.expect("the exchange ends").expect("the server answers");
    let end = wire.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&wire[9..12]).parse().expect("a status");
    let heard = Heard { status, wire, body: end + 4 };
    assert!(status < 500, "{method} {path}: {status} {}", heard.json());
    heard
}

fn exchange(to: SocketAddr, said: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut line = TcpStream::connect(to)?;
    // A server may answer before it has read everything.
    let _unread = line.write_all(said);
    let mut wire = Vec::new();
    line.read_to_end(&mut wire)?;
    Ok(wire)
}

/// Reads a route.
pub(crate) async fn get(town: &Town, token: &str, path: &str) -> Heard {
    ask(town.running.address, "GET", path, Some(token), Vec::new()).await
}

/// Posts JSON.
pub(crate) async fn post(town: &Town, token: &str, path: &str, body: &Value) -> Heard {
    ask(town.running.address, "POST", path, Some(token), body.to_string().into_bytes()).await
}

/// Posts bytes as they are: a file, or a frame.
pub(crate) async fn post_raw(town: &Town, token: &str, path: &str, body: &[u8]) -> Heard {
    ask(town.running.address, "POST", path, Some(token), body.to_vec()).await
}

/// Sends a frame and reads the answer.
pub(crate) async fn sync(town: &Town, token: &str, request: &SyncRequest) -> SyncResponse {
    let heard = post_raw(town, token, "/v1/sync", &cbor(request)).await;
    assert_eq!(heard.status, 200, "{}", heard.json());
    ciborium::from_reader(heard.body()).expect("a sync answer")
}

/// Writes CBOR.
pub(crate) fn cbor<T: serde::Serialize>(of: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(of, &mut bytes).expect("memory takes every byte");
    bytes
}

/// Reads the verdicts of one result; a batch refused whole gives its name.
pub(crate) fn verdicts(result: &BatchResult) -> Result<Vec<Verdict>, String> {
    match result {
        BatchResult::Refused(name) => Err(name.clone()),
        BatchResult::Receipt { receipt, .. } => {
            let receipt: Receipt = ciborium::from_reader(receipt.as_slice()).expect("a receipt");
            Ok(receipt.verdicts)
        }
    }
}

/// What is kept: rows of each table, and the sums that move when a row is only altered.
const KEPT: [(&str, &str); 26] = [
    ("accounts", "select count(*) from account"),
    ("devices", "select count(*) + count(revoked_at_ms) from device"),
    ("people of devices", "select count(*) + count(unbound_at_ms) from device_person"),
    ("codes", "select count(*) + count(used_at_ms) + count(withdrawn_at_ms) from enrol_code"),
    ("campaigns", "select count(*) + count(closed_at_ms) from campaign"),
    ("score tables", "select cast(sum(length(score_table)) as bigint) from campaign"),
    ("score table steps", "select count(*) from score_table_step"),
    ("targets", "select count(*) from target"),
    ("unit files", "select count(*) from unit_file"),
    ("hamlets", "select count(*) + cast(sum(households) as bigint) from hamlet"),
    ("assignments", "select count(*) + count(until_ms) from assignment"),
    ("single households", "select count(*) + count(until_ms) from household_assignment"),
    ("households", "select count(*) from household"),
    ("positions", "select cast(coalesce(sum(last_position), 0) as bigint) from household"),
    ("manifests", "select count(*) from manifest"),
    ("changes", "select count(*) from change"),
    ("accepted", "select count(*) from change where fate = 'accepted'"),
    ("decisions", "select count(*) from decision"),
    ("frozen lists", "select count(*) from frozen_list"),
    ("waivers", "select count(*) from waiver"),
    ("preliminary reports", "select count(*) from preliminary"),
    ("samples", "select count(*) from sample"),
    ("findings", "select count(*) from sample_finding"),
    ("remarks", "select count(*) from remark"),
    ("scans", "select count(*) from scan"),
    ("deadlines", "select count(*) from deadline"),
];

/// Counts what the town's database keeps, to show that a refused call left nothing behind.
pub(crate) async fn kept(town: &Town) -> BTreeMap<&'static str, i64> {
    counted(town, &KEPT).await
}

/// Reads one number of the town's database for each statement.
pub(crate) async fn counted(
    town: &Town,
    of: &[(&'static str, &'static str)],
) -> BTreeMap<&'static str, i64> {
    let mut kept = BTreeMap::new();
    if let Some(url) = &town.config.database {
        let mut db = sqlx::PgConnection::connect(url).await.expect("the database answers");
        for (what, sql) in of {
            let sql = AssertSqlSafe(*sql).into_sql_str();
            let n: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.expect("a count");
            kept.insert(*what, n);
        }
    } else {
        let file = town.config.data.join("rasoat.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
        let mut db = sqlx::SqliteConnection::connect_with(&options).await.expect("the file opens");
        for (what, sql) in of {
            let sql = AssertSqlSafe(*sql).into_sql_str();
            let n: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.expect("a count");
            kept.insert(*what, n);
        }
    }
    kept
}
