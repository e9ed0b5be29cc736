//! What is known about a picture at a fraction of its size: luma, colour, and where skin may be.

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

/// From this many pixels on, on the shorter side, maps have a quarter of a picture's width and height and not half: faces
/// are large enough there for it.
const LARGE: u32 = 540;

/// The maps of a picture.
#[derive(Debug, Default)]
pub(super) struct Small {
    /// Luma pixels that one place is wide and high: 2 or 4.
    pub(super) factor: usize,
    /// Means of luma …
    pub(super) luma: Map,
    /// … of Cb …
    pub(super) blue: Map,
    /// … and of Cr.
    pub(super) red: Map,
    /// How much each colour is skin.
    pub(super) skin: Map,
}

impl Small {
    /// Looks at a picture.
    pub(super) fn look(&mut self, picture: &I420, tone: &SkinTone) {
        self.factor = if picture.width().min(picture.height()) >= LARGE { 4 } else { 2 };
        let (width, height) = picture.plane_size(Plane::Y);
        let (width, height) = (width.div_ceil(self.factor), height.div_ceil(self.factor));
        for map in [&mut self.luma, &mut self.blue, &mut self.red, &mut self.skin] {
            map.resize(width, height);
        }
        simd::run(Look { small: self, picture, tone });
    }
}

struct Look<'a> {
    small: &'a mut Small,
    picture: &'a I420,
    tone: &'a SkinTone,
}

impl Kernel for Look<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { small: Small { factor, luma, blue, red, skin }, picture, tone } = self;
        if *factor == 4 {
            shrink_by_4(picture, Plane::Y, luma);
            shrink_by_2(picture, Plane::U, blue);
            shrink_by_2(picture, Plane::V, red);
        } else {
            shrink_by_2(picture, Plane::Y, luma);
            for row in 0..blue.height {
                blue.row_mut(row).copy_from_slice(picture.row(Plane::U, row));
                red.row_mut(row).copy_from_slice(picture.row(Plane::V, row));
            }
        }
        for row in 0..skin.height {
            for ((skin, cb), cr) in skin.row_mut(row).iter_mut().zip(blue.row(row)).zip(red.row(row)) {
                *skin = tone.membership(*cb, *cr);
            }
        }
    }
}

/// Means of two by two. Pairs are taken as 16-bit words, which vectors do without shuffling.
#[inline(always)]
fn shrink_by_2(picture: &I420, plane: Plane, map: &mut Map) {
    let last = picture.plane_size(plane).1 - 1;
    let pair = |bytes: &[u8; 2]| {
        let word = u16::from_le_bytes(*bytes);
        (word & 0xff) + (word >> 8)
    };
    for row in 0..map.height {
        let rows = [2 * row, (2 * row + 1).min(last)].map(|row| picture.row(plane, row));
        let [(a, _), (b, _)] = rows.map(|row| row.as_chunks::<2>());
        for ((mean, a), b) in map.row_mut(row).iter_mut().zip(a).zip(b) {
            *mean = ((pair(a) + pair(b) + 2) >> 2) as u8;
        }
        shrink_rest::<2>(&rows, map.row_mut(row));
    }
}

/// Means of four by four, in the same way.
#[inline(always)]
fn shrink_by_4(picture: &I420, plane: Plane, map: &mut Map) {
    const EVEN: u32 = 0x00ff_00ff;
    let last = picture.plane_size(plane).1 - 1;
    let pairs = |bytes: &[u8; 4]| {
        let word = u32::from_le_bytes(*bytes);
        (word & EVEN) + ((word >> 8) & EVEN)
    };
    for row in 0..map.height {
        let rows = [0, 1, 2, 3].map(|off| picture.row(plane, (4 * row + off).min(last)));
        let [(a, _), (b, _), (c, _), (d, _)] = rows.map(|row| row.as_chunks::<4>());
        for ((((mean, a), b), c), d) in map.row_mut(row).iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let sums = pairs(a) + pairs(b) + pairs(c) + pairs(d);
            *mean = (((sums & 0xffff) + (sums >> 16) + 8) >> 4) as u8;
        }
        shrink_rest::<4>(&rows, map.row_mut(row));
    }
}

/// The last place, where the width leaves fewer columns than a place has.
#[inline(always)]
fn shrink_rest<const FACTOR: usize>(rows: &[&[u8]; FACTOR], means: &mut [u8]) {
    let rest = rows.map(|row| row.as_chunks::<FACTOR>().1);
    let count = (rest[0].len() * FACTOR) as u16;
    if let (1.., Some(mean)) = (count, means.last_mut()) {
        let sum: u16 = rest.iter().flat_map(|row| row.iter()).map(|sample| u16::from(*sample)).sum();
        *mean = ((sum + count / 2) / count) as u8;
    }
}
