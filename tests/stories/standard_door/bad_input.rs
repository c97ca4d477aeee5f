//! What no client sends: whoever does is told why and let out, and nobody else notices.

use mobile_schema::frame::Fate;
use serde_json::{Value as Json, json};
use server::app::{App, system_clock};
use server::cli::serve::Running;
use server::demo::phone::Phone;
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id};
use shared::limits;
use shared::page::Page;
use shared::repo::message::client;
use shared::repo::sync::SyncMessage;
use tests::on_each_backend;
use tests::town::Town;

use super::line::Written;
use super::people::Stock;
use super::raw::{Heard, Raw};
use super::{Right, named};
use crate::ask::get;

/// A tablet of minh's with the right to join, and a household of the hamlet.
async fn tablet(town: &Town) -> (Phone, String, DocumentId) {
    let tablet = town.phone_with_work("minh").await;
    let right = Right { client: &town.client, token: tablet.access() };
    let url = right.ticket(town).await;
    let document = town.document(&tablet, "19558-01-0001");
    (tablet, url, document)
}

/// A document that is nobody's.
fn nowhere(number: u8) -> DocumentId {
    document_id(CampaignId([number; 16]), HouseholdId([7; 16]))
}

/// What the log holds of a household beside what was merged: fate and reason.
async fn changes(town: &Town, document: DocumentId) -> Vec<Json> {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["changes"].as_array().unwrap().clone()
}

async fn aside(town: &Town) -> Vec<(String, String)> {
    let read = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
    let text = |row: &Json, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = read.as_array().unwrap().iter();
    rows.map(|row| (text(row, "fate"), text(row, "reason"))).collect()
}

on_each_backend! {
    /// Every wrong beginning has its name, and whoever holds a ticket is left waiting for a while: a
    /// stock client would be back five seconds after it was closed.
    async fn who_is_not_let_in_is_told_why(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let base = url.split('?').next().unwrap();
        for (url, reason) in [
            (base.to_owned(), "ticket-refused"),
            (format!("{base}?ticket="), "ticket-refused"),
            (format!("{base}?ticket={}", "ab".repeat(32)), "ticket-refused"),
        ] {
            let mut raw = Raw::connect(&url, "peer").await;
            raw.send(client::join("peer")).await;
            raw.ends(reason).await;
            assert_eq!(raw.hear().await, Heard::Closed, "no room is kept for what is nobody's");
        }
        let message = SyncMessage::default().write();
        let mut version = client::join("peer");
        *version.last_mut().unwrap() = b'2';
        for (first, reason) in [
            (vec![0xff, 0xff], "repo-message-malformed"),
            (client::about("sync", "peer", "s", &named(document), &message), "repo-message-malformed"),
            (client::join(""), "repo-message-malformed"),
            (client::join(&"x".repeat(200)), "repo-message-malformed"),
            (version, "repo-version"),
        ] {
            let mut raw = Raw::connect(&url, "peer").await;
            raw.send(first).await;
            raw.ends(reason).await;
        }
        let mut raw = Raw::connect(&url, "peer").await;
        raw.send_text("join").await;
        raw.ends("repo-message-malformed").await;
        // None of that has used the ticket up; the first that joins has it for itself.
        let mut joined = Raw::join(&url, "peer").await;
        assert!(matches!(joined.ask(document).await, Heard::Sync(..)));
        let mut other = Raw::connect(&url, "other").await;
        other.send(client::join("other")).await;
        other.ends("ticket-refused").await;
        assert!(other.is_quiet().await, "it is left waiting: the ticket is somebody's");
        get(&town, "", "/v1/repo").await.refused(426, "upgrade-needed");
    }

    /// After it has joined, too.
    async fn who_speaks_as_another_or_cannot_be_read_is_let_out(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let sound = SyncMessage::default().write();
        let bloom = [0x42, 0, 0, 1, 0, 9, 1, 10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0];
        let of = |name: &str, data: &[u8]| {
            client::about("sync", name, "server", &named(document), data)
        };
        for (bytes, reason) in [
            (of("somebody", &sound), "repo-sender-other"),
            (vec![0x5f], "repo-message-malformed"),
            (client::join("peer"), "repo-message-malformed"),
            (of("peer", &bloom), "repo-message-malformed"),
            (of("peer", &[0x43, 0, 0, 0, 0]), "repo-message-malformed"),
            (of("peer", &[0x42]), "repo-message-malformed"),
            (of("peer", &[]), "repo-message-malformed"),
        ] {
            let mut raw = Raw::join(&url, "peer").await;
            raw.send(of("peer", &sound)).await;
            raw.send(bytes).await;
            // What came before it is answered.
            assert!(matches!(raw.hear().await, Heard::Sync(..)), "{reason}");
            raw.ends(reason).await;
            assert_eq!(raw.hear().await, Heard::Closed);
        }
        let mut raw = Raw::join(&url, "peer").await;
        raw.send_text("{}").await;
        raw.ends("repo-message-malformed").await;
        // Presence and gossip are read over; who says goodbye has gone.
        let mut raw = Raw::join(&url, "peer").await;
        for kind in ["ephemeral", "remote-heads-changed", "remote-subscription-change", "news"] {
            raw.send(client::about(kind, "peer", "server", &named(document), &sound)).await;
        }
        assert!(matches!(raw.ask(document).await, Heard::Sync(..)));
        raw.send(client::about("leave", "peer", "server", "", &[])).await;
        assert_eq!(raw.hear().await, Heard::Closed);
    }

    /// Whoever joins twice under one name has one connection: the newer.
    async fn a_second_join_replaces_the_first(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut first = Raw::join(&url, "peer").await;
        let mut second = Raw::join(&url, "peer").await;
        first.ends("repo-replaced").await;
        assert_eq!(first.hear().await, Heard::Closed);
        assert!(matches!(second.ask(document).await, Heard::Sync(..)));
    }

    /// Documents that are nobody's or somebody else's are answered alike, and nothing is kept of what
    /// is sent for them.
    async fn what_is_not_there_or_not_ones_own_is_unavailable(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let lan = town.phone_with_work("lan").await;
        let elsewhere = town.document(&lan, "19561-01-0001");
        let mut raw = Raw::join(&url, "peer").await;
        let (head, change) = Written::begin(1).answer("roof", "leaf");
        for of in [elsewhere, nowhere(1)] {
            assert_eq!(raw.ask(of).await, Heard::Unavailable(named(of)));
            raw.hand_in(of, head, std::slice::from_ref(&change)).await;
            assert_eq!(raw.hear().await, Heard::Unavailable(named(of)));
        }
        let path = town.path(&format!("/households/{elsewhere}"));
        let read = town.district.get(&path).await.unwrap();
        let came = read["changes"].as_array().unwrap().iter();
        assert!(came.clone().all(|change| change["provenance"] == "desk"), "{read}");
        for name in ["", "x", "0OIl", "11111111111111111111111111", &"1".repeat(99)] {
            raw.about(name, &SyncMessage::default().write()).await;
            assert_eq!(raw.hear().await, Heard::Unavailable(name.to_owned()));
        }
        // A flood of them costs their sender.
        for number in 0..255 {
            for _ in 0..8 {
                raw.about(&named(nowhere(number)), &SyncMessage::default().write()).await;
            }
        }
        assert!(matches!(raw.ask(document).await, Heard::Sync(..)));
        raw.about(&"1".repeat(1_000), &SyncMessage::default().write()).await;
        raw.ends("repo-message-malformed").await;
    }

    /// A filter that says yes to everything gets nothing until its sender asks.
    async fn a_filter_that_lies_gets_nothing(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut raw = Raw::join(&url, "peer").await;
        raw.about(&named(document), &[0x42, 0, 0, 1, 0, 5, 1, 10, 7, 0xff, 0xff, 0]).await;
        let Heard::Sync(_, said) = raw.hear().await else { panic!("it is answered") };
        assert!(said.changes.is_empty() && !said.heads.is_empty());
        let need = SyncMessage { need: said.heads.clone(), ..SyncMessage::default() };
        raw.say(document, &need).await;
        let Heard::Sync(_, said) = raw.hear().await else { panic!("it is answered") };
        assert_eq!(said.changes.len(), 1);
        let none = SyncMessage { need: vec![Written::begin(9).answer("a", "b").0], ..need };
        raw.say(document, &none).await;
        assert!(raw.is_quiet().await, "there is nothing new to say");
    }

    /// What fails the guard is set aside by name, other kinds of chunks as well; an honest client of
    /// the same household goes on.
    async fn bombs_are_set_aside_and_the_neighbour_goes_on(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let hoa = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: hoa.access() };
        let mut honest = Raw::join(&right.ticket(&town).await, "honest").await;
        assert!(matches!(honest.ask(document).await, Heard::Sync(..)));
        let mut hostile = Raw::join(&url, "hostile").await;
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/bombs/files");
        let mut sent = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let (mut rest, mut chunks) = (&bytes[..], Vec::new());
            while let Some((length, more)) = rest.split_first_chunk() {
                let (chunk, more) = more.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
                chunks.push(chunk.to_vec());
                rest = more;
            }
            for chunks in chunks.chunks(200) {
                sent += chunks.len();
                let changes = chunks.to_vec();
                hostile.say(document, &SyncMessage { changes, ..SyncMessage::default() }).await;
            }
        }
        assert!(sent > 10, "{sent}");
        assert!(matches!(hostile.ask(document).await, Heard::Sync(..)));
        let (head, change) = Written::begin(3).answer("roof", "leaf");
        honest.hand_in(document, head, &[change]).await;
        loop {
            let Heard::Sync(_, said) = honest.hear().await else { panic!("it goes on") };
            if said.heads.contains(&head) {
                break;
            }
        }
        let kinds = |aside: &[(String, String)]| {
            aside.iter().filter(|(_, named)| named == "change-kind-refused").count()
        };
        let before = kinds(&self::aside(&town).await);
        let mut whole = Written::begin(4).answer("wall", "plank").1;
        for kind in [0, 2, 3] {
            whole[8] = kind;
            let changes = vec![whole.clone()];
            hostile.say(document, &SyncMessage { changes, ..SyncMessage::default() }).await;
        }
        for turn in 0.. {
            let aside = aside(&town).await;
            assert!(aside.iter().all(|(fate, _)| fate != "accepted"));
            let is_malformed = |(_, named): &(String, String)| named == "change-malformed";
            if kinds(&aside) >= before + 3 && aside.iter().any(is_malformed) {
                break;
            }
            assert!(turn < 200, "{aside:?}");
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
    }

    /// Two copies of one client write under one number: the second is told so each time it comes, and
    /// is given nothing that it could not take.
    async fn a_restored_client_is_told_so(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut raw = Raw::join(&url, "peer").await;
        let (first, change) = Written::begin(5).answer("roof", "leaf");
        raw.hand_in(document, first, &[change]).await;
        let Heard::Sync(_, said) = raw.hear().await else { panic!("it is answered") };
        assert!(said.heads.contains(&first));
        let (second, change) = Written::begin(5).answer("roof", "tile");
        let mut copy = Raw::join(&url, "peer").await;
        copy.hand_in(document, second, &[]).await;
        let Heard::Sync(_, asked) = copy.hear().await else { panic!("it is asked") };
        assert_eq!((asked.need, asked.changes.len()), (vec![second], 0));
        copy.hand_in(document, second, &[change]).await;
        assert_eq!(copy.ends("actor-forked").await, Some(named(document)));
        let mut again = Raw::join(&url, "peer").await;
        again.hand_in(document, second, &[]).await;
        again.ends("actor-forked").await;
        assert_eq!(changes(&town, document).await.len(), 3, "nothing is lost");
    }

    /// What bears another device's name waits until that device brings it.
    async fn work_of_another_device_waits_for_it(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut hoa = town.phone_with_work("hoa").await;
        let page = |key: &str, value: &str| Page {
            answers: [(key.to_owned(), value.into())].into(),
            ..Page::default()
        };
        hoa.save(document, &[page("roof", "leaf")]).unwrap();
        hoa.sync().await.unwrap();
        hoa.save(document, &[page("wall", "plank")]).unwrap();
        let (hash, chunk) = (hoa.outbox[0].hash, hoa.outbox[0].chunk.clone());
        let mut raw = Raw::join(&url, "peer").await;
        raw.hand_in(document, hash, &[chunk]).await;
        let Heard::Sync(_, said) = raw.hear().await else { panic!("it is answered") };
        assert!(!said.heads.contains(&hash));
        assert_eq!(aside(&town).await, [("held".to_owned(), "actor-foreign".to_owned())]);
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), 1);
        assert_eq!(aside(&town).await, []);
        loop {
            let Heard::Sync(_, said) = raw.hear().await else { panic!("it is told") };
            if said.heads.contains(&hash) {
                break;
            }
        }
        let by = changes(&town, document).await;
        let by = by.iter().find(|change| change["hash"] == hash.to_string()).unwrap();
        assert_eq!((&by["provenance"], &by["author"]), (&json!("device"), &json!("hoa")));
    }

    /// Somebody who takes nothing is not read from either; the others are served.
    async fn who_never_reads_waits_alone(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut deaf = Raw::join(&url, "deaf").await;
        let (head, change) = Written::begin(8).answer("cause_other", &"x".repeat(100_000));
        deaf.hand_in(document, head, &[change]).await;
        let need = SyncMessage { heads: vec![head], need: vec![head], ..SyncMessage::default() };
        let presence = client::about("ephemeral", "deaf", "server", &named(document), &[7; 20_000]);
        let mut is_held_back = false;
        for _ in 0..2_000 {
            let sent = async {
                deaf.say(document, &need).await;
                deaf.send(presence.clone()).await;
            };
            let sent = tokio::time::timeout(std::time::Duration::from_secs(1), sent).await;
            is_held_back = sent.is_err();
            if is_held_back {
                break;
            }
        }
        assert!(is_held_back, "forty megabytes were read of somebody who takes nothing");
        let hoa = town.phone_with_work("hoa").await;
        let right = Right { client: &town.client, token: hoa.access() };
        let mut other = Raw::join(&right.ticket(&town).await, "other").await;
        assert!(matches!(other.ask(document).await, Heard::Sync(..)));
    }

    /// Pings are answered, and whoever sends nothing else is let out: the answers would pile up.
    async fn who_only_pings_is_let_out(town: Town) {
        let (_tablet, url, document) = tablet(&town).await;
        let mut before = Raw::connect(&url, "peer").await;
        let mut joined = Raw::join(&url, "peer").await;
        for _ in 0..limits::REPO_CONTROLS_MAX / 2 {
            joined.ping().await;
        }
        assert!(matches!(joined.ask(document).await, Heard::Sync(..)));
        for raw in [&mut before, &mut joined] {
            for _ in 0..=limits::REPO_CONTROLS_MAX {
                raw.ping().await;
            }
            assert_eq!(raw.hear().await, Heard::Closed);
        }
    }

    /// A ticket ends with its hour, also under a connection; a stock client that comes back with it
    /// for ever is told each time, stays alive, and is not at the door all the time.
    async fn an_expired_ticket_is_told_and_kept_waiting(town: Town) {
        let (_tablet, url, _) = tablet(&town).await;
        let later = || system_clock() + 2 * 60 * 60 * 1000;
        let app = App::open_at(&town.config, later).await.unwrap();
        let running = Running::listen(app, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let here = town.running.address.to_string();
        let url = url.replace(&here, &running.address.to_string());
        let mut raw = Raw::connect(&url, "peer").await;
        raw.send(client::join("peer")).await;
        raw.ends("ticket-expired").await;
        assert!(raw.is_quiet().await);
        let Some(mut stock) = Stock::start("2.5") else { return };
        stock.tell(json!({ "do": "join", "url": url, "retry": 50 })).await;
        stock.tell(json!({ "do": "told", "reason": "ticket-expired" })).await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let seen = stock.say("seen").await;
        assert!(seen["connections"].as_u64().unwrap() <= 3, "{seen}");
    }
}
