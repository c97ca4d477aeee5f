//! One WebSocket: frames in, messages out, and nobody waited for too long.
//!
//! What is to be sent waits in one buffer of bounded size: whoever takes nothing is not read from
//! either, and after a while is given up.

use std::pin::pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{FutureExt, SinkExt};
use shared::limits;
use shared::repo::message::Sent;

use super::End;

/// Longest wait for a client to take a message, beside the time that its bytes take.
const TAKE_WAIT: Duration = Duration::from_secs(30);

/// Bytes a second of the slowest line: half of what 32 kbit/s carry. A line on which no byte moves at
/// all is ended before.
const TAKE_BYTES_A_SECOND: usize = 2 * 1024;

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
    /// Pings and the like that have come since we asked or it last said something.
    controls: usize,
    /// Bytes written and perhaps not sent yet.
    unsent: usize,
    /// What was heard while frames were gathered, after those that could be.
    next: Option<Result<Heard, End>>,
}

impl Line {
    pub(super) fn new(socket: WebSocket, own: String) -> Self {
        Self {
            socket,
            own,
            peer: String::new(),
            is_silent: false,
            controls: 0,
            unsent: 0,
            next: None,
        }
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
                Some(Ok(Message::Binary(frame))) => {
                    self.controls = 0;
                    return Ok(Heard::Frame(frame));
                }
                Some(Ok(Message::Text(_))) => return Ok(Heard::Text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    self.controls += 1;
                    if self.controls > limits::REPO_CONTROLS_MAX {
                        return Err(End::Gone);
                    }
                }
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

    /// Waits for the client to take what is sent, as long as so much may take.
    async fn within(&mut self, message: Option<Message>) -> Result<(), End> {
        let seconds = u64::try_from(self.unsent / TAKE_BYTES_A_SECOND).unwrap_or(u64::MAX);
        let wait = TAKE_WAIT.saturating_add(Duration::from_secs(seconds));
        let socket = &mut self.socket;
        let mut sent = pin!(async {
            match message {
                Some(message) => socket.feed(message).await,
                None => socket.flush().await,
            }
        });
        if let Some(sent) = sent.as_mut().now_or_never() {
            return sent.map_err(|_| End::Gone);
        }
        match tokio::time::timeout(wait, sent).await {
            Ok(Ok(())) => {
                // It was waited for and has come through: somebody takes it.
                self.is_silent = false;
                Ok(())
            }
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
        // What is in front of it is sent first.
        self.unsent = bytes.len().saturating_add(self.unsent);
        self.within(Some(Message::Binary(bytes.into()))).await
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.within(None).await?;
        self.unsent = 0;
        Ok(())
    }

    /// Asks whether the client is there; gives up where it has not answered the last time.
    pub(super) async fn ping(&mut self) -> Result<(), End> {
        if self.is_silent && self.next.is_none() {
            // Its answer may have come while something else was done.
            self.next = self.hear().now_or_never();
        }
        if std::mem::replace(&mut self.is_silent, true) {
            return Err(End::Gone);
        }
        self.controls = 0;
        self.within(Some(Message::Ping(Bytes::new()))).await?;
        self.within(None).await
    }

    /// Waits until the client has gone, whatever it says, or until it is time.
    pub(super) async fn until_gone(&mut self, wait: Duration) {
        let gone = async { while self.hear().await.is_ok() {} };
        let _either = tokio::time::timeout(wait, gone).await;
    }

    /// Ends the connection.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: close_code::POLICY, reason: "".into() };
        let sent = self.socket.send(Message::Close(Some(frame)));
        let _gone = tokio::time::timeout(TAKE_WAIT, sent).await;
        let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _either = tokio::time::timeout(Duration::from_secs(1), answered).await;
    }
}
