//! Where media comes from.

use crate::error::{CaptureError, CaptureErrorKind};
use crate::frame::{AudioFrame, AudioSpec, VideoFrame};
use crate::packet::Packet;
use crate::queue::FrameSender;
use crate::time::SessionClock;
use std::fmt;
use std::sync::Arc;

/// What kind of thing a source is; it decides which state code announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceKind {
    /// A camera.
    Camera,
    /// A display or window.
    Screen,
    /// A microphone.
    Microphone,
    /// A media file.
    File,
    /// Made by a program: a test pattern, a tone, the embedding application.
    Generated,
}

/// What a source says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// What kind of thing it is.
    pub kind: SourceKind,
    /// Its name, as a person would recognise it.
    pub name: String,
    /// What it delivers, for people: `1280×720 YUYV, 30 fps`.
    pub format: String,
}

/// Ends a capture when dropped: signals the thread or device and waits until it has let go.
///
/// Waiting is what makes it safe to open the same device again afterwards.
#[must_use = "dropping the guard ends the capture"]
pub struct CaptureGuard(Option<Box<dyn FnOnce() + Send>>);

impl CaptureGuard {
    /// A guard that runs `stop` once, when dropped. `stop` returns when the device is free again.
    pub fn new(stop: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(stop)))
    }

    /// A guard over a thread that ends soon after `stop` has run.
    pub fn over_thread(thread: std::thread::JoinHandle<()>, stop: impl FnOnce() + Send + 'static) -> Self {
        Self::new(move || {
            stop();
            // A panic of the thread has been reported through its sender, which it dropped.
            let _ = thread.join();
        })
    }
}

impl Drop for CaptureGuard {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

impl fmt::Debug for CaptureGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaptureGuard")
    }
}

/// What a camera can do besides taking pictures. Called on the video worker: returns within a picture's duration.
///
/// What is not implemented answers that the device cannot do it.
pub trait CameraControls: Send + Sync {
    /// Switches the lamp beside the camera.
    fn set_torch(&self, on: bool) -> Result<(), CaptureError> {
        let _ = on;
        Err(CaptureError::new(CaptureErrorKind::Unsupported, "camera", "it has no torch"))
    }
}

/// A camera, a screen, a pattern: pushes pictures until its guard is dropped.
pub trait VideoSource: Send {
    /// What it is; valid before and after the start.
    fn info(&self) -> SourceInfo;

    /// Turns the device's own continuous autofocus on or off, before the start.
    ///
    /// # Errors
    /// [`Unsupported`](crate::CaptureErrorKind::Unsupported), unless implemented otherwise: the device has none.
    fn set_auto_focus(&mut self, on: bool) -> Result<(), CaptureError> {
        let _ = on;
        let message = "it has no autofocus to be set";
        Err(CaptureError::new(CaptureErrorKind::Unsupported, self.info().name, message))
    }

    /// What the device can do besides taking pictures; asked once, before the start. `None`: nothing.
    fn controls(&self) -> Option<Arc<dyn CameraControls>> {
        None
    }

    /// Opens the device and starts pushing pictures, stamped on `clock`'s timeline, into `out`.
    ///
    /// Returns when the device is streaming; may block for the time opening takes. Later failures go through
    /// [`FrameSender::fail`]; a source that ends by itself drops the sender.
    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError>;
}

/// A microphone, a tone: pushes sound until its guard is dropped.
pub trait AudioSource: Send {
    /// What it is; valid before and after the start.
    fn info(&self) -> SourceInfo;

    /// The layout of the sound it pushes.
    fn spec(&self) -> AudioSpec;

    /// As [`VideoSource::start`].
    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<AudioFrame>,
    ) -> Result<CaptureGuard, CaptureError>;
}

/// Already encoded input, such as a media file: pulled, packet by packet, by whoever decodes or forwards it.
///
/// Timestamps start near zero and belong to the file; the reader paces them.
pub trait PacketSource: Send {
    /// What it is.
    fn info(&self) -> SourceInfo;

    /// The next packet in decoding order over all tracks, configurations first; `None` at the end. Blocks for file
    /// reading only.
    fn next_packet(&mut self) -> Result<Option<Packet>, CaptureError>;

    /// Goes back to the first packet.
    fn rewind(&mut self) -> Result<(), CaptureError>;

    /// How long one pass takes: its longest track after edit lists and priming. `None` when unknown before the end.
    fn duration(&self) -> Option<std::time::Duration>;
}
