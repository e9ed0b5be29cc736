//! Sound: volumes, rooms, effects.

use super::Builder;
use live_core::AudioEffect;
use live_core::config::Mistake;
use std::sync::Arc;
use std::time::Duration;

impl Builder {
    /// `enable-agc`: quiet voices are raised, loud ones lowered. `false`. Needs the feature `voice`.
    #[must_use]
    pub fn enable_agc(mut self, enable: bool) -> Self {
        self.config.enable_agc = enable;
        self
    }

    /// `enable-ans`: steady background noise is suppressed. `false`. Needs the feature `voice`.
    #[must_use]
    pub fn enable_ans(mut self, enable: bool) -> Self {
        self.config.enable_ans = enable;
        self
    }

    /// `audio-reverb-type`: the room the voice is put into, 0–7, as
    /// [`set_reverb`](crate::LivePusherHandle::set_reverb) lists them. 0: none.
    #[must_use]
    pub fn audio_reverb_type(mut self, room: u32) -> Self {
        self.config.audio_reverb_type = room;
        self
    }

    /// Adds an effect that `make` makes, once for each session, on the thread that applies it. Effects of the application
    /// come after noise suppression and gain and before the room, in the order they were added.
    #[must_use]
    pub fn audio_effect<E: AudioEffect + 'static>(
        mut self,
        make: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self {
        self.sound.effects.push(Arc::new(move || Box::new(make())));
        self
    }

    /// How often an event tells how loud the microphone is; `None` is never. As
    /// [`set_audio_volume_interval`](crate::LivePusherHandle::set_audio_volume_interval). Never.
    #[must_use]
    pub fn audio_volume_interval(mut self, interval: Option<Duration>) -> Self {
        self.volume_interval = interval;
        self
    }

    /// What this build cannot do to a voice.
    pub(super) fn missing_voice(&self) -> Vec<Mistake> {
        let asked = [("enable-agc", self.config.enable_agc), ("enable-ans", self.config.enable_ans)];
        let missing = asked.into_iter().filter(|(_, asked)| *asked && !cfg!(feature = "voice"));
        let mistake = |(name, _)| {
            Mistake::new(name, "this build lacks it: build live-pusher with its feature \"voice\"")
        };
        missing.map(mistake).collect()
    }
}
