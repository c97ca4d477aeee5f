//! The benchmark: `cargo run --release -p tests --bin bench -- [--out FILE] [--quick | --long]
//! [--only PART]…`, where a part is demo, ingest, sizes, memory, pages, tables, register, line, crowd,
//! triage, duplicates or peer (the last needs npm).
//!
//! It writes JSON to FILE (after each part what there is so far) or standard output and prints the
//! same as a Markdown table to standard error; `--markdown FILE` prints the table of a stored file
//! and measures nothing. `--long` lets a crowd of phones come back within five minutes instead of one, and
//! the standard door take 33.000 documents as well.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tests::bench::{Report, Size, Wanted, measure, table};
use tests::process::{build, use_program};

/// Shown where the arguments make no sense.
const USAGE: &str = "bench [--out FILE] [--quick | --long] [--only PART]… | bench --markdown FILE";

struct Options {
    out: Option<PathBuf>,
    markdown: Option<PathBuf>,
    wanted: Wanted,
}

fn options() -> Result<Options, String> {
    let wanted = Wanted { size: Size::Full, only: Vec::new() };
    let mut options = Options { out: None, markdown: None, wanted };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value: {USAGE}"));
        match arg.as_str() {
            "--out" => options.out = Some(value()?.into()),
            "--markdown" => options.markdown = Some(value()?.into()),
            "--quick" => options.wanted.size = Size::Quick,
            "--long" => options.wanted.size = Size::Long,
            "--only" => options.wanted.only.push(value()?.parse()?),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn keep(out: Option<&Path>, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let json = serde_json::to_string_pretty(report)? + "\n";
    if let Some(file) = out {
        std::fs::write(file, json)?;
    }
    Ok(())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = options()?;
    if let Some(file) = options.markdown {
        let report: Report = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        write!(std::io::stdout(), "{}", table::markdown(&report))?;
        return Ok(());
    }
    // What the README's command builds: the server alone, in this executable's profile.
    let program = build(&["--package", "server"]);
    use_program(&program);
    let folder = program.with_file_name("bench-data");
    std::fs::create_dir_all(&folder)?;
    let out = options.out.as_deref();
    let report = measure(&folder, &program, &options.wanted, |report| {
        if let Err(error) = keep(out, report) {
            eprintln!("bench: {error}");
        }
    })
    .await;
    if out.is_none() {
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
    }
    eprint!("{}", table::markdown(&report));
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
