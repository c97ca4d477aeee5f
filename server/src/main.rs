//! `rasoat`: the one binary.

use std::process::ExitCode;

use clap::Parser;
use server::cli::{Cli, Command, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A worker has one thread, and nothing that a runtime opens.
    if let Some(Command::Worker(worker)) = &cli.command {
        return worker.run();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("rasoat: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rasoat: {error}");
            ExitCode::FAILURE
        }
    }
}
