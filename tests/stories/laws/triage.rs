//! P8: only what matters reaches a person, and everything that does.
//!
//! The brute force knows nothing of triage: it writes each combination of the competing values into
//! a fresh document, runs the whole line on it, and compares what would be reported.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::form::{Form, Kind, Scope};
use mobile_schema::household::{Household, Value};
use server::demo::population::{Goal, Spec, truth};
use shared::classify::{B1Method, Class};
use shared::id::{CampaignId, HouseholdId};
use shared::merge::merge;
use shared::page::Page;
use shared::resolve::{Path, resolve};
use shared::standing::{Logged, Standing, Way, stand};
use shared::triage::{Figure, RULE, Verdict, outcomes};
use shared::unit::Area;

use super::convergence::place;
use super::device::{Device, basis};
use super::rng::Rng;

/// Generated households of every run; `RASOAT_TRIAGE=10000` names another number.
const HOUSEHOLDS: u64 = 300;

/// Every verdict is what writing out all combinations says, and what the rule chose is the row.
#[test]
fn triage_agrees_with_writing_out_every_combination() {
    let asked = std::env::var("RASOAT_TRIAGE").ok();
    let count = asked.map_or(HOUSEHOLDS, |count| count.parse().expect("a number"));
    let counted = std::thread::scope(|threads| {
        let half = |half: u64| {
            threads.spawn(move || {
                let mut counted = Counted::default();
                (half..count).step_by(2).for_each(|seed| try_household(seed, &mut counted));
                counted
            })
        };
        [half(0), half(1)].map(|half| half.join().expect("the seed is printed above"))
    });
    let sum = |pick: fn(&Counted) -> usize| counted.iter().map(pick).sum::<usize>();
    let (by_rule, person) = (sum(|one| one.by_rule), sum(|one| one.person));
    eprintln!(
        "{count} households, {} combinations: {by_rule} disputes by rule, {person} for a person; \
         {} households wholly by rule, {} where the class hangs",
        sum(|one| one.combinations),
        sum(|one| one.wholly),
        sum(|one| one.class),
    );
    let fair = usize::try_from(count).expect("a count") / 10;
    assert!(by_rule > fair && person > fair, "both happen");
    assert!(sum(|one| one.wholly) > fair && sum(|one| one.class) > fair / 4, "both happen");
}

#[derive(Default)]
struct Counted {
    combinations: usize,
    by_rule: usize,
    person: usize,
    wholly: usize,
    class: usize,
}

/// Everything that is reported of a household.
type Reported = (String, People, Option<Value>, Option<bool>);

/// What members are told apart by.
type People = BTreeMap<String, Vec<Option<Value>>>;

fn try_household(seed: u64, counted: &mut Counted) {
    let mut rng = Rng::new(seed ^ 0x7472_6961_6765);
    let (household, area) = family(&mut rng, seed);
    let contested = contested(&mut rng, &household);
    if contested.is_empty() {
        return;
    }
    let (standing, agreed) = written(&household, &contested, area);
    let sides = |path: &Path| -> Vec<Option<Value>> {
        let dispute = standing.disputes.iter().find(|dispute| dispute.path == *path);
        dispute
            .map(|one| one.values.iter().map(|side| side.value.clone()).collect())
            .unwrap_or_default()
    };
    for (path, values) in &contested {
        let values: Vec<Option<Value>> = values.iter().cloned().map(Some).collect();
        assert_eq!(sides(path), values, "seed {seed}: {path}");
    }
    assert_eq!(standing.disputes.len(), contested.len(), "seed {seed}");

    let paths: Vec<&Path> = contested.keys().collect();
    let mut all: BTreeMap<Vec<usize>, Reported> = BTreeMap::new();
    let mut rows: Vec<Standing> = Vec::new();
    let mut at = vec![0; paths.len()];
    loop {
        let mut one = agreed.clone();
        for (path, digit) in paths.iter().zip(&at) {
            put(&mut one, path, contested[*path][*digit].clone());
        }
        let alone = alone(&one, area);
        all.insert(at.clone(), reported(&alone, &one));
        rows.push(alone);
        let Some(next) =
            (0..at.len()).find(|place| at[*place] + 1 < contested[paths[*place]].len())
        else {
            break;
        };
        at[next] += 1;
        at[..next].fill(0);
    }
    counted.combinations += all.len();

    let distinct: BTreeSet<&Reported> = all.values().collect();
    let figures = outcomes(&agreed, &standing.disputes, area, &basis()).expect("within the bound");
    assert!(figures.len() <= distinct.len(), "seed {seed}");
    assert!(!standing.triage.beyond);
    for (place, path) in paths.iter().enumerate() {
        let mut classes: BTreeSet<String> = BTreeSet::new();
        let mut matters = false;
        for (at, one) in &all {
            let mut other = at.clone();
            for digit in 0..contested[*path].len() {
                other[place] = digit;
                let beside = &all[&other];
                matters |= beside != one;
                if class_of(beside) != class_of(one) {
                    classes.extend([class_of(beside), class_of(one)]);
                }
            }
        }
        match standing.triage.of(path).expect("each dispute has a verdict") {
            Verdict::Rule(chosen) => {
                assert!(!matters, "seed {seed}: {path} was settled, and something hangs on it");
                assert!(sides(path).contains(chosen));
                counted.by_rule += 1;
            }
            Verdict::Person(hangs) => {
                assert!(matters, "seed {seed}: {path} reached a person, and nothing hangs on it");
                let hang = hangs.iter().find(|hang| hang.figure == Figure::Class);
                let said: BTreeSet<String> =
                    hang.iter().flat_map(|hang| hang.values.iter().cloned()).collect();
                assert_eq!(said, classes, "seed {seed}: {path}");
                counted.class += usize::from(!classes.is_empty());
                counted.person += 1;
            }
        }
    }
    let for_person = standing.triage.for_person();
    assert_eq!(for_person == 0, distinct.len() == 1, "seed {seed}");
    assert_eq!(usize::try_from(standing.open.disputes), Ok(for_person), "seed {seed}");
    if for_person == 0 {
        counted.wholly += 1;
        for row in &rows {
            assert_eq!(said(&standing), said(row), "seed {seed}: the row is the one outcome");
        }
        assert_eq!(standing.row.by_rule.len(), contested.len());
        assert!(standing.row.by_rule.iter().all(|one| one.rule == RULE && !one.changes.is_empty()));
    }
}

fn class_of(reported: &Reported) -> String {
    reported.0.split('|').next().unwrap_or_default().to_owned()
}

/// Makes up a family; of some an answer is missing.
fn family(rng: &mut Rng, seed: u64) -> (Household, Area) {
    let classes = [Class::Poor, Class::NearPoor, Class::Above];
    let goal =
        if rng.chance(4) { Goal::Left("moved_out") } else { Goal::Class(*rng.pick(&classes)) };
    let methods = [B1Method::Computed, B1Method::Computed, B1Method::ItemPoints, B1Method::Entered];
    let area = if rng.chance(20) { Area::Urban } else { Area::Rural };
    let dtts = rng.chance(60);
    let spec = Spec {
        code: "19558-01-0001".to_owned(),
        hamlet: "19558-01".to_owned(),
        area,
        opening: rng.chance(70).then_some(Class::Poor),
        dtts,
        ethnicity: if dtts { "23" } else { "01" }.to_owned(),
        goal,
        method: *rng.pick(&methods),
        seed,
    };
    let mut household = truth(&spec, &basis()).household;
    if rng.chance(8) {
        let keys: Vec<String> = household.answers.keys().cloned().collect();
        household.answers.remove(rng.pick(&keys));
    }
    (household, area)
}

/// Picks answers that people give differently, each with its values in order.
fn contested(rng: &mut Rng, household: &Household) -> BTreeMap<Path, Vec<Value>> {
    let form = Form::phieu_b();
    let keys = form.keys();
    let members: Vec<&String> = household.members.keys().collect();
    let mut contested: BTreeMap<Path, Vec<Value>> = BTreeMap::new();
    let mut room = 64;
    for _ in 0..1 + rng.below(4) {
        let key = if rng.chance(25) {
            // What decides most, as often as all the rest.
            let known =
                ["water", "latrine", "roof", "wall", "b1_entered", "outcome", "notes_other"];
            let key = *rng.pick(&known);
            keys.iter().find(|one| one.key == key).unwrap_or_else(|| rng.pick(&keys))
        } else {
            rng.pick(&keys)
        };
        let path = match key.scope {
            Scope::Household => Path::Answer(key.key.clone()),
            Scope::Member if members.is_empty() => continue,
            Scope::Member => Path::Member((*rng.pick(&members)).clone(), key.key.clone()),
        };
        // Removing somebody while others answer for them is a dispute of its own, tried elsewhere.
        let same = |other: &Path| match (&path, other) {
            (Path::Member(id, key), Path::Member(other, of)) => {
                id == other && (key == "removed") != (of == "removed")
            }
            _ => false,
        };
        if contested.keys().any(same) {
            continue;
        }
        let known = path.value_in(household);
        let mut values: BTreeSet<Value> = BTreeSet::from([other(rng, &key.question.kind, None)]);
        values.insert(other(rng, &key.question.kind, known.as_ref()));
        values.extend(known.filter(|_| rng.chance(60)));
        if rng.chance(5) {
            values.insert("không rõ".into());
        }
        if values.len() < 2 || values.len() > room || contested.contains_key(&path) {
            continue;
        }
        room /= values.len();
        contested.insert(path, values.into_iter().collect());
    }
    contested
}

/// Draws an answer to a question, sometimes close to the one that is known.
fn other(rng: &mut Rng, kind: &Kind, known: Option<&Value>) -> Value {
    let near = |rng: &mut Rng, min: i64, max: i64| {
        let step = i64::try_from(rng.below(21)).expect("small") - 10;
        let from = known.and_then(Value::as_int).unwrap_or(i64::midpoint(min, max.min(300)));
        Value::Int((from + step).clamp(min, max))
    };
    match kind {
        Kind::Choice { options } => rng.pick(options).code.as_str().into(),
        Kind::Ticks { .. } | Kind::YesNo => rng.chance(50).into(),
        Kind::Counts { min, max, .. } | Kind::Integer { min, max, .. } => near(rng, *min, *max),
        Kind::Text { .. } => (*rng.pick(&["Hồ Thị Lan", "Hồ Văn Pả", "gần suối", "nhà cũ"])).into(),
        Kind::PartialDate => {
            let year = 1930 + rng.below(92);
            format!("{year}-{:02}-{:02}", 1 + rng.below(12), 1 + rng.below(28)).into()
        }
        Kind::Digits { .. } => format!("0452{:08}", rng.below(100_000_000)).into(),
    }
}

fn put(household: &mut Household, path: &Path, value: Value) {
    match path {
        Path::Answer(key) => drop(household.answers.insert(key.clone(), value)),
        Path::Member(id, key) => {
            household.members.entry(id.clone()).or_default().insert(key.clone(), value);
        }
        Path::B1Item(_) => unreachable!("none is drawn"),
    }
}

fn page(household: &Household) -> Page {
    Page {
        answers: household.answers.clone(),
        b1_items: household.b1_items.clone(),
        members: household.members.clone(),
        ..Page::default()
    }
}

/// The first page of a family, which says which one it is even where there is nothing else to say.
fn whole(household: &Household) -> Page {
    let opening = Some((CampaignId([9; 16]), HouseholdId([1; 16])));
    Page { opening, ..page(household) }
}

/// Lets one phone write the family and several others, who have seen that alone, write over it.
fn written(
    household: &Household,
    contested: &BTreeMap<Path, Vec<Value>>,
    area: Area,
) -> (Standing, Household) {
    // The first phone leaves the contested answers open: then every value is one of the others.
    let mut base = household.clone();
    for path in contested.keys() {
        match path {
            Path::Answer(key) => drop(base.answers.remove(key)),
            Path::Member(id, key) => {
                base.members.get_mut(id).and_then(|member| member.remove(key));
            }
            Path::B1Item(_) => {}
        }
    }
    let mut first = Device::new(1);
    first.save(&whole(&base), 0).expect("it says something");
    let most = contested.values().map(Vec::len).max().unwrap_or(0);
    let mut all = first.known.clone();
    for (number, turn) in (2_u8..).zip(0..most) {
        let mut device = Device::new(number);
        device.hear(&first);
        let mut said = Household::default();
        for (path, values) in contested {
            if let Some(value) = values.get(turn) {
                put(&mut said, path, value.clone());
            }
        }
        device.save(&page(&said), 0).expect("it says something");
        all.extend(device.known);
    }
    let log: Vec<Logged> =
        all.into_iter().map(|(hash, chunk)| Logged { hash, chunk, by: Way::Device }).collect();
    let agreed = resolve(&merge(&log).doc).household;
    (stand(&at(area), &log, &[], &basis()), agreed)
}

fn at(area: Area) -> shared::standing::Place {
    shared::standing::Place { area, ..place() }
}

/// Runs the whole line over a fresh document of one phone.
fn alone(household: &Household, area: Area) -> Standing {
    let mut device = Device::new(9);
    device.save(&whole(household), 0).expect("it says something");
    let log: Vec<Logged> = device
        .known
        .into_iter()
        .map(|(hash, chunk)| Logged { hash, chunk, by: Way::Device })
        .collect();
    let standing = stand(&at(area), &log, &[], &basis());
    assert!(standing.disputes.is_empty());
    standing
}

/// Writes out what a row reports; how its changes came is no figure.
fn said(standing: &Standing) -> String {
    let row = &standing.row;
    format!(
        "{}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{}|{}|{}|{:?}|{}|{}|{:?}",
        row.class.map(Class::as_str).unwrap_or_default(),
        row.outcome,
        row.b1,
        row.b1_method,
        row.table,
        row.b2,
        row.deprived,
        row.members,
        row.dtts,
        row.ethnicity,
        row.causes,
        standing.head,
        standing.visit,
        standing.open.missing,
    )
}

fn reported(standing: &Standing, household: &Household) -> Reported {
    let present = household.members.iter().filter(|(_, member)| !member.contains_key("removed"));
    let keys = ["name", "relation", "birth", "sex", "id_number", "ethnicity"];
    let people = present
        .clone()
        .map(|(id, member)| {
            (id.clone(), keys.iter().map(|key| member.get(*key).cloned()).collect())
        })
        .collect();
    let merit = household.answers.get("has_merit").filter(|value| value.as_bool().is_some());
    let mut work = present.filter_map(|(_, member)| member.get("work_status")?.as_text());
    let any = work.clone().next().is_some();
    let able = work.any(|status| ["working", "unemployed", "unwilling"].contains(&status));
    (said(standing), people, merit.cloned(), any.then_some(!able))
}
