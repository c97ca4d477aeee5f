//! What a client has said in the frames that came together, document by document.

use std::collections::BTreeMap;

use axum::body::Bytes;
use mobile_schema::problem;
use shared::id::{ChangeHash, DocumentId};
use shared::limits;
use shared::repo::address;
use shared::repo::message::{self, Received};
use shared::repo::sync::SyncMessage;

use super::End;

/// What was said about a document, in one message or several.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) message: SyncMessage,
    /// Its sender had nothing of the document before it said the rest.
    pub(super) anew: bool,
    /// Changes that came with it, once they are in the log or never will be.
    pub(super) carried: Vec<ChangeHash>,
}

impl Asked {
    /// Takes in what was said next: where its sender stands is what it said last, and what it sent
    /// and asked for is all of it.
    fn take(&mut self, next: SyncMessage) {
        self.anew |= next.heads.is_empty() && next.need.is_empty();
        let before = std::mem::replace(&mut self.message, next);
        let now = &mut self.message;
        now.changes.splice(0..0, before.changes);
        now.need.extend(before.need);
    }
}

/// What was said.
pub(super) struct Said {
    pub(super) asked: BTreeMap<DocumentId, Asked>,
    /// Messages that it took.
    pub(super) messages: usize,
    /// Names that no document has.
    pub(super) unknown: Vec<String>,
    /// Why the connection ends, where it does.
    pub(super) end: Option<End>,
}

/// Reads frames of a peer up to the first one that ends the connection.
pub(super) fn read(peer: &str, frames: &[Bytes]) -> Said {
    let mut said = Said { asked: BTreeMap::new(), messages: 0, unknown: Vec::new(), end: None };
    for frame in frames {
        if let Err(end) = said.take(peer, frame) {
            said.end = Some(end);
            break;
        }
    }
    said
}

impl Said {
    fn take(&mut self, peer: &str, frame: &[u8]) -> Result<(), End> {
        let received = Received::read(frame).map_err(|_| &problem::REPO_MESSAGE)?;
        if received.sender != peer {
            return Err(End::Told(&problem::REPO_SENDER));
        }
        let (name, data) = match received.said {
            message::Said::Sync { document, data } => (document, data),
            message::Said::Other => return Ok(()),
            message::Said::Leave => return Err(End::Gone),
            message::Said::Join { .. } => return Err(End::Told(&problem::REPO_MESSAGE)),
        };
        let message = SyncMessage::read(data).map_err(|_| &problem::REPO_MESSAGE)?;
        match address::read(name) {
            Ok(document) => {
                self.messages += 1;
                self.asked.entry(document).or_default().take(message);
            }
            Err(_) if name.len() <= limits::PEER_BYTES_MAX => self.unknown.push(name.to_owned()),
            Err(_) => return Err(End::Told(&problem::REPO_MESSAGE)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_two_messages_is_taken_as_one() {
        let hash = |name: u8| ChangeHash([name; 32]);
        let mut asked = Asked::default();
        asked.take(SyncMessage { changes: vec![vec![1]], ..SyncMessage::default() });
        let need = vec![hash(1)];
        let (heads, changes) = (vec![hash(2)], vec![vec![2]]);
        asked.take(SyncMessage { heads, need, changes, have: None });
        asked.take(SyncMessage { heads: vec![hash(3)], ..SyncMessage::default() });
        assert!(asked.anew, "it had nothing when it began");
        assert_eq!((asked.message.heads, asked.message.need), (vec![hash(3)], vec![hash(1)]));
        assert_eq!(asked.message.changes, [vec![1], vec![2]]);
    }
}
