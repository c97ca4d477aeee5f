//! The benchmark: `cargo run --release -p tests --bin bench -- [--out FILE] [--quick]`.
//!
//! It writes JSON to FILE or standard output and prints the same as a Markdown table to standard
//! error; `--markdown FILE` prints the table of a stored file and measures nothing.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use tests::bench::{Report, measure, table};
use tests::process::{build, use_program};

#[derive(Default)]
struct Options {
    out: Option<PathBuf>,
    markdown: Option<PathBuf>,
    quick: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut file = || args.next().map(PathBuf::from).ok_or(format!("{arg} needs a file"));
        match arg.as_str() {
            "--out" => options.out = Some(file()?),
            "--markdown" => options.markdown = Some(file()?),
            "--quick" => options.quick = true,
            _ => return Err("bench [--out FILE] [--quick] | bench --markdown FILE".to_owned()),
        }
    }
    Ok(options)
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
    let report = measure(&folder, &program, options.quick).await;
    let json = serde_json::to_string_pretty(&report)?;
    match options.out {
        Some(file) => std::fs::write(file, json + "\n")?,
        None => writeln!(std::io::stdout(), "{json}")?,
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
