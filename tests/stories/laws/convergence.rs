//! P3: what a household comes to depends on the set of its changes alone.
//!
//! Compared is everything people see: row, disputes, flags, heads, answers, and the root of the
//! list. Saved bytes of a document are never compared: they depend on the order.

use std::collections::BTreeMap;

use mobile_schema::household::{Answers, Asked, Household, Value};
use shared::id::{CampaignId, Digest, DocumentId, HouseholdId, to_hex};
use shared::list::{List, freeze};
use shared::merge::merge;
use shared::page::Page;
use shared::resolve::{Resolved, resolve};
use shared::standing::{Logged, Place, Standing, Way, stand};
use shared::unit::Area;

use super::cases;
use super::device::{Device, Known, basis, opinions};
use super::rng::Rng;

/// P3: generated sets of changes.
const SETS: usize = 2_000;

/// P3: orders, with repetitions, in which each set arrives.
const ORDERS: usize = 10;

/// Any order and any repetition of the same changes give the same standing and the same root.
#[test]
fn a_household_depends_on_the_set_of_its_changes_alone() {
    let opinions = opinions();
    let sets = u64::try_from(cases(SETS)).expect("a count");
    let seen = std::thread::scope(|threads| {
        let try_half = |half: u64| {
            let opinions = &opinions;
            threads.spawn(move || {
                let mut seen = Seen::default();
                (half..sets).step_by(2).for_each(|seed| try_set(seed, opinions, &mut seen));
                seen
            })
        };
        let halves = [try_half(0), try_half(1)];
        halves.map(|half| half.join().expect("the set whose seed is printed above converges"))
    });
    // The sets are what the law is about, not empty ones.
    for (what, count) in &seen[0].0 {
        let count = count + seen[1].0[what];
        assert!(count > cases(SETS) / 20, "only {count} sets with {what}");
    }
}

fn try_set(seed: u64, opinions: &[Household], seen: &mut Seen) {
    let mut rng = Rng::new(seed);
    let mut log = generate(&mut rng, opinions);
    let (expected, read) = (outcome(&log), answers(&log));
    seen.note(&log, &expected, read.1);
    for order in 1..ORDERS {
        rng.shuffle(&mut log);
        let arrived = with_repetitions(&mut rng, &log);
        let got = outcome(&arrived);
        assert!(got == expected, "seed {seed}, order {order}:\n{got:#?}\n{expected:#?}");
        // The answers behind the standing cost another merge: looked at in some of the orders.
        if order % 4 == 1 {
            let got = answers(&arrived);
            assert!(got == read, "seed {seed}, order {order}:\n{got:#?}\n{read:#?}");
        }
    }
}

/// What people see of a household: its standing, and the root of a list it is on.
fn outcome(log: &[Logged]) -> (Standing, Digest) {
    let standing = stand(&place(), log, &[], &basis());
    let list = List {
        campaign: CampaignId([9; 16]),
        unit: "19558".to_owned(),
        review_date: "2022-12-14".to_owned(),
        standard: "nd-07-2021".to_owned(),
        hamlets: Vec::new(),
        rows: vec![standing.row.clone()],
    };
    let root = freeze(&list).1;
    (standing, root)
}

/// Every agreed answer, and how many changes wait for an ancestor.
fn answers(log: &[Logged]) -> (Resolved, usize) {
    let merged = merge(log);
    (resolve(&merged.doc), merged.waiting.len())
}

pub(super) fn place() -> Place {
    Place {
        household: HouseholdId([1; 16]),
        document: DocumentId([2; 16]),
        hamlet: "19558-01".to_owned(),
        area: Area::Rural,
        opening: None,
        opening_dtts: true,
    }
}

/// Repeats some of the changes somewhere else in the order.
pub(super) fn with_repetitions(rng: &mut Rng, log: &[Logged]) -> Vec<Logged> {
    let mut arrived = log.to_vec();
    for _ in 0..rng.below(log.len() + 1) {
        let again = rng.pick(log).clone();
        arrived.insert(rng.below(arrived.len() + 1), again);
    }
    arrived
}

/// Several devices write, hear of each other or do not, one gets copied, something gets lost.
pub(super) fn generate(rng: &mut Rng, opinions: &[Household]) -> Vec<Logged> {
    let mut devices: Vec<Device> = (1..=2 + u8::from(rng.chance(60))).map(Device::new).collect();
    let mut everything = Known::new();
    let opening = page(rng, &opinions[0], true);
    // In some villages everybody says the same, if not in the same order.
    let opinions = if rng.chance(40) { &opinions[..1] } else { opinions };
    for number in 0..4 + rng.below(8) {
        let writer = rng.below(devices.len());
        if rng.chance(30) {
            let other = devices[rng.below(devices.len())].clone();
            devices[writer].hear(&other);
        }
        if rng.chance(6) {
            let copy = devices[writer].clone();
            devices.push(copy);
        }
        let page = if number == 0 || rng.chance(5) {
            opening.clone()
        } else {
            let opinion = rng.below(opinions.len());
            let mut page = page(rng, &opinions[opinion], false);
            if opinions.len() > 1 {
                dissent(rng, &opinions[opinion], &mut page);
            }
            page
        };
        let clock_s = 1_664_600_000 + i64::try_from(rng.below(300_000_000)).expect("ten years");
        if let Some(written) = devices[writer].save(&page, clock_s) {
            everything.insert(written.hash, written.chunk);
        }
    }
    let mut log = Vec::new();
    for (hash, chunk) in everything {
        let by = *rng.pick(&[Way::Device, Way::Device, Way::Session, Way::Desk]);
        if !rng.chance(3) {
            log.push(Logged { hash, chunk, by });
        }
    }
    log
}

/// One saved page: everything somebody thinks about the family, or a part of it.
fn page(rng: &mut Rng, opinion: &Household, whole: bool) -> Page {
    let percent = if whole { 100 } else { 1 + rng.below(25) };
    let mut page = Page::default();
    if whole {
        page.opening = Some((CampaignId([9; 16]), HouseholdId([1; 16])));
    }
    let mut some = |answers: &Answers| -> Answers {
        let picked = answers.iter().filter(|_| rng.chance(percent));
        picked.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    page.answers = some(&opinion.answers);
    for (id, answers) in &opinion.members {
        let answers = some(answers);
        if !answers.is_empty() {
            page.members.insert(id.clone(), answers);
        }
    }
    if whole {
        page.b1_items.clone_from(&opinion.b1_items);
    }
    if rng.chance(30) {
        let by = Some((*rng.pick(&["hoa", "minh"])).to_owned());
        page.asked.insert("house".to_owned(), Asked { by, ..Asked::default() });
    }
    page
}

/// Adds what changes who belongs to the family, and other points.
fn dissent(rng: &mut Rng, opinion: &Household, page: &mut Page) {
    if rng.chance(10) {
        let points = i64::try_from(rng.below(3)).expect("small");
        page.b1_items = opinion.b1_items.keys().map(|item| (item.clone(), points)).collect();
    }
    if rng.chance(15) {
        let answers = Answers::from([("birth".to_owned(), "2001".into())]);
        page.members.insert(to_hex(&rng.bytes::<16>()), answers);
    }
    if rng.chance(15) {
        let reason: Value = (*rng.pick(&["died", "moved_out"])).into();
        let member = opinion.members.keys().next().expect("nobody lives alone here").clone();
        page.members.entry(member).or_default().insert("removed".to_owned(), reason);
    }
}

/// How many of the sets show what the law is about.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    fn note(&mut self, log: &[Logged], (standing, _): &(Standing, Digest), waiting: usize) {
        let classified = standing.row.class.is_some() && standing.open.missing.is_empty();
        for (what, is) in [
            ("several heads", standing.heads.len() > 1),
            ("disputes", !standing.disputes.is_empty()),
            ("a copied phone", standing.flags.iter().any(|flag| flag.code == "actor-forked")),
            ("something missing", waiting > 0),
            ("a class", classified),
            ("several changes", log.len() > 3),
        ] {
            *self.0.entry(what).or_default() += usize::from(is);
        }
    }
}
