//! The real binary as a child process: started, killed at once, started again on the same data.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use server::cli::serve::FIRST_ACCOUNT;
use tempfile::TempDir;

use crate::rng::Rng;

/// Ports tried for servers: below those the system gives to outgoing connections.
///
/// A client that calls a dead server in that other range can be connected to itself.
const PORTS: std::ops::Range<usize> = 11_000..32_000;

/// How long a test waits for anything a server does, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(120);

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program to run, before the first one is run.
pub fn use_program(path: &Path) {
    assert!(PROGRAM.set(path.to_owned()).is_ok(), "another program was run already");
}

/// Builds the program once, in the profile of the running test, and returns its path.
///
/// With the whole workspace selected the parts are those the tests were built from, so that next
/// to nothing is compiled. `RASOAT_BIN` names a program to use as it is.
pub fn program() -> &'static Path {
    PROGRAM.get_or_init(|| match std::env::var_os("RASOAT_BIN") {
        Some(program) => program.into(),
        None => build(&["--workspace", "--bins"]),
    })
}

/// Builds what is asked for in the running executable's profile; returns the program's path.
pub fn build(what: &[&str]) -> PathBuf {
    let own = std::env::current_exe().expect("an executable has a path");
    let mut folder = own.parent().expect("it is in a folder");
    if folder.ends_with("deps") {
        folder = folder.parent().expect("deps is in a folder");
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").args(what).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.arg("--target-dir").arg(folder.parent().expect("a profile is in the target folder"));
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let built = command.stdin(Stdio::null()).output().expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join(format!("rasoat{}", std::env::consts::EXE_SUFFIX))
}

/// A data folder and, where it is used, a database: what outlives a process.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    database: Option<String>,
    environment: Vec<(&'static str, OsString)>,
}

impl Home {
    /// Makes an empty installation.
    pub fn new(database: Option<String>) -> Self {
        Self::inside(&std::env::temp_dir(), database)
    }

    /// Makes an empty installation in a folder on a disk of the caller's choice.
    pub fn inside(folder: &Path, database: Option<String>) -> Self {
        let folder = tempfile::tempdir_in(folder).expect("a temporary folder");
        Self { folder, database, environment: Vec::new() }
    }

    /// Sets a variable for every program started on this installation from now on.
    pub fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.environment.push((name, value.into()));
    }

    /// Address of the PostgreSQL database, if it has one.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Returns the folder around the data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a server on this installation, without waiting until it listens.
    pub fn launch(&self, listen: SocketAddr) -> Server {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log file");
        let mut command = self.command(&["serve"]);
        let mut child = command
            .arg("--listen")
            .arg(listen.to_string())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let said = lines(child.stdout.take().expect("its output is read"));
        Server {
            child,
            said,
            base: format!("http://{listen}"),
            log: self.folder.path().join("log"),
        }
    }

    /// Starts a server that listens when this returns.
    pub fn start(&self, listen: SocketAddr) -> Server {
        let server = self.launch(listen);
        server.wait_until_it_listens();
        server
    }

    /// Starts the first server and returns it with the password it shows once.
    pub fn start_first(&self, listen: SocketAddr) -> (Server, String) {
        let server = self.start(listen);
        let password = server.password();
        (server, password)
    }

    /// Draws a new password of the first account by the operator's command.
    pub fn new_password(&self) -> String {
        let mut command = self.command(&["user", "password", FIRST_ACCOUNT]);
        let told = command.output().expect("the program runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        password_in(&String::from_utf8_lossy(&told.stdout)).expect("it tells the password")
    }

    fn command(&self, act: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(act).arg("--data").arg(self.data());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(database) = &self.database {
            command.arg("--database").arg(database);
        }
        command
    }
}

/// Finds an address nobody listens on, and that no other test of this process was given.
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let turn = GIVEN.fetch_add(1, Ordering::Relaxed) << 32;
        let mut rng = Rng::new(turn | u64::from(std::process::id()));
        let port = PORTS.start + rng.below(PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("a port");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return (Ipv4Addr::LOCALHOST, port).into();
        }
    }
}

/// Reads lines on a thread of their own, so that a server that hangs is noticed.
fn lines(output: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

fn password_in(text: &str) -> Option<String> {
    let mark = format!("{FIRST_ACCOUNT} / ");
    text.trim().strip_prefix(&mark).map(ToOwned::to_owned)
}

/// A running child. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    said: mpsc::Receiver<String>,
    base: String,
    log: PathBuf,
}

impl Server {
    /// Returns the address clients use.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the line that is printed once the listener is bound.
    pub fn wait_until_it_listens(&self) {
        while !self.line().contains(&self.base) {}
    }

    fn password(&self) -> String {
        loop {
            if let Some(password) = password_in(&self.line()) {
                return password;
            }
        }
    }

    fn line(&self) -> String {
        self.said.recv_timeout(PATIENCE).unwrap_or_else(|why| {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the server says nothing, {why}: {log}")
        })
    }

    /// Ends the process as a power switch ends it: SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            eprintln!("the server had ended by itself: {status}");
        }
        self.end();
        if std::thread::panicking()
            && let Ok(log) = std::fs::read_to_string(&self.log)
        {
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "the server's log ends:\n{}",
                lines[lines.len().saturating_sub(20)..].join("\n")
            );
        }
    }
}

/// Waits for something a server does; one that hangs fails the test instead of stopping it.
pub async fn in_time<T>(what: &str, done: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, done).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: nothing for {} s", PATIENCE.as_secs()),
    }
}
