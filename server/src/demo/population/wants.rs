//! In which indicators a made-up household is to be deprived.

use shared::classify::Class;
use shared::standard::Standard;

use super::rng::Rng;
use super::roster::Slot;

/// The indicators that the answers decide. That of dependants follows from the roster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) employment: bool,
    pub(super) nutrition: bool,
    pub(super) insurance: bool,
    pub(super) adult_education: bool,
    pub(super) child_schooling: bool,
    pub(super) house_quality: bool,
    pub(super) house_area: bool,
    pub(super) water: bool,
    pub(super) latrine: bool,
    pub(super) telecom: bool,
    pub(super) media: bool,
}

/// Draws deprivations that make the class, given whether the roster already makes one.
///
/// Poor is the least number of the standard or more, near-poor fewer, above any small number.
pub(super) fn draw(
    class: Class,
    (slots, dependants): (&[Slot], bool),
    dtts: bool,
    standard: &Standard,
    rng: &mut Rng,
) -> Wants {
    let each = standard.thresholds.points_per_indicator.max(1);
    let least = (standard.thresholds.b2_poor + each - 1) / each;
    let least = usize::try_from(least).unwrap_or(0);
    let total = match class {
        Class::Poor => least + rng.weighted(&[45, 30, 17, 8]),
        Class::NearPoor => rng.weighted(&[15, 40, 45]).min(least.saturating_sub(1)),
        Class::Above | Class::Insufficient => rng.weighted(&[35, 35, 22, 8]),
    };
    let mut left = total.saturating_sub(usize::from(dependants));

    let aged = |low: i64, high: i64| {
        slots.iter().any(|slot| slot.present() && (low..=high).contains(&slot.age))
    };
    let mut wants = Wants::default();
    let mut pool: Vec<(u64, &mut bool)> = vec![
        (if aged(15, 60) { 10 } else { 0 }, &mut wants.employment),
        (
            if !aged(0, 15) {
                0
            } else if dtts {
                14
            } else {
                8
            },
            &mut wants.nutrition,
        ),
        (if dtts { 5 } else { 11 }, &mut wants.insurance),
        (
            if !aged(16, 30) {
                0
            } else if dtts {
                28
            } else {
                17
            },
            &mut wants.adult_education,
        ),
        (
            if !aged(3, 15) {
                0
            } else if dtts {
                8
            } else {
                4
            },
            &mut wants.child_schooling,
        ),
        (if dtts { 25 } else { 15 }, &mut wants.house_quality),
        (if dtts { 22 } else { 14 }, &mut wants.house_area),
        (if dtts { 24 } else { 10 }, &mut wants.water),
        (if dtts { 45 } else { 25 }, &mut wants.latrine),
        (if dtts { 28 } else { 26 }, &mut wants.telecom),
        (if dtts { 14 } else { 12 }, &mut wants.media),
    ];
    while left > 0 && pool.iter().any(|(weight, _)| *weight > 0) {
        let weights: Vec<u64> = pool.iter().map(|(weight, _)| *weight).collect();
        let (_, wanted) = pool.swap_remove(rng.weighted(&weights));
        *wanted = true;
        left -= 1;
    }
    wants
}
