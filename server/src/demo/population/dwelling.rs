//! House, utilities and belongings of a made-up household.

use mobile_schema::household::{Answers, Value};
use shared::unit::Area;

use super::rng::Rng;
use super::wants::Wants;

/// How well off a household is, 0 to 100, and the chance around it.
///
/// At 0 and 100 chance is left out: these are the poorest and richest answers there are.
pub(super) struct Means<'a> {
    /// From 0 to 100.
    pub(super) rich: i64,
    /// Where chance comes from.
    pub(super) rng: &'a mut Rng,
}

impl Means<'_> {
    /// Picks from options that stand in order, the poorest first.
    pub(super) fn graded<T: Copy>(&mut self, options: &[T]) -> T {
        let noise = if self.fixed() { 0 } else { self.rng.between(-22, 22) };
        let count = i64::try_from(options.len()).expect("a choice has few options");
        let place = ((self.rich + noise) * count / 100).clamp(0, count - 1);
        options[usize::try_from(place).expect("clamped to the options")]
    }

    /// Says yes the more often the better off the household is; never below `from`.
    pub(super) fn owns(&mut self, from: i64) -> bool {
        match self.rich {
            0 => false,
            100 => true,
            rich => rich > from && self.rng.between(from, 100) < rich,
        }
    }

    /// Says yes in `percent` of a hundred cases, but never at the ends of the scale.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        !self.fixed() && self.rng.chance(percent)
    }

    /// Tells whether chance is left out.
    pub(super) fn fixed(&self) -> bool {
        self.rich <= 0 || self.rich >= 100
    }
}

/// Answers the pages house, utilities and assets for a household of `members`.
pub(super) fn answer(
    answers: &mut Answers,
    members: i64,
    (area, dtts): (Area, bool),
    wants: &Wants,
    means: &mut Means<'_>,
) {
    let mut put = |key: &str, value: Value| {
        answers.insert(key.to_owned(), value);
    };
    house(&mut put, members, wants, means);
    utilities(&mut put, dtts, wants, means);
    let farm = match (area, dtts) {
        _ if means.chance(12) => "none",
        (Area::Urban, false) => *means.rng.pick(&["none", "none", "agriculture"]),
        (_, true) => *means.rng.pick(&["agriculture", "agriculture", "agriculture", "forestry"]),
        (_, false) => *means.rng.pick(&["agriculture", "agriculture", "agriculture", "fishery"]),
    };
    put("farm", farm.into());
    goods(&mut put, farm, means);
    land(&mut put, farm, means);
}

fn house(put: &mut impl FnMut(&str, Value), members: i64, wants: &Wants, means: &mut Means<'_>) {
    let mut poor = [false; 3];
    if wants.house_quality {
        poor = [true; 3];
        if !means.chance(35) {
            poor[means.rng.index(3)] = false;
        }
    } else if means.rich == 0 {
        poor[0] = true;
    } else if means.rich < 60 && means.chance(25) {
        poor[means.rng.index(3)] = true;
    }
    let wall = if poor[0] {
        means.graded(&["leaf_bamboo", "earth", "plank", "plank"])
    } else {
        means.graded(&["durable_wood", "brick_concrete", "brick_concrete"])
    };
    let pillar = if poor[1] {
        means.graded(&["bamboo", "soft_wood"])
    } else {
        means.graded(&["steel_or_durable_wood", "brick", "concrete"])
    };
    let roof = if poor[2] {
        means.graded(&["canvas", "leaf", "leaf"])
    } else {
        means.graded(&["metal_sheet", "tile", "metal_sheet", "tile", "concrete"])
    };
    put("wall", wall.into());
    put("pillar", pillar.into());
    put("roof", roof.into());
    let per_head = if wants.house_area {
        means.rng.between(400, 780)
    } else if means.rich <= 0 {
        820
    } else {
        820 + means.rich * 18 + means.rng.between(0, 500) + 1800 / members
    };
    put("area_dm2", Value::Int(per_head * members));
}

fn utilities(put: &mut impl FnMut(&str, Value), dtts: bool, wants: &Wants, means: &mut Means<'_>) {
    let off_grid = means.rich == 0 || (means.rich < 25 && means.chance(if dtts { 8 } else { 1 }));
    if off_grid {
        let other = means.chance(40);
        put("electricity", if other { "other" } else { "none" }.into());
    } else {
        put("electricity", "grid".into());
        let kwh = 10 + means.rich * means.rich / 28 + means.rng.between(0, 25);
        put("electricity_kwh_month", Value::Int(kwh));
        put("shared_meter", means.rng.chance(6).into());
    }
    let water = match (wants.water, dtts) {
        (true, true) => *means.rng.pick(&["unprotected_spring", "unprotected_spring", "surface"]),
        (true, false) => *means.rng.pick(&["unprotected_well", "unprotected_well", "other"]),
        (false, true) => means.graded(&["protected_spring", "protected_spring", "rain", "piped"]),
        (false, false) => {
            means.graded(&["protected_dug_well", "drilled_well", "drilled_well", "piped"])
        }
    };
    put("water", water.into());
    let latrine = if wants.latrine {
        means.graded(&["none", "unimproved", "unimproved"])
    } else {
        means.graded(&["two_chamber", "ventilated_pit", "pour_flush", "septic", "septic"])
    };
    put("latrine", latrine.into());

    let has = !wants.media;
    let smart = has && !wants.telecom;
    put("media.tv", (has && (means.rich >= 50 || means.rng.chance(80))).into());
    put("media.radio", (has && means.rng.chance(8)).into());
    put("media.desktop", (smart && means.owns(70)).into());
    // Somebody without deprivation has at least this one.
    put("media.telephone", has.into());
    put("media.laptop", (smart && means.owns(65)).into());
    put("media.tablet", (smart && means.owns(80)).into());
    put("media.smartphone", (smart && means.rng.chance(85)).into());
}

fn goods(put: &mut impl FnMut(&str, Value), farm: &str, means: &mut Means<'_>) {
    let mut count = |of: &str, number: i64| put(&format!("goods.{of}"), Value::Int(number));
    count("car", means.owns(82).into());
    count("motorbike", means.graded(&[0, 0, 1, 1, 1, 2, 2, 3]));
    count("fridge", means.owns(22).into());
    count("washing_machine", means.owns(45).into());
    count("air_conditioner", means.owns(62).into());
    count("water_heater", means.owns(60).into());
    count("bicycle", means.rng.between(0, 2));
    count("boat", i64::from(farm == "fishery" && means.rng.chance(50)));
}

fn land(put: &mut impl FnMut(&str, Value), farm: &str, means: &mut Means<'_>) {
    // In sào of 500 m², as people say it.
    let sao = |worked: bool, most: i64, means: &mut Means<'_>| {
        let works = worked && means.rich > 0;
        Value::Int(if works {
            250 * means.rng.between(0, most * (20 + means.rich) / 50)
        } else {
            0
        })
    };
    let (crops, forest, fish) = (farm == "agriculture", farm == "forestry", farm == "fishery");
    let few = farm != "none";
    put("land.paddy_m2", sao(crops, 7, means));
    put("land.crop_m2", sao(crops || forest, 12, means));
    put("land.forest_m2", sao(forest, 80, means));
    put("land.pond_m2", sao(fish, 4, means));
    put("land.garden_m2", sao(few, 2, means));

    let keeps = few && means.rich > 0;
    let mut herd = |of: &str, percent: u64, most: i64, means: &mut Means<'_>| {
        let number = if keeps && means.rng.chance(percent) {
            means.rng.between(1, 1 + most * means.rich / 60)
        } else {
            0
        };
        put(&format!("livestock.{of}"), Value::Int(number));
    };
    herd("buffalo_cow", 35, 2, means);
    herd("pig", 30, 5, means);
    herd("goat", 12, 6, means);
    herd("poultry", 65, 20, means);
    let raises = means.rich > 0 && fish && means.rng.chance(20);
    put("aquaculture", raises.into());
}
