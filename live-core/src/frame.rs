//! The one currency for raw media: pictures from pools, and sound.

mod picture;

pub use picture::{I420, PicturePool, Plane};

use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;

/// Matrix coefficients that turn Y′CbCr into R′G′B′ (ITU-T H.273 section 8.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, and most cameras.
    #[default]
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
}

/// The code values that stand for black and white (ITU-T H.273 section 8.3, `VideoFullRangeFlag`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Range {
    /// Luma 16–235, chroma 16–240 ("studio", "tv", "mpeg").
    #[default]
    Limited,
    /// 0–255 ("pc", "jpeg").
    Full,
}

/// How the samples of a picture are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// Matrix coefficients.
    pub matrix: Matrix,
    /// Code range.
    pub range: Range,
}

impl Color {
    /// BT.601, limited range: the customary reading of a small picture that does not say.
    pub const BT601: Self = Self { matrix: Matrix::Bt601, range: Range::Limited };
    /// BT.709, limited range: the customary reading of a picture of 720 lines or more that does not say.
    pub const BT709: Self = Self { matrix: Matrix::Bt709, range: Range::Limited };

    /// What players assume of a picture whose stream does not say: BT.709 from 720 lines on the longer side's
    /// high-definition raster (more than 576 lines on the shorter side), BT.601 below.
    #[must_use]
    pub fn assumed_for(width: u32, height: u32) -> Self {
        if width.min(height) > 576 { Self::BT709 } else { Self::BT601 }
    }
}

/// A clockwise turn that brings a picture upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Upright already.
    #[default]
    None,
    /// A quarter turn clockwise.
    Clockwise90,
    /// Half a turn.
    Half,
    /// A quarter turn counter-clockwise.
    Clockwise270,
}

impl Rotation {
    /// Whether the turn exchanges width and height.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Clockwise90 | Self::Clockwise270)
    }

    /// This turn, and `other` after it.
    #[must_use]
    pub const fn then(self, other: Self) -> Self {
        const TURNS: [Rotation; 4] =
            [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270];
        TURNS[(self as usize + other as usize) % TURNS.len()]
    }
}

/// A picture held by something other than plain memory: a GPU texture, a camera buffer, a hardware decoder's surface.
///
/// Code that knows the concrete type may downcast with [`as_any`](NativeSurface::as_any) and take the fast path;
/// everybody else calls [`Surface::to_i420`].
pub trait NativeSurface: fmt::Debug + Send + Sync {
    /// Width in pixels.
    fn width(&self) -> u32;
    /// Height in pixels.
    fn height(&self) -> u32;
    /// The pixels copied into plain memory taken from `pool`. May block for the time of a copy.
    fn to_i420(&self, pool: &PicturePool) -> I420;
    /// The concrete surface.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Where the pixels of a [`VideoFrame`] are.
#[derive(Clone, Debug)]
pub enum Surface {
    /// Three planes in memory; clones share them.
    I420(I420),
    /// Anywhere else.
    Native(Arc<dyn NativeSurface>),
}

impl Surface {
    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        match self {
            Self::I420(picture) => picture.width(),
            Self::Native(surface) => surface.width(),
        }
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        match self {
            Self::I420(picture) => picture.height(),
            Self::Native(surface) => surface.height(),
        }
    }

    /// The pixels in plain memory: shared when they are there already, copied into `pool` otherwise.
    #[must_use]
    pub fn to_i420(&self, pool: &PicturePool) -> I420 {
        match self {
            Self::I420(picture) => picture.clone(),
            Self::Native(surface) => surface.to_i420(pool),
        }
    }
}

/// One picture. A clone shares the pixels.
#[derive(Clone, Debug)]
pub struct VideoFrame {
    /// When it was captured, or is to be presented.
    pub pts: Timestamp,
    /// How its samples are to be read.
    pub color: Color,
    /// The turn that brings it upright.
    pub rotation: Rotation,
    /// Its pixels.
    pub surface: Surface,
}

impl VideoFrame {
    /// An upright picture in memory.
    #[must_use]
    pub const fn new(pts: Timestamp, color: Color, picture: I420) -> Self {
        Self { pts, color, rotation: Rotation::None, surface: Surface::I420(picture) }
    }

    /// The pixels in plain memory, for writing: a native surface is copied into `pool` first.
    ///
    /// [`I420::planes_mut`] then copies once more only when somebody else holds the same picture.
    pub fn make_i420(&mut self, pool: &PicturePool) -> &mut I420 {
        if let Surface::Native(native) = &self.surface {
            self.surface = Surface::I420(native.to_i420(pool));
        }
        match &mut self.surface {
            Surface::I420(picture) => picture,
            Surface::Native(_) => unreachable!("replaced above"),
        }
    }

    /// Width of the surface in pixels, before [`rotation`](Self::rotation).
    #[must_use]
    pub fn width(&self) -> u32 {
        self.surface.width()
    }

    /// Height of the surface in pixels, before [`rotation`](Self::rotation).
    #[must_use]
    pub fn height(&self) -> u32 {
        self.surface.height()
    }
}

/// The layout of sound: fixed when a source, codec or sink is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioSpec {
    /// Sampling rate in Hz.
    pub sample_rate: u32,
    /// Interleaved channels, in the order of their codec (front left first; for AAC decoders: left, right).
    pub channels: u16,
}

/// A run of interleaved samples, −1.0 to 1.0 at full scale. Its [`AudioSpec`] was fixed when the stream was opened.
#[derive(Clone, PartialEq)]
pub struct AudioFrame {
    /// When its first sample was captured, or is to be heard.
    pub pts: Timestamp,
    /// Interleaved samples: a whole number of sample frames.
    pub samples: Vec<f32>,
}

impl fmt::Debug for AudioFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioFrame").field("pts", &self.pts).field("samples", &self.samples.len()).finish()
    }
}
