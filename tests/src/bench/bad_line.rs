//! A line of 32 kbit/s and 800 ms there and back that breaks: how long work takes on it, and how much
//! of it goes up twice.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use server::demo::client::{Client, ClientError};
use server::demo::phone::{Phone, PhoneError};

use super::sizes::{Plenty, type_visits, visits};
use super::{Size, millis};
use crate::hamlet::{FIVE_SECONDS_BYTES, PAGES, type_pages, type_reviews};
use crate::line::{Cuts, Line};
use crate::process::Home;
use crate::town::Cast;

/// 32 kbit/s.
const BYTES_PER_SECOND: u64 = 4_000;

/// There and back, milliseconds.
const ROUND_TRIP_MS: u64 = 800;

/// Households beside those of the town.
const HOUSEHOLDS: usize = 50;

/// Bytes after which a day's pages are cut off: in the middle of the first part and of the rest.
const PAGES_CUTS: [u64; 2] = [2_000, 4_000];

/// Changes that come to 200 KB as sent, before they are compressed.
const UPLOAD_BYTES: usize = 420_000;

/// The same in a quick run, where the line breaks by the clock.
const UPLOAD_BYTES_QUICK: usize = 20_000;

/// Breaks of the large upload.
const UPLOAD_CUTS: u64 = 10;

/// How often a line breaks that never holds.
const CLOCK: Duration = Duration::from_secs(5);

/// After so long somebody whose line never holds gives up.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Work that went up a bad line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    /// Changes handed in.
    pub changes: usize,
    /// Round trips that were answered.
    pub trips: usize,
    /// Body bytes of those, compressed.
    pub body_up: usize,
    /// Times the line broke.
    pub cuts: u64,
    /// Times the phone gave up for now and its owner began again.
    pub given_up: usize,
    /// Nothing was left on the phone.
    pub finished: bool,
    /// From the first byte to the last receipt, milliseconds.
    pub took_ms: u64,
    /// Bytes that were sent, with HTTP heads, whether they arrived or not.
    pub wire_up: u64,
    /// Those of requests that were answered.
    pub answered_up: u64,
    /// Bytes that went up for nothing, per thousand of those that were answered.
    pub resent_permille: u64,
}

/// Work on such lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BadLine {
    /// Speed each way.
    pub bytes_per_second: u64,
    /// There and back, milliseconds.
    pub round_trip_ms: u64,
    /// Twenty-five pages of three answers each, cut twice.
    pub pages: Upload,
    /// The first twenty-five pages of full reviews, cut twice.
    pub review_pages: Upload,
    /// 200 KB, cut ten times.
    pub cut_ten_times: Upload,
    /// The same, cut by the clock every five seconds.
    pub cut_every_5_s: Upload,
}

/// Plays them at one time: each has a line of its own, and the server has next to nothing to do.
pub async fn measure(home: Home, size: Size) -> BadLine {
    let plenty = Plenty::start(home, HOUSEHOLDS).await;
    let (cast, server) = (&plenty.cast, plenty.address);
    let bytes = if size == Size::Quick { UPLOAD_BYTES_QUICK } else { UPLOAD_BYTES };
    // Each works where the others do not, so that nobody is sent another one's work.
    let mut hoa = Sender::ready(cast, server, "hoa").await;
    let mut lan = Sender::ready(cast, server, "lan").await;
    let mut son = Sender::ready(cast, server, "son").await;
    type_pages(&mut hoa.phone, PAGES);
    type_reviews(cast, &mut lan.phone, "19561-01", bytes);
    type_reviews(cast, &mut son.phone, "19369-01", bytes);
    let ten = Cuts::At((1..=UPLOAD_CUTS).map(|cut| cut * FIVE_SECONDS_BYTES).collect());
    let twice = Cuts::At(PAGES_CUTS.to_vec());
    let ((pages, review_pages), cut_ten_times, cut_every_5_s) = tokio::join!(
        async {
            let pages = hoa.send(server, twice.clone()).await;
            let mut minh = Sender::ready(cast, server, "minh").await;
            let visits = visits(cast, &minh.phone, HOUSEHOLDS).into_iter().take(PAGES);
            type_visits(&mut minh.phone, visits);
            (pages, minh.send(server, twice).await)
        },
        lan.send(server, ten),
        son.send(server, Cuts::Clock(CLOCK)),
    );
    BadLine {
        bytes_per_second: BYTES_PER_SECOND,
        round_trip_ms: ROUND_TRIP_MS,
        pages,
        review_pages,
        cut_ten_times,
        cut_every_5_s,
    }
}

/// Somebody with work, and what the head of a request costs on their line.
struct Sender {
    phone: Phone,
    head: u64,
}

impl Sender {
    async fn ready(cast: &Cast, server: SocketAddr, name: &str) -> Self {
        let mut phone = cast.phone_with_work(name).await;
        phone.sync().await.expect("it says that all is in");
        let sound = Line::default().to(server);
        phone.move_to(&Client::new(&sound.base));
        let idle = phone.sync().await.expect("it syncs");
        let head = sound.up() - u64::try_from(idle.up).expect("a length");
        Self { phone, head }
    }

    async fn send(&mut self, server: SocketAddr, cuts: Cuts) -> Upload {
        let line =
            Line { bytes_per_second: Some(BYTES_PER_SECOND), round_trip_ms: ROUND_TRIP_MS, cuts };
        let line = line.to(server);
        self.phone.move_to(&Client::new(&line.base));
        let unsent = self.phone.outbox.len();
        let (mut given_up, mut trips, mut body_up) = (0, 0, 0);
        let since = Instant::now();
        let finished = loop {
            match self.phone.sync().await {
                Ok(report) => {
                    // Of what went up before the phone gave up, it does not say what was answered.
                    (trips, body_up) = (report.trips, report.up);
                    break self.phone.outbox.is_empty();
                }
                Err(PhoneError::Client(ClientError::Transport(_)))
                    if since.elapsed() < PATIENCE =>
                {
                    given_up += 1;
                }
                Err(PhoneError::Client(ClientError::Transport(_))) => break false,
                Err(error) => panic!("{error}"),
            }
        };
        let (took_ms, wire_up) = (millis(&since.elapsed()), line.up());
        let count = |number: usize| u64::try_from(number).expect("a count");
        let answered_up = count(body_up) + count(trips) * self.head;
        Upload {
            changes: unsent - self.phone.outbox.len(),
            trips,
            body_up,
            cuts: line.cuts(),
            given_up,
            finished,
            took_ms,
            wire_up,
            answered_up,
            resent_permille: wire_up.saturating_sub(answered_up) * 1000 / answered_up.max(1),
        }
    }
}
