//! What a client says at one time, as one piece of work: its changes made durable, then answers.
//!
//! However many messages have come, the log is read once for every thirty-two documents and written in
//! one transaction, and each document is answered once. Who may see what is asked anew each time, after
//! everything that is waited for.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use mobile_schema::problem;
use shared::cursor::Scope;
use shared::id::DocumentId;
use shared::limits;
use shared::repo::address;
use shared::repo::answer::Progress;
use shared::repo::message::Sent;
use shared::repo::sync::{Have, SyncMessage};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Duration, Instant};

use super::End;
use super::held::HeldUp;
use super::line::Line;
use super::patience::Patience;
use super::said::{Asked, Said, read};
use super::send::Due;
use crate::app::App;
use crate::auth::Actor;
use crate::gate::{Caller, Place, Share};
use crate::http::caller::{Begun, begin};
use crate::store::news::Round;
use crate::store::repo::RepoLog;
use crate::store::ticket::Ticket;

/// How long a client that writes on a copy may be quiet before it is let out: its other documents go
/// on meanwhile.
const QUIET: Duration = Duration::from_secs(3);

/// A client that has joined.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) app: App,
    pub(super) ticket: Ticket,
    /// Unit of whoever holds the ticket.
    unit: String,
    open: BTreeMap<DocumentId, Open>,
    /// Households it may no longer see, of which it was asked for its own work.
    fetched: BTreeSet<DocumentId>,
    /// A document that it writes as another copy of itself did, and when it was last heard.
    forked: Option<(DocumentId, Instant)>,
    held_up: HeldUp,
}

/// How far a client is with a document it has open.
#[derive(Debug)]
struct Open {
    /// Unit whose log the positions are of.
    unit: Box<str>,
    progress: Progress,
}

/// What a turn is about.
pub(super) struct Turn {
    pub(super) actor: Actor,
    pub(super) begun: Begun,
}

/// What is there of the households that a client names.
struct Found {
    /// Those it may see.
    own: Logs,
    /// Those it may not, and once was given.
    former: Logs,
}

type Logs = BTreeMap<DocumentId, RepoLog>;

impl Peer {
    pub(super) fn new(app: App, ticket: Ticket, unit: String) -> Self {
        Self {
            app,
            ticket,
            unit,
            open: BTreeMap::new(),
            fetched: BTreeSet::new(),
            forked: None,
            held_up: HeldUp::new(),
        }
    }

    /// Listens to what moves on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Round> {
        self.app.store.news()
    }

    pub(super) fn caller(&self) -> Caller {
        Caller::Device(self.ticket.device)
    }

    /// Waits until a client that writes on a copy has nothing more to say; for ever with any other.
    /// Returns the document.
    pub(super) async fn until_quiet(forked: Option<(DocumentId, Instant)>) -> DocumentId {
        match forked {
            Some((document, heard)) => {
                tokio::time::sleep_until(heard + QUIET).await;
                document
            }
            None => std::future::pending().await,
        }
    }

    /// Returns the document that the client writes as another copy of itself did.
    pub(super) fn forked(&self) -> Option<(DocumentId, Instant)> {
        self.forked
    }

    /// Takes what a client has said: makes its changes durable, and answers.
    pub(super) async fn take(&mut self, line: &mut Line, frames: &[Bytes]) -> Result<(), End> {
        let Said { asked, messages, unknown, end } = read(&line.peer, frames);
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        if asked.is_empty() && unknown.is_empty() {
            // What is read over has been read as well.
            self.charge(limits::bytes_cost(bytes)).await?;
            return end.map_or(Ok(()), Err);
        }
        let changes: usize = asked.values().map(|asked| asked.message.changes.len()).sum();
        self.charge(limits::bytes_cost(bytes) + limits::signed_cost(messages + changes)).await?;
        let mut share = Share::default();
        let patience = Patience::new();
        while patience.wait(self.app.gate.hold(&mut share, bytes)).await?.is_none() {}
        let (unavailable, due) = self.work(asked).await?;
        drop(share);
        let unavailable = unavailable.into_iter().map(address::write);
        for document in unknown.into_iter().chain(unavailable) {
            line.put(&Sent::Unavailable { document: &document }).await?;
        }
        self.send(line, due).await?;
        line.flush().await?;
        if let Some((_, heard)) = &mut self.forked {
            *heard = Instant::now();
        }
        end.map_or(Ok(()), Err)
    }

    /// Makes what has come durable; returns what is not there for the client, and what is due to it.
    async fn work(
        &mut self,
        mut asked: BTreeMap<DocumentId, Asked>,
    ) -> Result<(Vec<DocumentId>, Vec<Due>), End> {
        let place = self.enter().await?;
        let turn = self.turn().await?;
        let Found { own: mut logs, former } =
            self.found(asked.keys().copied().collect(), &turn.begun.scope).await?;
        let takes =
            |document: &DocumentId| logs.contains_key(document) || former.contains_key(document);
        let written = self.write(&turn, &mut asked, takes).await?;
        if !written.is_empty() {
            logs.append(&mut self.logs(written, &turn.begun.scope).await?);
        }
        drop(place);
        let rows = logs.values().map(|found| found.log.count()).sum();
        self.charge(limits::rows_cost(rows)).await?;
        let (mut unavailable, mut due) = (Vec::new(), Vec::new());
        for (document, asked) in asked {
            match logs.get(&document) {
                Some(found) => due.extend(self.answer(document, &asked, found)?),
                None => {
                    self.open.remove(&document);
                    let former = former.get(&document);
                    match former.and_then(|former| self.fetch(document, &asked, former)) {
                        Some(question) => due.push(question),
                        None => unavailable.push(document),
                    }
                }
            }
        }
        Ok((unavailable, due))
    }

    /// Takes what others have moved on.
    pub(super) async fn hear(
        &mut self,
        line: &mut Line,
        round: Result<Round, RecvError>,
    ) -> Result<(), End> {
        let due: Vec<DocumentId> = match round {
            Ok(Round::Moved(moved)) => {
                let news = moved.iter().filter(|(document, position)| {
                    let open = self.open.get(document);
                    open.is_some_and(|open| {
                        open.progress.through.is_some_and(|at| at != **position)
                    })
                });
                news.map(|(document, _)| *document).collect()
            }
            Ok(Round::Any) | Err(RecvError::Lagged(_)) => self.moved().await?,
            Err(RecvError::Closed) => return Err(End::Gone),
        };
        self.tell(line, &due).await
    }

    /// Sends what is new of documents it has open.
    async fn tell(&mut self, line: &mut Line, documents: &[DocumentId]) -> Result<(), End> {
        for documents in documents.chunks(limits::REPO_BATCH_MESSAGES_MAX) {
            let due = self.news(documents).await?;
            self.send(line, due).await?;
        }
        Ok(())
    }

    /// Says when what is held up is to be looked at again.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.held_up.at()
    }

    /// Looks again at what is held up.
    pub(super) async fn look(&mut self, line: &mut Line) -> Result<(), End> {
        let held_up = self.held_up.take().into_iter();
        let documents: Vec<DocumentId> = held_up.filter(|of| self.open.contains_key(of)).collect();
        self.tell(line, &documents).await?;
        self.held_up.looked();
        Ok(())
    }

    /// Finds which of the open documents have moved on, where that was not told.
    async fn moved(&self) -> Result<Vec<DocumentId>, End> {
        let open = self.open.iter().filter(|(_, open)| open.progress.through.is_some());
        let open: Vec<DocumentId> = open.map(|(document, _)| *document).collect();
        let mut moved = Vec::new();
        for some in open.chunks(limits::REPO_BATCH_MESSAGES_MAX) {
            let _place = self.enter().await?;
            let there = self.app.store.repo_positions(self.ticket.campaign, some).await?;
            moved.extend(some.iter().filter(|document| {
                let known =
                    self.open.get(document).map(|open| (&*open.unit, open.progress.through));
                let now = there.get(document);
                known != now.map(|(unit, position)| (unit.as_str(), Some(*position)))
            }));
        }
        Ok(moved)
    }

    /// Finds what is due to the client of documents it has open.
    async fn news(&mut self, documents: &[DocumentId]) -> Result<Vec<Due>, End> {
        let _place = self.enter().await?;
        let turn = self.turn().await?;
        let logs = self.logs(documents.iter().copied().collect(), &turn.begun.scope).await?;
        let mut due = Vec::new();
        for document in documents {
            // What has left the caller's scope is sent no more.
            let Some(found) = logs.get(document) else {
                self.open.remove(document);
                continue;
            };
            let open = self.opened(*document, &found.unit)?;
            let since = open.progress.through.unwrap_or(0);
            let answer = open.progress.push(&found.log);
            due.push(Due::new(*document, answer, since, found));
        }
        Ok(due)
    }

    /// Finds who the client is now and what it may see.
    async fn turn(&mut self) -> Result<Turn, End> {
        let actor = self.holder().await?;
        self.unit.clone_from(&actor.account.post.unit);
        let begun = begin(&self.app, &actor, self.ticket.campaign).await?;
        Ok(Turn { actor, begun })
    }

    /// Finds who the client is now.
    pub(super) async fn holder(&self) -> Result<Actor, End> {
        super::holder(&self.app, &self.ticket).await
    }

    /// Charges the client, once it can pay.
    async fn charge(&self, cost: u64) -> Result<(), End> {
        let patience = Patience::new();
        let charge = || self.app.gate.charge(self.caller(), &self.unit, cost, self.app.now_ms());
        while patience.wait(charge()).await?.is_none() {}
        Ok(())
    }

    /// Charges the client for an answer and waits for a share of the memory for answers.
    pub(super) async fn share(&self, bytes: usize) -> Result<Share, End> {
        self.charge(limits::bytes_cost(bytes)).await?;
        let patience = Patience::new();
        loop {
            if let Some(share) = patience.wait(self.app.gate.whole_answer(bytes)).await? {
                return Ok(share);
            }
        }
    }

    /// Waits for a place among the requests being worked on.
    pub(super) async fn enter(&self) -> Result<Place, End> {
        let patience = Patience::new();
        loop {
            let place = self.app.gate.enter(self.caller()).await;
            if let Some(place) = patience.wait(place).await? {
                return Ok(place);
            }
        }
    }

    /// Reads the logs of those households that the client may see.
    async fn logs(&self, documents: BTreeSet<DocumentId>, scope: &Scope) -> Result<Logs, End> {
        Ok(self.found(documents, scope).await?.own)
    }

    /// Reads the logs of those households that the client may see or once was given.
    async fn found(&self, documents: BTreeSet<DocumentId>, scope: &Scope) -> Result<Found, End> {
        let documents: Vec<DocumentId> = documents.into_iter().collect();
        let campaign = self.ticket.campaign;
        let logs = self.app.store.repo_logs(campaign, &documents).await?;
        let (mut own, mut former): (Logs, Logs) =
            logs.into_iter().partition(|(document, found)| {
                let hamlets = scope.get(&found.unit);
                hamlets.is_some_and(|hamlets| hamlets.cover(&found.hamlet, *document))
            });
        if !former.is_empty() {
            let (account, device) = (self.ticket.account, self.ticket.device);
            let documents: Vec<DocumentId> = former.keys().copied().collect();
            let given = self.app.store.repo_given(campaign, account, device, &documents).await?;
            former.retain(|document, _| given.contains(document));
        }
        for (document, found) in &mut own {
            // What this process has looked at without a worker.
            if self.app.looked_at.is_sound(document, &found.unit, found.unseen_at) {
                found.unseen_at = 0;
            }
        }
        Ok(Found { own, former })
    }

    /// Asks whoever may no longer see a household for the work it did there before, once, and without
    /// a word of what is there.
    fn fetch(&mut self, document: DocumentId, asked: &Asked, former: &RepoLog) -> Option<Due> {
        let need = former.log.unknown_of(&asked.message.heads);
        if need.is_empty() || !asked.carried.is_empty() || !self.fetched.insert(document) {
            return None;
        }
        // It has all it wrote, and is not told what of it is here.
        let message = SyncMessage { need, have: Some(Have::default()), ..SyncMessage::default() };
        Some(Due::question(document, message))
    }

    /// Answers what was said about a document. Whoever writes on a copy is not answered about it: it
    /// could take nothing, and is told when it has handed in the rest.
    fn answer(
        &mut self,
        document: DocumentId,
        asked: &Asked,
        found: &RepoLog,
    ) -> Result<Option<Due>, End> {
        let open = self.opened(document, &found.unit)?;
        if asked.anew {
            open.progress = Progress::default();
        }
        let since = open.progress.through.unwrap_or(0);
        let message = &asked.message;
        let Ok(answer) = open.progress.answer(&found.log, message, &asked.carried) else {
            open.progress = Progress::default();
            let heard = self.forked.map_or_else(Instant::now, |(_, heard)| heard);
            self.forked = Some((document, heard));
            return Ok(None);
        };
        // Asked for by name, it may be older than what was sent last.
        let since = if message.need.is_empty() { since } else { 0 };
        Ok(Some(Due::new(document, answer, since, found)))
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

    /// Notes that what was to be sent of a document was not.
    pub(super) fn again(&mut self, document: DocumentId) {
        let Some(open) = self.open.get_mut(&document) else { return };
        open.progress.through = open.progress.through.map(|_| 0);
        self.held_up.add(document, Instant::now());
    }
}
