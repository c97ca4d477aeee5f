//! The standard door: stock automerge-repo clients, published to npm, open households, write and share
//! them; raw connections do what no client does.

mod bad_input;
mod clients;
mod held_up;
mod line;
mod many;
mod offline;
mod people;
mod processes;
pub(crate) mod raw;
mod samod;
mod who;

use serde_json::{Value as Json, json};
use server::demo::client::{Client, ClientError};
use shared::id::DocumentId;
use shared::repo::address;
use tests::town::Cast;

/// A device's right to call: its access token, and where.
pub(crate) struct Right<'a> {
    pub(crate) client: &'a Client,
    pub(crate) token: &'a str,
}

impl Right<'_> {
    /// Asks for a ticket; returns the address to connect to.
    pub(crate) async fn ticket(&self, cast: &Cast) -> String {
        let wanted = json!({ "campaign": cast.campaign });
        let issued = self.post("/v1/tickets", &wanted).await.expect("a ticket");
        issued["url"].as_str().expect("an address").to_owned()
    }

    /// Registers a household.
    pub(crate) async fn register(
        &self,
        cast: &Cast,
        hamlet: &str,
        key: &str,
    ) -> Result<Json, ClientError> {
        let wanted = json!({ "campaign": cast.campaign, "hamlet": hamlet, "key": key });
        self.post("/v1/households", &wanted).await
    }

    async fn post(&self, path: &str, body: &Json) -> Result<Json, ClientError> {
        self.client.json("POST".parse().expect("a method"), path, Some(self.token), body).await
    }
}

/// Writes a document's id as clients of the door do.
pub(crate) fn named(document: DocumentId) -> String {
    address::write(document)
}
