//! What image files are made from.

use live_core::pixels::convert::{RgbLayout, i420_to_rgb};
use live_core::pixels::rotate::rotate;
use live_core::{PicturePool, VideoFrame};

/// An upright picture as rows of red, green and blue, without padding.
pub(super) struct Rgb {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
}

impl Rgb {
    /// Converts `frame` by its own matrix and range.
    pub(super) fn of(frame: &VideoFrame) -> Self {
        let pool = PicturePool::new();
        let picture = rotate(&frame.surface.to_i420(&pool), frame.rotation, &pool);
        let (width, height) = (picture.width(), picture.height());
        let stride = width as usize * RgbLayout::Rgb.bytes();
        let mut pixels = vec![0; stride * height as usize];
        i420_to_rgb(&picture, frame.color, RgbLayout::Rgb, &mut pixels, stride);
        Self { width, height, pixels }
    }
}
