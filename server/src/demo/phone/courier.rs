//! What a phone without a line does: it writes its work into a file, and takes the receipts that come
//! back in one.

use std::collections::BTreeMap;

use mobile_schema::courier::{COURIER_KEY_CONTEXT, ReceiptFile};
use mobile_schema::frame::Batch;
use serde_json::Value;
use shared::courier::export;
use shared::id::{from_hex, sha256, to_hex};
use shared::verify::is_signed;

use super::{Phone, PhoneError, SyncReport, Unsent};
use crate::keys::random;

/// What a phone keeps for courier files.
#[derive(Debug, Clone)]
pub(super) struct Courier {
    /// Key that files are sealed to.
    key: [u8; 32],
    /// Batches that went into files, by the digits of their manifest's digest.
    exported: BTreeMap<String, (Batch, Vec<Unsent>)>,
}

impl Courier {
    /// Takes the key of an enrolment's answer, if the server that is known by its own key signed it.
    pub(super) fn of(answer: &Value, server_key: &[u8; 32]) -> Option<Self> {
        let text = |field: &str| answer["courier"][field].as_str();
        let key = from_hex(text("public_key")?).ok()?;
        let signature: [u8; 64] = from_hex(text("signature")?).ok()?;
        is_signed(COURIER_KEY_CONTEXT, &key, &signature, server_key)
            .then(|| Self { key, exported: BTreeMap::new() })
    }
}

impl Phone {
    /// Signs everything that is unsent, in lots of about so many bytes.
    pub fn lots(&self, bytes: usize) -> Vec<Vec<Batch>> {
        let mut rest = &self.outbox[..];
        let mut lots = Vec::new();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.fitting(rest, bytes).max(1));
            lots.push(vec![self.sign(now)]);
            rest = later;
        }
        lots
    }

    /// Writes everything that is unsent into a courier file, in pieces of about so many bytes before
    /// compression. It stays unsent until a receipt names it.
    pub fn export(&mut self, bytes: usize) -> Vec<u8> {
        let lots = self.lots(bytes);
        let mut unsent = self.outbox.iter();
        for batch in lots.iter().flatten() {
            let sent = unsent.by_ref().take(batch.chunks.len()).cloned().collect();
            let digest = to_hex(&sha256(&batch.manifest));
            self.courier.exported.insert(digest, (batch.clone(), sent));
        }
        self.seal(&lots)
    }

    /// Seals whatever batches into a courier file, a piece for each lot.
    pub fn seal(&self, lots: &[Vec<Batch>]) -> Vec<u8> {
        let of = (self.campaign, self.device);
        export(of, lots, &self.courier.key, random()).expect("a part fits into a piece")
    }

    /// Takes the receipts of a file that are this phone's own; those of others are nothing to it.
    pub fn take_receipts(&mut self, file: &[u8]) -> Result<SyncReport, PhoneError> {
        let file: ReceiptFile = serde_json::from_slice(file).map_err(|_| PhoneError::Receipt)?;
        let mut report = SyncReport::default();
        for carried in &file.receipts {
            let Some((batch, sent)) = self.courier.exported.get(&carried.manifest) else {
                continue;
            };
            let bytes = bytes_of(&carried.receipt).ok_or(PhoneError::Receipt)?;
            let signature = bytes_of(&carried.signature).ok_or(PhoneError::Receipt)?;
            let receipt = self.check_receipt(batch, &bytes, &signature)?;
            self.memory.note_receipt(sent, &receipt);
            let is_sent = |unsent: &Unsent| {
                sent.iter().any(|sent| (sent.document, sent.hash) == (unsent.document, unsent.hash))
            };
            self.outbox.retain(|unsent| !is_sent(unsent));
            report.verdicts.extend(receipt.verdicts);
            self.courier.exported.remove(&carried.manifest);
        }
        Ok(report)
    }
}

/// Reads hexadecimal digits of any even count.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| from_hex::<1>(pair?).ok().map(|[byte]| byte)).collect()
}
