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
            open = (0..rooms.len()).map(|place| if idle(place) { rooms[place] } else { 0 }).collect();
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
