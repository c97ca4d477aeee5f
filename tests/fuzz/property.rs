//! Does with an input what the server does with every change, and says what became of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use automerge::{AutoSerde, Automerge, Change, ReadDoc};
use shared::guard::{Guarded, guard};
use shared::merge::merge;
use shared::resolve::resolve;

use crate::mutate::Input;

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The guard kept it out.
    KeptOut,
    /// Merging left it out by name.
    Broken,
    /// In the document, which was read, saved and loaded again.
    Merged,
    /// It hurt.
    Bad(String),
}

impl Outcome {
    pub(crate) fn bad(&self) -> Option<&str> {
        match self {
            Self::Bad(why) => Some(why),
            _ => None,
        }
    }
}

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes panics instead of printing them: merging catches them, and they count all the same.
pub(crate) fn listen_for_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        if place.contains("automerge") || place.contains("hexane") || place.contains("/library/") {
            let short = place.rsplit("src/").next().unwrap_or_default().to_owned();
            PANICS.with_borrow_mut(|panics| panics.push(short));
        } else {
            usual(info);
        }
    }));
}

/// Lets the input go the way of every change.
pub(crate) fn attempt(input: &Input) -> Outcome {
    let Ok(guarded) = guard(&input.bytes) else { return Outcome::KeptOut };
    PANICS.with_borrow_mut(Vec::clear);
    let went = std::panic::catch_unwind(|| follow(input, &guarded));
    let panics = PANICS.take();
    match went {
        Ok(_) | Err(_) if !panics.is_empty() => {
            Outcome::Bad(format!("panics at {}", panics.join(", ")))
        }
        Ok(outcome) => outcome,
        Err(_) => Outcome::Bad("panics outside the library".to_owned()),
    }
}

fn follow(input: &Input, guarded: &Guarded) -> Outcome {
    let bad = |why: &str| Outcome::Bad(why.to_owned());
    let Ok(change) = Change::from_bytes(guarded.chunk().to_vec()) else {
        return bad("the library does not read what the guard lets through");
    };
    let operations = u32::try_from(change.len()).unwrap();
    if change.hash().0 != guarded.hash().0 || operations != guarded.operations() {
        return bad("the library reads another change");
    }
    let mut chunks: Vec<&[u8]> = input.before.iter().map(Vec::as_slice).collect();
    chunks.push(guarded.chunk());
    chunks.extend(input.after.iter().map(Vec::as_slice));
    let merged = merge(&chunks);
    let _read = resolve(&merged.doc);
    let _tree = merged.doc.hydrate(None);
    // Compared as text: no number is equal to one that is none.
    let before = text(&merged.doc);
    let loaded = match Automerge::load(&merged.doc.save_nocompress()) {
        Ok(loaded) => loaded,
        Err(why) => return bad(&format!("does not load again: {why}")),
    };
    if loaded.get_heads() != merged.doc.get_heads() {
        return bad("loads with other heads");
    }
    if text(&loaded) != before {
        return bad("loads with other values");
    }
    let hash = guarded.hash();
    if merged.broken.contains(&hash) {
        return Outcome::Broken;
    }
    if merged.waiting.contains(&hash) || merged.forked.contains(&hash) {
        return Outcome::Merged;
    }
    match loaded.get_change_by_hash(&change.hash()) {
        Some(again) if again.raw_bytes() == guarded.chunk() => Outcome::Merged,
        Some(_) => bad("comes out in other bytes"),
        None => bad("is not in the document"),
    }
}

fn text(doc: &Automerge) -> String {
    serde_json::to_string(&AutoSerde::from(doc)).unwrap()
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Forgets the peak so far; returns the memory of this process now, in KiB.
pub(crate) fn memory_kib() -> u64 {
    let _unless_the_system_has_none = std::fs::write("/proc/self/clear_refs", "5");
    status("VmRSS:")
}

/// Returns the peak since then, in KiB.
pub(crate) fn peak_kib() -> u64 {
    status("VmHWM:")
}

/// What was found in many inputs.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) kept_out: u64,
    pub(crate) passed: u64,
    pub(crate) broken: u64,
    /// By seed.
    pub(crate) bad: BTreeMap<u64, String>,
}

impl Found {
    /// Notes one more.
    pub(crate) fn note(&mut self, seed: u64, outcome: Outcome, too_much: bool) {
        match outcome {
            Outcome::KeptOut => self.kept_out += 1,
            Outcome::Broken => self.broken += 1,
            Outcome::Merged | Outcome::Bad(_) => {}
        }
        self.passed += u64::from(outcome != Outcome::KeptOut);
        if let Outcome::Bad(why) = outcome {
            self.bad.insert(seed, why);
        } else if too_much {
            self.bad.insert(seed, "takes more than 64 MB".to_owned());
        }
    }

    /// Writes it down for the parent.
    pub(crate) fn to_lines(&self) -> String {
        let counts = format!("{} {} {}\n", self.kept_out, self.passed, self.broken);
        let bad = self.bad.iter().map(|(seed, why)| format!("{seed} {why}\n"));
        counts + &bad.collect::<String>()
    }

    /// Adds what a child wrote down.
    pub(crate) fn add(&mut self, lines: &str) {
        let mut lines = lines.lines();
        let counts = lines.next().expect("the counts");
        let mut counts = counts.split(' ').map(|count| count.parse::<u64>().unwrap());
        self.kept_out += counts.next().unwrap();
        self.passed += counts.next().unwrap();
        self.broken += counts.next().unwrap();
        for line in lines {
            let (seed, why) = line.split_once(' ').unwrap();
            self.bad.insert(seed.parse().unwrap(), why.to_owned());
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept_out, passed, broken) = (self.kept_out, self.passed, self.broken);
        let bad = self.bad.len();
        write!(
            f,
            "{kept_out} kept out, {passed} let through, of these {broken} left out of the \
                   document; {bad} bad"
        )
    }
}
