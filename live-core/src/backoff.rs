//! When to try again after a connection was lost.

use std::time::{Duration, Instant};

/// How often and after which waits a lost connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait before each retry; their number is the number of retries.
    pub waits: [Duration; 3],
    /// Each wait is made longer or shorter at random by up to this many per cent, so that a crowd does not return at
    /// once.
    pub jitter_percent: u32,
    /// A connection that held this long clears the count.
    pub reset_after: Duration,
}

impl RetryPolicy {
    /// Three retries, after `first`, twice and four times that.
    #[must_use]
    pub const fn doubling(first: Duration) -> Self {
        let waits = [first, first.saturating_mul(2), first.saturating_mul(4)];
        Self { waits, jitter_percent: 20, reset_after: Duration::from_secs(30) }
    }
}

/// One retry to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its number, from 1.
    pub attempt: usize,
    /// How many there are at most.
    pub of: usize,
    /// How long to wait before it.
    pub wait: Duration,
}

/// Counts failures and says when to try again. Pure: it takes `now` and a seed for its jitter.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    attempt: usize,
    random: u64,
}

impl Backoff {
    /// A count at zero. Different `seed`s spread their waits differently.
    #[must_use]
    pub const fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self { policy, attempt: 0, random: seed | 1 }
    }

    /// A connection attempt failed, or a connection that was good since `up_since` was lost. `None` when no retry is
    /// left.
    pub fn failed(&mut self, now: Instant, up_since: Option<Instant>) -> Option<Retry> {
        let held = up_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if held >= self.policy.reset_after {
            self.attempt = 0;
        }
        let wait = *self.policy.waits.get(self.attempt)?;
        self.attempt += 1;
        Some(Retry { attempt: self.attempt, of: self.policy.waits.len(), wait: self.spread(wait) })
    }

    /// `wait`, ± the jitter.
    fn spread(&mut self, wait: Duration) -> Duration {
        // xorshift64: quality does not matter here, only that two sessions differ.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let jitter = u64::from(self.policy.jitter_percent) * 10;
        let per_mille = 1000 - jitter.min(1000) + self.random % (2 * jitter + 1);
        wait.saturating_mul(u32::try_from(per_mille).unwrap_or(1000)) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy::doubling(Duration::from_secs(3));

    #[test]
    fn three_retries_with_growing_waits_within_the_jitter() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(POLICY, seed);
            let now = Instant::now();
            for (attempt, seconds) in [(1, 3.0), (2, 6.0), (3, 12.0)] {
                let retry = backoff.failed(now, None).unwrap();
                assert_eq!((retry.attempt, retry.of), (attempt, 3));
                assert!((0.8..=1.2).contains(&(retry.wait.as_secs_f64() / seconds)), "{retry:?}");
            }
            assert_eq!(backoff.failed(now, None), None);
        }
    }

    #[test]
    fn a_connection_that_held_clears_the_count() {
        let mut backoff = Backoff::new(POLICY, 7);
        let start = Instant::now();
        backoff.failed(start, None);
        backoff.failed(start, None);
        let brief = backoff.failed(start + Duration::from_secs(29), Some(start)).unwrap();
        assert_eq!(brief.attempt, 3);
        let long =
            backoff.failed(start + Duration::from_secs(60), Some(start + Duration::from_secs(30))).unwrap();
        assert_eq!(long.attempt, 1);
    }
}
