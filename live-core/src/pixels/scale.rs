//! Scaling of any size to any size: a box filter where pictures become smaller, bilinear where they grow.
//!
//! Rows are mixed first, into fixed point with 8 bits of fraction, then columns. Results are within one code value of
//! the exact mean or interpolation. Chroma is scaled by the same ratio as luma, also where sides are odd, so colours
//! stay on their shapes.

mod axis;
mod columns;
mod rows;

use super::simd;
use crate::frame::{I420, PicturePool, Plane};
use axis::Axis;

/// A part of a picture, in luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crop {
    /// Columns left of it, even.
    pub x: u32,
    /// Rows above it, even.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Crop {
    /// The whole of a picture.
    #[must_use]
    pub const fn whole(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
    }
}

/// Scales pictures of one size, or a part of them, to another. Weights are calculated once.
#[derive(Clone, Debug)]
pub struct Scaler {
    source: (u32, u32),
    crop: Crop,
    target: (u32, u32),
    luma: [Axis; 2],
    chroma: [Axis; 2],
    /// One row between the two steps, in 8.8 fixed point.
    mixed: Vec<u16>,
}

impl Scaler {
    /// From the `crop` of pictures of the `source` size to the `target` size, both in pixels.
    ///
    /// # Panics
    /// When a side is zero, the crop is not inside the source, or begins at an odd place.
    #[must_use]
    pub fn new(source: (u32, u32), crop: Crop, target: (u32, u32)) -> Self {
        let inside = |start: u32, len: u32, side: u32| {
            len > 0 && start.is_multiple_of(2) && start.checked_add(len).is_some_and(|end| end <= side)
        };
        assert!(
            inside(crop.x, crop.width, source.0) && inside(crop.y, crop.height, source.1),
            "{crop:?} is no part of a picture of {source:?}"
        );
        assert!(target.0 > 0 && target.1 > 0, "a picture of {target:?} has no pixels");
        let axes = |subsampling| {
            [(crop.x, crop.width, target.0), (crop.y, crop.height, target.1)]
                .map(|(start, from, to)| Axis::new(start, from, to, subsampling))
        };
        Self { source, crop, target, luma: axes(1), chroma: axes(2), mixed: vec![0; crop.width as usize] }
    }

    /// Whether this scaler is the one for these sizes.
    #[must_use]
    pub fn is_for(&self, source: (u32, u32), crop: Crop, target: (u32, u32)) -> bool {
        (self.source, self.crop, self.target) == (source, crop, target)
    }

    /// Scales a picture.
    ///
    /// # Panics
    /// When `picture` has not the source's size.
    #[must_use]
    pub fn scale(&mut self, picture: &I420, pool: &PicturePool) -> I420 {
        assert_eq!((picture.width(), picture.height()), self.source, "the scaler is for another size");
        let mut scaled = pool.take(self.target.0, self.target.1);
        let strides = Plane::ALL.map(|plane| scaled.stride(plane));
        for ((samples, plane), stride) in scaled.planes_mut().into_iter().zip(Plane::ALL).zip(strides) {
            let [across, down] = if plane == Plane::Y { &self.luma } else { &self.chroma };
            simd::run(PlaneKernel { picture, plane, across, down, samples, stride, mixed: &mut self.mixed });
        }
        scaled
    }
}

/// A picture scaled to another size; a clone that shares the pixels when it has that size.
///
/// Calculates the weights each time: to scale many pictures, keep a [`Scaler`].
#[must_use]
pub fn scale(picture: &I420, width: u32, height: u32, pool: &PicturePool) -> I420 {
    let source = (picture.width(), picture.height());
    if source == (width, height) {
        return picture.clone();
    }
    Scaler::new(source, Crop::whole(source.0, source.1), (width, height)).scale(picture, pool)
}

/// A part of a picture, pixel by pixel. Panics as [`Scaler::new`] does.
#[must_use]
pub fn crop(picture: &I420, crop: Crop, pool: &PicturePool) -> I420 {
    let source = (picture.width(), picture.height());
    Scaler::new(source, crop, (crop.width, crop.height)).scale(picture, pool)
}

/// One plane's way through both axes.
struct PlaneKernel<'a> {
    picture: &'a I420,
    plane: Plane,
    across: &'a Axis,
    down: &'a Axis,
    samples: &'a mut [u8],
    stride: usize,
    mixed: &'a mut [u16],
}

impl simd::Kernel for PlaneKernel<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { picture, plane, across, down, samples, stride, mixed } = self;
        let used = across.source_range();
        let mixed = &mut mixed[..used.len()];
        for (index, to) in samples.chunks_mut(stride).take(down.len()).enumerate() {
            let to = &mut to[..across.len()];
            let source = |row: usize| &picture.row(plane, row)[used.clone()];
            if across.is_copy() && down.is_copy() {
                to.copy_from_slice(source(down.start(index)));
            } else if across.is_half() && down.is_half() {
                let row = down.start(index);
                columns::halve(source(row), source(row + 1), to);
            } else {
                rows::mix(source, down, index, mixed);
                columns::mix(mixed, across, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: u32, height: u32, seed: u32, pool: &PicturePool) -> I420 {
        let mut picture = pool.take(width, height);
        let mut state = seed;
        for plane in picture.planes_mut() {
            for sample in plane {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (state >> 24) as u8;
            }
        }
        picture
    }

    /// The share of each source sample in a result's sample, in real numbers.
    fn reference_weights(first: usize, end: usize, scale: f64, index: usize) -> Vec<(usize, f64)> {
        let (from, to) = (index as f64 * scale, (index + 1) as f64 * scale);
        if scale < 1.0 {
            let place = ((from + to) / 2.0 - 0.5).clamp(0.0, (end - first - 1) as f64);
            let left = place.floor() as usize;
            let right = (left + 1).min(end - first - 1);
            return vec![(first + left, 1.0 - place.fract()), (first + right, place.fract())];
        }
        let covered = (first..end).map(|sample| {
            let place = (sample - first) as f64;
            (sample, (to.min(place + 1.0) - from.max(place)).max(0.0))
        });
        let covered: Vec<_> = covered.filter(|(_, share)| *share > 0.0).collect();
        let total: f64 = covered.iter().map(|(_, share)| share).sum();
        covered.into_iter().map(|(sample, share)| (sample, share / total)).collect()
    }

    fn check(source: &I420, crop: Crop, target: (u32, u32), pool: &PicturePool) {
        let mut scaler = Scaler::new((source.width(), source.height()), crop, target);
        let scaled = scaler.scale(source, pool);
        let portable = simd::portably(|| scaler.scale(source, pool));
        for plane in Plane::ALL {
            let step = if plane == Plane::Y { 1 } else { 2 };
            let axis = |start: u32, len: u32, target: u32, index: usize| {
                let (first, end) = ((start / step) as usize, (start + len).div_ceil(step) as usize);
                reference_weights(first, end, f64::from(len) / f64::from(target), index)
            };
            let (width, height) = scaled.plane_size(plane);
            for y in 0..height {
                assert_eq!(scaled.row(plane, y), portable.row(plane, y));
                let rows = axis(crop.y, crop.height, target.1, y);
                for x in 0..width {
                    let mut exact = 0.0;
                    for (column, share) in axis(crop.x, crop.width, target.0, x) {
                        for &(row, weight) in &rows {
                            exact += f64::from(source.row(plane, row)[column]) * share * weight;
                        }
                    }
                    let made = scaled.row(plane, y)[x];
                    assert!(
                        (f64::from(made) - exact).abs() <= 1.0,
                        "{plane:?} {x},{y}: {made} for {exact}, {crop:?} to {target:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_picture_of_one_colour_stays_so_at_any_size() {
        let pool = PicturePool::new();
        for value in [0, 1, 16, 127, 128, 235, 254, 255] {
            let mut source = pool.take(600, 400);
            source.planes_mut().into_iter().for_each(|plane| plane.fill(value));
            for (width, height) in
                [(2, 2), (300, 200), (400, 300), (450, 300), (599, 399), (601, 800), (1, 1000)]
            {
                let scaled = scale(&source, width, height, &pool);
                for plane in Plane::ALL {
                    for row in 0..scaled.plane_size(plane).1 {
                        assert!(
                            scaled.row(plane, row).iter().all(|&sample| sample == value),
                            "{value} at {width}×{height} became {:?}",
                            &scaled.row(plane, row)[..scaled.plane_size(plane).0.min(4)]
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn ratios_with_their_own_loops_are_as_exact_as_others() {
        let pool = PicturePool::new();
        let source = picture(240, 96, 5, &pool);
        for (width, height) in [(120, 48), (160, 64), (180, 72), (120, 96), (240, 48), (180, 48), (480, 192)]
        {
            check(&source, Crop::whole(240, 96), (width, height), &pool);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
        #[test]
        fn any_size_is_within_one_of_the_exact_result(
            x in 0_u32..4, y in 0_u32..4, width in 1_u32..60, height in 1_u32..60, beyond in 0_u32..3,
            tw in 1_u32..80, th in 1_u32..80, seed in any::<u32>(),
        ) {
            let pool = PicturePool::new();
            let crop = Crop { x: 2 * x, y: 2 * y, width, height };
            let source = picture(2 * x + width + beyond, 2 * y + height + beyond, seed, &pool);
            check(&source, crop, (tw, th), &pool);
        }
    }
}
