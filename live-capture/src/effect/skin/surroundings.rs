//! What skin looks like around each place: a coarse grid over the picture.

use crate::effect::half::Map;
use crate::effect::retouch::Strength;
use crate::effect::window::Area;
use live_core::{I420, Plane};

/// Side of a cell at half size: 16 pixels.
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
    fn add(&mut self, other: Self, sign: f32) {
        self.weight += sign * other.weight;
        self.luma += sign * other.luma;
        self.red += sign * other.red;
        self.hue += sign * other.hue;
    }
}

/// The grid, and what follows from it for each column of a row of cells.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    across: usize,
    down: usize,
    cells: Vec<Sum>,
    blurred: Vec<Sum>,
    present: Vec<bool>,
    width: usize,
    height: usize,
    dark: Vec<u8>,
    slope: Vec<u8>,
    hue: Vec<u16>,
    gain: u16,
    ceiling: Vec<u8>,
}

impl Surroundings {
    pub(super) fn look(&mut self, luma: &Map, colour: &Map, picture: &I420, strength: Strength) {
        (self.width, self.height) = (luma.width, luma.height);
        (self.across, self.down) = (luma.width.div_ceil(CELL), luma.height.div_ceil(CELL));
        self.cells.clear();
        for down in 0..self.down {
            for across in 0..self.across {
                self.cells.push(cell(luma, colour, picture, across, down));
            }
        }
        self.find_present();
        self.gain = self.contrast_gain(f32::from(strength.black));
        let radius = (self.across.min(self.down) / 5).max(2);
        blur(&self.cells, &mut self.blurred, self.across, self.down, radius);
        self.spread(strength);
    }

    /// What brings contrasts on the picture's skin to those on skin as bright as [`USUAL`], in sixteenths: dark skin, and
    /// skin in the dark, has fainter features.
    fn contrast_gain(&self, black: f32) -> u16 {
        let (weight, luma) =
            self.cells.iter().fold((0.0, 0.0), |(w, l), cell| (w + cell.weight, l + cell.luma));
        let over_black = (luma / f32::max(weight, 0.1) - black).max(1.0);
        (16.0 * (USUAL / over_black).clamp(1.0, 3.0)) as u16
    }

    /// That gain.
    pub(super) const fn gain(&self) -> u16 {
        self.gain
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

fn cell(luma: &Map, colour: &Map, picture: &I420, across: usize, down: usize) -> Sum {
    let columns = across * CELL..((across + 1) * CELL).min(luma.width);
    let (mut weight, mut of_luma, mut of_red, mut of_blue) = (0_u32, 0_u32, 0_u32, 0_u32);
    for row in LOOKED_AT.map(|row| (down * CELL + row).min(luma.height - 1)) {
        let part = |row: &[u8]| -> [u8; CELL] {
            let mut part = [0; CELL];
            part[..columns.len()].copy_from_slice(&row[columns.clone()]);
            part
        };
        let (colour, luma) = (part(colour.row(row)), part(luma.row(row)));
        let (blue, red) = (part(picture.row(Plane::U, row)), part(picture.row(Plane::V, row)));
        let weighted = |values: [u8; CELL]| -> u32 {
            colour.into_iter().zip(values).map(|(colour, value)| u32::from(colour) * u32::from(value)).sum()
        };
        weight += weighted([1; CELL]);
        of_luma += weighted(luma);
        of_red += weighted(red);
        of_blue += weighted(blue);
    }
    if weight == 0 {
        return Sum::default();
    }
    // Bright skin counts for more than dark hair of the same colour.
    let each = of_luma as f32 / weight as f32 / 128.0 / (LOOKED_AT.len() * columns.len()) as f32;
    let [weight, luma, red, blue] = [weight, of_luma, of_red, of_blue].map(|sum| sum as f32 * each);
    Sum { weight, luma, red, hue: red + blue }
}

/// Sums over squares of cells, twice, so that what is near counts most.
fn blur(cells: &[Sum], blurred: &mut Vec<Sum>, across: usize, down: usize, radius: usize) {
    blurred.clear();
    blurred.extend_from_slice(cells);
    let mut line = Vec::with_capacity(across.max(down));
    for _ in 0..2 {
        for row in 0..down {
            run(blurred, row * across, 1, across, radius, &mut line);
        }
        for column in 0..across {
            run(blurred, column, across, down, radius, &mut line);
        }
    }
}

/// Sums over a window that slides along one line of the grid.
fn run(sums: &mut [Sum], start: usize, step: usize, count: usize, radius: usize, line: &mut Vec<Sum>) {
    line.clear();
    line.extend((0..count).map(|place| sums[start + place * step]));
    let mut sum = Sum::default();
    line.iter().take(radius).for_each(|entering| sum.add(*entering, 1.0));
    for place in 0..count {
        if let Some(entering) = line.get(place + radius) {
            sum.add(*entering, 1.0);
        }
        if let Some(leaving) = place.checked_sub(radius + 1) {
            sum.add(line[leaving], -1.0);
        }
        sums[start + place * step] = sum;
    }
}
