//! One WebSocket: frames in, messages out, and nobody waited for too long.
//!
//! There is no queue of what is to be sent: whoever takes nothing is not read from either, and after a
//! while is given up.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{FutureExt, SinkExt};
use shared::limits;
use shared::repo::message::Sent;

use super::End;

/// Longest wait for a client to take a message.
const TAKE_WAIT: Duration = Duration::from_secs(30);

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// A binary frame.
    Frame(Bytes),
    /// A frame of text, which no client sends.
    Text,
}

/// A WebSocket of a client.
#[derive(Debug)]
pub(super) struct Line {
    socket: WebSocket,
    /// Our name.
    own: String,
    /// The client's; empty before it has joined.
    pub(super) peer: String,
    /// A ping went out and nothing has come since.
    is_silent: bool,
    /// What was heard while frames were gathered, after those that could be.
    next: Option<Result<Heard, End>>,
}

impl Line {
    pub(super) fn new(socket: WebSocket, own: String) -> Self {
        Self { socket, own, peer: String::new(), is_silent: false, next: None }
    }

    /// Waits for the next frame. Nothing is lost where the wait is given up.
    pub(super) async fn hear(&mut self) -> Result<Heard, End> {
        if let Some(next) = self.next.take() {
            return next;
        }
        loop {
            let message = self.socket.recv().await;
            self.is_silent = false;
            match message {
                Some(Ok(Message::Binary(frame))) => return Ok(Heard::Frame(frame)),
                Some(Ok(Message::Text(_))) => return Ok(Heard::Text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
            }
        }
    }

    /// Adds to a frame those that have come as well.
    pub(super) fn gather(&mut self, first: Bytes) -> Vec<Bytes> {
        let mut bytes = first.len();
        let mut frames = vec![first];
        while frames.len() < limits::REPO_BATCH_MESSAGES_MAX && bytes < limits::REPO_BATCH_BYTES_MAX
        {
            match self.hear().now_or_never() {
                None => break,
                Some(Ok(Heard::Frame(frame))) => {
                    bytes += frame.len();
                    frames.push(frame);
                }
                Some(other) => {
                    self.next = Some(other);
                    break;
                }
            }
        }
        frames
    }

    async fn within<T>(sent: impl Future<Output = Result<T, axum::Error>>) -> Result<T, End> {
        match tokio::time::timeout(TAKE_WAIT, sent).await {
            Ok(Ok(sent)) => Ok(sent),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, message: &Sent<'_>) -> Result<(), End> {
        self.put(message).await?;
        self.flush().await
    }

    /// Writes a message, which is sent with others.
    pub(super) async fn put(&mut self, message: &Sent<'_>) -> Result<(), End> {
        let bytes = message.write(&self.own, &self.peer);
        Self::within(self.socket.feed(Message::Binary(bytes.into()))).await
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        Self::within(self.socket.flush()).await
    }

    /// Asks whether the client is there; gives up where it has not answered the last time.
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        if std::mem::replace(&mut self.is_silent, true) {
            return Err(End::Gone);
        }
        Self::within(self.socket.send(Message::Ping(Bytes::new()))).await
    }

    /// Waits until the client has gone, whatever it says, or until it is time.
    pub(super) async fn until_gone(&mut self, wait: Duration) {
        let gone = async { while self.hear().await.is_ok() {} };
        let _either = tokio::time::timeout(wait, gone).await;
    }

    /// Ends the connection.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: close_code::POLICY, reason: "".into() };
        let _gone = Self::within(self.socket.send(Message::Close(Some(frame)))).await;
        let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _either = tokio::time::timeout(Duration::from_secs(1), answered).await;
    }
}
