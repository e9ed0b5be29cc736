//! Another sampling rate, and a slightly adjustable one, through rubato's windowed sinc.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable as _, Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

/// Steps per second: resampling adds at most 10 ms of delay.
const STEPS: u32 = 100;

/// Resamples a continuous run of interleaved samples; its delay is taken off, so the first sample out is the first in.
pub(crate) struct Resampler {
    inner: Async<f32>,
    channels: usize,
    /// Sample frames per step.
    chunk: usize,
    pending: Vec<f32>,
    output: Vec<f32>,
    /// Sample frames of the filter's delay that are still to be skipped.
    skip: usize,
    /// Sample frames made so far, those that were skipped included.
    made: u64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32, channels: u16) -> Result<Self, String> {
        let parameters = SincInterpolationParameters {
            sinc_len: 128,
            f_cutoff: Some(0.95),
            oversampling_factor: 128,
            interpolation: SincInterpolationType::Cubic,
            window: WindowFunction::BlackmanHarris2,
        };
        let ratio = f64::from(to) / f64::from(from);
        let chunk = (from / STEPS).max(1) as usize;
        let channels = usize::from(channels);
        let inner = Async::new_sinc(ratio, 1.01, &parameters, chunk, channels, FixedAsync::Input)
            .map_err(|error| format!("cannot resample from {from} Hz to {to} Hz: {error}"))?;
        let output = vec![0.0; inner.output_frames_max() * channels];
        let skip = inner.output_delay();
        Ok(Self { inner, channels, chunk, pending: Vec::new(), output, skip, made: 0 })
    }

    /// Makes sound longer by `factor`, at most 1 %, from the next step on.
    pub(crate) fn stretch(&mut self, factor: f64) {
        self.inner
            .set_resample_ratio_relative(factor.clamp(0.99, 1.01), false)
            .expect("the resampler was made for a hundredth more or less");
    }

    /// How many sample frames everything taken so far comes to, those that are still inside included.
    pub(crate) fn reach(&self) -> f64 {
        let waiting = self.pending.len() / self.channels;
        self.made as f64 + waiting as f64 * self.inner.resample_ratio()
    }

    /// How many sample frames of silence push out all that is inside.
    pub(crate) fn inside(&self) -> usize {
        self.chunk + (self.inner.output_delay() as f64 / self.inner.resample_ratio()).ceil() as usize
    }

    /// Takes samples and appends those that became ready to `ready`.
    pub(crate) fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) {
        self.pending.extend_from_slice(samples);
        let mut used = 0;
        while self.pending.len() / self.channels - used >= self.chunk {
            let given = self.step(used);
            used += self.chunk;
            self.made += given as u64;
            let skipped = self.skip.min(given);
            self.skip -= skipped;
            ready.extend_from_slice(&self.output[skipped * self.channels..given * self.channels]);
        }
        self.pending.drain(..used * self.channels);
    }

    /// Resamples one chunk of `pending` from sample frame `from` on; returns the sample frames written to `output`.
    fn step(&mut self, from: usize) -> usize {
        let chunk = &self.pending[from * self.channels..(from + self.chunk) * self.channels];
        let room = self.output.len() / self.channels;
        let input =
            InterleavedSlice::new(chunk, self.channels, self.chunk).expect("the slice has this many frames");
        let mut output = InterleavedSlice::new_mut(&mut self.output, self.channels, room)
            .expect("the buffer was made for this many frames");
        let (_, given) = self
            .inner
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("chunk and buffer have the sizes the resampler asks for");
        given
    }
}
