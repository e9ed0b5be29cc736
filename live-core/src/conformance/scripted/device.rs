//! A camera and a screen.

use super::{pump, trouble};
use crate::error::{CaptureError, CaptureErrorKind};
use crate::frame::{Color, I420, PicturePool, Plane, VideoFrame};
use crate::queue::FrameSender;
use crate::time::SessionClock;
use crate::traits::{CaptureGuard, SourceInfo, SourceKind, VideoSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What a camera or screen does from a certain picture on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoFault {
    /// It fails for good, as [`FrameSender::fail`] tells.
    Fails(CaptureErrorKind),
    /// It ends by itself, as a file does.
    Ends,
    /// It stays open and gives nothing any more.
    Stalls,
    /// Pictures have another size, in pixels.
    Resizes(u32, u32),
}

/// A camera or screen that gives a moving gradient until its script says otherwise.
#[derive(Clone, Debug)]
pub struct VideoDevice {
    kind: SourceKind,
    size: (u32, u32),
    fps: u32,
    refusal: Option<CaptureErrorKind>,
    faults: Vec<(u64, VideoFault)>,
    focus: Option<Arc<AtomicBool>>,
}

impl VideoDevice {
    /// A camera of `width` × `height` pixels (not 0) and `fps` pictures per second (not 0).
    #[must_use]
    pub const fn camera(width: u32, height: u32, fps: u32) -> Self {
        let (kind, size) = (SourceKind::Camera, (width, height));
        Self { kind, size, fps, refusal: None, faults: Vec::new(), focus: None }
    }

    /// A screen, as [`camera`](Self::camera).
    #[must_use]
    pub const fn screen(width: u32, height: u32, fps: u32) -> Self {
        let mut device = Self::camera(width, height, fps);
        device.kind = SourceKind::Screen;
        device
    }

    /// It refuses to open, for this reason.
    #[must_use]
    pub const fn refusing(mut self, kind: CaptureErrorKind) -> Self {
        self.refusal = Some(kind);
        self
    }

    /// After `pictures` pictures it does this. Several faults come one after the other.
    #[must_use]
    pub fn after(mut self, pictures: u64, fault: VideoFault) -> Self {
        self.faults.push((pictures, fault));
        self
    }

    /// It has an autofocus, which stands as `focus` says and is set through it.
    #[must_use]
    pub fn with_auto_focus(mut self, focus: Arc<AtomicBool>) -> Self {
        self.focus = Some(focus);
        self
    }

    const fn name(&self) -> &'static str {
        match self.kind {
            SourceKind::Screen => "scripted screen",
            _ => "scripted camera",
        }
    }
}

impl VideoSource for VideoDevice {
    fn info(&self) -> SourceInfo {
        let (width, height) = self.size;
        let format = format!("{width}×{height} I420, {} fps", self.fps);
        SourceInfo { kind: self.kind, name: self.name().to_owned(), format }
    }

    fn set_auto_focus(&mut self, on: bool) -> Result<(), CaptureError> {
        let none = || trouble(CaptureErrorKind::Unsupported, self.name(), "no autofocus");
        self.focus.as_ref().ok_or_else(none)?.store(on, Relaxed);
        Ok(())
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let (name, format) = (self.name(), self.info().format);
        if let Some(kind) = self.refusal {
            return Err(trouble(kind, name, &format));
        }
        let Self { mut size, fps, faults, .. } = *self;
        let pool = PicturePool::new();
        let mut out = Some(out);
        pump(name, clock, fps, move |index, pts| {
            let mut stalls = false;
            for (_, fault) in faults.iter().filter(|(after, _)| *after <= index) {
                match *fault {
                    VideoFault::Resizes(width, height) => size = (width, height),
                    VideoFault::Stalls => stalls = true,
                    VideoFault::Ends => return false,
                    VideoFault::Fails(kind) => {
                        if let Some(out) = out.take() {
                            out.fail(trouble(kind, name, &format));
                        }
                        return false;
                    }
                }
            }
            let send =
                |out: &FrameSender<_>| out.send(VideoFrame::new(pts, COLOR, gradient(index, size, &pool)));
            stalls || out.as_ref().is_some_and(send)
        })
    }
}

const COLOR: Color = Color::BT601;

/// Picture `index`: a diagonal gradient that moves by two samples a picture.
fn gradient(index: u64, (width, height): (u32, u32), pool: &PicturePool) -> I420 {
    let mut picture = pool.take(width, height);
    let strides = Plane::ALL.map(|plane| picture.stride(plane));
    let widths = Plane::ALL.map(|plane| picture.plane_size(plane).0);
    for (which, plane) in picture.planes_mut().into_iter().enumerate() {
        for (row, line) in plane.chunks_mut(strides[which]).enumerate() {
            let length = widths[which].min(line.len());
            for (column, sample) in line[..length].iter_mut().enumerate() {
                let phase = ((column + row) as u64 + 2 * index) % 320;
                *sample = 60 + phase.min(320 - phase) as u8;
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{ReceiveError, frame_queue};
    use std::time::{Duration, Instant};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// The widths of the pictures that come, and what comes after them.
    fn run(device: VideoDevice) -> (Vec<u32>, ReceiveError) {
        let (sender, receiver) = frame_queue(64);
        let _guard = Box::new(device).start(SessionClock::starting_at(Instant::now()), sender).unwrap();
        let mut widths = Vec::new();
        loop {
            match receiver.receive(PATIENCE) {
                Ok(frame) => widths.push(frame.width()),
                Err(end) => return (widths, end),
            }
        }
    }

    #[test]
    fn a_device_without_faults_keeps_every_promise() {
        crate::conformance::video_source(&|| Ok(Box::new(VideoDevice::camera(64, 36, 100))));
    }

    #[test]
    fn faults_come_at_their_picture_and_in_their_order() {
        let fault = VideoFault::Fails(CaptureErrorKind::Disconnected);
        let device = VideoDevice::screen(64, 36, 200).after(3, VideoFault::Resizes(36, 64)).after(5, fault);
        let (widths, end) = run(device);
        assert_eq!(widths, [64, 64, 64, 36, 36]);
        let ReceiveError::Failed(error) = end else { panic!("{end:?}") };
        assert_eq!(error.kind, CaptureErrorKind::Disconnected);
        assert!(error.device.contains("screen"));
    }

    #[test]
    fn an_end_is_no_failure() {
        let (widths, end) = run(VideoDevice::camera(64, 36, 200).after(2, VideoFault::Ends));
        assert!(widths.len() == 2 && matches!(end, ReceiveError::Ended));
    }

    #[test]
    fn a_refusal_says_why_and_what_there_is() {
        let (sender, _receiver) = frame_queue(1);
        let device = VideoDevice::camera(64, 36, 30).refusing(CaptureErrorKind::UnsupportedFormat);
        let error = Box::new(device).start(SessionClock::starting_at(Instant::now()), sender).unwrap_err();
        assert!(error.to_string().contains("64×36"), "{error}");
    }
}
