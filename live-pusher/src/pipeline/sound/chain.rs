//! What happens to the microphone before it is mixed: noise suppression and gain, the application's effects, a room.

use super::controls::SoundControls;
use super::level::VolumeMeter;
use super::reverb::Reverb;
#[cfg(feature = "voice")]
use super::voice::VoiceStage;
use live_core::event::PusherEvent;
use live_core::{AudioEffect, AudioFrame, AudioSpec};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Makes an effect of the application, once for each session.
pub(crate) type MakeEffect = Arc<dyn Fn() -> Box<dyn AudioEffect> + Send + Sync>;

/// What a session's chain is made from.
#[derive(Clone, Default)]
pub(crate) struct ChainPlan {
    pub(crate) gain: bool,
    pub(crate) noise: bool,
    pub(crate) effects: Vec<MakeEffect>,
}

impl fmt::Debug for ChainPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gain, noise, effects } = self;
        f.debug_struct("ChainPlan")
            .field("gain", gain)
            .field("noise", noise)
            .field("effects", &effects.len())
            .finish()
    }
}

/// The stages of the microphone, in their order. What is off costs nothing.
pub(crate) struct VoiceChain {
    spec: AudioSpec,
    #[cfg(feature = "voice")]
    voice: Option<VoiceStage>,
    effects: Vec<Box<dyn AudioEffect>>,
    reverb: Reverb,
    meter: VolumeMeter,
}

impl VoiceChain {
    pub(crate) fn new(plan: &ChainPlan, spec: AudioSpec) -> Self {
        Self {
            spec,
            #[cfg(feature = "voice")]
            voice: VoiceStage::new(spec, plan.gain, plan.noise),
            effects: plan.effects.iter().map(|make| make()).collect(),
            reverb: Reverb::new(spec),
            meter: VolumeMeter::new(spec.sample_rate, spec.channels),
        }
    }

    /// Changes a block of 10 ms in place; gives the event of the volume meter when one is due.
    pub(crate) fn apply(&mut self, frame: &mut AudioFrame, controls: &SoundControls) -> Option<PusherEvent> {
        let length = frame.samples.len();
        #[cfg(feature = "voice")]
        if let Some(voice) = &mut self.voice {
            voice.apply(&mut frame.samples);
        }
        for effect in &mut self.effects {
            effect.apply(frame, self.spec);
            if frame.samples.len() != length {
                tracing::debug!(effect = effect.name(), "the effect changed the number of samples");
                frame.samples.resize(length, 0.0);
            }
        }
        self.reverb.apply(controls.reverb.load(Relaxed), &mut frame.samples);
        let interval = Duration::from_millis(controls.volume_interval.load(Relaxed).into());
        let level = self.meter.take(&frame.samples, interval)?;
        Some(PusherEvent::AudioVolume { volume: level.volume, dbfs: level.dbfs })
    }
}
