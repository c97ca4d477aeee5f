//! What five hundred households cost on the line: bytes as sent, and round trips.

use std::net::SocketAddr;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use server::demo::client::Client;
use server::demo::phone::{Phone, SyncReport};
use server::demo::population::truth;
use shared::id::DocumentId;
use shared::page::Page;

use super::{Size, micros};
use crate::hamlet::{
    EDITS, Fetched, HOUSEHOLDS, PAGES, VISIT, fetch, listed, roster_file, type_pages, type_round,
};
use crate::line::Laid;
use crate::process::{Home, Server, free_address};
use crate::town::{Cast, MO_O};

/// Households of a quick run.
const HOUSEHOLDS_QUICK: usize = 30;

/// One sync of one phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sync {
    /// Households on the phone, the few of the town among them.
    pub households: usize,
    /// Changes handed in.
    pub changes: usize,
    /// Round trips.
    pub trips: usize,
    /// Body bytes sent, compressed.
    pub body_up: usize,
    /// Body bytes received, compressed.
    pub body_down: usize,
    /// Bytes sent with HTTP heads, on an open connection.
    pub wire_up: u64,
    /// Bytes received with HTTP heads.
    pub wire_down: u64,
    /// Time it took on this machine, microseconds.
    pub took_us: u64,
}

/// Five hundred households, synced in every state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sizes {
    /// First download of opening households.
    pub opening: Sync,
    /// Nothing changed on either side.
    pub idle: Sync,
    /// Twenty-five form pages edited, one in each of as many households, three answers each.
    pub pages: Sync,
    /// The first twenty-five pages of reviewing households in full.
    pub review_pages: Sync,
    /// First download of households with twenty edits of two answers each, by two people.
    pub edited: Sync,
    /// First download of households that were reviewed in full, once.
    pub reviewed: Sync,
    /// Changes of those.
    pub reviewed_changes: usize,
}

/// A server of its own with a hamlet full of households.
pub(super) struct Plenty {
    pub(super) server: Server,
    pub(super) cast: Cast,
    pub(super) address: SocketAddr,
    _home: Home,
}

impl Plenty {
    /// Starts it and imports the households.
    pub(super) async fn start(home: Home, households: usize) -> Self {
        let address = free_address();
        let (server, password) = home.start_first(address);
        let cast = Cast::gather(server.base(), &password).await;
        let roster = roster_file(&listed(&cast, households), &cast.basis());
        cast.province.import(&cast.path("/roster"), roster).await.expect("a roster");
        Self { server, cast, address, _home: home }
    }

    /// Lets every household be merged and saved: whoever reads the list asks for that.
    async fn read_all(&self) {
        let path = self.cast.path(&format!("/units/{MO_O}/households"));
        self.cast.officer.get(&path).await.expect("it reads the list");
    }

    /// Lets a new phone fetch everything.
    async fn first(&self) -> (Fetched, Sync) {
        let since = Instant::now();
        let fetched = fetch(&self.cast, self.address).await;
        let took_us = micros(&since.elapsed());
        let Fetched { phone, line, report } = &fetched;
        let sync =
            Sync { took_us, wire_up: line.up(), wire_down: line.down(), ..Sync::of(phone, report) };
        (fetched, sync)
    }
}

impl Sync {
    fn of(phone: &Phone, report: &SyncReport) -> Self {
        Self {
            households: phone.households.len(),
            changes: report.verdicts.len(),
            trips: report.trips,
            body_up: report.up,
            body_down: report.down,
            wire_up: 0,
            wire_down: 0,
            took_us: 0,
        }
    }

    /// Lets a phone sync on a line that counts.
    async fn again(phone: &mut Phone, line: &Laid) -> Self {
        let (up, down) = (line.up(), line.down());
        let since = Instant::now();
        let report = phone.sync().await.expect("it syncs");
        let took_us = micros(&since.elapsed());
        let (wire_up, wire_down) = (line.up() - up, line.down() - down);
        Self { took_us, wire_up, wire_down, ..Self::of(phone, &report) }
    }
}

/// Counts all of it, on two servers on SQLite.
pub async fn measure(homes: [Home; 2], size: Size) -> Sizes {
    let households = if size == Size::Quick { HOUSEHOLDS_QUICK } else { HOUSEHOLDS };
    let [one, other] = homes;
    let plenty = Plenty::start(one, households).await;
    let (Fetched { mut phone, line, .. }, opening) = plenty.first().await;
    // The next one still says that all is in; the third has nothing to say.
    phone.sync().await.expect("it syncs");
    let idle = Sync::again(&mut phone, &line).await;
    type_pages(&mut phone, PAGES);
    let pages = Sync::again(&mut phone, &line).await;
    let mut visits = visits(&plenty.cast, &phone, households).into_iter();
    type_visits(&mut phone, visits.by_ref().take(PAGES));
    let review_pages = Sync::again(&mut phone, &line).await;
    phone.move_to(&Client::new(plenty.server.base()));
    let reviewed_changes = review_pages.changes + type_visits(&mut phone, visits);
    phone.sync().await.expect("it hands in");
    plenty.read_all().await;
    let reviewed = plenty.first().await.1;
    drop(plenty);
    let edited = edit(&Plenty::start(other, households).await).await;
    Sizes { opening, idle, pages, review_pages, edited, reviewed, reviewed_changes }
}

/// Writes the pages of reviewing every household in full, household by household.
pub(super) fn visits(cast: &Cast, phone: &Phone, households: usize) -> Vec<(DocumentId, Page)> {
    let mut visits = Vec::new();
    for spec in listed(cast, households) {
        let document = cast.document(phone, &spec.code);
        let known = phone.household(document).expect("it is on the phone");
        let pages = VISIT.pages(&truth(&spec, &cast.basis()), &known, false);
        visits.extend(pages.into_iter().map(|page| (document, page)));
    }
    visits
}

/// Types pages; returns how many changes wait on the phone.
pub(super) fn type_visits(
    phone: &mut Phone,
    visits: impl Iterator<Item = (DocumentId, Page)>,
) -> usize {
    for (document, page) in visits {
        phone.save(document, &[page]).expect("it saves");
    }
    phone.outbox.len()
}

/// Edits every household twenty times, by two people; returns what fetching it costs.
async fn edit(plenty: &Plenty) -> Sync {
    let mut phones = [plenty.first().await.0.phone, plenty.first().await.0.phone];
    for round in 0..EDITS {
        let phone = &mut phones[round % 2];
        type_round(phone, round);
        phone.sync().await.expect("it hands in");
    }
    plenty.read_all().await;
    plenty.first().await.1
}
