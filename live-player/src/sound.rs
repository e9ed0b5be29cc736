//! Keeps a sound device supplied, and reads the time off it.

use crate::clock::ClockMap;
use crate::decoded::DecodedQueue;
use live_core::{AudioFrame, AudioSink, AudioSpec, SinkError, Timestamp};
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
    /// Silence is to be heard in place of the sound.
    pub(crate) muted: bool,
}

/// A sound device with what waits for it.
pub(crate) struct SoundLine {
    sink: Option<Box<dyn AudioSink>>,
    incoming: DecodedQueue<Sound>,
    /// Taken from the queue and not yet written in full.
    pending: Option<Pending>,
    open: Option<Open>,
    scratch: Vec<f32>,
}

struct Pending {
    sound: Sound,
    /// Sample frames of it that are done with.
    done: usize,
}

impl Pending {
    fn pts(&self) -> Timestamp {
        let done = Timestamp::from_index(self.done as u64, self.sound.spec.sample_rate);
        self.sound.frame.pts.offset_micros(done.as_micros())
    }

    fn left(&self) -> usize {
        self.sound.len() - self.done
    }

    fn samples(&self) -> &[f32] {
        &self.sound.frame.samples[self.done * usize::from(self.sound.spec.channels)..]
    }
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
        Self { sink: Some(sink), incoming, pending: None, open: None, scratch: Vec::new() }
    }

    /// When the next sound that waits is to be heard.
    pub(crate) fn front(&self) -> Option<Timestamp> {
        let waiting = || self.incoming.peek(|sound| sound.frame.pts)[0];
        self.pending.as_ref().map(Pending::pts).or_else(waiting)
    }

    /// Motion starts at `from`.
    pub(crate) fn start(&mut self, from: Timestamp) {
        if let Some(open) = &mut self.open {
            open.start(from);
        }
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
            if self.pending.as_ref().is_none_or(|pending| pending.left() == 0) {
                self.pending = self.incoming.pop().map(|sound| Pending { sound, done: 0 });
            }
            let Some(pending) = &self.pending else { break };
            if self.sink.is_none() {
                // Without a device sound is dropped in its time, so that the decoder does not run ahead.
                if pending.pts() > supply.position {
                    return Ok(());
                }
                self.pending = None;
            } else if !self.ensure_open(now, supply)? || !self.write_pending(supply)? {
                return Ok(());
            }
        }
        if supply.silence { self.write_silence_ahead(now) } else { Ok(()) }
    }

    /// Opens the device for the layout of what is pending. `false`: later, when it has played what it has.
    fn ensure_open(&mut self, now: Instant, supply: &Supply) -> Result<bool, SinkError> {
        let (Some(sink), Some(pending)) = (&mut self.sink, &self.pending) else { return Ok(false) };
        let spec = pending.sound.spec;
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

    /// Writes what is pending, after silence where there is a gap. `false` when the device is full.
    fn write_pending(&mut self, supply: &Supply) -> Result<bool, SinkError> {
        let (Some(sink), Some(open), Some(pending)) = (&mut self.sink, &mut self.open, &mut self.pending)
        else {
            return Ok(false);
        };
        let (rate, channels) = (open.spec.sample_rate, usize::from(open.spec.channels.max(1)));
        let next = open.map.next().unwrap_or(supply.position);
        if sink.position().is_none() && next.micros_since(supply.position) > UNCLOCKED_AHEAD_MICROS {
            return Ok(false);
        }
        let gap = pending.pts().micros_since(next);
        let tolerated = if open.is_fresh { EXACT_MICROS } else { TOLERATED_MICROS };
        if gap < -tolerated {
            pending.done += frames_of(gap.saturating_neg(), rate).min(pending.left());
            return Ok(true);
        }
        let nothing_to_see = supply.picture.is_none_or(|picture| picture >= pending.pts());
        let skipped = gap > SKIPPED_MICROS && nothing_to_see;
        if gap > tolerated && !skipped {
            let wanted = frames_of(gap, rate).min(rate as usize / 10).max(1);
            let written = sink.write(zeros(&mut self.scratch, wanted * channels))?;
            open.map.wrote(written as u64, next);
            open.is_fresh = true;
            return Ok(written == wanted);
        }
        let samples = pending.samples();
        let written = if supply.muted {
            sink.write(zeros(&mut self.scratch, samples.len()))?
        } else {
            sink.write(samples)?
        };
        open.map.wrote(written as u64, pending.pts());
        open.is_fresh &= written == 0;
        pending.done += written;
        Ok(pending.left() == 0)
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
        open.map.wrote(written as u64, next);
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
