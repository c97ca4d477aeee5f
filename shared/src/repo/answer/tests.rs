//! A client made of the library, and a log in memory: whatever each has, they end with the same.

#![allow(clippy::unwrap_used)]
use automerge::sync::{Message, State, SyncDoc};
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT};
use proptest::prelude::*;

use super::*;
use crate::guard::guard;
use crate::merge::genesis_hash;
use mobile_schema::genesis::GENESIS_V1;

/// The server as far as these tests go: a log in memory that takes everything sound.
#[derive(Default)]
struct Server {
    log: Vec<(Logged, Vec<u8>)>,
    side: bool,
}

impl Server {
    fn log(&self) -> Log {
        Log::new(genesis_hash(), self.log.iter().map(|(logged, _)| logged.clone()).collect())
    }

    fn take(&mut self, chunk: &[u8]) -> ChangeHash {
        let change = guard(chunk).unwrap();
        let hash = change.hash();
        if hash != genesis_hash() && !self.log.iter().any(|(logged, _)| logged.hash == hash) {
            let logged = Logged {
                hash,
                dependencies: change.dependencies().to_vec(),
                place: Place::Aside,
                waits: true,
                position: 0,
                bytes: chunk.len(),
            };
            self.log.push((logged, chunk.to_vec()));
        }
        while self.release() {}
        hash
    }

    fn release(&mut self) -> bool {
        let log = self.log();
        let next = self.log.iter().map(|(logged, _)| logged.position).max().unwrap_or(0) + 1;
        let ready = self.log.iter_mut().find(|(logged, _)| {
            logged.waits && logged.dependencies.iter().all(|dependency| log.is_main(dependency))
        });
        let Some((logged, _)) = ready else { return false };
        logged.place = if self.side { Place::Side } else { Place::Main };
        (logged.waits, logged.position) = (false, next);
        true
    }

    fn chunk(&self, hash: &ChangeHash) -> Vec<u8> {
        let found = self.log.iter().find(|(logged, _)| logged.hash == *hash);
        found.map_or(GENESIS_V1.to_vec(), |(_, chunk)| chunk.clone())
    }

    fn fill(&self, answer: Answer) -> Option<Vec<u8>> {
        let mut message = answer.message?;
        message.changes = answer.send.iter().map(|hash| self.chunk(hash)).collect();
        Some(message.write())
    }
}

fn genesis() -> AutoCommit {
    AutoCommit::load(GENESIS_V1).unwrap()
}

fn edit(doc: &mut AutoCommit, key: u8) {
    doc.put(ROOT, format!("k{key}"), i64::from(key)).unwrap();
    doc.commit();
}

/// Lets the library as a client and us talk until both are silent. Returns how often the client spoke.
fn talk(
    client: &mut AutoCommit,
    state: &mut State,
    server: &mut Server,
    progress: &mut Progress,
) -> u32 {
    for turn in 0..20 {
        let Some(message) = client.sync().generate_sync_message(state) else { return turn };
        let read = SyncMessage::read(&message.encode()).unwrap();
        let carried: Vec<ChangeHash> =
            read.changes.iter().map(|chunk| server.take(chunk)).collect();
        let answer = progress.answer(&server.log(), &read, &carried).unwrap();
        if let Some(bytes) = server.fill(answer) {
            client.sync().receive_sync_message(state, Message::decode(&bytes).unwrap()).unwrap();
        }
    }
    panic!("they talk for ever");
}

fn heads(doc: &mut AutoCommit) -> Vec<ChangeHash> {
    let mut heads: Vec<ChangeHash> =
        doc.get_heads().iter().map(|head| ChangeHash(head.0)).collect();
    heads.sort_unstable();
    heads
}

#[test]
fn an_empty_client_is_given_everything_at_once_and_then_there_is_silence() {
    let (mut author, mut server) = (genesis(), Server::default());
    for key in 0..5 {
        edit(&mut author, key);
    }
    for change in author.get_changes(&[]) {
        server.take(change.raw_bytes());
    }
    let (mut client, mut state) = (AutoCommit::new(), State::new());
    let mut progress = Progress::default();
    talk(&mut client, &mut state, &mut server, &mut progress);
    assert_eq!(heads(&mut client), heads(&mut author));
    // What comes later is given without being asked for, and only that.
    edit(&mut author, 9);
    let newest = author.get_last_local_change().unwrap().raw_bytes().to_vec();
    server.take(&newest);
    let pushed = progress.push(&server.log());
    assert_eq!(pushed.send.len(), 1);
    let bytes = server.fill(pushed).unwrap();
    client.sync().receive_sync_message(&mut state, Message::decode(&bytes).unwrap()).unwrap();
    assert_eq!(talk(&mut client, &mut state, &mut server, &mut progress), 1, "it says thank you");
    assert_eq!(heads(&mut client), heads(&mut author));
    assert_eq!(progress.push(&server.log()), Answer::default());
}

#[test]
fn who_has_lost_everything_is_given_everything_again() {
    let (mut author, mut server) = (genesis(), Server::default());
    edit(&mut author, 1);
    for change in author.get_changes(&[]) {
        server.take(change.raw_bytes());
    }
    let mut progress = Progress::default();
    for _ in 0..2 {
        let mut client = AutoCommit::new();
        talk(&mut client, &mut State::new(), &mut server, &mut progress);
        assert_eq!(heads(&mut client), heads(&mut author));
    }
}

#[test]
fn nothing_new_is_one_message_each_way() {
    let (mut client, mut server) = (genesis(), Server::default());
    edit(&mut client, 1);
    for change in client.get_changes(&[]) {
        server.take(change.raw_bytes());
    }
    let turns = talk(&mut client, &mut State::new(), &mut server, &mut Progress::default());
    assert_eq!(turns, 1);
}

#[test]
fn who_wrote_under_a_used_number_is_told_so_before_it_is_given_what_it_cannot_take() {
    let (mut server, mut progress) = (Server::default(), Progress::default());
    let copy = |key| {
        let mut doc = genesis();
        doc.set_actor(ActorId::from([7; 16]));
        edit(&mut doc, key);
        doc
    };
    let (mut first, mut second) = (copy(1), copy(2));
    server.take(first.get_last_local_change().unwrap().raw_bytes());
    let mut state = State::new();
    let message = second.sync().generate_sync_message(&mut state).unwrap();
    let read = SyncMessage::read(&message.encode()).unwrap();
    let asked = progress.answer(&server.log(), &read, &[]).unwrap();
    assert_eq!((asked.send.len(), asked.message.unwrap().need), (0, heads(&mut second)));
    server.side = true;
    let carried = server.take(second.get_last_local_change().unwrap().raw_bytes());
    assert_eq!(progress.answer(&server.log(), &read, &[carried]), Err(Forked));
    assert_eq!(Progress::default().answer(&server.log(), &read, &[]), Err(Forked));
}

#[test]
fn a_change_that_is_not_accepted_ends_in_silence_and_not_in_a_loop() {
    let (mut client, mut progress) = (genesis(), Progress::default());
    edit(&mut client, 1);
    let refused = heads(&mut client);
    let held = Logged {
        hash: refused[0],
        dependencies: vec![genesis_hash()],
        place: Place::Aside,
        waits: false,
        position: 0,
        bytes: 100,
    };
    let log = Log::new(genesis_hash(), vec![held]);
    let mut state = State::new();
    let mut answered = 0;
    for _ in 0..10 {
        let Some(message) = client.sync().generate_sync_message(&mut state) else { break };
        let read = SyncMessage::read(&message.encode()).unwrap();
        let carried = if read.changes.is_empty() { Vec::new() } else { refused.clone() };
        let Some(message) = progress.answer(&log, &read, &carried).unwrap().message else { break };
        answered += 1;
        assert_eq!(message.heads, [genesis_hash()]);
        let message = Message::decode(&message.write()).unwrap();
        client.sync().receive_sync_message(&mut state, message).unwrap();
    }
    assert!((1..=3).contains(&answered), "{answered}");
}

#[test]
fn a_filter_that_lies_costs_its_sender_a_question_and_nobody_else_anything() {
    let (mut author, mut server) = (genesis(), Server::default());
    for key in 0..9 {
        edit(&mut author, key);
    }
    for change in author.get_changes(&[]) {
        server.take(change.raw_bytes());
    }
    // It says yes to everything.
    let bytes = [0x42, 0, 0, 1, 0, 5, 1, 10, 7, 0xff, 0xff, 0];
    let read = SyncMessage::read(&bytes).unwrap();
    let mut progress = Progress::default();
    let answer = progress.answer(&server.log(), &read, &[]).unwrap();
    assert_eq!(answer.send, []);
    assert_eq!(answer.message.unwrap().heads, heads(&mut author));
    let need = heads(&mut author);
    let read = SyncMessage { need: need.clone(), ..SyncMessage::default() };
    assert_eq!(progress.answer(&server.log(), &read, &[]).unwrap().send, need);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever each of them has, the library's client and we end with the same, and come to an end.
    #[test]
    fn any_two_histories_end_as_one(
        steps in proptest::collection::vec((0..3_u8, any::<u8>(), any::<bool>()), 0..30),
        reconnects in 1..3_u8,
    ) {
        let mut authors = [genesis(), genesis(), genesis()];
        for (number, author) in authors.iter_mut().enumerate() {
            author.set_actor(ActorId::from([u8::try_from(number + 1).unwrap(); 16]));
        }
        let [mut client, mut server_side] = [genesis(), genesis()];
        for (who, key, to_client) in steps {
            let author = &mut authors[usize::from(who)];
            // Now and then an author has seen what another wrote.
            if key % 4 == 0 {
                author.merge(if to_client { &mut client } else { &mut server_side }).unwrap();
            }
            edit(author, key);
            let known = if to_client { &mut client } else { &mut server_side };
            known.merge(author).unwrap();
        }
        let mut server = Server::default();
        for change in server_side.get_changes(&[]) {
            server.take(change.raw_bytes());
        }
        for _ in 0..reconnects {
            talk(&mut client, &mut State::new(), &mut server, &mut Progress::default());
            let ours = server.log().heads().to_vec();
            prop_assert_eq!(heads(&mut client), ours);
            edit(&mut client, 200);
        }
    }
}
