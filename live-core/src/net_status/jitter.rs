//! How unevenly media moves.

use crate::time::Timestamp;
use std::time::{Duration, Instant};

/// A step of media time over this length, or backwards, is a new timeline and not jitter.
const NEW_TIMELINE_MICROS: i64 = 1_000_000;

/// Mean deviation of transit times between consecutive packets (RFC 3550 section 6.4.1).
///
/// One estimator sees the packets of one track in decoding order.
#[derive(Clone, Copy, Debug, Default)]
pub struct JitterEstimator {
    last: Option<(Instant, Timestamp)>,
    /// Microseconds.
    jitter: f64,
}

impl JitterEstimator {
    /// An estimator that has seen nothing: its jitter is zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the packet of media time `media` arrived, or was sent, at `at`. Returns the jitter after it.
    pub fn record(&mut self, at: Instant, media: Timestamp) -> Duration {
        if let Some((last_at, last_media)) = self.last.replace((at, media)) {
            let media_step = media.micros_since(last_media);
            if (0..=NEW_TIMELINE_MICROS).contains(&media_step) {
                let step = at.saturating_duration_since(last_at).as_secs_f64() * 1e6;
                self.jitter += ((step - media_step as f64).abs() - self.jitter) / 16.0;
            }
        }
        self.jitter()
    }

    /// Forgets the last packet but keeps the estimate, for a connection that starts again.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// The jitter so far.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The jitter after packets every 20 ms of media time, each late by `delay_ms(index)`.
    fn after(packets: u64, delay_ms: impl Fn(u64) -> u64) -> f64 {
        let start = Instant::now();
        let mut estimator = JitterEstimator::new();
        for index in 0..packets {
            let at = start + Duration::from_millis(20 * index + delay_ms(index));
            estimator.record(at, Timestamp::from_millis(20 * i64::try_from(index).unwrap()));
        }
        estimator.jitter().as_secs_f64() * 1000.0
    }

    #[test]
    fn even_arrival_has_no_jitter_however_late_it_is() {
        assert_eq!(after(100, |_| 0), 0.0);
        assert_eq!(after(100, |_| 700), 0.0);
    }

    #[test]
    fn the_first_deviation_counts_a_sixteenth() {
        assert_eq!(after(2, |index| 16 * index), 1.0);
    }

    #[test]
    fn alternating_delay_converges_to_its_swing() {
        let jitter = after(500, |index| 10 * (index % 2));
        assert!((jitter - 10.0).abs() < 0.1, "{jitter}");
    }

    #[test]
    fn a_new_timeline_or_connection_is_not_jitter() {
        let start = Instant::now();
        let mut estimator = JitterEstimator::new();
        estimator.record(start, Timestamp::from_millis(0));
        estimator.record(start + Duration::from_millis(20), Timestamp::from_millis(90_000));
        estimator.record(start + Duration::from_millis(40), Timestamp::from_millis(0));
        assert_eq!(estimator.jitter(), Duration::ZERO);
        estimator.restart();
        estimator.record(start + Duration::from_secs(60), Timestamp::from_millis(20));
        assert_eq!(estimator.jitter(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn jitter_never_exceeds_the_largest_deviation(delays in prop::collection::vec(0u64..500, 2..300)) {
            let largest = delays.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap_or(0);
            // Arrival times may not run backwards, so the delay can take back at most one step of 20 ms.
            let jitter = after(delays.len() as u64, |index| delays[index as usize]);
            prop_assert!(jitter <= largest.max(20) as f64, "{jitter} over {largest}");
        }
    }
}
