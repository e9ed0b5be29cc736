//! How loud the player is: between the player and any sound device.

use crate::shared::Shared;
use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// From silence to full volume takes this part of a second: nothing clicks.
const RAMPS_PER_SECOND: f32 = 125.0;

/// A factor that one thread sets and another reads.
#[derive(Debug)]
pub(crate) struct Volume(AtomicU32);

impl Default for Volume {
    fn default() -> Self {
        Self(AtomicU32::new(1.0_f32.to_bits()))
    }
}

impl Volume {
    /// Clamped to 0–1; what is not a number changes nothing.
    pub(crate) fn set(&self, volume: f32) {
        if !volume.is_nan() {
            self.0.store(volume.clamp(0.0, 1.0).to_bits(), Relaxed);
        }
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }
}

/// A device behind the player's volume.
pub(crate) struct Fader {
    sink: Box<dyn AudioSink>,
    shared: Arc<Shared>,
    ramp: Ramp,
    channels: usize,
    scaled: Vec<f32>,
}

impl Fader {
    pub(crate) fn new(sink: Box<dyn AudioSink>, shared: Arc<Shared>) -> Self {
        let ramp = Ramp { gain: shared.controls.gain(), step: 1.0 };
        Self { sink, shared, ramp, channels: 1, scaled: Vec::new() }
    }
}

impl AudioSink for Fader {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        self.channels = usize::from(spec.channels.max(1));
        self.ramp.step = RAMPS_PER_SECOND / spec.sample_rate.max(1) as f32;
        self.sink.open(spec)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let target = self.shared.controls.gain();
        if self.ramp.gain == 1.0 && target == 1.0 {
            return self.sink.write(samples);
        }
        self.scaled.clear();
        self.scaled.extend_from_slice(samples);
        self.ramp.scale(&mut self.scaled, self.channels, target);
        let taken = self.sink.write(&self.scaled)?;
        // What was not taken is scaled again when it comes again.
        self.ramp.gain = self.ramp.after(taken, target);
        Ok(taken)
    }

    fn position(&self) -> Option<AudioPosition> {
        self.sink.position()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }
}

/// A gain on its way.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    gain: f32,
    /// The most it changes from one sample frame to the next.
    step: f32,
}

impl Ramp {
    /// The gain `frames` sample frames later.
    fn after(self, frames: usize, target: f32) -> f32 {
        let reach = frames as f32 * self.step;
        self.gain + (target - self.gain).clamp(-reach, reach)
    }

    fn scale(self, samples: &mut [f32], channels: usize, target: f32) {
        for (index, frame) in samples.chunks_mut(channels).enumerate() {
            let gain = self.after(index + 1, target);
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::Controls;
    use std::sync::Mutex;

    /// Takes `room` sample frames at a time and keeps them.
    struct Tape(Arc<Mutex<Vec<f32>>>, usize);

    impl AudioSink for Tape {
        fn open(&mut self, _: AudioSpec) -> Result<usize, SinkError> {
            Ok(self.1)
        }

        fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
            let taken = samples.len().min(2 * self.1);
            self.0.lock().unwrap().extend_from_slice(&samples[..taken]);
            Ok(taken / 2)
        }

        fn position(&self) -> Option<AudioPosition> {
            None
        }

        fn finish(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    #[test]
    fn volume_and_mute_move_smoothly_whatever_the_device_takes_at_a_time() {
        let shared = Arc::new(Shared::new(Controls::new(false, false)));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut fader = Fader::new(Box::new(Tape(Arc::clone(&heard), 7)), Arc::clone(&shared));
        fader.open(AudioSpec { sample_rate: 48_000, channels: 2 }).unwrap();
        let mut play = |frames: usize| {
            let mut left = frames;
            while left > 0 {
                left -= fader.write(&vec![1.0; 2 * left]).unwrap();
            }
            std::mem::take(&mut *heard.lock().unwrap())
        };
        assert!(play(100).iter().all(|sample| *sample == 1.0));
        shared.controls.volume.set(0.25);
        let down = play(2_000);
        shared.controls.set_muted(true);
        let out = play(2_000);
        shared.controls.set_muted(false);
        let back = play(2_000);
        for (part, from, to) in [(&down, 1.0_f32, 0.25_f32), (&out, 0.25, 0.0), (&back, 0.0, 0.25)] {
            let end = part.last().unwrap();
            assert!((end - to).abs() < 1e-6, "it ends at {to}: {end}");
            assert!((part[0] - from).abs() < 0.003);
            let steepest = part.chunks(2).zip(part.chunks(2).skip(1)).map(|(a, b)| (a[0] - b[0]).abs());
            assert!(steepest.fold(0.0, f32::max) < 0.0027, "nothing clicks");
            assert!(part.chunks(2).all(|frame| frame[0] == frame[1]));
        }
    }

    #[test]
    fn what_makes_no_sense_changes_nothing() {
        let volume = Volume::default();
        for (set, expected) in [(0.5, 0.5), (f32::NAN, 0.5), (7.0, 1.0), (-1.0, 0.0)] {
            volume.set(set);
            assert_eq!(volume.get(), expected);
        }
    }
}
