//! The last step: luma and colour at full size, changed by small maps.

mod strength;

use super::shrink::Map;
use super::stretch::{Between, Stretched, mix};
use super::window::Area;
use live_core::pixels::simd::{self, Kernel};
use live_core::{I420, Plane};
use std::ops::Range;
pub(super) use strength::Strength;

/// What is known of a picture, in maps `factor` times as small.
#[derive(Clone, Copy)]
pub(super) struct Maps<'a> {
    /// Luma pixels that one place is wide and high: 2 or 4.
    pub(super) factor: usize,
    pub(super) luma: &'a Map,
    /// Luma without its details.
    pub(super) smooth: &'a Map,
    /// How much of the change each place gets.
    pub(super) skin: &'a Map,
}

/// Changes pictures; holds what lies between maps and picture.
#[derive(Debug, Default)]
pub(super) struct Retouch {
    shares: Shares,
    busy: Busy,
    smooth_rows: Stretched,
    smoothing_rows: Stretched,
    rise_rows: Stretched,
    paling_rows: Stretched,
}

/// How much each place changes.
#[derive(Debug, Default)]
struct Shares {
    smoothing: Map,
    rise: Map,
    paling: Map,
}

impl Retouch {
    /// Changes what of a picture is in `area` of the maps. For each row of the maps `ceiling` says which luma is as good as
    /// white: brighter skin would lose its colour.
    pub(super) fn apply<'a>(
        &mut self,
        picture: &mut I420,
        maps: Maps<'_>,
        area: &Area,
        ceiling: impl Fn(usize) -> &'a [u8],
        strength: Strength,
    ) {
        for map in [&mut self.shares.smoothing, &mut self.shares.rise, &mut self.shares.paling] {
            map.resize(maps.skin.width, maps.skin.height);
        }
        simd::run(Share { maps, area, ceiling, strength, shares: &mut self.shares, busy: &mut self.busy });
        self.change_luma(picture, maps, area, strength);
        if strength.lifts() {
            self.change_colour(picture, maps.factor / 2, area);
        }
    }

    fn change_luma(&mut self, picture: &mut I420, maps: Maps<'_>, area: &Area, strength: Strength) {
        let Self { shares, busy, smooth_rows, smoothing_rows, rise_rows, .. } = self;
        let factor = maps.factor;
        let (stride, (width, height)) = (picture.stride(Plane::Y), picture.plane_size(Plane::Y));
        let [luma, ..] = picture.planes_mut();
        for rows in [&mut *smooth_rows, smoothing_rows, rise_rows] {
            rows.begin(factor, area);
        }
        for row in factor * area.rows.start..(factor * area.rows.end).min(height) {
            let rows = Between::of(row, factor, &area.rows);
            let start = row * stride + factor * area.columns.start;
            let luma = &mut luma[start..(row * stride + width).min(start + factor * area.columns.len())];
            busy.for_each_run(rows, |places| {
                let samples = factor * places.start..(factor * places.end).min(luma.len());
                let luma = &mut luma[samples.clone()];
                let eighths = rows.eighths;
                let smooth = smooth_rows.pair(maps.smooth, rows, &samples);
                let share = smoothing_rows.pair(&shares.smoothing, rows, &samples);
                let rise = strength.lifts().then(|| rise_rows.pair(&shares.rise, rows, &samples));
                simd::run(Change { luma, smooth, share, rise, eighths, strength });
            });
        }
    }

    fn change_colour(&mut self, picture: &mut I420, factor: usize, area: &Area) {
        let Self { shares, busy, paling_rows, .. } = self;
        let (stride, (width, height)) = (picture.stride(Plane::U), picture.plane_size(Plane::U));
        let [_, blue, red] = picture.planes_mut();
        paling_rows.begin(factor, area);
        for row in factor * area.rows.start..(factor * area.rows.end).min(height) {
            let rows = Between::of(row, factor, &area.rows);
            let start = row * stride + factor * area.columns.start;
            let end = (row * stride + width).min(start + factor * area.columns.len());
            let (blue, red) = (&mut blue[start..end], &mut red[start..end]);
            busy.for_each_run(rows, |places| {
                let samples = factor * places.start..(factor * places.end).min(blue.len());
                let share = paling_rows.pair(&shares.paling, rows, &samples);
                for chroma in [&mut blue[samples.clone()], &mut red[samples.clone()]] {
                    simd::run(Pale { chroma, share });
                }
            });
        }
    }
}

/// Works out how much each place changes, and which have anything to change.
struct Share<'a, F> {
    maps: Maps<'a>,
    area: &'a Area,
    ceiling: F,
    strength: Strength,
    shares: &'a mut Shares,
    busy: &'a mut Busy,
}

impl<'a, F: Fn(usize) -> &'a [u8]> Kernel for Share<'_, F> {
    #[inline(always)]
    fn run(self) {
        let Self { maps, area, ceiling, strength, shares, busy } = self;
        busy.begin(area);
        for row in area.rows.clone() {
            let columns = area.columns.clone();
            let skin = &maps.skin.row(row)[columns.clone()];
            let smoothing = &mut shares.smoothing.row_mut(row)[columns.clone()];
            for (share, skin) in smoothing.iter_mut().zip(skin) {
                *share = strength.smoothing(*skin);
            }
            busy.look(smoothing);
            if !strength.lifts() {
                continue;
            }
            for (share, skin) in shares.paling.row_mut(row)[columns.clone()].iter_mut().zip(skin) {
                *share = strength.paling(*skin);
            }
            let (luma, ceiling) = (&maps.luma.row(row)[columns.clone()], &ceiling(row)[columns.clone()]);
            let places = luma.iter().zip(skin).zip(ceiling);
            for (rise, ((luma, skin), ceiling)) in shares.rise.row_mut(row)[columns].iter_mut().zip(places) {
                *rise = strength.rise(*luma, *skin, *ceiling);
            }
        }
    }
}

/// Places of a row that are looked at together: where none changes, nothing is done.
const SEGMENT: usize = 32;

/// Which segments of an area change.
#[derive(Clone, Debug, Default)]
struct Busy {
    area: Area,
    across: usize,
    segments: Vec<bool>,
}

impl Busy {
    #[inline(always)]
    fn begin(&mut self, area: &Area) {
        self.area.clone_from(area);
        self.across = area.columns.len().div_ceil(SEGMENT);
        self.segments.clear();
    }

    /// Looks at the next row.
    #[inline(always)]
    fn look(&mut self, shares: &[u8]) {
        for segment in 0..self.across {
            // What is just outside reaches in.
            let (start, end) = ((segment * SEGMENT).saturating_sub(1), (segment + 1) * SEGMENT + 1);
            let all = shares[start..end.min(shares.len())].iter().fold(0, |all, one| all | one);
            self.segments.push(all != 0);
        }
    }

    /// Calls `each` with places in the area, counted from its left, that a row between `rows` has to be looked at in.
    fn for_each_run(&self, rows: Between, mut each: impl FnMut(Range<usize>)) {
        let [near, far] = [rows.near, rows.far].map(|row| {
            let row = row - self.area.rows.start;
            &self.segments[row * self.across..][..self.across]
        });
        let mut segment = 0;
        while segment < self.across {
            let start = segment;
            while segment < self.across && (near[segment] || far[segment]) {
                segment += 1;
            }
            if start < segment {
                each(start * SEGMENT..(segment * SEGMENT).min(self.area.columns.len()));
            }
            segment += 1;
        }
    }
}

/// Parts of two rows of a map.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Takes away detail where there is skin, and raises luma.
struct Change<'a> {
    luma: &'a mut [u8],
    smooth: Pair<'a>,
    share: Pair<'a>,
    rise: Option<Pair<'a>>,
    eighths: u8,
    strength: Strength,
}

impl Kernel for Change<'_> {
    #[inline(always)]
    fn run(self) {
        match self.eighths {
            5 => self.change::<5>(),
            6 => self.change::<6>(),
            _ => self.change::<7>(),
        }
    }
}

impl Change<'_> {
    #[inline(always)]
    fn change<const EIGHTHS: u8>(self) {
        let Self { luma, smooth, share, rise, strength, .. } = self;
        let maps = smooth.0.iter().zip(smooth.1).zip(share.0.iter().zip(share.1));
        for (luma, ((near, far), (share_near, share_far))) in luma.iter_mut().zip(maps) {
            let smooth = mix::<EIGHTHS>(*near, *far);
            let taken = strength.taken(luma.abs_diff(smooth), mix::<EIGHTHS>(*share_near, *share_far));
            *luma = if *luma > smooth { *luma - taken } else { *luma + taken };
        }
        // A loop of its own, for vectors; the row is at hand.
        let Some((near, far)) = rise else { return };
        for ((luma, near), far) in luma.iter_mut().zip(near).zip(far) {
            *luma += strength.limited(*luma, mix::<EIGHTHS>(*near, *far));
        }
    }
}

/// Takes a little colour away from a part of a row of a colour difference.
struct Pale<'a> {
    chroma: &'a mut [u8],
    /// Of two rows that count 3 : 1; or that are the same.
    share: Pair<'a>,
}

impl Kernel for Pale<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { chroma, share: (near, far) } = self;
        for ((chroma, near), far) in chroma.iter_mut().zip(near).zip(far) {
            let difference = i16::from(*chroma) - 128;
            // 128 × 224 fits.
            let taken = (difference * i16::from(mix::<6>(*near, *far)) + 512) >> 10;
            *chroma = (128 + difference - taken) as u8;
        }
    }
}
