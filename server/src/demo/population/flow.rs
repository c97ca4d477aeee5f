//! Who moved where: how the opening list of a hamlet became its closing figures.

use shared::classify::Class;

use super::Goal;
use super::apportion::Carry;
use super::figures::GroupFigures;
use super::targets::Assumed;

/// Movements of one group in one hamlet, in households.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// From poor: to poor, near-poor, above, and off the list.
    pub(super) poor: [u64; 4],
    /// From near-poor, likewise.
    pub(super) near_poor: [u64; 4],
    /// From no list: to poor, near-poor, above.
    pub(super) applied: [u64; 3],
}

impl Flow {
    /// Lists the movements with their numbers; those off the list stand for any way of leaving.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Option<Class>, Goal, u64)> {
        const GOALS: [Goal; 4] = [
            Goal::Class(Class::Poor),
            Goal::Class(Class::NearPoor),
            Goal::Class(Class::Above),
            Goal::Left("moved_out"),
        ];
        let of = |from: Option<Class>, numbers: Vec<u64>| {
            GOALS.into_iter().zip(numbers).map(move |(goal, number)| (from, goal, number))
        };
        of(Some(Class::Poor), self.poor.to_vec())
            .chain(of(Some(Class::NearPoor), self.near_poor.to_vec()))
            .chain(of(None, self.applied.to_vec()))
    }

    /// Counts the households that are on the opening list.
    pub(super) fn listed(&self) -> u64 {
        self.poor.iter().chain(&self.near_poor).sum()
    }

    /// Counts the households that applied.
    pub(super) fn applied(&self) -> u64 {
        self.applied.iter().sum()
    }

    /// Counts the households under review that still live there.
    pub(super) fn staying(&self) -> u64 {
        self.listed() + self.applied() - self.poor[3] - self.near_poor[3]
    }
}

/// Draws the movements of one group, hamlet after hamlet, so that the assumed rates hold overall.
#[derive(Debug, Clone)]
pub(super) struct Flows {
    left: Carry,
    new_poor: Carry,
    new_near_poor: Carry,
    fell: Carry,
    one_step: Carry,
}

impl Flows {
    /// Starts with the assumed rates.
    pub(super) fn new(assumed: &Assumed) -> Self {
        Self {
            left: Carry::new(assumed.left_per_mille),
            new_poor: Carry::new(assumed.new_poor_per_mille),
            new_near_poor: Carry::new(assumed.new_near_poor_per_mille),
            fell: Carry::new(assumed.fell_per_mille),
            one_step: Carry::new(assumed.rose_one_step_per_mille),
        }
    }

    /// Finds movements that lead exactly from the opening to the closing figures.
    ///
    /// The rates yield where they must: nobody is new while the list has people left to fill a
    /// class, unless the rates say so, and more people never stay than live there.
    pub(super) fn next(&mut self, figures: GroupFigures) -> Flow {
        let (opening, closing) = (figures.opening, figures.closing);
        let listed = opening.poor + opening.near_poor;
        let left_poor = self.left.of(opening.poor).min(opening.poor);
        let left_near = self.left.of(opening.near_poor).min(opening.near_poor);
        let surplus = (listed - left_poor - left_near).saturating_sub(closing.households);
        let more_near = surplus.min(opening.near_poor - left_near);
        let (left_poor, left_near) = (left_poor + surplus - more_near, left_near + more_near);

        let poor = opening.poor - left_poor;
        let near = opening.near_poor - left_near;
        let room = closing.households - poor - near;
        let new_poor = self.new_poor.of(closing.poor).min(closing.poor).min(room);
        let new_near = self.new_near_poor.of(closing.near_poor).min(closing.near_poor);
        let new_near = new_near.min(room - new_poor);

        let wanted = closing.poor - new_poor;
        let fell = self.fell.of(opening.near_poor).min(near).min(wanted);
        let stayed_poor = (wanted - fell).min(poor);
        let fell = (wanted - stayed_poor).min(near);
        let new_poor = closing.poor - stayed_poor - fell;

        let (rising, near) = (poor - stayed_poor, near - fell);
        let wanted = closing.near_poor - new_near;
        let rose = self.one_step.of(rising).min(rising).min(wanted);
        let stayed_near = (wanted - rose).min(near);
        let rose = (wanted - stayed_near).min(rising);
        let new_near = closing.near_poor - rose - stayed_near;

        Flow {
            poor: [stayed_poor, rose, rising - rose, left_poor],
            near_poor: [fell, stayed_near, near - stayed_near, left_near],
            applied: [new_poor, new_near, 0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::Count;
    use super::super::rng::Rng;
    use super::*;

    #[test]
    fn movements_lead_from_the_opening_to_the_closing_figures() {
        let assumed = super::super::Targets::quang_tri_2022().assumed;
        let mut flows = Flows::new(&assumed);
        let mut rng = Rng::new(5, 0);
        for _ in 0..20_000 {
            let bound = 1 + rng.below(30);
            let mut count = || {
                let households = rng.below(bound);
                let poor = rng.below(households + 1);
                let near_poor = rng.below(households - poor + 1);
                Count { households, poor, near_poor }
            };
            let figures = GroupFigures { opening: count(), closing: count() };
            let flow = flows.next(figures);
            let to = |class: usize| flow.poor[class] + flow.near_poor[class] + flow.applied[class];
            assert_eq!(flow.poor.iter().sum::<u64>(), figures.opening.poor, "{figures:?}");
            assert_eq!(flow.near_poor.iter().sum::<u64>(), figures.opening.near_poor);
            assert_eq!((to(0), to(1)), (figures.closing.poor, figures.closing.near_poor));
            assert!(flow.staying() <= figures.closing.households, "{figures:?} {flow:?}");
        }
    }
}
