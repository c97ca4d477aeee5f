//! P1: what a receipt names is there after any kill, once; what none names may or may not be there.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use server::demo::client::{Client, ClientError};
use server::demo::office::Office;
use server::demo::phone::{Phone, PhoneError};
use shared::id::DocumentId;
use shared::page::Page;
use tests::auditor::{Auditor, Edit};
use tests::process::{Home, free_address, in_time};
use tests::rng::Rng;
use tests::town::Cast;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{kills, on_postgres, pass, seed};

/// Phones at work: two people with two devices in one hamlet, two more in other communes.
const PHONES: [(&str, &str); 5] = [
    ("hoa", "19558-01"),
    ("minh", "19558-01"),
    ("minh", "19558-01"),
    ("lan", "19561-01"),
    ("son", "19369-01"),
];

/// Most batches acknowledged between two kills.
const BATCHES_MAX: usize = 40;

/// Every other kill comes at once, where a receipt sent before its commit would show; the others
/// up to this long after the batch they counted to: somewhere in the next ones.
const JITTER_MICROS: usize = 8_000;

/// Changes of one registered household before the next one is registered.
const CHANGES_PER_HOUSEHOLD: usize = 25;

/// An enumerator with a phone, who goes on writing whatever the line does.
struct Writer {
    phone: Phone,
    hamlet: &'static str,
    rng: Rng,
    here: Option<(DocumentId, usize)>,
    number: i64,
    written: BTreeSet<Edit>,
}

impl Writer {
    /// Writes one to twelve changes, some on households that other phones write to as well.
    fn write_some(&mut self) {
        let before = self.phone.outbox.len();
        for _ in 0..=self.rng.below(12) {
            self.number += 1;
            let answers = [("area_dm2".to_owned(), self.number.into())];
            let mut page = Page { answers: answers.into(), ..Page::default() };
            let listed = self.phone.households.iter().find(|(_, kept)| !kept.code.is_empty());
            let document = match (listed, self.here) {
                (Some((document, _)), _) if self.rng.below(4) == 0 => *document,
                (_, Some((document, changes))) if changes < CHANGES_PER_HOUSEHOLD => {
                    self.here = Some((document, changes + 1));
                    document
                }
                _ => {
                    let (document, opening) = self.phone.register(self.hamlet);
                    page.opening = opening.opening;
                    self.here = Some((document, 1));
                    document
                }
            };
            self.phone.save(document, &[page]).expect("it saves");
        }
        let unsent = &self.phone.outbox[before..];
        self.written.extend(unsent.iter().map(|unsent| (unsent.document, unsent.hash)));
    }

    /// Works until the server has been killed, telling how many round trips were acknowledged.
    async fn work(mut self, done: watch::Sender<usize>, killed: Arc<AtomicBool>) -> Self {
        loop {
            if self.phone.outbox.len() < 200 {
                self.write_some();
            }
            match self.phone.sync().await {
                Ok(report) => {
                    assert!(report.refused.is_empty(), "{:?}", report.refused);
                    done.send_modify(|done| *done += 1);
                }
                Err(PhoneError::Client(ClientError::Transport(_))) => {
                    if killed.load(Ordering::Acquire) {
                        return self;
                    }
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Returns what receipts have named: a phone drops nothing else.
    fn acknowledged(&self) -> BTreeSet<Edit> {
        let unsent: BTreeSet<Edit> =
            self.phone.outbox.iter().map(|unsent| (unsent.document, unsent.hash)).collect();
        self.written.difference(&unsent).copied().collect()
    }
}

async fn send_out(cast: &Cast, rng: &mut Rng) -> Vec<Writer> {
    let mut writers = Vec::new();
    for (name, hamlet) in PHONES {
        let phone = cast.phone_with_work(name).await;
        let (rng, written) = (Rng::new(rng.draw()), BTreeSet::new());
        writers.push(Writer { phone, hamlet, rng, here: None, number: 0, written });
    }
    writers
}

/// Lets everybody work and kills the server after a seeded number of acknowledged batches.
async fn one_kill(
    home: &Home,
    address: SocketAddr,
    writers: Vec<Writer>,
    rng: &mut Rng,
) -> Vec<Writer> {
    let server = home.start(address);
    let (done, mut progress) = watch::channel(0);
    let killed = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for writer in writers {
        tasks.spawn(writer.work(done.clone(), Arc::clone(&killed)));
    }
    let enough = rng.below(BATCHES_MAX);
    // The guard that comes with it would keep the writers from counting on.
    let reached = async { progress.wait_for(|done| *done >= enough).await.map(|_| ()) };
    in_time("acknowledged batches", reached).await.expect("the phones count");
    if rng.below(2) == 0 {
        pass(rng.below(JITTER_MICROS)).await;
    }
    server.kill();
    killed.store(true, Ordering::Release);
    let mut back = Vec::new();
    while let Some(writer) = in_time("phones after a kill", tasks.join_next()).await {
        back.push(writer.expect("a writer works"));
    }
    back
}

/// Kills the server again and again; after each kill `cut` may do to the disk what a power cut does.
pub(crate) async fn nothing_acknowledged_is_lost(home: Home, kills: usize, cut: fn(&Home)) {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let address = free_address();
    let (server, password) = home.start_first(address);
    let cast = Cast::gather(server.base(), &password).await;
    let mut writers = send_out(&cast, &mut rng).await;
    let mut auditor = Auditor::new(cast.campaign);
    server.kill();
    cut(&home);

    for kill in 0..kills {
        writers = one_kill(&home, address, writers, &mut rng).await;
        cut(&home);
        // The office looks right after the next start, before any phone is back.
        let server = home.start(address);
        let client = Client::new(server.base());
        let office = in_time("sign-in", Office::sign_in(&client, "tinh", &password)).await;
        let office = office.expect("it signs in");
        in_time("the auditor", auditor.read(&client, office.token())).await;
        for writer in &writers {
            let lost: Vec<Edit> =
                writer.acknowledged().difference(&auditor.seen).copied().collect();
            assert!(lost.is_empty(), "seed {seed}, kill {kill}: lost {lost:?}");
        }
        server.kill();
        cut(&home);
    }
    let server = home.start(address);
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    at_rest(&client, &office, writers, auditor).await;
    eprintln!("{kills} kills");
}

/// Everybody hands in what is left: now all is there, once, and everybody reads the same.
async fn at_rest(client: &Client, office: &Office, mut writers: Vec<Writer>, mut auditor: Auditor) {
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged().len()).sum();
    for _ in 0..2 {
        for writer in &mut writers {
            in_time("a phone hands in", hand_in(&mut writer.phone)).await;
        }
    }
    auditor.read(client, office.token()).await;
    let written: BTreeSet<Edit> =
        writers.iter().flat_map(|writer| writer.written.iter().copied()).collect();
    assert!(written.is_subset(&auditor.seen), "everything is in once the phones are empty");
    auditor.compare_with_log(office, &written).await;
    let mut anew = Auditor::new(auditor.campaign);
    anew.read(client, office.token()).await;
    assert_eq!(anew.seen, auditor.seen, "the cursor skipped nothing");
    for writer in &writers {
        for document in writer.phone.households.keys() {
            let path = format!("/v1/campaigns/{}/households/{document}", auditor.campaign);
            let read = office.get(&path).await.expect("the household is read");
            let household = writer.phone.household(*document).expect("it is on the phone");
            let household = serde_json::to_value(household).expect("it is JSON");
            let mut said = read["household"].clone();
            // What a rule chose where nothing hangs on it is still a dispute on the phone.
            for dispute in read["standing"]["disputes"].as_array().expect("disputes") {
                let key = dispute["path"].as_str().and_then(|path| path.strip_prefix("answers/"));
                let answers = said["answers"].as_object_mut().expect("answers");
                key.and_then(|key| answers.remove(key));
            }
            assert_eq!(said, household, "{document}");
        }
    }
    let written = written.len();
    eprintln!("{written} changes, {acknowledged} acknowledged before the last kill");
}

/// Syncs, once more where the connection is one of a server that is gone.
async fn hand_in(phone: &mut Phone) {
    for _ in 0..8 {
        match phone.sync().await {
            Err(PhoneError::Client(ClientError::Transport(_))) => {}
            other => return drop(other.expect("it syncs")),
        }
    }
    panic!("the server does not answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_sqlite() {
    nothing_acknowledged_is_lost(Home::new(None), kills(), |_| ()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_postgres() {
    if let Some(home) = on_postgres().await {
        nothing_acknowledged_is_lost(home, kills(), |_| ()).await;
    }
}
