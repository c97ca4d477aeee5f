//! Somebody who reads everything, by one cursor, for as long as the story lasts.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{FRAME_VERSION, SyncRequest};
use serde_bytes::{ByteArray, ByteBuf};
use server::demo::client::Client;
use server::demo::office::Office;
use shared::guard::guard;
use shared::id::{CampaignId, ChangeHash, DocumentId};

/// A change of a document; equal edits in two households have equal hashes.
pub type Edit = (DocumentId, ChangeHash);

/// A reader of the whole campaign. Its cursor outlives servers and connections.
#[derive(Debug)]
pub struct Auditor {
    /// The campaign it reads.
    pub campaign: CampaignId,
    cursor: Vec<u8>,
    /// Every change that was sent to it.
    pub seen: BTreeSet<Edit>,
}

impl Auditor {
    /// Starts at the beginning of a campaign's logs.
    pub fn new(campaign: CampaignId) -> Self {
        Self { campaign, cursor: Vec::new(), seen: BTreeSet::new() }
    }

    /// Reads what is new, and fails where a change is sent a second time.
    pub async fn read(&mut self, client: &Client, token: &str) {
        loop {
            let request = SyncRequest {
                v: FRAME_VERSION,
                campaign: ByteArray::new(self.campaign.0),
                cursor: ByteBuf::from(self.cursor.clone()),
                batches: Vec::new(),
                all_in: false,
                ..SyncRequest::default()
            };
            let (answer, _, _) = client.sync(token, &request).await.expect("the auditor reads");
            for (document, chunk) in &answer.changes {
                let hash = guard(chunk).expect("what is sent is sound").hash();
                let edit = (DocumentId(**document), hash);
                assert!(self.seen.insert(edit), "{edit:?} was sent twice");
            }
            self.cursor = answer.cursor.into_vec();
            if !answer.more {
                return;
            }
        }
    }

    /// Checks through the household routes that every change seen is in the log once, that the
    /// positions of each unit have no gap, and that nothing but `written` came from phones.
    pub async fn compare_with_log(&self, office: &Office, written: &BTreeSet<Edit>) {
        let documents: BTreeSet<DocumentId> = self.seen.iter().map(|(id, _)| *id).collect();
        let mut positions: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        let mut logged = BTreeSet::new();
        for document in documents {
            let path = format!("/v1/campaigns/{}/households/{document}", self.campaign);
            let read = office.get(&path).await.expect("the household is read");
            let unit = read["unit"].as_str().expect("a unit").to_owned();
            for change in read["changes"].as_array().expect("its changes") {
                let hash = change["hash"].as_str().expect("a hash").parse().expect("a hash");
                let position = change["position"].as_i64().expect("it was accepted");
                assert!(logged.insert((document, hash)), "twice in the log: {document} {hash}");
                assert!(positions.entry(unit.clone()).or_default().insert(position));
                let from_phone = change["provenance"] == "device";
                assert_eq!(from_phone, written.contains(&(document, hash)), "nobody wrote {hash}");
            }
        }
        assert_eq!(logged, self.seen, "what is sent is what is in the log");
        for (unit, positions) in positions {
            let count = i64::try_from(positions.len()).expect("a count");
            let span = positions.first().copied().zip(positions.last().copied());
            assert_eq!(span, Some((1, count)), "gap in the log of {unit}");
        }
    }
}
