//! Whether the decoder of pictures is too slow for the stream: pure.

use crate::media_queue::lane::LaneState;
use live_core::Timestamp;
use std::time::{Duration, Instant};

/// A picture that still waits for the decoder this long after its time is late for more than a hiccup.
const BEHIND: Duration = Duration::from_millis(500);
/// A decoder that can catch up does so by `GAIN` in this time.
const PATIENCE: Duration = Duration::from_secs(1);
const GAIN: Duration = Duration::from_millis(100);

/// Since when the decoder has been behind, without having caught up much from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lag(Option<(Instant, Duration)>);

impl Lag {
    pub(super) const NONE: Self = Self(None);

    /// How far the decoder is behind the playhead, when it does not catch up by itself and a key frame waits at which it
    /// could go on.
    pub(super) fn too_long(
        &mut self,
        now: Instant,
        position: Timestamp,
        lane: &LaneState,
    ) -> Option<Duration> {
        let lag = lane.oldest.map_or(Duration::ZERO, |oldest| position.saturating_since(oldest));
        if lag <= BEHIND {
            *self = Self::NONE;
            return None;
        }
        let (since, from) = *self.0.get_or_insert((now, lag));
        if lag + GAIN <= from {
            self.0 = Some((now, lag));
            return None;
        }
        let is_slow = now.saturating_duration_since(since) >= PATIENCE && lane.has_newer_key;
        is_slow.then(|| {
            *self = Self::NONE;
            lag
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the decoder is told to go on elsewhere, in ms, if its lag is `lag` ms as time passes.
    fn told(lag: impl Fn(i64) -> i64) -> Option<i64> {
        let (start, mut state) = (Instant::now(), Lag::NONE);
        (0..10_000).step_by(10).find(|at| {
            let oldest = Some(Timestamp::from_millis(at - lag(*at)));
            let lane = LaneState { oldest, has_newer_key: true, ..LaneState::default() };
            let now = start + Duration::from_millis(at.unsigned_abs());
            state.too_long(now, Timestamp::from_millis(*at), &lane).is_some()
        })
    }

    #[test]
    fn only_a_decoder_that_does_not_catch_up_is_too_slow() {
        assert_eq!(told(|_| 400), None, "late, and not by much");
        assert_eq!(told(|at| at / 5), Some(3_510), "four fifths of real time");
        assert_eq!(told(|_| 600), Some(1_000), "as far behind as ever");
        assert_eq!(told(|at| (3_000 - at / 4).max(0)), None, "catches up");
        assert_eq!(told(|at| if at < 900 { 3_000 } else { 0 }), None, "a hiccup");
        let lane = LaneState { oldest: Some(Timestamp::ZERO), ..LaneState::default() };
        let (start, mut state) = (Instant::now(), Lag::NONE);
        let later = Timestamp::from_millis(5_000);
        assert_eq!(state.too_long(start, later, &lane), None);
        let now = start + Duration::from_secs(2);
        assert_eq!(state.too_long(now, later, &lane), None, "there is no newer key frame");
    }
}
