//! The preferred beauty stage.

mod signs;
mod surroundings;

use super::half::{Halve, Map};
use super::retouch::{Maps, Rows, Strength, pale};
use super::tone::SkinTone;
use super::window::{self, Area, WindowMean};
use live_core::pixels::simd::{self, Kernel};
use live_core::{
    BeautyLevels, BeautyStage, Color, EffectError, I420, PicturePool, Plane, VideoEffect, VideoFrame,
};
use signs::{Even, Likely, Unevenness};
use surroundings::Surroundings;

/// Smooths and brightens skin, and tells skin from what only has its colour.
///
/// A place is skin by its colour; by not being much darker than the skin around it, as hair, brows and pupils are; by
/// being neither redder nor yellower than that, as lips and hair are; by having luma around it that is even, as strands,
/// lashes and the edges of a face have not; and by having more skin near by. Smoothing takes away from it what
/// differs from the mean of the skin around it by too little for a feature. What is skin is averaged over the last
/// pictures, by halves, so that it does not flicker.
#[derive(Debug, Default)]
pub struct SkinStage {
    levels: BeautyLevels,
    tone: Option<(Color, SkinTone)>,
    surroundings: Surroundings,
    luma: Map,
    colour: Map,
    likely: Map,
    smooth: Map,
    uneven: Map,
    roughness: Map,
    skin: Map,
    /// `skin` of the picture before; of another size when there is none.
    before: Map,
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
        let Some(area) = self.surroundings.area() else {
            self.before.resize(0, 0);
            return;
        };
        let strength = strength.for_contrast(self.surroundings.gain());
        self.find_skin(&area, picture, strength);
        let (stride, chroma, last) =
            (picture.stride(Plane::Y), picture.stride(Plane::U), self.skin.height - 1);
        let (width, height) = picture.plane_size(Plane::Y);
        let [luma, blue, red] = picture.planes_mut();
        for row in 2 * area.rows.start..(2 * area.rows.end).min(height) {
            let near = row / 2;
            let far = if row % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last) };
            let maps =
                Maps { smooth: &self.smooth, skin: &self.skin, ceiling: self.surroundings.ceiling(near) };
            self.rows.retouch(&mut luma[row * stride..][..width], maps, near, far, strength);
        }
        if strength.lifts() {
            for plane in [blue, red] {
                simd::run(Pale { plane, stride: chroma, skin: &self.skin, area: &area, strength });
            }
        }
    }

    /// Fills `smooth` and `skin` within `area`; `skin` is blank everywhere else.
    fn find_skin(&mut self, area: &Area, picture: &I420, strength: Strength) {
        let (width, height) = (self.luma.width, self.luma.height);
        for map in [&mut self.likely, &mut self.smooth, &mut self.uneven, &mut self.roughness, &mut self.skin]
        {
            map.resize(width, height);
        }
        let Reach { smooth, detail, rough, soft } = Reach::of(picture);
        let Self { luma, colour, surroundings, likely, window, .. } = self;
        let gain = surroundings.gain();
        simd::run(Likely { luma, colour, picture, surroundings, area, likely });
        // Only skin counts, so that neither hair nor background bleeds into the edge of a face.
        if strength.smooths() {
            window.weighted(luma, likely, smooth, area, &mut self.smooth);
        }
        simd::run(Unevenness { luma, detail, area, uneven: &mut self.uneven });
        window.apply(&self.uneven, rough, area, &mut self.roughness);
        simd::run(Even { roughness: &self.roughness, gain, area, likely });
        self.skin.clear();
        window.apply(likely, soft, area, &mut self.skin);
        if (self.before.width, self.before.height) == (width, height) {
            simd::run(Steady { before: &self.before, area, skin: &mut self.skin });
        }
        self.before.clone_from(&self.skin);
    }
}

/// How far is looked, in places at half size.
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
    /// Grows with the picture, as faces do: at 720p 9 × 9 places, or 18 × 18 pixels, are smoothed over.
    fn of(picture: &I420) -> Self {
        let short = picture.width().min(picture.height()) as usize;
        let smooth = (short / 180).clamp(1, window::MOST);
        let half = (smooth / 2).max(1);
        Self { smooth, detail: half, rough: smooth.min(2).max(half), soft: half }
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

/// Meets the picture before half way: noise moves borders of skin to and fro, and brightened skin would show it.
struct Steady<'a> {
    before: &'a Map,
    area: &'a Area,
    skin: &'a mut Map,
}

impl Kernel for Steady<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let before = &self.before.row(row)[columns.clone()];
            for (skin, before) in self.skin.row_mut(row)[columns.clone()].iter_mut().zip(before) {
                *skin = ((u16::from(*skin) + u16::from(*before)) >> 1) as u8;
            }
        }
    }
}

/// Takes a little colour from skin that is brightened.
struct Pale<'a> {
    plane: &'a mut [u8],
    stride: usize,
    skin: &'a Map,
    area: &'a Area,
    strength: Strength,
}

impl Kernel for Pale<'_> {
    #[inline(always)]
    fn run(self) {
        let columns = &self.area.columns;
        for row in self.area.rows.clone() {
            let chroma = &mut self.plane[row * self.stride..][columns.clone()];
            pale(chroma, &self.skin.row(row)[columns.clone()], self.strength);
        }
    }
}
