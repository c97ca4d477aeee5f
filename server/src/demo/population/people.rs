//! The households under review of one hamlet, without their answers.

use std::collections::BTreeMap;

use shared::classify::{B1Method, Class};
use shared::unit::Area;

use super::flow::Flow;
use super::rng::Rng;
use super::{Goal, Spec};

/// Code of the ethnic majority, the group of every household that is not an ethnic-minority one.
pub(super) const MAJORITY: &str = "01";

/// Bits of a seed that hold the household's number in the plan.
pub(super) const SERIAL_BITS: u32 = 20;

/// What the households of one commune have in common.
pub(super) struct Mix<'a> {
    /// Area type of the hamlets.
    pub(super) area: Area,
    /// Weights of the B1 methods.
    pub(super) b1_methods: &'a [u64; 3],
    /// Weights of the ethnic groups of ethnic-minority households.
    pub(super) ethnicities: &'a BTreeMap<String, u64>,
}

/// Numbers the households of a plan from 0 on.
#[derive(Debug, Default)]
pub(super) struct Serial(u64);

impl Serial {
    /// Makes one [`Spec`] for every household the flows of a hamlet count, in an order that tells
    /// nothing. The flows are those of ethnic-minority households and of the others.
    pub(super) fn households(
        &mut self,
        hamlet: &str,
        flows: &[Flow; 2],
        mix: &Mix<'_>,
        rng: &mut Rng,
    ) -> Vec<Spec> {
        let mut kinds: Vec<(bool, Option<Class>, Goal)> = Vec::new();
        for (dtts, flow) in [true, false].into_iter().zip(flows) {
            for (opening, goal, number) in flow.kinds() {
                kinds.extend((0..number).map(|_| (dtts, opening, goal)));
            }
        }
        rng.shuffle(&mut kinds);

        let codes: Vec<&String> = mix.ethnicities.keys().collect();
        let weights: Vec<u64> = mix.ethnicities.values().copied().collect();
        let specs = kinds.into_iter().zip(1..).map(|((dtts, opening, goal), number)| {
            let ethnicity = codes[rng.weighted(&weights)].as_str();
            let goal = match goal {
                Goal::Left(_) => Goal::Left(LEFT[rng.weighted(&[11, 6, 3])]),
                Goal::Class(_) => goal,
            };
            Spec {
                code: format!("{hamlet}-{number:04}"),
                hamlet: hamlet.to_owned(),
                area: mix.area,
                opening,
                dtts,
                ethnicity: if dtts { ethnicity } else { MAJORITY }.to_owned(),
                goal,
                method: METHODS[rng.weighted(mix.b1_methods)],
                seed: self.seed(rng),
            }
        });
        specs.collect()
    }

    /// Draws a seed and puts the next number into its low bits.
    fn seed(&mut self, rng: &mut Rng) -> u64 {
        let number = self.0 & ((1 << SERIAL_BITS) - 1);
        self.0 += 1;
        (rng.next() << SERIAL_BITS) | number
    }
}

/// Outcomes of households that leave the list, the most frequent first.
const LEFT: [&str; 3] = ["moved_out", "died_out", "joined"];

/// In the order of their weights in the targets.
const METHODS: [B1Method; 3] = [B1Method::Computed, B1Method::ItemPoints, B1Method::Entered];
