//! Wire milliseconds and session time.
//!
//! FLV and RTMP count milliseconds in 32 bits, which wrap after 49.7 days. A sender fixes its zero once per session
//! ([`Epoch`]); a receiver continues the count past the wrap ([`Unwrapper`]) and leaves rebasing to whoever presents.

use live_core::Timestamp;

/// The sender's side: the instant of the session that is zero on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(Timestamp);

impl Epoch {
    /// Zero on the wire is `instant`, which must not be later than the smallest `dts` that will be sent.
    #[must_use]
    pub const fn at(instant: Timestamp) -> Self {
        Self(instant)
    }

    /// `instant` in wire milliseconds modulo 2³², rounded down. Earlier than the epoch is 0.
    #[must_use]
    pub const fn wire(self, instant: Timestamp) -> u32 {
        // Truncation is the wrap.
        self.millis(instant) as u32
    }

    /// The composition time of a picture: wire milliseconds from `dts` to `pts`, in the 24 bits with sign that the
    /// format has for it. Taken between the rounded instants, so that `pts` comes out right to the millisecond.
    #[must_use]
    pub fn composition(self, pts: Timestamp, dts: Timestamp) -> i32 {
        let span = pts.micros_since(self.0).div_euclid(1000) - self.millis(dts);
        span.clamp(-(1 << 23), (1 << 23) - 1) as i32
    }

    const fn millis(self, instant: Timestamp) -> i64 {
        let millis = instant.micros_since(self.0).div_euclid(1000);
        if millis < 0 { 0 } else { millis }
    }
}

/// The receiver's side: continues a count that wraps.
///
/// The first value is taken as it is. Each further one is the instant nearest to the newest media that has this value
/// modulo 2³², so that a stream may go back and forth by up to 24.8 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unwrapper {
    newest: Option<i64>,
}

impl Unwrapper {
    /// A receiver that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// The instant of a media message stamped `wire`.
    pub fn media(&mut self, wire: u32) -> Timestamp {
        let millis = self.nearest(wire);
        self.newest = Some(millis);
        Timestamp::from_millis(millis)
    }

    /// The instant of stream information stamped `wire`. Servers stamp it carelessly, often with 0 in the middle of a
    /// stream, so it does not move the count that media has begun.
    pub fn information(&mut self, wire: u32) -> Timestamp {
        let millis = self.nearest(wire);
        self.newest.get_or_insert(millis);
        Timestamp::from_millis(millis)
    }

    const fn nearest(&self, wire: u32) -> i64 {
        match self.newest {
            Some(newest) => newest.saturating_add(wire.wrapping_sub(newest as u32).cast_signed() as i64),
            None => wire as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wrap_is_passed_in_both_directions() {
        let mut unwrapper = Unwrapper::new();
        for (wire, millis) in [
            (u32::MAX - 1, (1 << 32) - 2),
            (3, (1 << 32) + 3),
            (u32::MAX, (1 << 32) - 1),
            (0x8000_0000 - 2, (1 << 32) + 0x7FFF_FFFE),
            (u32::MAX - 15, (2 << 32) - 16),
            (0, 2 << 32),
        ] {
            assert_eq!(unwrapper.media(wire), Timestamp::from_millis(millis), "{wire}");
        }
    }

    #[test]
    fn information_does_not_move_the_count() {
        let mut unwrapper = Unwrapper::new();
        assert_eq!(unwrapper.media(3_000_000_000), Timestamp::from_millis(3_000_000_000));
        unwrapper.information(0);
        assert_eq!(unwrapper.media(3_000_000_040), Timestamp::from_millis(3_000_000_040));
    }

    #[test]
    fn information_before_the_wrap_is_continued_by_media_after_it() {
        let mut unwrapper = Unwrapper::new();
        unwrapper.information(u32::MAX);
        assert_eq!(unwrapper.media(5), Timestamp::from_millis((1 << 32) + 5));
    }

    #[test]
    fn instants_before_the_epoch_are_its_zero() {
        let epoch = Epoch::at(Timestamp::from_millis(100));
        assert_eq!(epoch.wire(Timestamp::from_millis(99)), 0);
        assert_eq!(epoch.composition(Timestamp::from_millis(140), Timestamp::from_millis(90)), 40);
    }

    #[test]
    fn composition_keeps_the_sign_and_saturates() {
        let epoch = Epoch::at(Timestamp::ZERO);
        let at = Timestamp::from_millis;
        assert_eq!(epoch.composition(at(40), at(120)), -80);
        assert_eq!(epoch.composition(at(1 << 40), at(0)), 8_388_607);
        assert_eq!(epoch.composition(at(0), at(1 << 40)), -8_388_608);
    }

    proptest! {
        /// Years of media with steps of up to three hours, over any number of wraps.
        #[test]
        fn any_steps_come_back_after_any_wraps(
            epoch in -1_000_000_000_i64..1_000_000_000,
            start in 0_i64..1 << 32,
            steps in prop::collection::vec(-10_000_i64..10_000_000, 1..200),
        ) {
            let epoch = Timestamp::from_micros(epoch);
            let (sender, mut receiver) = (Epoch::at(epoch), Unwrapper::new());
            let mut millis = start;
            receiver.media(sender.wire(epoch.offset_micros(start * 1000)));
            for step in steps {
                millis = (millis + step * 100).max(start);
                let instant = epoch.offset_micros(millis * 1000);
                let received = receiver.media(sender.wire(instant));
                prop_assert_eq!(received.micros_since(Timestamp::ZERO), instant.micros_since(epoch));
            }
        }

        #[test]
        fn presentation_times_are_right_to_the_millisecond(
            epoch in -1_000_000_i64..0, dts in 0_i64..1 << 50, ahead in 0_i64..8_000_000_000,
        ) {
            let epoch_at = Timestamp::from_micros(epoch);
            let (sender, dts) = (Epoch::at(epoch_at), Timestamp::from_micros(dts));
            let pts = dts.offset_micros(ahead);
            let decoded = dts.micros_since(epoch_at) / 1000 + i64::from(sender.composition(pts, dts));
            prop_assert_eq!(decoded, pts.micros_since(epoch_at) / 1000);
        }
    }
}
