//! A phone of the simulation: it keeps bytes, writes offline, resends until a receipt names its
//! work, and writes under a new name once it is told that it was copied.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ReadDoc};
use ed25519_dalek::{Signer, SigningKey};
use mobile_schema::frame::{
    Batch, BatchResult, FRAME_VERSION, MANIFEST_CONTEXT, Manifest, NewHousehold, Receipt,
    SyncRequest, SyncResponse, Verdict,
};
use mobile_schema::household::SCHEMA_VERSION;
use mobile_schema::problem;
use serde_bytes::{ByteArray, ByteBuf};
use shared::id::{
    Actor, CampaignId, ChangeHash, DeviceId, DocumentId, HouseholdId, actor_of, document_id,
};
use shared::merge::{actor_id, genesis_map, merge};
use shared::page::{Page, write};

use super::{Edit, Known};
use crate::rng::Rng;

/// A household as a phone keeps it.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Where the server says it belongs, or where the phone registered it.
    pub hamlet: String,
    /// Its changes, as bytes.
    pub known: Known,
    /// Of these, the ones a receipt put on a side branch: kept, and no longer read.
    pub aside: BTreeSet<ChangeHash>,
    /// The document as of the last save, until something is heard.
    doc: Option<Automerge>,
}

/// A change that no receipt names yet.
#[derive(Debug, Clone)]
pub struct Unsent {
    /// Document and hash.
    pub edit: Edit,
    /// Its bytes.
    pub chunk: Vec<u8>,
}

/// A phone; a copied one is a clone.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Whose it is.
    pub person: &'static str,
    /// Device id given at enrolment.
    pub device: DeviceId,
    campaign: CampaignId,
    key: SigningKey,
    actor: Actor,
    cursor: ByteBuf,
    /// Households on the phone.
    pub households: BTreeMap<DocumentId, Kept>,
    /// Work that no receipt names yet.
    pub outbox: Vec<Unsent>,
    new_households: BTreeMap<DocumentId, NewHousehold>,
    /// The phone's clock, seconds since 1970.
    clock_s: i64,
}

/// What a phone learned from an answer.
#[derive(Debug, Default)]
pub struct Heard {
    /// What receipts say of its changes.
    pub verdicts: Vec<(Edit, Verdict)>,
    /// Names of batches refused whole.
    pub refused: Vec<String>,
    /// Changes received.
    pub received: usize,
    /// More waits.
    pub more: bool,
}

impl Kept {
    /// The document as the phone reads it.
    pub fn read(&self) -> Automerge {
        let chunks: Vec<&Vec<u8>> = self
            .known
            .iter()
            .filter(|(hash, _)| !self.aside.contains(*hash))
            .map(|(_, chunk)| chunk)
            .collect();
        merge(&chunks).doc
    }

    /// Lists the members of the household as it is kept open.
    pub fn members(&mut self) -> Vec<String> {
        let members = genesis_map("members").expect("genesis made it");
        let doc = self.open();
        doc.keys(&members).map(|key| key.to_string()).collect()
    }

    fn open(&mut self) -> &mut Automerge {
        if self.doc.is_none() {
            self.doc = Some(self.read());
        }
        self.doc.as_mut().expect("just opened")
    }
}

impl Phone {
    /// A phone that has just been enrolled.
    pub fn new(
        campaign: CampaignId,
        person: &'static str,
        device: DeviceId,
        key: SigningKey,
        rng: &mut Rng,
    ) -> Self {
        Self {
            person,
            device,
            campaign,
            key,
            actor: actor_of(device, rng.bytes()),
            cursor: ByteBuf::new(),
            households: BTreeMap::new(),
            outbox: Vec::new(),
            new_households: BTreeMap::new(),
            clock_s: 1_664_600_000,
        }
    }

    /// Sets the clock wrong by so many seconds.
    pub fn skew(&mut self, seconds: i64) {
        self.clock_s += seconds;
    }

    /// Writes under a new name from now on: after a restore, or once told that it was copied.
    pub fn refork(&mut self, rng: &mut Rng) {
        self.actor = actor_of(self.device, rng.bytes());
        for kept in self.households.values_mut() {
            kept.doc = None;
        }
    }

    /// Registers a family that is on no list.
    pub fn register(&mut self, hamlet: &str, rng: &mut Rng) -> (DocumentId, Page) {
        let household = HouseholdId(rng.bytes());
        let document = document_id(self.campaign, household);
        let hamlet = hamlet.to_owned();
        let new = NewHousehold { household: ByteArray::new(household.0), hamlet: hamlet.clone() };
        self.new_households.insert(document, new);
        self.households.insert(document, Kept { hamlet, ..Kept::default() });
        (document, Page { opening: Some((self.campaign, household)), ..Page::default() })
    }

    /// Returns how far the phone has read, for whoever looks for a fault.
    pub fn progress(&self) -> Vec<(String, i64)> {
        let cursor = shared::cursor::Cursor::decode(&self.cursor);
        let segments = cursor.map(|cursor| cursor.segments).unwrap_or_default();
        let told = segments.into_iter().map(|one| (format!("{:?}", one.hamlets), one.position));
        told.collect()
    }

    /// Tells whether this phone registered the household itself.
    pub fn registered(&self, document: DocumentId) -> bool {
        self.new_households.contains_key(&document)
    }

    /// Saves a page as one change; `None` where it says nothing new.
    pub fn save(&mut self, document: DocumentId, page: &Page) -> Option<ChangeHash> {
        self.clock_s += 60;
        let kept = self.households.get_mut(&document).expect("it is on the phone");
        let (actor, clock_s) = (self.actor, self.clock_s);
        let doc = kept.open();
        doc.set_actor(actor_id(actor));
        let written = write(doc, page, clock_s).expect("a document takes a page")?;
        kept.known.insert(written.hash, written.chunk.clone());
        let edit = (document, written.hash);
        self.outbox.push(Unsent { edit, chunk: written.chunk });
        Some(written.hash)
    }

    /// Makes a request of the first `changes_max` unsent changes.
    pub fn request(&self, changes_max: usize) -> SyncRequest {
        let sent = self.outbox.len().min(changes_max);
        let batches = if sent == 0 { Vec::new() } else { vec![self.sign(&self.outbox[..sent])] };
        SyncRequest {
            v: FRAME_VERSION,
            campaign: ByteArray::new(self.campaign.0),
            cursor: self.cursor.clone(),
            batches,
            all_in: sent == self.outbox.len() && !self.cursor.is_empty(),
            ..SyncRequest::default()
        }
    }

    /// Signs a manifest over these changes.
    pub fn sign(&self, changes: &[Unsent]) -> Batch {
        let of = |change: &Unsent| self.new_households.get(&change.edit.0);
        let households: BTreeMap<DocumentId, &NewHousehold> = changes
            .iter()
            .filter_map(|change| of(change).map(|new| (change.edit.0, new)))
            .collect();
        let manifest = Manifest {
            v: FRAME_VERSION,
            device: ByteArray::new(self.device.0),
            campaign: ByteArray::new(self.campaign.0),
            schema: SCHEMA_VERSION,
            changes: changes
                .iter()
                .map(|change| (ByteArray::new(change.edit.0.0), ByteArray::new(change.edit.1.0)))
                .collect(),
            households: households.into_values().cloned().collect(),
            typed_by: None,
        };
        let chunks = changes.iter().map(|change| ByteBuf::from(change.chunk.clone())).collect();
        self.sign_manifest(&manifest, chunks)
    }

    /// Signs a manifest as it is.
    pub fn sign_manifest(&self, manifest: &Manifest, chunks: Vec<ByteBuf>) -> Batch {
        let mut bytes = Vec::new();
        ciborium::into_writer(manifest, &mut bytes).expect("memory takes every byte");
        let signature = self.key.sign(&[MANIFEST_CONTEXT, &bytes].concat());
        let signature = ByteBuf::from(signature.to_bytes().to_vec());
        Batch { manifest: ByteBuf::from(bytes), signature, chunks }
    }

    /// Takes the answer to a request of this phone.
    pub fn take(&mut self, request: &SyncRequest, answer: SyncResponse, rng: &mut Rng) -> Heard {
        let mut heard = Heard { more: answer.more, ..Heard::default() };
        for (batch, result) in request.batches.iter().zip(&answer.results) {
            match result {
                BatchResult::Refused(name) => heard.refused.push(name.clone()),
                BatchResult::Receipt { receipt, .. } => {
                    heard.verdicts.extend(receipt_verdicts(batch, receipt));
                }
            }
        }
        let named: BTreeSet<Edit> = heard.verdicts.iter().map(|(edit, _)| *edit).collect();
        self.outbox.retain(|unsent| !named.contains(&unsent.edit));
        let forked =
            |verdict: &Verdict| verdict.reason.as_deref() == Some(problem::ACTOR_FORKED.name);
        let told: Vec<Edit> =
            heard.verdicts.iter().filter(|(_, v)| forked(v)).map(|(edit, _)| *edit).collect();
        if !told.is_empty() {
            self.refork(rng);
        }
        self.read_changes(&answer, &mut heard);
        self.households.retain(|_, kept| !answer.left.contains(&kept.hamlet));
        self.keep_own(request, &told);
        self.cursor = answer.cursor;
        heard
    }

    /// Puts its own work back into a household that left with its hamlet and is here again: nobody
    /// sends a phone what it has just sent.
    fn keep_own(&mut self, request: &SyncRequest, told: &[Edit]) {
        let sent = request.batches.iter().flat_map(|batch| {
            let manifest: Manifest = ciborium::from_reader(&batch.manifest[..]).expect("our own");
            let chunks = batch.chunks.iter().map(|chunk| chunk.to_vec());
            let edits = manifest.changes.into_iter();
            edits.map(|(id, hash)| (DocumentId(*id), ChangeHash(*hash))).zip(chunks)
        });
        let unsent = self.outbox.iter().map(|unsent| (unsent.edit, unsent.chunk.clone()));
        for ((document, hash), chunk) in sent.chain(unsent) {
            let Some(kept) = self.households.get_mut(&document) else { continue };
            if told.contains(&(document, hash)) {
                kept.aside.insert(hash);
            }
            if kept.known.insert(hash, chunk).is_none() {
                kept.doc = None;
            }
        }
    }

    fn read_changes(&mut self, answer: &SyncResponse, heard: &mut Heard) {
        for (document, chunk) in &answer.changes {
            let id = DocumentId(**document);
            let hash = shared::guard::guard(chunk).expect("what is sent is sound").hash();
            let kept = self.households.entry(id).or_default();
            if kept.known.insert(hash, chunk.to_vec()).is_none() {
                kept.doc = None;
            }
            // What is sent is the main branch, whatever was said before.
            kept.aside.remove(&hash);
            heard.received += 1;
        }
        for row in &answer.households {
            if let Some(kept) = self.households.get_mut(&DocumentId(*row.document)) {
                kept.hamlet.clone_from(&row.hamlet);
            }
        }
    }
}

/// Reads what a receipt says of each change of a batch.
fn receipt_verdicts(batch: &Batch, receipt: &[u8]) -> Vec<(Edit, Verdict)> {
    let receipt: Receipt = ciborium::from_reader(receipt).expect("a receipt");
    let manifest: Manifest = ciborium::from_reader(&batch.manifest[..]).expect("our own");
    assert_eq!(*receipt.manifest, shared::id::sha256(&batch.manifest), "it names the manifest");
    assert_eq!(receipt.verdicts.len(), manifest.changes.len(), "a verdict for each change");
    let edits = manifest.changes.iter();
    let edits = edits.map(|(document, hash)| (DocumentId(**document), ChangeHash(**hash)));
    edits.zip(receipt.verdicts).collect()
}
