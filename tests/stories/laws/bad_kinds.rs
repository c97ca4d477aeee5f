//! The kinds of bad change: each makes what a broken or hostile phone might send.

use automerge::transaction::{Transactable, Transaction};
use automerge::{Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use mobile_schema::frame::Fate;
use mobile_schema::genesis::GENESIS_V1;
use server::demo::phone::Unsent;
use shared::id::{Actor, CampaignId, ChangeHash, DocumentId, HouseholdId, document_id, sha256};
use shared::merge::{actor_id, genesis, genesis_hash};

use super::craft::{Parts, deflated, frame, framed, leb};
use super::rng::Rng;

/// What a bad change is made for.
pub(super) struct Ground<'a> {
    pub(super) rng: Rng,
    /// The household of the good changes.
    pub(super) document: DocumentId,
    /// A listed household of a commune the phone never worked in.
    pub(super) elsewhere: DocumentId,
    /// The good changes of the batch.
    pub(super) good: &'a [Unsent],
}

/// What must become of it: its fate and the published reason.
pub(super) type Verdict = (Fate, Option<&'static str>);

/// One kind of bad change.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) make: fn(&mut Ground<'_>) -> Vec<Unsent>,
    /// For each change made.
    pub(super) verdict: Verdict,
    /// Disputes a person is left with.
    pub(super) disputes: u64,
}

const ACCEPTED: Verdict = (Fate::Accepted, None);
const AHEAD: Verdict = (Fate::Quarantined, Some("operations-ahead"));
const MALFORMED: Verdict = (Fate::Quarantined, Some("change-malformed"));
const KIND_REFUSED: Verdict = (Fate::Quarantined, Some("change-kind-refused"));
/// Name of the kind that only a copied phone makes.
pub(super) const TWICE: &str = "two changes under one number";

const TOO_LARGE: Verdict = (Fate::Quarantined, Some("change-too-large"));
const DEPENDENCIES: Verdict = (Fate::Quarantined, Some("change-dependencies"));
const ACTOR: Verdict = (Fate::Quarantined, Some("change-actor"));
const MISMATCH: Verdict = (Fate::Quarantined, Some("change-hash-mismatch"));
const FOREIGN: Verdict = (Fate::Held, Some("document-foreign"));
const NOT_ASSIGNED: Verdict = (Fate::Held, Some("hamlet-not-assigned"));
const WAITING: Verdict = (Fate::Waiting, None);

/// Makes a kind; nobody is left with a dispute.
macro_rules! kinds {
    ($($name:literal => $verdict:expr, $make:expr;)*) => {
        vec![$(Kind { name: $name, make: $make, verdict: $verdict, disputes: 0 }),*]
    };
}

impl Ground<'_> {
    /// Writes a change of a fresh actor on top of genesis.
    pub(super) fn change(&mut self, write: impl FnOnce(&mut Transaction<'_>)) -> Vec<u8> {
        self.change_on(genesis(), write)
    }

    fn change_on(
        &mut self,
        mut doc: Automerge,
        write: impl FnOnce(&mut Transaction<'_>),
    ) -> Vec<u8> {
        doc.set_actor(actor_id(Actor(self.rng.bytes())));
        let mut tx = doc.transaction();
        write(&mut tx);
        let (hash, _) = tx.commit();
        let hash = hash.expect("something was written");
        doc.get_change_by_hash(&hash).expect("just written").raw_bytes().to_vec()
    }

    /// Writes a harmless answer.
    pub(super) fn sound(&mut self) -> Vec<u8> {
        let number = i64::try_from(self.rng.below(1_000_000)).expect("small");
        self.change(|tx| put(tx, "answers", "untold", number))
    }

    fn parts(&mut self) -> Parts {
        Parts::of(&self.sound())
    }

    /// Sends bytes under the hash of the change they were made from, or of themselves.
    fn send(&self, (hash, chunk): (ChangeHash, Vec<u8>)) -> Vec<Unsent> {
        vec![Unsent { document: self.document, hash, chunk }]
    }

    fn send_sound(&self, chunk: Vec<u8>) -> Vec<Unsent> {
        self.send((framed_hash(&chunk), chunk))
    }

    /// Sends a sound change after something happened to its bytes.
    fn spoilt(&mut self, spoil: impl FnOnce(&mut Vec<u8>)) -> Vec<Unsent> {
        let mut chunk = self.sound();
        let hash = framed_hash(&chunk);
        spoil(&mut chunk);
        self.send((hash, chunk))
    }

    /// Sends a change with other parts and a checksum that fits.
    fn rebuilt(&mut self, change: impl FnOnce(&mut Parts)) -> Vec<Unsent> {
        let mut parts = self.parts();
        change(&mut parts);
        self.send(parts.chunk())
    }
}

/// Returns the hash a sound, inflated change says it has.
pub(super) fn framed_hash(chunk: &[u8]) -> ChangeHash {
    ChangeHash(sha256(&chunk[8..]))
}

fn map(tx: &Transaction<'_>, key: &str) -> ObjId {
    tx.get(ROOT, key).expect("readable").expect("genesis made it").1
}

fn put(tx: &mut Transaction<'_>, at: &str, key: &str, value: impl Into<ScalarValue>) {
    let map = map(tx, at);
    tx.put(&map, key, value).expect("writable");
}

/// Every kind whose trouble is in the bytes.
pub(super) fn of_bytes() -> Vec<Kind> {
    kinds! {
        "nothing at all" => MALFORMED, |g| g.spoilt(Vec::clear);
        "a flipped bit in the magic" => MALFORMED, |g| g.spoilt(|c| c[1] ^= 4);
        "a flipped bit in the checksum" => MALFORMED, |g| g.spoilt(|c| c[5] ^= 1);
        "a flipped bit in the columns" => MALFORMED, |g| g.spoilt(|c| *c.last_mut().unwrap() ^= 16);
        "one byte short" => MALFORMED, |g| g.spoilt(|c| c.truncate(c.len() - 1));
        "cut in half" => MALFORMED, |g| g.spoilt(|c| c.truncate(c.len() / 2));
        "bytes after the end" => MALFORMED, |g| g.spoilt(|c| c.extend([0; 7]));
        "a checksum of zeros" => MALFORMED, |g| g.spoilt(|c| c[4..8].fill(0));
        "a whole document" => KIND_REFUSED, |g| g.spoilt(|c| *c = genesis().save());
        "a bundle" => KIND_REFUSED, |g| g.spoilt(|c| c[8] = 3);
        "a kind nobody knows" => KIND_REFUSED, |g| g.spoilt(|c| c[8] = 9);
        "a change that is no deflate" => MALFORMED, |g| g.spoilt(|c| c[8] = 2);
        "a deflate bomb" => TOO_LARGE, |g| g.send(deflated(&vec![0; 64 << 20]));
        "a length of many gigabytes" => MALFORMED, |g| g.spoilt(|c| {
            *c = [&c[..9], &leb(1 << 60), &c[10..]].concat();
        });
        "a number that never ends" => MALFORMED, |g| g.spoilt(|c| {
            *c = [&c[..9], &[0xff; 40][..]].concat();
        });
        "300 kilobytes of noise" => TOO_LARGE, |g| {
            let noise: Vec<u8> = (0..300 << 7).flat_map(|_| g.rng.bytes::<8>()).collect();
            g.send(framed(&noise))
        };
        "the bytes of a neighbour without their frame" => MALFORMED, |g| {
            let last = g.good.last().unwrap();
            g.send((last.hash, last.chunk[8..].to_vec()))
        };
        "another hash in the manifest" => MISMATCH, |g| {
            let chunk = g.sound();
            let hash = ChangeHash(g.rng.bytes());
            g.send((hash, chunk))
        };
        "a neighbour's hash in the manifest" => MISMATCH, |g| {
            let chunk = g.sound();
            g.send((g.good[2].hash, chunk))
        };
        "10^5 dependencies, deflated" => TOO_LARGE, |g| {
            let hashes = vec![genesis_hash().0; 100_000];
            g.send(deflated(&[leb(100_000), hashes.concat()].concat()))
        };
        "10^5 dependencies that are not there" => DEPENDENCIES, |g| {
            g.send(framed(&[leb(100_000), vec![7; 64]].concat()))
        };
        "65 dependencies" => DEPENDENCIES, |g| {
            let hashes = (0..65).map(|_| g.rng.bytes()).collect();
            g.rebuilt(|parts| parts.dependencies = hashes)
        };
        "no actor" => ACTOR, |g| g.rebuilt(|parts| parts.actor.clear());
        "an actor of 15 bytes" => ACTOR, |g| g.rebuilt(|parts| parts.actor.truncate(15));
        "an actor of 32 bytes" => ACTOR, |g| g.rebuilt(|parts| parts.actor = vec![3; 32]);
        "65 other actors" => ACTOR, |g| g.rebuilt(|parts| parts.others = vec![vec![3; 16]; 65]);
        "an empty other actor" => ACTOR, |g| g.rebuilt(|parts| parts.others = vec![vec![]]);
        "number 0" => MALFORMED, |g| g.rebuilt(|parts| parts.seq = 0);
        "an absurd number" => TOO_LARGE, |g| g.rebuilt(|parts| parts.seq = 1 << 40);
        "operations from 0" => MALFORMED, |g| g.rebuilt(|parts| parts.start_op = 0);
        "absurd operation numbers" => TOO_LARGE, |g| g.rebuilt(|parts| parts.start_op = 1 << 40);
        "a long message" => TOO_LARGE, |g| g.rebuilt(|parts| parts.message = vec![b'a'; 257]);
        "half of the columns" => MALFORMED, |g| g.rebuilt(|parts| {
            parts.columns.truncate(parts.columns.len() / 2);
        });
        "columns longer than the change" => MALFORMED, |g| g.rebuilt(|parts| {
            parts.columns = [leb(1), leb(0x15), leb(1 << 40)].concat();
        });
        "10^6 columns" => MALFORMED, |g| g.rebuilt(|parts| parts.columns = leb(1_000_000));
        "columns of noise" => MALFORMED, |g| {
            let noise = g.rng.bytes::<40>();
            g.rebuilt(|parts| parts.columns = [leb(3), noise.to_vec()].concat())
        };
        "a frame around a frame" => DEPENDENCIES, |g| {
            let chunk = g.sound();
            g.send(framed(&frame(&[0; 4], 1, &chunk)))
        };
    }
}

/// Every kind of sound change that is in the wrong place or says absurd things.
pub(super) fn of_content() -> Vec<Kind> {
    let mut kinds = kinds! {
        "a document nobody knows" => FOREIGN, |g| {
            let (document, chunk) = (DocumentId(g.rng.bytes()), g.sound());
            vec![Unsent { document, hash: framed_hash(&chunk), chunk }]
        };
        "a document of another campaign" => FOREIGN, |g| {
            let (campaign, household) = (CampaignId(g.rng.bytes()), HouseholdId(g.rng.bytes()));
            let (document, chunk) = (document_id(campaign, household), g.sound());
            vec![Unsent { document, hash: framed_hash(&chunk), chunk }]
        };
        "a document of another commune" => NOT_ASSIGNED, |g| {
            let (document, chunk) = (g.elsewhere, g.sound());
            vec![Unsent { document, hash: framed_hash(&chunk), chunk }]
        };
        "ancestors that never come" => WAITING, |g| {
            let hash = g.rng.bytes();
            g.rebuilt(|parts| parts.dependencies = vec![hash])
        };
        "orphans of an orphan" => WAITING, |g| {
            let missing = g.rng.bytes();
            let parent = g.rebuilt(|parts| parts.dependencies = vec![missing]);
            let hash = parent[0].hash.0;
            [parent, g.rebuilt(|parts| parts.dependencies = vec![hash])].concat()
        };
        "the genesis once more" => ACCEPTED, |g| g.send_sound(GENESIS_V1.to_vec());
        "the genesis's actor and number" => MALFORMED, |g| {
            g.rebuilt(|parts| parts.actor = vec![0; 16])
        };
        "a number out of the blue" => ACCEPTED, |g| g.rebuilt(|parts| parts.seq = 77);
        "operation numbers below its ancestors'" => MALFORMED, |g| {
            g.rebuilt(|parts| parts.start_op = 1)
        };
        "operation numbers far ahead" => AHEAD, |g| g.rebuilt(|parts| parts.start_op = 1 << 30);
        "an object that does not exist" => ACCEPTED, |g| dangling(g, |tx, key| {
            let inner = tx.get(map(tx, "members"), key).unwrap().unwrap().1;
            tx.put(&inner, "name", "nobody").unwrap();
        });
        "replacing what does not exist" => ACCEPTED, |g| dangling(g, |tx, key| {
            tx.put(map(tx, "members"), key, 3).unwrap();
        });
        "a future layout" => ACCEPTED, |g| answer(g, |tx| tx.put(ROOT, "schema", 99).unwrap());
        "a layout that is no number" => ACCEPTED, |g| answer(g, |tx| {
            tx.put(ROOT, "schema", "newest").unwrap();
        });
        "a huge text" => ACCEPTED, |g| answer(g, |tx| {
            put(tx, "answers", "cause_other", "mưa ".repeat(10_000));
        });
        "a huge key" => TOO_LARGE, |g| answer(g, |tx| put(tx, "answers", &"k".repeat(9_000), 1));
        "bytes for an answer" => ACCEPTED, |g| answer(g, |tx| {
            put(tx, "answers", "cause_other", ScalarValue::Bytes(vec![255; 40]));
        });
        "a fraction for an answer" => ACCEPTED, |g| answer(g, |tx| {
            put(tx, "answers", "cause_other", 3.5);
            put(tx, "answers", "untold", f64::NAN);
        });
        "a counter and a timestamp" => ACCEPTED, |g| answer(g, |tx| {
            put(tx, "answers", "cause_other", ScalarValue::counter(3));
            put(tx, "answers", "untold", ScalarValue::Timestamp(-5));
        });
        "a number beyond 64 bits" => ACCEPTED, |g| answer(g, |tx| {
            put(tx, "answers", "cause_other", ScalarValue::Uint(u64::MAX));
            put(tx, "b1_items", "nonsense", "many");
        });
        "a list among the members" => ACCEPTED, |g| answer(g, |tx| {
            tx.put_object(map(tx, "members"), "m", ObjType::List).unwrap();
            put(tx, "members", "n", "somebody");
        });
        "maps in maps in maps" => ACCEPTED, |g| answer(g, |tx| {
            let mut at = map(tx, "answers");
            for _ in 0..50 {
                at = tx.put_object(&at, "deeper", ObjType::Map).unwrap();
            }
        });
        "a second map of answers" => ACCEPTED, |g| answer(g, |tx| second(tx, "answers"));
        "a second map of members" => ACCEPTED, |g| answer(g, |tx| second(tx, "members"));
        "a text where the members are" => ACCEPTED, |g| answer(g, |tx| {
            tx.put(ROOT, "members", "all of them").unwrap();
        });
        "no members any more" => ACCEPTED, |g| answer(g, |tx| tx.delete(ROOT, "members").unwrap());
        "no answers any more" => ACCEPTED, |g| answer(g, |tx| tx.delete(ROOT, "answers").unwrap());
    };
    kinds.push(Kind {
        name: TWICE,
        make: |g| {
            let actor = g.rng.bytes::<16>().to_vec();
            let first = g.rebuilt(|parts| parts.actor.clone_from(&actor));
            [first, g.rebuilt(|parts| parts.actor = actor)].concat()
        },
        verdict: ACCEPTED,
        disputes: 1,
    });
    kinds
}

fn answer(g: &mut Ground<'_>, write: impl FnOnce(&mut Transaction<'_>)) -> Vec<Unsent> {
    let chunk = g.change(write);
    g.send_sound(chunk)
}

/// Puts a map in the place of one that genesis made, as a client without genesis does.
fn second(tx: &mut Transaction<'_>, key: &str) {
    let map = tx.put_object(ROOT, key, ObjType::Map).unwrap();
    tx.put(&map, "untold", true).unwrap();
}

/// Writes on top of a change that is then kept back, and denies having seen it.
fn dangling(g: &mut Ground<'_>, write: fn(&mut Transaction<'_>, &str)) -> Vec<Unsent> {
    let key = "aa".repeat(16);
    let first = g.change(|tx| {
        let members = map(tx, "members");
        tx.put_object(&members, key.as_str(), ObjType::Map).unwrap();
    });
    let mut doc = genesis();
    let first = automerge::Change::from_bytes(first).unwrap();
    doc.apply_changes([first]).unwrap();
    let second = g.change_on(doc, |tx| write(tx, &key));
    let mut parts = Parts::of(&second);
    parts.dependencies = vec![genesis_hash().0];
    g.send(parts.chunk())
}
