//! From the frames a sound device has played to media time.

use live_core::{AudioPosition, Timestamp};
use std::collections::VecDeque;
use std::time::Instant;

/// Which media time each frame given to a device stands for.
///
/// Frames are counted since the device was opened. Every run of frames begins a span with the media time of its first
/// frame, so gaps, skips and stretched sound are all just spans.
#[derive(Clone, Debug)]
pub(crate) struct ClockMap {
    rate: u32,
    written: u64,
    spans: VecDeque<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    frame: u64,
    media: Timestamp,
    /// Media time that passes in a second of sound.
    pace: f64,
}

/// Rounding, which begins no span.
const ROUNDING_MICROS: i64 = 2;

impl ClockMap {
    /// A map for a device of `rate` frames per second that has been given nothing.
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), written: 0, spans: VecDeque::new() }
    }

    /// Motion starts at `from` with the next frame; what was written before is forgotten.
    pub(crate) fn restart(&mut self, from: Timestamp) {
        self.spans.clear();
        self.spans.push_back(Span { frame: self.written, media: from, pace: 1.0 });
    }

    /// The device was given `frames` frames, the first of which stands for `media`; `pace` seconds of media pass in a
    /// second of them.
    pub(crate) fn wrote(&mut self, frames: u64, media: Timestamp, pace: f64) {
        let follows = |next: Timestamp| next.micros_since(media).abs() <= ROUNDING_MICROS;
        let goes_on = self.next().is_some_and(follows) && self.spans.back().is_some_and(|s| s.pace == pace);
        if frames > 0 && !goes_on {
            self.spans.push_back(Span { frame: self.written, media, pace });
        }
        self.written += frames;
    }

    /// The media time after everything written; `None` before the first [`restart`](Self::restart) or
    /// [`wrote`](Self::wrote).
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.spans.back().map(|span| self.after(span, self.written))
    }

    /// The media time that is heard at `now`. Between two reports of the device it moves with the clock, but never
    /// past what was written.
    pub(crate) fn heard(&mut self, position: AudioPosition, now: Instant) -> Option<Timestamp> {
        let frame = self.heard_frame(position, now);
        while self.spans.get(1).is_some_and(|next| next.frame <= frame) {
            self.spans.pop_front();
        }
        let span = self.spans.front()?;
        Some(self.after(span, frame.max(span.frame)))
    }

    /// Whether everything written has been heard at `now`.
    pub(crate) fn is_dry(&self, position: AudioPosition, now: Instant) -> bool {
        self.heard_frame(position, now) >= self.written
    }

    fn heard_frame(&self, position: AudioPosition, now: Instant) -> u64 {
        let since = now.saturating_duration_since(position.at);
        let heard = (u128::from(position.frames) + self.frames_in(since))
            .saturating_sub(self.frames_in(position.latency));
        u64::try_from(heard).unwrap_or(u64::MAX).min(self.written)
    }

    fn frames_in(&self, span: std::time::Duration) -> u128 {
        span.as_micros() * u128::from(self.rate) / 1_000_000
    }

    fn after(&self, span: &Span, frame: u64) -> Timestamp {
        span.media.offset_micros(media_micros(frame - span.frame, self.rate, span.pace))
    }
}

/// Media time in `frames` of sound at `pace`, in µs.
pub(crate) fn media_micros(frames: u64, rate: u32, pace: f64) -> i64 {
    let micros = Timestamp::from_index(frames, rate).as_micros();
    if pace == 1.0 { micros } else { (micros as f64 * pace) as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn ms(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn latency_gaps_and_starvation_show_in_what_is_heard() {
        let (mut map, start) = (ClockMap::new(48_000), Instant::now());
        map.restart(ms(1_000));
        map.wrote(4_800, ms(1_000), 1.0);
        map.wrote(4_800, ms(5_000), 1.0);
        let latency = Duration::from_millis(20);
        let mut heard = |frames, after| {
            let position = AudioPosition { frames, at: start, latency };
            map.heard(position, start + Duration::from_millis(after))
        };
        assert_eq!(heard(0, 0), Some(ms(1_000)), "nothing is heard before the latency has passed");
        assert_eq!(heard(2_400, 0), Some(ms(1_030)));
        assert_eq!(heard(2_400, 10), Some(ms(1_040)), "the clock goes on between reports");
        assert_eq!(heard(5_760, 10), Some(ms(5_010)), "the gap is skipped when its place is heard");
        assert_eq!(heard(9_600, 500), Some(ms(5_100)), "and stands still when the device has nothing left");
    }

    #[test]
    fn a_restart_waits_at_its_beginning() {
        let (mut map, start) = (ClockMap::new(1_000), Instant::now());
        map.wrote(100, ms(0), 1.0);
        map.restart(ms(700));
        let position = AudioPosition { frames: 60, at: start, latency: Duration::ZERO };
        assert_eq!(map.heard(position, start), Some(ms(700)));
        assert!(!map.is_dry(position, start));
        assert!(map.is_dry(AudioPosition { frames: 100, ..position }, start));
    }

    proptest! {
        /// Media time never goes back while spans follow each other, whatever the device reports.
        #[test]
        fn heard_is_monotonic(runs in prop::collection::vec((1u64..2_000, 0i64..50), 1..50), latency in 0u64..100) {
            let (mut map, start) = (ClockMap::new(48_000), Instant::now());
            let mut media = ms(0);
            for (frames, gap) in runs {
                media = media.offset_micros(gap * 1_000);
                map.wrote(frames, media, 1.0);
                media = map.next().unwrap();
            }
            let mut last = ms(0);
            for frames in (0..=map.written).step_by(480) {
                let position = AudioPosition { frames, at: start, latency: Duration::from_millis(latency) };
                let heard = map.heard(position, start).unwrap();
                prop_assert!(heard >= last && heard <= media);
                last = heard;
            }
        }
    }
}
