//! Sound from the machine's loudspeaker, through cpal: ALSA on Linux, CoreAudio, WASAPI. Feature `speaker`.
//!
//! ```no_run
//! use live_player::{LivePlayer, sink::Speaker};
//!
//! # fn play() -> Result<(), live_player::BuildError> {
//! let player = LivePlayer::builder("rtmp://127.0.0.1/live/demo").audio_sink(Speaker::new).build()?;
//! # Ok(()) }
//! ```

mod choice;
mod convert;
mod device;
mod feed;
mod tap;

use super::null;
use convert::Converter;
use device::{Keeper, Line, RING, UNPACED};
use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Plays sound on the system's default device.
///
/// *Layout.* A device that does not take the stream's rate or channels gets them converted.
///
/// *Start.* The device is opened as soon as the sink is made, beside the connection, and plays silence until there is sound:
/// sound servers take some tenths of a second to begin.
///
/// *Latency.* 100 ms wait in the sink at most, and in the device what it wants, two periods of 10 ms where it can be
/// chosen. Both are in the position, so pictures keep to what is heard.
///
/// *Loss.* When the device goes away, the default of the moment is opened, or the next one that opens; until there is one
/// the sound runs on unheard, and every 2 s another try is made. What the old device held is lost.
///
/// *No card.* Opening fails with the reason, and the player goes on without sound; or, with
/// [`or_unheard`](Self::or_unheard), as after a loss. A device that takes sound without
/// pacing it, as ALSA's `null` does, is not accepted.
///
/// The callback does not allocate, wait or lock. Not moved between threads: a thread of its own keeps the device.
///
/// The tests of this project run on machines without a card: they try refusal, selection, conversion and the ring. By hand
/// it was tried on ALSA's loopback driver in a virtual machine and on PulseAudio, whose end it survives.
pub struct Speaker {
    underruns: Arc<AtomicU64>,
    /// Opens the device before the sound's layout is known.
    early: Option<Keeper>,
    missing: Option<Missing>,
    open: Option<Open>,
}

/// Is told why there is no device.
type Missing = Box<dyn FnMut(&SinkError) + Send>;

/// What most sound has, and every device.
const LIKELY: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

struct Open {
    keeper: Keeper,
    spec: AudioSpec,
    output: Output,
    /// Sample frames of the stream that were taken since the sink was opened.
    taken: u64,
}

enum Output {
    Device(Box<Voice>),
    /// There is none at the moment: sound runs on in its time, unheard. `base` frames came before.
    Nowhere {
        clock: null::Device,
        base: u64,
    },
}

/// A device with what leads to it.
struct Voice {
    line: Line,
    converter: Converter,
    /// In the device's layout, not in the ring yet.
    converted: Vec<f32>,
    /// Sample frames of the stream before this device.
    base: u64,
}

impl Speaker {
    /// The system's default device, which a thread begins to open.
    #[must_use]
    pub fn new() -> Self {
        let underruns = Arc::default();
        // Without a thread the device is opened later, or its failure told then.
        let early = Keeper::start(LIKELY, Arc::clone(&underruns), false).ok();
        Self { underruns, early, missing: None, open: None }
    }

    /// The same device; where there is none, `missing` is called with the reason, and the sound runs on unheard, paced as
    /// a device would, until there is one.
    #[must_use]
    pub fn or_unheard(mut self, missing: impl FnMut(&SinkError) + Send + 'static) -> Self {
        self.missing = Some(Box::new(missing));
        self
    }

    /// The device for sound of this layout: the one that was opened early, where it will do.
    fn connect(&mut self, spec: AudioSpec) -> Result<(Keeper, Result<Line, SinkError>), SinkError> {
        // One that is not good enough is closed first: a device may be open for one only.
        let early = self.early.take().and_then(|keeper| {
            let line = keeper.first().ok().filter(|line| !line.is_second_best(spec))?;
            Some((keeper, Ok(line)))
        });
        early.map_or_else(
            || {
                let keeper = Keeper::start(spec, Arc::clone(&self.underruns), self.missing.is_some())?;
                let line = keeper.first();
                Ok((keeper, line))
            },
            Ok,
        )
    }

    /// Counts, also after the sink was given to a player, how often the device wanted sound and there was none after
    /// there had been some: starvation, a pause and the end of a stream included.
    #[must_use]
    pub fn underruns(&self) -> Underruns {
        Underruns(Arc::clone(&self.underruns))
    }

    /// The device that plays now; `None` before there is one.
    #[must_use]
    pub fn device(&self) -> Option<String> {
        self.open.as_ref().map(|open| open.keeper.name())
    }
}

/// A [`Speaker`]'s underruns. Clones count the same.
#[derive(Clone, Debug)]
pub struct Underruns(Arc<AtomicU64>);

impl Underruns {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Default for Speaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Voice {
    fn new(line: Line, from: AudioSpec, base: u64) -> Result<Self, SinkError> {
        let converter = Converter::new(from, line.spec).map_err(|text| SinkError::new("speaker", text))?;
        Ok(Self { line, converter, converted: Vec::new(), base })
    }

    /// Takes what there is room for, in whole steps but for the last one; returns sample frames.
    fn write(&mut self, samples: &[f32], channels: usize) -> usize {
        let step = self.converter.step() * channels;
        let mut taken = 0;
        while self.flush() && taken < samples.len() {
            let piece = step.min(samples.len() - taken);
            self.converter.push(&samples[taken..taken + piece], &mut self.converted);
            taken += piece;
        }
        taken / channels
    }

    /// Moves what was converted into the ring. `false` when some is left.
    fn flush(&mut self) -> bool {
        let channels = usize::from(self.line.spec.channels.max(1));
        let room = self.line.ring.slots() / channels * channels;
        let count = room.min(self.converted.len());
        if let Ok(chunk) = self.line.ring.write_chunk_uninit(count) {
            chunk.fill_from_iter(self.converted.drain(..count));
        }
        self.converted.is_empty()
    }

    fn position(&self, rate: u32, taken: u64, now: Instant) -> AudioPosition {
        let Some(report) = self.line.tap.read() else {
            return AudioPosition { frames: self.base, at: now, latency: Duration::ZERO };
        };
        let device = u64::from(self.line.spec.sample_rate.max(1));
        let played = u128::from(report.taken) * u128::from(rate) / u128::from(device);
        let played = self.base + u64::try_from(played).unwrap_or(u64::MAX);
        // A resampler keeps the last few samples of a stream to itself.
        let is_over = self.line.tap.is_starved() && self.converted.is_empty();
        let frames = if is_over { taken } else { played.min(taken) };
        AudioPosition { frames, at: report.at, latency: report.latency }
    }
}

impl Open {
    /// Goes over to another device, or to none, when the keeper says so.
    fn follow(&mut self) -> Result<(), SinkError> {
        if let Output::Device(voice) = &self.output
            && voice.line.tap.is_unpaced(voice.line.spec.sample_rate, Instant::now())
        {
            self.keeper.distrust(UNPACED);
        }
        self.output = match self.keeper.change() {
            None => return Ok(()),
            Some(Some(line)) => Output::Device(Box::new(Voice::new(line, self.spec, self.taken)?)),
            Some(None) => {
                Output::Nowhere { clock: null::Device::open(self.spec, Instant::now()), base: self.taken }
            }
        };
        Ok(())
    }
}

impl AudioSink for Speaker {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        self.open = None;
        let (keeper, line) = self.connect(spec)?;
        let output = match (line, &mut self.missing) {
            (Ok(line), _) => Output::Device(Box::new(Voice::new(line, spec, 0)?)),
            (Err(error), None) => return Err(error),
            (Err(error), Some(missing)) => {
                missing(&error);
                Output::Nowhere { clock: null::Device::open(spec, Instant::now()), base: 0 }
            }
        };
        self.open = Some(Open { keeper, spec, output, taken: 0 });
        Ok((RING.as_millis() * u128::from(spec.sample_rate) / 1_000) as usize)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let open = self.open.as_mut().ok_or_else(|| SinkError::new("speaker", "it was not opened"))?;
        open.follow()?;
        let channels = usize::from(open.spec.channels.max(1));
        let taken = match &mut open.output {
            Output::Device(voice) => voice.write(samples, channels),
            Output::Nowhere { clock, .. } => clock.write(samples.len(), Instant::now()),
        };
        open.taken += taken as u64;
        Ok(taken)
    }

    fn position(&self) -> Option<AudioPosition> {
        let open = self.open.as_ref()?;
        let now = Instant::now();
        Some(match &open.output {
            Output::Device(voice) => voice.position(open.spec.sample_rate, open.taken, now),
            Output::Nowhere { clock, base } => {
                let position = clock.position(now);
                AudioPosition { frames: base + position.frames, ..position }
            }
        })
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.open = None;
        Ok(())
    }
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("device", &self.device()).finish_non_exhaustive()
    }
}
