//! Checks of a targets file: every part within its whole, everything made up marked so.

use std::collections::BTreeMap;

use shared::score::REGIONS;

use super::figures::Count;
use super::people::MAJORITY;
use super::targets::{District, Known, Published, Targets, TargetsError};

/// Most households of a province; the largest has about 3 million. Keeps every product in 64 bits.
const HOUSEHOLDS_MAX: u64 = 10_000_000;

/// Largest single weight of a draw.
const WEIGHT_MAX: u64 = 1_000_000;

/// Checks targets that were just read.
pub(super) fn check(targets: &Targets) -> Result<(), TargetsError> {
    heading(targets)?;
    totals(targets)?;
    assumed(targets)?;
    for (code, one) in &targets.districts {
        district(&format!("districts/{code}"), one)?;
    }
    known(targets, "opening", |published| published.opening, targets.all.opening)?;
    known(targets, "closing", |published| published.closing, targets.all.closing)
}

/// Refuses an empty heading.
fn heading(targets: &Targets) -> Result<(), TargetsError> {
    let filled = [
        ("campaign", !targets.campaign.trim().is_empty()),
        ("province", !targets.province.trim().is_empty()),
        ("source", !targets.source.trim().is_empty()),
        ("region", REGIONS[1..].contains(&targets.region.as_str())),
        ("opening_date", targets.opening_date < targets.review_date),
        ("districts", !targets.districts.is_empty()),
    ];
    match filled.into_iter().find(|(_, filled)| !filled) {
        Some((place, _)) => Err(TargetsError::Unknown { place: place.to_owned() }),
        None => Ok(()),
    }
}

/// Refuses parts that are more than the province.
fn totals(targets: &Targets) -> Result<(), TargetsError> {
    let counts = [
        ("all/opening", targets.all.opening.households <= HOUSEHOLDS_MAX),
        ("all/closing", targets.all.closing.households <= HOUSEHOLDS_MAX),
        ("all/opening", targets.all.opening.fits()),
        ("all/closing", targets.all.closing.fits()),
        ("dtts/opening", targets.dtts.opening.fits()),
        ("dtts/closing", targets.dtts.closing.fits()),
        ("dtts/opening", targets.dtts.opening.is_part_of(targets.all.opening)),
        ("dtts/closing", targets.dtts.closing.is_part_of(targets.all.closing)),
    ];
    match counts.into_iter().find(|(_, fits)| !fits) {
        Some((place, _)) => Err(TargetsError::Sum { place: place.to_owned() }),
        None => Ok(()),
    }
}

/// Refuses assumptions that are not marked or make no sense.
fn assumed(targets: &Targets) -> Result<(), TargetsError> {
    let assumed = &targets.assumed;
    let place = |field: &str| format!("assumed/{field}");
    if !assumed.synthetic {
        return Err(TargetsError::NotMarked { place: place("synthetic") });
    }
    let persons = 100..=1000;
    let ranges = [
        ("left_per_mille", assumed.left_per_mille <= 1000),
        ("new_poor_per_mille", assumed.new_poor_per_mille <= 1000),
        ("new_near_poor_per_mille", assumed.new_near_poor_per_mille <= 1000),
        ("fell_per_mille", assumed.fell_per_mille <= 1000),
        ("rose_one_step_per_mille", assumed.rose_one_step_per_mille <= 1000),
        ("applicants", assumed.applicants <= targets.all.closing.households),
        ("hamlet_households", assumed.hamlet_households >= 1),
        ("persons_per_100_households", persons.contains(&assumed.persons_per_100_households)),
        (
            "dtts_persons_per_100_households",
            persons.contains(&assumed.dtts_persons_per_100_households),
        ),
        ("b1_methods", weighty(&assumed.b1_methods)),
        ("ethnicities", usable(&assumed.ethnicities)),
    ];
    match ranges.into_iter().find(|(_, within)| !within) {
        Some((field, _)) => Err(TargetsError::Range { place: place(field) }),
        None => Ok(()),
    }
}

/// Refuses a district whose weights are not marked or whose parts are more than itself.
fn district(place: &str, district: &District) -> Result<(), TargetsError> {
    if !district.weights.synthetic {
        return Err(TargetsError::NotMarked { place: format!("{place}/weights") });
    }
    if let Some(published) = &district.published {
        if published.source.trim().is_empty() {
            return Err(TargetsError::Unknown { place: format!("{place}/published/source") });
        }
        for (date, known) in [("opening", published.opening), ("closing", published.closing)] {
            let parts = known.poor.unwrap_or(0).checked_add(known.near_poor.unwrap_or(0));
            let whole = known.households.unwrap_or(u64::MAX);
            if parts.is_none_or(|parts| parts > whole) {
                return Err(TargetsError::Sum { place: format!("{place}/published/{date}") });
            }
        }
    }
    for (code, commune) in &district.communes {
        let place = format!("{place}/communes/{code}");
        if !commune.synthetic {
            return Err(TargetsError::NotMarked { place });
        }
        let share = commune.dtts_per_mille.unwrap_or(0) <= 1000;
        let sized = (1..=100_000).contains(&commune.size_percent);
        if !share || !sized || !commune.ethnicities.as_ref().is_none_or(usable) {
            return Err(TargetsError::Range { place });
        }
    }
    Ok(())
}

/// Refuses published districts that together are more than the province.
fn known(
    targets: &Targets,
    date: &str,
    at: fn(&Published) -> Known,
    whole: Count,
) -> Result<(), TargetsError> {
    let published = || targets.districts.values().filter_map(|one| one.published.as_ref());
    let sum = |of: fn(Known) -> Option<u64>| {
        published().filter_map(|one| of(at(one))).fold(0, u64::saturating_add)
    };
    let sums = [
        ("households", sum(|one| one.households), whole.households),
        ("poor", sum(|one| one.poor), whole.poor),
        ("near_poor", sum(|one| one.near_poor), whole.near_poor),
    ];
    match sums.into_iter().find(|(_, sum, whole)| sum > whole) {
        Some((what, ..)) => {
            Err(TargetsError::Sum { place: format!("districts/*/published/{date}/{what}") })
        }
        None => Ok(()),
    }
}

/// Tells whether there is something to draw, with weights that can be added up.
fn weighty(weights: &[u64]) -> bool {
    weights.iter().any(|weight| *weight > 0) && weights.iter().all(|weight| *weight <= WEIGHT_MAX)
}

/// Tells whether groups have codes of two digits, are not the majority, and can be drawn.
fn usable(ethnicities: &BTreeMap<String, u64>) -> bool {
    let two_digits = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit());
    let weights: Vec<u64> = ethnicities.values().copied().collect();
    ethnicities.keys().all(two_digits) && !ethnicities.contains_key(MAJORITY) && weighty(&weights)
}
