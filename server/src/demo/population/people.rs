//! The households under review of one hamlet, without their answers.

use std::collections::BTreeMap;

use shared::classify::{B1Method, Class};
use shared::unit::Area;

use super::flow::Flow;
use super::rng::Rng;
use super::targets::Assumed;
use super::{Goal, Spec};

/// Code of the ethnic majority, the group of every household that is not an ethnic-minority one.
pub(super) const MAJORITY: &str = "01";

/// Bits of a seed that hold the household's number in the plan.
pub(super) const SERIAL_BITS: u32 = 20;

/// Makes one [`Spec`] for every household the flows count, in an order that tells nothing.
pub(super) fn households(
    hamlet: &str,
    area: Area,
    flows: &[Flow; 2],
    (assumed, ethnicities): (&Assumed, &BTreeMap<String, u64>),
    serial: &mut u64,
    rng: &mut Rng,
) -> Vec<Spec> {
    let mut kinds: Vec<(bool, Option<Class>, Goal)> = Vec::new();
    for (dtts, flow) in [true, false].into_iter().zip(flows) {
        for (opening, goal, number) in flow.kinds() {
            kinds.extend((0..number).map(|_| (dtts, opening, goal)));
        }
    }
    rng.shuffle(&mut kinds);

    let codes: Vec<&String> = ethnicities.keys().collect();
    let weights: Vec<u64> = ethnicities.values().copied().collect();
    let specs = kinds.into_iter().zip(1..).map(|((dtts, opening, goal), number)| {
        let ethnicity = codes[rng.weighted(&weights)].as_str();
        let seed = (rng.next() << SERIAL_BITS) | (*serial & ((1 << SERIAL_BITS) - 1));
        *serial += 1;
        Spec {
            code: format!("{hamlet}-{number:04}"),
            hamlet: hamlet.to_owned(),
            area,
            opening,
            dtts,
            ethnicity: if dtts { ethnicity } else { MAJORITY }.to_owned(),
            goal: match goal {
                Goal::Left(_) => {
                    Goal::Left(["moved_out", "died_out", "joined"][rng.weighted(&[11, 6, 3])])
                }
                class => class,
            },
            method: METHODS[rng.weighted(&assumed.b1_methods)],
            seed,
        }
    });
    specs.collect()
}

/// In the order of their weights in the targets.
const METHODS: [B1Method; 3] = [B1Method::Computed, B1Method::ItemPoints, B1Method::Entered];
