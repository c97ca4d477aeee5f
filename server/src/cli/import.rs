//! Loading tables without a browser: the same files, judged and written by the same functions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::id::CampaignId;

use super::{CliError, Place, say};
use crate::app::App;
use crate::auth::Actor;
use crate::http::imports::work::{Judged, Kind, Sent, Taken, judge, take};
use crate::imports::faults::Faults;
use crate::imports::file::File;
use crate::imports::returned;
use crate::problem::Problem;

/// Faults that are printed; `--errors` has them all.
const PRINTED_MAX: usize = 50;

/// Loads files.
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    act: ImportAct,
}

#[derive(Debug, Subcommand)]
enum ImportAct {
    /// Loads administrative units beside the built-in ones. Example: rasoat import units vietnam-2022.csv
    Units {
        /// CSV with the columns of shared/units/quang-tri-2022.csv.
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Loads hamlets with their registered counts. Example: rasoat import hamlets thon.xlsx --campaign ID --by tinh
    Hamlets(Table),
    /// Loads the opening list, a row a member. Example: rasoat import roster dau-ky.xlsx --campaign ID --by tinh --keep-good --errors can-sua.xlsx
    Roster(Table),
    /// Adds people and prints passwords once. Example: rasoat import accounts nguoi.csv --campaign ID --by tinh
    Accounts(Table),
    /// Loads who works where. Example: rasoat import assignments giao.csv --campaign ID --by tinh
    Assignments(Table),
}

/// A table, CSV in UTF-8 or XLSX.
#[derive(Debug, Args)]
struct Table {
    /// The file.
    file: PathBuf,
    /// Campaign id, 32 hex digits.
    #[arg(long)]
    campaign: String,
    /// Sign-in name of the office whose act it is.
    #[arg(long)]
    by: String,
    /// Writes the good rows of a file that has bad ones.
    #[arg(long)]
    keep_good: bool,
    /// Says what would be written and writes nothing.
    #[arg(long)]
    check: bool,
    /// Where the rows that cannot be used are written, with what to change.
    #[arg(long)]
    errors: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Import {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let (kind, table) = match self.act {
            ImportAct::Units { file, place } => return units(&file, &place).await,
            ImportAct::Hamlets(table) => (Kind::Hamlets, table),
            ImportAct::Roster(table) => (Kind::Roster, table),
            ImportAct::Accounts(table) => (Kind::Accounts, table),
            ImportAct::Assignments(table) => (Kind::Assignments, table),
        };
        table.load(kind).await
    }
}

/// Says in one line why the rules refused.
fn refused(problem: &Problem) -> CliError {
    let (_, name, items) = problem.said();
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    CliError::Usage(format!("{}: {} {}", name.name, name.en, items.join(" ")).trim_end().to_owned())
}

impl Table {
    async fn load(self, kind: Kind) -> Result<(), CliError> {
        let not_an_id = |_| CliError::Usage("--campaign is 32 hex digits".into());
        let id: CampaignId = self.campaign.parse().map_err(not_an_id)?;
        let bytes = std::fs::read(&self.file)?;
        let app = self.place.open().await?;
        let account = app.store.account_named(&self.by).await?;
        let account =
            account.ok_or_else(|| CliError::Usage(format!("no account named {}", self.by)))?;
        let actor = Actor { account, device: None, session: None };
        let sent = Sent::of(bytes);
        let judged =
            judge(&app, &actor, id, kind, &sent).await.map_err(|problem| refused(&problem))?;
        let (good, faults) = (judged.good, judged.faults.len());
        print_faults(&judged.faults);
        if let Some(path) = &self.errors {
            let again = judge(&app, &actor, id, kind, &sent).await;
            let again = again.map_err(|problem| refused(&problem))?;
            write_errors(&app, kind, &sent, again, path)?;
        }
        let taken = if !self.check && (faults == 0 || self.keep_good) {
            take(&app, &actor, id, judged).await.map_err(|problem| refused(&problem))?
        } else {
            Taken::default()
        };
        self.print(&taken, good, faults);
        if faults == 0 || self.keep_good || self.check {
            Ok(())
        } else {
            Err(CliError::Usage(format!(
                "{faults} faults: nothing was written; --keep-good writes the {good} good ones"
            )))
        }
    }

    fn print(&self, taken: &Taken, good: usize, faults: usize) {
        if self.json {
            say(serde_json::json!({
                "good": good, "faults": faults, "taken": taken.taken, "skipped": taken.skipped,
                "passwords": taken.passwords,
            }));
            return;
        }
        say(format!(
            "good {good}, faults {faults}, written {}, there already {}",
            taken.taken, taken.skipped
        ));
        for one in &taken.passwords {
            say(format!("{} / {}", one.name, one.password));
        }
    }
}

fn print_faults(faults: &Faults) {
    for fault in faults.iter().take(PRINTED_MAX) {
        let sheet =
            if fault.sheet > 0 { format!("sheet {}, ", fault.sheet) } else { String::new() };
        eprintln!("{sheet}line {} {}: {}", fault.line, fault.column, fault.en);
    }
    if faults.len() > PRINTED_MAX {
        eprintln!("and {} more; --errors FILE writes them all", faults.len() - PRINTED_MAX);
    }
}

fn write_errors(
    app: &App,
    kind: Kind,
    sent: &Sent,
    judged: Judged,
    path: &std::path::Path,
) -> Result<(), CliError> {
    let file = File::open(&sent.bytes).map_err(|name| refused(&Problem::new(name)))?;
    let disk = std::fs::File::create(path)?;
    returned::write(&file, &kind.columns(), &judged.said(), &app.data, disk)?;
    Ok(())
}

async fn units(file: &std::path::Path, place: &Place) -> Result<(), CliError> {
    let text = std::fs::read_to_string(file)?;
    let app = place.open().await?;
    let errors = app.units_add(&text).await?;
    if !errors.is_empty() {
        for (line, problem) in errors.iter().take(PRINTED_MAX) {
            let line = line.map_or("an earlier list".to_owned(), |line| format!("line {line}"));
            eprintln!("{line}: {problem}");
        }
        return Err(CliError::Usage(format!("{} rows cannot be used", errors.len())));
    }
    say(format!("{} units", text.lines().count().saturating_sub(1)));
    Ok(())
}
