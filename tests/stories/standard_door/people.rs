//! Who holds the clients of these stories.

use serde_json::{Value as Json, json};
use shared::id::DocumentId;

use super::named;
use crate::node_client::{Node, with};

/// A stock client and the person who types on it.
pub(super) struct Stock(Option<Node>);

impl Stock {
    /// Starts a client of a published version; none where there is no node.
    pub(super) fn start(version: &str) -> Option<Self> {
        Node::run("RASOAT_NODE_REPO", "repo.mjs", &[version]).map(|node| Self(Some(node)))
    }

    /// Gives a command and waits until it is done.
    pub(super) async fn tell(&mut self, command: Json) -> Json {
        let node = self.0.take().expect("it runs");
        let (node, answer) = with(node, move |node| node.tell(&command)).await;
        self.0 = Some(node);
        answer
    }

    pub(super) async fn join(&mut self, url: &str) {
        self.tell(json!({ "do": "join", "url": url })).await;
    }

    pub(super) async fn find(&mut self, document: DocumentId) -> Json {
        self.tell(json!({ "do": "find", "id": named(document) })).await
    }

    pub(super) async fn edit(&mut self, document: DocumentId, answers: Json) {
        self.tell(json!({ "do": "edit", "id": named(document), "answers": answers })).await;
    }

    pub(super) async fn read(&mut self, document: DocumentId) -> Json {
        self.tell(json!({ "do": "read", "id": named(document) })).await
    }

    pub(super) async fn wait(&mut self, document: DocumentId, key: &str, value: impl Into<Json>) {
        let id = named(document);
        self.tell(json!({ "do": "wait", "id": id, "key": key, "value": value.into() })).await;
    }

    pub(super) async fn say(&mut self, what: &str) -> Json {
        self.tell(json!({ "do": what })).await
    }
}
