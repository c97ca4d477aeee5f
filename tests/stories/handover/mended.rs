//! What each side sees and may do after a move: nothing leaks, and an old page decides nothing.

use serde_json::{Value, json};
use server::demo::office::Office;
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI};

use super::{
    LISTED, accept, because, cause, moved, newest, offer, recognise, reviewed, root, row, say,
    say_of,
};
use crate::ask::{get, post};
use crate::offices::Browser;
use crate::tables::{dechunked, fetch};

fn outcome(code: &str) -> Page {
    Page { answers: [("outcome".to_owned(), code.into())].into(), ..Page::default() }
}

/// Gives somebody another name.
fn renamed(member: &str, name: &str) -> Page {
    let members = [(member.to_owned(), [("name".to_owned(), name.into())].into())].into();
    Page { members, ..Page::default() }
}

/// Id and name of who is the head.
fn head(known: &mobile_schema::household::Household) -> (String, String) {
    let is_head =
        |one: &mobile_schema::household::Answers| one.get("relation") == Some(&"head".into());
    let (id, answers) = known.present().find(|(_, one)| is_head(one)).unwrap();
    (id.clone(), answers["name"].as_text().unwrap().to_owned())
}

/// Handings over of a document as a unit's page lists them.
async fn listed(town: &Town, office: &Office, unit: &str, document: DocumentId) -> Vec<Value> {
    let path = town.path(&format!("/units/{unit}/handovers"));
    let all = get(town, office.token(), &path).await.taken().as_array().unwrap().clone();
    all.into_iter().filter(|one| one["document"] == json!(document)).collect()
}

/// Who has single households of a unit now: account and code.
async fn singles(town: &Town, office: &Office, unit: &str) -> Vec<(String, String)> {
    let path = town.path(&format!("/units/{unit}/assignments"));
    let all = get(town, office.token(), &path).await.taken();
    let is_open = |one: &&Value| one["document"].is_string() && one["until_ms"].is_null();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let open = all.as_array().unwrap().iter().filter(is_open);
    open.map(|one| (text(one, "account"), text(one, "household"))).collect()
}

on_each_backend! {
    /// What is asked of it where it came to is nowhere in the files, lists and prints of where it left.
    async fn what_is_asked_elsewhere_is_in_no_file_of_where_it_left(town: Town) {
        let (neighbour, hoa, mut lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let other = Browser::of(&town, &format!("xa-{HUONG_HIEP}")).await;
        let file = |unit: &str, layout: &str| {
            format!("{campaign}/export/file?unit={unit}&layout={layout}&format=csv")
        };
        let pages = [
            format!("{campaign}/units/{MO_O}/households"),
            format!("{campaign}/units/{MO_O}/paper?q=19558"),
            format!("{campaign}/units/{MO_O}/print/review-list"),
            file(MO_O, "households"),
            file(MO_O, "members"),
        ];
        let text = async |browser: &Browser, page: &str| {
            let heard = fetch(browser, page).await;
            assert_eq!(heard.status, 200, "{page}");
            String::from_utf8(dechunked(&heard)).unwrap()
        };
        for page in &pages {
            assert!(text(&officer, page).await.contains(LISTED), "{page}");
        }
        moved(&town, &town.officer, (&neighbour, HUONG_HIEP, "19561-01"), document).await;
        lan.sync().await.unwrap();
        let (member, _) = head(&lan.household(document).unwrap());
        let secret = Page { answers: cause("chuyện chỉ nơi đến biết").answers, ..renamed(&member, "Tên Chỉ Nơi Đến") };
        lan.save(document, &[secret]).unwrap();
        lan.sync().await.unwrap();
        for page in &pages {
            let held = text(&officer, page).await;
            for secret in [LISTED, "chuyện chỉ nơi đến biết", "Tên Chỉ Nơi Đến"] {
                assert!(!held.contains(secret), "{page}: {secret}");
            }
        }
        let there = text(&other, &file(HUONG_HIEP, "members")).await;
        assert!(there.contains("Tên Chỉ Nơi Đến"), "it is asked there");
        // It is not gone without a word: its row says where it went, and so do the pages that show rows.
        let gone = row(&town, &town.officer, MO_O, document).await;
        assert_eq!((&gone["outcome"], &gone["life"]), (&json!("left"), &json!("moved_out")));
        let path = town.path(&format!("/units/{MO_O}/comparison"));
        let compared = get(&town, town.officer.token(), &path).await.taken().to_string();
        assert!(compared.contains(LISTED) && !compared.contains("Tên Chỉ Nơi Đến"));
        let moves = format!("{campaign}/units/{MO_O}/handovers");
        officer.open(&moves).await.holds(LISTED).lacks("Tên Chỉ Nơi Đến");
    }

    /// A name is shown as it was offered: what the other side writes since is its own.
    async fn the_other_side_sees_the_head_as_it_was_offered(town: Town) {
        let (neighbour, mut hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let (member, was) = head(&hoa.household(document).unwrap());
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &because("decline")).await.taken();
        hoa.save(document, &[renamed(&member, "Tên Mới Sau Đó")]).unwrap();
        hoa.sync().await.unwrap();
        let path = town.path(&format!("/households/{document}"));
        let read = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(read["standing"]["head"], "Tên Mới Sau Đó");
        let seen = &listed(&town, &neighbour, HUONG_HIEP, document).await[0];
        assert_eq!((&seen["code"], &seen["head"]), (&json!(LISTED), &json!(was)));
        town.officer.list(town.campaign, MO_O).await.unwrap();
        let own = &listed(&town, &town.officer, MO_O, document).await[0];
        assert_eq!(own["head"], "Tên Mới Sau Đó", "where it is, as it is known");
    }

    /// Three communes, and pages that are old by then: none decides about what it does not show.
    async fn an_old_page_decides_nothing(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let far = town.sign_in(&format!("xa-{VINH_THAI}")).await;
        let document = town.document(&hoa, LISTED);
        // Offered, withdrawn, offered anew: the first page takes nothing.
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        let old = listed(&town, &neighbour, HUONG_HIEP, document).await[0]["position"].as_i64().unwrap();
        say(&town, &town.officer, document, &because("withdraw")).await.taken();
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        let late = say_of(&town, &neighbour, document, &accept("19561-01"), old).await;
        late.refused(409, "handover-stale");
        let path = town.path(&format!("/households/{document}/handover"));
        let blind = post(&town, neighbour.token(), &path, &accept("19561-01")).await;
        blind.refused(400, "body-malformed");
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        let first = newest(&town, document).await;
        moved(&town, &neighbour, (&far, VINH_THAI, "19369-01"), document).await;

        let seen = listed(&town, &town.officer, MO_O, document).await;
        let kept: Vec<_> = seen.iter().map(|one| (&one["stage"], &one["is_newest"])).collect();
        let (accepted, withdrawn, old) = (json!("accepted"), json!("withdrawn"), json!(false));
        assert_eq!(kept, [(&accepted, &old), (&withdrawn, &old)]);
        assert!(!json!(seen).to_string().contains(VINH_THAI), "where it went on to is not its business");
        let undo = because("undo");
        say_of(&town, &town.district, document, &undo, first).await.refused(409, "handover-stale");
        say_of(&town, &town.officer, document, &undo, first).await.refused(404, "household-unknown");
        let mut district = Browser::of(&town, "huyen-467").await;
        let desk = format!("/office/campaigns/{}/units/{MO_O}/handovers", town.campaign);
        district.open(&desk).await.holds(LISTED).lacks("value=\"undo\"");
        // The district does not cover both; the province does.
        say(&town, &town.district, document, &undo).await.refused(403, "forbidden");
        let heard = say(&town, &town.province, document, &undo).await.taken();
        assert_eq!(heard, json!({ "stage": "undone", "unit": HUONG_HIEP }));
        assert!(!row(&town, &neighbour, HUONG_HIEP, document).await.is_null());
    }

    /// Come back into another hamlet, moved on and put back: what it was on the opening list stays.
    async fn where_it_was_opened_is_not_forgotten_by_an_undo(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let before = root(&town, &town.officer, MO_O).await;
        let (there, own) = ((&neighbour, HUONG_HIEP, "19561-01"), &town.officer);
        moved(&town, own, there, document).await;
        moved(&town, &neighbour, (own, MO_O, "19558-02"), document).await;
        let back = row(&town, own, MO_O, document).await;
        assert_eq!((&back["hamlet"], &back["opening"]), (&json!("19558-02"), &json!("poor")));
        moved(&town, own, there, document).await;
        let gone = row(&town, own, MO_O, document).await;
        assert_eq!((&gone["hamlet"], &gone["life"]), (&json!("19558-01"), &json!("moved_out")));
        say(&town, &town.district, document, &because("undo")).await.taken();
        assert_eq!(row(&town, own, MO_O, document).await, back);
        moved(&town, own, there, document).await;
        let gone_again = row(&town, own, MO_O, document).await;
        assert_eq!(gone_again, gone, "its place on the opening list is the first hamlet");
        moved(&town, &neighbour, (own, MO_O, "19558-01"), document).await;
        assert_eq!(root(&town, own, MO_O).await, before, "it stands as it was opened");
    }

    /// Who had it by itself has it again after an undo, and nobody else.
    async fn an_undo_gives_single_assignments_back(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let give = async |office: &Office, row: &str| {
            let file = format!("household,account\n{row}\n");
            office.import(&town.path("/assignments"), file).await.unwrap();
        };
        let had = |name: &str| vec![(name.to_owned(), LISTED.to_owned())];
        give(&town.officer, &format!("{LISTED},stranger")).await;
        assert_eq!(singles(&town, &town.officer, MO_O).await, had("stranger"));
        moved(&town, &town.officer, (&neighbour, HUONG_HIEP, "19561-01"), document).await;
        assert_eq!(singles(&town, &neighbour, HUONG_HIEP).await, []);
        give(&neighbour, &format!("{LISTED},lan")).await;
        assert_eq!(singles(&town, &neighbour, HUONG_HIEP).await, had("lan"));
        say(&town, &town.district, document, &because("undo")).await.taken();
        assert_eq!(singles(&town, &town.officer, MO_O).await, had("stranger"));
        let stranger = town.phone_with_work("stranger").await;
        assert!(stranger.households.contains_key(&document));
    }

    /// It could not be asked: the committee keeps it in the class it had, decided here or there.
    async fn the_committee_keeps_one_that_moved_in(town: Town) {
        let (neighbour, mut hoa, _lan) = reviewed(&town).await;
        let [before, after] = [LISTED, "19558-01-0003"].map(|code| town.document(&hoa, code));
        for document in [before, after] {
            hoa.save(document, &[outcome("not_found")]).unwrap();
        }
        hoa.sync().await.unwrap();
        let minutes = json!({ "number": "07/BB", "date": "2022-12-10", "signer": "Trưởng ban (thử)" });
        let keep = json!({ "act": "decide", "verdict": "keep", "minutes": minutes, "reason": "đi xa" });
        let life = |document: DocumentId| town.path(&format!("/households/{document}/life"));
        post(&town, town.officer.token(), &life(before), &keep).await.taken();
        for document in [before, after] {
            moved(&town, &town.officer, (&neighbour, HUONG_HIEP, "19561-01"), document).await;
        }
        let mut other = Browser::of(&town, &format!("xa-{HUONG_HIEP}")).await;
        let page = format!("/office/campaigns/{}/households/{after}", town.campaign);
        other.open(&page).await.holds("value=\"keep\"");
        post(&town, neighbour.token(), &life(after), &keep).await.taken();
        for (document, class) in [(before, "poor"), (after, "near_poor")] {
            let kept = row(&town, &neighbour, HUONG_HIEP, document).await;
            assert_eq!((&kept["outcome"], &kept["class"]), (&json!("kept"), &json!(class)));
            assert_eq!((&kept["life"], &kept["opening"]), (&json!("moved_in"), &Value::Null));
        }
        recognise(&town, &neighbour, HUONG_HIEP).await;
        let path = town.path("/register/moves?form=7.2&column=8");
        let came = get(&town, neighbour.token(), &path).await.taken();
        let mut parts = came["parts"].as_array().unwrap().iter();
        assert!(parts.any(|part| part["document"] == json!(before) && part["cause"] == "moved_in"));
    }
}
