//! Token buckets: how much one sender may use in a burst, and how fast it may use more.
//!
//! A bucket is charged in bytes, before anything expensive is done with them. Pure: the caller has
//! the clock and keeps the buckets.

/// What a sender may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Bytes that a sender may use at once after a rest.
    pub burst: u64,
    /// Bytes that come back each second.
    pub per_second: u64,
}

/// What one sender has used: nothing when new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Thousandths of a byte used, so that a millisecond's refill is a whole number.
    used_milli: u64,
    /// When that was.
    at_ms: i64,
}

/// The bucket is empty for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty {
    /// Until there is enough in it for what was asked, in milliseconds.
    pub wait_ms: u64,
}

impl Bucket {
    /// Takes what a request costs, or says how long to wait. What costs more than the whole burst
    /// takes all of it.
    ///
    /// ```
    /// use shared::bucket::{Bucket, Empty, Rate};
    ///
    /// let rate = Rate { burst: 100, per_second: 10 };
    /// let mut bucket = Bucket::default();
    /// assert_eq!(bucket.take(rate, 80, 0), Ok(()));
    /// assert_eq!(bucket.take(rate, 40, 0), Err(Empty { wait_ms: 2_000 }));
    /// assert_eq!(bucket.take(rate, 40, 2_000), Ok(()));
    /// ```
    pub fn take(&mut self, rate: Rate, cost: u64, now_ms: i64) -> Result<(), Empty> {
        let used = self.used_at(rate, now_ms);
        let burst = rate.burst.saturating_mul(1000);
        let wanted = used.saturating_add(cost.min(rate.burst).saturating_mul(1000));
        if wanted > burst {
            return Err(Empty { wait_ms: (wanted - burst).div_ceil(rate.per_second.max(1)) });
        }
        *self = Self { used_milli: wanted, at_ms: now_ms };
        Ok(())
    }

    /// Tells whether everything used has come back: such a bucket is like a new one.
    pub fn is_full(&self, rate: Rate, now_ms: i64) -> bool {
        self.used_at(rate, now_ms) == 0
    }

    /// A clock that was set back gives nothing back.
    fn used_at(&self, rate: Rate, now_ms: i64) -> u64 {
        let passed_ms = u64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(0);
        self.used_milli.saturating_sub(passed_ms.saturating_mul(rate.per_second))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { burst: 1_000, per_second: 7 };

    proptest! {
        /// Whoever asks, however often: never more than the burst and what has come back since.
        #[test]
        fn nobody_gets_more_than_burst_and_refill(
            asks in proptest::collection::vec((1_u64..400, 0_i64..3_000), 1..200),
        ) {
            let (mut bucket, mut now_ms, mut got) = (Bucket::default(), 0, 0);
            for (cost, after_ms) in asks {
                now_ms += after_ms;
                got += bucket.take(RATE, cost, now_ms).map_or(0, |()| cost);
                let back = u64::try_from(now_ms).unwrap() * RATE.per_second / 1000;
                prop_assert!(got <= RATE.burst + back, "{got} by {now_ms}");
            }
        }

        /// The wait that is told is enough, and no millisecond too long.
        #[test]
        fn who_waits_as_told_is_let_in(used in 1_u64..1_000, cost in 1_u64..2_000) {
            let mut bucket = Bucket::default();
            bucket.take(RATE, used, 0).unwrap();
            if let Err(empty) = bucket.take(RATE, cost, 0) {
                let then_ms = i64::try_from(empty.wait_ms).unwrap();
                prop_assert!(bucket.clone().take(RATE, cost, then_ms - 1).is_err());
                prop_assert_eq!(bucket.take(RATE, cost, then_ms), Ok(()));
            }
        }
    }

    #[test]
    fn a_clock_set_back_neither_gives_nor_breaks() {
        let mut bucket = Bucket::default();
        bucket.take(RATE, 1_000, i64::MAX).unwrap();
        assert!(bucket.take(RATE, 1, i64::MIN).is_err());
        assert!(!bucket.is_full(RATE, 0));
    }
}
