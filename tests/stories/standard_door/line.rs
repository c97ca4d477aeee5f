//! What clients write, made by hand with the library: under any writer, on any version.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT, ReadDoc};
use mobile_schema::genesis::GENESIS_V1;
use shared::id::ChangeHash;

/// A document of a client's.
pub(super) struct Written(AutoCommit);

impl Written {
    /// Begins a document with the first change that every household has.
    pub(super) fn begin(actor: u8) -> Self {
        let mut doc = AutoCommit::load(GENESIS_V1).expect("the first change");
        doc.set_actor(ActorId::from([actor; 16]));
        Self(doc)
    }

    /// Begins with what somebody else has written.
    pub(super) fn on(actor: u8, changes: &[Vec<u8>]) -> Self {
        let mut begun = Self::begin(actor);
        for change in changes.iter().filter(|change| *change != GENESIS_V1) {
            begun.0.load_incremental(change).expect("it loads");
        }
        begun
    }

    /// Writes an answer; returns the change and its hash.
    pub(super) fn answer(&mut self, key: &str, value: &str) -> (ChangeHash, Vec<u8>) {
        let (_, answers) = self.0.get(ROOT, "answers").expect("it reads").expect("answers");
        self.0.put(answers, key, value).expect("it writes");
        self.0.commit();
        let change = self.0.get_last_local_change().expect("a change");
        (ChangeHash(change.hash().0), change.raw_bytes().to_vec())
    }
}
