//! A test picture worth looking at, which a program can read as well.
//!
//! Colour bars and a grey scale, a ball that touches the floor at every whole second, a dial that flashes at the same
//! moment, a clock, and a [strip](Stamp) of black and white cells that carries the picture's number and the time it was
//! captured. The strip survives compression to 200 kbit/s at 360×640, scaling to between half and double size and a
//! crop of two pixels, so that latency and losses can be measured on any player's screen: [`read_stamp`].
//!
//! Picture `n` belongs to the instant `n / fps` of the session timeline. Its looks follow from its number and stamp
//! alone, so a receiver can [`draw`] it again and compare.

mod canvas;
mod font;
mod painter;
mod stamp;

pub use painter::Painter;
pub use stamp::{Stamp, read_stamp, read_stamp_luma};

use crate::pump::{self, Flow, Pace};
use live_core::queue::FrameSender;
use live_core::{
    CaptureError, CaptureErrorKind, CaptureGuard, Color, I420, PicturePool, SessionClock, SourceInfo,
    SourceKind, Timestamp, VideoFrame, VideoSource,
};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How hard the pattern is to compress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PatternStyle {
    /// Colour bars and a moving ball: looks good at the modes' start bitrates.
    #[default]
    Bars,
    /// The same under fresh grain in every picture: needs all the bitrate it can get.
    Noise,
}

/// What pattern to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatternSpec {
    /// Width in pixels, at least 54.
    pub width: u32,
    /// Height in pixels, at least 54.
    pub height: u32,
    /// Pictures per second, at least 1.
    pub fps: u32,
    /// How hard it is to compress.
    pub style: PatternStyle,
}

impl PatternSpec {
    /// Colour bars of this size and rate.
    #[must_use]
    pub const fn new(width: u32, height: u32, fps: u32) -> Self {
        Self { width, height, fps, style: PatternStyle::Bars }
    }

    /// The instant of the session timeline that picture `frame` belongs to.
    #[must_use]
    pub fn pts(&self, frame: u32) -> Timestamp {
        Timestamp::from_index(u64::from(frame), self.fps)
    }

    /// How the samples of its pictures are to be read: what players assume of the size.
    #[must_use]
    pub fn color(&self) -> Color {
        Color::assumed_for(self.width, self.height)
    }

    /// As [`pts`](Self::pts), in microseconds since the session started.
    fn time_of(&self, frame: u32) -> u64 {
        self.pts(frame).as_micros().unsigned_abs()
    }

    fn check(&self) -> Result<(), CaptureError> {
        let Self { width, height, fps, .. } = *self;
        if width.min(height) >= 54 && width.max(height) <= 8192 && (1..=240).contains(&fps) {
            return Ok(());
        }
        let message = format!(
            "cannot be drawn with {width}×{height} pixels at {fps} pictures per second; choose sides of 54 to 8192 \
             pixels and a rate of 1 to 240"
        );
        Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, NAME, message))
    }
}

/// The picture of `spec` that carries `stamp`.
///
/// Pure, but it draws the background each time: to draw many pictures, keep a [`Painter`].
#[must_use]
pub fn draw(spec: PatternSpec, stamp: Stamp, pool: &PicturePool) -> I420 {
    Painter::new(spec).draw(stamp, pool)
}

const NAME: &str = "test pattern";

/// The pattern as a [`VideoSource`], paced in real time on a thread of its own.
///
/// The stamp's time is the wall clock (UNIX µs) at the instant the picture belongs to: the wall clock is read once, at
/// the start, and the session timeline counted on from there. A wall clock that is set while the source runs does not
/// disturb the stamps.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    spec: PatternSpec,
}

impl Pattern {
    /// A source of this pattern. An impossible size or rate is told by [`start`](VideoSource::start).
    #[must_use]
    pub const fn new(spec: PatternSpec) -> Self {
        Self { spec }
    }

    /// What it makes.
    #[must_use]
    pub const fn spec(&self) -> PatternSpec {
        self.spec
    }
}

impl VideoSource for Pattern {
    fn info(&self) -> SourceInfo {
        let PatternSpec { width, height, fps, .. } = self.spec;
        SourceInfo {
            kind: SourceKind::Generated,
            name: NAME.to_owned(),
            format: format!("{width}×{height} I420, {fps} fps"),
        }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let spec = self.spec;
        spec.check()?;
        let painter = Painter::new(spec);
        let pool = PicturePool::new();
        let epoch = unix_micros_at_start(&clock);
        let pace = Pace::starting_at(clock.at(Instant::now()), spec.fps);
        pump::spawn(NAME, clock, pace, move |index, pts| {
            // The strip counts modulo 2^32; so does the picture's motion.
            let frame = index as u32;
            let micros = epoch.saturating_add_signed(pts.as_micros()).min(Stamp::MAX_MICROS);
            let picture = painter.draw(Stamp { frame, micros }, &pool);
            Flow::go_on_if(out.send(VideoFrame::new(pts, spec.color(), picture)))
        })
    }
}

/// What the wall clock showed at the start of the session, in µs since the UNIX epoch.
fn unix_micros_at_start(clock: &SessionClock) -> u64 {
    let (wall, now) = (SystemTime::now(), clock.at(Instant::now()));
    let unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    u64::try_from(unix).unwrap_or(0).saturating_add_signed(now.as_micros().saturating_neg())
}
