//! The straight way: phones review, the commune submits, the district approves, rates appear.

use mobile_schema::frame::Fate;
use serde_json::json;
use server::demo::phone::Phone;
use tests::on_each_backend;
use tests::town::MO_O;

on_each_backend! {
    /// Mò Ó goes from phone to rate: six families, of which two are poor and two near-poor.
    async fn a_commune_goes_from_phones_to_its_rate(town: Town) {
        town.review_mo_o().await;
        let root = town.recognise_mo_o().await;

        let row = town.rates_of(MO_O).await;
        assert_eq!(row["complete"], true);
        assert_eq!(row["counts"]["closing"]["households"], 200);
        assert_eq!(row["counts"]["poor"]["households"], 2);
        assert_eq!(row["counts"]["near_poor"]["households"], 2);
        assert_eq!(row["counts"]["poor"]["dtts_households"], 2);
        assert_eq!(row["counts"]["opening_poor"]["households"], 3);
        assert_eq!(row["counts"]["opening_near_poor"]["households"], 2);
        assert_eq!(row["figures"]["poor"], 100, "2 of 200 is 1,00 %");
        assert_eq!(row["figures"]["poor_change_points"], -67, "3/180 is 1,67 %");

        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((list["step"].as_str(), list["root"].as_str()), (Some("recognised"), Some(root.as_str())));
        let province = town.rates_of("45").await;
        assert_eq!(province["complete"], false, "125 lists are still missing");
        assert_eq!(province["counts"]["poor"]["households"], 2);
    }

    /// A phone loses the answer and sends everything again: the office keeps one copy.
    async fn a_repeated_push_changes_nothing(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0001");
        let unsent = hoa.outbox.len();
        hoa.lose_a_response().await.unwrap();
        let again = hoa.sync().await.unwrap();

        assert!(unsent >= 4, "a review is at least four pages");
        assert_eq!(Phone::count(&again, Fate::Known), unsent);
        assert_eq!(Phone::count(&again, Fate::Accepted), 0);
        assert!(hoa.outbox.is_empty());
    }

    /// Minh works in the same hamlet: at the next sync he has what hoa wrote, and the reverse.
    async fn two_phones_of_one_hamlet_end_up_alike(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let mut minh = town.phone_with_work("minh").await;
        let first = town.review(&mut hoa, "19558-01-0001");
        let second = town.review(&mut minh, "19558-01-0003");
        hoa.sync().await.unwrap();
        minh.sync().await.unwrap();
        hoa.sync().await.unwrap();

        for document in [first, second] {
            assert_eq!(hoa.household(document).unwrap(), minh.household(document).unwrap());
        }
        let hamlets: Vec<_> = minh.households.values().map(|kept| kept.hamlet.as_str()).collect();
        assert!(hamlets.iter().all(|hamlet| *hamlet == "19558-01"), "{hamlets:?}");
    }

    /// Nothing new: one round trip and little in the bodies; the benchmark counts headers too.
    async fn a_sync_with_nothing_new_is_small(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let report = hoa.sync().await.unwrap();
        assert_eq!((report.trips, report.received), (1, 0));
        assert!(report.up + report.down < 400, "{} up, {} down", report.up, report.down);
    }

    /// The form is checked, never the person: impossible answers are merged and flagged.
    async fn impossible_answers_are_merged_and_flagged(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.review(&mut hoa, "19558-01-0001");
        let members: Vec<String> =
            hoa.household(document).unwrap().members.keys().take(2).cloned().collect();
        let mut page = shared::page::Page::default();
        for id in &members {
            let answers = [
                ("birth".to_owned(), "2023-02-30".into()),
                ("id_number".to_owned(), "045999000001".into()),
            ];
            page.members.insert(id.clone(), answers.into());
        }
        hoa.save(document, &[page]).unwrap();
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), report.verdicts.len());

        let path = town.path(&format!("/households/{document}"));
        let read = town.officer.get(&path).await.unwrap();
        let flags: Vec<_> = read["standing"]["flags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flag| flag["code"].as_str().unwrap())
            .collect();
        assert!(flags.contains(&"date-not-plausible"), "{flags:?}");
        assert!(flags.contains(&"id-number-twice"), "{flags:?}");
    }

    /// Approving names the root that was shown; anything else is refused.
    async fn a_stale_root_is_refused(town: Town) {
        town.review_mo_o().await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let other = "0".repeat(64);
        let refused = town.district.approve(town.campaign, MO_O, &other).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-root-stale"));
        let act = json!({ "act": "submit", "root": root });
        let twice = town.officer.act(town.campaign, MO_O, &act).await.unwrap_err();
        assert_eq!(twice.name(), Some("list-state"));
    }
}
