//! Connections: how many there may be, and how long somebody may keep one without using it.
//!
//! Whoever sends a head byte by byte, reads no answer or hangs up half way costs one connection for
//! a minute and nobody else anything.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use shared::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep};

/// Longest wait for the head of the next request, and so the life of an unused connection.
const HEAD_WAIT: Duration = Duration::from_secs(60);

/// Longest wait for somebody to take the next bytes of an answer.
const TAKE_WAIT: Duration = Duration::from_secs(60);

/// Pause after the system had no connection to give: its tables are full.
const FULL_WAIT: Duration = Duration::from_millis(50);

/// Serves until told to stop, then finishes what is being answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stopped: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let (stop, stopping) = watch::channel(false);
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let accepted = async {
            // Whoever finds no place waits in the system's own queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (line, place) = tokio::select! {
            () = &mut stopped => break,
            (accepted, place) = accepted => match accepted {
                Ok((line, _)) => (line, place),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    tracing::error!(kind = ?error.kind(), "no connection");
                    tokio::time::sleep(FULL_WAIT).await;
                    continue;
                }
            },
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        tokio::spawn(async move {
            let _place = place;
            converse(line, router, stopping).await;
        });
    }
    drop(stopping);
    stop.send_replace(true);
    stop.closed().await;
}

async fn converse(line: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    // Answers are small and somebody waits for them.
    let _unset = line.set_nodelay(true);
    let line = TokioIo::new(Impatient { line, limit: Box::pin(sleep(TAKE_WAIT)), stuck: false });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        // Who has said everything may still listen.
        .half_close(true)
        .serve_connection(line, TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let told = async {
        let _gone = stopping.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = told => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}

/// A line that gives up on somebody who takes nothing.
struct Impatient {
    line: TcpStream,
    limit: Pin<Box<Sleep>>,
    stuck: bool,
}

impl Impatient {
    /// Passes on what a write came to, or ends the line where none has come through for too long.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<std::io::Result<T>>,
    ) -> Poll<std::io::Result<T>> {
        if written.is_ready() {
            self.stuck = false;
            return written;
        }
        if !self.stuck {
            self.stuck = true;
            self.limit.as_mut().reset(Instant::now() + TAKE_WAIT);
        }
        match self.limit.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(Error::from(ErrorKind::TimedOut))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.line).poll_read(context, into)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.line).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.line).poll_write_vectored(context, parts);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}
