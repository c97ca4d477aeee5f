//! Half of a province's phones come back at one time, three times over.
//!
//! Everything they will send is typed and signed before the clock starts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mobile_schema::frame::{Batch, SyncRequest};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::json;
use server::demo::client::{Client, ClientError};
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Goal, Spec, truth};
use shared::classify::{B1Method, Class};
use shared::id::CampaignId;
use shared::unit::{Area, Units};

use super::family::{Cpu, Memory, Watch, cpu, rest};
use super::ingest::accepted;
use super::machine::used;
use super::{Size, micros, millis, percentile};
use crate::hamlet::{Rules, VISIT, roster_file};
use crate::process::{Home, free_address};
use crate::rng::Rng;
use crate::town::{PASSWORD, SECOND, campaign_form, person};

/// Phones in a commune, each in a hamlet of its own that it shares with the next one.
const PHONES_OF_UNIT: usize = 5;

/// Households on the opening list of a hamlet: 33.000 in 625 hamlets.
const HOUSEHOLDS: usize = 53;

/// Changes of the batch that a phone comes back with.
const BATCH: usize = 50;

/// Times they all come back.
const ROUNDS: usize = 3;

/// Phones that are enrolled and type at one time.
const AT_ONCE: usize = 8;

/// How large a crowd is.
#[derive(Debug, Clone, Copy)]
struct Plan {
    units: usize,
    /// All of them begin within so long.
    window: Duration,
}

impl Plan {
    fn of(size: Size) -> Self {
        match size {
            Size::Quick => Self { units: 3, window: Duration::from_secs(2) },
            // Five times as hard as it has to be.
            Size::Full => Self { units: 125, window: Duration::from_secs(60) },
            Size::Long => Self { units: 125, window: Duration::from_secs(300) },
        }
    }
}

/// One time that all came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// Median time from the start of a phone's first request to its receipt, microseconds.
    pub ack_p50_us: u64,
    /// 95th percentile of the same.
    pub ack_p95_us: u64,
    /// The longest.
    pub ack_max_us: u64,
    /// Changes accepted.
    pub changes: usize,
    /// Times a phone was told to come back later; that time counts.
    pub sent_away: usize,
    /// How late a phone began, 95th percentile, microseconds: what the load generator itself lacks.
    pub late_p95_us: u64,
    /// Processor time of server and workers.
    pub cpu: Cpu,
    /// Processor time of the phones, on the same cores, milliseconds.
    pub phones_cpu_ms: u64,
    /// From the first phone's start until all had everything, milliseconds.
    pub wall_ms: u64,
}

/// A crowd that came back again and again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Crowd {
    /// Phones.
    pub phones: usize,
    /// Households on the opening lists.
    pub households: usize,
    /// Changes in the batch of each.
    pub batch: usize,
    /// Seconds within which they all begin, at random.
    pub window_s: u64,
    /// Each time.
    pub rounds: Vec<Round>,
    /// 95th percentile over all times, microseconds.
    pub ack_p95_us: u64,
    /// Most memory of server and workers.
    pub most: Memory,
}

/// A phone that is out, and what it will hand in.
struct Out {
    phone: Phone,
    request: SyncRequest,
    batches: Vec<Batch>,
}

/// How coming back went for one phone.
struct Back {
    out: Out,
    late: Duration,
    ack: Duration,
    changes: usize,
    sent_away: usize,
}

/// Sets a province up and lets its phones come back.
pub async fn measure(home: Home, size: Size) -> Crowd {
    let plan = Plan::of(size);
    let (server, password) = home.start_first(free_address());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let province = Province { client, office, rules: Rules::default(), units: units(plan.units) };
    let province = Arc::new(province);
    let campaign = province.set_up().await;
    let mut out = province.send_out(campaign).await;
    let watch = Watch::over(server.id());
    let mut rng = Rng::new(1_250);
    let (mut rounds, mut times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rest(server.id()).await;
        let (before, own_before) = (cpu(server.id()), used(std::process::id()));
        let since = Instant::now();
        let backs = come_back(server.base(), out, plan.window, &mut rng).await;
        let wall_ms = millis(&since.elapsed());
        let (after, own_after) = (cpu(server.id()), used(std::process::id()));
        let mut acks: Vec<Duration> = backs.iter().map(|back| back.ack).collect();
        let mut late: Vec<Duration> = backs.iter().map(|back| back.late).collect();
        times.extend_from_slice(&acks);
        rounds.push(Round {
            ack_p50_us: percentile(&mut acks, 50),
            ack_p95_us: percentile(&mut acks, 95),
            ack_max_us: acks.last().map_or(0, micros),
            changes: backs.iter().map(|back| back.changes).sum(),
            sent_away: backs.iter().map(|back| back.sent_away).sum(),
            late_p95_us: percentile(&mut late, 95),
            cpu: after.since(before),
            phones_cpu_ms: own_after.cpu_ms - own_before.cpu_ms,
            wall_ms,
        });
        out = backs.into_iter().map(|back| back.out).collect();
    }
    Crowd {
        phones: out.len(),
        households: out.len() * HOUSEHOLDS,
        batch: BATCH,
        window_s: plan.window.as_secs(),
        rounds,
        ack_p95_us: percentile(&mut times, 95),
        most: watch.most(),
    }
}

/// Names the first communes of the province.
pub(super) fn units(count: usize) -> Vec<String> {
    let tree = Units::quang_tri_2022().at(Rules::default().basis().review_date);
    tree.list_units().into_iter().map(|unit| unit.code().to_owned()).take(count).collect()
}

/// The province before anybody works.
struct Province {
    client: Client,
    office: Office,
    rules: Rules,
    units: Vec<String>,
}

fn hamlet(unit: &str, number: usize) -> String {
    format!("{unit}-{number:02}")
}

fn enumerator(unit: &str, number: usize) -> String {
    format!("rsv-{unit}-{number:02}")
}

/// Makes the families of a hamlet's opening list up.
fn families(unit: &str, number: usize) -> Vec<Spec> {
    let hamlet = hamlet(unit, number);
    let place = format!("{unit}{number:02}").parse::<u64>().expect("digits");
    (0_u64..)
        .take(HOUSEHOLDS)
        .map(|family| Spec {
            code: format!("{hamlet}-{family:04}"),
            hamlet: hamlet.clone(),
            area: Area::Rural,
            opening: Some(if family % 2 == 0 { Class::Poor } else { Class::NearPoor }),
            dtts: family % 2 == 0,
            ethnicity: if family % 2 == 0 { "23" } else { "01" }.to_owned(),
            goal: Goal::Class(if family % 3 == 0 { Class::Above } else { Class::Poor }),
            method: B1Method::Computed,
            seed: place << 20 | family,
        })
        .collect()
}

impl Province {
    async fn set_up(&self) -> CampaignId {
        let campaign = self.office.add_campaign(&campaign_form()).await.expect("a campaign");
        let mut hamlets =
            "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                           opening_households,opening_persons,opening_dtts_households,\
                           opening_dtts_persons,source\n"
                .to_owned();
        let mut assignments = "hamlet,account\n".to_owned();
        let mut people = Vec::new();
        for unit in &self.units {
            for number in 0..PHONES_OF_UNIT {
                let (code, name) = (hamlet(unit, number), enumerator(unit, number));
                let next = hamlet(unit, (number + 1) % PHONES_OF_UNIT);
                let counts = "90,360,45,180,80,320,40,160,synthetic";
                hamlets.push_str(&format!("{unit},{code},thôn,{code},rural,{counts}\n"));
                assignments.push_str(&format!("{code},{name}\n{next},{name}\n"));
                people.push(person(&name, "enumerator", unit, None));
            }
        }
        let table = include_str!("../../../shared/standards/b1-synthetic.json").to_owned();
        let import = async |what: &str, text: String| {
            let path = format!("/v1/campaigns/{campaign}/{what}");
            let done = self.office.import(&path, text).await;
            done.unwrap_or_else(|error| panic!("{what}: {error}"));
        };
        let second = person(SECOND, "province", "45", Some(PASSWORD));
        self.office.post("/v1/accounts", &json!([second])).await.expect("an account");
        let second = Office::sign_in(&self.client, SECOND, PASSWORD).await.expect("it signs in");
        let loaded = self.office.load_score_table(&second, campaign, table).await;
        loaded.unwrap_or_else(|error| panic!("the score table: {error}"));
        import("hamlets", hamlets).await;
        self.office.post("/v1/accounts", &json!(people)).await.expect("accounts");
        import("assignments", assignments).await;
        for unit in &self.units {
            let specs: Vec<Spec> =
                (0..PHONES_OF_UNIT).flat_map(|number| families(unit, number)).collect();
            import("roster", roster_file(&specs, &self.rules.basis())).await;
        }
        campaign
    }

    /// Enrols every phone, lets it fetch its households, and types and signs what it will hand in.
    async fn send_out(self: &Arc<Self>, campaign: CampaignId) -> Vec<Out> {
        let (mut out, mut tasks) = (Vec::new(), tokio::task::JoinSet::new());
        let units = self.units.iter();
        let of_unit = |unit: &String| {
            let unit = unit.clone();
            (0..PHONES_OF_UNIT).map(move |number| (unit.clone(), number))
        };
        for (unit, number) in units.flat_map(of_unit) {
            if tasks.len() >= AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                out.push(done.expect("a phone is sent out"));
            }
            let province = Arc::clone(self);
            tasks.spawn(async move { province.out(campaign, &unit, number).await });
        }
        while let Some(done) = tasks.join_next().await {
            out.push(done.expect("a phone is sent out"));
        }
        out
    }

    async fn out(&self, campaign: CampaignId, unit: &str, number: usize) -> Out {
        let name = enumerator(unit, number);
        let codes = self.office.codes(std::slice::from_ref(&name)).await.expect("a code");
        let phone = Phone::enrol(&self.client, campaign, &codes[0], &name).await;
        let mut phone = phone.expect("it enrols");
        phone.sync_as_told().await.expect("it fetches its households");
        let hamlet = hamlet(unit, number);
        let mut own = phone.households.iter().filter(|(_, kept)| kept.hamlet == hamlet);
        let documents: Vec<_> =
            own.by_ref().map(|(document, kept)| (kept.code.clone(), *document)).collect();
        for spec in families(unit, number) {
            if phone.outbox.len() >= ROUNDS * BATCH {
                break;
            }
            let found = documents.iter().find(|(code, _)| *code == spec.code);
            let (_, document) = *found.expect("it is on the phone");
            let known = phone.household(document).expect("it is on the phone");
            let pages = VISIT.pages(&truth(&spec, &self.rules.basis()), &known, false);
            phone.save(document, &pages).expect("it saves");
        }
        assert!(phone.outbox.len() >= ROUNDS * BATCH, "{} changes", phone.outbox.len());
        let parts = phone.outbox[..ROUNDS * BATCH].chunks(BATCH);
        let batches = parts.map(|part| phone.sign(part)).collect();
        phone.outbox.clear();
        let request = phone.request();
        // What a phone keeps is of no use here any more.
        phone.households.clear();
        Out { phone, request, batches }
    }
}

/// Lets all phones come back at random within a window.
async fn come_back(base: &str, out: Vec<Out>, window: Duration, rng: &mut Rng) -> Vec<Back> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    let window_ms = usize::try_from(window.as_millis()).expect("a short window");
    for one in out {
        let wait_ms = u64::try_from(rng.below(window_ms)).expect("a short window");
        let at = start + Duration::from_millis(wait_ms);
        tasks.spawn(back(base.to_owned(), one, at));
    }
    let mut backs = Vec::new();
    while let Some(done) = tasks.join_next().await {
        backs.push(done.expect("a phone comes back"));
    }
    backs
}

/// Lets one phone come back on a new connection: it hands in a batch, then fetches what is new.
async fn back(base: String, mut out: Out, at: Instant) -> Back {
    tokio::time::sleep_until(at.into()).await;
    let late = at.elapsed();
    let client = Client::new(&base);
    let batch = out.batches.remove(0);
    let mut sent_away = 0;
    let mut request = SyncRequest { batches: vec![batch], all_in: true, ..out.request.clone() };
    let since = Instant::now();
    let answer = ask(&client, &mut out.phone, &request, &mut sent_away).await;
    let ack = since.elapsed();
    let changes = accepted(&answer.results);
    request.batches.clear();
    let (mut more, mut cursor): (bool, ByteBuf) = (answer.more, answer.cursor);
    while more {
        request.cursor = cursor;
        let answer = ask(&client, &mut out.phone, &request, &mut 0).await;
        (more, cursor) = (answer.more, answer.cursor);
    }
    out.request.cursor = cursor;
    Back { out, late, ack, changes, sent_away }
}

/// Asks until there is an answer: comes back when told to, and renews its tokens where they ran out.
async fn ask(
    client: &Client,
    phone: &mut Phone,
    request: &SyncRequest,
    sent_away: &mut usize,
) -> mobile_schema::frame::SyncResponse {
    loop {
        match client.sync(phone.access(), request).await {
            Ok((answer, _, _)) => return answer,
            Err(error) if error.retry_after_s().is_some() => {
                *sent_away += 1;
                tokio::time::sleep(Duration::from_secs(error.retry_after_s().unwrap_or(1))).await;
            }
            Err(error) if error.name() == Some("unauthenticated") => {
                phone.sync_as_told().await.expect("it renews its tokens");
            }
            Err(ClientError::Transport(why)) => panic!("the server is gone: {why}"),
            Err(error) => panic!("{error}"),
        }
    }
}
