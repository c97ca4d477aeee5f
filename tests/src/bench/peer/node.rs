//! The sync servers that others use, from npm: the published one, and one of the current line.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Run;
use super::play::{Doc, Settles, What, play};
use crate::bench::machine::used;
use crate::process::{PATIENCE, free_address};

/// A server of others, installed.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    name: String,
    script: PathBuf,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node/peer")
}

/// Reads what version of a package is installed.
fn version(package: &str) -> Result<String, String> {
    let file = folder().join("node_modules").join(package).join("package.json");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{package}: {error}"))?;
    let about: serde_json::Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    Ok(about["version"].as_str().unwrap_or("?").to_owned())
}

/// Installs the servers; says why not where that does not work.
pub(super) fn install() -> Result<Vec<Kind>, String> {
    // Not "npm ci": it insists on packages for other machines, which the lock file may lack.
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
    let done = npm.current_dir(folder()).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("npm does not run: {error}"))?;
    if !done.status.success() {
        return Err(format!("npm fetches nothing: {}", String::from_utf8_lossy(&done.stderr)));
    }
    let published = "@automerge/automerge-repo-sync-server";
    let of = version(&format!("{published}/node_modules/@automerge/automerge-repo"))?;
    let name = format!("automerge-repo-sync-server {} ({of})", version(published)?);
    let script = folder().join("node_modules").join(published).join("src/index.js");
    let current = format!("automerge-repo {}", version("@automerge/automerge-repo")?);
    Ok(vec![Kind { name, script }, Kind { name: current, script: folder().join("current.mjs") }])
}

/// One that runs. Dropped, it is killed.
struct Node {
    child: Child,
    url: String,
    _data: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Settles for Node {
    /// Nothing of it can be asked; that it rests has to do.
    async fn settled(&mut self) {}
}

impl Node {
    fn start(kind: &Kind, inside: &Path) -> Self {
        let data = tempfile::tempdir_in(inside).expect("a temporary folder");
        let address = free_address();
        let mut command = Command::new("node");
        command.arg(&kind.script).current_dir(folder());
        command.env("PORT", address.port().to_string()).env("DATA_DIR", data.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("node runs");
        let node = Self { child, url: format!("ws://{address}"), _data: data };
        let since = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(since.elapsed() < PATIENCE, "{} does not listen", kind.name);
            std::thread::sleep(Duration::from_millis(50));
        }
        node
    }
}

/// Lets one of them take the documents of a run.
pub(super) async fn run(kind: &Kind, inside: &Path, documents: &[Arc<Vec<Doc>>]) -> Run {
    let mut node = Node::start(kind, inside);
    let addresses = vec![node.url.clone(); documents.len()];
    let process = node.child.id();
    let mut run = Run::of(kind.name.clone(), documents);
    for what in What::ALL {
        eprintln!("bench: {}, {} documents, {what:?}", kind.name, run.documents);
        run.phases.push(play(process, what, &addresses, documents, &mut node).await);
    }
    run.peak_rss_kib = used(process).peak_rss_kib;
    run
}
