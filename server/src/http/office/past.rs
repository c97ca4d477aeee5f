//! A household's history in words: who wrote what, when it came, what it said before and after.

use std::collections::BTreeMap;

use mobile_schema::household::{Answers, Value};
use shared::history::Edit;
use shared::resolve::Path as AnswerPath;

use super::frame::{Lang, time_text};
use super::words::{block_text, path_text, path_value};
use crate::http::history::Entry;
use crate::ingest::desk::OPENING_LIST;
use crate::store::change::Authorship;

/// One answer before and after.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// One change.
pub(super) struct Change {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) how: String,
    pub(super) note: String,
    pub(super) lines: Vec<Line>,
    pub(super) blocks: String,
    /// It is in the household's document.
    pub(super) merged: bool,
    /// What it changed could be told.
    pub(super) told: bool,
}

/// Writes changes in words, in the order in which they came.
pub(super) fn changes(
    lang: Lang,
    entries: &[Entry],
    members: &BTreeMap<String, Answers>,
) -> Vec<Change> {
    let one = |entry: &Entry| Change {
        at: time_text(entry.by.received_at_ms),
        by: who(&entry.by),
        how: how(lang, &entry.by),
        note: if entry.by.note == OPENING_LIST {
            lang.t("danh sách đầu kỳ", "opening list").to_owned()
        } else {
            entry.by.note.clone()
        },
        lines: entry.edits.iter().map(|edit| line(lang, edit, members)).collect(),
        blocks: entry
            .blocks
            .iter()
            .map(|block| block_text(lang, block))
            .collect::<Vec<_>>()
            .join(", "),
        merged: entry.by.position.is_some(),
        told: entry.told,
    };
    entries.iter().map(one).collect()
}

/// Names the person behind a change: who typed it, else whom it is counted to.
pub(super) fn who(by: &Authorship) -> String {
    by.typed_by.as_ref().unwrap_or(&by.author).clone()
}

/// Says on what a change was written.
pub(super) fn how(lang: Lang, by: &Authorship) -> String {
    match by.provenance.as_str() {
        "desk" => lang.t("tại cơ quan", "in an office").to_owned(),
        _ => by.device.clone(),
    }
}

fn line(lang: Lang, edit: &Edit, members: &BTreeMap<String, Answers>) -> Line {
    let text = |values: &[Value]| {
        let all = values.iter().map(|value| value_text(lang, &edit.path, value));
        all.collect::<Vec<_>>().join(" / ")
    };
    Line {
        label: path_text(lang, &edit.path, members),
        before: text(&edit.before),
        after: text(&edit.after),
    }
}

/// Writes a value; of an ID number its end only, by which whoever has the paper knows it again.
pub(super) fn value_text(lang: Lang, path: &AnswerPath, value: &Value) -> String {
    match (path, value.as_text()) {
        (AnswerPath::Member(_, key), Some(number)) if key == "id_number" => {
            let last: String = number.chars().rev().take(3).collect();
            format!("… {}", last.chars().rev().collect::<String>())
        }
        _ => path_value(lang, path, value),
    }
}
