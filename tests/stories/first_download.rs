//! Five hundred households on the real form: what they cost on the line, and what nothing costs.

use mobile_schema::household::Value;
use server::demo::client::Client;
use server::demo::phone::Phone;
use server::demo::population::{Spec, truth};
use shared::page::Page;
use tests::line::Line;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

/// Households of one enumerator, beside the few of the town.
const HOUSEHOLDS: u64 = 500;

/// A first download of opening households, everything on the line counted.
const OPENING_BYTES_MAX: u64 = 300_000;

/// One of households with twenty edits each.
const EDITED_BYTES_MAX: u64 = 550_000;

/// A round trip that has nothing to say, both ways, heads and all.
const NOTHING_BYTES_MAX: u64 = 1_024;

/// Twenty-five form pages on their way up.
const PAGES_BYTES_MAX: u64 = 8 * 1024;

/// Writes the opening list of five hundred made-up families of one hamlet.
fn roster(town: &Town) -> String {
    let mut file =
        "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n"
            .to_owned();
    for number in 0..HOUSEHOLDS {
        let like = &town.families[["19558-01-0001", "19558-01-0003"][usize::from(number % 2 == 0)]];
        let code = format!("19558-01-{}", 1_000 + number);
        let spec = Spec { code, seed: like.seed + (number << 32), ..like.clone() };
        for member in truth(&spec, &town.basis()).opening_members {
            let text = |key: &str| member.get(key).and_then(Value::as_text).unwrap_or("");
            let class = spec.opening.expect("it is listed").as_str();
            let keys = ["name", "relation", "birth", "sex", "ethnicity", "id_number"];
            let cells = [spec.code.as_str(), &spec.hamlet, class, "QĐ 1/2021", "0"];
            let cells: Vec<&str> = cells.into_iter().chain(keys.into_iter().map(text)).collect();
            file.push_str(&(cells.join(",") + "\n"));
        }
    }
    file
}

/// Lets a phone that has nothing yet fetch everything; returns it and the bytes on its line.
async fn fetch(town: &Town) -> (Phone, u64) {
    let line = Line::default().to(town.running.address);
    let mut phone = town.phone("hoa").await;
    phone.move_to(&Client::new(&line.base));
    phone.sync().await.unwrap();
    assert!(phone.households.len() >= 500);
    (phone, line.up() + line.down())
}

on_each_backend! {
    async fn five_hundred_households_come_in_three_hundred_kilobytes(town: Town) {
        town.province.import(&town.path("/roster"), roster(&town)).await.unwrap();
        let (mut phone, bytes) = fetch(&town).await;
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

        let documents: Vec<_> = phone.households.keys().copied().take(25).collect();
        for (area, document) in (4_000_i64..).zip(documents) {
            let mut page = Page::default();
            page.answers.insert("area_dm2".to_owned(), area.into());
            page.answers.insert("roof".to_owned(), "leaf".into());
            page.answers.insert("wall".to_owned(), "plank".into());
            phone.save(document, &[page]).unwrap();
        }
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
    town.province.import(&town.path("/roster"), roster(&town)).await.unwrap();
    let mut phones = [fetch(&town).await.0, fetch(&town).await.0];
    for round in 0..20_i64 {
        let phone = &mut phones[usize::from(round % 2 == 1)];
        for document in phone.households.keys().copied().collect::<Vec<_>>() {
            let mut page = Page::default();
            let key = ["area_dm2", "land.paddy_m2", "electricity_kwh_month", "goods.motorbike"];
            let key = key[usize::try_from(round % 4).unwrap()];
            page.answers.insert(key.to_owned(), (round + 1).into());
            page.answers.insert("cause_other".to_owned(), format!("lần {round}").into());
            phone.save(document, &[page]).unwrap();
        }
        phone.sync().await.unwrap();
    }
    // Whoever reads the list lets every household be merged and saved.
    town.officer.get(&town.path(&format!("/units/{MO_O}/households"))).await.unwrap();
    let (phone, bytes) = fetch(&town).await;
    eprintln!("{} edited households: {bytes} bytes", phone.households.len());
    assert!(bytes <= EDITED_BYTES_MAX, "{bytes} bytes");
}
