//! Memory of a server with a province's documents and devices, while people work with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use shared::id::CampaignId;

use super::Size;
use super::demo::Demo;
use super::family::{Memory, Watch, memory, rest};
use super::ingest::{Field, Shape};
use super::machine::used;
use crate::process::{Home, free_address};

/// Phones of the demonstration's enumerators that enrol anew and fetch their households.
const PHONES: [usize; 2] = [10, 250];

/// Those of them that do so at one time.
const AT_ONCE: usize = 25;

/// Work that is pushed into a second campaign meanwhile, so that there is something to merge.
const WORK: [Shape; 2] =
    [Shape { phones: 8, batch: 50, batches: 2 }, Shape { phones: 8, batch: 50, batches: 40 }];

/// Times the province's rates are read meanwhile.
const READS: [usize; 2] = [5, 100];

/// Memory of a server that was started on the demonstration's data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerMemory {
    /// Documents it had at the start.
    pub documents: u64,
    /// Devices it had at the start.
    pub devices: u64,
    /// Phones that fetched their households meanwhile.
    pub phones: usize,
    /// Households these have now.
    pub fetched: usize,
    /// Changes that others handed in meanwhile, to be merged.
    pub changes: usize,
    /// Times the province's rates were read meanwhile.
    pub reads: usize,
    /// Right after the start.
    pub started: Memory,
    /// After all of it was done and merged.
    pub end: Memory,
    /// The most that was seen of each, ten times a second.
    pub most: Memory,
    /// The most the server process ever had resident, as the kernel noted, KiB.
    pub peak_rss_kib: u64,
}

/// Starts a server on the demonstration's data and lets people work with it.
pub async fn measure(home: &Home, demo: &Demo, campaign: &str, size: Size) -> ServerMemory {
    let password = home.new_password();
    let server = home.start(free_address());
    let watch = Watch::over(server.id());
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    rest(server.id()).await;
    let started = memory(server.id());
    let full = usize::from(size != Size::Quick);
    let shape = WORK[full];
    let field = Field::set_up(server.base(), &office, shape.phones).await;
    let loads = field.prepare(shape, 0).await;
    let ((phones, fetched), (_, changes), reads) = tokio::join!(
        fetch(&client, &office, campaign, PHONES[full]),
        field.push_all(loads),
        read_rates(&office, campaign, READS[full]),
    );
    rest(server.id()).await;
    let count = |key: &str| demo.tally[key].as_u64().expect("a count");
    ServerMemory {
        documents: count("documents"),
        devices: count("devices"),
        phones,
        fetched,
        changes,
        reads,
        started,
        end: memory(server.id()),
        most: watch.most(),
        peak_rss_kib: used(server.id()).peak_rss_kib,
    }
}

/// Lets enumerators from all over the province enrol anew and fetch what is theirs.
async fn fetch(client: &Client, office: &Office, campaign: &str, most: usize) -> (usize, usize) {
    let campaign: CampaignId = campaign.parse().expect("a campaign");
    let people = office.get("/v1/accounts").await.expect("accounts");
    let people: Vec<String> = people
        .as_array()
        .expect("a list")
        .iter()
        // Those of the second campaign have no unit in their name.
        .filter(|person| person["role"] == "enumerator" && has_unit(person))
        .filter_map(|person| Some(person["name"].as_str()?.to_owned()))
        .collect();
    let step = people.len().div_ceil(most).max(1);
    let names: Vec<String> = people.into_iter().step_by(step).collect();
    let codes = office.codes(&names).await.expect("codes");
    let mut tasks = tokio::task::JoinSet::new();
    let (mut phones, mut households) = (0, 0);
    let mut waiting = names.into_iter().zip(codes);
    loop {
        while tasks.len() < AT_ONCE
            && let Some((name, code)) = waiting.next()
        {
            let client = client.clone();
            tasks.spawn(async move {
                let phone = Phone::enrol(&client, campaign, &code, &name).await;
                let mut phone = phone.expect("it enrols");
                phone.sync_as_told().await.expect("it fetches its households");
                phone.households.len()
            });
        }
        let Some(done) = tasks.join_next().await else { return (phones, households) };
        phones += 1;
        households += done.expect("a phone syncs");
    }
}

fn has_unit(person: &Value) -> bool {
    let unit = person["unit"].as_str().unwrap_or_default();
    person["name"].as_str().is_some_and(|name| name.contains(&format!("-{unit}-")))
}

async fn read_rates(office: &Office, campaign: &str, reads: usize) -> usize {
    let path = format!("/v1/campaigns/{campaign}/rates");
    for _ in 0..reads {
        office.get(&path).await.expect("rates");
    }
    reads
}
