//! What a client has sent, made durable by the way of signed batches.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::problem;
use shared::id::{AccountId, DocumentId};
use shared::limits;
use shared::merge::genesis_hash;
use shared::verify::{Brought, vouch};

use super::End;
use super::patience::Patience;
use super::said::Asked;
use super::turn::{Peer, Turn};
use crate::ingest::{Incoming, Provenance, TypedBy, Work, WriteError};
use crate::problem::Problem;
use crate::store::device::SyncNote;

impl Peer {
    /// Makes the changes durable that have come for these households; returns whose.
    pub(super) async fn write(
        &self,
        turn: &Turn,
        asked: &mut BTreeMap<DocumentId, Asked>,
        takes: impl Fn(&DocumentId) -> bool,
    ) -> Result<BTreeSet<DocumentId>, End> {
        let (mut chunks, mut written) = (Vec::new(), BTreeSet::new());
        for (document, asked) in asked.iter_mut() {
            let sent = std::mem::take(&mut asked.message.changes);
            if !takes(document) {
                continue;
            }
            for chunk in sent {
                // Everybody has it and it stands in no log.
                if chunk == GENESIS_V1 {
                    asked.carried.push(genesis_hash());
                } else {
                    written.insert(*document);
                    chunks.push((*document, chunk));
                }
            }
        }
        if chunks.is_empty() {
            return Ok(written);
        }
        // Stock clients do not say who of a shared tablet's people typed.
        let people = self.app.store.device_people(Some(self.ticket.device)).await?;
        let people: Vec<AccountId> =
            people.into_values().flatten().map(|person| person.account).collect();
        let mut batches = Vec::new();
        while !chunks.is_empty() {
            let rest = chunks.split_off(chunks.len().min(limits::BATCH_CHANGES_MAX));
            let some = std::mem::replace(&mut chunks, rest);
            let incoming = self.incoming(turn, &people, some).await?;
            for sound in incoming.batch.changes.iter().flatten() {
                if let Some(asked) = asked.get_mut(&sound.document()) {
                    asked.carried.push(sound.change().hash());
                }
            }
            batches.push(incoming);
        }
        let now_ms = self.app.now_ms();
        let note = SyncNote { at_ms: now_ms, work_out_ms: None, checked_in_ms: None };
        let work = Work {
            caller: self.caller(),
            campaign: self.ticket.campaign,
            campaign_closed: turn.begun.closed,
            batches,
            note: Some((self.ticket.device, note)),
            about: None,
            now_ms,
        };
        let patience = Patience::new();
        loop {
            // A client has no way to be told to come back with this.
            let wrote = match self.app.writer.write(work.clone()).await {
                Ok(_) => Ok(()),
                Err(WriteError::Full) => Err(Problem::new(&problem::TOO_BUSY)),
                Err(WriteError::Store(error)) => Err(error.into()),
            };
            if patience.wait(wrote).await?.is_some() {
                return Ok(written);
            }
        }
    }

    /// Looks changes through, off the async threads, and vouches for who brought them.
    async fn incoming(
        &self,
        turn: &Turn,
        people: &[AccountId],
        chunks: Vec<(DocumentId, Vec<u8>)>,
    ) -> Result<Incoming, End> {
        let ticket = &self.ticket;
        let (device, campaign) = (ticket.device, ticket.campaign);
        let by = Brought { device, campaign, schema: ticket.schema };
        let vouched = tokio::task::spawn_blocking(move || vouch(by, chunks)).await;
        let (batch, manifest) = vouched.map_err(|_| &problem::STORE_FAILED)?;
        let signature = self.app.keys.sign_session(&manifest).to_vec();
        Ok(Incoming {
            batch,
            manifest,
            signature,
            provenance: Provenance::Session,
            device,
            device_revoked: false,
            account: ticket.account,
            typed_by: TypedBy::Unsaid,
            people: people.to_vec(),
            account_disabled: turn.actor.account.disabled,
            unit: turn.actor.account.post.unit.clone(),
        })
    }
}
