//! What a client says at one time, as one piece of work: its changes made durable, then answers.
//!
//! However many messages have come, the log is read once for every thirty-two documents and written in
//! one transaction. Who may see what is asked anew each time.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::problem;
use shared::cursor::Scope;
use shared::id::{CampaignId, ChangeHash, DocumentId};
use shared::limits;
use shared::merge::genesis_hash;
use shared::repo::address;
use shared::repo::answer::{Answer, Progress};
use shared::repo::message::Sent;
use shared::verify::{Brought, vouch};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::line::Line;
use super::patience::Patience;
use super::said::{Asked, Said, read};
use super::{End, holder};
use crate::app::App;
use crate::auth::Actor;
use crate::gate::{Caller, Place, Share};
use crate::http::answer::unsound;
use crate::http::caller::{Begun, begin};
use crate::ingest::{Incoming, Provenance, TypedBy, Work, WriteError};
use crate::store::device::SyncNote;
use crate::store::news::Round;
use crate::store::repo::RepoLog;
use crate::store::ticket::Ticket;

/// A client that has joined.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) app: App,
    pub(super) ticket: Ticket,
    open: BTreeMap<DocumentId, Open>,
}

/// How far a client is with a document it has open.
#[derive(Debug)]
struct Open {
    /// Unit whose log the positions are of.
    unit: Box<str>,
    progress: Progress,
}

/// What a turn is about.
struct Turn {
    actor: Actor,
    caller: Caller,
    begun: Begun,
}

type Logs = BTreeMap<DocumentId, RepoLog>;

impl Peer {
    pub(super) fn new(app: App, ticket: Ticket) -> Self {
        Self { app, ticket, open: BTreeMap::new() }
    }

    /// Listens to what moves on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Round> {
        self.app.store.news()
    }

    fn campaign(&self) -> CampaignId {
        self.ticket.campaign
    }

    /// Takes what a client has said: makes its changes durable, and answers.
    pub(super) async fn take(&mut self, line: &mut Line, frames: &[Bytes]) -> Result<(), End> {
        let mut share = Share::default();
        let Said { mut asked, unknown, end } = read(&line.peer, frames);
        if asked.is_empty() && unknown.is_empty() {
            return end.map_or(Ok(()), Err);
        }
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        let changes: usize = asked.iter().map(|asked| 1 + asked.message.changes.len()).sum();
        let cost = limits::bytes_cost(bytes) + limits::signed_cost(changes);
        let turn = self.turn(cost, bytes, &mut share).await?;
        let _place = self.enter(turn.caller).await?;
        for name in unknown {
            line.put(&Sent::Unavailable { document: &name }).await?;
        }
        let documents: BTreeSet<DocumentId> = asked.iter().map(|asked| asked.document).collect();
        let mut logs = self.logs(documents, &turn.begun.scope).await?;
        let written = self.write(&turn, &mut asked, &logs).await?;
        if !written.is_empty() {
            logs.append(&mut self.logs(written, &turn.begun.scope).await?);
        }
        let answered = self.answer(line, asked, &logs).await;
        line.flush().await?;
        answered.and(end.map_or(Ok(()), Err))
    }

    /// Takes what others have moved on.
    pub(super) async fn hear(
        &mut self,
        line: &mut Line,
        round: Result<Round, RecvError>,
    ) -> Result<(), End> {
        let is_open = |open: &Open| open.progress.through.is_some();
        let due: BTreeSet<DocumentId> = match round {
            Ok(Round::Moved(moved)) => {
                let news = moved.iter().filter(|(document, position)| {
                    let open = self.open.get(document);
                    open.is_some_and(|open| {
                        open.progress.through.is_some_and(|at| at != **position)
                    })
                });
                news.map(|(document, _)| *document).collect()
            }
            Ok(Round::Any) | Err(RecvError::Lagged(_)) => {
                let open = self.open.iter().filter(|(_, open)| is_open(open));
                open.map(|(document, _)| *document).collect()
            }
            Err(RecvError::Closed) => return Err(End::Gone),
        };
        if due.is_empty() {
            return Ok(());
        }
        let turn = self.turn(0, 0, &mut Share::default()).await?;
        let due: Vec<DocumentId> = due.into_iter().collect();
        for due in due.chunks(limits::REPO_BATCH_MESSAGES_MAX) {
            let logs = self.logs(due.iter().copied().collect(), &turn.begun.scope).await?;
            let mut answers = Vec::new();
            for document in due {
                // What has left the caller's scope is sent no more.
                let Some(found) = logs.get(document) else {
                    self.open.remove(document);
                    continue;
                };
                let open = self.opened(*document, &found.unit)?;
                let since = open.progress.through.unwrap_or(0);
                answers.push((*document, since, open.progress.push(&found.log)));
            }
            self.send(line, answers).await?;
            line.flush().await?;
        }
        Ok(())
    }

    /// Finds who the client is now and what it may see, and charges it for what it said.
    async fn turn(&self, cost: u64, bytes: usize, share: &mut Share) -> Result<Turn, End> {
        let actor = holder(&self.app, &self.ticket).await?;
        let caller = Caller::of(&actor);
        let (gate, unit) = (&self.app.gate, &actor.account.post.unit);
        let patience = Patience::new();
        let charge = || gate.charge(caller, unit, cost, self.app.now_ms());
        while patience.wait(charge()).await?.is_none() {}
        while patience.wait(gate.hold(share, bytes)).await?.is_none() {}
        let begun = begin(&self.app, &actor, self.campaign()).await?;
        Ok(Turn { actor, caller, begun })
    }

    /// Waits for a place among the requests being worked on.
    async fn enter(&self, caller: Caller) -> Result<Place, End> {
        let patience = Patience::new();
        loop {
            let place = self.app.gate.enter(caller).await;
            if let Some(place) = patience.wait(place).await? {
                return Ok(place);
            }
        }
    }

    /// Reads the logs of those households that the client may see.
    async fn logs(&self, documents: BTreeSet<DocumentId>, scope: &Scope) -> Result<Logs, End> {
        let documents: Vec<DocumentId> = documents.into_iter().collect();
        let mut logs = self.app.store.repo_logs(self.campaign(), &documents).await?;
        logs.retain(|document, found| {
            let hamlets = scope.get(&found.unit);
            hamlets.is_some_and(|hamlets| hamlets.cover(&found.hamlet, *document))
        });
        Ok(logs)
    }

    /// Makes the changes durable that have come for households the client may see; returns whose.
    async fn write(
        &self,
        turn: &Turn,
        asked: &mut [Asked],
        logs: &Logs,
    ) -> Result<BTreeSet<DocumentId>, End> {
        let (mut chunks, mut written) = (Vec::new(), BTreeSet::new());
        for (place, asked) in asked.iter_mut().enumerate() {
            let sent = std::mem::take(&mut asked.message.changes);
            if logs.contains_key(&asked.document) {
                for chunk in sent {
                    // Everybody has it and it stands in no log.
                    if chunk == GENESIS_V1 {
                        asked.carried.push(genesis_hash());
                    } else {
                        written.insert(asked.document);
                        chunks.push((place, (asked.document, chunk)));
                    }
                }
            }
        }
        if chunks.is_empty() {
            return Ok(written);
        }
        let mut batches = Vec::new();
        while !chunks.is_empty() {
            let rest = chunks.split_off(chunks.len().min(limits::BATCH_CHANGES_MAX));
            let (places, some): (Vec<usize>, Vec<(DocumentId, Vec<u8>)>) =
                std::mem::replace(&mut chunks, rest).into_iter().unzip();
            let incoming = self.incoming(turn, some).await?;
            for (place, change) in places.iter().zip(&incoming.batch.changes) {
                if let (Some(asked), Ok(sound)) = (asked.get_mut(*place), change) {
                    asked.carried.push(sound.change().hash());
                }
            }
            batches.push(incoming);
        }
        let now_ms = self.app.now_ms();
        let note = SyncNote { at_ms: now_ms, work_out_ms: None, checked_in_ms: None };
        let work = Work {
            caller: turn.caller,
            campaign: self.campaign(),
            campaign_closed: turn.begun.closed,
            batches,
            note: Some((self.ticket.device, note)),
            about: None,
            now_ms,
        };
        match self.app.writer.write(work).await {
            Ok(_) => Ok(written),
            Err(WriteError::Full) => Err(End::Told(&problem::TOO_BUSY)),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// Looks changes through, off the async threads, and vouches for who brought them.
    async fn incoming(
        &self,
        turn: &Turn,
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
            account_disabled: turn.actor.account.disabled,
            unit: turn.actor.account.post.unit.clone(),
        })
    }

    /// Answers every message, in its order.
    async fn answer(&mut self, line: &mut Line, asked: Vec<Asked>, logs: &Logs) -> Result<(), End> {
        let (mut answers, mut end) = (Vec::new(), Ok(()));
        for Asked { document, message, carried } in asked {
            let Some(found) = logs.get(&document) else {
                self.open.remove(&document);
                line.put(&Sent::Unavailable { document: &address::write(document) }).await?;
                continue;
            };
            let open = self.opened(document, &found.unit)?;
            let since = open.progress.through.unwrap_or(0);
            match open.progress.answer(&found.log, &message, &carried) {
                // Asked for by name, it may be older than what was sent last.
                Ok(answer) if !message.need.is_empty() => answers.push((document, 0, answer)),
                Ok(answer) => answers.push((document, since, answer)),
                Err(_forked) => end = Err(End::Told(&problem::ACTOR_FORKED)),
            }
        }
        self.send(line, answers).await?;
        end
    }

    /// Finds how far the client is with a document. Where the household has moved to another unit,
    /// it is sent what it has once more: positions are of units.
    fn opened(&mut self, document: DocumentId, unit: &str) -> Result<&mut Open, End> {
        if self.open.len() >= limits::REPO_DOCUMENTS_MAX && !self.open.contains_key(&document) {
            return Err(End::Told(&problem::REPO_DOCUMENTS));
        }
        let new = || Open { unit: unit.into(), progress: Progress::default() };
        let open = self.open.entry(document).or_insert_with(new);
        if *open.unit != *unit {
            open.unit = unit.into();
            open.progress.through = open.progress.through.map(|_| 0);
        }
        Ok(open)
    }

    /// Sends answers, with the bytes of the changes that are in them: for each document those after a
    /// position. Where something may not be sent, what is left of the household follows once it has
    /// been set aside: that is news.
    async fn send(
        &mut self,
        line: &mut Line,
        answers: Vec<(DocumentId, i64, Answer)>,
    ) -> Result<(), End> {
        let is_stored = |hash: &ChangeHash| *hash != genesis_hash();
        let wants = |answer: &Answer| answer.send.iter().any(is_stored);
        let wanting: Vec<_> = answers.iter().filter(|(_, _, answer)| wants(answer)).collect();
        let since = wanting.iter().map(|(_, since, _)| *since).min().unwrap_or(0);
        let wanting: Vec<DocumentId> = wanting.iter().map(|(document, _, _)| *document).collect();
        let looked_at = wanting.iter().copied().collect();
        let unsound = unsound(&self.app, self.campaign(), None, looked_at).await?;
        let chunks = self.app.store.repo_chunks(self.campaign(), &wanting, since).await?;
        for (document, _, answer) in answers {
            if unsound.contains(&document) {
                if let Some(open) = self.open.get_mut(&document) {
                    open.progress.through = open.progress.through.map(|_| 0);
                }
                continue;
            }
            let Some(mut message) = answer.message else { continue };
            for hash in answer.send {
                let stored = chunks.get(&(document, hash)).map(Vec::as_slice);
                let chunk = if is_stored(&hash) { stored } else { Some(GENESIS_V1) };
                message.changes.extend(chunk.map(<[u8]>::to_vec));
            }
            let data = message.write();
            line.put(&Sent::Sync { document: &address::write(document), data: &data }).await?;
        }
        Ok(())
    }
}
