//! What tells skin from the rest, place by place.

use super::surroundings::Surroundings;
use crate::effect::shrink::{Map, Small};
use crate::effect::window::Area;
use live_core::pixels::simd::Kernel;

/// Full certainty up to this much redder or yellower than the skin around it, in code values of Cb + Cr …
const HUE: u16 = 5;
/// … and this many 255ths less for each further one: lips, and hair.
const HUE_SLOPE: u16 = 40;

/// Finds what looks like skin: by colour, by hue among its surroundings, by not being dark among them.
pub(super) struct Likely<'a> {
    pub(super) small: &'a Small,
    pub(super) surroundings: &'a Surroundings,
    pub(super) area: &'a Area,
    pub(super) likely: &'a mut Map,
}

impl Kernel for Likely<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = self.area.columns.clone();
        for row in self.area.rows.clone() {
            let (dark, slope) = self.surroundings.darkness(row);
            let (dark, slope) = (&dark[columns.clone()], &slope[columns.clone()]);
            let hue = &self.surroundings.hue(row)[columns.clone()];
            let Small { luma, blue, red, skin, .. } = self.small;
            let [luma, colour, blue, red] = [luma, skin, blue, red].map(|map| &map.row(row)[columns.clone()]);
            let likely = &mut self.likely.row_mut(row)[columns.clone()];
            let signs = luma.iter().zip(dark).zip(slope).zip(colour).zip(hue).zip(blue).zip(red);
            for (likely, ((((((luma, dark), slope), colour), hue), blue), red)) in
                likely.iter_mut().zip(signs)
            {
                let bright = (u16::from(luma.saturating_sub(*dark)) * u16::from(*slope)).min(255);
                let off = (u16::from(*blue) + u16::from(*red)).abs_diff(*hue).saturating_sub(HUE).min(7);
                let alike = 255_u16.saturating_sub(off * HUE_SLOPE).min(u16::from(*colour));
                // 255² + 255 is 255 × 256.
                *likely = ((bright * alike + bright) >> 8) as u8;
            }
        }
    }
}

/// How far luma is from the mean of four neighbours, in quarters of a code value. Shading is even, strands are not.
pub(super) struct Unevenness<'a> {
    pub(super) luma: &'a Map,
    /// How far away the neighbours are.
    pub(super) detail: usize,
    /// How much of it does not count.
    pub(super) slack: u8,
    /// Whether what is there counts if it is more.
    pub(super) adds: bool,
    pub(super) area: &'a Area,
    pub(super) uneven: &'a mut Map,
}

impl Kernel for Unevenness<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { luma, detail, slack, adds, area: Area { columns, rows }, uneven } = self;
        let merge = |uneven: &mut u8, more: u8| {
            *uneven = more.saturating_sub(slack).max(if adds { *uneven } else { 0 });
        };
        let (width, last) = (luma.width, luma.height - 1);
        // Away from the borders of the plane nothing has to be looked out for.
        let start = columns.start.max(detail);
        let inner = start..columns.end.min(width.saturating_sub(detail)).max(start);
        for row in rows.clone() {
            let (here, above) = (luma.row(row), luma.row(row.saturating_sub(detail)));
            let below = luma.row((row + detail).min(last));
            let uneven = uneven.row_mut(row);
            for column in columns.clone().filter(|column| !inner.contains(column)) {
                let (left, right) =
                    (here[column.saturating_sub(detail)], here[(column + detail).min(width - 1)]);
                merge(
                    &mut uneven[column],
                    deviation(here[column], [left, right, above[column], below[column]]),
                );
            }
            if inner.is_empty() {
                continue;
            }
            let left = &here[inner.start - detail..inner.end - detail];
            let right = &here[inner.start + detail..inner.end + detail];
            let (above, below) = (&above[inner.clone()], &below[inner.clone()]);
            let neighbours = left.iter().zip(right).zip(above).zip(below);
            for ((uneven, here), (((left, right), above), below)) in
                uneven[inner.clone()].iter_mut().zip(&here[inner.clone()]).zip(neighbours)
            {
                merge(uneven, deviation(*here, [*left, *right, *above, *below]));
            }
        }
    }
}

/// Four times the deviation from a mean of four, at most a byte.
#[inline(always)]
fn deviation(sample: u8, four: [u8; 4]) -> u8 {
    let [a, b, c, d] = four.map(u16::from);
    (4 * u16::from(sample)).abs_diff(a + b + c + d).min(255) as u8
}

/// Skin is even up to this mean deviation, in quarters of a code value …
const EVEN: u16 = 13;
/// … and for each further one this many 255ths less certain.
const EVEN_SLOPE: u16 = 8;

/// Leaves what looks like skin and is even.
pub(super) struct Even<'a> {
    pub(super) roughness: &'a Map,
    /// What contrasts are multiplied by, in sixteenths.
    pub(super) gain: u16,
    pub(super) area: &'a Area,
    pub(super) likely: &'a mut Map,
}

impl Kernel for Even<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let roughness = &self.roughness.row(row)[columns.clone()];
            for (likely, roughness) in self.likely.row_mut(row)[columns.clone()].iter_mut().zip(roughness) {
                let roughness = (u16::from(*roughness) * self.gain) >> 4;
                let even = 255_u16.saturating_sub(roughness.saturating_sub(EVEN).min(32) * EVEN_SLOPE);
                *likely = ((u16::from(*likely) * even + even) >> 8) as u8;
            }
        }
    }
}
