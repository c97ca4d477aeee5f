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
    /// Says for each line where it comes from; what most of them share is returned, and said once.
    pub(super) fn tell(&self, lines: &mut [Line]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in lines.iter_mut() {
            line.source = self.of(&line.path, &line.block);
            *counts.entry(line.source.clone()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        let common = most.map(|(source, _)| source).unwrap_or_default();
        for line in lines.iter_mut().filter(|line| line.source == common) {
            line.source.clear();
        }
        common
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
