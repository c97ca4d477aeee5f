//! Merging what clients wrote, outside the server: questions to a worker and its answers.
//!
//! A worker is `rasoat worker`: it reads questions on standard input and answers on standard
//! output, and has no file, socket or database. Whatever bytes do to it, they do to it alone. The
//! rules it runs are those of `shared`; where no worker can be had, the same function answers in
//! the server's own process.

pub(crate) mod child;
#[cfg(debug_assertions)]
pub(crate) mod poison;
pub mod pool;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mobile_schema::household::{Answers, Value};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use shared::classify::{Basis, classify};
use shared::date::Date;
use shared::history::history;
use shared::id::{Actor, ChangeHash};
use shared::ledger::{Entry, Mark, ledger, marks};
use shared::merge::{merge, merge_onto};
use shared::page::{Decision, Page, SettleError, Written, settle, write_at};
use shared::phones::against;
use shared::resolve::{Path, resolve, written_by};
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::standing::{
    Absorbed, Base, HeadChange, Known, Logged, Place, Standing, Together, head_change, stand,
    stand_linked, stand_on, stand_whole,
};

use crate::snapshot::{pack, unpack};
use crate::standing::standard_named;

/// Largest frame between server and worker, bytes: a batch of documents that are all full.
pub(crate) const FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What a server asks a worker. It lends what the worker comes to own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Question<B, J> {
    /// Says what to classify by from now on; has no answer.
    Basis(B),
    /// One document each, answered one by one.
    Jobs(J),
}

/// What households are classified by, as texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BasisText {
    pub(crate) standard: String,
    /// JSON; empty where none.
    pub(crate) score_table: String,
    pub(crate) review_date: Date,
    pub(crate) region: String,
}

/// Something to be found out about one document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Job {
    /// What its log comes to.
    Stand {
        place: Place,
        /// The document as it was packed, and what is in it; else `changes` is all there is.
        base: Option<(ByteBuf, Vec<Known>)>,
        changes: Vec<Logged>,
        side: Vec<Logged>,
        /// Asks for the document, packed.
        save: bool,
    },
    /// What its log and those merged into it come to.
    Together { place: Place, changes: Vec<Logged>, side: Vec<Logged>, absorbed: Vec<Absorbed> },
    /// Its answers and how they are classified, with what was merged into it.
    Read { place: Place, changes: Vec<Logged>, side: Vec<Logged>, absorbed: Vec<Absorbed> },
    /// Its answers and nothing else, from the saved document where there is one.
    Answers { base: Option<ByteBuf>, changes: Vec<Logged> },
    /// Everything that stood or stands against each other in it.
    Ledger { place: Place, changes: Vec<Logged>, side: Vec<Logged> },
    /// Its log held against what its phones answered.
    Against { place: Place, changes: Vec<Logged> },
    /// The change that settles one answer.
    Settle(Settling),
    /// The change that saves a page.
    Write(Writing),
    /// What became of it since a version, in the order in which it arrived.
    Past { changes: Vec<Logged>, since: Vec<ChangeHash> },
}

/// A page to be written as a change at the version that was shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Writing {
    pub(crate) changes: Vec<Logged>,
    pub(crate) actor: Actor,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) page: Page,
}

/// A decision to be written as a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settling {
    pub(crate) changes: Vec<Logged>,
    pub(crate) actor: Actor,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) path: Path,
    pub(crate) value: Option<Value>,
    pub(crate) closes: Vec<ChangeHash>,
}

/// What a worker answers about one document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The standing as JSON; the packed document with its heads, where asked for and whole; the
    /// changes that had to be left out, because the library cannot be given them.
    Stood { body: String, saved: Option<(ByteBuf, Vec<ChangeHash>)>, broken: Vec<ChangeHash> },
    /// It takes the whole log.
    TakesAll,
    /// A [`Looked`] as JSON.
    Looked(String),
    /// The agreed answers as JSON.
    Answers(String),
    /// A [`Case`] as JSON.
    Ledger(String),
    /// What the log comes to against its phones as JSON; null where no phone wrote.
    Against(String),
    /// The change that settles it.
    Written { hash: ChangeHash, chunk: ByteBuf },
    /// The page says nothing that is not there.
    NothingNew,
    /// A [`Past`] as JSON; nothing where the version is not known.
    Past(Option<String>),
    /// It cannot be settled that way.
    Unsettled(Unsettled),
    /// The rules panicked on it.
    Panicked,
    /// The basis cannot be read.
    NoBasis,
}

/// Why a decision was not written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Unsettled {
    /// The heads named are not known.
    HeadsUnknown,
    /// Something else does not fit; the form's objection, if it is one.
    Unfit(Option<serde_json::Value>),
}

/// One household with its answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Looked {
    pub(crate) standing: Standing,
    pub(crate) household: mobile_schema::household::Household,
    /// The changes that wrote each agreed answer, by its path.
    pub(crate) writers: BTreeMap<String, Vec<ChangeHash>>,
    pub(crate) classification: shared::classify::Classification,
    /// The head is another person than on the opening list.
    pub(crate) head_change: Option<HeadChange>,
}

/// One household with its dispute ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) standing: Standing,
    /// Members as far as they are agreed.
    pub(crate) members: BTreeMap<String, Answers>,
    pub(crate) entries: Vec<Entry>,
    /// Who asked the values that stand against each other, and on what.
    pub(crate) marks: Vec<Mark>,
}

/// A basis as the rules read it.
#[derive(Debug)]
pub(crate) struct OwnedBasis {
    standard: Standard,
    table: Option<ScoreTable>,
    review_date: Date,
    region: String,
}

impl OwnedBasis {
    /// Reads the texts; `None` where they are not what was checked when they were stored.
    pub(crate) fn of(text: &BasisText) -> Option<Self> {
        let table = match text.score_table.as_str() {
            "" => None,
            json => Some(ScoreTable::parse(json, None).ok()?),
        };
        let (review_date, region) = (text.review_date, text.region.clone());
        Some(Self { standard: standard_named(&text.standard)?, table, review_date, region })
    }

    /// Lends the basis to the rules.
    pub(crate) fn basis(&self) -> Basis<'_> {
        Basis {
            standard: &self.standard,
            table: self.table.as_ref(),
            review_date: self.review_date,
            region: &self.region,
        }
    }
}

/// Answers one question about one document. A panic is an answer too.
pub(crate) fn answer(job: &Job, basis: Option<&OwnedBasis>) -> Answer {
    let Some(basis) = basis else { return Answer::NoBasis };
    catch_unwind(AssertUnwindSafe(|| found_out(job, &basis.basis()))).unwrap_or(Answer::Panicked)
}

fn found_out(job: &Job, basis: &Basis<'_>) -> Answer {
    match job {
        Job::Stand { place, base: Some((packed, known)), changes, .. } => {
            let stood = unpack(packed).and_then(|saved| {
                let base = Base { saved: &saved, changes: known };
                stand_on(place, &base, changes, basis)
            });
            stood.map_or(Answer::TakesAll, |standing| stood_with(&standing, None))
        }
        Job::Stand { place, base: None, changes, side, save } => {
            let (standing, document) = stand_whole(place, changes, side, basis);
            let saved = document.filter(|_| *save).and_then(|document| {
                let packed = pack(&document.save_nocompress()).ok()?;
                Some((ByteBuf::from(packed), standing.heads.clone()))
            });
            stood_with(&standing, saved)
        }
        Job::Together { place, changes, side, absorbed } => {
            let together = stand_linked(place, (changes, side), absorbed, basis);
            stood_with(&together.standing, None)
        }
        Job::Read { place, changes, side, absorbed } if !absorbed.is_empty() => {
            let together = stand_linked(place, (changes, side), absorbed, basis);
            let Together { standing, mut household, writers } = together;
            standing.triage.apply(&mut household);
            Answer::Looked(looked(standing, household, writers, (place, changes, basis)))
        }
        Job::Read { place, changes, side, .. } => {
            let doc = merge(changes).doc;
            let mut household = resolve(&doc).household;
            let standing = stand(place, changes, side, basis);
            standing.triage.apply(&mut household);
            let writers = written_by(&doc, &household);
            Answer::Looked(looked(standing, household, writers, (place, changes, basis)))
        }
        Job::Answers { base: Some(packed), changes } => {
            let doc = unpack(packed).and_then(|saved| merge_onto(&saved, changes));
            doc.map_or(Answer::TakesAll, |doc| Answer::Answers(json(&resolve(&doc).household)))
        }
        Job::Answers { base: None, changes } => {
            Answer::Answers(json(&resolve(&merge(changes).doc).household))
        }
        Job::Ledger { place, changes, side } => {
            let standing = stand(place, changes, side, basis);
            let entries = ledger(changes, side, &standing);
            let marks = marks(changes, side, &entries);
            let members = resolve(&merge(changes).doc).household.members;
            Answer::Ledger(json(&Case { standing, members, entries, marks }))
        }
        Job::Against { place, changes } => Answer::Against(json(&against(place, changes, basis))),
        Job::Settle(settling) => settled(settling),
        Job::Write(writing) => saved(writing),
        Job::Past { changes, since } => {
            Answer::Past(history(changes, since).map(|past| json(&past)))
        }
    }
}

fn looked(
    standing: Standing,
    household: mobile_schema::household::Household,
    writers: BTreeMap<String, Vec<ChangeHash>>,
    (place, changes, basis): (&Place, &[Logged], &Basis<'_>),
) -> String {
    let classification = classify(&household, place.area, basis);
    let head_change = head_change(changes, &household);
    json(&Looked { standing, household, writers, classification, head_change })
}

fn stood_with(standing: &Standing, saved: Option<(ByteBuf, Vec<ChangeHash>)>) -> Answer {
    Answer::Stood { body: json(standing), saved, broken: standing.broken() }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types have text keys")
}

fn saved(of: &Writing) -> Answer {
    match write_at(&of.changes, of.actor, &of.heads, &of.page) {
        Ok(Some(Written { hash, chunk })) => Answer::Written { hash, chunk: ByteBuf::from(chunk) },
        Ok(None) => Answer::NothingNew,
        Err(SettleError::HeadsUnknown) => Answer::Unsettled(Unsettled::HeadsUnknown),
        Err(_) => Answer::Unsettled(Unsettled::Unfit(None)),
    }
}

fn settled(of: &Settling) -> Answer {
    let decision =
        Decision { heads: &of.heads, path: &of.path, value: of.value.as_ref(), closes: &of.closes };
    match settle(&of.changes, of.actor, &decision) {
        Ok(written) => Answer::Written { hash: written.hash, chunk: ByteBuf::from(written.chunk) },
        Err(SettleError::HeadsUnknown) => Answer::Unsettled(Unsettled::HeadsUnknown),
        Err(SettleError::Unfit(objection)) => {
            let objection = objection.and_then(|objection| serde_json::to_value(objection).ok());
            Answer::Unsettled(Unsettled::Unfit(objection))
        }
        Err(
            SettleError::MemberUnknown
            | SettleError::NothingToSettle
            | SettleError::TooManyClosed
            | SettleError::Unwritable(_),
        ) => Answer::Unsettled(Unsettled::Unfit(None)),
    }
}

/// Writes a value as a frame: its length in four bytes, little endian, then its CBOR.
pub(crate) fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    ciborium::into_writer(value, &mut frame).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads the length of a frame.
pub(crate) fn frame_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(prefix)).map_err(io::Error::other)?;
    if length > FRAME_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(length) }
}

/// Reads what stands in a frame.
pub(crate) fn framed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    ciborium::from_reader(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Answers questions until there are no more. `before` sees each job first.
pub(crate) fn serve(
    mut questions: impl Read,
    mut answers: impl Write,
    before: impl Fn(&Job),
) -> io::Result<()> {
    // Whoever started this knows now that it runs.
    answers.write_all(&frame(&())?)?;
    answers.flush()?;
    let mut basis = None;
    loop {
        let mut prefix = [0; 4];
        match questions.read_exact(&mut prefix) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let mut bytes = vec![0; frame_length(prefix)?];
        questions.read_exact(&mut bytes)?;
        match framed::<Question<BasisText, Vec<Job>>>(&bytes)? {
            Question::Basis(text) => basis = OwnedBasis::of(&text),
            Question::Jobs(jobs) => {
                for job in &jobs {
                    before(job);
                    answers.write_all(&frame(&answer(job, basis.as_ref()))?)?;
                    answers.flush()?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A worker that was handed nonsense ends; it does not guess.
    #[test]
    fn bytes_that_are_no_question_end_the_worker() {
        for bytes in [&[1, 0, 0, 0, 0xff][..], &[0xff; 4], &[3, 0, 0, 0, 1]] {
            assert!(serve(bytes, Vec::new(), |_| ()).is_err());
        }
        assert!(serve(&[][..], Vec::new(), |_| ()).is_ok());
    }

    #[test]
    fn a_job_before_its_basis_is_told_so() {
        let job = Job::Settle(Settling {
            changes: Vec::new(),
            actor: Actor([1; 16]),
            heads: Vec::new(),
            path: "answers/roof".parse().unwrap(),
            value: Some("tile".into()),
            closes: Vec::new(),
        });
        let question = frame(&Question::<BasisText, _>::Jobs(vec![job])).unwrap();
        let mut said = Vec::new();
        serve(question.as_slice(), &mut said, |_| ()).unwrap();
        let hello = frame(&()).unwrap();
        let answer: Answer = framed(&said[hello.len() + 4..]).unwrap();
        assert!(matches!(answer, Answer::NoBasis), "{answer:?}");
    }
}
