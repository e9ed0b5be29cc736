//! Notices a microphone that is open and mute all the same.

use live_core::Timestamp;
use std::time::Duration;

/// How long a microphone may give nothing, or only exact zeros.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says once when an open microphone has given no samples, or only exact zeros, for two seconds; again only after
/// there was sound. Even a quiet room is not exactly zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilenceWatch {
    /// The last sign of life, or when it was opened.
    alive: Timestamp,
    heard_any: bool,
    told: bool,
}

/// What is wrong with a microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    /// It gives no samples.
    NoSamples,
    /// All its samples are exactly zero.
    Zeros,
}

impl SilenceWatch {
    pub(crate) fn opened(now: Timestamp) -> Self {
        Self { alive: now, heard_any: false, told: false }
    }

    /// Takes samples of the microphone.
    pub(crate) fn hear(&mut self, samples: &[f32], now: Timestamp) {
        self.heard_any |= !samples.is_empty();
        if samples.iter().any(|sample| *sample != 0.0) {
            *self = Self::opened(now);
        }
    }

    /// Looks at the clock. While `muted`, silence is what is wanted.
    pub(crate) fn look(&mut self, now: Timestamp, muted: bool) -> Option<Silent> {
        if muted {
            // The microphone may be switched off together with the application's button.
            *self = Self { told: self.told, ..Self::opened(now) };
            return None;
        }
        if self.told || now.saturating_since(self.alive) < PATIENCE {
            return None;
        }
        self.told = true;
        Some(if self.heard_any { Silent::Zeros } else { Silent::NoSamples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn two_seconds_without_samples_are_told_once() {
        let mut watch = SilenceWatch::opened(at(500));
        assert_eq!(watch.look(at(2499), false), None);
        assert_eq!(watch.look(at(2500), false), Some(Silent::NoSamples));
        assert_eq!(watch.look(at(9000), false), None);
        watch.hear(&[0.0, 1e-9], at(9000));
        assert_eq!(watch.look(at(10_999), false), None);
        assert_eq!(watch.look(at(11_000), false), Some(Silent::NoSamples));
    }

    #[test]
    fn exact_zeros_are_told_unless_muted() {
        let mut watch = SilenceWatch::opened(at(0));
        for millis in (0..5000).step_by(20) {
            watch.hear(&[0.0; 960], at(millis));
            assert_eq!(watch.look(at(millis), true), None);
        }
        for millis in (5000..6980).step_by(20) {
            watch.hear(&[0.0; 960], at(millis));
            assert_eq!(watch.look(at(millis), false), None, "{millis}");
        }
        watch.hear(&[0.0; 960], at(6980));
        assert_eq!(watch.look(at(6980), false), Some(Silent::Zeros));
    }

    #[test]
    fn a_quiet_room_is_not_silent() {
        let mut watch = SilenceWatch::opened(at(0));
        for millis in (0..60_000).step_by(20) {
            watch.hear(&[0.0, 0.0, 3e-5, 0.0], at(millis));
            assert_eq!(watch.look(at(millis), false), None);
        }
    }
}
