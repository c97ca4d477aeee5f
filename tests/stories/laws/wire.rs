//! Phones that write small pages fast and send them by hand, one request at a time.

use mobile_schema::frame::{Batch, BatchResult, FRAME_VERSION, Receipt, SyncRequest, SyncResponse};
use serde_bytes::{ByteArray, ByteBuf};
use server::demo::phone::{Phone, Unsent};
use shared::id::DocumentId;
use shared::page::Page;
use tests::town::Town;

use super::device::Device;

/// A phone with households of its own that nobody else writes to.
pub(super) struct Fieldwork {
    pub(super) phone: Phone,
    houses: Vec<(DocumentId, Device, Page)>,
    pages: usize,
}

impl Fieldwork {
    /// Registers one household in each of the hamlets named.
    pub(super) fn new(mut phone: Phone, number: u8, hamlets: &[&str]) -> Self {
        let houses = hamlets.iter().map(|hamlet| {
            let (document, opening) = phone.register(hamlet);
            (document, Device::new(number), opening)
        });
        let houses = houses.collect();
        Self { phone, houses, pages: 0 }
    }

    /// Saves the next pages, one small change each, in one household after the other.
    pub(super) fn write(&mut self, count: usize) -> Vec<Unsent> {
        let mut changes = Vec::new();
        for _ in 0..count {
            let house = self.pages % self.houses.len();
            self.pages += 1;
            let (document, device, page) = &mut self.houses[house];
            let area = i64::try_from(self.pages).expect("a count");
            page.answers.insert("area_dm2".to_owned(), area.into());
            let written = device.save(page, 0).expect("a new value");
            *page = Page::default();
            let document = *document;
            changes.push(Unsent { document, hash: written.hash, chunk: written.chunk });
        }
        changes
    }
}

/// Makes a request of these batches.
pub(super) fn request(town: &Town, cursor: &[u8], batches: Vec<Batch>) -> SyncRequest {
    SyncRequest {
        v: FRAME_VERSION,
        campaign: ByteArray::new(town.campaign.0),
        cursor: ByteBuf::from(cursor.to_vec()),
        batches,
        all_in: false,
        ..SyncRequest::default()
    }
}

/// Reads the receipts of an answer; a batch refused whole gives its problem's name.
pub(super) fn receipts(answer: &SyncResponse) -> Vec<Result<Receipt, String>> {
    let read = |result: &BatchResult| match result {
        BatchResult::Refused(name) => Err(name.clone()),
        BatchResult::Receipt { receipt, .. } => {
            Ok(ciborium::from_reader(receipt.as_slice()).expect("a receipt"))
        }
    };
    answer.results.iter().map(read).collect()
}
