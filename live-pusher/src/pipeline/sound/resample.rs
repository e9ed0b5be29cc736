//! Another sampling rate, through rubato's windowed sinc.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// Sample frames per step: 10 ms at 48 kHz, so that resampling adds little delay.
const CHUNK: usize = 480;

/// Resamples a continuous run of interleaved samples; its delay is taken off, so the first sample out is the first in.
pub(super) struct Resampler {
    inner: Async<f32>,
    channels: usize,
    pending: Vec<f32>,
    output: Vec<f32>,
    /// Sample frames of the filter's delay that are still to be skipped.
    skip: usize,
}

impl Resampler {
    pub(super) fn new(from: u32, to: u32, channels: u16) -> Result<Self, String> {
        let parameters = SincInterpolationParameters {
            sinc_len: 128,
            f_cutoff: Some(0.95),
            oversampling_factor: 128,
            interpolation: SincInterpolationType::Cubic,
            window: WindowFunction::BlackmanHarris2,
        };
        let ratio = f64::from(to) / f64::from(from);
        let channels = usize::from(channels);
        let inner = Async::new_sinc(ratio, 1.01, &parameters, CHUNK, channels, FixedAsync::Input)
            .map_err(|error| format!("cannot resample from {from} Hz to {to} Hz: {error}"))?;
        let output = vec![0.0; inner.output_frames_max() * channels];
        let skip = inner.output_delay();
        Ok(Self { inner, channels, pending: Vec::new(), output, skip })
    }

    /// Forgets what came before.
    pub(super) fn reset(&mut self) {
        self.inner.reset();
        self.pending.clear();
        self.skip = self.inner.output_delay();
    }

    /// Takes samples and gives those that became ready.
    pub(super) fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.pending.extend_from_slice(samples);
        let mut ready = Vec::new();
        let mut used = 0;
        while self.pending.len() / self.channels - used >= CHUNK {
            let given = self.step(used);
            used += CHUNK;
            let skipped = self.skip.min(given);
            self.skip -= skipped;
            ready.extend_from_slice(&self.output[skipped * self.channels..given * self.channels]);
        }
        self.pending.drain(..used * self.channels);
        ready
    }

    /// Resamples one chunk of `pending` from sample frame `from` on; returns the sample frames written to `output`.
    fn step(&mut self, from: usize) -> usize {
        let chunk = &self.pending[from * self.channels..(from + CHUNK) * self.channels];
        let room = self.output.len() / self.channels;
        let input =
            InterleavedSlice::new(chunk, self.channels, CHUNK).expect("the slice has this many frames");
        let mut output = InterleavedSlice::new_mut(&mut self.output, self.channels, room)
            .expect("the buffer was made for this many frames");
        let (_, given) = self
            .inner
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("chunk and buffer have the sizes the resampler asks for");
        given
    }
}
