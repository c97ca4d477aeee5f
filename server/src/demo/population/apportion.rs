//! Splitting whole numbers in proportion, so that the parts add up to the whole.

/// Computes `number * numerator / denominator`, rounded half up.
pub(super) fn share(number: u64, numerator: u64, denominator: u64) -> u64 {
    let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
    let twice = 2 * u128::from(number) * numerator + denominator;
    u64::try_from(twice / (2 * denominator)).expect("a share of a count is a count")
}

/// Splits `total` by weights with the method of largest remainders (Hamilton's, Hare quota).
///
/// Equal remainders go to the earlier part. Without any weight the parts are equal.
pub(super) fn largest_remainder(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return if weights.is_empty() {
            Vec::new()
        } else {
            largest_remainder(total, &vec![1; weights.len()])
        };
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let product = u128::from(total) * u128::from(*weight);
        parts.push(u64::try_from(product / sum).expect("a part is at most the total"));
        remainders.push((std::cmp::Reverse(product % sum), place));
    }
    remainders.sort_unstable();
    let given: u64 = parts.iter().sum();
    let mut left = total - given;
    for (_, place) in remainders {
        if left == 0 {
            break;
        }
        parts[place] += 1;
        left -= 1;
    }
    parts
}

/// Splits `total` by weights, every part within its bounds; `None` where no split is.
///
/// What a bound cuts off goes to the parts with room, again by weight, and to parts without weight
/// only when no other has room.
pub(super) fn bounded(total: u64, weights: &[u64], bounds: &[(u64, u64)]) -> Option<Vec<u64>> {
    let low: u64 = bounds.iter().map(|(low, _)| low).sum();
    let high = bounds.iter().fold(0_u64, |sum, (_, high)| sum.saturating_add(*high));
    let ordered = bounds.iter().all(|(low, high)| low <= high);
    if !ordered || total < low || total > high || weights.len() != bounds.len() {
        return None;
    }
    let mut parts = largest_remainder(total, weights);
    for (part, (low, high)) in parts.iter_mut().zip(bounds) {
        *part = (*part).clamp(*low, *high);
    }
    loop {
        let sum: u64 = parts.iter().sum();
        if sum == total {
            return Some(parts);
        }
        let rooms: Vec<u64> = parts
            .iter()
            .zip(bounds)
            .map(|(part, (low, high))| if sum < total { high - part } else { part - low })
            .collect();
        let mut open: Vec<u64> = weights
            .iter()
            .zip(&rooms)
            .map(|(weight, room)| if *room > 0 { *weight } else { 0 })
            .collect();
        // What has no weight gives first and takes last.
        let idle = |place: usize| weights[place] == 0 && rooms[place] > 0;
        if open.iter().all(|weight| *weight == 0) || (sum > total && (0..rooms.len()).any(idle)) {
            open =
                (0..rooms.len()).map(|place| if idle(place) { rooms[place] } else { 0 }).collect();
        }
        let moves = largest_remainder(sum.abs_diff(total), &open);
        for ((part, room), step) in parts.iter_mut().zip(&rooms).zip(moves) {
            let step = step.min(*room);
            if sum < total { *part += step } else { *part -= step }
        }
    }
}

/// Hands out a rate over a sequence so that the parts add up: each part is the rate of its number,
/// with what rounding left over carried to the next.
#[derive(Debug, Clone)]
pub(super) struct Carry {
    per_mille: u64,
    left: u64,
}

impl Carry {
    /// Starts with half a unit, so that the whole is rounded half up.
    pub(super) fn new(per_mille: u64) -> Self {
        Self { per_mille, left: 500 }
    }

    /// Takes the rate of the next number.
    pub(super) fn of(&mut self, number: u64) -> u64 {
        self.left += number * self.per_mille;
        let part = self.left / 1000;
        self.left %= 1000;
        part
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::rng::Rng;
    use super::*;

    #[test]
    fn parts_add_up_and_are_nearly_in_proportion() {
        assert_eq!(largest_remainder(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(largest_remainder(7, &[0, 3, 1]), [0, 5, 2]);
        assert_eq!(largest_remainder(3, &[0, 0]), [2, 1]);
        assert_eq!(largest_remainder(0, &[]), Vec::<u64>::new());
        assert_eq!((share(5, 1, 2), share(4, 1, 3), share(0, 1, 3)), (3, 1, 0));
    }

    #[test]
    fn bounds_hold_wherever_a_split_exists() {
        let mut rng = Rng::new(1, 0);
        for _ in 0..5_000 {
            let count = rng.index(6) + 1;
            let weights: Vec<u64> = (0..count).map(|_| rng.below(4)).collect();
            let bounds: Vec<(u64, u64)> = (0..count)
                .map(|_| {
                    let low = rng.below(5);
                    (low, low + rng.below(20))
                })
                .collect();
            let low: u64 = bounds.iter().map(|(low, _)| low).sum();
            let high: u64 = bounds.iter().map(|(_, high)| high).sum();
            let total = low + rng.below(high - low + 1);
            let parts = bounded(total, &weights, &bounds).unwrap();
            assert_eq!(parts.iter().sum::<u64>(), total);
            let within = |(part, (low, high)): (&u64, &(u64, u64))| low <= part && part <= high;
            assert!(parts.iter().zip(&bounds).all(within), "{weights:?} {bounds:?} {parts:?}");
            assert_eq!(bounded(high + 1, &weights, &bounds), None);
        }
        assert_eq!(bounded(5, &[0, 1], &[(0, 9), (0, 9)]).unwrap(), [0, 5]);
        assert_eq!(bounded(9, &[0, 1], &[(0, 9), (0, 6)]).unwrap(), [3, 6]);
    }

    #[test]
    fn a_carried_rate_loses_nothing() {
        let mut carry = Carry::new(8);
        let total: u64 = (0..1_000).map(|_| carry.of(13)).sum();
        assert_eq!(total, 104);
    }
}
