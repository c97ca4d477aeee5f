//! Compressed bodies: read where they are what they say, refused early where they are bombs.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use mobile_schema::frame::{SyncRequest, SyncResponse};
use shared::limits;
use tests::on_each_backend;
use tests::town::Town;

use crate::ask::{Heard, ask, cbor, kept, verdicts};

/// Asks with a header more; `ask` writes the rest of the head behind the path.
async fn ask_with(town: &Town, token: &str, path: &str, header: &str, body: &[u8]) -> Heard {
    let path = format!("{path} HTTP/1.1\r\n{header}\r\nx-rest: ");
    ask(town.running.address, "POST", &path, Some(token), body.to_vec()).await
}

/// Presses bytes together as each of the encodings does.
fn pressed(bytes: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(bytes).unwrap();
    let zstd = zstd::bulk::compress(bytes, 19).unwrap();
    [("gzip", gzip.finish().unwrap()), ("deflate", deflate.finish().unwrap()), ("zstd", zstd)]
}

fn unpressed(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    match encoding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).map(drop),
        "deflate" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).map(drop),
        _ => zstd::stream::copy_decode(bytes, &mut out),
    }
    .unwrap();
    out
}

on_each_backend! {
    /// The same request in every encoding: the same receipt, each change once.
    async fn a_compressed_request_is_taken_as_a_plain_one_is(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0001");
        let frame = cbor(&hoa.request());
        for (encoding, body) in pressed(&frame) {
            assert!(body.len() < frame.len());
            let header = format!("content-encoding: {encoding}");
            let heard = ask_with(&town, hoa.access(), "/v1/sync", &header, &body).await;
            assert_eq!(heard.status, 200);
            let answer: SyncResponse = ciborium::from_reader(heard.body()).unwrap();
            assert_eq!(verdicts(&answer.results[0]).unwrap().len(), hoa.outbox.len());
        }
        // An import may come compressed too.
        let file = "hamlet,account\n19558-02,minh\n";
        let (_, body) = pressed(file.as_bytes())[0].clone();
        let (token, path) = (town.province.token(), town.path("/assignments"));
        ask_with(&town, token, &path, "content-encoding: gzip", &body).await.taken();
    }

    /// The answer comes in the best encoding that the caller reads, and small ones as they are.
    async fn an_answer_is_compressed_for_who_reads_that(town: Town) {
        let hoa = town.review_mo_o().await;
        let request = SyncRequest { cursor: Default::default(), ..hoa.request() };
        let frame = cbor(&request);
        let plain = ask_with(&town, hoa.access(), "/v1/sync", "x-nothing: 1", &frame).await;
        let offers = [
            ("gzip, deflate, br, zstd", "zstd"),
            ("deflate;q=0.5, gzip", "gzip"),
            ("deflate", "deflate"),
        ];
        for (offer, encoding) in offers {
            let header = format!("accept-encoding: {offer}");
            let heard = ask_with(&town, hoa.access(), "/v1/sync", &header, &frame).await;
            assert_eq!(heard.header("content-encoding"), Some(encoding));
            assert!(heard.body().len() * 2 < plain.body().len());
            let read = |bytes: &[u8]| ciborium::from_reader::<SyncResponse, _>(bytes).unwrap();
            let answer = read(&unpressed(encoding, heard.body()));
            assert_eq!(answer.pages.len(), read(plain.body()).pages.len());
        }
        let small = cbor(&hoa.request());
        let heard = ask_with(&town, hoa.access(), "/v1/sync", "accept-encoding: gzip", &small).await;
        assert_eq!(heard.header("content-encoding"), None);
    }

    /// A bomb, a body that is not what it says, and encodings nobody reads.
    async fn what_cannot_be_unpacked_is_refused(town: Town) {
        let hoa = town.phone_with_work("hoa").await;
        let before = kept(&town).await;
        let send = async |encoding: &str, body: &[u8]| {
            let header = format!("content-encoding: {encoding}");
            ask_with(&town, hoa.access(), "/v1/sync", &header, body).await
        };
        for (encoding, body) in pressed(&vec![0; limits::REQUEST_INFLATED_BYTES_MAX + 1]) {
            assert!(body.len() < 64 * 1024);
            send(encoding, &body).await.refused(413, "body-too-large");
            send(encoding, b"no such thing as a compressed body").await.refused(400, "body-malformed");
        }
        let plain = vec![b'x'; limits::REQUEST_BYTES_MAX + 1];
        for encoding in ["identity", "gzip", "zstd"] {
            // What is no gzip at all may be told before what is too large.
            let heard = send(encoding, &plain).await;
            assert!([400, 413].contains(&heard.status), "{}", heard.status);
        }
        for encoding in ["br", "compress", "gzip, gzip", "identity, gzip", ""] {
            let heard = send(encoding, b"x").await;
            assert_eq!(heard.header("accept-encoding"), Some("zstd, gzip, deflate"));
            heard.refused(415, "encoding-unsupported");
        }
        assert_eq!(kept(&town).await, before);
    }
}
