//! When to try again after a connection was lost.

use crate::config::Mode;
use std::fmt;
use std::time::{Duration, Instant};

/// How often and after which waits a lost connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait before the first retry; each further one is twice as long.
    pub first: Duration,
    /// No wait is longer than this.
    pub longest: Duration,
    /// Retries in a row; `None`: without end.
    pub retries: Option<u32>,
    /// Each wait is made longer or shorter at random by up to this many per cent, so that a crowd does not return at
    /// once.
    pub jitter_percent: u32,
    /// A connection that held this long clears the count.
    pub reset_after: Duration,
    /// After a reconnect the server may believe that the lost connection still publishes under our name. Then it is
    /// asked again this often, uncounted …
    pub name_taken_every: Duration,
    /// … for this long, from when on it counts as any other failure. Publishers only.
    pub name_taken_for: Duration,
}

impl RetryPolicy {
    /// Three retries, after `first`, twice and four times that; a name still taken is asked for every 5 s up to 90 s.
    #[must_use]
    pub const fn doubling(first: Duration) -> Self {
        Self {
            first,
            longest: first.saturating_mul(4),
            retries: Some(3),
            jitter_percent: 20,
            reset_after: Duration::from_secs(30),
            name_taken_every: Duration::from_secs(5),
            name_taken_for: Duration::from_secs(90),
        }
    }

    /// What a pusher in `mode` does unless it is told otherwise: 3, 6 and 12 s, for calls 1, 2 and 4 s.
    #[must_use]
    pub const fn of_mode(mode: Mode) -> Self {
        Self::doubling(Duration::from_secs(if matches!(mode, Mode::Rtc) { 1 } else { 3 }))
    }

    /// The same waits, `retries` times at most.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The same waits, the longest one again and again, until the session is stopped.
    #[must_use]
    pub const fn endless(mut self) -> Self {
        self.retries = None;
        self
    }

    /// The wait before retry number `attempt`, counted from 0, without jitter.
    fn wait(&self, attempt: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest)
    }
}

/// One retry to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its number, from 1.
    pub attempt: u32,
    /// How many there are at most.
    pub of: Option<u32>,
    /// How long to wait before it.
    pub wait: Duration,
}

/// `retry 1 of 3 in 3.1 s`
impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry {}", self.attempt)?;
        if let Some(of) = self.of {
            write!(f, " of {of}")?;
        }
        write!(f, " in {:.1} s", self.wait.as_secs_f32())
    }
}

/// Counts failures and says when to try again. Pure: it takes `now` and a seed for its jitter.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    attempt: u32,
    random: u64,
    name_taken_since: Option<Instant>,
}

impl Backoff {
    /// A count at zero. Different `seed`s spread their waits differently.
    #[must_use]
    pub const fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self { policy, attempt: 0, random: seed | 1, name_taken_since: None }
    }

    /// A connection attempt failed, or a connection that was good since `up_since` was lost. `None` when no retry is
    /// left.
    pub fn failed(&mut self, now: Instant, up_since: Option<Instant>) -> Option<Retry> {
        if let Some(since) = up_since {
            self.name_taken_since = None;
            if now.saturating_duration_since(since) >= self.policy.reset_after {
                self.attempt = 0;
            }
        }
        if self.policy.retries.is_some_and(|most| self.attempt >= most) {
            return None;
        }
        let wait = self.policy.wait(self.attempt);
        self.attempt = self.attempt.saturating_add(1);
        Some(Retry { attempt: self.attempt, of: self.policy.retries, wait: self.spread(wait) })
    }

    /// The server says that the name we published under is taken: how long to wait before it is asked again, without
    /// counting. `None` when that has gone on for too long and [counts](Self::failed).
    pub fn name_taken(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.name_taken_since.get_or_insert(now);
        let waited = now.saturating_duration_since(since);
        (waited < self.policy.name_taken_for).then_some(self.policy.name_taken_every)
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

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_retries_with_growing_waits_within_the_jitter() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(POLICY, seed);
            let now = Instant::now();
            for (attempt, seconds) in [(1, 3.0), (2, 6.0), (3, 12.0)] {
                let retry = backoff.failed(now, None).unwrap();
                assert_eq!((retry.attempt, retry.of), (attempt, Some(3)));
                assert!((0.8..=1.2).contains(&(retry.wait.as_secs_f64() / seconds)), "{retry:?}");
            }
            assert_eq!(backoff.failed(now, None), None);
        }
    }

    #[test]
    fn endless_retries_stay_at_the_longest_wait() {
        let policy = RetryPolicy { jitter_percent: 0, ..POLICY }.endless();
        let mut backoff = Backoff::new(policy, 1);
        let now = Instant::now();
        let waits: Vec<_> = (0..100).map(|_| backoff.failed(now, None).unwrap().wait.as_secs()).collect();
        assert_eq!(waits[..4], [3, 6, 12, 12]);
        assert_eq!(waits[99], 12);
        assert_eq!(backoff.failed(now, None).unwrap().to_string(), "retry 101 in 12.0 s");
        assert_eq!(Backoff::new(policy.retries(0), 1).failed(now, None), None);
    }

    #[test]
    fn a_connection_that_held_clears_the_count() {
        let mut backoff = Backoff::new(POLICY, 7);
        let start = Instant::now();
        backoff.failed(start, None);
        backoff.failed(start, None);
        let brief = backoff.failed(start + seconds(29), Some(start)).unwrap();
        assert_eq!(brief.attempt, 3);
        let long = backoff.failed(start + seconds(60), Some(start + seconds(30))).unwrap();
        assert_eq!(long.attempt, 1);
    }

    #[test]
    fn a_name_that_is_still_taken_is_asked_for_every_5_s_up_to_90_s_and_does_not_count() {
        let mut backoff = Backoff::new(POLICY, 7);
        let start = Instant::now();
        assert_eq!(backoff.failed(start, Some(start)).unwrap().attempt, 1);
        let asked = (0..).take_while(|n| backoff.name_taken(start + seconds(n * 5)).is_some()).count();
        assert_eq!(asked, 18);
        assert_eq!(backoff.name_taken(start), Some(seconds(5)));
        assert_eq!(backoff.failed(start + seconds(90), None).unwrap().attempt, 2);
        assert_eq!(backoff.name_taken(start + seconds(97)), None, "the time is used up");
        backoff.failed(start + seconds(200), Some(start + seconds(100)));
        assert!(backoff.name_taken(start + seconds(203)).is_some(), "it begins anew after a publication");
    }
}
