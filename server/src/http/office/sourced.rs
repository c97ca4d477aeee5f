//! Who stands behind an answer: who asked, who answered, who typed it, on what, and when it came.

use std::collections::BTreeMap;

use mobile_schema::household::Asked;
use shared::id::ChangeHash;

use super::frame::{Lang, day_text, time_text};
use super::past::{how, who};
use super::words::Line;
use crate::store::change::Authorship;

/// What is known of where answers come from.
pub(super) struct Sources<'a> {
    pub(super) lang: Lang,
    pub(super) asked: &'a BTreeMap<String, Asked>,
    /// The changes that wrote each answer, by path.
    pub(super) writers: &'a BTreeMap<String, Vec<ChangeHash>>,
    pub(super) authors: &'a BTreeMap<ChangeHash, &'a Authorship>,
}

impl Sources<'_> {
    /// Returns where these lines come from, each source once, and numbers the lines by it where
    /// there are several.
    pub(super) fn tell(&self, lines: &mut [Line]) -> Vec<String> {
        let mut sources: Vec<String> = Vec::new();
        let mut places = Vec::new();
        for line in lines.iter() {
            let source = self.of(&line.path, &line.block);
            let known = sources.iter().position(|one| *one == source);
            places.push(known.unwrap_or(sources.len()));
            if known.is_none() {
                sources.push(source);
            }
        }
        if sources.len() > 1 {
            for (line, place) in lines.iter_mut().zip(places) {
                line.source = format!("({})", place + 1);
            }
            for (place, source) in sources.iter_mut().enumerate() {
                *source = format!("({}) {source}", place + 1);
            }
        }
        sources
    }

    fn of(&self, path: &str, block: &str) -> String {
        let lang = self.lang;
        let mut parts = Vec::new();
        let mut part = |vi, en, text: Option<&String>| {
            parts.extend(text.map(|text| format!("{}: {text}", lang.t(vi, en))));
        };
        let asked = self.asked.get(block);
        part("hỏi", "asked", asked.and_then(|asked| asked.by.as_ref()));
        part("trả lời", "answered", asked.and_then(|asked| asked.answered_by.as_ref()));
        let written = self.writers.get(path).into_iter().flatten();
        let written: Vec<&Authorship> =
            written.filter_map(|hash| self.authors.get(hash).copied()).collect();
        for by in &written {
            part("nhập", "typed", Some(&who(by)));
        }
        if let Some(asked) = asked {
            let medium = match asked.medium.as_deref() {
                Some("paper") => lang.t("phiếu giấy", "paper"),
                Some("phone") => lang.t("điện thoại", "phone"),
                _ => "",
            };
            let day = asked.day.as_deref().map(day_text).unwrap_or_default();
            let text = format!("{medium} {day}");
            parts.extend((!text.trim().is_empty()).then(|| text.trim().to_owned()));
        }
        parts.extend(written.iter().map(|by| {
            let at = time_text(by.received_at_ms);
            format!("{} {at}, {}", lang.t("nhận", "received"), how(lang, by))
        }));
        parts.join(" · ")
    }
}
