//! Five hundred households on the real form: what they cost on the line, and what nothing costs.

use server::demo::client::Client;
use server::demo::phone::Phone;
use tests::hamlet::{
    EDITS, Fetched, HOUSEHOLDS, PAGES, fetch, listed, roster_file, type_pages, type_round,
};
use tests::line::Line;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

/// A first download of opening households, everything on the line counted.
const OPENING_BYTES_MAX: u64 = 300_000;

/// One of households with twenty edits each.
const EDITED_BYTES_MAX: u64 = 550_000;

/// A round trip that has nothing to say, both ways, heads and all.
const NOTHING_BYTES_MAX: u64 = 1_024;

/// Twenty-five form pages on their way up.
const PAGES_BYTES_MAX: u64 = 8 * 1024;

/// Imports five hundred made-up families into hoa's hamlet.
async fn import(town: &Town) {
    let roster = roster_file(&listed(town, HOUSEHOLDS), &town.basis());
    town.province.import(&town.path("/roster"), roster).await.unwrap();
}

/// Lets a phone that has nothing yet fetch everything; returns it and the bytes on its line.
async fn fetched(town: &Town) -> (Phone, u64) {
    let Fetched { phone, line, .. } = fetch(town, town.running.address).await;
    assert!(phone.households.len() >= 500);
    (phone, line.up() + line.down())
}

on_each_backend! {
    async fn five_hundred_households_come_in_three_hundred_kilobytes(town: Town) {
        import(&town).await;
        let (mut phone, bytes) = fetched(&town).await;
        eprintln!("{} opening households: {bytes} bytes", phone.households.len());
        assert!(bytes <= OPENING_BYTES_MAX, "{bytes} bytes");

        // The next one still says that all is in; the third has nothing to say.
        phone.sync().await.unwrap();
        let line = Line::default().to(town.running.address);
        phone.move_to(&Client::new(&line.base));
        assert_eq!(phone.sync().await.unwrap().trips, 1);
        let (up, down) = (line.up(), line.down());
        eprintln!("nothing new: {up} up, {down} down");
        assert!(up + down < NOTHING_BYTES_MAX, "{up} up, {down} down");

        type_pages(&mut phone, PAGES);
        let before = line.up();
        phone.sync().await.unwrap();
        let bytes = line.up() - before;
        eprintln!("25 pages: {bytes} bytes up");
        assert!(bytes <= PAGES_BYTES_MAX, "{bytes} bytes");
    }
}

/// Twenty edits of each household, by two people; only in a long run, for it types 10.000 pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edited_households_come_in_five_hundred_and_fifty_kilobytes() {
    if std::env::var_os("RASOAT_LONG").is_none() {
        return;
    }
    let town = Town::sqlite().await;
    import(&town).await;
    let mut phones = [fetched(&town).await.0, fetched(&town).await.0];
    for round in 0..EDITS {
        let phone = &mut phones[round % 2];
        type_round(phone, round);
        phone.sync().await.unwrap();
    }
    // Whoever reads the list lets every household be merged and saved.
    town.officer.get(&town.path(&format!("/units/{MO_O}/households"))).await.unwrap();
    let (phone, bytes) = fetched(&town).await;
    eprintln!("{} edited households: {bytes} bytes", phone.households.len());
    assert!(bytes <= EDITED_BYTES_MAX, "{bytes} bytes");
}
