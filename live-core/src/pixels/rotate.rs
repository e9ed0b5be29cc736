//! Turning and mirroring.

use super::simd::{self, Kernel};
use crate::frame::{I420, PicturePool, Plane, Rotation};

/// The picture turned clockwise by `rotation`; a clone that shares the pixels when there is nothing to turn.
#[must_use]
pub fn rotate(picture: &I420, rotation: Rotation, pool: &PicturePool) -> I420 {
    let (width, height) = (picture.width(), picture.height());
    match rotation {
        Rotation::None => picture.clone(),
        Rotation::Half => {
            map_planes(picture, width, height, pool, |from, to| simd::run(Flip::<true> { from, to }))
        }
        Rotation::Clockwise90 => {
            map_planes(picture, height, width, pool, |from, to| simd::run(Quarter::<true> { from, to }))
        }
        Rotation::Clockwise270 => {
            map_planes(picture, height, width, pool, |from, to| simd::run(Quarter::<false> { from, to }))
        }
    }
}

/// The picture with left and right exchanged.
#[must_use]
pub fn mirror(picture: &I420, pool: &PicturePool) -> I420 {
    map_planes(picture, picture.width(), picture.height(), pool, |from, to| {
        simd::run(Flip::<false> { from, to })
    })
}

/// A new picture whose planes are made one by one.
fn map_planes(
    picture: &I420,
    width: u32,
    height: u32,
    pool: &PicturePool,
    make: impl Fn(Source<'_>, Target<'_>),
) -> I420 {
    let mut made = pool.take(width, height);
    let layout = Plane::ALL.map(|plane| (made.plane_size(plane), made.stride(plane)));
    for ((samples, plane), ((width, height), stride)) in
        made.planes_mut().into_iter().zip(Plane::ALL).zip(layout)
    {
        let source = Source { samples: picture.plane(plane), stride: picture.stride(plane) };
        make(source, Target { samples, stride, width, height });
    }
    made
}

/// A plane to read.
#[derive(Clone, Copy)]
struct Source<'a> {
    samples: &'a [u8],
    stride: usize,
}

/// A plane to write.
struct Target<'a> {
    samples: &'a mut [u8],
    stride: usize,
    width: usize,
    height: usize,
}

/// Reverses each row, and their order too when `UPSIDE_DOWN`.
struct Flip<'a, const UPSIDE_DOWN: bool> {
    from: Source<'a>,
    to: Target<'a>,
}

impl<const UPSIDE_DOWN: bool> Kernel for Flip<'_, UPSIDE_DOWN> {
    #[inline(always)]
    fn run(self) {
        let Target { samples, stride, width, height } = self.to;
        for (row, to) in samples.chunks_mut(stride).take(height).enumerate() {
            let row = if UPSIDE_DOWN { height - 1 - row } else { row };
            let from = &self.from.samples[row * self.from.stride..][..width];
            for (to, from) in to[..width].iter_mut().zip(from.iter().rev()) {
                *to = *from;
            }
        }
    }
}

/// Side of the squares that are transposed at a time.
const SIDE: usize = 8;

/// Turns by a quarter: clockwise, or the other way.
struct Quarter<'a, const CLOCKWISE: bool> {
    from: Source<'a>,
    to: Target<'a>,
}

impl<const CLOCKWISE: bool> Kernel for Quarter<'_, CLOCKWISE> {
    /// Result column `x` is source row `width - 1 - x` (clockwise) or `x`; result row `y` is source column `y` (clockwise)
    /// or `height - 1 - y`.
    #[inline(always)]
    fn run(self) {
        let Self { from, to: Target { samples, stride, width, height } } = self;
        for top in (0..height).step_by(SIDE) {
            let rows = SIDE.min(height - top);
            let source_column = if CLOCKWISE { top } else { height - top - rows };
            for left in (0..width).step_by(SIDE) {
                let columns = SIDE.min(width - left);
                let mut square = [[0; SIDE]; SIDE];
                for (column, line) in square[..columns].iter_mut().enumerate() {
                    let source_row = if CLOCKWISE { width - 1 - left - column } else { left + column };
                    let source = &from.samples[source_row * from.stride + source_column..];
                    // Samples behind the edge, padding or the next row, end up in lines that are not stored.
                    match source.first_chunk() {
                        Some(whole) => *line = *whole,
                        None => line[..source.len()].copy_from_slice(source),
                    }
                }
                let turned = transposed(&square);
                for row in 0..rows {
                    let line = &turned[if CLOCKWISE { row } else { rows - 1 - row }];
                    let to = &mut samples[(top + row) * stride + left..][..columns];
                    match to.first_chunk_mut() {
                        Some(whole) => *whole = *line,
                        None => to.copy_from_slice(&line[..columns]),
                    }
                }
            }
        }
    }
}

/// Exchanges ever larger blocks across the diagonal, a whole line at a time in one word.
#[inline(always)]
fn transposed(square: &[[u8; SIDE]; SIDE]) -> [[u8; SIDE]; SIDE] {
    let mut lines = square.map(u64::from_le_bytes);
    for (side, mask) in [(1, 0x00ff_00ff_00ff_00ff), (2, 0x0000_ffff_0000_ffff), (4, 0x0000_0000_ffff_ffff)] {
        for upper in (0..SIDE).filter(|line| line & side == 0) {
            let exchanged = ((lines[upper] >> (8 * side)) ^ lines[upper + side]) & mask;
            lines[upper + side] ^= exchanged;
            lines[upper] ^= exchanged << (8 * side);
        }
    }
    lines.map(u64::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: u32, height: u32, seed: u8, pool: &PicturePool) -> I420 {
        let mut picture = pool.take(width, height);
        for plane in picture.planes_mut() {
            let mut state = u32::from(seed) + 1;
            for sample in plane {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (state >> 24) as u8;
            }
        }
        picture
    }

    fn rows(picture: &I420, plane: Plane) -> Vec<&[u8]> {
        (0..picture.plane_size(plane).1).map(|row| picture.row(plane, row)).collect()
    }

    #[test]
    fn a_quarter_turn_clockwise_brings_the_left_edge_up() {
        let pool = PicturePool::new();
        let mut arrow = pool.black(2, 2);
        arrow.planes_mut()[0][0] = 99;
        assert_eq!(rows(&rotate(&arrow, Rotation::Clockwise90, &pool), Plane::Y), [[16, 99], [16, 16]]);
        assert_eq!(rows(&rotate(&arrow, Rotation::Half, &pool), Plane::Y), [[16, 16], [16, 99]]);
        assert_eq!(rows(&rotate(&arrow, Rotation::Clockwise270, &pool), Plane::Y), [[16, 16], [99, 16]]);
        assert_eq!(rows(&mirror(&arrow, &pool), Plane::Y), [[16, 99], [16, 16]]);
    }

    proptest! {
        #[test]
        fn turns_move_every_sample_to_its_place(width in 1_u32..70, height in 1_u32..70, seed in any::<u8>()) {
            let pool = PicturePool::new();
            let source = picture(width, height, seed, &pool);
            let turned = rotate(&source, Rotation::Clockwise90, &pool);
            let portable = simd::portably(|| rotate(&source, Rotation::Clockwise90, &pool));
            for plane in Plane::ALL {
                let (plane_width, plane_height) = source.plane_size(plane);
                prop_assert_eq!(turned.plane_size(plane), (plane_height, plane_width));
                prop_assert_eq!(rows(&turned, plane), rows(&portable, plane));
                for y in 0..plane_height {
                    for x in 0..plane_width {
                        prop_assert_eq!(turned.row(plane, x)[plane_height - 1 - y], source.row(plane, y)[x]);
                    }
                }
            }
        }

        #[test]
        fn turns_and_mirrors_undo_each_other(width in 1_u32..70, height in 1_u32..70, seed in any::<u8>()) {
            let pool = PicturePool::new();
            let source = picture(width, height, seed, &pool);
            let quarter = rotate(&source, Rotation::Clockwise90, &pool);
            let half = rotate(&quarter, Rotation::Clockwise90, &pool);
            let back = rotate(&quarter, Rotation::Clockwise270, &pool);
            let direct = rotate(&source, Rotation::Half, &pool);
            let mirrored = mirror(&source, &pool);
            let twice = mirror(&mirrored, &pool);
            for plane in Plane::ALL {
                prop_assert_eq!(rows(&direct, plane), rows(&half, plane));
                prop_assert_eq!(rows(&back, plane), rows(&source, plane));
                prop_assert_eq!(rows(&twice, plane), rows(&source, plane));
                prop_assert!(rows(&mirrored, plane)[0].iter().rev().eq(source.row(plane, 0)));
            }
        }
    }
}
