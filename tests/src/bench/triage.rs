//! One commune from its log to its rows, with what of its disputes a person must decide; one change
//! later; and the worst household. In this process, the rules alone: no database, no worker.

use std::time::{Duration, Instant};

use mobile_schema::household::{Answers, Household, Value};
use serde::{Deserialize, Serialize};
use server::demo::population::{Goal, Spec, truth};
use shared::classify::{B1Method, Basis, Class};
use shared::date::Date;
use shared::id::{Actor, DocumentId, HouseholdId, sha256};
use shared::merge::{actor_id, merge};
use shared::page::{Page, write};
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::standing::{Base, Known, Logged, Place, Standing, Way, stand_on, stand_whole};
use shared::unit::Area;

use super::{Size, micros, millis, percentile};

/// Households of the commune, as many as the largest of the province has.
const HOUSEHOLDS: u64 = 1_450;

/// The same in a quick run.
const QUICK_HOUSEHOLDS: u64 = 40;

/// Households in a hundred that a second phone looked at, and of these how many say otherwise.
const LOOKED_AGAIN_PERCENT: u64 = 24;

/// One in so many of these says otherwise.
const OTHERWISE_ONE_IN: u64 = 4;

/// Members of the largest household.
const MEMBERS: usize = 40;

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Triage {
    /// Households of the commune.
    pub households: usize,
    /// Changes in their logs.
    pub changes: usize,
    /// Disputes among them.
    pub disputes: usize,
    /// Of them for a person.
    pub for_person: usize,
    /// From the logs to all rows, milliseconds.
    pub commune_ms: u64,
    /// From a saved document and one change to its row, microseconds: half of them.
    pub one_change_p50_us: u64,
    /// The slowest of them.
    pub one_change_worst_us: u64,
    /// The worst households: what it is, combinations worked out, microseconds.
    pub worst: Vec<Worst>,
}

/// A household that costs much.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worst {
    /// What is much about it.
    pub what: String,
    /// Its members.
    pub members: usize,
    /// Its disputes.
    pub disputes: usize,
    /// Whether the bound was reached.
    pub beyond: bool,
    /// From its log to its row.
    pub took_us: u64,
}

struct Owned {
    standard: Standard,
    table: ScoreTable,
}

impl Owned {
    fn basis(&self) -> Basis<'_> {
        Basis {
            standard: &self.standard,
            table: Some(&self.table),
            review_date: Date::parse("2022-12-14").expect("a date"),
            region: "rural_north_central_coast",
        }
    }
}

/// Measures all of it.
pub fn measure(size: Size) -> Triage {
    let owned = Owned { standard: Standard::nd_07_2021(), table: ScoreTable::synthetic_demo() };
    let basis = owned.basis();
    let count = if size == Size::Quick { QUICK_HOUSEHOLDS } else { HOUSEHOLDS };
    let logs: Vec<Vec<Logged>> = (0..count).map(|number| log(number, &basis)).collect();
    let since = Instant::now();
    let standings: Vec<Standing> =
        logs.iter().map(|log| stand_whole(&place(), log, &[], &basis).0).collect();
    let commune_ms = millis(&since.elapsed());
    let mut times: Vec<Duration> = logs.iter().map(|log| one_change(log, &basis)).collect();
    let one_change_p50_us = percentile(&mut times, 50);
    Triage {
        households: logs.len(),
        changes: logs.iter().map(Vec::len).sum(),
        disputes: standings.iter().map(|standing| standing.disputes.len()).sum(),
        for_person: standings.iter().map(|standing| standing.triage.for_person()).sum(),
        commune_ms,
        one_change_p50_us,
        one_change_worst_us: times.last().map_or(0, micros),
        worst: worst(&basis),
    }
}

fn place() -> Place {
    Place {
        household: HouseholdId([1; 16]),
        document: DocumentId([2; 16]),
        hamlet: "19558-01".to_owned(),
        area: Area::Rural,
        opening: Some(Class::Poor),
        opening_dtts: true,
    }
}

/// Writes a page on top of others, under a name of its own.
fn saved(on: &[Logged], number: u64, page: &Page) -> Logged {
    let mut doc = merge(on).doc;
    let mut actor = [0; 16];
    actor.copy_from_slice(&sha256(&number.to_be_bytes())[..16]);
    doc.set_actor(actor_id(Actor(actor)));
    let written = write(&mut doc, page, 0).expect("it can be written").expect("it says something");
    Logged { hash: written.hash, chunk: written.chunk, by: Way::Device }
}

fn family(number: u64, basis: &Basis<'_>) -> Household {
    let classes = [Class::Poor, Class::NearPoor, Class::Above];
    let class = classes[usize::try_from(number % 3).expect("small")];
    let spec = Spec {
        code: "19558-01-0001".to_owned(),
        hamlet: "19558-01".to_owned(),
        area: Area::Rural,
        opening: Some(Class::Poor),
        dtts: true,
        ethnicity: "23".to_owned(),
        goal: Goal::Class(class),
        method: B1Method::Computed,
        seed: number,
    };
    truth(&spec, basis).household
}

/// Makes the log of a household: its review in four pages, and perhaps a second phone's.
fn log(number: u64, basis: &Basis<'_>) -> Vec<Logged> {
    let household = family(number, basis);
    let answers: Vec<(&String, &Value)> = household.answers.iter().collect();
    let mut log = Vec::new();
    for part in 0..4 {
        let mut page = Page::default();
        let of = answers.iter().skip(part).step_by(4);
        page.answers = of.map(|(key, value)| ((*key).clone(), (*value).clone())).collect();
        if part == 0 {
            page.members.clone_from(&household.members);
        }
        log.push(saved(&log, number * 8 + u64::try_from(part).expect("small"), &page));
    }
    if number % 100 < LOOKED_AGAIN_PERCENT {
        let base = &log[..2];
        let slips = [
            ("water", "unprotected_spring"),
            ("roof", "leaf"),
            ("farm", "forestry"),
            ("wall", "plank"),
        ];
        let (key, other) = slips[usize::try_from(number % 4).expect("small")];
        let is_otherwise = (number / 4).is_multiple_of(OTHERWISE_ONE_IN);
        let value =
            if is_otherwise { Some(other.into()) } else { household.answers.get(key).cloned() };
        let mut page = Page::default();
        page.answers.extend(value.map(|value| (key.to_owned(), value)));
        page.answers.insert("notes_other".to_owned(), format!("{number}").into());
        let second = saved(base, number * 8 + 7, &page);
        log.push(second);
    }
    log
}

/// Times what one more change costs a household whose document is saved.
fn one_change(log: &[Logged], basis: &Basis<'_>) -> Duration {
    let (_, doc) = stand_whole(&place(), log, &[], basis);
    let saved_doc = doc.expect("nothing is left out").save_nocompress();
    let known: Vec<Known> =
        log.iter().map(|change| Known { hash: change.hash, by: change.by }).collect();
    // What nobody wrote before: a page that says nothing new is no change.
    let answers = Answers::from([("notes_other".to_owned(), "một lần nữa".into())]);
    let later = [saved(log, u64::MAX, &Page { answers, ..Page::default() })];
    let since = Instant::now();
    let standing = stand_on(&place(), &Base { saved: &saved_doc, changes: &known }, &later, basis);
    let took = since.elapsed();
    assert!(standing.is_some(), "it stands on what was saved");
    took
}

/// Times the largest household: at the bound, beyond it, and with one answer of sixty values.
fn worst(basis: &Basis<'_>) -> Vec<Worst> {
    let mut household = family(1, basis);
    let members: Vec<Answers> = household.members.values().cloned().collect();
    for number in household.members.len()..MEMBERS {
        let mut member = members[number % members.len()].clone();
        member.insert("relation".to_owned(), "other".into());
        household.members.insert(format!("{number:032x}"), member);
    }
    // Both of two values are to be new.
    household.members.values_mut().for_each(|member| drop(member.remove("insurance")));
    household.answers.remove("area_dm2");
    let page = Page {
        answers: household.answers.clone(),
        members: household.members.clone(),
        ..Page::default()
    };
    let base = vec![saved(&[], 1, &page)];
    let contested: Vec<(String, &str, [Value; 2])> = household
        .members
        .keys()
        .map(|id| (id.clone(), "insurance", [true.into(), false.into()]))
        .collect();
    let with = |count: usize| {
        let mut log = base.clone();
        for (turn, number) in [(0, 2_u64), (1, 3)] {
            let mut page = Page::default();
            for (id, key, values) in contested.iter().take(count) {
                let said = Answers::from([((*key).to_owned(), values[turn].clone())]);
                page.members.insert(id.clone(), said);
            }
            log.push(saved(&base, number, &page));
        }
        log
    };
    let sixty = {
        let mut log = base.clone();
        for number in 0..60_u64 {
            let area = i64::try_from(2_000 + number * 40).expect("small");
            let answers = Answers::from([("area_dm2".to_owned(), area.into())]);
            log.push(saved(&base, 10 + number, &Page { answers, ..Page::default() }));
        }
        log
    };
    [
        ("eight answers with two values each", with(8)),
        ("forty answers with two values each: beyond the bound", with(MEMBERS)),
        ("one answer with sixty values", sixty),
    ]
    .into_iter()
    .map(|(what, log)| {
        let since = Instant::now();
        let standing = stand_whole(&place(), &log, &[], basis).0;
        let took_us = micros(&since.elapsed());
        Worst {
            what: what.to_owned(),
            members: household.members.len(),
            disputes: standing.disputes.len(),
            beyond: standing.triage.beyond,
            took_us,
        }
    })
    .collect()
}
