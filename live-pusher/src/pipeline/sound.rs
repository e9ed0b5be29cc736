//! Brings sound of any layout into the one the encoder wants, without holes.

mod resample;

use live_core::{AudioFrame, AudioSpec, Timestamp};
use resample::Resampler;
use std::borrow::Cow;

/// A difference between a frame's time and its place in the sample sequence that is mended at once, in µs.
const TOLERANCE: i64 = 40_000;

/// The longest hole that is filled with silence; a longer one starts the sequence afresh.
const LONGEST_FILL: i64 = 10_000_000;

/// Mixes channels, resamples, and makes one gapless sequence whose times come from counting samples.
///
/// A hole of more than 40 ms becomes silence, an overlap of more than 40 ms is cut.
pub(crate) struct Conditioner {
    input: AudioSpec,
    output: AudioSpec,
    resampler: Option<Resampler>,
    sequence: Option<Sequence>,
}

/// A gapless run of samples.
struct Sequence {
    /// The time of its first sample.
    start: Timestamp,
    /// Sample frames taken from the source (and filled in) since.
    taken: u64,
    /// Sample frames given out since.
    given: u64,
}

impl Conditioner {
    /// From `input` to `output`, which has one or two channels.
    pub(crate) fn new(input: AudioSpec, output: AudioSpec) -> Result<Self, String> {
        let resampler = if input.sample_rate == output.sample_rate {
            None
        } else {
            Some(Resampler::new(input.sample_rate, output.sample_rate, output.channels)?)
        };
        Ok(Self { input, output, resampler, sequence: None })
    }

    /// Takes sound and gives what became ready, as one frame; `None` when nothing did.
    pub(crate) fn push(&mut self, frame: &AudioFrame) -> Option<AudioFrame> {
        let samples = self.align(frame);
        let sequence = self.sequence.as_mut()?;
        sequence.taken += samples.len() as u64 / u64::from(self.input.channels.max(1));
        let mut mixed = Vec::with_capacity(samples.len());
        live_codec::downmix(&samples, self.input.channels, self.output.channels, &mut mixed);
        let ready = match &mut self.resampler {
            None => mixed,
            Some(resampler) => resampler.push(&mixed),
        };
        if ready.is_empty() {
            return None;
        }
        let pts = sequence.start.offset_micros(micros(sequence.given, self.output.sample_rate));
        sequence.given += ready.len() as u64 / u64::from(self.output.channels);
        Some(AudioFrame { pts, samples: ready })
    }

    /// The frame's samples, with silence before them or their beginning cut so that they follow the last ones.
    fn align<'a>(&mut self, frame: &'a AudioFrame) -> Cow<'a, [f32]> {
        let channels = usize::from(self.input.channels.max(1));
        let rate = self.input.sample_rate;
        let expected = self.sequence.as_ref().map(|seq| seq.start.offset_micros(micros(seq.taken, rate)));
        let off = expected.map_or(i64::MAX, |expected| frame.pts.micros_since(expected));
        if off.saturating_abs() <= TOLERANCE {
            return Cow::Borrowed(&frame.samples);
        }
        if off.saturating_abs() > LONGEST_FILL {
            self.restart_at(frame.pts);
            return Cow::Borrowed(&frame.samples);
        }
        let frames = (off.unsigned_abs() * u64::from(rate) / 1_000_000) as usize;
        if off < 0 {
            let cut = (frames * channels).min(frame.samples.len());
            return Cow::Borrowed(&frame.samples[cut..]);
        }
        let mut filled = vec![0.0; frames * channels];
        filled.extend_from_slice(&frame.samples);
        Cow::Owned(filled)
    }

    /// Begins a new sequence.
    fn restart_at(&mut self, start: Timestamp) {
        self.sequence = Some(Sequence { start, taken: 0, given: 0 });
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
    }
}

fn micros(frames: u64, rate: u32) -> i64 {
    Timestamp::from_index(frames, rate).as_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };
    const STEREO_44: AudioSpec = AudioSpec { sample_rate: 44_100, channels: 2 };

    fn frame(millis: i64, samples: Vec<f32>) -> AudioFrame {
        AudioFrame { pts: Timestamp::from_millis(millis), samples }
    }

    #[test]
    fn times_come_from_counting_samples_whatever_the_jitter() {
        let mut conditioner = Conditioner::new(MONO, MONO).unwrap();
        for index in 0..100 {
            let jitter = index * 7 % 30 - 15;
            let jitter = if index == 0 { 0 } else { jitter };
            let out = conditioner.push(&frame(index * 20 + jitter, vec![0.1; 960])).unwrap();
            assert_eq!(out.pts, Timestamp::from_millis(index * 20));
            assert_eq!(out.samples.len(), 960);
        }
    }

    #[test]
    fn a_hole_becomes_silence_and_an_overlap_is_cut() {
        let mut conditioner = Conditioner::new(MONO, MONO).unwrap();
        conditioner.push(&frame(0, vec![0.5; 4800]));
        let filled = conditioner.push(&frame(200, vec![0.5; 4800])).unwrap();
        assert_eq!(filled.pts, Timestamp::from_millis(100));
        assert_eq!(filled.samples.iter().filter(|sample| **sample == 0.0).count(), 4800);
        let cut = conditioner.push(&frame(250, vec![0.5; 4800])).unwrap();
        assert_eq!((cut.pts, cut.samples.len()), (Timestamp::from_millis(300), 2400));
    }

    #[test]
    fn resampling_keeps_time_and_pitch() {
        let mut conditioner = Conditioner::new(STEREO_44, MONO).unwrap();
        let mut out = Vec::new();
        for block in 0..100u32 {
            let samples = (0..441u32).flat_map(|n| {
                let t = f64::from(block * 441 + n) / 44_100.0;
                [(t * 1000.0 * std::f64::consts::TAU).sin() as f32 * 0.5; 2]
            });
            let pts = Timestamp::from_millis(i64::from(block) * 10);
            if let Some(frame) = conditioner.push(&AudioFrame { pts, samples: samples.collect() }) {
                assert_eq!(frame.pts, Timestamp::from_index(out.len() as u64, 48_000));
                out.extend(frame.samples);
            }
        }
        assert!(out.len() > 47_000, "a second less the resampler's delay: {}", out.len());
        let error = |(n, sample): (usize, &f32)| {
            let t = n as f64 / 48_000.0;
            (f64::from(*sample) - (t * 1000.0 * std::f64::consts::TAU).sin() * 0.5).abs()
        };
        let worst = out.iter().enumerate().skip(1000).take(44_000).map(error).fold(0.0, f64::max);
        // The filter's delay is not a whole number of samples: up to half a sample, 10 µs, remains.
        let half_a_sample = 0.5 * 1000.0 * std::f64::consts::TAU * 0.5 / 48_000.0;
        assert!(worst < half_a_sample + 1e-3, "the tone is where it was: worst error {worst}");
    }
}
