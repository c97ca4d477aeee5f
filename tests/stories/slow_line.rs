//! Lines that break, answers that nobody hears, and people who keep a connection without using it.
//!
//! Nothing here waits or measures time: lines are cut by the byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};

use mobile_schema::frame::Fate;
use server::app::{App, system_clock};
use server::cli::serve::{Running, first_account};
use server::config::Config;
use server::demo::client::Client;
use server::demo::phone::Phone;
use tests::hamlet::{self, FIVE_SECONDS_BYTES};
use tests::line::{Cuts, Line};
use tests::on_each_backend;
use tests::town::{Cast, Town};

use crate::ask::{cbor, kept};

/// Types reviews of applicants of Mò Ó until so many bytes wait on the phone.
fn type_reviews(cast: &Cast, phone: &mut Phone, bytes: usize) {
    hamlet::type_reviews(cast, phone, "19558-02", bytes);
}

/// Says that a phone's whole work is with the server: another one of the same hamlets has it.
async fn others_have_it(town: &Town, phone: &Phone) {
    let other = town.phone_with_work("hoa").await;
    for (document, kept) in &phone.households {
        let mut theirs = other.households[document].chunks.clone();
        let mut ours = kept.chunks.clone();
        theirs.sort();
        ours.sort();
        assert!(theirs == ours, "{document}");
    }
}

on_each_backend! {
    /// 200 KB over a line that is cut ten times: at most 15 % of it goes up twice.
    async fn an_upload_cut_ten_times_sends_little_of_it_twice(town: Town) {
        let mut phone = town.phone_with_work("hoa").await;
        let sound = Line::default().to(town.running.address);
        phone.move_to(&Client::new(&sound.base));
        let idle = phone.sync().await.unwrap();
        let head = sound.up() - u64::try_from(idle.up).unwrap();

        type_reviews(&town, &mut phone, 420_000);
        let cuts = Cuts::At((1..=10).map(|cut| cut * FIVE_SECONDS_BYTES).collect());
        let line = Line { cuts, ..Line::default() }.to(town.running.address);
        phone.move_to(&Client::new(&line.base));
        let report = phone.sync().await.unwrap();

        // A busy machine may have let a connection lie idle for too long as well.
        assert!(line.cuts() == 10 && report.cuts >= 10, "{} cuts", report.cuts);
        let answered = u64::try_from(report.up + report.trips * usize::try_from(head).unwrap());
        let answered = answered.unwrap();
        let twice = line.up() - answered;
        assert!(answered > 190_000, "{answered} bytes");
        assert!(twice * 100 <= answered * 15, "{twice} of {answered} bytes went up twice");
        assert!(phone.outbox.is_empty() && report.refused.is_empty());
        others_have_it(&town, &phone).await;
    }

    /// A line that never holds for more than 20 KB: first download and upload still come to an end.
    async fn a_line_that_is_cut_all_the_time_still_carries_everything(town: Town) {
        let mut before = town.phone_with_work("hoa").await;
        type_reviews(&town, &mut before, 400_000);
        before.sync().await.unwrap();

        let cuts = Cuts::Every(FIVE_SECONDS_BYTES);
        let line = Line { cuts, ..Line::default() }.to(town.running.address);
        let mut phone = town.phone("hoa").await;
        phone.move_to(&Client::new(&line.base));
        let report = phone.sync().await.unwrap();
        assert!(report.cuts > 2, "{} cuts", report.cuts);
        assert_eq!(phone.households.len(), before.households.len());

        type_reviews(&town, &mut phone, 150_000);
        let report = phone.sync().await.unwrap();
        assert!(report.cuts > 2 && phone.outbox.is_empty(), "{} cuts", report.cuts);
        others_have_it(&town, &phone).await;
    }

    /// The server has done the work and nobody hears it: nothing is lost, nothing is there twice.
    async fn answers_that_nobody_hears_are_asked_for_again(town: Town) {
        let mut phone = town.phone_with_work("hoa").await;
        type_reviews(&town, &mut phone, 100_000);
        let unsent = phone.outbox.len();
        let line = Line { cuts: Cuts::Answers(2), ..Line::default() }.to(town.running.address);
        phone.move_to(&Client::new(&line.base));
        let report = phone.sync().await.unwrap();
        assert!(report.cuts > 1, "{} cuts", report.cuts);
        assert_eq!(report.verdicts.len(), unsent);
        let known = Phone::count(&report, Fate::Known);
        assert!(known > 0 && known + Phone::count(&report, Fate::Accepted) == unsent, "{known}");
        others_have_it(&town, &phone).await;
    }

    /// Heads and bodies that never end, and sockets closed half way, while an honest phone works.
    async fn connections_that_are_kept_or_left_half_way_cost_nobody_anything(town: Town) {
        let mut phone = town.phone_with_work("hoa").await;
        type_reviews(&town, &mut phone, 30_000);
        let address = town.running.address;
        let body = cbor(&phone.request());
        let head = head(address, phone.access(), body.len());
        let open: Vec<TcpStream> = (0..60)
            .map(|number| {
                let mut line = TcpStream::connect(address).unwrap();
                let part = match number % 3 {
                    0 => head.as_bytes()[..20 + number].to_vec(),
                    1 => [head.as_bytes(), &body[..body.len() / 2]].concat(),
                    _ => {
                        let part = [head.as_bytes(), &body[..number]].concat();
                        line.write_all(&part).unwrap();
                        line.shutdown(Shutdown::Write).unwrap();
                        Vec::new()
                    }
                };
                line.write_all(&part).unwrap_or_default();
                line
            })
            .collect();
        let before = kept(&town).await["changes"];
        let unsent = phone.outbox.len();
        let report = phone.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), unsent, "no half of a request was taken");
        let after = kept(&town).await["changes"];
        assert_eq!(after - before, i64::try_from(unsent).unwrap());
        drop(open);
        phone.sync().await.unwrap();
    }

    /// Who has said everything and closes that half of the line still hears the answer.
    async fn an_answer_comes_to_a_socket_closed_on_one_side(town: Town) {
        let mut phone = town.phone_with_work("hoa").await;
        town.review(&mut phone, "19558-01-0001");
        let body = cbor(&phone.request());
        let head = head(town.running.address, phone.access(), body.len());
        let address = town.running.address;
        let heard = tokio::task::spawn_blocking(move || {
            let mut line = TcpStream::connect(address).unwrap();
            line.write_all(&[head.as_bytes(), &body].concat()).unwrap();
            line.shutdown(Shutdown::Write).unwrap();
            let mut heard = Vec::new();
            line.read_to_end(&mut heard).unwrap();
            heard
        });
        assert!(heard.await.unwrap().starts_with(b"HTTP/1.1 200 OK"));
        let unsent = phone.outbox.len();
        let report = phone.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Known), unsent);
    }
}

fn head(address: SocketAddr, token: &str, length: usize) -> String {
    format!(
        "POST /v1/sync HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/cbor\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// What the clock of the next story is ahead, milliseconds.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

fn clock() -> i64 {
    system_clock() + AHEAD_MS.load(Ordering::SeqCst)
}

/// A token is judged when its request begins; one that runs out half way through loses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expires_during_an_upload_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let config = Config { listen, data: folder.path().join("data"), database: None };
    let app = App::open_at(&config, clock).await.unwrap();
    let password = first_account(&app).await.unwrap().unwrap();
    let running = Running::listen(app, listen).await.unwrap();
    let cast = Cast::gather(&format!("http://{}", running.address), &password).await;
    let mut phone = cast.phone_with_work("hoa").await;
    type_reviews(&cast, &mut phone, 40_000);

    let unsent = phone.outbox.len();
    let first = phone.request().batches[0].chunks.len();
    let body = cbor(&phone.request());
    let address = running.address;
    let head = head(address, phone.access(), body.len());
    let heard = tokio::task::spawn_blocking(move || {
        let mut line = TcpStream::connect(address).unwrap();
        let (one, other) = body.split_at(body.len() / 2);
        line.write_all(&[head.as_bytes(), one].concat()).unwrap();
        // The server has looked at the token once it waits for the rest; then a quarter of an hour
        // passes.
        let mut early = [0; 1];
        line.set_nonblocking(true).unwrap();
        assert!(line.read(&mut early).is_err(), "it waits for the rest");
        line.set_nonblocking(false).unwrap();
        AHEAD_MS.fetch_add(16 * 60 * 1000, Ordering::SeqCst);
        line.write_all(other).unwrap();
        line.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        line.read_to_end(&mut heard).unwrap();
        heard
    });
    let heard = heard.await.unwrap();
    let taken = heard.starts_with(b"HTTP/1.1 200 OK");
    // Where the head was read only after the quarter of an hour, nothing of it was taken.
    assert!(taken || heard.starts_with(b"HTTP/1.1 401"));
    let report = phone.sync().await.unwrap();
    assert_eq!(Phone::count(&report, Fate::Known), if taken { first } else { 0 });
    assert_eq!(report.verdicts.len(), unsent);
    assert!(phone.outbox.is_empty());
    running.stop().await.unwrap();
}
