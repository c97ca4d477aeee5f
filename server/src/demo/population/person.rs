//! Schooling, health and work of the members of a made-up household.

use mobile_schema::household::{Answers, Value};

use super::dwelling::Means;
use super::roster::Slot;
use super::wants::Wants;

/// Draws the monthly allowances, by member. They come first: dependants are counted from them.
pub(super) fn allowances(slots: &[Slot], means: &mut Means<'_>) -> Vec<&'static str> {
    let alone = slots.iter().filter(|slot| slot.present()).all(|slot| slot.age >= 60);
    let rng = &mut *means.rng;
    slots
        .iter()
        .map(|slot| match slot.age {
            80.. if rng.chance(80) => "elderly",
            60..80 if alone && means.rich < 50 && rng.chance(50) => "elderly",
            16.. if rng.per_mille(30) => "disabled",
            0..16 if rng.per_mille(8) => "disabled",
            0..16 if slot.relation == "grandchild" && rng.per_mille(50) => "orphan",
            _ => "none",
        })
        .collect()
}

/// Counts as the indicator of dependants does: more than half are children or on an allowance.
///
/// Only a forecast, to choose the other deprivations by; [`shared::classify`] decides.
pub(super) fn dependants(slots: &[Slot], allowances: &[&str]) -> bool {
    let present = || slots.iter().zip(allowances).filter(|(slot, _)| slot.present());
    let such = present()
        .filter(|(slot, allowance)| slot.age < 16 || matches!(**allowance, "elderly" | "disabled"));
    2 * such.count() > present().count()
}

/// Answers the pages schooling, health and work for every present member.
pub(super) fn answer(
    members: &mut [(Slot, &mut Answers)],
    allowances: &[&str],
    dtts: bool,
    wants: &Wants,
    means: &mut Means<'_>,
) {
    let victims = Victims::draw(members, wants, means);
    let user = members
        .iter()
        .enumerate()
        .filter(|(_, (slot, _))| slot.present() && slot.age >= 12)
        .min_by_key(|(_, (slot, _))| slot.age.abs_diff(25))
        .map(|(place, _)| place);
    for (place, (slot, answers)) in members.iter_mut().enumerate() {
        if !slot.present() {
            continue;
        }
        let mut put = |key: &str, value: Value| {
            answers.insert(key.to_owned(), value);
        };
        let studies = schooling(&mut put, slot.age, dtts, &victims.of(place), means);
        health(&mut put, slot, &victims.of(place), means);
        put("allowance", allowances[place].into());
        if slot.age >= 15 {
            work(&mut put, slot.age, studies, (allowances[place], &victims.of(place)), means);
        }
        if slot.age >= 6 {
            let percent = match slot.age {
                ..12 => 25,
                12..45 => 75,
                45..60 => 40,
                _ => 10,
            };
            let uses = !wants.telecom && (user == Some(place) || means.rng.chance(percent));
            put("uses_internet", uses.into());
        }
    }
}

/// Which members make the household deprived, by place.
struct Victims {
    employment: Vec<bool>,
    nutrition: Vec<bool>,
    insurance: Vec<bool>,
    adult_education: Vec<bool>,
    child_schooling: Vec<bool>,
}

/// The same for one member.
#[derive(Default)]
struct Victim {
    employment: bool,
    nutrition: bool,
    insurance: bool,
    adult_education: bool,
    child_schooling: bool,
}

impl Victims {
    fn draw(members: &[(Slot, &mut Answers)], wants: &Wants, means: &mut Means<'_>) -> Self {
        let mut some = |wanted: bool, low: i64, high: i64, percent: u64| -> Vec<bool> {
            let fits = |slot: &Slot| wanted && slot.present() && (low..=high).contains(&slot.age);
            let mut of: Vec<bool> =
                members.iter().map(|(slot, _)| fits(slot) && means.rng.chance(percent)).collect();
            let able: Vec<usize> = (0..of.len()).filter(|at| fits(&members[*at].0)).collect();
            if !able.is_empty() {
                of[*means.rng.pick(&able)] = true;
            }
            of
        };
        Self {
            employment: some(wants.employment, 15, 60, 15),
            nutrition: some(wants.nutrition, 0, 15, 20),
            insurance: some(wants.insurance, 6, 120, 40),
            adult_education: some(wants.adult_education, 16, 30, 50),
            child_schooling: some(wants.child_schooling, 3, 15, 10),
        }
    }

    fn of(&self, place: usize) -> Victim {
        Victim {
            employment: self.employment[place],
            nutrition: self.nutrition[place],
            insurance: self.insurance[place],
            adult_education: self.adult_education[place],
            child_schooling: self.child_schooling[place],
        }
    }
}

/// Answers the page schooling and tells whether the member is in school.
fn schooling(
    put: &mut impl FnMut(&str, Value),
    age: i64,
    dtts: bool,
    victim: &Victim,
    means: &mut Means<'_>,
) -> bool {
    let studies = match age {
        3..16 => !victim.child_schooling,
        16..19 => !victim.adult_education && !victim.employment && means.chance(65),
        19..23 => !victim.adult_education && !victim.employment && means.chance(12),
        _ => false,
    };
    if age >= 3 {
        put("in_school", studies.into());
    }
    if studies {
        let level = match age {
            ..6 => "preschool",
            6..11 => "primary",
            11..15 => "lower_secondary",
            15..19 => "upper_secondary",
            _ => means.graded(&["college", "university"]),
        };
        put("level_attended", level.into());
    }
    if age < 6 {
        return studies;
    }
    // Finished school, training, and learned at a company.
    let (school, training, company) = match age {
        ..11 => ("none", "none", false),
        11..15 => (if studies { "primary" } else { "none" }, "none", false),
        15 => (if studies { "lower_secondary" } else { "primary" }, "none", false),
        16..18 if victim.adult_education => ("primary", "none", false),
        16..18 => ("lower_secondary", "none", false),
        18 if studies => ("lower_secondary", "none", false),
        19..23 if studies => ("upper_secondary", "none", false),
        18..31 if victim.adult_education => (
            means.graded(&["none", "primary", "lower_secondary", "lower_secondary"]),
            "none",
            false,
        ),
        18..31 => means.graded(&[
            ("lower_secondary", "none", true),
            ("upper_secondary", "none", false),
            ("upper_secondary", "none", false),
            ("lower_secondary", "elementary", false),
            ("upper_secondary", "intermediate", false),
            ("upper_secondary", "university", false),
        ]),
        60.. if dtts => (means.graded(&["none", "none", "primary"]), "none", false),
        _ if dtts => (
            means.graded(&["none", "primary", "primary", "lower_secondary", "upper_secondary"]),
            "none",
            false,
        ),
        _ => means.graded(&[
            ("primary", "none", false),
            ("primary", "none", false),
            ("lower_secondary", "none", false),
            ("lower_secondary", "none", false),
            ("upper_secondary", "none", false),
            ("upper_secondary", "intermediate", false),
            ("upper_secondary", "college", false),
        ]),
    };
    put("schooling", school.into());
    if age >= 15 {
        put("training", training.into());
    }
    if (16..31).contains(&age) {
        put("company_trained", company.into());
    }
    studies
}

fn health(put: &mut impl FnMut(&str, Value), slot: &Slot, victim: &Victim, means: &mut Means<'_>) {
    put("insurance", (!victim.insurance).into());
    put("serious_illness", means.rng.per_mille(if slot.age >= 60 { 120 } else { 25 }).into());
    if slot.age >= 16 {
        return;
    }
    let state = match victim.nutrition {
        true => *means.rng.pick(&["stunted", "underweight", "both"]),
        false => "no",
    };
    put("malnutrition", state.into());
    // A straight line through usual heights and weights is enough to look at.
    let (height, weight) = match slot.age {
        0 => (630, 6_400),
        age => (700 + 64 * age, 7_500 + 2_600 * age),
    };
    let short = matches!(state, "stunted" | "both");
    let light = matches!(state, "underweight" | "both");
    let percent = |less: bool, means: &mut Means<'_>| {
        if less { means.rng.between(82, 88) } else { means.rng.between(96, 104) }
    };
    put("height_mm", Value::Int(height * percent(short, means) / 100));
    put("weight_g", Value::Int(weight * percent(light, means) / 100));
}

fn work(
    put: &mut impl FnMut(&str, Value),
    age: i64,
    studies: bool,
    (allowance, victim): (&str, &Victim),
    means: &mut Means<'_>,
) {
    let working = match age {
        _ if victim.employment || studies => false,
        _ if allowance == "disabled" => false,
        ..60 => !means.chance(10),
        60..75 => means.chance(50),
        _ => false,
    };
    let status = match age {
        _ if victim.employment && means.rng.chance(30) => "unemployed",
        _ if victim.employment || working => "working",
        _ if studies => "studying",
        ..60 if allowance == "disabled" => "unable",
        ..60 => *means.rng.pick(&["unable", "unwilling", "retired_home", "retired_home"]),
        _ => *means.rng.pick(&["unable", "retired_home", "retired_home"]),
    };
    put("work_status", status.into());
    if status == "working" {
        let (kind, contract) = if victim.employment {
            (
                *means.rng.pick(&["hired_by_household", "hired_by_household", "enterprise"]),
                "without",
            )
        } else {
            means.graded(&[
                ("other", "not_wage"),
                ("other", "not_wage"),
                ("other", "not_wage"),
                ("hired_by_household", "with"),
                ("other", "not_wage"),
                ("enterprise", "with"),
                ("civil_servant", "with"),
            ])
        };
        put("work_kind", kind.into());
        put("contract", contract.into());
    }
    let pension = match age {
        60.. if means.owns(30) => *means.rng.pick(&["pension", "social_insurance", "merit"]),
        _ if means.chance(1) => "merit",
        _ => "none",
    };
    put("pension", pension.into());
}
