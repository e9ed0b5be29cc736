//! What the application says and the session's threads read, at any time.

use crate::volume::Volume;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The application's wishes. They outlive sessions, but for the pause.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    muted: AtomicBool,
    in_background: AtomicBool,
    background_mute: AtomicBool,
    paused: AtomicBool,
    pub(crate) volume: Volume,
}

impl Controls {
    pub(crate) fn new(muted: bool, background_mute: bool) -> Self {
        Self { muted: muted.into(), background_mute: background_mute.into(), ..Self::default() }
    }

    pub(crate) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Relaxed);
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.muted.load(Relaxed)
    }

    pub(crate) fn set_background(&self, background: bool) {
        self.in_background.store(background, Relaxed);
    }

    pub(crate) fn is_in_background(&self) -> bool {
        self.in_background.load(Relaxed)
    }

    /// Follows the session's state: written under its lock.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Relaxed);
    }

    /// Whether picture and sound stand still.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Relaxed)
    }

    /// What sound is multiplied by: the volume, or nothing.
    pub(crate) fn gain(&self) -> f32 {
        if self.is_silent() { 0.0 } else { self.volume.get() }
    }

    /// Whether silence is to be heard in place of the sound.
    fn is_silent(&self) -> bool {
        self.is_muted() || (self.is_in_background() && self.background_mute.load(Relaxed))
    }
}
