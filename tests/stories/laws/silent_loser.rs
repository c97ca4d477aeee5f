//! P8: no silent loser. Every value ever written is current, superseded, or in a dispute.
//!
//! The model knows nothing of Automerge: it keeps for each change which others its author had
//! seen, and works out from that alone what must be current and what must be disputed.

mod ledgered;

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, Change};
use mobile_schema::household::{Answers, Value};
use shared::id::{Actor, ChangeHash, to_hex};
use shared::merge::{actor_id, genesis, merge};
use shared::page::{Decision, Page, SettleError, settle, write};
use shared::resolve::{Path, resolve};

use super::cases;
use super::rng::Rng;

/// P8: operations in all, over as many households as that takes.
const OPERATIONS: usize = 100_000;

/// Operations on one household; the model's sets hold 128 changes.
const PER_HOUSEHOLD: usize = 60;

/// Of so many households one's ledger is compared with the model, all of them with `RASOAT_LEDGER=1`.
const LEDGER_EVERY: u64 = 4;

/// Devices that work on one household.
const DEVICES: usize = 4;

/// Whatever people write and hear of each other, nothing vanishes without somebody who saw it.
#[test]
fn no_value_is_lost_without_somebody_who_saw_it() {
    let mut counted = Counted::default();
    let every_ledger = std::env::var_os("RASOAT_LEDGER").is_some();
    for seed in 0..u64::try_from(cases(OPERATIONS).div_ceil(PER_HOUSEHOLD)).expect("a count") {
        let mut rng = Rng::new(seed);
        let mut house = House::new();
        for operation in 0..PER_HOUSEHOLD {
            match rng.below(100) {
                0..60 => house.put(&mut rng),
                60..88 => house.hear(&mut rng),
                _ => house.settle(&mut rng, &mut counted),
            }
            if operation % 20 == 19 {
                house.check(&mut counted).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
            }
        }
        if seed % LEDGER_EVERY == 0 || every_ledger {
            house.check_ledger(&mut counted).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        }
    }
    assert!(counted.disputes > 1_000 && counted.settles > 1_000, "{counted:?}");
    assert!(counted.superseded > 1_000 && counted.agreed > 1_000, "{counted:?}");
    assert!(counted.removals > 500 && counted.overwritten > 250, "{counted:?}");
    eprintln!("{counted:?}");
}

#[derive(Debug, Default)]
struct Counted {
    disputes: usize,
    settles: usize,
    superseded: usize,
    agreed: usize,
    removals: usize,
    overwritten: usize,
}

/// A set of changes by number.
type Set = u128;

fn of(number: usize) -> Set {
    1 << number
}

/// One change as the model sees it.
struct Made {
    hash: ChangeHash,
    chunk: Vec<u8>,
    /// Written in an office.
    office: bool,
    /// What its author had seen.
    seen: Set,
    wrote: Vec<(Path, Value)>,
}

struct Device {
    doc: Automerge,
    seen: Set,
}

struct House {
    made: Vec<Made>,
    devices: Vec<Device>,
}

impl House {
    fn new() -> Self {
        let device = |number: u8| {
            let mut doc = genesis();
            doc.set_actor(actor_id(Actor([number; 16])));
            Device { doc, seen: 0 }
        };
        Self { made: Vec::new(), devices: (1..).map(device).take(DEVICES).collect() }
    }

    /// Works out what is current on a path for somebody who has seen these changes.
    fn current(&self, path: &Path, seen: Set) -> Vec<(usize, &Value)> {
        let writes: Vec<(usize, &Value)> = (0..self.made.len())
            .filter(|number| seen & of(*number) != 0)
            .flat_map(|number| self.made[number].wrote.iter().map(move |write| (number, write)))
            .filter(|(_, (at, _))| at == path)
            .map(|(number, (_, value))| (number, value))
            .collect();
        let superseded = |number: usize| {
            writes.iter().any(|(later, _)| self.made[*later].seen & of(number) != 0)
        };
        writes.iter().copied().filter(|(number, _)| !superseded(*number)).collect()
    }

    /// Works out which current edits of a member and which current removals have not seen each other.
    fn unseen_edits(&self, path: &Path, seen: Set) -> BTreeSet<usize> {
        let Path::Member(id, key) = path else { return BTreeSet::new() };
        let removals: Vec<usize> =
            self.current(path, seen).into_iter().map(|(number, _)| number).collect();
        if key != "removed" || removals.is_empty() {
            return BTreeSet::new();
        }
        let name = Path::Member(id.clone(), "name".to_owned());
        let edits = self.current(&name, seen).into_iter().map(|(number, _)| number);
        let apart = |edit: &usize| {
            removals.iter().all(|removal| {
                removal != edit
                    && self.made[*removal].seen & of(*edit) == 0
                    && self.made[*edit].seen & of(*removal) == 0
            })
        };
        edits.filter(apart).collect()
    }

    /// Says whether writing the value would say nothing new.
    fn says_nothing(&self, path: &Path, value: &Value, seen: Set) -> bool {
        matches!(self.current(path, seen)[..], [(_, known)] if known == value)
    }

    /// Draws an answer that people argue about; members are those known, or a new one.
    fn draw(&self, rng: &mut Rng, seen: Set) -> (Path, Value) {
        let number = Value::Int(i64::try_from(rng.below(3)).expect("small"));
        match rng.below(10) {
            0..5 => {
                let key = *rng.pick(&["water", "farm", "area_dm2", "media.tv"]);
                let value = match key {
                    "area_dm2" => number,
                    "media.tv" => Value::Bool(rng.chance(50)),
                    _ => (*rng.pick(&["piped", "rain", "other"])).into(),
                };
                (Path::Answer(key.to_owned()), value)
            }
            5..7 => (Path::B1Item((*rng.pick(&["1", "2"])).to_owned()), number),
            _ => {
                let members: BTreeSet<&String> = (0..self.made.len())
                    .filter(|number| seen & of(*number) != 0)
                    .flat_map(|number| &self.made[number].wrote)
                    .filter_map(|(path, _)| match path {
                        Path::Member(id, _) => Some(id),
                        Path::Answer(_) | Path::B1Item(_) => None,
                    })
                    .collect();
                let members: Vec<&String> = members.into_iter().take(2).collect();
                let id = if members.is_empty() || rng.chance(5) {
                    to_hex(&rng.bytes::<16>())
                } else {
                    (*rng.pick(&members)).clone()
                };
                let key = *rng.pick(&["name", "removed"]);
                (Path::Member(id, key.to_owned()), (*rng.pick(&["A Páo", "Thị Lan"])).into())
            }
        }
    }

    fn put(&mut self, rng: &mut Rng) {
        let who = rng.below(DEVICES);
        let seen = self.devices[who].seen;
        let mut wanted = BTreeMap::new();
        for _ in 0..1 + rng.below(3) {
            let (path, value) = self.draw(rng, seen);
            wanted.insert(path, value);
        }
        let page = page(&wanted);
        let written = write(&mut self.devices[who].doc, &page, 0).unwrap();
        wanted.retain(|path, value| !self.says_nothing(path, value, seen));
        assert_eq!(written.is_some(), !wanted.is_empty(), "{wanted:?}");
        if let Some(written) = written {
            self.devices[who].seen |= of(self.made.len());
            let wrote = wanted.into_iter().collect();
            let (hash, chunk) = (written.hash, written.chunk);
            self.made.push(Made { hash, chunk, office: false, seen, wrote });
        }
    }

    /// One device takes over all that another has, or one change with all that it builds on.
    fn hear(&mut self, rng: &mut Rng) {
        let (who, from) = (rng.below(DEVICES), self.devices[rng.below(DEVICES)].seen);
        let heard = if rng.chance(50) || self.made.is_empty() {
            from
        } else {
            let number = rng.below(self.made.len());
            if from & of(number) == 0 { 0 } else { of(number) | self.made[number].seen }
        };
        let device = &mut self.devices[who];
        let new = (0..self.made.len()).filter(|number| heard & !device.seen & of(*number) != 0);
        let new: Vec<Change> =
            new.map(|number| Change::try_from(&self.made[number].chunk[..]).unwrap()).collect();
        device.doc.apply_changes(new).unwrap();
        device.seen |= heard;
    }

    /// An officer settles one answer at the version shown, which may be an old one.
    fn settle(&mut self, rng: &mut Rng, counted: &mut Counted) {
        let all: Set = (0..self.made.len()).map(of).sum();
        let shown = if rng.chance(70) { all } else { self.devices[rng.below(DEVICES)].seen };
        let heads: Vec<ChangeHash> = self.heads(shown);
        let disputed: Vec<(Path, Value)> = (0..20)
            .map(|_| self.draw(rng, shown))
            .filter(|(path, _)| {
                self.current(path, shown).len() > 1 || !self.unseen_edits(path, shown).is_empty()
            })
            .collect();
        let Some((path, value)) = disputed.first() else { return };
        let chunks: Vec<&Vec<u8>> = self.made.iter().map(|made| &made.chunk).collect();
        let officer = Actor(rng.bytes());
        let nothing =
            self.says_nothing(path, value, shown) && self.unseen_edits(path, shown).is_empty();
        let decision = Decision { heads: &heads, path, value: Some(value), closes: &[] };
        match settle(&chunks, officer, &decision) {
            Ok(written) => {
                assert!(!nothing, "{path} was settled already");
                counted.settles += 1;
                let (hash, chunk) = (written.hash, written.chunk);
                let wrote = vec![(path.clone(), value.clone())];
                self.made.push(Made { hash, chunk, office: true, seen: shown, wrote });
            }
            // Drawn at random: neither a competing value nor one the form knows.
            Err(SettleError::Unfit(_)) => {}
            Err(SettleError::NothingToSettle) => assert!(nothing, "{path} stays disputed"),
            Err(other) => panic!("{path}: {other}"),
        }
    }

    fn heads(&self, seen: Set) -> Vec<ChangeHash> {
        let below = (0..self.made.len())
            .filter(|number| seen & of(*number) != 0)
            .fold(0, |below, number| below | self.made[number].seen);
        let heads = (0..self.made.len()).filter(|number| seen & !below & of(*number) != 0);
        heads.map(|number| self.made[number].hash).collect()
    }

    /// Compares what the line says with what the model says, write by write.
    fn check(&self, counted: &mut Counted) -> Result<(), String> {
        let chunks: Vec<&Vec<u8>> = self.made.iter().map(|made| &made.chunk).collect();
        let merged = merge(&chunks);
        let resolved = resolve(&merged.doc);
        let all: Set = (0..self.made.len()).map(of).sum();
        let paths: BTreeSet<&Path> =
            self.made.iter().flat_map(|made| made.wrote.iter().map(|(path, _)| path)).collect();
        let (mut disputes, mut standing) = (0, 0);
        for path in paths {
            let mut sides: BTreeMap<Option<Value>, Vec<ChangeHash>> = BTreeMap::new();
            let current = self.current(path, all);
            standing += current.len();
            for (number, value) in &current {
                let side = sides.entry(Some((*value).clone())).or_default();
                side.push(self.made[*number].hash);
            }
            for edit in self.unseen_edits(path, all) {
                sides.entry(None).or_default().push(self.made[edit].hash);
                counted.removals += 1;
            }
            let household = &resolved.household;
            let read = match path {
                Path::Answer(key) => household.answers.get(key).cloned(),
                Path::B1Item(item) => household.b1_items.get(item).copied().map(Value::Int),
                Path::Member(id, key) => {
                    household.members.get(id).and_then(|member| member.get(key)).cloned()
                }
            };
            let dispute = resolved.disputes.iter().find(|dispute| dispute.path == *path);
            if sides.len() == 1 {
                counted.agreed += 1;
                let agreed = sides.keys().next().cloned().flatten();
                if read != agreed || dispute.is_some() {
                    return Err(format!("{path}: {read:?} {dispute:?}, must be {agreed:?}"));
                }
                continue;
            }
            disputes += 1;
            let named: BTreeMap<Option<Value>, Vec<ChangeHash>> = dispute
                .iter()
                .flat_map(|dispute| &dispute.values)
                .map(|side| (side.value.clone(), side.changes.clone()))
                .collect();
            sides.values_mut().for_each(|hashes| {
                hashes.sort_unstable();
                hashes.dedup();
            });
            if named != sides || read.is_some() {
                return Err(format!("{path}: {named:?} {read:?}, must be disputed: {sides:?}"));
            }
        }
        if resolved.disputes.len() != disputes {
            return Err(format!("{} disputes, must be {disputes}", resolved.disputes.len()));
        }
        let writes: usize = self.made.iter().map(|made| made.wrote.len()).sum();
        counted.superseded += writes - standing;
        counted.disputes += disputes;
        Ok(())
    }
}

fn page(wanted: &BTreeMap<Path, Value>) -> Page {
    let mut page = Page::default();
    for (path, value) in wanted {
        match path {
            Path::Answer(key) => drop(page.answers.insert(key.clone(), value.clone())),
            Path::B1Item(item) => {
                page.b1_items.insert(item.clone(), value.as_int().expect("points"));
            }
            Path::Member(id, key) => {
                let answers: &mut Answers = page.members.entry(id.clone()).or_default();
                answers.insert(key.clone(), value.clone());
            }
        }
    }
    page
}
