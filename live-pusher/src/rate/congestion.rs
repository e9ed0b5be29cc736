//! When code 1101 fires.

use std::time::{Duration, Instant};

/// The oldest unsent packet may be this old.
const TOO_OLD: Duration = Duration::from_millis(500);
/// Under this age the uplink counts as well again.
const WELL: Duration = Duration::from_millis(100);
/// Told again after this long.
const AGAIN: Duration = Duration::from_secs(5);

/// The uplink does not take what is made: code 1101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Congestion {
    /// How long the oldest packet that was not sent has waited.
    pub waiting: Duration,
    /// What the uplink takes at the moment, kbit/s.
    pub kbps: u32,
}

/// Fires when packets wait for too long; again only after that was over, or some seconds later.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alarm {
    fired: Option<Instant>,
}

impl Alarm {
    /// Whether to fire, now that the oldest packet is this old.
    pub(super) fn check(&mut self, now: Instant, waiting: Duration) -> bool {
        if waiting < WELL {
            self.fired = None;
        }
        let quiet = self.fired.is_some_and(|fired| now.saturating_duration_since(fired) < AGAIN);
        let fires = waiting >= TOO_OLD && !quiet;
        if fires {
            self.fired = Some(now);
        }
        fires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_at_half_a_second_and_again_after_relief_or_five_seconds() {
        let start = Instant::now();
        let mut alarm = Alarm::default();
        let mut fired = Vec::new();
        // A wait that comes, stays for six seconds, goes half way, comes, goes, and comes.
        let waits = [(0, 499), (100, 500), (200, 3000), (5000, 900), (5100, 900), (5200, 900), (6000, 150)];
        let later = [(6100, 800), (6200, 99), (6300, 499), (6400, 500), (10_199, 700), (11_400, 700)];
        for (at, waiting) in waits.into_iter().chain(later) {
            if alarm.check(start + Duration::from_millis(at), Duration::from_millis(waiting)) {
                fired.push(at);
            }
        }
        assert_eq!(fired, [100, 5100, 6400, 11_400]);
    }
}
