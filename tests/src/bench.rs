//! What the program takes and gives, measured: a report with the machine it was measured on.
//!
//! Nothing here passes or fails by time. README figures are rendered from a stored report.

pub mod bad_line;
pub mod crowd;
pub mod demo;
pub mod duplicates;
pub mod family;
pub mod forms;
pub mod ingest;
pub mod machine;
pub mod memory;
pub mod pages;
pub mod peer;
pub mod register;
pub mod sizes;
pub mod speed;
pub mod table;
pub mod tables;
pub mod triage;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::postgres::{Cluster, database};
use crate::process::Home;

/// One run of the benchmark. What was not asked for is absent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Where it ran, and what.
    pub machine: machine::Machine,
    /// How large it was; a quick one only shows that the benchmark works.
    pub size: Size,
    /// Every speed that has a goal, beside it.
    pub speed: Vec<speed::Speed>,
    /// The whole demonstration on SQLite.
    pub demo: Option<demo::Demo>,
    /// Reading the province's rates on the demonstration's data.
    pub rates: Option<demo::Rates>,
    /// The official forms of the same data.
    #[serde(default)]
    pub forms: Option<forms::Forms>,
    /// Large tables read in and taken out.
    #[serde(default)]
    pub tables: Vec<tables::Table>,
    /// Memory of a server on that data.
    pub memory: Option<memory::ServerMemory>,
    /// The offices' pages on that data; absent in reports from before they were measured.
    #[serde(default)]
    pub pages: Option<pages::Pages>,
    /// The register over ten years.
    #[serde(default)]
    pub register: Option<register::Register>,
    /// Durable ingest, an entry for each database and each way of handing in.
    pub ingest: Vec<ingest::Ingest>,
    /// Five hundred households on the line.
    pub sizes: Option<sizes::Sizes>,
    /// Work on a line that breaks.
    pub bad_line: Option<bad_line::BadLine>,
    /// Half of all phones at one time.
    pub crowd: Option<crowd::Crowd>,
    /// A commune's rows and disputes; absent in reports from before they were measured.
    #[serde(default)]
    pub triage: Option<triage::Triage>,
    /// Households registered twice; absent in reports from before they were looked for.
    #[serde(default)]
    pub duplicates: Option<duplicates::Duplicates>,
    /// The standard door beside other servers of its protocol; absent in reports from before.
    #[serde(default)]
    pub peer: Option<peer::Peer>,
    /// Size of the program, bytes.
    pub binary_bytes: u64,
    /// The same without debug information, where `strip` is installed.
    pub binary_stripped_bytes: Option<u64>,
}

/// How much is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Next to nothing.
    Quick,
    /// Everything, but for the time within which a crowd comes back.
    Full,
    /// That time too.
    Long,
}

/// A part of the benchmark that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The demonstration, and the rates of what it left.
    Demo,
    /// Durable ingest.
    Ingest,
    /// Bytes on the line.
    Sizes,
    /// Memory of a server on what the demonstration left, which is played for it.
    Memory,
    /// The offices' pages on what the demonstration left, which is played for it.
    Pages,
    /// The register of a province over ten years.
    Register,
    /// Large tables on their way in and out.
    Tables,
    /// A line that breaks.
    Line,
    /// Half of all phones at one time.
    Crowd,
    /// A commune's rows and disputes, by the rules alone.
    Triage,
    /// Households registered twice.
    Duplicates,
    /// The standard door beside other servers of its protocol.
    Peer,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "demo" => Ok(Self::Demo),
            "ingest" => Ok(Self::Ingest),
            "sizes" => Ok(Self::Sizes),
            "memory" => Ok(Self::Memory),
            "pages" => Ok(Self::Pages),
            "tables" => Ok(Self::Tables),
            "register" => Ok(Self::Register),
            "line" => Ok(Self::Line),
            "crowd" => Ok(Self::Crowd),
            "triage" => Ok(Self::Triage),
            "duplicates" => Ok(Self::Duplicates),
            "peer" => Ok(Self::Peer),
            _ => Err(format!(
                "no part {text}: demo, ingest, sizes, memory, pages, tables, register, line, crowd, \
                 triage, duplicates or peer"
            )),
        }
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// How large.
    pub size: Size,
    /// Which parts; all where empty.
    pub only: Vec<Part>,
}

impl Wanted {
    fn has(&self, part: Part) -> bool {
        let wanted = self.only.is_empty() || self.only.contains(&part);
        if wanted {
            eprintln!("bench: {part:?}");
        }
        wanted
    }
}

impl Report {
    fn begin(folder: &Path, program: &Path, size: Size) -> Self {
        Self {
            machine: machine::Machine::look(folder),
            size,
            speed: Vec::new(),
            demo: None,
            rates: None,
            forms: None,
            tables: Vec::new(),
            memory: None,
            pages: None,
            register: None,
            ingest: Vec::new(),
            sizes: None,
            bad_line: None,
            crowd: None,
            triage: None,
            duplicates: None,
            peer: None,
            binary_bytes: std::fs::metadata(program).map_or(0, |file| file.len()),
            binary_stripped_bytes: machine::stripped_bytes(program, folder),
        }
    }
}

/// Measures what is wanted and hands the report over after each part, so that a part that fails
/// takes nothing with it. Data goes into `folder`, which should be on a disk.
pub async fn measure(
    folder: &Path,
    program: &Path,
    wanted: &Wanted,
    keep: impl Fn(&Report),
) -> Report {
    let size = wanted.size;
    let mut report = Report::begin(folder, program, size);
    let keep = |report: &mut Report| {
        report.speed = speed::speeds(report);
        keep(report);
    };
    let home = || Home::inside(folder, None);
    if wanted.has(Part::Triage) {
        report.triage = Some(triage::measure(size));
        keep(&mut report);
    }
    if wanted.has(Part::Sizes) {
        report.sizes = Some(sizes::measure([home(), home()], size).await);
        keep(&mut report);
    }
    if wanted.has(Part::Ingest) {
        report.ingest = ingest::run("SQLite", home(), size).await;
        keep(&mut report);
        if let Some(database) = database(Cluster::Durable).await {
            let home = Home::inside(folder, Some(database));
            report.ingest.extend(ingest::run("PostgreSQL", home, size).await);
            keep(&mut report);
        }
    }
    if wanted.has(Part::Register) {
        report.register = Some(register::measure(home(), size).await);
        keep(&mut report);
    }
    if wanted.has(Part::Line) {
        report.bad_line = Some(bad_line::measure(home(), size).await);
        keep(&mut report);
    }
    if wanted.has(Part::Crowd) {
        report.crowd = Some(crowd::measure(home(), size).await);
        keep(&mut report);
    }
    if wanted.has(Part::Duplicates) {
        report.duplicates = Some(duplicates::measure_all(size));
        keep(&mut report);
    }
    if wanted.has(Part::Peer) {
        let mut peer = peer::Peer::begin();
        for documents in peer::sizes(size) {
            let kept = |peer: &peer::Peer| {
                report.peer = Some(peer.clone());
                keep(&mut report);
            };
            peer.add(home(), folder, documents, kept).await;
        }
    }
    let (demo, pages) = (wanted.has(Part::Demo), wanted.has(Part::Pages));
    let (memory, tables) = (wanted.has(Part::Memory), wanted.has(Part::Tables));
    if tables {
        report.tables = tables::read_in(home(), size).await;
        keep(&mut report);
    }
    if demo || pages || memory || tables {
        let home = home();
        let (played, campaign) = demo::play(&home, program, size);
        if demo {
            report.demo = Some(played.clone());
            report.rates = Some(demo::read_rates(&home, &campaign).await);
            report.forms = Some(forms::read(&home, &campaign, demo::scale_ppm(size)).await);
            keep(&mut report);
        }
        if pages {
            report.pages = Some(pages::measure(&home, &campaign, size).await);
            keep(&mut report);
        }
        if tables {
            report.tables.extend(tables::take_out(&home, &campaign).await);
            keep(&mut report);
        }
        if memory {
            report.memory = Some(memory::measure(&home, &played, &campaign, size).await);
            keep(&mut report);
        }
    }
    report
}

/// Returns the time below which so many of a hundred lie, microseconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> u64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((times.len() * percent / 100).min(last)).map_or(0, micros)
}

pub(crate) fn micros(time: &Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn millis(time: &Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
