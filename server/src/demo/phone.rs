//! A simulated phone: it keeps bytes, opens one household at a time, and speaks only HTTP.
//!
//! It is also the reference for what a client does: write offline, sign what it sends, resend until
//! a receipt names it, and never trust that an answer arrived.

use std::collections::BTreeMap;

use automerge::AutomergeError;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use hyper::Method;
use mobile_schema::frame::{
    Batch, BatchResult, FRAME_VERSION, Fate, HouseholdRow, MANIFEST_CONTEXT, Manifest,
    NewHousehold, RECEIPT_CONTEXT, Receipt, SyncRequest, SyncResponse, Verdict,
};
use mobile_schema::household::{Household, SCHEMA_VERSION};
use serde_bytes::{ByteArray, ByteBuf};
use shared::id::{
    Actor, CampaignId, ChangeHash, DeviceId, DocumentId, HouseholdId, actor_of, document_id,
    from_hex, to_hex,
};
use shared::limits;
use shared::merge::{actor_id, merge};
use shared::page::{Page, write};
use shared::resolve::resolve;

use super::client::{Client, ClientError};
use crate::keys::random;

/// Largest batch a phone sends, bytes: 64 KiB leaves room for its manifest in one part.
const BATCH_BYTES: usize = 56 * 1024;

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
    /// Problem names of batches refused whole.
    pub refused: Vec<String>,
    /// Changes received.
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
    /// Households on the phone.
    pub households: BTreeMap<DocumentId, Kept>,
    /// Work that no receipt names yet.
    pub outbox: Vec<Unsent>,
    new_households: BTreeMap<DocumentId, NewHousehold>,
    /// The phone's clock, seconds since 1970; may be years off.
    pub clock_s: i64,
    /// Layout version the phone says it writes.
    pub schema: u32,
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
            households: BTreeMap::new(),
            outbox: Vec::new(),
            new_households: BTreeMap::new(),
            clock_s: 1_664_600_000,
            schema: SCHEMA_VERSION,
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
            households: self.households.clone(),
            outbox: self.outbox.clone(),
            new_households: self.new_households.clone(),
            clock_s: self.clock_s,
            schema: self.schema,
        }
    }

    /// Returns the same phone as it calls another server of the installation, or a copy of it.
    #[must_use]
    pub fn on(&self, client: &Client) -> Self {
        Self { client: client.clone(), ..self.copied() }
    }

    /// Reads a household as far as it is agreed.
    pub fn household(&self, document: DocumentId) -> Result<Household, PhoneError> {
        let kept = self.households.get(&document).ok_or(PhoneError::Unknown)?;
        Ok(resolve(&merge(&kept.chunks).doc).household)
    }

    /// Saves pages into a household, one change each, without any network.
    pub fn save(&mut self, document: DocumentId, pages: &[Page]) -> Result<(), PhoneError> {
        let kept = self.households.get_mut(&document).ok_or(PhoneError::Unknown)?;
        let mut doc = merge(&kept.chunks).doc;
        doc.set_actor(actor_id(self.actor));
        for page in pages {
            self.clock_s += 60;
            if let Some(written) = write(&mut doc, page, self.clock_s)? {
                kept.chunks.push(written.chunk.clone());
                let (hash, chunk) = (written.hash, written.chunk);
                self.outbox.push(Unsent { document, hash, chunk });
            }
        }
        Ok(())
    }

    /// Registers a family that is on no list: the phone draws its id.
    pub fn register(&mut self, hamlet: &str) -> (DocumentId, Page) {
        let household = HouseholdId(random());
        let document = document_id(self.campaign, household);
        let (hamlet, code) = (hamlet.to_owned(), String::new());
        let new = NewHousehold { household: ByteArray::new(household.0), hamlet: hamlet.clone() };
        self.new_households.insert(document, new);
        self.households.insert(document, Kept { hamlet, code, chunks: Vec::new() });
        (document, Page { opening: Some((self.campaign, household)), ..Page::default() })
    }

    /// Signs the first of what is unsent, as much as one batch holds.
    pub fn next_batch(&self) -> Option<Batch> {
        let mut size = 0;
        let count = self
            .outbox
            .iter()
            .take(limits::BATCH_CHANGES_MAX)
            .take_while(|unsent| {
                size += unsent.chunk.len() + 64;
                size <= BATCH_BYTES || size == unsent.chunk.len() + 64
            })
            .count();
        (count > 0).then(|| self.sign(&self.outbox[..count]))
    }

    /// Signs a manifest over these changes.
    pub fn sign(&self, changes: &[Unsent]) -> Batch {
        let mut households: BTreeMap<DocumentId, NewHousehold> = BTreeMap::new();
        for change in changes {
            if let Some(new) = self.new_households.get(&change.document) {
                households.insert(change.document, new.clone());
            }
        }
        let manifest = Manifest {
            v: FRAME_VERSION,
            device: ByteArray::new(self.device.0),
            campaign: ByteArray::new(self.campaign.0),
            schema: self.schema,
            changes: changes
                .iter()
                .map(|c| (ByteArray::new(c.document.0), ByteArray::new(c.hash.0)))
                .collect(),
            households: households.into_values().collect(),
        };
        let mut bytes = Vec::new();
        ciborium::into_writer(&manifest, &mut bytes).expect("memory takes every byte");
        let signature = self.key.sign(&[MANIFEST_CONTEXT, &bytes].concat());
        Batch {
            manifest: ByteBuf::from(bytes),
            signature: ByteBuf::from(signature.to_bytes().to_vec()),
            chunks: changes.iter().map(|c| ByteBuf::from(c.chunk.clone())).collect(),
        }
    }

    /// Makes the next request: one batch, and the word that all is in if it is the last.
    pub fn request(&self) -> SyncRequest {
        let batches: Vec<Batch> = self.next_batch().into_iter().collect();
        let sent: usize = batches.iter().map(|batch| batch.chunks.len()).sum();
        SyncRequest {
            v: FRAME_VERSION,
            campaign: ByteArray::new(self.campaign.0),
            cursor: ByteBuf::from(self.cursor.clone()),
            batches,
            all_in: sent == self.outbox.len() && !self.cursor.is_empty(),
        }
    }

    /// Sends a request and forgets the answer, as when the line breaks after the server wrote.
    pub async fn lose_a_response(&self) -> Result<(), PhoneError> {
        self.client.sync(&self.access, &self.request()).await?;
        Ok(())
    }

    /// Hands in everything and fetches what is new.
    pub async fn sync(&mut self) -> Result<SyncReport, PhoneError> {
        let mut report = SyncReport::default();
        loop {
            let request = self.request();
            let (answer, up, down) = self.call(&request).await?;
            report.trips += 1;
            report.up += up;
            report.down += down;
            let refused_before = report.refused.len();
            let more = answer.more;
            self.take(&request, answer, &mut report)?;
            let stuck = report.refused.len() > refused_before;
            if stuck || (!more && self.outbox.is_empty()) {
                return Ok(report);
            }
        }
    }

    /// Calls, with one refresh of the access token where it has run out.
    async fn call(
        &mut self,
        request: &SyncRequest,
    ) -> Result<(SyncResponse, usize, usize), PhoneError> {
        match self.client.sync(&self.access, request).await {
            Err(error) if error.name() == Some("unauthenticated") => {
                let form = serde_json::json!({ "refresh": self.refresh });
                let path = "/v1/sessions/refresh";
                let tokens: crate::auth::Tokens =
                    self.client.json(Method::POST, path, None, &form).await?;
                self.access = tokens.access;
                self.refresh = tokens.refresh;
                Ok(self.client.sync(&self.access, request).await?)
            }
            other => Ok(other?),
        }
    }

    fn take(
        &mut self,
        request: &SyncRequest,
        answer: SyncResponse,
        report: &mut SyncReport,
    ) -> Result<(), PhoneError> {
        for (batch, result) in request.batches.iter().zip(&answer.results) {
            match result {
                BatchResult::Refused(name) => report.refused.push(name.clone()),
                BatchResult::Receipt { receipt, signature } => {
                    let receipt = self.check_receipt(batch, receipt, signature)?;
                    // Every verdict of a receipt means durable: nothing named is sent again.
                    self.outbox.drain(..batch.chunks.len().min(self.outbox.len()));
                    report.verdicts.extend(receipt.verdicts);
                }
            }
        }
        report.received += answer.changes.len();
        let rows: BTreeMap<[u8; 16], &HouseholdRow> =
            answer.households.iter().map(|row| (*row.document, row)).collect();
        for (document, chunk) in &answer.changes {
            let id = DocumentId(**document);
            let kept = self.households.entry(id).or_insert_with(|| {
                let row = rows.get(&**document);
                Kept {
                    hamlet: row.map_or(String::new(), |row| row.hamlet.clone()),
                    code: row.map_or(String::new(), |row| row.code.clone()),
                    chunks: Vec::new(),
                }
            });
            if !kept.chunks.iter().any(|known| known == chunk.as_slice()) {
                kept.chunks.push(chunk.to_vec());
            }
        }
        self.households.retain(|_, kept| !answer.left.contains(&kept.hamlet));
        self.cursor = answer.cursor.into_vec();
        Ok(())
    }

    fn check_receipt(
        &self,
        batch: &Batch,
        receipt: &[u8],
        signature: &[u8],
    ) -> Result<Receipt, PhoneError> {
        let signature =
            ed25519_dalek::Signature::from_slice(signature).map_err(|_| PhoneError::Receipt)?;
        self.server_key
            .verify_strict(&[RECEIPT_CONTEXT, receipt].concat(), &signature)
            .map_err(|_| PhoneError::Receipt)?;
        let receipt: Receipt = ciborium::from_reader(receipt).map_err(|_| PhoneError::Receipt)?;
        let named = *receipt.manifest == shared::id::sha256(&batch.manifest);
        if named && receipt.verdicts.len() == batch.chunks.len() {
            Ok(receipt)
        } else {
            Err(PhoneError::Receipt)
        }
    }

    /// Counts the verdicts of one fate.
    pub fn count(report: &SyncReport, fate: Fate) -> usize {
        report.verdicts.iter().filter(|verdict| verdict.fate == fate).count()
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
