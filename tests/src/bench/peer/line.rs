//! A connection to any server of the automerge-repo protocol, its traffic counted.
//!
//! It knows nothing of whose server it is: all are given the same client, which loads no document
//! while anything is measured.

use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use shared::id::ChangeHash;
use shared::repo::message::{Received, Said, client};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Buffer of a connection: the library takes 128 KiB for each.
const BUFFER_BYTES: usize = 8 * 1024;

/// After how long stock clients connect again when they were cut off.
const RETRY: Duration = Duration::from_secs(5);

/// Flags at the end of every sync message of stock clients: they take whole documents, and know what
/// a reset is.
const FLAGS: [u8; 3] = [2, 2, 0x84];

/// What went over a connection: messages and their bytes, without the heads of WebSocket and TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes sent.
    pub up: usize,
    /// Bytes received.
    pub down: usize,
    /// Messages sent.
    pub messages_up: usize,
    /// Messages received.
    pub messages_down: usize,
}

impl Traffic {
    /// Returns that of two connections together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            up: self.up + other.up,
            down: self.down + other.down,
            messages_up: self.messages_up + other.messages_up,
            messages_down: self.messages_down + other.messages_down,
        }
    }
}

/// What a server said about a document.
#[derive(Debug)]
pub(super) enum Heard {
    Sync(String, Vec<u8>),
    Unavailable(String),
}

/// A connection that has joined.
pub(super) struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    address: String,
    name: String,
    server: String,
    pub(super) traffic: Traffic,
}

impl Line {
    /// Connects and joins.
    pub(super) async fn join(address: &str, name: String) -> Self {
        Self::open(address, name).await.expect("it joins")
    }

    async fn open(address: &str, name: String) -> Option<Self> {
        let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES);
        let (socket, _) = connect_async_with_config(address, Some(config), true).await.ok()?;
        let (address, server, traffic) = (address.to_owned(), String::new(), Traffic::default());
        let mut line = Self { socket, address, name, server, traffic };
        line.send(client::join(&line.name)).await;
        line.flush().await;
        loop {
            let frame = line.frame().await?;
            if kind(&frame).0 == "peer" {
                line.server = Received::read(&frame).ok()?.sender.to_owned();
                return Some(line);
            }
        }
    }

    /// Connects again after it was cut off, as stock clients do; false where it is too late for that.
    pub(super) async fn again(&mut self, until: Instant) -> bool {
        while Instant::now() + RETRY < until {
            sleep(RETRY).await;
            let opened = timeout_at(until, Self::open(&self.address, self.name.clone())).await;
            if let Ok(Some(line)) = opened {
                let traffic = self.traffic.and(line.traffic);
                *self = Self { traffic, ..line };
                return true;
            }
        }
        false
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        self.traffic.up += bytes.len();
        self.traffic.messages_up += 1;
        // One that has ended is noticed when nothing is heard.
        let _gone = self.socket.feed(Message::Binary(bytes.into())).await;
    }

    /// Says something about a document; it goes with the next flush.
    pub(super) async fn put(&mut self, kind: &str, document: &str, mut data: Vec<u8>) {
        data.extend_from_slice(&FLAGS);
        self.send(client::about(kind, &self.name, &self.server, document, &data)).await;
    }

    /// Sends what was put.
    pub(super) async fn flush(&mut self) {
        let _gone = self.socket.flush().await;
    }

    /// Waits for what is said next; none where the connection ends or it is too late.
    pub(super) async fn hear(&mut self, until: Instant) -> Option<Heard> {
        let heard = async {
            loop {
                let frame = self.frame().await?;
                if let Some(heard) = read(&frame) {
                    return Some(heard);
                }
            }
        };
        timeout_at(until, heard).await.ok().flatten()
    }

    /// Returns what has been said already, without waiting.
    pub(super) fn heard(&mut self) -> Option<Heard> {
        self.frame().now_or_never().flatten().and_then(|frame| read(&frame))
    }

    /// Stays connected, as an application that lies open; tells of everything that is heard.
    pub(super) async fn stay(&mut self, mut hears: impl FnMut(Heard)) {
        while let Some(frame) = self.frame().await {
            read(&frame).into_iter().for_each(&mut hears);
        }
    }

    async fn frame(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Binary(bytes)) => {
                    self.traffic.down += bytes.len();
                    self.traffic.messages_down += 1;
                    return Some(bytes.into());
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

fn read(frame: &[u8]) -> Option<Heard> {
    if let Ok(Received { said: Said::Sync { document, data }, .. }) = Received::read(frame) {
        return Some(Heard::Sync(document.to_owned(), data.to_vec()));
    }
    match kind(frame) {
        (kind, about) if kind == "doc-unavailable" => Some(Heard::Unavailable(about)),
        (kind, about) if kind == "error" => panic!("the server ends the connection: {about}"),
        _ => None,
    }
}

/// Reads of what kind a message is, and the document or the reason it names.
fn kind(frame: &[u8]) -> (String, String) {
    let value: ciborium::Value = ciborium::from_reader(frame).expect("CBOR");
    let map = value.into_map().expect("a map");
    let text = |key: &str| {
        let found = map.iter().find(|(name, _)| name.as_text() == Some(key));
        found.and_then(|(_, value)| value.as_text()).unwrap_or_default().to_owned()
    };
    let (document, reason) = (text("documentId"), text("message"));
    (text("type"), if document.is_empty() { reason } else { document })
}

/// What stands in a sync message, as far as a client has to know while it is measured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gist {
    /// What the server has.
    pub(super) heads: Vec<ChangeHash>,
    /// Bytes of the changes it sends.
    pub(super) changes: usize,
}

impl Gist {
    /// Reads a message of either version, as the two kinds of servers write them.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (version, mut rest) = data.split_first()?;
        if ![0x42, 0x43].contains(version) {
            return None;
        }
        let heads = hashes(&mut rest)?;
        hashes(&mut rest)?;
        for _ in 0..number(&mut rest)? {
            hashes(&mut rest)?;
            sized(&mut rest)?;
        }
        let mut changes = 0;
        for _ in 0..number(&mut rest)? {
            changes += sized(&mut rest)?.len();
        }
        let heads = heads.chunks(32).map(ChangeHash::from_slice);
        Some(Self { heads: heads.collect::<Result<_, _>>().ok()?, changes })
    }
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)?;
    take(rest, length)
}

fn hashes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = number(rest)?;
    take(rest, count.checked_mul(32)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::sync::{State, SyncDoc};
    use automerge::transaction::Transactable;
    use automerge::{AutoCommit, ROOT};
    use shared::repo::sync::SyncMessage;

    use super::*;

    #[test]
    fn the_gist_of_what_the_library_writes_is_what_the_library_reads() {
        let mut doc = AutoCommit::new();
        doc.put(ROOT, "roof", "leaf").unwrap();
        let heads: Vec<ChangeHash> =
            doc.get_heads().iter().map(|head| ChangeHash(head.0)).collect();
        let mut state = State::new();
        let first = doc.sync().generate_sync_message(&mut state).unwrap().encode();
        assert_eq!(Gist::read(&first), Some(Gist { heads: heads.clone(), changes: 0 }));
        // It has nothing, and takes whole documents.
        let mut asks =
            SyncMessage { have: Some(Default::default()), ..SyncMessage::default() }.write();
        asks.extend_from_slice(&FLAGS);
        let asks = automerge::sync::Message::decode(&asks).unwrap();
        doc.sync().receive_sync_message(&mut state, asks).unwrap();
        let second = doc.sync().generate_sync_message(&mut state).unwrap().encode();
        let gist = Gist::read(&second).unwrap();
        assert_eq!((second[0], gist.heads), (0x43, heads));
        assert!(gist.changes > 0);
    }
}
