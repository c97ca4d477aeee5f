//! What travels in one frame of the WebSocket: a CBOR map with text keys.
//!
//! Unknown keys are skipped and unknown kinds are told apart from damaged ones: clients are newer or
//! older than this file.

use super::Malformed;
use super::cbor::{Reader, Value, Writer};
use crate::limits;

/// The one version of the protocol.
pub const VERSION: &str = "1";

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<'a> {
    /// Who says it is sent by it.
    pub sender: &'a str,
    /// What it says.
    pub said: Said<'a>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// The first message.
    Join {
        /// It speaks [`VERSION`].
        speaks: bool,
    },
    /// Something about a document.
    Sync {
        /// The document as the client names it.
        document: &'a str,
        /// Automerge's sync message.
        data: &'a [u8],
    },
    /// It goes.
    Leave,
    /// Something that servers have no use for.
    Other,
}

/// What a message may say, key by key.
#[derive(Debug, Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    sender: Option<&'a str>,
    document: Option<&'a str>,
    data: Option<&'a [u8]>,
    speaks: Option<bool>,
}

impl<'a> Received<'a> {
    /// Reads a message.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let Value::Map(pairs) = reader.value()? else { return Err(Malformed) };
        let mut fields = Fields::default();
        for _ in 0..pairs {
            let Value::Text(key) = reader.value()? else { return Err(Malformed) };
            fields.take(key, &mut reader)?;
        }
        if reader.is_empty() { fields.message() } else { Err(Malformed) }
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, key: &str, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        match (key, reader.value()?) {
            ("type", Value::Text(kind)) => self.kind = Some(kind),
            ("senderId", Value::Text(sender)) => self.sender = Some(sender),
            ("documentId", Value::Text(document)) => self.document = Some(document),
            ("data", Value::Bytes(data)) => self.data = Some(data),
            ("supportedProtocolVersions", Value::List(count)) => {
                self.speaks = Some(false);
                for _ in 0..count {
                    match reader.value()? {
                        Value::Text(VERSION) => self.speaks = Some(true),
                        other => reader.skip_parts(other)?,
                    }
                }
            }
            (_, other) => reader.skip_parts(other)?,
        }
        Ok(())
    }

    fn message(self) -> Result<Received<'a>, Malformed> {
        let sender = self.sender.filter(|sender| !sender.is_empty()).ok_or(Malformed)?;
        if sender.len() > limits::PEER_BYTES_MAX {
            return Err(Malformed);
        }
        let said = match self.kind.ok_or(Malformed)? {
            // Who names no version means the first.
            "join" => Said::Join { speaks: self.speaks.unwrap_or(true) },
            "sync" | "request" => Said::Sync {
                document: self.document.ok_or(Malformed)?,
                data: self.data.filter(|data| !data.is_empty()).ok_or(Malformed)?,
            },
            "leave" => Said::Leave,
            _ => Said::Other,
        };
        Ok(Received { sender, said })
    }
}

/// A message of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<'a> {
    /// Answers a join.
    Peer {
        /// Under what the client may keep what it knows of this server.
        storage: &'a str,
    },
    /// Something about a document.
    Sync {
        /// The document as clients name it.
        document: &'a str,
        /// Automerge's sync message.
        data: &'a [u8],
    },
    /// There is no such document, or the client may not see it.
    Unavailable {
        /// The document as clients name it.
        document: &'a str,
    },
    /// Why the connection ends.
    Error {
        /// A published problem name.
        reason: &'a str,
        /// The document it is about, where it is about one; clients read over it.
        document: Option<&'a str>,
    },
}

impl Sent<'_> {
    /// Writes the message.
    pub fn write(&self, sender: &str, target: &str) -> Vec<u8> {
        let mut out = Writer::default();
        let (kind, more) = match self {
            Self::Peer { .. } => ("peer", 2),
            Self::Sync { .. } => ("sync", 2),
            Self::Unavailable { .. } => ("doc-unavailable", 1),
            Self::Error { document, .. } => ("error", 1 + usize::from(document.is_some())),
        };
        out.map(3 + more);
        for (key, text) in [("type", kind), ("senderId", sender), ("targetId", target)] {
            out.text(key);
            out.text(text);
        }
        match self {
            Self::Peer { storage } => {
                out.text("selectedProtocolVersion");
                out.text(VERSION);
                out.text("peerMetadata");
                out.map(2);
                out.text("storageId");
                out.text(storage);
                out.text("isEphemeral");
                out.no();
            }
            Self::Sync { document, data } => {
                out.text("documentId");
                out.text(document);
                out.text("data");
                out.bytes(data);
            }
            Self::Unavailable { document } => {
                out.text("documentId");
                out.text(document);
            }
            Self::Error { reason, document } => {
                out.text("message");
                out.text(reason);
                if let Some(document) = document {
                    out.text("documentId");
                    out.text(document);
                }
            }
        }
        out.0
    }
}

/// Writes a client's messages, for tests and other clients in Rust.
pub mod client {
    use super::{VERSION, Writer};

    /// Writes the first message.
    pub fn join(sender: &str) -> Vec<u8> {
        let mut out = Writer::default();
        out.map(4);
        out.text("type");
        out.text("join");
        out.text("senderId");
        out.text(sender);
        out.text("peerMetadata");
        out.map(0);
        out.text("supportedProtocolVersions");
        out.list(1);
        out.text(VERSION);
        out.0
    }

    /// Writes a message of a kind about a document.
    pub fn about(kind: &str, sender: &str, target: &str, document: &str, data: &[u8]) -> Vec<u8> {
        let mut out = Writer::default();
        out.map(5);
        let texts =
            [("type", kind), ("senderId", sender), ("targetId", target), ("documentId", document)];
        for (key, text) in texts {
            out.text(key);
            out.text(text);
        }
        out.text("data");
        out.bytes(data);
        out.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_of_clients_are_read() {
        let join = client::join("peer-1");
        let read = Received::read(&join).unwrap();
        assert_eq!(read, Received { sender: "peer-1", said: Said::Join { speaks: true } });
        let sync = client::about("request", "peer-1", "server", "abc", &[0x42]);
        let said = Said::Sync { document: "abc", data: &[0x42] };
        assert_eq!(Received::read(&sync).unwrap(), Received { sender: "peer-1", said });
        let presence = client::about("ephemeral", "peer-1", "server", "abc", &[1]);
        assert_eq!(Received::read(&presence).unwrap().said, Said::Other);
    }

    #[test]
    fn a_join_that_names_no_version_or_another_is_told_apart() {
        let mut out = Writer::default();
        out.map(2);
        out.text("type");
        out.text("join");
        out.text("senderId");
        out.text("p");
        assert_eq!(Received::read(&out.0).unwrap().said, Said::Join { speaks: true });
        out.0[0] = 0xa3;
        out.text("supportedProtocolVersions");
        out.list(1);
        out.text("2");
        assert_eq!(Received::read(&out.0).unwrap().said, Said::Join { speaks: false });
    }

    #[test]
    fn no_bytes_make_reading_panic_and_every_cut_is_refused() {
        let whole = client::about("sync", "peer-1", "server", "abc", &[0x42; 40]);
        for cut in 0..whole.len() {
            assert_eq!(Received::read(&whole[..cut]), Err(Malformed));
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;
                let _told_apart = Received::read(&damaged);
            }
        }
        assert_eq!(Received::read(&client::about("sync", "p", "s", "d", &[])), Err(Malformed));
    }
}
