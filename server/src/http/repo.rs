//! `GET /v1/repo`: the standard door, by which any automerge-repo client joins.
//!
//! Protocol version 1 as those clients speak it. A connection keeps a few dozen bytes for each document
//! it has open and no document: what a client lacks is read from the log. What it sends goes the way
//! of signed batches, and is in what we say we have only once it is durable.

mod held;
mod line;
mod patience;
mod said;
mod send;
mod turn;
mod write;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use mobile_schema::problem::{self, Problem as Name};
use serde::Deserialize;
use shared::id::{DeviceId, DocumentId, sha256, to_hex};
use shared::limits;
use shared::repo::address;
use shared::repo::message::{Received, Said, Sent};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::line::{Heard, Line};
use self::turn::Peer;
use super::extract::Query;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::sockets::Seat;
use crate::store::StoreError;
use crate::store::ticket::Ticket;

/// Longest wait for a client's first message.
const JOIN_WAIT: Duration = Duration::from_secs(10);

/// How often a client is asked whether it is still there, and whether it may still be.
const PING: Duration = Duration::from_secs(30);

/// How long somebody who was turned away is left waiting: stock clients come back five seconds after
/// the line ended, for ever.
const TURNED_AWAY_WAIT: Duration = Duration::from_secs(60);

/// Bytes read from a connection at one time. The library takes 128 KiB for each, used or not.
const READ_BYTES: usize = 8 * 1024;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client went, or its line broke.
    Gone,
    /// The client is told so, under a published name.
    Told(&'static Name),
    /// The client is told so, and which document it is about.
    About(&'static Name, DocumentId),
}

impl From<&'static Name> for End {
    fn from(name: &'static Name) -> Self {
        Self::Told(name)
    }
}

impl From<Problem> for End {
    fn from(problem: Problem) -> Self {
        Self::Told(problem.said().1)
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        // Logs it where it is ours.
        Problem::from(error).told().into()
    }
}

/// The ticket in the address.
#[derive(Deserialize)]
pub(super) struct Shown {
    ticket: Option<String>,
}

/// Joins a WebSocket client of the automerge-repo protocol, by the ticket in the address. Whoever may
/// not is let in, told why in an `error` message, and let out: a refused upgrade ends some clients.
#[utoipa::path(get, path = "/v1/repo", params(("ticket" = Option<String>, Query)), responses(
    (status = 101, description = "WebSocket: the automerge-repo protocol, version 1"),
    (status = 426, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn join(
    State(app): State<App>,
    Query(shown): Query<Shown>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| &problem::UPGRADE_NEEDED)?;
    let place = app.sockets.place();
    Ok(upgrade
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(READ_BYTES)
        .max_write_buffer_size(READ_BYTES + limits::REPO_UNSENT_BYTES_MAX)
        .max_message_size(limits::REPO_FRAME_BYTES_MAX)
        .max_frame_size(limits::REPO_FRAME_BYTES_MAX)
        .on_upgrade(move |socket| converse(app, socket, shown.ticket, place)))
}

async fn converse(
    app: App,
    socket: WebSocket,
    ticket: Option<String>,
    place: Option<OwnedSemaphorePermit>,
) {
    let epoch = to_hex(&app.epoch);
    let mut line = Line::new(socket, format!("rasoat-{}", &epoch[..16]));
    let mut device = None;
    let joined = match &place {
        Some(_) => greet(&app, &mut line, ticket, &epoch, &mut device).await,
        None => Err(End::Told(&problem::TOO_BUSY)),
    };
    let is_in = joined.is_ok();
    let ended = match joined {
        Ok((peer, seat)) => serve(peer, seat, &mut line).await,
        Err(end) => Err(end),
    };
    drop(place);
    let (name, document) = match ended {
        Ok(()) | Err(End::Gone) => return,
        Err(End::Told(name)) => (name, None),
        Err(End::About(name, document)) => (name, Some(address::write(document))),
    };
    tracing::info!(problem = name.name, "a connection of the standard door ends");
    let error = Sent::Error { reason: name.name, document: document.as_deref() };
    if line.send(&error).await.is_err() {
        return;
    }
    // Whoever comes back with the same ticket, or the same copy of its data, is told the same. They
    // are kept waiting, as far as there is room for that. A ticket that is nobody's costs a look.
    let comes_back = !is_in || name.name == problem::ACTOR_FORKED.name;
    let room = device.filter(|_| comes_back).and_then(|device| app.sockets.waiting_room(device));
    if room.is_some() {
        line.until_gone(TURNED_AWAY_WAIT).await;
    }
    line.close().await;
}

/// Takes a client's first message and lets it in by its ticket; notes the device that it is of.
async fn greet(
    app: &App,
    line: &mut Line,
    ticket: Option<String>,
    epoch: &str,
    device: &mut Option<DeviceId>,
) -> Result<(Peer, Seat), End> {
    let greeted = app.sockets.greeted().await;
    let first = tokio::time::timeout(JOIN_WAIT, line.hear()).await;
    let Heard::Frame(frame) = first.map_err(|_| &problem::TOO_SLOW)?? else {
        return Err(End::Told(&problem::REPO_MESSAGE));
    };
    drop(greeted);
    let read = Received::read(&frame).map_err(|_| &problem::REPO_MESSAGE)?;
    line.peer = read.sender.to_owned();
    match read.said {
        Said::Join { speaks: true } => {}
        Said::Join { speaks: false } => return Err(End::Told(&problem::REPO_VERSION)),
        _ => return Err(End::Told(&problem::REPO_MESSAGE)),
    }
    let text = ticket.ok_or(&problem::TICKET_REFUSED)?;
    let found = app.store.ticket_get(sha256(text.as_bytes())).await?;
    let ticket = found.ok_or(&problem::TICKET_REFUSED)?;
    *device = Some(ticket.device);
    let actor = holder(app, &ticket).await?;
    // It is bound once; whoever comes back with it writes nothing.
    let is_bound = match &ticket.sender {
        Some(sender) => *sender == line.peer,
        None => app.store.ticket_bind(ticket.hash, &line.peer).await?,
    };
    if !is_bound {
        return Err(End::Told(&problem::TICKET_REFUSED));
    }
    let seat = app.sockets.seat(ticket.device, &line.peer).ok_or(&problem::TOO_MANY)?;
    line.send(&Sent::Peer { storage: epoch }).await?;
    Ok((Peer::new(app.clone(), ticket, actor.account.post.unit), seat))
}

/// Finds who holds a ticket, as long as it, its session, its device and its person are good.
async fn holder(app: &App, ticket: &Ticket) -> Result<Actor, End> {
    if ticket.expires_at_ms <= app.now_ms() {
        return Err(End::Told(&problem::TICKET_EXPIRED));
    }
    let device = Some(ticket.device);
    let actor = Actor::of_session(app, ticket.session, ticket.account, device).await?;
    if actor.device.as_ref().is_none_or(|device| device.revoked) {
        return Err(End::Told(&problem::DEVICE_REVOKED));
    }
    Ok(actor)
}

/// Serves a client that has joined, until one of us has enough.
async fn serve(mut peer: Peer, seat: Seat, line: &mut Line) -> Result<(), End> {
    let mut news = peer.listen();
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (forked, look_at) = (peer.forked(), peer.look_at());
        tokio::select! {
            () = seat.replaced() => return Err(End::Told(&problem::REPO_REPLACED)),
            heard = line.hear() => {
                let Heard::Frame(first) = heard? else {
                    return Err(End::Told(&problem::REPO_MESSAGE));
                };
                let frames: Vec<Bytes> = line.gather(first);
                peer.take(line, &frames).await?;
            }
            document = Peer::until_quiet(forked) => {
                return Err(End::About(&problem::ACTOR_FORKED, document));
            }
            round = news.recv() => peer.hear(line, round).await?,
            () = held::until(look_at) => peer.look(line).await?,
            _ = pings.tick() => {
                holder(&peer.app, &peer.ticket).await?;
                line.ping().await?;
            }
        }
    }
}
