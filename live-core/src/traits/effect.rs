//! What happens to a picture between source and encoder.

use crate::frame::{PicturePool, VideoFrame};
use std::fmt;
use std::ops::RangeInclusive;

/// An effect could not do its work on a picture.
#[derive(Debug, thiserror::Error)]
#[error("{effect}: {message}")]
pub struct EffectError {
    /// The effect's name.
    pub effect: String,
    /// What happened, in a sentence without the effect's name.
    pub message: String,
    /// The cause, where there is one.
    #[source]
    pub source: Option<crate::error::Source>,
}

impl EffectError {
    /// An error without a deeper cause.
    pub fn new(effect: impl Into<String>, message: impl Into<String>) -> Self {
        Self { effect: effect.into(), message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<crate::error::Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Changes pictures before they are encoded: a watermark, a filter, a blurred background.
///
/// **Where it runs.** On the encoder's worker thread, made and dropped there or before it; one picture at a time, in order. It
/// sees pictures as viewers get them: upright, cropped, scaled and mirrored. What it takes is taken from the encoder's
/// time, so at 30 pictures a second a few milliseconds are what there is; it should not wait for anything.
///
/// **How to write one.** Change the frame in place: [`VideoFrame::make_i420`] gives writable planes, also of a picture
/// that was on a GPU. Or put another [`Surface`](crate::Surface) there whose memory is from `pool`, which lends the same few
/// buffers again and again; the size has to stay what it was. Honour [`color`](VideoFrame::color) where sample values
/// mean something, and leave `pts` alone. Keep state in `self`; a session has an effect of its own.
///
/// **When it fails.** An error is about one picture, which goes on as the effect left it, and the next one is tried
/// again; an effect that fails several times in a row is left out from then on. One that must never be left out (say,
/// because it hides a face) has to end its error path with a picture that may be seen, a black one.
pub trait VideoEffect: Send {
    /// Its name, for events and logs.
    fn name(&self) -> &str;

    /// Changes one picture.
    ///
    /// # Errors
    /// This picture could not be changed.
    fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) -> Result<(), EffectError>;
}

/// How much a [`BeautyStage`] does: 0 is nothing, 9 is most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BeautyLevels {
    beauty: u8,
    whiteness: u8,
}

impl BeautyLevels {
    /// What a level may be.
    pub const ALLOWED: RangeInclusive<u8> = 0..=9;

    /// Nothing is changed.
    pub const NONE: Self = Self { beauty: 0, whiteness: 0 };

    /// Levels of smoothing and of brightening, each 0–9; more is 9.
    #[must_use]
    pub const fn new(beauty: u8, whiteness: u8) -> Self {
        const MOST: u8 = *BeautyLevels::ALLOWED.end();
        Self {
            beauty: if beauty > MOST { MOST } else { beauty },
            whiteness: if whiteness > MOST { MOST } else { whiteness },
        }
    }

    /// How much skin is smoothed, 0–9.
    #[must_use]
    pub const fn beauty(self) -> u8 {
        self.beauty
    }

    /// How much skin is brightened, 0–9.
    #[must_use]
    pub const fn whiteness(self) -> u8 {
        self.whiteness
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Prints `beauty 5, whiteness 0`.
impl fmt::Display for BeautyLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "beauty {}, whiteness {}", self.beauty, self.whiteness)
    }
}

/// An effect that smooths and brightens skin, by levels that change while it runs.
///
/// Everything said of [`VideoEffect`] holds. It is not asked for pictures while both levels are 0. A stage that fails, or
/// is too slow for the frame rate, is replaced by a plainer one, and that is told.
pub trait BeautyStage: VideoEffect {
    /// The levels from the next picture on.
    fn set_levels(&mut self, levels: BeautyLevels);
}
