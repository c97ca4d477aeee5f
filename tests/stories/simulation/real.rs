//! The same plan on the real server, in process on SQLite, one request after the other.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{SyncRequest, SyncResponse};
use serde_json::{Value, json};
use server::demo::client::ClientError;
use server::demo::office::Office;
use shared::holding::Kept;
use shared::id::{CampaignId, DeviceId, DocumentId, to_hex};
use shared::standing::Standing;
use tests::rng::Rng;
use tests::simulation::{Caller, Decided, Place, Server, Settings, World};
use tests::town::{HUONG_HIEP, Town};
use tokio::runtime::Handle;

use crate::laws::ledger;

/// Steps of a run: each costs a request or more.
const STEPS: usize = 200;

/// A town that is played like the server in memory.
struct Real {
    town: Option<Town>,
    neighbour: Office,
    access: BTreeMap<DeviceId, String>,
}

fn wait<T>(on: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(on))
}

impl Real {
    async fn new() -> Self {
        let town = Town::sqlite().await;
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        Self { town: Some(town), neighbour, access: BTreeMap::new() }
    }

    fn town(&self) -> &Town {
        self.town.as_ref().expect("it runs")
    }

    fn officer(&self, unit: &str) -> Office {
        let town = self.town();
        if unit == HUONG_HIEP { self.neighbour.on(&town.client) } else { town.officer.clone() }
    }

    async fn settle(&self, officer: &Office, document: &str, path: &str, value: &Value) {
        let town = self.town();
        let read = officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        let forked = read["standing"]["forked"].as_array().unwrap();
        let form = json!({
            "heads": read["standing"]["heads"],
            "path": path,
            "value": value,
            "reason": "đã xem",
            "closes": forked[..forked.len().min(7)],
        });
        officer.settle(town.campaign, document, &form).await.unwrap();
    }

    /// Settles, decides and waives whatever keeps a list from being submitted.
    async fn sort(&self, officer: &Office, unit: &str) {
        let town = self.town();
        for _ in 0..40 {
            let open = officer.get(&town.path(&format!("/units/{unit}/disputes"))).await.unwrap();
            let open = open.as_array().unwrap();
            if open.is_empty() {
                break;
            }
            for household in open {
                let dispute = &household["disputes"][0];
                let sides = dispute["values"].as_array().unwrap();
                let value = sides.iter().find(|side| !side["value"].is_null()).unwrap();
                let document = household["document"].as_str().unwrap();
                let path = dispute["path"].as_str().unwrap();
                self.settle(officer, document, path, &value["value"]).await;
            }
        }
        let list = officer.list(town.campaign, unit).await.unwrap();
        for row in list["list"]["rows"].as_array().unwrap() {
            if row["outcome"] == "pending" {
                let document = row["document"].as_str().unwrap();
                self.settle(officer, document, "answers/outcome", &json!("moved_out")).await;
            }
        }
        let aside = town.path(&format!("/units/{unit}/aside"));
        for change in officer.get(&aside).await.unwrap().as_array().unwrap() {
            if change["fate"] != "quarantined" {
                let (document, hash) = (&change["document"], &change["hash"]);
                let form =
                    json!({ "document": document, "hash": hash, "reason": "x", "let_in": false });
                officer.post(&aside, &form).await.unwrap();
            }
        }
        let waivers = town.path(&format!("/units/{unit}/waivers"));
        for device in officer.get("/v1/devices").await.unwrap().as_array().unwrap() {
            let form = json!({ "device": device["device"], "reason": "đang ở xa" });
            let waived = officer.post(&waivers, &form).await;
            assert!(waived.is_ok() || device["silent"] == false, "{waived:?}");
        }
    }
}

impl Server for Real {
    fn campaign(&self) -> CampaignId {
        self.town().campaign
    }

    fn enrol(&mut self, person: &str, key: [u8; 32]) -> DeviceId {
        let town = self.town();
        let enrolled = wait(async {
            let codes = town.province.codes(&[person.to_owned()]).await.unwrap();
            let form = json!({ "code": codes[0], "label": person, "public_key": to_hex(&key) });
            town.province.post("/v1/devices", &form).await.unwrap()
        });
        let device: DeviceId = enrolled["device"].as_str().unwrap().parse().unwrap();
        let access = enrolled["tokens"]["access"].as_str().unwrap().to_owned();
        self.access.insert(device, access);
        device
    }

    fn sync(&mut self, caller: Caller, request: &SyncRequest) -> SyncResponse {
        let town = self.town();
        let token = match caller {
            Caller::Device(device) => &self.access[&device],
            Caller::Office => town.province.token(),
        };
        wait(town.client.sync(token, request)).expect("it is answered").0
    }

    fn restart(&mut self) {
        let town = self.town.take().expect("it runs");
        self.town = Some(wait(town.restart()));
    }

    fn assign(&mut self, hamlet: &str, person: &str, now: bool) {
        let town = self.town();
        if now {
            let file = format!("hamlet,account\n{hamlet},{person}\n");
            wait(town.province.import(&town.path("/assignments"), file)).unwrap();
        } else {
            let form = json!({ "hamlet": hamlet, "account": person });
            let ended = wait(town.province.post(&town.path("/assignments/end"), &form));
            // It may have ended before.
            let known =
                matches!(&ended, Ok(_) | Err(ClientError::Refused { status: 404 | 422, .. }));
            assert!(known, "{ended:?}");
        }
    }

    fn revoke(&mut self, device: DeviceId) {
        let town = self.town();
        let path = format!("/v1/devices/{device}/revoke");
        wait(town.province.post(&path, &json!({}))).unwrap();
    }

    fn submit(&mut self, unit: &str) -> bool {
        let (town, officer) = (self.town(), self.officer(unit));
        wait(async {
            let list = officer.list(town.campaign, unit).await.unwrap();
            if list["step"] != "collecting" {
                return false;
            }
            self.sort(&officer, unit).await;
            match officer.submit(town.campaign, unit).await {
                Ok(_) => true,
                Err(error) => {
                    let name = error.name().unwrap_or("");
                    assert!(matches!(name, "list-has-aside" | "list-has-disputes"), "{error}");
                    false
                }
            }
        })
    }

    fn reopen(&mut self, unit: &str) {
        let town = self.town();
        wait(async {
            let list = town.district.list(town.campaign, unit).await.unwrap();
            if list["step"] == "submitted" {
                let act = json!({ "act": "return", "root": list["root"], "comment": "xem lại" });
                town.district.act(town.campaign, unit, &act).await.unwrap();
            }
        });
    }

    fn decided(&self) -> &[Decided] {
        &[]
    }

    fn standing(&self, _document: DocumentId) -> Option<Standing> {
        None
    }

    fn frozen_moved(&self) -> Option<String> {
        None
    }

    fn scopes(&self) -> BTreeMap<DeviceId, BTreeSet<String>> {
        wait(ledger::scopes(self.town()))
    }

    fn places(&self) -> Vec<Place> {
        let entries = wait(ledger::entries(self.town()));
        let place = |entry: ledger::Entry| Place {
            edit: (entry.document, entry.hash),
            chunk: entry.chunk,
            kept: Kept::of_word(&entry.fate).expect("a fate"),
            side: entry.side,
            unit: entry.unit,
            hamlet: (!entry.hamlet.is_empty()).then_some(entry.hamlet),
            position: entry.position,
            dependencies: entry.dependencies,
        };
        entries.into_iter().map(place).collect()
    }
}

/// The real server comes to the same rest, whatever happens on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_server_comes_to_rest_with_everybody_agreeing() {
    let mut total = tests::simulation::Counted::default();
    for seed in super::seeds(super::SEEDS_REAL) {
        eprintln!("seed {seed}: RASOAT_SEED={seed} cargo test -p tests --test stories real_server");
        let real = Real::new().await;
        let settings = Settings { steps: STEPS, ..Settings::default() };
        let world = tokio::task::block_in_place(|| World::new(real, Rng::new(seed), settings));
        total += tokio::task::block_in_place(|| world.run()).counted;
    }
    eprintln!("{total:?}");
}
