//! Instants on the session timeline, and the clock that makes them.

use std::fmt;
use std::time::{Duration, Instant};

/// An instant on the session timeline, in microseconds.
///
/// Zero is the moment the session started; B-frames and encoder delay may put a decode time before it, so the
/// value is signed. Spans between instants are [`Duration`]s. Arithmetic is checked or saturating, never wrapping:
/// ± 292 000 years fit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of the session.
    pub const ZERO: Self = Self(0);

    /// An instant `micros` microseconds after the session started (before it, when negative).
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An instant `millis` milliseconds after the session started. Saturates.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// The instant at which unit `index` of a sequence of `rate` units per second begins, rounded down.
    ///
    /// Computed from the index and not by accumulation, so a long sequence never drifts. `rate` must not be zero.
    ///
    /// ```
    /// # use live_core::Timestamp;
    /// assert_eq!(Timestamp::from_index(48_000 * 3600, 48_000), Timestamp::from_millis(3_600_000));
    /// ```
    #[must_use]
    pub fn from_index(index: u64, rate: u32) -> Self {
        let micros = u128::from(index) * 1_000_000 / u128::from(rate.max(1));
        Self(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Microseconds since the session started.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the session started, rounded towards minus infinity.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved later by `span`; `None` when it leaves the representable range.
    #[must_use]
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        i64::try_from(span.as_micros()).ok().and_then(|us| self.0.checked_add(us)).map(Self)
    }

    /// This instant moved earlier by `span`; `None` when it leaves the representable range.
    #[must_use]
    pub fn checked_sub(self, span: Duration) -> Option<Self> {
        i64::try_from(span.as_micros()).ok().and_then(|us| self.0.checked_sub(us)).map(Self)
    }

    /// This instant moved later by `span`, clamped to the representable range.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        self.checked_add(span).unwrap_or(Self(i64::MAX))
    }

    /// This instant moved by a signed number of microseconds, clamped to the representable range.
    #[must_use]
    pub const fn offset_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The span since `earlier`, zero when `earlier` is in fact later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        let span = self.0.saturating_sub(earlier.0);
        Duration::from_micros(if span < 0 { 0 } else { span.unsigned_abs() })
    }

    /// Signed microseconds since `other`: negative when `other` is later.
    #[must_use]
    pub const fn micros_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000))
    }
}

/// Maps the monotonic clock to the session timeline.
///
/// A copy is a copy of one number, so every source and worker of a session can hold one.
#[derive(Clone, Copy, Debug)]
pub struct SessionClock {
    start: Instant,
}

impl SessionClock {
    /// A timeline whose zero is `start`.
    #[must_use]
    pub const fn starting_at(start: Instant) -> Self {
        Self { start }
    }

    /// The moment of [`Timestamp::ZERO`].
    #[must_use]
    pub const fn start(&self) -> Instant {
        self.start
    }

    /// The timeline's instant at `now`.
    #[must_use]
    pub fn at(&self, now: Instant) -> Timestamp {
        let after = now.saturating_duration_since(self.start);
        if after.is_zero() {
            let before = self.start.saturating_duration_since(now);
            Timestamp::ZERO.checked_sub(before).unwrap_or(Timestamp::ZERO)
        } else {
            Timestamp::ZERO.saturating_add(after)
        }
    }

    /// The moment at which the timeline reads `pts`; the session's start for instants before it.
    #[must_use]
    pub fn instant_of(&self, pts: Timestamp) -> Instant {
        self.start + pts.saturating_since(Timestamp::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_instants_print_and_round_towards_minus_infinity() {
        let t = Timestamp::from_micros(-1);
        assert_eq!(t.as_millis(), -1);
        assert_eq!(format!("{t:?}"), "-1.999999s");
    }

    #[test]
    fn clock_maps_both_ways_also_before_the_start() {
        let start = Instant::now() + Duration::from_secs(10);
        let clock = SessionClock::starting_at(start);
        assert_eq!(clock.at(start + Duration::from_millis(40)), Timestamp::from_millis(40));
        assert_eq!(clock.at(start - Duration::from_millis(40)), Timestamp::from_millis(-40));
        assert_eq!(clock.instant_of(Timestamp::from_millis(40)), start + Duration::from_millis(40));
    }

    #[test]
    fn arithmetic_reports_overflow() {
        assert_eq!(Timestamp::from_micros(i64::MAX).checked_add(Duration::from_micros(1)), None);
        assert_eq!(Timestamp::from_micros(5).saturating_since(Timestamp::from_micros(9)), Duration::ZERO);
    }
}
