//! Sorting of Y′CbCr samples.

use super::{Rows, luma_and_chroma_strides};
use crate::frame::{I420, PicturePool, Plane};
use crate::pixels::simd::{self, Kernel};

pub(super) fn from_yuyv((width, height): (u32, u32), rows: Rows<'_>, pool: &PicturePool) -> I420 {
    let mut picture = pool.take(width, height);
    let (luma_stride, chroma_stride) = luma_and_chroma_strides(&picture);
    let [y, u, v] = picture.planes_mut();
    simd::run(YuyvKernel { rows, width: width as usize, luma_stride, chroma_stride, y, u, v });
    picture
}

struct YuyvKernel<'a> {
    rows: Rows<'a>,
    width: usize,
    luma_stride: usize,
    chroma_stride: usize,
    y: &'a mut [u8],
    u: &'a mut [u8],
    v: &'a mut [u8],
}

impl Kernel for YuyvKernel<'_> {
    #[inline(always)]
    fn run(self) {
        for (row, y) in self.y.chunks_mut(self.luma_stride).take(self.rows.count).enumerate() {
            for (y, pair) in y[..self.width].iter_mut().zip(self.rows.row(row).chunks_exact(2)) {
                *y = pair[0];
            }
        }
        let half = self.width.div_ceil(2);
        let chroma = self.u.chunks_mut(self.chroma_stride).zip(self.v.chunks_mut(self.chroma_stride));
        for (row, (u, v)) in chroma.take(self.rows.count.div_ceil(2)).enumerate() {
            let upper = self.rows.row(2 * row).chunks_exact(4);
            let lower = self.rows.row(2 * row + 1).chunks_exact(4);
            for ((u, v), (a, b)) in u[..half].iter_mut().zip(&mut v[..half]).zip(upper.zip(lower)) {
                *u = mean(a[1], b[1]);
                *v = mean(a[3], b[3]);
            }
        }
    }
}

/// The mean, halves rounded up.
#[inline(always)]
fn mean(a: u8, b: u8) -> u8 {
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}

pub(super) fn from_nv12(
    (width, height): (u32, u32),
    luma: Rows<'_>,
    chroma: Rows<'_>,
    pool: &PicturePool,
) -> I420 {
    let mut picture = pool.take(width, height);
    let (luma_stride, chroma_stride) = luma_and_chroma_strides(&picture);
    let [y, u, v] = picture.planes_mut();
    copy_rows(luma, y, luma_stride);
    simd::run(Deinterleave { rows: chroma, stride: chroma_stride, u, v });
    picture
}

struct Deinterleave<'a> {
    rows: Rows<'a>,
    stride: usize,
    u: &'a mut [u8],
    v: &'a mut [u8],
}

impl Kernel for Deinterleave<'_> {
    #[inline(always)]
    fn run(self) {
        let half = self.rows.len / 2;
        let rows = self.u.chunks_mut(self.stride).zip(self.v.chunks_mut(self.stride));
        for (row, (u, v)) in rows.take(self.rows.count).enumerate() {
            let pairs = self.rows.row(row).chunks_exact(2);
            for ((u, v), pair) in u[..half].iter_mut().zip(&mut v[..half]).zip(pairs) {
                *u = pair[0];
                *v = pair[1];
            }
        }
    }
}

pub(super) fn from_planes((width, height): (u32, u32), planes: [Rows<'_>; 3], pool: &PicturePool) -> I420 {
    let mut picture = pool.take(width, height);
    let strides = Plane::ALL.map(|plane| picture.stride(plane));
    for ((to, stride), from) in picture.planes_mut().into_iter().zip(strides).zip(planes) {
        copy_rows(from, to, stride);
    }
    picture
}

fn copy_rows(from: Rows<'_>, to: &mut [u8], stride: usize) {
    for (row, to) in to.chunks_mut(stride).take(from.count).enumerate() {
        to[..from.len].copy_from_slice(from.row(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::convert::{Nv12, Planar, SizeError, Yuyv};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_are_sorted_whatever_size_and_stride(
            width in 1_u32..80, height in 1_u32..8, padding in 0_usize..9, bytes in prop::collection::vec(any::<u8>(), 1400),
        ) {
            let pool = PicturePool::new();
            let half = width.div_ceil(2) as usize;
            let stride = half * 4 + padding;
            let data = &bytes[..(stride * height as usize).min(1400)];
            prop_assume!(data.len() == stride * height as usize);
            let source = Yuyv::new(width, height, stride, data).unwrap();
            let (picture, portable) = (source.to_i420(&pool), simd::portably(|| source.to_i420(&pool)));
            for row in 0..height as usize {
                let expected: Vec<u8> = (0..width as usize).map(|x| data[row * stride + 2 * x]).collect();
                prop_assert_eq!(picture.row(Plane::Y, row), expected);
            }
            for row in 0..height.div_ceil(2) as usize {
                let lower = (2 * row + 1).min(height as usize - 1);
                for (plane, place) in [(Plane::U, 1), (Plane::V, 3)] {
                    let expected: Vec<u8> = (0..half)
                        .map(|x| mean(data[2 * row * stride + 4 * x + place], data[lower * stride + 4 * x + place]))
                        .collect();
                    prop_assert_eq!(picture.row(plane, row), expected);
                    prop_assert_eq!(picture.row(plane, row), portable.row(plane, row));
                }
            }
        }

        #[test]
        fn nv12_is_the_planar_picture_with_its_chroma_interleaved(
            width in 1_u32..80, height in 1_u32..8, padding in 0_usize..9, seed in any::<u8>(),
        ) {
            let pool = PicturePool::new();
            let (half_width, half_height) = (width.div_ceil(2) as usize, height.div_ceil(2) as usize);
            let stride = 2 * half_width + padding;
            let plane = |salt: u8, len: usize| -> Vec<u8> {
                (0..len).map(|place| (place as u8).wrapping_mul(37).wrapping_add(seed ^ salt)).collect()
            };
            let y = plane(1, stride * height as usize);
            let (u, v) = (plane(2, half_width * half_height), plane(3, half_width * half_height));
            let mut data = y.clone();
            for row in 0..half_height {
                let row = row * half_width..(row + 1) * half_width;
                data.extend(u[row.clone()].iter().zip(&v[row]).flat_map(|(u, v)| [*u, *v]));
                data.resize(data.len() + padding, 0);
            }
            let picture = Nv12::contiguous(width, height, stride, &data).unwrap().to_i420(&pool);
            let planar = Planar::new(width, height, [(&y, stride), (&u, half_width), (&v, half_width)]).unwrap();
            let expected = planar.to_i420(&pool);
            for plane in Plane::ALL {
                for row in 0..picture.plane_size(plane).1 {
                    prop_assert_eq!(picture.row(plane, row), expected.row(plane, row));
                }
            }
        }
    }

    #[test]
    fn short_buffers_and_empty_pictures_are_refused() {
        let data = [0; 64];
        assert!(Yuyv::new(4, 8, 8, &data).is_ok());
        let error = Yuyv::new(4, 9, 8, &data).err();
        assert_eq!(error, Some(SizeError { width: 4, height: 9, stride: 8, needed: 72, len: 64 }));
        assert!(Yuyv::new(4, 8, 7, &data).is_err());
        assert!(Yuyv::new(0, 8, 8, &data).is_err());
        assert!(Nv12::contiguous(8, 0, 8, &data).is_err());
        assert!(Nv12::contiguous(8, 6, 8, &data).is_err());
        assert!(Nv12::contiguous(u32::MAX, u32::MAX, usize::MAX, &data).is_err());
    }
}
