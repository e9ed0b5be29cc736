//! From the stream's layout to the device's.

use audioadapter_buffers::direct::InterleavedSlice;
use live_core::AudioSpec;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// Steps per second: a resampler works on 10 ms at a time.
const STEPS: u32 = 100;

/// Changes channels and rate of a continuous run of sound. What comes out is aligned with what went in; a resampler
/// holds back up to 10 ms and a few samples.
pub(crate) struct Converter {
    from: AudioSpec,
    to: AudioSpec,
    resampler: Option<Resampler>,
    /// In the stream's rate and the device's channels, not resampled yet.
    pending: Vec<f32>,
}

struct Resampler {
    inner: Async<f32>,
    /// Sample frames of the filter's delay that are still to be skipped.
    skip: usize,
    output: Vec<f32>,
}

impl Converter {
    pub(crate) fn new(from: AudioSpec, to: AudioSpec) -> Result<Self, String> {
        let resampler = (from.sample_rate != to.sample_rate).then(|| Resampler::new(from, to)).transpose()?;
        Ok(Self { from, to, resampler, pending: Vec::new() })
    }

    /// Sample frames that are taken at a time.
    pub(crate) const fn step(&self) -> usize {
        let step = self.from.sample_rate / STEPS;
        if step == 0 { 1 } else { step as usize }
    }

    /// Appends whole sample frames of the stream's layout to `out` in the device's.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let (from, to) = (usize::from(self.from.channels.max(1)), usize::from(self.to.channels.max(1)));
        let step = self.step();
        let Some(resampler) = &mut self.resampler else { return remix(samples, from, to, out) };
        remix(samples, from, to, &mut self.pending);
        let mut used = 0;
        while self.pending.len() - used >= step * to {
            resampler.push(&self.pending[used..used + step * to], to, step, out);
            used += step * to;
        }
        self.pending.drain(..used);
    }
}

impl Resampler {
    fn new(from: AudioSpec, to: AudioSpec) -> Result<Self, String> {
        let ratio = f64::from(to.sample_rate) / f64::from(from.sample_rate);
        let step = (from.sample_rate / STEPS).max(1) as usize;
        let channels = usize::from(to.channels.max(1));
        let parameters = SincInterpolationParameters {
            sinc_len: 96,
            f_cutoff: Some(0.94),
            oversampling_factor: 128,
            interpolation: SincInterpolationType::Cubic,
            window: WindowFunction::BlackmanHarris2,
        };
        let inner = Async::new_sinc(ratio, 1.0, &parameters, step, channels, FixedAsync::Input);
        let inner = inner.map_err(|error| {
            format!("cannot resample from {} Hz to {} Hz: {error}", from.sample_rate, to.sample_rate)
        })?;
        let output = vec![0.0; inner.output_frames_max() * channels];
        Ok(Self { skip: inner.output_delay(), output, inner })
    }

    fn push(&mut self, samples: &[f32], channels: usize, frames: usize, out: &mut Vec<f32>) {
        let room = self.output.len() / channels;
        let input = InterleavedSlice::new(samples, channels, frames).expect("the slice has this many frames");
        let mut output = InterleavedSlice::new_mut(&mut self.output, channels, room)
            .expect("the buffer was made for this many frames");
        let (_, given) = self
            .inner
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("chunk and buffer have the sizes the resampler asks for");
        let skipped = self.skip.min(given);
        self.skip -= skipped;
        out.extend_from_slice(&self.output[skipped * channels..given * channels]);
    }
}

/// Mono goes to the first two channels; stereo becomes mono by its mean; of more, the first ones are kept, and two get
/// what a stereo mix of 5.1 has (ITU-R BS.775: centre and surround at −3 dB), against overload by half.
fn remix(samples: &[f32], from: usize, to: usize, out: &mut Vec<f32>) {
    const MINUS_3_DB: f32 = std::f32::consts::FRAC_1_SQRT_2;
    if from == to {
        return out.extend_from_slice(samples);
    }
    for frame in samples.chunks_exact(from) {
        let start = out.len();
        out.resize(start + to, 0.0);
        let target = &mut out[start..];
        match (frame, &mut *target) {
            ([mono], [left, right, ..]) => (*left, *right) = (*mono, *mono),
            ([left, right, ..], [mono]) => *mono = (left + right) / 2.0,
            // AAC's order of six: left, right, centre, low frequencies, left and right surround.
            ([left, right, centre, _, back_left, back_right, ..], [to_left, to_right]) => {
                *to_left = (left + (centre + back_left) * MINUS_3_DB) / 2.0;
                *to_right = (right + (centre + back_right) * MINUS_3_DB) / 2.0;
            }
            (frame, target) => {
                let kept = frame.len().min(target.len());
                target[..kept].copy_from_slice(&frame[..kept]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(sample_rate: u32, channels: u16) -> AudioSpec {
        AudioSpec { sample_rate, channels }
    }

    #[test]
    fn channels_are_spread_and_mixed() {
        let remixed = |samples: &[f32], from, to| {
            let mut out = Vec::new();
            remix(samples, from, to, &mut out);
            out
        };
        assert_eq!(remixed(&[0.5, -0.5], 1, 2), [0.5, 0.5, -0.5, -0.5]);
        assert_eq!(remixed(&[0.5, -0.5, 1.0, 0.5], 2, 1), [0.0, 0.75]);
        assert_eq!(remixed(&[0.5, 0.25], 2, 4), [0.5, 0.25, 0.0, 0.0]);
        assert_eq!(remixed(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 6, 2), [0.5, 0.0]);
    }

    #[test]
    fn a_sine_keeps_its_place_and_its_shape_at_another_rate() {
        for (from, to) in [(44_100, 48_000), (16_000, 48_000), (48_000, 44_100)] {
            let mut converter = Converter::new(spec(from, 1), spec(to, 2)).unwrap();
            let sine =
                |index: usize, rate: u32| (index as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin();
            let samples: Vec<f32> = (0..from as usize / 2).map(|index| sine(index, from)).collect();
            let mut out = Vec::new();
            // Pieces of any size come to the same.
            samples.chunks(777).for_each(|piece| converter.push(piece, &mut out));
            let frames = out.len() / 2;
            let missing = (to as usize / 2).abs_diff(frames);
            assert!(missing <= to as usize / 50, "{from} to {to}: {missing} frames are missing");
            for (index, frame) in out.chunks_exact(2).enumerate().skip(100) {
                let wrong = (frame[0] - sine(index, to)).abs();
                // A sample frame of the device, 20 µs, is 0.06 where the sine is steepest.
                assert!(wrong < 0.06 && frame[0] == frame[1], "{from} to {to}: {wrong} off at {index}");
            }
        }
    }
}
