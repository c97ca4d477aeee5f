//! P1 on the disk: what a receipt names survives a power cut.
//!
//! A kill alone proves nothing about the disk: what the system's cache holds outlives it. So the
//! server runs with `synced.c` in front of its calls to the disk, which keeps a copy of each file as
//! it was at its last fsync. After every kill the database is replaced by these copies: everything
//! after the last fsync is gone, as after a power cut at the worst moment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use shared::page::Page;
use tests::auditor::Auditor;
use tests::process::{Home, free_address};
use tests::town::Cast;

use super::acknowledged::nothing_acknowledged_is_lost;
use super::kills;

/// Builds the library that is put in front of the server's calls, once.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/synced.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("synced-{}.so", std::process::id()));
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).arg("-ldl");
        let built = command.output().expect("a C compiler is there: Rust links with it");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        library
    })
}

fn kept(home: &Home) -> PathBuf {
    home.folder().join("synced")
}

/// An installation of which it is known what is durable.
fn watched() -> Home {
    let mut home = Home::new(None);
    std::fs::create_dir(kept(&home)).expect("a folder");
    home.set("LD_PRELOAD", library());
    home.set("SYNCED_FROM", home.data());
    home.set("SYNCED_TO", kept(&home));
    home
}

/// Cuts the power: of the database only what was synced is left, and what was removed is gone.
fn cut(home: &Home) {
    for file in std::fs::read_dir(home.data()).expect("the data folder") {
        let path = file.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("rasoat.sqlite") {
            std::fs::remove_file(&path).expect("it can be removed");
            let copy = kept(home).join(name);
            if copy.exists() {
                std::fs::copy(copy, path).expect("it is put back");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_with_the_power() {
    nothing_acknowledged_is_lost(watched(), kills(), cut).await;
}

/// The cutter can tell: on a disk that says it has written and has not, a receipt is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_is_found_out() {
    let address = free_address();
    let mut home = watched();
    let (server, password) = home.start_first(address);
    let cast = Cast::gather(server.base(), &password).await;
    let phone = cast.phone_with_work("hoa").await;
    server.kill();
    cut(&home);

    home.set("SYNCED_LIE", "1");
    let server = home.start(address);
    let mut phone: Phone = phone.on(&Client::new(server.base()));
    let (document, opening) = phone.register("19558-01");
    let answers = [("area_dm2".to_owned(), 1.into())];
    let page = Page { opening: opening.opening, answers: answers.into(), ..Page::default() };
    phone.save(document, &[page]).expect("it saves");
    let hash = phone.outbox[0].hash;
    phone.sync().await.expect("it hands in");
    assert!(phone.outbox.is_empty(), "a receipt names it");
    server.kill();
    cut(&home);

    let server = home.start(address);
    let client = Client::new(server.base());
    let office = Office::sign_in(&client, "tinh", &password).await.expect("it signs in");
    let mut auditor = Auditor::new(cast.campaign);
    auditor.read(&client, office.token()).await;
    assert!(!auditor.seen.contains(&(document, hash)), "the cutter does not cut");
}
