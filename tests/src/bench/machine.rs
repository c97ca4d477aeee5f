//! The machine, the commit, and what a process used, as Linux tells it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::percentile;

/// Writes of the fsync measurement.
const WRITES: usize = 200;

/// Clock ticks of a second in `/proc`: fixed at 100 for programs.
const TICKS_PER_SECOND: u64 = 100;

/// Where and of what a report is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Cores that may be used.
    pub cores: usize,
    /// Memory, KiB.
    pub memory_kib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Median of 200 × 4 KiB write and fsync in the benchmark's folder, microseconds.
    pub fsync_p50_us: u64,
    /// 99th percentile of the same.
    pub fsync_p99_us: u64,
    /// Commit, with `+` where the work tree differs from it.
    pub commit: String,
    /// Compiler.
    pub rustc: String,
}

impl Machine {
    /// Looks at this machine and measures its disk.
    pub fn look(folder: &Path) -> Self {
        let mut syncs = fsyncs(folder).expect("the folder can be written to");
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
        let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
        let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let mark = if changed { "+" } else { "" };
        Self {
            cpu,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_kib: number(&memory),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            fsync_p50_us: percentile(&mut syncs, 50),
            fsync_p99_us: percentile(&mut syncs, 99),
            commit: said("git", &["rev-parse", "HEAD"]) + mark,
            rustc: said("rustc", &["--version"]),
        }
    }
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Processor time of all its threads, milliseconds.
    pub cpu_ms: u64,
    /// Most memory it ever had resident, KiB.
    pub peak_rss_kib: u64,
}

/// Asks the kernel what a process has used; zeros where it is gone.
pub fn used(process: u32) -> Used {
    let peak = field(&format!("/proc/{process}/status"), "VmHWM").unwrap_or_default();
    let cpu_ms = ticks(process).map_or(0, |ticks| ticks.own_ms);
    Used { cpu_ms, peak_rss_kib: number(&peak) }
}

/// Processor time of a process, and who started it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    pub(super) parent: u32,
    /// Of all its threads, milliseconds.
    pub(super) own_ms: u64,
    /// Of the children it has waited for, milliseconds.
    pub(super) buried_ms: u64,
}

/// Reads a process' line of numbers; `None` where it is gone.
pub(super) fn ticks(process: u32) -> Option<Ticks> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything; the fields after it are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let milliseconds = |first: usize| {
        let ticks: u64 = fields.get(first..first + 2)?.iter().copied().map(number).sum();
        Some(ticks * 1000 / TICKS_PER_SECOND)
    };
    Some(Ticks {
        parent: fields.get(1)?.parse().ok()?,
        own_ms: milliseconds(11)?,
        buried_ms: milliseconds(13)?,
    })
}

/// Returns the size of a program without its debug information.
pub fn stripped_bytes(program: &Path, folder: &Path) -> Option<u64> {
    let stripped = folder.join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(program).status().ok()?;
    let size = std::fs::metadata(&stripped).ok()?.len();
    std::fs::remove_file(&stripped).ok()?;
    done.success().then_some(size)
}

fn fsyncs(folder: &Path) -> std::io::Result<Vec<std::time::Duration>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let since = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_all()?;
        times.push(since.elapsed());
    }
    Ok(times)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

pub(super) fn field(file: &str, name: &str) -> Option<String> {
    let text = read(file);
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

pub(super) fn number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or(String::new(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}
