//! What is done to pictures on their way to the encoder.

use super::Builder;
use live_core::{BeautyStage, EffectError, VideoEffect};
use std::sync::Arc;

impl Builder {
    /// `beauty`: how much skin is smoothed, 0–9. 0: not at all, at no cost.
    #[must_use]
    pub fn beauty(mut self, level: u8) -> Self {
        self.config.beauty = level.into();
        self
    }

    /// `whiteness`: how much skin is brightened, 0–9. 0: not at all, at no cost.
    #[must_use]
    pub fn whiteness(mut self, level: u8) -> Self {
        self.config.whiteness = level.into();
        self
    }

    /// `zoom`: whether [`set_zoom`](crate::LivePusherHandle::set_zoom) may change the zoom. `false`.
    #[must_use]
    pub fn zoom(mut self, zoom: bool) -> Self {
        self.config.zoom = zoom;
        self
    }

    /// Adds an effect that `make` makes, once for each session, on the thread that applies it.
    ///
    /// Effects are applied in the order they were added, after beauty. One that fails five times in a row is left out for
    /// the rest of the session, which is told as code 1105, `NAME → none`.
    #[must_use]
    pub fn video_effect<E: VideoEffect + 'static>(
        mut self,
        make: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self {
        self.effects.effects.push(Arc::new(move || Box::new(make())));
        self
    }

    /// Prefers the beauty stage that `make` makes to those added later and to those that are built in: `skin`, and the
    /// plainer and cheaper `plain`.
    ///
    /// It is made when a level over 0 is needed for the first time in a session, on the thread that applies it. A stage
    /// that cannot be made, fails on three pictures in a row, or is why the frame rate cannot be held for two seconds,
    /// gives way to the next one, in the end to none: code 1105, with both names and the reason.
    #[must_use]
    pub fn beauty_stage<S: BeautyStage + 'static>(
        mut self,
        make: impl Fn() -> Result<S, EffectError> + Send + Sync + 'static,
    ) -> Self {
        self.effects.stages.push(Arc::new(move || Ok(Box::new(make()?))));
        self
    }
}
