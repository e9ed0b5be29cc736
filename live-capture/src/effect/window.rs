//! The mean over a square window, at the same cost for every size of the window.

use super::half::Map;
use live_core::pixels::simd::{self, Kernel};
use std::ops::Range;

/// The largest radius: 15 × 15 samples of 255 add up to what 16 bits hold.
pub(super) const MOST: usize = 7;

/// Part of a plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) columns: Range<usize>,
    pub(super) rows: Range<usize>,
}

/// Memory for the sums.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowMean {
    columns: Vec<u16>,
    doubled: Vec<u16>,
    total: Vec<u16>,
}

impl WindowMean {
    /// Writes into `to` the mean of `from` over (2 `radius` + 1)² samples, for each place of `area`; beyond the borders of
    /// the plane its last samples are repeated.
    pub(super) fn apply(&mut self, from: &Map, radius: usize, area: &Area, to: &mut Map) {
        debug_assert!((1..=MOST).contains(&radius));
        let padded = area.columns.len() + 2 * radius;
        for buffer in [&mut self.columns, &mut self.doubled] {
            buffer.clear();
            buffer.resize(padded, 0);
        }
        self.total.resize(area.columns.len(), 0);
        simd::run(Pass { memory: self, from, radius, area, to });
    }
}

struct Pass<'a> {
    memory: &'a mut WindowMean,
    from: &'a Map,
    radius: usize,
    area: &'a Area,
    to: &'a mut Map,
}

impl Kernel for Pass<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { memory: WindowMean { columns, doubled, total }, from, radius, area, to } = self;
        let side = 2 * radius + 1;
        let share = (65_536 / (side * side)) as u16;
        let half = (side * side / 2) as u16;
        let row_at = |row: usize| from.row(row.saturating_sub(radius).min(from.height - 1));
        // Columns of the plane under the padded buffer, and how much of it sticks out on the left.
        let start = area.columns.start.saturating_sub(radius);
        let end = (area.columns.end + radius).min(from.width);
        let out = radius.saturating_sub(area.columns.start);
        let inside = out..out + end - start;
        // `row_at` counts from `radius` rows above the plane.
        for row in area.rows.start..area.rows.start + side - 1 {
            for (sum, sample) in columns[inside.clone()].iter_mut().zip(&row_at(row)[start..end]) {
                *sum += u16::from(*sample);
            }
        }
        for row in area.rows.clone() {
            for (sum, sample) in columns[inside.clone()].iter_mut().zip(&row_at(row + side - 1)[start..end]) {
                *sum += u16::from(*sample);
            }
            let (first, last) = (columns[inside.start], columns[inside.end - 1]);
            columns[..inside.start].fill(first);
            columns[inside.end..].fill(last);
            across(columns, side, doubled, total);
            for (mean, sum) in to.row_mut(row)[area.columns.clone()].iter_mut().zip(&*total) {
                *mean = ((u32::from(*sum + half) * u32::from(share)) >> 16) as u8;
            }
            for (sum, sample) in columns[inside.clone()].iter_mut().zip(&row_at(row)[start..end]) {
                *sum -= u16::from(*sample);
            }
        }
    }
}

/// Sums of `side` neighbours, put together from sums of one, two, four and eight.
#[inline(always)]
fn across(columns: &[u16], side: usize, doubled: &mut [u16], total: &mut [u16]) {
    doubled.copy_from_slice(columns);
    // An odd side begins with a single one.
    total.copy_from_slice(&columns[..total.len()]);
    let (mut length, mut covered) = (1, 1);
    while 2 * length <= side {
        match length {
            1 => double::<1>(doubled),
            2 => double::<2>(doubled),
            _ => double::<4>(doubled),
        }
        length *= 2;
        if side & length != 0 {
            for (sum, more) in total.iter_mut().zip(&doubled[covered..]) {
                *sum += *more;
            }
            covered += length;
        }
    }
}

/// Makes sums of `2 * LENGTH` neighbours of sums of `LENGTH`, in place, as each only needs what is right of it.
#[inline(always)]
fn double<const LENGTH: usize>(sums: &mut [u16]) {
    let valid = sums.len().saturating_sub(LENGTH);
    for place in 0..valid {
        sums[place] += sums[place + LENGTH];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn means_are_those_of_plain_arithmetic(
            width in 1_usize..40, height in 1_usize..30, radius in 1..=MOST, seed in any::<u32>(),
            cut in any::<(u8, u8, u8, u8)>(),
        ) {
            let mut from = Map::default();
            from.resize(width, height);
            let mut state = seed;
            for row in 0..height {
                for sample in from.row_mut(row) {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *sample = (state >> 24) as u8;
                }
            }
            let part = |a: u8, b: u8, len: usize| {
                let start = usize::from(a) % len;
                start..start + 1 + usize::from(b) % (len - start)
            };
            let area = Area { columns: part(cut.0, cut.1, width), rows: part(cut.2, cut.3, height) };
            let mut to = from.clone();
            WindowMean::default().apply(&from, radius, &area, &mut to);
            let span = radius as i64;
            for row in area.rows {
                for column in area.columns.clone() {
                    let mut sum = 0;
                    for y in row as i64 - span..=row as i64 + span {
                        for x in column as i64 - span..=column as i64 + span {
                            let place = |at: i64, len: usize| at.clamp(0, len as i64 - 1) as usize;
                            sum += u32::from(from.row(place(y, height))[place(x, width)]);
                        }
                    }
                    let exact = f64::from(sum) / ((2 * span + 1) * (2 * span + 1)) as f64;
                    let found = f64::from(to.row(row)[column]);
                    prop_assert!((found - exact).abs() <= 1.0, "{found} for {exact}");
                }
            }
        }
    }
}
