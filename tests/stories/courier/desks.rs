//! Courier files in the office and on the command line.

use std::path::Path;
use std::process::{Command, Output};

use mobile_schema::frame::SyncRequest;
use tests::on_each_backend;
use tests::process::program;
use tests::town::Town;

use super::{PIECE, apart, bring, sums, worked};
use crate::ask::kept;
use crate::offices::Browser;
use crate::tables::{dechunked, fetch, send_file};

const PAGE: &str = "/office/courier";

/// Runs `rasoat courier` on the town's installation.
fn courier(town: &Town, more: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.arg("courier").args(more).arg("--data").arg(&town.config.data);
    command.args(town.config.database.iter().flat_map(|url| ["--database", url]));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

on_each_backend! {
    /// The officer chooses a file, reads what became of it, and takes the receipts back to the phone.
    async fn an_officer_takes_a_file_and_carries_the_receipts_back(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let count = hoa.outbox.len();
        let file = hoa.export(PIECE);
        let pieces = apart(&file);
        let mut officer = Browser::of(&town, "xa-19558").await;
        officer.open("/office").await.holds(&format!("href=\"{PAGE}\""));
        let page = officer.open(PAGE).await;
        let token = page.field("token");

        // Nothing, something else, and a form from elsewhere.
        let stored = kept(&town).await;
        for bytes in [&b""[..], b"%PDF-1.7"] {
            let refused = send_file(&officer, PAGE, &token, ("x.rasoat", bytes)).await;
            assert_eq!(refused.status, 422);
            refused.holds("role=\"alert\"").holds("không phải tệp chuyển tay");
        }
        let forged = send_file(&officer, PAGE, "0123", ("x.rasoat", &file)).await;
        assert_eq!(forged.status, 403);
        assert_eq!(kept(&town).await, stored);

        // The last piece is cut on the way.
        let cut = &file[..file.len() - 40];
        let sent = send_file(&officer, PAGE, &token, ("hoa.rasoat", cut)).await;
        assert_eq!(sent.status, 303, "{}", sent.html);
        let at = sent.to.unwrap();
        let shown = officer.open(&at).await;
        shown.holds("có phần chưa nhận được").holds("Phần này bị cắt ngắn").holds("máy của hoa");
        let last = format!("máy của hoa: phần {} / {}", pieces.len(), pieces.len());
        shown.holds("id=\"missing\"").holds(&last);
        let back = fetch(&officer, &format!("{at}/receipt")).await;
        let name = back.header("content-disposition").unwrap().to_owned();
        assert!(name.starts_with("attachment;") && name.contains(".rasoat-receipt"), "{name}");
        hoa.take_receipts(&dechunked(&back)).unwrap();
        assert!(!hoa.outbox.is_empty() && hoa.outbox.len() < count, "what was cut is still there");

        let sent = send_file(&officer, PAGE, &token, ("hoa.rasoat", &file)).await;
        let at = sent.to.unwrap();
        officer.open(&at).await.holds("Đã nhận toàn bộ tệp").lacks("id=\"missing\"");
        let back = fetch(&officer, &format!("{at}/receipt")).await;
        hoa.take_receipts(&dechunked(&back)).unwrap();
        assert!(hoa.outbox.is_empty());
        officer.open(PAGE).await.holds(&at);

        // What somebody brought is shown to them alone, and a neighbour learns no names.
        let mut neighbour = Browser::of(&town, "xa-19561").await;
        assert_eq!(neighbour.open(&at).await.status, 404);
        assert_eq!(fetch(&neighbour, &format!("{at}/receipt")).await.status, 404);
        assert_eq!(officer.open(&format!("{PAGE}/zz")).await.status, 404);
        let token = neighbour.open(PAGE).await.field("token");
        let sent = send_file(&neighbour, PAGE, &token, ("hoa.rasoat", &file)).await;
        let shown = neighbour.open(&sent.to.unwrap()).await;
        shown.holds("máy ngoài đơn vị").lacks("máy của hoa").lacks("19558");
    }

    /// Frames that a client has kept are sealed to the server without it, and come in like any file.
    async fn the_command_seals_frames_that_were_kept(town: Town) {
        let (hoa, _) = worked(&town).await;
        let key = crate::ask::get(&town, "", "/v1/courier/key").await.taken();
        let mut seal = Command::new(program());
        seal.args(["courier", "seal", "--key", key["public_key"].as_str().unwrap(), "--in"]);
        for (number, batches) in hoa.lots(PIECE).into_iter().enumerate() {
            let campaign = serde_bytes::ByteArray::new(town.campaign.0);
            let frame = SyncRequest { v: 1, campaign, batches, ..SyncRequest::default() };
            let mut bytes = Vec::new();
            ciborium::into_writer(&frame, &mut bytes).unwrap();
            let path = town.folder().join(format!("{number}.cbor"));
            std::fs::write(&path, bytes).unwrap();
            seal.arg(path);
        }
        let out = town.folder().join("hoa.rasoat");
        let done = seal.arg("--out").arg(&out).output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        let taken = bring(&town, town.officer.token(), &std::fs::read(&out).unwrap()).await;
        assert_eq!(sums(&taken), [u64::try_from(hoa.outbox.len()).unwrap(), 0, 0, 0, 0]);
        assert_eq!(taken["missing"], serde_json::json!([]));
    }

    /// The operator takes a folder of files: the good ones go in, each of the others is named.
    async fn the_command_takes_files_and_writes_receipts_beside_them(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let file = hoa.export(PIECE);
        let folder = town.folder().join("files");
        std::fs::create_dir(&folder).unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (bad, good) = (put("bad.rasoat", b"no pieces"), put("hoa.rasoat", &file));
        // Nothing can be written under the name that its receipts would have; and it is too long.
        let (kept, long) = (put("kept.rasoat", &file), put("long.rasoat", &vec![0; (8 << 20) + 1]));
        std::fs::create_dir(folder.join("kept.rasoat-receipt")).unwrap();
        let done = courier(&town, &["import", &kept, &long, "--by", "xa-19561"]);
        let complaint = text(&done.stderr);
        assert!(complaint.contains("receipts are not written"), "{complaint}");
        assert!(complaint.contains("long.rasoat: file too large"), "{complaint}");
        assert!(complaint.contains("2 of 2 files were not taken whole"), "{complaint}");
        assert!(text(&done.stdout).contains(&format!("kept.rasoat: new {}", hoa.outbox.len())));
        let done = courier(&town, &["import", &bad, &good, "--by", "xa-19561"]);
        assert!(!done.status.success());
        let complaint = text(&done.stderr);
        assert!(complaint.contains("bad.rasoat: courier-empty"), "{complaint}");
        assert!(complaint.contains("1 of 2 files were not taken whole"), "{complaint}");
        let said = text(&done.stdout);
        assert!(said.contains(&format!("hoa.rasoat: new 0, known {}", hoa.outbox.len())), "{said}");
        assert!(!Path::new(&folder.join("bad.rasoat-receipt")).exists());
        let back = std::fs::read(folder.join("hoa.rasoat-receipt")).unwrap();
        hoa.take_receipts(&back).unwrap();
        assert!(hoa.outbox.is_empty());

        let again = courier(&town, &["import", &good, "--by", "xa-19561", "--json"]);
        assert!(again.status.success(), "{}", text(&again.stderr));
        let said: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(sums(&said)[0], 0);
        let nobody = courier(&town, &["import", &good, "--by", "khong-co"]);
        assert!(text(&nobody.stderr).contains("no account named"));
        let key = courier(&town, &["key", "--json"]);
        let key: serde_json::Value = serde_json::from_slice(&key.stdout).unwrap();
        let published = crate::ask::get(&town, "", "/v1/courier/key").await.taken();
        assert_eq!(key["public_key"], published["public_key"]);
        let help = courier(&town, &["import", "--help"]);
        assert!(text(&help.stdout).contains("Example: rasoat courier import"), "{}", text(&help.stdout));
    }
}
