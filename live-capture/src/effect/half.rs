//! What is known about a picture at half its size: luma, and where skin may be.

use super::tone::SkinTone;
use live_core::pixels::simd::{self, Kernel};
use live_core::{I420, Plane};

/// A plane of one byte a sample, rows without padding.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) height: usize,
    samples: Vec<u8>,
}

impl Clone for Map {
    fn clone(&self) -> Self {
        Self { samples: self.samples.clone(), ..*self }
    }

    /// Keeps the memory.
    fn clone_from(&mut self, other: &Self) {
        (self.width, self.height) = (other.width, other.height);
        self.samples.clone_from(&other.samples);
    }
}

impl Map {
    /// Makes it this large; what it holds afterwards is arbitrary. Allocates when the size changed.
    pub(super) fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.samples.resize(width * height, 0);
    }

    /// Makes every sample 0.
    pub(super) fn clear(&mut self) {
        self.samples.fill(0);
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.samples[row * self.width..][..self.width]
    }

    #[inline(always)]
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.samples[row * self.width..][..self.width]
    }
}

/// Halves luma and looks up the colours.
pub(super) struct Halve<'a> {
    pub(super) picture: &'a I420,
    pub(super) tone: &'a SkinTone,
    /// The mean of each two by two luma samples.
    pub(super) luma: &'a mut Map,
    /// How much each colour is skin.
    pub(super) skin: &'a mut Map,
}

impl Halve<'_> {
    pub(super) fn now(self) {
        let (width, height) = self.picture.plane_size(Plane::U);
        self.luma.resize(width, height);
        self.skin.resize(width, height);
        simd::run(self);
    }
}

impl Kernel for Halve<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { picture, tone, luma, skin } = self;
        let last = picture.plane_size(Plane::Y).1 - 1;
        for row in 0..luma.height {
            let (upper, lower) =
                (picture.row(Plane::Y, 2 * row), picture.row(Plane::Y, (2 * row + 1).min(last)));
            halve(upper, lower, luma.row_mut(row));
            let (cb, cr) = (picture.row(Plane::U, row), picture.row(Plane::V, row));
            for ((skin, cb), cr) in skin.row_mut(row).iter_mut().zip(cb).zip(cr) {
                *skin = tone.membership(*cb, *cr);
            }
        }
    }
}

#[inline(always)]
fn halve(upper: &[u8], lower: &[u8], halved: &mut [u8]) {
    let (upper, upper_rest) = upper.as_chunks::<2>();
    let (lower, lower_rest) = lower.as_chunks::<2>();
    for ((half, a), b) in halved.iter_mut().zip(upper).zip(lower) {
        let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
        *half = ((sum + 2) >> 2) as u8;
    }
    // An odd width leaves one column.
    if let ([a], [b], Some(half)) = (upper_rest, lower_rest, halved.last_mut()) {
        *half = (u16::from(*a) + u16::from(*b)).div_ceil(2) as u8;
    }
}
