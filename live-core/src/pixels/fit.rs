//! Framing: what a device gives becomes what the encoder is set to.

use super::rotate::{mirror, rotate};
use super::scale::{Crop, Scaler};
use crate::frame::{PicturePool, Rotation, Surface, VideoFrame};
use std::ops::RangeInclusive;

/// How much a picture may be zoomed: from all of it to a fifth of its width and height.
pub const ZOOM: RangeInclusive<f32> = 1.0..=5.0;

/// The largest centred part of a picture of `source` pixels that, turned by `rotation`, has the aspect of `target`.
///
/// One side is the source's whole side. The other is within half a pixel of the exact aspect, so nothing is stretched;
/// the part begins at even places, where chroma samples begin.
#[must_use]
pub fn cover(source: (u32, u32), rotation: Rotation, target: (u32, u32)) -> Crop {
    let (width, height) = source;
    let (across, down) = if rotation.swaps_sides() { (target.1, target.0) } else { target };
    let (across, down) = (u64::from(across.max(1)), u64::from(down.max(1)));
    // The source's side, shortened to what goes with the other side; rounded to the nearest pixel.
    let shortened = |side: u32, other: u32, side_ratio: u64, other_ratio: u64| {
        let exact = (2 * u64::from(other) * side_ratio + other_ratio) / (2 * other_ratio);
        u32::try_from(exact).map_or(side, |len| len.clamp(1, side))
    };
    let cropped_width = shortened(width, height, across, down);
    let cropped_height = shortened(height, width, down, across);
    let centred = |side: u32, len: u32| (side - len) / 4 * 2;
    Crop {
        x: centred(width, cropped_width),
        y: centred(height, cropped_height),
        width: cropped_width,
        height: cropped_height,
    }
}

/// The middle of `crop`, `zoom` times as small in both directions, beginning at even places.
#[must_use]
fn zoomed(crop: Crop, zoom: f32) -> Crop {
    let side = |len: u32| ((f64::from(len) / f64::from(zoom)).round() as u32).clamp(1, len);
    let (width, height) = (side(crop.width), side(crop.height));
    let start = |start: u32, len: u32, part: u32| start + (len - part) / 4 * 2;
    Crop { x: start(crop.x, crop.width, width), y: start(crop.y, crop.height, height), width, height }
}

/// Brings pictures upright, crops them to an aspect and scales them, never stretching: what stands before an encoder.
#[derive(Clone, Debug)]
pub struct Fitter {
    target: (u32, u32),
    mirrored: bool,
    zoom: f32,
    scaler: Option<Scaler>,
}

impl Fitter {
    /// Pictures come out with this size in pixels, upright.
    ///
    /// # Panics
    /// When a side is zero.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        assert!(width > 0 && height > 0, "a picture of {width}×{height} has no pixels");
        Self { target: (width, height), mirrored: false, zoom: *ZOOM.start(), scaler: None }
    }

    /// Exchanges left and right as well.
    pub fn set_mirrored(&mut self, mirrored: bool) {
        self.mirrored = mirrored;
    }

    /// Shows the middle of the picture this many times as large; clamped into [`ZOOM`].
    pub fn set_zoom(&mut self, factor: f32) {
        self.zoom = factor.clamp(*ZOOM.start(), *ZOOM.end());
    }

    /// The size of what comes out.
    #[must_use]
    pub const fn target(&self) -> (u32, u32) {
        self.target
    }

    fn zooms(&self) -> bool {
        self.zoom > *ZOOM.start()
    }

    /// Makes the frame the encoder gets. One that fits already is passed on as it is, native surfaces included.
    #[must_use]
    pub fn fit(&mut self, frame: &VideoFrame, pool: &PicturePool) -> VideoFrame {
        let source = (frame.width(), frame.height());
        if source == self.target && frame.rotation == Rotation::None && !self.mirrored && !self.zooms() {
            return frame.clone();
        }
        let mut picture = frame.surface.to_i420(pool);
        let mut crop = cover(source, frame.rotation, self.target);
        if self.zooms() {
            crop = zoomed(crop, self.zoom);
        }
        let (width, height) = self.target;
        let scaled = if frame.rotation.swaps_sides() { (height, width) } else { (width, height) };
        if source != scaled || crop != Crop::whole(source.0, source.1) {
            let scaler = match self.scaler.take() {
                Some(scaler) if scaler.is_for(source, crop, scaled) => self.scaler.insert(scaler),
                _ => self.scaler.insert(Scaler::new(source, crop, scaled)),
            };
            picture = scaler.scale(&picture, pool);
        }
        // Turning after scaling: pictures mostly get smaller.
        picture = rotate(&picture, frame.rotation, pool);
        if self.mirrored {
            picture = mirror(&picture, pool);
        }
        VideoFrame {
            pts: frame.pts,
            color: frame.color,
            rotation: Rotation::None,
            surface: Surface::I420(picture),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Color, I420, Plane};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn modes_are_cut_from_the_middle_of_a_camera_picture() {
        let crop = |source, rotation, target| {
            let Crop { x, y, width, height } = cover(source, rotation, target);
            (x, y, width, height)
        };
        assert_eq!(crop((1280, 720), Rotation::None, (360, 640)), (436, 0, 405, 720));
        assert_eq!(crop((1280, 720), Rotation::Clockwise90, (360, 640)), (0, 0, 1280, 720));
        assert_eq!(crop((1280, 720), Rotation::None, (540, 720)), (370, 0, 540, 720));
        assert_eq!(crop((640, 480), Rotation::None, (640, 360)), (0, 60, 640, 360));
        assert_eq!(crop((640, 480), Rotation::Half, (1280, 960)), (0, 0, 640, 480));
        assert_eq!(crop((1, 1), Rotation::None, (640, 2)), (0, 0, 1, 1));
    }

    fn frame(picture: I420, rotation: Rotation) -> VideoFrame {
        VideoFrame { rotation, ..VideoFrame::new(Timestamp::ZERO, Color::BT601, picture) }
    }

    #[test]
    fn a_frame_that_fits_shares_its_memory() {
        let pool = PicturePool::new();
        let frame = frame(pool.black(64, 36), Rotation::None);
        let fitted = Fitter::new(64, 36).fit(&frame, &pool);
        let place = |frame: &VideoFrame| frame.surface.to_i420(&pool).plane(Plane::Y).as_ptr();
        assert_eq!(place(&fitted), place(&frame));
    }

    #[test]
    fn a_turned_camera_comes_out_upright_and_mirrored_on_demand() {
        let pool = PicturePool::new();
        // The camera's picture lies on its side: its left edge is the scene's top, which is bright on its right.
        let mut lying = pool.black(64, 32);
        let stride = lying.stride(Plane::Y);
        let luma = &mut lying.planes_mut()[0];
        for row in 0..16 {
            luma[row * stride..][..32].fill(200);
        }
        let mut fitter = Fitter::new(16, 32);
        let corners = |frame: &VideoFrame| {
            let picture = frame.surface.to_i420(&pool);
            assert_eq!((picture.width(), picture.height(), frame.rotation), (16, 32, Rotation::None));
            let row = picture.row(Plane::Y, 1);
            (row[1], row[14], picture.row(Plane::Y, 30)[14])
        };
        let lying = frame(lying, Rotation::Clockwise90);
        assert_eq!(corners(&fitter.fit(&lying, &pool)), (16, 200, 16));
        fitter.set_mirrored(true);
        assert_eq!(corners(&fitter.fit(&lying, &pool)), (200, 16, 16));
    }

    #[test]
    fn zoom_shows_the_middle_and_keeps_the_shape() {
        let whole = Crop::whole(1280, 720);
        assert_eq!(zoomed(whole, 2.0), Crop { x: 320, y: 180, width: 640, height: 360 });
        assert_eq!(zoomed(whole, 5.0), Crop { x: 512, y: 288, width: 256, height: 144 });
        assert_eq!(zoomed(Crop { x: 436, y: 0, width: 405, height: 720 }, 1.5).x, 502);
        assert_eq!(zoomed(Crop::whole(1, 1), 5.0), Crop::whole(1, 1));

        let pool = PicturePool::new();
        let mut picture = pool.black(64, 32);
        let stride = picture.stride(Plane::Y);
        for row in 8..24 {
            picture.planes_mut()[0][row * stride + 16..][..32].fill(200);
        }
        let source = frame(picture, Rotation::None);
        let mut fitter = Fitter::new(64, 32);
        let bright = |frame: &VideoFrame| {
            let picture = frame.surface.to_i420(&pool);
            (0..32)
                .map(|row| picture.row(Plane::Y, row).iter().filter(|luma| **luma > 150).count())
                .sum::<usize>()
        };
        assert_eq!(bright(&fitter.fit(&source, &pool)), 32 * 16);
        fitter.set_zoom(2.0);
        assert_eq!(bright(&fitter.fit(&source, &pool)), 64 * 32, "the middle fills the picture");
        fitter.set_zoom(1.0);
        assert_eq!(bright(&fitter.fit(&source, &pool)), 32 * 16);
    }

    proptest! {
        #[test]
        fn zoomed_crops_stay_inside(
            width in 1_u32..3000, height in 1_u32..3000, x in 0_u32..500, y in 0_u32..500, zoom in 1.0_f32..=5.0,
        ) {
            let crop = Crop { x: 2 * x, y: 2 * y, width, height };
            let part = zoomed(crop, zoom);
            prop_assert!(part.width >= 1 && part.height >= 1);
            prop_assert!(part.x >= crop.x && part.x + part.width <= crop.x + width && part.x.is_multiple_of(2));
            prop_assert!(part.y >= crop.y && part.y + part.height <= crop.y + height && part.y.is_multiple_of(2));
        }

        #[test]
        fn crops_are_inside_whole_on_one_side_and_true_to_the_aspect(
            width in 16_u32..5000, height in 16_u32..5000, tw in 16_u32..3000, th in 16_u32..3000, turn in 0..4,
        ) {
            let rotation = [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270][turn as usize];
            let crop = cover((width, height), rotation, (tw, th));
            prop_assert!(crop.x + crop.width <= width && crop.y + crop.height <= height);
            prop_assert!(crop.x.is_multiple_of(2) && crop.y.is_multiple_of(2));
            prop_assert!(crop.width == width || crop.height == height);
            let (rw, rh) = if rotation.swaps_sides() { (th, tw) } else { (tw, th) };
            let (rw, rh) = (f64::from(rw), f64::from(rh));
            if crop.width < width {
                prop_assert!((f64::from(crop.width) - f64::from(height) * rw / rh).abs() <= 0.5001 || crop.width == 1);
            }
            if crop.height < height {
                prop_assert!((f64::from(crop.height) - f64::from(width) * rh / rw).abs() <= 0.5001 || crop.height == 1);
            }
            let off_centre = i64::from(width - crop.width) - 2 * i64::from(crop.x);
            prop_assert!((0..4).contains(&off_centre));
        }

        #[test]
        fn any_frame_becomes_the_configured_size(
            width in 1_u32..90, height in 1_u32..90, tw in 1_u32..45, th in 1_u32..45, turn in 0..4, mirrored in any::<bool>(),
        ) {
            let rotation = [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270][turn as usize];
            let pool = PicturePool::new();
            let mut fitter = Fitter::new(tw, th);
            fitter.set_mirrored(mirrored);
            let fitted = fitter.fit(&frame(pool.black(width, height), rotation), &pool);
            prop_assert_eq!((fitted.width(), fitted.height()), (tw, th));
            let picture = fitted.surface.to_i420(&pool);
            for (plane, black) in [(Plane::Y, 16), (Plane::U, 128), (Plane::V, 128)] {
                for row in 0..picture.plane_size(plane).1 {
                    prop_assert!(picture.row(plane, row).iter().all(|&sample| sample == black));
                }
            }
        }
    }
}
