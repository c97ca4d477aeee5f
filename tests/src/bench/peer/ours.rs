//! Our own server in the same run: ids are issued and documents typed for it before the clock starts.

use std::sync::Arc;
use std::time::Duration;

use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::household::{Answers, Household, Value};
use serde_json::{Value as Json, json};
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Spec, truth};
use shared::id::{CampaignId, HouseholdId, to_hex};
use shared::merge::genesis_hash;
use shared::page::Page;
use shared::repo::address;
use sqlx::Connection;

use super::Run;
use super::play::{Doc, Settles, What, play};
use crate::bench::family::{cpu, rest};
use crate::bench::ingest::{Field, applicant, hamlet, name};
use crate::bench::machine::used;
use crate::hamlet::{Rules, VISIT};
use crate::process::{Home, Server, free_address};

/// Pages of a visit that are saved as the change that creates a document: the family and its members,
/// and the dwelling. They come to some 150 operations, as the forms of others have.
const PAGES: usize = 2;

/// Longest wait until everything is merged.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// Our server, with an enumerator for each connection.
pub(super) struct Ours {
    pub(super) server: Server,
    pub(super) field: Field,
    writers: Vec<Phone>,
    readers: Vec<Phone>,
    database: sqlx::SqliteConnection,
    _home: Home,
}

impl Settles for Ours {
    /// Waits until every household's newest change is in its standing.
    async fn settled(&mut self) {
        const STALE: &str = "select count(*) from household
            left join standing on standing.document = household.document
            where household.last_position > coalesce(standing.position, 0)";
        let since = tokio::time::Instant::now();
        loop {
            let one: (i64,) = sqlx::query_as(STALE)
                .fetch_one(&mut self.database)
                .await
                .expect("the database answers");
            if one.0 == 0 {
                return;
            }
            assert!(since.elapsed() < SETTLE_MAX, "{} households are never merged", one.0);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Ours {
    /// Starts it with a campaign, and for each connection somebody who writes and a second device.
    pub(super) async fn start(home: Home, lines: usize) -> Self {
        let (server, password) = home.start_first(free_address());
        let client = Client::new(server.base());
        let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
        let field = Field::set_up(server.base(), &office, lines).await;
        let file = home.data().join("rasoat.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
        let database = sqlx::SqliteConnection::connect_with(&options).await.expect("a database");
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for number in 0..lines {
            let both = enrol(&field, number, 2).await;
            let [writer, reader] = <[Phone; 2]>::try_from(both).expect("two phones");
            writers.push(writer);
            readers.push(reader);
        }
        Self { server, field, writers, readers, database, _home: home }
    }

    /// Has ids issued and types the documents; returns them with the processor time issuing took.
    pub(super) async fn prepare(&mut self, documents: usize) -> (Vec<Arc<Vec<Doc>>>, u64) {
        let lines = self.writers.len();
        rest(self.server.id()).await;
        let before = cpu(self.server.id());
        let mut tasks = tokio::task::JoinSet::new();
        for (number, writer) in self.writers.iter().enumerate() {
            let share = documents / lines + usize::from(number < documents % lines);
            let (base, token) = (self.server.base().to_owned(), writer.access().to_owned());
            let campaign = self.field.campaign;
            tasks.spawn(async move {
                (number, register(&Client::new(&base), &token, campaign, number, share).await)
            });
        }
        let mut issued = tasks.join_all().await;
        issued.sort_by_key(|(number, _)| *number);
        rest(self.server.id()).await;
        let cpu_ms = cpu(self.server.id()).since(before).all_ms();
        let rules = Rules::default();
        let typed =
            issued.into_iter().zip(&mut self.writers).map(|((number, households), phone)| {
                let of = (0_u64..).zip(households);
                let type_one = |(seed, household)| {
                    let seed = (u64::try_from(number).unwrap_or(0) << 32) + 7919 * (1 + seed);
                    type_document(phone, &applicant(number, seed), household, &rules)
                };
                Arc::new(of.map(type_one).collect())
            });
        (typed.collect(), cpu_ms)
    }

    /// Lets it take the documents.
    pub(super) async fn run(&mut self, documents: &[Arc<Vec<Doc>>], issued_cpu_ms: u64) -> Run {
        let process = self.server.id();
        let mut run = Run::of("ours".to_owned(), documents);
        run.issued_cpu_ms = Some(issued_cpu_ms);
        for what in What::ALL {
            eprintln!("bench: ours, {} documents, {what:?}", run.documents);
            let phones = if what == What::Fetch { &self.readers } else { &self.writers };
            let mut addresses = Vec::new();
            for phone in phones {
                addresses.push(ticket(&self.field, phone).await);
            }
            run.phases.push(play(process, what, &addresses, documents, self).await);
        }
        run.peak_rss_kib = used(process).peak_rss_kib;
        run
    }

    /// Types another answer into the first documents of each enumerator.
    pub(super) fn type_more(&mut self, each: usize) -> Vec<Vec<Doc>> {
        let more = |phone: &mut Phone| {
            let documents: Vec<_> = phone.households.keys().copied().take(each).collect();
            let one = |document| {
                let known = phone.household(document).expect("it is on the phone").answers;
                phone
                    .save(document, &[another("electricity_kwh_month", &known)])
                    .expect("it saves");
                let last = phone.outbox.pop().expect("a change");
                let name = address::write(document);
                Doc { name, changes: vec![(last.hash, last.chunk)] }
            };
            documents.into_iter().map(one).collect()
        };
        self.writers.iter_mut().map(more).collect()
    }

    /// Asks for a ticket for each enumerator's own device.
    pub(super) async fn tickets(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for phone in &self.writers {
            addresses.push(ticket(&self.field, phone).await);
        }
        addresses
    }
}

/// Enrols so many devices of one enumerator.
pub(super) async fn enrol(field: &Field, number: usize, devices: usize) -> Vec<Phone> {
    let codes = field.office.codes(&vec![name(number); devices]).await.expect("codes");
    let mut phones = Vec::new();
    for code in codes {
        let phone = Phone::enrol(&field.client, field.campaign, &code, &name(number)).await;
        phones.push(phone.expect("it enrols"));
    }
    phones
}

/// Asks for a ticket; returns the address to connect to.
pub(super) async fn ticket(field: &Field, phone: &Phone) -> String {
    let wanted = json!({ "campaign": field.campaign });
    let issued = post(&field.client, "/v1/tickets", phone.access(), &wanted).await;
    issued["url"].as_str().expect("an address").to_owned()
}

async fn post(client: &Client, path: &str, token: &str, body: &Json) -> Json {
    let method = "POST".parse().expect("a method");
    let answer = client.json(method, path, Some(token), body).await;
    answer.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Registers so many households in the hamlet of this enumerator.
async fn register(
    client: &Client,
    token: &str,
    campaign: CampaignId,
    number: usize,
    count: usize,
) -> Vec<HouseholdId> {
    let mut households = Vec::new();
    for place in 0..count {
        let mut key = [0; 16];
        key[8..].copy_from_slice(&u64::try_from(place).unwrap_or(0).to_be_bytes());
        let hamlet = hamlet(number).1;
        let wanted = json!({ "campaign": campaign, "hamlet": hamlet, "key": to_hex(&key) });
        let issued = post(client, "/v1/households", token, &wanted).await;
        let household = issued["household"].as_str().and_then(|id| id.parse().ok());
        households.push(household.expect("an id"));
    }
    households
}

/// Answers a question by a number that is not there yet.
fn another(key: &str, known: &Answers) -> Page {
    let number = known.get(key).and_then(Value::as_int).unwrap_or(0) + 1;
    let mut page = Page::default();
    page.answers.insert(key.to_owned(), number.into());
    page
}

/// Types the first pages of a family's review as the one change that creates its document, and an edit
/// of one answer.
fn type_document(phone: &mut Phone, spec: &Spec, household: HouseholdId, rules: &Rules) -> Doc {
    let (document, opening) = phone.register_as(&spec.hamlet, household);
    let family = truth(spec, &rules.basis());
    let mut first = opening;
    for page in VISIT.pages(&family, &Household::default(), true).into_iter().take(PAGES) {
        first.answers.extend(page.answers);
        for (member, answers) in page.members {
            first.members.entry(member).or_default().extend(answers);
        }
        first.asked.extend(page.asked);
    }
    let edit = another("area_dm2", &first.answers);
    phone.save(document, &[first, edit]).expect("it saves");
    let mut changes = vec![(genesis_hash(), GENESIS_V1.to_vec())];
    changes.extend(phone.outbox.drain(..).map(|unsent| (unsent.hash, unsent.chunk)));
    Doc { name: address::write(document), changes }
}
