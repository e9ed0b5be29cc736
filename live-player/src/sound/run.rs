//! Sound on its way to the device, and how it is played faster or slower with its pitch kept.
//!
//! Nothing is resampled. Sound resembles itself after a period of its voice or its beat: there a piece is left out, or
//! said again, with a short cross-fade between the two places that resemble each other most (the time domain's
//! overlap-add with synchronisation). Between such splices samples pass untouched.

mod splice;

use super::Sound;
use crate::clock::media_micros;
use live_core::{AudioSpec, Timestamp};
use splice::Searcher;
use std::collections::VecDeque;

/// A splice moves by at most this part of a second: a period of the lowest voice.
const LONGEST_PART: u32 = 66;
/// A splice moves by at least this part of a second.
const SHORTEST_PART: u32 = 400;
/// A cross-fade takes this part of a second.
const FADE_PART: u32 = 100;
/// A piece that resembles nothing is waited over until this much is owed, in longest splices.
const PATIENCE: f64 = 2.0;

/// A run of sound: what waits for the device, and a little of what it has been given.
#[derive(Debug)]
pub(crate) struct Run {
    spec: AudioSpec,
    samples: Vec<f32>,
    /// Sample frames at the front that have been given away.
    head: usize,
    /// Which media time frames stand for, ascending.
    marks: VecDeque<Mark>,
    /// Frames that are to be left out; negative: to be added.
    owed: f64,
    /// Before this frame there is no further splice.
    spliced_to: usize,
    searcher: Searcher,
    faded: Vec<f32>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    frame: usize,
    media: Timestamp,
    pace: f64,
}

/// The next piece for the device: one mark's.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) samples: &'a [f32],
    pub(crate) media: Timestamp,
    pub(crate) pace: f64,
}

impl Run {
    pub(crate) fn new(spec: AudioSpec) -> Self {
        Self {
            spec,
            samples: Vec::new(),
            head: 0,
            marks: VecDeque::new(),
            owed: 0.0,
            spliced_to: 0,
            searcher: Searcher::default(),
            faded: Vec::new(),
        }
    }

    pub(crate) const fn spec(&self) -> AudioSpec {
        self.spec
    }

    fn channels(&self) -> usize {
        usize::from(self.spec.channels.max(1))
    }

    fn part(&self, part: u32) -> usize {
        (self.spec.sample_rate / part).max(1) as usize
    }

    fn len(&self) -> usize {
        self.samples.len() / self.channels()
    }

    /// Frames that wait.
    pub(crate) fn left(&self) -> usize {
        self.len() - self.head
    }

    /// Frames that should wait for a splice to be possible.
    pub(crate) fn wanted(&self) -> usize {
        self.part(LONGEST_PART) + self.part(FADE_PART) + 1
    }

    /// The media time of the next frame; `None` when none waits.
    pub(crate) fn pts(&self) -> Option<Timestamp> {
        (self.left() > 0).then(|| self.media_at(self.head))
    }

    /// The media time after all that waits.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        (self.left() > 0).then(|| self.media_at(self.len()))
    }

    fn mark_at(&self, frame: usize) -> Mark {
        let mark = self.marks.iter().rev().find(|mark| mark.frame <= frame).or(self.marks.front());
        mark.copied().unwrap_or(Mark { frame, media: Timestamp::ZERO, pace: 1.0 })
    }

    fn media_at(&self, frame: usize) -> Timestamp {
        let mark = self.mark_at(frame);
        let frames = frame.saturating_sub(mark.frame) as u64;
        mark.media.offset_micros(media_micros(frames, self.spec.sample_rate, mark.pace))
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.marks.clear();
        (self.head, self.spliced_to, self.owed) = (0, 0, 0.0);
    }

    /// Adds sound of the same layout.
    pub(crate) fn push(&mut self, sound: &Sound) {
        self.compact();
        let frame = self.len();
        self.marks.push_back(Mark { frame, media: sound.frame.pts, pace: 1.0 });
        let whole = sound.len() * self.channels();
        self.samples.extend_from_slice(&sound.frame.samples[..whole]);
    }

    /// Gives up what lies before the head, but for what a splice may go back to.
    fn compact(&mut self) {
        let gone = self.head.saturating_sub(self.part(LONGEST_PART));
        if gone == 0 {
            return;
        }
        while self.marks.get(1).is_some_and(|mark| mark.frame <= self.head) {
            self.marks.pop_front();
        }
        if let Some(first) = self.marks.front().filter(|mark| mark.frame < self.head).copied() {
            self.marks[0] = Mark { frame: self.head, media: self.media_at(self.head), pace: first.pace };
        }
        self.samples.drain(..gone * self.channels());
        self.head -= gone;
        self.spliced_to = self.spliced_to.saturating_sub(gone);
        self.marks.iter_mut().for_each(|mark| mark.frame -= gone);
    }

    /// What the device is to be given next; `None` when nothing waits.
    pub(crate) fn piece(&self) -> Option<Piece<'_>> {
        if self.left() == 0 {
            return None;
        }
        let end = self.marks.iter().map(|mark| mark.frame).find(|frame| *frame > self.head);
        let end = end.unwrap_or(usize::MAX).min(self.len());
        let channels = self.channels();
        Some(Piece {
            samples: &self.samples[self.head * channels..end * channels],
            media: self.media_at(self.head),
            pace: self.mark_at(self.head).pace,
        })
    }

    /// Gives up the next `frames`.
    pub(crate) fn advance(&mut self, frames: usize) {
        self.head += frames.min(self.left());
    }

    /// The device has been given `frames`, at `rate` seconds of media to a second of sound.
    pub(crate) fn played(&mut self, frames: usize, rate: f64) {
        self.advance(frames);
        self.owed = if rate == 1.0 { 0.0 } else { self.owed + frames as f64 * (rate - 1.0) };
    }

    /// Leaves out, or says again, a piece at the head when enough is owed and the sound lends itself to it.
    pub(crate) fn splice(&mut self) {
        let longest = self.part(LONGEST_PART);
        if self.owed.abs() < longest as f64 / 2.0 || self.head < self.spliced_to {
            return;
        }
        let fade = self.part(FADE_PART);
        let forward = self.owed > 0.0;
        let lags = self.part(SHORTEST_PART)..longest + 1;
        let possible =
            if forward { self.left() > longest + fade } else { self.head >= longest && self.left() > fade };
        if !possible {
            return;
        }
        let found = self.searcher.search(&self.samples, self.channels(), self.head, fade, lags, forward);
        // When much is owed, the best place has to do, however bad it is.
        let pressing = self.owed.abs() > PATIENCE * longest as f64;
        let Some(lag) = found.lag(pressing) else {
            // Looked at again a fade later.
            self.spliced_to = self.head + fade;
            return;
        };
        if forward { self.leave_out(lag, fade) } else { self.say_again(lag, fade) }
    }

    fn leave_out(&mut self, lag: usize, fade: usize) {
        let (from, to) = (self.head, self.head + lag);
        let (begins, ends) = (self.media_at(from), self.media_at(to + fade));
        self.cross_fade(from, to, fade);
        self.head = to;
        self.remark(begins, fade, ends);
        self.owed -= lag as f64;
    }

    fn say_again(&mut self, lag: usize, fade: usize) {
        let (from, to) = (self.head, self.head - lag);
        let (begins, ends) = (self.media_at(from), self.media_at(from + fade));
        self.cross_fade(from, to, fade);
        self.head = to;
        self.remark(begins, fade + lag, ends);
        self.owed += lag as f64;
    }

    /// From the head on, `frames` take media time from `begins` to `ends`.
    fn remark(&mut self, begins: Timestamp, frames: usize, ends: Timestamp) {
        let head = self.head;
        let end = head + frames;
        let span = Timestamp::from_index(frames as u64, self.spec.sample_rate).as_micros().max(1);
        let pace = ends.micros_since(begins) as f64 / span as f64;
        self.marks.retain(|mark| mark.frame > end);
        self.marks.push_front(Mark { frame: end, media: ends, pace: 1.0 });
        self.marks.push_front(Mark { frame: head, media: begins, pace });
        self.spliced_to = end;
    }

    /// Fades from the sound at `from` to that at `to`, which is written over.
    fn cross_fade(&mut self, from: usize, to: usize, fade: usize) {
        let channels = self.channels();
        // The two overlap.
        self.faded.clear();
        self.faded.extend_from_slice(&self.samples[from * channels..(from + fade) * channels]);
        let into = &mut self.samples[to * channels..(to + fade) * channels];
        let frames = self.faded.chunks_exact(channels).zip(into.chunks_exact_mut(channels));
        for (frame, (old, new)) in frames.enumerate() {
            let part = (frame as f32 + 0.5) / fade as f32;
            for (old, new) in old.iter().zip(new) {
                *new = *old * (1.0 - part) + *new * part;
            }
        }
    }
}

#[cfg(test)]
mod tests;
