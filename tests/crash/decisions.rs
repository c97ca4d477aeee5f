//! A list on its legal way, with a kill in the middle of every step: it has taken the step or it
//! has not, its bytes are whole, and no answer falls between the list and the late ones.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::demo::client::ClientError;
use server::demo::office::Office;
use server::demo::phone::{Phone, PhoneError};
use shared::id::ChangeHash;
use shared::list::{List, changes_digest, freeze};
use shared::page::Page;
use tests::auditor::Edit;
use tests::process::{Home, Server, free_address, in_time};
use tests::rng::Rng;
use tests::town::{Cast, MO_O};

use super::{kills, on_postgres, pass, seed};

/// A list that is driven round: submitted, returned, approved, recognised, withdrawn.
struct Way {
    cast: Cast,
    minh: Phone,
    written: BTreeSet<Edit>,
    rng: Rng,
    step: String,
    decisions: usize,
    visits: i64,
    usual: Duration,
}

impl Way {
    /// Chooses the act that comes next; a submitted list is returned now and then.
    fn act(&mut self, root: &str) -> Value {
        let paper = json!({ "number": "QĐ 1", "date": "2022-12-12", "signer": "Người ký" });
        match self.step.as_str() {
            "collecting" => json!({ "act": "submit", "root": root }),
            "submitted" if self.rng.below(3) == 0 => {
                json!({ "act": "return", "root": root, "comment": "xem lại" })
            }
            "submitted" => json!({ "act": "approve", "root": root, "opinion": paper }),
            "approved" => json!({ "act": "recognise", "root": root, "decision": paper }),
            "recognised" => json!({ "act": "withdraw", "root": root, "reason": "nhầm" }),
            other => panic!("{other} is no step"),
        }
    }

    /// Minh writes something about the neighbours that changes nobody's class.
    fn visit(&mut self) {
        self.visits += 1;
        let answers = [("cause_other".to_owned(), format!("lần {}", self.visits).into())];
        let page = Page { answers: answers.into(), ..Page::default() };
        let document = self.cast.document(&self.minh, "19558-01-0001");
        self.minh.save(document, &[page]).expect("it saves");
        let last = self.minh.outbox.last().expect("there is work");
        self.written.insert((document, last.hash));
    }

    /// Takes a step and syncs at the same time, and kills the server at an instant in between.
    async fn one_kill(&mut self, server: Server) {
        let list = self.cast.officer.list(self.cast.campaign, MO_O).await.expect("the list");
        let act = self.act(list["root"].as_str().expect("a root"));
        let by = match act["act"].as_str() {
            Some("return" | "approve") => self.cast.district.clone(),
            _ => self.cast.officer.clone(),
        };
        self.visit();
        let campaign = self.cast.campaign;
        let asked = tokio::spawn(async move {
            let since = Instant::now();
            by.act(campaign, MO_O, &act).await.map(|taken| (taken, since.elapsed()))
        });
        let usual = usize::try_from(self.usual.as_micros()).expect("a short time");
        let instant = self.rng.below(usual * 2);
        let (synced, ()) = tokio::join!(in_time("minh", self.minh.sync()), async {
            pass(instant).await;
            server.kill();
        });
        match synced {
            Ok(_) | Err(PhoneError::Client(ClientError::Transport(_))) => {}
            Err(error) => panic!("{error}"),
        }
        match in_time("the office", asked).await.expect("the office asks") {
            Ok((taken, took)) => {
                self.step = taken["step"].as_str().expect("a step").to_owned();
                self.decisions += 1;
                self.usual = (self.usual + took) / 2;
            }
            // Too early: next time it lives a little longer.
            Err(ClientError::Transport(_)) => self.usual += self.usual / 3,
            // Minh was first: the officer looks again.
            Err(error) => assert_eq!(error.name(), Some("list-root-stale"), "{error}"),
        }
    }

    /// Signs the offices in again and looks at everything the list says about itself.
    async fn look(&mut self, server: &Server) {
        let client = server::demo::client::Client::new(server.base());
        for (name, office) in
            [("xa-19558", &mut self.cast.officer), ("huyen-467", &mut self.cast.district)]
        {
            let signed = Office::sign_in(&client, name, tests::town::PASSWORD).await;
            *office = signed.expect("the office signs in");
        }
        let list = self.cast.officer.list(self.cast.campaign, MO_O).await.expect("the list");
        let decisions = list["decisions"].as_array().expect("decisions");
        let step = list["step"].as_str().expect("a step");
        let taken = decisions.len() - self.decisions;
        assert!(taken <= 1, "{taken} steps for one act");
        assert!(taken == 1 || step == self.step, "{step}, but nobody left {}", self.step);
        let after = decisions.last().map_or("collecting", |last| match last["kind"].as_str() {
            Some("submit") => "submitted",
            Some("approve") => "approved",
            Some("recognise") => "recognised",
            _ => "collecting",
        });
        assert_eq!(step, after, "the step is what the decisions come to");
        (self.step, self.decisions) = (step.to_owned(), decisions.len());
        let rows: List = serde_json::from_value(list["list"].clone()).expect("a list");
        assert_eq!(freeze(&rows).1.to_string(), list["root"].as_str().expect("a root"));
        self.compare_rows(&rows).await;
        self.compare_rates(&rows).await;
    }

    /// Every change is under its row's digest or aside as late, and none is gone.
    async fn compare_rows(&self, rows: &List) {
        let unsent: Vec<ChangeHash> = self.minh.outbox.iter().map(|unsent| unsent.hash).collect();
        let mut kept = BTreeSet::new();
        for row in &rows.rows {
            let path = self.path(&format!("/households/{}", row.document));
            let read = self.cast.officer.get(&path).await.expect("the household is read");
            let mut accepted: Vec<ChangeHash> = Vec::new();
            for change in read["changes"].as_array().expect("its changes") {
                let hash = change["hash"].as_str().expect("a hash").parse().expect("a hash");
                kept.insert((row.document, hash));
                if change["position"].is_i64() {
                    accepted.push(hash);
                }
            }
            accepted.sort_unstable();
            assert_eq!(changes_digest(&accepted), row.changes, "the row rests on what is accepted");
        }
        let lost: Vec<&Edit> = self
            .written
            .iter()
            .filter(|edit| !unsent.contains(&edit.1) && !kept.contains(edit))
            .collect();
        assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
    }

    /// The rates count the list while it is recognised, and at no other time.
    async fn compare_rates(&self, rows: &List) {
        let rates = self.cast.officer.get(&self.path("/rates")).await.expect("rates");
        let row = &rates["rows"][0];
        let recognised = self.step == "recognised";
        assert_eq!(row["complete"], recognised, "{row}");
        let poor = rows.rows.iter().filter(|row| {
            row.outcome == shared::list::Outcome::Surveyed
                && row.class == Some(shared::classify::Class::Poor)
        });
        let poor = if recognised { poor.count() } else { 0 };
        assert_eq!(row["counts"]["poor"]["households"], poor);
    }

    fn path(&self, rest: &str) -> String {
        self.cast.path(rest)
    }
}

async fn a_list_is_never_seen_torn(home: Home) {
    let seed = seed();
    let address: SocketAddr = free_address();
    let (server, password) = home.start_first(address);
    let cast = Cast::gather(server.base(), &password).await;
    cast.review_mo_o().await;
    let mut minh = cast.phone_with_work("minh").await;
    minh.sync().await.expect("it has checked in");
    let mut way = Way {
        cast,
        minh,
        written: BTreeSet::new(),
        rng: Rng::new(seed),
        step: "collecting".to_owned(),
        decisions: 0,
        visits: 0,
        usual: Duration::from_millis(20),
    };
    let mut server = server;
    let mut steps = BTreeSet::new();
    for _ in 0..kills() {
        way.one_kill(server).await;
        server = home.start(address);
        in_time("a look at the list", way.look(&server)).await;
        steps.insert(way.step.clone());
    }
    eprintln!("{} kills, {} decisions, steps seen: {steps:?}", kills(), way.decisions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_never_seen_torn_sqlite() {
    a_list_is_never_seen_torn(Home::new(None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_never_seen_torn_postgres() {
    if let Some(home) = on_postgres().await {
        a_list_is_never_seen_torn(home).await;
    }
}
