//! What makes a voice clearer: noise suppression and automatic gain, WebRTC's as the crate `sonora` has them.

use live_core::AudioSpec;
use sonora::config::{
    AdaptiveDigital, GainController2, MaxProcessingRate, NoiseSuppression, NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

/// Works on blocks of 10 ms.
pub(crate) struct VoiceStage {
    processing: AudioProcessing,
    /// One plane for each channel, in and out.
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
}

impl VoiceStage {
    /// `None` when there is nothing to do.
    pub(crate) fn new(spec: AudioSpec, gain: bool, noise: bool) -> Option<Self> {
        if !gain && !noise {
            return None;
        }
        let config = Config {
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                ..Pipeline::default()
            },
            noise_suppression: noise.then(|| NoiseSuppression {
                level: NoiseSuppressionLevel::High,
                ..NoiseSuppression::default()
            }),
            gain_controller2: gain.then(|| GainController2 {
                adaptive_digital: Some(AdaptiveDigital::default()),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let layout = StreamConfig::new(spec.sample_rate, spec.channels);
        let processing =
            AudioProcessing::builder().config(config).capture_config(layout).render_config(layout).build();
        let plane = vec![0.0; spec.sample_rate as usize / 100];
        let planes = vec![plane; usize::from(spec.channels)];
        Some(Self { processing, input: planes.clone(), output: planes })
    }

    /// Clears a block of interleaved samples in place; as it was when it cannot be.
    pub(crate) fn apply(&mut self, block: &mut [f32]) {
        let channels = self.input.len();
        for (index, frame) in block.chunks_exact(channels).enumerate() {
            for (plane, sample) in self.input.iter_mut().zip(frame) {
                plane[index] = *sample;
            }
        }
        let input: Vec<&[f32]> = self.input.iter().map(Vec::as_slice).collect();
        let mut output: Vec<&mut [f32]> = self.output.iter_mut().map(Vec::as_mut_slice).collect();
        if let Err(error) = self.processing.process_capture_f32(&input, &mut output) {
            tracing::debug!(%error, "the voice is left as it is");
            return;
        }
        for (index, frame) in block.chunks_exact_mut(channels).enumerate() {
            for (sample, plane) in frame.iter_mut().zip(&self.output) {
                *sample = plane[index];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

    fn noise(n: u64) -> f32 {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / 16_777_216.0 - 0.5
    }

    /// Syllables of a voice: a pitch of 150 Hz with overtones, four a second.
    fn voice(n: u64) -> f32 {
        let t = n as f32 / 48_000.0;
        let pitch = 150.0 + 20.0 * (t * 0.7).sin();
        let tone: f32 =
            (1..20).map(|k| (t * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum();
        let syllable = (t * 4.0 * std::f32::consts::PI).sin().max(0.0);
        tone * syllable * 0.5
    }

    /// The level in dB of the last two of `seconds`.
    fn level(stage: Option<VoiceStage>, seconds: u64, sound: impl Fn(u64) -> f32) -> f32 {
        let mut stage = stage;
        let (mut sum, mut count) = (0.0_f64, 0_u32);
        for block in 0..seconds * 100 {
            let mut samples: Vec<f32> = (0..480).map(|n| sound(block * 480 + n)).collect();
            if let Some(stage) = &mut stage {
                stage.apply(&mut samples);
            }
            if block >= (seconds - 2) * 100 {
                sum += samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
                count += 480;
            }
        }
        10.0 * (sum / f64::from(count)).log10() as f32
    }

    #[test]
    fn noise_is_suppressed_and_a_voice_is_not() {
        let hiss = |n| noise(n) * 0.05;
        let before = level(None, 6, hiss);
        let after = level(VoiceStage::new(MONO, false, true), 6, hiss);
        assert!(before - after > 10.0, "noise: {before:.1} to {after:.1} dB");
        let talk = |n| voice(n) * 0.3;
        let (before, after) = (level(None, 6, talk), level(VoiceStage::new(MONO, false, true), 6, talk));
        assert!(before - after < 4.0, "voice: {before:.1} to {after:.1} dB");
    }

    #[test]
    fn a_quiet_voice_is_raised_and_a_loud_one_does_not_clip() {
        let quiet = |n| voice(n) * 0.01;
        let (before, after) = (level(None, 15, quiet), level(VoiceStage::new(MONO, true, false), 15, quiet));
        assert!(after - before > 6.0, "{before:.1} to {after:.1} dB");
        let mut stage = VoiceStage::new(MONO, true, false).unwrap();
        for block in 0..500 {
            let mut samples: Vec<f32> = (0..480).map(|n| voice(block * 480 + n)).collect();
            stage.apply(&mut samples);
            assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
        }
    }

    #[test]
    fn it_works_at_both_qualities_and_with_two_channels() {
        for spec in
            [AudioSpec { sample_rate: 16_000, channels: 1 }, AudioSpec { sample_rate: 48_000, channels: 2 }]
        {
            let mut stage = VoiceStage::new(spec, true, true).unwrap();
            let mut samples = vec![0.1; spec.sample_rate as usize / 100 * usize::from(spec.channels)];
            (0..50).for_each(|_| stage.apply(&mut samples));
            assert!(samples.iter().all(|sample| sample.is_finite()));
        }
        assert!(VoiceStage::new(MONO, false, false).is_none());
    }
}
