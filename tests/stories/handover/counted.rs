//! A household that moved in the figures: once, wherever and whenever it is recognised.

use serde_json::json;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town};

use super::{LISTED, closes, columns, moved, recognise, reviewed, root, row};
use crate::ask::{get, post};
use crate::offices::Browser;
use crate::register::later_campaign;

/// Poor and near-poor households of the register below a unit.
async fn counted(town: &Town, under: &str) -> (u64, u64) {
    let path = town.path(&format!("/register?on=2022-12-31&under={under}"));
    let shown = get(town, town.province.token(), &path).await.taken();
    let count = |class: &str| shown[class]["households"].as_u64().unwrap();
    (count("poor"), count("near_poor"))
}

on_each_backend! {
    /// Two communes recognise on two days: in between and after, whoever is first, it is counted once.
    async fn between_two_recognitions_it_is_counted_once(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        assert_eq!([counted(&town, MO_O).await, counted(&town, HUONG_HIEP).await], [(3, 2), (1, 1)]);
        moved(&town, &town.officer, (&neighbour, HUONG_HIEP, "19561-01"), document).await;
        assert_eq!(counted(&town, MO_O).await, (3, 2), "decisions count, and none was recognised");
        recognise(&town, &neighbour, HUONG_HIEP).await;
        assert_eq!(counted(&town, HUONG_HIEP).await, (2, 1));
        assert_eq!(counted(&town, MO_O).await, (2, 2), "it stands there no longer");
        assert_eq!(counted(&town, "467").await, (4, 3));
        let path = town.path("/register?on=2022-12-31");
        let own = get(&town, town.officer.token(), &path).await.taken();
        assert!(!own.to_string().contains(LISTED));
        // The later campaign's opening list has it once, and in the commune that took it.
        let later = later_campaign(&town).await;
        let (token, take) = (town.province.token(), json!({ "on": "2023-09-01" }));
        let taken = post(&town, token, &format!("{later}/register/roster"), &take).await.taken();
        assert_eq!((&taken["taken"], &taken["known"]), (&json!(8), &json!(0)));
        let households = async |unit: &str| {
            let path = format!("{later}/units/{unit}/households");
            get(&town, token, &path).await.taken().to_string()
        };
        assert!(households(HUONG_HIEP).await.contains(LISTED));
        assert!(!households(MO_O).await.contains(LISTED));

        recognise(&town, &town.officer, MO_O).await;
        let both = (2, 1);
        assert_eq!(counted(&town, HUONG_HIEP).await, both, "leaving the one ends nothing in the other");
        // Taken back where it came to, it stands nowhere until that is decided again.
        let root = root(&town, &neighbour, HUONG_HIEP).await;
        let act = json!({ "act": "withdraw", "root": root, "reason": "thử" });
        neighbour.act(town.campaign, HUONG_HIEP, &act).await.unwrap();
        assert_eq!(counted(&town, HUONG_HIEP).await, (1, 1));
        let held = get(&town, town.officer.token(), &path).await.taken();
        assert!(!held.to_string().contains(LISTED));
    }

    /// It moves and changes its class: it left the one form and came into the other, and is in no
    /// column of those who rose, as is said under the forms.
    async fn a_class_that_changes_with_a_move_is_no_exit(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, "19558-01-0002");
        let before = row(&town, &town.officer, MO_O, document).await;
        assert_eq!((&before["opening"], &before["class"]), (&json!("poor"), &json!("near_poor")));
        moved(&town, &town.officer, (&neighbour, HUONG_HIEP, "19561-01"), document).await;
        recognise(&town, &town.officer, MO_O).await;
        recognise(&town, &neighbour, HUONG_HIEP).await;
        let of = async |form: &str, column: usize| {
            let path = format!("/register/moves?form={form}&column={column}&under=467");
            let all = get(&town, town.district.token(), &town.path(&path)).await.taken();
            let parts = all["parts"].as_array().unwrap().iter();
            parts.filter(|part| part["document"] == json!(document)).count()
        };
        assert_eq!((of("7.2", 4).await, of("7.3", 8).await), (1, 1));
        for (form, column) in [("7.2", 2), ("7.2", 3), ("7.3", 5), ("7.3", 7)] {
            assert_eq!(of(form, column).await, 0, "{form} {column}");
        }
        for form in ["7.2", "7.3"] {
            closes(&columns(&town, form, MO_O).await);
            closes(&columns(&town, form, HUONG_HIEP).await);
        }
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let form = format!("/office/campaigns/{}/forms/7.2", town.campaign);
        officer.open(&form).await.holds("chuyển xã và đổi diện");
    }
}
