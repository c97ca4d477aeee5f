//! Courier files without a browser: the same files, taken by the same functions.

mod seal;

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mobile_schema::problem::by_name;
use shared::id::to_hex;
use shared::limits;

use super::{CliError, Place, say};
use crate::auth::Actor;
use crate::http::courier::{Imported, Pace, import};
use crate::problem::Problem;

/// Courier files of phones without a line.
#[derive(Debug, Args)]
pub struct Courier {
    #[command(subcommand)]
    act: CourierAct,
}

#[derive(Debug, Subcommand)]
enum CourierAct {
    /// Takes files and writes receipts beside them. Example: rasoat courier import hoa.rasoat --by xa-19558
    Import(Import),
    /// Seals frames that a client has kept. Example: rasoat courier seal --key … --in day.cbor --out hoa.rasoat
    Seal(seal::Seal),
    /// Prints the key that phones seal their files to. Example: rasoat courier key --json
    Key {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Import {
    /// Files, each ending in .rasoat; receipts go to the same name ending in .rasoat-receipt.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Sign-in name of whoever brought them, for whomever.
    #[arg(long)]
    by: String,
    /// Prints JSON, a line for each file.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Courier {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        match self.act {
            CourierAct::Import(import) => import.run().await,
            CourierAct::Seal(seal) => seal.run(),
            CourierAct::Key { json, place } => {
                let app = place.open().await?;
                let (id, key) = (to_hex(&app.keys.courier.id()), app.keys.courier.public());
                if json {
                    say(serde_json::json!({ "id": id, "public_key": to_hex(&key) }));
                } else {
                    say(format!("{id} {}", to_hex(&key)));
                }
                Ok(())
            }
        }
    }
}

impl Import {
    async fn run(self) -> Result<(), CliError> {
        let app = self.place.open().await?;
        let account = app.store.account_named(&self.by).await?;
        let account = account.filter(|account| !account.disabled);
        let account =
            account.ok_or_else(|| CliError::Usage(format!("no account named {}", self.by)))?;
        let carrier = Actor { account, device: None, session: None };
        let mut not_whole = 0;
        for file in &self.files {
            let taken = match read(file) {
                Ok(bytes) => {
                    let taken = import(&app, &carrier, &bytes, Pace::Patient).await;
                    taken.map_err(|problem| said(&problem))
                }
                Err(error) => Err(error.to_string()),
            };
            let printed = taken.and_then(|imported| {
                self.print(file, &imported).map_err(|error| format!("no receipts: {error}"))
            });
            match printed {
                Ok(whole) => not_whole += usize::from(!whole),
                // One bad file, or a stick that takes nothing, keeps nobody's work from the next.
                Err(why) => {
                    not_whole += 1;
                    eprintln!("{}: {why}", file.display());
                }
            }
        }
        if not_whole == 0 {
            Ok(())
        } else {
            let of = self.files.len();
            Err(CliError::Usage(format!("{not_whole} of {of} files were not taken whole")))
        }
    }

    /// Writes the receipts and says what became of a file; false where some of it was not taken.
    fn print(&self, file: &Path, imported: &Imported) -> Result<bool, CliError> {
        let back = file.with_extension("rasoat-receipt");
        let text = serde_json::to_string(imported).map_err(std::io::Error::from)?;
        let receipts = serde_json::to_string(&imported.receipts).map_err(std::io::Error::from)?;
        let kept = std::fs::write(&back, receipts);
        let mut whole = imported.outcome.missing.is_empty() && kept.is_ok();
        let (mut accepted, mut known, mut aside) = (0, 0, 0);
        let mut faults = Vec::new();
        for piece in &imported.outcome.pieces {
            faults.extend(piece.problem.iter().map(|name| (piece.at, name)));
            for batch in &piece.batches {
                accepted += batch.accepted;
                known += batch.known;
                aside += batch.waiting + batch.held + batch.quarantined;
                faults.extend(batch.refused.iter().map(|name| (piece.at, name)));
            }
        }
        whole &= faults.is_empty();
        if let Err(error) = &kept {
            // The work is in; what JSON is printed has the receipts as well.
            eprintln!("{}: receipts are not written: {error}", back.display());
        }
        if self.json {
            say(text);
            return Ok(whole);
        }
        let sums = format!("new {accepted}, known {known}, waiting or set aside {aside}");
        match kept {
            Ok(()) => say(format!("{}: {sums}; receipts in {}", file.display(), back.display())),
            Err(_) => say(format!("{}: {sums}", file.display())),
        }
        for (at, name) in faults {
            let text = by_name(name).map_or("", |problem| problem.en);
            eprintln!("{}: at byte {at}: {name}: {text}", file.display());
        }
        for of in &imported.outcome.missing {
            let numbers: Vec<String> =
                of.numbers.iter().map(|(from, until)| format!("{from}-{until}")).collect();
            eprintln!(
                "{}: missing of the file of {}: pieces {} of {}",
                file.display(),
                of.device,
                numbers.join(", "),
                of.of
            );
        }
        Ok(whole)
    }
}

/// Reads a file, as far as a courier file may go and one byte more.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(limits::COURIER_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > limits::COURIER_BYTES_MAX {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Says in one line why a file was refused.
fn said(problem: &Problem) -> String {
    let (_, name, _) = problem.said();
    format!("{}: {}", name.name, name.en)
}
