//! The command line: one binary, every command with an example in its help.

pub mod courier;
pub mod demo;
pub mod import;
pub mod rebuild;
pub mod serve;
pub mod tools;
pub mod worker;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, DATA, LISTEN};

/// Sync server of the annual review of poor and near-poor households (rà soát hộ nghèo).
#[derive(Debug, Parser)]
#[command(name = "rasoat", version)]
pub struct Cli {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where an installation keeps its data.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Data folder: the key file and, without --database, the SQLite file.
    #[arg(long, default_value = DATA)]
    pub data: PathBuf,
    /// PostgreSQL instead of SQLite: postgres://user:password@host/database
    #[arg(long)]
    pub database: Option<String>,
}

impl Place {
    /// Adds an address to listen on.
    pub fn config(&self, listen: std::net::SocketAddr) -> Config {
        Config { listen, data: self.data.clone(), database: self.database.clone() }
    }

    /// Opens the installation without listening.
    pub async fn open(&self) -> Result<crate::app::App, CliError> {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(crate::app::App::open(&self.config(any)).await?)
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the server. Example: rasoat serve --listen 127.0.0.1:8080 --data ./rasoat-data
    Serve(serve::Serve),
    /// Plays a whole campaign with simulated phones. Example: rasoat demo --once --scale 0.02
    Demo(demo::Demo),
    /// Adds people and sets passwords. Example: rasoat user add tinh --role province --unit 45
    User(tools::User),
    /// Lists and revokes devices. Example: rasoat device list
    Device(tools::Device),
    /// Loads units, opening lists, hamlets, people, assignments. Example: rasoat import units vietnam-2022.csv
    Import(import::Import),
    /// Takes work of phones without a line from files. Example: rasoat courier import hoa.rasoat --by xa-19558
    Courier(courier::Courier),
    /// Copies a running SQLite installation. Example: rasoat backup --to ./copy
    Backup(tools::Backup),
    /// Checks that an installation is sound. Example: rasoat doctor --data ./rasoat-data
    Doctor(tools::Doctor),
    /// Makes everything that is derived anew from the two logs. Example: rasoat rebuild --data ./rasoat-data
    Rebuild(rebuild::Rebuild),
    /// Holds for review what has waited too long for an earlier change. Example: rasoat expire --days 90
    Expire(rebuild::Expire),
    /// Merges documents for a server, which starts it. Example: none, it talks on its pipes only
    Worker(worker::Worker),
}

/// Why a command failed: one clear line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The installation does not start.
    #[error("cannot start: {0}")]
    Start(#[from] crate::app::StartError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] crate::store::StoreError),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The demonstration stopped.
    #[error("the demonstration stopped: {0}")]
    Fleet(#[from] crate::demo::fleet::FleetError),
    /// Something the person typed does not fit.
    #[error("{0}")]
    Usage(String),
}

/// Runs a command line.
pub async fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => serve.run().await,
        Command::Demo(demo) => demo.run().await,
        Command::User(user) => user.run().await,
        Command::Device(device) => device.run().await,
        Command::Import(import) => import.run().await,
        Command::Courier(courier) => courier.run().await,
        Command::Backup(backup) => backup.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Rebuild(rebuild) => rebuild.run().await,
        Command::Expire(expire) => expire.run().await,
        // It was run before there was a runtime.
        Command::Worker(_) => Ok(()),
    }
}

/// Prints a line for people or programs: the one place that writes to standard output.
pub(crate) fn say(text: impl std::fmt::Display) {
    use std::io::Write as _;
    // A reader that went away is no failure of the command.
    let _gone = writeln!(std::io::stdout(), "{text}");
}

/// Default address as a value.
pub(crate) fn default_listen() -> std::net::SocketAddr {
    LISTEN.parse().expect("the default address is an address")
}
