//! A simulated phone: it keeps bytes, opens one household at a time, and speaks only HTTP.
//!
//! It is also the reference for what a client does: write offline, sign what it sends, resend until
//! a receipt names it, and never trust that an answer arrived.

mod courier;
mod line;
mod memory;
mod pace;

use std::collections::BTreeMap;
use std::time::Duration;

use automerge::{Automerge, AutomergeError};
use ed25519_dalek::{SigningKey, VerifyingKey};
use hyper::Method;
use mobile_schema::frame::{Fate, NewHousehold, Verdict};
use mobile_schema::household::{Household, SCHEMA_VERSION};
use serde_bytes::ByteArray;
use shared::id::{
    Actor, CampaignId, ChangeHash, DeviceId, DocumentId, HouseholdId, actor_of, document_id,
    from_hex, to_hex,
};
use shared::merge::{actor_id, merge};
use shared::page::{Page, write};
use shared::resolve::resolve;

use self::courier::Courier;
use self::memory::Memory;
use self::pace::Pace;
use super::client::{Client, ClientError};
use crate::keys::random;

/// Why a phone could not do something.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The household cannot be written.
    #[error("the household cannot be written")]
    Document(#[from] AutomergeError),
    /// A receipt is not the server's, or names another manifest.
    #[error("a receipt does not hold")]
    Receipt,
    /// The key for courier files is not one that the server has signed.
    #[error("the key for courier files does not hold")]
    Courier,
    /// A page is not the server's, or holds what it should not.
    #[error("a page does not hold")]
    Page,
    /// There is no such household on the phone.
    #[error("no such household on this phone")]
    Unknown,
}

/// A household as the phone keeps it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where the server says it belongs.
    pub hamlet: String,
    /// Code on the opening list, empty for one the phone registered.
    pub code: String,
    /// Its changes, as bytes.
    pub chunks: Vec<Vec<u8>>,
}

/// A change that no receipt names yet.
#[derive(Debug, Clone)]
pub struct Unsent {
    /// Document it belongs to.
    pub document: DocumentId,
    /// Change hash.
    pub hash: ChangeHash,
    /// Inflated chunk.
    pub chunk: Vec<u8>,
}

/// What one or more round trips came to.
#[derive(Debug, Clone, Default)]
pub struct SyncReport {
    /// Round trips.
    pub trips: usize,
    /// Body bytes sent.
    pub up: usize,
    /// Body bytes received.
    pub down: usize,
    /// Verdicts of the receipts, in the order sent.
    pub verdicts: Vec<Verdict>,
    /// Times the line broke.
    pub cuts: usize,
    /// From the beginning until everything of the phone's own was acknowledged.
    pub handed_in_after: Option<Duration>,
    /// Problem names of batches refused whole.
    pub refused: Vec<String>,
    /// Changes received, those of whole households too.
    pub received: usize,
}

/// A simulated phone.
#[derive(Debug)]
pub struct Phone {
    client: Client,
    campaign: CampaignId,
    /// Device id given at enrolment.
    pub device: DeviceId,
    key: SigningKey,
    server_key: VerifyingKey,
    actor: Actor,
    access: String,
    refresh: String,
    cursor: Vec<u8>,
    /// How much goes up, and is asked for, at once.
    pace: Pace,
    /// Households on the phone.
    pub households: BTreeMap<DocumentId, Kept>,
    /// Work that no receipt names yet.
    pub outbox: Vec<Unsent>,
    new_households: BTreeMap<DocumentId, NewHousehold>,
    /// The phone's clock, seconds since 1970; may be years off.
    pub clock_s: i64,
    /// Layout version the phone says it writes.
    pub schema: u32,
    memory: Memory,
    courier: Courier,
}

impl Phone {
    /// Enrols a phone with a one-time code.
    pub async fn enrol(
        client: &Client,
        campaign: CampaignId,
        code: &str,
        label: &str,
    ) -> Result<Self, PhoneError> {
        let key = SigningKey::from_bytes(&random::<32>());
        let form = serde_json::json!({
            "code": code,
            "label": label,
            "public_key": to_hex(key.verifying_key().as_bytes()),
        });
        let answer: serde_json::Value =
            client.json(Method::POST, "/v1/devices", None, &form).await?;
        let text = |value: &serde_json::Value| {
            value.as_str().map(ToOwned::to_owned).ok_or(ClientError::Unreadable)
        };
        let device = text(&answer["device"])?.parse().map_err(|_| ClientError::Unreadable)?;
        let server_key =
            from_hex(&text(&answer["server_key"])?).map_err(|_| ClientError::Unreadable)?;
        Ok(Self {
            client: client.clone(),
            campaign,
            device,
            actor: actor_of(device, random()),
            key,
            server_key: VerifyingKey::from_bytes(&server_key)
                .map_err(|_| ClientError::Unreadable)?,
            access: text(&answer["tokens"]["access"])?,
            refresh: text(&answer["tokens"]["refresh"])?,
            cursor: Vec::new(),
            pace: Pace::default(),
            households: BTreeMap::new(),
            outbox: Vec::new(),
            new_households: BTreeMap::new(),
            clock_s: 1_664_600_000,
            schema: SCHEMA_VERSION,
            memory: Memory::default(),
            courier: Courier::of(&answer, &server_key).ok_or(PhoneError::Courier)?,
        })
    }

    /// Copies the phone with its key and its writer, as a backup put onto a second one does.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self {
            client: self.client.clone(),
            campaign: self.campaign,
            device: self.device,
            key: self.key.clone(),
            server_key: self.server_key,
            actor: self.actor,
            access: self.access.clone(),
            refresh: self.refresh.clone(),
            cursor: self.cursor.clone(),
            pace: self.pace,
            households: self.households.clone(),
            outbox: self.outbox.clone(),
            new_households: self.new_households.clone(),
            clock_s: self.clock_s,
            schema: self.schema,
            memory: self.memory.clone(),
            courier: self.courier.clone(),
        }
    }

    /// Returns the same phone as it calls another server of the installation, or a copy of it.
    #[must_use]
    pub fn on(&self, client: &Client) -> Self {
        Self { client: client.clone(), ..self.copied() }
    }

    /// Reads a household as far as it is agreed.
    pub fn household(&self, document: DocumentId) -> Result<Household, PhoneError> {
        Ok(resolve(&self.open(document)?).household)
    }

    fn open(&self, document: DocumentId) -> Result<Automerge, PhoneError> {
        let kept = self.households.get(&document).ok_or(PhoneError::Unknown)?;
        Ok(merge(&kept.chunks).doc)
    }

    /// Saves pages into a household, one change each, without any network.
    pub fn save(&mut self, document: DocumentId, pages: &[Page]) -> Result<(), PhoneError> {
        let doc = self.open(document)?;
        self.write(document, doc, pages)
    }

    /// Saves the pages that are typed by somebody who has the household as it is before him.
    pub fn review(
        &mut self,
        document: DocumentId,
        pages: impl FnOnce(&Household) -> Vec<Page>,
    ) -> Result<(), PhoneError> {
        let doc = self.open(document)?;
        let pages = pages(&resolve(&doc).household);
        self.write(document, doc, &pages)
    }

    fn write(
        &mut self,
        document: DocumentId,
        mut doc: Automerge,
        pages: &[Page],
    ) -> Result<(), PhoneError> {
        let kept = self.households.get_mut(&document).ok_or(PhoneError::Unknown)?;
        doc.set_actor(actor_id(self.actor));
        for page in pages {
            self.clock_s += 60;
            if let Some(written) = write(&mut doc, page, self.clock_s)? {
                kept.chunks.push(written.chunk.clone());
                let (hash, chunk) = (written.hash, written.chunk);
                self.memory.note_written(document, hash);
                self.outbox.push(Unsent { document, hash, chunk });
            }
        }
        Ok(())
    }

    /// Registers a family that is on no list: the phone draws its id.
    pub fn register(&mut self, hamlet: &str) -> (DocumentId, Page) {
        self.register_as(hamlet, HouseholdId(random()))
    }

    /// Registers a family that is on no list now, and that a register of former years knows by this id.
    pub fn register_as(&mut self, hamlet: &str, household: HouseholdId) -> (DocumentId, Page) {
        let document = document_id(self.campaign, household);
        let (hamlet, code) = (hamlet.to_owned(), String::new());
        let new = NewHousehold { household: ByteArray::new(household.0), hamlet: hamlet.clone() };
        self.new_households.insert(document, new);
        self.households.insert(document, Kept { hamlet, code, chunks: Vec::new() });
        (document, Page { opening: Some((self.campaign, household)), ..Page::default() })
    }

    /// Counts the verdicts of one fate.
    pub fn count(report: &SyncReport, fate: Fate) -> usize {
        report.verdicts.iter().filter(|verdict| verdict.fate == fate).count()
    }

    /// From now on the phone is behind another line to the same server.
    pub fn move_to(&mut self, client: &Client) {
        self.client = client.clone();
    }

    /// Returns the access token, for calls a story makes by hand.
    pub fn access(&self) -> &str {
        &self.access
    }

    /// Forgets how far it has read: everything is fetched anew.
    pub fn forget_cursor(&mut self) {
        self.cursor.clear();
    }
}
