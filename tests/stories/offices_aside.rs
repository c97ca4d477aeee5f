//! What was set aside, on the page of the commune that decides about it.

use shared::page::Page;
use tests::on_each_backend;
use tests::town::MO_O;

use crate::offices::Browser;

on_each_backend! {
    /// Somebody without the hamlet wrote into it: the officer reads who and why, lets one change in and
    /// leaves the other out; a page that is out of date says so and keeps what was typed.
    async fn the_officer_lets_in_or_leaves_out_on_a_page(town: Town) {
        let hoa = town.review_mo_o().await;
        let mut stranger = town.phone("stranger").await;
        for code in ["19558-01-0001", "19558-01-0002"] {
            let document = town.document(&hoa, code);
            stranger.households.insert(document, hoa.households[&document].clone());
            let answers = [("cause_other".to_owned(), "mất mùa".into())].into();
            stranger.save(document, &[Page { answers, ..Page::default() }]).unwrap();
        }
        stranger.sync().await.unwrap();

        let of = format!("/office/campaigns/{}", town.campaign);
        let path = format!("{of}/units/{MO_O}/aside");
        let mut officer = Browser::of(&town, "xa-19558").await;
        officer.open(&format!("{of}/units/{MO_O}")).await.holds("Thay đổi để riêng");
        let page = officer.open(&path).await;
        page.holds("19558-01-0001").holds("19558-01-0002").holds("giữ lại chờ xem xét");
        page.holds("chưa từng được giao thôn này");
        let (document, hash) = (page.field("document"), page.field("hash"));
        let named = [("document", document.as_str()), ("hash", hash.as_str())];
        let with = |act: &'static str, reason: &'static str| {
            [named.as_slice(), &[("act", act), ("reason", reason)]].concat()
        };
        assert_eq!(officer.fill(&path, &page, &with("in", "")).await.status, 422, "no reason");
        let refused = officer.fill(&path, &page, &with("aside", "đi thay")).await;
        assert_eq!(refused.status, 400);
        refused.holds("value=\"đi thay\"");
        assert_eq!(officer.fill(&path, &page, &with("in", "đi thay")).await.status, 303);
        let again = officer.fill(&path, &page, &with("in", "đi thay")).await;
        assert_eq!(again.status, 404, "it is in already");
        let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        assert_eq!(read["household"]["answers"]["cause_other"], "mất mùa");

        let page = officer.open(&path).await;
        page.lacks(&hash);
        let (document, hash) = (page.field("document"), page.field("hash"));
        let fields = [("document", document.as_str()), ("hash", &hash), ("act", "out"),
            ("reason", "ghi nhầm hộ")];
        assert_eq!(officer.fill(&path, &page, &fields).await.status, 303);
        let page = officer.open(&path).await;
        page.holds("để lại, không gộp").holds("Cho vào hồ sơ").lacks("value=\"out\"");
        let mut district = Browser::of(&town, "huyen-467").await;
        district.open(&path).await.lacks("Cho vào hồ sơ");
    }
}
