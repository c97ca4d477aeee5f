//! A small HTTP client for the simulated people: JSON for offices, CBOR frames for phones.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use hyper::http::request::Builder;
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use mobile_schema::frame::{FRAME_CONTENT_TYPE, SyncRequest, SyncResponse};
use serde::de::DeserializeOwned;
use shared::limits;

use crate::http::encoding::{Encoding, Unpacker};

/// Largest answer a client takes, bytes: a commune's list is a few megabytes at most.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Longest wait for an answer: a line that is silent for so long is lost.
const PATIENCE: Duration = Duration::from_secs(150);

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: Hyper<HttpConnector, Full<Bytes>>,
}

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server could not be reached or did not answer.
    #[error("the server did not answer")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused, under a published name.
    #[error("refused: {name} ({status}) {body}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable problem name.
        name: String,
        /// The whole problem.
        body: serde_json::Value,
        /// Seconds after which to try again, where the server says so.
        retry_after_s: Option<u64>,
    },
    /// The answer is not what it should be.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl ClientError {
    /// Returns the stable name of a refusal.
    pub fn name(&self) -> Option<&str> {
        if let Self::Refused { name, .. } = self { Some(name) } else { None }
    }

    /// Returns how many seconds the server asks to wait.
    pub fn retry_after_s(&self) -> Option<u64> {
        if let Self::Refused { retry_after_s, .. } = self { *retry_after_s } else { None }
    }
}

fn transport<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> ClientError {
    ClientError::Transport(error.into())
}

impl Client {
    /// Makes a client of `http://host:port`.
    pub fn new(base: &str) -> Self {
        let http = Hyper::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { base: base.trim_end_matches('/').to_owned(), http }
    }

    /// Sends a request and returns status and body, whatever they are.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, kind);
        let (parts, bytes) = self.send(request, token, body).await?;
        Ok((parts.status, bytes))
    }

    async fn send(
        &self,
        mut request: Builder,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(Parts, Bytes), ClientError> {
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(transport)?;
        let answered = async {
            let response = self.http.request(request).await.map_err(transport)?;
            let (parts, body) = response.into_parts();
            let limited = http_body_util::Limited::new(body, ANSWER_BYTES_MAX);
            let bytes = limited.collect().await.map_err(transport)?.to_bytes();
            Ok((parts, bytes))
        };
        tokio::time::timeout(PATIENCE, answered).await.map_err(transport)?
    }

    /// Calls with a JSON body (none for null) and reads a JSON answer.
    pub async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &serde_json::Value,
    ) -> Result<T, ClientError> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let (status, bytes) = self.raw(method, path, token, "application/json", body).await?;
        read(status, &bytes)
    }

    /// Posts a text file and reads a JSON answer.
    pub async fn text<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        text: String,
    ) -> Result<T, ClientError> {
        self.file(path, token, "text/csv", text.into_bytes()).await
    }

    /// Posts a file of some kind and reads a JSON answer.
    pub async fn file<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        kind: &str,
        bytes: Vec<u8>,
    ) -> Result<T, ClientError> {
        let (status, bytes) = self.raw(Method::POST, path, Some(token), kind, bytes).await?;
        read(status, &bytes)
    }

    /// Syncs once; also returns the bytes of both bodies as they went over the line.
    pub async fn sync(
        &self,
        token: &str,
        request: &SyncRequest,
    ) -> Result<(SyncResponse, usize, usize), ClientError> {
        let mut body = Vec::new();
        ciborium::into_writer(request, &mut body).map_err(transport)?;
        let mut call = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/sync", self.base))
            .header(CONTENT_TYPE, FRAME_CONTENT_TYPE)
            .header(ACCEPT_ENCODING, "zstd");
        if body.len() >= limits::COMPRESS_BYTES_MIN {
            body = Encoding::Zstd.pack(&body).map_err(transport)?;
            call = call.header(CONTENT_ENCODING, "zstd");
        }
        let up = body.len();
        let (parts, bytes) = self.send(call, Some(token), body).await?;
        if !parts.status.is_success() {
            return Err(refused(&parts, &bytes));
        }
        let unpacked = unpacked(&parts, &bytes).ok_or(ClientError::Unreadable)?;
        let answer = ciborium::from_reader(&unpacked[..]).map_err(|_| ClientError::Unreadable)?;
        Ok((answer, up, bytes.len()))
    }
}

fn unpacked(parts: &Parts, bytes: &[u8]) -> Option<Vec<u8>> {
    let encoding = Encoding::of_body(&parts.headers).ok()?;
    let mut unpacker = Unpacker::new(encoding, ANSWER_BYTES_MAX).ok()?;
    unpacker.take(bytes).ok()?;
    unpacker.finish().ok()
}

fn refused(parts: &Parts, bytes: &[u8]) -> ClientError {
    let after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match refusal(parts.status, bytes) {
        ClientError::Refused { status, name, body, .. } => {
            ClientError::Refused { status, name, body, retry_after_s: after }
        }
        other => other,
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Result<T, ClientError> {
    if !status.is_success() {
        return Err(refusal(status, bytes));
    }
    serde_json::from_slice(bytes).map_err(|_| ClientError::Unreadable)
}

fn refusal(status: StatusCode, bytes: &[u8]) -> ClientError {
    let body: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let name = body["type"].as_str().unwrap_or("").trim_start_matches("/problems/").to_owned();
    ClientError::Refused { status: status.as_u16(), name, body, retry_after_s: None }
}
