//! A connection to the standard door by hand: any bytes in any order, and what came back.

use std::time::Duration;

use ciborium::Value;
use futures_util::{SinkExt, StreamExt};
use shared::id::{ChangeHash, DocumentId};
use shared::repo::message::client;
use shared::repo::sync::SyncMessage;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::named;

/// Longest wait for anything: a wait for nothing fails the story. Whoever is turned away is left
/// waiting for a minute before the line is closed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Peer,
    Sync(String, SyncMessage),
    Unavailable(String),
    /// Why it ends, and the document it is about.
    Error(String, Option<String>),
    Closed,
}

/// A connection.
pub(crate) struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) name: String,
}

impl Raw {
    /// Connects, and says nothing yet.
    pub(crate) async fn connect(url: &str, name: &str) -> Self {
        let (socket, _) = connect_async(url).await.expect("it connects");
        Self { socket, name: name.to_owned() }
    }

    /// Connects and joins.
    pub(crate) async fn join(url: &str, name: &str) -> Self {
        let mut raw = Self::connect(url, name).await;
        raw.send(client::join(name)).await;
        assert_eq!(raw.hear().await, Heard::Peer);
        raw
    }

    /// Sends bytes; a connection that has ended takes none.
    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        let _gone = self.socket.send(Message::Binary(bytes.into())).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        let _gone = self.socket.send(Message::Text(text.into())).await;
    }

    /// Asks whether the server is there, as the protocol below does.
    pub(crate) async fn ping(&mut self) {
        let _gone = self.socket.send(Message::Ping(Vec::new().into())).await;
    }

    /// Waits until a change is among the heads that are said of a document.
    pub(crate) async fn until_head(&mut self, document: DocumentId, head: ChangeHash) {
        loop {
            match self.hear().await {
                Heard::Sync(of, said) if of == named(document) && said.heads.contains(&head) => {
                    return;
                }
                Heard::Error(..) | Heard::Closed => panic!("it ended"),
                _ => {}
            }
        }
    }

    /// Says something about a document.
    pub(crate) async fn say(&mut self, document: DocumentId, message: &SyncMessage) {
        self.about(&named(document), &message.write()).await;
    }

    /// Says anything about anything.
    pub(crate) async fn about(&mut self, document: &str, data: &[u8]) {
        let bytes = client::about("sync", &self.name, "server", document, data);
        self.send(bytes).await;
    }

    /// Hands changes of a document in; the last of them is the head.
    pub(crate) async fn hand_in(
        &mut self,
        document: DocumentId,
        head: ChangeHash,
        changes: &[Vec<u8>],
    ) {
        let message =
            SyncMessage { heads: vec![head], changes: changes.to_vec(), ..SyncMessage::default() };
        self.say(document, &message).await;
    }

    /// Waits for the next message.
    pub(crate) async fn hear(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.next()).await.expect("something is said")
    }

    /// Tells whether nothing is said for a moment.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(200), self.next()).await.is_err()
    }

    async fn next(&mut self) -> Heard {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return read(&bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Heard::Closed,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits until it is told why the connection ends, and that it does where it has joined. Returns
    /// the document it is about.
    pub(crate) async fn ends(&mut self, reason: &str) -> Option<String> {
        loop {
            match self.hear().await {
                Heard::Error(told, document) => {
                    assert_eq!(told, reason);
                    return document;
                }
                Heard::Closed => panic!("it was not told that {reason}"),
                _ => {}
            }
        }
    }

    /// Asks for a document and waits for what is said about it.
    pub(crate) async fn ask(&mut self, document: DocumentId) -> Heard {
        self.say(document, &SyncMessage::default()).await;
        loop {
            let heard = self.hear().await;
            let about = match &heard {
                Heard::Sync(of, _) | Heard::Unavailable(of) => of.clone(),
                Heard::Peer => continue,
                Heard::Error(..) | Heard::Closed => return heard,
            };
            if about == named(document) {
                return heard;
            }
        }
    }
}

fn read(bytes: &[u8]) -> Heard {
    let value: Value = ciborium::from_reader(bytes).expect("CBOR");
    let map = value.into_map().expect("a map");
    let field = |key: &str| {
        let found = map.iter().find(|(name, _)| name.as_text() == Some(key));
        found.map(|(_, value)| value.clone())
    };
    let text = |key: &str| field(key).and_then(|value| value.into_text().ok()).unwrap_or_default();
    match text("type").as_str() {
        "peer" => {
            assert_eq!(text("selectedProtocolVersion"), "1");
            Heard::Peer
        }
        "sync" => {
            let data = field("data").and_then(|data| data.into_bytes().ok()).expect("data");
            Heard::Sync(text("documentId"), SyncMessage::read(&data).expect("a sync message"))
        }
        "doc-unavailable" => Heard::Unavailable(text("documentId")),
        "error" => {
            let document = field("documentId").and_then(|value| value.into_text().ok());
            Heard::Error(text("message"), document)
        }
        other => panic!("a server does not say {other}"),
    }
}
