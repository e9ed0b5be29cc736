//! Sound while it runs: volumes and music.

use super::LivePusherHandle;

impl LivePusherHandle {
    /// How loud the microphone (or whatever the sound comes from) is in the stream: a factor from 0.0 to 2.0 (+6 dB),
    /// into which `volume` is clamped. 1.0. From the next 20 ms on; what is not a number changes nothing.
    ///
    /// Together with the music the sound may come over full scale: a limiter turns it down and nothing is clipped.
    pub fn set_mic_volume(&self, volume: f32) {
        self.inner.shared.controls.sound.mic_volume.set(volume);
    }

    /// How loud the background music is in the stream: as [`set_mic_volume`](Self::set_mic_volume).
    pub fn set_bgm_volume(&self, volume: f32) {
        self.inner.shared.controls.sound.bgm_volume.set(volume);
    }
}
