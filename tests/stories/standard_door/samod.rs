//! samod, the same protocol in Rust; and many of it that lose their lines together.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use automerge::transaction::Transactable;
use automerge::{Automerge, ROOT, ReadDoc};
use futures_util::{SinkExt, StreamExt};
use samod::{BackoffConfig, DialError, Dialer, DialerHandle, DocHandle, Repo, Transport};
use shared::id::DocumentId;
use shared::page::Page;
use tests::line::{Cuts, Line};
use tests::on_each_backend;
use tests::town::MO_O;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::clients::until_stored;
use super::{Right, named};

/// Longest wait for anything: a wait for nothing fails the story.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it comes back after a cut: soon, so that everybody does at once.
const SOON: BackoffConfig = BackoffConfig {
    initial_delay: Duration::from_millis(10),
    max_delay: Duration::from_millis(200),
    max_retries: None,
};

/// Calls an address as often as it is asked to.
struct Caller(url::Url);

impl Dialer for Caller {
    type Error = Infallible;

    fn url(&self) -> url::Url {
        self.0.clone()
    }

    fn connect(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Transport, DialError<Infallible>>> + Send>> {
        let url = self.0.to_string();
        Box::pin(async move {
            let (socket, _) = connect_async(url).await.map_err(DialError::transient)?;
            let (sink, stream) = socket.split();
            let sink = sink.with(|bytes: Vec<u8>| ready(Ok::<_, Error>(Message::from(bytes))));
            let stream = stream.filter_map(|message| {
                ready(match message {
                    Ok(Message::Binary(bytes)) => Some(Ok(bytes.to_vec())),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
            });
            Ok(Transport::new(stream, sink))
        })
    }
}

/// A client and its line.
struct Samod {
    repo: Repo,
    url: url::Url,
    line: DialerHandle<Infallible>,
}

impl Samod {
    async fn join(url: &str) -> Self {
        let url: url::Url = url.parse().expect("an address");
        let repo = Repo::build_tokio().load().await;
        let line = dial(&repo, &url);
        let joined = tokio::time::timeout(PATIENCE, line.established()).await;
        joined.expect("in time").expect("it joins");
        Self { repo, url, line }
    }

    fn leave(&self) {
        self.line.close();
    }

    fn come(&mut self) {
        self.line = dial(&self.repo, &self.url);
    }

    async fn find(&self, document: DocumentId) -> Option<DocHandle> {
        let id = named(document).parse().expect("an id");
        let found = tokio::time::timeout(PATIENCE, self.repo.find(id)).await;
        found.expect("in time").expect("it runs")
    }
}

fn dial(repo: &Repo, url: &url::Url) -> DialerHandle<Infallible> {
    repo.dial(SOON, Arc::new(Caller(url.clone()))).expect("it runs")
}

fn answer(handle: &DocHandle, key: &str, value: &str) {
    let written = handle.with_document(|doc| {
        let mut tx = doc.transaction();
        let (_, answers) = tx.get(ROOT, "answers")?.expect("answers");
        tx.put(answers, key, value)?;
        tx.commit();
        Ok::<_, automerge::AutomergeError>(())
    });
    written.expect("it writes");
}

async fn until(handle: &DocHandle, is_so: impl Fn(&Automerge) -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !handle.with_document(|doc| is_so(doc)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("in time");
}

async fn until_read(handle: &DocHandle, key: &str, value: &str) {
    until(handle, |doc| {
        let answers = doc.get(ROOT, "answers").ok().flatten();
        let read = answers.and_then(|(_, answers)| doc.get(answers, key).ok().flatten());
        read.is_some_and(|(read, _)| read.as_str() == Some(value))
    })
    .await;
}

fn page(key: &str, value: &str) -> Page {
    let mut page = Page::default();
    page.answers.insert(key.to_owned(), value.into());
    page
}

on_each_backend! {
    /// It opens a household by its address, reads, writes, goes away and comes back.
    async fn samod_and_a_phone_share_a_household(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-01-0001");
        let tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let mut samod = Samod::join(&right.ticket(&town).await).await;
        let handle = samod.find(document).await.expect("it opens");

        answer(&handle, "roof", "leaf");
        until_stored(&town, document, 1).await;
        hoa.sync().await.unwrap();
        assert_eq!(hoa.household(document).unwrap().answers["roof"], "leaf".into());
        hoa.save(document, &[page("wall", "plank")]).unwrap();
        hoa.sync().await.unwrap();
        until_read(&handle, "wall", "plank").await;

        samod.leave();
        answer(&handle, "water", "rain");
        hoa.save(document, &[page("floor", "earth")]).unwrap();
        hoa.sync().await.unwrap();
        samod.come();
        until_read(&handle, "floor", "earth").await;
        until_stored(&town, document, 2).await;
        hoa.sync().await.unwrap();
        let answers = hoa.household(document).unwrap().answers;
        assert_eq!((&answers["water"], &answers["floor"]), (&"rain".into(), &"earth".into()));
    }

    /// What is not its own it does not get, and what is frozen it does not change.
    async fn samod_reads_and_writes_what_its_ticket_says(town: Town) {
        let hoa = town.review_mo_o().await;
        town.officer.submit(town.campaign, MO_O).await.unwrap();
        let of_lan = town.phone_with_work("lan").await;
        let tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let samod = Samod::join(&right.ticket(&town).await).await;
        assert!(samod.find(town.document(&of_lan, "19561-01-0001")).await.is_none());
        assert!(samod.find(DocumentId([7; 16])).await.is_none());
        let frozen = town.document(&hoa, "19558-01-0001");
        let handle = samod.find(frozen).await.expect("it opens");
        answer(&handle, "cause_other", "muộn");
        until_stored(&town, frozen, 1).await;
        let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        assert_eq!(aside[0]["reason"], "list-frozen", "{aside}");
    }

    /// A household that it registers is its own, from the first change on.
    async fn samod_writes_a_household_that_it_registered(town: Town) {
        let mut tablet = town.phone("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let samod = Samod::join(&right.ticket(&town).await).await;
        let made = right.register(&town, "19558-01", &"ab".repeat(16)).await.unwrap();
        let new: DocumentId = made["document"].as_str().unwrap().parse().unwrap();
        let handle = samod.find(new).await.expect("it opens");
        answer(&handle, "roof", "tile");
        until_stored(&town, new, 1).await;
        tablet.sync().await.unwrap();
        assert_eq!(tablet.household(new).unwrap().answers["roof"], "tile".into());
    }

    /// Many on a line that breaks for all of them at once, again and again, and who all come back at
    /// once: each has everything in the end, and the log has everything once.
    async fn many_that_lose_their_lines_together_lose_nothing(town: Town) {
        const DEVICES: usize = 6;
        const ROUNDS: usize = 4;
        let line = Line { cuts: Cuts::Every(60_000), ..Line::default() }.to(town.running.address);
        let port: url::Url = line.base.parse().unwrap();
        let mut clients = Vec::new();
        let mut documents = Vec::new();
        for number in 0..DEVICES {
            let tablet = town.phone_with_work(["hoa", "minh"][number % 2]).await;
            documents = ["19558-01-0001", "19558-01-0002"]
                .map(|code| town.document(&tablet, code))
                .to_vec();
            let right = Right { client: &town.client, token: tablet.access() };
            for _ in 0..2 {
                let mut url: url::Url = right.ticket(&town).await.parse().unwrap();
                url.set_port(port.port()).unwrap();
                clients.push(Samod::join(url.as_str()).await);
            }
        }
        let mut handles = Vec::new();
        for client in &clients {
            for document in &documents {
                // Whoever asks while the line is broken is told that nobody has it.
                handles.push(loop {
                    if let Some(handle) = client.find(*document).await {
                        break handle;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                });
            }
        }
        for round in 0..ROUNDS {
            for (number, handle) in handles.iter().enumerate() {
                answer(handle, "cause_other", &format!("{number} {round}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for document in &documents {
            until_stored(&town, *document, clients.len() * ROUNDS).await;
        }
        for of_document in 0..documents.len() {
            let all: Vec<&DocHandle> =
                handles.iter().skip(of_document).step_by(documents.len()).collect();
            let changes = clients.len() * ROUNDS;
            for handle in &all {
                // What it began with are the first change and the opening list's.
                until(handle, |doc| doc.get_changes(&[]).len() >= 2 + changes).await;
            }
            let heads = |handle: &&DocHandle| handle.with_document(|doc| doc.get_heads());
            let first = heads(&all[0]);
            assert!(all.iter().all(|handle| heads(handle) == first));
        }
        assert!(line.cuts() > 0, "it never broke");
    }
}
