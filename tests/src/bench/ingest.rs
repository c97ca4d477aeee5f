//! Durable ingest at full speed, and what a sync costs when there is nothing to say.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mobile_schema::frame::{Batch, BatchResult, FRAME_VERSION, Fate, Receipt, SyncRequest};
use mobile_schema::household::Household;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::json;
use server::demo::client::Client;
use server::demo::fleet::visit::Visit;
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Goal, Spec, truth};
use shared::classify::{B1Method, Basis, Class};
use shared::date::Date;
use shared::id::CampaignId;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::Area;

use super::machine::used;
use super::{micros, millis, percentile};
use crate::process::{Home, free_address};
use crate::town::{HUONG_HIEP, MO_O, VINH_THAI, campaign_form, person};

/// Phones that push at one time, each in a hamlet of its own.
const PHONES: usize = 8;

/// Changes in a batch.
const BATCH: usize = 50;

/// Batches of each phone.
const BATCHES: usize = 60;

/// The same in a quick run.
const BATCHES_QUICK: usize = 4;

/// Sustained ingest on one database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ingest {
    /// Database, with the setting that makes it durable.
    pub database: String,
    /// Phones pushing at one time.
    pub phones: usize,
    /// Changes in a batch; one batch a request.
    pub batch: usize,
    /// Changes acknowledged as accepted.
    pub changes: usize,
    /// Their bytes, without manifests.
    pub chunk_bytes: usize,
    /// From the first request to the last receipt, milliseconds.
    pub wall_ms: u64,
    /// Changes acknowledged in a second.
    pub changes_per_s: u64,
    /// Median time from request to receipt, microseconds.
    pub ack_p50_us: u64,
    /// 95th percentile of the same.
    pub ack_p95_us: u64,
    /// Processor time of the server, milliseconds.
    pub server_cpu_ms: u64,
    /// Processor time of the phones, on the same cores, milliseconds.
    pub phones_cpu_ms: u64,
    /// Most memory of the server, KiB.
    pub peak_rss_kib: u64,
}

/// A sync with nothing new.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdleSync {
    /// Round trips.
    pub trips: usize,
    /// Body bytes sent.
    pub body_up: usize,
    /// Body bytes received.
    pub body_down: usize,
    /// Bytes sent with HTTP headers, on an open connection.
    pub wire_up: usize,
    /// Bytes received with HTTP headers.
    pub wire_down: usize,
    /// Time it took, microseconds.
    pub took_us: u64,
}

/// A phone's work, signed before the clock starts.
struct Load {
    token: String,
    batches: Vec<Batch>,
}

/// Pushes pre-signed batches from several phones, then syncs with nothing to say.
pub async fn run(database: &str, home: Home, quick: bool) -> (Ingest, IdleSync) {
    let (server, password) = home.start_first(free_address());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let campaign = set_up(&office).await;
    let batches = if quick { BATCHES_QUICK } else { BATCHES };
    let mut loads = Vec::new();
    for number in 0..PHONES {
        loads.push(prepare(&client, &office, campaign, number, batches).await);
    }
    let of_all = loads.iter().flat_map(|load| &load.batches).flat_map(|batch| &batch.chunks);
    let chunk_bytes = of_all.map(|chunk| chunk.len()).sum();
    let (before, own_before) = (used(server.id()), used(std::process::id()));
    let since = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for load in loads {
        tasks.spawn(push(client.clone(), campaign, load));
    }
    let (mut times, mut changes) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (took, accepted) = done.expect("a phone pushes");
        times.extend(took);
        changes += accepted;
    }
    let wall = since.elapsed();
    let (after, own_after) = (used(server.id()), used(std::process::id()));
    let per_s = u128::try_from(changes).unwrap_or(0) * 1_000_000 / wall.as_micros().max(1);
    let ingest = Ingest {
        database: database.to_owned(),
        phones: PHONES,
        batch: BATCH,
        changes,
        chunk_bytes,
        wall_ms: millis(&wall),
        changes_per_s: u64::try_from(per_s).unwrap_or(u64::MAX),
        ack_p50_us: percentile(&mut times, 50),
        ack_p95_us: percentile(&mut times, 95),
        server_cpu_ms: after.cpu_ms - before.cpu_ms,
        phones_cpu_ms: own_after.cpu_ms - own_before.cpu_ms,
        peak_rss_kib: after.peak_rss_kib,
    };
    (ingest, idle_sync(server.base(), &office, campaign).await)
}

fn name(number: usize) -> String {
    format!("rsv-{number}")
}

fn hamlet(number: usize) -> (&'static str, String) {
    let unit = [MO_O, HUONG_HIEP, VINH_THAI][number % 3];
    (unit, format!("{unit}-{number:02}"))
}

async fn set_up(office: &Office) -> CampaignId {
    let campaign = office.add_campaign(&campaign_form()).await.expect("a campaign");
    let mut hamlets =
        "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                       opening_households,opening_persons,opening_dtts_households,\
                       opening_dtts_persons,source\n"
            .to_owned();
    let mut assignments = "hamlet,account\n".to_owned();
    let mut people = Vec::new();
    for number in 0..PHONES {
        let (unit, code) = hamlet(number);
        hamlets.push_str(&format!("{unit},{code},thôn,{code},rural,9,9,9,9,9,9,9,9,synthetic\n"));
        assignments.push_str(&format!("{code},{}\n", name(number)));
        people.push(person(&name(number), "enumerator", unit, None));
    }
    let path = format!("/v1/campaigns/{campaign}");
    office.import(&format!("{path}/hamlets"), hamlets).await.expect("hamlets");
    office.post("/v1/accounts", &json!(people)).await.expect("accounts");
    office.import(&format!("{path}/assignments"), assignments).await.expect("assignments");
    campaign
}

/// Registers families and types their whole review until there is enough to send, then signs it.
async fn prepare(
    client: &Client,
    office: &Office,
    campaign: CampaignId,
    number: usize,
    batches: usize,
) -> Load {
    let codes = office.codes(&[name(number)]).await.expect("a code");
    let phone = Phone::enrol(client, campaign, &codes[0], &name(number)).await;
    let mut phone = phone.expect("it enrols");
    let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
    let basis = Basis {
        standard: &standard,
        table: Some(&table),
        review_date: Date::parse("2022-12-14").expect("a date"),
        region: "rural_north_central_coast",
    };
    let visit = Visit { by: "rà soát viên", day: "2022-10-15" };
    let (_, hamlet) = hamlet(number);
    let mut seed = u64::try_from(number).unwrap_or(0) << 32;
    while phone.outbox.len() < batches * BATCH {
        seed += 7919;
        let spec = Spec {
            code: String::new(),
            hamlet: hamlet.clone(),
            area: Area::Rural,
            opening: None,
            dtts: seed % 2 == 0,
            ethnicity: if seed % 2 == 0 { "23" } else { "01" }.to_owned(),
            goal: Goal::Class([Class::Poor, Class::NearPoor, Class::Above][number % 3]),
            method: B1Method::Computed,
            seed,
        };
        let (document, opening) = phone.register(&hamlet);
        let mut pages = visit.pages(&truth(&spec, &basis), &Household::default(), true);
        pages[0].opening = opening.opening;
        phone.save(document, &pages).expect("it saves");
    }
    let signed = phone.outbox[..batches * BATCH].chunks(BATCH).map(|part| phone.sign(part));
    Load { token: phone.access().to_owned(), batches: signed.collect() }
}

/// Sends one phone's batches one after the other; returns the times and what was accepted.
async fn push(client: Client, campaign: CampaignId, load: Load) -> (Vec<Duration>, usize) {
    let (mut times, mut accepted) = (Vec::new(), 0);
    let mut request = SyncRequest {
        v: FRAME_VERSION,
        campaign: ByteArray::new(campaign.0),
        cursor: ByteBuf::new(),
        batches: Vec::new(),
        all_in: false,
        ..SyncRequest::default()
    };
    // The scope is entered first: a phone's own changes are then not sent back to it.
    let (answer, _, _) = client.sync(&load.token, &request).await.expect("it syncs");
    request.cursor = answer.cursor;
    for batch in load.batches {
        request.batches = vec![batch];
        let since = Instant::now();
        let (answer, _, _) = client.sync(&load.token, &request).await.expect("it syncs");
        times.push(since.elapsed());
        request.cursor = answer.cursor;
        for result in answer.results {
            let BatchResult::Receipt { receipt, .. } = result else { panic!("{result:?}") };
            let receipt: Receipt = ciborium::from_reader(&receipt[..]).expect("a receipt");
            accepted += receipt.verdicts.iter().filter(|v| v.fate == Fate::Accepted).count();
        }
    }
    (times, accepted)
}

async fn idle_sync(base: &str, office: &Office, campaign: CampaignId) -> IdleSync {
    let wire = Wire::before(base);
    let codes = office.codes(&[name(0)]).await.expect("a code");
    let client = Client::new(&wire.base);
    let phone = Phone::enrol(&client, campaign, &codes[0], "idle").await;
    let mut phone = phone.expect("it enrols");
    // The second sync still says that all is in; the third has nothing to say.
    phone.sync().await.expect("it fetches its households");
    phone.sync().await.expect("it syncs");
    let (up, down) = wire.counted();
    let since = Instant::now();
    let report = phone.sync().await.expect("it syncs");
    let took_us = micros(&since.elapsed());
    let (up_after, down_after) = wire.counted();
    assert_eq!(report.received, 0, "nothing is new");
    IdleSync {
        trips: report.trips,
        body_up: report.up,
        body_down: report.down,
        wire_up: up_after - up,
        wire_down: down_after - down,
        took_us,
    }
}

/// Counts every byte between a client and a server.
struct Wire {
    base: String,
    up: Arc<AtomicUsize>,
    down: Arc<AtomicUsize>,
}

impl Wire {
    fn before(base: &str) -> Self {
        let server: SocketAddr =
            base.trim_start_matches("http://").parse().expect("an address and port");
        let listener = TcpListener::bind(free_address()).expect("a free address");
        let address = listener.local_addr().expect("it is bound");
        let (up, down) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let wire = Self {
            base: format!("http://{address}"),
            up: Arc::clone(&up),
            down: Arc::clone(&down),
        };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone())
                else {
                    continue;
                };
                let (up, down) = (Arc::clone(&up), Arc::clone(&down));
                std::thread::spawn(move || carry(from_client, server, &up));
                std::thread::spawn(move || carry(from_server, client, &down));
            }
        });
        wire
    }

    fn counted(&self) -> (usize, usize) {
        (self.up.load(Ordering::SeqCst), self.down.load(Ordering::SeqCst))
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicUsize) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        count.fetch_add(read, Ordering::SeqCst);
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Whoever still writes to this end hears that the other is gone.
    let _gone = to.shutdown(Shutdown::Both);
}
