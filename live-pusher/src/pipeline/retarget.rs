//! The one value that goes back from the network to the video encoder.

use crate::rate::EncodeTarget;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Frame rates are kept in this part of a picture per second.
const FPS_UNIT: f64 = 1000.0;

/// The newest [`EncodeTarget`], read before each picture: bitrate, frame rate and step in one word, so that they change
/// together.
#[derive(Debug, Default)]
pub(crate) struct Retarget(AtomicU64);

impl Retarget {
    /// From now on the encoder's worker follows `target`.
    pub(crate) fn set(&self, target: EncodeTarget) {
        let fps = (target.fps * FPS_UNIT).round() as u64 & 0xff_ffff;
        let step = target.step.min(0xff) as u64;
        self.0.store(u64::from(target.kbps) << 32 | fps << 8 | step, Relaxed);
    }

    /// The encoder's worker keeps to what it was opened with.
    pub(crate) fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    /// The target; `None` before there is one.
    pub(crate) fn get(&self) -> Option<EncodeTarget> {
        let word = self.0.load(Relaxed);
        let fps = (word >> 8 & 0xff_ffff) as f64 / FPS_UNIT;
        (word != 0).then_some(EncodeTarget { kbps: (word >> 32) as u32, fps, step: (word & 0xff) as usize })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let retarget = Retarget::default();
        assert_eq!(retarget.get(), None);
        for (kbps, fps, step) in [(200, 15.0, 0), (100_000, 29.97, 3), (1, 10.0, 255)] {
            let target = EncodeTarget { kbps, fps, step };
            retarget.set(target);
            assert_eq!(retarget.get(), Some(target));
        }
        retarget.clear();
        assert_eq!(retarget.get(), None);
    }
}
