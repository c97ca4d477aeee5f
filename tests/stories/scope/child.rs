//! The real program as a second process of the town's installation, with the log an operator sees.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tests::town::Town;

/// Builds the program once, from the parts the tests were built from, and returns its path.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().expect("an executable has a path");
        let deps = own.parent().expect("it is in a folder");
        let profile = deps.parent().expect("deps is in a folder");
        let target = profile.parent().expect("a profile is in the target folder");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--workspace", "--bins", "--target-dir"]).arg(target);
        if profile.ends_with("release") {
            command.arg("--release");
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        let built = command.output().expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        profile.join(format!("rasoat{}", std::env::consts::EXE_SUFFIX))
    })
}

/// Runs a command of the operator's on the town's data and database; returns what it prints.
///
/// # Errors
/// What it says on standard error where it fails.
pub(crate) fn operator(town: &Town, act: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program());
    command.args(act).arg("--data").arg(&town.config.data).stdin(Stdio::null());
    if let Some(database) = &town.config.database {
        command.arg("--database").arg(database);
    }
    let done = command.output().expect("the program runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(said(&done.stdout)) } else { Err(said(&done.stderr)) }
}

/// A running `rasoat serve` that logs everything up to debug. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Server {
    /// Address it listens on.
    pub(super) address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it on the town's data and database; it listens when this returns.
    pub(super) fn start(town: &Town) -> Self {
        let log = town.folder().join("log");
        let file = std::fs::File::create(&log).expect("a log file");
        let mut command = Command::new(program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&town.config.data);
        if let Some(database) = &town.config.database {
            command.arg("--database").arg(database);
        }
        command.env("RUST_LOG", "debug").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().expect("the program starts");
        let said = BufReader::new(child.stdout.take().expect("its output is read"));
        let address = said
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://")?.1.trim_end_matches('/').parse().ok());
        Self { address: address.expect("it says where it listens"), child, log }
    }

    /// Reads what it has logged so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log is text")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
