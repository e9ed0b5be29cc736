//! The plainer beauty stage.

use super::half::{Halve, Map};
use super::retouch::{Maps, Rows, Strength};
use super::tone::SkinTone;
use live_core::{
    BeautyLevels, BeautyStage, Color, EffectError, I420, PicturePool, Plane, VideoEffect, VideoFrame,
};

/// Smooths and brightens whatever has the colour of skin.
///
/// It is for processors that have no time for the [`SkinStage`](super::SkinStage): only the finest detail goes, and hair or wood
/// of the colour of skin is brightened too.
#[derive(Debug, Default)]
pub struct PlainStage {
    levels: BeautyLevels,
    tone: Option<(Color, SkinTone)>,
    luma: Map,
    skin: Map,
    ceiling: Vec<u8>,
    rows: Rows,
}

impl PlainStage {
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
        Halve { picture, tone, luma: &mut self.luma, skin: &mut self.skin }.now();
        // What the red of most skin leaves.
        self.ceiling.clear();
        self.ceiling.resize(self.skin.width, strength.white - 12);
        let maps = Maps { smooth: &self.luma, skin: &self.skin, ceiling: &self.ceiling };
        let (stride, last) = (picture.stride(Plane::Y), self.skin.height - 1);
        let (width, height) = picture.plane_size(Plane::Y);
        let [luma, ..] = picture.planes_mut();
        for row in 0..height {
            let near = row / 2;
            let far = if row % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last) };
            self.rows.retouch(&mut luma[row * stride..][..width], maps, near, far, strength);
        }
    }
}

impl VideoEffect for PlainStage {
    fn name(&self) -> &str {
        "plain"
    }

    fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) -> Result<(), EffectError> {
        if !self.levels.is_none() {
            let color = frame.color;
            self.retouch(frame.make_i420(pool), color);
        }
        Ok(())
    }
}

impl BeautyStage for PlainStage {
    fn set_levels(&mut self, levels: BeautyLevels) {
        self.levels = levels;
    }
}
