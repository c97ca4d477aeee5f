//! What a phone does on the line: parts of its work up, receipts, documents and changes down.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use automerge::Automerge;
use ed25519_dalek::{Signature, Signer};
use hyper::Method;
use mobile_schema::frame::{
    Batch, BatchResult, FRAME_VERSION, HouseholdRow, MANIFEST_CONTEXT, Manifest, NewHousehold,
    PAGE_CONTEXT, Page, RECEIPT_CONTEXT, Receipt, SignedPage, SyncRequest, SyncResponse,
};
use serde_bytes::{ByteArray, ByteBuf};
use shared::id::DocumentId;
use shared::limits;
use shared::merge::genesis_hash;

use super::{Kept, Phone, PhoneError, SyncReport, Unsent};
use crate::demo::client::ClientError;

/// Bytes that a change takes in a batch beside its own: its place in the manifest.
const CHANGE_HEAD_BYTES: usize = 64;

/// Times a line may break without anything coming through before the phone gives up for now.
const CUTS_IN_A_ROW: usize = 8;

/// Times a phone is sent away before it gives up for now.
const WAITS: usize = 5;

impl Phone {
    /// Signs the first of what is unsent, as much as one part holds.
    pub fn next_batch(&self) -> Option<Batch> {
        let count = self.fitting(&self.outbox, self.pace.part_bytes());
        (count > 0).then(|| self.sign(&self.outbox[..count]))
    }

    /// Returns how many of the first of these changes fit into one batch of so many bytes: one
    /// person's.
    pub(super) fn fitting(&self, outbox: &[Unsent], bytes: usize) -> usize {
        let mut size = 0;
        let typist = outbox.first().map(|unsent| self.memory.typist_of(unsent));
        let changes = outbox.iter().take(limits::BATCH_CHANGES_MAX);
        changes
            .take_while(|unsent| Some(self.memory.typist_of(unsent)) == typist)
            .take_while(|unsent| {
                size += unsent.chunk.len() + CHANGE_HEAD_BYTES;
                size <= bytes || size == unsent.chunk.len() + CHANGE_HEAD_BYTES
            })
            .count()
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
            typed_by: changes
                .first()
                .and_then(|change| self.memory.typist_of(change))
                .map(|account| ByteArray::new(account.0)),
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
            pages: true,
            answer_bytes: self.pace.answer_bytes(),
            about: self.about(),
        }
    }

    /// Sends a request and forgets the answer, as when the line breaks after the server wrote.
    pub async fn lose_a_response(&self) -> Result<(), PhoneError> {
        self.client.sync(&self.access, &self.request()).await?;
        Ok(())
    }

    /// Hands in everything and fetches what is new, part by part. Where the line breaks it begins
    /// again at the part that was not answered, with smaller ones.
    pub async fn sync(&mut self) -> Result<SyncReport, PhoneError> {
        let mut report = SyncReport::default();
        let since = Instant::now();
        let mut in_a_row = 0;
        loop {
            let request = self.request();
            let (answer, up, down) = match self.call(&request).await {
                Err(PhoneError::Client(ClientError::Transport(_))) if in_a_row < CUTS_IN_A_ROW => {
                    in_a_row += 1;
                    report.cuts += 1;
                    self.pace.broke();
                    continue;
                }
                other => other?,
            };
            in_a_row = 0;
            report.trips += 1;
            report.up += up;
            report.down += down;
            let refused_before = report.refused.len();
            let more = answer.more;
            self.take(&request, answer, &mut report)?;
            if self.outbox.is_empty() && report.handed_in_after.is_none() {
                report.handed_in_after = Some(since.elapsed());
            }
            self.pace.went_through(up, down);
            let stuck = report.refused.len() > refused_before;
            if stuck || (!more && self.outbox.is_empty() && !self.refork()?) {
                return Ok(report);
            }
        }
    }

    /// Syncs, and comes back when the server says so where it has no room now.
    pub async fn sync_as_told(&mut self) -> Result<SyncReport, PhoneError> {
        for _ in 0..WAITS {
            match self.sync().await {
                Err(PhoneError::Client(error)) if error.retry_after_s().is_some() => {
                    let seconds = error.retry_after_s().unwrap_or_default();
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                other => return other,
            }
        }
        self.sync().await
    }

    /// Calls, with one refresh of the access token where it has run out.
    async fn call(
        &mut self,
        request: &SyncRequest,
    ) -> Result<(SyncResponse, usize, usize), PhoneError> {
        match self.client.sync(&self.access, request).await {
            Err(error) if error.name() == Some("unauthenticated") => {
                let form = self.renewal();
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
                    let sent = batch.chunks.len().min(self.outbox.len());
                    self.memory.note_receipt(&self.outbox[..sent], &receipt);
                    self.outbox.drain(..sent);
                    report.verdicts.extend(receipt.verdicts);
                }
            }
        }
        for signed in &answer.pages {
            let page = self.check_page(signed)?;
            for household in page.households {
                let id = DocumentId(*household.document);
                let chunks = changes_of(&household.bytes).ok_or(PhoneError::Page)?;
                report.received += chunks.len();
                self.keep(id, &page.hamlet, &household.code, chunks);
            }
        }
        report.received += answer.changes.len();
        let rows: BTreeMap<[u8; 16], &HouseholdRow> =
            answer.households.iter().map(|row| (*row.document, row)).collect();
        self.memory.note_answer(&answer, self.actor);
        for (document, chunk) in &answer.changes {
            let row = rows.get(&**document);
            let (hamlet, code) = row.map_or(("", ""), |row| (&row.hamlet, &row.code));
            self.keep(DocumentId(**document), hamlet, code, vec![chunk.to_vec()]);
        }
        let memory = &self.memory;
        self.households.retain(|document, kept| !memory.leaves(&answer, *document, &kept.hamlet));
        for document in &answer.gone {
            self.households.remove(&DocumentId(**document));
        }
        self.cursor = answer.cursor.into_vec();
        Ok(())
    }

    /// Keeps changes of a household that the phone does not have yet. Where it had left, what was
    /// not sent before it came back is put into it again: nobody else has it.
    fn keep(&mut self, document: DocumentId, hamlet: &str, code: &str, chunks: Vec<Vec<u8>>) {
        let unsent = self.outbox.iter().filter(|unsent| unsent.document == document);
        let kept = self.households.entry(document).or_insert_with(|| Kept {
            hamlet: hamlet.to_owned(),
            code: code.to_owned(),
            chunks: unsent.map(|unsent| unsent.chunk.clone()).collect(),
        });
        for chunk in chunks {
            if !kept.chunks.contains(&chunk) {
                kept.chunks.push(chunk);
            }
        }
    }

    fn check_page(&self, signed: &SignedPage) -> Result<Page, PhoneError> {
        let signature = Signature::from_slice(&signed.signature).map_err(|_| PhoneError::Page)?;
        self.server_key
            .verify_strict(&[PAGE_CONTEXT, &signed.page].concat(), &signature)
            .map_err(|_| PhoneError::Page)?;
        let page: Page =
            ciborium::from_reader(signed.page.as_slice()).map_err(|_| PhoneError::Page)?;
        if *page.campaign == self.campaign.0 { Ok(page) } else { Err(PhoneError::Page) }
    }

    pub(super) fn check_receipt(
        &self,
        batch: &Batch,
        receipt: &[u8],
        signature: &[u8],
    ) -> Result<Receipt, PhoneError> {
        let signature = Signature::from_slice(signature).map_err(|_| PhoneError::Receipt)?;
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
}

/// Takes a document apart into its changes; the phone builds its households from those.
fn changes_of(document: &[u8]) -> Option<Vec<Vec<u8>>> {
    let doc = Automerge::load(document).ok()?;
    let written = doc.get_changes(&[]).into_iter();
    let written = written.filter(|change| change.hash().0 != genesis_hash().0);
    Some(written.map(|change| change.raw_bytes().to_vec()).collect())
}
