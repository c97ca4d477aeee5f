//! One worker process, as the server sees it: asked, waited for, and killed.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{Answer, BasisText, Job, Question, frame, frame_length, framed};

/// Processor time a document may take, milliseconds: a thousand times what one of a full day's
/// work takes.
const DOCUMENT_CPU_MS: u64 = 2_000;

/// How long a worker may be silent by the clock, on a machine that is busy with other things.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Milliseconds of one tick in which Linux tells processor time.
const TICK_MS: u64 = 10;

/// Why a worker is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ended, or said something that is no answer.
    Ended,
    /// It took too long.
    Hung,
}

impl Fault {
    /// Returns the word the log has for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Hung => "hung",
        }
    }
}

/// A running worker. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    questions: ChildStdin,
    answers: ChildStdout,
    basis: Option<BasisText>,
}

impl Worker {
    /// Starts a worker and waits until it says that it runs.
    ///
    /// It inherits nothing but its pipes: no variable, no open file.
    pub(crate) async fn start(program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("worker").args(arguments).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn()?;
        let (questions, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(questions), Some(answers)) = (questions, answers) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut worker = Self { child, questions, answers, basis: None };
        let hello = tokio::time::timeout(SILENCE_MAX, read_frame(&mut worker.answers)).await;
        framed::<()>(&hello.map_err(io::Error::other)??)?;
        Ok(worker)
    }

    /// Asks for a batch; the answers up to the first document that it did not get over.
    pub(crate) async fn ask(
        &mut self,
        basis: &BasisText,
        jobs: &[Job],
    ) -> (Vec<Answer>, Option<Fault>) {
        let mut answers = Vec::new();
        if self.send(basis, jobs).await.is_err() {
            return (answers, Some(Fault::Ended));
        }
        for _ in jobs {
            match self.hear().await {
                Ok(answer) => answers.push(answer),
                Err(fault) => return (answers, Some(fault)),
            }
        }
        (answers, None)
    }

    /// A worker reads a whole question before it answers, so neither side waits for the other.
    async fn send(&mut self, basis: &BasisText, jobs: &[Job]) -> io::Result<()> {
        if self.basis.as_ref() != Some(basis) {
            let question = Question::<_, &[Job]>::Basis(basis);
            self.questions.write_all(&frame(&question)?).await?;
            self.basis = Some(basis.clone());
        }
        let question = Question::<&BasisText, _>::Jobs(jobs);
        self.questions.write_all(&frame(&question)?).await?;
        self.questions.flush().await
    }

    /// Waits for one answer, as long as the worker has not used up its time.
    async fn hear(&mut self) -> Result<Answer, Fault> {
        let process = self.child.id();
        let began_ms = process.and_then(cpu_ms);
        let used_up = || match (began_ms, process.and_then(cpu_ms)) {
            (Some(began_ms), Some(now_ms)) => now_ms >= began_ms + DOCUMENT_CPU_MS,
            // Where processor time cannot be told, the clock is all there is.
            _ => true,
        };
        let mut reading = std::pin::pin!(read_frame(&mut self.answers));
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(DOCUMENT_CPU_MS);
        loop {
            match tokio::time::timeout(step, &mut reading).await {
                Ok(bytes) => {
                    return bytes.and_then(|bytes| framed(&bytes)).map_err(|_| Fault::Ended);
                }
                Err(_) => waited += step,
            }
            if used_up() || waited >= SILENCE_MAX {
                return Err(Fault::Hung);
            }
        }
    }
}

async fn read_frame(from: &mut ChildStdout) -> io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    from.read_exact(&mut prefix).await?;
    let length = frame_length(prefix)?;
    let mut bytes = Vec::new();
    // Room is made for what comes, not for what is claimed.
    let limit = u64::try_from(length).map_err(io::Error::other)?;
    from.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Asks the kernel for a process' processor time; `None` where it does not tell.
fn cpu_ms(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything; the fields after it are numbers.
    let (_, after) = stat.rsplit_once(')')?;
    let ticks = after.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Some(ticks.sum::<Result<u64, _>>().ok()? * TICK_MS)
}
