//! Listens to what a player plays.

use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use live_player::sink::NullAudio;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The beep is louder than this, everything else of the tone is not.
const LOUD: f32 = 0.2;
/// It was quiet for this part of a second before a beep.
const QUIET_PARTS: u64 = 5;
/// More beeps than this are not kept.
const MOST_BEEPS: usize = 10_000;

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct SoundLog {
    /// When the first sample was heard.
    pub first: Option<Instant>,
    /// When each beep began.
    pub beeps: Vec<Instant>,
}

/// A sound device without a loudspeaker that notes when beeps would be heard.
pub struct Ear {
    device: NullAudio,
    detector: Option<BeepDetector>,
    rate: u32,
    /// Frames written that have something to note and were not heard yet.
    awaited: VecDeque<Awaited>,
    log: Arc<Mutex<SoundLog>>,
}

#[derive(Clone, Copy)]
struct Awaited {
    frame: u64,
    is_beep: bool,
}

impl Ear {
    /// A device that is not open and will write into `log`.
    pub fn new(log: Arc<Mutex<SoundLog>>) -> Self {
        let awaited = VecDeque::new();
        Self { device: NullAudio::new(), detector: None, rate: 0, awaited, log }
    }

    /// Notes what the device has played meanwhile.
    fn listen(&mut self) {
        let Some(position) = self.device.position() else { return };
        while let Some(next) = self.awaited.front().copied().filter(|next| next.frame < position.frames) {
            self.awaited.pop_front();
            let at = heard_at(next.frame, position, self.rate);
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            if !next.is_beep {
                log.first.get_or_insert(at);
            } else if log.beeps.len() < MOST_BEEPS {
                log.beeps.push(at);
            }
        }
    }
}

/// When a frame that has been played was heard.
fn heard_at(frame: u64, position: AudioPosition, rate: u32) -> Instant {
    let since = Duration::from_micros((position.frames - frame) * 1_000_000 / u64::from(rate.max(1)));
    position.at + position.latency - since
}

impl AudioSink for Ear {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        self.detector = Some(BeepDetector::new(spec));
        self.rate = spec.sample_rate;
        self.awaited = VecDeque::from([Awaited { frame: 0, is_beep: false }]);
        self.device.open(spec)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        self.listen();
        let frames = self.device.write(samples)?;
        if let Some(detector) = &mut self.detector {
            let taken = &samples[..frames * detector.channels];
            let beeps = detector.feed(taken).map(|frame| Awaited { frame, is_beep: true });
            self.awaited.extend(beeps);
        }
        Ok(frames)
    }

    fn position(&self) -> Option<AudioPosition> {
        self.device.position()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.listen();
        self.device.finish()
    }
}

/// Finds where beeps begin.
#[derive(Debug)]
pub struct BeepDetector {
    channels: usize,
    /// Sample frames without anything loud that come before a beep.
    quiet: u64,
    next: u64,
    last_loud: u64,
}

impl BeepDetector {
    /// Listens to sound of this layout.
    pub fn new(spec: AudioSpec) -> Self {
        let quiet = u64::from(spec.sample_rate) / QUIET_PARTS;
        Self { channels: usize::from(spec.channels.max(1)), quiet, next: 0, last_loud: 0 }
    }

    /// The frames of `samples`, counted from the first that was ever fed, at which a beep begins.
    ///
    /// A beep that the sound begins with does not count: its beginning may be missing.
    pub fn feed(&mut self, samples: &[f32]) -> impl Iterator<Item = u64> {
        samples.chunks_exact(self.channels).filter_map(move |frame| {
            let index = self.next;
            self.next += 1;
            if frame.iter().all(|sample| sample.abs() < LOUD) {
                return None;
            }
            let begins = index - self.last_loud > self.quiet;
            self.last_loud = index;
            begins.then_some(index)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

    #[test]
    fn the_tone_beeps_once_a_second_within_a_millisecond() {
        let mut samples = vec![0.0; 3 * 48_000 * 2];
        live_capture::tone::samples(48_000 - 12_000, SPEC, &mut samples);
        let mut detector = BeepDetector::new(SPEC);
        let mut beeps = Vec::new();
        for block in samples.chunks(1000) {
            beeps.extend(detector.feed(block));
        }
        assert_eq!(beeps.len(), 3);
        for (beep, expected) in beeps.iter().zip([12_000, 60_000, 108_000]) {
            assert!((expected..expected + 48).contains(beep), "{beep} instead of {expected}");
        }
    }

    #[test]
    fn a_beep_that_the_sound_begins_with_does_not_count() {
        let mut samples = vec![0.0; 48_000];
        live_capture::tone::samples(480, SPEC, &mut samples);
        assert_eq!(BeepDetector::new(SPEC).feed(&samples).count(), 0);
    }

    #[test]
    fn what_was_played_before_the_device_s_report_was_heard_earlier() {
        let at = Instant::now() + Duration::from_secs(1);
        let position = AudioPosition { frames: 4800, at, latency: Duration::from_millis(30) };
        assert_eq!(heard_at(4320, position, 48_000), at + Duration::from_millis(20));
        assert_eq!(heard_at(0, position, 48_000), at - Duration::from_millis(70));
    }
}
