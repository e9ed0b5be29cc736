//! The preferred beauty stage.

mod signs;
mod surroundings;

use super::retouch::{Maps, Retouch, Strength};
use super::shrink::{Map, Small};
use super::tone::SkinTone;
use super::window::{self, Area, WindowMean};
use live_core::pixels::simd::{self, Kernel};
use live_core::{BeautyLevels, BeautyStage, Color, EffectError, I420, PicturePool, VideoEffect, VideoFrame};
use signs::{Even, Likely, Unevenness};
use surroundings::Surroundings;

/// Smooths and brightens skin, and tells skin from what only has its colour.
///
/// A place is skin by its colour; by not being much darker than the skin around it, as hair, brows and pupils are; by
/// being neither redder nor yellower than that, as lips and hair are; by having luma around it that is even, as strands,
/// lashes and the edges of a face have not; and by having more skin near by. Smoothing takes away from it what
/// differs from the mean of the skin around it by too little for a feature. What is skin follows the pictures
/// slowly, so that it does not flicker.
#[derive(Debug, Default)]
pub struct SkinStage {
    levels: BeautyLevels,
    tone: Option<(Color, SkinTone)>,
    small: Small,
    surroundings: Surroundings,
    likely: Map,
    smooth: Map,
    uneven: Map,
    roughness: Map,
    skin: Map,
    /// `skin` of the picture before; of another size when there is none.
    before: Map,
    window: WindowMean,
    retouch: Retouch,
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
        self.small.look(picture, tone);
        self.surroundings.look(&self.small, strength);
        let Some(area) = self.surroundings.area() else {
            self.before.resize(0, 0);
            return;
        };
        let strength = strength.for_contrast(self.surroundings.gain());
        self.find_skin(&area, Reach::of(picture, self.small.factor), strength);
        let Self { small, smooth, skin, surroundings, retouch, .. } = self;
        let smooth = if strength.smooths() { smooth } else { &small.luma };
        let maps = Maps { factor: small.factor, luma: &small.luma, smooth, skin };
        retouch.apply(picture, maps, &area, |row| surroundings.ceiling(row), strength);
    }

    /// Fills `smooth` within `area`, if it is needed, and `skin`, which is blank everywhere else.
    fn find_skin(&mut self, area: &Area, reach: Reach, strength: Strength) {
        let Reach { smooth, detail, rough, soft } = reach;
        let Self { small, surroundings, likely, window, .. } = self;
        let (luma, gain) = (&small.luma, surroundings.gain());
        for map in [likely, &mut self.smooth, &mut self.uneven, &mut self.roughness, &mut self.skin] {
            map.resize(luma.width, luma.height);
        }
        let likely = &mut self.likely;
        simd::run(Likely { small, surroundings, area, likely });
        // Only skin counts, so that neither hair nor background bleeds into the edge of a face.
        if strength.smooths() {
            window.weighted(luma, likely, smooth, area, &mut self.smooth);
        }
        let uneven = &mut self.uneven;
        simd::run(Unevenness { luma, detail, slack: 0, adds: false, area, uneven });
        // The features of large faces are wider, and so is the shading of small ones.
        let slack = (8.0 + 600.0 * (LARGE_FACE - surroundings.cover())).max(8.0) as u8;
        simd::run(Unevenness { luma, detail: 2 * detail, slack, adds: true, area, uneven });
        window.apply(&self.uneven, rough, area, &mut self.roughness);
        simd::run(Even { roughness: &self.roughness, gain, area, likely });
        self.skin.clear();
        window.apply(likely, soft, area, &mut self.skin);
        if (self.before.width, self.before.height) == (luma.width, luma.height) {
            simd::run(Steady { before: &self.before, area, skin: &mut self.skin });
        }
        self.before.clone_from(&self.skin);
    }
}

/// A picture with this share of skin shows a face near by.
const LARGE_FACE: f32 = 0.18;

/// How far is looked, in places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    /// For the mean that stays when detail goes: blotches are smaller.
    smooth: usize,
    /// For what a place is compared with: strands and lashes are not wider.
    detail: usize,
    /// For whether a place has an edge beside it.
    rough: usize,
    /// For the border between skin and the rest.
    soft: usize,
}

impl Reach {
    /// Grows with the picture, as faces do: at 720p 3 × 3 places of four pixels are smoothed over.
    fn of(picture: &I420, factor: usize) -> Self {
        let short = picture.width().min(picture.height()) as usize;
        let smooth = (short / if factor == 4 { 480 } else { 180 }).clamp(1, window::MOST);
        let half = (smooth / 2).max(1);
        Self { smooth, detail: half, rough: smooth.min(4 / factor).max(half), soft: half }
    }
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

/// Follows the picture before slowly, and in small steps not at all: noise moves borders of skin to and fro, and brightened
/// skin would show it.
struct Steady<'a> {
    before: &'a Map,
    area: &'a Area,
    skin: &'a mut Map,
}

/// Up to this change, in 255ths, a place stays what it was.
const STILL: u8 = 16;
/// Over this something has moved, and is followed faster.
const MOVED: u8 = 64;

impl Kernel for Steady<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let before = &self.before.row(row)[columns.clone()];
            for (skin, before) in self.skin.row_mut(row)[columns.clone()].iter_mut().zip(before) {
                let change = skin.abs_diff(*before);
                let step = (change.saturating_sub(STILL) / 4).max(change.saturating_sub(MOVED) / 2);
                *skin = if *skin > *before { *before + step } else { *before - step };
            }
        }
    }
}
