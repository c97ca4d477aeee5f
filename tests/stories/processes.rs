//! Two server processes on one PostgreSQL, as an office runs them to stay up during an upgrade.

use std::collections::BTreeSet;

use mobile_schema::frame::Fate;
use serde_json::json;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use shared::id::{ChangeHash, DocumentId};
use shared::list::{List, changes_digest};
use shared::page::Page;
use tests::auditor::{Auditor, Edit};
use tests::postgres::{Cluster, database, end_listeners};
use tests::process::{Home, Server, free_address};
use tests::town::{Cast, MO_O, PASSWORD};

/// Round trips of each phone while the readers poll.
const VISITS: i64 = 40;

/// Times the officer submits while a phone pushes.
const RACES: i64 = 12;

/// Two servers of one installation, both started on the empty database at the same time.
pub(crate) struct Pair {
    _servers: [Server; 2],
    home: Home,
    pub(crate) cast: Cast,
    /// One client for each server.
    pub(crate) clients: [Client; 2],
    password: String,
}

impl Pair {
    pub(crate) async fn start() -> Option<Self> {
        let home = Home::new(Some(database(Cluster::Fast).await?));
        let servers = [home.launch(free_address()), home.launch(free_address())];
        for server in &servers {
            server.wait_until_it_listens();
        }
        // Which of the two was first, and told the password, is not known.
        let password = home.new_password();
        let cast = Cast::gather(servers[0].base(), &password).await;
        let clients = [Client::new(servers[0].base()), Client::new(servers[1].base())];
        Some(Self { _servers: servers, home, cast, clients, password })
    }

    async fn office(&self, server: usize, name: &str) -> Office {
        let password = if name == "tinh" { &self.password } else { PASSWORD };
        Office::sign_in(&self.clients[server], name, password).await.expect("it signs in")
    }

    /// Cuts the lines on which the servers hear of each other.
    pub(crate) async fn deafen(&self) {
        end_listeners(self.home.database().expect("a database"), self.clients.len()).await;
    }

    /// Enrols a phone that speaks to one of the servers only, and lets it fetch its work.
    pub(crate) async fn phone(&self, server: usize, name: &str) -> Phone {
        let codes = self.cast.province.codes(&[name.to_owned()]).await.expect("a code");
        let enrolled =
            Phone::enrol(&self.clients[server], self.cast.campaign, &codes[0], name).await;
        let mut phone = enrolled.expect("it enrols");
        phone.sync().await.expect("it fetches its households");
        phone
    }
}

/// Writes one harmless answer on a household.
fn visit(phone: &mut Phone, document: DocumentId, number: i64) -> Edit {
    let answers = [("cause_other".to_owned(), format!("{} lần {number}", phone.device).into())];
    phone.save(document, &[Page { answers: answers.into(), ..Page::default() }]).unwrap();
    (document, phone.outbox.last().unwrap().hash)
}

/// Hands in `VISITS` times, one household after the other, and returns what was written.
async fn work(mut phone: Phone) -> (Phone, BTreeSet<Edit>) {
    let documents: Vec<DocumentId> = phone.households.keys().copied().collect();
    let mut written = BTreeSet::new();
    for (number, document) in (0..VISITS).zip(documents.iter().cycle()) {
        written.insert(visit(&mut phone, *document, number));
        let report = phone.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), 1);
    }
    (phone, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phones_of_two_processes_see_each_other_and_no_cursor_skips() {
    let Some(pair) = Pair::start().await else { return };
    let mut working = tokio::task::JoinSet::new();
    for (server, name) in [(0, "hoa"), (1, "minh"), (1, "hoa"), (0, "lan")] {
        working.spawn(work(pair.phone(server, name).await));
    }
    let offices = [pair.office(0, "tinh").await, pair.office(1, "tinh").await];
    // One cursor is read on at both servers in turn, while the phones write.
    let mut auditor = Auditor::new(pair.cast.campaign);
    let (mut phones, mut written, mut turn) = (Vec::new(), BTreeSet::new(), 0);
    while !working.is_empty() {
        auditor.read(&pair.clients[turn % 2], offices[turn % 2].token()).await;
        turn += 1;
        while let Some(done) = working.try_join_next() {
            let (phone, edits) = done.unwrap();
            phones.push(phone);
            written.extend(edits);
        }
    }
    auditor.read(&pair.clients[0], offices[0].token()).await;
    assert!(written.is_subset(&auditor.seen), "a cursor skipped a change");
    assert_eq!(written.len(), 4 * usize::try_from(VISITS).unwrap());
    auditor.compare_with_log(&offices[1], &written).await;

    for phone in &mut phones {
        phone.sync().await.unwrap();
    }
    for phone in &phones {
        for (document, kept) in &phone.households {
            for other in phones.iter().filter_map(|other| other.households.get(document)) {
                let (mut mine, mut theirs) = (kept.chunks.clone(), other.chunks.clone());
                mine.sort();
                theirs.sort();
                assert!(mine == theirs, "{} differs between two phones", kept.code);
            }
        }
    }
}

/// Reads the frozen list and says whether every accepted change is under its row's digest.
async fn compare_rows(office: &Office, path: &str, list: &serde_json::Value) {
    let rows: List = serde_json::from_value(list["list"].clone()).unwrap();
    for row in &rows.rows {
        let read = office.get(&format!("{path}/households/{}", row.document)).await.unwrap();
        let changes = read["changes"].as_array().unwrap().iter();
        let mut accepted: Vec<ChangeHash> = changes
            .filter(|change| change["position"].is_i64())
            .map(|change| change["hash"].as_str().unwrap().parse().unwrap())
            .collect();
        accepted.sort_unstable();
        assert_eq!(changes_digest(&accepted), row.changes, "accepted, but not on the list");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_pushed_while_the_list_is_submitted_is_on_it_or_late() {
    let Some(pair) = Pair::start().await else { return };
    pair.cast.review_mo_o().await;
    let (campaign, path) = (pair.cast.campaign, pair.cast.path(""));
    let officer = pair.office(0, &format!("xa-{MO_O}")).await;
    let mut minh = pair.phone(1, "minh").await;
    minh.sync().await.unwrap();
    let document = pair.cast.document(&minh, "19558-01-0001");
    let (mut on_it, mut late) = (0, 0);
    for race in 0..RACES {
        visit(&mut minh, document, race);
        let list = officer.list(campaign, MO_O).await.unwrap();
        let act = json!({ "act": "submit", "root": list["root"] });
        let (synced, submitted) = tokio::join!(minh.sync(), officer.act(campaign, MO_O, &act));
        let verdict = synced.unwrap().verdicts.remove(0);
        if let Err(error) = &submitted {
            // Minh was first, so the root the officer saw is stale.
            assert_eq!(error.name(), Some("list-root-stale"), "{error}");
            assert_eq!(verdict.fate, Fate::Accepted);
            officer.submit(campaign, MO_O).await.unwrap();
        }
        let list = officer.list(campaign, MO_O).await.unwrap();
        compare_rows(&officer, &path, &list).await;
        match verdict.fate {
            Fate::Accepted => on_it += 1,
            Fate::Held => {
                assert_eq!(verdict.reason.as_deref(), Some("list-frozen"));
                assert_eq!(list["late"], 1);
                late += 1;
            }
            other => panic!("{other:?}"),
        }
        let act = json!({ "act": "return", "root": list["root"], "comment": "xem lại" });
        pair.cast.district.act(campaign, MO_O, &act).await.unwrap();
    }
    eprintln!("{on_it} on the list, {late} late");
    assert_eq!(on_it + late, RACES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_processes_give_the_same_rates() {
    let Some(pair) = Pair::start().await else { return };
    pair.cast.review_mo_o().await;
    let offices = [pair.office(0, "tinh").await, pair.office(1, "tinh").await];
    let path = pair.cast.path("/rates");
    let poor_of = |rates: &serde_json::Value| rates["rows"][0]["counts"]["poor"].clone();
    let root = pair.cast.recognise_mo_o().await;
    let [one, other] = [offices[0].get(&path).await.unwrap(), offices[1].get(&path).await.unwrap()];
    assert_eq!(one, other);
    assert_eq!(poor_of(&one)["households"], 2);

    // What one process takes back, the other no longer counts.
    let officer = pair.office(1, &format!("xa-{MO_O}")).await;
    let act = json!({ "act": "withdraw", "root": root, "reason": "nhầm" });
    officer.act(pair.cast.campaign, MO_O, &act).await.unwrap();
    for office in &offices {
        assert_eq!(poor_of(&office.get(&path).await.unwrap())["households"], 0);
    }
}
