//! A device with its own copy of one household, as a phone keeps it: bytes, merged at each save.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use automerge::Automerge;
use server::demo::population::{Goal, Spec, truth};
use shared::classify::{B1Method, Basis, Class};
use shared::date::Date;
use shared::id::{Actor, ChangeHash};
use shared::merge::{actor_id, merge};
use shared::page::{Page, Written, write};
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::Area;

use mobile_schema::household::Household;

/// Changes by hash.
pub(super) type Known = BTreeMap<ChangeHash, Vec<u8>>;

/// One installation and what it has heard of one household.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) actor: Actor,
    pub(super) known: Known,
    /// The document as of the last save, until something is heard.
    doc: Option<Automerge>,
}

impl Device {
    pub(super) fn new(number: u8) -> Self {
        Self::of(Actor([number; 16]))
    }

    pub(super) fn of(actor: Actor) -> Self {
        Self { actor, known: Known::new(), doc: None }
    }

    /// Saves a page as one change; `None` where nothing changes.
    pub(super) fn save(&mut self, page: &Page, time_s: i64) -> Option<Written> {
        let known = &self.known;
        let doc = self.doc.get_or_insert_with(|| {
            let chunks: Vec<&Vec<u8>> = known.values().collect();
            let mut doc = merge(&chunks).doc;
            doc.set_actor(actor_id(self.actor));
            doc
        });
        let written = write(doc, page, time_s).expect("the page can be written")?;
        self.known.insert(written.hash, written.chunk.clone());
        Some(written)
    }

    /// Takes over everything another device has.
    pub(super) fn hear(&mut self, other: &Self) {
        self.doc = None;
        self.known.extend(other.known.iter().map(|(hash, chunk)| (*hash, chunk.clone())));
    }
}

/// The basis every law classifies on.
pub(super) fn basis() -> Basis<'static> {
    static STANDARD: LazyLock<Standard> = LazyLock::new(Standard::nd_07_2021);
    static TABLE: LazyLock<ScoreTable> = LazyLock::new(ScoreTable::synthetic_demo);
    Basis {
        standard: &STANDARD,
        table: Some(&TABLE),
        review_date: Date::parse("2022-12-14").expect("a date"),
        region: "rural_north_central_coast",
    }
}

/// What several enumerators might type about one family: full answers that differ.
pub(super) fn opinions() -> Vec<Household> {
    let goals = [
        (Goal::Class(Class::Poor), B1Method::Computed),
        (Goal::Class(Class::NearPoor), B1Method::ItemPoints),
        (Goal::Class(Class::Above), B1Method::Entered),
        (Goal::Left("moved_out"), B1Method::Computed),
    ];
    let spec = |(number, (goal, method))| Spec {
        code: "19558-01-0001".to_owned(),
        hamlet: "19558-01".to_owned(),
        area: Area::Rural,
        opening: Some(Class::Poor),
        dtts: true,
        ethnicity: "23".to_owned(),
        goal,
        method,
        seed: number,
    };
    let specs = (1_u64..).zip(goals).map(spec);
    specs.map(|spec| truth(&spec, &basis()).household).collect()
}
