//! The mixer: microphone and music in, one unbroken sequence of blocks out, on the session's clock.

use super::limiter::Limiter;
use super::line::Line;
use live_core::{AudioFrame, AudioSpec, Timestamp};
use std::time::Duration;

/// Blocks per second.
const BLOCKS: u32 = 100;

/// How long sound that is due is waited for when its source has not said that it is gone.
const PATIENCE: Duration = Duration::from_millis(500);
/// The same for the first sound: devices take their time to begin.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(2);
/// The same for a file, which is read in real time and whose sound may be stored behind its pictures.
const PATIENCE_WITH_FILES: Duration = Duration::from_millis(1500);

/// How far silence stays behind the clock, so that a source that comes back finds its place free.
const BEHIND: Duration = Duration::from_millis(30);

/// Where the first voice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// A device, or something else that is measured by a clock of its own.
    Device,
    /// Samples that are counted: their times are exact.
    Counted,
}

/// How loud each voice is in the mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gains {
    pub(crate) mic: f32,
    pub(crate) music: f32,
    /// Over everything: 0 when muted.
    pub(crate) master: f32,
}

/// Decides what is heard when: pure, time is an argument.
///
/// While a source gives sound, its times lead. Where it gives none, silence takes its place at the pace of the clock:
/// half a second after the last sound of a source that is expected to give some, at once for one that is gone.
pub(crate) struct Mixer {
    spec: AudioSpec,
    line: Line,
    feed: Feed,
    /// When the source last gave sound, and how far that was behind the clock; `None` while there is no source.
    flow: Option<Flow>,
    /// Sample frames given out.
    given: u64,
    gains: Gains,
    limiter: Limiter,
}

#[derive(Clone, Copy, Debug)]
struct Flow {
    last: Timestamp,
    behind: Duration,
}

impl Mixer {
    /// From a source of layout `input` to blocks of layout `output`. There is no source yet.
    pub(crate) fn new(input: AudioSpec, output: AudioSpec, feed: Feed, gains: Gains) -> Result<Self, String> {
        Ok(Self {
            spec: output,
            line: Line::new(input, output, feed == Feed::Device)?,
            feed,
            flow: None,
            given: 0,
            gains,
            limiter: Limiter::new(output.sample_rate),
        })
    }

    /// Sample frames of a block: 10 ms.
    pub(crate) fn block_frames(&self) -> usize {
        (self.spec.sample_rate / BLOCKS) as usize
    }

    /// A source was opened: its sound is waited for.
    pub(crate) fn source_opened(&mut self, now: Timestamp) {
        self.flow = Some(Flow { last: now, behind: BEHIND });
    }

    /// The source is gone: silence takes its place.
    pub(crate) fn source_gone(&mut self) {
        self.flow = None;
    }

    /// The source has come to its end: what is inside becomes due, filled up to a block.
    pub(crate) fn source_ended(&mut self) {
        self.line.finish(BLOCKS);
    }

    /// Takes sound of the source.
    pub(crate) fn push(&mut self, frame: &AudioFrame, now: Timestamp) {
        if let Some(flow) = &mut self.flow {
            *flow = Flow { last: now, behind: now.saturating_since(frame.pts).max(BEHIND) };
        }
        self.line.push(frame);
    }

    /// The source's next block and its time, when it is due; `block` has the music and the gains still to come.
    pub(crate) fn pull(&mut self, now: Timestamp, block: &mut Vec<f32>) -> Option<Timestamp> {
        match self.flow {
            None => self.line.fill_to(now.offset_micros(-micros(BEHIND))),
            Some(flow) if now.saturating_since(flow.last) > self.patience() => {
                self.line.fill_to(now.offset_micros(-micros(flow.behind)));
            }
            Some(_) => {}
        }
        let frames = self.block_frames();
        if !self.line.take(frames, block) {
            return None;
        }
        let pts = self
            .line
            .start()?
            .offset_micros(Timestamp::from_index(self.given, self.spec.sample_rate).as_micros());
        self.given += frames as u64;
        Some(pts)
    }

    fn patience(&self) -> Duration {
        match (self.feed, self.line.start()) {
            (Feed::Device, None) => PATIENCE_AT_FIRST,
            (Feed::Device, Some(_)) => PATIENCE,
            (Feed::Counted, _) => PATIENCE_WITH_FILES,
        }
    }

    /// Mixes `music` into `block`, each with its gain, and keeps the sum within full scale. A change of a gain is spread
    /// over the block, so that it does not click.
    pub(crate) fn mix(&mut self, block: &mut [f32], music: Option<&[f32]>, gains: Gains) {
        let from = std::mem::replace(&mut self.gains, gains);
        let channels = usize::from(self.spec.channels);
        let frames = block.len() / channels;
        let music = music.unwrap_or_default();
        let (voice, accompaniment) = (
            [from.mic * from.master, gains.mic * gains.master],
            [from.music * from.master, gains.music * gains.master],
        );
        for (index, frame) in block.chunks_mut(channels).enumerate() {
            let way = (index + 1) as f32 / frames as f32;
            let at = |[from, to]: [f32; 2]| from + (to - from) * way;
            let (voice, accompaniment) = (at(voice), at(accompaniment));
            for (channel, sample) in frame.iter_mut().enumerate() {
                let music = music.get(index * channels + channel).copied().unwrap_or(0.0);
                *sample = *sample * voice + music * accompaniment;
            }
        }
        self.limiter.apply(block, self.spec.channels);
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
