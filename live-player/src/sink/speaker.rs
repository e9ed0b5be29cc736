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
mod output;
mod tap;

use device::{Keeper, Line, RING, UNPACED};
use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use output::Output;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

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
/// *Standstill.* While a device asks for no sound for 300 ms, as sound servers do that are slow to begin, the clock goes on
/// without it, and what is late by then is not heard.
///
/// *No card.* Opening fails with the reason, and the player goes on without sound; or, with
/// [`or_unheard`](Self::or_unheard), as after a loss. A device that takes sound without
/// pacing it, as ALSA's `null` does, is not accepted.
///
/// The callback does not allocate, wait or lock. Not moved between threads: a thread of its own keeps the device.
///
/// The tests of this project run on machines without a card: they try refusal, selection, conversion and the ring. By hand
/// it was tried on ALSA's loopback driver in a virtual machine, where pictures and sound were within 3 ms, and on PulseAudio,
/// whose end it survives.
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
    output: Output,
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

impl Open {
    /// Goes over to another device, or to none, when the keeper says so.
    fn follow(&mut self, now: Instant) -> Result<(), SinkError> {
        if let Some(line) = self.keeper.change() {
            self.output.replace(line, now)?;
        }
        // Judged after the change: it would be the next device that is distrusted.
        if self.output.is_unpaced(now) {
            self.keeper.distrust(UNPACED);
        }
        Ok(())
    }
}

impl AudioSink for Speaker {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        self.open = None;
        let (keeper, line) = self.connect(spec)?;
        let line = match (line, &mut self.missing) {
            (Ok(line), _) => Some(line),
            (Err(error), None) => return Err(error),
            (Err(error), Some(missing)) => {
                missing(&error);
                None
            }
        };
        let output = Output::new(line, spec, Instant::now())?;
        self.open = Some(Open { keeper, output });
        Ok((RING.as_millis() * u128::from(spec.sample_rate) / 1_000) as usize)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let open = self.open.as_mut().ok_or_else(|| SinkError::new("speaker", "it was not opened"))?;
        let now = Instant::now();
        open.follow(now)?;
        Ok(open.output.write(samples, now))
    }

    fn position(&self) -> Option<AudioPosition> {
        self.open.as_ref().map(|open| open.output.position(Instant::now()))
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
