//! Whose work is taken: of a former assignment, of everybody on a shared tablet, under one's own actors.

use mobile_schema::frame::{About, FRAME_VERSION, SyncRequest};
use serde_bytes::ByteArray;
use serde_json::{Value as Json, json};
use shared::id::DocumentId;
use tests::on_each_backend;
use tests::town::Town;

use super::line::Written;
use super::raw::{Heard, Raw};
use super::{Right, named};

async fn aside(town: &Town) -> Json {
    town.officer.get(&town.path("/units/19558/aside")).await.unwrap()
}

/// How many changes of a household came over the door.
async fn came(town: &Town, document: DocumentId) -> usize {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    let changes = read["changes"].as_array().unwrap().iter();
    changes.filter(|change| change["provenance"] == "session").count()
}

on_each_backend! {
    /// The hamlet went to somebody else while a client had it open, or was away: what it wrote is
    /// taken, and nothing more of the hamlet is sent to it.
    async fn work_of_a_former_assignment_is_taken_and_nothing_sent(town: Town) {
        let tablet = town.phone_with_work("minh").await;
        let right = Right { client: &town.client, token: tablet.access() };
        let url = right.ticket(&town).await;
        let of = |code: &str| town.document(&tablet, code);
        let (open, away) = (of("19558-01-0001"), of("19558-01-0002"));
        let mut raw = Raw::join(&url, "peer").await;
        assert!(matches!(raw.ask(open).await, Heard::Sync(..)));
        let ended = json!({ "hamlet": "19558-01", "account": "minh" });
        town.officer.post(&town.path("/assignments/end"), &ended).await.unwrap();

        // It is pushed where the household was open.
        let mut written = Written::begin(1);
        let (head, change) = written.answer("roof", "leaf");
        raw.hand_in(open, head, &[change]).await;
        assert_eq!(raw.hear().await, Heard::Unavailable(named(open)));
        assert_eq!(came(&town, open).await, 1);

        // Where it was not, it is asked for, without a word of what is there.
        let mut written = Written::begin(2);
        let changes = [written.answer("roof", "leaf"), written.answer("wall", "plank")];
        let head = changes[1].0;
        raw.hand_in(away, head, &[]).await;
        let Heard::Sync(_, asked) = raw.hear().await else { panic!("it is asked") };
        assert_eq!((asked.need, asked.heads, asked.changes.len()), (vec![head], vec![], 0));
        raw.hand_in(away, head, &changes.map(|(_, change)| change)).await;
        assert_eq!(raw.hear().await, Heard::Unavailable(named(away)));
        assert_eq!(came(&town, away).await, 2);
        // Once: who has handed it in, or has nothing, is told what everybody is.
        for heads in [vec![head], vec![Written::begin(3).answer("a", "b").0], vec![]] {
            let message = shared::repo::sync::SyncMessage { heads, ..Default::default() };
            raw.say(away, &message).await;
            assert_eq!(raw.hear().await, Heard::Unavailable(named(away)));
        }
        assert_eq!(aside(&town).await, json!([]));

        // What others write there since is not sent to it.
        let hoa = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: hoa.access() };
        let mut other = Raw::join(&right.ticket(&town).await, "other").await;
        let (head, change) = Written::begin(4).answer("floor", "earth");
        other.hand_in(open, head, &[change]).await;
        other.until_head(open, head).await;
        assert!(raw.is_quiet().await, "nothing more of the hamlet");
    }

    /// Who of a tablet's people types, a stock client does not say: what any of them was given counts.
    async fn everybody_on_a_shared_tablet_hands_in(town: Town) {
        let mut tablet = town.phone_with_work("minh").await;
        let codes = town.officer.codes(&["hoa".to_owned()]).await.unwrap();
        tablet.bind(&codes[0]).await.unwrap();
        tablet.sync().await.unwrap();
        let document = town.document(&tablet, "19558-02-0001");
        let right = Right { client: &town.client, token: tablet.access() };
        let mut raw = Raw::join(&right.ticket(&town).await, "peer").await;
        assert!(matches!(raw.ask(document).await, Heard::Sync(..)));
        let (head, change) = Written::begin(1).answer("roof", "leaf");
        raw.hand_in(document, head, &[change]).await;
        raw.until_head(document, head).await;
        assert_eq!(aside(&town).await, json!([]));
    }

    /// A device says of itself that it writes under somebody's actor, and signs nothing: that makes
    /// nobody's work somebody else's.
    async fn what_a_device_only_says_takes_nobodys_actor(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let tablet = town.phone_with_work("minh").await;
        let document = town.document(&tablet, "19558-01-0001");
        let actor = ByteArray::new([9; 16]);
        let about = About { actor, device_now_ms: 0, app: "x".to_owned(), schema: 1 };
        let request = SyncRequest {
            v: FRAME_VERSION,
            campaign: ByteArray::new(town.campaign.0),
            about: Some(about),
            ..SyncRequest::default()
        };
        town.client.sync(hoa.access(), &request).await.unwrap();
        let right = Right { client: &town.client, token: tablet.access() };
        let mut raw = Raw::join(&right.ticket(&town).await, "peer").await;
        let (head, change) = Written::begin(9).answer("roof", "leaf");
        raw.hand_in(document, head, &[change]).await;
        raw.until_head(document, head).await;
        assert_eq!(aside(&town).await, json!([]));
    }
}
