//! A microphone.

use super::{pump, trouble};
use crate::error::{CaptureError, CaptureErrorKind};
use crate::frame::{AudioFrame, AudioSpec};
use crate::queue::FrameSender;
use crate::time::SessionClock;
use crate::traits::{AudioSource, CaptureGuard, SourceInfo, SourceKind};
use std::f64::consts::TAU;

/// Blocks of sound per second.
const BLOCKS: u32 = 100;
/// Pitch of the sound.
const HZ: f64 = 440.0;
/// Its amplitude: −12 dB.
const LEVEL: f64 = 0.25;

const NAME: &str = "scripted microphone";

/// What a microphone does from a certain block of sound on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFault {
    /// It fails for good, as [`FrameSender::fail`] tells.
    Fails(CaptureErrorKind),
    /// It ends by itself, as a file does.
    Ends,
    /// It stays open and gives no samples any more.
    Stalls,
    /// Every sample is exactly zero.
    Zeros,
    /// It works again, after [`Stalls`](Self::Stalls) or [`Zeros`](Self::Zeros).
    Recovers,
}

/// A microphone that hears a tone of 440 Hz until its script says otherwise. It gives a hundred blocks a second.
#[derive(Clone, Debug)]
pub struct Microphone {
    spec: AudioSpec,
    refusal: Option<CaptureErrorKind>,
    faults: Vec<(u64, SoundFault)>,
}

impl Microphone {
    /// A microphone of this layout, at 100 Hz or more.
    #[must_use]
    pub const fn new(spec: AudioSpec) -> Self {
        Self { spec, refusal: None, faults: Vec::new() }
    }

    /// It refuses to open, for this reason.
    #[must_use]
    pub const fn refusing(mut self, kind: CaptureErrorKind) -> Self {
        self.refusal = Some(kind);
        self
    }

    /// After `blocks` hundredths of a second it does this. Several faults come one after the other.
    #[must_use]
    pub fn after(mut self, blocks: u64, fault: SoundFault) -> Self {
        self.faults.push((blocks, fault));
        self
    }
}

impl AudioSource for Microphone {
    fn info(&self) -> SourceInfo {
        let AudioSpec { sample_rate, channels } = self.spec;
        let format = format!("{sample_rate} Hz, {channels} channels");
        SourceInfo { kind: SourceKind::Microphone, name: NAME.to_owned(), format }
    }

    fn spec(&self) -> AudioSpec {
        self.spec
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<AudioFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let format = self.info().format;
        if let Some(kind) = self.refusal {
            return Err(trouble(kind, NAME, &format));
        }
        let Self { spec, faults, .. } = *self;
        let mut out = Some(out);
        pump(NAME, clock, BLOCKS, move |index, pts| {
            let mut fault = SoundFault::Recovers;
            for (_, next) in faults.iter().filter(|(after, _)| *after <= index) {
                fault = *next;
            }
            let samples = match fault {
                SoundFault::Ends => return false,
                SoundFault::Fails(kind) => {
                    if let Some(out) = out.take() {
                        out.fail(trouble(kind, NAME, &format));
                    }
                    return false;
                }
                SoundFault::Stalls => return true,
                SoundFault::Zeros => vec![0.0; tone(index, spec).len()],
                SoundFault::Recovers => tone(index, spec),
            };
            out.as_ref().is_some_and(|out| out.send(AudioFrame { pts, samples }))
        })
    }
}

/// Block `index` of the tone, the same in every channel.
fn tone(index: u64, AudioSpec { sample_rate, channels }: AudioSpec) -> Vec<f32> {
    // Rates that do not divide are cut where the whole samples are.
    let first_of = |block: u64| (block * u64::from(sample_rate)).div_ceil(u64::from(BLOCKS));
    let sample = |index: u64| {
        let seconds = (index % u64::from(sample_rate)) as f64 / f64::from(sample_rate);
        (LEVEL * (TAU * HZ * seconds).sin()) as f32
    };
    (first_of(index)..first_of(index + 1))
        .flat_map(|index| std::iter::repeat_n(sample(index), usize::from(channels)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{ReceiveError, frame_queue};
    use std::time::{Duration, Instant};

    const STEREO: AudioSpec = AudioSpec { sample_rate: 44_100, channels: 2 };

    #[test]
    fn a_microphone_without_faults_keeps_every_promise() {
        crate::conformance::audio_source(&|| Ok(Box::new(Microphone::new(STEREO))));
    }

    #[test]
    fn it_falls_silent_recovers_and_is_unplugged_on_cue() {
        let microphone = Microphone::new(STEREO)
            .after(2, SoundFault::Zeros)
            .after(4, SoundFault::Stalls)
            .after(6, SoundFault::Recovers)
            .after(7, SoundFault::Fails(CaptureErrorKind::Disconnected));
        let (sender, receiver) = frame_queue(64);
        let clock = SessionClock::starting_at(Instant::now());
        let _guard = Box::new(microphone).start(clock, sender).unwrap();
        let mut loud = Vec::new();
        let end = loop {
            match receiver.receive(Duration::from_secs(20)) {
                Ok(AudioFrame { samples, .. }) => loud.push(samples.iter().any(|sample| *sample != 0.0)),
                Err(end) => break end,
            }
        };
        assert_eq!(loud, [true, true, false, false, true]);
        assert!(matches!(end, ReceiveError::Failed(error) if error.kind == CaptureErrorKind::Disconnected));
    }
}
