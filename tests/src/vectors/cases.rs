//! The households of the conformance vectors, one function for each part of the rules.
//!
//! Each starts from [`super::base`] and changes what its name says.

use mobile_schema::household::{Household, Value};
use shared::unit::Area;

use super::{Cases, REGION, adult, child, deprive_in_three, put, set, tell, untell};

/// B1 at its thresholds, and each way to it.
pub(super) fn income(cases: &mut Cases) {
    for (area, points) in [(Area::Rural, [0, 140, 141, 175]), (Area::Urban, [140, 141, 175, 176])] {
        for points in points {
            for deprived in [false, true] {
                let name = format!(
                    "{}, B1 {points}, {}",
                    if area == Area::Rural { "rural" } else { "urban" },
                    if deprived { "three deprivations" } else { "no deprivation" },
                );
                cases.add(&name, area, REGION, |h| {
                    set(h, "b1_entered", points);
                    if deprived {
                        deprive_in_three(h);
                    }
                });
            }
        }
    }
    let by_table = |h: &mut Household| set(h, "b1_method", "computed");
    cases.rural("B1 computed, rural", by_table);
    cases.urban("B1 computed, urban", by_table);
    cases.add("B1 computed, no column for the region", Area::Rural, "rural_elsewhere", by_table);
    cases.rural("B1 computed, a family with little", |h| {
        by_table(h);
        deprive_in_three(h);
        set(h, "wall", "earth");
        set(h, "pillar", "bamboo");
        set(h, "roof", "leaf");
        set(h, "electricity", "none");
        set(h, "goods.motorbike", 0);
        set(h, "land.paddy_m2", 0);
    });
    cases.rural("B1 computed, electricity not asked", |h| {
        by_table(h);
        h.answers.remove("electricity");
        h.answers.remove("electricity_kwh_month");
    });
    let by_item = |points: [i64; 3]| {
        move |h: &mut Household| {
            set(h, "b1_method", "item_points");
            h.b1_items =
                ["item_1", "item_2", "item_3"].map(str::to_owned).into_iter().zip(points).collect();
        }
    };
    cases.rural("B1 by item, 140 in all", by_item([80, 60, 0]));
    cases.rural("B1 by item, 141 in all", by_item([80, 60, 1]));
    cases.rural("B1 by item, a negative item", by_item([80, 60, -5]));
    cases.rural("B1 by item, a sum beyond 64 bits", by_item([1 << 62, 1 << 62, 0]));
    cases.rural("B1 by item, no item read", |h| set(h, "b1_method", "item_points"));
}

/// B2 around its threshold, from none to all.
pub(super) fn deprivation(cases: &mut Cases) {
    cases.rural("B2 20 is near-poor", |h| {
        deprive_in_three(h);
        set(h, "media.tv", true);
    });
    cases.rural("B2 30 is poor", deprive_in_three);
    cases.rural("every indicator deprived", |h| {
        deprive_in_three(h);
        set(h, "wall", "earth");
        set(h, "pillar", "bamboo");
        set(h, "area_dm2", 1000);
        for number in 1..=4 {
            tell(h, number, "uses_internet", false);
            tell(h, number, "insurance", false);
        }
        tell(h, 1, "work_status", "unemployed");
        tell(h, 3, "malnutrition", "both");
        tell(h, 3, "in_school", false);
        tell(h, 2, "birth", "2000-01-01");
        tell(h, 2, "schooling", "primary");
        put(h, 5, child("2016-01-01"));
        tell(h, 5, "uses_internet", false);
    });
}

/// Without work, and working for pay without a contract.
pub(super) fn employment(cases: &mut Cases) {
    for (status, contract) in [
        ("unemployed", "not_wage"),
        ("working", "without"),
        ("working", "with"),
        ("working", "not_wage"),
        ("unable", "not_wage"),
        ("unwilling", "not_wage"),
    ] {
        cases.rural(&format!("employment: {status}, contract {contract}"), |h| {
            tell(h, 1, "work_status", status);
            tell(h, 1, "contract", contract);
        });
    }
    cases.rural("employment: not asked of one, another is unemployed", |h| {
        untell(h, 1, "work_status");
        tell(h, 2, "work_status", "unemployed");
    });
}

/// Half of the members is not more than half.
pub(super) fn dependants(cases: &mut Cases) {
    cases.rural("dependants: exactly half are children", |_| {});
    cases.rural("dependants: three of five", |h| put(h, 5, child("2015-03-01")));
    cases.rural("dependants: a child is 16 on the review date", |h| {
        put(h, 5, child("2015-03-01"));
        tell(h, 3, "birth", "2006-12-14");
        tell(h, 3, "level_attended", "upper_secondary");
        tell(h, 3, "work_status", "studying");
    });
    for allowance in ["elderly", "disabled", "orphan"] {
        cases.rural(&format!("dependants: an adult with the allowance {allowance}"), |h| {
            tell(h, 2, "allowance", allowance);
        });
    }
}

/// Nutrition under 16, insurance from 6.
pub(super) fn health(cases: &mut Cases) {
    for malnutrition in ["stunted", "underweight", "both"] {
        cases.rural(&format!("nutrition: a child is {malnutrition}"), |h| {
            tell(h, 3, "malnutrition", malnutrition);
        });
    }
    for (name, birth) in [("15", "2006-12-15"), ("16", "2006-12-14")] {
        cases.rural(&format!("nutrition: stunted at {name}"), |h| {
            tell(h, 3, "birth", birth);
            tell(h, 3, "level_attended", "upper_secondary");
            tell(h, 3, "schooling", "lower_secondary");
            tell(h, 3, "work_status", "studying");
            tell(h, 3, "malnutrition", "stunted");
        });
    }
    for (name, birth) in [("5", "2016-12-15"), ("6", "2016-12-14")] {
        cases.rural(&format!("insurance: none at {name}"), |h| {
            tell(h, 4, "birth", birth);
            tell(h, 4, "level_attended", if name == "5" { "preschool" } else { "primary" });
            tell(h, 4, "insurance", false);
        });
    }
}

/// What is right for 16, 17 and 18 to 30.
pub(super) fn adult_education(cases: &mut Cases) {
    for (name, birth, pairs) in [
        (
            "16, at lower secondary",
            "2006-06-01",
            vec![
                ("in_school", Value::Bool(true)),
                ("level_attended", "lower_secondary".into()),
                ("schooling", "primary".into()),
            ],
        ),
        (
            "17, finished lower secondary",
            "2005-06-01",
            vec![("schooling", "lower_secondary".into())],
        ),
        (
            "18, finished lower secondary only",
            "2004-12-14",
            vec![("schooling", "lower_secondary".into())],
        ),
        (
            "17 on the last day, finished lower secondary",
            "2004-12-15",
            vec![("schooling", "lower_secondary".into())],
        ),
        (
            "18, at upper secondary",
            "2004-06-01",
            vec![
                ("in_school", true.into()),
                ("level_attended", "upper_secondary".into()),
                ("schooling", "lower_secondary".into()),
            ],
        ),
        (
            "20, elementary training",
            "2002-06-01",
            vec![("schooling", "lower_secondary".into()), ("training", "elementary".into())],
        ),
        (
            "20, trained by an enterprise",
            "2002-06-01",
            vec![("schooling", "primary".into()), ("company_trained", true.into())],
        ),
        ("30, primary only", "1992-06-01", vec![("schooling", "primary".into())]),
        ("31, primary only", "1991-12-14", vec![("schooling", "primary".into())]),
    ] {
        cases.rural(&format!("adult education: {name}"), |h| {
            put(h, 5, adult(birth, "sibling"));
            pairs.into_iter().for_each(|(key, value)| tell(h, 5, key, value));
        });
    }
}

/// The level right for the age, from 3 to 15.
pub(super) fn child_schooling(cases: &mut Cases) {
    for (name, birth, attended) in [
        ("2, at home", "2019-12-15", None),
        ("3, at home", "2019-12-14", None),
        ("3, at preschool", "2019-12-14", Some("preschool")),
        ("6, at preschool", "2016-01-01", Some("preschool")),
        ("6, at primary", "2016-01-01", Some("primary")),
        ("12, at primary", "2010-12-14", Some("primary")),
        ("12, at lower secondary", "2010-12-14", Some("lower_secondary")),
        ("15, not in school", "2007-06-01", None),
    ] {
        cases.rural(&format!("child schooling: {name}"), |h| {
            let mut one = child(birth);
            one.insert("in_school".to_owned(), attended.is_some().into());
            one.remove("level_attended");
            one.extend(attended.map(|level| ("level_attended".to_owned(), level.into())));
            one.insert("work_status".to_owned(), "unwilling".into());
            put(h, 4, one);
        });
    }
}

/// Two parts of three, and 8 m² for each member.
pub(super) fn house(cases: &mut Cases) {
    cases.rural("housing: one part not durable", |h| set(h, "wall", "earth"));
    cases.rural("housing: two parts not durable", |h| {
        set(h, "wall", "earth");
        set(h, "pillar", "soft_wood");
    });
    cases.rural("housing: two not durable, the third not asked", |h| {
        set(h, "wall", "earth");
        set(h, "pillar", "bamboo");
        h.answers.remove("roof");
    });
    cases.rural("housing: one not durable, one not asked", |h| {
        set(h, "wall", "plank");
        h.answers.remove("roof");
    });
    cases.rural("area: exactly 8 m2 a head", |h| set(h, "area_dm2", 3200));
    cases.rural("area: 1 dm2 less than 8 m2 a head", |h| set(h, "area_dm2", 3199));
}

/// Sources of water and latrines.
pub(super) fn utilities(cases: &mut Cases) {
    for water in ["bottled", "protected_spring", "unprotected_well", "other"] {
        cases.rural(&format!("water: {water}"), |h| set(h, "water", water));
    }
    for latrine in ["two_chamber", "unimproved"] {
        cases.rural(&format!("latrine: {latrine}"), |h| set(h, "latrine", latrine));
    }
}

/// The internet, and the means of information.
pub(super) fn information(cases: &mut Cases) {
    let offline = |h: &mut Household| (1..=4).for_each(|n| tell(h, n, "uses_internet", false));
    cases.rural("internet: nobody", offline);
    cases.rural("internet: one of four", |h| {
        offline(h);
        tell(h, 3, "uses_internet", true);
    });
    cases.rural("media: none", |h| set(h, "media.tv", false));
    cases.rural("media: only a smartphone", |h| {
        set(h, "media.tv", false);
        set(h, "media.smartphone", true);
    });
}

/// What is not known is not a no.
pub(super) fn missing(cases: &mut Cases) {
    cases.rural("missing: nothing asked at all", |h| *h = Household::default());
    cases.rural("missing: water", |h| drop(h.answers.remove("water")));
    cases.rural("missing: one member's insurance", |h| untell(h, 2, "insurance"));
    cases.rural("missing: one member's insurance, another has none", |h| {
        untell(h, 2, "insurance");
        tell(h, 1, "insurance", false);
    });
    cases.rural("missing: a birth", |h| untell(h, 3, "birth"));
    cases.rural("missing: the way to B1", |h| drop(h.answers.remove("b1_method")));
    cases.rural("missing: the total on paper", |h| drop(h.answers.remove("b1_entered")));
    cases.rural("missing: water, though B1 is above the line", |h| {
        set(h, "b1_entered", 200);
        h.answers.remove("water");
    });
    cases.rural("missing: an answer of the wrong type", |h| set(h, "water", true));
}

/// What the form objects to decides nothing, not even against the household.
pub(super) fn objections(cases: &mut Cases) {
    cases.rural("not on the form: a source of water", |h| set(h, "water", "abc"));
    cases.rural("not on the form: a latrine", |h| set(h, "latrine", "hole"));
    cases.rural("not on the form: a wall, with pillar and roof that last", |h| {
        set(h, "wall", "gold");
    });
    cases.rural("not on the form: a wall, with a roof that does not last", |h| {
        set(h, "wall", "gold");
        set(h, "roof", "leaf");
    });
    cases.rural("not on the form: a way to B1", |h| set(h, "b1_method", "guessed"));
    cases.rural("not on the form: a work status", |h| tell(h, 1, "work_status", "busy"));
    cases.rural("not on the form: an allowance", |h| tell(h, 2, "allowance", "young"));
    cases.rural("not on the form: why a member was removed", |h| {
        tell(h, 4, "removed", "forgotten");
    });
    cases.rural("out of bounds: a negative area", |h| set(h, "area_dm2", -5));
    cases.rural("out of bounds: an area of more than 1.000 m2", |h| set(h, "area_dm2", 100_001));
    cases.rural("at the bound: an area of 1.000 m2", |h| set(h, "area_dm2", 100_000));
    cases.rural("out of bounds: a total on paper", |h| set(h, "b1_entered", 1001));
    cases.rural("out of bounds: a count the table asks for", |h| {
        set(h, "b1_method", "computed");
        set(h, "goods.motorbike", -1);
    });
    cases.rural("wrong type: a yes or no as text", |h| tell(h, 2, "insurance", "yes"));
    cases.rural("wrong type: a tick as a number", |h| {
        set(h, "media.tv", 1);
    });
    cases.rural("wrong type, but nobody needs it: internet of a child under 6", |h| {
        tell(h, 4, "birth", "2018-03-01");
        tell(h, 4, "level_attended", "preschool");
        tell(h, 4, "uses_internet", "often");
    });
    cases.rural("not plausible: a birth before 1900", |h| tell(h, 1, "birth", "1899-05-01"));
    cases.rural("not plausible: a birth after the review date", |h| {
        tell(h, 4, "birth", "2022-12-15");
    });
    cases.rural("plausible: a birth on the review date", |h| {
        tell(h, 4, "birth", "2022-12-14");
        tell(h, 4, "in_school", false);
    });
}

/// Who counts, and how old somebody is.
pub(super) fn roster(cases: &mut Cases) {
    cases.rural("a removed member does not count", |h| {
        put(h, 5, child("2015-03-01"));
        tell(h, 5, "insurance", false);
        tell(h, 5, "removed", "entered_by_mistake");
    });
    cases.rural("everybody was removed", |h| {
        (1..=4).for_each(|number| tell(h, number, "removed", "moved_out"));
    });
    cases.rural("a birth of which only the year is known reads as 1 January", |h| {
        tell(h, 4, "birth", "2016");
        tell(h, 4, "insurance", false);
    });
    cases.rural("a birth of which the month is known reads as its first day", |h| {
        tell(h, 4, "birth", "2016-12");
        tell(h, 4, "insurance", false);
    });
    cases.rural("a birth that is no date is missing", |h| tell(h, 4, "birth", "2014-02-30"));
    cases.rural("one old person alone", |h| {
        h.members.clear();
        put(h, 1, adult("1940", "head"));
        tell(h, 1, "work_status", "unable");
        tell(h, 1, "contract", "not_wage");
        tell(h, 1, "allowance", "elderly");
        tell(h, 1, "schooling", "none");
        tell(h, 1, "uses_internet", false);
    });
}
