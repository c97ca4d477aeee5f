//! One family with everything it would answer, made up so that it comes out as planned.
//!
//! Answers are drawn around a goal and then put to [`shared::classify`], which alone knows the
//! rules; whatever comes out otherwise is drawn again, poorer or better off.

use std::collections::BTreeMap;

use mobile_schema::household::{Answers, Household, Value};
use shared::classify::{B1Method, Basis, Class, Classification, classify};
use shared::date::Date;

use super::dwelling::{self, Means};
use super::names::Family;
use super::people::SERIAL_BITS;
use super::rng::Rng;
use super::roster::{Change, MEMBERS_MAX, Slot, compose};
use super::{Goal, Spec, person, wants};

/// Draws before chance is left out of the answers.
const ATTEMPTS_FREE: i64 = 10;

/// Draws before the score is set by hand: the last ones at the end of the scale.
const ATTEMPTS_MAX: i64 = 24;

/// A member as the opening list has them: name, relation, birth, sex, ethnicity and ID.
pub type Member0 = Answers;

/// Everything about one household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Members on the opening list, in its order; none for an applicant.
    pub opening_members: Vec<Member0>,
    /// What a complete review would hold. Members have the keys `m00`, `m01` …: first those of the
    /// opening list, in its order, then those who came since.
    pub household: Household,
    /// Ticks of Phiếu A, for an applicant; they pass its rule.
    pub form_a: Answers,
}

/// Makes up the household of a spec. The same spec and basis give the same household.
///
/// A household that left is not asked: it has an outcome and the members of the opening list.
pub fn truth(spec: &Spec, basis: &Basis<'_>) -> Truth {
    let slots = compose(spec);
    let mut rng = Rng::new(spec.seed, 3);
    let (opening, now): (Vec<Member0>, Vec<Answers>) =
        roster(spec, &slots, basis.review_date, &mut rng).into_iter().unzip();
    let listed = slots.iter().zip(opening).filter(|(slot, _)| slot.listed());
    let opening_members: Vec<Member0> =
        listed.filter(|_| spec.opening.is_some()).map(|(_, member)| member).collect();
    let household = match spec.goal {
        Goal::Left(outcome) => Household {
            answers: Answers::from([("outcome".to_owned(), outcome.into())]),
            members: keyed(opening_members.clone()),
            ..Household::default()
        },
        Goal::Class(class) => {
            Making { spec, class, slots: &slots, members: keyed(now), basis }.answered(&mut rng)
        }
    };
    let form_a = if spec.opening.is_none() { form_a(basis, &mut rng) } else { Answers::new() };
    Truth { opening_members, household, form_a }
}

/// Gives members the keys they have in a [`Truth`].
fn keyed(members: Vec<Answers>) -> BTreeMap<String, Answers> {
    (0..).zip(members).map(|(at, member)| (format!("m{at:02}"), member)).collect()
}

/// A surveyed household in the making.
struct Making<'a> {
    spec: &'a Spec,
    class: Class,
    slots: &'a [Slot],
    members: BTreeMap<String, Answers>,
    basis: &'a Basis<'a>,
}

impl Making<'_> {
    /// Draws until the class is right.
    fn answered(&self, rng: &mut Rng) -> Household {
        let above = self.class == Class::Above;
        let start = if above { rng.between(50, 85) } else { rng.between(5, 45) };
        let step = if above { 7 } else { -7 };
        let mut household = Household::default();
        for attempt in 0..ATTEMPTS_MAX {
            let rich = match above {
                _ if attempt < ATTEMPTS_FREE => (start + step * attempt).clamp(1, 99),
                true => 100,
                false => 0,
            };
            household = self.draw(&mut Means { rich, rng });
            let found = classify(&household, self.spec.area, self.basis);
            if found.b1.is_none() {
                break;
            }
            take_points(&mut household, self.spec.method, &found);
            if self.is_right(&household, &found) {
                return household;
            }
        }
        self.set_points(&mut household);
        household
    }

    /// Tells whether the class is the planned one, asking again where the points were rewritten.
    fn is_right(&self, household: &Household, found: &Classification) -> bool {
        let rewritten = self.spec.method != B1Method::Computed;
        let again = || classify(household, self.spec.area, self.basis).class;
        found.class == self.class && (!rewritten || again() == self.class)
    }

    /// Draws one complete set of answers, with B1 to be computed.
    fn draw(&self, means: &mut Means<'_>) -> Household {
        let (spec, slots) = (self.spec, self.slots);
        let allowances = person::allowances(slots, means);
        let dependants = person::dependants(slots, &allowances);
        let standard = self.basis.standard;
        let wants = wants::draw(self.class, (slots, dependants), spec.dtts, standard, means.rng);

        let mut household = Household { members: self.members.clone(), ..Household::default() };
        let mut people: Vec<(Slot, &mut Answers)> =
            slots.iter().cloned().zip(household.members.values_mut()).collect();
        person::answer(&mut people, &allowances, spec.dtts, &wants, means);

        let answers = &mut household.answers;
        let present = slots.iter().filter(|slot| slot.present()).count();
        let present = i64::try_from(present).expect("a family is small").max(1);
        dwelling::answer(answers, present, (spec.area, spec.dtts), &wants, means);
        let mut put = |key: &str, value: Value| {
            answers.insert(key.to_owned(), value);
        };
        let residence = ["permanent", "temporary", "unregistered"];
        put("residence", residence[means.rng.weighted(&[95, 4, 1])].into());
        put("has_merit", means.rng.chance(4).into());
        put("b1_method", "computed".into());
        put("outcome", "surveyed".into());
        if matches!(self.class, Class::Poor | Class::NearPoor) {
            causes(&mut put, means.rng);
        }
        household
    }

    /// Enters the total that makes the class, where answers and table cannot: without a table, or
    /// with one whose points lie elsewhere.
    fn set_points(&self, household: &mut Household) {
        let line = self.basis.standard.thresholds.b1.of(self.spec.area);
        let points = if self.class == Class::Above { line + 5 } else { (line - 5).max(0) };
        household.b1_items.clear();
        household.answers.insert("b1_method".to_owned(), "entered".into());
        household.answers.insert("b1_entered".to_owned(), points.into());
        let (area, basis) = (self.spec.area, self.basis);
        debug_assert_eq!(classify(household, area, basis).class, self.class, "{:?}", self.spec);
    }
}

/// Ticks one to three causes of poverty.
fn causes(put: &mut impl FnMut(&str, Value), rng: &mut Rng) {
    let mut weights = [16, 28, 12, 10, 14, 12, 14, 4];
    let mut ticked = [false; 8];
    for _ in 0..rng.between(1, 3) {
        let cause = rng.weighted(&weights);
        weights[cause] = 0;
        ticked[cause] = true;
    }
    for (ticked, number) in ticked.into_iter().zip(1..) {
        put(&format!("causes.{number}"), ticked.into());
    }
    if ticked[7] {
        let others = ["Thiên tai, mưa lũ", "Đông con, con còn nhỏ", "Mới tách hộ"];
        put("cause_other", (*rng.pick(&others)).into());
    }
}

/// Turns computed points into points read by item, or into one total, as a phone without the table
/// would have them.
fn take_points(household: &mut Household, method: B1Method, found: &Classification) {
    let Some(b1) = &found.b1 else { return };
    match method {
        B1Method::Computed => {}
        B1Method::ItemPoints => {
            household.answers.insert("b1_method".to_owned(), "item_points".into());
            household.b1_items =
                b1.items.iter().map(|one| (one.item.clone(), one.points)).collect();
        }
        B1Method::Entered => {
            household.answers.insert("b1_method".to_owned(), "entered".into());
            household.answers.insert("b1_entered".to_owned(), b1.points.into());
        }
    }
}

/// Ticks enough conditions of Phiếu A to pass.
fn form_a(basis: &Basis<'_>, rng: &mut Rng) -> Answers {
    let rule = &basis.standard.form_a;
    let options = 6.max(rule.ticks_min);
    let mut ticks: Vec<bool> = (0..options).map(|option| option < rule.ticks_min).collect();
    if rng.chance(40)
        && let Some(more) = ticks.iter_mut().find(|tick| !**tick)
    {
        *more = true;
    }
    rng.shuffle(&mut ticks);
    let prefix = &rule.tick_prefix;
    ticks
        .into_iter()
        .zip(1..)
        .map(|(tick, option)| (format!("{prefix}{option}"), tick.into()))
        .collect()
}

/// Makes up names, births and IDs: as on the opening list, and as they are at the review.
fn roster(
    spec: &Spec,
    slots: &[Slot],
    review_date: Date,
    rng: &mut Rng,
) -> Vec<(Member0, Answers)> {
    let family = Family::new(&spec.ethnicity, rng);
    let first = (spec.seed & ((1 << SERIAL_BITS) - 1)) * MEMBERS_MAX;
    let mut taken: Vec<String> = Vec::with_capacity(slots.len());
    let mut roster = Vec::with_capacity(slots.len());
    for (slot, number) in slots.iter().zip(first..) {
        let married_in = matches!(slot.relation, "spouse" | "child_in_law");
        let name = family.name((slot.male, slot.age, married_in), &taken, rng);
        taken.push(name.clone());
        let mut member = Answers::new();
        let mut put = |key: &str, value: &str| {
            member.insert(key.to_owned(), value.into());
        };
        put("name", &name);
        put("relation", slot.relation);
        put("birth", &birth(slot, spec.dtts, review_date, rng));
        put("sex", if slot.male { "male" } else { "female" });
        put("ethnicity", &spec.ethnicity);
        let state = id_state(slot.age, spec.dtts, rng);
        put("id_state", state);
        let number = id_number(number);
        if matches!(state, "has" | "lost") {
            put("id_number", &number);
        }
        let now = at_review(slot, &member, number, rng);
        roster.push((member, now));
    }
    roster
}

/// Brings an opening member up to date: a new head, an ID that was issued, a reason for leaving.
fn at_review(slot: &Slot, member: &Member0, number: String, rng: &mut Rng) -> Answers {
    let mut now = member.clone();
    now.insert("relation".to_owned(), slot.relation_now.into());
    let waits = member.get("id_state").and_then(Value::as_text) == Some("not_yet");
    match slot.change {
        Change::Died => drop(now.insert("removed".to_owned(), "died".into())),
        Change::MovedOut => drop(now.insert("removed".to_owned(), "moved_out".into())),
        Change::Stayed if waits && rng.chance(40) => {
            now.insert("id_state".to_owned(), "has".into());
            now.insert("id_number".to_owned(), number.into());
        }
        Change::Stayed | Change::Born | Change::Joined => {}
    }
    now
}

/// Writes a birth date for the age: many elders know only the year, or were given 1 January.
fn birth(slot: &Slot, dtts: bool, review_date: Date, rng: &mut Rng) -> String {
    let age = i32::try_from(slot.age).expect("an age is small");
    if slot.change == Change::Born {
        let month = if review_date.month() > 1 { review_date.month() - 1 } else { 12 };
        let month = rng.between(1, month.into());
        let year = review_date.year() - i32::from(review_date.month() == 1);
        return format!("{year:04}-{month:02}-{:02}", rng.between(1, 28));
    }
    let (year_only, new_year) = match (slot.age, dtts) {
        (55.., true) => (30, 60),
        (55.., false) => (10, 30),
        (30..55, true) => (6, 30),
        (30..55, false) => (1, 6),
        _ => (0, if dtts { 6 } else { 1 }),
    };
    if rng.chance(year_only) {
        return format!("{:04}", review_date.year() - age);
    }
    let (month, day) =
        if rng.chance(new_year) { (1, 1) } else { (rng.between(1, 12), rng.between(1, 28)) };
    let later = (month, day) > (review_date.month().into(), review_date.day().into());
    let year = review_date.year() - age - i32::from(later);
    format!("{year:04}-{month:02}-{day:02}")
}

fn id_state(age: i64, dtts: bool, rng: &mut Rng) -> &'static str {
    let states = ["has", "not_yet", "lost", "birth_unregistered"];
    states[rng.weighted(&match (age, dtts) {
        (..6, true) => [62, 30, 0, 8],
        (..6, false) => [85, 14, 0, 1],
        (6..14, _) => [93, 7, 0, 0],
        (_, true) => [90, 5, 5, 0],
        (_, false) => [97, 1, 2, 0],
    })]
}

/// Writes an ID that nobody can have: its fourth digit, for sex and century, is a 9 that the next
/// two centuries will not reach. One number per person of the plan.
fn id_number(number: u64) -> String {
    let block = 999 - (number / 1_000_000).min(99);
    format!("045{block:03}{:06}", number % 1_000_000)
}
