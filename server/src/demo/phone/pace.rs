//! How much a phone sends and asks for at once: little on a line that breaks, more as it holds.

use shared::limits;

/// A size doubles once this many times as much has gone through: a cut then costs at most an
/// eighth of what came through since the last one, or one smallest part.
const TIMES: usize = 16;

/// What goes up and what is asked for at once, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    up: Step,
    down: Step,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    bytes: usize,
    max: usize,
    through: usize,
}

impl Step {
    fn new(bytes: usize, max: usize) -> Self {
        Self { bytes, max, through: 0 }
    }

    fn went_through(&mut self, bytes: usize) {
        self.through += bytes;
        if self.through >= TIMES * self.bytes && self.bytes < self.max {
            *self = Self::new((2 * self.bytes).min(self.max), self.max);
        }
    }

    fn broke(&mut self, bytes: usize) {
        *self = Self::new(bytes, self.max);
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            up: Step::new(limits::PART_BYTES, limits::PART_BYTES_MAX),
            down: Step::new(limits::ANSWER_BYTES, limits::ANSWER_BYTES_MAX),
        }
    }
}

impl Pace {
    /// Returns how many bytes of changes to send at once.
    pub(super) fn part_bytes(&self) -> usize {
        self.up.bytes
    }

    /// Returns how many bytes to ask for, where that is not what the server sends unasked.
    pub(super) fn answer_bytes(&self) -> Option<u32> {
        let asked = u32::try_from(self.down.bytes).ok();
        asked.filter(|_| self.down.bytes != limits::ANSWER_BYTES)
    }

    /// Notes that a request was answered.
    pub(super) fn went_through(&mut self, up: usize, down: usize) {
        self.up.went_through(up);
        self.down.went_through(down);
    }

    /// Notes that the line broke.
    pub(super) fn broke(&mut self) {
        self.up.broke(limits::PART_BYTES_MIN);
        self.down.broke(limits::ANSWER_BYTES_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_costs_at_most_an_eighth_of_what_came_through_or_a_smallest_part() {
        let mut pace = Pace::default();
        for cut_after in [0, 10_000, 100_000, 4_000_000, 50_000] {
            pace.broke();
            let mut through = 0;
            while through < cut_after {
                let part = pace.part_bytes();
                assert!(part == limits::PART_BYTES_MIN || 8 * part <= through);
                pace.went_through(part, 0);
                through += part;
            }
            assert!(pace.part_bytes() <= limits::PART_BYTES_MAX);
        }
    }

    #[test]
    fn a_phone_asks_for_nothing_special_until_the_line_breaks() {
        let mut pace = Pace::default();
        assert_eq!(pace.answer_bytes(), None);
        pace.broke();
        assert_eq!(pace.answer_bytes(), u32::try_from(limits::ANSWER_BYTES_MIN).ok());
    }
}
