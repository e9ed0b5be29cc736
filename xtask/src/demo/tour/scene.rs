//! What the camera of the tour shows: the test pattern with a portrait in it.

use super::portrait::SIDE;
use live_capture::pattern::{Painter, PatternSpec, Stamp};
use live_capture::pump::{self, Flow, Pace};
use live_core::queue::FrameSender;
use live_core::{
    CaptureError, CaptureGuard, I420, PicturePool, Plane, SessionClock, SourceInfo, SourceKind, VideoFrame,
    VideoSource,
};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the portrait is: clear of the strip along the upper edge.
pub const LEFT: usize = 60;
/// The row of its upper edge.
pub const TOP: usize = 82;

/// A camera that shows the pattern, with `portrait` in it.
#[derive(Clone)]
pub struct Scene {
    /// The pattern around it.
    pub spec: PatternSpec,
    /// The picture in it.
    pub portrait: I420,
}

impl VideoSource for Scene {
    fn info(&self) -> SourceInfo {
        let PatternSpec { width, height, fps, .. } = self.spec;
        let format = format!("{width}×{height} I420, {fps} fps");
        SourceInfo { kind: SourceKind::Generated, name: "portrait and pattern".to_owned(), format }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let Self { spec, portrait } = *self;
        let (painter, pool) = (Painter::new(spec), PicturePool::new());
        let pace = Pace::starting_at(clock.at(Instant::now()), spec.fps);
        pump::spawn("portrait", clock, pace, move |index, pts| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let micros = u64::try_from(wall.as_micros()).unwrap_or(0).min(Stamp::MAX_MICROS);
            let mut picture = painter.draw(Stamp { frame: index as u32, micros }, &pool);
            put_in(&mut picture, &portrait);
            Flow::go_on_if(out.send(VideoFrame::new(pts, spec.color(), picture)))
        })
    }
}

/// Copies the portrait into its place.
fn put_in(picture: &mut I420, portrait: &I420) {
    let strides = Plane::ALL.map(|plane| picture.stride(plane));
    let planes = picture.planes_mut().into_iter().zip(strides).zip(Plane::ALL);
    for ((samples, stride), plane) in planes {
        let scale = if plane == Plane::Y { 1 } else { 2 };
        let width = SIDE as usize / scale;
        for row in 0..width {
            let start = (TOP / scale + row) * stride + LEFT / scale;
            samples[start..start + width].copy_from_slice(&portrait.row(plane, row)[..width]);
        }
    }
}
