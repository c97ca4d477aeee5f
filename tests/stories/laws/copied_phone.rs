//! P4: a copied phone writes two changes under one number, and nobody else suffers for it.
//!
//! The result is the same in every order, nothing disappears, and whoever never built on a change
//! that has a double stays in the main document.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Change;
use shared::id::ChangeHash;
use shared::merge::{Merged, genesis_hash, merge};
use shared::page::Page;
use shared::resolve::{Resolved, resolve};

use super::cases;
use super::device::{Device, Known};
use super::rng::Rng;

/// P4: every story of up to this many events is tried.
const EVENTS: usize = 6;

/// P4: random stories on top, longer and with more people.
const STORIES: usize = 1_000;

/// Hoa's phone was copied; Minh's was not. Every story of up to six events, in several orders.
#[test]
fn every_short_story_of_a_copied_phone_comes_out_alike_in_any_order() {
    let mut told = Told::default();
    tell(&Scene::new(1), &mut Vec::new(), &mut told);
    assert!(told.stories > 1_000 && told.forked > 500, "{} {}", told.stories, told.forked);
}

/// Several copies, several innocent people, something lost: the same holds.
#[test]
fn long_stories_of_copied_phones_come_out_alike_in_any_order() {
    let mut forked = 0;
    for seed in 0..u64::try_from(cases(STORIES)).expect("a count") {
        let mut rng = Rng::new(seed);
        let mut scene = Scene::new(3);
        for _ in 0..6 + rng.below(25) {
            let (who, other) = (rng.below(scene.people.len()), rng.below(scene.people.len()));
            match rng.below(10) {
                0..6 => scene.write(who),
                6..9 => scene.hear(who, other),
                _ => scene.copy(who),
            }
        }
        scene.written.retain(|_, _| !rng.chance(5));
        let mut orders = vec![scene.written.values().cloned().collect::<Vec<_>>()];
        for _ in 0..3 {
            let mut order = orders[0].clone();
            order.extend(orders[0].iter().filter(|_| rng.chance(20)).cloned());
            rng.shuffle(&mut order);
            orders.push(order);
        }
        forked += judge(&orders).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
    assert!(forked > STORIES, "only {forked} side branches");
}

/// Who is there: hoa's phone, its copy, and innocent people after them.
#[derive(Clone)]
struct Scene {
    people: Vec<Device>,
    written: Known,
    pages: i64,
}

impl Scene {
    fn new(innocent: u8) -> Self {
        let mut people = vec![Device::new(1), Device::new(1)];
        people.extend((2..2 + innocent).map(Device::new));
        Self { people, written: Known::new(), pages: 0 }
    }

    fn write(&mut self, who: usize) {
        self.pages += 1;
        let mut page = Page::default();
        page.answers.insert("area_dm2".to_owned(), self.pages.into());
        let written = self.people[who].save(&page, 0).expect("a new value");
        self.written.insert(written.hash, written.chunk);
    }

    fn hear(&mut self, who: usize, other: usize) {
        let other = self.people[other].clone();
        self.people[who].hear(&other);
    }

    fn copy(&mut self, who: usize) {
        let copy = self.people[who].clone();
        self.people.push(copy);
    }
}

#[derive(Default)]
struct Told {
    /// Sets of changes judged already: many stories come to the same one.
    known: BTreeSet<Vec<ChangeHash>>,
    stories: usize,
    forked: usize,
}

/// Who is who in the short stories.
const HOA: usize = 0;
const COPY: usize = 1;
const MINH: usize = 2;

/// One event.
type Happen = fn(&mut Scene);

/// Goes through every story that continues this one.
fn tell(scene: &Scene, events: &mut Vec<&'static str>, told: &mut Told) {
    let hashes: Vec<ChangeHash> = scene.written.keys().copied().collect();
    if told.known.insert(hashes) {
        let forward: Vec<Vec<u8>> = scene.written.values().cloned().collect();
        let backward: Vec<Vec<u8>> = forward.iter().rev().cloned().collect();
        let twice: Vec<Vec<u8>> =
            forward.iter().skip(1).chain(&backward).chain(&forward).cloned().collect();
        let forked = judge(&[forward, backward, twice]);
        told.forked += forked.unwrap_or_else(|what| panic!("{events:?}: {what}"));
        told.stories += 1;
    }
    if events.len() == EVENTS {
        return;
    }
    let next: [(&'static str, Happen); 7] = [
        ("hoa writes", |scene| scene.write(HOA)),
        ("the copy writes", |scene| scene.write(COPY)),
        ("minh writes", |scene| scene.write(MINH)),
        ("minh hears hoa", |scene| scene.hear(MINH, HOA)),
        ("minh hears the copy", |scene| scene.hear(MINH, COPY)),
        ("hoa hears minh", |scene| scene.hear(HOA, MINH)),
        ("the copy hears minh", |scene| scene.hear(COPY, MINH)),
    ];
    for (event, happen) in next {
        let mut after = scene.clone();
        happen(&mut after);
        events.push(event);
        tell(&after, events, told);
        events.pop();
    }
}

/// What came of one set of changes, as far as it must not depend on the order.
#[derive(Debug, PartialEq)]
struct Outcome {
    resolved: Resolved,
    parts: [BTreeSet<ChangeHash>; 4],
}

fn result_of(merged: &Merged) -> Outcome {
    let main = merged.doc.get_changes(&[]).into_iter().map(|change| ChangeHash(change.hash().0));
    let main = main.filter(|hash| *hash != genesis_hash()).collect();
    let set = |hashes: &[ChangeHash]| hashes.iter().copied().collect();
    let parts = [main, set(&merged.waiting), set(&merged.forked), set(&merged.broken)];
    Outcome { resolved: resolve(&merged.doc), parts }
}

/// Checks one set of changes, given in several orders; returns how many are on side branches.
fn judge(orders: &[Vec<Vec<u8>>]) -> Result<usize, String> {
    let result = result_of(&merge(&orders[0]));
    for order in &orders[1..] {
        let other = result_of(&merge(order));
        if other != result {
            return Err(format!("another order: {other:#?}\n{result:#?}"));
        }
    }
    let changes = Changes::read(&orders[0]);
    let [main, waiting, forked, broken] = &result.parts;
    let placed: Vec<ChangeHash> =
        result.parts.iter().flat_map(|part| part.iter().copied()).collect();
    let distinct: BTreeSet<ChangeHash> = placed.iter().copied().collect();
    if placed.len() != changes.by_hash.len() || distinct.len() != placed.len() {
        return Err(format!("something disappeared or is counted twice: {:#?}", result.parts));
    }
    if !broken.is_empty() {
        return Err(format!("sound changes counted as broken: {broken:?}"));
    }
    for hash in changes.by_hash.keys() {
        let ancestry = changes.ancestry(*hash);
        let whole = ancestry.iter().all(|other| changes.by_hash.contains_key(other));
        let innocent = ancestry.iter().all(|other| changes.doubles(*other).len() < 2);
        if whole == waiting.contains(hash) && !forked.contains(hash) {
            return Err(format!("{hash} waits for nothing, or is in without its ancestors"));
        }
        if whole && innocent && !main.contains(hash) {
            return Err(format!("{hash} is left out though nothing it builds on has a double"));
        }
    }
    for hash in forked {
        let taken = changes.doubles(*hash).iter().any(|double| main.contains(double));
        let follows = changes.by_hash[hash]
            .deps()
            .iter()
            .any(|dependency| forked.contains(&ChangeHash(dependency.0)));
        if !taken && !follows {
            return Err(format!("{hash} is left out though nothing stands in its place"));
        }
    }
    for doubles in changes.by_number.values().filter(|doubles| doubles.len() > 1) {
        let undisputed = doubles.iter().all(|hash| {
            let mut ancestry = changes.ancestry(*hash);
            ancestry.remove(hash);
            ancestry.iter().all(|other| changes.doubles(*other).len() < 2)
                && ancestry.iter().all(|other| changes.by_hash.contains_key(other))
        });
        let smallest = doubles.iter().min().expect("two or more");
        if undisputed && !main.contains(smallest) {
            return Err(format!("of the doubles {doubles:?} the smallest must stay"));
        }
    }
    Ok(forked.len())
}

/// The changes as the law reads them.
struct Changes {
    by_hash: BTreeMap<ChangeHash, Change>,
    by_number: BTreeMap<(Vec<u8>, u64), BTreeSet<ChangeHash>>,
}

impl Changes {
    fn read(chunks: &[Vec<u8>]) -> Self {
        let (mut by_hash, mut by_number) = (BTreeMap::new(), BTreeMap::new());
        for chunk in chunks {
            let change = Change::from_bytes(chunk.clone()).expect("our own change");
            let hash = ChangeHash(change.hash().0);
            let number = (change.actor_id().to_bytes().to_vec(), change.seq());
            let doubles: &mut BTreeSet<ChangeHash> = by_number.entry(number).or_default();
            doubles.insert(hash);
            by_hash.insert(hash, change);
        }
        Self { by_hash, by_number }
    }

    /// Returns the changes with this one's actor and number, itself among them.
    fn doubles(&self, hash: ChangeHash) -> BTreeSet<ChangeHash> {
        let Some(change) = self.by_hash.get(&hash) else { return BTreeSet::new() };
        self.by_number[&(change.actor_id().to_bytes().to_vec(), change.seq())].clone()
    }

    /// Returns a change with everything it builds on, known or not.
    fn ancestry(&self, hash: ChangeHash) -> BTreeSet<ChangeHash> {
        let (mut found, mut next) = (BTreeSet::new(), vec![hash]);
        while let Some(hash) = next.pop() {
            if hash == genesis_hash() || !found.insert(hash) {
                continue;
            }
            if let Some(change) = self.by_hash.get(&hash) {
                next.extend(change.deps().iter().map(|dependency| ChangeHash(dependency.0)));
            }
        }
        found
    }
}
