//! One unbroken line of samples over every pass of an input.

use live_core::Timestamp;

/// Counts samples since the first pass began and says what makes a frame fit behind them.
///
/// Times are computed from the count, so that a thousand passes drift by less than one sample.
#[derive(Debug)]
pub(super) struct SampleLine {
    rate: u32,
    sent: u64,
}

/// What is to be done to a frame before it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// Sample frames of silence to put before it.
    pub(super) silence: usize,
    /// Sample frames to cut off its beginning.
    pub(super) skip: usize,
}

impl SampleLine {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, sent: 0 }
    }

    /// The time of the next sample to be sent.
    pub(super) fn next(&self) -> Timestamp {
        Timestamp::from_index(self.sent, self.rate)
    }

    /// Counts sample frames that were sent.
    pub(super) fn advance(&mut self, frames: usize) {
        self.sent += frames as u64;
    }

    /// How a frame of `frames` sample frames at `at` fits behind what was sent: a container's rounding of up to 5 ms
    /// is not mended.
    pub(super) fn fit(&self, at: Timestamp, frames: usize) -> Fit {
        let slack = i64::from(self.rate / 200);
        let off = self.index(at) - i64::try_from(self.sent).unwrap_or(i64::MAX);
        let size = usize::try_from(off.unsigned_abs()).unwrap_or(usize::MAX);
        match off {
            _ if off > slack => Fit { silence: size, skip: 0 },
            _ if off < -slack => Fit { silence: 0, skip: size.min(frames) },
            _ => Fit { silence: 0, skip: 0 },
        }
    }

    /// Sample frames missing to `end`.
    pub(super) fn pad_to(&self, end: Timestamp) -> usize {
        let missing = self.index(end) - i64::try_from(self.sent).unwrap_or(i64::MAX);
        usize::try_from(missing).unwrap_or(0)
    }

    /// The index of the sample at `at`, rounded to the nearest.
    fn index(&self, at: Timestamp) -> i64 {
        let scaled = i128::from(at.as_micros()) * i128::from(self.rate);
        i64::try_from((scaled + 500_000).div_euclid(1_000_000)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priming_is_cut_and_holes_are_filled() {
        let mut line = SampleLine::new(48_000);
        let at = Timestamp::from_micros;
        assert_eq!(line.fit(at(-21_333), 1024), Fit { silence: 0, skip: 1024 });
        assert_eq!(line.fit(at(0), 1024), Fit { silence: 0, skip: 0 });
        line.advance(1024);
        assert_eq!(line.fit(at(21_000), 1024), Fit { silence: 0, skip: 0 }, "a millisecond container");
        assert_eq!(line.fit(at(121_333), 1024), Fit { silence: 4800, skip: 0 });
    }

    #[test]
    fn a_thousand_odd_passes_stay_exact() {
        let mut line = SampleLine::new(44_100);
        let pass_micros = 5_312_517;
        for pass in 1..=1000 {
            let end = Timestamp::from_micros(pass * pass_micros);
            let missing = line.pad_to(end);
            line.advance(missing);
            assert!(line.next().micros_since(end).abs() <= 23, "half a sample");
        }
    }
}
