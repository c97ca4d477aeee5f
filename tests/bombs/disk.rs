//! A disk that fills: nothing acknowledged is lost, people are told by name, and once there is room
//! again work goes on without a restart.
//!
//! The room ends by the system's limit on the size of a file, which needs no rights and no disk:
//! the real server is started under it, and `prlimit` lifts it again.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use mobile_schema::frame::Fate;
use server::cli::serve::FIRST_ACCOUNT;
use server::demo::client::ClientError;
use server::demo::phone::{Phone, PhoneError};
use shared::id::DocumentId;
use shared::page::Page;
use tests::process::{free_address, program};
use tests::town::{Cast, HUONG_HIEP, MO_O};

/// Largest file, in blocks of 512 bytes: a few hundred KB above what an empty store has.
const BLOCKS: usize = 5_000;

/// The server under a limit. Dropped, it is killed.
struct Cramped {
    child: Child,
    base: String,
    password: String,
}

impl Cramped {
    fn start(data: &std::path::Path) -> Self {
        let listen = free_address();
        // With the signal ignored a write that does not fit is an error like that of a full disk.
        let script = format!("trap '' XFSZ; ulimit -S -f {BLOCKS}; exec \"$0\" \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .arg(program())
            .args(["serve", "--data"])
            .arg(data)
            .arg("--listen")
            .arg(listen.to_string())
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let base = format!("http://{listen}");
        let (mut password, mut listens) = (None, false);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mark = format!("{FIRST_ACCOUNT} / ");
            password = password.or(line.trim().strip_prefix(&mark).map(ToOwned::to_owned));
            listens |= line.contains(&base);
            if listens && password.is_some() {
                break;
            }
        }
        Self { child, base, password: password.expect("it shows its first password") }
    }

    /// Makes room.
    fn lift(&self) {
        let id = self.child.id().to_string();
        let lifted = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status();
        assert!(lifted.unwrap().success(), "prlimit lifts the limit");
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Writes a page of some size; what is not acknowledged stays in the outbox.
fn write(phone: &mut Phone, document: DocumentId, number: i64) {
    // Not compressible, so that the room ends soon.
    let noise: String = (0..400_u32)
        .map(|n| format!("{:08x}", (n + 1).wrapping_mul(2_654_435_761).rotate_left(7)))
        .collect();
    let answers =
        [("area_dm2".to_owned(), number.into()), ("cause_other".to_owned(), noise.into())];
    phone.save(document, &[Page { answers: answers.into(), ..Page::default() }]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_says_so() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "prlimit is missing (util-linux)");
        eprintln!("skipped: no prlimit to make room again");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Cramped::start(&folder.path().join("data"));
    let cast = Cast::gather(&server.base, &server.password).await;
    let mut hoa = cast.phone_with_work("hoa").await;
    let (mut document, opening) = hoa.register("19558-01");
    hoa.save(document, &[opening]).unwrap();
    let (mut acknowledged, mut number) = (0, 0);
    // Until the room ends: every answer is a receipt or a named refusal, never silence.
    let why = loop {
        number += 1;
        if number % 100 == 0 {
            let opening;
            (document, opening) = hoa.register("19558-01");
            hoa.save(document, &[opening]).unwrap();
        }
        write(&mut hoa, document, number);
        match hoa.sync().await {
            Ok(report) => acknowledged += Phone::count(&report, Fate::Accepted),
            Err(PhoneError::Client(ClientError::Refused { status, name, .. })) => {
                break (status, name);
            }
            Err(error) => panic!("{error}"),
        }
        assert!(number < 3_000, "the room never ends");
    };
    assert_eq!(why, (503, "store-busy".to_owned()));
    assert!(acknowledged > 10, "{acknowledged}");
    let unsent = hoa.outbox.len();
    assert!(unsent > 0, "what was not taken is still on the phone");
    // It goes on answering what needs no room, and the same is refused again. What a list comes to
    // is kept where there is room; where there is none it is read all the same.
    let read = async || {
        let rows = cast.officer.get("/v1/campaigns").await.expect("reading needs no room");
        rows.as_array().unwrap().len()
    };
    let before = read().await;
    assert!(hoa.sync().await.is_err(), "there is still no room");
    assert_eq!(read().await, before);
    for unit in [MO_O, HUONG_HIEP] {
        let path = cast.path(&format!("/units/{unit}/households"));
        let listed = cast.province.get(&path).await.expect("nor does a list");
        let families = cast.families.values().filter(|spec| spec.hamlet.starts_with(unit));
        let listed_before = families.filter(|spec| spec.opening.is_some()).count();
        assert!(listed.as_array().is_some_and(|rows| rows.len() >= listed_before));
    }

    server.lift();
    let report = hoa.sync().await.expect("there is room again, without a restart");
    assert_eq!(report.refused, Vec::<String>::new());
    let known = Phone::count(&report, Fate::Known);
    let taken = Phone::count(&report, Fate::Accepted) + known;
    assert_eq!((taken, known), (unsent, 0), "nothing that was refused had been kept in secret");
    // A fresh phone gets every change that was ever acknowledged, and no other.
    let other = cast.phone_with_work("minh").await;
    for (id, kept) in &hoa.households {
        let mine: BTreeSet<&Vec<u8>> = kept.chunks.iter().collect();
        let theirs: BTreeSet<&Vec<u8>> =
            other.households.get(id).into_iter().flat_map(|kept| &kept.chunks).collect();
        // A phone gets what is new in its own hamlets.
        assert!(kept.hamlet != "19558-01" || mine == theirs, "{id}");
    }
}
