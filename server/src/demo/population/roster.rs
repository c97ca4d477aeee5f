//! Who lives in a household: ages and kinship, and what changed since the opening list.
//!
//! The roster follows from the seed alone and is drawn once, so that persons can be counted without
//! making up a single answer.

use shared::classify::Class;

use super::rng::Rng;
use super::{Goal, Spec};

/// Most members of a household, those who left included. Ids of persons rest on it.
pub(super) const MEMBERS_MAX: u64 = 16;

/// Members at which a family has no more children, so that with elders, in-laws and newborns it
/// hardly ever has more than ten.
const SIBLINGS_END: usize = 7;

/// What became of one member between the opening list and the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Was there and still is.
    Stayed,
    /// Was there and died.
    Died,
    /// Was there and moved out.
    MovedOut,
    /// Was born since.
    Born,
    /// Moved in since, or lives with an applicant.
    Joined,
}

/// One member, without a name.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Relation to the head on the opening list, or on arrival.
    pub(super) relation: &'static str,
    /// Relation to the head at the review.
    pub(super) relation_now: &'static str,
    /// Male or else female.
    pub(super) male: bool,
    /// Age in whole years on the review date.
    pub(super) age: i64,
    /// What became of them.
    pub(super) change: Change,
}

impl Slot {
    fn new(relation: &'static str, male: bool, age: i64) -> Self {
        Self { relation, relation_now: relation, male, age, change: Change::Stayed }
    }

    /// Tells whether the member counts at the review.
    pub(super) fn present(&self) -> bool {
        !matches!(self.change, Change::Died | Change::MovedOut)
    }

    /// Tells whether the member is on the opening list.
    pub(super) fn listed(&self) -> bool {
        !matches!(self.change, Change::Born | Change::Joined)
    }
}

/// Counts the persons on the opening list; `None` for an applicant.
pub(super) fn opening_size(spec: &Spec) -> Option<u64> {
    let listed = || compose(spec).iter().filter(|slot| slot.listed()).count();
    spec.opening.map(|_| u64::try_from(listed()).expect("a family is small"))
}

/// Counts the persons at the review; `None` for a household that left.
pub(super) fn closing_size(spec: &Spec) -> Option<u64> {
    let present = || compose(spec).iter().filter(|slot| slot.present()).count();
    match spec.goal {
        Goal::Left(_) => None,
        Goal::Class(_) => Some(u64::try_from(present()).expect("a family is small")),
    }
}

/// Draws the members: those of the opening list first, the head before all others.
pub(super) fn compose(spec: &Spec) -> Vec<Slot> {
    let mut rng = Rng::new(spec.seed, 2);
    let mut slots = family(spec, &mut rng);
    match (spec.goal, spec.opening) {
        (Goal::Left(_), _) => {}
        (Goal::Class(_), None) => slots.iter_mut().for_each(|slot| slot.change = Change::Joined),
        (Goal::Class(_), Some(_)) => a_year_passes(&mut slots, &mut rng),
    }
    slots
}

fn family(spec: &Spec, rng: &mut Rng) -> Vec<Slot> {
    // Elder alone, elder couple, one parent, two parents, three generations.
    let kinds = match (spec.goal, spec.dtts) {
        (Goal::Left("died_out"), _) => [80, 20, 0, 0, 0],
        (Goal::Class(Class::Above), false) => [7, 9, 9, 50, 25],
        (_, false) => [15, 9, 13, 41, 22],
        (_, true) => [3, 2, 8, 51, 36],
    };
    match rng.weighted(&kinds) {
        0 => {
            let male = rng.chance(28);
            vec![Slot::new("head", male, rng.between(62, 92))]
        }
        1 => {
            let age = rng.between(62, 86);
            let spouse = (age - rng.between(0, 7)).max(58);
            vec![Slot::new("head", true, age), Slot::new("spouse", false, spouse)]
        }
        2 => {
            let male = rng.chance(15);
            let age = rng.between(23, 50);
            let mut slots = vec![Slot::new("head", male, age)];
            children(&mut slots, age, spec.dtts, rng);
            slots
        }
        3 => couple(spec.dtts, rng),
        _ => {
            let mut slots = couple(spec.dtts, rng);
            let age = (slots[0].age + rng.between(20, 33)).min(97);
            slots.push(Slot::new("parent", false, age));
            if rng.chance(40) {
                slots.push(Slot::new("parent", true, (age + rng.between(-1, 5)).min(99)));
            } else if spec.dtts && rng.chance(35) {
                let age = (slots[0].age - rng.between(1, 9)).max(16);
                slots.push(Slot::new("sibling", rng.chance(50), age));
            }
            slots
        }
    }
}

fn couple(dtts: bool, rng: &mut Rng) -> Vec<Slot> {
    let male = rng.chance(90);
    let head = rng.between(if dtts { 23 } else { 25 }, 55);
    let spouse = (head + if male { -rng.between(0, 6) } else { rng.between(0, 6) }).max(18);
    let mut slots = vec![Slot::new("head", male, head), Slot::new("spouse", !male, spouse)];
    children(&mut slots, if male { spouse } else { head }, dtts, rng);
    slots
}

/// Adds children, the eldest first, and sometimes a grown child's own family.
fn children(slots: &mut Vec<Slot>, mother: i64, dtts: bool, rng: &mut Rng) {
    let wanted = if dtts {
        rng.weighted(&[2, 7, 19, 28, 24, 13, 7])
    } else {
        rng.weighted(&[5, 20, 38, 25, 9, 3])
    };
    let mut age = mother - rng.between(if dtts { 17 } else { 20 }, 27);
    for _ in 0..wanted {
        if age < 1 || slots.len() >= SIBLINGS_END {
            break;
        }
        if age <= 23 || rng.chance(30) {
            slots.push(Slot::new("child", rng.chance(51), age));
        }
        age -= rng.between(2, if dtts { 4 } else { 5 });
    }
    let grown = slots.iter().find(|slot| slot.relation == "child" && slot.age >= 21);
    if let Some((male, age)) = grown.map(|slot| (slot.male, slot.age))
        && rng.chance(if dtts { 45 } else { 20 })
    {
        slots.push(Slot::new("child_in_law", !male, (age + rng.between(-3, 3)).max(18)));
        if rng.chance(70) {
            slots.push(Slot::new("grandchild", rng.chance(51), rng.between(1, (age - 18).min(7))));
        }
    }
}

/// Lets some people be born, die, leave and marry in.
fn a_year_passes(slots: &mut Vec<Slot>, rng: &mut Rng) {
    let (born, died, left, wed) =
        (rng.per_mille(70), rng.per_mille(25), rng.per_mille(40), rng.per_mille(15));
    let adults = slots.iter().filter(|slot| slot.age >= 18).count();
    if died
        && adults >= 2
        && let Some(at) = slots.iter().position(|slot| slot.age >= 60)
    {
        let heir = slots.iter().position(|slot| slot.relation == "spouse");
        match (slots[at].relation, heir) {
            ("head", None) => {}
            (relation, heir) => {
                slots[at].change = Change::Died;
                if let (true, Some(heir)) = (relation == "head", heir) {
                    slots[heir].relation_now = "head";
                }
            }
        }
    }
    let grown = slots.iter().position(|slot| slot.relation == "child" && slot.age >= 17);
    if let Some(at) = grown {
        let (male, age) = (slots[at].male, slots[at].age);
        let lone = slots.iter().all(|slot| slot.relation != "child_in_law");
        if wed && age >= 20 && lone {
            let mut slot = Slot::new("child_in_law", !male, rng.between(18, 26));
            slot.change = Change::Joined;
            slots.push(slot);
        } else if left && lone {
            slots[at].change = Change::MovedOut;
        }
    }
    let mother = slots.iter().find(|slot| {
        let parent = matches!(slot.relation, "head" | "spouse" | "child_in_law");
        !slot.male && parent && (18..=42).contains(&slot.age)
    });
    let infant = slots.iter().any(|slot| slot.age < 2);
    if born
        && !infant
        && let Some(mother) = mother
    {
        let relation = if mother.relation == "child_in_law" { "grandchild" } else { "child" };
        let mut slot = Slot::new(relation, rng.chance(51), 0);
        slot.change = Change::Born;
        slots.push(slot);
    }
}
