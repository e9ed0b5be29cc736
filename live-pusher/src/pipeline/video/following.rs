//! How the worker follows the bitrate controller.

use super::{VideoSettings, VideoWorker};
use crate::pipeline::frame_rate::FrameRateLimit;
use crate::rate::EncodeTarget;
use live_core::pixels::fit::Fitter;

/// What was followed last.
#[derive(Debug)]
pub(super) struct Following {
    target: EncodeTarget,
}

impl Following {
    pub(super) fn new(settings: &VideoSettings) -> Self {
        let target = EncodeTarget { kbps: settings.kbps, fps: settings.frame_rate, step: 0 };
        Self { target }
    }
}

impl VideoWorker<'_> {
    /// Takes over what the controller wants, before the next picture.
    pub(super) fn follow(&mut self) {
        let Some(encoding) = &mut self.encoding else { return };
        let Some(target) = encoding.target() else { return };
        let last = std::mem::replace(&mut self.following.target, target);
        if target == last {
            return;
        }
        if target.fps != last.fps {
            self.limit = FrameRateLimit::new(target.fps);
        }
        let size = encoding.retarget(target);
        if (size.width, size.height) != self.fitter.target() {
            self.fitter = Fitter::new(size.width, size.height);
        }
    }
}
