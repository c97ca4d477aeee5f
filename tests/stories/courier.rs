//! Courier files: work of phones without a line, brought by whoever goes to town.

use mobile_schema::frame::Fate;
use mobile_schema::problem;
use serde_json::{Value, json};
use server::demo::phone::Phone;
use shared::courier::pieces;
use shared::id::{DocumentId, to_hex};
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use crate::ask::{Heard, counted, get, kept, post_raw};

mod bad;
mod desks;

/// Bytes of a piece before compression: so few that a phone's day is several.
const PIECE: usize = 2_048;

/// Brings a file and returns what became of it.
async fn bring(town: &Town, token: &str, file: &[u8]) -> Value {
    post_raw(town, token, "/v1/courier", file).await.taken()
}

/// Adds up what became of the changes of a file, by fate.
fn sums(imported: &Value) -> [u64; 5] {
    let mut sums = [0; 5];
    for piece in imported["pieces"].as_array().unwrap() {
        for batch in piece["batches"].as_array().into_iter().flatten() {
            let fates = ["accepted", "known", "waiting", "held", "quarantined"];
            for (sum, fate) in sums.iter_mut().zip(fates) {
                *sum += batch[fate].as_u64().unwrap();
            }
        }
    }
    sums
}

/// Lists the problems of a file's pieces; empty for those that were opened.
fn problems(imported: &Value) -> Vec<&str> {
    let pieces = imported["pieces"].as_array().unwrap().iter();
    pieces.map(|piece| piece["problem"].as_str().unwrap_or("")).collect()
}

fn receipts(imported: &Value) -> Vec<u8> {
    imported["receipts"].to_string().into_bytes()
}

/// Takes a file apart into its pieces.
fn apart(file: &[u8]) -> Vec<Vec<u8>> {
    pieces(file).unwrap().iter().map(|found| found.piece.unwrap().to_vec()).collect()
}

/// Reads the outcome of a household as the office sees it.
async fn outcome(town: &Town, document: DocumentId) -> Value {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["household"]["answers"]["outcome"].clone()
}

/// A phone whose work is more than one piece.
async fn worked(town: &Town) -> (Phone, Vec<DocumentId>) {
    let mut hoa = town.phone_with_work("hoa").await;
    town.review_all(&mut hoa, &["19558-01", "19558-02"]);
    let documents = hoa.outbox.iter().map(|unsent| unsent.document).collect();
    (hoa, documents)
}

on_each_backend! {
    /// An officer of another commune brings the file; the office has the work, the phone its receipts.
    async fn somebody_else_brings_the_work_of_a_phone_without_a_line(town: Town) {
        let (mut hoa, documents) = worked(&town).await;
        let unsent = hoa.outbox.len();
        let file = hoa.export(PIECE);
        assert_eq!(hoa.outbox.len(), unsent, "nothing is taken to have arrived");
        let neighbour = town.sign_in("xa-19561").await;
        let imported = bring(&town, neighbour.token(), &file).await;

        assert!(problems(&imported).len() > 1, "the story is of several pieces");
        assert!(problems(&imported).iter().all(|problem| problem.is_empty()), "{imported}");
        assert_eq!(sums(&imported), [u64::try_from(unsent).unwrap(), 0, 0, 0, 0]);
        assert_eq!(imported["missing"], json!([]));
        for document in documents {
            assert_ne!(outcome(&town, document).await, Value::Null);
        }
        let report = hoa.take_receipts(&receipts(&imported)).unwrap();
        assert_eq!(Phone::count(&report, Fate::Accepted), unsent);
        assert!(hoa.outbox.is_empty());
        // The log says who brought it; of a person in an office there is no device.
        let brought = [
            ("files", "select count(*) from courier where device is null"),
            ("carriers", "select count(*) from courier join account on account.id = \
              courier.account where account.name = 'xa-19561'"),
            ("manifests", "select count(*) from courier_manifest join manifest on \
              manifest.digest = courier_manifest.manifest"),
            ("changes", "select count(*) from change where provenance = 'device'"),
        ];
        let count = i64::try_from(unsent).unwrap();
        let brought: Vec<i64> = counted(&town, &brought).await.into_values().collect();
        let manifests = i64::try_from(problems(&imported).len()).unwrap();
        assert_eq!(brought, [1, count, 1, manifests], "carriers, changes, files, manifests");
    }

    /// Twice, in another order, one piece at a time, after a sync and by several people.
    async fn brought_again_late_or_in_pieces_it_does_no_harm(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let count = u64::try_from(hoa.outbox.len()).unwrap();
        let file = hoa.export(PIECE);
        let mut parts = apart(&file);
        assert!(parts.len() > 2, "{} pieces", parts.len());
        let minh = town.phone("minh").await;
        let before_any = kept(&town).await["accepted"];

        // The last piece first, alone: what builds on the others may have to wait.
        let last = parts.pop().unwrap();
        let first = bring(&town, minh.access(), &last).await;
        let of = u64::try_from(parts.len() + 1).unwrap();
        assert_eq!(first["missing"][0]["of"], of);
        assert_eq!(first["missing"][0]["numbers"], json!([[1, of - 1]]));
        assert_eq!(first["missing"][0]["device"], hoa.device.to_string());
        parts.reverse();
        let rest = bring(&town, minh.access(), &parts.concat()).await;
        let (now, before) = (sums(&rest), sums(&first));
        assert_eq!(now.iter().sum::<u64>() + before.iter().sum::<u64>(), count);
        assert_eq!(now[3..], [0, 0]);
        let came = kept(&town).await["accepted"] - before_any;
        assert_eq!(came, i64::try_from(count).unwrap(), "all of it is in");

        let again = bring(&town, town.officer.token(), &[&file[..], &file].concat()).await;
        assert_eq!(sums(&again), [0, 2 * count, 0, 0, 0]);
        let mut copy = hoa.copied();
        hoa.take_receipts(&receipts(&again)).unwrap();
        assert!(hoa.outbox.is_empty());
        // The phone meets a line before its receipts arrive.
        let report = copy.sync().await.unwrap();
        assert_eq!(Phone::count(&report, Fate::Known), usize::try_from(count).unwrap());
        let stored = kept(&town).await;
        bring(&town, town.officer.token(), &file).await;
        assert_eq!(kept(&town).await, stored, "nothing was stored twice");
        assert_eq!(stored["accepted"] - before_any, came);
    }

    /// Receipts of several phones come back in one file: each takes its own, and checks whose they are.
    async fn each_phone_takes_its_own_receipts(town: Town) {
        let (mut hoa, _) = worked(&town).await;
        let mut lan = town.phone_with_work("lan").await;
        town.review_all(&mut lan, &["19561-01"]);
        let both = [hoa.export(PIECE), lan.export(PIECE)].concat();
        let imported = bring(&town, town.officer.token(), &both).await;
        let back = receipts(&imported);
        let mut other = lan.copied();
        let forged = String::from_utf8(back.clone()).unwrap().replace("\"receipt\":\"a", "\"receipt\":\"b");
        assert!(hoa.take_receipts(forged.as_bytes()).is_err(), "a receipt that does not hold");
        let taken = |report: &server::demo::phone::SyncReport| report.verdicts.len();
        assert!(taken(&hoa.take_receipts(&back).unwrap()) > 0);
        assert!(taken(&lan.take_receipts(&back).unwrap()) > 0);
        assert!(hoa.outbox.is_empty() && lan.outbox.is_empty());
        assert_eq!(taken(&lan.take_receipts(&back).unwrap()), 0, "once is enough");
        // A phone that took no receipt counts on nothing.
        assert!(!other.outbox.is_empty());
        other.sync().await.unwrap();
        assert!(other.outbox.is_empty());
        // A file of both leaves nothing of one with the other.
        assert!(!String::from_utf8_lossy(&back).contains("19558"));
    }

    /// Whoever is not signed in brings nothing; the key is anybody's to know, signed by the server.
    async fn the_key_is_published_and_the_carrier_is_known(town: Town) {
        let key = get(&town, "", "/v1/courier/key").await.taken();
        let mut hoa = town.phone("hoa").await;
        let file = {
            let (mut worked, _) = worked(&town).await;
            worked.export(PIECE)
        };
        assert_eq!(key["id"], to_hex(&pieces(&file).unwrap()[0].head.clone().unwrap().key));
        post_raw(&town, "nobody", "/v1/courier", &file).await.refused(401, "unauthenticated");
        let devices = town.officer.get("/v1/devices").await.unwrap();
        assert!(devices.as_array().unwrap().iter().any(|one| one["device"] == hoa.device.to_string()));
        town.officer
            .post(&format!("/v1/devices/{}/revoke", hoa.device), &json!({}))
            .await
            .unwrap();
        post_raw(&town, hoa.access(), "/v1/courier", &file).await.refused(403, "device-revoked");
        assert!(hoa.export(PIECE).is_empty(), "without work there is no file");
        let heard: Heard = post_raw(&town, town.officer.token(), "/v1/courier", b"").await;
        heard.refused(422, problem::COURIER_EMPTY.name);
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert!(list["root"].is_string());
    }
}
