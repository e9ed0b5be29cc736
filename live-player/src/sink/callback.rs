//! Media handed to a function.

use live_core::{SinkError, VideoFrame, VideoSink};
use std::fmt;

/// Calls a function with every picture that is shown, on the presenter's thread. The function should return well within
/// a picture's duration.
pub struct Callback<F>(F);

impl<F: FnMut(&VideoFrame) + Send> Callback<F> {
    /// A sink that calls `show`.
    pub const fn new(show: F) -> Self {
        Self(show)
    }
}

impl<F: FnMut(&VideoFrame) + Send> VideoSink for Callback<F> {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        (self.0)(frame);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
