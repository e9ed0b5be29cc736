//! What skin looks like around each place: a coarse grid over the picture.

use crate::effect::retouch::Strength;
use crate::effect::shrink::Small;
use crate::effect::window::Area;
use live_core::pixels::simd::{self, Kernel};

/// Side of a cell, in places: 16 or 32 pixels.
const CELL: usize = 8;

/// Rows of a cell that are looked at; the others say the same.
const LOOKED_AT: [usize; 2] = [2, 6];

/// A cell with less skin than this, in 255ths of its size, has none: a button, noise.
const LEAST: f32 = 40.0;

/// Up to this share of the luma of the skin around it a place is hair or shadow, and from the second on it may be skin.
const DARK: f32 = 0.6;
const BRIGHT: f32 = 0.88;

/// Luma over black of light skin in ordinary light, which thresholds of contrast are meant for, in code values.
const USUAL: f32 = 130.0;

/// Luma that Cr takes off the ceiling, per code value: red shall not leave the range of R′G′B′. It would take 1.4, but
/// brightening also takes colour away.
const RED: f32 = 0.6;

/// Sums over a cell or many.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    weight: f32,
    luma: f32,
    red: f32,
    hue: f32,
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.weight += other.weight;
        self.luma += other.luma;
        self.red += other.red;
        self.hue += other.hue;
    }

    #[inline(always)]
    fn take_off(&mut self, other: Self) {
        self.weight -= other.weight;
        self.luma -= other.luma;
        self.red -= other.red;
        self.hue -= other.hue;
    }
}

/// The grid, and what follows from it for each column of a row of cells.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    across: usize,
    down: usize,
    cells: Vec<Sum>,
    blurred: Vec<Sum>,
    blur: Blur,
    present: Vec<bool>,
    width: usize,
    height: usize,
    dark: Vec<u8>,
    slope: Vec<u8>,
    hue: Vec<u16>,
    gain: u16,
    cover: f32,
    ceiling: Vec<u8>,
}

impl Surroundings {
    pub(super) fn look(&mut self, small: &Small, strength: Strength) {
        let luma = &small.luma;
        (self.width, self.height) = (luma.width, luma.height);
        (self.across, self.down) = (luma.width.div_ceil(CELL), luma.height.div_ceil(CELL));
        simd::run(Look { small, across: self.across, down: self.down, cells: &mut self.cells });
        self.find_present();
        self.sum_up(f32::from(strength.black));
        let radius = (self.across.min(self.down) / 5).max(2);
        self.blurred.clone_from(&self.cells);
        self.blur.apply(&mut self.blurred, self.across, radius);
        self.spread(strength);
    }

    /// What there is in the whole picture.
    fn sum_up(&mut self, black: f32) {
        let mut all = Sum::default();
        self.cells.iter().for_each(|cell| all.add(*cell));
        let over_black = (all.luma / all.weight.max(0.1) - black).max(1.0);
        self.gain = (16.0 * (USUAL / over_black).clamp(1.0, 3.0)) as u16;
        self.cover = all.weight / 255.0 / self.cells.len() as f32;
    }

    /// What brings contrasts on the picture's skin to those on skin as bright as [`USUAL`], in sixteenths: dark skin, and
    /// skin in the dark, has fainter features.
    pub(super) const fn gain(&self) -> u16 {
        self.gain
    }

    /// The share of the picture that is skin. It tells how large faces are.
    pub(super) const fn cover(&self) -> f32 {
        self.cover
    }

    /// Cells that have skin, and their neighbours.
    fn find_present(&mut self) {
        self.present.clear();
        self.present.resize(self.cells.len(), false);
        for down in 0..self.down {
            for across in 0..self.across {
                if self.cells[down * self.across + across].weight < LEAST {
                    continue;
                }
                for row in down.saturating_sub(1)..(down + 2).min(self.down) {
                    let row = row * self.across;
                    self.present[row + across.saturating_sub(1)..row + (across + 2).min(self.across)]
                        .fill(true);
                }
            }
        }
    }

    /// The smallest area that holds all skin; `None` when there is none.
    pub(super) fn area(&self) -> Option<Area> {
        let mut area: Option<Area> = None;
        for (cell, _) in self.present.iter().enumerate().filter(|(_, present)| **present) {
            let (across, down) = (cell % self.across, cell / self.across);
            let area = area.get_or_insert(Area { columns: across..across, rows: down..down });
            area.columns = area.columns.start.min(across)..area.columns.end.max(across + 1);
            area.rows = area.rows.start.min(down)..area.rows.end.max(down + 1);
        }
        area.map(|Area { columns, rows }| Area {
            columns: columns.start * CELL..(columns.end * CELL).min(self.width),
            rows: rows.start * CELL..(rows.end * CELL).min(self.height),
        })
    }

    fn spread(&mut self, strength: Strength) {
        let (black, white) = (f32::from(strength.black), f32::from(strength.white));
        for column in [&mut self.dark, &mut self.slope, &mut self.ceiling] {
            column.resize(self.down * self.width, 0);
        }
        self.hue.resize(self.down * self.width, 0);
        for (place, sum) in self.blurred.iter().enumerate() {
            let mean = |of: f32, none: f32| if sum.weight > 0.1 { of / sum.weight } else { none };
            let (luma, red, hue) = (mean(sum.luma, black), mean(sum.red, 128.0), mean(sum.hue, 256.0));
            let present = self.present[place];
            let over_black = (luma - black).max(20.0);
            // Where there is no skin a place cannot be bright enough.
            let dark = if present { black + DARK * over_black } else { 255.0 };
            let slope = 255.0 / ((BRIGHT - DARK) * over_black);
            let ceiling = white - RED * (red - 128.0).max(0.0);
            let (down, across) = (place / self.across, place % self.across);
            let columns = across * CELL..((across + 1) * CELL).min(self.width);
            let columns = down * self.width + columns.start..down * self.width + columns.end;
            self.dark[columns.clone()].fill(dark as u8);
            self.slope[columns.clone()].fill(slope as u8);
            self.hue[columns.clone()].fill(hue.round() as u16);
            self.ceiling[columns].fill(ceiling as u8);
        }
    }

    #[inline(always)]
    fn row<'a, T>(&self, values: &'a [T], row: usize) -> &'a [T] {
        &values[row / CELL * self.width..][..self.width]
    }

    /// For each place of a row: luma that is too dark for skin, and how steeply skin begins above it.
    #[inline(always)]
    pub(super) fn darkness(&self, row: usize) -> (&[u8], &[u8]) {
        (self.row(&self.dark, row), self.row(&self.slope, row))
    }

    /// For each place of a row: Cb + Cr of the skin around it. It says how red skin is, as `v` − `u` of its
    /// [tone](crate::effect::tone).
    #[inline(always)]
    pub(super) fn hue(&self, row: usize) -> &[u16] {
        self.row(&self.hue, row)
    }

    /// For each place of a row: the luma that stands for white.
    #[inline(always)]
    pub(super) fn ceiling(&self, row: usize) -> &[u8] {
        self.row(&self.ceiling, row)
    }
}

/// Sums up the cells.
struct Look<'a> {
    small: &'a Small,
    across: usize,
    down: usize,
    cells: &'a mut Vec<Sum>,
}

impl Kernel for Look<'_> {
    #[inline(always)]
    fn run(self) {
        let Small { luma, blue, red, skin, .. } = self.small;
        self.cells.clear();
        for down in 0..self.down {
            let rows = LOOKED_AT.map(|row| {
                let row = (down * CELL + row).min(luma.height - 1);
                [skin, luma, red, blue].map(|map| map.row(row))
            });
            for across in 0..self.across {
                self.cells.push(cell(rows, across));
            }
        }
    }
}

/// The sum over a cell, from the rows that are looked at: of skin, luma, Cr and Cb.
#[inline(always)]
fn cell(rows: [[&[u8]; 4]; LOOKED_AT.len()], across: usize) -> Sum {
    let start = across * CELL;
    let mut sums = [0_u32; 4];
    let mut width = CELL;
    for row in rows {
        let [skin, luma, red, blue] = row.map(|values| {
            values[start..].first_chunk::<CELL>().copied().unwrap_or_else(|| {
                // What is beyond the edge is no skin.
                let mut part = [0; CELL];
                width = values.len() - start;
                part[..width].copy_from_slice(&values[start..]);
                part
            })
        });
        for (sum, values) in sums.iter_mut().zip([[1; CELL], luma, red, blue]) {
            // Eight products of bytes.
            let products = skin.iter().zip(values).map(|(skin, value)| u32::from(*skin) * u32::from(value));
            *sum += products.sum::<u32>();
        }
    }
    let [weight, luma, red, blue] = sums.map(|sum| sum as f32);
    if weight == 0.0 {
        return Sum::default();
    }
    // Bright skin counts for more than dark hair of the same colour.
    let each = luma / weight / 128.0 / (LOOKED_AT.len() * width) as f32;
    Sum { weight: weight * each, luma: luma * each, red: red * each, hue: (red + blue) * each }
}

/// Sums over squares of cells, twice, so that what is near counts most.
#[derive(Clone, Debug, Default)]
struct Blur {
    from: Vec<Sum>,
    sums: Vec<Sum>,
}

impl Blur {
    fn apply(&mut self, grid: &mut [Sum], across: usize, radius: usize) {
        for _ in 0..2 {
            for row in grid.chunks_exact_mut(across) {
                self.slide(row, 1, radius);
            }
            self.slide(grid, across, radius);
        }
    }

    /// Slides a window along, `width` cells wide; what is beyond the edges counts nothing.
    fn slide(&mut self, grid: &mut [Sum], width: usize, radius: usize) {
        self.from.clear();
        self.from.extend_from_slice(grid);
        self.sums.clear();
        self.sums.resize(width, Sum::default());
        let line = |at: usize| self.from.chunks_exact(width).nth(at).unwrap_or_default();
        for at in 0..radius {
            self.sums.iter_mut().zip(line(at)).for_each(|(sum, entering)| sum.add(*entering));
        }
        for (at, to) in grid.chunks_exact_mut(width).enumerate() {
            self.sums.iter_mut().zip(line(at + radius)).for_each(|(sum, entering)| sum.add(*entering));
            if let Some(leaving) = at.checked_sub(radius + 1) {
                self.sums.iter_mut().zip(line(leaving)).for_each(|(sum, leaving)| sum.take_off(*leaving));
            }
            to.copy_from_slice(&self.sums);
        }
    }
}
