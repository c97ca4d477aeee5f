//! The example client in JavaScript and the simulated phones understand each other.
//!
//! `tests/run` installs what the example needs and sets `RASOAT_NODE_CLIENT`; without it the story
//! is skipped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value as Json, json};
use shared::id::DocumentId;
use shared::page::Page;
use tests::line::{Cuts, Line};
use tests::on_each_backend;

use crate::ask::post_raw;

/// A client in JavaScript in a process of its own.
pub(crate) struct Node {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// The example client; none where what it needs is not installed.
    fn start() -> Option<Self> {
        Self::run("RASOAT_NODE_CLIENT", "phone.mjs", &[])
    }

    /// Starts a script of `tests/node`, if `tests/run` has set a variable.
    pub(crate) fn run(needed: &str, script: &str, arguments: &[&str]) -> Option<Self> {
        if std::env::var_os(needed).is_none() {
            assert!(std::env::var_os("REQUIRE_NODE").is_none(), "{needed} is not set");
            eprintln!("skipped: {script} in JavaScript ({needed})");
            return None;
        }
        let mut process = Command::new("node")
            .arg(format!("{}/node/{script}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, commands, answers })
    }

    /// Gives a command, and fails the story where it failed.
    pub(crate) fn tell(&mut self, command: &Json) -> Json {
        writeln!(self.commands, "{command}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Json = serde_json::from_str(&line).unwrap();
        assert!(answer["failed"].is_null(), "{command}: {answer}");
        answer["done"].take()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It ends with its input; this one did not get that far.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Runs a conversation with the client off the threads that serve it.
pub(crate) async fn with<T: Send + 'static>(
    mut node: Node,
    talk: impl FnOnce(&mut Node) -> T + Send + 'static,
) -> (Node, T) {
    tokio::task::spawn_blocking(move || {
        let heard = talk(&mut node);
        (node, heard)
    })
    .await
    .unwrap()
}

fn fates(report: &Json) -> Vec<&str> {
    let verdicts = report["verdicts"].as_array().unwrap().iter();
    verdicts.map(|verdict| verdict["fate"].as_str().unwrap()).collect()
}

on_each_backend! {
    /// It enrols and uploads over lines that break in the middle, downloads, edits, and what it wrote
    /// is read by another phone; what that one writes, and its own work after a loss, comes back.
    async fn a_client_in_javascript_and_a_phone_share_their_work(town: Town) {
        let Some(node) = Node::start() else { return };
        let codes = town.province.codes(&["hoa".to_owned()]).await.unwrap();
        let base = format!("http://{}", town.running.address);
        // The answer that makes it a device is cut off at first.
        let shaky = Line { cuts: Cuts::At(vec![900]), ..Line::default() };
        let shaky = shaky.to(town.running.address);
        let enrol = json!({
            "do": "enrol", "base": shaky.base, "campaign": town.campaign.to_string(),
            "code": codes[0],
        });
        let sound = json!({ "do": "move", "base": base });
        // It downloads its work over a sound line, and hands in over one that breaks three times.
        let line = Line { cuts: Cuts::At(vec![2_000, 4_500, 9_000]), ..Line::default() };
        let line = line.to(town.running.address);
        let bad = json!({ "do": "move", "base": line.base });
        let (node, (listed, added)) = with(node, move |node| {
            node.tell(&enrol);
            node.tell(&sound);
            node.tell(&json!({ "do": "sync" }));
            let listed = node.tell(&json!({ "do": "find", "code": "19558-01-0001" }));
            for area in 0..40 {
                node.tell(&json!({
                    "do": "edit", "document": listed,
                    "answers": { "area_dm2": 4_000 + area, "roof": format!("leaf-{area}") },
                }));
            }
            let answers = json!({ "farm": "agriculture", "cause_other": "x".repeat(600) });
            let added = node
                .tell(&json!({ "do": "register", "hamlet": "19558-02", "answers": answers }));
            node.tell(&bad);
            let report = node.tell(&json!({ "do": "sync" }));
            assert_eq!(report["cuts"], 3, "{report}");
            assert_eq!(fates(&report).len(), 41);
            assert!(fates(&report).iter().all(|fate| ["accepted", "known"].contains(fate)));
            assert_eq!(node.tell(&json!({ "do": "state" }))["unsent"], 0);
            (listed, added)
        })
        .await;

        assert_eq!(shaky.cuts(), 1);
        let devices = town.officer.get("/v1/devices").await.unwrap();
        assert_eq!(devices.as_array().map(Vec::len), Some(1), "no ghost is left of it");
        let document = |text: &Json| -> DocumentId { text.as_str().unwrap().parse().unwrap() };
        let (listed, added) = (document(&listed), document(&added));
        let mut hoa = town.phone_with_work("hoa").await;
        let answers = hoa.household(listed).unwrap().answers;
        assert_eq!(answers["area_dm2"], 4_039.into());
        assert_eq!(answers["roof"], "leaf-39".into());
        assert_eq!(hoa.household(added).unwrap().answers["farm"], "agriculture".into());

        let mut page = Page::default();
        page.answers.insert("wall".to_owned(), "plank".into());
        hoa.save(added, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let (_node, ()) = with(node, move |node| {
            node.tell(&json!({ "do": "sync" }));
            let read = json!({ "do": "read", "document": added.to_string() });
            assert_eq!(node.tell(&read)["wall"], "plank");
            // A phone that lost its data gets everything again, its own work too.
            node.tell(&json!({ "do": "forget" }));
            node.tell(&json!({ "do": "sync" }));
            assert_eq!(node.tell(&read)["farm"], "agriculture");
            let read = json!({ "do": "read", "document": listed.to_string() });
            assert_eq!(node.tell(&read)["roof"], "leaf-39");
            assert_eq!(node.tell(&json!({ "do": "state" }))["documents"], 6);
        })
        .await;
        assert_eq!(line.cuts(), 3);
    }

    /// A household moves to another commune while a lot of it is unsent: it is told so once, hands all
    /// of it in, part by part, and then has it no more.
    async fn a_client_in_javascript_lets_go_of_what_has_moved(town: Town) {
        let Some(node) = Node::start() else { return };
        let hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let codes = town.province.codes(&["hoa".to_owned()]).await.unwrap();
        let enrol = json!({
            "do": "enrol", "base": format!("http://{}", town.running.address),
            "campaign": town.campaign.to_string(), "code": codes[0],
        });
        let (node, before) = with(node, move |node| {
            node.tell(&enrol);
            node.tell(&json!({ "do": "sync" }));
            for area in 0..200 {
                node.tell(&json!({
                    "do": "edit", "document": document.to_string(),
                    "answers": { "area_dm2": 4_000 + area, "cause_other": "x".repeat(600) },
                }));
            }
            node.tell(&json!({ "do": "state" }))
        })
        .await;
        let paper = json!({ "number": "9/XN", "date": "2022-10-02", "signer": "Chủ tịch (thử)" });
        let offer = json!({ "act": "offer", "to": "19561", "paper": paper, "on": "2022-10-01",
            "reason": "về quê" });
        let neighbour = town.sign_in("xa-19561").await;
        let accept = json!({ "act": "accept", "hamlet": "19561-01" });
        crate::handover::say(&town, &town.officer, document, &offer).await.taken();
        crate::handover::say(&town, &neighbour, document, &accept).await.taken();
        let (_node, (report, after)) = with(node, move |node| {
            let report = node.tell(&json!({ "do": "sync" }));
            (report, node.tell(&json!({ "do": "state" })))
        })
        .await;
        assert!(report["trips"].as_u64().unwrap() > 1, "in more parts than one: {report}");
        assert_eq!(fates(&report), ["accepted"; 200]);
        let held = |state: &Json| state["documents"].as_u64().unwrap();
        assert_eq!((held(&after) + 1, &after["unsent"]), (held(&before), &json!(0)));
    }

    /// It meets no line any more: its work is carried in a file, and the receipts come back in one.
    async fn a_client_in_javascript_hands_its_work_in_as_a_file(town: Town) {
        let Some(node) = Node::start() else { return };
        let codes = town.province.codes(&["hoa".to_owned()]).await.unwrap();
        let enrol = json!({
            "do": "enrol", "base": format!("http://{}", town.running.address),
            "campaign": town.campaign.to_string(), "code": codes[0],
        });
        let (node, (listed, file)) = with(node, move |node| {
            node.tell(&enrol);
            node.tell(&json!({ "do": "sync" }));
            let listed = node.tell(&json!({ "do": "find", "code": "19558-01-0001" }));
            for area in 0..200 {
                node.tell(&json!({
                    "do": "edit", "document": listed,
                    "answers": { "area_dm2": 4_000 + area, "roof": format!("leaf-{area}") },
                }));
            }
            let file = node.tell(&json!({ "do": "export" }));
            assert_eq!(node.tell(&json!({ "do": "state" }))["unsent"], 200);
            (listed, file)
        })
        .await;
        let file = base64(file.as_str().unwrap());
        let imported = post_raw(&town, town.officer.token(), "/v1/courier", &file).await.taken();
        let pieces = imported["pieces"].as_array().unwrap();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece["problem"].is_null()));
        let receipts = imported["receipts"].to_string();
        let (_node, ()) = with(node, move |node| {
            let report = node.tell(&json!({ "do": "receipts", "file": receipts }));
            assert_eq!(fates(&json!({ "verdicts": report })), ["accepted"; 200]);
            assert_eq!(node.tell(&json!({ "do": "state" }))["unsent"], 0);
        })
        .await;
        let hoa = town.phone_with_work("hoa").await;
        let document: DocumentId = listed.as_str().unwrap().parse().unwrap();
        assert_eq!(hoa.household(document).unwrap().answers["roof"], "leaf-199".into());
    }
}

/// Reads base64 without line ends.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |digit: u8| DIGITS.iter().position(|of| *of == digit);
    let digits: Vec<usize> = text.bytes().map_while(value).collect();
    let bits = |part: &[usize]| {
        part.iter().fold(0, |sum, digit| sum << 6 | digit) << (6 * (4 - part.len()))
    };
    let bytes = digits.chunks(4).flat_map(|part| {
        let whole = bits(part);
        [16, 8, 0].map(|shift| u8::try_from(whole >> shift & 0xff).unwrap())[..part.len() - 1]
            .to_vec()
    });
    bytes.collect()
}
