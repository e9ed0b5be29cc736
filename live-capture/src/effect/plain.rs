//! The plainer beauty stage.

use super::retouch::{Maps, Retouch, Strength};
use super::shrink::Small;
use super::tone::SkinTone;
use super::window::Area;
use live_core::{BeautyLevels, BeautyStage, Color, EffectError, I420, PicturePool, VideoEffect, VideoFrame};

/// Smooths and brightens whatever has the colour of skin.
///
/// It is for processors that have no time for the [`SkinStage`](super::SkinStage): only the finest detail goes, and hair or wood
/// of the colour of skin is brightened too.
#[derive(Debug, Default)]
pub struct PlainStage {
    levels: BeautyLevels,
    tone: Option<(Color, SkinTone)>,
    small: Small,
    ceiling: Vec<u8>,
    retouch: Retouch,
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
        self.small.look(picture, tone);
        let Small { factor, luma, skin, .. } = &self.small;
        let area = Area { columns: 0..skin.width, rows: 0..skin.height };
        // What the red of most skin leaves.
        self.ceiling.clear();
        self.ceiling.resize(skin.width, strength.white - 12);
        let maps = Maps { factor: *factor, luma, smooth: luma, skin };
        self.retouch.apply(picture, maps, &area, |_| &self.ceiling, strength);
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
