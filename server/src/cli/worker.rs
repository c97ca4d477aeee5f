//! `rasoat worker`: merges what it is handed on standard input, for a server that started it.
//!
//! It is asked about bytes that clients wrote. So it gives up what it does not need before it reads
//! any: memory without end, files, and a picture of its memory where it dies.

use std::process::ExitCode;

use clap::Args;

use crate::worker::{Job, serve};

/// Memory of a worker, bytes: a document may hold 1 MiB of changes, which take some 50 MB merged.
#[cfg(unix)]
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Processor time of a worker, seconds. One whose server was killed ends with it at the latest.
#[cfg(unix)]
const CPU_SECONDS_MAX: u64 = 900;

/// Merges documents for a server.
#[derive(Debug, Args)]
pub struct Worker {
    /// Dies of marked changes, for tests.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    poison: bool,
}

impl Worker {
    /// Answers until standard input ends. It runs on one thread, without a runtime.
    pub fn run(&self) -> ExitCode {
        // What a panic says may quote what people wrote.
        std::panic::set_hook(Box::new(|_| ()));
        give_up();
        let (questions, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
        match serve(questions, answers, |job| self.before(job)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }

    #[cfg(debug_assertions)]
    fn before(&self, job: &Job) {
        if self.poison {
            crate::worker::poison::take(job);
        }
    }

    #[cfg(not(debug_assertions))]
    fn before(&self, _: &Job) {}
}

#[cfg(unix)]
fn give_up() {
    use rlimit::Resource;
    // Three files are open, and no other may be.
    let limits = [
        (Resource::AS, MEMORY_BYTES_MAX),
        (Resource::CPU, CPU_SECONDS_MAX),
        (Resource::NOFILE, 3),
        (Resource::CORE, 0),
    ];
    for (resource, most) in limits {
        if resource.set(most, most).is_err() {
            eprintln!("rasoat worker: this platform does not limit {resource:?}");
        }
    }
}

#[cfg(not(unix))]
fn give_up() {
    eprintln!("rasoat worker: this platform limits neither memory nor files");
}
