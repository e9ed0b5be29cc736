//! Pictures through a bounded channel.

use live_core::{SinkError, VideoFrame, VideoSink};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Sends every picture that is shown into a channel. A reader that falls behind misses pictures: the presenter never
/// waits for it.
#[derive(Debug)]
pub struct Channel {
    sender: mpsc::Sender<VideoFrame>,
    missed: u64,
}

impl Channel {
    /// A sink that sends into `sender`. Its capacity is how far a reader may fall behind.
    #[must_use]
    pub const fn new(sender: mpsc::Sender<VideoFrame>) -> Self {
        Self { sender, missed: 0 }
    }
}

impl VideoSink for Channel {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        match self.sender.try_send(frame.clone()) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(SinkError::new("channel", "nobody reads from it any more")),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.missed > 0 {
            tracing::debug!(missed = self.missed, "the reader of a picture channel was too slow");
        }
        Ok(())
    }
}
