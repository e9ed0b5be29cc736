//! Where pictures and sound go in the end.

use crate::frame::{AudioSpec, VideoFrame};
use std::time::{Duration, Instant};

/// A sink failed for good; the player goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("{sink}: {message}")]
pub struct SinkError {
    /// The sink's name.
    pub sink: &'static str,
    /// What happened and what can be done.
    pub message: String,
    /// The cause, where there is one.
    #[source]
    pub source: Option<crate::error::Source>,
}

impl SinkError {
    /// An error without a deeper cause.
    pub fn new(sink: &'static str, message: impl Into<String>) -> Self {
        Self { sink, message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<crate::error::Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Shows pictures: a window, a file, a callback. Called on the presenter thread at the moment a picture is due.
pub trait VideoSink: Send {
    /// Shows `frame` now. Should return well within a frame's duration; a sink that must wait keeps a queue of its own.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError>;

    /// No more pictures will come: finish files. Called once, before the sink is dropped.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// How far a device has played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioPosition {
    /// Sample frames the device has taken since it was opened.
    pub frames: u64,
    /// When that was so.
    pub at: Instant,
    /// From being taken to being heard.
    pub latency: Duration,
}

/// Plays sound: a loudspeaker, a file. Its position is the player's master clock.
pub trait AudioSink: Send {
    /// Prepares to play sound of this layout; called again when the layout changes. Returns how many sample frames the
    /// sink buffers at most.
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError>;

    /// Takes as many whole sample frames of `samples` as there is room for and returns how many. Never blocks.
    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError>;

    /// How far the device has played; `None` before [`open`](Self::open).
    fn position(&self) -> Option<AudioPosition>;

    /// No more sound will come: finish files. Called once, before the sink is dropped.
    fn finish(&mut self) -> Result<(), SinkError>;
}
