//! The preferred beauty stage.

use super::half::{Halve, Map};
use super::retouch::{Maps, Rows, Strength};
use super::tone::SkinTone;
use super::window::{self, Area, WindowMean};
use live_core::pixels::simd::{self, Kernel};
use live_core::{
    BeautyLevels, BeautyStage, Color, EffectError, I420, PicturePool, Plane, VideoEffect, VideoFrame,
};

mod surroundings;
use surroundings::Surroundings;

/// Smooths and brightens skin, and tells skin from what only has its colour.
///
/// Four things make a place skin: its colour; that it is not much darker than the skin around it, as hair, brows and
/// pupils are; that luma around it is even, as strands, lashes and the edges of a face are not; and that there is more
/// skin near by. Smoothing takes detail away from it that is too faint for a feature.
#[derive(Debug, Default)]
pub struct SkinStage {
    levels: BeautyLevels,
    tone: Option<(Color, SkinTone)>,
    luma: Map,
    colour: Map,
    surroundings: Surroundings,
    smooth: Map,
    uneven: Map,
    roughness: Map,
    skin: Map,
    window: WindowMean,
    rows: Rows,
}

impl SkinStage {
    /// With both levels at 0. Memory is taken with the first picture.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn retouch(&mut self, picture: &mut I420, color: Color) {
        if self.tone.as_ref().is_none_or(|(of, _)| *of != color) {
            self.tone = Some((color, SkinTone::of(color)));
        }
        let Some((_, tone)) = &self.tone else { return };
        let strength = Strength::of(self.levels, color);
        Halve { picture, tone, luma: &mut self.luma, skin: &mut self.colour }.now();
        self.surroundings.look(&self.luma, &self.colour, picture, strength);
        let Some(area) = self.surroundings.area() else { return };
        self.find_skin(&area, radius(picture));
        let (stride, last) = (picture.stride(Plane::Y), self.skin.height - 1);
        let (width, height) = picture.plane_size(Plane::Y);
        let maps = |row: usize| Maps {
            smooth: &self.smooth,
            skin: &self.skin,
            ceiling: self.surroundings.ceiling(row),
        };
        let [luma, ..] = picture.planes_mut();
        for row in 2 * area.rows.start..(2 * area.rows.end).min(height) {
            let near = row / 2;
            let far = if row % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last) };
            self.rows.retouch(&mut luma[row * stride..][..width], maps(near), near, far, strength);
        }
    }

    /// Fills `smooth` and `skin` within `area`; `skin` is blank everywhere else.
    fn find_skin(&mut self, area: &Area, radius: usize) {
        let (width, height) = (self.luma.width, self.luma.height);
        for map in [&mut self.smooth, &mut self.uneven, &mut self.roughness, &mut self.skin] {
            map.resize(width, height);
        }
        self.window.apply(&self.luma, radius, area, &mut self.smooth);
        simd::run(Unevenness { luma: &self.luma, smooth: &self.smooth, area, uneven: &mut self.uneven });
        // Near an edge only: what is smoothed should reach up to it.
        self.window.apply(&self.uneven, radius.div_ceil(2), area, &mut self.roughness);
        let roughness = &self.roughness;
        let found = &mut self.uneven;
        simd::run(Decide {
            luma: &self.luma,
            colour: &self.colour,
            roughness,
            surroundings: &self.surroundings,
            area,
            found,
        });
        for row in 0..height {
            self.skin.row_mut(row).fill(0);
        }
        self.window.apply(found, 1, area, &mut self.skin);
    }
}

/// Half of a window's side at half size: 9 × 9 samples, 17 × 17 pixels of a 720p picture.
fn radius(picture: &I420) -> usize {
    let short = picture.width().min(picture.height()) as usize;
    (short + 90).div_euclid(180).clamp(1, window::MOST)
}

impl VideoEffect for SkinStage {
    fn name(&self) -> &str {
        "skin"
    }

    fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) -> Result<(), EffectError> {
        if !self.levels.is_none() {
            let color = frame.color;
            self.retouch(frame.make_i420(pool), color);
        }
        Ok(())
    }
}

impl BeautyStage for SkinStage {
    fn set_levels(&mut self, levels: BeautyLevels) {
        self.levels = levels;
    }
}

/// How far luma is from its mean, in quarters of a code value.
struct Unevenness<'a> {
    luma: &'a Map,
    smooth: &'a Map,
    area: &'a Area,
    uneven: &'a mut Map,
}

impl Kernel for Unevenness<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let pairs =
                self.luma.row(row)[columns.clone()].iter().zip(&self.smooth.row(row)[columns.clone()]);
            for (uneven, (luma, smooth)) in self.uneven.row_mut(row)[columns.clone()].iter_mut().zip(pairs) {
                *uneven = luma.abs_diff(*smooth).min(63) << 2;
            }
        }
    }
}

/// Skin is even up to this mean deviation, in quarters of a code value …
const EVEN: u8 = 20;
/// … and 32 of them, times this slope, further on it is something else.
const SLOPE: u8 = 8;

/// Puts the signs of skin together.
struct Decide<'a> {
    luma: &'a Map,
    colour: &'a Map,
    roughness: &'a Map,
    surroundings: &'a Surroundings,
    area: &'a Area,
    found: &'a mut Map,
}

impl Kernel for Decide<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let (dark, slope) = self.surroundings.darkness(row);
            let (dark, slope) = (&dark[columns.clone()], &slope[columns.clone()]);
            let luma = &self.luma.row(row)[columns.clone()];
            let colour = &self.colour.row(row)[columns.clone()];
            let roughness = &self.roughness.row(row)[columns.clone()];
            let found = &mut self.found.row_mut(row)[columns.clone()];
            let signs = luma.iter().zip(dark).zip(slope).zip(colour).zip(roughness);
            for (found, ((((luma, dark), slope), colour), roughness)) in found.iter_mut().zip(signs) {
                let bright = (u16::from(luma.saturating_sub(*dark)) * u16::from(*slope)).min(255);
                let even = 255 - u16::from(roughness.saturating_sub(EVEN).min(31)) * u16::from(SLOPE);
                let both = (bright * even) >> 8;
                *found = ((both * u16::from(*colour)) >> 8) as u8;
            }
        }
    }
}
