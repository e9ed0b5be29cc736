//! The decoder of one piece: reads, cuts, mixes channels, resamples, and starts over.

use super::{Bgm, Chunk};
use crate::pipeline::sound::resample::Resampler;
use live_codec::sound_file::SoundFile;
use live_core::{AudioSpec, CaptureError, Timestamp};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// Hands out the piece until it ends, or until nobody takes it any more.
pub(super) fn run(music: &Bgm, output: AudioSpec, chunks: &SyncSender<Chunk>) -> Result<(), String> {
    let file = SoundFile::open(&music.file).map_err(told)?;
    let end = match (music.end, file.duration()) {
        (Some(end), Some(length)) => Some(end.min(length)),
        (end, length) => end.or(length),
    };
    if let Some(end) = end.filter(|end| music.start >= *end) {
        return Err(format!("it cannot begin at {:?}, as it ends at {end:?}", music.start));
    }
    if chunks.send(Chunk::Opened(end.map(|end| end - music.start))).is_err() {
        return Ok(());
    }
    let input = file.spec();
    let resampler = (input.sample_rate != output.sample_rate)
        .then(|| Resampler::new(input.sample_rate, output.sample_rate, output.channels))
        .transpose()?;
    let until = music.end.map(|end| Timestamp::ZERO.saturating_add(end));
    Decoder { file, input, output, resampler, until, mixed: Vec::new(), chunks }.play(music)
}

fn told(error: CaptureError) -> String {
    error.to_string()
}

/// The audio worker has dropped its end.
struct NobodyListens;

struct Decoder<'a> {
    file: SoundFile,
    input: AudioSpec,
    output: AudioSpec,
    resampler: Option<Resampler>,
    until: Option<Timestamp>,
    mixed: Vec<f32>,
    chunks: &'a SyncSender<Chunk>,
}

impl Decoder<'_> {
    fn play(mut self, music: &Bgm) -> Result<(), String> {
        let mut last = music.start;
        loop {
            self.file.seek(music.start).map_err(told)?;
            let mut is_empty = true;
            while let Some(frame) = self.file.next_frame().map_err(told)? {
                let wanted = self.wanted(frame.pts, &frame.samples);
                if wanted.is_empty() {
                    break;
                }
                is_empty = false;
                last = frame.pts.saturating_since(Timestamp::ZERO);
                let is_last = wanted.len() < frame.samples.len();
                if self.send(last, wanted).is_err() {
                    return Ok(());
                }
                if is_last {
                    break;
                }
            }
            if is_empty {
                return Err(format!("there is no sound from {:?} on", music.start));
            }
            if !music.looping {
                break;
            }
        }
        // Silence pushes out what is still inside the resampler.
        let tail = self.resampler.as_ref().map_or(0, Resampler::inside);
        let silence = vec![0.0; tail * usize::from(self.input.channels)];
        if self.send(last, &silence).is_ok() {
            // One who does not listen any more has heard enough.
            let _ = self.chunks.send(Chunk::End);
        }
        Ok(())
    }

    /// The part of a run of sound that lies before the end of the piece.
    fn wanted<'s>(&self, pts: Timestamp, samples: &'s [f32]) -> &'s [f32] {
        let Some(until) = self.until else { return samples };
        let left = until.saturating_since(pts).as_micros() as u64;
        let frames =
            usize::try_from(left * u64::from(self.input.sample_rate) / 1_000_000).unwrap_or(usize::MAX);
        let most = frames.saturating_mul(usize::from(self.input.channels));
        &samples[..most.min(samples.len())]
    }

    fn send(&mut self, at: Duration, samples: &[f32]) -> Result<(), NobodyListens> {
        live_codec::downmix(samples, self.input.channels, self.output.channels, &mut self.mixed);
        let mut ready = Vec::new();
        match &mut self.resampler {
            None => ready.extend_from_slice(&self.mixed),
            Some(resampler) => resampler.push(&self.mixed, &mut ready),
        }
        if ready.is_empty() {
            return Ok(());
        }
        self.chunks.send(Chunk::Sound { at, samples: ready }).map_err(|_| NobodyListens)
    }
}
