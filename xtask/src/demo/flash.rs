//! Sees the pattern's flash in a picture.

use live_capture::pattern::{Painter, Stamp};
use live_core::{I420, PicturePool, Plane};

/// Luma that is at least this much brighter in every flash than in every other picture belongs to the flash.
const CONTRAST: u8 = 120;
/// Seconds of the pattern that are compared to find the flash.
const SECONDS: u32 = 6;

/// Where the flash is, and how bright a picture must be there.
///
/// Found by drawing pictures with and without it, so that nothing has to be known of the pattern's layout.
#[derive(Debug)]
pub struct FlashDetector {
    /// Column and row of the pixels that light up.
    pixels: Vec<(usize, usize)>,
    threshold: u32,
}

impl FlashDetector {
    /// Learns the flash of `painter`'s pattern, which has `fps` pictures a second.
    pub fn new(painter: &Painter, fps: u32) -> Self {
        let pool = PicturePool::new();
        let draw = |frame| painter.draw(Stamp { frame, micros: 0 }, &pool);
        let lit: Vec<I420> = (0..SECONDS).map(|second| draw(second * fps)).collect();
        // Whatever else moves is somewhere else in each of these.
        let dark = |second: u32| second * fps + fps / 4 + second * fps / (2 * SECONDS);
        let dark: Vec<I420> = (0..SECONDS).map(|second| draw(dark(second))).collect();
        let (width, height) = lit[0].plane_size(Plane::Y);
        let luma = |picture: &I420, row, column| picture.row(Plane::Y, row)[column];
        let mut pixels = Vec::new();
        let (mut bright, mut dim) = (0_u64, 0_u64);
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            let darkest_lit = lit.iter().map(|picture| luma(picture, row, column)).min().unwrap_or(0);
            let lightest_dark = dark.iter().map(|picture| luma(picture, row, column)).max().unwrap_or(255);
            if darkest_lit.saturating_sub(lightest_dark) >= CONTRAST {
                pixels.push((column, row));
                bright += u64::from(darkest_lit);
                dim += u64::from(lightest_dark);
            }
        }
        let threshold = (bright + dim) / (2 * pixels.len().max(1) as u64);
        Self { pixels, threshold: u32::try_from(threshold).unwrap_or(u32::MAX) }
    }

    /// Whether `picture`, of the pattern's size, shows the flash.
    pub fn is_lit(&self, picture: &I420) -> bool {
        let (width, height) = picture.plane_size(Plane::Y);
        let inside = self.pixels.iter().filter(|(column, row)| *column < width && *row < height);
        let (sum, count) = inside.fold((0_u64, 0_u64), |(sum, count), &(column, row)| {
            (sum + u64::from(picture.row(Plane::Y, row)[column]), count + 1)
        });
        count > 0 && sum > u64::from(self.threshold) * count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_capture::pattern::PatternSpec;

    #[test]
    fn the_flash_is_seen_in_the_first_60_ms_of_every_second_and_never_else() {
        for fps in [15, 25, 30] {
            let painter = Painter::new(PatternSpec::new(360, 640, fps));
            let detector = FlashDetector::new(&painter, fps);
            assert!(detector.pixels.len() > 1000, "{} pixels", detector.pixels.len());
            for frame in 7 * fps..9 * fps {
                let picture = painter.draw(Stamp { frame, micros: 123_456_789 }, &PicturePool::new());
                let expected = frame % fps * 1_000_000 / fps < 60_000;
                assert_eq!(detector.is_lit(&picture), expected, "picture {frame} at {fps} fps");
            }
        }
    }
}
