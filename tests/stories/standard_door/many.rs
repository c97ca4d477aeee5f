//! Clients that bring much at one time: a week's changes in one message, a tablet's households at once.

use serde_json::Value as Json;
use shared::id::{ChangeHash, DocumentId};
use shared::limits;
use shared::repo::sync::SyncMessage;
use tests::on_each_backend;
use tests::town::Town;

use super::line::Written;
use super::raw::{Heard, Raw};
use super::{Right, named};

/// So many changes of one client, one on the other.
fn changes(of: u8, count: usize, value: &str) -> (ChangeHash, Vec<Vec<u8>>) {
    let mut written = Written::begin(of);
    let all: Vec<_> = (0..count)
        .map(|number| written.answer("cause_other", &format!("{number} {value}")))
        .collect();
    (all[count - 1].0, all.into_iter().map(|(_, chunk)| chunk).collect())
}

/// How many changes the log holds of a household.
async fn count(town: &Town, document: DocumentId) -> usize {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["changes"].as_array().map_or(0, Vec::len)
}

on_each_backend! {
    /// A stock client sends all it has of a household in one message, however long it was away; its
    /// other households go on with it.
    async fn what_was_written_out_of_contact_comes_in_one_message(town: Town) {
        let tablet = town.phone_with_work("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let mut raw = Raw::join(&right.ticket(&town).await, "peer").await;
        let document = |code: &str| town.document(&tablet, code);
        let (many, long, usual) =
            (document("19558-01-0001"), document("19558-01-0002"), document("19558-01-0003"));
        let before = count(&town, many).await;
        let (head, chunks) = changes(1, 400, "");
        raw.hand_in(many, head, &chunks).await;
        raw.until_head(many, head).await;
        assert_eq!(count(&town, many).await, before + 400);
        let (head, chunks) = changes(2, 60, &"dài ".repeat(2_000));
        assert!(chunks.iter().map(Vec::len).sum::<usize>() > 400_000);
        raw.hand_in(long, head, &chunks).await;
        raw.until_head(long, head).await;
        let (head, chunks) = changes(3, 1, "");
        raw.hand_in(usual, head, &chunks).await;
        raw.until_head(usual, head).await;
    }

    /// A copied client hears of the one document what it is, and after the others have come in.
    async fn a_copy_of_one_household_does_not_stop_the_others(town: Town) {
        let tablet = town.phone_with_work("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let url = right.ticket(&town).await;
        let forked = town.document(&tablet, "19558-01-0001");
        let other = town.document(&tablet, "19558-01-0002");
        let mut raw = Raw::join(&url, "peer").await;
        let (first, change) = Written::begin(5).answer("roof", "leaf");
        raw.hand_in(forked, first, &[change]).await;
        raw.until_head(forked, first).await;
        let (second, change) = Written::begin(5).answer("roof", "tile");
        let mut copy = Raw::join(&url, "peer").await;
        copy.hand_in(forked, second, &[change]).await;
        // Round by round: each comes after the copy was found out.
        let mut written = Written::begin(6);
        for value in ["plank", "brick", "earth"] {
            let (head, change) = written.answer("wall", value);
            copy.hand_in(other, head, &[change]).await;
            copy.until_head(other, head).await;
        }
        // What others write there is not sent to it: it could not take it.
        let (head, change) = Written::begin(7).answer("floor", "earth");
        let hoa = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: hoa.access() };
        let mut honest = Raw::join(&right.ticket(&town).await, "honest").await;
        honest.hand_in(forked, head, &[change]).await;
        honest.until_head(forked, head).await;
        loop {
            match copy.hear().await {
                Heard::Sync(of, _) => assert_eq!(of, named(other)),
                Heard::Error(reason, about) => {
                    assert_eq!((reason.as_str(), about), ("actor-forked", Some(named(forked))));
                    break;
                }
                heard => panic!("{heard:?}"),
            }
        }
        assert_eq!(copy.hear().await, Heard::Closed);
    }

    /// Whoever writes more versions side by side than a change can join has the rest of them held;
    /// everybody else opens the household and writes on.
    async fn versions_side_by_side_end_before_nobody_can_join_them(town: Town) {
        let tablet = town.phone_with_work("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let mut raw = Raw::join(&right.ticket(&town).await, "peer").await;
        let document = town.document(&tablet, "19558-01-0001");
        let side_by_side = 70;
        let before = count(&town, document).await;
        let written: Vec<_> =
            (1..=side_by_side).map(|actor| Written::begin(actor).answer("cause_other", "x")).collect();
        let (heads, changes): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        raw.say(document, &SyncMessage { heads, changes, ..SyncMessage::default() }).await;
        assert!(matches!(raw.hear().await, Heard::Sync(..)));
        assert_eq!(count(&town, document).await, before + usize::from(side_by_side));
        let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        let aside = aside.as_array().unwrap();
        // One of them is the opening list's.
        assert_eq!(aside.len(), usize::from(side_by_side) + 1 - limits::BRANCHES_MAX);
        assert!(aside.iter().all(|row| row["reason"] == "branches-too-many"), "{aside:?}");

        let hoa = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: hoa.access() };
        let mut honest = Raw::join(&right.ticket(&town).await, "honest").await;
        let Heard::Sync(_, said) = honest.ask(document).await else { panic!("it opens") };
        assert_eq!(said.heads.len(), limits::BRANCHES_MAX);
        let (head, change) = Written::on(200, &said.changes).answer("roof", "leaf");
        honest.hand_in(document, head, &[change]).await;
        honest.until_head(document, head).await;
        let Heard::Sync(_, said) = honest.ask(document).await else { panic!("it opens") };
        assert_eq!(said.heads, [head]);
        // With all of its own, what the writer has is read and answered; nothing ends.
        assert!(matches!(raw.ask(document).await, Heard::Sync(..)));
    }

    /// However many messages come about one household, it is answered as fast as they are read.
    async fn a_flood_about_one_household_is_answered_and_the_next_served(town: Town) {
        let tablet = town.phone_with_work("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let mut raw = Raw::join(&right.ticket(&town).await, "peer").await;
        let of = |code: &str| town.document(&tablet, code);
        let (flooded, next) = (of("19558-01-0001"), of("19558-01-0002"));
        let (head, chunks) = changes(4, 200, "");
        raw.hand_in(flooded, head, &chunks).await;
        raw.until_head(flooded, head).await;
        let need = SyncMessage { heads: vec![head], need: vec![head], ..SyncMessage::default() };
        for _ in 0..2_000 {
            raw.say(flooded, &need).await;
        }
        raw.say(next, &SyncMessage::default()).await;
        let mut answers = 0;
        loop {
            match raw.hear().await {
                Heard::Sync(of, said) if of == named(flooded) => {
                    assert_eq!(said.changes.len(), 1);
                    answers += 1;
                }
                Heard::Sync(..) => break,
                heard => panic!("{heard:?}"),
            }
        }
        assert!((1..2_000).contains(&answers), "once for those that came together: {answers}");
        let read: Json = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
        assert_eq!(read.as_array().map(Vec::len), Some(0));
    }
}
