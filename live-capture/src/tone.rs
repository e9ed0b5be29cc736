//! A beep at every whole second of the session timeline, over a quiet base tone.
//!
//! The beep starts with the pattern's flash and lasts as long, so that sound and picture can be compared by ear, by eye
//! and by program.

use crate::pump::{self, Flow, Pace};
use live_core::queue::FrameSender;
use live_core::{
    AudioFrame, AudioSource, AudioSpec, CaptureError, CaptureErrorKind, CaptureGuard, SessionClock,
    SourceInfo, SourceKind, Timestamp,
};
use std::f64::consts::TAU;
use std::time::Instant;

/// How long a beep lasts, in µs.
pub const BEEP_MICROS: u64 = 60_000;
/// The beep's pitch in Hz.
pub const BEEP_HZ: u32 = 1000;
/// The beep's amplitude.
const BEEP_LEVEL: f64 = 0.5;
/// The base tone's pitch in Hz: well away from the beep, and audible on small loudspeakers.
const BASE_HZ: u32 = 220;
/// The base tone's amplitude: −46 dB.
const BASE_LEVEL: f64 = 0.005;
/// Fade at both ends of the beep, in parts of a second, against clicks. The first sample already moves.
const FADE: f64 = 0.001;
/// Blocks of sound per second.
const BLOCKS: u32 = 100;

const NAME: &str = "test tone";

/// Fills `out` with interleaved sound from sample frame `start` of the session timeline on; the same in every channel.
///
/// Pure: any cutting into blocks gives the same sound. What is left of `out` behind the last whole sample frame stays
/// as it is.
pub fn samples(start: u64, spec: AudioSpec, out: &mut [f32]) {
    let channels = usize::from(spec.channels.max(1));
    for (index, frame) in (start..).zip(out.chunks_exact_mut(channels)) {
        frame.fill(sample(index, spec.sample_rate.max(1)));
    }
}

/// The sound at sample frame `index`.
fn sample(index: u64, rate: u32) -> f32 {
    // All frequencies are whole numbers of Hz, so every second is like the first one.
    sound_at((index % u64::from(rate)) as f64 / f64::from(rate))
}

/// The sound at this part of a second.
fn sound_at(in_second: f64) -> f32 {
    let wave = |hz: u32| (TAU * f64::from(hz) * in_second).sin();
    let beep = BEEP_MICROS as f64 / 1e6;
    let envelope = ((beep - in_second) / FADE).min(in_second / FADE).clamp(0.0, 1.0);
    (BASE_LEVEL * wave(BASE_HZ) + BEEP_LEVEL * envelope * wave(BEEP_HZ)) as f32
}

/// The tone as an [`AudioSource`], paced in real time in blocks of 10 ms on a thread of its own.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    spec: AudioSpec,
    ppm: i32,
}

impl Tone {
    /// A source of this layout. An impossible one is told by [`start`](AudioSource::start).
    #[must_use]
    pub const fn new(spec: AudioSpec) -> Self {
        Self { spec, ppm: 0 }
    }

    /// The same with the clock of a cheap sound card: it counts `ppm` millionths more samples per second than it says
    /// (fewer, when negative), from −1000 to 1000. Beeps are on time all the same, as they come from outside.
    #[must_use]
    pub const fn drifting(mut self, ppm: i32) -> Self {
        self.ppm = if ppm < -1000 {
            -1000
        } else if ppm > 1000 {
            1000
        } else {
            ppm
        };
        self
    }
}

impl Default for Tone {
    /// 48 kHz, mono.
    fn default() -> Self {
        Self::new(AudioSpec { sample_rate: 48_000, channels: 1 })
    }
}

impl AudioSource for Tone {
    fn info(&self) -> SourceInfo {
        let AudioSpec { sample_rate, channels } = self.spec;
        SourceInfo {
            kind: SourceKind::Generated,
            name: NAME.to_owned(),
            format: format!("{sample_rate} Hz, {channels} channels"),
        }
    }

    fn spec(&self) -> AudioSpec {
        self.spec
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<AudioFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let Self { spec, ppm } = *self;
        check(spec)?;
        let pace = Pace::starting_at(clock.at(Instant::now()), BLOCKS);
        pump::spawn(NAME, clock, pace, move |index, _| {
            let block = if ppm == 0 { block(index, spec) } else { drifting_block(index, spec, ppm) };
            Flow::go_on_if(out.send(block))
        })
    }
}

fn check(spec: AudioSpec) -> Result<(), CaptureError> {
    let AudioSpec { sample_rate, channels } = spec;
    if (8000..=192_000).contains(&sample_rate) && (1..=8).contains(&channels) {
        return Ok(());
    }
    let message = format!(
        "cannot be made at {sample_rate} Hz with {channels} channels; choose 8000 to 192000 Hz and 1 to 8 channels"
    );
    Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, NAME, message))
}

/// The sound of the `index`-th hundredth of a second.
fn block(index: u64, spec: AudioSpec) -> AudioFrame {
    // Rates such as 11025 Hz do not divide: blocks are then cut where the whole samples are.
    let first_of = |block: u64| (block * u64::from(spec.sample_rate)).div_ceil(u64::from(BLOCKS));
    let (start, end) = (first_of(index), first_of(index + 1));
    let mut samples_out = vec![0.0; (end - start) as usize * usize::from(spec.channels)];
    samples(start, spec, &mut samples_out);
    AudioFrame { pts: Timestamp::from_index(start, spec.sample_rate), samples: samples_out }
}

/// What a clock that is off by `ppm` counts in the `index`-th hundredth of a second, stamped by a clock that is right.
fn drifting_block(index: u64, spec: AudioSpec, ppm: i32) -> AudioFrame {
    let rate = f64::from(spec.sample_rate) * (1.0 + f64::from(ppm) / 1e6);
    let first_of = |block: u64| (block as f64 * rate / f64::from(BLOCKS)).ceil() as u64;
    let frames = first_of(index)..first_of(index + 1);
    let pts = Timestamp::from_micros((frames.start as f64 / rate * 1e6) as i64);
    let samples = frames.flat_map(|frame| {
        let sound = sound_at((frame as f64 / rate).fract());
        std::iter::repeat_n(sound, usize::from(spec.channels))
    });
    AudioFrame { pts, samples: samples.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEREO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

    #[test]
    fn beeps_start_with_every_whole_second_and_end_in_time() {
        let mut second = vec![0.0; 48_000 * 2];
        samples(7 * 48_000 - 4800, STEREO, &mut second);
        let loud = |frames: std::ops::Range<usize>| {
            second[frames.start * 2..frames.end * 2]
                .iter()
                .fold(0.0_f32, |peak, sample| peak.max(sample.abs()))
        };
        assert!(loud(0..4800) < 0.01, "quiet before the second");
        assert!(loud(4800..4848) > 0.1, "a beep within its first millisecond");
        assert!(loud(4848..4800 + 2832) > 0.49);
        assert!(loud(4800 + 2880..48_000) < 0.01, "quiet after 60 ms");
    }

    #[test]
    fn blocks_join_without_a_seam_at_rates_that_do_not_divide() {
        for sample_rate in [11_025, 16_000, 44_100, 48_000] {
            let spec = AudioSpec { sample_rate, channels: 1 };
            let mut whole = vec![0.0; sample_rate as usize];
            samples(u64::from(sample_rate) * 3, spec, &mut whole);
            let blocks: Vec<_> = (300..400).map(|index| block(index, spec)).collect();
            assert_eq!(blocks.iter().flat_map(|block| block.samples.clone()).collect::<Vec<_>>(), whole);
            assert_eq!(blocks[0].pts, Timestamp::from_millis(3000));
        }
    }

    #[test]
    fn a_drifting_clock_counts_more_samples_and_beeps_on_time() {
        let blocks: Vec<_> = (0..100_000).map(|index| drifting_block(index, STEREO, 200)).collect();
        let samples: usize = blocks.iter().map(|block| block.samples.len() / 2).sum();
        assert_eq!(samples, 48_000 * 1000 + 9600);
        assert!(blocks.iter().zip(0..).all(|(block, index)| {
            (0..25).contains(&block.pts.micros_since(Timestamp::from_millis(index * 10)))
        }));
        let beeps = |block: &AudioFrame| block.samples.iter().any(|sample| sample.abs() > 0.1);
        assert!(blocks.iter().enumerate().all(|(index, block)| beeps(block) == (index % 100 < 6)));
    }

    #[test]
    fn impossible_layouts_are_refused_before_anything_starts() {
        for spec in
            [AudioSpec { sample_rate: 0, channels: 1 }, AudioSpec { sample_rate: 48_000, channels: 0 }]
        {
            let (sender, _receiver) = live_core::queue::frame_queue(1);
            let clock = SessionClock::starting_at(Instant::now());
            let error = Box::new(Tone::new(spec)).start(clock, sender).unwrap_err();
            assert_eq!(error.kind, CaptureErrorKind::UnsupportedFormat);
        }
    }
}
