//! Files that a browser takes down: as they are written, or from a file that nobody else sees.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use shared::id::to_hex;
use shared::text::folded;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use crate::imports::file::Format;
use crate::keys::random;

/// Whoever opens the file in a browser runs nothing.
const POLICY: &str = "default-src 'none'";

/// Bytes that are read at one time.
const PART_BYTES: usize = 64 * 1024;

/// Parts that wait for a slow line.
const PARTS_WAITING: usize = 4;

/// Hands over the parts of a file. An error breaks the download off, so that nobody takes a part of
/// a table for the whole.
pub(super) type Parts = mpsc::Sender<io::Result<Bytes>>;

/// A body that somebody else fills.
struct Feed(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Feed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// Makes a body and what fills it.
pub(super) fn feed() -> (Parts, Body) {
    let (parts, feed) = mpsc::channel(PARTS_WAITING);
    (parts, Body::new(Feed(feed)))
}

/// Makes a file in a folder that is gone once it is closed, where the system allows that.
pub(super) fn nameless(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("table-{}.tmp", to_hex(&random::<16>())));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Sends a file from its beginning, part by part.
pub(super) async fn pour(mut file: File, parts: &Parts) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut file = tokio::fs::File::from_std(file);
    loop {
        let mut part = vec![0; PART_BYTES];
        let read = file.read(&mut part).await?;
        part.truncate(read);
        // Whoever has gone away wants nothing more.
        if read == 0 || parts.send(Ok(part.into())).await.is_err() {
            return Ok(());
        }
    }
}

/// Answers with a file to be kept. Its name is written without marks: every machine takes that.
pub(super) fn attachment(name: &str, format: Format, body: Body) -> Response {
    let plain = |sign: char| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '-' };
    let name: String = folded(name).chars().map(plain).take(80).collect();
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.ending());
    let mut response = body.into_response();
    let heads: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in heads {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
