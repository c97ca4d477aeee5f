//! Equal edits in two households have equal hashes, and are two changes all the same.

use mobile_schema::frame::Fate;
use server::demo::phone::Phone;
use shared::page::Page;
use tests::on_each_backend;

use crate::laws::ledger;

on_each_backend! {
    /// One phone types the same first answer about two families at the same minute.
    async fn equal_edits_in_two_households_are_two_changes(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let clock_s = hoa.clock_s;
        let page = Page { answers: [("water".to_owned(), "rain".into())].into(), ..Page::default() };
        let mut families = Vec::new();
        for _ in 0..2 {
            let (document, _) = hoa.register("19558-01");
            hoa.clock_s = clock_s;
            hoa.save(document, std::slice::from_ref(&page)).unwrap();
            families.push(document);
        }
        assert_eq!(hoa.outbox[0].hash, hoa.outbox[1].hash, "the edits are equal");
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), 2);

        let log = ledger::entries(&town).await;
        for family in &families {
            let path = town.path(&format!("/households/{family}"));
            let read = town.officer.get(&path).await.unwrap();
            assert_eq!(read["household"]["answers"]["water"], "rain");
            assert_eq!(log.iter().filter(|entry| entry.document == *family).count(), 1);
        }
        ledger::check_positions(&town).await;
    }
}
