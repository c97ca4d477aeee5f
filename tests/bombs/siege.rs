//! Fifty honest phones sync while everything there is flies at the server, through every door.
//!
//! They notice nothing: every change of theirs is acknowledged and every household reads as written.
//! How long their syncs took is printed, with and without the siege; nothing is asserted of it.

use std::time::{Duration, Instant};

use mobile_schema::frame::Fate;
use server::demo::phone::Phone;
use shared::id::DocumentId;
use shared::page::Page;
use tests::bench::family::Cpu;
use tests::bench::percentile;
use tests::process::Home;
use tests::rng::Rng;
use tests::town::MO_O;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::{JoinSet, block_in_place};

use crate::child::cpu_ms;
use crate::doors::{Answer, Siege, Stone, assert_as_expected, assert_named, frames, tables};
use crate::list::{BOMBS, Bomb};

/// Honest phones at work while the bombs come.
const PHONES: usize = 50;

/// Rounds each of them writes and syncs.
const ROUNDS: usize = 6;

/// Time spent so far, on the clock and of the processor.
struct Spent {
    at: Instant,
    server: Cpu,
    test_ms: u64,
}

fn spent(siege: &Siege) -> Spent {
    Spent { at: Instant::now(), server: siege.cpu(), test_ms: cpu_ms(None) }
}

impl Spent {
    /// Writes what was spent since.
    fn since(&self, before: &Self) -> String {
        let (of, wall_ms) = (self.server.since(before.server), (self.at - before.at).as_millis());
        let test_ms = self.test_ms - before.test_ms;
        let Cpu { server_ms, workers_ms } = of;
        format!(
            "{wall_ms} ms: processor time of the server {server_ms} ms, its workers {workers_ms} ms, \
             phones and attacker {test_ms} ms"
        )
    }
}

/// Something to throw.
enum Missile {
    Bomb(&'static Bomb),
    Frame(Stone),
    Table(Stone),
}

impl Missile {
    fn name(&self) -> &str {
        match self {
            Self::Bomb(bomb) => bomb.name,
            Self::Frame(stone) | Self::Table(stone) => stone.0,
        }
    }
}

/// Everything to throw, mixed: heavy and light ones come at all times.
fn missiles() -> Vec<Missile> {
    let mut all: Vec<Missile> = BOMBS.iter().map(Missile::Bomb).collect();
    all.extend(frames().into_iter().map(Missile::Frame));
    all.extend(tables().into_iter().map(Missile::Table));
    Rng::new(50).shuffle(&mut all);
    all
}

/// What is thrown while others work may also be told to come back.
#[track_caller]
fn assert_turned_away(what: &str, door: &str, answer: &Answer) {
    if answer != &(503, "too-busy".to_owned()) {
        assert_named(what, door, answer);
    }
}

async fn throw(siege: &mut Siege, missile: &Missile) {
    match missile {
        Missile::Bomb(bomb) => {
            // The phones of this test do not wait until it is made.
            let chunks = block_in_place(bomb.make);
            let (answer, reasons) = siege.as_changes(&chunks).await;
            assert_as_expected(bomb, &answer, &reasons);
            siege.as_manifest(&chunks[0]).await;
            for (door, answer) in siege.as_body(&chunks[0]).await {
                assert_turned_away(bomb.name, &door, &answer);
            }
        }
        Missile::Frame(frame) => {
            assert_turned_away(frame.0, "sync", &siege.as_frame(frame).await);
        }
        Missile::Table(table) => match (table.0, siege.as_table(table).await) {
            // Empty rows are no rows.
            ("ten_million_empty_rows", (200, _)) => {}
            (name, answer) => assert_turned_away(name, table.1, &answer),
        },
    }
}

/// What an honest phone wrote, how many of its changes were acknowledged, how long that and its whole
/// syncs took.
#[derive(Default)]
struct Honest {
    written: Vec<(DocumentId, i64)>,
    acknowledged: usize,
    /// Times it was told to come back, and came at once.
    sent_away: usize,
    handed_in: Vec<Duration>,
    took: Vec<Duration>,
}

/// One honest phone: writes, syncs, and knows what its households must read as. Its rounds are spread
/// over the siege: `rounds` says how many have come.
async fn work(mut phone: Phone, mut rounds: Receiver<usize>) -> Honest {
    let mut honest = Honest::default();
    for round in 0..ROUNDS {
        rounds.wait_for(|come| *come > round).await.unwrap();
        let (document, opening) = phone.register("19558-01");
        let number = i64::try_from(round).unwrap();
        let answer = |number: i64| {
            let answers = [("area_dm2".to_owned(), number.into())];
            Page { answers: answers.into(), ..Page::default() }
        };
        phone.save(document, &[opening, answer(1_000 + number), answer(2_000 + number)]).unwrap();
        let since = Instant::now();
        loop {
            let begun = since.elapsed();
            match phone.sync().await {
                Ok(report) => {
                    assert_eq!(report.refused, Vec::<String>::new());
                    let after = report.handed_in_after.expect("all is handed in");
                    honest.handed_in.push(begun + after);
                    honest.acknowledged += Phone::count(&report, Fate::Accepted);
                    break;
                }
                // Told to come back, a phone comes back.
                Err(error) => {
                    assert!(error.to_string().contains("busy"), "{error}");
                    honest.sent_away += 1;
                }
            }
        }
        honest.took.push(since.elapsed());
        honest.written.push((document, 2_000 + number));
    }
    honest
}

async fn fifty_phones(siege: &Siege, rounds: &Receiver<usize>) -> JoinSet<Honest> {
    let mut tasks = JoinSet::new();
    for number in 0..PHONES {
        let phone = siege.cast.phone(["hoa", "minh"][number % 2]).await;
        tasks.spawn(work(phone, rounds.clone()));
    }
    tasks
}

/// Writes how long the syncs of all phones took, milliseconds.
fn times(honest: &[Honest]) -> String {
    let late = |of: fn(&Honest) -> &Vec<Duration>| {
        let mut took: Vec<Duration> = honest.iter().flat_map(|phone| of(phone).clone()).collect();
        [50, 99].map(|percent| percentile(&mut took, percent) / 1000)
    };
    let ([in_p50, in_p99], [p50, p99]) = (late(|of| &of.handed_in), late(|of| &of.took));
    let sent_away: usize = honest.iter().map(|phone| phone.sent_away).sum();
    format!(
        "sent away {sent_away} times, acknowledged after p50 {in_p50} ms, p99 {in_p99} ms, with all that others wrote p50 {p50} ms, \
         p99 {p99} ms"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_phones_notice_nothing() {
    let home = Home::new(None);
    let mut siege = Siege::begin(&home).await;
    let missiles = missiles();
    let (begin, all) = channel(ROUNDS);
    let before = spent(&siege);
    let in_peace = fifty_phones(&siege, &all).await.join_all().await;
    eprintln!("in peace {}", spent(&siege).since(&before));
    drop(begin);

    let (next, rounds) = channel(0);
    let tasks = fifty_phones(&siege, &rounds).await;
    let besieged = tokio::spawn(tasks.join_all());
    let mut thrown = 0;
    let before = spent(&siege);
    let mut costs = Vec::new();
    while !besieged.is_finished() || thrown < missiles.len() {
        let come = 1 + thrown * ROUNDS / missiles.len();
        next.send_replace(come);
        let (since, cpu) = (Instant::now(), siege.cpu());
        throw(&mut siege, &missiles[thrown % missiles.len()]).await;
        costs.push((
            siege.cpu().since(cpu).all_ms(),
            since.elapsed().as_millis(),
            missiles[thrown % missiles.len()].name(),
        ));
        thrown += 1;
    }
    let besieged = besieged.await.unwrap();
    eprintln!("besieged {}", spent(&siege).since(&before));
    costs.sort_unstable();
    let dearest: Vec<_> = costs.iter().rev().take(5).collect();
    eprintln!("dearest, processor time and wall of the server, ms: {dearest:?}");
    eprintln!("{thrown} bombs, frames and tables thrown at {PHONES} phones");
    eprintln!("in peace {}; besieged {}", times(&in_peace), times(&besieged));
    for phone in in_peace.iter().chain(&besieged) {
        let all = phone.written.len() * 3;
        assert_eq!(phone.acknowledged, all, "every honest change is acknowledged");
        for (document, number) in &phone.written {
            let path = siege.cast.path(&format!("/households/{document}"));
            let read = siege.cast.officer.get(&path).await.expect("it can be read");
            assert_eq!(read["household"]["answers"]["area_dm2"], *number);
            assert_eq!(read["standing"]["flags"].as_array().map(Vec::len), Some(0));
        }
    }
    let list = siege.cast.path(&format!("/units/{MO_O}/households"));
    let listed = siege.cast.officer.get(&list).await.expect("the commune can be listed");
    assert!(listed.as_array().is_some_and(|rows| rows.len() > 2 * PHONES));
}
