//! How much a device's clock is off, from the times its sound was captured at.

use std::time::Duration;

/// How long the measured error is averaged: capture times jitter by milliseconds.
const AVERAGING: f64 = 5.0;
/// How long an error takes to be worked off. Four averaging times: the loop is critically damped.
const CATCHING_UP: f64 = 4.0 * AVERAGING;
/// How long a lasting correction takes to be learnt.
const LEARNING: f64 = 10.0 * CATCHING_UP;
/// The largest correction: 0.1 %, under two cents of pitch. Crystals are off by at most 0.02 %.
const MOST: f64 = 0.001;

/// A slow controller that keeps samples at the times they were captured at.
///
/// An error of 20 ms is worked off in about a minute by a change of pitch that nobody hears; jitter of the capture
/// times moves the pitch by some millionths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drift {
    /// The error in seconds, averaged.
    average: f64,
    /// The part of the correction that was learnt.
    learnt: f64,
}

impl Drift {
    /// Takes how much later than expected a frame of length `span` was captured, in seconds; returns the factor by
    /// which sound is to be stretched from now on.
    pub(super) fn observe(&mut self, error: f64, span: Duration) -> f64 {
        let span = span.as_secs_f64().min(AVERAGING);
        self.average += (error - self.average) * span / AVERAGING;
        self.learnt = (self.learnt + self.average * span / (CATCHING_UP * LEARNING)).clamp(-MOST, MOST);
        1.0 + (self.average / CATCHING_UP + self.learnt).clamp(-MOST, MOST)
    }

    /// The error has been mended; what was learnt of the clock stays true.
    pub(super) fn mended(&mut self) {
        self.average = 0.0;
    }
}
