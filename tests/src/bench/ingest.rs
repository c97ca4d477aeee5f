//! Durable ingest at full speed: signed batches, and changes one by one.

use std::time::{Duration, Instant};

use mobile_schema::frame::{Batch, BatchResult, FRAME_VERSION, Fate, Receipt, SyncRequest};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::json;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Goal, Spec};
use shared::classify::{B1Method, Class};
use shared::id::CampaignId;
use shared::unit::Area;

use super::family::{Cpu, cpu, rest};
use super::machine::used;
use super::{Size, millis, percentile};
use crate::hamlet::{Rules, type_applicant};
use crate::process::{Home, free_address};
use crate::town::{HUONG_HIEP, MO_O, VINH_THAI, campaign_form, person};

/// How work comes: so many phones at one time, each in a hamlet of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) phones: usize,
    /// Changes in a batch; one batch a request.
    pub(super) batch: usize,
    /// Batches of each phone.
    pub(super) batches: usize,
}

/// What is measured, one after the other on one server.
const SHAPES: [Shape; 3] = [
    Shape { phones: 8, batch: 50, batches: 60 },
    Shape { phones: 8, batch: 1, batches: 500 },
    Shape { phones: 32, batch: 1, batches: 250 },
];

/// A quick run has so many times fewer batches.
const QUICK: usize = 15;

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
    /// Changes acknowledged per second of processor time of server and workers until then.
    pub changes_per_cpu_s: u64,
    /// The same with the time until everything was merged as well.
    pub merged_per_cpu_s: u64,
    /// Median time from request to receipt, microseconds.
    pub ack_p50_us: u64,
    /// 95th percentile of the same.
    pub ack_p95_us: u64,
    /// Processor time from the first request to the last receipt.
    pub cpu: Cpu,
    /// Processor time from the first request until the server and its workers rested.
    pub cpu_merged: Cpu,
    /// Processor time of the phones until the last receipt, on the same cores, milliseconds.
    pub phones_cpu_ms: u64,
    /// Most memory of the server process, KiB.
    pub peak_rss_kib: u64,
}

/// A phone's work, signed before the clock starts.
#[derive(Debug)]
pub(super) struct Load {
    token: String,
    batches: Vec<Batch>,
}

/// The campaign that work is pushed into.
pub(super) struct Field {
    base: String,
    pub(super) client: Client,
    pub(super) office: Office,
    pub(super) campaign: CampaignId,
}

/// Pushes work of each shape, signed before; waits for the merging between them.
pub async fn run(database: &str, home: Home, size: Size) -> Vec<Ingest> {
    let (server, password) = home.start_first(free_address());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let shapes = SHAPES.map(|shape| match size {
        Size::Quick => Shape { batches: shape.batches / QUICK, ..shape },
        Size::Full | Size::Long => shape,
    });
    let phones = shapes.iter().map(|shape| shape.phones).sum();
    let field = Field::set_up(server.base(), &office, phones).await;
    let mut first = 0;
    let mut loads = Vec::new();
    for shape in shapes {
        loads.push(field.prepare(shape, first).await);
        first += shape.phones;
    }
    let mut done = Vec::new();
    for (shape, loads) in shapes.into_iter().zip(loads) {
        done.push(field.measure(database, shape, loads, server.id()).await);
    }
    done
}

/// Names the enumerator with this number.
pub(super) fn name(number: usize) -> String {
    format!("rsv-{number}")
}

/// Returns the hamlet of the enumerator with this number, and its commune.
pub(super) fn hamlet(number: usize) -> (&'static str, String) {
    let unit = [MO_O, HUONG_HIEP, VINH_THAI][number % 3];
    (unit, format!("{unit}-{number:02}"))
}

/// Makes a family of that hamlet up that is on no list.
pub(super) fn applicant(number: usize, seed: u64) -> Spec {
    Spec {
        code: String::new(),
        hamlet: hamlet(number).1,
        area: Area::Rural,
        opening: None,
        dtts: seed.is_multiple_of(2),
        ethnicity: if seed.is_multiple_of(2) { "23" } else { "01" }.to_owned(),
        goal: Goal::Class([Class::Poor, Class::NearPoor, Class::Above][number % 3]),
        method: B1Method::Computed,
        seed,
    }
}

impl Field {
    /// Adds a campaign with a hamlet for each of so many phones.
    pub(super) async fn set_up(base: &str, office: &Office, phones: usize) -> Self {
        let campaign = office.add_campaign(&campaign_form()).await.expect("a campaign");
        let mut hamlets =
            "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                           opening_households,opening_persons,opening_dtts_households,\
                           opening_dtts_persons,source\n"
                .to_owned();
        let mut assignments = "hamlet,account\n".to_owned();
        let mut people = Vec::new();
        for number in 0..phones {
            let (unit, code) = hamlet(number);
            hamlets
                .push_str(&format!("{unit},{code},thôn,{code},rural,9,9,9,9,9,9,9,9,synthetic\n"));
            assignments.push_str(&format!("{code},{}\n", name(number)));
            people.push(person(&name(number), "enumerator", unit, None));
        }
        let path = format!("/v1/campaigns/{campaign}");
        office.import(&format!("{path}/hamlets"), hamlets).await.expect("hamlets");
        office.post("/v1/accounts", &json!(people)).await.expect("accounts");
        office.import(&format!("{path}/assignments"), assignments).await.expect("assignments");
        let client = Client::new(base);
        Self { base: base.to_owned(), client, office: office.clone(), campaign }
    }

    /// Lets phones, the first of them this number, type and sign what they will push.
    pub(super) async fn prepare(&self, shape: Shape, first: usize) -> Vec<Load> {
        let rules = Rules::default();
        let mut loads = Vec::new();
        for number in first..first + shape.phones {
            loads.push(self.load(shape, number, &rules).await);
        }
        loads
    }

    /// Registers families and types their whole review until there is enough, then signs it.
    async fn load(&self, shape: Shape, number: usize, rules: &Rules) -> Load {
        let codes = self.office.codes(&[name(number)]).await.expect("a code");
        let phone = Phone::enrol(&self.client, self.campaign, &codes[0], &name(number)).await;
        let mut phone = phone.expect("it enrols");
        let mut seed = u64::try_from(number).unwrap_or(0) << 32;
        let wanted = shape.batches * shape.batch;
        while phone.outbox.len() < wanted {
            seed += 7919;
            type_applicant(&mut phone, &applicant(number, seed), &rules.basis());
        }
        let parts = phone.outbox[..wanted].chunks(shape.batch);
        let batches = parts.map(|part| phone.sign(part)).collect();
        Load { token: phone.access().to_owned(), batches }
    }

    async fn measure(&self, database: &str, shape: Shape, loads: Vec<Load>, server: u32) -> Ingest {
        let of_all = loads.iter().flat_map(|load| &load.batches).flat_map(|batch| &batch.chunks);
        let chunk_bytes = of_all.map(|chunk| chunk.len()).sum();
        rest(server).await;
        let (before, own_before) = (cpu(server), used(std::process::id()));
        let since = Instant::now();
        let (mut times, changes) = self.push_all(loads).await;
        let wall = since.elapsed();
        let (then, own_then) = (cpu(server).since(before), used(std::process::id()));
        rest(server).await;
        let merged = cpu(server).since(before);
        Ingest {
            database: database.to_owned(),
            phones: shape.phones,
            batch: shape.batch,
            changes,
            chunk_bytes,
            wall_ms: millis(&wall),
            changes_per_s: per_second(changes, millis(&wall)),
            changes_per_cpu_s: per_second(changes, then.all_ms()),
            merged_per_cpu_s: per_second(changes, merged.all_ms()),
            ack_p50_us: percentile(&mut times, 50),
            ack_p95_us: percentile(&mut times, 95),
            cpu: then,
            cpu_merged: merged,
            phones_cpu_ms: own_then.cpu_ms - own_before.cpu_ms,
            peak_rss_kib: used(server).peak_rss_kib,
        }
    }

    /// Lets all phones push at one time; returns the times and how much was accepted.
    pub(super) async fn push_all(&self, loads: Vec<Load>) -> (Vec<Duration>, usize) {
        let mut tasks = tokio::task::JoinSet::new();
        for load in loads {
            // Each on a connection of its own: one that lay idle may just have been closed.
            tasks.spawn(push(Client::new(&self.base), self.campaign, load));
        }
        let (mut times, mut changes) = (Vec::new(), 0);
        while let Some(done) = tasks.join_next().await {
            let (took, accepted) = done.expect("a phone pushes");
            times.extend(took);
            changes += accepted;
        }
        (times, changes)
    }
}

fn per_second(changes: usize, ms: u64) -> u64 {
    u64::try_from(changes).unwrap_or(0) * 1000 / ms.max(1)
}

/// Counts the changes that an answer says were accepted.
pub(super) fn accepted(results: &[BatchResult]) -> usize {
    let accepted = |result: &BatchResult| {
        let BatchResult::Receipt { receipt, .. } = result else { panic!("{result:?}") };
        let receipt: Receipt = ciborium::from_reader(&receipt[..]).expect("a receipt");
        receipt.verdicts.iter().filter(|v| v.fate == Fate::Accepted).count()
    };
    results.iter().map(accepted).sum()
}

/// Sends one phone's batches one after the other; returns the times and what was accepted.
async fn push(client: Client, campaign: CampaignId, load: Load) -> (Vec<Duration>, usize) {
    let (mut times, mut changes) = (Vec::new(), 0);
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
        changes += accepted(&answer.results);
    }
    (times, changes)
}
