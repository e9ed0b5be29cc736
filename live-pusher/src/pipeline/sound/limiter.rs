//! Keeps a mix within full scale.

/// Half-life of the gain's way back, in parts of a second.
const RELEASE: f32 = 0.08;

/// A peak limiter without look-ahead: sound within full scale passes unchanged, to the bit. What is over it turns the
/// gain down at once, for all channels together, and the gain comes back over a fifth of a second, so that loud passages are
/// turned down and not clipped.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    /// How far the peak that the gain makes room for is over full scale; decays.
    over: f32,
    decay: f32,
}

impl Limiter {
    pub(super) fn new(sample_rate: u32) -> Self {
        Self { over: 0.0, decay: 0.5_f32.powf(1.0 / (RELEASE * sample_rate.max(1) as f32)) }
    }

    /// Limits interleaved samples in place. What is not a number becomes silence.
    pub(super) fn apply(&mut self, samples: &mut [f32], channels: u16) {
        for frame in samples.chunks_mut(usize::from(channels.max(1))) {
            let mut loudest = 0.0_f32;
            for sample in frame.iter_mut() {
                if !sample.is_finite() {
                    *sample = 0.0;
                }
                loudest = loudest.max(sample.abs());
            }
            self.over = (self.over * self.decay).max(loudest - 1.0);
            // The last millionth on the way back is not worth a multiplication.
            if self.over > 1e-6 {
                let gain = (1.0 + self.over).recip();
                frame.iter_mut().for_each(|sample| *sample = (*sample * gain).clamp(-1.0, 1.0));
            } else {
                self.over = 0.0;
                frame.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32) -> Vec<f32> {
        (0..48_000).map(|n| level * (n as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin()).collect()
    }

    #[test]
    fn what_is_within_full_scale_passes_unchanged() {
        for level in [0.1, 0.9, 1.0] {
            let mut samples = tone(level);
            Limiter::new(48_000).apply(&mut samples, 1);
            assert_eq!(samples, tone(level));
        }
    }

    #[test]
    fn a_mix_over_full_scale_is_turned_down_and_keeps_its_shape() {
        let mut samples = tone(1.8);
        Limiter::new(48_000).apply(&mut samples, 1);
        assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
        // Behind the attack the wave is the same wave, smaller: clipping would leave 0.1 of distortion.
        let scaled = tone(1.0);
        let distortion: f32 =
            samples[4800..].iter().zip(&scaled[4800..]).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / 43_200.0;
        assert!(distortion.sqrt() < 0.01, "{}", distortion.sqrt());
    }

    #[test]
    fn the_gain_comes_back_after_a_peak() {
        let mut limiter = Limiter::new(48_000);
        limiter.apply(&mut [2.0], 1);
        let mut quiet = vec![0.5; 96_000];
        limiter.apply(&mut quiet, 1);
        assert!(quiet[0] < 0.26 && quiet[9600] > 0.4);
        assert_eq!(quiet[95_999], 0.5);
    }

    proptest::proptest! {
        #[test]
        fn nothing_leaves_full_scale(samples in proptest::collection::vec(proptest::num::f32::ANY, 0..200)) {
            let mut samples = samples;
            Limiter::new(16_000).apply(&mut samples, 2);
            proptest::prop_assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}
