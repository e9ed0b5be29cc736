//! What the application changes about the sound while it runs.

use super::music::Wishes;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// How loud a voice is, as a factor; read by the audio worker for each block.
#[derive(Debug)]
pub(crate) struct Volume(AtomicU32);

impl Volume {
    /// The loudest: +6 dB.
    pub(crate) const MOST: f32 = 2.0;

    /// Clamps into 0.0–2.0; what is not a number changes nothing.
    pub(crate) fn set(&self, volume: f32) {
        if !volume.is_nan() {
            self.0.store(volume.clamp(0.0, Self::MOST).to_bits(), Relaxed);
        }
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }
}

impl Default for Volume {
    fn default() -> Self {
        Self(AtomicU32::new(1.0_f32.to_bits()))
    }
}

/// The part of the controls that belongs to sound.
#[derive(Debug, Default)]
pub(crate) struct SoundControls {
    pub(crate) mic_volume: Volume,
    pub(crate) bgm_volume: Volume,
    pub(crate) music: Wishes,
    /// The session under way has no sound, and so no music.
    pub(crate) no_track: AtomicBool,
    /// `audio-reverb-type`, 0–7.
    pub(crate) reverb: AtomicU32,
    /// Between two volume events, in ms; 0: none.
    pub(crate) volume_interval: AtomicU32,
}
