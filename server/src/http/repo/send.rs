//! What is due to a client, sent in portions.
//!
//! A portion is read under a place and within the memory for answers, and its place is given back
//! before its first byte is sent: however slowly a client takes it, nobody waits for that.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::genesis::GENESIS_V1;
use shared::id::{ChangeHash, DocumentId};
use shared::limits;
use shared::merge::genesis_hash;
use shared::repo::address;
use shared::repo::answer::Answer;
use shared::repo::message::Sent;
use shared::repo::sync::SyncMessage;

use super::End;
use super::line::Line;
use super::turn::Peer;
use crate::http::unseen::unsound;
use crate::store::material::AT_ONCE;
use crate::store::repo::RepoLog;

/// What is due to a client about a document.
pub(super) struct Due {
    document: DocumentId,
    answer: Answer,
    /// What is sent of it comes after this position.
    since: i64,
    /// Bytes that are read for it: of all changes after that position, where any is sent.
    bytes: usize,
    /// Unit of the household and the newest position in it, where no worker has looked yet at what is
    /// sent.
    unseen: Option<(String, i64)>,
}

impl Due {
    pub(super) fn new(document: DocumentId, answer: Answer, since: i64, of: &RepoLog) -> Self {
        let is_read = answer.send.iter().any(|hash| *hash != genesis_hash());
        let bytes = if is_read { of.log.bytes_after(since) } else { 0 };
        let unseen = (of.unseen_at > since).then(|| (of.unit.clone(), of.unseen_at));
        Self { document, answer, since, bytes, unseen }
    }

    /// Asks for what a client has, and sends nothing.
    pub(super) fn question(document: DocumentId, message: SyncMessage) -> Self {
        let answer = Answer { message: Some(message), send: Vec::new() };
        Self { document, answer, since: 0, bytes: 0, unseen: None }
    }

    /// Tells whether changes are sent that the log is read for.
    fn is_read(&self) -> bool {
        self.bytes > 0
    }
}

type Chunks = BTreeMap<(DocumentId, ChangeHash), Vec<u8>>;

/// Cuts off as much as is sent at one time: one document at the least, were it a large one.
fn portion(due: &mut Vec<Due>) -> Vec<Due> {
    let (mut bytes, mut documents) = (0, 0);
    let end = due.iter().position(|due| {
        bytes += due.bytes;
        documents += usize::from(due.is_read());
        documents > AT_ONCE || (documents > 1 && bytes > limits::ANSWER_BYTES)
    });
    let rest = due.split_off(end.unwrap_or(due.len()));
    std::mem::replace(due, rest)
}

impl Peer {
    /// Sends what is due. Where something may not be sent, what is left of the household follows once
    /// it has been set aside, which is news, or a worker has found it sound, which is looked for.
    pub(super) async fn send(&mut self, line: &mut Line, mut due: Vec<Due>) -> Result<(), End> {
        while !due.is_empty() {
            let mut portion = portion(&mut due);
            let bytes = portion.iter().map(|due| due.bytes).sum();
            // Given back when the client has taken the portion.
            let share = if bytes > 0 { Some(self.share(bytes).await?) } else { None };
            let mut chunks = self.chunks(&mut portion).await?;
            for due in portion {
                let Some(mut message) = due.answer.message else { continue };
                for hash in due.answer.send {
                    let stored = chunks.remove(&(due.document, hash));
                    let genesis = || (hash == genesis_hash()).then(|| GENESIS_V1.to_vec());
                    message.changes.extend(stored.or_else(genesis));
                }
                let (document, data) = (address::write(due.document), message.write());
                line.put(&Sent::Sync { document: &document, data: &data }).await?;
            }
            line.flush().await?;
            drop(share);
        }
        Ok(())
    }

    /// Reads the bytes of what a portion sends, and leaves out of it what may not be sent.
    async fn chunks(&mut self, portion: &mut Vec<Due>) -> Result<Chunks, End> {
        if !portion.iter().any(Due::is_read) {
            return Ok(Chunks::new());
        }
        let _place = self.enter().await?;
        // While it was waited for, the device may have been revoked.
        self.holder().await?;
        let unsound = self.unsound(portion).await?;
        portion.retain(|due| !unsound.contains(&due.document));
        for document in &unsound {
            self.again(*document);
        }
        let mut chunks = Chunks::new();
        // Whoever has a household already is sent what is new of it.
        for is_new in [true, false] {
            let read = portion.iter().filter(|due| due.is_read() && (due.since == 0) == is_new);
            let documents: Vec<DocumentId> = read.clone().map(|due| due.document).collect();
            let since = read.map(|due| due.since).min().unwrap_or(0);
            let campaign = self.ticket.campaign;
            chunks.append(&mut self.app.store.repo_chunks(campaign, &documents, since).await?);
        }
        Ok(chunks)
    }

    /// Looks at what no worker has looked at yet; returns the households that may not be sent.
    async fn unsound(&self, portion: &[Due]) -> Result<BTreeSet<DocumentId>, End> {
        let mut unseen: BTreeMap<&String, BTreeMap<DocumentId, i64>> = BTreeMap::new();
        for due in portion.iter().filter(|due| due.is_read()) {
            if let Some((unit, position)) = &due.unseen {
                unseen.entry(unit).or_default().insert(due.document, *position);
            }
        }
        let mut found = BTreeSet::new();
        for (unit, documents) in unseen {
            let campaign = self.ticket.campaign;
            found.extend(unsound(&self.app, campaign, unit, documents).await?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(number: u8, bytes: usize) -> Due {
        let document = DocumentId([number; 16]);
        Due { document, answer: Answer::default(), since: 0, bytes, unseen: None }
    }

    fn sizes(bytes: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut all: Vec<Due> = bytes.map(|bytes| due(1, bytes)).collect();
        let mut sizes = Vec::new();
        while !all.is_empty() {
            sizes.push(portion(&mut all).len());
        }
        sizes
    }

    #[test]
    fn a_portion_has_so_many_documents_or_so_many_bytes_or_one_document() {
        assert_eq!(sizes([10; 70].into_iter()), [AT_ONCE, AT_ONCE, 70 - 2 * AT_ONCE]);
        // What is only said, and nothing read for it, is sent along.
        assert_eq!(sizes([0; 500].into_iter()), [500]);
        let large = limits::ANSWER_BYTES + 1;
        assert_eq!(sizes([large, large, 10, 10].into_iter()), [1, 1, 2]);
        assert_eq!(sizes([limits::ANSWER_BYTES, 0, 1].into_iter()), [2, 1]);
    }
}
