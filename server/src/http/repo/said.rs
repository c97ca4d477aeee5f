//! What a client has said in the frames that came together.

use axum::body::Bytes;
use mobile_schema::problem;
use shared::id::{ChangeHash, DocumentId};
use shared::limits;
use shared::repo::address;
use shared::repo::message::{self, Received};
use shared::repo::sync::SyncMessage;

use super::End;

/// A message about a document.
pub(super) struct Asked {
    pub(super) document: DocumentId,
    pub(super) message: SyncMessage,
    /// Changes that came with it, once they are in the log or never will be.
    pub(super) carried: Vec<ChangeHash>,
}

/// What was said.
pub(super) struct Said {
    pub(super) asked: Vec<Asked>,
    /// Names that no document has.
    pub(super) unknown: Vec<String>,
    /// Why the connection ends, where it does.
    pub(super) end: Option<End>,
}

/// Reads frames of a peer up to the first one that ends the connection.
pub(super) fn read(peer: &str, frames: &[Bytes]) -> Said {
    let mut said = Said { asked: Vec::new(), unknown: Vec::new(), end: None };
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
            Ok(document) => self.asked.push(Asked { document, message, carried: Vec::new() }),
            Err(_) if name.len() <= limits::PEER_BYTES_MAX => self.unknown.push(name.to_owned()),
            Err(_) => return Err(End::Told(&problem::REPO_MESSAGE)),
        }
        Ok(())
    }
}
