//! The rules of the review: pure functions, one file per stage of the line.
//!
//! ```text
//! guard → verify → merge → resolve → classify → list → approve → aggregate → report
//! ```
//!
//! | stage | takes | gives |
//! |---|---|---|
//! | [`guard`] | bytes of one change | a change whose frame and header are sound |
//! | [`courier`] | a file that somebody carried here | its pieces, and the signed batches in them |
//! | [`verify`] | a signed batch and the device's key | changes that may be merged, and what is set aside |
//! | [`merge`] | the set of a household's changes | one document, and what was left out of it |
//! | [`repo`] | what an automerge-repo client says it has, and the log | what it lacks, and what to ask it for |
//! | [`resolve`] | a document | agreed answers, and every dispute |
//! | [`triage`] | disputes, and what classifies | which of them a person must decide, and why |
//! | [`classify`] | answers, area type, standard | class, points, indicators, and why |
//! | [`standing`] | one household's log | its row of the list, and what is open about it |
//! | [`ledger`] | one household's log | everything that stood or stands against each other |
//! | [`link`] | two documents and what a desk decided | one household, and what is open again |
//! | [`life`] | a row, and what was decided of its household | the row as it is then |
//! | [`list`] | households of a commune | what is still open; frozen bytes and their root |
//! | [`four_eyes`] | decisions of an office | how many people stand behind them |
//! | [`approve`] | a list's step and what somebody does | the next step, or why not |
//! | [`duplicate`] | fingerprints of households | pairs that may be one household registered twice |
//! | [`compare`], [`phones`], [`sample`], [`remark`], [`scan`], [`deadline`] | a list, what was answered, a seed, a paper | what a district looks at before it gives its opinion |
//! | [`register`] | recorded decisions, a day | who is on a list on that day, and what moved between two |
//! | [`aggregate`] | frozen lists | exact counts and rates |
//! | [`report`] | counts by unit | tables |
//! | [`forms`] | frozen lists | the official forms 7.1 to 7.5, and what keeps them from being one |
//!
//! Nothing here knows the time, a file, a socket or a database; nothing draws random numbers.

pub mod admit;
pub mod bucket;
pub mod canonical;
pub mod confirm;
pub mod cursor;
pub mod date;
pub mod days;
pub mod duplicate;
pub mod id;
pub mod layout;
pub mod limits;
pub mod repo;
pub mod rule;
pub mod scope;
pub mod score;
pub mod score_change;
pub mod spreadsheet;
pub mod standard;
pub mod unit;

#[cfg(feature = "merge")]
mod columns;
#[cfg(feature = "merge")]
pub mod courier;
#[cfg(feature = "merge")]
pub mod figures;
#[cfg(feature = "merge")]
pub mod guard;
#[cfg(feature = "merge")]
pub mod history;
#[cfg(feature = "merge")]
pub mod holding;
#[cfg(feature = "merge")]
pub mod ledger;
#[cfg(feature = "merge")]
pub mod link;
#[cfg(feature = "merge")]
pub mod merge;
#[cfg(feature = "merge")]
pub mod page;
#[cfg(feature = "merge")]
pub mod paper;
#[cfg(feature = "merge")]
pub mod references;
#[cfg(feature = "merge")]
pub mod refork;
#[cfg(feature = "merge")]
pub mod resolve;
#[cfg(feature = "merge")]
mod runs;
#[cfg(feature = "merge")]
pub mod second;
#[cfg(feature = "merge")]
pub mod standing;
pub mod text;
#[cfg(feature = "merge")]
pub mod triage;
pub mod typed;
#[cfg(feature = "merge")]
pub mod verify;

pub mod aggregate;
pub mod annex;
pub mod approve;
pub mod classify;
pub mod compare;
pub mod deadline;
pub mod forms;
pub mod four_eyes;
pub mod handover;
pub mod life;
pub mod list;
#[cfg(feature = "merge")]
pub mod phones;
pub mod posting;
pub mod register;
pub mod remark;
pub mod report;
pub mod sample;
pub mod scan;
pub mod target;
pub mod tiles;
