//! Effects between source and encoder.

use crate::frame::{AudioFrame, VideoFrame};

/// Changes pictures before they are encoded. Runs on the video encoder's worker, once per picture.
pub trait VideoEffect: Send {
    /// Changes `frame` in place. Must keep its size and `pts`, and should take far less than a frame's duration.
    fn apply(&mut self, frame: &mut VideoFrame);
}

/// Changes sound before it is encoded. Runs on the audio encoder's worker.
pub trait AudioEffect: Send {
    /// Changes `frame` in place. Must keep its length and `pts`.
    fn apply(&mut self, frame: &mut AudioFrame);
}
