//! Sound of any layout, made into one gapless sequence that keeps to the times it was captured at.

use super::drift::Drift;
use super::resample::Resampler;
use live_core::{AudioFrame, AudioSpec, Timestamp};
use std::time::Duration;

/// A difference between a frame's time and its place in the sequence that is mended at once, in µs.
const TOLERANCE: i64 = 40_000;

/// A larger difference, in µs, is a source's timeline that was begun anew and not a hole: the sequence goes on.
const LONGEST_HOLE: i64 = 10_000_000;

/// Silence made at a time, in seconds.
const FILL: u32 = 1;

/// Mixes channels, resamples, and makes one gapless sequence of samples.
///
/// A hole of more than 40 ms becomes silence, an overlap of more than 40 ms is cut. What a device's clock is off by is
/// corrected by a slow change of the resampling ratio of at most 0.1 %.
pub(super) struct Line {
    input: AudioSpec,
    output: AudioSpec,
    resampler: Option<Resampler>,
    /// `None` for sources whose samples are counted and not measured.
    drift: Option<Drift>,
    /// The time of the sequence's first sample.
    start: Option<Timestamp>,
    /// What is added to the source's times, in µs: its timeline may be begun anew.
    shift: i64,
    /// Whether the next frame is placed exactly: silence took the place of others.
    realign: bool,
    /// Sample frames of the input, where nothing is resampled.
    taken: u64,
    mixed: Vec<f32>,
    ready: Vec<f32>,
}

impl Line {
    /// From `input` to `output`, which has one or two channels. `device`: times were measured by a clock that may
    /// differ from the session's.
    pub(super) fn new(input: AudioSpec, output: AudioSpec, device: bool) -> Result<Self, String> {
        let resampled = device || input.sample_rate != output.sample_rate;
        let resampler = resampled
            .then(|| Resampler::new(input.sample_rate, output.sample_rate, output.channels))
            .transpose()?;
        Ok(Self {
            input,
            output,
            resampler,
            drift: device.then(Drift::default),
            start: None,
            shift: 0,
            realign: false,
            taken: 0,
            mixed: Vec::new(),
            ready: Vec::new(),
        })
    }

    /// The time at which the sequence began; `None` while it has not.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// Takes sound from the source.
    pub(super) fn push(&mut self, frame: &AudioFrame) {
        let Some(end) = self.end() else {
            self.start = Some(frame.pts);
            return self.append(&frame.samples);
        };
        let mut off = frame.pts.offset_micros(self.shift).micros_since(end);
        if off.saturating_abs() > LONGEST_HOLE {
            tracing::warn!(by_seconds = off / 1_000_000, "a source's timeline jumped; its sound goes on");
            self.shift = self.shift.saturating_sub(off);
            off = 0;
        }
        let slack = if std::mem::take(&mut self.realign) { 0 } else { TOLERANCE };
        let channels = usize::from(self.input.channels.max(1));
        if off.saturating_abs() <= slack {
            let span = self.span(frame.samples.len() / channels);
            if let (Some(drift), Some(resampler)) = (&mut self.drift, &mut self.resampler) {
                resampler.stretch(drift.observe(off as f64 / 1e6, span));
            }
            return self.append(&frame.samples);
        }
        if let Some(drift) = &mut self.drift {
            drift.mended();
        }
        let frames = (off.unsigned_abs() * u64::from(self.input.sample_rate) / 1_000_000) as usize;
        let cut = if off < 0 { (frames * channels).min(frame.samples.len()) } else { 0 };
        if off > 0 {
            self.fill(frames);
        }
        // What is cut to nothing leaves the rest of the overlap to the next frame.
        self.realign = cut > 0 && cut == frame.samples.len();
        self.append(&frame.samples[cut..]);
    }

    /// Puts silence in place of sound that does not come, up to `until`, at most 10 s at a time. Sound that comes late
    /// after all is cut.
    pub(super) fn fill_to(&mut self, until: Timestamp) {
        let end = *self.start.get_or_insert(until);
        let missing = until.micros_since(self.end().unwrap_or(end)).clamp(0, LONGEST_HOLE);
        let frames = missing.unsigned_abs() * u64::from(self.input.sample_rate) / 1_000_000;
        if frames > 0 {
            self.fill(frames as usize);
            self.realign = true;
        }
    }

    /// The source has ended: silence pushes out what is inside, up to a whole block of `1 / blocks` of a second.
    pub(super) fn finish(&mut self, blocks: u32) {
        if self.start.is_some() {
            let inside = self.resampler.as_ref().map_or(0, Resampler::inside);
            self.fill(inside + (self.input.sample_rate / blocks) as usize);
        }
    }

    /// Moves the next `frames` sample frames into `block`; `false`, and nothing moves, when there are fewer.
    pub(super) fn take(&mut self, frames: usize, block: &mut Vec<f32>) -> bool {
        let samples = frames * usize::from(self.output.channels);
        if self.ready.len() < samples {
            return false;
        }
        block.clear();
        block.extend(self.ready.drain(..samples));
        true
    }

    /// The time behind the last sample taken from the source.
    fn end(&self) -> Option<Timestamp> {
        let start = self.start?;
        Some(match &self.resampler {
            None => {
                start.offset_micros(Timestamp::from_index(self.taken, self.input.sample_rate).as_micros())
            }
            Some(resampler) => {
                start.offset_micros((resampler.reach() * 1e6 / f64::from(self.output.sample_rate)) as i64)
            }
        })
    }

    fn span(&self, frames: usize) -> Duration {
        Duration::from_micros(frames as u64 * 1_000_000 / u64::from(self.input.sample_rate.max(1)))
    }

    fn fill(&mut self, mut frames: usize) {
        let channels = usize::from(self.input.channels.max(1));
        let silence = vec![0.0; frames.min((self.input.sample_rate * FILL) as usize) * channels];
        while frames > 0 {
            let now = frames.min(silence.len() / channels);
            self.append(&silence[..now * channels]);
            frames -= now;
        }
    }

    fn append(&mut self, samples: &[f32]) {
        live_codec::downmix(samples, self.input.channels, self.output.channels, &mut self.mixed);
        self.taken += samples.len() as u64 / u64::from(self.input.channels.max(1));
        match &mut self.resampler {
            None => self.ready.extend_from_slice(&self.mixed),
            Some(resampler) => resampler.push(&self.mixed, &mut self.ready),
        }
    }
}

#[cfg(test)]
mod tests;
