//! Makes one continuous timeline of what publishers stamp.
//!
//! A publisher that starts again, a server that stamps anew after a reconnect, and a sender that skips all break the
//! timeline. Each break begins a *segment*: its timestamps are moved so that it follows what came before it. Both
//! tracks of a segment are moved by the same amount, so that they stay together. This happens at the entrance, before
//! any queue, because queues and caches are measured in media time.

use live_core::{Packet, PacketKind, Timestamp, Track};
use std::time::Instant;

/// A longer step forward that the time of arrival does not explain is a jump.
const JUMP_MICROS: i64 = 1_000_000;
/// Stamps may step back this far: senders that round or interleave badly do.
const TOLERATED_BACK_MICROS: i64 = 100_000;
/// The tracks of one stream may start this far apart; farther means that they count from different zeros.
const APART_MICROS: i64 = 10_000_000;
/// A new segment follows the last one at the distance its track had, within this.
const LONGEST_STEP_MICROS: i64 = 100_000;

/// A break in the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    /// Signed microseconds from the timestamp that was to follow to the one that came.
    pub(crate) micros: i64,
}

/// Moves packets onto one continuous timeline, in the order they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    video: Option<Place>,
    audio: Option<Place>,
    /// What was added last: for packets that belong to no track.
    offset: i64,
}

/// Where a track is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// As stamped by the publisher.
    stamp: Timestamp,
    arrival: Instant,
    /// What is added to the stamps.
    offset: i64,
    /// The last distance of two stamps.
    step: i64,
}

impl Place {
    fn moved(&self) -> Timestamp {
        self.stamp.offset_micros(self.offset)
    }

    /// Whether `stamp`, come at `now`, goes on from here.
    fn is_followed_by(&self, stamp: Timestamp, now: Instant) -> bool {
        let step = stamp.micros_since(self.stamp);
        let waited =
            i64::try_from(now.saturating_duration_since(self.arrival).as_micros()).unwrap_or(i64::MAX);
        (-TOLERATED_BACK_MICROS..=JUMP_MICROS.saturating_add(waited)).contains(&step)
    }
}

impl Timeline {
    /// Moves the timestamps of `packet`, which came at `now`, and tells when it breaks the timeline.
    pub(crate) fn place(&mut self, packet: &mut Packet, now: Instant) -> Option<Jump> {
        let is_media = packet.is_video_unit() || packet.kind == PacketKind::Audio;
        let (offset, jump) = match packet.track {
            Track::Data => (self.offset, None),
            track if !is_media => (self.track(track).map_or(self.offset, |place| place.offset), None),
            track => self.place_unit(track, packet.dts, now),
        };
        packet.pts = packet.pts.offset_micros(offset);
        packet.dts = packet.dts.offset_micros(offset);
        jump
    }

    fn place_unit(&mut self, track: Track, stamp: Timestamp, now: Instant) -> (i64, Option<Jump>) {
        let (own, other) = match track {
            Track::Audio => (self.audio, self.video),
            _ => (self.video, self.audio),
        };
        let (offset, jump) = match (own, other) {
            (Some(own), _) if own.is_followed_by(stamp, now) => (own.offset, None),
            // The other track has been where this one goes: it was silent, or is second in a new segment.
            (Some(_), Some(other)) if stamp.micros_since(other.stamp).abs() <= JUMP_MICROS => {
                (other.offset, None)
            }
            (None, Some(other)) if stamp.micros_since(other.stamp).abs() <= APART_MICROS => {
                (other.offset, None)
            }
            (None, None) => (0, None),
            _ => self.new_segment(own, stamp),
        };
        let step = own.map_or(0, |own| stamp.micros_since(own.stamp));
        let step = if jump.is_some() { own.map_or(0, |own| own.step) } else { step };
        let place = Place { stamp, arrival: now, offset, step: step.clamp(0, LONGEST_STEP_MICROS) };
        *(if track == Track::Audio { &mut self.audio } else { &mut self.video }) = Some(place);
        self.offset = offset;
        (offset, jump)
    }

    /// The offset of a segment that begins with `stamp`: it follows the newest of what came before.
    fn new_segment(&self, own: Option<Place>, stamp: Timestamp) -> (i64, Option<Jump>) {
        let newest = self.video.iter().chain(&self.audio).map(Place::moved).max().unwrap_or(stamp);
        let expected = newest.offset_micros(own.map_or(0, |own| own.step));
        let offset = expected.micros_since(stamp);
        let micros =
            own.map_or(offset.saturating_neg(), |own| stamp.micros_since(own.stamp).saturating_sub(own.step));
        (offset, Some(Jump { micros }))
    }

    fn track(&self, track: Track) -> Option<&Place> {
        match track {
            Track::Video => self.video.as_ref(),
            Track::Audio => self.audio.as_ref(),
            Track::Data => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::time::Duration;

    struct Stream {
        timeline: Timeline,
        now: Instant,
    }

    impl Stream {
        fn new() -> Self {
            Self { timeline: Timeline::default(), now: Instant::now() }
        }

        /// A packet comes `wait` ms after the last one; its place in ms, and whether it jumped.
        fn packet(&mut self, track: Track, stamp: i64, wait: u64) -> (i64, bool) {
            self.now += Duration::from_millis(wait);
            let at = Timestamp::from_millis(stamp);
            let mut packet = match track {
                Track::Audio => Packet::audio(at, Bytes::new()),
                _ => Packet::key(at, at, Bytes::new()),
            };
            let jump = self.timeline.place(&mut packet, self.now);
            (packet.dts.as_millis(), jump.is_some())
        }
    }

    #[test]
    fn an_unbroken_stream_keeps_its_stamps() {
        let mut stream = Stream::new();
        for at in (5_000..20_000).step_by(40) {
            assert_eq!(stream.packet(Track::Video, at, 40), (at, false));
            assert_eq!(stream.packet(Track::Audio, at + 3, 0), (at + 3, false));
        }
    }

    #[test]
    fn a_publisher_that_starts_again_goes_on_with_both_tracks_together() {
        let mut stream = Stream::new();
        for at in (0..400).step_by(40) {
            stream.packet(Track::Video, 60_000 + at, 40);
            stream.packet(Track::Audio, 60_000 + at, 0);
        }
        assert_eq!(stream.packet(Track::Video, 0, 3000), (60_400, true));
        assert_eq!(stream.packet(Track::Audio, 20, 0), (60_420, false), "one break is told once");
        assert_eq!(stream.packet(Track::Video, 40, 40), (60_440, false));
    }

    #[test]
    fn a_skip_is_closed_and_a_pause_is_not() {
        let mut stream = Stream::new();
        stream.packet(Track::Video, 0, 0);
        stream.packet(Track::Video, 40, 40);
        assert_eq!(stream.packet(Track::Video, 5_000, 40), (80, true));
        assert_eq!(stream.packet(Track::Video, 8_000, 3000), (3_080, false), "the publisher paused for 3 s");
    }

    #[test]
    fn a_track_that_was_silent_rejoins_the_other() {
        let mut stream = Stream::new();
        stream.packet(Track::Audio, 0, 0);
        for at in (0..9_000).step_by(40) {
            // A burst: the time of arrival explains nothing.
            stream.packet(Track::Video, at, 0);
        }
        assert_eq!(stream.packet(Track::Audio, 8_990, 0), (8_990, false));
    }

    #[test]
    fn tracks_with_different_zeros_are_brought_together() {
        let mut stream = Stream::new();
        stream.packet(Track::Video, 1_000_000, 0);
        assert_eq!(stream.packet(Track::Audio, 0, 0), (1_000_000, true));
        assert_eq!(stream.packet(Track::Audio, 20, 20), (1_000_020, false));
        assert_eq!(stream.packet(Track::Video, 1_000_040, 20), (1_000_040, false));
    }

    #[test]
    fn configurations_and_small_steps_back_break_nothing() {
        let mut stream = Stream::new();
        stream.packet(Track::Audio, 7_000, 0);
        let mut config = Packet::config(live_core::Codec::Aac, Timestamp::ZERO, Bytes::new());
        assert_eq!(stream.timeline.place(&mut config, stream.now), None);
        assert_eq!(stream.packet(Track::Audio, 6_995, 20), (6_995, false));
    }

    proptest! {
        /// Whatever is stamped, the timeline advances by no more than the tracks may lie apart, a tolerated step and
        /// the time that has passed.
        #[test]
        fn every_timeline_comes_out_continuous(steps in prop::collection::vec(
            (any::<bool>(), prop_oneof![0i64..60, -5_000i64..5_000, any::<i32>().prop_map(i64::from)], 0u64..60), 1..200))
        {
            let mut stream = Stream::new();
            let start = stream.now;
            let mut stamps = [0i64; 2];
            let mut newest = None::<i64>;
            for (audio, step, wait) in steps {
                let stamp = &mut stamps[usize::from(audio)];
                *stamp += step;
                let (placed, _) = stream.packet(if audio { Track::Audio } else { Track::Video }, *stamp, wait);
                if let Some(newest) = newest {
                    let passed = i64::try_from((stream.now - start).as_millis()).unwrap();
                    prop_assert!(placed - newest <= 10_000 + 1_000 + passed, "{newest} → {placed}");
                }
                newest = Some(newest.map_or(placed, |newest| newest.max(placed)));
            }
        }
    }
}
