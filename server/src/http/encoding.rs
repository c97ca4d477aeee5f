//! Compressed bodies: unpacking what comes in under hard caps, packing what goes out where it helps.
//!
//! A body is unpacked as it arrives, into memory that never grows beyond the cap: a bomb is refused
//! at the byte that passes it, whatever it claims to be.

use std::io::{Error, ErrorKind, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder, ZlibDecoder, ZlibEncoder};
use hyper::body::{Frame, SizeHint};
use mobile_schema::problem;
use shared::limits;
use zstd::stream::{raw, zio};

use crate::app::App;
use crate::gate::Share;
use crate::problem::Problem;

/// Largest window of a zstd frame, as a power of two: 8 MiB, what RFC 9659 asks of both sides.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Levels at which the answers compress best for the time a phone's line takes anyway.
const ZSTD_LEVEL: i32 = 7;
const DEFLATE_LEVEL: u32 = 6;

/// A body of more bytes than this is packed off the async threads.
const PACKED_ASIDE_BYTES: usize = 32 * 1024;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which HTTP calls deflate.
    Deflate,
}

impl Encoding {
    /// Every encoding, the one that saves most first.
    const ALL: [Self; 3] = [Self::Zstd, Self::Gzip, Self::Deflate];

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::ALL.into_iter().find(|encoding| name.eq_ignore_ascii_case(encoding.name()))
    }

    /// Returns how a request's body is compressed; any other way, and two ways at once, is refused.
    pub(crate) fn of_body(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
        let (first, second) = (encodings.next(), encodings.next());
        match (first.map(HeaderValue::to_str), second) {
            (None, _) => Ok(None),
            (Some(Ok(name)), None) if name.trim().eq_ignore_ascii_case("identity") => Ok(None),
            (Some(Ok(name)), None) => {
                let encoding = Self::named(name).ok_or(&problem::ENCODING_UNSUPPORTED)?;
                Ok(Some(encoding))
            }
            _ => Err(Problem::new(&problem::ENCODING_UNSUPPORTED)),
        }
    }

    /// Picks the best encoding that the caller reads.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let offers: Vec<Self> = headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|offer| {
                let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
                let weight = weight.trim().trim_start_matches("q=");
                // A weight of zero, however many digits it has, says no.
                let refused = weight.starts_with('0') && weight.chars().all(|c| "0.".contains(c));
                Self::named(name).filter(|_| !refused)
            })
            .collect();
        Self::ALL.into_iter().find(|encoding| offers.contains(encoding))
    }

    /// Compresses bytes.
    pub(crate) fn pack(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
            Self::Gzip => {
                let mut out = GzEncoder::new(Vec::new(), Compression::new(DEFLATE_LEVEL));
                out.write_all(bytes)?;
                out.finish()
            }
            Self::Deflate => {
                let mut out = ZlibEncoder::new(Vec::new(), Compression::new(DEFLATE_LEVEL));
                out.write_all(bytes)?;
                out.finish()
            }
        }
    }
}

/// The encoding that the caller reads, if it reads any.
#[derive(Debug)]
pub(super) struct Accepted(pub(super) Option<Encoding>);

impl FromRequestParts<App> for Accepted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        Ok(Self(Encoding::accepted(&parts.headers)))
    }
}

/// Bytes with a hard end.
pub(crate) struct Capped {
    bytes: Vec<u8>,
    max: usize,
}

impl Write for Capped {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + part.len() > self.max {
            return Err(Error::from(ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes a body in as it arrives, as it is or compressed.
pub(crate) enum Unpacker {
    Plain(Capped),
    Zstd(Box<zio::Writer<Capped, raw::Decoder<'static>>>),
    Gzip(Box<GzDecoder<Capped>>),
    Deflate(Box<ZlibDecoder<Capped>>),
}

impl Unpacker {
    /// Starts a body that may have `max` bytes once unpacked.
    pub(crate) fn new(encoding: Option<Encoding>, max: usize) -> std::io::Result<Self> {
        let out = Capped { bytes: Vec::new(), max };
        Ok(match encoding {
            None => Self::Plain(out),
            Some(Encoding::Zstd) => {
                let mut decoder = raw::Decoder::new()?;
                decoder.set_parameter(raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
                Self::Zstd(Box::new(zio::Writer::new(out, decoder)))
            }
            Some(Encoding::Gzip) => Self::Gzip(Box::new(GzDecoder::new(out))),
            Some(Encoding::Deflate) => Self::Deflate(Box::new(ZlibDecoder::new(out))),
        })
    }

    /// Takes the next bytes as sent.
    pub(crate) fn take(&mut self, part: &[u8]) -> Result<(), Problem> {
        let taken = match self {
            Self::Plain(out) => out.write_all(part),
            Self::Zstd(out) => out.write_all(part),
            Self::Gzip(out) => out.write_all(part),
            Self::Deflate(out) => out.write_all(part),
        };
        taken.map_err(refuse)
    }

    /// Returns how many bytes it has come to so far.
    pub(crate) fn len(&self) -> usize {
        let out = match self {
            Self::Plain(out) => out,
            Self::Zstd(out) => out.writer(),
            Self::Gzip(out) => out.get_ref(),
            Self::Deflate(out) => out.get_ref(),
        };
        out.bytes.len()
    }

    /// Ends the body and returns its bytes.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Problem> {
        let out = match self {
            Self::Plain(out) => Ok(out),
            Self::Zstd(mut out) => out.finish().map(|()| out.into_inner().0),
            Self::Gzip(out) => out.finish(),
            Self::Deflate(out) => out.finish(),
        };
        out.map(|out| out.bytes).map_err(refuse)
    }
}

fn refuse(error: Error) -> Problem {
    if error.kind() == ErrorKind::FileTooLarge {
        Problem::new(&problem::BODY_TOO_LARGE)
    } else {
        Problem::new(&problem::BODY_MALFORMED)
    }
}

/// Compresses an answer for who reads that, where it helps.
pub(super) async fn pack(request: Request, next: Next) -> Response {
    let accepted = Encoding::accepted(request.headers());
    let cacheable = request.method() == Method::GET;
    let mut response = next.run(request).await;
    if cacheable {
        let vary = HeaderValue::from_static("accept-encoding");
        response.headers_mut().append(header::VARY, vary);
    }
    let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
    let packed = response.headers().contains_key(header::CONTENT_ENCODING);
    let response = match (accepted, size) {
        (Some(encoding), Some(size)) if !packed && size >= limits::COMPRESS_BYTES_MIN => {
            packed_by(encoding, response, size).await
        }
        _ => response,
    };
    held(response)
}

async fn packed_by(encoding: Encoding, response: Response, size: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    // It is in memory already: its size is known.
    let bytes = axum::body::to_bytes(body, size).await.unwrap_or_default();
    let packed = if size > PACKED_ASIDE_BYTES {
        let bytes = bytes.clone();
        tokio::task::spawn_blocking(move || encoding.pack(&bytes).ok()).await.ok().flatten()
    } else {
        encoding.pack(&bytes).ok()
    };
    let Some(packed) = packed.filter(|packed| packed.len() < size) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let name = HeaderValue::from_static(encoding.name());
    parts.headers.insert(header::CONTENT_ENCODING, name);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(packed))
}

/// Lets an answer keep its share of the memory for answers until it has been taken.
fn held(mut response: Response) -> Response {
    match response.extensions_mut().remove::<Arc<Share>>() {
        Some(share) => response.map(|body| Body::new(Held { body, _share: share })),
        None => response,
    }
}

struct Held {
    body: Body,
    _share: Arc<Share>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn unpacked(encoding: Encoding, packed: &[u8], max: usize) -> Result<Vec<u8>, Problem> {
        let mut unpacker = Unpacker::new(Some(encoding), max).unwrap();
        for part in packed.chunks(1000) {
            unpacker.take(part)?;
            assert!(unpacker.len() <= max);
        }
        unpacker.finish()
    }

    #[test]
    fn what_is_packed_unpacks_to_itself_and_not_beyond_its_cap() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for encoding in Encoding::ALL {
            let packed = encoding.pack(&bytes).unwrap();
            assert!(packed.len() < bytes.len() / 2);
            assert_eq!(unpacked(encoding, &packed, bytes.len()).unwrap(), bytes);
            assert!(unpacked(encoding, &packed, bytes.len() - 1).is_err());
            assert!(
                unpacked(encoding, &packed[..packed.len() - 9], bytes.len()).is_err()
                    || encoding == Encoding::Deflate
            );
            assert!(
                unpacked(encoding, b"plain text, and more of it than a head has", 1000).is_err()
            );
        }
    }

    /// What a bomb comes to is looked at as it unpacks, not afterwards.
    #[test]
    fn a_bomb_is_refused_after_a_small_part_of_it() {
        let zeros = vec![0; 16 << 20];
        for encoding in Encoding::ALL {
            let packed = encoding.pack(&zeros).unwrap();
            let mut unpacker = Unpacker::new(Some(encoding), 1 << 20).unwrap();
            let taken = packed.chunks(1).take_while(|part| unpacker.take(part).is_ok()).count();
            assert!(taken < packed.len() / 8, "{encoding:?}: {taken} of {}", packed.len());
        }
    }

    #[test]
    fn the_best_of_what_the_caller_reads_is_chosen() {
        let accepted = |offer: &'static str| {
            let value = HeaderValue::from_static(offer);
            Encoding::accepted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Encoding::Zstd));
        assert_eq!(accepted("deflate, GZIP;q=0.5"), Some(Encoding::Gzip));
        assert_eq!(accepted("zstd;q=0, gzip;q=0.000, deflate;q=0.1"), Some(Encoding::Deflate));
        assert_eq!(accepted("br, identity;q=1, *"), None);
        assert_eq!(accepted(""), None);
    }
}
