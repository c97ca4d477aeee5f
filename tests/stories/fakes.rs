//! The figures are found, not known: other targets give other results, and a client that knows
//! nothing of our rules for lists counts the same classes from the documents alone.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use automerge::{Automerge, ReadDoc, ScalarValue, Value as CrdtValue};
use mobile_schema::frame::{FRAME_VERSION, SyncRequest};
use mobile_schema::genesis::GENESIS_V1;
use mobile_schema::household::{Answers, Household, Value};
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::Value as Json;
use server::cli::serve::{FIRST_ACCOUNT, Running, first_account};
use server::config::Config;
use server::demo::client::Client;
use server::demo::fleet::{Done, FleetError, Options, run};
use server::demo::office::Office;
use server::demo::population::Targets;
use shared::classify::{Basis, Class, classify};
use shared::date::Date;
use shared::id::DocumentId;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::{Area, Units};
use tempfile::TempDir;
use tests::process::program;

/// Share of the province that these stories play with: every commune has a household or two.
pub(crate) const SCALE_PPM: u64 = 20_000;

pub(crate) struct Played {
    pub(crate) running: Running,
    pub(crate) password: String,
    pub(crate) done: Result<Done, FleetError>,
    _folder: TempDir,
}

pub(crate) async fn play(targets: Targets, drop_upload_of: Option<&str>) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let config = Config { listen, data: folder.path().join("data"), database: None };
    let running = Running::start(&config).await.unwrap();
    let password = first_account(&running.app).await.unwrap().unwrap();
    let tree = Units::quang_tri_2022().at(targets.review_date);
    let options = Options {
        scale_ppm: SCALE_PPM,
        seed: 7,
        targets,
        bars: false,
        drop_upload_of: drop_upload_of.map(ToOwned::to_owned),
    };
    let base = format!("http://{}", running.address);
    let done = run(&base, (FIRST_ACCOUNT, &password), tree, &options).await;
    Played { running, password, done, _folder: folder }
}

fn province(done: &Done) -> &Json {
    &done.rates["rows"][0]["counts"]
}

fn other_targets() -> Targets {
    let text = include_str!("../../server/src/demo/targets/quang-tri-2022.json");
    let mut json: Json = serde_json::from_str(text).unwrap();
    // A made-up year: 1.000 poor households fewer, 500 near-poor more, among the others.
    let all = &mut json["all"]["closing"];
    all["poor"] = (all["poor"].as_u64().unwrap() - 1_000).into();
    all["near_poor"] = (all["near_poor"].as_u64().unwrap() + 500).into();
    Targets::parse(&json.to_string()).unwrap()
}

/// The demonstration of a small share finds what the population was made to hold, no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_targets_give_other_results() {
    for targets in [Targets::quang_tri_2022(), other_targets()] {
        let made = targets.scaled(SCALE_PPM).unwrap();
        let played = play(targets, None).await;
        let done = played.done.unwrap();
        let found = province(&done);
        assert_eq!(found["closing"]["households"], made.all().closing.households);
        assert_eq!(found["poor"]["households"], made.all().closing.poor);
        assert_eq!(found["near_poor"]["households"], made.all().closing.near_poor);
        assert_eq!(found["opening_poor"]["households"], made.all().opening.poor);
        assert_eq!(found["poor"]["dtts_households"], made.dtts.closing.poor);
        let tally = &done.tally;
        assert!(tally.two_devices * 5 >= tally.documents, "{tally:?}");
        assert!(tally.same_field * 20 >= tally.documents, "{tally:?}");
        assert_eq!(tally.disputes, tally.same_field);
        assert_eq!(tally.disputes_settled + tally.disputes_by_rule, tally.disputes);
        assert!(tally.disputes_by_rule > 0 && tally.disputes_settled > 0, "{tally:?}");
        assert!(tally.lost_responses > 0 && tally.synced_twice > 0, "{tally:?}");
        assert!(tally.known > 0, "what a lost response told of was sent again: {tally:?}");
        assert_eq!((tally.clocks_off, tally.lists_returned, tally.late_changes), (1, 1, 1));
        assert_eq!(tally.merged, tally.planted_twice);
        assert!(
            tally.planted_twice > 0 && tally.twice_found * 2 >= tally.planted_twice,
            "{tally:?}"
        );
        played.running.stop().await.unwrap();
    }
}

/// Whoever runs the demonstration reads its table, not a line for each of its requests.
#[test]
fn the_demonstration_logs_requests_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    for level in [None, Some("info")] {
        let mut command = Command::new(program());
        command.args(["demo", "--once", "--scale", "0.001", "--data"]);
        command.arg(folder.path().join(level.unwrap_or("quiet"))).env_remove("RUST_LOG");
        command.envs(level.map(|level| ("RUST_LOG", level)));
        // So small a province is not played to its end: enough of its requests were made by then.
        let done = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(said.contains("/v1/sync"), level.is_some(), "{said}");
    }
}

/// A phone whose upload never arrives keeps its commune from submitting, and is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_upload_fails_the_communes_submission() {
    let played = play(Targets::quang_tri_2022(), Some("rsv-19558-01")).await;
    let refused = played.done.unwrap_err().to_string();
    assert!(refused.contains("list-devices-silent"), "{refused}");
    assert!(refused.contains("rsv-19558-01"), "{refused}");
    played.running.stop().await.unwrap();
}

/// A client of the province downloads every document and counts classes with plain Automerge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_plain_automerge_counts_the_same() {
    let played = play(Targets::quang_tri_2022(), None).await;
    let done = played.done.unwrap();
    let client = Client::new(&format!("http://{}", played.running.address));
    let office = Office::sign_in(&client, FIRST_ACCOUNT, &played.password).await.unwrap();
    let documents = download(&client, &office, &done).await;
    let (areas, listed) = lists(&office, &done).await;

    let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
    let basis = Basis {
        standard: &standard,
        table: Some(&table),
        review_date: Date::parse("2022-12-14").unwrap(),
        region: "rural_north_central_coast",
    };
    let mut counted: BTreeMap<Class, u64> = BTreeMap::new();
    let merged = documents.len() - listed.len();
    assert_eq!(merged, done.tally.merged, "what was registered twice has one row");
    for (hamlet, doc) in listed.iter().map(|document| &documents[document]) {
        let household = plain(doc);
        if household.answers.get("outcome") == Some(&"surveyed".into()) {
            let class = classify(&household, areas[hamlet], &basis).class;
            *counted.entry(class).or_default() += 1;
        }
    }
    let found = province(&done);
    assert_eq!(documents.len(), done.tally.documents);
    assert_eq!(found["poor"]["households"], counted[&Class::Poor]);
    assert_eq!(found["near_poor"]["households"], counted[&Class::NearPoor]);
    assert!(!counted.contains_key(&Class::Insufficient));
    played.running.stop().await.unwrap();
}

async fn download(
    client: &Client,
    office: &Office,
    done: &Done,
) -> BTreeMap<[u8; 16], (String, Automerge)> {
    let mut documents = BTreeMap::new();
    let mut hamlets = BTreeMap::new();
    let mut cursor = ByteBuf::new();
    loop {
        let campaign = ByteArray::new(done.campaign.0);
        let request = SyncRequest {
            v: FRAME_VERSION,
            campaign,
            cursor,
            batches: vec![],
            all_in: false,
            ..SyncRequest::default()
        };
        let (answer, _, _) = client.sync(office.token(), &request).await.unwrap();
        for row in answer.households {
            hamlets.insert(*row.document, row.hamlet);
        }
        for (document, chunk) in answer.changes {
            let (_, doc) = documents.entry(*document).or_insert_with(|| {
                (hamlets[&*document].clone(), Automerge::load(GENESIS_V1).unwrap())
            });
            doc.load_incremental(&chunk).unwrap();
        }
        cursor = answer.cursor;
        if !answer.more {
            return documents;
        }
    }
}

/// Reads areas of hamlets, and the documents that have a row of their own.
async fn lists(office: &Office, done: &Done) -> (BTreeMap<String, Area>, BTreeSet<[u8; 16]>) {
    let (mut areas, mut listed) = (BTreeMap::new(), BTreeSet::new());
    let path = format!("/v1/campaigns/{}/units", done.campaign);
    for unit in office.get(&path).await.unwrap().as_array().unwrap() {
        let list = office.list(done.campaign, unit["unit"].as_str().unwrap()).await.unwrap();
        for hamlet in list["list"]["hamlets"].as_array().unwrap() {
            let area = if hamlet["area"] == "urban" { Area::Urban } else { Area::Rural };
            areas.insert(hamlet["code"].as_str().unwrap().to_owned(), area);
        }
        for row in list["list"]["rows"].as_array().unwrap() {
            listed.insert(row["document"].as_str().unwrap().parse::<DocumentId>().unwrap().0);
        }
    }
    (areas, listed)
}

/// Reads a document the way any Automerge client would: by the library's own picks.
fn plain(doc: &Automerge) -> Household {
    let root = |key: &str| doc.get(automerge::ROOT, key).unwrap().unwrap().1;
    let scalars = |map: &automerge::ObjId| -> Answers {
        doc.keys(map)
            .filter_map(|key| match doc.get(map, key.as_str()).unwrap()? {
                (CrdtValue::Scalar(scalar), _) => Some((key, value(&scalar))),
                _ => None,
            })
            .collect()
    };
    let members = root("members");
    let items = scalars(&root("b1_items"));
    Household {
        answers: scalars(&root("answers")),
        b1_items: items.into_iter().filter_map(|(k, v)| v.as_int().map(|v| (k, v))).collect(),
        members: doc
            .keys(&members)
            .map(|id| {
                let member = doc.get(&members, id.as_str()).unwrap().unwrap().1;
                (id, scalars(&member))
            })
            .collect(),
        asked: BTreeMap::new(),
    }
}

fn value(scalar: &ScalarValue) -> Value {
    match scalar {
        ScalarValue::Str(text) => Value::Text(text.to_string()),
        ScalarValue::Int(number) => Value::Int(*number),
        ScalarValue::Boolean(flag) => Value::Bool(*flag),
        other => panic!("no client of ours writes {other:?}"),
    }
}
