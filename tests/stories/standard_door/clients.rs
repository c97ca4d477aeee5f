//! Stock clients of both published lines, and what they share with phones.

use serde_json::json;
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::Town;

use super::Right;
use super::people::Stock;

/// Waits until the log holds so many changes of a household that came over the door.
pub(super) async fn until_stored(town: &Town, document: DocumentId, count: usize) {
    let path = town.path(&format!("/households/{document}"));
    for _ in 0..200 {
        let read = town.officer.get(&path).await.unwrap();
        let changes = read["changes"].as_array().unwrap();
        let came = changes.iter().filter(|change| change["provenance"] == "session").count();
        if came >= count {
            assert_eq!(came, count);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{count} changes did not come");
}

async fn share(town: Town, version: &str) {
    let Some(mut stock) = Stock::start(version) else { return };
    let mut hoa = town.phone_with_work("hoa").await;
    let document = town.document(&hoa, "19558-01-0001");
    let tablet = town.phone("minh").await;
    let right = Right { client: &town.client, token: tablet.access() };
    stock.join(&right.ticket(&town).await).await;
    assert_eq!(stock.find(document).await, "ready");
    assert!(stock.read(document).await["roof"].is_null());

    // What it writes reaches the phone.
    stock.edit(document, json!({ "area_dm2": 4_100, "roof": "leaf" })).await;
    until_stored(&town, document, 1).await;
    hoa.sync().await.unwrap();
    assert_eq!(hoa.household(document).unwrap().answers["area_dm2"], 4_100.into());
    assert_eq!(hoa.household(document).unwrap().answers["roof"], "leaf".into());

    // What the phone writes is sent to it without being asked for.
    let mut page = Page::default();
    page.answers.insert("wall".to_owned(), "plank".into());
    hoa.save(document, &[page]).unwrap();
    hoa.sync().await.unwrap();
    stock.wait(document, "wall", "plank").await;

    // Both write out of contact, and come to the same.
    stock.say("leave").await;
    stock.edit(document, json!({ "water": "rain" })).await;
    let mut page = Page::default();
    page.answers.insert("floor".to_owned(), "earth".into());
    hoa.save(document, &[page]).unwrap();
    hoa.sync().await.unwrap();
    stock.say("come").await;
    stock.wait(document, "floor", "earth").await;
    until_stored(&town, document, 2).await;
    hoa.sync().await.unwrap();
    let answers = hoa.household(document).unwrap().answers;
    assert_eq!((&answers["water"], &answers["floor"]), (&"rain".into(), &"earth".into()));
}

on_each_backend! {
    /// It opens a household by its address, reads, writes, goes away and comes back.
    async fn a_stock_client_of_today_and_a_phone_share_a_household(town: Town) {
        share(town, "2.5").await;
    }

    /// The line before it does the same.
    async fn a_stock_client_of_the_line_before_shares_a_household(town: Town) {
        share(town, "1.2").await;
    }
}
