//! Keeps a sound device supplied, and reads the time off it.

mod run;

use crate::clock::ClockMap;
use crate::decoded::DecodedQueue;
use live_core::{AudioFrame, AudioSink, AudioSpec, SinkError, Timestamp};
use run::Run;
use std::time::{Duration, Instant};

/// Smaller gaps and overlaps are rounding, or one lost access unit: they are played over, and the clock follows.
const TOLERATED_MICROS: i64 = 40_000;
/// Where motion starts, sound is placed this exactly.
const EXACT_MICROS: i64 = 500;
/// A longer gap is skipped when no picture is to be shown in it.
const SKIPPED_MICROS: i64 = 1_000_000;
/// Silence that stands in for a missing track is written this far ahead: the track may return at any time.
const SILENCE_AHEAD: Duration = Duration::from_millis(40);
/// A sink without a clock of its own is supplied this far ahead.
const UNCLOCKED_AHEAD_MICROS: i64 = 200_000;

/// Decoded sound with its layout.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) spec: AudioSpec,
    pub(crate) frame: AudioFrame,
}

impl Sound {
    /// Sample frames.
    pub(crate) fn len(&self) -> usize {
        self.frame.samples.len() / usize::from(self.spec.channels.max(1))
    }
}

/// What the line is to know of the rest of the player.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Supply {
    /// Media time now, by whatever clock.
    pub(crate) position: Timestamp,
    /// The next picture to be shown.
    pub(crate) picture: Option<Timestamp>,
    /// No sound comes, and the clock is to go on.
    pub(crate) silence: bool,
    /// Seconds of media to a second of sound.
    pub(crate) rate: f64,
}

/// A sound device with what waits for it.
pub(crate) struct SoundLine {
    sink: Option<Box<dyn AudioSink>>,
    incoming: DecodedQueue<Sound>,
    /// Taken from the queue and not yet written.
    run: Run,
    open: Option<Open>,
    scratch: Vec<f32>,
}

struct Open {
    spec: AudioSpec,
    map: ClockMap,
    /// No sound has been written since motion started, or since silence stood in: it is placed exactly.
    is_fresh: bool,
}

impl Open {
    fn start(&mut self, from: Timestamp) {
        self.map.restart(from);
        self.is_fresh = true;
    }
}

impl SoundLine {
    pub(crate) fn new(sink: Box<dyn AudioSink>, incoming: DecodedQueue<Sound>) -> Self {
        let run = Run::new(AudioSpec { sample_rate: 48_000, channels: 1 });
        Self { sink: Some(sink), incoming, run, open: None, scratch: Vec::new() }
    }

    /// When the next sound that waits is to be heard.
    pub(crate) fn front(&self) -> Option<Timestamp> {
        self.run.pts().or_else(|| self.waiting().map(|(pts, _)| pts))
    }

    fn waiting(&self) -> Option<(Timestamp, AudioSpec)> {
        let [waiting, _] = self.incoming.peek(|sound| (sound.frame.pts, sound.spec));
        waiting
    }

    /// Motion starts at `from`, or goes on there.
    pub(crate) fn start(&mut self, from: Timestamp) {
        if self.run.pts().is_some_and(|pts| pts < from) {
            self.run.clear();
        }
        if let Some(open) = &mut self.open {
            open.start(from);
        }
    }

    /// Motion has stopped: what waits is not going to be heard.
    pub(crate) fn freeze(&mut self) {
        self.run.clear();
    }

    /// The media time that is heard; `None` when the device has no clock, or there is no sound.
    pub(crate) fn heard(&mut self, now: Instant) -> Option<Timestamp> {
        let position = self.sink.as_ref()?.position()?;
        self.open.as_mut()?.map.heard(position, now)
    }

    /// Whether nothing waits to be written or heard.
    pub(crate) fn is_dry(&self, now: Instant) -> bool {
        let position = self.sink.as_ref().and_then(|sink| sink.position());
        let heard = match (&self.open, position) {
            (Some(open), Some(position)) => open.map.is_dry(position, now),
            _ => true,
        };
        heard && self.front().is_none()
    }

    /// Gives the device what it has room for. An error means that it is gone for good.
    pub(crate) fn supply(&mut self, now: Instant, supply: &Supply) -> Result<(), SinkError> {
        let result = self.try_supply(now, supply);
        if result.is_err() {
            self.sink = None;
        }
        result
    }

    fn try_supply(&mut self, now: Instant, supply: &Supply) -> Result<(), SinkError> {
        loop {
            if self.sink.is_none() {
                self.drop_due(supply.position);
                return Ok(());
            }
            if self.run.left() == 0 {
                let Some((_, spec)) = self.waiting() else { break };
                if !self.ensure_open(now, spec, supply)? {
                    return Ok(());
                }
                self.take_in(spec);
            }
            if supply.rate != 1.0 {
                self.stretch();
            }
            if !self.write_piece(supply)? {
                return Ok(());
            }
        }
        if supply.silence { self.write_silence_ahead(now) } else { Ok(()) }
    }

    /// Without a device sound is dropped in its time, so that the decoder does not run ahead.
    fn drop_due(&mut self, position: Timestamp) {
        self.run.clear();
        while self.waiting().is_some_and(|(pts, _)| pts <= position) {
            self.incoming.pop();
        }
    }

    /// Takes the next decoded sound, of layout `spec`, into the run.
    fn take_in(&mut self, spec: AudioSpec) {
        if self.run.spec() != spec {
            self.run = Run::new(spec);
        }
        if let Some(sound) = self.incoming.pop() {
            self.run.push(&sound);
        }
    }

    /// Plays the run faster or slower, as far as enough sound waits for it.
    fn stretch(&mut self) {
        while self.run.left() < self.run.wanted()
            && let Some((pts, spec)) = self.waiting()
            && spec == self.run.spec()
            && self.run.end().is_some_and(|end| pts.micros_since(end).abs() <= TOLERATED_MICROS)
        {
            self.take_in(spec);
        }
        self.run.splice();
    }

    /// Opens the device for the layout of what is to come. `false`: later, when it has played what it has.
    fn ensure_open(&mut self, now: Instant, spec: AudioSpec, supply: &Supply) -> Result<bool, SinkError> {
        let Some(sink) = &mut self.sink else { return Ok(false) };
        let from = match &self.open {
            Some(open) if open.spec == spec => return Ok(true),
            Some(open) if sink.position().is_some_and(|position| !open.map.is_dry(position, now)) => {
                return Ok(false);
            }
            Some(open) => open.map.next().unwrap_or(supply.position),
            None => supply.position,
        };
        sink.open(spec)?;
        let open = self.open.insert(Open { spec, map: ClockMap::new(spec.sample_rate), is_fresh: true });
        open.start(from);
        Ok(true)
    }

    /// Writes the next piece of the run, after silence where there is a gap. `false` when the device is full.
    fn write_piece(&mut self, supply: &Supply) -> Result<bool, SinkError> {
        let (Some(sink), Some(open), Some(piece)) = (&mut self.sink, &mut self.open, self.run.piece()) else {
            return Ok(false);
        };
        let (rate, channels) = (open.spec.sample_rate, usize::from(open.spec.channels.max(1)));
        let next = open.map.next().unwrap_or(supply.position);
        if sink.position().is_none() && next.micros_since(supply.position) > UNCLOCKED_AHEAD_MICROS {
            return Ok(false);
        }
        let gap = piece.media.micros_since(next);
        let tolerated = if open.is_fresh { EXACT_MICROS } else { TOLERATED_MICROS };
        let frames = piece.samples.len() / channels;
        if gap < -tolerated {
            self.run.advance(frames_of(gap.saturating_neg(), rate).clamp(1, frames));
            return Ok(true);
        }
        let nothing_to_see = supply.picture.is_none_or(|picture| picture >= piece.media);
        let skipped = gap > SKIPPED_MICROS && nothing_to_see;
        if gap > tolerated && !skipped {
            let wanted = frames_of(gap, rate).min(rate as usize / 10).max(1);
            let written = sink.write(zeros(&mut self.scratch, wanted * channels))?;
            open.map.wrote(written as u64, next, 1.0);
            open.is_fresh = true;
            return Ok(written == wanted);
        }
        let written = sink.write(piece.samples)?;
        open.map.wrote(written as u64, piece.media, piece.pace);
        open.is_fresh &= written == 0;
        self.run.played(written, supply.rate);
        Ok(written == frames)
    }

    fn write_silence_ahead(&mut self, now: Instant) -> Result<(), SinkError> {
        let (Some(sink), Some(open)) = (&mut self.sink, &mut self.open) else { return Ok(()) };
        let Some(position) = sink.position() else { return Ok(()) };
        let Some(next) = open.map.next() else { return Ok(()) };
        let heard = open.map.heard(position, now).unwrap_or(next);
        let short = SILENCE_AHEAD.saturating_sub(next.saturating_since(heard));
        let wanted = frames_of(i64::try_from(short.as_micros()).unwrap_or(0), open.spec.sample_rate);
        let written =
            sink.write(zeros(&mut self.scratch, wanted * usize::from(open.spec.channels.max(1))))?;
        open.map.wrote(written as u64, next, 1.0);
        open.is_fresh = true;
        Ok(())
    }

    /// Ends the device.
    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.take().map_or(Ok(()), |mut sink| sink.finish())
    }
}

fn frames_of(micros: i64, rate: u32) -> usize {
    let frames = u128::from(micros.unsigned_abs()) * u128::from(rate) / 1_000_000;
    usize::try_from(frames).unwrap_or(usize::MAX)
}

fn zeros(scratch: &mut Vec<f32>, len: usize) -> &[f32] {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    &scratch[..len]
}
