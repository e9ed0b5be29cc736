//! How much a link can carry, over time.

use super::Random;
use std::time::Duration;

/// How long a ramp stays at one rate.
const RAMP_STEP: Duration = Duration::from_millis(100);

/// The capacity of a link over time, in kbit/s: steps, which are written one after the other. After the last one its
/// rate stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// When each rate begins; the first one at zero, times ascending.
    steps: Vec<(Duration, u32)>,
    length: Duration,
}

impl Trace {
    /// A trace that begins at `kbps`, and is of no length yet.
    #[must_use]
    pub fn starting_at(kbps: u32) -> Self {
        Self { steps: vec![(Duration::ZERO, kbps)], length: Duration::ZERO }
    }

    /// Keeps the rate for this long.
    #[must_use]
    pub fn hold(mut self, span: Duration) -> Self {
        self.length = self.length.saturating_add(span);
        self
    }

    /// Goes to `kbps` at once. Zero is an outage.
    #[must_use]
    pub fn step(mut self, kbps: u32) -> Self {
        match self.steps.last_mut() {
            Some((begins, rate)) if *begins == self.length => *rate = kbps,
            _ => self.steps.push((self.length, kbps)),
        }
        self
    }

    /// Goes to `kbps` evenly, over this long.
    #[must_use]
    pub fn ramp(mut self, kbps: u32, span: Duration) -> Self {
        let from = f64::from(self.rate());
        let count = (span.as_millis() / RAMP_STEP.as_millis()).max(1) as u32;
        for n in 1..=count {
            let part = f64::from(n) / f64::from(count);
            self = self.step((from + (f64::from(kbps) - from) * part).round() as u32).hold(span / count);
        }
        self
    }

    /// Wanders between `low` and `high` for this long: every `every`, the rate is multiplied or divided by up to
    /// `factor`, at random.
    #[must_use]
    pub fn wander(
        mut self,
        (low, high): (u32, u32),
        factor: f64,
        every: Duration,
        span: Duration,
        seed: u64,
    ) -> Self {
        let mut random = Random::new(seed);
        let end = self.length.saturating_add(span);
        while self.length < end {
            let exponent = random.between(-1.0, 1.0);
            let next = f64::from(self.rate()) * factor.max(1.0).powf(exponent);
            let next = (next.round() as u32).clamp(low, high.max(low));
            let span = every.max(RAMP_STEP).min(end - self.length);
            self = self.step(next).hold(span);
        }
        self
    }

    /// Goes through the trace this many times.
    #[must_use]
    pub fn repeat(self, times: u32) -> Self {
        let mut all = self.clone();
        for _ in 1..times {
            let offset = all.length;
            for (index, (begins, rate)) in self.steps.iter().enumerate() {
                let ends = self.steps.get(index + 1).map_or(self.length, |next| next.0);
                debug_assert_eq!(all.length, offset + *begins);
                all = all.step(*rate).hold(ends - *begins);
            }
        }
        all
    }

    /// The rate at its end, in kbit/s.
    fn rate(&self) -> u32 {
        self.steps.last().map_or(0, |step| step.1)
    }

    /// How long all of it lasts.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// The rate at a time, in kbit/s.
    #[must_use]
    pub fn rate_at(&self, at: Duration) -> u32 {
        self.steps[self.index_at(at)].1
    }

    fn index_at(&self, at: Duration) -> usize {
        self.steps.partition_point(|step| step.0 <= at).saturating_sub(1)
    }

    /// How many bytes can pass from one time to another.
    #[must_use]
    pub fn bytes_between(&self, from: Duration, to: Duration) -> f64 {
        let mut bytes = 0.0;
        let mut at = from;
        for index in self.index_at(from).. {
            let (_, rate) = self.steps[index];
            let ends = self.steps.get(index + 1).map_or(to, |next| next.0.min(to));
            bytes += ends.saturating_sub(at).as_secs_f64() * f64::from(rate) * 125.0;
            if ends >= to {
                break;
            }
            at = ends;
        }
        bytes
    }

    /// When `bytes` have passed that begin at `from`; `None` when the rate stays zero before that.
    #[must_use]
    pub fn passed(&self, bytes: usize, from: Duration) -> Option<Duration> {
        let mut left = bytes as f64;
        let mut at = from;
        for index in self.index_at(from).. {
            let (_, rate) = self.steps[index];
            let per_second = f64::from(rate) * 125.0;
            let needed = left / per_second;
            let Some((ends, _)) = self.steps.get(index + 1) else {
                return Duration::try_from_secs_f64(needed).ok().and_then(|needed| at.checked_add(needed));
            };
            let span = (*ends - at).as_secs_f64();
            if rate > 0 && needed <= span {
                return at.checked_add(Duration::from_secs_f64(needed));
            }
            left -= span * per_second;
            at = *ends;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_trace_is_what_was_written() {
        let trace = Trace::starting_at(1000)
            .hold(SECOND)
            .step(0)
            .hold(SECOND)
            .step(500)
            .ramp(1000, SECOND)
            .hold(SECOND);
        assert_eq!(trace.length(), 4 * SECOND);
        let rates: Vec<_> =
            [0, 999, 1000, 1999, 2000, 2950, 9000].map(|ms| trace.rate_at(Duration::from_millis(ms))).into();
        assert_eq!(rates, [1000, 1000, 0, 0, 550, 1000, 1000]);
        assert_eq!(trace.bytes_between(Duration::ZERO, 2 * SECOND), 125_000.0);
        // Half of it in the first second, the rest after the outage.
        let passed = trace.passed(125_000 + 6_875, Duration::ZERO).unwrap();
        assert!((passed.as_secs_f64() - 2.1).abs() < 1e-6, "{passed:?}");
        assert_eq!(Trace::starting_at(0).passed(1, SECOND), None);
    }

    #[test]
    fn repetition_is_the_same_again() {
        let once = Trace::starting_at(800).hold(SECOND).step(400).hold(SECOND);
        let thrice = once.clone().repeat(3);
        assert_eq!(thrice.length(), 6 * SECOND);
        for ms in (0..6000).step_by(50) {
            assert_eq!(
                thrice.rate_at(Duration::from_millis(ms)),
                once.rate_at(Duration::from_millis(ms % 2000)),
                "{ms}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_passes_by_then_is_what_was_asked_for(
            seed: u64, bytes in 1usize..200_000, from in 0u64..30_000,
        ) {
            let every = Duration::from_millis(700);
            let trace = Trace::starting_at(700).wander((100, 3000), 1.5, every, 30 * SECOND, seed);
            let from = Duration::from_millis(from);
            let passed = trace.passed(bytes, from).unwrap();
            prop_assert!((trace.bytes_between(from, passed) - bytes as f64).abs() < 1.0);
        }

        #[test]
        fn it_wanders_within_its_bounds(seed: u64, low in 1u32..500, span in 0u32..2000) {
            let trace = Trace::starting_at(low).wander((low, low + span), 2.0, SECOND, 60 * SECOND, seed);
            prop_assert_eq!(trace.length(), 60 * SECOND);
            for second in 0..60 {
                prop_assert!((low..=low + span).contains(&trace.rate_at(second * SECOND)));
            }
        }
    }
}
