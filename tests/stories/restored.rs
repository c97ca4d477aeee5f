//! Copied and restored phones hear of everything they do not have, their own device's work too.

use shared::page::Page;
use tests::on_each_backend;

fn roof(value: &str) -> Page {
    Page { answers: [("roof".to_owned(), value.into())].into(), ..Page::default() }
}

on_each_backend! {
    /// Two copies of one phone work on different households: nothing clashes, nobody is told, and
    /// each must still get what the other wrote.
    async fn copies_that_never_clash_hear_of_each_other(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut copy = hoa.copied();
        let first = town.document(&hoa, "19558-01-0001");
        let second = town.document(&hoa, "19558-01-0002");
        hoa.save(first, &[roof("leaf")]).unwrap();
        copy.save(second, &[roof("canvas")]).unwrap();
        hoa.sync().await.unwrap();
        copy.sync().await.unwrap();
        hoa.sync().await.unwrap();
        assert_eq!(copy.household(first).unwrap().answers["roof"], "leaf".into());
        assert_eq!(hoa.household(second).unwrap().answers["roof"], "canvas".into());
    }

    /// A phone is brought back from its backup: what it had handed in since comes back to it.
    async fn a_restored_phone_gets_back_what_it_wrote_since(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut backup = hoa.copied();
        let document = town.document(&hoa, "19558-01-0001");
        hoa.save(document, &[roof("leaf")]).unwrap();
        let report = hoa.sync().await.unwrap();
        assert_eq!(report.received, 0, "what it has just sent is not sent back");
        backup.sync().await.unwrap();
        assert_eq!(backup.household(document).unwrap().answers["roof"], "leaf".into());
    }
}
