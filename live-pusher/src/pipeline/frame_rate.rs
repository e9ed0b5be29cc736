//! Thins a source that is faster than the stream's frame rate.

use live_core::Timestamp;

/// Admits pictures so that on average at most `frame_rate` a second go on, evenly, whatever the source's jitter.
#[derive(Debug)]
pub(crate) struct FrameRateLimit {
    interval: i64,
    due: Option<Timestamp>,
}

impl FrameRateLimit {
    /// At most `frame_rate` > 0 pictures per second.
    pub(crate) fn new(frame_rate: f64) -> Self {
        Self { interval: (1_000_000.0 / frame_rate) as i64, due: None }
    }

    /// Whether the picture with this presentation time goes on.
    pub(crate) fn admits(&mut self, pts: Timestamp) -> bool {
        let due = self.due.unwrap_or(pts);
        // A picture may come this much early: a camera's jitter, and still less than half way to the one before.
        let early = self.interval * 2 / 5;
        if pts.micros_since(due) < -early && due.micros_since(pts) <= self.interval {
            return false;
        }
        let on_time = pts.micros_since(due).abs() <= self.interval;
        self.due = Some(if on_time { due } else { pts }.offset_micros(self.interval));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures admitted out of ten seconds of a source, its timestamps off by up to `jitter` µs.
    fn admitted(source: f64, limit: f64, jitter: i64) -> usize {
        let mut rate = FrameRateLimit::new(limit);
        let pictures = (source * 10.0) as i64;
        let pts = |n: i64| (n as f64 * 1_000_000.0 / source) as i64 + (n * 7919 % 3 - 1) * jitter;
        (0..pictures).filter(|n| rate.admits(Timestamp::from_micros(pts(*n)))).count()
    }

    #[test]
    fn a_source_at_or_below_the_limit_loses_nothing() {
        assert_eq!(admitted(25.0, 25.0, 0), 250);
        assert_eq!(admitted(25.0, 25.0, 8_000), 250);
        assert_eq!(admitted(29.97, 30.0, 0), 299);
        assert_eq!(admitted(10.0, 30.0, 20_000), 100);
    }

    #[test]
    fn a_faster_source_is_thinned_to_the_limit() {
        for (source, limit) in [(30.0, 15.0), (60.0, 25.0), (25.0, 15.0), (60.0, 30.0)] {
            let count = admitted(source, limit, 1_000) as f64;
            assert!((count - limit * 10.0).abs() <= 2.0, "{source} → {limit}: {count}");
        }
    }

    #[test]
    fn a_jump_of_the_timeline_starts_afresh() {
        let mut rate = FrameRateLimit::new(25.0);
        assert!(rate.admits(Timestamp::from_millis(0)));
        assert!(rate.admits(Timestamp::from_millis(90_000)));
        assert!(!rate.admits(Timestamp::from_millis(90_010)));
        assert!(rate.admits(Timestamp::from_millis(5_000)), "backwards");
    }
}
