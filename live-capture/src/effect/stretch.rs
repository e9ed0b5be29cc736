//! Maps at the size of a picture's plane, row by row, bilinearly.

use super::shrink::Map;
use super::window::Area;
use live_core::pixels::simd::{self, Kernel};
use std::ops::Range;

/// Two rows of a map between which a row of a plane lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) near: usize,
    pub(super) far: usize,
    /// How much the nearer one counts, in eighths.
    pub(super) eighths: u8,
}

impl Between {
    /// Where `row` of a plane lies among `rows` of a map, whose places are `factor` (1, 2 or 4) of its pixels high.
    pub(super) fn of(row: usize, factor: usize, rows: &Range<usize>) -> Self {
        let (near, phase) = (row / factor, row % factor);
        let far = if 2 * phase < factor { near.saturating_sub(1) } else { near + 1 };
        let far = far.clamp(rows.start, rows.end - 1);
        match (factor, phase) {
            (1, _) => Self { near, far: near, eighths: 7 },
            (2, _) => Self { near, far, eighths: 6 },
            (_, 1 | 2) => Self { near, far, eighths: 7 },
            _ => Self { near, far, eighths: 5 },
        }
    }
}

/// The value between two rows, `EIGHTHS` (5, 6 or 7) of it the nearer one's, put together from means of two, which processors
/// have an instruction for.
///
/// A mean rounds up. What this adds, 0.4 on average, [`Stretched`] leaves out when it rounds down.
#[inline(always)]
pub(super) fn mix<const EIGHTHS: u8>(near: u8, far: u8) -> u8 {
    let half = mean(near, far);
    let quarters = mean(near, half);
    match EIGHTHS {
        5 => mean(half, quarters),
        6 => quarters,
        _ => mean(near, quarters),
    }
}

#[inline(always)]
fn mean(a: u8, b: u8) -> u8 {
    // In this form compilers know it.
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}

/// The two rows of a map that are in use, at the width of the plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretched {
    factor: usize,
    columns: Range<usize>,
    places: Vec<u8>,
    rows: [Row; 2],
}

#[derive(Clone, Debug, Default)]
struct Row {
    of: Option<usize>,
    samples: Vec<u8>,
}

impl Stretched {
    /// A new picture: columns of `area` will be stretched by `factor`.
    pub(super) fn begin(&mut self, factor: usize, area: &Area) {
        self.factor = factor;
        self.columns = area.columns.clone();
        // One more on each side, so that each place has neighbours.
        self.places.resize(self.columns.len() + 2, 0);
        for row in &mut self.rows {
            row.of = None;
            row.samples.resize(self.columns.len() * factor, 0);
        }
    }

    /// A part of two rows of `map`, counted from the left of the columns.
    pub(super) fn pair(&mut self, map: &Map, rows: Between, samples: &Range<usize>) -> (&[u8], &[u8]) {
        self.need(map, rows.near);
        self.need(map, rows.far);
        let part = |row: usize| &self.rows[row % 2].samples[samples.clone()];
        (part(rows.near), part(rows.far))
    }

    fn need(&mut self, map: &Map, row: usize) {
        let stretched = &mut self.rows[row % 2];
        if stretched.of == Some(row) {
            return;
        }
        stretched.of = Some(row);
        let (places, count) = (&mut self.places, self.columns.len());
        places[1..=count].copy_from_slice(&map.row(row)[self.columns.clone()]);
        (places[0], places[count + 1]) = (places[1], places[count]);
        simd::run(Stretch { places, factor: self.factor, samples: &mut stretched.samples });
    }
}

struct Stretch<'a> {
    places: &'a [u8],
    factor: usize,
    samples: &'a mut [u8],
}

impl Kernel for Stretch<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { places, factor, samples } = self;
        let [left, right] = [&places[..places.len() - 2], &places[2..]];
        let here = &places[1..places.len() - 1];
        match factor {
            1 => samples.copy_from_slice(here),
            2 => {
                let (pairs, _) = samples.as_chunks_mut::<2>();
                for (((pair, left), here), right) in pairs.iter_mut().zip(left).zip(here).zip(right) {
                    let [left, here, right] = [*left, *here, *right].map(u16::from);
                    *pair = ((3 * here + left) >> 2 | (3 * here + right) >> 2 << 8).to_le_bytes();
                }
            }
            _ => {
                // Two sums at once in each word, as vectors cannot interleave bytes cheaply.
                const EVEN: u32 = 0x00ff_00ff;
                let (fours, _) = samples.as_chunks_mut::<4>();
                for (((four, left), here), right) in fours.iter_mut().zip(left).zip(here).zip(right) {
                    let [left, here, right] = [*left, *here, *right].map(u32::from);
                    let right = right << 16;
                    let even = here * 0x0007_0005 + 3 * left + right;
                    let odd = here * 0x0005_0007 + left + 3 * right;
                    *four = (((even >> 3) & EVEN) | (((odd >> 3) & EVEN) << 8)).to_le_bytes();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_lie_between_the_two_nearest() {
        let rows = |factor| -> Vec<(usize, usize, u8)> {
            let all = (0..2 * factor).map(|row| Between::of(row, factor, &(0..2)));
            all.map(|Between { near, far, eighths }| (near, far, eighths)).collect()
        };
        assert_eq!(rows(1), [(0, 0, 7), (1, 1, 7)]);
        assert_eq!(rows(2), [(0, 0, 6), (0, 1, 6), (1, 0, 6), (1, 1, 6)]);
        let four = [(0, 0, 5), (0, 0, 7), (0, 1, 7), (0, 1, 5), (1, 0, 5), (1, 0, 7), (1, 1, 7), (1, 1, 5)];
        assert_eq!(rows(4), four);
    }

    #[test]
    fn mixing_is_exact_but_for_rounding_up() {
        for (near, far) in (0..=255).step_by(3).flat_map(|near| (0..=255).map(move |far| (near, far))) {
            let exact = |eighths: u8| {
                (f64::from(near) * f64::from(eighths) + f64::from(far) * f64::from(8 - eighths)) / 8.0
            };
            for (found, exact) in [
                (mix::<5>(near, far), exact(5)),
                (mix::<6>(near, far), exact(6)),
                (mix::<7>(near, far), exact(7)),
            ] {
                let over = f64::from(found) - exact;
                assert!((0.0..1.2).contains(&over), "{found} for {exact} between {near} and {far}");
            }
        }
    }

    proptest! {
        #[test]
        fn stretching_interpolates(places in prop::collection::vec(any::<u8>(), 1..80), factor in 0..3_u32) {
            let factor = 1 << factor;
            let mut map = Map::default();
            map.resize(places.len(), 1);
            map.row_mut(0).copy_from_slice(&places);
            let mut stretched = Stretched::default();
            stretched.begin(factor, &Area { columns: 0..places.len(), rows: 0..1 });
            let all = 0..places.len() * factor;
            let (found, _) = stretched.pair(&map, Between { near: 0, far: 0, eighths: 7 }, &all);
            for (at, found) in found.iter().enumerate() {
                let place = (at as f64 + 0.5) / factor as f64 - 0.5;
                let neighbour = |at: f64| f64::from(places[(at.max(0.0) as usize).min(places.len() - 1)]);
                let share = place - place.floor();
                let exact = neighbour(place.floor()) * (1.0 - share) + neighbour(place.floor() + 1.0) * share;
                prop_assert_eq!(*found, exact.floor() as u8, "at {}", at);
            }
        }
    }
}
