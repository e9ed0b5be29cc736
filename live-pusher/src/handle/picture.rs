//! The picture, while it runs.

use super::LivePusherHandle;
use live_core::config::{Mistake, PusherConfig};
use live_core::pixels::fit::ZOOM;
use std::sync::atomic::Ordering::Relaxed;

impl LivePusherHandle {
    /// `beauty`: how much skin is smoothed, 0–9, from the next picture on. At 0, with [whiteness](Self::set_whiteness) at 0
    /// too, the stage is skipped and costs nothing.
    ///
    /// # Errors
    /// The level is over 9; nothing is changed.
    pub fn set_beauty(&self, level: u8) -> Result<(), Mistake> {
        allowed("beauty", level)?;
        self.inner.shared.controls.picture.beauty.store(level, Relaxed);
        Ok(())
    }

    /// The level of smoothing.
    #[must_use]
    pub fn beauty(&self) -> u8 {
        self.inner.shared.controls.picture.beauty.load(Relaxed)
    }

    /// `whiteness`: how much skin is brightened, 0–9, from the next picture on. At 0, with [beauty](Self::set_beauty) at 0
    /// too, the stage is skipped and costs nothing.
    ///
    /// # Errors
    /// The level is over 9; nothing is changed.
    pub fn set_whiteness(&self, level: u8) -> Result<(), Mistake> {
        allowed("whiteness", level)?;
        self.inner.shared.controls.picture.whiteness.store(level, Relaxed);
        Ok(())
    }

    /// The level of brightening.
    #[must_use]
    pub fn whiteness(&self) -> u8 {
        self.inner.shared.controls.picture.whiteness.load(Relaxed)
    }

    /// `mirror`: whether receivers get a mirrored picture, from the next picture on.
    pub fn set_mirror(&self, mirror: bool) {
        self.inner.shared.controls.picture.mirror.store(mirror, Relaxed);
    }

    /// Whether receivers get a mirrored picture.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.inner.shared.controls.picture.mirror.load(Relaxed)
    }

    /// Shows the middle of the picture, `factor` times as large, from the next picture on: 1.0 (all of it) to 5.0.
    ///
    /// The zoom is digital: it cuts out and scales, so detail that the source did not see does not appear.
    ///
    /// # Errors
    /// The attribute `zoom` is `false`, or the factor is out of range; nothing is changed.
    pub fn set_zoom(&self, factor: f32) -> Result<(), Mistake> {
        let controls = &self.inner.shared.controls.picture;
        if !controls.zoomable.load(Relaxed) {
            return Err(Mistake::new("zoom", "must be true for the zoom to be changed"));
        }
        if !ZOOM.contains(&factor) {
            let problem = format!("expected a factor from {:.1} to {:.1}", ZOOM.start(), ZOOM.end());
            return Err(Mistake::new("zoom", problem).with_value(factor.to_string()));
        }
        controls.zoom.store(factor.to_bits(), Relaxed);
        Ok(())
    }

    /// How many times as large as the source sees it the middle of the picture is shown.
    #[must_use]
    pub fn zoom(&self) -> f32 {
        self.inner.shared.controls.picture.zoom_factor()
    }
}

/// The attribute's own check.
fn allowed(attribute: &str, level: u8) -> Result<(), Mistake> {
    let mut config = PusherConfig::default();
    config.set(attribute, &level.to_string())?;
    let mistakes = config.validate().err().map_or_else(Vec::new, |error| error.mistakes);
    // Others, such as the missing address, are not this one's.
    mistakes.into_iter().find(|mistake| mistake.attribute == attribute).map_or(Ok(()), Err)
}
