//! The mean over a square window, at the same cost for every size of the window.

use super::shrink::Map;
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

/// Sums of a window's columns, and of the windows of a row.
#[derive(Clone, Debug, Default)]
struct Sums {
    columns: Vec<u16>,
    doubled: Vec<u16>,
    windows: Vec<u16>,
}

impl Sums {
    fn clear(&mut self, span: &Span) {
        for buffer in [&mut self.columns, &mut self.doubled] {
            buffer.clear();
            buffer.resize(span.padded, 0);
        }
        self.windows.resize(span.windows, 0);
    }

    #[inline(always)]
    fn add(&mut self, span: &Span, values: impl Iterator<Item = u16>) {
        for (sum, value) in self.columns[span.inside.clone()].iter_mut().zip(values) {
            *sum += value;
        }
    }

    #[inline(always)]
    fn take_off(&mut self, span: &Span, values: impl Iterator<Item = u16>) {
        for (sum, value) in self.columns[span.inside.clone()].iter_mut().zip(values) {
            *sum -= value;
        }
    }

    /// Repeats the outermost columns beyond the plane, and adds up each window.
    #[inline(always)]
    fn add_up(&mut self, span: &Span) {
        let Self { columns, doubled, windows } = self;
        let (first, last) = (columns[span.inside.start], columns[span.inside.end - 1]);
        columns[..span.inside.start].fill(first);
        columns[span.inside.end..].fill(last);
        across(columns, span.side, doubled, windows);
    }
}

/// Where the columns of a plane are under a row of windows.
struct Span {
    side: usize,
    windows: usize,
    padded: usize,
    /// Columns of the plane that are looked at …
    columns: Range<usize>,
    /// … and their place in the padded row.
    inside: Range<usize>,
}

impl Span {
    fn of(width: usize, radius: usize, area: &Area) -> Self {
        let start = area.columns.start.saturating_sub(radius);
        let end = (area.columns.end + radius).min(width);
        let out = radius.saturating_sub(area.columns.start);
        Self {
            side: 2 * radius + 1,
            windows: area.columns.len(),
            padded: area.columns.len() + 2 * radius,
            columns: start..end,
            inside: out..out + end - start,
        }
    }
}

/// Calculates means; holds the memory it takes.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowMean {
    plain: Sums,
    weights: Sums,
}

impl WindowMean {
    /// Writes into `to` the mean of `from` over (2 `radius` + 1)² samples, for each place of `area`; beyond the borders of
    /// the plane its last samples are repeated.
    pub(super) fn apply(&mut self, from: &Map, radius: usize, area: &Area, to: &mut Map) {
        debug_assert!((1..=MOST).contains(&radius));
        let span = Span::of(from.width, radius, area);
        self.plain.clear(&span);
        simd::run(Plain { sums: &mut self.plain, span, from, radius, area, to });
    }

    /// The same, where each sample counts as much as its weight says, 0–255. Where hardly any has a weight, the sample
    /// itself stands.
    pub(super) fn weighted(&mut self, from: &Map, weights: &Map, radius: usize, area: &Area, to: &mut Map) {
        debug_assert!((1..=MOST).contains(&radius));
        let span = Span::of(from.width, radius, area);
        self.plain.clear(&span);
        self.weights.clear(&span);
        let (products, sums) = (&mut self.plain, &mut self.weights);
        simd::run(Weighted { products, sums, span, from, weights, radius, area, to });
    }
}

/// The row `radius` rows above `row`, inside the plane.
#[inline(always)]
fn row_above(map: &Map, row: usize, radius: usize) -> &[u8] {
    map.row(row.saturating_sub(radius).min(map.height - 1))
}

struct Plain<'a> {
    sums: &'a mut Sums,
    span: Span,
    from: &'a Map,
    radius: usize,
    area: &'a Area,
    to: &'a mut Map,
}

impl Kernel for Plain<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { sums, span, from, radius, area, to } = self;
        let samples = (span.side * span.side) as u32;
        let (share, half) = (65_536 / samples, (samples / 2) as u16);
        let values =
            |row| row_above(from, row, radius)[span.columns.clone()].iter().map(|value| u16::from(*value));
        for row in area.rows.start..area.rows.start + span.side - 1 {
            sums.add(&span, values(row));
        }
        for row in area.rows.clone() {
            sums.add(&span, values(row + span.side - 1));
            sums.add_up(&span);
            for (mean, sum) in to.row_mut(row)[area.columns.clone()].iter_mut().zip(&sums.windows) {
                *mean = ((u32::from(*sum + half) * share) >> 16) as u8;
            }
            sums.take_off(&span, values(row));
        }
    }
}

struct Weighted<'a> {
    products: &'a mut Sums,
    sums: &'a mut Sums,
    span: Span,
    from: &'a Map,
    weights: &'a Map,
    radius: usize,
    area: &'a Area,
    to: &'a mut Map,
}

impl Kernel for Weighted<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { products, sums, span, from, weights, radius, area, to } = self;
        let weight =
            |row| row_above(weights, row, radius)[span.columns.clone()].iter().map(|value| u16::from(*value));
        let product = |row| {
            let values =
                row_above(from, row, radius)[span.columns.clone()].iter().map(|value| u16::from(*value));
            values.zip(weight(row)).map(|(value, weight)| (value * weight + 128) >> 8)
        };
        for row in area.rows.start..area.rows.start + span.side - 1 {
            products.add(&span, product(row));
            sums.add(&span, weight(row));
        }
        for row in area.rows.clone() {
            products.add(&span, product(row + span.side - 1));
            sums.add(&span, weight(row + span.side - 1));
            products.add_up(&span);
            sums.add_up(&span);
            let own = &from.row(row)[area.columns.clone()];
            let windows = products.windows.iter().zip(&sums.windows).zip(own);
            for (mean, ((product, sum), own)) in to.row_mut(row)[area.columns.clone()].iter_mut().zip(windows)
            {
                let quotient = f32::from(*product) * 256.0 / f32::from((*sum).max(1)) + 0.5;
                let quotient = (quotient as i32).min(255) as u8;
                *mean = if *sum < LEAST_WEIGHT { *own } else { quotient };
            }
            products.take_off(&span, product(row));
            sums.take_off(&span, weight(row));
        }
    }
}

/// Less than this over a whole window is no base for a mean.
const LEAST_WEIGHT: u16 = 128;

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
            let mut weighted = from.clone();
            let weights = from.clone();
            WindowMean::default().weighted(&from, &weights, radius, &area, &mut weighted);
            let span = radius as i64;
            for row in area.rows {
                for column in area.columns.clone() {
                    let (mut sum, mut squares) = (0, 0);
                    for y in row as i64 - span..=row as i64 + span {
                        for x in column as i64 - span..=column as i64 + span {
                            let place = |at: i64, len: usize| at.clamp(0, len as i64 - 1) as usize;
                            let sample = u32::from(from.row(place(y, height))[place(x, width)]);
                            sum += sample;
                            squares += sample * sample;
                        }
                    }
                    let exact = f64::from(sum) / ((2 * span + 1) * (2 * span + 1)) as f64;
                    let found = f64::from(to.row(row)[column]);
                    prop_assert!((found - exact).abs() <= 1.0, "{found} for {exact}");
                    if sum >= u32::from(LEAST_WEIGHT) {
                        // Each product is rounded once.
                        let slack = 0.5 + 128.0 * f64::from((2 * span as u32 + 1).pow(2)) / f64::from(sum);
                        let (found, exact) = (f64::from(weighted.row(row)[column]), f64::from(squares) / f64::from(sum));
                        prop_assert!((found - exact).abs() <= slack + 0.01, "{found} for {exact}");
                    }
                }
            }
        }
    }
}
